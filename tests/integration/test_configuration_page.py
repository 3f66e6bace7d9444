"""The commands of docs/how-to/check-the-configuration.md do what the page says."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from shell import interlock

PAGE = (Path(__file__).parents[2] / "docs/how-to/check-the-configuration.md").read_text()
COMMANDS = re.findall(r"^\$ (.*interlock .*)$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "interlock.toml").write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_succeeds(folder: Path, command: str) -> None:
    variables, _, rest = command.partition("interlock ")
    arguments, _, _ = rest.partition(" >")
    given = dict(each.split("=") for each in variables.split())
    done = interlock(*arguments.split(), cwd=folder, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    if arguments == "config schema":
        assert json.loads(done.stdout)["title"] == "interlock.toml"
    if given:
        assert tomllib.loads(done.stdout)["cache_backends"]["hot"]["size"] == 100_000
