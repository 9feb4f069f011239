"""The hint ladder and the worked steps of an item. This file is what help it can give.

Levels after OATutor (Pardos et al. 2023): nudge, point, scaffold, sibling, bottom-out. Every item
ends in a bottom-out, made from its key where the author wrote none.
"""

from __future__ import annotations

from hashlib import sha256

from engines.exercises.arranged import key_texts
from engines.exercises.grading import key_spelled, reading
from engines.exercises.marks import marks_of
from engines.exercises.masking import masked
from engines.exercises.parts import part_label
from engines.exercises.template import instance, rendered, with_values
from engines.exercises.widgets import entries_shown
from engines.words import HintLevel, HintStep, Instance, Item

_TWIN_TRIES = 24
_TWIN = "twin"
"""Stands for a course's hash where a sibling's numbers are drawn: no learner meets that draw."""


def _ladder(item: Item) -> tuple[HintStep, ...]:
    hints = item.hints
    if not hints and len(item.steps) > 1:
        first = item.steps[0]
        hints = (HintStep("point", say=first.why or first.show),)
    if hints and hints[-1].level == "bottom-out":  # as nearly all authors write it
        return hints
    if any(step.level == "bottom-out" for step in hints):
        return hints
    return (*hints, HintStep("bottom-out"))


def ladder_length(item: Item) -> int:
    """How many levels of hint the item has, the bottom-out included; at least 1.

    >>> from engines.words import AnswerSpec
    >>> spec = AnswerSpec(kind="number", value="3")
    >>> ladder_length(Item(id="i", skills=("s",), prompt="?", answer=spec))
    1
    """
    return len(_ladder(item))


def ladder_levels(item: Item) -> tuple[HintLevel, ...]:
    """The kinds of the item's levels of hint, the bottom-out included.

    >>> from engines.words import AnswerSpec
    >>> spec = AnswerSpec(kind="number", value="3")
    >>> ladder_levels(Item(id="i", skills=("s",), prompt="?", answer=spec))
    ('bottom-out',)
    """
    return tuple(step.level for step in _ladder(item))


def tells(item: Item, levels: int) -> bool:
    """Whether the first so many levels of the ladder say the answer: the bottom-out is among them.

    >>> from engines.words import AnswerSpec
    >>> item = Item(id="i", skills=("s",), prompt="?", answer=AnswerSpec(kind="number", value="3"))
    >>> tells(item, 0), tells(item, 1)
    (False, True)
    """
    return any(step.level == "bottom-out" for step in _ladder(item)[:levels])


def hint(instance: Instance, level: int) -> tuple[str, HintStep]:
    """The rendered text of one level of the ladder, from 1, and the step itself.

    Raises ValueError for a level the item does not have.
    """
    ladder = _ladder(instance.item)
    if not 1 <= level <= len(ladder):
        raise ValueError(f"expected a level from 1 to {len(ladder)}, got {level}")
    step = ladder[level - 1]
    return _said(instance, step), step


def _said(inst: Instance, step: HintStep) -> str:
    text = "\n\n".join(
        rendered(part, inst.values, inst.locale).strip()
        for part in (step.say, step.ask)
        if part.strip()
    )
    if step.level == "sibling":
        shown = sibling_text(inst)
        return f"{text}\n\n{shown}" if text else shown
    if step.level == "bottom-out" and not text:
        return f"The answer is {key_text(inst)}."
    return text or rendered(inst.item.prompt, inst.values, inst.locale)


def key_text(instance: Instance) -> str:
    """The key as a page shows it: a formula for a number, the option's text for an option."""
    if instance.parts:
        parts = enumerate(instance.parts, 1)
        return "; ".join(f"{part_label(nth)}: {key_text(part)}" for nth, part in parts)
    if instance.item.answer.kind in ("order", "match"):
        return "; ".join(key_texts(instance))
    key = key_spelled(instance, locale=instance.locale)
    if instance.item.answer.kind in ("choice", "multi"):
        ids = [key] if isinstance(key, str) else key
        return ", ".join(c.text for c in instance.choices if c.id in ids) or ", ".join(ids)
    text = key if isinstance(key, str) else ", ".join(key)
    if instance.item.answer.kind == "text":
        return text
    if instance.item.answer.unit is not None or not _is_english(instance):
        text = reading(instance, text, locale=instance.locale)[0]
    return f"${text}$"


def _is_english(instance: Instance) -> bool:
    """Whether the key as it is typed can stand in a formula: with a decimal comma it cannot."""
    return marks_of(instance.locale).decimal == "."


def scaffold(instance_: Instance, level: int) -> Instance | None:
    """The sub-question of a scaffold as an instance of its own, or None where it has none."""
    _, step = hint(instance_, level)
    if step.answer is None:
        return None
    item = instance_.item
    sub = Item(
        id=f"{item.id}.hint{level}",
        skills=item.skills,
        prompt=step.ask or step.say,
        answer=step.answer,
        options=step.options,
        params=item.params,
    )
    return with_values(sub, instance_.values, instance_.seed, locale=instance_.locale)


def worked(instance: Instance) -> tuple[tuple[str, str], ...]:
    """The worked steps as (what is written, why), the last one with the answer.

    An item without steps gets them from its ladder.
    """
    steps = instance.item.steps
    if steps:
        values, tag = instance.values, instance.locale
        return tuple((rendered(s.show, values, tag), rendered(s.why, values, tag)) for s in steps)
    texts = (_said(instance, step) for step in _ladder(instance.item) if step.level != "sibling")
    return tuple((text, "") for text in texts)


def sibling(inst: Instance) -> Instance | None:
    """The same item with other numbers, or None where it has none.

    One is sought whose worked text does not hold this instance's key.
    """
    return sibling_shown(inst)[0]


def sibling_shown(inst: Instance) -> tuple[Instance | None, str]:
    """The sibling, and it worked through as text, with values equal to this key covered.

    Without one the text is the first worked step.
    """
    best: tuple[Instance, str] | None = None
    answer = key_text(inst)
    for n in range(_TWIN_TRIES if inst.item.params else 0):
        named = f"{inst.item.id}\0{inst.seed}\0{n}".encode()
        other = instance(
            inst.item, _TWIN, int.from_bytes(sha256(named).digest()[:8], "big"), locale=inst.locale
        )
        if _asks_the_same(other, inst) or key_text(other) == answer:
            continue  # the same question, or one whose working ends in this answer
        text = f"A similar one, worked: {_worked_text(other)}"
        covered = masked(text, inst)
        if covered == text:
            return other, covered
        best = best or (other, covered)
    if best is not None:
        return best
    show, why = worked(inst)[0]
    return None, masked(f"The first step: {show} {why}".strip(), inst)


def _asks_the_same(other: Instance, inst: Instance) -> bool:
    """Whether two draws of an item are one question; its numbers may be in the options alone."""
    if other.prompt != inst.prompt:
        return False
    return "@{" in inst.item.prompt or _options(other) == _options(inst)


def _options(inst: Instance) -> list[str]:
    return sorted(entries_shown(inst))


def _worked_text(inst: Instance) -> str:
    lines = [inst.prompt.strip(), *(f"- {entry}" for entry in entries_shown(inst))]
    for show, why in worked(inst):
        lines.append(f"{show} {why}".strip())
    return "\n\n".join(lines)


def sibling_text(inst: Instance) -> str:
    """A worked twin with other numbers; where there is none, the first worked step.

    Values equal to this instance's key are covered.
    """
    return sibling_shown(inst)[1]
