r"""The formulas of a text that equal a key, however they are written. This file finds them.

A key with letters, relations or brackets has endlessly many spellings: `2(x + 3)` tells `2x + 6`.
So each formula of a text is put before the checker as an answer would be; what it takes as right
tells the key, and so does what is only in another form, unless the question itself prints such a
one (then rewriting is the task, and only the form asked for tells).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.folding import word_set
from engines.exercises.grading import graded
from engines.exercises.keyed import Keyed
from engines.exercises.limits import LIMITS
from engines.words import Instance

FORMULA_KINDS = frozenset(("expression", "equation", "interval", "set", "matrix"))
"""Kinds whose keys are formulas of the answer grammar."""
MOST_FORMULAS = 64
"""Formulas of one piece of text that are looked at; a piece with more of them is no sentence."""
_KEPT = 4096

FUNCTION_WORDS = word_set(
    "sqrt root abs exp ln log sin cos tan asin acos atan pi frac inf infinity "
    "matrix pmatrix bmatrix vmatrix"
)
"""Names without a backslash that belong to a formula."""
SIGN_WORDS = {
    "plus": "+", "minus": "-", "times": "*", "over": "/", "squared": "^2", "cubed": "^3",
    "equals": "=", "equal": "=",
}  # fmt: skip
"""Words that may stand for a sign inside a formula."""

ROOT_WORDS = word_set("square squareroot cube")
"""Words that begin a root said in words; `root` itself is a name of a function."""
_ROOT_SAID = re.compile(
    r"\b(?:(?:the\s+)?(square\s*|cube\s+)root(?:\s+of)?|root(?:\s+of)?(?=\s+(?:\d|[a-z]\b)))(?!\w|\s*\()",
    re.IGNORECASE,
)
_WORD_SIGN = re.compile(rf"\b({'|'.join(SIGN_WORDS)})\b", re.IGNORECASE)
_DIVIDED = re.compile(r"\bdivided\s+by\b", re.IGNORECASE)
_DRESS = re.compile(r"\$+|(?<![\w)\]}])\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?![\w(\[{\\ *-])|`+|▢")
_LATEX_WORD = re.compile(r"\\(?:text|mathrm|mathbf|boxed|displaystyle)(?![a-zA-Z])")
_PROSE = re.compile(
    rf"(?<![\\a-zA-Z])(?!(?:{'|'.join(sorted(FUNCTION_WORDS))}|and|or)(?![a-zA-Z]))"
    r"[a-zA-Z]{2,}(?:'[a-z]+)?"
)
_STOPS = re.compile(r"[.;:!?]+(?=\s|$)|\n|[;?!]|(?<!\\)&")
_COMMA = re.compile(r",|\b(?:and|or)\b", re.IGNORECASE)
_RELATION = re.compile(
    r"(?:<=|>=|!=|[=<>≤≥≠≈→⇒]|\\(?:leq?|geq?|lt|gt|approx|to|Rightarrow)(?![a-z]))+"
)
_MARK = re.compile(r"\A\s*(?:\d{1,2}[.)]\s+|[-•]\s+)?(?:[aAI]\s+(?=[\d(\\a-z]))?")
_EDGES = " \t\n.,;:!?\"'"
_MATRIX = re.compile(r"\\begin\s*\{([a-z]*matrix)\}.*?\\end\s*\{\1\}", re.DOTALL)
_NUMBER = r"[-−]?\s?(?:\d+(?:\.\d+)?(?:\s?/\s?\d+)?|\\[dt]?frac\{[-−]?\d+\}\{\d+\})"
_LISTED = re.compile(rf"{_NUMBER}(?:\s*(?:,\s*(?:and|or)?|and|or|&)\s*{_NUMBER})+", re.IGNORECASE)
_BOUND = rf"({_NUMBER}|[-−+]?(?:∞|\\infty|inf(?:inity)?))"
_LESS = r"\s*(<=|≤|\\leq?|<)\s*"
_MORE = r"\s*(>=|≥|\\geq?|>)\s*"
_BETWEEN = re.compile(rf"{_BOUND}{_LESS}[a-zA-Z]{_LESS}{_BOUND}")
_BELOW = re.compile(rf"(?<![\w.])[a-zA-Z]{_LESS}{_BOUND}")
_ABOVE = re.compile(rf"(?<![\w.])[a-zA-Z]{_MORE}{_BOUND}")
_OPENING, _CLOSING = "([{", ")]}"


class Span(NamedTuple):
    """A formula of a text: from where to where, and as it is read."""

    start: int
    end: int
    text: str


def equal_to_key(candidate: str, instance: Instance) -> bool:
    """Whether a formula tells the key: the checker would take it, or only asks for another form.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="expression", value="2*x + 6")
    >>> made = instance(Item("i", ("s",), "Three more than $x$, twice.", spec), "", 0)
    >>> equal_to_key("2(x + 3)", made), equal_to_key("2x + 3", made)
    (True, False)
    """
    text = candidate.strip()
    if not text or len(text) > LIMITS.code_points:
        return False
    return _equal(text, Keyed(instance))


@lru_cache(maxsize=_KEPT)
def _equal(text: str, keyed: Keyed) -> bool:
    verdict = graded(keyed.instance, text)
    if verdict.verdict == "correct":
        return True
    if verdict.verdict != "wrong_form" or verdict.note == "restated":
        return False
    return not _rewrites(keyed)


def has_root(instance: Instance) -> bool:
    """Whether a key has a root, so that a root in words may tell it."""
    return any(sign in str(instance.key) for sign in ("sqrt", "root", "√", "∛"))


def is_rewriting(instance: Instance) -> bool:
    """Whether the question prints the key in another form, so that rewriting it is the task.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="equation", value="x = 3")
    >>> is_rewriting(instance(Item("i", ("s",), "Solve $2x + 1 = 7$.", spec), "", 0))
    True
    """
    return _rewrites(Keyed(instance))


@lru_cache(maxsize=_KEPT)
def _rewrites(keyed: Keyed) -> bool:
    """Whether the question prints the key's value in another form: rewriting it is the task."""
    made = keyed.instance
    return any(
        graded(made, span.text).verdict in ("correct", "wrong_form")
        for span in formulas_in(made.prompt, made.item.answer.kind)
    )


