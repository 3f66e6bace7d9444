"""The backends that the configuration names, for the commands of extensions."""

from dataclasses import dataclass
from os import PathLike

from pydantic import BaseModel

from interlock._config.reader import load_settings
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendSpec


@dataclass(frozen=True, slots=True)
class ConfiguredBackend:
    """A backend, its place in the TOML, and its validated options; None if it takes none."""

    where: str
    spec: BackendSpec
    options: BaseModel | None


def configured_backends(path: str | PathLike[str] | None = None) -> list[ConfiguredBackend]:
    """The backends that a TOML file names: of the file given, else of the one found.

    Raises `ConfigurationError` that lists all that is wrong in the file. Opens nothing.
    """
    settings, catalogue = load_settings(path), Catalogue.installed()
    namespace = settings.application.namespace
    return [
        ConfiguredBackend(where, *catalogue.config(reference, kind, namespace=namespace))
        for where, kind, reference in settings.backends()
    ]
