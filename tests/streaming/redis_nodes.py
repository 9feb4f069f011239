"""Several nodes' logs on one real Redis. This file opens them, and holds answers back for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from streaming.log import Entry, News, Ticket
from streaming.log_redis import RedisLog
from streaming.records import Attempt, Records

T0 = 1_750_000_000_000
LONG_S = 60.0
"""What takes longer does not come any more."""


def entries(first: int, count: int = 1) -> list[Entry]:
    return [Entry(seq, T0 + seq, b'{"q":%d}' % seq, b"deed") for seq in range(first, first + count)]


class Attempts:
    """Records that take attempts when they are told to: slow ones, and then one that fails."""

    def __init__(self) -> None:
        self.taken: list[tuple[Attempt, Ticket]] = []
        self.at_once = True
        self._more = asyncio.Event()

    async def until(self, count: int) -> None:
        """Returns once so many were taken."""
        async with asyncio.timeout(LONG_S):
            while len(self.taken) < count:
                self._more.clear()
                await self._more.wait()

    def add_attempt(self, attempt: Attempt) -> Ticket:
        ticket = Ticket()
        self.taken.append((attempt, ticket))
        self._more.set()
        if self.at_once:
            ticket.resolve()
        return ticket


class Heard:
    def __init__(self) -> None:
        self.news: list[News] = []
        self._more = asyncio.Event()

    def __call__(self, news: News) -> None:
        self.news.append(news)
        self._more.set()

    @property
    def seqs(self) -> list[int]:
        return [e.seq for news in self.news for e in news.entries]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG_S):
            while not true():
                self._more.clear()
                await self._more.wait()

    async def told_to_read(self) -> News:
        await self.until(lambda: any(not n.entries and not n.released for n in self.news))
        return next(n for n in self.news if not n.entries and not n.released)


class Nodes:
    """Several processes' logs on one Redis, closed at the end of a test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.attempts = Attempts()
        self._open: list[RedisLog] = []

    async def join(self, url: str | None = None, *, hold_s: float = 0.0) -> RedisLog:
        log = await RedisLog.open(
            url or self.url,
            loop=asyncio.get_running_loop(),
            records=cast("Records", self.attempts),
            hold_s=hold_s,
        )
        self._open.append(log)
        return log

    async def __aenter__(self) -> Nodes:
        return self

    async def __aexit__(self, *_: object) -> None:
        for log in self._open:
            await log.aclose()


async def ill(log: RedisLog) -> None:
    """Returns once something is wrong with the log's Redis."""
    async with asyncio.timeout(LONG_S):
        while log.trouble is None:  # noqa: ASYNC110 - a state that a call changes
            await asyncio.sleep(0.02)


async def well(log: RedisLog) -> None:
    """Returns once all is well with the log's Redis."""
    async with asyncio.timeout(LONG_S):
        while log.trouble is not None:  # noqa: ASYNC110 - a state that a probe changes
            await asyncio.sleep(0.02)
