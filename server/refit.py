"""Refits a store's courses on its own scored answers. This file decides what is swapped in.

A refit is judged before it is used: fitted on four fifths of the learners, it forecasts the other
fifth answer by answer, beside what the server told them. Only if its log-loss is lower is it
fitted on all and left beside the store, where a running server takes it over for new lessons.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.maths.verification import log_loss
from engines.quantum.fit.finishing import finished
from engines.quantum.fit.fitted import assembled
from engines.quantum.fit.nested import RESULT, Settings, grid, plan
from engines.responses import FOLDS
from server.fitting import Progress, run
from streaming.attempts import Told
from streaming.catalogue import FIT_SUFFIX

LEARNERS_LEAST = 30
ANSWERS_LEAST = 1_000
"""Below these a course keeps the physics it has."""
TEST_FOLD = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one course's refit: figures on the learners left out, and why."""

    course: str
    learners: int
    answers: int
    told: float | None
    """Log-loss of what the server told the learners of the test fold."""
    refitted: float | None
    accepted: bool
    why: str
    design: str = ""

    def facts(self) -> dict[str, Any]:
        """The same as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


def refit(course: str, answers_told: Told, folder: Path, *, seed: int, dry: bool) -> Verdict:
    """Refit one course on its answers; the file is written to `folder` where it is accepted."""
    log, told = answers_told.log, answers_told.p
    learners, answers = len(log.learners), len(log)
    if learners < LEARNERS_LEAST or answers < ANSWERS_LEAST:
        why = f"expected {LEARNERS_LEAST} learners and {ANSWERS_LEAST:,} scored answers at least"
        return _kept(course, learners, answers, why)
    missing = [fold for fold in range(FOLDS) if not (log.fold == fold).any()]
    if missing:
        return _kept(course, learners, answers, f"no learner fell into fold {missing[0]} yet")
    train = tuple(fold for fold in range(FOLDS) if fold != TEST_FOLD)
    trial = Settings(grid(8), train, seed)
    done = run(units := plan(log, trial), None, Progress(units))
    rows = log.rows_of([TEST_FOLD])
    before = log_loss(log.right[rows], told[rows])
    after = log_loss(log.right[rows], done[RESULT]["p"][rows])
    if not after < before:
        why = "the learners left out were forecast no better"
        return Verdict(course, learners, answers, before, after, False, why)
    if dry:
        return Verdict(course, learners, answers, before, after, False, "a dry run")
    whole = Settings(grid(8), tuple(range(FOLDS)), seed)
    done = run(units := plan(log, whole), None, Progress(units))
    fitted = finished(log, whole, done, assembled(log, whole, done))
    _left(folder, course, fitted.to_bytes())
    why = "new lessons are scored by it"
    return Verdict(course, learners, answers, before, after, True, why, fitted.design)


def _kept(course: str, learners: int, answers: int, why: str) -> Verdict:
    return Verdict(course, learners, answers, None, None, False, why)


def _left(folder: Path, course: str, data: bytes) -> None:
    """Write the file whole or not at all: a server may look at any time."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{course}{FIT_SUFFIX}"
    half = path.with_suffix(".part")
    half.write_bytes(data)
    os.replace(half, path)
