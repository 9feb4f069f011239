"""A model on this machine as a provider: its process is kept alive. This file is its owner.

A thread waits for the process, and starts it again after 1, 2, 4 .. 60 s where it ended. Text comes
through the adapter of OpenAI's shape, as from any endpoint: no second code path.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Protocol

from msgspec.structs import replace

from streaming.local.process import PARALLEL, LocalProcess
from streaming.local.weights import Weights
from streaming.providers.base import LlmRequest, Piece, ProviderFailed
from streaming.providers.openai import OpenAIChat
from streaming.providers.presets import presets

_logger = logging.getLogger(__name__)

NAME = "local"
AGAIN_S = (1.0, 60.0)
"""The wait before the first restart, and the longest; each is twice the one before."""
STEADY_S = 60.0
"""A process that lived so long begins with the shortest wait again."""


class Lived(Protocol):
    """The process, as its owner uses it; see `LocalProcess`."""

    url: str
    key: str

    def ready(self, weights: Weights) -> str:
        """Wait until it listens; the digest of its file."""
        ...

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


class LocalModel:
    """The provider `local`; `warm` starts its process, `aclose` ends it.

    `ready` is True while the process listens. `first_token_s` is 8 s where it is not given.
    `begin` starts a process, `now_s` is a clock that only moves on, `pause` waits so many seconds
    and is True once the owner closes.
    """

    name = NAME
    local = True

    def __init__(
        self,
        weights: Weights,
        *,
        first_token_s: float | None = None,
        begin: Callable[[Weights], Lived] = LocalProcess.begin,
        now_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self.model = weights.model
        self._preset = presets()["llamacpp"]
        self.ready = False
        self.first_token_s = first_token_s or self._preset.first_token_s
        self.starts = 0
        """Processes begun so far."""
        self._weights = weights
        self._begin = begin
        self._now_s = now_s
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._first = threading.Event()
        self._failure: ProviderFailed | None = None
        self._lock = threading.Lock()
        self._process: Lived | None = None
        self._chat: OpenAIChat | None = None
        self._retired: list[OpenAIChat] = []
        self._reading: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def warm(self) -> float:
        """Import the SDK, start the process and wait until it listens; the seconds it took.

        Blocks. Raises `ProviderFailed` where the first start failed; unless its kind is
        `unavailable` the process is tried again behind the caller's back.
        """
        start_s = time.perf_counter()
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._kept_alive, name="local model", daemon=True
                )
                self._thread.start()
        self._first.wait()
        if self._failure is not None:
            raise self._failure
        return time.perf_counter() - start_s

    async def read_ahead(self, request: LlmRequest) -> None:
        """Have a prompt read before a turn needs it: the process keeps what it has read.

        A turn that comes meanwhile waits for it, as it would have to read the same. Raises
        `ProviderFailed`; where the wait for a first text was over, it is asked again.
        """
        reading = asyncio.get_running_loop().create_task(self._read(request))
        self._reading = reading
        try:
            await reading
        finally:
            self._reading = None

    async def _read(self, request: LlmRequest) -> None:
        while True:
            try:
                async for _ in self._pieces(request):
                    pass
            except ProviderFailed as failed:
                if failed.kind == "first_token":  # it goes on where it was cut off
                    continue
                raise
            return

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        """The model's text; see the contract."""
        if self._reading is not None:
            await asyncio.wait({self._reading})
        async with aclosing(self._pieces(request)) as pieces:
            async for piece in pieces:
                yield piece

    async def _pieces(self, request: LlmRequest) -> AsyncGenerator[Piece, None]:
        chat = self._chat
        await self._close_retired()
        if chat is None:
            raise ProviderFailed("connect", "the local model's process is being started")
        pieces = chat.stream(request)
        try:
            async for piece in pieces:
                yield piece
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    async def aclose(self) -> None:
        """End the process and close the connections."""
        self._closing.set()
        await asyncio.to_thread(self._end)
        await self._close_retired()

    async def _close_retired(self) -> None:
        while self._retired:
            await self._retired.pop().aclose()

    # --- in the thread ----------------------------------------------------------------------------

    def _end(self) -> None:
        with self._lock:
            thread, process = self._thread, self._process
        if process is not None:
            process.stop()
        if thread is not None:
            thread.join()
        self._settled(ProviderFailed("connect", "the local model was closed"))

    def _kept_alive(self) -> None:
        wait_s = AGAIN_S[0]
        while not self._closing.is_set():
            began_s = self._now_s()
            try:
                self._lived()
            except ProviderFailed as failed:
                _logger.warning("the local model: %s", failed)
                self._settled(failed)
                if failed.kind == "unavailable":
                    return
            if self._now_s() - began_s >= STEADY_S:
                wait_s = AGAIN_S[0]
            if self._pause(wait_s):
                return
            wait_s = min(2 * wait_s, AGAIN_S[1])

    def _lived(self) -> None:
        """One life of the process, from its start to its end."""
        process = self._begin(self._weights)
        with self._lock:
            self._process = process
            self.starts += 1
        try:
            if self._closing.is_set():
                return
            digest = process.ready(self._weights)
            self._weights = replace(self._weights, sha256=digest)  # also for the next start
            self._chat = self._spoken_to(process)
            self.ready = True
            self._settled(None)
            code = process.ended()
            if not self._closing.is_set():
                _logger.warning("the local model's process ended with %s", code)
        finally:
            self.ready = False
            if self._chat is not None:
                self._retired.append(self._chat)
                self._chat = None
            process.stop()

    def _spoken_to(self, process: Lived) -> OpenAIChat:
        chat = OpenAIChat(
            name=self.name,
            model=self.model,
            base_url=process.url,
            api_key=process.key,
            quirks=self._preset.quirks,
            first_token_s=self.first_token_s,
            stall_s=self._preset.stall_s,
            slots=PARALLEL,
        )
        chat.warm()
        return chat

    def _settled(self, failure: ProviderFailed | None) -> None:
        """The first start has ended; whoever warms is let go."""
        if not self._first.is_set():
            self._failure = failure
            self._first.set()
