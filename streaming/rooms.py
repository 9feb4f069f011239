"""The rooms of this node: made, found, taken up, saved, put aside. This file is their keeper.

A room has no owner, so any node may take it up: the stored snapshot, then the log's tail, folded.
A room whose last connection of this node has left is put aside after a while and costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NamedTuple

import msgspec

from protocol.codec import encode
from protocol.errors import Close, Code, Refused
from streaming import room_deeds as deeds
from streaming.facilitation import Facilitation
from streaming.log import Claim, Entry, OutOfOrder, StoreUnavailable, stored
from streaming.nodes import Counted, Letter, Passing, Polled
from streaming.records import Conflict
from streaming.room import Room, log_of
from streaming.room_batch import NodeGone
from streaming.room_ends import RoomEnds
from streaming.room_fold import folded
from streaming.room_returns import RoomReturns
from streaming.room_state import RoomState, Saved, kept_body, kept_state
from streaming.room_talk import Learners, RoomTalk
from streaming.room_votes import VoteRelay
from streaming.seats import Seat
from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)

ROOMS_NODE = "rooms"
"""The name under which all nodes claim all rooms, so that the term is everybody's."""
CODE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Signs of a room's code: none that is easily taken for another."""
CODE_CHARS = 4
CODES_TRIED = 8
"""Codes that are drawn before a room cannot be made."""
SWEEP_S = 1.0
"""How often rooms are looked at."""
DRAIN_LOOK_S = 0.05
"""How often a drain looks whether turns are still running."""
QUIET_S = 2.0
"""How long a drain waits for what is on its way to the log."""

RoleOf = Callable[[str, str], deeds.Role]
"""The role that a token gives in a room; raises Refused for a token of another room or none."""


class Made(NamedTuple):
    """A room that was made."""

    rid: str
    code: str


class _About(msgspec.Struct, frozen=True):
    """What is stored of a room beside its log."""

    title: str
    code: str
    made_at_ms: int


