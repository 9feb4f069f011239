"""How hard items are, learnt while they are answered, and the calibration of what is forecast.

Item difficulties and skill offsets follow the gradient of ln p_y, the register's likelihood of the
answer just given, the past held fixed: online maximum likelihood with falling steps, in the family
of Elo rating as an online Rasch model (Pelanek 2016). This file follows docs/scoring.md. Level
logits become c_sj + o_s + o - b_i. The table belongs to a course, not to a learner: who owns it
publishes versions, and a lesson is pinned to one. How steps and the rule of calibration were
chosen: docs/decisions/010-learning-while-answered.md.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engines.words import Floats, Ints

if TYPE_CHECKING:
    from engines.quantum.scoring import Scoring

SETTLED = 500
"""From so many answers on an item's step is capped."""
SETTLED_STEP = 0.005
"""Ratings drift under adaptive selection where steps stay large (Brinkhuis & Maris 2020)."""

LEAST_LEARNERS, LEAST_ANSWERS = 30, 1_000
"""A calibration needs both."""
HELD_OUT = 5
"""One learner in so many judges a calibration that the others gave."""
CLEARLY = 2.0
"""Standard errors, over learners, by which a calibration must do worse to be refused."""
SLOPE_SD, INTERCEPT_SD = 0.1, 0.3
"""Standard deviations of the normal priors around slope 1 and intercept 0."""
P_LEAST = 1e-5
_LOGIT_MOST = 20.0
_NEWTON_STEPS, _HALVINGS = 25, 30


def item_step(n: float) -> float:
    """Step of an item's difficulty after `n` scored answers to it, in logits a unit of gradient.

    >>> item_step(0), item_step(500)
    (0.7, 0.005)
    """
    step = 0.7 / (1.0 + 0.08 * n)
    return min(step, SETTLED_STEP) if n >= SETTLED else step


def skill_step(n: float) -> float:
    """Step of a skill's offset after `n` scored answers on it.

    >>> skill_step(0), skill_step(20)
    (0.4, 0.2)
    """
    return 0.4 / (1.0 + 0.05 * n)


def course_step(n: float) -> float:
    """Step of the course's offset after `n` scored answers.

    >>> course_step(0), course_step(20)
    (0.5, 0.25)
    """
    return 0.5 / (1.0 + 0.05 * n)


@dataclass(slots=True)
class Offsets:
    """What a course's answers taught: one table, moved in place by `observed`.

    `b` (n_items,) difficulties and `skill` (n_skills,) easinesses in logits, with `b_answers` and
    `skill_answers` scored answers behind each; `course` and `course_answers` for all items alike.
    """

    b: Floats
    b_answers: Floats
    skill: Floats
    skill_answers: Floats
    course: float = 0.0
    course_answers: float = 0.0

    @classmethod
    def before(cls, b: Floats, n_skills: int, answers: Floats | None = None) -> Offsets:
        """Before any answer: prior difficulties `b` (copied), `answers` (n_items,) of the fit.

        Raises ValueError where there is not one count an item, or one is below 0.
        """
        counts = np.zeros(len(b)) if answers is None else np.array(answers, dtype=np.float64)
        if counts.shape != b.shape or (counts < 0.0).any():
            msg = f"expected {b.shape} counts of answers >= 0, got shape {counts.shape}"
            raise ValueError(msg)
        return cls(b.astype(np.float64), counts, np.zeros(n_skills), np.zeros(n_skills))

    def ease(self, skill: int) -> float:
        """What is added to the level logits of a skill: its offset and the course's."""
        return float(self.skill[skill]) + self.course


def observed(offsets: Offsets, item: int, skill: int, gradient: float) -> None:
    """Move the table by one scored answer, in place.

    `gradient` is G = sum_j g_j (y - e_j), g_j = R_jj e^y_j / p_y, of that answer, which
    `Scoring.answer` tells: d ln p_y / d b = -G, d ln p_y / d(o_s + o) = G.

    >>> table = Offsets.before(np.zeros(1), 1)
    >>> observed(table, 0, 0, 0.5)  # right, though half expected
    >>> float(table.b[0]), float(table.skill[0]), table.course
    (-0.35, 0.2, 0.25)
    """
    offsets.b[item] -= item_step(offsets.b_answers[item]) * gradient
    offsets.b_answers[item] += 1.0
    offsets.skill[skill] += skill_step(offsets.skill_answers[skill]) * gradient
    offsets.skill_answers[skill] += 1.0
    offsets.course += course_step(offsets.course_answers) * gradient
    offsets.course_answers += 1.0


def difficulty_for(scoring: Scoring, x: Floats, skill: int, wanted: float) -> float:
    """The difficulty b at which the learner of state `x` succeeds at the rate `wanted`, calibrated.

    P falls in b; where no b reaches the rate, the end of the range of difficulties that make a
    difference. Raises ValueError unless 0 < wanted < 1.
    """
    if not 0.0 < wanted < 1.0:
        msg = f"expected a wanted success rate between 0 and 1, got {wanted}"
        raise ValueError(msg)
    return scoring.target(x, skill, wanted, wanted)[0]


