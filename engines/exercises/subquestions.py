"""The small questions inside an item: a hint's scaffold, a blank in the worked steps.

This file is how they are named, drawn and left out. Scaffolds after OATutor (Pardos et al. 2023);
the last worked steps fade (Renkl & Atkinson 2003). They share the item's numbers and say nothing
of whether the item itself is right.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from engines.exercises.hints import hint, ladder_length, ladder_levels, worked
from engines.exercises.template import rendered, with_values
from engines.words import AnswerSpec, Instance, Item, Option

HINT, STEP = "hint", "step"
_AT = re.compile(r"(hint|step)\.([1-9]\d{0,2})")
_MOST_ITEMS = 1 << 12


class Place(NamedTuple):
    """Where a sub-question stands: at the nth level of the ladder, or the nth worked step."""

    what: str
    nth: int

    @property
    def at(self) -> str:
        """Its name on the wire."""
        return f"{self.what}.{self.nth}"


def place_of(at: str) -> Place:
    """The place that a name on the wire means.

    Raises ValueError for a name of another form.

    >>> place_of("hint.2"), place_of("hint.2").at
    (Place(what='hint', nth=2), 'hint.2')
    """
    found = _AT.fullmatch(at)
    if found is None:
        raise ValueError(f'expected "hint.N" or "step.N" counted from 1, got {at!r}')
    return Place(found[1], int(found[2]))


def subquestion(instance: Instance, place: Place) -> Instance | None:
    """The sub-question at a place as an instance of its own; None where nothing is asked there.

    >>> from engines.exercises.template import instance as drawn
    >>> from engines.words import HintStep
    >>> spec = AnswerSpec(kind="number", value="2")
    >>> step = HintStep("scaffold", ask="Half of $4$?", answer=spec)
    >>> made = drawn(Item("i", ("s",), "$2x = 4$", spec, hints=(step,)), "", 0)
    >>> subquestion(made, Place("hint", 1)).prompt, subquestion(made, Place("hint", 2))
    ('Half of $4$?', None)
    """
    item = instance.item
    if place.what == HINT:
        if place.nth > ladder_length(item):
            return None
        level = hint(instance, place.nth)[1]
        asked, answer, options = level.ask or level.say, level.answer, level.options
    else:
        if place.nth > len(item.steps):
            return None
        step = item.steps[place.nth - 1]
        asked, answer, options = step.why, step.ask, step.options
    if answer is None:
        return None
    sub = _sub_item(item, place.at, asked, answer, options)
    return with_values(sub, instance.values, instance.seed, kept=True)


_ITEMS: dict[tuple[int, str], tuple[Item, Item]] = {}


def _sub_item(
    item: Item, at: str, asked: str, answer: AnswerSpec, options: tuple[Option, ...]
) -> Item:
    """The sub-question as an item, kept by the identity of the item beside it."""
    named = id(item), at
    kept = _ITEMS.get(named)
    if kept is None:
        while len(_ITEMS) >= _MOST_ITEMS:
            del _ITEMS[next(iter(_ITEMS))]
        made = Item(
            id=f"{item.id}.{at}",
            skills=item.skills,
            prompt=asked,
            answer=answer,
            options=options,
            params=item.params,
        )
        kept = _ITEMS[named] = (item, made)
    return kept[1]


# --- scaffolds ------------------------------------------------------------------------------------


def scaffold_place(instance: Instance, level: int) -> Place | None:
    """The sub-question of one level of the ladder; None where that level asks nothing."""
    place = Place(HINT, level)
    return None if subquestion(instance, place) is None else place


def scaffold_hints(instance: Instance, place: Place) -> tuple[str, ...]:
    """The hints of a scaffold, in order (they have no hints of their own); a blank has none."""
    if place.what != HINT or place.nth > len(ladder_levels(instance.item)):
        return ()
    level = hint(instance, place.nth)[1]
    return tuple(rendered(text, instance.values) for text in level.hints)


# --- blanks in the worked steps -------------------------------------------------------------------


def blanks(item: Item, most: int) -> tuple[int, ...]:
    """The steps, from 1, that are left out where the last `most` are: only those that ask.

    >>> from engines.words import WorkedStep
    >>> spec = AnswerSpec(kind="number", value="2")
    >>> steps = (WorkedStep("a", ask=spec), WorkedStep("b"), WorkedStep("c", ask=spec))
    >>> item = Item("i", ("s",), "?", spec, steps=steps)
    >>> blanks(item, 0), blanks(item, 1), blanks(item, 9)
    ((), (3,), (1, 3))
    """
    asked = [nth for nth, step in enumerate(item.steps, 1) if step.ask is not None]
    return tuple(asked[len(asked) - min(most, len(asked)) :])


class StepShown(NamedTuple):
    """One worked step as it stands before a learner; `show` is empty while it is a blank."""

    nth: int
    show: str
    why: str
    asks: Place | None = None
    """The blank's sub-question; it stays named once it is answered."""


def steps_shown(
    instance: Instance, left_out: tuple[int, ...], filled: frozenset[int]
) -> tuple[StepShown, ...]:
    """The worked steps, without what stands in the blanks that are not `filled`."""
    return tuple(
        StepShown(
            nth,
            "" if nth in left_out and nth not in filled else show,
            why,
            Place(STEP, nth) if nth in left_out else None,
        )
        for nth, (show, why) in enumerate(worked(instance), 1)
    )
