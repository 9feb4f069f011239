"""Which sessions live here: taken up, followed, set aside, handed over. This file is their keeper.

Any node serves any connection; one node runs a session's actor. A session that nobody owns, or
whose owner is dead, is taken up here: its snapshot is read, the log's tail is folded, a generation
that was running is ended as lost. A session that lives elsewhere is followed by a mirror. A
session without a connection is set aside after a while and costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from protocol import commands as cmd
from protocol.errors import Close, Code, Refused
from streaming import deeds
from streaming.attach import Attached, Greeting
from streaming.broken import Broken
from streaming.draining import GOODBYE_S, emptied
from streaming.inbox import Inbox
from streaming.log import (
    Claim,
    Duplicate,
    Fenced,
    OutOfOrder,
    Owned,
    Owner,
    StoreUnavailable,
    stored,
)
from streaming.mirror import Mirror
from streaming.nodes import Asked, Here, Letter, Told, Woken, opened
from streaming.outbox import TICK_S, Outbox, Watch, Wire
from streaming.revival import Seen, carried_over, looked_at, revived
from streaming.rooms import Rooms
from streaming.session import Session
from streaming.state import SessionState
from streaming.surroundings import Surroundings
from streaming.watchman import AT_ONCE, Watchman

_LOG = logging.getLogger(__name__)

EMPTY_S = 30.0
"""A session in which nothing happened is given up so long after its last connection."""
SWEEP_S = 1.0
"""How often sessions without a connection are looked at."""
HEAD_CHECK_S = 10.0
"""How often a mirror compares its head with the stored log's."""
HERE_S = 5.0
"""How often a mirror tells its owner that somebody listens ..."""
ELSEWHERE_S = 15.0
"""... and how long the owner believes it."""
CLAIMS = 8
"""Tries to take a session up that other nodes take up at the same moment."""

Actor = Session | Mirror


def new_sid() -> str:
    """A fresh session id that nobody can guess."""
    return "s_" + secrets.token_urlsafe(16)


