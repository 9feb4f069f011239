"""The learner's actor with real clients, a moody model, cuts, kills and thieves, in virtual time.

This file is a state machine that hypothesis drives over a whole node and its store file.

After every step, with the wires at rest: each attached replica is where the owner is and shows
what the owner has; the log holds one effect a command, one end a generation and no delta after
it; everything that a client ever heard stands in the log as it was heard; the answers in Records
are those of the log; and the log folded again gives the live state.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from engines.exercises.subquestions import place_of, subquestion
from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import decode_event
from protocol.errors import Code
from protocol.limits import LIMITS
from streaming import deeds
from streaming.session import Session
from tests.models.moods import MOODS, Moody
from tests.virtual import VirtualLoop
from tests.world import Learner, World, asking_course, settle

T = TypeVar("T")

TABS = 3
IDLE_S = 40.0
COURSE = asking_course()


WHO = st.integers(0, TABS - 1)
THEN = st.sampled_from(["rest", "rest", "rest", "rest", "cut", "kill", "fence"])
"""What comes between a command and its reply."""
PASSED_S = st.sampled_from([0.01, 0.05, 0.3, 1.2, 3.0, 7.0, 30.0])


class ActorMachine(RuleBasedStateMachine):
    """One session, its node (which may die and come again) and up to three tabs."""

    @initialize(mood=st.sampled_from(sorted(MOODS)))
    def begin(self, mood: str) -> None:
        logging.disable(logging.ERROR)  # fenced and killed actors say so, thousands of times
        self.folder = Path(tempfile.mkdtemp())
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.model = Moody(*MOODS[mood], name="moody")
        self.given: list[Any] = []  # commands that have an id
        self.nodes = self.asked = 0
        self.sound = False
        self.run(self.open())
        self.tabs = [self.run(self.world.learner())]
        self.sid = self.tabs[0].sid
        assert self.sid is not None
        self.epoch = self.tabs[0].replica.position.epoch or None
        self.give(0, cmd.LessonStart(self.new_id()))

    async def open(self) -> None:
        self.nodes += 1
        self.world = await World.begin(
            self.model,
            path=f"{self.folder}/store.db",
            course=COURSE,
            node=f"n{self.nodes}",
            idle_s=IDLE_S,
        )

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(main)

    def teardown(self) -> None:
        try:
            if self.sound:  # else a step has failed, and that is what is to be told
                self.all_is_answered_in_the_end()
        finally:
            self.run(self.die())
            self.loop.close()
            asyncio.set_event_loop(None)
            shutil.rmtree(self.folder)
            logging.disable(logging.NOTSET)

    # --- words ----------------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        """The live actor, if there is one."""
        return next((s for s in self.world.ownership if s.sid == self.sid), None)

    def new_id(self) -> str:
        self.asked += 1
        return f"c{self.asked}"

    def tab(self, who: int) -> Learner:
        return self.tabs[who % len(self.tabs)]

    def give(self, who: int, command: cmd.Command, then: str = "rest") -> None:
        """A tab gives a command; then its reply comes, or is prevented from coming."""
        self.given.append(command)
        self.run(self._give(self.tab(who), command, then))
        self.check()

    async def _give(self, tab: Learner, command: cmd.Command, then: str) -> None:
        if then == "fence" and self.session is not None:
            thief = self.world.ownership.ground.log
            await thief.claim(self.sid or "", f"thief{self.asked}", at_ms=0)
        for each in tab.replica.send(command):
            tab.transmit(each)
        if then == "cut":
            tab.cut()
        elif then == "kill":
            await self.kill()
        await self.rest()

    async def rest(self) -> None:
        """Everyone hears what was said and acknowledges it, until nothing more comes."""
        for _ in range(100):
            await settle()
            heard = 0
            for tab in self.tabs:
                heard += tab.pump()
                for each in tab.replica.ack():
                    tab.transmit(each)
                if tab.wire.close_code is not None and tab.attached is not None:
                    tab.cut()
            if not heard:
                return
        raise AssertionError("the wires never come to rest")

    async def die(self) -> None:
        """What a killed process leaves behind: the file, and sockets that end."""
        self.world.kill()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def kill(self) -> None:
        await self.die()
        for tab in self.tabs:
            tab.cut()
        await self.open()
        for tab in self.tabs:
            tab.world = self.world

    # --- the lesson -----------------------------------------------------------------------------

    @rule(who=WHO, mode=st.sampled_from(["practice", "exam", None]), then=THEN)
    def start_a_lesson(self, who: int, mode: Any, then: str) -> None:
        self.give(who, cmd.LessonStart(self.new_id(), mode=mode), then)

    @rule(
        who=WHO,
        kind=st.sampled_from(["right", "right", "wrong", "garbage", "list"]),
        taken_ms=st.sampled_from([0, 400, 9_000, 30_000]),
        then=THEN,
    )
    def answer(self, who: int, kind: str, taken_ms: int, then: str) -> None:
        session = self.session
        instance = session.state.instance if session else None
        item = self.tab(who).replica.item
        response: Any = {"wrong": "-7", "garbage": "(((", "list": [1, 2]}.get(kind)
        if response is None:
            response = str(instance.key) if instance else "1"
        name = item.item if item else "add.00"
        self.give(who, cmd.AnswerSubmit(self.new_id(), name, response, taken_ms), then)

    @rule(
        who=WHO,
        kind=st.sampled_from([cmd.HintRequest, cmd.StepsRequest]),
        at=st.sampled_from([None, None, None, "hint.2", "step.2"]),
        then=THEN,
    )
    def ask_for_help(
        self, who: int, kind: Callable[..., cmd.Command], at: str | None, then: str
    ) -> None:
        item = self.tab(who).replica.item
        self.give(who, kind(self.new_id(), item.item if item else "add.00", at), then)

    @rule(
        who=WHO,
        at=st.sampled_from(["hint.2", "hint.2", "step.1", "step.2", "hint.9"]),
        kind=st.sampled_from(["right", "wrong", "garbage"]),
        then=THEN,
    )
    def answer_a_small_question(self, who: int, at: str, kind: str, then: str) -> None:
        """It moves no belief; it is no try at the item, which stays open."""
        session, item = self.session, self.tab(who).replica.item
        made = session.state.instance if session else None
        asked = subquestion(made, place_of(at)) if made else None
        response = str(asked.key) if asked and kind == "right" else {"wrong": "-7"}.get(kind, "((")
        name = item.item if item else "add.00"
        before = self.told()
        self.give(who, cmd.AnswerSubmit(self.new_id(), name, response, at=at), then)
        if before and self.session is session and then == "rest":
            assert self.told() == before

    def told(self) -> Any:
        """What the live actor believes of the learner, and of the tries at the open item."""
        if self.session is None or self.session.state.beliefs is None:
            return None
        plain = self.session.state.plain
        assert plain.open is not None
        beliefs = self.session.state.beliefs.to_bytes()
        return beliefs, plain.answers, plain.open.item, plain.open.attempts

    @rule(who=WHO, skill=st.sampled_from([None, "add", "more", "flying"]), then=THEN)
    def next_item(self, who: int, skill: str | None, then: str) -> None:
        self.give(who, cmd.ItemNext(self.new_id(), skill), then)

    @rule(who=WHO, mode=st.sampled_from(["practice", "exam", "review", "worked"]), then=THEN)
    def set_things(self, who: int, mode: Any, then: str) -> None:
        self.give(who, cmd.ModeSet(self.new_id(), mode))
        self.give(who, cmd.PrefsSet(self.new_id(), {"n": self.asked, "mode": mode}))
        self.give(who, cmd.MoodReport(self.new_id(), "fine"), then)

    @rule(who=WHO)
    def draft_and_preview(self, who: int) -> None:
        tab = self.tab(who)
        name = tab.replica.item.item if tab.replica.item else "add.00"
        tab.transmit(cmd.AnswerDraft(name, "1/"))
        tab.transmit(cmd.AnswerPreview(name, "1/2"))
        self.run(self.rest())

    # --- turns ----------------------------------------------------------------------------------

    @rule(mood=st.sampled_from(sorted(MOODS)))
    def the_model_changes_its_mood(self, mood: str) -> None:
        self.model.script = tuple(MOODS[mood])

    @rule(
        who=WHO,
        asks=st.sampled_from(["why?", cmd.Action("simpler"), cmd.Action("next_step")]),
        on_busy=st.sampled_from(["reject", "queue", "replace"]),
        then=THEN,
        passed_s=PASSED_S,
    )
    def start_a_turn(self, who: int, asks: Any, on_busy: Any, then: str, passed_s: float) -> None:
        self.give(who, cmd.TurnStart(self.new_id(), asks, on_busy=on_busy), then)
        self.time_passes(passed_s)

    @rule(who=WHO, back=st.integers(-1, 3), seen_i=st.none() | st.integers(0, 9), then=THEN)
    def cancel_by_command(self, who: int, back: int, seen_i: int | None, then: str) -> None:
        """A turn that runs, ended, waits, or (-1) has not come yet."""
        turns = [c for c in self.given if isinstance(c, cmd.TurnStart)]
        if back < 0 or not turns:
            cancel = cmd.TurnCancel(self.new_id(), cmd=f"c{self.asked + 1}", seen_i=seen_i)
            self.give(who, cancel, then)
            self.give(who, cmd.TurnStart(self.new_id(), "too late", on_busy="queue"))
        else:
            target = turns[-1 - back % len(turns)].id
            self.give(who, cmd.TurnCancel(self.new_id(), cmd=target, seen_i=seen_i), then)

    @rule(who=WHO, seen_i=st.none() | st.integers(0, 9), then=THEN)
    def cancel_by_name(self, who: int, seen_i: int | None, then: str) -> None:
        gens = list(self.tab(who).replica.me.generations) or ["g1"]
        self.give(who, cmd.TurnCancel(self.new_id(), gen=gens[-1], seen_i=seen_i), then)

    # --- again ----------------------------------------------------------------------------------

    @precondition(lambda self: self.given)
    @rule(who=WHO, back=st.integers(0, 12), twice=st.booleans())
    def a_command_comes_again(self, who: int, back: int, twice: bool) -> None:
        """Over whichever socket: the first reply again, or the refusal, or (lost) its effect."""
        command, tab = self.given[-1 - back % len(self.given)], self.tab(who)
        for _ in range(1 + twice):
            tab.transmit(command)
        self.run(self.rest())
        self.check()

    @precondition(lambda self: self.given)
    @rule(who=WHO, back=st.integers(0, 12))
    def an_id_comes_with_another_body(self, who: int, back: int) -> None:
        known, tab = self.given[-1 - back % len(self.given)], self.tab(who)
        stored = known.id in self.effects()
        before, errors = len(self.log()), len(tab.errors)
        self.asked += 1  # no two bodies are the same
        other = cmd.PrefsSet(known.id, {"stolen": self.asked})
        tab.transmit(other)
        if not stored:  # the id of a command that was refused or lost is free
            self.given = [other if c is known else c for c in self.given]
        self.run(self.rest())
        if stored and tab.attached is not None and self.session is not None:
            assert [e.code for e in tab.errors[errors:]] == [Code.ID_REUSED]
            assert len(self.log()) == before
        self.check()

    # --- the wire and the process ---------------------------------------------------------------

    @rule(who=WHO)
    def the_wire_is_cut(self, who: int) -> None:
        self.tab(who).cut()

    @rule(who=WHO)
    def a_tab_comes_back(self, who: int) -> None:
        self.run(self._connect(self.tab(who)))
        self.check()

    async def _connect(self, tab: Learner) -> None:
        if tab.attached is None:
            await tab.connect()
        await self.rest()

    @precondition(lambda self: len(self.tabs) < TABS)
    @rule()
    def another_tab_opens(self) -> None:
        self.tabs.append(self.run(self.world.learner(self.sid)))
        self.run(self.rest())
        self.check()

    @rule()
    def the_process_is_killed(self) -> None:
        self.run(self.kill())
        self.check()

    @rule(timeout_s=st.sampled_from([0.0, 1.0, 60.0]))
    def the_node_is_drained(self, timeout_s: float) -> None:
        live = self.session is not None

        async def drain() -> None:
            await self.world.ownership.drain(timeout_s)
            await self.rest()
            await self.world.store.aclose()

        self.run(drain())
        assert self.session is None
        self.run(self.kill())
        assert not live or None not in self.statuses().values(), "a drain ends every turn"
        self.check()

    @rule(passed_s=PASSED_S)
    def time_passes(self, passed_s: float) -> None:
        """Nobody listens meanwhile; then everybody does."""

        async def wait() -> None:
            await asyncio.sleep(passed_s)
            await self.rest()

        self.run(wait())
        self.check()

    @rule(long=st.booleans())
    def everybody_leaves(self, long: bool) -> None:
        """For so long that the session is set aside, or a running turn is given up."""

        async def away() -> None:
            for tab in self.tabs:
                tab.cut()
            await asyncio.sleep(LIMITS.abandoned_s + IDLE_S + 5 if long else IDLE_S + 3)

        self.run(away())
        if long:
            assert self.session is None
        self.run(self._connect(self.tabs[0]))
        self.check()

    # --- what must hold -------------------------------------------------------------------------

    def log(self) -> list[Any]:
        """The stored events, in order."""
        ground = self.world.ownership.ground
        entries = self.run(ground.log.read(self.sid or "", 0))
        return [decode_event(entry.public) for entry in entries]

    def effects(self) -> dict[str, ev.Durable]:
        """Command id -> the reply that its append begins with."""
        found: dict[str, ev.Durable] = {}
        for event in self.log():
            cause = getattr(event, "re", None)
            if isinstance(event, ev.TurnStarted) and event.cmd not in found:
                cause = event.cmd
            if cause is not None:
                assert cause not in found, f"command {cause} had two effects"
                found[cause] = event
        return found

    def statuses(self) -> dict[str, str | None]:
        """Generation -> how it ended, None while it runs; checks each one's order.

        One is said at a time; a waiting one that is cancelled starts and ends beside it at once.
        """
        ends: dict[str, str | None] = {}
        chunks: Counter[str] = Counter()
        log = self.log()
        for n, event in enumerate(log):
            if isinstance(event, ev.TurnStarted):
                assert event.gen not in ends
                if None in ends.values():
                    following = log[n + 1]
                    assert isinstance(following, ev.TurnDone), "two turns at once"
                    assert (following.gen, following.n) == (event.gen, 0)
                ends[event.gen] = None
            elif isinstance(event, ev.Delta | ev.TurnRestarted | ev.TurnDone):
                assert ends[event.gen] is None, f"{event} after the end"
            if isinstance(event, ev.Delta):
                assert event.i == (chunks[event.gen], chunks[event.gen])
                chunks[event.gen] += 1
            elif isinstance(event, ev.TurnDone):
                ends[event.gen] = event.status
                assert event.n == chunks[event.gen]
        return ends

    def check(self) -> None:
        """Everything in the module's first lines."""
        self.sound = False
        log = self.log()
        assert [event.q for event in log] == list(range(1, len(log) + 1))
        self.effects()
        self.statuses()
        self.answers_are_recorded()
        for tab in self.tabs:
            self.what_was_heard_is_in_the_log(tab, log)
            self.the_replica_is_the_owners(tab)
        self.run(self.world.check())
        self.sound = True

    def what_was_heard_is_in_the_log(self, tab: Learner, log: list[Any]) -> None:
        for event in tab.heard:
            if isinstance(event, ev.Durable) and getattr(event, "span", 1) == 1:
                plain = replace(event, dup=False) if getattr(event, "dup", False) else event
                assert event.q <= len(log), f"{event} was heard and is not stored"
                assert plain == log[event.q - 1]

    def the_replica_is_the_owners(self, tab: Learner) -> None:
        replica, session = tab.replica, self.session
        self.epoch = self.epoch or replica.position.epoch
        assert replica.position.epoch in ("", self.epoch)
        counters = replica.counters
        assert (counters.resets, counters.misfits, counters.gaps) == (0, 0, 0)
        if tab.attached is None or session is None:
            return
        assert tab.attached.session is session
        assert (replica.position.epoch, replica.position.seq) == (session.epoch, session.head)
        plain = session.state.plain
        assert (replica.item.item if replica.item else None) == (
            plain.open.item if plain.open else None
        )
        if replica.item is not None and session.state.instance is not None:
            assert replica.item.prompt == session.state.instance.prompt
        shown = {name: (g.text, g.next_i, g.status) for name, g in replica.me.generations.items()}
        for gen in plain.gens:
            assert shown[gen.gen] == (gen.text, gen.next_i, gen.status)

    def answers_are_recorded(self) -> None:
        ground = self.world.ownership.ground
        entries = self.run(ground.log.read(self.sid or "", 0))
        attempts = self.run(ground.records.attempts(self.sid or ""))
        answered = [
            (entry.seq, entry.at_ms, entry.sealed)
            for entry in entries
            if entry.sealed and isinstance(deeds.unsealed(entry.sealed), deeds.AnswerGiven)
        ]
        assert sorted((a.seq, a.at_ms, a.sealed) for a in attempts) == answered
        assert all((a.log, a.epoch) == (self.sid, self.epoch) for a in attempts)

    def all_is_answered_in_the_end(self) -> None:
        """With a good network every command has its reply or its refusal, every turn its end."""

        async def wait() -> None:
            for _ in range(240):
                for tab in self.tabs:
                    await self._connect(tab)
                    for each in tab.replica.due(self.loop.time()):
                        tab.transmit(each)
                await self.rest()
                await asyncio.sleep(1.0)
            await self.rest()

        self.run(wait())
        self.check()
        session = self.session
        assert session is not None
        assert session.state.running is None
        assert not session.state.plain.queue
        for tab in self.tabs:
            assert len(tab.replica.pending) == 0, list(tab.replica.pending.again())


TestActor = ActorMachine.TestCase
TestActor.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
