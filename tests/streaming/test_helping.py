"""Hints, scaffolds and blanks over the wire: help that is answered and never punished."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec import to_builtins

from engines.exercises.course import canonical
from engines.exercises.subquestions import place_of, subquestion
from engines.exercises.telling import telling
from protocol import commands as cmd
from protocol import events as ev
from streaming.helping import ONE_STEP
from streaming.providers.base import End, Text
from streaming.state import SessionState, snapshot_body, snapshot_parts
from tests.virtual import VirtualLoop
from tests.world import Learner, Scripted, World, asking_course, settle, small_course


async def begun(mode: Any = "practice") -> tuple[World, Learner]:
    world = await World.begin(course=asking_course())
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id(), mode=mode))
    return world, learner


def state_of(learner: Learner) -> Any:
    assert learner.attached is not None
    return learner.attached.session.state


def item_of(learner: Learner) -> str:
    assert learner.replica.item is not None
    return learner.replica.item.item


async def hinted(learner: Learner, times: int, at: str | None = None) -> ev.Hint:
    for _ in range(times):
        await learner.send(cmd.HintRequest(learner.new_id(), item_of(learner), at))
    found: ev.Hint = learner.of(ev.Hint)[-1]
    return found


async def steps(learner: Learner, at: str | None = None) -> list[ev.Step]:
    await learner.send(cmd.StepsRequest(learner.new_id(), item_of(learner), at))
    found: list[ev.Step] = learner.of(ev.Steps)[-1].steps
    return found


async def answered(learner: Learner, response: str | None = None, at: str | None = None) -> Any:
    """Answer the item, or the small question `at`: rightly where no response is named."""
    made = state_of(learner).instance
    asked = made if at is None else subquestion(made, place_of(at))
    given = str(asked.key) if response is None and asked else response or "1"
    await learner.send(cmd.AnswerSubmit(learner.new_id(), item_of(learner), given, 9_000, at))
    return learner.of(ev.Feedback)[-1]


def mastery(learner: Learner) -> dict[str, Any]:
    state = state_of(learner)
    told: dict[str, Any] = state.beliefs.mastery(state.syllabus)
    return told


async def test_a_scaffold_is_asked_answered_and_leads_back(virtual: VirtualLoop) -> None:
    world, learner = await begun()
    first = item_of(learner)
    asked = await hinted(learner, 2)
    assert asked.scaffold is not None
    assert (asked.scaffold.at, asked.scaffold.kind, asked.scaffold.hints) == ("hint.2", "number", 2)
    assert asked.scaffold.ask.startswith("What is $")
    wrong = await answered(learner, "-7", "hint.2")
    assert wrong.message == ONE_STEP, "who is in a hint is not sent for one"
    assert (wrong.verdict, wrong.at, wrong.assisted, wrong.skills) == (
        "incorrect", "hint.2", True, [],
    )  # fmt: skip
    assert (await answered(learner, "((", "hint.2")).verdict == "unreadable"
    right = await answered(learner, None, "hint.2")
    assert (right.verdict, right.done, right.attempt) == ("correct", False, 2)
    assert right.message.endswith("Now back to the question.")
    await answered(learner, None, "hint.2")
    assert learner.errors[-1].code == 108
    assert item_of(learner) == first
    feedback = await answered(learner)
    assert (feedback.verdict, feedback.attempt, feedback.assisted) == ("correct", 1, True)
    assert feedback.done
    await world.check()


async def test_a_draft_of_a_scaffold_is_given_back_until_it_is_answered(
    virtual: VirtualLoop,
) -> None:
    world, learner = await begun()

    async def drafted(response: str, at: str | None) -> None:
        await learner.send(cmd.AnswerDraft(item_of(learner), response, at=at))

    async def who_comes() -> tuple[Any, Any]:
        told = (await world.learner(learner.sid)).replica.snapshot_state
        return told["draft"], told["sub_drafts"]

    await drafted("1", "hint.2")
    assert state_of(learner).plain.sub_drafts == {}, "a hint that is not shown has no box"
    await hinted(learner, 2)
    for response, at in (("1", "hint.2"), ("12", "hint.2")):
        await drafted(response, at)
    assert await who_comes() == (None, {"hint.2": "12"})
    await drafted("x = ", None)
    assert await who_comes() == ("x = ", {"hint.2": "12"})
    state = state_of(learner)
    kept = snapshot_parts(snapshot_body(state, "e"))
    assert (kept.draft, kept.sub_drafts) == ("x = ", {"hint.2": "12"})
    assert SessionState.from_bytes(kept.state, state.syllabus).plain.sub_drafts == {}
    await answered(learner, None, "hint.2")
    await drafted("3", "hint.2")
    assert await who_comes() == ("x = ", {})
    await learner.send(cmd.ItemNext(learner.new_id()))
    assert state_of(learner).plain.sub_drafts == {}
    await world.check()


async def test_a_scaffold_has_hints_of_its_own(virtual: VirtualLoop) -> None:
    world, learner = await begun()
    await hinted(learner, 2)
    own = await hinted(learner, 3, "hint.2")
    assert (own.at, own.level, own.of) == ("hint.2", 2, 2)
    assert learner.errors[-1].code == 108
    assert state_of(learner).plain.open.hints == 2
    last = await hinted(learner, 1)
    assert (last.level, last.told, last.at) == (3, True, None)
    await world.check()


@pytest.mark.parametrize(
    ("at", "code"),
    [("hint.2", 115), ("step.1", 115), ("hint.0", 101), ("part.1", 101), ("hint.1\n", 101)],
)
async def test_what_is_not_asked_is_not_answered(virtual: VirtualLoop, at: str, code: int) -> None:
    world, learner = await begun()
    await hinted(learner, 1)
    head = learner.replica.position.seq
    await learner.send(cmd.AnswerSubmit(learner.new_id(), item_of(learner), "1", at=at))
    assert (learner.errors[-1].code, learner.replica.position.seq) == (code, head)
    await world.check()


async def test_a_level_without_an_answer_takes_none(virtual: VirtualLoop) -> None:
    _, learner = await begun()
    assert (await hinted(learner, 1)).scaffold is None
    await learner.send(cmd.AnswerSubmit(learner.new_id(), item_of(learner), "1", at="hint.1"))
    assert learner.errors[-1].code == 106


async def test_no_help_and_no_wrong_scaffold_lowers_anything(virtual: VirtualLoop) -> None:
    world, learner = await begun()
    for response in (None, "-7", None):  # some evidence to lose
        await answered(learner, response)
    state = state_of(learner)
    before, beliefs = mastery(learner), state.beliefs.to_bytes()
    await hinted(learner, 2)
    for response in ("-7", "-8", "(("):
        await answered(learner, response, "hint.2")
    await hinted(learner, 2, "hint.2")
    await answered(learner, None, "hint.2")
    await hinted(learner, 1)
    await steps(learner)
    assert mastery(learner) == before
    assert state.beliefs.to_bytes() == beliefs
    assert (state.plain.open.attempts, state.plain.open.verdict) == (0, None)
    await world.check()


async def test_a_told_answer_is_one_assisted_opportunity_and_comes_again(
    virtual: VirtualLoop,
) -> None:
    world, learner = await begun()
    first, before = learner.replica.item, state_of(learner).beliefs.to_bytes()
    assert first is not None
    await hinted(learner, 3)
    told = mastery(learner)
    await learner.send(cmd.ItemNext(learner.new_id()))
    again = learner.replica.item
    assert again is not None
    assert again.skills[0] == first.skills[0]
    assert again.why.startswith("Once more with other numbers")
    assert again.prompt != first.prompt
    assert mastery(learner) == told
    assert state_of(learner).beliefs.to_bytes() != before
    await world.check()


async def test_after_a_told_answer_the_right_one_brings_the_skill_again(
    virtual: VirtualLoop,
) -> None:
    world, learner = await begun()
    await hinted(learner, 3)
    feedback = await answered(learner)
    assert (feedback.assisted, feedback.done) == (True, True)
    assert learner.replica.item is not None
    assert learner.replica.item.why.startswith("Once more with other numbers")
    await world.check()


async def test_worked_steps_fade_by_one_after_each_right_answer(virtual: VirtualLoop) -> None:
    world, learner = await begun("worked")
    await learner.send(cmd.StepsRequest(learner.new_id(), item_of(learner)))
    assert learner.errors[-1].code == 104  # whole, they would tell what was not tried
    await answered(learner, "-7")
    assert [step.ask for step in await steps(learner)] == [None, None]
    await answered(learner)
    skill = state_of(learner).instance.item.skills[0]
    assert state_of(learner).plain.fading == {skill: 1}
    await learner.send(cmd.ItemNext(learner.new_id(), skill))
    shown = await steps(learner)
    assert [step.ask.at if step.ask else None for step in shown] == [None, "step.2"]
    assert shown[1].show == ""
    assert shown[1].why == "Add."
    await answered(learner, None)
    await learner.send(cmd.ItemNext(learner.new_id(), skill))
    shown = await steps(learner)
    assert [step.ask.at if step.ask else None for step in shown] == ["step.1", "step.2"]
    assert "show" not in to_builtins(shown[0])
    assert (await answered(learner, "-7", "step.1")).verdict == "incorrect"
    filled = await answered(learner, None, "step.1")
    assert (filled.verdict, filled.at) == ("correct", "step.1")
    after = learner.of(ev.Steps)[-1]
    assert (after.re, bool(after.steps[0].show), after.steps[1].show) == (None, True, "")
    await learner.send(cmd.StepsRequest(learner.new_id(), item_of(learner), "step.2"))
    assert learner.errors[-1].code == 104  # given up, the last would tell what was not tried
    await answered(learner, "-7")
    assert all(step.show for step in await steps(learner, "step.2"))
    await answered(learner, "1", "step.2")
    assert learner.errors[-1].code == 108
    await world.check()


async def test_a_late_tab_sees_the_scaffold_as_it_stands(virtual: VirtualLoop) -> None:
    world, learner = await begun()
    await hinted(learner, 2)
    await hinted(learner, 1, "hint.2")
    await answered(learner, "-7", "hint.2")
    other = Learner(world, learner.sid)
    await other.connect()
    other.transmit(cmd.Sync("me", "another", 0))
    await settle()
    other.pump()
    seen = other.of(ev.Snapshot)[-1].state
    assert seen["hints"][1]["scaffold"]["at"] == "hint.2"
    sub = seen["subs"]["hint.2"]
    assert (sub["verdict"], sub["response"], sub["attempts"], sub["over"]) == (
        "incorrect", "-7", 1, False,
    )  # fmt: skip
    assert len(sub["hints"]) == 1
    await world.check()


async def test_a_scaffolds_answer_is_taken_once(virtual: VirtualLoop) -> None:
    world, learner = await begun()
    await hinted(learner, 2)
    once = cmd.AnswerSubmit("once", item_of(learner), "-7", 0, "hint.2")
    await learner.send(once)
    head = state_of(learner).plain.seq
    other = await world.learner(learner.sid)
    for tab in (learner, other):
        tab.transmit(once)
        await settle()
        tab.pump()
        assert (tab.of(ev.Feedback)[-1].dup, tab.of(ev.Feedback)[-1].at) == (True, "hint.2")
    assert state_of(learner).plain.seq == head
    assert state_of(learner).plain.open.subs["hint.2"].attempts == 1
    await world.check()


async def test_a_preview_reads_a_scaffolds_answer(virtual: VirtualLoop) -> None:
    _, learner = await begun()
    await hinted(learner, 2)
    learner.transmit(cmd.AnswerPreview(item_of(learner), "3/", "hint.2"))
    await settle()
    learner.pump()
    seen = learner.of(ev.Preview)[-1]
    assert (seen.at, seen.column) == ("hint.2", 3)


async def test_while_a_blank_holds_the_last_step_the_answer_stays_locked(
    virtual: VirtualLoop,
) -> None:
    world, learner = await begun("worked")
    state = state_of(learner)
    skill = state.instance.item.skills[0]
    state.plain.fading[skill] = 1
    shown = await steps(learner)
    assert shown[1].show == ""
    opened = state.plain.open
    item = state.instance.item
    assert (opened.steps_tell(item), opened.steps_told(item)) == (False, False)
    await answered(learner, None, "step.2")
    assert (opened.steps_tell(item), opened.steps_told(item)) == (True, False)
    del world


def expanding_course() -> bytes:
    """The small course, but its answers are expressions."""
    course = json.loads(small_course())
    for each in course["items"]:
        each["prompt"] = "Say twice the sum of $x$ and $@{a}$ as it is told, without brackets."
        each["answer"] = {"kind": "expression", "value": "2*x + 2*a", "form": "expanded"}
        each["misconceptions"] = []
        each["hints"] = [
            {"level": "nudge", "say": "Double both parts."},
            {"level": "bottom-out", "say": "It is $2x + @{2*a}$."},
        ]
        each["steps"] = [{"show": "$2x + @{2*a}$", "why": "Double both."}]
    return canonical(course)


async def heard(learner: Learner) -> None:
    """A turn is heard to its end, and acknowledged; time is virtual."""
    while learner.replica.me.running is not None:
        await asyncio.sleep(1)
        learner.pump()
        for each in learner.replica.ack():
            learner.transmit(each)


@pytest.mark.parametrize(
    "leak", ["2x + {}", "{}+2x", "2(x + {half})", "x + x + {}", "2 times x plus {}"]
)
async def test_a_model_cannot_tell_an_expression_before_the_last_hint(
    virtual: VirtualLoop, leak: str
) -> None:
    model = Scripted(name="leaky")
    world = await World.begin(model, course=expanding_course())
    learner = await world.learner()
    await learner.send(cmd.LessonStart(learner.new_id()))
    made = state_of(learner).instance
    a = int(made.values["a"])
    told = leak.format(2 * a, half=a)
    ends = Text(f"{told[2:]} is what you want. "), End("stop")
    model.script = (Text("Look: "), Text(told[:2]), *ends)
    await learner.send(cmd.TurnStart(learner.new_id(), "what is it?"))
    await heard(learner)
    gen = next(iter(learner.replica.me.generations.values()))
    assert gen.status == "completed"
    assert model.calls
    assert not any(f"2x + {2 * a}" in str(request.messages) for request in model.requests)
    assert not telling(gen.text, made)
    assert {event.reason for event in learner.of(ev.TurnRestarted)} == {"guard.answer"}
    await hinted(learner, 2)
    model.script = (Text(f"It is {told}, as the hint says. "), End("stop"))
    await learner.send(cmd.TurnStart(learner.new_id(), "why?"))
    await heard(learner)
    assert told in list(learner.replica.me.generations.values())[-1].text
    await world.check()
