"""Sessions over two nodes in virtual time: mirrors, inboxes, takeover, hand-over, lost logs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol import events as ev
from streaming.mirror import Mirror
from streaming.nodes import HEARTBEAT_S, Asked, Woken, opened
from streaming.providers.base import End, Text
from streaming.session import Session
from tests.nodes import Hub
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, settle


class Pair:
    """Two nodes on one store, and the learner's two tabs, one at each."""

    def __init__(self, hub: Hub, a: World, b: World) -> None:
        self.hub, self.a, self.b = hub, a, b

    @classmethod
    async def begin(cls, *providers: Any, **kwargs: Any) -> Pair:
        hub = Hub()
        a = await World.begin(*providers, node="a", nodes=hub.node(), **kwargs)
        b = await World.begin(*providers, node="b", nodes=hub.node(), beside=a, **kwargs)
        return cls(hub, a, b)

    async def tabs(self) -> tuple[Learner, Learner]:
        first = await self.a.learner()
        await first.send(cmd.LessonStart(first.new_id(), seed=4))
        second = Learner(self.b, first.sid, cid="c2")
        second.ids = 100
        second.replica.token = "t"
        await second.connect()
        await lag()
        second.pump()
        return first, second


async def lag() -> None:
    """Let what one node tells the other arrive."""
    for _ in range(6):
        await settle()


def said(times: int) -> Scripted:
    """A model that says the same half a second apart."""
    pieces: list[Any] = [0.5, Text("ka bo. ")] * times
    return Scripted(*pieces, End("stop"))


def believed(session: Session) -> list[float]:
    beliefs, syllabus = session.state.beliefs, session.state.syllabus
    assert beliefs is not None
    assert syllabus is not None
    skills = beliefs.mastery(syllabus).values()
    return [beliefs.theta, beliefs.sd, *(x for skill in skills for x in skill)]


async def until(learners: list[Learner], seen: Any, most_s: float = 60.0) -> None:
    end_s = asyncio.get_running_loop().time() + most_s
    while not seen():
        assert asyncio.get_running_loop().time() < end_s, "it did not come"
        await asyncio.sleep(0.05)
        for learner in learners:
            learner.pump()


async def test_a_tab_at_another_node_sees_and_does_the_same(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    assert isinstance(next(iter(pair.a.ownership)), Session)
    (mirror,) = pair.b.ownership.mirrors
    assert isinstance(mirror, Mirror)
    shown = first.replica.item
    assert shown is not None
    assert second.replica.item == shown
    command = cmd.AnswerSubmit(second.new_id(), shown.item, "1", 900)
    await second.send(command)
    await lag()
    first.pump(), second.pump()
    assert [f.re for f in first.of(ev.Feedback)] == [command.id]
    assert second.replica.feedback[command.id].item == shown.item
    assert first.replica.position == second.replica.position
    assert pair.hub.inboxes == {first.sid: {}}
    await pair.a.check()
    assert mirror.state.to_bytes() == next(iter(pair.a.ownership)).state.to_bytes()


async def test_a_refusal_and_a_repeat_come_back_to_the_tab_that_asked(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    await second.send(cmd.AnswerSubmit("x", "no.such", "1", 900))
    await lag()
    second.pump(), first.pump()
    assert [e.re for e in second.errors] == ["x"]
    assert not first.errors
    again = cmd.ItemNext("n1")
    for _ in range(2):
        await second.send(again)
        await lag()
        second.pump()
    assert [getattr(e, "dup", False) for e in second.of(ev.ItemShown)][-2:] == [False, True]
    other = cmd.ItemNext("n1", skill="add")
    await second.send(other)
    await lag()
    second.pump()
    assert second.errors[-1].code == 110


async def test_a_turn_streams_to_both_nodes_and_a_cancel_comes_from_either(
    virtual: VirtualLoop,
) -> None:
    words: list[Any] = []
    for n in range(400):
        words += [0.05, Text(f"ka{'bo' * (n % 5)} ")]
    pair = await Pair.begin(Scripted(*words, End("stop")))
    first, second = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first, second], lambda: len(second.replica.text("g1")) > 60)
    await second.send(cmd.TurnCancel("k1", cmd="t1"))
    await until([first, second], lambda: len(first.of(ev.TurnDone)) == 1)
    await lag()
    first.pump(), second.pump()
    assert first.of(ev.TurnDone)[0].status == "cancelled"
    assert first.replica.text("g1") == second.replica.text("g1")
    assert first.replica.generation("g1").intact  # type: ignore[union-attr]


