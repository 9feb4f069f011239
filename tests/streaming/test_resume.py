"""Resume: replay, snapshot, reset; a killed owner; text equal to the last byte."""

from __future__ import annotations

import asyncio
import random

from protocol import commands as cmd
from protocol import events as ev
from protocol.limits import LIMITS
from streaming.providers.base import End, Text
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, settle, spelt


def tokens(count: int, pause_s: float = 0.04) -> Scripted:
    script = [p for n in range(count) for p in (Text(f"tök{spelt(n)} "), pause_s)]
    return Scripted(*script, End("stop"))


async def started(world: World) -> Learner:
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id()))
    return learner


async def test_a_client_that_has_everything_goes_on_live(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    learner.cut()
    await learner.connect()
    assert [head.mode for head in learner.of(ev.Welcome)[-1].logs] == ["live"]
    await learner.send(cmd.ItemNext("n"))
    assert learner.replica.counters.gaps == 0


async def test_little_missed_is_replayed_much_is_a_snapshot(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    other = await world.learner(learner.sid)
    learner.cut()
    await other.send(cmd.ItemNext("n"))
    await learner.connect()
    assert learner.of(ev.Welcome)[-1].logs[0].mode == "replay"
    assert learner.replica.item == other.replica.item
    learner.cut()
    for n in range(60):
        await other.send(cmd.ItemNext(f"m{n}"))
    await learner.connect()
    assert learner.of(ev.Welcome)[-1].logs[0].mode == "snapshot"
    assert learner.replica.position == other.replica.position
    assert learner.replica.snapshot_state["item"]["item"] == other.replica.item.item  # type: ignore[union-attr]  # shown above


async def test_another_epoch_is_a_reset_and_said_so(virtual: VirtualLoop) -> None:
    first = await World.begin()
    learner = await started(first)
    first.kill()
    learner.cut()
    second = await World.begin()
    learner.world = second
    await learner.connect()
    assert learner.of(ev.Welcome)[-1].logs[0].mode == "reset"
    assert learner.replica.counters.resets == 1


async def test_a_stream_cut_anywhere_is_whole_again(virtual: VirtualLoop) -> None:
    dice = random.Random(7)
    for _ in range(25):
        world = await World.begin(tokens(120))
        learner = await started(world)
        await learner.send(cmd.TurnStart("t", "why?"))
        while not learner.of(ev.TurnDone):
            await asyncio.sleep(dice.random() * 0.7)
            learner.pump(dice.randrange(20))
            if dice.random() < 0.5:
                learner.cut()
                await asyncio.sleep(dice.random() * 0.5)
                await learner.connect()
        gen = learner.attached.session.state.plain.gens[-1]  # type: ignore[union-attr]  # connected
        assert gen.text == "".join(f"tök{spelt(n)} " for n in range(120))
        assert learner.replica.text(gen.gen) == gen.text
        assert learner.replica.counters.misfits == 0
        await world.check()


async def test_a_reader_that_never_acks_gets_merged_text_then_is_sent_back(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin(tokens(700, 0.045))
    learner = await started(world)
    learner.transmit(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(LIMITS.lag3_s + 1)
    assert learner.wire.close_code == 4008
    while learner.wire.inbound:  # what had left is heard late, without an ack
        learner._hear(learner.wire.inbound.pop(0))
    assert any(isinstance(e, ev.Lag) and e.level == 2 for e in learner.heard)
    learner.cut()
    await learner.connect()
    await asyncio.sleep(15)
    learner.pump()
    gen = learner.attached.session.state.plain.gens[-1]  # type: ignore[union-attr]  # connected
    assert learner.replica.text(gen.gen) == gen.text
    await world.check()


async def test_a_slow_reader_that_acks_late_still_has_every_byte(virtual: VirtualLoop) -> None:
    world = await World.begin(tokens(300, 0.04))
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    while not learner.of(ev.TurnDone):
        await asyncio.sleep(3.0)  # level 1 each time
        learner.pump()
    assert any(isinstance(e, ev.Delta) and e.span > 1 for e in learner.heard)
    gen = learner.attached.session.state.plain.gens[-1]  # type: ignore[union-attr]  # connected
    assert (
        learner.replica.text(gen.gen) == gen.text == "".join(f"tök{spelt(n)} " for n in range(300))
    )


async def test_a_killed_owner_ends_its_turn_as_lost_with_the_text_so_far(
    virtual: VirtualLoop, tmp_path: object
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(tokens(300), path=path)
    learner = await started(world)
    item = learner.replica.item
    assert item is not None
    await learner.send(cmd.TurnStart("t", "why?"))
    await learner.send(cmd.AnswerSubmit("a", item.item, "1", 10_000))
    await asyncio.sleep(3)
    learner.pump()
    seen = learner.replica.text("g1")
    epoch = learner.replica.position.epoch
    world.kill()
    learner.cut()

    again = await World.begin(tokens(300), path=path, node="n2")
    learner.world = again
    await learner.connect()
    learner.pump()
    assert learner.replica.position.epoch == epoch
    done = learner.of(ev.TurnDone)
    assert [(d.status, d.reason) for d in done] == [("lost", "owner_lost")]
    assert learner.replica.text("g1").startswith(seen)
    assert len(seen) > 100
    await learner.send(cmd.AnswerSubmit("a", item.item, "1", 10_000))
    await settle()
    learner.pump()
    assert len([f for f in learner.of(ev.Feedback) if not f.dup]) == 1
    await again.check()


async def test_an_attempt_that_a_crash_lost_is_stored_again(
    virtual: VirtualLoop, tmp_path: object
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await started(world)
    item = learner.replica.item
    assert item is not None
    await learner.send(cmd.AnswerSubmit("a", item.item, "1", 10_000))
    records = world.ownership.ground.records
    sid = learner.sid or ""
    before = await records.attempts(sid)
    assert len(before) == 1
    assert await records.erase(sid) == 1  # as if the process had died between the two writes
    world.kill()

    again = await World.begin(path=path, node="n2")
    learner.cut()
    learner.world = again
    await learner.connect()
    await settle()
    assert await again.ownership.ground.records.attempts(sid) == before
    assert await again.ownership.ground.records.attempts(sid) == before


async def test_who_comes_with_nothing_is_given_the_draft(virtual: VirtualLoop) -> None:
    """A page that is loaded again, however short the log is that it could replay."""
    world = await World.begin()
    learner = await world.learner()
    await learner.send(cmd.LessonStart("l"))
    item = learner.replica.item
    assert item is not None
    await learner.send(cmd.AnswerDraft(item.item, "12/5"))
    again = await world.learner(learner.sid)
    assert again.replica.snapshot_state["draft"] == "12/5"
