"""The Dockerfile of the service and the page's YAML for Kubernetes, held against the service."""

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from interlock.cli.new_app import write_service
from pages import ROOT, blocks
from service import ANNA, call, free_port, served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_service("bank-accounts", tmp_path / "bank")
    return tmp_path / "bank"


def instructions(folder: Path) -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with its arguments."""
    lines = (folder / "Dockerfile").read_text().splitlines()
    found = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(name, arguments) for name, _, arguments in found]


def arguments_of(folder: Path, name: str) -> list[str]:
    return [arguments for each, arguments in instructions(folder) if each == name]


def test_the_dockerfile_has_instructions_that_docker_knows(folder: Path) -> None:
    names = [name for name, _ in instructions(folder)]
    assert names[0] == "FROM"
    assert names[-1] == "CMD"
    assert set(names) <= {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "CMD"}
    for name, value in (each.split("=") for each in arguments_of(folder, "ENV")):
        assert name == "INTERLOCK_PROFILE"
        assert value in settings_of(folder)["profiles"]


def test_the_dockerfile_installs_extras_that_exist(folder: Path) -> None:
    (command,) = arguments_of(folder, "RUN")
    found = re.fullmatch(r"pip install --no-cache-dir '\.\[(\w+)\]'", command)
    assert found is not None
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    extra = map(Requirement, project["optional-dependencies"][found[1]])
    assert {each.name for each in extra} == {"interlock-redis-cache", "interlock-sqlalchemy-events"}


def test_what_the_dockerfile_copies_is_served_by_its_command(folder: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.mkdir()
    for arguments in arguments_of(folder, "COPY"):
        *sources, target = arguments.split()
        for source in sources:
            place = image / target if target not in {".", "./"} else image / source
            copy = shutil.copytree if (folder / source).is_dir() else shutil.copy
            copy(folder / source, place)
    (command,) = arguments_of(folder, "CMD")
    port = free_port()
    with served(image, [*json.loads(command), "--port", str(port)], port) as server:
        assert call(port, "PUT", ANNA, {"owner": "anna"})[0] == 201
        server.terminate()
        server.wait(60)


def test_kubernetes_asks_routes_of_the_service_and_waits_for_its_end(folder: Path) -> None:
    pod = pod_of_the_page()
    assert pod.keys() == {"terminationGracePeriodSeconds", "containers"}
    (container,) = pod["containers"]
    assert container.keys() == {"name", "lifecycle", "livenessProbe", "readinessProbe"}

    (exposed,) = arguments_of(folder, "EXPOSE")
    port = free_port()
    with served(folder, ["uvicorn", "bank_accounts.main:api", "--port", str(port)], port):
        for probe in (container["livenessProbe"], container["readinessProbe"]):
            assert probe["httpGet"]["port"] == int(exposed)
            assert call(port, "GET", probe["httpGet"]["path"])[0] == 200

    command, before = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    (served_by,) = map(json.loads, arguments_of(folder, "CMD"))
    for_requests = served_by[served_by.index("--timeout-graceful-shutdown") + 1]
    to_close = settings_of(folder)["application"]["close_timeout"].removesuffix("s")
    needed = int(before) + int(for_requests) + int(to_close)
    assert pod["terminationGracePeriodSeconds"] > needed


def pod_of_the_page() -> dict[str, Any]:  # Any: YAML values
    page = ROOT / "docs/how-to/serve-over-http.md"
    (text,) = [each.text for each in blocks(page) if each.language == "yaml"]
    loaded: dict[str, Any] = yaml.safe_load(text)
    assert loaded.keys() == {"spec"}
    pod: dict[str, Any] = loaded["spec"]
    return pod


def settings_of(folder: Path) -> dict[str, Any]:  # Any: TOML values
    return tomllib.loads((folder / "interlock.toml").read_text())
