"""The command line, of the extra `interlock[cli]`.

A command exits with 0 if all is well, with 1 if what it examined isn't (a configuration with
errors, a backend that doesn't open or isn't conformant), and with 2 if it couldn't do what it was
asked for.
"""

import sys


def main() -> None:
    """Run the command that the arguments name."""
    try:
        import tomli_w  # noqa: F401, PLC0415 looked for here: the core goes without
        import typer  # noqa: F401, PLC0415 as above
    except ImportError as error:
        sys.exit(f"the command line needs {error.name}: pip install 'interlock[cli]'")
    from interlock.cli.commands import run  # noqa: PLC0415 it imports what was looked for

    sys.exit(run())
