"""The ability model on real responses: fold 0, each answer predicted before it is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engines.learner.record import (
    Record,
    auc,
    calibration_error,
    log_loss,
    predicted,
    read,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "auc_floor", "loss_ceiling"),
    [("assist2009", 0.770, 0.530), ("statics2011", 0.815, 0.425), ("algebra05_sub", 0.810, 0.440)],
)
def test_ability_predicts_real_answers(
    shared: Path, name: str, auc_floor: float, loss_ceiling: float
) -> None:
    path = shared / "data" / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"real data is not here: {name}")
    record = read(path)
    for live in (True, False):
        right, p = predicted(record, live=live)
        figures = auc(right, p), log_loss(right, p), calibration_error(right, p)
        print(f"{name} {'live' if live else 'still'} AUC/log-loss/ECE", *np.round(figures, 4))
        if live:
            assert auc_floor <= figures[0] <= 0.84, "above .84 suspect a leak"
            assert figures[1] <= loss_ceiling
            assert figures[2] <= 0.02


def test_an_answer_does_not_reach_its_own_prediction() -> None:
    luck = np.random.Generator(np.random.PCG64(1))
    n = 400
    columns = {
        "user": np.arange(n) // 20,
        "item": luck.integers(0, 30, n),
        "skills": np.column_stack([luck.integers(0, 5, n), *[np.full(n, -1)] * 3]),
        "fold": (np.arange(n) // 20) % 5,
        "place": np.arange(n) % 20,
    }
    right = luck.integers(0, 2, n)
    last = n - 20 * 4 - 1  # the last answer of the last learner of fold 0
    assert columns["fold"][last] == 0
    other = right.copy()
    other[last] = 1 - right[last]
    one = predicted(Record(right=right, **columns))[1]
    two = predicted(Record(right=other, **columns))[1]
    assert one.tobytes() == two.tobytes()


def test_measures_by_hand() -> None:
    right, p = np.array([0, 1, 1, 0]), np.array([0.1, 0.8, 0.4, 0.4])
    assert auc(right, p) == pytest.approx(3.5 / 4)
    assert log_loss(np.array([1, 0]), np.array([0.5, 0.5])) == pytest.approx(np.log(2))
    assert calibration_error(right, p) == pytest.approx((0.1 + 0.2 + 0.2) / 4)
