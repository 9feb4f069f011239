"""The shared twin of `Log`, for several nodes on one Redis or one Redis Cluster. This file asks.

Each append is one script (`scripts_redis`), so it is atomic: the term and the epoch under which
this process took the log, the command id, the numbers, the entries, the publication. On their way
they are `appends_redis`', news is `hearing_redis`', connections and what is wrong with them
`link_redis`'. Redis is never counted as durable: an answer is told of once Records have it.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import Any

from protocol.limits import LIMITS, Limits
from streaming import scripts_redis as scripts
from streaming.appends_redis import Appends, Counts, reply_of
from streaming.hearing_redis import Ear
from streaming.link_redis import Link
from streaming.log import (
    Claim,
    CommandId,
    Entry,
    News,
    Owned,
    Owner,
    Reply,
    StoreUnavailable,
    Subscription,
    Ticket,
)
from streaming.records import Records

ENTRIES_A_READ = 500
"""Most entries of one answer of Redis; a longer log is read in several."""


class RedisLog:
    """All logs of a deployment on one Redis; see `streaming.log.Log` for the promises."""

    lasting = False

    def __init__(
        self,
        link: Link,
        loop: asyncio.AbstractEventLoop,
        records: Records,
        limits: Limits = LIMITS,
        hold_s: float = 0.0,
    ) -> None:
        self._link = link
        self._loop = loop
        self._limits = limits
        self._appends = Appends(link, records, limits, hold_s)
        self._ear = Ear(link, self._epochs)
        self._closed: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        loop: asyncio.AbstractEventLoop,
        records: Records,
        prefix: str = "ts:",
        limits: Limits = LIMITS,
        hold_s: float = 0.0,
    ) -> RedisLog:
        """The logs of `redis://`, `rediss://`, `unix://` or `redis+cluster://`.

        Appends that get no answer are sent again for `hold_s` before they fail.

        Raises ValueError for another address, and `StoreUnavailable` where Redis does not answer.
        `records` stay the caller's to close.
        """
        link = await Link.open(url, loop=loop, prefix=prefix)
        return cls(link, loop, records, limits, hold_s)

    # --- what is told of it -------------------------------------------------------------------

    @property
    def trouble(self) -> str | None:
        """What Redis last said where it does not serve, in one line; None where all is well."""
        return next(iter(self._link.troubles.values()), None)

    @property
    def counts(self) -> Counts:
        """What happened since the start."""
        self._appends.counts.reconnects = self._ear.reconnects
        return self._appends.counts

    @property
    def commit_us(self) -> int:
        """How long the newest pipeline of appends took, in microseconds."""
        return self._appends.commit_us

    # --- owners -------------------------------------------------------------------------------

    async def claim(
        self, name: str, node: str, *, at_ms: int, over: int | None = None, anew: bool = False
    ) -> Claim:
        """Take or renew ownership; a log of which Redis lost a part is begun anew."""
        if not node:
            raise ValueError(f"log {name}: a claim without a node")
        await self._settled(name)
        follows, fresh = "" if over is None else over, secrets.token_urlsafe(6)
        said, *rest = await self._link.ask(
            scripts.CLAIM, name, node, at_ms, follows, int(anew), fresh
        )
        if said == b"owned":
            raise Owned(name, Owner(rest[0].decode(), int(rest[1])), over or 0)
        claim = Claim(int(rest[0]), rest[1].decode(), *map(int, rest[2:]))
        self._appends.claimed(name, claim.term, claim.epoch)
        return claim

    async def owner(self, name: str) -> Owner | None:
        """Who has a log, or None where there is none."""
        await self._settled(name)
        own = self._link.own(name)
        node, term = await self._link.asked(self._link.client.hmget(own, "node", "term"))
        return None if term is None else Owner(node.decode(), int(term))

    async def release(self, name: str, term: int) -> None:
        """Give a log back; who still appends with its term is fenced.

        What nobody claims within `log_kept_s` Redis forgets: Records have its state by then.
        """
        await self._settled(name)
        kept_ms = int(self._limits.log_kept_s * 1000)
        (said,) = await self._link.ask(scripts.RELEASE, name, term, kept_ms)
        if said == b"released":
            self._appends.given_up(name)

    async def subscribe(self, name: str, hear: Callable[[News], None]) -> Subscription:
        """Hear of all nodes' appends; after a broken connection news without entries says: read."""
        return await self._ear.subscribe(name, hear)

    async def _epochs(self, names: list[str]) -> list[str]:
        found = await self._link.run(
            [(scripts.HEAD, self._link.head(name), (0,)) for name in names]
        )
        for one in found:
            if isinstance(one, BaseException):
                raise self._link.unavailable(one)
        return [one[0].decode() if one else "" for one in found]

    # --- appends ------------------------------------------------------------------------------

    def append(
        self,
        name: str,
        term: int,
        command: CommandId | None,
        entries: Sequence[Entry],
        attempt_of: str | None = None,
        *,
        urgent: bool = False,  # noqa: ARG002 - nothing is held back here
    ) -> Ticket:
        """Queue one atomic append; raises ValueError where there are no entries."""
        if not entries:
            raise ValueError(f"log {name}: an append without entries")
        if self._closed is not None:
            ticket = Ticket()
            self._loop.call_soon(ticket.resolve, StoreUnavailable("the log is closed"))
            return ticket
        return self._appends.add(name, term, command, entries, attempt_of)

    # --- reading ------------------------------------------------------------------------------

    async def read(self, name: str, after: int, *, limit: int | None = None) -> list[Entry]:
        """Entries with `seq > after`, in order; what is held is read by the owner alone."""
        await self._settled(name)
        left = sys.maxsize if limit is None else limit
        found: list[Entry] = []
        while left > 0:
            count = min(left, ENTRIES_A_READ)
            rows = await self._link.ask(
                scripts.READ, name, max(0, after), count, self._is_mine(name)
            )
            found += [_entry(row) for row in rows]
            if len(rows) < count:
                break
            after, left = found[-1].seq, left - count
        return found

    async def replies(self, name: str, *, newest: int, since_ms: int) -> list[Reply]:
        """Remembered commands, oldest first."""
        await self._settled(name)
        flat = await self._link.ask(scripts.REPLIES, name)
        replies = [reply_of(id_, value) for id_, value in zip(flat[::2], flat[1::2], strict=True)]
        old = len(replies) - newest
        return [r for place, r in enumerate(replies) if place >= old or r.at_ms >= since_ms]

    async def head(self, name: str) -> tuple[str, int] | None:
        """`(epoch, seq)` of a log, or None; what is held counts for the owner alone."""
        await self._settled(name)
        found = await self._link.ask(scripts.HEAD, name, self._is_mine(name))
        return (found[0].decode(), int(found[1])) if found else None

    async def trim(self, name: str, upto: int) -> None:
        """Forget entries with `seq <= upto`, and command ids that need not be remembered."""
        await self._settled(name)
        await self._link.ask(scripts.TRIM, name, upto, *self._appends.kept)

    async def drop(self, name: str) -> None:
        """Forget a log altogether."""
        await self._settled(name)
        self._appends.given_up(name)
        await self._link.ask(scripts.DROP, name)

    async def names(self) -> list[str]:
        """Every log there is, sorted; costs the number of all keys."""
        self._must_be_open()
        return await self._link.names()

    # --- inside -------------------------------------------------------------------------------

    def _is_mine(self, name: str) -> int:
        return int(self._appends.owns(name))

    def _must_be_open(self) -> None:
        if self._closed is not None:
            raise StoreUnavailable("the log is closed")

    async def _settled(self, name: str) -> None:
        """Returns once every append before is resolved."""
        self._must_be_open()
        await self._appends.settled(name)

    async def aclose(self) -> None:
        """Store what is queued, then close; a second call waits for the first."""
        if self._closed is None:
            self._closed = self._loop.create_task(self._ended(), name="redis log closes")
        await asyncio.shield(self._closed)

    async def _ended(self) -> None:
        await self._appends.drained()
        await self._ear.aclose()
        await self._link.aclose()


def _entry(row: Any) -> Entry:
    seq, (_, at_ms, _, public, _, sealed) = row
    return Entry(int(seq.partition(b"-")[0]), int(at_ms), public, sealed)
