"""How rooms begin to live on a node, break, come back, and how long they stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol.events import Ok
from protocol.limits import LIMITS
from streaming.log import News, StoreUnavailable
from tests.rooms import Pupil, passed, pupil, with_rooms
from tests.streaming.test_room_votes import Lesson
from tests.virtual import VirtualLoop
from tests.world import World

ANEW = News("another life")


class Between:
    """A log that is told to begin anew while a room subscribes to it, or reads it for good."""

    def __init__(self, log: Any, at: str) -> None:
        self._log = log
        self.at = at
        self.heard_by: Any = None
        self.open: set[Heard] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def subscribe(self, name: str, hear: Any) -> Any:
        self.heard_by = hear
        found = Heard(self, await self._log.subscribe(name, hear))
        self.open.add(found)
        self.tell("subscribe")
        return found

    async def read(self, name: str, after: int, **how: Any) -> Any:
        entries = await self._log.read(name, after, **how)
        if self.heard_by is not None:
            self.tell("read")
        return entries

    def tell(self, at: str) -> None:
        if at == self.at:
            self.at = ""
            self.heard_by(ANEW)


class Heard:
    """A subscription of which is known whether it was closed."""

    def __init__(self, log: Between, found: Any) -> None:
        self._log, self._found = log, found

    def close(self) -> None:
        self._log.open.discard(self)
        self._found.close()


@pytest.mark.parametrize("at", ["subscribe", "read"])
async def test_a_room_whose_log_began_anew_while_it_was_read_is_not_entered(
    virtual: VirtualLoop, at: str
) -> None:
    world = await World.begin()
    rooms = with_rooms(world)
    made = await rooms.make("Halves")
    ann = await pupil(world, "c_a")
    ground = world.ownership.ground
    log = ground.log = Between(ground.log, at)
    with pytest.raises(StoreUnavailable):
        await rooms.room(made.rid)
    assert len(rooms) == len(log.open) == 0
    log.heard_by, log.at = None, at
    await ann.send(cmd.RoomJoin("j1", made.rid))
    await passed(0.2)
    ann.pump()
    assert [(e.re, e.temp) for e in ann.errors] == [("j1", True)]
    await ann.send(cmd.RoomJoin("j2", made.rid))
    await passed(0.2, ann)
    assert isinstance(ann.replica.replies["j2"], Ok)
    assert len(rooms) == len(log.open) == 1
    rooms.stop()


async def test_a_room_with_a_timed_round_stays_until_its_votes_are_told(
    virtual: VirtualLoop,
) -> None:
    """Everybody has left long before the round is over."""
    it = await Lesson.begin(far=False)
    (rooms,) = it.rooms
    for seconds in (5, 300):  # discussed, then revealed
        await it.teacher.do(cmd.RoomPollOpen, **opened(it.ann), seconds=seconds)
        await it.rest(1)
        await it.vote(it.ann, right=True)
        if seconds == 5:
            await it.rest(5)
            assert it.ann.room.poll["phase"] == "discuss"
    for each in it.all:
        each.cut()
    await asyncio.sleep(290)
    assert len(rooms) == 1
    assert not it.room.ended
    await asyncio.sleep(30)
    poll = it.room.state.poll
    assert poll is not None
    assert poll.phase == "revealed"
    assert len(await it.votes_in(it.ann)) == 1
    await asyncio.sleep(LIMITS.room_idle_s)
    assert len(rooms) == 0
    rooms.stop()


def opened(each: Pupil) -> dict[str, Any]:
    """What names the poll that is opened next: the item, then the poll itself."""
    poll = each.room.poll
    return {"item": "poll.1"} if poll is None else {"poll": poll["poll"]}
