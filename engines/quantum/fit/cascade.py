"""Register G first, the skills' qubits on what G leaves, then links. This file is that order.

The qubits see forecasts of a G that has not met the learner (cross-fitting): on its own training
rows G has learnt the items from the very answers, w would come out too large and the forecasts
too sure (docs/scoring.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.quantum.fit import links
from engines.quantum.fit.coordinates import REGISTER, Coordinates, Design, Sequences
from engines.quantum.fit.filtering import registered
from engines.quantum.fit.ladder.kernels import LAST_LAG, P_LEAST
from engines.quantum.fit.stage import fitted, forecasts
from engines.quantum.parameters import KAPPA
from engines.responses import Responses
from engines.words import Floats, Ints


@dataclass(frozen=True, slots=True)
class Registers:
    """The second stage: the qubits' coordinates, and the links (none where all are -1)."""

    at: Coordinates
    neighbours: Ints
    correlation: Floats


def learners_of(log: Responses, folds: Sequence[int]) -> Ints:
    """Numbers of the learners in these folds."""
    return np.flatnonzero(np.isin(log.fold[log.starts[:-1]], list(folds)))


def sequences(log: Responses, rows: Ints | None = None) -> Sequences:
    """The log's rows (all, or these, whole learners) as sequences of register G."""
    rows = np.arange(len(log)) if rows is None else rows
    learner = log.learner[rows]
    cuts = np.flatnonzero(np.diff(learner)) + 1
    starts = np.concatenate(([0], cuts, [len(rows)])).astype(np.int64)
    return Sequences(
        starts=starts,
        skill=log.combination[rows],
        item=log.item[rows],
        right=log.right[rows],
        lag=np.zeros(len(rows), np.int64),
        offset=np.zeros(len(rows)),
        n_skills=len(log.combinations),
        n_items=len(log.items),
    )


def register_sequences(log: Responses, rows: Ints, p_g: Floats) -> Sequences:
    """One sequence a (learner, skill), given p_G of these rows (whole learners)."""
    learner, skill, place = log.learner[rows], log.combination[rows], log.place[rows]
    order = np.lexsort((place, skill, learner))
    learner, skill, place = learner[order], skill[order], place[order]
    new = np.concatenate(([True], (np.diff(learner) != 0) | (np.diff(skill) != 0)))
    gap = np.where(new, 1, np.diff(place, prepend=0))
    lag = np.minimum(np.floor(np.log2(gap)).astype(np.int64), LAST_LAG)
    p = np.clip(p_g[order], P_LEAST, 1.0 - P_LEAST)
    return Sequences(
        starts=np.concatenate((np.flatnonzero(new), [len(rows)])).astype(np.int64),
        skill=skill,
        item=np.zeros(len(rows), np.int64),
        right=log.right[rows][order],
        lag=lag,
        offset=np.log(p / (1.0 - p)),
        n_skills=len(log.combinations),
        n_items=1,
    )


def fit_g(
    log: Responses, design: Design, folds: Sequence[int], seed: tuple[int, ...]
) -> Coordinates:
    """Register G on the learners of these folds."""
    return fitted(design, sequences(log, log.rows_of(folds)), seed)


def forecast_g(log: Responses, design: Design, at: Coordinates, rows: Ints) -> Floats:
    """p_G before each of these rows (whole learners), (len(rows),)."""
    return forecasts(design, at, sequences(log, rows))


def fit_registers(
    log: Responses, rows: Ints, p_g: Floats, seed: tuple[int, ...], *, linked: bool = True
) -> Registers:
    """Qubits and links on these rows (whole learners), given their cross-fitted p_G."""
    at = fitted(REGISTER, register_sequences(log, rows, p_g), seed)
    alone = Registers(at, *links.none(len(log.combinations)))
    if not linked:
        return alone
    p = forecast(log, alone, rows, p_g)
    near = links.links(
        log.learner[rows], log.combination[rows], log.right[rows], p, len(log.combinations)
    )
    return Registers(at, *near)


def forecast(log: Responses, registers: Registers, rows: Ints, p_g: Floats) -> Floats:
    """P before each of these rows (whole learners), given their p_G."""
    starts = sequences(log, rows).starts
    return registered(register(registers), starts, log.combination[rows], log.right[rows], p_g)


def register(registers: Registers) -> tuple[Any, ...]:
    """The qubits' physics as `kernels.register_pass` takes it; kappa = 0 without links."""
    at = registers.at
    r0 = at.preparation
    linked = bool((registers.neighbours[:, 0] >= 0).any())
    return (
        at.level, float(at.weight[0]), np.ascontiguousarray(at.transition[0]), at.forgetting,
        np.ascontiguousarray(r0[:, 1] - r0[:, 0]), registers.neighbours, registers.correlation,
        KAPPA if linked else 0.0,
    )  # fmt: skip


def halved(
    log: Responses, design: Design, folds: Sequence[int], seed: int, *, linked: bool = True
) -> tuple[Coordinates, Registers]:
    """G on these folds' learners, and the qubits on each half's forecasts by the other half's G.

    The cascade alone, three fits of G; `nested` is the one whose forecasts train a final stage.
    """
    learners = learners_of(log, folds)
    rows = log.rows_of(folds)
    odd = np.isin(log.learner[rows], learners[1::2])
    p_g = np.empty(len(rows))
    for n, half in enumerate((odd, ~odd)):
        at = fitted(design, sequences(log, rows[~half]), (seed, n))
        p_g[half] = forecast_g(log, design, at, rows[half])
    whole = fitted(design, sequences(log, rows), (seed, 2))
    return whole, fit_registers(log, rows, p_g, (seed, 3), linked=linked)
