"""Processes in which an application for callers without an event loop runs: forks and exits."""

import subprocess
import sys

DOMAIN = """
import os, sys, threading
from uuid import UUID
import asyncio
from pydantic import BaseModel
from interlock import Aggregate, ApplicationBuilder, Command, applies_event, handles_command
from interlock.application.aggregates import InMemoryEventStore
from interlock.errors import ConfigurationError
from interlock.sync import SyncApplication

class Deposit(Command[int]):
    pass

class Deposited(BaseModel):
    pass

class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited())
        return self.balance

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += 1

class Store(InMemoryEventStore):
    async def open(self):
        pass

    async def close(self):
        await asyncio.to_thread(self.tell)

    def tell(self):
        print("closed", flush=True)

ID = UUID(int=7)
builder = ApplicationBuilder().register_event_store(Store()).register_aggregate(Account)
app = SyncApplication(builder.build())
"""


def run(code: str) -> str:
    done = subprocess.run(  # noqa: S603 our own text
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", DOMAIN + code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


class TestProcesses:
    def test_it_is_closed_when_the_interpreter_exits(self) -> None:
        assert run("print(app.dispatch(Deposit(aggregate_id=ID)))") == "1\nclosed\n"

    def test_so_it_is_after_an_exit_and_from_a_thread(self) -> None:
        code = "threading.Thread(target=lambda: app.load(Account, ID)).start(); sys.exit()"
        assert run(f"app.start(); {code}") == "closed\n"

    def test_it_starts_no_thread_as_it_closes(self) -> None:
        """As it must not while the interpreter exits, from Python 3.12 on."""
        code = """
def refuse(_):
    raise RuntimeError("can't create new thread at interpreter shutdown")

app.start()
threading.Thread.start = refuse
"""
        assert run(code) == "closed\n"

    def test_a_fork_of_the_process_that_started_it_is_refused(self) -> None:
        code = """
import signal
app.start()
child = os.fork()
if child == 0:
    signal.alarm(20)  # one that isn't refused waits for ever
    for call in (lambda: app.load(Account, ID), app.start, app.close):
        try:
            call()
        except ConfigurationError as error:
            print("refused:", str(error).partition(",")[2][:28], flush=True)
    sys.exit()
os.waitpid(child, 0)
print(app.dispatch(Deposit(aggregate_id=ID)), flush=True)
"""
        refused = "refused:  of which this one is a fork\n"
        assert run(code) == 3 * refused + "1\nclosed\n"

    def test_a_fork_before_the_first_call_has_one_of_its_own(self) -> None:
        code = """
child = os.fork()
if child:
    os.waitpid(child, 0)
print(app.dispatch(Deposit(aggregate_id=ID)), flush=True)
"""
        assert run(code) == "1\nclosed\n1\nclosed\n"

    def test_ctrl_c_at_a_start_that_hangs_ends_it(self) -> None:
        code = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)

class Hanging(Store):
    async def open(self):
        threading.Timer(0, os.kill, (os.getpid(), signal.SIGINT)).start()
        await asyncio.Event().wait()

app = SyncApplication(ApplicationBuilder().register_event_store(Hanging()).build())
try:
    app.start()
except KeyboardInterrupt:
    print("interrupted")
"""
        assert run(code) == "interrupted\n"
