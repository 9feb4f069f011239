"""What a deed does to a session's state, and the events due. This file is the one fold.

The live actor, the recovery after a crash, the snapshot for a late client and the replay all call
`fold`. It reads no clock and throws no dice of its own: time is the entry's `at_ms`, and the dice
of the entry numbered n come from the log's epoch and n. The state is moved in place: an actor
whose entries were refused is thrown away with its state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from engines import memory
from engines.exercises.template import instance as drawn
from engines.maths.dice import Dice
from engines.modes.mode import after_answer
from engines.tutor import choose, left_told, react
from engines.words import Answered, Chosen, Decision, Syllabus
from protocol import events as ev
from protocol.message import Message
from streaming import deeds, helping, polled
from streaming.frames import (
    difficulty_frame,
    done_frame,
    item_frame,
    lesson_facts,
    moved_part,
    review_frame,
    safety_frame,
)
from streaming.planning import moved_on
from streaming.prompt import after_fold, after_turn_ended
from streaming.state import CANCELLED_KEPT, TURNS_KEPT, Asked, Gen, Open, SessionState

NO_TIMING = ev.Timing(0, 0, 0, 0, 0)
Lap = Callable[[str], None]


class Folded(NamedTuple):
    """The events due, numbered from the deed's own place; `decision` where an answer was judged.

    `left` is what followed where an item was left whose answer had been told.
    """

    events: list[Message]
    decision: Decision | None = None
    left: Decision | None = None


def dice_key(epoch: str) -> int:
    """The 128 bit key of a log's dice.

    >>> dice_key("a") == dice_key("a") != dice_key("b")
    True
    """
    return int.from_bytes(hashlib.sha256(epoch.encode()).digest()[:16], "little")


class Fold:
    """The fold of one session's log.

    `timing` is asked for the feedback's stage times; a replay has none.
    """

    __slots__ = ("_courses", "_key", "_lap", "_timing")

    def __init__(
        self,
        epoch: str,
        courses: Callable[[str, str, str], Syllabus],
        *,
        lap: Lap | None = None,
        timing: Callable[[], ev.Timing] | None = None,
    ) -> None:
        self._key = dice_key(epoch)
        self._courses = courses
        self._lap = lap
        self._timing = timing

    def fold(self, state: SessionState, deed: deeds.AnyDeed, seq: int, at_ms: int) -> Folded:
        """Move `state` by one deed at `seq`; returns the events due, the reply first."""
        folded: Folded = _DOES[type(deed)](self, state, deed, seq, at_ms)
        state.plain.seq = seq + len(folded.events) - 1
        state.plain.at_ms = at_ms
        return folded

    # --- the lesson ---------------------------------------------------------------------------

    def _lesson(self, state: SessionState, deed: deeds.LessonBegan, seq: int, at_ms: int) -> Folded:
        syllabus = self._courses(deed.course, deed.d_version, deed.locale)
        if state.syllabus is not None:
            state.leave_for(syllabus)
        beliefs = state.beliefs_for(syllabus, deed.carried)
        plain = state.plain
        plain.learner, plain.course, plain.d_version = deed.learner, deed.course, deed.d_version
        plain.locale = deed.locale
        plain.mode = deed.mode  # type: ignore[assignment]  # checked on the wire
        state.pin(syllabus, beliefs)
        plain.remembered = after_fold(state, plain.remembered)
        key = self._key if deed.seed is None else deed.seed
        shown = self._choose(state, Dice(key, seq), seq + 1, at_ms)
        changed = {"mode": deed.mode, **lesson_facts(state)}
        return Folded([ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed=changed), shown])

    def _next(self, state: SessionState, deed: deeds.ItemLeft, seq: int, at_ms: int) -> Folded:
        shown, left, again = state.plain.open, None, False
        if shown is not None and state.plain.mode not in ("exam", "review"):
            again = shown.told(state.item(shown.item))
            if again and not shown.learning_done:
                left = left_told(state.known, self._seen(state, seq, None, 0), at_ms / 1000)
                state.beliefs = left.beliefs
        dice = Dice(self._key, seq)
        event = self._choose(state, dice, seq, at_ms, skill=deed.skill, re=deed.cmd, again=again)
        return Folded([event], left=left)

    def _choose(
        self,
        state: SessionState,
        dice: Dice,
        seq: int,
        at_ms: int,
        *,
        skill: str | None = None,
        re: str | None = None,
        again: bool = False,
    ) -> Message:
        assert state.beliefs is not None
        assert state.syllabus is not None
        plain = state.plain
        leaving = plain.open.item if plain.open else None
        state.beliefs, chosen = choose(
            state.beliefs,
            state.syllabus,
            at_ms / 1000,
            dice,
            skill=skill,
            leaving=leaving,
            mode=plain.mode,
            again=again,
        )
        return self._show(state, chosen, seq, at_ms, re)

    def _show(
        self, state: SessionState, chosen: Chosen, seq: int, at_ms: int, re: str | None = None
    ) -> Message:
        plain = state.plain
        plain.open = Open(chosen.item, chosen.seed, chosen.p_success, chosen.why, at_ms)
        plain.draft_item = plain.draft = None
        plain.sub_drafts = {}
        plain.remembered = memory.after_item(plain.remembered)
        syllabus = state.syllabus
        assert syllabus is not None
        item = syllabus.course.items[syllabus.item_index[chosen.item]]
        state.instance = drawn(
            item, syllabus.course.sha256, chosen.seed, locale=syllabus.course.locale
        )
        return item_frame(state, seq, at_ms, re)

    def _seen(self, state: SessionState, seq: int, response: Any, taken_ms: int) -> Answered:
        """The open item's evidence at this place of the log."""
        shown, made = state.plain.open, state.instance
        assert shown is not None
        assert made is not None
        assert state.syllabus is not None
        return Answered(
            eid=f"{seq}",
            syllabus=state.syllabus,
            instance=made,
            response=response,
            taken_ms=taken_ms,
            attempt_no=shown.attempts + 1,
            hints_used=shown.hints,
            steps_shown=shown.steps_shown or shown.unlocked,
            steps_told=shown.steps_told(made.item) or shown.unlocked,
            learning_done=shown.learning_done,
            mode=state.plain.mode,
            again=shown.told(made.item),
        )

    def _answer(self, state: SessionState, deed: deeds.AnswerGiven, seq: int, at_ms: int) -> Folded:
        plain, shown = state.plain, state.plain.open
        assert shown is not None
        assert state.instance is not None
        seen = self._seen(state, seq, deed.response, deed.taken_ms)
        made = react(state.known, seen, at_ms / 1000, Dice(self._key, seq), self._lap)
        state.beliefs = made.beliefs
        verdict = made.verdict
        reads = verdict.verdict != "unreadable"
        uses_attempt = reads and (verdict.verdict != "wrong_form" or made.done)
        if uses_attempt:
            shown.attempts += 1
            shown.learning_done = True
            plain.answers += 1
        shown.verdict, shown.message = verdict.verdict, verdict.message
        shown.misconception, shown.response = verdict.misconception, deed.response
        shown.parts = None if verdict.parts is None else dict(verdict.parts)
        shown.mode_state = after_answer(shown.mode_state, verdict.verdict, verdict.misconception)
        if plain.mode == "worked" and verdict.verdict == "correct":
            skill = state.instance.item.skills[0]
            plain.fading[skill] = plain.fading.get(skill, 0) + 1
        plain.remembered = memory.after_answer(
            plain.remembered,
            state.instance.item.skills,
            verdict.verdict,
            verdict.misconception,
            assisted=made.assisted,
        )
        due: list[Message] = [
            ev.Feedback(
                s="me",
                q=seq,
                ts=at_ms,
                re=deed.cmd,
                item=shown.item,
                verdict=verdict.verdict,
                read_as=verdict.read_as,
                message=verdict.message,
                assisted=made.assisted,
                skills=[moved_part(moved) for moved in made.moved],
                p_expected=made.p_expected,
                timing=self._timing() if self._timing else NO_TIMING,
                misconception=verdict.misconception,
                attempt=seen.attempt_no,
                done=made.done,
                reasons=list(made.reasons) or None,
                parts=shown.parts,
            )
        ]
        if made.difficulty is not None:
            due.append(difficulty_frame(state, made.difficulty, seq + 1, at_ms))
        if made.chosen is not None:
            plain.closed = shown
            due.append(self._show(state, made.chosen, seq + len(due), at_ms))
        return Folded(due, made)

    def _sub(self, state: SessionState, deed: deeds.SubAnswered, seq: int, at_ms: int) -> Folded:
        timing = self._timing() if self._timing else NO_TIMING
        return Folded(helping.sub_answered(state, deed, seq, at_ms, timing))

    def _hint(self, state: SessionState, deed: deeds.HintTaken, seq: int, at_ms: int) -> Folded:
        return Folded([helping.hint_taken(state, deed, seq, at_ms)])

    def _steps(self, state: SessionState, deed: deeds.StepsTaken, seq: int, at_ms: int) -> Folded:
        return Folded([helping.steps_taken(state, deed, seq, at_ms)])

    def _vote(self, state: SessionState, deed: deeds.PollAnswered, seq: int, at_ms: int) -> Folded:
        return Folded(*polled.votes_judged(state, deed, seq, at_ms))

    # --- turns --------------------------------------------------------------------------------

    def _ask(self, state: SessionState, deed: deeds.TurnAsked, seq: int, at_ms: int) -> Folded:
        state.plain.queue.append(Asked(deed.cmd, deed.text, deed.action, deed.item))
        changed = {"queued": len(state.plain.queue)}
        return Folded([ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed=changed)])

    def _turn(self, state: SessionState, deed: deeds.TurnBegan, seq: int, at_ms: int) -> Folded:
        plain = state.plain
        plain.queue = [a for a in plain.queue if a.cmd != deed.cmd]
        plain.turns += 1
        plain.masks.update(deed.masks)
        plain.keep_turns = deed.keep_turns
        gen = Gen(
            gen=deed.gen,
            cmd=deed.cmd,
            input=deed.text,
            action=deed.action,
            item=deed.item,
            provider=deed.provider,
            model=deed.model,
            source=deed.source,
            act=deed.act,
            began_at_ms=at_ms,
        )
        there = state.on(gen.item)
        if there.plain.open is not None:
            there.plain.open.mode_state = moved_on(there, gen)
            there.plain.open.unlocked = there.plain.open.unlocked or deed.unlocks
        plain.gens.append(gen)
        del plain.gens[:-TURNS_KEPT]
        due: list[Message] = [
            ev.TurnStarted(
                s="me",
                q=seq,
                ts=at_ms,
                gen=deed.gen,
                cmd=deed.cmd,
                provider=deed.provider,
                model=deed.model,
                source=deed.source,  # type: ignore[arg-type]  # written by the session itself
                input=deed.text or deed.action,
                item=deed.item,
            )
        ]
        if deed.safety is not None:
            due.append(safety_frame(deed.safety, seq + 1, at_ms))
        return Folded(due)

    def _chunk(self, state: SessionState, deed: deeds.ChunkSaid, seq: int, at_ms: int) -> Folded:
        gen = state.gen(deed.gen)
        assert gen is not None
        i = gen.next_i
        gen.chunks.append(deed.text)
        return Folded([ev.Delta("me", seq, at_ms, deed.gen, (i, i), deed.text)])

    def _switch(
        self, state: SessionState, deed: deeds.TurnSwitched, seq: int, at_ms: int
    ) -> Folded:
        gen = state.gen(deed.gen)
        assert gen is not None
        gen.from_i = gen.next_i
        gen.provider, gen.model = deed.provider, deed.model
        gen.source = "builtin" if deed.provider == "builtin" else "llm"
        return Folded(
            [
                ev.TurnRestarted(
                    "me", seq, at_ms, deed.gen, gen.from_i, deed.provider, deed.model, deed.reason
                )
            ]
        )

    def _end(self, state: SessionState, deed: deeds.TurnEnded, seq: int, at_ms: int) -> Folded:
        gen = state.gen(deed.gen)
        assert gen is not None
        gen.status = deed.status
        if deed.seen_i is not None:
            gen.seen_i = min(max(deed.seen_i, gen.from_i - 1), gen.next_i - 1)
        self._remember_turn(state, gen)
        if deed.reason in ("abandoned", "drained"):
            state.plain.queue = []
        due: list[Message] = []
        if deed.cmd is not None:
            due.append(ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed={"gen": deed.gen}))
        due.append(done_frame(gen, deed, seq + len(due), at_ms))
        return Folded(due)

    def _remember_turn(self, state: SessionState, gen: Gen) -> None:
        plain = state.plain
        if gen.seen:
            plain.remembered = memory.after_turn(plain.remembered, gen.act)
        plain.remembered = after_turn_ended(state, plain.remembered, fewest=plain.keep_turns)

    def _unask(self, state: SessionState, deed: deeds.TurnRefused, seq: int, at_ms: int) -> Folded:
        plain = state.plain
        plain.queue = [a for a in plain.queue if a.cmd != deed.target]
        plain.cancelled.append(deed.target)
        del plain.cancelled[:-CANCELLED_KEPT]
        changed = {"cmd": deed.target}
        return Folded([ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed=changed)])

    # --- what the learner declares ------------------------------------------------------------

    def _mode(self, state: SessionState, deed: deeds.ModeChosen, seq: int, at_ms: int) -> Folded:
        state.plain.mode = deed.mode  # type: ignore[assignment]  # checked on the wire
        changed = {"mode": deed.mode}
        return Folded([ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed=changed)])

    def _prefs(
        self, state: SessionState, deed: deeds.PrefsDeclared, seq: int, at_ms: int
    ) -> Folded:
        for name, value in deed.prefs.items():
            if value is None:
                state.plain.prefs.pop(name, None)
            else:
                state.plain.prefs[name] = value
        changed = {"prefs": dict(state.plain.prefs)}
        return Folded([ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed=changed)])

    def _mood(self, state: SessionState, deed: deeds.MoodTold, seq: int, at_ms: int) -> Folded:
        state.plain.mood = None if deed.mood == "skip" else deed.mood
        state.plain.mood_at_ms = at_ms
        changed = {"mood": state.plain.mood}
        return Folded([ev.Ok(s="me", q=seq, ts=at_ms, re=deed.cmd, changed=changed)])

    # --- what is due --------------------------------------------------------------------------

    def _restored(self, state: SessionState, deed: deeds.Restored, seq: int, at_ms: int) -> Folded:
        pinned = SessionState.pinned(deed.state)
        syllabus = self._courses(*pinned) if pinned.course else None
        kept = SessionState.from_bytes(deed.state, syllabus)
        state.plain, state.beliefs = kept.plain, kept.beliefs
        state.syllabus, state.instance = kept.syllabus, kept.instance
        told = ["the log was lost; what was answered is kept"]
        return Folded([ev.Signal(s="me", q=seq, ts=at_ms, kind="restored", level=1, reasons=told)])

    def _review(self, state: SessionState, deed: deeds.ReviewAsked, seq: int, at_ms: int) -> Folded:
        return Folded([review_frame(state, seq, at_ms, deed.cmd)])


_DOES: dict[type[deeds.Deed], Any] = {
    deeds.LessonBegan: Fold._lesson,
    deeds.ItemLeft: Fold._next,
    deeds.AnswerGiven: Fold._answer,
    deeds.SubAnswered: Fold._sub,
    deeds.PollAnswered: Fold._vote,
    deeds.HintTaken: Fold._hint,
    deeds.StepsTaken: Fold._steps,
    deeds.TurnAsked: Fold._ask,
    deeds.TurnBegan: Fold._turn,
    deeds.ChunkSaid: Fold._chunk,
    deeds.TurnSwitched: Fold._switch,
    deeds.TurnEnded: Fold._end,
    deeds.TurnRefused: Fold._unask,
    deeds.ModeChosen: Fold._mode,
    deeds.PrefsDeclared: Fold._prefs,
    deeds.MoodTold: Fold._mood,
    deeds.ReviewAsked: Fold._review,
    deeds.Restored: Fold._restored,
}
