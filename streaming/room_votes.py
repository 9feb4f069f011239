"""Votes of revealed polls on their way to their voters' sessions. This file carries them.

A room never writes what a learner knows. Each voter's session is told, on whatever node it lives,
and makes evidence of it (`polled`). What is owed stands in the room's log until every session has
stored it: a node that takes the room up goes on, and a session that is told again counts once, by
the name of the reveal. Rooms that owe something, or will, are listed in Records, so that somebody
takes them up when a node has died, also where nobody comes back to them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from protocol.errors import Refused
from streaming import room_deeds as deeds
from streaming.log import Duplicate, Fenced, OutOfOrder, StoreUnavailable, stored
from streaming.nodes import Counted, Polled, written
from streaming.records import Conflict
from streaming.room import Room
from streaming.room_state import Cast, Owed, RoomState
from streaming.room_talk import Learners
from streaming.session import Session
from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)

AGAIN_S = 3.0
"""Sessions that have not confirmed what they were told are told again after so long."""
OTHERS_S = 15.0
"""How long the node that revealed a poll is left to tell the sessions before others do."""
AT_ONCE = 16
"""Sessions that are told side by side: the loop is held up for as long as so many take it in."""
LIST_TRIES = 16
"""Tries to change the list of rooms while other nodes change it."""
_REFUSALS = (Duplicate, Fenced, OutOfOrder, StoreUnavailable)


class _Carried:
    """The votes of one reveal; `waits` are those whose sessions have not stored them yet."""

    __slots__ = ("again_s", "name", "owed", "q", "room", "task", "waits")

    def __init__(self, room: Room, q: int, owed: Owed) -> None:
        self.room = room
        self.q = q
        self.owed = owed
        self.name = f"{room.rid}:{owed.epoch or room.epoch}:{q}"
        self.waits = {cast.sid: cast for cast in owed.votes}
        self.task: asyncio.Task[None] | None = None
        self.again_s = float("-inf")


class VoteRelay:
    """The votes that one node carries."""

    def __init__(self, ground: Surroundings, node: str, learners: Learners) -> None:
        self._ground = ground
        self._node = node
        self._learners = learners
        self._carried: dict[str, _Carried] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listing = OwingRooms(ground)
        self._listed: set[str] = set()

    # --- what a room owes ---------------------------------------------------------------------

    def look(self, room: Room) -> None:
        """Carry what is due here; called where something has changed, and every second."""
        now_s = self._ground.loop.time()
        for q, owed in room.state.owed.items():
            name = f"{room.rid}:{owed.epoch or room.epoch}:{q}"
            carried = self._carried.get(name)
            if carried is None:
                late = self._ground.wall_ms() - owed.at_ms >= OTHERS_S * 1000
                if q not in room.revealed and not late:
                    continue
                carried = self._carried[name] = _Carried(room, q, owed)
            self._go_on(carried, now_s)

    def _go_on(self, carried: _Carried, now_s: float) -> None:
        if not carried.waits:
            carried.room.give(deeds.VotesCounted(carried.q))
        elif now_s >= carried.again_s and (carried.task is None or carried.task.done()):
            carried.again_s = now_s + AGAIN_S
            carried.task = self._later(self._carry(carried))

    def sweep(self, room: Room) -> None:
        """A second has passed."""
        self.look(room)
        for name, carried in list(self._carried.items()):
            if carried.room is room and carried.q not in room.state.owed:
                del self._carried[name]
        if owes(room.state) != (room.rid in self._listed):
            self._list(room.rid, on=owes(room.state))

    def forget(self, room: Room) -> None:
        """A room is put aside, or taken up anew; what it owes stands in its log."""
        self._listed.discard(room.rid)
        for name, carried in list(self._carried.items()):
            if carried.room is room:
                if carried.task is not None:
                    carried.task.cancel()
                del self._carried[name]

    # --- telling ------------------------------------------------------------------------------

    async def _carry(self, carried: _Carried) -> None:
        casts = list(carried.waits.values())
        for n in range(0, len(casts), AT_ONCE):
            await asyncio.gather(*(self._tell(carried, cast) for cast in casts[n : n + AT_ONCE]))
        if not carried.waits:
            carried.room.give(deeds.VotesCounted(carried.q))

    async def _tell(self, carried: _Carried, cast: Cast) -> None:
        owed = carried.owed
        letter = Polled(
            cast.sid,
            carried.name,
            self._node,
            owed.of.course,
            owed.of.item,
            owed.of.seed,
            owed.right,
            cast.first,
            cast.again,
        )
        if await self._done(letter, self._told(letter)):
            carried.waits.pop(cast.sid, None)

    async def _told(self, letter: Polled) -> bool:
        """Whether the session has stored it, or there is none; another node says so later."""
        owner = await self._ground.log.owner(letter.sid)
        if owner is None:
            return True
        if owner.node not in ("", self._node) and await self._ground.nodes.lives(owner.node):
            self._ground.nodes.tell(owner.node, written(letter))
            return False
        return await self._heard(letter)

    async def _heard(self, letter: Polled) -> bool:
        """Whether a session that lives here, perhaps from now on, has stored it."""
        session = await self._learners.session(letter.sid)
        if not isinstance(session, Session):
            return False
        await stored(session.hear_vote(letter))
        return True

    async def _done(self, letter: Polled, telling: Coroutine[Any, Any, bool]) -> bool:
        """Whether nothing is left to be done about a letter."""
        try:
            return await telling
        except (*_REFUSALS, Refused) as error:
            _LOG.warning("votes %s wait for session %s: %s", letter.id, letter.sid, error)
            return False
        except Exception:  # noqa: BLE001 - an actor's edge: what breaks it once breaks it again
            _LOG.exception("votes %s break session %s", letter.id, letter.sid)
            return True

    # --- letters ------------------------------------------------------------------------------

    def asked(self, letter: Polled) -> None:
        """Another node tells a session of ours."""
        self._later(self._answered(letter))

    async def _answered(self, letter: Polled) -> None:
        if await self._done(letter, self._heard(letter)):
            self._ground.nodes.tell(letter.node, written(Counted(letter.sid, letter.id)))

    def counted(self, letter: Counted) -> None:
        """A session of another node has stored what we told it."""
        carried = self._carried.get(letter.id)
        if carried is None:
            return
        had = carried.waits.pop(letter.sid, None)
        if had is not None and not carried.waits:
            carried.room.give(deeds.VotesCounted(carried.q))

    # --- rooms that nobody is in --------------------------------------------------------------

    async def left_behind(self) -> list[str]:
        """Rooms that owe votes, or will, as far as Records know."""
        found = await self._listing.all()
        self._listed.update(found)
        return found

    def unlist(self, rid: str) -> None:
        """A room has ended."""
        self._list(rid, on=False)

    def _list(self, rid: str, *, on: bool) -> None:
        (self._listed.add if on else self._listed.discard)(rid)
        self._later(self._put(rid, on=on))

    async def _put(self, rid: str, *, on: bool) -> None:
        try:
            await self._listing.put(rid, on=on)
        except (Conflict, StoreUnavailable) as error:
            _LOG.warning("the list of rooms that owe votes waits: %s", error)
            (self._listed.discard if on else self._listed.add)(rid)  # the next sweep tries again

    # --- tasks --------------------------------------------------------------------------------

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._ground.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stop(self) -> None:
        """Carry nothing any more."""
        for task in self._tasks:
            task.cancel()


def owes(state: RoomState) -> bool:
    """Whether a room owes votes to sessions, or will once its poll is revealed."""
    poll = state.poll
    return bool(state.owed) or (
        poll is not None and poll.of is not None and poll.phase != "revealed"
    )


class OwingRooms:
    """The list in Records of rooms that owe votes, or will: one document for all nodes."""

    def __init__(self, ground: Surroundings) -> None:
        self._records = ground.records
        self._one_at_a_time = asyncio.Lock()

    async def all(self) -> list[str]:
        """The rooms. Raises `StoreUnavailable`."""
        return (await self._read())[0]

    async def put(self, rid: str, *, on: bool) -> None:
        """Set whether a room is listed, in the order of the calls.

        Raises `StoreUnavailable`, and `Conflict` where other nodes are faster each time.
        """
        async with self._one_at_a_time:
            await self._changed(lambda rids: sorted({*rids} | {rid} if on else {*rids} - {rid}))

    async def _changed(self, change: Callable[[list[str]], list[str]]) -> None:
        for last in (False,) * (LIST_TRIES - 1) + (True,):
            had, version = await self._read()
            now = change(had)
            if now == had:
                return
            try:
                body = msgspec.msgpack.encode(now)
                await stored(self._records.put("room_polls", "owing", body, version))
            except Conflict:
                if last:
                    raise
            else:
                return

    async def _read(self) -> tuple[list[str], int]:
        document = await self._records.get("room_polls", "owing")
        if document is None:
            return [], 0
        return msgspec.msgpack.decode(document.body, type=list[str]), document.version
