"""An upstream that speaks Gemini's event stream, with every failure. This file is its scenarios.

The model's name selects the scenario; `name:number` gives it a number, as in `slow:40` (40 tokens
a second) or `slow:40:200` (and 200 of them). Google names the model in the path.

As a process: `python -m tests.fakes.gemini_sse --port 0` prints its address as one JSON line.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import unquote

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

THOUGHT_TOKENS = 5
RPC = "type.googleapis.com/google.rpc."


def counted(tokens: int) -> dict[str, int]:
    """Usage as Google counts it: thoughts apart, the cached part of the prompt within it."""
    return {
        "promptTokenCount": PROMPT_TOKENS,
        "cachedContentTokenCount": CACHED_TOKENS,
        "candidatesTokenCount": tokens,
        "thoughtsTokenCount": THOUGHT_TOKENS,
        "totalTokenCount": PROMPT_TOKENS + tokens + THOUGHT_TOKENS,
    }


def chunk(
    *parts: Mapping[str, Any], finish: str = "", tokens: int | None = None, **more: Any
) -> bytes:
    """One chunk as Google writes it; `tokens` is the answer's count so far."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    data: dict[str, Any] = {"candidates": [candidate], "modelVersion": "fake", **more}
    if tokens is not None:
        data["usageMetadata"] = counted(tokens)
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\r\n\r\n"


def text(word: str) -> dict[str, Any]:
    """A part that is text."""
    return {"text": word}


class Reply(RawReply):
    """Writes one answer's bytes as Google does."""

    def words(self, *words: str) -> None:
        """Chunks that carry text, each with the counts so far."""
        for n, word in enumerate(words):
            self.raw(chunk(text(word), tokens=n + 1))

    def closed(self, finish: str = "STOP", tokens: int = len(WORDS)) -> None:
        """The finish reason, in a chunk with empty text, and the last count."""
        self.raw(chunk(text(""), finish=finish, tokens=tokens))
        self.done()

    def failed(
        self, code: int, status: str, said: str, *details: Mapping[str, Any], **headers: str
    ) -> None:
        """An error body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.whole(code, json.dumps(error(code, status, said, *details)).encode(), named)


def error(code: int, status: str, said: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    """An error as Google writes it."""
    inner = {"code": code, "message": said, "status": status, "details": list(details)}
    return {"error": inner}


def retry(delay: str) -> dict[str, Any]:
    """The detail that names a waiting time."""
    return {"@type": RPC + "RetryInfo", "retryDelay": delay}


def quota(quota_id: str) -> dict[str, Any]:
    """The detail that names a spent quota."""
    violation = {"quotaMetric": "generate_content_requests", "quotaId": quota_id}
    return {"@type": RPC + "QuotaFailure", "violations": [violation]}


def reason(word: str) -> dict[str, Any]:
    """The detail that names an error's reason."""
    return {"@type": RPC + "ErrorInfo", "reason": word, "domain": "googleapis.com"}


async def _ok(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS)
    reply.closed()


async def _slow(reply: Reply, tokens_a_s: float = 40, tokens: float = 40) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    reply.head()
    for n in range(int(tokens)):
        await asyncio.sleep(max(0.0, start + n / tokens_a_s - loop.time()))
        reply.words(WORDS[n % len(WORDS)])
    reply.closed(tokens=int(tokens))


async def _length(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS)
    reply.closed("MAX_TOKENS")


async def _reasoning(reply: Reply) -> None:
    reply.head()
    for word in ("Let", " me", " think."):
        reply.raw(chunk({"text": word, "thought": True}, tokens=0))
    reply.words(*WORDS)
    reply.closed()


async def _reasoning_only(reply: Reply) -> None:
    reply.head()
    while True:
        reply.raw(chunk({"text": "hm", "thought": True}, tokens=0))
        await asyncio.sleep(0.005)


