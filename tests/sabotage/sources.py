"""The texts that patches are made in, and those of the tests that kill them."""

from pathlib import Path

from interlock_conformance.mutation import EditError, Files, code_of

CORE = "interlock"


def folder_of(root: Path, package: str) -> Path:
    """Where a package stands in a checkout. Raises `EditError` if it doesn't."""
    plugin = package.removeprefix("interlock_").replace("_", "-")
    distribution = Path("core") if package == CORE else Path("plugins", plugin)
    found = root / distribution / "src" / package
    if not found.is_dir():
        raise EditError(f"{package}: there is no such package in the checkout")
    return found


def texts(package: Path) -> Files:
    """The modules of a package, by their paths in it."""
    return {
        path.relative_to(package).as_posix(): path.read_text("utf-8")
        for path in sorted(package.rglob("*.py"))
    }


def code_of_test(root: Path, node: str) -> str:
    """The code of a test, by its node id. Raises `OSError` or `EditError` if there is none."""
    file, *names = node.partition("[")[0].split("::")
    return code_of({file: (root / file).read_text("utf-8")}, ".".join(names))
