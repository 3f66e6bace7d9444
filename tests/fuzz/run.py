"""Every reader under atheris, which follows the branches that are taken.

`python tests/fuzz/run.py [--seconds N] [READER...]`: so long for each reader. What ends in an
error that isn't documented, takes too long or too much memory is written to .tox/fuzzed, and the
exit code is 1; it belongs into tests/fuzz/seeds then, under a name that says what it is.
"""

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

_FOUND = Path(__file__).parents[2] / ".tox" / "fuzzed"


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="for each reader; 20 by default")
    parser.add_argument("--one", metavar="READER", help=argparse.SUPPRESS)
    parser.add_argument("readers", nargs="*")
    options = parser.parse_args()
    if find_spec("atheris") is None:
        print("atheris isn't there for this Python on this platform: Hypothesis alone has run")
        return 0
    if options.one is not None:
        _run(options.one, options.seconds)
    sys.path.insert(0, str(Path(__file__).parent))
    from readers import READERS  # noqa: PLC0415 # without atheris it needn't be

    failed = [
        reader
        for reader in options.readers or READERS
        if subprocess.call(  # noqa: S603 # our own
            [sys.executable, __file__, "--seconds", str(options.seconds), "--one", reader]
        )
    ]
    print(f"failed: {', '.join(failed) or 'none'}")
    return bool(failed)


def _run(reader: str, seconds: int) -> None:
    """Run one reader; ends the process."""
    import atheris  # type: ignore # noqa: PGH003, PLC0415 # may be missing, has no types

    sys.path.insert(0, str(Path(__file__).parent))
    with atheris.instrument_imports(include=["interlock", "interlock_redis_cache"]):
        from readers import MEMORY, READERS, SECONDS, SEEDS  # noqa: PLC0415 # instrumented

    _FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        ours = READERS[reader].ours
        if ours is not None:
            Path(corpus, "ours").write_bytes(ours())
        atheris.Setup(
            [
                reader,
                f"-max_total_time={seconds}",
                f"-timeout={SECONDS}",
                f"-rss_limit_mb={2 * MEMORY >> 20}",
                "-max_len=65536",
                "-verbosity=0",
                f"-artifact_prefix={_FOUND}/{reader}-",
                corpus,
                str(SEEDS / reader),
            ],
            READERS[reader],
        )
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
