"""Whatever a history does, what is recorded is what git holds, at every commit."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interlock import ApplicationBuilder

from git_history.domain import ImportProgress, PathHistory, TrackedFile
from git_history.git import open_repository
from git_history.history import History
from git_history.importer import import_history
from sandbox import Sandbox, fast_import, numbered, set_file

GITLINK = b"1" * 40
PATHS = (b"a", b"b", b"c", b"a/x", b"b/a", b"b/\xff", "żółć x".encode())
CONTENTS = (
    b"",
    b"no newline",
    numbered(1, 12),
    numbered(1, 15),
    numbered(1, 15) + b"end",
    numbered(50, 60),
    numbered(50, 61),
    b"\0" + numbered(1, 12),
    b"\0" + numbered(1, 13),
)
MODES = (b"100644", b"100755", b"120000", b"160000")

Tree = dict[bytes, tuple[bytes, bytes]]
entries = st.tuples(st.sampled_from((*MODES, *MODES[:1] * 4)), st.sampled_from(CONTENTS))
writes = st.tuples(st.just("write"), st.sampled_from(PATHS), entries)
swaps = st.tuples(st.just("swap"), st.sampled_from(PATHS), st.sampled_from(PATHS))
deletes = st.tuples(st.just("delete"), st.sampled_from(PATHS), st.none())
steps = st.lists(st.lists(writes | swaps | deletes, max_size=4), min_size=1, max_size=12)


def put(tree: Tree, path: bytes, entry: tuple[bytes, bytes]) -> None:
    for other in list(tree):
        if other.startswith(path + b"/") or path.startswith(other + b"/"):
            del tree[other]
    tree[path] = entry


def trees(history: list[list[tuple[str, bytes, object]]]) -> list[Tree]:
    """Return the tree of each commit; a swap moves what is at two paths, or at one of them."""
    tree: Tree = {}
    result = []
    for step in history:
        for kind, path, argument in step:
            taken = tree.pop(path, None)
            if kind == "write":
                assert isinstance(argument, tuple)
                put(tree, path, argument)
            elif kind == "swap":
                assert isinstance(argument, bytes)
                other = tree.pop(argument, None)
                if taken is not None:
                    put(tree, argument, taken)
                if other is not None:
                    put(tree, path, other)
        result.append(dict(tree))
    return result


def commands(tree: Tree) -> bytes:
    result = b"deleteall\n"
    for path, (mode, content) in tree.items():
        if mode == b"160000":
            result += b"M 160000 %s %s\n" % (GITLINK, path)
        else:
            target = content.replace(b"\0", b"0") or b"target" if mode == b"120000" else content
            result += set_file(path, target, mode)
    return result


async def recorded(path: Path, positions: int) -> list[dict[bytes, int | None]]:
    app = (
        ApplicationBuilder()
        .register_aggregate(TrackedFile)
        .register_aggregate(PathHistory)
        .register_aggregate(ImportProgress)
        .build()
    )
    with open_repository(path) as repository:
        async with app:
            history = History(app, repository)
            await import_history(history, lambda _done, _wanted: None)
            result = []
            for position in range(1, positions + 1):
                files = {name: await history.file_at(name, position) for name in PATHS}
                result.append({name: file.lines for name, file in files.items() if file})
    return result


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_every_file_has_gits_line_count_at_every_commit(
    history: list[list[tuple[str, bytes, object]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = Sandbox(Path(folder))
        fast_import(repo, map(commands, trees(history)))
        expected = [repo.line_counts(commit) for commit in repo.first_parents()]
        assert asyncio.run(recorded(repo.path, len(expected))) == expected
