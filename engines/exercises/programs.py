"""An answer made ready to be evaluated: closed parts folded, its rung known. This file does that.

The rung says how two values are compared (content format, section 6.3): exactly, modulo a prime, or
at complex points. It is found on the way, in one pass over the postfix form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from engines.exercises.answer_lexer import ANSWER_FUNCTIONS
from engines.exercises.expression import BINARY_OP, CALL, CONST, NAME, POSTFIX, SIGN, SYMBOL, Op
from engines.exercises.functions import (
    BINARY,
    Beyond,
    Inexact,
    Number,
    factorial,
    percent,
    size,
    within,
)
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge

PUSH, LOAD, ADD, SUB, MUL, DIV, POW, NEG, ROOT, UNIT, ABS, CALLED, POWER, BANG = range(14)
"""Instructions. `POW` has a whole exponent, `ROOT` the number under a square root, `UNIT` is i;
`POWER` takes its exponent from the stack, `BANG` is a factorial."""
RATIONAL, SURD, ALGEBRAIC, ANALYTIC = 1, 2, 3, 4
"""The rungs: a closed rational, closed square roots, rational in the variables, all others."""
MOST_DEGREE = 10**6
"""Largest total degree: with it two unequal answers agree with a probability below 10^-36."""
CONSTANTS = {"pi": math.pi, "e": math.e}
"""Transcendental: they stand as variables, except where only their value can decide."""

FIXED = "="
"""Before the name of a constant that is one number at all points: where a ratio may hold it."""

_INFIX = {"+": ADD, "-": SUB, "*": MUL, "/": DIV}
Step = tuple[int, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The steps of an expression, its rung, and its value where that is a rational number.

    Two programs are never equal, though their expressions may be: identity is a quick key.

    `names` are its variables and constants; `extended` says that it has i or square roots, `whole`
    that its variables stand for whole numbers, `bits` how long its numbers are together.
    """

    steps: tuple[Step, ...]
    rung: int
    value: Number | None
    names: frozenset[str]
    extended: bool
    whole: bool
    bits: int


