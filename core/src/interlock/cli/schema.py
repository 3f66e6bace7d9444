"""The JSON Schema of `interlock.toml`, with the options of what is installed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from interlock.cli.options import Schema, json_schema, model_of
from interlock.config import FRESHNESS, MaxAgeOptions
from interlock.plugins import Catalogue, Listing
from interlock.settings import CALLABLE, ApplicationSettings, Limits
from interlock.specs import BackendKind, BackendSpec, Spec, StrategyKind

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string"}
_ELSEWHERE: Schema = {
    "description": "From a variable, a file, or an extension that knows secrets.",
    "anyOf": [
        {"type": "string", "pattern": r"\$\{"},
        *(
            {
                "type": "object",
                "properties": {key: _TEXT},
                "required": [key],
                "additionalProperties": False,
            }
            for key in ("file", "secret")
        ),
    ],
}
_APP: Schema = {
    "description": "Where the application is made, for commands that look at its aggregates.",
    "anyOf": [{"type": "string", "pattern": CALLABLE}, {"$ref": "#/$defs/elsewhere"}],
}
_UNNAMED: Schema = {
    "type": "object",
    "description": "A backend whose name comes from elsewhere.",
    "properties": {"backend": {"$ref": "#/$defs/elsewhere"}},
    "required": ["backend"],
}
_WHOLE = {"elsewhere": _ELSEWHERE, "unnamed": _UNNAMED}
"""What stands in profiles as it does elsewhere."""

_BACKENDS = {
    "event_store": BackendKind.EVENTS,
    "snapshot_backend": BackendKind.SNAPSHOTS,
    "cache_backend": BackendKind.CACHE,
}
_STRATEGIES = {
    "snapshot_strategy": StrategyKind.SNAPSHOT,
    "cache_strategy": StrategyKind.CACHE,
}
_DATA = ("default", "const", "enum", "examples")  # keywords whose values are no schemas
_BY_NAME = ("properties", "$defs")  # those whose values are schemas by name
_OURS = ("gt", "ge", "lt", "le")  # pydantic's own, of bounds that JSON has no word for


def schema_of(catalogue: Catalogue) -> tuple[Schema, Mapping[str, str]]:
    """The schema, and what was left out of it: names, and why."""
    return _Installed(catalogue).schema()


class _Installed:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._listings = catalogue.listing()
        self._claims = Counter((found.group, found.name) for found in self._listings)
        self._left_out = {found.name: found.error for found in self._listings if found.error}
        self._definitions: dict[str, Schema] = {}

    def schema(self) -> tuple[Schema, Mapping[str, str]]:
        self._define("freshness", _used({**dict.fromkeys(FRESHNESS), "max-age": MaxAgeOptions}))
        for key, kind in _BACKENDS.items():
            self._define(key, self._backends(kind))
        for key, strategy in _STRATEGIES.items():
            self._define(key, self._named("interlock.strategies", strategy, key))
        self._define("codec", self._named("interlock.codecs", None, ""))
        self._define("aggregate", self._aggregate())
        tables: dict[str, Schema] = {
            "schema": {"const": 1, "description": "The version of this file's format."},
            "app": _APP,
            "extensions": {"type": "array", "items": {"enum": self._extensions()}},
            "application": _opened(json_schema(ApplicationSettings)),
            "event_store": {"$ref": "#/$defs/event_store"},
            "snapshot_backends": _by_name("snapshot_backend"),
            "cache_backends": _by_name("cache_backend"),
            "aggregates": _by_name("aggregate"),
        }
        self._definitions["profile"] = _table(tables)
        profiles = {_in_profile(n): _partial(s) for n, s in self._definitions.items()}
        return {
            "$schema": _DIALECT,
            "title": "interlock.toml",
            **_table({**tables, "profiles": _by_name(_in_profile("profile"))}, ["schema"]),
            "$defs": {**_WHOLE, **self._definitions, **profiles},
        }, self._left_out

    def _define(self, name: str, schema: Schema) -> None:
        self._definitions[name] = schema

    def _backends(self, kind: BackendKind) -> Schema:
        branches = [
            self._branch(listing, spec, "backend", f"{kind}.{listing.name}")
            for listing in self._listings
            for spec in listing.specs
            if isinstance(spec, BackendSpec) and spec.kind is kind
        ]
        found = [branch for branch in branches if branch is not None]
        return {"oneOf": [*found, {"$ref": "#/$defs/unnamed"}]}

    def _named(self, group: str, kind: StrategyKind | None, key: str) -> Schema:
        """What is given as `"name"` or `{ use = "name", ... }`."""
        branches = []
        for listing in self._listings:
            for spec in listing.specs:
                if listing.group == group and getattr(spec, "kind", None) == kind:
                    where = f"{key or 'codec'}.{listing.name}"
                    branches.append(self._branch(listing, spec, "use", where, of=key))
        return _name_or_table([branch for branch in branches if branch is not None])

    def _branch(
        self, listing: Listing, spec: Spec, key: str, definition: str, of: str = ""
    ) -> Schema | None:
        """The table of one installed name; None if its options can't be had."""
        prefix = re.sub(r"[^\w.+-]", "_", f"{definition}.")
        try:
            model = model_of(spec, self._catalogue)
            schema = {} if model is None else json_schema(model, prefix)
        except Exception as error:  # noqa: BLE001 one plugin's doesn't spoil the others'
            self._left_out[listing.name] = str(error)
            return None
        for name, own in schema.pop("$defs", {}).items():
            self._define(prefix + name, _opened(own))
        properties = schema.get("properties", {})
        if of and "of" in properties:
            properties["of"] = {"type": "array", "items": {"$ref": f"#/$defs/{of}"}}
        table = _opened({**schema, "type": "object", "properties": properties})
        table["properties"] = {key: {"enum": self._names(listing)}, **table["properties"]}
        table["required"] = [key, *schema.get("required", ())]
        table.setdefault("additionalProperties", False)
        if spec.summary:
            table["description"] = spec.summary
        return table

    def _names(self, listing: Listing) -> list[str]:
        full = f"{listing.distribution}:{listing.name}"
        is_alone = self._claims[listing.group, listing.name] == 1
        return [listing.name, full] if is_alone else [full]

    def _extensions(self) -> list[str]:
        return [
            name
            for listing in self._listings
            if listing.group == "interlock.extensions"
            for name in self._names(listing)
        ]

    def _aggregate(self) -> Schema:
        properties: dict[str, Schema] = {
            key: {"$ref": f"#/$defs/{key}"} for key in (*_STRATEGIES, "freshness", "codec")
        }
        for key in ("snapshot_backend", "cache_backend"):
            installed = [
                branch["properties"]["backend"]["enum"][0]
                for branch in self._definitions[key]["oneOf"]
                if "enum" in branch.get("properties", {}).get("backend", {})
            ]
            properties[key] = {
                "description": "A backend that this file names, or one that needs no options.",
                "anyOf": [{"enum": installed}, _TEXT, {"$ref": "#/$defs/elsewhere"}],
            }
        limits: Schema = _opened(json_schema(Limits))["properties"]
        return _table({**properties, **limits})


