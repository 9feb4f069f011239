"""The purses of turns, paid from the ledger's counters. This file is who asks the ledger.

What the ledger answered is remembered, so whether a budget is nearly spent, and what is left, is
known without asking. On several nodes that picture is as old as this node's last reservation for
the same payer; what is refused or granted is always decided by the ledger itself.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from protocol.events import RateLimit
from streaming.budgets import BUDGETS, Account, Budgets, accounts
from streaming.estimate import Ratios, by_bytes
from streaming.ledger import Counter, Ledger, Line
from streaming.log import StoreUnavailable
from streaming.prices import Prices
from streaming.providers.base import ChatMessage, LlmRequest, Spent
from streaming.providers.builtin import NAME as BUILTIN
from streaming.purse import Hold, Payer, Purse

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

ASK_S = 0.5
"""Longest wait for the ledger's answer; then nothing may be spent."""
SETTLE_S = (0.2, 1.0, 5.0)
"""Waits before a settling that failed is sent again; after the last one the hold is charged in
full by its age."""
CLOSE_S = 5.0
"""Longest wait for open settlings at the end of the process."""
THRIFTY = 0.8
"""From this share of a budget on the cheapest model and short answers."""
COUNTERS_KEPT = 50_000
"""Counters remembered in this process; beyond, the one met first is forgotten."""
TOKENS_MOST = 10**9
"""More tokens of one attempt than this are taken for this many: a count a provider made up."""


