"""What `tox run -e types` reads follows from what stands in the repository."""

import subprocess

from mypy_runs import ELSEWHERE, ROOT, apart, folders, sources


def test_every_file_of_the_repository_is_read() -> None:
    command = ["git", "ls-files", "*.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 our own
    read = [*sources(), *folders(), *(ROOT / name for name in ELSEWHERE)]
    unread = [
        name
        for name in done.stdout.splitlines()
        if not any((ROOT / name).is_relative_to(folder) for folder in read)
    ]
    assert not unread, "tests/typing/mypy_runs.py says where it looks"


def test_modules_of_one_name_are_read_apart() -> None:
    groups = apart(folders())
    for group in groups:
        names = [path.stem for folder in group for path in (ROOT / folder).glob("*.py")]
        assert len(names) == len(set(names)), group
    assert sum(map(len, groups)) == len(folders())
