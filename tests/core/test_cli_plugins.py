"""What `interlock plugins info` and `doctor` tell."""

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from interlock.cli.commands import app
from interlock.cli.doctor import examine, lines_of
from shell import run_here, runner
from site_packages import Site, good, site_in

CACHE = """
[cache_backends.hot]
backend = "acme"
directory = "d"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTERLOCK_CONFIG", raising=False)
    with site_in(tmp_path, monkeypatch) as site:
        yield site


def acme(method: str = "") -> str:
    """A plugin whose cache has this method besides."""
    body = "        self.config = config\n"
    return good("acme", "acme").replace(body, body + method)


def told(*arguments: str) -> str:
    """What `interlock plugins` prints."""
    result = runner().invoke(app, ["plugins", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def info(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(told("info", name, "--json"))
    return found


def examined(toml: str | None = CACHE) -> tuple[dict[str, Any], str]:
    """The report, and how it is told."""
    if toml is not None:
        Path("interlock.toml").write_text(f"schema = 1\n{dedent(toml)}")
    report = examine(None)
    told = "".join(f"{line}\n" for line in lines_of(report))
    return json.loads(json.dumps(report.as_json())), told


def problems(report: dict[str, Any]) -> dict[str, list[str]]:
    return {each["name"]: each["problems"] for each in report["plugins"] if each["problems"]}


class TestInfo:
    def test_it_tells_where_a_backend_is_from_and_what_it_takes(self, site: Site) -> None:
        more = ', capabilities=frozenset({"durable", "bounded"}), summary="Holes in the ground"'
        described = 'directory: str\n    """Where to dig."""'
        source = good("acme", "acme", more).replace("directory: str", described)
        source = source.replace('extra="forbid"', 'extra="forbid", use_attribute_docstrings=True')
        site.install("acme-cache", "acme", source, "acme")
        (found,) = info("acme")
        options = found.pop("options")
        assert found == {
            "name": "acme",
            "kind": "cache",
            "distribution": "acme-cache",
            "version": "1.0",
            "location": str(site.folder),
            "module": "acme",
            "summary": "Holes in the ground",
            "capabilities": ["bounded", "durable"],
            "error": None,
        }
        assert options[0] == {
            "name": "directory",
            "type": "string",
            "required": True,
            "default": None,
            "description": "Where to dig.",
        }
        assert (options[1]["type"], options[1]["default"]) == ("integer", 3)
        text = told("info", "acme")
        assert text.startswith("acme (cache): Holes in the ground\n")
        assert "directory: string, required\n      Where to dig." in text
        assert "size: integer, default 3\n" in text

    def test_each_thing_that_has_the_name_is_told_of(self, site: Site) -> None:
        site.install("first-cache", "first", good("acme", "first"), "acme")
        site.install("second-cache", "second", good("acme", "second"), "acme")
        assert [each["distribution"] for each in info("acme")] == [
            "first-cache",
            "second-cache",
        ]
        assert [each["distribution"] for each in info("second-cache:acme")] == ["second-cache"]
        assert [each["kind"] for each in info("never")] == [
            "snapshot strategy",
            "cache strategy",
        ]

    def test_a_strategy_and_a_codec_have_options_too(self, site: Site) -> None:
        (after_time,) = info("after-time")
        assert [(each["name"], each["type"]) for each in after_time["options"]] == [
            ("delta", "duration")
        ]
        (compressed,) = info("json+zlib")
        assert compressed["options"][0]["default"] == 6

    def test_a_broken_plugin_tells_why(self, site: Site) -> None:
        site.install("acme-cache", "acme", "raise RuntimeError('no licence')", "acme")
        (found,) = info("acme")
        assert "RuntimeError: no licence" in found["error"]
        assert (found["distribution"], found["kind"]) == ("acme-cache", "backends")

    def test_an_unknown_name_is_told_with_the_nearest(self, site: Site) -> None:
        done = run_here("plugins", "info", "memory-cach")
        assert done.returncode == 2
        assert "did you mean 'memory-cache'?" in done.stderr


class TestDoctor:
    def test_without_a_configuration_the_plugins_are_examined(self, site: Site) -> None:
        report, text = examined(None)
        assert (report["ok"], report["source"], report["backends"]) == (True, None, [])
        assert {"memory-cache", "after-n", "json"} <= {each["name"] for each in report["plugins"]}
        assert "no configuration found; nothing was opened" in text

    @pytest.mark.parametrize(
        ("source", "why"),
        [
            ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
            (good("acme", "acme", ", plugin_api=99"), "plugin API 99, this core has 1"),
            (good("acme", "acme").replace("acme:Config", "acme:Gone"), "acme:Gone can't be imp"),
            (
                good("acme", "acme").replace("acme:Cache", "driver:Cache"),
                "No module named 'driver'",
            ),
            (good("acme", "acme").replace("acme:Config", "acme:Cache"), "wanted a pydantic model"),
        ],
    )
    def test_a_plugin_that_nobody_uses_is_told_of_and_breaks_nothing(
        self, site: Site, source: str, why: str
    ) -> None:
        site.install("acme-cache", "acme", source, "acme")
        report, text = examined('[cache_backends.hot]\nbackend = "memory-cache"')
        assert why in problems(report)["acme"][0]
        assert why in text
        assert report["ok"]

    def test_a_broken_plugin_that_is_configured_fails(self, site: Site) -> None:
        site.install("acme-cache", "acme", "raise RuntimeError('no licence')", "acme")
        (site.folder / "interlock.toml").write_text(f"schema = 1\n{CACHE}")
        for arguments in ((), ("--json",)):
            done = run_here("plugins", "doctor", *arguments)
            assert done.returncode == 1
            assert "no licence" in done.stdout
        assert json.loads(done.stdout)["ok"] is False

    @pytest.mark.usefixtures("site")
    def test_a_limit_that_can_hardly_be_meant_is_told(self) -> None:
        always = 'replay_limit_holds = "always"'
        strategy = 'snapshot_strategy = { use = "after-n", n = 5 }'
        for options, told in (
            (always, ["aggregates.A: replay_limit_holds is set, and replay_limit isn't"]),
            (f"{always}\nreplay_limit = 5", ["aggregates.A: a stream of more than 5 events "]),
            (f"{always}\nreplay_limit = 5\n{strategy}", []),
            ("replay_limit = 5", []),
        ):
            report, text = examined(f"[aggregates.A]\n{options}\n")
            assert report["ok"]
            assert [note.partition("can't")[0] for note in report["notes"]] == told
            assert all(note in text for note in told)

    def test_two_distributions_of_one_name_are_told_of(self, site: Site) -> None:
        site.install("first-cache", "first", good("acme", "first"), "acme")
        site.install("second-cache", "second", good("acme", "second"), "acme")
        report, _ = examined("")
        said = [each["problems"][0] for each in report["plugins"] if each["name"] == "acme"]
        assert [text.rpartition(" ")[2] for text in said] == [
            '"first-cache:acme"',
            '"second-cache:acme"',
        ]

    def test_a_backend_that_opens_is_closed_and_says_what_runs_there(self, site: Site) -> None:
        method = """
    async def open(self):
        __import__("os").mkdir("opened")
    async def close(self):
        __import__("os").mkdir("closed")
    async def server_version(self):
        return "Acme 7"
