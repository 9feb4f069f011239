"""Socratic goals of an item, and whether words meet one. This file is what is to be found.

They are the course's, where the item names some; else they come from the item: the sub-questions
of its scaffolds, else the reasons of its worked steps, else one goal without a check. A goal whose
answer is the item's key is none: to accept it would be to say the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from msgspec.structs import replace

from engines.exercises.acts import value_said
from engines.exercises.grading import graded
from engines.exercises.hints import hint, ladder_levels, worked
from engines.exercises.keyed import Keyed
from engines.exercises.marks import latex_localised
from engines.exercises.masking import BOX, masked, numbers_in
from engines.exercises.reading import spelled
from engines.exercises.telling import FORMULA_KINDS, equal_to_key
from engines.exercises.template import rendered, with_values
from engines.exercises.wording import normal
from engines.words import AnswerSpec, Goal, HintStep, Instance, Item, Move, Option

_KEPT = 1024
"""Instances whose goals are kept."""
GOALS_MOST = 2
"""Goals of one item: more would not end within one plan."""
PHRASES_MET = 2
"""Phrases of a goal that its words must hold; all, where it has fewer."""

_FORMULA = re.compile(r"\$+[^$]*\$+")
_WORD = re.compile(r"[^\W\d_]{4,}")
_SAID = re.compile(r"[^\W\d_]{3,}")
_IDLE_WORDS = (
    "the and you are for not but its all can has was his her our how why who get got any that this"
    " then than them they there these those what when where which while with will would have here"
    " into from each every both side sides same only also must does done more most number numbers"
    " left right their your were been make made take takes keep keeps"
)
_COMMON = frozenset(_IDLE_WORDS.split())
"""Words that tell nothing of a reason."""


def is_one_question(text: str) -> bool:
    """Whether a text asks exactly one question; marks inside formulas are none.

    >>> is_one_question("What turns $2$ into $?$ then?"), is_one_question("Why? How?")
    (True, False)
    """
    return _FORMULA.sub("", text).count("?") == 1


def goals_of(instance: Instance) -> tuple[Goal, ...]:
    """The goals of an item with its numbers drawn, in order; at least one, at most two.

    Texts are rendered, and values that state the key are covered.
    """
    return tuple(goal for goal, _ in _goals(Keyed(instance)))


_Found = tuple[Goal, Instance | None]
"""A goal and its sub-question."""


@lru_cache(maxsize=_KEPT)
def _goals(keyed: Keyed) -> tuple[_Found, ...]:
    instance = keyed.instance
    found = [*_from_course(instance)] or [*_from_scaffolds(instance)] or [*_from_steps(instance)]
    probe, contrast = _nudges(instance), _contrast(instance)
    found = found[:GOALS_MOST] or [(Goal("item"), None)]
    return tuple(
        (replace(goal, probe=goal.probe or probe, contrast=goal.contrast or contrast), sub)
        for goal, sub in found
    )


def _from_course(instance: Instance) -> Iterator[_Found]:
    """The goals that the item names, with its numbers put in and the key covered."""
    for nth, goal in enumerate(instance.item.goals):
        said = {name: _put_in(getattr(goal, name), instance) for name in _MOVES_SAID}
        probe = tuple(text for each in goal.probe if (text := _put_in(each, instance)))
        sub = None
        if goal.expect is not None:
            step = HintStep("scaffold", ask=goal.narrow, answer=goal.expect, options=goal.options)
            kept = _sub_item(instance.item, -1 - nth, step)
            sub = with_values(
                kept, instance.values, instance.seed, kept=True, locale=instance.locale
            )
            if _is_key(sub, instance):
                continue
        yield replace(goal, probe=probe, **said), sub


_MOVES_SAID = ("elicit", "narrow", "contrast", "counterexample", "confirm", "summarise")


def _put_in(text: str, instance: Instance) -> str:
    """A goal's text as it may be said while the key is locked; nothing where it would state it."""
    if not text:
        return ""
    said = masked(rendered(text, instance.values, instance.locale).strip(), instance)
    return "" if BOX in said else said


