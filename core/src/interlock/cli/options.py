"""The options of what is installed, in the terms of TOML: their types, defaults, descriptions."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from interlock._plugins.catalogue import Catalogue
from interlock._plugins.durations import duration_text
from interlock._plugins.options import imported
from interlock._plugins.specs import BackendSpec, CodecSpec, Spec, StrategySpec

Schema = dict[str, Any]  # Any: JSON values


class _ForToml(GenerateJsonSchema):
    """TOML has no null, and writes durations its own way."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The schema without null: an option may be left out instead."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """None is no default that can be written, and what is named has the default's name."""
        inner = self.generate_inner(schema["schema"])
        if "default" in inner:
            return inner
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described

    def encode_default(self, dft: Any) -> Any:  # Any: pydantic's
        """A duration as `parse_duration` takes it."""
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, _: Any) -> bool:  # Any: pydantic's
        """The name says it."""
        return False


def model_of(spec: Spec, catalogue: Catalogue) -> type[BaseModel] | None:
    """A model of the options that go with a name; None if it takes none. Raises `PluginError`."""
    if isinstance(spec, BackendSpec):
        return catalogue.options(spec)
    if isinstance(spec, StrategySpec | CodecSpec):
        return _parameters(imported(spec.factory, repr(spec.name)))
    return None


def json_schema(model: type[BaseModel], definitions: str = "") -> Schema:
    """The model's JSON Schema; the names of its own definitions begin with `definitions`."""
    return model.model_json_schema(
        schema_generator=_ForToml, ref_template=f"#/$defs/{definitions}{{model}}"
    )


def described(model: type[BaseModel] | None) -> list[dict[str, Any]]:  # Any: JSON values
    """Each option: its name and type, whether it is required, its default and description."""
    if model is None:
        return []
    schema = json_schema(model)
    return [
        {
            "name": name,
            "type": _spoken(option),
            "required": name in schema.get("required", ()),
            "default": option.get("default"),
            "description": " ".join(option.get("description", "").split()),
        }
        for name, option in schema["properties"].items()
    ]


def _parameters(factory: Callable[..., object]) -> type[BaseModel]:
    """The parameters of a factory. Strategies in `of` are told apart by the factory itself."""
    fields: dict[str, Any] = {}  # Any: pydantic's (type, default)
    for name, parameter in inspect.signature(factory, eval_str=True).parameters.items():
        kind = parameter.annotation
        if name == "of":
            about = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
            kind = Annotated[(list[Any], *about)] if about else list[Any]
        fields[name] = (kind, ... if parameter.default is parameter.empty else parameter.default)
    return create_model("Options", __config__=ConfigDict(extra="forbid"), **fields)


def _spoken(option: Schema) -> str:
    """A type in words."""
    if "title" in option:
        return str(option["title"])
    if "const" in option or "enum" in option:
        return " | ".join(repr(value) for value in option.get("enum", [option.get("const")]))
    if "anyOf" in option:
        return " | ".join(_spoken(each) for each in option["anyOf"])
    if "$ref" in option:
        return "table"
    if option.get("type") == "array":
        items = option.get("items")
        return f"array of {_spoken(items)}" if items else "array"
    kind = str(option.get("type", "any"))
    return "table" if kind == "object" else kind
