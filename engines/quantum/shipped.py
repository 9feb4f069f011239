"""Physics without a course: what a course without data begins with. This file is its form.

One ladder and one preparation for all skills, all bases alike, no biases, no links of its own:
fitted on other courses' logs (docs/scoring.md); the numbers are `engines.quantum.defaults`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engines.quantum.parameters import Parameters
from engines.words import Floats, Ints


@dataclass(frozen=True, slots=True)
class Shipped:
    """Given as numbers in nested sequences; kept as read-only float64 arrays.

    `base` (d,), mean 0 under `start` (d,); `transition` (2, d, d): T[y][to, from]; `forgetting`;
    of the skills' registers `register_level` (2,), `register_weight`, `register_transition`
    (2, 2, 2), `register_forgetting` (10,), `register_start`: z0. Rounded columns of chances are
    made to sum to 1.
    """

    base: Floats
    start: Floats
    transition: Floats
    forgetting: float
    register_level: Floats
    register_weight: float
    register_transition: Floats
    register_forgetting: Floats
    register_start: float

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = np.array(getattr(self, entry.name), dtype=np.float64)
            if entry.name in {"transition", "register_transition"}:
                value = value / value.sum(axis=1, keepdims=True)
            if entry.name == "start":
                value = value / value.sum()
            value.setflags(write=False)
            object.__setattr__(self, entry.name, value if value.ndim else float(value))

    def parameters(
        self,
        n_skills: int,
        combination: Ints,
        difficulty: Floats,
        neighbours: Ints,
        correlation: Floats,
    ) -> Parameters:
        """Parameters of any course: the common basis for every skill, no bias, the prior b.

        `combination` (I,) and `difficulty` (I,) by item, `neighbours` and `correlation` (S, K).
        Raises ValueError as `Parameters` does.
        """
        d = len(self.base)
        return Parameters(
            basis=np.broadcast_to(np.eye(d), (n_skills, d, d)),
            level=np.broadcast_to(self.base, (n_skills, d)),
            difficulty=difficulty,
            combination=combination,
            start=self.start,
            transition=self.transition,
            forgetting=self.forgetting,
            register_level=np.broadcast_to(self.register_level, (n_skills, 2)),
            register_weight=self.register_weight,
            register_transition=self.register_transition,
            register_forgetting=self.register_forgetting,
            register_start=np.full(n_skills, self.register_start),
            neighbours=neighbours,
            correlation=correlation,
        )
