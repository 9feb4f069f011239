"""How hard a text is to read, as a school grade. This file is that measure.

English by Flesch and Kincaid (Kincaid et al. 1975), other languages in Latin letters by LIX
(Bjornsson 1968) with Anderson's grades (1983); formulas count as one short word. Other scripts have
no measure here.
"""

from __future__ import annotations

import re

from engines.exercises.keyboard import script_of

WORDS_FEWEST = 30
"""Shorter texts say nothing about how hard they are."""
LONG_LETTERS = 6
"""A word with more letters counts as long for LIX."""

_FORMULA = re.compile(r"\$+[^$]*\$+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE = re.compile(r"[.!?:]+(?:\s|$)|\n\s*\n")
_VOWELS = re.compile(r"[aeiouy]+")
_LIX_GRADES = (10, 15, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56)
"""LIX above the nth of these is grade n; Anderson 1983."""


def grade_of(text: str, locale: str) -> float | None:
    """The school grade of a text; None for one too short or in a script without a measure.

    >>> easy = "Add the two parts. Then see what is left. Write it down. " * 3
    >>> grade_of(easy, "en") < 3, grade_of(easy, "ar"), grade_of("Too short.", "en")
    (True, None, None)
    """
    language = locale.partition("-")[0]
    prose = _FORMULA.sub(" x ", text)
    words = _WORD.findall(prose)
    if script_of(locale) != "LATIN" or len(words) < WORDS_FEWEST:
        return None
    sentences = max(1, sum(1 for part in _SENTENCE.split(prose) if _WORD.search(part)))
    length = len(words) / sentences
    if language == "en":
        syllables = sum(map(_syllables, words)) / len(words)
        return 0.39 * length + 11.8 * syllables - 15.59
    lix = length + 100 * sum(len(word) > LONG_LETTERS for word in words) / len(words)
    return float(sum(lix >= least for least in _LIX_GRADES))


def _syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end."""
    bare = word.casefold()
    count = len(_VOWELS.findall(bare))
    silent = bare.endswith("e") and not bare.endswith(("le", "ee"))
    return max(1, count - silent)
