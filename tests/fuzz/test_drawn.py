"""Bytes that Hypothesis draws, for every reader: the long form is `tox run -e fuzz`."""

import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from interlock._storage import records
from interlock._values.masking import Masking, brief, shown
from readers import MEMORY, READERS, SECONDS, SEEDS, record, state

LONG = settings(
    max_examples=int(os.environ.get("INTERLOCK_EXAMPLES", "50")),
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Notebook", "0001-01-01T00:00:00+14:00", "notes", "1", "${A}"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
WORDS = (
    *("schema", "application", "namespace", "event_store", "backend", "url", "cache_backends"),
    *("snapshot_backends", "aggregates", "default", "Account", "use", "n", "delta", "of", "codec"),
    *("profiles", "replace", "extensions", "file", "secret", "ttl", "freshness", "tiers", "app"),
)
VALUES = (
    *("memory-cache", "memory-events", "tiered", "after-n", "any-of", "json+zlib", "max-age"),
    *("1h", "9" * 30 + "d", "${HOME}", "${", "${A:-x}", "", "\0", "hot", "never", "P1Y"),
)
TOML = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**70)
    | st.floats()
    | st.datetimes()
    | st.sampled_from(VALUES)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text("ab-. ", max_size=4), inner, max_size=6)
    ),
    max_leaves=20,
)
ESCAPED = st.text("abc/:@?#&=%[]0;. ", max_size=12)


@pytest.fixture(autouse=True, scope="module")
def _bounded_memory() -> Iterator[None]:
    statm = Path("/proc/self/statm")
    if not statm.exists():  # only Linux bounds it so
        yield
        return
    pages = int(statm.read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


@contextmanager
def in_time() -> Iterator[None]:
    """Raise `TimeoutError` in the block, or as soon as what it calls is back."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@st.composite
def changed(draw: st.DrawFn, reader: str) -> bytes:
    """A seed with a few changes."""
    seeds = [path for path in (SEEDS / reader).iterdir() if path.stat().st_size < 10_000]
    seed, ours = draw(st.sampled_from([*sorted(seeds), None])), READERS[reader].ours
    data = bytearray(b"" if seed is None else seed.read_bytes())
    if seed is None and ours is not None:
        data = bytearray(ours())
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        piece = draw(st.binary(max_size=8) | st.just(bytes(data[start:end]) * 3))
        data[start:end] = piece
    return bytes(data)


def read(reader: str, data: bytes) -> None:
    with in_time():
        READERS[reader](data)


@pytest.mark.parametrize("reader", READERS)
@LONG
@given(data=st.data())
def test_whatever_it_is_it_is_read_or_refused_in_words(reader: str, data: st.DataObject) -> None:
    read(reader, data.draw(st.binary(max_size=200) | changed(reader)))


@pytest.mark.parametrize("reader", ["json", "details", "stamp", "stamp-of-any-type", "fold"])
@LONG
@given(value=JSON)
def test_any_json(reader: str, value: object) -> None:
    read(reader, json.dumps(value).encode(errors="surrogatepass"))


@pytest.mark.parametrize("reader", ["stamp", "stamp-of-any-type"])
@LONG
@given(data=st.data())
def test_ours_with_another_value_somewhere(reader: str, data: st.DataObject) -> None:
    whole: Any = json.loads(state().model_dump_json())  # Any: JSON values
    part = data.draw(st.sampled_from([whole, whole["interlock_stamp"], whole["pages"]]))
    part[data.draw(st.sampled_from([*part, "more"]))] = data.draw(JSON)
    read(reader, json.dumps(whole).encode(errors="surrogatepass"))


@LONG
@given(data=st.data())
def test_a_record_with_another_field_somewhere(data: st.DataObject) -> None:
    fields: list[Any] = json.loads(record()._encoded_fields())  # Any: JSON values
    fields[data.draw(st.integers(0, len(fields) - 1))] = data.draw(JSON)
    text = json.dumps(fields, separators=(",", ":")).encode(errors="surrogatepass")
    payload = record().payload
    head = records._HEAD.pack(records._MAGIC, records._FORMAT, 0, len(text), 0, len(payload))
    read("record-body", head + text + payload)


@pytest.mark.parametrize("reader", ["configuration", "lock-file"])
@LONG
@given(table=st.dictionaries(st.sampled_from(WORDS), TOML, max_size=6))
def test_any_toml(reader: str, table: dict[str, Any]) -> None:
    read(reader, tomli_w.dumps(table).encode())


@LONG
@given(user=ESCAPED, password=ESCAPED, host=ESCAPED, more=ESCAPED)
def test_any_url(user: str, password: str, host: str, more: str) -> None:
    read("masking", f"postgresql://{user}:{password}@{host}/{more}?password={more}".encode())


@LONG
@given(
    password=st.text("abcXYZ/:@?#&=%[]0;.!$'\" +~-_", min_size=4, max_size=14),
    form=st.sampled_from(
        [
            "postgresql+asyncpg://app:{}@db.example/app",
            "redis://:{}@[::1]:6379/0",
            "redis+sentinel://u:{}@a:1,b:2/service",
            "user:{}@cache-1:11211",
        ]
    ),
)
def test_no_password_is_shown(password: str, form: str) -> None:
    assume(password not in form)
    assume(not (form.startswith("user") and password.startswith("//")))  # that's a URL's user
    url = form.format(password)
    options = {"url": url, "servers": [url]}
    told = Masking().learn(options).text(f"can't connect to {url} by {password}")
    for text in (str(shown(options)), brief(url), told):
        assert password not in text