class Rooms:
    """All rooms of one node."""

    def __init__(
        self,
        ground: Surroundings,
        node: str,
        *,
        learners: Learners,
        roles: RoleOf,
        new_rid: Callable[[], str] = lambda: "r_" + secrets.token_urlsafe(12),
    ) -> None:
        self.node = node
        self.joining: set[asyncio.Task[None]] = set()
        """Joins of connections here that are under way; questions may wait behind them."""
        self.facilitation = Facilitation(ground, learners)
        self._ground = ground
        self._learners = learners
        self._roles = roles
        self._new_rid = new_rid
        self._rooms: dict[str, Room] = {}
        self._talks: dict[str, RoomTalk] = {}
        self._coming: dict[str, asyncio.Task[Room]] = {}
        self._versions: dict[str, int] = {}
        self._appended: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at_s: dict[str, float] = {}
        self._alone_since_s: dict[str, float] = {}
        self.votes = VoteRelay(ground, node, learners)
        self._ends = RoomEnds(ground)
        self._returns = RoomReturns(self.votes, self.room)

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    @property
    def running_turns(self) -> int:
        """Turns of rooms that are being said here."""
        return sum(talk.speaking for talk in self._talks.values())

    def role_of(self, token: str | None, rid: str) -> deeds.Role:
        """The role of who comes with this token, or without one."""
        return "member" if token is None else self._roles(token, rid)

    # --- made and found -------------------------------------------------------------------------

    async def make(self, title: str) -> Made:
        """A fresh room and its code. Raises `StoreUnavailable`."""
        ground, rid = self._ground, self._new_rid()
        code = await self._free_code(rid)
        about = _About(title[: ground.limits.room_title_chars], code, ground.wall_ms())
        await stored(ground.records.put("room", rid, msgspec.json.encode(about), 0))
        await self._ends.note(rid, about.made_at_ms)
        return Made(rid, code)

    async def _free_code(self, rid: str) -> str:
        for last in (False,) * (CODES_TRIED - 1) + (True,):
            code = "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_CHARS))
            try:
                await stored(self._ground.records.put("room_code", code, rid.encode(), 0))
            except Conflict:
                if last:
                    raise
            else:
                return code
        raise AssertionError("the last try has returned or raised")

    async def found(self, name: str) -> str:
        """The id of a room named by its id or its code. Raises Refused (NOT_FOUND)."""
        if name.startswith("r_"):
            return name
        document = await self._ground.records.get("room_code", name.strip().upper())
        if document is None:
            raise Refused(
                Code.NOT_FOUND, f"no room has the code {name!r:.40}, or it has ended long ago"
            )
        return document.body.decode()

    # --- taken up -------------------------------------------------------------------------------

    async def room(self, rid: str) -> Room:
        """The room as it lives here; taken up where it did not. Raises Refused (NOT_FOUND)."""
        found = self._rooms.get(rid)
        if found is not None:
            return found
        coming = self._coming.get(rid)
        if coming is None:
            coming = self._coming[rid] = self._ground.loop.create_task(self._take_up(rid))
            coming.add_done_callback(lambda _: self._coming.pop(rid, None))
        return await asyncio.shield(coming)

    async def _take_up(self, rid: str) -> Room:
        ground = self._ground
        document = await ground.records.get("room", rid)
        if document is None:
            raise Refused(Code.NOT_FOUND, f"no room {rid!r:.80} is known, or it has ended")
        about = msgspec.json.decode(document.body, type=_About)
        claim = await ground.log.claim(log_of(rid), ROOMS_NODE, at_ms=ground.wall_ms())
        state = await self._folded(RoomState(rid, about.title, about.code), claim)
        if await self._over(about, state):
            await self._end(rid, about.code)
            raise Refused(
                Code.NOT_FOUND,
                f"the room has ended: nobody was in it for {ground.limits.room_kept_s / 3600:g} h",
            )
        room = Room(state, claim, ground, on_end=self._ended, watch=self._watch)
        room.voice = self._talks[rid] = RoomTalk(room, ground, self.node, self._learners)
        try:
            await room.begin()
        except BaseException:
            room.end()
            raise
        self._rooms[rid] = room
        room.give(NodeGone(self.node))  # at once: of others nobody may be there to be asked
        await self._bury_others(room)
        if room.ended:
            raise StoreUnavailable(f"room {rid} ended while it was taken up")
        return room

    async def _folded(self, fresh: RoomState, claim: Claim) -> RoomState:
        """The state at the log's head: the stored snapshot, if it is of this log, and the tail."""
        ground, rid = self._ground, fresh.rid
        document = await ground.records.get("room_state", rid)
        state, self._versions[rid] = fresh, 0
        if document is not None:
            self._versions[rid] = document.version
            saved = kept_state(document.body)
            if saved is not None and saved.epoch == claim.epoch and saved.state.seq <= claim.head:
                state = saved.state
            elif saved is not None and not claim.head:
                await self._restored(fresh, saved, claim)
        tail = await ground.log.read(log_of(rid), state.seq)
        _expect_follows(rid, tail, state.seq)
        for entry in tail:
            folded(state, deeds.unsealed(entry.sealed), entry.seq, entry.at_ms)
            state.settle()
        return state

    async def _restored(self, fresh: RoomState, saved: Saved, claim: Claim) -> None:
        """The log was lost: what was saved of the room is the first entry of the new one."""
        kept = saved.state
        kept.owed = {  # whoever was told of them was told under the old log's name
            q: msgspec.structs.replace(owed, epoch=owed.epoch or saved.epoch)
            for q, owed in kept.owed.items()
        }
        deed = deeds.Restored(kept.to_bytes())
        at_ms = max(claim.at_ms, self._ground.wall_ms())
        frame = encode(folded(fresh.copied(), deed, 1, at_ms))
        entry = Entry(1, at_ms, frame, deeds.sealed(deed))
        with contextlib.suppress(OutOfOrder):  # another node was first
            await stored(self._ground.log.append(log_of(fresh.rid), claim.term, None, [entry]))

    async def _dead_in(self, state: RoomState) -> set[str]:
        """Other nodes that have died, of those that a room believes to sit or to speak in it."""
        others = sorted(_nodes_in(state) - {self.node})
        return {node for node in others if not await self._ground.nodes.lives(node)}

    async def _bury_others(self, room: Room) -> None:
        for node in sorted(await self._dead_in(room.state)):
            room.give(NodeGone(node))  # another node, that has not this room, may have buried it

    def _ended(self, room: Room, error: Exception | None) -> None:
        if self._rooms.get(room.rid) is room:
            del self._rooms[room.rid]
        self._talks.pop(room.rid, None)
        for known in (self._versions, self._appended, self._looked_at_s, self._alone_since_s):
            known.pop(room.rid, None)
        self.facilitation.forget(room.rid)
        self.votes.forget(room)
        if error is not None:
            room.close_seats(Close.SERVER_ERROR, "the room is taken up again: resume")
            if self.node in _nodes_in(room.state) or room.timed or room.state.owed:
                # Nobody else will end what was being said here, nor see that who was here is gone,
                # while this node lives; nor close a round in a room that everybody has left.
                self._returns.owe(room.rid)

    # --- who is here ------------------------------------------------------------------------------

    def seated(self, seat: Seat) -> None:
        """A connection came into a room."""
        self.facilitation.seated(seat)

    def caught_up(self, seat: Seat) -> None:
        """A connection has heard of everything: tell it what stands beside the log."""
        self.facilitation.tell(seat)

    def passed(self, letter: Passing) -> None:
        """An ephemeral frame of another node."""
        room = self._rooms.get(letter.rid)
        if room is not None:
            room.hint(letter.frame, letter.member)

    def node_gone(self, node: str) -> None:
        """A node has died: what it had here is over."""
        for room in self:
            room.give(NodeGone(node))
        self._owe_listed()

    @property
    def readers(self) -> dict[type[Letter], Callable[[Any], None]]:
        """Who reads the letters about rooms, by their type."""
        return {Passing: self.passed, Polled: self.votes.asked, Counted: self.votes.counted}

    # --- rooms that nobody is in ------------------------------------------------------------------

    def _owe_listed(self) -> None:
        """Take up the rooms that owe votes to sessions."""
        self._returns.owe_listed()
        self._later(self._returns.look())

    async def _over(self, about: _About, state: RoomState) -> bool:
        """Whether nobody has been in a room for so long that it ends."""
        kept_ms = self._ground.limits.room_kept_s * 1000
        newest_ms = max(about.made_at_ms, state.at_ms)
        if state.owed or self._ground.wall_ms() - newest_ms < kept_ms:
            return False
        return _nodes_in(state) <= {self.node, *await self._dead_in(state)}

    async def _end(self, rid: str, code: str) -> None:
        """Forget a room: its code first, and last what would let this be done again."""
        ground = self._ground
        document = await ground.records.get("room_code", code)
        if document is not None and document.body == rid.encode():
            await ground.records.delete("room_code", code)
        await ground.log.drop(log_of(rid))
        await ground.records.delete("room_state", rid)
        await ground.records.delete("room", rid)
        self.votes.unlist(rid)

    async def _end_old(self) -> None:
        """Look at the rooms whose time may be over."""
        async for rid in self._ends.due():
            try:
                newest_ms = await self._used_ms(rid)
            except Refused:
                continue  # it has ended
            except StoreUnavailable:
                raise
            except Exception:  # noqa: BLE001 - a room's edge: one that cannot be folded stops no other
                _LOG.exception("room %s cannot be taken up, which may have ended", rid)
                newest_ms = self._ground.wall_ms()  # another build may read it
            await self._ends.note(rid, newest_ms)

    async def _used_ms(self, rid: str) -> int:
        """When a room was used last; raises Refused where it has ended."""
        document = await self._ground.records.get("room", rid)
        if document is None:
            raise Refused(Code.NOT_FOUND, f"no room {rid!r:.80} is known")
        about = msgspec.json.decode(document.body, type=_About)
        newest_ms = max(about.made_at_ms, await self._newest_ms(rid))
        if self._ground.wall_ms() - newest_ms < self._ground.limits.room_kept_s * 1000:
            return newest_ms
        await self.room(rid)
        return self._ground.wall_ms()  # somebody is in it, who says nothing

    async def _newest_ms(self, rid: str) -> int:
        """When something happened in a room last; 0 where its log is none."""
        head = await self._ground.log.head(log_of(rid))
        if head is None or not head[1]:
            return 0
        newest = await self._ground.log.read(log_of(rid), head[1] - 1)
        return newest[-1].at_ms if newest else 0

    # --- time -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start looking at heads, at turns that nobody hears, at rooms that nobody needs."""
        self._timer = self._ground.loop.call_later(SWEEP_S, self._sweep)
        self._owe_listed()

    def _sweep(self) -> None:
        self._timer = self._ground.loop.call_later(SWEEP_S, self._sweep)
        now_s = self._ground.loop.time()
        if self._ends.look_due(now_s):
            self._later(self._end_old())
        if self._returns.due:
            self._later(self._returns.look())
        for room in self:
            try:
                self._look_at(room, now_s)
            except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, others go on
                room.fail(error)

    def _look_at(self, room: Room, now_s: float) -> None:
        limits, rid = self._ground.limits, room.rid
        self._look_for_readers(room, now_s)
        members = room.state.members
        for seat in room.seats:
            who = seat.who
            member = members.get(who.member)
            away = member is not None and (who.cid, who.node) not in member.cids
            if away and seat.known:
                room.give(who)  # somebody took this node for dead
        if now_s - self._looked_at_s.setdefault(rid, now_s) >= limits.room_head_s:
            self._looked_at_s[rid] = now_s
            self._later(self._check_head(room))
        self.facilitation.sweep(room)
        self.votes.sweep(room)
        if self._unused(room) and now_s - room.emptied_at_s >= limits.room_idle_s:
            self._later(self._put_aside(room))

    def _unused(self, room: Room) -> bool:
        """Whether nothing is to be done for a room here, now or once its round is over."""
        return room.idle and not (self._talks[room.rid].speaking or room.timed or room.state.owed)

    def _look_for_readers(self, room: Room, now_s: float) -> None:
        """Give up a turn that nobody hears, on no node."""
        if next(room.state.present, None) is not None:
            self._alone_since_s.pop(room.rid, None)
            return
        alone_s = now_s - self._alone_since_s.setdefault(room.rid, now_s)
        if alone_s >= self._ground.limits.abandoned_s:
            self._talks[room.rid].give_up("abandoned")

    async def _check_head(self, room: Room) -> None:
        """A hint may have been lost."""
        head = await self._ground.log.head(log_of(room.rid))
        if room.ended:
            return
        if head is None or head[0] != room.epoch:
            room.fail(StoreUnavailable(f"the log of {room.rid} began anew"))
        elif head[1] != room.state.seq:
            room.look()
        await self._bury_others(room)

    async def _put_aside(self, room: Room) -> None:
        if room.saved_seq != room.state.seq:
            await self._save(room)
        if not room.ended and self._unused(room):
            room.end()

    # --- saving ---------------------------------------------------------------------------------

    def _watch(self, room: Room, done: list[deeds.AnyDeed]) -> None:
        self.facilitation.heard(room, done)
        if room.state.owed:
            self.votes.look(room)
        due = room.state.seq - room.saved_seq >= self._ground.limits.room_save_entries
        if due and room.appended > self._appended.get(room.rid, 0):
            self._later(self._save(room))

    async def _save(self, room: Room) -> None:
        """Store a snapshot, then forget what is far behind it."""
        if room.ended:
            return
        rid, ground, seq = room.rid, self._ground, room.state.seq
        room.saved_seq = seq
        self._appended[rid] = room.appended
        body = kept_body(room.state, room.epoch)
        try:
            await stored(ground.records.put("room_state", rid, body, self._versions[rid]))
        except Conflict as conflict:  # another node has saved: its snapshot is as good
            if not room.ended:
                self._versions[rid] = conflict.found
            return
        if not room.ended:
            self._versions[rid] += 1
        upto = seq - ground.limits.retention_events
        if upto > 0:
            await ground.log.trim(log_of(rid), upto)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._ground.loop.create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # one that was stopped before it began

    # --- going ----------------------------------------------------------------------------------

    async def drain(self, timeout_s: float) -> None:
        """Let turns finish, those asked for too, and store what is on its way and all states."""
        loop = self._ground.loop
        deadline_s = loop.time() + timeout_s
        while self._to_be_said and loop.time() < deadline_s:  # noqa: ASYNC110 - others may begin
            await asyncio.sleep(DRAIN_LOOK_S)
        self._give_up()
        deadline_s = loop.time() + QUIET_S
        while any(room.waits for room in self) and loop.time() < deadline_s:
            await asyncio.sleep(DRAIN_LOOK_S)
            self._give_up()  # what was still on its way to the log has begun meanwhile
        for room in self:
            with contextlib.suppress(StoreUnavailable):
                if room.saved_seq != room.state.seq:
                    await self._save(room)

    @property
    def _to_be_said(self) -> bool:
        return bool(self.joining) or any(room.speaks for room in self)

    def _give_up(self) -> None:
        for talk in self._talks.values():
            talk.give_up("drained")

    def stop(self) -> None:
        """Do nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        self.votes.stop()
        for room in self:
            room.end()


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except StoreUnavailable as error:
        _LOG.warning("rooms: the store does not answer, the next sweep tries again: %s", error)
    except Exception:  # noqa: BLE001 - a task's edge: logged once, the next sweep tries again
        _LOG.exception("rooms: a task failed")


def _nodes_in(state: RoomState) -> set[str]:
    """Nodes that have connections of the room, or say its turn."""
    nodes = {node for member in state.members.values() for _, node in member.cids}
    if state.running is not None:
        nodes.add(state.running.node)
    return nodes


def _expect_follows(rid: str, tail: list[Entry], seq: int) -> None:
    if tail and tail[0].seq != seq + 1:
        raise LookupError(f"the log of {rid} begins at {tail[0].seq}, expected {seq + 1}")
