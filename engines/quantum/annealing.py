"""Choosing k of n items together: useful each, unlike each other. This file checks and calls.

Minimised over x in {0, 1}^n with sum x = k: E = -sum u_i x_i + sum_{i<j} R_ij x_i x_j, u the use
of an item (its information value inside the success band), R how alike two items are. The search
is path-integral annealing of swaps in a greedy shortlist (Martonak, Santoro, Tosatti 2002), then a
descent over all items; `engines.quantum.sequence.kernels` has the loops. On small random problems
it comes closer to the best than greedy does, and no closer than classical annealing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engines.quantum.sequence import kernels
from engines.words import Floats, Ints

ALIKE = 0.6
"""Penalty of two items that measure the same; what it is worth in units of use is our choice."""
_SEEDS = 1 << 64

Effects = NDArray[np.complex128] | NDArray[np.float64]


def sequenced(use: Floats, alike: Floats, k: int, seed: int) -> Ints:
    """The chosen indices (k,), ascending: never of higher energy than `descended`.

    `use` (n,) float64; `alike` (n, n) float64, symmetric, its diagonal unused; 1 <= k <= n;
    0 <= seed < 2**64. The same arguments give the same choice.
    Raises ValueError for anything else; the message says what was expected and what came.

    >>> alike = np.array([[0.0, 0.6, 0.0], [0.6, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> sequenced(np.array([1.0, 0.9, 0.5]), alike, 2, 7).tolist()
    [0, 2]
    """
    use, alike = _problem(use, alike, k)
    if not 0 <= seed < _SEEDS:
        raise ValueError(f"expected 0 <= seed < 2**64, got {seed}")
    out = np.empty(k, np.int64)
    kernels.sequenced(use, alike, np.uint64(seed), out)
    return out


def descended(use: Floats, alike: Floats, k: int) -> Ints:
    """Greedy, then steepest swap descent over all n: indices (k,), ascending; no dice.

    Arguments and errors as of `sequenced`.

    >>> descended(np.array([1.0, 0.9, 0.5]), np.zeros((3, 3)), 2).tolist()
    [0, 1]
    """
    use, alike = _problem(use, alike, k)
    out = np.empty(k, np.int64)
    kernels.descended(use, alike, out)
    return out


def energy(use: Floats, alike: Floats, chosen: Ints) -> float:
    """E of the chosen indices, in the unit of `use`.

    >>> energy(np.array([1.0, 0.5]), np.array([[0.0, 0.25], [0.25, 0.0]]), np.array([0, 1]))
    -1.25
    """
    pairs = np.triu(alike[np.ix_(chosen, chosen)], 1)
    return float(pairs.sum() - use[chosen].sum())


def similarity(effects: Effects) -> Floats:
    """R (n, n): .6 times the cosine of the traceless effects E_i - Tr(E_i) I / d (ours).

    `effects` (n, d, d) Hermitian, the effects of a right answer in one common basis; cosine under
    Re Tr(A B). An effect without a traceless part tells nothing and is like none: its row is 0.
    Raises ValueError for another shape, numbers not finite or an effect not Hermitian to 1e-9.

    >>> similarity(np.array([[[0.9, 0.0], [0.0, 0.1]], [[0.2, 0.0], [0.0, 0.6]]])).round(3).tolist()
    [[0.6, -0.6], [-0.6, 0.6]]
    """
    e = np.asarray(effects)
    if e.ndim != 3 or e.shape[1] != e.shape[2] or e.shape[1] < 1:
        raise ValueError(f"expected effects of shape (n, d, d), got {e.shape}")
    if not np.isfinite(e).all():
        raise ValueError("expected finite effects, got NaN or infinity")
    if np.abs(e - e.conj().swapaxes(1, 2)).max(initial=0.0) > 1e-9:
        raise ValueError("expected Hermitian effects, got one that is not its own adjoint")
    d = e.shape[1]
    trace = np.einsum("njj->n", e).real
    flat = (e - (trace / d)[:, None, None] * np.eye(d)).reshape(len(e), d * d)
    # Re Tr(A B) of Hermitian A, B is the dot product of real and imaginary parts
    parts = np.concatenate([flat.real, flat.imag], axis=1)
    length = np.sqrt((parts * parts).sum(axis=1))
    told = length > 1e-12
    parts = np.where(told[:, None], parts, 0.0) / np.where(told, length, 1.0)[:, None]
    found: Floats = ALIKE * np.clip(parts @ parts.T, -1.0, 1.0)
    return found


def _problem(use: Floats, alike: Floats, k: int) -> tuple[Floats, Floats]:
    """Both as the kernels read them. Raises ValueError."""
    use = np.ascontiguousarray(use, np.float64)
    alike = np.ascontiguousarray(alike, np.float64)
    n = len(use) if use.ndim == 1 else -1
    if n < 1 or alike.shape != (n, n):
        raise ValueError(f"expected use (n,) and alike (n, n), got {use.shape} and {alike.shape}")
    if not 1 <= k <= n:
        raise ValueError(f"expected 1 <= k <= {n} items, got k {k}")
    if not (np.isfinite(use).all() and np.isfinite(alike).all()):
        raise ValueError("expected finite use and alike, got NaN or infinity")
    if np.abs(alike - alike.T).max() > 1e-9:
        raise ValueError("expected a symmetric alike, got one that differs from its transpose")
    return use, alike
