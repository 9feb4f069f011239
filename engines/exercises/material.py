"""What an item has to say in one turn, as it may be said now. This file is the tutor's material.

While the key is locked, every value that would state it is covered. Material moves on each time an
act is played again.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

from engines.course_words import VariantName
from engines.exercises.frames import NO_MATERIAL
from engines.exercises.hints import hint, ladder_levels, sibling_shown, worked
from engines.exercises.keyed import Keyed
from engines.exercises.masking import masked
from engines.exercises.template import rendered
from engines.exercises.widgets import entries_shown
from engines.words import Act, HintLevel, Instance, Seen

Steps = tuple[tuple[str, str], ...]
"""Worked steps: what is written, and why."""

_KEPT = 1024
"""Instances whose twin is kept: drawing one takes about a millisecond."""


def twin(instance: Instance) -> tuple[Instance | None, str]:
    """The item with other numbers and its text (`engines.exercises.hints.sibling_shown`)."""
    return _twin(Keyed(instance))


@lru_cache(maxsize=_KEPT)
def _twin(keyed: Keyed) -> tuple[Instance | None, str]:
    return sibling_shown(keyed.instance)


def example_steps(instance: Instance) -> int:
    """How many steps the worked example of an item has: a twin's, else all of its own but one."""
    steps = len(worked(instance))
    return steps if twin(instance)[0] is not None else max(1, steps - 1)


def step_text(step: tuple[str, str]) -> str:
    """One worked step as a paragraph or two: the reason, then the line."""
    show, why = step
    return f"{why}\n\n{show}" if why else show


@lru_cache(maxsize=_KEPT)
def _example(keyed: Keyed) -> tuple[str, Steps]:
    """The worked example's question and steps as they are; see `Turn.example`."""
    instance = keyed.instance
    other, _ = twin(instance)
    if other is None:
        steps = worked(instance)
        return "", steps[:-1] or steps
    lines = [other.prompt.strip(), *(f"- {entry}" for entry in entries_shown(other))]
    return "\n".join(lines), worked(other)


@lru_cache(maxsize=_KEPT)
def _covered(keyed: Keyed) -> tuple[str, Steps]:
    """The same with values that state the key covered."""
    question, steps = _example(keyed)
    made = keyed.instance
    covered = ((masked(show.strip(), made), masked(why.strip(), made)) for show, why in steps)
    return masked(question, made), tuple(covered)


class Turn:
    """One turn being written: the act, the item and what was seen."""

    __slots__ = ("act", "instance", "nth", "seen", "start", "turn_no", "unlocked")

    def __init__(
        self,
        act: Act,
        instance: Instance,
        seen: Seen,
        turn_no: int,
        *,
        unlocked: bool,
        learner: str = "",
    ) -> None:
        self.act = act
        self.instance = instance
        self.seen = seen
        self.turn_no = turn_no
        self.unlocked = unlocked
        self.start = crc32(f"{learner}\0{instance.item.id}\0{instance.seed}".encode())
        self.nth = seen.acts.count(act)
        """How often this act was played before: material moves on with it."""

    def pick(self, frames: tuple[str, ...], salt: int) -> str:
        """One of several sentences; never the one of the turn before."""
        return frames[(self.start // (1 + 6 * salt) + self.turn_no) % len(frames)]

    def said(self, text: str) -> str:
        """Words of the item, with the key covered while it is locked."""
        text = text.strip()
        return text if self.unlocked else masked(text, self.instance)

    def prompt(self) -> str:
        """The question as the learner sees it."""
        return self.instance.prompt.strip()

    def hints(self, *levels: HintLevel) -> list[str]:
        """Texts of the ladder's levels of these kinds, in order, as they may be said now."""
        texts = []
        for n, level in enumerate(ladder_levels(self.instance.item), 1):
            if level in levels:
                texts.append(self.said(hint(self.instance, n)[0]))
        return texts

    def end(self, lines: list[str]) -> list[str]:
        """The ladder's last level, unless one of these lines has said it."""
        return [
            text
            for text in self.hints("bottom-out")[-1:]
            if not any(text in line for line in lines)
        ]

    def steps(self) -> Steps:
        """Worked steps as they may be said now: while locked, the last one is left out."""
        if not self.instance.item.steps:
            return ()
        steps = tuple((self.said(show), self.said(why)) for show, why in worked(self.instance))
        return steps if self.unlocked or len(steps) == 1 else steps[:-1]

    def example(self) -> tuple[str, Steps]:
        """The question and the steps of the worked example; no question where it is the item's own.

        It is the item with other numbers; where it has none, its own steps but the last.
        """
        keyed = Keyed(self.instance)
        return _example(keyed) if self.unlocked else _covered(keyed)

    def misconception(self) -> str:
        """What the item says about the wrong way that was seen last."""
        for known in self.instance.item.misconceptions:
            if known.id == self.seen.misconception:
                return self.said(rendered(known.say, self.instance.values, self.instance.locale))
        return ""

    def variant(self, *names: VariantName) -> str:
        """The author's explanation of one of these kinds whose turn it is, as it may be said now.

        Each is told once, in this order; empty where there is none (any more).
        """
        variants = self.instance.item.variants
        texts = [text for name in names if variants and (text := getattr(variants, name))]
        if self.nth >= len(texts):
            return ""
        return self.said(rendered(texts[self.nth], self.instance.values, self.instance.locale))

    def none(self) -> list[str]:
        """Without material: ask for the last sure step."""
        return [self.pick(NO_MATERIAL, 1)]

    def nth_of(self, texts: list[str]) -> list[str]:
        """The text whose turn it is, or the request for the last sure step."""
        return [texts[self.nth % len(texts)]] if texts else self.none()
