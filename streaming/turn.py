"""One tutor reply: start, coalesce, exactly one end. This file is the turn's task.

A turn never writes the log: it hands chunks to its session, which appends them, so that an answer
overtakes chunks that wait. Its session may close it at any moment; what comes later is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Protocol

from protocol.limits import LIMITS, Limits
from streaming.log import Ticket
from streaming.providers.base import End, LlmRequest, ProviderFailed, Spent, Text
from streaming.routing import Restarted, Routed

_LOG = logging.getLogger(__name__)
_SENTENCE_ENDS = (".", "!", "?", ":", "\n")


Speech = Callable[[], AsyncGenerator[Routed, None]]
"""Begins the turn's text: pieces, restarts, what was spent, and exactly one end."""


class Hearer(Protocol):
    """The session, as its turn sees it."""

    def turn_said(self, turn: Turn, text: str) -> None:
        """One coalesced chunk."""
        ...

    def turn_switched(self, turn: Turn, piece: Restarted) -> None:
        """Another provider starts anew."""
        ...

    def turn_ended(self, turn: Turn, status: str, reason: str | None) -> None:
        """The end; nothing follows."""
        ...


class Coalescer:
    """Joins pieces into chunks: the first at once, then one per 33 ms or 512 bytes, or sentence."""

    __slots__ = ("_buffer", "_bytes", "_emit", "_first", "_limits", "_loop", "_timer")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        emit: Callable[[str], None],
        limits: Limits = LIMITS,
    ) -> None:
        self._loop = loop
        self._emit = emit
        self._limits = limits
        self._buffer: list[str] = []
        self._bytes = 0
        self._first = True
        self._timer: asyncio.TimerHandle | None = None

    def push(self, text: str) -> None:
        """Take one piece."""
        self._buffer.append(text)
        self._bytes += len(text.encode())
        at_end = text.rstrip(" ").endswith(_SENTENCE_ENDS)
        if self._first or at_end or self._bytes >= self._limits.coalesce_bytes:
            self._first = False
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._limits.coalesce_ms / 1000, self.flush)

    def flush(self) -> None:
        """Emit what is buffered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._buffer:
            text = "".join(self._buffer)
            self._buffer.clear()
            self._bytes = 0
            self._emit(text)

    def drop(self) -> None:
        """Forget what is buffered; the next piece leaves at once again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buffer.clear()
        self._bytes = 0
        self._first = True


class Turn:
    """A generation being said. `begin` starts it, `close` stops it; both are synchronous."""

    __slots__ = (
        "_chunks",
        "_hearer",
        "_loop",
        "_speech",
        "_task",
        "began_s",
        "closed",
        "first_s",
        "gen",
        "request",
        "spent",
    )

    def __init__(
        self,
        gen: str,
        request: LlmRequest,
        speech: Speech,
        hearer: Hearer,
        loop: asyncio.AbstractEventLoop,
        limits: Limits = LIMITS,
    ) -> None:
        self.gen = gen
        self.closed = False
        self.began_s = loop.time()
        self.first_s: float | None = None
        self.spent: Spent | None = None
        self.request = request
        self._speech = speech
        self._hearer = hearer
        self._loop = loop
        self._chunks = Coalescer(loop, self._chunk, limits)
        self._task: asyncio.Task[None] | None = None

    @property
    def ttft_ms(self) -> float:
        """From acceptance to the first chunk, in milliseconds; 0 before there is one."""
        return 0.0 if self.first_s is None else round((self.first_s - self.began_s) * 1000, 3)

    def begin(self, after: Ticket) -> None:
        """Start once the entry that claims the command id is stored: nobody pays twice."""
        after.hear(self._stored)

    def close(self) -> None:
        """Stop; what the provider still says is dropped, its stream is closed behind us."""
        self.closed = True
        self._chunks.drop()
        # A turn that ends by itself closes its provider's stream in peace.
        if self._task is not None and self._task is not asyncio.current_task(self._loop):
            self._task.cancel()

    def _stored(self, ticket: Ticket) -> None:
        if ticket.stored and not self.closed:
            self._task = self._loop.create_task(self._run(), name=f"turn {self.gen}")

    def _chunk(self, text: str) -> None:
        if self.closed:
            return
        if self.first_s is None:
            self.first_s = self._loop.time()
        self._hearer.turn_said(self, text)

    def _end(self, status: str, reason: str | None) -> None:
        if self.closed:
            return
        self._chunks.flush()
        self.closed = True
        self._hearer.turn_ended(self, status, reason)

    async def _run(self) -> None:
        try:
            async with aclosing(self._speech()) as pieces:
                await self._heard(pieces)
            self._end("failed", "internal")  # a stream without an end; else a no-op
        except ProviderFailed as failed:
            _LOG.warning("turn %s: the last provider failed: %s", self.gen, failed.kind)
            self._end("failed", "internal")
        except Exception:  # noqa: BLE001 - the actor's edge: the turn must end exactly once
            _LOG.exception("turn %s broke", self.gen)
            self._end("failed", "internal")

    async def _heard(self, pieces: AsyncIterator[Routed]) -> None:
        async for piece in pieces:
            if self.closed:  # by what its own chunk led to: nobody cancels this task then
                return
            match piece:
                case Text(text):
                    # A lone surrogate has no UTF-8: it must not break the frame.
                    self._chunks.push(text.encode("utf-8", "replace").decode())
                case Restarted():
                    # What the failed provider said and did not leave yet is not shown at all.
                    self._chunks.drop()
                    if not self.closed:
                        self._hearer.turn_switched(self, piece)
                case Spent():
                    self.spent = piece
                case End(reason):
                    self._end(*_status(reason))


def _status(reason: str) -> tuple[str, str | None]:
    if reason == "stop":
        return "completed", None
    if reason == "length":
        return "incomplete", "max_tokens"
    return "incomplete", reason
