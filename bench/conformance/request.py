"""HTTP/1.1 as far as the fallback without sockets needs it. This file is that client.

One request a connection; a body by length, in chunks, or to the end; events of a stream as they
come.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.conformance.contact import Broken, Frame

HEAD_BYTES = 64 * 1024


class Answer(NamedTuple):
    """What came back on a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    def frame(self) -> Frame:
        """The body as one JSON object. Raises Broken."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Broken("a JSON object", f"{self.status} {self.body[:100]!r}")
        return found


class Event(NamedTuple):
    """One event of a stream."""

    id: str
    name: str
    data: str


async def opened(
    url: str, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the request was sent; `url` is the WebSocket's. Raises OSError."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "wss" else None
    port = parts.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(
        parts.hostname or "", port, ssl=tls, limit=HEAD_BYTES * 16
    )
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    return reader, writer


async def asked(
    url: str,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    patience_s: float,
) -> Answer:
    """The answer to one request. Raises OSError, TimeoutError, Broken."""
    async with asyncio.timeout(patience_s):
        reader, writer = await opened(url, method, path, body, headers or {})
        try:
            status, found = await _head(reader)
            length = found.get("content-length")
            content = b""
            if length is not None:
                content = await reader.readexactly(int(length))
            elif status != 204:
                while piece := await _piece(reader, found):
                    content += piece
            return Answer(status, found, content)
        finally:
            writer.close()


class EventStream:
    """A stream of Server-Sent Events, read one by one."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        headers: dict[str, str],
        patience_s: float,
    ) -> None:
        self.headers = headers
        self._reader = reader
        self._writer = writer
        self._patience_s = patience_s
        self._text = ""

    @classmethod
    async def open(
        cls, url: str, path: str, headers: dict[str, str], patience_s: float
    ) -> EventStream:
        """An open stream. Raises Broken where it is refused."""
        async with asyncio.timeout(patience_s):
            reader, writer = await opened(url, "GET", path, b"", headers)
            status, found = await _head(reader)
        if status != 200 or not found.get("content-type", "").startswith("text/event-stream"):
            writer.close()
            raise Broken("200 and text/event-stream", f"{status} {found.get('content-type')}")
        return cls(reader, writer, found, patience_s)

    async def hear(self) -> Event:
        """The next event. Raises TimeoutError, Broken at the stream's end."""
        while "\n\n" not in self._text:
            async with asyncio.timeout(self._patience_s):
                piece = await _piece(self._reader, self.headers)
            if not piece:
                raise Broken("an event", "the end of the stream")
            self._text += piece.decode().replace("\r\n", "\n")
        block, _, self._text = self._text.partition("\n\n")
        fields: dict[str, list[str]] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        if "data" not in fields:  # a comment keeps the stream alive
            return await self.hear()
        name = "".join(fields.get("event", []))
        return Event("".join(fields.get("id", [])), name, "\n".join(fields["data"]))

    async def until(self, t: str, **fields: Any) -> tuple[Event, Frame]:
        """Read on to a frame of this type with these fields. Raises Broken."""
        while True:
            try:
                event = await self.hear()
            except TimeoutError:
                raise Broken(f"`{t}` within {self._patience_s:g} s", "nothing") from None
            frame = json.loads(event.data) if not event.name else {}
            if frame.get("t") == t and all(frame.get(k) == v for k, v in fields.items()):
                return event, frame

    async def aclose(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        raise Broken("an HTTP answer", f"{error.partial[:60]!r} and the end") from None
    first, *lines = text.strip().split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise Broken("an HTTP answer", first)
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _piece(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """The next piece of a body without a length; empty at its end."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.read(HEAD_BYTES)
    size = int((await reader.readline()).split(b";")[0].strip() or b"0", 16)
    piece = await reader.readexactly(size)
    await reader.readline()
    return piece
