"""Items with their numbers fixed, as other systems can hold them. This file is what goes out.

Each item with params is drawn for several seeds; each draw becomes a question of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from engines.exercises.arranged import key_order, key_pairs
from engines.exercises.grading import key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.params import ParamError, Undrawable
from engines.exercises.template import instance, rendered
from engines.widget_words import MatchPairs, OrderTokens
from engines.words import AnswerSpec, Course, HintStep, Instance, Tolerance, Value
from server.transfer.tally import Tally

FORMULAS = frozenset({"fraction", "expression", "equation", "interval", "set", "matrix"})
"""Kinds whose answer is typed in the answer grammar and is no plain number."""
CHOICES = frozenset({"choice", "multi"})

LEFT_OUT = {
    "accept-of-number": "a further right answer is no number: the number field has no place for it",
    "kind": "no kind of the format judges it",
    "media": "it shows a picture, which is not carried out",
    "parts": "it has several questions",
    "tolerance": "the format's standard templates judge no tolerance",
    "undrawable": "its numbers cannot be drawn",
    "unit": "its answer has a unit, which the format would not judge",
    "widget": "it is answered in a widget that the format does not have",
}
"""Why an item is not written out."""

LOST = {
    "difficulty": "the difficulty has no place",
    "explanation": "the bottom-out has no place",
    "goals": "the Socratic goals have no place",
    "hints": "hints have no place",
    "hints-beyond-four": "hints beyond the fourth were left out",
    "judging": "a setting of the answer has no place; it may be judged a little differently there",
    "misconceptions": "what is said to known wrong answers has no place",
    "numbers": "its numbers were drawn once for each seed; there they stay",
    "scaffolds": "a scaffold's question became a hint without a field of its own",
    "sibling": "a worked twin among the hints was left out",
    "steps": "worked steps have no place",
    "tolerance-as-width": "a tolerance by places or share became one by width",
    "variants": "other ways to explain have no place",
    "widget": "the widget has no place; the answer is typed there",
}
"""What of an item that was written is not in the file."""


class NotHeld(Exception):  # noqa: N818 (what the format does with it)
    """An item that a format cannot hold; `reason` is the report's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Drawn:
    """One item with one draw of its numbers, its texts printed."""

    id: str
    made: Instance
    skills: tuple[str, ...]
    """Titles of its skills, the first one first."""
    key: str | list[Any] | dict[str, Any]
    """As a learner would give it; ids where the answer is of ids."""
    left: tuple[tuple[str, str], ...] = ()
    """Tokens of an order in the author's order, or the left entries of a match: id and text."""
    right: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = ()
    explanation: str = ""
    """The bottom-out."""
    says: dict[str, str] = field(default_factory=dict)
    """What is said to a misconception, by its id."""

    @property
    def answer(self) -> AnswerSpec:
        """The answer as the author wrote it."""
        return self.made.item.answer

    @property
    def value(self) -> Fraction:
        """The key of a number."""
        assert isinstance(self.made.key, Fraction)
        return self.made.key

    @property
    def wrong(self) -> list[tuple[Value, str]]:
        """Known wrong answers, each with what is said to it."""
        said = [(value, self.says.get(name, "")) for name, value in self.made.wrong]
        return [(value, say) for value, say in said if say]

    @property
    def options(self) -> list[tuple[str, str]]:
        """Id and text of the choices, in the author's order."""
        texts = {choice.id: choice.text for choice in self.made.choices}
        return [(option.id, texts[option.id]) for option in self.made.item.options]


@dataclass
class Outcome:
    """What a way out wrote, left out and lost."""

    items: int = 0
    questions: int = 0
    left_out: Tally = field(default_factory=Tally)
    lost: Tally = field(default_factory=Tally)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def lose(self, reason: str, item: str) -> None:
        """Count what an item lost, once."""
        if (reason, item) not in self._told:
            self._told.add((reason, item))
            self.lost.add(reason, item)

    def report(self, exporter: str, course: Course) -> dict[str, Any]:
        """What was written and what could not be held."""
        return {
            "exporter": exporter,
            "course": course.id,
            "version": course.sha256,
            "items_written": self.items,
            "items": len(course.items),
            "questions": self.questions,
            "not_exported": self.left_out.told(LEFT_OUT),
            "lost": self.lost.told(LOST),
        }


def drawn(course: Course, seeds: int, outcome: Outcome) -> Iterator[list[Drawn]]:
    """Each item of a course in its draws for the seeds 0 to `seeds` - 1, equal ones once."""
    titles = {skill.id: skill.title for skill in course.skills}
    for item in course.items:
        names = tuple(titles.get(skill, skill) for skill in item.skills)
        try:
            if item.parts:
                raise NotHeld("parts")
            if item.media:
                raise NotHeld("media")
            yield list(_draws(course, item, names, seeds if item.params else 1))
        except NotHeld as error:
            outcome.left_out.add(error.reason, item.id)
        except (ExpressionError, ParamError, Undrawable):
            outcome.left_out.add("undrawable", item.id)


