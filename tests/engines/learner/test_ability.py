"""Ability: its formulas, and that it finds what a simulated learner can do."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.learner import ability
from engines.maths.dice import Dice
from tests.engines.courses import Simulated, line

logits = st.floats(-6, 6)


@given(logits, logits, st.floats(0.001, 2))
def test_p_is_monotone_in_both(theta: float, d: float, more: float) -> None:
    p = ability.p_right(theta, d)
    assert 0.0 < p < 1.0
    assert ability.p_right(theta + more, d) > p > ability.p_right(theta, d + more)


def test_p_stays_in_range_far_out() -> None:
    assert ability.p_right(0.0, 1e4) == 0.0
    assert ability.p_right(1e4, 0.0) == 1.0


@pytest.mark.parametrize(
    ("step", "a", "b", "c"),
    [(ability.ability_step, 0.4, 0.03, 0.03), (ability.skill_step, 0.2, 0.01, 0.02)],
)
def test_learner_steps_shrink_to_a_floor(step, a: float, b: float, c: float) -> None:
    for n in (0, 1, 7, 100):
        assert step(n) == pytest.approx(a / (1 + b * n) + c, abs=1e-15)
    assert step(10**9) == pytest.approx(c, abs=1e-6)


def test_item_steps_shrink_and_are_capped() -> None:
    assert [ability.item_step(n) for n in (0, 10)] == pytest.approx([0.4, 0.25])
    assert ability.item_step(499) > 0.005
    assert ability.item_step(500) == 0.005
    steps = [ability.item_step(n) for n in range(0, 5000, 7)]
    assert all(later <= former for former, later in pairwise(steps))


def test_a_difficulty_moves_against_the_surprise() -> None:
    assert ability.difficulty_after(0.5, 10, 0.8, right=False) == pytest.approx(0.5 + 0.25 * 0.8)
    assert ability.difficulty_after(0.5, 10, 0.8, right=True) == pytest.approx(0.5 - 0.25 * 0.2)


def test_variance_shrinks_by_information_and_keeps_its_drift() -> None:
    assert ability.variance_after(1.0, 0.75) == pytest.approx(1 / (1 + 0.1875) + 0.002)
    variance = 1.0
    for _ in range(2000):
        variance = ability.variance_after(variance, 0.75)
    assert variance == pytest.approx(ability.variance_after(variance, 0.75), rel=1e-9)
    assert 0.09 < math.sqrt(variance) < 0.35


@pytest.mark.parametrize("step", [ability.ability_step, ability.skill_step, ability.item_step])
def test_a_negative_count_is_refused(step) -> None:
    with pytest.raises(ValueError, match="count of answers"):
        step(-1)


def test_the_reason_has_its_numbers() -> None:
    said = ability.moved_reason(False, 0.72, 0.31, 0.1)
    assert said == "Not right at an expected 0.72: ability 0.31 -> 0.10"


def test_simulated_abilities_are_recovered_with_honest_intervals() -> None:
    of = line(9, 60, spread=1.5)
    luck = np.random.Generator(np.random.PCG64(8))
    true = luck.normal(0.0, 1.0, 1200)
    seen: dict[int, list[tuple[float, float]]] = {5: [], 20: [], 60: []}
    for key, theta in enumerate(true):
        learner = Simulated(of, float(theta), key)
        for n in range(1, 61):
            learner.step()
            if n in seen:
                seen[n].append((learner.beliefs.theta, learner.beliefs.sd))
    for n, pairs in seen.items():
        theta, sd = np.array(pairs).T
        covered = float(np.mean(np.abs(theta - true) < 1.6449 * sd))
        assert 0.85 <= covered <= 0.95, (n, covered)
    assert np.corrcoef(np.array(seen[60])[:, 0], true)[0, 1] >= 0.90


def _item_side(order: np.ndarray, theta: np.ndarray, true_d: np.ndarray) -> np.ndarray:
    """Difficulties learned from all answers of learners who come in this order."""
    d, n = np.zeros_like(true_d), np.zeros(len(true_d), dtype=np.int64)
    for who in order:
        luck, mine = Dice(int(who), 0), 0.0
        for i in range(len(d)):
            right = luck.random() < ability.p_right(theta[who], true_d[i])
            p = ability.p_right(mine, d[i])
            mine += ability.ability_step(i) * (right - p)
            d[i] = ability.difficulty_after(d[i], int(n[i]), p, right)
            n[i] += 1
    return d


def test_the_items_order_does_not_hang_on_the_learners_order() -> None:
    luck = np.random.Generator(np.random.PCG64(3))
    theta, true_d = luck.normal(0, 1, 500), luck.normal(0, 1, 30)
    one = _item_side(np.arange(500), theta, true_d)
    other = _item_side(luck.permutation(500), theta, true_d)
    ranks = [np.argsort(np.argsort(d)) for d in (one, other, true_d)]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] >= 0.95
    assert np.corrcoef(ranks[0], ranks[2])[0, 1] >= 0.95
