"""Commands by POST whose stream is at another node. This file asks the other nodes.

A client without a socket opens its stream at one node, and a balancer may bring its commands to
another. That node asks all others; who has the stream lets it hear the frames and says what became
of them. A node that stands alone is answered by nobody and waits for its own streams.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from protocol.commands import Have
from streaming.nodes import Judged, Posted, Seats, written

if TYPE_CHECKING:
    from streaming.ownership import Ownership


class Neighbours:
    """The other nodes, as the routes without a socket see them.

    `hear` is given what another node heard, `keep` the rooms of a stream that may be opened here.
    """

    def __init__(
        self,
        ownership: Ownership,
        loop: asyncio.AbstractEventLoop,
        hear: Callable[[Posted], Awaitable[Judged | None]],
        keep: Callable[[str, list[Have]], None],
    ) -> None:
        self._ownership = ownership
        self._loop = loop
        self._hear = hear
        self._keep = keep
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Judged]] = {}
        self._hearing: set[asyncio.Task[None]] = set()
        ownership.readers[Posted] = self._posted
        ownership.readers[Judged] = self._judged
        ownership.readers[Seats] = self._seats

    def ask(self, sid: str, cid: str | None, body: bytes) -> asyncio.Future[Judged]:
        """What becomes of these frames elsewhere; never done where nobody has the stream."""
        number = next(self._numbers)
        asked = self._asked[number] = self._loop.create_future()
        asked.add_done_callback(partial(self._forget, number))
        letter = Posted(sid, cid or "", self._ownership.node, number, body)
        self._ownership.ground.nodes.tell_all(written(letter))
        return asked

    def tell_rooms(self, sid: str, rooms: list[Have]) -> None:
        """Tell where a session's stream goes on, wherever it is opened."""
        if rooms:
            places = [(have.s, have.epoch, have.q) for have in rooms]
            self._ownership.ground.nodes.tell_all(written(Seats(sid, places)))

    def _forget(self, number: int, _: asyncio.Future[Judged]) -> None:
        self._asked.pop(number, None)

    def _posted(self, letter: Posted) -> None:
        task = self._loop.create_task(self._answered(letter))
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)

    async def _answered(self, letter: Posted) -> None:
        judged = await self._hear(letter)
        if judged is not None:
            told = written(replace(judged, number=letter.number))
            self._ownership.ground.nodes.tell(letter.node, told)

    def _judged(self, letter: Judged) -> None:
        asked = self._asked.get(letter.number)
        if asked is not None and not asked.done():
            asked.set_result(letter)

    def _seats(self, letter: Seats) -> None:
        self._keep(letter.sid, [Have(s, epoch, q) for s, epoch, q in letter.rooms])
