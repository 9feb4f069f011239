"""One stage of the cascade, fitted by exact maximum likelihood. This file is objective and ascent.

The gradients are those of the whole sequence likelihood (docs/scoring.md), not of one
answer's; steps are Adam's, for bases in the Lie algebra. Batches are whole sequences.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.quantum.fit import bases
from engines.quantum.fit.coordinates import Coordinates, Design, Sequences, begun
from engines.quantum.fit.filtering import (
    Space,
    density,
    density_gradients,
    density_physics,
    ladder,
)
from engines.quantum.parameters import Complexes
from engines.words import Floats, Ints

RATE, RATE_FALL = 0.05, 0.7
RATES = {"base": 0.5, "weight": 0.2, "basis": 0.4}
"""Shares of the rate; 1 for what is not named."""
BIAS_PRIOR, DIFFICULTY_PRIOR, START_PRIOR = 0.025, 0.5, 0.25
FREE = ("base", "bias", "deviation", "difficulty", "channel", "own", "start", "lag", "weight")
"""Coordinates that are plain numbers; `basis` is the other."""

Gradient = dict[str, Floats]
Watch = Callable[[int, Coordinates], None]


def forecasts(design: Design, at: Coordinates, rows: Sequences) -> Floats:
    """The forecast of a right answer before each row, (n_rows,)."""
    space = _space(design, rows)
    everyone = np.arange(len(rows.starts) - 1)
    _pass(design, at, rows, everyone, space, learn=False)
    return space.out


def likelihood(
    design: Design, at: Coordinates, rows: Sequences, chosen: Ints
) -> tuple[float, float, Gradient, Complexes]:
    """Log-likelihood of the chosen sequences, largest |Tr(Lambda rho) - 1|, all gradients.

    Gradients by the coordinate's name, and H (S, d, d): d loglik = Tr(H_s A) for
    U_s -> (I + iA) U_s. No priors.
    """
    return _pass(design, at, rows, chosen, _space(design, rows), learn=True)


def prior(design: Design, at: Coordinates) -> tuple[float, Gradient, Complexes]:
    """The log prior and its gradients, as `likelihood` gives them."""
    apart = at.start - at.start.mean(axis=0)
    value = (
        -BIAS_PRIOR * float((at.bias**2).sum())
        - design.deviation_prior * float((at.deviation**2).sum())
        - DIFFICULTY_PRIOR * float((at.difficulty**2).sum())
        - START_PRIOR * float((apart**2).sum())
    )
    gradient = {
        "bias": -2.0 * BIAS_PRIOR * at.bias,
        "deviation": -2.0 * design.deviation_prior * at.deviation,
        "difficulty": -2.0 * DIFFICULTY_PRIOR * at.difficulty,
        "start": -2.0 * START_PRIOR * apart,
    }
    if design.own is not None:
        value -= design.own * float((at.own**2).sum())
        gradient["own"] = -2.0 * design.own * at.own
    direction = np.zeros_like(at.basis)
    if not design.straight:
        value += design.pull * float(np.einsum("sjj->", at.basis).real)
        direction = 0.5j * design.pull * (at.basis - np.swapaxes(at.basis.conj(), 1, 2))
    return value, gradient, direction


def fitted(
    design: Design, rows: Sequences, seed: tuple[int, ...], watch: Watch | None = None
) -> Coordinates:
    """The coordinates after `design.epochs` of ascent; the same seed gives the same bits.

    `watch(epoch, coordinates)` is called after each epoch.
    """
    dice = np.random.Generator(np.random.PCG64(list(seed)))
    at = begun(design, rows, dice)
    free = [name for name in FREE if name in _moving(design)]
    ascents = {name: bases.Ascent[Floats](getattr(at, name)) for name in free}
    turning = bases.Ascent[Complexes](at.basis)
    space = _space(design, rows)
    sequences = len(rows.starts) - 1
    batches = max(1, min(design.batches, sequences // design.least))
    for epoch in range(design.epochs):
        rate = RATE * (1.0 - epoch / design.epochs) ** RATE_FALL
        for chosen in np.array_split(dice.permutation(sequences), batches):
            _, _, gradient, direction = _pass(design, at, rows, chosen, space, learn=True)
            _, pulled, back = prior(design, at)
            for name in free:
                g = gradient[name] + pulled[name] / batches if name in pulled else gradient[name]
                move = ascents[name].step(g, rate * RATES.get(name, 1.0))
                setattr(at, name, getattr(at, name) + move)
            if not design.straight:
                turn = turning.step(direction + back / batches, rate * RATES["basis"])
                at.basis = bases.cayley(bases.rotation(turn) if design.real else turn, at.basis)
        if not design.straight:
            at.basis = bases.polar(at.basis)
        if watch is not None:
            watch(epoch, at)
    return at


def _moving(design: Design) -> set[str]:
    """The plain coordinates that this design fits."""
    fixed = {"difficulty"} if not design.items else {"weight"}
    if design.own is None:
        fixed.add("own")
    return set(FREE) - fixed


def _space(design: Design, rows: Sequences) -> Space:
    return Space.of(design.levels, rows, straight=design.straight)


def _pass(
    design: Design, at: Coordinates, rows: Sequences, chosen: Ints, space: Space, *, learn: bool
) -> tuple[float, float, Gradient, Complexes]:
    run = _ladder if design.straight else _density
    return run(at, rows, chosen, space, learn)


def _ladder(
    at: Coordinates, rows: Sequences, chosen: Ints, space: Space, learn: bool
) -> tuple[float, float, Gradient, Complexes]:
    t, r0, lam = at.transition, at.preparation, at.forgetting
    d = len(at.base)
    physics = (at.level, at.difficulty, r0, lam, t.reshape(-1, d * d), at.weight)
    into = tuple(np.zeros_like(x) for x in physics) if learn else None
    total, worst = ladder(physics, rows, chosen, space, into)
    if into is None:
        return total, worst, {}, at.basis
    by_level, by_item, by_start, by_lag, by_jump, by_weight = into
    gradient = _chained(at, t, by_level, by_jump.reshape(t.shape), lam, by_lag, r0, by_start)
    return total, worst, gradient | {"difficulty": by_item, "weight": by_weight}, at.basis


def _density(
    at: Coordinates, rows: Sequences, chosen: Ints, space: Space, learn: bool
) -> tuple[float, float, Gradient, Complexes]:
    t, r0, lam = at.transition, at.preparation, at.forgetting
    d = len(at.base)
    physics = density_physics(at.basis, at.level, at.difficulty, r0[0], lam, t[0])
    into = density_gradients(rows.n_skills, d, rows.n_items) if learn else None
    total, worst = density(physics, rows, chosen, space, into)
    if into is None:
        return total, worst, {}, at.basis
    by_level, by_item, by_jump, by_damp, by_lag, by_start, by_basis = into
    by_transition = by_jump.reshape(2, d, d).copy()
    both = by_damp.reshape(2, d, d)
    both = 0.5 * (both + np.swapaxes(both, 1, 2))
    stay = np.einsum("yjj->yj", t[0])
    ratio = np.sqrt(stay[:, None, :] / stay[:, :, None])  # [y, j, k] = sqrt(T_kk / T_jj)
    apart = 1.0 - np.eye(d)
    by_transition += np.eye(d) * (both * ratio * apart).sum(axis=2)[:, :, None]
    effect = bases.hermitian(by_start, d)
    prepared = bases.hermitian(physics[1], d)
    direction = bases.hermitian(by_basis, d) + bases.commutator(prepared, effect)
    back = np.swapaxes(at.basis.conj(), 1, 2) @ effect @ at.basis
    by_r0 = np.einsum("sjj->j", back).real[None]
    gradient = _chained(at, t, by_level, by_transition[None], lam, by_lag, r0, by_r0)
    return total, worst, gradient | {"difficulty": by_item, "weight": np.zeros(1)}, direction


def _chained(
    at: Coordinates, t: Floats, by_level: Floats, by_transition: Floats, lam: Floats,
    by_lag: Floats, r0: Floats, by_start: Floats,
) -> Gradient:  # fmt: skip
    """From the physics' gradients to those of the coordinates."""
    channel = t * (by_transition - (t * by_transition).sum(axis=2, keepdims=True))
    return {
        "base": by_level.sum(axis=0),
        "bias": by_level.sum(axis=1),
        "deviation": by_level,
        "channel": channel.sum(axis=0),
        "own": channel.sum(axis=1) if len(at.own) else at.own,
        "lag": lam * (1.0 - lam) * by_lag,
        "start": r0 * (by_start - (r0 * by_start).sum(axis=1, keepdims=True)),
    }
