"""What one turn will do, before anybody speaks. This file is the plan of a turn.

It is pure: state, words and the operator's rules in; act, request and what must not be said out.
The fold calls the same `seen_of` and `moved_on`, so that a replayed log moves the same plans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from engines.exercises.arithmetic import pairs_of
from engines.exercises.explain import explained
from engines.exercises.guardset import guard_set
from engines.exercises.hints import hint, ladder_length
from engines.exercises.subquestions import steps_shown
from engines.feeling.wellbeing import Concern, check_in_text, distress, safety_text
from engines.modes.adaptive import wheel_spinning
from engines.modes.policies import policy_of
from engines.privacy import Restoring
from engines.tutoring import Plan, planned, turned
from engines.words import ModeState, Seen
from streaming.prompt import answered, assembled
from streaming.providers.base import LlmRequest
from streaming.purse import Screen
from streaming.rules import TutorRules
from streaming.screen import screened
from streaming.state import Asked, Gen, Open, SessionState

MOOD_S = 900.0
"""How long a mood that the learner reported counts."""
SAFETY = "safety"
CANCELLED = "cancelled"
"""The act of a turn that was given up before it came."""
SAFE_TEXT = (
    "Let us go back to the exercise. Which step are you sure of? Tell me how you got there, "
    "and put your answer into the answer field when you have one."
)
"""Said where even the built-in tutor's own text was caught; it holds no number and no answer."""


class Planned(NamedTuple):
    """A turn that may begin.

    `masks` are the placeholders that are new; `guards` is None where nothing is locked and the
    text is fixed. `unlocks`: the answer is opened, and counted as help, before it is said.
    """

    request: LlmRequest
    act: str
    prefix: str = ""
    masks: Mapping[str, str] = MappingProxyType({})
    screens: Callable[[], Screen] | None = None
    unlocks: bool = False
    concern: Concern | None = None


def planned_turn(
    state: SessionState, ask: Asked, rules: TutorRules, *, sid: str, secret: bytes
) -> Planned:
    """The plan for a question on the open item, or on the one just closed, if it names that."""
    found = distress(ask.text, state.locale) if ask.text else None
    if found is not None:
        return _safe(found, rules)
    session, state = state, state.on(ask.item)
    assert state.instance is not None
    seen = seen_of(state)
    plan = planned(ask.action or ask.text, seen, state.instance)
    text = explained(
        plan.act,
        state.instance,
        plan.seen,
        turn_no=state.plain.turns + 1,
        key_unlocked=not plan.locked,
        learner=sid,
    )
    made = assembled(
        state,
        ask,
        plan.act,
        text,
        key_unlocked=not plan.locked,
        question=plan.question,
        example=plan.example,
        model_allowed=plan.model_allowed,
        remembered=state.plain.remembered,
        masks=state.plain.masks,
        names=rules.names,
        mark_key=hashlib.blake2b(sid.encode(), key=secret[:64]).digest(),
        key_in_prompt=rules.key_in_prompt,
        max_tokens=rules.max_tokens,
        safe_text=SAFE_TEXT,
    )
    return Planned(
        made.request,
        plan.act,
        made.prefix,
        made.masks,
        _screens(session, state, ask, plan, rules, {**state.plain.masks, **made.masks}),
        plan.unlocks,
    )


def _safe(found: Concern, rules: TutorRules) -> Planned:
    """The fixed message: no model reads such words, and no guard cuts a help line's number."""
    explicit = found.level == "explicit"
    if explicit:
        text = safety_text(found.kind, rules.help_lines, adult_told=rules.adult_told)
    else:
        text = check_in_text(rules.help_lines)
    return Planned(LlmRequest((), 0, builtin_text=text, at_once=True), SAFETY, concern=found)


# --- what was seen --------------------------------------------------------------------------------


