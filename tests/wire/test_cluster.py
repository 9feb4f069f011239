"""Three nodes over one Redis, as processes: the network is cut, one is killed, one is drained.

The same learners and the same checker as in `tutorstream bench failover`, only fewer.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from bench.cluster import clustered
from bench.failover import Run, asked, ended, entered, environment, verdict_of
from bench.failover_client import Follower, ticking
from bench.upstream import Upstream

LEARNERS = 20
CUT_S = 1.0
LOST_MS = 15_000
"""A dead node's turns have ended after so long."""
DRAIN_S = 60.0


def status(follower: Follower, turn: int) -> str | None:
    """How this learner's turn ended."""
    generation = follower.replica.generation(follower.gen_of(f"ask.{follower.name}.{turn}"))
    return None if generation is None else generation.status


async def cut(run: Run) -> None:
    """All nodes lose Redis for a moment; half of the learners change their node before."""
    for follower in run.followers[::2]:
        follower.move()
    await asyncio.sleep(0.5)
    for node in run.cluster.nodes:
        node.cut()
    await asyncio.sleep(CUT_S)
    for node in run.cluster.nodes:
        node.mend()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_doubled_by_a_cut_a_kill_and_a_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)
    upstream = Upstream(12, 3.0)
    await upstream.start()
    try:
        settings = environment(upstream, LEARNERS)
        async with clustered(3, environment=settings, cuttable=True) as cluster:
            run = Run(cluster, LEARNERS, 1)
            ticks = asyncio.create_task(ticking(run.followers))
            try:
                await failed_thrice(run, upstream)
            finally:
                ticks.cancel()
                for follower in run.followers:
                    await follower.leave()
    finally:
        await upstream.stop()


async def failed_thrice(run: Run, upstream: Upstream) -> None:
    killed, drained, _ = run.cluster.nodes
    await entered(run.followers)
    await asked(run, 1, 0.3)
    await cut(run)
    for follower in run.followers[::3]:
        follower.answer()
    assert await ended(run, 1) == 0
    await asked(run, 2, 0.3)
    await asyncio.sleep(0.7)
    killed_at_ms = time.time_ns() // 1_000_000
    ending = asyncio.create_task(drained.drained(DRAIN_S))
    await killed.kill()
    assert await ended(run, 2) == 0
    assert await ending == 0, "the drained node ended in peace"
    verdict = await verdict_of(run, upstream)
    assert verdict.first() == {}
    assert verdict.resets == 0
    assert verdict.turns == 2 * LEARNERS
    ends = {status(follower, 2) for follower in run.followers}
    assert ends == {"completed", "lost"}, "some were killed, some were left to finish"
    lost = [at_ms for at_ms in verdict.lost_at_ms if at_ms >= killed_at_ms]
    assert lost
    assert max(lost) - killed_at_ms <= LOST_MS
