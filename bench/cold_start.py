"""Scenario `cold-start`: a course without data, whose difficulties are learnt as answers come.

Learners of one fold are streamed once, one after another, through the physics fitted on other
courses; each answer is forecast before it is seen, then difficulties and offsets move. This file
judges those forecasts beside an Elo rating that begins at zero as well, and the calibration that
is renewed as answers come (docs/scoring.md).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from bench.options import Options, tell
from bench.record import gate
from engines.classical.elo import STARTS
from engines.classical.rows import laid_out
from engines.maths.logistic import sigmoid
from engines.maths.verification import auc, calibration_error, log_loss
from engines.quantum.defaults import SHIPPED, WITHOUT
from engines.quantum.difficulty import LEAST_LEARNERS, Offsets, calibration, logits
from engines.quantum.online.kernels import streamed
from engines.quantum.shipped import Shipped
from engines.responses import Responses
from engines.words import Floats, Ints

OURS, ELO, TUNED = "tutorstream", "Elo from zero", "Elo, steps of this log"
EASE = (0.3, 0.05)
"""Step and fall of a skill's offset in Elo, where it has one."""
CHOSEN_ON = {"assist2009": 1, "statics2011": 2, "algebra05_sub": 3}
"""Which of Elo's settings was chosen on which log."""
ECE_MOST = 0.02
RENEWED_ANSWERS = 1_000
"""A calibration is renewed after so many answers; the design says weekly, a log has no weeks."""
TEST_FOLD = 0


class Streamed(NamedTuple):
    """Forecasts (n,) of rows in the order they were streamed, and the table at the end."""

    rows: Ints
    p: Floats
    table: Offsets


def stream(log: Responses, rows: Ints, physics: Shipped) -> Streamed:
    """Whole learners, in the log's order, through a course of which nothing is known before."""
    laid = laid_out(log, rows)
    n_skills = len(log.combinations)
    table = Offsets.before(np.zeros(len(log.items)), n_skills)
    course, p = np.zeros(2), np.empty(len(laid))
    streamed(
        laid.starts,
        laid.item,
        laid.combination,
        laid.right,
        (physics.base, physics.start, physics.transition, physics.forgetting),
        (
            physics.register_level,
            physics.register_weight,
            physics.register_transition,
            physics.register_forgetting,
            physics.register_start,
        ),
        (table.b, table.b_answers, table.skill, table.skill_answers, course),
        p,
    )
    table.course, table.course_answers = course.tolist()
    return Streamed(rows, p, table)


def recalibrated(right: Ints, p: Floats, learner: Ints) -> Floats:
    """The forecasts as they would be told: slope and intercept renewed every 1,000 answers."""
    names = [str(who) for who in learner.tolist()]
    z, told = logits(p), p.copy()
    slope, intercept = 1.0, 0.0
    for at in range(RENEWED_ANSWERS, len(p), RENEWED_ANSWERS):
        found = calibration(right[:at], p[:at], names[:at], (slope, intercept))
        slope, intercept = (slope, intercept) if found is None else found
        until = at + RENEWED_ANSWERS
        told[at:until] = sigmoid(slope * z[at:until] + intercept)
    return told


