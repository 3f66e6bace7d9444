"""Builds the wheel of every distribution in the repository, and those of examples apart.

`python .ci/wheels.py FOLDER`. A new plugin is found by its `pyproject.toml`.
"""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def main(folder: Path) -> None:
    """Build them; raises `CalledProcessError` at the first that can't be built."""
    for above, into in (("core", ""), ("plugins/*", ""), ("tests/*", ""), ("docs/*/*", "examples")):
        for project in sorted(_ROOT.glob(f"{above}/pyproject.toml")):
            if (project.parent / "src").is_dir():
                command = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder / into)]
                subprocess.run([*command, str(project.parent)], check=True)  # noqa: S603 our own


if __name__ == "__main__":
    main(Path(sys.argv[1]))
