"""What a member wrote that others would read. This file finds it in a command of a room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from protocol import commands as cmd
from protocol.limits import LIMITS


def words_of(command: Any) -> str:
    r"""What a command would tell the room or its tutor in words; "" where there are none.

    A board's value that is too large for the board is not looked through: it is refused.

    >>> words_of(cmd.RoomBoard("c1", "r_1", "k", {"a": ["b", 2]}))
    'k\na\nb'
    """
    match command:
        case cmd.RoomSay(text=text) | cmd.RoomAsk(input=str(text)):
            return text
        case cmd.RoomJoin(name=str(name)):
            return name
        case cmd.RoomBoard(key=key, v=v) if len(msgspec.json.encode(v)) <= LIMITS.board_value_bytes:
            return "\n".join((key, *texts_in(v)))
    return ""


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a value of JSON, in order, the keys too.

    >>> list(texts_in(["x", {"k": "y"}, 3, None]))
    ['x', 'k', 'y']
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
