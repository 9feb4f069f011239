"""How many tokens a prompt may be, before its provider has counted. This file is that guess.

Bytes stand for tokens, by a ratio that is learnt for each model from what its provider counted
afterwards. Reasoning that a provider counts as output is not foreseen: `max_tokens` bounds it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from streaming.providers.base import ChatMessage, Spent

ASCII_BYTES_A_TOKEN = 3.5
OTHER_BYTES_A_TOKEN = 1.5
MARGIN = 1.15
"""What is set aside above the estimate."""
RATIO_LEAST = 0.5
RATIO_MOST = 2.0
ALPHA = 0.2
"""Weight of the newest count in the learnt ratio (exponentially weighted mean)."""
MODELS_KEPT = 256
"""Models whose ratio is kept; beyond, the one learnt first is forgotten."""


def by_bytes(messages: Iterable[ChatMessage]) -> float:
    """Tokens of a prompt by its UTF-8 bytes: ASCII at 3.5 a token, all others at 1.5."""
    plain = other = 0
    for message in messages:
        if message.content.isascii():
            plain += len(message.content)
        else:
            ascii_bytes = len(message.content.encode("ascii", "ignore"))
            plain += ascii_bytes
            other += len(message.content.encode("utf-8", "replace")) - ascii_bytes
    return plain / ASCII_BYTES_A_TOKEN + other / OTHER_BYTES_A_TOKEN


class Ratios:
    """For each model, how many tokens its provider counts for one that bytes suggest."""

    def __init__(self) -> None:
        self._learnt: dict[tuple[str, str], float] = {}

    def of(self, provider: str, model: str) -> float:
        """The learnt ratio, between 0.5 and 2; 1 while nothing was learnt."""
        return min(max(self._learnt.get((provider, model), 1.0), RATIO_LEAST), RATIO_MOST)

    def upper(self, provider: str, model: str, by_bytes: float) -> int:
        """Tokens to set aside for a prompt, the margin included."""
        return math.ceil(by_bytes * self.of(provider, model) * MARGIN)

    def learn(self, provider: str, model: str, by_bytes: float, spent: Spent) -> None:
        """Take in what a provider counted; estimates and empty counts teach nothing."""
        if spent.estimated or spent.input <= 0 or by_bytes <= 0:
            return
        # A count beyond the clamp is taken for the clamp: one absurd count must not stay for long.
        seen = min(max(spent.input / by_bytes, RATIO_LEAST), RATIO_MOST)
        key = (provider, model)
        was = self._learnt.get(key, 1.0)
        if key not in self._learnt and len(self._learnt) >= MODELS_KEPT:
            del self._learnt[next(iter(self._learnt))]
        self._learnt[key] = was + ALPHA * (seen - was)
