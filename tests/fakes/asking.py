"""One call to a provider, heard to its end. This file is how the tests of adapters ask."""

from __future__ import annotations

from dataclasses import dataclass, field

from streaming.providers.base import (
    ChatMessage,
    LlmRequest,
    Piece,
    Provider,
    ProviderFailed,
    Spent,
    Text,
)

REQUEST = LlmRequest(
    messages=(ChatMessage("system", "Teach."), ChatMessage("user", "Why?")),
    max_tokens=220,
    cache_key="p0p2",
)
LONGER = LlmRequest(
    messages=(
        ChatMessage("system", "Teach.", cache=True),
        ChatMessage("system", "The learner adds well.", cache=True),
        ChatMessage("user", "Why?"),
        ChatMessage("assistant", "What would undo it?"),
        ChatMessage("user", "Taking 3?"),
    ),
    max_tokens=220,
    cache_key="p0p2",
)
"""A learner's summary behind the stable prefix, and a turn before this one."""


@dataclass
class Heard:
    """All that came of one call."""

    pieces: list[Piece] = field(default_factory=list)
    failed: ProviderFailed | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(p.text for p in self.pieces if isinstance(p, Text))

    @property
    def spent(self) -> list[Spent]:
        """Its counts, of which there is one at most."""
        return [p for p in self.pieces if isinstance(p, Spent)]

    @property
    def kind(self) -> str:
        """The failure's kind, or "" for a good answer."""
        return self.failed.kind if self.failed is not None else ""


async def heard(provider: Provider, request: LlmRequest = REQUEST) -> Heard:
    """Ask, and hear it to the end or to the failure."""
    result = Heard()
    try:
        async for piece in provider.stream(request):
            result.pieces.append(piece)
    except ProviderFailed as failed:
        result.failed = failed
    return result
