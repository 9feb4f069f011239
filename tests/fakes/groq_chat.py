"""An upstream that speaks Groq's chat bytes, with every failure. This file is where it differs.

Groq speaks OpenAI's chat; the count of tokens comes unasked, in `x_groq` of the chunk that has the
finish reason, and an error in a stream is an event named `error`. The interface lies under
`/openai/v1`, which the client adds itself.

As a process: `python -m tests.fakes.groq_chat --port 0` prints its address as one JSON line.
"""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.fakes import openai_chat
from tests.fakes.openai_chat import status, unknown
from tests.fakes.openai_wire import WORDS, Reply, Scenario, counted, event
from tests.fakes.wire import Fake, model_at, served, started


class GroqReply(Reply):
    """Writes one answer's bytes as Groq does."""

    def opened(self) -> None:
        """Head and the first event, which carries the role and Groq's name for the request."""
        self.head()
        first = {"role": "assistant", "content": ""}
        self.raw(_with(self._event(delta=first), x_groq={"id": "req_fake"}))

    def event(self, **part: Any) -> bytes:
        """The bytes of one event; reasoning comes under Groq's own name only."""
        delta = part.get("delta", {})
        if "reasoning_content" in delta:
            part["delta"] = {"channel": "analysis", "reasoning": delta["reasoning"]}
        return self._event(**part)

    def ending(self, finish: str | None, tokens: int) -> list[bytes]:
        """The last events of a complete stream."""
        x_groq = {"id": "req_fake", "usage": {"queue_time": 0.01, **counted(tokens)}}
        return [_with(self._event(finish_reason=finish), x_groq=x_groq), b"data: [DONE]\n\n"]

    def _event(self, **part: Any) -> bytes:
        return event(self.call, usage=False, **part)


def _with(data: bytes, **more: Any) -> bytes:
    """An event with further fields."""
    read = json.loads(data.removeprefix(b"data: "))
    return b"data: " + json.dumps({**read, **more}, ensure_ascii=False).encode() + b"\n\n"


async def _error_event(reply: Reply) -> None:
    reply.opened()
    reply.words(*WORDS[:3])
    said = {"message": "Internal server error", "type": "internal_server_error", "status_code": 500}
    reply.raw(b"event: error\ndata: " + json.dumps({"error": said}).encode() + b"\n\n")
    reply.done()


async def _overloaded_event(reply: Reply) -> None:
    reply.opened()
    said = {"message": "Over capacity", "type": "service_unavailable", "code": "over_capacity"}
    reply.raw(b"event: error\ndata: " + json.dumps({"error": said}).encode() + b"\n\n")
    reply.done()


async def _stopped_early(reply: Reply) -> None:
    """The reason of an early stop where the count would be."""
    reply.opened()
    reply.words(*WORDS[:3])
    x_groq = {"id": "req_fake", "error": "over_capacity"}
    reply.raw(_with(reply.event(), x_groq=x_groq))
    reply.done()


async def _declined(reply: Reply) -> None:
    reply.opened()
    reply.closed("content_filter", 0)


_TOO_LONG = "Please reduce the length of the messages or completion."
_TPM = "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000"
_CAPACITY = "Flex tier capacity exceeded"
SCENARIOS: dict[str, Scenario] = {
    **openai_chat.SCENARIOS,
    "413": status(413, "tokens", "rate_limit_exceeded", _TPM),
    "498": status(498, "capacity_exceeded", "capacity_exceeded", _CAPACITY),
    "too_long": status(400, "invalid_request_error", None, _TOO_LONG),
    "error_event": _error_event,
    "overloaded_event": _overloaded_event,
    "stopped_early": _stopped_early,
    "declined": _declined,
}


def running(port: int = 0) -> AbstractAsyncContextManager[Fake]:
    """A fake upstream for the time of the block."""
    model_of = model_at("/openai/v1/chat/completions")
    return started(Fake(SCENARIOS, unknown, reply=GroqReply, model_of=model_of, root=""), port)


if __name__ == "__main__":
    served(running, "a fake upstream of Groq's chat shape")
