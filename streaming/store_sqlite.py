"""One SQLite file for log and records. This file opens it, locks it and knows its schema."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Literal

from streaming.checkpoints_sqlite import Checkpoints
from streaming.ledger_sqlite import SqliteLedger
from streaming.log import StoreUnavailable
from streaming.log_sqlite import SqliteLog
from streaming.records_sqlite import SqliteRecords
from streaming.writer_sqlite import Writer

APPLICATION_ID = 0x7475746F
"""Marks a SQLite file as ours ("tuto")."""
SCHEMA_VERSION = 1
GROUP_MS = 2.0
"""Least time between the beginnings of two group commits."""
CACHE_KIB = 16_384

SCHEMA = """
BEGIN;
CREATE TABLE marks (rows TEXT PRIMARY KEY, upto INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO marks VALUES ('appends', 0), ('attempts', 0);
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
    term INTEGER NOT NULL, node TEXT NOT NULL, floor INTEGER NOT NULL,
    head INTEGER NOT NULL, at_ms INTEGER NOT NULL, tail INTEGER NOT NULL
);
CREATE TABLE appends (
    place INTEGER PRIMARY KEY, strand INTEGER NOT NULL, prev INTEGER NOT NULL,
    head INTEGER NOT NULL, at_ms INTEGER NOT NULL, first INTEGER NOT NULL,
    asked INTEGER NOT NULL, command TEXT, digest BLOB, entries BLOB
);
CREATE TABLE lives (
    id INTEGER PRIMARY KEY, log TEXT NOT NULL, epoch TEXT NOT NULL,
    head INTEGER NOT NULL, at_ms INTEGER NOT NULL, tail INTEGER NOT NULL, UNIQUE (log, epoch)
);
CREATE TABLE attempts (
    place INTEGER PRIMARY KEY, strand INTEGER NOT NULL, prev INTEGER NOT NULL,
    head INTEGER NOT NULL, at_ms INTEGER NOT NULL, seq INTEGER NOT NULL,
    learner TEXT, answered_ms INTEGER NOT NULL, sealed BLOB
);
CREATE TABLE answerers (
    learner TEXT NOT NULL, life INTEGER NOT NULL, PRIMARY KEY (learner, life)
) WITHOUT ROWID;
CREATE TABLE documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class SqliteStore:
    """The file, its writer, and the ports over it: `log`, `records` and `ledger`.

    `lock` is held as long as the store is open; `db` is the writer's own connection.
    """

    def __init__(
        self,
        path: str | None,
        db: sqlite3.Connection,
        lock: sqlite3.Connection | None,
        loop: asyncio.AbstractEventLoop,
        *,
        group_ms: float,
        inline: bool,
        readonly: bool,
    ) -> None:
        self.db = db
        self.lock = lock
        self._checkpoints: Checkpoints | None = None
        if path is not None and not inline and not readonly:
            db.execute("PRAGMA wal_autocheckpoint = 0")
            self._checkpoints = Checkpoints(path, db)
        self._writer = Writer(
            db,
            loop,
            group_ms=group_ms,
            inline=inline,
            readonly=readonly,
            committed=self._committed,
            ended=self._ended,
        )
        self.records = SqliteRecords(db, self._writer)
        self.log = SqliteLog(db, self._writer, self.records, loop)
        self.ledger = SqliteLedger(db, self._writer, readonly=readonly)

    @classmethod
    def open(
        cls,
        path: str | None,
        *,
        loop: asyncio.AbstractEventLoop,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        group_ms: float = GROUP_MS,
        inline: bool = False,
        readonly: bool = False,
    ) -> SqliteStore:
        """A store on a file, or in memory for None or ":memory:"; folders are made.

        NORMAL survives the death of the process, FULL also the loss of power (each group commit
        waits for the disk). One process at a time may write a file; `readonly` looks at a file
        that another one may be writing. `inline` is for virtual loops: no threads.
        Raises `StoreUnavailable`, in one line that names the file.
        """
        if path == ":memory:":
            path = None
        lock = None if path is None or readonly else _locked(path)
        try:
            db = _opened(path, synchronous, readonly=readonly)
        except StoreUnavailable:
            if lock is not None:
                lock.close()
            raise
        return cls(path, db, lock, loop, group_ms=group_ms, inline=inline, readonly=readonly)

    async def aclose(self) -> None:
        """Store what is queued, then close; a second call waits for the first."""
        await self._writer.aclose()

    def _committed(self, changed: bool) -> None:
        if self._checkpoints is not None:
            self._checkpoints.committed(changed)

    def _ended(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.close()
        self.db.close()
        if self.lock is not None:
            self.lock.close()


def _locked(path: str) -> sqlite3.Connection:
    # SQLite's own lock on a file beside: portable, and gone with the process, however it ends.
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"store {path}: {error.strerror}") from None
    try:
        lock = sqlite3.connect(
            f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise StoreUnavailable(f"store {path}: {error}") from None
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise StoreUnavailable(
                f"store {path} is in use by another process: stop it or name another file"
            ) from None
        raise StoreUnavailable(f"store {path}: {error}") from None
    return lock


def _opened(path: str | None, synchronous: str, *, readonly: bool) -> sqlite3.Connection:
    where = path or "in memory"
    target = ":memory:" if path is None else Path(path).absolute().as_uri()
    target += "?mode=ro" if readonly else ""
    try:
        db = sqlite3.connect(
            target, timeout=0, isolation_level=None, check_same_thread=False, uri=True
        )
    except sqlite3.Error as error:
        raise StoreUnavailable(f"store {where}: {error}") from None
    try:
        if not _ours(db, where):
            if readonly:
                raise StoreUnavailable(f"store {where} is empty: nothing was ever stored in it")
            marks = (
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
            )
            db.executescript(f"{SCHEMA} {marks} COMMIT;")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if not readonly:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {synchronous}")
    except sqlite3.Error as error:
        db.close()
        raise StoreUnavailable(f"store {where}: {error}") from None
    except StoreUnavailable:
        db.close()
        raise
    return db


def _ours(db: sqlite3.Connection, where: str) -> bool:
    """Whether the schema is there; False for an empty file. Refuses any other."""
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if mark == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise StoreUnavailable(
                f"store {where} has schema {version}, this program knows up to "
                f"{SCHEMA_VERSION}: use a newer tutorstream"
            )
        db.execute("SELECT count(*) FROM marks")  # an error here names what is missing
        return True
    if tables or mark or version:
        raise StoreUnavailable(f"store {where} is a database, but not of tutorstream")
    return False
