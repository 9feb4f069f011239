"""Faults of a course's skills and of what all its items share. This file is those checks.

Repeated ids (C103), prerequisites (C501, C502), skills without practice (C503, C504), parameters
of mastery (C505), licence and attribution (C701), licences of sources (C702).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engines.exercises.licences import misfit
from engines.words import Course, Finding, Skill

FEW_ITEMS = 3
MOST_SLIP = 0.3
_RUNS = 500
"""Right answers in a row after which P(L) has settled."""


class Named(NamedTuple):
    """An id, what it names, and where it stands."""

    what: str
    id: str
    path: tuple[str | int, ...]


def skill_findings(course: Course) -> list[Finding]:
    """The faults of skills and of the course as a whole."""
    return [
        *_rights(course),
        *_repeated(course),
        *_unknown(course),
        *_cycles(course),
        *_practice(course),
        *_parameters(course),
        *_sources(course),
    ]


def _rights(course: Course) -> Iterator[Finding]:
    if not course.license.strip():
        yield Finding("C701", "E", ("license",), "no licence", "name one, as CC-BY-4.0")
    if not any(line.strip() for line in course.attribution):
        yield Finding("C701", "E", ("attribution",), "no attribution", "say who wrote the course")


def _repeated(course: Course) -> Iterator[Finding]:
    named = [Named("skill", each.id, ("skills", at)) for at, each in enumerate(course.skills)]
    named += [Named("goal", each.id, ("goals", at)) for at, each in enumerate(course.goals)]
    named += [
        Named("shared misconception", each.id, ("misconceptions", at))
        for at, each in enumerate(course.misconceptions)
    ]
    named += [Named("item", each.id, ("items", at)) for at, each in enumerate(course.items)]
    for at, item in enumerate(course.items):
        for nth, option in enumerate(item.options):
            named.append(Named(f"choice of {at}", option.id, ("items", at, "options", nth)))
        for nth, wrong in enumerate(item.misconceptions):
            path = ("items", at, "misconceptions", nth)
            named.append(Named(f"misconception of {at}", wrong.id, path))
    seen: set[tuple[str, str]] = set()
    for each in named:
        if (each.what, each.id) in seen:
            told = f"{each.what.partition(' of ')[0]} id {each.id} is given twice"
            yield Finding("C103", "E", (*each.path, "id"), told, "ids name one thing each")
        seen.add((each.what, each.id))


def _unknown(course: Course) -> Iterator[Finding]:
    known = {skill.id for skill in course.skills}
    for at, skill in enumerate(course.skills):
        for nth, needed in enumerate(skill.requires):
            if needed not in known:
                path = ("skills", at, "requires", nth)
                yield Finding("C502", "E", path, f"unknown skill {needed}", _nearby(needed, known))
    for at, item in enumerate(course.items):
        for nth, named in enumerate(item.skills):
            if named not in known:
                path = ("items", at, "skills", nth)
                yield Finding("C502", "E", path, f"unknown skill {named}", _nearby(named, known))


def _nearby(name: str, known: set[str]) -> str:
    family = name.partition(".")[0]
    close = sorted(each for each in known if each.partition(".")[0] == family)
    return f"skills of that family: {', '.join(close)}" if close else "add it to skills"


def _cycles(course: Course) -> Iterator[Finding]:
    """C501 once for each circle of prerequisites, at its first skill."""
    requires = {skill.id: skill.requires for skill in course.skills}
    settled: set[str] = set()
    for at, skill in enumerate(course.skills):
        circle = _circle(skill.id, requires, settled)
        if circle:
            told = f"prerequisites in a circle: {' -> '.join(circle)}"
            yield Finding("C501", "E", ("skills", at, "requires"), told, "take one out")
            settled.update(circle)


def _circle(start: str, requires: dict[str, tuple[str, ...]], settled: set[str]) -> list[str]:
    """A path from a skill back to itself, or nothing; depth first without recursion."""
    trail: list[tuple[str, Iterator[str]]] = [(start, iter(requires.get(start, ())))]
    met = {start} | settled
    while trail:
        following = next(trail[-1][1], None)
        if following is None:
            trail.pop()
        elif following == start and start not in settled:
            return [*(name for name, _ in trail), start]
        elif following not in met:
            met.add(following)
            trail.append((following, iter(requires.get(following, ()))))
    return []


def _sources(course: Course) -> Iterator[Finding]:
    for at, item in enumerate(course.items):
        why = misfit(item.source.license, course.license) if item.source else None
        if why is not None:
            fix = "take the item out, or change the course's licence"
            yield Finding("C702", "W", ("items", at, "source"), why, fix)


def _unreached(course: Course, counts: dict[str, int]) -> Iterator[Finding]:
    """C504 for skills that wait for one which nothing teaches."""
    requires = {skill.id: skill.requires for skill in course.skills}
    lacking = {name for name, count in counts.items() if not count}
    for at, skill in enumerate(course.skills):
        trail, met = list(skill.requires), set(skill.requires)
        while trail:
            name = trail.pop()
            if name in lacking:
                told = f"skill {skill.id} is out of reach: {name}, which it needs, has no items"
                path = ("skills", at, "requires")
                yield Finding("C504", "W", path, told, "write items for it, or need it no more")
                break
            following = [each for each in requires.get(name, ()) if each not in met]
            met.update(following)
            trail += following


def _practice(course: Course) -> Iterator[Finding]:
    counts = dict.fromkeys((skill.id for skill in course.skills), 0)
    for item in course.items:
        for named in set(item.skills) & counts.keys():
            counts[named] += 1
    for at, skill in enumerate(course.skills):
        count = counts[skill.id]
        if not count:
            told = f"skill {skill.id} has no items"
            yield Finding("C503", "W", ("skills", at), told, "write items or drop the skill")
        elif count < FEW_ITEMS:
            told = f"skill {skill.id} has {count} items, {FEW_ITEMS} are wanted"
            yield Finding("C504", "W", ("skills", at), told, "write more")
    yield from _unreached(course, counts)


def _parameters(course: Course) -> Iterator[Finding]:
    for at, skill in enumerate(course.skills):
        bkt, path = skill.bkt, ("skills", at, "bkt")
        if bkt.slip + bkt.guess >= 1:
            told = f"slip {bkt.slip:g} + guess {bkt.guess:g} is not below 1"
            yield Finding("C505", "E", path, told, "a right answer must speak for mastery")
        elif bkt.slip > MOST_SLIP:
            yield Finding("C505", "E", path, f"slip {bkt.slip:g} is above {MOST_SLIP:g}")
        elif (reached := settled_mastery(skill)) < skill.mastery:
            told = f"mastery {skill.mastery:g}, but P(L) never passes {reached:.3f}"
            fix = "lower mastery or forget"
            yield Finding("C505", "E", ("skills", at, "mastery"), told, fix)


def settled_mastery(skill: Skill) -> float:
    """P(L) after many right answers in a row (Corbett & Anderson 1995, with forgetting).

    >>> round(settled_mastery(Skill("s", "S")), 3)
    0.978
    """
    known, bkt = skill.bkt.init, skill.bkt
    for _ in range(_RUNS):
        right = known * (1 - bkt.slip)
        chance = right + (1 - known) * bkt.guess
        after = right / chance if chance else known
        known = after * (1 - bkt.forget) + (1 - after) * bkt.learn
    return known
