"""A pytest plugin: writes down how each test ended, and whether by an assertion of its own."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

import interlock

OWN = "failed by its own assertion"
_ASSERTIONS = (AssertionError, pytest.fail.Exception)
_PACKAGE = Path(interlock.__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write."""
    parser.addoption("--verdicts", type=Path, required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing seen, of the package that stands beside the report and of no other."""
    wanted = config.getoption("--verdicts").parent
    if _PACKAGE.parent.resolve() != wanted.resolve():
        raise pytest.UsageError(f"the tests would see {_PACKAGE}, not the copy in {wanted}")
    config.stash[_VERDICTS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the first thing that went wrong with a test, or that nothing did."""
    report = yield
    verdicts = item.config.stash[_VERDICTS]
    if verdicts.get(item.nodeid, "passed") == "passed":  # a test may be skipped from within
        found = call.excinfo if report.outcome == "failed" else None
        verdicts[item.nodeid] = report.outcome if found is None else _judge(call.when, found)
    if call.when == "teardown":  # at once: a later test may never end
        item.config.getoption("--verdicts").write_text(json.dumps(verdicts))
    return report


def _judge(when: str, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    raised_in = Path(excinfo.traceback[-1].path)
    if (
        when == "call"
        and isinstance(excinfo.value, _ASSERTIONS)
        and _PACKAGE not in raised_in.parents
    ):
        return OWN
    return f"{excinfo.typename} in {when}"


_VERDICTS = pytest.StashKey[dict[str, str]]()
