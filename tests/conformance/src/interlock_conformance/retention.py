"""What retention of snapshots covers: all revisions of a type, of one namespace, by their time."""

from interlock.backends import RecordKey, SnapshotStore
from interlock_conformance.checks import IF, KEEPS, check, expect
from interlock_conformance.harness import SnapshotHarness
from interlock_conformance.records import DIARY
from interlock_conformance.snapshots import kept_versions, put_versions, scope_of

_VERSIONS = (8, 9, 10)
_OTHER_REVISION = "conformance-2"
_BY_TIME = "order revisions by the greatest `taken_at` of their records, and by nothing else"


@check(
    "SNAP-129",
    IF("durable", "keep"),
    others="the scope's revision is none of the conditions; partition by revision when counting",
)
async def prune_is_of_all_revisions(harness: SnapshotHarness) -> None:
    """`prune` applies retention to every revision of the scope's type, not to its own alone."""
    store, key = await harness.open(keep=3), harness.key()
    other = key._replace(revision=_OTHER_REVISION)
    for own in (key, other):
        await put_versions(harness, store, own, *_VERSIONS)
    store = await harness.reopen(store, keep=1)
    removed = await store.prune(scope_of(key))
    found = [await kept_versions(store, own, *_VERSIONS) for own in (key, other)]
    expect(
        (removed, found) == (4, [[10], [10]]),
        "4 removed, version 10 left of each revision",
        f"{removed} removed, {found} left",
    )


@check(
    "SNAP-130",
    IF("durable", "keep"),
    others="the condition is the scope's namespace and its type, both",
)
async def prune_is_of_the_scope(harness: SnapshotHarness) -> None:
    """`prune` leaves other namespaces and types as they are."""
    store, key = await harness.open(keep=3), harness.key()
    others = [key._replace(namespace=f"{key.namespace}2"), key._replace(aggregate_type=DIARY)]
    for own in (key, *others):
        await put_versions(harness, store, own, *_VERSIONS)
    store = await harness.reopen(store, keep=1)
    removed = await store.prune(scope_of(key))
    expect(removed == 2, "2 removed", f"{removed}")
    for own in others:
        found = await kept_versions(store, own, *_VERSIONS)
        expect(found == [*_VERSIONS], f"versions {[*_VERSIONS]} of another scope", f"{found}")


@check("SNAP-131", KEEPS, others=_BY_TIME)
async def revisions_are_in_the_order_of_time(harness: SnapshotHarness) -> None:
    """`revisions` begins with the one taken last, whatever its versions, its name, or the puts."""
    store, key = await harness.open(), harness.key()
    await _put_taken(harness, store, key._replace(revision="b"), 3, minute=5)
    await _put_taken(harness, store, key._replace(revision="a"), 9, minute=3)
    found = list(await store.revisions(key))
    expect(found == ["b", "a"], "['b', 'a']", f"{found}")


@check("SNAP-132", IF("keep_revisions"), others=_BY_TIME)
async def revisions_go_by_their_time(harness: SnapshotHarness) -> None:
    """The revision taken first goes, though its versions are the highest."""
    store, key = await harness.open(keep_revisions=2), harness.key()
    versions = {"b": 9, "a": 5, "c": 3}
    for minute, (revision, version) in enumerate(versions.items()):
        await _put_taken(harness, store, key._replace(revision=revision), version, minute=minute)
    found = {name: await store.read(key._replace(revision=name)) for name in versions}
    kept = [name for name, record in found.items() if record is not None]
    expect(kept == ["a", "c"], "the revisions a and c, taken last", f"{kept}")


async def _put_taken(
    harness: SnapshotHarness, store: SnapshotStore, key: RecordKey, version: int, *, minute: int
) -> None:
    record = harness.record(key, version)
    await store.put(key, record._replace(taken_at=record.taken_at.replace(minute=minute)))
