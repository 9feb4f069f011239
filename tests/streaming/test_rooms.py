"""A study room on two nodes: join, talk, vote, discuss, vote again, reveal; refusals; resume."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol.errors import Code
from protocol.events import Delta, EphOut, Ok, Presence, RoomEvent, TurnDone, TurnStarted
from streaming.log import StoreUnavailable, Ticket
from streaming.providers.base import End, Text
from streaming.room_acts import member_id
from streaming.rooms import Made, Rooms
from tests.nodes import Hub
from tests.rooms import Pupil, a_room, passed, pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import Scripted, World, settle


class Two:
    """Two nodes, a room, a facilitator and three pupils, the last one on the other node."""

    made: Made

    def __init__(self, worlds: list[World], rooms: list[Rooms]) -> None:
        self.worlds = worlds
        self.rooms = rooms

    @classmethod
    async def begin(cls, *providers: Any) -> Two:
        hub = Hub()
        first = await World.begin(*providers, nodes=hub.node())
        second = await World.begin(*providers, beside=first, node="n2", nodes=hub.node())
        two = cls([first, second], [with_rooms(first, "n1"), with_rooms(second, "n2")])
        two.made, _ = await a_room(two.rooms[0])
        two.teacher = await pupil(first, "c_t")
        two.ann, two.bo = await pupil(first, "c_a"), await pupil(first, "c_b")
        two.cy = await pupil(second, "c_c")
        await two.teacher.enter(two.made.rid, "Ms T", facilitates=True)
        await two.ann.enter(two.made.code.lower(), "Ann")
        await two.bo.enter(two.made.code, "Bo")
        await two.cy.enter(two.made.rid)
        await two.hear()
        return two

    teacher: Pupil
    ann: Pupil
    bo: Pupil
    cy: Pupil

    @property
    def all(self) -> list[Pupil]:
        return [self.teacher, self.ann, self.bo, self.cy]

    async def hear(self) -> None:
        for _ in range(3):
            await settle()
            for each in self.all:
                each.pump()

    async def check(self) -> None:
        """Both nodes have folded the same, and every client sees what they have."""
        await self.hear()
        states = [next(iter(rooms)).state for rooms in self.rooms]
        assert states[0].to_bytes() == states[1].to_bytes()
        for each in self.all:
            room, state = each.room.room, states[0]
            assert room.members == {
                mid: {"name": m.name, "role": m.role, "connections": [c for c, _ in m.cids]}
                for mid, m in state.present
            }
            assert [say["text"] for say in room.says] == [say.text for say in state.says]
            if state.poll is not None:
                assert room.poll["phase"] == state.poll.phase
                assert room.poll["n"] == len(state.votes)

    async def poll(self, **fields: Any) -> str:
        await self.teacher.do(
            cmd.RoomPollOpen, prompt="Is it?", choices=["yes", "no"], right=0, **fields
        )
        await self.hear()
        return str(self.ann.room.poll["poll"])


async def test_members_come_by_id_or_code_and_are_seen_on_both_nodes(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.check()
    names = sorted(m["name"] for m in two.cy.room.members.values())
    assert names == ["Ann", "Bo", "Guest 4", "Ms T"]
    assert two.ann.member == member_id(two.ann.sid or "", two.made.rid)
    assert two.ann.room.room.you == {"member": two.ann.member, "role": "member"}
    assert two.ann.sid
    assert two.ann.sid not in str([e for e in two.cy.heard if getattr(e, "s", "") != "me"])


async def test_what_is_said_reaches_everybody_in_one_order(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    for each, text in zip(two.all, ["one", "two", "three", "four"], strict=True):
        await each.do(cmd.RoomSay, text=text)
    await two.check()
    orders = {tuple(say["text"] for say in each.room.says) for each in two.all}
    assert len(orders) == 1
    assert len(next(iter(orders))) == 4


async def test_a_poll_goes_from_vote_to_discussion_to_revote_to_reveal(
    virtual: VirtualLoop,
) -> None:
    two = await Two.begin()
    poll = await two.poll()
    assert poll == "p1"
    for each, choice in ((two.ann, "a"), (two.bo, "b"), (two.cy, "b")):
        await each.do(cmd.RoomVote, poll=poll, choice=choice, confidence=0.5)
    await passed(0.3, *two.all)
    await two.check()
    assert two.teacher.room.room.totals["totals"] == {"a": 1, "b": 2}
    assert two.teacher.room.room.totals["suggests"] == "discuss"
    assert two.ann.room.room.totals is None
    await two.teacher.do(cmd.RoomPollClose, poll=poll)
    await two.check()
    assert two.ann.room.poll["phase"] == "discuss"
    await two.teacher.do(cmd.RoomPollOpen, poll=poll)
    await two.hear()
    assert (two.bo.room.poll["round"], two.bo.room.poll["n"]) == (2, 0)
    for each in (two.ann, two.bo, two.cy):
        await each.do(cmd.RoomVote, poll=poll, choice="a")
    await two.teacher.do(cmd.RoomPollClose, poll=poll)
    await two.check()
    reveal = two.cy.room.poll["reveal"]
    assert reveal["right"] == "a"
    assert [r["n"] for r in reveal["rounds"]] == [3, 3]
    assert reveal["suppressed"]  # three voted: no numbers of theirs
    assert reveal["rounds"][0]["totals"] is None


async def test_late_votes_and_other_wrongs_are_refused(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    poll = await two.poll(seconds=5)
    await two.ann.do(cmd.RoomVote, poll=poll, choice="z")
    assert two.ann.code == Code.BAD_FRAME
    await two.ann.do(cmd.RoomVote, poll="p7", choice="a")
    assert two.ann.code == Code.NOT_FOUND
    await two.ann.do(cmd.RoomPollClose, poll=poll)
    assert two.ann.code == Code.FORBIDDEN
    await two.teacher.do(cmd.RoomPollOpen, prompt="x", choices=["a", "b"])
    assert two.teacher.code == Code.BUSY
    await two.ann.do(cmd.RoomVote, poll=poll, choice="a")
    await passed(5.2, *two.all)
    assert two.ann.room.poll["phase"] == "discuss"
    await two.bo.do(cmd.RoomVote, poll=poll, choice="a")
    assert two.bo.code == Code.CLOSED
    stranger = await pupil(two.worlds[0], "c_s")
    stranger.rid = two.made.rid
    await stranger.do(cmd.RoomSay, text="hello")
    assert stranger.code == Code.NOT_MEMBER
    await stranger.do(cmd.RoomJoin)
    await stranger.send(cmd.RoomJoin("x", "ZZZZ"))
    assert stranger.code == Code.NOT_FOUND
    await stranger.send(cmd.RoomJoin("y", two.made.rid, token="forged"))
    assert stranger.code == Code.UNAUTHORIZED
    await two.check()


async def test_a_repeat_has_one_effect_and_another_body_is_refused(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.ann.do(cmd.RoomSay, id="same", text="once")
    await two.ann.do(cmd.RoomSay, id="same", text="once")
    replies = [e for e in two.ann.of(Ok) if e.re == "same"]
    assert [r.dup for r in replies] == [False, True]
    assert replies[0].at == replies[1].at
    await two.ann.do(cmd.RoomSay, id="same", text="twice")
    assert two.ann.code == Code.ID_REUSED
    await two.cy.do(cmd.RoomSay, id="same", text="another member's")
    await two.check()
    assert [s["text"] for s in two.bo.room.says] == ["once", "another member's"]


async def test_a_cut_client_resumes_and_a_connection_that_ends_is_seen(
    virtual: VirtualLoop,
) -> None:
    two = await Two.begin()
    two.cy.cut()
    await two.ann.do(cmd.RoomSay, text="you missed this")
    await two.hear()
    assert two.cy.member not in two.ann.room.members
    await two.cy.connect()
    await two.check()
    assert two.cy.member in two.ann.room.members
    assert two.cy.replica.counters.resets == 0
    heads = {line.s: line.mode for line in two.cy.replica.welcome.logs}  # type: ignore[union-attr]
    assert heads == {"me": "live", two.made.rid: "replay"}


async def test_who_leaves_hears_nothing_more_and_may_come_again(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.bo.do(cmd.RoomLeave)
    await two.ann.do(cmd.RoomSay, text="gone?")
    await two.hear()
    assert two.made.rid not in two.bo.replica.logs
    assert two.bo.member not in two.ann.room.members
    two.bo.cut()
    await two.bo.connect()
    assert [line.s for line in two.bo.replica.welcome.logs] == ["me"]  # type: ignore[union-attr]
    await two.bo.enter(two.made.code, "Bo again")
    await two.check()


async def test_board_thanks_and_pairs(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.ann.do(cmd.RoomBoard, key="k", v={"text": "x = 4"})
    await two.cy.do(cmd.RoomBoard, key="k2", v="y" * 3_000)
    assert two.cy.code == Code.TOO_LARGE
    await two.cy.do(cmd.RoomThank, member=two.ann.member)
    await two.check()
    assert two.bo.room.board == {"k": {"v": {"text": "x = 4"}, "by": two.ann.member}}
    assert two.ann.member not in str(two.bo.of(Presence)[-1])
    await two.ann.do(cmd.RoomBoard, key="k")
    await two.hear()
    assert two.bo.room.board == {}
    poll = await two.poll()
    for each, choice in ((two.ann, "a"), (two.bo, "b"), (two.cy, "b")):
        await each.do(cmd.RoomVote, poll=poll, choice=choice)
    rid = two.made.rid
    await two.teacher.send(cmd.BoardAct("pair1", rid, "pair"))
    await passed(0.1, *two.all)
    shown = two.teacher.room.room.told["pairs"]["pairs"]
    assert len(shown) == 1  # two pairs of three are one of three
    assert "pairs" not in two.ann.room.room.told
    await two.teacher.send(cmd.BoardAct("apply1", rid, "apply"))
    await two.check()
    pair = two.ann.room.room.pairs[0]
    assert pair["state"] == "invited"
    for each in (two.ann, two.bo, two.cy):
        await each.do(cmd.RoomAccept, pair=pair["id"], yes=True)
    await two.hear()
    assert two.cy.room.room.pairs[0]["state"] == "together"
    await two.ann.send(cmd.BoardAct("no", rid, "apply"))
    assert two.ann.code == Code.FORBIDDEN


async def test_the_rooms_tutor_is_heard_by_all_and_is_one_at_a_time(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.cy.do(cmd.RoomAsk, input="why is it so?")
    await two.ann.do(cmd.RoomAsk, input="me too")
    assert two.ann.code == Code.BUSY
    await passed(20, *two.all)
    await two.check()
    for each in two.all:
        (started,) = each.of(TurnStarted)
        assert (started.by, started.s) == (two.cy.member, two.made.rid)
        (done,) = each.of(TurnDone)
        assert done.status == "completed"
        assert each.replica.text("g1", two.made.rid)
        assert "".join(d.text for d in each.of(Delta)) == each.replica.text("g1", two.made.rid)
    assert two.cy.replica.replies  # its own `ok`


async def test_words_of_distress_reach_no_room(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    cry = "i want to kill myself"
    await two.ann.do(cmd.RoomSay, text=cry)
    await passed(15, *two.all)
    await two.check()
    assert two.ann.room.says == []
    assert not any(cry in str(each.heard) for each in (two.teacher, two.bo, two.cy))
    assert two.ann.replica.text("g1")  # the own session's tutor answers
    assert two.worlds[0].ownership.ground.alerts.raised == 1


async def test_a_dead_nodes_members_and_turn_are_taken_care_of(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.cy.do(cmd.RoomAsk, input="why?")
    await passed(0.2, *two.all)
    other = next(iter(two.rooms[1]))
    other.end()  # as where the process is killed
    two.rooms[0].node_gone("n2")
    await passed(0.2, two.teacher, two.ann, two.bo)
    assert two.cy.member not in two.ann.room.members
    (done,) = two.ann.of(TurnDone)
    assert (done.status, done.reason) == ("lost", "owner_lost")
    assert two.ann.replica.counters.misfits == 0


async def test_a_room_put_aside_comes_back_as_it_was(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.ann.do(cmd.RoomSay, text="remember")
    await two.check()
    for each in two.all:
        each.cut()
    await passed(90)
    assert [len(rooms) for rooms in two.rooms] == [0, 0]
    room = await two.rooms[1].room(two.made.rid)
    assert [say.text for say in room.state.says] == ["remember"]
    assert not list(room.state.present)
    await two.ann.connect()
    await passed(0.1, two.ann)
    assert [say["text"] for say in two.ann.room.says] == ["remember"]
    assert list(two.ann.room.members) == [two.ann.member]


async def test_a_room_whose_log_was_lost_keeps_what_was_saved(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.ann.do(cmd.RoomSay, text="remember")
    for each in two.all:
        each.cut()
    await passed(90)
    log = two.worlds[0].ownership.ground.log
    await log.drop(f"room:{two.made.rid}")
    for each in two.all:
        await each.connect()
    await passed(0.2, *two.all)
    await two.check()
    assert [say["text"] for say in two.cy.room.says] == ["remember"]
    assert two.cy.replica.counters.resets == 1
    assert two.teacher.room.room.you["role"] == "facilitator"
    await two.ann.do(cmd.RoomSay, text="go on")
    await two.check()


@pytest.mark.parametrize("kind", ["typing", "cursor"])
async def test_what_is_ephemeral_is_passed_on_to_others_alone(
    virtual: VirtualLoop, kind: str
) -> None:
    two = await Two.begin()
    head = next(iter(two.rooms[0])).state.seq
    two.ann.transmit(cmd.EphIn(two.made.rid, kind, True))
    await two.hear()
    for other in (two.bo, two.cy):
        heard = other.of(EphOut)
        assert [(e.k, e.v, e.from_) for e in heard] == [(kind, True, two.ann.member)]
    assert not two.ann.of(EphOut)
    assert next(iter(two.rooms[0])).state.seq == head


async def test_counts_to_learners_say_who_voted_and_never_what(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    poll = await two.poll()
    await two.ann.do(cmd.RoomVote, poll=poll, choice="b", predicted=0.9)
    await two.hear()
    (count,) = [e for e in two.bo.of(RoomEvent) if e.kind == "vote_count"]
    assert count.data == {"poll": poll, "round": 1, "n": 1, "voters": [two.ann.member]}


class Away:
    """A log that loses the answers to appends: some were stored, some were not."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.stores = True
        self.well = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, *args: Any, **more: Any) -> Ticket:
        ticket = Ticket()
        if self.well:
            return self._log.append(*args, **more)  # type: ignore[no-any-return]  # a ticket
        if self.stores:
            self._log.append(*args, **more)
        asyncio.get_running_loop().call_later(
            0.2, ticket.resolve, StoreUnavailable("no answer came")
        )
        return ticket


