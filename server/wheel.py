"""One timer wheel for all connections of a process: hello limits, pings. This file is that wheel.

After Varghese and Lauck (1987), the simple wheel: a ring of slots, one loop timer for all, and
none while nothing waits. Times are coarse, to the tick; adding and cancelling cost a set entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timer:
    """One call that is due; `cancel` it at any time."""

    __slots__ = ("_slot", "_turns", "call")

    def __init__(self, call: Callable[[], None], turns: int, slot: set[Timer]) -> None:
        self.call = call
        self._turns = turns
        self._slot = slot

    def cancel(self) -> None:
        """Do not call any more."""
        self._slot.discard(self)

    def due(self) -> bool:
        """Whether its turn of the ring has come; counts down where not."""
        self._turns -= 1
        return self._turns < 0


class Wheel:
    """Calls back after a delay, at most one tick late, never early."""

    __slots__ = ("_at", "_loop", "_next", "_ring", "_tick_s")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, tick_s: float = 0.25, slots: int = 256
    ) -> None:
        self._loop = loop
        self._tick_s = tick_s
        self._ring: list[set[Timer]] = [set() for _ in range(slots)]
        self._at = 0
        self._next: asyncio.TimerHandle | None = None

    def after(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call `call` once, `delay_s` from now."""
        ticks = max(1, int(delay_s / self._tick_s) + 1)
        if self._next is None:
            self._next = self._loop.call_later(self._tick_s, self._tick)
        else:  # a part of the running tick is over already
            ticks += 1
        turns, steps = divmod(ticks - 1, len(self._ring))
        slot = self._ring[(self._at + steps) % len(self._ring)]
        timer = Timer(call, turns, slot)
        slot.add(timer)
        return timer

    def stop(self) -> None:
        """Call nobody any more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        for slot in self._ring:
            slot.clear()

    def _tick(self) -> None:
        slot = self._ring[self._at]
        self._at = (self._at + 1) % len(self._ring)
        self._next = self._loop.call_later(self._tick_s, self._tick)
        for timer in [timer for timer in slot if timer.due()]:
            if timer in slot:  # an earlier call may have cancelled it
                slot.discard(timer)
                timer.call()
        if not any(self._ring):
            self._next.cancel()
            self._next = None
