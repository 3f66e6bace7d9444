"""Protections of the plugins: sessions, files and connections that aren't what they seem."""

from functools import partial

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_SQL = partial(Patch, package="interlock_sqlalchemy")
_EVENTS = "plugins/sqlalchemy-events/tests/test_event_"
_MEMORY = f"{_EVENTS}memory.py::test_a_page_is_bounded_in_bytes"
_COMMITS = "plugins/sqlalchemy/tests/test_commits.py::"
_SESSIONS = f"{_EVENTS}sessions.py::"
_TELEMETRY = partial(Patch, package="interlock_opentelemetry")
_SPANS = "plugins/opentelemetry/tests/test_spans.py::"
_REDIS = "plugins/redis-cache/tests/test_redis_put.py::"

PATCHES = [
    _SQL(
        "what a session was told isn't read back",
        "a session that keeps other settings than it was told is refused",
        CodeEdit("MySQL._pin_settings", "if wrong:", "if False:"),
        f"{_SESSIONS}test_a_session_that_keeps_the_servers_settings_is_refused",
    ),
    _SQL(
        "a refused write of several rows leaves the first ones",
        "a write that is refused among others is rolled back alone",
        CodeEdit("Commits._run_among_others", "not _is_one_row(write.steps)", "False"),
        f"{_COMMITS}test_a_write_that_is_refused_is_rolled_back_alone",
    ),
    _SQL(
        "each write is a hop of its own",
        "what is given in a turn of the loop is one transaction",
        CodeEdit("FileSession.write", "self.loop.call_soon(self._hand_over)", "self._hand_over()"),
        f"{_COMMITS}test_what_is_given_in_a_turn_of_the_loop_is_one_hop_and_one_transaction",
    ),
    _SQL(
        "a commit isn't looked after",
        "a commit into a file that was replaced meanwhile is unknown",
        CodeEdit("Commits._commit_alone", "writer.check_commit()", ""),
        f"{_EVENTS}replaced.py::"
        "test_a_commit_into_a_file_that_is_replaced_meanwhile_is_unknown[sqlite]",
    ),
    _SQL(
        "a file that was replaced is read on",
        "what is read stands in the file that is there now",
        CodeEdit("ThreadedDatabase._read_on_loop", "if not connections.is_current():", "if False:"),
        f"{_EVENTS}replaced.py::test_what_is_read_stands_in_the_file_that_is_there_now[500-sqlite]",
    ),
    _SQL(
        "a file that was replaced is used on in the thread",
        "a replaced file's connections are parted with and made anew",
        CodeEdit("FileSession.current", "if not self.connections.is_current():", "if False:"),
        f"{_EVENTS}replaced.py::test_what_is_read_stands_in_the_file_that_is_there_now[0-sqlite]",
    ),
    _SQL(
        "a page on a server is of any size",
        "a page holds 16 MiB at most, whatever is in it",
        CodeEdit("max_row_bytes", "PAGE_BYTES // limit if limit > 1 else 2**31 - 1", "2**31 - 1"),
        f"{_MEMORY}[postgresql-500-_one]",
    ),
    _SQL(
        "a page of a file is of any size",
        "a page holds 16 MiB at most, whatever is in it",
        CodeEdit("ThreadedDatabase._any_page", "if rows and left < 0:", "if False:"),
        f"{_MEMORY}[sqlite-0-_one]",
    ),
    _SQL(
        "a large row is read on the loop's thread",
        "a page holds 16 MiB at most, whatever is in it",
        CodeEdit("SQLite.refuse_rows", "_ANY_LENGTH if above is None else above", "_ANY_LENGTH"),
        f"{_MEMORY}[sqlite-500-_one]",
    ),
    _SQL(
        "a page that was cut is the last one",
        "a stream of large events is read to its end",
        CodeEdit("whole_page", "max(1, limit // 16)", "0"),
        f"{_MEMORY}[postgresql-500-_one]",
    ),
    Patch(
        "another event loop is let in",
        "a backend says that it is another loop's",
        CodeEdit("Client.check_loop", "if self._loop is not loop:", "if False:"),
        "plugins/redis-cache/tests/test_redis_servers.py::test_the_loop_of_another_thread_is_told[redis-server]",
        package="interlock_redis_cache",
    ),
    Patch(
        "an entry's head is believed",
        "an entry whose head isn't its record's is unusable",
        CodeEdit("from_entry", "if _head(record) != entry[_PLACE:_START]:", "if False:"),
        f"{_REDIS}test_a_head_of_another_record_is_unusable_and_replaced[valkey-server-9]",
        package="interlock_redis_cache",
    ),
    Patch(
        "what a put doesn't replace isn't looked at",
        "an entry that nobody can read gives way to a put",
        CodeEdit(
            "RedisAggregateCacheBackend.put",
            "outcome != Outcome.STORED and usable(from_entry, left, key) is None",
            "False",
        ),
        f"{_REDIS}test_an_entry_of_another_key_is_unusable_and_replaced[valkey-server]",
        package="interlock_redis_cache",
    ),
    _TELEMETRY(
        "a load of a batch describes the span that is current",
        "what has no span of its own describes no other",
        CodeEdit(
            "_span",
            "return current.span if current is not None and is_it else None",
            "return trace.get_current_span()",
        ),
        f"{_SPANS}test_loads_of_a_batch_are_measured_and_describe_its_span_alone",
    ),
    _TELEMETRY(
        "the texts of exceptions are recorded",
        "of an exception only the type is recorded, unless more is asked for",
        CodeEdit("OpenTelemetryObserver.around", "record_exception=False", "record_exception=True"),
        f"{_SPANS}test_an_exception_makes_an_error_and_tells_only_its_type",
    ),
    _TELEMETRY(
        "ids are labels",
        "no metric has an id",
        CodeEdit(
            "_facts",
            "return facts",
            "return {**facts, names.AGGREGATE_ID: str(operation.aggregate_id)}",
        ),
        "plugins/opentelemetry/tests/test_names.py::test_no_metric_has_an_id",
    ),
]
