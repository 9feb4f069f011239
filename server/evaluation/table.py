"""The scores as a table, as JSON and as a file of forecasts. This file writes them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from engines.maths.bootstrap import Difference
from server.evaluation.scores import Judged, Score

COLUMNS = (
    ("AUC", "auc", 4, 1), ("accuracy", "accuracy", 4, 1), ("RMSE", "rmse", 4, -1),
    ("log-loss", "log_loss", 4, -1), ("ECE", "ece", 4, -1), ("first-10 AUC", "first_auc", 4, 1),
    ("µs", "us", 2, -1), ("fit s", "fit_s", 1, 0),
)  # fmt: skip
"""Head, field of `Score`, places, and whether more (1) or less (-1) is better; 0: not judged."""
MARK = "*"


def figure(value: float, places: int) -> str:
    """A number to so many places; `-` where there is none.

    >>> figure(0.78661, 4), figure(float("nan"), 4)
    ('0.7866', '-')
    """
    return "-" if np.isnan(value) else f"{value:.{places}f}"


def signed(it: Difference, places: int = 4) -> str:
    """A difference with its interval.

    >>> signed(Difference(0.0167, 0.015, 0.018))
    '+0.0167 [+0.0150, +0.0180]'
    """
    at, low, high = (f"{x:+.{places}f}" for x in (it.at, it.low, it.high))
    return f"{at} [{low}, {high}]"


def best(scores: dict[str, Score]) -> dict[str, set[str]]:
    """By field, the models that are best to the places shown."""
    found = {}
    for _, name, places, sign in COLUMNS:
        shown = {
            model: round(getattr(it, name), places) * sign
            for model, it in scores.items()
            if sign and not np.isnan(getattr(it, name))
        }
        most = max(shown.values(), default=0.0)
        found[name] = {model for model, value in shown.items() if value == most}
    return found


def cells(it: Judged) -> list[list[str]]:
    """Heads, then a row a model; the best figure of a column is marked."""
    marked = best(it.scores)
    reference = next(entry.title for entry in it.entries if entry.name == it.reference)
    heads = ["model", *(head for head, *_ in COLUMNS)]
    heads += [f"AUC - {reference} [95 %]", f"log-loss - {reference} [95 %]"]
    rows = [heads]
    for entry in it.entries:
        row = [entry.title]
        for _, name, places, _ in COLUMNS:
            mark = MARK if entry.name in marked[name] else ""
            row.append(figure(getattr(it.scores[entry.name], name), places) + mark)
        against = it.against.get(entry.name)
        row += ["", ""] if against is None else [signed(against.auc), signed(against.log_loss)]
        rows.append(row)
    return rows


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines: the first column to the left, figures to the right, marks outside."""
    padded = [[cell if cell.endswith(MARK) else cell + " " for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in padded) for k in range(len(padded[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in padded
    ]
    return "\n".join(lines)


def heading(it: Judged, name: str) -> str:
    """What was judged on what, in one line."""
    task = it.task
    test, train = task.test_rows, task.train_rows
    return (
        f"{name}: {len(test):,} answers of {len(np.unique(task.log.learner[test])):,} learners "
        f"(fold {task.test_fold}), fitted on {len(train):,} answers of "
        f"{len(np.unique(task.log.learner[train])):,}; share right {np.mean(it.right):.3f}"
    )


def text(it: Judged, name: str) -> str:
    """The table for a terminal."""
    note = (
        "* best of its column. Every answer is forecast before it is seen; intervals: learners "
        "drawn\n  1,000 times. Log-loss, RMSE and ECE (15 bins): less is better. µs: forecast, "
        "an answer."
    )
    return f"{heading(it, name)}\n\n{aligned(cells(it))}\n\n{note}"


def facts(it: Judged, name: str) -> dict[str, Any]:
    """The same as plain data."""
    task = it.task
    return {
        "log": name,
        "test_fold": task.test_fold,
        "seed": task.seed,
        "answers": len(task.test_rows),
        "learners": len(np.unique(task.log.learner[task.test_rows])),
        "fitted_on": len(task.train_rows),
        "reference": it.reference,
        "models": {
            entry.name: {"title": entry.title}
            | {key: _plain(value) for key, value in asdict(it.scores[entry.name]).items()}
            for entry in it.entries
        },
        "differences": {name: asdict(against) for name, against in it.against.items()},
    }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value


def write_predictions(path: Path, log: Path, it: Judged) -> None:
    """`user,order,correct,p` of the test rows; with several models a column `model` behind.

    `order` is the log's own.
    """
    task = it.task
    orders = _orders(log)
    users = [task.log.learners[u] for u in task.log.learner[task.test_rows].tolist()]
    place = task.log.place[task.test_rows].tolist()
    several = len(it.forecasts) > 1
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["user", "order", "correct", "p", *(["model"] if several else [])])
        for name, p in it.forecasts.items():
            more = [name] if several else []
            for user, at, right, forecast in zip(users, place, it.right, p, strict=True):
                out.writerow([user, orders[user][at], right, repr(float(forecast)), *more])


def _orders(path: Path) -> dict[str, list[int]]:
    """Each learner's values of `order`, sorted."""
    found: dict[str, list[int]] = {}
    with _opened(path) as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["user"], []).append(int(row["order"]))
    return {user: sorted(orders) for user, orders in found.items()}


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", newline="", encoding="utf-8")
    return path.open(newline="", encoding="utf-8")