# --- calibration ----------------------------------------------------------------------------------
def calibration(
    right: Ints,
    p: Floats,
    learners: Sequence[str],
    current: tuple[float, float] = (1.0, 0.0),
) -> tuple[float, float] | None:
    """(slope, intercept) of P' = sigmoid(slope * logit(P) + intercept), or None to keep `current`.

    `right` and `p` (n,) are outcomes and the forecasts made before them, uncalibrated, in the order
    they came; `learners` (n,) names who answered. None for fewer than 30 learners or 1,000 answers.
    Fitted on the newer half of the learners (30 at least): the first ones were forecast with
    difficulties not yet learnt. One learner of five, by hash, judges the fit to the others: None
    where it does clearly worse than `current`.
    Platt (1999) with normal priors. Raises ValueError for columns of unlike length.
    """
    n = len(right)
    if not n == len(p) == len(learners):
        msg = f"expected columns of one length, got {n}, {len(p)}, {len(learners)}"
        raise ValueError(msg)
    place: dict[str, int] = {}
    who = np.array([place.setdefault(name, len(place)) for name in learners], dtype=np.int64)
    if n < LEAST_ANSWERS or len(place) < LEAST_LEARNERS:
        return None
    first = max(0, min(len(place) // 2, len(place) - LEAST_LEARNERS))
    newer = who >= first
    held = np.array([judges(name) for name in place])[who[newer]]
    if held.all() or not held.any():
        return None
    y, z, who = right[newer], logits(p[newer]), who[newer]
    found = fitted(y[~held], z[~held])
    worse = _losses(y[held], z[held], *found) - _losses(y[held], z[held], *current)
    by_learner = np.bincount(who[held] - first, weights=worse)
    if by_learner.sum() > CLEARLY * math.sqrt(float(by_learner @ by_learner)):
        return None
    return fitted(y, z)


def judges(learner: str) -> bool:
    """Whether a learner is one of the fifth that judge a calibration: by CRC-32 of the name.

    >>> judges("ada"), judges("alan")
    (False, True)
    """
    return zlib.crc32(learner.encode()) % HELD_OUT == 0


def logits(p: Floats) -> Floats:
    """ln(p / (1 - p)), p clamped to [1e-5, 1 - 1e-5].

    >>> logits(np.array([0.5])).tolist()
    [0.0]
    """
    near = np.clip(p, P_LEAST, 1.0 - P_LEAST)
    z: Floats = np.log(near / (1.0 - near))
    return z


def loss(right: Ints, z: Floats, slope: float, intercept: float) -> float:
    """Mean negative log-likelihood, in nats, of outcomes under sigmoid(slope z + intercept).

    >>> round(loss(np.array([1, 0]), np.zeros(2), 1.0, 0.0), 4)
    0.6931
    """
    return float(np.mean(_losses(right, z, slope, intercept)))


def fitted(right: Ints, z: Floats) -> tuple[float, float]:
    """(slope, intercept) of highest posterior density, by Newton with halved steps.

    The objective (log-likelihood with priors N(1, .1^2) and N(0, .3^2)) is strictly concave.

    >>> fitted(np.array([1, 0]), np.zeros(2))
    (1.0, 0.0)
    """
    slope, intercept = 1.0, 0.0
    value = _posterior(right, z, slope, intercept)
    for _ in range(_NEWTON_STEPS):
        e = 1.0 / (1.0 + np.exp(-np.clip(slope * z + intercept, -_LOGIT_MOST, _LOGIT_MOST)))
        off, curve = right - e, e * (1.0 - e)
        g0 = float(off @ z) - (slope - 1.0) / SLOPE_SD**2
        g1 = float(off.sum()) - intercept / INTERCEPT_SD**2
        h00 = float(curve @ (z * z)) + 1.0 / SLOPE_SD**2
        h01 = float(curve @ z)
        h11 = float(curve.sum()) + 1.0 / INTERCEPT_SD**2
        det = h00 * h11 - h01 * h01
        move = ((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det)
        size = 1.0
        for _ in range(_HALVINGS):
            there = _posterior(right, z, slope + size * move[0], intercept + size * move[1])
            if there >= value:
                break
            size /= 2.0
        else:
            break  # no step gains: rounding is all that is left
        slope, intercept, value = slope + size * move[0], intercept + size * move[1], there
        if max(abs(move[0]), abs(move[1])) <= 1e-12:
            break
    return slope, intercept


def _losses(right: Ints, z: Floats, slope: float, intercept: float) -> Floats:
    v = np.clip(slope * z + intercept, -_LOGIT_MOST, _LOGIT_MOST)
    found: Floats = np.logaddexp(0.0, v) - right * v
    return found


def _posterior(right: Ints, z: Floats, slope: float, intercept: float) -> float:
    prior = ((slope - 1.0) / SLOPE_SD) ** 2 + (intercept / INTERCEPT_SD) ** 2
    return -len(right) * loss(right, z, slope, intercept) - 0.5 * prior
