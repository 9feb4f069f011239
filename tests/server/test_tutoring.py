"""How an alert reaches the operator's address, and when it has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from server.tutoring import told_to
from streaming.alerts import Alert

ALERT = Alert("s_1.g1", "learner-1", "s_1", "self-harm", 1_000, "words")


@asynccontextmanager
async def answering(answer: bytes, heard: list[bytes]) -> AsyncIterator[str]:
    """An address that says this to whatever is sent; `heard` gets the requests."""

    async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = [h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")]
        body = await reader.readexactly(int(size[0].split(b":")[1])) if size else b""
        heard.append(head.split(b" ")[0] + b" " + body)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(said, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_an_alert_is_posted_whole() -> None:
    heard: list[bytes] = []
    ok = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    async with answering(ok, heard) as url:
        tell = told_to(url)
        assert tell is not None
        await tell(ALERT)
    assert heard == [b"POST " + msgspec.json.encode(ALERT)]
    assert told_to("") is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"220 mail.school.example ESMTP\r\n",
        b"",
    ],
)
async def test_an_alert_that_was_not_taken_is_told_again(answer: bytes) -> None:
    """A page to log in at has not read it, nor has a server of another kind."""
    heard: list[bytes] = []
    async with answering(answer, heard) as url:
        tell = told_to(url)
        assert tell is not None
        with pytest.raises(OSError, match=r".+"):
            await tell(ALERT)
    assert len(heard) == 1
