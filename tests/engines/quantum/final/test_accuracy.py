"""The engine with its final stage on a real log: the bounds it must hold, and no leak. A gate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.maths.verification import auc, calibration_error, log_loss
from engines.quantum.final.fit import fitted, predict
from engines.quantum.fit import cascade
from engines.quantum.fit.coordinates import Design
from engines.quantum.fit.finishing import known
from engines.quantum.fit.nested import Settings, g_of, plan, registers_of
from server.fitting import run
from server.logs import read_responses

FOLDS = (1, 2, 3, 4)


@pytest.mark.slow
def test_statics_holds_its_bounds_and_shuffled_outcomes_are_chance(shared: Path) -> None:
    path = shared / "data" / "statics2011.csv.gz"
    if not path.is_file():
        pytest.skip("real data is not here: statics2011")
    log = read_responses(path)
    settings = Settings((Design(8, pull=10.0),), FOLDS, 0)
    done = run(plan(log, settings))
    forecasts = known(settings, done)
    final = fitted(log, FOLDS, forecasts)
    rows = log.rows_of([0])
    right = log.right[rows]
    p = predict(final, log, rows, forecasts.p, forecasts.p_g)
    figures = auc(right, p), log_loss(right, p), calibration_error(right, p)
    print("statics2011 fold 0 AUC/log-loss/ECE", *np.round(figures, 4))
    assert figures[0] >= 0.830
    assert figures[1] <= 0.410
    assert figures[2] <= 0.010

    shuffled = log.right.copy()
    shuffled[rows] = np.random.Generator(np.random.PCG64(1)).permutation(right)
    other = replace(log, right=shuffled)
    g, registers = g_of(done["G on all"]), registers_of(done["qubits on all"])
    p, p_g = np.full(len(log), 0.5), np.full(len(log), 0.5)
    p_g[rows] = cascade.forecast_g(other, settings.designs[0], g, rows)
    p[rows] = cascade.forecast(other, registers, rows, p_g[rows])
    # Items differ in difficulty and outcomes no longer do: chance, not skill, decides.
    by_chance = predict(final, other, rows, p, p_g)
    assert auc(shuffled[rows], by_chance) == pytest.approx(0.5, abs=0.01)
