"""OpenAI's chat answers as bytes, over a raw asyncio server. This file is the fake's lower half.

It is raw so that it can cut connections, split bytes anywhere and see a client leave at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

WORDS = ("What", " would", " undo", " the", " “+ 3”?", " Try", " −3", " on", " both", " sides.")
TEXT = "".join(WORDS)
PROMPT_TOKENS = 57
CACHED_TOKENS = 32
Scenario = Callable[..., Awaitable[None]]

_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many Requests"}


@dataclass
class Call:
    """One request as the upstream saw it; times by the loop's clock."""

    scenario: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    began_s: float
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
        name = str(body.get("model", "ok"))
        self.call = Call(name, body, headers, self.loop.time())
        self.fake.calls.append(self.call)
        self.fake.called.set()
        self._task = self.loop.create_task(self._answer(self.call, name))

    async def _answer(self, call: Call, name: str) -> None:
        scenario, *numbers = name.split(":")
        play = self.fake.scenarios.get(scenario, self.fake.otherwise)
        await play(Reply(self, call), *[float(n) for n in numbers])
        call.over_s = call.over_s or self.loop.time()


class Reply:
    """Writes one answer's bytes."""

    def __init__(self, connection: Connection, call: Call) -> None:
        self._transport = connection.transport
        self._loop = connection.loop
        self.call = call
        self.usage = bool((call.body.get("stream_options") or {}).get("include_usage"))

    def whole(
        self, status: int, body: bytes, headers: Mapping[str, str], kind: str = _JSON
    ) -> None:
        """A complete answer that is no stream."""
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", f"content-type: {kind}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"content-length: {len(body)}")
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def error(self, status: int, error: Mapping[str, Any], **headers: str) -> None:
        """An error of OpenAI's form."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.whole(status, json.dumps({"error": error}).encode(), named)

    def head(self) -> None:
        """The head of a stream."""
        self._transport.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {_SSE}\r\ncache-control: no-cache\r\n"
            "x-request-id: req_fake\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        self.call.writing.set()

    def raw(self, data: bytes) -> None:
        """Bytes of the body, as one HTTP chunk."""
        self._transport.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def chunk(self, **part: Any) -> None:
        """One event of the stream."""
        self.raw(event(self.call, usage=self.usage, **part))

    def words(self, *words: str) -> None:
        """Events that carry text."""
        for word in words:
            self.chunk(delta={"content": word})

    def opened(self) -> None:
        """Head and the first event, which carries the role and no text."""
        self.head()
        self.chunk(delta={"role": "assistant", "content": "", "refusal": None})

    def closed(self, finish: str | None = "stop", tokens: int = len(WORDS)) -> None:
        """The finish reason, usage where it was asked for, the terminator."""
        for part in ending(self.call, finish, tokens, usage=self.usage):
            self.raw(part)
        self.done()

    def done(self) -> None:
        """The body's end."""
        self._transport.write(b"0\r\n\r\n")
        self.call.over_s = self._loop.time()

    def cut(self) -> None:
        """Reset the connection."""
        self.call.over_s = self._loop.time()
        self._transport.abort()


def event(call: Call, *, usage: bool, **part: Any) -> bytes:
    """One `data:` line as OpenAI writes it."""
    choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": None, **part}
    data = {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1_750_000_000,
        "model": call.scenario,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
        "choices": [choice],
    }
    if usage:
        data["usage"] = None
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def ending(call: Call, finish: str | None, tokens: int, *, usage: bool) -> list[bytes]:
    """The last events of a complete stream."""
    last = [event(call, usage=usage, finish_reason=finish)]
    if usage:
        counted = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": tokens,
            "total_tokens": PROMPT_TOKENS + tokens,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS, "audio_tokens": 0},
        }
        data = json.loads(event(call, usage=usage)[len(b"data: ") :])
        data |= {"choices": [], "usage": counted}
        last.append(b"data: " + json.dumps(data).encode() + b"\n\n")
    return [*last, b"data: [DONE]\n\n"]


class Fake:
    """The running upstream: what was asked of it, and where it listens."""

    def __init__(self, scenarios: Mapping[str, Scenario], otherwise: Scenario) -> None:
        self.scenarios = scenarios
        self.otherwise = otherwise
        self.calls: list[Call] = []
        self.called = asyncio.Event()
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.base_url = ""
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"

    async def stop(self) -> None:
        """Drop every client and stop listening."""
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await self._server.wait_closed()
