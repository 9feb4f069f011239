"""An upstream that speaks OpenAI's Responses bytes, with every failure. This file is its voice.

The scenarios are those of the chat fake, in other bytes: named events instead of chunks, errors as
events, and no `[DONE]`.

As a process: `python -m tests.fakes.openai_responses --port 0` prints its address as one JSON line.
"""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.fakes import openai_chat
from tests.fakes.openai_chat import unknown
from tests.fakes.openai_wire import CACHED_TOKENS, PROMPT_TOKENS, TEXT, WORDS, Reply, Scenario
from tests.fakes.wire import Call, Connection, Fake, for_ever, model_at, read_first, served, started

WRITTEN_TOKENS = 16
_ITEM = {"item_id": "msg_fake", "output_index": 0, "content_index": 0}


class ResponsesReply(Reply):
    """Writes one answer's bytes as the Responses interface does."""

    def __init__(self, connection: Connection, call: Call) -> None:
        super().__init__(connection, call)
        self._n = 0

    def opened(self) -> None:
        """Head and the events before any text."""
        self.head()
        item = {"id": "msg_fake", "type": "message", "role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        self.raw(self.named("response.created", response=self._response("in_progress")))
        self.raw(self.named("response.in_progress", response=self._response("in_progress")))
        self.raw(self.named("response.output_item.added", output_index=0, item=item))
        self.raw(self.named("response.content_part.added", **_ITEM, part=part))

    def event(self, **part: Any) -> bytes:
        """What chat would say as a chunk, in the words of this interface."""
        if part.get("finish_reason"):
            return self.ending(part["finish_reason"], len(WORDS))[-1]
        delta = part.get("delta", {})
        if "refusal" in delta:
            return self.named("response.refusal.delta", **_ITEM, delta=delta["refusal"])
        if "reasoning_content" in delta:
            told = delta["reasoning_content"]
            return self.named("response.reasoning_text.delta", **_ITEM, delta=told)
        told = delta["content"]
        return self.named("response.output_text.delta", **_ITEM, delta=told, logprobs=[])

    def chunk(self, **part: Any) -> None:
        """One event of the stream."""
        self.raw(self.event(**part))

    def ending(self, finish: str | None, tokens: int) -> list[bytes]:
        """The last events of a complete stream."""
        done = self.named("response.output_text.done", **_ITEM, text=TEXT, logprobs=[])
        usage = {
            "input_tokens": PROMPT_TOKENS,
            "input_tokens_details": {
                "cached_tokens": CACHED_TOKENS,
                "cache_write_tokens": WRITTEN_TOKENS,
            },
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": PROMPT_TOKENS + tokens,
        }
        if finish == "stop":
            last = self._response("completed", usage=usage)
            return [done, self.named("response.completed", response=last)]
        reason = {"length": "max_output_tokens"}.get(finish or "", finish)
        last = self._response("incomplete", usage=usage, incomplete_details={"reason": reason})
        return [done, self.named("response.incomplete", response=last)]

    def failed(self, code: str, message: str) -> None:
        """The event of a response that did not come about."""
        error = {"code": code, "message": message}
        self.raw(self.named("response.failed", response=self._response("failed", error=error)))

    def named(self, kind: str, **fields: Any) -> bytes:
        """One event as this interface writes it."""
        data = {"type": kind, "sequence_number": self._n, **fields}
        self._n += 1
        line = json.dumps(data, ensure_ascii=False)
        return f"event: {kind}\ndata: {line}\n\n".encode()

    def _response(self, status: str, **fields: Any) -> dict[str, Any]:
        return {
            "id": "resp_fake",
            "object": "response",
            "created_at": 1_750_000_000,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self.call.scenario,
            "output": [],
            "store": False,
            "usage": None,
            **fields,
        }


async def _crlf(reply: ResponsesReply) -> None:
    """Line ends, comments and fields that the event stream format also allows."""
    reply.head()
    parts = [reply.event(delta={"content": word}) for word in WORDS]
    for part in [*parts, *reply.ending("stop", len(WORDS))]:
        reply.raw(b": keepalive\r\nid: 7\r\n" + part.replace(b"\n", b"\r\n"))
    reply.done()


async def _error_event(reply: ResponsesReply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    said = "The server had an error"
    reply.raw(reply.named("error", code="server_error", message=said, param=None))
    reply.done()


async def _nested_error(reply: ResponsesReply) -> None:
    """The error as an object of its own, for which the SDK does raise."""
    reply.opened()
    said = {"type": "server_error", "code": "overloaded", "message": "Try again", "param": None}
    reply.raw(reply.named("error", error=said))
    reply.done()


async def _failed(reply: ResponsesReply) -> None:
    reply.opened()
    reply.failed("rate_limit_exceeded", "Rate limit reached")
    reply.done()


async def _failed_late(reply: ResponsesReply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    reply.failed("server_error", "The model failed")
    reply.done()


async def _too_long_event(reply: ResponsesReply) -> None:
    reply.opened()
    said = "Your input exceeds the context window of this model."
    reply.raw(reply.named("error", code="context_length_exceeded", message=said, param="input"))
    reply.done()


async def _wrong_shape(reply: ResponsesReply) -> None:
    reply.opened()
    reply.raw(b'data: {"delta": 5}\n\n')
    reply.closed()


async def _no_text(reply: ResponsesReply) -> None:
    """A text delta that is none."""
    reply.opened()
    reply.raw(reply.named("response.output_text.delta", **_ITEM, delta={"text": "no"}))
    reply.closed()


async def _never_over(reply: ResponsesReply) -> None:
    """Complete, and then nothing more while the connection stays open."""
    reply.opened()
    reply.words(*WORDS)
    for part in reply.ending("stop", len(WORDS)):
        reply.raw(part)
    await for_ever()


async def _cut_after_finish(reply: ResponsesReply) -> None:
    reply.opened()
    reply.words(*WORDS)
    for part in reply.ending("stop", len(WORDS)):
        reply.raw(part)
    await read_first()
    reply.cut()


SCENARIOS: dict[str, Scenario] = {
    **openai_chat.SCENARIOS,
    "crlf": _crlf,
    "error_event": _error_event,
    "nested_error": _nested_error,
    "overloaded_event": _failed,
    "failed_late": _failed_late,
    "too_long_event": _too_long_event,
    "wrong_shape": _wrong_shape,
    "no_text": _no_text,
    "late_usage": _never_over,
    "cut_after_finish": _cut_after_finish,
}


def running(port: int = 0) -> AbstractAsyncContextManager[Fake]:
    """A fake upstream for the time of the block."""
    model_of = model_at("/v1/responses")
    return started(Fake(SCENARIOS, unknown, reply=ResponsesReply, model_of=model_of), port)


if __name__ == "__main__":
    served(running, "a fake upstream of OpenAI's Responses shape")
