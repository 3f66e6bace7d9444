"""The JSON Schema of `interlock.toml`, with the options of what is installed.

What is wrong in a file is one error, at the key that is wrong: what a table may hold hangs on its
`backend` or `use` by `if` and `then`. With `oneOf`, an editor would tell of every branch, or of one
that wasn't meant.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock._config.reader import FRESHNESS
from interlock._config.settings import (
    CALLABLE,
    AggregateOptions,
    ApplicationSettings,
    OptionKind,
)
from interlock._plugins.catalogue import Catalogue, Listing
from interlock._plugins.specs import (
    BackendKind,
    BackendSpec,
    CodecSpec,
    Spec,
    StrategyKind,
    StrategySpec,
)
from interlock.cli.options import Schema, json_schema, model_of
from interlock.cli.schema_forms import (
    ELSEWHERE,
    PROFILE,
    TEXT,
    about,
    opened,
    or_elsewhere,
    partial,
)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_APP: Schema = {
    "description": "Where the application is made, for commands that look at its aggregates.",
    "type": "string",
    "pattern": CALLABLE,
}
_SPECS: Mapping[type, type[Spec]] = {
    BackendKind: BackendSpec,
    StrategyKind: StrategySpec,
    str: CodecSpec,
}
"""The call that registers the names of each kind."""


def schema_of(catalogue: Catalogue) -> tuple[Schema, Mapping[str, str]]:
    """The schema, and what was left out of it: names, and why."""
    return _Installed(catalogue).schema()


@dataclass(frozen=True, slots=True)
class _Choice:
    """A name that may be given, and the table of options that goes with it."""

    names: list[str]
    table: Schema

    @property
    def is_bare(self) -> bool:
        """Whether the name alone will do."""
        return not self.table.get("required")


class _Installed:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._listings = catalogue.listing()
        self._claims = Counter((found.group, found.name) for found in self._listings)
        self._left_out = {found.name: found.error for found in self._listings if found.error}
        self._models: dict[str, Schema] = {}  # those that options consist of

    def schema(self) -> tuple[Schema, Mapping[str, str]]:
        kinds = {"event_store": BackendKind.EVENTS, **AggregateOptions.kinds()}
        choices = {key: list(self._choices(key, kind)) for key, kind in kinds.items()}
        extensions = [
            name
            for listing in self._listings
            if listing.group == "interlock.extensions"
            for name in self._names(listing)
        ]
        tables = _tables(choices, extensions)
        profile = _tables(choices, extensions, is_profile=True)
        profile["properties"]["replace"] = {
            "description": "The places whose tables aren't merged but replaced.",
            "type": "array",
            "items": TEXT,
        }
        tables["properties"]["profiles"] = _by_name(profile)
        return {
            "$schema": _DIALECT,
            "title": "interlock.toml",
            **tables,
            "required": ["schema"],
            "$defs": {
                "elsewhere": ELSEWHERE,
                **{
                    f"{prefix}{key}": _used(choices[key], is_partial=bool(prefix))
                    for prefix in ("", PROFILE)
                    for key, kind in kinds.items()
                    if isinstance(kind, StrategyKind)
                },
                **self._models,
                **{f"{PROFILE}{name}": partial(model) for name, model in self._models.items()},
            },
        }, self._left_out

    def _choices(self, key: str, kind: OptionKind) -> Iterator[_Choice]:
        """The names that an option of the kind may give."""
        if kind == "freshness":
            for name, (_, model) in FRESHNESS.items():
                yield _Choice([name], {} if model is None else opened(json_schema(model)))
            return
        spec_type = _SPECS[type(kind)]
        for listing in self._listings:
            for spec in listing.specs:
                if isinstance(spec, spec_type) and getattr(spec, "kind", kind) is kind:
                    yield from self._choice(listing, spec, key)

    def _choice(self, listing: Listing, spec: Spec, key: str) -> Iterator[_Choice]:
        """One installed name with its options, unless these can't be had."""
        prefix = re.sub(r"[^\w.+-]", "_", f"{key}.{listing.name}.")
        try:
            model = model_of(spec, self._catalogue)
            schema = {} if model is None else json_schema(model, prefix)
        except Exception as error:  # noqa: BLE001 one plugin's doesn't spoil the others'
            self._left_out[listing.name] = str(error)
            return
        for name, own in schema.pop("$defs", {}).items():
            self._models[prefix + name] = opened(own)
        if isinstance(spec, StrategySpec) and "of" in schema.get("properties", {}):
            of = {"type": "array", "items": {"$ref": f"#/$defs/{key}"}}
            schema["properties"]["of"] = {**schema["properties"]["of"], **of}
        table = opened(schema)
        if spec.summary:
            table["description"] = spec.summary
        yield _Choice(self._names(listing), table)

    def _names(self, listing: Listing) -> list[str]:
        is_alone = self._claims[listing.group, listing.name] == 1
        return [listing.name, listing.full_name] if is_alone else [listing.full_name]


