"""A room that looks at the log's head while entries come in."""

from __future__ import annotations

import pytest

from protocol import commands as cmd
from tests.streaming.test_rooms import Two
from tests.virtual import VirtualLoop


async def test_a_head_that_was_read_before_an_entry_came_is_no_loss(
    virtual: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is on its way while the news of the next entry overtakes it."""
    two = await Two.begin()
    room = next(iter(two.rooms[1]))
    log = room._ground.log
    head = log.head

    async def overtaken(name: str) -> tuple[str, int] | None:
        found = await head(name)
        await two.ann.do(cmd.RoomSay, text="meanwhile")
        await two.hear()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(log, "head", overtaken)
        before = room.state.seq
        await room._read()
    assert room.state.seq > before
    assert not room.ended
    await two.check()
