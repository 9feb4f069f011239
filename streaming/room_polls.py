"""A course's item opened as a room's poll. This file makes the poll of the item.

Its numbers are drawn from the room and the command's id: the same command makes the same poll on
every node, and a repeated one is known again.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec.structs import replace

from engines.exercises.template import instance
from engines.widget_words import PollWidget
from engines.words import Course, Item
from protocol import commands as cmd
from protocol.errors import Code, Refused
from streaming.catalogue import Catalogue
from streaming.room_deeds import OfItem

OFFERED_MOST = 100
"""Most items that a facilitator is told of."""


class Filled(NamedTuple):
    """A command, and the item that its poll is made of."""

    command: Any
    of: OfItem | None = None


def poll_filled(command: Any, catalogue: Catalogue) -> Filled:
    """The command itself; one that names an item gets its prompt, choices and right one.

    Raises Refused for an item that no course has, or that is no poll.
    """
    if not isinstance(command, cmd.RoomPollOpen) or command.item is None:
        return Filled(command)
    if command.prompt or command.choices or command.right is not None or command.poll is not None:
        raise Refused(
            Code.BAD_FRAME, "field `item`: expected no prompt, choices, right or poll beside it"
        )
    course, item = _found(catalogue, command.item)
    named = f"{command.rid}\0{command.id}".encode()
    seed = int.from_bytes(sha256(named).digest()[:8], "big")
    made = instance(item, course.sha256, seed)
    ids = [choice.id for choice in made.choices]
    filled = replace(
        command,
        prompt=made.prompt.strip(),
        choices=[choice.text for choice in made.choices],
        right=ids.index(str(made.key)),
    )
    return Filled(filled, OfItem(course.id, item.id, seed, tuple(ids)))


def polls_offered(catalogue: Catalogue) -> list[dict[str, str]]:
    """The items that may be opened as polls, in the courses' order."""
    return [
        {"course": course.id, "item": item.id, "title": item.title or item.id}
        for course, item in _polls(catalogue)
    ][:OFFERED_MOST]


def _polls(catalogue: Catalogue) -> Iterator[tuple[Course, Item]]:
    for course in catalogue.offered:
        yield from ((course, item) for item in course.items if _is_poll(item))


def _is_poll(item: Item) -> bool:
    return isinstance(item.widget, PollWidget) and item.answer.kind == "choice"


def _found(catalogue: Catalogue, name: str) -> tuple[Course, Item]:
    for course, item in _polls(catalogue):
        if item.id == name:
            return course, item
    known = any(item.id == name for course in catalogue.offered for item in course.items)
    if known:
        raise Refused(Code.BAD_FRAME, f"field `item`: expected one with a poll, {name!r} has none")
    raise Refused(Code.NOT_FOUND, f"no item {name!r} in the courses of this server")
