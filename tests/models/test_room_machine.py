"""A room on two nodes with real clients, cuts, crashes and clocks, in virtual time.

This file is a state machine that hypothesis drives over two nodes on one log. After every step,
with the wires at rest: both nodes have folded the same, bit by bit, and so does a fresh fold of the
log; each command that was answered has one effect, at the place its reply names, and none that was
refused has any; no vote stands behind its round's close; who is here is exactly who is connected;
each turn has one end and no chunk behind it; and every client sees what the nodes have.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from protocol import commands as cmd
from protocol.codec import decode_event
from protocol.errors import Code
from protocol.events import Delta, Err, Ok, TurnDone, TurnStarted
from streaming import room_deeds as deeds
from streaming.room import log_of
from streaming.room_fold import folded
from streaming.room_state import RoomState
from streaming.rooms import Rooms
from tests.nodes import Hub
from tests.rooms import Pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import World, kill_all, settle, small_course

T = TypeVar("T")

COURSE = small_course()
PUPILS = 4
"""The first one is the facilitator."""
WHO = st.integers(0, PUPILS - 1)
NODE = st.integers(0, 1)
PASSED_S = st.sampled_from([0.01, 0.3, 1.2, 4.0, 6.0, 30.0])
AT_ONCE = st.lists(st.tuples(WHO, st.sampled_from("ab")), min_size=1, max_size=6)


class RoomMachine(RuleBasedStateMachine):
    """One room, two nodes (which may die and be replaced) and four clients."""

    @initialize()
    def begin(self) -> None:
        logging.disable(logging.ERROR)  # killed rooms say so, thousands of times
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.hub = Hub()
        self.made = self.lines = 0
        self.worlds: list[World] = []
        self.rooms: list[Rooms] = []
        self.pupils: list[Pupil] = []
        self.out: set[int] = set(range(PUPILS))
        """Clients that are no members."""
        self.sent: dict[tuple[str, str], Any] = {}
        self.run(self.open())
        for n in range(PUPILS):
            self.run(self.come(n))

    async def open(self) -> None:
        for n in range(2):
            await self.node(n)
        made = await self.rooms[0].make("Halves")
        self.rid, self.code = made.rid, made.code
        for n in range(PUPILS):
            each = Pupil(self.worlds[n % 2])
            self.pupils.append(each)
            await self.again(n)

    async def node(self, n: int) -> None:
        self.made += 1
        name = f"n{self.made}"
        world = await World.begin(
            course=COURSE,
            node=name,
            nodes=self.hub.node(),
            beside=self.worlds[0] if self.worlds else None,
        )
        self.worlds[n:] = [world, *self.worlds[n + 1 :]]
        rooms = with_rooms(world, name)
        self.rooms[n:] = [rooms, *self.rooms[n + 1 :]]

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(main)

    def teardown(self) -> None:
        for rooms in self.rooms:
            rooms.stop()
        self.run(asyncio.sleep(0))
        kill_all()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.run(asyncio.sleep(0))
        self.loop.close()
        asyncio.set_event_loop(None)
        logging.disable(logging.NOTSET)

    # --- words ----------------------------------------------------------------------------------

    def give(self, who: int, kind: Any, **fields: Any) -> None:
        """A client sends a command; nothing runs yet."""
        each = self.pupils[who]
        command = kind(each.new_id(), self.rid, **fields)
        self.sent[each.member, command.id] = command
        for one in each.replica.send(command):
            each.transmit(one)

    async def rest(self) -> None:
        """Everything that is ready has run, and everybody has heard of it."""
        for _ in range(4):
            await settle()
            for each in self.pupils:
                each.pump()

    async def come(self, n: int) -> None:
        each = self.pupils[n]
        await each.enter(self.rid, f"Pupil {n}", facilitates=n == 0)
        self.out.discard(n)
        await self.rest()

    def check(self) -> None:
        self.run(self.rest())
        self.run(self.checked())

    # --- what may happen ------------------------------------------------------------------------

    @rule(votes=AT_ONCE)
    def vote(self, votes: list[tuple[int, str]]) -> None:
        """Votes at the same moment, on both nodes."""
        poll = self.pupils[0].replica.logs[self.rid].picture.poll if 0 not in self.out else None
        for who, choice in votes:
            self.give(who, cmd.RoomVote, poll=poll["poll"] if poll else "p1", choice=choice)
        self.check()

    @rule(seconds=st.sampled_from([None, 5]))
    def open_poll(self, seconds: int | None) -> None:
        self.give(0, cmd.RoomPollOpen, prompt="?", choices=["1", "2"], seconds=seconds, right=0)
        self.check()

    @precondition(lambda self: 0 not in self.out)
    @rule(again=st.booleans(), who=WHO)
    def close_poll(self, again: bool, who: int) -> None:
        """Close, while somebody votes; or open the second round."""
        poll = self.pupils[0].replica.logs[self.rid].picture.poll
        if poll is None:
            return
        if again and poll["phase"] == "discuss":
            self.give(0, cmd.RoomPollOpen, poll=poll["poll"])
        else:
            self.give(0, cmd.RoomPollClose, poll=poll["poll"])
        self.give(who, cmd.RoomVote, poll=poll["poll"], choice="b")
        self.check()

    @rule(one=WHO, other=WHO)
    def talk(self, one: int, other: int) -> None:
        """Two speak at once."""
        self.give(one, cmd.RoomSay, text=f"{one} says")
        self.give(other, cmd.RoomBoard, key="k", v=other)
        self.check()

    @rule(one=WHO, other=WHO)
    def ask(self, one: int, other: int) -> None:
        """Two ask the tutor at once: one is heard."""
        self.give(one, cmd.RoomAsk, input="why?")
        self.give(other, cmd.RoomAsk, input="and how?")
        self.check()

    @rule(who=WHO)
    def cut(self, who: int) -> None:
        """A connection ends and comes again."""
        self.pupils[who].cut()
        self.run(self.rest())
        self.run(self.again(who))
        self.check()

    async def again(self, who: int) -> None:
        """Each connection has an id of its own."""
        self.lines += 1
        self.pupils[who].cid = f"c{self.lines}"
        await self.pupils[who].connect()

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        if who not in self.out:
            self.give(who, cmd.RoomLeave)
            self.run(self.rest())
            self.out.add(who)
        self.check()

    @rule(who=WHO)
    def join(self, who: int) -> None:
        if who in self.out:
            self.run(self.come(who))
        self.check()

    @rule(seconds=PASSED_S)
    def wait(self, seconds: float) -> None:
        self.run(self.wait_for(seconds))
        self.check()

    @rule(n=NODE, votes=AT_ONCE)
    def crash(self, n: int, votes: list[tuple[int, str]]) -> None:
        """A node dies with commands on their way; its clients come back to another one."""
        for who, choice in votes:
            self.give(who, cmd.RoomVote, poll="p1", choice=choice)
        self.run(self.crashed(n))
        self.check()

    async def wait_for(self, seconds: float) -> None:
        until_s = self.loop.time() + seconds
        while self.loop.time() < until_s:
            await asyncio.sleep(min(0.25, until_s - self.loop.time()))
            for each in self.pupils:
                each.pump()
                for command in each.replica.due(self.loop.time()):
                    each.transmit(command)

    async def crashed(self, n: int) -> None:
        dead, name = self.worlds[n], self.rooms[n].node
        for room in self.rooms[n]:
            room.end()
        self.rooms[n].stop()
        for session in dead.ownership:
            session.end()
        for mirror in dead.ownership.mirrors:
            mirror.end()
        self.hub.nodes[name].kill()
        lost = [each for each in self.pupils if each.world is dead]
        for each in lost:
            each.cut()
        await self.node(n)
        await self.wait_for(11.0)  # the heartbeat of the dead one ends
        self.rooms[1 - n].node_gone(name)
        for each in lost:
            each.world = self.worlds[n]
            await self.again(self.pupils.index(each))

    # --- what holds -----------------------------------------------------------------------------

    async def checked(self) -> None:
        lives = [room for rooms in self.rooms for room in rooms if room.rid == self.rid]
        states = {room.state.to_bytes() for room in lives}
        assert len(states) <= 1, "two nodes have folded differently"
        assert not any(room.waits for room in lives)
        log = self.worlds[0].ownership.ground.log
        entries = await log.read(log_of(self.rid), 0)
        state = RoomState(self.rid, "Halves", self.code)
        commands: Counter[tuple[str, str]] = Counter()
        places: dict[tuple[str, str], int] = {}
        ended: set[str] = set()
        begun: set[str] = set()
        for entry in entries:
            deed = deeds.unsealed(entry.sealed)
            if isinstance(deed, deeds.Voted):
                poll = state.poll
                assert poll is not None
                assert (poll.poll, poll.round, poll.phase) == (deed.poll, deed.round, "voting")
                assert poll.closes_at is None or entry.at_ms <= poll.closes_at
            for by in given(deed):
                commands[by.member, by.cmd] += 1
                places[by.member, by.cmd] = entry.seq
            event = decode_event(entry.public)
            assert (event.s, event.q) == (self.rid, entry.seq)  # type: ignore[union-attr]  # durable
            if isinstance(event, TurnStarted):
                begun.add(event.gen)
            if isinstance(event, Delta | TurnDone):
                assert event.gen in begun
                assert event.gen not in ended
            if isinstance(event, TurnDone):
                ended.add(event.gen)
            made = folded(state, deed, entry.seq, entry.at_ms)
            assert decode_event(entry.public) == made
            state.settle()
        assert states <= {state.to_bytes()}, "the log leads elsewhere"
        assert not commands or max(commands.values()) == 1, "a command had two effects"
        assert begun - ended <= {gen.gen for gen in (state.running,) if gen is not None}
        self.replies_hold(places)
        self.presence_is_exact(state)

    def replies_hold(self, places: dict[tuple[str, str], int]) -> None:
        for each in self.pupils:
            later = {e.re for e in each.errors if e.temp}
            waiting = {command.id for command in each.replica.pending.again()}  # type: ignore[union-attr]  # all have one
            assert waiting <= later, "a command was not answered"
            for event in each.heard:
                key = (each.member, getattr(event, "re", None) or "")
                if isinstance(event, Ok) and event.s == self.rid and event.at is not None:
                    assert places[key] == event.at.q
                if isinstance(event, Err) and not event.temp and event.code != Code.ID_REUSED:
                    assert key not in places

    def presence_is_exact(self, state: RoomState) -> None:
        here = {
            each.member: [each.cid]
            for n, each in enumerate(self.pupils)
            if n not in self.out and each.attached is not None
        }
        assert {mid: [cid for cid, _ in m.cids] for mid, m in state.present} == here
        for n, each in enumerate(self.pupils):
            if n in self.out:
                assert self.rid not in each.replica.logs
                continue
            kept = each.replica.logs[self.rid]
            assert kept.reader.position.seq == state.seq
            assert set(kept.picture.members) == set(here)
            assert [say["text"] for say in kept.picture.says] == [say.text for say in state.says]
            assert each.replica.counters.misfits == 0
            for gen in state.gens.values():
                assert each.replica.text(gen.gen, self.rid) == gen.text


def given(deed: deeds.AnyDeed) -> list[deeds.By]:
    """The commands behind a deed."""
    if isinstance(deed, deeds.Voted):
        return [vote.by for vote in deed.votes]
    if isinstance(deed, deeds.Moved):
        return [move.by for move in deed.moves if move.by is not None]
    by = getattr(deed, "by", None)
    return [] if by is None else [by]


TestRoomMachine = RoomMachine.TestCase
TestRoomMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
