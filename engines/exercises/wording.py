"""Answers in words and in formulas that are compared as written. This file is their comparison."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from engines.exercises.notation import formula, one_spelling, squeezed
from engines.exercises.spelling import alike, is_one_slip

_LONG_WORD = 5
"""Letters of the right word from which one slip of the keyboard is forgiven."""


def normal(text: str) -> str:
    """The text without what does not count: NFKC, case, and how it is spaced.

    >>> normal("  The  ﬁrst ")
    'the first'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _same_but_typos(given: str, key: str) -> bool:
    words, others = given.split(), key.split()
    if len(words) != len(others):
        return False
    return all(
        mine == right or (len(right) >= _LONG_WORD and right.isalpha() and is_one_slip(mine, right))
        for mine, right in zip(words, others, strict=True)
    )


Match = Literal["same", "slip", "reordered", ""]


def match(response: str, key: str, *, typos: bool, locale: str = "") -> Match:
    r"""How a response agrees with a key: `same`, a `slip` in a word, `reordered` terms, or not.

    `locale` (BCP 47) says which spellings are one word; `typos` whether a slip is forgiven.

    >>> match(r"$$\frac{2x}{3}$$", "(2/3)*x", typos=False), match("x+3", "3+x", typos=False)
    ('same', 'reordered')
    >>> match("Zaehler", "Zähler", typos=False, locale="de"), match("zhler", "Zähler", typos=True)
    ('same', 'slip')
    """
    a, b = alike(response, locale), alike(key, locale)
    if a == b or _respelled(response, key):
        return "same"
    mine, theirs = formula(response), formula(key)
    if mine is not None and theirs is not None:
        if one_spelling(mine, ordered=True) == one_spelling(theirs, ordered=True):
            return "same"
        if one_spelling(mine, ordered=False) == one_spelling(theirs, ordered=False):
            return "reordered"
    return "slip" if typos and _same_but_typos(a, b) else ""


_SIGN = re.compile(r"[\d$\\^*/+=<>(]")


def _respelled(response: str, key: str) -> bool:
    """Whether both are one formula but for spaces, `$`, brackets around one sign and the like.

    A key that is words only has no notation; letters of a formula keep their case.
    """
    if not _SIGN.search(key):
        return False
    mine, theirs = squeezed(response), squeezed(key)
    return mine == theirs or (_WORD.search(theirs) is not None and normal(mine) == normal(theirs))


_WORD = re.compile(r"[^\W\d_]{3,}")


def printed_in(text: str, prompt: str) -> bool:
    """Whether a formula stands in the prompt as it is, not as a piece of a longer number.

    >>> printed_in("6 / 8", "Simplify $6/8$."), printed_in("6/8", "Simplify $16/8$.")
    (True, False)
    """
    typed = squeezed(text)
    if not typed:
        return False
    text, at, word = _formulas(prompt), -1, typed[0].isalnum()
    while (at := text.find(typed, at + 1)) >= 0:  # a pattern would be compiled for each text
        if not (word and at and _JOINED.match(text[at - 1])) and not _ON.match(
            text, at + len(typed)
        ):
            return True
    return False


_JOINED = re.compile(r"[\w.]")
_ON = re.compile(r"[\w^]|\.\d")
_AROUND_SIGNS = re.compile(r"\s*([-+*/^=<>(){},]|[−×·÷]|\\cdot|\\times)\s*")


@lru_cache(maxsize=1024)
def _formulas(prompt: str) -> str:
    """The prompt with its formulas squeezed and its words still apart."""
    tight = _AROUND_SIGNS.sub(r"\1", prompt.replace("$", " "))
    return " ".join(squeezed(word) for word in tight.split())