def seen_of(state: SessionState) -> Seen:
    """What is known of the open item and of the tutor's turns."""
    plain, shown = state.plain, state.plain.open
    assert shown is not None
    assert state.instance is not None
    item = state.instance.item
    texts = tuple(hint(state.instance, n)[0] for n in range(1, shown.hints + 1))
    right, missed = plain.remembered.skills.get(item.skills[0], (0, 0))
    return Seen(
        attempts=shown.attempts,
        verdict=shown.verdict,
        misconception=shown.misconception,
        hints_used=shown.hints,
        hint_texts=texts,
        steps_shown=shown.steps_tell(item) or shown.unlocked,
        mode=plain.mode,
        acts=tuple(g.act for g in _turns_on(plain.gens, shown) if g.act != CANCELLED),
        mood=plain.mood if plain.at_ms - plain.mood_at_ms <= MOOD_S * 1000 else None,
        wheel_spinning=wheel_spinning(
            shown.attempts if shown.verdict != "correct" else 0,
            shown.hints,
            ladder_length(item),
            right + missed,
            mastered=_mastered(state, item.skills[0]),
        ),
        skill_answers=right + missed,
        state=shown.mode_state,
    )


def _turns_on(gens: list[Gen], shown: Open) -> list[Gen]:
    """The turns since the open item was shown: help begins anew with each item."""
    return [gen for gen in gens if gen.began_at_ms >= shown.shown_at_ms]


def _mastered(state: SessionState, skill: str) -> bool:
    if state.beliefs is None or state.syllabus is None:
        return False
    return skill in state.beliefs.mastered(state.syllabus)


def moved_on(state: SessionState, gen: Gen) -> ModeState:
    """Where the open item's plan stands once this turn was begun; for the fold."""
    shown = state.plain.open
    assert shown is not None
    if state.instance is None or gen.act in (CANCELLED, SAFETY):
        return shown.mode_state
    return turned(gen.action or gen.input, gen.act, seen_of(state), state.instance)  # type: ignore[arg-type]  # a planned act


# --- what must not be said ------------------------------------------------------------------------


def _screens(
    session: SessionState,
    state: SessionState,
    ask: Asked,
    plan: Plan,
    rules: TutorRules,
    masks: dict[str, str],
) -> Callable[[], Screen]:
    """The turn's screens; what is asked of a closed item holds the open one's answer back too."""
    shown, instance = state.plain.open, state.instance
    assert shown is not None
    assert instance is not None
    hints = [hint(instance, n)[0] for n in range(1, shown.hints + 1)]
    given, said = [instance.prompt, *hints, *_steps_before(state)], _words_before(state, shown)
    locked = [instance] if plan.locked else []
    if (
        session is not state
        and session.instance is not None
        and policy_of(session.plain.mode).locked(seen_of(session))
    ):
        locked.append(session.instance)
        given.append(session.instance.prompt)
    guards = guard_set(locked, given, ask.text, earlier=said, strict=rules.strict)
    exempt = frozenset().union(*map(_equations, (*given, *said, ask.text)))

    def screen() -> Screen:
        return screened(guards, [Restoring(masks)], exempt=exempt)

    return screen


@lru_cache(maxsize=4096)
def _equations(text: str) -> frozenset[str]:
    """The equations of one text; each turn of an item asks for those of all turns before it."""
    return pairs_of([text])


def _steps_before(state: SessionState) -> list[str]:
    """The worked steps that are before the learner; in a blank stands nothing."""
    shown = state.plain.open
    if shown is None or state.instance is None or not shown.steps_shown:
        return []
    steps = steps_shown(state.instance, shown.blanks, shown.filled)
    return [text for step in steps for text in (step.show, step.why) if text]


def _words_before(state: SessionState, shown: Open) -> list[str]:
    """What the learner wrote about this item until now: answers are given values too."""
    assert state.instance is not None
    asked = [g.input for g in _turns_on(state.plain.gens, shown)]
    tried = answered(state.instance, shown.response) if shown.response is not None else ""
    return [text for text in (*asked, tried) if text]
