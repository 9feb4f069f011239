"""What a turn's own steps take in one process: its plan with the prompt, the built-in tutor's first
word. This file times them for `tutorstream bench llm`, which opens no door of the server but this.

Everything is the server's own: courses, memory store, sessions, router. No socket takes part.

As a process: `python -m server.turn_timing --plans 5000 --turns 10000` prints one JSON line of
microseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Sequence

import msgspec

from protocol.commands import LessonStart, PrefsSet, TurnStart
from protocol.events import Timing
from protocol.limits import LIMITS
from server.app import Application
from server.settings import Settings
from streaming.attach import Attached
from streaming.planning import planned_turn
from streaming.session import Session
from streaming.state import Asked

LEARNERS = 8
TURNS_BEFORE = 16
"""Turns that a session remembers when its plans are timed."""
END_S = 10.0


class Deaf:
    """The wire of nobody."""

    def write(self, frames: list[bytes]) -> None:
        """Hear nothing."""

    write_now = write

    def close(self, code: int, reason: str) -> None:
        """Nothing is open."""

    def unsent_bytes(self) -> int:
        """Nothing waits."""
        return 0


class Ends:
    """Where sessions count into: keeps each turn's first chunk, and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.first_us: list[float] = []
        self.over = asyncio.Event()

    def answered(self, timing: Timing, verdict: str) -> None:
        """No answer is given here."""

    def turn_ended(self, source: str, status: str, ttft_ms: float) -> None:
        """One turn ended. Raises RuntimeError where the built-in tutor did not say it whole."""
        if (source, status) != ("builtin", "completed"):
            raise RuntimeError(f"expected a complete built-in turn, came {source} {status}")
        self.first_us.append(ttft_ms * 1000)
        self.over.set()


class Bench:
    """A server without a socket, and some learners who each have a lesson."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._ground = application.ownership.ground
        self._ends = Ends()
        self._ground.gauges = self._ends
        self._learners: list[tuple[Session, Attached]] = []
        self._asked = 0

    async def begin(self) -> None:
        """Let the learners in; each asks as often as a memory is long."""
        ownership = self._application.ownership
        for number in range(LEARNERS):
            session = await ownership.session(f"timing-{number}")
            assert isinstance(session, Session)  # nobody else has it
            origin = Attached(session, ownership.outbox(Deaf()), self._ground, "timing")
            session.hear(LessonStart("lesson", seed=number), origin)
            session.hear(PrefsSet("prefs", {"reduced_motion": True}), origin)
            self._learners.append((session, origin))
        for _ in range(TURNS_BEFORE):
            for learner in self._learners:
                await self._turn(*learner)

    async def first_us(self, turns: int) -> list[float]:
        """From a turn's plan to its first chunk in the log, its claim stored between them."""
        self._ends.first_us = []
        for number in range(turns):
            await self._turn(*self._learners[number % LEARNERS])
        return self._ends.first_us

    def plans_us(self, plans: int) -> list[float]:
        """From a question to act, guards and prompt."""
        found = []
        secret = hashlib.sha256(b"timing").digest()
        for number in range(plans):
            session, _ = self._learners[number % LEARNERS]
            text = f"Why is that so, and what comes after step {number}?"
            ask = Asked(f"plan.{number}", text, None, None)
            start_s = time.perf_counter()
            plan = planned_turn(
                session.state, ask, self._ground.rules, sid=session.sid, secret=secret
            )
            found.append((time.perf_counter() - start_s) * 1e6)
            if not plan.request.messages:
                raise RuntimeError("expected a prompt for a model, none was made")
        return found

    async def _turn(self, session: Session, origin: Attached) -> None:
        self._asked += 1
        self._ends.over.clear()
        session.hear(TurnStart(f"ask.{self._asked}", "Why does that hold?"), origin)
        async with asyncio.timeout(END_S):
            await self._ends.over.wait()


async def timed(plans: int, turns: int) -> dict[str, list[float]]:
    """Both, in microseconds, in the order they were taken."""
    limits = msgspec.structs.replace(LIMITS, turns_a_min=sys.maxsize)
    application = await Application.begin(Settings(store="memory:"), limits)
    try:
        await application.warm()
        bench = Bench(application)
        await bench.begin()
        found = {"plan_us": bench.plans_us(plans), "first_us": await bench.first_us(turns)}
    finally:
        await application.aclose()
    return found


def main(words: Sequence[str] | None = None) -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=10_000)
    args = parser.parse_args(words)
    # asyncio's own loop: uvloop's clock counts whole milliseconds.
    found = asyncio.run(timed(args.plans, args.turns))
    print(json.dumps({k: [round(us, 2) for us in values] for k, values in found.items()}))


if __name__ == "__main__":
    main()
