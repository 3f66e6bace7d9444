"""Says at the end which servers the tests have met."""

import pytest

import memcached_rig
import redis_rig


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    answers = sorted(memcached_rig.answers | redis_rig.answers)
    terminalreporter.write_line(f"servers answer: {', '.join(answers) or 'not asked'}")
