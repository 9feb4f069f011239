"""A course as Moodle XML with fixed numbers. This file is that exporter.

Plain numbers become `numerical`, answers of the grammar `shortanswer` with the key as its text.
What Moodle has no place for stands in tags (`tagged`): the way back gives the same verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from engines.exercises.formats import finite_places
from engines.words import Course, Value
from server.transfer.drawn import (
    FORMULAS,
    Drawn,
    NotHeld,
    Outcome,
    drawn,
    losses,
    typable,
    width_of,
)
from server.transfer.hypertext import inline_html, to_html
from server.transfer.markup import spoken
from server.transfer.printing import HEAD, element, words
from server.transfer.questions import spelled
from server.transfer.tagged import settings_of, tags_of

VERSION = 1
"""Version of this exporter, named in the report."""
_KEEPS = frozenset({"hints", "explanation", "misconceptions"})
_HTML = {"format": "html"}
_PLAIN = {"format": "moodle_auto_format"}


def exported(course: Course, *, seeds: int) -> tuple[bytes, Outcome]:
    """The question bank as a file's bytes, and what it could not hold."""
    outcome = Outcome()
    made: list[str] = []
    category = ""
    for draws in drawn(course, seeds, outcome):
        try:
            questions = [_question(one, outcome) for one in draws]
        except NotHeld as error:
            outcome.left_out.add(error.reason, draws[0].made.item.id)
            continue
        if draws[0].skills[0] != category:
            category = draws[0].skills[0]
            made.append(_category(course, category))
        made += questions
        outcome.items += 1
        outcome.questions += len(questions)
    return f"{HEAD}{element('quiz', made)}\n".encode(), outcome


def _category(course: Course, skill: str) -> str:
    """The category of a skill; its description names the licence, which has no other place."""
    path = "/".join(name.replace("/", "//") for name in (course.title, skill))
    terms = ". ".join((course.license, *course.attribution))
    inside = [
        element("category", [_text(words(f"$course$/top/{path}"))]),
        element("info", [_text(words(terms))], {"format": "plain_text"}),
    ]
    return element("question", inside, {"type": "category"})


def _text(inside: str) -> str:
    return element("text", inside)


def _html(name: str, text: str) -> str:
    return element(name, [_text(words(to_html(text)))], _HTML)


def _question(one: Drawn, outcome: Outcome) -> str:
    typable(one)
    item = one.made.item
    kind, held, lines = _form(one, outcome)
    partial = held in {"multi", "order", "match"}
    settings = settings_of(one.answer, held=held, partial=partial)
    if held != one.answer.kind or held in {"numerical", "number"}:
        settings += [("accept", text) for text in one.made.accept]
    tags, lost = tags_of(settings)
    if lost:
        outcome.lose("judging", item.id)
    losses(one, outcome, keeps=_KEEPS)
    told = [element("tag", [_text(words(tag))]) for tag in (*item.tags, *tags)]
    inside = [
        element("name", [_text(words(item.title or one.id))]),
        _html("questiontext", one.made.prompt),
        _html("generalfeedback", one.explanation),
        element("defaultgrade", "1"),
        element("penalty", "0"),
        element("hidden", "0"),
        element("idnumber", words(one.id)),
        *lines,
        *(_html("hint", hint) for hint in one.hints),
        element("tags", told) if told else "",
    ]
    return element("question", inside, {"type": kind})


Form = tuple[str, str, list[str]]
"""Moodle's type, the kind that an importer takes it for, and the type's own elements."""


def _form(one: Drawn, outcome: Outcome) -> Form:
    kind = one.answer.kind
    if kind == "number":
        return _numerical(one, outcome)
    if kind in FORMULAS:
        return _short(one)
    if kind not in _FORMS:
        raise NotHeld("kind")
    return _FORMS[kind](one)


