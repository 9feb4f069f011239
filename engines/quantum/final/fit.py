"""Fitting the final stage on nested forecasts. This file keeps every number honest.

A training row of fold k carries the engine's forecasts by models that never met its learner, and
item tables (Elo difficulties, counts, neighbours' levels) made without fold k, its counts scaled
to the size they will have when serving. Otherwise tables know part of the outcomes they are to
forecast, and the weights would trust them too much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.maths.logistic import ridge
from engines.maths.verification import log_loss
from engines.quantum.final import catalogue
from engines.quantum.final import kernels as k
from engines.quantum.final.stage import Final
from engines.quantum.final.trees.boosting import Trees, boosted
from engines.responses import Responses
from engines.words import Floats, Ints

PENALTY, NEWTON_STEPS, ELO_PASSES = 1.0, 7, 2
ELO_STEPS = (
    (0.4, 0.03, 0.01, 0.2, 0.01, 0.12, 0.3, 0.03),
    (1.2, 0.1, 0.06, 0.2, 0.01, 0.02, 1.0, 0.08),
    (0.4, 0.1, 0.03, 0.4, 0.01, 0.0, 0.6, 0.08),
)
"""Steps to choose from: a, b, c of theta, of theta_k, ai and bi of an item's difficulty."""
_NO_NODES = np.empty(0, np.int64)
NONE = Trees(_NO_NODES, _NO_NODES, _NO_NODES, _NO_NODES, np.empty(0))


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The engine's forecasts before each row of a log, (n,), and difficulties by what was met.

    `p` and `p_g` of a training row come from models without its fold; `b` (I,) are those of all
    training folds, `b_without[k]` those of a model without fold k.
    """

    p: Floats
    p_g: Floats
    b: Floats
    b_without: Mapping[int, Floats]


def fitted(
    log: Responses,
    folds: Sequence[int],
    known: Forecasts,
    *,
    trees: bool = True,
    steps: Floats | None = None,
) -> Final:
    """The stage of these training folds; Elo's steps are chosen on the first fold if not given."""
    if len(folds) < 2:
        msg = f"expected two training folds at least, got {list(folds)}"
        raise ValueError(msg)
    steps = chosen_steps(log, folds) if steps is None else steps
    blocks = [_of_fold(log, fold, folds, known, steps) for fold in folds]
    rows = np.concatenate([log.rows_of([fold]) for fold in folds])
    x = np.concatenate(blocks)
    right = log.right[rows]
    weights, level = _logistic(x, right)
    z = x @ weights + level
    grown = boosted(tree_inputs(z, x[:, : k.FEATURES]), right, z) if trees else NONE
    answers = _counts(log, log.rows_of(folds))
    elo = difficulties(log, log.rows_of(folds), steps)
    tables = _tables(log, elo, answers)
    constants = catalogue.constants(answers, elo, known.b, combination_of(log), log.position)
    tables[:, k.LEVEL] = level + constants @ weights[k.FEATURES :]
    return Final(
        steps,
        weights[: k.FEATURES],
        tables,
        combination_of(log),
        log.parts,
        log.skills,
        log.position is not None,
        log.at_s is not None,
        grown,
    )


def predict(final: Final, log: Responses, rows: Ints, p: Floats, p_g: Floats) -> Floats:
    """P' of whole learners' rows (n,), each answer forecast before it is seen; `p` of all rows."""
    v = features(log, final.real, final.whole, rows, p, p_g)
    out = np.empty(len(rows))
    k.judged(final.real, final.whole, np.ascontiguousarray(log.item[rows]), v, out)
    return out


def features(
    log: Responses, real: Floats, whole: Ints, rows: Ints, p: Floats, p_g: Floats
) -> Floats:
    """(n, FEATURES) of whole learners' rows, before each answer."""
    out = np.empty((len(rows), k.FEATURES))
    at_s = np.full(len(rows), np.nan) if log.at_s is None else log.at_s[rows]
    items, right = np.ascontiguousarray(log.item[rows]), np.ascontiguousarray(log.right[rows])
    k.rows(real, whole, _starts(log, rows), items, right, p[rows], p_g[rows], at_s, out)
    return out


def tree_inputs(z: Floats, v: Floats) -> Floats:
    """(n, TREE_COLUMNS): what `kernels` shows the trees of features v (n, FEATURES)."""
    return np.column_stack([z, v[:, : k.XX], v[:, k.ELO :]])


