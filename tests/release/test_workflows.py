"""What runs when a version is published: nothing that can change under its name, nor by a test."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / ".github/workflows/release.yml"
FOR_AUTHORS = ROOT / "docs/how-to/publish-a-plugin.md"
WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    ROOT / "core/src/interlock/cli/templates/ci.yml.tmpl",
    FOR_AUTHORS,
]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text("utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"\./\S+|\S+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize(
    ("path", "expected"), [(RELEASE, {"attest", "publish"}), (FOR_AUTHORS, {"publish"})]
)
def test_a_job_that_may_get_a_token_runs_actions_alone(path: Path, expected: set[str]) -> None:
    text = path.read_text("utf-8").partition("\njobs:\n")[2]
    jobs = re.split(r"^  (?=\w+:$)", text, flags=re.MULTILINE)
    holders = [job for job in jobs if "id-token: write" in job]
    assert {job.partition(":")[0] for job in holders} == expected
    for job in holders:
        assert "run:" not in job
        assert "checkout" not in job
