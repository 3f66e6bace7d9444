"""Measures the simulation by protections of the engine that are disabled, one by one.

`tox run -e simulate-sabotage -- [--seeds 300] [--only NAME] [--minutes M] [--again]`. Each
patch that changes the engine is made in a copy of the core, and that is simulated until a rule is
broken. What was found is kept in `.tox/mutants.json`: a run that was broken off
goes on where it ended, and does again what was changed. The exit code is 0 if each was found, or
stands in `UNSEEN` with its reason, and nine of ten of those that can be seen were found.
"""

import argparse
import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from patch import Patch
from run import collected
from sources import CORE, folder_of, texts
from unseen import UNSEEN

_ROOT = Path(__file__).parents[2]
_SIMULATION = _ROOT / "tests" / "simulation"

_KEPT = _ROOT / ".tox" / "mutants.json"
_SECONDS = 600  # of a patch; one with which a run never ends is found
_SHARE = 0.9
Verdict = Mapping[str, object]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _options(arguments)
    patches = dict(_of_engine(options.only))
    if options.sample is not None:
        step = max(1, len(patches) // options.sample)
        patches = dict(list(patches.items())[::step][: options.sample])
    kept: dict[str, Verdict] = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        unbroken = Path(folder, "unbroken")
        shutil.copytree(folder_of(_ROOT, CORE), unbroken / CORE)
        compileall.compile_dir(unbroken, quiet=2)

        def judge(patch: Patch) -> None:
            made = _made(patch, unbroken)
            key = _key(made, options.seeds)
            is_kept = kept.get(patch.name, {}).get("key") == key
            is_late = monotonic() - started > options.minutes * 60
            if (is_kept and not options.again) or is_late:
                return
            verdict = _simulated(made, unbroken, Path(folder), options.seeds)
            kept[patch.name] = {"key": key, **verdict}
            _KEPT.parent.mkdir(exist_ok=True)
            _KEPT.write_text(json.dumps(dict(kept), indent=1))
            _say("." if "rule" in verdict else "U", end="")

        with ThreadPoolExecutor(options.at_once) as threads:
            list(threads.map(judge, patches.values()))
        keys = {
            name: _key(_made(patch, unbroken), options.seeds) for name, patch in patches.items()
        }
    verdicts = {n: kept[n] for n, key in keys.items() if kept.get(n, {}).get("key") == key}
    return _told(verdicts, patches)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many a patch gets")
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="the patches of these names"
    )
    parser.add_argument("--sample", type=int, help="only so many, spread over all lists")
    parser.add_argument("--minutes", type=float, default=600, help="begin none after that")
    parser.add_argument("--again", action="store_true", help="also those that are known")
    parser.add_argument("--at-once", type=int, default=2, help="how many at a time")
    return parser.parse_args(arguments)


def _of_engine(names: Sequence[str] | None) -> Iterator[tuple[str, Patch]]:
    files = texts(folder_of(_ROOT, CORE))
    for patch in collected():
        if (patch.package == CORE and names in (None, [])) or patch.name in (names or ()):
            changed = {p for p, text in patch.edit.apply(files).items() if text != files[p]}
            if any(path.startswith("_engine/") for path in changed):
                yield patch.name, patch


def _made(patch: Patch, unbroken: Path) -> Mapping[str, str]:
    """The files that the patch changes."""
    files = texts(unbroken / CORE)
    return {path: text for path, text in patch.edit.apply(files).items() if text != files[path]}


def _key(made: Mapping[str, str], seeds: int) -> str:
    """What a verdict holds for: the broken code, and what it was simulated with."""
    simulation = [path.read_text() for path in sorted(_SIMULATION.glob("[!t]*.py"))]
    return hashlib.sha256(repr((sorted(made.items()), simulation, seeds)).encode()).hexdigest()


def _simulated(made: Mapping[str, str], unbroken: Path, folder: Path, seeds: int) -> Verdict:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        copy = Path(name)
        shutil.copytree(unbroken / CORE, copy / CORE)
        for path, text in made.items():
            (copy / CORE / path).write_text(text, "utf-8")
        try:
            done = subprocess.run(  # noqa: S603 our own
                [sys.executable, str(_SIMULATION / "first_violation.py"), str(seeds)],
                env=os.environ | {"PYTHONPATH": os.pathsep.join((str(copy), str(_SIMULATION)))},
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"rule": "a run never ends"}
    if done.returncode:
        raise RuntimeError(f"{sorted(made)}: not simulated: {done.stderr[-500:]}")
    verdict: Verdict | None = json.loads(done.stdout)["violation"]
    return verdict or {}


def _told(verdicts: Mapping[str, Verdict], patches: Mapping[str, Patch]) -> int:
    found = [name for name, verdict in verdicts.items() if "rule" in verdict]
    unseen = [name for name in verdicts if name not in found]
    _say()
    for name in found:
        verdict = verdicts[name]
        _say(f"found    {name}: seed {verdict.get('seed', '-')}, {verdict['rule']}")
    for name in unseen:
        _say(f"UNSEEN   {name} ({patches[name].protects}): {UNSEEN.get(name, 'NO REASON')}")
    visible = [name for name in verdicts if name not in UNSEEN]
    share = len([name for name in found if name in visible]) / max(1, len(visible))
    _say(
        f"{len(found)} of {len(verdicts)} found, {len(patches) - len(verdicts)} not tried; of the "
        f"{len(visible)} that histories can show {share:.0%}"
    )
    return int(share < _SHARE or not set(unseen) <= UNSEEN.keys())


def _say(*lines: str, end: str = "\n") -> None:
    sys.stdout.write("\n".join(lines) + end)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
