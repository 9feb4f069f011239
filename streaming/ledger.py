"""What budgets have left: set aside first, charged once. This file is the ledger's promise.

A budget is a counter with a name for its period (a UTC day or month), so a new period begins with
a new counter. A twin keeps these promises:

* `reserve` takes all lines or none, checked in their order: `used + reserved + amount` may reach
  a line's limit and not pass it; a limit of 0 refuses whatever the amount. Racing reservations are
  in some order.
* A hold that is known is not taken twice, so a call may be sent again. Hold ids are not used again.
* `settle` charges once: the reservation is given back and what was used is added, be it more or
  less. A hold that is not known (settled, or charged in full) changes nothing.
* A hold that is not settled `HOLD_S` after its reservation is charged in full by the tenant's next
  `reserve`, `spent` or `sweep`: its process has died. A settling that comes before is still good.
* Counters survive the death of the process. They may be forgotten `KEPT_S` after their period.

`now_s` is the wall clock, seconds since 1970; the clocks of several nodes agree to seconds. All
calls raise `StoreUnavailable` where the counters cannot be reached: nothing may be spent then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

HOLD_S = 90.0
"""After so many seconds without a settling a hold is charged in full; a turn lasts 30."""
KEPT_S = 2 * 86_400
"""So long a counter outlives its period, in seconds."""


class Counter(NamedTuple):
    """One budget's state; `reserved` is set aside for attempts that still run."""

    used: int
    reserved: int

    @property
    def taken(self) -> int:
        """What no new reservation may have."""
        return self.used + self.reserved


class Line(msgspec.Struct, frozen=True, gc=False):
    """One budget's share of a hold.

    `ends_s` is when the counter's period is over; a `limit` of None counts without a cap.
    Raises ValueError for a negative amount.
    """

    account: str
    ends_s: int
    amount: int
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"account {self.account}: expected an amount >= 0, got {self.amount}")

    def fits(self, counter: Counter) -> bool:
        """Whether the counter has room for this line."""
        if self.limit is None:
            return True
        return self.limit > 0 and counter.taken + self.amount <= self.limit


class Reserved(NamedTuple):
    """The answer to a reservation: the first line that found no room, the counters afterwards."""

    refused: int | None
    counters: tuple[Counter, ...]


class Ledger(Protocol):
    """The counters and holds of all tenants."""

    async def reserve(
        self, tenant: str, hold: str, lines: Sequence[Line], *, now_s: float
    ) -> Reserved:
        """Set all lines aside under `hold`, or none.

        Raises ValueError for no lines, an account that stands twice, a tenant without a name.
        """
        ...

    async def settle(
        self, tenant: str, hold: str, amounts: Sequence[int]
    ) -> dict[str, Counter] | None:
        """Charge what was used, in the order of the hold's lines; lines beyond are charged in full.

        Returns the counters by account, or None where the hold is not known.
        """
        ...

    async def spent(
        self, tenant: str, accounts: Sequence[str], *, now_s: float
    ) -> tuple[Counter, ...]:
        """The counters; 0 and 0 where nothing was ever counted."""
        ...

    async def sweep(self, tenant: str, *, now_s: float) -> int:
        """Charge dead holds in full, as a starting process does; returns how many there were."""
        ...


def checked(tenant: str, lines: Sequence[Line]) -> None:
    """Raises ValueError for what no twin can reserve."""
    if not tenant:
        raise ValueError("expected a tenant's name, got an empty one")
    accounts = [line.account for line in lines]
    if not accounts or len(set(accounts)) < len(accounts):
        raise ValueError(f"expected lines of different accounts, got {accounts}")
