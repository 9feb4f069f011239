"""Which skills' surprises go together: neighbours and their correlation. This file estimates both.

A learner's surplus on a skill is Z = sum(y - P) / sqrt(sum P(1 - P) + 1); two skills are linked as
far as the surpluses of the learners seen on both agree, shrunk by their number
(docs/scoring.md). P must be cross-fitted: else the residuals of the training rows are too small.
"""

from __future__ import annotations

import numpy as np

from engines.quantum.parameters import MOST_NEIGHBOURS
from engines.words import Floats, Ints

SHRINK = 60.0
"""Learners that a correlation of zero counts for."""
LEAST = 0.001
"""Weaker links are left out."""


def links(learner: Ints, skill: Ints, right: Ints, p: Floats, n_skills: int) -> tuple[Ints, Floats]:
    """`neighbours` (S, 6) int64, -1 ends a row, and `correlation` (S, 6); strongest first.

    Rows in any order: `learner`, `skill`, `right` (n,) int64, `p` (n,) the forecast.

    >>> who, what = np.repeat(np.arange(40), 2), np.tile([0, 1], 40)
    >>> near, eps = links(who, what, who % 2, np.full(80, 0.5), 3)
    >>> near[:, 0].tolist(), round(float(eps[0, 0]), 6)
    ([1, 0, -1], 0.4)
    """
    surplus, met = _surplus(learner, skill, right, p, n_skills)
    both = met.T @ met
    product = surplus.T @ surplus
    square = (surplus**2).T @ met
    scale = np.sqrt(square * square.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        eps = np.where(scale > 0.0, product / scale, 0.0) * both / (both + SHRINK)
    np.fill_diagonal(eps, 0.0)
    eps = np.clip(eps, -1.0, 1.0)
    neighbours = np.full((n_skills, MOST_NEIGHBOURS), -1, dtype=np.int64)
    correlation = np.zeros((n_skills, MOST_NEIGHBOURS))
    order = np.argsort(-np.abs(eps), axis=1, kind="stable")[:, :MOST_NEIGHBOURS]
    for s in range(n_skills):
        kept = [v for v in order[s] if abs(eps[s, v]) > LEAST]
        neighbours[s, : len(kept)] = kept
        correlation[s, : len(kept)] = eps[s, kept]
    return neighbours, correlation


def none(n_skills: int) -> tuple[Ints, Floats]:
    """No links: what `links` gives where nothing goes together."""
    return (
        np.full((n_skills, MOST_NEIGHBOURS), -1, dtype=np.int64),
        np.zeros((n_skills, MOST_NEIGHBOURS)),
    )


def _surplus(
    learner: Ints, skill: Ints, right: Ints, p: Floats, n_skills: int
) -> tuple[Floats, Floats]:
    """Z and whether the learner was seen on the skill, both (learners, S)."""
    _, who = np.unique(learner, return_inverse=True)
    size = (int(who.max()) + 1 if len(who) else 0, n_skills)
    at = who * n_skills + skill
    cells = size[0] * size[1]
    over = np.bincount(at, weights=right - p, minlength=cells).reshape(size)
    spread = np.bincount(at, weights=p * (1.0 - p), minlength=cells).reshape(size)
    met = np.bincount(at, minlength=cells).reshape(size) > 0
    return over / np.sqrt(spread + 1.0), met.astype(np.float64)
