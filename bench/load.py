"""When each arrival is due, and a timer that keeps to it. This file is the open loop.

Arrivals follow a schedule made beforehand and wait for no reply; a latency is counted from the time
an arrival was due, so a server that stalls is charged for everybody who had to wait (no coordinated
omission). Event loops round timers up to a millisecond; on Linux a timerfd is exact.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import sys
import time
from collections.abc import Callable, Sequence

CLOCK_MONOTONIC, TFD_NONBLOCK, TFD_CLOEXEC, ABSOLUTE = 1, 0o4000, 0o2000000, 1
SETTLE_S = 5.0
"""How long late replies are waited for."""


def poisson(rate: float, duration_s: float, dice: random.Random) -> list[float]:
    """Times in [0, duration_s) of a Poisson process, ascending, in seconds."""
    times: list[float] = []
    at_s = dice.expovariate(rate)
    while at_s < duration_s:
        times.append(at_s)
        at_s += dice.expovariate(rate)
    return times


def constant(rate: float, duration_s: float) -> list[float]:
    """Times in [0, duration_s) at equal distances.

    >>> constant(4.0, 1.0)
    [0.0, 0.25, 0.5, 0.75]
    """
    return [n / rate for n in range(int(duration_s * rate))]


class _Time(ctypes.Structure):
    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("at_s", ctypes.c_long),
        ("at_ns", ctypes.c_long),
    )


class Alarm:
    """Calls back at absolute times of `time.monotonic()`, one at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._file = -1
        self._call: asyncio.TimerHandle | None = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._file = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
        if self._file >= 0:
            loop.add_reader(self._file, self._rang)

    def set(self, at_s: float) -> None:
        """Ring at this time; at once if it is past."""
        if self._file < 0:
            self._call = self._loop.call_later(at_s - time.monotonic(), self._ring)
            return
        whole = int(at_s)
        due = _Time(0, 0, whole, max(1, int((at_s - whole) * 1e9)))
        if self._libc.timerfd_settime(self._file, ABSOLUTE, ctypes.byref(due), None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Ring no more."""
        if self._call is not None:
            self._call.cancel()
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _rang(self) -> None:
        os.read(self._file, 8)
        self._ring()


async def played(times: Sequence[float], act: Callable[[int, float], None]) -> float:
    """Call `act(n, due_s)` for each time in turn; returns the start on `time.monotonic()`."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    start_s = time.monotonic() + 0.02
    at = 0

    def ring() -> None:
        nonlocal at
        try:
            while at < len(times):
                due_s = start_s + times[at]
                if due_s > time.monotonic():
                    alarm.set(due_s)
                    return
                at += 1
                act(at - 1, due_s)
        except Exception as error:  # noqa: BLE001 - goes to who awaits the schedule
            if not over.done():
                over.set_exception(error)
            return
        if not over.done():
            over.set_result(None)

    alarm = Alarm(loop, ring)
    try:
        alarm.set(start_s)
        await over
    finally:
        alarm.close()
    return start_s


async def settled(pending: Callable[[], int], patience_s: float = SETTLE_S) -> int:
    """Wait until nothing is pending; what still is after `patience_s`."""
    until_s = time.monotonic() + patience_s
    while pending() and time.monotonic() < until_s:  # noqa: ASYNC110 - no arrival is known to come
        await asyncio.sleep(0.01)
    return pending()
