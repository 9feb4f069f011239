"""An upstream that speaks OpenAI's chat bytes, with every failure. This file is its scenarios.

The model's name selects the scenario; `name:number` gives it a number, as in `slow:40` (40 tokens
a second) or `slow:40:200` (and 200 of them).

As a process: `python -m tests.fakes.openai_chat --port 0` prints its address as one JSON line.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager

from tests.fakes.openai_wire import WORDS, Fake, Reply, Scenario
from tests.fakes.wire import (
    cut_at_once,
    for_ever,
    html,
    model_at,
    read_first,
    served,
    silent,
    started,
)


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
    reply.closed("length")


async def _reasoning(reply: Reply) -> None:
    reply.opened()
    for word in ("Let", " me", " think."):
        reply.chunk(delta={"reasoning_content": word, "reasoning": word})
    reply.words(*WORDS)
    reply.closed()


async def _reasoning_only(reply: Reply) -> None:
    reply.opened()
    while True:
        reply.chunk(delta={"reasoning_content": "hm", "reasoning": "hm"})
        await asyncio.sleep(0.005)


async def _bytewise(reply: Reply) -> None:
    """Every byte of the body in an HTTP chunk of its own: a split at every offset."""
    reply.head()
    parts = [reply.event(delta={"content": word}) for word in WORDS]
    for byte in b"".join([b": hello\n\n", *parts, *reply.ending("stop", len(WORDS))]):
        reply.raw(bytes([byte]))
    reply.done()


async def _crlf(reply: Reply) -> None:
    """Line ends, comments and fields that the event stream format also allows."""
    reply.head()
    for word in WORDS:
        data = reply.event(delta={"content": word}).strip()
        reply.raw(b": keepalive\r\nevent: message\r\nid: 7\r\n" + data + b"\r\n\r\n")
    for part in reply.ending("stop", len(WORDS)):
        reply.raw(part.replace(b"\n", b"\r\n"))
    reply.done()


async def _rate_limited(reply: Reply, wait_s: float = 7) -> None:
    error = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
    reply.error(429, error, retry_after=f"{wait_s:g}")


async def _rate_limited_ms(reply: Reply) -> None:
    error = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
    reply.error(429, error, retry_after_ms="1500", retry_after="2")


async def _rate_limited_date(reply: Reply) -> None:
    error = {"message": "Rate limit reached", "type": "requests", "code": None}
    reply.error(429, error, retry_after="Sun, 15 Jun 2025 15:07:00 GMT")


async def _quota(reply: Reply) -> None:
    said = "You exceeded your current quota, please check your plan and billing details."
    reply.error(429, {"message": said, "type": "insufficient_quota", "code": "insufficient_quota"})


async def _payment(reply: Reply) -> None:
    reply.error(402, {"message": "Insufficient credits", "code": 402})


async def _budget(reply: Reply) -> None:
    said = "Budget has been exceeded! Current cost: 1.2, max budget: 1.0"
    reply.error(400, {"message": said, "type": "budget_exceeded", "code": "400"})


def status(status: int, kind: str, code: str | None, said: str) -> Scenario:
    """An error with a status and a body of OpenAI's form."""

    async def play(reply: Reply) -> None:
        reply.error(status, {"message": said, "type": kind, "param": None, "code": code})

    return play


async def _no_first_token(reply: Reply) -> None:
    reply.opened()
    await for_ever()


async def _keepalives(reply: Reply) -> None:
    reply.opened()
    while True:
        reply.raw(b": OPENROUTER PROCESSING\n\n")
        await asyncio.sleep(0.005)


