"""Protections of the core's own stores, of plain backends and of plugins' names."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"

PATCHES = [
    Patch(
        "the cache takes what comes last",
        "an older entry never replaces a newer one",
        CodeEdit(
            "newer",
            """
            if found.version != record.version:
                return found if found.version > record.version else record
            """,
            "",
        ),
        f"{_TESTS}memory.py::test_a_cache_replaces_older_and_leaves_newer",
        (12,),
    ),
    Patch(
        "nothing supersedes a newer entry",
        "what is proven false gives way",
        CodeEdit(
            "InMemoryAggregateCacheBackend.put_at_once",
            "not (supersedes and found.stamp in supersedes)",
            "True",
        ),
        f"{_TESTS}memory.py::test_a_superseded_entry_gives_way_to_an_older_one",
        (37,),
    ),
    Patch(
        "removal does not compare",
        "an entry is removed only if it is the one that was meant",
        CodeEdit(
            "InMemoryAggregateCacheBackend.remove",
            "if found is not None and (stamp is None or stamp == found.stamp):",
            "if found is not None:",
        ),
        f"{_TESTS}memory.py::test_an_entry_is_removed_only_if_it_has_the_stamp",
    ),
    Patch(
        "retention counts all revisions together",
        "keep counts per revision",
        CodeEdit("InMemoryAggregateSnapshotStorageBackend._retain", "self._keep_revisions", "1"),
        f"{_TESTS}memory.py::test_retention_counts_per_revision_and_keeps_the_newest_revisions",
        (18,),
    ),
    Patch(
        "an append compares the version only",
        "an append checks the identity of the head",
        CodeEdit(
            "InMemoryEventStore.append",
            "if head != (after and (after[0], after[1].bytes)):",
            "if (head and head[0]) != (after and after[0]):",
        ),
        f"{_TESTS}memory.py::test_an_append_wants_exactly_the_head",
        (31,),
    ),
    Patch(
        "the columns' checksum is not compared",
        "a row that was changed is no state",
        CodeEdit("from_columns", "if not is_whole:", "if False:"),
        f"{_TESTS}authors_face.py::TestColumns::test_the_row_of_another_key_is_unusable",
    ),
    Patch(
        "the row's version is not compared",
        "a record stands under its own version",
        CodeEdit(
            "AggregateRecord.from_bytes",
            "version is not None and record.version != version",
            "False",
        ),
        f"{_TESTS}authors_face.py::TestVersionOfARow::test_it_has_to_be_the_records",
    ),
    Patch(
        "every error is the driver's",
        "an unusable record isn't a store that is down",
        CodeEdit("translated", "InterlockError", "ZeroDivisionError"),
        f"{_TESTS}authors_face.py::TestTranslated"
        "::test_the_frameworks_own_pass_also_where_every_error_is_translated",
    ),
    Patch(
        "a superseded entry stays",
        "what is proven false gives way in every cache",
        CodeEdit("replaces", "found.stamp in supersedes", "False"),
        f"{_TESTS}authors_face.py::TestReplaces::test_what_is_missing_or_superseded_is_replaced",
        (37,),
    ),
    Patch(
        "a plain backend's namespace is not compared",
        "a state of another tenant is no state",
        CodeEdit(
            "AggregateMapper.record_of",
            "if found != self.scope:",
            "if found.revision != self.scope.revision:",
        ),
        f"{_TESTS}adapters.py::test_what_is_not_the_stamped_state_is_unusable",
        (22,),
    ),
    Patch(
        "a bound call binds what comes after it",
        "only a call for a type knows the type",
        CodeEdit("Bound._called", "_binding.reset(token)", "pass"),
        f"{_TESTS}adapters.py::test_a_call_for_one_type_binds_no_later_call",
    ),
    Patch(
        "a bound call binds other backends",
        "a backend that was called for a type lends it to no other backend",
        CodeEdit(
            "_RecordBackend._bound_mapper",
            "binding is None or binding[0] is not self",
            "binding is None",
        ),
        f"{_TESTS}adapters.py::test_a_call_for_one_type_binds_no_other_backend",
    ),
    Patch(
        "a subclass's override is passed by",
        "what is overridden is what is called",
        CodeEdit(
            "_inherits",
            "all((getattr(type(backend), name) is getattr(base, name) for name in methods))",
            "isinstance(backend, base) and bool(methods)",
        ),
        f"{_TESTS}adapters.py::test_what_a_subclass_overrides_is_what_is_called",
    ),
    Patch(
        "a plain backend's states count as verified",
        "a plain backend's verification counts for nothing",
        CodeEdit("_record", "verified_at=NEVER_VERIFIED", "verified_at=datetime.now(UTC)"),
        f"{_TESTS}guide.py::test_max_age_on_a_plain_cache_reads_the_tail",
    ),
    Patch(
        "one broken plugin stops the listing",
        "a broken plugin is isolated",
        CodeEdit(
            "Catalogue._loaded_listings",
            "except PluginError as error:",
            "except KeyError as error:",
        ),
        f"{_TESTS}plugins.py::test_a_broken_plugin_is_listed_and_stops_only_who_names_it",
    ),
    Patch(
        "the last plugin of a name wins",
        "two distributions that claim one name are told apart",
        CodeEdit("Catalogue._point", "if len(keys) == 1:", "if keys:"),
        f"{_TESTS}plugins.py::test_a_name_that_two_distributions_claim_is_chosen_by_distribution",
    ),
    Patch(
        "any plugin API will do",
        "a plugin written for another API is refused",
        CodeEdit("_registered", "if spec.plugin_api != PLUGIN_API:", "if False:"),
        f"{_TESTS}plugins.py::test_a_broken_plugin_is_listed_and_stops_only_who_names_it",
    ),
    Patch(
        "a state may have a field of the stamp's name",
        "the stamp's name in the JSON is the stamp's alone",
        CodeEdit(
            "Aggregate.__pydantic_init_subclass__", "if STAMP_KEY in cls.model_fields:", "if False:"
        ),
        f"{_TESTS}aggregate.py::test_a_field_of_the_stamps_name_is_refused",
    ),
    Patch(
        "former names are forgotten",
        "an event's former names are read too",
        CodeEdit(
            "_event_entries",
            '(current, *event_class.__dict__.get("former_names", ()))',
            "(current,)",
        ),
        f"{_TESTS}declarations.py::test_names_are_looked_up_with_their_former_ones",
    ),
    Patch(
        "an overridden handler is called all the same",
        "a handler or applier is called as the class overrides it",
        CodeEdit("_marked", "getattr(cls, name)", "function"),
        f"{_TESTS}declarations.py::test_an_override_without_the_mark_is_what_is_called",
    ),
    Patch(
        "a derived class has its base's revision",
        "an explicit revision is the class's own",
        CodeEdit("own_revision", 'cls.__dict__.get("revision")', 'getattr(cls, "revision", None)'),
        f"{_TESTS}revision.py::test_an_explicit_revision_is_the_classes_own",
        (17,),
    ),
    Patch(
        "a renewed state is made older",
        "the same state is renewed, never aged",
        CodeEdit(
            "newer",
            "if found.stamp == record.stamp and found.verified_at > record.verified_at:",
            "if False:",
        ),
        f"{_TESTS}memory.py::test_the_same_state_is_renewed_never_aged",
    ),
    Patch(
        "a verified entry of another branch stays",
        "of two branches of one version the latest put is kept",
        CodeEdit("newer", "found.stamp == record.stamp", "found.version == record.version"),
        f"{_TESTS}memory.py::test_another_branch_of_the_same_version_replaces",
        (37,),
    ),
    Patch(
        "superseded snapshots count",
        "a snapshot that is proven false is not counted among the newest",
        CodeEdit(
            "InMemoryAggregateSnapshotStorageBackend.put", "await self.remove(key, stamp)", "pass"
        ),
        f"{_TESTS}memory.py::test_superseded_snapshots_do_not_count",
        (37,),
    ),
    Patch(
        "a snapshot is removed by its version",
        "a snapshot is removed only if it is the one that was meant",
        CodeEdit(
            "InMemoryAggregateSnapshotStorageBackend.remove",
            "if record is not None and record.stamp == stamp:",
            "if record is not None:",
        ),
        f"{_TESTS}memory.py::test_superseded_snapshots_do_not_count",
    ),
    Patch(
        "a plain backend's bad record is an outage",
        "of a plain backend a ValidationError means an unusable record",
        CodeEdit("_translate", "if isinstance(error, ValidationError):", "if False:"),
        f"{_TESTS}adapters.py::test_a_validation_error_is_an_unusable_record_and_others_an_outage",
        (15,),
    ),
    Patch(
        "what wasn't loaded is kept",
        "by hand only a loaded aggregate can be kept",
        CodeEdit(
            "AggregateMapper.record_of",
            """
            if (
                type(aggregate) is not self.aggregate_type
                or origin is None
                or pending_of(aggregate)
            ):
            """,
            "if type(aggregate) is not self.aggregate_type or origin is None:",
        ),
        f"{_TESTS}adapters.py::test_what_is_not_the_stamped_state_is_unusable",
        (3,),
    ),
]
