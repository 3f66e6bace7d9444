import subprocess
import sys

from interlock_sqlalchemy_events.plugin import interlock_register_backends


def test_the_plugin_registers_the_backend_and_imports_no_driver() -> None:
    (spec,) = interlock_register_backends()
    assert spec.name == "sqlalchemy-events"
    code = (
        "import sys, interlock_sqlalchemy_events.plugin, interlock_sqlalchemy_events.config;"
        "sys.exit(bool({'sqlalchemy', 'sqlite3'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0
