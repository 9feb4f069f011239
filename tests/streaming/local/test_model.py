"""The owner of a local model's process: it starts, starts again, waits longer, gives up, ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable

import pytest

from streaming.local.model import AGAIN_S, STEADY_S, Lived, LocalModel
from streaming.local.weights import Weights
from streaming.providers.base import ChatMessage, End, LlmRequest, Piece, ProviderFailed, Text

WEIGHTS = Weights("m.gguf", "m")
REQUEST = LlmRequest((ChatMessage("user", "Ready?"),), 1)


class Life:
    """A process as a test wants it: it lives until told to end, or fails at once."""

    key = "k"

    def __init__(self, failure: ProviderFailed | None = None) -> None:
        self.url = "http://127.0.0.1:9/v1"
        self.over = threading.Event()
        self.stopped = False
        self.seen: list[Weights] = []
        self._failure = failure

    def ready(self, weights: Weights) -> str:
        self.seen.append(weights)
        if self._failure is not None:
            raise self._failure
        return "d" * 64

    def ended(self) -> int:
        assert self.over.wait(30)
        return -9

    def stop(self) -> None:
        self.stopped = True
        self.over.set()


class World:
    """Lives in a row, a clock that moves by pauses only, and the pauses that were asked for."""

    def __init__(self, *lives: Life) -> None:
        self.lives = list(lives)
        self.now_s = 0.0
        self.pauses: list[float] = []
        self.asleep = threading.Semaphore(0)
        self.wake = threading.Semaphore(0)
        self.closing = False

    def begin(self, _: Weights) -> Lived:
        return self.lives[min(len(self.pauses), len(self.lives) - 1)]

    def pause(self, wait_s: float) -> bool:
        self.pauses.append(wait_s)
        self.asleep.release()
        assert self.wake.acquire(timeout=30)
        self.now_s += wait_s
        return self.closing

    def model(self) -> LocalModel:
        return LocalModel(WEIGHTS, begin=self.begin, now_s=lambda: self.now_s, pause=self.pause)

    async def close(self, model: LocalModel) -> None:
        self.closing = True
        self.wake.release()
        await model.aclose()


def failing(kind: str = "connect") -> Life:
    return Life(ProviderFailed(kind, "as asked"))  # type: ignore[arg-type]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - it is set by a thread
            await asyncio.sleep(0.001)


async def test_it_is_ready_while_its_process_lives() -> None:
    life = Life()
    world = World(life)
    model = world.model()
    assert (model.name, model.model, model.local, model.ready) == ("local", "m", True, False)
    assert model.first_token_s == 8.0
    assert await asyncio.to_thread(model.warm) > 0
    assert model.ready
    assert await asyncio.to_thread(model.warm) >= 0  # twice is no second process
    assert model.starts == 1
    await world.close(model)
    assert life.stopped
    assert not model.ready


class Answers(LocalModel):
    """One whose process answers as a test says: `None` is a wait that was over."""

    def __init__(self, *answers: str | None) -> None:
        super().__init__(WEIGHTS)
        self.answers = list(answers)
        self.asked: list[LlmRequest] = []
        self.go_on = asyncio.Event()

    async def _pieces(self, request: LlmRequest) -> AsyncGenerator[Piece, None]:
        self.asked.append(request)
        await self.go_on.wait()
        answer = self.answers.pop(0)
        if answer is None:
            raise ProviderFailed("first_token", "no text for 8 s")
        if not answer:
            raise ProviderFailed("cut", "the process died")
        yield Text(answer)
        yield End("stop")


async def first_of(model: LocalModel) -> Piece:
    return await anext(aiter(model.stream(REQUEST)))


LESSON = LlmRequest((ChatMessage("system", "policy"), ChatMessage("user", "Ready?")), 1)


async def test_a_turn_waits_for_what_is_read_ahead_and_a_reading_goes_on() -> None:
    model = Answers(None, None, "Y", "Hello")
    reading = asyncio.create_task(model.read_ahead(LESSON))
    await asyncio.sleep(0)
    turn = asyncio.create_task(first_of(model))
    for _ in range(5):
        await asyncio.sleep(0)
    assert model.asked == [LESSON]
    model.go_on.set()
    assert await turn == Text("Hello")
    assert model.asked == [LESSON, LESSON, LESSON, REQUEST]
    await reading


async def test_a_reading_that_fails_or_ends_lets_the_turn_go_on() -> None:
    model = Answers("", "Hello")
    reading = asyncio.create_task(model.read_ahead(LESSON))
    await asyncio.sleep(0)
    turn = asyncio.create_task(first_of(model))
    await asyncio.sleep(0)
    model.go_on.set()
    assert await turn == Text("Hello")
    with pytest.raises(ProviderFailed, match="cut"):
        await reading
    model = Answers("Hello")
    reading = asyncio.create_task(model.read_ahead(LESSON))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    model.go_on.set()
    assert [p async for p in model.stream(REQUEST)] == [Text("Hello"), End("stop")]


async def test_it_starts_again_after_1_2_4_up_to_60_s() -> None:
    world = World(*[failing() for _ in range(9)], Life())
    model = world.model()
    with pytest.raises(ProviderFailed, match="as asked"):
        await asyncio.to_thread(model.warm)
    for _ in range(9):
        world.wake.release()
    await until(lambda: model.ready)  # it joins though its first start failed
    assert world.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert AGAIN_S == (1.0, 60.0)
    assert model.starts == 10
    await world.close(model)


async def test_a_process_that_dies_is_started_with_the_digest_it_had() -> None:
    first, second = Life(), Life()
    world = World(first, second)
    model = world.model()
    await asyncio.to_thread(model.warm)
    first.over.set()
    await until(lambda: bool(world.pauses))
    assert not model.ready
    with pytest.raises(ProviderFailed) as told:
        await anext(aiter(model.stream(REQUEST)))
    assert told.value.kind == "connect"
    world.wake.release()
    await until(lambda: model.ready)
    assert first.seen[0].sha256 == ""
    assert second.seen[0].sha256 == "d" * 64  # a file that was changed meanwhile is not loaded
    assert first.stopped
    await world.close(model)


async def test_one_that_lived_long_begins_with_the_shortest_wait_again() -> None:
    steady = Life()
    world = World(failing(), failing(), steady, Life())
    model = world.model()
    with pytest.raises(ProviderFailed):
        await asyncio.to_thread(model.warm)
    world.wake.release(2)
    await until(lambda: model.ready)
    world.now_s += STEADY_S
    steady.over.set()
    await until(lambda: len(world.pauses) == 3)
    assert world.pauses == [1.0, 2.0, 1.0]
    await world.close(model)


async def test_what_only_an_operator_can_mend_is_not_tried_again() -> None:
    life = failing("unavailable")
    world = World(life)
    model = world.model()
    with pytest.raises(ProviderFailed, match="unavailable"):
        await asyncio.to_thread(model.warm)
    await model.aclose()
    assert (world.pauses, model.starts, life.stopped) == ([], 1, True)


async def test_closing_ends_a_process_that_is_still_loading() -> None:
    class Loading(Life):
        def ready(self, weights: Weights) -> str:
            self.seen.append(weights)
            assert self.over.wait(30)
            raise ProviderFailed("connect", "ended while loading")

    life = Loading()
    model = LocalModel(WEIGHTS, begin=lambda _: life)
    warming = asyncio.create_task(asyncio.to_thread(model.warm))
    await until(lambda: bool(life.seen))
    await model.aclose()
    with pytest.raises(ProviderFailed):
        await warming
    assert life.stopped
    assert model.starts == 1


async def test_closing_what_never_began_is_quick_and_final() -> None:
    model = LocalModel(WEIGHTS, begin=lambda _: Life())
    await model.aclose()
    with pytest.raises(ProviderFailed, match="closed"):
        await asyncio.to_thread(model.warm)
    assert model.starts == 0
