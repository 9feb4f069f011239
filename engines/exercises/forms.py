"""Forms a number may be asked for in, and what is said where it is not. This file is their table.

A form is judged on the number as it was written, before anything is reduced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from math import gcd
from typing import NamedTuple

from engines.exercises.reading import Reading


class Form(NamedTuple):
    """A form: whether a reading has it, and how it is asked for."""

    holds: Callable[[Reading], bool]
    asked: str


def _any(_reading: Reading) -> bool:
    return True


def _integer(reading: Reading) -> bool:
    return reading.shape == "integer"


def _lowest_terms(reading: Reading) -> bool:
    if reading.shape == "fraction":
        return reading.den > 0 and gcd(reading.num, reading.den) == 1
    return reading.shape == "integer" or _proper_mixed(reading)


def _proper_mixed(reading: Reading) -> bool:
    proper = 0 < reading.num < reading.den and gcd(reading.num, reading.den) == 1
    return reading.shape == "mixed" and proper


def _mixed(reading: Reading) -> bool:
    if reading.shape == "fraction":
        return abs(reading.num) < reading.den and _lowest_terms(reading)
    return reading.shape == "integer" or _proper_mixed(reading)


def _decimal(reading: Reading) -> bool:
    return reading.shape in ("decimal", "integer")


def _decimal_to(places: int) -> Callable[[Reading], bool]:
    return lambda reading: _decimal(reading) and reading.places == places


_FORMS = {
    "any": Form(_any, "as one number"),
    "integer": Form(_integer, "as a whole number"),
    "lowest-terms": Form(_lowest_terms, "in lowest terms"),
    "mixed": Form(_mixed, "as a mixed number in lowest terms"),
    "decimal": Form(_decimal, "as a decimal"),
}
_PLACES = re.compile(r"decimal\((\d{1,2})\)")


@lru_cache(maxsize=256)
def form_named(name: str) -> Form:
    """The form of a name: any, integer, lowest-terms, mixed, decimal or decimal(n).

    Raises ValueError for an unknown one.

    >>> form_named("decimal(2)").asked
    'as a decimal with 2 places'
    """
    found = _PLACES.fullmatch(name)
    if found is not None:
        return Form(_decimal_to(int(found[1])), f"as a decimal with {int(found[1])} places")
    if name not in _FORMS:
        raise ValueError(f"expected one of {', '.join(_FORMS)} or decimal(n), found {name!r}")
    return _FORMS[name]
