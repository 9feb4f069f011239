"""The numbers behind the page's figures. This file counts them; nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.maths.verification import losses, reliability
from engines.words import Floats, Ints
from server.evaluation.scores import Judged

ROC_POINTS = 120
OPPORTUNITIES = 20
LEAST = 30
"""Answers that a point of a curve needs at least."""
EDGES = (1, 2, 3, 4, 6, 9, 14, 22, 35, 56, 90, 145, 234, 378, 611, 988, 1598)
"""Where the groups of answer numbers begin, for curves over a learner's record."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one model: `x`, `y`, and how many answers are in each where that matters."""

    x: list[float]
    y: list[float]
    n: list[int]


@dataclass(frozen=True, slots=True)
class Learning:
    """Share wrong by opportunity: observed with the ends of its 95 % interval, and forecast."""

    opportunity: list[int]
    n: list[int]
    observed: list[float]
    low: list[float]
    high: list[float]
    forecast: dict[str, list[float]]


def roc(right: Any, p: Floats) -> Curve:
    """True against false alarms: the share of right answers, and of wrong ones, told likely.

    >>> curve = roc(np.array([0, 1]), np.array([0.2, 0.8]))
    >>> curve.x[0], curve.y[-1]
    (0.0, 1.0)
    """
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    hits = np.cumsum(right[order])[ends]
    false = ends + 1 - hits
    x = np.concatenate(([0.0], false / false[-1]))
    y = np.concatenate(([0.0], hits / hits[-1]))
    if len(x) > ROC_POINTS:
        at = np.unique(
            np.searchsorted(x + y, np.linspace(0.0, 2.0, ROC_POINTS)).clip(0, len(x) - 1)
        )
        x, y = x[at], y[at]
    return Curve(x.tolist(), y.tolist(), [])


def calibration(right: Any, p: Floats) -> Curve:
    """Share right by forecast, in 15 bins; empty bins are left out."""
    n, said, happened = reliability(right, p)
    met = n > 0
    return Curve(said[met].tolist(), happened[met].tolist(), n[met].tolist())


def by_answer(it: Judged) -> dict[str, Curve]:
    """Log-loss of each model by the number of a learner's answer, in groups."""
    rows = it.task.test_rows
    place = it.task.log.place[rows] + 1
    group = np.searchsorted(EDGES, place, side="right") - 1
    n = np.bincount(group, minlength=len(EDGES))
    kept = _met(n)
    found = {}
    for name, p in it.forecasts.items():
        mean = np.bincount(group, weights=losses(it.right, p), minlength=len(EDGES))[kept] / n[kept]
        found[name] = Curve([float(EDGES[k]) for k in kept], mean.tolist(), n[kept].tolist())
    return found


def learning(it: Judged) -> Learning:
    """Share wrong at a learner's first, second, ... answer on the same combination of skills."""
    rows = it.task.test_rows
    nth = opportunities(it.task.log.learner[rows], it.task.log.combination[rows])
    n = np.bincount(nth)[1 : OPPORTUNITIES + 1]
    kept = _met(n)
    known = n[kept].astype(np.float64)

    def mean(values: Any) -> Floats:
        total = np.bincount(nth, weights=values)[1 : OPPORTUNITIES + 1]
        shares: Floats = total[kept] / known
        return shares

    observed = mean(1 - it.right)
    middle, half = wilson(observed, known)
    return Learning(
        (kept + 1).tolist(),
        n[kept].tolist(),
        observed.tolist(),
        (middle - half).tolist(),
        (middle + half).tolist(),
        {name: mean(1.0 - p).tolist() for name, p in it.forecasts.items()},
    )


def _met(n: Ints) -> Ints:
    """Groups with enough answers; all that have any where none has enough."""
    enough = np.flatnonzero(n >= LEAST)
    return enough if len(enough) else np.flatnonzero(n > 0)


def opportunities(learner: Ints, combination: Ints) -> Ints:
    """(n,) the how-manieth answer of its learner on its combination each row is, from 1.

    >>> opportunities(np.array([0, 0, 0, 1]), np.array([5, 6, 5, 5])).tolist()
    [1, 1, 2, 1]
    """
    order = np.lexsort((np.arange(len(learner)), combination, learner))
    change = (np.diff(learner[order]) != 0) | (np.diff(combination[order]) != 0)
    first = np.concatenate(([0], np.flatnonzero(change) + 1))
    size = np.diff(np.append(first, len(learner)))
    nth = np.empty(len(learner), np.int64)
    nth[order] = np.arange(len(learner)) - np.repeat(first, size) + 1
    return nth


def wilson(share: Floats, n: Floats) -> tuple[Floats, Floats]:
    """(middle, half width) of the 95 % interval of a share (Wilson 1927)."""
    z2 = 1.959964**2
    scale = 1.0 + z2 / n
    half: Floats = np.sqrt(z2) * np.sqrt(share * (1.0 - share) / n + z2 / (4.0 * n**2)) / scale
    middle: Floats = (share + z2 / (2.0 * n)) / scale
    return middle, half


def group_name(place: int, edges: tuple[int, ...] = EDGES) -> str:
    """The answers that a group holds.

    >>> group_name(2), group_name(4)
    ('2', '4-5')
    """
    at = edges.index(place)
    if at + 1 == len(edges):
        return f"{place}+"
    last = edges[at + 1] - 1
    return str(place) if last == place else f"{place}-{last}"