class Ownership:
    """The sessions of this node, and those it follows."""

    def __init__(self, ground: Surroundings, node: str, *, idle_s: float = 600.0) -> None:
        self.ground = ground
        self.node = node
        self.lagging = Watch()
        self.rooms: Rooms | None = None
        self.on_node_gone: list[Callable[[str], None]] = []
        """Called with the name of a node that died."""
        self.readers: dict[type[Letter], Callable[[Any], None]] = {}
        """Who reads the letters that are not about sessions, by their type."""
        self.taken_over = 0
        self._idle_s = idle_s
        self._sessions: dict[str, Session] = {}
        self._mirrors: dict[str, Mirror] = {}
        self._coming: dict[str, asyncio.Task[Actor]] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._inbox = Inbox(ground)
        self._watch = Watchman(self)
        self._rewound: dict[str, int] = {}  # to the term under which it was found
        self._broken = Broken(ground, node, self._come, self._is_here)

    # --- counters -----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    @property
    def mirrors(self) -> list[Mirror]:
        """Sessions of other nodes that are followed here."""
        return list(self._mirrors.values())

    @property
    def actors(self) -> list[Actor]:
        """What connections may be attached to: the sessions here, and those that are followed."""
        return [*self._mirrors.values(), *self._sessions.values()]

    @property
    def running_turns(self) -> int:
        """Generations being said now."""
        return sum(s.state.running is not None for s in self._sessions.values())

    @property
    def connections(self) -> int:
        """Attached connections."""
        return sum(len(actor.attached) for actor in self.actors)

    # --- coming -------------------------------------------------------------------------------

    def outbox(self, wire: Wire) -> Outbox:
        """An outbox whose lag this node watches."""
        return Outbox(wire, self.ground.loop, self.ground.limits, self.lagging)

    async def attach(
        self, sid: str | None, hello: cmd.Hello, outbox: Outbox, greeting: Greeting
    ) -> Attached:
        """Join a connection to a session (a fresh one for None) and say `welcome`."""
        session = await self.session(sid or new_sid())
        attached = Attached(session, outbox, self.ground, greeting.cid, self.rooms)
        try:
            await attached.join(hello, greeting)
        except BaseException:
            attached.detach()
            raise
        if isinstance(attached.session, Mirror):
            attached.session.say_here()
        return attached

    async def session(self, sid: str, *, orphaned: bool = False) -> Actor:
        """The live actor of a session, or its mirror; taken up where it lives nowhere.

        Of one that is `orphaned`, as its owner died, a mirror is not enough.
        """
        found = self._sessions.get(sid) or (None if orphaned else self._mirrors.get(sid))
        if found is not None and sid not in self._coming:
            return found
        return await self._come(sid)

    def live(self, sid: str) -> SessionState | None:
        """The state of a session that lives here or is followed here; None elsewhere."""
        found = self._sessions.get(sid) or self._mirrors.get(sid)
        return None if found is None else found.state

    async def look(self, sid: str) -> Seen:
        """A session's state as it stands, wherever it lives. Raises `StoreUnavailable`."""
        found = self._sessions.get(sid) or self._mirrors.get(sid)
        if found is not None:
            return Seen(found.state, found.epoch, found.head)
        return await looked_at(self.ground, sid)

    async def _come(self, sid: str) -> Actor:
        coming = self._coming.get(sid)
        if coming is None:
            coming = self._coming[sid] = self.ground.loop.create_task(self._take_up(sid))
            coming.add_done_callback(partial(self._came, sid))
        return await asyncio.shield(coming)

    def _came(self, sid: str, done: asyncio.Task[Actor]) -> None:
        self._coming.pop(sid, None)
        if not done.cancelled():
            done.exception()  # who waited may have left: then nobody is to hear of it

    async def _take_up(self, sid: str) -> Actor:
        leaving = self._leaving.get(sid)
        if leaving is not None:
            await asyncio.wait({leaving})
        ground = self.ground
        for _ in range(CLAIMS):
            if (followed := self._mirrors.get(sid)) is not None:
                followed.released = False
            owner = await ground.log.owner(sid)
            if owner is not None and await self._lives_elsewhere(owner):
                mirror = await self._followed(sid, owner.node)
                if not mirror.released:
                    return mirror
                continue
            over = 0 if owner is None else owner.term
            anew = owner is not None and self._rewound.get(sid) == over
            try:
                claim = await ground.log.claim(
                    sid, self.node, at_ms=ground.wall_ms(), over=over, anew=anew
                )
                self._rewound.pop(sid, None)
                if owner is not None and owner.node not in ("", self.node):
                    self.taken_over += 1
                return await self._owned(sid, claim)
            except Owned:
                continue
            except StoreUnavailable:
                self._broken.owe(sid)  # it may be ours by now, and then nobody else takes it up
                raise
        raise Refused(Code.MOVED, "other nodes take this session up: come back", retry_ms=1_000)

    async def _lives_elsewhere(self, owner: Owner) -> bool:
        return owner.node not in ("", self.node) and await self.ground.nodes.lives(owner.node)

    async def _followed(self, sid: str, owner: str) -> Mirror:
        mirror = self._mirrors.get(sid)
        if mirror is not None and not mirror.ended:
            mirror.owner = owner
            mirror.ask_again()
            return mirror
        mirror = Mirror(
            sid,
            owner,
            self.ground,
            node=self.node,
            on_end=self._mirror_ended,
            on_orphan=self._orphaned,
        )
        await mirror.begin()
        self._mirrors[sid] = mirror
        return mirror

    async def _owned(self, sid: str, claim: Claim) -> Session:
        ground = self.ground
        found = await revived(ground, sid, claim)
        if found.lost and claim.head:
            claim = await ground.log.claim(
                sid, self.node, at_ms=ground.wall_ms(), over=claim.term, anew=True
            )
        replies = await ground.log.replies(
            sid,
            newest=sys.maxsize,  # those too old to be repeated are still refused a second effect
            since_ms=0,
        )
        kept = found.state.to_bytes() if found.lost else b""
        session = Session(sid, claim, found.state, replies, ground, self._ended)
        session.saved_version, session.saved_seq = found.version, found.saved_seq
        session.carried = {} if found.lost else await carried_over(ground, sid, found.state)
        mirror = self._mirrors.get(sid)
        if mirror is not None:
            mirror.owner = self.node  # who is woken for the letters that it has on their way
            await self._take_from(mirror, session)
        unanswered = [] if mirror is None else mirror.unanswered
        self._sessions[sid] = session
        if found.lost:
            session.append(deeds.Restored(kept))
            session.save()
        session.talk.lose()
        for letter in unanswered:  # they may have been answered with words that were lost
            self.hear(letter)
        self._inbox.read(session)
        return session

    async def _take_from(self, mirror: Mirror, session: Session) -> None:
        """The connections that followed the session from here are the actor's own now."""
        if mirror.epoch == session.epoch:
            await mirror.reach(session.head)
        if mirror.epoch != session.epoch or mirror.head != session.head:
            mirror.fail(StoreUnavailable("the log began anew"))
            return
        moved, mirror.attached = mirror.attached, []
        for attached in moved:
            attached.session = session
            session.attached.append(attached)
        mirror.end()

    def _is_here(self, sid: str) -> bool:
        return sid in self._sessions or sid in self._mirrors or sid in self._leaving

    def _ended(self, session: Session) -> None:
        if session.rewound:
            self._rewound[session.sid] = session.term
        self._broken.note(session)
        if self._sessions.get(session.sid) is session:
            del self._sessions[session.sid]

    def _mirror_ended(self, mirror: Mirror) -> None:
        if self._mirrors.get(mirror.sid) is mirror:
            del self._mirrors[mirror.sid]

    def _orphaned(self, mirror: Mirror) -> asyncio.Task[Actor] | None:
        """Its owner gave the session back, died, or does not answer: see who has it now."""
        if mirror.sid in self._coming:
            return None
        task = self.ground.loop.create_task(self._come(mirror.sid))
        task.add_done_callback(lambda done: _told_of(done, mirror))
        return task

    # --- the other nodes ----------------------------------------------------------------------

    async def appear(self) -> None:
        """Appear among the other nodes, and look after their dead."""
        await self.ground.nodes.begin(self.node, self)
        self._watch.begin()

    def hear(self, data: bytes) -> None:
        """A letter from another node."""
        match letter := opened(data):
            case Woken(sid):
                self._woken(sid)
            case Told():
                self._told(letter)
            case Here(sid, node, connections):
                self._listened(sid, node, connections)
            case Asked():
                self._inbox.loose(self._sessions.get(letter.sid), letter)
            case _:
                read = self.readers.get(type(letter))
                if read is not None:
                    read(letter)

    def _woken(self, sid: str) -> None:
        session = self._sessions.get(sid)
        if session is not None:
            self._inbox.read(session)
        else:
            self._broken.seek(sid)

    def _told(self, letter: Told) -> None:
        """The owner's words to one connection, which may have become our own meanwhile."""
        actor = self._mirrors.get(letter.sid) or self._sessions.get(letter.sid)
        if isinstance(actor, Mirror) and actor.settle(letter):
            return
        for attached in [] if actor is None else actor.attached:
            if attached.cid == letter.cid:
                for frame in letter.frames:
                    attached.outbox.say(frame)

    def _listened(self, sid: str, node: str, connections: int) -> None:
        session = self._sessions.get(sid)
        if session is None:
            return
        if connections:
            session.elsewhere[node] = self.ground.loop.time() + ELSEWHERE_S
        elif session.elsewhere.pop(node, None) is not None:
            session.detached_at_s = self.ground.loop.time()

    def lapsed(self) -> None:
        """Our heartbeat failed: others may take what is here. Give everything up by ourselves."""
        _LOG.error("node %s could not be seen by the others: its sessions end here", self.node)
        for session in self:
            session.fail(StoreUnavailable("the heartbeat failed"))

    def back(self) -> None:
        """The logs were out of reach: see whether they hold what we stored there."""
        for mirror in self.mirrors:
            mirror.look()
        self._watch.doubt()

    async def forsake(self, owner: str) -> None:
        """A node is dead: see who has the sessions that it owned and that are followed here."""
        orphans = [mirror for mirror in self.mirrors if mirror.owner == owner]
        for start in range(0, len(orphans), AT_ONCE):
            some = [m for m in orphans[start : start + AT_ONCE] if m.owner == owner and not m.ended]
            tasks = [task for mirror in some if (task := self._orphaned(mirror)) is not None]
            if tasks:
                await asyncio.wait(tasks)

    # --- time ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start looking at lag, at abandoned turns and at idle sessions."""
        self._tick()
        self._sweep()

    def _tick(self) -> None:
        self._timers["tick"] = self.ground.loop.call_later(TICK_S, self._tick)
        self.lagging.tick(self.ground.loop.time())

    def _sweep(self) -> None:
        self._timers["sweep"] = self.ground.loop.call_later(SWEEP_S, self._sweep)
        now_s = self.ground.loop.time()
        for session in self:
            if not session.attached:
                try:
                    self._look_at(session, now_s)
                except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, others go on
                    session.fail(error)
        for mirror in self.mirrors:
            self._look_after(mirror, now_s)
        self._broken.look()

    def _look_at(self, session: Session, now_s: float) -> None:
        """Give up a turn that nobody hears; set a session aside that nobody needs here."""
        elsewhere = session.heard_elsewhere(now_s)
        alone_s = now_s - session.detached_at_s
        if session.state.running is not None:
            if alone_s >= self.ground.limits.abandoned_s and not elsewhere:
                session.talk.abandon("abandoned")
        elif elsewhere:
            if session.idle:
                self.hand_over(session)
        elif alone_s >= (self._idle_s if session.head else EMPTY_S) and session.idle:
            self.hand_over(session)

    def _look_after(self, mirror: Mirror, now_s: float) -> None:
        if not mirror.attached and now_s - mirror.detached_at_s >= EMPTY_S:
            mirror.end()
            return
        if mirror.late:
            self._orphaned(mirror)
        if now_s >= mirror.here_at_s:
            mirror.here_at_s = now_s + HERE_S
            mirror.say_here()
        if now_s >= mirror.look_at_s:
            mirror.look_at_s = now_s + HEAD_CHECK_S
            mirror.look()

    # --- going --------------------------------------------------------------------------------

    def hand_over(self, session: Session) -> asyncio.Task[None]:
        """Store a session and give it back, so that any node may take it up at once."""
        session.save()
        for attached in list(session.attached):
            attached.outbox.close(Close.DRAIN, "the server is restarting: come back")
        session.end()
        sid = session.sid
        task = self._leaving[sid] = self.ground.loop.create_task(self._given_back(session))
        task.add_done_callback(lambda _: self._leaving.pop(sid, None))
        return task

    async def _given_back(self, session: Session) -> None:
        with contextlib.suppress(*REFUSALS):  # it has ended its session, which says so
            if session.last_ticket is not None:
                await stored(session.last_ticket)
            await session.saved()
            await self.ground.log.release(session.sid, session.term)

    async def given_back(self) -> None:
        """Wait for all sessions that are being given back now."""
        if self._leaving:
            await asyncio.wait(set(self._leaving.values()))

    async def drain(self, timeout_s: float, goodbye_s: float = GOODBYE_S) -> None:
        """Hand sessions over as their readers leave and their turns finish; close what is left."""
        await emptied(self, timeout_s, goodbye_s)
        await self.ground.catalogue.publish_all()
        self.stop()

    def stop(self) -> None:
        """Look no more for the idle, the broken and the dead."""
        for timer in self._timers.values():
            timer.cancel()
        self._broken.stop()
        self._watch.stop()

    async def leave(self) -> None:
        """Go from among the nodes, once nothing is said here any more, in no room either."""
        with contextlib.suppress(StoreUnavailable):
            await self.ground.nodes.leave()


def _told_of(done: asyncio.Task[Actor], mirror: Mirror) -> None:
    error = None if done.cancelled() else done.exception()
    if error is None:
        return
    if isinstance(error, StoreUnavailable | Refused):  # looked at again with the next sweep
        _LOG.warning("session %s is not taken up: %s", mirror.sid, error)
    elif isinstance(error, Exception):
        mirror.fail(error)


REFUSALS = (Fenced, Duplicate, OutOfOrder, StoreUnavailable)
"""How a store may refuse entries."""
