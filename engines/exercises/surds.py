"""Closed square roots, exactly: sums of q sqrt(n), one divided by another. This file is them.

Roots of numbers whose products are no squares are independent over the rationals (Besicovitch
1940),
so a sum is zero only where each of its kinds is; no number is factored and nothing is rounded.
A negative radicand -n stands for i sqrt(n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from engines.exercises.functions import Beyond, Number, within
from engines.exercises.limits import LIMITS
from engines.exercises.programs import (
    ABS,
    ADD,
    DIV,
    MUL,
    NEG,
    POW,
    PUSH,
    ROOT,
    SUB,
    Program,
)

MOST_TERMS = 64
"""Most roots of a sum."""
Sum = dict[int, Number]
"""Radicand -> coefficient; the radicand 1 is the rational part."""
ONE: Sum = {1: 1}


@dataclass(frozen=True, slots=True)
class Quotient:
    """A closed value: one sum of roots over another that is not zero."""

    above: Sum
    below: Sum


def closed_value(program: Program) -> Quotient | None:
    """The value of closed square roots, None where a divisor is zero or the numbers grow too long.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.programs import program
    >>> a, b = (closed_value(program(answer_code(t).ops)) for t in ("1/(sqrt(2)-1)", "1+sqrt(2)"))
    >>> same_value(a, b)
    True
    """
    try:
        return _value(program)
    except (Beyond, ZeroDivisionError):
        return None


@lru_cache(maxsize=1 << 12)
def _value(program: Program) -> Quotient:
    stack: list[Quotient] = []
    for kind, arg in program.steps:
        if kind == PUSH:
            stack.append(Quotient({1: arg}, ONE))
        elif kind == ROOT:
            stack.append(Quotient(root_of(arg), ONE))
        elif kind == NEG:
            stack[-1] = Quotient(_scaled(stack[-1].above, -1), stack[-1].below)
        elif kind == POW:
            stack[-1] = _to_the(stack[-1], arg)
        elif kind == ABS:
            negative = approximate(stack[-1]) < 0
            stack[-1] = Quotient(_scaled(stack[-1].above, -1 if negative else 1), stack[-1].below)
        elif kind in (ADD, SUB, MUL, DIV):
            right = stack.pop()
            stack[-1] = _joined(kind, stack[-1], right)
        else:
            stack.append(Quotient({-1: 1}, ONE))
    return stack[0]


def root_of(value: Number) -> Sum:
    """The square root of a number, small squares pulled out.

    >>> root_of(Fraction(1, 12)), root_of(-4)
    ({3: Fraction(1, 6)}, {-1: 2})
    """
    n, outside = abs(value.numerator) * value.denominator, 1
    for p in (2, 3, 5, 7, 11, 13):
        while n % (p * p) == 0:
            n //= p * p
            outside *= p
    whole = math.isqrt(n)
    if whole * whole == n:
        n, outside = 1, outside * whole
    coefficient = within(Fraction(outside, value.denominator))
    return {n if value > 0 else -n: coefficient}


def _scaled(a: Sum, by: Number) -> Sum:
    return {n: within(q * by) for n, q in a.items()}


def _plus(a: Sum, b: Sum) -> Sum:
    out = dict(a)
    for n, q in b.items():
        out[n] = within(out.get(n, 0) + q)
    return _without_zeros(out)


def _times(a: Sum, b: Sum) -> Sum:
    out: Sum = {}
    for n, q in a.items():
        for m, r in b.items():
            radicand, factor = _product(n, m)
            out[radicand] = within(out.get(radicand, 0) + q * r * factor)
    return _without_zeros(out)


def _product(n: int, m: int) -> tuple[int, int]:
    """Radicand and factor of sqrt(n) sqrt(m); i sqrt(n) times i sqrt(m) is negative."""
    common = math.gcd(n, m)
    rest = abs(n // common) * abs(m // common)
    whole = math.isqrt(rest)
    if whole * whole == rest:
        rest, common = 1, common * whole
    if rest.bit_length() > LIMITS.integer_bits:
        raise Beyond(f"numbers of at most {LIMITS.integer_bits} bits")
    if n < 0 and m < 0:
        return rest, -common
    return (-rest if n < 0 or m < 0 else rest), common


def _without_zeros(a: Sum) -> Sum:
    out = {n: q for n, q in a.items() if q}
    if len(out) > MOST_TERMS:
        raise Beyond(f"at most {MOST_TERMS} roots")
    return out


def is_zero(a: Sum) -> bool:
    """Whether a sum is zero: whether its coefficients of each kind of root are.

    >>> is_zero({8: 1, 2: -2}), is_zero({8: 1, 2: -1})
    (True, False)
    """
    kinds: Sum = {}
    for n, q in a.items():
        for kind in kinds:
            joined = n * kind
            whole = math.isqrt(abs(joined))
            if joined > 0 and whole * whole == joined:
                kinds[kind] += q * Fraction(whole, abs(kind))
                break
        else:
            kinds[n] = q
    return not any(kinds.values())


def _joined(kind: int, x: Quotient, y: Quotient) -> Quotient:
    if kind == MUL:
        return Quotient(_times(x.above, y.above), _times(x.below, y.below))
    if kind == DIV:
        if is_zero(y.above):
            raise ZeroDivisionError
        return Quotient(_times(x.above, y.below), _times(x.below, y.above))
    right = y.above if kind == ADD else _scaled(y.above, -1)
    if x.below == y.below:
        return Quotient(_plus(x.above, right), x.below)
    above = _plus(_times(x.above, y.below), _times(right, x.below))
    return Quotient(above, _times(x.below, y.below))


def _to_the(x: Quotient, n: int) -> Quotient:
    if n < 0:
        if is_zero(x.above):
            raise ZeroDivisionError
        x, n = Quotient(x.below, x.above), -n
    result = Quotient(ONE, ONE)
    while n:
        if n & 1:
            result = _joined(MUL, result, x)
        n >>= 1
        if n:
            x = _joined(MUL, x, x)
    return result


def same_value(a: Quotient, b: Quotient) -> bool:
    """Whether two closed values are the same number."""
    crossed = _plus(_times(a.above, b.below), _scaled(_times(b.above, a.below), -1))
    return is_zero(crossed)


def approximate(value: Quotient) -> float:
    """The value as a float; its real part where it has i. Raises ZeroDivisionError, Beyond."""
    try:
        return _float(value.above) / _float(value.below)
    except OverflowError:
        raise Beyond("numbers that a float can hold") from None


def _float(a: Sum) -> float:
    return math.fsum(float(q) * math.sqrt(n) for n, q in a.items() if n > 0)


def sign_of(value: Quotient) -> int:
    """The sign of a real value: -1, 0 or 1."""
    if is_zero(value.above):
        return 0
    return 1 if approximate(value) > 0 else -1
