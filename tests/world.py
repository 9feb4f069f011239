"""A node in virtual time with clients of its own. This file is the small world of the tests.

A `Learner` is a real client: it holds a `Replica`, sends encoded commands through the codec and
hears encoded frames. Its wire can be cut at any moment; frames that were written and not heard
are then gone, as on a real network.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from engines.beliefs import Beliefs
from engines.exercises.course import canonical
from engines.exercises.template import instance
from engines.maths.dice import Dice
from engines.tutor import decided
from engines.words import Answered, Verdict
from protocol.codec import decode, decode_event, encode_command, refusal
from protocol.commands import Command
from protocol.errors import Refused
from protocol.events import Err
from protocol.limits import LIMITS, Limits
from protocol.replica import Replica
from streaming.alerts import Alerts, Told
from streaming.attach import Attached, Greeting
from streaming.budgets import Budgets
from streaming.catalogue import Catalogue
from streaming.nodes import Nodes
from streaming.ownership import Ownership
from streaming.prices import prices
from streaming.providers.base import LlmRequest, Piece, ProviderFailed
from streaming.providers.builtin import Builtin
from streaming.replay import Replay, Replayed
from streaming.routing import Routing, TurnLimits
from streaming.rules import TutorRules
from streaming.store_sqlite import SqliteStore
from streaming.surroundings import Surroundings
from streaming.treasury import Treasury

HINTS = [
    {"level": "nudge", "say": "Look at both numbers."},
    {"level": "point", "say": "Add them one after the other."},
    {"level": "bottom-out", "say": "It is @{a + b}."},
]


def item(n: int, skill: str, difficulty: str) -> dict[str, Any]:
    """One parametrised sum."""
    return {
        "id": f"{skill}.{n:02}",
        "skills": [skill],
        "prompt": "What is $@{a} + @{b}$?",
        "difficulty": difficulty,
        "params": {"a": {"int": [2, 40]}, "b": {"int": [2, 40]}},
        "answer": {"kind": "number", "value": "a + b"},
        "misconceptions": [{"id": "minus", "when": "a - b", "say": "You took away. Add instead."}],
        "hints": HINTS,
        "steps": [{"show": "$@{a} + @{b} = @{a + b}$", "why": "Add."}],
    }


def small_course(items: int = 6) -> bytes:
    """Canonical bytes of a course of two skills, one before the other."""
    return canonical(
        {
            "format": 1,
            "id": "sums",
            "version": "1.0.0",
            "title": "Sums",
            "license": "CC-BY-4.0",
            "attribution": ["Written for the tests"],
            "skills": [
                {"id": "add", "title": "Adding"},
                {"id": "more", "title": "Adding more", "requires": ["add"]},
            ],
            "items": [item(n, "add", f"{n - 3}/2") for n in range(items)]
            + [item(n, "more", f"{n}/2") for n in range(items)],
        }
    )


def asking_course() -> bytes:
    """The small course with a scaffold in each ladder, and worked steps that can be asked."""
    course = json.loads(small_course())
    whole = {"kind": "number", "value": "a + b"}
    for each in course["items"]:
        each["hints"][1] = {
            "level": "scaffold",
            "say": "Count on from the first.",
            "ask": "What is $@{a} + 1$?",
            "answer": {"kind": "number", "value": "a + 1"},
            "hints": ["One more than @{a}.", "Count on by one from @{a}."],
        }
        each["steps"] = [
            {
                "show": "$@{a} + @{b} = @{a} + 1 + @{b - 1}$",
                "why": "Take one from the second: how many are left?",
                "ask": {"kind": "number", "value": "b - 1"},
            },
            {"show": "$@{a} + @{b} = @{a + b}$", "why": "Add.", "ask": whole},
        ]
    return canonical(course)


def learn_from(catalogue: Catalogue, sha: str, item_id: str, verdict: str = "correct") -> None:
    """Let a catalogue hear of one scored answer of some learner."""
    of = catalogue.at_hand(*catalogue.pick(sha))
    item = of.course.items[of.item_index[item_id]]
    seen = Answered(
        eid="1",
        syllabus=of,
        instance=instance(item, of.course.sha256, 1),
        response="1",
        taken_ms=9_000,
        attempt_no=1,
        hints_used=0,
        steps_shown=False,
        learning_done=False,
    )
    told = Verdict(verdict, "1")  # type: ignore[arg-type]  # one of the names
    decision = decided(Beliefs.fresh(of), seen, told, 1.0, Dice(1, 1))
    catalogue.observe(sha, item_id, "another", decision, seen.taken_ms)


def spelt(n: int) -> str:
    """A number as letters that are no word and no numeral, so that no guard reads it as one.

    >>> spelt(0), spelt(41)
    ('ka', 'vabo')
    """
    return "".join("kbrsvzgplm"[int(digit)] + "aoeuaoeuao"[int(digit)] for digit in str(n))


class Counted:
    """Counts what sessions report."""

    def __init__(self) -> None:
        self.verdicts: list[str] = []
        self.ends: list[str] = []

    def answered(self, timing: Any, verdict: str) -> None:
        self.verdicts.append(verdict)

    def turn_ended(self, source: str, status: str, ttft_ms: float) -> None:
        self.ends.append(status)


class Scripted:
    """A provider that plays pieces: a number waits so many seconds, a failure is raised."""

    local = False
    first_token_s = 2.5

    def __init__(self, *script: Piece | float | ProviderFailed, name: str = "scripted") -> None:
        self.name = name
        self.model = "script-1"
        self.ready = True
        self.script = script
        self.calls = 0
        self.requests: list[LlmRequest] = []
        self.closed = 0

    def warm(self) -> float:
        return 0.0

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        self.calls += 1
        self.requests.append(request)
        try:
            for piece in self.script:
                if isinstance(piece, int | float):
                    await asyncio.sleep(piece)
                elif isinstance(piece, ProviderFailed):
                    raise piece
                else:
                    yield piece
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        return


class FakeWire:
    """One socket: what was written waits here until the client hears it."""

    def __init__(self) -> None:
        self.inbound: list[bytes] = []
        self.close_code: int | None = None

    def write(self, frames: list[bytes]) -> None:
        assert self.close_code is None, "a frame was written to a closed wire"
        self.inbound.extend(frames)

    def close(self, code: int, reason: str) -> None:
        self.close_code = code

    def write_now(self, frames: list[bytes]) -> None:
        self.write(frames)

    def unsent_bytes(self) -> int:
        return 0


class World:
    """One node: store, course, providers, sessions."""

    def __init__(self, store: SqliteStore, ownership: Ownership, counted: Counted) -> None:
        self.store = store
        self.ownership = ownership
        self.counted = counted

    @classmethod
    async def begin(
        cls,
        *providers: Any,
        path: str | None = None,
        limits: Limits = LIMITS,
        idle_s: float = 600.0,
        course: bytes | None = None,
        node: str = "n1",
        pace_words_a_s: float = 30.0,
        fits: Path | None = None,
        rules: TutorRules | None = None,
        budgets: Budgets | None = None,
        tell: Told | None = None,
        turn_limits: TurnLimits | None = None,
        beside: World | None = None,
        nodes: Nodes | None = None,
    ) -> World:
        """A node on the running virtual loop; on the store of another one, if that is named."""
        loop: Any = asyncio.get_running_loop()
        store = beside.store if beside else SqliteStore.open(path, loop=loop, inline=True)
        catalogue = Catalogue(store.records, fits)
        await catalogue.add(course or small_course())
        counted = Counted()
        ground = Surroundings(
            log=store.log,
            records=store.records,
            catalogue=catalogue,
            routing=Routing(
                [*providers, Builtin(pace_words_a_s=pace_words_a_s)], limits=turn_limits
            ),
            loop=loop,
            wall_ms=loop.wall_ms,
            gauges=counted,
            build="test",
            alerts=Alerts(store.records, tell),
            treasury=None
            if budgets is None
            else Treasury(store.ledger, budgets, prices(), wall_ms=loop.wall_ms),
            rules=rules,
            nodes=nodes,
            secret=b"a secret of the tests",
            limits=limits,
        )
        ownership = Ownership(ground, node, idle_s=idle_s)
        ownership.begin()
        await ownership.appear()
        world = cls(store, ownership, counted)
        _ALIVE.append(world)
        return world

    async def learner(self, sid: str | None = None) -> Learner:
        """A fresh client, connected."""
        learner = Learner(self, sid)
        await learner.connect()
        return learner

    async def replayed(self, sid: str) -> Replayed:
        """The session's log folded again."""
        ground = self.ownership.ground
        return await Replay(sid, ground.log, ground.records, ground.catalogue).run()

    async def check(self) -> None:
        """Every live session equals its own log, folded again."""
        for session in self.ownership:
            result = await self.replayed(session.sid)
            assert result.equal, result.differs
            if session.head:
                assert result.state == session.state.to_bytes()

    def kill(self) -> None:
        """Stop as a killed process would: what was queued and not stored is gone."""
        self.ownership.stop()
        self.store.db.close()
        if self.store.lock is not None:
            self.store.lock.close()


