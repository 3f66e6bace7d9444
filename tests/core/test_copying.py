"""Streams copied from one event store into another, by parts and again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
from interlock._storage.memory import InMemoryEventStore
from interlock.backends import StoredEvent
from interlock.cli.copying import Copied, Copying, _Run
from interlock.errors import BackendUnavailableError, ConfigurationError
from rig_stores import Events
from shell import run_here

ID = UUID(int=5)
START = datetime(2024, 2, 29, 23, 59, 59, 123_456, tzinfo=UTC)


def _events(first: int, last: int) -> list[StoredEvent]:
    return [
        StoredEvent(
            "Order",
            ID,
            version,
            uuid4(),
            "Paid",
            version % 3 + 1,
            START + timedelta(microseconds=version),
            b'{"by": "%d"}' % version,
            bytes([version % 256]) * version,
        )
        for version in range(first, last + 1)
    ]


async def _source(count: int) -> InMemoryEventStore:
    source = InMemoryEventStore()
    await source.append(_events(1, count), after=None)
    return source


def _head(store: InMemoryEventStore) -> tuple[int, UUID]:
    row = store._streams["Order", ID][-1]
    return row.version, UUID(bytes=row.event_id)


async def test_a_stream_is_the_same_in_every_byte() -> None:
    source, target = await _source(1_200), InMemoryEventStore()
    copying = Copying(source, target, "Order")
    await copying.copy(ID)
    await copying.compare(ID)
    assert target._streams == source._streams
    assert copying.outcome == Copied("Order", streams=1, events=1_200)


async def test_a_copy_again_appends_what_was_added_since() -> None:
    source, target = await _source(3), InMemoryEventStore()
    await Copying(source, target, "Order").copy(ID)
    await source.append(_events(4, 7), after=_head(source))
    copying = Copying(source, target, "Order")
    await copying.copy(ID)
    assert (copying.outcome.events, target._streams == source._streams) == (4, True)
    await copying.copy(ID)
    assert copying.outcome.events == 4


async def test_an_archived_stream_keeps_its_versions() -> None:
    source, target = await _source(9), InMemoryEventStore()
    await source.delete("Order", ID, below=4)
    await Copying(source, target, "Order").copy(ID)
    assert target._streams == source._streams


@pytest.mark.parametrize("call", ["append", "appended"])
@pytest.mark.parametrize("done", [0, 1, 2])
async def test_a_copy_that_broke_off_goes_on(call: str, done: int) -> None:
    source, target = await _source(1_200), Events()
    target.then(call, *[None] * done, BackendUnavailableError("gone"))
    with pytest.raises(BackendUnavailableError):
        await Copying(source, target, "Order").copy(ID)
    await Copying(source, target, "Order").copy(ID)
    assert target._streams == source._streams


@pytest.mark.parametrize("length", [2, 5], ids=["shorter", "as-long"])
async def test_another_stream_under_the_id_is_left_alone(length: int) -> None:
    source, target = await _source(length), await _source(5)
    before = dict(target._streams)
    with pytest.raises(ConfigurationError, match="the target's stream ends with version 5"):
        await Copying(source, target, "Order").copy(ID)
    assert target._streams == before


async def test_somebody_who_writes_to_the_target_is_told_of() -> None:
    source, target = await _source(1_200), Events()

    async def intrude() -> None:
        await InMemoryEventStore.append(target, _events(501, 501), after=_head(target))

    target.then("append", None, intrude)
    with pytest.raises(ConfigurationError, match="somebody writes to the target"):
        await Copying(source, target, "Order").copy(ID)


async def test_a_byte_that_differs_is_found() -> None:
    source, target = await _source(9), InMemoryEventStore()
    copying = Copying(source, target, "Order")
    await copying.copy(ID)
    rows = target._streams["Order", ID]
    rows[4] = rows[4]._replace(metadata=rows[4].metadata + b" ")
    await copying.compare(ID)
    assert copying.outcome.different == 1


def test_a_configuration_without_an_event_store_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "target.toml"
    config.write_text("schema = 1\n")
    done = run_here("copy", str(config), "Order", "--config", str(config))
    assert (done.returncode, done.stderr) == (2, f"{config} has no [event_store]\n")


class TestCutOver:
    """Once all is copied nobody writes to the source any more, unless something is wrong."""

    async def _stores(self, count: int = 3) -> tuple[Events, InMemoryEventStore]:
        source = Events()
        await source.append(_events(1, count), after=None)
        return source, InMemoryEventStore()

    async def test_what_was_added_meanwhile_is_copied_and_the_source_is_read_only(self) -> None:
        source, target = await self._stores()
        freeze = source.freeze

        async def appended_before() -> None:
            await InMemoryEventStore.append(source, _events(4, 7), after=_head(source))
            await freeze()

        source.freeze = appended_before  # type: ignore[method-assign] # so that one comes between
        run = _Run(source, target, ["Order"], 4, None)
        await run.cut_over()
        assert run.copyings[0].outcome == Copied("Order", streams=1, events=7)
        assert target._streams == source._streams
        with pytest.raises(BackendUnavailableError, match="is read-only since"):
            await source.append(_events(8, 8), after=_head(source))

    async def test_a_difference_leaves_the_source_as_it_was(self) -> None:
        source, target = await self._stores()
        await Copying(source, target, "Order").copy(ID)
        rows = target._streams["Order", ID]
        rows[0] = rows[0]._replace(metadata=b" ")
        run = _Run(source, target, ["Order"], 4, None)
        await run.cut_over()
        assert run.copyings[0].outcome.different == 1
        assert await source.frozen_since() is None

    async def test_a_stream_that_was_erased_meanwhile_leaves_the_source_as_it_was(self) -> None:
        source, target = await self._stores()
        await Copying(source, target, "Order").copy(ID)
        await source.delete("Order", ID)
        run = _Run(source, target, ["Order"], 4, None)
        await run.cut_over()
        assert run.copyings[0].outcome.only_in_target == 1
        assert await source.frozen_since() is None

    async def test_a_failure_leaves_the_source_as_it_was(self) -> None:
        source, _ = await self._stores()
        target = Events()
        target.then("head", None, None, BackendUnavailableError("gone"))  # once it is frozen
        run = _Run(source, target, ["Order"], 4, None)
        with pytest.raises(BackendUnavailableError, match="gone"):
            await run.cut_over()
        assert await source.frozen_since() is None
