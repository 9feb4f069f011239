"""The actor: one effect a command, the reply first, nothing said before it is stored."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Close
from tests.virtual import VirtualLoop
from tests.world import Learner, World, settle


def key_of(learner: Learner) -> str:
    """The right answer to the open item, from the session itself."""
    assert learner.attached is not None
    instance = learner.attached.session.state.instance
    assert instance is not None
    return str(instance.key)


async def started(world: World) -> Learner:
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id()))
    return learner


async def answer(learner: Learner, response: str | None = None) -> ev.Feedback:
    item = learner.replica.item
    assert item is not None
    response = key_of(learner) if response is None else response
    await learner.send(cmd.AnswerSubmit(learner.new_id(), item.item, response, 15_000))
    feedback: ev.Feedback = learner.of(ev.Feedback)[-1]
    return feedback


async def test_a_lesson_starts_with_its_reply_and_an_item(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    ok, item = learner.of(ev.Ok)[0], learner.of(ev.ItemShown)[0]
    assert (ok.q, item.q) == (1, 2)
    assert ok.changed["course"]["id"] == "sums"
    assert item.why
    assert item.hints == 3
    await world.check()


async def test_a_right_answer_moves_mastery_and_brings_the_next_item(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    learner = await started(world)
    first = learner.replica.item
    feedback = await answer(learner)
    assert feedback.verdict == "correct"
    assert feedback.done
    assert feedback.skills[0].after > feedback.skills[0].before
    assert learner.of(ev.Difficulty)
    assert learner.replica.item != first
    assert world.counted.verdicts == ["correct"]
    await world.check()


async def test_a_wrong_answer_leaves_the_item_open_and_names_the_misconception(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    learner = await started(world)
    first = learner.replica.item
    assert learner.attached is not None
    instance = learner.attached.session.state.instance
    assert instance is not None
    minus = dict(instance.wrong)["minus"]
    feedback = await answer(learner, str(minus))
    assert (feedback.verdict, feedback.misconception) == ("incorrect", "minus")
    assert not feedback.done
    assert learner.replica.item == first
    assert (await answer(learner)).attempt == 2
    await world.check()


async def test_an_unreadable_answer_costs_nothing(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    assert (await answer(learner, "three ?? 4")).verdict == "unreadable"
    feedback = await answer(learner)
    assert (feedback.attempt, feedback.assisted) == (1, False)
    await world.check()


async def test_hints_come_one_by_one_then_no_more(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    item = learner.replica.item
    assert item is not None
    for _ in range(4):
        await learner.send(cmd.HintRequest(learner.new_id(), item.item))
    assert [h.level for h in learner.of(ev.Hint)] == [1, 2, 3]
    assert [e.code for e in learner.errors] == [108]
    assert (await answer(learner)).assisted
    await world.check()


async def test_an_exam_gives_no_help_and_takes_one_answer(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    await learner.send(cmd.ModeSet(learner.new_id(), "exam"))
    item = learner.replica.item
    assert item is not None
    await learner.send(cmd.HintRequest(learner.new_id(), item.item))
    await learner.send(cmd.StepsRequest(learner.new_id(), item.item))
    assert [e.code for e in learner.errors] == [104, 104]
    assert (await answer(learner, "100000")).done
    assert learner.replica.item != item
    await world.check()


COMMANDS = [
    lambda i, item: cmd.AnswerSubmit(i, item, "1", 10_000),
    lambda i, item: cmd.HintRequest(i, item),
    lambda i, item: cmd.StepsRequest(i, item),
    lambda i, item: cmd.ItemNext(i),
    lambda i, item: cmd.ModeSet(i, "review"),
    lambda i, item: cmd.PrefsSet(i, {"motion": False}),
    lambda i, item: cmd.MoodReport(i, "fine"),
    lambda i, item: cmd.TurnStart(i, "why?"),
]


@pytest.mark.parametrize("make", COMMANDS, ids=lambda m: m("x", "i").__struct_config__.tag)
async def test_a_repeat_has_one_effect_and_the_first_reply(
    virtual: VirtualLoop, make: object
) -> None:
    assert callable(make)
    world = await World.begin()
    learner = await started(world)
    item = learner.replica.item
    assert item is not None
    command = make("twice", item.item)
    await learner.send(command)
    session = learner.attached.session  # type: ignore[union-attr]  # connected above
    head = session.head
    reply = learner.heard[-1] if not isinstance(command, cmd.TurnStart) else None
    other = await world.learner(learner.sid)  # the same command over another connection
    for again in (learner, other):
        again.transmit(command)
        await settle()
        again.pump()
        dup = [e for e in again.heard if getattr(e, "dup", False)]
        assert len(dup) == 1
        assert dup[0].q <= head
        if isinstance(reply, ev.Ok):
            assert dup[0] == replace(reply, dup=True)
    if not isinstance(command, cmd.TurnStart):
        assert session.head == head
    changed = make("twice", item.item + "x") if make is COMMANDS[0] else cmd.ItemNext("twice", "x")
    learner.transmit(changed)
    await settle()
    learner.pump()
    assert learner.errors[-1].code == 110
    await world.check()


async def test_a_repeat_after_a_restart_finds_the_first_reply(
    virtual: VirtualLoop, tmp_path: object
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await started(world)
    item = learner.replica.item
    assert item is not None
    command = cmd.AnswerSubmit("kept", item.item, key_of(learner), 10_000)
    await learner.send(command)
    first = learner.of(ev.Feedback)[-1]
    world.kill()

    again = await World.begin(path=path, node="n2")
    other = await again.learner(learner.sid)
    head = other.attached.session.head  # type: ignore[union-attr]  # connected above
    other.transmit(command)
    await settle()
    other.pump()
    dup = [f for f in other.of(ev.Feedback) if f.dup]
    assert [(f.q, f.verdict, f.skills) for f in dup] == [(first.q, first.verdict, first.skills)]
    assert other.attached.session.head == head  # type: ignore[union-attr]  # connected above
    await again.check()


async def test_nothing_leaves_before_it_is_stored(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    item = learner.replica.item
    assert item is not None
    learner.transmit(cmd.AnswerSubmit("a", item.item, "1", 10_000))
    assert not learner.wire.inbound, "the feedback waits for its ticket"
    await settle()
    assert learner.wire.inbound


async def test_a_failing_store_ends_the_actor_and_sends_everyone_back(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    learner = await started(world)
    session = learner.attached.session  # type: ignore[union-attr]  # connected above
    await world.ownership.ground.log.claim(session.sid, "thief", at_ms=virtual.wall_ms())
    learner.transmit(cmd.ItemNext("late"))
    await settle()
    assert session.ended
    assert learner.wire.close_code == Close.SERVER_ERROR
    assert not any(b'"re":"late"' in frame for frame in learner.wire.inbound)
    learner.cut()
    world.ownership.node = "n3"
    await learner.connect()
    await learner.send(cmd.ItemNext("late"))
    assert [e for e in learner.of(ev.ItemShown) if e.re == "late"]
    await world.check()


async def test_wrong_order_and_unknown_things_are_refused_in_words(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await world.learner()
    for command in (
        cmd.ItemNext("a"),
        cmd.AnswerSubmit("b", "add.00", "1"),
        cmd.TurnStart("c", "hello"),
        cmd.LessonStart("d", course="nope"),
        cmd.RoomSay("e", "r1", "hello"),
        cmd.RoomJoin("f", "r1"),
    ):
        learner.transmit(command)
    await settle()
    learner.pump()
    assert [(e.re, e.code) for e in learner.errors] == [
        ("a", 115),
        ("b", 115),
        ("c", 115),
        ("d", 106),
        ("e", 106),
        ("f", 106),
    ]
    await learner.send(cmd.LessonStart("g"))
    learner.transmit(cmd.AnswerSubmit("h", "more.01", "1"))
    learner.transmit(cmd.AnswerSubmit("i", "never", "1"))
    learner.transmit(cmd.ItemNext("j", "flying"))
    await settle()
    learner.pump()
    assert [(e.re, e.code) for e in learner.errors[6:]] == [("h", 108), ("i", 106), ("j", 106)]


async def test_idle_sessions_are_set_aside_and_come_back_whole(virtual: VirtualLoop) -> None:
    world = await World.begin(idle_s=60.0)
    learner = await started(world)
    await answer(learner)
    item = learner.replica.item
    assert item is not None
    learner.transmit(cmd.AnswerDraft(item.item, "1/"))
    before = learner.attached.session.state.to_bytes()  # type: ignore[union-attr]  # connected
    learner.cut()
    await asyncio.sleep(62)
    assert len(world.ownership) == 0
    late = await world.learner(learner.sid)
    assert late.attached.session.state.to_bytes() == before  # type: ignore[union-attr]  # connected
    assert late.replica.snapshot_state is None or late.replica.snapshot_state["draft"] == "1/"
    assert late.attached.session.state.plain.draft == "1/"  # type: ignore[union-attr]  # connected
    await world.check()


async def test_the_ninth_connection_replaces_the_first(virtual: VirtualLoop) -> None:
    world = await World.begin()
    first = await started(world)
    others = [await world.learner(first.sid) for _ in range(8)]
    assert first.wire.close_code == Close.REPLACED
    assert all(other.wire.close_code is None for other in others)


async def test_all_connections_see_the_same_events_in_the_same_order(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    learner = await started(world)
    other = await world.learner(learner.sid)
    for _ in range(5):
        await answer(learner)
    other.pump()
    assert other.replica.position == learner.replica.position
    assert other.replica.item == learner.replica.item


async def test_item_difficulties_move_and_are_pinned(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    for _ in range(6):
        await answer(learner)
    catalogue = world.ownership.ground.catalogue
    sha, before = catalogue.pick(None)
    catalogue.publish(sha)
    await settle()
    assert catalogue.pick(None)[1] != before
    assert (catalogue.at_hand(*catalogue.pick(None)).d != catalogue.at_hand(sha, before).d).any()
    assert learner.attached.session.state.plain.d_version == before  # type: ignore[union-attr]  # connected
    await learner.send(cmd.LessonStart(learner.new_id()))
    await answer(learner)
    await world.check()
