"""`interlock health`: whether the application's backends answer."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import typer

from interlock._app.application import Application
from interlock._app.health import Health
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.operating import AppName, operate, print_json
from interlock.cli.screen import tell


def health(
    within: Annotated[
        float, typer.Option("--within", min=0.001, metavar="SECONDS", help="For an answer.")
    ] = 1.0,
    app: AppName = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Ask the application's backends whether they answer.

    Exits with 1 if one is down that is needed, and with 2 if the application can't be started.
    """

    async def asked(application: Application) -> Health:
        return await application.health(within=timedelta(seconds=within))

    found = operate(app, config, asked, as_json=as_json)
    if as_json:
        print_json(found.as_json())
    else:
        for line in _lines(found):
            tell(line)
    raise typer.Exit(0 if found.is_ready else 1)


def _lines(found: Health) -> Iterator[str]:
    for each in found.backends:
        if each.problem is not None:
            state = f"{'DOWN' if each.is_needed else 'down, not needed'}: {each.problem}"
        elif each.latency is not None:
            state = f"{each.latency / timedelta(milliseconds=1):.1f} ms"
        resting = ", its circuit breaker is open" * each.is_resting
        server = f", {each.server}" if each.server else ""
        yield f"{each.serves} ({each.backend}{server}): {state}{resting}"
