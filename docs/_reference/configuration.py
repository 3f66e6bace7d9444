"""The options of everything that TOML can name, from the models that validate them."""

import inspect
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import griffe
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from interlock.durations import Ttl
from interlock.plugins import Catalogue
from interlock.policies import SnapshotStrategy
from interlock.settings import ApplicationSettings
from interlock.specs import BackendKind, BackendSpec, CodecSpec, StrategyKind, StrategySpec

_WORDS = {
    BaseModel: "table",
    bool: "`true` or `false`",
    ByteSize: 'bytes, or `"500MiB"`',
    float: "number",
    int: "integer",
    Path: "path",
    SecretStr: "string, never shown",
    SnapshotStrategy: "strategy",
    str: "string",
    timedelta: "duration",
}
_BOUNDS = {
    Ge: " from {0.ge}",
    Gt: " above {0.gt}",
    Le: " to {0.le}",
    Lt: " below {0.lt}",
}
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
_HEAD = ["| option | type | default | |", "|---|---|---|---|"]
_modules: dict[str, griffe.Module] = {}


def application_options() -> str:
    """The table `[application]`."""
    return _table(ApplicationSettings)


def backend_options(kind: str) -> str:
    """The options of every installed backend of a kind, a heading for each."""
    return "\n\n".join(
        f"### `{spec.name}`\n\n{spec.summary}; of `{distribution}`.\n\n"
        + ("No options." if spec.config is None else _table(resolve_name(spec.config)))
        for distribution, spec in _installed(BackendSpec)
        if spec.kind == BackendKind(kind)
    )


def strategies(kind: str) -> str:
    """The strategies of a kind, with their options."""
    rows = []
    for distribution, spec in _installed(StrategySpec):
        if spec.kind == StrategyKind(kind):
            factory = resolve_name(spec.factory)
            made = get_type_hints(factory).get("return", factory)
            rows.append(_named(spec.name, factory, _first_line(made), distribution))
    return "\n".join(["| name | options | | of |", "|---|---|---|---|", *rows])


def codecs() -> str:
    """The codecs, with their options."""
    rows = []
    for distribution, spec in _installed(CodecSpec):
        factory = resolve_name(spec.factory)
        made = get_type_hints(factory).get("return", factory)
        rows.append(_named(spec.name, factory, _first_line(made), distribution))
    return "\n".join(["| name | options | | of |", "|---|---|---|---|", *rows])


def _installed(wanted: type[Any]) -> Iterator[tuple[str, Any]]:  # Any: specs of the wanted type
    for listing in sorted(Catalogue.installed().listing(), key=lambda found: found.distribution):
        for spec in listing.specs:
            if isinstance(spec, wanted):
                yield listing.distribution, spec


def _named(name: str, factory: Any, says: str, distribution: str) -> str:  # Any: a factory
    hints = get_type_hints(factory, include_extras=True)
    options = [
        f"`{option}`: {_spoken(FieldInfo.from_annotation(hints[option]))}"
        + ("" if parameter.default is parameter.empty else f" (`{parameter.default}`)")
        for option, parameter in inspect.signature(factory).parameters.items()
    ]
    return f"| `{name}` | {'; '.join(options)} | {says} | `{distribution}` |"


def _table(model: type[BaseModel]) -> str:
    return "\n".join([*_HEAD, *_rows(model, "")])


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        docs = " ".join(_doc(model, name).partition("\n\n")[0].split())
        default = "must be given" if field.is_required() else _written(field.default)
        yield f"| `{prefix}{name}` | {_spoken(field)} | {default} | {docs} |"
        for inner in _models(field.annotation):
            yield from _rows(inner, f"{prefix}{name}.")


def _doc(model: type[BaseModel], name: str) -> str:
    """What stands below the field in the class, or in the nearest base that says something."""
    for base in model.__mro__:
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        if base.__module__ not in _modules:
            _modules[base.__module__] = griffe.load(base.__module__)  # type: ignore[assignment] # a module
        member = _modules[base.__module__][base.__name__].members.get(name)
        if member is not None and member.docstring is not None:
            return str(member.docstring.value)
    return ""


def _spoken(field: FieldInfo) -> str:
    """A field's type in words."""
    says = _type(field.annotation)
    if get_args(Ttl)[1] in field.metadata:
        return f'{says}, or `"never"`'
    for bound in field.metadata if timedelta not in _flat(field.annotation) else ():
        if type(bound) in _BOUNDS:
            says += _BOUNDS[type(bound)].format(bound)
    return says


def _type(annotation: Any) -> str:  # Any: a type form
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(_type(each) for each in arguments if each is not NoneType)
    if origin is Literal:
        return ", ".join(f'`"{each}"`' for each in arguments)
    if origin in (list, tuple):
        is_open = origin is list or arguments[-1] is Ellipsis
        return f"list{'' if is_open else f' of {len(arguments)}'}, each a {_type(arguments[0])}"
    bases = annotation.__mro__ if isinstance(annotation, type) else ()
    return next((_WORDS[base] for base in bases if base in _WORDS), str(annotation))


def _flat(annotation: Any) -> set[Any]:  # Any: type forms
    arguments = get_args(annotation)
    return {annotation}.union(*map(_flat, arguments)) if arguments else {annotation}


def _models(annotation: Any) -> Iterable[type[BaseModel]]:  # Any: a type form
    return [
        each for each in _flat(annotation) if isinstance(each, type) and issubclass(each, BaseModel)
    ]


def _written(value: Any) -> str:  # Any: an option's default
    """As TOML writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        for unit, length in _UNITS:
            if value % length == timedelta(0):
                return f'`"{value // length}{unit}"`'
        return f'`"{value.total_seconds():g}s"`'
    if isinstance(value, ByteSize):
        return f'`"{value.human_readable(separator="").replace(".0", "")}"`'
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _first_line(what: Any) -> str:  # Any: a class or function
    return (inspect.getdoc(what) or "").partition("\n")[0]
