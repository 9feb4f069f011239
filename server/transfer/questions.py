"""A question of another system, and its answer in a course's kinds. This file is that form.

The builders take what a format says of its answers (text, share of the credit, what is said to
it) and give the keys of an item. Texts come in as Markdown, made by `markup` or `hypertext`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from engines.exercises.limits import ExpressionError
from engines.exercises.marks import respelled
from engines.exercises.reading import number_read
from server.authoring.oatutor_texts import slug
from server.authoring.shapes import exact
from server.transfer.markup import bare
from server.transfer.pictures import Pictures
from server.transfer.reasons import MOST_CHOICES
from server.transfer.tally import NotImported

LETTERS = "abcdefghijkl"
MOST_LISTED = 50
"""Further answers and misconceptions that an item may list."""
MOST_SKILLS = 4
FULL = Fraction(1)

_NUMBER = re.compile(r"[-+−]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
_QUOTIENT = re.compile(r"[-+−]?\d{1,300}/\d{1,300}")
_UNESCAPED_STAR = re.compile(r"(?<!\\)\*")


@dataclass(frozen=True)
class Given:
    """One answer as a format lists it: its share of the credit, and what is said to it."""

    text: str
    share: Fraction
    say: str = ""
    tolerance: str = ""


@dataclass
class Judged:
    """How a question is answered: an item's keys `answer`, `choices` and `widget`.

    `shown` is the key as a learner's text prints it, `said` what is said to who is right.
    """

    fields: dict[str, Any]
    shown: str
    value: Fraction | None = None
    misconceptions: list[dict[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Question:
    """One question on its way; `which` is how the report names it."""

    which: str
    prompt: str
    judged: Judged
    title: str = ""
    skills: list[str] = field(default_factory=list)
    """Names of skills as the source has them; the course's title where it has none."""
    hints: list[str] = field(default_factory=list)
    explanation: str = ""
    tags: list[str] = field(default_factory=list)
    difficulty: Fraction | None = None
    params: dict[str, Any] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    pictures: Pictures | None = None
    notes: list[str] = field(default_factory=list)


def number_of(text: str) -> Fraction:
    """The number of a text as other systems write it. Raises `NotImported`.

    >>> number_of("-1.50"), number_of("3e2"), number_of("2/6")
    (Fraction(-3, 2), Fraction(300, 1), Fraction(1, 3))
    """
    plain = text.strip().replace("−", "-")
    if not (_NUMBER.fullmatch(plain) or _QUOTIENT.fullmatch(plain)):
        raise NotImported("bad-number")
    try:
        return Fraction(plain)
    except (ValueError, ZeroDivisionError):
        raise NotImported("bad-number") from None


def typed_number(text: str, locale: str = "en") -> Fraction | None:
    """The number that a learner types so, in any form that a course reads; None where it is none.

    >>> typed_number("1 1/2"), typed_number("1,5", "de"), typed_number("x")
    (Fraction(3, 2), Fraction(3, 2), None)
    """
    try:
        return number_read(respelled(text, locale, lists=False)).value
    except ExpressionError:
        return None


def spelled(value: Fraction) -> str:
    """A number as an answer's expression: a decimal where it ends, else a fraction.

    >>> spelled(Fraction(-3, 2)), spelled(Fraction(1, 3)), spelled(Fraction(4))
    ('-1.5', '1/3', '4')
    """
    below = value.denominator
    places = 0
    while below % 10 == 0 or below % 2 == 0 or below % 5 == 0:
        below //= 10 if below % 10 == 0 else 2 if below % 2 == 0 else 5
        places += 1
    if below != 1 or value.denominator == 1:
        return str(exact(value))
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def chosen(options: Sequence[Given], *, many: bool, partial: bool = True) -> Judged:
    """A choice of one, or with `many` of several. Raises `NotImported`."""
    _countable(options)
    if any(not option.text for option in options):
        raise NotImported("empty-choice")
    ids = LETTERS[: len(options)]
    listed = [{"id": each, "text": o.text} for each, o in zip(ids, options, strict=True)]
    if many:
        right = [each for each, option in zip(ids, options, strict=True) if option.share > 0]
        answer: dict[str, Any] = {"kind": "multi", "value": right}
        if partial:
            answer["partial"] = True
    else:
        right = [each for each, option in zip(ids, options, strict=True) if option.share >= FULL]
        answer = {"kind": "choice", "value": right[0] if right else ""}
        if right[1:]:
            answer["accept"] = right[1:]
    if not right:
        positive = any(option.share > 0 for option in options)
        raise NotImported("no-full-answer" if positive else "no-answer")
    texts = [option.text for each, option in zip(ids, options, strict=True) if each in right]
    made = Judged({"choices": listed, "answer": answer}, ", ".join(texts) if many else texts[0])
    for each, option in zip(ids, options, strict=True):
        _say(made, each, option, right=each in right)
    made.notes += _shares(options, many=many, partial=partial)
    return made


def _countable(listed: Sequence[object]) -> None:
    if len(listed) < 2:
        raise NotImported("too-few-choices")
    if len(listed) > MOST_CHOICES:
        raise NotImported("too-many-choices")


def _shares(options: Sequence[Given], *, many: bool, partial: bool) -> list[str]:
    """What of the shares is lost."""
    if not many:
        between = any(0 < option.share < FULL for option in options)
        return ["partial-answer"] if between else []
    uneven = len({option.share for option in options if option.share > 0}) > 1
    return ["weights"] if uneven and partial else []


