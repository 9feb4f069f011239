"""The embedded twin of `Log`, on SQLite. This file checks and stores appends.

What an append is checked against (term, head, newest time) is kept in memory by the writer's
thread and read from the file when a log is first met or a transaction was rolled back.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from protocol.limits import LIMITS, Limits
from streaming.log import (
    Claim,
    CommandId,
    Duplicate,
    Entry,
    Fenced,
    OutOfOrder,
    Reply,
    Ticket,
)

if TYPE_CHECKING:
    from streaming.store_sqlite import SqliteStore

PRUNE_EVERY = 256
"""Commands of one log between two looks at which ids may be forgotten."""
LOGS_KEPT = 50_000
"""Logs whose heads are kept in memory."""


class _Head:
    """What the writer knows of one log."""

    __slots__ = ("at_ms", "claimed", "epoch", "floor", "head", "id", "node", "term")

    def __init__(self, row: tuple[int, str, int, str, int, int], head: int, at_ms: int) -> None:
        self.id, self.epoch, self.term, self.node, self.floor, begun_ms = row
        self.head = max(head, self.floor)
        self.at_ms = max(at_ms, begun_ms)
        self.claimed = 0


class SqliteLog:
    """All logs of one store; see `streaming.log.Log` for the promises."""

    def __init__(self, store: SqliteStore, limits: Limits = LIMITS) -> None:
        self._store = store
        self._limits = limits
        self._heads: dict[str, _Head] = {}
        self._rows: list[tuple[int, int, int, bytes, bytes]] = []
        store.on_flush.append(self._flush)
        store.on_rollback.append(self._forget)

    @property
    def commit_us(self) -> int:
        """How long the newest finished group commit took, in microseconds."""
        return self._store.commit_us

    # --- the port -----------------------------------------------------------------------------

    async def claim(self, name: str, node: str, *, at_ms: int) -> Claim:
        """Take or renew ownership; the file's lock proves that an owner before us is gone."""
        return await self._store.call(lambda: self._claim(name, node, at_ms))

    def append(
        self, name: str, term: int, command: CommandId | None, entries: Sequence[Entry]
    ) -> Ticket:
        """Queue one atomic append."""
        return self._store.submit(lambda: self._append(name, term, command, entries))

    async def read(self, name: str, after: int, *, limit: int | None = None) -> list[Entry]:
        """Entries with `seq > after`, in order."""
        query = (
            "SELECT e.seq, e.at_ms, e.public, e.sealed FROM entries e JOIN logs l ON e.log = l.id "
            "WHERE l.name = ? AND e.seq > ? ORDER BY e.seq LIMIT ?"
        )
        rows = await self._all(query, (name, after, -1 if limit is None else limit))
        return [Entry(*row) for row in rows]

    async def replies(self, name: str, *, newest: int, since_ms: int) -> list[Reply]:
        """Remembered commands, oldest first."""
        query = (
            "SELECT id, digest, seq, at_ms FROM (SELECT c.*, row_number() OVER "
            "(ORDER BY c.seq DESC) AS rank FROM commands c JOIN logs l ON c.log = l.id "
            "WHERE l.name = ?) WHERE rank <= ? OR at_ms >= ? ORDER BY seq"
        )
        return [Reply(*row) for row in await self._all(query, (name, newest, since_ms))]

    async def head(self, name: str) -> tuple[str, int] | None:
        """`(epoch, seq)` of a log, or None."""

        def look() -> tuple[str, int] | None:
            known = self._known(name)
            return None if known is None else (known.epoch, known.head)

        return await self._store.call(look)

    async def trim(self, name: str, upto: int) -> None:
        """Forget entries with `seq <= upto`; the head stays."""

        def cut() -> None:
            known = self._known(name)
            if known is None:
                return
            known.floor = max(known.floor, min(upto, known.head))
            self._store.db.execute(
                "DELETE FROM entries WHERE log = ? AND seq <= ?", (known.id, known.floor)
            )
            self._store.db.execute(
                "UPDATE logs SET floor = ?, at_ms = ? WHERE id = ?",
                (known.floor, known.at_ms, known.id),
            )

        await self._store.call(cut)

    async def drop(self, name: str) -> None:
        """Forget a log altogether."""

        def forget() -> None:
            known = self._known(name)
            if known is None:
                return
            for table in ("entries", "commands"):
                self._store.db.execute(f"DELETE FROM {table} WHERE log = ?", (known.id,))  # noqa: S608 - two fixed names
            self._store.db.execute("DELETE FROM logs WHERE id = ?", (known.id,))
            del self._heads[name]

        await self._store.call(forget)

    async def names(self) -> list[str]:
        """Every log there is, sorted."""
        return [row[0] for row in await self._all("SELECT name FROM logs ORDER BY name", ())]

    async def aclose(self) -> None:
        """Close the store that this log is a port of."""
        await self._store.aclose()

    # --- on the writer's thread ---------------------------------------------------------------

    async def _all(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        return await self._store.call(lambda: self._store.db.execute(query, values).fetchall())

    def _known(self, name: str) -> _Head | None:
        known = self._heads.get(name)
        if known is not None:
            return known
        db = self._store.db
        row = db.execute(
            "SELECT id, epoch, term, node, floor, at_ms FROM logs WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            return None
        newest = db.execute(
            "SELECT seq, at_ms FROM entries WHERE log = ? ORDER BY seq DESC LIMIT 1", (row[0],)
        ).fetchone()
        if len(self._heads) >= LOGS_KEPT:
            self._flush()
            self._heads.pop(next(iter(self._heads)))
        known = self._heads[name] = _Head(row, *(newest or (0, 0)))
        return known

    def _claim(self, name: str, node: str, at_ms: int) -> Claim:
        db = self._store.db
        known = self._known(name)
        if known is None:
            epoch = secrets.token_hex(8)
            db.execute(
                "INSERT INTO logs (name, epoch, term, node, floor, at_ms) "
                "VALUES (?, ?, 1, ?, 0, ?)",
                (name, epoch, node, at_ms),
            )
            known = self._known(name)
            assert known is not None
        elif known.node != node:
            known.term, known.node = known.term + 1, node
            db.execute(
                "UPDATE logs SET term = ?, node = ? WHERE id = ?", (known.term, node, known.id)
            )
        return Claim(known.term, known.epoch, known.head, known.floor, known.at_ms)

    def _append(
        self, name: str, term: int, command: CommandId | None, entries: Sequence[Entry]
    ) -> Exception | None:
        known = self._known(name)
        if known is None or known.term != term:
            return Fenced(name, known.term if known else 0, term)
        if command is not None:
            seen = self._seen(known, command)
            if seen is not None:
                return Duplicate(name, seen, same_body=seen.digest == command.digest)
        head, log, at_ms = known.head, known.id, known.at_ms
        for n, entry in enumerate(entries, head + 1):
            if entry.seq != n:
                return OutOfOrder(name, n, entry.seq)
        for entry in entries:
            at_ms = max(at_ms, entry.at_ms)
            self._rows.append((log, entry.seq, at_ms, entry.public, entry.sealed))
        if command is not None:
            self._remember(known, command, head + 1, at_ms)
        known.head, known.at_ms = head + len(entries), at_ms
        return None

    def _seen(self, known: _Head, command: CommandId) -> Reply | None:
        row = self._store.db.execute(
            "SELECT id, digest, seq, at_ms FROM commands WHERE log = ? AND id = ?",
            (known.id, command.id),
        ).fetchone()
        return None if row is None else Reply(*row)

    def _remember(self, known: _Head, command: CommandId, seq: int, at_ms: int) -> None:
        self._store.db.execute(
            "INSERT INTO commands VALUES (?, ?, ?, ?, ?)",
            (known.id, command.id, command.digest, seq, at_ms),
        )
        known.claimed += 1
        if known.claimed >= PRUNE_EVERY:
            known.claimed = 0
            self._store.db.execute(
                "DELETE FROM commands WHERE log = ?1 AND at_ms < ?2 AND seq < "
                "(SELECT min(seq) FROM "
                "(SELECT seq FROM commands WHERE log = ?1 ORDER BY seq DESC LIMIT ?3))",
                (known.id, at_ms - int(self._limits.ids_kept_s * 1000), self._limits.ids_kept),
            )

    def _flush(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self._store.db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)

    def _forget(self) -> None:
        self._rows = []
        self._heads.clear()
