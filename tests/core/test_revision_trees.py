"""Every version of Python reads the same trees."""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import interlock

DIGESTS = """
import ast, json, sys
from pathlib import Path
from interlock._storage.revision_parts.syntax import tree_digest
kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
print(json.dumps({
    f"{path} {node.lineno} {node.col_offset}": tree_digest(node)
    for folder in sys.argv[1:]
    for path in sorted(Path(folder).rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, kinds)
}))
"""


SYNTAX = '''
def text(x, y=1, /, *rest, z: int = 2, **more):
    """Doc."""
    f"{x!r:>{y}} {{}} {x=}" f"" "tail\\N{BULLET}" f"{'a' 'b'}"
    return (f"{x}" "a" f"{y:{z}.{x}}" "", b"\\x00" b"a", -1, 1j, 1e300, ..., 10**9, "\\ud800", u"é")


async def waiting(x):
    async with x as (a, b), x:
        async for i in x:
            await (yield i)
    return [i async for i in x if i if not i], {**x, "a": 1}, {*x}, (x[1:2, ...], x[*x])


def matching(x):
    match x:
        case {"a": [1, *_], **rest} | None:
            pass
        case str() as s if s:
            return s
        case Point(x=0) | -1 | 1 + 2j:
            ...
    try:
        raise ValueError from None
    except* ValueError as error:
        del error
    else:
        global g
        g = lambda *, k=1: (k := 2)
    finally:
        assert x, "message"
    while x: x @= 1
    else: "text"
    class Inner(x, metaclass=y):
        """Doc."""
        a: int
        b: "str" = 1
'''


@functools.cache
def interpreter(version: str) -> str | None:
    """A Python of the version, wherever it was installed."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in (shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python")):
        if found is not None:
            done = subprocess.run([found, "-c", ""], check=False, capture_output=True)  # noqa: S603 a Python
            if done.returncode == 0:
                return str(found)
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_version_of_python_reads_the_same_trees(tmp_path: Path, version: str) -> None:
    other = interpreter(version)
    if other is None:
        pytest.skip(f"needs python{version}: it isn't installed")
    (tmp_path / "syntax.py").write_text(SYNTAX, encoding="utf-8")
    sources = Path(interlock.__file__).parent
    here, there = (
        json.loads(
            subprocess.run(  # noqa: S603 our own script
                [python, "-c", DIGESTS, str(tmp_path), str(sources)],
                env={**os.environ, "PYTHONPATH": str(sources.parent)},
                capture_output=True,
                check=True,
            ).stdout
        )
        for python in (sys.executable, other)
    )
    assert len(here) > 500
    assert here == there