def _answer(text: str, percent: str, say: str, *, html: bool, more: tuple[str, ...] = ()) -> str:
    shown = inline_html(text) if html else text
    inside = [_text(words(shown)), *more, _html("feedback", say)]
    return element("answer", inside, {"fraction": percent, **(_HTML if html else _PLAIN)})


def _chosen(one: Drawn) -> Form:
    many = one.answer.kind == "multi"
    right = {one.key} if isinstance(one.key, str) else set(one.key)
    if not many:
        right |= set(one.answer.accept)
    said = {str(value): say for value, say in one.wrong}
    share = f"{float(Fraction(100, len(right))):.7g}" if many else "100"
    answers = [
        _answer(text, share if name in right else "0", said.get(name, ""), html=True)
        for name, text in one.options
    ]
    single = element("single", "false" if many else "true")
    return "multichoice", one.answer.kind, [single, element("shuffleanswers", "true"), *answers]


def _numerical(one: Drawn, outcome: Outcome) -> Form:
    """A number in a number's field; one whose decimals never end is a short answer."""
    if finite_places(one.value) is None:
        if one.answer.tolerance is not None:
            raise NotHeld("tolerance")
        return _short(one)
    tolerance = one.answer.tolerance
    width = Fraction(0)
    if tolerance is not None:
        width = width_of(tolerance, one.value)
        if finite_places(width) is None:
            raise NotHeld("tolerance")
        if tolerance.abs is None:
            outcome.lose("tolerance-as-width", one.made.item.id)
    off = (element("tolerance", spelled(width)),)
    answers = [_answer(spelled(one.value), "100", "", html=False, more=off)]
    for value, say in one.wrong:
        if isinstance(value, Fraction) and finite_places(value) is not None:
            exact = (element("tolerance", "0"),)
            answers.append(_answer(spelled(value), "0", say, html=False, more=exact))
        else:
            outcome.lose("misconceptions", one.made.item.id)
    return "numerical", "number", answers


def _short(one: Drawn) -> Form:
    """A typed text. Moodle reads `*` in it as any text, so that it is escaped."""
    keys = [one.key] if isinstance(one.key, str) else [str(each) for each in one.key]
    right = [*keys, *(one.made.accept if one.answer.kind == "text" else ())]
    answers = [_answer(_escaped(text), "100", "", html=False) for text in right]
    answers += [_answer(_escaped(_typed(value)), "0", say, html=False) for value, say in one.wrong]
    return "shortanswer", "text", [element("usecase", "0"), *answers]


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")


def _typed(value: Value) -> str:
    return spelled(value) if isinstance(value, Fraction) else value


def _ordered(one: Drawn) -> Form:
    texts = dict(one.left)
    assert isinstance(one.key, list)
    if sorted(one.key) != sorted(texts):
        raise NotHeld("widget")
    answers = [
        _answer(texts[name], str(at), "", html=True) for at, name in enumerate(one.key, start=1)
    ]
    across = bool(getattr(one.made.item.widget, "across", False))
    lines = [
        element("layouttype", "HORIZONTAL" if across else "VERTICAL"),
        element("selecttype", "ALL"),
        element("selectcount", "0"),
        element("gradingtype", "LONGEST_ORDERED_SUBSET"),
        element("showgrading", "SHOW"),
    ]
    return "ordering", "order", [*lines, *answers]


def _matched(one: Drawn) -> Form:
    assert isinstance(one.key, dict)
    right = dict(one.right)
    pairs = [(text, right[one.key[name]]) for name, text in one.left]
    pairs += [("", text) for name, text in one.right if name not in one.key.values()]
    lines = [
        element(
            "subquestion",
            [
                _text(words(inline_html(left))),
                element("answer", [_text(words(spoken(other)))]),
            ],
            _HTML,
        )
        for left, other in pairs
    ]
    return "matching", "match", [element("shuffleanswers", "true"), *lines]


_FORMS: dict[str, Callable[[Drawn], Form]] = {
    "choice": _chosen,
    "multi": _chosen,
    "text": _short,
    "order": _ordered,
    "match": _matched,
}
