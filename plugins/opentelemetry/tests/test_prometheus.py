"""The queries and alerts of the page, evaluated by a Prometheus that scrapes a service."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_PAGE = Path(__file__).parents[3] / "docs/how-to/see-it-in-prometheus.md"
_SERVICE = Path(__file__).with_name("bad_day.py")
_PATIENCE = 60.0  # seconds, on a machine that has much else to do
_CONFIG = """
global: {{scrape_interval: 250ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: service
    static_configs: [targets: ["127.0.0.1:{port}"]]
"""


def _blocks(language: str) -> list[str]:
    text = _PAGE.read_text("utf-8")
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


QUERIES = _blocks("promql")
(RULES,) = _blocks("yaml")
(TELEMETRY,) = _blocks("python")
ALERTS = re.findall(r"alert: (\w+)", RULES)


def needed(program: str) -> str:
    """The path of a server's program; without it the test is skipped, or fails if it has to be."""
    found = shutil.which(program)
    if found is None:
        is_required = program.partition("-")[0] in os.environ.get("INTERLOCK_REQUIRE", "").split(
            ","
        )
        (pytest.fail if is_required else pytest.skip)(f"{program} isn't installed")
    return str(found)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(holds: Callable[[], bool], what: Callable[[], object]) -> None:
    """Wait until it holds; else fail, and say what is instead."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {_PATIENCE} s: {what()}")
        time.sleep(0.1)  # other processes need the time


class Prometheus:
    """Answers over HTTP."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        """Whether it answers at all."""
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5) as answer:  # noqa: S310 ours
                return bool(answer.status == 200)
        except OSError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:  # Any: what it says
        """The data of an answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=5) as answer:  # noqa: S310 ours
            return json.load(answer)["data"]

    def values(self, query: str) -> list[float]:
        """The values of a query that are numbers."""
        found = self.ask("query", query=query)["result"]
        return [value for each in found if (value := float(each["value"][1])) == value]

    def firing(self) -> set[str]:
        """The alerts that fire."""
        return {labels["alertname"] for labels in self._labels()}

    def types(self, alert: str) -> set[str]:
        """The aggregate types for which an alert fires."""
        found = [labels for labels in self._labels() if labels["alertname"] == alert]
        return {labels["interlock_aggregate_type"] for labels in found}

    def _labels(self) -> list[dict[str, str]]:
        alerts = self.ask("alerts")["alerts"]
        return [each["labels"] for each in alerts if each["state"] == "firing"]


class BadDay(NamedTuple):
    """What runs."""

    prometheus: Prometheus
    redis: subprocess.Popen[bytes]


@pytest.fixture
def bad_day(tmp_path: Path) -> Iterator[BadDay]:
    """A Prometheus that scrapes a service whose cache is a Redis."""
    redis_server, prometheus = needed("redis-server"), needed("prometheus")
    redis_port, metrics_port, port = _free_port(), _free_port(), _free_port()
    (tmp_path / "telemetry.py").write_text(TELEMETRY)
    (tmp_path / "prometheus.yml").write_text(_CONFIG.format(port=metrics_port))
    (tmp_path / "rules.yml").write_text(re.sub(r"\bfor: \w+", "for: 0s", RULES))
    commands = [
        [redis_server, "--port", str(redis_port), "--save", ""],
        [sys.executable, str(_SERVICE), str(metrics_port), str(redis_port)],
        [
            *(prometheus, f"--config.file={tmp_path / 'prometheus.yml'}"),
            *(f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}"),
        ],
    ]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            log = (tmp_path / f"{len(running)}.log").open("wb")
            running.append(
                subprocess.Popen(  # noqa: S603 ours
                    command,
                    cwd=tmp_path,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "PYTHONPATH": str(tmp_path)},
                )
            )
            log.close()
        found = BadDay(Prometheus(port), running[0])
        until(found.prometheus.is_ready, lambda: (tmp_path / "2.log").read_text()[-2_000:])
        yield found
        assert running[1].poll() is None, (tmp_path / "1.log").read_text()[-2_000:]
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def test_each_query_has_an_answer_and_each_alert_fires(bad_day: BadDay) -> None:
    prometheus = bad_day.prometheus

    def unanswered() -> list[str]:
        return [query for query in QUERIES if not prometheus.values(query)]

    until(lambda: not unanswered(), unanswered)
    until(lambda: len(prometheus.firing()) == len(ALERTS) - 1, prometheus.firing)
    assert set(ALERTS) - prometheus.firing() == {"InterlockStoreDown"}
    assert "Invoice" in prometheus.types("InterlockSnapshotsStopped"), "none since it started"
    bad_day.redis.kill()
    until(lambda: "InterlockStoreDown" in prometheus.firing(), prometheus.firing)


def test_the_page_has_queries_and_alerts() -> None:
    assert len(QUERIES) > 10
    assert len(ALERTS) == len(set(ALERTS)) > 5


def test_the_rules_are_well_formed(tmp_path: Path) -> None:
    needed("prometheus")
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    done = subprocess.run(  # noqa: S603 ours
        [needed("promtool"), "check", "rules", str(rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout
