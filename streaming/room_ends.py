"""When rooms are looked at whether they have ended. This file keeps that calendar in Records.

A room stands under one slot of time: the first one at which it may have been empty for long
enough. A node that comes to a slot looks at its rooms; whoever was used meanwhile is put under a
later one. So an hour costs what ends or goes on in it, however many rooms there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from streaming.log import stored
from streaming.records import Conflict

if TYPE_CHECKING:
    from streaming.surroundings import Surroundings

SLOT_S = 600
"""A room ends at most so much later than it could, and `LOOK_S`."""
LOOK_S = 60.0
"""How often a node looks at the calendar."""
TRIES = 16
"""Tries to write in the calendar while other nodes do."""
_PLACE = "next"


class RoomEnds:
    """The calendar of a deployment, as one node reads it."""

    def __init__(self, ground: Surroundings) -> None:
        self._ground = ground
        self._looked_s = float("-inf")

    def look_due(self, now_s: float) -> bool:
        """Whether it is time to look; asked again, it is not for a while."""
        if now_s - self._looked_s < LOOK_S:
            return False
        self._looked_s = now_s
        return True

    async def note(self, rid: str, newest_ms: int) -> None:
        """Something happened in a room: look at it once it has been empty for long enough.

        Raises `StoreUnavailable`, and Conflict where other nodes are faster each time.
        """
        due_ms = newest_ms + int(self._ground.limits.room_kept_s * 1000)
        slot = max(_slot(due_ms), _slot(self._ground.wall_ms())) + 1
        for last in (False,) * (TRIES - 1) + (True,):
            rids, version = await self._read(slot)
            if rid in rids:
                return
            try:
                await self._write(str(slot), [*rids, rid], version)
            except Conflict:
                if last:
                    raise
            else:
                return

    async def due(self) -> AsyncIterator[str]:
        """The rooms of every slot that has come; a slot is over once all were looked at."""
        now = _slot(self._ground.wall_ms())
        found = await self._ground.records.get("room_ends", _PLACE)
        version = 0 if found is None else found.version
        first = now if found is None else msgspec.msgpack.decode(found.body, type=int)
        for slot in range(first, now + 1):
            rids, _ = await self._read(slot)
            for rid in rids:
                yield rid
            if rids:
                await self._ground.records.delete("room_ends", str(slot))
        if found is None or first <= now:
            try:
                await self._write(_PLACE, now + 1, version)
            except Conflict:
                return  # another node looks too, and has come as far

    async def _read(self, slot: int) -> tuple[list[str], int]:
        found = await self._ground.records.get("room_ends", str(slot))
        if found is None:
            return [], 0
        return msgspec.msgpack.decode(found.body, type=list[str]), found.version

    async def _write(self, key: str, what: object, version: int) -> None:
        body = msgspec.msgpack.encode(what)
        await stored(self._ground.records.put("room_ends", key, body, version))


def _slot(at_ms: int) -> int:
    return at_ms // (SLOT_S * 1000)
