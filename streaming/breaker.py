"""A circuit breaker for one provider (Nygard 2007, "Release It!"). This file is its state.

Closed until 3 failures in a row, or until more than half of at least 10 calls in 30 s failed. Then
open for 5 s * 2^n, at most 60 s; after that one call is let through, and its outcome decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

ROW = 3
SHARE = 0.5
CALLS_FEWEST = 10
WINDOW_S = 30.0
OPEN_FIRST_S = 5.0
OPEN_CAP_S = 60.0


class Breaker:
    """Whether a provider may be called now. `clock` gives seconds that never go back.

    A caller asks `allows`, takes a `permit`, and gives it back with one of `succeeded`, `failed`,
    `shut` or `gave_up`. Outcomes of calls begun before the state last changed count for nothing.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._era = 0
        self._in_a_row = 0
        self._recent: deque[tuple[float, bool]] = deque()
        self._open_until_s: float | None = None
        self._openings = 0
        self._trying = False

    @property
    def open(self) -> bool:
        """True while no call at all is let through."""
        return self._open_until_s is not None and self._clock() < self._open_until_s

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
            self._change()
            self._open_until_s = None
            self._openings = 0
            self._recent.clear()
        self._in_a_row = 0
        self._count(failed=False)

    def failed(self, permit: int) -> None:
        """The call failed in a way that counts."""
        if permit != self._era:
            return
        self._in_a_row += 1
        self._count(failed=True)
        if self._open_until_s is not None or self._in_a_row >= ROW or self._mostly_failing():
            self._open(min(OPEN_FIRST_S * 2**self._openings, OPEN_CAP_S))

    def shut(self, permit: int, open_s: float) -> None:
        """The provider said when to come back, or that it will not answer for long."""
        if permit == self._era:
            self._open(open_s)

    def gave_up(self, permit: int) -> None:
        """The call ended without a verdict: cancelled, or it was the request's own fault."""
        if permit == self._era:
            self._trying = False

    def _count(self, *, failed: bool) -> None:
        now_s = self._clock()
        self._recent.append((now_s, failed))
        while self._recent[0][0] < now_s - WINDOW_S:
            self._recent.popleft()

    def _mostly_failing(self) -> bool:
        failures = sum(failed for _, failed in self._recent)
        return len(self._recent) >= CALLS_FEWEST and failures > SHARE * len(self._recent)

    def _open(self, open_s: float) -> None:
        self._change()
        self._open_until_s = self._clock() + open_s
        self._openings = min(self._openings + 1, 10)
        self._in_a_row = 0

    def _change(self) -> None:
        self._era += 1
        self._trying = False
