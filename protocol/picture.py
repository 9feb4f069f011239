"""What a client knows from one log. This file is how its events become the picture on the screen.

The events come in the log's order, each once: `position.Reader` saw to that.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from protocol.events import (
    Delta,
    Difficulty,
    Durable,
    Foreign,
    ItemShown,
    Snapshot,
    TurnDone,
    TurnRestarted,
    TurnStarted,
)
from protocol.generation import Fit, Generation

KEPT: Final = 256
"""Newest feedbacks, replies and generations that a client remembers."""

V = TypeVar("V")


def keep(newest: dict[str, V], key: str, value: V) -> None:
    """Add to a dictionary in order of arrival; beyond `KEPT` the oldest leaves."""
    newest[key] = value
    if len(newest) > KEPT:
        del newest[next(iter(newest))]


class Picture:
    """One log as it stands at its reader's position."""

    __slots__ = ("difficulty", "generations", "item", "state")

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.state: Any = snapshot.state if snapshot else None
        """The newest snapshot's state; events after it are not worked into it."""
        self.item: ItemShown | None = _item(snapshot) if snapshot else None
        self.difficulty: Difficulty | None = None
        self.generations: dict[str, Generation] = {}
        for seen in snapshot.gens if snapshot else ():
            self.generations[seen.gen] = Generation.of(seen)

    def take(self, event: Durable | Foreign) -> Fit:
        """Work the next event in; a hole where it does not fit what came before it."""
        match event:
            case Delta():
                return self._generation(event.gen).delta(event)
            case TurnStarted():
                keep(self.generations, event.gen, Generation(event.gen, event))
            case TurnRestarted():
                return self._generation(event.gen).restart(event)
            case TurnDone():
                return self._generation(event.gen).end(event)
            case ItemShown():
                self.item = event
            case Difficulty():
                self.difficulty = event
        return Fit.NEXT

    def force(self, event: Durable | Foreign) -> None:
        """Step over an event that does not fit even after everything was sent again."""
        if isinstance(event, TurnDone):
            generation = self._generation(event.gen)
            generation.close(event)
            keep(self.generations, event.gen, generation)

    @property
    def running(self) -> Generation | None:
        """The newest generation that has not ended."""
        newest = reversed(self.generations.values())
        return next((generation for generation in newest if generation.running), None)

    def _generation(self, gen: str) -> Generation:
        return self.generations.get(gen) or Generation(gen)


def _item(snapshot: Snapshot) -> ItemShown | None:
    item = snapshot.state.get("item") if isinstance(snapshot.state, dict) else None
    if not isinstance(item, dict):
        return None
    try:
        return msgspec.convert({"s": snapshot.s, "q": snapshot.q, "ts": 0, **item}, ItemShown)
    except msgspec.ValidationError:  # a state of another shape; it is there to be read as it is
        return None
