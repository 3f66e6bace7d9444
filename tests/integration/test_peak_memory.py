"""Loading holds a chunk of events, never the history."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_LIMIT = 5_000_000  # bytes


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    _run("fill", folder)
    return folder


@pytest.mark.parametrize("measure", ["tracemalloc", "rss"])
def test_memory_does_not_grow_with_the_stream(streams: Path, measure: str) -> None:
    peaks = {length: json.loads(_run(measure, streams, length)) for length in (20_000, 200_000)}
    assert peaks[200_000] - peaks[20_000] <= _LIMIT


def _run(what: str, folder: Path, length: int = 0) -> str:
    script = Path(__file__).with_name("long_stream.py")
    done = subprocess.run(  # noqa: S603 our own script
        [sys.executable, str(script), what, str(folder), str(length)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout
