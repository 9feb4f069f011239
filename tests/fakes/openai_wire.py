"""OpenAI's chat answers as bytes, over a raw asyncio server. This file is the fake's lower half."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.wire import (
    CACHED_TOKENS,
    PROMPT_TOKENS,
    TEXT,
    WORDS,
    Call,
    Connection,
    Fake,
    Scenario,
)
from tests.fakes.wire import Reply as RawReply

__all__ = [
    "CACHED_TOKENS", "PROMPT_TOKENS", "TEXT", "WORDS", "Call", "Fake", "Reply", "Scenario",
    "ending", "event",
]  # fmt: skip


class Reply(RawReply):
    """Writes one answer's bytes as OpenAI's chat does."""

    def __init__(self, connection: Connection, call: Call) -> None:
        super().__init__(connection, call)
        self.usage = bool((call.body.get("stream_options") or {}).get("include_usage"))

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
        for part in self.ending(finish, tokens):
            self.raw(part)
        self.done()

    def event(self, **part: Any) -> bytes:
        """The bytes of one event without usage."""
        return event(self.call, usage=self.usage, **part)

    def ending(self, finish: str | None, tokens: int) -> list[bytes]:
        """The last events of a complete stream."""
        return ending(self.call, finish, tokens, usage=self.usage)


def counted(tokens: int) -> dict[str, Any]:
    """A complete answer's usage as OpenAI counts it."""
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": tokens,
        "total_tokens": PROMPT_TOKENS + tokens,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS, "audio_tokens": 0},
    }


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
        data = json.loads(event(call, usage=usage)[len(b"data: ") :])
        data |= {"choices": [], "usage": counted(tokens)}
        last.append(b"data: " + json.dumps(data).encode() + b"\n\n")
    return [*last, b"data: [DONE]\n\n"]
