"""A learner's rights and tries before each answer, skill by skill. This file counts them.

One answer stays one row, however many skills its item has: rows expanded one a skill would let an
answer tell its own outcome to the next row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.classical import kernels
from engines.classical.rows import Rows
from engines.maths.logistic import Sparse
from engines.responses import Responses
from engines.words import Floats, Ints


@dataclass(frozen=True, slots=True)
class Tallies:
    """Components of row n are at `starts[n]:starts[n + 1]` of `skill`, `rights`, `tries`.

    `total` (n, 2): the learner's rights and tries on everything, all before the answer.
    """

    starts: Ints
    skill: Ints
    rights: Floats
    tries: Floats
    total: Floats

    @property
    def mean(self) -> Floats:
        """(n, 2): ln(1 + rights), ln(1 + wrongs), in the mean over a row's components."""
        sizes = np.diff(self.starts)
        row = np.repeat(np.arange(len(sizes)), sizes)
        logs = (np.log1p(self.rights), np.log1p(self.tries - self.rights))
        return (
            np.stack([np.bincount(row, weights=x, minlength=len(sizes)) for x in logs], 1)
            / (sizes[:, None])
        )


def tallied(log: Responses, rows: Rows) -> Tallies:
    """The counts before each of these rows."""
    n_combinations = len(log.combinations)
    sizes = np.diff(log.parts[: n_combinations + 1])[rows.combination]
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    first = np.repeat(log.parts[rows.combination], sizes)
    skill = log.parts[first + np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)]
    rights, tries = np.zeros(starts[-1]), np.zeros(starts[-1])
    total = np.zeros((len(rows), 2))
    kernels.counted(
        rows.starts, rows.combination, rows.right, log.parts, len(log.skills), rights, tries,
        starts, total,
    )  # fmt: skip
    return Tallies(starts, skill, rights, tries, total)


def inputs(made: Tallies, n_skills: int, dense: Floats, item: Ints, n_items: int) -> Sparse:
    """The columns of `dense` (n, f), then three a skill: 1, ln(1 + rights), ln(1 + wrongs).

    `item` (n,) of `n_items` are the items' columns.
    """
    n, f = dense.shape
    starts = 3 * made.starts + f * np.arange(n + 1)
    columns, values = np.empty(starts[-1], np.int64), np.empty(starts[-1])
    at = starts[:-1, None] + np.arange(f)
    columns[at], values[at] = np.arange(f), dense
    at = np.repeat(f * np.arange(1, n + 1), np.diff(made.starts)) + 3 * np.arange(len(made.skill))
    logs = (np.log1p(made.rights), np.log1p(made.tries - made.rights))
    for k, value in enumerate((1.0, *logs)):
        columns[at + k], values[at + k] = f + k * n_skills + made.skill, value
    return Sparse(starts, columns, values, f + 3 * n_skills, item, n_items)
