import subprocess
import sys


def test_the_plugin_imports_neither_sqlalchemy_nor_the_command_line() -> None:
    code = (
        "import sys, interlock_sqlalchemy.plugin;"
        "sys.exit(bool({'sqlalchemy', 'sqlite3', 'typer', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0
