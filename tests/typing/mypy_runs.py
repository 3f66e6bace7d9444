"""mypy --strict over every source and test that it finds in the repository.

`python tests/typing/mypy_runs.py`. New plugins, folders of tests and examples are found there.
Folders whose modules have different names are read together; those of one name are read apart.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
# They need what `docs`, `docs-pages` and `docs-types` install, and are read there; pages show
# account.py, and Django has no types.
ELSEWHERE = (
    *("docs/_reference", "tests/site", "tests/typing"),
    *("docs/examples/account.py", "docs/examples/django_bank"),
)


def main() -> int:
    """The exit code: 0 if mypy has nothing to say of any of them."""
    packages = sorted(path.name for source in sources() for path in source.glob("*/"))
    runs = [[f"--package={name}" for name in packages], *apart(folders())]
    return max([_mypy(arguments, [*sources(), *folders()]) for arguments in runs])


def sources() -> list[Path]:
    """The folders with the packages of distributions."""
    above = ("core", "plugins/*", "tests/*", "docs/examples/*")
    return [path for place in above for path in sorted(ROOT.glob(f"{place}/src"))]


def folders() -> list[Path]:
    """The folders with tests, scripts and examples, in which modules find one another."""
    inside = [*ROOT.glob("tests/*/"), *ROOT.glob("plugins/*/*/")]
    found = [path for path in inside if any(path.glob("*.py"))]
    found += [*ROOT.glob("tests/*/tests"), ROOT / ".ci"]
    found += [path.parent for path in ROOT.glob("docs/examples/*/tests")]
    return [path for path in sorted(found) if str(path.relative_to(ROOT)) not in ELSEWHERE]


def apart(folders: Iterable[Path]) -> list[list[str]]:
    """The folders in groups, so that no group has two modules of one name: mypy knows no two."""
    groups: list[tuple[set[str], list[str]]] = []
    for folder in folders:
        names = {path.stem for path in folder.rglob("*.py")} - {"__init__"}
        for known, group in groups:
            if known.isdisjoint(names):
                known.update(names)
                group.append(str(folder.relative_to(ROOT)))
                break
        else:
            groups.append((names, [str(folder.relative_to(ROOT))]))
    return [group for _, group in groups]


def _mypy(arguments: Sequence[str], search: Iterable[Path]) -> int:
    print("mypy", *arguments, flush=True)
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, search))}
    command = [sys.executable, "-m", "mypy", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 our own


if __name__ == "__main__":
    sys.exit(main())
