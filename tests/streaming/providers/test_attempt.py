"""The watch over one upstream call, on virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from streaming.providers.attempt import Attempts
from streaming.providers.base import End, Piece, ProviderFailed, Spent, Text
from tests.virtual import run


def attempts() -> Attempts:
    return Attempts(first_token_s=2.0, stall_s=4.0, close_s=2.0)


async def heard(watch: Attempts, pieces: AsyncGenerator[Piece, None]) -> list[Piece]:
    return [piece async for piece in watch.watched(pieces)]


async def failure(watch: Attempts, pieces: AsyncGenerator[Piece, None]) -> tuple[str, int, float]:
    loop = asyncio.get_running_loop()
    with pytest.raises(ProviderFailed) as failed:
        await heard(watch, pieces)
    return failed.value.kind, failed.value.emitted, loop.time()


async def good() -> AsyncGenerator[Piece, None]:
    yield Text("a")
    await asyncio.sleep(3.9)
    yield Text("b")
    yield Spent(1, 2)
    yield End("stop")


async def silent() -> AsyncGenerator[Piece, None]:
    await asyncio.sleep(60)
    yield End("stop")


async def uncounted_waits() -> AsyncGenerator[Piece, None]:
    while True:
        await asyncio.sleep(0.5)
        yield Spent(1, 0)


async def stalling() -> AsyncGenerator[Piece, None]:
    yield Text("a")
    yield Text("b")
    await asyncio.sleep(60)
    yield End("stop")


async def endless() -> AsyncGenerator[Piece, None]:
    yield Text("a")


async def broken() -> AsyncGenerator[Piece, None]:
    yield Text("a")
    raise KeyError("a bug")


async def flooding() -> AsyncGenerator[Piece, None]:
    while True:
        yield Text("a")


async def stubborn() -> AsyncGenerator[Piece, None]:
    """Will not close at the first cancellation."""
    yield Text("a")
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(60)


def test_a_good_call_is_passed_through() -> None:
    pieces = run(heard(attempts(), good()))
    assert pieces == [Text("a"), Text("b"), Spent(1, 2), End("stop")]


def test_clocks_run_on_text_alone() -> None:
    assert run(failure(attempts(), silent())) == ("first_token", 0, 2.0)
    assert run(failure(attempts(), uncounted_waits())) == ("first_token", 0, 2.0)
    assert run(failure(attempts(), stalling())) == ("stall", 2, 4.0)


def test_a_slow_reader_is_no_stall() -> None:
    async def scenario() -> None:
        texts = 0
        async for piece in attempts().watched(good()):
            texts += isinstance(piece, Text)
            await asyncio.sleep(100)
        assert texts == 2

    run(scenario())


def test_no_end_is_truncated() -> None:
    assert run(failure(attempts(), endless()))[:2] == ("truncated", 1)


def test_a_bug_is_internal_and_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        assert run(failure(attempts(), broken()))[:2] == ("internal", 1)
    assert [bool(record.exc_info) for record in caplog.records] == [True]


def test_an_unread_flood_waits_for_its_reader() -> None:
    async def scenario() -> None:
        watch = attempts()
        pieces = watch.watched(flooding())
        assert await anext(pieces) == Text("a")
        await asyncio.sleep(1)
        await pieces.aclose()
        await asyncio.sleep(0.1)
        assert watch.open == 0

    run(scenario())


def test_nobody_waits_for_a_call_that_will_not_close_and_it_has_two_seconds() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        watch = attempts()
        task = asyncio.create_task(heard(watch, stubborn()))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert loop.time() == 1.0
        await asyncio.sleep(1.9)
        assert watch.open == 1
        await asyncio.sleep(0.2)
        assert watch.open == 0

    run(scenario())


def test_closing_ends_readers_with_cut() -> None:
    async def scenario() -> None:
        watch = attempts()
        task = asyncio.create_task(failure(watch, silent()))
        await asyncio.sleep(1)
        await watch.aclose()
        assert (await task)[:2] == ("cut", 0)
        assert watch.open == 0

    run(scenario())
