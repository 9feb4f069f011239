"""A learner's response as a number: what it is and how it was written. This file is the reader.

The common spellings (`3`, `-3/4`, `0.75`) are read by two patterns; all others go through the
parser. What cannot be read is never guessed: it is told with its column.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from engines.exercises.expression import BINARY_OP, CONST, POSTFIX, SIGN, Code, evaluated, parsed
from engines.exercises.formats import decimal, finite_places, mixed, shortest
from engines.exercises.lexer import NUMBER
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.notation import latex

Shape = Literal["integer", "decimal", "fraction", "mixed", "percent", "scientific", "operation"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as it was given: `num`, `den` and `places` are those written, before reduction.

    For a mixed number `num/den` is its fraction part. `value` of a percentage is its hundredths.
    """

    value: Fraction
    shape: Shape
    read_as: str
    num: int = 0
    den: int = 1
    places: int = 0


_DECIMAL = re.compile(r"\s*([-+−]?)(\d{1,300})(?:\.(\d{1,300}))?\s*")
_FRACTION = re.compile(r"\s*([-+−]?)(\d{1,300})\s*/\s*(\d{1,300})\s*")


def number_read(response: object, names: tuple[str, ...] = (), locale: str = "en") -> Reading:
    """The number of a response: text, or a JSON number.

    `names` are those that may stand before an equals sign (`x = 3`). Raises ExpressionError with
    the column of what cannot be read.

    >>> number_read("1 1/2").value, number_read("٣").value, number_read(0.1).value
    (Fraction(3, 2), Fraction(3, 1), Fraction(1, 10))
    """
    if isinstance(response, str):
        if len(response) <= LIMITS.code_points:
            found = _DECIMAL.fullmatch(response)
            if found is not None:
                return _decimal(found[1], found[2], found[3])
            found = _FRACTION.fullmatch(response)
            if found is not None:
                return _quotient(found[1], found[2], found[3], response)
        return _parsed(response, names)
    if isinstance(response, bool) or not isinstance(response, int | float):
        raise ExpressionError(1, "a number", _named(response))
    return _json_number(response)


def _decimal(sign: str, whole: str, places: str | None) -> Reading:
    minus = "-" if sign in ("-", "−") and sign else ""
    if places is None:
        value = int(whole)
        return Reading(Fraction(-value if minus else value), "integer", f"{minus}{value}")
    above = int(whole + places)
    value_of = Fraction(-above if minus else above, 10 ** len(places))
    read_as = f"{minus}{int(whole)}.{int(places):0{len(places)}d}"
    return Reading(value_of, "decimal", read_as, places=len(places))


def _quotient(sign: str, above: str, below: str, response: str) -> Reading:
    num, den = int(above), int(below)
    if not den:
        raise ExpressionError(response.index("/") + 1, "a divisor other than 0")
    minus = "-" if sign in ("-", "−") and sign else ""
    signed = -num if minus else num
    return Reading(
        Fraction(signed, den), "fraction", rf"{minus}\frac{{{num}}}{{{den}}}", signed, den
    )


def _json_number(response: float) -> Reading:
    if isinstance(response, int):
        if response.bit_length() > LIMITS.integer_bits:
            raise TooLarge(1, f"numbers of at most {LIMITS.integer_bits} bits")
        return Reading(Fraction(response), "integer", str(response))
    if not math.isfinite(response):
        raise ExpressionError(1, "a number", str(response))
    value = Fraction(repr(response))
    if value.denominator == 1:
        return Reading(value, "integer", str(value.numerator))
    places = len(repr(response).partition(".")[2]) if "e" not in repr(response) else 0
    return Reading(value, "decimal", repr(response), places=places)


_NAMED = {
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}


def _named(response: object) -> str:
    return _NAMED.get(type(response), type(response).__name__)


_SIDE = re.compile(r"\s*\$*\s*([^\W\d_])\s*=(?!=)\s*")
_OTHER_SIDE = re.compile(r"\s*=\s*([^\W\d_])\s*\$*\s*$")


def _parsed(response: str, names: tuple[str, ...]) -> Reading:
    if len(response) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    if not response.strip():
        raise ExpressionError(1, "a number", "nothing")
    text, skipped = _value_side(response, names)
    try:
        return reading_of(parsed(text, NUMBER))
    except ExpressionError as error:
        raise (error.moved(skipped) if skipped else error) from None


