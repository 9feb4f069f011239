"""Forecast verification: how good forecasts of right answers were. This file is the scores.

All take `right` (n,) of 0 and 1 and `p` (n,) in [0, 1], the forecast made before the outcome.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
P_LEAST = 1e-12
"""Log-loss takes a forecast as no surer than this."""
ECE_BINS = 15
"""Bins of equal width of the calibration error."""


def auc(right: Column, p: Column) -> float:
    """Chance that a right answer had the higher forecast; ties count a half (Hanley & McNeil 1982).

    NaN where all outcomes are alike.

    >>> auc(np.array([0, 1, 1]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    order = np.argsort(p, kind="stable")
    ordered = p[order]
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    group = np.cumsum(first) - 1
    counts = np.bincount(group)
    rank = np.cumsum(counts) - (counts - 1) / 2.0
    n_right = int(np.sum(right))
    n_pairs = n_right * (len(right) - n_right)
    if not n_pairs:
        return float("nan")
    total = float(np.sum(rank[group] * right[order]))
    return (total - n_right * (n_right + 1) / 2.0) / n_pairs


def accuracy(right: Column, p: Column) -> float:
    """Share of outcomes on the forecast's side of one half.

    >>> accuracy(np.array([0, 1]), np.array([0.6, 0.7]))
    0.5
    """
    return float(np.mean((p >= 0.5) == (right == 1)))


def rmse(right: Column, p: Column) -> float:
    """Root of the mean squared error, the root of the Brier score.

    >>> rmse(np.array([0, 1]), np.array([0.5, 0.5]))
    0.5
    """
    return float(np.sqrt(np.mean((p - right) ** 2)))


def losses(right: Column, p: Column) -> Column:
    """Negative log-likelihood of each outcome, in nats, (n,) float64.

    >>> losses(np.array([1]), np.array([1.0])).tolist() == [-np.log(1.0 - P_LEAST)]
    True
    """
    q = np.clip(p, P_LEAST, 1.0 - P_LEAST)
    return -np.log(np.where(right == 1, q, 1.0 - q))


def log_loss(right: Column, p: Column) -> float:
    """Mean negative log-likelihood, in nats.

    >>> round(log_loss(np.array([0, 1]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    return float(np.mean(losses(right, p)))


def reliability(right: Column, p: Column, bins: int = ECE_BINS) -> tuple[Column, Column, Column]:
    """(n, mean forecast, share right) of each bin of equal width; means of empty bins are NaN.

    >>> n, said, happened = reliability(np.array([0, 1]), np.array([0.9, 0.95]), bins=2)
    >>> n.tolist(), happened.tolist()[1]
    ([0, 2], 0.5)
    """
    at = np.minimum((p * bins).astype(np.int64), bins - 1)
    n = np.bincount(at, minlength=bins)
    with np.errstate(invalid="ignore"):
        said = np.bincount(at, weights=p, minlength=bins) / n
        happened = np.bincount(at, weights=right, minlength=bins) / n
    return n, said, happened


def calibration_error(right: Column, p: Column, bins: int = ECE_BINS) -> float:
    """Expected calibration error: mean gap between said and happened (Naeini et al. 2015).

    >>> calibration_error(np.array([0, 1]), np.array([0.5, 0.5]))
    0.0
    """
    n, said, happened = reliability(right, p, bins)
    met = n > 0
    return float(np.sum(n[met] * np.abs(said[met] - happened[met])) / len(p))
