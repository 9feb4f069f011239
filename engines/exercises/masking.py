"""Values equal to a key, covered in a text that may not state it. This file is the cover.

A value that the question itself prints is left as it is, except where it stands as an answer
(`x = 3`, "the answer is 3"). Whole formulas of the question are never touched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.entries import ARRANGED_KINDS, told_in
from engines.exercises.telling import FORMULA_KINDS, number_key, set_entries, telling
from engines.exercises.wording import printed_in
from engines.words import Instance

BOX = "▢"
"""What stands where the key would."""

_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_NUMBER = re.compile(
    rf"""(?P<sign>(?:[-−]\s*)?)
    (?:(?P<latex>(?P<lw>\d+\s*)?\\[dt]?frac\s*\{{\s*(?P<lm>[-−]?)\s*(?P<ln>\d+)\s*\}}
        \s*\{{\s*(?P<lb>[-−]?)\s*(?P<ld>\d+)\s*\}})
    |(?P<mixed>(?P<mw>\d+)\s+(?P<mn>\d+)\s*[/⁄∕]\s*(?P<md>\d+))
    |(?P<vulgar>(?P<vw>\d*)\s?(?P<vc>[{_VULGAR}]))
    |(?P<ratio>(?P<rn>\d+)\s*[/⁄∕]\s*(?P<rd>\d+)(?!\.?\d))
    |(?P<decimal>\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:[.٫]\d+)?|\.\d+)(?P<percent>\s*\\?%)?)""",
    re.VERBOSE,
)
_WORDS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
"""Number words from two on; `one` and `zero` are too common in prose to be covered."""
_OPERAND_BEFORE = re.compile(r"(?:[\d)}\]%]|(?<![^\W\d_])[^\W\d_])\s*$")
_ANSWER_BEFORE = re.compile(
    r"""(?:(?<![\w)}\]+\-−*/^=.])\s*\\?[^\W\d_]\s*=\s*\$?\s*
    |(?:\bis|\bare|\bequals?|\banswer|\bgives?|\bgets?|\bmakes?|\bto)\b[\s:$=]*)$""",
    re.VERBOSE,
)
_END_OF_FORMULA = re.compile(r"=\s*$")


class Found(NamedTuple):
    """A number in a text: where, the values it may be read as (a minus may be a sign), and how
    it is written: `6/8`, not `3/4`.
    """

    start: int
    end: int
    values: tuple[Fraction, ...]
    written: str = ""


@lru_cache(maxsize=4096)
def _size(number: str) -> tuple[Fraction | None, str, bool]:
    """The absolute value of a number without its sign (None for a division by zero), how it
    stands, and whether a minus stands inside of it.
    """
    found = _NUMBER.match(number)
    assert found is not None
    g = found.groupdict()
    if g["latex"]:
        whole, num, den = g["lw"] or "0", g["ln"], g["ld"]
    elif g["mixed"]:
        whole, num, den = g["mw"], g["mn"], g["md"]
    elif g["vulgar"]:
        num, _, den = unicodedata.normalize("NFKC", g["vc"]).partition("⁄")
        whole = g["vw"] or "0"
    elif g["ratio"]:
        whole, num, den = "0", g["rn"], g["rd"]
    else:
        value = Fraction(g["decimal"].replace(",", "").replace("٫", "."))
        if g["percent"]:
            return value / 100, f"{value}%", False
        return value, f"{value}" if value.denominator == 1 else f"{value}d", False
    written = f"{int(whole)} {int(num)}/{int(den)}"
    size = int(whole) + Fraction(int(num), int(den)) if int(den) else None
    return size, written, bool(g["lm"]) != bool(g["lb"])


def numbers_in(text: str) -> Iterator[Found]:
    r"""Every number of a text, fractions and mixed numbers as one.

    A minus after an operand may be an operation: then both readings are given. The parts of a
    fraction are not numbers of their own.

    >>> [str(v) for f in numbers_in("2x - 3 = -1/2") for v in f.values]
    ['2', '3', '-3', '-1/2']
    >>> [str(v) for f in numbers_in(r"\frac{-24}{-3}") for v in f.values]
    ['8']
    """
    for found in _NUMBER.finditer(text):
        sign = found["sign"]
        size, written, negative = _size(found.group()[len(sign) :])
        if size is None:
            continue
        start = found.start() + len(sign)
        if negative:
            size = -size
        if not sign:
            yield Found(start, found.end(), (size,), written)
        elif _OPERAND_BEFORE.search(text[: found.start()]):
            yield Found(start, found.end(), (size, -size), written)
        else:
            yield Found(found.start(), found.end(), (-size,), written)


@lru_cache(maxsize=4096)
def _given(prompt: str) -> frozenset[tuple[Fraction, str]]:
    """Values the question prints, each with how it is written."""
    return frozenset((v, found.written) for found in numbers_in(prompt) for v in found.values)


_FORMULA = re.compile(r"\$+[^$]*\$+")


def masked(text: str, instance: Instance) -> str:
    """The text with every value that states the instance's key covered by a box.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="number", value="3")
    >>> item = Item(id="i", skills=("s",), prompt="Solve $2x = 6$.", answer=spec)
    >>> masked("Halve $6$: $x = 3$, from $2x = 6$.", instance(item, "", 0))
    'Halve $6$: $x = ▢$, from $2x = 6$.'
    """
    for part in instance.parts:
        text = masked(text, part)
    key = instance.key
    if isinstance(key, Fraction):
        return _number_masked(text, key, instance.prompt)
    kind = instance.item.answer.kind
    if kind in FORMULA_KINDS:
        return _formulas_masked(text, instance)
    if kind in ARRANGED_KINDS:
        return _covered(text, told_in(text, instance))
    if kind == "text":
        keys = [str(key), *instance.accept]
        return _words_masked(text, keys, [], instance.prompt)
    right = {key} if isinstance(key, str) else set(key)
    keys = [c.text for c in instance.choices if c.id in right]
    others = [c.text for c in instance.choices if c.id not in right]
    return _words_masked(text, keys, others, instance.prompt)


def _formulas_masked(text: str, instance: Instance) -> str:
    """Formulas that equal the key covered, and the numbers of a set where they stand as answers."""
    value = number_key(instance)
    if value is not None:
        return _number_masked(text, value, instance.prompt)
    spans, upto = [], 0
    for found in telling(text, instance):
        short = len(found.text) < 2 or printed_in(found.text, instance.prompt)
        as_answer = _ANSWER_BEFORE.search(text[: found.start].replace("$", ""))
        if found.start >= upto and (as_answer or not short):
            spans.append((found.start, found.end))
            upto = found.end
    text = _covered(text, spans)
    for entry in set_entries(instance):
        at = [f for f in numbers_in(text) if entry in f.values and _as_answer(text, f)]
        text = _covered(text, [(f.start, f.end) for f in at])
    return text


def _covered(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with a box for each of these stretches, which are in order."""
    out, at = [], 0
    for start, end in spans:
        if start >= at:
            out += [text[at:start], BOX]
            at = end
    return "".join(out) + text[at:]


