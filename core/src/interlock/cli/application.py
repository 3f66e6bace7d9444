"""The application that a command is about, made by the callable that the configuration names."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from interlock._app.application import Application
from interlock._app.builder import ApplicationBuilder
from interlock._config.reader import load_settings
from interlock._config.settings import is_callable_name
from interlock._config.toml import NoneFoundError
from interlock.errors import ConfigurationError, InterlockError


def make_application(name: str | None, config: Path | None) -> Application:
    """The application that "module:callable" makes, else the `app` of the configuration.

    Modules are looked for in the current folder, too. Nothing is opened. Raises
    `ConfigurationError`, in one line for whatever the module or the callable raises.
    """
    name = name or _configured(config)
    make = found_callable("--app", name)
    with _told(f"{name} raised"):
        return _built(name, make)


def found_callable(option: str, name: str) -> Callable[[], Any]:  # Any: whatever it makes
    """The callable that is named "module:callable". Raises as `make_application` does."""
    if not is_callable_name(name):
        raise ConfigurationError(f"{option}: wanted module:callable, found {name!r}")
    module_name, _, path = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    with _told(f"{module_name} can't be imported"):
        module = import_module(module_name)
    with _told(f"{module_name} has no {path}"):
        make = attrgetter(path)(module)
    if not callable(make):
        raise ConfigurationError(f"{name} is a {type(make).__name__}; wanted a callable")
    return make  # type: ignore[no-any-return] # it was seen to be one


def _configured(config: Path | None) -> str:
    try:
        settings = load_settings(config)
    except NoneFoundError as error:
        raise ConfigurationError(f"{error}; or give --app module:callable") from error
    if settings.app is None:
        raise ConfigurationError(
            f'{settings.source} names no application: write app = "module:callable" at its top, '
            "or give --app module:callable"
        )
    return settings.app


def _built(name: str, make: Callable[[], Any]) -> Application:  # Any: whatever it makes
    made = make()
    if isinstance(made, ApplicationBuilder):
        made = made.build()
    if inspect.iscoroutine(made):
        made.close()
    if not isinstance(made, Application):
        raise ConfigurationError(
            f"{name} made a {type(made).__name__}; wanted an Application or an ApplicationBuilder"
        )
    return made


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except InterlockError:
        raise
    except (Exception, SystemExit) as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigurationError(f"{what}: {message}") from error
