"""Elo by hand, and the choice of its steps."""

import numpy as np
import pytest

from engines.classical import elo
from engines.classical.rows import held_out, laid_out
from engines.maths.verification import log_loss
from engines.responses import responses
from tests.engines.classical.logs import simulated


def sigmoid(z: float) -> float:
    return float(1.0 / (1.0 + np.exp(-z)))


def test_three_answers_by_hand():
    log = responses(
        [
            ("u", "i", "s", 1, 0, None, None),
            ("u", "j", "s~t", 0, 0, None, None),
            ("u", "i", "s", 1, 0, None, None),
        ]
    )
    steps = np.array([0.4, 0.5, 0.1, 0.2, 1.0, 0.05, 0.0, 0.0])
    d = np.array([0.3, -0.2])
    p = elo.predict(elo.Elo(steps, d), log, log.rows_of([0]))

    p1 = sigmoid(0.0 - 0.3)
    theta = (0.4 + 0.1) * (1 - p1)
    s = (0.2 + 0.05) * (1 - p1)
    p2 = sigmoid(theta + (s + 0.0) / 2 + 0.2)
    theta += (0.4 / 1.5 + 0.1) * (0 - p2)
    s += (0.2 / 2.0 + 0.05) * (0 - p2)
    p3 = sigmoid(theta + s - 0.3)
    assert p.tolist() == pytest.approx([p1, p2, p3], abs=1e-15)


def test_difficulties_move_on_training_learners_by_hand():
    log = responses([("u", "i", "s", 1, 0, None, None), ("v", "i", "s", 0, 0, None, None)])
    steps = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.5])
    d = 0.0  # the rate is one half
    for _ in range(elo.PASSES):
        for n, y in enumerate((1, 0)):
            d -= 0.6 / (1 + 0.5 * n) * (y - sigmoid(-d))
    assert elo.difficulties(log, log.rows_of([0]), steps)[0] == pytest.approx(d, abs=1e-15)


def test_chosen_steps_are_no_worse_than_those_begun_with():
    log = simulated()
    train = log.rows_of([1, 2, 3, 4])
    kept, held = held_out(log, train)
    rows = laid_out(log, held)

    def loss(steps: np.ndarray) -> float:
        model = elo.Elo(steps, elo.difficulties(log, kept, steps))
        return log_loss(rows.right, elo.predict(model, log, held))

    chosen = elo.chosen(log, train)
    assert loss(chosen) <= min(loss(np.array(start)) for start in elo.STARTS)
