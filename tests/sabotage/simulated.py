"""Measures the simulation by protections of the engine that are disabled, one by one.

`tox run -e simulate-sabotage -- [--seeds 300] [--only NAME] [--visible] [--report FOLDER]`. Each
patch that changes the engine is made in a copy of the core, and that is simulated until a rule is
broken. The seed at which the latest report in `.ci/long-reports` found it is tried first, then all
from 0 on. Verdicts are kept in `.tox/simulated.json`: a run that was broken off goes on where it
ended, and does again what was changed. The exit code is 0 if each was found, or stands in `UNSEEN`
with its reason, and nine of ten of those that can be seen were found.
"""

import argparse
import hashlib
import json
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

from patch import Patch
from run import collected
from sources import CORE, folder_of, texts
from unseen import UNSEEN

_ROOT = Path(__file__).parents[2]
_SIMULATION = _ROOT / "tests" / "simulation"
_KEPT = _ROOT / ".tox" / "simulated.json"
_REPORTS = _ROOT / ".ci" / "long-reports"
_NAME = "simulated-sabotage-"
_FOUND_AT = re.compile(r"^\| (.+) \| (\d+) \| .+ \|$", re.MULTILINE)
_SHARE = 0.9
Verdict = Mapping[str, Any]  # Any: JSON values
Files = Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _options(arguments)
    patches = dict(_of_engine(options.only))
    hidden = [name for name in patches if name in UNSEEN]
    if options.visible:
        patches = {name: each for name, each in patches.items() if name not in UNSEEN}
    keys = {name: _key(files, options.seeds) for name, (_, files) in patches.items()}
    kept: dict[str, Verdict] = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    verdicts = {name: kept[key] for name, key in keys.items() if key in kept}
    until = monotonic() + options.minutes * 60
    made = ((name, files) for name, (_, files) in patches.items() if name not in verdicts)
    in_time = takewhile(lambda _: monotonic() < until, made)
    for name, verdict in _simulated(in_time, options.at_once, options.seeds):
        verdicts[name] = kept[keys[name]] = verdict
        _KEPT.parent.mkdir(exist_ok=True)
        _KEPT.write_text(json.dumps(kept, indent=1))
        _say(f"{'found ' if 'rule' in verdict else 'UNSEEN'} {name}: {verdict.get('seed', '')}")
    tried = {name: verdicts[name] for name in patches if name in verdicts}
    lines = [*_lines(tried, hidden, options.seeds)]
    if len(tried) < len(patches):
        lines += ["", f"{len(patches) - len(tried)} were not tried."]
    _say("", *lines)
    if options.report is not None:
        _report(options.report, lines)
    unseen = {name for name, verdict in verdicts.items() if "rule" not in verdict}
    return int(_share(verdicts) < _SHARE or not unseen <= UNSEEN.keys())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many a patch gets")
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="the patches of these names"
    )
    parser.add_argument("--visible", action="store_true", help="leave out those in `UNSEEN`")
    parser.add_argument("--minutes", type=float, default=600, help="begin none after that")
    parser.add_argument("--at-once", type=int, default=2, help="how many at a time")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="where to write a report")
    return parser.parse_args(arguments)


def _of_engine(names: Sequence[str] | None) -> Iterator[tuple[str, tuple[Patch, Files]]]:
    """The patches that change the engine, each with the files that it changes."""
    files = texts(folder_of(_ROOT, CORE))
    for patch in collected():
        if patch.package == CORE and (names is None or patch.name in names):
            made = {p: text for p, text in patch.edit.apply(files).items() if text != files[p]}
            if any(path.startswith("_engine/") for path in made):
                yield patch.name, (patch, made)


def _key(files: Files, seeds: int) -> str:
    """What a verdict holds for: the core with the files, and what it is simulated with."""
    core = {**texts(folder_of(_ROOT, CORE)), **files}
    simulation = [path.read_text("utf-8") for path in sorted(_SIMULATION.glob("[!t]*.py"))]
    return hashlib.sha256(repr((sorted(core.items()), simulation, seeds)).encode()).hexdigest()


