"""The final stage: honest features, live equal to batch, bytes, and what is left out unasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.maths.verification import auc
from engines.quantum.final import catalogue
from engines.quantum.final import fit as stage
from engines.quantum.final import kernels as k
from engines.quantum.final.stage import Final
from engines.quantum.final.trees.boosting import boosted
from engines.responses import Responses, responses
from engines.words import Floats
from tests.engines.quantum.fit.logs import dice_of

FOLDS = (1, 2, 3, 4)


def log_of(seed: int = 1, learners: int = 100, answers: int = 40, *, timed: bool = True):
    """Learners of drawn ability on 30 items in order of difficulty, two skills and both at once."""
    dice = dice_of(seed)
    rows = []
    for u in range(learners):
        theta, at_s = dice.normal(), 0.0
        for _ in range(answers):
            item = int(dice.integers(30))
            right = dice.random() < 1.0 / (1.0 + np.exp(item / 8.0 - 2.0 - theta))
            at_s += float(dice.choice([20.0, 60.0, 90_000.0]))
            skills = ("a", "b", "a~b")[item % 3]
            row = (
                f"u{u}",
                str(100 + item),
                skills,
                int(right),
                u % 5,
                at_s if timed else None,
                None,
            )
            rows.append(row)
    return responses(rows)


def known_of(log: Responses, seed: int = 2) -> stage.Forecasts:
    """Forecasts that know the items' difficulty only, blurred."""
    dice = dice_of(seed)
    assert log.position is not None
    z = 2.0 - log.position[log.item] / 8.0 + dice.normal(0.0, 0.5, len(log))
    p = 1.0 / (1.0 + np.exp(-z))
    b: Floats = log.position / 8.0 - 2.0
    return stage.Forecasts(p, 0.5 * p + 0.25, b, dict.fromkeys(FOLDS, b))


LOG = log_of()
KNOWN = known_of(LOG)
FINAL = stage.fitted(LOG, FOLDS, KNOWN)
TEST = LOG.rows_of([0])
assert LOG.at_s is not None
TIMES = LOG.at_s


def test_it_knows_more_than_the_forecasts_it_was_given() -> None:
    p = stage.predict(FINAL, LOG, TEST, KNOWN.p, KNOWN.p_g)
    right = LOG.right[TEST]
    assert auc(right, p) > auc(right, KNOWN.p[TEST]) + 0.03
    assert ((p > 0.0) & (p < 1.0)).all()


def test_live_is_batch_bit_for_bit_and_a_resumed_learner_goes_on_the_same() -> None:
    p = stage.predict(FINAL, LOG, TEST, KNOWN.p, KNOWN.p_g)
    restored = Final.from_bytes(FINAL.to_bytes())
    assert restored.crc == FINAL.crc
    assert restored.to_bytes() == FINAL.to_bytes()
    f, learner = FINAL.fresh(), -1
    for n, row in enumerate(TEST):
        if LOG.learner[row] != learner:
            f, learner = restored.fresh(), LOG.learner[row]
        f = np.frombuffer(f.tobytes()).copy()
        at_s, item = float(TIMES[row]), int(LOG.item[row])
        one = KNOWN.p[row : row + 1], KNOWN.p_g[row : row + 1]
        before = f.copy()
        assert FINAL.forecast(f, np.array([item]), *one, at_s)[0] == p[n]
        assert f.tobytes() == before.tobytes()
        right = bool(LOG.right[row])
        engine = float(KNOWN.p[row]), float(KNOWN.p_g[row])
        assert restored.answer(f, item, *engine, right, at_s) == p[n]


def test_a_forecast_knows_nothing_of_its_own_outcome_or_of_a_later_one() -> None:
    rows = LOG.rows_of([0])[:80]  # two learners
    v = stage.features(LOG, FINAL.real, FINAL.whole, rows, KNOWN.p, KNOWN.p_g)
    for cut in (0, 17, 39, 40, 79):
        right = LOG.right.copy()
        right[rows[cut:]] = 1 - right[rows[cut:]]
        again = stage.features(
            replace(LOG, right=right), FINAL.real, FINAL.whole, rows, KNOWN.p, KNOWN.p_g
        )
        assert v[: cut + 1].tobytes() == again[: cut + 1].tobytes()
        assert cut == 79 or v[cut + 1 :].tobytes() != again[cut + 1 :].tobytes()


def test_no_outcome_of_a_test_learner_reaches_a_fitted_number() -> None:
    right = LOG.right.copy()
    right[TEST] = 1 - right[TEST]
    assert stage.fitted(replace(LOG, right=right), FOLDS, KNOWN).to_bytes() == FINAL.to_bytes()


