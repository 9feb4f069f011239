"""Rooms that a node takes up though nobody comes to them. This file tries until it is done.

A room that broke here may have a turn that nobody else ends, and members whom nobody else sees go.
A room that owes votes may have lost the node that saw to them. What the store does not answer is
asked again with the next look.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from protocol.errors import Refused
from streaming.log import StoreUnavailable

if TYPE_CHECKING:
    from streaming.room_votes import VoteRelay

_LOG = logging.getLogger(__name__)

AT_ONCE = 8
"""Rooms that are taken up side by side."""


class RoomReturns:
    """What one node has to take up; `come` takes a room up, or finds it live."""

    def __init__(self, votes: VoteRelay, come: Callable[[str], Awaitable[object]]) -> None:
        self._votes = votes
        self._come = come
        self._owed: set[str] = set()
        self._unread = False
        self._busy = False

    def owe(self, rid: str) -> None:
        """A room broke here, and something is to be done for it."""
        self._owed.add(rid)

    def owe_listed(self) -> None:
        """The node that saw to the rooms that owe votes may have died."""
        self._unread = True

    @property
    def due(self) -> bool:
        """Whether a look has something to do."""
        return not self._busy and (self._unread or bool(self._owed))

    async def look(self) -> None:
        """Try what has not come back yet; called now and then. Raises `StoreUnavailable`."""
        if not self.due:
            return
        self._busy = True
        try:
            await self._take_up()  # first what broke here: the list may not be to be had
            if self._unread:
                await self._read_list()
                await self._take_up()
        finally:
            self._busy = False

    async def _read_list(self) -> None:
        self._unread = False
        try:
            self._owed.update(await self._votes.left_behind())
        except StoreUnavailable:
            self._unread = True
            raise

    async def _take_up(self) -> None:
        rids = sorted(self._owed)
        for n in range(0, len(rids), AT_ONCE):
            await asyncio.gather(*(self._sought(rid) for rid in rids[n : n + AT_ONCE]))

    async def _sought(self, rid: str) -> None:
        self._owed.discard(rid)  # it may break once more before we hear that it came
        try:
            await self._come(rid)
        except Refused:  # it has ended
            self._votes.unlist(rid)
        except StoreUnavailable as error:
            self._owed.add(rid)
            _LOG.info("room %s is not taken up again: %s", rid, error)
        except Exception:  # noqa: BLE001 - a room's edge: one that cannot be folded stops no other
            self._owed.discard(rid)
            _LOG.exception("room %s cannot be taken up, though it owes something", rid)
