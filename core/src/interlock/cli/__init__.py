"""The command line, of the extra `interlock[cli]`."""

import sys


def main() -> None:
    """Run the command that the arguments name."""
    try:
        import rich  # noqa: F401, PLC0415 looked for here: the core goes without
        import tomli_w  # noqa: F401, PLC0415 as above
        import typer  # noqa: F401, PLC0415 as above
    except ImportError as error:
        sys.exit(f"the command line needs {error.name}: pip install 'interlock[cli]'")
    from interlock.cli.commands import with_extension  # noqa: PLC0415 it imports what was looked for
    from interlock.errors import InterlockError  # noqa: PLC0415 as above

    try:
        with_extension(sys.argv[1:2])()
    except InterlockError as error:
        sys.exit(str(error))
