"""An upstream that speaks Anthropic's messages, with every failure. This file is its scenarios.

The model's name selects the scenario; `name:number` gives it a number, as in `slow:40` (40 tokens
a second) or `slow:40:200` (and 200 of them).

As a process: `python -m tests.fakes.anthropic_messages --port 0` prints its address as one JSON
line.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.fakes.wire import (
    CACHED_TOKENS,
    PROMPT_TOKENS,
    WORDS,
    Fake,
    Scenario,
    cut_at_once,
    for_ever,
    html,
    served,
    silent,
    started,
)
from tests.fakes.wire import Reply as RawReply

WRITTEN_TOKENS = 16
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def event(kind: str, **part: Any) -> bytes:
    """One event as Anthropic writes it."""
    data = json.dumps({"type": kind, **part}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def delta(text: str, index: int = 0) -> bytes:
    """An event that carries text."""
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def thought(text: str) -> bytes:
    """An event that carries thinking, in the block before the text's."""
    part = {"type": "thinking_delta", "thinking": text}
    return event("content_block_delta", index=0, delta=part)


def block(kind: str, index: int = 0) -> bytes:
    """The start of a block of `text` or `thinking`."""
    more = {"signature": ""} if kind == "thinking" else {}
    return event("content_block_start", index=index, content_block={"type": kind, kind: "", **more})


def beginning(model: str) -> bytes:
    """The first event, with the prompt's counts."""
    usage = {
        "input_tokens": PROMPT_TOKENS - CACHED_TOKENS - WRITTEN_TOKENS,
        "cache_read_input_tokens": CACHED_TOKENS,
        "cache_creation_input_tokens": WRITTEN_TOKENS,
        "output_tokens": 1,
    }
    message: dict[str, Any] = {
        "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    return event("message_start", message=message)


def stopped(reason: str | None, tokens: int) -> bytes:
    """The stop reason and the answer's count."""
    part = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=part, usage={"output_tokens": tokens})


def ending(reason: str, tokens: int, index: int = 0) -> list[bytes]:
    """The last events of a complete stream."""
    block_stop = event("content_block_stop", index=index)
    return [block_stop, stopped(reason, tokens), event("message_stop")]


