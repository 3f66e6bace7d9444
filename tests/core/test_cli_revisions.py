"""What `interlock revisions` prints, writes and finds changed."""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from interlock.cli.commands import app
from shell import interlock, runner

SHOP = """
from pydantic import BaseModel

from interlock.application import ApplicationBuilder
from interlock.domain import Aggregate
from interlock.routing import applies_event

RATE = 2


class Paid(BaseModel):
    amount: int = 1


class Order(Aggregate):
    total: int = 0

    @applies_event
    def was_paid(self, event: Paid) -> None:
        self.total += event.amount * RATE


class Cart(Aggregate):
    revision = "3"
    total: int = 0

    @applies_event
    def was_paid(self, event: Paid) -> None:
        self.total += event.amount


def application():
    return ApplicationBuilder().register_aggregate(Order).register_aggregate(Cart)


def built():
    return application().build()


async def later():
    return application()


def broken():
    raise ValueError("no\\nluck")


def stopped():
    raise SystemExit("usage: shop")


def twice():
    return application().register_aggregate(Order)


class Factory:
    make = staticmethod(application)
"""
NAME = "shop_of_commands"
APP = f"{NAME}:application"


class Shop:
    """The module of a shop in the current folder, and the command that looks at it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{NAME}.py"
        self.lock = folder / "revisions.toml"
        self.path.write_text(SHOP)
        self.columns = ""

    def edit(self, *edits: tuple[str, str]) -> None:
        text = SHOP
        for before, after in edits:
            assert before in text
            text = text.replace(before, after)
        self.path.write_text(text)

    def run(self, *arguments: str, app_: str | None = APP) -> Result:
        """The command in a fresh import of the module."""
        sys.modules.pop(NAME, None)
        named = [] if app_ is None else ["--app", app_]
        environment = {"COLUMNS": self.columns}
        return runner().invoke(app, ["revisions", *named, *arguments], env=environment)

    def check(self, *edits: tuple[str, str]) -> Result:
        """The check against a lock file that was written before the edits."""
        assert self.run("--write", "revisions.toml").exit_code == 0
        self.edit(*edits)
        return self.run("--check", "revisions.toml")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("INTERLOCK_CONFIG", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Shop(tmp_path)
    sys.modules.pop(NAME, None)


def test_each_type_is_printed_with_its_revision(shop: Shop) -> None:
    done = shop.run()
    cart, order = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (0, "")
    assert cart.startswith("Cart   3  explicit, ")
    found = json.loads(shop.run("--json").stdout)
    assert order.startswith(f"Order  {found['types']['Order']['revision']}  ")
    assert found["types"]["Cart"]["explicit"]
    assert f"RATE in {NAME}" in found["types"]["Order"]["inputs"]
    assert (found["ok"], found["changes"], found["notes"]) == (True, [], [])


@pytest.mark.parametrize("name", ["application", "built", "Factory.make"])
def test_what_makes_an_application_or_a_builder_is_called(shop: Shop, name: str) -> None:
    assert shop.run(app_=f"{NAME}:{name}").stdout == shop.run().stdout


def test_the_application_is_named_in_the_configuration(shop: Shop) -> None:
    shop.path.with_name("interlock.toml").write_text(f'schema = 1\napp = "{APP}"\n')
    assert shop.run(app_=None).stdout == shop.run().stdout
    other = shop.path.with_name("other.toml")
    other.write_text("schema = 1\n")
    done = shop.run("--config", "other.toml", app_=None)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("other.toml names no application: write app = ")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere:app", "nowhere can't be imported: ModuleNotFoundError: No module named 'now"),
        (f"{NAME}:nothing", f"{NAME} has no nothing: AttributeError"),
        (f"{NAME}:RATE", f"{NAME}:RATE is a int; wanted a callable"),
        (f"{NAME}:later", f"{NAME}:later made a coroutine; wanted an Application or an Appl"),
        (f"{NAME}:broken", f"{NAME}:broken raised: ValueError: no luck"),
        (f"{NAME}:stopped", f"{NAME}:stopped raised: SystemExit: usage: shop"),
        (f"{NAME}:twice", "Order is registered twice"),
        (NAME, f"--app: wanted module:callable, found '{NAME}'"),
        (None, "no configuration found in "),
    ],
)
def test_an_application_that_cannot_be_made_is_told_in_one_line(
    shop: Shop, name: str | None, told: str
) -> None:
    done = shop.run(app_=name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1
    found = json.loads(shop.run("--json", app_=name).stdout)
    assert found == {"ok": False, "error": done.stderr.rstrip("\n")}


def test_an_app_that_is_no_name_is_an_error_of_the_configuration(shop: Shop) -> None:
    shop.path.with_name("interlock.toml").write_text('schema = 1\napp = "shop"\n')
    done = shop.run(app_=None)
    assert done.exit_code == 2
    assert 'app: wanted "module:callable", found' in done.stderr


def test_what_is_unchanged_passes(shop: Shop) -> None:
    done = shop.check(("RATE = 2", "RATE = 2  # per cent"))
    assert (done.exit_code, done.stdout) == (0, "revisions.toml: 2 types, unchanged\n")
    written = tomllib.loads(shop.lock.read_text())
    found = json.loads(shop.run("--json").stdout)
    assert written == {"schema": 1, "types": found["types"]}


def test_an_input_that_changed_is_named_and_what_that_costs(shop: Shop) -> None:
    shop.columns = "80"
    done = shop.check(("RATE = 2", "RATE = 3"))
    old = tomllib.loads(shop.lock.read_text())["types"]["Order"]["revision"]
    assert done.exit_code == 1
    assert " ".join(done.stdout.split()) == (
        f"Order: `RATE in {NAME}` changed; snapshots of {old} are not used; name it in "
        "reads_revisions if the meaning stayed If that is right: interlock revisions --write "
        "revisions.toml"
    )
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_inputs_that_are_new_or_gone_are_told(shop: Shop) -> None:
    done = shop.check(("event.amount * RATE", "event.amount * FEE"), ("RATE = 2", "FEE = 2"))
    said = " ".join(done.stdout.split())
    assert f"Order: `Order.was_paid` changed, `FEE in {NAME}` new, `RATE in {NAME}` gone; " in said


def test_a_revision_that_is_read_still_costs_nothing(shop: Shop) -> None:
    shop.run("--write", "revisions.toml")
    old = tomllib.loads(shop.lock.read_text())["types"]["Order"]["revision"]
    done = shop.check(
        ("RATE = 2", "RATE = 3"),
        (
            "class Order(Aggregate):\n",
            f"class Order(Aggregate):\n    reads_revisions = ({old!r},)\n",
        ),
    )
    assert done.exit_code == 1
    assert f"snapshots of {old} are used still" in " ".join(done.stdout.split())


def test_code_that_changed_under_an_explicit_revision_is_told(shop: Shop) -> None:
    done = shop.check(("total += event.amount\n", "total -= event.amount\n"))
    assert done.exit_code == 1
    assert " ".join(done.stdout.split()).startswith(
        'Cart: `Cart.was_paid` changed, but revision is still "3"; raise it if the meaning changed'
    )


def test_an_explicit_revision_that_was_raised_is_told(shop: Shop) -> None:
    done = shop.check(('revision = "3"', 'revision = "4"'))
    assert done.exit_code == 1
    assert 'Cart: revision was "3" and is "4"; snapshots of 3 are not used' in done.stdout


def test_types_that_come_and_go_are_told(shop: Shop) -> None:
    done = shop.check((".register_aggregate(Cart)", ""))
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        1,
        "Cart: it is in the lock file, and isn't registered any more",
    )
    done = shop.run("--check", "revisions.toml", "--json")
    change: dict[str, Any] = json.loads(done.stdout)["changes"][0]
    assert (change["type"], change["kind"]) == ("Cart", "removed")
    assert (change["locked"], change["now"]) == ("3", None)
    shop.run("--write", "revisions.toml")
    shop.edit()
    done = shop.run("--check", "revisions.toml")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "Cart: it isn't in the lock file")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "revisions.toml can't be read: No such file or directory; `interlock revisions"),
        ("x", "revisions.toml is no TOML: Expected"),
        ("x = " + "[" * 500, "revisions.toml is nested too deep"),
        ("schema = 2", "revisions.toml is no lock file of revisions (Input should be 1)"),
        ("schema = 1\nx = 1", "revisions.toml is no lock file of revisions (Extra inputs"),
    ],
)
def test_a_lock_file_that_cannot_be_read_is_told(shop: Shop, text: str | None, told: str) -> None:
    if text is not None:
        shop.lock.write_text(text)
    done = shop.run("--check", "revisions.toml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    assert shop.run("--write", str(shop.lock / "x")).exit_code == 2
    both = shop.run("--write", "a", "--check", "revisions.toml")
    assert (both.exit_code, "two commands" in both.stderr) == (2, True)


def test_what_makes_a_revision_doubtful_is_noted(shop: Shop) -> None:
    shop.edit(("event.amount * RATE", "eval('event.amount')"))
    done = shop.run()
    assert done.exit_code == 0
    assert done.stderr.startswith("note: the revision of Order doesn't cover")
    assert json.loads(shop.run("--json").stdout)["notes"][0].startswith("the revision of Order")


def test_the_command_needs_no_terminal_and_no_search_path(shop: Shop) -> None:
    done = interlock("revisions", "--app", APP, cwd=shop.path.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, shop.run().stdout, "")
