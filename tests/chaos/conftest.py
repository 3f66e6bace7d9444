"""The server of processes, started once a session."""

import pytest

from clients import serve_forks


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> None:
    serve_forks()