def _draws(course: Course, item: Any, names: tuple[str, ...], seeds: int) -> Iterator[Drawn]:
    seen: set[str] = set()
    for seed in range(seeds):
        made = instance(item, course.sha256, seed, locale=course.locale)
        if (numbers := repr(sorted(made.values.items()))) not in seen:
            seen.add(numbers)
            said = {wrong.id: wrong.say for wrong in item.misconceptions}
            says = {name: _printed(made, said[name]) for name, _ in made.wrong if said[name]}
            hints, explanation = _ladder(made, item.hints)
            name = f"{item.id[:58]}.s{seed}" if item.params else item.id
            yield Drawn(name, made, names, _key(made), *_entries(made), hints, explanation, says)


def _printed(made: Instance, template: str) -> str:
    return rendered(template, made.values, made.locale).strip()


def _key(made: Instance) -> str | list[Any] | dict[str, Any]:
    """The key; of an order or a match by the author's ids, which a learner never sees."""
    if made.item.answer.kind == "match":
        return dict(key_pairs(made))
    if made.item.answer.kind == "order":
        return [name for name, _ in key_order(made)]
    return key_spelled(made)


Entries = tuple[tuple[str, str], ...]


def _entries(made: Instance) -> tuple[Entries, Entries]:
    """Ids and texts of what is put in order or matched."""
    widget = made.item.widget
    if isinstance(widget, OrderTokens):
        return tuple((each.id, _printed(made, each.text)) for each in widget.tokens), ()
    if isinstance(widget, MatchPairs):
        left = tuple((each.id, _printed(made, each.text)) for each in widget.left)
        return left, tuple((each.id, _printed(made, each.text)) for each in widget.right)
    return (), ()


def _ladder(made: Instance, hints: Sequence[HintStep]) -> tuple[tuple[str, ...], str]:
    """The hints' texts before the bottom-out, and the bottom-out's."""
    said = [
        "\n\n".join(part for part in (_printed(made, h.say), _printed(made, h.ask)) if part)
        for h in hints
        if h.level != "bottom-out"
    ]
    last = [_printed(made, h.say) for h in hints if h.level == "bottom-out"]
    return tuple(text for text in said if text), last[-1] if last else ""


def losses(one: Drawn, outcome: Outcome, *, keeps: frozenset[str] = frozenset()) -> None:
    """Count what of an item no foreign format holds; `keeps` are the reasons that one does."""
    item = one.made.item
    arranged = item.answer.kind in {"order", "match"}
    present = {
        "difficulty": bool(item.difficulty),
        "explanation": bool(one.explanation),
        "goals": bool(item.goals),
        "hints": bool(one.hints),
        "misconceptions": bool(one.says),
        "numbers": bool(item.params),
        "scaffolds": "hints" in keeps and any(hint.ask for hint in item.hints),
        "sibling": any(hint.level == "sibling" for hint in item.hints),
        "steps": bool(item.steps),
        "variants": item.variants is not None,
        "widget": item.widget is not None and item.answer.kind not in {"order", "match"},
    }
    for reason, held in present.items():
        kept = reason in keeps and not (arranged and reason == "misconceptions")
        if held and not kept:
            outcome.lose(reason, item.id)


def typable(one: Drawn) -> None:
    """Raise `NotHeld` for an answer that can only be given in a widget, or that has a unit."""
    item = one.made.item
    if item.answer.unit is not None:
        raise NotHeld("unit")
    if item.answer.kind == "order" and not one.left:
        raise NotHeld("widget")
    kind = getattr(type(item.widget), "__struct_config__", None)
    if kind is not None and kind.tag in {"slider-plot", "parsons", "board"}:
        raise NotHeld("widget")


def width_of(tolerance: Tolerance, key: Fraction) -> Fraction:
    """How far a number may be off the key, in the number's own unit.

    >>> width_of(Tolerance(rel="1/100"), Fraction(-50)), width_of(Tolerance(places=1), Fraction(3))
    (Fraction(1, 2), Fraction(1, 20))
    """
    if tolerance.abs is not None:
        return Fraction(tolerance.abs)
    if tolerance.rel is not None:
        return Fraction(tolerance.rel) * abs(key)
    if tolerance.places is not None:
        return Fraction(1, 2 * 10**tolerance.places)
    if tolerance.sigfig is None or not key:
        return Fraction(0)
    above = Fraction(1)
    while abs(key) >= above:
        above *= 10
    while abs(key) < above / 10:
        above /= 10
    return above / Fraction(10) ** tolerance.sigfig / 2
