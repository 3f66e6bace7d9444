"""What a profile replaces takes the place of the base's, and the rest is merged."""

from pathlib import Path
from textwrap import dedent

import pytest

from interlock._config.reader import load_settings
from rig import unharmed
from toml_rig import error


class TestReplacing:
    BASE = """
        schema = 1
        [cache_backends.hot]
        backend = "memory-cache"
        size = 5
        [aggregates.A]
        freshness = { use = "max-age", delta = "5s" }
        cache_backend = "hot"
        [profiles.test]
        replace = REPLACE
        [profiles.test.cache_backends.hot]
        backend = "null-cache"
        [profiles.test.aggregates.A]
        freshness = { use = "trust" }
    """

    @pytest.fixture(autouse=True)
    def _profile(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INTERLOCK_PROFILE", "test")

    def test_what_a_profile_replaces_is_not_merged(self) -> None:
        places = '["cache_backends.hot", "aggregates.A.freshness"]'
        Path("interlock.toml").write_text(dedent(self.BASE).replace("REPLACE", places))
        with unharmed("the base's options are those of another backend"):
            settings = load_settings()
        assert settings.table["cache_backends"] == {"hot": {"backend": "null-cache"}}
        assert settings.table["aggregates"]["A"] == {
            "freshness": {"use": "trust"},
            "cache_backend": "hot",
        }

    def test_everything_else_is_merged(self) -> None:
        told = error(dedent(self.BASE).replace("REPLACE", "[]"))
        assert "cache_backends.hot.backend: backend 'null-cache' takes no options" in told
        assert "aggregates.A.freshness: 'trust' takes no options, found delta" in told

    @pytest.mark.parametrize(
        ("places", "expected"),
        [
            ('"all"', "profiles.test.replace: wanted an array of places"),
            ("[5]", "profiles.test.replace: wanted an array of places"),
            ('["cache_backends.cold"]', "replace[0]: the profile has no 'cache_backends.cold'"),
        ],
    )
    def test_what_cannot_be_replaced_is_told(self, places: str, expected: str) -> None:
        assert expected in error(dedent(self.BASE).replace("REPLACE", places))
