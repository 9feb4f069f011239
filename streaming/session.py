"""The learner's actor: hears a command, folds, appends, says. This file is that actor.

Everything here is synchronous. A command makes one append; its first entry is the reply and
carries the deed. What is said leaves each outbox once the append is stored. An append that the
store refuses ends the actor: its state is thrown away, its connections are closed with resume,
and the next one folds the log again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from engines.modes.mode import Help
from engines.tutoring import help_refusal
from engines.words import Decision
from protocol import commands as cmd
from protocol.codec import digest, encode
from protocol.errors import Close, Code, Refused
from protocol.events import Delta
from protocol.message import Message
from streaming import deeds, helping, polled
from streaming.fold import Fold
from streaming.log import (
    Claim,
    CommandId,
    Entry,
    Fenced,
    OutOfOrder,
    Reply,
    StoreUnavailable,
    Ticket,
    stored,
)
from streaming.nodes import Polled
from streaming.outbox import STORED, Out
from streaming.planning import seen_of
from streaming.purse import Payer
from streaming.records import Conflict
from streaming.state import PREF_CHARS, PREFS_KEPT, Open, SessionState, snapshot_body
from streaming.surroundings import Surroundings, Watch
from streaming.talk import Talk

if TYPE_CHECKING:
    from streaming.attach import Attached

_LOG = logging.getLogger(__name__)


class Origin(Protocol):
    """Where a command came from: a connection of this node, or one of another."""

    def repeat(self, seq: int) -> None:
        """Send the stored reply at `seq` again, marked as a repeat."""
        ...


class Session:
    """One learner's actor. `ended` is set once it must not be used any more."""

    def __init__(
        self,
        sid: str,
        claim: Claim,
        state: SessionState,
        replies: list[Reply],
        ground: Surroundings,
        on_end: Callable[[Session], None],
    ) -> None:
        self.sid = sid
        self.state = state
        self.epoch = claim.epoch
        self.term = claim.term
        self.head = claim.head
        self.stored_to = claim.head
        """The newest entry of which the store has said that it is stored."""
        self.attached: list[Attached] = []
        self.ended = False
        self.detached_at_s = ground.loop.time()
        self.elsewhere: dict[str, float] = {}
        """Nodes where connections to this session are attached, and until when that is believed."""
        self.rewound = False
        """The log ends before entries that were stored: it has lost some."""
        self.broken = False
        """The actor ended by a failure, and no other node has the log."""
        self.saved_seq = state.plain.seq
        self.saved_version = 0
        self.saving: Ticket | None = None
        """Resolves once the newest snapshot is stored."""
        self.carried: dict[tuple[str, str], bytes] = {}
        """The learner's scoring state under versions whose physics is another, by version."""
        self._at_ms = max(claim.at_ms, state.plain.at_ms)
        self._ground = ground
        self._on_end = on_end
        self._replies: dict[str, tuple[bytes, int, int]] = {
            r.id: (r.digest, r.seq, r.at_ms) for r in replies
        }
        self._forgotten: set[int] = set()
        self._watch = Watch()
        self._fold = Fold(
            claim.epoch, ground.catalogue.at_hand, lap=self._watch.lap, timing=self._watch.timing
        )
        self.last_ticket: Ticket | None = None
        self.talk = Talk(self, ground)
        self._answered_since_save = 0
        self._draft_unsaved = False
        self._forget_old(ground.wall_ms())

    @property
    def payer(self) -> Payer:
        """Whose budgets this session's turns are charged to."""
        return Payer(self.sid, self._ground.rules.tenant)

    async def catch_up(self, seen: int) -> None:
        """The owner knows its log's head."""

    # --- hearing ------------------------------------------------------------------------------

    def hear(
        self, command: cmd.Command, origin: Origin, arrived_ns: int = 0, decode_ns: int = 0
    ) -> None:
        """Do what a command asks; raises `Refused` where it has no effect."""
        if self.ended:
            raise Refused(Code.STORE_UNAVAILABLE, "this session is being taken up again")
        act = ACTS.get(type(command))
        if act is None:
            raise Refused(
                Code.NOT_FOUND,
                f"{command.__struct_config__.tag} needs a room or a record this server has not",
                re=getattr(command, "id", None),
            )
        command_id: str | None = getattr(command, "id", None)
        seen = None if command_id is None else self._replies.get(command_id)
        if seen is not None and not isinstance(command, cmd.AnswerDraft):
            self._repeat(command, seen, origin)
            return
        if command_id is not None and hash(command_id) in self._forgotten:
            raise Refused(Code.ID_REUSED, f"id {command_id!r} was used long ago", re=command_id)
        watch = self._watch
        watch.arrived, watch.decode = arrived_ns, decode_ns
        try:
            act(self, command)
        except Refused as refused:
            if refused.re is None:
                refused.re = command_id
            raise

    def _repeat(self, command: cmd.Command, seen: tuple[bytes, int, int], origin: Origin) -> None:
        known, seq, _ = seen
        command_id = id_of(command)
        if digest(command) != known:
            raise Refused(
                Code.ID_REUSED,
                f"id {command_id!r} was used before for another command",
                re=command_id,
            )
        origin.repeat(seq)

    # --- the lesson ---------------------------------------------------------------------------

    def _lesson_start(self, command: cmd.LessonStart) -> None:
        course, d_version = self._ground.catalogue.pick(command.course)
        plain, rules = self.state.plain, self._ground.rules
        mode = command.mode or (plain.mode if plain.course else rules.mode)
        wanted = command.locale or plain.prefs.get("locale")
        locale = self._ground.catalogue.locale_of(course, wanted)
        carried = self.carried.get((course, d_version))
        deed = deeds.LessonBegan(
            command.id,
            self.sid,
            course,
            d_version,
            mode,
            command.seed,
            self._ground.build,
            carried,
            locale,
        )
        self._act(command, deed)
        if not self._ground.log.lasting:
            self.save()  # a log that is lost can be begun anew from here and the attempts

    def _item_next(self, command: cmd.ItemNext) -> None:
        syllabus = self.state.syllabus
        if syllabus is None:
            raise Refused(Code.OUT_OF_ORDER, "expected lesson.start first, item.next came")
        if command.skill is not None and command.skill not in syllabus.skill_index:
            raise Refused(
                Code.NOT_FOUND, f"course {syllabus.course.id} has no skill {command.skill!r}"
            )
        if command.skill is not None:
            skill = syllabus.skill_index[command.skill]
            if not (syllabus.item_skills == skill).any():
                raise Refused(Code.NOT_FOUND, f"skill {command.skill!r} has no items")
        self._act(command, deeds.ItemLeft(command.id, command.skill))

    def _answer_submit(self, command: cmd.AnswerSubmit) -> None:
        shown = self._open(command.item)
        if command.at is not None:
            helping.must_be_open(self.state, command.at)
        self._watch.started = time.perf_counter_ns()
        self._watch.commit_us = self._ground.log.commit_us
        if command.at is not None:
            self._act(command, deeds.SubAnswered(command.id, command.at, command.response))
            return
        self._act(
            command,
            deeds.AnswerGiven(
                command.id, command.item, shown.seed, command.response, command.taken_ms
            ),
        )

    def _hint_request(self, command: cmd.HintRequest) -> None:
        self._open(command.item)
        if command.at is None:  # a scaffold's own hints say no more than it does
            self._help_allowed("hint")
        helping.hint_must_be_left(self.state, command.at)
        self._act(command, deeds.HintTaken(command.id, command.at))

    def _steps_request(self, command: cmd.StepsRequest) -> None:
        self._open(command.item)
        self._help_allowed("steps", leaves_last=helping.leaves_last_step(self.state, command.at))
        if command.at is not None:
            helping.must_be_open(self.state, command.at)
        self._act(command, deeds.StepsTaken(command.id, command.at))

    def _help_allowed(self, what: Help, *, leaves_last: bool = False) -> None:
        assert self.state.instance is not None
        seen = replace(seen_of(self.state), steps_blank=leaves_last)
        refusal = help_refusal(what, seen, self.state.instance)
        if refusal is not None:
            raise Refused(Code.FORBIDDEN, refusal)

    def _answer_draft(self, command: cmd.AnswerDraft) -> None:
        plain = self.state.plain
        if plain.open is None or plain.open.item != command.item:
            return
        if command.at is not None and not helping.is_open(self.state, command.at):
            return
        kept(command.response)
        if command.at is not None:
            plain.sub_drafts[command.at] = command.response
        else:
            plain.draft_item, plain.draft = command.item, command.response
        self._draft_unsaved = True

    def _mode_set(self, command: cmd.ModeSet) -> None:
        self._act(command, deeds.ModeChosen(command.id, command.mode))

    def _prefs_set(self, command: cmd.PrefsSet) -> None:
        names = {n for n, v in command.prefs.items() if v is not None}
        texts = [*names, *(v for v in command.prefs.values() if isinstance(v, str))]
        if any(len(text) > PREF_CHARS for text in texts):
            raise Refused(Code.TOO_LARGE, f"expected at most {PREF_CHARS} characters a preference")
        if len(names | self.state.plain.prefs.keys()) > PREFS_KEPT:
            raise Refused(Code.TOO_LARGE, f"expected at most {PREFS_KEPT} preferences")
        self._act(command, deeds.PrefsDeclared(command.id, command.prefs))

    def _mood_report(self, command: cmd.MoodReport) -> None:
        self._act(command, deeds.MoodTold(command.id, command.mood))

    def _review_due(self, command: cmd.ReviewDue) -> None:
        self._act(command, deeds.ReviewAsked(command.id))

    def _turn_start(self, command: cmd.TurnStart) -> None:
        self.talk.start(command)

    def _turn_cancel(self, command: cmd.TurnCancel) -> None:
        self.talk.cancel(command)

    def _open(self, item: str) -> Open:
        shown = self.state.plain.open
        if shown is None:
            raise Refused(Code.OUT_OF_ORDER, "expected lesson.start first: no item is open")
        if shown.item != item:
            known = self.state.syllabus is not None and item in self.state.syllabus.item_index
            raise Refused(
                Code.GONE if known else Code.NOT_FOUND,
                f"the open item is {shown.item!r}, {item!r} came",
            )
        return shown

    # --- votes in rooms -----------------------------------------------------------------------

    def hear_vote(self, vote: Polled) -> Ticket:
        """Take what was voted in a room as evidence, once; the ticket of what is stored by then.

        What says nothing here (no lesson on that course, another version's item) has no effect.
        Raises Refused where the session is taken up again.
        """
        if self.ended:
            raise Refused(Code.STORE_UNAVAILABLE, "this session is being taken up again")
        known = vote.id in self._replies or hash(vote.id) in self._forgotten
        if not known and polled.counts(self.state, vote):
            deed = deeds.PollAnswered(vote.id, vote.item, vote.seed, vote.first, vote.again)
            self.append(deed, CommandId(vote.id, polled.digest(deed)))
        return self.last_ticket or STORED

    # --- one append ---------------------------------------------------------------------------

    def _act(self, command: cmd.Command, deed: deeds.AnyDeed) -> Ticket:
        return self.append(deed, CommandId(id_of(command), digest(command)))

    def append(
        self, deed: deeds.AnyDeed, command: CommandId | None = None, *, urgent: bool = False
    ) -> Ticket:
        """Fold one deed, hand its entries to the store, queue its frames to everyone attached."""
        ground = self._ground
        seal = kept(deed)
        seq = self.head + 1
        at_ms = self._at_ms = max(self._at_ms, ground.wall_ms())
        open_before = self.state.plain.open
        try:
            folded = self._fold.fold(self.state, deed, seq, at_ms)
            frames = [encode(event) for event in folded.events]
        except Exception as error:
            self.fail(error)  # the state may be half moved
            raise
        entries = [Entry(seq, at_ms, frames[0], seal)]
        entries.extend(Entry(seq + n, at_ms, f) for n, f in enumerate(frames[1:], 1))
        self.head = seq + len(entries) - 1
        answerer = self.state.plain.learner if folded.decision is not None else None
        ticket = ground.log.append(self.sid, self.term, command, entries, answerer, urgent=urgent)
        if command is not None:
            self._replies[command.id] = (command.digest, seq, at_ms)
            self._forget_old(at_ms)
        if folded.decision is not None:
            self._learned(folded.decision, folded.events[0], deed)
        shown = self.state.plain.open
        if shown is not None and shown is not open_before:
            lesson = isinstance(deed, deeds.LessonBegan)
            ground.catalogue.showed(self.state.plain.course, shown.item, lesson=lesson)
        self.last_ticket = ticket
        if self.attached:
            outs = list(_outs(seq, frames, folded.events))
            for attached in self.attached:
                attached.outbox.put(outs, ticket)
        upto = self.head
        ticket.hear(lambda ticket: self._stored(ticket, upto))
        return ticket

    def _learned(self, decision: Decision, feedback: Any, deed: deeds.AnyDeed) -> None:
        ground = self._ground
        if isinstance(deed, deeds.AnswerGiven):  # how long a voter thought is not known
            if feedback.attempt == 1 and not decision.assisted:
                ground.catalogue.observe(
                    self.state.plain.course, feedback.item, self.sid, decision, deed.taken_ms
                )
            ground.gauges.answered(feedback.timing, feedback.verdict)
        self._answered_since_save += 1
        if self._answered_since_save >= SAVE_EVERY:
            self.save()

    def _forget_old(self, at_ms: int) -> None:
        replies, limits = self._replies, self._ground.limits
        while len(replies) > limits.ids_kept:
            oldest = next(iter(replies))
            if replies[oldest][2] > at_ms - limits.ids_kept_s * 1000:
                return
            del replies[oldest]
            self._forgotten.add(hash(oldest))  # the log may know it still, and would refuse it

    def say_rates(self) -> None:
        """Tell every connection what is left of the learner's budgets, where models are paid."""
        for attached in self.attached:
            attached.say_rates()

    def _refused(self, ticket: Ticket) -> None:
        if ticket.error is not None:
            self.fail(ticket.error)

    def _stored(self, ticket: Ticket, upto: int) -> None:
        if ticket.error is not None:
            self.fail(ticket.error)
            return
        self.stored_to = upto
        for attached in self.attached:
            attached.outbox.release()

    # --- life ---------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """End this actor: drop what has not left, send every connection back with resume."""
        if self.ended:
            return
        self.rewound = isinstance(error, OutOfOrder) and error.expected < error.came
        self.broken = not isinstance(error, Fenced)
        level = logging.INFO if isinstance(error, Fenced) else logging.ERROR
        _LOG.log(level, "session %s ends: %s", self.sid, error)
        self.end()
        for attached in list(self.attached):
            attached.outbox.close(Close.SERVER_ERROR, "the session is taken up again: resume")

    def end(self) -> None:
        """Stop: nothing is appended any more."""
        self.ended = True
        self.talk.stop()
        if self.state.running is not None and not self.broken:
            self._ground.nodes.speaking(self.sid, on=False)
        self._on_end(self)  # a turn that broke still lacks its end, which whoever buries us owes

    def save(self) -> None:
        """Store a snapshot of the state, once the entries that it rests on are stored."""
        if self.saved_seq == self.head and not self._draft_unsaved:
            return
        body = snapshot_body(self.state, self.epoch)
        self._draft_unsaved = False
        self._answered_since_save = 0
        self.saved_seq = self.head
        saving = self.saving = Ticket()
        (self.last_ticket or STORED).hear(lambda ticket: self._put(body, ticket, saving))

    def _put(self, body: bytes, after: Ticket, saving: Ticket) -> None:
        if not after.stored:
            saving.resolve(after.error)
            return
        ticket = self._ground.records.put("session", self.sid, body, self.saved_version)
        self.saved_version += 1
        ticket.hear(self._refused)
        ticket.hear(lambda put: saving.resolve(put.error))

    async def saved(self) -> None:
        """Wait for the newest snapshot, however it ends: the log leads there without it."""
        try:
            if self.saving is not None:
                await stored(self.saving)
        except (Conflict, StoreUnavailable) as error:
            _LOG.warning("session %s goes without its newest snapshot: %s", self.sid, error)

    def heard_elsewhere(self, now_s: float) -> bool:
        """Whether connections to this session are attached at other nodes."""
        for node, until_s in list(self.elsewhere.items()):
            if until_s <= now_s:
                del self.elsewhere[node]
                self.detached_at_s = max(self.detached_at_s, until_s)
        return bool(self.elsewhere)

    @property
    def idle(self) -> bool:
        """No connection and nothing under way."""
        return not self.attached and self.silent

    @property
    def silent(self) -> bool:
        """No turn runs or waits, and the last word is stored: nobody is owed a frame."""
        done = self.last_ticket is None or self.last_ticket.resolved
        return done and self.state.running is None and not self.state.plain.queue


