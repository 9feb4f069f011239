"""A model's endpoint of OpenAI's chat shape whose answers are known beforehand. This file is it.

A turn's text names the answer: a question that holds `ask 7.3` is answered with `answer("7.3", n)`,
token by token at a set rate, so that a client can compare what it shows byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from typing import Any

WORDS = (
    " the", " sum", " of", " both", " sides", " is", " naïve", " façade", " Größe", " so",
    " far", " we", " “look”", " αβγ", " число", " 数学", " עברית", " e\u0301tude", " 🙂",
    " 👩\u200d🏫", " there.", " Why?", "\n", " try", " again", " on", ' "so"', " where",
)  # fmt: skip
"""What the answers are made of: one to four bytes a character, joiners, quotes, line ends. No
number and no markup: what a guard would stop or take out is no measure of a stream."""
_NAMED = re.compile(r"ask ([0-9.]+)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
JITTER = 0.5
"""Each token's wait differs from the mean by at most this share."""


def question(name: str) -> str:
    """The learner's text that asks for the answer of this name."""
    return f"Why? ask {name}"


def tokens(name: str, n: int) -> list[str]:
    """The `n` tokens of the answer of this name; always the same."""
    dice = random.Random(name)
    return ["Look", *(dice.choice(WORDS) for _ in range(n - 1))]


def answer(name: str, n: int) -> str:
    """The whole text of the answer.

    >>> answer("7.3", 300) == answer("7.3", 300) != answer("7.4", 300)
    True
    """
    return "".join(tokens(name, n))


class Upstream:
    """Listens on a free port of 127.0.0.1 and counts what became of its streams."""

    def __init__(self, n: int, rate: float, *, first_s: float = 0.01) -> None:
        self.n = n
        self.rate = rate
        """Tokens a second, of each stream."""
        self.first_s = first_s
        self.base_url = ""
        self.begun = self.completed = 0
        self.left = 0
        """Answers on which the server hung up before their end."""
        self._server: asyncio.Server | None = None
        self._open: set[_Connection] = set()

    def length(self, name: str) -> int:  # noqa: ARG002 - who knows better says it by the name
        """Tokens of the answer of this name."""
        return self.n

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        """Hang up on everybody."""
        assert self._server is not None
        self._server.close()
        for connection in list(self._open):
            connection.abort()
        await self._server.wait_closed()

    def environment(self) -> dict[str, str]:
        """The settings by which a server speaks through this endpoint."""
        return {
            "TUTORSTREAM_PROVIDER__NAME": "vllm",
            "TUTORSTREAM_PROVIDER__BASE_URL": self.base_url,
            "TUTORSTREAM_PROVIDER__MODEL": "known-answers",
        }


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 client; its requests come one after another."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._transport: Any = None  # uvloop's is no subclass of asyncio's
        self._rest = b""
        self._name = ""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._upstream._open.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._upstream._open.discard(self)
        if self._task is not None and not self._task.done():
            self._upstream.left += 1
            self._task.cancel()

    def abort(self) -> None:
        """Hang up."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        head, found, body = self._rest.partition(b"\r\n\r\n")
        size = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        length = int(size[1]) if size else 0
        if not found or len(body) < length:
            return
        self._rest = body[length:]
        asked = _NAMED.findall(json.loads(body[:length])["messages"][-1]["content"])
        if not asked:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return
        self._name = asked[-1]
        self._task = asyncio.get_running_loop().create_task(self._said(self._name))

    async def _said(self, name: str) -> None:
        upstream = self._upstream
        upstream.begun += 1
        dice = random.Random(name)
        await asyncio.sleep(upstream.first_s)
        self._transport.write(_HEAD + _part(delta={"role": "assistant", "content": ""}))
        clock = asyncio.get_running_loop().time
        due_s = clock()
        length = upstream.length(name)
        for number, token in enumerate(tokens(name, length)):
            # Escapes and plain UTF-8 in turn: endpoints do either.
            part = _part(escaped=bool(number % 2), delta={"content": token})
            self._transport.write(part)
            due_s += (1 + JITTER * (2 * dice.random() - 1)) / upstream.rate
            await asyncio.sleep(max(0.0, due_s - clock()))
        usage = {"prompt_tokens": 50, "completion_tokens": length, "total_tokens": 50}
        self._transport.write(
            _part(delta={}, finish_reason="stop")
            + _chunk({**_FRAME, "choices": [], "usage": usage})
            + _raw(b"data: [DONE]\n\n")
            + b"0\r\n\r\n"
        )
        upstream.completed += 1


_FRAME = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_750_000_000}


def _part(*, escaped: bool = False, **choice: Any) -> bytes:
    choices = [{"index": 0, "finish_reason": None, **choice}]
    return _chunk({**_FRAME, "model": "known-answers", "choices": choices}, escaped=escaped)


def _chunk(event: dict[str, Any], *, escaped: bool = False) -> bytes:
    return _raw(b"data: " + json.dumps(event, ensure_ascii=escaped).encode() + b"\n\n")


def _raw(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
