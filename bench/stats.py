"""Percentiles, medians, bootstrap intervals. This file is the arithmetic behind every figure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import median
from typing import Any

CDF_POINTS = (
    *(n / 100 for n in range(1, 100)), 0.995, 0.999, 0.9995, 0.9999, 0.99999, 1.0,
)  # fmt: skip
RESAMPLES = 2_000


def quantile(ascending: Sequence[float], p: float) -> float:
    """The smallest value that a share `p` of all does not exceed; NaN for none.

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5), quantile([1.0, 2.0, 3.0, 4.0], 1.0)
    (2.0, 4.0)
    """
    if not ascending:
        return math.nan
    return ascending[max(0, math.ceil(p * len(ascending)) - 1)]


def spread(values: Sequence[float], digits: int = 3) -> dict[str, Any]:
    """n, p50, p95, p99 and max of values of one unit.

    >>> spread([3.0, 1.0, 2.0])
    {'n': 3, 'p50': 2.0, 'p95': 3.0, 'p99': 3.0, 'max': 3.0}
    """
    ascending = sorted(values)
    found: dict[str, Any] = {"n": len(ascending)}
    for name, p in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        value = quantile(ascending, p)
        found[name] = None if math.isnan(value) else round(value, digits)
    return found


def cdf(values: Sequence[float]) -> list[list[float]]:
    """`[value, share not above it]` at `CDF_POINTS`; empty for no values."""
    ascending = sorted(values)
    return [[round(quantile(ascending, p), 4), p] for p in CDF_POINTS] if ascending else []


def middle(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median with the least and the greatest of the rounds.

    >>> middle([3.0, 1.0, 2.0])
    {'median': 2.0, 'min': 1.0, 'max': 3.0}
    """
    return {
        "median": round(median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def ratio(
    ours: Sequence[float], theirs: Sequence[float], *, seed: int = 1, digits: int = 4
) -> dict[str, float]:
    """Median of `ours` over median of `theirs`, with a 95 % bootstrap interval over the rounds.

    Rounds are paired: each resample draws whole rounds.

    >>> ratio([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    {'ratio': 0.5, 'low': 0.5, 'high': 0.5}
    """
    dice = random.Random(seed)
    n = min(len(ours), len(theirs))
    drawn: list[float] = []
    for _ in range(RESAMPLES):
        picks = [dice.randrange(n) for _ in range(n)]
        drawn.append(median(ours[k] for k in picks) / median(theirs[k] for k in picks))
    drawn.sort()
    return {
        "ratio": round(median(ours[:n]) / median(theirs[:n]), digits),
        "low": round(quantile(drawn, 0.025), digits),
        "high": round(quantile(drawn, 0.975), digits),
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope of y over x.

    >>> slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])
    2.0
    """
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return over / sum((x - mean_x) ** 2 for x, _ in points)
