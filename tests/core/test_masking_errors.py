"""Errors of a configuration show no secret."""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.application import ApplicationBuilder, backend
from rig_domain import Account
from site_packages import Site, good, site_in

PASSWORD = "hunter2/x"  # noqa: S105 an example


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    with site_in(tmp_path, monkeypatch) as site:
        yield site


class TestErrors:
    """Whatever a plugin raises when it is made or opened leaves without the secrets."""

    SOURCE = good("acme", "acme").replace("size: int = 3", "url: str = ''")

    async def _started(self, site: Site, body: str, **options: Any) -> str:
        """The traceback, causes and all, of a start with this plugin."""
        method = f"        self.config = config\n        self.required = True\n{body}"
        source = self.SOURCE.replace("        self.config = config\n", method).replace(
            "class Cache:",
            "import interlock.backends as ib\nfrom interlock._storage.memory import "
            "NullAggregateCacheBackend as Null\nclass Cache(Null):",
        )
        site.install("acme-cache", "acme", source, "acme")
        with pytest.raises(Exception, match=r"\*\*\*") as caught:
            await (
                ApplicationBuilder()
                .register_aggregate(
                    Account, cache_strategy=None, cache_backend=backend("acme", **options)
                )
                .build()
                .start()
            )
        return "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize(
        "raised",
        [
            "raise OSError(111, f'no {self.config.url}')",
            "raise KeyError(self.config.url)",
            "raise RuntimeError('no ***') from ValueError(self.config.url)",
            "raise ExceptionGroup(self.config.url, [ValueError(self.config.url)])",
            """
        class Odd(Exception):
            def __str__(_):
                return self.config.url
        raise RuntimeError('no ***') from Odd()""",
        ],
    )
    @pytest.mark.parametrize("when", ["made", "opened"])
    async def test_no_cause_tells_the_password(self, site: Site, raised: str, when: str) -> None:
        opening = (
            "    async def close(self): ...\n    async def open(self):\n"
            if when == "opened"
            else ""
        )
        told = await self._started(
            site, f"{opening}        {raised}\n", directory="d", url=f"db://app:{PASSWORD}@db"
        )
        assert "hunter2" not in told

    async def test_a_failure_that_only_counts_is_logged_without_it(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        body = """
    required = False
    async def close(self): ...
    async def open(self):
        raise ib.BackendUnavailableError(f"no answer of {self.config.url}")
"""
        source = self.SOURCE.replace(
            "        self.config = config\n", f"        self.config = config\n{body}"
        )
        source = source.replace(
            "class Cache:",
            "import interlock.backends as ib\nfrom interlock._storage.memory import "
            "NullAggregateCacheBackend as Null\nclass Cache(Null):",
        )
        site.install("acme-cache", "acme", source, "acme")
        cache = backend("acme", directory="d", url=f"db://app:{PASSWORD}@db")
        builder = ApplicationBuilder().register_aggregate(Account, cache_backend=cache)
        with caplog.at_level(logging.WARNING, "interlock"):
            async with builder.build():
                pass
        assert "no answer of db://app:***@db" in caplog.text
        assert "hunter2" not in caplog.text
