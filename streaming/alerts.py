"""Tells the configured adult of words that must not wait. This file is that notice.

An alert is stored as open before anything else is done with it and stays open until it was told,
so a crash or an unreachable adult loses none: it is told again, first after 1 s, then twice as
long, at most a minute apart. Raised once more for the same words, as where their turn was not
stored and they are sent again, it is the same alert.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec

from streaming.log import StoreUnavailable, stored
from streaming.records import Conflict, Records

_LOG = logging.getLogger(__name__)

AGAIN_FIRST_S = 1.0
AGAIN_CAP_S = 60.0
CLOSE_S = 2.0
"""Longest wait for alerts that are being stored at the end of the process."""
TRIES = 5
"""Writes of the list that another process may overtake before one gives up."""
KNOWN = 1_000
"""Alerts of this process that are known again when they are raised once more."""
_OPEN = ("alerts", "open")
"""The one document that names what was not told yet."""


class Alert(msgspec.Struct, frozen=True):
    """What was read, whose it was, and when (milliseconds since 1970)."""

    id: str
    learner: str
    session: str
    kind: str
    at_ms: int
    text: str


Told = Callable[[Alert], Awaitable[None]]
"""Tells one alert; raises `OSError` where nobody could be reached."""


class Alerts:
    """The alerts of one process; `tell` is None where nobody is configured: they are only kept."""

    def __init__(self, records: Records, tell: Told | None = None) -> None:
        self._records = records
        self._tell = tell
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._storing: set[asyncio.Task[None]] = set()
        self._known: dict[tuple[str, str], None] = {}
        """Ids and words of the newest that are being stored, were stored or were told."""
        self.raised = 0
        self.told = 0

    async def begin(self) -> None:
        """Take up what an earlier process did not come to tell."""
        if self._tell is not None:
            for alert in (await self._open())[0]:
                self._later(self._until_told(alert))

    def raise_alert(self, alert: Alert) -> None:
        """Store and tell one alert, behind the caller's back; it never raises."""
        if (alert.id, alert.text) in self._known:
            return
        self._know(alert)
        self.raised += 1
        _LOG.warning("safety alert %s (%s) in session %s", alert.id, alert.kind, alert.session)
        storing = self._later(self._stored(alert))
        self._storing.add(storing)
        storing.add_done_callback(self._storing.discard)
        self._later(self._through(alert, storing))

    async def aclose(self) -> None:
        """Stop telling, once what was raised is stored; what is open stays stored."""
        if self._storing:
            await asyncio.wait(set(self._storing), timeout=CLOSE_S)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    # --- inside -------------------------------------------------------------------------------

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _know(self, alert: Alert) -> None:
        self._known[alert.id, alert.text] = None
        while len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    async def _stored(self, alert: Alert) -> None:
        """First on the list of open ones, all that a crash needs; then as a record that stays."""
        try:
            await self._change(alert, is_open=True)
            with suppress(Conflict):  # raised before, by a process that died
                await stored(self._records.put("alert", alert.id, msgspec.json.encode(alert), 0))
        except (Conflict, StoreUnavailable) as error:
            _LOG.error("safety alert %s is not stored: %s", alert.id, error)
            self._known.pop((alert.id, alert.text), None)  # the next time it may be

    async def _through(self, alert: Alert, storing: asyncio.Task[None]) -> None:
        """Tell it also where it cannot be stored."""
        await asyncio.wait({storing})
        if self._tell is not None:
            await self._until_told(alert)

    async def _until_told(self, alert: Alert) -> None:
        assert self._tell is not None
        wait_s = AGAIN_FIRST_S
        while True:
            try:
                await self._tell(alert)
            except OSError as error:
                _LOG.error("safety alert %s is not told yet: %s", alert.id, error)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, AGAIN_CAP_S)
            else:
                break
        self.told += 1
        self._know(alert)
        try:
            await self._change(alert, is_open=False)
        except (Conflict, StoreUnavailable) as error:
            _LOG.error("safety alert %s was told and may be told again: %s", alert.id, error)

    async def _change(self, alert: Alert, *, is_open: bool) -> None:
        """Put one alert on the list or take it off, whoever else changes the list meanwhile."""
        async with self._one_at_a_time:
            for last in (False,) * (TRIES - 1) + (True,):
                found, version = await self._open()
                kept = [other for other in found if other.id != alert.id]
                body = msgspec.json.encode([*kept, alert] if is_open else kept)
                try:
                    await stored(self._records.put(*_OPEN, body, version))
                except Conflict:
                    if last:
                        raise
                else:
                    return

    async def _open(self) -> tuple[list[Alert], int]:
        document = await self._records.get(*_OPEN)
        if document is None:
            return [], 0
        return msgspec.json.decode(document.body, type=list[Alert]), document.version