def _value_side(response: str, names: tuple[str, ...]) -> tuple[str, int]:
    """The side of `x = 3` that holds the value, and how many signs stand before it."""
    left = _SIDE.match(response)
    if left is not None:
        _expect(left.group(1), names, left.start(1))
        return response[left.end() :], left.end()
    right = _OTHER_SIDE.search(response)
    if right is not None:
        _expect(right.group(1), names, right.start(1))
        return response[: right.start()], 0
    return response, 0


def _expect(name: str, names: tuple[str, ...], at: int) -> None:
    if name not in names:
        wanted = " or ".join(repr(n) for n in names) if names else "the number alone"
        raise ExpressionError(at + 1, wanted, repr(name))


def reading_of(code: Code) -> Reading:
    """The reading of a parsed number. Raises ExpressionError where it has no exact value."""
    value = evaluated(code)
    if not isinstance(value, int | Fraction):
        raise ExpressionError(1, "a number", "a comparison")
    shape, minus = _shape(code)
    read_as = latex(code)
    exact = Fraction(value)
    if shape == "fraction":
        num, den = _halves(code, minus=minus)
        return Reading(exact, shape, read_as, num, den)
    if shape in ("decimal", "mixed", "percent"):
        written = code.written[0]
        return Reading(exact, shape, read_as, written.num, written.den, written.places)
    return Reading(exact, shape, read_as)


def _shape(code: Code) -> tuple[Shape, bool]:
    """How a number was written, and whether a minus stands before the whole of it."""
    ops = code.ops
    if any(op.kind == BINARY_OP and op.arg in "=≠<>≤≥" for op in ops):
        at = next(op.at for op in ops if op.kind == BINARY_OP and op.arg in "=≠<>≤≥")
        raise ExpressionError(at + 1, "one number", "a comparison")
    kinds = [(op.kind, op.arg if op.kind != CONST else None) for op in ops]
    minus = bool(kinds) and kinds[-1][0] == SIGN
    core = kinds[:-1] if minus else kinds
    number = (CONST, None)
    if core == [number]:
        return code.written[0].shape, minus and ops[-1].arg == "-"
    if core == [number, (POSTFIX, "%")]:
        return "percent", minus
    if core in _QUOTIENTS and all(w.shape == "integer" for w in code.written):
        return "fraction", minus
    if core in _POWERS_OF_TEN and code.written[1].value == 10:
        return "scientific", minus
    return "operation", minus


_N = (CONST, None)
_MINUS = (SIGN, "-")
_QUOTIENTS: tuple[list[tuple[int, object]], ...] = (
    [_N, _N, (BINARY_OP, "/")],
    [_N, _MINUS, _N, (BINARY_OP, "/")],
    [_N, _N, _MINUS, (BINARY_OP, "/")],
)
_POWERS_OF_TEN: tuple[list[tuple[int, object]], ...] = (
    [_N, _N, _N, (BINARY_OP, "^"), (BINARY_OP, "*")],
    [_N, _N, _N, _MINUS, (BINARY_OP, "^"), (BINARY_OP, "*")],
    [_N, _MINUS, _N, _N, (BINARY_OP, "^"), (BINARY_OP, "*")],
    [_N, _MINUS, _N, _N, _MINUS, (BINARY_OP, "^"), (BINARY_OP, "*")],
)


def _halves(code: Code, *, minus: bool) -> tuple[int, int]:
    """Numerator and denominator as written, with their own signs."""
    if len(code.written) == 1:
        num, den = code.written[0].num, code.written[0].den
    else:
        num, den = (int(w.value) for w in code.written)
        if code.ops[1].kind == SIGN and code.ops[1].arg == "-":
            num = -num
        elif code.ops[2].kind == SIGN and code.ops[2].arg == "-":
            den = -den
    return (-num if minus and code.ops[-1].arg == "-" else num), den


def spelled(value: Fraction, form: str, locale: str = "en") -> str:
    """The value spelled in the form asked for, as a learner would type it.

    >>> spelled(Fraction(-3, 2), "mixed"), spelled(Fraction(3, 4), "decimal")
    ('-1 1/2', '0.75')
    """
    if form == "mixed":
        return mixed(value, False)
    if form.startswith("decimal"):
        asked = re.search(r"\d+", form)
        places = int(asked.group()) if asked else finite_places(value)
        if places is not None:
            return decimal(value, places)
    return shortest(value, False)
