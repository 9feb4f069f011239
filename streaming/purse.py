"""What a turn may spend, as the router asks for it. This file is that contract.

An attempt is reserved before its provider is called and settled once when it has ended, however
it ended. The ledger behind it (`streaming/ledger.py`) keeps the budgets' counters.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from streaming.providers.base import LlmRequest, Spent


class Payer(msgspec.Struct, frozen=True, gc=False):
    """Whose budgets a turn is charged to; `room` where a room asked."""

    learner: str
    tenant: str = "default"
    room: str | None = None


class Hold(Protocol):
    """The reservation of one attempt."""

    def settle(self, spent: Spent) -> Spent:
        """Charge what was really used, once; later calls change nothing.

        Returns `spent` with its `micro_usd`. Never waits and never raises.
        """
        ...


class Purse(Protocol):
    """The budgets of one turn's payers. A local or built-in provider costs no money."""

    async def reserve(self, provider: str, model: str, request: LlmRequest) -> Hold | None:
        """Set the most an attempt may use aside in all budgets, or None where one has too little.

        With no store to ask it is None: nothing is spent that cannot be counted.
        """
        ...

    async def thrifty(self) -> bool:
        """Whether a budget is used by 80 % or more: the cheapest model, a short answer, no hedge.

        Costs no store round trip where the answer is known to this process.
        """
        ...

    def price(self, provider: str, model: str, request: LlmRequest) -> int:
        """What one attempt may cost at most, in micro-USD; an unknown price is the dearest one."""
        ...


class Screen(Protocol):
    """What stands between an attempt's text and the learner: incremental, one for each attempt.

    What is shown is the same for every way a text is cut into pieces. Once `caught` is set nothing
    more is shown, and nothing of what was caught has been.
    """

    @property
    def caught(self) -> str | None:
        """Why the attempt must end: `guard.answer` or `guard.maths`."""
        ...

    def push(self, text: str) -> str:
        """Take a piece; returns what may be shown now, perhaps nothing."""
        ...

    def finish(self) -> str:
        """The answer is complete; returns what was held back and may be shown."""
        ...
