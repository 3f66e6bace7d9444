"""The harness of a check: stores of its own, unique keys, records, other processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast
from uuid import UUID, uuid4

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    CacheStore,
    EventStore,
    RecordKey,
    RecordUnusableError,
    SnapshotStore,
)
from interlock.backends import BackendKind as Kind
from interlock_conformance.checks import CannotTell
from interlock_conformance.network import AMPLE_SECONDS, PATIENCE_SECONDS, Network, network_to
from interlock_conformance.plain import PlainCaches, PlainSnapshotStores
from interlock_conformance.processes import OtherProcess, other_process
from interlock_conformance.records import NOTEBOOK, REVISION, record_of
from interlock_conformance.subject import Make, Subject, Suite, subject_of
from interlock_conformance.waiting import LIMIT_SECONDS, waiting_for

S = TypeVar("S")
T = TypeVar("T")


class Harness(Generic[S]):
    """Opens the backend under test for one check, on an event loop of its own.

    The keys of a check are in a namespace of its own, so that one server serves all checks.
    """

    def __init__(self, suite: Suite) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._open: dict[int, AsyncExitStack] = {}
        self.namespace = f"conformance-{uuid4().hex[:12]}"
        self.suite = suite
        try:
            self.subject: Subject = self.run(subject_of(suite, self.namespace))
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            # What closing says after a failed check would hide the failure.
            with suppress(*([Exception] if exc is not None else [])):
                self.run(self._stack.aclose())
        finally:
            self._runner.close()

    @property
    def capabilities(self) -> frozenset[str]:
        """The backend's declared capabilities."""
        return self.subject.capabilities

    def run(self, pending: Awaitable[T]) -> T:
        """The awaited result, on the harness's loop; for checks that aren't async."""
        __tracebackhide__ = True

        async def bounded() -> T:
            __tracebackhide__ = True
            async with asyncio.timeout(LIMIT_SECONDS):
                return await pending

        return self._runner.run(bounded())

    @asynccontextmanager
    async def opened(self, **options: object) -> AsyncIterator[S]:
        """A newly made backend, open until the block ends, on whatever loop this runs."""
        async with AsyncExitStack() as stack:
            yield await self._made(self.subject.make, stack, options)

    async def open(self, **options: object) -> S:
        """A newly made backend, open until the check ends; what it keeps where is its affair."""
        return await self._opened(self.subject.make, **options)

    async def open_in_time(self, **options: object) -> S:
        """As `open`, with a time limit so short that a busy machine may need several attempts."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                return await self.open(**options)
            except BackendUnavailableError:
                if loop.time() > deadline:
                    raise

    async def doors(self) -> list[S]:
        """One at each endpoint of the store, open until the check ends; two of a single one."""
        makers = self.subject.doors or (self.subject.make,) * 2
        return [await self._opened(make) for make in makers]

    async def at_node(self, hook: str, place: int) -> None:
        """Stop the node at this place among the doors, wake it, or replace it by an empty one."""
        await self.subject.nodes[hook](place)

    async def close(self, store: S) -> None:
        """Close it now."""
        await self._open.pop(id(store)).aclose()

    async def reopen(self, store: S, **options: object) -> S:
        """Close it and open another on the same data."""
        await self.close(store)
        return await self.open(**options)

    async def make(self, **options: object) -> S:
        """A newly made backend that isn't open."""
        return cast("S", await self.subject.make(**options))

    async def snapshots(self) -> SnapshotStore:
        """The snapshot store, not open, that an event store reads together with its events."""
        assert self.subject.snapshots is not None
        return cast("SnapshotStore", await self.subject.snapshots())

    async def enter(self, store: object, stack: AsyncExitStack) -> None:
        """Open it, on whatever loop this runs; it is closed with the stack."""
        await _enter(store, stack)

    def network(self, *, seconds: float = AMPLE_SECONDS) -> Network:
        """A proxy before the server, for as long as the check lasts; see `network.py`.

        Calls through it end after so many seconds, where the backend can be told so.
        """
        bound = {"timeout": f"{seconds:g}s"} if "timeout" in self.capabilities else {}
        found = network_to(self.subject.server)
        # Stopped after what is opened from here on was closed.
        self._stack.callback(found.proxy.stop)
        limit = f"{seconds:g} s" if bound else "which isn't an option"
        self._stack.enter_context(waiting_for(f"calls to end by the backend's timeout, {limit}"))
        return Network(found.proxy, {**found.options, **bound})

    async def read(
        self, store: CacheStore | SnapshotStore, key: RecordKey
    ) -> AggregateRecord | RecordUnusableError | None:
        """The record, or the error that says why it is unusable."""
        try:
            return await store.read(key)
        except RecordUnusableError as error:
            return error

    def is_same(self, found: object, record: AggregateRecord) -> bool:
        """Whether it is the record, in all that the protocol moves."""
        if not self.subject.is_plain:
            return found == record
        return (
            isinstance(found, AggregateRecord)
            and found.stamp == record.stamp
            and found.payload == record.payload
        )

    def process(self) -> AbstractAsyncContextManager[OtherProcess]:
        """The backend in another process, open until the block ends."""
        subject = self.subject
        if subject.reference is None:
            raise CannotTell(
                "another process can't make what `backend` returns; let it name an installed "
                'backend: backend("name", ...)'
            )
        return other_process(subject.reference, subject.kind, self.namespace)

    async def tamper(self, store: S, key: RecordKey, change: Any) -> None:  # Any: see Change
        """Replace the stored bytes of a record by what the function makes of them."""
        if self.subject.tamper is None:
            raise CannotTell("the test class has no method `tamper`")
        await self.subject.tamper(store, key, change)

    async def pass_time(self, store: S, *, seconds: float) -> datetime | None:
        """Set the backend's clock forward, or wait; the moment at which it then stands, if told."""
        if self.subject.advance is not None:
            return await self.subject.advance(store, seconds)
        with waiting_for(f"{seconds:g} s to pass, which a method `advance` would save"):
            await asyncio.sleep(seconds)
        return None

    def hold(self, store: S) -> AbstractAsyncContextManager[None]:
        """Another has the lock of the store until the block ends."""
        assert self.subject.hold is not None, "the check is for `hold`"
        return self.subject.hold(store)

    def break_(self, store: S) -> AbstractAsyncContextManager[None]:
        """The disk of the store fails until the block ends."""
        assert self.subject.break_ is not None, "the check is for `break_`"
        return self.subject.break_(store)

    def key(
        self,
        aggregate_id: UUID | None = None,
        *,
        aggregate_type: str = NOTEBOOK,
        namespace: str | None = None,
        epoch: int = 0,
        revision: str = REVISION,
    ) -> RecordKey:
        """A key that no other check has; `namespace` is put behind the check's own."""
        own = self.namespace if namespace is None else f"{self.namespace}{namespace}"
        return RecordKey(own, epoch, aggregate_type, aggregate_id or uuid4(), revision)

    def record(
        self, key: RecordKey, version: int, *, text: str = "", payload: bytes | None = None
    ) -> AggregateRecord:
        """A record for the key, see `records.record_of`."""
        return record_of(key, version, text=text, payload=payload)

    async def _opened(self, make: Make, **options: object) -> S:
        stack = await self._stack.enter_async_context(AsyncExitStack())
        store = await self._made(make, stack, options)
        self._open[id(store)] = stack
        return store

    async def _made(self, make: Make, stack: AsyncExitStack, options: dict[str, object]) -> S:
        if self.subject.is_plain:
            stores = PlainCaches if self.subject.kind is Kind.CACHE else PlainSnapshotStores
            plain = stores(self.subject.make, _enter)
            stack.push_async_callback(plain.close)
            return cast("S", plain)
        backend = await make(**options)
        await _enter(backend, stack)
        if hasattr(backend, "server_version") and "server" not in self.subject.answers:
            self.subject.answers["server"] = str(await backend.server_version())
        return cast("S", backend)


async def _enter(backend: object, stack: AsyncExitStack) -> None:
    if hasattr(backend, "open") and hasattr(backend, "close"):
        await backend.open()
        stack.push_async_callback(backend.close)


CacheHarness = Harness[CacheStore]
SnapshotHarness = Harness[SnapshotStore]
EventsHarness = Harness[EventStore]
