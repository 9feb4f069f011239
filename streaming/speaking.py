"""The router's words: who speaks, what a turn hears, how long it may take. This file is the words.

It also holds the table of failure kinds: what each means for a provider's breaker and its bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from streaming.estimate import by_bytes
from streaming.providers.base import (
    ChatMessage,
    End,
    FailureKind,
    LlmRequest,
    Provider,
    Spent,
    Text,
)
from streaming.providers.builtin import NAME as BUILTIN

SHUT_S = 600.0
"""How long a provider is passed over after `auth`, `not_found` or `quota`."""
RETRY_AFTER_S = 5.0
"""How long it is passed over after `rate_limited` without a time of its own."""
COMPACT_TURNS = 4
THRIFTY_TOKENS = 120
"""Most output tokens of an attempt once a budget is used by 80 %."""
LOST_WEIGHT = 0.5
"""What a lost hedge counts at its breaker; a failure counts 1."""

SHUTS: frozenset[FailureKind] = frozenset({"auth", "not_found", "quota", "unavailable"})
NO_COUNT: frozenset[FailureKind] = frozenset(
    {"context_length", "bad_request", "internal", "refused"}
)
UNPAID: frozenset[FailureKind] = frozenset(
    {"auth", "not_found", "quota", "unavailable", "bad_request", "context_length", "connect",
     "rate_limited", "overloaded", "server_error", "internal"}
)  # fmt: skip
"""Failures that cost nothing unless text had come."""
ALARMING: frozenset[FailureKind] = SHUTS | {"bad_request", "internal"}
"""Failures that only a person can mend: logged as errors."""


class TurnLimits(msgspec.Struct, frozen=True, gc=False):
    """How long a turn may wait and run, in seconds, and how many models may try."""

    first_token_s: float = 2.5
    """From acceptance to the first text, all attempts together; then the built-in tutor speaks."""
    attempt_first_s: tuple[float, float] = (0.8, 1.5)
    """The same for one attempt while another model remains: 3 * p95 of its waits, within these."""
    hedge_s: tuple[float, float] = (0.3, 0.7)
    """When a silent first call gets a rival: the p95 of its waits, within these."""
    stall_s: float = 4.0
    """Longest silence between two texts of one attempt."""
    local_stall_s: float = 12.0
    """The same of a model on this machine, which reads one learner's prompt between two words of
    another's."""
    turn_s: float = 30.0
    last_start_s: float = 4.0
    """With less than this left of the turn, only the built-in tutor starts."""
    models: int = 3
    """So many models may try."""
    restarts: int = 2
    """After so many restarts the next voice is the built-in tutor's."""
    retry_s: tuple[float, float] = (0.05, 0.1)
    """Jitter before the one retry of a refused connection."""
    slot_s: float = 0.15
    """How long a turn waits where every provider has all its slots taken."""


class Speaker(msgspec.Struct, frozen=True, gc=False):
    """Who speaks."""

    provider: str
    model: str
    source: Literal["builtin", "llm"]


class Restarted(msgspec.Struct, frozen=True, gc=False):
    """The answer starts anew by another voice.

    `reason` is the failure's kind; `guard.answer` or `guard.maths` where a guard stopped the text;
    `hedge` where a second call was faster; `budget` where there is too little left. Where who was
    announced may not begin it is `breaker`, `mode` or `slots`.
    """

    provider: str
    model: str
    reason: str


Routed = Text | Restarted | Spent | End
"""What a turn hears. `Spent` is the sum over the turn's attempts so far: the newest one counts."""


def limits_for(chain: Sequence[Provider]) -> TurnLimits:
    """The default limits; where only local models are configured, their longer first-token limit.

    A provider's own limit is its `first_token_s`, if it has one. An attempt's limits and a hedge's
    grow in the same proportion.
    """
    usual = TurnLimits()
    own_s = [
        float(getattr(p, "first_token_s", usual.first_token_s)) for p in chain if p.name != BUILTIN
    ]
    first_s = min(own_s, default=usual.first_token_s)
    longer = max(1.0, first_s / usual.first_token_s)
    return TurnLimits(
        first_token_s=first_s,
        attempt_first_s=_times(usual.attempt_first_s, longer),
        hedge_s=_times(usual.hedge_s, longer),
    )


def _times(both: tuple[float, float], by: float) -> tuple[float, float]:
    return both[0] * by, both[1] * by


def estimated(request: LlmRequest, shown: str) -> Spent:
    """Tokens of an attempt that its provider did not count, by the bytes sent and shown."""
    output = by_bytes([ChatMessage("assistant", shown)])
    return Spent(round(by_bytes(request.messages)), round(output), estimated=True)


def summed(one: Spent, other: Spent) -> Spent:
    """Both together; what they cost is known where the price of each part that cost anything is."""
    costs = [s.micro_usd for s in (one, other) if s.input or s.output or s.micro_usd is not None]
    known = [cost for cost in costs if cost is not None]
    return Spent(
        one.input + other.input,
        one.output + other.output,
        one.cached_in + other.cached_in,
        one.cache_write + other.cache_write,
        estimated=one.estimated or other.estimated,
        micro_usd=sum(known) if known and len(known) == len(costs) else None,
    )


def compacted(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...] | None:
    """The prompt with its last 4 turns only, or None where it has no more than those.

    The system messages at its head stay: the stable prefix and the learner's summary.
    """
    head = next((n for n, m in enumerate(messages) if m.role != "system"), len(messages))
    turns = messages[head:]
    kept = turns[-(2 * COMPACT_TURNS + 1) :]
    return (*messages[:head], *kept) if len(kept) < len(turns) else None
