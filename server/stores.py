"""The stores that the settings name, open: log, records, ledger, the other nodes. This file opens
them, and closes them again.

| `store` | log | records | ledger | nodes |
| --- | --- | --- | --- | --- |
| `memory:`, `sqlite:///FILE` | SQLite | the same | the same, or Redis | alone |
| `mongodb://...` | Redis | MongoDB | Redis | Redis |

Clients of servers that are not used are not imported, and none is imported on the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any

from server.settings import Misconfigured, Settings
from streaming.log import Log, StoreUnavailable
from streaming.nodes import LAPSE_S, Alone, Nodes
from streaming.records import Records

if TYPE_CHECKING:
    from streaming.ledger import Ledger

EXTRAS = {"redis": "redis", "pymongo": "mongo"}
"""Package -> the extra of ours that brings it."""


class Stores:
    """Everything that outlives a process, or is shared by several.

    `trouble` names what does not work now, one line each; it is empty where all is well. `aclose`
    stores what is queued first.
    """

    def __init__(
        self, log: Log, records: Records, ledger: Ledger, nodes: Nodes, held: AsyncExitStack
    ) -> None:
        self.log = log
        self.records = records
        self.ledger = ledger
        self.nodes = nodes
        self._held = held

    @classmethod
    async def open(cls, settings: Settings) -> Stores:
        """Open what the settings name, on the running loop.

        Raises Misconfigured, and StoreUnavailable in one line where a server is away or refuses.
        """
        async with AsyncExitStack() as held:
            opened = await (_shared if settings.shared else _own)(settings, held)
            return cls(*opened, held.pop_all())

    @classmethod
    async def read(cls, store: str, redis: str | None) -> Stores:
        """Open for reading what another process may be writing.

        Raises Misconfigured and StoreUnavailable, each in one line.
        """
        if not store.startswith(("sqlite:///", "mongodb://", "mongodb+srv://")):
            raise Misconfigured(
                f"store: expected sqlite:///FILE or mongodb://HOST/NAME, {store!r} came"
            )
        settings = Settings(store=store, redis=redis or "")
        if settings.shared and not settings.redis:
            raise Misconfigured("redis: a MongoDB store has its logs in Redis: name it by --redis")
        async with AsyncExitStack() as held:
            opened = await (_shared(settings, held) if settings.shared else _file(settings, held))
            return cls(*opened, held.pop_all())

    @property
    def trouble(self) -> list[str]:
        """What does not work now."""
        found = (getattr(part, "trouble", None) for part in (self.records, self.log, self.nodes))
        return list(dict.fromkeys(filter(None, found)))

    async def aclose(self) -> None:
        """Store what is queued, then close; a second call does nothing."""
        await self._held.aclose()


Opened = tuple[Log, Records, "Ledger", Nodes]


def store_path(settings: Settings) -> str | None:
    """The file of the store; None where it has none."""
    path = settings.store.removeprefix("sqlite:///")
    return None if path == settings.store else path


async def _own(settings: Settings, held: AsyncExitStack) -> Opened:
    """A store of this process alone; its budgets may be shared."""
    from streaming.store_sqlite import SqliteStore

    loop = asyncio.get_running_loop()
    store = SqliteStore.open(
        store_path(settings), loop=loop, synchronous=settings.sqlite.synchronous
    )
    held.push_async_callback(store.aclose)
    ledger = await _ledger(settings.redis, held) if settings.redis else store.ledger
    return store.log, store.records, ledger, Alone()


async def _file(settings: Settings, held: AsyncExitStack) -> Opened:
    from streaming.store_sqlite import SqliteStore

    loop = asyncio.get_running_loop()
    store = SqliteStore.open(store_path(settings), loop=loop, readonly=True)
    held.push_async_callback(store.aclose)
    return store.log, store.records, store.ledger, Alone()


async def _shared(settings: Settings, held: AsyncExitStack) -> Opened:
    """MongoDB and Redis; they are looked at before anything is built upon them."""
    mongo = await _client("streaming.records_mongo")
    log_redis = await _client("streaming.log_redis")
    nodes_redis = await _client("streaming.nodes_redis")
    wait_s = settings.mongo.wait_ms / 1000
    records = await _named("store", mongo.MongoRecords.open, settings.store, wait_s=wait_s)
    held.push_async_callback(records.aclose)
    if records.trouble is not None:
        raise StoreUnavailable(records.trouble)
    loop = asyncio.get_running_loop()
    log = await _named(
        "redis",
        log_redis.RedisLog.open,
        settings.redis,
        loop=loop,
        records=records,
        hold_s=LAPSE_S,
    )
    held.push_async_callback(log.aclose)
    ledger = await _ledger(settings.redis, held)
    nodes = nodes_redis.RedisNodes.connect(settings.redis)
    held.push_async_callback(_left, nodes)
    return log, records, ledger, nodes


async def _left(nodes: Nodes) -> None:
    """A node that did not drain leaves here; where Redis is away its heartbeat ends by itself."""
    with contextlib.suppress(StoreUnavailable):
        await nodes.leave()


async def _ledger(url: str, held: AsyncExitStack) -> Ledger:
    module = await _client("streaming.ledger_redis")
    try:
        ledger = module.RedisLedger.connect(url)
    except ValueError as error:
        raise Misconfigured(f"redis: {error}") from None
    held.push_async_callback(ledger.aclose)
    return ledger  # type: ignore[no-any-return]


async def _named(key: str, opened: Callable[..., Any], url: str, **how: Any) -> Any:
    """What `opened` opens; an address that it cannot read is the setting's fault."""
    try:
        return await opened(url, **how)
    except ValueError as error:
        raise Misconfigured(f"{key}: {error}") from None


async def _client(module: str) -> ModuleType:
    """Our module over a server's client, imported in a thread: that takes long."""
    try:
        return await asyncio.to_thread(importlib.import_module, module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise Misconfigured(
            f'{package} is not installed: pip install "tutorstream[{EXTRAS[package]}]"'
        ) from None
