"""What a model is told: stable blocks first, volatile ones last. This file is its assembly.

P0 policy, P1 mode and P2 course are one system message, equal byte for byte in all turns of a
lesson. P4 is the recent turns verbatim. P5, the turn note, follows the learner's text and is not
kept. No id and no name is in a prompt; the key is only where it has been unlocked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engines.exercises.hints import hint, key_text, worked
from engines.exercises.masking import masked
from engines.exercises.template import rendered
from engines.words import Course, Instance, Mode
from streaming.blocks import ACTIONS, Blocks, blocks, filled
from streaming.providers.base import ChatMessage, LlmRequest
from streaming.state import Asked, Gen, Open, SessionState

TURNS_FEWEST = 8
TURNS_MOST = 12
"""The history grows to so many turns, then falls back to the fewest in one step: a window that
slid with every turn would change the prompt's beginning each time, and no cache would hold."""
MAX_TOKENS = 220
MAX_TOKENS_OF_ACT = {"simpler": 140}
MAX_TOKENS_OF_MODE: dict[Mode, int] = {"review": 90}
SILENT_MODES = frozenset({"exam"})
"""Modes in which no model is called."""
ANSWER_CHARS = 200
NEARLY = 0.7
GROWING = 0.4


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One earlier turn: what was asked, what the learner saw of the answer."""

    text: str
    action: str | None
    said: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What the tutor may know of this moment.

    `mastery` holds `(skill's title, P(L), P(L) to reach)` of the item's skills. `hints` are the
    texts shown so far, `misconception` what the course says of the mistake found.
    """

    mode: Mode
    course: Course
    instance: Instance
    act: str
    text: str
    action: str | None = None
    attempts: int = 0
    verdict: str | None = None
    answer: str = ""
    misconception: str = ""
    hints: tuple[str, ...] = ()
    mastery: tuple[tuple[str, float, float], ...] = ()
    key_unlocked: bool = False


def prompt(
    situation: Situation, history: Sequence[PastTurn] = (), *, language: str = "en"
) -> tuple[ChatMessage, ...]:
    """The messages for one turn: the system's, then learner and tutor by turns, the note last.

    `history` is what `recent` left of the session's turns. Raises KeyError for an unknown act.
    """
    said = blocks(language)
    system = "\n\n".join((said.policy, said.modes[situation.mode], lesson(situation.course, said)))
    messages = [ChatMessage("system", system)]
    asked_before: list[str] = []
    for turn in history:
        asked_before.append(_asking(turn.text, turn.action, said))
        if turn.said:
            mark = f"\n{said.phrases['stopped']}" if turn.stopped else ""
            messages.append(ChatMessage("user", "\n\n".join(asked_before)))
            messages.append(ChatMessage("assistant", turn.said + mark))
            asked_before = []
    asked_before.append(_asking(situation.text, situation.action, said))
    asked_before.append(turn_note(situation, said))
    return (*messages, ChatMessage("user", "\n\n".join(asked_before)))


def cache_key(messages: Sequence[ChatMessage]) -> str:
    """A name for the stable prefix: a hash of the system message."""
    return hashlib.blake2b(messages[0].content.encode(), digest_size=16).hexdigest()


def versions(mode: Mode, *, language: str = "en") -> str:
    """Which blocks a turn's stable prefix was made of, for the log.

    >>> versions("practice")
    'en policy/1 practice/1 lesson/1'
    """
    found = blocks(language).versions
    return " ".join([language, *(f"{n}/{found[n]}" for n in ("policy", mode, "lesson"))])


def lesson(course: Course, said: Blocks) -> str:
    """P2: the course's title and skills, in the author's order."""
    skills = "; ".join(skill.title for skill in course.skills)
    return filled(said.lesson, {"course.title": course.title, "course.skills": skills})


def _asking(text: str, action: str | None, said: Blocks) -> str:
    if not text:
        return said.phrases[f"action.{action if action in ACTIONS else 'none'}"]
    return filled(said.learner, {"mark": mark(text), "text": text})


def mark(text: str) -> str:
    """The delimiter around a quoted text: a hash of it, so that no text can hold its own.

    It stays with its text, which keeps the prompt's beginning stable without storing anything.

    >>> mark("hello") == mark("hello") != mark("hello!")
    True
    """
    return f"~{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}~"


