"""Where a reader stands in a log, and what an event means there. This file is the apply rule.

An event ends at `q` and covers `span` places, so it follows on `q - span`. One that follows on the
reader's place is applied, one that ends at or before it is ignored, and anything else is a gap:
the reader asks once and drops what it cannot use until the answer comes. There is no reorder
buffer and no timer; the heads in a ping find the gap that no later event would show.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

from protocol.commands import Have, Sync


class Position(Struct, frozen=True, gc=False):
    """A place in a log: `seq` counts from 1 inside the log's life `epoch`. Never one without the
    other.

    As text it is an SSE event's `id`.

    >>> str(Position("e7", 12)), position_from("e7.12")
    ('e7.12', Position(epoch='e7', seq=12))
    """

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"


def position_from(text: str) -> Position:
    """The position written as `epoch.seq`; ValueError where it is none."""
    epoch, dot, seq = text.rpartition(".")
    if not dot or not seq.isascii() or not seq.isdigit() or len(seq) > 16:
        raise ValueError(f"expected a position `epoch.seq`, came {text[:80]!r}")
    return Position(epoch, int(seq))


class Apply(Struct, frozen=True, gc=False):
    """The event is the next one: apply it, then `Reader.advance`."""


class Ignore(Struct, frozen=True, gc=False):
    """Nothing to do; `old` where the event was applied before, not where an answer is due."""

    old: bool


class Ask(Struct, frozen=True, gc=False):
    """There is a gap: send `sync`."""

    sync: Sync


Judgement: TypeAlias = Apply | Ignore | Ask

APPLY: Final = Apply()
OLD: Final = Ignore(old=True)
WAIT: Final = Ignore(old=False)


class Reader:
    """One log's reader. It judges; its caller applies and then calls `advance`.

    >>> reader = Reader("me", Position("e7", 4))
    >>> reader.hear(4), reader.hear(5)
    (Ignore(old=True), Apply())
    >>> reader.hear(7)
    Ask(sync=Sync(s='me', epoch='e7', q=4))
    >>> reader.hear(8)
    Ignore(old=False)
    >>> reader.hear(7, span=3)
    Apply()
    """

    __slots__ = ("position", "s", "waiting")

    def __init__(self, s: str, position: Position | None = None) -> None:
        self.s = s
        self.position = position or Position("", 0)
        self.waiting = False

    def hear(self, q: int, span: int = 1) -> Judgement:
        """What to do with an event that ends at `q` and covers `span` places.

        While the log's epoch is unknown nothing can be applied: a place without its epoch is none.
        """
        have = self.position.seq
        if q - span == have and self.position.epoch:
            return APPLY
        if q <= have:
            return OLD
        return WAIT if self.waiting else self.ask()

    def advance(self, q: int) -> None:
        """The event that ends at `q` was applied."""
        self.position = Position(self.position.epoch, q)
        self.waiting = False

    def ask(self) -> Ask:
        """Ask for what follows the position."""
        self.waiting = True
        return Ask(Sync(s=self.s, epoch=self.position.epoch, q=self.position.seq))

    def ask_all(self) -> Ask:
        """Ask for everything: what was applied did not fit together."""
        self.position = Position(self.position.epoch, 0)
        return self.ask()

    def welcomed(self, epoch: str, head: int, mode: str) -> Judgement:
        """What to do when a new connection says how this log catches up.

        Another epoch, or mode `reset`, begins at 0: the old picture stands until the snapshot, or
        the first event, replaces it.
        """
        if epoch != self.position.epoch or mode == "reset":
            self.position = Position(epoch, 0)
        self.waiting = mode in ("snapshot", "reset")
        come = mode == "live" and head != self.position.seq
        behind = mode == "replay" and head < self.position.seq
        return self.ask() if come or behind else WAIT

    def snapshot(self, epoch: str, q: int) -> Judgement:
        """What to do with a snapshot: apply it and go on behind it, or ignore an older one."""
        if epoch == self.position.epoch and q < self.position.seq:
            return OLD
        self.position = Position(epoch, q)
        self.waiting = False
        return APPLY

    def head(self, q: int) -> Judgement:
        """What to do when a ping says where the log ends.

        Asks again even while an answer is due, because the answer may have been lost. A log that
        ends before the position was rewound: everything is asked for.
        """
        if q < self.position.seq:
            return self.ask_all()
        return self.ask() if q > self.position.seq else OLD

    def have(self) -> Have:
        """The position as `hello` tells it."""
        return Have(s=self.s, epoch=self.position.epoch, q=self.position.seq)
