"""The compiled loops equal the dense twin, and keep what they promise besides numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.maths import kernels as compiling
from engines.quantum import kernels as k
from engines.quantum import measurement
from engines.quantum.scoring import Scoring
from engines.quantum.state import registers_of, rho_of
from tests.engines.quantum import twin as dense
from tests.engines.quantum.twin import Twin, answers_of, luck_of, problem, replaced

WITHIN = 1e-12
SIZES = [1, 2, 3, 4, 8]


def lived(scoring: Scoring, seed: int, n: int = 30) -> Any:
    """A state after n random answers."""
    x = scoring.fresh()
    scoring.answer_all(x, *answers_of(seed, scoring.parameters, n))
    return x


# --- equal to the twin ---------------------------------------------------------------------------
@pytest.mark.parametrize("d", SIZES)
def test_a_thousand_answers_equal_the_twin(d: int) -> None:
    p = problem(d, d, skills=6, items=20, scale=1.5)
    scoring, twin, luck = Scoring(p), Twin(p), luck_of(50 + d)
    x, told = scoring.fresh(), set()
    for n in range(1000):
        if luck.random() < 0.05:  # a gap, as if other skills had been answered
            x[k.T_AT] = twin.t = int(x[k.T_AT]) + int(luck.integers(1, 900))
        item, right = int(luck.integers(p.n_items)), bool(luck.integers(2))
        weight = float(luck.choice([1.0, 1.0, 0.0, luck.random()]))
        guess = float(luck.random())
        before = x.copy()
        out = scoring.answer(x, item, right, weight=weight, guess=guess)
        expected = twin.answer(item, right, weight, guess)
        assert max(abs(out.p_g - expected[0]), abs(out.p - expected[1])) <= WITHIN
        assert np.abs(x - twin.array()).max() <= WITHIN, n
        z, after = registers_of(before, p)[0], registers_of(x, p)[0]
        assert out.moved == tuple(
            (v, z[v], after[v]) for v in p.neighbours[p.combination[item]].tolist() if v >= 0
        )
        told.add(len(out.moved))
    assert len(told) > 1


@pytest.mark.parametrize("d", SIZES)
def test_a_forecast_is_the_same_by_answer_and_by_score(d: int) -> None:
    p = problem(7 + d, d, forgetting=0.09)
    scoring = Scoring(p)
    x = lived(scoring, d)
    p_g, forecast = scoring.score(x, np.arange(p.n_items))
    for item in range(p.n_items):
        out = scoring.answer(x.copy(), item, True)
        assert (out.p_g, out.p) == pytest.approx((p_g[item], forecast[item]), abs=1e-14)


def test_answers_in_one_call_have_the_bits_of_answers_one_by_one() -> None:
    p = problem(3, 8)
    scoring, luck = Scoring(p), luck_of(4)
    items, right = answers_of(5, p, 200)
    weight, guess = luck.choice([0.0, 0.3, 1.0], 200), luck.random(200)
    x, other = scoring.fresh(), scoring.fresh()
    together = scoring.answer_all(x, items, right, weight=weight, guess=guess)
    single = [
        scoring.answer(other, int(i), bool(y), weight=float(w), guess=float(g))
        for i, y, w, g in zip(items, right, weight, guess, strict=True)
    ]
    assert x.tobytes() == other.tobytes()
    assert together[0].tolist() == [out.p_g for out in single]
    assert together[1].tolist() == [out.p for out in single]


# --- weight of evidence --------------------------------------------------------------------------
@given(st.sampled_from(SIZES), st.integers(0, 99), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_weight_moves_the_channels_only(d: int, seed: int, right: bool) -> None:
    p = problem(seed, d)
    scoring = Scoring(p)
    x = lived(scoring, seed)
    item, s = 0, int(p.combination[0])
    before, twin = registers_of(x, p)[0], Twin(p)
    twin.rho, twin.t, twin.last = rho_of(x, p), int(x[k.T_AT]), registers_of(x, p)[1].tolist()
    twin.qubits = [dense.qubit(z) for z in before]
    out = scoring.answer(x, item, right, weight=0.0)
    assert out.eta == 0.0 == out.gradient
    assert all(z == after for _, z, after in out.moved)
    after = registers_of(x, p)[0]
    assert np.delete(after, s).tolist() == np.delete(before, s).tolist()
    twin.answer(item, right, 0.0)
    assert np.abs(x - twin.array()).max() <= WITHIN


def test_no_weight_and_no_channels_move_nothing_but_the_clock() -> None:
    p = replaced(
        problem(2, 4),
        transition=np.stack([np.eye(4)] * 2),
        forgetting=0.0,
        register_transition=np.stack([np.eye(2)] * 2),
        register_forgetting=np.zeros(10),
    )
    scoring = Scoring(p)
    x = lived(scoring, 1)
    before = x.copy()
    scoring.answer(x, 3, True, weight=0.0, guess=0.0)
    stays = 1 + 16 + p.n_skills
    assert np.abs(x[1:stays] - before[1:stays]).max() <= 1e-15
    assert x[0] == before[0] + 1
    assert registers_of(x, p)[1][p.combination[3]] == before[0]


@pytest.mark.parametrize("right", [True, False])
def test_an_assisted_attempt_is_an_answer_without_weight(right: bool) -> None:
    scoring = Scoring(problem(5, 8))
    x, other = lived(scoring, 6), lived(scoring, 6)
    scoring.practised(x, 4, right)
    scoring.answer(other, 4, right, weight=0.0, guess=0.7)
    assert x.tobytes() == other.tobytes()


def test_the_less_weight_the_less_an_answer_moves() -> None:
    scoring = Scoring(problem(8, 4))
    x = lived(scoring, 3)
    etas = [
        scoring.answer(x.copy(), 2, True, weight=w, guess=0.2).eta for w in np.linspace(0, 1, 9)
    ]
    assert np.all(np.diff(np.abs(etas)) > 0.0)


# --- what it says --------------------------------------------------------------------------------
@pytest.mark.parametrize("d", SIZES)
def test_information_equals_the_readable_form(d: int) -> None:
    p = problem(20 + d, d)
    scoring = Scoring(p)
    x, items = lived(scoring, 2), np.arange(p.n_items)
    informed, narrowed = scoring.informed(x, items), scoring.narrowed(x, items)
    twin = Twin(p)
    twin.rho, twin.t, twin.last = rho_of(x, p), int(x[0]), registers_of(x, p)[1].tolist()
    twin.qubits = [dense.qubit(z) for z in registers_of(x, p)[0]]
    for item in range(p.n_items):
        s, b = int(p.combination[item]), float(p.difficulty[item])
        rho, register = twin.relaxed(s)
        value = measurement.information(rho, measurement.effect(p.basis[s], p.level[s], b))
        f = measurement.register_effects(
            p.register_level[s], p.register_weight, twin.forecast(item)[0]
        )
        value += measurement.register_information(register[1, 1] - register[0, 0], f)
        assert informed[item] == pytest.approx(value, abs=1e-13)
        assert informed[item] >= -1e-15
        q = (p.basis[s] @ rho @ p.basis[s].conj().T).diagonal().real
        assert np.abs(scoring.levels(x, s) - q).max() <= WITHIN
        fall = measurement.narrowing(q, p.level[s], b)
        assert narrowed[item] == pytest.approx(fall, abs=1e-12)
        theta, sd = scoring.theta(x, s)
        assert theta == pytest.approx(q @ p.level[s], abs=WITHIN)
        assert sd**2 == pytest.approx(q @ p.level[s] ** 2 - theta**2, abs=1e-11)


@pytest.mark.parametrize("scale", [1.0, 40.0, 200.0])
def test_information_is_never_negative(scale: float) -> None:
    for seed in range(20):
        scoring = Scoring(problem(seed, 8, scale=scale, kappa=1.0))
        x = lived(scoring, seed)
        value = scoring.informed(x, np.arange(scoring.parameters.n_items))
        assert np.isfinite(value).all()
        assert value.min() >= -1e-15


@pytest.mark.parametrize("d", SIZES)
def test_mastery_is_the_forecast_with_the_quantiles_of_what_is_believed(d: int) -> None:
    p = problem(30 + d, d)
    scoring = Scoring(p)
    x, luck = lived(scoring, 1), luck_of(d)
    references = np.column_stack([np.arange(p.n_skills), luck.normal(size=p.n_skills)])
    told = scoring.mastery_all(x, references)
    for (skill, b), row in zip(references, told, strict=True):
        s = int(skill)
        q, z = scoring.levels(x, s), registers_of(x, p)
        gap = int(x[0]) - z[1][s]
        loss = p.register_forgetting[min(int(math.log2(gap)), 9) if z[1][s] >= 0 else 0]
        z_now = (1.0 - loss) * z[0][s] + loss * p.register_start[s]
        e = measurement.effect_row(p.level[s], b)
        f = measurement.register_effects(p.register_level[s], p.register_weight, float(q @ e))
        at = measurement.forecast(z_now, f)
        values, weights = [], []
        for j in range(d):
            f = measurement.register_effects(p.register_level[s], p.register_weight, float(e[j]))
            values += f.tolist()
            weights += [q[j] * (1.0 - z_now) / 2.0, q[j] * (1.0 + z_now) / 2.0]
        ends = np.quantile(values, [0.1, 0.9], weights=weights, method="inverted_cdf")
        expected = at, min(ends[0], at), max(ends[1], at)
        assert row == pytest.approx(expected, abs=WITHIN)
        assert scoring.mastery(x, s, float(b)) == tuple(row)
    items = scoring.mastery_all(x, np.column_stack([p.combination, p.difficulty]))[:, 0]
    assert items == pytest.approx(scoring.score(x, np.arange(p.n_items))[1], abs=1e-14)


@given(st.sampled_from(SIZES), st.integers(0, 99), st.sampled_from([1.0, 4.0]))
@settings(max_examples=30, deadline=None)
def test_the_forecast_falls_with_difficulty_and_meets_the_band(
    d: int, seed: int, scale: float
) -> None:
    scoring = Scoring(problem(seed, d, scale=scale))
    x = lived(scoring, seed)
    b = np.linspace(-30.0, 30.0, 200)
    for s in range(scoring.parameters.n_skills):
        p = scoring.mastery_all(x, np.column_stack([np.full(200, s), b]))[:, 0]
        assert np.diff(p).max() <= 1e-15
        easy, hard = scoring.target(x, s, 0.6, 0.8)
        assert easy <= hard
        for at, wanted in ((easy, 0.8), (hard, 0.6)):
            if p.min() < wanted - 0.001 and p.max() > wanted + 0.001:
                assert scoring.mastery(x, s, at)[0] == pytest.approx(wanted, abs=1e-9)


def test_the_gradient_is_that_of_the_likelihood() -> None:
    p = problem(12, 4)
    scoring = Scoring(p)
    x, step = lived(scoring, 9), 1e-5
    for item in range(p.n_items):
        for right in (True, False):
            logs = []
            for move in (step, -step):
                b = p.difficulty.copy()
                b[item] += move
                p_g = scoring.renewed(difficulty=b).score(x, np.array([item]))[0][0]
                logs.append(math.log(p_g if right else 1.0 - p_g))
            out = scoring.answer(x.copy(), item, right)
            assert -out.gradient == pytest.approx((logs[0] - logs[1]) / (2 * step), abs=1e-8)


def test_a_version_is_the_same_as_other_parameters() -> None:
    p, luck = problem(13, 4), luck_of(1)
    b, o = luck.normal(size=p.n_items), luck.normal(size=p.n_skills)
    versions = Scoring(p, b, o), Scoring(p).renewed(b, o)
    other = Scoring(replaced(p, difficulty=b, level=p.level + o[:, None]))
    x = [lived(scoring, 3).tobytes() for scoring in (*versions, other)]
    assert x[0] == x[1] == x[2]
    assert versions[0].difficulty_of(3) == pytest.approx(b[3], abs=1e-15)
    assert versions[0].level_of(2) == pytest.approx(p.level[2] + o[2])
    for wrong in (b[1:], np.full_like(b, np.nan), np.full_like(b, 701.0)):
        with pytest.raises(ValueError, match="expected difficulty"):
            Scoring(p, wrong)
    with pytest.raises(ValueError, match="expected offset"):
        Scoring(p, None, np.full(p.n_skills, np.inf))


def test_calibration_leaves_the_updates_alone() -> None:
    p = problem(14, 4)
    plain, told = Scoring(p), Scoring(replaced(p, slope=0.8, intercept=0.3))
    assert lived(plain, 2).tobytes() == lived(told, 2).tobytes()
    x = lived(plain, 2)
    raw = plain.mastery_all(x, np.array([[0.0, 0.5], [1.0, -0.5]]))
    shown = told.mastery_all(x, np.array([[0.0, 0.5], [1.0, -0.5]]))
    expected = 1.0 / (1.0 + np.exp(-(0.8 * np.log(raw / (1.0 - raw)) + 0.3)))
    assert shown == pytest.approx(expected, abs=1e-14)
    assert told.calibrated(0.7) == pytest.approx(told.calibrated(np.array([0.7]))[0], abs=1e-15)
    assert plain.calibrated(0.7) == 0.7
    easy, hard = told.target(x, 1, 0.55, 0.65)
    assert told.mastery(x, 1, easy)[0] == pytest.approx(0.65, abs=1e-9)
    assert told.mastery(x, 1, hard)[0] == pytest.approx(0.55, abs=1e-9)


# --- invariances ---------------------------------------------------------------------------------
@given(st.sampled_from(SIZES), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_phases_on_the_left_of_a_basis_change_nothing(d: int, seed: int) -> None:
    p = problem(seed, d)
    phases = np.exp(2j * np.pi * luck_of(seed + 1).random((p.n_skills, d, 1)))
    other = replaced(p, basis=phases * p.basis)
    assert np.abs(lived(Scoring(p), seed) - lived(Scoring(other), seed)).max() <= WITHIN


@given(st.sampled_from(SIZES), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_other_names_of_skills_and_items_permute_what_comes_out(d: int, seed: int) -> None:
    p, luck = problem(seed, d), luck_of(seed)
    new_skill, new_item = luck.permutation(p.n_skills), luck.permutation(p.n_items)
    old, old_item = np.argsort(new_skill), np.argsort(new_item)
    near = p.neighbours[old]
    other = replaced(
        p, basis=p.basis[old], level=p.level[old], difficulty=p.difficulty[old_item],
        combination=new_skill[p.combination[old_item]], register_level=p.register_level[old],
        register_start=p.register_start[old], correlation=p.correlation[old],
        neighbours=np.where(near >= 0, new_skill[near], -1),
    )  # fmt: skip
    items, right = answers_of(seed, p, 40)
    one, two = Scoring(p), Scoring(other)
    x, y = one.fresh(), two.fresh()
    said = one.answer_all(x, items, right), two.answer_all(y, new_item[items], right)
    assert np.array(said[0]).tobytes() == np.array(said[1]).tobytes()
    for mine, others in zip(registers_of(x, p), registers_of(y, other), strict=True):
        assert mine.tolist() == others[new_skill].tolist()


def test_a_basis_can_be_rotated_together_with_the_preparation_only() -> None:
    """The gauge: U_s V for all skills is another model unless rho_0 turns too."""
    p = problem(15, 4)
    v = dense.bases_of(luck_of(2), 1, 4)[0]
    other = replaced(p, basis=p.basis @ v)
    assert np.abs(lived(Scoring(p), 1) - lived(Scoring(other), 1)).max() > 1e-3


# --- promises of compiled code -------------------------------------------------------------------
def test_kernels_refuse_other_numbers_than_they_were_compiled_for() -> None:
    scoring = Scoring(problem(16, 4))
    x, items = lived(scoring, 1), np.arange(3)
    with pytest.raises(TypeError):
        scoring.answer(x.astype(np.float32), 0, True)
    with pytest.raises(TypeError):
        scoring.answer(np.repeat(x, 2)[::2], 0, True)
    with pytest.raises(TypeError):
        scoring.score(x.astype(np.float32), items)
    with pytest.raises(TypeError):
        scoring.score(x, np.arange(6)[::2])
    with pytest.raises(TypeError):
        scoring.score(x, items.astype(np.float64))
    frozen = x.copy()
    frozen.setflags(write=False)
    with pytest.raises(TypeError):
        scoring.answer(frozen, 0, True)
    assert scoring.score(frozen, items)[1].tolist() == scoring.score(x, items)[1].tolist()


def test_nothing_is_compiled_by_use() -> None:
    k.warm()
    before = compiling.compiled()
    scoring = Scoring(problem(17, 8))
    x = lived(scoring, 1)
    scoring.answer(x, 0, True)
    scoring.practised(x, 0, True)
    scoring.informed(x, np.arange(3))
    scoring.narrowed(x, np.arange(3))
    scoring.theta(x, 0)
    scoring.mastery(x, 0, 0.0)
    scoring.target(x, 0, 0.7, 0.8)
    assert compiling.compiled() == before
