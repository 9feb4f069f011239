"""One short question to each configured provider, on demand. This file is what `doctor --llm` sees.

It costs a few tokens a provider, so nothing else calls it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from streaming.prices import Prices
from streaming.providers.base import ChatMessage, LlmRequest, Provider, ProviderFailed, Spent, Text

TOKENS = 8
QUESTION = LlmRequest((ChatMessage("user", "Say: ready"),), TOKENS)
OK = "ok"

FIXES = {
    "auth": "check the key (tutorstream config show --origin says where it comes from)",
    "quota": "its credit or quota is used up: see the provider's account page",
    "not_found": "check the model's name and the address",
    "bad_request": "check the model's name; this interface may not serve it",
    "rate_limited": "wait, or ask for a higher rate",
    "overloaded": "wait, or name a second provider in router.chain",
    "connect": "check the address, and that this machine reaches it",
    "first_token": "it is too slow for a turn: choose a smaller model, or a nearer provider",
    "empty": f"it spent all {TOKENS} tokens without a word, as reasoning models do: choose another",
}
"""What to do, by the kind of failure."""


class Asked(NamedTuple):
    """How one provider answered; `kind` is `ok` or a failure's kind.

    `ttft_ms` is None where no text came, `micro_usd` where the price is not known.
    """

    provider: str
    model: str
    kind: str
    detail: str
    ttft_ms: float | None
    spent: Spent | None
    micro_usd: int | None

    @property
    def words(self) -> str:
        """The row in words."""
        if self.kind != OK:
            return f"{self.kind}: {self.detail}"
        first = "" if self.ttft_ms is None else f", first text after {self.ttft_ms:.0f} ms"
        tokens = self.spent and f", {self.spent.input} tokens in, {self.spent.output} out"
        cost = "unknown" if self.micro_usd is None else f"{self.micro_usd / 1e6:.6f} USD"
        return f"ok{first}{tokens or ''}, price {cost}"

    @property
    def fix(self) -> str:
        """What to do about it."""
        return FIXES.get(self.kind, "ask again; name a second provider in router.chain")


async def asked(provider: Provider, prices: Prices) -> Asked:
    """One question of 8 tokens; the provider is warmed before and closed after it.

    The time to the first text does not count the warm-up.
    """
    spent: Spent | None = None
    ttft_ms: float | None = None
    try:
        await asyncio.to_thread(provider.warm)
        start_s = time.perf_counter()
        async for piece in provider.stream(QUESTION):
            if isinstance(piece, Text) and ttft_ms is None:
                ttft_ms = (time.perf_counter() - start_s) * 1000
            elif isinstance(piece, Spent):
                spent = piece
    except ProviderFailed as failed:
        return Asked(
            provider.name, provider.model, failed.kind, failed.detail, ttft_ms, spent, None
        )
    finally:
        await provider.aclose()
    cost = _cost(provider, spent, prices)
    return Asked(provider.name, provider.model, OK, "", ttft_ms, spent, cost)


async def asked_all(tiers: Sequence[Sequence[Provider]], prices: Prices) -> list[Asked]:
    """Each provider of the chain, one after another."""
    return [await asked(provider, prices) for tier in tiers for provider in tier]


def _cost(provider: Provider, spent: Spent | None, prices: Prices) -> int | None:
    if provider.local:
        return 0
    price = prices.of(provider.name, provider.model)
    return None if price is None or spent is None else price.cost(spent)