def _from_scaffolds(instance: Instance) -> Iterator[_Found]:
    for level, kind in enumerate(ladder_levels(instance.item), 1):
        if kind != "scaffold":
            continue
        text, step = hint(instance, level)
        if step.answer is None:
            continue
        goal = Goal(
            f"hint{level}",
            narrow=_asked(text, instance),
            expect=step.answer,
            options=step.options,
        )
        kept = _sub_item(instance.item, level, step)
        sub = with_values(kept, instance.values, instance.seed, kept=True, locale=instance.locale)
        if not _is_key(sub, instance):
            yield goal, sub


_ITEMS: dict[tuple[int, int], tuple[Item, Item]] = {}
_MOST_ITEMS = 1 << 12


def _sub_item(item: Item, level: int, step: HintStep) -> Item:
    """The sub-question of a level as an item, kept by the item's identity beside the item."""
    named = id(item), level  # below 0: a goal of the course
    kept = _ITEMS.get(named)
    if kept is None:
        while len(_ITEMS) >= _MOST_ITEMS:
            del _ITEMS[next(iter(_ITEMS))]
        assert step.answer is not None
        made = _item(item, f"hint{level}", step.ask or step.say, step.answer, step.options)
        kept = _ITEMS[named] = (item, made)
    return kept[1]


def _from_steps(instance: Instance) -> Iterator[_Found]:
    if not instance.item.steps:
        return
    for nth, (_, why) in enumerate(worked(instance)[:-1], 1):
        phrases = tuple(dict.fromkeys(_stems(why)))
        if phrases:
            yield Goal(f"step{nth}", phrases=phrases), None


def _nudges(instance: Instance) -> tuple[str, ...]:
    """The questions of the nudges, without what they say besides: that may be the rule."""
    texts = []
    for level, kind in enumerate(ladder_levels(instance.item), 1):
        if kind == "nudge":
            texts.append(_asked(_interrogative(hint(instance, level)[0]), instance))
    return tuple(text for text in texts if text)


_SENTENCE = re.compile(r"(?:\$+[^$]*\$+|[^.?!$])+[.?!]*\s*")


def _interrogative(text: str) -> str:
    """The sentences of a text that ask.

    >>> _interrogative("Look at $2 . 3$. What comes of it? Undo that.")
    'What comes of it?'
    """
    return "".join(s for s in _SENTENCE.findall(text) if s.rstrip().endswith("?")).strip()


def _asked(text: str, instance: Instance) -> str:
    """The text as it may be said while the key is locked, or nothing where it is no question."""
    said = masked(text.strip(), instance)
    return said if is_one_question(said) and BOX not in said else ""


def _contrast(instance: Instance) -> str:
    """What another learner might have got, said without a verdict."""
    for _, wrong in instance.wrong:
        if not isinstance(wrong, Fraction) or wrong == instance.key:
            continue
        shown = latex_localised(spelled(wrong, instance.item.answer.form), instance.locale)
        said = masked(f"Somebody wrote ${shown}$ here. Which reason could lead there?", instance)
        if BOX not in said:
            return said
    return ""


def _stems(text: str) -> list[str]:
    """The telling words of a reason, each without its ending."""
    words = (w.casefold() for w in _WORD.findall(_FORMULA.sub(" ", text)))
    return [_stem(word) for word in words if word not in _COMMON]


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ions", "ion", "ings", "ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word[:-1] if word.endswith(("e", "y")) else word


def sub_question(goal: Goal, instance: Instance) -> Instance | None:
    """What a goal expects, as an instance that can be graded; None where it expects none."""
    if goal.expect is None:
        return None
    for known, sub in _goals(Keyed(instance)):
        if known is goal:
            return sub
    asked = goal.narrow or instance.item.prompt
    item = _item(instance.item, goal.id, asked, goal.expect, goal.options)
    return with_values(item, instance.values, instance.seed, locale=instance.locale)


