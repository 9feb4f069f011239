"""What a facilitator is told beside the log: pairs, groups, talk, help; rows for who asked."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import commands as cmd
from protocol.errors import Code
from protocol.events import Board, RoomEvent
from streaming.mastered import Progress
from streaming.rooms import Rooms
from tests.rooms import Pupil, a_room, passed, pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import World, settle


class Class:
    """A room of one node with a teacher and so many pupils, each in a lesson."""

    @classmethod
    async def begin(cls, pupils: int, *, lesson: bool = True) -> Class:
        of = cls()
        of.world = await World.begin()
        of.rooms = with_rooms(of.world)
        of.made, of.room = await a_room(of.rooms)
        of.teacher = await pupil(of.world, "c_t")
        await of.teacher.enter(of.made.rid, "Ms T", facilitates=True)
        of.pupils = [await pupil(of.world, f"c_{n}") for n in range(pupils)]
        for n, each in enumerate(of.pupils):
            if lesson:
                await each.send(cmd.LessonStart(each.new_id(), seed=n))
            await each.enter(of.made.rid, f"Pupil {n}")
        await of.hear()
        return of

    world: World
    rooms: Rooms
    made: Any
    room: Any
    teacher: Pupil
    pupils: list[Pupil]

    async def hear(self) -> None:
        await settle()
        for each in (self.teacher, *self.pupils):
            each.pump()

    async def act(self, act: Any, **args: Any) -> None:
        await self.teacher.send(cmd.BoardAct(self.teacher.new_id(), self.made.rid, act, args))
        await passed(0.1, self.teacher, *self.pupils)

    def told(self, kind: str) -> Any:
        return self.teacher.room.room.told.get(kind)


async def answered(each: Pupil, right: bool, times: int) -> None:
    """Answer so many items."""
    for _ in range(times):
        assert each.attached is not None
        state = each.attached.session.state
        assert state.instance is not None
        assert state.plain.open is not None
        key = str(state.instance.key) if right else "100000"
        await each.send(cmd.AnswerSubmit(each.new_id(), state.plain.open.item, key, 9_000))


async def test_groups_are_shown_to_the_facilitator_and_told_when_applied(
    virtual: VirtualLoop,
) -> None:
    of = await Class.begin(5)
    await answered(of.pupils[0], True, 6)
    await of.act("group", size=3)
    shown = of.told("groups")["groups"]
    assert sorted(len(group["members"]) for group in shown) == [2, 3]
    assert not any(e for each in of.pupils for e in each.of(Board))
    assert of.pupils[0].room.groups == []
    await of.act("apply")
    for each in of.pupils:
        assert [g["members"] for g in each.room.groups] == [g["members"] for g in shown]
    together = shown[0]["members"][:2]
    await of.act("group", size=3, apart=[together])
    assert not any(set(together) <= set(g["members"]) for g in of.told("groups")["groups"])
    await of.act("group", size=2, apart=[[p.member, of.pupils[0].member] for p in of.pupils[1:]])
    assert of.teacher.code == Code.BAD_FRAME
    assert "apart" in of.teacher.errors[-1].msg
    await of.act("group", size=9)
    assert "2 to 6" in of.teacher.errors[-1].msg


async def test_who_has_mastered_a_skill_is_paired_with_who_is_stuck(virtual: VirtualLoop) -> None:
    of = await Class.begin(3)
    await answered(of.pupils[0], True, 25)
    for _ in range(3):
        await answered(of.pupils[1], False, 1)
    await of.act("pair", by="tutors")
    assert of.told("pairs")["by"] == "tutors"
    (pair,) = of.told("pairs")["pairs"]
    assert pair["members"] == [of.pupils[0].member, of.pupils[1].member]
    assert "stuck" in pair["reason"]
    await of.act("apply")
    for each in of.pupils:
        assert "stuck" not in str(each.heard)
        assert each.room.room.pairs[0]["members"] == pair["members"]
    await of.act("pair", by="votes")
    assert of.teacher.code == Code.OUT_OF_ORDER


async def test_talk_and_help_are_told_to_the_facilitator_alone(virtual: VirtualLoop) -> None:
    of = await Class.begin(8, lesson=False)
    for n in range(12):
        await of.pupils[0].do(cmd.RoomSay, text=f"I say {n}")
    await of.pupils[1].do(cmd.RoomThank, member=of.pupils[0].member)
    await passed(70, of.teacher, *of.pupils)
    assert of.told("talk")["gini"] == pytest.approx(7 / 8)
    assert "spoken" in of.told("talk")["nudge"]["text"]
    assert of.told("network")["edges"] == [[of.pupils[0].member, of.pupils[1].member, 1]]
    assert len(of.told("network")["isolates"]) == 6
    for each in of.pupils:
        assert not each.of(Board)
    late = await pupil(of.world, "c_late")
    await late.enter(of.made.rid, "Mr U", facilitates=True)
    await settle()
    late.pump()
    assert {e.kind for e in late.of(Board)} == {"talk", "network"}


async def test_rows_of_gain_go_to_who_asked_and_hold_nobody_else(virtual: VirtualLoop) -> None:
    of = await Class.begin(9)
    for each in of.pupils[:8]:
        await each.send(cmd.PrefsSet(each.new_id(), {"boards": True}))
    await answered(of.pupils[0], True, 8)
    await passed(63, of.teacher, *of.pupils)
    rows = of.pupils[0].room.room.told["leader"]["rows"]
    assert rows[0] == {"name": "Pupil 0", "gain": rows[0]["gain"], "you": True}
    assert rows[0]["gain"] > 0
    assert all(row["name"] != "Pupil 8" for row in rows)
    outside = [e for e in of.pupils[8].of(RoomEvent) if e.kind == "leader"]
    assert outside == []


async def test_what_is_no_act_of_a_room_is_refused(virtual: VirtualLoop) -> None:
    of = await Class.begin(1, lesson=False)
    await of.act("dismiss")
    assert of.teacher.code == Code.BAD_FRAME
    await of.act("apply")
    assert of.teacher.code == Code.NOT_FOUND
    await of.act("apply", groups=[["nobody"]])
    assert of.teacher.code == Code.BAD_FRAME
    one = of.pupils[0].member
    await of.act("apply", groups=[[one], [one]])
    assert "twice" in of.teacher.errors[-1].msg
    await of.act("pair", by="colour")
    assert "votes or tutors" in of.teacher.errors[-1].msg
    await of.act("group")
    assert of.teacher.code == Code.OUT_OF_ORDER
    await of.pupils[0].send(cmd.BoardWatch("w", of.made.rid))
    assert of.pupils[0].code == Code.FORBIDDEN


def test_a_gain_is_the_mean_of_what_moved() -> None:
    before = Progress("c", {"a": 0.2, "b": 0.5, "d": 0.9}, {})
    after = Progress("c", {"a": 0.6, "b": 0.3, "d": 0.9}, {})
    assert after.gain_since(before) == pytest.approx(0.1)
    assert before.gain_since(before) == 0.0
