"""The twin of `Records` in MongoDB, for the tests of that port. This file opens it.

Each test has a database of its own on one server.
"""

from __future__ import annotations

import atexit
import functools
import os
from contextlib import ExitStack
from pathlib import Path

from streaming.records_mongo import MongoRecords
from streaming.store_sqlite import SqliteStore
from tests.mongo_server import mongo_server
from tests.twins.conftest import Twin
from tests.virtual import VirtualLoop


class Mongo(Twin):
    """The records of many nodes; their log is another twin's, here one in memory."""

    databases = 0

    def __init__(self, mongod: str | None = None) -> None:
        self._mongod = mongod
        self._held = ExitStack()

    async def begin(self, loop: VirtualLoop, folder: Path) -> None:
        Mongo.databases += 1
        self._url = f"{mongo_url(self._mongod)}/t{os.getpid()}_{Mongo.databases}"
        self._held.enter_context(loop.outside())
        self._store = SqliteStore.open(None, loop=loop, inline=True)
        self.log = self._store.log
        self.records = self._records = await MongoRecords.open(self._url)

    async def reopen(self) -> None:
        await self._records.aclose()
        self.records = self._records = await MongoRecords.open(self._url)

    async def end(self) -> None:
        await self._records.aclose()
        await self._store.aclose()
        self._held.close()


@functools.cache
def mongo_url(mongod: str | None) -> str:
    """A server for all tests of this process; it ends with it."""
    held = ExitStack()
    atexit.register(held.close)
    return held.enter_context(mongo_server(mongod=mongod))[0]
