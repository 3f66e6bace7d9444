import subprocess
import sys

import pytest

from interlock_sqlalchemy.plugin import interlock_register_commands


def test_the_plugin_imports_neither_sqlalchemy_nor_the_command_line() -> None:
    code = (
        "import sys, interlock_sqlalchemy.plugin;"
        "sys.exit(bool({'sqlalchemy', 'sqlite3', 'typer', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0


def test_the_command_is_named_sql() -> None:
    pytest.importorskip("typer", reason="needs interlock[cli]")
    (app,) = interlock_register_commands()
    assert app.info.name == "sql"
