"""The simulation meets what it claims to: each await of the engine, and each fault."""

from collections import Counter

from awaits import Reached, engine_awaits
from history import Call, End
from history_checker import check
from runs import CALM_SEEDS, SEEDS, calm, faulty, hunt
from surroundings import Fault

_NEVER_WAITS = "what it awaits is done without waiting, so that nothing can come in between"
_ARCHIVED = "no stream is archived in these runs"
_NOT_CONFIRMED = "no event store of these runs confirms heads, as those of `HeadsWorld` do"
_NO_FILES = "no events are archived into files in these runs"
_COPIES = "each state here can be copied, and kept as it is"
_RARE = "waits only if a stream changes between two reads; met in longer runs"
_FEW_NOTES = "fewer keys are noted than are remembered"
_NO_REST = "a cache rests in the runs of an outage, of which there are others"
_NOT_OBSERVED = "nobody observes these runs"
_NO_INSPECTION = "nobody looks into what stores have in these runs"
_AT_THE_END = "records are forged at the end of a run, where nothing is disturbed"
_DECLINED = "a load of what a strategy declines seldom finds an entry to remove"
_CLOSING = "closing has something to settle seldom enough"
_FEW_LONG = "many are loaded at once seldom enough while a long replay is under way"
UNREACHED = {
    **{str(each): _NO_INSPECTION for each in engine_awaits() if each.file == "inspecting.py"},
    **{str(each): _NOT_OBSERVED for each in engine_awaits() if each.file == "observed.py"},
    **{str(each): _ARCHIVED for each in engine_awaits() if each.file.startswith("archiv")},
    "forgetting.py Forgetting._delete_archive: async with alone(file)": _NO_FILES,
    "forgetting.py Forgetting._delete_archive: await asyncio.to_thread(file.remove)": _NO_FILES,
    "forgetting.py Forgetting._delete_archive: "
    "await asyncio.to_thread(file.path.parent.exists)": _NO_FILES,
    "breaking.py CacheWithBreaker.read: await self._remove(key, record.stamp)": _FEW_NOTES,
    "breaking.py SnapshotsWithBreaker.revisions: "
    "await self._call(lambda: self.store.revisions(key))": _ARCHIVED,
    "breaking.py CacheWithBreaker.put: await self._settler.removal_ended(key)": _NO_REST,
    "settling.py Settler.removal_ended: await self._removed_one.wait()": _NO_REST,
    "settling.py Settler._remove: "
    "await call_through(self.breaker, store.timeout, partial(store.remove, key))": _NO_REST,
    "settling.py Settler.settle: await asyncio.wait({self._task})": _CLOSING,
    "shadowing.py ShadowChecks._compare: "
    "await self._cache.drop(aggregate_id, record.stamp)": _AT_THE_END,
    "settling.py Settler.settle: "
    "await call_backend(_REMOVE, store.timeout, store.remove(key))": _CLOSING,
    "batch_loading.py BatchLoader.load: "
    "await self._loader.load(aggregate_id, freshness=request.freshness)": _COPIES,
    "cache.py AggregateCache.put: "
    "await self._leave_out(aggregate_id, Reason.NOT_KEPT, error.where)": _COPIES,
    "command_handling.py CommandHandler._commit: "
    "await self._write_back.remove(aggregate_id, answered)": _COPIES,
    "write_back.py WriteBack.remove: await self._cache.drop(aggregate_id)": _COPIES,
    "write_back.py WriteBack.remove: await self._late.write(aggregate_id, drop, answered)": _COPIES,
    "loading.py Loader.load: await self._read_and_keep(aggregate_id, request, alone)": _COPIES,
    "command_handling.py CommandHandler.handle: "
    "await to_the_end(self._commit(loaded, events))": _NEVER_WAITS,
    "stream.py EventStream.append: await append": _NEVER_WAITS,
    "late_writes.py LateWrites._write_in_time: async with asyncio.timeout(None)": _NEVER_WAITS,
    "replay_slots.py ReplaySlots.wait: "
    "async with asyncio.timeout(None if bound is None else bound.total_seconds())": _NEVER_WAITS,
    "batch_loading.py BatchLoader._read_tails: await replay.take_slot(tail, request)": _FEW_LONG,
    "late_writes.py LateWrites.drain: "
    "await asyncio.wait(set().union(*self._under_way.values()))": _CLOSING,
    "write_back.py WriteBack.drain: await self._late.drain()": _CLOSING,
    "write_back.py WriteBack._write: await cache.drop(aggregate_id)": _DECLINED,
    "guard.py call_backend: async with asyncio.timeout(bound.total_seconds())": _NEVER_WAITS,
    "reading.py StateReader._reported: await reading": _NOT_OBSERVED,
    "reading.py StateReader._read: async with aclosing(candidates)": _NEVER_WAITS,
    "rebuilding.py Rebuilding._start: async with aclosing(candidates)": _NEVER_WAITS,
    "snapshot_queue.py SnapshotQueue.write: await self._put(key, record, supersedes)": _NEVER_WAITS,
    "snapshots.py SnapshotHistory.write: "
    "await self._queue.write(record.key, record, supersedes)": _NEVER_WAITS,
    "write_back.py WriteBack._write: "
    "await self._snapshots.write(loaded, supersedes, now)": _NEVER_WAITS,
    "rebuilding.py Rebuilding.rebuild: "
    "async for self._context.stream.streams() if ids is None else _each(ids)": _NEVER_WAITS,
    "replay.py TailReplay._is_confirmed: "
    "await self._context.stream.is_head(baseline.aggregate_id, head)": _NOT_CONFIRMED,
    "replay.py TailReplay.fast_forward: await self._is_confirmed(baseline)": _NOT_CONFIRMED,
    "stream.py EventStream.is_head: await call_backend("
    '"the event store\'s is_head", self.store.timeout, confirmed)': _NOT_CONFIRMED,
    "replay.py TailReplay._not_found: await self._truncated(aggregate_id)": _ARCHIVED,
    "replay.py TailReplay._truncated: await self._snapshots.revisions(aggregate_id)": _ARCHIVED,
    "replay.py TailReplay.replay: await self._truncated(empty.aggregate_id)": _ARCHIVED,
    "snapshots.py SnapshotHistory.revisions: "
    "await call_backend(_REVISIONS, store.timeout, found)": _ARCHIVED,
    "forgetting.py Forgetting._check_stands_alone: "
    "await self._has_first_event(aggregate_id)": _RARE,
    "rebuilding.py Rebuilding.rebuild: await self._context.stream.head(aggregate_id)": _RARE,
    "replay.py TailReplay._not_found: await stream.ids(aggregate_id, following, following)": _RARE,
    "write_back.py WriteBack.drain: await asyncio.wait(self._behind)": _RARE,
}
"""The awaits that needn't be reached, and why."""


