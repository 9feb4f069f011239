"""A second call while the first is silent (Dean & Barroso 2013). This file is that race.

Whoever gives the first text is the turn's voice; the other is given up at once. Nothing of it was
shown, so the two are never mixed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from streaming.counts import Counts, HedgeOutcome
from streaming.voice import Attempt, Said, clamped
from streaming.waits import Share

HEDGED_MOST = 0.1
"""The part of the last 5 minutes' turns that may have made a second call."""
BUSY_SHARE = 0.8
"""With more of a node's turns running there are no second calls."""

Opening = Said | None
LetGo = Callable[[Attempt, "asyncio.Task[Opening]"], None]
"""Takes an attempt that was given up, and the task that waits for its text, to be closed."""
Rival = Callable[[], Awaitable[Attempt | None]]
"""Opens the second attempt, or says that there is none."""


class Hedges:
    """The second calls of a node; `turns_most` is how many turns it may run."""

    __slots__ = ("_counts", "_on", "_recent", "_turns_most")

    def __init__(self, counts: Counts, *, on: bool, turns_most: int) -> None:
        self._counts = counts
        self._on = on
        self._turns_most = turns_most
        self._recent = Share()

    def turn(self, now_s: float) -> None:
        """A turn began."""
        self._recent.count(now_s, 1, 0)

    def allowed(self, now_s: float, running: int) -> bool:
        """Whether a turn may make one now, with so many turns running."""
        if not self._on or running > BUSY_SHARE * self._turns_most:
            return False
        self._recent.forget(now_s)
        return self._recent.part + 1 <= HEDGED_MOST * self._recent.whole

    async def raced(self, first: Attempt, rival: Rival, let_go: LetGo) -> tuple[Attempt, Opening]:
        """The attempt that is the turn's voice, with its first piece; None where it ended without.

        An attempt that fails leaves the race; what a guard caught, and what a model refused, ends
        it. A loser is concluded before this returns, a cancelled race concludes both.
        """
        loop = asyncio.get_running_loop()
        opening = loop.create_task(first.said())
        running = {opening: first}
        try:
            await asyncio.wait(running, timeout=hedged_after_s(first))
            silent = not opening.done() and not first.raw
            second = await rival() if silent else None
            if second is not None and opening.done():
                await self._unsent(second)
                second = None
            if second is not None:
                self._sent(loop.time())
                running[loop.create_task(second.said())] = second
            voice, piece = await _first_voice(running)
            if second is not None:
                self._counts.hedges[_outcome(second, voice, piece)] += 1
            for loser in running.values():
                loser.conclude("lost" if piece is not None else "left")
            return voice, piece
        finally:
            for task, attempt in running.items():
                attempt.conclude("left")
                let_go(attempt, task)

    def _sent(self, now_s: float) -> None:
        self._counts.hedges["sent"] += 1
        self._recent.count(now_s, 0, 1)

    async def _unsent(self, second: Attempt) -> None:
        """The first spoke while money was set aside: the second was never called."""
        await second.aclose()
        second.turn.tried.discard(second.candidate)
        second.turn.hedged = False


def hedged_after_s(attempt: Attempt) -> float:
    """How long a first call may be silent until it gets a rival; the longest while unknown."""
    least_s, most_s = attempt.turn.limits.hedge_s
    p95_s = attempt.candidate.first_tokens.p95_s()
    return most_s if p95_s is None else clamped(p95_s, least_s, most_s)


async def _first_voice(
    running: dict[asyncio.Task[Opening], Attempt],
) -> tuple[Attempt, Opening]:
    """The first to say something, or the last to fail; those that ended leave `running`."""
    while True:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in running if task.done()]:
            attempt = running.pop(task)
            piece = task.result()
            if piece is not None or not running or _final(attempt):
                return attempt, piece


def _final(attempt: Attempt) -> bool:
    """No other model is heard after this."""
    refused = attempt.failure is not None and attempt.failure.kind == "refused"
    return refused or attempt.caught is not None


def _outcome(second: Attempt, voice: Attempt, piece: Opening) -> HedgeOutcome:
    if piece is None or second.failure is not None:
        return "failed"
    return "won" if voice is second else "lost"
