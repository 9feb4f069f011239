"""Answers of OATutor's steps in a course's kinds. This file decides which kind judges one.

A kind is taken only where the answer, typed as the source writes it, is judged correct: the first
that does so, from the plainest on; what no kind reads is kept as a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec

from engines.exercises.grading import graded, key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.mentions import numbers_in
from engines.exercises.reading import Reading, number_read
from engines.exercises.template import instance
from engines.words import Item
from server.authoring.oatutor_texts import (
    LETTERS,
    SPACES,
    formula_of,
    has_figure,
    text_of,
)
from server.transfer.tally import NotImported

_NAMED = re.compile(r"([A-Za-z])\s*=\s*(.+)\Z")
_TWO_SIGNS = re.compile(r"\\pm(?![a-z])|±|\\mp(?![a-z])|∓")
_RELATION = re.compile(r"[=<>≤≥]|\\(?:leq?|geq?|lt|gt)(?![a-z])")
_ENDS = re.compile(r"[\[(][^()\[\]]*,[^()\[\]]*[\])](?:\s*(?:∪|\\cup(?![a-z])|U)\s*|\Z)")
_ENDLESS = re.compile(r"∞|\\infty|[\[\]]")
_OPERATION = re.compile(r"[-+*/^|√]|\\(?!\$|%)|\d\s*[A-Za-z]|\)\s*\(")
_LINE_END = re.compile(r"\\n(?![a-z])")
_SOLVED = re.compile(r"([A-Za-z])\s*=(?!.*=)")
_SCIENTIFIC = re.compile(r"(?i)scientific notation")
_QUOTIENT = re.compile(r"/|\\frac")
_ROUND = str.maketrans("{}", "()")
_ANY_ORDER = re.compile(
    r"(?i)ascending|descending|smallest|largest|find the (?:two )?(?:numbers|integers)"
)
_FORMS = (
    (re.compile(r"(?i)\bfactor(?!ial)"), "factored"),
    (re.compile(r"(?i)rationali[sz]e"), "rational-denominator"),
    (re.compile(r"(?i)\b(?:multiply|product|expand|distribut|square a binomial)"), "expanded"),
    (re.compile(r"(?i)\b(?:like terms|simplify|add|subtract|divide)"), "collected"),
)
"""What a step's words ask for, the form that says so."""


@dataclass(frozen=True)
class Answer:
    """An answer in a course's form: the keys `answer` and perhaps `choices` of an item."""

    fields: dict[str, Any]
    shown: str
    """The key as a learner's text prints it."""
    value: Fraction | None = None
    repeated: bool = False
    """Whether two choices read the same."""
    each: tuple[Answer, ...] = ()
    """Where the numbers are drawn: the answer at each place."""
    proven: bool = False
    """Whether it was seen to accept itself."""

    @property
    def kind(self) -> str:
        """Of the answer."""
        return str(self.fields["answer"]["kind"])


class Asked(NamedTuple):
    """What an answer is given to: the question as shown, further words that may ask for a form."""

    prompt: str = "?"
    words: str = ""
    locale: str = "en"


UNASKED = Asked()


def answer_of(step: dict[str, Any], keys: list[str], asked: Asked = UNASKED) -> Answer:
    """The answer of a step or a scaffold. Raises `NotImported` where nothing can judge it."""
    key = keys[0].strip() if keys else ""
    if not key:
        raise NotImported("no-answer")
    if step.get("problemType") == "MultipleChoice":
        return _chosen(key, step.get("choices") or [])
    bare = bare_of(key)
    exact = step.get("answerType") == "arithmetic"
    named = _NAMED.match(bare)
    number = _number(named[2] if named else bare) if exact or "," not in bare else None
    if number is not None:
        return _counted(key, bare, number, named=bool(named))
    return _formula(key, bare, asked, exact=exact) or _worded(key, bare)


def bare_of(key: str) -> str:
    """The key as a learner types it: without dollars about it or a line end left in it."""
    return _LINE_END.sub(" ", key.replace("$$", "")).strip()


def _number(text: str) -> Reading | None:
    """The text as one written number; a sum or a power to work out is none."""
    try:
        read = number_read(text.removeprefix("\\$").removeprefix("$"))
    except ExpressionError:
        return None
    return None if read.shape in {"operation", "scientific"} else read


def _counted(key: str, bare: str, read: Reading, *, named: bool) -> Answer:
    """A number's answer; as in the source, any way to write the right value is taken."""
    answer: dict[str, Any] = {"kind": "number", "value": _expression(read)}
    if read.shape in {"fraction", "mixed"} and read.value.denominator > 1:
        answer = {"kind": "fraction", "value": str(read.value), "form_policy": "accept"}
    if named:
        answer["accept"] = [bare]
    shown = text_of(key if "$$" in key else f"$${key}$$")
    return Answer({"answer": answer}, shown, read.value)


def _expression(read: Reading) -> str:
    if read.value.denominator == 1:
        return str(read.value.numerator)
    if read.shape == "decimal":
        return f"{'-' if read.value < 0 else ''}{_decimal(abs(read.value), read.places)}"
    return str(read.value)


def _decimal(value: Fraction, places: int) -> str:
    digits = str(int(value * 10**places)).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


# --- formulas ------------------------------------------------------------------------------------


def _formula(key: str, bare: str, asked: Asked, *, exact: bool) -> Answer | None:
    """The answer under the first kind that takes it; None where no kind does."""
    for spec in _tries(formula_of(bare), f"{asked.words}\n{asked.prompt}", exact=exact):
        fields = {"prompt": asked.prompt, "answer": spec}
        taken = _taken(fields, ("", bare), asked.locale)
        if taken == [True, False]:
            spec["accept"] = [*spec.get("accept", ()), bare.replace("@{", "@@{")]
            taken = _taken(fields, ("", bare), asked.locale)
        if all(taken):
            return Answer({"answer": spec}, _shown(key), proven=True)
    return None


