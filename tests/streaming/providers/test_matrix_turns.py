"""Every failure of every adapter as a learner meets it: a whole turn, from one voice, ended once.

The unmodified SDK talks to its fake; session, router, guards and the built-in tutor are the
server's own. One provider a column plays all rows, so that its client is built once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from protocol import commands as cmd
from protocol import events as ev
from protocol.limits import Limits as WireLimits
from streaming.providers.base import Provider
from streaming.routing import TurnLimits
from tests.fakes.adapters import COLUMNS, Column, Limits, Row, Upstream
from tests.fakes.wire import WORDS
from tests.streaming.providers.test_matrix import CANCELLED, PATIENCE_S, rows_of
from tests.world import Learner, World

SHORT = TurnLimits(
    first_token_s=4.0,
    attempt_first_s=(4.0, 4.0),
    stall_s=4.0,
    local_stall_s=4.0,
    retry_s=(0.0, 0.001),
)
"""The router's own clocks, shorter than those a provider is built with here."""
SKIPPED_S = 0.1
"""So much is skipped of a clock at each look, once only the clock is waited for."""
LONG = TurnLimits(
    first_token_s=PATIENCE_S,
    attempt_first_s=(PATIENCE_S, PATIENCE_S),
    retry_s=(0.0, 0.001),
)
"""The clocks of rows that fail by themselves: a slow machine is not to fail them first."""
WAITED_FOR = {"first_token", "stall"}
"""The failures that only a clock can tell."""
TEXT = "".join(WORDS)
CLOSED_S = 2.0


class Skipping:
    """The loop's clock, of which a part can be skipped: a slow machine has it all, none waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._real, self._skipped_s = loop.time, 0.0
        loop.time = self  # type: ignore[method-assign]

    def __call__(self) -> float:
        """The time now, in seconds."""
        return self._real() + self._skipped_s

    def skip(self, seconds: float) -> None:
        """Be so much later."""
        self._skipped_s += seconds


async def begun(provider: Provider, clocks: TurnLimits = LONG) -> tuple[World, Learner]:
    loop = asyncio.get_running_loop()
    loop.wall_ms = lambda: time.time_ns() // 1_000_000  # type: ignore[attr-defined]  # as the virtual loop has it
    world = await World.begin(
        provider,
        turn_limits=clocks,
        limits=WireLimits(turns_a_min=10_000),
        pace_words_a_s=0,
    )
    learner = await world.learner()
    learner.transmit(cmd.LessonStart("lesson", seed=1))
    return world, learner


async def heard_to_the_end(learner: Learner, look: Callable[[], None] = lambda: None) -> None:
    """Hear until the turn has ended, and a moment longer."""
    until_s = time.monotonic() + PATIENCE_S
    while not learner.of(ev.TurnDone):
        assert time.monotonic() < until_s, learner.heard[-3:]
        await asyncio.sleep(0.002)
        look()
        learner.pump()
    await asyncio.sleep(0)
    learner.pump()


def wire_of(learner: Learner, gen: str) -> list[Any]:
    """What was heard of one generation, in order."""
    return [event for event in learner.heard if getattr(event, "gen", None) == gen]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
async def test_every_row_is_one_turn_of_one_voice(column: Column) -> None:
    rows = {name: row for name, row in rows_of(column).items() if not row.where}
    async with column.upstream() as upstream:
        provider = column.built(upstream.base_url, "ok", Limits())
        await asyncio.to_thread(provider.warm)
        clock = Skipping(asyncio.get_running_loop())
        try:
            for scenario, row in rows.items():
                provider.model = scenario
                asked = len(upstream.calls)
                await one_turn(provider, row, scenario, (upstream, clock))
                calls = row.requests * (2 if row.kind == "connect" else 1)
                assert len(upstream.calls) - asked == calls, scenario
        finally:
            await provider.aclose()


async def one_turn(
    provider: Provider, row: Row, scenario: str, ground: tuple[Upstream, Skipping]
) -> None:
    upstream, clock = ground
    world, learner = await begun(provider, SHORT if row.kind in WAITED_FOR else LONG)
    counts = world.ownership.ground.routing.counts
    asked = len(upstream.calls)

    def look() -> None:
        """Skip time once the upstream has said all it will say, and nothing is told of it yet."""
        written = len(upstream.calls) > asked and upstream.calls[-1].writing.is_set()
        said = counts.ttft if row.kind == "stall" else written
        if row.kind in WAITED_FOR and said and not counts.failures:
            clock.skip(SKIPPED_S)

    learner.transmit(cmd.TurnStart("t", "Why is that so?"))
    await heard_to_the_end(learner, look)
    kinds = {kind for _, kind in counts.failures}
    wire = wire_of(learner, "g1")
    done = wire[-1]
    assert isinstance(done, ev.TurnDone), scenario
    assert [type(event) for event in wire].count(ev.TurnDone) == 1, scenario
    assert "internal" not in kinds, scenario
    shown = learner.replica.text("g1")
    restarts = [(e.provider, e.reason) for e in wire if isinstance(e, ev.TurnRestarted)]
    if row.end:
        assert (shown, restarts, kinds) == (TEXT, [], set()), scenario
        assert done.status == ("completed" if row.end == "stop" else "incomplete"), scenario
        assert done.usage is not None, scenario
    else:
        assert kinds == {row.kind}, scenario
        assert restarts == [("builtin", row.kind)], scenario
        assert shown, scenario
        assert "".join(WORDS[:2]) not in shown, f"{scenario}: two voices"
        assert done.status == "completed", scenario
    world.kill()


@pytest.mark.parametrize(("column", "scenario"), CANCELLED)
async def test_a_learners_stop_reaches_the_upstream(column: Column, scenario: str) -> None:
    loop = asyncio.get_running_loop()
    async with column.upstream() as upstream:
        provider = column.built(upstream.base_url, scenario, Limits())
        await asyncio.to_thread(provider.warm)
        _, learner = await begun(provider)
        try:
            learner.transmit(cmd.TurnStart("t", "Why is that so?"))
            await asyncio.wait_for(upstream.called.wait(), PATIENCE_S)
            (call,) = upstream.calls
            await asyncio.wait_for(call.writing.wait(), PATIENCE_S)
            stopped_s = loop.time()
            learner.transmit(cmd.TurnCancel("stop", cmd="t"))
            await heard_to_the_end(learner)
            assert learner.of(ev.TurnDone)[0].status == "cancelled"
            await asyncio.wait_for(call.left.wait(), PATIENCE_S)
            assert call.left_s is not None
            assert call.left_s - stopped_s <= CLOSED_S
            learner.pump()
            assert isinstance(wire_of(learner, "g1")[-1], ev.TurnDone), "nothing follows the end"
        finally:
            await provider.aclose()
