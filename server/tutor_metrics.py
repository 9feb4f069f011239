"""What models, guards and budgets do, as metrics. This file is their rows and where each is read.

Nothing is counted here: the router and the treasury count, and are looked at when the text is made.
No label names a learner or a room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import NamedTuple

from server.exposition import Buckets, Metric, Samples, each, one
from streaming.breaker import BreakerState
from streaming.budgets import MICRO
from streaming.counts import WAIT_BOUNDS_S, Counts
from streaming.overhead import Waits
from streaming.routing import Routing
from streaming.treasury import Treasury

BREAKER_STATES: Mapping[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}

TTFT = Metric(
    "tutorstream_llm_ttft_seconds",
    "histogram",
    ("provider",),
    "A model's call to its first text, of calls that gave text.",
)

OVERHEAD = Metric(
    "tutorstream_router_overhead_seconds",
    "histogram",
    ("stage",),
    "Added to a first text: out, acceptance to call; in, text to log; both; held by guards.",
)

TUTOR_METRICS = (
    TTFT,
    OVERHEAD,
    Metric(
        "tutorstream_llm_failures_total",
        "counter",
        ("provider", "kind"),
        "Calls of models that failed.",
    ),
    Metric(
        "tutorstream_llm_tokens_total",
        "counter",
        ("provider", "kind"),
        "Tokens as providers counted: input, output; cached_in, cache_write are parts of input.",
    ),
    Metric(
        "tutorstream_turn_restarts_total",
        "counter",
        ("reason",),
        "Answers begun anew, or by another voice than was announced.",
    ),
    Metric(
        "tutorstream_hedges_total",
        "counter",
        ("outcome",),
        "Second calls beside a silent one: sent, won, lost, failed.",
    ),
    Metric(
        "tutorstream_breaker_state",
        "gauge",
        ("provider", "model"),
        "0 closed, 1 half open, 2 open: the model is passed over.",
    ),
    Metric(
        "tutorstream_guard_hits_total",
        "counter",
        ("guard", "model"),
        "Answers stopped by a guard; what it caught was not shown.",
    ),
    Metric("tutorstream_guard_seconds_total", "counter", (), "Time the guards took."),
    Metric("tutorstream_guard_pieces_total", "counter", (), "Pieces of text the guards saw."),
    Metric(
        "tutorstream_guard_held_chars_total",
        "counter",
        (),
        "Characters that waited behind the guards, summed over pieces.",
    ),
    Metric(
        "tutorstream_guard_held_chars_max", "gauge", (), "The most that ever waited behind a piece."
    ),
    Metric(
        "tutorstream_budget_left",
        "gauge",
        ("scope", "unit"),
        "What is left of the tenants' caps, the least of all tenants, as known here.",
    ),
    Metric(
        "tutorstream_budget_spent_usd_total",
        "counter",
        (),
        "Charged by this process; a model without a price as the dearest.",
    ),
)


class TutorCounts(NamedTuple):
    """What is shown; `breakers` by provider and model, `left` by scope and unit."""

    counts: Counts
    breakers: Mapping[tuple[str, str], BreakerState]
    left: Mapping[tuple[str, str], float]
    spent_micro_usd: int


def no_counts() -> TutorCounts:
    """Nothing was counted: no router is there yet."""
    return TutorCounts(Counts(), {}, {}, 0)


def tutor_counts(routing: Routing, treasury: Treasury | None) -> TutorCounts:
    """What a router and a treasury have counted until now."""
    breakers = {}
    for key, breaker in routing.breakers.items():
        provider, _, model = key.partition("/")
        breakers[provider, model] = breaker.state
    if treasury is None:
        return TutorCounts(routing.counts, breakers, {}, 0)
    left = treasury.tenants_left(treasury.now_s())
    return TutorCounts(routing.counts, breakers, left, treasury.spent_micro_usd)


def ttft(counted: TutorCounts) -> list[Buckets]:
    """The waits of each provider, over its models."""
    by_provider: dict[str, list[Waits]] = {}
    for (provider, _), waits in sorted(counted.counts.ttft.items()):
        by_provider.setdefault(provider, []).append(waits)
    found = []
    for provider, waited in by_provider.items():
        buckets = [sum(column) for column in zip(*(w.buckets for w in waited), strict=True)]
        below = list(accumulate(buckets))[:-1]
        count, sum_s = sum(w.count for w in waited), sum(w.sum_s for w in waited)
        found.append(Buckets((provider,), WAIT_BOUNDS_S, below, count, sum_s))
    return found


def overhead(counted: TutorCounts) -> list[Buckets]:
    """What the router added, by stage."""
    return [
        Buckets((stage,), w.bounds_s, list(accumulate(w.buckets))[:-1], w.count, w.sum_s)
        for stage, w in counted.counts.overhead.stages.items()
    ]


TUTOR_HISTOGRAMS: dict[str, Callable[[TutorCounts], list[Buckets]]] = {
    TTFT.name: ttft,
    OVERHEAD.name: overhead,
}

TUTOR_SAMPLES: dict[str, Callable[[TutorCounts], Samples]] = {
    "tutorstream_llm_failures_total": lambda c: each(c.counts.failures),
    "tutorstream_llm_tokens_total": lambda c: each(c.counts.tokens),
    "tutorstream_turn_restarts_total": lambda c: each(c.counts.restarts),
    "tutorstream_hedges_total": lambda c: each(c.counts.hedges),
    "tutorstream_breaker_state": lambda c: each(
        {model: BREAKER_STATES[state] for model, state in c.breakers.items()}
    ),
    "tutorstream_guard_hits_total": lambda c: each(c.counts.guard_hits),
    "tutorstream_guard_seconds_total": lambda c: one(c.counts.screened.seconds),
    "tutorstream_guard_pieces_total": lambda c: one(c.counts.screened.pieces),
    "tutorstream_guard_held_chars_total": lambda c: one(c.counts.screened.held_chars),
    "tutorstream_guard_held_chars_max": lambda c: one(c.counts.screened.held_most_chars),
    "tutorstream_budget_left": lambda c: each(c.left),
    "tutorstream_budget_spent_usd_total": lambda c: one(c.spent_micro_usd / MICRO),
}
