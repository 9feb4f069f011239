"""News of logs through Redis' publish and subscribe. This file keeps that connection alive.

One connection a process, of a Cluster one to each master whose logs are heard of (sharded, so that
a publication costs its own shard alone). When one breaks, or a slot moves, all are made again with
a growing delay, every channel is subscribed again, and every subscriber is told to read: what was
published meanwhile is lost, the stored log is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection as Connection
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import TimeoutError as NoAnswerError

from streaming.link_redis import FAILURES, Link, told
from streaming.log import Entry, News, StoreUnavailable
from streaming.subscribers import Hearing, Subscribers

_LOG = logging.getLogger(__name__)

CONFIRM_S = 5.0
"""Longest wait for the confirmation of a subscription."""
PING_S = 5.0
"""A connection that was silent so long is asked whether it lives; twice as long and it is dead."""
FIRST_S = 0.05
"""The first delay before a broken connection is made again; it doubles up to `MOST_S`."""
MOST_S = 2.0
COMMANDS_AT_ONCE = 500
"""Most commands written in one go."""

_SUBSCRIBE, _UNSUBSCRIBE = b"SUBSCRIBE", b"UNSUBSCRIBE"


def packed(epoch: str, entries: Sequence[Entry]) -> bytes:
    """News of stored entries, as the append script publishes it."""
    words = [epoch]
    bodies = []
    for e in entries:
        words.append(f"{e.seq} {e.at_ms} {len(e.public)} {len(e.sealed)}")
        bodies += [e.public, e.sealed]
    return " ".join(words).encode() + b"\n" + b"".join(bodies)


def unpacked(data: bytes) -> News:
    """The news that was published. Raises ValueError where nobody of us wrote it."""
    line, _, body = data.partition(b"\n")
    epoch, *words = line.decode().split(" ")
    if words == ["R"]:
        return News(epoch, released=True)
    numbers = [int(word) for word in words]
    entries, at = [], 0
    for seq, at_ms, public, sealed in zip(*[iter(numbers)] * 4, strict=True):
        middle, end = at + public, at + public + sealed
        entries.append(Entry(seq, at_ms, body[at:middle], body[middle:end]))
        at = end
    if at != len(body):
        raise ValueError(f"news of {at} bytes was expected, {len(body)} came")
    return News(epoch, tuple(entries))


class Ear:
    """All subscriptions of one process; `epochs` finds the epoch of logs, "" where there is none.

    `reconnects` counts how often the connections were made again.
    """

    def __init__(self, link: Link, epochs: Callable[[list[str]], Awaitable[list[str]]]) -> None:
        self.reconnects = 0
        self._link = link
        self._epochs = epochs
        self._subscribers = Subscribers(link.loop, self._left)
        self._names: dict[bytes, str] = {}
        """The log of each channel that is wanted."""
        self._confirmed: set[bytes] = set()
        self._awaited: dict[bytes, asyncio.Future[None]] = {}
        self._unanswered: Counter[tuple[bytes, bytes]] = Counter()
        """Commands without their confirmation yet, by kind and channel."""
        self._missed: set[bytes] = set()
        """Channels of which news was missed and which are not confirmed again."""
        self._late: list[str] = []
        """Logs confirmed again, whose subscribers are to read."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._lines: dict[str, _Line] = {}
        self._broken: asyncio.Future[None] | None = None
        """There while connected, or connecting; its error is what broke."""
        self._delay_s = FIRST_S
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def subscribe(self, name: str, hear: Callable[[News], None]) -> Hearing:
        """A confirmed subscription; raises `StoreUnavailable`."""
        if self._closed:
            raise StoreUnavailable("the log is closed")
        channel = self._link.channel(name).encode()
        hearing = self._subscribers.add(name, hear)
        try:
            async with asyncio.timeout(CONFIRM_S):
                await self._wanted(channel, name)
        except TimeoutError:
            hearing.close()
            raise StoreUnavailable("redis: no subscription was confirmed in time") from None
        except BaseException:
            hearing.close()
            raise
        return hearing

    async def _wanted(self, channel: bytes, name: str) -> None:
        if channel in self._confirmed:
            return
        future = self._awaited.get(channel)
        if future is None:
            future = self._awaited[channel] = self._link.loop.create_future()
        if channel not in self._names:
            self._names[channel] = name
            if self._broken is not None:
                self._say(_SUBSCRIBE, channel)
        self._hurry.set()
        if self._task is None:
            self._task = self._link.loop.create_task(self._kept(), name="redis news")
        # Several may wait for one confirmation: who gives up takes it from no other.
        await asyncio.wait({future})
        future.result()

    async def aclose(self) -> None:
        """Hear nothing any more."""
        self._closed = True
        self._fail("the log is closed")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _left(self, name: str) -> None:
        channel = self._link.channel(name).encode()
        if self._names.pop(channel, None) is None:
            return
        self._confirmed.discard(channel)
        self._missed.discard(channel)
        waiting = self._awaited.pop(channel, None)
        if waiting is not None:
            waiting.cancel()
        if self._broken is not None:
            self._say(_UNSUBSCRIBE, channel)
            self._catch_up()

    def _fail(self, reason: str) -> None:
        awaited, self._awaited = self._awaited, {}
        for future in awaited.values():
            future.set_exception(StoreUnavailable(reason))
            future.exception()  # who waited for it may have given up

    # --- the connections ----------------------------------------------------------------------

    async def _kept(self) -> None:
        """Connected again whenever that breaks, until closed."""
        while not self._closed:
            self._hurry.clear()
            try:
                await self._connected()
            except FAILURES as error:
                trouble = told(error)
                self._link.note("news", trouble)
                self._fail(trouble)
            self.reconnects += 1
            delay_s = self._delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - nothing to guess
            self._delay_s = min(2 * self._delay_s, MOST_S)
            with contextlib.suppress(TimeoutError):  # who subscribes does not wait for the delay
                async with asyncio.timeout(delay_s):
                    await self._hurry.wait()

    async def _connected(self) -> None:
        """One life of all connections; ends with what breaks one of them."""
        self._broken = self._link.loop.create_future()
        self._missed |= self._confirmed
        self._confirmed.clear()
        self._unanswered.clear()
        self._late.clear()
        try:
            await self._link.ready()
            for channel in list(self._names):
                self._say(_SUBSCRIBE, channel)
            await self._broken
        finally:
            self._broken.cancel()
            self._broken = None
            lines, self._lines = self._lines, {}
            ending = {line.task for line in lines.values()} | self._tasks
            for task in ending:
                task.cancel()
            if ending:
                await asyncio.wait(ending)

    def _say(self, kind: bytes, channel: bytes) -> None:
        try:
            place = self._link.place_of(channel)
            line = self._lines.get(place)
            if line is None:
                dialled = self._link.dialled(channel)
                line = self._lines[place] = _Line(dialled, self)
        except FAILURES as error:
            self.broke(error)
            return
        if self._link.cluster:
            kind = b"S" + kind
        self._unanswered[kind.lower(), channel] += 1
        line.say(kind, channel)

    def broke(self, error: Exception) -> None:
        """A connection ended: all are made again."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)

    def lives(self) -> None:
        """A connection was made."""
        self._link.note("news", None)

    # --- what comes ---------------------------------------------------------------------------

    def came(self, kind: bytes, channel: bytes, data: Any) -> None:
        """A message, or the confirmation of a command."""
        if kind in (b"message", b"smessage"):
            self._tell(channel, data)
            return
        asked = self._unanswered[kind, channel]
        self._unanswered[kind, channel] = max(0, asked - 1)
        if asked <= 1:
            del self._unanswered[kind, channel]
        if kind.endswith(b"unsubscribe"):
            if not asked:  # a Cluster's slot has moved
                self.broke(NoConnectionError("a channel is served elsewhere now"))
        elif asked == 1 and channel in self._names:
            self._confirm(channel)

    def _tell(self, channel: bytes, data: bytes) -> None:
        name = self._names.get(channel)
        if name is None:
            return
        try:
            news = unpacked(data)
        except ValueError as error:
            _LOG.warning("a publication on %s is none of ours: %s", channel.decode(), error)
            return
        self._subscribers.tell(name, news)

    def _confirm(self, channel: bytes) -> None:
        self._delay_s = FIRST_S
        self._confirmed.add(channel)
        future = self._awaited.pop(channel, None)
        if future is not None:
            future.set_result(None)
        if channel in self._missed:
            self._missed.discard(channel)
            self._late.append(self._names[channel])
            self._catch_up()

    def _catch_up(self) -> None:
        """Once all are confirmed again, those who missed something are told to read."""
        if self._missed or not self._late:
            return
        late, self._late = self._late, []
        task = self._link.loop.create_task(self._caught_up(late), name="redis news missed")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _caught_up(self, names: list[str]) -> None:
        try:
            epochs = await self._epochs(names)
        except StoreUnavailable as error:
            self._missed |= {self._link.channel(name).encode() for name in names}
            self.broke(NoConnectionError(str(error)))
            return
        for name, epoch in zip(names, epochs, strict=True):
            self._subscribers.tell(name, News(epoch))


class _Line:
    """One connection that hears; its task is `task`."""

    def __init__(self, dialled: Connection, ear: Ear) -> None:
        self._connection = dialled
        self._ear = ear
        self._unsaid: list[tuple[bytes, ...]] = []
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._heard_s = 0.0
        self.task = self._loop.create_task(self._run(), name="redis news line")

    def say(self, *command: bytes) -> None:
        """Send a command, in order."""
        self._unsaid.append(command)
        self._more.set()

    async def _run(self) -> None:
        ways: set[asyncio.Task[None]] = set()
        try:
            await self._connection.connect()  # type: ignore[no-untyped-call]
            self._ear.lives()
            self._heard_s = self._loop.time()
            ways = {self._loop.create_task(self._write()), self._loop.create_task(self._read())}
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        except Exception as error:  # noqa: BLE001 - whatever it is, the ear makes all again
            self._ear.broke(NoConnectionError(told(error).removeprefix("redis: ")))
        finally:
            for way in ways:
                way.cancel()
            try:  # the ear may cancel this while it ends by itself
                if ways:
                    await asyncio.wait(ways)
            finally:
                await self._connection.disconnect(nowait=True)

    async def _write(self) -> None:
        asked_s = self._heard_s
        while True:
            if self._unsaid:
                said, self._unsaid = (
                    self._unsaid[:COMMANDS_AT_ONCE],
                    self._unsaid[COMMANDS_AT_ONCE:],
                )
                await self._send(said)
                continue
            now_s = self._loop.time()
            if now_s >= self._heard_s + 2 * PING_S:
                raise NoAnswerError(f"no news and no answer for {2 * PING_S:.0f} s")
            if now_s >= max(self._heard_s, asked_s) + PING_S:
                asked_s = now_s
                await self._send([(b"PING",)])
            self._more.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_S / 2):
                    await self._more.wait()

    async def _send(self, commands: list[tuple[bytes, ...]]) -> None:
        if not self._connection.is_connected:  # else it would connect by itself, and hear nothing
            raise NoConnectionError("the connection for news was closed")
        packed_commands = self._connection.pack_commands(commands)
        await self._connection.send_packed_command(packed_commands, check_health=False)

    async def _read(self) -> None:
        while True:
            answer = await self._connection.read_response(
                timeout=math.inf, disconnect_on_error=False
            )
            self._heard_s = self._loop.time()
            if isinstance(answer, list) and len(answer) == 3:
                self._ear.came(*answer)
