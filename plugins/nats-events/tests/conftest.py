"""Servers of our own, stores at them, and events for these."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from fault_ledger import events_of
from interlock.backends import StoredEvent
from interlock_nats_events.backend import NatsEventStore
from interlock_nats_events.config import NatsEventsConfig
from nats_rig import Node, answers, cluster, config_at


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The driver lays a connection aside that was refused in its first moments, and closes it late.
    late = "ignore:Exception ignored in. <(function (Stream|_Selector)|socket)"
    late += ":pytest.PytestUnraisableExceptionWarning"
    for item in items:
        if item.path.name in {"test_nats_access.py", "test_nats_faults.py", "test_nats_store.py"}:
            item.add_marker(pytest.mark.filterwarnings(late))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"NATS answers: {', '.join(sorted(answers)) or 'not asked'}")


@pytest.fixture(scope="session")
def single() -> Iterator[list[Node]]:
    """One server, that no test stops."""
    with cluster(1) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def three() -> Iterator[list[Node]]:
    """A cluster, whose nodes are all well whenever a test begins."""
    with cluster() as nodes:
        yield nodes


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Awaitable[NatsEventStore]]]:
    """Opens stores at nodes, safe ones where there are three."""
    async with AsyncExitStack() as stack:

        async def opened(nodes: Sequence[Node], **options: object) -> NatsEventStore:
            store = NatsEventStore(config_at(nodes, **options))
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield opened


@pytest.fixture
async def store(
    single: list[Node], opened: Callable[..., Awaitable[NatsEventStore]]
) -> NatsEventStore:
    return await opened(single, replicas=1, allow_unsafe=True)


@pytest.fixture
def config() -> Callable[..., NatsEventsConfig]:
    return config_at


@pytest.fixture
def events() -> Callable[..., Sequence[StoredEvent]]:
    return events_of


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl, which makes a certificate")
    command = [openssl, "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=tests"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 # our own
    return tmp_path / "cert.pem"
