"""The checks of a distribution: what pip and the catalogue see of a backend."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from interlock.application import ApplicationBuilder
from interlock.backends import PLUGIN_API, BackendSpec, Capability
from interlock.errors import ConfigurationError
from interlock_conformance.checks import IF, MUST, SHOULD, CannotTell, check, expect
from interlock_conformance.distribution import PackagingHarness

CAPABILITIES = frozenset(map(str, Capability))
"""Capabilities that a registration may declare; the suite derives the others itself."""

_ALWAYS_THERE = {"interlock", "pydantic", "pluggy"}
_SECRET = "hunter2-is-secret"  # noqa: S105 an example, looked for in what is shown
_LISTING = """
import json, sys
from interlock.backends import Catalogue
names = [listing.name for listing in Catalogue.installed().listing()]
print(json.dumps([names, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@check(
    "PLUG-001",
    MUST,
    others='name = "interlock-redis-cache" for the backend redis-cache, in pyproject.toml',
)
def distribution_is_named_after_it(harness: PackagingHarness) -> None:
    """The distribution of the backend NAME is called interlock-NAME."""
    found = harness.subject.distribution.name
    wanted = f"interlock-{harness.subject.name}"
    expect(found in ("interlock", wanted), wanted, found)


@check(
    "PLUG-002",
    MUST,
    others="a function `interlock_register_backends` with @hookimpl in the entry point's module "
    "yields one BackendSpec; its name is the entry point's",
)
def entry_point_registers_one(harness: PackagingHarness) -> None:
    """The entry point's module registers one backend of the entry point's name."""
    found = [spec for spec in harness.specs() if isinstance(spec, BackendSpec)]
    named = [spec for spec in found if spec.name == harness.subject.name]
    expect(len(named) == 1, f"one {harness.subject.name!r}", f"{[spec.name for spec in found]}")


@check("PLUG-003", MUST, others=f"plugin_api={PLUGIN_API}, a literal: the one it was written for")
def plugin_api_is_ours(harness: PackagingHarness) -> None:
    """The registration names the plugin API of this core."""
    found = _spec(harness).plugin_api
    expect(found == PLUGIN_API, f"plugin_api {PLUGIN_API}", f"{found}")


@check(
    "PLUG-004",
    MUST,
    others='name the factory and the model by import strings, "package.backend:Class", and import '
    "no driver in plugin.py nor in the package's __init__.py",
)
def listing_imports_no_driver(harness: PackagingHarness) -> None:
    """Listing what is installed imports nothing that the distribution depends on."""
    result = subprocess.run(  # noqa: S603 our own interpreter
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}{_LISTING}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode != 0:
        raise CannotTell(f"the plugins couldn't be listed: {result.stderr}")
    _, modules = json.loads(result.stdout)
    drivers = _modules_of(_dependencies(harness))
    found = sorted(drivers & set(modules))
    expect(not found, "no driver among the imported modules", ", ".join(found))


@check(
    "PLUG-005",
    MUST,
    others='license = "MIT" and license-files = ["LICENSE"] in pyproject.toml',
)
def licence_is_told(harness: PackagingHarness) -> None:
    """The metadata name a licence."""
    metadata = harness.subject.distribution.metadata.json
    found = metadata.get("license_expression") or metadata.get("license")
    expect(found, "License-Expression in the metadata", "neither it nor License")


@check("PLUG-006", MUST, others="an empty file py.typed in the package, and in the wheel")
def package_is_typed(harness: PackagingHarness) -> None:
    """The package has a py.typed."""
    origin = sys.modules.get(harness.package())
    if origin is None:
        harness.subject.point.load()
        origin = sys.modules[harness.package()]
    folder = Path(str(origin.__file__)).parent
    expect((folder / "py.typed").exists(), f"{folder.name}/py.typed", "no such file")


@check(
    "PLUG-007",
    MUST,
    others='model_config = ConfigDict(extra="forbid", frozen=True)',
)
def unknown_option_is_refused(harness: PackagingHarness) -> None:
    """An option that the model doesn't have is refused."""
    model = harness.model()
    if model is None:
        spec = harness.spec()
        expect(spec is not None and spec.config is None, "a model that imports", "none that does")
        return
    found = model.model_config.get("extra")
    expect(found == "forbid", 'extra="forbid"', f"extra={found!r}")


@check("PLUG-008", IF("options"), others="as PLUG-007")
def options_are_frozen(harness: PackagingHarness) -> None:
    """The options can't be changed once they were validated."""
    found = _model(harness).model_config.get("frozen")
    expect(found is True, "frozen=True", f"frozen={found!r}")


@check(
    "PLUG-009",
    IF("options"),
    others="fields by their usual names: url, servers, directory, ttl, keep, namespace, timeout; "
    "the core makes the message of the model's fields",
)
def misspelt_option_is_explained(harness: PackagingHarness) -> None:
    """A misspelt option in TOML is answered with its path and with what was meant."""
    name = next(iter(_model(harness).model_fields))
    message = _refused(harness, f"{name}x = 1\n")
    path = f"{_table(harness).strip('[]')}.{name}x"
    expect(
        path in message and f"'{name}'" in message,
        f"a message with {path} and did you mean {name!r}",
        message,
    )


@check(
    "PLUG-010",
    IF("url"),
    others="Field(repr=False) on the URL and hide_input_in_errors=True on the model; mask the "
    "password in what drivers raise",
)
def no_secret_is_shown(harness: PackagingHarness) -> None:
    """A URL's password is in no `repr`, no error and no log."""
    shown: list[str] = []
    with _logged(shown):
        for url in (f"nosuch://user:{_SECRET}@127.0.0.1:1/db", f"user:{_SECRET}@"):
            _try_url(harness, url, shown)
    leaks = [text for text in shown if _SECRET in text]
    expect(not leaks, "no password", leaks[0] if leaks else "")


@check("PLUG-011", SHOULD, others="a summary of a few words: it stands in `interlock plugins list`")
def summary_is_given(harness: PackagingHarness) -> None:
    """The registration says in a line what the backend is."""
    found = _spec(harness).summary
    expect(0 < len(found) <= 80 and "\n" not in found, "1 to 80 characters", repr(found))


@check(
    "PLUG-012",
    SHOULD,
    others=f"of {', '.join(sorted(CAPABILITIES))}; one's own begin with x-",
)
def capabilities_are_known(harness: PackagingHarness) -> None:
    """The capabilities are those that the contract knows, or begin with x-."""
    found = _spec(harness).capabilities
    strange = sorted(name for name in found - CAPABILITIES if not name.startswith("x-"))
    expect(not strange, "known capabilities", ", ".join(strange))


def _spec(harness: PackagingHarness) -> BackendSpec:
    spec = harness.spec()
    if spec is None:
        raise CannotTell("nothing is registered under the entry point's name: see PLUG-002")
    return spec


def _model(harness: PackagingHarness) -> Any:  # Any: the plugin's model
    return harness.model()


def _dependencies(harness: PackagingHarness) -> set[str]:
    """The distribution's requirements, recursively, without those that are always imported."""
    found: set[str] = set()
    waiting = [harness.subject.distribution.name]
    if waiting == ["interlock"]:
        return found
    while waiting:
        try:
            texts = requires(waiting.pop()) or []
        except ImportError:
            continue  # listed, not installed
        for text in texts:
            name = "".join(c if c.isalnum() or c in "-_." else " " for c in text).split()[0].lower()
            if "extra ==" not in text and name not in found | _ALWAYS_THERE:
                found.add(name)
                waiting.append(name)
    return found


def _modules_of(distributions: set[str]) -> set[str]:
    """The modules of these; not those of Interlock's own and of pydantic's dependencies."""
    always = _ALWAYS_THERE | {"pydantic-core", "annotated-types", "typing-extensions"}
    return {
        module
        for module, owners in packages_distributions().items()
        if {owner.lower() for owner in owners} & distributions - always
        and not module.startswith("interlock")
        and module != "typing_inspection"
    }


def _table(harness: PackagingHarness) -> str:
    kind = str(_spec(harness).kind)
    return {"events": "[event_store]", "snapshots": "[snapshot_backends.main]"}.get(
        kind, "[cache_backends.main]"
    )


def _refused(harness: PackagingHarness, lines: str) -> str:
    """The core's answer to a TOML file with these options."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "interlock.toml"
        text = f'schema = 1\n{_table(harness)}\nbackend = "{harness.subject.name}"\n{lines}'
        file.write_text(text, "utf-8")
        try:
            ApplicationBuilder.from_config(file)
        except ConfigurationError as error:
            return str(error)
    return "no error"


def _try_url(harness: PackagingHarness, url: str, shown: list[str]) -> None:
    """Collect what is said of the options, and of a backend that can't connect."""
    spec, model = _spec(harness), _model(harness)
    for options in ({"url": url}, {"url": url, "nosuch": 1}, {"url": [url]}):
        try:
            config = model.model_validate(options)
        except ValidationError as error:
            shown.append(str(error))
            continue
        shown += [repr(config), str(config)]
        try:
            module, _, name = spec.factory.partition(":")
            backend = getattr(import_module(module), name)(config)
            shown.append(repr(backend))
            harness.run(backend.open())
        except Exception as error:  # noqa: BLE001 what it says is what is looked at
            shown += [str(error), repr(error)]


@contextmanager
def _logged(shown: list[str]) -> Iterator[None]:
    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record.getMessage())

    root, handler = logging.getLogger(), Listening()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
