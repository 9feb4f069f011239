"""A raw HTTP/1.1 upstream on 127.0.0.1, with no voice of its own. This file is every fake's floor.

It is raw so that it can cut connections, split bytes anywhere and see a client leave at once. A
fake of one provider subclasses `Reply` with that provider's bytes and names its scenarios; the
model's name selects one, and `name:number` gives it a number, as in `slow:40`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, cast

WORDS = ("What", " would", " undo", " the", " “+ 3”?", " Try", " −3", " on", " both", " sides.")
TEXT = "".join(WORDS)
PROMPT_TOKENS = 57
CACHED_TOKENS = 32
Scenario = Callable[..., Awaitable[None]]

JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many Requests"}


@dataclass
class Call:
    """One request as the upstream saw it; times by the loop's clock."""

    scenario: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    began_s: float
    path: str = ""
    """What followed the host, with its query."""
    left_s: float | None = None
    """When the client went before the answer was over."""
    over_s: float | None = None
    """When the answer was written to its end."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    writing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the answer's head was written."""


class Connection(asyncio.Protocol):
    """One client; requests one after another, as HTTP/1.1 clients without pipelining send them."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.call: Call | None = None
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's has no such base
        self.fake.connections.add(self)
        self.fake.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.fake.connections.discard(self)
        call = self.call
        if call is not None and call.over_s is None:
            call.left_s = self.loop.time()
            call.left.set()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = bytearray(rest[length:])
        body = json.loads(rest[:length]) if length else {}
        path = lines[0].split(" ")[1]
        name = self.fake.model_of(path, body)
        self.call = Call(name, body, headers, self.loop.time(), path)
        self.fake.calls.append(self.call)
        self.fake.called.set()
        self._task = self.loop.create_task(self._answer(self.call, name))

    async def _answer(self, call: Call, name: str) -> None:
        scenario, *numbers = name.split(":")
        play = self.fake.scenarios.get(scenario, self.fake.otherwise)
        await play(self.fake.reply(self, call), *[float(n) for n in numbers])
        call.over_s = call.over_s or self.loop.time()


class Reply:
    """Writes one answer's bytes, whatever they mean."""

    def __init__(self, connection: Connection, call: Call) -> None:
        self._transport = connection.transport
        self._loop = connection.loop
        self.call = call

    def whole(self, status: int, body: bytes, headers: Mapping[str, str], kind: str = JSON) -> None:
        """A complete answer that is no stream."""
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", f"content-type: {kind}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"content-length: {len(body)}")
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def error(self, status: int, error: Mapping[str, Any], **headers: str) -> None:
        """An error body of the form `{"error": ..}`; a header's `_` is a `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.whole(status, json.dumps({"error": error}).encode(), named)

    def head(self) -> None:
        """The head of a stream."""
        self._transport.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {SSE}\r\ncache-control: no-cache\r\n"
            "x-request-id: req_fake\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        self.call.writing.set()

    def raw(self, data: bytes) -> None:
        """Bytes of the body, as one HTTP chunk."""
        self._transport.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def done(self) -> None:
        """The body's end."""
        self._transport.write(b"0\r\n\r\n")
        self.call.over_s = self._loop.time()

    def cut(self) -> None:
        """Reset the connection."""
        self.call.over_s = self._loop.time()
        self._transport.abort()


async def silent(reply: Reply) -> None:
    """Not even a head."""
    reply.call.writing.set()
    await for_ever()


async def cut_at_once(reply: Reply) -> None:
    """A reset before the first byte."""
    reply.cut()


async def html(reply: Reply) -> None:
    """A gateway's page where an API answer was due."""
    page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    reply.whole(502, page, {}, "text/html")


async def for_ever() -> None:
    """Wait until the client has gone."""
    await asyncio.get_running_loop().create_future()


async def read_first() -> None:
    """Time for a client to read what was written, which a reset would overtake.

    The turns of the loop are for a client on this loop while the machine is busy.
    """
    await asyncio.sleep(0.01)
    for _ in range(100):
        await asyncio.sleep(0)


def model_in_body(path: str, body: Mapping[str, Any]) -> str:
    """The model's name where the request's body holds it."""
    return str(body.get("model", "ok"))


def model_at(end: str) -> Callable[[str, Mapping[str, Any]], str]:
    """As `model_in_body`, where the request's path ends so; another path is no scenario."""

    def model_of(path: str, body: Mapping[str, Any]) -> str:
        return model_in_body(path, body) if path.endswith(end) else f"no such path {path}"

    return model_of


class Fake:
    """The running upstream: what was asked of it, and where it listens.

    `reply` writes the provider's bytes; `model_of(path, body)` finds the model's name in a request;
    `otherwise` answers names that are no scenario; `root` is the path behind the host that a client
    is given as its address.
    """

    def __init__(
        self,
        scenarios: Mapping[str, Scenario],
        otherwise: Scenario,
        *,
        reply: Callable[[Connection, Call], Reply] = Reply,
        model_of: Callable[[str, Mapping[str, Any]], str] = model_in_body,
        root: str = "/v1",
    ) -> None:
        self.scenarios = scenarios
        self.otherwise = otherwise
        self.reply = reply
        self.model_of = model_of
        self.calls: list[Call] = []
        self.called = asyncio.Event()
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.base_url = ""
        self._root = root
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}{self._root}"

    async def rested(self) -> None:
        """One turn of the loop, for a test that waits until a client has read to the end."""
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Drop every client and stop listening."""
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await self._server.wait_closed()


@contextlib.asynccontextmanager
async def started(fake: Fake, port: int = 0) -> AsyncIterator[Fake]:
    """The fake, listening for the time of the block."""
    await fake.start(port)
    try:
        yield fake
    finally:
        await fake.stop()


def served(running: Callable[[int], AbstractAsyncContextManager[Fake]], about: str) -> None:
    """A fake's command line: serve until interrupted; its address is printed as one JSON line."""

    async def serve(port: int) -> None:
        async with running(port) as fake:
            print(json.dumps({"base_url": fake.base_url}), flush=True)
            await for_ever()

    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().port))
