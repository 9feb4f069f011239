"""The port to ordered logs: one writer, numbered entries, tickets. This file is its promise.

A twin keeps these promises:

* `claim` by the owner renews; by another node it succeeds with a higher term, or only over the
  term it names. Whether the owner still lives is not the log's to know (`ownership`).
* `subscribe` returns once it is confirmed; only then may the caller read. What is heard are hints
  that may be missing, doubled or late: the stored log is the truth.
* An append is one atomic act: check the term, claim the command id, check that the numbers follow
  the head, store. Appends of one log resolve in order.
* A failed append stores nothing and spoils no other; only `StoreUnavailable` fails many at once.
* Times never go backwards inside a log: an earlier `at_ms` is stored as the newest one. The owner
  keeps its own times in order, from `Claim.at_ms` on, so that what it folded is what is stored.
* Command ids are remembered for `LIMITS.ids_kept` commands and `LIMITS.ids_kept_s`, whichever
  keeps more, also where the entries were trimmed. After that a twin may forget them.
* `public` is a frame's bytes, shared by all connections; `sealed` is read by the fold alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

ROOM = "room:"
"""What the name of a room's log begins with; all other logs are learners' sessions."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One numbered entry. `sealed` is empty for an event that follows from an earlier entry."""

    seq: int
    at_ms: int
    public: bytes
    sealed: bytes = b""


class CommandId(msgspec.Struct, frozen=True, gc=False):
    """The id a client gave its command, and a digest of the command's body."""

    id: str
    digest: bytes


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A remembered command: its reply is the public part of entry `seq`."""

    id: str
    digest: bytes
    seq: int
    at_ms: int


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Ownership of one log: `head` is the newest seq (0: empty); `floor + 1` the oldest kept.

    `at_ms` is the newest time in the log; of a log just begun, the time of the claim.
    """

    term: int
    epoch: str
    head: int
    floor: int
    at_ms: int


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Who has a log: `node` is empty where its last owner has given it back."""

    node: str
    term: int


class News(msgspec.Struct, frozen=True, gc=False):
    """What a subscriber hears of a log.

    `entries` were stored, perhaps not all there are; none at all means that something may have
    been missed: read. `released`: its owner has given the log back.
    """

    epoch: str
    entries: tuple[Entry, ...] = ()
    released: bool = False


class Subscription(Protocol):
    """A place where news of one log arrives until it is closed."""

    def close(self) -> None:
        """Hear nothing any more, from this moment on."""
        ...


class Owned(Exception):  # noqa: N818
    """Another node took the log first; it has it under `owner.term`."""

    def __init__(self, log: str, owner: Owner, over: int) -> None:
        super().__init__(
            f"log {log}: term {over} was to be followed, {owner.node!r} has it with {owner.term}"
        )
        self.owner = owner


class Fenced(Exception):  # noqa: N818 - the literature's word
    """The append came with an old term: another owner has the log. End this actor."""

    def __init__(self, log: str, expected: int, came: int) -> None:
        super().__init__(f"log {log}: term {expected} owns it, an append came with term {came}")


class Duplicate(Exception):  # noqa: N818
    """The command id was claimed by an earlier append; nothing was stored."""

    def __init__(self, log: str, reply: Reply, *, same_body: bool) -> None:
        super().__init__(f"log {log}: command {reply.id!r} was already stored at {reply.seq}")
        self.reply = reply
        self.same_body = same_body


class OutOfOrder(Exception):  # noqa: N818
    """The entries' numbers do not follow the head."""

    def __init__(self, log: str, expected: int, came: int) -> None:
        super().__init__(f"log {log}: the next entry is {expected}, an append came with {came}")
        self.expected = expected
        self.came = came


class StoreUnavailable(Exception):  # noqa: N818
    """The store did not take the write; it may later."""


class Ticket:
    """A promise that entries are stored; resolved once, on the event loop's thread.

    `hear(callback)` calls back once with the ticket, at once if it is already resolved.
    """

    __slots__ = ("_callbacks", "error", "stored")

    def __init__(self) -> None:
        self.stored = False
        self.error: Exception | None = None
        self._callbacks: list[Callable[[Ticket], None]] = []

    @property
    def resolved(self) -> bool:
        """True once stored or failed."""
        return self.stored or self.error is not None

    def hear(self, callback: Callable[[Ticket], None]) -> None:
        """Call back when resolved."""
        if self.resolved:
            callback(self)
        else:
            self._callbacks.append(callback)

    def resolve(self, error: Exception | None = None) -> None:
        """Mark as stored, or as failed with `error`; a second call does nothing."""
        if self.resolved:
            return
        self.error = error
        self.stored = error is None
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


async def stored(ticket: Ticket) -> None:
    """Wait until a ticket is stored; raises its error where it failed."""
    if not ticket.resolved:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def resolved(_: Ticket) -> None:
            if not done.done():
                done.set_result(None)

        ticket.hear(resolved)
        await done
    if ticket.error is not None:
        raise ticket.error


class Log(Protocol):
    """All logs of a deployment."""

    lasting: bool
    """Whether a log outlives what carries it: else Records alone are sure to be found again."""

    @property
    def commit_us(self) -> int:
        """How long the newest finished group commit took, in microseconds."""
        ...

    async def claim(
        self, name: str, node: str, *, at_ms: int, over: int | None = None, anew: bool = False
    ) -> Claim:
        """Take or renew ownership; an unknown log is begun with a fresh epoch and head 0.

        With `over` only where the log is unknown or has that very term; else raises `Owned`.
        With `anew` what is stored is forgotten and another epoch begins: entries that clients
        have seen are missing.
        """
        ...

    async def owner(self, name: str) -> Owner | None:
        """Who has a log, or None where there is none."""
        ...

    async def release(self, name: str, term: int) -> None:
        """Give a log back, so that any node may take it at once; all subscribers hear of it.

        Nothing happens where the term is an old one. What was appended before is stored first.
        """
        ...

    async def subscribe(self, name: str, hear: Callable[[News], None]) -> Subscription:
        """Hear of every append and release from now on, own ones too, on the loop's thread.

        Raises `StoreUnavailable` where it cannot be confirmed. The log need not exist yet.
        """
        ...

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
        """Hand entries to the writer; the ticket resolves when they are stored, or fails with
        `Fenced`, `Duplicate`, `OutOfOrder` or `StoreUnavailable`.

        With `attempt_of` the first entry is that learner's answer: it is also an attempt of
        Records before the ticket resolves, and is none where the append fails.

        An `urgent` append is not held back to be stored with later ones: somebody waits for it.
        The entries belong to the writer from then on. Raises ValueError where there are none.
        """
        ...

    async def read(self, name: str, after: int, *, limit: int | None = None) -> list[Entry]:
        """Entries with `seq > after`, in order, all earlier appends included."""
        ...

    async def replies(self, name: str, *, newest: int, since_ms: int) -> list[Reply]:
        """Remembered commands: the `newest` ones and all since `since_ms`, oldest first.

        `at_ms` of a reply is the time of the last entry of its append.
        """
        ...

    async def head(self, name: str) -> tuple[str, int] | None:
        """`(epoch, seq)` of a log, or None where there is none."""
        ...

    async def trim(self, name: str, upto: int) -> None:
        """Forget entries with `seq <= upto`; the head and the newest time stay."""
        ...

    async def drop(self, name: str) -> None:
        """Forget a log altogether; a later claim begins another epoch."""
        ...

    async def names(self) -> list[str]:
        """Every log there is, sorted."""
        ...

    async def aclose(self) -> None:
        """Store what is queued, then close."""
        ...
