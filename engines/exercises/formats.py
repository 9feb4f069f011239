"""How a value is printed in a template: the formats after the colon. This file is their table.

Inside `$...$` a value is printed as LaTeX, outside as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from engines.exercises.functions import Inexact, Number, Operand, number, rounded, size

Format = Callable[[Operand, bool], str]


def _fraction(value: Number, latex: bool) -> str:
    if isinstance(value, int):
        return str(value)
    if not latex:
        return f"{value.numerator}/{value.denominator}"
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def shortest(value: Operand, latex: bool) -> str:
    r"""An integer or a lowest-terms fraction; a text as it is, a list with commas.

    >>> shortest(Fraction(-3, 4), True), shortest(Fraction(-3, 4), False)
    ('-\\frac{3}{4}', '-3/4')
    """
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(shortest(v, latex) for v in value)
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    return _fraction(int(value) if isinstance(value, bool) else value, latex)


def _signed(value: Operand, latex: bool) -> str:
    n = number(value)
    return f"{'-' if n < 0 else '+'} {shortest(size(n), latex)}"


def _coefficient(value: Operand, latex: bool) -> str:
    n = number(value)
    return shortest(n, latex) if size(n) != 1 else "-" if n < 0 else ""


def _term(value: Operand, latex: bool) -> str:
    n = number(value)
    return f"{'-' if n < 0 else '+'} {_coefficient(size(n), latex)}"


def _always_fraction(value: Operand, latex: bool) -> str:
    n = Fraction(number(value))
    if n.denominator > 1:
        return _fraction(n, latex)
    sign, size = ("-" if n < 0 else ""), abs(n.numerator)
    return rf"{sign}\frac{{{size}}}{{1}}" if latex else f"{n.numerator}/1"


def mixed(value: Operand, latex: bool) -> str:
    """A mixed number where the value has a whole part.

    >>> mixed(Fraction(-7, 4), False)
    '-1 3/4'
    """
    n = number(value)
    whole, rest = divmod(size(n), 1)
    if not whole or not rest:
        return shortest(n, latex)
    return f"{'-' if n < 0 else ''}{whole}{'' if latex else ' '}{_fraction(rest, latex)}"


def decimal(value: Number, places: int) -> str:
    """The value with so many decimals, halves away from zero.

    >>> decimal(Fraction(-1, 8), 2)
    '-0.13'
    """
    n = rounded(value, places)
    if not places:
        return str(n)
    digits = str(int(abs(n) * 10**places)).rjust(places + 1, "0")
    return f"{'-' if n < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def finite_places(value: Number) -> int | None:
    """Decimals the value needs to be exact, or None where they never end.

    >>> finite_places(Fraction(3, 8)), finite_places(Fraction(1, 3))
    (3, None)
    """
    below, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while below % prime == 0:
            below //= prime
            count += 1
        places = max(places, count)
    return places if below == 1 else None


def _percent(value: Operand, latex: bool) -> str:
    n = number(value) * 100
    places = finite_places(n)
    text = mixed(n, latex) if places is None else decimal(n, places)
    return text + (r"\%" if latex else "%")


def _raw(value: Operand, latex: bool) -> str:
    del latex
    return shortest(value, False)


_NAMED: dict[str, Format] = {
    "": shortest,
    "+": _signed,
    "coef": _coefficient,
    "term": _term,
    "frac": _always_fraction,
    "mixed": mixed,
    "pct": _percent,
    "raw": _raw,
}
_PLACES = re.compile(r"d(\d{1,2})")


def format_named(name: str) -> Format:
    """The format of a name after the colon. Raises Inexact for an unknown one.

    >>> format_named("d2")(Fraction(1, 3), True)
    '0.33'
    """
    if name in _NAMED:
        return _NAMED[name]
    found = _PLACES.fullmatch(name)
    if found is None:
        msg = f"one of the formats {', '.join(n for n in _NAMED if n)} or dN"
        raise Inexact(msg)
    places = int(found.group(1))
    return lambda value, _latex: decimal(number(value), places)


def is_decimal(name: str) -> bool:
    """Whether a format prints decimals, whose mark is the learner's.

    >>> is_decimal("d2"), is_decimal("frac")
    (True, False)
    """
    return name == "pct" or _PLACES.fullmatch(name) is not None
