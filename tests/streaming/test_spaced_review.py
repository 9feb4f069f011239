"""Spaced review over a session: mastered, forgotten by and by, due, reviewed; days pass at once."""

from __future__ import annotations

import asyncio
import json

import pytest

from engines.exercises.course import canonical
from protocol import commands as cmd
from protocol import events as ev
from tests.streaming.test_session import answer, started
from tests.virtual import VirtualLoop
from tests.world import Learner, World, settle, small_course

DAY_MS = 86_400_000
REASON = "You last met fractions 9 days ago; chance of recall about 88 %"


def course() -> bytes:
    """The small course, its first skill by another title."""
    document = json.loads(small_course())
    document["skills"][0]["title"] = "fractions"
    return canonical(document)


async def due(learner: Learner) -> list[ev.Due]:
    """What the session says is due."""
    command_id = learner.new_id()
    await learner.send(cmd.ReviewDue(command_id))
    review: ev.Review = learner.of(ev.Review)[-1]
    assert review.re == command_id
    return review.due


async def mastering(learner: Learner) -> None:
    """Answer rightly until the first skill is mastered."""
    for _ in range(30):
        feedback = await answer(learner)
        if any(moved.id == "add" and moved.mastered for moved in feedback.skills):
            return
    raise AssertionError("expected a skill mastered within 30 right answers")


def days_pass(world: World, days: float) -> None:
    """Put the wall clock on; the loop's own timers, thousands a day, need not all run for that."""
    ground = world.ownership.ground
    before = ground.wall_ms
    ground.wall_ms = lambda: before() + round(days * DAY_MS)


async def met_nine_days_ago(world: World) -> tuple[Learner, int]:
    """A learner who mastered a skill, reviewed it a day later and comes back; when it was met."""
    learner = await started(world)
    await mastering(learner)
    days_pass(world, 1)
    await learner.send(cmd.ItemNext(learner.new_id(), "add"))
    feedback = await answer(learner)
    learner.cut()
    await asyncio.sleep(700)
    assert not list(world.ownership), "the session was to be put away in the meantime"
    days_pass(world, 9.3)
    await learner.connect()
    return learner, feedback.ts


async def test_nothing_is_due_before_a_lesson_nor_right_after_mastery(virtual: VirtualLoop) -> None:
    world = await World.begin(course=course())
    learner = await world.learner()
    assert await due(learner) == []
    await learner.send(cmd.LessonStart(learner.new_id()))
    await mastering(learner)
    assert await due(learner) == []
    await world.check()


async def test_a_skill_mastered_is_due_nine_days_later_and_says_why(virtual: VirtualLoop) -> None:
    world = await World.begin(course=course())
    learner, met_ms = await met_nine_days_ago(world)
    (one,) = await due(learner)
    assert (one.skill, one.at, one.reason) == ("add", met_ms + 7 * DAY_MS, REASON)
    assert one.retrievability == pytest.approx(0.882, abs=0.002)
    offered = one.next_interval
    assert offered is not None
    assert 1 <= offered.wrong < offered.assisted < offered.right < offered.easy
    await world.check()


async def test_a_review_comes_as_the_fifth_item_and_then_the_skill_is_due_no_more(
    virtual: VirtualLoop,
) -> None:
    world = await World.begin(course=course())
    learner, met_ms = await met_nine_days_ago(world)
    (one,) = await due(learner)
    await learner.send(cmd.LessonStart(learner.new_id()))
    facts = {skill["id"]: skill for skill in learner.of(ev.Ok)[-1].changed["skills"]}
    assert facts["add"]["due_at"] == met_ms + 7 * DAY_MS
    assert "due_at" not in facts["more"]
    for _ in range(4):
        item = learner.of(ev.ItemShown)[-1]
        assert item.skills == ["more"]
        await answer(learner)
    item = learner.of(ev.ItemShown)[-1]
    assert (item.skills, item.why) == (["add"], REASON)
    feedback = await answer(learner)
    assert await due(learner) == []
    await learner.send(cmd.LessonStart(learner.new_id()))
    facts = {skill["id"]: skill for skill in learner.of(ev.Ok)[-1].changed["skills"]}
    assert one.next_interval is not None
    assert facts["add"]["due_at"] == feedback.ts + one.next_interval.right * DAY_MS
    await world.check()


async def test_a_missed_review_comes_back_the_next_day(virtual: VirtualLoop) -> None:
    world = await World.begin(course=course())
    learner, _ = await met_nine_days_ago(world)
    await learner.send(cmd.ItemNext(learner.new_id(), "add"))
    feedback = await answer(learner, "-1")
    assert feedback.verdict == "incorrect"
    await answer(learner)  # right at last, and no review of its own
    assert await due(learner) == []
    days_pass(world, 0.9999)
    assert await due(learner) == []
    days_pass(world, 0.0001)
    (one,) = await due(learner)
    assert (one.skill, one.at) == ("add", feedback.ts + DAY_MS)
    await world.check()


async def test_a_repeated_question_gets_the_answer_it_got(virtual: VirtualLoop) -> None:
    world = await World.begin(course=course())
    learner, _ = await met_nine_days_ago(world)
    command = cmd.ReviewDue(learner.new_id())
    await learner.send(command)
    first = learner.of(ev.Review)[-1]
    days_pass(world, 5)
    learner.transmit(command)
    await settle()
    learner.pump()
    again = learner.of(ev.Review)[-1]
    assert (again.dup, again.q, again.due) == (True, first.q, first.due)
