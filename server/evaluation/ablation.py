"""What each part of the engine buys: bases, levels, qubits, links. This file is that table.

Every variant is fitted anew on the training folds by the same procedure and judged on the same
answers; a difference between two of them has an interval by learner.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from engines.maths import bootstrap
from engines.maths.bootstrap import Compared
from engines.maths.verification import auc, calibration_error, log_loss
from engines.quantum.final import fit as final_fit
from engines.quantum.fit import cascade, links
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.finishing import known
from engines.quantum.fit.nested import RESULT, Settings, g_of, registers_of
from engines.words import Floats
from server.evaluation.quantum import QUBITS, G
from server.evaluation.table import aligned, signed
from server.evaluation.task import KAPPA, Task

OWN = 0.05
"""Prior weight of transition logits of a skill's own.

The log-loss of G on fold 1, fitted on folds 2-4, is flat from .02 to .1 on three public logs and
worse above: a strong prior would make the rival weaker than it is.
"""
STEPS = ("G alone", "with qubits", "with qubits and links", "with the final stage")
BASES = (
    ("complex bases, d = 8", "complex"),
    ("real bases, d = 8", "real"),
    ("classical, d = 8", "classical"),
    ("classical, d = 16", "ladder"),
    ("classical, d = 8, transitions a skill", "own"),
    ("classical, d = 16, transitions a skill", "own ladder"),
)
PAIRS = (
    ("complex - real", ("complex", "real")),
    ("complex - classical", ("complex", "classical")),
    ("complex - classical of 16", ("complex", "ladder")),
    ("complex - classical, transitions a skill", ("complex", "own")),
    ("complex - classical of 16, transitions a skill", ("complex", "own ladder")),
)


@dataclass(frozen=True, slots=True)
class Ablated:
    """Forecasts by (bases, step), and the difference of each pair of variants by its name."""

    task: Task
    designs: dict[str, Design]
    forecasts: dict[tuple[str, str], Floats]
    differences: dict[str, Compared]


def designs_of(kappa: float) -> dict[str, Design]:
    """The variants of register G."""
    whole = Design(8, pull=kappa)
    return {
        "complex": whole,
        "real": replace(whole, real=True),
        "classical": Design(8),
        "ladder": Design(16),
        "own": Design(8, own=OWN),
        "own ladder": Design(16, own=OWN),
    }


def ablated(task: Task) -> Ablated:
    """Fit and forecast with every variant, then compare. Raises NoTask."""
    designs = designs_of(KAPPA if task.kappa is None else task.kappa)
    forecasts: dict[tuple[str, str], Floats] = {}
    for n, (title, name) in enumerate(BASES):
        task.say(f"{n + 1}/{len(BASES)} {title}")
        forecasts |= {(name, step): p for step, p in _variant(task, designs[name]).items()}
    task.say("intervals")
    differences: dict[str, Compared] = {}
    for step in STEPS:
        for words, (one, other) in PAIRS:
            differences[f"{step}: {words}"] = _compared(
                task, forecasts[one, step], forecasts[other, step]
            )
    for words, after, before in (
        ("qubits on - off", STEPS[1], STEPS[0]),
        ("links on - off", STEPS[2], STEPS[1]),
        ("final stage on - off", STEPS[3], STEPS[2]),
    ):
        for title, name in BASES:
            differences[f"{words}: {title}"] = _compared(
                task, forecasts[name, after], forecasts[name, before]
            )
    return Ablated(task, designs, forecasts, differences)


def _variant(task: Task, design: Design) -> dict[str, Floats]:
    """The steps of one cascade on the test rows."""
    settings = Settings((design,), task.train_folds, task.seed)
    done = task.units(settings, RESULT)
    rows = task.test_rows
    p_g = cascade.forecast_g(task.log, design, g_of(done[G]), rows)
    linked = registers_of(done[QUBITS])
    neighbours, correlation = links.none(len(task.log.combinations))
    alone = replace(linked, neighbours=neighbours, correlation=correlation)
    before = known(settings, done)
    final = final_fit.fitted(task.log, settings.folds, before)
    steps = (
        p_g,
        cascade.forecast(task.log, alone, rows, p_g),
        cascade.forecast(task.log, linked, rows, p_g),
        final_fit.predict(final, task.log, rows, before.p, before.p_g),
    )
    return dict(zip(STEPS, steps, strict=True))


def _compared(task: Task, p: Floats, other: Floats) -> Compared:
    rows = task.test_rows
    found = bootstrap.compared(
        task.log.right[rows], {"one": p, "other": other}, "other", task.log.learner[rows], task.seed
    )
    return found["one"]


def _figures(it: Ablated, p: Floats) -> tuple[float, float, float]:
    right = it.task.log.right[it.task.test_rows]
    return auc(right, p), log_loss(right, p), calibration_error(right, p)


def text(it: Ablated, name: str) -> str:
    """Two tables for a terminal: every variant, every difference."""
    task = it.task
    learners = len(np.unique(task.log.learner[task.test_rows]))
    head = (
        f"{name}: {len(task.test_rows):,} answers of {learners:,} learners (fold "
        f"{task.test_fold}); bases drawn to the common one by {it.designs['complex'].pull:g}, "
        f"seed {task.seed}"
    )
    variants = [["AUC / log-loss / ECE", *STEPS]]
    for title, code in BASES:
        row = [title]
        for step in STEPS:
            figures = _figures(it, it.forecasts[code, step])
            row.append(" / ".join(f"{x:.4f}" for x in figures))
        variants.append(row)
    pairs = [["difference [95 % by learner]", "AUC", "log-loss"]]
    pairs += [[words, signed(d.auc), signed(d.log_loss)] for words, d in it.differences.items()]
    note = "A difference whose interval holds 0 is no evidence. One split, one seed."
    return f"{head}\n\n{aligned(variants)}\n\n{aligned(pairs)}\n\n{note}"


def facts(it: Ablated, name: str) -> dict[str, Any]:
    """The same as plain data."""
    variants = {}
    for title, code in BASES:
        for step in STEPS:
            figures = _figures(it, it.forecasts[code, step])
            variants[f"{title}: {step}"] = dict(
                zip(("auc", "log_loss", "ece"), figures, strict=True)
            )
    return {
        "log": name,
        "test_fold": it.task.test_fold,
        "seed": it.task.seed,
        "kappa": it.designs["complex"].pull,
        "answers": len(it.task.test_rows),
        "variants": variants,
        "differences": {words: asdict(d) for words, d in it.differences.items()},
    }
