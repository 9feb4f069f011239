"""Votes on a course's item as evidence of their voters: what they move, where, and how often."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engines.exercises.template import instance
from engines.learner.forgetting import RIGHT
from protocol import commands as cmd
from protocol import events as ev
from streaming import deeds
from streaming.attempts import evidence
from streaming.nodes import HEARTBEAT_S, Counted, Polled, opened
from streaming.room import Room
from streaming.room_votes import AGAIN_S, OTHERS_S, OwingRooms
from streaming.rooms import Rooms
from streaming.session import Session
from streaming.state import SessionState
from tests.engines.exercises.widget_items import BOARD, POLL, widget_course
from tests.nodes import Hub
from tests.rooms import Pupil, a_room, passed, pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import Learner, World, settle

COURSE = widget_course(POLL, BOARD)


class Lesson:
    """Two nodes with one room; a facilitator and Ann at the first, Bo at the second."""

    def __init__(self, hub: Hub, worlds: list[World], rooms: list[Rooms]) -> None:
        self.hub, self.worlds, self.rooms = hub, worlds, rooms

    @classmethod
    async def begin(cls, *, far: bool = True) -> Lesson:
        hub = Hub()
        worlds = [await World.begin(course=COURSE, nodes=hub.node())]
        if far:
            beside = {"beside": worlds[0], "node": "n2", "nodes": hub.node()}
            worlds.append(await World.begin(course=COURSE, **beside))  # type: ignore[arg-type]
        rooms = [with_rooms(each, each.ownership.node) for each in worlds]
        it = cls(hub, worlds, rooms)
        made, it.room = await a_room(rooms[0])
        it.rid = made.rid
        it.teacher, it.ann = await pupil(worlds[0], "c_t"), await pupil(worlds[0], "c_a")
        it.bo = await pupil(worlds[-1], "c_b")
        await it.teacher.enter(made.rid, "Ms T", facilitates=True)
        for each, name in ((it.ann, "Ann"), (it.bo, "Bo")):
            await each.enter(made.rid, name)
            await each.send(cmd.LessonStart(each.new_id(), seed=1))
        return it

    room: Room
    rid: str
    teacher: Pupil
    ann: Pupil
    bo: Pupil

    @property
    def all(self) -> list[Pupil]:
        return [each for each in (self.teacher, self.ann, self.bo) if each.attached is not None]

    async def rest(self, seconds: float = 1.5) -> None:
        await passed(seconds, *self.all)

    async def open(self) -> None:
        await self.teacher.do(cmd.RoomPollOpen, item="poll.1")
        await self.rest()

    async def vote(self, each: Pupil, *, right: bool) -> None:
        poll = self.ann.room.poll
        larger = min(poll["choices"], key=lambda c: int(c["text"].strip("$").partition("/")[2]))
        other = next(c for c in poll["choices"] if c is not larger)
        choice = larger if right else other
        await each.do(cmd.RoomVote, poll=poll["poll"], choice=choice["id"])
        await self.rest(0.1)

    async def discuss(self) -> None:
        poll = self.ann.room.poll["poll"]
        await self.teacher.do(cmd.RoomPollClose, poll=poll)
        await self.teacher.do(cmd.RoomPollOpen, poll=poll)
        await self.rest()

    async def reveal(self) -> None:
        poll = self.ann.room.poll["poll"]
        await self.teacher.do(cmd.RoomPollClose, poll=poll, then="reveal")
        await self.rest(2.5)

    async def votes_in(self, each: Learner) -> list[deeds.PollAnswered]:
        """What a session's log holds of votes."""
        entries = await self.worlds[0].store.log.read(str(each.sid), 0)
        found = [deeds.unsealed(entry.sealed) for entry in entries if entry.sealed]
        return [deed for deed in found if isinstance(deed, deeds.PollAnswered)]

    async def check(self) -> None:
        """Every session is its log folded again, and both nodes have the same room."""
        for world in self.worlds:
            await world.check()
        states = [room.state.to_bytes() for rooms in self.rooms for room in rooms]
        assert len(set(states)) == 1


def told(each: Learner) -> list[ev.Feedback]:
    """What a learner was told of votes."""
    return [f for f in each.of(ev.Feedback) if ":" in f.re]


def state_of(world: World, each: Learner) -> SessionState:
    found = world.ownership.live(str(each.sid))
    assert found is not None
    return found


def learnt(world: World, each: Learner) -> float:
    state = state_of(world, each)
    assert state.syllabus is not None
    return state.known.learnt(state.syllabus)["s"]


