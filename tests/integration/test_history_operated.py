"""The commands that the page for operators shows on a git history, run on a small one."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import FORKS, ROOT
from sql_rig import Place, dropped, everywhere, made

EXAMPLE = ROOT / "docs/examples/git_history"
PAGE = ROOT / "docs/how-to/operate.md"
COMMITS = 60
# By command: what it has to say, whatever the numbers are, and a name in its JSON.
WANTED = {
    "streams stats": (r"the longest has 60: .* 60 events in the last 7 days", "growth"),
    "explain": (r"began with .* folded \d+ events", "events_folded"),
    "snapshots rebuild": (r"1 snapshot stored", "stored"),
    "snapshots verify": (r"1 compared, 0 of no use", "compared"),
    "snapshots list": (r"version 60  .* revision 1", "taken_at"),
    "snapshots show": (r'"version": 20,\n  "path": "a",\n  "lines": 20', "path"),
    "snapshots delete": (r"1 snapshot deleted", "deleted"),
    "plugins doctor": (r"ok event_store .*PathHistory: .* 1 have no snapshot", "types"),
    "advise": (r"TrackedFile: 1 stream; .* for each event it folds", "costs"),
    "snapshots take": (r"1 snapshot taken", "taken"),
    "archive": (r"39 events moved to", "below"),
    "health": (r"events \(SQLAlchemyEventStore, .*snapshots of TrackedFile", "backends"),
}

# What the page doesn't show, in this order; ID stands for the file's, TARGET for a configuration.
OTHERS = {
    "streams list TrackedFile": r"^\S+  60$",
    "history TrackedFile ID --first 60": r"^60  \S+ \S+  LinesChanged\n  \{.commit",
    "history TrackedFile ID --at 20": r'"version": 20,\n  "path": "a",\n  "lines": 20',
    "history TrackedFile ID --diff 20 21": r'-  "lines": 20,\n\+  "lines": 21',
    "revisions": r"^TrackedFile +1  explicit",
    "snapshots take TrackedFile ID": r"^1 snapshot taken",
    "snapshots prune TrackedFile": r"^0 snapshots deleted",
    "snapshots purge TrackedFile --older-revisions": r"^0 snapshots deleted",
    "cache show TrackedFile ID": r"^no entry",
    "cache evict TrackedFile ID": r"^evicted",
    "copy TARGET TrackedFile": r"^TrackedFile: 60 events copied; 1 stream compared, 0 differ",
    "namespace freeze": r"^read-only since",
    "namespace show": r"^read-only since",
    "namespace thaw": r"^takes changes",
    "archive TrackedFile ID --below 40": r"^39 events moved to",
    "import ARCHIVE --config TARGET": r"^0 events imported, 39 were there",
    "forget TrackedFile ID --dry-run": r"^would remove: 1 snapshot, no cache entry",
    "forget TrackedFile ID --events": r"^removed: 1 snapshot, .*the stream, of version 60",
}


def _shown() -> list[list[str]]:
    """The commands of the section, but for the import that stands above them."""
    section = PAGE.read_text().partition("\n## On a real history\n")[2].partition("\n## ")[0]
    return [shlex.split(line) for line in re.findall(r"^\$ (interlock .*)$", section, re.MULTILINE)]


def _repository(folder: Path) -> Path:
    """A repository in which each commit adds a line to a file."""
    stream = ""
    for number in range(1, COMMITS + 1):
        text = "".join(f"line {line}\n" for line in range(number))
        stream += (
            "commit refs/heads/main\n"
            f"committer somebody <somebody@example.org> {1_700_000_000 + number} +0000\n"
            f"data 1\nx\nM 100644 inline a\ndata {len(text)}\n{text}\n"
        )
    for words in (["init", "--bare", "--initial-branch=main"], ["fast-import"]):
        command = ["git", "-C", str(folder), *words, "--quiet"]
        subprocess.run(command, input=stream, text=True, check=True)  # noqa: S603 our own
    return folder


@pytest.fixture(params=everywhere("sqlite", "postgresql"))
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The folder of the example, whose configuration names another database."""
    place: Place = made(request.param, tmp_path)
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE / "git_history", folder / "git_history")
    text = (EXAMPLE / "interlock.toml").read_text()
    assert text.count("synchronous = ") == text.count("url = ") == 2
    if place.is_postgresql:
        text = re.sub(r"^synchronous = .*\n", "", text, flags=re.MULTILINE)
        for kind in ("events", "snapshots"):
            url = f'url = "{place.url}"\ntable = "{place.table(f"interlock_{kind}")}"'
            text = re.sub(r'^url = "sqlite:.*', url, text, count=1, flags=re.MULTILINE)
    (folder / "interlock.toml").write_text(text)
    yield folder
    dropped(place)


def _said(folder: Path, *words: str) -> str:
    done = FORKS.run(words, folder, {"PYTHONWARNINGS": "error", "COLUMNS": "80"})
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert done.stderr == ""
    return done.stdout


def test_each_command_answers(application: Path, tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    repository = _repository(tmp_path / "repository")
    _said(application, "python", "-m", "git_history", "import", str(repository))
    ids = _said(application, "interlock", "streams", "list", "TrackedFile")
    file_id = ids.split()[0]
    asked = set()
    for words in _shown():
        command = [file_id if re.fullmatch(r"[0-9a-f-]{36}", word) else word for word in words]
        name = next(name for name in WANTED if words[1:][: name.count(" ") + 1] == name.split())
        pattern, field = WANTED[name]
        said = _said(application, *command)
        assert re.search(pattern, said, re.DOTALL), f"{command}: {said}"
        assert all(len(line) <= 80 for line in said.splitlines() if "/" not in line)
        if name != "snapshots delete":  # there is nothing to delete now
            as_json = () if name == "snapshots show" else ("--json",)
            told = _said(application, *command, *as_json)
            assert f'"{field}":' in told
            json.loads(told)
        asked.add(name)
    assert asked == WANTED.keys()


def test_so_do_those_that_the_page_does_not_show(application: Path, tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    repository = _repository(tmp_path / "repository")
    _said(application, "python", "-m", "git_history", "import", str(repository))
    file_id = _said(application, "interlock", "streams", "list", "TrackedFile").split()[0]
    target = tmp_path / "target.toml"
    target.write_text(
        'schema = 1\n[event_store]\nbackend = "sqlalchemy-events"\n'
        f'url = "sqlite:///{tmp_path / "target.db"}"\ncreate_schema = true\n'
    )
    for command, pattern in OTHERS.items():
        archive = next(application.rglob("*.jsonl"), "")
        places = {"ID": file_id, "TARGET": str(target), "ARCHIVE": str(archive)}
        words = [places.get(word, word) for word in command.split()]
        said = _said(application, "interlock", *words)
        assert re.search(pattern, said, re.DOTALL | re.MULTILINE), f"{command}: {said}"
        assert all(
            len(line) <= 80 for line in said.splitlines() if "/" not in line and "{" not in line
        )
        if "sqlite:" in (application / "interlock.toml").read_text():  # elsewhere it is the same
            json.loads(_said(application, "interlock", *words, "--json"))
