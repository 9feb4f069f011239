"""A learner's response as a number: what it is and how it was written. This file is the reader.

The common spellings (`3`, `-3/4`, `0.75`) are read by two patterns; all others go through the
parser. What cannot be read is never guessed: it is told with its column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, NamedTuple

from engines.exercises.expression import BINARY_OP, CONST, POSTFIX, SIGN, Code, evaluated, parsed
from engines.exercises.formats import decimal, finite_places, mixed, shortest
from engines.exercises.lexer import NUMBER
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.marks import latex_localised, localised, respelled, without_blank_groups
from engines.exercises.notation import latex
from engines.exercises.typed import in_latin, without_full_stop

Shape = Literal["integer", "decimal", "fraction", "mixed", "percent", "scientific", "operation"]


class Reading(NamedTuple):
    """A number as it was given: `num`, `den` and `places` are those written, before reduction.

    For a mixed number `num/den` is its fraction part. `value` of a percentage is its hundredths,
    `places` are those before the sign. In scientific notation `num/den` and `places` are those of
    the number before the power. `code` is what was parsed, where a pattern did not do.
    """

    value: Fraction
    shape: Shape
    read_as: str
    num: int = 0
    den: int = 1
    places: int = 0
    code: Code | None = None


_QUICK = re.compile(
    r"\s*(?:\$*\s*([^\W\d_])\s*=\s*)?([-+−]?)(?:(\d{1,300})(?:\.(\d{1,300})|\s*/\s*(\d{1,300}))?"
    r"|\\[dt]?frac\{([0-9]{1,300})\}\{([0-9]{1,300})\})\s*"
)
"""A whole number, decimal or fraction, perhaps behind a name; most of what is typed is one."""
_SCIENTIFIC = re.compile(r"\s*([-+−]?)(\d{1,300}(?:\.\d{1,300})?)\s*[eE]\s*([-+−]?)(\d{1,5})\s*")


_FOREIGN = re.compile(
    r"(?:\s|\d+(?:\.\d+)?(?=\s*(?:[-+*/^=()A-Za-z]|\\(?![dt]?frac)))|[-+*/^=(]"
    r"|\\left(?![a-zA-Z])|\\[dt]?frac\{){0,40}([A-Za-z])(?!\w|[^\x00-\x7f])",
    re.ASCII,
)
"""A letter behind what could be a number: most of what is no number shows it, so it is seen first.
The lexer would say the same."""


def number_read(response: object, names: tuple[str, ...] = (), locale: str = "en") -> Reading:
    """The number of a response: text, or a JSON number.

    `names` are those that may stand before an equals sign (`x = 3`), `locale` (BCP 47) says how
    decimals and thousands are written. Raises ExpressionError with the column of what cannot be
    read.

    >>> number_read("1 1/2").value, number_read("٣").value, number_read(0.1).value
    (Fraction(3, 2), Fraction(3, 1), Fraction(1, 10))
    >>> number_read("1.234,5", locale="de").value, number_read("2.4E3").value
    (Fraction(2469, 2), Fraction(2400, 1))
    """
    if not isinstance(response, str):
        if isinstance(response, bool) or not isinstance(response, int | float):
            raise ExpressionError(1, "a number", _named(response))
        return in_marks_of(_json_number(response), locale)
    if len(response) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    text = respelled(response, locale, lists=False)
    read = _by_pattern(text, names) or _parsed(text, names, locale)
    return read if read.shape == "integer" else in_marks_of(read, locale)


def in_marks_of(read: Reading, locale: str) -> Reading:
    """The reading shown back in the marks of a locale."""
    shown = latex_localised(read.read_as, locale)
    return read if shown == read.read_as else read._replace(read_as=shown)


def _by_pattern(text: str, names: tuple[str, ...] | None = None) -> Reading | None:
    """The number of a text in a common spelling; with `names`, perhaps behind one of them."""
    found = _QUICK.fullmatch(text)
    if found is None:
        found = _SCIENTIFIC.fullmatch(text) if "e" in text or "E" in text else None
        return _scientific(found) if found is not None else None
    name, sign, whole, places, below, above, under = found.groups()
    if name is not None:
        if names is None:
            return None
        _expect(name, names, found.start(1))
    if whole is None:
        return _quotient(sign, above, under, text) if under.strip("0") else None
    return _decimal(sign, whole, places) if below is None else _quotient(sign, whole, below, text)


def _scientific(found: re.Match[str]) -> Reading:
    """A number as calculators show it: `2.4E9`."""
    minus, before = _minus(found[1]), _minus(found[3])
    return reading_of(parsed(f"{minus}{found[2]}*10^({before}{int(found[4])})", NUMBER))


def _minus(sign: str) -> str:
    return "-" if sign in ("-", "−") else ""


def _decimal(sign: str, whole: str, places: str | None) -> Reading:
    minus = _minus(sign) if sign else ""
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
    minus = _minus(sign)
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
_BARE = re.compile(r"[\s$]*=(?!=)\s*")
"""The equals sign of a line that goes on from the question: `= 7`."""
_OTHER_SIDE = re.compile(r"\s*=\s*([^\W\d_])\s*\$*\s*$")


def _parsed(response: str, names: tuple[str, ...], locale: str) -> Reading:
    if not response.strip():
        raise ExpressionError(1, "a number", "nothing")
    text, skipped = value_side(response, names) if "=" in response else (response, 0)
    try:
        foreign = _FOREIGN.match(text)
        if foreign is not None:
            raise ExpressionError(foreign.start(1) + 1, "a number", repr(foreign[1]))
        quick = _by_pattern(text) if skipped or len(text) < len(response) else None
        return quick or _as_typed(text, locale)
    except ExpressionError as error:
        raise (error.moved(skipped) if skipped else error) from None


def _as_typed(text: str, locale: str) -> Reading:
    """A number parsed; if need be without a full stop behind it and blanks in its thousands."""
    try:
        return reading_of(parsed(text, NUMBER))
    except ExpressionError:
        bare = without_blank_groups(without_full_stop(text), locale)
        if bare != text:
            try:
                return _by_pattern(bare) or reading_of(parsed(bare, NUMBER))
            except ExpressionError:
                pass
        raise


def value_side(response: str, names: tuple[str, ...]) -> tuple[str, int]:
    """The side of `x = 3` that holds the value, and how many signs stand before it.

    Raises ExpressionError for a name that is none of `names`.
    """
    bare = _BARE.match(response)
    if bare is not None:
        return response[bare.end() :], bare.end()
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
    name_as_typed = in_latin(name, names)
    if name_as_typed not in names and name_as_typed.swapcase() not in names:  # a phone's capital
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
        return Reading(exact, shape, read_as, num, den, code=code)
    if shape in ("decimal", "mixed", "percent"):
        written = code.written[0]
        return Reading(exact, shape, read_as, written.num, written.den, written.places, code)
    if shape == "scientific":
        before = Fraction(code.written[0].value)
        places = code.written[0].places
        return Reading(exact, shape, read_as, before.numerator, before.denominator, places, code)
    return Reading(exact, shape, read_as, code=code)


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
    """The value spelled in the form asked for, as a learner of the locale would type it.

    >>> spelled(Fraction(-3, 2), "mixed"), spelled(Fraction(3, 4), "decimal", "sv")
    ('-1 1/2', '0,75')
    >>> spelled(Fraction(1250), "scientific"), spelled(Fraction(60), "prime-factors")
    ('1.25*10^3', '2^2*3*5')
    """
    for name in form.split(" & "):
        kind, _, asked = name.partition("(")
        made = _SPELLED.get(kind, _unspelled)(value, asked.rstrip(")"))
        if made is not None:
            return localised(made, locale) if "." in made else made
    return shortest(value, False)


def _unspelled(_value: Fraction, _asked: str) -> str | None:
    return None


def _spelled_decimal(value: Fraction, asked: str) -> str | None:
    places = int(asked) if asked else finite_places(value)
    return None if places is None else decimal(value, places)


def _spelled_scientific(value: Fraction, _asked: str) -> str | None:
    if not value:
        return "0"
    exponent = magnitude(value) - 1
    before = value / Fraction(10) ** exponent
    places = finite_places(before)
    return None if places is None else f"{decimal(before, places)}*10^{exponent}"


def _spelled_to_digits(value: Fraction, asked: str) -> str | None:
    if not value:
        return None
    places = int(asked) - magnitude(value)
    if places >= 0:
        return decimal(value, places)
    return decimal(value / 10**-places, 0) + "0" * -places


def _spelled_factors(value: Fraction, _asked: str) -> str | None:
    if value.denominator != 1 or value < 2:
        return None
    powers = factors(value.numerator)
    if powers is None:
        return None
    return "*".join(f"{p}^{n}" if n > 1 else str(p) for p, n in powers)


_SPELLED: dict[str, Callable[[Fraction, str], str | None]] = {
    "mixed": lambda value, _: mixed(value, False),
    "decimal": _spelled_decimal,
    "scientific": _spelled_scientific,
    "sigfig": _spelled_to_digits,
    "prime-factors": _spelled_factors,
}


def magnitude(value: Fraction) -> int:
    """The whole m with 10^(m-1) <= |value| < 10^m; the value is not 0.

    >>> magnitude(Fraction(999)), magnitude(Fraction(1, 20))
    (3, -1)
    """
    size = abs(value)
    m = len(str(size.numerator)) - len(str(size.denominator))
    while size >= ten_to(m):
        m += 1
    while size < ten_to(m - 1):
        m -= 1
    return m


def ten_to(exponent: int) -> Fraction:
    """A power of ten, exact."""
    return Fraction(10**exponent) if exponent >= 0 else Fraction(1, 10**-exponent)


FACTOR_LIMIT = 10**6
"""Largest prime tried in taking a number apart."""


def factors(n: int, most: int = FACTOR_LIMIT) -> list[tuple[int, int]] | None:
    """The primes of a whole number from 2 with their powers.

    None where two of them are above `most`.

    >>> factors(360)
    [(2, 3), (3, 2), (5, 1)]
    """
    found: list[tuple[int, int]] = []
    prime = 2
    while prime * prime <= n and prime <= most:
        power = 0
        while n % prime == 0:
            n, power = n // prime, power + 1
        if power:
            found.append((prime, power))
        prime += 1 + (prime > 2)
    if prime * prime <= n:
        return None
    return found if n == 1 else [*found, (n, 1)]