def turn_note(situation: Situation, said: Blocks) -> str:
    """P5: the item and where the learner stands on it; while locked, the key is covered."""
    instance, unlocked = situation.instance, situation.key_unlocked

    def told(text: str) -> str:
        return text if unlocked else masked(text, instance)

    steps = worked(instance) if unlocked else worked(instance)[: len(situation.hints)]
    answer = told(situation.answer[:ANSWER_CHARS])
    return filled(
        said.turn,
        {
            "item.prompt": instance.prompt,
            "item.options": "\n".join(f"- {choice.text}" for choice in instance.choices),
            "attempts": str(situation.attempts),
            "verdict": said.phrases[f"verdict.{situation.verdict}"] if situation.verdict else "",
            "answer": answer,
            "mark": mark(answer),
            "misconception": told(situation.misconception),
            "hints": "\n".join(f"- {told(text)}" for text in situation.hints),
            "steps": "\n".join(f"- {told(show)} {told(why)}".rstrip() for show, why in steps),
            "mastery": "; ".join(
                f"{title}: {said.phrases['band.' + band(p, goal)]}"
                for title, p, goal in situation.mastery
            ),
            "key": key_text(instance) if unlocked else "",
            "withheld": "" if unlocked else said.phrases["withheld"],
            "act": said.acts[situation.act],
        },
    )


def band(p: float, goal: float) -> str:
    """One of four bands of mastery: a model needs no more than that.

    >>> [band(p, 0.95) for p in (0.2, 0.5, 0.8, 0.96)]
    ['new', 'growing', 'nearly', 'mastered']
    """
    if p >= goal:
        return "mastered"
    if p >= NEARLY:
        return "nearly"
    return "growing" if p >= GROWING else "new"


def recent(turns: Sequence[PastTurn], total: int) -> Sequence[PastTurn]:
    """The turns that a prompt holds, of the newest `turns` among `total` in the session.

    Between 8 and 12, all where there were no more; what is left out changes every fifth turn.

    >>> kept = [len(recent([PastTurn("", None, "")] * min(n, 12), n)) for n in range(11, 20)]
    >>> kept
    [11, 12, 8, 9, 10, 11, 12, 8, 9]
    """
    step = TURNS_MOST - TURNS_FEWEST + 1
    left_out = step * -(-max(0, total - TURNS_MOST) // step)
    return turns[max(0, left_out - (total - len(turns))) :]


# --- from a session's state -----------------------------------------------------------------------


def asked(
    state: SessionState, ask: Asked, act: str, text: str, *, key_unlocked: bool
) -> LlmRequest:
    """The request for one turn; `text` is what the built-in tutor would say.

    In an exam it carries no messages: no model may be called.
    """
    plain = state.plain
    at_once = plain.prefs.get("reduced_motion") is True
    if plain.mode in SILENT_MODES:
        return LlmRequest((), 0, builtin_text=text, at_once=at_once)
    past = [_past(gen) for gen in plain.gens if gen.status != "running"]
    messages = prompt(
        _situation(state, ask, act, key_unlocked=key_unlocked), recent(past, plain.turns)
    )
    limits = (MAX_TOKENS, MAX_TOKENS_OF_ACT.get(act), MAX_TOKENS_OF_MODE.get(plain.mode))
    return LlmRequest(
        messages,
        min(limit for limit in limits if limit is not None),
        cache_key=cache_key(messages),
        builtin_text=text,
        at_once=at_once,
    )


def _past(gen: Gen) -> PastTurn:
    stopped = gen.status in ("cancelled", "superseded")
    return PastTurn(gen.input, gen.action, gen.seen if stopped else gen.text, stopped)


def _situation(state: SessionState, ask: Asked, act: str, *, key_unlocked: bool) -> Situation:
    shown, instance, syllabus = state.plain.open, state.instance, state.syllabus
    assert shown is not None
    assert instance is not None
    assert syllabus is not None
    levels = state.beliefs.learnt(syllabus) if state.beliefs is not None else {}
    skills = [s for s in syllabus.course.skills if s.id in instance.item.skills]
    return Situation(
        mode=state.plain.mode,
        course=syllabus.course,
        instance=instance,
        act=act,
        text=ask.text,
        action=ask.action,
        attempts=shown.attempts,
        verdict=shown.verdict,
        answer=answered(instance, shown.response),
        misconception=_said_of(instance, shown),
        hints=tuple(hint(instance, level)[0] for level in range(1, shown.hints + 1)),
        mastery=tuple((s.title, levels[s.id], s.mastery) for s in skills if s.id in levels),
        key_unlocked=key_unlocked,
    )


def answered(instance: Instance, response: Any) -> str:
    """A response in words: the texts of the options chosen, else what was typed."""
    chosen = response if isinstance(response, list) else [response]
    texts = {choice.id: choice.text for choice in instance.choices}
    return "; ".join(texts.get(str(part), str(part)) for part in chosen if part is not None)


def _said_of(instance: Instance, shown: Open) -> str:
    for known in instance.item.misconceptions:
        if known.id == shown.misconception:
            return rendered(known.say, instance.values)
    return ""
