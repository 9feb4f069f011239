"""Slope and intercept on stored forecasts. This file is Platt's scaling with a prior.

P' = sigmoid(slope * logit(P) + intercept), slope ~ N(1, .1^2), intercept ~ N(0, .3^2), by Newton
on the penalised log-likelihood (docs/scoring.md), which has one maximum.
"""

from __future__ import annotations

import numpy as np

from engines.quantum.fit.ladder.kernels import P_LEAST
from engines.words import Floats, Ints

SLOPE_SD, INTERCEPT_SD = 0.1, 0.3
STEPS = 20


def calibrated(right: Ints, p: Floats) -> tuple[float, float]:
    """(slope, intercept) for forecasts p (n,) made before the outcomes `right` (n,).

    >>> slope, intercept = calibrated(np.array([1, 0]), np.array([0.5, 0.5]))
    >>> round(slope, 9), round(intercept, 9)
    (1.0, 0.0)
    """
    q = np.clip(p, P_LEAST, 1.0 - P_LEAST)
    x = np.stack([np.log(q / (1.0 - q)), np.ones(len(q))])
    centre = np.array([1.0, 0.0])
    weight = np.array([SLOPE_SD**-2, INTERCEPT_SD**-2])
    at = centre.copy()
    for _ in range(STEPS):
        said = 1.0 / (1.0 + np.exp(-(at @ x)))
        uphill = x @ (right - said) - weight * (at - centre)
        bend = (x * (said * (1.0 - said))) @ x.T + np.diag(weight)
        step = np.linalg.solve(bend, uphill)
        at = at + step
        if float(np.abs(step).max()) < 1e-10:
            break
    return float(at[0]), float(at[1])
