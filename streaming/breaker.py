"""A circuit breaker for one provider (Nygard 2007, "Release It!"). This file is its state.

Closed until 3 failures in a row, or until more than half of at least 10 calls in 30 s failed. Then
open for 5 s * 2^n, at most 60 s; after that one call is let through, and its outcome decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

ROW = 3
SHARE = 0.5
CALLS_FEWEST = 10
WINDOW_S = 30.0
OPEN_FIRST_S = 5.0
OPEN_CAP_S = 60.0
OPENINGS_MOST = 10
"""Openings beyond so many make the wait no longer."""

BreakerState = Literal["closed", "half_open", "open"]


class Breaker:
    """Whether a provider may be called now. `clock` gives seconds that never go back.

    A caller asks `allows`, takes a `permit`, and gives it back with one of `succeeded`, `failed`,
    `shut` or `gave_up`. Outcomes of calls begun before the state last changed count for nothing.
    `on_change` is called when a call of this process opened or closed it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.on_change: Callable[[], None] | None = None
        self._clock = clock
        self._era = 0
        self._in_a_row = 0.0
        self._recent: deque[tuple[float, float]] = deque()
        self._open_until_s: float | None = None
        self._openings = 0
        self._trying = False

    @property
    def open(self) -> bool:
        """True while no call at all is let through."""
        return self._open_until_s is not None and self._clock() < self._open_until_s

    @property
    def state(self) -> BreakerState:
        """The state's name; half open is one call at a time."""
        if self._open_until_s is None:
            return "closed"
        return "open" if self.open else "half_open"

    @property
    def opens_in_s(self) -> float:
        """Seconds until a call is let through; 0 where one is now."""
        return 0.0 if self._open_until_s is None else max(0.0, self._open_until_s - self._clock())

    @property
    def openings(self) -> int:
        """How often it has opened since it was last closed."""
        return self._openings

    def allows(self) -> bool:
        """Whether a call may begin now; half open it is one at a time."""
        return self._open_until_s is None or (not self.open and not self._trying)

    def permit(self) -> int:
        """Begin a call that `allows` allowed; returns what its outcome is told with."""
        if self._open_until_s is not None:
            self._trying = True
        return self._era

    def succeeded(self, permit: int) -> None:
        """The call gave a complete answer: closes a half-open breaker."""
        if permit != self._era:
            return
        if self._open_until_s is not None:
            self._close()
            self._tell()
        self._in_a_row = 0.0
        self._count(0.0)

    def failed(self, permit: int, weight: float = 1.0) -> None:
        """The call failed in a way that counts; `weight` below 1 is a doubt, no verdict.

        A doubt about the one call of a half-open breaker frees its place and decides nothing.
        """
        if permit != self._era:
            return
        half_open = self._open_until_s is not None
        if half_open and weight < 1.0:
            self._trying = False
            return
        self._in_a_row += weight
        self._count(weight)
        if half_open or self._in_a_row >= ROW or self._mostly_failing():
            self._open(min(OPEN_FIRST_S * 2**self._openings, OPEN_CAP_S))
            self._tell()

    def shut(self, permit: int, open_s: float) -> None:
        """The provider said when to come back, or that it will not answer for long."""
        if permit == self._era:
            self._open(open_s)
            self._tell()

    def gave_up(self, permit: int) -> None:
        """The call ended without a verdict: cancelled, or it was the request's own fault."""
        if permit == self._era:
            self._trying = False

    # --- what other processes saw -----------------------------------------------------------------

    def opened_elsewhere(self, open_s: float, openings: int) -> None:
        """Another process opened it for `open_s` more seconds; a longer wait of ours stays."""
        if open_s > self.opens_in_s:
            self._open(open_s)
            self._openings = max(1, min(openings, OPENINGS_MOST))

    def closed_elsewhere(self) -> None:
        """A try of another process succeeded: closes this one unless it has to wait still."""
        if self._open_until_s is not None and not self.open:
            self._close()

    # --- inside -----------------------------------------------------------------------------------

    def _count(self, weight: float) -> None:
        now_s = self._clock()
        self._recent.append((now_s, weight))
        while self._recent[0][0] < now_s - WINDOW_S:
            self._recent.popleft()

    def _mostly_failing(self) -> bool:
        failures = sum(weight for _, weight in self._recent)
        return len(self._recent) >= CALLS_FEWEST and failures > SHARE * len(self._recent)

    def _open(self, open_s: float) -> None:
        self._change()
        self._open_until_s = self._clock() + open_s
        self._openings = min(self._openings + 1, OPENINGS_MOST)
        self._in_a_row = 0.0

    def _close(self) -> None:
        self._change()
        self._open_until_s = None
        self._openings = 0
        self._recent.clear()
        self._in_a_row = 0.0

    def _change(self) -> None:
        self._era += 1
        self._trying = False

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()
