"""Logistic regression with a ridge, by Newton's method. This file is the fit, dense and sparse.

Both maximise sum_n [y_n z_n - ln(1 + exp z_n)] - 1/2 sum_j penalty_j w_j^2 with z = x w + offset,
which is concave: one optimum, whatever the start. Steps are halved until the objective rises.
Dense: the Hessian is solved. Sparse: truncated Newton, each step by conjugate gradients on
products with the Hessian (Nocedal & Wright 2006, chapter 7), preconditioned by its diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.maths.kernels import kernel
from engines.words import Floats, Ints

HALVINGS = 30
"""So often a step is halved before the fit counts as done."""
CG_STEPS = 200
"""Conjugate-gradient steps for one Newton step at most."""
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
        move = np.linalg.solve(hessian, gradient)
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
    columns. A column may come twice in a row; its values then add up.
    """

    starts: Ints
    columns: Ints
    values: Floats
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def times(self, w: Floats) -> Floats:
        """Inputs times weights, x w (n,); each row summed in its own order."""
        out = np.empty(len(self))
        _times(self.starts, self.columns, self.values, np.ascontiguousarray(w), out)
        return out

    def back(self, r: Floats) -> Floats:
        """Transposed inputs times r (n,), x^t r (width,)."""
        out = np.zeros(self.width)
        _back(self.starts, self.columns, self.values, np.ascontiguousarray(r), out)
        return out

    def squares(self, r: Floats) -> Floats:
        """sum_n r_n x_nj^2 for each column j (width,)."""
        out = np.zeros(self.width)
        _back(self.starts, self.columns, self.values**2, np.ascontiguousarray(r), out)
        return out


def sparse_ridge(
    x: Sparse, right: Ints, penalty: Floats, *, steps: int = 25, start: Floats | None = None
) -> Floats:
    """Weights (width,) for sparse inputs; `penalty` (width,) must be above 0 where a column
    may be empty. Raises ValueError for shapes that do not fit.

    >>> one = Sparse(np.array([0, 1, 2]), np.array([0, 0]), np.ones(2), 1)
    >>> float(sparse_ridge(one, np.array([1, 0]), np.ones(1))[0])
    0.0
    """
    _fits(right.shape == (len(x),), f"({len(x)},) outcomes", right.shape)
    _fits(penalty.shape == (x.width,), f"({x.width},) penalties", penalty.shape)
    w = np.zeros(x.width) if start is None else start.astype(np.float64)
    z = x.times(w)
    value = _objective(z, right, w, penalty)
    for _ in range(steps):
        p = sigmoid(z)
        gradient = x.back(right - p) - penalty * w
        move = _truncated(x, p * (1.0 - p), penalty, gradient)
        shift = x.times(move)
        size, gained = _step(z, shift, right, w, move, penalty, value)
        w, z, value = w + size * move, z + size * shift, value + gained
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


def _truncated(x: Sparse, curve: Floats, penalty: Floats, gradient: Floats) -> Floats:
    """About (x^t diag(curve) x + diag(penalty))^-1 gradient."""
    scale = x.squares(curve) + penalty
    scale[scale <= 0.0] = 1.0
    move = np.zeros_like(gradient)
    left = gradient.copy()
    toward = left / scale
    along = toward.copy()
    power = float(left @ toward)
    enough = power * min(1e-4, float(np.sqrt(power)) * 1e-3) if power > 0.0 else 0.0
    for _ in range(CG_STEPS):
        if power <= enough:
            break
        bent = x.back(curve * x.times(along)) + penalty * along
        size = power / float(along @ bent)
        move += size * along
        left -= size * bent
        toward = left / scale
        power, before = float(left @ toward), power
        along = toward + (power / before) * along
    return move


def _fits(holds: bool, expected: str, came: object) -> None:
    if not holds:
        msg = f"expected {expected}, got {came}"
        raise ValueError(msg)


@kernel(f"void({_INTS}, {_INTS}, {_FLOATS}, {_FLOATS}, float64[::1])")
def _times(starts: Any, columns: Any, values: Any, w: Any, out: Any) -> None:
    for n in range(starts.shape[0] - 1):
        z = 0.0
        for at in range(starts[n], starts[n + 1]):
            z += values[at] * w[columns[at]]
        out[n] = z


@kernel(f"void({_INTS}, {_INTS}, {_FLOATS}, {_FLOATS}, float64[::1])")
def _back(starts: Any, columns: Any, values: Any, r: Any, out: Any) -> None:
    for n in range(starts.shape[0] - 1):
        for at in range(starts[n], starts[n + 1]):
            out[columns[at]] += values[at] * r[n]