def telling(text: str, instance: Instance) -> list[Span]:
    """The formulas of a text that tell the key, in order."""
    kind = instance.item.answer.kind
    return [s for s in formulas_in(text, kind) if equal_to_key(s.text, instance)]


@lru_cache(maxsize=_KEPT)
def formulas_in(text: str, kind: str) -> tuple[Span, ...]:
    r"""The formulas of a text that may be an answer of this kind, each once.

    >>> [s.text for s in formulas_in("We get $2x + 6 = 8$, so go on.", "expression")]
    ['2x + 6', '8']
    >>> "[2, 5)" in [s.text for s in formulas_in("So $2 \\le x < 5$ holds.", "interval")]
    True
    """
    plain = _undressed(text)
    found: dict[tuple[int, int, str], Span] = {}
    for segment in _segments(plain):
        for span in _of_kind(plain, segment, kind):
            made = _trimmed(span)
            if made is not None:
                found.setdefault(made, made)
            if len(found) >= MOST_FORMULAS:
                return tuple(sorted(found.values()))
    return tuple(sorted(found.values()))


def _undressed(text: str) -> str:
    """The text with emphasis, dollar signs and words for signs made plain, place by place.

    Its length stays: what is left out becomes blanks, so that places are those of the text.
    """

    def blank(found: re.Match[str]) -> str:
        return " " * len(found.group())

    text = _LATEX_WORD.sub(blank, _DRESS.sub(blank, text))
    text = _ROOT_SAID.sub(_root_sign, text)
    text = _DIVIDED.sub(lambda m: "/".ljust(len(m.group())), text)
    return _WORD_SIGN.sub(lambda m: SIGN_WORDS[m[1].lower()].ljust(len(m.group())), text)


def _root_sign(said: re.Match[str]) -> str:
    """The function for a root in words, as long as the words."""
    sign = "∛" if (said[1] or "").lower().startswith("cube") else "sqrt"
    return sign.ljust(len(said.group()))


def _segments(plain: str) -> Iterator[tuple[int, int]]:
    """Stretches between words of prose and ends of sentences: each may hold formulas."""
    at = 0
    breaks = sorted(
        (m.start(), m.end())
        for pattern in (_PROSE, _STOPS)
        for m in pattern.finditer(plain)
        if not _in_matrix(plain, m.start())
    )
    for start, end in (*breaks, (len(plain), len(plain))):
        if start > at and re.search(r"[\w∞\\]", plain[at:start]):
            yield at, start
        at = max(at, end)


def _in_matrix(plain: str, at: int) -> bool:
    return "\\begin" in plain and any(m.start() <= at < m.end() for m in _MATRIX.finditer(plain))


def _of_kind(plain: str, segment: tuple[int, int], kind: str) -> Iterator[Span]:
    start, end = segment
    text = plain[start:end]
    if kind == "expression":
        yield from _split(text, start, (_COMMA, _RELATION))
    elif kind == "equation":
        yield from _relations(text, start)
    else:
        yield from _bracketed(text, start)
        yield from _split(text, start, (_RELATION,))
        if kind == "set":
            for found in _LISTED.finditer(text):
                begin = start + found.start() + _blanks(found.group())
                listed = re.sub(r"\s*(?:,\s*(?:and|or)?|\band\b|\bor\b|&)\s*", ", ", found.group())
                yield Span(begin, start + found.end(), f"{{{listed.strip()}}}")
        elif kind == "interval":
            yield from _bounded(text, start)


