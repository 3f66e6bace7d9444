import subprocess
import sys
from datetime import timedelta

import pytest
from pydantic import ValidationError

from interlock_sqlalchemy.config import SQLAlchemyConfig

URL = "postgresql://app:hunter2@db/app"


def test_the_url_is_in_no_representation() -> None:
    config = SQLAlchemyConfig(url=URL, table="t")
    assert "hunter2" not in repr(config) + str(config)


def test_the_url_is_in_no_validation_error() -> None:
    with pytest.raises(ValidationError) as caught:
        SQLAlchemyConfig.model_validate(
            {"url": URL, "table": "t", "inline_rows": -1, "password": URL}
        )
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"tabel": "t"},
        {"table": 'a"; drop table b'},
        {"table": ""},
        {"url": ""},
        {"synchronous": "SOMETIMES"},
        {"timeout": 0},
        {"busy_timeout": 0},
        {"inline_rows": -1},
        {"inline_rows": 2_001},
    ],
)
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SQLAlchemyConfig.model_validate({"url": "sqlite:///a.db", "table": "t", **options})


def test_the_lock_is_waited_for_less_than_the_call() -> None:
    config = SQLAlchemyConfig(url=URL, table="t", timeout=timedelta(seconds=3))
    assert config.lock_timeout == timedelta(seconds=1.5)
    with pytest.raises(ValidationError, match="busy_timeout must be shorter"):
        SQLAlchemyConfig(url=URL, table="t", timeout=1, busy_timeout=1)


def test_options_import_no_sqlalchemy() -> None:
    code = "import sys, interlock_sqlalchemy.config; sys.exit('sqlalchemy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0