def _parts() -> list[bytes]:
    words = [chunk(text(word), tokens=n + 1) for n, word in enumerate(WORDS)]
    return [*words, chunk(finish="STOP", tokens=len(WORDS))]


async def _bytewise(reply: Reply) -> None:
    """Every byte of the body in an HTTP chunk of its own: a split at every offset."""
    reply.head()
    for byte in b"".join(_parts()):
        reply.raw(bytes([byte]))
    reply.done()


async def _bare_lines(reply: Reply) -> None:
    """Line ends of one byte; Google's own are of two."""
    reply.head()
    for part in _parts():
        reply.raw(part.replace(b"\r\n", b"\n"))
    reply.done()


async def _finish_with_text(reply: Reply) -> None:
    """The finish reason beside the last word, as Google sends it most often."""
    reply.head()
    reply.words(*WORDS[:-1])
    reply.raw(chunk(text(WORDS[-1]), finish="STOP", tokens=len(WORDS)))
    reply.done()


async def _open_end(reply: Reply) -> None:
    """Complete, while the connection stays open."""
    reply.head()
    for part in _parts():
        reply.raw(part)
    await for_ever()


_FULL = "You exceeded your current quota, please check your plan and billing details."
_A_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
_A_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


async def _rate_limited(reply: Reply, wait_s: float = 7) -> None:
    """A full minute; the message speaks of quota and billing all the same."""
    details = (quota(_A_MINUTE), retry(f"{wait_s:g}s"))
    reply.failed(429, "RESOURCE_EXHAUSTED", _FULL, *details, retry_after="3")


async def _rate_limited_ms(reply: Reply) -> None:
    reply.failed(429, "RESOURCE_EXHAUSTED", _FULL, retry("1.500000000s"))


async def _rate_limited_date(reply: Reply) -> None:
    """No detail, as a gateway before the API answers."""
    date = "Sun, 15 Jun 2025 15:07:00 GMT"
    reply.failed(429, "RESOURCE_EXHAUSTED", "Too many requests", retry_after=date)


async def _quota(reply: Reply) -> None:
    reply.failed(429, "RESOURCE_EXHAUSTED", _FULL, quota(_A_DAY))


async def _payment(reply: Reply) -> None:
    reply.failed(402, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.")


def _status(code: int, status: str, said: str, *details: Mapping[str, Any]) -> Scenario:
    async def play(reply: Reply) -> None:
        reply.failed(code, status, said, *details)

    return play


async def _no_first_token(reply: Reply) -> None:
    reply.head()
    await for_ever()


async def _keepalives(reply: Reply) -> None:
    reply.head()
    while True:
        reply.raw(chunk(tokens=0))
        await asyncio.sleep(0.005)


async def _stall(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS[:3])
    await for_ever()


async def _cut(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS[:3])
    await asyncio.sleep(0.01)  # what was written has to be read before the reset overtakes it
    reply.cut()


def _errs(words: Sequence[str], code: int, status: str) -> Scenario:
    async def play(reply: Reply) -> None:
        reply.head()
        reply.words(*words)
        data = json.dumps(error(code, status, "Sorry")).encode()
        reply.raw(b"data: " + data + b"\r\n\r\n")
        reply.done()

    return play


async def _malformed(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS[:3])
    reply.raw(b'data: {"candidates": [{"con\r\n\r\n')
    reply.closed()


async def _wrong_shape(reply: Reply) -> None:
    reply.head()
    reply.raw(b"data: 5\r\n\r\n")
    reply.closed()


async def _wrong_field(reply: Reply) -> None:
    reply.head()
    reply.raw(b'data: {"candidates": 5}\r\n\r\n')
    reply.closed()


async def _codeless_event(reply: Reply) -> None:
    """An error without a code, which the SDK cannot compare with one."""
    reply.head()
    reply.raw(b'data: {"error": {"message": "Sorry"}}\r\n\r\n')
    reply.done()


async def _eof(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS)
    reply.done()


async def _content_filter(reply: Reply) -> None:
    reply.head()
    reply.words(*WORDS[:3])
    reply.closed("SAFETY", 3)


async def _declined(reply: Reply) -> None:
    """A blocked prompt: no candidates at all."""
    reply.head()
    data = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": PROMPT_TOKENS},
    }
    reply.raw(b"data: " + json.dumps(data).encode() + b"\r\n\r\n")
    reply.done()


