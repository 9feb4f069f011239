"""What is known of an item beside its own answers: how often it was met, its neighbours' levels.

This file is the features that depend on the item alone; a fit folds them into one number an item.
Items near in the course, and above all those of the same combination, are about as hard.
"""

from __future__ import annotations

import numpy as np

from engines.words import Floats, Ints

INFORMATION = 0.18
"""Fisher information of one answer at the usual success rate, in logits to the power of -2."""
WINDOWS = ((2, True), (10, True), (30, True), (100, True), (3, False), (30, False))
"""How far neighbours may stand, and whether they must be of the same combination."""
OWN = 4
COLUMNS = OWN + 3 * len(WINDOWS)


def rarity(answers: Floats) -> Floats:
    """1 / (1 + n / 5): how little an item's own answers say, (I,)."""
    return 1.0 / (1.0 + answers / 5.0)


def constants(
    answers: Floats, elo: Floats, b: Floats, combination: Ints, position: Ints | None
) -> Floats:
    """(I, COLUMNS): counts, rarity, and the neighbours' prior; zeros where there are no places."""
    u = rarity(answers)
    own = np.stack([np.log1p(answers), 1.0 * (answers == 0.0), u, u * elo], axis=1)
    if position is None:
        return np.concatenate([own, np.zeros((len(b), COLUMNS - OWN))], axis=1)
    order = np.argsort(position, kind="stable")
    made = np.empty((len(b), COLUMNS - OWN))
    made[order] = _priors(b[order], answers[order], combination[order], position[order])
    return np.concatenate([own, made], axis=1)


def _priors(b: Floats, answers: Floats, combination: Ints, position: Ints) -> Floats:
    """The prior's features of items in the order of their places."""
    v = INFORMATION * answers
    found = []
    for window, same in WINDOWS:
        s = _neighbours_level(b, v, combination, position, window, same=same)
        found += [s / (v + 1.0), (b * (v + 1.0) + 4.0 * s) / (v + 4.0) - b, s]
    return np.stack(found, axis=1)


def _neighbours_level(
    b: Floats, v: Floats, combination: Ints, position: Ints, window: int, *, same: bool
) -> Floats:
    """Mean difficulty of items within `window` places, shrunk to 0 by two answers' worth."""
    total, weight = np.zeros(len(b)), np.zeros(len(b))
    for step in range(1, len(b)):
        far = position[step:] - position[:-step]
        near = far <= window
        if not near.any():
            break
        k = np.where(near, 1.0 - far / (window + 1.0), 0.0)
        if same:
            k = k * (combination[step:] == combination[:-step])
        total[:-step] += k * b[step:] * (v[step:] + 1.0)
        weight[:-step] += k * v[step:]
        total[step:] += k * b[:-step] * (v[:-step] + 1.0)
        weight[step:] += k * v[:-step]
    level: Floats = total / (2.0 + weight)
    return level
