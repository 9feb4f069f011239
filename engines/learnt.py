"""What all learners of a course taught its server: one table that moves. This file is its rules.

Item difficulties and skill offsets follow the gradient of the scoring's likelihood (online maximum
likelihood, one step an answer); times on items are kept for the rapid-guess rule; forecasts
with their outcomes calibrate the forecasts to come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from engines.quantum import difficulty
from engines.quantum.parameters import Parameters
from engines.words import Floats


class Learnt(msgspec.Struct, kw_only=True):
    """What a course's answers taught, by item (n_items,) and combination (n_combinations,).

    `b` are difficulties and `offset` easinesses added to the skills' levels, all in logits, each
    with the answers behind it; `ln_ms` is the mean logarithm of the time on an item; `shown` how
    often it was shown, of `lessons`; `slope` and `intercept` calibrate forecasts.
    """

    b: list[float]
    b_answers: list[float]
    offset: list[float]
    offset_answers: list[float]
    ln_ms: list[float]
    ln_ms_answers: list[float]
    shown: list[float]
    lessons: float = 0.0
    everywhere: float = 0.0
    """The offset of the whole course, in logits."""
    everywhere_answers: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def nothing(cls, parameters: Parameters, answers: Floats | None = None) -> Learnt:
        """Before any answer: the parameters' difficulties, with the fit's answers behind them."""
        items, combinations = parameters.n_items, parameters.n_skills
        return cls(
            b=parameters.difficulty.tolist(),
            b_answers=[0.0] * items if answers is None else answers.tolist(),
            offset=[0.0] * combinations,
            offset_answers=[0.0] * combinations,
            ln_ms=[0.0] * items,
            ln_ms_answers=[0.0] * items,
            shown=[0.0] * items,
            slope=parameters.slope,
            intercept=parameters.intercept,
        )


class Seen(NamedTuple):
    """One forecast before calibration, and what came; `learner` tells learners apart."""

    learner: str
    p_raw: float
    right: bool


class Attempted(NamedTuple):
    """What a first attempt left: its item and combination, its time, and where it counted `pull`.

    `pull` is the decision's gradient, None where the attempt did not count.
    """

    item: int
    combination: int
    taken_ms: float
    pull: float | None


class Shown(NamedTuple):
    """That an item was shown; `lesson` where it began one."""

    item: int
    lesson: bool


Observation = Attempted | Shown


def observed(learnt: Learnt, seen: Observation) -> None:
    """Take in one observation. Of an attempt: its time; where it counted item, skill, course.

    >>> by_item = {k: [0.0] for k in ("b", "b_answers", "ln_ms", "ln_ms_answers", "shown")}
    >>> learnt = Learnt(offset=[0.0], offset_answers=[0.0], **by_item)
    >>> observed(learnt, Attempted(0, 0, 9_000.0, pull=0.5))  # right, though half expected
    >>> learnt.b, learnt.b_answers, learnt.everywhere
    ([-0.35], [1.0], 0.25)
    >>> observed(learnt, Shown(0, lesson=True))
    >>> learnt.shown, learnt.lessons
    ([1.0], 1.0)
    """
    if isinstance(seen, Shown):
        learnt.shown[seen.item] += 1.0
        learnt.lessons += seen.lesson
        return
    item, combination, taken_ms, pull = seen
    n = learnt.ln_ms_answers[item] + 1.0
    learnt.ln_ms[item] += (math.log(max(taken_ms, 1.0)) - learnt.ln_ms[item]) / n
    learnt.ln_ms_answers[item] = n
    if pull is None:
        return
    learnt.b[item] -= difficulty.item_step(learnt.b_answers[item]) * pull
    learnt.b_answers[item] += 1.0
    step = difficulty.skill_step(learnt.offset_answers[combination])
    learnt.offset[combination] += step * pull
    learnt.offset_answers[combination] += 1.0
    learnt.everywhere += difficulty.course_step(learnt.everywhere_answers) * pull
    learnt.everywhere_answers += 1.0


def calibrated(learnt: Learnt, seen: Sequence[Seen]) -> None:
    """Renew slope and intercept where there is enough to go by and held-out learners gain."""
    found = difficulty.calibration(
        np.array([each.right for each in seen], dtype=np.int64),
        np.array([each.p_raw for each in seen], dtype=np.float64),
        [each.learner for each in seen],
        (learnt.slope, learnt.intercept),
    )
    if found is not None:
        learnt.slope, learnt.intercept = found
