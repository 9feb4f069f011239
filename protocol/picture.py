"""What a client knows from one log. This file is how its events become the picture on the screen.

The events come in the log's order, each once: `position.Reader` saw to that.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from protocol.events import (
    Board,
    Delta,
    Difficulty,
    Durable,
    Foreign,
    ItemShown,
    Presence,
    RoomEvent,
    Snapshot,
    TurnDone,
    TurnRestarted,
    TurnStarted,
)
from protocol.generation import Fit, Generation
from protocol.room_picture import RoomPicture

KEPT: Final = 256
"""Newest feedbacks, replies and generations that a client remembers."""

V = TypeVar("V")


def keep(newest: dict[str, V], key: str, value: V) -> None:
    """Add to a dictionary in order of arrival; beyond `KEPT` the oldest leaves."""
    newest[key] = value
    if len(newest) > KEPT:
        del newest[next(iter(newest))]


class Picture:
    """One log as it stands at its reader's position; `room` is empty where it is none."""

    __slots__ = ("difficulty", "generations", "item", "room", "state")

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.state: Any = snapshot.state if snapshot else None
        """The newest snapshot's state; events after it are not worked into it."""
        self.item: ItemShown | None = _item(snapshot) if snapshot else None
        self.difficulty: Difficulty | None = None
        self.room = RoomPicture(self.state)
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
            case RoomEvent() | Presence():
                self.room.take(event)
        return Fit.NEXT

    def replace(self, event: Durable | Foreign) -> None:
        """Take an event without a place: it replaces what was told before."""
        if isinstance(event, RoomEvent | Board):
            self.room.replace(event)

    def force(self, event: Durable | Foreign) -> None:
        """Step over an event that does not fit even after everything was sent again."""
        if isinstance(event, TurnDone):
            generation = self._generation(event.gen)
            generation.close(event)
            keep(self.generations, event.gen, generation)

    @property
    def says(self) -> list[dict[str, Any]]:
        """A room's newest messages."""
        return self.room.says

    @property
    def members(self) -> dict[str, dict[str, Any]]:
        """Who is in a room now, by member id."""
        return self.room.members

    @property
    def poll(self) -> dict[str, Any] | None:
        """A room's poll of now, or the last one."""
        return self.room.poll

    @property
    def board(self) -> dict[str, dict[str, Any]]:
        """A room's shared board by key."""
        return self.room.board

    @property
    def groups(self) -> list[dict[str, Any]]:
        """A room's groups."""
        return self.room.groups

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
