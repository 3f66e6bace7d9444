"""Broken backends at the nodes of a cluster: some lag, some agree on nothing or are back early."""

from collections.abc import Iterator

from interlock_conformance.gallery.mutants import Mutant, in_nodes

_AT_FIRST = """
self._is_running = True
whole = self._catch_up

def at_first() -> None:
    self._catch_up = whole

self._catch_up = at_first
"""

# The node is one text for the three kinds: a bug in it is a bug of each.
_OF_THE_NODE = (
    ("two-nodes-are-first", 77, "Node._clashes", "entry.key == other.key", "False"),
    (
        "only-own-writes-clash",
        77,
        "Node._clashes",
        "entry.key == other.key",
        "entry.key == other.key and other.origin is self",
    ),
    ("answers-before-it-has-caught-up", 79, "Node.wake", "self._is_running = True", _AT_FIRST),
    (
        "stopped-and-still-asked",
        79,
        "Node.value",
        "self._expect_running()\nself._catch_up()",
        "if self._is_running:\n    self._catch_up()",
    ),
    (
        "begins-with-what-comes-then",
        145,
        "Node.replace",
        "self._values, self._applied = {}, 0",
        "self._values, self._applied = {}, len(self._log)",
    ),
    (
        "copies-the-last-change",
        145,
        "Node.replace",
        "self._values, self._applied = {}, 0",
        "self._values, self._applied = {}, len(self._log) - 1",
    ),
)
_LAGS = """
self._expect_running()
if self._log[self._applied :] and self._log[-1].origin is not self:
    behind = self._log.pop()
    self._catch_up()
    self._log.append(behind)
else:
    self._catch_up()
"""
_OF_RECORDS = {77: 145, 79: 146, 145: 147}


def _of_the_node() -> Iterator[Mutant]:
    for name, number, *edit in _OF_THE_NODE:
        yield in_nodes(name, f"EVENTS-{number:03}", *edit)
        for kind in ("CACHE", "SNAP"):
            yield in_nodes(name, f"{kind}-{_OF_RECORDS[number]}", *edit)


DOOR_MUTANTS = (
    *_of_the_node(),
    in_nodes(
        "lags-by-one-write",
        "EVENTS-072",
        "Node.value",
        "self._expect_running()\nself._catch_up()",
        _LAGS,
    ),
    in_nodes(
        "lags-by-one-write",
        "CACHE-142",
        "Node.value",
        "self._expect_running()\nself._catch_up()",
        _LAGS,
    ),
    in_nodes(
        "lags-by-one-write",
        "SNAP-140",
        "Node.value",
        "self._expect_running()\nself._catch_up()",
        _LAGS,
    ),
    in_nodes(
        "the-later-one-is-lost",
        "EVENTS-077",
        "Node.commit",
        """
        if not any(self._clashes(entry, other) for other in self._log[seen:]):
            self._log.append(entry)
            return
        """,
        """
        if not any(self._clashes(entry, other) for other in self._log[seen:]):
            self._log.append(entry)
        return
        """,
    ),
    in_nodes(
        "only-equal-rows-clash",
        "EVENTS-078",
        "Node._clashes",
        "entry.key == other.key",
        "entry.key == other.key and bool(entry.parts & other.parts)",
    ),
    in_nodes(
        "deletes-what-its-node-has",
        "EVENTS-078",
        "Events.delete",
        "await self._node.commit((aggregate_type, aggregate_id), decide)",
        """
        decided = decide(await self._node.value((aggregate_type, aggregate_id)))
        await asyncio.sleep(0)
        await self._node.commit((aggregate_type, aggregate_id), lambda _: decided)
        """,
    ),
)
