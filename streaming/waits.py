"""How long a provider makes learners wait, and how often it fails. This file is those statistics.

Both are kept for one process and forgotten with it: a provider's speed is a thing of minutes.
"""

from __future__ import annotations

from collections import deque

ALPHA = 0.3
"""Weight of the newest wait in the running mean."""
KEPT = 100
"""Newest waits of which the 95th percentile is taken."""
KNOWN = 20
"""With fewer waits than this the percentile is not known."""
RECENT_S = 300.0
_SLOTS = 30


class FirstTokens:
    """A provider's waits for the first text, in seconds.

    `mean_s` is exponentially weighted, None before the first wait.
    """

    __slots__ = ("_newest", "_p95_s", "mean_s", "measured_s")

    def __init__(self) -> None:
        self.mean_s: float | None = None
        self.measured_s = float("-inf")
        """When the last wait was told."""
        self._newest: deque[float] = deque(maxlen=KEPT)
        self._p95_s: float | None = None

    def heard(self, wait_s: float, now_s: float) -> None:
        """Text came after `wait_s`."""
        mean_s = self.mean_s
        self.mean_s = wait_s if mean_s is None else mean_s + ALPHA * (wait_s - mean_s)
        self._newest.append(wait_s)
        self._p95_s = None
        self.measured_s = now_s

    def in_vain(self, wait_s: float, now_s: float) -> None:
        """No text came for `wait_s`, then the call was given up.

        It is a lower bound and counts where it is longer than what was expected: without it a
        limit made of fast days would keep a provider that has become slower from being measured.
        """
        if self.mean_s is None or wait_s > self.mean_s:
            self.heard(wait_s, now_s)

    def p95_s(self) -> float | None:
        """The 95th percentile of the newest waits; None while fewer than `KNOWN` are known."""
        if len(self._newest) < KNOWN:
            return None
        if self._p95_s is None:
            ordered = sorted(self._newest)
            self._p95_s = ordered[-(-95 * len(ordered) // 100) - 1]
        return self._p95_s


class Share:
    """Which part of what happened in the last 5 minutes was of one kind; counted by 10 seconds."""

    __slots__ = ("_parts", "part", "whole")

    def __init__(self) -> None:
        self._parts: deque[tuple[int, list[float]]] = deque()
        self.whole = 0.0
        self.part = 0.0

    def count(self, now_s: float, whole: float, part: float) -> None:
        """Add to both sums."""
        self.forget(now_s)
        slot = int(now_s * _SLOTS / RECENT_S)
        if not self._parts or self._parts[-1][0] != slot:
            self._parts.append((slot, [0.0, 0.0]))
        sums = self._parts[-1][1]
        sums[0] += whole
        sums[1] += part
        self.whole += whole
        self.part += part

    def forget(self, now_s: float) -> None:
        """Take what is older than 5 minutes out of the sums."""
        oldest = int(now_s * _SLOTS / RECENT_S) - _SLOTS
        while self._parts and self._parts[0][0] <= oldest:
            whole, part = self._parts.popleft()[1]
            self.whole -= whole
            self.part -= part

    def at(self, now_s: float) -> float:
        """The share, 0 to 1; 0 where nothing happened."""
        self.forget(now_s)
        return self.part / self.whole if self.whole > 0 else 0.0
