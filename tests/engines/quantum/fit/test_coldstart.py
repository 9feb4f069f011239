"""The shipped physics: sound numbers, and on real logs a course without data starts well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.maths.verification import auc, log_loss
from engines.quantum import defaults
from engines.quantum.fit.cascade import halved, learners_of
from engines.quantum.fit.coldstart import shipped, tried
from engines.quantum.fit.coordinates import Design
from engines.quantum.shipped import Shipped
from server.logs import read_responses
from tests.engines.quantum.fit.logs import drawn_log, with_outcomes
from tests.engines.quantum.twin import Twin

BLOCKS = {"all": defaults.SHIPPED, **defaults.WITHOUT}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_numbers_are_physics_of_a_centred_ladder(name):
    it = BLOCKS[name]
    p = it.parameters(3, np.array([0, 2]), np.zeros(2), np.full((3, 1), -1), np.zeros((3, 1)))
    assert p.levels == 8
    assert abs(float(it.base @ it.start)) < 1e-5
    assert it.base[0] < -1.0 < 1.0 < it.base[-1]
    assert (p.basis == np.eye(8)).all()
    assert p.register_level[0, 0] < p.register_level[0, 1]
    assert p.register_weight > 0.5
    good, bad = it.transition[1], it.transition[0]
    rise = np.arange(8) @ (good - bad)
    assert rise.mean() > 0.0, "a right answer is followed by higher levels"


def test_a_trial_from_nothing_is_the_plain_twin_on_the_first_answer_and_causal():
    log = drawn_log(1)
    p_g, p = tried(defaults.SHIPPED, log, np.arange(3))
    rows = slice(0, int(log.starts[3]))
    assert np.isfinite(p[rows]).all()
    assert np.isnan(p[rows.stop :]).all()
    s = len(log.combinations)
    none = np.full((s, 1), -1), np.zeros((s, 1))
    n = len(log.items)
    skill = np.zeros(n, np.int64)
    skill[log.item] = log.combination
    twin = Twin(defaults.SHIPPED.parameters(s, skill, np.zeros(n), *none))
    assert twin.forecast(int(log.item[0])) == pytest.approx((p_g[0], p[0]), abs=1e-12)
    right = log.right.copy()
    right[30:] = 1 - right[30:]
    other = tried(defaults.SHIPPED, with_outcomes(log, right), np.arange(3))[1]
    assert other[:31].tobytes() == p[:31].tobytes()
    assert other[31:60].tobytes() != p[31:60].tobytes()


def test_it_is_fitted_on_the_learners_given_and_repeats_itself():
    log = drawn_log(2, learners=60)
    one, two = shipped(log, 4, levels=4), shipped(log, 4, levels=4)
    for name in Shipped.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert abs(float(one.base @ one.start)) < 1e-12
    g, _ = halved(log, Design(4), range(5), 4, linked=False)
    np.testing.assert_allclose(np.diff(one.base), np.diff(g.base), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "elo_auc", "elo_loss"),
    [("assist2009", 0.7441, 0.5488), ("statics2011", 0.7813, 0.4528)],
)
def test_physics_of_other_courses_beats_elo_from_zero(shared: Path, name, elo_auc, elo_loss):
    """Learners of fold 0, once each, by numbers fitted without this log."""
    path = shared / "data" / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"real data is not here: {name}")
    log = read_responses(path)
    rows = log.rows_of([0])
    p = tried(defaults.WITHOUT[name], log, learners_of(log, [0]))[1][rows]
    assert elo_auc + 0.005 < auc(log.right[rows], p) < elo_auc + 0.03
    assert log_loss(log.right[rows], p) < elo_loss - 0.003
