"""A stream's first events in a file: nothing is lost wherever it breaks off, and all is read."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock._storage.archive import Archive, ArchiveFile, _event
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    InMemoryAggregateSnapshotStorageBackend,
    Replay,
)
from interlock.backends import EventRow
from interlock.domain import Aggregate
from interlock.errors import (
    ArchiveError,
    BackendUnavailableError,
    ConfigurationError,
    StreamTruncatedError,
    VersionNotFoundError,
)
from operated_shop import Order, Pay
from rig_stores import Events

ID = UUID(int=7)


class Shop:
    """An order of ten payments, whose first ones may be in the folder."""

    def __init__(self, folder: Path | None) -> None:
        self.events = Events()
        self.snapshots = InMemoryAggregateSnapshotStorageBackend(keep=9)
        self.folder = folder

    def app(self, cls: type[Aggregate] = Order) -> Any:
        builder = ApplicationBuilder().register_event_store(self.events)
        if self.folder is not None:
            builder.configure(archive=str(self.folder))
        return builder.register_aggregate(cls, snapshot_backend=self.snapshots).build()

    async def fill(self, *, parts: int = 10, of: UUID = ID) -> None:
        async with self.app() as app:
            await app.dispatch(Pay(aggregate_id=of, parts=parts))
            await app.rebuild_snapshots(Order, [of], every=3)

    async def archive(self, below: int, **options: Any) -> Any:
        async with self.app() as app:
            return await app.archive(Order, ID, below=below, **options)

    async def versions(self, **options: int) -> list[int]:
        async with self.app() as app:
            return [event.version async for event in app.events(Order, ID, **options)]

    def file(self) -> ArchiveFile:
        assert self.folder is not None
        return Archive(self.folder, "default").file("Order", ID)

    def stored(self) -> list[int]:
        return [row.version for row in self.events._streams.get(("Order", ID), [])]


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "archive")
    await shop.fill()
    return shop


async def test_the_first_events_move_and_the_state_stays(shop: Shop) -> None:
    done = await shop.archive(6)
    assert (done.path, done.below, done.events) == (shop.file().path, 6, 5)
    assert shop.stored() == [6, 7, 8, 9, 10]
    async with shop.app() as app:
        assert (await app.load(Order, ID)).total == 10
        assert (await app.load(Order, ID, version=9)).total == 9


async def test_events_are_read_through_as_they_were(shop: Shop) -> None:
    async with shop.app() as app:
        before = [event async for event in app.events(Order, ID)]
        await app.archive(Order, ID, below=6)
        assert [event async for event in app.events(Order, ID)] == before
    for first, last in ((1, 5), (3, 4), (5, 6), (6, 9), (2, 10), (11, 12)):
        expected = [version for version in range(first, last + 1) if version <= 10]
        assert await shop.versions(first=first, last=last) == expected


async def test_what_is_below_is_refused_and_says_where_it_is(shop: Shop) -> None:
    await shop.archive(6)
    async with shop.app() as app:
        for options in ({"version": 5}, {"freshness": Replay()}):
            with pytest.raises(StreamTruncatedError, match=str(shop.file().path)) as caught:
                await app.load(Order, ID, **options)
            assert caught.value.archive == str(shop.file().path)


async def test_an_archive_is_continued(shop: Shop) -> None:
    await shop.archive(4)
    assert (await shop.archive(9)).events == 5
    assert [row.version for row in shop.file().rows()] == [*range(1, 9)]
    assert await shop.versions() == [*range(1, 11)]
    assert (await shop.archive(9)).events == 0


async def test_each_byte_comes_back(tmp_path: Path) -> None:
    rows = [
        EventRow(1, UUID(int=1).bytes, 'a "name"', 3, -(2**62), b'{"a":\n1}', b"\xff\x00\x80"),
        EventRow(2, UUID(int=2).bytes, "ü", 1, 2**62, b"", b'{"next": "\xe2\x80\xa8"}'),
    ]
    file = Archive(tmp_path, "../a b").file(".." * 90, ID)
    with file.writing() as writer:
        writer.extend(rows)
        writer.end((3, UUID(int=3).bytes))  # type: ignore[arg-type] # equal to a Next
    file.replace()
    assert [*file.rows()] == rows
    parts = file.path.relative_to(tmp_path).parts
    assert (len(parts), ".." in parts) == (3, False)


@pytest.mark.parametrize(
    "changed",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
        lambda lines: [*lines[:2], lines[2].replace(b'"amount\\":1', b'"amount\\":9'), *lines[3:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:-1], lines[-1][:-9]],
        lambda _: [],
    ],
    ids=["end", "lost", "moved", "changed", "added", "cut", "empty"],
)
async def test_a_file_that_was_changed_is_no_answer(
    shop: Shop, changed: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = (await shop.archive(6)).path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(changed(lines)))
    with pytest.raises(ArchiveError, match=path.name):
        deque(shop.file().rows())
    with pytest.raises(ArchiveError, match=path.name):
        await shop.versions(last=5)
    with pytest.raises(ArchiveError, match=path.name):
        await shop.archive(8)
    assert shop.stored() == [6, 7, 8, 9, 10]


async def test_a_lost_file_is_an_error_and_not_a_shorter_history(shop: Shop) -> None:
    (await shop.archive(6)).path.unlink()
    with pytest.raises(StreamTruncatedError, match="begins with version 6"):
        await shop.versions()
    assert await shop.versions(first=6) == [6, 7, 8, 9, 10]


class TestRefused:
    """What could lose something is refused, before anything is written or deleted."""

    async def _is_refused(self, shop: Shop, error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            await shop.archive(6)
        assert shop.stored() == [*range(1, 11)]
        assert not shop.file().exists()

    async def test_without_a_snapshot(self, shop: Shop) -> None:
        shop.snapshots = InMemoryAggregateSnapshotStorageBackend()
        await self._is_refused(shop, ArchiveError, "found none .* interlock snapshots take Order")

    async def test_with_an_older_snapshot_only(self, shop: Shop) -> None:
        async with shop.app() as app:
            for version in (10, 9, 6):
                await app.delete_snapshots(Order, ID, version=version)
        await self._is_refused(shop, ArchiveError, "found one of version 3")

    async def test_with_a_snapshot_that_the_events_do_not_give(self, shop: Shop) -> None:
        stream = shop.events._streams["Order", ID]
        stream[1] = stream[1]._replace(payload=b'{"amount":5}')
        await self._is_refused(shop, ArchiveError, r"snapshot of version 10 is wrong: .*total")

    async def test_with_a_computed_revision(self, shop: Shop) -> None:
        del Order.revision
        try:
            await self._is_refused(shop, ArchiveError, "computed revision")
        finally:
            Order.revision = "2"

    async def test_without_snapshots(self, shop: Shop) -> None:
        builder = ApplicationBuilder().register_event_store(shop.events).register_aggregate(Order)
        async with builder.configure(archive=str(shop.folder)).build() as app:
            with pytest.raises(ConfigurationError, match="has no snapshots"):
                await app.archive(Order, ID, below=6)

    async def test_beyond_the_head(self, shop: Shop) -> None:
        with pytest.raises(VersionNotFoundError, match="ends at 10; its last event stays"):
            await shop.archive(11)
        assert (await shop.archive(10)).events == 9

    async def test_where_nobody_would_find_it(self, shop: Shop, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="would find none"):
            await shop.archive(6, to=tmp_path)
        folder, shop.folder = shop.folder, None
        with pytest.raises(ConfigurationError, match="to where"):
            await shop.archive(6)
        assert (await shop.archive(6, to=folder)).events == 5

    async def test_below_what_is_archived_already(self, shop: Shop) -> None:
        await shop.archive(6)
        shop.events._streams["Order", ID][:0] = [*shop.file().rows()]  # as if not deleted yet
        with pytest.raises(ArchiveError, match="below version 6 already"):
            await shop.archive(5)
        assert (await shop.archive(6)).events == 5

    async def test_while_somebody_else_does(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("interlock._engine.archiving._PATIENCE_SECONDS", 0.0)
        with shop.file().alone() as is_alone:
            assert is_alone
            with pytest.raises(ArchiveError, match="written by somebody else"):
                await shop.archive(6)
        assert (await shop.archive(6)).events == 5


class TestBrokenOff:
    """Wherever it breaks off, all events are read, and the same again completes it."""

    @pytest.mark.parametrize("done", range(7))
    async def test_by_the_event_store(self, shop: Shop, done: int) -> None:
        calls = [("head", 0), ("read", done), ("delete", 0), ("deleted", 0)]
        for call, skipped in calls:
            shop.events.then(call, *[None] * skipped, BackendUnavailableError("gone"))
            with suppress(BackendUnavailableError):
                await shop.archive(6)
            shop.events._steps.clear()
            assert await shop.versions() == [*range(1, 11)], call
        assert (await shop.archive(6)).below == 6
        assert await shop.versions() == [*range(1, 11)]
        assert shop.stored() == [6, 7, 8, 9, 10]

    @pytest.mark.parametrize("name", ["extend", "end", "replace", "lines"])
    async def test_by_the_disk(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        await shop.archive(3)

        def full(*_: object) -> None:
            raise OSError("no space left")

        owner = "ArchiveFile" if name in {"replace", "lines"} else "ArchiveWriter"
        with monkeypatch.context() as patch:
            patch.setattr(f"interlock._storage.archive.{owner}.{name}", full)
            with pytest.raises((ArchiveError, OSError), match="no space left"):
                await shop.archive(6)
        assert await shop.versions() == [*range(1, 11)]
        await shop.archive(6)
        assert await shop.versions() == [*range(1, 11)]

    async def test_what_was_written_wrong_deletes_nothing(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def other(row: EventRow) -> dict[str, object]:
            return _event(row) | {"payload": "{}"}

        with monkeypatch.context() as patch:
            patch.setattr("interlock._storage.archive._event", other)
            with pytest.raises(ArchiveError, match="isn't the event"):
                await shop.archive(6)
        assert shop.stored() == [*range(1, 11)]


class TestForgotten:
    """An aggregate that is forgotten with its events is forgotten in its archive, too."""

    async def test_its_archive_goes(self, shop: Shop) -> None:
        await shop.archive(6)
        async with shop.app() as app:
            await app.forget(Order, ID, events=True)
        assert not shop.file().exists()
        assert await shop.versions() == []

    async def test_the_archive_of_an_earlier_stream_is_none_of_a_later_one(
        self, shop: Shop
    ) -> None:
        await shop.archive(6)
        del shop.events._streams["Order", ID]  # by somebody who knows of no archive
        assert await shop.versions() == []
        shop.snapshots = InMemoryAggregateSnapshotStorageBackend(keep=9)
        await shop.fill()
        with pytest.raises(ArchiveError, match="another stream"):
            await shop.archive(6)
        await shop.events.delete("Order", ID, below=6)
        with pytest.raises(ArchiveError, match="another stream"):
            await shop.versions()
        with pytest.raises(ArchiveError, match="another stream"):
            await shop.versions(last=5)
