"""What the router and the treasury counted stands in the metrics, and no learner's name does."""

from __future__ import annotations

import asyncio
from typing import Any

from server.metrics import Metrics
from server.tutor_metrics import TutorCounts, tutor_counts
from streaming.budgets import Budgets
from streaming.counts import Counts
from streaming.prices import prices
from streaming.providers.base import ChatMessage, LlmRequest, Spent
from streaming.providers.builtin import Builtin
from streaming.purse import Payer
from streaming.routing import Routing
from streaming.store_sqlite import SqliteStore
from streaming.treasury import Treasury
from tests.virtual import VirtualLoop, run, settled
from tests.world import Scripted


def samples(counted: TutorCounts) -> dict[str, float]:
    metrics = Metrics("1")
    metrics.tutor = lambda: counted
    lines = [line for line in metrics.text().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def counts() -> Counts:
    counts = Counts()
    for model, wait_s in (("a", 0.05), ("a", 0.06), ("b", 9.0)):
        counts.first_text("groq", model, wait_s)
    counts.first_text("openai", "c", 1.5)
    counts.failures["groq", "rate_limited"] += 2
    counts.restarts["guard.answer"] += 1
    counts.hedges["sent"] += 3
    counts.hedges["won"] += 1
    counts.guard_hits["guard.answer", 'odd"model'] += 1
    counts.screened.record(0.25, 7)
    counts.screened.record(0.25, 3)
    counts.spent("groq", Spent(1_000, 50, cached_in=600))
    counts.spent("groq", Spent(9_000, 50, estimated=True))
    return counts


def test_what_the_router_counted_is_told() -> None:
    breakers = {("groq", "a"): "closed", ("groq", "b"): "half_open", ("openai", "x/y"): "open"}
    left = {("tenant.day", "usd"): 4.5, ("tenant.month", "tokens"): 7.0}
    found = samples(TutorCounts(counts(), breakers, left, 1_250_000))  # type: ignore[arg-type]  # the states' names
    name = "tutorstream_llm_ttft_seconds"
    assert found[f'{name}_bucket{{provider="groq",le="0.05"}}'] == 1
    assert found[f'{name}_bucket{{provider="groq",le="0.1"}}'] == 2
    assert found[f'{name}_bucket{{provider="groq",le="8.0"}}'] == 2
    assert found[f'{name}_bucket{{provider="groq",le="+Inf"}}'] == 3
    assert found[f'{name}_count{{provider="groq"}}'] == 3
    assert abs(found[f'{name}_sum{{provider="groq"}}'] - 9.11) < 1e-9
    assert found[f'{name}_count{{provider="openai"}}'] == 1
    assert found['tutorstream_llm_failures_total{provider="groq",kind="rate_limited"}'] == 2
    assert found['tutorstream_llm_tokens_total{provider="groq",kind="input"}'] == 1_000
    assert found['tutorstream_llm_tokens_total{provider="groq",kind="cached_in"}'] == 600
    assert found['tutorstream_turn_restarts_total{reason="guard.answer"}'] == 1
    assert found['tutorstream_hedges_total{outcome="sent"}'] == 3
    assert found['tutorstream_breaker_state{provider="groq",model="a"}'] == 0
    assert found['tutorstream_breaker_state{provider="groq",model="b"}'] == 1
    assert found['tutorstream_breaker_state{provider="openai",model="x/y"}'] == 2
    assert found['tutorstream_guard_hits_total{guard="guard.answer",model="odd\\"model"}'] == 1
    assert found["tutorstream_guard_seconds_total"] == 0.5
    assert found["tutorstream_guard_pieces_total"] == 2
    assert found["tutorstream_guard_held_chars_total"] == 10
    assert found["tutorstream_guard_held_chars_max"] == 7
    assert found['tutorstream_budget_left{scope="tenant.day",unit="usd"}'] == 4.5
    assert found['tutorstream_budget_left{scope="tenant.month",unit="tokens"}'] == 7
    assert found["tutorstream_budget_spent_usd_total"] == 1.25


def test_a_living_router_and_treasury_are_read_and_name_no_learner() -> None:
    async def go() -> tuple[TutorCounts, dict[str, float]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        store = SqliteStore.open(None, loop=loop, inline=True)
        caps = Budgets(tenant_day_tokens=10_000, tenant_day_micro_usd=2_000_000)
        treasury = Treasury(store.ledger, caps, prices(), wall_ms=loop.wall_ms)
        chain: list[Any] = [Scripted(name="groq"), Builtin()]
        routing = Routing(chain)
        bare = tutor_counts(routing, None)
        for tenant, used in (("school", 1_000), ("other", 4_000)):
            purse = treasury.purse_for(Payer("ada-lovelace", tenant), "g1")
            request = LlmRequest((ChatMessage("user", "Why?"),), 220)
            hold = await purse.reserve("anthropic", "claude-haiku-4-5", request)
            assert hold is not None
            hold.settle(Spent(used, 0))
        await settled()
        counted = tutor_counts(routing, treasury)
        found = samples(counted)
        await store.aclose()
        await routing.aclose()
        return bare, found

    bare, found = run(go())
    assert (bare.left, bare.spent_micro_usd) == ({}, 0)
    assert bare.breakers == {("groq", "script-1"): "closed"}
    assert found['tutorstream_breaker_state{provider="groq",model="script-1"}'] == 0
    assert found['tutorstream_budget_left{scope="tenant.day",unit="tokens"}'] == 6_000
    assert found['tutorstream_budget_left{scope="tenant.day",unit="usd"}'] == 1.996
    assert found["tutorstream_budget_spent_usd_total"] == 0.005
    assert not [name for name in found if "ada" in name or "school" in name]
