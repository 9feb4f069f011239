"""Budgets as turns meet them: set aside, charged, told, and closed where nothing can be counted."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.events import RateLimit
from streaming.budgets import BUDGETS, Budgets, accounts, capped
from streaming.estimate import Ratios, by_bytes
from streaming.ledger import HOLD_S, Counter, Line, Reserved
from streaming.log import StoreUnavailable
from streaming.prices import prices
from streaming.providers.base import ChatMessage, LlmRequest, Spent
from streaming.purse import Payer
from streaming.speaking import estimated
from streaming.store_sqlite import SqliteStore
from streaming.treasury import Treasury
from tests.virtual import WALL_START_MS, VirtualLoop, settled

ADA = Payer("ada", "school")
CAPS = Budgets(tenant_day_tokens=1_000_000, tenant_day_micro_usd=5_000_000)
T0 = WALL_START_MS / 1000
DAY_LEFT_MS = 32_000_000
"""2025-06-15T15:06:40Z to midnight."""
HAIKU = ("anthropic", "claude-haiku-4-5")


def asked(text: str = "x" * 3_500, max_tokens: int = 220) -> LlmRequest:
    """1,000 tokens by bytes, so 1,150 are set aside for the prompt."""
    return LlmRequest((ChatMessage("user", text),), max_tokens)


class Bank:
    """A treasury over a real store on virtual time."""

    def __init__(self, loop: VirtualLoop, budgets: Budgets = CAPS) -> None:
        self.store = SqliteStore.open(None, loop=loop, inline=True)
        self.loop = loop
        self.treasury = self.another(budgets)

    def another(self, budgets: Budgets = CAPS, ledger: Any = None) -> Treasury:
        found = ledger or self.store.ledger
        return Treasury(found, budgets, prices(), wall_ms=self.loop.wall_ms)

    @property
    def now_s(self) -> float:
        return self.loop.wall_ms() / 1000

    async def counters(self, payer: Payer = ADA) -> dict[str, Counter]:
        found = accounts(CAPS, payer, self.now_s)
        keys = [account.key for account in found]
        said = await self.store.ledger.spent(payer.tenant, keys, now_s=self.now_s)
        return {a.budget.name: c for a, c in zip(found, said, strict=True)}


@pytest.fixture
async def bank(virtual: VirtualLoop) -> AsyncIterator[Bank]:
    bank = Bank(virtual)
    yield bank
    await bank.treasury.aclose()
    await bank.store.aclose()


# --- the table ------------------------------------------------------------------------------------


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def test_days_and_months_are_utcs() -> None:
    found = {a.budget.name: a for a in accounts(CAPS, ADA, at("2026-12-31T23:59:59.9+00:00"))}
    assert found["tutor.learner.day"].key == "learner.day.2026-12-31:ada"
    assert found["tutor.tenant.month"].key == "tenant.month.2026-12"
    new_year_s = at("2027-01-01T00:00:00+00:00")
    assert {a.ends_s for a in found.values()} == {new_year_s}
    found = {a.budget.name: a for a in accounts(CAPS, ADA, new_year_s)}
    assert found["tutor.learner.day"].key == "learner.day.2027-01-01:ada"
    assert found["tutor.learner.day"].ends_s == new_year_s + 86_400
    assert found["tutor.tenant.month"].ends_s == at("2027-02-01T00:00:00+00:00")


@given(st.integers(0, 2**33))
def test_a_period_holds_its_moment(now_s: int) -> None:
    for account in accounts(CAPS, ADA, now_s):
        longest_s = 86_400 if account.budget.period == "day" else 31 * 86_400
        assert 0 < account.ends_s - now_s <= longest_s


def test_a_rooms_turn_is_the_rooms() -> None:
    names = [a.budget.name for a in accounts(CAPS, Payer("ada", "school", "r1"), T0)]
    assert names == [budget.name for budget in BUDGETS if budget.scope != "learner"]
    names = [a.budget.name for a in accounts(CAPS, ADA, T0)]
    assert names == [budget.name for budget in BUDGETS if budget.scope != "room"]


def test_a_negative_cap_is_refused() -> None:
    with pytest.raises(ValueError, match="budget room_day_tokens: expected a cap >= 0 or none"):
        Budgets(room_day_tokens=-1)


def test_money_is_capped_where_it_can_be_spent_and_the_text_says_so() -> None:
    assert capped(Budgets(), []) == (Budgets(), "")
    budgets, told = capped(Budgets(), ["openai", "openai", "groq"])
    assert budgets.tenant_day_micro_usd == 5_000_000
    assert told == (
        "openai, groq costs money and no cap is set: at most 5.00 USD a day is spent "
        "(budget.tenant_day_usd changes it)"
    )
    own = Budgets(tenant_month_micro_usd=40_500_000)
    assert capped(own, ["groq"]) == (own, "groq costs money: at most 40.50 USD a month is spent")
    zero = Budgets(tenant_day_micro_usd=0)
    assert capped(zero, ["groq"]) == (zero, "groq costs money: at most 0.00 USD a day is spent")


# --- the guess ------------------------------------------------------------------------------------


def test_ascii_and_other_bytes_are_weighed_apart() -> None:
    assert by_bytes([ChatMessage("user", "seven l"), ChatMessage("user", "é" * 3)]) == 2 + 4
    assert by_bytes([ChatMessage("user", "a" * 7 + "é" * 3)]) == 2 + 4
    assert by_bytes([]) == 0


def test_an_attempt_that_nobody_counted_is_weighed_as_it_was_set_aside() -> None:
    said = "é" * 30 + "\ud800"  # half a character, as a broken provider writes it
    spent = estimated(asked("é" * 300 + "a" * 70), said)
    assert spent == Spent(420, 41, estimated=True)


def test_the_ratio_is_learnt_for_each_model_and_clamped() -> None:
    ratios = Ratios()
    assert ratios.upper(*HAIKU, 1_000) == 1_150
    ratios.learn(*HAIKU, 1_000, Spent(1_500, 9))
    assert ratios.of(*HAIKU) == pytest.approx(1.1)
    for spent in (Spent(9_000, 9, estimated=True), Spent(0, 9)):
        ratios.learn(*HAIKU, 1_000, spent)
    assert ratios.of(*HAIKU) == pytest.approx(1.1)
    for _ in range(99):
        ratios.learn(*HAIKU, 1_000, Spent(10**9, 9))
    assert ratios.of(*HAIKU) == pytest.approx(2.0)
    for _ in range(99):
        ratios.learn(*HAIKU, 1_000, Spent(1, 9))
    assert ratios.of(*HAIKU) == pytest.approx(0.5)
    assert ratios.of("anthropic", "another") == 1.0


# --- a turn's purse -------------------------------------------------------------------------------


async def test_an_attempt_is_set_aside_and_charged_as_it_was(bank: Bank) -> None:
    purse = bank.treasury.purse_for(ADA, "g1")
    hold = await purse.reserve(*HAIKU, asked())
    assert hold is not None
    most = 1_150 * 1_250_000 // 10**6 + 220 * 5 + 1  # rounded up
    assert purse.price(*HAIKU, asked()) == most
    set_aside = {"tokens": Counter(0, 1_370), "micro_usd": Counter(0, most)}
    told = await bank.counters()
    assert all(told[b.name] == set_aside[b.unit] for b in BUDGETS if b.name in told)
    spent = hold.settle(Spent(1_000, 50, cached_in=400))
    assert spent == Spent(1_000, 50, cached_in=400, micro_usd=600 + 40 + 250)
    assert hold.settle(Spent(9_999, 9_999)) == spent, "later calls change nothing"
    await settled()
    told = await bank.counters()
    assert told["tutor.learner.day"] == Counter(1_050, 0)
    assert told["tutor.tenant.usd.day"] == told["tutor.tenant.usd.month"] == Counter(890, 0)
    assert bank.treasury.spent_micro_usd == 890


async def test_attempts_of_one_turn_and_of_turns_named_alike_are_holds_apart(bank: Bank) -> None:
    again = bank.another()
    purses = [bank.treasury.purse_for(ADA, "g1"), again.purse_for(ADA, "g1")]
    holds = [await purse.reserve(*HAIKU, asked()) for purse in purses * 2]
    assert (await bank.counters())["tutor.learner.day"] == Counter(0, 4 * 1_370)
    for hold in holds:
        assert hold is not None
        hold.settle(Spent(10, 10))
    await settled()
    assert (await bank.counters())["tutor.learner.day"] == Counter(80, 0)


async def test_an_unknown_model_costs_the_dearest_and_no_cost_is_told(bank: Bank) -> None:
    purse = bank.treasury.purse_for(ADA, "g1")
    hold = await purse.reserve("openrouter", "new/model", asked())
    assert hold is not None
    assert (await bank.counters())["tutor.tenant.usd.day"].reserved == 1_150 * 30 + 220 * 180
    assert hold.settle(Spent(1_000, 50)).micro_usd is None
    await settled()
    assert (await bank.counters())["tutor.tenant.usd.day"] == Counter(1_000 * 30 + 50 * 180, 0)


async def test_a_local_model_costs_tokens_and_no_money(bank: Bank) -> None:
    purse = bank.treasury.purse_for(ADA, "g1")
    assert purse.price("local", "any", asked()) == 0
    hold = await purse.reserve("local", "any", asked())
    assert hold is not None
    assert hold.settle(Spent(1_000, 50)).micro_usd == 0
    await settled()
    told = await bank.counters()
    assert told["tutor.learner.day"] == Counter(1_050, 0)
    assert told["tutor.tenant.usd.day"] == Counter(0, 0)


async def test_the_built_in_tutor_is_not_counted(virtual: VirtualLoop) -> None:
    bank = Bank(virtual, Budgets(learner_day_tokens=0))
    purse = bank.treasury.purse_for(ADA, "g1")
    hold = await purse.reserve("builtin", "builtin/1", asked())
    assert hold is not None
    assert hold.settle(Spent(5, 5)).micro_usd == 0
    assert purse.price("builtin", "builtin/1", asked()) == 0
    assert set((await bank.counters()).values()) == {Counter(0, 0)}
    await bank.store.aclose()


@pytest.mark.parametrize("field", Budgets.__struct_fields__)
async def test_a_cap_of_0_means_no_call_at_all(virtual: VirtualLoop, field: str) -> None:
    bank = Bank(virtual, Budgets(**{field: 0}))
    payer = Payer("ada", "school", "r1" if field.startswith("room") else None)
    purse = bank.treasury.purse_for(payer, "g1")
    assert await purse.reserve("local", "any", asked("", 0)) is None
    assert await purse.thrifty()
    assert bank.treasury.exhausted(payer, bank.now_s)
    await bank.store.aclose()


async def test_one_full_budget_keeps_all_others_as_they_were(virtual: VirtualLoop) -> None:
    bank = Bank(virtual, Budgets(tenant_month_micro_usd=2_538))  # one attempt costs 2,538
    purse = bank.treasury.purse_for(ADA, "g1")
    assert await purse.reserve(*HAIKU, asked()) is not None
    before = await bank.counters()
    assert await purse.reserve(*HAIKU, asked()) is None
    assert await bank.counters() == before
    await bank.store.aclose()


async def test_a_thousand_turns_race_for_the_last_ten(virtual: VirtualLoop) -> None:
    bank = Bank(virtual, Budgets(tenant_day_tokens=13_700 + 1_369))
    payers = [Payer(f"l{n}", "school") for n in range(1_000)]
    holds = await asyncio.gather(
        *(bank.treasury.purse_for(p, "g1").reserve(*HAIKU, asked()) for p in payers)
    )
    assert sum(hold is not None for hold in holds) == 10
    await bank.store.aclose()


async def test_a_count_a_provider_made_up_breaks_nothing(bank: Bank) -> None:
    purse = bank.treasury.purse_for(ADA, "g1")
    for made_up in (Spent(10**30, 10**30), Spent(-5, -5, -5, -5)):
        hold = await purse.reserve("local", "any", asked())
        assert hold is not None
        hold.settle(made_up)
        await settled()
        assert (await bank.counters())["tutor.tenant.month"] == Counter(2 * 10**9, 0)
        bank.treasury.budgets = Budgets(learner_day_tokens=None)


# --- nearly spent, and what is left ---------------------------------------------------------------


async def test_from_80_percent_on_a_purse_is_thrifty(virtual: VirtualLoop) -> None:
    bank = Bank(virtual, Budgets(learner_day_tokens=10_000))
    purse = bank.treasury.purse_for(ADA, "g1")
    for used, thrifty in ((7_999, False), (1, True)):
        hold = await purse.reserve(*HAIKU, asked("", 0))
        assert hold is not None
        hold.settle(Spent(used, 0))
        await settled()
        assert await purse.thrifty() is thrifty
    assert not await bank.treasury.purse_for(Payer("ben", "school"), "g2").thrifty()
    await bank.store.aclose()


class Watched:
    """A ledger that counts the calls, or does not answer."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.calls: list[str] = []
        self.mood = "well"

    async def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(name)
        if self.mood == "away":
            raise StoreUnavailable("the ledger is away")
        if self.mood == "silent":
            await asyncio.sleep(3_600)
        said = await getattr(self.inner, name)(*args, **kwargs)
        if self.mood == "answer lost":
            await asyncio.sleep(3_600)
        return said

    async def reserve(self, tenant: str, hold: str, lines: Sequence[Line], **when: Any) -> Reserved:
        return await self._call("reserve", tenant, hold, lines, **when)  # type: ignore[no-any-return]

    async def settle(self, tenant: str, hold: str, amounts: Sequence[int]) -> Any:
        mood, self.mood = self.mood, "well" if self.mood == "answer lost" else self.mood
        try:
            return await self._call("settle", tenant, hold, amounts)
        finally:
            self.mood = mood

    async def spent(self, tenant: str, names: Sequence[str], **when: Any) -> Any:
        return await self._call("spent", tenant, names, **when)

    async def sweep(self, tenant: str, **when: Any) -> Any:
        return await self._call("sweep", tenant, **when)


