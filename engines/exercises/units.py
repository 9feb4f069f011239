"""Units of school: names, dimensions, exact factors. This file is the table and its reader.

Factors are exact rationals (SI Brochure 2019; the yard and pound of 1959; the US gallon of 231
cubic inches). Each kind of money is a dimension of its own: nothing here knows a rate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product

from engines.exercises.formats import finite_places
from engines.exercises.limits import ExpressionError
from engines.exercises.unit_names import (
    DERIVED,
    EVERYDAY,
    NAMED,
    PREFIX_WORDS,
    PREFIXED,
    PREFIXED_WORDS,
    PREFIXES,
    SPOKEN,
)
from engines.words import AnswerSpec

UNIT_CODE_POINTS = 60
"""Longest unit read."""
UNIT_POWER = 9
"""Largest power of one name in a unit."""
READINGS = 16
"""Most meanings of one unit that are weighed."""

Dimension = tuple[tuple[str, int], ...]
"""Base quantities with their powers, in order of name: `(("length", 1), ("time", -1))`."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: so much of its dimension's base unit, `offset` above that unit's zero.

    Only a scale of temperature has an offset; a difference (`Δ°C`) has none.
    """

    factor: Fraction
    dimension: Dimension
    offset: Fraction = Fraction(0)


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[Unit, ...]]:
    """Every name with its meanings, those of its exact spelling, the everyday one first."""
    table: dict[str, list[Unit]] = {}
    base: dict[str, Unit] = {}
    for names, factor, dimension, offset in NAMED:
        unit = Unit(Fraction(factor), _dimension(dimension), Fraction(offset))
        for name in names.split():
            base.setdefault(name, unit)
            _put(table, name, unit)
    for name, factor, dimension in DERIVED:
        base[name] = Unit(Fraction(factor), _dimension(dimension))
        _put(table, name, base[name])
    for symbol, prefix in product(PREFIXED.split(), PREFIXES):
        _put(table, prefix + symbol, _times(base[symbol], PREFIXES[prefix]))
    for symbol, words in PREFIXED_WORDS:
        for word, prefix in product(words.split(), ("", *PREFIX_WORDS)):
            _put(table, prefix + word, _times(base[symbol], PREFIX_WORDS.get(prefix, 0)))
    for name, words in SPOKEN:
        for word, unit in product(words.split(), tuple(table[name])):
            _put(table, word, unit)
    return {name: tuple(units) for name, units in table.items()}


def _put(table: dict[str, list[Unit]], name: str, unit: Unit) -> None:
    kept = table.setdefault(name.replace("_", " "), [])
    if unit not in kept:
        kept.append(unit)


def _times(unit: Unit, power: int) -> Unit:
    return Unit(unit.factor * Fraction(10) ** power, unit.dimension)


def _dimension(text: str) -> Dimension:
    """The dimension of `length^2 time^-1`; empty for a plain number."""
    powers = (part.partition("^") for part in text.split())
    return tuple(sorted((name, int(power or 1)) for name, _, power in powers))


@lru_cache(maxsize=1)
def _folded_table() -> dict[str, tuple[Unit, ...]]:
    """Words and everyday symbols by folded names, for `KM` and `Meter`.

    Most symbols are no more what they are in another case: `cn` is no centinewton.
    """
    symbols = {prefix + symbol for prefix, symbol in product(PREFIXES, PREFIXED.split())}
    table: dict[str, tuple[Unit, ...]] = {}
    for name, units in _table().items():
        if name in symbols and name not in EVERYDAY:
            continue
        kept = table.get(name.casefold(), ())
        table[name.casefold()] = kept + tuple(u for u in units if u not in kept)
    return table


_SIGNS = str.maketrans(
    {"µ": "μ", "º": "°", "˚": "°", "Ω": "Ω", "’": "'", "′": "'", "″": '"', "”": '"', "−": "-",
     "·": "*", "⋅": "*", "×": "*", "∕": "/", "⁄": "/", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
     "℃": "°C", "℉": "°F", "㎏": "kg", "㎝": "cm", "㎜": "mm", "㎞": "km", "㎡": "m^2", "㎥": "m^3",
     "㎠": "cm^2", "㎤": "cm^3"}
)  # fmt: skip
_RAISED = re.compile("(⁻?)([¹²³])")
_LATEX = re.compile(
    r"\\(?:text|mathrm|rm|operatorname|unit|si)\s*\{([^{}]*)\}|\\(?:,|;|:|!|\s|quad\b)|[{}~]"
)
_LATEX_NAMES = (
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\circ|\\degrees?"), "°"),
    (re.compile(r"\\Omega"), "Ω"),
    (re.compile(r"\\mu\s*"), "μ"),
    (re.compile(r"\\cdot|\\times"), "*"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\\\$"), "$"),
)
_WORD = re.compile(
    r"""\s*(?:
    (?P<by>[/*·]|\bper\b|\bpro\b|\bpar\b|\bpor\b)
    |(?P<power>\^\s*\(?\s*-?\d\s*\)?)
    |(?P<square>(?:square|sq\.?|cubic|cu\.?)(?=\s))
    |(?P<name>Δ?\s?°[CFK]\b|Δ?[^\W\d_]+(?:[ -][^\W\d_]+)*\.?|[°'"$€£¥₹₽₺₪₩¢%‰])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_OF_POWER = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_AFTER_POWER = {"squared": 2, "cubed": 3}


def tidied(text: str) -> str:
    r"""A unit's text with plain signs instead of LaTeX and look-alikes.

    >>> tidied(r"\mathrm{cm}^{2}"), tidied("µm")
    ('cm^2', 'μm')
    """
    for pattern, sign in _LATEX_NAMES:
        text = pattern.sub(sign, text)
    text = _LATEX.sub(lambda m: m[1] or ("" if m[0] in "{}" else " "), text)
    text = _RAISED.sub(_lowered, text)
    text = unicodedata.normalize("NFC", text).translate(_SIGNS).strip()
    return _BARE_POWER.sub(r"^\1", text)


def _lowered(raised: re.Match[str]) -> str:
    return f"^{'-' if raised[1] else ''}{unicodedata.digit(raised[2])}"


_BARE_POWER = re.compile(r"(?<=[a-z])([23])(?![\d.,])", re.IGNORECASE)
"""The power of `cm2`."""


@lru_cache(maxsize=2048)
def units_of(text: str) -> tuple[Unit, ...]:
    """Every meaning of a unit's text (`pound` is a mass and a kind of money); empty for none.

    >>> [str(u.factor) for u in units_of("km/h")], units_of("blob")
    (['5/18'], ())
    >>> units_of("cm^2") == units_of("square centimetres") == units_of("cm²")
    True
    """
    text = tidied(text)
    if not text or len(text) > UNIT_CODE_POINTS:
        return ()
    exact = _table().get(text)
    if exact is not None:
        return exact
    parts = _parts(text)
    if parts is None:
        return ()
    found: list[Unit] = []
    for chosen in product(*(units for units, _ in parts)):
        made = _joined([(unit, power) for unit, (_, power) in zip(chosen, parts, strict=True)])
        if made not in found:
            found.append(made)
        if len(found) >= READINGS:
            break
    return tuple(found)


def _parts(text: str) -> list[tuple[tuple[Unit, ...], int]] | None:
    """The names of a unit with their powers; None where something is no name."""
    parts: list[tuple[tuple[Unit, ...], int]] = []
    at, sign, ahead, open_sign = 0, 1, 1, False
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            return [] if not text[at:].strip() and parts else None
        kind, word = found.lastgroup, found[0].strip()
        at = found.end()
        if kind == "by":
            if open_sign or (word == "*" and not parts):
                return None
            sign, open_sign = (1 if word == "*" else -1), True
        elif kind == "square":
            ahead = _OF_POWER[word.casefold().rstrip(".")]
        elif kind == "power":
            if not parts:
                return None
            parts[-1] = parts[-1][0], parts[-1][1] * int(word.strip("^( )"))
        else:
            named, taken = _named(word)
            if named is None:
                return None
            at = found.end() - (len(word) - taken)
            parts.append((named, sign * ahead))
            ahead, sign, open_sign = 1, 1, False
            after = re.match(r"\s+(squared|cubed)\b", text[at:], re.IGNORECASE)
            if after is not None:
                parts[-1] = parts[-1][0], parts[-1][1] * _AFTER_POWER[after[1].casefold()]
                at += after.end()
    whole = (
        ahead == sign == 1
        and bool(parts)
        and all(0 < abs(power) <= UNIT_POWER for _, power in parts)
    )
    return parts if whole else None


def _named(words: str) -> tuple[tuple[Unit, ...] | None, int]:
    """The meanings of the longest name at the beginning of words, and how long it is."""
    ends = [i for i, sign in enumerate(words) if sign in " -" and i] + [len(words)]
    for end in reversed(ends):
        name = words[:end].rstrip(".").replace("Δ ", "Δ").replace("° ", "°")
        units = _table().get(name) or _folded_table().get(name.casefold())
        if units is not None:
            return units, end
    return None, 0


def _joined(parts: list[tuple[Unit, int]]) -> Unit:
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    factor, powers = Fraction(1), dict[str, int]()
    for unit, power in parts:
        factor *= unit.factor**power
        for name, times in unit.dimension:
            powers[name] = powers.get(name, 0) + times * power
    return Unit(factor, tuple(sorted((n, p) for n, p in powers.items() if p)))


def converted(value: Fraction, given: Unit, wanted: Unit) -> Fraction | None:
    """A value of one unit in another, exact; None where they measure different things.

    Where a difference of temperatures is wanted (`ΔK`), a scale counts by its steps alone.

    >>> [km], [m] = units_of("km"), units_of("m")
    >>> converted(Fraction(5, 2), km, m)
    Fraction(2500, 1)
    """
    if given.dimension != wanted.dimension:
        if _scale(given) != wanted.dimension:
            return None
        return value * given.factor / wanted.factor
    return (value * given.factor + given.offset - wanted.offset) / wanted.factor


def _scale(unit: Unit) -> Dimension:
    """The dimension of a scale's steps."""
    return (("temperature_difference", 1),) if unit.dimension == (("temperature", 1),) else ()


def unit_named(text: str) -> Unit:
    """The one unit an author names. Raises ExpressionError for none.

    >>> unit_named("m/s").dimension
    (('length', 1), ('time', -1))
    """
    found = units_of(text)
    if not found:
        raise ExpressionError(1, "a unit as cm, km/h, m^2, °C or €", repr(text))
    return found[0]


_COMMON = (
    "mm", "cm", "dm", "m", "km", "in", "ft", "yd", "mg", "g", "kg", "t", "oz", "lb", "ml", "cl",
    "dl", "L", "s", "min", "h", "d", "mm^2", "cm^2", "dm^2", "m^2", "ha", "km^2", "mm^3", "cm^3",
    "dm^3", "m^3", "m/s", "km/h", "J", "kJ", "Wh", "kWh", "W", "kW", "$", "¢", "€", "°C", "K",
)  # fmt: skip
"""Units that people turn a quantity into."""
SHORT_DIGITS = 5
"""Most digits of a quantity that is still said in another unit."""
_SHORT_PLACES = 3


@lru_cache(maxsize=1024)
def in_usual_units(value: Fraction, unit: str) -> tuple[tuple[Fraction, str], ...]:
    """A quantity in other common units of its dimension, where that is exact and short.

    >>> [f"{value} {unit}" for value, unit in in_usual_units(Fraction(5, 2), "km")]
    ['25000 dm', '2500 m']
    >>> in_usual_units(Fraction(1), "blob")
    ()
    """
    given = units_of(unit)[:1]
    if not given or not value:
        return ()
    found = []
    for name in _COMMON:
        wanted = units_of(name)[0]
        other = converted(value, given[0], wanted) if wanted != given[0] else None
        if other is not None and other != value and _is_short(other):
            found.append((other, name))
    return tuple(found)


def _is_short(value: Fraction) -> bool:
    places = finite_places(value)
    if places is None or places > _SHORT_PLACES:
        return False
    scale, limit = int(10**places), int(10**SHORT_DIGITS)
    return abs(value.numerator) * scale < limit * value.denominator


def units_asked(spec: AnswerSpec) -> tuple[str, ...]:
    """The units an answer may be written in, the wanted one first."""
    return () if spec.unit is None else (spec.unit.want, *spec.unit.accept)


def known_units() -> Iterator[str]:
    """Every name of one unit, in the order of the table."""
    yield from _table()


__all__ = [
    "Dimension",
    "Unit",
    "converted",
    "known_units",
    "tidied",
    "unit_named",
    "units_asked",
    "units_of",
]
