"""Widgets and parts over the wire: shown, drafted, judged, replayed; the key is never out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engines.exercises.grading import key_spelled
from protocol import commands as cmd
from protocol.codec import encode
from protocol.events import Feedback, Hint, ItemShown, Snapshot
from streaming.frames import snapshot_frame
from tests.engines.exercises.widget_items import (
    AUTHORS_IDS,
    BOARD,
    MATCH,
    ORDER,
    PARSONS,
    PARTS,
    widget_course,
)
from tests.virtual import VirtualLoop
from tests.world import Learner, World


async def lesson(*items: dict[str, Any], seed: int | None = None) -> tuple[World, Learner]:
    """A learner in a lesson on these items."""
    world = await World.begin(course=widget_course(*items))
    ann = await world.learner()
    await ann.send(cmd.LessonStart(ann.new_id(), seed=seed))
    return world, ann


def shown(ann: Learner) -> ItemShown:
    assert ann.replica.item is not None
    return ann.replica.item


def key(ann: Learner) -> Any:
    """The key of the open instance, as a learner would give it."""
    assert ann.attached is not None
    made = ann.attached.session.state.instance
    assert made is not None
    return key_spelled(made)


def snapshot(ann: Learner) -> Snapshot:
    assert ann.attached is not None
    session = ann.attached.session
    return snapshot_frame(session.state, session.epoch)


@pytest.mark.parametrize("item", [ORDER, MATCH, PARSONS, PARTS], ids=lambda i: i["id"])
async def test_a_widget_is_shown_drafted_judged_and_replayed(
    virtual: VirtualLoop, item: dict[str, Any]
) -> None:
    world, ann = await lesson(item)
    frame = shown(ann)
    kind = "parts" if item is PARTS else item["widget"]["kind"]
    assert frame.widget["kind"] == kind
    right = key(ann)
    await ann.send(cmd.AnswerDraft(frame.item, right))
    assert snapshot(ann).state["draft"] == right
    assert snapshot(ann).state["item"]["widget"] == frame.widget
    late = await world.learner(ann.sid)
    assert late.replica.me.state["draft"] == right
    assert shown(late).widget == frame.widget
    await ann.send(cmd.AnswerSubmit(ann.new_id(), frame.item, right))
    told = ann.of(Feedback)[-1]
    assert (told.verdict, told.done) == ("correct", True)
    assert told.parts == ({p["id"]: "correct" for p in PARTS["parts"]} if item is PARTS else None)
    await world.check()


async def test_parts_are_told_one_by_one_and_kept_for_who_comes_late(virtual: VirtualLoop) -> None:
    world, ann = await lesson(PARTS)
    response = {**key(ann), "half": "77"}
    await ann.send(cmd.AnswerSubmit(ann.new_id(), "parts.1", response))
    told = ann.of(Feedback)[-1]
    assert told.verdict == "partial"
    assert told.parts == {"half": "incorrect", "more": "correct", "row": "correct"}
    last = snapshot(ann).state["last_feedback"]
    assert (last["parts"], last["response"]) == (told.parts, response)
    await world.check()


async def test_an_unreadable_part_uses_no_try(virtual: VirtualLoop) -> None:
    _, ann = await lesson(PARTS)
    response = {**key(ann), "half": "7/"}
    await ann.send(cmd.AnswerSubmit(ann.new_id(), "parts.1", response))
    assert ann.of(Feedback)[-1].verdict == "unreadable"
    await ann.send(cmd.AnswerSubmit(ann.new_id(), "parts.1", key(ann)))
    assert ann.of(Feedback)[-1].attempt == 1


async def test_a_board_item_is_answered_by_its_own_kind(virtual: VirtualLoop) -> None:
    _, ann = await lesson(BOARD)
    assert (shown(ann).widget, shown(ann).kind) == ({"kind": "board"}, "number")
    await ann.send(cmd.AnswerSubmit(ann.new_id(), "board.1", key(ann)))
    assert ann.of(Feedback)[-1].verdict == "correct"


@pytest.mark.parametrize("item", [ORDER, MATCH, PARSONS, PARTS], ids=lambda i: i["id"])
async def test_no_frame_holds_an_authors_id_or_the_order(
    virtual: VirtualLoop, item: dict[str, Any]
) -> None:
    """All that goes out before the answer, over 20 seeds: item, hint, feedback, snapshot."""
    world = await World.begin(course=widget_course(item))
    for seed in range(20):
        ann = await world.learner()
        await ann.send(cmd.LessonStart(ann.new_id(), seed=seed))
        await ann.send(cmd.HintRequest(ann.new_id(), item["id"]))
        wrong = {**key(ann), "half": "0"} if item is PARTS else ["1"]
        await ann.send(cmd.AnswerSubmit(ann.new_id(), item["id"], wrong))
        assert ann.of(Hint)
        assert ann.of(Feedback)[-1].verdict != "correct"
        out = b"".join(encode(event) for event in ann.heard) + encode(snapshot(ann))
        assert not words_of(out) & set(AUTHORS_IDS)
        assert not solved_as_shown(shown(ann).widget, key(ann))


def words_of(out: bytes) -> set[str]:
    """Its words; a random name is one word, whatever letters stand together in it."""
    return set(re.findall(r"[\w-]+", out.decode().replace("\\n", " ")))


def solved_as_shown(widget: Any, right: Any) -> bool:
    """Whether the entries stand on the wire as the key has them."""
    if widget["kind"] == "match":
        right_ids = (e["id"] for e in widget["right"])
        return {left["id"]: next(right_ids) for left in widget["left"]} == dict(right)
    if widget["kind"] == "parts":
        return solved_as_shown(widget["parts"][2]["widget"], right["row"])
    entries = [e["id"] for e in widget.get("tokens") or widget["lines"]]
    wanted = [e["id"] if isinstance(e, dict) else e for e in right]
    return [e for e in entries if e in wanted] == wanted
