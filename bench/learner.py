"""One simulated learner who answers when the schedule says so. This file is the feedback client.

The same learner speaks to every server that is compared; a `Dialect` is what differs on the wire.
It acknowledges as the protocol asks: after 16 events or 250 ms, and together with an answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from bench.course import sum_of
from bench.wire import SUBPROTOCOL, Wire, dialled
from protocol.limits import LIMITS

P_RIGHT = 0.8
Dialect = Literal["native", "naive", "socketio", "echo"]


class Choice(msgspec.Struct, gc=False):
    """An option of an item."""

    id: str


class Heard(msgspec.Struct, gc=False):
    """What the client reads of any event."""

    t: str = ""
    q: int = 0
    id: str = ""
    re: str = ""
    item: str = ""
    prompt: str = ""
    verdict: str = ""
    done: bool = False
    code: int = 0
    msg: str = ""
    gen: str = ""
    text: str = ""
    text_sha256: str = ""
    status: str = ""
    choices: list[Choice] | None = None
    widget: dict[str, Any] | None = None
    timing: dict[str, int] | None = None


_event = msgspec.json.Decoder(Heard)
_named = msgspec.json.Decoder(tuple[str, Heard])


class Tally:
    """What all learners of a run saw; `since_s` and `until_s` bound the arrivals that count."""

    def __init__(self) -> None:
        self.since_s = float("inf")
        self.until_s = float("inf")
        self.latencies_ms: list[float] = []
        """From the time an answer was due to its feedback."""
        self.late_sends_ms: list[float] = []
        """From the time an answer was due to its sending, where no reply was waited for."""
        self.stages: dict[str, list[int]] = {}
        self.feedbacks = 0
        self.verdicts: dict[str, int] = {}
        self.waiting = 0
        self.guesses = 0
        """Answers to prompts that only another course has."""
        self.queued = 0
        """Answers that had to wait in the client for the reply to the one before."""
        self.refusals: list[str] = []
        self.closed: list[int] = []

    def answered(self, due_s: float, heard: Heard) -> None:
        """One feedback came."""
        now_s = time.monotonic()
        self.waiting -= 1
        self.feedbacks += 1
        if not self.since_s <= due_s < self.until_s:
            return
        self.latencies_ms.append((now_s - due_s) * 1000)
        self.verdicts[heard.verdict] = self.verdicts.get(heard.verdict, 0) + 1
        for stage, us in (heard.timing or {}).items():
            self.stages.setdefault(stage, []).append(us)


def guessed(widget: dict[str, Any] | None, dice: random.Random) -> Any:
    """Any value of a widget that can be judged; None where a number or a formula is asked for."""
    shown = widget or {}
    kind = shown.get("kind")
    if kind in ("order", "parsons"):
        ids = [entry["id"] for entry in shown.get("tokens") or shown["lines"]]
        return dice.sample(ids, len(ids))
    if kind == "match":
        return {one["id"]: dice.choice(shown["right"])["id"] for one in shown["left"]}
    if kind == "parts":
        return {part["id"]: _guessed_part(part, dice) for part in shown["parts"]}
    return None


def _guessed_part(part: dict[str, Any], dice: random.Random) -> Any:
    if part.get("choices"):
        return dice.choice(part["choices"])["id"]
    arranged = guessed(part.get("widget"), dice)
    return str(dice.randrange(1, 100)) if arranged is None else arranged


class Learner:
    """One connection: `enter`, then `answer` at each arrival."""

    def __init__(self, name: int, dialect: Dialect, dice: random.Random, tally: Tally) -> None:
        self.wire: Wire
        self.events = 0
        self._name = name
        self._dialect = dialect
        self._dice = dice
        self._tally = tally
        self._item = self._prompt = ""
        self._choices: list[Choice] | None = None
        self._widget: dict[str, Any] | None = None
        self._busy = False
        self._due: deque[float] = deque()
        self._asked: dict[str, float] = {}
        self._count = 0
        self._ready: asyncio.Event = asyncio.Event()
        self._unacked = 0
        self._unacked_since_s = 0.0
        self._q = 0

    async def enter(self, url: str) -> None:
        """Connect and begin a lesson."""
        subprotocol = SUBPROTOCOL if self._dialect == "native" else None
        self.wire = await dialled(url, self._hear, self._lost, subprotocol=subprotocol)
        if self._dialect == "echo":
            return
        if self._dialect == "socketio":
            self.wire.send(b"40")
        else:
            self.wire.send(b'{"t":"hello"}')
        async with asyncio.timeout(60):
            await self._ready.wait()

    def answer(self, due_s: float) -> None:
        """An arrival; it waits only if the answer before it has no feedback yet."""
        self._tally.waiting += 1
        if self._busy:
            self._tally.queued += 1
            self._due.append(due_s)
        else:
            if self._tally.since_s <= due_s < self._tally.until_s:
                self._tally.late_sends_ms.append((time.monotonic() - due_s) * 1000)
            self._send_answer(due_s)

    def ack(self) -> None:
        """Say what was applied, where something was."""
        if self._unacked:
            self.wire.send(self._acked())

    def ack_if_late(self, now_s: float) -> None:
        """The ack that time brings."""
        if self._unacked and now_s >= self._unacked_since_s + LIMITS.ack_ms / 1000:
            self.ack()

    # --- out ----------------------------------------------------------------------------------

    def _acked(self) -> bytes:
        self._unacked = 0
        return b'{"t":"ack","pos":{"me":%d}}' % self._q

    def _send_answer(self, due_s: float) -> None:
        self._busy = True
        self._count += 1
        name = f"{self._name}.{self._count}"
        self._asked[name] = due_s
        right = self._dialect == "echo" or self._dice.random() < P_RIGHT
        response = "0" if self._dialect == "echo" else self._response(right)
        body = msgspec.json.encode(
            {
                "t": "answer.submit",
                "id": name,
                "item": self._item,
                "response": response,
                "taken_ms": self._dice.randrange(2_000, 30_000),
            }
        )
        if self._dialect == "socketio":
            body = b'42["answer.submit",' + body + b"]"
        elif self._unacked:
            body += b"\n" + self._acked()
        self.wire.send(body)

    def _response(self, right: bool) -> Any:
        try:
            value = sum_of(self._prompt)
        except ValueError:  # another course: a guess is judged all the same
            self._tally.guesses += 1
            if self._choices:
                return self._dice.choice(self._choices).id
            arranged = guessed(self._widget, self._dice)
            if arranged is not None:
                return arranged
            return str(self._dice.randrange(1, 100))
        return str(value if right else value + self._dice.randrange(1, 9))

    def _start_lesson(self) -> None:
        if self._dialect == "socketio":
            self.wire.send(b'42["lesson.start",{"id":"start"}]')
        else:
            self.wire.send(b'{"t":"lesson.start","id":"start"}')

    # --- in -----------------------------------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        if self._dialect == "socketio":
            self._hear_packet(payload)
            return
        for frame in payload.split(b"\n"):
            heard = _event.decode(frame)
            self._event(heard.t, heard)

    def _hear_packet(self, payload: bytes) -> None:
        if payload.startswith(b"42"):
            self._event(*_named.decode(payload[2:]))
        elif payload.startswith(b"40"):
            self._start_lesson()
        elif payload == b"2":
            self.wire.send(b"3")

    def _event(self, t: str, heard: Heard) -> None:
        self.events += 1
        if heard.q and self._dialect == "native":
            self._count_unacked(heard.q)
        if t == "feedback":
            self._tally.answered(self._asked.pop(heard.re), heard)
            if not heard.done:
                self._free()
        elif t == "item":
            self._item, self._prompt, self._choices = heard.item, heard.prompt, heard.choices
            self._widget = heard.widget
            self._ready.set()
            self._free()
        elif t == "answer.submit":
            self._tally.answered(self._asked.pop(heard.id), heard)
            self._free()
        elif t == "welcome":
            self._start_lesson()
        elif t == "err":
            self._tally.refusals.append(f"{heard.code} {heard.msg}")
        elif t == "ping":
            self.wire.send(b'{"t":"pong"}')

    def _count_unacked(self, q: int) -> None:
        self._q = max(self._q, q)
        if not self._unacked:
            self._unacked_since_s = time.monotonic()
        self._unacked += 1
        if self._unacked >= LIMITS.ack_events:
            self.ack()

    def _free(self) -> None:
        self._busy = False
        if self._due:
            self._send_answer(self._due.popleft())

    def _lost(self, code: int) -> None:
        self._tally.closed.append(code)


async def entered(
    n: int, url: str, dialect: Dialect, seed: int, tally: Tally, *, at_once: int = 20
) -> list[Learner]:
    """So many learners, connected `at_once` at a time, each with a lesson begun.

    Raises HandshakeFailed, OSError, TimeoutError.
    """
    learners = [Learner(k, dialect, random.Random(seed * 10_007 + k), tally) for k in range(n)]
    for start in range(0, n, at_once):
        try:
            async with asyncio.TaskGroup() as group:
                for learner in learners[start : start + at_once]:
                    group.create_task(learner.enter(url))
        except ExceptionGroup as failed:  # they fail alike: one says it
            raise failed.exceptions[0] from None
    return learners


async def acknowledging(learners: list[Learner], until: Callable[[], bool]) -> None:
    """Send the acks that time brings, 20 times a second."""
    while not until():
        now_s = time.monotonic()
        for learner in learners:
            learner.ack_if_late(now_s)
        await asyncio.sleep(0.05)


def counted(learners: list[Learner]) -> dict[str, Any]:
    """Payload bytes and events so far."""
    return {
        "bytes_in": sum(learner.wire.bytes_in for learner in learners),
        "bytes_out": sum(learner.wire.bytes_out for learner in learners),
        "events": sum(learner.events for learner in learners),
    }
