"""Performance factors analysis (Pavlik, Cen & Koedinger 2009). This file is that model.

The log-odds of a right answer are summed over the item's component skills: an easiness, a weight
for the learner's rights on it so far, another for the wrongs. Counts go in as ln(1 + n), which
serves better than n itself (Gervet et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.classical import tallies
from engines.classical.rows import held_out, laid_out
from engines.maths.logistic import Sparse, sigmoid, sparse_ridge
from engines.maths.verification import log_loss
from engines.responses import Responses
from engines.words import Floats, Ints

PENALTIES = (0.1, 1.0, 10.0)
"""Ridges to choose from."""


@dataclass(frozen=True, slots=True)
class Pfa:
    """`weights` (3 K + 1,): easiness, weight of rights, of wrongs, a skill each; intercept."""

    weights: Floats


def fit(log: Responses, train_rows: Ints, seed: int) -> Pfa:  # noqa: ARG001 - one form
    """Weights on these rows; the ridge is chosen on the learners `held_out` names."""
    kept, held = held_out(log, train_rows)
    right = log.right[held]
    models = [_fitted(log, kept, penalty) for penalty in PENALTIES]
    losses = [log_loss(right, predict(model, log, held)) for model in models]
    return _fitted(log, train_rows, PENALTIES[int(np.argmin(losses))])


def predict(model: Pfa, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,), whole learners."""
    return sigmoid(inputs(log, rows).times(model.weights))


def inputs(log: Responses, rows: Ints) -> Sparse:
    """The components of each row; a one is the only item's column."""
    made = tallies.tallied(log, laid_out(log, rows))
    n = len(rows)
    return tallies.inputs(made, len(log.skills), np.empty((n, 0)), np.zeros(n, np.int64), 1)


def _fitted(log: Responses, rows: Ints, penalty: float) -> Pfa:
    x = inputs(log, rows)
    return Pfa(sparse_ridge(x, log.right[rows], np.full(x.width + 1, penalty)))
