"""Two nodes of rooms on one log, with clients of their own. This file is their small world.

The nodes share a store in one process, so that each hears of the other's entries as a cluster's
nodes do; a client is a `tests.world.Learner` whose session lives on one of them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from protocol import commands as cmd
from protocol.errors import Code, Refused
from protocol.events import Ok, RoomEvent
from streaming import room_deeds as deeds
from streaming.room import Room
from streaming.rooms import Made, Rooms
from tests.world import Learner, World, settle

FACILITATOR = "a facilitator's token"


def role_of(token: str, rid: str) -> deeds.Role:
    """The one token of these tests."""
    if token != f"{FACILITATOR} of {rid}":
        raise Refused(Code.UNAUTHORIZED, f"expected a token of {rid}")
    return "facilitator"


def with_rooms(world: World, node: str = "n1") -> Rooms:
    """Rooms for a world's node."""
    ownership = world.ownership
    ids = iter(range(1_000))
    rooms = Rooms(
        ownership.ground,
        node,
        learners=ownership,
        roles=role_of,
        new_rid=lambda: f"r_{next(ids):016}",
    )
    rooms.begin()
    ownership.rooms = rooms
    ownership.on_node_gone.append(rooms.node_gone)
    ownership.readers.update(rooms.readers)
    return rooms


class Pupil(Learner):
    """A client that joins rooms. `rid` is the newest one, `member` the id there."""

    rid = ""
    member = ""

    async def enter(self, name: str, as_: str | None = None, *, facilitates: bool = False) -> None:
        """Join a room by its id or code."""
        id_ = self.new_id()
        token = f"{FACILITATOR} of {name}" if facilitates else None
        await self.send(cmd.RoomJoin(id_, name, as_, token=token))
        reply = self.replica.replies.get(id_)
        assert isinstance(reply, Ok), self.errors
        assert reply.changed is not None
        self.rid, self.member = reply.changed["rid"], reply.changed["member"]

    async def do(self, kind: Any, **fields: Any) -> str:
        """Send a command of the room; its id."""
        id_ = fields.pop("id", None) or self.new_id()
        await self.send(kind(id_, self.rid, **fields))
        return str(id_)

    def told(self, kind: str) -> list[Any]:
        """The data of all room events of a kind, those without a place too."""
        return [e.data for e in self.of(RoomEvent) if e.kind == kind]

    @property
    def room(self) -> Any:
        """The room as this client sees it."""
        return self.replica.logs[self.rid].picture

    @property
    def code(self) -> int | None:
        """The newest refusal's code."""
        return self.errors[-1].code if self.errors else None


async def pupil(world: World, cid: str = "") -> Pupil:
    """A fresh client, connected."""
    found = Pupil(world)
    if cid:
        found.cid = cid
    await found.connect()
    return found


async def a_room(rooms: Rooms, title: str = "Halves") -> tuple[Made, Room]:
    """A fresh room, live."""
    made = await rooms.make(title)
    return made, await rooms.room(made.rid)


async def passed(seconds: float, *pupils: Learner) -> None:
    """Let time pass; everybody hears and answers meanwhile."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        await asyncio.sleep(min(0.05, until_s - loop.time()))
        await settle()
        for each in pupils:
            each.pump()
            for command in each.replica.due(loop.time()):
                each.transmit(command)
    await settle()
    for each in pupils:
        each.pump()
