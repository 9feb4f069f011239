"""One session over three nodes: paused owners, lost letters, moves, a lost log, in virtual time.

This file is a state machine that hypothesis drives over three nodes on one store.

After every step: the log holds one effect a command, one end a generation, no delta after it, and
its numbers have no hole. In the end, with every node awake and the network whole: every client
stands where the log stands and shows what it holds, every command has its reply, the log folded
again gives the live state, and no inbox holds a letter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import decode_event
from protocol.errors import Refused
from streaming.providers.base import End, Piece, ProviderFailed, Text
from tests.nodes import Hub, HubNodes
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, kill_all, settle, small_course, spelt

T = TypeVar("T")

COURSE = small_course()
NAMES = ("a", "b", "c")
WHO = st.integers(0, 2)
WHERE = st.integers(0, len(NAMES) - 1)
PASSED_S = st.sampled_from([0.01, 0.3, 1.2, 4.0, 12.0, 20.0])
PIECES: list[Piece | float | ProviderFailed] = []
for number in range(15):
    PIECES += [Text(f"wörd{spelt(number)}. "), 0.2]
PIECES.append(End("stop"))


class NodesMachine(RuleBasedStateMachine):
    """Three nodes and three tabs of one session."""

    @initialize()
    def begin(self) -> None:
        logging.disable(logging.ERROR)  # fenced actors say so
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.hub = Hub()
        self.asked = 0
        self.dropped = False
        self.sound = False
        self.run(self.open())

    async def open(self) -> None:
        first: World | None = None
        self.worlds: list[World] = []
        for name in NAMES:
            world = await World.begin(
                Scripted(*PIECES),
                node=name,
                nodes=self.hub.node(),
                beside=first,
                course=COURSE,
                idle_s=40.0,
            )
            first = first or world
            self.worlds.append(world)
        owner = await self.worlds[0].learner()
        self.sid = owner.sid or ""
        await owner.send(cmd.LessonStart("c0", seed=2))
        self.tabs = [owner]
        for n, world in enumerate(self.worlds[1:], 1):
            tab = Learner(world, self.sid, cid=f"c{n}")
            tab.replica.token = "t"
            self.tabs.append(tab)
        await self.rest()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(main)

    def teardown(self) -> None:
        try:
            if self.sound:
                self.all_is_well_in_the_end()
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.run(settle())
            kill_all()
            self.loop.close()
            asyncio.set_event_loop(None)
            logging.disable(logging.NOTSET)

    # --- words ----------------------------------------------------------------------------------

    def nodes(self, where: int) -> HubNodes:
        found: Any = self.worlds[where].ownership.ground.nodes
        return found  # type: ignore[no-any-return]

    def awake(self, tab: Learner) -> bool:
        return self.nodes(self.worlds.index(tab.world)).held is None

    async def rest(self) -> None:
        """Everyone at a node that is awake hears what was said, until nothing more comes."""
        for _ in range(100):
            await settle()
            heard = 0
            for tab in self.tabs:
                heard += tab.pump()
                if tab.wire.close_code is not None and tab.attached is not None:
                    tab.cut()
            if not heard:
                return
        raise AssertionError("the wires never come to rest")

    async def connect(self, tab: Learner) -> None:
        if tab.attached is None and self.awake(tab):
            with contextlib.suppress(Refused):  # it moves at this moment: the client comes back
                await tab.connect()

    def new_id(self) -> str:
        self.asked += 1
        return f"c{self.asked}"

    def give(self, who: int, command: cmd.Command) -> None:
        tab = self.tabs[who]

        async def give() -> None:
            for each in tab.replica.send(command):
                if self.awake(tab):
                    tab.transmit(each)
            await self.rest()

        self.run(give())
        self.check()

    # --- what happens ---------------------------------------------------------------------------

    @rule(who=WHO)
    def an_answer(self, who: int) -> None:
        item = self.tabs[who].replica.item
        name = item.item if item else "add.00"
        self.give(who, cmd.AnswerSubmit(self.new_id(), name, "7", 2_000))

    @rule(who=WHO)
    def the_next_item(self, who: int) -> None:
        self.give(who, cmd.ItemNext(self.new_id()))

    @rule(who=WHO, on_busy=st.sampled_from(["reject", "queue", "replace"]))
    def a_turn(self, who: int, on_busy: Any) -> None:
        self.give(who, cmd.TurnStart(self.new_id(), "why?", on_busy=on_busy))

    @rule(who=WHO)
    def a_cancel(self, who: int) -> None:
        running = self.tabs[who].replica.me.running
        if running is not None:
            self.give(who, cmd.TurnCancel(self.new_id(), gen=running.gen))

    @rule(who=WHO, where=WHERE)
    def a_tab_moves(self, who: int, where: int) -> None:
        tab = self.tabs[who]
        if self.awake(tab):
            tab.cut()
        tab.world = self.worlds[where]
        self.run(self.connect(tab))
        self.run(self.rest())
        self.check()

    @rule(who=WHO)
    def a_wire_is_cut(self, who: int) -> None:
        if self.awake(self.tabs[who]):
            self.tabs[who].cut()

    @rule(where=WHERE)
    def a_node_stands_still(self, where: int) -> None:
        """Its clients see a dead socket; what it holds stays as it is."""
        if sum(self.nodes(n).held is None for n in range(3)) < 2 or self.nodes(where).held:
            return
        if self.nodes(where).held is None:
            self.nodes(where).pause()
            for tab in self.tabs:
                if tab.world is self.worlds[where]:
                    self.cut_off(tab)

    def cut_off(self, tab: Learner) -> None:
        """The socket is dead for the client, and the node does not know it."""
        tab.attached = None
        tab.replica.cut()

    @rule(where=WHERE, lapse=st.booleans())
    def a_node_goes_on(self, where: int, lapse: bool) -> None:
        if self.nodes(where).held is not None:
            self.nodes(where).go_on(lapse=lapse)
            self.run(self.rest())
            self.check()

    @rule(share=st.sampled_from([0, 2, 3]))
    def letters_are_lost(self, share: int) -> None:
        told = Counter[int]()

        def loses(_: bytes) -> bool:
            told[0] += 1
            return bool(share) and told[0] % share == 0

        self.hub.loses = loses

    @rule(passed_s=PASSED_S)
    def time_passes(self, passed_s: float) -> None:
        async def wait() -> None:
            await asyncio.sleep(passed_s)
            await self.rest()

        self.run(wait())
        self.check()

    @precondition(lambda self: not self.dropped)
    @rule()
    def the_log_is_lost(self) -> None:
        """The broker forgot it; what was answered stands in Records."""
        self.dropped = True

        async def lose() -> None:
            log = self.worlds[0].store.log
            claim = await log.claim(self.sid, "nobody", at_ms=0, anew=True)
            await log.release(self.sid, claim.term)
            self.hub.back()
            await self.rest()

        self.run(lose())

    # --- what must hold -------------------------------------------------------------------------

    def log(self) -> list[Any]:
        entries = self.run(self.worlds[0].store.log.read(self.sid, 0))
        return [decode_event(entry.public) for entry in entries]

    def check(self) -> None:
        self.sound = False
        log = self.log()
        assert [event.q for event in log] == list(range(1, len(log) + 1))
        effects = Counter(
            f"turn {event.cmd}" if isinstance(event, ev.TurnStarted) else event.re
            for event in log
            if isinstance(event, ev.TurnStarted) or getattr(event, "re", None) is not None
        )
        assert all(times == 1 for times in effects.values()), effects
        self.generations(log)
        self.sound = True

    def generations(self, log: list[Any]) -> None:
        ends: dict[str, str | None] = {}
        chunks: Counter[str] = Counter()
        for event in log:
            gen = getattr(event, "gen", None)
            if isinstance(event, ev.TurnStarted):
                ends[event.gen] = None
            elif gen is not None and (gen in ends or not self.dropped):
                assert ends[gen] is None, f"{event} after the end"
            if isinstance(event, ev.Delta):
                chunks[event.gen] += 1
            elif isinstance(event, ev.TurnDone) and event.gen in ends:
                ends[event.gen] = event.status
                assert event.n == chunks[event.gen]

    def all_is_well_in_the_end(self) -> None:
        async def heal() -> None:
            self.hub.loses = lambda letter: False
            for where in range(3):
                if self.nodes(where).held is not None:
                    self.nodes(where).go_on()
            for world in self.worlds:  # a zombie without work would sleep on
                world.ownership.back()
            for _ in range(120):
                for tab in self.tabs:
                    await self.connect(tab)
                    for each in tab.replica.due(self.loop.time()):
                        tab.transmit(each)
                await self.rest()
                await asyncio.sleep(1.0)
            await self.rest()

        self.run(heal())
        self.check()
        owners = [w for w in self.worlds if len(w.ownership)]
        assert len(owners) == 1, "one node runs the session"
        session = next(iter(owners[0].ownership))
        head = self.run(self.worlds[0].store.log.head(self.sid))
        assert head == (session.epoch, session.head)
        assert session.state.running is None
        shown = {g.gen: (g.text, g.status) for g in session.state.plain.gens}
        for tab in self.tabs:
            position = tab.replica.position
            assert (position.epoch, position.seq) == head
            assert len(tab.replica.pending) == 0, list(tab.replica.pending.again())
            for gen, text in shown.items():
                told = tab.replica.me.generations[gen]
                assert (told.text, told.status) == text
        assert not any(self.hub.inboxes.values())
        self.run(owners[0].check())


TestNodes = NodesMachine.TestCase
TestNodes.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