def _tries(formula: str, asks: str, *, exact: bool) -> Iterator[dict[str, Any]]:
    """Answers to try, the plainest kind first; of a kind, the one that asks for a form first."""
    value = formula.replace("@{", "@@{")
    if "\\begin{" in formula:
        yield {"kind": "matrix", "value": value}
    elif _TWO_SIGNS.search(formula):
        yield {"kind": "set", "value": value}
    elif "," in formula or "\n" in formula:
        yield from _several(value, asks)
    elif _RELATION.search(formula):
        solved = _SOLVED.match(formula)
        if solved is not None:
            yield {"kind": "equation", "value": value, "form": f"solved-for({solved[1]})"}
        yield {"kind": "equation", "value": value}
    elif exact or _OPERATION.search(formula):
        if _SCIENTIFIC.search(asks):
            yield {"kind": "number", "value": _times_ten(formula), "form": "scientific"}
        for words, form in _FORMS:
            if words.search(asks) and not (form == "expanded" and _QUOTIENT.search(formula)):
                yield {"kind": "expression", "value": value, "form": form}
        yield {"kind": "expression", "value": value}


def _times_ten(formula: str) -> str:
    r"""A power of ten times a number as a template computes it.

    >>> _times_ten(r"9.6\times{10}^{\left(-4\right)}")
    '9.6*(10)^((-4))'
    """
    plain = re.sub(r"\\(?:left|right)", "", formula)
    return re.sub(r"\\times|\\cdot", "*", plain).translate(_ROUND)


def _several(value: str, asks: str) -> Iterator[dict[str, Any]]:
    """Intervals; and lists where the order says nothing, as the solutions of an equation."""
    if _ENDLESS.search(value) and _ENDS.match(value):
        yield {"kind": "interval", "value": value}
    entries = [entry.strip() for entry in value.split(",")]
    named = [_NAMED.match(entry) for entry in entries]
    names = {found[1] for found in named if found is not None}
    if all(named) and len(names) == 1:
        inside = ", ".join(found[2].strip() for found in named if found is not None)
        accept = [", ".join(entries), ", ".join(reversed(entries))]
        yield {"kind": "set", "value": f"{{{inside}}}", "accept": accept}
    elif _ANY_ORDER.search(asks) and len(entries) == len(set(entries)):
        yield {"kind": "set", "value": f"{{{', '.join(entries)}}}", "accept": [value]}


def _worded(key: str, bare: str) -> Answer:
    template = unicodedata.normalize("NFC", bare.replace("@{", "@@{"))
    return Answer({"answer": {"kind": "text", "value": template}}, _shown(key))


def _shown(key: str) -> str:
    return text_of(key if "$$" in key else f"$${key}$$" if "\\" in key else key)


def accepts_itself(fields: dict[str, Any], *, locale: str = "en") -> bool:
    """Whether an item's key, as a learner would give it, is judged correct."""
    return all(_taken(fields, ("",), locale))


def _taken(fields: dict[str, Any], texts: tuple[str, ...], locale: str) -> list[bool]:
    """Whether each text is judged correct; the key itself stands for an empty one."""
    try:
        drawn = instance(item_of(fields), "", 0)
        given = [text or key_spelled(drawn, locale=locale) for text in texts]
        return [graded(drawn, each, locale=locale).verdict == "correct" for each in given]
    except (ExpressionError, msgspec.ValidationError, ValueError):
        return [False]


def item_of(fields: dict[str, Any]) -> Item:
    """An item with these keys of the author's form, but its pictures, which judge nothing.

    Raises msgspec.ValidationError.
    """
    fields = {key: value for key, value in fields.items() if key != "media"}
    item = {"id": "x", "skills": ["x"], "prompt": "?", "hints": [], **fields}
    return msgspec.convert(_renamed(item), Item)


def _renamed(item: dict[str, Any]) -> dict[str, Any]:
    """The item under the canonical form's names."""
    named = {("options" if key == "choices" else key): value for key, value in item.items()}
    hints = [
        {("options" if key == "choices" else key): value for key, value in hint.items()}
        for hint in item["hints"]
    ]
    return {**named, "hints": hints}


# --- choices -------------------------------------------------------------------------------------


def _chosen(key: str, choices: list[str]) -> Answer:
    if len(choices) < 2 or len(choices) > len(LETTERS):
        raise NotImported("too-few-choices" if len(choices) < 2 else "too-many-choices")
    if has_figure(*choices):
        raise NotImported("figure")
    places = [at for at, choice in enumerate(choices) if _same(choice, key)]
    if not places:
        raise NotImported("key-not-among-choices")
    texts = [text_of(choice) or "\\_" for choice in choices]
    answer: dict[str, Any] = {"kind": "choice", "value": LETTERS[places[0]]}
    if len(places) > 1:
        answer["accept"] = [LETTERS[at] for at in places[1:]]
    listed = [{"id": LETTERS[at], "text": text} for at, text in enumerate(texts)]
    repeated = len(set(texts)) < len(texts)
    return Answer({"choices": listed, "answer": answer}, texts[places[0]], repeated=repeated)


def _same(one: str, other: str) -> bool:
    return SPACES.sub("", one) == SPACES.sub("", other)


def holds_key(text: str, answer: Answer) -> bool:
    """Whether a converted text states the answer."""
    if answer.value is not None:
        return answer.value in numbers_in(text)
    return re.sub(r"[$\s]", "", answer.shown) in re.sub(r"[$\s]", "", text)
