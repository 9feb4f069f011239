"""Items and combinations of few answers: where a number comes from that nobody has earned yet."""

import numpy as np
import pytest

from engines.classical import best_lr, elo, irt, item_mean
from engines.classical.rows import combination_of_item, rates
from engines.responses import responses

ROWS = [
    ("a", "x", "s", 1, 1, None, None),
    ("a", "y", "s", 0, 1, None, None),
    ("a", "z", "t", 1, 1, None, None),
    ("b", "x", "s", 1, 2, None, None),
    ("b", "x", "s", 0, 2, None, None),
    ("c", "new", "s", 1, 0, None, None),
    ("c", "other", "u", 0, 0, None, None),
]
LOG = responses(ROWS)
TRAIN, TEST = LOG.rows_of([1, 2, 3, 4]), LOG.rows_of([0])
MEAN = 3 / 5
SKILL_S = (2 + 5 * MEAN) / (4 + 5)


def test_rates_by_hand():
    mean, by_skill, by_item = rates(LOG, TRAIN)
    assert mean == pytest.approx(MEAN)
    assert by_skill[0] == pytest.approx(SKILL_S)
    assert by_skill[LOG.combinations.index("u")] == pytest.approx(MEAN)
    assert by_item[0] == pytest.approx((2 + 5 * SKILL_S) / (3 + 5))
    assert by_item[LOG.items.index("new")] == pytest.approx(SKILL_S)
    assert combination_of_item(LOG).tolist() == [0, 0, 1, 0, 2]


def test_item_mean_of_a_new_item_is_its_combinations():
    model = item_mean.fit(LOG, TRAIN, 0)
    assert item_mean.predict(model, LOG, TEST).tolist() == pytest.approx([SKILL_S, MEAN])


def test_elo_begins_a_new_item_at_its_combination():
    d = elo.difficulties(LOG, TRAIN, np.array(elo.STARTS[0]))
    assert d[LOG.items.index("new")] == pytest.approx(-np.log(SKILL_S / (1 - SKILL_S)))


def test_irt_and_best_lr_know_nothing_of_a_new_item():
    curve = irt.fitted(LOG, TRAIN, 0.1, 3).curve
    assert curve[LOG.items.index("new"), 0] == 1.0
    assert curve[LOG.items.index("new"), 1] != curve[LOG.items.index("other"), 1]
    weights = best_lr.fit(LOG, TRAIN, 0).weights
    assert weights[-len(LOG.items) + LOG.items.index("new")] == 0.0
