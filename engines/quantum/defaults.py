"""The shipped physics: numbers for a course that has no data of its own. This file is those.

Not fitted yet.
"""

from __future__ import annotations

import numpy as np

from engines.quantum.parameters import LAGS, Parameters
from engines.words import Floats, Ints

BASE = tuple(np.linspace(-2.0, 2.0, 8).tolist())


def parameters(
    n_skills: int, combination: Ints, difficulty: Floats, neighbours: Ints, correlation: Floats
) -> Parameters:
    """Parameters of any course: the common basis for every skill, no bias, the prior b."""
    d = len(BASE)
    base = np.array(BASE)
    start = np.exp(-2.0 * (base / 2.0) ** 2)
    start /= start.sum()
    t = np.exp(
        np.where(
            np.eye(d) > 0,
            3.0,
            -1.5 * np.maximum(0, np.abs(np.subtract.outer(np.arange(d), np.arange(d))) - 1),
        )
    )
    t /= t.sum(axis=0)
    tl = np.array([[0.95, 0.02], [0.05, 0.98]])
    return Parameters(
        basis=np.broadcast_to(np.eye(d), (n_skills, d, d)),
        level=np.broadcast_to(base, (n_skills, d)),
        difficulty=difficulty,
        combination=combination,
        start=start,
        transition=np.stack([t, t]),
        forgetting=0.018,
        register_level=np.broadcast_to(np.array([-1.2, 1.2]), (n_skills, 2)),
        register_weight=1.0,
        register_transition=np.stack([tl, tl]),
        register_forgetting=np.full(LAGS, 0.047),
        register_start=np.zeros(n_skills),
        neighbours=neighbours,
        correlation=correlation,
    )
