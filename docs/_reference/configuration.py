"""The options of everything that TOML can name, as `interlock plugins info` tells them."""

import inspect
import json
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from interlock._config.reader import FRESHNESS
from interlock._config.settings import AggregateOptions, ApplicationSettings
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.entry_points import OURS
from interlock._plugins.options import imported
from interlock._plugins.specs import BackendKind, BackendSpec, CodecSpec, StrategyKind, StrategySpec
from interlock.cli.options import described, json_schema, model_of

_BOUNDS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "to {}",
    "exclusiveMaximum": "below {}",
}
_OURS = {"interlock", *(f"interlock-{name}" for names in OURS.values() for name in names)}
_catalogue = Catalogue.installed()


def application_options() -> str:
    """The table `[application]`."""
    return _options(ApplicationSettings)


def aggregate_options() -> str:
    """The tables `[aggregates.*]`."""
    return _options(AggregateOptions)


def freshness() -> str:
    """Every freshness, with its options."""
    rows = []
    for name, (made, model) in FRESHNESS.items():
        says = (inspect.getdoc(made) or "").partition("\n")[0]
        rows.append(f"| `{name}` | {_told(model)} | {says} |")
    return "\n".join(["| name | options | |", "|---|---|---|", *rows])


def backend_options(kind: str) -> str:
    """The options of every installed backend of a kind, a heading for each."""
    return "\n\n".join(
        f"### `{spec.name}`\n\n{spec.summary}; of `{distribution}`.\n\n"
        + _options(model_of(spec, _catalogue))
        for distribution, spec in _installed(BackendSpec)
        if spec.kind == BackendKind(kind)
    )


def strategies(kind: str) -> str:
    """The strategies of a kind, with their options."""
    return _made(
        (distribution, spec)
        for distribution, spec in _installed(StrategySpec)
        if spec.kind == StrategyKind(kind)
    )


def codecs() -> str:
    """The codecs, with their options."""
    return _made(_installed(CodecSpec))


def _installed(wanted: type[Any]) -> Iterator[tuple[str, Any]]:  # Any: specs of the wanted type
    ours = [found for found in _catalogue.listing() if found.distribution in _OURS]
    for listing in sorted(ours, key=lambda found: found.distribution):
        for spec in listing.specs:
            if isinstance(spec, wanted):
                yield listing.distribution, spec


def _made(found: Iterator[tuple[str, Any]]) -> str:  # Any: specs that have a factory
    rows = []
    for distribution, spec in found:
        factory = imported(spec.factory, spec.name)
        what = get_type_hints(factory).get("return", factory)
        says = (inspect.getdoc(what) or "").partition("\n")[0]
        options = _told(model_of(spec, _catalogue))
        rows.append(f"| `{spec.name}` | {options} | {says} | `{distribution}` |")
    return "\n".join(["| name | options | | of |", "|---|---|---|---|", *rows])


def _told(model: type[BaseModel] | None) -> str:
    """Options in a cell of a table: their names, types and defaults."""
    return "; ".join(
        f"`{option['name']}`: {option['type']}"
        + ("" if option["required"] else f" (`{option['default']}`)")
        for option in described(model)
    )


def _options(model: type[BaseModel] | None) -> str:
    if model is None:
        return "No options."
    return "\n".join(["| option | type | default | |", "|---|---|---|---|", *_rows(model, "")])


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    properties = json_schema(model)["properties"]
    for option in described(model):
        name, schema = option["name"], properties[option["name"]]
        bounds = [text.format(schema[bound]) for bound, text in _BOUNDS.items() if bound in schema]
        kind = " ".join([option["type"].replace(" | ", ", "), *bounds])
        default = "" if option["default"] is None else f"`{json.dumps(option['default'])}`"
        says = " ".join(schema.get("description", "").partition("\n\n")[0].split())
        yield (
            f"| `{prefix}{name}` | {kind} "
            f"| {'must be given' if option['required'] else default} | {says} |"
        )
        for inner in get_args(model.model_fields[name].annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _rows(inner, f"{prefix}{name}.")