async def test_a_dead_owners_session_is_taken_up_and_its_turn_ends_as_lost(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(said(400))
    first, second = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first, second], lambda: second.replica.text("g1") != "")
    nodes: Any = pair.a.ownership.ground.nodes
    nodes.kill()
    first.cut()
    for session in pair.a.ownership:
        session.end()  # the process is gone: it says nothing any more
    began_s = virtual.time()
    await until([second], lambda: len(second.of(ev.TurnDone)) == 1)
    assert virtual.time() - began_s < HEARTBEAT_S + 5.0
    assert second.of(ev.TurnDone)[0].status == "lost"
    assert second.replica.generation("g1").intact  # type: ignore[union-attr]
    assert second.wire.close_code is None, "the connection stayed"
    assert pair.b.ownership.taken_over == 1
    await second.send(cmd.ItemNext("after"))
    assert second.replica.replies["after"].s == "me"
    await pair.b.check()


async def test_a_paused_owner_wakes_up_and_harms_nothing(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    nodes: Any = pair.a.ownership.ground.nodes
    nodes.pause()
    await second.send(cmd.ItemNext("n1"))
    await until([second], lambda: "n1" in second.replica.replies)
    zombie = next(iter(pair.a.ownership))
    nodes.go_on(lapse=False)
    await first.send(cmd.ItemNext("n2"))
    await until([second], lambda: first.wire.close_code is not None)
    assert zombie.ended
    assert "n2" not in first.replica.replies
    await first.connect()
    await lag()
    first.pump()
    await until([first, second], lambda: "n2" in first.replica.replies)
    await lag()
    second.pump()
    assert first.replica.position == second.replica.position
    await pair.b.check()


async def test_a_node_that_was_not_seen_for_long_gives_its_sessions_up(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin()
    first, _ = await pair.tabs()
    nodes: Any = pair.a.ownership.ground.nodes
    nodes.pause()
    await asyncio.sleep(8.0)
    nodes.go_on()
    assert len(pair.a.ownership) == 0
    assert first.wire.close_code == 4000


async def test_commands_find_the_new_owner_and_have_one_effect(virtual: VirtualLoop) -> None:
    """The wake-up is lost, the owner dies with the command in its inbox, the client asks twice."""
    pair = await Pair.begin()
    first, second = await pair.tabs()
    pair.hub.loses = lambda letter: isinstance(opened(letter), Woken)
    command = cmd.ItemNext("n1")
    await second.send(command)
    second.transmit(command)
    await lag()
    nodes: Any = pair.a.ownership.ground.nodes
    nodes.kill()
    for session in pair.a.ownership:
        session.end()
    pair.hub.loses = lambda letter: False
    await until([second], lambda: "n1" in second.replica.replies)
    await asyncio.sleep(3.0)
    second.pump()
    shown = [e for e in second.of(ev.ItemShown) if e.re == "n1"]
    assert [e.dup for e in shown].count(False) == 1
    assert pair.hub.inboxes[first.sid or ""] == {}


async def test_an_actor_follows_its_learner_to_another_node(virtual: VirtualLoop) -> None:
    """No sticky sessions: when nobody listens at the owner any more it hands over."""
    pair = await Pair.begin()
    first, second = await pair.tabs()
    first.cut()
    await until([second], lambda: len(pair.b.ownership) == 1)
    assert len(pair.a.ownership) == 0
    assert second.wire.close_code is None
    await second.send(cmd.ItemNext("n1"))
    assert "n1" in second.replica.replies
    await pair.b.check()


async def test_a_drain_lets_turns_finish_at_other_nodes(virtual: VirtualLoop) -> None:
    pair = await Pair.begin(said(40))
    first, second = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first, second], lambda: first.replica.text("g1") != "")
    draining = asyncio.ensure_future(pair.a.ownership.drain(60.0))
    await asyncio.sleep(0.5)
    first.cut()
    first.world = pair.b
    await first.connect()
    await until([first, second], draining.done)
    await until([first, second], lambda: len(first.of(ev.TurnDone)) == 1)
    assert [d.status for d in first.of(ev.TurnDone)] == ["completed"]
    assert first.replica.text("g1") == second.replica.text("g1") == "ka bo. " * 40
    await until([first, second], lambda: len(pair.b.ownership) == 1)
    await first.send(cmd.ItemNext("n9"))
    assert "n9" in first.replica.replies
    await pair.b.check()


