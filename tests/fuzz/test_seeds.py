"""What once found something is read again: an answer or a documented error, and little memory."""

import tracemalloc
from pathlib import Path

import pytest

from readers import READERS, SEEDS
from rig import unharmed

MEMORY = 64 << 20  # bytes; the seeds are small


def seeds(reader: str) -> list[Path]:
    return sorted((SEEDS / reader).iterdir())


def test_every_reader_has_seeds_and_every_seed_a_reader() -> None:
    folders = {path.name for path in SEEDS.iterdir()}
    assert set(READERS) <= folders
    # Those of plugins that aren't installed here.
    assert all(name.startswith("redis-") for name in folders - set(READERS))


@pytest.mark.parametrize(
    ("reader", "seed"),
    [(reader, seed) for reader in READERS for seed in seeds(reader)],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_a_seed_is_read_or_refused_in_words(reader: str, seed: Path) -> None:
    data = seed.read_bytes()
    READERS[reader](b"")  # what is built at the first read isn't counted
    tracemalloc.start()
    try:
        with unharmed("an error that isn't documented"):
            READERS[reader](data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY


@pytest.mark.parametrize("reader", READERS)
def test_ours_is_read(reader: str) -> None:
    ours, file = READERS[reader].ours, SEEDS / reader / "ours"
    with unharmed("what we wrote isn't read"):
        if ours is not None:
            READERS[reader].read(ours())
        elif file.exists():
            READERS[reader].read(file.read_bytes())
