"""Best-LR (Gervet, Koedinger, Schneider & Mitchell 2020). This file is that logistic regression.

Inputs: the item; its component skills, each with ln(1 + rights) and ln(1 + wrongs); the same two
counts over everything the learner answered. The counts of a skill have a weight that all skills
share and a correction of the skill's own under a stronger ridge: with few learners free weights a
skill, as in the paper, serve worse.
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

PENALTIES = (0.5, 1.0, 2.0)
"""Ridges to choose from; 1 is that of the paper."""
OWN_PENALTY = 10.0
"""So many times stronger is the ridge on a skill's corrections."""
FIXED = 5
"""A one, two counts over everything, two means over the components."""


@dataclass(frozen=True, slots=True)
class BestLr:
    """`weights`: the `FIXED`; easiness, of rights, of wrongs a skill each; easiness an item."""

    weights: Floats


def fit(log: Responses, train_rows: Ints, seed: int) -> BestLr:  # noqa: ARG001 - one form
    """Weights on these rows; the ridge is chosen on the learners `held_out` names."""
    kept, held = held_out(log, train_rows)
    right = log.right[held]
    models = [_fitted(log, kept, penalty) for penalty in PENALTIES]
    losses = [log_loss(right, predict(model, log, held)) for model in models]
    return _fitted(log, train_rows, PENALTIES[int(np.argmin(losses))])


def predict(model: BestLr, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,), whole learners."""
    return sigmoid(inputs(log, rows).times(model.weights))


def inputs(log: Responses, rows: Ints) -> Sparse:
    """Everything that an answer's forecast is summed from."""
    laid = laid_out(log, rows)
    made = tallies.tallied(log, laid)
    wrongs = made.total[:, 1] - made.total[:, 0]
    counts = np.log1p(np.stack([made.total[:, 0], wrongs], axis=1))
    dense = np.hstack([np.ones((len(laid), 1)), counts, made.mean])
    return tallies.inputs(made, len(log.skills), dense, laid.item, len(log.items))


def _fitted(log: Responses, rows: Ints, penalty: float) -> BestLr:
    x = inputs(log, rows)
    shrunk = np.full(x.width + x.n_items, penalty)
    shrunk[FIXED + len(log.skills) : x.width] *= OWN_PENALTY
    return BestLr(sparse_ridge(x, log.right[rows], shrunk))
