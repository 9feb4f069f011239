"""Several logs as one, for physics that they share. This file is that union.

Names are set apart by a prefix a log, so learners, items and skills of two logs never meet: each
keeps biases and difficulties of its own, while ladder, transitions, forgetting and preparation
are fitted on all (docs/scoring.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engines.responses import Responses
from engines.words import Floats, Ints, ragged


def joined(logs: Mapping[str, Responses]) -> Responses:
    """One log of several, by name; a log alone stays as it is.

    Places and times are not carried over: those of two courses have no common origin.
    Raises ValueError for no logs.
    """
    if not logs:
        msg = "expected at least one log, got none"
        raise ValueError(msg)
    if len(logs) == 1:
        return next(iter(logs.values()))
    all_logs = list(logs.values())
    learner, item, combination, skill, row = (_offsets(sizes) for sizes in _sizes(all_logs))
    parts_row, parts_value = [], []
    for log, c, s in zip(all_logs, combination, skill, strict=True):
        n = len(log.combinations)
        ends = log.parts[: n + 1]
        parts_row.append(np.repeat(np.arange(n), np.diff(ends)) + c)
        parts_value.append(log.parts[n + 1 :] + s)
    n_combinations = sum(len(log.combinations) for log in all_logs)
    return Responses(
        learner=_stacked([log.learner for log in all_logs], learner),
        item=_stacked([log.item for log in all_logs], item),
        combination=_stacked([log.combination for log in all_logs], combination),
        right=np.concatenate([log.right for log in all_logs]),
        fold=np.concatenate([log.fold for log in all_logs]),
        starts=np.concatenate([[0], _stacked([log.starts[1:] for log in all_logs], row)]).astype(
            np.int64
        ),
        parts=ragged(np.concatenate(parts_row), np.concatenate(parts_value), n_combinations),
        position=None,
        at_s=None,
        taken_ms=_times(all_logs),
        learners=_names(logs, "learners"),
        items=_names(logs, "items"),
        skills=_names(logs, "skills"),
        combinations=_names(logs, "combinations"),
    )


def _sizes(logs: list[Responses]) -> list[list[int]]:
    return [
        [len(log.learners) for log in logs],
        [len(log.items) for log in logs],
        [len(log.combinations) for log in logs],
        [len(log.skills) for log in logs],
        [len(log) for log in logs],
    ]


def _offsets(sizes: list[int]) -> list[int]:
    return [0, *np.cumsum(sizes)[:-1].tolist()]


def _stacked(columns: list[Ints], offsets: list[int]) -> Ints:
    shifted = [column + at for column, at in zip(columns, offsets, strict=True)]
    return np.concatenate(shifted).astype(np.int64)


def _times(logs: list[Responses]) -> Floats | None:
    columns = [log.taken_ms for log in logs if log.taken_ms is not None]
    return np.concatenate(columns) if len(columns) == len(logs) else None


def _names(logs: Mapping[str, Responses], which: str) -> tuple[str, ...]:
    return tuple(f"{name}/{entry}" for name, log in logs.items() for entry in getattr(log, which))