def test_outcomes_drawn_by_chance_cannot_be_forecast() -> None:
    log = log_of(3, learners=250)
    right = dice_of(4).integers(0, 2, len(log))
    log = replace(log, right=right)
    blind = stage.Forecasts(
        np.full(len(log), 0.5), np.full(len(log), 0.5), KNOWN.b, KNOWN.b_without
    )
    rows = log.rows_of([0])
    p = stage.predict(stage.fitted(log, FOLDS, blind), log, rows, blind.p, blind.p_g)
    assert auc(right[rows], p) == pytest.approx(0.5, abs=0.04)


def test_without_places_or_times_their_features_are_nought() -> None:
    bare = replace(log_of(timed=False), position=None)
    assert bare.at_s is None
    final = stage.fitted(bare, FOLDS, KNOWN)
    assert not final.places
    assert not final.timed
    v = stage.features(bare, final.real, final.whole, TEST, KNOWN.p, KNOWN.p_g)
    assert not v[:, k.TIMES : k.ITEM].any()
    assert not v[:, k.FAMILY :].any()
    one, item = np.full(1, 0.6), np.array([3])
    early, late = (final.forecast(final.fresh(), item, one, one, now) for now in (5.0, 1e9))
    assert early == late


def test_the_logistic_part_is_at_its_optimum() -> None:
    dice = dice_of(5)
    x = dice.normal(size=(500, 6)) * np.array([1.0, 5.0, 0.1, 1.0, 2.0, 1.0]) + 3.0
    right = (dice.random(500) < 1.0 / (1.0 + np.exp(-(x[:, 0] - 3.0)))).astype(np.int64)
    weights, level = stage._logistic(x, right)
    left = right - 1.0 / (1.0 + np.exp(-(x @ weights + level)))
    sd = x.std(axis=0)
    gradient = ((x - x.mean(axis=0)) / sd).T @ left - stage.PENALTY * weights * sd
    assert np.abs(gradient).max() < 1e-6
    assert abs(left.sum()) < 1e-6


def test_elo_by_hand() -> None:
    log = responses([("u", "1", "a~b", 1, 1, None, None), ("u", "1", "a~b", 0, 1, None, None)])
    steps = np.array([0.4, 0.03, 0.01, 0.2, 0.01, 0.12, 0.0, 0.0])
    p = stage._rated(log, steps, np.array([0.5]), np.arange(2))
    first = 1.0 / (1.0 + np.exp(0.5))
    theta = (0.4 + 0.01) * (1.0 - first)
    theta_k = (0.2 + 0.12) * (1.0 - first)
    assert p == pytest.approx([first, 1.0 / (1.0 + np.exp(0.5 - theta - theta_k))], abs=1e-15)


def test_a_neighbours_level_is_found_by_hand() -> None:
    b, answers = np.array([1.0, 0.0, -2.0]), np.array([10.0, 0.0, 5.0])
    combination, position = np.array([0, 0, 1]), np.array([0, 1, 40])
    made = catalogue.constants(answers, np.zeros(3), b, combination, position)
    v, near = catalogue.INFORMATION * answers, 1.0 - 1.0 / 3.0
    s = near * 1.0 * (v[0] + 1.0) / (2.0 + near * v[0])
    assert made[1, catalogue.OWN : catalogue.OWN + 3] == pytest.approx(
        [s / (v[1] + 1.0), (0.0 + 4.0 * s) / 4.0 - 0.0, s]
    )
    assert made[2, catalogue.OWN] == made[2, catalogue.OWN + 2] == 0.0, "nothing is near"
    assert made[:, 0] == pytest.approx(np.log1p(answers))
    assert made[1, 1] == 1.0


def test_trees_find_what_lines_cannot_and_walk_as_told() -> None:
    dice = dice_of(6)
    x = dice.normal(size=(4000, 3))
    right = ((x[:, 0] > 0.0) ^ (x[:, 1] > 0.5)).astype(np.int64)
    trees = boosted(x, right, np.zeros(4000), trees=20)
    again = boosted(x, right, np.zeros(4000), trees=20)
    assert trees.number.tobytes() == again.number.tobytes()
    assert auc(right[:500], trees.added(x[:500])) > 0.95
    assert len(trees.roots) == 20


def test_trees_in_the_kernel_are_the_trees_walked_plainly() -> None:
    v = stage.features(LOG, FINAL.real, FINAL.whole, TEST, KNOWN.p, KNOWN.p_g)
    z = FINAL.tables[LOG.item[TEST], k.LEVEL] + v @ FINAL.weights
    plain = z + FINAL.trees.added(stage.tree_inputs(z, v))
    p = stage.predict(FINAL, LOG, TEST, KNOWN.p, KNOWN.p_g)
    assert np.abs(p - 1.0 / (1.0 + np.exp(-plain))).max() < 1e-12


@pytest.mark.parametrize("data", [b"", b"TSZ1", b"TSZ1\xff", FINAL.to_bytes()[:-9] + b"", b"xxxx"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        Final.from_bytes(data)


def test_one_training_fold_is_too_few() -> None:
    with pytest.raises(ValueError, match="two training folds"):
        stage.fitted(LOG, (1,), KNOWN)
