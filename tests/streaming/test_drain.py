"""A node that leaves: who is still owed a word hears it before the socket is closed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import decode_event
from server.app import Application
from streaming.log import Ticket
from streaming.providers.base import End, Text
from streaming.room import log_of
from streaming.rooms import Rooms
from streaming.talk import Talk
from tests.rooms import Pupil, passed, pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, settle, spelt

STORED_AFTER_S = 0.3
"""How long the slow stores of these tests take."""


def speaking(count: int, pause_s: float = 0.05) -> Scripted:
    script: list[Any] = [part for n in range(count) for part in (Text(f"word{spelt(n)} "), pause_s)]
    return Scripted(*script, End("stop"))


async def asking(world: World) -> Learner:
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id()))
    await learner.send(cmd.TurnStart("t", "why?"))
    return learner


def told_late(world: World, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a ticket resolves a while after its entries are in the log."""
    log = world.ownership.ground.log
    append = log.append

    def slow(*args: Any, **named: Any) -> Ticket:
        late = Ticket()

        def later(done: Ticket) -> None:
            loop.call_later(STORED_AFTER_S, late.resolve, done.error)

        append(*args, **named).hear(later)
        return late

    monkeypatch.setattr(log, "append", slow)


def stored_late(world: World, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on entries come into the log a while after they were given to it."""
    log = world.ownership.ground.log
    append = log.append

    def slow(*args: Any, **named: Any) -> Ticket:
        late = Ticket()

        def now() -> None:
            append(*args, **named).hear(lambda done: late.resolve(done.error))

        loop.call_later(STORED_AFTER_S, now)
        return late

    monkeypatch.setattr(log, "append", slow)


async def drained(world: World, rooms: Rooms, timeout_s: float) -> None:
    """The drain of a whole process."""
    edge = SimpleNamespace(drain=lambda reason: None)
    node: Any = SimpleNamespace(edge=edge, ownership=world.ownership, rooms=rooms)
    await Application.drain(node, timeout_s)


async def seated(world: World) -> tuple[Rooms, Pupil, Pupil]:
    rooms = with_rooms(world)
    made = await rooms.make("Halves")
    ann, bo = await pupil(world, "c1"), await pupil(world, "c2")
    await ann.enter(made.rid, "Ann")
    await bo.enter(made.rid, "Bo")
    return rooms, ann, bo


async def ends(world: World, rid: str) -> list[str]:
    """How the turns in a room's log ended."""
    log = [decode_event(entry.public) for entry in await world.store.log.read(log_of(rid), 0)]
    begun = [event.gen for event in log if isinstance(event, ev.TurnStarted)]
    done = {event.gen: event.status for event in log if isinstance(event, ev.TurnDone)}
    return [done.get(gen, "never") for gen in begun]


# --- turns of rooms -------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout_s", [60.0, 0.1])
async def test_a_drain_waits_for_a_rooms_turn_that_is_not_stored_yet(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch, timeout_s: float
) -> None:
    world = await World.begin(speaking(60))
    rooms, ann, _ = await seated(world)
    stored_late(world, virtual, monkeypatch)
    ann.transmit(cmd.RoomAsk("a", ann.rid, input="why?"))
    await settle()
    assert rooms.running_turns == 0
    await rooms.drain(timeout_s)
    rooms.stop()
    assert await ends(world, ann.rid) == ["completed" if timeout_s > 1 else "cancelled"]


async def test_a_drain_waits_for_a_question_behind_a_join(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin(speaking(10))
    rooms, ann, _ = await seated(world)
    cy = await pupil(world, "c3")
    found = rooms.found

    async def slow(name: str) -> str:
        await asyncio.sleep(STORED_AFTER_S)
        return await found(name)

    monkeypatch.setattr(rooms, "found", slow)
    cy.transmit(cmd.RoomJoin("j", ann.rid, "Cy"))
    cy.transmit(cmd.RoomAsk("a", ann.rid, input="why?"))
    await drained(world, rooms, 60.0)
    assert await ends(world, ann.rid) == ["completed"]
    cy.pump()
    assert [done.status for done in cy.of(ev.TurnDone)] == ["completed"]


@pytest.mark.parametrize(("timeout_s", "status"), [(60.0, "completed"), (1.0, "cancelled")])
async def test_a_node_alone_closes_a_rooms_readers_after_its_turn(
    virtual: VirtualLoop, timeout_s: float, status: str
) -> None:
    world = await World.begin(speaking(60))
    rooms, ann, bo = await seated(world)
    beside = await world.learner()
    await ann.do(cmd.RoomAsk, input="why?")
    await passed(0.3, ann, bo)
    draining = asyncio.ensure_future(drained(world, rooms, timeout_s))
    await passed(0.3, ann, bo)
    assert beside.wire.close_code == 4001
    assert ann.wire.close_code is bo.wire.close_code is None
    await passed(10.0, ann, bo)
    assert draining.done()
    for each in (ann, bo):
        assert [done.status for done in each.of(ev.TurnDone)] == [status]
        assert each.wire.close_code == 4001


# --- turns of sessions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "timeout_s", "status"), [(4, 60.0, "completed"), (400, 1.0, "cancelled")]
)
async def test_a_turns_end_is_told_before_the_socket_closes(
    virtual: VirtualLoop,
    monkeypatch: pytest.MonkeyPatch,
    words: int,
    timeout_s: float,
    status: str,
) -> None:
    """An end that is on its way to the disk is owed to who waits for it."""
    world = await World.begin(speaking(words))
    learner = await asking(world)
    told_late(world, virtual, monkeypatch)
    await world.ownership.drain(timeout_s)
    learner.pump()
    assert [done.status for done in learner.of(ev.TurnDone)] == [status]
    assert learner.wire.close_code == 4001


async def test_an_end_that_is_never_stored_holds_no_drain_up(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.begin(speaking(400))
    learner = await asking(world)
    monkeypatch.setattr(world.ownership.ground.log, "append", lambda *_, **__: Ticket())
    draining = asyncio.ensure_future(world.ownership.drain(1.0))
    await asyncio.sleep(5.0)
    assert learner.wire.close_code == 4001
    draining.cancel()  # what is given back waits for the store


@pytest.mark.parametrize("broken", ["abandon", "save"])
async def test_one_session_that_cannot_end_keeps_no_other_from_being_handed_over(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    world = await World.begin(speaking(400))
    first, second = await asking(world), await asking(world)
    assert first.attached is not None
    session: Any = first.attached.session

    def breaking(*_: Any) -> None:
        raise ValueError("no end for this turn")

    if broken == "save":
        monkeypatch.setattr(session, "save", breaking)
    else:
        abandon = Talk.abandon
        monkeypatch.setattr(
            Talk,
            "abandon",
            lambda talk, reason: (breaking if talk is session.talk else abandon)(talk, reason),
        )
    await world.ownership.drain(1.0)
    second.pump()
    assert [done.status for done in second.of(ev.TurnDone)] == ["cancelled"]
    assert (first.wire.close_code, second.wire.close_code) == (4000, 4001)
    assert len(world.ownership) == 0
