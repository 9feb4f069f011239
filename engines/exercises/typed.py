"""What keyboards, phones and hands make of a sign that has no key. This file reads it back.

Every text stays as long as it was, so that columns stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# --- plus or minus --------------------------------------------------------------------------------

_PLUS_MINUS = re.compile(r"\+/?[-−–—‐‑]")


def plus_or_minus(text: str) -> str:
    """A text with the one sign for what is typed as `+-` or `+/-`.

    >>> plus_or_minus("x = +-3"), plus_or_minus("2 +/- 3"), plus_or_minus("2 + -3")
    ('x = ± 3', '2 ±   3', '2 + -3')
    """
    if text.isascii() and "+-" not in text and "+/-" not in text:
        return text
    return _PLUS_MINUS.sub(lambda found: "±".ljust(len(found[0])), text)


# --- letters of another alphabet ------------------------------------------------------------------

_CYRILLIC = "асеорухіктмвнјѕ"
_LIKE_CYRILLIC = "aceopyxiktmbhjs"
_CYRILLIC_CAPITALS = "АВЕКМНОРСТУХІЈЅ"
_LIKE_CYRILLIC_CAPITALS = "ABEKMHOPCTYXIJS"
_GREEK = "ονυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_LIKE_GREEK = "ovuABEZHIKMNOPTYX"
_LATIN = dict(
    zip(
        _CYRILLIC + _CYRILLIC_CAPITALS + _GREEK,
        _LIKE_CYRILLIC + _LIKE_CYRILLIC_CAPITALS + _LIKE_GREEK,
        strict=True,
    )
)
"""Latin letters by those that look like them; small Greek ones only where they are the same."""
_LOOKALIKES = frozenset(_LATIN)


def has_lookalikes(text: str) -> bool:
    """Whether a text has letters of another alphabet that look like Latin ones.

    >>> has_lookalikes("3х"), has_lookalikes("3x²")
    (True, False)
    """
    return not _LOOKALIKES.isdisjoint(text)


def in_latin(text: str, keys: Iterable[str]) -> str:
    """A text with the Latin letters of some keys for those of another alphabet that look the same.

    A letter that one of the keys has itself stays, and so does one whose like none of them has.

    >>> in_latin("3х - 2", ["3*x - 2"]) == "3x - 2", in_latin("х", ["y"]) == "х"
    (True, True)
    """
    known = frozenset().union(*keys)
    swaps = {
        ord(sign): _LATIN[sign]
        for sign in _LOOKALIKES.intersection(text) - known
        if _LATIN[sign] in known or _LATIN[sign].swapcase() in known
    }
    return text.translate(swaps)


# --- the end of a sentence ------------------------------------------------------------------------


def without_full_stop(text: str) -> str:
    """A text without the full stop at its end; two of them are no end of a sentence.

    >>> without_full_stop("0.5. "), without_full_stop("0.5.."), without_full_stop(".")
    ('0.5', '0.5..', '.')
    """
    bare = text.rstrip()
    if not bare.endswith(".") or bare.endswith("..") or not bare[:-1].strip():
        return text
    return bare[:-1]


# --- roots with numbers ---------------------------------------------------------------------------

_NUMBERED = re.compile(r"(?<![^\W_])([^\W\d_])([1-9])(?=\s*=(?!=))")
_BLANK_BETWEEN = re.compile(r"(?<=[\d)\]}])[^\S\n]+(?=[^\W\d_][₁-₉]\s*=)")
_LOWERED = str.maketrans("123456789", "₁₂₃₄₅₆₇₈₉")


def roots_numbered(text: str) -> str:
    """A text with an index for each number of a root: two or more behind one letter, before `=`.

    A semicolon takes the place of a blank that alone parts two of them.

    >>> roots_numbered("x1 = 3, x2 = -3"), roots_numbered("x1=3 x2=-3")
    ('x₁ = 3, x₂ = -3', 'x₁=3;x₂=-3')
    >>> roots_numbered("x2 = 9"), roots_numbered("x1=2, x1=3")
    ('x2 = 9', 'x1=2, x1=3')
    """
    if text.count("=") < 2:
        return text
    numbers: dict[str, set[str]] = {}
    for letter, number in _NUMBERED.findall(text):
        numbers.setdefault(letter, set()).add(number)

    def lowered(found: re.Match[str]) -> str:
        letter, number = found.groups()
        return letter + (number.translate(_LOWERED) if len(numbers[letter]) > 1 else number)

    return _BLANK_BETWEEN.sub(lambda blank: ";".ljust(len(blank[0])), _NUMBERED.sub(lowered, text))


# --- small digits ---------------------------------------------------------------------------------

_LOW = frozenset("₀₁₂₃₄₅₆₇₈₉")
_SMALL = re.compile(
    r"(?<=[^\W\d_⁰¹²³⁴-⁹₀-₉])[₀-₉]+"  # an index
    r"|(?<![⁰¹²³⁴-⁹])(?P<above>[⁰¹²³⁴-⁹]+[/⁄∕])(?P<below>[₀-₉]+)"
)
_BEFORE = frozenset("+-*/=<>≤≥≠±∓(,[{;∪∈√$")
"""What a fraction in small digits may stand behind; behind all else its first half is a power."""
_DIGITS = "0123456789"


def with_small_digits(text: str, plain: str, names: Iterable[str]) -> str:
    """The `plain` spelling of a text, with the low digits of its indices and fractions kept.

    `plain` has a digit for each of them, which tells them apart no more. `names` are those
    declared; where one of them ends in a plain digit, all stay plain.

    >>> with_small_digits("x₁ + ³⁄₄", "x1 + ³/4", ()), with_small_digits("x³/₄", "x³/4", ())
    ('x₁ + ³/₄', 'x³/4')
    """
    if _LOW.isdisjoint(text):
        return plain
    if any(name[-1].isdecimal() and "_" not in name and name in plain for name in names):
        return plain
    out = list(plain)
    for found in _SMALL.finditer(text):
        if found["above"] is None or _begins(plain[: found.start()]):
            out[slice(*found.span("below" if found["above"] else 0))] = found["below"] or found[0]
    return "".join(out)


def _begins(before: str) -> bool:
    """Whether a fraction may begin behind a text: perhaps with the whole number at its end."""
    bare = before.rstrip()
    head = bare.rstrip(_DIGITS)
    whole = len(bare) - len(head)
    if whole == _GROUP and head.endswith(","):
        return False  # it ends a number in groups
    head = head.rstrip()
    return not head or head[-1] in _BEFORE or head.endswith((" or", " and"))


_GROUP = 3
"""Digits of a group of thousands."""
