"""Whether two sides are alike, by computer algebra. This file is the oracle, a process of its own.

Reads a JSON list a line, each with the Python of its sides, and prints a letter a line: `s` alike
by simplification, `n` alike at every point tried with 40 digits, `d` different at one of them, `u`
undecided in the time allowed. Points are complex: an identity that holds on half a line alone is
none.
"""

from __future__ import annotations

import json
import signal
import sys
from random import Random
from types import FrameType
from typing import Any

import mpmath
import sympy

LIMIT_S = 2.0
"""Of processor time, so that a busy machine decides nothing."""
POINTS, FINITE_LEAST, DIGITS = 8, 4, 40
APART = mpmath.mpf(10) ** -25
NAMES = {
    name: getattr(sympy, name)
    for name in ("Rational", "sqrt", "sin", "cos", "tan", "log", "exp", "pi", "E")
}


class Late(Exception):  # noqa: N818 (what happened)
    """The time allowed is over."""


def late(_signal: int, _frame: FrameType | None) -> None:
    raise Late


def points(n: int, dice: Random) -> list[list[Any]]:
    """So many complex numbers for each of some places."""

    def number() -> Any:
        return mpmath.mpc(dice.uniform(0.1, 5), dice.uniform(0.1, 3))

    return [[number() for _ in range(n)] for _ in range(POINTS)]


def values(expression: Any, symbols: list[Any], places: list[list[Any]]) -> list[Any]:
    """The value at each place with `DIGITS` digits, None where there is none."""
    at = sympy.lambdify(symbols, expression, "mpmath")
    found = []
    for place in places:
        try:
            value = mpmath.mpc(at(*place))
            found.append(value if mpmath.isfinite(value) else None)
        except (ZeroDivisionError, OverflowError):
            found.append(None)
    return found


def symbols_of(*expressions: Any) -> list[Any]:
    return sorted(set().union(*(each.free_symbols for each in expressions)), key=str)


def alike(one: Any, other: Any, dice: Random) -> str:
    """Whether two expressions are the same."""
    symbols = symbols_of(one, other)
    places = points(len(symbols), dice)
    met = 0
    for a, b in zip(values(one, symbols, places), values(other, symbols, places), strict=True):
        if a is None or b is None:
            continue
        met += 1
        if abs(a - b) > APART * (1 + abs(a)):
            return "d"
    try:
        if sympy.simplify(one - other) == 0 or (one - other).equals(0):
            return "s"
    except Late:
        pass
    return "n" if met >= FINITE_LEAST else "u"


def proportional(sides: list[Any], signs: list[str], dice: Random) -> str:
    """Whether two relations are: the differences of their sides, by one constant that fits."""
    symbols = symbols_of(*sides)
    places = points(len(symbols), dice)
    left, right, a, b = (values(side, symbols, places) for side in sides)
    ratios = [
        (q - r) / (p - o)
        for p, o, q, r in zip(left, right, a, b, strict=True)
        if None not in (p, o, q, r) and abs(p - o) > APART
    ]
    if len(ratios) < FINITE_LEAST:
        return "u"
    first = ratios[0]
    if abs(first) < APART or any(abs(ratio - first) > APART * (1 + abs(first)) for ratio in ratios):
        return "d"
    turned = signs[0][0] != signs[1][0]
    if len(signs[0]) != len(signs[1]) or ("=" in (signs[0], signs[1]) and turned):
        return "d"
    if signs[0] != "=" and (first.real < 0) != turned:
        return "d"
    try:
        constant = sympy.simplify((sides[2] - sides[3]) / (sides[0] - sides[1])).is_number
    except Late:
        constant = False
    return "s" if constant else "n"


def verdict(python: list[str], number: int) -> str:
    dice = Random(number)
    relation = len(python) == 6
    names = {letter: sympy.Symbol(letter) for letter in "abnptxyz"}
    try:
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
        try:
            sides = [
                sympy.sympify(eval(text, {"__builtins__": {}}, names | NAMES | {"e": sympy.E}))
                for text in python[: 4 if relation else 2]
            ]
            if relation:
                return proportional(sides, python[4:], dice)
            return alike(sides[0], sides[1], dice)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except Late:
        return "u"


if __name__ == "__main__":
    signal.signal(signal.SIGPROF, late)
    mpmath.mp.dps = DIGITS
    for at, line in enumerate(sys.stdin):
        print(verdict(json.loads(line), at), flush=True)
