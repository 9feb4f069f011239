"""One SQLite file for log and records: one writer thread, group commit. This file is that thread.

Jobs are queued from the loop's thread; the writer takes all that wait into one transaction and
resolves their tickets with one call back. A lonely job is committed at once; after a commit the
next one waits until `group_ms` have passed, so that a busy server pays one commit, one wake-up
and one call back for many sessions. Reads run on the same thread after the writes before them.

On a virtual loop (`inline=True`) the same code runs as a callback of the loop, without a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

from streaming.log import StoreUnavailable, Ticket

if TYPE_CHECKING:
    from streaming.log_sqlite import SqliteLog
    from streaming.records_sqlite import SqliteRecords

T = TypeVar("T")

SCHEMA_VERSION = 1
GROUP_MS = 2.0
"""Least time between two group commits."""
CHECKPOINT_PAGES = 4_000
"""The write-ahead log is worked into the file after so many pages (about 16 MB)."""

SCHEMA = """
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
    term INTEGER NOT NULL, node TEXT NOT NULL, floor INTEGER NOT NULL, at_ms INTEGER NOT NULL
);
CREATE TABLE entries (
    log INTEGER NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    public BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (log, seq)
) WITHOUT ROWID;
CREATE TABLE commands (
    log INTEGER NOT NULL, id TEXT NOT NULL, digest BLOB NOT NULL,
    seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (log, id)
) WITHOUT ROWID;
CREATE TABLE documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE attempts (
    log TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, learner TEXT NOT NULL,
    at_ms INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (log, epoch, seq)
) WITHOUT ROWID;
CREATE INDEX attempts_by_learner ON attempts (learner, at_ms);
"""


class Job:
    """One piece of work in a transaction; `ticket` or `future` hears how it went.

    `work` returns the job's own error (the rest of the group goes on), or None.
    """

    __slots__ = ("answer", "future", "ticket", "work")

    def __init__(
        self,
        work: Callable[[], Any],
        ticket: Ticket | None = None,
        future: asyncio.Future[Any] | None = None,
    ) -> None:
        self.work = work
        self.ticket = ticket
        self.future = future
        self.answer: Any = None


class SqliteStore:
    """The file, its writer, and the two ports over it: `log` and `records`."""

    log: SqliteLog
    records: SqliteRecords

    def __init__(
        self,
        db: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        *,
        group_ms: float,
        inline: bool,
        lock: IO[str] | None,
    ) -> None:
        from streaming.log_sqlite import SqliteLog
        from streaming.records_sqlite import SqliteRecords

        self.db = db
        self.commit_us = 0
        self.on_flush: list[Callable[[], None]] = []
        self.on_rollback: list[Callable[[], None]] = []
        self._loop = loop
        self._group_s = group_ms / 1000
        self.lock = lock
        self._jobs: deque[Job] = deque()
        self._wake = threading.Event()
        self._asleep = True
        self._closing = False
        self._newest_s = 0.0
        self.log = SqliteLog(self)
        self.records = SqliteRecords(self)
        self._thread: threading.Thread | None = None
        if not inline:
            self._thread = threading.Thread(target=self._write, name="store", daemon=True)
            self._thread.start()

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
        """Open a file, or memory for None. Raises `StoreUnavailable` naming the file.

        A file has one writing process at a time. `readonly` looks at a file that may have one.
        """
        lock = None if path is None or readonly else _locked(path)
        try:
            db = _connected(path, synchronous, readonly=readonly)
        except BaseException:
            if lock is not None:
                lock.close()
            raise
        return cls(db, loop, group_ms=group_ms, inline=inline, lock=lock)

    # --- queueing, on the loop's thread -------------------------------------------------------

    def submit(self, work: Callable[[], Exception | None]) -> Ticket:
        """Queue a write; its ticket resolves after the commit."""
        ticket = Ticket()
        self._queue(Job(work, ticket=ticket))
        return ticket

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` after the writes before it; returns what it returns."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue(Job(work, future=future))
        return await future

    def _queue(self, job: Job) -> None:
        if self._closing:
            raise StoreUnavailable("the store is closed")
        self._jobs.append(job)
        if self._asleep:
            self._asleep = False
            if self._thread is None:
                self._loop.call_soon(self._inline)
            else:
                self._wake.set()

    # --- the writer ---------------------------------------------------------------------------

    def _inline(self) -> None:
        self._asleep = True
        _tell(self._group())

    def _write(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            pause_s = self._newest_s + self._group_s - time.monotonic()
            if pause_s > 0 and not self._closing:
                time.sleep(pause_s)
            self._asleep = True
            told = self._group()
            if told:
                with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens
                    self._loop.call_soon_threadsafe(_tell, told)
            if self._closing and not self._jobs:
                return

    def _group(self) -> list[tuple[Job, Exception | None]]:
        jobs = list(self._taken())
        if not jobs:
            return []
        start_ns = time.perf_counter_ns()
        try:
            self.db.execute("BEGIN")
            told = [(job, self._done(job)) for job in jobs]
            self.flush()
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            self._rolled_back()
            failed = StoreUnavailable(f"the store did not take the write: {error}")
            told = [(job, failed) for job in jobs]
        self.commit_us = (time.perf_counter_ns() - start_ns) // 1000
        self._newest_s = time.monotonic()
        return told

    def _taken(self) -> Iterator[Job]:
        while self._jobs:
            yield self._jobs.popleft()

    def _done(self, job: Job) -> Exception | None:
        if job.future is None:
            error: Exception | None = job.work()
            return error
        self.flush()
        try:
            job.answer = job.work()
        except (sqlite3.Error, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - handed to the caller, who awaits it
            return error
        return None

    def flush(self) -> None:
        """Hand rows that were gathered to SQLite, so that what follows sees them."""
        for each in self.on_flush:
            each()

    def _rolled_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.db.execute("ROLLBACK")
        for each in self.on_rollback:
            each()

    # --- the end ------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Store what is queued, then close; a second call does nothing."""
        if self._closing:
            return
        if self._thread is None:
            _tell(self._group())
            self._closing = True
        else:
            self._closing = True
            self._wake.set()
            await asyncio.to_thread(self._thread.join)
        self.db.close()
        if self.lock is not None:
            self.lock.close()


def _tell(told: list[tuple[Job, Exception | None]]) -> None:
    for job, error in told:
        if job.ticket is not None:
            job.ticket.resolve(error)
        elif job.future is not None and not job.future.done():
            if error is None:
                job.future.set_result(job.answer)
            else:
                job.future.set_exception(error)


def _locked(path: str) -> IO[str]:
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        lock = open(f"{path}.lock", "w")  # noqa: SIM115 - held for the life of the store
    except OSError as error:
        raise StoreUnavailable(f"store {path}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreUnavailable(
            f"store {path} is in use by another process; stop it or name another file"
        ) from None
    return lock


def _connected(path: str | None, synchronous: str, *, readonly: bool) -> sqlite3.Connection:
    try:
        target = ":memory:" if path is None else f"file:{path}?mode={'ro' if readonly else 'rwc'}"
        db = sqlite3.connect(
            target, isolation_level=None, check_same_thread=False, uri=path is not None
        )
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            db.close()
            raise StoreUnavailable(
                f"store {path} has schema {version}, this program knows up to {SCHEMA_VERSION}: "
                "use a newer tutorstream"
            )
        if not readonly:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {synchronous}")
            db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            if version == 0:
                db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"store {path or 'memory'}: {error}") from None
    return db
