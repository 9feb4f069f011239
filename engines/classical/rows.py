"""The rows a model is given, laid out for the compiled loops. This file is that layout.

Training rows and test rows are whole learners: a model that saw half of a learner's answers would
forecast the others from a wrong past.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.responses import Responses
from engines.words import Floats, Ints

SHRINK = 5.0
"""Answers that a mean counts for where an item or a combination has few of its own."""
CHOICE_FOLD = 1
"""Settings are chosen on this fold's learners where the training rows hold it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """`starts` (learners + 1,), then one int64 a row: `item`, `combination`, `right`."""

    starts: Ints
    item: Ints
    combination: Ints
    right: Ints

    def __len__(self) -> int:
        return len(self.right)

    @property
    def longest(self) -> int:
        """Answers of the learner with the most."""
        return int(np.diff(self.starts).max())


def laid_out(log: Responses, rows: Ints) -> Rows:
    """These rows of a log, ascending. Raises ValueError where a learner is not there as a whole."""
    learner = log.learner[rows]
    cuts = np.flatnonzero(np.diff(learner)) + 1
    starts = np.concatenate(([0], cuts, [len(rows)])).astype(np.int64)
    who = learner[starts[:-1]] if len(rows) else learner
    expected = np.concatenate([np.arange(log.starts[u], log.starts[u + 1]) for u in who] or [rows])
    if not len(rows) or not np.array_equal(expected, rows):
        msg = f"expected the rows of whole learners in the log's order, got {len(rows)} others"
        raise ValueError(msg)
    return Rows(
        starts,
        np.ascontiguousarray(log.item[rows]),
        np.ascontiguousarray(log.combination[rows]),
        np.ascontiguousarray(log.right[rows]),
    )


def held_out(log: Responses, rows: Ints) -> tuple[Ints, Ints]:
    """(rows to fit on, rows to choose on): fold 1, else the first fold there, is held out.

    Where the rows are of one fold, every fifth learner is held out.
    """
    folds = np.unique(log.fold[rows])
    if len(folds) > 1:
        held = log.fold[rows] == (CHOICE_FOLD if CHOICE_FOLD in folds else folds[0])
    else:
        _, who = np.unique(log.learner[rows], return_inverse=True)
        held = who % 5 == 0
    return rows[~held], rows[held]


def halves(log: Responses, rows: Ints) -> tuple[Ints, Ints]:
    """The rows of every second learner, and the others'."""
    _, who = np.unique(log.learner[rows], return_inverse=True)
    odd = who % 2 == 1
    return rows[~odd], rows[odd]


def combination_of_item(log: Responses) -> Ints:
    """(I,) the combination that an item came with first; no outcome is looked at."""
    of = np.zeros(len(log.items), np.int64)
    of[log.item[::-1]] = log.combination[::-1]
    return of


def rates(log: Responses, rows: Ints) -> tuple[float, Floats, Floats]:
    """(rate of right answers, of each combination (C,), of each item (I,)) on these rows.

    A combination's is shrunk to the rate over all, an item's to its combination's, each as if that
    had been seen in 5 answers; what has no row has the value it is shrunk to.
    """
    right = log.right[rows]
    mean = float(right.mean())
    by_skill = _shrunk(log.combination[rows], right, np.full(len(log.combinations), mean))
    by_item = _shrunk(log.item[rows], right, by_skill[combination_of_item(log)])
    return mean, by_skill, by_item


def _shrunk(of: Ints, right: Ints, usual: Floats) -> Floats:
    n = np.bincount(of, minlength=len(usual))
    won = np.bincount(of, weights=right, minlength=len(usual))
    made: Floats = (won + SHRINK * usual) / (n + SHRINK)
    return made


def log_odds(p: Floats) -> Floats:
    """ln(p / (1 - p)).

    >>> log_odds(np.array([0.5])).tolist()
    [0.0]
    """
    made: Floats = np.log(p) - np.log1p(-p)
    return made
