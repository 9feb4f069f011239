"""Output commit, acks, levels of lag: nothing early, nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter

import pytest

from protocol.codec import decode_event, encode
from protocol.errors import Close
from protocol.events import Delta, Drain, Lag
from protocol.limits import LIMITS
from streaming.log import StoreUnavailable, Ticket
from streaming.outbox import STORED, TICK_S, Out, Outbox, Parcel, Watch, merged_deltas
from tests.virtual import VirtualLoop
from tests.world import FakeWire


def delta(q: int, text: str = "x", gen: str = "g1") -> Out:
    event = Delta("me", q, 0, gen, (q, q), text)
    return Out(q, encode(event), event)


def plain(q: int, size: int = 0) -> Out:
    return Out(q, encode(Drain(q, "." * size)))


def box(virtual: VirtualLoop) -> tuple[Outbox, FakeWire]:
    wire = FakeWire()
    return Outbox(wire, virtual), wire


async def test_frames_wait_for_their_ticket_and_keep_their_order(virtual: VirtualLoop) -> None:
    outbox, wire = box(virtual)
    first, second = Ticket(), Ticket()
    outbox.put([plain(1)], first)
    outbox.put([plain(2)], second)
    second.resolve()
    outbox.release()
    assert not wire.inbound
    first.resolve()
    outbox.release()
    assert wire.inbound == [plain(1).frame, plain(2).frame]


async def test_a_failed_ticket_lets_nothing_leave(virtual: VirtualLoop) -> None:
    outbox, wire = box(virtual)
    ticket = Ticket()
    outbox.put([plain(1)], ticket)
    ticket.resolve(StoreUnavailable("disk full"))
    outbox.release()
    assert not wire.inbound


async def test_merging_joins_neighbours_of_one_generation_only() -> None:
    outs = [delta(1, "a"), delta(2, "b"), plain(3), delta(4, "c"), delta(5, "d", "g2")]
    merged = merged_deltas(outs)
    assert [o.q for o in merged] == [2, 3, 4, 5]
    first = merged[0].delta
    assert first is not None
    assert (first.text, first.i, first.span) == ("ab", (1, 2), 2)
    again = merged_deltas([merged[0], delta(3, "c")])[0].delta
    assert again is not None
    assert (again.text, again.i, again.span, again.q) == ("abc", (1, 3), 3, 3)


async def test_level_1_merges_by_the_tick_and_level_0_returns(virtual: VirtualLoop) -> None:
    outbox, wire = box(virtual)
    outbox.put([plain(1, LIMITS.lag1_bytes)], STORED)
    outbox.release()
    assert isinstance(decode_event(wire.inbound[-1]), Lag)
    wire.inbound.clear()
    outbox.put([delta(2, "a")], STORED)
    outbox.put([delta(3, "b")], STORED)
    outbox.release()
    assert not wire.inbound
    outbox.tick()
    event = decode_event(wire.inbound.pop())
    assert isinstance(event, Delta)
    assert (event.text, event.span, event.q) == ("ab", 2, 3)
    outbox.ack(3)
    assert outbox.level == 0
    outbox.put([delta(4)], STORED)
    outbox.release()
    assert wire.inbound[-1] == delta(4).frame


async def test_level_2_keeps_deltas_until_the_client_has_caught_up(virtual: VirtualLoop) -> None:
    outbox, wire = box(virtual)
    outbox.put([plain(1, LIMITS.lag2_bytes)], STORED)
    outbox.release()
    assert outbox.level == 2
    wire.inbound.clear()
    for q in range(2, 6):
        outbox.put([delta(q, str(q))], STORED)
        outbox.release()
        outbox.tick()
    assert not wire.inbound
    outbox.put([plain(6)], STORED)  # another event must go: the deltas leave before it, as one
    outbox.release()
    merged = decode_event(wire.inbound[0])
    assert isinstance(merged, Delta)
    assert (merged.text, merged.span, merged.q) == ("2345", 4, 5)
    assert wire.inbound[1] == plain(6).frame
    wire.inbound.clear()
    outbox.put([delta(7, "7")], STORED)
    outbox.release()
    assert not wire.inbound
    outbox.ack(6)
    assert any(isinstance(decode_event(f), Delta) for f in wire.inbound)


async def test_time_alone_makes_a_reader_slow_and_level_3_closes(virtual: VirtualLoop) -> None:
    watch = Watch()
    wire = FakeWire()
    outbox = Outbox(wire, virtual, LIMITS, watch)
    outbox.put([plain(1)], STORED)
    outbox.release()
    assert outbox in watch
    levels = []
    for _ in range(100):
        await virtual_sleep(TICK_S)
        watch.tick(virtual.time())
        levels.append(outbox.level)
        if outbox.closed:
            break
    assert sorted(set(levels)) == [0, 1, 2, 3]
    assert wire.close_code == Close.SLOW
    assert virtual.time() == LIMITS.lag3_s


async def test_an_acked_outbox_is_not_watched(virtual: VirtualLoop) -> None:
    watch = Watch()
    outbox = Outbox(FakeWire(), virtual, LIMITS, watch)
    outbox.put([plain(1)], STORED)
    outbox.release()
    outbox.ack(1)
    watch.tick(virtual.time() + LIMITS.lag1_s)
    assert outbox not in watch
    assert outbox.unacked_bytes == 0


async def test_who_acknowledges_in_time_is_seldom_looked_at(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    rooms = [Outbox(FakeWire(), virtual, LIMITS, watch).beside() for _ in range(3)]
    looks = Counter[int]()
    ticked = Outbox.tick

    def counted(outbox: Outbox) -> None:
        looks[rooms.index(outbox)] += 1
        ticked(outbox)

    monkeypatch.setattr(Outbox, "tick", counted)
    levels: list[tuple[int, ...]] = []
    for q in range(1, 41):  # a message each tick, for 10 s; the first acknowledges every 2 s
        parcel = Parcel([plain(q)], virtual.time())
        for outbox in rooms:
            outbox.pass_on(parcel)
        if q % 8 == 0:
            rooms[0].ack(q)
        await virtual_sleep(TICK_S)
        watch.tick(virtual.time())
        levels.append(tuple(outbox.level for outbox in rooms))
    assert looks[0] <= 10
    assert looks[1] == looks[2] >= 28  # every tick from the first level of lag on
    assert all(level == 0 for level, _, _ in levels)
    assert levels[10] == (0, 0, 0)
    assert levels[11] == (0, 1, 1)  # 3 s after the first message
    assert levels[19] == (0, 2, 2)
    rooms[1].ack(40)
    assert rooms[1].level == 0


async def test_bytes_alone_have_an_outbox_looked_at_by_the_next_tick(virtual: VirtualLoop) -> None:
    watch = Watch()
    wire = FakeWire()
    outbox = Outbox(wire, virtual, LIMITS, watch).beside()
    outbox.pass_on(Parcel([plain(1, LIMITS.lag1_bytes)], virtual.time()))
    assert outbox.level == 1
    outbox.pass_on(Parcel([delta(2, "a")], virtual.time()))
    wire.inbound.clear()
    await virtual_sleep(TICK_S)
    watch.tick(virtual.time())
    assert wire.inbound == [delta(2, "a").frame]


async def test_a_catch_up_covers_what_waited_below_it(virtual: VirtualLoop) -> None:
    outbox, wire = box(virtual)
    outbox.hold()
    ticket = Ticket()
    outbox.put([plain(1), plain(2)], STORED)
    outbox.put([plain(3)], ticket)
    outbox.put([plain(4)], STORED)
    outbox.release()
    assert not wire.inbound
    snapshot = Out(3, encode(Drain(99, "snapshot")))
    outbox.catch_up([snapshot], 3, ticket)
    assert not wire.inbound, "the snapshot rests on an entry that is not stored yet"
    ticket.resolve()
    outbox.release()
    assert wire.inbound == [snapshot.frame, plain(4).frame]


async def virtual_sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)
