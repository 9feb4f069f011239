"""Warm-up: one thread, a limit, late ones join, the cloud is not called."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.providers.base import ChatMessage, End, LlmRequest, Piece, ProviderFailed, Text
from streaming.providers.warmup import GREETING_S, SWITCH_S, WARM_S, warmed
from tests.virtual import VirtualLoop


class Slow:
    """A provider whose warm-up waits for leave, and which notes what is done with it."""

    first_token_s = 2.5
    model = "m"

    def __init__(
        self,
        name: str = "cloud",
        *,
        local: bool = False,
        error: Exception | None = None,
        silent: bool = False,
    ) -> None:
        self.name = name
        self.local = local
        self.ready = False
        self.leave = threading.Event()
        self.leave.set()
        self.asked: list[LlmRequest] = []
        self.threads: list[str] = []
        self._error = error
        self._silent = silent

    def warm(self) -> float:
        self.threads.append(threading.current_thread().name)
        assert self.leave.wait(30)
        if self._error is not None:
            raise self._error
        self.ready = True
        return 0.25

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        self.asked.append(request)
        if self._silent:
            raise ProviderFailed("connect", "nobody listens")
        yield Text("Yes")
        yield End("length")

    async def aclose(self) -> None: ...


async def test_all_are_warmed_in_one_thread_and_only_local_ones_are_asked(
    virtual: VirtualLoop,
) -> None:
    near, far, other = Slow("near", local=True), Slow("far"), Slow("other")
    with virtual.outside():
        late = await warmed([near, far, other])
    assert late == []
    assert near.threads == far.threads == other.threads == ["warm-up"]
    assert [len(p.asked) for p in (near, far, other)] == [1, 0, 0]
    assert near.asked[0].max_tokens == 1
    assert virtual.time() == 0


async def test_the_collector_rests_while_sdks_are_imported(virtual: VirtualLoop) -> None:
    seen: list[tuple[bool, float]] = []

    class Looking(Slow):
        def warm(self) -> float:
            seen.append((gc.isenabled(), sys.getswitchinterval()))
            return super().warm()

    before = (gc.isenabled(), sys.getswitchinterval())
    with virtual.outside():
        await warmed([Looking(error=TypeError("of another version")), Looking()])
    assert [collects for collects, _ in seen] == [False, False]
    assert [switch_s for _, switch_s in seen] == pytest.approx([SWITCH_S, SWITCH_S])
    assert (gc.isenabled(), sys.getswitchinterval()) == before


async def test_nothing_to_warm_starts_no_thread(virtual: VirtualLoop) -> None:
    before = threading.active_count()
    assert await warmed([]) == []
    assert threading.active_count() == before


async def test_the_limit_opens_the_server_and_the_late_one_joins(virtual: VirtualLoop) -> None:
    quick, slow = Slow("quick"), Slow("slow", local=True)
    slow.leave.clear()
    warming = asyncio.create_task(warmed([slow, quick]))
    await _until(virtual, lambda: bool(slow.threads))
    late = await warming
    assert virtual.time() == WARM_S == 10.0
    assert late == [slow]  # it came last, though it stands first in the chain
    assert quick.ready
    assert not slow.ready
    slow.leave.set()
    await _until(virtual, lambda: bool(slow.asked))
    assert slow.ready


async def test_one_that_fails_keeps_no_other_back(
    virtual: VirtualLoop, caplog: pytest.LogCaptureFixture
) -> None:
    absent = Slow("absent", error=ProviderFailed("unavailable", "no package absent"))
    broken = Slow("broken", error=TypeError("of another version"))
    silent = Slow("silent", local=True, silent=True)
    good = Slow("good")
    caplog.set_level(logging.WARNING)
    with virtual.outside():
        late = await warmed([absent, broken, silent, good])
    assert late == [absent, broken]
    assert good.ready
    assert silent.ready  # its server may come later: the router's breaker decides
    assert "absent is left out: unavailable: no package absent" in caplog.text
    assert "of another version" in caplog.text
    assert "silent did not answer yet: connect" in caplog.text


async def test_one_that_reads_ahead_is_given_the_lesson_and_the_server_opens_meanwhile(
    virtual: VirtualLoop,
) -> None:
    class Reading(Slow):
        async def read_ahead(self, request: LlmRequest) -> None:
            self.asked.append(request)
            await asyncio.sleep(16)
            read.append(virtual.time())

    read: list[float] = []
    lesson = LlmRequest((ChatMessage("system", "a policy"), ChatMessage("user", "Ready?")), 1)
    reading = Reading(local=True)
    warming = asyncio.create_task(warmed([reading], greeting=lesson))
    await _until(virtual, lambda: bool(reading.asked))
    assert await warming == []
    assert virtual.time() == WARM_S
    assert read == []
    await asyncio.sleep(GREETING_S)
    assert reading.asked == [lesson]
    assert read == [16.0]


async def test_a_local_model_that_never_answers_is_not_waited_for(virtual: VirtualLoop) -> None:
    class Hanging(Slow):
        async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
            self.asked.append(request)
            await virtual.create_future()
            yield Text("never")

    hanging = Hanging(local=True)
    warming = asyncio.create_task(warmed([hanging]))
    await _until(virtual, lambda: bool(hanging.asked))
    assert await warming == []
    assert virtual.time() == WARM_S
    assert hanging.ready
    assert GREETING_S > WARM_S


async def _until(loop: VirtualLoop, holds: Callable[[], bool]) -> None:
    """Wait for the thread, which knows no virtual time."""
    with loop.outside():
        while not holds():  # noqa: ASYNC110 - it is set by a thread
            await asyncio.sleep(0)
