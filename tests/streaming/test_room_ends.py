"""Rooms that nobody is in end: their codes are free, their logs gone, who comes is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from protocol import commands as cmd
from protocol.errors import Code, Refused
from protocol.limits import LIMITS
from streaming.catalogue import Catalogue
from streaming.log import Entry, stored
from streaming.log_redis import RedisLog
from streaming.providers.builtin import Builtin
from streaming.room import log_of
from streaming.room_ends import LOOK_S, SLOT_S, RoomEnds
from streaming.room_votes import OTHERS_S
from streaming.rooms import ROOMS_NODE, Rooms
from streaming.routing import Routing
from streaming.store_sqlite import SqliteStore
from streaming.surroundings import Surroundings
from tests.engines.exercises.widget_items import POLL, widget_course
from tests.nodes import Hub
from tests.redis_server import redis_server
from tests.rooms import Pupil, a_room, passed, pupil, role_of, with_rooms
from tests.virtual import VirtualLoop
from tests.world import Counted, World, settle

KEPT_S = 360.0
SHORT = msgspec.structs.replace(LIMITS, room_kept_s=KEPT_S)
LATE_S = SLOT_S + LOOK_S + 2
"""How much later than it could a room ends at most."""


async def a_node(hub: Hub | None = None, **kwargs: Any) -> tuple[World, Rooms]:
    hub = hub or Hub()
    world = await World.begin(limits=SHORT, nodes=hub.node(), **kwargs)
    return world, with_rooms(world, world.ownership.node)


async def stands(world: World, rid: str) -> list[str]:
    """What is stored of a room."""
    records, log = world.store.records, world.store.log
    found = [kind for kind in ("room", "room_state") if await records.get(kind, rid)]
    return found + ([] if await log.head(log_of(rid)) is None else ["log"])


async def tried(each: Pupil, name: str) -> str:
    """What somebody is told who comes with a name of a room."""
    each.errors.clear()
    await each.send(cmd.RoomJoin(each.new_id(), name))
    await settle()
    each.pump()
    (refused,) = each.errors
    assert refused.code == Code.NOT_FOUND
    return refused.msg


async def test_a_room_that_nobody_is_in_ends_and_its_code_is_free(virtual: VirtualLoop) -> None:
    world, rooms = await a_node()
    made, _ = await a_room(rooms)
    unused = await rooms.make("Nobody came")
    ann = await pupil(world, "c_a")
    await ann.enter(made.code, "Ann")
    await passed(5, ann)
    ann.cut()
    await asyncio.sleep(KEPT_S - 60)
    assert set(await stands(world, made.rid)) == {"room", "room_state", "log"}
    await asyncio.sleep(60 + LATE_S)
    await settle()
    for each in (made, unused):
        assert await stands(world, each.rid) == []
        assert await world.store.records.get("room_code", each.code) is None
    await ann.connect()
    assert "ended" in await tried(ann, made.code)
    assert "ended" in await tried(ann, made.rid)
    await stored(world.store.records.put("room_code", made.code, b"r_other", 0))  # it is free


async def test_a_room_that_somebody_is_in_or_came_back_to_goes_on(virtual: VirtualLoop) -> None:
    world, rooms = await a_node()
    silent, again = await rooms.make("Silent"), await rooms.make("Again")
    ann, bo = await pupil(world, "c_a"), await pupil(world, "c_b")
    await ann.enter(silent.rid)
    await passed(3, ann)  # what she heard is acknowledged
    await asyncio.sleep(KEPT_S - 60)
    await bo.enter(again.code)
    await passed(1, ann, bo)
    bo.cut()
    await asyncio.sleep(KEPT_S - 60)
    assert await stands(world, silent.rid)
    assert await stands(world, again.rid)
    await asyncio.sleep(2 * LATE_S)
    await settle()
    assert await stands(world, again.rid) == []
    assert await stands(world, silent.rid)
    ann.pump()
    await ann.do(cmd.RoomSay, text="still here")
    assert ann.room.says[-1]["text"] == "still here"


async def test_a_node_that_was_down_ends_rooms_when_it_is_back(
    virtual: VirtualLoop, tmp_path: Any
) -> None:
    path = str(tmp_path / "store.db")
    world, rooms = await a_node(path=path)
    one, two = await rooms.make("One"), await rooms.make("Two")
    ann = await pupil(world, "c_a")
    await ann.enter(one.rid)
    await passed(2, ann)  # it has looked at the calendar once
    rooms.stop()
    world.kill()
    await asyncio.sleep(3 * KEPT_S)
    again, rooms = await a_node(path=path, node="n2")
    with pytest.raises(Refused, match=r"ended: nobody was in it for 0\.1 h") as refused:
        await rooms.room(one.rid)  # Ann is still in it by the log, at a node that is dead
    assert refused.value.code == Code.NOT_FOUND
    await asyncio.sleep(2)
    assert await stands(again, one.rid) == await stands(again, two.rid) == []
    rooms.stop()


async def test_a_room_at_another_node_is_left_to_those_who_are_in_it(virtual: VirtualLoop) -> None:
    hub = Hub()
    world, rooms = await a_node(hub)
    beside, others = await a_node(hub, beside=world, node="n2")
    made = await rooms.make("Far")
    bo = await pupil(beside, "c_b")
    await bo.enter(made.rid)
    await asyncio.sleep(KEPT_S + LATE_S)
    bo.pump()
    assert await stands(world, made.rid)
    room = next(iter(others))
    assert not room.ended
    assert [m.cids for _, m in room.state.present] == [(("c_b", "n2"),)]


async def test_a_room_that_owes_votes_ends_after_they_are_told(virtual: VirtualLoop) -> None:
    course = widget_course(POLL)
    world, rooms = await a_node(course=course)
    made, room = await a_room(rooms)
    teacher, ann = await pupil(world, "c_t"), await pupil(world, "c_a")
    await teacher.enter(made.rid, facilitates=True)
    await ann.enter(made.rid)
    await ann.send(cmd.LessonStart("l", seed=1))
    await teacher.do(cmd.RoomPollOpen, item="poll.1")
    await ann.do(cmd.RoomVote, poll="p1", choice="a")
    rooms.votes.look = lambda room: None  # type: ignore[method-assign]
    await teacher.do(cmd.RoomPollClose, poll="p1", then="reveal")
    assert room.state.owed
    head = next(s for s in world.ownership if s.sid == ann.sid).head
    for each in (teacher, ann):
        each.cut()
    await passed(1)
    rooms.stop()
    await asyncio.sleep(2 * KEPT_S)
    rooms = with_rooms(world, "n1")
    await asyncio.sleep(OTHERS_S)
    assert (await world.ownership.look(str(ann.sid))).head > head
    assert await stands(world, made.rid)
    await asyncio.sleep(KEPT_S + 2 * LATE_S)
    assert await stands(world, made.rid) == []
    rooms.stop()


@pytest.mark.parametrize("part", ["room", "room_state", "log"])
async def test_a_room_that_cannot_be_folded_stops_no_other_from_ending(
    virtual: VirtualLoop, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    world, rooms = await a_node()
    bad, beside = await rooms.make("Bad"), await rooms.make("Beside")
    ann = await pupil(world, "c_a")
    await ann.enter(bad.rid, "Ann")
    await passed(1, ann)
    ann.cut()
    await asyncio.sleep(61)  # both are put aside
    assert len(rooms) == 0
    await damage(world, bad.rid, part)
    await asyncio.sleep(SLOT_S)
    later = await rooms.make("Later")
    await asyncio.sleep(KEPT_S + LATE_S)
    await settle()
    for each in (beside, later):
        assert await stands(world, each.rid) == []
    assert bad.rid in caplog.text
    assert "room" in await stands(world, bad.rid)
    told = caplog.text.count(bad.rid)
    await asyncio.sleep(KEPT_S / 2)
    assert caplog.text.count(bad.rid) == told  # it has a later place in the calendar
    await asyncio.sleep(KEPT_S + 2 * LATE_S)
    assert caplog.text.count(bad.rid) > told
    rooms.stop()


async def damage(world: World, rid: str, part: str) -> None:
    """Store what no build can read."""
    records, log = world.store.records, world.store.log
    if part == "room":
        found = await records.get("room", rid)
        assert found is not None
        await stored(records.put("room", rid, b"no room", found.version))
        return
    await records.delete("room_state", rid)
    if part == "room_state":
        await log.trim(log_of(rid), 1)  # the tail begins behind what was saved
        return
    head = await log.head(log_of(rid))
    claim = await log.claim(log_of(rid), ROOMS_NODE, at_ms=0)
    assert head is not None
    entry = Entry(head[1] + 1, claim.at_ms, b"{}", b"no deed")
    await stored(log.append(log_of(rid), claim.term, None, [entry]))


async def test_the_calendar_is_looked_through_once_and_by_slots(virtual: VirtualLoop) -> None:
    world = await World.begin(limits=SHORT)
    ground = world.ownership.ground
    ends, other = RoomEnds(ground), RoomEnds(ground)
    assert [rid async for rid in ends.due()] == []
    await asyncio.gather(*(ends.note(f"r_{n}", virtual.wall_ms()) for n in range(5)))
    await other.note("r_4", virtual.wall_ms())
    await asyncio.sleep(KEPT_S)
    assert [rid async for rid in ends.due()] == []
    await asyncio.sleep(SLOT_S)
    assert sorted([rid async for rid in other.due()]) == [f"r_{n}" for n in range(5)]
    assert [rid async for rid in ends.due()] == []


# --- the shared twin ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with redis_server() as (address, _):
        yield address


class Clock:
    def __init__(self) -> None:
        self.at_ms = 1_750_000_000_000

    def __call__(self) -> int:
        return self.at_ms


class Nobody:
    """No learner is here."""

    def live(self, sid: str) -> None:
        return None

    async def look(self, sid: str) -> Any:
        raise LookupError(sid)

    async def session(self, sid: str) -> Any:
        raise LookupError(sid)


async def test_on_redis_the_log_is_dropped_with_the_room(url: str) -> None:
    loop, clock = asyncio.get_running_loop(), Clock()
    store = SqliteStore.open(None, loop=loop, inline=True)
    log = await RedisLog.open(url, loop=loop, records=store.records)
    ground = Surroundings(
        log=log,
        records=store.records,
        catalogue=Catalogue(store.records),
        routing=Routing([Builtin()]),
        loop=loop,
        wall_ms=clock,
        gauges=Counted(),
        build="test",
        nodes=Hub().node(),
        limits=SHORT,
    )
    rooms = Rooms(ground, "n1", learners=Nobody(), roles=role_of)
    try:
        made = await rooms.make("On Redis")
        room = await rooms.room(made.rid)
        assert await log.head(log_of(made.rid)) == (room.epoch, 0)
        room.end()
        clock.at_ms += int(KEPT_S * 1000) - 1
        (await rooms.room(made.rid)).end()
        assert await rooms.found(made.code) == made.rid
        clock.at_ms += 1
        with pytest.raises(Refused, match="ended"):
            await rooms.room(made.rid)
        assert await log.names() == []
        with pytest.raises(Refused, match="ended"):
            await rooms.found(made.code)
    finally:
        rooms.stop()
        await log.aclose()
        store.db.close()
