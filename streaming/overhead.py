"""What the router adds to a turn's first text, apart from what a model takes. This file is the
stamps of one turn and the histograms of all.

Stamps are `time.perf_counter()`, in seconds: a loop's own clock may stand still for a millisecond.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal

OVERHEAD_BOUNDS_S = (
    0.0001, 0.0002, 0.0003, 0.0005, 0.0007, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.006,
    0.008, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip
"""Upper bounds of the buckets, in seconds; one more bucket holds the rest."""

OverheadStage = Literal["out", "in", "both", "held"]
"""From acceptance to the SDK's call; from the SDK's first text to the log, without the guards'
hold-back; their sum; the hold-back."""


class Waits:
    """A histogram of waits in seconds; `buckets[n]` counts those up to `bounds_s[n]`.

    The buckets do not overlap; the last one has no bound.
    """

    __slots__ = ("bounds_s", "buckets", "count", "sum_s")

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self.bounds_s = bounds_s
        self.buckets = [0] * (len(bounds_s) + 1)
        self.count = 0
        self.sum_s = 0.0

    def record(self, wait_s: float) -> None:
        """Count one wait."""
        self.buckets[bisect_left(self.bounds_s, wait_s)] += 1
        self.count += 1
        self.sum_s += wait_s


class Overhead:
    """The histograms of one process, of turns whose first call of a model gave their first text."""

    __slots__ = ("stages",)

    def __init__(self) -> None:
        self.stages: dict[OverheadStage, Waits] = {
            stage: Waits(OVERHEAD_BOUNDS_S) for stage in ("out", "in", "both", "held")
        }

    def record(self, out_s: float, in_s: float, held_s: float) -> None:
        """Count one turn."""
        self.stages["out"].record(out_s)
        self.stages["in"].record(in_s)
        self.stages["both"].record(out_s + in_s)
        self.stages["held"].record(held_s)


class Stamps:
    """One turn on its way to its first text, by its first call of a model.

    `accepted_s` is when its question was taken. A call that fails or shows nothing is not counted.
    """

    __slots__ = ("_accepted_s", "_called_s", "_first_s", "_newest_s", "_text_s")

    def __init__(self, accepted_s: float) -> None:
        self._accepted_s = accepted_s
        self._called_s = self._text_s = self._first_s = self._newest_s = 0.0

    @property
    def made(self) -> bool:
        """Whether any call was made."""
        return self._called_s > 0.0

    def called(self) -> None:
        """The call begins; the newest word counts, as an adapter knows better than its caller."""
        self._called_s = time.perf_counter()

    def texted(self) -> None:
        """The SDK gave text; the first time counts."""
        self._text_s = self._text_s or time.perf_counter()

    def heard(self) -> None:
        """A piece reached the guards."""
        self._newest_s = time.perf_counter()
        self._first_s = self._first_s or self._newest_s

    def shown(self, overhead: Overhead) -> None:
        """The first text that the guards let go stands in the log."""
        shown_s = time.perf_counter()
        handed_s = self._first_s - (self._text_s or self._first_s)
        overhead.record(
            self._called_s - self._accepted_s,
            handed_s + shown_s - self._newest_s,
            self._newest_s - self._first_s,
        )


STAMPS: ContextVar[Stamps | None] = ContextVar("STAMPS", default=None)
"""Those of the turn whose call is being made: an adapter's own task stamps what only it sees."""
