"""What somebody voted in a room, as evidence of their own session. This file judges it.

A room tells the votes once its poll is revealed. The vote before the discussion is an answer
without help; the one after it was given with the others' help, so it measures nothing: it is one
opportunity to learn where there was no vote before it, and is never counted as wrong. The open
item of the lesson is left as it is.
"""

from __future__ import annotations

import hashlib

from engines import memory
from engines.exercises.template import instance as drawn
from engines.maths.dice import Dice
from engines.tutor import react
from engines.words import Answered, Decision, Instance
from protocol import events as ev
from protocol.message import Message
from streaming import deeds
from streaming.frames import difficulty_frame, moved_part
from streaming.nodes import Polled
from streaming.state import SessionState

_UNTIMED = ev.Timing(0, 0, 0, 0, 0)
"""Nobody waits for the verdict on a vote."""
_NO_DICE = Dice(0, 0)
"""No item is chosen after a vote."""


def counts(state: SessionState, vote: Polled) -> bool:
    """Whether a vote says something of this learner: it is on an item of the lesson's course.

    On another version of the course the item may be another: then what the room revealed must be
    right here too. Beliefs that have taken the vote in already are not moved again.
    """
    syllabus, beliefs = state.syllabus, state.beliefs
    if syllabus is None or beliefs is None or syllabus.course.id != vote.course:
        return False
    if vote.item not in syllabus.item_index or (vote.first is None and vote.again is None):
        return False
    if any(_eid(vote.id, attempt) in beliefs.eids for attempt in (1, 2)):
        return False
    made = _instance(state, vote.item, vote.seed)
    options = {choice.id for choice in made.choices}
    voted = {vote.right, vote.first or vote.right, vote.again or vote.right}
    return voted <= options and str(made.key) == vote.right


def votes_judged(
    state: SessionState, deed: deeds.PollAnswered, seq: int, at_ms: int
) -> tuple[list[Message], Decision]:
    """Move `state` by the votes of one poll; the events due, and what was decided on the first."""
    due: list[Message] = []
    decision: Decision | None = None
    for option, helped in ((deed.first, False), (deed.again, True)):
        if option is not None:
            attempt = 1 if decision is None else 2
            made = _judged(state, deed, option, attempt, at_ms, helped=helped)
            due.append(_feedback(deed, made, attempt, seq + len(due), at_ms))
            if made.difficulty is not None:
                due.append(difficulty_frame(state, made.difficulty, seq + len(due), at_ms))
            decision = decision or made
    assert decision is not None
    return due, decision


def _judged(
    state: SessionState,
    deed: deeds.PollAnswered,
    option: str,
    attempt: int,
    at_ms: int,
    *,
    helped: bool,
) -> Decision:
    """Take one vote in."""
    assert state.syllabus is not None
    seen = Answered(
        eid=_eid(deed.cmd, attempt),
        syllabus=state.syllabus,
        instance=_instance(state, deed.item, deed.seed),
        response=option,
        taken_ms=0,
        attempt_no=attempt,
        hints_used=0,
        steps_shown=helped,
        steps_told=helped,  # the others may have said it: that is no recall, so no lapse either
        learning_done=attempt > 1,
        mode="peer",
        aside=True,
    )
    made = react(state.known, seen, at_ms / 1000, _NO_DICE)
    state.beliefs = made.beliefs
    verdict = made.verdict
    if attempt == 1 and (not helped or verdict.verdict == "correct"):
        state.plain.remembered = memory.after_answer(
            state.plain.remembered,
            seen.instance.item.skills,
            verdict.verdict,
            verdict.misconception,
            assisted=made.assisted,
        )
    return made


def _feedback(
    deed: deeds.PollAnswered, made: Decision, attempt: int, seq: int, at_ms: int
) -> ev.Feedback:
    verdict = made.verdict
    return ev.Feedback(
        s="me",
        q=seq,
        ts=at_ms,
        re=deed.cmd,
        item=deed.item,
        verdict=verdict.verdict,
        read_as=verdict.read_as,
        message=verdict.message,
        assisted=made.assisted,
        skills=[moved_part(moved) for moved in made.moved],
        p_expected=made.p_expected,
        timing=_UNTIMED,
        misconception=verdict.misconception,
        attempt=attempt,
        reasons=list(made.reasons) or None,
    )


def _instance(state: SessionState, item: str, seed: int) -> Instance:
    """The item as the room saw it, in the words of the lesson."""
    assert state.syllabus is not None
    course = state.syllabus.course
    return drawn(state.item(item), course.sha256, seed, locale=course.locale)


def _eid(name: str, attempt: int) -> str:
    return f"{name}/{attempt}"


def digest(deed: deeds.PollAnswered) -> bytes:
    """16 bytes that two deliveries of the same votes share."""
    return hashlib.blake2b(deeds.sealed(deed), digest_size=16).digest()
