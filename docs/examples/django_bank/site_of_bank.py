"""A Django site in one file: `gunicorn site_of_bank:application --threads 4`."""

import json
import os
from uuid import UUID

from bank import Account, Deposit
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from interlock import ApplicationBuilder
from interlock.errors import BackendUnavailableError, ConcurrencyError
from interlock.sync import SyncApplication

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "for tests only"),
    ALLOWED_HOSTS=["127.0.0.1"],
)

# Built when the module is imported; started by the first call, in each worker.
bank = SyncApplication(ApplicationBuilder.from_config().register_aggregate(Account).build())


def account(request: HttpRequest, account_id: UUID) -> JsonResponse:
    """Read the account; with POST, deposit first."""
    try:
        if request.method == "POST":
            amount = json.loads(request.body)["amount"]
            bank.dispatch(Deposit(aggregate_id=account_id, amount=amount))
        found = bank.load(Account, account_id)
    except ValueError as error:  # refused by a handler, or no JSON
        return JsonResponse({"detail": str(error)}, status=409)
    except (BackendUnavailableError, ConcurrencyError):
        return JsonResponse({"detail": "try again"}, status=503, headers={"Retry-After": "1"})
    if found.version == 0:
        return JsonResponse({"detail": "there is no such account"}, status=404)
    return JsonResponse({"balance": found.balance, "version": found.version})


def ready(_: HttpRequest) -> JsonResponse:
    """For a probe: 200 if everything needed answers."""
    health = bank.health()
    return JsonResponse(health.as_json(), status=200 if health.is_ready else 503)


urlpatterns = [path("accounts/<uuid:account_id>", account), path("ready", ready)]
application = get_wsgi_application()
