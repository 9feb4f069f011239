"""The limits in which the scoring is a known model, against that model written by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.quantum.parameters import LAGS, Parameters
from engines.quantum.scoring import Scoring
from engines.quantum.state import rho_of
from tests.engines.quantum.twin import answers_of, bases_of, luck_of, problem, replaced

WITHIN = 1e-12
N = 120
SEEDS = st.integers(0, 999)
LEVELS = st.sampled_from([2, 3, 4, 8])


def said(p: Parameters, seed: int) -> Any:
    """Items, outcomes, p_G, P and the last state of one learner."""
    scoring = Scoring(p)
    x = scoring.fresh()
    items, right = answers_of(seed, p, N)
    return items, right, *scoring.answer_all(x, items, right), x


def sigmoid(v: float) -> float:
    return 1.0 / (1.0 + math.exp(-v))


class HiddenMarkov:
    """Forward algorithm: states with emissions, replacement before each answer."""

    def __init__(self, prior: Any, floor: Any, p: Parameters) -> None:
        self.alpha, self.floor, self.p = list(prior), list(floor), p

    def forecast_then_answer(self, item: int, right: int) -> float:
        p, skill = self.p, self.p.combination[item]
        loss, states = p.forgetting, range(len(self.alpha))
        alpha = [(1 - loss) * a + loss * f for a, f in zip(self.alpha, self.floor, strict=True)]
        hit = [sigmoid(p.level[skill][j] - p.difficulty[item]) for j in states]
        told = float(sum(alpha[j] * hit[j] for j in states))
        seen = [alpha[j] * (hit[j] if right else 1 - hit[j]) for j in states]
        total = sum(seen)
        step = p.transition[right]
        self.alpha = [sum(step[j][k] * seen[k] / total for k in states) for j in states]
        return told


@given(LEVELS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_without_rotation_it_is_a_hidden_markov_model(d: int, seed: int) -> None:
    p = problem(seed, d)
    p = replaced(p, basis=np.broadcast_to(np.eye(d), p.basis.shape))
    items, right, p_g, _, x = said(p, seed)
    model = HiddenMarkov(p.start, p.start, p)
    told = [model.forecast_then_answer(*row) for row in zip(items, right, strict=True)]
    assert np.abs(p_g - told).max() <= WITHIN
    rho = rho_of(x, p)
    assert np.abs(rho - np.diag(rho.diagonal())).max() == 0.0
    assert np.abs(rho.diagonal().real - model.alpha).max() <= WITHIN


@given(LEVELS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_with_one_basis_it_is_a_hidden_markov_model_started_elsewhere(d: int, seed: int) -> None:
    p, v = problem(seed, d), bases_of(luck_of(seed), 1, d)[0]
    p = replaced(p, basis=np.broadcast_to(v, p.basis.shape))
    items, right, p_g, _, _ = said(p, seed)
    prior = (np.abs(v) ** 2) @ p.start
    model = HiddenMarkov(prior, prior, p)
    told = [model.forecast_then_answer(*row) for row in zip(items, right, strict=True)]
    assert np.abs(p_g - told).max() <= WITHIN


@given(LEVELS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_without_channels_it_is_a_rasch_model_on_a_grid(d: int, seed: int) -> None:
    p, v = problem(seed, d), bases_of(luck_of(seed), 1, d)[0]
    grid = np.linspace(-1.5, 1.5, d)
    p = replaced(
        p,
        basis=np.broadcast_to(v, p.basis.shape),
        level=np.broadcast_to(grid, p.level.shape),
        transition=np.stack([np.eye(d)] * 2),
        forgetting=0.0,
    )
    items, right, p_g, _, _ = said(p, seed)
    prior = (np.abs(v) ** 2) @ p.start
    # The whole likelihood anew at each answer, from the products. Nothing here forgets, so a
    # population of 1e-8 that later answers bring back has lost eight digits in a turned basis.
    least = 1.0
    for n in range(25):
        weight = [float(w) for w in prior]
        for item, y in zip(items[:n], right[:n], strict=True):
            for j in range(d):
                hit = sigmoid(grid[j] - p.difficulty[item])
                weight[j] *= hit if y else 1.0 - hit
        hits = [sigmoid(c - p.difficulty[items[n]]) for c in grid]
        told = sum(w * h for w, h in zip(weight, hits, strict=True)) / sum(weight)
        least = min(least, min(weight) / sum(weight))
        assert abs(p_g[n] - told) <= max(WITHIN, 1e-14 / least)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_with_one_level_it_is_bayesian_knowledge_tracing(seed: int) -> None:
    p = problem(seed, 1)
    step = p.register_transition[0]
    p = replaced(
        p,
        register_weight=1.0,
        register_forgetting=np.zeros(LAGS),
        register_transition=np.stack([step, step]),
        neighbours=np.full_like(p.neighbours, -1),
    )
    items, right, _, told, _ = said(p, seed)
    knows = {s: (1.0 + p.register_start[s]) / 2.0 for s in range(p.n_skills)}
    learn, forget = step[1, 0], step[0, 1]
    for n in range(N):
        item, s = items[n], int(p.combination[items[n]])
        apart = p.level[s, 0] - p.difficulty[item]
        guess = sigmoid(p.register_level[s, 0] + apart)
        slip = 1.0 - sigmoid(p.register_level[s, 1] + apart)
        known = knows[s]
        assert abs(told[n] - (known * (1 - slip) + (1 - known) * guess)) <= WITHIN
        if right[n]:
            known = known * (1 - slip) / (known * (1 - slip) + (1 - known) * guess)
        else:
            known = known * slip / (known * slip + (1 - known) * (1 - guess))
        knows[s] = known * (1 - forget) + (1 - known) * learn


@given(LEVELS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_registers_without_a_say_leave_the_forecast_to_the_density_matrix(
    d: int, seed: int
) -> None:
    p = problem(seed, d)
    p = replaced(
        p,
        register_level=np.zeros_like(p.register_level),
        register_weight=1.0,
        neighbours=np.full_like(p.neighbours, -1),
    )
    _, _, p_g, told, _ = said(p, seed)
    assert np.abs(p_g - told).max() <= WITHIN


@given(LEVELS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_without_links_skills_are_independent_given_the_density_matrix(d: int, seed: int) -> None:
    p = replaced(problem(seed, d), neighbours=np.full((5, 3), -1))
    items, right, p_g, told, _ = said(p, seed)
    skills = p.combination[items]
    for s in range(p.n_skills):
        known, last = (1.0 + p.register_start[s]) / 2.0, -1
        for n in np.flatnonzero(skills == s):
            gap = n - last if last >= 0 else 1
            loss = p.register_forgetting[min(int(math.log2(gap)), LAGS - 1)]
            known = (1 - loss) * known + loss * (1.0 + p.register_start[s]) / 2.0
            v = p.register_weight * math.log(p_g[n] / (1.0 - p_g[n]))
            f = [sigmoid(m + v) for m in p.register_level[s]]
            assert abs(told[n] - ((1 - known) * f[0] + known * f[1])) <= WITHIN
            a = f if right[n] else [1 - f[0], 1 - f[1]]
            known = known * a[1] / (known * a[1] + (1 - known) * a[0])
            step = p.register_transition[right[n]]
            known, last = step[1, 0] * (1 - known) + step[1, 1] * known, int(n)


@given(LEVELS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_links_of_no_strength_are_no_links(d: int, seed: int) -> None:
    p = problem(seed, d)
    none = said(replaced(p, neighbours=np.full_like(p.neighbours, -1)), seed)
    weak, zero = said(replaced(p, kappa=1e-300), seed), said(replaced(p, kappa=0.0), seed)
    assert none[-1].tobytes() == zero[-1].tobytes()
    assert np.abs(none[-1] - weak[-1]).max() <= 1e-10


def test_the_limits_are_limits() -> None:
    """Where nothing is switched off the special models are wrong."""
    p = problem(4, 4)
    items, right, p_g, told, _ = said(p, 4)
    model = HiddenMarkov(p.start, p.start, p)
    markov = [model.forecast_then_answer(*row) for row in zip(items, right, strict=True)]
    assert np.abs(p_g - markov).max() > 0.01
    assert np.abs(p_g - told).max() > 0.01
    linked = said(replaced(p, neighbours=np.full_like(p.neighbours, -1)), 4)[3]
    assert np.abs(linked - told).max() == pytest.approx(0.05, abs=0.0499)
