"""Tiers by name in TOML, or as an object."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    TieredAggregateCacheBackend,
)
from interlock.errors import ConfigurationError
from rig import Rig
from rig_domain import Account
from rig_stores import Cache, Sharing
from tiers_rig import Shared


class TestConfiguration:
    """By name in TOML, or as an object."""

    @pytest.fixture
    def toml(self, tmp_path: Path) -> Callable[[str], Path]:
        def written(text: str) -> Path:
            path = tmp_path / "interlock.toml"
            path.write_text("schema = 1\n" + text)
            return path

        return written

    async def test_tiers_are_named_instances(self, toml: Callable[[str], Path]) -> None:
        path = toml(
            """
            [cache_backends.hot]
            backend = "tiered"
            tiers = ["local", "far"]
            [cache_backends.local]
            backend = "memory-cache"
            ttl = "5s"
            [cache_backends.far]
            backend = "memory-cache"
            [aggregates.Account]
            cache_strategy = "always"
            cache_backend = "hot"
            """
        )
        app = ApplicationBuilder.from_config(path).register_aggregate(Account).build()
        backends = [made for made, _ in app._backends._backends]
        tiered = backends[-1]
        assert isinstance(tiered, TieredAggregateCacheBackend)
        assert tiered._local is backends[-3]
        assert tiered.tiers[1] is backends[-2]
        assert tiered._local.ttl == timedelta(seconds=5)

    async def test_tiers_of_an_instance_are_opened_with_it(self) -> None:
        class Opened(Shared):
            async def open(self) -> None:
                await self.at("open")

            async def watch(
                self, changed: Callable[[str], None], reset: Callable[[], None]
            ) -> None:
                await self.at("watch")

            async def close(self) -> None:
                await self.at("close")

        shared = Opened()
        async with Rig(cache=TieredAggregateCacheBackend(InMemoryAggregateCacheBackend(), shared)):
            assert shared.calls == ["open", "watch"]
        assert shared.calls == ["open", "watch", "close"]

    @pytest.mark.parametrize(
        ("hot", "said"),
        [
            ('tiers = ["local", "fra"]', "cache_backends.hot.tiers[1]: no backend 'fra'"),
            ('tiers = ["local", "hot"]', "cache_backends.hot.tiers[1]: 'hot' is made of others"),
            ('tiers = ["local"]', "cache_backends.hot.tiers"),
            ("", "cache_backends.hot.tiers: is required and missing"),
        ],
    )
    def test_wrong_tiers_are_told(self, toml: Callable[[str], Path], hot: str, said: str) -> None:
        path = toml(
            f"""
            [cache_backends.hot]
            backend = "tiered"
            {hot}
            [cache_backends.local]
            backend = "memory-cache"
            """
        )
        with pytest.raises(ConfigurationError) as caught:
            ApplicationBuilder.from_config(path)
        assert said in str(caught.value)

    @pytest.mark.parametrize("ttl", ['"0s"', '"-1s"', "0", '"soon"'])
    def test_a_ttl_is_above_0_or_never(self, toml: Callable[[str], Path], ttl: str) -> None:
        path = toml(f'[cache_backends.local]\nbackend = "memory-cache"\nttl = {ttl}\n')
        with pytest.raises(ConfigurationError, match=r"cache_backends\.local\.ttl"):
            ApplicationBuilder.from_config(path)

    @pytest.mark.parametrize(
        ("tiers", "said"),
        [
            ((Cache(), Sharing()), "second of the tiers is a Sharing"),
            ((Sharing(), Cache()), "first of the tiers is a Sharing"),
        ],
    )
    def test_tiers_that_do_not_fit_are_refused(self, tiers: Any, said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            TieredAggregateCacheBackend(*tiers)
