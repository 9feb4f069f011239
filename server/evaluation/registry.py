"""The models by name: one line, how it is fitted, how it forecasts. This file is that list.

A model sees a `Task` and gives forecasts; what it may learn from are `task.train_rows`. Modules
are loaded when a model is asked for.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.words import Floats
    from server.evaluation.task import Task

REFERENCE = "recency"


class NoModel(ValueError):  # noqa: N818 - named for what it says
    """No model of that name; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `fit(task)` gives what `predict(fitted, task)` forecasts the test rows with."""

    name: str
    title: str
    line: str
    fit: Callable[[Task], Any]
    predict: Callable[[Any, Task], Floats]
    own: bool = False
    """Ours: it stands apart in the figures."""


def _classical(name: str, title: str, line: str, module: str) -> Entry:
    def fit(task: Task) -> Any:
        model = importlib.import_module(module)
        return task.kept(name, lambda: model.fit(task.log, task.train_rows, task.seed))

    def predict(fitted: Any, task: Task) -> Floats:
        forecast: Floats = importlib.import_module(module).predict(fitted, task.log, task.test_rows)
        return forecast

    return Entry(name, title, line, fit, predict)


def _ours(name: str, title: str, line: str, module: str) -> Entry:
    def fit(task: Task) -> Any:
        return importlib.import_module(module).fit(task)

    def predict(fitted: Any, task: Task) -> Floats:
        forecast: Floats = importlib.import_module(module).predict(fitted, task)
        return forecast

    return Entry(name, title, line, fit, predict, own=True)


MODELS = {
    entry.name: entry
    for entry in (
        _classical(
            "item-mean", "item mean", "share of right answers an item got",
            "engines.classical.item_mean",
        ),
        _classical(
            "bkt", "BKT + forgetting", "Bayesian knowledge tracing, EM for each combination",
            "engines.classical.bkt",
        ),
        _classical(
            "pfa", "PFA", "performance factors analysis on log counts", "engines.classical.pfa"
        ),
        _classical(
            "irt", "2PL, EAP with drift", "item response theory, an ability that drifts",
            "engines.classical.irt",
        ),
        _classical(
            "elo", "Elo, ability + skill", "Elo ratings of learner, skills and items",
            "engines.classical.elo",
        ),
        _classical(
            "best-lr", "Best-LR", "logistic regression on items and log counts",
            "engines.classical.best_lr",
        ),
        _classical(
            "recency", "Elo + recency", "logistic regression of 15 terms on Elo and recent answers",
            "engines.classical.recency",
        ),
        _ours(
            "quantum", "quantum-inspired (P)", "density matrix, qubits, links: P",
            "server.evaluation.quantum",
        ),
        _ours(
            "final", "quantum-inspired (P')", "the same, then features and trees: P'",
            "server.evaluation.final",
        ),
    )
}  # fmt: skip


def entries(names: Sequence[str]) -> list[Entry]:
    """The models of these names in the list's order, `all` for every one. Raises NoModel."""
    for name in names:
        if name not in MODELS and name != "all":
            near = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.0)[0]
            known = ", ".join(MODELS)
            raise NoModel(f"no model {name!r}, the nearest is {near!r} (there are {known})")
    asked = MODELS if "all" in names else names
    return [entry for name, entry in MODELS.items() if name in asked]
