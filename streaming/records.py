"""The port to durable records: documents with versions, attempts. This file is its promise.

Optimistic concurrency by expected version, one document at a time, no transaction across
documents. `add_attempt` is idempotent by `(log, epoch, seq)`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from streaming.log import Ticket


class Document(msgspec.Struct, frozen=True, gc=False):
    """A stored body and its version, counted from 1."""

    version: int
    body: bytes


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One answer as logged: where, whose, when, and the sealed evidence."""

    log: str
    epoch: str
    seq: int
    learner: str
    at_ms: int
    sealed: bytes


class Conflict(Exception):  # noqa: N818
    """The document has another version than expected."""

    def __init__(self, kind: str, key: str, expected: int, found: int) -> None:
        super().__init__(f"{kind}/{key}: version {expected} was expected, {found} is stored")
        self.expected = expected
        self.found = found


class Records(Protocol):
    """All durable records of a deployment."""

    async def get(self, kind: str, key: str) -> Document | None:
        """The newest version of a document."""
        ...

    def put(self, kind: str, key: str, body: bytes, expected_version: int) -> Ticket:
        """Store version `expected_version + 1`; 0 means the document must not exist yet.

        The ticket fails with `Conflict` where another version is stored.
        """
        ...

    async def delete(self, kind: str, key: str) -> None:
        """Forget a document."""
        ...

    def add_attempt(self, attempt: Attempt) -> Ticket:
        """Store an attempt once, however often it comes; of one place the first one stays."""
        ...

    async def attempts(self, learner: str, *, after_ms: int = 0) -> list[Attempt]:
        """A learner's attempts with `at_ms > after_ms`, by time, then log, epoch and seq."""
        ...

    async def erase(self, learner: str) -> int:
        """Forget a learner's attempts; returns how many there were."""
        ...
