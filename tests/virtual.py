"""An event loop whose time jumps to the next timer. This file is the clock of every test.

Time moves only when nothing is ready: then it jumps to the next timer, so a minute of waiting
costs nothing and two runs see the same instants. A test in which nothing is ready and no timer is
set can never go on; the loop says so with `Deadlock` instead of hanging.

Three ways to use it:

* an async test that asks for the fixture runs on a virtual loop by itself::

      async def test_ping(virtual: VirtualLoop) -> None:
          await asyncio.sleep(20)
          assert virtual.time() == 20

* `run(coro)` from synchronous code, say inside a hypothesis example;
* `VirtualLoop()` by hand, say in a state machine, which then closes it.

Other async tests run on a `SteadyLoop`: real time, less what the machine stood still. Their limits
are of what is asked of a peer, and a machine that stops for a second is not a peer that is silent.

Real threads: while a future of `run_in_executor` (so also of `asyncio.to_thread`) is open, or
inside `with loop.outside():`, time stands still and the loop really waits for a callback from
outside. Stores are opened with `inline=True` on such a loop and need no thread at all.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple

import pytest

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WALL_START_MS = 1_750_000_000_000
"""The wall clock at loop time 0: 2025-06-15T15:06:40Z."""

OUTSIDE_S = 30.0
"""Real seconds the loop waits for a thread before it calls the test stuck."""


STILL_S = 0.05
"""Real seconds without a step of the loop for which the machine stood still, not the test."""


class Deadlock(RuntimeError):  # noqa: N818 - the literature's word
    """Nothing is ready, no timer is set and nothing outside is awaited: the test cannot go on."""


class JumpingSelector(selectors.DefaultSelector):
    """A selector that moves its clock on instead of waiting.

    `now_s` is the clock; `outside` counts what is awaited from real threads or processes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.outside = 0
        self.when_idle: list[Callable[[], None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; if nothing is, the clock has jumped by `timeout`."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.outside:
            ready = super().select(OUTSIDE_S)
            if not ready:
                raise Deadlock(f"nothing came from outside in {OUTSIDE_S:.0f} real seconds")
            return ready
        if self.when_idle:
            waiting, self.when_idle = self.when_idle, []
            for callback in waiting:
                callback()
            return ready
        if timeout is None:
            raise Deadlock("nothing is ready and no timer is set: this would wait for ever")
        self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time, in seconds from 0."""

    def __init__(self) -> None:
        self._clock = JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._clock.now_s

    def wall_ms(self) -> int:
        """Virtual milliseconds since 1970; moves with `time()`, starts at `WALL_START_MS`."""
        return WALL_START_MS + int(self._clock.now_s * 1000 + 1e-6)

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Call back once nothing is ready any more, before time moves on."""
        self._clock.when_idle.append(callback)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While open, time stands still and the loop really waits for what comes from outside."""
        self._clock.outside += 1
        try:
            yield
        finally:
            self._clock.outside -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """As of every loop; time stands still until the future is done."""
        future = super().run_in_executor(executor, func, *args)
        self._clock.outside += 1

        def came(_: asyncio.Future[T]) -> None:
            self._clock.outside -= 1

        future.add_done_callback(came)
        return future

    async def shutdown_default_executor(self, *timeout: float) -> None:
        """As of every loop; its threads are waited for really."""
        with self.outside():
            await super().shutdown_default_executor(*timeout)

    def close(self) -> None:
        """As of every loop; tasks that a timer began while others ended are cancelled first.

        Else each is a warning of asyncio's in whatever test the collector next runs in.
        """
        try:
            while not self.is_closed() and (tasks := asyncio.all_tasks(self)):
                for task in tasks:
                    task.cancel()
                self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        finally:
            super().close()


class SteadyLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on real time that does not count the time in which the machine stood still.

    On a loop of asyncio's own a machine that stands still for a second lets every limit of less
    pass at once, before what came meanwhile is read.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen_s = clock()
        self._still_s = 0.0
        super().__init__(SteadySelector(self))

    def time(self) -> float:
        """Seconds on the clock, less the time of all stand-stills."""
        return self.seen() - self._still_s

    def seen(self, meant_s: float = 0.0) -> float:
        """The clock, of which `meant_s` were to pass since the last look.

        If the machine stood still, half of them count: no timer is due before what came is read.
        """
        now_s = self._clock()
        passed_s = now_s - self._seen_s
        if passed_s > meant_s + STILL_S:
            self._still_s += passed_s - meant_s / 2
        self._seen_s = now_s
        return now_s


class SteadySelector(selectors.DefaultSelector):
    """A selector that tells its loop how long it meant to wait."""

    def __init__(self, loop: SteadyLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As of every selector."""
        self._loop.seen()
        ready = super().select(timeout)
        self._loop.seen(math.inf if timeout is None else timeout)
        return ready


async def settled() -> None:
    """Returns once everything that is ready, and all it made ready, has run; no time passes."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "settled() needs a virtual loop"
    done = loop.create_future()
    loop.when_idle(lambda: done.set_result(None))
    await done


def run(main: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, run to its end on a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


@pytest.fixture
async def virtual() -> VirtualLoop:
    """The virtual loop that the async test asking for this runs on; sync tests use `run`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "only async tests run on the virtual loop: use run()"
    return loop


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A virtual loop for tests that ask for `virtual`, a steady one for all others."""
    if "virtual" in getattr(item, "fixturenames", ()):
        return {"virtual": VirtualLoop}
    return {"steady": SteadyLoop}
