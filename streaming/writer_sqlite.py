"""One thread takes all waiting jobs into one transaction. This file is the group commit.

Jobs are queued from the loop's thread at the price of one `SimpleQueue.put`. The writer takes all
that wait, runs them inside one transaction and resolves their tickets with one call back to the
loop. The first job after a quiet time is committed at once; after that a group begins at most
every `group_ms`, so a lonely answer waits for its own commit only, and a busy server pays for
one commit, one wake-up and one call back per group instead of per answer.

A job that is refused (a stale term, a used command id) returns its error and changes nothing. A
job that cannot be bound to a statement at all would spoil the transaction: then the group is
rolled back and its jobs run again, each in a transaction of its own, and only that job fails. When
the disk refuses, the whole group fails with `StoreUnavailable`; what the parts keep in memory is
read again from the file, as after a restart, and the next group finds a usable store.

On a virtual loop (`inline=True`) the same code runs as a callback of the loop, without a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from streaming.log import StoreUnavailable, Ticket, stored

T = TypeVar("T")

Job = tuple[Ticket, Callable[..., Exception | None], tuple[Any, ...]]
"""A ticket, the work inside the transaction, the work's arguments."""
Outcome = list[tuple[Ticket, Exception | None]]


class Part(Protocol):
    """Some tables of the store, with rows gathered and heads remembered in memory."""

    def flush(self) -> None:
        """Hand gathered rows to SQLite; called before a read and before the commit."""
        ...

    def forget(self) -> None:
        """Read again what memory held: a transaction was rolled back, or another process writes."""
        ...


class Writer:
    """The only user of `db` that writes. `parts` take part in every transaction.

    `committed(changed)` is called after each group, on the writer's thread, with whether rows
    changed; `ended` once, there too, when the last group is done.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        loop: asyncio.AbstractEventLoop,
        *,
        group_ms: float,
        inline: bool,
        readonly: bool,
        committed: Callable[[bool], None],
        ended: Callable[[], None],
    ) -> None:
        self.parts: list[Part] = []
        self.commit_us = 0
        self._db = db
        self._loop = loop
        self._group_s = group_ms / 1000
        self._committed = committed
        self._ended = ended
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._readonly = readonly
        self._spoilt = readonly
        self._scheduled = False
        self._hurry = threading.Event()
        self._closed: asyncio.Future[None] | None = None
        self._over = False
        self._thread: threading.Thread | None = None
        if not inline:
            self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
            self._thread.start()

    # --- on the loop's thread -----------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it takes no jobs any more."""
        return self._closed is not None or self._over

    def submit(
        self, work: Callable[..., Exception | None], *args: Any, urgent: bool = False
    ) -> Ticket:
        """Queue `work(*args)`; the ticket resolves after the commit, in the order of queueing.

        `work` returns an error that is the job's own, or None. A closed store fails the ticket.
        What is `urgent` does not wait for the next group: somebody stands still until it is stored.
        """
        ticket = Ticket()
        if self.closed:
            self._loop.call_soon(ticket.resolve, StoreUnavailable("the store is closed"))
            return ticket
        self._queue.put((ticket, work, args))
        if urgent:
            self._hurry.set()
        if self._thread is None and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._inline)
        return ticket

    async def call(self, ask: Callable[[], T]) -> T:
        """What `ask` returns after all writes queued before; they are committed by then."""
        answer: list[T] = []

        def work() -> None:
            self.flush()
            answer[:] = [ask()]

        await stored(self.submit(work))
        return answer[0]

    async def aclose(self) -> None:
        """Store what is queued, then end; a second call waits for the first."""
        if self._closed is None:
            self._closed = self._loop.create_future()
            self._queue.put(None)
            if self._thread is None:
                self._inline()
        await asyncio.shield(self._closed)
        if self._thread is not None:
            self._thread.join()

    def _inline(self) -> None:
        self._scheduled = False
        jobs, ending = self._taken()
        if jobs:
            self._tell(self._group(jobs))
        if ending:
            self._end()
            self._finished()

    def _tell(self, outcome: Outcome) -> None:
        told = iter(outcome)
        try:
            for ticket, error in told:
                ticket.resolve(error)
        except BaseException:  # a listener's own failure goes to the loop; the others still hear
            self._loop.call_soon(self._tell, list(told))
            raise

    def _finished(self) -> None:
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    # --- on the writer's thread ---------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        try:
            while not ending:
                first = self._queue.get()
                begun_s = time.monotonic()
                jobs, ending = self._taken(first)
                if jobs:
                    self._loop.call_soon_threadsafe(self._tell, self._group(jobs))
                # Sleep now and not when the next job is there: one wake-up a group, not two.
                wait_s = begun_s + self._group_s - time.monotonic()
                if wait_s > 0 and not ending and self._closed is None:
                    self._hurry.wait(wait_s)
                self._hurry.clear()
        except RuntimeError:
            if not self._loop.is_closed():  # else nobody listens any more: close the file, go
                raise
        finally:
            self._end()
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._finished)

    def _end(self) -> None:
        self._over = True
        self._ended()

    def _taken(self, *first: Job | None) -> tuple[list[Job], bool]:
        waiting = [*first, *(self._queue.get_nowait() for _ in range(self._queue.qsize()))]
        return [job for job in waiting if job is not None], None in waiting

    def _group(self, jobs: list[Job]) -> Outcome:
        start_ns = time.perf_counter_ns()
        changes = self._changes()
        try:
            outcome = self._transaction(jobs)
        except Exception as error:  # noqa: BLE001 - an actor's edge: the tickets carry it
            self._roll_back()
            outcome = self._failed(jobs, error)
        self.commit_us = (time.perf_counter_ns() - start_ns) // 1000
        self._committed(self._changes() != changes)
        return outcome

    def _changes(self) -> int:
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed under us
            return self._db.total_changes
        return 0

    def _transaction(self, jobs: list[Job]) -> Outcome:
        self._db.execute("BEGIN")
        if self._spoilt:
            for part in self.parts:
                part.forget()
            self._spoilt = self._readonly
        outcome = [(ticket, work(*args)) for ticket, work, args in jobs]
        self.flush()
        self._db.execute("COMMIT")
        return outcome

    def _failed(self, jobs: list[Job], error: Exception) -> Outcome:
        if _of_the_disk(error):
            return [(ticket, StoreUnavailable(f"not stored: {error}")) for ticket, _, _ in jobs]
        if len(jobs) > 1:
            return [self._alone(job) for job in jobs]
        if isinstance(error, sqlite3.Error):
            error = StoreUnavailable(f"not stored: {error}")
        return [(jobs[0][0], error)]

    def _alone(self, job: Job) -> tuple[Ticket, Exception | None]:
        try:
            return self._transaction([job])[0]
        except Exception as error:  # noqa: BLE001 - an actor's edge: the ticket carries it
            self._roll_back()
            return self._failed([job], error)[0]

    def flush(self) -> None:
        """Hand all gathered rows to SQLite, so that a read sees them."""
        for part in self.parts:
            part.flush()

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
            self._db.execute("ROLLBACK")
        self._spoilt = True


def _of_the_disk(error: Exception) -> bool:
    # Its subclasses but OperationalError mean a statement or a value that is wrong in itself.
    return type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)
