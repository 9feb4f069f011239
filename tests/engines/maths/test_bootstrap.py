"""Intervals by learner: AUC under counts, pairing, coverage, the learner as the unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.maths.bootstrap import Ranked, compared, drawn
from engines.maths.verification import auc, log_loss


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_auc_under_counts_is_that_of_the_rows_repeated(seed, places):
    dice = np.random.Generator(np.random.PCG64(seed))
    who = dice.integers(0, 6, 40)
    right = dice.integers(0, 2, 40)
    p = dice.integers(0, places, 40) / places  # many equal forecasts
    counts = dice.integers(0, 4, (3, 6)).astype(float)
    found = Ranked.of(right, p, who).aucs(counts)
    for weights, value in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(40), weights[who].astype(int))
        expected = auc(right[rows], p[rows]) if len(rows) else float("nan")
        assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def made(seed: int = 1, learners: int = 50, each: int = 30):
    dice = np.random.Generator(np.random.PCG64(seed))
    learner = np.repeat(np.arange(learners), each)
    z = dice.normal(size=len(learner)) + dice.normal(size=learners)[learner]
    p = 1 / (1 + np.exp(-z))
    right = (dice.random(len(p)) < p).astype(np.int64)
    return learner, right, p, dice


def test_differences_are_those_of_the_scores_and_lie_in_their_intervals():
    learner, right, p, dice = made()
    noisy = np.clip(p + dice.normal(0, 0.2, len(p)), 0.01, 0.99)
    found = compared(right, {"noisy": noisy, "true": p}, "true", learner, 0)["noisy"]
    assert found.auc.at == pytest.approx(auc(right, noisy) - auc(right, p), abs=1e-12)
    loss = log_loss(right, noisy) - log_loss(right, p)
    assert found.log_loss.at == pytest.approx(loss, abs=1e-12)
    for one in (found.auc, found.log_loss):
        assert one.low < one.at < one.high
        assert one.clear
    assert found.auc.high < 0.0 < found.log_loss.low


def test_a_model_against_its_equal_differs_by_nothing():
    learner, right, p, _ = made()
    found = compared(right, {"a": p, "b": p.copy()}, "b", learner, 0)["a"]
    assert (found.auc.at, found.auc.low, found.auc.high) == (0.0, 0.0, 0.0)
    assert not found.log_loss.clear


def test_a_shift_that_is_the_same_for_all_has_no_width():
    """Every answer loses ln 2 more: no resample can say otherwise."""
    learner = np.repeat(np.arange(20), 5)
    right = np.ones(100, np.int64)
    right[::7] = 0
    half, quarter = np.full(100, 0.5), np.where(right, 0.25, 0.75)
    found = compared(right, {"quarter": quarter, "half": half}, "half", learner, 3)["quarter"]
    assert found.log_loss.low == pytest.approx(np.log(2.0))
    assert found.log_loss.high == pytest.approx(np.log(2.0))


def test_learners_are_drawn_not_answers():
    """All of the difference is two learners': the interval reaches to none of them."""
    learner = np.repeat(np.arange(30), 50)
    right = np.random.Generator(np.random.PCG64(2)).integers(0, 2, 1500)
    p, better = np.full(1500, 0.5), np.full(1500, 0.5)
    few = learner < 2
    better[few] = np.where(right[few], 0.9, 0.1)
    found = compared(right, {"better": better, "plain": p}, "plain", learner, 0)["better"]
    assert found.log_loss.high == 0.0
    assert not found.log_loss.clear


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """The mean of learners' own offsets, 40 learners: 200 intervals of 95 %."""
    held = 0
    for seed in range(200):
        dice = np.random.Generator(np.random.PCG64(1000 + seed))
        offset = dice.normal(0.1, 0.2, 40)
        learner = np.repeat(np.arange(40), 10)
        right = np.ones(400, np.int64)
        one = np.exp(-(1.0 + offset[learner]))
        found = compared(right, {"one": one, "two": np.full(400, np.exp(-1.0))}, "two", learner,
                         seed, resamples=300)["one"].log_loss  # fmt: skip
        held += found.low <= 0.1 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval_and_another_another():
    learner, right, p, dice = made()
    forecasts = {"a": np.clip(p + 0.1 * dice.random(len(p)), 0, 1), "b": p}
    one, two, other = (compared(right, forecasts, "b", learner, seed) for seed in (4, 4, 5))
    assert one == two
    assert one != other


def test_counts_are_resamples():
    counts = np.concatenate(list(drawn(17, 130, 0)))
    assert counts.shape == (130, 17)
    assert (counts.sum(axis=1) == 17).all()
    assert counts.mean() == 1.0
    assert 0.8 < counts.var() < 1.1  # binomial: 1 - 1/17


def test_outcomes_all_alike_have_no_auc():
    learner = np.repeat(np.arange(4), 3)
    found = compared(
        np.ones(12, np.int64), {"a": np.full(12, 0.6), "b": np.full(12, 0.5)}, "b", learner, 0
    )["a"]
    assert np.isnan([found.auc.at, found.auc.low, found.auc.high]).all()
    assert found.log_loss.at < 0.0


def test_an_unknown_reference_is_refused():
    with pytest.raises(ValueError, match="expected the reference among a, got 'c'"):
        compared(np.array([0, 1]), {"a": np.array([0.1, 0.2])}, "c", np.array([0, 1]), 0)
