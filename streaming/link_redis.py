"""The way to one Redis, or to one Redis Cluster. This file connects and says what is wrong.

A call that was sent and got no answer may have run: nothing is sent twice here, but for a script
that Redis said it does not have. What Redis refuses for a reason of its own (a password, a full
memory, a replica) is `StoreUnavailable` with Redis' words. While something is wrong, a small write
a second asks whether it still is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import TimeoutError as NoAnswerError

from streaming.log import StoreUnavailable
from streaming.scripts_redis import PARTS, Script

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

CONNECTIONS = 16
"""Most connections of one process to one server, the one that hears news not counted."""
FOR_APPENDS = 2
"""Of these, so many are left to appends, whoever else asks."""
SOCKET_S = 2.0
"""Longest wait for Redis to connect or to answer."""
FREE_S = 5.0
"""Longest wait for a connection: of a node that is busy, or of a Redis that is slow."""
PROBE_S = 1.0
"""How often a Redis that refused is asked whether it takes writes again."""
KEYS_KEPT = 50_000
"""Logs of which the keys are kept ready; above it they are made again."""

FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)
"""How redis-py says that something went wrong."""

UNANSWERED = (NoConnectionError, NoAnswerError, OSError, TimeoutError)
"""How a call ends that may have run, or that a server which starts has not read."""

Head = tuple[bytes, ...]
"""How the arguments of every script begin: how many keys, the keys, what publishes, the channel."""
Call = tuple[Script, Head, Sequence[Any]]
"""A script, its head, and the arguments behind."""


def told(error: BaseException) -> str:
    """One line with what Redis said, its code first."""
    code = getattr(error, "status_code", None)
    text = " ".join(str(error).split()) or type(error).__name__
    if "unauthenticated" in text:  # how Redis refuses a long command before it has seen a password
        return "redis: NOAUTH Authentication required."
    return f"redis: {code} {text}" if code and not text.startswith(code) else f"redis: {text}"


class Link:
    """The connections of one process; `client` is redis-py's, `cluster` says which of the two."""

    def __init__(
        self,
        client: Redis | RedisCluster,
        loop: asyncio.AbstractEventLoop,
        prefix: str,
    ) -> None:
        self.client: Any = client  # redis-py types its commands for both worlds at once
        self.cluster = isinstance(client, RedisCluster)
        self.loop = loop
        self.troubles: dict[str, str] = {}
        """What is wrong now, by who met it."""
        self._prefix = prefix
        self._publish = "SPUBLISH" if self.cluster else "PUBLISH"
        self._heads: dict[str, Head] = {}
        self._probe: asyncio.Task[None] | None = None
        self._free = asyncio.Semaphore(CONNECTIONS - FOR_APPENDS)
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, loop: asyncio.AbstractEventLoop, prefix: str) -> Link:
        """Connect to `redis://`, `rediss://`, `unix://`, or a Cluster's `redis+cluster://`.

        A plain address of a Cluster's node is found out. Raises ValueError for another address
        and `StoreUnavailable` where Redis does not answer as it should.
        """
        scheme, _, rest = url.partition("://")
        clustered = scheme.endswith("+cluster")
        plain = f"{scheme.removesuffix('+cluster')}://{rest}"
        if not clustered:
            client = Redis.from_url(plain, max_connections=CONNECTIONS, **_OPTIONS)
            try:
                clustered = bool((await client.info("cluster")).get("cluster_enabled"))
            except FAILURES as error:
                await client.aclose()
                raise StoreUnavailable(told(error)) from None
            if not clustered:
                return cls(client, loop, prefix)
            await client.aclose()
        cluster = RedisCluster.from_url(plain, max_connections=CONNECTIONS, **_OPTIONS)
        try:
            await cluster.initialize()
        except FAILURES as error:
            await cluster.aclose()
            raise StoreUnavailable(told(error)) from None
        return cls(cluster, loop, prefix)

    async def aclose(self) -> None:
        """Give back the connections."""
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait({self._probe})
        with contextlib.suppress(*FAILURES):
            await self.client.aclose()

    # --- names --------------------------------------------------------------------------------

    def head(self, name: str) -> Head:
        """How a log's scripts begin. Raises UnicodeEncodeError for a name that is no text."""
        found = self._heads.get(name)
        if found is None:
            if len(self._heads) >= KEYS_KEPT:
                self._heads.clear()
            stem = self._stem(name)
            keys = [f"{stem}:{part}" for part in PARTS]
            words = (str(len(keys)), *keys, self._publish, self.channel(name))
            found = self._heads[name] = tuple(word.encode() for word in words)
        return found

    def own(self, name: str) -> bytes:
        """The key that names a log's owner."""
        return self.head(name)[1]

    def channel(self, name: str) -> str:
        """The channel of a log; in its slot."""
        return f"{self._stem(name)}:pub"

    def _stem(self, name: str) -> str:
        # An empty tag would be no tag: then the whole key chose the slot.
        return f"{self._prefix}{{{quote(name, safe='') or '%'}}}"

    async def names(self) -> list[str]:
        """Every log there is, sorted; asks every node of a Cluster."""
        begin, end = len(self._prefix) + 1, -len("}:own")
        where = {"target_nodes": RedisCluster.PRIMARIES} if self.cluster else {}
        found: set[str] = set()
        match = f"{_escaped(self._prefix)}{{*}}:own"
        try:
            async for key in self.client.scan_iter(match=match, count=1_000, **where):
                name = key.decode()[begin:end]
                found.add("" if name == "%" else unquote(name))
        except FAILURES as error:
            raise self.unavailable(error) from None
        return sorted(found)

    # --- for news -------------------------------------------------------------------------------

    async def ready(self) -> None:
        """Know a Cluster's slots as they are now."""
        if self.cluster:
            await self.client.nodes_manager.initialize()

    def place_of(self, channel: bytes) -> str:
        """Which server serves a channel."""
        return str(self.client.get_node_from_key(channel).name) if self.cluster else ""

    def dialled(self, channel: bytes) -> AbstractConnection:
        """A connection of one's own to the server of a channel, not connected yet."""
        if self.cluster:
            node = self.client.get_node_from_key(channel)
            made: AbstractConnection = node.connection_class(**node.connection_kwargs)
        else:
            made = self.client.connection_pool.make_connection()
        return made

    # --- calls --------------------------------------------------------------------------------

    async def run(self, calls: Sequence[Call]) -> list[Any]:
        """What each script returned, in order, or the error of a call that failed alone.

        One round trip; raises nothing. A call that got no answer may have run.
        """
        found = await self._piped([("EVALSHA", it.sha, *head, *rest) for it, head, rest in calls])
        lacking = [n for n, one in enumerate(found) if isinstance(one, NoScriptError)]
        if lacking:  # none of these ran; a script's text is kept by Redis once it was sent
            texts = [("EVAL", calls[n][0].text, *calls[n][1], *calls[n][2]) for n in lacking]
            for n, one in zip(lacking, await self._piped(texts), strict=True):
                found[n] = one
        return found

    async def ask(self, script: Script, name: str, *rest: Any) -> Any:
        """What one script returned of a log; raises `StoreUnavailable`."""
        async with self._turn():
            (found,) = await self.run([(script, self.head(name), rest)])
        if isinstance(found, BaseException):
            raise self.unavailable(found)
        return found

    async def asked(self, answer: Awaitable[T]) -> T:
        """What redis-py's own call returned; raises `StoreUnavailable`."""
        try:
            async with self._turn():
                return await answer
        except FAILURES as error:
            raise self.unavailable(error) from None
        finally:
            if asyncio.iscoroutine(answer):
                answer.close()  # where its turn never came

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a connection: when all clients come back at once there are too few."""
        if self._free.locked():
            try:
                async with asyncio.timeout(FREE_S):
                    await self._free.acquire()
            except TimeoutError:
                error = TimeoutError(f"no connection was free for {FREE_S:g} s")
                raise self.unavailable(error) from None
        else:
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _piped(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            found: list[Any] = await pipeline.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - who waits for an answer gets one, whatever it is
            found = [error] * len(commands)
        if self.cluster and any(isinstance(one, _LOST) for one in found):
            with contextlib.suppress(*FAILURES):
                await self.ready()
        return found

    # --- trouble ------------------------------------------------------------------------------

    def unavailable(self, error: BaseException) -> StoreUnavailable:
        """The failure of a call, noted as the newest trouble."""
        line = told(error)
        self.note("calls", line)
        return StoreUnavailable(line)

    def note(self, who: str, trouble: str | None) -> None:
        """What `who` has just met; None where all is well with it."""
        if trouble is None:
            if self.troubles.pop(who, None) is not None and not self.troubles:
                _LOG.warning("redis answers again")
            return
        if not self.troubles:
            _LOG.warning("%s", trouble)
        self.troubles[who] = trouble
        if who == "calls" and self._probe is None and not self._closed:
            self._probe = self.loop.create_task(self._probed(), name="redis probe")

    async def _probed(self) -> None:
        """Until a write is taken."""
        where = {"target_nodes": RedisCluster.PRIMARIES} if self.cluster else {}
        while "calls" in self.troubles and not self._closed:
            await asyncio.sleep(PROBE_S)
            try:
                async with asyncio.timeout(2 * SOCKET_S):
                    await self.client.set(f"{self._prefix}probe", "1", ex=60)
                    await self.client.ping(**where)
            except FAILURES as error:
                if "calls" in self.troubles:
                    self.troubles["calls"] = told(error)
            else:
                self.note("calls", None)
        self._probe = None


_OPTIONS: dict[str, Any] = {
    "socket_timeout": SOCKET_S,
    "socket_connect_timeout": SOCKET_S,
    "retry": Retry(NoBackoff(), 0),
    "protocol": 2,  # news comes as plain replies, of which there is one kind less
}


_LOST = (
    OSError,
    TimeoutError,
    NoConnectionError,
    NoAnswerError,
    MovedError,
    ReadOnlyError,
    ClusterDownError,
    RedisClusterException,
)
"""What says that a Cluster's slots may be elsewhere by now."""


def _escaped(text: str) -> str:
    """A text as a pattern that matches itself alone."""
    return "".join(f"\\{c}" if c in "\\*?[]^" else c for c in text)