SAVE_EVERY = 50
"""Answers between two stored snapshots of a session's state."""


def kept(what: Any) -> bytes:
    """The bytes that a store keeps of a deed or a value.

    Raises Refused (BAD_FRAME) for a whole number beyond 64 bits, which JSON can say.
    """
    try:
        return deeds.sealed(what)
    except OverflowError:
        raise Refused(
            Code.BAD_FRAME, "expected whole numbers within 64 bits, a larger one came"
        ) from None


def id_of(command: Any) -> str:
    """The id of a command that has one."""
    found: str = command.id
    return found


def _outs(seq: int, frames: list[bytes], events: list[Message]) -> Iterator[Out]:
    for n, frame in enumerate(frames):
        event = events[n]
        yield Out(seq + n, frame, event if isinstance(event, Delta) else None)


ACTS: dict[type[Message], Callable[..., None]] = {
    cmd.LessonStart: Session._lesson_start,
    cmd.ItemNext: Session._item_next,
    cmd.AnswerSubmit: Session._answer_submit,
    cmd.AnswerDraft: Session._answer_draft,
    cmd.HintRequest: Session._hint_request,
    cmd.StepsRequest: Session._steps_request,
    cmd.TurnStart: Session._turn_start,
    cmd.TurnCancel: Session._turn_cancel,
    cmd.ModeSet: Session._mode_set,
    cmd.PrefsSet: Session._prefs_set,
    cmd.MoodReport: Session._mood_report,
    cmd.ReviewDue: Session._review_due,
}
"""What a session does with each command that is for it."""
