"""Protections of the event store on NATS: answers that are old, lost or not whole."""

from functools import partial

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_NATS = partial(Patch, package="interlock_nats_events")
_TESTS = "plugins/nats-events/tests/test_nats_"
_LOST = f"{_TESTS}answers.py::test_an_append_whose_answer_is_lost_is_stored_once[1]"

PATCHES = [
    _NATS(
        "a remembered head is believed",
        "a head is confirmed by a quorum before it is given",
        CodeEdit(
            "Heads._fence",
            "await self._publisher.fence(fence, subject, sequence, deadline)",
            "pass",
        ),
        f"{_TESTS}answers.py::test_a_remembered_head_is_asked_for_again",
    ),
    _NATS(
        "a head that was acknowledged counts as confirmed",
        "a head is confirmed by a fence of the time of asking",
        CodeEdit(
            "Heads.stands",
            """
            fenced = await self._fences.call(subject)
            return fenced.stands and fenced.found is not None and fenced.found.head == head
            """,
            "return True",
        ),
        f"{_TESTS}answers.py::test_a_head_is_confirmed_by_a_quorum",
    ),
    _NATS(
        "a refused fence confirms what is read then",
        "only a fence that a quorum has stored confirms a head",
        CodeEdit("Heads._fence", "Fenced(found, stands=False)", "Fenced(found, stands=True)"),
        f"{_TESTS}answers.py::test_a_head_that_a_refused_fence_was_followed_by_is_fenced_too",
    ),
    _NATS(
        "an old server that is met later is taken",
        "each server that the store is connected to is of a version that can be trusted",
        CodeEdit("Client._connected", "why is not None", "False"),
        f"{_TESTS}checks.py::test_an_old_server_is_refused_after_others_too",
    ),
    _NATS(
        "a fence under way is shared",
        "a fence begins after all who share it have asked",
        CodeEdit(
            "Shared.call",
            "self._waiting.get(key)",
            "self._waiting.get(key) or self._running.get(key)",
        ),
        f"{_TESTS}store.py::test_a_head_asked_for_later_has_a_later_fence",
    ),
    _NATS(
        "a lost answer is forgotten",
        "an append whose answer is lost is looked for",
        CodeEdit(
            "NatsEventStore.append",
            "is_unknown and await self._has(subject, standing, events[0])",
            "False",
        ),
        _LOST,
    ),
    _NATS(
        "a refusal speaks for the attempt before it",
        "after a lost answer nobody says that nothing was stored",
        CodeEdit(
            "NatsEventStore.append", "error.nothing_done and not is_unknown", "error.nothing_done"
        ),
        f"{_TESTS}answers.py::test_a_refusal_after_a_lost_answer_says_nothing",
    ),
    _NATS(
        "a gap is passed over",
        "what a replica lacks is asked for again",
        CodeEdit(
            "_contiguous",
            "sequence > last_sequence or commit.first > first",
            "sequence > last_sequence",
        ),
        f"{_TESTS}answers.py::test_what_a_replica_lacks_is_asked_for_again",
    ),
    _NATS(
        "a stream of one replica is taken",
        "a stream that loses events with a node is refused",
        CodeEdit("_unsafe", 'found.get("num_replicas", 1) < _SAFE_REPLICAS', "False"),
        f"{_TESTS}checks.py::test_fewer_replicas_are_refused",
    ),
    _NATS(
        "the versions that stand are all there were",
        "a deletion is seen whole, though its purge breaks off",
        CodeEdit("Reader.chunks", "max(first, standing.commit.floor)", "first"),
        f"{_TESTS}answers.py::test_a_deletion_that_breaks_off_is_seen_whole[4]",
    ),
]
