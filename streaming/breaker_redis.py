"""Breakers that several nodes share through Redis. This file keeps one hash for each provider.

A node that opens or closes a breaker writes that; every node reads all hashes once a second and
takes over what is newer than what it knows. Nothing here is awaited by a turn: without Redis a
node goes by what its own calls have shown, and what it has to tell is told when Redis is back.

| key | holds |
| --- | --- |
| `tutor:breaker:PROVIDER/MODEL` | hash: `version` counts its changes; `open_until_ms` by Redis' \
clock, 0 once a try has succeeded; `openings` in a row; ends an hour after the last change |

The half-open try is one a node, not one a cluster: it is a second's knowledge that is shared.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streaming.breaker import Breaker

_logger = logging.getLogger(__name__)

EVERY_S = 1.0
"""How old a node's knowledge of the others may be."""
ANSWER_S = 0.5
"""Longest wait for Redis to connect or to answer; then this node goes by itself."""
KEPT_S = 3_600
PREFIX = "tutor:breaker:"

# KEYS: hash. ARGV: how long it is open, ms; openings; seconds kept.
_TELL = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local open_ms = tonumber(ARGV[1])
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
local until_ms = open_ms > 0 and now_ms + open_ms or 0
redis.call('HSET', KEYS[1], 'open_until_ms', string.format('%d', until_ms), 'openings', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {version, until_ms}
"""


class SharedBreakers:
    """Keeps breakers of this node and of all others in step; `breakers` is `Routing.breakers`.

    `begin` starts it on the running loop, `aclose` ends it. Its connection is its own.
    """

    def __init__(
        self, redis: Redis, breakers: Mapping[str, Breaker], *, every_s: float = EVERY_S
    ) -> None:
        self._redis = redis
        self._breakers = dict(breakers)
        self._every_s = every_s
        self._ended = False
        self._tell = redis.register_script(_TELL)
        self._known: dict[str, tuple[int, int]] = {}
        """The version and the time of each hash as last told or heard."""
        self._untold: set[str] = set()
        self._changed = asyncio.Event()
        self._away = False
        self._task: asyncio.Task[None] | None = None
        for key, breaker in self._breakers.items():
            breaker.on_change = self._noting(key)

    @classmethod
    def connect(cls, url: str, breakers: Mapping[str, Breaker]) -> SharedBreakers:
        """On `redis://`, `rediss://` or `unix://`; connects on first use.

        Raises ValueError for another address.
        """
        redis = Redis.from_url(
            url,
            max_connections=1,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        return cls(redis, breakers)

    @property
    def away(self) -> bool:
        """Whether Redis did not answer when it was last asked."""
        return self._away

    def begin(self) -> None:
        """Start to tell and to read, at once and then every second."""
        self._task = asyncio.get_running_loop().create_task(self._kept(), name="shared breakers")

    async def aclose(self) -> None:
        """Stop, and give the connection back; the breakers go on by themselves."""
        for breaker in self._breakers.values():
            breaker.on_change = None
        self._ended = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._redis.aclose()

    async def refresh(self) -> None:
        """Tell what this node has to tell, then take over what others told.

        Raises nothing for a Redis that is away or answers what nobody wrote.
        """
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                await self._told()
                await self._heard()
        except (RedisError, OSError, TimeoutError, TypeError, ValueError) as error:
            if not self._away:
                _logger.warning("breakers are this node's own: %s", type(error).__name__)
            self._away = True
        else:
            if self._away:
                _logger.warning("breakers are shared again")
            self._away = False

    # --- inside -----------------------------------------------------------------------------------

    async def _kept(self) -> None:
        while not self._ended:  # a library below may take a cancellation for its own time limit
            self._changed.clear()
            await self.refresh()
            try:
                # While Redis is away a change is no reason to ask it more often.
                async with asyncio.timeout(self._every_s):
                    await (asyncio.Event() if self._away else self._changed).wait()
            except TimeoutError:
                continue

    def _noting(self, key: str) -> Any:
        def changed() -> None:
            self._untold.add(key)
            self._changed.set()

        return changed

    async def _told(self) -> None:
        for key in sorted(self._untold):
            breaker = self._breakers[key]
            self._untold.discard(key)  # a change while this is written is told again
            try:
                open_ms = round(breaker.opens_in_s * 1000)
                version, until_ms = await self._tell(
                    keys=[PREFIX + key], args=[open_ms, breaker.openings, KEPT_S]
                )
            except BaseException:
                self._untold.add(key)
                raise
            self._known[key] = int(version), int(until_ms)

    async def _heard(self) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        for key in self._breakers:
            pipeline.hmget(PREFIX + key, "version", "open_until_ms", "openings")
        (seconds, micros), *found = await pipeline.execute()
        now_ms = int(seconds) * 1000 + int(micros) / 1000
        for key, (version, until_ms, openings) in zip(self._breakers, found, strict=True):
            if version is None or key in self._untold:
                continue  # what changed here meanwhile is told first
            seen = int(version), int(until_ms)
            if seen != self._known.get(key):
                self._known[key] = seen
                self._take_over(self._breakers[key], seen[1] - now_ms, int(openings))

    def _take_over(self, breaker: Breaker, open_ms: float, openings: int) -> None:
        if open_ms > 0:
            breaker.opened_elsewhere(open_ms / 1000, openings)
        elif not openings:
            breaker.closed_elsewhere()
