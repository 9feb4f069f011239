"""A course pinned to one version of what its answers taught a server. This file composes that.

What all learners share may not change under a running lesson: a lesson is pinned to a version,
and so folds to the same bits for ever.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from engines.exercises.course import syllabus
from engines.learnt import Learnt
from engines.quantum import defaults
from engines.quantum.course import Combinations, references, shared_links
from engines.quantum.final import kernels as k
from engines.quantum.final.stage import Final
from engines.quantum.parameters import Parameters
from engines.quantum.scoring import Scoring
from engines.words import Course, Floats, Ints, Syllabus, ragged

TYPICAL_MS = 20_000.0
"""Geometric mean of the time on an item of which nothing is known (van der Linden 2006)."""
TYPICAL_ANSWERS = 5.0
"""So many answers that prior is worth."""
EXPOSURE_LESSONS = 30
"""Below so many lessons an item's exposure says nothing."""
RAPID_SHARE, RAPID_LEAST_MS, RAPID_MOST_MS = 0.10, 300.0, 5_000.0
"""Quicker than this share of the item's geometric mean is a rapid guess (Wise & Kong 2005)."""


class Physics(NamedTuple):
    """What a course is scored by: parameters for its items and combinations, answers behind b."""

    parameters: Parameters
    answers: Floats
    final: Final | None = None


def shipped(course: Course) -> Physics:
    """The physics of a course without data of its own: shipped numbers, the authors' difficulties.

    Combinations that share a skill are linked, so that practice on both moves each.
    """
    combinations = Combinations(course)
    b = np.array([item.difficulty for item in course.items])
    parameters = defaults.parameters(
        len(combinations), combinations.of_item, b, *shared_links(combinations)
    )
    return Physics(parameters, np.zeros(len(b)))


def fitted_to(course: Course, data: bytes) -> Physics:
    """The physics of a fit's bytes, laid over this course by the names of items and skills.

    What the fit has not met is like its average: the common basis, mean levels, the authors'
    difficulty. Raises ValueError for other bytes, and for a fit that knows nothing of the course.
    """
    from engines.quantum.fit.fitted import Fitted

    fit = Fitted.from_bytes(data)
    combinations = Combinations(course)
    p, weight = fit.parameters, np.maximum(1.0, fit.combination_answers.astype(np.float64))
    rows = {"~".join(sorted(name.split("~"))): at for at, name in enumerate(fit.combinations)}
    known = np.array([rows.get(name, -1) for name in combinations.names], dtype=np.int64)
    place = {name: at for at, name in enumerate(fit.items)}
    item = np.array([place.get(each.id, -1) for each in course.items], dtype=np.int64)
    if not (known >= 0).any() or not (item >= 0).any():
        msg = (
            f"expected a fit of course {course.id}, got one that knows none of its items or skills"
        )
        raise ValueError(msg)

    def laid(values: Any, average: Any) -> Any:
        shape = (len(known), *values.shape[1:])
        each = (slice(None), *[None] * (values.ndim - 1))
        return np.where((known >= 0)[each], values[known], np.broadcast_to(average, shape))

    def mean(values: Floats) -> Floats:
        average: Floats = np.average(values, axis=0, weights=weight)
        return average

    neighbours, correlation = _links(p, known)
    authors = np.array([each.difficulty for each in course.items])
    parameters = dataclasses.replace(
        p,
        basis=laid(p.basis, np.eye(p.levels)),
        level=laid(p.level, mean(p.level)),
        difficulty=np.where(item >= 0, p.difficulty[item], authors),
        combination=combinations.of_item,
        register_level=laid(p.register_level, mean(p.register_level)),
        register_start=laid(p.register_start, mean(p.register_start)),
        neighbours=neighbours,
        correlation=correlation,
    )
    answers = np.where(item >= 0, fit.item_answers[item], 0).astype(np.float64)
    final = None if fit.final is None else _final(course, combinations, item, fit.final)
    return Physics(parameters, answers, final)


