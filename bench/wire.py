"""A lean WebSocket client on a plain asyncio protocol. This file is the load generator's socket.

It does what a measurement needs and no more: the opening handshake, masked text frames out,
unfragmented frames in, pings answered. The same code speaks to every server that is compared.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

SUBPROTOCOL = "tutorstream.v1.json"
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HANDSHAKE_S = 30.0


class HandshakeFailed(Exception):  # noqa: N818 - named by what happened
    """The server did not answer with 101 and the right accept key."""


def masked(payload: bytes, key: int) -> bytes:
    """The payload under a 32 bit masking key (RFC 6455, 5.3).

    >>> masked(masked(b"a learner", 0x12345678), 0x12345678)
    b'a learner'
    """
    size = len(payload)
    pad = key.to_bytes(4, "big") * ((size + 3) // 4)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad[:size], "big")
    return mixed.to_bytes(size, "big")


def client_frame(payload: bytes, key: int, first: int = TEXT) -> bytes:
    r"""One whole masked frame.

    >>> client_frame(b"", 1)
    b'\x81\x80\x00\x00\x00\x01'
    """
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + key.to_bytes(4, "big") + masked(payload, key)


def accept_key(key: bytes) -> bytes:
    """What the server must answer to a `Sec-WebSocket-Key` (RFC 6455, 1.3).

    >>> accept_key(b"dGhlIHNhbXBsZSBub25jZQ==")
    b's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


class Wire(asyncio.Protocol):
    """One connection. `ear` hears each text message; `lost` hears the close code once."""

    def __init__(self, ear: Callable[[bytes], None], lost: Callable[[int], None]) -> None:
        self.ear = ear
        self.lost = lost
        self.bytes_in = 0
        """Payload bytes of text messages heard."""
        self.bytes_out = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._accept = b""
        self._code = 1006

    # --- out ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection stands."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment] # uvloop's is no subclass

    def shake(self, host: str, path: str, subprotocol: str | None) -> None:
        """Send the opening handshake."""
        key = base64.b64encode(secrets.token_bytes(16))
        self._accept = accept_key(key)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key.decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        if subprotocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
        assert self._transport is not None
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, payload: bytes) -> None:
        """Send one text message; after the end this does nothing."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            self.bytes_out += len(payload)
            transport.write(client_frame(payload, random.getrandbits(32)))

    def close(self) -> None:
        """Say goodbye with 1000 and hang up."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            self._code = 1000
            code = (1000).to_bytes(2, "big")
            transport.write(client_frame(code, random.getrandbits(32), CLOSE))
            transport.close()

    def cut(self) -> None:
        """Hang up without a word, as a lost network does."""
        if self._transport is not None:
            self._transport.abort()

    # --- in -----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Hear every whole frame of what came; keep the rest."""
        if self._rest:
            data = self._rest + data
        self._rest = b""
        if not self.opened.done():
            data = self._answered(data)
        at, end = 0, len(data)
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if body + size > end or body > end:
                break
            self._frame(data[at], data[body : body + size])
            at = body + size
        if at < end:
            self._rest = data[at:]

    def _answered(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            self._rest = data
            return b""
        if not head.startswith(b"HTTP/1.1 101") or self._accept not in head:
            status = head.split(b"\r\n", 1)[0].decode("latin-1")
            self.opened.set_exception(HandshakeFailed(f"expected 101, came {status!r}"))
            self.cut()
            return b""
        self.opened.set_result(None)
        return rest

    def _frame(self, first: int, payload: bytes) -> None:
        if first == TEXT:
            self.bytes_in += len(payload)
            self.ear(payload)
        elif first == PING and self._transport is not None:
            self._transport.write(client_frame(payload, random.getrandbits(32), PONG))
        elif first == CLOSE and self._transport is not None:
            self._code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self._transport.close()
        elif first != PONG:
            raise ValueError(f"expected a whole text frame, came one that begins with {first:#x}")

    def connection_lost(self, _: Exception | None) -> None:
        """The socket is gone."""
        if not self.opened.done():
            self.opened.set_exception(HandshakeFailed("the connection ended before the 101"))
        self.lost(self._code)


async def dialled(
    url: str,
    ear: Callable[[bytes], None],
    lost: Callable[[int], None],
    *,
    subprotocol: str | None = SUBPROTOCOL,
    kind: Callable[[Callable[[bytes], None], Callable[[int], None]], Wire] = Wire,
) -> Wire:
    """An open connection to `ws://host:port/path`. Raises HandshakeFailed, OSError."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(
        lambda: kind(ear, lost), parts.hostname or "", parts.port or 80
    )
    wire.shake(parts.netloc, path or "/", subprotocol)
    async with asyncio.timeout(HANDSHAKE_S):
        await wire.opened
    return wire
