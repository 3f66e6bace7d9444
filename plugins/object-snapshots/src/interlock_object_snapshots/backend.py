"""The snapshot backend: reads and writes records as objects."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordKey,
    RecordSnapshotBackend,
    RecordUnusableError,
    Scope,
    Stamp,
    from_micros,
    to_micros,
)
from interlock_object_snapshots import names
from interlock_object_snapshots.bucket import Bucket
from interlock_object_snapshots.config import ObjectSnapshotsConfig
from interlock_object_snapshots.names import RecordName, Tombstone
from interlock_object_snapshots.retention import Retention, is_expired, is_forgotten

_ATTEMPTS = 10
_MAX_UNUSABLE = 1_000  # names

Objects = tuple[list[RecordName], list[Tombstone]]


def _now() -> datetime:
    return datetime.now(UTC)


class ObjectSnapshotBackend(RecordSnapshotBackend):
    """Keeps snapshots as objects, see `interlock.backends.SnapshotStore`.

    There are no transactions. A put looks at what is there, writes, and then removes what it
    replaces: whoever removes a record has written one before that stays.
    """

    def __init__(
        self, config: ObjectSnapshotsConfig, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self.timeout = config.timeout
        self._retention = Retention(config.keep, config.keep_revisions, config.keep_for)
        self._clock = clock
        self._bucket = Bucket(config)
        self._unusable: dict[RecordName, None] = {}  # that were read, the latest last

    async def open(self) -> None:
        """Connect, and list what is there."""
        await self._bucket.open()

    async def close(self) -> None:
        """Disconnect once running calls have ended."""
        await self._bucket.close()

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        async with self._bucket.in_time():
            return await self._read(key, at_or_below)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        async def usable(key: RecordKey) -> AggregateRecord | None:
            try:
                return await self._read(key)
            except RecordUnusableError:
                return None

        async with self._bucket.in_time():
            found = await self._bucket.each(usable, dict.fromkeys(keys))
        return {record.key: record for record in found if record is not None}

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        own, blob = RecordName.of(record), record.to_bytes()
        async with self._bucket.in_time():
            records, tombstones = await self._objects(key)
            now = self._clock()
            if is_forgotten(own, tombstones, now):
                return
            others = [name for name in records if name != own]
            # What is put is true, so newer records that couldn't be read are damaged or false;
            # they would count for `keep`.
            gone = {
                name
                for name in others
                if is_forgotten(name, tombstones, now)
                or (name.folder == own.folder and name in self._unusable)
                or any(names.is_of(name, key, stamp) for stamp in supersedes)
            }
            kept = [own, *(name for name in others if name not in gone)]
            surplus = {*self._retention.surplus(kept, now, own)}
            gone |= surplus - {own}
            if own not in surplus:
                await self._put(key, own, blob)
                # A forget at the same time may have listed the records before this one stood. Its
                # tombstone stood then.
                _, tombstones = await self._listed(names.tombstones_of(key))
                if is_forgotten(own, tombstones, now):
                    gone.add(own)
            gone_stones = [stone for stone in tombstones if is_expired(stone, now)]
            await self._remove([*gone, *gone_stones])

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        async with self._bucket.in_time():
            records, _ = await self._listed(names.records_of(key))
            await self._remove([name for name in records if names.is_of(name, key, stamp)])

    async def forget(self, key: RecordKey) -> int:
        tombstone = Tombstone(names.of_aggregate(key), to_micros(self._clock()))
        async with self._bucket.in_time():
            await self._bucket.put(tombstone.path, b"")
            records, tombstones = await self._objects(key)
            older = [stone for stone in tombstones if stone.at < tombstone.at]
            await self._remove([*records, *older])
        return len(records)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        async with self._bucket.in_time():
            records, _ = await self._objects(key)
            taken = _latest((name.revision_part, name.taken_at) for name in records)
            latest_first = sorted(taken, key=taken.__getitem__, reverse=True)
            return await self._bucket.each(self._name, latest_first)

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        revision = names.part(scope.revision)
        async for records, _ in self._aggregates(scope):
            if any(name.revision_part == revision for name in records):
                yield records[0].aggregate_id

    async def newest(self, namespace: str) -> Mapping[str, datetime]:
        # Lists the whole namespace: no index is kept for those who look.
        paths = self._bucket.paths(names.of_namespace(namespace))
        found = [names.parsed(path) async for path in paths]
        taken = _latest(
            (name.type_part, name.taken_at) for name in found if isinstance(name, RecordName)
        )
        return {await self._name(part): from_micros(at) for part, at in taken.items()}

    async def prune(self, scope: Scope) -> int:
        # Tombstones whose day is over are removed too.
        removed = 0
        async for records, tombstones in self._aggregates(scope):
            now = self._clock()
            gone = [name for name in records if is_forgotten(name, tombstones, now)]
            gone += self._retention.surplus([name for name in records if name not in gone], now)
            await self._remove([*gone, *(stone for stone in tombstones if is_expired(stone, now))])
            removed += len(gone)
        return removed

    async def _put(self, key: RecordKey, own: RecordName, blob: bytes) -> None:
        for name in (key.namespace, key.aggregate_type, key.revision):
            if (path := names.whole_name(names.part(name))) is not None:
                await self._bucket.put(path, name.encode("utf-8", "surrogatepass"))
        await self._bucket.put(own.path, blob)
        self._unusable.pop(own, None)

    async def _read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        if at_or_below is not None and at_or_below < 1:
            return None
        offset = None if at_or_below is None else names.above(names.records_of(key), at_or_below)
        for _ in range(_ATTEMPTS):
            name = await self._first(names.records_of(key), offset)
            if name is None:
                return None
            blob = await self._bucket.get(name.path)
            if blob is None:
                continue  # it was removed meanwhile, by whoever has written another
            try:
                return AggregateRecord.from_bytes(blob, key=key, version=name.version)
            except RecordUnusableError:
                self._unusable[name] = None
                if len(self._unusable) > _MAX_UNUSABLE:
                    del self._unusable[next(iter(self._unusable))]
                raise
        raise BackendUnavailableError(
            f"{_ATTEMPTS} times in a row the newest snapshot of {key.aggregate_type} "
            f"{key.aggregate_id} was removed before it could be read; try again"
        )

    async def _first(self, folder: str, offset: str | None) -> RecordName | None:
        async for path in self._bucket.paths(folder, offset=offset):
            name = names.parsed(path)
            if isinstance(name, RecordName):
                return name
        return None

    async def _name(self, part: str) -> str:
        path = names.whole_name(part)
        if path is None:
            return names.name_of(part)
        whole = await self._bucket.get(path)
        return part if whole is None else whole.decode("utf-8", "surrogatepass")

    async def _objects(self, key: RecordKey) -> Objects:
        return await self._listed(names.of_aggregate(key))

    async def _listed(self, folder: str) -> Objects:
        return _sorted_out([path async for path in self._bucket.paths(folder)])

    async def _aggregates(self, scope: Scope) -> AsyncIterator[Objects]:
        """The objects of each aggregate of the type that has any."""
        folder = names.of_type(scope)
        place, paths, aggregate = len(folder) + 1, list[str](), ""
        async for path in self._bucket.paths(folder):
            found = path[place : place + 32]
            if found != aggregate and paths:
                yield _sorted_out(paths)
                paths = []
            aggregate = found
            paths.append(path)
        if paths:
            yield _sorted_out(paths)

    async def _remove(self, objects: Iterable[RecordName | Tombstone]) -> None:
        await self._bucket.each(self._bucket.delete, [each.path for each in objects])


def _latest(taken: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The latest time of each name."""
    latest: dict[str, int] = {}
    for name, at in taken:
        latest[name] = max(at, latest.get(name, at))
    return latest


def _sorted_out(paths: Iterable[str]) -> Objects:
    """The records and the tombstones; what else is there isn't ours."""
    found = [names.parsed(path) for path in paths]
    records = [each for each in found if isinstance(each, RecordName)]
    return records, [each for each in found if isinstance(each, Tombstone)]
