"""An answer as a graded measurement: effects, Born rule, update. This file is its readable form.

Dense matrices, one step a function; the kernels do the same on packed numbers, and tests hold the
two together. Sources: Nielsen & Chuang (2010), section 2.2 (effects, Lueders update); Srinivasan,
Gordon, Boots (2018), hidden quantum Markov models; the evidence weight is ours.
"""

from __future__ import annotations

import numpy as np

from engines.quantum.parameters import Complexes
from engines.quantum.state import purity
from engines.words import Floats

LOGIT_MOST = 20.0
"""Every logit is clamped to so much either way inside `sigmoid`."""
P_LEAST = 1e-5
"""And p to [P_LEAST, 1 - P_LEAST] inside `logit`."""


def sigmoid(v: Floats) -> Floats:
    """1 / (1 + exp(-v)), elementwise, v clamped to 20 either way.

    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    p: Floats = 1.0 / (1.0 + np.exp(-np.clip(v, -LOGIT_MOST, LOGIT_MOST)))
    return p


def logit(p: Floats) -> Floats:
    """ln(p / (1 - p)), elementwise, p clamped to [1e-5, 1 - 1e-5]."""
    near = np.clip(p, P_LEAST, 1.0 - P_LEAST)
    v: Floats = np.log(near / (1.0 - near))
    return v


def effect_row(level: Floats, b: float, right: bool = True) -> Floats:
    """P(this outcome) of each level (d,) at difficulty b; wrong is 1 - e, so they sum to 1."""
    e = sigmoid(level - b)
    return e if right else 1.0 - e


def effect(basis: Complexes, level: Floats, b: float, right: bool = True) -> Complexes:
    """E = U^dagger diag(e) U (d, d): the item's effect for one outcome, in the common basis."""
    found: Complexes = (basis.conj().T * effect_row(level, b, right)) @ basis
    return found


def root(matrix: Complexes) -> Complexes:
    """The positive square root of a positive matrix; eigenvalues below 0 count as 0."""
    values, vectors = np.linalg.eigh(matrix)
    found: Complexes = (vectors * np.sqrt(np.maximum(0.0, values))) @ vectors.conj().T
    return found


def born(rho: Complexes, e: Complexes) -> float:
    """Tr(E rho), the probability of the outcome."""
    return float(np.trace(e @ rho).real)


def updated(
    rho: Complexes, e: Complexes, weight: float = 1.0, rate: float = 0.5
) -> tuple[Complexes, float]:
    """(rho after the outcome with effect E, probability of the outcome): Lueders rule.

    With probability 1 - `weight` the outcome says nothing and comes at `rate` (r_y):
    [weight sqrt(E) rho sqrt(E) + (1 - weight) r_y rho] / p. Weight 0 leaves rho as it is. Raises
    ZeroDivisionError where the outcome is impossible.
    """
    if weight <= 0.0:
        return rho, rate
    k = root(e)
    seen: Complexes = weight * k @ rho @ k + (1.0 - weight) * rate * rho
    p = float(np.trace(seen).real)
    if p <= 0.0:
        msg = f"expected an outcome that can happen, got p = {p}"
        raise ZeroDivisionError(msg)
    return seen / p, p


def what_ifs(rho: Complexes, e: Complexes) -> tuple[tuple[float, Complexes], ...]:
    """((p, rho) if right, (p, rho) if wrong) for the effect E of right."""
    wrong = np.eye(len(rho)) - e
    after, p = updated(rho, e)
    other, q = updated(rho, wrong)
    return (p, after), (q, other)


def information(rho: Complexes, e: Complexes) -> float:
    """Expected gain of purity by measuring E: sum_y p_y Tr rho_y^2 - Tr rho^2, never negative.

    sqrt(rho) E_y sqrt(rho) / p_y has rho_y's spectrum and averages to rho; Tr X^2 is convex.
    """
    return sum(p * purity(after) for p, after in what_ifs(rho, e)) - purity(rho)


def narrowing(q: Floats, level: Floats, b: float) -> float:
    """Expected fall of the variance of the level logits c under populations q (d,), in O(d)."""
    before = _variance(q, level)
    after = 0.0
    for right in (True, False):
        seen = q * effect_row(level, b, right)
        after += seen.sum() * _variance(seen / seen.sum(), level)
    return before - after


# --- a skill's own register ----------------------------------------------------------------------
def register_effects(m: Floats, weight: float, p_g: float) -> Floats:
    """P(right) if not mastered, if mastered (2,), where register G alone says p_g."""
    return sigmoid(m + weight * logit(np.array(p_g)))


def forecast(z: float, f: Floats) -> float:
    """P = Tr(diag(f) rho_s) of a register with Z expectation z."""
    return float(0.5 * (1.0 - z) * f[0] + 0.5 * (1.0 + z) * f[1])


def evidence(f: Floats, right: bool, weight: float = 1.0, guess: float = 0.0) -> float:
    """What the outcome says about mastery: eta = (a_1 - a_0) / (a_1 + a_0), in (-1, 1)."""
    if weight <= 0.0:
        return 0.0
    rate = guess if right else 1.0 - guess
    a = weight * (f if right else 1.0 - f) + (1.0 - weight) * rate
    return float((a[1] - a[0]) / (a[1] + a[0]))


def register_updated(z: float, eta: float) -> float:
    """Z expectation after the outcome: (z + eta) / (1 + eta z)."""
    return min(max((z + eta) / (1.0 + eta * z), -1.0), 1.0)


def register_information(z: float, f: Floats) -> float:
    """Expected gain of a register's purity: (sum_y P_y z_y^2 - z^2) / 2, never negative."""
    p = forecast(z, f)
    right = register_updated(z, evidence(f, True))
    wrong = register_updated(z, evidence(f, False))
    return 0.5 * (p * right**2 + (1.0 - p) * wrong**2 - z**2)


def _variance(q: Floats, level: Floats) -> float:
    mean = float(q @ level)
    return float(q @ (level - mean) ** 2)
