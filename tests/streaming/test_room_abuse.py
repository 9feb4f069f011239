"""What one member, or one mistake, does to a room: the others hear, see and vote as before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol.errors import Code, Refused
from protocol.events import Ok, Snapshot, TurnDone
from protocol.limits import LIMITS
from streaming import room_deeds as deeds
from tests.rooms import a_room, passed, pupil, with_rooms
from tests.streaming.test_room_secrets import crowd, given, opened
from tests.streaming.test_rooms import Away, Two
from tests.virtual import VirtualLoop
from tests.world import World, settle

CRY = "i want to kill myself"


async def test_what_waited_for_a_join_that_fails_is_answered(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    stranger = await pupil(two.worlds[0], "c_s")
    stranger.transmit(cmd.RoomJoin("j", "r_nowhere"))
    stranger.transmit(cmd.RoomSay("s", "r_nowhere", "hello?"))
    await passed(1, stranger)
    refused = {e.re: e.code for e in stranger.errors}
    assert refused == {"j": Code.NOT_FOUND, "s": Code.NOT_MEMBER}


async def test_who_leaves_and_joins_in_one_breath_is_a_member_that_hears(
    virtual: VirtualLoop,
) -> None:
    two = await Two.begin()
    two.bo.transmit(cmd.RoomLeave("l", two.made.rid))
    two.bo.transmit(cmd.RoomJoin("j", two.made.rid, "Bo"))
    await passed(3, *two.all)
    assert [e.re for e in two.bo.of(Ok) if e.re in "lj"] == ["l", "j"]
    await two.ann.do(cmd.RoomSay, text="here again?")
    await passed(0.1, *two.all)
    assert two.bo.member in two.ann.room.members
    assert [say["text"] for say in two.bo.room.says] == ["here again?"]
    two.bo.cut()
    await passed(3, two.teacher, two.ann, two.cy)
    assert two.bo.member not in two.ann.room.members


async def test_who_comes_back_by_another_node_is_here_no_longer_by_one_where_the_room_broke(
    virtual: VirtualLoop,
) -> None:
    two = await Two.begin()
    next(iter(two.rooms[0])).fail(RuntimeError("it broke"))
    for each in (two.teacher, two.ann, two.bo):
        each.cut()
    await passed(10, two.cy)
    assert list(two.cy.room.members) == [two.cy.member]


async def test_words_of_distress_reach_nobody_by_the_board_nor_by_the_way(
    virtual: VirtualLoop,
) -> None:
    two = await Two.begin()
    await two.ann.do(cmd.RoomBoard, key="k", v={"text": ["x", {"y": CRY}]})
    two.ann.transmit(cmd.EphIn(two.made.rid, "typing", CRY))
    await passed(15, *two.all)
    assert two.bo.room.board == {}
    assert not any(CRY in str(each.heard) for each in (two.teacher, two.bo, two.cy))
    assert two.ann.replica.text("g1")
    assert two.worlds[0].ownership.ground.alerts.raised == 1
    await two.check()


class Few:
    """So many tries, as the door of a server counts them."""

    def __init__(self, left: int) -> None:
        self.left = left

    def expect_left(self) -> None:
        if self.left <= 0:
            raise Refused(Code.RATE_LIMITED, "too many", retry_ms=1)

    def missed(self) -> None:
        self.left -= 1


async def test_codes_cannot_be_tried_out_all_at_once(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    stranger = await pupil(two.worlds[0], "c_s")
    assert stranger.attached is not None
    assert stranger.attached.seats is not None
    stranger.attached.seats.tries = Few(3)
    for n in range(20):
        stranger.transmit(cmd.RoomJoin(f"j{n}", f"ZZ{n:02}"))
    stranger.transmit(cmd.RoomJoin("hit", two.made.code))
    await passed(1, stranger)
    assert [e.code for e in stranger.errors].count(Code.NOT_FOUND) == 3
    assert not [e for e in stranger.of(Ok) if e.re == "hit"]


async def test_a_full_board_and_long_talk_keep_nobody_out(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    note = "é" * (LIMITS.board_value_bytes // 2 - 1)
    for n in range(LIMITS.board_keys):
        two.ann.transmit(cmd.RoomBoard(f"b{n}", two.made.rid, f"k{n}", note))
        await passed(0.5, *two.all)
    for n in range(LIMITS.room_says_kept):
        two.ann.transmit(cmd.RoomSay(f"s{n}", two.made.rid, "\N{GRINNING FACE}" * 2_000))
        await passed(0.5, *two.all)
    await passed(1, *two.all)
    assert two.ann.errors == []
    late = await pupil(two.worlds[0], "c_l")
    await late.send(cmd.RoomJoin("late", two.made.rid, "Late"))
    await passed(1, late)
    assert late.wire.close_code is None
    assert len(late.replica.logs[two.made.rid].picture.board) == LIMITS.board_keys


async def test_a_room_that_cannot_be_folded_keeps_nobody_from_the_own_lessons(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = await Two.begin()
    two.ann.cut()
    room = next(iter(two.rooms[0]))
    room.fail(RuntimeError("it broke"))

    def broken(*_: object) -> Any:
        raise ValueError("a mistake in a fold")

    monkeypatch.setattr("streaming.rooms.folded", broken)
    await two.ann.connect()
    assert two.ann.replica.welcome is not None
    assert [line.s for line in two.ann.replica.welcome.logs] == ["me"]


async def test_a_vote_in_the_last_moment_is_not_made_late_by_gathering(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin()
    _, room = await a_room(with_rooms(world))
    crowd(room, [f"m_{n:012}" for n in range(LIMITS.room_gather_above + 1)])
    name = await opened(room, seconds=5)
    await asyncio.sleep(4.8)
    ground = world.ownership.ground
    wall_ms = ground.wall_ms
    told: list[tuple[Refused | None, int, bool]] = []
    vote = cmd.RoomVote("v", room.rid, name, "a")
    room.give(given(vote, "m_000000000003", lambda *ending: told.append(ending)))
    await settle()
    # From here on the loop runs some milliseconds late, as where a thousand vote.
    monkeypatch.setattr(ground, "wall_ms", lambda: wall_ms() + 5)
    await asyncio.sleep(1)
    assert [refused for refused, _, _ in told] == [None]
    assert list(room.state.votes) == ["m_000000000003"]


async def test_a_node_that_a_third_one_buried_has_nobody_here_and_says_nothing(
    virtual: VirtualLoop,
) -> None:
    two = await Two.begin()
    await two.cy.do(cmd.RoomAsk, input="why?")
    await passed(0.2, *two.all)
    next(iter(two.rooms[1])).end()  # as where the process is killed
    await two.worlds[0].ownership.ground.nodes.bury("n2")
    await passed(15, two.teacher, two.ann, two.bo)
    assert two.cy.member not in two.ann.room.members
    assert [done.status for done in two.ann.of(TurnDone)] == ["lost"]


async def test_a_name_in_distress_is_told_to_nobody(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    late = await pupil(two.worlds[0], "c_l")
    await late.enter(two.made.code, CRY)
    await passed(15, late, *two.all)
    assert not any(CRY in str(each.heard) for each in two.all)
    assert late.member in two.ann.room.members
    assert two.worlds[0].ownership.ground.alerts.raised == 1


async def test_one_member_drowns_nobody_by_however_many_connections(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.bo.do(cmd.RoomSay, text="a question to all of you")
    for n in range(2 * LIMITS.room_says_kept):
        what: Any = cmd.RoomSay(f"s{n}", two.made.rid, "spam")
        if n % 2:
            what = cmd.RoomBoard(f"b{n}", two.made.rid, "k", n)
        two.cy.transmit(what)
        await passed(0.05, *two.all)
    refused = [e for e in two.cy.errors if e.code == Code.RATE_LIMITED]
    assert len(refused) == 2 * LIMITS.room_says_kept - LIMITS.room_acts + 1  # its join counts too
    assert refused[-1].temp
    assert two.ann.room.says[0]["text"] == "a question to all of you"
    await two.ann.do(cmd.RoomSay, text="here it is")
    await passed(LIMITS.room_acts_s, *two.all)
    await two.cy.do(cmd.RoomSay, text="sorry")
    await two.check()
    assert [say["text"] for say in two.bo.room.says][-2:] == ["here it is", "sorry"]


async def test_who_found_the_room_full_is_shown_nothing_of_it(virtual: VirtualLoop) -> None:
    world = await World.begin()
    made, room = await a_room(with_rooms(world))
    crowd(room, [f"m_{n:012}" for n in range(LIMITS.room_members)])
    late = await pupil(world, "c_l")
    ground = world.ownership.ground
    ground.log = away = Away(ground.log)
    say = cmd.RoomSay("say", room.rid, "on its way to the log")
    room.give(given(say, "m_000000000003", lambda *ending: None))
    await settle()
    late.transmit(cmd.RoomJoin("j", made.rid))
    await settle()  # the seat is taken, what the log says of it is still to come
    late.transmit(cmd.Sync(made.rid, "", 0))
    await settle()
    away.well = True
    await passed(3, late)
    assert {e.re: e.code for e in late.errors} == {None: Code.NOT_MEMBER, "j": Code.ROOM_FULL}
    assert not [e for e in late.of(Snapshot) if e.s == made.rid]


async def test_who_leads_keeps_the_place_while_cut_though_others_want_it(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    made, room = await a_room(with_rooms(world))
    teacher = await pupil(world, "c_t")
    await teacher.enter(made.rid, "Ms T", facilitates=True)
    crowd(room, [f"m_{n:012}" for n in range(LIMITS.room_members - 1)])
    teacher.cut()
    await passed(1)
    room.give(deeds.Leave("m_000000000004", "c m_000000000004"))
    await passed(1)
    late = await pupil(world, "c_l")
    await late.enter(made.rid)
    assert "m_000000000004" not in room.state.members
    await teacher.connect()
    await passed(1, teacher, late)
    assert room.state.facilitates(teacher.member)


async def test_a_room_that_was_put_aside_costs_nothing(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    for each in two.all:
        each.cut()
    await passed(90)
    rooms = two.rooms[0]
    kept = {name: value for name, value in vars(rooms).items() if isinstance(value, dict) and value}
    assert kept == {}
    assert rooms.facilitation._told == {}


async def test_typing_in_a_large_room_is_dropped_beyond_what_a_node_can_tell(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    made, room = await a_room(with_rooms(world))
    ann, bo = await pupil(world, "c_a"), await pupil(world, "c_b")
    await ann.enter(made.rid)
    await bo.enter(made.rid)
    bos = next(seat for seat in room.seats if seat.member == bo.member)
    room.seats.extend([bos] * (LIMITS.room_members - 2))
    told = []
    for _ in range(3):
        before = len(bo.wire.inbound)
        for _ in range(20):
            ann.transmit(cmd.EphIn(made.rid, "typing", True))
        told.append(len(bo.wire.inbound) - before)
        await passed(1.1, ann, bo)
    assert [n // LIMITS.room_members for n in told] == [4, 4, 4], told
