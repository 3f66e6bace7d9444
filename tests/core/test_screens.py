"""What every command shows on a screen of 80 columns, and what of that goes into a pipe."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
from typer.main import get_command

from interlock._plugins.catalogue import Catalogue
from interlock.cli.commands import app
from shell import interlock, run_here, runner
from site_packages import Site, good, site_in

WIDTH = 80
BOXES = re.compile("[\u2500-\u257f\x1b]")  # lines drawn around text, and colours


def commands(command: Any, *path: str) -> Iterator[tuple[str, ...]]:  # Any: click's, or typer's own
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


def shown(*arguments: str, code: int = 0) -> str:
    done = runner().invoke(app, arguments, prog_name="interlock", env={"COLUMNS": str(WIDTH)})
    assert done.exit_code == code, done.output
    return done.stdout


def fits(text: str) -> bool:
    return BOXES.search(text) is None and all(len(line) <= WIDTH for line in text.splitlines())


@pytest.mark.parametrize("path", list(commands(get_command(app))), ids=" ".join)
def test_help_fits_and_describes_everything_in_whole_words(path: tuple[str, ...]) -> None:
    text = shown(*path, "--help")
    assert fits(text)
    assert "<bool>" not in text
    assert "..." not in re.sub(r"[\[{][A-Z]+[\]}]\.\.\.", "", text)  # several of an argument
    listed = re.split(r"^(?:Options|Arguments|Commands):\n", text, flags=re.MULTILINE)[1:]
    for block in listed:
        for entry in re.split(r"\n(?=  \S)", block.strip("\n")):
            assert re.search(r"\S(?:  +|\n {6,})[A-Z]", entry), f"not described: {entry!r}"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTERLOCK_CONFIG", raising=False)
    with site_in(tmp_path, monkeypatch) as site:
        yield site


class TestList:
    def test_each_name_has_a_line_under_its_kind(self) -> None:
        text = shown("plugins", "list")
        assert fits(text)
        blocks = dict(re.findall(r"^(\S.*):\n((?:  .*\n)+)", text, re.MULTILINE))
        for heading, line in (
            ("caches", "  memory-cache +The most recently used states, in this process"),
            ("snapshot strategies", "  never +No snapshots"),
            ("cache strategies", "  never +No cache"),
        ):
            assert re.search(f"^{line}$", blocks[heading], re.MULTILINE)
        assert {"event stores", "snapshot stores", "codecs"} <= blocks.keys()
        assert text.count("\n") == len(blocks) + sum(block.count("\n") for block in blocks.values())

    def test_what_is_too_long_is_cut_between_words(self, site: Site) -> None:
        summary = "word " * 40
        source = good("acme", "acme", f', summary="{summary}"')
        site.install("acme-cache", "acme", source, "acme")
        (line,) = [line for line in shown("plugins", "list").splitlines() if "acme" in line]
        assert line.endswith(" word...")
        assert WIDTH - 5 <= len(line) <= WIDTH

    def test_into_a_pipe_everything_goes(self, site: Site) -> None:
        summary = "[bold]Holes[/] " * 20
        site.install("acme-cache", "acme", good("acme", "acme", f', summary="{summary}"'), "acme")
        done = run_here("plugins", "list", COLUMNS="")
        assert summary.strip() in done.stdout
        assert BOXES.search(done.stdout) is None

    def test_a_text_that_looks_like_markup_is_told_as_it_is(self, site: Site) -> None:
        site.install("acme-cache", "acme", "[/opt/x/lib.so] = [red", "acme")
        site.install(
            "other-cache", "other", "raise ImportError('[/opt/x/lib.so] [red]no')", "other"
        )
        assert "BROKEN: 'acme' can't be read: SyntaxError" in shown("plugins", "list")
        assert "[/opt/x/lib.so] [red]no" in shown("plugins", "info", "other")
        assert "[/opt/x/lib.so] [red]no" in shown("plugins", "doctor")

    def test_nothing_of_it_is_loaded(self, site: Site) -> None:
        site.install("acme-cache", "acme", "raise RuntimeError('was run')", "acme")
        assert "was run" not in shown("plugins", "list") + shown("plugins", "list", "--json")

    def test_two_of_one_name_are_told_apart(self, site: Site) -> None:
        for name in ("first", "second"):
            site.install(f"{name}-cache", name, good("acme", name), "acme")
        text = shown("plugins", "list")
        assert "  first-cache:acme" in text
        assert "  second-cache:acme" in text


BROKEN = """
        self.config = config

    async def open(self):
        raise OSError("no answer, " * 20)

    async def close(self):
        pass
