"""What one turn has asked, tried, said and spent. This file is the router's memory of a turn."""

from __future__ import annotations

from collections.abc import Callable

from streaming.candidates import Candidate
from streaming.overhead import Stamps
from streaming.providers.base import FailureKind, LlmRequest, Provider, Spent
from streaming.purse import Purse, Screen
from streaming.speaking import TurnLimits, summed


class Progress:
    """One turn on its way down the chain. Times are the loop's, in seconds."""

    __slots__ = (
        "_spent",
        "_told",
        "again",
        "allowed",
        "began_s",
        "builtin_only",
        "hedged",
        "homeless",
        "limits",
        "passed",
        "purse",
        "reason",
        "request",
        "restarts",
        "retried",
        "screens",
        "session",
        "spoke",
        "stamps",
        "thrifty",
        "tried",
    )

    def __init__(
        self,
        request: LlmRequest,
        began_s: float,
        limits: TurnLimits,
        *,
        purse: Purse | None,
        screens: Callable[[], Screen] | None,
        session: str,
        allowed: Callable[[Provider], bool] | None,
    ) -> None:
        self.request = request
        self.began_s = began_s
        self.limits = limits
        self.purse = purse
        self.screens = screens
        self.session = session
        self.allowed = allowed
        self.stamps: Stamps | None = None
        """Taken by the turn's first call of a model."""
        self.tried: set[Candidate] = set()
        self.passed: set[Candidate] = set()
        """Whose slots were all taken."""
        self.again: Candidate | None = None
        self.retried: set[tuple[Candidate, FailureKind]] = set()
        self.builtin_only = not request.messages
        self.hedged = False
        self.restarts = 0
        self.homeless = False
        """Whether an attempt of this turn failed."""
        self.spoke = False
        """Whether the learner was shown any text."""
        self.thrifty = False
        self.reason = "breaker" if request.messages else "mode"
        """Why somebody else speaks than was announced, or than spoke before."""
        self._spent = self._told = Spent(0, 0)

    @property
    def over_s(self) -> float:
        """When the turn's time is over."""
        return self.began_s + self.limits.turn_s

    @property
    def patience_s(self) -> float:
        """Until when something may be waited for: the first text, or the end of the turn."""
        return self.over_s if self.spoke else self.began_s + self.limits.first_token_s

    def pay(self, spent: Spent) -> None:
        """Add what an attempt spent. The price of the sum is unknown once one part's is."""
        self._spent = summed(self._spent, spent)

    def bill(self) -> Spent | None:
        """The sum, if it has not been told yet."""
        if self._spent == self._told:
            return None
        self._told = self._spent
        return self._spent