def _table(properties: Schema, required: list[str] | None = None) -> Schema:
    table: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return table if required is None else {**table, "required": required}


def _by_name(definition: str) -> Schema:
    return {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{definition}"}}


def _used(models: Mapping[str, Any]) -> Schema:  # Any: a pydantic model, or None
    branches = []
    for name, model in models.items():
        schema = {"properties": {}} if model is None else _opened(json_schema(model))
        table = _table({"use": {"enum": [name]}, **schema["properties"]})
        branches.append({**table, "required": ["use", *schema.get("required", ())]})
    return _name_or_table(branches)


def _name_or_table(branches: list[Schema]) -> Schema:
    bare = [branch for branch in branches if branch["required"] == ["use"]]
    names = [name for branch in bare for name in branch["properties"]["use"]["enum"]]
    return {"anyOf": [{"enum": names}, *branches, {"$ref": "#/$defs/elsewhere"}]}


def _opened(schema: Schema) -> Schema:
    """The same, with values from elsewhere wherever a value may stand."""

    def opened(schema: Schema) -> Schema:
        for name, option in schema.get("properties", {}).items():
            schema["properties"][name] = _or_elsewhere(option)
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                schema[key] = _or_elsewhere(schema[key])
        if "prefixItems" in schema:
            schema["prefixItems"] = [_or_elsewhere(item) for item in schema["prefixItems"]]
        return schema

    return _mapped(schema, opened)


def _or_elsewhere(schema: Schema) -> Schema:
    about: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in (*about, "title", *_OURS)}
    branches = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**about, "anyOf": [*branches, {"$ref": "#/$defs/elsewhere"}]}


def _partial(schema: Schema) -> Schema:
    """The same for a table that is merged over another one: nothing in it is required."""

    def partial(schema: Schema) -> Schema:
        schema.pop("required", None)
        name = schema.get("$ref", "").removeprefix("#/$defs/")
        if name and name not in _WHOLE:
            schema["$ref"] = f"#/$defs/{_in_profile(name)}"
        if "oneOf" in schema:  # of what names no backend, several may be meant
            schema["anyOf"] = schema.pop("oneOf")
        return schema

    return _mapped(schema, partial)


def _in_profile(definition: str) -> str:
    return f"profile.{definition}"


def _mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy, changed from the inside out."""

    def inner(key: str, value: Any) -> Any:  # Any: a JSON value
        if key in _DATA:
            return value
        if key in _BY_NAME:
            return {name: _mapped(item, change) for name, item in value.items()}
        if isinstance(value, dict):
            return _mapped(value, change)
        if isinstance(value, list):
            return [_mapped(item, change) if isinstance(item, dict) else item for item in value]
        return value

    return change({key: inner(key, value) for key, value in schema.items()})