def elo(
    log: Responses, rows: Ints, steps: tuple[float, ...], offsets: tuple[float, float] = (0.0, 0.0)
) -> Floats:
    """Forecasts (n,) of Elo where abilities and difficulties begin at zero (Pelanek 2016).

    `steps` (8,): a, b, c of theta, of theta_k of an answer's skills, ai and bi of an item; see
    `engines.classical.elo`. `offsets` are the step of an easiness of each combination of skills
    and its fall; (0, 0) for none.
    """
    a, b, c, a2, b2, c2, ai, bi = steps
    parts = [
        log.parts[log.parts[row] : log.parts[row + 1]].tolist()
        for row in range(len(log.combinations))
    ]
    d, met = [0.0] * len(log.items), [0] * len(log.items)
    ease, answered = [0.0] * len(parts), [0] * len(parts)
    ability: list[float] = []
    for answers in log.by_learner(rows):
        theta, own, seen = 0.0, [0.0] * len(log.skills), [0] * len(log.skills)
        columns = (log.item[answers], log.combination[answers], log.right[answers])
        for n, (item, skills, right) in enumerate(zip(*(x.tolist() for x in columns), strict=True)):
            of = parts[skills]
            logit = theta + sum(own[k] for k in of) / len(of) - d[item] + ease[skills]
            ability.append(logit)
            surprise = right - 1.0 / (1.0 + math.exp(-logit))
            theta += (a / (1.0 + b * n) + c) * surprise
            for k in of:
                own[k] += (a2 / (1.0 + b2 * seen[k]) + c2) * surprise
                seen[k] += 1
            d[item] -= ai / (1.0 + bi * met[item]) * surprise
            met[item] += 1
            ease[skills] += offsets[0] / (1.0 + offsets[1] * answered[skills]) * surprise
            answered[skills] += 1
    return sigmoid(np.array(ability))


def judged(log: Responses, rows: Ints, name: str) -> dict[str, Any]:
    """What the forecasts of these rows were worth, ours and Elo's, and how well calibrated late.

    Nothing of ours was fitted on the log `name`, so Elo has the better of each figure over the
    settings chosen elsewhere, with skill offsets and without; its setting chosen on this very log
    stands beside it. `late` are answers of learners after the 30th; None where there are none.
    """
    right, learner = log.right[rows], log.learner[rows]
    p = stream(log, rows, WITHOUT.get(name, SHIPPED)).p
    place = np.cumsum(np.concatenate(([0], np.diff(learner) != 0)))
    late = place >= LEAST_LEARNERS
    told = recalibrated(right, p, learner)
    own = CHOSEN_ON.get(name)
    rated: dict[str, list[Floats]] = {ELO: [], TUNED: []}
    for at, steps in enumerate(STARTS):
        for offsets in ((0.0, 0.0), EASE):
            rated[TUNED if at == own else ELO].append(elo(log, rows, steps, offsets))
    ours = _scores(right, [p]) | {
        "ece": round(calibration_error(right, p), 4),
        "late_ece": round(calibration_error(right[late], told[late]), 4) if late.any() else None,
        "late_ece_raw": round(calibration_error(right[late], p[late]), 4) if late.any() else None,
        "answers": len(rows),
        "learners": int(place[-1]) + 1,
        "late_answers": int(late.sum()),
    }
    return {OURS: ours} | {who: _scores(right, each) for who, each in rated.items() if each}


def _scores(right: Ints, forecasts: list[Floats]) -> dict[str, Any]:
    return {
        "auc": round(max(auc(right, p) for p in forecasts), 4),
        "log_loss": round(min(log_loss(right, p) for p in forecasts), 4),
    }


def gates(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Ours beats Elo in both figures; what is told is calibrated once 30 learners were there."""
    ours, other = summary[OURS], summary[ELO]
    found = [
        gate("Elo's AUC above ours", round(other["auc"] - ours["auc"], 4), 0.0),
        gate("our log-loss above Elo's", round(ours["log_loss"] - other["log_loss"], 4), 0.0),
    ]
    if ours["late_ece"] is not None:
        found.append(gate("calibration error after 30 learners", ours["late_ece"], ECE_MOST))
    return found


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.log is None:
        raise ValueError("cold-start needs --data FILE, a response log")
    return options._replace(rounds=1, peers=False)


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    log = options.log
    assert log is not None  # `defaults` saw to it
    tell(f"streaming fold {TEST_FOLD} of {options.data}")
    summary = judged(log, log.rows_of([TEST_FOLD]), options.data)
    body = {
        "arrivals": f"{options.data}, learners of fold {TEST_FOLD} one after another, once",
        "physics": f"without {options.data}" if options.data in WITHOUT else "shipped",
        "summary": summary,
    }
    return body, gates(summary)
