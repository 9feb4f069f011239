"""The built-in tutor's text for an act, from the item's own words. This file is what it says.

Deterministic: the same act on the same instance in the same turn gives the same words. Hints,
misconceptions and worked steps come from the item; only the sentences around them are the tutor's.
While the key is locked, every value that would state it is covered. What differs by mode is in
`engines.exercises.manners`.
"""

from __future__ import annotations

import re

from engines.exercises.entries import ARRANGED_KINDS
from engines.exercises.forms import ALL
from engines.exercises.frames import ANCHORS, FORMS, KINDS, SAFETY, TESTS, UNIT
from engines.exercises.manners import (
    BODIES_OF_MODE,
    Body,
    closings_of,
    most_words,
    openings_of,
    spoken_act,
)
from engines.exercises.masking import masked
from engines.exercises.material import Turn, step_text, twin
from engines.words import Act, Instance, Seen

_FEWEST_WORDS = 40
_WITH_PROMPT = frozenset[Act](
    ("greet", "affirm", "clarify", "recall", "redirect", "example", "safety", "rest")
)
"""Acts whose text holds the question anyway, or has no need of it."""
_BARE_MODES = frozenset(("socratic", "worked", "review", "exam"))
"""Modes whose texts stay short, or have another question: the exercise's is not said again."""
_PIECE = re.compile(r"\S+\s*|\s+")


def chunks(text: str) -> list[str]:
    r"""The words of a text, each with the spaces after it; joined they are the text.

    >>> chunks("Undo $+ 3$.\n\nThen go on.")
    ['Undo ', '$+ ', '3$.\n\n', 'Then ', 'go ', 'on.']
    """
    return _PIECE.findall(text)


def explained(
    act: Act,
    instance: Instance,
    seen: Seen,
    *,
    turn_no: int,
    key_unlocked: bool,
    learner: str = "",
    given: str = "",
) -> str:
    """The tutor's text for an act: Markdown with `$...$`, mostly 40 to 120 words, 60 in a review.

    Words differ from those of the turn before, and from learner to learner. Nothing in it states
    the key unless `key_unlocked`, save values that the question itself prints. `seen.state` is the
    mode's after the turn (`engines.tutoring.Plan.seen`). `given` is the text of act `safety`.
    """
    if act == "safety" and given:
        return given
    act = spoken_act(act, seen)
    turn = Turn(act, instance, seen, turn_no, unlocked=key_unlocked, learner=learner)
    write = BODIES_OF_MODE.get((seen.mode, act)) or _BODIES[act]
    body = [part for part in write(turn) if part.strip()]
    opening, closing = turn.pick(openings_of(turn), 0), turn.pick(closings_of(turn, body), 1)
    parts = [opening, *body, closing]
    words = _words(parts)
    if words < _FEWEST_WORDS and act not in _WITH_PROMPT and seen.mode not in _BARE_MODES:
        parts.insert(1, f"{turn.pick(ANCHORS, 2)} {turn.prompt()}")
    elif words > most_words(seen.mode):
        parts = _within(parts, most_words(seen.mode))
    text = "\n\n".join(parts)
    if not key_unlocked and instance.item.answer.kind in ARRANGED_KINDS:
        return masked(text, instance)  # an order is told by the text as a whole
    return text


def _words(parts: list[str]) -> int:
    return sum(len(part.split()) for part in parts)


def _within(parts: list[str], most: int) -> list[str]:
    """The paragraphs, cut to the words allowed; the first two and the last one stay."""
    while len(parts) > 3 and _words(parts) > most:
        del parts[-2]
    return parts


def _greet(turn: Turn) -> list[str]:
    return [turn.prompt()]


def _remark(turn: Turn) -> str:
    """The mistake found, named in practice with each move."""
    return turn.misconception() if turn.seen.mode == "practice" else ""


def _whys(turn: Turn) -> list[str]:
    return [why for _, why in turn.steps() if why]


def _nudge(turn: Turn) -> list[str]:
    texts = turn.hints("nudge") or turn.hints("point") or _whys(turn)[:1]
    return [_remark(turn), *turn.nth_of(texts)]


def _point(turn: Turn) -> list[str]:
    texts = turn.hints("point") or _whys(turn) or turn.hints("nudge")
    remark = turn.misconception()
    return [remark, *turn.nth_of(texts)]


