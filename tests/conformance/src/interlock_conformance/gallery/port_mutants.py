"""Broken backends that promise more than they do."""

from interlock_conformance.gallery.mutants import Mutant
from interlock_conformance.mutation import CodeEdit

_TAIL = """
async for rows in self.read(aggregate_type, aggregate_id, first=version):
    yield aggregate_id, rows
"""


def _mutant(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    return Mutant(name, killer, CodeEdit(target, before, after), base="network")


PORT_MUTANTS = (
    _mutant(
        "all-tails-from-one-version",
        "EVENTS-057",
        "Events.read_many",
        "first=version",
        "first=max(first.values())",
    ),
    _mutant(
        "an-empty-tail-ends-all",
        "EVENTS-057",
        "Events.read_many",
        _TAIL,
        f"""
if (await self.head(aggregate_type, aggregate_id) or (0,))[0] < version:
    return
{_TAIL}
""",
    ),
    _mutant(
        "tails-by-version",
        "EVENTS-057",
        "Events.read_many",
        "first.items()",
        "[(found, version) for version, found in {v: i for i, v in first.items()}.items()]",
    ),
    _mutant(
        "promises-and-has-no-watch",
        "CACHE-055",
        "Cache.watch",
        "async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:",
        "async def told(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:",
    ),
    _mutant(
        "first-change-is-told",
        "CACHE-056",
        "Cache._listen",
        'changed(json.loads(await connection.told())["changed"])',
        """
        changed(json.loads(await connection.told())["changed"])
        return
        """,
    ),
    _mutant(
        "tells-ids-for-keys",
        "CACHE-056",
        "Cache._listen",
        'json.loads(await connection.told())["changed"]',
        'json.loads(await connection.told())["changed"].rpartition(":")[2]',
    ),
)
