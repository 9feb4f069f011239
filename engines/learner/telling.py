"""What a learner is told of their mastery after an answer. This file is its compiled loops.

The scoring's own figure moves by what the answer says and by what was learnt, or forgotten, while
it was given: so it may rise by a wrong answer and fall by a right one. Told at once, that reads as
a fault of the page or as a price of the answer. What is told therefore answers to the verdict, and
what the scoring believes is noted beside it: what is chosen, and what counts as mastered, go by
that alone. The state's layout is that of `engines.learner.kernels`; what is told is noted in it,
so a log that is folded again tells the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.learner.kernels import (
    BLOCKS,
    HELPED,
    RIGHT,
    SKILL_BELIEVED,
    SKILL_TOLD,
    SKILLS,
)
from engines.maths.kernels import kernel, part

OTHERS_BY = 0.05
"""A skill that was not answered is told anew once its mastery moved by so much."""
MOST_OTHERS = 8
"""So many of them at most with one answer, those that moved most."""

_READ2 = "Array(float64, 2, 'C', readonly=True)"
_INTS2 = "Array(int64, 2, 'C', readonly=True)"
_STATE = "float64[::1]"


@part
def _hundredths(value: Any) -> Any:
    return np.rint(value * 100.0) / 100.0


@part
def _find_turn(by: Any, item_skills: Any, item: Any, turn: Any) -> Any:
    """How many skills have their turn, into `turn`: the item's, then those that moved most.

    `by` is how far each moved; it is used up.
    """
    count = 0
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k >= 0:
            turn[count] = k
            by[k] = 0.0
            count += 1
    for _ in range(MOST_OTHERS):
        furthest, most = -1, OTHERS_BY
        for k in range(by.shape[0]):
            if by[k] >= most:
                furthest, most = k, by[k]
        if furthest < 0:
            break
        turn[count] = furthest
        by[furthest] = 0.0
        count += 1
    return count


@part
def _find_bounded(x: Any, fresh: Any, k: Any, flags: Any, row: Any) -> None:
    """What may be told of a skill after this answer, with its interval, into `row` (3,).

    A right answer does not lower it, a wrong one does not raise it, a wrong one with help leaves
    it. The interval is the scoring's, widened to hold what is told.
    """
    n = fresh.shape[0]
    at = SKILLS + SKILL_TOLD * n + k
    if flags & HELPED and not flags & RIGHT:
        for c in range(3):
            row[c] = x[at + c * n]
        return
    row[0] = max(fresh[k, 0], x[at]) if flags & RIGHT else min(fresh[k, 0], x[at])
    row[1], row[2] = min(fresh[k, 1], row[0]), max(fresh[k, 2], row[0])


@part
def _believe(
    x: Any, fresh: Any, item_skills: Any, item: Any, flags: Any, by: Any, turn: Any
) -> None:
    """Note what the scoring says of mastery after an answer; an answer with help lowers nothing.

    `by` and `turn` are scratch.
    """
    n = fresh.shape[0]
    at = SKILLS + SKILL_BELIEVED * n
    for k in range(n):
        moved = fresh[k, 0] - x[at + k]
        by[k] = 0.0 if flags & HELPED and moved < 0.0 else abs(moved)
    for nth in range(_find_turn(by, item_skills, item, turn)):
        k = turn[nth]
        if not (flags & HELPED and fresh[k, 0] < x[at + k]):
            x[at + k] = _hundredths(fresh[k, 0])


@kernel(f"int64({_STATE}, {_READ2}, {_INTS2}, int64, int64, float64[:,::1])")
def told(x: Any, fresh: Any, item_skills: Any, item: Any, flags: Any, moved: Any) -> Any:
    """Note what is believed and told of mastery after an answer; how many rows `moved` was given.

    `fresh` (n_skills, 3) is mastery with its interval as the scoring says it now; a row of `moved`
    is (skill, mastery told before). Those of `item` come first, always; then others by
    `OTHERS_BY`. `moved` has room for every skill.

    The one bound is what was told before: told and believed are one again with the first answer
    whose verdict lets the way there be told.
    """
    n, count = fresh.shape[0], 0
    at = SKILLS + SKILL_TOLD * n
    rows, by = np.empty((n, 3)), np.empty(n)
    turn = np.empty(item_skills.shape[1] + MOST_OTHERS, np.int64)
    _believe(x, fresh, item_skills, item, flags, by, turn)
    for k in range(n):
        _find_bounded(x, fresh, k, flags, rows[k])
        by[k] = abs(rows[k, 0] - x[at + k])
    for nth in range(_find_turn(by, item_skills, item, turn)):
        k = turn[nth]
        before, differs = x[at + k], 0
        for c in range(3):
            now = _hundredths(rows[k, c])
            if x[at + c * n + k] != now:
                x[at + c * n + k] = now
                differs = 1
        if differs:
            moved[count, 0] = k
            moved[count, 1] = before
            count += 1
    return count


@kernel(f"void({_STATE}, {_READ2})")
def tell_all(x: Any, fresh: Any) -> None:
    """Note of every skill what the scoring says, as told and believed; before any answer."""
    n = fresh.shape[0]
    for k in range(n):
        for c in range(3):
            x[SKILLS + (SKILL_TOLD + c) * n + k] = _hundredths(fresh[k, c])
        x[SKILLS + SKILL_BELIEVED * n + k] = x[SKILLS + SKILL_TOLD * n + k]


def warm() -> None:
    """Runs every kernel once on the smallest course: one skill, one item."""
    x, fresh, skills = np.zeros(SKILLS + BLOCKS), np.zeros((1, 3)), np.array([[0, -1, -1, -1]])
    tell_all(x, fresh)
    told(x, fresh, skills, 0, RIGHT, np.zeros((1, 2)))
