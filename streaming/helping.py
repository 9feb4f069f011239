"""What help does to a session's state: hints, worked steps, scaffolds, blanks. This file folds it.

Help never punishes: a scaffold or a blank is judged and may be tried again, it is no try at the
item and moves no belief. That help was taken is noted, and makes the item's own answer assisted.
"""

from __future__ import annotations

from engines import memory
from engines.exercises.grading import graded, reading
from engines.exercises.hints import hint, ladder_length
from engines.exercises.subquestions import (
    HINT,
    STEP,
    Place,
    blanks,
    place_of,
    scaffold_hints,
    subquestion,
)
from engines.exercises.verdicts import NOT_YET
from engines.words import Instance
from protocol import events as ev
from protocol.errors import Code, Refused
from protocol.message import Message
from streaming import deeds
from streaming.frames import hint_frame, steps_frame, sub_hint_frame
from streaming.state import Open, SessionState, Sub

ONE_STEP = "Not yet. Read the small question once more: it asks for one step alone."
"""What a wrong answer to a scaffold or a blank hears: whoever is in a hint is not sent for one."""
BACK = "Now back to the question."
"""Said after a scaffold that was answered right."""


def hint_taken(state: SessionState, deed: deeds.HintTaken, seq: int, at_ms: int) -> ev.Hint:
    """One more level of the ladder, or one more hint of a scaffold."""
    shown, made = _open(state)
    if deed.at is not None:
        sub = shown.subs.setdefault(deed.at, Sub())
        sub.hints += 1
        return sub_hint_frame(state, deed.at, sub.hints, seq, at_ms, deed.cmd)
    shown.hints += 1
    level = hint(made, shown.hints)[1].level
    state.plain.remembered = memory.after_hint(state.plain.remembered, level)
    return hint_frame(state, shown.hints, seq, at_ms, deed.cmd)


def steps_taken(state: SessionState, deed: deeds.StepsTaken, seq: int, at_ms: int) -> ev.Steps:
    """The steps, in worked mode without their last ones; asked again, what was left out."""
    shown, made = _open(state)
    if shown.steps_shown:
        for nth in shown.blanks:
            at = Place(STEP, nth).at
            if nth not in shown.filled and deed.at in (None, at):
                shown.subs.setdefault(at, Sub()).given_up = True
    else:
        shown.steps_shown = True
        shown.blanks = blanks(made.item, state.fading)
    return steps_frame(state, seq, at_ms, deed.cmd)


def sub_answered(
    state: SessionState, deed: deeds.SubAnswered, seq: int, at_ms: int, timing: ev.Timing
) -> list[Message]:
    """The verdict on a scaffold or a blank; behind a blank that is right come the steps with it."""
    shown, made = _open(state)
    place = place_of(deed.at)
    asked = subquestion(made, place)
    assert asked is not None
    verdict = graded(asked, deed.response, locale=state.locale)
    name, policy = verdict.verdict, asked.item.answer.form_policy
    sub = shown.subs.setdefault(deed.at, Sub())
    if name != "unreadable" and (name != "wrong_form" or policy != "ask"):
        sub.attempts += 1
    message = ONE_STEP if verdict.message == NOT_YET else verdict.message
    back = name == "correct" and place.what == HINT
    sub.message = f"{message} {BACK}" if back else message
    sub.verdict, sub.response = name, deed.response
    told = ev.Feedback(
        s="me",
        q=seq,
        ts=at_ms,
        re=deed.cmd,
        item=shown.item,
        verdict=name,
        read_as=verdict.read_as,
        message=sub.message,
        assisted=True,
        skills=[],
        p_expected=shown.p_success,
        timing=timing,
        attempt=max(1, sub.attempts),
        at=deed.at,
    )
    if place.what == STEP and sub.over:
        return [told, steps_frame(state, seq + 1, at_ms)]
    return [told]


# --- what is refused ------------------------------------------------------------------------------


def must_be_open(state: SessionState, at: str) -> Place:
    """The place of a small question that may be answered now; raises `Refused` for another."""
    shown, made = _open(state)
    place = _place(at)
    seen = place.nth <= shown.hints if place.what == HINT else place.nth in shown.blanks
    if not seen:
        what = "a hint that is shown" if place.what == HINT else "a step that was left out"
        raise Refused(Code.OUT_OF_ORDER, f"expected {what}, {at!r} came")
    if subquestion(made, place) is None:
        raise Refused(Code.NOT_FOUND, f"nothing is asked at {at!r} of {shown.item}")
    sub = shown.subs.get(at)
    if sub is not None and sub.over:
        how = "given up" if sub.given_up else "answered"
        raise Refused(Code.GONE, f"{at!r} of {shown.item} is {how}")
    return place


def is_open(state: SessionState, at: str) -> bool:
    """Whether the small question at this place may be answered now."""
    try:
        must_be_open(state, at)
    except Refused:
        return False
    return True


def hint_must_be_left(state: SessionState, at: str | None) -> None:
    """Refuses where all levels of the ladder, or all hints of a scaffold, are shown."""
    shown, made = _open(state)
    if at is None:
        of, used, what = ladder_length(made.item), shown.hints, shown.item
    else:
        sub = shown.subs.get(at)
        of, used = len(scaffold_hints(made, must_be_open(state, at))), sub.hints if sub else 0
        what = f"{at!r}"
    if used >= of:
        raise Refused(Code.GONE, f"all {of} hints of {what} are shown")


def leaves_last_step(state: SessionState, at: str | None) -> bool:
    """Whether the steps, asked for now, leave their last one to the learner."""
    shown, made = _open(state)
    last = len(made.item.steps)
    if not shown.steps_shown:
        return last in blanks(made.item, state.fading)
    kept = last in shown.blanks and last not in shown.filled
    return kept and at is not None and at != Place(STEP, last).at


def previewed(
    state: SessionState, at: str | None, response: object
) -> tuple[str, int | None, str | None] | None:
    """How a response would be read (`grading.reading`); None where nothing is asked there.

    Raises `Refused` for an `at` of another form.
    """
    _, made = _open(state)
    asked = made if at is None else subquestion(made, _place(at))
    return None if asked is None else reading(asked, response, locale=state.locale)


def _place(at: str) -> Place:
    try:
        return place_of(at)
    except ValueError as error:
        raise Refused(Code.BAD_FRAME, f"field `at`: {error}") from None


def _open(state: SessionState) -> tuple[Open, Instance]:
    shown, made = state.plain.open, state.instance
    assert shown is not None
    assert made is not None
    return shown, made
