"""What a room's members must not learn, and what must be counted exactly: frames and figures."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from engines.exercises.guardset import guard_set
from protocol import commands as cmd
from protocol.codec import decode_event
from protocol.errors import Code, Refused
from protocol.events import Presence, RoomEvent
from protocol.limits import LIMITS
from streaming import room_deeds as deeds
from streaming.providers.base import End, Text
from streaming.room import Room
from streaming.room_acts import member_id
from streaming.room_batch import Batch, Given, NodeGone, grouped
from streaming.room_names import cleaned
from streaming.room_prompt import TEXTS, ballot_instance
from streaming.room_state import Member, Poll, RoomState
from streaming.screen import screened
from tests.rooms import Pupil, a_room, passed, pupil, with_rooms
from tests.virtual import VirtualLoop, run
from tests.world import Scripted, World, settle

SIDS = [f"s_{n:022}" for n in range(8)]


async def played(choices: str, confidence: float, predicted: float) -> dict[str, list[bytes]]:
    """One whole poll with these votes; every learner's frames up to the reveal."""
    heard: dict[str, list[bytes]] = {}
    world = await World.begin()
    rooms = with_rooms(world)
    made, room = await a_room(rooms)
    room.state.code = "CODE"  # codes are drawn; these frames are compared
    teacher = Pupil(world, "s_teacher", "c_t")
    pupils = [Pupil(world, sid, f"c_{sid}") for sid in SIDS]
    for each in (teacher, *pupils):
        await each.connect()
        heard[str(each.sid)] = []
        each.wire.write = heard_by(each, heard[str(each.sid)])  # type: ignore[method-assign]
        await each.enter(made.rid, f"Name {each.sid}", facilitates=each is teacher)
    await teacher.do(cmd.RoomPollOpen, prompt="?", choices=["1", "2", "3"], right=1, predict=True)
    for round_ in range(2):
        for n, each in enumerate(pupils):
            choice = choices[(n + round_) % len(choices)]
            how = {"choice": choice, "confidence": confidence, "predicted": predicted}
            await each.do(cmd.RoomVote, poll="p1", **how)
        await pupils[0].do(cmd.RoomAsk, input="how did you get there?")
        await passed(30, teacher, *pupils)
        if not round_:
            await teacher.do(cmd.RoomPollClose, poll="p1")
            late = Pupil(world, f"s_late{round_}", "c_late")
            await late.connect()
            heard["late"] = []
            late.wire.write = heard_by(late, heard["late"])  # type: ignore[method-assign]
            await late.enter(made.rid, "Late")
            await teacher.do(cmd.RoomPollOpen, poll="p1")
    heard.pop("s_teacher")
    for frames in heard.values():
        assert any(b'"vote_count"' in frame or b'"snapshot"' in frame for frame in frames)
    rooms.stop()
    world.kill()
    return heard


def heard_by(each: Pupil, kept: list[bytes]) -> Any:
    """The wire's `write`, which keeps the room's frames too."""
    write = each.wire.write

    def both(frames: list[bytes]) -> None:
        kept.extend(f for f in frames if b'"s":"me"' not in f and b'"t":"welcome"' not in f)
        write(frames)

    return both


def compared(frame: bytes) -> bytes:
    """A frame without what is drawn (the log's epoch) and without the reader's own ballot."""
    head, found, _ = frame.partition(b'"you":')
    return re.sub(rb'"epoch":"[^"]*"', b'"epoch":""', head if found else frame)


def test_no_frame_to_a_learner_depends_on_others_votes_before_the_reveal() -> None:
    one = run(played("abc", 0.5, 0.5))
    two = run(played("bbbac", 1.0, 0.1))
    assert one.keys() == two.keys()
    assert len(one) == len(SIDS) + 1
    for who, frames in one.items():
        assert [compared(f) for f in frames] == [compared(f) for f in two[who]]
        assert len(frames) > 12


