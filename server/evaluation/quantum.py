"""The quantum-inspired engine as a model to be judged: P with links. This file wires it.

Without a file of parameters register G, the qubits and the links are fitted on the training folds,
the qubits on forecasts of a G that had not met the learner; with a file they are taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engines.quantum.fit import cascade
from engines.quantum.fit.coordinates import Design, Sequences
from engines.quantum.fit.filtering import filtered
from engines.quantum.fit.fitted import Fitted
from engines.quantum.fit.nested import (
    ALL,
    CHOICE,
    RESULT,
    Arrays,
    Settings,
    g_of,
    grid,
    registers_of,
)
from engines.words import Floats
from server.evaluation.task import NoTask, Task

LEVELS = 8
G, QUBITS = f"G{ALL}", f"qubits{ALL}"


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit's units by name, and the design that was taken."""

    settings: Settings
    done: dict[str, Arrays]

    @property
    def design(self) -> Design:
        """The one design, or the one chosen."""
        return self.settings.designs[int(self.done[CHOICE]["at"]) if CHOICE in self.done else 0]


def fit(task: Task) -> Any:
    """Parameters out of the task's file, or a `Fit`. Raises NoTask."""
    return admitted(task) if task.params is not None else fit_of(task, nested=task.nested)


def fit_of(task: Task, *, nested: bool) -> Fit:
    """The fit on the training folds; `nested` with honest forecasts of every training row."""
    designs = grid(LEVELS) if task.kappa is None else (Design(LEVELS, pull=task.kappa),)
    settings = Settings(designs, task.train_folds, task.seed)
    return Fit(settings, task.units(settings, RESULT if nested else QUBITS))


def predict(fitted: Any, task: Task) -> Floats:
    """P before each test row (n,)."""
    return forecasts(fitted, task)[1]


def forecasts(fitted: Any, task: Task) -> tuple[Floats, Floats]:
    """(p_G, P) before each test row, (n,) each. Raises NoTask for names not fitted."""
    if isinstance(fitted, Fitted):
        return filtered(fitted.parameters, rows_of(fitted, task))
    log, rows = task.log, task.test_rows
    p_g = cascade.forecast_g(log, fitted.design, g_of(fitted.done[G]), rows)
    return p_g, cascade.forecast(log, registers_of(fitted.done[QUBITS]), rows, p_g)


def admitted(task: Task) -> Fitted:
    """The task's parameters, if the test fold's learners are new to them. Raises NoTask."""
    params = task.params
    if params is None:
        raise NoTask("expected parameters, none came")
    if task.test_fold in params.folds:
        came = ", ".join(map(str, params.folds))
        raise NoTask(
            f"expected parameters fitted without fold {task.test_fold}, the test's learners; "
            f"those of folds {came} came"
        )
    return params


def rows_of(fitted: Fitted, task: Task) -> Sequences:
    """The test rows under the parameters' numbers. Raises NoTask."""
    try:
        whole = fitted.rows_of(task.log)
    except ValueError as error:
        raise NoTask(str(error)) from error
    rows = task.test_rows
    cuts = np.flatnonzero(np.diff(task.log.learner[rows])) + 1
    return replace(
        whole,
        starts=np.concatenate(([0], cuts, [len(rows)])).astype(np.int64),
        skill=whole.skill[rows],
        item=whole.item[rows],
        right=whole.right[rows],
        lag=whole.lag[rows],
        offset=whole.offset[rows],
    )
