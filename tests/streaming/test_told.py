"""What a session tells of mastery and of reviews is one on every page, and after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from protocol import commands as cmd
from protocol import events as ev
from tests.streaming.test_session import answer, started
from tests.streaming.test_spaced_review import course, days_pass, due, met_nine_days_ago
from tests.virtual import VirtualLoop
from tests.world import Learner, World

TEN_MINUTES = 600 / 86_400


async def hinted(learner: Learner, times: int) -> None:
    item = learner.replica.item
    assert item is not None
    for _ in range(times):
        await learner.send(cmd.HintRequest(learner.new_id(), item.item))


async def seen_by_another(world: World, learner: Learner) -> dict[str, Any]:
    """What a page that comes now is told of every skill's mastery; a draft makes it a snapshot."""
    item = learner.replica.item
    assert item is not None
    await learner.send(cmd.AnswerDraft(item.item, "x"))
    state = (await world.learner(learner.sid)).replica.snapshot_state
    return {skill["id"]: skill["mastery"] for skill in state["skills"]}


async def test_a_page_a_late_page_and_a_page_after_a_restart_are_told_the_same(
    virtual: VirtualLoop, tmp_path: Path
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await started(world)
    facts = learner.of(ev.Ok)[-1].changed["skills"]
    page = {skill["id"]: skill["mastery"] for skill in facts}
    for response, hints in (
        ("-1", 0), (None, 0), (None, 0), ("-1", 1), (None, 0), (None, 1), ("-1", 0), ("-1", 1),
    ):  # fmt: skip
        await asyncio.sleep(10)
        await hinted(learner, hints)
        feedback = await answer(learner, response)
        for moved in feedback.skills:
            assert moved.before == page[moved.id]
            up = moved.after - moved.before
            assert up >= 0.0 if feedback.verdict == "correct" else up <= 0.0
            page[moved.id] = moved.after
        assert await seen_by_another(world, learner) == page
    await world.check()
    world.kill()
    learner.cut()

    world = learner.world = await World.begin(path=path, node="n2")
    await learner.connect()
    assert await seen_by_another(world, learner) == page
    feedback = await answer(learner)
    assert all(moved.before == page[moved.id] <= moved.after for moved in feedback.skills)
    await world.check()


async def test_a_review_whose_answer_was_told_is_neither_passed_nor_failed(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin(course=course())
    learner, _ = await met_nine_days_ago(world)
    (before,) = await due(learner)
    assert before.next_interval is not None
    await learner.send(cmd.ItemNext(learner.new_id(), "add"))
    await hinted(learner, 4)
    assert learner.of(ev.Hint)[-1].told
    await learner.send(cmd.ItemNext(learner.new_id()))
    assert await due(learner) == []
    feedback = await answer(learner)
    assert feedback.verdict == "correct", "the skill comes again, and that was just read"
    await asyncio.sleep(1)
    days_pass(world, TEN_MINUTES)
    (again,) = await due(learner)
    assert (again.skill, again.next_interval) == (before.skill, before.next_interval)
    assert abs(again.retrievability - before.retrievability) < 0.001
    await world.check()
