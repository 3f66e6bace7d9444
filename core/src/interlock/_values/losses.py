"""The losses of a model's JSON that its declaration tells, by pydantic's core schema."""

from collections.abc import Iterator, Mapping
from inspect import isabstract
from typing import Any

from pydantic import BaseModel

from interlock._values.schemas import Schema, inner_schemas, schema_of

_FIELDS = ("model-field", "dataclass-field", "typed-dict-field")


def declared_losses(cls: type[BaseModel], *, is_state: bool) -> list[str]:
    """The losses of the class's JSON, a sentence each: where, what, what to write instead.

    Looks into everything that a field may hold. In a state a private attribute is a loss too,
    unless a `model_post_init` makes it; in an event it is looked at with each event.
    """
    schema, definitions = schema_of(cls)
    losses = _Losses(definitions, is_state=is_state)
    return list(dict.fromkeys(losses.of(schema, cls.__name__, {})))


class _Losses:
    def __init__(self, definitions: Mapping[str, Schema], *, is_state: bool) -> None:
        self._definitions = definitions
        self._is_state = is_state
        self._seen: set[str] = set()

    def of(self, schema: Schema, where: str, config: Schema) -> Iterator[str]:
        kind = schema["type"]
        if kind == "definition-ref":
            reference = schema["schema_ref"]
            if reference not in self._seen:
                self._seen.add(reference)
                yield from self.of(self._definitions[reference], where, config)
            return
        serializer = schema.get("serialization", {})
        if serializer.get("type") == "function-plain":
            if _is_of_secrets(serializer.get("function")):
                yield f"{where} is a secret, and JSON has asterisks for it; keep a reference to it"
            return  # how the rest is written is the function's affair, and each value is compared
        if kind in ("model", "dataclass", "typed-dict"):
            config = schema.get("config", {})
            yield from self._of_class(schema, where)
        extra = config.get("extra_fields_behavior", "ignore")
        if kind == "model-fields" and extra != "ignore":
            for field in schema.get("computed_fields", ()):
                yield (
                    f"{where}.{field['property_name']} is a computed field, an extra one when JSON "
                    f"is read, and extra={extra!r}; make it a plain property, or ignore extras"
                )
        for name, inner in inner_schemas(schema):
            below = where if name is None else f"{where}.{name}"
            if inner["type"] in _FIELDS and name is not None:
                yield from _of_field(inner, name, below, config)
            yield from self.of(inner, below, config)

    def _of_class(self, schema: Schema, where: str) -> Iterator[str]:
        cls = schema.get("cls")
        if cls is not None and (cls is BaseModel or isabstract(cls)):
            yield (
                f"{where} is typed with {cls.__name__}, which has no objects of its own, so JSON "
                "can't be read; annotate it with the classes that it may hold"
            )
        made = getattr(getattr(cls, "model_post_init", None), "__name__", None)
        if self._is_state and made == "init_private_attributes":
            for name in getattr(cls, "__private_attributes__", ()):
                yield f"{where}.{name} is a private attribute, and JSON has none; make it a field"


def _of_field(field: Schema, name: str, where: str, config: Schema) -> Iterator[str]:
    if field.get("serialization_exclude") or field.get("serialization_exclude_if"):
        yield f"{where} is excluded from the JSON; include it"
    alias = field.get("validation_alias")
    is_by_alias = config.get("serialize_by_alias", False)
    written = field.get("serialization_alias", name) if is_by_alias else name
    read = set() if alias is None else _single_keys(alias)
    if not config.get("validate_by_alias", True):
        read = set()
    if alias is None or config.get("validate_by_name"):
        read.add(name)
    if written not in read:
        keys = ", ".join(sorted(map(repr, read))) or "a path"
        yield (
            f"{where} has an alias: its JSON says {written!r}, and {keys} is read; set "
            "validate_by_name=True in model_config, or leave out the alias"
        )


def _single_keys(alias: Any) -> set[str]:  # Any: a name, a path, or a list of paths
    if isinstance(alias, str):
        return {alias}
    paths = alias if isinstance(alias[0], list) else [alias]
    return {path[0] for path in paths if len(path) == 1}


def _is_of_secrets(function: object) -> bool:
    name = getattr(function, "__name__", "")
    return getattr(function, "__module__", "") == "pydantic.types" and "secret" in name
