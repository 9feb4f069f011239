"""Numbers in words written in digits: cardinals, fractions, decimals. This file is that reading.

It takes folded text in lower case (`engines.exercises.folding`), in English and in the languages of
`engines.exercises.numerals`; what is no number stays as it is.
"""

from __future__ import annotations

import re

from engines.exercises.numerals import (
    AND,
    CARDINALS,
    CHINESE,
    CHINESE_SCALES,
    FOREIGN,
    FOREIGN_PARTS,
    MINUS,
    OVER,
    PARTS,
    PERCENT,
    POINTS,
    SCALES,
    WEAK,
)

WEAK_MARK = "\x01"
"""Stands before a number that was an everyday word."""

_WORD = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"[\s\-*_]*")
_SPELT = re.compile(r"(?<![^\W_])[a-z](?:[\s\-*_.,·×]{1,3}[a-z]){2,}(?![^\W_])")
_NOT_LETTERS = re.compile(r"[^a-z]+")


class _Words:
    """The words of a text with the places they stand at; `gap` joins neighbours."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[tuple[str, int, int]] = []
        for found in _WORD.finditer(text):
            word = found[0]
            if word[0] >= "\u3400" and len(word) > 1 and word[0] <= "\u9fff":
                at = found.start()
                self.words += [(c, at + n, at + n + 1) for n, c in enumerate(word)]
            else:
                self.words.append((word, found.start(), found.end()))

    def at(self, n: int) -> str:
        return self.words[n][0] if n < len(self.words) else ""

    def next(self, n: int) -> str:
        """The word after word n, if only blanks, hyphens and marks lie between."""
        if n + 1 >= len(self.words):
            return ""
        gap = self.text[self.words[n][2] : self.words[n + 1][1]]
        return self.words[n + 1][0] if _GAP.fullmatch(gap) else ""


def _cardinal(words: _Words, n: int) -> tuple[int, int] | None:
    """The whole number that begins at word n, and the last word of it."""
    word = words.at(n)
    if word in CHINESE or word in CHINESE_SCALES:
        return _chinese(words, n)
    if word in FOREIGN:
        return _foreign(words, n, FOREIGN[word])
    total, group, last, found = 0, -1, n, False
    while True:
        if word in CARDINALS:
            value = CARDINALS[word]
            fits = group < 0 or (group % 100 == 0 and group > 0)
            fits = fits or (group % 10 == 0 and group % 100 >= 20 and 0 < value < 10)
            if not fits:
                break
            group = max(group, 0) + value
        elif word in SCALES and (found or words.at(n - 1) == "a"):
            size = SCALES[word]
            if size == 100:
                group = max(group, 1) * 100
            else:
                total, group = total + max(group, 1) * size, -1
        else:
            break
        last, found = n, True
        word = words.next(n)
        n += 1
        if word == "and" and group % 100 == 0 and words.next(n) in CARDINALS:
            word = words.next(n)
            n += 1
    return (total + max(group, 0), last) if found else None


def _foreign(words: _Words, n: int, value: int) -> tuple[int, int]:
    word = words.next(n)
    if value == 4 and word in ("vingt", "vingts"):
        value, n = 80, n + 1
        word = words.next(n)
    if value >= 10 and value % 10 == 0:
        skip = 1 if word in AND and words.next(n + 1) in FOREIGN else 0
        unit = FOREIGN.get(words.next(n + 1) if skip else word, 0)
        if unit == 10 and value in (60, 80):
            teen, last = _foreign(words, n + 1 + skip, 10)
            return value + teen, last
        if 0 < unit < 10 or (value in (60, 80) and 10 < unit < 20):
            return value + unit, n + 1 + skip
    return value, n


def _chinese(words: _Words, n: int) -> tuple[int, int]:
    total, digit, last = 0, -1, n
    while True:
        sign = words.at(n)
        if sign in CHINESE_SCALES:
            total, digit = total + max(digit, 1) * CHINESE_SCALES[sign], -1
        elif sign in CHINESE and digit < 0:
            digit = CHINESE[sign]
        else:
            break
        last = n
        n += 1
        if words.next(last) == "":
            break
    return total + max(digit, 0), last


def _part(word: str) -> int:
    return PARTS.get(word) or FOREIGN_PARTS.get(word, 0)


def _spoken(words: _Words, n: int) -> tuple[str, int] | None:
    """The number in words that begins at word n, in digits, and its last word."""
    word = words.at(n)
    if word in POINTS:
        return _decimals(words, n, "")
    if word in ("a", "an") and _part(words.next(n)):
        return f"1/{_part(words.next(n))}", n + 1
    if word == "half" or (FOREIGN_PARTS.get(word) == 2 and word not in WEAK):
        return "1/2", n
    found = _cardinal(words, n)
    return None if found is None else _with_part(words, n, *found)


def _with_part(words: _Words, n: int, value: int, last: int) -> tuple[str, int] | None:
    """A whole number and what makes a decimal, a fraction or a mixed number of it."""
    after = words.next(last)
    if after in POINTS:
        return _decimals(words, last + 1, str(value)) or (str(value), last)
    if after == "分" and words.next(last + 1) == "之":
        top = _cardinal(words, last + 3)
        if top is not None:
            return f"{top[0]}/{value}", top[1]
    if _part(after):
        return f"{value}/{_part(after)}", last + 1
    if after in AND:
        rest = _spoken(words, last + 2) if words.next(last + 1) else None
        if rest is not None and "/" in rest[0] and " " not in rest[0]:
            return f"{value} {rest[0]}", rest[1]
    if after in OVER or (after == "out" and words.next(last + 1) == "of"):
        below = _cardinal(words, last + (2 if after in OVER else 3))
        if below is not None:
            return f"{value}/{below[0]}", below[1]
    weak = last == n and words.at(n) in WEAK
    return f"{WEAK_MARK if weak else ''}{value}", last


def _decimals(words: _Words, point: int, whole: str) -> tuple[str, int] | None:
    """`point seven five`, or `point seventy five`."""
    digits, n = "", point
    while words.next(n):
        found = _cardinal(words, n + 1)
        if found is None:
            break
        digits += str(found[0])
        n = found[1]
    return (f"{whole}.{digits}", n) if digits else None


def in_digits(text: str) -> str:
    """A flat text with its number words written in digits.

    >>> in_digits("three quarters, minus twenty-one, zero point seven five, s e v e n")
    '3/4, -21, 0.75, 7'
    """
    if _ANY_LETTERS.search(text) is None:
        return text
    if "percent" in text or "per cent" in text or "procent" in text or "prozent" in text:
        text = re.sub(r"\s*\b(?:percent|per\s+cent|prozent|procent)\b", "%", text)
    text = _SPELT.sub(lambda m: _joined_word(m[0]), text)
    words = _Words(text)
    if not words.words:
        return text
    return _half_in_digits(_words_in_digits(text, words))


_ANY_LETTERS = re.compile(r"[^\W\d_]{2}|[^\W\d_][\W_]+[^\W\d_]|[\u3040-\u9fff]")


def _half_in_digits(text: str) -> str:
    """`7 eighths`, `7 over 8`, `1 and 3/4`, `0 point 75` with digits for what is a word."""
    if any(word in text for word in _PART_HINTS):
        text = _DIGIT_PART.sub(lambda m: f"{m[1]}/{_part(m[2])}" if _part(m[2]) else m[0], text)
    text = _DIGIT_OVER.sub(r"\1/\2", text)
    text = _DIGIT_AND.sub(r"\1 \2", text)
    return _DIGIT_POINT.sub(lambda m: f"{m[1]}.{m[2].replace(' ', '')}", text)


_DIGIT_PART = re.compile(r"(?<![\d/.,])(\d+)[\s\-*_]+([^\W\d_]{3,})")
_PART_HINTS = ("th", "hal", "third", "quart", "tel", "tercio", "cuarto", "quint", "del", "tiers")
_DIGIT_OVER = re.compile(r"(?<![\d/.,])(\d+)\s+(?:over|out\s+of)\s+(\d+)")
_DIGIT_AND = re.compile(r"(?<![\d/.,])(\d+)\s+and\s+(\d+/\d+)")
_DIGIT_POINT = re.compile(r"(?<![\d/.,])(\d*)\s+(?:point|dot)\s+(\d+(?: \d)*)")


def _words_in_digits(text: str, words: _Words) -> str:
    out, at, n = [], 0, 0
    while n < len(words.words):
        word, start, _ = words.words[n]
        minus = word in MINUS
        found = None
        if word in _BEGINS or minus:
            found = _spoken(words, n + 1) if minus and words.next(n) else _spoken(words, n)
        if found is None:
            n += 1
            continue
        out += [text[at:start], "-" if minus else "", found[0]]
        at = words.words[found[1]][2]
        n = found[1] + 1
    return "".join(out) + text[at:]


_BEGINS = (
    frozenset(CARDINALS) | frozenset(FOREIGN) | frozenset(FOREIGN_PARTS) | frozenset(CHINESE)
    | frozenset(CHINESE_SCALES) | POINTS | {"a", "an", "half", "hundred", "thousand"}
)  # fmt: skip


def _joined_word(spelt: str) -> str:
    """`s e v e n` as `seven`; what is no number in words stays, for letters may be variables."""
    letters = _NOT_LETTERS.sub("", spelt)
    if len(letters) > _SPELT_CHARS:
        return spelt
    words = _cut(letters)
    return " ".join(words) if words else spelt


def _cut(letters: str) -> list[str]:
    """Letters without blanks as words of numbers, the longest word last that fits; or none.

    >>> _cut("minustwentyone"), _cut("xyz")
    (['minus', 'twenty', 'one'], [])
    """
    ways: list[list[str] | None] = [[]]
    for end in range(1, len(letters) + 1):
        ways.append(None)
        for start in range(max(0, end - _LONGEST), end):
            before = ways[start]
            if before is not None and letters[start:end] in _SPELLABLE:
                ways[end] = [*before, letters[start:end]]
                break
    return ways[-1] or []


_SPELLABLE = (
    frozenset(CARDINALS) | frozenset(SCALES) | frozenset(PARTS) | frozenset(FOREIGN) | MINUS
    | frozenset(("point", "over", "and", "percent"))
)  # fmt: skip
_LONGEST = max(map(len, _SPELLABLE))
_SPELT_CHARS = 48

SPOKEN_WORDS = (
    frozenset(CARDINALS) | frozenset(SCALES) | frozenset(PARTS) | frozenset(FOREIGN)
    | frozenset(FOREIGN_PARTS) | POINTS | MINUS | PERCENT
)  # fmt: skip
"""Words that a number in words may begin with or hold."""
GLUE_WORDS = AND | OVER | frozenset(("a", "an", "of", "out", "per", "cent", "over"))
"""Words that may stand inside a number in words, and begin none."""
