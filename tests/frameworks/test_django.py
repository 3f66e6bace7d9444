"""The example with Django and Flask, on a server with several workers and threads."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service import ANNA, call, free_port, served

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "django_bank"
GUNICORN = ["gunicorn", "--workers", "2", "--threads", "4"]


@pytest.mark.parametrize("site", ["site_of_bank:application", "site_of_flask:site"])
@pytest.mark.parametrize("more", [[], ["--preload"]], ids=["forked-first", "imported-first"])
def test_views_of_several_workers_and_threads_are_right(
    tmp_path: Path, more: list[str], site: str
) -> None:
    folder, port = tmp_path / "site", free_port()
    shutil.copytree(EXAMPLE, folder)
    command = [*GUNICORN, site, *more, "--bind", f"127.0.0.1:{port}"]
    with served(folder, command, port) as server:
        assert call(port, "GET", ANNA)[0] == 404

        def deposit(_: int) -> int:
            return call(port, "POST", ANNA, {"amount": 1})[0]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(deposit, range(40))) == {200}
        assert call(port, "POST", ANNA, {"amount": -1})[0] == 409
        assert call(port, "GET", ANNA) == (200, {"balance": 40, "version": 40})
        server.terminate()
        assert server.wait(60) == 0
