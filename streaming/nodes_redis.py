"""The other nodes through Redis: heartbeats, letters, inboxes. This file is the clustered twin.

| key | holds |
| --- | --- |
| `ts:node:NAME` | a node's heartbeat; ends `HEARTBEAT_S` after the newest one |
| `ts:nodes` | set of the nodes that appeared and neither left nor were buried |
| `ts:said:NAME` | set of the logs in which a node is speaking now |
| `ts:{SID}:in` | stream of the letters that wait for whoever owns a session |

Channels: `ts:to:NAME` for one node, `ts:to:*` for all. Cost is one renewal and one look at all
heartbeats a node every `LOOK_S`, however many sessions there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streaming.log import StoreUnavailable
from streaming.nodes import HEARTBEAT_S, LAPSE_S, LOOK_S, RENEW_S, Heart

_LOG = logging.getLogger(__name__)

ANSWER_S = 2.0
"""Longest wait for Redis to connect or to answer."""
INBOX_LETTERS = 1_000
"""Letters a session's inbox keeps; older ones are given up, and their clients ask again."""
INBOX_KEPT_S = 3_600
"""An inbox that nobody reads is forgotten so long after its newest letter."""
AGAIN_S = 0.2
"""Pause before a lost subscription is tried again, or a heartbeat that failed."""
CONNECTIONS = 16
"""Most connections of one node for this; who needs one more waits for it."""
SAID_KEPT_S = 86_400
_EVERYBODY = "*"
_KEPT = frozenset({"SADD", "SREM", "EXPIRE"})
"""What is sent until Redis has taken it: whoever buries this node ends what it is saying."""


