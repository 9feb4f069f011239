"""How rooms begin to live on a node, break, come back, and how long they stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol.events import Ok, TurnDone
from protocol.limits import LIMITS
from streaming.log import News, StoreUnavailable
from streaming.room_votes import OTHERS_S
from tests.rooms import Pupil, passed, pupil, with_rooms
from tests.streaming.test_room_votes import Lesson
from tests.streaming.test_rooms import Two
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


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_room_with_a_timed_round_stays_until_its_votes_are_told(
    virtual: VirtualLoop, breaks: bool
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
    await asyncio.sleep(100)
    if breaks:
        it.room.fail(RuntimeError("it broke"))
    await asyncio.sleep(190)
    (room,) = rooms
    assert room.ended is False
    assert breaks is (room is not it.room)
    await asyncio.sleep(30)
    poll = room.state.poll
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


class Faulty:
    """A store of which one call does not answer, for one log or one kind of document."""

    def __init__(self, store: Any, call: str, name: str) -> None:
        self._store = store
        self._call, self._name = call, name
        self.well = False
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name != self._call or self.well:
            return found

        async def away(of: str, *args: Any, **more: Any) -> Any:
            if not of.startswith(self._name):
                return await found(of, *args, **more)
            self.tries += 1
            raise StoreUnavailable("no answer came")

        return away


@pytest.mark.parametrize(
    ("port", "call", "name"),
    [
        ("log", "claim", "room:"),
        ("records", "get", "room"),
        ("log", "read", "room:"),
        ("nodes", "lives", "n2"),
    ],
)
async def test_a_room_that_broke_is_brought_back_however_long_the_store_is_away(
    virtual: VirtualLoop, port: str, call: str, name: str
) -> None:
    """Whoever was here is gone then, and the turn that was said here ends."""
    two = await Two.begin()
    await two.ann.do(cmd.RoomAsk, input="why is it so?")
    await passed(0.3, *two.all)
    (room,) = two.rooms[0]
    ground = two.worlds[0].ownership.ground
    faulty = Faulty(getattr(ground, port), call, name)
    setattr(ground, port, faulty)
    room.fail(RuntimeError("it broke"))
    for each in (two.teacher, two.ann, two.bo):
        each.cut()
    await passed(4.5, two.cy)
    assert faulty.tries >= 1
    if port != "nodes":  # who asks for the others knows of itself already
        assert faulty.tries >= 3
        assert not two.cy.of(TurnDone)
        faulty.well = True
        await passed(3, two.cy)
    assert [done.status for done in two.cy.of(TurnDone)] == ["lost"]
    assert list(two.cy.room.members) == [two.cy.member]
    await two.cy.do(cmd.RoomAsk, input="why?")
    await passed(0.2, two.cy)
    assert not two.cy.errors


async def test_a_room_that_broke_and_cannot_be_folded_is_tried_once(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    two = await Two.begin()
    rooms = two.rooms[0]
    (room,) = rooms
    tries = 0

    async def broken(*_: Any) -> Any:
        nonlocal tries
        tries += 1
        raise LookupError("the log begins behind what was saved")

    monkeypatch.setattr(rooms, "_folded", broken)
    room.fail(RuntimeError("it broke"))
    await passed(10)
    assert tries == 1
    assert f"room {room.rid} cannot be taken up" in caplog.text


@pytest.mark.parametrize(
    ("port", "call", "name"), [("log", "claim", "room:"), ("records", "get", "room_polls")]
)
async def test_rooms_that_owe_votes_are_taken_up_however_long_the_store_is_away(
    virtual: VirtualLoop, port: str, call: str, name: str
) -> None:
    it = await Lesson.begin(far=False)
    (rooms,), (world,) = it.rooms, it.worlds
    await it.open()
    await it.vote(it.ann, right=True)
    rooms.votes.look = lambda room: None  # type: ignore[method-assign]
    await it.reveal()
    assert it.room.state.owed
    for each in it.all:
        each.cut()
    await passed(1)
    rooms.stop()
    ground = world.ownership.ground
    faulty = Faulty(getattr(ground, port), call, name)
    setattr(ground, port, faulty)
    rooms = with_rooms(world)
    await asyncio.sleep(OTHERS_S)
    assert faulty.tries >= 3
    assert not len(rooms)
    faulty.well = True
    await asyncio.sleep(5)
    assert len(await it.votes_in(it.ann)) == 1
    (room,) = rooms
    assert not room.state.owed
    rooms.stop()