async def test_only_the_reveal_tells_and_small_groups_stay_hidden(virtual: VirtualLoop) -> None:
    world = await World.begin()
    rooms = with_rooms(world)
    made, _ = await a_room(rooms)
    teacher = await pupil(world, "c_t")
    await teacher.enter(made.rid, facilitates=True)
    pupils = [await pupil(world, f"c_{n}") for n in range(6)]
    for each in pupils:
        await each.enter(made.rid)
    await teacher.do(cmd.RoomPollOpen, prompt="?", choices=["1", "2"], right=0)
    for n, each in enumerate(pupils):
        await each.do(cmd.RoomVote, poll="p1", choice="a" if n < 2 else "b", confidence=0.5)
    await teacher.do(cmd.RoomPollClose, poll="p1")
    await teacher.do(cmd.RoomPollOpen, poll="p1")
    for each in pupils:
        await each.do(cmd.RoomVote, poll="p1", choice="a")
    await teacher.do(cmd.RoomPollClose, poll="p1")
    for each in pupils:
        each.pump()
        reveal = each.room.poll["reveal"]
        assert reveal["rounds"][0]["totals"] == {"a": 2, "b": 4}
        assert (reveal["right"], reveal["gain"], reveal["suppressed"]) == ("a", 1.0, False)
        assert each.room.room.totals is None
        assert "share_right" not in str(each.heard)


async def test_the_rooms_tutor_holds_every_members_answer_back(virtual: VirtualLoop) -> None:
    model = Scripted(Text("The sum is 100017, I think."), End("stop"), name="leaks")
    world = await World.begin(model)
    rooms = with_rooms(world)
    made, _ = await a_room(rooms)
    ann, bo = await pupil(world, "c_a"), await pupil(world, "c_b")
    await bo.send(cmd.LessonStart("l"))
    for each in (ann, bo):
        await each.enter(made.rid)
    assert bo.attached is not None
    instance = bo.attached.session.state.instance
    assert instance is not None
    model.script = (Text(f"The answer is {instance.key}."), End("stop"))
    await ann.do(cmd.RoomAsk, input="what is the answer?")
    await passed(20, ann, bo)
    assert model.calls == 1
    assert f"is {instance.key}" not in ann.replica.text("g1", made.rid)
    assert ann.replica.text("g1", made.rid)
    await passed(61, ann, bo)
    teacher = await pupil(world, "c_t")
    await teacher.enter(made.rid, facilitates=True)
    fields = {"prompt": "Which?", "choices": ["a cat", "a dolphin"], "right": 1}
    await teacher.do(cmd.RoomPollOpen, **fields)
    model.script = (Text("It is the dolphin, of course."), End("stop"))
    await ann.do(cmd.RoomAsk, input="which one?")
    await passed(20, ann, bo, teacher)
    assert "dolphin" not in ann.replica.text("g2", made.rid)
    told = " ".join(m.content for r in model.requests for m in r.messages)
    assert "dolphin" in told  # the choices are everybody's
    assert str(ann.sid) not in told


@pytest.mark.parametrize("right", ["1", "2", "one", "the first", "no"])
def test_the_built_in_tutors_texts_point_to_no_choice(right: str) -> None:
    poll = Poll("p1", "Which?", (right, "something else"), "a", False)
    held = ballot_instance(poll)
    assert held is not None
    for text in (text for texts in TEXTS.values() for text in texts):
        screen = screened(guard_set([held], [poll.prompt]))
        assert screen.push(text) + screen.finish() == text
        assert screen.caught is None