_ALIVE: list[World] = []


def kill_all() -> None:
    """Kill every world that is still alive."""
    while _ALIVE:
        _ALIVE.pop().kill()


class Learner:
    """A client with a replica."""

    def __init__(self, world: World, sid: str | None = None, cid: str = "c1") -> None:
        self.world = world
        self.cid = cid
        self.sid = sid
        self.replica = Replica()
        self.wire = FakeWire()
        self.attached: Attached | None = None
        self.heard: list[Any] = []
        self.errors: list[Err] = []
        self.ids = 0

    async def connect(self) -> None:
        """Dial, say hello, hear the welcome and the catch-up."""
        self.wire = FakeWire()
        hello = self.replica.hello()
        outbox = self.world.ownership.outbox(self.wire)
        self.attached = await self.world.ownership.attach(
            self.sid, hello, outbox, Greeting(cid=self.cid, node=self.world.ownership.node)
        )
        self.sid = self.attached.session.sid
        self.pump()

    def cut(self) -> None:
        """The network fails: what was written and not heard is gone."""
        if self.attached is not None:
            self.attached.detach()
            self.attached = None
        self.replica.cut()

    def pump(self, most: int | None = None) -> int:
        """Hear what was written (at most so many frames), send what follows from it."""
        heard = 0
        while self.wire.inbound and (most is None or heard < most):
            self._hear(self.wire.inbound.pop(0))
            heard += 1
        return heard

    def _hear(self, frame: bytes) -> None:
        event = decode_event(frame)
        self.heard.append(event)
        if isinstance(event, Err):
            self.errors.append(event)
        now_s = asyncio.get_running_loop().time()
        for command in self.replica.hear(event, now_s):
            self.transmit(command)

    def transmit(self, command: Command) -> None:
        """Send a command as bytes; a refusal comes back as an `err` frame."""
        if self.attached is None or self.wire.close_code is not None:
            return
        try:
            self.attached.hear(decode(encode_command(command)))
        except Refused as refused:
            self.attached.outbox.say(refusal(refused))

    def new_id(self) -> str:
        """A fresh command id."""
        self.ids += 1
        return f"c{self.ids}"

    async def send(self, command: Command) -> None:
        """Send a command that is kept until its reply, and hear what comes at once."""
        for each in self.replica.send(command):
            self.transmit(each)
        await settle()
        self.pump()
        await settle()
        self.pump()

    def of(self, kind: type[Any]) -> list[Any]:
        """All events of one kind that were heard."""
        return [event for event in self.heard if isinstance(event, kind)]


async def settle() -> None:
    """Let everything that is ready run, without moving time."""
    from tests.virtual import settled

    await settled()
