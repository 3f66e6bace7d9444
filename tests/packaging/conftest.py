import pytest

from environments import Environment, found_wheels


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a `wheel` with each of them."""
    if "wheel" in metafunc.fixturenames:
        wheels = found_wheels()
        metafunc.parametrize("wheel", wheels, ids=[wheel.name.split("-")[0] for wheel in wheels])


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What the author of a plugin has: the core with its commands, the checks, pytest."""
    by_name = {wheel.name.split("-")[0]: str(wheel) for wheel in found_wheels()}
    core, checks = by_name["interlock"], by_name["interlock_conformance"]
    return Environment(tmp_path_factory.mktemp("workshop") / "env", f"{core}[cli]", checks)
