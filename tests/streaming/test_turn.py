"""Turns: the first chunk at once, exactly one end, cancel before and after, busy in three ways."""

from __future__ import annotations

import asyncio
import hashlib
from itertools import pairwise
from typing import Any

import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.limits import LIMITS
from streaming.log import StoreUnavailable, Ticket
from streaming.providers.base import End, ProviderFailed, Spent, Text
from streaming.turn import Coalescer
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, settle, spelt

WORDS = [f"word{spelt(n)} " for n in range(40)]


def speaking(pause_s: float = 0.05) -> Scripted:
    script: list[object] = []
    for word in WORDS:
        script += [Text(word), pause_s]
    return Scripted(*script, Spent(10, 40), End("stop"))  # type: ignore[arg-type]  # pieces and pauses


async def started(world: World) -> Learner:
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id()))
    return learner


async def wait_for_end(learner: Learner, ends: int = 1) -> list[ev.TurnDone]:
    while len(learner.of(ev.TurnDone)) < ends:
        await asyncio.sleep(0.05)
        learner.pump()
    done: list[ev.TurnDone] = learner.of(ev.TurnDone)
    return done


async def test_a_turn_streams_to_one_end_with_the_texts_hash(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking())
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    begun = learner.of(ev.TurnStarted)[0]
    assert (begun.provider, begun.source, begun.cmd) == ("scripted", "llm", "t")
    done = (await wait_for_end(learner))[0]
    text = "".join(WORDS)
    assert learner.replica.text(begun.gen) == text
    assert done.text_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (done.status, done.n) == ("completed", len(learner.of(ev.Delta)))
    assert done.usage == ev.Usage(10, 40)
    assert world.counted.ends == ["completed"]
    await world.check()


async def test_without_a_model_the_built_in_tutor_answers_from_the_item(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin()
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", cmd.Action("next_step")))
    done = (await wait_for_end(learner))[0]
    begun = learner.of(ev.TurnStarted)[0]
    assert (begun.source, begun.provider) == ("builtin", "builtin")
    assert done.status == "completed"
    assert len(learner.replica.text(begun.gen)) > 20
    await world.check()


@pytest.mark.parametrize("by", ["gen", "cmd"])
async def test_a_cancel_ends_at_once_and_no_delta_follows(virtual: VirtualLoop, by: str) -> None:
    provider = speaking()
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(0.3)
    learner.pump()
    gen = learner.of(ev.TurnStarted)[0].gen
    cancel = cmd.TurnCancel("x", gen=gen) if by == "gen" else cmd.TurnCancel("x", cmd="t")
    before_s = virtual.time()
    await learner.send(cancel)
    done = learner.of(ev.TurnDone)[0]
    assert virtual.time() == before_s
    assert (done.status, done.reason) == ("cancelled", "learner")
    assert done.usage is not None
    assert done.usage.estimated, "an attempt that nobody counted is paid for by an estimate"
    await asyncio.sleep(5)
    learner.pump()
    assert not isinstance(learner.heard[-1], ev.Delta)
    assert max(d.q for d in learner.of(ev.Delta)) < done.q
    assert provider.closed == 1
    assert len(learner.of(ev.TurnDone)) == 1
    late = cmd.TurnCancel("y", gen=gen)
    await learner.send(late)
    assert learner.errors[-1].code == 108
    await world.check()


async def test_a_cancel_may_come_before_its_turn(virtual: VirtualLoop) -> None:
    provider = speaking()
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnCancel("x", cmd="t"))
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(1)
    learner.pump()
    done = learner.of(ev.TurnDone)
    assert [(d.status, d.n) for d in done] == [("cancelled", 0)]
    assert provider.calls == 0
    await world.check()


async def test_seen_text_is_what_the_conversation_keeps(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking())
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(1)
    learner.pump()
    await learner.send(cmd.TurnCancel("x", cmd="t", seen_i=2))
    gen = learner.attached.session.state.plain.gens[-1]  # type: ignore[union-attr]  # connected
    assert gen.seen == "".join(gen.chunks[:3])
    assert gen.text != gen.seen
    await world.check()


async def test_busy_is_rejected_queued_or_replaced_by_the_server(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking())
    learner = await started(world)
    await learner.send(cmd.TurnStart("a", "one"))
    await learner.send(cmd.TurnStart("b", "two"))
    assert (learner.errors[-1].re, learner.errors[-1].code) == ("b", 107)
    await learner.send(cmd.TurnStart("c", "three", on_busy="queue"))
    assert learner.of(ev.Ok)[-1].changed == {"queued": 1}
    done = await wait_for_end(learner, 2)
    assert [d.status for d in done] == ["completed", "completed"]
    await learner.send(cmd.TurnStart("d", "four"))
    await learner.send(cmd.TurnStart("e", "five", on_busy="replace"))
    done = await wait_for_end(learner, 4)
    assert [(d.status, d.reason) for d in done[2:]] == [
        ("superseded", "replaced"),
        ("completed", None),
    ]
    starts = {e.gen: e.q for e in learner.of(ev.TurnStarted)}
    assert all(starts[d.gen] < d.q for d in done)
    await world.check()