class _Folding:
    """One pass; each part on the stack has its first step, its value if closed, and its degree."""

    __slots__ = ("analytic", "bars", "bits", "extended", "names", "out", "parts", "whole")

    def __init__(self) -> None:
        self.out: list[Step] = []
        self.parts: list[tuple[int, Number | None, int, bool]] = []
        self.names: set[str] = set()
        self.analytic = self.extended = self.whole = self.bars = False
        self.bits = 0

    def _push(self, value: Number) -> None:
        self.bits += value.numerator.bit_length() + value.denominator.bit_length()
        self.parts.append((len(self.out), value, 0, True))
        self.out.append((PUSH, value))

    def _closed(self, start: int, value: Number) -> None:
        """Put one number in the place of the steps from `start` on."""
        del self.out[start:]
        self._push(value)

    def _step(self, start: int, step: Step, degree: int, whole: bool) -> None:
        if degree > MOST_DEGREE:
            raise Beyond(f"a total degree of at most {MOST_DEGREE:,}")
        self.out.append(step)
        self.parts.append((start, None, degree, whole))

    def take(self, op: Op) -> None:
        kind, arg, _ = op
        if kind == CONST:
            self._push(arg)
        elif kind == NAME:
            self.names.add(arg)
            self._step(len(self.out), (LOAD, arg), 1, True)
        elif kind == BINARY_OP and arg in _INFIX:
            self._infix(arg)
        elif kind == BINARY_OP and arg == "^":
            self._power()
        elif kind == SIGN and arg in ("+", "-"):
            if arg == "-":
                start, value, degree, whole = self.parts.pop()
                if value is not None:
                    self._closed(start, -value)
                else:
                    self._step(start, (NEG, None), degree, whole)
        else:
            self._rarer(kind, arg)

    def _rarer(self, kind: int, arg: Any) -> None:
        if kind == SYMBOL and arg in CONSTANTS:
            self.names.add(arg)
            self._step(len(self.out), (LOAD, arg), 1, True)
        elif kind == SYMBOL and arg == "i":
            self.extended = True
            self._step(len(self.out), (UNIT, None), 0, True)
        elif kind == POSTFIX:
            self._postfix(arg)
        elif kind == CALL and arg[0] in ANSWER_FUNCTIONS:
            self._call(*arg)
        else:
            raise Inexact("one expression")

    def _infix(self, sign: str) -> None:
        _, right, more, divided = self.parts.pop()
        start, left, degree, whole = self.parts.pop()
        if left is not None and right is not None:
            value = BINARY[sign](left, right)
            assert isinstance(value, int | Fraction)
            self._closed(start, value)
            return
        if sign == "/" and right == 0:
            raise Inexact("a divisor other than 0")
        whole = whole and divided and not (sign == "/" and right is None)
        joined = max(degree, more) if sign in "+-" and whole else degree + more
        self._step(start, (_INFIX[sign], None), joined, whole)

    def _power(self) -> None:
        above, exponent, _, _ = self.parts.pop()
        start, base, degree, whole = self.parts.pop()
        if exponent is None:
            self.analytic = True
            self._step(start, (POWER, None), 0, False)
        elif exponent.denominator == 1:
            n = exponent.numerator
            if abs(n) > LIMITS.exponent:
                raise Beyond(f"an exponent of at most {LIMITS.exponent}")
            if base is not None:
                value = BINARY["^"](base, n)
                assert isinstance(value, int | Fraction)
                self._closed(start, value)
            else:
                del self.out[above:]
                self._step(start, (POW, n), degree * abs(n), whole and n >= 0)
        elif base is not None and self._root_of(start, base, Fraction(exponent)):
            return
        else:
            self.analytic = True
            self._step(start, (POWER, None), 0, False)

    def _root_of(self, start: int, base: Number, exponent: Fraction) -> bool:
        """Whether a number to a broken exponent is exact, or a square root; then it is put."""
        if not base and exponent < 0:
            raise Inexact("a base other than 0")
        root = exact_root(base, exponent.denominator) if base >= 0 else None
        if root is not None:
            value = BINARY["^"](root, exponent.numerator)
            assert isinstance(value, int | Fraction)
            self._closed(start, value)
            return True
        if exponent.denominator != 2 or abs(exponent.numerator) > LIMITS.exponent:
            return False
        del self.out[start:]
        self._square_root(start, base)
        if exponent.numerator != 1:
            self.parts.pop()
            self._step(start, (POW, exponent.numerator), 0, exponent > 0)
        return True

    def _square_root(self, start: int, radicand: Number) -> None:
        self.extended = True
        self._step(start, (ROOT, radicand), 0, True)

    def _postfix(self, sign: str) -> None:
        start, value, degree, whole = self.parts.pop()
        if sign == "%":
            if value is not None:
                self._closed(start, percent(value))
            else:
                self.out.append((PUSH, 100))
                self._step(start, (DIV, None), degree, whole)
        elif sign == "°":
            self.names.add("pi")
            self.out += [(PUSH, Fraction(1, 180)), (MUL, None), (LOAD, "pi")]
            self._step(start, (MUL, None), degree + 1, whole)
        elif value is not None:
            self._closed(start, factorial(value))
        else:
            self.analytic = self.whole = True
            self._step(start, (BANG, None), 0, False)

    def _call(self, name: str, count: int) -> None:
        values = self.parts[-count:]
        del self.parts[-count:]
        start, value, _, _ = values[0]
        if name == "sqrt" and value is not None:
            root = exact_root(value, 2)
            if root is not None:
                self._closed(start, root)
            else:
                del self.out[start:]
                self._square_root(start, value)
        elif name == "abs" and value is not None:
            self._closed(start, size(value))
        elif name == "abs":
            self.bars = True
            self._step(start, (ABS, None), 0, False)
        elif name == "root" and (root := _whole_root(value, values[1][1])) is not None:
            self._closed(start, root)
        else:
            self.analytic = True
            self._step(start, (CALLED, name), 0, False)

    def program(self) -> Program:
        value = self.parts[0][1]
        if value is not None:
            rung = RATIONAL
        elif self.analytic or (self.bars and self.names):
            rung = ANALYTIC
        else:
            rung = ALGEBRAIC if self.names else SURD
        names = frozenset(self.names)
        return Program(tuple(self.out), rung, value, names, self.extended, self.whole, self.bits)


def exact_root(value: Number, n: int) -> Number | None:
    """The exact real n-th root of a number, None where it is irrational or not real.

    >>> exact_root(Fraction(9, 4), 2), exact_root(-8, 3), exact_root(2, 2)
    (Fraction(3, 2), -2, None)
    """
    if value < 0:
        root = exact_root(-value, n) if n % 2 else None
        return None if root is None else -root
    above, below = _whole_n_root(value.numerator, n), _whole_n_root(value.denominator, n)
    return None if above is None or below is None else within(Fraction(above, below))


def _whole_n_root(value: int, n: int) -> int | None:
    """The whole n-th root of a whole number that is not negative, if there is one."""
    if value < 2:
        return value
    if n == 2:
        root = math.isqrt(value)
        return root if root * root == value else None
    if n > value.bit_length():
        return None
    low, high = 1, 1 << (value.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**n <= value:
            low = middle
        else:
            high = middle - 1
    return low if low**n == value else None


def _whole_root(value: Number | None, n: Number | None) -> Number | None:
    """`root(value, n)` where it is exact."""
    if value is None or n is None or n.denominator != 1:
        return None
    if not 1 <= n <= LIMITS.exponent:
        raise Beyond(f"a root from 1 to {LIMITS.exponent}")
    return exact_root(value, n.numerator)


@lru_cache(maxsize=1 << 13)
def program(ops: tuple[Op, ...]) -> Program:
    """The program of one expression, cached. Raises ExpressionError with the column of a fault.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> [program(answer_code(t).ops).rung for t in ("6/8", "2sqrt(2)", "x^2/3", "2^x")]
    [1, 2, 3, 4]
    """
    folding = _Folding()
    at = 0
    try:
        for op in ops:
            at = op[2]
            folding.take(op)
        return folding.program()
    except Beyond as error:
        raise TooLarge(at + 1, str(error)) from None
    except Inexact as error:
        raise ExpressionError(at + 1, str(error)) from None
