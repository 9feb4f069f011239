"""Answers evaluated at complex points: for what no exact rung can decide. This file does that.

Points lie close to the real axis, on both sides of zero. A root, logarithm or broken power of a
number left of zero counts as undefined there, as people leave it, so that `ln x^2` is `2 ln x`
where both exist and `sqrt(x^2)` is `|x|`. Where too few points are left, principal values decide.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

from engines.exercises.functions import Number
from engines.exercises.limits import LIMITS
from engines.exercises.programs import (
    ABS,
    ADD,
    BANG,
    CALLED,
    CONSTANTS,
    DIV,
    FIXED,
    LOAD,
    MUL,
    NEG,
    POW,
    POWER,
    PUSH,
    ROOT,
    SUB,
    UNIT,
    Program,
)

POINTS = 6
FINITE = 4
"""Points at which all sides must be finite."""
REDRAWS = 8
"""How often a point is drawn anew where it is not."""
RELATIVE, ABSOLUTE = 1e-9, 1e-12
_SLOPE = 0.06
"""Greatest part of a point's size that is imaginary."""
_SIZES = (0.6, 1.7, 0.35, 4.3, 0.9, 9.0)
"""About how far from zero the points lie, in turn: within the domains of school functions."""
_MIRRORED = (False, False, False, False, True, True)
"""Which points lie left of zero."""


class Undefined(ArithmeticError):  # noqa: N818 (what a value is)
    """No value at a point."""


@lru_cache(maxsize=1 << 12)
def _coordinate(name: str, draw: int, mirror: int, whole: bool) -> complex:
    """What a variable is at a draw: only its name decides; constants are themselves."""
    constant = CONSTANTS.get(name.lstrip(FIXED))
    if constant is not None:
        return complex(constant)
    drawn = sha256(f"{name}\0{draw}".encode()).digest()
    if whole:
        return complex(1 + drawn[0] % 12 + draw % 3)
    size = _SIZES[draw % POINTS] * (0.75 + drawn[0] / 512)
    left = _MIRRORED[draw % POINTS] if mirror == 0 else mirror == 1
    slope = _SLOPE * (0.2 + drawn[1] / 320)
    return complex(-size if left else size, size * slope)


@lru_cache(maxsize=1 << 12)
def _float(value: Number) -> complex:
    try:
        return complex(float(value))
    except OverflowError:
        raise Undefined from None


def _broken_power(base: complex, exponent: complex, *, real: bool) -> complex:
    if not exponent.imag and exponent.real == int(exponent.real) and abs(exponent.real) < 1 << 20:
        return complex(base ** int(exponent.real))
    if real and base.real < 0:
        raise Undefined
    if not base and exponent.real <= 0:
        raise Undefined
    return complex(base**exponent) if base else 0j


def _root(value: complex, n: complex, *, real: bool) -> complex:
    """The n-th root; an odd one of a number left of zero is negative, as over the reals."""
    if n.imag or n.real != int(n.real) or not 0 < n.real <= LIMITS.exponent:
        raise Undefined
    if value.real < 0 and int(n.real) % 2:
        return -complex((-value) ** (1 / n))
    return _broken_power(value, 1 / n, real=real)


def _logarithm(value: complex, *, real: bool) -> complex:
    if not value or (real and value.real < 0):
        raise Undefined
    return cmath.log(value)


def _factorial(value: complex) -> complex:
    n = value.real
    if value.imag or n != int(n) or not 0 <= n <= LIMITS.factorial:
        raise Undefined
    return complex(math.factorial(int(n)))


def _size(value: complex) -> complex:
    """The absolute value, continued from the real axis on both of its sides."""
    return value if value.real >= 0 else -value


_CALLS: dict[str, Callable[[list[complex], bool], complex]] = {
    "sqrt": lambda v, real: _broken_power(v[0], 0.5 + 0j, real=real),
    "root": lambda v, real: _root(v[0], v[1], real=real),
    "exp": lambda v, _: cmath.exp(v[0]),
    "ln": lambda v, real: _logarithm(v[0], real=real),
    "log": lambda v, real: _logarithm(v[0], real=real) / math.log(10),
    "log_b": lambda v, real: _logarithm(v[1], real=real) / _logarithm(v[0], real=real),
    "sin": lambda v, _: cmath.sin(v[0]),
    "cos": lambda v, _: cmath.cos(v[0]),
    "tan": lambda v, _: cmath.tan(v[0]),
    "asin": lambda v, _: cmath.asin(v[0]),
    "acos": lambda v, _: cmath.acos(v[0]),
    "atan": lambda v, _: cmath.atan(v[0]),
}
_TWO_VALUES = frozenset(("root", "log_b"))
_INFIX: dict[int, Callable[[complex, complex], complex]] = {
    ADD: lambda a, b: a + b,
    SUB: lambda a, b: a - b,
    MUL: lambda a, b: a * b,
    DIV: lambda a, b: a / b,
}


def closed_float(program: Program) -> float | None:
    """The value of what has no variables as a float, None where it has none or is not real."""
    try:
        value = value_at(program, lambda name: _coordinate(name, 0, 0, False), real=True)
    except Undefined:
        return None
    return value.real if close(value, complex(value.real)) else None


def value_at(
    program: Program, point: Callable[[str], complex], *, real: bool, i: bool = False
) -> complex:
    """The value at a point. Raises Undefined where there is none.

    With `real`, roots and logarithms of numbers left of zero have none; with `i`, `|z|` is the
    modulus.
    """
    try:
        value = _run(program, point, real=real, i=i)
    except (ArithmeticError, ValueError):
        raise Undefined from None
    if not cmath.isfinite(value):
        raise Undefined
    return value


