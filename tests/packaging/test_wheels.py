"""Every wheel holds what it should, and nothing else."""

import json
import re
import tomllib
from collections.abc import Collection
from email.message import Message
from email.parser import Parser
from importlib.metadata import PathDistribution
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

import pytest

from environments import Environment, found_wheels

_ROOT = Path(__file__).parents[2]
_PROJECTS = sorted([*_ROOT.glob("core/pyproject.toml"), *_ROOT.glob("plugins/*/pyproject.toml")])


def _project(path: Path) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads(path.read_text())["project"]
    return project


def _metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def _package(wheel: Path) -> str:
    return wheel.name.split("-")[0]


def test_every_distribution_has_a_wheel() -> None:
    names = {_project(path)["name"].replace("-", "_") for path in _PROJECTS}
    assert {_package(wheel) for wheel in found_wheels()} >= names


def test_all_distributions_have_one_version() -> None:
    assert len({_project(path)["version"] for path in _PROJECTS}) == 1
    assert {_metadata(wheel)["Version"] for wheel in found_wheels()} == {
        _project(_PROJECTS[0])["version"]
    }


def test_a_wheel_holds_its_package_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    (dist_info,) = [top for top in tops if top.endswith(".dist-info")]
    assert tops == {_package(wheel), dist_info}
    assert f"{_package(wheel)}/py.typed" in names
    assert f"{dist_info}/licenses/LICENSE" in names
    assert not [name for name in names if "/tests/" in name or "conftest" in name]


def test_metadata_says_what_users_look_for(wheel: Path) -> None:
    metadata = _metadata(wheel)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Summary"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_versions_of_python_that_it_names_are_those_that_are_tried(wheel: Path) -> None:
    classifiers = "\n".join(_metadata(wheel).get_all("Classifier", []))
    named = set(re.findall(r"(?m)^Programming Language :: Python :: (3\.\d+)$", classifiers))
    (jobs,) = re.findall(r"python: (\[.+\])", (_ROOT / ".github/workflows/ci.yml").read_text())
    factors = re.findall(r"(?m)^\[testenv:py\{([\d,]+)\}", (_ROOT / "tox.ini").read_text())
    tried = {f"3.{name.removeprefix('3')}" for name in ",".join(factors).split(",")}
    assert named == set(json.loads(jobs)) == tried


def test_our_own_distributions_are_pinned_to_each_other(wheel: Path) -> None:
    metadata = _metadata(wheel)
    ours = [
        requirement
        for requirement in metadata.get_all("Requires-Dist", [])
        if requirement.startswith("interlock")
    ]
    assert all(requirement.endswith(f"=={metadata['Version']}") for requirement in ours)
    assert ours or metadata["Name"] == "interlock"


def test_the_core_needs_pydantic_and_pluggy_alone() -> None:
    (core,) = [wheel for wheel in found_wheels() if _package(wheel) == "interlock"]
    needed = [
        requirement
        for requirement in _metadata(core).get_all("Requires-Dist", [])
        if "extra ==" not in requirement
    ]
    assert sorted(requirement.split("<")[0].split(">")[0] for requirement in needed) == [
        "pluggy",
        "pydantic",
    ]


_RESOLVED = """
import json, re, sys
from importlib.metadata import distributions, packages_distributions
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendSpec

catalogue = Catalogue.installed()
listed = catalogue.listing()
for spec in (spec for found in listed for spec in found.specs):
    if isinstance(spec, BackendSpec):
        catalogue.backend(spec.name, spec.kind)

def needs(found):
    return {re.split("[^A-Za-z0-9_.-]", needed)[0].lower() for needed in found.requires or ()}

ours = {found.name: needs(found) for found in distributions() if found.name.startswith("interlock")}
drivers = set().union(*ours.values()) - ours["interlock"] - ours.keys()
modules = {
    module
    for module, provided in packages_distributions().items()
    if drivers & {name.lower() for name in provided}
}
print(json.dumps({
    "errors": {found.name: found.error for found in listed},
    "of drivers": sorted(modules),
    "imported": sorted(modules & {name.partition(".")[0] for name in sys.modules}),
}))
"""


def test_a_wheel_installs_alone_and_its_plugins_are_found(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path, *map(str, _with_needed(wheel)))
    environment.check()
    environment.run("-c", f"import {_package(wheel)}")
    found = json.loads(environment.run("-c", _RESOLVED))
    expected = {"memory-cache", "memory-events", "after-n", "json", *_registered(wheel)}
    assert set(found["errors"]) >= expected
    assert not any(found["errors"].values()), found
    assert found["of drivers"] or _package(wheel) == "interlock"
    assert found["imported"] == [], "listing and resolving imported what only its use needs"


def test_the_command_line_says_which_extra_it_needs(tmp_path: Path) -> None:
    (core,) = [wheel for wheel in found_wheels() if _package(wheel) == "interlock"]
    environment = Environment(tmp_path, str(core))
    with pytest.raises(AssertionError, match=r"interlock\[cli\]"):
        environment.run("-m", "interlock", "plugins", "list")


def _registered(wheel: Path) -> Collection[str]:
    """The names that the wheel's entry points give to backends and extensions."""
    with ZipFile(wheel) as archive:
        (metadata,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    return [
        entry.name
        for entry in PathDistribution(ZipPath(wheel, f"{metadata}/")).entry_points
        if entry.group in ("interlock.backends", "interlock.extensions")
    ]


def _with_needed(wheel: Path) -> list[Path]:
    """The wheel, and those of ours that it needs."""
    by_name = {_package(path): path for path in found_wheels()}
    needed, new = set[str](), {_package(wheel)}
    while new:
        needed |= new
        new = {
            requirement.split("==")[0].replace("-", "_")
            for name in new
            for requirement in _metadata(by_name[name]).get_all("Requires-Dist", [])
            if requirement.startswith("interlock")
        } - needed
    return [by_name[name] for name in sorted(needed)]
