"""Answers evaluated modulo the prime 2^61 - 1, where equal means identical. This file does that.

Two rational functions that agree at random points of a prime field are one (Schwartz 1980, Zippel
1979): at three points unequal ones of degree 10^6 agree with a probability below 10^-36. Square
roots and i live in the field's extension by i, for the prime is 3 modulo 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

from engines.exercises.functions import Number
from engines.exercises.programs import (
    ADD,
    DIV,
    FIXED,
    LOAD,
    MUL,
    NEG,
    POW,
    PUSH,
    ROOT,
    SUB,
    Program,
)

PRIME = (1 << 61) - 1
LARGER_PRIME = (1 << 127) - 1
"""A second field, for answers whose numbers are so long that the first might confuse them."""
POINTS = 3
REDRAWS = 8
"""How often a point is drawn anew where a divisor is zero."""
LONG_BITS = 48
"""Numbers of an answer longer than this together are compared in both fields."""
_SMALL_PRIMES = tuple(n for n in range(2, 1000) if all(n % d for d in range(2, int(n**0.5) + 1)))
"""What is left of a radicand below 10^9 after these is a prime, two of them, or a square."""

Residue = tuple[int, int]
"""An element a + b i of the extension field."""


class NoPoint(ArithmeticError):  # noqa: N818 (what the field has not)
    """A divisor is zero at a point, or modulo the prime."""


@lru_cache(maxsize=1 << 12)
def coordinate(name: str, point: int, prime: int) -> int:
    """What a variable is at a point: a number of the field that only its name decides."""
    if name[0] == FIXED:
        point = 0
    drawn = sha256(f"{name}\0{point}".encode()).digest()
    return int.from_bytes(drawn, "big") % prime


@lru_cache(maxsize=1 << 12)
def scalar(value: Number, prime: int) -> int:
    """A rational number in the field."""
    if isinstance(value, int):
        return value % prime
    return value.numerator * inverse(value.denominator % prime, prime) % prime


def inverse(value: int, prime: int) -> int:
    """The inverse in the field. Raises NoPoint for zero."""
    if not value:
        raise NoPoint
    return pow(value, -1, prime)


def plain_residue(program: Program, point: int, prime: int = PRIME) -> int:
    """The value at a point of what has neither i nor roots. Raises NoPoint at a zero divisor."""
    stack: list[int] = []
    for kind, arg in program.steps:
        if kind == PUSH:
            stack.append(arg if type(arg) is int else scalar(arg, prime))
        elif kind == LOAD:
            stack.append(coordinate(arg, point, prime))
        elif kind == NEG:
            stack[-1] = -stack[-1]
        elif kind == POW:
            base = stack[-1] % prime
            if arg < 0 and not base:
                raise NoPoint
            stack[-1] = pow(base, arg, prime)
        else:
            right = stack.pop()
            if kind == MUL:
                stack[-1] = stack[-1] * right % prime
            elif kind == ADD:
                stack[-1] += right
            elif kind == SUB:
                stack[-1] -= right
            else:
                stack[-1] = stack[-1] * inverse(right % prime, prime) % prime
    return stack[0] % prime


# --- with square roots and i -----------------------------------------------------------------


def _times(x: Residue, y: Residue, prime: int) -> Residue:
    (a, b), (c, d) = x, y
    return (a * c - b * d) % prime, (a * d + b * c) % prime


def _over(x: Residue, y: Residue, prime: int) -> Residue:
    a, b = y
    by = inverse((a * a + b * b) % prime, prime)
    return _times(x, (a * by % prime, -b * by % prime), prime)


def _to_the(x: Residue, n: int, prime: int) -> Residue:
    result: Residue = (1, 0)
    if n < 0:
        x, n = _over(result, x, prime), -n
    while n:
        if n & 1:
            result = _times(result, x, prime)
        x = _times(x, x, prime)
        n >>= 1
    return result


@lru_cache(maxsize=1 << 12)
def _root(radicand: Number, prime: int) -> Residue:
    """A square root, chosen so that the root of a product is the product of the roots."""
    above, below = abs(radicand.numerator), radicand.denominator
    result: Residue = (0, 1) if radicand < 0 else (1, 0)
    left = above * below
    for small in _SMALL_PRIMES:
        if small * small > left:
            break
        while left % small == 0:
            result = _times(result, _prime_root(small, prime), prime)
            left //= small
    whole = math.isqrt(left)
    if whole * whole == left:
        result = _times(result, (whole % prime, 0), prime)
    else:
        result = _times(result, _prime_root(left, prime), prime)
    return _over(result, (below % prime, 0), prime)


def _prime_root(n: int, prime: int) -> Residue:
    root = pow(n, (prime + 1) // 4, prime)
    return (root, 0) if root * root % prime == n % prime else (0, root)


def extended_residue(program: Program, point: int, prime: int = PRIME) -> Residue:
    """The value at a point in the extension by i. Raises NoPoint at a zero divisor."""
    stack: list[Residue] = []
    for kind, arg in program.steps:
        if kind == PUSH:
            stack.append((scalar(arg, prime), 0))
        elif kind == LOAD:
            stack.append((coordinate(arg, point, prime), 0))
        elif kind == ROOT:
            stack.append(_root(arg, prime))
        elif kind == NEG:
            stack[-1] = (-stack[-1][0] % prime, -stack[-1][1] % prime)
        elif kind == POW:
            stack[-1] = _to_the(stack[-1], arg, prime)
        elif kind in (ADD, SUB, MUL, DIV):
            right = stack.pop()
            stack[-1] = _joined(kind, stack[-1], right, prime)
        else:
            stack.append((0, 1))
    return stack[0]


def _joined(kind: int, x: Residue, y: Residue, prime: int) -> Residue:
    if kind == MUL:
        return _times(x, y, prime)
    if kind == DIV:
        return _over(x, y, prime)
    sign = 1 if kind == ADD else -1
    return (x[0] + sign * y[0]) % prime, (x[1] + sign * y[1]) % prime


@lru_cache(maxsize=1 << 13)
def _residue(program: Program, point: int, prime: int, extended: bool) -> Residue:
    if extended:
        return extended_residue(program, point, prime)
    return plain_residue(program, point, prime), 0


Values = tuple[Residue, ...]


def values_at(programs: tuple[Program, ...], prime: int = PRIME) -> Iterator[Values]:
    """The values of several programs at common points, one point after the other, three in all.

    A point where one of them divides by zero is drawn anew, at most eight times; fewer than three
    come where a divisor is always zero.
    """
    extended = any(p.extended for p in programs)
    found = 0
    for point in range(POINTS + REDRAWS):
        try:
            values = tuple([_residue(p, point, prime, extended) for p in programs])
        except NoPoint:
            continue
        yield values
        found += 1
        if found == POINTS:
            return


def identical(a: Program, b: Program) -> bool | None:
    """Whether two rational functions are one; None where a divisor is always zero.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.programs import program
    >>> f, g, h = (program(answer_code(t).ops) for t in ("(x+1)^2", "x^2+2x+1", "x^2+1"))
    >>> identical(f, g), identical(f, h)
    (True, False)
    """
    extended = a.extended or b.extended
    for prime in (PRIME, LARGER_PRIME) if a.bits + b.bits > LONG_BITS else (PRIME,):
        points = 0
        for point in range(POINTS + REDRAWS):
            try:
                if _residue(a, point, prime, extended) != _residue(b, point, prime, extended):
                    return False
            except NoPoint:
                continue
            points += 1
            if points == POINTS:
                break
        else:
            return None
    return True


def proportional(a: Program, b: Program) -> bool | None:
    """Whether the ratio of two rational functions is one constant that is not zero.

    None where both are zero everywhere, or have no value.
    """
    primes = (PRIME, LARGER_PRIME) if a.bits + b.bits > LONG_BITS else (PRIME,)
    for prime in primes:
        values = list(values_at((a, b), prime))
        if len(values) < POINTS or not any(any(x) or any(y) for x, y in values):
            return None
        (x0, y0), *others = values
        if not (any(x0) and any(y0)):
            return False
        if any(_times(x, y0, prime) != _times(x0, y, prime) or not any(x) for x, y in others):
            return False
    return True
