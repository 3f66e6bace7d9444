"""A task for Celery: `celery --app tasks worker`."""

import os
from uuid import UUID

from bank import Account, Deposit
from celery import Celery
from celery.signals import worker_process_shutdown

from interlock import ApplicationBuilder
from interlock.errors import BackendUnavailableError, ConcurrencyError
from interlock.sync import SyncApplication

# Built when the module is imported; started by the first task, in each worker process.
bank = SyncApplication(ApplicationBuilder.from_config().register_aggregate(Account).build())
queue = Celery("bank", broker=os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0"))


@queue.task(autoretry_for=(BackendUnavailableError, ConcurrencyError), retry_backoff=True)
def deposit(account_id: str, amount: int) -> int:
    """Deposit; Celery tries again where nothing was stored."""
    return bank.dispatch(Deposit(aggregate_id=UUID(account_id), amount=amount))


@worker_process_shutdown.connect
def close(**_: object) -> None:
    """Close it in the worker process, which ends without the interpreter's exit."""
    bank.close()
