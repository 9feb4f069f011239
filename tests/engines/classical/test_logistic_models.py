"""PFA, Best-LR, Elo with recency: inputs by hand, and cross-fitting."""

import numpy as np
import pytest

from engines.classical import best_lr, elo, pfa, recency
from engines.classical.rows import halves, laid_out
from engines.classical.tallies import tallied
from engines.responses import responses
from tests.engines.classical.logs import simulated

LOG = responses(
    [
        ("u", "i", "s", 1, 0, None, None),
        ("u", "j", "s~t", 0, 0, None, None),
        ("u", "i", "t", 1, 0, None, None),
        ("u", "j", "s", 1, 0, None, None),
        ("v", "i", "s", 0, 0, None, None),
    ]
)
ROWS = LOG.rows_of([0])


def dense(x) -> np.ndarray:
    made = np.zeros((len(x), x.width + x.n_items))
    for n in range(len(x)):
        for at in range(x.starts[n], x.starts[n + 1]):
            made[n, x.columns[at]] += x.values[at]
        made[n, x.width + x.item[n]] += 1.0
    return made


def test_tallies_by_hand_hold_nothing_of_their_own_answer():
    made = tallied(LOG, laid_out(LOG, ROWS))
    assert made.skill.tolist() == [0, 0, 1, 1, 0, 0]
    assert made.rights.tolist() == [0, 1, 0, 0, 1, 0]
    assert made.tries.tolist() == [0, 1, 0, 1, 2, 0]
    assert made.total.tolist() == [[0, 0], [1, 1], [1, 2], [2, 3], [0, 0]]


def test_inputs_of_pfa_by_hand():
    x = dense(pfa.inputs(LOG, ROWS))
    one = np.log(2.0)
    assert x[1].tolist() == pytest.approx([1, 1, one, 0, 0, 0, 1])
    assert x[3].tolist() == pytest.approx([1, 0, one, 0, one, 0, 1])
    assert x[4].tolist() == pytest.approx([1, 0, 0, 0, 0, 0, 1])


def test_inputs_of_best_lr_by_hand():
    x = dense(best_lr.inputs(LOG, ROWS))
    one, two = np.log(2.0), np.log(3.0)
    fixed = [1, two, one, one, one]
    assert x[3].tolist() == pytest.approx([*fixed, 1, 0, one, 0, one, 0, 0, 1])
    assert x[1, :5].tolist() == pytest.approx([1, one, 0, one / 2, 0])


def test_recency_terms_by_hand():
    rating = elo.Elo(np.zeros(8), np.array([0.25, -0.5]))
    g = 0.6
    x = recency.terms(LOG, laid_out(LOG, ROWS), rating, g)
    assert x.shape == (5, len(recency.TERMS))
    assert x[0].tolist() == pytest.approx([0.0] * 14 + [0.25])
    assert x[4].tolist() == pytest.approx([0.0] * 14 + [0.25])
    third = dict(zip(recency.TERMS, x[2].tolist(), strict=True))
    fast = 0.3 * 0.4  # one right answer: .3 of the way from g to 1
    assert third["average .7"] == pytest.approx(0.7 * fast - 0.3 * 0.6)
    assert third["skill average .6"] == pytest.approx(-0.4 * 0.6)  # one wrong answer on t
    assert third["skill seen"] == 1.0
    assert third["last on skill"] == -1.0
    assert third["last on item"] == 1.0
    assert third["item seen"] == 1.0
    assert third["streak"] == pytest.approx(-0.2)
    second = dict(zip(recency.TERMS, x[1].tolist(), strict=True))
    assert second["skill seen"] == 0.5  # s was answered, t was not
    assert second["last on skill"] == 0.5
    assert second["log1p(right)"] == pytest.approx(np.log(2.0))


def test_weights_are_fitted_with_difficulties_of_the_other_half(monkeypatch):
    """A half's own outcomes must not be in the difficulties it is shown."""
    log = simulated()
    train = log.rows_of([1, 2, 3, 4])
    seen = []
    plain = elo.difficulties

    def noted(log_, rows, steps):
        seen.append(frozenset(log_.learner[rows].tolist()))
        return plain(log_, rows, steps)

    shown = []
    terms = recency.terms

    def noted_terms(log_, rows, rating, rate):
        shown.append((len(rows), len(seen)))
        return terms(log_, rows, rating, rate)

    monkeypatch.setattr(elo, "difficulties", noted)
    monkeypatch.setattr(recency, "terms", noted_terms)
    recency.fit(log, train, 0, np.array(elo.STARTS[0]))
    one, other = halves(log, train)
    sets = [frozenset(log.learner[rows].tolist()) for rows in (one, other)]
    assert not sets[0] & sets[1]
    assert seen == [sets[0] | sets[1], sets[1], sets[0]]
    assert shown == [(len(one), 2), (len(other), 3)]
