"""The way of an append to Redis and back. This file is the batches, and what became of each.

What is appended in one turn of the loop goes out as one pipeline, and no second one until its
answers are there: so appends stay in order, and a busy node pays one round trip for many.

An append whose answer never came may be stored or not. It is sent again for as long as the owner's
heartbeat may fail: the owner alone appends to its log, so numbers and ids that the log has already
say that the first sending was stored. Then its ticket fails with `StoreUnavailable`, and its owner
folds the log again.

An answer's attempt goes to Records as soon as the log has taken the answer. Until it is there the
entries are held: the ticket waits, and so do those behind it; nothing is published, and nobody but
the owner reads them. A process that dies in between leaves entries without their attempt: the next
owner folds them and adds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from protocol.limits import Limits
from streaming.hearing_redis import packed
from streaming.link_redis import UNANSWERED, Call, Link
from streaming.log import (
    CommandId,
    Duplicate,
    Entry,
    Fenced,
    OutOfOrder,
    Reply,
    StoreUnavailable,
    Ticket,
    stored,
)
from streaming.records import Attempt, Records
from streaming.scripts_redis import APPEND, SHOW

APPENDS_A_BATCH = 256
"""Most appends of one pipeline; what is beyond goes with the next."""
AGAIN_S = 0.5
"""How long after a failure a publication of held entries is tried again."""
RESEND_S = 0.1
"""Pause before a batch that got no answer is sent again."""
MOST_MS = 2**53 - 1
"""Largest time that Redis' numbers hold exactly."""


class Counts(msgspec.Struct):
    """What happened since the start; plain numbers for metrics."""

    appends: int = 0
    batches: int = 0
    fenced: int = 0
    """Appends of an owner that was none any more."""
    duplicates: int = 0
    failed: int = 0
    """Appends that found Redis away, full or read-only."""
    reconnects: int = 0
    """How often the connections for news were made again."""


class _Append:
    """One append on its way: what it says, its ticket, and what became of it."""

    __slots__ = (
        "attempt_of",
        "call",
        "done",
        "entries",
        "epoch",
        "error",
        "held",
        "resent",
        "term",
        "ticket",
    )

    def __init__(self, term: int, epoch: str, entries: Sequence[Entry], attempt_of: str | None):
        self.term = term
        self.epoch = epoch
        self.entries = entries
        self.attempt_of = attempt_of
        self.call: Call | None = None
        """None where it cannot be sent; then `error` says why."""
        self.ticket = Ticket()
        self.error: Exception | None = None
        self.done = False
        self.held = False
        self.resent = False
        """It was sent more than once, since no answer came."""


