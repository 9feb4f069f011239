"""The verdict on an item of several questions, each judged by its own kind. This file joins them.

A response is a map of part ids to responses; typed as text it is `a: 3; b: 1/2`. It is right where
all parts are; one part that cannot be read makes the whole unreadable, and no try is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.verdicts import NOT_YET, RIGHT, shown
from engines.words import Instance, Verdict, VerdictName

Judge = Callable[[Instance, object, str], Verdict]

TYPED_CHARS = 12 * LIMITS.code_points
"""Most characters of a text that answers all parts."""


def graded_parts(instance: Instance, response: object, locale: str, judge: Judge) -> Verdict:
    """The verdict on all parts; `judge` grades one. Raises ExpressionError for another shape."""
    given = parts_read(instance, response)
    verdicts = {
        name: judge(part, given[name], locale)
        for name, part in zip(part_ids(instance), instance.parts, strict=True)
    }
    names: dict[str, VerdictName] = {name: each.verdict for name, each in verdicts.items()}
    read_as = "; ".join(f"{name}: {each.read_as}" for name, each in verdicts.items())
    told = [_told(n, v) for n, v in enumerate(verdicts.values(), 1) if v.verdict != "correct"]
    joined = _joined(names)
    right = sum(name == "correct" for name in names.values())
    wrong = next((v.misconception for v in verdicts.values() if v.misconception), None)
    unread = [v for v in verdicts.values() if v.verdict == "unreadable"]
    if joined == "unreadable":
        told = [_told(n, v) for n, v in enumerate(verdicts.values(), 1) if v in unread]
    return Verdict(
        joined,
        read_as,
        " ".join(told) or RIGHT,
        misconception=wrong,
        column=unread[0].column if unread else None,
        note=_note(verdicts),
        share=right / len(names) if joined == "partial" else None,
        parts=names,
    )


def part_label(nth: int) -> str:
    """What a learner calls the nth part, from 1: its id is the author's own.

    >>> part_label(2)
    'Part 2'
    """
    return f"Part {nth}"


def _told(nth: int, verdict: Verdict) -> str:
    """The verdict on the nth part in words; general advice is not said once a part."""
    said = "not yet." if verdict.message == NOT_YET else verdict.message
    return f"{part_label(nth)}: {said}"


def _joined(names: Mapping[str, VerdictName]) -> VerdictName:
    """The verdict on the whole: the parts' own, where they agree."""
    each = set(names.values())
    if "unreadable" in each:
        return "unreadable"
    if each <= {"correct"}:
        return "correct"
    if each <= {"correct", "wrong_form"}:
        return "wrong_form"
    return "partial" if "correct" in each or "partial" in each else "incorrect"


def _note(verdicts: Mapping[str, Verdict]) -> str | None:
    return next((v.note for v in verdicts.values() if v.note is not None), None)


def parts_reading(
    instance: Instance, response: object, locale: str, read: Callable[[Instance, object, str], str]
) -> str:
    """How all parts would be read; `read` reads one. Raises ExpressionError, naming the part."""
    given = parts_read(instance, response)
    told = []
    for nth, (name, part) in enumerate(zip(part_ids(instance), instance.parts, strict=True), 1):
        try:
            told.append(f"{name}: {read(part, given[name], locale)}")
        except ExpressionError as error:
            expected = f"{error.expected} in part {nth}"
            raise ExpressionError(error.column, expected, error.found) from None
    return "; ".join(told)


def part_ids(instance: Instance) -> tuple[str, ...]:
    """The ids of an item's parts, in order."""
    return tuple(part.id for part in instance.item.parts)


def parts_read(instance: Instance, response: object) -> dict[str, object]:
    """A response for each part. Raises ExpressionError for what is none."""
    ids = part_ids(instance)
    given = _typed(response, ids) if isinstance(response, str) else response
    if not isinstance(given, Mapping):
        raise ExpressionError(1, f"a response to each of {', '.join(ids)}", shown(response))
    for name in given:
        if name not in ids:
            raise ExpressionError(1, f"one of {', '.join(ids)}", shown(name))
    for name in ids:
        if given.get(name) is None:
            raise ExpressionError(1, f"a response to each of {', '.join(ids)}", f"none to {name}")
    return dict(given)


def _typed(text: str, ids: tuple[str, ...]) -> dict[str, object]:
    """What was typed to each part: its id, a colon, the response; parts end at `;` or a new line.

    A `;` inside of a response stays where no part's id follows it.
    """
    if len(text) > TYPED_CHARS:
        raise TooLarge(TYPED_CHARS + 1, f"at most {TYPED_CHARS} characters")
    named = "|".join(re.escape(name) for name in ids)
    begins = list(re.finditer(rf"(?:^|[;\n])\s*({named})\s*[:=]", text))
    found: dict[str, object] = {}
    for at, begin in enumerate(begins):
        if begin[1] in found:
            raise ExpressionError(begin.start() + 1, "each part once", f"{begin[1]} twice")
        end = begins[at + 1].start() if at + 1 < len(begins) else len(text)
        found[begin[1]] = text[begin.end() : end].strip(" \t\n;")
    return found


def parts_key(spelled: Callable[[Instance], object], instance: Instance) -> dict[str, object]:
    """The key of each part, as `spelled` spells one."""
    ids = part_ids(instance)
    return {name: spelled(part) for name, part in zip(ids, instance.parts, strict=True)}