class Treasury:
    """Gives each turn its purse; one is made in `app`.

    `wall_ms` is the wall clock. `begin` is called before the first turn, `aclose` after the last
    one and before the ledger's store is closed.
    """

    def __init__(
        self, ledger: Ledger, budgets: Budgets, prices: Prices, *, wall_ms: Callable[[], int]
    ) -> None:
        self.budgets = budgets
        self.prices = prices
        self.ratios = Ratios()
        self.spent_micro_usd = 0
        """Charged by this process since its start, unknown prices at the dearest."""
        self._ledger = ledger
        self._wall_ms = wall_ms
        self._known: dict[tuple[str, str], Counter] = {}
        self._refused: dict[tuple[str, str], int] = {}
        """The least that a counter had no room for, until something has room again: what is left
        and suffices for no call is nothing."""
        self._settling: set[asyncio.Task[None]] = set()
        self._tenants: dict[str, None] = {}
        self._holds = 0
        self._life = secrets.token_hex(8)

    # --- what others ask --------------------------------------------------------------------------

    def purse_for(self, payer: Payer, gen: str, changed: Callable[[], None] | None = None) -> Purse:
        """The purse of one turn.

        `changed()` is called on the loop each time the ledger has answered one of this purse's
        reservations or settlings: the moment to look at `left` again.
        """
        self._tenants[payer.tenant] = None
        return _Purse(self, payer, gen, changed)

    def left(self, payer: Payer, now_s: float) -> list[RateLimit]:
        """What is left of each capped budget of a payer, as far as this process knows.

        Money is in micro-USD. `reset_ms` is the time until the period's end. Less than the last
        call needed that found no room counts as 0. A budget of which nothing was heard yet is not
        named: `look_up` asks the ledger.
        """
        found = []
        for account, limit in self.capped(payer, now_s):
            counter = self._known.get((payer.tenant, account.key))
            if counter is not None:
                left = self._left(payer.tenant, account.key, limit)
                reset_ms = max(0, round((account.ends_s - now_s) * 1000))
                found.append(RateLimit(account.budget.name, limit, left, reset_ms))
        return found

    def exhausted(self, payer: Payer, now_s: float) -> bool:
        """Whether a budget of a payer is known to have nothing left, or is 0."""
        return any(
            self._left(payer.tenant, account.key, limit) == 0
            for account, limit in self.capped(payer, now_s)
        )

    def _left(self, tenant: str, key: str, limit: int) -> int:
        """What may be spent still; 0 where it is less than what found no room the last time."""
        counter = self._known.get((tenant, key), Counter(0, 0))
        left = max(0, limit - counter.taken)
        return left if left >= self._refused.get((tenant, key), 0) else 0

    async def look_up(self, payer: Payer) -> bool:
        """Ask the ledger for all counters of a payer; False where it does not answer in time."""
        now_s = self.now_s()
        keys = [account.key for account in accounts(self.budgets, payer, now_s)]
        try:
            asked = self._ledger.spent(payer.tenant, keys, now_s=now_s)
            counters = await _timely(asked, ASK_S)
        except StoreUnavailable as error:
            _LOG.warning("budgets could not be read: %s", error)
            return False
        self.learn(payer.tenant, zip(keys, counters, strict=True))
        return True

    def tenants_left(self, now_s: float) -> dict[tuple[str, str], float]:
        """What is left of the capped budgets of tenants, by scope and unit (`tokens`, `usd`).

        The least over the tenants that had turns here. Names no learner.
        """
        found: dict[tuple[str, str], float] = {}
        for tenant in self._tenants:
            for limit in self.left(Payer("", tenant), now_s):
                budget = next(b for b in BUDGETS if b.name == limit.name)
                money = budget.unit == "micro_usd"
                key = (f"tenant.{budget.period}", "usd" if money else "tokens")
                left = limit.left / 1e6 if money else limit.left
                found[key] = min(left, found.get(key, left))
        return found

    # --- life -------------------------------------------------------------------------------------

    async def begin(self, tenants: Sequence[str] = ("default",)) -> int:
        """Charge in full what processes before this one left open; returns how many holds.

        Other tenants' holds are charged when they next have a turn.
        """
        swept = 0
        for tenant in tenants:
            try:
                swept += await _timely(self._ledger.sweep(tenant, now_s=self.now_s()), CLOSE_S)
            except StoreUnavailable as error:
                _LOG.warning("old reservations could not be charged: %s", error)
        return swept

    async def aclose(self) -> None:
        """Wait until open settlings are stored, for a while; the rest is charged in full later."""
        if self._settling:
            _, late = await asyncio.wait(self._settling, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # --- for the purses ---------------------------------------------------------------------------

    def now_s(self) -> float:
        """The wall clock, in seconds since 1970."""
        return self._wall_ms() / 1000

    def hold_id(self, gen: str) -> str:
        """A hold's id, never given twice: generations of different sessions may be named alike."""
        self._holds += 1
        return f"{gen}.{self._life}.{self._holds}"

    def counter(self, tenant: str, key: str) -> Counter | None:
        """What is known of a counter."""
        return self._known.get((tenant, key))

    def learn(self, tenant: str, counters: Iterable[tuple[str, Counter]]) -> None:
        """Remember what the ledger said."""
        for key, counter in counters:
            self._known.pop((tenant, key), None)
            self._known[tenant, key] = counter
        while len(self._known) > COUNTERS_KEPT:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._refused.pop(oldest, None)

    async def reserve(self, tenant: str, hold: str, lines: Sequence[Line]) -> bool:
        """Ask the ledger for a hold, within `ASK_S`; False where refused or not answered."""
        try:
            asked = self._ledger.reserve(tenant, hold, lines, now_s=self.now_s())
            said = await _timely(asked, ASK_S)
        except StoreUnavailable as error:
            _LOG.warning("nothing is spent: %s", error)
            self.settle(tenant, hold, [0] * len(lines), None)  # it may have been stored after all
            return False
        except asyncio.CancelledError:
            self.settle(tenant, hold, [0] * len(lines), None)
            raise
        keys = (line.account for line in lines)
        self.learn(tenant, zip(keys, said.counters, strict=True))
        self._remember_refusal(tenant, lines, said.refused)
        return said.refused is None

    def _remember_refusal(self, tenant: str, lines: Sequence[Line], refused: int | None) -> None:
        if refused is not None:
            key, amount = (tenant, lines[refused].account), lines[refused].amount
            self._refused[key] = min(amount, self._refused.get(key, amount))
            return
        for line in lines:
            self._refused.pop((tenant, line.account), None)

    def settle(
        self, tenant: str, hold: str, amounts: Sequence[int], changed: Callable[[], None] | None
    ) -> None:
        """Have a hold settled in the background; it outlives the turn."""
        try:
            task = asyncio.get_running_loop().create_task(
                self._settled(tenant, hold, amounts, changed)
            )
        except RuntimeError:  # the loop has ended: the hold is charged in full by its age
            _LOG.warning("hold %s was not settled: the process is ending", hold)
            return
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settled(
        self, tenant: str, hold: str, amounts: Sequence[int], changed: Callable[[], None] | None
    ) -> None:
        for wait_s in (*SETTLE_S, None):
            try:
                counters = await self._ledger.settle(tenant, hold, amounts)
            except StoreUnavailable as error:
                if wait_s is None:
                    _LOG.warning("hold %s will be charged in full: %s", hold, error)
                    return
                await asyncio.sleep(wait_s)
                continue
            self.learn(tenant, (counters or {}).items())
            if counters is not None and changed is not None:
                changed()
            return

    def capped(self, payer: Payer, now_s: float) -> list[tuple[Account, int]]:
        """A payer's accounts that have a cap, with it."""
        found = accounts(self.budgets, payer, now_s)
        return [(account, account.limit) for account in found if account.limit is not None]


class _Purse:
    """One turn's purse; see `streaming.purse.Purse`."""

    def __init__(
        self, treasury: Treasury, payer: Payer, gen: str, changed: Callable[[], None] | None
    ) -> None:
        self._treasury = treasury
        self._payer = payer
        self._gen = gen
        self._changed = changed
        self._sized: tuple[tuple[ChatMessage, ...], float] = ((), 0.0)

    async def reserve(self, provider: str, model: str, request: LlmRequest) -> Hold | None:
        treasury, payer = self._treasury, self._payer
        if provider == BUILTIN:
            return _Unpaid()
        tokens_in = treasury.ratios.upper(provider, model, self._by_bytes(request))
        micro_usd = self.price(provider, model, request)
        paid = accounts(treasury.budgets, payer, treasury.now_s())
        lines = [account.line(tokens_in + request.max_tokens, micro_usd) for account in paid]
        hold = treasury.hold_id(self._gen)
        granted = await treasury.reserve(payer.tenant, hold, lines)
        if self._changed is not None:
            self._changed()
        if not granted:
            return None
        by_bytes = self._by_bytes(request)
        return _Hold(treasury, payer.tenant, hold, paid, provider, model, by_bytes, self._changed)

    async def thrifty(self) -> bool:
        treasury, payer = self._treasury, self._payer
        capped = treasury.capped(payer, treasury.now_s())
        known = [treasury.counter(payer.tenant, account.key) for account, _ in capped]
        if None in known:
            if not await treasury.look_up(payer):
                return True
            known = [treasury.counter(payer.tenant, account.key) for account, _ in capped]
        limits = [limit for _, limit in capped]
        # A counter of a period that ended meanwhile is still unknown: the next one asks again.
        return any(
            counter is not None and counter.taken >= THRIFTY * limit
            for counter, limit in zip(known, limits, strict=True)
        )

    def price(self, provider: str, model: str, request: LlmRequest) -> int:
        treasury = self._treasury
        if provider == BUILTIN:
            return 0
        price = treasury.prices.of(provider, model) or treasury.prices.dearest
        tokens_in = treasury.ratios.upper(provider, model, self._by_bytes(request))
        return price.most(tokens_in, request.max_tokens)

    def _by_bytes(self, request: LlmRequest) -> float:
        # The router asks for each candidate with the same messages: they are counted once.
        if self._sized[0] is not request.messages:
            self._sized = (request.messages, by_bytes(request.messages))
        return self._sized[1]


class _Hold:
    """The reservation of one attempt; see `streaming.purse.Hold`."""

    def __init__(
        self,
        treasury: Treasury,
        tenant: str,
        hold: str,
        paid: Sequence[Account],
        provider: str,
        model: str,
        by_bytes: float,
        changed: Callable[[], None] | None,
    ) -> None:
        self._treasury = treasury
        self._tenant = tenant
        self._hold = hold
        self._paid = paid
        self._model = (provider, model)
        self._by_bytes = by_bytes
        self._changed = changed
        self._settled: Spent | None = None

    def settle(self, spent: Spent) -> Spent:
        if self._settled is not None:
            return self._settled
        treasury = self._treasury
        counted = Spent(
            _possible(spent.input),
            _possible(spent.output),
            _possible(spent.cached_in),
            _possible(spent.cache_write),
        )
        price = treasury.prices.of(*self._model)
        micro_usd = (price or treasury.prices.dearest).cost(counted)
        self._settled = replace(spent, micro_usd=None if price is None else micro_usd)
        treasury.spent_micro_usd += micro_usd
        treasury.ratios.learn(*self._model, self._by_bytes, spent)
        tokens = counted.input + counted.output
        amounts = [account.line(tokens, micro_usd).amount for account in self._paid]
        treasury.settle(self._tenant, self._hold, amounts, self._changed)
        return self._settled


class _Unpaid:
    """The hold of the built-in tutor, which costs nothing and is not counted."""

    def settle(self, spent: Spent) -> Spent:
        return replace(spent, micro_usd=0)


async def _timely(asked: Awaitable[T], limit_s: float) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await asked
    except TimeoutError:
        raise StoreUnavailable(f"the ledger did not answer in {limit_s} s") from None


def _possible(tokens: int) -> int:
    return min(max(tokens, 0), TOKENS_MOST)
