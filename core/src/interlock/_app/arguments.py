"""What a caller gives the application, checked."""

from collections.abc import Collection
from typing import TypeVar

from pydantic import BaseModel

from interlock._model.command import Command
from interlock._model.routes import Routes
from interlock._model.strategies import wrong_freshness
from interlock._values.ids import plain_id
from interlock.errors import VersionNotFoundError

R = TypeVar("R")


def plain_command(command: Command[R]) -> Command[R]:
    """The command, as validation makes its ids, which `model_copy` goes around."""
    ids = {name: plain_id(getattr(command, name), name) for name in ("aggregate_id", "command_id")}
    return command.model_copy(update=ids)


def other_events(routes: Routes, of: type[BaseModel]) -> Collection[str]:
    """The stored names of the events that are no `of`."""
    others = {
        name for name, entry in routes.events.items() if not issubclass(entry.event_class, of)
    }
    if of is not BaseModel and len(others) == len(routes.events):
        raise TypeError(f"{routes.name} applies no event that is a {of.__name__}")
    return others


def check_freshness(freshness: object) -> None:
    wrong = wrong_freshness(freshness)
    if wrong is not None:
        raise TypeError(wrong)


def check_version(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool):
        raise TypeError(f"a version is {version!r}; wanted an integer")
    if version < 0:
        raise VersionNotFoundError(f"version {version} was asked for; versions count from 0")
