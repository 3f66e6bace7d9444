"""What users' tests hold against files: payloads of former times, and the lock of revisions."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from interlock import Aggregate, ApplicationBuilder, applies_event, upcasts
from interlock.errors import ConfigurationError, UnknownEventError
from interlock.testing import assert_reads, assert_revisions, write_samples


class Opened(BaseModel):
    type_name: ClassVar[str] = "account/opened"
    owner: str


class Deposited(BaseModel):
    schema_version: ClassVar[int] = 2
    cents: int
    note: str = Field(default="")


class ReadOnly(BaseModel):
    read_only: ClassVar[bool] = True


class Account(Aggregate):
    cents: int = 0

    @applies_event
    def apply_opened(self, event: Opened) -> None:
        pass

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.cents += event.cents

    @applies_event
    def apply_read_only(self, event: ReadOnly) -> None:
        pass

    @staticmethod
    @upcasts("Deposited", schema_version=1)
    def in_cents(payload: dict[str, Any]) -> dict[str, Any]:
        return {"cents": payload["euros"] * 100}


EVENTS = [Opened(owner="anna"), Deposited(cents=5)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_samples(Account, tmp_path, EVENTS)
    return tmp_path


def put(folder: Path, name: str, **sample: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(sample))


class TestSamples:
    def test_what_was_written_is_read(self, folder: Path) -> None:
        assert_reads(Account, folder)
        assert [path.name for path in sorted(folder.iterdir())] == [
            "Deposited.v2.json",
            "account_opened.v1.json",
        ]
        assert (folder / "Deposited.v2.json").read_text() == (
            '{\n  "type": "Deposited",\n  "schema_version": 2,\n'
            '  "payload": {\n    "cents": 5,\n    "note": ""\n  }\n}\n'
        )

    def test_a_file_that_is_there_stays(self, folder: Path) -> None:
        before = (folder / "Deposited.v2.json").read_bytes()
        assert write_samples(Account, folder, [Deposited(cents=6)]) == []
        assert (folder / "Deposited.v2.json").read_bytes() == before

    def test_a_sample_of_an_older_schema_is_upcast(self, folder: Path) -> None:
        put(folder, "old", type="Deposited", schema_version=1, payload={"euros": 3})
        assert_reads(Account, folder)

    def test_a_new_field_with_a_default_is_no_difference(self, folder: Path) -> None:
        put(folder, "short", type="Deposited", schema_version=2, payload={"cents": 3})
        assert_reads(Account, folder)

    @pytest.mark.parametrize(
        ("sample", "told"),
        [
            (
                {"type": "Deposited", "schema_version": 2, "payload": {"cent": 3}},
                r"new.json: isn't read any more: \$\.cents: missing",
            ),
            (
                {"type": "Deposited", "schema_version": 2, "payload": {"cents": 3, "by": "x"}},
                r"new.json: by is lost: Deposited has no such value any more; raise its schema",
            ),
            (
                {"type": "Deposited", "schema_version": 2, "payload": {"cents": "3"}},
                r"new.json: cents is read as 3; wanted '3'",
            ),
            (
                {"type": "Deposited", "schema_version": 1, "payload": {"yen": 3}},
                r"new.json: isn't read any more: KeyError\('euros'\)",
            ),
            (
                {"type": "Deposited", "schema_version": 3, "payload": {}},
                r"new.json: a stored Deposited has schema version 3, this code knows up to 2",
            ),
            (
                {"type": "Closed", "schema_version": 1, "payload": {}},
                r"new.json: Account applies no event stored as 'Closed'",
            ),
            ({"type": "Deposited", "payload": {}}, r"new.json is no sample: \$\.schema_version"),
            (
                {
                    "type": "Deposited",
                    "schema_version": 1,
                    "payload": {"euros": 3},
                    "reads_as": {"cents": 3, "by": "x"},
                },
                (
                    r"new.json: by is lost: .*\n- new.json: cents is read as 300; wanted 3\n"
                    r"- new.json: note is ''; reads_as has no such value"
                ),
            ),
        ],
    )
    def test_what_is_read_otherwise_is_told(
        self, folder: Path, sample: dict[str, Any], told: str
    ) -> None:
        put(folder, "new", **sample)
        with pytest.raises(AssertionError, match=told):
            assert_reads(Account, folder)

    def test_what_it_is_read_as_may_be_told(self, folder: Path) -> None:
        sample = {"payload": {"euros": 3}, "reads_as": {"cents": 300, "note": ""}}
        put(folder, "new", type="Deposited", schema_version=1, **sample)
        assert_reads(Account, folder)

    def test_an_event_without_a_sample_is_told(self, folder: Path) -> None:
        (folder / "Deposited.v2.json").unlink()
        put(folder, "old", type="Deposited", schema_version=1, payload={"euros": 3})
        with pytest.raises(AssertionError, match=r"Deposited\.v2\.json isn't there; write_samples"):
            assert_reads(Account, folder)

    def test_an_event_that_the_aggregate_does_not_apply_is_told(self, tmp_path: Path) -> None:
        class Other(BaseModel):
            pass

        with pytest.raises(UnknownEventError):
            write_samples(Account, tmp_path, [Other()])


ACCOUNTS = """
from pydantic import BaseModel
from interlock import Aggregate, ApplicationBuilder, applies_event

class Deposited(BaseModel):
    amount: int

class Account(Aggregate):
    balance: int = 0

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount

def make_app():
    return ApplicationBuilder().register_aggregate(Account).build()
"""
TEST = """
from accounts import make_app
from interlock.testing import assert_revisions

def test_revisions():
    assert_revisions(make_app(), "revisions.lock")
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 our own


def test_a_revision_that_changed_fails_a_test_that_names_the_code(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.py"
    accounts.write_text(ACCOUNTS)
    (tmp_path / "test_revisions.py").write_text(TEST)
    lock = ["--write", "revisions.lock", "--app", "accounts:make_app"]
    assert run(tmp_path, "interlock", "revisions", *lock).returncode == 0
    passed = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider")
    assert passed.returncode == 0, passed.stdout

    accounts.write_text(ACCOUNTS.replace("+= event.amount", "+= 2 * event.amount"))
    failed = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider")
    assert failed.returncode == 1
    assert re.search(r"- Account: .*apply_deposited.* changed; snapshots of", failed.stdout)
    assert "If that is right: interlock revisions --write revisions.lock" in failed.stdout


def test_without_a_lock_file_it_says_how_to_make_one(tmp_path: Path) -> None:
    app = ApplicationBuilder().register_aggregate(Account).build()
    with pytest.raises(ConfigurationError, match="interlock revisions --write"):
        assert_revisions(app, tmp_path / "revisions.lock")
