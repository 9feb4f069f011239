"""What the router adds to a first text: which calls are counted, and what belongs to whom."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from streaming.overhead import Overhead, Stamps
from streaming.providers.attempt import Attempts
from streaming.providers.base import ChatMessage, End, LlmRequest, Piece, ProviderFailed, Text
from streaming.providers.builtin import Builtin
from streaming.routing import Routing
from tests.world import Scripted

ASKED = LlmRequest((ChatMessage("user", "Why?"),), 100, builtin_text="Look again.")


class Clock:
    """`time.perf_counter` that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "perf_counter", made)
    return made


class Slow:
    """A screen that lets the second piece go, with the first; it moves the clock."""

    caught: str | None = None

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: list[str] = []

    def push(self, text: str) -> str:
        self._clock.now_s += 0.001
        self._held.append(text)
        return "" if len(self._held) == 1 else "".join(self._held)

    def finish(self) -> str:
        return ""


class Upstream(Scripted):
    """Pieces through a task of their own, as every adapter has it."""

    def __init__(self, clock: Clock, *script: Piece | float | ProviderFailed) -> None:
        super().__init__(*script)
        self._clock = clock
        self._attempts = Attempts(first_token_s=9.0, stall_s=9.0)

    async def stream(self, request: LlmRequest) -> AsyncGenerator[Piece, None]:
        async for piece in self._attempts.watched(self._said(super().stream(request))):
            self._clock.now_s += 0.010  # between the adapter and the guards
            yield piece

    async def _said(self, pieces: AsyncIterator[Piece]) -> AsyncGenerator[Piece, None]:
        self._clock.now_s += 0.100  # the model thinks
        async for piece in pieces:
            yield piece


async def _heard(routing: Routing, clock: Clock) -> Overhead:
    stamps = Stamps(clock.now_s)
    clock.now_s += 0.002  # a plan
    async for piece in routing.stream(ASKED, screens=lambda: Slow(clock), stamps=stamps):
        if isinstance(piece, Text):
            clock.now_s += 0.004  # an append
    return routing.counts.overhead


async def test_each_part_of_the_way_is_told_apart(clock: Clock) -> None:
    upstream = Upstream(clock, Text("a"), Text("b"), End("stop"))
    overhead = await _heard(Routing([upstream, Builtin()]), clock)
    sums = {stage: round(w.sum_s, 6) for stage, w in overhead.stages.items()}
    # in: hand-over of the first piece, the guards on the second, the append. held: from the first
    # piece at the guards to the second.
    assert sums == {"out": 0.002, "in": 0.015, "both": 0.017, "held": 0.011}
    assert {w.count for w in overhead.stages.values()} == {1}


async def test_a_turn_that_began_with_a_failure_is_not_counted(clock: Clock) -> None:
    failing = Scripted(ProviderFailed("overloaded", "full"), name="failing")
    upstream = Upstream(clock, Text("a"), Text("b"), End("stop"))
    overhead = await _heard(Routing([failing, upstream, Builtin()]), clock)
    assert overhead.stages["both"].count == 0


async def test_the_built_in_tutor_is_no_model(clock: Clock) -> None:
    overhead = await _heard(Routing([Builtin(pace_words_a_s=0)]), clock)
    assert overhead.stages["both"].count == 0