async def test_a_queued_turn_can_be_cancelled(virtual: VirtualLoop) -> None:
    provider = speaking()
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnStart("a", "one"))
    await learner.send(cmd.TurnStart("b", "two", on_busy="queue"))
    await learner.send(cmd.TurnCancel("x", cmd="b"))
    await asyncio.sleep(10)
    learner.pump()
    ends = {e.gen: e.status for e in learner.of(ev.TurnDone)}
    asked = {e.cmd: e.gen for e in learner.of(ev.TurnStarted)}
    assert ends == {asked["a"]: "completed", asked["b"]: "cancelled"}
    assert provider.calls == 1
    await world.check()


async def test_a_turn_goes_on_without_a_socket_and_is_given_up_in_the_end(
    virtual: VirtualLoop,
) -> None:
    provider = Scripted(
        *[p for n in range(400) for p in (Text(f"word{spelt(n)} "), 1.0)], End("stop")
    )
    provider.name = "slow"
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    session = learner.attached.session  # type: ignore[union-attr]  # connected
    learner.cut()
    await asyncio.sleep(10)
    assert session.state.running is not None
    assert session.state.plain.gens[-1].next_i > 5
    await asyncio.sleep(LIMITS.abandoned_s)
    await learner.connect()
    learner.pump()
    gen = session.state.plain.gens[-1]
    assert gen.status in ("cancelled", "incomplete")
    assert learner.replica.text(gen.gen) == gen.text
    await world.check()


async def test_a_failing_model_restarts_with_the_built_in_tutor(virtual: VirtualLoop) -> None:
    provider = Scripted(Text("half an ans"), 0.1, ProviderFailed("cut", "gone", emitted=1))
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    done = (await wait_for_end(learner))[0]
    restarted = learner.of(ev.TurnRestarted)[0]
    assert (restarted.provider, restarted.reason) == ("builtin", "cut")
    text = learner.replica.text(done.gen)
    assert "half an ans" not in text
    assert done.text_sha256 == hashlib.sha256(text.encode()).hexdigest()
    await world.check()


async def test_an_answer_overtakes_a_stream(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking())
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(0.2)
    before_s = virtual.time()
    item = learner.replica.item
    assert item is not None
    await learner.send(cmd.AnswerSubmit("a", item.item, "1", 10_000))
    assert learner.of(ev.Feedback)
    assert virtual.time() == before_s
    await wait_for_end(learner)
    await world.check()


async def test_turns_a_minute_are_limited(virtual: VirtualLoop) -> None:
    world = await World.begin(Scripted(Text("ok."), End("stop")))
    learner = await started(world)
    for n in range(LIMITS.turns_a_min + 1):
        await learner.send(cmd.TurnStart(f"t{n}", "why?"))
        await asyncio.sleep(0.1)
        learner.pump()
    assert [e.code for e in learner.errors] == [129]
    assert learner.errors[0].retry_ms
    await asyncio.sleep(learner.errors[0].retry_ms / 1000)
    await learner.send(cmd.TurnStart("again", "why?"))
    assert len(learner.errors) == 1


async def test_a_session_that_ends_at_a_chunk_has_its_model_stopped(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store refuses while the turn itself is at work: nobody hears the rest, nobody pays it."""
    script: list[Any] = [Text("Go on. " * 100), 0.1] * 40  # so much leaves at once
    provider = Scripted(*script, End("stop"))
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    refused = Ticket()
    refused.resolve(StoreUnavailable("the disk is full"))
    monkeypatch.setattr(world.store.log, "append", lambda *_, **__: refused)
    await asyncio.sleep(0.5)
    assert learner.wire.close_code is not None
    assert provider.closed == 1
    assert world.ownership.ground.routing.running == 0


async def test_coalescing_first_at_once_then_by_time_size_and_sentence(
    virtual: VirtualLoop,
) -> None:
    said: list[tuple[float, str]] = []
    chunks = Coalescer(virtual, lambda text: said.append((virtual.time(), text)))
    for n in range(100):
        chunks.push(f"{n} ")
        await asyncio.sleep(0.01)
    chunks.push("end.")
    chunks.push("x" * LIMITS.coalesce_bytes)
    assert said[0] == (0.0, "0 ")
    gaps = [b[0] - a[0] for a, b in pairwise(said[1:-2])]
    assert all(gap >= LIMITS.coalesce_ms / 1000 - 1e-9 for gap in gaps)
    assert said[-2][1].endswith("end.")
    assert said[-1][1] == "x" * LIMITS.coalesce_bytes
    assert "".join(text for _, text in said).startswith("0 1 2 3 ")
    chunks.push("rest")
    chunks.drop()
    await settle()
    assert said[-1][1] != "rest"
