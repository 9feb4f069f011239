"""A session that goes from one course to another and back: what is open, told and drafted."""

from __future__ import annotations

from typing import Any

from protocol import commands as cmd
from protocol import events as ev
from streaming.state import COURSES_KEPT, SessionState
from tests.engines.exercises.widget_items import ORDER, PARTS, widget_course
from tests.virtual import VirtualLoop
from tests.world import Learner, World, settle


async def started(learner: Learner, course: str | None = None) -> dict[str, Any]:
    await learner.send(cmd.LessonStart(learner.new_id(), course=course))
    told: dict[str, Any] = learner.of(ev.Ok)[-1].changed
    return told


def session(learner: Learner) -> Any:
    assert learner.attached is not None
    return learner.attached.session


async def answered(learner: Learner) -> ev.Feedback:
    shown = learner.replica.item
    assert shown is not None
    key = str(session(learner).state.instance.key)
    await learner.send(cmd.AnswerSubmit(learner.new_id(), shown.item, key, 9_000))
    found: ev.Feedback = learner.of(ev.Feedback)[-1]
    return found


async def test_another_course_is_a_new_lesson_and_the_way_back_is_one(virtual: VirtualLoop) -> None:
    world = await World.begin()
    await world.ownership.ground.catalogue.add(widget_course(ORDER, PARTS))
    learner = await world.learner()
    first = await started(learner)
    assert (first["course"]["id"], first["line"]) == ("sums", [])
    fresh = [(s["id"], s["mastery"]) for s in first["skills"]]
    solved = learner.replica.item
    assert solved is not None
    verdict = await answered(learner)
    assert verdict.verdict == "correct"
    reached = {moved.id: moved.after for moved in verdict.skills}
    shown = learner.replica.item
    assert shown is not None
    await learner.send(cmd.HintRequest(learner.new_id(), shown.item))
    await learner.send(cmd.AnswerDraft(shown.item, "1"))
    told = await started(learner, "widgets")
    assert (told["course"]["id"], told["line"]) == ("widgets", [])
    assert [skill["id"] for skill in told["skills"]] == ["s"]
    there = learner.replica.item
    assert there is not None
    assert there.item in ("order.1", "parts.1")
    await learner.send(cmd.AnswerDraft(shown.item, "late"))
    state = session(learner).state
    assert (state.plain.draft, state.plain.closed, state.plain.open.hints) == (None, None, 0)
    await learner.send(cmd.AnswerSubmit(learner.new_id(), shown.item, "1"))
    assert learner.errors[-1].code == 106
    await learner.send(cmd.TurnStart(learner.new_id(), "Why?", item=solved.item))
    await settle()
    again = await started(learner, "sums")
    assert again["course"]["id"] == "sums"
    told_again = {s["id"]: s["mastery"] for s in again["skills"]}
    assert told_again == {**dict(fresh), **reached}, "it goes on where it was left"
    assert reached
    assert (await answered(learner)).verdict == "correct"
    await world.check()


async def test_so_many_courses_are_kept_those_left_last(virtual: VirtualLoop) -> None:
    world = await World.begin()
    names = [f"widgets-{n}" for n in range(COURSES_KEPT + 1)]
    for name in names:
        course = widget_course(ORDER, PARTS).replace(b'"widgets"', f'"{name}"'.encode())
        await world.ownership.ground.catalogue.add(course)
    learner = await world.learner()
    for name in ("sums", *names):
        await started(learner, name)
    state = session(learner).state
    assert list(state.plain.left) == names[:-1]
    assert SessionState.from_bytes(state.to_bytes(), state.syllabus).to_bytes() == state.to_bytes()
    await started(learner, names[2])
    assert list(session(learner).state.plain.left) == [*names[:2], *names[3:]]
    await world.check()


async def test_the_same_course_once_more_begins_with_its_line(virtual: VirtualLoop) -> None:
    world = await World.begin()
    learner = await world.learner()
    await started(learner)
    await answered(learner)
    assert len((await started(learner, "sums"))["line"]) == 1
    await world.check()
