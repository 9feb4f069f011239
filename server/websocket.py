"""The `/v1/ws` endpoint. This file is where a WebSocket becomes a `Connection`.

Where the server offers the raw socket it is taken, and this call returns; elsewhere the same
connection runs on plain ASGI, with a queue and a task.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers

from protocol.codec import refusal
from protocol.errors import Close, Code, Refused
from server.connection import Connection, Edge
from server.gate import told
from server.transport import RAW, RawWebSocket

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SUBPROTOCOL = "tutorstream.v1.json"
DENIAL = "websocket.http.response"


class WebSocketEndpoint:
    """An ASGI application for WebSocket scopes."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accept or refuse one socket, then hand it over."""
        await receive()
        ip = scope["client"][0] if scope.get("client") else ""
        try:
            self._edge.gate.enter(ip)
        except Refused as refused:
            await _deny(scope, send, refused)
            return
        if await self._accepted(scope, send):
            await self._carry(scope, receive, send, ip)
        else:
            self._edge.gate.leave(ip)

    async def _accepted(self, scope: Scope, send: Send) -> bool:
        """Accept the socket; close it again where its page or its version is not ours.

        A page cannot see the status of a refused upgrade and would try for ever; it can see a
        close code.
        """
        offered = scope.get("subprotocols", [])
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        headers = Headers(scope=scope)
        if not self._edge.gate.origin_allowed(headers.get("origin"), headers.get("host", "")):
            refused = Refused(Code.FORBIDDEN, f"the origin {headers['origin']!r} is not let in")
            close = Close.FORBIDDEN
        elif offered and chosen is None:
            refused = Refused(Code.UNSUPPORTED_VERSION, f"expected {SUBPROTOCOL}, came {offered}")
            close = Close.VERSION
        else:
            return True
        self._edge.metrics.refused(refused.code)
        await send({"type": "websocket.send", "text": refusal(refused).decode()})
        await send({"type": "websocket.close", "code": close, "reason": refused.detail[:100]})
        return False

    async def _carry(self, scope: Scope, receive: Receive, send: Send, ip: str) -> None:
        raw = scope.get("extensions", {}).get(RAW)
        if raw is not None:
            socket = Socket(self._edge, raw, ip)
            raw.take(socket)
            return
        wire = PlainWire()
        connection = Connection(self._edge, wire, "websocket", ip)
        pump = self._edge.loop.create_task(wire.pump(send))
        code = 1006
        try:
            code = await _heard(receive, connection, wire, self._edge)
        finally:
            connection.lost(code)
            self._edge.gate.leave(ip)
            pump.cancel()


class Socket(Connection):
    """A connection on a taken socket: the socket is its wire, and it is the socket's ear."""

    __slots__ = ("_ip", "_raw")

    def __init__(self, edge: Edge, raw: RawWebSocket, ip: str) -> None:
        super().__init__(edge, raw, "websocket", ip)
        self._ip = ip
        self._raw = raw
        raw.max_bytes = edge.limits.hello_bytes
        raw.too_large_code = Close.TOO_LARGE
        self.welcomed = self._allow_more

    def _allow_more(self) -> None:
        self._raw.max_bytes = self._edge.limits.inbound_bytes

    def lost(self, code: int) -> None:
        """The socket is gone."""
        super().lost(code)
        self._edge.gate.leave(self._ip)


class PlainWire:
    """The way out on plain ASGI: a list, and a task that sends it."""

    def __init__(self) -> None:
        self._out: list[list[bytes]] = []
        self._unsent = 0
        self._closing: tuple[int, str] | None = None
        self._due = asyncio.Event()

    def write(self, frames: list[bytes]) -> None:
        """Send these frames in one message."""
        if self._closing is None:
            self._out.append(frames)
            self._unsent += sum(map(len, frames))
            self._due.set()

    write_now = write

    def close(self, code: int, reason: str) -> None:
        """Close once what was written is sent."""
        if self._closing is None:
            self._closing = (code, reason)
            self._due.set()

    def unsent_bytes(self) -> int:
        """Bytes that were written and not sent."""
        return self._unsent

    @property
    def closing(self) -> bool:
        """Whether the last word was said."""
        return self._closing is not None

    async def pump(self, send: Send) -> None:
        """Send what is written until the close; the socket's end shows on the receiving side."""
        while True:
            await self._due.wait()
            self._due.clear()
            out, self._out = self._out, []
            for frames in out:
                await send({"type": "websocket.send", "text": b"\n".join(frames).decode()})
                self._unsent -= sum(map(len, frames))
            if self._closing is not None and not self._out:
                code, reason = self._closing
                await send({"type": "websocket.close", "code": code, "reason": reason})
                return


async def _heard(receive: Receive, connection: Connection, wire: PlainWire, edge: Edge) -> int:
    """Tell the connection what comes until the socket ends; the close code."""
    while True:
        event = await receive()
        most = edge.limits.inbound_bytes if connection.open else edge.limits.hello_bytes
        if event["type"] == "websocket.disconnect":
            return int(event.get("code") or 1005)
        if wire.closing:
            continue
        text = event.get("text")
        if text is None:
            connection.hear_binary()
        elif len(data := text.encode()) > most:
            wire.close(Close.TOO_LARGE, f"at most {most} bytes a message")
        else:
            connection.hear(data)


async def _deny(scope: Scope, send: Send, refused: Refused) -> None:
    """Refuse the upgrade itself, by status where the server can."""
    what: dict[str, Any] = {"type": "websocket.close"}
    if DENIAL in scope.get("extensions", {}):
        status = told(refused).status
        headers = [(b"content-type", b"application/json")]
        if refused.retry_ms is not None:
            headers.append((b"retry-after", str(max(1, refused.retry_ms // 1000)).encode()))
        await send({"type": f"{DENIAL}.start", "status": status, "headers": headers})
        what = {"type": f"{DENIAL}.body", "body": refusal(refused)}
    await send(what)
