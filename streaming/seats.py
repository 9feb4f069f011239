"""The rooms of one connection: coming in, catching up, speaking, leaving. This file is its seats.

A seat hears of everything from the moment it is taken; what it hears is held back until it has
caught up, as with the session's own log. Whether a command has an effect is decided later, at its
place in the room's log; its reply comes by the connection, without a place of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

from engines.feeling.wellbeing import distress
from protocol import commands as cmd
from protocol.codec import digest, encode, refusal
from protocol.errors import Close, Code, Refused
from protocol.events import At, EphOut, LogHead, Ok
from streaming import room_deeds as deeds
from streaming.log import StoreUnavailable, Ticket
from streaming.nodes import Passing, written
from streaming.outbox import STORED, Out
from streaming.own_tutor import heard, tell_own_tutor
from streaming.room import log_of, out_of
from streaming.room_acts import expect_member, member_id
from streaming.room_batch import Given
from streaming.room_fold import snapshot_frame
from streaming.room_polls import poll_filled
from streaming.room_words import texts_in, words_of

if TYPE_CHECKING:
    from streaming.attach import Attached
    from streaming.mastered import Progress
    from streaming.outbox import Outbox
    from streaming.room import Room
    from streaming.rooms import Rooms
    from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)

CatchUp = Literal["live", "replay", "snapshot", "reset"]
SMALL_REPLAY_BYTES = 4 * 1024
"""A replay below this is sent without making a snapshot only to compare their sizes."""
RETRY_MS = 1_000
"""When a command may come again that the store could not be asked about."""


class Tries(Protocol):
    """How often an address may name a room that is none."""

    def expect_left(self) -> None:
        """Raise Refused (RATE_LIMITED) where no more are left for now."""
        ...

    def missed(self) -> None:
        """One more was none."""
        ...


class Seat:
    """One connection in one room."""

    __slots__ = ("_on_dismissed", "began_with", "known", "outbox", "room", "who")

    def __init__(
        self, room: Room, who: deeds.Join, outbox: Outbox, on_dismissed: Callable[[Seat], None]
    ) -> None:
        self.room = room
        self.who = who
        self.outbox = outbox
        self.known = False
        """Whether the log has this member; before that nobody can have taken them out."""
        self.began_with: Progress | None = None
        """What was mastered when the seat was taken, for the rows of those who opted in."""
        self._on_dismissed = on_dismissed
        outbox.hold()
        room.sit(self)

    @property
    def member(self) -> str:
        """The member's id."""
        return self.who.member

    def dismiss(self) -> None:
        """Hear nothing any more: the member has left the room."""
        self.room.rise(self)
        self.outbox.drop()
        self._on_dismissed(self)

    async def missed(self, ground: Surroundings, have: cmd.Have | None) -> Missed:
        """What this seat has not heard since `have`, up to where the room stands now."""
        room, limits = self.room, ground.limits
        if have is None:
            return self._snapshot("snapshot")
        if have.epoch != room.epoch or have.q > room.state.seq:
            return self._snapshot("reset")
        head = room.state.seq
        if have.q == head:
            return Missed("live", [], head)
        if head - have.q <= limits.retention_events:
            entries = await ground.log.read(log_of(room.rid), have.q)
            entries = [e for e in entries if e.seq <= head]
            whole = [e.seq for e in entries] == list(range(have.q + 1, head + 1))
            size = sum(len(e.public) for e in entries)
            if whole and size <= limits.replay_bytes:
                shown = self._snapshot("snapshot")
                if size < SMALL_REPLAY_BYTES or size < len(shown.outs[0].frame):
                    return Missed("replay", [out_of(e) for e in entries], head)
        return self._snapshot("snapshot")

    def _snapshot(self, mode: CatchUp) -> Missed:
        room = self.room
        frame = encode(snapshot_frame(room.state, room.epoch, self.member))
        return Missed(mode, [Out(room.state.seq, frame)], room.state.seq)


class Missed(NamedTuple):
    """A catch-up: how, the frames, and the place that they lead to."""

    mode: CatchUp
    outs: list[Out]
    upto: int


class Resumed(NamedTuple):
    """A room that a `hello` had, taken up again."""

    seat: Seat
    missed: Missed

    @property
    def head(self) -> LogHead:
        """Its line in `welcome`."""
        room = self.seat.room
        return LogHead(room.rid, room.epoch, self.missed.upto, self.missed.mode)

    def go_on(self) -> None:
        """Send what was missed, then go on live."""
        self.seat.outbox.catch_up(self.missed.outs, self.missed.upto)


