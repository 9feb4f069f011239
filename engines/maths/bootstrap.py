"""Intervals of scores by resampling whole learners (Efron & Tibshirani 1993). This file is them.

A learner's answers hang together, so learners are drawn with replacement, not answers. A resample
is a count for each learner; two models are compared under the same counts, so that what is hard
for both cancels. AUC under counts needs no new sort: the forecasts are sorted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.maths.kernels import kernel
from engines.maths.verification import losses
from engines.words import Floats, Ints

RESAMPLES = 1000
SHARE = 0.95
"""Of the resamples that lie inside an interval."""
TOGETHER = 64
"""Resamples whose counts are in memory at a time."""

Column = npt.NDArray[Any]
_INTS = "Array(int64, 1, 'C', readonly=True)"


@dataclass(frozen=True, slots=True)
class Difference:
    """A model's score less the reference's on all rows, and the ends of its 95 % interval."""

    at: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether 0 lies outside."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """A model against the reference: `auc` (more is better), `log_loss` (less is better)."""

    auc: Difference
    log_loss: Difference


def compared(
    right: Ints,
    forecasts: dict[str, Floats],
    reference: str,
    learner: Ints,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Compared]:
    """Each model but the reference, by name, against it.

    `right`, `learner` and every forecast are (n,). The same seed gives the same intervals.
    Raises ValueError where the reference is not among the forecasts.
    """
    if reference not in forecasts:
        msg = f"expected the reference among {', '.join(forecasts)}, got {reference!r}"
        raise ValueError(msg)
    _, who = np.unique(learner, return_inverse=True)
    who = np.ascontiguousarray(who, dtype=np.int64)
    ranked = {name: Ranked.of(right, p, who) for name, p in forecasts.items()}
    n = np.bincount(who).astype(np.float64)
    lost = {name: np.bincount(who, weights=losses(right, p)) for name, p in forecasts.items()}
    names = list(forecasts)
    aucs = np.empty((len(names), resamples))
    means = np.empty((len(names), resamples))
    first = 0
    for counts in drawn(len(n), resamples, seed):
        part = slice(first, first + len(counts))
        weight = counts @ n
        for at, name in enumerate(names):
            aucs[at, part] = ranked[name].aucs(counts)
            means[at, part] = counts @ lost[name] / weight
        first = part.stop
    whole = np.ones((1, len(n)))
    place = names.index(reference)
    found = {}
    for at, name in enumerate(names):
        if name != reference:
            auc = float(ranked[name].aucs(whole)[0] - ranked[reference].aucs(whole)[0])
            loss = float((lost[name].sum() - lost[reference].sum()) / n.sum())
            found[name] = Compared(
                difference(auc, aucs[at] - aucs[place]),
                difference(loss, means[at] - means[place]),
            )
    return found


def difference(at: float, resampled: Floats) -> Difference:
    """A score's difference with the interval of its resamples; NaN among them are left out.

    >>> found = difference(0.5, np.arange(1.0, 42.0))
    >>> round(found.low, 9), round(found.high, 9)
    (2.0, 40.0)
    """
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return Difference(at, float("nan"), float("nan"))
    low, high = np.quantile(known, [(1.0 - SHARE) / 2.0, (1.0 + SHARE) / 2.0])
    return Difference(at, float(low), float(high))


def drawn(learners: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Counts (at most `TOGETHER`, learners) of each resample, in turn; rows sum to `learners`.

    >>> [counts.sum(axis=1).tolist() for counts in drawn(3, 2, seed=1)]
    [[3.0, 3.0]]
    """
    dice = np.random.Generator(np.random.PCG64(seed))
    share = np.full(learners, 1.0 / learners)
    for first in range(0, resamples, TOGETHER):
        size = min(TOGETHER, resamples - first)
        yield dice.multinomial(learners, share, size=size).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows in the order of their forecasts: `who` and `right` (n,), `ends` of groups of equals."""

    who: Ints
    right: Ints
    ends: Ints

    @classmethod
    def of(cls, right: Ints, p: Column, who: Ints) -> Ranked:
        """Sorted once; equal forecasts form a group."""
        order = np.argsort(p, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(p[order])) + 1, len(p))
        return cls(who[order], np.ascontiguousarray(right[order]), ends.astype(np.int64))

    def aucs(self, counts: Floats) -> Floats:
        """AUC under each row of counts (B, learners); NaN where all outcomes drawn are alike."""
        out = np.empty(len(counts))
        _aucs(self.who, self.right, self.ends, counts, out)
        return out


@kernel(f"void({_INTS}, {_INTS}, {_INTS}, float64[:, ::1], float64[::1])")
def _aucs(who: Any, right: Any, ends: Any, counts: Any, out: Any) -> None:
    """Pairs of a wrong and a right answer in which the right one had the higher forecast."""
    for b in range(counts.shape[0]):
        count = counts[b]
        below, above, won = 0.0, 0.0, 0.0
        first = 0
        for g in range(ends.shape[0]):
            wrong_here, right_here = 0.0, 0.0
            for n in range(first, ends[g]):
                if right[n]:
                    right_here += count[who[n]]
                else:
                    wrong_here += count[who[n]]
            won += right_here * (below + 0.5 * wrong_here)
            below += wrong_here
            above += right_here
            first = ends[g]
        pairs = below * above
        out[b] = won / pairs if pairs > 0.0 else np.nan