async def test_a_thousand_votes_in_two_seconds_are_all_counted(virtual: VirtualLoop) -> None:
    world = await World.begin()
    rooms = with_rooms(world)
    _, room = await a_room(rooms)
    told: list[tuple[Refused | None, int, bool]] = []
    members = [f"m_{n:012}" for n in range(LIMITS.room_members)]
    crowd(room, members)
    name = await opened(room)
    for n, member in enumerate(members):
        vote = cmd.RoomVote(f"v{n}", room.rid, name, "ab"[n % 2])
        room.give(given(vote, member, lambda *ending: told.append(ending)))
        if n % 10 == 9:
            await asyncio.sleep(0.02)
    await passed(1)
    assert len(told) == len(members)
    assert all(refused is None and not dup for refused, _, dup in told)
    assert set(room.state.votes) == set(members)
    counts = [e for e in await frames_of(world, room) if getattr(e, "kind", "") == "vote_count"]
    assert len(counts) <= 10  # gathered: 4 Hz
    assert sum(len(e.data["voters"]) for e in counts) == len(members)


async def test_a_full_room_takes_one_more_only_for_one_who_is_away(virtual: VirtualLoop) -> None:
    world = await World.begin()
    rooms = with_rooms(world)
    made, room = await a_room(rooms)
    members = [f"m_{n:012}" for n in range(LIMITS.room_members)]
    crowd(room, members)
    late = await pupil(world, "c_l")
    await late.send(cmd.RoomJoin("j", made.rid))
    assert late.code == Code.ROOM_FULL
    assert made.rid not in late.replica.logs
    room.give(deeds.Leave(members[7], f"c {members[7]}"))
    await passed(0.3)
    await late.enter(made.rid)
    assert members[7] not in room.state.members
    assert len(room.state.members) == LIMITS.room_members


def crowd(room: Room, members: list[str]) -> None:
    """Put members into a room without a connection each."""
    for mid in members:
        room.state.members[mid] = Member("N", "member", f"s {mid}", ((f"c {mid}", "n1"),))


def given(command: Any, member: str, told: Any) -> Given:
    """A command of a member without a connection."""
    who = deeds.Join(member, f"s {member}", None, "member", f"c {member}", "n1")
    return Given(command, command.id.encode(), who, told)


async def opened(room: Room, seconds: int | None = None) -> str:
    """A poll, opened by a facilitator."""
    room.state.members["m_t"] = Member("T", "facilitator", "s_t", (("c_t", "n1"),))
    poll = cmd.RoomPollOpen("open", room.rid, "?", ["1", "2"], seconds)
    room.give(given(poll, "m_t", lambda *ending: None))
    await settle()
    assert room.state.poll is not None
    return room.state.poll.poll


async def frames_of(world: World, room: Room) -> list[Any]:
    entries = await world.ownership.ground.log.read(f"room:{room.rid}", 0)
    return [decode_event(entry.public) for entry in entries]


# --- one batch ------------------------------------------------------------------------------------


def voting(closes_at: int | None = None) -> RoomState:
    state = RoomState("r_1", seq=3, at_ms=1_000)
    for mid in ("m_1", "m_2"):
        state.members[mid] = Member(mid, "member", f"s {mid}", ((f"c {mid}", "n1"),))
    state.poll = Poll("p1", "?", ("1", "2"), "a", False, closes_at=closes_at)
    state.polls = 1
    return state


def batched(state: RoomState, *ops: Any, at_ms: int = 2_000) -> Batch:
    batch = Batch(state.copied(), at_ms, begin=lambda *_: pytest.fail("no turn is asked for"))
    batch.run(ops)
    for ending in batch.endings:
        ending()
    return batch


def vote(member: str, id_: str, choice: str, told: list[Any]) -> Given:
    command = cmd.RoomVote(id_, "r_1", "p1", choice)
    return given(command, member, lambda *ending: told.append((id_, ending)))


@pytest.mark.parametrize(("at_ms", "code"), [(2_000, None), (2_001, Code.CLOSED)])
def test_a_vote_is_late_by_the_clock_though_nobody_has_closed(
    at_ms: int, code: Code | None
) -> None:
    told: list[Any] = []
    batch = batched(voting(closes_at=2_000), vote("m_1", "v", "a", told), at_ms=at_ms)
    refused = told[0][1][0]
    assert (refused.code if refused else None) == code
    assert len(batch.entries) == (code is None)