class Reply(RawReply):
    """Writes one answer's bytes as Anthropic does."""

    def opened(self, index: int = 0) -> None:
        """Head, first event, the text's block, a ping."""
        self.head()
        self.raw(beginning(self.call.scenario))
        self.raw(block("text", index))
        self.raw(PING)

    def words(self, *words: str, index: int = 0) -> None:
        """Events that carry text."""
        for word in words:
            self.raw(delta(word, index))

    def closed(self, reason: str = "end_turn", tokens: int = len(WORDS), index: int = 0) -> None:
        """The block's end, stop reason and count, the message's end."""
        for part in ending(reason, tokens, index):
            self.raw(part)
        self.done()

    def failed(self, status: int, kind: str, said: str, **headers: str) -> None:
        """An error body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.whole(status, json.dumps(_error(kind, said)).encode(), named)


def _error(kind: str, said: str) -> dict[str, Any]:
    error = {"type": kind, "message": said}
    return {"type": "error", "error": error, "request_id": "req_fake"}


async def _ok(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.closed()


async def _slow(reply: Reply, tokens_a_s: float = 40, tokens: float = 40) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    reply.opened()
    for n in range(int(tokens)):
        await asyncio.sleep(max(0.0, start + n / tokens_a_s - loop.time()))
        reply.words(WORDS[n % len(WORDS)])
    reply.closed(tokens=int(tokens))


async def _length(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.closed("max_tokens")


async def _reasoning(reply: Reply) -> None:
    reply.head()
    reply.raw(beginning(reply.call.scenario))
    reply.raw(block("thinking"))
    for word in ("Let", " me", " think."):
        reply.raw(thought(word))
    signed = {"type": "signature_delta", "signature": "c2lnbmVk"}
    reply.raw(event("content_block_delta", index=0, delta=signed))
    reply.raw(event("content_block_stop", index=0))
    reply.raw(block("text", 1))
    reply.words(*WORDS, index=1)
    reply.closed(index=1)


async def _reasoning_only(reply: Reply) -> None:
    reply.head()
    reply.raw(beginning(reply.call.scenario))
    reply.raw(block("thinking"))
    while True:
        reply.raw(thought("hm"))
        await asyncio.sleep(0.005)


async def _bytewise(reply: Reply) -> None:
    """Every byte of the body in an HTTP chunk of its own: a split at every offset."""
    reply.head()
    parts = [beginning(reply.call.scenario), block("text"), PING, *map(delta, WORDS)]
    for byte in b"".join([*parts, *ending("end_turn", len(WORDS))]):
        reply.raw(bytes([byte]))
    reply.done()


async def _crlf(reply: Reply) -> None:
    """Line ends, comments and fields that the event stream format also allows."""
    reply.head()
    parts = [beginning(reply.call.scenario), block("text"), PING, *map(delta, WORDS)]
    for part in [*parts, *ending("end_turn", len(WORDS))]:
        reply.raw(b": keepalive\r\nid: 7\r\n" + part.replace(b"\n", b"\r\n"))
    reply.done()


async def _first_words_in_the_block(reply: Reply) -> None:
    """A block that opens with text, as the format allows."""
    reply.head()
    reply.raw(beginning(reply.call.scenario))
    opening = {"type": "text", "text": WORDS[0]}
    reply.raw(event("content_block_start", index=0, content_block=opening))
    reply.words(*WORDS[1:])
    reply.closed()


async def _rate_limited(reply: Reply, wait_s: float = 7) -> None:
    reply.failed(429, "rate_limit_error", "Number of requests", retry_after=f"{wait_s:g}")


async def _rate_limited_ms(reply: Reply) -> None:
    waits = {"retry_after_ms": "1500", "retry_after": "2"}
    reply.failed(429, "rate_limit_error", "Number of requests", **waits)


async def _rate_limited_date(reply: Reply) -> None:
    date = "Sun, 15 Jun 2025 15:07:00 GMT"
    reply.failed(429, "rate_limit_error", "Number of requests", retry_after=date)


def _status(status: int, kind: str, said: str) -> Scenario:
    async def play(reply: Reply) -> None:
        reply.failed(status, kind, said)

    return play


async def _no_first_token(reply: Reply) -> None:
    reply.opened()
    await for_ever()


async def _keepalives(reply: Reply) -> None:
    reply.opened()
    while True:
        reply.raw(PING)
        await asyncio.sleep(0.005)


async def _stall(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    await for_ever()


async def _cut(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    await asyncio.sleep(0.01)  # what was written has to be read before the reset overtakes it
    reply.cut()


def _errs(kind: str, words: int) -> Scenario:
    async def play(reply: Reply) -> None:
        reply.opened()
        reply.words(*WORDS[:words])
        reply.raw(b"event: error\ndata: " + json.dumps(_error(kind, "Sorry")).encode() + b"\n\n")
        reply.done()

    return play


async def _malformed(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    reply.raw(b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n')
    reply.closed()


async def _wrong_shape(reply: Reply) -> None:
    reply.opened()
    reply.raw(b"event: content_block_delta\ndata: 5\n\n")
    reply.closed()


async def _unknown_block(reply: Reply) -> None:
    """A delta to a block that was never opened."""
    reply.opened()
    reply.words(*WORDS[:3], index=4)
    reply.closed()


async def _eof(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.done()


async def _stop_without_end(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.raw(stopped("end_turn", len(WORDS)))
    reply.done()


async def _end_without_stop(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.raw(event("message_stop"))
    reply.done()


async def _open_end(reply: Reply) -> None:
    """Complete, while the connection stays open."""
    reply.opened()
    reply.words(*WORDS)
    for part in ending("end_turn", len(WORDS)):
        reply.raw(part)
    await for_ever()


async def _content_filter(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    reply.closed("refusal", 3)


async def _declined(reply: Reply) -> None:
    reply.opened()
    reply.closed("refusal", 0)


async def _empty(reply: Reply) -> None:
    reply.opened()
    reply.closed(tokens=0)


async def _unknown(reply: Reply, *_: float) -> None:
    reply.failed(404, "not_found_error", f"model: {reply.call.scenario}")


_TOO_LONG = "prompt is too long: 209016 tokens > 200000 maximum"
_NO_CREDIT = "Your credit balance is too low to access the Anthropic API."
SCENARIOS: dict[str, Scenario] = {
    "ok": _ok,
    "slow": _slow,
    "length": _length,
    "reasoning": _reasoning,
    "reasoning_only": _reasoning_only,
    "bytewise": _bytewise,
    "crlf": _crlf,
    "first_words_in_the_block": _first_words_in_the_block,
    "429": _rate_limited,
    "429_ms": _rate_limited_ms,
    "429_date": _rate_limited_date,
    "429_quota": _status(400, "invalid_request_error", _NO_CREDIT),
    "402": _status(402, "billing_error", "Payment required"),
    "503": _status(503, "api_error", "Service unavailable"),
    "529": _status(529, "overloaded_error", "Overloaded"),
    "500": _status(500, "api_error", "Internal server error"),
    "401": _status(401, "authentication_error", "invalid x-api-key sk-ant-no"),
    "403": _status(403, "permission_error", "Your key cannot use this"),
    "400": _status(400, "invalid_request_error", "messages: at least one message is required"),
    "422": _status(422, "invalid_request_error", "Unprocessable"),
    "404": _unknown,
    "413": _status(413, "request_too_large", "Request exceeds the maximum size"),
    "too_long": _status(400, "invalid_request_error", _TOO_LONG),
    "502_html": html,
    "silent": silent,
    "no_first_token": _no_first_token,
    "keepalives": _keepalives,
    "stall": _stall,
    "cut": _cut,
    "cut_at_once": cut_at_once,
    "error_event": _errs("api_error", 3),
    "overloaded_event": _errs("overloaded_error", 0),
    "rate_limited_event": _errs("rate_limit_error", 3),
    "unknown_event": _errs("brand_new_error", 3),
    "malformed": _malformed,
    "wrong_shape": _wrong_shape,
    "unknown_block": _unknown_block,
    "eof": _eof,
    "stop_without_end": _stop_without_end,
    "end_without_stop": _end_without_stop,
    "open_end": _open_end,
    "content_filter": _content_filter,
    "declined": _declined,
    "empty": _empty,
}


def running(port: int = 0) -> AbstractAsyncContextManager[Fake]:
    """A fake upstream for the time of the block; its address ends before `/v1`."""
    return started(Fake(SCENARIOS, _unknown, reply=Reply, root=""), port)


if __name__ == "__main__":
    served(running, "a fake upstream of Anthropic's messages")
