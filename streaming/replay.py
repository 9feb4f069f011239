"""Folds a session's log again and compares. This file is the proof that the fold is one.

For each deed it compares the events that were sent with those the fold makes now (stage times
apart), and the state's bytes with the stored snapshot at its place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec.structs import replace

from engines.words import Decision
from protocol.codec import decode_event, encode
from protocol.events import Feedback
from protocol.message import Message
from streaming import deeds
from streaming.catalogue import Catalogue
from streaming.fold import NO_TIMING, Fold
from streaming.log import Log
from streaming.records import Records
from streaming.state import SessionState, snapshot_parts


class Decided(msgspec.Struct, frozen=True):
    """One deed and what followed from it; `differs` says where the fold disagrees with the log."""

    seq: int
    at_ms: int
    deed: deeds.AnyDeed
    events: list[Message]
    differs: str | None
    decision: Decision | None = None
    """What was decided on an answer, or on an item that was left once its answer was told."""
    item: str | None = None
    """The item that was open before, or that a room voted on."""


class Replayed(msgspec.Struct, frozen=True):
    """The result of a replay: `equal` when every event and every snapshot was met bit by bit."""

    sid: str
    epoch: str
    entries: int
    decisions: int
    builds: list[str]
    snapshot_seq: int | None
    snapshot_equal: bool | None
    differs: list[str]
    state: bytes

    @property
    def equal(self) -> bool:
        """Whether nothing differed."""
        return not self.differs and self.snapshot_equal is not False


class Replay:
    """One session's log, folded again. Iterate `decisions`, then read `result`."""

    def __init__(self, sid: str, log: Log, records: Records, catalogue: Catalogue) -> None:
        self._sid = sid
        self._log = log
        self._records = records
        self._catalogue = catalogue
        self.result: Replayed | None = None

    async def decisions(self) -> AsyncIterator[Decided]:
        """Yield each deed with its events; raises `LookupError` for an unknown session."""
        head = await self._log.head(self._sid)
        if head is None:
            raise LookupError(f"no session {self._sid!r} in this store")
        epoch = head[0]
        entries = await self._log.read(self._sid, 0)
        if entries and entries[0].seq != 1:
            raise LookupError(f"the log of {self._sid!r} begins at {entries[0].seq}, expected 1")
        await self._catalogue.load_named(entries)
        document = await self._records.get("session", self._sid)
        snapshot = snapshot_parts(document.body)[0] if document else None
        snapshot_seq: int | None = None
        try:
            snapshot_seq = SessionState.at(snapshot) if snapshot else None
        except (ValueError, msgspec.MsgspecError):
            snapshot = None  # of another form: it is not used either
        fold, state = Fold(epoch, self._catalogue.at_hand), SessionState()
        stored = {entry.seq: entry.public for entry in entries}
        builds: list[str] = []
        differs: list[str] = []
        decisions, equal = 0, None if snapshot is None else False
        for entry in entries:
            if not entry.sealed:
                continue
            deed = deeds.unsealed(entry.sealed)
            if isinstance(deed, deeds.LessonBegan) and deed.build not in builds:
                builds.append(deed.build)
            item = state.plain.open.item if state.plain.open is not None else None
            if isinstance(deed, deeds.PollAnswered):
                item = deed.item
            folded = fold.fold(state, deed, entry.seq, entry.at_ms)
            events = folded.events
            wrong = _difference(events, stored, entry.seq)
            if wrong:
                differs.append(wrong)
            decisions += 1
            if snapshot is not None and state.plain.seq == snapshot_seq:
                equal = state.to_bytes() == snapshot
            decision = folded.decision or folded.left
            yield Decided(entry.seq, entry.at_ms, deed, events, wrong, decision, item)
        self.result = Replayed(
            sid=self._sid,
            epoch=epoch,
            entries=len(entries),
            decisions=decisions,
            builds=builds,
            snapshot_seq=snapshot_seq,
            snapshot_equal=equal,
            differs=differs,
            state=state.to_bytes(),
        )

    async def run(self) -> Replayed:
        """Fold everything; returns the result."""
        async for _ in self.decisions():
            pass
        assert self.result is not None
        return self.result


def _difference(events: list[Message], stored: dict[int, bytes], seq: int) -> str | None:
    for n, event in enumerate(events):
        was = stored.get(seq + n)
        if was is None:
            return f"entry {seq + n} is missing"
        if encode(_untimed(event)) != encode(_untimed(decode_event(was))):
            return f"entry {seq + n}: the log has {was[:200]!r}, the fold made {encode(event)!r}"
    return None


def _untimed(event: Any) -> Message:
    """The event without what a clock measured."""
    return replace(event, timing=NO_TIMING) if isinstance(event, Feedback) else event