@pytest.mark.parametrize("stores", [True, False])
async def test_what_got_no_answer_from_the_store_has_one_effect(
    virtual: VirtualLoop, stores: bool
) -> None:
    """Also a turn's chunks: where the log took them, they are not said twice."""
    model = Scripted(
        *(piece for n in range(40) for piece in (Text(f"word{n}. "), 0.1)), End("stop")
    )
    two = await Two.begin(model)
    await two.ann.do(cmd.RoomAsk, input="why?")
    await passed(0.5, *two.all)
    ground = two.worlds[0].ownership.ground
    away = Away(ground.log)
    away.stores = stores
    ground.log = away
    await two.bo.do(cmd.RoomSay, text="are you there?")
    await passed(0.7, *two.all)
    assert two.bo.errors[-1].temp
    away.well = True
    await passed(15, *two.all)
    await two.check()
    assert [say["text"] for say in two.cy.room.says] == ["are you there?"]
    text = two.cy.replica.text("g1", two.made.rid)
    assert text.split() == [f"word{n}." for n in range(40)]
    assert [d.status for d in two.cy.of(TurnDone)] == ["completed"]
    assert two.cy.replica.counters.misfits == 0


async def test_a_command_that_breaks_is_refused_alone(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = await Two.begin()
    room = next(iter(two.rooms[0]))

    def broken(*_: object) -> None:
        raise ValueError("a mistake in a plan")

    monkeypatch.setattr(type(room.voice), "planned", broken)
    await two.ann.do(cmd.RoomAsk, input="why?")
    assert two.ann.code == Code.INTERNAL
    await two.bo.do(cmd.RoomSay, text="still here")
    await two.check()
    assert [say["text"] for say in two.cy.room.says] == ["still here"]


async def test_a_room_that_breaks_in_mid_turn_ends_the_turn(virtual: VirtualLoop) -> None:
    two = await Two.begin()
    await two.ann.do(cmd.RoomAsk, input="why is it so?")
    await passed(0.3, *two.all)
    room = next(iter(two.rooms[0]))
    assert room.state.running is not None
    room.fail(RuntimeError("it broke"))
    await passed(4, two.cy)
    assert [done.status for done in two.cy.of(TurnDone)] == ["lost"]
