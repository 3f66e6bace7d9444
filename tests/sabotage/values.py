"""Protections of what aggregates, events, records and strategies are."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"

PATCHES = [
    Patch(
        "emit applies the handler's own event",
        "an event is encoded when it is emitted, and what is stored is what is applied",
        CodeEdit("Aggregate.emit", "entry.apply(self, copy)", "entry.apply(self, event)"),
        f"{_TESTS}aggregate.py::test_emit_encodes_at_once_and_applies_the_decoded_copy",
        (33,),
    ),
    Patch(
        "a failed applier leaves its event",
        "an event whose applier raises isn't recorded, nor counted",
        CodeEdit("Aggregate.emit", 'self.__dict__["version"] = version', ""),
        f"{_TESTS}aggregate.py::test_an_event_whose_applier_raises_is_not_recorded",
    ),
    Patch(
        "the stamp's checksum is not compared",
        "JSON that was changed after it was written is no state",
        CodeEdit("proven_origin", 'if stamp.get("checksum") != checksum:', "if False:"),
        f"{_TESTS}aggregate.py::test_json_that_was_changed_is_refused",
    ),
    Patch(
        "the stamp's type is not compared",
        "JSON stamped with another type is no state of this one",
        CodeEdit(
            "Aggregate._stamped_type",
            "if name != type_name(cls):",
            "if False:",
        ),
        f"{_TESTS}aggregate.py::test_json_stamped_with_another_type_is_refused",
        (21, 22),
    ),
    Patch(
        "the base class makes base objects",
        "validation on the base class returns the stamped type",
        CodeEdit(
            "Aggregate._stamped_type",
            """
            if cls is Aggregate:
                return _find_type(name)
            """,
            "",
        ),
        f"{_TESTS}aggregate.py::test_the_base_class_returns_the_stamped_type",
        (21,),
    ),
    Patch(
        "the first type of a name is taken",
        "two types of one name are an error",
        CodeEdit("_find_type", "if len(set(found)) != 1:", "if not found:"),
        f"{_TESTS}aggregate.py::test_two_types_of_one_name_are_an_error_unless_one_is_running",
        (21,),
    ),
    Patch(
        "copies lose their stamp",
        "a copy of a loaded aggregate is as good as the aggregate",
        CodeEdit("_carry", "set_origin(copy, origin_of(source))", ""),
        f"{_TESTS}aggregate.py::test_copies_and_pickles_keep_the_stamp_and_what_is_uncommitted",
    ),
    Patch(
        "a set's order is part of the checksum",
        "a set has another order in another process",
        CodeEdit(
            "canonical_json",
            "to_json(_ordered(model, from_json(data))) if _may_hold_sets(type(model)) else data",
            "data",
        ),
        f"{_TESTS}aggregate.py::test_a_set_may_come_back_in_another_order",
    ),
    Patch(
        "what stands beside a set has no order either",
        "only the order of sets is left out of the checksum",
        CodeEdit(
            "_ordered",
            "sorted(items, key=to_json) if isinstance(value, set | frozenset) else items",
            "sorted(items, key=to_json)",
        ),
        f"{_TESTS}canonical.py::test_all_else_has_an_order",
    ),
    Patch(
        "a stamp is taken for an object",
        "a foreign stamp is a ValidationError and nothing else",
        CodeEdit("read_stamp", "if not isinstance(stamp, dict):", "if False:"),
        f"{_TESTS}aggregate.py::test_a_foreign_stamp_is_a_validation_error",
    ),
    Patch(
        "a stamp's parts are of whatever type",
        "a stamp that can't be one of ours is a ValidationError",
        CodeEdit(
            "_origin_in",
            "if [type(each) for each in (namespace, epoch, revision)] != [str, int, str]:",
            "if False:",
        ),
        f"{_TESTS}aggregate.py::test_a_stamp_with_parts_of_other_types_is_a_validation_error",
    ),
    Patch(
        "a stamp's times have any zone",
        "times are UTC: others can be beyond what a datetime holds",
        CodeEdit("_utc", "if moment.utcoffset() != timedelta(0):", "if False:"),
        f"{_TESTS}aggregate.py::test_a_stamp_with_parts_of_other_types_is_a_validation_error",
    ),
    Patch(
        "the second handler of a command wins",
        "two handlers for one command are refused",
        CodeEdit("build_routes", "if command in handlers:", "if False:"),
        f"{_TESTS}declarations.py::test_two_handlers_for_one_command_are_refused",
    ),
    Patch(
        "newer schemas are read as if they were known",
        "a stored schema version above the code's is an unknown event",
        CodeEdit("EventEntry.decode", "if schema_version > self.schema_version:", "if False:"),
        f"{_TESTS}declarations.py::test_a_newer_schema_is_an_unknown_event",
        (16,),
    ),
    Patch(
        "only the first upcaster runs",
        "older payloads are upcast step by step",
        CodeEdit(
            "EventEntry.decode",
            "data = upcaster(data)",
            """
            data = upcaster(data)
            break
            """,
        ),
        f"{_TESTS}declarations.py::test_older_payloads_are_upcast_step_by_step",
        (16,),
    ),
    Patch(
        "the envelope's checksum is not compared",
        "a corrupt record is no state",
        CodeEdit(
            "_parts",
            "if _checksum((body,)) != blob[-_CHECKSUM_SIZE:]:",
            "if False:",
        ),
        f"{_TESTS}records.py::test_a_flipped_bit_anywhere_is_found",
    ),
    Patch(
        "a later format is read as this one",
        "a record of a format that isn't known is no state",
        CodeEdit("_parts", "if format_version != _FORMAT:", "if False:"),
        f"{_TESTS}records.py::test_foreign_and_future_records_are_told_apart",
        (16,),
    ),
    Patch(
        "keys leave out the revision",
        "type, tenant, epoch and revision are in every key",
        CodeEdit(
            "RecordKey.text",
            """
            text = (
                f"interlock:{_quoted(namespace)}:{epoch}:{_quoted(aggregate_type)}"
                f":{aggregate_id.hex}:{_quoted(revision)}"
            )
            """,
            """
            text = (
                f"interlock:{_quoted(namespace)}:{epoch}:{_quoted(aggregate_type)}"
                f":{aggregate_id.hex}"
            )
            """,
        ),
        f"{_TESTS}records.py::test_a_key_names_all_that_tells_records_apart",
        (18, 22),
    ),
    Patch(
        "separators in a key's parts stand as they are",
        "keys are equal for equal parts only",
        CodeEdit("_quoted", "safe=''", "safe=':'"),
        f"{_TESTS}records.py::test_a_separator_in_a_part_joins_no_keys",
        (22, 27),
    ),
    Patch(
        "long keys are cut off",
        "long keys are hashed",
        CodeEdit("RecordKey.text", "if len(text) <= max_length:", "if text:"),
        f"{_TESTS}records.py::test_key_texts_are_short_printable_ascii",
        (27,),
    ),
    Patch(
        "inflating is not bounded",
        "a codec bounds what it decompresses",
        CodeEdit(
            "ZlibJsonCodec.decode",
            "inflater.decompress(payload, bound + 1)",
            "inflater.decompress(payload)",
        ),
        f"{_TESTS}codecs.py::test_a_small_payload_that_inflates_to_much_is_refused",
    ),
    Patch(
        "a small payload may inflate to as much as any",
        "what a payload inflates to is bounded by its own size",
        CodeEdit(
            "ZlibJsonCodec._bound",
            "min(self._max_bytes, max(_SMALL, _MOST_TIMES * len(payload)))",
            "self._max_bytes",
        ),
        f"{_TESTS}codecs.py::test_a_small_payload_that_inflates_to_much_is_refused",
    ),
    Patch(
        "a state that compresses too well is lost",
        "a codec reads what it wrote",
        CodeEdit("ZlibJsonCodec.encode", "len(data) <= self._bound(packed)", "True"),
        f"{_TESTS}codecs.py::test_a_state_that_compresses_well_comes_back",
    ),
    Patch(
        "defaults may vary",
        "every field has a default that doesn't vary",
        CodeEdit("check_defaults", "if found is not None:", "if False:"),
        f"{_TESTS}registering.py::test_a_default_that_varies_is_refused",
    ),
    Patch(
        "base-typed fields are taken",
        "a state that its JSON would lose is refused",
        CodeEdit("_Losses._of_class", "cls is BaseModel or isabstract(cls)", "False"),
        f"{_TESTS}losses.py::test_what_the_declaration_loses_is_named",
        (19,),
    ),
    Patch(
        "equal is the same",
        "a round trip that changes a value's type is noticed",
        CodeEdit("_Comparison.differs", "if cls is not type(other):", "if False:"),
        f"{_TESTS}comparing.py::test_values_that_differ",
        (19,),
    ),
    Patch(
        "only exact multiples are due",
        "a commit of several events may step over a multiple",
        CodeEdit(
            "SnapshotAfterN.should_snapshot",
            "moment.version // self.n > moment.version_before // self.n",
            "moment.version % self.n == 0",
        ),
        f"{_TESTS}policies.py::test_after_n_is_due_when_a_commit_steps_over_a_multiple",
        (1,),
    ),
    Patch(
        "a missed snapshot waits for the next multiple",
        "a load that folded n events makes a snapshot due",
        CodeEdit("SnapshotAfterN.should_snapshot", "moment.events_folded >= self.n", "False"),
        f"{_TESTS}policies.py::test_after_n_makes_good_what_was_missed_on_the_next_commit",
        (1,),
    ),
    Patch(
        "time-based snapshots count from the load",
        "time is measured from the last snapshot, on event times",
        CodeEdit("SnapshotAfterTime.should_snapshot", "moment.anchor_at", "moment.last_event_at"),
        f"{_TESTS}policies.py::test_after_time_measures_event_times_from_the_anchor",
        (23,),
    ),
    Patch(
        "gaps are folded over",
        "versions are contiguous while folding",
        CodeEdit("fold_rows", "if row[0] != version:", "if False:"),
        f"{_TESTS}fold.py::test_a_gap_or_a_repetition_is_found",
        (20,),
    ),
    Patch(
        "gaps are told as if nothing stood there",
        "events are told without a gap, or not at all",
        CodeEdit("following", "version is not None and row[0] != version", "False"),
        f"{_TESTS}runtime_events.py::test_events_that_are_missing_behind_others_are_noticed",
        (20,),
    ),
    Patch(
        "appliers see the baseline's version",
        "an applier sees the version of its event, wherever the fold began",
        CodeEdit(
            "fold_rows",
            """
            attributes["version"] = version
            entry.apply(state, event)
            """,
            "entry.apply(state, event)",
        ),
        f"{_TESTS}fold.py::test_each_event_is_applied_with_its_own_version",
    ),
]
