"""Sessions whose actor broke here, and that nobody else will take up. This file brings them back.

An actor that a store refused ends, and the log still names this node as its owner. A client that
comes back here takes the session up again; one that comes back to another node follows what nobody
owns any more. So the node itself sees to it: that a turn which was being said ends, and that what
waits in the inbox is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from protocol.errors import Refused
from streaming.log import StoreUnavailable
from streaming.session import Session
from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)


class Broken:
    """The broken sessions of a node.

    `come` takes a session up, `lives` says whether it lives or is followed here already.
    """

    def __init__(
        self,
        ground: Surroundings,
        node: str,
        come: Callable[[str], Awaitable[object]],
        lives: Callable[[str], bool],
    ) -> None:
        self._ground = ground
        self._node = node
        self._come = come
        self._lives = lives
        self._sids: set[str] = set()
        self._seeking: dict[str, asyncio.Task[None]] = {}

    def note(self, session: Session) -> None:
        """An actor ended; remember it where its log may hold a turn without an end."""
        if session.broken and (
            session.state.running is not None or session.stored_to < session.head
        ):
            self.owe(session.sid)

    def owe(self, sid: str) -> None:
        """See to a session that this node may own and that none of its actors runs."""
        self._sids.add(sid)

    def look(self) -> None:
        """Try again what has not come back yet; called now and then."""
        for sid in list(self._sids):
            if self._lives(sid):
                self._sids.discard(sid)
            else:
                self.seek(sid)

    def seek(self, sid: str) -> None:
        """Take a session up, if this node owns it and none of its actors lives."""
        if sid not in self._seeking and not self._lives(sid):
            task = self._ground.loop.create_task(self._sought(sid))
            self._seeking[sid] = task
            task.add_done_callback(lambda _: self._seeking.pop(sid, None))

    async def _sought(self, sid: str) -> None:
        try:
            owner = await self._ground.log.owner(sid)
            if owner is not None and owner.node == self._node:
                await self._come(sid)
            elif sid in self._sids:  # whoever has it ends its turn
                self._ground.nodes.speaking(sid, on=False)
        except (StoreUnavailable, Refused) as error:
            _LOG.info("session %s is not taken up again: %s", sid, error)
            return
        except Exception:  # noqa: BLE001 - a task's edge: logged once; a client may try again
            _LOG.exception("session %s cannot be taken up again", sid)
        self._sids.discard(sid)

    def stop(self) -> None:
        """Seek no further."""
        self._sids.clear()
        for task in self._seeking.values():
            task.cancel()
