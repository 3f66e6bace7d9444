"""A new plugin is entered in two files outside its folder; everything else finds it."""

import subprocess

from suite_runs import ROOT


def test_two_files_list_all_plugins() -> None:
    plugins = [path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")]
    command = ["git", "ls-files", "*.ini", "*.toml", "*.yml", ".ci", ".github", "tests/*.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 our own
    texts = {name: (ROOT / name).read_text() for name in done.stdout.splitlines()}
    elsewhere = ("plugins/", "tests/benchmarks/")  # a benchmark names what it measures
    outside = {name: text for name, text in texts.items() if not name.startswith(elsewhere)}
    listing = {
        name
        for name, text in outside.items()
        if all(plugin in text or plugin.replace("-", "_") in text for plugin in plugins)
    }
    assert listing == {"pyproject.toml", "tox.ini"}, "CONTRIBUTING says where plugins are entered"
