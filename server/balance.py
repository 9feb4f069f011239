"""A small TCP load balancer for a cluster on one machine. This file stands before the nodes.

Connections go round the nodes that answer `/readyz` with 200; bytes are passed on unread, so that
whatever holds through it holds of the wire itself. Any node serves any learner: nothing sticks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

HEALTH_S = 1.0
"""A node is asked this often ..."""
HEALTH_TIMEOUT_S = 2.0
"""... and counts as not ready where it has not answered by then."""
CONNECT_S = 2.0
"""How long a node may take to accept a connection before the next one is tried."""
PIECE_BYTES = 64 * 1024
NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
"""What is answered while no node is ready."""


class Backend:
    """One node: where it listens and whether it takes new connections."""

    def __init__(self, name: str, port: int, host: str = "127.0.0.1") -> None:
        self.name = name
        self.host = host
        self.port = port
        self.ready = False
        self.refused = 0
        """Connections that it did not accept."""

    async def asked(self) -> bool:
        """Whether `/readyz` says 200."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(
                        b"GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                        % self.host.encode()
                    )
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False


class Balancer:
    """Listens once and passes each connection to a ready node, in turn."""

    def __init__(
        self,
        backends: Sequence[Backend],
        told: Callable[[str], None] = lambda _: None,
        *,
        health_s: float = HEALTH_S,
    ) -> None:
        self.backends = list(backends)
        self._told = told
        self._health_s = health_s
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._asking: list[asyncio.Task[None]] = []
        self._carried: set[asyncio.Task[None]] = set()

    async def begin(self, port: int, host: str = "127.0.0.1") -> int:
        """Listen, and go on asking the nodes; the port. Raises OSError where it is taken."""
        self._server = await asyncio.start_server(self._come, host, port)
        self._asking = [asyncio.create_task(self._ask(backend)) for backend in self.backends]
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Listen no more and cut what is still carried."""
        for task in (*self._asking, *self._carried):
            task.cancel()
        await asyncio.gather(*self._asking, *self._carried, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def all_ready(self) -> None:
        """Return once every node has said that it is ready."""
        while True:
            ready = await asyncio.gather(*(backend.asked() for backend in self.backends))
            for backend, is_ready in zip(self.backends, ready, strict=True):
                backend.ready = is_ready
            if all(ready):
                return
            await asyncio.sleep(self._health_s / 4)

    async def _ask(self, backend: Backend) -> None:
        while True:
            refused = backend.refused
            ready = await backend.asked()
            if refused != backend.refused:
                continue  # an answer from before its end
            if ready != backend.ready:
                backend.ready = ready
                self._told(f"{backend.name} {'takes' if ready else 'takes no more'} connections")
            await asyncio.sleep(self._health_s)

    # --- connections --------------------------------------------------------------------------

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node = await self._given()
        if node is None:
            await _sent_away(reader, writer)
            return
        try:
            await asyncio.gather(_passed(reader, node[1]), _passed(node[0], writer))
        finally:
            await asyncio.gather(_closed(writer), _closed(node[1]))

    async def _given(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the next ready node that takes one; None where none does."""
        for _ in self.backends:
            backend = self.backends[self._turn % len(self.backends)]
            self._turn += 1
            if not backend.ready:
                continue
            try:
                async with asyncio.timeout(CONNECT_S):
                    given = await asyncio.open_connection(backend.host, backend.port)
            except (OSError, TimeoutError):
                backend.ready = False  # until it says otherwise
                backend.refused += 1
                self._told(f"{backend.name} does not accept connections")
                continue
            return given
        return None


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until one side ends; a side that only stopped speaking may still listen."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):  # it may be gone
        writer.write_eof()


async def _sent_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that nobody is here. What the client still says is read, or it would hear a reset."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_S):
            writer.write(NOBODY)
            writer.write_eof()
            while await reader.read(PIECE_BYTES):
                pass
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