def _finishes(finish: str) -> Scenario:
    async def play(reply: Reply) -> None:
        reply.head()
        reply.closed(finish, 0)

    return play


async def _unknown(reply: Reply, *_: float) -> None:
    said = f"models/{reply.call.scenario} is not found for API version v1"
    reply.failed(404, "NOT_FOUND", said)


_TOO_LONG = (
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
)
_BAD_KEY = "API key not valid. Please pass a valid API key."
_ABROAD = "User location is not supported for the API use."
SCENARIOS: dict[str, Scenario] = {
    "ok": _ok,
    "slow": _slow,
    "length": _length,
    "reasoning": _reasoning,
    "reasoning_only": _reasoning_only,
    "bytewise": _bytewise,
    "crlf": _bare_lines,
    "finish_with_text": _finish_with_text,
    "open_end": _open_end,
    "429": _rate_limited,
    "429_ms": _rate_limited_ms,
    "429_date": _rate_limited_date,
    "429_quota": _quota,
    "402": _payment,
    "503": _status(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "529": _status(529, "", "Overloaded"),
    "500": _status(500, "INTERNAL", "An internal error has occurred"),
    "401": _status(401, "UNAUTHENTICATED", "Request had invalid credentials AIza-no"),
    "400_key": _status(400, "INVALID_ARGUMENT", _BAD_KEY, reason("API_KEY_INVALID")),
    "400_key_text": _status(400, "INVALID_ARGUMENT", _BAD_KEY),
    "400_abroad": _status(400, "FAILED_PRECONDITION", _ABROAD),
    "403": _status(403, "PERMISSION_DENIED", "Your key cannot use this"),
    "400": _status(400, "INVALID_ARGUMENT", "Invalid JSON payload received"),
    "422": _status(422, "", "Unprocessable"),
    "404": _unknown,
    "413": _status(413, "", "Request too large"),
    "too_long": _status(400, "INVALID_ARGUMENT", _TOO_LONG),
    "502_html": html,
    "silent": silent,
    "no_first_token": _no_first_token,
    "keepalives": _keepalives,
    "stall": _stall,
    "cut": _cut,
    "cut_at_once": cut_at_once,
    "error_event": _errs(WORDS[:3], 500, "INTERNAL"),
    "overloaded_event": _errs((), 503, "UNAVAILABLE"),
    "codeless_event": _codeless_event,
    "malformed": _malformed,
    "wrong_shape": _wrong_shape,
    "wrong_field": _wrong_field,
    "eof": _eof,
    "content_filter": _content_filter,
    "declined": _declined,
    "empty": _finishes("STOP"),
    "finish": _finishes("OTHER"),
    "call": _finishes("MALFORMED_FUNCTION_CALL"),
    "unspecified": _finishes("FINISH_REASON_UNSPECIFIED"),
}


def _model_in_path(path: str, body: Mapping[str, Any]) -> str:
    """`/v1/models/MODEL:streamGenerateContent?alt=sse`."""
    return unquote(path.rpartition("/models/")[2].partition(":streamGenerateContent")[0])


def running(port: int = 0) -> AbstractAsyncContextManager[Fake]:
    """A fake upstream for the time of the block; its address ends before the version."""
    fake = Fake(SCENARIOS, _unknown, reply=Reply, model_of=_model_in_path, root="")
    return started(fake, port)


if __name__ == "__main__":
    served(running, "a fake upstream of Gemini's event stream")
