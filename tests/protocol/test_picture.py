"""What one log's events make of the picture."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.events import Delta, Difficulty, Foreign, GenText, ItemShown, Snapshot, TurnRestarted
from protocol.generation import Fit
from protocol.picture import KEPT, Picture, keep

ITEM = {
    "item": "i1",
    "kind": "number",
    "prompt": "2x = 4",
    "skills": ["one-step"],
    "p_success": 0.7,
    "why": "first",
}


def snapshot(state: Any) -> Snapshot:
    return Snapshot(
        "me", "e1", 9, state, [GenText("g1", "A", 1, "lost"), GenText("g2", "B", 1, "running")]
    )


def test_an_item_and_the_difficulty_are_the_newest():
    picture = Picture()
    first, shown = (
        ItemShown("me", 1, 0, **{**ITEM, "item": name})  # type: ignore[arg-type]  # as JSON
        for name in ("i1", "i2")
    )
    assert picture.take(first) is picture.take(shown) is Fit.NEXT
    moved = Difficulty("me", 2, 0, 0.1, 0.5, [0.6, 0.8], 0.1, "right")
    assert picture.take(moved) is Fit.NEXT
    assert picture.item == shown
    assert picture.difficulty == moved


def test_a_snapshot_brings_its_item_and_generations():
    picture = Picture(snapshot({"item": {**ITEM, "choices": None}, "mode": "practice"}))
    assert picture.item == ItemShown("me", 9, 0, **ITEM)  # type: ignore[arg-type]  # as JSON
    assert picture.state["mode"] == "practice"
    assert picture.generations["g1"].text == "A"
    assert picture.running is picture.generations["g2"]


@pytest.mark.parametrize("state", [None, [], {}, {"item": None}, {"item": {"item": "i1"}}])
def test_a_state_of_another_shape_has_no_item(state):
    picture = Picture(snapshot(state))
    assert picture.item is None
    assert picture.state == state


def test_a_restart_reaches_its_generation():
    picture = Picture(snapshot(None))
    assert picture.take(TurnRestarted("me", 10, 0, "g2", 1, "p", "m", "it broke")) is Fit.NEXT
    assert picture.generations["g2"].text == ""


def test_chunks_of_an_unknown_generation_do_not_fit():
    picture = Picture()
    assert picture.take(Delta("me", 1, 0, "g9", (3, 3), "x")) is Fit.HOLE
    assert picture.running is None
    picture.force(Delta("me", 1, 0, "g9", (3, 3), "x"))
    assert picture.generations == {}


def test_a_foreign_event_changes_nothing():
    assert Picture().take(Foreign("firework", "me", 1)) is Fit.NEXT


def test_only_the_newest_are_kept():
    newest: dict[str, int] = {}
    for n in range(KEPT + 3):
        keep(newest, str(n), n)
    assert list(newest.values()) == list(range(3, KEPT + 3))
