"""Forms that schemas take for TOML: values from elsewhere, tables of profiles, lists of types."""

from collections.abc import Callable
from typing import Any

from interlock.cli.options import Schema

TEXT: Schema = {"type": "string"}
PROFILE = "profile."
ELSEWHERE: Schema = {
    "description": "From a variable, a file, or an extension that knows secrets.",
    "anyOf": [
        {"type": "string", "pattern": r"\$\{"},
        *(
            {
                "type": "object",
                "properties": {key: TEXT},
                "required": [key],
                "additionalProperties": False,
            }
            for key in ("file", "secret")
        ),
    ],
}
_DATA = ("default", "const", "enum", "examples", "required")  # whose values are no schemas
_BY_NAME = ("properties", "$defs")  # those whose values are schemas by name
_OURS = ("gt", "ge", "lt", "le")  # pydantic's own, of bounds that JSON has no word for


def about(schema: Schema) -> Schema:
    """The description in a schema, for people."""
    return {key: schema[key] for key in ("description", "default") if key in schema}


def opened(schema: Schema) -> Schema:
    """The same, with values from elsewhere wherever a value may stand."""

    def inner(schema: Schema) -> Schema:
        for name, option in schema.get("properties", {}).items():
            schema["properties"][name] = or_elsewhere(option)
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                schema[key] = or_elsewhere(schema[key])
        if "prefixItems" in schema:
            schema["prefixItems"] = [or_elsewhere(item) for item in schema["prefixItems"]]
        return schema

    return mapped(schema, inner)


def or_elsewhere(schema: Schema) -> Schema:
    """The same, or a value from elsewhere; an error is the schema's own."""
    said = about(schema)
    rest = {key: value for key, value in schema.items() if key not in (*said, "title", *_OURS)}
    return {**said, "if": {"$ref": "#/$defs/elsewhere"}, "else": of_types(rest)}


def of_types(schema: Schema) -> Schema:
    """Instead of one of several types, of which an error would tell them all, a list of them."""
    branches = schema.get("anyOf", [])
    types = [branch.get("type") for branch in branches]
    words = [word for branch in branches for word in branch if word != "type"]
    is_simple = all(isinstance(each, str) for each in types) and len(set(words)) == len(words)
    if schema.keys() != {"anyOf"} or not is_simple or {"enum", "const"} & {*words}:
        return schema
    return {"type": types, **{word: b[word] for b in branches for word in b if word != "type"}}


def partial(schema: Schema) -> Schema:
    """The same for a table that is merged over another one: nothing in it is required."""

    def inner(schema: Schema) -> Schema:
        if "properties" in schema:
            schema.pop("required", None)
        name = schema.get("$ref", "").removeprefix("#/$defs/")
        if name and name != "elsewhere":
            schema["$ref"] = f"#/$defs/{PROFILE}{name}"
        return schema

    return mapped(schema, inner)


def mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy, changed from the inside out."""

    def inner(key: str, value: Any) -> Any:  # Any: a JSON value
        if key in _DATA:
            return value
        if key in _BY_NAME:
            return {name: mapped(item, change) for name, item in value.items()}
        if isinstance(value, dict):
            return mapped(value, change)
        if isinstance(value, list):
            return [mapped(item, change) if isinstance(item, dict) else item for item in value]
        return value

    return change({key: inner(key, value) for key, value in schema.items()})
