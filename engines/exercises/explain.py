"""The built-in tutor's text for an act, from the item's own words. This file is what it says.

Deterministic: the same act on the same instance in the same turn gives the same words. Hints,
misconceptions and worked steps come from the item; only the sentences around them are the tutor's.
While the key is locked, every value that would state it is covered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from zlib import crc32

from engines.exercises.acts import ACTS, Act, Seen, planned_act
from engines.exercises.frames import (
    ANCHORS,
    CLOSINGS,
    FORMS,
    KINDS,
    LOCKED,
    NO_MATERIAL,
    OPENINGS,
    TESTS,
)
from engines.exercises.hints import hint, ladder_length, sibling_text, worked
from engines.exercises.masking import masked
from engines.exercises.template import rendered
from engines.words import HintLevel, Instance

__all__ = ["ACTS", "Act", "Seen", "chunks", "explained", "planned_act"]

_FEWEST_WORDS, _MOST_WORDS = 40, 120
_WITH_PROMPT = frozenset[Act](("greet", "affirm", "clarify", "recall", "redirect", "example"))
"""Acts whose text holds the question anyway."""
_PIECE = re.compile(r"\S+\s*|\s+")


def chunks(text: str) -> list[str]:
    r"""The words of a text, each with the spaces after it; joined they are the text.

    >>> chunks("Undo $+ 3$.\n\nThen go on.")
    ['Undo ', '$+ ', '3$.\n\n', 'Then ', 'go ', 'on.']
    """
    return _PIECE.findall(text)


def explained(act: Act, instance: Instance, seen: Seen, *, turn_no: int, key_unlocked: bool) -> str:
    """The tutor's text for an act: Markdown with `$...$`, mostly 40 to 120 words.

    Words differ from those of the turn before. Nothing in it states the key unless `key_unlocked`,
    save values that the question itself prints.
    """
    turn = _Turn(act, instance, seen, turn_no, key_unlocked)
    locked_end = act == "bottom_out" and not key_unlocked
    openings = LOCKED if locked_end else OPENINGS[act]
    closings = CLOSINGS["scaffold" if locked_end else act]
    body = [part for part in _BODIES[act](turn) if part.strip()]
    opening, closing = turn.pick(openings, 0), turn.pick(closings, 1)
    if _words([opening, *body, closing]) < _FEWEST_WORDS and act not in _WITH_PROMPT:
        body.insert(0, f"{turn.pick(ANCHORS, 2)} {turn.prompt()}")
    return _within([opening, *body, closing])


def _words(parts: list[str]) -> int:
    return sum(len(part.split()) for part in parts)


class _Turn:
    """One turn being written."""

    __slots__ = ("act", "instance", "nth", "seen", "start", "turn_no", "unlocked")

    def __init__(
        self, act: Act, instance: Instance, seen: Seen, turn_no: int, unlocked: bool
    ) -> None:
        self.act = act
        self.instance = instance
        self.seen = seen
        self.turn_no = turn_no
        self.unlocked = unlocked
        self.start = crc32(f"{instance.item.id}\0{instance.seed}\0{act}".encode())
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
        for n in range(1, ladder_length(self.instance.item) + 1):
            text, step = hint(self.instance, n)
            if step.level in levels:
                texts.append(self.said(text))
        return texts

    def steps(self) -> list[tuple[str, str]]:
        """Worked steps as they may be said now: while locked, the last one is left out."""
        if not self.instance.item.steps:
            return []
        steps = [(self.said(show), self.said(why)) for show, why in worked(self.instance)]
        return steps if self.unlocked or len(steps) == 1 else steps[:-1]

    def misconception(self) -> str:
        """What the item says about the wrong way that was seen last."""
        for known in self.instance.item.misconceptions:
            if known.id == self.seen.misconception:
                return self.said(rendered(known.say, self.instance.values))
        return ""

    def none(self) -> list[str]:
        """Without material: ask for the last sure step."""
        return [self.pick(NO_MATERIAL, 1)]

    def nth_of(self, texts: list[str]) -> list[str]:
        """The text whose turn it is, or the request for the last sure step."""
        return [texts[self.nth % len(texts)]] if texts else self.none()


def _within(parts: list[str]) -> str:
    """The paragraphs, cut to the words allowed; the first two and the last one stay."""
    while len(parts) > 3 and _words(parts) > _MOST_WORDS:
        del parts[-2]
    return "\n\n".join(parts)


def _step_text(step: tuple[str, str]) -> str:
    show, why = step
    return f"{why}\n\n{show}" if why else show


def _greet(turn: _Turn) -> list[str]:
    return [turn.prompt()]


def _nudge(turn: _Turn) -> list[str]:
    texts = turn.hints("nudge") or turn.hints("point")
    whys = [why for _, why in turn.steps() if why]
    return turn.nth_of(texts or whys[:1])


def _point(turn: _Turn) -> list[str]:
    whys = [why for _, why in turn.steps() if why]
    texts = turn.hints("point") or whys or turn.hints("nudge")
    remark = turn.misconception()
    return [remark, *turn.nth_of(texts)]


def _probe(turn: _Turn) -> list[str]:
    texts = turn.hints("nudge", "scaffold")
    shown = turn.seen.hint_texts[-1:]
    return [f"You have seen this hint: {turn.said(shown[0])}" if shown else "", *turn.nth_of(texts)]


def _scaffold(turn: _Turn) -> list[str]:
    texts = turn.hints("scaffold")
    if texts:
        return turn.nth_of(texts)
    steps = [f"{why} What do you get then?" for _, why in turn.steps() if why]
    return turn.nth_of(steps or turn.hints("point", "nudge"))


def _explain(turn: _Turn) -> list[str]:
    remark = turn.misconception()
    steps = turn.steps()
    upto = max(1, min(len(steps), turn.seen.hints_used + turn.nth))
    reasons = [_step_text(step) for step in steps[:upto]]
    hints = [] if reasons else turn.hints("point", "nudge")[: 1 + turn.nth]
    return [remark, *reasons, *hints] if remark or reasons or hints else turn.none()


def _simpler(turn: _Turn) -> list[str]:
    nudges = turn.hints("nudge")[:1]
    whys = [why for _, why in turn.steps() if why]
    move = f"The move to make: {whys[turn.nth % len(whys)]}" if whys else ""
    rest = [] if whys else turn.hints("point")[:1]
    return [*nudges, move, *rest] if nudges or whys or rest else turn.none()


def _example(turn: _Turn) -> list[str]:
    text = sibling_text(turn.instance)
    return text.split("\n\n")


def _show_step(turn: _Turn) -> list[str]:
    steps = turn.steps()
    if not steps:
        return turn.nth_of(turn.hints("point", "scaffold", "nudge"))
    return [_step_text(steps[turn.nth % len(steps)])]


def _bottom_out(turn: _Turn) -> list[str]:
    if not turn.unlocked:
        return _scaffold(turn)
    return [
        *(f"{show} {why}".strip() for show, why in turn.steps()),
        *turn.hints("bottom-out")[-1:],
    ]


def _compare(turn: _Turn) -> list[str]:
    remark = turn.misconception()
    steps = turn.steps()
    line = f"A line that holds: {steps[turn.nth % len(steps)][0]}" if steps else ""
    rest = [] if steps else turn.hints("point")[:1]
    return [remark, line, *rest] if remark or line or rest else turn.none()


def _affirm(turn: _Turn) -> list[str]:
    shown = turn.seen.hint_texts[-1:]
    if shown:
        return [f"From the hints you have this: {turn.said(shown[0])}"]
    return [f"The question, once more: {turn.prompt()}", *turn.hints("nudge")[:1]]


def _submit_prompt(turn: _Turn) -> list[str]:
    return [TESTS[turn.instance.item.answer.kind]]


def _clarify(turn: _Turn) -> list[str]:
    answer = turn.instance.item.answer
    form = FORMS.get(answer.form.partition("(")[0], "") if answer.kind == "number" else ""
    return [turn.prompt(), f"{KINDS[answer.kind]} {form}".strip()]


def _recall(turn: _Turn) -> list[str]:
    title = turn.instance.item.title
    topic = [f"The topic is: {turn.said(title)}."] if title else []
    return [*topic, f"The question: {turn.prompt()}"]


def _redirect(turn: _Turn) -> list[str]:
    return [f"Back to the question: {turn.prompt()}"]


def _rest(turn: _Turn) -> list[str]:
    return [f"Tried so far on this question: {_tries(turn.seen.attempts)}."]


def _tries(attempts: int) -> str:
    if not attempts:
        return "nothing yet, so a fresh start awaits you"
    return "a first try" if attempts == 1 else "several tries, each of which told you something"


_BODIES: dict[Act, Callable[[_Turn], list[str]]] = {
    "greet": _greet,
    "nudge": _nudge,
    "point": _point,
    "probe": _probe,
    "scaffold": _scaffold,
    "explain": _explain,
    "simpler": _simpler,
    "example": _example,
    "show_step": _show_step,
    "bottom_out": _bottom_out,
    "compare": _compare,
    "affirm": _affirm,
    "submit_prompt": _submit_prompt,
    "clarify": _clarify,
    "recall": _recall,
    "redirect": _redirect,
    "rest": _rest,
}
