"""What a node does about the death of others and about a broker that was away. This file looks.

Every few seconds the dead are buried: what they were saying is taken up here or by another node
that was faster, so that every generation ends. After the broker was out of reach, what it holds of
this node's sessions is compared with what it said it had stored.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from protocol.errors import Refused
from streaming.log import ROOM, Fenced, OutOfOrder, StoreUnavailable
from streaming.nodes import LOOK_S

if TYPE_CHECKING:
    from streaming.ownership import Ownership
    from streaming.session import Session

_LOG = logging.getLogger(__name__)

AT_ONCE = 8
"""So many sessions of a dead node are taken up together: each waits for its log several times."""


class Watchman:
    """The looks that one node takes."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        self._ground = ownership.ground
        self._timer: asyncio.TimerHandle | None = None
        self._burying: asyncio.Task[None] | None = None
        self._doubting: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look for the dead from now on."""
        self._timer = self._ground.loop.call_later(LOOK_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in (self._burying, self._doubting):
            if task is not None:
                task.cancel()

    def doubt(self) -> None:
        """Compare what is stored with what was said to be."""
        if self._doubting is None or self._doubting.done():
            self._doubting = self._ground.loop.create_task(self._doubted())

    def _look(self) -> None:
        self.begin()
        if self._burying is None or self._burying.done():
            self._burying = self._ground.loop.create_task(self._buried())

    async def _buried(self) -> None:
        ownership, nodes = self._ownership, self._ground.nodes
        try:
            for node in await nodes.dead():
                _LOG.warning("node %s is dead: what it was saying ends", node)
                sids = [name for name in await nodes.spoke(node) if not name.startswith(ROOM)]
                for start in range(0, len(sids), AT_ONCE):
                    await asyncio.gather(*map(self._ended, sids[start : start + AT_ONCE]))
                for hear in ownership.on_node_gone:
                    hear(node)
                await nodes.bury(node)
            for owner in {mirror.owner for mirror in ownership.mirrors}:
                if not await nodes.lives(owner):  # others may have buried it
                    await ownership.forsake(owner)
        except (StoreUnavailable, Refused) as error:
            _LOG.warning("the dead nodes wait: %s", error)
        except Exception:  # noqa: BLE001 - a task's edge: logged once, tried again
            _LOG.exception("a dead node could not be buried")

    async def _ended(self, sid: str) -> None:
        """Take up what a dead node was saying. One log that nobody can fold stops no other."""
        try:
            await self._ownership.session(sid, orphaned=True)
        except (StoreUnavailable, Refused):
            raise
        except Exception:  # noqa: BLE001 - an actor's edge: logged once, whoever joins tries again
            _LOG.exception("session %s of a dead node cannot be taken up", sid)

    async def _doubted(self) -> None:
        try:
            for session in self._ownership:
                await self._compared(session)
        except StoreUnavailable as error:
            _LOG.warning("the logs are out of reach again: %s", error)

    async def _compared(self, session: Session) -> None:
        stored_to = session.stored_to
        owner = await self._ground.log.owner(session.sid)
        head = await self._ground.log.head(session.sid)
        if session.ended:
            return
        if owner is None or head is None or head[0] != session.epoch:
            session.fail(StoreUnavailable(f"the log of {session.sid} is gone"))
        elif (owner.node, owner.term) != (self._ownership.node, session.term):
            session.fail(Fenced(session.sid, owner.term, session.term))
        elif head[1] < stored_to:
            session.fail(OutOfOrder(session.sid, head[1] + 1, stored_to + 1))
