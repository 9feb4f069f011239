"""The engine with its final stage as a model to be judged: P'. This file wires it.

The stage is trained on nested forecasts: each training row's by models that never met its learner.
With a file of parameters its own stage is taken from there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engines.quantum.final import fit as final_fit
from engines.quantum.final.stage import Final
from engines.quantum.fit.finishing import known
from engines.words import Floats
from server.evaluation import quantum
from server.evaluation.task import NoTask, Task


def fit(task: Task) -> Any:
    """(what the engine forecasts by, its final stage). Raises NoTask."""
    if task.params is not None:
        params = quantum.admitted(task)
        if params.final is None:
            raise NoTask("expected parameters with a final stage, those that came have none")
        return params, Final.from_bytes(params.final)
    made = quantum.fit_of(task, nested=True)
    before = known(made.settings, made.done)
    return made, final_fit.fitted(task.log, made.settings.folds, before)


def predict(model: tuple[Any, Final], task: Task) -> Floats:
    """P' before each test row (n,): the engine's forecasts, then the stage."""
    engine, final = model
    log, rows = task.log, task.test_rows
    p_g, p = np.full(len(log), 0.5), np.full(len(log), 0.5)
    p_g[rows], p[rows] = quantum.forecasts(engine, task)
    if task.params is not None:
        log = replace(log, item=_items(engine.items, log.items)[log.item])
    return final_fit.predict(final, log, rows, p, p_g)


def _items(fitted: tuple[str, ...], names: tuple[str, ...]) -> Any:
    """The stage's numbers of a log's items. Raises NoTask."""
    place = {name: at for at, name in enumerate(fitted)}
    unmet = [name for name in names if name not in place]
    if unmet:
        raise NoTask(f"expected items that were fitted, {unmet[0]!r} came")
    return np.array([place[name] for name in names], dtype=np.int64)