def _simulated(
    patches: Iterable[tuple[str, Files]], at_once: int, seeds: int
) -> Iterator[tuple[str, Verdict]]:
    """The verdicts as they come, each of a child process that has pydantic imported already."""
    waiting, running, found_at = iter(patches), dict[int, str](), _found_at()
    with tempfile.TemporaryDirectory(prefix="simulated-") as folder:
        while True:
            while len(running) < at_once and (following := next(waiting, None)) is not None:
                name, files = following
                child = os.fork()
                if child == 0:
                    first = [seed for seed in found_at.get(name, ()) if seed < seeds]
                    _child(Path(folder), files, [*first, *range(seeds)])
                running[child] = name
            if not running:
                return
            child, status = os.wait()
            name, code = running.pop(child), os.waitstatus_to_exitcode(status)
            if code == -signal.SIGPROF:
                yield name, {"rule": "a run never ends"}
            elif code:
                raise RuntimeError(f"{name}: not simulated, exit code {code}")
            else:
                yield name, json.loads(Path(folder, f"{child}.json").read_text())


def _child(folder: Path, files: Files, seeds: Sequence[int]) -> NoReturn:
    """Simulate with these files of the core instead of its own, and end the process."""
    code = 1
    try:
        copy = Path(folder, str(os.getpid()))
        shutil.copytree(folder_of(_ROOT, CORE), copy / CORE)
        for path, text in files.items():
            (copy / CORE / path).write_text(text, "utf-8")
        for name in [name for name in sys.modules if name.partition(".")[0] == CORE]:
            del sys.modules[name]
        sys.path[:0] = [str(copy), str(_SIMULATION)]
        sys.dont_write_bytecode = True
        logging.disable()
        from first_violation import first_violation  # noqa: PLC0415 of the core as it is now

        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(first_violation(seeds)))
        shutil.rmtree(copy)
        code = 0
    except BaseException:  # noqa: BLE001 the parent goes on elsewhere
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _found_at() -> Mapping[str, Sequence[int]]:
    """The seeds of the latest report."""
    latest = [path.read_text("utf-8") for path in sorted(_REPORTS.glob(f"{_NAME}*.md"))[-1:]]
    return {name: [int(seed)] for text in latest for name, seed in _FOUND_AT.findall(text)}


def _share(verdicts: Mapping[str, Verdict]) -> float:
    visible = [verdict for name, verdict in verdicts.items() if name not in UNSEEN]
    return len([each for each in visible if "rule" in each]) / max(1, len(visible))


def _lines(verdicts: Mapping[str, Verdict], hidden: Sequence[str], seeds: int) -> Iterator[str]:
    found = {name: verdict for name, verdict in verdicts.items() if "rule" in verdict}
    hidden = [name for name in hidden if name not in found]
    yield (
        f"{len(found)} of {len(verdicts)} protections found missing, within {seeds} seeds each; "
        f"of those that can be seen {_share(verdicts):.1%}, {len(hidden)} can't be"
    )
    yield from ("", "| found missing | seed | broken |", "|---|---|---|")
    for name, verdict in found.items():
        yield f"| {name} | {verdict.get('seed', '')} | {verdict['rule']} |"
    missed = [name for name in verdicts if name not in found and name not in UNSEEN]
    if missed:
        yield from ("", "| not found |", "|---|", *(f"| {name} |" for name in missed))
    if hidden:
        yield from ("", "| can't be seen | reason |", "|---|---|")
        yield from (f"| {name} | {UNSEEN[name]} |" for name in hidden)


def _report(folder: Path, lines: Sequence[str]) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    head = [f"# Protections of the engine that the simulation misses, {today}", ""]
    path = folder / f"{_NAME}{today}.md"
    path.write_text("\n".join([*head, *lines, ""]), "utf-8")


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
