"""Builds the wheel of every distribution in the repository, and those of examples apart.

`python .ci/wheels.py FOLDER`. A new plugin is found by its `pyproject.toml`. All are built in this
process, whose environment has the backend that they name; `release-check` makes an environment for
each, as those do who install from source.
"""

import os
import sys
from pathlib import Path

from hatchling import build

_ROOT = Path(__file__).parents[1]


def main(folder: Path) -> None:
    """Build them; raises what the backend raises at the first that can't be built."""
    for above, into in (("core", ""), ("plugins/*", ""), ("tests/*", ""), ("docs/*/*", "examples")):
        for project in sorted(_ROOT.glob(f"{above}/pyproject.toml")):
            if (project.parent / "src").is_dir():
                os.chdir(project.parent)  # the backend builds what is in the working directory
                build.build_wheel(str(folder / into))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
