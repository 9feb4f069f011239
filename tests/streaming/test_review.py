"""What a careful reader found: small cases that once lost, doubled or poisoned something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.json import decode

from engines.exercises.course import canonical
from protocol import commands as cmd
from protocol import events as ev
from protocol.limits import LIMITS, Limits
from streaming.log import StoreUnavailable, Ticket, stored
from streaming.outbox import STORED, Out, Outbox
from streaming.providers.base import End, LlmRequest, Piece, Text
from streaming.session import Session
from tests.virtual import VirtualLoop
from tests.world import (
    FakeWire,
    Learner,
    Scripted,
    World,
    learn_from,
    settle,
    small_course,
    spelt,
)

BEYOND_64_BITS = 10**25


def speaking(count: int = 40, pause_s: float = 0.05) -> Scripted:
    script: list[Any] = [part for n in range(count) for part in (Text(f"word{spelt(n)} "), pause_s)]
    return Scripted(*script, End("stop"))


async def started(world: World) -> Learner:
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id()))
    return learner


def session_of(learner: Learner) -> Session:
    assert learner.attached is not None
    assert isinstance(learner.attached.session, Session)
    return learner.attached.session


def item_of(learner: Learner) -> str:
    assert learner.replica.item is not None
    return learner.replica.item.item


async def test_a_question_waits_behind_a_cancelled_turn_no_longer(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking())
    learner = await started(world)
    await learner.send(cmd.TurnStart("a", "one"))
    await learner.send(cmd.TurnStart("b", "two", on_busy="queue"))
    await asyncio.sleep(0.3)
    await learner.send(cmd.TurnCancel("x", cmd="a"))
    await asyncio.sleep(10)
    learner.pump()
    begun = {e.cmd: e.gen for e in learner.of(ev.TurnStarted)}
    ends = {e.gen: e.status for e in learner.of(ev.TurnDone)}
    assert ends == {begun["a"]: "cancelled", begun["b"]: "completed"}
    await world.check()


async def test_questions_that_wait_are_told_when_they_are_given_up(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking(400, 1.0), limits=Limits(abandoned_s=5.0))
    learner = await started(world)
    await learner.send(cmd.TurnStart("a", "one"))
    await learner.send(cmd.TurnStart("b", "two", on_busy="queue"))
    learner.cut()
    await asyncio.sleep(8)
    await learner.connect()
    gens = session_of(learner).state.plain.gens
    assert [(g.cmd, g.status) for g in gens] == [("a", "cancelled"), ("b", "cancelled")]
    assert session_of(learner).state.plain.queue == []
    await world.check()


@pytest.mark.parametrize(
    "make",
    [
        lambda item: cmd.AnswerSubmit("n", item, BEYOND_64_BITS, 10_000),
        lambda item: cmd.AnswerSubmit("n", item, [{"x": -BEYOND_64_BITS}], 10_000),
        lambda item: cmd.AnswerDraft(item, [BEYOND_64_BITS], "n"),
        lambda _: cmd.PrefsSet("n", {"size": BEYOND_64_BITS}),
    ],
)
async def test_a_number_no_store_can_hold_is_refused_in_words(
    virtual: VirtualLoop, make: Any
) -> None:
    world = await World.begin(idle_s=5.0)
    learner = await started(world)
    head = session_of(learner).head
    await learner.send(make(item_of(learner)))
    assert [(e.re, e.code) for e in learner.errors] == [("n", 101)]
    assert not session_of(learner).ended
    assert session_of(learner).head == head
    await world.check()
    learner.cut()
    await asyncio.sleep(10)
    assert len(world.ownership) == 0, "the session is set aside as any other"


async def test_seen_chunks_beyond_any_number_still_cancel(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking())
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await learner.send(cmd.TurnCancel("x", cmd="t", seen_i=BEYOND_64_BITS))
    assert [d.status for d in learner.of(ev.TurnDone)] == ["cancelled"]
    assert not session_of(learner).ended
    await world.check()


async def test_preferences_do_not_grow_without_end(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    for n in range(40):
        prefs: dict[str, Any] = {f"name{n}.{m}": "x" * 100 for m in range(30)}
        await learner.send(cmd.PrefsSet(f"p{n}", prefs))
    await learner.send(cmd.PrefsSet("long", {"a": "x" * 60_000}))
    assert {e.code for e in learner.errors} == {109}
    assert len(str(session_of(learner).state.plain.prefs)) < 64 * 1024
    await learner.send(cmd.PrefsSet("less", {"name0.0": None}))
    assert learner.of(ev.Ok)[-1].re == "less"
    await world.check()


async def test_a_skill_without_items_is_refused_and_breaks_nothing(virtual: VirtualLoop) -> None:
    document = decode(small_course())
    document["skills"].append({"id": "bare", "title": "Nothing yet"})
    world = await World.begin(course=canonical(document))
    learner = await started(world)
    await learner.send(cmd.ItemNext("n", "bare"))
    assert [(e.re, e.code) for e in learner.errors] == [("n", 106)]
    assert not session_of(learner).ended
    await world.check()


async def test_an_answer_whose_append_is_refused_is_not_told(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    session = session_of(learner)
    await world.ownership.ground.log.claim(session.sid, "thief", at_ms=virtual.wall_ms())
    learner.transmit(cmd.AnswerSubmit("late", item_of(learner), "1", 10_000))
    await settle()
    assert session.ended
    assert not any(b'"feedback"' in frame for frame in learner.wire.inbound)


@pytest.mark.parametrize("restart", [False, True])
async def test_an_id_older_than_memory_ends_no_actor(virtual: VirtualLoop, restart: bool) -> None:
    world = await World.begin(limits=Limits(ids_kept=4, ids_kept_s=1.0), idle_s=5.0)
    learner = await started(world)
    await learner.send(cmd.PrefsSet("old", {"a": 1}))
    for n in range(8):
        await asyncio.sleep(1)
        await learner.send(cmd.PrefsSet(f"p{n}", {"a": n}))
    if restart:
        learner.cut()
        await asyncio.sleep(10)
        assert len(world.ownership) == 0
        await learner.connect()
    for command in (cmd.PrefsSet("old", {"a": 1}), cmd.AnswerSubmit("old", item_of(learner), "1")):
        await learner.send(command)
        assert (learner.errors[-1].re, learner.errors[-1].code) == ("old", 110)
        assert not session_of(learner).ended
    assert session_of(learner).state.plain.prefs == {"a": 7}
    await world.check()


async def test_one_broken_session_does_not_stop_the_sweep(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin(idle_s=5.0)
    first, second = await started(world), await started(world)
    broken = session_of(first)
    save = Session.save

    def breaking(session: Session) -> None:
        if session is broken:
            raise ValueError("no bytes for this state")
        save(session)

    monkeypatch.setattr(Session, "save", breaking)
    first.cut()
    await asyncio.sleep(10)
    second.cut()
    await asyncio.sleep(10)
    assert len(world.ownership) == 0
    assert broken.ended


async def test_a_fold_that_breaks_ends_its_actor(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin()
    learner = await started(world)
    session = session_of(learner)

    def breaking(*_: Any) -> None:
        raise KeyError("half folded")

    monkeypatch.setattr(session._fold, "_courses", breaking)
    with pytest.raises(KeyError):
        learner.transmit(cmd.LessonStart("again"))
    assert session.ended, "its state may be half moved"
    assert learner.wire.close_code == 4000


async def test_a_snapshot_never_outruns_the_entries_it_rests_on(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await started(world)
    session = session_of(learner)
    ground = world.ownership.ground
    await ground.log.claim(session.sid, "thief", at_ms=virtual.wall_ms())
    learner.transmit(cmd.PrefsSet("phantom", {"a": 1}))
    session.save()
    await settle()
    assert session.ended
    assert await ground.records.get("session", session.sid) is None


async def test_a_sync_that_cannot_be_answered_sends_the_client_back(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin()
    learner = await started(world)

    async def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.ownership.ground.log, "read", away)
    learner.transmit(cmd.Sync("me", session_of(learner).epoch, 1))
    await settle()
    assert learner.wire.close_code == 4000


async def test_a_drain_goes_on_past_a_session_that_cannot_be_stored(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin(speaking(400, 1.0))
    first, second = await started(world), await started(world)
    await first.send(cmd.TurnStart("t", "why?"))
    session = session_of(first)
    await world.ownership.ground.log.claim(session.sid, "thief", at_ms=virtual.wall_ms())
    await world.ownership.drain(0.0)
    assert second.wire.close_code == 4001
    assert len(world.ownership) == 0


async def test_refused_turns_are_not_counted_against_the_minute(virtual: VirtualLoop) -> None:
    world = await World.begin(speaking(400, 0.05))
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    for n in range(LIMITS.turns_a_min + 2):
        await learner.send(cmd.TurnStart(f"busy{n}", "why?"))
    assert {e.code for e in learner.errors} == {107}
    await learner.send(cmd.TurnStart("instead", "why?", on_busy="replace"))
    assert learner.of(ev.TurnStarted)[-1].cmd == "instead"


async def test_overlapping_catch_ups_keep_what_lies_beyond(virtual: VirtualLoop) -> None:
    wire = FakeWire()
    outbox = Outbox(wire, virtual)
    outbox.hold()
    outbox.hold()
    outbox.catch_up([], 1)
    outbox.level = 1
    delta = ev.Delta("me", 5, 0, "g1", (0, 0), "kept")
    outbox.put([Out(5, b"kept", delta)], STORED)
    outbox.release()
    outbox.catch_up([], 4)
    outbox.tick()
    assert any(b"kept" in frame for frame in wire.inbound)


async def test_a_provider_may_clean_up_after_its_end(virtual: VirtualLoop) -> None:
    class Tidy(Scripted):
        async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
            try:
                yield Text("All of it.")
                yield End("stop")
            finally:
                await asyncio.sleep(0.1)
                self.closed += 1

    provider = Tidy()
    world = await World.begin(provider)
    learner = await started(world)
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(1)
    learner.pump()
    assert [d.status for d in learner.of(ev.TurnDone)] == ["completed"]
    assert provider.closed == 1


async def test_a_version_that_is_not_stored_pins_no_lesson(
    virtual: VirtualLoop, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await started(world)
    catalogue, records = world.ownership.ground.catalogue, world.ownership.ground.records
    sha, before = catalogue.pick(None)
    put = records.put

    def failing(*_: Any) -> Ticket:
        ticket = Ticket()
        virtual.call_soon(ticket.resolve, StoreUnavailable("away"))
        return ticket

    def publish() -> None:
        learn_from(catalogue, sha, item_of(learner))
        catalogue.publish(sha)

    monkeypatch.setattr(records, "put", failing)
    publish()
    await settle()
    assert catalogue.pick(None)[1] == before
    monkeypatch.setattr(records, "put", put)
    await learner.send(cmd.LessonStart("again"))
    publish()
    await settle()
    assert catalogue.pick(None)[1] != before
    await learner.send(cmd.LessonStart("newest"))
    world.kill()
    learner.cut()

    learner.world = await World.begin(path=path, node="n2")
    await learner.connect()
    assert session_of(learner).state.plain.d_version != before
    await learner.world.check()


async def test_a_version_that_was_left_half_stored_is_not_taken_for_another(
    virtual: VirtualLoop, tmp_path: Any
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await started(world)
    catalogue, records = world.ownership.ground.catalogue, world.ownership.ground.records
    sha, before = catalogue.pick(None)
    await stored(records.put("learnt", f"{sha}:v1", b"of a run that died", 0))
    for _ in range(2):
        learn_from(catalogue, sha, item_of(learner))
        catalogue.publish(sha)
        await settle()
    _, newest = catalogue.pick(None)
    assert newest not in (before, "v1")
    await learner.send(cmd.LessonStart("again"))
    held = catalogue.at_hand(sha, newest).d.tobytes()
    world.kill()
    learner.cut()

    learner.world = await World.begin(path=path, node="n2")
    await learner.connect()
    assert learner.world.ownership.ground.catalogue.at_hand(sha, newest).d.tobytes() == held
    await learner.world.check()


async def test_a_tail_folded_once_is_not_folded_again(virtual: VirtualLoop, tmp_path: Any) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await started(world)
    world.kill()
    learner.cut()
    learner.world = await World.begin(path=path, node="n2", idle_s=5.0)
    await learner.connect()
    records = learner.world.ownership.ground.records
    assert await records.get("session", session_of(learner).sid) is None
    sid = session_of(learner).sid
    learner.cut()
    await asyncio.sleep(10)
    assert await records.get("session", sid) is not None


async def test_sessions_in_which_nothing_happened_do_not_pile_up(virtual: VirtualLoop) -> None:
    world = await World.begin(idle_s=600.0)
    empty, busy = await world.learner(), await started(world)
    empty.cut()
    busy.cut()
    await asyncio.sleep(40)
    assert [session.sid for session in world.ownership] == [busy.sid]
    await empty.connect()
    await empty.send(cmd.LessonStart("l"))
    assert empty.replica.item is not None
