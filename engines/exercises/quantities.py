"""A learner's response as a number with a unit: `2.5 km`, `$5`, `2 h 30 min`. This file reads it.

The number is read as any number is; what follows it is looked up as a unit. What is no unit is told
with its column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.marks import latex_localised, respelled
from engines.exercises.reading import Reading, number_read, value_side
from engines.exercises.units import Unit, converted, tidied, unit_named, units_of
from engines.words import UnitSpec

MOST_PARTS = 4
"""Most numbers of one quantity: `1 d 2 h 30 min 5 s`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a quantity and the meanings of its unit; none where no unit was given."""

    read: Reading
    units: tuple[Unit, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity as it was given: its parts, the largest unit first, and the LaTeX of it all."""

    parts: tuple[Part, ...]
    read_as: str

    @property
    def named(self) -> bool:
        """Whether a unit was given."""
        return bool(self.parts[0].unit)


_MONEY_FIRST = re.compile(
    r"\s*([-+−]?)\s*(\\?\$|[€£¥₹₽₺₪₩]|[A-Z]{3}(?=\s)|kr\.?(?=\s))\s*(?=[\d.,٫])"
)
_DOLLARS = re.compile(r"\s*(\$\$?)(?!\$)(.*[^\\$])\1\s*", re.DOTALL)
_SKIPPED = re.compile(
    r"\\[dt]?frac(?![a-zA-Z])|\\(?:cdot|times|left|right|div)(?![a-zA-Z])|\\[,;:! ]"
    r"|(?<=[\d.])\s*[eE]\s*[-+−]?\d+|[^\W\d_]+\s*(?==)"
)
"""What holds letters and belongs to a number."""
_BEGINS = re.compile(
    r"\\(?=[a-zA-Z%$])|\^\s*\{?\s*\\?circ|[^\W\d_²³¹⁰⁴-⁹₀-₉¼-¾⅐-⅞]|[°º˚'′’\"″”$€£¥₹₽₺₪₩¢‰%℃℉]"
)
_ENDS = re.compile(
    r"(?<![\^\-−({\d])(?<![\^({]\s)(?<![a-zA-Z])\d"  # a digit that is no power
    r"|(?<=[a-zA-Z])\d(?=\d)|(?<=[a-zA-Z])[014-9]"  # nor the 2 of `cm2`
)


def quantity_read(
    response: object, spec: UnitSpec, names: tuple[str, ...] = (), locale: str = "en"
) -> Quantity:
    """The quantity of a response. Raises ExpressionError with the column of what cannot be read.

    >>> [p.unit for p in quantity_read("2 h 30 min", UnitSpec("min")).parts]
    ['h', 'min']
    >>> quantity_read("$5", UnitSpec("€")).parts[0].unit, quantity_read("5", UnitSpec("€")).named
    ('$', False)
    """
    if not isinstance(response, str):
        return _bare(number_read(response, names, locale))
    if len(response) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    text, skipped = _opened(response)
    text, more = value_side(text, names)
    skipped += more
    text = respelled(text, locale, lists=False)
    try:
        quantity = _quantity(text, percent=_is_share(spec))
    except ExpressionError as error:
        raise (error.moved(skipped) if skipped else error) from None
    return Quantity(quantity.parts, latex_localised(quantity.read_as, locale))


def _bare(read: Reading) -> Quantity:
    return Quantity((Part(read, (), ""),), read.read_as)


def _is_share(spec: UnitSpec) -> bool:
    """Whether the sign `%` is the unit that is wanted, no part of the number."""
    return not unit_named(spec.want).dimension


def _opened(response: str) -> tuple[str, int]:
    """The response without the `$` around a formula, and how many signs stood before it."""
    found = _DOLLARS.fullmatch(response)
    return (found[2], found.start(2)) if found is not None else (response, 0)


def _quantity(text: str, *, percent: bool) -> Quantity:
    first = _MONEY_FIRST.match(text)
    if first is not None and units_of(first[2]):
        sign, unit = first[1], tidied(first[2])
        bare = f"{sign}{' ' * (first.end() - len(sign))}{text[first.end() :]}"
        read = number_read(bare)
        minus, size = ("-", read.read_as[1:]) if read.read_as[:1] == "-" else ("", read.read_as)
        shown = f"{minus}{unit_latex(unit).removeprefix(BLANK)}{size}"
        return Quantity((Part(read, units_of(unit), unit),), shown)
    parts: list[Part] = []
    at = 0
    while at < len(text) and (text[at:].strip() or not parts):
        if len(parts) == MOST_PARTS:
            raise TooLarge(at + 1, f"at most {MOST_PARTS} numbers with a unit")
        part, at = _part(text, at, percent=percent)
        if parts and not (part.unit and part.read.value >= 0 and parts[-1].unit):
            raise ExpressionError(at + 1, "a unit", "the end")
        parts.append(part)
    if not parts:
        raise ExpressionError(1, "a number", "nothing")
    shown = " ".join(f"{part.read.read_as}{unit_latex(part.unit)}" for part in parts)
    return Quantity(tuple(parts), shown)


