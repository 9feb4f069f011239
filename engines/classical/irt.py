"""Two-parameter item response theory with an ability that drifts. This file is that model.

P(right) = sigmoid(slope_i ability + intercept_i) (Birnbaum 1968). Ability is a random walk over a
grid, standard normal at first; items are fitted by EM (Bock & Aitkin 1981), the walk's step is
chosen on learners held out. A forecast is the mean over the posterior of ability (EAP) given the
answers so far. Priors: ln slope about 0, intercept about that of the item's combination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.classical import kernels
from engines.classical.rows import Rows, combination_of_item, held_out, laid_out, log_odds, rates
from engines.maths.verification import log_loss
from engines.responses import Responses
from engines.words import Floats, Ints

GRID = np.linspace(-4.5, 4.5, 37)
"""Abilities, in standard deviations of learners at their first answer."""
DRIFTS = (0.0, 0.05, 0.08, 0.11, 0.15, 0.2)
"""Standard deviations of the walk's step to choose from; above 0 in rising order."""
ITERATIONS, CHOICE_ITERATIONS = 15, 8
"""EM steps of the fit, and of each fit that a drift is judged by."""
NEWTON = 4
"""Newton steps for an item in one M step."""
SLOPE_SD, INTERCEPT_SD = 0.3, 1.0
"""Of the priors: of ln slope, of an intercept about its combination's."""
PULL = 2.0
"""Items' worth of the common mean in a combination's."""


@dataclass(frozen=True, slots=True)
class Irt:
    """`curve` (I, 2): slope and intercept; `prior` (Q,) over `GRID`; `drift` (Q, 3)."""

    curve: Floats
    prior: Floats
    drift: Floats
    step: float
    objectives: tuple[float, ...]


def fit(log: Responses, train_rows: Ints, seed: int) -> Irt:  # noqa: ARG001 - one form
    """Items on these rows, with the drift that serves the learners `held_out` names best."""
    kept, held = held_out(log, train_rows)
    best, least = DRIFTS[0], np.inf
    for step in DRIFTS:
        model = fitted(log, kept, step, CHOICE_ITERATIONS)
        loss = log_loss(log.right[held], predict(model, log, held))
        if loss >= least:
            break
        best, least = step, loss
    return fitted(log, train_rows, best, ITERATIONS)


def predict(model: Irt, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,), whole learners."""
    laid = laid_out(log, rows)
    out = np.empty(len(laid))
    none = np.zeros((1, 1))
    kernels.abilities(
        laid.starts, laid.item, laid.right, GRID, model.prior, model.curve, model.drift, out,
        laid.longest, 0, none, none,
    )  # fmt: skip
    return out


def fitted(log: Responses, train_rows: Ints, step: float, iterations: int) -> Irt:
    """Items after so many EM steps, with a given drift."""
    laid = laid_out(log, train_rows)
    combination = combination_of_item(log)
    _, by_skill, by_item = rates(log, train_rows)
    n_items = len(log.items)
    curve = np.stack([np.ones(n_items), log_odds(by_item)], axis=1)
    usual = log_odds(by_skill)
    prior = np.exp(-0.5 * GRID**2)
    prior /= prior.sum()
    drift = band(step)
    met = np.bincount(laid.item, minlength=n_items) > 0
    objectives: list[float] = []
    for _ in range(iterations):
        hit, miss = np.zeros((n_items, len(GRID))), np.zeros((n_items, len(GRID)))
        objectives.append(_expected(laid, curve, prior, drift, hit, miss))
        precision = 1.0 / INTERCEPT_SD**2
        kernels.curves(
            hit, miss, GRID, usual[combination], 1.0 / SLOPE_SD**2, precision, NEWTON, curve
        )
        usual = _usual(curve[:, 1], combination, met, len(usual))
    curve[~met, 0] = 1.0
    curve[~met, 1] = usual[combination[~met]]
    return Irt(curve, prior, drift, step, tuple(objectives))


def band(step: float) -> Floats:
    """(Q, 3): chances to go a grid point down, to stay, to go up, from each grid point.

    The step's variance is `step` squared except at the ends, which are walls.

    >>> band(0.0)[0].tolist()
    [0.0, 1.0, 0.0]
    """
    aside = 0.5 * (step / (GRID[1] - GRID[0])) ** 2
    made = np.tile([aside, 1.0 - 2.0 * aside, aside], (len(GRID), 1))
    made[0] = 0.0, 1.0 - aside, aside
    made[-1] = aside, 1.0 - aside, 0.0
    return made


def _expected(
    laid: Rows, curve: Floats, prior: Floats, drift: Floats, hit: Floats, miss: Floats
) -> float:
    total: float = kernels.abilities(
        laid.starts, laid.item, laid.right, GRID, prior, curve, drift, np.empty(len(laid)),
        laid.longest, 1, hit, miss,
    )  # fmt: skip
    return total


def _usual(intercept: Floats, combination: Ints, met: npt.NDArray[np.bool_], n: int) -> Floats:
    """The mean intercept of each combination's items, shrunk to that over all items."""
    mean = float(intercept[met].mean())
    count = np.bincount(combination[met], minlength=n)
    total = np.bincount(combination[met], weights=intercept[met], minlength=n)
    made: Floats = (total + PULL * mean) / (count + PULL)
    return made
