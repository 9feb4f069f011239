"""The shared twin of `Records`, in MongoDB, for any number of nodes. This file stores documents.

| collection | `_id` | fields |
| --- | --- | --- |
| `documents` | kind, `/`, key | `version`, `body`, `by`: a token of the write that made it so |
| `attempts` | log, epoch, seq, bars between | `log`, `epoch`, `seq`, `learner`, `at_ms`, `sealed` |

A write is stored once a majority has it in its journal, and reads see nothing else. A version is
replaced by one update that names it, so of two nodes one wins. Puts of one document go in their
order, those of different documents side by side; attempts that come while others are on their way
go together in one insert.

Where the connection breaks or the primary changes, nobody knows whether a write landed. Then it is
sent again: an attempt has one `_id`, and of a version `by` tells whose write made it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pymongo import ASCENDING, AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern

from streaming.log import StoreUnavailable, Ticket, stored
from streaming.records import Attempt, Conflict, Document

T = TypeVar("T")
Fields = dict[str, Any]

_LOG = logging.getLogger(__name__)

SCHEMES = ("mongodb://", "mongodb+srv://")
DATABASE = "tutorstream"
"""The database where the address names none."""
WAIT_S = 2.0
"""Longest wait for a primary, unless the settings say otherwise."""
ANSWER_S = 3.0
"""Longest time beyond that for all of one call: sent, answered, sent again."""
GRACE_S = 1.0
"""Time that the driver has above all that to end a call by itself."""
AGAIN_S = 0.05
"""Wait before a call that a fail-over cut off is sent again."""
LOOK_S = 2.0
"""How often an idle store is looked at, to see that it is there."""
WRITES_AT_ONCE = 32
"""Documents written at the same time; more wait their turn."""
HEARTBEAT_MS = 1_000
"""How often the driver looks who is the primary: more than once while a call waits for one."""
CONNECTIONS = 64
"""Connections of one process."""
ATTEMPTS_A_BATCH = 1_000
BODY_BYTES = 16 * 1024 * 1024 - 16 * 1024
"""Largest body: MongoDB takes documents of 16 MiB, names and the rest of the fields included."""

_BAD_LOGIN = frozenset({18, 8000})
"""AuthenticationFailed; the same of hosted clusters."""
_FORBIDDEN = 13
_DUPLICATE = 11000


class _Overtaken(Exception):  # noqa: N818 - never leaves this file
    """What was found says neither stored nor refused: the document is being changed. Look again."""


class _Job(NamedTuple):
    """One write of one document, with its ticket and the end of its time on the loop's clock."""

    ticket: Ticket
    until_s: float
    write: Callable[[], Awaitable[None]]


