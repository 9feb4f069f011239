"""Forecasts of a whole log by given physics. This file calls the compiled passes, without learning.

The state of each learner begins at the preparation and sees the rows one by one; a forecast is made
before its row's outcome is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.quantum.fit import bases
from engines.quantum.fit.coordinates import Sequences
from engines.quantum.fit.kernels import WORK, density_pass
from engines.quantum.fit.ladder.kernels import ladder_pass, register_pass
from engines.quantum.parameters import Complexes, Parameters
from engines.words import Floats, Ints


@dataclass(slots=True)
class Space:
    """What a pass writes into: past states, effects, forecasts by place in the sequence, by row."""

    past: Floats
    seen: Floats
    p_right: Floats
    work: Floats
    out: Floats

    @classmethod
    def of(cls, levels: int, rows: Sequences, *, straight: bool) -> Space:
        """Room for the longest sequence."""
        longest = rows.longest
        return cls(
            np.zeros((longest, levels if straight else levels**2)),
            np.zeros((longest, 2 * levels)),
            np.zeros(longest),
            np.zeros(WORK * levels**2),
            np.full(len(rows.skill), np.nan),
        )


def density_physics(
    basis: Complexes, level: Floats, difficulty: Floats, r0: Floats, lam: Floats, t: Floats
) -> tuple[Floats, ...]:
    """The first argument of `density_pass`: r0 (d,), lam (1,), t (2, d, d)."""
    d = len(r0)
    stay = np.einsum("yjj->yj", t)
    damp = np.sqrt(stay[:, :, None] * stay[:, None, :]).reshape(2, d * d)
    prepared = bases.real_form(bases.conjugated(basis, np.diag(r0)))
    return (
        bases.frames(basis), prepared, level, difficulty, lam,
        np.ascontiguousarray(t.reshape(2, d * d)), np.ascontiguousarray(damp),
    )  # fmt: skip


def density(
    physics: tuple[Floats, ...], rows: Sequences, chosen: Ints, space: Space, into: Any = None
) -> tuple[float, float]:
    """`density_pass`; where `into` holds arrays for gradients, they are added up there."""
    level, difficulty = physics[2], physics[3]
    skills, d = level.shape
    learn = into is not None
    if into is None:
        into = density_gradients(skills, d, len(difficulty))
    total, worst = density_pass(
        (0,) * d, chosen, rows.starts, rows.skill, rows.item, rows.right, physics,
        space.past, space.seen, space.p_right, space.work, space.out, learn, into,
    )  # fmt: skip
    return total, worst


def density_gradients(skills: int, d: int, items: int) -> tuple[Floats, ...]:
    """Zeros for `density_pass` to add to."""
    return (
        np.zeros((skills, d)), np.zeros(items), np.zeros((2, d * d)), np.zeros((2, d * d)),
        np.zeros(1), np.zeros((skills, d * d)), np.zeros((skills, d * d)),
    )  # fmt: skip


def ladder(
    physics: tuple[Floats, ...], rows: Sequences, chosen: Ints, space: Space, into: Any = None
) -> tuple[float, float]:
    """`ladder_pass`; preparations and channels are the skills' own where there are so many."""
    level, _, r0, _, jump, _ = physics
    skills, d = level.shape
    one, each = np.zeros(skills, np.int64), np.arange(skills)
    learn = into is not None
    total, worst = ladder_pass(
        (0,) * d, chosen, rows.starts,
        (rows.skill, rows.item, rows.right, rows.lag, rows.offset,
         each if len(r0) == skills else one, each if len(jump) == 2 * skills else one),
        physics, space.past, space.seen, space.p_right, space.work, space.out, learn,
        tuple(np.zeros_like(x) for x in physics) if into is None else into,
    )  # fmt: skip
    return total, worst


def filtered(parameters: Parameters, rows: Sequences) -> tuple[Floats, Floats]:
    """(p_G, P) before each row, (n_rows,) each; one sequence a learner.

    Items numbered beyond the parameters' count as b = 0. P is not calibrated. Bases other than
    U = I need one of `kernels.TURNED` levels, else `kernels.STRAIGHT` (TypeError otherwise).
    """
    p = parameters
    beyond = max(0, int(rows.item.max()) + 1 - p.n_items)
    difficulty = np.concatenate([p.difficulty, np.zeros(beyond)])
    d, everyone = p.levels, np.arange(len(rows.starts) - 1)
    lam = np.array([p.forgetting])
    level, start, transition = p.level.copy(), p.start.copy(), p.transition.copy()
    straight = bool((p.basis == np.eye(d)).all())
    space = Space.of(d, rows, straight=straight)
    if straight:
        jump = transition.reshape(2, d * d)
        ladder((level, difficulty, start[None], lam, jump, np.ones(1)), rows, everyone, space)
    else:
        physics = density_physics(p.basis, level, difficulty, start, lam, transition)
        density(physics, rows, everyone, space)
    register = (
        p.register_level.copy(), p.register_weight, p.register_transition.copy(),
        p.register_forgetting.copy(), p.register_start.copy(), p.neighbours.copy(),
        p.correlation.copy(), p.kappa,
    )  # fmt: skip
    return space.out, registered(register, rows.starts, rows.skill, rows.right, space.out)


def registered(
    register: tuple[Any, ...], starts: Ints, skill: Ints, right: Ints, p_g: Floats
) -> Floats:
    """P before each row, given p_G; `register` as `register_pass` takes it."""
    out = np.full(len(right), np.nan)
    skills = len(register[4])
    everyone = np.arange(len(starts) - 1)
    z, last = np.zeros(skills), np.zeros(skills, np.int64)
    register_pass(everyone, starts, skill, right, p_g, register, z, last, out)
    return out
