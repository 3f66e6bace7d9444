"""`interlock new app`: installed as its Dockerfile does, it passes its tests."""

from pathlib import Path

import pytest

from environments import Environment, found_wheels, output

pytestmark = pytest.mark.xdist_group("workshop")  # made once


def test_a_service_is_installed_with_what_it_names_and_passes_its_tests(
    workshop: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "bank"
    workshop.run("-m", "interlock", "new", "app", "bank", "--into", str(folder))
    wheels = str(found_wheels()[0].parent)
    environment = Environment(tmp_path / "env", f"{folder}[prod,test]", "--find-links", wheels)
    environment.check()
    # Not isolated: pytest imports tests from their folder. The package is the installed one.
    done = output(str(environment.python), "-m", "pytest", "-q", "-o", "pythonpath=", folder=folder)
    assert "8 passed" in done
    service = "from bank.main import api, make_application; print(api.title, make_application())"
    assert environment.run("-c", service, folder=folder).startswith("bank <interlock.")