class RedisNodes:
    """The twin of `Nodes` over one Redis; `connect` makes it, `begin` starts it."""

    def __init__(self, redis: Redis, prefix: str = "ts:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._node = ""
        self._alive: frozenset[str] = frozenset()
        self._seen_s = float("-inf")
        self._renewed_s = float("-inf")
        self._heart: Heart
        self._tasks: list[asyncio.Task[None]] = []
        self._out: list[tuple[Any, ...]] = []
        self._sending: asyncio.Task[None] | None = None
        self._leaving = False
        self.trouble: str | None = None

    @classmethod
    def connect(cls, url: str, prefix: str = "ts:") -> RedisNodes:
        """On `redis://`, `rediss://` or `unix://`; connects on first use.

        Raises ValueError for another address.
        """
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        return cls(Redis.from_pool(pool), prefix)

    # --- being there --------------------------------------------------------------------------

    async def begin(self, node: str, heart: Heart) -> None:
        """Appear; a Redis that is away is tried again until it is there."""
        self._node, self._heart = node, heart
        loop = asyncio.get_running_loop()
        self._renewed_s = loop.time()
        with contextlib.suppress(StoreUnavailable):
            await self._renew()
        subscribed = asyncio.Event()
        self._tasks = [
            loop.create_task(self._renewing(), name="heartbeat"),
            loop.create_task(self._listening(subscribed), name="letters"),
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await subscribed.wait()

    async def _renewing(self) -> None:
        loop = asyncio.get_running_loop()
        well = True
        while not self._leaving:  # a library below may take a cancellation for its own time limit
            # A short cut must not cost the lease, and a long one is known before others know it.
            await asyncio.sleep(RENEW_S if well else AGAIN_S)
            # A process that was stopped comes to itself here: it asks first what it has missed.
            if loop.time() - self._renewed_s > LAPSE_S:
                self._renewed_s = loop.time()
                self._heart.lapsed()
            try:
                await self._renew()
                well = True
            except StoreUnavailable as error:
                if well:
                    _LOG.warning("no heartbeat: %s", error)
                well = False

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        beat = self._redis.set(self._key("node", self._node), "1", px=int(HEARTBEAT_S * 1000))
        await self._asked(beat)
        self._renewed_s = began_s
        if began_s - self._seen_s >= LOOK_S:
            await self._look()

    async def _look(self) -> set[str]:
        """All who appeared; notes who of them lives."""
        await self._asked(self._redis.sadd(self._prefix + "nodes", self._node))
        names = sorted(n.decode() for n in await self._asked(self._names()))
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.exists(self._key("node", name))
        found = await self._asked(pipeline.execute()) if names else []
        self._alive = frozenset(n for n, is_there in zip(names, found, strict=True) if is_there)
        self._seen_s = asyncio.get_running_loop().time()
        return set(names)

    async def _names(self) -> Any:
        return await self._redis.smembers(self._prefix + "nodes")

    async def lives(self, node: str) -> bool:
        """Whether the heartbeat is there: as seen within the last second, or asked now."""
        if asyncio.get_running_loop().time() - self._seen_s < 1.0 and node in self._alive:
            return True
        return bool(await self._asked(self._redis.exists(self._key("node", node))))

    # --- letters ------------------------------------------------------------------------------

    def tell(self, node: str, letter: bytes) -> None:
        """Publish to one node, with what else this loop turn has to say."""
        if node:
            self._send("PUBLISH", self._key("to", node), letter)

    def tell_all(self, letter: bytes) -> None:
        """Publish to all nodes; our own name stands before it, so that we do not hear ourselves."""
        self._send("PUBLISH", self._key("to", _EVERYBODY), self._node.encode() + b"\0" + letter)

    async def post(self, sid: str, letter: bytes) -> None:
        """Append to the session's inbox."""
        key = self._inbox(sid)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xadd(key, {b"l": letter}, maxlen=INBOX_LETTERS, approximate=True)
        pipeline.expire(key, INBOX_KEPT_S)
        await self._asked(pipeline.execute())

    async def posted(self, sid: str) -> list[tuple[str, bytes]]:
        """Read the whole inbox."""
        found = await self._asked(self._redis.xrange(self._inbox(sid)))
        return [(entry_id.decode(), fields[b"l"]) for entry_id, fields in found]

    def taken(self, sid: str, ids: Iterable[str]) -> None:
        """Delete letters; where that fails they are read again and found to be repeats."""
        ids = list(ids)
        if ids:
            self._send("XDEL", self._inbox(sid), *ids)

    def _send(self, *command: Any) -> None:
        self._out.append(command)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._sent())

    async def _sent(self) -> None:
        while self._out:
            out, self._out = self._out, []
            pipeline = self._redis.pipeline(transaction=False)
            for command in out:
                pipeline.execute_command(*command)
            try:
                await self._asked(pipeline.execute())
            except StoreUnavailable as error:
                kept = [command for command in out if command[0] in _KEPT]
                _LOG.warning("%d letters are lost: %s", len(out) - len(kept), error)
                self._out = kept + self._out
                if self._leaving:
                    return
                await asyncio.sleep(AGAIN_S)

    async def _listening(self, subscribed: asyncio.Event) -> None:
        while not self._leaving:  # as above
            try:
                await self._listened(subscribed)
            except (RedisError, OSError, TimeoutError) as error:
                self._troubled(error)
            await asyncio.sleep(AGAIN_S)

    async def _listened(self, subscribed: asyncio.Event) -> None:
        pubsub = self._redis.pubsub()
        everybody = self._key("to", _EVERYBODY)
        try:
            await pubsub.subscribe(self._key("to", self._node), everybody)
            pinged = False
            while not self._leaving:
                message = await pubsub.get_message(timeout=ANSWER_S)
                if message is None and pinged:
                    raise TimeoutError(f"the subscription was silent for {2 * ANSWER_S:g} s")
                pinged = message is None
                if message is None:
                    await pubsub.ping()  # a connection that died quietly looks like silence
                elif message["type"] == "subscribe":
                    if subscribed.is_set() and message["channel"].decode() == everybody:
                        self._heart.back()
                    elif message["channel"].decode() == everybody:
                        subscribed.set()
                elif message["type"] == "message":
                    self._heard(message, everybody)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    def _heard(self, message: dict[str, Any], everybody: str) -> None:
        data: bytes = message["data"]
        if message["channel"].decode() == everybody:
            sender, _, data = data.partition(b"\0")
            if sender.decode() == self._node:
                return
        try:
            self._heart.hear(data)
        except Exception:  # noqa: BLE001 - a letter's edge: logged, the next ones are read
            _LOG.exception("a letter could not be read")

    # --- the dead -----------------------------------------------------------------------------

    def speaking(self, name: str, on: bool) -> None:
        """Note the log in the set of this node."""
        key = self._key("said", self._node)
        self._send("SADD" if on else "SREM", key, name)
        if on:
            self._send("EXPIRE", key, SAID_KEPT_S)

    async def dead(self) -> list[str]:
        """Who appeared and has no heartbeat."""
        names = await self._look()
        return sorted(names - self._alive - {self._node})

    async def spoke(self, node: str) -> list[str]:
        """Read the set of that node."""
        found = await self._asked(self._members(self._key("said", node)))
        return sorted(name.decode() for name in found)

    async def _members(self, key: str) -> Any:
        return await self._redis.smembers(key)

    async def bury(self, node: str) -> None:
        """Forget a node."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.srem(self._prefix + "nodes", node)
        pipeline.delete(self._key("said", node))
        await self._asked(pipeline.execute())

    async def leave(self) -> None:
        """Stop the heartbeat, forget ourselves, give the connections back."""
        self._leaving = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._sending is not None:
            await asyncio.wait({self._sending})
        try:
            await self.bury(self._node)
            await self._asked(self._redis.delete(self._key("node", self._node)))
        finally:
            await self._redis.aclose()

    # --- inside -------------------------------------------------------------------------------

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}:{name}"

    def _inbox(self, sid: str) -> str:
        return f"{self._prefix}{{{sid}}}:in"

    async def _asked(self, call: Any) -> Any:
        try:
            answer = await call
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(self._troubled(error)) from None
        self.trouble = None
        return answer

    def _troubled(self, error: Exception) -> str:
        told = self.trouble = f"redis: {str(error) or type(error).__name__}"
        return told