def _say(made: Judged, when: str, given: Given, *, right: bool) -> None:
    """Keep what is said to an answer: with a wrong one as a misconception."""
    if not given.say:
        return
    if right:
        made.said.append(given.say)
    elif len(made.misconceptions) < MOST_LISTED:
        name = slug(bare(given.text), 40)
        taken = {each["id"] for each in made.misconceptions}
        unique = next(n for n in (name, *(f"{name}-{i}" for i in range(2, 99))) if n not in taken)
        made.misconceptions.append({"id": unique, "when": when, "say": given.say})
    else:
        made.notes.append("more-than-fifty")


def worded(answers: Sequence[Given]) -> Judged:
    """A short text, compared word by word. Raises `NotImported`."""
    notes: list[str] = []
    usable: list[Given] = []
    for answer in answers:
        if answer.text.strip() == "*":
            notes.append("any-other")
        elif _UNESCAPED_STAR.search(answer.text):
            notes.append("pattern-left-out")
        else:
            usable.append(answer)
    right = list(dict.fromkeys(_word(a.text) for a in usable if a.share >= FULL))
    if not right:
        lost = "pattern-left-out" in notes or any(
            a.share >= FULL and "*" in a.text for a in answers
        )
        raise NotImported("pattern" if lost else _lacking(answers))
    if right[1 + MOST_LISTED :]:
        notes.append("more-than-fifty")
    answer_: dict[str, Any] = {"kind": "text", "value": right[0]}
    if right[1:]:
        answer_["accept"] = right[1 : 1 + MOST_LISTED]
    made = Judged({"answer": answer_}, _as_words(right[0]), notes=notes)
    for answer in usable:
        if 0 < answer.share < FULL:
            made.notes.append("partial-answer")
        _say(made, _word(answer.text), answer, right=answer.share >= FULL)
    return made


def _word(text: str) -> str:
    """A right text as the template it is kept as."""
    plain = unicodedata.normalize("NFC", text.strip().replace("\\*", "*"))
    return plain.replace("@{", "@@{")


def _as_words(template: str) -> str:
    """A text's key inside a learner's text: its dollars are dollars."""
    return template.replace("$", "\\$")


def _lacking(answers: Sequence[Given]) -> str:
    return "no-full-answer" if any(answer.share > 0 for answer in answers) else "no-answer"


def counted(answers: Sequence[Given]) -> Judged:
    """A number, exact or within a tolerance. Raises `NotImported`."""
    notes = ["any-other" for answer in answers if answer.text.strip() == "*" and answer.say]
    listed = [answer for answer in answers if answer.text.strip() not in {"*", ""}]
    right = [answer for answer in listed if answer.share >= FULL]
    if not right:
        raise NotImported(_lacking(listed))
    value = number_of(right[0].text)
    answer_: dict[str, Any] = {"kind": "number", "value": spelled(value)}
    tolerance = number_of(right[0].tolerance or "0")
    if tolerance > 0:
        answer_["tolerance"] = {"abs": spelled(tolerance)}
    others = list(dict.fromkeys(spelled(number_of(each.text)) for each in right[1:]))
    if kept := [each for each in others if each != answer_["value"]][:MOST_LISTED]:
        answer_["accept"] = kept
    if any(number_of(each.tolerance or "0") > 0 for each in right[1:]):
        notes.append("second-tolerance")
    made = Judged({"answer": answer_}, f"${spelled(value)}$", value, notes=notes)
    for answer in listed:
        is_right = answer.share >= FULL
        if not is_right and answer.say and number_of(answer.tolerance or "0") > 0:
            made.notes.append("tolerance-of-wrong")
        if 0 < answer.share < FULL:
            made.notes.append("partial-answer")
        _say(made, spelled(number_of(answer.text)), answer, right=is_right)
    return made


def matched(pairs: Sequence[tuple[str, str]], extra: Sequence[str] = ()) -> Judged:
    """Two lists of which each left entry has one right; `extra` are right ones that none has."""
    _countable(pairs)
    rights = list(dict.fromkeys([right for _, right in pairs] + list(extra)))
    _countable(rights)
    if any(not text for pair in pairs for text in pair) or not all(rights):
        raise NotImported("empty-choice")
    named = {text: f"r{at}" for at, text in enumerate(rights, start=1)}
    left = [{"id": f"l{at}", "text": text} for at, (text, _) in enumerate(pairs, start=1)]
    widget = {
        "kind": "match",
        "left": left,
        "right": [{"id": each, "text": text} for text, each in named.items()],
    }
    value = {f"l{at}": named[right] for at, (_, right) in enumerate(pairs, start=1)}
    shown = "; ".join(f"{one} → {other}" for one, other in pairs)
    return Judged(
        {"widget": widget, "answer": {"kind": "match", "value": value, "partial": True}}, shown
    )


def ordered(texts: Sequence[str], *, across: bool = False, partial: bool = True) -> Judged:
    """Tokens to be put in the order given. Raises `NotImported`."""
    _countable(texts)
    if not all(texts):
        raise NotImported("empty-choice")
    tokens = [{"id": LETTERS[at], "text": text} for at, text in enumerate(texts)]
    widget: dict[str, Any] = {"kind": "order", "tokens": tokens}
    if across:
        widget["across"] = True
    answer: dict[str, Any] = {"kind": "order", "value": list(LETTERS[: len(texts)])}
    if partial:
        answer["partial"] = True
    return Judged({"widget": widget, "answer": answer}, " → ".join(texts))
