"""A course seen by the scoring: combinations of skills, links by shared parts, reference items.

This file is where skills become combinations. The first n_skills combinations are the single
skills in the course's order, so a skill's own register is always there; combinations of several
skills follow in the order of their first item.
"""

from __future__ import annotations

import numpy as np

from engines.quantum.parameters import MOST_NEIGHBOURS
from engines.words import Course, Floats, Ints

SHARED = 0.3
"""Correlation of two combinations with all components in common; scaled by the Jaccard index."""


class Combinations:
    """The combinations of skills in a course.

    `of_item` is (n_items,) int64; `components[c]` are the skills (by index) of combination c,
    `names[c]` their ids in alphabetical order, joined by `~`.
    """

    __slots__ = ("components", "names", "of_item")

    def __init__(self, course: Course) -> None:
        index = {skill.id: at for at, skill in enumerate(course.skills)}
        found: dict[tuple[int, ...], int] = {(at,): at for at in range(len(index))}
        of_item = [
            found.setdefault(tuple(sorted({index[skill] for skill in item.skills})), len(found))
            for item in course.items
        ]
        self.of_item: Ints = np.array(of_item, dtype=np.int64)
        self.components = tuple(found)
        ids = list(index)
        self.names = tuple("~".join(sorted(ids[k] for k in parts)) for parts in found)

    def __len__(self) -> int:
        return len(self.components)


def shared_links(combinations: Combinations) -> tuple[Ints, Floats]:
    """(neighbours, correlation), both (C, K): combinations that share a skill, most alike first.

    Without data that is all that is known of related registers: `SHARED` times the Jaccard index
    of their skills. K is 1 at least, -1 ends a row.
    """
    sets = [set(parts) for parts in combinations.components]
    rows: list[list[tuple[float, int]]] = []
    for at, own in enumerate(sets):
        alike = [
            (-SHARED * len(own & other) / len(own | other), v)
            for v, other in enumerate(sets)
            if v != at and own & other
        ]
        rows.append(sorted(alike)[:MOST_NEIGHBOURS])
    width = max(1, *(len(row) for row in rows)) if rows else 1
    neighbours = np.full((len(rows), width), -1, dtype=np.int64)
    correlation = np.zeros((len(rows), width))
    for at, row in enumerate(rows):
        for k, (minus, v) in enumerate(row):
            neighbours[at, k], correlation[at, k] = v, -minus
    return neighbours, correlation


def references(combinations: Combinations, d: Floats, answers: Floats) -> Floats:
    """(n_skills, 2): the combination and the difficulty of each skill's reference item.

    The combination is the single skill's where it has items, else the one with most items among
    those with that skill. The difficulty is the median of its items, each weighted by its answers
    and one; 0 for a skill without items.
    """
    n_skills = sum(len(parts) == 1 for parts in combinations.components)
    items = np.bincount(combinations.of_item, minlength=len(combinations))
    found = np.zeros((n_skills, 2))
    for skill in range(n_skills):
        with_it = [c for c, parts in enumerate(combinations.components) if skill in parts]
        own = skill if items[skill] else max(with_it, key=lambda c: items[c])
        rows = np.flatnonzero(combinations.of_item == own)
        found[skill] = own, _median(d[rows], answers[rows] + 1.0)
    return found


def _median(values: Floats, weights: Floats) -> float:
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, 0.5 * reached[-1])]])
