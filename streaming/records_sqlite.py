"""The embedded twin of `Records`, on the log's own SQLite file. This file stores documents.

Attempts form one chain per life of a log, `(log, epoch)`: an attempt beyond the newest is new
without a look-up, an older one is looked for before it is stored. Who answered in which life is
kept beside, so a learner's attempts are found through the lives.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from streaming.chain_sqlite import Chain, Strand
from streaming.log import Ticket
from streaming.records import Attempt, Conflict, Document
from streaming.writer_sqlite import Writer

LIVES_KEPT = 50_000
"""Lives whose newest attempts are kept in memory; above it all are read again when needed."""


class _Life(Strand):
    """The chain of one log's life; `learner` is the newest known to have answered in it."""

    __slots__ = ("learner",)

    def __init__(self, key: int, head: int, at_ms: int, tail: int) -> None:
        super().__init__(key, head, at_ms, tail)
        self.learner: str | None = None


class SqliteRecords:
    """All records of one store; see `streaming.records.Records` for the promises."""

    def __init__(self, db: sqlite3.Connection, writer: Writer) -> None:
        self._db = db
        self._writer = writer
        self._lives: dict[tuple[str, str], _Life] = {}
        self._chain = Chain(db, "lives", "attempts", ("seq", "learner", "answered_ms", "sealed"))
        writer.parts.append(self)

    # --- the port -----------------------------------------------------------------------------

    async def get(self, kind: str, key: str) -> Document | None:
        """The newest version of a document."""

        def ask() -> Document | None:
            row = self._db.execute(
                "SELECT version, body FROM documents WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
            return None if row is None else Document(*row)

        return await self._writer.call(ask)

    def put(self, kind: str, key: str, body: bytes, expected_version: int) -> Ticket:
        """Store version `expected_version + 1`, or fail with `Conflict`."""
        return self._writer.submit(self._put, kind, key, body, expected_version)

    async def delete(self, kind: str, key: str) -> None:
        """Forget a document."""

        def forget() -> None:
            self._db.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

        await self._writer.call(forget)

    def add_attempt(self, attempt: Attempt) -> Ticket:
        """Store an attempt once."""
        return self._writer.submit(self._add, attempt)

    async def attempts(self, learner: str, *, after_ms: int = 0) -> list[Attempt]:
        """A learner's attempts with `at_ms > after_ms`, in order of time."""
        return await self._writer.call(lambda: self._attempts(learner, after_ms))

    async def erase(self, learner: str) -> int:
        """Forget a learner's attempts; returns how many there were."""
        return await self._writer.call(lambda: self._erase(learner))

    # --- a part of the writer's transaction -----------------------------------------------------

    def flush(self) -> None:
        """Hand gathered attempts to SQLite."""
        self._chain.flush()

    def forget(self) -> None:
        """Read again what memory held of the lives."""
        self._lives.clear()
        self._chain.forget()

    # --- on the writer's thread ---------------------------------------------------------------

    def _put(self, kind: str, key: str, body: bytes, expected_version: int) -> Exception | None:
        row = self._db.execute(
            "SELECT version FROM documents WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        found: int = 0 if row is None else row[0]
        if found != expected_version:
            return Conflict(kind, key, expected_version, found)
        self._db.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (kind, key, found + 1, body)
        )
        return None

    def _add(self, attempt: Attempt) -> None:
        a = attempt
        self.keep(a.log, a.epoch, a.seq, a.learner, a.at_ms, a.sealed)

    def keep(self, log: str, epoch: str, seq: int, learner: str, at_ms: int, sealed: bytes) -> None:
        """Store an attempt once; to be called inside the writer's transaction."""
        life = self._life(log, epoch)
        if seq <= life.head and self._stored(life, seq):
            return
        if life.learner != learner:
            self._db.execute("INSERT OR IGNORE INTO answerers VALUES (?, ?)", (learner, life.id))
            life.learner = learner
        head, newest_ms = max(life.head, seq), max(life.at_ms, at_ms)
        self._chain.add(life, head, newest_ms, seq, learner, at_ms, sealed)

    def _life(self, log: str, epoch: str) -> _Life:
        life = self._lives.get((log, epoch)) or self._known(log, epoch)
        if life is None:
            insert = "INSERT INTO lives (log, epoch, head, at_ms, tail) VALUES (?, ?, 0, 0, 0)"
            self._db.execute(insert, (log, epoch))
            life = self._known(log, epoch)
            assert life is not None
        return life

    def _known(self, log: str, epoch: str) -> _Life | None:
        """A life that the file has; writes nothing, so that a reader may ask too."""
        if len(self._lives) >= LIVES_KEPT:
            self._chain.flush()  # before the row is read: this may save the tails and move the mark
            self._lives.clear()
        row = self._db.execute(
            "SELECT id, head, at_ms, tail FROM lives WHERE log = ? AND epoch = ?", (log, epoch)
        ).fetchone()
        if row is None:
            return None
        life = self._lives[log, epoch] = _Life(*row)
        self._chain.newest(life)
        return life

    def _walk(self, life: Strand, query: str, **values: Any) -> list[Any]:
        self._chain.flush()
        bound = {"tail": life.tail, "strand": life.id, "after": 0, **values}
        return self._db.execute(self._chain.walk + query, bound).fetchall()

    def _stored(self, life: Strand, seq: int) -> bool:
        query = "SELECT 1 FROM chain JOIN attempts AS a ON a.place = chain.place WHERE a.seq = :seq"
        return bool(self._walk(life, query, seq=seq))

    def _lives_of(self, learner: str) -> list[tuple[str, str]]:
        return self._db.execute(
            "SELECT l.log, l.epoch FROM answerers AS a JOIN lives AS l ON l.id = a.life "
            "WHERE a.learner = ?",
            (learner,),
        ).fetchall()

    def _attempts(self, learner: str, after_ms: int) -> list[Attempt]:
        found = []
        for log, epoch in self._lives_of(learner):
            rows = self._walk(
                self._life(log, epoch),
                "SELECT a.seq, a.answered_ms, a.sealed FROM chain JOIN attempts AS a "
                "ON a.place = chain.place WHERE a.learner = :learner AND a.answered_ms > :since",
                learner=learner,
                since=after_ms,
            )
            found += [Attempt(log, epoch, seq, learner, *rest) for seq, *rest in rows]
        return sorted(found, key=lambda a: (a.at_ms, a.log, a.epoch, a.seq))

    def _erase(self, learner: str) -> int:
        self._chain.save()  # rows deleted here may be the newest
        erased = 0
        for log, epoch in self._lives_of(learner):
            life = self._life(log, epoch)
            rows = self._walk(
                life,
                "SELECT a.place FROM chain JOIN attempts AS a ON a.place = chain.place "
                "WHERE a.learner = :learner",
                learner=learner,
            )
            erased += len(rows)
            self._db.execute(
                "DELETE FROM answerers WHERE learner = ? AND life = ?", (learner, life.id)
            )
            life.learner = None
            self._unlink(log, epoch, life, rows)
        return erased

    def _unlink(self, log: str, epoch: str, life: Strand, rows: list[Any]) -> None:
        """Delete a life of one learner; of a shared one blank the rows, which link the others'."""
        shared = self._db.execute("SELECT 1 FROM answerers WHERE life = ?", (life.id,)).fetchone()
        if shared:
            blank = "UPDATE attempts SET learner = NULL, sealed = NULL WHERE place = ?"
            self._db.executemany(blank, rows)
            return
        rows = self._walk(life, "SELECT place FROM chain")
        self._db.executemany("DELETE FROM attempts WHERE place = ?", rows)
        self._db.execute("DELETE FROM lives WHERE id = ?", (life.id,))
        del self._lives[log, epoch]