async def test_a_right_and_a_wrong_vote_move_their_voters_at_the_reveal(
    virtual: VirtualLoop,
) -> None:
    it = await Lesson.begin()
    first, second = it.worlds
    before = learnt(first, it.ann)
    shown = it.ann.replica.item
    await it.bo.send(cmd.ItemNext(it.bo.new_id()))
    await it.open()
    await it.vote(it.ann, right=True)
    await it.vote(it.bo, right=False)
    await it.rest(OTHERS_S + 1)
    assert not told(it.ann)
    assert learnt(first, it.ann) == before
    await it.reveal()
    assert it.bo.replica.item is not None
    assert it.bo.replica.item.item == "board.1"  # the vote is on another than the open item
    (right,), (wrong,) = told(it.ann), told(it.bo)
    name = f"{it.rid}:{it.room.epoch}:"
    assert right.re.startswith(name)
    assert right.re == wrong.re
    assert (right.verdict, right.assisted, right.item) == ("correct", False, "poll.1")
    assert (wrong.verdict, wrong.assisted, wrong.skills[0].id) == ("incorrect", False, "s")
    assert right.skills[0].after > right.skills[0].before
    assert wrong.skills[0].after < wrong.skills[0].before
    assert len(it.ann.of(ev.Difficulty)) == 1
    assert it.ann.replica.item == shown
    # A choice of two is guessed right half the time: P(L) after a right one, by hand.
    skill = state_of(first, it.ann).syllabus.bkt[0]  # type: ignore[union-attr]
    slip, transit, forget = skill[2], skill[1], skill[4]
    assert slip == pytest.approx(0.08)
    after = before * (1 - slip) / (before * (1 - slip) + (1 - before) * 0.5)
    assert learnt(first, it.ann) == pytest.approx(after * (1 - forget) + (1 - after) * transit)
    assert not it.room.state.owed
    await it.check()
    found = [one async for one in evidence(str(it.bo.sid), *of(second))]
    assert [(one.item, one.right, one.weight) for one in found] == [("poll.1", False, 1.0)]
    attempts = await second.store.records.attempts(state_of(second, it.bo).plain.learner)
    assert [deeds.unsealed(one.sealed) for one in attempts] == await it.votes_in(it.bo)


def of(world: World) -> tuple[Any, Any, Any]:
    ground = world.ownership.ground
    return ground.log, ground.records, ground.catalogue


async def test_a_vote_after_the_discussion_is_help_and_never_wrong(virtual: VirtualLoop) -> None:
    it = await Lesson.begin(far=False)
    (world,) = it.worlds
    await it.open()
    await it.vote(it.ann, right=True)
    await it.discuss()
    await it.vote(it.ann, right=False)
    await it.vote(it.bo, right=False)
    before = learnt(world, it.bo)
    await it.reveal()
    one, two = told(it.ann)
    assert [(f.verdict, f.assisted, f.attempt) for f in (one, two)] == [
        ("correct", False, 1),
        ("incorrect", True, 2),
    ]
    assert one.skills[0].after > one.skills[0].before
    assert not two.skills
    (only,) = told(it.bo)
    assert (only.verdict, only.assisted, only.attempt) == ("incorrect", True, 1)
    assert all(moved.after >= moved.before for moved in only.skills)
    assert learnt(world, it.bo) > before  # one opportunity to learn
    assert not it.bo.of(ev.Difficulty)
    found = [one.weight async for one in evidence(str(it.bo.sid), *of(world))]
    assert found == [0.0]
    await it.check()


async def test_a_vote_after_the_discussion_reviews_no_card(virtual: VirtualLoop) -> None:
    it = await Lesson.begin(far=False)
    await it.open()
    await it.discuss()
    before = {}
    for each in (it.ann, it.bo):
        state = state_of(it.worlds[0], each)
        cards = state.known.cards.reviewed(0, RIGHT, 1.0)
        state.beliefs = state.known.moved_by(state.known.state.copy(), cards=cards)
        before[each] = cards.memory[:3].tobytes()
        await it.vote(each, right=each is it.ann)
    await it.reveal()
    for each in (it.ann, it.bo):
        assert len(told(each)) == 1
        assert state_of(it.worlds[0], each).known.cards.memory[:3].tobytes() == before[each]


async def test_two_rounds_move_no_more_than_the_first_alone(virtual: VirtualLoop) -> None:
    moved = []
    for again in (False, True):
        it = await Lesson.begin(far=False)
        await it.open()
        await it.vote(it.ann, right=False)
        if again:
            await it.discuss()
            await it.vote(it.ann, right=True)
        await it.reveal()
        moved.append(learnt(it.worlds[0], it.ann))
    assert moved[0] == moved[1]


