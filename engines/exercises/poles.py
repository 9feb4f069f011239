"""Where rational functions have no value: for answers whose domain counts. This file compares it.

Divisors are polynomials modulo the prime of `residues`, in one variable at a time.
"""

from __future__ import annotations

from engines.exercises.limits import TooLarge
from engines.exercises.programs import ADD, DIV, LOAD, MUL, NEG, POW, PUSH, SUB, Program
from engines.exercises.residues import PRIME, coordinate, inverse, scalar


def same_poles(a: Program, b: Program) -> bool:
    """Whether two rational functions are undefined at the same places.

    In each variable, with the others at a point: the divisors of one are polynomials whose roots
    are among those of the other's, and the other way round.
    """
    for name in sorted(a.names | b.names):
        first, second = _divisor(a, name), _divisor(b, name)
        if not (_roots_among(first, second) and _roots_among(second, first)):
            return False
    return True


Poly = list[int]
"""Coefficients modulo the prime, lowest first, without zeros at the end."""
_MOST_POLE_DEGREE = 200
"""Largest degree of the divisors whose roots are compared."""


def _trimmed(a: Poly) -> Poly:
    while a and not a[-1]:
        a.pop()
    return a


def _poly_sum(a: Poly, b: Poly, sign: int) -> Poly:
    length = max(len(a), len(b))
    x, y = a + [0] * (length - len(a)), b + [0] * (length - len(b))
    return _trimmed([(c + sign * d) % PRIME for c, d in zip(x, y, strict=True)])


def _poly_product(a: Poly, b: Poly) -> Poly:
    if not a or not b:
        return []
    if len(a) + len(b) > _MOST_POLE_DEGREE:
        raise TooLarge(1, f"divisors of a degree of at most {_MOST_POLE_DEGREE}")
    out = [0] * (len(a) + len(b) - 1)
    for i, c in enumerate(a):
        for j, d in enumerate(b):
            out[i + j] += c * d
    return _trimmed([c % PRIME for c in out])


def _poly_rest(a: Poly, b: Poly) -> Poly:
    """What is left of `a` divided by `b`."""
    a, by = list(a), inverse(b[-1], PRIME)
    while len(a) >= len(b):
        factor, at = a[-1] * by % PRIME, len(a) - len(b)
        for i, c in enumerate(b):
            a[at + i] = (a[at + i] - factor * c) % PRIME
        _trimmed(a)
    return a


def _roots_among(a: Poly, b: Poly) -> bool:
    """Whether every root of `a` is one of `b`: whether `a` divides a power of `b`."""
    if len(a) < 2:
        return True
    power = _poly_rest(b, a) if len(b) > 1 else b
    for _ in range(len(a)):
        if not power:
            return True
        power = _poly_rest(_poly_product(power, power), a)
    return not power


def _divisor(program: Program, name: str) -> Poly:
    """The product of all divisors of a program, a polynomial in one variable.

    Each value on the way is one polynomial over another; the divisors met are gathered.
    """
    stack: list[tuple[Poly, Poly]] = []
    met: Poly = [1]
    for kind, arg in program.steps:
        if kind == PUSH:
            stack.append((_trimmed([scalar(arg, PRIME)]), [1]))
        elif kind == LOAD:
            at = [0, 1] if arg == name else [coordinate(arg, 0, PRIME)]
            stack.append((at, [1]))
        elif kind == NEG:
            stack[-1] = ([-c % PRIME for c in stack[-1][0]], stack[-1][1])
        elif kind == POW:
            base = stack[-1] if arg >= 0 else stack[-1][::-1]
            met = met if arg >= 0 else _poly_product(met, stack[-1][0])
            above, below = [1], [1]
            for _ in range(abs(arg)):
                above, below = _poly_product(above, base[0]), _poly_product(below, base[1])
            stack[-1] = (above, below)
        elif kind in (ADD, SUB, MUL, DIV):
            right = stack.pop()
            if kind == DIV:
                met = _poly_product(met, right[0])
            stack[-1] = _poly_joined(kind, stack[-1], right)
        else:
            stack.append(([1], [1]))  # a root or i: a constant, not zero
    return met


def _poly_joined(kind: int, x: tuple[Poly, Poly], y: tuple[Poly, Poly]) -> tuple[Poly, Poly]:
    if kind == MUL:
        return _poly_product(x[0], y[0]), _poly_product(x[1], y[1])
    if kind == DIV:
        return _poly_product(x[0], y[1]), _poly_product(x[1], y[0])
    crossed = _poly_product(x[0], y[1]), _poly_product(y[0], x[1])
    return _poly_sum(*crossed, 1 if kind == ADD else -1), _poly_product(x[1], y[1])
