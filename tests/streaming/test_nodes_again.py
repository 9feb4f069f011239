"""Sessions over nodes where two things happen at once: each test here was once a lost answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import decode_event
from server.app import Application
from streaming.log import OutOfOrder, StoreUnavailable, Ticket
from streaming.nodes import HEARTBEAT_S, LOOK_S, Alone, Woken, opened
from streaming.records import Conflict
from streaming.session import Session
from tests.rooms import passed, pupil, with_rooms
from tests.streaming.test_nodes import Pair, said, until
from tests.virtual import VirtualLoop
from tests.world import Learner, World

AWAY = StoreUnavailable("redis: no answer")


class Through:
    """Another object, some of whose methods are replaced."""

    def __init__(self, inner: Any, **instead: Any) -> None:
        self._inner = inner
        self.__dict__.update(instead)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def owned(world: World) -> Session:
    return next(iter(world.ownership))


def gone(world: World) -> None:
    """The process is gone: nobody hears it, and it says nothing any more."""
    nodes: Any = world.ownership.ground.nodes
    nodes.kill()
    world.ownership.ground.nodes = Alone()
    for session in world.ownership:
        session.end()
    for timer in world.ownership._timers.values():
        timer.cancel()
    world.ownership._broken.stop()
    world.ownership._watch.stop()


async def ends(world: World, sid: str) -> list[str]:
    """How the generations in a log ended."""
    log = [decode_event(entry.public) for entry in await world.store.log.read(sid, 0)]
    return [event.status for event in log if isinstance(event, ev.TurnDone)]


async def third(pair: Pair, *providers: Any) -> World:
    return await World.begin(*providers, node="c", nodes=pair.hub.node(), beside=pair.a)


async def tab(world: World, sid: str | None, cid: str) -> Learner:
    learner = Learner(world, sid, cid=cid)
    learner.ids = 200
    learner.replica.token = "t"
    await learner.connect()
    return learner


# --- commands of another node ---------------------------------------------------------------------


async def test_a_draft_with_an_id_waits_for_no_reply(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    shown = first.replica.item
    assert shown is not None
    woken: list[bytes] = []

    def seen(letter: bytes) -> bool:
        if isinstance(opened(letter), Woken):
            woken.append(letter)
        return False

    pair.hub.loses = seen
    second.transmit(cmd.AnswerDraft(shown.item, "12", id="d1"))
    await asyncio.sleep(10.0)
    assert owned(pair.a).state.plain.draft == "12"
    assert woken == []


async def test_commands_of_one_client_reach_the_owner_in_their_order(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin()
    _, second = await pair.tabs()
    nodes: Any = pair.b.ownership.ground.nodes
    delays = iter([0.2, 0.0, 0.1])

    async def post(sid: str, letter: bytes) -> None:
        await asyncio.sleep(next(delays))
        await nodes.post(sid, letter)

    pair.b.ownership.ground.nodes = Through(nodes, post=post)
    for n in range(3):
        second.transmit(cmd.PrefsSet(f"p{n}", {"pace": f"{n}"}))
    await asyncio.sleep(0.9)
    assert owned(pair.a).state.plain.prefs == {"pace": "2"}


async def test_a_command_that_comes_while_its_session_is_taken_up_here_is_done(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    ground = pair.b.ownership.ground
    (mirror,) = pair.b.ownership.mirrors
    log, nodes = ground.log, ground.nodes

    async def head(name: str) -> Any:
        await asyncio.sleep(0.2)
        return await log.head(name)

    async def post(sid: str, letter: bytes) -> None:
        await asyncio.sleep(1.0)
        await nodes.post(sid, letter)

    mirror._hear = lambda news: None  # type: ignore[method-assign]
    assert mirror._subscription is not None
    mirror._subscription.close()  # it will have to read
    await first.send(cmd.ItemNext("n1"))
    ground.log, ground.nodes = Through(log, head=head), Through(nodes, post=post)
    gone(pair.a)
    pair.hub.nodes["a"].dies_at_s = virtual.time()
    forsaking = asyncio.create_task(pair.b.ownership.forsake("a"))
    await asyncio.sleep(0.1)
    assert mirror._following is not None
    assert not mirror._following.done()
    second.transmit(cmd.ItemNext("n2"))
    await until([second], lambda: "n2" in [e.re for e in second.of(ev.ItemShown)], 5.0)
    await asyncio.sleep(2.0)
    assert not any(pair.hub.inboxes.values())
    await forsaking
    await pair.b.check()


async def test_an_inbox_is_read_for_the_actor_that_came_while_it_was_read(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    ground = pair.a.ownership.ground
    nodes, slow = ground.nodes, [0.2]

    async def posted(sid: str) -> list[tuple[str, bytes]]:
        await asyncio.sleep(slow.pop() if slow else 0.0)
        return await nodes.posted(sid)

    ground.nodes = Through(nodes, posted=posted)
    await second.send(cmd.ItemNext("n1"))
    owned(pair.a).fail(AWAY)
    first.cut()
    await first.connect()
    await asyncio.sleep(0.5)
    second.pump()
    assert "n1" in second.replica.replies
    assert not any(pair.hub.inboxes.values())
    assert pair.a.ownership._inbox._again == set()


# --- taking up ------------------------------------------------------------------------------------


async def test_a_session_whose_taking_up_failed_half_way_is_taken_up_all_the_same(
    virtual: VirtualLoop,
) -> None:
    """The claim was granted, then the store was away; another node has buried the dead one."""
    pair = await Pair.begin(said(400))
    await asyncio.sleep(LOOK_S / 4)
    c = await third(pair, said(400))  # b looks for the dead a moment before it
    first = await pair.a.learner()
    await first.send(cmd.LessonStart(first.new_id(), seed=4))
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first], lambda: first.replica.text("g1") != "")
    ground, failures = pair.b.ownership.ground, 1
    log = ground.log

    async def replies(name: str, **how: Any) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise AWAY
        return await log.replies(name, **how)

    ground.log = Through(log, replies=replies)
    first.cut()
    await asyncio.sleep(LOOK_S / 2 - (virtual.time() + HEARTBEAT_S) % LOOK_S + LOOK_S)
    gone(pair.a)
    await asyncio.sleep(30.0)
    assert failures < 0, "the taking up failed once"
    assert await ends(c, first.sid or "") == ["lost"]


async def test_a_dead_node_is_not_buried_before_what_is_followed_here_was_taken_up(
    virtual: VirtualLoop,
) -> None:
    """The node that looked first dies while it takes up; the next one finds what there was."""
    pair = await Pair.begin(said(400))
    c = await third(pair, said(400))
    first, second = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first, second], lambda: second.replica.text("g1") != "")
    assert len(list(pair.b.ownership.mirrors)) == 1
    ground, claims = pair.b.ownership.ground, 0

    async def claim(name: str, node: str, **how: Any) -> Any:
        nonlocal claims
        claims += 1
        await asyncio.sleep(3_600.0)

    ground.log = Through(ground.log, claim=claim)
    c.ownership.ground.nodes, nodes = Alone(), c.ownership.ground.nodes
    gone(pair.a)
    await until([], lambda: claims > 0, HEARTBEAT_S + 2 * LOOK_S)
    gone(pair.b)
    c.ownership.ground.nodes = nodes
    await asyncio.sleep(30.0)
    assert await ends(c, first.sid or "") == ["lost"]


async def test_one_log_that_cannot_be_folded_does_not_keep_other_turns_from_their_end(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(said(400))
    for sid in ("s_a", "s_b"):
        learner = Learner(pair.a, sid)
        learner.replica.token = "t"
        await learner.connect()
        await learner.send(cmd.LessonStart(learner.new_id(), seed=4))
        await learner.send(cmd.TurnStart("t1", "Please tell me about it"))
        await until([learner], lambda learner=learner: learner.replica.text("g1") != "")
    ground = pair.b.ownership.ground
    log = ground.log

    async def read(name: str, *where: Any, **how: Any) -> Any:
        if name == "s_a":
            raise ValueError("a deed of a newer program")
        return await log.read(name, *where, **how)

    ground.log = Through(log, read=read)
    gone(pair.a)
    await asyncio.sleep(20.0)
    assert await ends(pair.b, "s_b") == ["lost"]


async def test_a_broken_sessions_turn_is_ended_by_who_buries_its_node(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(said(400))
    first = await pair.a.learner()
    await first.send(cmd.LessonStart(first.new_id(), seed=4))
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first], lambda: first.replica.text("g1") != "")
    owned(pair.a).fail(AWAY)
    gone(pair.a)
    await asyncio.sleep(20.0)
    assert await ends(pair.b, first.sid or "") == ["lost"]


@pytest.mark.parametrize("kept", [True, False])
async def test_no_feedback_is_told_again_before_its_attempt_is_in_records(
    virtual: VirtualLoop, kept: bool
) -> None:
    """The owner died between the log's write and the record's."""
    pair = await Pair.begin()
    first = await pair.a.learner()
    await first.send(cmd.LessonStart(first.new_id(), seed=4))
    shown = first.replica.item
    assert shown is not None
    await first.send(cmd.AnswerSubmit("a1", shown.item, "1", 900))
    gone(pair.a)
    await asyncio.sleep(12.0)
    ground, waits = pair.b.ownership.ground, Ticket()
    ground.records = Through(ground.records, add_attempt=lambda attempt: waits)
    reader = Learner(pair.b, first.sid, cid="c2")
    reader.replica.token = "t"
    coming = asyncio.ensure_future(reader.connect())
    await asyncio.sleep(0.5)
    assert not coming.done()
    waits.resolve(None if kept else StoreUnavailable("MongoDB: no primary"))
    if kept:
        await coming
        assert reader.replica.connected
    else:
        with pytest.raises(StoreUnavailable):
            await coming


# --- handing over ---------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False])
async def test_a_session_given_back_while_a_mirror_looks_is_taken_up(
    virtual: VirtualLoop, before: bool
) -> None:
    """The mirror asks who owns it, hears that it was given back, and then gets its old answer."""
    pair = await Pair.begin()
    first = await pair.a.learner()
    await first.send(cmd.LessonStart(first.new_id(), seed=4))
    ground = pair.b.ownership.ground
    log, nodes = ground.log, ground.nodes
    slow = 0.0

    async def head(name: str) -> Any:
        await asyncio.sleep(slow)
        return await log.head(name)

    async def lives(node: str) -> bool:
        found = await nodes.lives(node)
        await asyncio.sleep(slow)
        return found

    if before:
        second = await tab(pair.b, first.sid, "c2")
        ground.nodes = Through(nodes, lives=lives)
        slow = 0.2
        pair.b.ownership._orphaned(pair.b.ownership.mirrors[0])
        await asyncio.sleep(0.1)
        pair.a.ownership.hand_over(owned(pair.a))
    else:
        ground.log = Through(log, head=head)
        slow = 0.2
        coming = asyncio.ensure_future(tab(pair.b, first.sid, "c2"))
        await asyncio.sleep(0.1)
        pair.a.ownership.hand_over(owned(pair.a))
        second = await coming
    await asyncio.sleep(0.5)
    assert len(pair.b.ownership) == 1
    await second.send(cmd.ItemNext("n1"))
    assert "n1" in second.replica.replies


@pytest.mark.parametrize("error", [Conflict("session", "s", 1, 2), AWAY])
async def test_a_session_is_given_back_though_its_snapshot_cannot_be_stored(
    virtual: VirtualLoop, error: Exception
) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    ground = pair.a.ownership.ground
    records = ground.records

    def put(kind: str, *what: Any) -> Ticket:
        if kind != "session":
            return records.put(kind, *what)
        refused = Ticket()
        virtual.call_later(0.1, refused.resolve, error)
        return refused

    await first.send(cmd.ItemNext("n1"))
    ground.records = Through(records, put=put)
    first.cut()
    await until([second], lambda: len(pair.b.ownership) == 1, 5.0)
    await second.send(cmd.ItemNext("n2"))
    assert "n2" in second.replica.replies


async def test_a_mirror_that_ends_while_it_is_waited_for_cancels_nobody(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin()
    await pair.tabs()
    (mirror,) = pair.b.ownership.mirrors
    ground = pair.b.ownership.ground
    log = ground.log

    async def head(name: str) -> Any:
        await asyncio.sleep(1.0)
        return await log.head(name)

    ground.log = Through(log, head=head)
    reached = asyncio.ensure_future(mirror.reach(mirror.head + 1))
    await asyncio.sleep(0.1)
    mirror.end()
    await reached


async def test_a_node_is_among_the_others_until_its_rooms_have_spoken(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(pace_words_a_s=6.0)
    here, there = with_rooms(pair.a, "a"), with_rooms(pair.b, "b")
    made = await here.make("Halves")
    ann, bo = await pupil(pair.a, "c1"), await pupil(pair.b, "c2")
    await ann.enter(made.rid, "Ann")
    await ann.do(cmd.RoomAsk, input="why?")
    await passed(0.3, ann)
    node: Any = SimpleNamespace(
        edge=SimpleNamespace(drain=lambda reason: None), ownership=pair.a.ownership, rooms=here
    )
    draining = asyncio.ensure_future(Application.drain(node, 60.0))
    await passed(0.5)
    assert here.running_turns == 1
    await bo.enter(made.rid, "Bo")
    assert len(there) == 1
    await passed(30.0, bo)
    assert draining.done()
    assert [done.status for done in bo.of(ev.TurnDone)] == ["completed"]
    assert not await pair.b.ownership.ground.nodes.lives("a")


async def test_a_log_that_another_node_has_gone_on_with_is_not_begun_anew(
    virtual: VirtualLoop,
) -> None:
    """It was found rewound here, taken up there, and comes back long after."""
    pair = await Pair.begin()
    first, second = await pair.tabs()
    session = owned(pair.a)
    session.fail(OutOfOrder(session.sid, 2, 7))
    first.cut()
    nodes: Any = pair.a.ownership.ground.nodes
    nodes.pause()
    pair.b.ownership._orphaned(pair.b.ownership.mirrors[0])
    nodes.dies_at_s = virtual.time()
    await until([second], lambda: len(pair.b.ownership) == 1)
    await second.send(cmd.ItemNext("n1"))
    epoch = owned(pair.b).epoch
    nodes.go_on()
    second.cut()
    await pair.b.ownership.hand_over(owned(pair.b))
    await first.connect()
    assert owned(pair.a).epoch == epoch
