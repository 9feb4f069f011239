"""What a provider of tutor text must do. This file is the contract of every adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

FailureKind = Literal[
    "auth", "quota", "not_found", "bad_request", "context_length", "rate_limited", "overloaded",
    "server_error", "connect", "first_token", "stall", "cut", "truncated", "malformed", "refused",
    "empty", "unavailable", "internal",
]  # fmt: skip
EndReason = Literal["stop", "length", "deadline"]


class Text(msgspec.Struct, frozen=True, gc=False):
    """A piece of the tutor's text; never empty."""

    text: str


class Spent(msgspec.Struct, frozen=True, gc=False):
    """Tokens of this attempt, as the provider counts them.

    `estimated` marks an attempt that ended before its provider had counted. `micro_usd` is what it
    cost, filled in by the budget's ledger; None where no price is known.
    """

    input: int
    output: int
    cached_in: int = 0
    cache_write: int = 0
    estimated: bool = False
    micro_usd: int | None = None


class End(msgspec.Struct, frozen=True, gc=False):
    """The proof of a complete answer; exactly one closes a good stream.

    `deadline` is the router's own: the turn's time was over while text still flowed.
    """

    reason: EndReason


Piece = Text | Spent | End


class ChatMessage(msgspec.Struct, frozen=True, gc=False):
    """One message of a model's context.

    System messages come first: the stable prefix, then perhaps the learner's summary. `cache` marks
    one behind which a provider may keep what it has read. An adapter whose endpoint takes one
    system message joins them by a blank line.
    """

    role: Literal["system", "user", "assistant"]
    content: str
    cache: bool = False


class LlmRequest(msgspec.Struct, frozen=True):
    """What is asked of a model: messages from stable to volatile, and the length allowed.

    `builtin_text` is the ready text of the built-in tutor for the same act; it is all that the
    built-in provider reads, besides `at_once` (no pacing, for learners who asked for less motion).
    """

    messages: tuple[ChatMessage, ...]
    max_tokens: int
    cache_key: str = ""
    """Hash of the stable prefix; never a learner's id."""
    builtin_text: str = ""
    at_once: bool = False
    safe_text: str = ""
    """A fixed sentence for a turn whose built-in text itself was caught by a guard: no number, no
    answer, in the learner's language. It is said in place of that text, past the guards."""


class ProviderFailed(Exception):  # noqa: N818
    """An attempt that ended without a complete answer, after `emitted` pieces of text.

    The detail names statuses and codes only: a provider's own words may quote the learner.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str,
        *,
        retry_after_s: float | None = None,
        emitted: int = 0,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: FailureKind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.emitted = emitted


class Provider(Protocol):
    """One way to have tutor text written.

    `ready` is False until its SDK is imported and its client built; the router passes over a
    provider that is not. `local` is True where nothing leaves this machine. `first_token_s` is how
    long its first text may take, in seconds.
    """

    name: str
    model: str
    ready: bool
    local: bool
    first_token_s: float

    def warm(self) -> float:
        """Import the SDK, build the client, parse a canned answer; the seconds it took.

        Blocks: it is called in a thread, before the server listens. The endpoint is not called.
        Raises `ProviderFailed("unavailable")` without the SDK.
        """
        ...

    def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        """Yield `Text` pieces, perhaps `Spent`, and exactly one `End`.

        Anything else raises `ProviderFailed`. Cancellation passes through untouched and closes
        the upstream connection.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
