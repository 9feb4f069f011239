"""Many turns at once by schedule: whoever is free asks. This file is the open loop of `bench llm`.

Arrivals are drawn beforehand and wait for no reply; an arrival that finds nobody free waits in the
client and is counted from the time it was due.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import NamedTuple

from bench.llm_learner import Asked, Learner
from bench.llm_upstream import question
from bench.reader import ticking

OPENED_AT_ONCE = 8


class Arrival(NamedTuple):
    """A turn to come: `at_s` from the start; `cancel_after_s` from its `turn.started`, or None."""

    at_s: float
    name: str
    cancel_after_s: float | None


class Pool:
    """Learners in sessions of their own; one whose turns are used up makes room for another."""

    def __init__(self, url: str, size: int) -> None:
        self.learners: list[Learner] = []
        self.queued = 0
        """Arrivals that found nobody free."""
        self.arrived = 0
        self.error: BaseException | None = None
        self._url = url
        self._size = size
        self._free: deque[Learner] = deque()
        self._due: deque[tuple[Arrival, float]] = deque()
        self._doors = asyncio.Semaphore(OPENED_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticks: asyncio.Task[None] | None = None
        self._closing = False

    async def fill(self) -> None:
        """Open the sessions, each with a lesson begun."""
        self._ticks = asyncio.create_task(ticking(lambda: [x.reader for x in self.learners]))
        await asyncio.gather(*(self._open() for _ in range(self._size)))

    def ask(self, arrival: Arrival, due_s: float) -> None:
        """An arrival: whoever is free asks, else the next to be free."""
        self.arrived += 1
        if self._free:
            _begin(self._free.popleft(), arrival, due_s)
        else:
            self.queued += 1
            self._due.append((arrival, due_s))

    @property
    def running(self) -> int:
        """Turns under way."""
        return sum(learner.turn is not None for learner in self.learners)

    def waiting(self) -> int:
        """Turns under way and arrivals that nobody took yet; 0 where a session could not open."""
        return 0 if self.error else self.running + len(self._due)

    @property
    def turns(self) -> list[Asked]:
        """Every turn that was asked for."""
        return [turn for learner in self.learners for turn in learner.turns]

    @property
    def tokens(self) -> int:
        """Tokens heard by all."""
        return sum(learner.tokens for learner in self.learners)

    @property
    def late_deltas(self) -> int:
        """Chunks that came after their turn's end."""
        return sum(learner.late_deltas for learner in self.learners)

    @property
    def ended_twice(self) -> int:
        """Ends that came after their turn's end."""
        return sum(learner.ended_twice for learner in self.learners)

    async def close(self) -> None:
        """Everybody leaves. Raises what went wrong on the way."""
        self._closing = True
        for task in (*self._tasks, self._ticks):
            if task is not None:
                task.cancel()
        for learner in self.learners:
            learner.reader.close()
        if self.error is not None:
            raise self.error

    def _over(self, learner: Learner) -> None:
        if not learner.turns_left:
            if not self._closing:
                self._later()
        elif self._due:
            _begin(learner, *self._due.popleft())
        else:
            self._free.append(learner)

    async def _open(self) -> None:
        async with self._doors:
            learner = Learner(len(self.learners), self._url, self._over)
            self.learners.append(learner)
            await learner.reader.enter()
        self._over(learner)

    def _later(self) -> None:
        task = asyncio.create_task(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.error = self.error or task.exception()


def _begin(learner: Learner, arrival: Arrival, due_s: float) -> None:
    learner.ask(arrival.name, question(arrival.name), due_s, arrival.cancel_after_s)


def cancels(n: int, share: float, within_s: tuple[float, float], seed: int) -> list[float | None]:
    """For each of `n` turns when it is cancelled after its start, or None."""
    dice = random.Random(seed)
    return [dice.uniform(*within_s) if dice.random() < share else None for _ in range(n)]
