"""The embedded twin of `Ledger`, on the store's own SQLite file. This file counts in rows.

Nothing is kept in memory: the writer's transaction reads, decides and writes, so it is exact for
any number of ledgers on one store, and a process killed at any moment leaves whole holds behind.
The tables are made where they are absent; an older program passes over them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from streaming.ledger import HOLD_S, KEPT_S, Counter, Line, Reserved, checked
from streaming.log import StoreUnavailable, stored
from streaming.writer_sqlite import Writer

T = TypeVar("T")

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS accounts ("
    "tenant TEXT NOT NULL, account TEXT NOT NULL, ends_s INTEGER NOT NULL, "
    "used INTEGER NOT NULL, reserved INTEGER NOT NULL, PRIMARY KEY (tenant, account)"
    ") WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS holds ("
    "tenant TEXT NOT NULL, hold TEXT NOT NULL, at_s REAL NOT NULL, lines BLOB NOT NULL, "
    "PRIMARY KEY (tenant, hold)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS holds_by_age ON holds (tenant, at_s)",
)
PRUNE_EVERY_S = 3_600.0
"""Time between two looks for counters whose period is long over, on the callers' clock."""

_ADD = (
    "INSERT INTO accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
    "SET used = used + excluded.used, reserved = reserved + excluded.reserved"
)
_packed = msgspec.msgpack.Encoder().encode
_unpacked = msgspec.msgpack.Decoder(list[Line]).decode


class SqliteLedger:
    """The ledger of one store; see `streaming.ledger` for the promises."""

    def __init__(self, db: sqlite3.Connection, writer: Writer, *, readonly: bool = False) -> None:
        self._db = db
        self._writer = writer
        self._pruned_s = 0.0
        if not readonly:
            for statement in SCHEMA:
                db.execute(statement)

    # --- the port -----------------------------------------------------------------------------

    async def reserve(
        self, tenant: str, hold: str, lines: Sequence[Line], *, now_s: float
    ) -> Reserved:
        """Set all lines aside under `hold`, or none."""
        checked(tenant, lines)
        return await self._asked(lambda: self._reserve(tenant, hold, lines, now_s), urgent=True)

    async def settle(
        self, tenant: str, hold: str, amounts: Sequence[int]
    ) -> dict[str, Counter] | None:
        """Charge what was used, once."""
        return await self._asked(lambda: self._settle(tenant, hold, amounts))

    async def spent(
        self, tenant: str, accounts: Sequence[str], *, now_s: float
    ) -> tuple[Counter, ...]:
        """The counters, dead holds charged."""

        def ask() -> tuple[Counter, ...]:
            self._sweep(tenant, now_s)
            return tuple(self._counter(tenant, account) for account in accounts)

        return await self._asked(ask)

    async def sweep(self, tenant: str, *, now_s: float) -> int:
        """Charge dead holds in full."""
        return await self._asked(lambda: self._sweep(tenant, now_s))

    async def _asked(self, ask: Callable[[], T], *, urgent: bool = False) -> T:
        # Not `Writer.call`: counters need no rows of the log flushed before.
        answer: list[T] = []

        def work() -> None:
            answer[:] = [ask()]

        try:
            await stored(self._writer.submit(work, urgent=urgent))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the ledger: {error}") from None
        return answer[0]

    # --- on the writer's thread ---------------------------------------------------------------

    def _reserve(self, tenant: str, hold: str, lines: Sequence[Line], now_s: float) -> Reserved:
        self._sweep(tenant, now_s)
        counters = tuple(self._counter(tenant, line.account) for line in lines)
        if self._lines(tenant, hold) is not None:
            return Reserved(None, counters)
        for at, line in enumerate(lines):
            if not line.fits(counters[at]):
                return Reserved(at, counters)
        rows = [(tenant, line.account, line.ends_s, 0, line.amount) for line in lines]
        self._db.executemany(_ADD, rows)
        body = _packed(list(lines))
        self._db.execute("INSERT INTO holds VALUES (?, ?, ?, ?)", (tenant, hold, now_s, body))
        taken = zip(counters, lines, strict=True)
        return Reserved(None, tuple(Counter(c.used, c.reserved + ln.amount) for c, ln in taken))

    def _settle(self, tenant: str, hold: str, amounts: Sequence[int]) -> dict[str, Counter] | None:
        lines = self._lines(tenant, hold)
        if lines is None:
            return None
        self._charge(tenant, hold, lines, amounts)
        return {line.account: self._counter(tenant, line.account) for line in lines}

    def _sweep(self, tenant: str, now_s: float) -> int:
        if abs(now_s - self._pruned_s) >= PRUNE_EVERY_S:
            self._pruned_s = now_s
            self._db.execute("DELETE FROM accounts WHERE ends_s < ?", (now_s - KEPT_S,))
        dead = self._db.execute(
            "SELECT hold, lines FROM holds WHERE tenant = ? AND at_s <= ?", (tenant, now_s - HOLD_S)
        ).fetchall()
        for hold, body in dead:
            self._charge(tenant, hold, _unpacked(body), ())
        return len(dead)

    def _charge(
        self, tenant: str, hold: str, lines: Sequence[Line], amounts: Sequence[int]
    ) -> None:
        self._db.execute("DELETE FROM holds WHERE tenant = ? AND hold = ?", (tenant, hold))
        for at, line in enumerate(lines):
            used = amounts[at] if at < len(amounts) else line.amount
            row = (tenant, line.account, line.ends_s, used, -line.amount)
            self._db.execute(_ADD, row)

    def _lines(self, tenant: str, hold: str) -> list[Line] | None:
        row = self._db.execute(
            "SELECT lines FROM holds WHERE tenant = ? AND hold = ?", (tenant, hold)
        ).fetchone()
        return None if row is None else _unpacked(row[0])

    def _counter(self, tenant: str, account: str) -> Counter:
        row = self._db.execute(
            "SELECT used, reserved FROM accounts WHERE tenant = ? AND account = ?",
            (tenant, account),
        ).fetchone()
        return Counter(0, 0) if row is None else Counter(*row)