async def test_what_is_known_is_not_asked_again(bank: Bank) -> None:
    ledger = Watched(bank.store.ledger)
    treasury = bank.another(ledger=ledger)
    purse = treasury.purse_for(ADA, "g1")
    for _ in range(3):
        assert not await purse.thrifty()
    assert ledger.calls == ["spent"]
    hold = await purse.reserve(*HAIKU, asked())
    assert hold is not None
    assert not await purse.thrifty()
    assert treasury.left(ADA, bank.now_s)
    assert ledger.calls == ["spent", "reserve"]


async def test_what_is_left_is_told_in_the_wires_words(bank: Bank) -> None:
    heard: list[list[RateLimit]] = []
    treasury = bank.treasury
    assert treasury.left(ADA, bank.now_s) == [], "nothing is known yet"
    assert await treasury.look_up(ADA)
    assert treasury.left(ADA, bank.now_s) == [
        RateLimit("tutor.learner.day", 150_000, 150_000, DAY_LEFT_MS),
        RateLimit("tutor.tenant.day", 1_000_000, 1_000_000, DAY_LEFT_MS),
        RateLimit("tutor.tenant.usd.day", 5_000_000, 5_000_000, DAY_LEFT_MS),
    ]
    purse = treasury.purse_for(ADA, "g1", lambda: heard.append(treasury.left(ADA, bank.now_s)))
    hold = await purse.reserve(*HAIKU, asked())
    assert hold is not None
    assert [limit.left for limit in heard[-1]] == [148_630, 998_630, 4_997_462]
    hold.settle(Spent(1_000, 50))
    await settled()
    assert [limit.left for limit in heard[-1]] == [148_950, 998_950, 4_998_750]
    assert len(heard) == 2
    assert treasury.tenants_left(bank.now_s) == {
        ("tenant.day", "tokens"): 998_950,
        ("tenant.day", "usd"): 4.99875,
    }