def _final(course: Course, combinations: Combinations, item: Ints, data: bytes) -> Final:
    """The fit's final stage with the course's items and skills; `item` are the fit's rows, or -1.

    An item that the fit has not met is like the average of those it has.
    """
    final = Final.from_bytes(data)
    tables = np.where((item >= 0)[:, None], final.tables[item], final.tables.mean(axis=0))
    tables[item < 0, k.RARE] = 1.0
    tables[:, k.POSITION] = np.arange(len(item)) if final.places else 0.0
    rows = [at for at, parts in enumerate(combinations.components) for _ in parts]
    skills = [skill for parts in combinations.components for skill in parts]
    return dataclasses.replace(
        final,
        tables=tables,
        combination=combinations.of_item,
        parts=ragged(np.array(rows), np.array(skills), len(combinations)),
        skills=tuple(skill.id for skill in course.skills),
    )


def _links(p: Parameters, known: Ints) -> tuple[Ints, Floats]:
    """The fit's links between combinations that the course has, by the course's numbers."""
    at = {int(row): c for c, row in enumerate(known.tolist()) if row >= 0}
    width = p.neighbours.shape[1]
    neighbours = np.full((len(known), width), -1, dtype=np.int64)
    correlation = np.zeros((len(known), width))
    for c, row in enumerate(known.tolist()):
        linked = [] if row < 0 else zip(p.neighbours[row], p.correlation[row], strict=True)
        kept = [(at[int(v)], float(e)) for v, e in linked if v >= 0 and int(v) in at]
        for slot, (v, e) in enumerate(kept):
            neighbours[c, slot], correlation[c, slot] = v, e
    return neighbours, correlation


def pinned(
    course: Course,
    physics: Physics | None = None,
    learnt: Learnt | None = None,
    version: str = "course",
) -> Syllabus:
    """The syllabus of a lesson: the course under this physics, with what was learnt since.

    Without more, the shipped physics and nothing learnt. Raises ValueError where the physics is
    that of another course.
    """
    combinations = Combinations(course)
    parameters, answers, final = physics or shipped(course)
    if learnt is None:
        learnt = Learnt.nothing(parameters, answers)
    if parameters.n_items != len(course.items) or parameters.n_skills != len(combinations):
        msg = (
            f"expected parameters of {len(course.items)} items and {len(combinations)} "
            f"combinations, got {parameters.n_items} and {parameters.n_skills}"
        )
        raise ValueError(msg)
    b = np.array(learnt.b)
    offset = np.array(learnt.offset) + learnt.everywhere
    fitted = dataclasses.replace(parameters, slope=learnt.slope, intercept=learnt.intercept)
    plain = syllabus(course, b, version)
    return dataclasses.replace(
        plain,
        scoring=Scoring(fitted, difficulty=b, offset=offset),
        final=final,
        references=references(combinations, b, np.array(learnt.b_answers)),
        combination_titles=_titles(course, combinations),
        rapid_ms=_rapid_ms(course, learnt),
        exposure=_exposure(course, learnt),
    )


def _exposure(course: Course, learnt: Learnt) -> Floats:
    """(n_items,): share of lessons an item was shown in; 0 where its numbers are drawn anew."""
    if learnt.lessons < EXPOSURE_LESSONS:
        return np.zeros(len(course.items))
    fixed = np.array([not item.params for item in course.items])
    shown: Floats = np.where(fixed, np.array(learnt.shown) / learnt.lessons, 0.0)
    return shown


def _titles(course: Course, combinations: Combinations) -> tuple[str, ...]:
    titles = [skill.title for skill in course.skills]
    return tuple(" and ".join(titles[skill] for skill in c) for c in combinations.components)


def _rapid_ms(course: Course, learnt: Learnt) -> Floats:
    """(n_items,): an answer in less is a rapid guess; the authors' time hint is the prior."""
    prior_ms = [
        item.time_hint_s * 1000 if item.time_hint_s else TYPICAL_MS for item in course.items
    ]
    n = np.array(learnt.ln_ms_answers)
    total = n * np.array(learnt.ln_ms) + TYPICAL_ANSWERS * np.log(prior_ms)
    mean_ms = np.exp(total / (n + TYPICAL_ANSWERS))
    rapid: Floats = np.clip(RAPID_SHARE * mean_ms, RAPID_LEAST_MS, RAPID_MOST_MS)
    return rapid
