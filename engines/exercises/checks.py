"""Faults of one item that can be told from what the author wrote. This file is those checks.

Templates and params (C201, C202), the key's expression (C307) and the hint ladder (C401, C402)
are read as they stand; `trials` then draws numbers and tries the item. An equation to be solved
should ask for its solved form (C310).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from engines.exercises.answer_grammar import answer_code
from engines.exercises.expression import parsed
from engines.exercises.forms import form_named
from engines.exercises.keys import SYMBOLIC, dialect_of, key_code
from engines.exercises.limits import ExpressionError
from engines.exercises.params import ParamCycle, ParamError, Undrawable, param_plan
from engines.exercises.telling import is_rewriting
from engines.exercises.template import instance, names_in, part_items
from engines.exercises.trials import told_places, trial_findings
from engines.exercises.widget_checks import widget_places
from engines.words import AnswerSpec, Finding, Instance, Item, Option

Path = tuple[str | int, ...]

_NUMBERS = frozenset({"number", "fraction"})
_LEVELS = {"nudge": 0, "point": 1, "scaffold": 2, "sibling": 3, "bottom-out": 4}


class Place(NamedTuple):
    """One template or expression of an item, and where it stands."""

    path: Path
    text: str
    expression: bool
    own: frozenset[str] = frozenset()
    """Names it may use besides the params."""


def item_findings(
    item: Item, course_sha256: str, path: Path, locales: tuple[str, ...] = ("en",)
) -> list[Finding]:
    """Every fault of one item; `path` is the item's own place in the course.

    `locales` are those of the course, its own first. Costs up to 200 instances. An item that cannot
    be drawn at all is not tried further.
    """
    static = [*_written(item, path), *_symbolic(item, path), *_ladder(item, path)]
    if any(found.code in {"C201", "C202", "C307"} for found in static):
        return static
    tried = trial_findings(item, course_sha256, path, locales)
    return [*static, *_unsolved(item, course_sha256, path), *tried]


def places(item: Item) -> Iterator[Place]:
    """Every template and expression of an item, the question first."""
    yield Place(("prompt",), item.prompt, False)
    for name, spec in item.params.items():
        if "expr" in spec:
            yield Place(("params", name, "expr"), str(spec["expr"]), True)
    for at, condition in enumerate(item.where):
        yield Place(("where", at), condition, True)
    yield from _question_places(item)
    yield from _part_places(item)
    numeric = item.answer.kind in _NUMBERS
    for at, misconception in enumerate(item.misconceptions):
        yield Place(("misconceptions", at, "when"), misconception.when, numeric)
    for path, text in told_places(item):
        if text:
            yield Place(path, text, False)
    for at, hint in enumerate(item.hints):
        yield from _asked_places(("hints", at), "answer", hint.answer, hint.options)
    for at, step in enumerate(item.steps):
        yield from _asked_places(("steps", at), "ask", step.ask, step.options)
    for at, goal in enumerate(item.goals):
        for place in _asked_places((), "expect", goal.expect, goal.options):
            yield place._replace(path=("goals", at))


def _asked_places(
    path: Path, name: str, answer: AnswerSpec | None, options: tuple[Option, ...]
) -> Iterator[Place]:
    for nth, option in enumerate(options):
        yield Place((*path, "options", nth, "text"), option.text, False)
    if answer is not None and isinstance(answer.value, str):
        yield Place((*path, name, "value"), answer.value, answer.kind in _NUMBERS)


def _part_places(item: Item) -> Iterator[Place]:
    for at, part in enumerate(part_items(item)):
        yield Place(("parts", at, "prompt"), part.prompt, False)
        for nth, option in enumerate(part.options):
            yield Place(("parts", at, "options", nth, "text"), option.text, False)
        for place in _question_places(part):
            yield place._replace(path=("parts", at, *place.path))


def _question_places(item: Item) -> Iterator[Place]:
    """The widget of an item, or of a part, and what it takes for right."""
    yield from (Place(*place) for place in widget_places(item.widget))
    yield from _answer_places(item)


def _answer_places(item: Item) -> Iterator[Place]:
    answer = item.answer
    if isinstance(answer.value, str) and answer.kind in _NUMBERS:
        yield Place(("answer", "value"), answer.value, True)
    elif isinstance(answer.value, str):
        yield Place(("answer", "value"), answer.value, False)
    for at, text in enumerate(answer.accept):
        yield Place(("answer", "accept", at), text, False)
    for name, examples in answer.examples.items():
        for at, text in enumerate(examples):
            yield Place(("answer", "examples", name, at), text, False)


def _written(item: Item, path: Path) -> Iterator[Finding]:
    """C201 for what does not parse or names an unknown param, C202, C307 for the key itself."""
    for place in places(item):
        at = (*path, *place.path)
        key = place.path[-2:] == ("answer", "value") and place.path[0] in ("answer", "parts")
        try:
            names = parsed(place.text).names if place.expression else names_in(place.text)
        except ExpressionError as error:
            told = f"{place.text!r}: {error}"
            yield Finding("C307" if key else "C201", "E", at, told, "mend the expression")
            continue
        for name in sorted(names - item.params.keys() - place.own):
            known = ", ".join(sorted(item.params)) or "none"
            yield Finding("C201", "E", at, f"unknown param {name!r}", f"params here: {known}")
    try:
        param_plan(item.params)
    except ParamCycle as error:
        yield Finding("C202", "E", (*path, "params"), str(error), "break the circle")
    except ParamError as error:
        yield Finding("C201", "E", (*path, "params"), str(error))
    except ExpressionError:
        return  # told above, with its place


def _symbolic(item: Item, path: Path) -> Iterator[Finding]:
    """C307 for a key in the answer grammar that does not parse, C201 for a wrong way's or a step's.

    Whatever names no param is a variable there.
    """
    params = frozenset(item.params)
    asked = [
        *((("hints", at, "answer"), each.answer) for at, each in enumerate(item.hints)),
        *((("steps", at, "ask"), each.ask) for at, each in enumerate(item.steps)),
        *((("parts", at, "answer"), each.answer) for at, each in enumerate(item.parts)),
    ]
    written: list[tuple[Path, str, AnswerSpec, str]] = [
        ((*place, "value"), answer.value, answer, "C307")
        for place, answer in [(("answer",), item.answer), *asked]
        if answer is not None and isinstance(answer.value, str)
    ]
    for at, wrong in enumerate(item.misconceptions):
        written.append((("misconceptions", at, "when"), wrong.when, item.answer, "C201"))
    for place, text, spec, code in written:
        if spec.kind not in SYMBOLIC:
            continue
        try:
            key_code(text, spec, params)
        except ExpressionError as error:
            yield Finding(code, "E", (*path, *place), f"{text!r}: {error}", "mend the expression")


def _unsolved(item: Item, course_sha256: str, path: Path) -> Iterator[Finding]:
    """C310 where an equation is to be solved, but no form is asked for.

    Each step of solving it equals the key then: it is taken as right, and no reply may show it.
    """
    if "equation" not in {each.answer.kind for each in (item, *part_items(item))}:
        return
    try:
        drawn = instance(item, course_sha256, 0)
    except (ExpressionError, ParamError, Undrawable):
        return  # told where it is tried
    for at, asked in enumerate(drawn.parts or (drawn,)):
        answer = asked.item.answer
        if answer.kind != "equation" or answer.form != "any":
            continue
        form = _solved_form(asked)
        if form and is_rewriting(asked):
            place = (*path, "parts", at) if drawn.parts else path
            told = "each step of solving it is taken as the answer, for no form is asked"
            yield Finding("C310", "W", (*place, "answer"), told, f"form: {form}")


def _solved_form(asked: Instance) -> str:
    """The solved form of an equation's key as an author asks for it; empty where it has none."""
    code = answer_code(str(asked.key), dialect_of(asked.item.answer))
    forms = (f"solved-for({name})" for name in sorted(code.names))
    return next((form for form in forms if form_named(form).fits(code)), "")


def _ladder(item: Item, path: Path) -> Iterator[Finding]:
    levels = [hint.level for hint in item.hints]
    if len(levels) < 2 or levels[-1] != "bottom-out":
        lacks = "fewer than 2 levels" if len(levels) < 2 else "no bottom-out at its end"
        ended = levels[-1:] == ["bottom-out"]
        fix = "put a nudge before the bottom-out" if ended else "end it with bottom-out"
        at = (*path, "hints") if levels else path
        yield Finding("C401", "E", at, f"the hint ladder has {lacks}", fix)
    for nth, (before, after) in enumerate(pairwise(levels), start=1):
        if _LEVELS[after] < _LEVELS[before] or before == "bottom-out":
            told = f"{after} stands after {before}"
            fix = f"the order is {', '.join(_LEVELS)}"
            yield Finding("C402", "E", (*path, "hints", nth, "level"), told, fix)
