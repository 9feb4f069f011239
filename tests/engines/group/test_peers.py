"""Tutor pairs: the cheapest there are, in turn, within the limits of a week."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from engines.group.peers import assignment, tutor_pairs
from engines.words import Floats


def luck(key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(key))


@settings(max_examples=80, deadline=None)
@given(rows=st.integers(1, 30), columns=st.integers(1, 30), key=st.integers(0, 2**32))
def test_an_assignment_costs_what_the_oracle_finds(rows: int, columns: int, key: int) -> None:
    of = luck(key)
    cost = of.normal(size=(rows, columns))
    if key % 2:
        cost = np.round(cost)  # many ties
    cost[of.uniform(size=cost.shape) < 0.2] = 1e6
    pairs = assignment(cost)
    assert len(pairs) == len({r for r, _ in pairs}) == len({c for _, c in pairs}) == min(cost.shape)
    r, c = linear_sum_assignment(cost)
    found = sum(cost[pair] for pair in pairs)
    assert found == pytest.approx(cost[r, c].sum(), rel=1e-12, abs=1e-9)


def test_costs_are_finite_numbers_in_a_table() -> None:
    with pytest.raises(ValueError, match="expected costs"):
        assignment(np.zeros(3))
    with pytest.raises(ValueError, match="expected finite"):
        assignment(np.array([[np.inf]]))


def cheapest(cost: Floats, tutors: list[int], learners: list[int]) -> float:
    """The least sum over all ways, a pair that must not be left out costing 1e6."""
    if len(tutors) < len(learners):
        cost, tutors, learners = cost.T, learners, tutors
    ways = permutations(range(len(tutors)), len(learners))
    return float(min(sum(cost[t, c] for c, t in enumerate(way)) for way in ways))


@pytest.mark.parametrize("key", range(60))
def test_pairs_are_as_many_as_can_be_and_the_cheapest(key: int) -> None:
    of = luck(key)
    mastery = of.choice([0.2, 0.6, 0.9, 0.92, 0.97], size=(8, 3))
    stuck = {member: int(of.integers(3)) for member in range(int(of.integers(1, 5)))}
    helped = {member: int(of.integers(3)) for member in range(8)}
    active = [member for member in range(8) if of.integers(4)]
    pairs = tutor_pairs(mastery, stuck, active, helped)
    assert pairs == tutor_pairs(mastery, stuck, active, helped)
    used = [m for pair in pairs for m in (pair.tutor, pair.learner)]
    assert len(set(used)) == len(used)
    assert {*used} <= {*active}
    masters = [
        m for m in active if m not in stuck and any(mastery[m, s] >= 0.9 for s in stuck.values())
    ]
    mean = sum(helped[m] for m in masters) / max(1, len(masters))
    tutors = [m for m in masters if helped[m] + 1 <= mean + 2]
    learners = [m for m in stuck if m in active]
    cost = np.array(
        [
            [
                0.5 * helped[t] - (mastery[t, stuck[m]] - mastery[m, stuck[m]])
                if mastery[t, stuck[m]] >= 0.9 and mastery[t, stuck[m]] > mastery[m, stuck[m]]
                else 1e6
                for m in learners
            ]
            for t in tutors
        ]
    ).reshape(len(tutors), len(learners))
    missing = min(len(tutors), len(learners)) - len(pairs)
    found = sum(0.5 * helped[p.tutor] - p.gain for p in pairs) + 1e6 * missing
    assert found == pytest.approx(cheapest(cost, tutors, learners) if cost.size else 0.0)


def test_a_week_of_pairs_stays_within_two_above_the_mean() -> None:
    """One learner asks again and again, one master is the best by far: turns go round."""
    mastery = np.array([[0.99], [0.91], [0.91], [0.91], [0.1]])
    helped: dict[int, int] = {}
    for _ in range(40):
        pair = tutor_pairs(mastery, {4: 0}, range(5), helped)[0]
        helped[pair.tutor] = helped.get(pair.tutor, 0) + 1
        mean = sum(helped.values()) / 4
        assert max(helped.values()) <= mean + 2
    assert set(helped) == {0, 1, 2, 3}


def test_who_helped_often_rests_though_nobody_else_can() -> None:
    mastery = np.array([[0.95, 0.1], [0.1, 0.95], [0.1, 0.1], [0.1, 0.1]])
    assert tutor_pairs(mastery, {2: 0, 3: 1}, range(4), {0: 4, 1: 0})[0].tutor == 1
    assert len(tutor_pairs(mastery, {2: 0, 3: 1}, range(4), {0: 2, 1: 1})) == 2


def test_those_apart_are_no_pair() -> None:
    mastery = np.array([[0.95], [0.91], [0.1]])
    assert tutor_pairs(mastery, {2: 0}, range(3), {})[0].tutor == 0
    assert tutor_pairs(mastery, {2: 0}, range(3), {}, apart=[(2, 0)])[0].tutor == 1
    assert tutor_pairs(mastery, {2: 0}, range(3), {}, apart=[(2, 0), (1, 2)]) == ()
    assert tutor_pairs(mastery, {}, range(3), {}) == ()
    assert tutor_pairs(mastery, {2: 0}, [0, 1], {}) == ()


def test_only_the_teacher_reads_who_is_stuck() -> None:
    mastery = np.array([[0.95], [0.1]])
    pair = tutor_pairs(mastery, {1: 0}, range(2), {}, names=["Ana", "Bo"], skills=["signs"])[0]
    assert (
        pair.reason.text == "Ana has signs (95 %) and not yet helped this week; Bo is stuck on it"
    )
    for told in (pair.invitation, pair.offer):
        assert "Ana" not in told.text + str(told.args)
        assert "Bo" not in told.text + str(told.args)


@pytest.mark.parametrize(
    ("mastery", "stuck", "active", "helped"),
    [
        (np.full((2, 1), 1.5), {0: 0}, [0, 1], {}),
        (np.full(2, 0.5), {0: 0}, [0, 1], {}),
        (np.full((2, 1), 0.5), {2: 0}, [0, 1], {}),
        (np.full((2, 1), 0.5), {0: 1}, [0, 1], {}),
        (np.full((2, 1), 0.5), {0: 0}, [0, -1], {}),
        (np.full((2, 1), 0.5), {0: 0}, [0, 1], {1: -1}),
    ],
)
def test_what_makes_no_class_is_refused(mastery, stuck, active, helped) -> None:
    with pytest.raises(ValueError, match="expected"):
        tutor_pairs(mastery, stuck, active, helped)
