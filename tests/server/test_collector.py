"""Full collections come when nobody waits, not often, and not later than half an hour."""

from __future__ import annotations

import asyncio
import gc

from server.collector import LONGEST_S, MIDDLE, NEVER, QUIET_LOOKS, SOONEST_S, YOUNG, Collector
from tests.virtual import VirtualLoop, run


class Process:
    """A process whose use of the core is set by the test."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.share = 0.0
        self.used_s = 0.0
        self.at_s = 0.0
        self.full: list[float] = []

    def cpu_s(self) -> float:
        now_s = self.loop.time()
        self.used_s += self.share * (now_s - self.at_s)
        self.at_s = now_s
        return self.used_s

    def collect(self) -> None:
        self.full.append(self.loop.time())


def begun() -> tuple[Process, Collector]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    process = Process(loop)
    collector = Collector(loop, cpu_s=process.cpu_s, collect=process.collect)
    collector.begin()
    return process, collector


def test_a_quiet_process_collects_once_and_again_after_work() -> None:
    async def main() -> None:
        process, collector = begun()
        await asyncio.sleep(3 * SOONEST_S)
        assert process.full == [SOONEST_S]
        process.share = 0.5
        await asyncio.sleep(60)
        assert len(process.full) == 1
        process.share = 0.0
        await asyncio.sleep(QUIET_LOOKS + 2)
        assert len(process.full) == 2
        collector.stop()

    run(main())


def test_a_busy_process_collects_every_half_hour() -> None:
    async def main() -> None:
        process, collector = begun()
        process.share = 0.9
        await asyncio.sleep(3 * LONGEST_S + 5)
        assert process.full == [LONGEST_S, 2 * LONGEST_S, 3 * LONGEST_S]
        collector.stop()

    run(main())


def test_python_decides_again_after_the_stop() -> None:
    async def main() -> None:
        before = gc.get_threshold()
        _, collector = begun()
        assert gc.get_threshold() == (YOUNG, MIDDLE, NEVER)
        collector.stop()
        collector.stop()
        assert gc.get_threshold() == before

    run(main())
