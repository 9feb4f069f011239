"""How good each model's forecasts of the test fold were. This file runs the models and scores them.

All figures are of answers forecast one by one before they were seen; intervals of differences come
from resampling learners.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.maths import bootstrap
from engines.maths.bootstrap import Compared
from engines.maths.verification import accuracy, auc, calibration_error, log_loss, rmse
from engines.words import Floats
from server.evaluation.registry import Entry
from server.evaluation.task import Task

FIRST = 10
"""First answers of each learner that have a figure of their own."""
AGAIN = 3
"""A forecast quicker than `QUICK_S` is timed so often; the least counts."""
QUICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one model.

    `us` is microseconds an answer of its forecast, `fit_s` seconds of its fit (NaN where that was
    kept from a run before; of the final stage: beyond the engine's own).
    """

    auc: float
    accuracy: float
    rmse: float
    log_loss: float
    ece: float
    first_auc: float
    us: float
    fit_s: float


@dataclass(frozen=True, slots=True)
class Judged:
    """The test fold's forecasts by model name, their scores, and all against the reference."""

    task: Task
    entries: tuple[Entry, ...]
    reference: str
    forecasts: dict[str, Floats]
    scores: dict[str, Score]
    against: dict[str, Compared]

    @property
    def right(self) -> Any:
        """Outcomes of the test rows (n,)."""
        return self.task.log.right[self.task.test_rows]


def judged(task: Task, entries: Sequence[Entry], reference: str) -> Judged:
    """Fit, forecast and score each model; progress goes to `task.say`."""
    forecasts: dict[str, Floats] = {}
    scores: dict[str, Score] = {}
    for n, entry in enumerate(entries):
        task.say(f"{n + 1}/{len(entries)} {entry.title}")
        task.reused = False
        began_s = time.perf_counter()
        fitted = entry.fit(task)
        fit_s = float("nan") if task.reused else time.perf_counter() - began_s
        p, us = timed(lambda entry=entry, fitted=fitted: entry.predict(fitted, task))  # type: ignore[misc]
        forecasts[entry.name] = p
        scores[entry.name] = score(task, p, us, fit_s)
    task.say("intervals")
    against = against_reference(task, forecasts, reference)
    return Judged(task, tuple(entries), reference, forecasts, scores, against)


def timed(forecast: Callable[[], Floats]) -> tuple[Floats, float]:
    """(forecasts (n,), microseconds an answer)."""
    least_s = np.inf
    p = np.empty(0)
    for _ in range(AGAIN):
        began_s = time.perf_counter()
        p = forecast()
        least_s = min(least_s, time.perf_counter() - began_s)
        if least_s >= QUICK_S:
            break
    return p, 1e6 * least_s / len(p)


def score(task: Task, p: Floats, us: float, fit_s: float) -> Score:
    """The figures of forecasts of the test rows."""
    rows = task.test_rows
    right = task.log.right[rows]
    early = task.log.place[rows] < FIRST
    return Score(
        auc(right, p),
        accuracy(right, p),
        rmse(right, p),
        log_loss(right, p),
        calibration_error(right, p),
        auc(right[early], p[early]),
        us,
        fit_s,
    )


def against_reference(
    task: Task, forecasts: dict[str, Floats], reference: str
) -> dict[str, Compared]:
    """Every model but the reference against it, with intervals by learner."""
    rows = task.test_rows
    return bootstrap.compared(
        task.log.right[rows], forecasts, reference, task.log.learner[rows], task.seed
    )
