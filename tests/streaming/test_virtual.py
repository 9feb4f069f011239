"""The clock of the tests is itself tested. This file is its proof."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time

import pytest

from tests.virtual import WALL_START_MS, Deadlock, SteadyLoop, VirtualLoop, run, settled


async def test_a_long_sleep_takes_no_real_time(virtual: VirtualLoop) -> None:
    began = time.monotonic()
    await asyncio.sleep(86_400 * 30)
    assert virtual.time() == pytest.approx(86_400 * 30, abs=1e-6)
    assert virtual.wall_ms() == WALL_START_MS + 86_400_000 * 30
    assert time.monotonic() - began < 5


async def test_without_the_fixture_the_loop_is_one_on_real_time() -> None:
    assert isinstance(asyncio.get_running_loop(), SteadyLoop)


class Halting:
    """The monotonic clock of a machine that stands still."""

    def __init__(self) -> None:
        self.still_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.still_s


@pytest.mark.parametrize("where", ["waiting", "working"])
def test_a_machine_that_stands_still_is_no_peer_that_is_late(where: str) -> None:
    halting = Halting()
    ours, theirs = socket.socketpair()

    def stand_still() -> None:
        halting.still_s += 60.0
        theirs.send(b"in time")

    async def heard() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        if where == "waiting":
            threading.Timer(0.02, stand_still).start()
        else:
            loop.call_soon(stand_still)
        async with asyncio.timeout(1.0):
            data = await loop.sock_recv(ours, 16)
        return data, loop.time() - begun_s

    with ours, theirs, asyncio.Runner(loop_factory=lambda: SteadyLoop(halting)) as runner:
        ours.setblocking(False)
        data, passed_s = runner.run(heard())
    assert data == b"in time"
    assert passed_s < 1.0


async def test_a_limit_is_met_on_real_time() -> None:
    begun_s = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 0.1)
    assert time.monotonic() - begun_s >= 0.1


async def test_timers_fire_in_order_at_their_own_instants(virtual: VirtualLoop) -> None:
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, virtual.time()))

    for name, at_s in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("b2", 2.0)):
        virtual.call_at(at_s, note, name)
    await asyncio.sleep(4)
    assert seen == [("a", 1.0), ("b", 2.0), ("b2", 2.0), ("c", 3.0)]


async def test_the_wall_clock_counts_whole_milliseconds(virtual: VirtualLoop) -> None:
    for step in range(1, 50):
        await asyncio.sleep(0.001)
        assert virtual.wall_ms() == WALL_START_MS + step


async def test_timeouts_work(virtual: VirtualLoop) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await asyncio.Event().wait()
    assert virtual.time() == 10.0


def test_a_wait_that_cannot_end_is_told() -> None:
    with pytest.raises(Deadlock, match="wait for ever"):
        run(asyncio.Event().wait())


async def test_settled_runs_all_that_is_ready_and_moves_no_time(virtual: VirtualLoop) -> None:
    hops: list[int] = []

    def hop() -> None:
        hops.append(len(hops))
        if len(hops) < 100:
            virtual.call_soon(hop)

    virtual.call_later(0.001, hops.append, -1)
    virtual.call_soon(hop)
    await settled()
    assert hops == list(range(100))
    assert virtual.time() == 0.0


async def test_time_stands_still_while_a_thread_works(virtual: VirtualLoop) -> None:
    released = threading.Event()
    virtual.call_later(1.0, lambda: pytest.fail("time moved"))
    task = asyncio.create_task(asyncio.to_thread(released.wait, 5))
    virtual.call_soon(lambda: threading.Timer(0.01, released.set).start())
    assert await task
    assert virtual.time() == 0.0


async def test_a_callback_from_a_foreign_thread_is_waited_for(virtual: VirtualLoop) -> None:
    came = virtual.create_future()
    virtual.call_later(1.0, lambda: pytest.fail("time moved"))
    timer = threading.Timer(0.01, virtual.call_soon_threadsafe, (came.set_result, 7))
    with virtual.outside():
        timer.start()
        assert await came == 7
    timer.join()
    assert virtual.time() == 0.0


def test_run_returns_the_result_and_starts_at_zero_each_time() -> None:
    async def main() -> float:
        await asyncio.sleep(1.5)
        return asyncio.get_running_loop().time()

    assert [run(main()), run(main())] == [1.5, 1.5]


def test_a_task_begun_while_others_end_is_ended_with_the_loop(
    recwarn: pytest.WarningsRecorder,
) -> None:
    loop = VirtualLoop()
    begun: list[asyncio.Task[None]] = []

    async def at_the_end() -> None:
        loop.call_later(1.0, lambda: begun.append(loop.create_task(asyncio.sleep(9.0))))
        await asyncio.sleep(1.0)

    loop.run_until_complete(at_the_end())
    assert not begun[0].done()
    loop.close()
    assert begun[0].cancelled()
    begun.clear()
    gc.collect()
    assert not recwarn.list
