"""The law holds where snapshots stand in a database: the nosy ledger is read from it as it was."""

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from interlock.application import backend
from interlock.domain import Aggregate
from kinds.ways import entry_points_once
from law.calls import Plan, Step
from law.fault_lists import READ_FAULTS, Faults
from law.faults import RecordCache, RecordSnapshots
from law.provoking import histories
from law.steps import plans
from law.world import TYPES, World

AT_LEAST = 10
DETERMINISTIC = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


class SqlWorld(World):
    """Both processes keep their snapshots in one database, which doesn't fail and isn't emptied."""

    def __init__(self, plan: Plan, seen: Counter[str], path: Path) -> None:
        self._path = path
        super().__init__(replace(plan, snapshots="records"), seen)

    def _backends(
        self, kind: str, faults: Faults[Any], records: type[RecordCache | RecordSnapshots]
    ) -> dict[type[Aggregate], Any]:
        if records is RecordCache:
            return super()._backends(kind, faults, records)
        url = f"sqlite:///{self._path}"
        store = backend("sqlalchemy-snapshots", url=url, create_schema=True, synchronous="OFF")
        return dict.fromkeys(TYPES, store)

    def _evict(self, where: str) -> None:
        if where == "cache":
            super()._evict(where)


def test_an_optimisation_in_a_database_never_changes_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock._engine.stream._PAUSE_SECONDS", 0)
    monkeypatch.setattr(logging.getLogger("interlock"), "disabled", True)
    taken: Counter[str] = Counter()

    @DETERMINISTIC
    @given(plan=plans("snapshots"), steps=histories("cache", READ_FAULTS))
    def law(plan: Plan, steps: list[Step]) -> None:
        seen: Counter[str] = Counter()
        path = tmp_path / f"law-{taken['examples']}.db"
        asyncio.run(SqlWorld(plan, seen, path).run(steps))
        taken.update({*seen, "examples"})

    with entry_points_once():
        law()
    wanted = ("baseline snapshot", "snapshot found not-kept", "events restored")
    assert not {name: taken[name] for name in wanted if taken[name] < AT_LEAST}
