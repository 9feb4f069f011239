"""The twins of each port, as fixtures. This file is where another twin joins.

A twin whose server is absent skips aloud in its `begin`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from streaming.log import Log
from streaming.log_redis import RedisLog
from streaming.records import Records
from streaming.store_sqlite import SqliteStore
from tests.redis_server import redis_server
from tests.virtual import VirtualLoop


class Twin:
    """One implementation of both ports; `durable` ones find their data again after `reopen`."""

    durable = True
    log: Log
    records: Records

    async def begin(self, loop: VirtualLoop, folder: Path) -> None:
        """Open; skips aloud where what it needs is absent."""
        raise NotImplementedError

    async def reopen(self) -> None:
        """Close and open again, as a restarted process would."""
        raise NotImplementedError

    async def end(self) -> None:
        """Close."""
        raise NotImplementedError


class Sqlite(Twin):
    """The embedded twin: in memory, on a file, on a file with its threads."""

    def __init__(self, *, file: bool, threads: bool) -> None:
        self.durable = file
        self._threads = threads
        self._held = ExitStack()

    async def begin(self, loop: VirtualLoop, folder: Path) -> None:
        self._loop = loop
        self._path = str(folder / "store.db") if self.durable else None
        if self._threads:
            self._held.enter_context(loop.outside())
        self._open()

    def _open(self) -> None:
        self.store = SqliteStore.open(self._path, loop=self._loop, inline=not self._threads)
        self.log = self.store.log
        self.records = self.store.records

    async def reopen(self) -> None:
        await self.store.aclose()
        self._open()

    async def end(self) -> None:
        await self.store.aclose()
        self._held.close()


class Redis(Twin):
    """The shared twin, on a real server that all tests of this process use one after another."""

    _server = ExitStack()
    _url = ""

    async def begin(self, loop: VirtualLoop, folder: Path) -> None:
        if not Redis._url:
            Redis._url, _ = self._server.enter_context(redis_server())
        self._loop = loop
        self._held = ExitStack()
        self._held.enter_context(loop.outside())
        async with Client.from_url(self._url) as client:
            await client.flushall()
        self.store = SqliteStore.open(None, loop=loop, inline=True)
        self.records = self.store.records
        await self._open()

    async def _open(self) -> None:
        self.log = await RedisLog.open(self._url, loop=self._loop, records=self.records)

    async def reopen(self) -> None:
        await self.log.aclose()
        await self._open()

    async def end(self) -> None:
        await self.log.aclose()
        await self.store.aclose()
        self._held.close()

    @classmethod
    def stop(cls) -> None:
        """End the server."""
        cls._server.close()
        cls._url = ""


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """What the twins started ends with the tests."""
    yield
    Redis.stop()


TWINS: dict[str, Callable[[], Twin]] = {
    "memory": lambda: Sqlite(file=False, threads=False),
    "file": lambda: Sqlite(file=True, threads=False),
    "file-threads": lambda: Sqlite(file=True, threads=True),
    "redis": Redis,
}


@asynccontextmanager
async def opened(one: Twin, loop: VirtualLoop, folder: Path) -> AsyncIterator[Twin]:
    """A twin, open for the time of the block."""
    await one.begin(loop, folder)
    yield one
    await one.end()


@pytest.fixture(params=list(TWINS))
async def twin(
    request: pytest.FixtureRequest, virtual: VirtualLoop, tmp_path: Path
) -> AsyncIterator[Twin]:
    """Each twin in turn, open."""
    async with opened(TWINS[request.param](), virtual, tmp_path) as one:
        yield one


@pytest.fixture
async def log(twin: Twin) -> Log:
    """The twin's `Log`."""
    return twin.log


@pytest.fixture
async def records(twin: Twin) -> Records:
    """The twin's `Records`."""
    return twin.records


@pytest.fixture(params=[name for name, twin in TWINS.items() if twin().durable])
async def durable(
    request: pytest.FixtureRequest, virtual: VirtualLoop, tmp_path: Path
) -> AsyncIterator[Twin]:
    """Each twin that outlives its process, open."""
    async with opened(TWINS[request.param](), virtual, tmp_path) as one:
        yield one
