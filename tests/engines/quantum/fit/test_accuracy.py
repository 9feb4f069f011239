"""Held-out accuracy on a real log: what the specification measured, within .001. This is a gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.maths.verification import auc, calibration_error, log_loss
from engines.quantum.fit.cascade import forecast, forecast_g, halved
from engines.quantum.fit.coordinates import Design
from server.logs import read_responses


@pytest.mark.slow
def test_statics_by_eight_complex_levels_registers_and_links(shared: Path) -> None:
    path = shared / "data" / "statics2011.csv.gz"
    if not path.is_file():
        pytest.skip("real data is not here: statics2011")
    log = read_responses(path)
    design = Design(8, pull=10.0)
    g, registers = halved(log, design, (1, 2, 3, 4), 0)
    rows = log.rows_of([0])
    p = forecast(log, registers, rows, forecast_g(log, design, g, rows))
    y = log.right[rows]
    figures = auc(y, p), log_loss(y, p), calibration_error(y, p)
    print("statics2011 fold 0 AUC/log-loss/ECE", *np.round(figures, 4))
    assert figures[0] == pytest.approx(0.8276, abs=0.001)
    assert figures[1] == pytest.approx(0.4131, abs=0.001)
    assert figures[2] < 0.015
