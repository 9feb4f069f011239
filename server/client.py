"""A Python client of the wire that comes back by itself. This file is its socket and its clock.

All that a client must know is in `protocol.replica`; here are only the dialling, the back-off and
the waiting. `async for event in client` yields every event; commands go out with `send`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

from protocol.codec import decode_event, encode_command
from protocol.commands import Bye, Command
from protocol.errors import reconnects
from protocol.events import Drain, Event, Foreign
from protocol.limits import LIMITS
from protocol.replica import Replica

SUBPROTOCOL = "tutorstream.v1.json"


class Ended(Exception):  # noqa: N818 - an answer of the server, not a fault
    """The server closed for good: `code` says why; the user has to act."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}: {reason or 'no reason given'}")
        self.code = code


class Unreachable(Exception):  # noqa: N818 - what was found at the address
    """No server of ours has ever answered at this address."""

    def __init__(self, url: str, error: Exception) -> None:
        why = str(error) or type(error).__name__
        super().__init__(f"no tutorstream server answers at {url}: {why}")


class Client:
    """One client of one session. Use as an async context; iterate for the events.

    `on_state` hears `live`, `away` (with the seconds until the next try) as words for people. A
    server that never answered is not waited for: the events end with `Unreachable`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        on_state: Callable[[str], None] | None = None,
    ) -> None:
        self.url = url
        self.replica = Replica()
        self._token = token
        self._on_state = on_state or (lambda _: None)
        self._events: asyncio.Queue[Event | Foreign | Exception] = asyncio.Queue()
        self._wake = asyncio.Event()
        self._out: list[Command] = []
        self._task: asyncio.Task[None] | None = None
        self._socket: Any = None
        self._leaving = False

    async def __aenter__(self) -> Client:
        """Begin dialling."""
        self._task = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Say `bye` and close; a running turn goes on."""
        self._leaving = True
        if self._socket is not None:
            with contextlib.suppress(Exception):  # the socket may be gone already
                await self._socket.send(encode_command(Bye()).decode())
                await self._socket.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def __aiter__(self) -> AsyncIterator[Event | Foreign]:
        """Every event, in the order it was heard; raises `Ended` or `Unreachable` at the end."""
        return self._heard()

    async def _heard(self) -> AsyncIterator[Event | Foreign]:
        while True:
            event = await self._events.get()
            if isinstance(event, Exception):
                raise event
            yield event

    def send(self, command: Command) -> None:
        """Send now, or after the next `welcome`; kept until its reply."""
        self._out += self.replica.send(command)
        self._wake.set()

    async def cut(self) -> None:
        """Drop the socket as a failing network would."""
        if self._socket is not None:
            self._socket.transport.abort()

    # --- inside -------------------------------------------------------------------------------

    async def _live(self) -> None:
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

        lost = (OSError, InvalidHandshake, InvalidMessage, ConnectionClosed, TimeoutError)
        tries = 0
        while not self._leaving:
            try:
                code, reason = await self._connected()
                if not reconnects(code):
                    self._events.put_nowait(Ended(code, reason))
                    return
            except lost as error:
                if self.replica.welcome is None:
                    self._events.put_nowait(Unreachable(self.url, error))
                    return
            tries = 0 if self.replica.connected else tries + 1
            self.replica.cut()
            cap_s = min(LIMITS.backoff_first_s * LIMITS.backoff_factor**tries, LIMITS.backoff_cap_s)
            drain = self.replica.newest.pop(Drain, None)
            pause_s = random.random() * cap_s  # noqa: S311 - full jitter, no secret
            if isinstance(drain, Drain):
                pause_s = drain.after_ms / 1000
            self._on_state(f"away, back in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)

    async def _connected(self) -> tuple[int, str]:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed
        from websockets.typing import Subprotocol

        async with connect(
            self.url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            ping_interval=None,
            max_size=None,
        ) as socket:
            self._socket = socket
            self._out = []  # `welcome` brings again what has no reply
            await socket.send(encode_command(self.replica.hello(self._token)).decode())
            writer = asyncio.create_task(self._write(socket))
            try:
                with contextlib.suppress(ConnectionClosed):  # its code says what follows
                    async with asyncio.timeout(None) as dead:
                        async for message in socket:
                            dead.reschedule(asyncio.get_running_loop().time() + LIMITS.dead_s)
                            self._hear(message if isinstance(message, bytes) else message.encode())
            finally:
                writer.cancel()
                self._socket = None
            return socket.close_code or 1006, socket.close_reason or ""

    def _hear(self, message: bytes) -> None:
        was = self.replica.connected
        for frame in message.split(b"\n"):
            event = decode_event(frame)
            self._out += self.replica.hear(event, asyncio.get_running_loop().time())
            self._events.put_nowait(event)
        if self.replica.connected and not was:
            self._on_state("live")
        self._wake.set()

    async def _write(self, socket: Any) -> None:
        """Send what is due; sleeps until something is, or an ack is owed."""
        loop = asyncio.get_running_loop()
        while True:
            out, self._out = [*self._out, *self.replica.due(loop.time())], []
            for command in out:
                await socket.send(encode_command(command).decode())
            at_s = self.replica.wakes_at_s
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(at_s):
                    await self._wake.wait()
