"""OpenAI's Responses interface, by the unmodified `openai` SDK. This file is that adapter.

Its stream is one of named events. Failures are events too and raise nothing in the SDK; a complete
answer is one whose `response.completed` or `response.incomplete` came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from streaming.providers.base import End, LlmRequest, Piece, ProviderFailed, Spent, Text
from streaming.providers.chat import instructions
from streaming.providers.endpoint import count, part
from streaming.providers.failures import by_body
from streaming.providers.openai import OpenAIEndpoint

if TYPE_CHECKING:
    import openai

MIN_OUTPUT_TOKENS = 16
"""The interface refuses a lower limit."""

_LAST = ("response.completed", "response.incomplete")


def _canned() -> str:
    head = {"item_id": "m", "output_index": 0, "content_index": 0, "logprobs": []}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    response = {
        "id": "r",
        "object": "response",
        "created_at": 0,
        "model": "m",
        "output": [],
        "status": "completed",
        "usage": usage,
    }
    events: tuple[dict[str, Any], ...] = (
        {**head, "type": "response.output_text.delta", "delta": "Ready.", "sequence_number": 0},
        {"type": "response.completed", "response": response, "sequence_number": 1},
    )
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


class OpenAIResponses(OpenAIEndpoint):
    """One model behind the Responses interface."""

    canned = _canned()

    async def _opened(self, client: openai.AsyncOpenAI, request: LlmRequest) -> Any:
        create: Any = client.responses.create
        return await create(**self._params(request))

    def _reading(self) -> ResponsesReading:
        return ResponsesReading(self.quota_words)

    def _params(self, request: LlmRequest) -> dict[str, Any]:
        system, rest = instructions(request.messages)
        params: dict[str, Any] = {
            "model": self.model,
            "input": [{"role": m.role, "content": m.content} for m in rest],
            "stream": True,
            "max_output_tokens": max(request.max_tokens, MIN_OUTPUT_TOKENS),
            "store": False,
        }
        if system:
            params["instructions"] = system
        if self._quirks.cache_key and request.cache_key:
            params["prompt_cache_key"] = request.cache_key
        if self._quirks.reasoning_off:
            params["extra_body"] = self._quirks.reasoning_off
        return params


class ResponsesReading:
    """What was read of one answer so far; `quota_words` as in an endpoint's quirks."""

    def __init__(self, quota_words: tuple[str, ...] = ()) -> None:
        self.chars = 0
        self._quota_words = quota_words
        self._last: Any = None
        self._limited = False
        self._declined = False
        self._told = False

    @property
    def complete(self) -> bool:
        """Whether the response was completed, or ended at a limit."""
        return self._last is not None

    def heard(self, event: Any) -> Iterator[Piece]:
        """The pieces that an event brings; raises for an event that is a failure."""
        kind = part(event, "type")
        if not isinstance(kind, str):
            raise ProviderFailed("malformed", "an event without a type")
        if kind == "response.output_text.delta":
            yield from self._text(part(event, "delta"))
        elif kind.startswith("response.refusal."):
            self._declined = True
        elif kind == "error":
            raise self._failure(event)
        elif kind == "response.failed":
            raise self._failure(part(part(event, "response"), "error"))
        elif kind in _LAST and self._last is None:
            self._last, self._limited = part(event, "response"), kind != _LAST[0]
            if self._last is None:
                raise ProviderFailed("malformed", "an end without its response")
            yield from self.rest()

    def _text(self, delta: Any) -> Iterator[Piece]:
        if not isinstance(delta, str):
            raise ProviderFailed("malformed", "a delta that is no text")
        if delta:
            self.chars += len(delta)
            yield Text(delta)

    def _failure(self, error: Any) -> ProviderFailed:
        code, kind = part(error, "code"), part(error, "type")
        return by_body(
            None,
            code=code if isinstance(code, str) else None,
            kind=kind if isinstance(kind, str) and kind != "error" else None,
            message=str(part(error, "message") or ""),
            quota_words=self._quota_words,
        )

    def rest(self) -> Iterator[Piece]:
        """Usage and the end, once; raises where the answer is not a complete text."""
        if self._told:
            return
        self._told = True
        if self._last is None:
            raise ProviderFailed("truncated", "the stream ended before the response was completed")
        usage = part(self._last, "usage")
        if usage is not None:
            yield _spent(usage)
        reason = part(part(self._last, "incomplete_details"), "reason")
        if reason == "content_filter" or (self._declined and not self.chars):
            raise ProviderFailed("refused", "content_filter" if reason else "refusal")
        if not self.chars:
            raise ProviderFailed("empty", "a completed response without text")
        yield End("length" if self._limited else "stop")


def _spent(usage: Any) -> Spent:
    details = part(usage, "input_tokens_details")
    return Spent(
        input=count(usage, "input_tokens"),
        output=count(usage, "output_tokens"),
        cached_in=count(details, "cached_tokens"),
        cache_write=count(details, "cache_write_tokens"),
    )
