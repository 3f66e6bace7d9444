import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

JSONB_WRITES_ANEW = "EVENTS-031"
JSONB_TAKES_NO_NUL = "EVENTS-033"
LAST_MICROSECOND_OF_9999_IS_ASYNCPGS_INFINITY = "EVENTS-034"
ONE_THAT_IS_INSTALLED_WOULD_BE_ASKED_FROM_OTHER_PROCESSES = ("EVENTS-044", "EVENTS-050")


def test_the_verdict_is_what_the_page_says(connection: Any, url: str, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    done = subprocess.run(  # noqa: S603 our own command
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-c", "pyproject.toml", "conformance.py", f"--interlock-report={verdict}"),
        ],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "EVENTS_URL": url},
        check=False,
        capture_output=True,
        text=True,
    )
    assert verdict.exists(), done.stdout + done.stderr
    (suite,) = json.loads(verdict.read_text())["suites"]
    outcomes: dict[str, set[str]] = {}
    for check in suite["checks"]:
        outcomes.setdefault(check["outcome"], set()).add(check["id"])
    assert suite["verdict"] == "failed"
    assert outcomes["failed"] == {
        JSONB_WRITES_ANEW,
        JSONB_TAKES_NO_NUL,
        LAST_MICROSECOND_OF_9999_IS_ASYNCPGS_INFINITY,
    }
    assert outcomes["cannot tell"] == {*ONE_THAT_IS_INSTALLED_WOULD_BE_ASKED_FROM_OTHER_PROCESSES}
    assert outcomes.keys() - {"failed", "cannot tell"} == {"passed", "not applicable", "not met"}
