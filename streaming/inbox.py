"""Commands that other nodes heard for a session that lives here. This file reads them.

They wait in the session's inbox until they had their effect, which is when the entries they led
to are stored. A crash in between leaves them there for the next owner, which finds their ids in
the log and sends the first reply again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import msgspec

from protocol.codec import decode, refusal, repeated
from protocol.errors import Code, Refused
from streaming.log import StoreUnavailable, stored
from streaming.nodes import Asked, Told, opened, written
from streaming.session import Session
from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)

INBOX_READS = 64
"""Rounds of reading before others on the loop have their turn."""


class Remote:
    """A connection of another node, as a session sees it that is spoken to by it."""

    __slots__ = ("_asked", "_command_id", "_inbox")

    def __init__(self, asked: Asked, command_id: str | None, inbox: Inbox) -> None:
        self._asked = asked
        self._command_id = command_id
        self._inbox = inbox

    def say(self, frame: bytes) -> None:
        """Send a frame to that connection, if it is still there."""
        asked = self._asked
        told = Told(asked.sid, asked.cid, [frame], self._command_id)
        self._inbox.ground.nodes.tell(asked.node, written(told))

    def repeat(self, seq: int) -> None:
        """Send the stored reply at `seq` again, marked as a repeat."""
        self._inbox.later(self._repeat(seq))

    async def _repeat(self, seq: int) -> None:
        entries = await self._inbox.ground.log.read(self._asked.sid, seq - 1, limit=1)
        if entries and entries[0].seq == seq:
            self.say(repeated(entries[0].public))


class Inbox:
    """The inboxes of the sessions of this node."""

    def __init__(self, ground: Surroundings) -> None:
        self.ground = ground
        self._reading: dict[str, Session] = {}
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def read(self, session: Session) -> None:
        """Do what waits for a session; a call while that is done makes it look once more."""
        if self._reading.get(session.sid) is session:
            self._again.add(session.sid)
        else:  # an actor that has ended may be reading still, and it does nothing any more
            self._reading[session.sid] = session
            self.later(self._read(session))

    async def _read(self, session: Session) -> None:
        sid = session.sid
        try:
            for _ in range(INBOX_READS):
                self._again.discard(sid)
                letters = await self.ground.nodes.posted(sid)
                if letters and not session.ended:
                    await self._do(session, letters)
                if sid not in self._again or session.ended:
                    return
        except StoreUnavailable as error:
            _LOG.warning("the inbox of session %s waits: %s", sid, error)
        finally:
            if self._reading.get(sid) is session:
                del self._reading[sid]
                self._again.discard(sid)

    async def _do(self, session: Session, letters: list[tuple[str, bytes]]) -> None:
        done: list[str] = []
        for letter_id, data in letters:
            asked = _asked(data)
            if asked is not None and not self._hear(session, asked):
                break
            done.append(letter_id)
        if session.last_ticket is not None:
            await stored(session.last_ticket)
        self.ground.nodes.taken(session.sid, done)

    def _hear(self, session: Session, asked: Asked) -> bool:
        """Whether this letter had its effect, or never will."""
        origin = Remote(asked, None, self)
        try:
            command = decode(asked.frame)
            origin = Remote(asked, getattr(command, "id", None), self)
            session.hear(command, origin)
        except Refused as refused:
            if refused.code is Code.STORE_UNAVAILABLE:
                return False
            origin.say(refusal(refused))
        except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, the next one folds
            # A command that breaks an actor must not break the next one too.
            session.fail(error)
            origin.say(refusal(Refused(Code.INTERNAL, "a mistake of the server; it is logged")))
        return True

    def loose(self, session: Session | None, asked: Asked) -> None:
        """A command without an id: it has no reply, and is not kept for a later owner."""
        if session is not None and not session.ended:
            self._hear(session, asked)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside; what the store refuses is asked again by the client."""
        task = self.ground.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _LOG.warning("a command of another node waits: %s", error)


def _asked(data: bytes) -> Asked | None:
    try:
        letter = opened(data)
    except msgspec.MsgspecError:
        return None  # of another program: nobody here will ever read it
    return letter if isinstance(letter, Asked) else None
