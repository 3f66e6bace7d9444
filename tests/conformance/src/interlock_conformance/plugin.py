"""The pytest plugin: options, what was asked for, and the verdict at the end.

It is loaded in every run of pytest wherever this distribution is installed, so it imports pytest
and nothing else until there is something to do.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from interlock_conformance.verdict import Tally

pytest.register_assert_rewrite("interlock_conformance")

_SUITES = Path(__file__).parent / "suites"
_FILES = {"cache": "test_cache.py", "snapshots": "test_snapshots.py", "events": "test_events.py"}
_PACKAGING = "test_packaging.py"
_tally = pytest.StashKey["Tally"]()
_causes = pytest.StashKey[dict[str, str]]()
_screen = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all of one group."""
    group = parser.getgroup("interlock", "conformance of Interlock's backends")
    group.addoption("--interlock-backend", metavar="NAME", help="check this installed backend")
    group.addoption("--interlock-options", metavar="FILE", help="its options, in TOML")
    group.addoption("--interlock-report", metavar="FILE", help="write the verdict here, as JSON")
    group.addoption("--interlock-soak", action="store_true", help="explore at random, for long")
    contract = {"dest": "interlock_contract", "metavar": "VERSION", "help": "check this contract"}
    group.addoption("--interlock-contract", **contract)
    with suppress(ValueError):  # another plugin's option
        group.addoption("--contract", **contract)


def pytest_configure(config: pytest.Config) -> None:
    """Look the backend up, so that a mistake is told before anything runs."""
    name = config.getoption("--interlock-backend")
    contract = config.getoption("interlock_contract")
    wants_verdict = name is not None or config.getoption("--interlock-report") is not None
    if wants_verdict and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("the verdict is found in one process: leave -n out")
    if config.getoption("--interlock-soak"):
        from interlock_conformance.exploring import soak  # noqa: PLC0415 see the module

        soak()
    if name is None and contract is None:
        return
    from interlock.errors import InterlockError  # noqa: PLC0415 see the module
    from interlock_conformance.checks import CONTRACTS  # noqa: PLC0415 as above
    from interlock_conformance.selection import select  # noqa: PLC0415 as above

    if contract is not None and contract not in CONTRACTS:
        raise pytest.UsageError(
            f"no contract {contract!r} was published; these were: {', '.join(CONTRACTS)}"
        )
    if name is not None:
        with suppress(OSError, ValueError):  # without a screen nothing is told
            # Of its own, since pytest redirects standard error while a test runs.
            config.stash[_screen] = os.dup(sys.stderr.fileno())
        try:
            select(name, config.getoption("--interlock-options"))
        except InterlockError as error:
            given = config.getoption("--interlock-options")
            hint = "" if given else "\nIts options come from a file: --interlock-options FILE"
            raise pytest.UsageError(f"{error}{hint}") from error


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder of the backend's files."""
    if _screen in config.stash:
        os.close(config.stash[_screen])
        del config.stash[_screen]
    if config.getoption("--interlock-backend") is not None:
        from interlock_conformance.selection import unselect  # noqa: PLC0415 see the module

        unselect()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of the suites, leave out those of other kinds."""
    if collection_path.parent != _SUITES or not collection_path.name.startswith("test_"):
        return None
    from interlock_conformance.selection import selected  # noqa: PLC0415 see the module

    found = selected()
    if found is None:
        if any("interlock_conformance" in str(given) for given in config.invocation_params.args):
            raise pytest.UsageError("which backend? --interlock-backend NAME")
        return True  # met on the way through a folder
    wanted = {_FILES[found.kind]} if found.is_the_cores else {_FILES[found.kind], _PACKAGING}
    return None if collection_path.name in wanted else True


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note what the suite of an item consists of."""
    suite = getattr(item, "cls", None)
    if suite is None or not getattr(suite, "interlock_checks", ()):
        return
    from interlock_conformance.verdict import Tally  # noqa: PLC0415 see the module

    tally = item.config.stash.setdefault(_tally, Tally())
    tally.collected(
        suite,
        item.nodeid,
        getattr(item, "originalname", item.name),
        getattr(getattr(item, "function", None), "interlock_check", None),
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the checks that a frozen contract doesn't have."""
    contract = config.getoption("interlock_contract")
    tally = config.stash.get(_tally, None)
    if contract is not None and tally is not None:
        later = tally.freeze(contract)
        items[:] = [item for item in items if item.nodeid not in later]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note them."""
    for item in items:
        tally = item.config.stash.get(_tally, None)
        if tally is not None:
            tally.deselected(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Of a backend that was named, tell which check takes long."""
    descriptor = item.config.stash.get(_screen, None)
    if descriptor is None or getattr(item.function, "interlock_check", None) is None:  # type: ignore[attr-defined] # a function's
        return (yield)
    from interlock_conformance.waiting import told_if_slow  # noqa: PLC0415 see the module

    def write(line: str) -> None:
        os.write(descriptor, f"\n{line}\n".encode())

    with told_if_slow(item.callspec.params["check"], write):  # type: ignore[attr-defined] # as above
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show of a failed check what its author needs; --tb=long shows pytest's own traceback."""
    report = yield
    told: Any = dict(report.user_properties).get("interlock")  # Any: what the test told, or None
    if told and item.parent and report.failed and item.config.option.tbstyle == "auto":
        from interlock_conformance.failures import shown  # noqa: PLC0415 see the module

        report.longrepr = shown(told, item.parent.stash.setdefault(_causes, {}))
    return report


class _Reports:
    """Hears the reports of one session: the hook itself doesn't get the configuration."""

    def __init__(self, tally: "Tally") -> None:
        self._tally = tally

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a check."""
        self._tally.reported(
            report.nodeid,
            report.when or "",
            "xfailed" if report.skipped and hasattr(report, "wasxfail") else report.outcome,
            str(getattr(report, "wasxfail", "")) or report.longreprtext,
            dict(report.user_properties).get("interlock"),
        )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Listen from now on, if there is a suite."""
    tally = session.config.stash.get(_tally, None)
    if tally is not None:
        session.config.pluginmanager.register(_Reports(tally), "interlock-conformance-reports")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report; a backend that was named and isn't conformant fails the run."""
    tally = session.config.stash.get(_tally, None)
    if tally is None or session.config.getoption("collectonly"):
        return
    report = tally.report(session.config.getoption("interlock_contract"))
    path = session.config.getoption("--interlock-report")
    if path is not None:
        from pydantic_core import to_json  # noqa: PLC0415 see the module

        Path(path).write_bytes(to_json(report, indent=2) + b"\n")
    is_named = session.config.getoption("--interlock-backend") is not None
    if is_named and report["verdict"] != "conformant" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say the verdict and why."""
    tally = config.stash.get(_tally, None)
    if tally is None or config.getoption("collectonly"):
        return
    terminalreporter.section("conformance of Interlock's backends")
    for line in tally.lines(config.getoption("interlock_contract")):
        terminalreporter.write_line(_on_screen(line))


def _on_screen(line: str) -> str:
    """The line; on a screen that has no room for it, in several lines."""
    is_screen = sys.stdout.isatty() or os.environ.get("COLUMNS")
    width = shutil.get_terminal_size().columns
    if not is_screen or len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line,
        width,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
