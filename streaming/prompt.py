"""What a model is told: stable blocks first, volatile ones last. This file is its assembly.

P0 policy, P1 mode and P2 course are one system message, equal byte for byte in all turns of a
lesson. P3, the learner's summary, is a second one where there is something to say, and changes only
when the window over the turns falls back. P4 is the turns of that window word for word. P5, the
turn note, follows the learner's text and is not kept. No id is in a prompt, names and contacts are
covered, and the key is only where it may be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engines.exercises.grading import reading
from engines.exercises.hints import hint, key_text, worked
from engines.exercises.masking import masked
from engines.exercises.template import rendered
from engines.exercises.widgets import entries_shown
from engines.feeling.wellbeing import distress
from engines.memory import (
    TURNS_FEWEST,
    Remembered,
    cut,
    summary,
    summed_up,
    weighed,
    windowed,
)
from engines.privacy import covered, mark, quoted, redacted
from engines.words import Course, Instance, Mode
from streaming.blocks import ACTIONS, Blocks, blocks, filled
from streaming.providers.base import ChatMessage, LlmRequest
from streaming.rules import KeyInPrompt
from streaming.state import Asked, Gen, Open, SessionState

MAX_TOKENS = 220
MAX_TOKENS_OF_ACT = {"simpler": 140}
MAX_TOKENS_OF_MODE: dict[Mode, int] = {"review": 90}
UNTOLD_ACT = "safety"
"""Turns of this act are in no prompt: no model hears of a learner in distress."""
ANSWER_CHARS = 200
NEARLY = 0.7
GROWING = 0.4

_FENCE = re.compile(r"(course|learner)\]")


class Cover:
    """Names and contacts of one prompt: covered in the order the texts come.

    `masks` are all placeholders so far; equal texts give equal bytes while it only grows.
    """

    __slots__ = ("_names", "masks")

    def __init__(self, names: Sequence[str] = (), masks: Mapping[str, str] | None = None) -> None:
        self._names = names
        self.masks = dict(masks or {})

    def learners(self, text: str) -> str:
        """A text of the learner's, covered; what is new in it is in `masks` from now on."""
        text, self.masks = redacted(text, self._names, self.masks)
        return text

    def tutors(self, text: str) -> str:
        """A text that the tutor said, with what the learner has brought up covered."""
        return covered(text, self.masks)


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One earlier turn: what was asked, what the learner saw of the answer.

    `short` asks for the learner's message in its first 600 characters.
    """

    text: str
    action: str | None
    said: str
    stopped: bool = False
    short: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What the tutor may know of this moment.

    `mastery` holds `(skill's title, P(L), P(L) to reach)` of the item's skills. `hints` are the
    texts shown so far, `misconception` what the course says of the mistake found; `question` is the
    one question of a Socratic turn, `example` the lines of a worked example that may be spoken of.
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
    key_in_prompt: KeyInPrompt = "after_hints"
    question: str = ""
    example: tuple[str, ...] = ()

    @property
    def key_told(self) -> bool:
        """Whether the tutor may say the key."""
        return self.key_unlocked and self.key_in_prompt != "never"

    @property
    def key_covered(self) -> bool:
        """Whether the key may stand nowhere in the turn note."""
        return not self.key_told and self.key_in_prompt != "always"


def prompt(
    situation: Situation,
    history: Sequence[PastTurn] = (),
    *,
    told: str = "",
    cover: Cover | None = None,
    mark_key: bytes = b"",
    language: str = "en",
) -> tuple[ChatMessage, ...]:
    """The messages for one turn: the system's, then learner and tutor by turns, the note last.

    `history` is what `recent` left of the session's turns, `told` the learner's summary as of the
    last fold. `cover` gets to know the placeholders; `mark_key` is the session's key of marks.
    Raises KeyError for an unknown act.
    """
    said, cover = blocks(language), cover or Cover()
    messages = [ChatMessage("system", _prefix(situation.mode, situation.course, said), cache=True)]
    if told:
        known = filled(said.summary, {"summary": _fenced(cover.learners(told))})
        messages.append(ChatMessage("system", known, cache=True))
    asked_before: list[str] = []
    for turn in history:
        text = cover.learners(turn.text)
        asked_before.append(_asking(cut(text) if turn.short else text, turn.action, said, mark_key))
        if turn.said:
            stop = f"\n{said.phrases['stopped']}" if turn.stopped else ""
            messages.append(ChatMessage("user", "\n\n".join(asked_before)))
            messages.append(ChatMessage("assistant", cover.tutors(turn.said) + stop))
            asked_before = []
    text = cover.learners(situation.text)
    asked_before.append(_asking(text, situation.action, said, mark_key))
    asked_before.append(turn_note(situation, said, cover, mark_key))
    return (*messages, ChatMessage("user", "\n\n".join(asked_before)))


def _prefix(mode: Mode, course: Course, said: Blocks) -> str:
    """P0 to P2."""
    return "\n\n".join((said.policy, said.modes[mode], lesson(course, said)))


def greeting(mode: Mode, course: Course, *, language: str = "en") -> LlmRequest:
    """Asks for one token behind a lesson's stable prefix.

    A model on this machine has then read it before a learner comes, and keeps what it has read.
    """
    prefix = _prefix(mode, course, blocks(language))
    messages = (ChatMessage("system", prefix, cache=True), ChatMessage("user", "Ready?"))
    return LlmRequest(messages, 1, cache_key=cache_key(messages))


def cache_key(messages: Sequence[ChatMessage]) -> str:
    """A name for the stable prefix: a hash of the first system message, P0 to P2."""
    return hashlib.blake2b(messages[0].content.encode(), digest_size=16).hexdigest()


def versions(mode: Mode, *, language: str = "en") -> str:
    """Which blocks a turn's stable prefix was made of, for the log.

    >>> versions("practice").split()[0]
    'en'
    """
    found = blocks(language).versions
    return " ".join([language, *(f"{n}/{found[n]}" for n in ("policy", mode, "lesson"))])


def lesson(course: Course, said: Blocks) -> str:
    """P2: the course's title and skills, in the author's order."""
    skills = "; ".join(skill.title for skill in course.skills)
    return filled(
        said.lesson, {"course.title": _fenced(course.title), "course.skills": _fenced(skills)}
    )


def _asking(text: str, action: str | None, said: Blocks, mark_key: bytes) -> str:
    if not text:
        return said.phrases[f"action.{action if action in ACTIONS else 'none'}"]
    sign = mark(text, mark_key)
    return filled(said.learner, {"mark": sign, "text": quoted(text, sign)})


def _fenced(text: str) -> str:
    """A text that cannot end the fixed marks around it."""
    return _FENCE.sub(r"\1 ]", text)


def turn_note(
    situation: Situation, said: Blocks, cover: Cover | None = None, mark_key: bytes = b""
) -> str:
    """P5: the item and where the learner stands on it; while locked, the key is covered.

    Worked steps go as far as the hints do, until the key may be told; an example has its own.
    """
    instance = situation.instance

    def allowed(text: str) -> str:
        return _fenced(masked(text, instance) if situation.key_covered else text)

    steps = [f"{show} {why}".rstrip() for show, why in worked(instance)]
    if not situation.key_told:
        steps = steps[: len(situation.hints)]
    answer = masked(situation.answer, instance) if situation.key_covered else situation.answer
    answer = (cover or Cover()).learners(answer)[:ANSWER_CHARS]  # half an address is no address
    unsaid = "seen" if situation.key_unlocked else "withheld"
    act = situation.act
    if act == "bottom_out" and not situation.key_told:
        act = "explain"  # what the act would have the tutor say is not there
    return filled(
        said.turn,
        {
            "item.prompt": _fenced(instance.prompt),
            "item.options": "\n".join(f"- {_fenced(text)}" for text in entries_shown(instance)),
            "attempts": str(situation.attempts),
            "verdict": said.phrases[f"verdict.{situation.verdict}"] if situation.verdict else "",
            "answer": quoted(answer, mark(answer, mark_key)) if answer else "",
            "misconception": allowed(situation.misconception),
            "hints": "\n".join(f"- {allowed(text)}" for text in situation.hints),
            "steps": "\n".join(f"- {allowed(line)}" for line in situation.example or steps),
            "mastery": "; ".join(
                f"{_fenced(title)}: {said.phrases['band.' + band(p, goal)]}"
                for title, p, goal in situation.mastery
            ),
            "key": key_text(instance) if situation.key_told else "",
            "secret": "" if situation.key_told or situation.key_covered else key_text(instance),
            "withheld": "" if situation.key_told else said.phrases[unsaid],
            "question": allowed(situation.question),
            "act": said.acts[act],
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


# --- from a session's state -----------------------------------------------------------------------


class Assembled(NamedTuple):
    """A turn's request, the placeholders that it brought, and the blocks of its prefix.

    `masks` are the new ones alone: the session keeps them, and `Restoring` needs all of them.
    """

    request: LlmRequest
    masks: dict[str, str]
    prefix: str


def assembled(
    state: SessionState,
    ask: Asked,
    act: str,
    text: str,
    *,
    key_unlocked: bool,
    remembered: Remembered | None = None,
    masks: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
    mark_key: bytes = b"",
    key_in_prompt: KeyInPrompt = "after_hints",
    max_tokens: int = MAX_TOKENS,
    question: str = "",
    example: tuple[str, ...] = (),
    model_allowed: bool = True,
    safe_text: str = "",
) -> Assembled:
    """The request for one turn; `text` is what the built-in tutor would say.

    `remembered`, `masks` and `mark_key` are what the session keeps; `names` are the roster's and
    the school's. `question` is the one that a model may only put into other words, `example` the
    worked example as far as it was shown. Where no model is allowed the request has no messages.
    """
    plain = state.plain
    at_once = plain.prefs.get("reduced_motion") is True
    if not model_allowed:
        silent = LlmRequest((), 0, builtin_text=text, at_once=at_once, safe_text=safe_text)
        return Assembled(silent, {}, "")
    remembered = remembered or Remembered()
    cover = Cover(names, masks)
    messages = prompt(
        _situation(
            state,
            ask,
            act,
            key_unlocked=key_unlocked,
            key_in_prompt=key_in_prompt,
            question=question,
            example=example,
        ),
        recent(state, remembered),
        told=remembered.told,
        cover=cover,
        mark_key=mark_key,
    )
    limits = (max_tokens, MAX_TOKENS_OF_ACT.get(act), MAX_TOKENS_OF_MODE.get(plain.mode))
    request = LlmRequest(
        messages,
        min(limit for limit in limits if limit is not None),
        cache_key=cache_key(messages),
        builtin_text=text,
        at_once=at_once,
        safe_text=safe_text,
    )
    had = masks or {}
    new = {held: value for held, value in cover.masks.items() if held not in had}
    return Assembled(request, new, versions(plain.mode))


def recent(state: SessionState, remembered: Remembered) -> list[PastTurn]:
    """The turns that a prompt holds: those of the window that have ended."""
    first = state.plain.turns - len(state.plain.gens)
    return [
        _past(gen, short=number < remembered.cut_upto)
        for number, gen in enumerate(state.plain.gens, first)
        if number >= remembered.folded_upto and gen.status != "running" and gen.act != UNTOLD_ACT
    ]


def after_turn_ended(
    state: SessionState, remembered: Remembered, *, fewest: int = TURNS_FEWEST
) -> Remembered:
    """What is remembered once a turn has ended: the window, with a new summary if it fell back."""
    weights = [weighed(gen.input, _shown(gen)) for gen in state.plain.gens]
    moved = windowed(remembered, weights, state.plain.turns, fewest=fewest)
    return remembered if moved is remembered else after_fold(state, moved)


def after_fold(state: SessionState, remembered: Remembered) -> Remembered:
    """The same with the summary of now: the window fell back, or a lesson began.

    Both change what stands in front of it anyway. At any other time it would cost a cache.
    """
    syllabus = state.syllabus
    if syllabus is None:
        return remembered
    levels = state.beliefs.learnt(syllabus) if state.beliefs is not None else {}
    skills = syllabus.course.skills
    told = summary(
        remembered,
        {skill.id: skill.title for skill in skills},
        {skill.id: band(levels[skill.id], skill.mastery) for skill in skills if skill.id in levels},
        state.plain.prefs,
        syllabus.course.locale,
    )
    return summed_up(remembered, told)


def _shown(gen: Gen) -> str:
    return gen.seen if gen.status in ("cancelled", "superseded") else gen.text


def _past(gen: Gen, *, short: bool) -> PastTurn:
    stopped = gen.status in ("cancelled", "superseded")
    return PastTurn(gen.input, gen.action, _shown(gen), stopped, short)


def _situation(
    state: SessionState,
    ask: Asked,
    act: str,
    *,
    key_unlocked: bool,
    key_in_prompt: KeyInPrompt,
    question: str,
    example: tuple[str, ...],
) -> Situation:
    shown, instance, syllabus = state.plain.open, state.instance, state.syllabus
    assert shown is not None
    assert instance is not None
    assert syllabus is not None
    levels = state.beliefs.learnt(syllabus) if state.beliefs is not None else {}
    skills = [s for s in syllabus.course.skills if s.id in instance.item.skills]
    # Before a reveal the tutor may not even hint at who is right.
    voting = state.plain.mode == "peer" and not key_unlocked
    return Situation(
        mode=state.plain.mode,
        course=syllabus.course,
        instance=instance,
        act=act,
        text=ask.text,
        action=ask.action,
        attempts=shown.attempts,
        verdict=None if voting else shown.verdict,
        answer=_told_answer(instance, shown, syllabus.course.locale),
        misconception="" if voting else _said_of(instance, shown),
        hints=tuple(hint(instance, level)[0] for level in range(1, shown.hints + 1)),
        mastery=tuple((s.title, levels[s.id], s.mastery) for s in skills if s.id in levels),
        key_unlocked=key_unlocked,
        key_in_prompt=key_in_prompt,
        question=question,
        example=example,
    )


def _told_answer(instance: Instance, shown: Open, language: str) -> str:
    """What was answered, as a model may hear it: not of a learner in distress."""
    answer = answered(instance, shown.response)
    return "" if distress(answer, language) is not None else answer


def answered(instance: Instance, response: Any) -> str:
    """A response in words: the texts of what was chosen or moved, else what was typed."""
    if instance.item.answer.kind in ("order", "match", "parts"):
        return "" if response is None else reading(instance, response)[0]
    chosen = response if isinstance(response, list) else [response]
    texts = {choice.id: choice.text for choice in instance.choices}
    return "; ".join(texts.get(str(part), str(part)) for part in chosen if part is not None)


def _said_of(instance: Instance, shown: Open) -> str:
    for known in instance.item.misconceptions:
        if known.id == shown.misconception:
            return rendered(known.say, instance.values, instance.locale)
    return ""