async def test_what_comes_again_counts_once(virtual: VirtualLoop) -> None:
    it = await Lesson.begin()
    it.hub.loses = lambda letter: isinstance(opened(letter), Counted)
    await it.open()
    for each in (it.ann, it.bo):
        await it.vote(each, right=True)
    await it.reveal()
    await it.rest(3 * AGAIN_S)
    assert it.room.state.owed  # nobody has confirmed Bo's
    assert len(await it.votes_in(it.bo)) == len(await it.votes_in(it.ann)) == 1
    it.hub.loses = lambda letter: False
    await it.rest(2 * AGAIN_S)
    assert not it.room.state.owed
    (deed,) = await it.votes_in(it.bo)
    session = it.worlds[1].ownership.live(str(it.bo.sid))
    here = next(s for s in it.worlds[1].ownership if s.state is session)
    head = here.head
    letter = Polled(
        here.sid, deed.cmd, "n1", "widgets", deed.item, deed.seed, "hare", deed.first, None
    )
    here._replies.clear()  # as when the log has forgotten the command's id
    assert here.hear_vote(letter).stored
    assert here.head == head
    assert [len(told(each)) for each in (it.ann, it.bo)] == [1, 1]
    await it.check()


async def test_letters_that_are_lost_are_sent_again(virtual: VirtualLoop) -> None:
    it = await Lesson.begin()
    it.hub.loses = lambda letter: isinstance(opened(letter), Polled)
    await it.open()
    await it.vote(it.bo, right=True)
    await it.reveal()
    assert not told(it.bo)
    it.hub.loses = lambda letter: False
    await it.rest(2 * AGAIN_S)
    assert len(told(it.bo)) == 1
    assert not it.room.state.owed


async def test_who_is_asleep_or_has_left_is_told_all_the_same(virtual: VirtualLoop) -> None:
    it = await Lesson.begin()
    await it.open()
    await it.vote(it.ann, right=True)
    await it.vote(it.bo, right=True)
    await it.ann.do(cmd.RoomLeave)
    it.ann.replica.logs.pop(it.rid, None)
    await it.rest()
    session = next(s for s in it.worlds[1].ownership if s.sid == it.bo.sid)
    it.bo.cut()
    await it.worlds[1].ownership.hand_over(session)
    assert it.worlds[1].ownership.live(str(it.bo.sid)) is None
    await it.teacher.do(cmd.RoomPollClose, poll="p1", then="reveal")
    await it.rest(3)
    assert len(told(it.ann)) == 1
    assert len(await it.votes_in(it.bo)) == 1
    assert not it.room.state.owed


async def test_no_evidence_without_a_lesson_a_key_or_a_learner(virtual: VirtualLoop) -> None:
    it = await Lesson.begin(far=False)
    guest = await pupil(it.worlds[0], "c_g")
    await guest.enter(it.rid, "Guest")
    await it.teacher.send(cmd.LessonStart("l", seed=1))
    await it.open()
    for each in (guest, it.teacher):
        await it.vote(each, right=True)
    await it.reveal()
    fields: dict[str, Any] = {"prompt": "Which?", "choices": ["1", "2"], "right": 0}
    await it.teacher.do(cmd.RoomPollOpen, **fields)  # on no item of a course
    await it.rest()
    await it.ann.do(cmd.RoomVote, poll="p2", choice="a")
    await it.reveal()
    for each in (guest, it.teacher, it.ann):
        assert not told(each)
        assert not await it.votes_in(each)
    assert not it.room.state.owed


async def test_a_node_that_dies_after_the_reveal_leaves_nothing_untold(
    virtual: VirtualLoop,
) -> None:
    it = await Lesson.begin()
    await it.open()
    await it.vote(it.ann, right=True)
    await it.vote(it.bo, right=False)
    it.rooms[0].votes.look = lambda room: None  # type: ignore[method-assign]
    await it.reveal()
    assert not told(it.ann)
    assert it.room.state.owed
    for each in (it.teacher, it.ann):
        each.cut()
    it.rooms[0].stop()
    for session in it.worlds[0].ownership:
        session.end()
    it.worlds[0].ownership.ground.nodes.kill()  # type: ignore[attr-defined]
    await it.rest(HEARTBEAT_S + OTHERS_S + 5)
    for each in (it.ann, it.bo):
        assert len(await it.votes_in(each)) == 1
    assert len(told(it.bo)) == 1
    assert not next(iter(it.rooms[1])).state.owed


