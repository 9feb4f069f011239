"""Interference and order: where bases differ, gone where they agree; reasons from the state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.kernels import answered, physics
from engines.quantum import interference as told
from engines.quantum import measurement
from engines.quantum.kernels import MOVED
from engines.quantum.parameters import LAGS
from engines.quantum.scoring import Outcome, Scoring
from engines.quantum.state import purity, registers_of, rho_of, turned
from tests.engines.quantum.test_measurement import density, item_of
from tests.engines.quantum.twin import answers_of, bases_of, luck_of, problem, replaced

SEEDS, LEVELS = st.integers(0, 9999), st.sampled_from([2, 3, 4, 8])
NAMES = ("fractions", "ratio", "graphs", "equations", "angles")


@given(SEEDS, LEVELS, st.floats(0.0, 1.0))
@settings(max_examples=50, deadline=None)
def test_dephasing_keeps_populations_and_scales_the_rest(seed: int, d: int, knob: float) -> None:
    rho, u = density(seed, d), bases_of(luck_of(seed), 1, d)[0]
    before, after = turned(u, rho), turned(u, told.dephased(rho, u, knob))
    off = ~np.eye(d, dtype=bool)
    assert np.abs(after[off] - knob * before[off]).max() <= 1e-14
    assert np.abs((after - before).diagonal()).max() <= 1e-14
    assert purity(told.dephased(rho, u, knob)) <= purity(rho) + 1e-12
    assert np.abs(told.dephased(rho, u, 1.0) - rho).max() <= 1e-14


@given(SEEDS, LEVELS)
@settings(max_examples=50, deadline=None)
def test_interference_is_how_far_the_law_of_total_probability_fails(seed: int, d: int) -> None:
    rho, (u, c, b) = density(seed, d), item_of(seed, d, 1.0)
    e, other = measurement.effect(u, c, b), bases_of(luck_of(seed + 7), 1, d)[0]
    total = 0.0
    for level in other:  # levels of the other skill, one by one
        projector = np.outer(level.conj(), level)
        p = np.trace(projector @ rho).real
        if p > 1e-12:
            total += p * np.trace(e @ projector @ rho @ projector).real / p
    assert told.interference(rho, e, other) == pytest.approx(
        np.trace(e @ rho).real - total, abs=1e-11
    )
    assert abs(told.interference(rho, e, u)) <= 1e-14
    assert abs(told.interference(told.dephased(rho, other), e, other)) <= 1e-14


@given(SEEDS, LEVELS)
@settings(max_examples=50, deadline=None)
def test_order_counts_only_where_measurements_do_not_commute(seed: int, d: int) -> None:
    rho, (u, c, b) = density(seed, d), item_of(seed, d, 1.0)
    other, c_2, b_2 = item_of(seed + 5, d, 1.0)
    one, two = measurement.effect(u, c, b), measurement.effect(other, c_2, b_2)
    same = measurement.effect(u, c_2, b_2)
    assert abs(told.order_effect(rho, one, same)) <= 1e-10
    assert told.order_effect(rho, one, two) == pytest.approx(
        -told.order_effect(rho, two, one), abs=1e-12
    )
    k_1 = u.conj().T @ np.diag(np.sqrt(measurement.effect_row(c, b))) @ u
    k_2 = other.conj().T @ np.diag(np.sqrt(measurement.effect_row(c_2, b_2))) @ other
    ab = np.trace(k_2 @ k_1 @ rho @ k_1 @ k_2).real
    ba = np.trace(k_1 @ k_2 @ rho @ k_2 @ k_1).real
    assert told.order_effect(rho, one, two) == pytest.approx(ab - ba, abs=1e-10)


def test_a_learner_without_coherence_has_no_effects() -> None:
    p = problem(2, 4)
    p = replaced(p, basis=np.broadcast_to(np.eye(4), p.basis.shape))
    scoring = Scoring(p)
    x = scoring.fresh()
    scoring.answer_all(x, *answers_of(1, p, 20))
    for item in range(p.n_items):
        assert told.interference_reason(scoring, x, NAMES, item) is None
        for other in range(p.n_items):
            assert told.order_reason(scoring, x, NAMES, item, other) is None


# --- reasons -------------------------------------------------------------------------------------
def test_reasons_name_what_the_state_shows() -> None:
    said: set[str] = set()
    for seed in range(12):
        p = problem(seed, 4, scale=1.5, register_start=np.full(5, -0.2))
        scoring = Scoring(p)
        x = scoring.fresh()
        scoring.answer_all(x, *answers_of(seed, p, 15))
        rho = (1 - p.forgetting) * rho_of(x, p) + p.forgetting * np.diag(p.start)
        last = int(registers_of(x, p)[1].argmax())
        effects = [
            measurement.effect(p.basis[s], p.level[s], b)
            for s, b in zip(p.combination, p.difficulty, strict=True)
        ]
        for item in range(p.n_items):
            s = int(p.combination[item])
            found = told.interference(rho, effects[item], p.basis[last])
            assert scoring.interfered(x, item, last) == pytest.approx(found, abs=1e-13)
            reason = told.interference_reason(scoring, x, NAMES, item)
            assert (reason is not None) == (s != last and abs(found) >= told.INTERFERENCE_LEAST)
            if reason:
                expected = f"last practised: {NAMES[last]}; it changes this forecast by "
                assert reason == f"{expected}{found:+.2f}"
                said.add("interference")
            effect = told.order_effect(rho, effects[item], effects[0])
            reason = told.order_reason(scoring, x, NAMES, item, 0)
            assert (reason is not None) == (abs(effect) >= told.ORDER_LEAST)
            if reason:
                first = NAMES[int(p.combination[item if effect > 0 else 0])]
                assert reason == f"do {first} first: the pair is {abs(effect):.2f} likelier"
                said.add("order")
    assert said == {"interference", "order"}


def test_a_link_is_told_from_its_threshold_on() -> None:
    out = np.zeros(MOVED + 6)
    out[MOVED:] = [0.10, 0.18, 0.30, 0.339, -0.2, -0.3]
    outcome = Outcome(out, (1, 2, 3))
    assert told.link_reasons(outcome, NAMES, 0, True) == [
        "a right answer on fractions raised your ratio skill by 0.04",
        "a right answer on fractions lowered your equations skill by 0.05",
    ]
    assert told.link_reasons(outcome, NAMES, 0, False)[0].startswith("a wrong answer on fractions")
    assert told.link_reasons(Outcome(np.zeros(MOVED), ()), NAMES, 0, True) == []


def test_forgetting_is_the_fall_between_the_last_answer_and_now() -> None:
    losses = np.linspace(0.1, 0.9, LAGS)
    p = problem(1, 2, register_forgetting=losses, register_start=np.full(5, -0.5))
    x = Scoring(p).fresh()
    z_at, last_at = 1 + 4, 1 + 4 + 5
    assert told.forgetting_reason(x, p, 2, "graphs") is None
    x[z_at + 2], x[last_at + 2], x[0] = 0.7, 3.0, 23.0  # a gap of 20: bucket 4
    lost = 0.5 * losses[4] * (0.7 + 0.5)
    assert told.forgetting_reason(x, p, 2, "graphs") == (
        f"20 answers since the last on graphs: {lost:.2f} of it has faded"
    )
    x[z_at + 2] = -0.45
    assert told.forgetting_reason(x, p, 2, "graphs") is None
    x[z_at + 2], x[0] = 0.7, 1e6
    assert str(told.forgetting_reason(x, p, 2, "graphs")).startswith("999997 answers")


def test_the_cheap_way_to_interference_is_the_same_number() -> None:
    scoring = Scoring(physics(3, 8, 32))
    x = answered(scoring, 4)
    for item in range(32):
        for before, basis in enumerate(scoring.parameters.basis):
            dense = told.interference(told._relaxed(scoring, x), told._effect(scoring, item), basis)
            assert scoring.interfered(x, item, before) == pytest.approx(dense, abs=1e-12)