class MongoRecords:
    """All records of all nodes; see `streaming.records.Records` for the promises.

    `trouble` is what keeps the store from working, in one line, or None: it is looked at every
    `LOOK_S` and with every call, so it ends by itself.
    """

    def __init__(
        self, client: AsyncMongoClient[Fields], database: str, where: str, *, wait_s: float
    ) -> None:
        self.trouble: str | None = None
        self._client = client
        self._database = database
        self._where = where
        self._wait_s = wait_s
        self._limit_s = wait_s + ANSWER_S
        db = client.get_database(
            database,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", wtimeout=int(ANSWER_S * 1000), j=True),
        )
        self._documents: AsyncCollection[Fields] = db["documents"]
        self._attempts: AsyncCollection[Fields] = db["attempts"]
        self._loop = asyncio.get_running_loop()
        self._queues: dict[str, deque[_Job]] = {}
        self._at_once = asyncio.Semaphore(WRITES_AT_ONCE)
        self._waiting: deque[tuple[Attempt, Ticket, float]] = deque()
        self._newest_attempt: Ticket | None = None
        self._inserting = False
        self._indexed = False
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, *, wait_s: float = WAIT_S) -> MongoRecords:
        """Records in the database that `mongodb://` or `mongodb+srv://` names, else `DATABASE`.

        A server that is away is no error: `trouble` says so, until it is there. `wait_s` is how
        long a call waits for a primary; all of it takes `ANSWER_S` more at most. Raises ValueError
        for an address that cannot be read; the message does not quote it.
        """
        wait_ms = max(1, int(wait_s * 1000))
        try:
            if not url.startswith(SCHEMES):  # the driver would take a bare host
                raise ValueError
            client: AsyncMongoClient[Fields] = AsyncMongoClient(
                url,
                appname="tutorstream",
                serverSelectionTimeoutMS=wait_ms,
                connectTimeoutMS=wait_ms,
                socketTimeoutMS=int(ANSWER_S * 1000),
                waitQueueTimeoutMS=wait_ms + int(ANSWER_S * 1000),
                heartbeatFrequencyMS=HEARTBEAT_MS,
                maxPoolSize=CONNECTIONS,
                retryWrites=True,
                retryReads=True,
            )
        except (PyMongoError, ValueError, TypeError) as error:
            # Its words may quote the address, which may hold a password.
            kind = type(error).__name__
            raise ValueError(
                f"expected mongodb://[USER:PASSWORD@]HOST[:PORT]/[DATABASE], with what is special "
                f"in USER and PASSWORD written as %XX ({kind})"
            ) from None
        database = client.get_default_database(DATABASE).name
        where = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition("?")[0]
        records = cls(client, database, where, wait_s=wait_s)
        await records.look()
        records._watch = records._loop.create_task(records._watching())
        return records

    async def look(self) -> None:
        """See whether the store works now; `trouble` says what was found."""
        with contextlib.suppress(StoreUnavailable):
            await self._asked(self._seen, self._loop.time() + self._limit_s)

    async def aclose(self) -> None:
        """Store what is queued, then close."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._client.close()

    # --- documents ----------------------------------------------------------------------------

    async def get(self, kind: str, key: str) -> Document | None:
        """The newest version of a document, puts of this process that came before included."""
        name = f"{kind}/{key}"
        queue = self._queues.get(name)
        if queue:
            await _resolved(queue[-1].ticket)

        async def find() -> Fields | None:
            return await self._documents.find_one({"_id": name}, {"version": 1, "body": 1})

        found = await self._asked(find, self._loop.time() + self._limit_s)
        return None if found is None else Document(found["version"], found["body"])

    def put(self, kind: str, key: str, body: bytes, expected_version: int) -> Ticket:
        """Store version `expected_version + 1`, or fail with `Conflict`."""
        if len(body) > BODY_BYTES:
            return _too_large(f"{kind}/{key}", body)
        by = secrets.token_bytes(12)

        async def write() -> None:
            found = await self._replaced(f"{kind}/{key}", body, expected_version, by)
            if found is not None:
                raise Conflict(kind, key, expected_version, found)

        return self._queued(f"{kind}/{key}", write)

    async def delete(self, kind: str, key: str) -> None:
        """Forget a document."""
        name = f"{kind}/{key}"

        async def write() -> None:
            await self._documents.delete_one({"_id": name})

        await stored(self._queued(name, write))

    async def _replaced(self, name: str, body: bytes, expected: int, by: bytes) -> int | None:
        """None once our version is stored, else the version that stands in its place."""
        fields = {"version": expected + 1, "body": body, "by": by}
        if expected == 0:
            with contextlib.suppress(DuplicateKeyError):
                await self._documents.insert_one({"_id": name, **fields})
                return None
        else:
            change = {"$set": fields}
            result = await self._documents.update_one({"_id": name, "version": expected}, change)
            if result.matched_count:
                return None
        found = await self._documents.find_one({"_id": name}, {"version": 1, "by": 1})
        version: int = 0 if found is None else found["version"]
        if found is not None and found["by"] == by:
            return None  # an earlier try landed, and its answer was lost
        if version == expected:
            raise _Overtaken
        return version

    def _queued(self, name: str, write: Callable[[], Awaitable[None]]) -> Ticket:
        ticket = Ticket()
        if self._closed:
            ticket.resolve(StoreUnavailable("the store is closed"))
            return ticket
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = deque()
            self._later(self._write_all(name, queue))
        queue.append(_Job(ticket, self._loop.time() + self._limit_s, write))
        return ticket

    async def _write_all(self, name: str, queue: deque[_Job]) -> None:
        """Write what waits for one document, one after the other."""
        async with self._at_once:
            while queue:
                job = queue[0]
                error = await self._outcome(job.write, job.until_s)
                queue.popleft()
                if not queue:
                    del self._queues[name]
                job.ticket.resolve(error)

    # --- attempts -----------------------------------------------------------------------------

    def add_attempt(self, attempt: Attempt) -> Ticket:
        """Store an attempt once."""
        if len(attempt.sealed) > BODY_BYTES:
            return _too_large(_place(attempt), attempt.sealed)
        ticket = Ticket()
        if self._closed:
            ticket.resolve(StoreUnavailable("the store is closed"))
            return ticket
        self._waiting.append((attempt, ticket, self._loop.time() + self._limit_s))
        self._newest_attempt = ticket
        if not self._inserting:
            self._inserting = True
            self._later(self._insert_all())
        return ticket

    async def attempts(self, learner: str, *, after_ms: int = 0) -> list[Attempt]:
        """A learner's attempts with `at_ms > after_ms`, in order of time."""
        await self._attempts_stored()

        async def find() -> list[Fields]:
            asked = {"learner": learner, "at_ms": {"$gt": after_ms}}
            return await self._attempts.find(asked).to_list()

        rows = await self._asked(find, self._loop.time() + self._limit_s)
        found = [
            Attempt(r["log"], r["epoch"], r["seq"], learner, r["at_ms"], r["sealed"]) for r in rows
        ]
        return sorted(found, key=lambda a: (a.at_ms, a.log, a.epoch, a.seq))

    async def erase(self, learner: str) -> int:
        """Forget a learner's attempts; returns how many there were."""
        await self._attempts_stored()
        asked = {"learner": learner}
        until_s = self._loop.time() + self._limit_s
        # Counted first: where the deletion is sent twice, its second answer tells nothing.
        there: int = await self._asked(lambda: self._attempts.count_documents(asked), until_s)
        await self._asked(lambda: self._attempts.delete_many(asked), until_s)
        return there

    async def _attempts_stored(self) -> None:
        if self._newest_attempt is not None:
            await _resolved(self._newest_attempt)

    async def _insert_all(self) -> None:
        """Insert what waits, a batch at a time: of one place the first one to come stays."""
        while self._waiting:
            size = min(len(self._waiting), ATTEMPTS_A_BATCH)
            batch = [self._waiting.popleft() for _ in range(size)]
            first: dict[str, Fields] = {}
            for attempt, _, _ in batch:
                first.setdefault(_place(attempt), _fields(attempt))
            write = partial(self._insert, list(first.values()))
            error = await self._outcome(write, batch[-1][2])
            for _, ticket, _ in batch:
                ticket.resolve(None if error is None else StoreUnavailable(*error.args))
        self._inserting = False

    async def _insert(self, rows: list[Fields]) -> None:
        try:
            await self._attempts.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            found: Any = error.details or {}
            others = [e for e in found.get("writeErrors", ()) if e["code"] != _DUPLICATE]
            if others or found.get("writeConcernErrors"):
                raise

    # --- calls --------------------------------------------------------------------------------

    async def _seen(self) -> None:
        """Ask for what only works with a primary and the right to read; make the index once."""
        if self._indexed:
            await self._documents.find_one({"_id": ""}, {"_id": 1})
            return
        await self._attempts.create_index([("learner", ASCENDING), ("at_ms", ASCENDING)])
        self._indexed = True

    async def _watching(self) -> None:
        while not self._closed:  # a library below may take a cancellation for its own time limit
            await asyncio.sleep(LOOK_S)
            await self.look()

    def _later(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _outcome(
        self, write: Callable[[], Awaitable[None]], until_s: float
    ) -> Exception | None:
        """What a ticket is resolved with."""
        try:
            await self._asked(write, until_s)
        except (Conflict, StoreUnavailable) as error:
            return error
        except Exception as error:  # noqa: BLE001 - one write that cannot be sent ends no other
            _LOG.error("a write to MongoDB cannot be sent", exc_info=error)
            return StoreUnavailable(f"MongoDB cannot be sent this write: {type(error).__name__}")
        return None

    async def _asked(self, ask: Callable[[], Awaitable[T]], until_s: float) -> T:
        """The answer, asked for again while a fail-over goes on; `ask` may be done twice."""
        try:
            # The driver keeps the time of each of its steps; cut off, it may leave a socket open.
            async with asyncio.timeout(self._limit_s + GRACE_S):
                found = await self._answered(ask, until_s)
        except PyMongoError as error:
            raise self._away(self._words(error)) from None
        except TimeoutError:
            raise self._away(f"no answer in {self._limit_s:g} s") from None
        except _Overtaken:
            raise StoreUnavailable("the document was changed too often at that moment") from None
        if self.trouble is not None:
            _LOG.warning("MongoDB is back: %s", self._where)
            self.trouble = None
        return found

    async def _answered(self, ask: Callable[[], Awaitable[T]], until_s: float) -> T:
        if self._loop.time() >= until_s:  # it has waited behind others that got no answer either
            raise TimeoutError
        while True:
            try:
                return await ask()
            except ServerSelectionTimeoutError:
                raise
            except (AutoReconnect, _Overtaken):
                if self._loop.time() + AGAIN_S >= until_s:
                    raise
                await asyncio.sleep(AGAIN_S)

    def _away(self, words: str) -> StoreUnavailable:
        line = f"MongoDB at {self._where}: {words}"
        if self.trouble is None and self._watch is not None and not self._closed:
            _LOG.warning("%s", line)  # whoever opens it reads `trouble`
        self.trouble = line
        return StoreUnavailable(line)

    def _words(self, error: PyMongoError) -> str:
        """An error in words of ours: the driver's run over many lines or name the user."""
        match error:
            case ServerSelectionTimeoutError():
                return f"no primary could be reached in {self._wait_s:g} s"
            case NotPrimaryError():
                return "no primary now"
            case NetworkTimeout():
                return f"no answer in {ANSWER_S:g} s"
            case AutoReconnect():
                return "the connection broke"
            case ConfigurationError():
                return f"the address does not lead to a server ({type(error).__name__})"
            case OperationFailure(code=code) if code in _BAD_LOGIN:
                return "the user or the password is refused"
            case OperationFailure(code=code) if code == _FORBIDDEN:
                return f"the user may not read and write the database {self._database}"
            case WriteConcernError() | BulkWriteError():
                return "no majority of its members has stored the write"
            case OperationFailure(code=code):
                return f"refused with code {code}"
        return type(error).__name__


async def _resolved(ticket: Ticket) -> None:
    """Wait for a ticket, however it ends: its own owner hears of that."""
    with contextlib.suppress(Conflict, StoreUnavailable):
        await stored(ticket)


def _too_large(name: str, body: bytes) -> Ticket:
    ticket = Ticket()
    ticket.resolve(
        StoreUnavailable(f"{name}: at most {BODY_BYTES} bytes can be stored, {len(body)} came")
    )
    return ticket


def _place(attempt: Attempt) -> str:
    return f"{attempt.log}|{attempt.epoch}|{attempt.seq}"


def _fields(a: Attempt) -> Fields:
    return {
        "_id": _place(a),
        "log": a.log,
        "epoch": a.epoch,
        "seq": a.seq,
        "learner": a.learner,
        "at_ms": a.at_ms,
        "sealed": a.sealed,
    }
