"""What every classical model keeps: causality, nothing of the test learners, better than chance."""

from types import ModuleType

import numpy as np
import pytest

from engines.classical import best_lr, bkt, elo, irt, item_mean, pfa, recency
from engines.classical.rows import held_out, laid_out
from engines.maths.verification import auc
from engines.responses import Responses
from tests.engines.classical.logs import simulated, with_right

MODELS = [item_mean, bkt, pfa, irt, elo, best_lr, recency]
LOG = simulated()
TRAIN, TEST = LOG.rows_of([1, 2, 3, 4]), LOG.rows_of([0])


def numbers(model: object) -> bytes:
    """Every number of a fitted model."""
    found = b""
    for name in model.__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(model, name)
        nested = hasattr(value, "__dataclass_fields__")
        found += numbers(value) if nested else np.asarray(value, dtype=float).tobytes()
    return found


@pytest.fixture(scope="module", params=MODELS, ids=lambda m: m.__name__.rpartition(".")[2])
def fitted(request):
    return request.param, request.param.fit(LOG, TRAIN, 0)


def flipped(log: Responses, from_place: int) -> Responses:
    """Outcomes of test learners turned round from their answer number `from_place` on."""
    right = log.right.copy()
    late = TEST[log.place[TEST] >= from_place]
    right[late] = 1 - right[late]
    return with_right(log, right)


def test_a_forecast_knows_no_later_outcome_and_not_its_own(fitted):
    module, model = fitted
    before = module.predict(model, LOG, TEST)
    place = LOG.place[TEST]
    for n in (0, 1, 7, 39):
        after = module.predict(model, flipped(LOG, n), TEST)
        assert after[place <= n].tobytes() == before[place <= n].tobytes()


def test_a_forecast_knows_earlier_outcomes(fitted):
    module, model = fitted
    before = module.predict(model, LOG, TEST)
    after = module.predict(model, flipped(LOG, 3), TEST)
    late = LOG.place[TEST] > 10
    assert np.any(after[late] != before[late]) == (module is not item_mean)


def test_no_outcome_of_a_test_learner_reaches_a_fitted_number(fitted):
    module, model = fitted
    right = LOG.right.copy()
    right[TEST] = np.random.Generator(np.random.PCG64(3)).permutation(right[TEST])
    again = module.fit(with_right(LOG, right), TRAIN, 0)
    assert numbers(again) == numbers(model)


def test_it_forecasts_better_than_chance_and_within_bounds(fitted):
    module, model = fitted
    p = module.predict(model, LOG, TEST)
    assert p.shape == TEST.shape
    assert np.all((p > 0.0) & (p < 1.0))
    floor = {"item_mean": 0.62, "elo": 0.66, "irt": 0.66, "recency": 0.66, "best_lr": 0.66}
    assert auc(LOG.right[TEST], p) > floor.get(module.__name__.rpartition(".")[2], 0.54)


def test_outcomes_that_are_chance_are_forecast_like_chance(fitted):
    module, _ = fitted
    right = np.random.Generator(np.random.PCG64(5)).integers(0, 2, len(LOG))
    luck = with_right(LOG, right)
    p = module.predict(module.fit(luck, TRAIN, 0), luck, TEST)
    assert abs(auc(right[TEST], p) - 0.5) < 0.09  # 480 answers: three standard errors are .08


@pytest.mark.parametrize("module", MODELS[1:], ids=lambda m: m.__name__.rpartition(".")[2])
def test_half_a_learner_is_refused(module):
    with pytest.raises(ValueError, match="whole learners"):
        module.fit(LOG, TRAIN[1:], 0)


def test_settings_are_chosen_on_fold_one_where_it_is_there():
    kept, held = held_out(LOG, TRAIN)
    assert set(LOG.fold[held]) == {1}
    assert set(LOG.fold[kept]) == {2, 3, 4}
    kept, held = held_out(LOG, LOG.rows_of([2]))
    assert len(kept) > 0 < len(held)
    assert not set(LOG.learner[kept]) & set(LOG.learner[held])


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="whole learners"):
        laid_out(LOG, TEST[:0])


def test_fits_repeat_to_the_bit():
    module: ModuleType
    for module in (elo, irt, best_lr):
        one, two = module.fit(LOG, TRAIN, 0), module.fit(LOG, TRAIN, 0)
        assert numbers(one) == numbers(two)
