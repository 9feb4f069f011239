"""Bayesian knowledge tracing with forgetting, by EM (Corbett & Anderson 1995). This file is it.

One hidden bit a learner and combination of skills: known or not. Five numbers a combination: init,
learn, forget, guess, slip. EM's expectations come from forward and backward passes (Rabiner 1989).
First one set of numbers is fitted to all combinations; each combination's own then have it as a
Beta prior worth `STRENGTH` answers, so that the objective, likelihood plus prior, never falls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.classical import kernels
from engines.classical.rows import laid_out
from engines.responses import Responses
from engines.words import Floats, Ints

USUAL = np.array([0.4, 0.1, 0.02, 0.25, 0.15])
"""Where the common numbers begin: init, learn, forget, guess, slip."""
WEAK, STRENGTH = 2.0, 5.0
"""Pseudo-answers of the prior of the common numbers, and of each combination's."""
ITERATIONS, WITHIN = 200, 1e-6
"""At most so many EM steps; a gain below this share of the objective ends them."""
LEAST = 1e-4
"""No probability is nearer to 0 or 1."""


@dataclass(frozen=True, slots=True)
class Traced:
    """`parameters` (C, 5): init, learn, forget, guess, slip; `objectives`: one an EM step."""

    parameters: Floats
    objectives: tuple[float, ...]


def fit(log: Responses, train_rows: Ints, seed: int) -> Traced:  # noqa: ARG001 - one form
    """The numbers of each combination; what has no row has the common ones."""
    starts, combination, right = sequences(log, train_rows)
    together = np.zeros_like(combination)
    common, _ = expected(starts, together, right, USUAL[None].copy(), USUAL, WEAK)
    begun = np.repeat(common, len(log.combinations), axis=0)
    made, objectives = expected(starts, combination, right, begun, common[0], STRENGTH)
    return Traced(made, tuple(objectives))


def predict(model: Traced, log: Responses, rows: Ints) -> Floats:
    """The forecast of each row (n,), whole learners."""
    laid = laid_out(log, rows)
    out = np.empty(len(laid))
    kernels.traced_forward(laid.starts, laid.combination, laid.right, model.parameters, out)
    return out


def sequences(log: Responses, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """(starts, combination, right): the rows with each learner's answers on a skill together."""
    laid = laid_out(log, rows)
    learner = np.repeat(np.arange(len(laid.starts) - 1), np.diff(laid.starts))
    order = np.lexsort((np.arange(len(laid)), laid.combination, learner))
    combination = laid.combination[order]
    cuts = np.flatnonzero((np.diff(learner[order]) != 0) | (np.diff(combination) != 0)) + 1
    starts = np.concatenate(([0], cuts, [len(laid)])).astype(np.int64)
    return starts, combination, laid.right[order]


def expected(
    starts: Ints, combination: Ints, right: Ints, begun: Floats, usual: Floats, strength: float
) -> tuple[Floats, list[float]]:
    """(parameters (C, 5), objective at each step): EM from `begun`, prior about `usual` (5,).

    The objective is log-likelihood plus log prior, Beta(1 + strength usual, 1 + strength
    (1 - usual)) for each number.
    """
    parameters = np.clip(begun, LEAST, 1.0 - LEAST)
    longest = int(np.diff(starts).max())
    yes, no = strength * usual, strength * (1.0 - usual)
    objectives: list[float] = []
    for _ in range(ITERATIONS):
        events = np.zeros((len(parameters), kernels.EVENTS))
        likelihood = kernels.traced(starts, combination, right, parameters, events, longest)
        prior = float(np.sum(yes * np.log(parameters) + no * np.log1p(-parameters)))
        objectives.append(likelihood + prior)
        if len(objectives) > 1 and objectives[-1] - objectives[-2] < WITHIN * abs(likelihood):
            break
        happened, not_happened = events[:, ::2] + yes, events[:, 1::2] + no
        parameters = np.clip(happened / (happened + not_happened), LEAST, 1.0 - LEAST)
    return parameters, objectives
