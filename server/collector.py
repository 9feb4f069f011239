"""When Python's garbage collector may hold the loop. This file is that policy.

A full collection looks at every object that is alive: tens of milliseconds at thousands of
learners, and by itself Python runs one whenever the heap has grown by a quarter, so while a class
connects. Here young objects are collected often and cheaply; all of them every five minutes at the
soonest, in a quiet moment, and every half hour at the latest.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

YOUNG, MIDDLE, NEVER = 5_000, 10, 1_000_000
"""Thresholds of the three generations: objects, then collections; the oldest is ours to start."""
LOOK_S = 1.0
QUIET_SHARE = 0.05
"""A second in which the process used less of a core than this is quiet."""
QUIET_LOOKS = 3
SOONEST_S = 300.0
"""Even a quiet process is left alone for so long after a full collection."""
LONGEST_S = 1_800.0
"""A busy process waits no longer than this for its full collection."""


class Collector:
    """Starts full collections. `begin` takes the decision from Python, `stop` gives it back."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        cpu_s: Callable[[], float] = time.process_time,
        collect: Callable[[], object] = gc.collect,
    ) -> None:
        self._loop = loop
        self._cpu_s = cpu_s
        self._collect = collect
        self._timer: asyncio.TimerHandle | None = None
        self._before: tuple[int, int, int] | None = None
        self._seen_s = 0.0
        self._quiet = 0
        self._full_at_s = 0.0
        self._idle = False

    def begin(self) -> None:
        """Set the thresholds and look once a second."""
        self._before = gc.get_threshold()
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        self._full_at_s = self._loop.time()
        self._seen_s = self._cpu_s()
        self._timer = self._loop.call_later(LOOK_S, self._look)

    def stop(self) -> None:
        """Stop looking; Python decides again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._before is not None:
            gc.set_threshold(*self._before)
            self._before = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_S, self._look)
        used_s = self._cpu_s() - self._seen_s
        self._seen_s += used_s
        quiet = used_s < QUIET_SHARE * LOOK_S
        self._quiet = self._quiet + 1 if quiet else 0
        self._idle = self._idle and quiet
        if self._idle:  # nothing has happened since the last one
            return
        since_s = self._loop.time() - self._full_at_s
        overdue = since_s >= LONGEST_S
        if overdue or (self._quiet >= QUIET_LOOKS and since_s >= SOONEST_S):
            self._collect()
            self._full_at_s = self._loop.time()
            self._seen_s = self._cpu_s()
            self._quiet, self._idle = 0, not overdue
