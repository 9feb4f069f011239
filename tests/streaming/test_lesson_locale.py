"""A lesson whose course writes decimals with a comma: read, previewed, judged and replayed so."""

from __future__ import annotations

import json

from engines.exercises.course import canonical
from protocol import commands as cmd
from protocol.events import Feedback, Hint, Preview
from tests.virtual import VirtualLoop
from tests.world import Learner, World, small_course


def swedish_course() -> bytes:
    """One course of halves in Swedish, with a unit in one of two items."""
    course = json.loads(small_course(1))
    course["locale"] = "sv"
    for each in course["items"]:
        each["prompt"] = "Hur mycket är @{a + 1/2:d1} km?"
        each["answer"] = {
            "kind": "number",
            "value": "a + 1/2",
            "form": "decimal",
            "unit": {"want": "km", "required": False},
        }
        each["hints"] = [*each["hints"][:2], {"level": "bottom-out"}]
        each["steps"] = []
        each["misconceptions"] = []
    return canonical(course)


def whole(ann: Learner) -> str:
    """The whole number before the comma, from the prompt."""
    assert ann.replica.item is not None
    prompt = ann.replica.item.prompt
    assert ",5 km" in prompt
    return prompt.removeprefix("Hur mycket är ").partition(",")[0]


async def test_a_decimal_comma_is_right_in_a_swedish_lesson(virtual: VirtualLoop) -> None:
    world = await World.begin(course=swedish_course())
    ann = await world.learner()
    await ann.send(cmd.LessonStart(ann.new_id(), seed=7))
    assert ann.replica.item is not None
    item, n = ann.replica.item.item, whole(ann)
    await ann.send(cmd.AnswerPreview(item, f"{n},5"))
    assert ann.of(Preview)[-1].read_as == f"{n}{{,}}5"
    await ann.send(cmd.AnswerSubmit(ann.new_id(), item, f"{n},4"))
    assert ann.of(Feedback)[-1].verdict == "incorrect"
    for _ in range(3):
        await ann.send(cmd.HintRequest(ann.new_id(), item))
    assert rf"${n}{{,}}5\,\mathrm{{km}}$" in ann.of(Hint)[-1].text
    await ann.send(cmd.AnswerSubmit(ann.new_id(), item, f"{n},5 km"))
    told = ann.of(Feedback)[-1]
    assert (told.verdict, told.read_as) == ("correct", rf"{n}{{,}}5\,\mathrm{{km}}")
    await world.check()
