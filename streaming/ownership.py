"""Which sessions live here: taken up, found, set aside, drained. This file is their keeper.

A session is taken up once, however many connections ask for it at the same moment: its snapshot
is read, the log's tail is folded, a generation that was running is ended as lost. A session
without a connection is set aside to disk after a while and costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from engines.beliefs import scoring_of
from engines.quantum.final.stage import Final
from engines.quantum.scoring import Scoring
from protocol import commands as cmd
from protocol.codec import encode
from protocol.errors import Close
from protocol.events import Drain
from streaming import deeds
from streaming.attach import Attached, Greeting
from streaming.attempts import carried
from streaming.fold import Fold
from streaming.log import Claim, Duplicate, Fenced, OutOfOrder, StoreUnavailable, stored
from streaming.outbox import Outbox, Wire
from streaming.records import Attempt
from streaming.session import Session, Surroundings
from streaming.state import SessionState, snapshot_parts

_LOG = logging.getLogger(__name__)

TICK_S = 0.25
"""How often outboxes with unacknowledged frames are looked at."""
EMPTY_S = 30.0
"""A session in which nothing happened is given up so long after its last connection."""
SWEEP_S = 1.0
"""How often sessions without a connection are looked at."""


def new_sid() -> str:
    """A fresh session id that nobody can guess."""
    return "s_" + secrets.token_urlsafe(16)


class Ownership:
    """The sessions of this node."""

    def __init__(self, ground: Surroundings, node: str, *, idle_s: float = 600.0) -> None:
        self.ground = ground
        self.node = node
        self.watched: set[Outbox] = set()
        self._idle_s = idle_s
        self._sessions: dict[str, Session] = {}
        self._coming: dict[str, asyncio.Task[Session]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # --- counters -----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    @property
    def running_turns(self) -> int:
        """Generations being said now."""
        return sum(s.state.running is not None for s in self._sessions.values())

    @property
    def connections(self) -> int:
        """Attached connections."""
        return sum(len(s.attached) for s in self._sessions.values())

    # --- coming -------------------------------------------------------------------------------

    def outbox(self, wire: Wire) -> Outbox:
        """An outbox whose lag this node watches."""
        return Outbox(wire, self.ground.loop, self.ground.limits, self.watched)

    async def attach(
        self, sid: str | None, hello: cmd.Hello, outbox: Outbox, greeting: Greeting
    ) -> Attached:
        """Join a connection to a session (a fresh one for None) and say `welcome`."""
        session = await self.session(sid or new_sid())
        attached = Attached(session, outbox, self.ground)
        try:
            await attached.join(hello, greeting)
        except BaseException:
            attached.detach()
            raise
        return attached

    async def session(self, sid: str) -> Session:
        """The live actor of a session; taken up from the log where it is not live."""
        found = self._sessions.get(sid)
        if found is not None:
            return found
        coming = self._coming.get(sid)
        if coming is None:
            coming = self._coming[sid] = self.ground.loop.create_task(self._take_up(sid))
            coming.add_done_callback(lambda _: self._coming.pop(sid, None))
        return await asyncio.shield(coming)

    async def _take_up(self, sid: str) -> Session:
        ground = self.ground
        claim = await ground.log.claim(sid, self.node, at_ms=ground.wall_ms())
        state, version, saved_seq = await revived(ground, sid, claim)
        replies = await ground.log.replies(
            sid,
            newest=sys.maxsize,  # those too old to be repeated are still refused a second effect
            since_ms=0,
        )
        session = Session(sid, claim, state, replies, ground, self._ended)
        session.saved_version, session.saved_seq = version, saved_seq
        session.carried = await carried_over(ground, sid, state)
        self._sessions[sid] = session
        session.talk.lose()
        return session

    def _ended(self, session: Session) -> None:
        if self._sessions.get(session.sid) is session:
            del self._sessions[session.sid]

    # --- time ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start looking at lag, at abandoned turns and at idle sessions."""
        self._tick()
        self._sweep()

    def _tick(self) -> None:
        self._timers["tick"] = self.ground.loop.call_later(TICK_S, self._tick)
        for outbox in list(self.watched):
            outbox.tick()

    def _sweep(self) -> None:
        self._timers["sweep"] = self.ground.loop.call_later(SWEEP_S, self._sweep)
        now_s = self.ground.loop.time()
        for session in self:
            if not session.attached:
                try:
                    self._look_at(session, now_s - session.detached_at_s)
                except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, others go on
                    session.fail(error)

    def _look_at(self, session: Session, alone_s: float) -> None:
        """Give up a turn that nobody hears; set a session aside that nobody needs."""
        if session.state.running is not None:
            if alone_s >= self.ground.limits.abandoned_s:
                session.talk.abandon("abandoned")
        elif alone_s >= (self._idle_s if session.head else EMPTY_S) and session.idle:
            self._set_aside(session)

    def _set_aside(self, session: Session) -> None:
        session.save()
        session.end()

    # --- going --------------------------------------------------------------------------------

    def say_drain(self, after_ms: int, reason: str) -> None:
        """Tell every connection that this node is leaving."""
        frame = encode(Drain(after_ms, reason))
        for session in self:
            for attached in list(session.attached):
                attached.outbox.say(frame)

    async def drain(self, timeout_s: float) -> None:
        """Let running turns finish, store every session, close every connection with 4001."""
        loop = self.ground.loop
        deadline_s = loop.time() + timeout_s
        while self.running_turns and loop.time() < deadline_s:  # noqa: ASYNC110 - turns begin others
            await asyncio.sleep(DRAIN_LOOK_S)
        for session in self:
            session.talk.abandon("drained")
            session.save()
        for timer in self._timers.values():
            timer.cancel()
        self.ground.catalogue.publish_all()
        for session in self:
            if session.last_ticket is not None and not session.ended:
                with contextlib.suppress(*REFUSALS):  # it has ended its session, which says so
                    await stored(session.last_ticket)
            for attached in list(session.attached):
                attached.outbox.close(Close.DRAIN, "the server is restarting: come back")
            session.end()


