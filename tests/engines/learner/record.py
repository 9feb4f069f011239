"""Real responses read and predicted one by one. This file is the protocol of the evaluation.

Fold 0 is predicted, folds 1-4 teach the item side: two passes over their answers in the order
given (a learner's n-th answer before anybody's n+1-th), counts starting anew in the second. On
fold 0 each answer is predicted before it is seen; after that it moves its learner and, as in a
running system, its item. An item nobody met begins at the mean difficulty of its skills, which
are learned with the item's own step. One row an answer, whatever its skills, so that no answer
leaks into another row; no learner is in both parts.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np

from engines.learner import kernels as k

MOST_SKILLS = 4
ability_step, skill_step, item_step = k.ability_step, k.skill_step, k.item_step
expected, move_ability = k.expected, k._move_ability
THETA, ANSWERS, VARIANCE, SKILLS, BLOCKS = k.THETA, k.ANSWERS, k.VARIANCE, k.SKILLS, k.BLOCKS


@dataclass(frozen=True)
class Record:
    """Answers in columns: learner, item, item's skills by answer, right, fold; place in learner."""

    user: np.ndarray
    item: np.ndarray
    skills: np.ndarray
    right: np.ndarray
    fold: np.ndarray
    place: np.ndarray

    def part(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        return self.user[rows], self.item[rows], self.skills[rows], self.right[rows]


def read(path: Path) -> Record:
    """One file of the data's format."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    names: dict[str, int] = {}
    seen: dict[int, int] = {}
    rows = []
    with gzip.open(path, "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            user = users.setdefault(row["user"], len(users))
            item = items.setdefault(row["item"], len(items))
            skills = [names.setdefault(s, len(names)) for s in row["skill"].split("~")]
            padded = (skills + [-1] * MOST_SKILLS)[:MOST_SKILLS]
            place = seen[user] = seen.get(user, -1) + 1
            rows.append((user, item, int(row["correct"]), int(row["fold"]), place, *padded))
    table = np.array(rows, dtype=np.int64)
    columns = [np.ascontiguousarray(table[:, c]) for c in range(5)]
    users_, items_, right, fold, places = columns
    return Record(users_, items_, np.ascontiguousarray(table[:, 5:]), right, fold, places)


@numba.njit
def _passed(user, item, skills, right, state, d, n, skill_d, skill_n, teach):
    """P(right) of each answer before it is seen; `state` is (n_users, state's length)."""
    n_skills = len(skill_d)
    p = np.empty(len(user))
    for row in range(len(user)):
        i, learner = item[row], state[user[row]]
        if n[i] == 0.0:
            total, count = 0.0, 0
            for s in skills[row]:
                if s >= 0:
                    total, count = total + skill_d[s], count + 1
            d[i] = total / count if count else d[i]
        p[row] = expected(learner, d[i : i + 1], skills[row : row + 1], 0)
        move_ability(learner, skills, n_skills, row, p[row], right[row])
        error = right[row] - p[row]
        if teach:
            d[i] -= item_step(n[i]) * error
            n[i] += 1.0
            for s in skills[row]:
                if s >= 0:
                    skill_d[s] -= item_step(skill_n[s]) * error
                    skill_n[s] += 1.0
    return p


def predicted(record: Record, *, live: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(right, P(right) before it was seen) of fold 0; without `live` its items stand still."""
    train = np.flatnonzero(record.fold != 0)
    train = train[np.argsort(record.place[train], kind="stable")]
    test = np.flatnonzero(record.fold == 0)
    d, n = np.zeros(record.item.max() + 1), np.zeros(record.item.max() + 1)
    skill_d, skill_n = np.zeros(record.skills.max() + 1), np.zeros(record.skills.max() + 1)
    fresh = np.zeros((record.user.max() + 1, SKILLS + BLOCKS * len(skill_d)))
    fresh[:, VARIANCE] = 1.0
    for again in (False, True):
        if again:
            n[:] = np.minimum(n, 1e-9)  # counts anew, but a difficulty that was learned stays
        _passed(*record.part(train), fresh.copy(), d, n, skill_d, skill_n, True)
    p = _passed(*record.part(test), fresh.copy(), d, n, skill_d, skill_n, live)
    return record.right[test], p


def auc(right: np.ndarray, p: np.ndarray) -> float:
    """Chance that a right answer was given the higher P(right); ties count a half."""
    _, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2.0
    n_right = int(right.sum())
    n_pairs = n_right * (len(right) - n_right)
    below = rank[inverse][right == 1].sum() - n_right * (n_right + 1) / 2
    return float(below / n_pairs)


def log_loss(right: np.ndarray, p: np.ndarray) -> float:
    """Mean negative log likelihood, in nats."""
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    return float(-np.mean(np.where(right == 1, np.log(p), np.log1p(-p))))


def calibration_error(right: np.ndarray, p: np.ndarray) -> float:
    """Expected calibration error over ten equal bins."""
    bins = np.minimum((p * 10).astype(np.int64), 9)
    gaps = [abs(float((right - p)[bins == b].sum())) for b in range(10)]
    return sum(gaps) / len(p)
