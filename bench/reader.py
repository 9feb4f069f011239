"""A client that can lose its socket anywhere and come back. This file is wire and picture in one.

The picture is `protocol.replica.Replica`, as every client of the project has it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bench.wire import HandshakeFailed, Wire, dialled
from protocol.codec import decode_event, encode_command
from protocol.commands import Command, LessonStart
from protocol.events import Event, Foreign, Welcome
from protocol.replica import ME, Replica

ENTER_S = 60.0


class BrittleWire(Wire):
    """A wire that is cut after so many bytes from the server, in the midst of a frame or not."""

    bytes_left: int | None = None
    gone = False

    def data_received(self, data: bytes) -> None:
        """Hear the bytes up to the cut."""
        if self.gone:
            return
        if self.bytes_left is not None:
            self.gone = len(data) >= self.bytes_left
            data = data[: self.bytes_left]
            self.bytes_left -= len(data)
        super().data_received(data)
        if self.gone:
            super().cut()

    def cut(self) -> None:
        """Hang up without a word; nothing is heard any more."""
        self.gone = True
        super().cut()


class Reader:
    """One session from outside. `ear` hears each event after the picture has taken it."""

    def __init__(self, url: str, ear: Callable[[Event | Foreign], None]) -> None:
        self.replica = Replica()
        self.wire: BrittleWire | None = None
        self.lost = asyncio.Event()
        self.settled = asyncio.Event()
        """Set once this connection has caught up, or is lost."""
        self.caught_up_s: float | None = None
        """When this connection had everything up to the head that its `welcome` named."""
        self.mode = ""
        """How this connection caught up."""
        self._url = url
        self._ear = ear
        self._head = 0

    async def dial(self, bytes_left: int | None = None) -> bool:
        """Connect and say hello; False where the socket was cut before it stood."""
        self.lost.clear()
        self.settled.clear()
        self.caught_up_s, self.mode, self._head = None, "", 0

        def made(ear: Callable[[bytes], None], lost: Callable[[int], None]) -> BrittleWire:
            self.wire = BrittleWire(ear, lost)
            self.wire.bytes_left = bytes_left
            return self.wire

        try:
            await dialled(self._url, self._hear, self._lost, kind=made)
        except HandshakeFailed:
            if self.wire is None or not self.wire.gone:
                raise
            return False
        self.send_now([self.replica.hello()])
        return True

    async def enter(self) -> None:
        """The first connection, with a lesson begun."""
        await self.dial()
        self.send(LessonStart("lesson"))
        async with asyncio.timeout(ENTER_S):
            while self.replica.item is None:  # noqa: ASYNC110 - once a session, untimed
                await asyncio.sleep(0.005)

    def send(self, *commands: Command) -> None:
        """Say these in one message, or after the next `welcome`."""
        self.send_now([frame for command in commands for frame in self.replica.send(command)])

    def send_now(self, commands: list[Command]) -> None:
        """Put these on the wire."""
        if commands and self.wire is not None:
            self.wire.send(b"\n".join(encode_command(command) for command in commands))

    def tick(self, now_s: float) -> None:
        """What only time brings: acks, retries."""
        self.send_now(self.replica.due(now_s))

    def close(self) -> None:
        """Leave."""
        if self.wire is not None:
            self.wire.close()

    def _hear(self, payload: bytes) -> None:
        for frame in payload.split(b"\n"):
            now_s = time.monotonic()
            event = decode_event(frame)
            self.send_now(self.replica.hear(event, now_s))
            if isinstance(event, Welcome):
                line = next(line for line in event.logs if line.s == ME)
                self.mode, self._head = line.mode, line.head
            if self.caught_up_s is None and self.mode and self._stands():
                self.caught_up_s = now_s
                self.settled.set()
            self._ear(event)

    def _stands(self) -> bool:
        return self.replica.position.seq >= self._head

    def _lost(self, _: int) -> None:
        self.replica.cut()
        self.lost.set()
        self.settled.set()


async def ticking(readers: Callable[[], list[Reader]]) -> None:
    """Give every reader its ticks, 20 times a second, until cancelled."""
    while True:
        now_s = time.monotonic()
        for reader in readers():
            reader.tick(now_s)
        await asyncio.sleep(0.05)
