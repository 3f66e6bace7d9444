"""The same accounts with Flask: `gunicorn site_of_flask:site --threads 4`."""

from typing import Any
from uuid import UUID

from bank import Account, Deposit
from flask import Flask, request

from interlock import ApplicationBuilder
from interlock.errors import BackendUnavailableError, ConcurrencyError
from interlock.sync import SyncApplication

Answer = tuple[dict[str, Any], int]  # Any: JSON values

# Built when the module is imported; started by the first call, in each worker.
bank = SyncApplication(ApplicationBuilder.from_config().register_aggregate(Account).build())
site = Flask(__name__)


@site.post("/accounts/<uuid:account_id>")
def deposit(account_id: UUID) -> Answer:
    """Deposit, and answer with the balance."""
    command = Deposit(aggregate_id=account_id, amount=request.get_json()["amount"])
    return {"balance": bank.dispatch(command)}, 200


@site.get("/accounts/<uuid:account_id>")
def account(account_id: UUID) -> Answer:
    """Read the account."""
    found = bank.load(Account, account_id)
    if found.version == 0:
        return {"detail": "there is no such account"}, 404
    return {"balance": found.balance, "version": found.version}, 200


@site.errorhandler(ValueError)
def refused(error: ValueError) -> Answer:
    """Refused by a handler."""
    return {"detail": str(error)}, 409


@site.errorhandler(BackendUnavailableError)
@site.errorhandler(ConcurrencyError)
def unavailable(_: Exception) -> Answer:
    """Nothing was stored."""
    return {"detail": "try again"}, 503


@site.get("/ready")
def ready() -> Answer:
    """For a probe: 200 if everything needed answers."""
    health = bank.health()
    return health.as_json(), 200 if health.is_ready else 503