class Appends:
    """All appends of one process on their way; `kept` says which command ids are remembered."""

    def __init__(self, link: Link, records: Records, limits: Limits, hold_s: float) -> None:
        self._hold_s = hold_s
        self.commit_us = 0
        self.counts = Counts()
        self.kept = (limits.ids_kept, int(limits.ids_kept_s * 1000))
        self._link = link
        self._loop = link.loop
        self._records = records
        self._mine: dict[str, tuple[int, str]] = {}
        """Term and epoch of each log that this process has claimed."""
        self._spoilt: dict[str, str] = {}
        """Logs whose held entries will not become durable, and why: claim them again."""
        self._queue: deque[tuple[str, _Append]] = deque()
        self._waiting: dict[str, deque[_Append]] = {}
        """The appends of each log that are not resolved, oldest first."""
        self._shows: dict[str, tuple[int, str, list[Entry]]] = {}
        """What became durable and is not published yet: term, epoch, entries."""
        self._writing: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._ending = False

    def add(
        self,
        name: str,
        term: int,
        command: CommandId | None,
        entries: Sequence[Entry],
        attempt_of: str | None,
    ) -> Ticket:
        """Queue one append; what cannot be sent fails in its turn."""
        _, epoch = self._mine.get(name, (0, ""))
        append = _Append(term, epoch, entries, attempt_of)
        try:
            append.call = self._packed(name, append, command)
        except (UnicodeEncodeError, OverflowError) as error:
            append.error = error
        self._queue.append((name, append))
        self._waiting.setdefault(name, deque()).append(append)
        self._write()
        return append.ticket

    async def settled(self, name: str) -> None:
        """Returns once every append before is resolved."""
        waiting = self._waiting.get(name)
        if waiting:
            with contextlib.suppress(Exception):  # it is its owner's to hear of
                await stored(waiting[-1].ticket)

    def claimed(self, name: str, term: int, epoch: str) -> None:
        """Begin a term here; what was held the claim has shown, the log's tail will be folded."""
        self.given_up(name)
        self._mine[name] = (term, epoch)

    def given_up(self, name: str) -> None:
        """Forget that this process has the log."""
        self._mine.pop(name, None)
        self._spoilt.pop(name, None)
        self._shows.pop(name, None)

    def owns(self, name: str) -> bool:
        """Whether this process has the log, as far as it knows."""
        return name in self._mine

    async def drained(self) -> None:
        """Returns once all is resolved, and what could be published is."""
        self._ending = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._write()
        while self._waiting or self._writing is not None:
            if self._writing is not None:
                await asyncio.wait({self._writing})
            for name in list(self._waiting):
                await self.settled(name)

    # --- batches ------------------------------------------------------------------------------

    def _packed(self, name: str, append: _Append, command: CommandId | None) -> Call:
        entries, whole = append.entries, 1
        first = entries[0].seq
        args: list[Any] = [append.term, append.epoch, 0]
        if append.attempt_of is not None:
            append.attempt_of.encode()
            args[2] = 1
        args += ("", "") if command is None else (command.id.encode(), b"=" + command.digest)
        args += self.kept
        for place, entry in enumerate(entries, first):
            if entry.seq != place:
                whole = 0
            if abs(entry.at_ms) > MOST_MS:
                raise OverflowError(f"log {name}: at_ms up to {MOST_MS}, {entry.at_ms} came")
        args += (first, whole)
        for entry in entries:
            args += (entry.at_ms, entry.public, entry.sealed)
        return APPEND, self._link.head(name), args

    def _write(self) -> None:
        if self._writing is None and (self._queue or self._shows):
            # The task's first step is in the loop's next turn: it takes what this one appends.
            self._writing = self._loop.create_task(self._written(), name="redis log")

    async def _written(self) -> None:
        try:
            while self._queue or (self._shows and self._retry is None):
                await self._batch()
        finally:
            self._writing = None

    async def _batch(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), APPENDS_A_BATCH))]
        shows, self._shows = self._shows, {}
        calls = [self._shown(name, *show) for name, show in shows.items()]
        sent = [append for _, append in batch if append.call is not None]
        calls += [append.call for append in sent if append.call is not None]
        start_ns = time.perf_counter_ns()
        found, resent = await self._carried(calls)
        for n in resent:
            if n >= len(shows):
                sent[n - len(shows)].resent = True
        answers = iter(found)
        self.commit_us = max(1, (time.perf_counter_ns() - start_ns) // 1000)
        self.counts.batches += 1
        self.counts.appends += len(batch)
        for name, show in shows.items():
            answer = next(answers)
            if isinstance(answer, BaseException):
                self._link.unavailable(answer)
                self._show_again(name, *show)
        for name, append in batch:
            try:
                self._answered(name, append, None if append.call is None else next(answers))
            except Exception as error:  # noqa: BLE001 - an answer nobody expects fails its own append
                append.error = StoreUnavailable(f"log {name}: {error!r}")
            if append.error is None and append.attempt_of is not None:
                self._attempt(name, append)
            else:
                append.done = True
            self._advance(name)

    async def _carried(self, calls: list[Call]) -> tuple[list[Any], set[int]]:
        """What the scripts said, and which were sent more than once."""
        found = await self._link.run(calls) if calls else []
        until_s = self._loop.time() + self._hold_s
        resent: set[int] = set()
        while self._loop.time() < until_s and not self._ending:
            lost = [n for n, one in enumerate(found) if isinstance(one, UNANSWERED)]
            if not lost:
                break
            self._link.unavailable(found[lost[0]])
            await asyncio.sleep(RESEND_S)
            again = await self._link.run([calls[n] for n in lost])
            resent.update(lost)
            for n, one in zip(lost, again, strict=True):
                found[n] = one
        return found, resent

    # --- what became of an append -------------------------------------------------------------

    def _answered(self, name: str, append: _Append, answer: Any) -> None:
        """Note what the script said; of one that is held, the entries as they are stored."""
        if append.call is None:
            return
        if isinstance(answer, BaseException):
            append.error = self._link.unavailable(answer)
            self.counts.failed += 1
            return
        said, _, value = answer.partition(b" ")
        if append.resent and self._was_stored(append, said, value):
            self._link.note("calls", None)
            append.held = True  # whether others were told of it nobody knows: they are told again
        elif said in (b"told", b"held"):
            self._link.note("calls", None)
            append.held = said == b"held"
            append.entries = _forward(append.entries, int(value))
        elif said == b"fenced":
            self.counts.fenced += 1
            term = int(value)  # given back, or another epoch's: whoever comes next is beyond it
            if self._mine.get(name, (0, ""))[0] == append.term:
                self.given_up(name)
            append.error = Fenced(name, term if term != append.term else term + 1, append.term)
        elif said == b"seen":
            self.counts.duplicates += 1
            _, _, args = append.call
            reply, digest = reply_of(args[3], value), args[4][1:]
            append.error = Duplicate(name, reply, same_body=reply.digest == digest)
        else:
            numbered = enumerate(append.entries, int(value) + 1)
            append.error = next(OutOfOrder(name, n, e.seq) for n, e in numbered if e.seq != n)

    def _was_stored(self, append: _Append, said: bytes, value: bytes) -> bool:
        """Whether the first sending of an append was stored, though its answer was lost."""
        if said == b"seen":
            return int(value.partition(b" ")[0]) == append.entries[0].seq
        return said == b"order" and int(value) >= append.entries[-1].seq

    def _attempt(self, name: str, append: _Append) -> None:
        answer = append.entries[0]
        assert append.attempt_of is not None
        attempt = Attempt(
            name, append.epoch, answer.seq, append.attempt_of, answer.at_ms, answer.sealed
        )
        self._records.add_attempt(attempt).hear(partial(self._kept_in_records, name, append))

    def _kept_in_records(self, name: str, append: _Append, ticket: Ticket) -> None:
        if ticket.error is not None:
            reason = f"log {name}: the answer at {append.entries[0].seq} is not durable"
            append.error = StoreUnavailable(f"{reason}: {ticket.error}")
            self._spoilt[name] = str(append.error)
        append.done = True
        self._advance(name)

    def _advance(self, name: str) -> None:
        """Resolve the oldest appends of a log that are done; show what became durable."""
        waiting = self._waiting.get(name)
        if waiting is None:
            return
        shown: list[Entry] = []
        last: _Append | None = None
        while waiting and waiting[0].done:
            append = waiting.popleft()
            if append.held and append.error is None and name in self._spoilt:
                append.error = StoreUnavailable(self._spoilt[name])
            if append.held and append.error is None:
                shown += append.entries
                last = append
            self._resolve(append)
        if not waiting and self._waiting.get(name) is waiting:
            del self._waiting[name]
        if last is not None:
            self._show(name, last.term, last.epoch, shown)
            self._write()

    def _resolve(self, append: _Append) -> None:
        try:
            append.ticket.resolve(append.error)
        except Exception as error:  # noqa: BLE001 - a listener's own failure; the others still hear
            context = {"message": "a listener of an append failed", "exception": error}
            self._loop.call_exception_handler(context)

    def _show(self, name: str, term: int, epoch: str, entries: list[Entry]) -> None:
        before = self._shows.get(name)
        if before is not None and before[:2] == (term, epoch):
            entries = before[2] + entries
        self._shows[name] = (term, epoch, entries)

    def _shown(self, name: str, term: int, epoch: str, entries: list[Entry]) -> Call:
        args = (term, epoch, packed(epoch, entries), entries[-1].seq)
        return SHOW, self._link.head(name), args

    def _show_again(self, name: str, term: int, epoch: str, entries: list[Entry]) -> None:
        """Others wait for these entries, and no further append need come: try later."""
        if self._ending or name in self._spoilt:
            return
        later = self._shows.pop(name, None)
        self._show(name, term, epoch, entries)
        if later is not None:
            self._show(name, *later)
        if self._retry is None:
            self._retry = self._loop.call_later(AGAIN_S, self._again)

    def _again(self) -> None:
        self._retry = None
        self._write()


def reply_of(id_: bytes, value: bytes) -> Reply:
    """A remembered reply, as the append script keeps it under its id."""
    seq, at_ms, digest = value.split(b" ", 2)
    return Reply(id_.decode(), digest[1:], int(seq), int(at_ms))


def _forward(entries: Sequence[Entry], at_ms: int) -> list[Entry]:
    """The entries with the times under which they were stored, the first one's being `at_ms`."""
    forward = []
    for entry in entries:
        at_ms = max(at_ms, entry.at_ms)
        forward.append(entry if entry.at_ms == at_ms else replace(entry, at_ms=at_ms))
    return forward
