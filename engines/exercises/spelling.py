"""Which spellings are one word to a teacher of a language. This file is the rules of languages.

What a keyboard lacks and what a school takes as the same is folded; letters that make another word
(å, ñ, ı) stay. Without a language only what holds for all of them is folded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

Table = Mapping[int, str | int | None]


class _Rules(NamedTuple):
    """What a language folds: signs for signs, and the marks that may be left out."""

    signs: Table = MappingProxyType({})
    marks: bool = False
    """Whether all accents may be missing, those on `kept` letters excepted."""
    kept: str = ""


_EVERYWHERE = str.maketrans(
    dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad", "")
    | dict.fromkeys("’ʼʹ′`´‘", "'")
    | dict.fromkeys("“”„«»″", '"')
    | dict.fromkeys("‐‑‒–—−", "-")
)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_DANISH = str.maketrans({"å": "aa", "æ": "ae", "ø": "oe", "ä": "ae", "ö": "oe"})
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_ROMANIAN = str.maketrans({"ş": "ș", "ţ": "ț"})
_RUSSIAN = str.maketrans({"ё": "е"})
_ARABIC = str.maketrans(
    dict.fromkeys("أإآٱ", "ا")
    | {"ؤ": "و", "ئ": "ي", "ى": "ي", "ة": "ه", "ـ": "", "ء": "", "ی": "ي", "ک": "ك", "،": ","}
)
_PERSIAN = str.maketrans(
    dict.fromkeys("أإآٱ", "ا")
    | {"ي": "ی", "ى": "ی", "ك": "ک", "ؤ": "و", "ۀ": "ه", "ة": "ه", "ـ": ""}
)
_RULES: dict[str, _Rules] = {
    **dict.fromkeys(("de", "gsw", "lb"), _Rules(_GERMAN)),
    **dict.fromkeys(("da", "nb", "nn", "no"), _Rules(_DANISH)),
    **dict.fromkeys(("fr", "it", "pt", "ca", "nl", "en", "el"), _Rules(_LIGATURES, marks=True)),
    **dict.fromkeys(("es", "gl", "ast", "eu"), _Rules(marks=True, kept="ñ")),
    "ro": _Rules(_ROMANIAN),
    "ru": _Rules(_RUSSIAN),
    **dict.fromkeys(("ar", "ckb"), _Rules(_ARABIC, marks=True)),
    **dict.fromkeys(("fa", "ur", "ps"), _Rules(_PERSIAN, marks=True)),
    **dict.fromkeys(("he", "yi"), _Rules(marks=True)),
}
_DOTTED = frozenset(("tr", "az", "tk", "crh"))
"""Languages whose `i` and `ı` are two letters."""
_HYPHEN = re.compile(r"(?<=[^\W\d_]{2})-(?=[^\W\d_]{2})")
_WORD = re.compile(r"[^\W\d_]{2}")
_ENDS = " .,;:!?。。،؛۔।！？؟"
_ROUND_A_LETTER = " .()!?\"'"


@lru_cache(maxsize=4096)
def alike(text: str, locale: str = "") -> str:
    """A text in the one spelling of all that a language takes as the same.

    >>> alike("  Zähler. ", "de") == alike("ZAEHLER", "de"), alike("Straße") == alike("strasse")
    (True, True)
    >>> alike("numerateur", "fr") == alike("Numérateur", "fr"), alike("año", "es")
    (True, 'año')
    >>> alike("IŞIK", "tr") == alike("ışık", "tr"), alike("الأَوَّل", "ar") == alike("الاول", "ar")
    (True, True)
    """
    language = locale.replace("_", "-").partition("-")[0].lower()
    text = unicodedata.normalize("NFKC", text).translate(_EVERYWHERE)
    if language in _DOTTED:
        text = text.replace("I", "ı").replace("İ", "i")
    text = text.casefold()
    if language:
        text = _in_language(text, _RULES.get(language, _NO_RULES))
    return " ".join(text.split())


_NO_RULES = _Rules()


def _in_language(text: str, rules: _Rules) -> str:
    text = text.translate(rules.signs)
    if rules.marks and not text.isascii():
        text = unicodedata.normalize("NFC", "".join(_unmarked(c, rules.kept) for c in text))
    if _WORD.search(text):
        text = _HYPHEN.sub(" ", text)
        text = text.strip(" \"'").rstrip(_ENDS).strip(" \"'") or text
    elif len(letter := text.strip(_ROUND_A_LETTER)) == 1 and letter.isalpha():
        text = letter  # as one names an option: `A.`, `(a)`
    return text.translate(_ASCII_DIGITS)


def _unmarked(char: str, kept: str) -> str:
    if char in kept:
        return char
    return "".join(c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c))


_ASCII_DIGITS = {ord(zero) + n: str(n) for zero in "٠۰०০" for n in range(10)}


def is_one_slip(given: str, word: str) -> bool:
    """Whether one letter added, dropped, changed or swapped with its neighbour makes the word.

    The optimal string alignment distance (a restricted Damerau-Levenshtein distance) is at most 1.

    >>> is_one_slip("fracton", "fraction"), is_one_slip("fracshun", "fraction")
    (True, False)
    """
    from rapidfuzz.distance import OSA  # words with slips are rare, and most nodes never meet one

    return OSA.distance(given, word, score_cutoff=1) <= 1