def test_votes_of_one_batch_are_one_entry_and_the_later_one_stands() -> None:
    told: list[Any] = []
    ops = [vote("m_1", "1", "a", told), vote("m_2", "1", "b", told), vote("m_1", "2", "b", told)]
    batch = batched(voting(), *ops, vote("m_1", "2", "b", told))
    (entry,) = batch.entries
    assert (entry.seq, batch.state.seq) == (4, 4)
    assert {m: b.choice for m, b in batch.state.votes.items()} == {"m_1": "b", "m_2": "b"}
    assert [(id_, q, dup) for id_, (_, q, dup) in told] == [
        ("1", 4, False),
        ("1", 4, False),
        ("2", 4, False),
        ("2", 4, True),
    ]
    event = decode_event(entry.public)
    assert isinstance(event, RoomEvent)
    assert event.data == {"poll": "p1", "round": 1, "n": 2, "voters": ["m_1", "m_2"]}


def test_no_vote_passes_the_end_of_a_round_in_one_batch() -> None:
    told: list[Any] = []
    state = voting(closes_at=2_000)
    close = deeds.RoundClosed("p1", 1, "discuss")
    ops = [vote("m_1", "1", "a", told), close, vote("m_2", "1", "b", told)]
    batch = batched(state, *ops, at_ms=2_000)
    assert list(batch.state.votes) == ["m_1"]
    assert [e.seq for e in batch.entries] == [4, 5]
    assert told[1][1][0].code == Code.CLOSED


def test_who_comes_and_goes_in_one_batch_was_not_here() -> None:
    state = voting()
    join = deeds.Join("m_1", "s m_1", None, "member", "c_new", "n1")
    batch = batched(state, join, deeds.Leave("m_1", "c_new"), deeds.Leave("m_2", "c m_2"))
    (entry,) = batch.entries
    event = decode_event(entry.public)
    assert isinstance(event, Presence)
    assert (event.joins, event.leaves) == ({}, {"m_2": ["c m_2"]})


def test_a_node_that_died_is_buried_once() -> None:
    state = voting()
    state.members["m_2"] = Member("m_2", "member", "s", (("c2", "n2"), ("c3", "n1")))
    batch = batched(state, NodeGone("n2"), NodeGone("n2"))
    assert len(batch.entries) == 1
    assert batch.state.members["m_2"].cids == (("c3", "n1"),)
    assert batched(state, NodeGone("n9")).entries == []


def test_a_members_own_commands_keep_their_order() -> None:
    told: list[Any] = []
    say = given(cmd.RoomSay("s", "r_1", "x"), "m_1", None)
    groups = grouped(
        [vote("m_1", "1", "a", told), say, vote("m_1", "2", "b", told), vote("m_2", "1", "a", told)]
    )
    assert [[op.command.id for op in group.ops] for group in groups] == [  # type: ignore[union-attr]
        ["1"],
        ["s"],
        ["2", "1"],
    ]


def test_command_ids_are_forgotten_in_their_order_and_not_before_time() -> None:
    state = RoomState("r_1", at_ms=1_000_000)
    for n in range(LIMITS.ids_kept + 10):
        state.remember(deeds.By("m_1", f"c{n}", b"d"), n, 1_000_000)
    state.settle()
    assert len(state.seen) == LIMITS.ids_kept + 10
    state.at_ms += int(LIMITS.ids_kept_s * 1000) + 1
    state.settle()
    assert len(state.seen) == LIMITS.ids_kept
    assert state.seen_of("m_1", "c0") is None
    assert state.seen_of("m_1", f"c{LIMITS.ids_kept + 9}") is not None


def test_names_and_pseudonyms() -> None:
    assert cleaned("x" * 90) == "x" * LIMITS.room_name_chars
    assert cleaned("\u202e\n") is None
    assert "s_1" not in member_id("s_1", "r_1")
    assert len(member_id("s_1", "r_1")) == 14