async def _stall(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    await for_ever()


async def _cut(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    await read_first()
    reply.cut()


async def _error_event(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    said = {"message": "The server had an error", "type": "server_error", "code": None}
    reply.raw(b"data: " + json.dumps({"error": said}).encode() + b"\n\n")
    reply.done()


async def _overloaded_event(reply: Reply) -> None:
    """An error inside a 200 stream, as OpenRouter sends it."""
    reply.head()
    reply.raw(b": OPENROUTER PROCESSING\n\n")
    data = {
        "id": "gen",
        "error": {"code": 503, "message": "Provider overloaded"},
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }
    reply.raw(b"data: " + json.dumps(data).encode() + b"\n\n")
    reply.done()


async def _malformed(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    reply.raw(b'data: {"id":"chatcmpl-fake","choices":[{"ind\n\n')
    reply.closed()


async def _wrong_shape(reply: Reply) -> None:
    reply.opened()
    reply.raw(b"data: 5\n\n")
    reply.closed()


async def _eof(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.done()


async def _done_without_finish(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.raw(b"data: [DONE]\n\n")
    reply.done()


async def _late_usage(reply: Reply) -> None:
    """Complete, and then nothing more while the connection stays open."""
    reply.opened()
    reply.words(*WORDS)
    reply.chunk(finish_reason="stop")
    await for_ever()


async def _cut_after_finish(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS)
    reply.chunk(finish_reason="stop")
    await read_first()
    reply.cut()


async def _content_filter(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    reply.closed("content_filter")


async def _declined(reply: Reply) -> None:
    reply.opened()
    reply.chunk(delta={"refusal": "I can't help with that."})
    reply.closed()


async def _empty(reply: Reply) -> None:
    reply.opened()
    reply.closed(tokens=0)


async def _no_options(reply: Reply) -> None:
    """A server that refuses `stream_options`, as some old ones do."""
    if "stream_options" in reply.call.body:
        said = {"message": "Unrecognized request argument: stream_options", "type": "invalid"}
        reply.error(400, said)
    else:
        await _ok(reply)


async def unknown(reply: Reply, *_: float) -> None:
    """A model, or a path, that there is not."""
    said = f"The model `{reply.call.scenario}` does not exist"
    error = {"message": said, "type": "invalid_request_error", "code": "model_not_found"}
    reply.error(404, error)


_TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages are longer."
_LLAMA = "request (9000 tokens) exceeds the available context size (4096 tokens)"
SCENARIOS: dict[str, Scenario] = {
    "ok": _ok,
    "slow": _slow,
    "length": _length,
    "reasoning": _reasoning,
    "reasoning_only": _reasoning_only,
    "bytewise": _bytewise,
    "crlf": _crlf,
    "429": _rate_limited,
    "429_ms": _rate_limited_ms,
    "429_date": _rate_limited_date,
    "429_quota": _quota,
    "402": _payment,
    "budget": _budget,
    "503": status(503, "server_error", None, "The engine is currently overloaded"),
    "529": status(529, "overloaded_error", None, "Overloaded"),
    "500": status(500, "server_error", None, "The server had an error"),
    "401": status(401, "invalid_request_error", "invalid_api_key", "Incorrect API key: sk-no"),
    "403": status(403, "invalid_request_error", None, "Country not supported"),
    "400": status(400, "invalid_request_error", None, "Unknown parameter"),
    "422": status(422, "invalid_request_error", None, "Unprocessable"),
    "404": unknown,
    "413": status(413, "invalid_request_error", None, "Request too large"),
    "too_long": status(400, "invalid_request_error", "context_length_exceeded", _TOO_LONG),
    "too_long_llama": status(400, "exceed_context_size_error", "400", _LLAMA),
    "filtered_400": status(400, "invalid_request_error", "content_filter", "Filtered"),
    "502_html": html,
    "silent": silent,
    "no_first_token": _no_first_token,
    "keepalives": _keepalives,
    "stall": _stall,
    "cut": _cut,
    "cut_at_once": cut_at_once,
    "error_event": _error_event,
    "overloaded_event": _overloaded_event,
    "malformed": _malformed,
    "wrong_shape": _wrong_shape,
    "eof": _eof,
    "done_without_finish": _done_without_finish,
    "late_usage": _late_usage,
    "cut_after_finish": _cut_after_finish,
    "content_filter": _content_filter,
    "declined": _declined,
    "empty": _empty,
    "no_options": _no_options,
}


def running(port: int = 0) -> AbstractAsyncContextManager[Fake]:
    """A fake upstream for the time of the block."""
    return started(
        Fake(SCENARIOS, unknown, reply=Reply, model_of=model_at("/v1/chat/completions")), port
    )


if __name__ == "__main__":
    served(running, "a fake upstream of OpenAI's chat shape")
