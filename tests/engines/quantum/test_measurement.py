"""Measurements and channels in their readable form keep what quantum mechanics promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.quantum import kernels, measurement
from engines.quantum.scoring import Scoring
from engines.quantum.state import (
    coherence,
    jump_operators,
    jumped,
    purity,
    replaced,
    rho_of,
    turned,
)
from tests.engines.quantum.twin import answers_of, bases_of, columns_of, luck_of, problem

SEEDS, LEVELS = st.integers(0, 9999), st.sampled_from([1, 2, 3, 4, 8])


def density(seed: int, d: int) -> Any:
    """A random density matrix, now and then a pure or a singular one."""
    luck = luck_of(seed)
    rank = int(luck.integers(1, d + 1))
    a = luck.normal(size=(d, rank)) + 1j * luck.normal(size=(d, rank))
    rho = a @ a.conj().T
    return rho / np.trace(rho).real


def item_of(seed: int, d: int, scale: float = 3.0) -> Any:
    """Basis, level logits, difficulty."""
    luck = luck_of(seed + 1)
    return bases_of(luck, 1, d)[0], scale * luck.normal(size=d), float(scale * luck.normal())


@given(SEEDS, LEVELS, st.sampled_from([1.0, 10.0, 200.0]))
@settings(max_examples=60, deadline=None)
def test_effects_are_positive_and_complete(seed: int, d: int, scale: float) -> None:
    u, c, b = item_of(seed, d, scale)
    right, wrong = (measurement.effect(u, c, b, y) for y in (True, False))
    assert np.abs(right + wrong - np.eye(d)).max() <= 1e-14
    for e in (right, wrong):
        assert np.linalg.eigvalsh(e).min() > -1e-14
    row = measurement.effect_row(c, b)
    assert (row + measurement.effect_row(c, b, False) == 1.0).all()
    assert row.min() > 0.0
    assert row.max() < 1.0


@given(SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_the_learning_channel_is_its_kraus_operators(seed: int, d: int) -> None:
    t = columns_of(luck_of(seed), d, 1.0)[0]
    operators = jump_operators(t)
    assert len(operators) == 1 + d * (d - 1)
    total = np.einsum("nji,njk->ik", operators.conj(), operators)
    assert np.abs(total - np.eye(d)).max() <= 1e-14
    r = density(seed, d)
    after = np.einsum("nij,jk,nlk->il", operators, r, operators.conj())
    assert np.abs(after - jumped(r, t)).max() <= 1e-15
    assert np.trace(after).real == pytest.approx(1.0, abs=1e-14)


@given(SEEDS, LEVELS, st.floats(0.0, 1.0), st.floats(0.01, 0.99), st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_update_is_the_instrument(
    seed: int, d: int, weight: float, rate: float, right: bool
) -> None:
    rho, (u, c, b) = density(seed, d), item_of(seed, d)
    e = measurement.effect(u, c, b, right)
    after, p = measurement.updated(rho, e, weight, rate)
    assert np.trace(after).real == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.eigvalsh(after).min() >= -1e-12
    if weight == 0.0:
        assert after is rho
        return
    assert p == pytest.approx(weight * measurement.born(rho, e) + (1 - weight) * rate, abs=1e-13)
    root = u.conj().T @ np.diag(np.sqrt(measurement.effect_row(c, b, right))) @ u
    expected = (weight * root @ rho @ root + (1 - weight) * rate * rho) / p
    assert np.abs(after - expected).max() <= 1e-11


@given(SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_both_what_ifs_average_to_less_coherence_never_to_less_information(
    seed: int, d: int
) -> None:
    rho, (u, c, b) = density(seed, d), item_of(seed, d)
    e = measurement.effect(u, c, b)
    (p, after), (q, other) = measurement.what_ifs(rho, e)
    assert p + q == pytest.approx(1.0, abs=1e-13)
    assert p == pytest.approx(measurement.born(rho, e), abs=1e-13)
    mean = turned(u, p * after + q * other)
    assert np.abs((mean - turned(u, rho)).diagonal()).max() <= 1e-11
    assert coherence(mean) <= coherence(turned(u, rho)) + 1e-10
    assert measurement.information(rho, e) >= -1e-12
    assert p * purity(after) + q * purity(other) - purity(rho) == pytest.approx(
        measurement.information(rho, e), abs=1e-15
    )


def test_an_outcome_that_cannot_happen_is_refused() -> None:
    with pytest.raises(ZeroDivisionError, match="expected an outcome that can happen"):
        measurement.updated(np.diag([1.0, 0.0]).astype(complex), np.diag([0.0, 1.0]))


@given(SEEDS, LEVELS)
@settings(max_examples=60, deadline=None)
def test_levels_learn_about_their_logits_from_any_answer(seed: int, d: int) -> None:
    u, c, b = item_of(seed, d)
    q = turned(u, density(seed, d)).diagonal().real
    assert measurement.narrowing(q, c, b) >= -1e-12


@given(st.floats(-1.0, 1.0), st.floats(-4.0, 4.0), st.floats(-4.0, 4.0), st.floats(0.01, 0.99))
def test_a_register_gains_by_any_answer(z: float, m_0: float, m_1: float, p_g: float) -> None:
    f = measurement.register_effects(np.array([m_0, m_1]), 1.0, p_g)
    assert 0.0 < measurement.forecast(z, f) < 1.0
    assert measurement.register_information(z, f) >= -1e-15
    for right in (True, False):
        eta = measurement.evidence(f, right)
        assert -1.0 < eta < 1.0
        assert abs(measurement.register_updated(z, eta)) <= 1.0
        assert measurement.evidence(f, right, 0.0) == 0.0
    p = measurement.forecast(z, f)
    mean = p * measurement.register_updated(z, measurement.evidence(f, True))
    mean += (1.0 - p) * measurement.register_updated(z, measurement.evidence(f, False))
    assert mean == pytest.approx(z, abs=1e-12)


@given(SEEDS, LEVELS, st.booleans(), st.floats(0.05, 1.0))
@settings(max_examples=40, deadline=None)
def test_the_readable_steps_make_the_compiled_answer(
    seed: int, d: int, right: bool, weight: float
) -> None:
    p = problem(seed, d, slots=0)
    scoring = Scoring(p)
    x = scoring.fresh()
    scoring.answer_all(x, *answers_of(seed, p, 10))
    s, guess, y = int(p.combination[0]), 0.2, int(right)
    rho = replaced(rho_of(x, p), p.start, p.forgetting)
    e = measurement.effect(p.basis[s], p.level[s], float(p.difficulty[0]), right)
    rate = guess if right else 1.0 - guess
    after, _ = measurement.updated(rho, e, weight, rate)
    after = turned(p.basis[s].conj().T, jumped(turned(p.basis[s], after), p.transition[y]))
    out = scoring.answer(x, 0, right, weight=weight, guess=guess)
    assert np.abs(rho_of(x, p) - after).max() <= 1e-11
    assert out.p_g == pytest.approx(
        measurement.born(rho, measurement.effect(p.basis[s], p.level[s], p.difficulty[0])),
        abs=1e-13,
    )
    f = measurement.register_effects(p.register_level[s], p.register_weight, out.p_g)
    assert out.eta == pytest.approx(measurement.evidence(f, right, weight, guess), abs=1e-13)
    assert len(out.moved) == 0


def test_purity_and_coherence_of_known_states() -> None:
    assert purity(np.eye(4, dtype=np.complex128) / 4) == pytest.approx(0.25)
    pure = np.full((2, 2), 0.5, np.complex128)
    assert purity(pure) == pytest.approx(1.0)
    assert coherence(pure) == pytest.approx(1.0)
    assert coherence(np.diag([0.3, 0.7]) + 0j) == 0.0


def test_the_clamps_are_those_of_the_kernels() -> None:
    assert kernels.P_LEAST == measurement.P_LEAST
    assert np.exp(measurement.LOGIT_MOST) == kernels.ODDS_MOST
    assert measurement.sigmoid(np.array([1e9])) == measurement.sigmoid(np.array([20.0]))
