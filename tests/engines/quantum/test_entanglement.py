"""Pairs of registers: never negative, measured as a pair is, estimated from surprises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.quantum.entanglement import (
    correlated,
    moved,
    mutual_information,
    neighbours,
    pair_populations,
)
from engines.quantum.fit.links import links
from engines.quantum.kernels import RHO
from engines.quantum.scoring import Scoring
from tests.engines.quantum.twin import answers_of, luck_of, problem

ends = st.floats(-1.0, 1.0)


@given(ends, ends, ends, st.floats(0.0, 1.0))
@settings(max_examples=300)
def test_pair_populations_are_a_distribution_with_the_given_margins(
    z: float, other: float, eps: float, kappa: float
) -> None:
    c = correlated(z, other, eps, kappa)
    pair = pair_populations(z, other, c)
    assert pair.min() >= -1e-16
    assert pair.sum() == pytest.approx(1.0, abs=1e-15)
    assert pair.sum(axis=1) == pytest.approx([(1 - z) / 2, (1 + z) / 2], abs=1e-15)
    assert pair.sum(axis=0) == pytest.approx([(1 - other) / 2, (1 + other) / 2], abs=1e-15)


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), ends, st.floats(0.0, 0.5))
def test_strength_times_eps_is_pearsons_correlation(
    z: float, other: float, eps: float, kappa: float
) -> None:
    """Where positivity does not bind."""
    c = correlated(z, other, eps, kappa)
    if abs(z + other) - 1.0 < c < 1.0 - abs(z - other):
        pearson = (c - z * other) / np.sqrt((1 - z * z) * (1 - other * other))
        assert pearson == pytest.approx(kappa * eps, abs=1e-12)


@given(ends, ends, ends, st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_a_neighbour_moves_as_bayes_rule_on_the_pair_says(
    z: float, other: float, eps: float, a_0: float, a_1: float
) -> None:
    c = correlated(z, other, eps, 1.0)
    pair = pair_populations(z, other, c) * np.array([[a_0], [a_1]])
    after = pair.sum(axis=0) / pair.sum()
    eta = (a_1 - a_0) / (a_1 + a_0)
    assert moved(z, other, c, eta) == pytest.approx(after[1] - after[0], abs=1e-9)


@given(ends, ends, ends)
def test_pairs_tell_of_each_other_at_most_a_bit(z: float, other: float, eps: float) -> None:
    bits = mutual_information(pair_populations(z, other, correlated(z, other, eps, 1.0)))
    assert 0.0 <= bits <= 1.0 + 1e-12
    assert mutual_information(pair_populations(z, other, z * other)) <= 1e-12


def test_the_compiled_links_are_these() -> None:
    p = problem(3, 2, skills=6, slots=4, kappa=0.8)
    scoring = Scoring(p)
    x = scoring.fresh()
    scoring.answer_all(x, *answers_of(1, p, 30))
    for item in range(p.n_items):
        s, told = int(p.combination[item]), neighbours(x, p, int(p.combination[item]))
        assert [link.skill for link in told] == [v for v in p.neighbours[s].tolist() if v >= 0]
        assert all(link.bits >= 0.0 for link in told)
        y = x.copy()
        y[1 + 4 + p.n_skills + s] = x[0] - 1  # a gap of 1: bucket 0
        loss = p.register_forgetting[0]
        z = (1.0 - loss) * y[RHO + 4 + s] + loss * p.register_start[s]
        out = scoring.answer(y, item, True)
        for link, (v, before, after) in zip(told, out.moved, strict=True):
            assert v == link.skill
            c = correlated(z, before, link.eps, p.kappa)
            assert after == pytest.approx(moved(z, before, c, out.eta), abs=1e-14)


def test_links_are_estimated_as_written() -> None:
    luck = luck_of(4)
    n, learners, skills = 900, 30, 5
    learner, skill = luck.integers(0, learners, n), luck.integers(0, skills - 1, n)
    p, right = luck.uniform(0.1, 0.9, n), luck.integers(0, 2, n)
    near, eps = links(learner, skill, right, p, skills)
    for s in range(skills):
        found = {}
        for v in range(skills):
            pairs = []
            for u in range(learners):
                rows = [(learner == u) & (skill == k) for k in (s, v)]
                if v != s and all(r.any() for r in rows):
                    spread = [np.sqrt((p[r] * (1 - p[r])).sum() + 1) for r in rows]
                    over = [(right[r] - p[r]).sum() for r in rows]
                    pairs.append([a / b for a, b in zip(over, spread, strict=True)])
            if pairs:
                z = np.array(pairs)
                value = z[:, 0] @ z[:, 1] / np.sqrt((z[:, 0] @ z[:, 0]) * (z[:, 1] @ z[:, 1]))
                value *= len(z) / (len(z) + 60)
                if abs(value) > 0.001:
                    found[v] = value
        kept = sorted(found, key=lambda v: -abs(found[v]))
        assert [v for v in near[s].tolist() if v >= 0] == kept
        assert eps[s, : len(kept)] == pytest.approx([found[v] for v in kept], abs=1e-12)
    assert (near[skills - 1] == -1).all()
