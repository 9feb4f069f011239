"""Elo as online item response theory, one ability and one a skill (Pelanek 2016). This file is it.

P = sigmoid(theta + mean_k theta_k - d): theta is the learner's, theta_k of component skill k, d the
item's difficulty, in logits. After an answer theta moves by (a/(1 + b n) + c)(y - P), theta_k
likewise with its own count; difficulties move on training learners only, by ai/(1 + bi n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.classical import kernels
from engines.classical.rows import (
    Rows,
    combination_of_item,
    held_out,
    laid_out,
    log_odds,
    rates,
)
from engines.maths.logistic import sigmoid
from engines.maths.verification import log_loss
from engines.responses import Responses
from engines.words import Floats, Ints

PASSES = 2
"""So often the training learners are gone through for the difficulties."""
STARTS = (
    (0.4, 0.06, 0.03, 0.2, 0.02, 0.06, 0.5, 0.06),
    (0.4, 0.03, 0.01, 0.2, 0.01, 0.12, 0.3, 0.03),
    (1.2, 0.1, 0.06, 0.2, 0.01, 0.02, 1.0, 0.08),
    (0.4, 0.1, 0.03, 0.4, 0.01, 0.0, 0.6, 0.08),
)
"""Where the choice of steps may begin: a, b, c of theta, of theta_k, ai and bi of an item."""
CHOICES = (
    (0.2, 0.4, 0.8, 1.2),
    (0.01, 0.03, 0.06, 0.1, 0.2),
    (0.0, 0.01, 0.03, 0.06, 0.1),
    (0.1, 0.2, 0.4, 0.8),
    (0.01, 0.02, 0.1, 0.4),
    (0.0, 0.02, 0.06, 0.12, 0.2),
    (0.2, 0.3, 0.5, 0.7, 1.0),
    (0.01, 0.03, 0.06, 0.09, 0.15),
)
"""What each step is chosen from, one after another, on learners held out."""
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Elo:
    """`steps` (8,): a, b, c, a2, b2, c2, ai, bi; `d` (I,): difficulties in logits."""

    steps: Floats
    d: Floats


def fit(log: Responses, train_rows: Ints, seed: int, steps: Floats | None = None) -> Elo:  # noqa: ARG001
    """Difficulties on these rows; steps given, else chosen on the learners `held_out` names."""
    taken = chosen(log, train_rows) if steps is None else steps
    return Elo(taken, difficulties(log, train_rows, taken))


def predict(model: Elo, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,), whole learners."""
    chosen_rows = laid_out(log, rows)
    return _forecast(log, chosen_rows, model)


def abilities(log: Responses, rows: Rows, model: Elo) -> Floats:
    """(n, 2): theta and the mean theta_k of the answer's components, before each row."""
    out = np.empty((len(rows), 2))
    _rated(log, rows, model.steps, model.d, None, out)
    return out


def difficulties(log: Responses, train_rows: Ints, steps: Floats) -> Floats:
    """(I,) after the passes; an item begins, and one without a row stays, at its combination's."""
    _, by_skill, _ = rates(log, train_rows)
    d = -log_odds(by_skill)[combination_of_item(log)]
    rows = laid_out(log, train_rows)
    out = np.empty((len(rows), 2))
    for _ in range(PASSES):
        _rated(log, rows, steps, d, np.zeros(len(d)), out)
    return d


def chosen(log: Responses, train_rows: Ints) -> Floats:
    """Steps with the least log-loss on held-out learners, one coordinate after another."""
    kept, held = held_out(log, train_rows)
    rows = laid_out(log, held)

    def loss(steps: tuple[float, ...]) -> float:
        tried = np.array(steps)
        model = Elo(tried, difficulties(log, kept, tried))
        return log_loss(rows.right, _forecast(log, rows, model))

    starts: list[tuple[float, ...]] = list(STARTS)
    least, best = min((loss(start), start) for start in starts)
    for _ in range(ROUNDS):
        before = best
        for at, values in enumerate(CHOICES):
            tries = [(*best[:at], value, *best[at + 1 :]) for value in values if value != best[at]]
            least, best = min([(least, best), *((loss(each), each) for each in tries)])
        if best == before:
            break
    return np.array(best)


def _forecast(log: Responses, rows: Rows, model: Elo) -> Floats:
    return sigmoid(abilities(log, rows, model).sum(axis=1) - model.d[rows.item])


def _rated(
    log: Responses, rows: Rows, steps: Floats, d: Floats, n_item: Floats | None, out: Floats
) -> None:
    kernels.rated(
        rows.starts, rows.item, rows.combination, rows.right, log.parts, len(log.skills),
        steps, int(n_item is not None), d, np.zeros(0) if n_item is None else n_item, out,
    )  # fmt: skip
