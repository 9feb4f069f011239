"""A real server on a loopback socket, and a client that may send any bytes. For the wire tests."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import msgspec
import uvicorn
from websockets.utils import apply_mask

from server.transport import RawWebSocket

STOCK = "websockets-sansio"

TEXT, BINARY, CONT, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA


def client_frame(
    opcode: int, payload: bytes, *, fin: bool = True, mask: bool = True, reserved: int = 0
) -> bytes:
    """One frame as a client sends it; the flags allow every mistake."""
    head = bytes(((0x80 if fin else 0) | reserved << 4 | opcode,))
    bit = 0x80 if mask else 0
    size = len(payload)
    if size < 126:
        head += bytes((bit | size,))
    elif size < 65_536:
        head += bytes((bit | 126,)) + size.to_bytes(2, "big")
    else:
        head += bytes((bit | 127,)) + size.to_bytes(8, "big")
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + apply_mask(payload, key)


class RawClient:
    """A socket after the upgrade: sends bytes, reads server frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    def send(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    def text(self, payload: str | bytes) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        self.writer.write(client_frame(TEXT, data))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the server: opcode and payload."""
        first, size = await self.reader.readexactly(2)
        assert first & 0x80, "the server never fragments"
        assert not first & 0x70, "no reserved bit without an extension"
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def message(self) -> bytes:
        opcode, payload = await self.frame()
        assert opcode == TEXT, (opcode, payload)
        return payload

    async def close_code(self) -> int:
        """Read on to the close frame; 1006 where the socket ended without one."""
        try:
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return 1006

    async def end(self) -> None:
        """Read until the server has closed its side."""
        with contextlib.suppress(ConnectionResetError):
            while await self.reader.read(65_536):
                pass

    async def aclose(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def raw_client(
    port: int, path: str = "/", *, headers: dict[str, str] | None = None, expect: int = 101
) -> RawClient:
    """Connect and upgrade; `expect` is the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *[f"{name}: {value}" for name, value in (headers or {}).items()],
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    client = RawClient(reader, writer)
    client.head = await reader.readuntil(b"\r\n\r\n")
    assert f" {expect} ".encode() in client.head.split(b"\r\n")[0], client.head
    return client


@contextlib.asynccontextmanager
async def serving(
    app: Callable[..., Any], ws: Any = RawWebSocket, **config: Any
) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    """A uvicorn server of `app` on a free loopback port; stops it without waiting."""
    config = {
        "log_config": None,
        "lifespan": "off",
        "ws_max_size": 65_536,
        "ws_ping_interval": None,
        "ws_per_message_deflate": False,
        **config,
    }
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    loaded = uvicorn.Config(app, ws=ws, **config)
    loaded.load()
    server = uvicorn.Server(loaded)
    server.lifespan = loaded.lifespan_class(loaded)
    await server.startup(sockets=[sock])
    try:
        yield sock.getsockname()[1], server
    finally:
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
        await server.lifespan.shutdown()


class Answer(NamedTuple):
    """What came back on an HTTP request."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def request(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """One HTTP request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request_bytes(port, method, path, body, headers))
    status, answered = await read_head(reader)
    if "content-length" in answered:
        content = await reader.readexactly(int(answered["content-length"]))
    else:
        content = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return Answer(status, answered, content)


def _request_bytes(
    port: int, method: str, path: str, body: bytes, headers: dict[str, str] | None
) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *[f"{name}: {value}" for name, value in (headers or {}).items()],
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of a response."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if line)
    return int(head[0].split(" ")[1]), {name.lower(): value for name, value in fields.items()}


class EventStream:
    """One open SSE response."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._text = b""

    async def event(self) -> dict[str, Any]:
        """The next event: `id` (where it has one), `event`, and `data` parsed."""
        while b"\n\n" not in self._text:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = await self._reader.readexactly(size + 2)
            if not size:
                raise EOFError("the stream ended")
            self._text += chunk[:-2]
        block, _, self._text = self._text.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
        return {**fields, "data": msgspec.json.decode(fields["data"])}

    async def aclose(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def event_stream(port: int, path: str, headers: dict[str, str]) -> EventStream:
    """Open an SSE response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request_bytes(port, "GET", path, b"", headers))
    status, answered = await read_head(reader)
    assert status == 200, (status, answered, await reader.read())
    assert answered["content-type"] == "text/event-stream"
    return EventStream(reader, writer)
