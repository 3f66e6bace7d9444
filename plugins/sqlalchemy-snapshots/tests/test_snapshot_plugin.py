import subprocess
import sys

import pytest
from pydantic import ValidationError

from interlock_sqlalchemy_snapshots.config import SQLAlchemySnapshotsConfig
from interlock_sqlalchemy_snapshots.plugin import interlock_register_backends


def test_the_plugin_registers_the_backend_and_imports_no_driver() -> None:
    (spec,) = interlock_register_backends()
    assert spec.name == "sqlalchemy-snapshots"
    code = (
        "import sys, interlock_sqlalchemy_snapshots.plugin, interlock_sqlalchemy_snapshots.config;"
        "sys.exit(bool({'sqlalchemy', 'sqlite3'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0


@pytest.mark.parametrize("options", [{"keep": 0}, {"keep_revisions": 0}, {"keep": "all"}])
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SQLAlchemySnapshotsConfig.model_validate({"url": "sqlite:///a.db", **options})
