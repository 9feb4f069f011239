"""The embedded twin of `Records`, on the log's own SQLite file. This file stores documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streaming.log import Ticket
from streaming.records import Attempt, Conflict, Document

if TYPE_CHECKING:
    from streaming.store_sqlite import SqliteStore


class SqliteRecords:
    """All records of one store; see `streaming.records.Records` for the promises."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._rows: list[tuple[str, str, int, str, int, bytes]] = []
        store.on_flush.append(self._flush)
        store.on_rollback.append(self._rows.clear)

    async def get(self, kind: str, key: str) -> Document | None:
        """The newest version of a document."""

        def look() -> Document | None:
            row = self._store.db.execute(
                "SELECT version, body FROM documents WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
            return None if row is None else Document(*row)

        return await self._store.call(look)

    def put(self, kind: str, key: str, body: bytes, expected_version: int) -> Ticket:
        """Store version `expected_version + 1`, or fail with `Conflict`."""

        def swap() -> Exception | None:
            db = self._store.db
            row = db.execute(
                "SELECT version FROM documents WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
            found = 0 if row is None else int(row[0])
            if found != expected_version:
                return Conflict(kind, key, expected_version, found)
            db.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)",
                (kind, key, found + 1, body),
            )
            return None

        return self._store.submit(swap)

    async def delete(self, kind: str, key: str) -> None:
        """Forget a document."""
        await self._store.call(
            lambda: self._store.db.execute(
                "DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key)
            )
        )

    def add_attempt(self, attempt: Attempt) -> Ticket:
        """Store an attempt once."""

        def add() -> None:
            a = attempt
            self._rows.append((a.log, a.epoch, a.seq, a.learner, a.at_ms, a.sealed))

        return self._store.submit(add)

    async def attempts(self, learner: str, *, after_ms: int = 0) -> list[Attempt]:
        """A learner's attempts in order of time."""

        def look() -> list[Attempt]:
            rows = self._store.db.execute(
                "SELECT log, epoch, seq, learner, at_ms, sealed FROM attempts "
                "WHERE learner = ? AND at_ms > ? ORDER BY at_ms, seq",
                (learner, after_ms),
            ).fetchall()
            return [Attempt(*row) for row in rows]

        return await self._store.call(look)

    async def erase(self, learner: str) -> int:
        """Forget a learner's attempts; returns how many there were."""
        return await self._store.call(
            lambda: (
                self._store.db.execute(
                    "DELETE FROM attempts WHERE learner = ?", (learner,)
                ).rowcount
            )
        )

    def _flush(self) -> None:
        if self._rows:
            self._store.db.executemany(
                "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?)", self._rows
            )
            self._rows.clear()
