"""Skills' bases as points of U(d): steps that stay on it. This file is that geometry.

A basis moves by U -> Cayley(A) U with A Hermitian, which is unitary up to rounding (Adhikary et
al. 2020 retract the same manifold); `polar` takes the rounding out once an epoch.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

from engines.quantum.parameters import Complexes
from engines.words import Floats

FIRST, SECOND, FLOOR = 0.9, 0.99, 1e-8
"""Adam's decays of the two moments and the floor of its divisor (Kingma & Ba 2015)."""


def cayley(direction: Complexes, basis: Complexes) -> Complexes:
    """(I - iA/2)^-1 (I + iA/2) U for Hermitian A; both (S, d, d).

    >>> moved = cayley(np.array([[[0.0, 1j], [-1j, 0.0]]]), np.eye(2, dtype=complex)[None])
    >>> bool(np.allclose(moved[0] @ moved[0].conj().T, np.eye(2)))
    True
    """
    half = 0.5j * direction
    one = np.eye(direction.shape[-1])
    return np.linalg.solve(one - half, basis + half @ basis).astype(np.complex128, copy=False)


def polar(basis: Complexes) -> Complexes:
    """The nearest unitary matrices (S, d, d), by Newton and Schulz' iteration.

    For bases that are unitary up to rounding: it converges quadratically from there only.
    """
    for _ in range(2):
        gram = np.swapaxes(basis.conj(), -1, -2) @ basis
        basis = basis @ (1.5 * np.eye(basis.shape[-1]) - 0.5 * gram)
    return basis


def hermitian(flat: Floats, levels: int) -> Complexes:
    """X of its real form Re X + Im X, (S, d*d) -> (S, d, d).

    >>> hermitian(np.array([[1.0, 3.0, 1.0, 2.0]]), 2)[0].tolist()
    [[(1+0j), (2+1j)], [(2-1j), (2+0j)]]
    """
    m = flat.reshape(-1, levels, levels)
    turned = np.swapaxes(m, -1, -2)
    made: Complexes = 0.5 * (m + turned) + 0.5j * (m - turned)
    return made


def real_form(x: Complexes) -> Floats:
    """Re X + Im X of Hermitian X, (S, d, d) -> (S, d*d)."""
    flat: Floats = np.ascontiguousarray((x.real + x.imag).reshape(len(x), -1))
    return flat


def frames(basis: Complexes) -> Floats:
    """The planes A, B, A^t, B^t of U = A + iB one after another, (S*4*d*d,)."""
    a, b = basis.real, basis.imag
    planes = np.stack([a, b, np.swapaxes(a, 1, 2), np.swapaxes(b, 1, 2)], axis=1)
    return np.ascontiguousarray(planes).ravel()


def conjugated(basis: Complexes, x: Complexes) -> Complexes:
    """U X U^dagger."""
    turned: Complexes = basis @ x @ np.swapaxes(basis.conj(), -1, -2)
    return turned


def commutator(x: Complexes, y: Complexes) -> Complexes:
    """i[X, Y] of Hermitian X and Y: Hermitian again."""
    product = x @ y
    made: Complexes = 1j * (product - np.swapaxes(product.conj(), -1, -2))
    return made


def drawn(
    dice: np.random.Generator, skills: int, levels: int, size: float, *, real: bool = False
) -> Complexes:
    """Bases near the common one: Cayley(size (X + X^dagger)/2), X complex standard normal."""
    x = dice.standard_normal((2, skills, levels, levels))
    z = x[0] + 1j * x[1]
    direction = size * 0.5 * (z + np.swapaxes(z.conj(), 1, 2))
    return cayley(rotation(direction) if real else direction, standard(skills, levels))


def rotation(direction: Complexes) -> Complexes:
    """Return i Im A: the part of a direction that keeps real bases real."""
    return (1j * direction.imag).astype(np.complex128, copy=False)


def standard(skills: int, levels: int) -> Complexes:
    """The common basis for every skill: U = I, (S, d, d)."""
    return np.broadcast_to(np.eye(levels, dtype=np.complex128), (skills, levels, levels)).copy()


Kind = TypeVar("Kind", Floats, Complexes)


class Ascent(Generic[Kind]):
    """Adam for an array: two moments, the second of them real.

    For Hermitian gradients the moments live in the Lie algebra: A is the move.
    """

    def __init__(self, like: Kind) -> None:
        self._first: Kind = np.zeros_like(like)
        self._second: Floats = np.zeros(like.shape)
        self._steps = 0

    def step(self, gradient: Kind, rate: float) -> Kind:
        """The move of this gradient, uphill."""
        self._steps += 1
        self._first = FIRST * self._first + (1.0 - FIRST) * gradient
        square = gradient.real**2 + gradient.imag**2
        self._second = SECOND * self._second + (1.0 - SECOND) * square
        first = self._first / (1.0 - FIRST**self._steps)
        second = self._second / (1.0 - SECOND**self._steps)
        move: Kind = rate * first / (np.sqrt(second) + FLOOR)
        return move