def _split(text: str, start: int, by: tuple[re.Pattern[str], ...]) -> Iterator[Span]:
    """The parts of a text between these signs that stand in no bracket, and the whole."""
    cuts = sorted(
        (m.start(), m.end())
        for pattern in by
        for m in pattern.finditer(text)
        if not _depth(text, m.start())
    )
    at = 0
    for cut, after in (*cuts, (len(text), len(text))):
        if cut > at:
            yield Span(start + at, start + cut, text[at:cut])
        at = after


def _depth(text: str, at: int) -> int:
    """How many brackets are open before a place."""
    opened = sum(text.count(sign, 0, at) for sign in _OPENING)
    return max(0, opened - sum(text.count(sign, 0, at) for sign in _CLOSING))


def _relations(text: str, start: int) -> Iterator[Span]:
    """The relations of a text: whole, and of a chain each pair of neighbours."""
    for part in _split(text, start, (_COMMA,)):
        signs = [m for m in _RELATION.finditer(part.text) if not _depth(part.text, m.start())]
        if not signs:
            continue
        yield part
        if len(signs) > 1:
            ends = [0, *(m.end() for m in signs)]
            stops = [*(m.start() for m in signs[1:]), len(part.text)]
            for begin, stop in zip(ends, stops, strict=False):
                yield Span(part.start + begin, part.start + stop, part.text[begin:stop])


def _bracketed(text: str, start: int) -> Iterator[Span]:
    """From each outermost bracket to its end, and from the first to the last one (unions)."""
    for found in _MATRIX.finditer(text):
        yield Span(start + found.start(), start + found.end(), found.group())
    spans: list[tuple[int, int]] = []
    depth, begun = 0, 0
    for at, sign in enumerate(text):
        if sign in _OPENING:
            if depth == 0:
                begun = at - (at > 0 and text[at - 1] == "\\")
            depth += 1
        elif sign in _CLOSING and depth:
            depth -= 1
            if depth == 0:
                spans.append((begun, at + 1))
    for begin, stop in spans:
        if text[begin:stop].endswith("matrix}"):
            continue
        yield Span(start + begin, start + stop, text[begin:stop])
    if len(spans) > 1:
        begin, stop = spans[0][0], spans[-1][1]
        yield Span(start + begin, start + stop, text[begin:stop])


def _bounded(text: str, start: int) -> Iterator[Span]:
    """Inequalities about one variable, as the intervals that they are."""
    taken: list[tuple[int, int]] = []
    for found in _BETWEEN.finditer(text):
        low, first, second, high = (part.strip() for part in found.groups())
        left, right = "(" if first == "<" else "[", ")" if second == "<" else "]"
        taken.append(found.span())
        begin = start + found.start() + _blanks(found.group())
        yield Span(begin, start + found.end(), f"{left}{low}, {high}{right}")
    for pattern in (_BELOW, _ABOVE):
        for found in pattern.finditer(text):
            if any(a <= found.start() < b for a, b in taken):
                continue
            sign, bound = (part.strip() for part in found.groups())
            if pattern is _BELOW:
                made = f"(-inf, {bound}{')' if sign == '<' else ']'}"
            else:
                made = f"{'(' if sign == '>' else '['}{bound}, inf)"
            yield Span(start + found.start(), start + found.end(), made)


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def _trimmed(span: Span) -> Span | None:
    """A span without list marks, articles and punctuation at its edges; None for nothing."""
    lead = _MARK.match(span.text)
    begin = lead.end() if lead is not None else 0
    text = span.text[begin:]
    begin += len(text) - len(text.lstrip(_EDGES))
    text = text.strip(_EDGES)
    if not text or len(text) > LIMITS.code_points:
        return None
    whole = span.end - span.start == len(span.text)
    start = span.start + begin if whole else span.start
    return Span(start, start + len(text) if whole else span.end, text)


_ENTRY = re.compile(r"[-−]?\s?\d+(?:\.\d+)?(?:\s?/\s?\d+)?")
_WHOLE_NUMBER = re.compile(r"\(?\s*([-−]?\s*\d+(?:\.\d+)?)\s*\)?(?:\s*/\s*\(?\s*(\d+)\s*\)?)?")


def number_key(instance: Instance) -> Fraction | None:
    """The key as one rational number, where it is no more than that.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="expression", value="-3/4")
    >>> number_key(instance(Item("i", ("s",), "?", spec), "", 0))
    Fraction(-3, 4)
    """
    found = _WHOLE_NUMBER.fullmatch(str(instance.key).strip())
    if found is None or found[2] == "0":
        return None
    return _fraction(found[1]) / (int(found[2]) if found[2] else 1)


def set_entries(instance: Instance) -> tuple[Fraction, ...]:
    """The numbers that a set is made of, in its order; none for another kind.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="set", value="{-1/2, 5}")
    >>> [str(v) for v in set_entries(instance(Item("i", ("s",), "?", spec), "", 0))]
    ['-1/2', '5']
    """
    if instance.item.answer.kind != "set":
        return ()
    return tuple(_fraction(found.group()) for found in _ENTRY.finditer(str(instance.key)))


def _fraction(text: str) -> Fraction:
    return Fraction(re.sub(r"\s", "", text).replace("−", "-"))
