"""Fitting the scoring on response logs: files, progress, going on after a break. This file is that.

The mathematics and the plan of its units of work are `engines.quantum.fit`; here a unit's arrays
are stored as they come, so that an interrupted fit goes on where it stood and ends in the same
bytes. A folder of results belongs to one log, one build and one choice of settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from engines.quantum.fit.fitted import Fitted
from engines.quantum.fit.joint import joined
from engines.quantum.fit.nested import Arrays, Settings, Unit
from server.build import build
from server.logs import read_responses

if TYPE_CHECKING:
    from engines.quantum.shipped import Shipped
    from engines.responses import Responses
    from engines.words import Floats

PLAN = "plan.json"
BAR = 24


class FitRefused(ValueError):  # noqa: N818 - named for what it says
    """A fit that cannot begin or go on; the message names what was expected and what came."""


def read_logs(paths: Sequence[Path]) -> Responses:
    """One log of these files; with several, names are set apart by the file's name.

    Raises LogUnreadable, FileNotFoundError, and FitRefused where two files have one name.
    """
    return joined(named_logs(paths))


def named_logs(paths: Sequence[Path]) -> dict[str, Responses]:
    """The logs by their files' names, without endings. Raises as `read_logs` does."""
    logs = {path.name.partition(".")[0]: read_responses(path) for path in paths}
    if len(logs) < len(paths):
        names = ", ".join(path.name for path in paths)
        raise FitRefused(f"expected logs with names of their own, got {names}")
    return logs


def read_fitted(path: Path) -> Fitted:
    """What `write_fitted` wrote. Raises FileNotFoundError and FitRefused."""
    try:
        return Fitted.from_bytes(path.read_bytes())
    except ValueError as error:
        raise FitRefused(f"{path}: {error}") from error


def write_fitted(path: Path, fitted: Fitted) -> int:
    """Write, whole or not at all; the number of bytes."""
    data = fitted.to_bytes()
    _write(path, data)
    return len(data)


class Progress:
    """Which unit is at work, of how many, and about how long the rest takes.

    A bar that redraws itself where a person looks, else one line a unit.
    """

    def __init__(self, units: Sequence[Unit], to: TextIO | None = None) -> None:
        self._to = sys.stderr if to is None else to
        self._costs = [unit.cost for unit in units]
        self._live = self._to.isatty()
        self._began_s = time.monotonic()
        self._skipped = 0.0

    def at(self, n: int, unit: Unit) -> None:
        """Unit n (from 0) begins."""
        gone, whole = sum(self._costs[:n]), sum(self._costs)
        share = gone / whole if whole else 0.0
        left = self._left(gone, whole)
        if self._live:
            bar = "#" * round(BAR * share)
            line = f"[{bar:<{BAR}}] {n + 1}/{len(self._costs)} {unit.name[:40]:<40}{left:>12}"
            print(f"\r{line}", end="", file=self._to, flush=True)
        else:
            print(f"{n + 1}/{len(self._costs)} {unit.name}{left}", file=self._to, flush=True)

    def stored(self, unit: Unit) -> None:
        """The unit was found done: it says nothing about the pace."""
        self._skipped += unit.cost

    def done(self) -> None:
        """All units are done."""
        if self._live:
            print(f"\r{'':<{BAR + 70}}\r", end="", file=self._to, flush=True)

    def _left(self, gone: float, whole: float) -> str:
        worked = gone - self._skipped
        if worked <= 0.0:
            return ""
        left_s = (time.monotonic() - self._began_s) * (whole - gone) / worked
        return f", {left_s:.0f} s left"


def run(
    units: Sequence[Unit], folder: Path | None = None, progress: Progress | None = None
) -> dict[str, Arrays]:
    """All units' results by name; with a folder, stored there and taken from there."""
    done: dict[str, Arrays] = {}
    for n, unit in enumerate(units):
        if progress is not None:
            progress.at(n, unit)
        place = None if folder is None else folder / f"{n:03d}-{_slug(unit.name)}.npz"
        if place is not None and place.is_file():
            with np.load(place, allow_pickle=False) as stored:
                done[unit.name] = {name: stored[name] for name in stored.files}
            if progress is not None:
                progress.stored(unit)
            continue
        done[unit.name] = unit.compute(done)
        if place is not None:
            _store(place, done[unit.name])
    if progress is not None:
        progress.done()
    return done


def opened(folder: Path, logs: Sequence[Path], settings: Settings) -> Path:
    """The folder for results of this fit, made where it is not there.

    Raises FitRefused where it holds results of another log, build or settings.
    """
    mine = {
        "build": build(),
        "logs": [hashlib.sha256(path.read_bytes()).hexdigest() for path in logs],
        "settings": repr(settings),
    }
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / PLAN
    if not plan.exists():
        if any(folder.iterdir()):
            raise FitRefused(f"expected {folder} to be empty or to hold a fit, got other files")
        _write(plan, json.dumps(mine, indent=1).encode())
        return folder
    try:
        there = json.loads(plan.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FitRefused(f"{plan}: expected the plan of a fit: {error}") from error
    other = _differing(mine, there)
    if other:
        raise FitRefused(
            f"expected {folder} to hold results of this fit, got another {other}; take a new folder"
        )
    return folder


_MODULE = '''\
"""The shipped physics: numbers for a course that has no data of its own. This file is those.

Printed by `tutorstream fit --defaults` from response logs ({names}).
`WITHOUT` holds the same fit without one log, by its name, for judging it on that log.
"""

from __future__ import annotations

import numpy as np

from engines.quantum.parameters import Parameters
from engines.quantum.shipped import Shipped
from engines.words import Floats, Ints

SHIPPED = {everything}

WITHOUT = {{
{without}}}


def parameters(
    n_skills: int, combination: Ints, difficulty: Floats, neighbours: Ints, correlation: Floats
) -> Parameters:
    """Parameters of any course by the shipped physics; see `Shipped.parameters`."""
    return SHIPPED.parameters(n_skills, combination, difficulty, neighbours, correlation)
'''


def shipped_module(everything: Shipped, without: Mapping[str, Shipped]) -> str:
    """The source of `engines/quantum/defaults.py`, numbers to six places."""
    blocks = "".join(f"    {name!r}: {_source(it)},\n" for name, it in without.items())
    names = ", ".join(without) or "one"
    return _MODULE.format(names=names, everything=_source(everything), without=blocks)


def _source(it: Shipped) -> str:
    lines = [f"    {f.name}={_numbers(getattr(it, f.name))}," for f in fields(it)]
    return "Shipped(\n" + "\n".join(lines) + "\n)"


def _numbers(value: float | Floats) -> str:
    if isinstance(value, float):
        return repr(round(value, 6))
    return f"np.array({np.round(value, 6).tolist()!r})"


def _differing(mine: Mapping[str, object], there: object) -> str:
    if not isinstance(there, dict):
        return "plan"
    return " and ".join(name for name, value in mine.items() if there.get(name) != value)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _store(place: Path, arrays: Arrays) -> None:
    half = place.with_suffix(".part")
    with half.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type] # its only keyword of its own is not used
    os.replace(half, place)


def _write(path: Path, data: bytes) -> None:
    half = path.with_name(path.name + ".part")
    half.write_bytes(data)
    os.replace(half, path)
