"""The embedded twin of `Log`, on SQLite. This file checks and stores appends.

One append is one row: its entries packed, its command id and the digest beside them. What an
append is checked against (term, head, newest time, command ids) is kept in memory by the writer's
thread, and read from the file when a log is first met. Of the ids it keeps 8 bytes each: an id
that is not among them is new; one that seems to be is looked up. Rows with a command are linked
among themselves by `asked`, so that finding them costs their number and not the log's length.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct
from typing import Any

import msgspec
from msgspec.structs import replace

from protocol.limits import LIMITS, Limits
from streaming.chain_sqlite import Chain, Strand
from streaming.log import (
    Claim,
    CommandId,
    Duplicate,
    Entry,
    Fenced,
    News,
    OutOfOrder,
    Owned,
    Owner,
    Reply,
    StoreUnavailable,
    Ticket,
)
from streaming.records_sqlite import SqliteRecords
from streaming.subscribers import Hearing, Subscribers
from streaming.writer_sqlite import Writer

_ASKED = """
WITH RECURSIVE found(place, asked, count) AS (
    SELECT place, asked, 1 FROM appends
    WHERE place = :asked AND strand = :strand AND (:newest > 0 OR at_ms >= :since_ms)
    UNION ALL
    SELECT a.place, a.asked, found.count + 1 FROM found JOIN appends AS a ON a.place = found.asked
    WHERE a.strand = :strand AND (found.count < :newest OR a.at_ms >= :since_ms)
)
SELECT a.command, a.digest, a.first, a.at_ms FROM found JOIN appends AS a ON a.place = found.place
ORDER BY a.place
"""

LOGS_KEPT = 50_000
"""Logs of which the writer keeps the heads in memory; above it all are read again when needed."""

_HASH = Struct("q")
_packed = msgspec.msgpack.Encoder().encode
_unpacked = msgspec.msgpack.Decoder(list[Entry]).decode


class _Known(Strand):
    """What the writer knows of one log.

    `ids` holds the hashes of its command ids, `asked` the place of the newest row with one.
    """

    __slots__ = ("asked", "epoch", "floor", "ids", "node", "term")

    def __init__(
        self,
        key: int,
        epoch: str,
        term: int,
        node: str,
        floor: int,
        head: int,
        at_ms: int,
        tail: int,
    ) -> None:
        super().__init__(key, head, at_ms, tail)
        self.epoch = epoch
        self.term = term
        self.node = node
        self.floor = floor
        self.asked = 0
        self.ids = bytearray()


class SqliteLog:
    """All logs of one store; see `streaming.log.Log` for the promises."""

    lasting = True

    def __init__(
        self,
        db: sqlite3.Connection,
        writer: Writer,
        records: SqliteRecords,
        loop: asyncio.AbstractEventLoop,
        limits: Limits = LIMITS,
    ) -> None:
        self._db = db
        self._writer = writer
        self._records = records
        self._limits = limits
        self._logs: dict[str, _Known] = {}
        self._subscribers = Subscribers(loop)
        self._chain = Chain(
            db, "logs", "appends", ("first", "asked", "command", "digest", "entries")
        )
        writer.parts.append(self)

    @property
    def commit_us(self) -> int:
        """How long the newest finished group commit took, in microseconds."""
        return self._writer.commit_us

    # --- the port -----------------------------------------------------------------------------

    async def claim(
        self, name: str, node: str, *, at_ms: int, over: int | None = None, anew: bool = False
    ) -> Claim:
        """Take or renew ownership; the file's lock proves that an owner before us is gone."""
        if not node:
            raise ValueError(f"log {name}: a claim without a node")
        claim = await self._writer.call(lambda: self._claim(name, node, at_ms, over, anew))
        if isinstance(claim, Owner):
            raise Owned(name, claim, over or 0)
        if anew:
            self._subscribers.tell(name, News(claim.epoch))
        return claim

    async def owner(self, name: str) -> Owner | None:
        """Who has a log, or None where there is none."""

        def ask() -> Owner | None:
            log = self._known(name)
            return None if log is None else Owner(log.node, log.term)

        return await self._writer.call(ask)

    async def release(self, name: str, term: int) -> None:
        """Give a log back; who still appends with its term is fenced."""
        epoch = await self._writer.call(lambda: self._release(name, term))
        if epoch is not None:
            self._subscribers.tell(name, News(epoch, released=True))

    async def subscribe(self, name: str, hear: Callable[[News], None]) -> Hearing:
        """Hear of what this process appends; no other one may write the file."""
        if self._writer.closed:
            raise StoreUnavailable("the store is closed")
        return self._subscribers.add(name, hear)

    def append(
        self,
        name: str,
        term: int,
        command: CommandId | None,
        entries: Sequence[Entry],
        attempt_of: str | None = None,
        *,
        urgent: bool = False,
    ) -> Ticket:
        """Queue one atomic append; raises ValueError where there are no entries."""
        if not entries:
            raise ValueError(f"log {name}: an append without entries")
        if name not in self._subscribers:
            return self._writer.submit(
                self._append, name, term, command, entries, attempt_of, urgent=urgent
            )
        told: list[News] = []
        ticket = self._writer.submit(
            self._append, name, term, command, entries, attempt_of, told, urgent=urgent
        )
        ticket.hear(partial(self._tell, name, told))
        return ticket

    async def read(self, name: str, after: int, *, limit: int | None = None) -> list[Entry]:
        """Entries with `seq > after`, in order; costs the length of the log beyond `after`."""
        return await self._writer.call(lambda: self._read(name, after, limit))

    async def replies(self, name: str, *, newest: int, since_ms: int) -> list[Reply]:
        """Remembered commands, oldest first."""
        return await self._writer.call(lambda: self._replies(name, newest, since_ms))

    async def head(self, name: str) -> tuple[str, int] | None:
        """`(epoch, seq)` of a log, or None."""

        def ask() -> tuple[str, int] | None:
            log = self._known(name)
            return None if log is None else (log.epoch, log.head)

        return await self._writer.call(ask)

    async def trim(self, name: str, upto: int) -> None:
        """Forget entries with `seq <= upto`, and command ids that need not be remembered."""
        await self._writer.call(lambda: self._trim(name, upto))

    async def drop(self, name: str) -> None:
        """Forget a log altogether."""
        epoch = await self._writer.call(lambda: self._drop(name))
        if epoch is not None:
            self._subscribers.tell(name, News(epoch))

    async def names(self) -> list[str]:
        """Every log there is, sorted."""

        def ask() -> list[str]:
            return [row[0] for row in self._db.execute("SELECT name FROM logs ORDER BY name")]

        return await self._writer.call(ask)

    async def aclose(self) -> None:
        """Close the store that this log is a port of."""
        await self._writer.aclose()

    def _tell(self, name: str, told: list[News], ticket: Ticket) -> None:
        if ticket.stored:
            self._subscribers.tell(name, told[-1])  # what was rolled back came before

    # --- a part of the writer's transaction -----------------------------------------------------

    def flush(self) -> None:
        """Hand gathered appends to SQLite."""
        self._chain.flush()

    def forget(self) -> None:
        """Read again what memory held of the logs."""
        self._logs.clear()
        self._chain.forget()

    # --- on the writer's thread ---------------------------------------------------------------

    def _append(
        self,
        name: str,
        term: int,
        command: CommandId | None,
        entries: Sequence[Entry],
        attempt_of: str | None,
        told: list[News] | None = None,
    ) -> Exception | None:
        log = self._logs.get(name) or self._known(name)
        if log is None or log.term != term:
            return Fenced(name, log.term if log else 0, term)
        if not log.node:  # given back: whoever comes next has the next term
            return Fenced(name, term + 1, term)
        key = b"" if command is None else _HASH.pack(hash(command.id))
        if command is not None and key in log.ids:
            seen = self._seen(log, command.id)
            if seen is not None:
                return Duplicate(name, seen, same_body=seen.digest == command.digest)
        first = head = log.head + 1
        newest_ms = log.at_ms
        for head, entry in enumerate(entries, first):
            if entry.seq != head:
                return OutOfOrder(name, head, entry.seq)
            if entry.at_ms < newest_ms:
                forward = _forward(entries, log.at_ms)
                return self._append(name, term, command, forward, attempt_of, told)
            newest_ms = entry.at_ms
        packed = _packed(entries)
        if command is None:
            self._chain.add(log, head, newest_ms, first, log.asked, None, None, packed)
        else:
            id_, digest = command.id, command.digest
            self._chain.add(log, head, newest_ms, first, log.asked, id_, digest, packed)
            log.asked = log.tail
            log.ids += key
        if attempt_of is not None:
            answer = entries[0]
            self._records.keep(name, log.epoch, first, attempt_of, answer.at_ms, answer.sealed)
        if told is not None:
            told.append(News(log.epoch, tuple(entries)))
        return None

    def _known(self, name: str) -> _Known | None:
        log = self._logs.get(name)
        if log is not None:
            return log
        if len(self._logs) >= LOGS_KEPT:
            self._chain.flush()  # before the row is read: this may save the tails and move the mark
            self._logs.clear()
        row = self._db.execute(
            "SELECT id, epoch, term, node, floor, head, at_ms, tail FROM logs WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        log = self._logs[name] = _Known(*row)
        self._chain.newest(log)
        newest = self._db.execute(
            "SELECT CASE WHEN command IS NULL THEN asked ELSE place END FROM appends "
            "WHERE place = ? AND strand = ?",
            (log.tail, log.id),
        ).fetchone()
        log.asked = newest[0] if newest else 0
        log.ids += b"".join(_HASH.pack(hash(reply.id)) for reply in self._remembered(log))
        return log

    def _walk(self, log: _Known, after: int, query: str, *values: Any) -> list[Any]:
        self._chain.flush()
        bound = {"tail": log.tail, "strand": log.id, "after": after}
        bound.update({f"v{n}": value for n, value in enumerate(values)})
        return self._db.execute(self._chain.walk + query, bound).fetchall()

    def _asked(self, log: _Known, newest: int, since_ms: int) -> list[Reply]:
        self._chain.flush()
        bound = {"asked": log.asked, "strand": log.id, "newest": newest, "since_ms": since_ms}
        return [Reply(*row) for row in self._db.execute(_ASKED, bound)]

    def _remembered(self, log: _Known) -> list[Reply]:
        return self._asked(log, self._limits.ids_kept, self._remember_ms(log))

    def _remember_ms(self, log: _Known) -> int:
        return log.at_ms - int(self._limits.ids_kept_s * 1000)

    def _seen(self, log: _Known, command: str) -> Reply | None:
        return next((reply for reply in self._remembered(log) if reply.id == command), None)

    def _replies(self, name: str, newest: int, since_ms: int) -> list[Reply]:
        log = self._known(name)
        return [] if log is None else self._asked(log, newest, since_ms)

    def _claim(
        self, name: str, node: str, at_ms: int, over: int | None, anew: bool
    ) -> Claim | Owner:
        log = self._known(name)
        if log is not None and over not in (None, log.term):
            return Owner(log.node, log.term)
        if log is None:
            log = self._begun(name, node, at_ms, term=1)
        elif anew:
            term = log.term + 1
            self._drop(name)
            log = self._begun(name, node, at_ms, term)
        elif log.node != node:
            self._own(log, node, log.term + 1)
        return Claim(log.term, log.epoch, log.head, log.floor, log.at_ms)

    def _begun(self, name: str, node: str, at_ms: int, term: int) -> _Known:
        self._db.execute(
            "INSERT INTO logs (name, epoch, term, node, floor, head, at_ms, tail) "
            "VALUES (?, ?, ?, ?, 0, 0, ?, 0)",
            (name, secrets.token_urlsafe(6), term, node, at_ms),
        )
        log = self._known(name)
        assert log is not None
        return log

    def _own(self, log: _Known, node: str, term: int) -> None:
        log.term, log.node = term, node
        self._db.execute("UPDATE logs SET term = ?, node = ? WHERE id = ?", (term, node, log.id))

    def _release(self, name: str, term: int) -> str | None:
        """The log's epoch, or None where the term has nothing to give back."""
        log = self._known(name)
        if log is None or log.term != term or not log.node:
            return None
        self._own(log, "", term)
        return log.epoch

    def _read(self, name: str, after: int, limit: int | None) -> list[Entry]:
        log = self._known(name)
        if log is None:
            return []
        after = max(after, log.floor)
        rows = self._walk(
            log,
            after,
            "SELECT a.entries FROM chain JOIN appends AS a ON a.place = chain.place "
            "ORDER BY a.place LIMIT :v0",
            -1 if limit is None else limit,
        )
        entries = [e for (packed,) in rows for e in _unpacked(packed) if e.seq > after]
        return entries if limit is None else entries[:limit]

    def _trim(self, name: str, upto: int) -> None:
        log = self._known(name)
        if log is None or min(upto, log.head) <= log.floor:
            return
        log.floor = min(upto, log.head)
        self._chain.save()  # the rows deleted here may be the newest
        self._db.execute("UPDATE logs SET floor = ? WHERE id = ?", (log.floor, log.id))
        rows = self._walk(
            log,
            0,
            "SELECT a.place, a.head, a.at_ms, a.command FROM chain JOIN appends AS a "
            "ON a.place = chain.place ORDER BY a.place DESC",
        )
        remember_ms = self._remember_ms(log)
        ids = 0
        emptied: list[tuple[int]] = []
        gone: list[tuple[int]] = []
        for place, head, at_ms, command in rows:
            ids += command is not None
            if head > log.floor:
                continue
            remembered = ids <= self._limits.ids_kept or at_ms >= remember_ms
            # A row without an id still links the older ones that have one.
            (emptied if remembered else gone).append((place,))
        while emptied and rows[len(rows) - len(gone) - 1][3] is None:
            gone.append(emptied.pop())
        self._db.executemany("UPDATE appends SET entries = NULL WHERE place = ?", emptied)
        self._db.executemany("DELETE FROM appends WHERE place = ?", gone)

    def _drop(self, name: str) -> str | None:
        log = self._known(name)
        if log is None:
            return None
        self._chain.save()
        rows = self._walk(log, 0, "SELECT place FROM chain")
        self._db.executemany("DELETE FROM appends WHERE place = ?", rows)
        self._db.execute("DELETE FROM logs WHERE id = ?", (log.id,))
        del self._logs[name]
        return log.epoch


def _forward(entries: Sequence[Entry], at_ms: int) -> list[Entry]:
    """The entries with times that never go back, neither among them nor before `at_ms`."""
    forward = []
    for entry in entries:
        at_ms = max(at_ms, entry.at_ms)
        forward.append(replace(entry, at_ms=at_ms))
    return forward
