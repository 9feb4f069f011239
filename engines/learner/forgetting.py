"""What is remembered after how long: stability and difficulty (FSRS-6). This file is its formulas.

The three-component model of memory as the Free Spaced Repetition Scheduler publishes it, version 6
(Ye, Su & Cao 2022, KDD; Su, Ye et al. 2023, IEEE TKDE; parameters and same-day formulas of FSRS-6:
open-spaced-repetition). The published program knows whole days only; here time counts in fractions
of a day, so on whole days the numbers are the same. Plain floats: one update takes a few
microseconds.
"""

from __future__ import annotations

from math import exp
from math import pow as power
from typing import Literal, NamedTuple

Rating = Literal[1, 2, 3, 4]
WRONG: Rating = 1
ASSISTED: Rating = 2
RIGHT: Rating = 3
EASY: Rating = 4
"""How a review went; `EASY` only where the learner says so."""

RETENTION = 0.90
"""A review is due when the chance of recall has fallen to this."""
RETENTION_LOW, RETENTION_HIGH = 0.70, 0.97
"""The retention that may be asked for."""
STABILITY_MIN = 0.001
"""Days."""
DIFFICULTY_MIN, DIFFICULTY_MAX = 1.0, 10.0
INTERVAL_MAX_DAYS = 36_500
SAME_DAY = 1.0
"""A review sooner than this, in days, moves stability by the same-day formula."""


class Weights(NamedTuple):
    """The 21 parameters w0 to w20, by what they do; the defaults are the published ones."""

    first_wrong: float = 0.212
    first_assisted: float = 1.2931
    first_right: float = 2.3065
    first_easy: float = 8.2956
    difficulty_first: float = 6.4133
    difficulty_spread: float = 0.8334
    difficulty_step: float = 3.0194
    difficulty_reversion: float = 0.001
    recall: float = 1.8722
    recall_stability: float = 0.1666
    recall_surprise: float = 0.796
    lapse: float = 1.4835
    lapse_difficulty: float = 0.0614
    lapse_stability: float = 0.2629
    lapse_surprise: float = 1.6483
    assisted_share: float = 0.6014
    easy_bonus: float = 1.8729
    same_day: float = 0.5425
    same_day_shift: float = 0.0912
    same_day_stability: float = 0.0658
    decay: float = 0.1542


PUBLISHED = Weights()
DECAY = -PUBLISHED.decay
FACTOR = power(0.9, 1.0 / DECAY) - 1.0
"""Makes retrievability .9 after as many days as the stability says."""


def rated(*, right: bool, assisted: bool, told: bool) -> Rating | None:
    """The rating of an instance's first answer, None where that is no review.

    A rating says how an attempt to recall went. An answer that was told before it was given
    (`told`) is none, whatever was typed: reading it again is study, which alone leaves the chance
    of later recall about where it was (Karpicke & Roediger 2008, Science 319, 966-968), so it is
    neither a success nor a lapse. A wrong answer, also after a hint that did not tell, is an
    attempt that failed: a lapse, whatever is told after it.

    >>> rated(right=True, assisted=False, told=False), rated(right=True, assisted=True, told=False)
    (3, 2)
    >>> rated(right=False, assisted=True, told=False), rated(right=True, assisted=True, told=True)
    (1, None)
    """
    if told:
        return None
    if not right:
        return WRONG
    return ASSISTED if assisted else RIGHT


def retrievability(elapsed_days: float, stability: float) -> float:
    """Chance of recall so many days after the last review, at a stability in days.

    >>> round(retrievability(5.0, 5.0), 12), retrievability(0.0, 5.0)
    (0.9, 1.0)
    """
    return power(1.0 + FACTOR * max(elapsed_days, 0.0) / stability, DECAY)


def opened(rating: Rating) -> tuple[float, float]:
    """Stability (days) and difficulty (1 to 10) of a memory that begins with this rating.

    >>> opened(RIGHT)[0]
    2.3065
    """
    return max(PUBLISHED[_checked(rating) - 1], STABILITY_MIN), _bounded(_difficulty_at(rating))


def reviewed(
    stability: float, difficulty: float, elapsed_days: float, rating: Rating
) -> tuple[float, float]:
    """Stability (days) and difficulty after a review so many days after the one before.

    Raises ValueError for a rating that is none of 1 to 4.

    >>> stability, difficulty = reviewed(2.3065, 2.1181, 2.0, RIGHT)
    >>> round(stability, 2), round(difficulty, 2)
    (10.96, 2.11)
    """
    _checked(rating)
    if elapsed_days < SAME_DAY:
        after = _same_day(stability, rating)
    elif rating == WRONG:
        after = _lapsed(stability, difficulty, retrievability(elapsed_days, stability))
    else:
        after = _recalled(stability, difficulty, retrievability(elapsed_days, stability), rating)
    return max(after, STABILITY_MIN), _difficulty_after(difficulty, rating)


def interval_days(stability: float, retention: float = RETENTION) -> int:
    """Whole days until the chance of recall has fallen to `retention`, at least one.

    Raises ValueError for a retention that may not be asked for.

    >>> interval_days(7.3), interval_days(7.3, 0.8), interval_days(0.2)
    (7, 24, 1)
    """
    if not RETENTION_LOW <= retention <= RETENTION_HIGH:
        msg = f"expected a retention from {RETENTION_LOW} to {RETENTION_HIGH}, got {retention}"
        raise ValueError(msg)
    days = stability / FACTOR * (power(retention, 1.0 / DECAY) - 1.0)
    return min(max(round(days), 1), INTERVAL_MAX_DAYS)


def _same_day(stability: float, rating: int) -> float:
    w = PUBLISHED
    grown = exp(w.same_day * (rating - 3 + w.same_day_shift))
    grown *= power(stability, -w.same_day_stability)
    return stability * (grown if rating == WRONG else max(grown, 1.0))


def _recalled(stability: float, difficulty: float, r: float, rating: int) -> float:
    w = PUBLISHED
    grown = exp(w.recall) * (11.0 - difficulty) * power(stability, -w.recall_stability)
    grown *= exp((1.0 - r) * w.recall_surprise) - 1.0
    if rating == ASSISTED:
        grown *= w.assisted_share
    elif rating == EASY:
        grown *= w.easy_bonus
    return stability * (1.0 + grown)


def _lapsed(stability: float, difficulty: float, r: float) -> float:
    w = PUBLISHED
    left = w.lapse * power(difficulty, -w.lapse_difficulty)
    left *= power(stability + 1.0, w.lapse_stability) - 1.0
    left *= exp((1.0 - r) * w.lapse_surprise)
    return min(left, stability / exp(w.same_day * w.same_day_shift))


def _difficulty_at(rating: int) -> float:
    w = PUBLISHED
    return w.difficulty_first - exp(w.difficulty_spread * (rating - 1)) + 1.0


_EASIEST = _difficulty_at(EASY)


def _difficulty_after(difficulty: float, rating: int) -> float:
    w = PUBLISHED
    step = -w.difficulty_step * (rating - 3)
    moved = difficulty + (DIFFICULTY_MAX - difficulty) * step / 9.0
    return _bounded(w.difficulty_reversion * _EASIEST + (1.0 - w.difficulty_reversion) * moved)


def _bounded(difficulty: float) -> float:
    return min(max(difficulty, DIFFICULTY_MIN), DIFFICULTY_MAX)


def _checked(rating: int) -> int:
    if rating not in (WRONG, ASSISTED, RIGHT, EASY):
        msg = f"expected a rating from 1 to 4, got {rating!r}"
        raise ValueError(msg)
    return rating
