"""The formulas of memory: equal to the published program, and what must hold of them anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import fsrs
import numpy as np
import pytest
from fsrs.scheduler import DEFAULT_PARAMETERS
from hypothesis import given
from hypothesis import strategies as st

from engines.learner import forgetting as f

RATINGS = (f.WRONG, f.ASSISTED, f.RIGHT, f.EASY)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

stabilities = st.floats(f.STABILITY_MIN, 5_000.0)
difficulties = st.floats(1.0, 10.0)
days = st.floats(0.0, 3_000.0)
ratings = st.sampled_from(RATINGS)


def scheduler(retention: float) -> fsrs.Scheduler:
    return fsrs.Scheduler(
        desired_retention=retention, learning_steps=(), relearning_steps=(), enable_fuzzing=False
    )


def test_the_parameters_are_the_published_ones() -> None:
    assert tuple(f.PUBLISHED) == DEFAULT_PARAMETERS


def test_ten_thousand_histories_of_whole_days_equal_the_published_program() -> None:
    luck = np.random.Generator(np.random.PCG64(20260101))
    schedulers = [(r, scheduler(r)) for r in (0.70, 0.80, 0.90, 0.97)]
    told, theirs = [], []
    for n in range(10_000):
        retention, published = schedulers[n % 4]
        card, now, stability, difficulty = fsrs.Card(card_id=n), BEGIN, 0.0, 0.0
        length = int(luck.integers(1, 9))
        gaps = np.floor(luck.exponential(6.0, length)).astype(int).tolist()
        for gap, rated in zip(gaps, luck.integers(1, 5, length).tolist(), strict=True):
            now += timedelta(days=gap)
            chance = published.get_card_retrievability(card, now)
            card, _ = published.review_card(card, fsrs.Rating(rated), now)
            told.append(f.retrievability(gap, stability) if stability else 0.0)
            if stability:
                stability, difficulty = f.reviewed(stability, difficulty, float(gap), rated)
            else:
                stability, difficulty = f.opened(rated)
            told += [stability, difficulty, f.interval_days(stability, retention)]
            assert card.stability is not None
            assert card.difficulty is not None
            theirs += [chance, card.stability, card.difficulty, (card.due - now).days]
    assert len(theirs) > 100_000
    np.testing.assert_allclose(told, theirs, rtol=1e-9, atol=1e-9)


@given(stabilities)
def test_after_as_many_days_as_the_stability_nine_in_ten_are_recalled(stability: float) -> None:
    assert f.retrievability(stability, stability) == pytest.approx(0.9, abs=1e-12)


@given(stabilities, days, st.floats(0.001, 100.0))
def test_the_chance_of_recall_falls_with_time(stability: float, at: float, more: float) -> None:
    before, after = f.retrievability(at, stability), f.retrievability(at + more, stability)
    assert 0.0 < after < before <= 1.0


@given(stabilities, difficulties, days, ratings)
def test_a_review_stays_in_bounds(
    stability: float, difficulty: float, elapsed: float, rating: f.Rating
) -> None:
    after, harder = f.reviewed(stability, difficulty, elapsed, rating)
    assert np.isfinite(after)
    assert after >= f.STABILITY_MIN
    assert 1.0 <= harder <= 10.0
    if rating == f.WRONG:
        assert after <= stability or stability < 2.0 * f.STABILITY_MIN
    else:
        assert after >= stability


@given(stabilities, difficulties, days)
def test_a_better_rating_never_remembers_for_less_nor_makes_harder(
    stability: float, difficulty: float, elapsed: float
) -> None:
    found = [f.reviewed(stability, difficulty, elapsed, rating) for rating in RATINGS]
    for (worse, harder), (better, easier) in pairwise(found):
        assert worse <= better + 1e-12
        assert harder >= easier - 1e-12


def test_fractions_of_a_day_count() -> None:
    chances = [f.retrievability(days, 3.0) for days in (1.0, 1.25, 1.5, 1.75, 2.0)]
    assert all(earlier > later for earlier, later in pairwise(chances))
    assert f.reviewed(3.0, 5.0, 1.9, f.RIGHT)[0] > f.reviewed(3.0, 5.0, 1.1, f.RIGHT)[0]


@given(stabilities, st.floats(f.RETENTION_LOW, f.RETENTION_HIGH))
def test_at_the_interval_the_chance_is_what_was_asked_for(stability: float, asked: float) -> None:
    interval = f.interval_days(stability, asked)
    assert 1 <= interval <= f.INTERVAL_MAX_DAYS
    if 1 < interval < f.INTERVAL_MAX_DAYS:  # to the half day that rounding moves it
        early, late = (
            f.retrievability(interval - 0.51, stability),
            f.retrievability(interval + 0.51, stability),
        )
        assert late <= asked <= early


@pytest.mark.parametrize("asked", [0.69, 0.98, 1.0])
def test_other_retentions_are_refused(asked: float) -> None:
    with pytest.raises(ValueError, match="expected a retention from"):
        f.interval_days(3.0, asked)


@pytest.mark.parametrize("rating", [0, 5])
def test_other_ratings_are_refused(rating: int) -> None:
    with pytest.raises(ValueError, match="expected a rating from 1 to 4"):
        f.reviewed(3.0, 5.0, 1.0, rating)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="expected a rating from 1 to 4"):
        f.opened(rating)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("right", "assisted", "told", "rating"),
    [
        (False, False, False, f.WRONG),
        (False, True, False, f.WRONG),
        (True, True, True, None),
        (False, True, True, None),
        (True, True, False, f.ASSISTED),
        (True, False, False, f.RIGHT),
    ],
)
def test_ratings_follow_from_the_answer_and_are_never_easy(
    right: bool, assisted: bool, told: bool, rating: f.Rating | None
) -> None:
    assert f.rated(right=right, assisted=assisted, told=told) == rating