def chosen_steps(log: Responses, folds: Sequence[int]) -> Floats:
    """Those of `ELO_STEPS` with which Elo forecasts the first fold best, fitted on the others."""
    held, kept = log.rows_of(folds[:1]), log.rows_of(folds[1:])
    losses = []
    for each in ELO_STEPS:
        steps = np.array(each)
        p = _rated(log, steps, difficulties(log, kept, steps), held)
        losses.append(log_loss(log.right[held], p))
    return np.array(ELO_STEPS[int(np.argmin(losses))])


def difficulties(log: Responses, rows: Ints, steps: Floats) -> Floats:
    """Elo's d (I,) after the passes over these rows; an item begins at its combination's level."""
    right, combination = log.right[rows], log.combination[rows]
    n = np.bincount(combination, minlength=len(log.combinations))
    won = np.bincount(combination, weights=right, minlength=len(n))
    rate = (won + 5.0 * right.mean()) / (n + 5.0)
    begun = -np.log(rate / (1.0 - rate))[combination_of(log)]
    real, whole = _plain(log, steps, begun)
    met, out = np.zeros(len(log.items)), np.empty(len(rows))
    columns = (np.ascontiguousarray(log.item[rows]), np.ascontiguousarray(right))
    for _ in range(ELO_PASSES):
        k.elo(real, whole, _starts(log, rows), *columns, met, out)
    return real[k.TABLES :].reshape(-1, k.COLUMNS)[:, k.DIFFICULTY].copy()


def combination_of(log: Responses) -> Ints:
    """The combination of each item (I,): the first one it was met with."""
    found = np.zeros(len(log.items), np.int64)
    found[log.item[::-1]] = log.combination[::-1]
    return found


def _rated(log: Responses, steps: Floats, d: Floats, rows: Ints) -> Floats:
    still = steps.copy()
    still[k.EASE] = 0.0
    real, whole = _plain(log, still, d)
    out = np.empty(len(rows))
    columns = (np.ascontiguousarray(log.item[rows]), np.ascontiguousarray(log.right[rows]))
    k.elo(real, whole, _starts(log, rows), *columns, np.zeros(len(d)), out)
    return out


def _of_fold(
    log: Responses, fold: int, folds: Sequence[int], known: Forecasts, steps: Floats
) -> Floats:
    """A fold's training rows (n, FEATURES + catalogue.COLUMNS) by tables made without it."""
    others = [other for other in folds if other != fold]
    source, rows = log.rows_of(others), log.rows_of([fold])
    answers = _counts(log, source) * (len(folds) / len(others))
    elo = difficulties(log, source, steps)
    real, whole = _plain(log, steps, elo)
    real[k.TABLES :] = _tables(log, elo, answers).ravel()
    v = features(log, real, whole, rows, known.p, known.p_g)
    b = known.b_without[fold]
    constants = catalogue.constants(answers, elo, b, combination_of(log), log.position)
    return np.concatenate([v, constants[log.item[rows]]], axis=1)


def _logistic(x: Floats, right: Ints) -> tuple[Floats, float]:
    """(weights, intercept) on the raw scale, by ridge on standardised columns."""
    mean, sd = x.mean(axis=0), x.std(axis=0)
    sd[sd < 1e-9] = 1.0
    standard = np.column_stack([(x - mean) / sd, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], PENALTY), 0.0)
    w = ridge(standard, right, penalty, steps=NEWTON_STEPS)
    weights = w[:-1] / sd
    return weights, float(w[-1] - weights @ mean)


def _tables(log: Responses, elo: Floats, answers: Floats) -> Floats:
    tables = np.zeros((len(log.items), k.COLUMNS))
    tables[:, k.DIFFICULTY], tables[:, k.RARE] = elo, catalogue.rarity(answers)
    if log.position is not None:
        tables[:, k.POSITION] = log.position
    return tables


def _plain(log: Responses, steps: Floats, d: Floats) -> tuple[Floats, Ints]:
    """Arrays of a stage without weights and trees: Elo alone."""
    tables = _tables(log, d, np.zeros(len(d)))
    bare = Final(
        steps, np.zeros(k.FEATURES), tables, combination_of(log), log.parts, log.skills,
        log.position is not None, log.at_s is not None, NONE,
    )  # fmt: skip
    return bare.real.copy(), bare.whole


def _counts(log: Responses, rows: Ints) -> Floats:
    return np.bincount(log.item[rows], minlength=len(log.items)).astype(np.float64)


def _starts(log: Responses, rows: Ints) -> Ints:
    """Where each learner's rows begin in `rows`, and their number."""
    cuts = np.flatnonzero(np.diff(log.learner[rows])) + 1
    return np.concatenate(([0], cuts, [len(rows)])).astype(np.int64)
