"""A learner who comes back by herself, to the next node. This file is the client of the failures.

It does what the protocol asks of every client: back-off with full jitter, the server's own delay
after `drain`, a connection given up that was silent for too long, commands sent again under their
ids. Its picture is `protocol.replica.Replica`; beside it stands what it was told, frame by frame,
so that a checker can hold both against the stored log.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import NamedTuple

from bench.upstream import question
from bench.wire import HandshakeFailed, Wire, dialled
from protocol.codec import decode_event, encode_command
from protocol.commands import AnswerSubmit, Command, LessonStart, TurnStart
from protocol.errors import reconnects
from protocol.events import Delta, Drain, Err, Event, Feedback, Foreign, TurnDone, Welcome
from protocol.limits import LIMITS
from protocol.replica import ME, Replica

DIAL_S = 10.0
"""Longest wait for a node to take the connection and to say `welcome`."""
ENTER_S = 120.0
TICK_S = 0.1
"""How often acks, retries and silence are looked at."""


class Told(NamedTuple):
    """A verdict as it was heard: where it stands in which log."""

    epoch: str
    q: int


class Follower:
    """One session from outside, kept connected until `leave`."""

    def __init__(self, name: int, urls: list[str], home: int, dice: random.Random) -> None:
        self.name = name
        self.replica = Replica()
        self.asked: dict[str, str] = {}
        """The command of each turn -> the name of its answer upstream."""
        self.submitted: list[str] = []
        """Ids of the answers that were given."""
        self.verdicts: dict[str, Told] = {}
        self.refusals: Counter[str] = Counter()
        self.refused_turns: set[str] = set()
        self.late_deltas = 0
        """Deltas heard after the end of their generation."""
        self.ended_twice = 0
        self.reconnects = 0
        self.back_ms: list[float] = []
        """From a connection's loss to having all that the next `welcome` named."""
        self.closes: Counter[int] = Counter()
        self.failed: str | None = None
        """Why it does not come back, where it does not."""
        self.welcomed_at: list[str] = []
        """The nodes that said `welcome`, in order."""
        self._urls = urls
        self._at = home
        self._dice = dice
        self._wire: Wire | None = None
        self._task: asyncio.Task[None] | None = None
        self._welcome: asyncio.Event = asyncio.Event()
        self._lost: asyncio.Event = asyncio.Event()
        self._heard_s = 0.0
        self._lost_s: float | None = None
        self._head = 0
        self._ends: dict[str, Told] = {}
        self._leaving = False
        self._hurry = False
        self._answers = 0

    # --- coming and going ---------------------------------------------------------------------

    async def enter(self) -> None:
        """Connect and begin a lesson; raises TimeoutError, RuntimeError."""
        self._task = asyncio.create_task(self._kept())
        self.send(LessonStart("lesson"))
        async with asyncio.timeout(ENTER_S):
            while self.replica.item is None:
                if self.failed is not None:
                    raise RuntimeError(f"learner {self.name} is not let in: {self.failed}")
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        """Hang up and stay away."""
        self._leaving = True
        if self._wire is not None:
            self._wire.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def move(self) -> None:
        """Hang up without a word and come back at once, to the next node."""
        self._hurry = True
        if self._wire is not None:
            self._wire.cut()

    @property
    def live(self) -> bool:
        """Whether it is connected and has caught up."""
        return self.replica.connected and self._lost_s is None

    async def _kept(self) -> None:
        tries = 0
        while True:
            if await self._dialled():
                await self._lost.wait()
                tries = 0
            else:
                tries += 1
            self.replica.cut()
            if self._leaving or self.failed is not None:
                return
            self._at = (self._at + 1) % len(self._urls)
            self.reconnects += 1
            await asyncio.sleep(self._pause_s(tries))

    def _pause_s(self, tries: int) -> float:
        hurry, self._hurry = self._hurry, False
        if hurry:
            return 0.0
        cap_s = LIMITS.backoff_first_s * LIMITS.backoff_factor**tries
        return self._dice.random() * min(cap_s, LIMITS.backoff_cap_s)

    async def _dialled(self) -> bool:
        """Whether a node said `welcome`."""
        self._welcome.clear()
        self._lost.clear()
        try:
            async with asyncio.timeout(DIAL_S):
                self._wire = await dialled(
                    self._urls[self._at], self._hear, self._hung_up, kind=self._made
                )
                self._say([self.replica.hello()])
                ended = asyncio.ensure_future(self._lost.wait())
                come = asyncio.ensure_future(self._welcome.wait())
                try:
                    await asyncio.wait((ended, come), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    ended.cancel()
                    come.cancel()
        except (OSError, HandshakeFailed, TimeoutError):
            if self._wire is not None:
                self._wire.cut()
            return False
        return self._welcome.is_set()

    def _made(self, ear: object, lost: object) -> Wire:  # noqa: ARG002 - they are our own
        # A wire that was given up may still call: only the newest one is listened to.
        wire: Wire

        def hear(payload: bytes) -> None:
            if self._wire is wire:
                self._hear(payload)

        def hung_up(code: int) -> None:
            if self._wire is wire:
                self._hung_up(code)

        wire = self._wire = Wire(hear, hung_up)
        return wire

    def _hung_up(self, code: int) -> None:
        self.closes[code] += 1
        if self._lost_s is None:
            self._lost_s = time.monotonic()
        self.replica.cut()
        if not self._leaving and not reconnects(code):
            self.failed = f"closed with {code}"
        self._lost.set()

    # --- asking -------------------------------------------------------------------------------

    def ask(self, name: str) -> str:
        """Ask for the answer of this name; the command's id."""
        command_id = f"ask.{name}"
        self.asked[command_id] = name
        self.send(TurnStart(command_id, question(name)))
        return command_id

    def answer(self) -> None:
        """Answer the open item, if no answer waits for its verdict."""
        item = self.replica.item
        if item is None or (self.submitted and self.submitted[-1] in self.replica.pending):
            return
        self._answers += 1
        command_id = f"answer.{self._answers}"
        self.submitted.append(command_id)
        self.send(AnswerSubmit(command_id, item.item, "0", 9_000))

    def over(self, command_id: str) -> bool:
        """Whether this turn has ended here, or never began."""
        if command_id in self.refused_turns:
            return True
        gen = self.gen_of(command_id)
        generation = self.replica.generation(gen) if gen else None
        return generation is not None and not generation.running

    def gen_of(self, command_id: str) -> str:
        """The generation that a command began, as far as it is known here."""
        reply = self.replica.replies.get(command_id)
        return str(getattr(reply, "gen", ""))

    def send(self, *commands: Command) -> None:
        """Say these now, or after the next `welcome`."""
        self._say([frame for command in commands for frame in self.replica.send(command)])

    def tick(self, now_s: float) -> None:
        """What only time brings: acks, retries, and the end of a silent connection."""
        if not self.replica.connected:
            return
        if now_s - self._heard_s > LIMITS.dead_s and self._wire is not None:
            self._wire.cut()
            return
        self._say(self.replica.due(now_s))

    def _say(self, commands: list[Command]) -> None:
        if commands and self._wire is not None:
            self._wire.send(b"\n".join(encode_command(command) for command in commands))

    # --- hearing ------------------------------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        now_s = self._heard_s = time.monotonic()
        for frame in payload.split(b"\n"):
            event = decode_event(frame)
            self._say(self.replica.hear(event, now_s))
            self._note(event)
        if self._lost_s is not None and self.replica.connected:
            self._caught_up(now_s)

    def _caught_up(self, now_s: float) -> None:
        if self.replica.position.seq >= self._head:
            assert self._lost_s is not None
            self.back_ms.append((now_s - self._lost_s) * 1000)
            self._lost_s = None

    def _note(self, event: Event | Foreign) -> None:
        match event:
            case Welcome():
                self._head = next(line.head for line in event.logs if line.s == ME)
                self.welcomed_at.append(event.node)
                self._welcome.set()
            case Feedback(dup=False):
                self.verdicts[event.re] = Told(self.replica.position.epoch, event.q)
            case TurnDone() | Delta():
                self._note_turn(event)
            case Err():
                self.refusals[f"{event.code} {event.name}"] += 1
                if not event.temp and event.re in self.asked:
                    self.refused_turns.add(event.re or "")
            case Drain():
                asyncio.get_running_loop().call_later(
                    event.after_ms / 1000, self._gone_elsewhere, self._wire
                )

    def _note_turn(self, event: TurnDone | Delta) -> None:
        here = Told(self.replica.position.epoch, event.q)
        end = self._ends.get(event.gen)
        if end is not None and end.epoch == here.epoch:
            later = event.q > end.q
            self.late_deltas += later and isinstance(event, Delta)
            self.ended_twice += later and isinstance(event, TurnDone)
        elif isinstance(event, TurnDone):
            self._ends[event.gen] = here

    def _gone_elsewhere(self, wire: Wire | None) -> None:
        """The node is leaving, and its delay is over."""
        if wire is self._wire and not self._leaving:
            self.move()


async def ticking(followers: list[Follower]) -> None:
    """Give every follower its ticks until cancelled."""
    while True:
        now_s = time.monotonic()
        for follower in followers:
            follower.tick(now_s)
        await asyncio.sleep(TICK_S)
