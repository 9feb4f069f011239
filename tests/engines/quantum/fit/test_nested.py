"""The plan of fits: who is left out of what, causality, no test row in any fitted number."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from engines.maths.verification import auc
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.fitted import assembled
from engines.quantum.fit.nested import (
    CHOICE,
    RESULT,
    Arrays,
    Settings,
    chosen,
    grid,
    name_of,
    plan,
)
from engines.responses import Responses
from tests.engines.quantum.fit.logs import dice_of, drawn_log, with_outcomes

QUICK = Design(4, pull=10.0, epochs=2)
TRAINING = (1, 2, 3, 4)


def ran(log: Responses, settings: Settings) -> dict[str, Arrays]:
    done: dict[str, Arrays] = {}
    for unit in plan(log, settings):
        assert set(unit.needs) <= set(done), unit.name
        done[unit.name] = unit.compute({name: done[name] for name in unit.needs})
    return done


def test_four_folds_take_one_and_four_and_six_fits_of_g():
    names = [unit.name for unit in plan(drawn_log(1), Settings((QUICK,), TRAINING))]
    pairs = [f"G without {j} and {k}" for j, k in combinations(TRAINING, 2)]
    alone = [f"G without {k}" for k in TRAINING]
    assert {name for name in names if name.startswith("G")} == {"G on all", *alone, *pairs}
    qubits = {"qubits on all", *(f"qubits without {k}" for k in TRAINING)}
    assert {name for name in names if name.startswith("qubits")} == qubits
    assert names[-1] == RESULT
    assert len(names) == len(set(names)) == 17


def test_every_row_has_a_forecast_and_two_runs_are_the_same_bytes():
    log, settings = drawn_log(2), Settings((QUICK,), TRAINING, seed=5)
    one, two = ran(log, settings), ran(log, settings)
    for name in ("p", "p_g"):
        p = one[RESULT][name]
        assert ((p > 0.0) & (p < 1.0)).all()
        assert p.tobytes() == two[RESULT][name].tobytes()
    assert assembled(log, settings, one).to_bytes() == assembled(log, settings, two).to_bytes()


def test_no_row_of_a_fold_left_out_reaches_a_fitted_number():
    log, settings = drawn_log(3), Settings((QUICK,), TRAINING)
    test = log.fold == 0
    other = with_outcomes(log, np.where(test, 1 - log.right, log.right))
    one, two = ran(log, settings), ran(other, settings)
    assert assembled(log, settings, one).to_bytes() == assembled(other, settings, two).to_bytes()
    p, q = one[RESULT]["p"], two[RESULT]["p"]
    assert p[~test].tobytes() == q[~test].tobytes()
    assert p[test].tobytes() != q[test].tobytes(), "outcomes of the past do reach forecasts"


@pytest.mark.parametrize("fold", [0, 3])
def test_a_forecast_knows_nothing_of_its_own_outcome_or_of_a_later_one(fold):
    log, settings = drawn_log(4), Settings((QUICK,), TRAINING)
    learner = int(log.learner[np.flatnonzero(log.fold == fold)[0]])
    begin, end = int(log.starts[learner]), int(log.starts[learner + 1])
    cut = begin + 8
    right = log.right.copy()
    right[cut:end] = dice_of(6).permutation(1 - right[cut:end])
    assert (right != log.right).any()
    one, two = (ran(x, settings)[RESULT]["p"] for x in (log, with_outcomes(log, right)))
    assert one[begin : cut + 1].tobytes() == two[begin : cut + 1].tobytes()
    assert one[cut + 1 : end].tobytes() != two[cut + 1 : end].tobytes()


def test_shuffled_outcomes_cannot_be_forecast():
    log = drawn_log(5, learners=1000, answers=60, skills=6)
    log = with_outcomes(log, dice_of(7).permutation(log.right))
    p = ran(log, Settings((Design(4, pull=10.0, epochs=1),), TRAINING))[RESULT]["p"]
    test = log.fold == 0
    assert abs(auc(log.right[test], p[test]) - 0.5) < 0.01 + 1.0 / np.sqrt(12.0 * test.sum() / 4.0)
    assert abs(auc(log.right[~test], p[~test]) - 0.5) < 0.01


def test_the_choice_is_judged_on_fold_1_and_its_fits_are_not_done_twice():
    log = drawn_log(8)
    designs = (QUICK, Design(4, pull=50.0, epochs=2), Design(4, epochs=2))
    units = {unit.name: unit for unit in plan(log, Settings(designs, TRAINING))}
    done: dict[str, Arrays] = {}
    for unit in units.values():
        done[unit.name] = unit.compute(done)
    taken = designs[int(done[CHOICE]["at"])]
    assert len(done[CHOICE]["log_loss"]) == 3
    assert done["G without 1"] is done[f"G {name_of(taken)} without 1"]
    alone = ran(log, Settings((taken,), TRAINING))
    assert alone[RESULT]["p"].tobytes() == done[RESULT]["p"].tobytes()


def test_near_the_best_the_larger_pull_wins_then_fewer_levels():
    designs = grid(8)
    assert [name_of(d) for d in designs][-2:] == ["C8", "C16"]
    losses = [0.5, 0.4999, 0.50005, 0.5004, 0.51, 0.52, 0.52]
    assert name_of(designs[chosen(designs, losses)]) == "Q8 at 10"
    assert name_of(designs[chosen(designs, [0.5] * 7)]) == "C8"


def test_too_few_folds_are_refused():
    with pytest.raises(ValueError, match="at least 3 of the folds"):
        plan(drawn_log(9), Settings((QUICK,), (1, 2)))
