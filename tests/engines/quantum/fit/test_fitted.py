"""What a fit leaves: bytes, names, the filter against the plain twin; links; joint logs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.quantum.fit.calibration import calibrated
from engines.quantum.fit.cascade import halved, sequences
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.filtering import filtered
from engines.quantum.fit.fitted import Fitted, assembled
from engines.quantum.fit.joint import joined
from engines.quantum.fit.links import links
from engines.quantum.fit.nested import RESULT, Arrays, Settings, plan
from engines.responses import Responses, responses
from tests.engines.quantum.fit.logs import dice_of, drawn_log
from tests.engines.quantum.twin import Twin

DESIGNS = [Design(4, pull=2.0, epochs=2), Design(3, pull=1.0, real=True, epochs=2), Design(8)]


def fitted_on(log: Responses, design: Design, *, registers: bool = True) -> tuple[Fitted, Arrays]:
    settings = Settings((design,), (1, 2, 3, 4), 3, registers=registers, linked=registers)
    done: dict[str, Arrays] = {}
    for unit in plan(log, settings):
        done[unit.name] = unit.compute(done)
    return assembled(log, settings, done), done[RESULT]


@pytest.mark.parametrize("design", DESIGNS)
def test_the_filter_is_the_plain_twin_and_what_the_plan_forecast(design):
    log = drawn_log(1, learners=25)
    fit, result = fitted_on(log, design)
    p = fit.parameters
    assert (p.neighbours[:, 0] >= 0).any(), "links are on"
    p_g, forecast = filtered(p, fit.rows_of(log))
    test = log.fold == 0
    np.testing.assert_allclose(forecast[test], result["p"][test], atol=1e-12)
    for learner in np.unique(log.learner[test])[:2]:
        twin = Twin(p)
        for row in range(log.starts[learner], log.starts[learner + 1]):
            said = twin.answer(int(log.item[row]), bool(log.right[row]))
            assert said[:2] == pytest.approx((p_g[row], forecast[row]), abs=1e-12)


def test_bytes_come_back_and_damage_is_named():
    fit, _ = fitted_on(drawn_log(2), DESIGNS[0])
    data = replace(fit, final=b"stage").to_bytes()
    back = Fitted.from_bytes(data)
    assert back.to_bytes() == data
    assert (back.final, back.items, back.design) == (b"stage", fit.items, "Q4 at 2")
    assert back.parameters.crc == fit.parameters.crc
    assert back.item_answers.sum() == back.combination_answers.sum() == (2 * 40 * 20) // 2.5
    with pytest.raises(ValueError, match="beginning with"):
        Fitted.from_bytes(b"none")
    with pytest.raises(ValueError, match="CRC"):
        Fitted.from_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_without_registers_p_is_p_g():
    log = drawn_log(3)
    fit, result = fitted_on(log, DESIGNS[0], registers=False)
    p_g, p = filtered(fit.parameters, fit.rows_of(log))
    np.testing.assert_allclose(p, p_g, atol=1e-12)
    assert result["p"].tobytes() == result["p_g"].tobytes()


def test_an_item_not_met_counts_as_average_and_a_skill_not_met_is_refused():
    log = drawn_log(4)
    fit, _ = fitted_on(log, DESIGNS[0])
    name = fit.combinations[0]
    strange = responses([("x", "never met", name, 1, 0, None, None)])
    p_g, _ = filtered(fit.parameters, fit.rows_of(strange))
    p = fit.parameters
    at_zero = replace(p, difficulty=np.zeros(p.n_items))
    at = next(n for n in range(p.n_items) if p.combination[n] == 0)
    known = responses([("x", fit.items[at], name, 1, 0, None, None)])
    assert p_g[0] == filtered(at_zero, fit.rows_of(known))[0][0]
    with pytest.raises(ValueError, match="got 'no skill'"):
        fit.rows_of(responses([("x", "1", "no skill", 1, 0, None, None)]))


def test_transitions_of_a_skills_own_fit_but_cannot_be_served():
    log = drawn_log(5)
    design = Design(4, own=1.0, epochs=2)
    g, _ = halved(log, design, range(5), 0)
    assert g.transition.shape == (4, 2, 4, 4)
    assert np.abs(g.transition[0] - g.transition[1]).max() > 1e-3
    with pytest.raises(ValueError, match="ablation only"):
        fitted_on(log, design)


def test_links_find_skills_that_move_together():
    dice = dice_of(6)
    learners, each = 400, 8
    mood = dice.standard_normal((learners, 2))[:, [0, 0, 1]] * np.array([1.0, -1.0, 1.0])
    p = 1.0 / (1.0 + np.exp(-2.0 * mood))
    right = (dice.random((learners, 3, each)) < p[:, :, None]).astype(np.int64)
    learner = np.repeat(np.arange(learners), 3 * each)
    skill = np.tile(np.repeat(np.arange(3), each), learners)
    near, eps = links(learner, skill, right.ravel(), np.full(len(skill), 0.5), 4)
    assert near[0, 0] == 1
    assert near[1, 0] == 0
    assert eps[0, 0] == eps[1, 0] < -0.4
    assert np.abs(eps[2]).max() < 0.15
    assert near[3].tolist() == [-1] * 6


def test_two_logs_are_joined_with_names_of_their_own():
    one, two = drawn_log(7, learners=10), drawn_log(8, learners=15, skills=3)
    both = joined({"a": one, "b": two})
    assert joined({"a": one}) is one
    assert len(both) == len(one) + len(two)
    assert both.items[: len(one.items)] == tuple(f"a/{name}" for name in one.items)
    assert both.items[both.item[len(one)]] == f"b/{two.items[two.item[0]]}"
    assert both.combinations[both.combination[-1]] == f"b/{two.combinations[two.combination[-1]]}"
    tail = sequences(both, both.rows_of(range(5)))
    assert np.diff(tail.starts).tolist() == [20] * 25
    n = len(both.combinations)
    parts = [both.parts[both.parts[c] : both.parts[c + 1]].tolist() for c in range(n)]
    assert [[both.skills[k] for k in row] for row in parts] == [[x] for x in both.combinations]
    with pytest.raises(ValueError, match="at least one log"):
        joined({})


def test_calibration_finds_a_slope_that_was_bent():
    dice = dice_of(9)
    x = dice.standard_normal(20_000)
    right = (dice.random(len(x)) < 1.0 / (1.0 + np.exp(-(0.8 * x + 0.2)))).astype(np.int64)
    slope, intercept = calibrated(right, 1.0 / (1.0 + np.exp(-x)))
    assert slope == pytest.approx(0.8, abs=0.05)
    assert intercept == pytest.approx(0.2, abs=0.05)
