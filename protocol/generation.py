"""One tutor turn as a client shows it. This file is the chunk rule, the restart and the end.

Chunks count from 0 across a turn, also across a restart: after `turn.restarted` what is shown is
the text of the chunks from `from_i` on, so that two models' texts are never spliced.
"""

from __future__ import annotations

from enum import Enum
from hashlib import sha256

from protocol.events import Delta, GenText, TurnDone, TurnRestarted, TurnStarted

RUNNING = "running"
"""The status of a generation that has not ended."""


class Fit(Enum):
    """How an event fits a generation."""

    NEXT = "next"
    OLD = "old"
    HOLE = "hole"


class Generation:
    """A turn's text so far. Takes the events of its log in order.

    >>> turn = Generation("g1")
    >>> turn.delta(Delta("me", 2, 0, "g1", (0, 1), "A half")), turn.text, turn.next_i
    (<Fit.NEXT: 'next'>, 'A half', 2)
    >>> turn.delta(Delta("me", 3, 0, "g1", (4, 4), "?"))
    <Fit.HOLE: 'hole'>
    """

    __slots__ = ("_pieces", "gen", "intact", "next_i", "restarts", "started", "status")

    def __init__(self, gen: str, started: TurnStarted | None = None) -> None:
        self.gen = gen
        self.started = started
        self.status: str = RUNNING
        self.next_i = 0
        self.restarts = 0
        self.intact: bool | None = None
        """Whether the whole text has the hash that its end told; None while nobody told."""
        self._pieces: list[tuple[int, str]] = []

    @classmethod
    def of(cls, seen: GenText) -> Generation:
        """A generation as a snapshot holds it."""
        generation = cls(seen.gen)
        generation.status = seen.status
        generation.next_i = seen.next_i
        generation._pieces = [(0, seen.text)]
        return generation

    @property
    def text(self) -> str:
        """What is shown."""
        if len(self._pieces) > 1:
            self._pieces = [(self._pieces[0][0], "".join(piece for _, piece in self._pieces))]
        return self._pieces[0][1] if self._pieces else ""

    @property
    def running(self) -> bool:
        """True until its `turn.done`."""
        return self.status == RUNNING

    def delta(self, event: Delta) -> Fit:
        """Append chunks a..b where they are the next ones."""
        a, b = event.i
        if b < self.next_i:
            return Fit.OLD
        if a != self.next_i or b < a or not self.running:
            return Fit.HOLE
        self._pieces.append((a, event.text))
        self.next_i = b + 1
        return Fit.NEXT

    def restart(self, event: TurnRestarted) -> Fit:
        """Forget the chunks before `from_i`; a hole where they cannot be told apart any more."""
        if not self.running or event.from_i != self.next_i:
            return Fit.HOLE
        self._pieces.clear()
        self.restarts += 1
        return Fit.NEXT

    def end(self, event: TurnDone) -> Fit:
        """Compare with what the end tells; a hole where chunks or the hash differ."""
        intact = sha256(self.text.encode()).hexdigest() == event.text_sha256
        if not self.running or event.n != self.next_i or not intact:
            return Fit.HOLE
        self.close(event)
        self.intact = True
        return Fit.NEXT

    def close(self, event: TurnDone) -> None:
        """Take the end as it is, fitting or not."""
        self.intact = False
        self.status = event.status
