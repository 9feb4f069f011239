"""Elo plus recency: a logistic regression of 15 terms (Gervet et al. 2020). This file is it.

Terms: ability, mean skill ability and difficulty of Elo; counts; averages of the latest outcomes,
over all and on the item's skills; what is seen; the streak. The difficulties that the weights are
fitted with come from the other half of the learners: on its own learners a difficulty knows part
of the outcomes, and the weights would trust it too much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.classical import elo, kernels
from engines.classical.rows import Rows, halves, held_out, laid_out
from engines.maths.logistic import ridge
from engines.maths.verification import log_loss
from engines.responses import Responses
from engines.words import Floats, Ints

PENALTY = 1.0
"""Ridge on the weights of standardised terms."""
TERMS = (
    "log1p(right)", "log1p(attempts)", "average .7", "average .9", "average .97",
    "skill average .6", "skill average .85", "skill seen", "last on skill", "last on item",
    "item seen", "streak", "theta", "mean theta_k", "d",
)  # fmt: skip
"""What the weights belong to, in order."""


@dataclass(frozen=True, slots=True)
class Recency:
    """`weights` (16,): intercept, then one of each of `TERMS`; `rate` where averages begin."""

    rating: elo.Elo
    rate: float
    weights: Floats


def fit(log: Responses, train_rows: Ints, seed: int, steps: Floats | None = None) -> Recency:  # noqa: ARG001
    """Weights on these rows with cross-fitted difficulties; the served ones come from all rows.

    `steps` are Elo's; where none are given, those of `elo.STARTS` that serve this model best on
    the learners `held_out` names.
    """
    return _fitted(log, train_rows, chosen(log, train_rows) if steps is None else steps)


def chosen(log: Responses, train_rows: Ints) -> Floats:
    """Elo's steps with the least log-loss of this model on held-out learners."""
    kept, held = held_out(log, train_rows)
    right = log.right[held]
    steps = [np.array(start) for start in elo.STARTS]
    losses = [log_loss(right, predict(_fitted(log, kept, each), log, held)) for each in steps]
    return steps[int(np.argmin(losses))]


def _fitted(log: Responses, train_rows: Ints, steps: Floats) -> Recency:
    rating = elo.Elo(steps, elo.difficulties(log, train_rows, steps))
    rate = float(log.right[train_rows].mean())
    blocks, outcomes = [], []
    one, other = halves(log, train_rows)
    for mine, others in ((one, other), (other, one)):
        crossed = elo.Elo(steps, elo.difficulties(log, others, steps))
        rows = laid_out(log, mine)
        blocks.append(terms(log, rows, crossed, rate))
        outcomes.append(rows.right)
    x = np.concatenate(blocks)
    mean, sd = x.mean(axis=0), x.std(axis=0)
    sd[sd == 0.0] = 1.0
    ones = np.ones((len(x), 1))
    penalty = np.concatenate(([0.0], np.full(len(TERMS), PENALTY)))
    w = ridge(np.hstack([ones, (x - mean) / sd]), np.concatenate(outcomes), penalty)
    slope = w[1:] / sd
    return Recency(rating, rate, np.concatenate(([w[0] - float(slope @ mean)], slope)))


def predict(model: Recency, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,), whole learners."""
    x = terms(log, laid_out(log, rows), model.rating, model.rate)
    out = np.empty(len(x))
    kernels.weighed(x, model.weights, out)
    return out


def terms(log: Responses, rows: Rows, rating: elo.Elo, rate: float) -> Floats:
    """(n, 15): the terms of each answer, before it."""
    x = np.empty((len(rows), len(TERMS)))
    recent = np.empty((len(rows), kernels.RECENCY))
    kernels.recency(
        rows.starts, rows.item, rows.combination, rows.right, log.parts, len(log.skills),
        len(log.items), rate, recent,
    )  # fmt: skip
    x[:, : kernels.RECENCY] = recent
    x[:, kernels.RECENCY : -1] = elo.abilities(log, rows, rating)
    x[:, -1] = rating.d[rows.item]
    return x
