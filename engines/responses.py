"""Response logs in columns: who answered what, when, right or not. This file is their form.

A log is what models are fitted on and judged by. Learners, items, skills and combinations of
skills are numbered in the order of their first appearance; a combination of skills counts as one
skill wherever a model has one state a skill, its components are `parts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from engines.words import Floats, Ints, ragged

FOLDS = 5
"""Learners are split into so many parts; fold 0 is the test."""


Row = tuple[str, str, str, int, int, float | None, float | None]
"""(learner, item, skills joined by ~, right, fold, at_s, taken_ms)."""


@dataclass(frozen=True, slots=True)
class Responses:
    """Answers sorted by learner, then by their order; n rows.

    `learner`, `item`, `combination`, `fold` are (n,) int64, `right` (n,) int64 of 0 and 1;
    `starts` is (n_learners + 1,) int64: rows of learner u are `starts[u]:starts[u + 1]`;
    `parts` is ragged (see `engines.words.ragged`): row c holds the skills of combination c;
    `position` is (n_items,) int64, an item's place in the course, or None where unknown;
    `at_s` (seconds, any origin) and `taken_ms` are (n,) float64, or None where not recorded.
    """

    learner: Ints
    item: Ints
    combination: Ints
    right: Ints
    fold: Ints
    starts: Ints
    parts: Ints
    position: Ints | None
    at_s: Floats | None
    taken_ms: Floats | None
    learners: tuple[str, ...]
    items: tuple[str, ...]
    skills: tuple[str, ...]
    combinations: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.right)

    @property
    def place(self) -> Ints:
        """How many answers of the same learner came before, (n,) int64."""
        return np.arange(len(self), dtype=np.int64) - self.starts[self.learner]

    def rows_of(self, folds: Iterable[int]) -> Ints:
        """Row numbers of the learners in these folds, in the log's order."""
        return np.flatnonzero(np.isin(self.fold, list(folds)))

    def by_learner(self, rows: Ints) -> Iterator[Ints]:
        """The rows given, cut where the learner changes."""
        if len(rows):
            cuts = np.flatnonzero(np.diff(self.learner[rows])) + 1
            yield from np.split(rows, cuts)


def fold_of(learner: str) -> int:
    """The learner's fold by name.

    >>> fold_of("0"), fold_of("670")
    (1, 0)
    """
    return int(hashlib.md5(learner.encode(), usedforsecurity=False).hexdigest()[:8], 16) % FOLDS


def responses(
    rows: Iterable[Row],
) -> Responses:
    """A log of such rows.

    Rows of one learner stand together, in order. Where every item's name is an integer that number
    is taken as the item's place in the course (authored order); else there are no places.
    Raises ValueError for no rows, for a learner met in two places, and for `right` beyond 0 and 1.

    >>> log = responses([("a", "7", "x~y", 1, 0, None, None), ("a", "3", "y", 0, 0, None, None)])
    >>> log.combinations, log.skills, log.position.tolist(), log.starts.tolist()
    (('x~y', 'y'), ('x', 'y'), [4, 0], [0, 2])
    """
    learners: dict[str, int] = {}
    items: dict[str, int] = {}
    combinations: dict[str, int] = {}
    table: list[tuple[int, int, int, int, int]] = []
    at_s: list[float] = []
    taken_ms: list[float] = []
    last = None
    for learner, item, skills, right, fold, at, taken in rows:
        if learner != last and learner in learners:
            msg = f"expected the rows of a learner together, got {learner!r} in two places"
            raise ValueError(msg)
        if right not in (0, 1):
            msg = f"expected 0 or 1 as outcome, got {right!r} of learner {learner!r}"
            raise ValueError(msg)
        last = learner
        table.append(
            (
                learners.setdefault(learner, len(learners)),
                items.setdefault(item, len(items)),
                combinations.setdefault(skills, len(combinations)),
                right,
                fold,
            )
        )
        if at is not None:
            at_s.append(at)
        if taken is not None:
            taken_ms.append(taken)
    if not table:
        msg = "expected at least one response, got none"
        raise ValueError(msg)
    columns = np.ascontiguousarray(np.array(table, dtype=np.int64).T)
    learner_, item_, combination_, right_, fold_ = columns
    n = len(table)
    ends = np.cumsum(np.bincount(learner_, minlength=len(learners)))
    names, parts = _parts(combinations)
    return Responses(
        learner_,
        item_,
        combination_,
        right_,
        fold_,
        np.concatenate(([0], ends)).astype(np.int64),
        parts,
        _positions(tuple(items)),
        np.array(at_s) if len(at_s) == n else None,
        np.array(taken_ms) if len(taken_ms) == n else None,
        tuple(learners),
        tuple(items),
        names,
        tuple(combinations),
    )


def _parts(combinations: Mapping[str, int]) -> tuple[tuple[str, ...], Ints]:
    skills: dict[str, int] = {}
    rows, values = [], []
    for name, at in combinations.items():
        for part in dict.fromkeys(name.split("~")):
            rows.append(at)
            values.append(skills.setdefault(part, len(skills)))
    return tuple(skills), ragged(np.array(rows), np.array(values), len(combinations))


def _positions(items: tuple[str, ...]) -> Ints | None:
    """The integer itself: gaps in the numbering are gaps in the course."""
    if not all(name.isascii() and name.isdigit() for name in items):
        return None
    numbers = np.array([int(name) for name in items], dtype=np.int64)
    places: Ints = numbers - numbers.min()
    return places
