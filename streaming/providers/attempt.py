"""One upstream call in a task of its own, watched by our own clocks. This file is that watch.

The reader waits on a short queue, never on the network: a deadline or a cancellation ends it at
once, and the connection is closed behind its back within a limit. Deadlines run on content text,
as keepalives defeat the read timeouts of an HTTP client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from streaming.overhead import STAMPS
from streaming.providers.base import End, FailureKind, Piece, ProviderFailed, Text

_logger = logging.getLogger(__name__)
_QUEUE = 64
_Heard = Piece | ProviderFailed


class Attempts:
    """The running upstream calls of one provider.

    `first_token_s` and `stall_s` are the longest waits for the first and for each further piece
    of text; `close_s` is how long a call may take to close before it is cancelled again.
    """

    def __init__(self, *, first_token_s: float, stall_s: float, close_s: float = 2.0) -> None:
        self._first_token_s = first_token_s
        self._stall_s = stall_s
        self._close_s = close_s
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """Calls that still hold a connection, those being closed included."""
        return len(self._tasks)

    async def watched(self, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """The pieces of one call, up to its `End`; raises `ProviderFailed` for anything else."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[_Heard] = asyncio.Queue(_QUEUE)
        task = loop.create_task(_pumped(pieces, queue))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        emitted = 0
        deadline = loop.time() + self._first_token_s
        ended = False
        try:
            while not ended:
                piece = await self._next(queue, deadline, emitted)
                ended = isinstance(piece, End)
                yield piece
                if isinstance(piece, Text):
                    emitted += 1
                    deadline = loop.time() + self._stall_s
        finally:
            self._let_go(task, ended=ended)

    async def _next(self, queue: asyncio.Queue[_Heard], deadline: float, emitted: int) -> Piece:
        try:
            heard = queue.get_nowait()
        except asyncio.QueueEmpty:
            heard = await self._waited(queue, deadline, emitted)
        if isinstance(heard, ProviderFailed):
            heard.emitted = emitted
            raise heard
        return heard

    async def _waited(self, queue: asyncio.Queue[_Heard], deadline: float, emitted: int) -> _Heard:
        try:
            async with asyncio.timeout_at(deadline):
                return await queue.get()
        except TimeoutError:
            kind: FailureKind = "stall" if emitted else "first_token"
            limit_s = self._stall_s if emitted else self._first_token_s
            raise ProviderFailed(kind, f"no text for {limit_s:g} s", emitted=emitted) from None

    def _let_go(self, task: asyncio.Task[None], *, ended: bool) -> None:
        """Close without waiting: a call that ended well may read its last bytes first."""
        if task.done():
            return
        if not ended:
            task.cancel()
        again = task.get_loop().call_later(self._close_s, task.cancel)
        task.add_done_callback(lambda _: again.cancel())

    async def aclose(self) -> None:
        """Cancel every call and wait until all connections are closed, at most the limit twice."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=2 * self._close_s)


async def _pumped(pieces: AsyncGenerator[Piece, None], queue: asyncio.Queue[_Heard]) -> None:
    """Read a call to its end; its failure is the last thing in the queue."""
    stamps = STAMPS.get()
    if stamps is not None:
        stamps.called()
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                if stamps is not None and isinstance(piece, Text):
                    stamps.texted()
                await queue.put(piece)
        await queue.put(ProviderFailed("truncated", "the provider stopped without an end"))
    except ProviderFailed as failure:
        await queue.put(failure)
    except asyncio.CancelledError:
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(ProviderFailed("cut", "the provider was closed"))
        raise
    except Exception:  # the edge of an attempt: a bug here must not silence the tutor
        _logger.exception("an adapter raised what is not in its contract")
        await queue.put(ProviderFailed("internal", "a bug of the adapter"))