async def test_a_drain_hands_idle_sessions_over_at_once(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    began_s = virtual.time()
    await pair.a.ownership.drain(60.0)
    assert virtual.time() - began_s < 1.0
    assert first.wire.close_code == 4001
    await until([second], lambda: len(pair.b.ownership) == 1)


@pytest.mark.parametrize("answers", [1, 3])
async def test_a_lost_log_keeps_what_was_answered(virtual: VirtualLoop, answers: int) -> None:
    """The broker forgot everything; Records did not: another epoch, the same learner."""
    pair = await Pair.begin()
    first, _ = await pair.tabs()
    session = next(iter(pair.a.ownership))
    session.save()
    for n in range(answers):
        shown = first.replica.item
        assert shown is not None
        await first.send(cmd.AnswerSubmit(f"a{n}", shown.item, f"{n}", 2_000))
        await first.send(cmd.ItemNext(f"n{n}"))
    before = session.state
    assert before.beliefs is not None
    known, answered = believed(session), before.plain.answers
    epoch = session.epoch
    first.cut()
    session.end()
    for mirror in pair.b.ownership.mirrors:
        mirror.fail(RuntimeError("its log is gone"))
    await pair.a.store.log.drop(first.sid or "")
    await first.connect()
    await lag()
    first.pump()
    revived = next(iter(pair.a.ownership))
    assert revived.epoch != epoch
    assert revived.state.beliefs is not None
    assert revived.state.plain.answers == answered
    assert believed(revived) == pytest.approx(known, abs=1e-9)
    assert first.replica.counters.resets == 1
    begin = (await pair.a.store.log.read(first.sid or "", 0))[0]
    assert b'"kind":"restored"' in begin.public
    await first.send(cmd.ItemNext("on"))
    assert "on" in first.replica.replies
    await pair.a.check()


async def test_a_rewound_log_begins_anew(virtual: VirtualLoop) -> None:
    """The log ends before what was stored and seen: the same numbers must not mean other things."""
    pair = await Pair.begin()
    first, _ = await pair.tabs()
    session = next(iter(pair.a.ownership))
    session.save()
    await settle()
    epoch, sid = session.epoch, first.sid or ""
    session.head += 5  # as if five entries had been stored that the broker does not have
    await first.send(cmd.ItemNext("n1"))
    await lag()
    first.pump()
    assert first.wire.close_code == 4000
    await first.connect()
    await lag()
    first.pump()
    assert (await pair.a.store.log.head(sid) or ("", 0))[0] != epoch
    assert "n1" in first.replica.replies
    await pair.a.check()


async def test_a_letter_of_another_program_is_stepped_over(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    sid = first.sid or ""
    pair.hub.inboxes[sid] = {"0-0": b"\xc1", "0-1": b"\x80"}
    await second.send(cmd.ItemNext("n1"))
    await lag()
    second.pump()
    assert "n1" in second.replica.replies
    assert pair.hub.inboxes[sid] == {}


async def test_drafts_pass_without_a_reply(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    shown = first.replica.item
    assert shown is not None
    await second.send(cmd.AnswerDraft(shown.item, "12"))
    await lag()
    assert next(iter(pair.a.ownership)).state.plain.draft == "12"
    assert Asked.__struct_fields__[0] == "sid"
