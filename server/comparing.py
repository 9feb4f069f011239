"""The same answers under another model, beside what was told. This file forecasts them again.

A model of our own (the shipped physics, or a fit's file) filters each learner's scored answers in
order; a classical one is fitted on the learners of other folds first. Either way an answer is
forecast before it is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engines.classical import elo, item_mean, pfa, recency
from engines.maths.verification import accuracy, auc, calibration_error, log_loss
from engines.pinning import Physics, fitted_to, pinned, shipped
from engines.responses import FOLDS, Responses
from engines.words import Course, Floats
from streaming.attempts import Told

CLASSICAL: dict[str, Any] = {
    "elo": elo,
    "recency": recency,
    "pfa": pfa,
    "item-mean": item_mean,
}
SHIPPED = "shipped"


class NoModel(ValueError):  # noqa: N818 - named for what it says
    """There is no such model, or it cannot be used here; the message says which there are."""


class Score(NamedTuple):
    """How good forecasts were; AUC is NaN where all outcomes are alike."""

    answers: int
    auc: float
    accuracy: float
    log_loss: float
    ece: float


def model(name: str) -> Callable[[Course, Told], Floats]:
    """What forecasts a course's answers again, (n,). Raises NoModel."""
    if name == SHIPPED:
        return lambda course, told: _filtered(course, shipped(course), told.log)
    if name in CLASSICAL:
        return lambda _, told: _cross_fitted(CLASSICAL[name], told.log)
    path = Path(name)
    if not path.is_file():
        names = ", ".join((SHIPPED, *CLASSICAL))
        raise NoModel(f"expected a model ({names}) or a file of tutorstream fit, {name!r} came")
    return lambda course, told: _filtered(course, _read(course, path), told.log)


def score(right: Any, p: Any) -> Score:
    """The figures of n forecasts."""
    return Score(
        len(right),
        auc(right, p),
        accuracy(right, p),
        log_loss(right, p),
        calibration_error(right, p),
    )


def _read(course: Course, path: Path) -> Physics:
    try:
        return fitted_to(course, path.read_bytes())
    except (OSError, ValueError) as error:
        raise NoModel(f"{path}: {error}") from error


def _filtered(course: Course, physics: Physics, log: Responses) -> Floats:
    """Each learner's answers from a fresh state on; items that the course lacks stay at a half."""
    of = pinned(course, physics)
    scoring = of.scoring
    assert scoring is not None
    item = np.array([of.item_index.get(name, -1) for name in log.items])
    found = np.full(len(log), 0.5)
    for rows in log.by_learner(np.arange(len(log))):
        x = scoring.fresh()
        known = rows[item[log.item[rows]] >= 0]
        _, p = scoring.answer_all(x, item[log.item[known]], log.right[known])
        found[known] = scoring.calibrated(p)
    return found


def _cross_fitted(module: Any, log: Responses) -> Floats:
    """Each fold's learners by a model of the others' answers."""
    found = np.full(len(log), 0.5)
    for fold in range(FOLDS):
        rows = log.rows_of([fold])
        others = log.rows_of([other for other in range(FOLDS) if other != fold])
        if len(rows) and not len(others):
            raise NoModel("expected learners in more than one fold to fit a classical model on")
        if len(rows):
            found[rows] = module.predict(module.fit(log, others, 0), log, rows)
    return found