"""
        site.install("acme-cache", "acme", acme(method), "acme")
        report, text = examined()
        (found,) = report["backends"]
        assert (report["ok"], found["problem"], found["server"]) == (True, None, "Acme 7")
        assert "ok cache_backends.hot (acme): Acme 7\n" in text
        assert (site.folder / "opened").exists()
        assert (site.folder / "closed").exists()

    @pytest.mark.parametrize(
        ("opening", "why"),
        [
            ("raise OSError('no route to host')", "no route to host"),
            ("raise RuntimeError('down') from OSError('no route')", "down (OSError('no route'))"),
            ("await asyncio.Event().wait()", "no answer within 1ms"),
        ],
    )
    def test_a_backend_that_does_not_open_fails_with_its_cause(
        self, site: Site, opening: str, why: str
    ) -> None:
        method = f"""
    timeout = datetime.timedelta(milliseconds=1)
    async def open(self):
        {opening}
    async def close(self):
        raise OSError("never was open")
"""
        site.install("acme-cache", "acme", f"import asyncio, datetime\n{acme(method)}", "acme")
        report, text = examined()
        assert (report["ok"], report["backends"][0]["problem"]) == (False, why)
        assert f"BROKEN cache_backends.hot (acme): {why}" in text

    def test_a_secret_in_a_cause_is_masked(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TOKEN", "hunter2")
        method = """
    async def open(self):
        raise OSError(f"{self.config.directory} was refused")
    async def close(self): ...
"""
        site.install("acme-cache", "acme", acme(method), "acme")
        report, _ = examined(CACHE.replace('"d"', '"${TOKEN}"'))
        assert report["backends"][0]["problem"] == "*** was refused"

    def test_the_tiers_of_a_cache_are_opened_too(self, site: Site) -> None:
        method = "    async def open(self):\n        raise OSError('down')\n"
        source = acme(f"{method}    async def close(self): ...\n").replace(
            "class Cache:",
            "import interlock.application.aggregates as core\n"
            "class Cache(core.NullAggregateCacheBackend):",
        )
        site.install("acme-cache", "acme", source, "acme")
        tiers = '[cache_backends.both]\nbackend = "tiered"\ntiers = ["memory-cache", "hot"]\n'
        report, _ = examined(CACHE + tiers)
        assert [(each["where"], each["problem"]) for each in report["backends"]] == [
            ("cache_backends.hot", "down"),
            ("cache_backends.both", "down"),
        ]

    def test_a_store_that_cannot_tell_of_its_snapshots_says_so(self, site: Site) -> None:
        toml = """
        [aggregates.Account]
        snapshot_strategy = { use = "after-n", n = 100 }
        snapshot_backend = "memory-snapshots"
        """
        report, _ = examined(toml)
        (found,) = report["backends"]
        assert (report["ok"], found["where"]) == (True, "aggregates.Account.snapshot_backend")
        assert found["note"] == "it can't tell when it was last given a snapshot"
