"""What the commands say of themselves."""

import re
import subprocess
import sys

from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

from interlock._plugins.catalogue import Catalogue
from interlock.cli.commands import with_extensions

_app = with_extensions(tuple(Catalogue.installed().extension_names()))


def interlock() -> str:
    """The command line `interlock` with the installed extensions, a heading for each command."""
    command = get_command(_app)
    found = get_docs_for_click(obj=command, ctx=Context(command), name="interlock")
    body = found.partition("\n")[2]  # less its title, which is the page's
    return re.sub(r"^```console$", "```text", body, flags=re.MULTILINE)


def pytest_options() -> str:
    """The options that the conformance suite adds to pytest."""
    shown = _shown("-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", "--help")
    found = re.search(r"^conformance of .*:\n(?P<options>(?:  .*\n)+)", shown, re.MULTILINE)
    if found is None:
        raise LookupError("pytest --help says nothing of the conformance suite")
    return _block(found["options"])


def selftest() -> str:
    """The options of the selftest."""
    return _block(_shown("-m", "interlock_conformance", "selftest", "--help"))


def _shown(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 our own
        [sys.executable, *arguments],
        capture_output=True,
        check=True,
        env={"COLUMNS": "90"},
        text=True,
    )
    return done.stdout


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"