REFUSALS = (Fenced, Duplicate, OutOfOrder, StoreUnavailable)
"""How a store may refuse entries."""
DRAIN_LOOK_S = 0.05
"""How often a drain looks whether turns are still running."""


async def revived(ground: Surroundings, sid: str, claim: Claim) -> tuple[SessionState, int, int]:
    """`(state at the head, version of its snapshot, where that stands)`: the log's tail folded."""
    document = await ground.records.get("session", sid)
    state, after, version = SessionState(), 0, 0
    if document is not None:
        version = document.version
        kept, draft_item, draft = await _restored(ground, document.body)
        if kept is not None and kept.plain.seq <= claim.head:
            state, after = kept, kept.plain.seq
            state.plain.draft_item, state.plain.draft = draft_item, draft
    tail = await ground.log.read(sid, after)
    await ground.catalogue.load_named(tail)
    fold = Fold(claim.epoch, ground.catalogue.at_hand)
    for entry in tail:
        if entry.sealed:
            deed = deeds.unsealed(entry.sealed)
            fold.fold(state, deed, entry.seq, entry.at_ms)
            if isinstance(deed, deeds.AnswerGiven):
                # A crash between an answer's entries and its attempt keeps the entries only.
                ground.records.add_attempt(
                    Attempt(
                        sid, claim.epoch, entry.seq, state.plain.learner, entry.at_ms, entry.sealed
                    )
                )
    return state, version, after


async def _restored(ground: Surroundings, body: bytes) -> tuple[SessionState | None, Any, Any]:
    """The stored state with its draft; no state where another build wrote it in another form."""
    state_bytes, draft_item, draft = snapshot_parts(body)
    try:
        course, d_version = SessionState.pinned(state_bytes)
        pinned = await ground.catalogue.load(course, d_version) if course else None
        return SessionState.from_bytes(state_bytes, pinned), draft_item, draft
    except (ValueError, msgspec.MsgspecError) as error:
        _LOG.warning("a snapshot cannot be read, its log is folded from the start: %s", error)
        return None, None, None


def _physics_of(scoring: Scoring, final: Final | None) -> tuple[int, int]:
    """What a learner's scoring state belongs to."""
    return scoring.parameters.crc, 0 if final is None else final.crc


async def carried_over(
    ground: Surroundings, sid: str, state: SessionState
) -> dict[tuple[str, str], bytes]:
    """The learner's scoring state under the newest versions of the course whose physics is new.

    A state means nothing under other parameters, so the stored answers are filtered again, here
    and not in the fold, which has no access to them.
    """
    found: dict[tuple[str, str], bytes] = {}
    catalogue = ground.catalogue
    for course in catalogue.offered:
        await catalogue.refresh(course.sha256)
    if state.beliefs is None:
        return found
    mine = _physics_of(state.beliefs.scoring, state.beliefs.final)
    for course in catalogue.offered:
        if course.id != state.beliefs.course.id:
            continue
        newest = catalogue.pick(course.sha256)
        syllabus = catalogue.at_hand(*newest)
        if _physics_of(scoring_of(syllabus), syllabus.final) != mine:
            found[newest] = await carried(sid, ground.log, ground.records, catalogue, syllabus)
    return found