async def test_a_server_that_starts_again_tells_what_it_owed(
    virtual: VirtualLoop, tmp_path: Any
) -> None:
    path = str(tmp_path / "store.db")
    world = await World.begin(course=COURSE, path=path, node="n1")
    rooms = with_rooms(world)
    made, room = await a_room(rooms)
    teacher, ann = await pupil(world, "c_t"), await pupil(world, "c_a")
    await teacher.enter(made.rid, facilitates=True)
    await ann.enter(made.rid, "Ann")
    await ann.send(cmd.LessonStart("l", seed=1))
    await teacher.do(cmd.RoomPollOpen, item="poll.1")
    await passed(1.5, teacher, ann)
    assert await OwingRooms(world.ownership.ground).all() == [made.rid]
    await ann.do(cmd.RoomVote, poll="p1", choice="a")
    rooms.votes.look = lambda room: None  # type: ignore[method-assign]
    await teacher.do(cmd.RoomPollClose, poll="p1", then="reveal")
    assert room.state.owed
    rooms.stop()
    world.kill()
    again = await World.begin(course=COURSE, path=path, node="n2")
    rooms = with_rooms(again, "n2")
    await asyncio.sleep(OTHERS_S + 3)
    await settle()
    session = next(s for s in again.ownership if s.sid == ann.sid)
    assert isinstance(session, Session)
    assert session.state.plain.seq == session.head
    entries = await again.store.log.read(session.sid, 0)
    votes = [deeds.unsealed(e.sealed) for e in entries if e.sealed]
    (deed,) = [d for d in votes if isinstance(d, deeds.PollAnswered)]
    assert deed.cmd.startswith(f"{made.rid}:{room.epoch}:")
    assert not next(iter(rooms)).state.owed
    await asyncio.sleep(2)
    assert await OwingRooms(again.ownership.ground).all() == []
    rooms.stop()


async def test_votes_are_durable_as_answers_are(virtual: VirtualLoop) -> None:
    """Their attempts are made good where they are missing, and outlive the session's log."""
    it = await Lesson.begin(far=False)
    (world,) = it.worlds
    records, sid = world.store.records, str(it.ann.sid)
    session = next(s for s in world.ownership if s.sid == sid)
    learner = session.state.plain.learner
    session.save()
    await session.saved()
    await it.open()
    await it.vote(it.ann, right=True)
    await it.reveal()
    after = learnt(world, it.ann)
    it.ann.cut()
    session.end()
    assert await records.erase(learner) == 1
    session = await taken_up(world, sid)
    assert len(await records.attempts(learner)) == 1
    session.end()
    await world.store.log.drop(sid)
    session = await taken_up(world, sid)
    assert session.epoch != it.room.epoch
    assert learnt(world, it.ann) == after
    (attempt,) = await records.attempts(learner)
    deed = deeds.unsealed(attempt.sealed)
    assert isinstance(deed, deeds.PollAnswered)
    head = session.head
    fields = (deed.item, deed.seed, "hare", deed.first, deed.again)
    session.hear_vote(Polled(sid, deed.cmd, "n1", "widgets", *fields))  # told again after the loss
    assert session.head == head


async def taken_up(world: World, sid: str) -> Session:
    found = await world.ownership.session(sid)
    assert isinstance(found, Session)
    return found


async def test_a_version_that_judges_otherwise_takes_no_vote(virtual: VirtualLoop) -> None:
    it = await Lesson.begin(far=False)
    session = next(s for s in it.worlds[0].ownership if s.sid == it.ann.sid)
    syllabus = session.state.syllabus
    assert syllabus is not None
    item = session.state.item("poll.1")
    assert str(instance(item, syllabus.course.sha256, 5).key) == "hare"
    head = session.head
    fields = ("n1", "widgets", "poll.1", 5)
    for right, first, course in (
        ("ibex", "hare", "widgets"),
        ("hare", "newt", "widgets"),
        ("hare", None, "widgets"),
        ("hare", "hare", "another"),
    ):
        node, _, name, seed = fields
        session.hear_vote(
            Polled(session.sid, "r:e:1", node, course, name, seed, right, first, None)
        )
    session.hear_vote(
        Polled(session.sid, "r:e:1", "n1", "widgets", "no.item", 5, "hare", "hare", None)
    )
    assert session.head == head
    session.hear_vote(
        Polled(session.sid, "r:e:1", "n1", "widgets", "poll.1", 5, "hare", "hare", None)
    )
    assert session.head > head
