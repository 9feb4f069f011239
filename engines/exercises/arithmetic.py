r"""Whether the sums in a text are right, by exact arithmetic. This file is that check.

Every chain `a = b = c` whose sides are numbers is evaluated with `Fraction`. What cannot be read is
let pass: a wrong verdict on a right sum would cost the learner an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import floor

from engines.exercises.expression import BINARY_OP, CALL, CONST, Code, evaluated, parsed
from engines.exercises.folding import folded, word_set
from engines.exercises.lexer import NUMBER
from engines.exercises.limits import ExpressionError
from engines.exercises.stated import flat

CHAIN_CHARS = 200
"""A longer chain is not evaluated."""
OPERATIONS = 20
"""Most operations of one side."""
EXPONENT = 64
"""Largest exponent evaluated."""

_BREAKS = re.compile(
    r"[,;:]\s|[.!](?:\s|$)|\n|\b(?:and|or|so|then|but|und|et|y)\b|[→⇒≠<>≤≥|]|->|=>"
)
_LIST_MARK = re.compile(r"^\s*[-*+•]\s+")
_ABOUT = re.compile(r"≈|~|\babout\b|=\s*\.\.\.|…")
_EQUALS = re.compile(r"={1,3}")
_WORDS = re.compile(r"[^\W\d_]")
_SURROUNDS = " \t.,;:!?\"'_\x01\x02"
_POWER = re.compile(r"\^\s*\(?\s*[-+]?\s*(\d+)")
_PLACES = re.compile(r"\s*[-+]?\s*\d*\.(\d+)\s*(%?)\s*")
_WHOLE = re.compile(r"\s*[-+]?\s*\d+\s*")
_GOES_BEFORE = word_set(
    "of by times plus minus and from to over percent per squared cubed root power than less "
    "more another half double twice with add subtract multiply divide factor"
)
"""After one of these words the first side of a chain has begun before it."""
_DOUBTS = re.compile(r"\b(?:is|does|do|whether|if|not|isn't|doesn't|instead of)\s*$")


def wrong_sum(text: str, before: str = "", exempt: frozenset[str] = frozenset()) -> bool:
    r"""Whether a closed piece of folded text holds an equation of numbers that is false.

    `before` is what stands before it, `exempt` are equations (`pairs_of`) of the learner's or of
    the question. Let pass are decimals right to their last place, the sign for "about", questions,
    and two bare whole numbers (`0 = 5` shows that no number solves something).

    >>> [wrong_sum(t) for t in ("3 + 4 = 8", r"$\frac{1}{2} + \frac{1}{2} = 1$", "1/3 = 0.33")]
    [True, False, False]
    """
    if not _may_be_wrong(text) or _is_right(text):
        return False
    for chain, leads in _chains(text, before):
        for left, right in _pairs(chain, cut=leads):
            if _tight(left, right) in exempt:
                continue
            if _differ(left, right):
                return True
    return False


def _may_be_wrong(text: str) -> bool:
    """Whether a number stands on both sides of any equals sign: a quick look.

    What the prose around an equation says (`$7 + 5 = 13$ and so on`) is no part of its sides.
    """
    at = text.find("=")
    while at >= 0:
        left, right = _LEFT.search(text, max(0, at - CHAIN_CHARS), at), _RIGHT.match(text, at + 1)
        if left and right and _numeric(left[0], -1) and _numeric(right[0], 0):
            return True
        at = text.find("=", at + 1)
    return "\\equiv" in text


def _numeric(side: str, nearest: int) -> bool:
    """Whether a digit stands between the equals sign and the nearest letter of a side."""
    bare = _NAMES.sub("", side) if "\\" in side or "o" in side else side
    return _DIGIT.search(_WORDS.split(bare)[nearest]) is not None


_LEFT = re.compile(r"[^=,;:!?\n≠<>≤≥→]*\Z")
_RIGHT = re.compile(r"[^=,;:!?\n≠<>≤≥→]*")
_NAMES = re.compile(r"\\[a-zA-Z]+|\bof\b|\band\b|\bor\b")
_DIGIT = re.compile(r"\d")


def _is_right(text: str) -> bool:
    """Whether a text is one short sum of whole numbers, and right: most sums of a text are."""
    found = _SHORT_SUM.fullmatch(text)
    if found is None:
        return False
    a, b, c, result = int(found[1]), int(found[3]), int(found[5] or 0), int(found[6])
    first, second = _INFIX[found[2]], _INFIX[found[4] or "+"]
    if second == "*" and first != "*":
        value = a + b * c if first == "+" else a - b * c
    else:
        value = a + b if first == "+" else a - b if first == "-" else a * b
        value = value + c if second == "+" else value - c if second == "-" else value * c
    return value == result


_INFIX = {"+": "+", "-": "-", "×": "*", "*": "*", "\\cdot": "*", "\\times": "*"}
_SIGN = r"\s*([-+×*]|\\cdot|\\times)\s*"
_SHORT_SUM = re.compile(
    rf"[\s$]*(-?\d{{1,9}}){_SIGN}(\d{{1,9}})(?:{_SIGN}(\d{{1,9}}))?\s*=\s*(-?\d{{1,18}})[\s$.,;:!]*"
)


def pairs_of(texts: Sequence[str]) -> frozenset[str]:
    """The equations that texts hold, as they may come again.

    >>> sorted(pairs_of(["I did 3 + 4 = 8"]))
    ['3+4=8']
    """
    return frozenset(
        _tight(_tail(left), _head(right))
        for text in texts
        for chain, _ in _chains(folded(text), "", asked=True)
        for left, right in _pairs(chain, cut=False)
    )


def _tail(side: str) -> str:
    """The numbers at the end of a side that begins with words."""
    found = re.search(r"[^\W\d_]\s+([^a-z]*)$", side)
    return found[1] if found else side


def _head(side: str) -> str:
    """The numbers at the beginning of a side that ends in words."""
    found = re.match(r"[^a-z]*(?=\s[a-z])", side)
    return found[0].strip(_SURROUNDS) if found else side


def _tight(left: str, right: str) -> str:
    return re.sub(r"\s+", "", f"{left}={right}").replace("×", "*")


def _chains(text: str, before: str, *, asked: bool = False) -> Iterator[tuple[str, bool]]:
    """The chains of a text, each with whether its first side may have begun before it."""
    plain = re.sub(r"(?<=\d)\*\*(?=[\d(-])", "^", text) if "**" in text else text
    if not before or before[-1] == "\n":
        plain = _LIST_MARK.sub("", plain)  # which is no sign of a number
    plain = flat(plain, exact=True)
    last_word = re.findall(r"[^\W\d_]+", before[-24:].lower())[-1:]
    touching = before[-1:].isalnum() or before[-2:-1].isalnum()
    at = 0
    for end in (*(m for m in _BREAKS.finditer(plain)), None):
        piece = plain[at : end.start() if end else len(plain)]
        first = at == 0
        at = end.end() if end else len(plain)
        if "=" not in piece or len(piece) > CHAIN_CHARS or _ABOUT.search(piece):
            continue
        after = plain[at : at + 1] if end else ""
        question = piece.rstrip(" \"')*_").endswith("?") or after == "?"
        doubted = first and _DOUBTS.search(before.lower()) is not None
        if asked or not (question or doubted):
            yield piece, bool(first and touching and last_word and last_word[0] in _GOES_BEFORE)


def _pairs(chain: str, *, cut: bool) -> Iterator[tuple[str, str]]:
    """Neighbouring sides of a chain, without the first pair where the first side is cut."""
    sides = [_side(side) for side in _EQUALS.split(chain)]
    for n in range(1 if cut else 0, len(sides) - 1):
        if sides[n] and sides[n + 1]:
            yield sides[n], sides[n + 1]


def _side(side: str) -> str:
    """One side of an equation without what is around it."""
    side = side.strip(_SURROUNDS)
    opened, closed = side.count("("), side.count(")")
    while opened > closed and side.startswith("("):
        side, opened = side[1:], opened - 1
    while closed > opened and side.endswith(")"):
        side, closed = side[:-1], closed - 1
    return side.strip(_SURROUNDS)


def _differ(left: str, right: str) -> bool:
    """Whether both sides are numbers and no reading of them agrees."""
    if _WHOLE.fullmatch(left) and _WHOLE.fullmatch(right):
        return False
    values = _values(left), _values(right)
    if not all(values):
        return False
    return not any(_agree(a, b, left, right) for a in values[0] for b in values[1])


def _values(side: str) -> tuple[Fraction, ...]:
    """The values a side may have: a dash and a blank before it may be a bullet."""
    value = _value(side)
    if value is None:
        return ()
    bullet = _value(side[1:].strip()) if side[:1] in "-*•+" and side[1:2] == " " else None
    return (value,) if bullet is None else (value, bullet)


def _agree(a: Fraction, b: Fraction, left: str, right: str) -> bool:
    return a == b or _is_rounded(a, b, right) or _is_rounded(b, a, left)


def _is_rounded(exact: Fraction, shown: Fraction, side: str) -> bool:
    """Whether a side is a decimal that is right to its last place, rounded or cut off."""
    found = _PLACES.fullmatch(side)
    if found is None:
        return False
    scale = 10 ** (len(found[1]) + (2 if found[2] else 0))
    size = abs(exact) * scale
    same_sign = exact * shown >= 0
    return same_sign and abs(shown) * scale in (floor(size), floor(size + Fraction(1, 2)))


@lru_cache(maxsize=4096)
def _value(side: str) -> Fraction | None:
    """The exact value of a side, or None where it is no expression of numbers."""
    simple = _SIMPLE.fullmatch(side)
    if simple is not None:
        return _worked_out(int(simple[1]), simple[2], int(simple[3]))
    if not any(c.isdigit() for c in side):
        return None
    if _WORDS.search(side):
        side = re.sub(r"(?<=[\d%)])\s+of\s+(?=[\d(])", " * ", side)
        if _WORDS.search(side.replace("sqrt", "")):
            return None
    powers = _POWER.findall(side)
    if any(len(power) > 2 or int(power) > EXPONENT for power in powers):
        return None
    try:
        code = parsed(side, NUMBER)
        if _operations(code) > OPERATIONS:
            return None
        value = evaluated(code)
    except ExpressionError:
        return None
    return Fraction(value) if isinstance(value, int | Fraction) else None


def _worked_out(left: int, sign: str, right: int) -> Fraction | None:
    """The value of two whole numbers with one sign between them: most sides are no more."""
    if sign == "+":
        return Fraction(left + right)
    if sign == "-":
        return Fraction(left - right)
    if sign in "×*":
        return Fraction(left * right)
    return Fraction(left, right) if right else None


_SIMPLE = re.compile(r"(-?\d{1,18})\s*([-+×*÷/])\s*\(?(-?\d{1,18})\)?")


def _operations(code: Code) -> int:
    return sum(op.kind in (BINARY_OP, CALL) or op.kind > CONST + 2 for op in code.ops)


__all__ = ["pairs_of", "wrong_sum"]
