"""A course of which nothing is known: shipped physics, difficulties learnt on the way.

This file fits that physics (`engines.quantum.shipped`) on other courses' logs and tries it on a
log, learner after learner as they come (docs/scoring.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engines.quantum.fit.cascade import halved, learners_of, register_sequences
from engines.quantum.fit.coordinates import REGISTER, Coordinates, Design
from engines.quantum.fit.ladder.kernels import stream_pass
from engines.quantum.fit.stage import fitted
from engines.quantum.shipped import Shipped
from engines.responses import FOLDS, Responses
from engines.words import Floats, Ints

STEPS = (0.6, 0.1, 0.3, 0.05, 0.5, 0.05, 500.0, 0.005)
"""First step and fall of item, skill and course; answers from which an item's step is capped."""
_COLD = 4


def shipped(log: Responses, seed: int, levels: int = 8) -> Shipped:
    """Fitted on all the log's learners; for several courses a joint log (`joint.joined`).

    G is the classical ladder with biases and difficulties of the log's own, which are then left
    out. The registers see what they will see in use: forecasts of a G that learns items and
    skills on the way, here on each fold of the learners; one register's numbers for all skills.
    """
    g, registers = halved(log, Design(levels), range(FOLDS), seed, linked=False)
    made = _of(g, registers.at)
    p_g = np.empty(len(log))
    for k in range(FOLDS):
        rows = log.rows_of([k])
        p_g[rows] = tried(made, log, learners_of(log, [k]))[0][rows]
    sequences = register_sequences(log, np.arange(len(log)), p_g)
    one_skill = replace(sequences, skill=np.zeros(len(log), np.int64), n_skills=1)
    return _of(g, fitted(REGISTER, one_skill, (seed, _COLD)))


def _of(g: Coordinates, registers: Coordinates) -> Shipped:
    """Without what belongs to a skill; of several skills' registers the mean."""
    r0, q0 = g.preparation[0], registers.preparation.mean(axis=0)
    return Shipped(
        base=g.base - float(r0 @ g.base),
        start=r0,
        transition=g.transition[0],
        forgetting=float(g.forgetting[0]),
        register_level=registers.level.mean(axis=0),
        register_weight=float(registers.weight[0]),
        register_transition=registers.transition[0],
        register_forgetting=registers.forgetting,
        register_start=float(q0[1] - q0[0]),
    )


def tried(physics: Shipped, log: Responses, learners: Ints) -> tuple[Floats, Floats]:
    """(p_G, P) of these learners' rows, one after another from nothing; NaN for other rows."""
    skills, items, d = len(log.combinations), len(log.items), len(physics.base)
    p_g, p = np.full(len(log), np.nan), np.full(len(log), np.nan)
    register = (
        np.tile(physics.register_level, (skills, 1)), physics.register_weight,
        physics.register_transition.copy(), physics.register_forgetting.copy(),
        np.full(skills, physics.register_start), np.full((skills, 1), -1, np.int64),
        np.zeros((skills, 1)), 0.0,
    )  # fmt: skip
    table = (np.zeros(items), np.zeros(skills), np.zeros(2), np.zeros(items), np.zeros(skills))
    stream_pass(
        learners, log.starts, log.combination, log.item, log.right,
        (physics.base.copy(), physics.start.copy(), physics.forgetting,
         physics.transition.reshape(2, d * d).copy()),
        register, table, np.array(STEPS), np.zeros(3 * d), np.zeros(skills),
        np.zeros(skills, np.int64), p_g, p,
    )  # fmt: skip
    return p_g, p
