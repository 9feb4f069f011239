"""Two hundred right sums and two hundred wrong ones, in many dresses. This file makes them."""

from __future__ import annotations

import random
from fractions import Fraction

_COUNT = 200


def _latex(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _dressed(dice: random.Random, left: str, right: str, *, tex: bool) -> str:
    frames = ["So ${} = {}$.", "We see that ${} = {}$ holds here.", "$${} = {}$$"]
    if not tex:
        frames += ["Then {} = {}.", "{} = {}", "* {} = {}\n* next", "**{} = {}**, and so on"]
        frames += ["because {} = {}, which we use later", "x = {} = {} at the end"]
    return dice.choice(frames).format(left, right)


def _sum(dice: random.Random) -> tuple[str, Fraction, bool]:
    """An expression, its value, and whether it is LaTeX."""
    a, b, c = dice.randint(2, 60), dice.randint(2, 40), dice.randint(2, 12)
    kinds = [
        (f"{a} + {b}", Fraction(a + b), False),
        (f"{a} - {b}", Fraction(a - b), False),
        (f"{a} × {b}", Fraction(a * b), False),
        (f"{a * c} ÷ {c}", Fraction(a), False),
        (f"{a} + {b} * {c}", Fraction(a + b * c), False),
        (f"({a} + {b}) * {c}", Fraction((a + b) * c), False),
        (f"{c}^2 + {b}", Fraction(c * c + b), False),
        (f"{c}² - {b}", Fraction(c * c - b), False),
        (f"-{a} + {b}", Fraction(b - a), False),
        (f"{a}/{c} + {b}/{c}", Fraction(a + b, c), False),
        (f"{a / 10} + {b / 10}", Fraction(a + b, 10), False),
        (f"{10 * c}% of {10 * b}", Fraction(c * b), False),
        (f"\\frac{{{a}}}{{{c}}} - \\frac{{{b}}}{{7}}", Fraction(a, c) - Fraction(b, 7), True),
        (f"{a} \\cdot ({b} - {c})", Fraction(a * (b - c)), True),
        (f"\\frac{{{a} + {b}}}{{{c}}}", Fraction(a + b, c), True),
        (f"\\sqrt{{{c * c}}} + {a}", Fraction(a + c), True),
        (f"2^{{{c % 7}}} - {b}", Fraction(2 ** (c % 7) - b), True),
    ]  # fmt: skip
    return dice.choice(kinds)


def _written(dice: random.Random, value: Fraction, *, tex: bool) -> str:
    if tex:
        return _latex(value)
    places = next((p for p in range(4) if (value * 10**p).denominator == 1), None)
    if places and dice.random() < 0.6:
        return f"{float(value):.{places}f}"
    return str(value)


def right() -> list[str]:
    """Texts whose sums are right, approximations and questions among them."""
    dice = random.Random(11)
    found: list[str] = []
    while len(found) < _COUNT - 20:
        left, value, tex = _sum(dice)
        found.append(_dressed(dice, left, _written(dice, value, tex=tex), tex=tex))
    thirds = [Fraction(n, d) for n, d in ((1, 3), (2, 3), (22, 7), (5, 9), (1, 7))]
    found += [f"Roughly, {v} = {float(v):.2f}, so much." for v in thirds]
    found += [
        f"$\\frac{{{v.numerator}}}{{{v.denominator}}} \\approx {float(v):.1f}$" for v in thirds
    ]
    found += [f"Is {n} + 4 = {n + 5}? Try it." for n in range(5)]
    found += [f"What remains is ${n} = {n + 3}$, which is never true." for n in range(5)]
    return found


def wrong() -> list[str]:
    """Texts with one sum that is wrong."""
    dice = random.Random(12)
    found: list[str] = []
    while len(found) < _COUNT:
        left, value, tex = _sum(dice)
        slip = dice.choice([Fraction(1), Fraction(-1), Fraction(10), Fraction(1, 2), -2 * value])
        if slip:
            shown = _written(dice, value + slip, tex=tex)
            found.append(_dressed(dice, left, shown, tex=tex))
    return found
