"""Protections of loads during outages, and of what is told of them."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_OUTAGES = "tests/core/test_baselines.py::TestOutages::"
_OBSERVERS = "tests/core/test_observers.py::"
_REPORTS = "tests/core/test_reports.py::"

PATCHES = [
    Patch(
        "a snapshot store that is down fails every load",
        "without on_unavailable = fail the events are replayed",
        CodeEdit(
            "SnapshotReading.read",
            """
            if self._context.registration.fails_without_snapshots:
                raise
            """,
            "raise",
        ),
        f"{_OUTAGES}test_by_default_the_events_are_replayed",
        (15,),
    ),
    Patch(
        "on_unavailable is not looked at",
        "with on_unavailable = fail an outage is no reason to replay",
        CodeEdit(
            "SnapshotReading.read",
            """
            if self._context.registration.fails_without_snapshots:
                raise
            """,
            "",
        ),
        f"{_OUTAGES}test_with_fail_the_load_fails",
        (15,),
    ),
    Patch(
        "a bad record is an outage",
        "a store that is down and a bad record are different things",
        CodeEdit(
            "SnapshotCandidates.__anext__",
            "reading.missed(trace, Reason.UNUSABLE, error)",
            """
            reading.missed(trace, Reason.UNUSABLE, error)
            trace.snapshots_down = True
            """,
        ),
        f"{_OUTAGES}test_a_bad_record_is_no_outage",
        (15,),
    ),
    Patch(
        "replays are not limited",
        "while the snapshot store is down, replay_limit bounds a replay",
        CodeEdit(
            "TailReplay.extend",
            "if tail.limit is not None and tail.fold.folded > tail.limit:",
            "if False:",
        ),
        f"{_OUTAGES}test_up_to_the_replay_limit_events_are_folded",
        (15,),
    ),
    Patch(
        "replays are always limited",
        "the limit holds only while the snapshot store is down",
        CodeEdit(
            "TailReplay.start",
            "trace.snapshots_down or registration.is_always_limited",
            "True",
        ),
        f"{_OUTAGES}test_the_limit_holds_only_while_the_store_is_down",
    ),
    Patch(
        "a store that is down is asked again",
        "one call to a store that is down is enough for a load",
        CodeEdit(
            "SnapshotCandidates.__anext__",
            """
            if trace.snapshots_down:
                break
            """,
            "",
        ),
        f"{_OUTAGES}test_other_revisions_are_not_asked_of_a_store_that_is_down",
        (15,),
    ),
    Patch(
        "a report tells no misses",
        "a report tells each miss with its reason",
        CodeEdit("StateReader.told", "tuple(loaded.trace.misses)", "()"),
        f"{_REPORTS}test_each_miss_has_its_reason",
        (29,),
    ),
    Patch(
        "a report tells nothing of the baseline",
        "a report tells the baseline and how many events were folded onto it",
        CodeEdit(
            "StateReader.told",
            """
            LoadReport(
                aggregate_type=self._context.registration.name,
                aggregate_id=loaded.aggregate_id,
                asked_version=request.version,
                freshness=request.freshness,
                baseline=loaded.source,
                baseline_version=loaded.source_version,
                version=loaded.version,
                events_folded=loaded.events_folded,
                is_current=loaded.is_current,
                misses=tuple(loaded.trace.misses),
                phases=loaded.trace.phases,
                duration=loaded.trace.duration(),
            )
            """,
            """
            LoadReport(
                aggregate_type=self._context.registration.name,
                aggregate_id=loaded.aggregate_id,
                asked_version=request.version,
                freshness=request.freshness,
                baseline=loaded.source,
                baseline_version=loaded.version,
                version=loaded.version,
                events_folded=0,
                is_current=loaded.is_current,
                misses=tuple(loaded.trace.misses),
                phases=loaded.trace.phases,
                duration=loaded.trace.duration(),
            )
            """,
        ),
        f"{_REPORTS}test_a_report_tells_baseline_misses_and_events_folded",
        (29,),
    ),
    Patch(
        "snapshots are not counted",
        "a snapshotter that stopped shows in the counters",
        CodeEdit("SnapshotQueue._put", 'self._reporting.count("snapshot.taken")', ""),
        f"{_REPORTS}test_a_snapshotter_that_stopped_shows_in_the_counters",
        (29,),
    ),
    Patch(
        "an observer fails the load",
        "an observer's exception reaches nobody",
        CodeEdit("Reporting.tell", "self._observer_failed(error, aggregate_id)", "raise"),
        f"{_OBSERVERS}test_an_observers_exception_changes_no_outcome",
    ),
    Patch(
        "what an observer does around an operation fails it",
        "an observer's exception reaches nobody",
        CodeEdit("Reporting._entered", "self._observer_failed(error, aggregate_id)", "raise"),
        f"{_OBSERVERS}test_an_observers_exception_changes_no_outcome",
    ),
    Patch(
        "what an observer does at the end of an operation fails it",
        "an observer's exception reaches nobody",
        CodeEdit("Reporting._leave", "self._observer_failed(error, aggregate_id)", "raise"),
        f"{_OBSERVERS}test_an_observers_exception_changes_no_outcome",
    ),
    Patch(
        "observers are told that one of them failed",
        "one that fails at everything is told nothing of it",
        CodeEdit(
            "Reporting._observer_failed",
            'self._counters["observer.failed", self._type] += 1',
            'self.count("observer.failed")',
        ),
        f"{_OBSERVERS}test_an_observers_exception_changes_no_outcome",
    ),
    Patch(
        "an observer cancels the command",
        "an observer's exception reaches nobody",
        CodeEdit("Reporting.tell", "(Exception, asyncio.CancelledError)", "Exception"),
        f"{_OBSERVERS}test_an_observer_that_cancels_itself_cancels_nobody",
    ),
    Patch(
        "a snapshot is told as a part of another command",
        "a write behind a command is told in its context",
        CodeEdit("_ObservedQueue.write", "self._contexts[key] = copy_context()", "pass"),
        f"{_OBSERVERS}test_a_snapshot_behind_its_command_is_told_as_a_part_of_it",
    ),
    Patch(
        "time is taken for nobody",
        "telling is free where nobody listens",
        CodeEdit("LoadTrace.__init__", "if is_timed:", "if True:"),
        f"{_REPORTS}test_where_nobody_listens_no_time_is_taken",
    ),
]
