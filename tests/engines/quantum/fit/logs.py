"""Logs for the fitter's tests: drawn answers, and answers of learners who are density matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.quantum.fit.coordinates import Coordinates, Sequences
from engines.responses import Responses, responses


def dice_of(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def drawn_rows(
    seed: int,
    *,
    skills: int = 4,
    items: int = 6,
    lags: int = 1,
    sizes: tuple[int, ...] = (7, 12, 1, 9),
) -> Sequences:
    dice = dice_of(seed)
    n = sum(sizes)
    return Sequences(
        starts=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        skill=dice.integers(0, skills, n),
        item=dice.integers(0, items, n),
        right=dice.integers(0, 2, n),
        lag=dice.integers(0, lags, n),
        offset=dice.standard_normal(n),
        n_skills=skills,
        n_items=items,
    )


def drawn_log(seed: int, *, learners: int = 40, answers: int = 20, skills: int = 4) -> Responses:
    """Each learner of fold number mod 5; a right answer's chance depends on learner and item."""
    dice = dice_of(seed)
    rows = []
    for u in range(learners):
        able = dice.standard_normal()
        for item in dice.integers(0, 5 * skills, answers).tolist():
            p = 1.0 / (1.0 + np.exp(-(1.5 * able + 0.5 - 0.15 * (item % 5))))
            right = int(dice.random() < p)
            rows.append((f"u{u}", f"i{item}", f"s{item % skills}", right, u % 5, None, None))
    return responses(rows)


def with_outcomes(log: Responses, right: Any) -> Responses:
    """The same log but for its outcomes."""
    names = [f for f in Responses.__dataclass_fields__ if f != "right"]
    return Responses(right=right, **{name: getattr(log, name) for name in names})


def simulated(at: Coordinates, seed: int, learners: int, answers: int) -> Responses:
    """Learners whose register G follows these coordinates; items belong to skill item mod S."""
    dice = dice_of(seed)
    t, r0, lam = at.transition[0], at.preparation[0], float(at.forgetting[0])
    root = np.sqrt(np.einsum("yjj->yj", t))
    skills, items = len(at.bias), len(at.difficulty)
    rows = []
    for u in range(learners):
        rho = np.diag(r0).astype(complex)
        for item in dice.integers(0, items, answers).tolist():
            s = item % skills
            basis = at.basis[s]
            r = basis @ ((1.0 - lam) * rho + lam * np.diag(r0)) @ basis.conj().T
            e = 1.0 / (1.0 + np.exp(-(at.level[s] - at.difficulty[item])))
            y = int(dice.random() < float(r.diagonal().real @ e))
            d = np.sqrt(e if y else 1.0 - e)
            q = d[:, None] * r * d
            moved = root[y][:, None] * q * root[y]
            np.fill_diagonal(moved, t[y] @ q.diagonal().real)
            rho = basis.conj().T @ moved @ basis / moved.trace().real
            rows.append((f"u{u}", f"i{item}", f"s{s}", y, u % 5, None, None))
    return responses(rows)
