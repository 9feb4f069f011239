"""What a shape alone cannot know of an item: which keys go together. This file settles that.

Answers get their canonical value and form; what stands once with the course is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from server.authoring.shapes import nearest
from server.authoring.widgets import parts_misfits, widget_misfits

_WITH_CHOICES = ("choice", "multi")


class Fault(NamedTuple):
    """A fault below an item or a course: the way there in canonical names, what, how to mend it."""

    path: tuple[str | int, ...]
    message: str
    fix: str = ""


def item_settled(item: dict[str, Any]) -> list[Fault]:
    """Settle every answer of an item; the faults found."""
    faults = [Fault(*misfit) for misfit in parts_misfits(item)]
    if "answer" in item:
        faults += _question(item)
    for at, part in enumerate(item.get("parts", ())):
        faults += [_below(("parts", at), fault) for fault in _question(part)]
    for at, hint in enumerate(item.get("hints", ())):
        faults += [_below(("hints", at), fault) for fault in _hint(hint)]
    for at, step in enumerate(item.get("steps", ())):
        if "ask" in step:
            faults += [_below(("steps", at), fault) for fault in _answer(step, "ask")]
        elif "options" in step:
            faults.append(Fault(("steps", at), "choices stand with an ask"))
    for at, wrong in enumerate(item.get("misconceptions", ())):
        if "say" not in wrong and not wrong.get("shared"):
            told = "a misconception says something, or is shared"
            faults.append(Fault(("misconceptions", at), told, "add say or shared: true"))
    if isinstance(named := item.get("goals"), dict):
        item["goals"] = named["goals"]
    return faults


def _question(holder: dict[str, Any]) -> list[Fault]:
    """Settle the answer of an item, or of a part, and see whether its widget fits."""
    faults = list(_answer(holder, "answer"))
    return faults + [Fault(*misfit) for misfit in widget_misfits(holder)]


def _below(path: tuple[str | int, ...], fault: Fault) -> Fault:
    return fault._replace(path=(*path, *fault.path))


def _hint(hint: dict[str, Any]) -> Iterator[Fault]:
    if ("ask" in hint) != ("answer" in hint):
        yield Fault((), "a hint that asks has both ask and answer")
    if "answer" in hint:
        yield from _answer(hint, "answer")
    if "say" not in hint and "ask" not in hint and hint["level"] not in ("sibling", "bottom-out"):
        yield Fault((), "a hint says or asks something")
    if "hints" in hint and "answer" not in hint:
        yield Fault((), "hints of a hint stand with its ask", "make them levels of their own")


def _answer(holder: dict[str, Any], name: str) -> Iterator[Fault]:
    """Give an answer its canonical value and form."""
    answer = holder[name]
    kind, value = answer["kind"], answer["value"]
    if kind not in ("multi", "order", "match") and not isinstance(value, dict):
        if len(value) != 1:
            yield Fault((name,), f"kind {kind} takes one value")
        answer["value"] = value[0]
    if kind == "fraction":
        answer.setdefault("form", "lowest-terms")
    if kind in _WITH_CHOICES and "options" not in holder:
        yield Fault((name,), f"kind {kind} needs choices")
    if kind not in _WITH_CHOICES and "options" in holder:
        yield Fault((name,), f"kind {kind} takes no choices")


def course_settled(head: dict[str, Any]) -> list[Fault]:
    """Settle the goals of a course; the faults found."""
    if isinstance(listed := head.get("goals"), dict):
        head["goals"] = listed["goals"]
    faults: list[Fault] = []
    for at, goal in enumerate(head.get("goals", ())):
        path = ("goals", at)
        if "expect" in goal:
            faults += [_below(path, fault) for fault in _answer(goal, "expect")]
        elif "phrases" not in goal:
            told = "a goal has what meets it: expect, or phrases"
            faults.append(Fault(path, told, "say which answer or which words meet it"))
    return faults


def item_unknown(item: dict[str, Any], head: dict[str, Any]) -> list[Fault]:
    """What an item names that the course's head, not settled yet, does not hold."""
    said = {each["id"] for each in head.get("misconceptions", ())}
    goals = {each["id"] for each in head.get("goals", {}).get("goals", ())}
    faults: list[Fault] = []
    for at, wrong in enumerate(item.get("misconceptions", ())):
        if "say" not in wrong and wrong["id"] not in said:
            told = f"the course has no shared misconception {wrong['id']!r}"
            faults.append(
                Fault(("misconceptions", at, "id"), told, nearest(wrong["id"], tuple(said)))
            )
    for at, name in enumerate(item.get("goals", ())):
        if name not in goals:
            fix = nearest(name, tuple(goals)) if goals else "define it under socratic of the course"
            faults.append(Fault(("goals", at), f"the course has no goal {name!r}", fix))
    return faults