def _item(
    item: Item, name: str, asked: str, answer: AnswerSpec, options: tuple[Option, ...]
) -> Item:
    return Item(
        id=f"{item.id}.{name}",
        skills=item.skills,
        prompt=asked,
        answer=answer,
        options=options,
        params=item.params,
    )


def _is_key(sub: Instance, instance: Instance) -> bool:
    """Whether what a goal expects would be taken for the item's own answer."""
    if sub.key == instance.key:
        return True
    if instance.choices:
        return any(_says(c.text, sub) for c in instance.choices if c.id in _ids(instance))
    if instance.item.answer.kind in FORMULA_KINDS and not isinstance(sub.key, tuple):
        return equal_to_key(str(sub.key), instance)
    return not isinstance(sub.key, tuple) and normal(str(sub.key)) == normal(str(instance.key))


def _says(option: str, sub: Instance) -> bool:
    """Whether an option's text is what the sub-question asks for."""
    if not isinstance(sub.key, Fraction):
        return normal(option.strip("$ ")) == normal(str(sub.key))
    numbers = list(numbers_in(option))
    return len(numbers) == 1 and sub.key in numbers[0].values


def _ids(instance: Instance) -> tuple[str, ...]:
    key = instance.key
    return key if isinstance(key, tuple) else (str(key),)


def is_met(goal: Goal, said: str, instance: Instance) -> bool:
    """Whether a learner's words meet a goal: graded where it expects an answer, else by phrases.

    A right value in another form meets it. In a sentence its one number counts.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec
    >>> item = Item("i", ("s",), "Solve $2x = 6$.", AnswerSpec(kind="number", value="3"))
    >>> goal = Goal("g", expect=AnswerSpec(kind="number", value="2"))
    >>> made = instance(item, "", 0)
    >>> is_met(goal, "I get 2", made), is_met(goal, "by 2, since it is doubled", made)
    (True, True)
    >>> is_met(goal, "3", made), is_met(Goal("h", phrases=("divid", "two")), "divide by two", made)
    (False, True)
    """
    if not said.strip():
        return False
    sub = sub_question(goal, instance)
    if sub is not None and _is_right(sub, said):
        return True
    words = [_stem(word) for word in _SAID.findall(normal(said)) if word not in _COMMON]
    held = sum(_is_held(phrase, words) for phrase in goal.phrases)
    return bool(goal.phrases) and held >= min(PHRASES_MET, len(goal.phrases))


def _is_held(phrase: str, words: list[str]) -> bool:
    """Whether each word of a phrase is among the words said."""
    parts = normal(phrase).split()
    return all(any(_alike(word, part) for word in words) for part in parts)


def _alike(word: str, phrase: str) -> bool:
    """Whether two stems are of one word: `add` and `addit`."""
    return word.startswith(phrase) or phrase.startswith(word)


def _is_right(sub: Instance, said: str) -> bool:
    value = value_said(said)
    if graded(sub, value, locale=sub.locale).verdict in ("correct", "wrong_form"):
        return True
    numbers = [found for found in numbers_in(said) if found.values]
    if len(numbers) != 1 or not isinstance(sub.key, Fraction):
        return False
    return sub.key in numbers[0].values


def question_of(goal: Goal, move: Move) -> str:
    """The goal's own question for a move, or nothing where a general one will do.

    Without a contrast or a counterexample the next of its probes takes their place.

    >>> question_of(Goal("g", probe=("Why?", "How?")), "contrast")
    'How?'
    """
    own = {
        "elicit": goal.elicit,
        "probe": goal.probe[0] if goal.probe else "",
        "narrow": goal.narrow,
        "ladder": goal.narrow,
        "contrast": goal.contrast or (goal.probe[1] if len(goal.probe) > 1 else ""),
        "counterexample": goal.counterexample or (goal.probe[2] if len(goal.probe) > 2 else ""),
        "confirm": goal.confirm,
        "summarise": goal.summarise,
    }
    return own.get(move, "")
