"""Bayesian knowledge tracing: EM climbs, meets the sum over all paths, finds what was simulated."""

from itertools import pairwise, product

import numpy as np
import pytest

from engines.classical import bkt, kernels
from engines.responses import responses
from tests.engines.classical.logs import simulated

TRUE = np.array([[0.3, 0.15, 0.02, 0.2, 0.1], [0.6, 0.05, 0.1, 0.3, 0.05]])
"""Init, learn, forget, guess, slip of two skills."""


def likelihood_by_paths(right: list[int], parameters: np.ndarray) -> float:
    """The sum over every course the hidden bit may take."""
    init, learn, forget, guess, slip = parameters
    total = 0.0
    for path in product((0, 1), repeat=len(right)):
        chance = init if path[0] else 1 - init
        for before, after in pairwise(path):
            if before:
                chance *= 1 - forget if after else forget
            else:
                chance *= learn if after else 1 - learn
        for state, y in zip(path, right, strict=True):
            p = 1 - slip if state else guess
            chance *= p if y else 1 - p
        total += chance
    return float(total)


@pytest.mark.parametrize("right", [[1], [0, 1], [1, 1, 0, 1], [0, 0, 1, 0, 1, 1]])
def test_forward_is_the_sum_over_all_paths_and_the_forecasts_product(right):
    y = np.array(right)
    starts, combination = np.array([0, len(y)]), np.zeros(len(y), np.int64)
    events = np.zeros((1, kernels.EVENTS))
    total = kernels.traced(starts, combination, y, TRUE[:1], events, len(y))
    assert np.exp(total) == pytest.approx(likelihood_by_paths(right, TRUE[0]), rel=1e-12)
    out = np.empty(len(y))
    kernels.traced_forward(starts, combination, y, TRUE[:1], out)
    assert np.log(np.where(y, out, 1 - out)).sum() == pytest.approx(total, rel=1e-12)
    # one beginning, one state at every answer, one step between two
    assert events[0, :2].sum() == pytest.approx(1.0)
    assert events[0, 2 * kernels.GUESS :].sum() == pytest.approx(len(y))
    assert events[0, 2:6].sum() == pytest.approx(len(y) - 1)


def test_expected_counts_are_the_likelihoods_slope():
    """Fisher's identity: d ln L / d learn = yes / learn - no / (1 - learn), and so for all."""
    dice = np.random.Generator(np.random.PCG64(4))
    y = dice.integers(0, 2, 30)
    starts, combination = np.array([0, 12, 30]), np.zeros(30, np.int64)
    events = np.zeros((1, kernels.EVENTS))
    kernels.traced(starts, combination, y, TRUE[:1], events, 18)
    slope = events[0, ::2] / TRUE[0] - events[0, 1::2] / (1 - TRUE[0])
    for k in range(5):
        ends = []
        for step in (1e-6, -1e-6):
            moved = TRUE[:1].copy()
            moved[0, k] += step
            ends.append(kernels.traced(starts, combination, y, moved, np.zeros_like(events), 18))
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope[k], rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_objective_never_falls(seed):
    log = simulated(learners=20, each=30, seed=seed)
    starts, combination, right = bkt.sequences(log, log.rows_of(range(5)))
    dice = np.random.Generator(np.random.PCG64(seed))
    begun = dice.uniform(0.05, 0.95, (len(log.combinations), 5))
    _, objectives = bkt.expected(starts, combination, right, begun, bkt.USUAL, 3.0)
    assert len(objectives) > 3
    assert np.all(np.diff(objectives) >= -1e-9 * abs(objectives[0]))


def test_simulated_parameters_are_found():
    dice = np.random.Generator(np.random.PCG64(7))
    rows = []
    for u in range(1500):
        for skill, (init, learn, forget, guess, slip) in enumerate(TRUE):
            known = dice.random() < init
            for _ in range(12):
                y = dice.random() < (1 - slip if known else guess)
                rows.append((f"u{u}", "i", f"s{skill}", int(y), 1, None, None))
                known = dice.random() >= forget if known else dice.random() < learn
    log = responses(rows)
    found = bkt.fit(log, log.rows_of([1]), 0).parameters
    assert np.abs(found - TRUE).max() < 0.05


def test_a_right_answer_never_lowers_the_forecast_without_forgetting():
    parameters = np.array([[0.2, 0.1, 0.0001, 0.2, 0.1]])
    y = np.ones(20, np.int64)
    out = np.empty(20)
    kernels.traced_forward(np.array([0, 20]), np.zeros(20, np.int64), y, parameters, out)
    assert np.all(np.diff(out) > 0)