async def test_nothing_is_left_of_a_spent_budget_until_the_day_is_over(
    virtual: VirtualLoop,
) -> None:
    bank = Bank(virtual, Budgets(learner_day_tokens=2_000))
    treasury, purse = bank.treasury, bank.treasury.purse_for(ADA, "g1")
    hold = await purse.reserve(*HAIKU, asked())
    assert hold is not None
    hold.settle(Spent(2_500, 0))
    await settled()
    left = RateLimit("tutor.learner.day", 2_000, 0, DAY_LEFT_MS)
    assert treasury.left(ADA, bank.now_s) == [left]
    assert treasury.exhausted(ADA, bank.now_s)
    assert await purse.reserve(*HAIKU, asked()) is None
    await asyncio.sleep(DAY_LEFT_MS / 1000)
    assert not treasury.exhausted(ADA, bank.now_s)
    assert not await purse.thrifty()
    assert await purse.reserve(*HAIKU, asked()) is not None
    await bank.store.aclose()


# --- a ledger that is away, a process that dies ---------------------------------------------------


@pytest.mark.parametrize("mood", ["away", "silent"])
async def test_nothing_is_spent_that_cannot_be_counted(
    bank: Bank, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Watched(bank.store.ledger)
    ledger.mood = mood
    treasury = bank.another(ledger=ledger)
    purse = treasury.purse_for(ADA, "g1")
    with caplog.at_level(logging.WARNING):
        began_s = bank.now_s
        assert await purse.reserve(*HAIKU, asked()) is None
        assert bank.now_s - began_s <= 0.5 + 1e-6
        assert await purse.thrifty()
        assert not await treasury.look_up(ADA)
    assert "nothing is spent: the ledger" in caplog.text
    ledger.mood = "well"
    assert await purse.reserve(*HAIKU, asked()) is not None
    await treasury.aclose()


async def test_a_reservation_whose_answer_was_lost_is_given_back(bank: Bank) -> None:
    ledger = Watched(bank.store.ledger)
    ledger.mood = "answer lost"
    treasury = bank.another(ledger=ledger)
    assert await treasury.purse_for(ADA, "g1").reserve(*HAIKU, asked()) is None
    await treasury.aclose()
    assert set((await bank.counters()).values()) == {Counter(0, 0)}


async def test_a_cancelled_reservation_is_given_back(bank: Bank) -> None:
    ledger = Watched(bank.store.ledger)
    ledger.mood = "answer lost"
    treasury = bank.another(ledger=ledger)
    task = asyncio.ensure_future(treasury.purse_for(ADA, "g1").reserve(*HAIKU, asked()))
    await asyncio.sleep(0.1)
    assert (await bank.counters())["tutor.learner.day"].reserved == 1_370
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await treasury.aclose()
    assert set((await bank.counters()).values()) == {Counter(0, 0)}


async def test_a_settling_is_sent_until_it_is_stored(bank: Bank) -> None:
    ledger = Watched(bank.store.ledger)
    treasury = bank.another(ledger=ledger)
    hold = await treasury.purse_for(ADA, "g1").reserve(*HAIKU, asked())
    assert hold is not None
    ledger.mood = "away"
    assert hold.settle(Spent(1_000, 50)).micro_usd == 1_250, "it neither waits nor raises"
    await asyncio.sleep(0.5)
    ledger.mood = "well"
    await treasury.aclose()
    assert (await bank.counters())["tutor.learner.day"] == Counter(1_050, 0)


async def test_what_could_not_be_settled_is_charged_in_full(bank: Bank) -> None:
    ledger = Watched(bank.store.ledger)
    treasury = bank.another(ledger=ledger)
    hold = await treasury.purse_for(ADA, "g1").reserve(*HAIKU, asked())
    assert hold is not None
    ledger.mood = "away"
    hold.settle(Spent(1_000, 50))
    await asyncio.sleep(HOLD_S)
    assert ledger.calls.count("settle") == 4
    assert await bank.treasury.begin(["school", "another"]) == 1
    assert (await bank.counters())["tutor.learner.day"] == Counter(1_370, 0)


async def test_a_start_without_a_ledger_goes_on(bank: Bank) -> None:
    ledger = Watched(bank.store.ledger)
    ledger.mood = "silent"
    assert await bank.another(ledger=ledger).begin() == 0


async def test_the_end_does_not_wait_for_ever(bank: Bank, virtual: VirtualLoop) -> None:
    ledger = Watched(bank.store.ledger)
    treasury = bank.another(ledger=ledger)
    hold = await treasury.purse_for(ADA, "g1").reserve(*HAIKU, asked())
    assert hold is not None
    ledger.mood = "silent"
    hold.settle(Spent(1, 1))
    began_s = virtual.time()
    await treasury.aclose()
    assert virtual.time() - began_s <= 5.0


def test_a_hold_settled_after_the_loops_end_raises_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = VirtualLoop()
    bank = Bank(loop)
    hold = loop.run_until_complete(bank.treasury.purse_for(ADA, "g1").reserve(*HAIKU, asked()))
    assert hold is not None
    loop.run_until_complete(bank.store.aclose())
    loop.close()
    with caplog.at_level(logging.WARNING):
        assert hold.settle(Spent(1_000, 50)).micro_usd == 1_250
    assert "was not settled: the process is ending" in caplog.text
