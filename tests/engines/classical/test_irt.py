"""Item response theory: forecasts against a dense computation, EM climbs, drift is a walk."""

import numpy as np
import pytest

from engines.classical import irt
from engines.classical.irt import GRID, band
from tests.engines.classical.logs import simulated

LOG = simulated(learners=80, each=40)
TRAIN, TEST = LOG.rows_of([1, 2, 3, 4]), LOG.rows_of([0])


def dense(step: float) -> np.ndarray:
    made = np.zeros((len(GRID), len(GRID)))
    for q, (down, stay, up) in enumerate(band(step)):
        for to, chance in ((q - 1, down), (q, stay), (q + 1, up)):
            if 0 <= to < len(GRID):
                made[to, q] += chance
    return made


@pytest.mark.parametrize("step", [0.0, 0.08, 0.2])
def test_forecasts_are_those_of_dense_bayes(step):
    model = irt.fitted(LOG, TRAIN, step, 2)
    rows = TEST[LOG.learner[TEST] == LOG.learner[TEST[0]]]
    walk, p = dense(step), model.prior.copy()
    found = []
    for n, row in enumerate(rows):
        if n:
            p = walk @ p
        slope, intercept = model.curve[LOG.item[row]]
        chance = 1 / (1 + np.exp(-(slope * GRID + intercept)))
        found.append(float(p @ chance))
        p = p * (chance if LOG.right[row] else 1 - chance)
        p /= p.sum()
    assert irt.predict(model, LOG, rows).tolist() == pytest.approx(found, abs=1e-12)


def test_the_walk_keeps_probability_and_has_the_variance_asked_for():
    walk = dense(0.15)
    assert walk.sum(axis=0) == pytest.approx(np.ones(len(GRID)))
    assert walk.min() >= 0.0
    middle = len(GRID) // 2
    assert walk[:, middle] @ (GRID - GRID[middle]) ** 2 == pytest.approx(0.15**2)


def test_likelihood_rises_while_items_are_fitted():
    objectives = irt.fitted(LOG, TRAIN, 0.1, 10).objectives
    assert objectives[-1] > objectives[0]


def test_easy_items_are_found_easy():
    truth = np.random.Generator(np.random.PCG64(1))
    truth.normal(size=80)
    ease = truth.normal(0.5, 1.0, size=24)
    names = [int(name[1:]) for name in LOG.items]
    intercept = irt.fitted(LOG, TRAIN, 0.1, 10).curve[:, 1]
    assert np.corrcoef(intercept, ease[names])[0, 1] > 0.9
