"""An item of a course opened as a room's poll by its facilitator."""

from __future__ import annotations

from typing import Any

from protocol import commands as cmd
from protocol.errors import Code
from protocol.events import Ok
from tests.engines.exercises.widget_items import BOARD, POLL, widget_course
from tests.nodes import Hub
from tests.rooms import Pupil, a_room, pupil, with_rooms
from tests.virtual import VirtualLoop
from tests.world import World, settle


async def a_class() -> tuple[Pupil, Pupil]:
    """A facilitator and a pupil in a room on a server with a poll item."""
    world = await World.begin(course=widget_course(POLL, BOARD), nodes=Hub().node())
    made, _ = await a_room(with_rooms(world))
    teacher, ann = await pupil(world, "c_t"), await pupil(world, "c_a")
    await teacher.enter(made.rid, "Ms T", facilitates=True)
    await ann.enter(made.rid, "Ann")
    return teacher, ann


async def heard(*pupils: Pupil) -> None:
    for _ in range(3):
        await settle()
        for each in pupils:
            each.pump()


async def test_an_item_opens_as_a_poll_and_its_answer_comes_with_the_reveal(
    virtual: VirtualLoop,
) -> None:
    teacher, ann = await a_class()
    await teacher.do(cmd.RoomPollOpen, item="poll.1")
    await heard(teacher, ann)
    poll = ann.room.poll
    assert poll["prompt"] == "Which is larger?"
    texts = {choice["text"]: choice["id"] for choice in poll["choices"]}
    assert len(texts) == 2
    assert "right" not in poll
    assert not any(word in str(ann.heard) for word in ("hare", "ibex"))
    larger = min(texts, key=lambda text: int(text.strip("$").partition("/")[2]))
    await ann.do(cmd.RoomVote, poll="p1", choice=texts[larger])
    await teacher.do(cmd.RoomPollClose, poll="p1", then="reveal")
    await heard(teacher, ann)
    assert ann.room.poll["reveal"]["right"] == texts[larger]


async def test_what_is_no_poll_and_who_is_no_facilitator_is_refused(virtual: VirtualLoop) -> None:
    teacher, ann = await a_class()
    for fields, code in (
        ({"item": "board.1"}, Code.BAD_FRAME),
        ({"item": "nothing"}, Code.NOT_FOUND),
        ({"item": "poll.1", "prompt": "Mine"}, Code.BAD_FRAME),
    ):
        refused: dict[str, Any] = fields
        await teacher.do(cmd.RoomPollOpen, **refused)
        await heard(teacher, ann)
        assert teacher.code == code
    await ann.do(cmd.RoomPollOpen, item="poll.1")
    await heard(teacher, ann)
    assert ann.code == Code.FORBIDDEN
    assert ann.room.poll is None


async def test_a_facilitator_is_told_which_items_are_polls(virtual: VirtualLoop) -> None:
    teacher, _ = await a_class()
    id_ = teacher.new_id()
    await teacher.send(cmd.BoardWatch(id_, teacher.rid))
    await heard(teacher)
    reply = teacher.replica.replies[id_]
    assert isinstance(reply, Ok)
    assert reply.changed is not None
    assert reply.changed["polls"] == [{"course": "widgets", "item": "poll.1", "title": "poll.1"}]
