"""What type checkers say of the documentation's python blocks, by page and line."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pages import PAGES, ROOT, Block, blocks, name_of

_BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """What a checker says of a line of a page."""

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def written(pages: Iterable[Path], folder: Path) -> Mapping[Path, str]:
    """Write the pages' programs, each page into a folder of its own; the files, and their pages.

    Every line has the number that it has on the page. A block with a title is a file of that name,
    the others of a page are one program.
    """
    files: dict[Path, str] = {}
    for page in pages:
        name = name_of(page) if page in PAGES else page.name
        stem = re.sub(r"\W", "_", name)
        texts: dict[str, str] = {}
        for block in filter(_is_checked, blocks(page)):
            file_name = block.file_name or f"{stem}.py"
            before = texts.get(file_name, "")
            texts[file_name] = before + "\n" * (block.line - 1 - before.count("\n")) + block.text
        for file_name, text in texts.items():
            path = folder / stem / file_name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            files[path] = name
    return files


def _is_checked(block: Block) -> bool:
    """Whether the block is whole, and checked nowhere else."""
    is_part = block.not_run and (block.source or block.not_run.startswith("a part of"))
    return block.language == "python" and not is_part


def by_mypy(files: Mapping[Path, str], folder: Path) -> Iterator[Complaint]:
    """What `mypy --strict` says, with the settings of the project; its cache is in the folder."""
    for batch in _batches(files):
        command = [_BIN / "mypy", "--config-file", ROOT / "pyproject.toml", "--no-pretty"]
        done = _run(*command, "--no-error-summary", "--cache-dir", folder / "mypy", *batch)
        found = re.findall(r"^(.+?):(\d+): (error: .+)$", done.stdout, re.MULTILINE)
        assert bool(found) == bool(done.returncode), done.stdout + done.stderr
        for path, line, text in found:
            yield Complaint(files[ROOT / path], int(line), f"{text} (mypy)")


def by_pyright(files: Mapping[Path, str], folder: Path) -> Iterator[Complaint]:
    """What pyright says in its strict mode; a page's folder is where its imports are found."""
    roots = sorted({path.parent for path in files})
    settings = {
        "typeCheckingMode": "strict",
        "reportDuplicateImport": False,  # blocks are copied one by one
        "include": [str(path) for path in files],
        "executionEnvironments": [{"root": str(root)} for root in roots],
    }
    path = folder / "pyrightconfig.json"
    path.write_text(json.dumps(settings))
    command = [_BIN / "basedpyright", "--project", path, "--pythonpath", sys.executable]
    done = _run(*command, "--outputjson")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == len(files), said["summary"]
    for each in said["generalDiagnostics"]:
        text = f"{each['severity']}: {each['message']} [{each.get('rule', 'syntax')}] (pyright)"
        yield Complaint(files[Path(each["file"])], each["range"]["start"]["line"] + 1, text)


def _batches(files: Iterable[Path]) -> list[list[Path]]:
    """The files, so that no two of a batch have one name: mypy knows modules by their names."""
    batches: list[list[Path]] = []
    for path in files:
        for batch in batches:
            if all(path.name != other.name for other in batch):
                batch.append(path)
                break
        else:
            batches.append([path])
    return batches


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 our own commands
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