def _run(program: Program, point: Callable[[str], complex], *, real: bool, i: bool) -> complex:
    stack: list[complex] = []
    for kind, arg in program.steps:
        if kind == PUSH:
            stack.append(_float(arg))
        elif kind == LOAD:
            stack.append(point(arg))
        elif kind in _INFIX:
            right = stack.pop()
            stack[-1] = _INFIX[kind](stack[-1], right)
        elif kind == NEG:
            stack[-1] = -stack[-1]
        elif kind == POW:
            stack[-1] = stack[-1] ** arg
        elif kind == ABS:
            stack[-1] = complex(abs(stack[-1])) if i else _size(stack[-1])
        else:
            _rarer(kind, arg, stack, real=real)
    return stack[0]


def _rarer(kind: int, arg: object, stack: list[complex], *, real: bool) -> None:
    if kind == ROOT:
        assert isinstance(arg, Number)
        stack.append(cmath.sqrt(_float(arg)))
    elif kind == UNIT:
        stack.append(1j)
    elif kind == POWER:
        exponent = stack.pop()
        stack[-1] = _broken_power(stack[-1], exponent, real=real)
    elif kind == BANG:
        stack[-1] = _factorial(stack[-1])
    else:
        assert kind == CALLED
        count = 2 if arg in _TWO_VALUES else 1
        values = stack[-count:]
        del stack[-count:]
        stack.append(_CALLS[str(arg)](values, real))


_WAYS = ((0, True), (1, True), (2, True), (0, False))
"""How points are drawn, in turn: on both sides of zero, left of it, right of it; the last time
with principal values."""
_ALL = "*"
"""Among the whole variables: all of them are."""


@lru_cache(maxsize=1 << 12)
def _profile(
    program: Program, way: int, draws: int, i: bool, integers: frozenset[str]
) -> tuple[complex | None, ...]:
    """The values at the first draws of one way, None where there is none."""
    mirror, real = _WAYS[way]
    return tuple([_drawn(program, draw, mirror, real, i, integers) for draw in range(draws)])


_DRAWS = POINTS + REDRAWS


def _drawn(
    program: Program, draw: int, mirror: int, real: bool, i: bool, integers: frozenset[str]
) -> complex | None:
    whole = _ALL in integers

    def point(name: str) -> complex:
        return _coordinate(name, draw, mirror, whole or name in integers)

    try:
        return value_at(program, point, real=real, i=i)
    except Undefined:
        return None


@lru_cache(maxsize=1 << 12)
def _first(program: Program, i: bool, integers: frozenset[str]) -> complex | None:
    """The value at the first draw: most unequal functions differ there."""
    return _drawn(program, 0, 0, True, i, integers)


def values_at(
    a: Program, b: Program, integers: frozenset[str], *, i: bool
) -> list[tuple[complex, complex]]:
    """The values of two programs at common points, where both are finite.

    At least four points, else none.
    """
    if a.whole or b.whole:
        integers |= {_ALL}
    for way in range(len(_WAYS)):
        for draws in (POINTS, _DRAWS):
            mine, theirs = (_profile(p, way, draws, i, integers) for p in (a, b))
            sides = zip(mine, theirs, strict=True)
            found = [(x, y) for x, y in sides if x is not None and y is not None]
            if len(found) >= FINITE and (len(found) >= POINTS or draws == _DRAWS):
                return found[:POINTS]
    return []


def close(a: complex, b: complex) -> bool:
    """Whether two values at a point count as equal."""
    return abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + ABSOLUTE


def agree(a: Program, b: Program, integers: frozenset[str], *, i: bool = False) -> bool | None:
    """Whether two functions agree at all points; None where too few points have values.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.programs import program
    >>> f, g, h = (program(answer_code(t).ops) for t in ("sin(2x)", "2 sin x cos x", "2 sin x"))
    >>> agree(f, g, frozenset()), agree(f, h, frozenset())
    (True, False)
    """
    if not (a.whole or b.whole):  # most unequal ones differ at the first point
        x, y = _first(a, i, integers), _first(b, i, integers)
        if x is not None and y is not None and not close(x, y):
            return False
    values = values_at(a, b, integers, i=i)
    return all(close(x, y) for x, y in values) if values else None


def ratio(a: Program, b: Program, integers: frozenset[str], *, i: bool = False) -> float | None:
    """The constant ratio of two functions, its real part; 0 where it is none, or not constant.

    None where both vanish at all points, or have too few.
    """
    values = values_at(a, b, integers, i=i)
    largest = max((max(abs(x), abs(y)) for x, y in values), default=0.0)
    if largest <= ABSOLUTE:
        return None
    x0, y0 = max(values, key=lambda pair: min(abs(pair[0]), abs(pair[1])))
    if min(abs(x0), abs(y0)) <= ABSOLUTE:
        return 0.0
    constant = x0 / y0
    if not all(close(x, constant * y) for x, y in values):
        return 0.0
    return constant.real or 1.0


def sign_of_ratio(a: Program, b: Program) -> float:
    """The sign of a ratio that is known to be constant and real; 0 where no point tells it."""
    for draw in range(_DRAWS):
        x, y = (_drawn(p, draw, 0, True, False, _NO_NAMES) for p in (a, b))
        if x is not None and y is not None and min(abs(x), abs(y)) > ABSOLUTE:
            return 1.0 if (x / y).real > 0 else -1.0
    return 0.0


_NO_NAMES: frozenset[str] = frozenset()
