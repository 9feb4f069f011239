"""OpenAI's chat shape: messages out, chunks in. This file is the part of it that needs no SDK.

A complete answer is one whose `finish_reason` came: the SDKs end a cut stream without an error, and
`[DONE]` is no proof.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streaming.providers.base import ChatMessage, End, Piece, ProviderFailed, Spent, Text
from streaming.providers.endpoint import count, part

_CANNED: tuple[Mapping[str, Any], ...] = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Ready."}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
)


def instructions(messages: Sequence[ChatMessage]) -> tuple[str, Sequence[ChatMessage]]:
    """The system messages that come first, joined by a blank line, and the messages after them.

    The first is the same in every turn of a lesson, so the joined text begins with the same bytes.
    """
    n = next((n for n, m in enumerate(messages) if m.role != "system"), len(messages))
    return "\n\n".join(m.content for m in messages[:n]), messages[n:]


def messages_of(messages: Sequence[ChatMessage], system_role: str) -> list[dict[str, str]]:
    """The wire's messages; a model without a system role is told in the learner's first message."""
    system, rest = instructions(messages)
    sent = [{"role": m.role, "content": m.content} for m in rest]
    if not system:
        return sent
    if system_role == "user" and sent and sent[0]["role"] == "user":
        sent[0]["content"] = f"{system}\n\n{sent[0]['content']}"
        return sent
    return [{"role": system_role, "content": system}, *sent]


def canned_body() -> str:
    """A short complete answer as an event stream."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    events = "".join(f"data: {json.dumps({**head, **chunk})}\n\n" for chunk in _CANNED)
    return events + "data: [DONE]\n\n"


class ChatReading:
    """What was read of one answer so far."""

    def __init__(self) -> None:
        self.chars = 0
        self._finish = ""
        self._declined = False
        self._spent: Spent | None = None
        self._told = False

    @property
    def complete(self) -> bool:
        """Whether a finish reason came."""
        return bool(self._finish)

    def heard(self, chunk: Any) -> Iterator[Piece]:
        """The pieces that a chunk brings; the end as soon as it is proved and counted."""
        choices = part(chunk, "choices")
        if not isinstance(choices, list):
            raise ProviderFailed("malformed", "a chunk without choices")
        if choices and not self._finish:
            yield from self._text(choices[0])
        usage = self.usage(chunk)
        if usage is not None:
            self._spent = _spent(usage)
        if self._finish and self._spent is not None:
            yield from self.rest()

    def usage(self, chunk: Any) -> Any:
        """Where a chunk carries the count of tokens, if it does."""
        return part(chunk, "usage")

    def _text(self, choice: Any) -> Iterator[Piece]:
        delta = part(choice, "delta")
        text = part(delta, "content")
        if text is not None and not isinstance(text, str):
            raise ProviderFailed("malformed", "a delta whose content is no text")
        if part(delta, "refusal"):
            self._declined = True
        if text:
            self.chars += len(text)
            yield Text(text)
        finish = part(choice, "finish_reason")
        if finish is not None and not isinstance(finish, str):
            raise ProviderFailed("malformed", "a finish reason that is no text")
        self._finish = finish or ""

    def rest(self) -> Iterator[Piece]:
        """Usage and the end, once; raises where the answer is not a complete text."""
        if self._told:
            return
        self._told = True
        if self._spent is not None:
            yield self._spent
        if not self._finish:
            raise ProviderFailed("truncated", "the stream ended without a finish reason")
        if self._finish == "content_filter" or (self._declined and not self.chars):
            raise ProviderFailed("refused", self._finish)
        if self._finish == "error":
            raise ProviderFailed("server_error", "finish reason error")
        if not self.chars:
            raise ProviderFailed("empty", f"finish reason {self._finish[:32]}")
        yield End("length" if self._finish == "length" else "stop")


def _spent(usage: Any) -> Spent:
    details = part(usage, "prompt_tokens_details")
    return Spent(
        input=count(usage, "prompt_tokens"),
        output=count(usage, "completion_tokens"),
        cached_in=count(details, "cached_tokens"),
        cache_write=count(details, "cache_write_tokens"),
    )
