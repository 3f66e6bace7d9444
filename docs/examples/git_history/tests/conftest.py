from pathlib import Path

import pytest

from sandbox import Sandbox


@pytest.fixture
def repo(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "repo")