def _probe(turn: Turn) -> list[str]:
    texts = turn.hints("nudge", "scaffold")
    shown = turn.seen.hint_texts[-1:]
    return [f"You have seen this hint: {turn.said(shown[0])}" if shown else "", *turn.nth_of(texts)]


def _scaffold(turn: Turn) -> list[str]:
    texts = turn.hints("scaffold")
    if texts:
        return [_remark(turn), *turn.nth_of(texts)]
    steps = [f"{why} What do you get then?" for _, why in turn.steps() if why]
    return turn.nth_of(steps or turn.hints("point", "nudge"))


def _explain(turn: Turn) -> list[str]:
    remark = turn.misconception()
    if told := turn.variant("rule"):
        return [remark, told]
    steps = turn.steps()
    upto = max(1, min(len(steps), turn.seen.hints_used + turn.nth))
    reasons = [step_text(step) for step in steps[:upto]]
    hints = [] if reasons else turn.hints("point", "nudge")[: 1 + turn.nth]
    return [remark, *reasons, *hints] if remark or reasons or hints else turn.none()


def _simpler(turn: Turn) -> list[str]:
    if told := turn.variant("analogy", "visual"):
        return [told]
    nudges = turn.hints("nudge")[:1]
    whys = _whys(turn)
    move = f"The move to make: {whys[turn.nth % len(whys)]}" if whys else ""
    rest = [] if whys else turn.hints("point")[:1]
    return [*nudges, move, *rest] if nudges or whys or rest else turn.none()


def _example(turn: Turn) -> list[str]:
    if told := turn.variant("worked"):
        return told.split("\n\n")
    _, text = twin(turn.instance)
    return text.split("\n\n")


def _show_step(turn: Turn) -> list[str]:
    steps = turn.steps()
    if not steps:
        return turn.nth_of(turn.hints("point", "scaffold", "nudge"))
    return [step_text(steps[turn.nth % len(steps)])]


def _bottom_out(turn: Turn) -> list[str]:
    if not turn.unlocked:
        return _scaffold(turn)
    lines = [f"{show} {why}".strip() for show, why in turn.steps()]
    return [*lines, *turn.end(lines)]


def _compare(turn: Turn) -> list[str]:
    remark = turn.misconception()
    steps = turn.steps()
    line = f"A line that holds: {steps[turn.nth % len(steps)][0]}" if steps else ""
    rest = [] if steps else turn.hints("point")[:1]
    return [remark, line, *rest] if remark or line or rest else turn.none()


def _affirm(turn: Turn) -> list[str]:
    shown = turn.seen.hint_texts[-1:]
    if shown:
        return [f"From the hints you have this: {turn.said(shown[0])}"]
    return [f"The question, once more: {turn.prompt()}", *turn.hints("nudge")[:1]]


def _submit_prompt(turn: Turn) -> list[str]:
    return [TESTS[turn.instance.item.answer.kind]]


def _clarify(turn: Turn) -> list[str]:
    answer = turn.instance.item.answer
    names = [] if answer.kind == "fraction" else answer.form.split(ALL)  # its kind says its form
    forms = [FORMS.get(name.partition("(")[0], "") for name in names]
    unit = UNIT if answer.unit is not None and answer.unit.required else ""
    return [turn.prompt(), " ".join(filter(None, (KINDS[answer.kind], *forms, unit)))]


def _recall(turn: Turn) -> list[str]:
    title = turn.instance.item.title
    topic = [f"Topic: {turn.said(title)}."] if title else []
    return [*topic, f"The question: {turn.prompt()}"]


def _redirect(turn: Turn) -> list[str]:
    return [f"Back to the question: {turn.prompt()}"]


def _rest(turn: Turn) -> list[str]:
    return [f"Tried so far on this question: {_tries(turn.seen.attempts)}."]


def _tries(attempts: int) -> str:
    if not attempts:
        return "nothing yet, so a fresh start awaits you"
    return "a first try" if attempts == 1 else "several tries, each of which told you something"


def _safety(_turn: Turn) -> list[str]:
    return [SAFETY]


_BODIES: dict[Act, Body] = {
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
    "safety": _safety,
}