"""


class TestLongLines:
    """What is longer than a line of the screen goes on in the next, by whole words."""

    @pytest.fixture
    def folder(self, site: Site) -> Path:
        source = good("acme", "acme").replace("\n        self.config = config\n", BROKEN)
        site.install("acme-cache", "acme", source, "acme")
        Path("interlock.toml").write_text(
            'schema = 1\n[cache_backends.main]\nbackend = "acme"\ndirectory = "x"\n'
            '[aggregates.default]\ncache_strategy = "always"\ncache_backend = "main"\n'
        )
        return site.folder

    def test_of_the_doctor(self, folder: Path) -> None:
        text = shown("plugins", "doctor", code=1)
        assert fits(text)
        assert text.count("no answer,") == 20
        assert re.search(r"^BROKEN cache_backends.main \(acme\): no answer, ", text, re.MULTILINE)
        assert re.search(r"^  no answer, ", text, re.MULTILINE)

    def test_of_the_doctor_in_a_pipe(self, folder: Path) -> None:
        done = run_here("plugins", "doctor", COLUMNS="")
        assert "no answer, " * 19 in done.stdout
        assert BOXES.search(done.stdout) is None

    @pytest.mark.parametrize("command", [("config", "check"), ("config", "show")])
    def test_of_what_is_wrong(self, folder: Path, command: tuple[str, ...]) -> None:
        Path("interlock.toml").write_text(f"schema = 1\nnonsense = 5\n[{'a' * 30}]\n")
        for width, lines in (("80", 5), ("", 3)):
            done = run_here(*command, COLUMNS=width)
            assert (done.returncode, done.stdout) == (1, "")
            assert len(done.stderr.splitlines()) >= lines
            assert fits(done.stderr) == bool(width)


def test_what_works_fits(site: Site) -> None:
    Path("interlock.toml").write_text('schema = 1\n[event_store]\nbackend = "memory-events"\n')
    for command in ("check", "show"):
        assert fits(shown("config", command))
    assert fits(shown("plugins", "new", "acme-cache", "--kind", "cache", "--into", "acme"))


@pytest.mark.parametrize("name", ["after-n", "json+zlib", "tiered", "memory-snapshots"])
def test_info_fits(name: str, site: Site) -> None:
    text = "".join(
        line for line in shown("plugins", "info", name).splitlines(True) if "  from: " not in line
    )
    assert fits(text)
    assert re.search(r"\n  \w+: .*\n      [A-Z]", text), "no option is described"


def test_every_strategy_and_codec_of_ours_says_what_it_does() -> None:
    for found in Catalogue.installed().names():
        if found.distribution == "interlock":
            assert all(summary for _, summary in found.glance.told), found.name


class TestExitCodes:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("plugins", "verify", "nope"), "nothing named 'nope' is installed"),
            (("plugins", "verify", "memory-cach"), "did you mean 'memory-cache'?"),
            (("plugins", "verify", "after-n"), "'after-n' is no backend"),
            (("plugins", "info", "nope"), "nothing named 'nope' is installed"),
            (("config", "check", "--config", "gone.toml"), "gone.toml can't be read"),
            (("config", "check"), "no configuration found"),
            (("config", "show"), "no configuration found"),
            (("plugins", "new", "Not A Name", "--kind", "cache"), "is no name for a backend"),
        ],
    )
    def test_what_cannot_be_done_ends_with_2_and_one_line(
        self, site: Site, arguments: tuple[str, ...], said: str
    ) -> None:
        done = run_here(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize("command", ["check", "show"])
    def test_a_configuration_that_is_wrong_ends_with_1(self, site: Site, command: str) -> None:
        Path("interlock.toml").write_text("schema = 2\n")
        done = run_here("config", command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "line 1, schema: wanted schema = 1, found 2" in done.stderr


def test_version(tmp_path: Path) -> None:
    done = interlock("--version", cwd=tmp_path)
    assert re.fullmatch(r"interlock \d+\.\d+\.\S+\n", done.stdout)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("interlock conf", "config"),
        ("interlock config sh", "show"),
        ("interlock plugins verif", "verify"),
    ],
)
def test_a_shell_completes_commands(words: str, expected: str) -> None:
    variables = {
        "_INTERLOCK_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    assert run_here(**variables).stdout.split() == [expected]


class TestCommandsOfExtensions:
    SOURCE = """
    '''Holes in the ground.'''
    import typer
    from pathlib import Path
    from interlock.backends import hookimpl
    Path(__file__ + ".run").touch()
    app = typer.Typer(name="holes", no_args_is_help=True)
    @app.callback()
    def holes():
        '''Holes in the ground.'''
    @app.command()
    def dig():
        '''Dig one.'''
        typer.echo("dug")
    @hookimpl
    def interlock_register_commands():
        yield app
    """

    @pytest.fixture
    def folder(self, site: Site) -> str:
        site.install("holes", "holes_extension", self.SOURCE)
        points = site.folder / "holes-1.0.dist-info" / "entry_points.txt"
        points.write_text("[interlock.extensions]\nholes = holes_extension\n")
        return str(site.folder)

    def test_they_are_listed_and_not_loaded(self, folder: str, site: Site) -> None:
        done = run_here("--help", COLUMNS=str(WIDTH))
        assert re.search(r"^  holes +Holes in the ground\.$", done.stdout, re.MULTILINE)
        assert not list(site.folder.glob("*.run"))

    def test_they_run_and_are_completed(self, folder: str, site: Site) -> None:
        assert run_here("holes", "dig").stdout == "dug\n"
        help_text = run_here("holes", "dig", "--help", COLUMNS="").stdout
        assert BOXES.search(help_text) is None
        variables = {
            "_INTERLOCK_COMPLETE": "complete_bash",
            "COMP_WORDS": "interlock holes di",
            "COMP_CWORD": "2",
        }
        assert interlock(cwd=site.folder, path=folder, **variables).stdout.split() == ["dig"]
