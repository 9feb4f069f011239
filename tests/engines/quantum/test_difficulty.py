"""Online difficulties follow the likelihood; a calibration must help learners it has not seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from engines.quantum import difficulty
from engines.quantum.difficulty import Offsets, observed
from engines.quantum.scoring import Scoring
from tests.engines.quantum.twin import luck_of, problem


# --- steps ---------------------------------------------------------------------------------------
def test_the_steps() -> None:
    for n in (0, 1, 7, 499):
        assert difficulty.item_step(n) == pytest.approx(0.7 / (1 + 0.08 * n))
    for n in (0, 3, 1000):
        assert difficulty.skill_step(n) == pytest.approx(0.4 / (1 + 0.05 * n))
        assert difficulty.course_step(n) == pytest.approx(0.5 / (1 + 0.05 * n))
    assert difficulty.item_step(500) == 0.005
    assert difficulty.item_step(100_000) == pytest.approx(0.7 / 8_001)


@given(n=st.integers(0, 10_000))
def test_no_step_grows(n: int) -> None:
    for step in (difficulty.item_step, difficulty.skill_step, difficulty.course_step):
        assert 0.0 < step(n + 1) <= step(n)


# --- what an answer moves ------------------------------------------------------------------------
def version(table: Offsets, scoring: Scoring) -> Scoring:
    offset = np.array([table.ease(s) for s in range(len(table.skill))])
    return scoring.renewed(difficulty=table.b, offset=offset)


def surprise(scoring: Scoring, x: Any, item: int, right: bool) -> float:
    p_g = scoring.score(x, np.array([item]))[0][0]
    return -math.log(p_g if right else 1.0 - p_g)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), item=st.integers(0, 11), right=st.booleans())
def test_an_answer_makes_itself_likelier(seed: int, item: int, right: bool) -> None:
    p = problem(seed)
    scoring = Scoring(p)
    table = Offsets.before(p.difficulty, p.n_skills, np.full(p.n_items, 1000.0))
    table.skill_answers[:] = table.course_answers = 1e5  # small steps: the first order decides
    skill, x = scoring.combination_of(item), scoring.fresh()
    gradient = scoring.answer(x.copy(), item, right).gradient
    before = surprise(version(table, scoring), x, item, right)
    observed(table, item, skill, gradient)
    after = surprise(version(table, scoring), x, item, right)
    assert after <= before
    assert (after < before) == (gradient != 0.0)
    assert gradient >= 0.0 if right else gradient <= 0.0


def test_only_the_answered_item_and_skill_move_and_the_course() -> None:
    table = Offsets.before(np.array([0.5, -0.5, 1.0]), 2, np.array([0.0, 10.0, 500.0]))
    observed(table, 1, 1, -0.4)
    assert table.b.tolist() == [0.5, pytest.approx(-0.5 + 0.7 / 1.8 * 0.4), 1.0]
    assert table.skill.tolist() == [0.0, pytest.approx(-0.16)]
    assert table.course == pytest.approx(-0.2)
    assert table.ease(1) == pytest.approx(-0.36)
    assert table.b_answers.tolist() == [0.0, 11.0, 500.0]
    assert (table.skill_answers.tolist(), table.course_answers) == ([0.0, 1.0], 1.0)
    observed(table, 2, 0, 1.0)
    assert table.b[2] == pytest.approx(1.0 - 0.005)


def test_a_table_takes_a_copy_and_refuses_counts_that_do_not_fit() -> None:
    b = np.zeros(2)
    table = Offsets.before(b, 1)
    observed(table, 0, 0, 1.0)
    assert b.tolist() == [0.0, 0.0]
    for counts in (np.zeros(3), np.array([0.0, -1.0])):
        with pytest.raises(ValueError, match="counts of answers"):
            Offsets.before(b, 1, counts)


def test_difficulties_of_a_simulated_course_are_found() -> None:
    luck = luck_of(3)
    p = problem(3, d=8, skills=1, items=40, slots=1, difficulty=np.zeros(40), forgetting=0.001)
    true_b = luck.normal(0.0, 1.2, 40)
    learnt, truth = Scoring(p), Scoring(p, difficulty=true_b - true_b.mean())
    table = Offsets.before(p.difficulty, 1)
    for _ in range(150):
        x, x_true = learnt.fresh(), truth.fresh()
        learnt = version(table, learnt)
        for item in luck.permutation(40)[:25].tolist():
            right = bool(luck.random() < truth.score(x_true, np.array([item]))[0][0])
            truth.answer(x_true, item, right)
            observed(table, item, 0, learnt.answer(x, item, right).gradient)
    assert np.corrcoef(table.b, true_b)[0, 1] > 0.9


def test_the_difficulty_for_a_success_rate_meets_it() -> None:
    p = problem(5, slope=0.9, intercept=0.1, register_weight=1.0)
    scoring, met = Scoring(p), 0
    x = scoring.fresh()
    for skill in range(p.n_skills):
        for wanted in (0.6, 0.75, 0.9):
            b = difficulty.difficulty_for(scoring, x, skill, wanted)
            easiest = scoring.mastery(x, skill, b - 60.0)[0]
            hardest = scoring.mastery(x, skill, b + 60.0)[0]
            if hardest + 0.01 < wanted < easiest - 0.01:
                met += 1
                assert scoring.mastery(x, skill, b)[0] == pytest.approx(wanted, abs=1e-9)
    assert met > 5
    for wanted in (0.0, 1.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            difficulty.difficulty_for(scoring, x, 0, wanted)


# --- calibration ---------------------------------------------------------------------------------
def stream(seed: int, slope: float, intercept: float, learners: int = 60, each: int = 50) -> Any:
    """Forecasts that are off by a slope and an intercept: (right, p, names)."""
    luck = luck_of(seed)
    z = luck.normal(0.8, 1.3, learners * each)
    happens = 1.0 / (1.0 + np.exp(-(slope * z + intercept)))
    right = (luck.random(len(z)) < happens).astype(np.int64)
    names = [f"learner {n // each}" for n in range(len(z))]
    return right, 1.0 / (1.0 + np.exp(-z)), names


def test_a_calibration_finds_what_was_off() -> None:
    found = difficulty.calibration(*stream(1, 0.7, 0.4, learners=400))
    assert found is not None
    assert found == pytest.approx((0.7, 0.4), abs=0.05)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000), slope=st.floats(0.2, 2.0), intercept=st.floats(-2.0, 2.0),
    n=st.integers(1, 400),
)  # fmt: skip
def test_the_fit_is_the_mode(seed: int, slope: float, intercept: float, n: int) -> None:
    right, p, _ = stream(seed, slope, intercept, learners=n, each=1)
    z = difficulty.logits(p)

    def minus_log_posterior(w: Any) -> float:
        prior = ((w[0] - 1.0) / 0.1) ** 2 + (w[1] / 0.3) ** 2
        return n * difficulty.loss(right, z, w[0], w[1]) + 0.5 * float(prior)

    tight = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
    other = minimize(minus_log_posterior, [1.0, 0.0], method="Nelder-Mead", options=tight)
    found = difficulty.fitted(right, z)
    assert minus_log_posterior(found) <= other.fun + 1e-9
    assert found == pytest.approx(other.x, abs=1e-6)


def test_few_answers_or_few_learners_give_none() -> None:
    right, p, names = stream(2, 0.7, 0.4)
    assert difficulty.calibration(right[:999], p[:999], names[:999]) is None
    assert difficulty.calibration(right[:1450], p[:1450], names[:1450]) is None  # 29 learners
    assert difficulty.calibration(right[:1500], p[:1500], names[:1500]) is not None
    with pytest.raises(ValueError, match="one length"):
        difficulty.calibration(right, p, names[1:])


def test_what_is_clearly_worse_for_learners_held_out_is_not_taken() -> None:
    right, p, names = stream(4, 1.0, 0.8)
    found = difficulty.calibration(right, p, names)
    assert found is not None
    judging = np.array([difficulty.judges(name) for name in names])
    turned = np.where(judging, 1 - right, right)  # the judges live in another world
    assert difficulty.calibration(turned, p, names) is None
    assert difficulty.calibration(turned, p, names, (1.0, 2.5)) is not None  # better than that


def test_the_newer_half_decides() -> None:
    old = stream(6, 1.0, -0.9, learners=50)
    new = stream(7, 0.8, 0.5, learners=50)
    right, p = (np.concatenate([old[at], new[at]]) for at in (0, 1))
    names = [f"old {name}" for name in old[2]] + new[2]
    newest = difficulty.fitted(new[0], difficulty.logits(new[1]))
    assert difficulty.calibration(right, p, names) == newest
    z = difficulty.logits(p)
    for learners in (30, 40, 59):  # too few for a half: the newest 30
        cut, first = 50 * learners, 50 * (learners - 30)
        found = difficulty.calibration(right[:cut], p[:cut], names[:cut])
        assert found == difficulty.fitted(right[first:cut], z[first:cut])


def test_learners_judge_by_name_not_by_place() -> None:
    right, p, names = stream(5, 0.8, 0.3)
    order = np.concatenate([[50 * u for u in range(60)], luck_of(1).permutation(len(names))])
    order = order[np.sort(np.unique(order, return_index=True)[1])]  # who came first stays
    found = difficulty.calibration(right, p, names)
    again = difficulty.calibration(right[order], p[order], [names[n] for n in order])
    assert found is not None
    assert again == pytest.approx(found, abs=1e-9)
    share = np.mean([difficulty.judges(f"learner {n}") for n in range(5000)])
    assert 0.18 < share < 0.22
