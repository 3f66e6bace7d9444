"""pydantic's core schemas: what the compilers of this wing read of a model class."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]  # Any: pydantic's core schema

_NOT_FOR_JSON = frozenset(
    {"strict_schema", "python_schema", "metadata", "serialization", "default"}
)


def schema_of(cls: type[BaseModel]) -> tuple[Schema, Mapping[str, Schema]]:
    """The schema of a model class, and those that it refers to, by their references."""
    schema: Schema = cls.__pydantic_core_schema__
    if schema["type"] != "definitions":
        return schema, {}
    return schema["schema"], {each["ref"]: each for each in schema["definitions"]}


def inner_schemas(schema: Schema) -> Iterator[tuple[str | None, Schema]]:
    """The schemas in a schema that JSON is read by, with the name where it is a field's."""
    for key, value in schema.items():
        if key in _NOT_FOR_JSON:
            continue
        if isinstance(value, Mapping) and isinstance(value.get("type"), str):
            yield None, value
        elif isinstance(value, Mapping) and key in ("fields", "choices"):
            yield from ((name if key == "fields" else None, each) for name, each in value.items())
        elif isinstance(value, list):
            for each in value:
                part = each[0] if isinstance(each, tuple) else each
                if isinstance(part, Mapping):  # a parameter of a call has no type
                    inner = part if isinstance(part.get("type"), str) else part.get("schema")
                    if inner is not None:
                        yield part.get("name"), inner
