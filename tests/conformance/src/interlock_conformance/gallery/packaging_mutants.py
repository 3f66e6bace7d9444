"""Broken distributions."""

from interlock_conformance.gallery.mutants import Mutant

PACKAGING_MUTANTS = (
    Mutant("named-otherwise", "PLUG-001", "Name: interlock-shelf-events", "Name: shelf-events"),
    Mutant("name-misspelt", "PLUG-002", 'name="shelf-events",', 'name="shelf_events",'),
    Mutant("api-of-tomorrow", "PLUG-003", "plugin_api=1", "plugin_api=2"),
    Mutant(
        "driver-imported-at-once",
        "PLUG-004",
        "from interlock.backends import BackendKind,",
        "import shelf_driver\nfrom interlock.backends import BackendKind,",
    ),
    Mutant("no-licence", "PLUG-005", "License-Expression: MIT\n", ""),
    Mutant("py-typed-forgotten", "PLUG-006", "interlock_shelf_events/py.typed\n", ""),
    Mutant("options-ignored", "PLUG-007", 'extra="forbid"', 'extra="ignore"'),
    Mutant("options-not-frozen", "PLUG-008", "frozen=True", "frozen=False"),
    Mutant("options-taken-as-they-come", "PLUG-009", 'extra="forbid"', 'extra="allow"'),
    Mutant("password-in-repr", "PLUG-010", "Field(repr=False)", "Field()"),
    Mutant("no-summary", "PLUG-011", 'summary="Streams of events in a file"', 'summary=""'),
    Mutant(
        "technology-as-capability",
        "PLUG-012",
        '{"durable", "shared", "round_trips"}',
        '{"durable", "shared", "round_trips", "sqlite"}',
    ),
)
