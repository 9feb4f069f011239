"""A model's endpoint of OpenAI's chat shape that speaks at an exact pace, as a process of its own.

This file is that process. A question that holds `ask NAME` (small letters) is answered with words
that hold no number, each at its due time: a slow reader makes nothing later. It stamps what only
an upstream sees with `time.monotonic()`, which all processes of a machine share.

As a process: `python -m bench.llm_upstream --rate 40 --tokens 220` prints its address as one JSON
line. `GET /report` tells the stamps and forgets them.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import itertools
import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any

from bench.load import Alarm
from bench.scenario import loop_factory
from bench.stats import spread

WORDS = (
    " look", " again", " at", " the", " sign", " before", " you", " go", " on", " and", " tell",
    " me", " what", " both", " numbers", " have", " in", " common", " then", " try", " it",
    " with", " your", " own", " words", " here.", " Why?", " Good", " idea,", " now", " check",
    " each", " step", " with", " care", " please",
)  # fmt: skip
FIRST_S = 0.1
"""From a request to its first token."""
USAGE = {"prompt_tokens": 900, "completion_tokens": 220, "total_tokens": 1120}
_NAMED = re.compile(r"ask ([a-z]+)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


def name_of(number: int) -> str:
    """A name of letters alone, so that no number is in the learner's words.

    >>> name_of(0), name_of(27)
    ('qa', 'qbb')
    """
    letters = ""
    while True:
        number, rest = divmod(number, 26)
        letters = chr(ord("a") + rest) + letters
        if not number:
            return "q" + letters


def question(name: str) -> str:
    """The learner's text that asks for the answer of this name."""
    return f"Why does that hold? ask {name}"


def asked_for(text: str) -> list[str]:
    """The names asked for in a prompt, the newest last.

    >>> asked_for("Why? ask qa ... ask qbb")
    ['qa', 'qbb']
    """
    return _NAMED.findall(text)


def words(name: str, n: int) -> list[str]:
    """The `n` tokens of an answer, always the same; each but the first begins with a space."""
    dice = random.Random(name)
    return ["So", *(dice.choice(WORDS) for _ in range(n - 1))]


def answer(name: str, n: int) -> str:
    """The whole text of the answer.

    >>> answer("qa", 300) == answer("qa", 300) != answer("qb", 300)
    True
    """
    return "".join(words(name, n))


class Pacer:
    """Writes every stream's tokens when they are due; one timer for all streams."""

    def __init__(self, rate: float, tokens: int) -> None:
        self.rate = rate
        self.tokens = tokens
        self.calls: dict[str, dict[str, float]] = {}
        """By name: `asked_s`, `first_s` and `left_s` where it came to that."""
        self.late_ms: list[float] = []
        self.written = 0
        self.messages: Any = None
        """What the newest call asked with."""
        self._due: list[tuple[float, int, Iterator[float]]] = []
        self._order = itertools.count()
        self._alarm = Alarm(asyncio.get_running_loop(), self._ring)

    def play(self, times: Iterator[float]) -> None:
        """Begin a stream: each of its times is when it wants to be advanced next."""
        self._push(times)
        self._alarm.set(self._due[0][0])

    def _push(self, times: Iterator[float]) -> None:
        due_s = next(times, None)
        if due_s is not None:
            heapq.heappush(self._due, (due_s, next(self._order), times))

    def _ring(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            due_s, _, times = heapq.heappop(self._due)
            self.late_ms.append((time.monotonic() - due_s) * 1000)
            self._push(times)
        if self._due:
            self._alarm.set(self._due[0][0])

    def close(self) -> None:
        """Write nothing more."""
        self._due.clear()
        self._alarm.close()

    def report(self) -> dict[str, Any]:
        """The stamps since the last report."""
        found = {
            "calls": self.calls,
            "late_ms": spread(self.late_ms),
            "written": self.written,
            "messages": self.messages,
        }
        self.calls, self.late_ms, self.written = {}, [], 0
        return found


class Connection(asyncio.Protocol):
    """One HTTP/1.1 client; its requests come one after another."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._transport: Any = None  # uvloop's is no subclass of asyncio's
        self._rest = b""
        self._name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """It has gone; a stream that was running is stamped."""
        if self._name:
            self._pacer.calls.setdefault(self._name, {})["left_s"] = time.monotonic()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take a request once it is whole."""
        self._rest += data
        head, found, body = self._rest.partition(b"\r\n\r\n")
        size = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        length = int(size[1]) if size else 0
        if not found or len(body) < length:
            return
        self._rest = body[length:]
        if head.startswith(b"GET"):
            self._whole(b"200 OK", json.dumps(self._pacer.report()).encode())
            return
        now_s = time.monotonic()
        messages = json.loads(body[:length])["messages"]
        asked = asked_for("\n".join(message["content"] for message in messages))
        if not asked:
            self._whole(b"400 Bad Request", b'{"error": {"message": "expected ask NAME"}}')
            return
        self._name = asked[-1]
        self._pacer.messages = messages
        self._pacer.calls[self._name] = {"asked_s": now_s}
        self._pacer.play(self._said(self._name, now_s))

    def _whole(self, status: bytes, body: bytes) -> None:
        size = str(len(body)).encode()
        kind = b"content-type: application/json\r\ncontent-length: " + size
        self._transport.write(b"HTTP/1.1 " + status + b"\r\n" + kind + b"\r\n\r\n" + body)

    def _said(self, name: str, asked_s: float) -> Iterator[float]:
        """The answer; yields when the next part is due and is advanced then."""
        pacer = self._pacer
        begin_s = asked_s + FIRST_S
        for number, word in enumerate(words(name, pacer.tokens)):
            yield begin_s + number / pacer.rate
            if self._transport is None:
                return
            head = b"" if number else _HEAD + _part(role="assistant", content="")
            self._transport.write(head + _part(content=word))
            pacer.written += 1
            if not number:
                pacer.calls.setdefault(name, {})["first_s"] = time.monotonic()
        last = {**_FRAME, "choices": [], "usage": USAGE}
        self._transport.write(
            _part(finish_reason="stop") + _chunk(last) + _raw(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        )
        self._name = ""


_FRAME = {
    "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_750_000_000,
    "model": "paced", "system_fingerprint": "fp_bench",
}  # fmt: skip


def _part(finish_reason: str | None = None, **delta: str) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _chunk({**_FRAME, "choices": [choice]})


def _chunk(event: dict[str, Any]) -> bytes:
    return _raw(b"data: " + json.dumps(event).encode() + b"\n\n")


def _raw(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def served(rate: float, tokens: int) -> None:
    """Listen on a free port of 127.0.0.1 and say so; for ever."""
    loop = asyncio.get_running_loop()
    pacer = Pacer(rate, tokens)
    server = await loop.create_server(lambda: Connection(pacer), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=40.0, help="tokens a second, each stream")
    parser.add_argument("--tokens", type=int, default=220, help="tokens of an answer")
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(served(args.rate, args.tokens))


if __name__ == "__main__":
    main()
