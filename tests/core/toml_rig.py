"""A folder to configure, and what is told of a configuration that is wrong."""

from pathlib import Path

import pytest

from interlock._config.reader import load_settings
from interlock.errors import ConfigurationError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the test runs in; no variable names another configuration."""
    monkeypatch.chdir(tmp_path)
    for name in ("INTERLOCK_CONFIG", "INTERLOCK_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def error(text: str) -> str:
    """What is said of a configuration that isn't taken."""
    Path("interlock.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return str(caught.value)
