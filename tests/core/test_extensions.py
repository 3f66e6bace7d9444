"""Extensions are loaded only where they are listed: secrets, observers, commands."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from interlock._config.filling import Filler
from interlock._config.reader import load_settings
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.problems import Problems
from interlock._values.masking import shown
from interlock.application import ApplicationBuilder
from interlock.errors import ConfigurationError, PluginError
from rig import unharmed
from rig_domain import Account, Deposit
from shell import run_here

VAULT = """
    '''Secrets from a dictionary, loads in a list.'''
    from interlock.backends import hookimpl
    from interlock.application import OnLoad
    seen = []
    @hookimpl
    def interlock_resolve_secret(name):
        return {"db": "hunter2"}.get(name)
    @hookimpl
    def interlock_register_observers():
        yield OnLoad(seen.append)
"""
CONFIG = """
    schema = 1
    extensions = ["vault"]
    [application]
    namespace = { secret = "db" }
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(source: str, name: str = "vault") -> Path:
        module = f"interlock_{name}_extension"
        (tmp_path / f"{module}.py").write_text(dedent(source))
        info = tmp_path / f"interlock_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[interlock.extensions]\n{name} = {module}\n")
        return tmp_path

    yield install
    for module in set(sys.modules) - before:
        if module.endswith("_extension"):
            del sys.modules[module]


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "interlock.toml"
        path.write_text(dedent(text))
        return path

    return write


def test_a_secret_fills_in_and_stays_masked(
    install: Install, config: Callable[[str], Path], tmp_path: Path
) -> None:
    install(VAULT)
    assert load_settings(config(CONFIG)).application.namespace == "hunter2"
    extensions = Catalogue.installed().extensions(["vault"])
    options = Filler(tmp_path, extensions.secret, Problems()).filled({"user": {"secret": "db"}})
    assert options["user"] == "hunter2"
    assert shown(options) == {"user": "***"}  # not as an option of a secret's name is


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("vault", "volt"), "did you mean 'vault'"),
        (('{ secret = "db" }', '{ secret = "dc" }'), "knows the secret 'dc'"),
        (('["vault"]', '"vault"'), "extensions: wanted a list of names, found 'vault'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    install: Install, config: Callable[[str], Path], changed: tuple[str, str], said: str
) -> None:
    install(VAULT)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config(CONFIG.replace(*changed)))
    assert said in str(caught.value)


async def test_observers_of_an_extension_are_called(install: Install) -> None:
    install(VAULT)
    app = ApplicationBuilder().use_extension("vault").register_aggregate(Account).build()
    async with app:
        account_id = Deposit(aggregate_id=Account().id).aggregate_id
        await app.load(Account, account_id)
    from interlock_vault_extension import seen  # type: ignore[import-not-found] # noqa: PLC0415 made above

    assert [report.aggregate_id for report in seen] == [account_id]


async def test_one_that_is_listed_twice_is_used_once(
    install: Install, config: Callable[[str], Path]
) -> None:
    install(VAULT)
    builder = ApplicationBuilder.from_config(config(CONFIG)).use_extension("vault")
    with unharmed("an extension that was listed twice stopped the start"):
        app = builder.register_aggregate(Account).build()
    async with app:
        await app.load(Account, Account().id)
    from interlock_vault_extension import seen  # noqa: PLC0415 made above

    assert len(seen) == 1


def test_what_is_not_listed_is_not_imported(
    install: Install, config: Callable[[str], Path]
) -> None:
    install("")
    load_settings(config('schema = 1\n[cache_backends.hot]\nbackend = "memory-cache"\n'))
    ApplicationBuilder().register_aggregate(Account).build()
    assert "interlock_vault_extension" not in sys.modules


def test_the_first_that_is_listed_has_the_say(
    install: Install, config: Callable[[str], Path]
) -> None:
    install(VAULT.replace("hunter2", "first"), "vault")
    install(VAULT.replace("hunter2", "second"), "safe")
    for names, said in ((["vault", "safe"], "first"), (["safe", "vault"], "second")):
        text = CONFIG.replace('["vault"]', json.dumps(names))
        assert load_settings(config(text)).application.namespace == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise SystemExit('no licence')", "no licence"),
        (VAULT.replace("resolve_secret(name)", "resolve_sekret(name)"), "interlock_resolve_sekret"),
    ],
)
def test_a_listed_extension_that_is_broken_stops_the_start(
    install: Install, source: str, said: str
) -> None:
    install(source)
    with pytest.raises(PluginError, match=said):
        ApplicationBuilder().use_extension("vault").register_aggregate(Account).build()


def test_one_of_ours_that_is_not_installed_is_named_with_its_distribution() -> None:
    extension = r"no extension 'opentelemetri'.*`pip install interlock-opentelemetry`"
    catalogue = Catalogue(())
    with pytest.raises(ConfigurationError, match=extension):
        catalogue.extensions(["opentelemetri"])


def test_an_extension_that_fails_is_named(install: Install, config: Callable[[str], Path]) -> None:
    install(VAULT.replace('{"db": "hunter2"}.get(name)', "1 / 0"))
    with pytest.raises(ConfigurationError, match="of the extensions vault failed: ZeroDivision"):
        load_settings(config(CONFIG))


def test_a_command_of_an_extension_runs_where_it_is_named(install: Install) -> None:
    install(
        """
        import typer
        from interlock.backends import hookimpl
        vault = typer.Typer(name="vault", no_args_is_help=True)
        @vault.command()
        def show(): print("the vault is shut")
        @vault.command()
        def hide(): print("hidden")
        @hookimpl
        def interlock_register_commands(): yield vault
        """
    )
    for arguments, said in ((["vault", "show"], "the vault is shut"), (["--help"], "plugins")):
        done = run_here(*arguments)
        assert said in done.stdout, done.stderr


def test_an_extension_is_listed(install: Install) -> None:
    install(VAULT)
    done = run_here("plugins", "list", "--json")
    (found,) = [row for row in json.loads(done.stdout) if row["name"] == "vault"]
    assert found["kinds"] == ["extension"]
    assert found["summary"] == "Secrets from a dictionary, loads in a list."
    assert found["error"] is None
