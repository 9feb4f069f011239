"""How much may be spent, by whom and in which time. This file is the table of budgets.

Each budget counts tokens or micro-USD of one payer in one UTC day or month, under a name the wire
tells in `rate`. Every attempt has a line in each budget of its payer, in the order of `BUDGETS`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from streaming.ledger import Line
from streaming.purse import Payer

MICRO = 1_000_000
"""Micro-USD in a USD."""
DEFAULT_DAY_MICRO_USD = 5 * MICRO
"""A tenant's cap for a day where a provider costs money and the operator set no cap."""

Unit = Literal["tokens", "micro_usd"]


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The caps; None is no cap, 0 is no call at all, also none that costs nothing.

    Raises ValueError for a negative cap.
    """

    learner_day_tokens: int | None = 150_000
    room_day_tokens: int | None = 300_000
    tenant_day_tokens: int | None = None
    tenant_month_tokens: int | None = None
    tenant_day_micro_usd: int | None = None
    tenant_month_micro_usd: int | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            cap = getattr(self, name)
            if cap is not None and cap < 0:
                raise ValueError(f"budget {name}: expected a cap >= 0 or none, got {cap}")


class Budget(NamedTuple):
    """A row of the table; `field` is its cap in `Budgets`."""

    name: str
    field: str
    scope: Literal["learner", "room", "tenant"]
    period: Literal["day", "month"]
    unit: Unit


BUDGETS = (
    Budget("tutor.learner.day", "learner_day_tokens", "learner", "day", "tokens"),
    Budget("tutor.room.day", "room_day_tokens", "room", "day", "tokens"),
    Budget("tutor.tenant.day", "tenant_day_tokens", "tenant", "day", "tokens"),
    Budget("tutor.tenant.month", "tenant_month_tokens", "tenant", "month", "tokens"),
    Budget("tutor.tenant.usd.day", "tenant_day_micro_usd", "tenant", "day", "micro_usd"),
    Budget("tutor.tenant.usd.month", "tenant_month_micro_usd", "tenant", "month", "micro_usd"),
)


class Account(NamedTuple):
    """One budget of one payer in one period; `key` names its counter in the ledger."""

    budget: Budget
    key: str
    limit: int | None
    ends_s: int

    def line(self, tokens: int, micro_usd: int) -> Line:
        """The account's share of an attempt."""
        amount = tokens if self.budget.unit == "tokens" else micro_usd
        return Line(self.key, self.ends_s, amount, self.limit)


def accounts(budgets: Budgets, payer: Payer, now_s: float) -> tuple[Account, ...]:
    """The accounts of a payer at a time; a room's turn is charged to the room, not to the learner.

    Accounts without a cap are among them: they count too.
    """
    who = {"room": payer.room, "learner": None if payer.room else payer.learner}
    periods = {"day": _day(now_s), "month": _month(now_s)}
    found = []
    for budget in BUDGETS:
        stamp, ends_s = periods[budget.period]
        key = f"{budget.name.removeprefix('tutor.')}.{stamp}"
        if budget.scope != "tenant":
            if not who[budget.scope]:
                continue
            key = f"{key}:{who[budget.scope]}"
        found.append(Account(budget, key, getattr(budgets, budget.field), ends_s))
    return tuple(found)


def _day(now_s: float) -> tuple[str, int]:
    """The UTC day's name and end."""
    now = datetime.datetime.fromtimestamp(now_s, tz=datetime.UTC)
    return f"{now:%Y-%m-%d}", (int(now_s) // 86_400 + 1) * 86_400


def _month(now_s: float) -> tuple[str, int]:
    """The UTC month's name and end."""
    now = datetime.datetime.fromtimestamp(now_s, tz=datetime.UTC)
    later = (now.replace(day=1) + datetime.timedelta(days=31)).replace(day=1)
    end = later.replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{now:%Y-%m}", int(end.timestamp())


def capped(budgets: Budgets, paid: Sequence[str]) -> tuple[Budgets, str]:
    """The budgets a server starts with, and what its start-up text says of money.

    `paid` names the configured providers whose calls cost money. With any and no cap on money the
    tenant's day gets `DEFAULT_DAY_MICRO_USD`. The text is empty where nothing can be spent.
    """
    if not paid:
        return budgets, ""
    who = ", ".join(dict.fromkeys(paid))
    day, month = budgets.tenant_day_micro_usd, budgets.tenant_month_micro_usd
    if day is None and month is None:
        told = (
            f"{who} costs money and no cap is set: at most {_usd(DEFAULT_DAY_MICRO_USD)} a day "
            "is spent (budget.tenant_day_usd changes it)"
        )
        return replace(budgets, tenant_day_micro_usd=DEFAULT_DAY_MICRO_USD), told
    caps = [(day, "a day"), (month, "a month")]
    most = " and ".join(f"{_usd(cap)} {period}" for cap, period in caps if cap is not None)
    return budgets, f"{who} costs money: at most {most} is spent"


def _usd(micro_usd: int) -> str:
    return f"{micro_usd / MICRO:.2f} USD"
