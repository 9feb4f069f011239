"""Joins a connection to a session's log: live, replay, snapshot or reset. This file is the join.

The connection's live frames are held back first, then the log is read, then the catch-up is sent,
and what was held back and lies beyond it follows. A gap is never silent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal

from protocol import commands as cmd
from protocol.codec import encode, repeated
from protocol.errors import Close, Code, Refused
from protocol.events import LogHead, Preview, Rate, Welcome
from protocol.limits import LIMITS, Limits
from streaming import deeds
from streaming.frames import snapshot_frame
from streaming.helping import previewed
from streaming.log import Entry, Ticket
from streaming.outbox import Out, Outbox
from streaming.seats import Seats

if TYPE_CHECKING:
    from streaming.mirror import Mirror
    from streaming.rooms import Rooms
    from streaming.session import Session
    from streaming.surroundings import Surroundings
    from streaming.treasury import Treasury

_LOG = logging.getLogger(__name__)

CatchUp = Literal["live", "replay", "snapshot", "reset"]


class Greeting:
    """What `welcome` says besides the logs."""

    __slots__ = ("cid", "expires_at", "heartbeat_s", "node", "token")

    def __init__(
        self,
        cid: str,
        node: str,
        *,
        token: str | None = None,
        expires_at: int | None = None,
        heartbeat_s: float = LIMITS.ping_s,
    ) -> None:
        self.cid = cid
        self.node = node
        self.token = token
        self.expires_at = expires_at
        self.heartbeat_s = heartbeat_s


class Attached:
    """One connection of one session."""

    __slots__ = ("_ground", "_tasks", "_welcomed", "cid", "outbox", "seats", "session")

    def __init__(
        self,
        session: Session | Mirror,
        outbox: Outbox,
        ground: Surroundings,
        cid: str,
        rooms: Rooms | None = None,
    ) -> None:
        self.session = session
        self.cid = cid
        self.outbox = outbox
        self.seats = None if rooms is None else Seats(self, rooms, ground)
        self._ground = ground
        self._tasks: set[asyncio.Task[None]] = set()
        self._welcomed = False

    # --- coming -------------------------------------------------------------------------------

    async def join(self, hello: cmd.Hello, greeting: Greeting) -> None:
        """Say `welcome`, then what the client has missed, then go on live."""
        session = self.session
        self.outbox.hold()
        self._admit()
        resumed = [] if self.seats is None else await self.seats.resumed(hello.have)
        have = next((h for h in hello.have if h.s == "me"), None)
        epoch, q = (have.epoch, have.q) if have else (session.epoch, 0)
        mode, outs, upto, after = await self._missed(epoch, q)
        if session.ended:
            raise Refused(Code.STORE_UNAVAILABLE, "this session is being taken up again")
        self.outbox.say(
            encode(
                Welcome(
                    cid=greeting.cid,
                    sid=session.sid,
                    node=greeting.node,
                    heartbeat_s=greeting.heartbeat_s,
                    window=min(hello.window or LIMITS.window, LIMITS.window),
                    logs=[
                        LogHead("me", session.epoch, upto, mode),
                        *(room.head for room in resumed),
                    ],
                    token=greeting.token,
                    expires_at=greeting.expires_at,
                )
            )
        )
        self._welcomed = True
        self.outbox.catch_up(outs, upto, after)
        for room in resumed:
            room.go_on()
        if self._ground.treasury is not None:
            self._later(self._rates(self._ground.treasury))

    def _admit(self) -> None:
        attached = self.session.attached
        limits = self._ground.limits
        while len(attached) >= limits.connections:
            oldest = attached.pop(0)
            oldest.outbox.close(
                Close.REPLACED, f"a session has at most {limits.connections} connections"
            )
        attached.append(self)

    async def _missed(self, epoch: str, q: int) -> tuple[CatchUp, list[Out], int, Ticket | None]:
        session, limits = self.session, self._ground.limits
        if epoch == session.epoch and q > session.head:
            await session.catch_up(q)
        head = session.head
        if epoch != session.epoch or q > head:
            return "reset", *self._snapshot()
        if q == head:
            return "live", [], head, None
        if head - q <= limits.retention_events:
            entries = await self._ground.log.read(session.sid, q)
            entries = [e for e in entries if e.seq <= head]
            if self._replayable(entries, q, head, limits):
                return "replay", [Out(e.seq, e.public) for e in entries], head, None
        return "snapshot", *self._snapshot()

    def _replayable(self, entries: list[Entry], q: int, head: int, limits: Limits) -> bool:
        if [e.seq for e in entries] != list(range(q + 1, head + 1)):
            return False
        if q == 0 and deeds.restores(entries[0].sealed):
            return False  # its frame does not say what the log before it held
        plain = self.session.state.plain
        if q == 0 and (plain.draft is not None or plain.sub_drafts):
            return False  # a draft stands in the snapshot alone
        size = sum(len(e.public) for e in entries)
        if size > limits.replay_bytes:
            return False
        return size < SMALL_REPLAY_BYTES or size < len(
            encode(snapshot_frame(self.session.state, self.session.epoch))
        )

    def _snapshot(self) -> tuple[list[Out], int, Ticket | None]:
        session = self.session
        frame = encode(snapshot_frame(session.state, session.epoch))
        return [Out(session.head, frame)], session.head, session.last_ticket

    # --- hearing ------------------------------------------------------------------------------

    def hear(self, command: cmd.Command, arrived_ns: int = 0, decode_ns: int = 0) -> None:
        """Do what a command asks; raises `Refused` where it has no effect."""
        match command:
            case cmd.Ack(pos):
                self.ack(pos)
            case cmd.AnswerPreview():
                self._preview(command)
            case cmd.Sync(s="me"):
                self.outbox.hold()
                self._later(self._again(command.epoch, command.q))
            case cmd.Pong() | cmd.EphIn(s="me"):
                return
            case _ if self.seats is not None and of_a_room(command):
                self.seats.hear(command)
            case cmd.Sync():
                raise Refused(Code.NOT_MEMBER, f"expected the log 'me', {command.s!r} came")
            case cmd.EphIn():
                return
            case _:
                self.session.hear(command, self, arrived_ns, decode_ns)

    def _preview(self, command: cmd.AnswerPreview) -> None:
        shown = self.session.state.plain.open
        if shown is None or shown.item != command.item:
            return
        read = previewed(self.session.state, command.at, command.response)
        if read is not None:
            self.outbox.say(encode(Preview(command.item, *read, command.at)))

    def ack(self, pos: dict[str, int]) -> None:
        """The client has applied the logs up to these places."""
        if (q := pos.get("me")) is not None:
            self.outbox.ack(q)
        if self.seats is not None:
            self.seats.ack(pos)

    def ack_one(self, log: str, q: int) -> None:
        """The client has applied one log up to this place."""
        if log == "me":
            self.outbox.ack(q)
        elif self.seats is not None:
            seat = self.seats.by_rid.get(log)
            if seat is not None:
                seat.outbox.ack(q)

    @property
    def heads(self) -> dict[str, int]:
        """Where each log of this connection stands."""
        return {"me": self.session.head, **({} if self.seats is None else self.seats.heads)}

    @property
    def level(self) -> int:
        """How far the client lags behind, 0 to 3, in the worst of its logs."""
        return max(self.outbox.level, 0 if self.seats is None else self.seats.level)

    @property
    def owed(self) -> bool:
        """Whether the client is owed words of a turn that is said here in one of its rooms."""
        return self.seats is not None and self.seats.owed

    async def _again(self, epoch: str, q: int) -> None:
        _, outs, upto, after = await self._missed(epoch, q)
        self.outbox.catch_up(outs, upto, after)

    def say_rates(self) -> None:
        """Tell what is left of the learner's budgets, as far as this process knows."""
        treasury = self._ground.treasury
        if treasury is None or not self._welcomed:  # nothing comes before `welcome`
            return
        limits = treasury.left(self.session.payer, self._ground.wall_ms() / 1000)
        if limits:
            self.outbox.say(encode(Rate(limits)))

    async def _rates(self, treasury: Treasury) -> None:
        if await treasury.look_up(self.session.payer) and not self.outbox.closed:
            self.say_rates()

    def look_up_rates(self) -> None:
        """A turn ended at another node: tell anew what is left."""
        if self._ground.treasury is not None:
            self._later(self._rates(self._ground.treasury))

    def repeat(self, seq: int) -> None:
        """Send the stored reply at `seq` again, marked as a repeat."""
        self._later(self._repeat(seq))

    async def _repeat(self, seq: int) -> None:
        entries = await self._ground.log.read(self.session.sid, seq - 1, limit=1)
        if entries and entries[0].seq == seq:
            self.outbox.say(repeated(entries[0].public))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._ground.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and not self.outbox.closed:
            # Frames may be held back for an answer that does not come: the client asks anew.
            _LOG.error("session %s: a client was not answered: %s", self.session.sid, error)
            self.outbox.close(Close.SERVER_ERROR, "what was asked for could not be read: resume")

    # --- going --------------------------------------------------------------------------------

    def detach(self) -> None:
        """Leave; a running turn goes on."""
        if self.seats is not None:
            self.seats.leave()
        self.outbox.drop()
        for task in self._tasks:
            task.cancel()
        if self in self.session.attached:
            self.session.attached.remove(self)
            self.session.detached_at_s = self._ground.loop.time()


SMALL_REPLAY_BYTES = 4 * 1024
"""A replay below this is sent without making a snapshot only to compare their sizes."""


_OF_ROOMS = (
    cmd.RoomJoin
    | cmd.RoomLeave
    | cmd.RoomSay
    | cmd.RoomBoard
    | cmd.RoomThank
    | cmd.RoomAccept
    | cmd.RoomPollOpen
    | cmd.RoomPollClose
    | cmd.RoomVote
    | cmd.RoomAsk
    | cmd.Sync
    | cmd.EphIn
)


def of_a_room(command: cmd.Command) -> bool:
    """Whether a command is about a room, not about the session; a room's board is one of its."""
    if isinstance(command, cmd.BoardWatch | cmd.BoardAct):
        return command.class_.startswith("r_")
    return isinstance(command, _OF_ROOMS)
