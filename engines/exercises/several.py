"""Several answers in one response, and none. This file reads lines, "or" and "no solution".

Where several may be given, lines and the words of the learner's language become the separators of
the grammar, sign for sign, so that columns stay. Where one is asked, two are told as two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from engines.exercises.limits import LIMITS, ExpressionError
from engines.exercises.spelling import alike

LISTED = frozenset(("equation", "set"))
"""Kinds whose answer may be several lines: cases, a system, elements."""
EMPTIED = frozenset(("interval", "set"))
"""Kinds whose answer may be that there is none."""
SINGLE = frozenset(("equation", "expression", "fraction", "matrix", "number"))
"""Kinds whose answer is never that there is none."""
ONE_ASKED = "Not yet. There is a solution: one answer is asked for."
MOST_PARTS = 8
"""Most answers that are told apart where one is asked."""

_OR = {
    "da": "eller", "de": "oder", "es": "o", "fr": "ou", "it": "oppure", "nb": "eller", "nl": "of",
    "nn": "eller", "no": "eller", "pl": "lub", "pt": "ou", "ru": "или", "sv": "eller",
    "tr": "veya",
}  # fmt: skip
_AND = {
    "da": "og", "de": "und", "es": "y", "fr": "et", "nb": "og", "nl": "en", "nn": "og", "no": "og",
    "ru": "и", "sv": "och", "tr": "ve",
}  # fmt: skip
"""Words between two answers. Those of one letter that is a constant are left out."""
_NONE = {
    "en": "none|no solution|no solutions|no real solution|no real solutions|there is no solution"
    "|there are no solutions|empty set|the empty set",
    "da": "ingen|ingen løsning|ingen løsninger|tom mængde|den tomme mængde",
    "de": "keine|keine Lösung|keine Lösungen|keine reelle Lösung|keine reellen Lösungen"
    "|nicht lösbar|unlösbar|leere Menge|die leere Menge|es gibt keine Lösung",
    "es": "ninguna|ninguna solución|sin solución|no tiene solución|no hay solución|conjunto vacío",
    "fr": "aucune|aucune solution|pas de solution|sans solution|ensemble vide|l'ensemble vide",
    "it": "nessuna|nessuna soluzione|insieme vuoto",
    "nb": "ingen|ingen løsning|ingen løsninger|tom mengde|den tomme mengden",
    "nl": "geen|geen oplossing|geen oplossingen|lege verzameling|de lege verzameling",
    "pl": "brak|brak rozwiązań|brak rozwiązania|zbiór pusty",
    "pt": "nenhuma|nenhuma solução|sem solução|não tem solução|não há solução|conjunto vazio",
    "ru": "нет|нет решения|нет решений|пустое множество",
    "sv": "ingen|inga|ingen lösning|inga lösningar|lösning saknas|saknar lösning"
    "|inga reella lösningar|tomma mängden|den tomma mängden",
    "tr": "çözüm yok|çözümü yok|boş küme",
    "ar": "لا يوجد حل|لا توجد حلول|المجموعة الخالية",
}
"""How people say that there is no solution; English is understood everywhere."""
_NONE |= dict.fromkeys(("nn", "no"), _NONE["nb"])
_NONE_CHARS = 40
"""A longer response is no such saying."""


@lru_cache(maxsize=64)
def _sayings(language: str) -> frozenset[str]:
    said = "|".join((_NONE["en"], _NONE.get(language, "")))
    return frozenset(alike(each, language) for each in said.split("|") if each)


def _language(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].lower()


_SAYING = re.compile(r"[^\W\d_]+(?:[ '][^\W\d_]+)+")


def says_none(response: object, locale: str) -> bool:
    """Whether a response says in words that there is no solution.

    >>> says_none("No solution.", "en"), says_none("keine Loesung", "de"), says_none("0", "en")
    (True, True, False)
    """
    if not isinstance(response, str) or len(response) > _NONE_CHARS:
        return False
    text = response.strip(" .!\t\n$")
    if not (text.isalpha() or (" " in text and _SAYING.fullmatch(text))):
        return False
    return alike(text, locale) in _sayings(_language(locale))


# --- where several may be given -------------------------------------------------------------------

_LINE = re.compile(r"[^\S\n]*\n\s*")
_GOES_ON = re.compile(r"(?:[-+*/^=<>≤≥≠±(\[{,;&|]|\\\\|(?<![^\W\d_])(?:or|and))\Z")
"""Ends a line that goes on in the next one."""
_CONTINUES = re.compile(r"[-+*/^=<>≤≥≠)\]},;&|]|\\(?:right|end|\\|pm|cdot)|(?:or|and)(?![^\W\d_])")
"""Begins a line that goes on from the one before."""
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))


def separated(text: str, locale: str, names: frozenset[str]) -> str:
    r"""A list of answers with the separators of the grammar, as long as it was.

    `names` are those of the key: no word that is one of them separates.

    >>> separated("x = 2\nx = 3", "en", frozenset("x"))
    'x = 2;x = 3'
    >>> separated("x = 2 oder x = 3", "de", frozenset("x"))
    'x = 2 or   x = 3'
    """
    if "\n" in text:
        text = _with_signs(text)
    for word, sign, pattern in _separators(locale):
        if word in text and word not in names:
            text = pattern.sub(sign, text)
    return text


@lru_cache(maxsize=256)
def _separators(locale: str) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """The words between two answers in a language, each with its sign, as long, and its pattern."""
    found = []
    for words, sign in ((_OR, "or"), (_AND, ";")):
        word = words.get(_language(locale))
        if word is not None:
            shown = (sign if len(sign) <= len(word) else ";").ljust(len(word))
            found.append((word, shown, re.compile(rf"(?<=\s){word}(?=\s)")))
    return tuple(found)


def _with_signs(text: str) -> str:
    """The lines of a text that are complete by themselves, parted by semicolons."""

    def parted(found: re.Match[str]) -> str:
        before, after = text[: found.start()], text[found.end() :]
        ended = not before.strip() or not after.strip() or _GOES_ON.search(before)
        if ended or _CONTINUES.match(after) or not _is_closed(before):
            return " " * len(found[0])
        return ";".ljust(len(found[0]))

    return _LINE.sub(parted, text)


def _is_closed(text: str) -> bool:
    """Whether no bracket and no matrix is open."""
    closed = all(text.count(opens) <= text.count(closes) for opens, closes in _PAIRS)
    return closed and text.count(r"\begin") == text.count(r"\end")


# --- where one is asked ---------------------------------------------------------------------------

_WORDS = sorted({"or", "and", *_OR.values(), *_AND.values()}, key=len, reverse=True)
_BETWEEN = re.compile(rf"\n|;|,(?!\d)|\s(?:{'|'.join(_WORDS)})(?=\s)")
_BLANKS = frozenset(" ,;\n\t")
_PARTS = re.compile(r"[\n;,]|\s[^\W\d_]{1,7}\s")
"""What a text of several answers cannot do without."""
_WORD_BETWEEN = re.compile(rf"\s({'|'.join(word for word in _WORDS if len(word) > 1)})\s")


def expect_one(text: str, read: Callable[[str], object]) -> None:
    """Raise ExpressionError where a text is several answers, each of which is read by itself.

    `read` raises it for what it cannot read.

    >>> expect_one("2 or 3", int)
    Traceback (most recent call last):
    engines.exercises.limits.ExpressionError: column 6: expected one answer, found 2
    """
    if _PARTS.search(text.strip()) is None:
        return
    parts: list[tuple[int, str]] = []
    at = 0
    for found in _BETWEEN.finditer(text):
        parts.append((at, text[at : found.start()]))
        at = found.end()
    parts = [part for part in (*parts, (at, text[at:])) if part[1].strip()]
    if not 1 < len(parts) <= MOST_PARTS or len(text) > LIMITS.code_points:
        return
    for _, part in parts:
        try:
            read(part)
        except ExpressionError:
            return
    at, second = parts[1]
    blanks = len(second) - len(second.lstrip())
    raise ExpressionError(at + blanks + 1, "one answer", f"{len(parts)}")


def may_be_words(text: str) -> bool:
    """Whether a text is a word or has anything between two: a first look at what was not read.

    >>> may_be_words("2x+3"), may_be_words("none."), may_be_words("2, 3")
    (False, True, True)
    """
    bare = text.strip()
    return not _BLANKS.isdisjoint(bare) or bare.rstrip(".!").isalpha()


def may_be_several(text: str, names: frozenset[str]) -> bool:
    """Whether a text has several lines, or a word between answers that is no product of `names`.

    >>> may_be_several("2 or x", frozenset("x")), may_be_several("o r x", frozenset("x"))
    (True, False)
    """
    if "\n" in text and is_several_lines(text):
        return True
    found = _WORD_BETWEEN.search(text.strip())
    return found is not None and not names & set(found[1])


def is_several_lines(text: str) -> bool:
    r"""Whether a text has two lines that are complete by themselves.

    >>> is_several_lines("2\n3"), is_several_lines("2x +\n3"), is_several_lines("2\n")
    (True, False, False)
    """
    return "\n" in text and ";" in _with_signs(text.replace(";", " "))
