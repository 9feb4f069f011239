"""Which numbers a printed text names, in digits, LaTeX or words. This file is that reading.

It serves the checks of a course (does a hint tell the key?), where a number missed is a warning
missed: it reads what authors write, not everything a learner may type.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_COUNTS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6}
_PARTS |= {"seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
_PARTS |= {f"{word}s": n for word, n in list(_PARTS.items()) if word not in {"half", "halves"}}

_SIGN = r"(?P<sign>(?<![\w)\]}])(?:(?<![\w)\]}$]\s)[-−]\s?|[-−](?=[\d\\])))?"
_LATEX = re.compile(_SIGN + r"\\[dt]?frac\s*\{\s*(?P<top>-?\d+)\s*\}\s*\{\s*(?P<below>-?\d+)\s*\}")
_PLAIN = re.compile(_SIGN + r"(?P<top>\d+(?:\.\d+)?)(?:\s?/\s?(?P<below>\d+))?")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_WORD = re.compile(r"[a-z]+")


@lru_cache(maxsize=4096)
def numbers_in(text: str, *, parts: bool = False) -> frozenset[Fraction]:
    r"""Every number a text names; with `parts` also the numerators and denominators.

    >>> sorted(numbers_in(r"$\frac{-3}{4}$ of 1,200, or three quarters"))
    [Fraction(-3, 4), Fraction(3, 4), Fraction(1200, 1)]
    >>> sorted(numbers_in("$x = -2$ and $x - 5$"))
    [Fraction(-2, 1), Fraction(5, 1)]
    >>> sorted(numbers_in("3/4", parts=True))
    [Fraction(3, 4), Fraction(3, 1), Fraction(4, 1)]
    """
    text = _GROUPED.sub("", text)
    found: set[Fraction] = set()
    if "frac" in text:
        for match in _LATEX.finditer(text):
            sign, top, below = match.groups()
            found |= _values(sign is not None, top, below, parts=parts)
        text = _LATEX.sub(" ", text)
    for match in _PLAIN.finditer(text):
        sign, top, below = match.groups()
        spaced = below is not None and _spaced(match)
        found |= _values(sign is not None, top, below, parts=parts or spaced)
    return frozenset(found | _in_words(text))


def _spaced(match: re.Match[str]) -> bool:
    """Whether a slash stands between blanks: then it may divide, or only separate."""
    return " /" in match.group() or "/ " in match.group()


@lru_cache(maxsize=4096)
def _values(negative: bool, above: str, under: str | None, *, parts: bool) -> frozenset[Fraction]:
    top = -Fraction(above) if negative else Fraction(above)
    if under is None:
        return frozenset((top,))
    below = Fraction(under)
    whole = [top / below] if below else []
    return frozenset((*whole, top, below) if parts else whole)


def _in_words(text: str) -> set[Fraction]:
    """Numbers told in English words: "twenty one", "three quarters", "half"."""
    words = _WORD.findall(text.lower())
    if _COUNTS.keys().isdisjoint(words):
        return set()
    found: set[Fraction] = set()
    at = 0
    while at < len(words):
        count = _COUNTS.get(words[at])
        if count is not None and count >= 20 and at + 1 < len(words):
            ones = _COUNTS.get(words[at + 1], 0)
            if 0 < ones < 10:
                count, at = count + ones, at + 1
        if count is not None:
            below = _PARTS.get(words[at + 1]) if at + 1 < len(words) else None
            found.add(Fraction(count, below or 1))
            at += 1 if below is None else 2
            continue
        at += 1
    return found
