"""What keyboards, phones and hands make of a sign that has no key. This file reads it back.

A text stays as long as it was, so that columns stay; at its end it may get shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# --- plus or minus --------------------------------------------------------------------------------

_MINUS = "-−–—‐‑"
_SLASHED = re.compile(rf"\+/[{_MINUS}]")
_AT_HEAD = re.compile(rf"(^|[=,;:({{\[∈]|(?<!\w)(?:or|and))(\s*)\+[{_MINUS}]")
_TOGETHER = re.compile(rf"\+([{_MINUS}])")
_MOST_SUMS = 4
"""More of them in one answer are read in one way only: each way is judged by itself."""


def plus_or_minus(text: str, *, heads: bool = True) -> str:
    """A text with the one sign for `+/-`, and with `heads` for `+-` where an operand begins.

    Inside a sum `+-` stays: `2x +-3` is `2x - 3` to most people.

    >>> plus_or_minus("x = +-3"), plus_or_minus("2 +/- 3"), plus_or_minus("2 +-3")
    ('x = ± 3', '2 ±   3', '2 +-3')
    """
    if "+" not in text:
        return text
    text = _SLASHED.sub("±  ", text)
    return _AT_HEAD.sub(r"\1\2± ", text) if heads else text


def other_signs(text: str) -> tuple[str, ...]:
    """What else may be meant by a text with `+-`: plus or minus in each place, or a sum in each.

    >>> other_signs("2+-1"), other_signs("2+1")
    (('2± 1', '2+ -1'), ())
    """
    if "+" not in text or not 0 < len(_TOGETHER.findall(text)) <= _MOST_SUMS:
        return ()
    return _TOGETHER.sub("± ", text), _TOGETHER.sub(r"+ \1", text)


# --- letters of another alphabet ------------------------------------------------------------------

_CYRILLIC = "асеорухіктмвнјѕ"
_LIKE_CYRILLIC = "aceopyxiktmbhjs"
_CYRILLIC_CAPITALS = "АВЕКМНОРСТУХІЈЅ"
_LIKE_CYRILLIC_CAPITALS = "ABEKMHOPCTYXIJS"
_GREEK = "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_LIKE_GREEK = "oABEZHIKMNOPTYX"
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

INDEX_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
"""Plain digits for those of an index."""
_INDEX = r"(?:([1-9])|_(?:([1-9])|\{\s*([1-9])\s*\})|([₁-₉]))(?![\w{])"
_ROOT = re.compile(rf"(?<![^\W_])([^\W\d_]){_INDEX}")
_SAME = re.compile(rf"(?<![^\W_])([^\W\d_]){_INDEX}\s*=\s*\1{_INDEX}(?=\s*=)")
_BOTH = re.compile(
    r"(?<![^\W_])([^\W\d_])(?:₁(?:\s?,\s?)?₂|_\{\s*1\s*,?\s*2\s*\}|_?1,\s?2|_12)(?=\s*=)"
)
_AND = re.compile(r"(?<![^\W\d_])and(?![^\W\d_])")
_LOWERED = str.maketrans("123456789", "₁₂₃₄₅₆₇₈₉")
_VALUE_ENDS = frozenset("0123456789)]}")
"""What a value may end in; the empty text is none of them."""


def roots_named(text: str, names: frozenset[str]) -> str:
    """A text with one name for numbered roots, `x1 = 3, x2 = -3`, and for both, `x_{1,2} = ±3`.

    Two numbers or more stand behind one letter, each name alone on a side; or it is a lone `x₁`.
    Where the key has `names` with an index, the numbers become indices. A semicolon takes the place
    of a blank that alone parts two roots.

    >>> x = frozenset("x")
    >>> roots_named("x1 = 3, x₂ = -3", x), roots_named("x_1=3 x_2=-3", x)
    ('x  = 3, x  = -3', 'x  =3;x  =-3')
    >>> roots_named("x₁,₂ = ±3", x), roots_named("x1 = x2 = 3", x), roots_named("x2 = 9", x)
    ('x    = ±3', '      x = 3', 'x2 = 9')
    >>> roots_named("x1 = 3, x2 = -3", frozenset(("x_1", "x_2")))
    'x₁ = 3, x₂ = -3'
    """
    if "1" not in text and "₁" not in text:
        return text
    indexed = {name[0] for name in names if len(name) > 1}
    text = _BOTH.sub(lambda m: m[0] if m[1] in indexed else m[1].ljust(len(m[0])), text)
    text = _SAME.sub(lambda m: m[0] if m[1] in indexed else m[1].rjust(len(m[0])), text)
    found = list(_ROOT.finditer(text))
    lone = len(found) == 1 and found[0][2] is None  # `x2 = 9` may be a square
    if len({_number(root) for root in found}) < 2 - lone or len({root[1] for root in found}) > 1:
        return text
    if not all(root[0] not in names and _stands_alone(text, root) for root in found):
        return text
    out = list(text)
    for root in found:
        name = root[1] + (_number(root).translate(_LOWERED) if root[1] in indexed else "")
        out[slice(*root.span())] = name.ljust(len(root[0]))
        before = text[: root.start()]
        if before[-1:].isspace() and before.rstrip()[-1:] in _VALUE_ENDS:
            out[len(before) - 1] = ";"
    named = "".join(out)
    return named if indexed or lone else _AND.sub("or ", named)  # x is the one and the other


def _number(root: re.Match[str]) -> str:
    return (root[2] or root[3] or root[4] or root[5]).translate(INDEX_DIGITS)


def _stands_alone(text: str, root: re.Match[str]) -> bool:
    """Whether a name is one side of an equation."""
    after = text[root.end() :].lstrip()
    return after[:1] == "=" != after[1:2] or text[: root.start()].rstrip()[-1:] == "="


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
    head = bare.rstrip(_DIGITS).rstrip()
    return not head or head[-1] in _BEFORE or head.endswith((" or", " and"))
