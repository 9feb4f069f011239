"""Logistic regression with a ridge, by Newton's method. This file is the fit, dense and sparse.

Both maximise sum_n [y_n z_n - ln(1 + exp z_n)] - 1/2 sum_j penalty_j w_j^2 with z = x w + offset,
which is concave: one optimum, whatever the start. Steps are halved until the objective rises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.maths.kernels import kernel
from engines.words import Floats, Ints

HALVINGS = 30
"""So often a step is halved before the fit counts as done."""
WITHIN = 1e-9
"""A Newton step that gains less than this share of the objective ends the fit."""

_FLOATS = "Array(float64, 1, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), without overflow.

    >>> sigmoid(np.array([0.0, -1e4, 1e4])).tolist()
    [0.5, 0.0, 1.0]
    """
    e = np.exp(-np.abs(z))
    made: Floats = np.where(z >= 0.0, 1.0, e) / (1.0 + e)
    return made


def ridge(
    x: Floats,
    right: Ints,
    penalty: float | Floats = 1.0,
    *,
    offset: Floats | None = None,
    steps: int = 25,
    start: Floats | None = None,
) -> Floats:
    """Weights (k,) for dense inputs `x` (n, k) and outcomes `right` (n,) of 0 and 1.

    `penalty` is one number or (k,); give a column of ones the penalty 0 for an intercept that is
    not shrunk. At most `steps` Newton steps. Raises ValueError for shapes that do not fit.

    >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    >>> ridge(x, np.array([0, 1, 1, 1]), np.array([0.0, 1.0])).round(3).tolist()
    [0.899, 0.421]
    """
    n, k = x.shape
    _fits(right.shape == (n,), f"({n},) outcomes", right.shape)
    least: Floats = np.full(k, penalty, dtype=np.float64)
    base = np.zeros(n) if offset is None else offset
    w = np.zeros(k) if start is None else start.astype(np.float64)
    z = base + x @ w
    value = _objective(z, right, w, least)
    for _ in range(steps):
        p = sigmoid(z)
        gradient = x.T @ (right - p) - least * w
        hessian = (x * (p * (1.0 - p))[:, None]).T @ x + np.diag(least)
        hessian.flat[:: k + 1] += 1e-10 * (1.0 + hessian.flat[:: k + 1])
        move = np.asarray(np.linalg.solve(hessian, gradient), np.float64)
        shift = x @ move
        size, gained = _step(z, shift, right, w, move, least, value)
        w, z, value = w + size * move, z + size * shift, value + gained
        if gained <= WITHIN * abs(value):
            break
    return w


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows with few inputs: row n has `columns[starts[n]:starts[n + 1]]` with those `values`.

    `starts` (n + 1,) and `columns` (m,) int64, `values` (m,) float64, `width` the number of
    columns. Each row has one more input, 1 in the column of its `item` (n,), of `n_items`; these
    columns stand behind the others. A column may come twice in a row; its values then add up.
    """

    starts: Ints
    columns: Ints
    values: Floats
    width: int
    item: Ints
    n_items: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def times(self, w: Floats) -> Floats:
        """Inputs times weights (width + n_items,): (n,), each row summed in its own order."""
        out = w[self.width :][self.item]
        _times(self.starts, self.columns, self.values, w, out)
        return out

    def back(self, r: Floats) -> Floats:
        """Transposed inputs times r (n,): (width + n_items,)."""
        out = np.zeros(self.width + self.n_items)
        out[self.width :] = np.bincount(self.item, weights=r, minlength=self.n_items)
        _back(self.starts, self.columns, self.values, r, out)
        return out


def sparse_ridge(x: Sparse, right: Ints, penalty: Floats, *, steps: int = 25) -> Floats:
    """Weights (width + n_items,) for sparse inputs and outcomes (n,) of 0 and 1.

    Newton steps are exact: items have one column a row, so their part of the Hessian is diagonal
    and is eliminated (Schur's complement). `penalty` (width + n_items,) must be above 0. Raises
    ValueError for shapes that do not fit.

    >>> starts, none = np.array([0, 1, 2]), np.array([0, 0])
    >>> one = Sparse(starts, none, np.ones(2), 1, none, 1)
    >>> sparse_ridge(one, np.array([1, 1]), np.ones(2)).round(3).tolist()
    [0.521, 0.521]
    """
    size = x.width + x.n_items
    _fits(right.shape == (len(x),), f"({len(x)},) outcomes", right.shape)
    _fits(penalty.shape == (size,), f"({size},) penalties", penalty.shape)
    order = np.argsort(x.item, kind="stable")
    w = np.zeros(size)
    z = x.times(w)
    value = _objective(z, right, w, penalty)
    for _ in range(steps):
        p = sigmoid(z)
        gradient = x.back(right - p) - penalty * w
        curve = p * (1.0 - p)
        core = np.diag(penalty[: x.width])
        own = penalty[x.width :].copy()
        aside = gradient[: x.width].copy()
        toward = gradient[x.width :]
        _eliminated(order, x.item, x.starts, x.columns, x.values, curve, toward, own, core, aside)
        move = np.zeros(size)
        move[: x.width] = np.linalg.solve(core, aside)
        bent = x.back(curve * x.times(move))[x.width :]
        move[x.width :] = (toward - bent) / own
        shift = x.times(move)
        step, gained = _step(z, shift, right, w, move, penalty, value)
        w, z, value = w + step * move, z + step * shift, value + gained
        if gained <= WITHIN * abs(value):
            break
    return w


def gradient_of(x: Sparse, right: Ints, penalty: Floats, w: Floats) -> Floats:
    """The objective's gradient at w (width,)."""
    made: Floats = x.back(right - sigmoid(x.times(w))) - penalty * w
    return made


def objective_of(x: Sparse, right: Ints, penalty: Floats, w: Floats) -> float:
    """The objective at w."""
    return _objective(x.times(w), right, w, penalty)


def _objective(z: Floats, right: Ints, w: Floats, penalty: Floats) -> float:
    fit = float(np.sum(np.where(right == 1, z, 0.0) - np.logaddexp(0.0, z)))
    return fit - 0.5 * float(np.sum(penalty * w * w))


def _step(
    z: Floats, shift: Floats, right: Ints, w: Floats, move: Floats, penalty: Floats, before: float
) -> tuple[float, float]:
    """(step size, gain): the whole step, or the first halving of it that gains."""
    size = 1.0
    for _ in range(HALVINGS):
        gained = _objective(z + size * shift, right, w + size * move, penalty) - before
        if gained >= 0.0:
            return size, gained
        size /= 2.0
    return 0.0, 0.0


def _fits(holds: bool, expected: str, came: object) -> None:
    if not holds:
        msg = f"expected {expected}, got {came}"
        raise ValueError(msg)


@kernel(f"void({_INTS}, {_INTS}, {_FLOATS}, {_FLOATS}, float64[::1])")
def _times(starts: Any, columns: Any, values: Any, w: Any, out: Any) -> None:
    for n in range(starts.shape[0] - 1):
        z = out[n]
        for at in range(starts[n], starts[n + 1]):
            z += values[at] * w[columns[at]]
        out[n] = z


@kernel(f"void({_INTS}, {_INTS}, {_FLOATS}, {_FLOATS}, float64[::1])")
def _back(starts: Any, columns: Any, values: Any, r: Any, out: Any) -> None:
    for n in range(starts.shape[0] - 1):
        for at in range(starts[n], starts[n + 1]):
            out[columns[at]] += values[at] * r[n]


@kernel(f"void({_INTS}, {_INTS}, {_INTS}, {_INTS}, {_FLOATS}, {_FLOATS}, {_FLOATS}, "
        "float64[::1], float64[:, ::1], float64[::1])")  # fmt: skip
def _eliminated(
    order: Any, item: Any, starts: Any, columns: Any, values: Any, curve: Any, toward: Any,
    own: Any, core: Any, aside: Any,
) -> None:  # fmt: skip
    """The Hessian's core and its right side with the items taken out; `own` takes their diagonal.

    `order` sorts the rows by item. One item's rows share few columns, so its part of Schur's
    complement is small.
    """
    width = core.shape[0]
    shared, touched = np.zeros(width), np.empty(width, np.int64)
    met = np.zeros(width, np.uint8)
    first, total = 0, order.shape[0]
    while first < total:
        i = item[order[first]]
        end, count = first, 0
        while end < total and item[order[end]] == i:
            n = order[end]
            own[i] += curve[n]
            for at in range(starts[n], starts[n + 1]):
                c = columns[at]
                weight = curve[n] * values[at]
                if not met[c]:
                    met[c], touched[count] = 1, c
                    count += 1
                shared[c] += weight
                for to in range(starts[n], starts[n + 1]):
                    core[c, columns[to]] += weight * values[to]
            end += 1
        for a in range(count):
            c = touched[a]
            share = shared[c] / own[i]
            aside[c] -= share * toward[i]
            for b in range(count):
                core[c, touched[b]] -= share * shared[touched[b]]
        for a in range(count):
            shared[touched[a]], met[touched[a]] = 0.0, 0
        first = end
