"""Trees behind the logistic stage: what straight lines left over. This file boosts them.

Histogram boosting with a small rate (Friedman 2001; Ke et al. 2017), from a forecast on: each
tree fits the rest of the likelihood's gradient. The same rows give the same trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engines.quantum.final.trees import kernels
from engines.words import Floats, Ints

TREES, LEAVES, LEAST_ROWS, RATE, L2 = 60, 16, 200.0, 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Trees:
    """Nodes of all trees one after another: `roots` (T,) are the trees' first nodes.

    A row goes to `left` where its column's value is at most `number`; column -1 is a leaf, and
    `number` what it adds. All int64 but `number`, float64.
    """

    roots: Ints
    column: Ints
    left: Ints
    right: Ints
    number: Floats

    def added(self, x: Floats) -> Floats:
        """What the trees add to each row's logit, (n,); `x` (n, columns). Slow and plain."""
        out = np.zeros(len(x))
        for n, row in enumerate(x):
            for root in self.roots.tolist():
                at = root
                while self.column[at] >= 0:
                    low = row[self.column[at]] <= self.number[at]
                    at = int(self.left[at] if low else self.right[at])
                out[n] += self.number[at]
        return out


def boosted(x: Floats, right: Ints, z: Floats, trees: int = TREES) -> Trees:
    """Trees on inputs `x` (n, columns), outcomes (n,), from the logits z (n,) on."""
    edges = [_edges(column) for column in x.T]
    binned = _binned(x, edges)
    z = z.astype(np.float64, copy=True)
    grown = [_grown(binned, right, z) for _ in range(trees)]
    sizes = np.array([len(tree.column) for tree in grown], dtype=np.int64)
    roots = np.cumsum(sizes) - sizes
    column = np.concatenate([tree.column for tree in grown])
    number = RATE * np.concatenate([tree.value for tree in grown])
    bins = np.concatenate([tree.bin for tree in grown])
    for at in np.flatnonzero(column >= 0):
        number[at] = edges[column[at]][int(bins[at])]
    left, rights = (
        np.concatenate([side + root for side, root in zip(sides, roots, strict=True)])
        for sides in ([tree.left for tree in grown], [tree.right for tree in grown])
    )
    return Trees(roots, column, left, rights, number)


class _Tree(NamedTuple):
    """One tree's nodes on bins."""

    column: Ints
    bin: Floats
    left: Ints
    right: Ints
    value: Floats


def _grown(binned: npt.NDArray[np.uint8], right: Ints, z: Floats) -> _Tree:
    """The next tree; z moves by it."""
    p = 1.0 / (1.0 + np.exp(-z))
    most = 2 * LEAVES - 1
    column, left, rights = (np.full(most, -1, dtype=np.int64) for _ in range(3))
    tree = _Tree(column, np.zeros(most), left, rights, np.zeros(most))
    n = kernels.grown(binned, right - p, p * (1.0 - p), LEAVES, LEAST_ROWS, L2, *tree)
    kernels.added(binned, *tree, RATE, z)
    return _Tree(column[:n], tree.bin[:n], left[:n], rights[:n], tree.value[:n])


def _edges(values: Floats) -> Floats:
    """Bounds of at most 255 bins: between all values, or at quantiles."""
    distinct = np.unique(values)
    most = kernels.BINS - 1
    if len(distinct) <= most:
        return (distinct[1:] + distinct[:-1]) / 2.0
    return np.unique(np.quantile(values, np.arange(1, most) / most))


def _binned(x: Floats, edges: list[Floats]) -> npt.NDArray[np.uint8]:
    columns = [np.searchsorted(edge, x[:, f], side="left") for f, edge in enumerate(edges)]
    return np.ascontiguousarray(np.stack(columns, axis=1).astype(np.uint8))