def commands(seeds: range) -> list[Call]:
    """The commands of the runs without faults."""
    calls = [call for seed in seeds for call in calm(seed).history.calls]
    return [call for call in calls if call.amounts is not None]


def test_each_await_of_the_engine_is_cancelled_and_crashed_at() -> None:
    reached = Reached()
    for seed in range(SEEDS):
        reached.add(faulty(seed).reached)
    for run in hunt(reached, set(UNREACHED)):
        check(run.history)
    missing = reached.missing()
    for each in sorted(engine_awaits()):  # `pytest -rP` shows them
        marks = [
            "-" if each in missing.cancelled else "cancelled",
            "-" if each in missing.crashed else "crashed",
        ]
        print(*marks, each, UNREACHED.get(str(each), ""))  # noqa: T201 a table for who asks
    unreached = {str(each) for each in missing.cancelled | missing.crashed} - set(UNREACHED)
    assert not unreached


def test_every_fault_is_met() -> None:
    hits = sum((faulty(seed).hits for seed in range(SEEDS)), Counter[Fault]())
    assert set(hits) == set(Fault) - {Fault.NONE}


def test_every_end_of_a_call_is_met() -> None:
    ends = {call.end for seed in range(SEEDS) for call in faulty(seed).history.calls}
    assert ends == set(End) - {End.OPEN, End.UNDOCUMENTED}


def test_without_faults_commands_are_acknowledged() -> None:
    ends = Counter(call.end for call in commands(CALM_SEEDS))
    assert ends[End.ACKNOWLEDGED] >= 0.95 * ends.total(), ends


def test_seeds_give_distinct_histories() -> None:
    histories = {str(faulty(seed).history) for seed in range(SEEDS)}
    assert len(histories) >= 0.9 * SEEDS