@lru_cache(maxsize=4096)
def _number_masked(text: str, key: Fraction, prompt: str) -> str:
    whole_formulas = [
        (f.start(), f.end())
        for f in _FORMULA.finditer(text)
        if "=" in f.group() and printed_in(f.group(), prompt)
    ]
    given = _given(prompt)
    out, at = [], 0
    for found in _stating(text, key):
        inside = any(a <= found.start < b for a, b in whole_formulas)
        if inside or ((key, found.written) in given and not _as_answer(text, found)):
            continue
        out += [text[at : found.start], BOX]
        at = found.end
    return "".join(out) + text[at:]


def _stating(text: str, key: Fraction) -> list[Found]:
    """Numbers and number words of a text that may be read as the key."""
    found = [f for f in numbers_in(text) if key in f.values]
    if key.denominator == 1 and 2 <= key <= 20:
        word = _WORDS[int(key) - 2]
        spots = re.finditer(rf"\b{word}\b", text, re.IGNORECASE)
        found += [Found(m.start(), m.end(), (key,), str(key)) for m in spots]
    return sorted(found)


def _as_answer(text: str, found: Found) -> bool:
    """Whether a number stands where an answer stands: after `x =`, "is", or ending a formula."""
    before, after = text[: found.start], text[found.end :]
    if _ANSWER_BEFORE.search(before):
        return True
    ends = not after.strip() or after.lstrip()[0] in "$.,;:!?)\n"
    return ends and _END_OF_FORMULA.search(before) is not None


def _words_masked(text: str, keys: list[str], others: list[str], prompt: str) -> str:
    """Right texts covered, unless all options are spoken of alike or the question prints them."""
    for key in sorted(keys, key=len, reverse=True):
        shared = printed_in(key, prompt) or any(_spoken(text, other) for other in others)
        text = _key_covered(text, key.strip(), only_as_answer=shared)
    return text


def _spoken(text: str, option: str) -> bool:
    option = option.strip()
    return bool(option) and _may_hold(text, option) and _pattern(option).search(text) is not None


def _may_hold(text: str, key: str) -> bool:
    """Whether a pattern of the key is worth making: not where its first word is absent."""
    first = key.strip("$ ").split()[:1]
    if not first or not (text.isascii() and key.isascii()):
        return True
    return first[0].lower() in text.lower()


@lru_cache(maxsize=4096)
def _pattern(key: str) -> re.Pattern[str]:
    """The key as it may stand in a text: any case, any spaces, with or without dollar signs."""
    bare = key.strip("$ ")
    inner = r"\s+".join(re.escape(word) for word in bare.split()) or re.escape(key)
    first, last = (bare or key)[0], (bare or key)[-1]
    left = r"(?<!\w)" if first.isalnum() else ""
    right = r"(?!\w)" if last.isalnum() else ""
    return re.compile(f"{left}{inner}{right}", re.IGNORECASE)


def _key_covered(text: str, key: str, *, only_as_answer: bool) -> str:
    if not key or not _may_hold(text, key):
        return text

    def cover(found: re.Match[str]) -> str:
        if only_as_answer and not _ANSWER_BEFORE.search(text[: found.start()]):
            return found.group()
        return BOX

    return _pattern(key).sub(cover, text)


def states_key(text: str, instance: Instance) -> bool:
    """Whether a text would have to be covered somewhere."""
    return masked(text, instance) != text
