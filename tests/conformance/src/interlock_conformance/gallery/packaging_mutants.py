"""Broken distributions."""

from interlock_conformance.gallery.mutants import code, file, text

PACKAGING_MUTANTS = (
    file(
        "named-otherwise",
        "PLUG-001",
        "METADATA",
        "Name: interlock-shelf-events",
        "Name: shelf-events",
    ),
    text(
        "name-misspelt", "PLUG-002", "interlock_register_backends", "shelf-events", "shelf_events"
    ),
    code(
        "api-of-tomorrow", "PLUG-003", "interlock_register_backends", "plugin_api=1", "plugin_api=2"
    ),
    code("driver-imported-at-once", "PLUG-004", "plugin:", "", "import shelf_driver"),
    file("no-licence", "PLUG-005", "METADATA", "License-Expression: MIT\n", ""),
    file("py-typed-forgotten", "PLUG-006", "MANIFEST", "interlock_shelf_events/py.typed\n", ""),
    text("options-ignored", "PLUG-007", "ShelfEventsConfig.model_config", "forbid", "ignore"),
    code(
        "options-not-frozen",
        "PLUG-008",
        "ShelfEventsConfig.model_config",
        "frozen=True",
        "frozen=False",
    ),
    text(
        "options-taken-as-they-come",
        "PLUG-009",
        "ShelfEventsConfig.model_config",
        "forbid",
        "allow",
    ),
    code("password-in-repr", "PLUG-010", "ShelfEventsConfig.url", "repr=False", ""),
    text(
        "no-summary", "PLUG-011", "interlock_register_backends", "Streams of events in a file", ""
    ),
    code(
        "technology-as-capability",
        "PLUG-012",
        "interlock_register_backends",
        '{"durable", "shared", "round_trips"}',
        '{"durable", "shared", "round_trips", "sqlite"}',
    ),
)