class Seats:
    """The seats of one connection, by room."""

    __slots__ = ("_attached", "_ground", "_joining", "_rooms", "_tasks", "by_rid", "tries")

    def __init__(self, attached: Attached, rooms: Rooms, ground: Surroundings) -> None:
        self.by_rid: dict[str, Seat] = {}
        self.tries: Tries | None = None
        self._attached = attached
        self._rooms = rooms
        self._ground = ground
        self._joining: dict[str, list[cmd.Command]] = {}
        """Rooms that are being joined, under the name given, with what was said meanwhile."""
        self._tasks: set[asyncio.Task[None]] = set()

    # --- coming -------------------------------------------------------------------------------

    async def resumed(self, have: list[cmd.Have]) -> list[Resumed]:
        """Take the rooms of a `hello` up again; those that no longer know the member are left."""
        found = []
        for one in have[: self._ground.limits.have_logs]:
            if one.s == "me" or one.s in self.by_rid or not one.s.startswith("r_"):
                continue
            try:
                room = await self._rooms.room(one.s)
            except Refused:
                continue
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001 - a room's edge: the learner's own lessons go on
                _LOG.exception("room %s cannot be taken up: a client comes in without it", one.s)
                continue
            who = self._who(room.rid, "member")
            member = room.state.members.get(who.member)
            if member is None:
                continue
            seat = self._seat(room, msgspec.structs.replace(who, role=member.role))
            seat.known = True
            room.give(seat.who)
            found.append(Resumed(seat, await seat.missed(self._ground, one)))
        return found

    def _who(self, rid: str, role: deeds.Role) -> deeds.Join:
        sid = self._attached.session.sid
        member = member_id(sid, rid)
        return deeds.Join(member, sid, None, role, self._attached.cid, self._rooms.node)

    def _seat(self, room: Room, who: deeds.Join) -> Seat:
        seat = Seat(room, who, self._attached.outbox.beside(), self._dismissed)
        self.by_rid[room.rid] = seat
        self._rooms.seated(seat)
        return seat

    def _dismissed(self, seat: Seat) -> None:
        if self.by_rid.get(seat.room.rid) is seat:
            del self.by_rid[seat.room.rid]

    # --- hearing ------------------------------------------------------------------------------

    def hear(self, command: cmd.Command) -> None:
        """Take a command of a room. Raises Refused where it is clear at once that it has no effect.

        All other refusals come by the connection.
        """
        try:
            self._hear(command)
        except Refused as refused:
            if refused.re is None:
                refused.re = getattr(command, "id", None)
            raise

    def _hear(self, command: cmd.Command) -> None:
        match command:
            case cmd.RoomJoin():
                self._join(command)
            case cmd.EphIn():
                self._ephemeral(command)
            case cmd.Sync():
                seat = self._at(command.s)
                if not seat.known:  # whether they are let in is decided at their place in the log
                    raise Refused(
                        Code.NOT_MEMBER, f"expected the answer to room.join of {command.s!r} first"
                    )
                self._again(seat, cmd.Have(command.s, command.epoch, command.q))
            case cmd.BoardWatch() | cmd.BoardAct():
                seat = self._at(command.class_)
                self._later(self._board(seat, command), command.id)
            case _:
                rid = command.rid  # type: ignore[union-attr]  # every other command of a room has one
                waiting = self._joining.get(rid)
                if waiting is not None and rid not in self.by_rid:
                    waiting.append(command)
                else:
                    self._command(self._at(rid), command)

    def ack(self, pos: dict[str, int]) -> None:
        """The client has applied the rooms up to these places."""
        for rid, seat in self.by_rid.items():
            if (q := pos.get(rid)) is not None:
                seat.outbox.ack(q)

    @property
    def heads(self) -> dict[str, int]:
        """Where each room stands."""
        return {rid: seat.room.state.seq for rid, seat in self.by_rid.items()}

    @property
    def level(self) -> int:
        """How far the client lags behind in the worst of its rooms."""
        return max((seat.outbox.level for seat in self.by_rid.values()), default=0)

    @property
    def owed(self) -> bool:
        """Whether the client listens to a turn that is said here, or may be asking for one."""
        return bool(self._joining) or any(seat.room.speaks for seat in self.by_rid.values())

    def _at(self, rid: str) -> Seat:
        seat = self.by_rid.get(rid)
        if seat is None or seat.room.ended:
            raise Refused(Code.NOT_MEMBER, f"expected room.join of {rid!r} first")
        return seat

    def _command(self, seat: Seat, command: Any) -> None:
        text = words_of(command)
        if self._cries(text):
            self._care(seat, command, text)
            return
        asked = poll_filled(command, self._ground.catalogue)
        told = self._told(seat, command)
        seat.room.give(Given(asked.command, digest(command), seat.who, told, asked.of))

    def _told(self, seat: Seat, command: Any) -> Callable[[Refused | None, int, bool], None]:
        """Says how a command ended, to the connection it came by."""

        def told(refused: Refused | None, q: int, dup: bool) -> None:
            if refused is not None:
                self.refuse(refused)
                return
            rid = seat.room.rid
            self.say_ok(seat, command.id, at=At(rid, q), dup=dup)
            if isinstance(command, cmd.RoomLeave) and seat.member not in seat.room.state.members:
                seat.dismiss()  # who joined again in the same breath stays

        return told

    def say_ok(
        self,
        seat: Seat,
        re: str,
        *,
        changed: dict[str, Any] | None = None,
        at: At | None = None,
        dup: bool = False,
    ) -> None:
        """The reply to a command of a room: it has no place of its own."""
        ok = Ok(seat.room.rid, 0, self._ground.wall_ms(), re, changed, at, dup)
        self._attached.outbox.say(encode(ok))

    def refuse(self, refused: Refused) -> None:
        """Tell the connection why a command had no effect."""
        self._attached.outbox.say(refusal(refused))

    # --- what is not for others -----------------------------------------------------------------

    def _cries(self, text: str) -> bool:
        return bool(text) and distress(text, self._attached.session.state.locale) is not None

    def _care(self, seat: Seat, command: Any, text: str) -> None:
        """Words of distress: the room hears nothing of them, the learner's own tutor answers."""
        if seat.known:  # who is still being let in has a tutor already
            expect_member(seat.room.state, seat.member)
        told = tell_own_tutor(self._attached, seat.room.rid, command.id, text)
        self._later(self._cared(seat, command.id, told), command.id)

    async def _cared(self, seat: Seat, re: str, told: Ticket) -> None:
        await heard(told)
        self.say_ok(seat, re)

    def _ephemeral(self, command: cmd.EphIn) -> None:
        """Typing, cursor: passed on to whoever else is here, on all nodes, or dropped."""
        seat = self.by_rid.get(command.s)
        if seat is None or not seat.known:
            return
        if len(msgspec.json.encode(command.v)) > self._ground.limits.eph_value_bytes:
            return
        if self._cries("\n".join(texts_in(command.v))):
            return
        frame = encode(EphOut(command.s, command.k, command.v, seat.member))
        seat.room.hint(frame, seat.member)
        self._ground.nodes.tell_all(written(Passing(seat.room.rid, seat.member, frame)))

    async def _board(self, seat: Seat, command: cmd.BoardWatch | cmd.BoardAct) -> None:
        """What a facilitator asks of a room, beside its log."""
        made = await self._rooms.facilitation.asked(seat, command)
        if isinstance(made, cmd.BoardAct):
            seat.room.give(Given(made, digest(command), seat.who, self._told(seat, command)))
        else:
            self.say_ok(seat, command.id, changed=made)

    # --- joining --------------------------------------------------------------------------------

    def _join(self, command: cmd.RoomJoin) -> None:
        if self.tries is not None and not command.rid.startswith("r_"):
            self.tries.expect_left()
        text, told = words_of(command), STORED
        if self._cries(text):
            told = tell_own_tutor(self._attached, command.rid, command.id, text)
            command = msgspec.structs.replace(command, name=None)
        self._joining.setdefault(command.rid, [])
        joining = self._later(self._joined(command, told), command.id)
        self._rooms.joining.add(joining)
        joining.add_done_callback(self._rooms.joining.discard)

    async def _joined(self, command: cmd.RoomJoin, told: Ticket) -> None:
        away = False
        try:
            await heard(told)
            await self._asked_in(command)
        except (StoreUnavailable, Refused) as error:
            away = not isinstance(error, Refused) or error.code is Code.STORE_UNAVAILABLE
            raise
        finally:
            for one in self._joining.pop(command.rid, []):
                self._go_on(one, away=away)

    async def _asked_in(self, command: cmd.RoomJoin) -> None:
        rid = await self._found(command)
        role = self._rooms.role_of(command.token, rid)
        room = await self._rooms.room(rid)
        seat = self.by_rid.get(rid)
        if seat is None:
            if len(self.by_rid) >= self._ground.limits.have_logs - 1:
                most = self._ground.limits.have_logs - 1
                raise Refused(Code.FORBIDDEN, f"at most {most} rooms a connection")
            seat = self._seat(room, self._who(rid, role))
        who = self._who(rid, role)
        room.give(Given(command, digest(command), who, self._came(seat, command)))

    def _go_on(self, command: Any, *, away: bool) -> None:
        """Do what waited for a join, or say why not: no command is left without an answer."""
        if away:
            self.refuse(_away(command.id))
            return
        try:
            self.hear(command)
        except Refused as refused:
            self.refuse(refused)

    async def _found(self, command: cmd.RoomJoin) -> str:
        by_code = not command.rid.startswith("r_")
        try:
            rid = await self._rooms.found(command.rid)
        except Refused:
            if self.tries is not None:
                if by_code:
                    self.tries.expect_left()
                self.tries.missed()
            raise
        if self.tries is not None and by_code:
            self.tries.expect_left()  # others were asked about at the same time, and were none
        return rid

    def _came(
        self, seat: Seat, command: cmd.RoomJoin
    ) -> Callable[[Refused | None, int, bool], None]:
        def told(refused: Refused | None, q: int, dup: bool) -> None:
            if refused is not None:
                self.refuse(refused)
                if not seat.known:
                    seat.dismiss()
                return
            here = self._still_seated(seat)
            if here is not None:
                self._welcome(here, command, q, dup=dup)

        return told

    def _still_seated(self, seat: Seat) -> Seat | None:
        """The seat of a join that is stored; a fresh one where a leave before it took the seat."""
        room = seat.room
        if self._attached.outbox.closed:
            room.give(deeds.Leave(seat.member, seat.who.cid))
            return None
        here = self.by_rid.get(room.rid)
        return here if here is not None else self._seat(room, seat.who)

    def _welcome(self, seat: Seat, command: cmd.RoomJoin, q: int, *, dup: bool) -> None:
        seat.known = True
        state = seat.room.state
        member = state.members.get(seat.member)
        changed = {
            "rid": state.rid,
            "member": seat.member,
            "role": member.role if member else seat.who.role,
            "name": member.name if member else "",
            "code": state.code,
            "title": state.title,
        }
        if member is not None:
            seat.who = msgspec.structs.replace(seat.who, role=member.role)
        self.say_ok(seat, command.id, changed=changed, at=At(state.rid, q), dup=dup)
        self._again(seat, command.have)

    def _again(self, seat: Seat, have: cmd.Have | None) -> None:
        seat.outbox.hold()
        self._later(self._caught_up(seat, have), None)

    async def _caught_up(self, seat: Seat, have: cmd.Have | None) -> None:
        missed = await seat.missed(self._ground, have)
        seat.outbox.catch_up(missed.outs, missed.upto, STORED)
        self._rooms.caught_up(seat)

    # --- tasks ----------------------------------------------------------------------------------

    def _later(self, work: Coroutine[Any, Any, None], re: str | None) -> asyncio.Task[None]:
        task = self._ground.loop.create_task(self._guarded(work, re))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None], re: str | None) -> None:
        try:
            await work
        except Refused as refused:
            refused.re = re
            self.refuse(refused)
        except Exception as error:  # noqa: BLE001 - the edge of a request: logged once, clients resume
            if isinstance(error, StoreUnavailable) and re is not None:
                self.refuse(_away(re))
                return
            # Frames may be held back for an answer that does not come: the client asks anew.
            _LOG.error("a room's client was not answered", exc_info=error)
            self._attached.outbox.close(Close.SERVER_ERROR, "what was asked for failed: resume")

    # --- going ----------------------------------------------------------------------------------

    def leave(self) -> None:
        """The connection has ended; the member stays one."""
        for task in self._tasks:
            task.cancel()
        for seat in list(self.by_rid.values()):
            seat.room.rise(seat)
            seat.outbox.drop()
            seat.room.give(deeds.Leave(seat.member, seat.who.cid))
        self.by_rid.clear()


def _away(re: str) -> Refused:
    refused = Refused(Code.STORE_UNAVAILABLE, "the store does not answer", re=re)
    refused.retry_ms = RETRY_MS
    return refused