def _part(text: str, at: int, *, percent: bool) -> tuple[Part, int]:
    """The number and the unit that begin at a place, and where they end."""
    start = _unit_start(text, at, percent=percent)
    before = text[at:start]
    try:
        read = number_read(before if before.strip() or start == len(text) else text[at:])
    except ExpressionError as error:
        raise (error.moved(at) if at else error) from None
    if start == len(text):
        return Part(read, (), ""), start
    ends = _ENDS.search(text, start + 1)
    end = ends.start() if ends is not None else len(text)
    unit = tidied(text[start:end])
    units = units_of(unit)
    if not units and unit.endswith("."):  # the end of a sentence
        unit = unit[:-1]
        units = units_of(unit)
    if not units:
        raise ExpressionError(start + 1, "a unit as cm, km/h, m^2, °C or €", repr(unit))
    return Part(read, units, unit), end


def _unit_start(text: str, at: int, *, percent: bool) -> int:
    while at < len(text):
        skipped = _SKIPPED.match(text, at)
        if skipped is not None and skipped.end() > at:
            at = skipped.end()
        elif _BEGINS.match(text, at) and (percent or not _PERCENT.match(text, at)):
            return at
        else:
            at += 1
    return at


_PERCENT = re.compile(r"\\?%")


def amount(quantity: Quantity, wanted: Unit) -> Fraction | None:
    """The quantity in a unit, exact; None where it measures something else.

    Of several meanings of a name the one that fits is taken; without a unit the number counts as
    it is.

    >>> amount(quantity_read("2 h 30 min", UnitSpec("min")), unit_named("min"))
    Fraction(150, 1)
    """
    total = Fraction(0)
    minus = quantity.parts[0].read.value < 0
    for nth, part in enumerate(quantity.parts):
        if not part.unit:
            return part.read.value
        fits = (converted(part.read.value, unit, wanted) for unit in part.units)
        value = next((v for v in fits if v is not None), None)
        if value is None:
            return None
        total += -value if nth and minus else value
    return total


def is_written_in(quantity: Quantity, names: tuple[str, ...]) -> bool:
    """Whether each unit of a quantity is one of those named.

    >>> is_written_in(quantity_read("5 metres", UnitSpec("m")), ("cm", "m"))
    True
    """
    allowed = [unit for name in names for unit in units_of(name)[:1]]
    return all(any(unit in allowed for unit in part.units) for part in quantity.parts)


BLANK = r"\,"
_UNIT_WORD = re.compile(r"Δ?°[CFK]?|[^\W\d_]+|\^-?\d+|[*]|\s+|[$%€£¥₹₽₺₪₩¢]")


def unit_latex(unit: str) -> str:
    r"""The LaTeX of a unit behind a number.

    >>> unit_latex("km/h"), unit_latex("°C"), unit_latex("m^2")
    ('\\,\\mathrm{km}/\\mathrm{h}', '\\,^{\\circ}\\mathrm{C}', '\\,\\mathrm{m}^{2}')
    """
    if not unit:
        return ""
    blank = "" if unit in _TIGHT else BLANK
    return blank + _UNIT_WORD.sub(_latex_word, unit)


_TIGHT = frozenset("°'\"%")


def _latex_word(found: re.Match[str]) -> str:
    word = found[0]
    if word[0] in "Δ°":
        delta = r"\Delta " if word[0] == "Δ" else ""
        scale = word[-1] if word[-1] in "CFK" else ""
        degree = r"^{\circ}" if "°" in word else ""
        return rf"{delta}{degree}\mathrm{{{scale}}}" if scale else rf"{delta}{degree}"
    if word[0] == "^":
        return f"^{{{word[1:]}}}"
    if word in "$%":
        return f"\\{word}"
    if word == "*":
        return r"\cdot "
    if word.isspace():
        return BLANK
    return rf"\mathrm{{{word}}}" if word.isascii() else rf"\text{{{word}}}"


def with_unit(number: str, unit: str, locale: str = "en") -> str:
    """A number and its unit as people write them.

    >>> with_unit("5", "cm"), with_unit("-5", "$"), with_unit("30", "°"), with_unit("5", "€", "de")
    ('5 cm', '-$5', '30°', '5 €')
    """
    if unit in ("$", "£", "¥", "₹", "€") and locale.partition("-")[0] == "en":
        return f"-{unit}{number[1:]}" if number.startswith("-") else f"{unit}{number}"
    return f"{number}{'' if unit in _TIGHT else ' '}{unit}"