def _tables(
    choices: Mapping[str, list[_Choice]], extensions: list[str], *, is_profile: bool = False
) -> Schema:
    """The tables of the file, or of a profile, where nothing has to stand."""
    described = opened(json_schema(AggregateOptions))["properties"]
    aggregate = {
        **described,
        **{
            key: {
                **about(described[key]),
                **_named(key, kind, choices[key], is_profile=is_profile),
            }
            for key, kind in AggregateOptions.kinds().items()
        },
    }
    store, snapshots, caches = (
        _chosen("backend", choices[key], is_partial=is_profile)
        for key in ("event_store", "snapshot_backend", "cache_backend")
    )
    return _closed(
        {
            "schema": {"const": 1, "description": "The version of this file's format."},
            "app": or_elsewhere(_APP),
            "extensions": {"type": "array", "items": {"enum": extensions}},
            "application": opened(json_schema(ApplicationSettings)),
            "event_store": store,
            "snapshot_backends": _by_name(snapshots),
            "cache_backends": _by_name(caches),
            "aggregates": _by_name(_closed(aggregate)),
        }
    )


def _chosen(key: str, choices: list[_Choice], *, is_partial: bool) -> Schema:
    """A table whose other keys hang on the one that names what they are options of."""
    options: dict[str, Schema] = {}
    for choice in choices:
        for name, option in choice.table.get("properties", {}).items():
            options.setdefault(name, about(option))
    named = {"enum": [name for choice in choices for name in choice.names]}
    table: Schema = {
        "type": "object",
        "properties": {**options, key: or_elsewhere(named)},
        "allOf": [
            {"if": _has(key, choice.names), "then": _of_choice(key, choice, is_partial=is_partial)}
            for choice in choices
        ],
    }
    if not is_partial:
        return {**table, "required": [key]}
    # What a table is merged over says which options these are, and isn't seen from here.
    table["allOf"].append(
        {"if": {"required": [key]}, "else": {"propertyNames": {"enum": list(options)}}}
    )
    return table


def _has(key: str, names: list[str]) -> Schema:
    return {"properties": {key: {"enum": names}}, "required": [key]}


def _of_choice(key: str, choice: _Choice, *, is_partial: bool) -> Schema:
    table = {
        **choice.table,
        "additionalProperties": choice.table.get("additionalProperties", False),
    }
    table = partial(table) if is_partial else table
    return {**table, "properties": {key: True, **table.get("properties", {})}}


def _used(choices: list[_Choice], *, is_partial: bool) -> Schema:
    """The schema of a value given as `"name"` or `{ use = "name", ... }`."""
    bare = [name for choice in choices if choice.is_bare for name in choice.names]
    table = _chosen("use", choices, is_partial=is_partial)
    return or_elsewhere({"if": TEXT, "then": {"enum": bare}, "else": table})


def _named(key: str, kind: OptionKind, choices: list[_Choice], *, is_profile: bool) -> Schema:
    """The schema of an option of the kind."""
    if isinstance(kind, StrategyKind):
        return {"$ref": f"#/$defs/{PROFILE if is_profile else ''}{key}"}
    if not isinstance(kind, BackendKind):
        return _used(choices, is_partial=is_profile)
    names = [choice.names[0] for choice in choices]
    return or_elsewhere({"type": "string", "examples": names})


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _by_name(table: Schema) -> Schema:
    return {"type": "object", "additionalProperties": table}
