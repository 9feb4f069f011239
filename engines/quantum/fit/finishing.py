"""A fit's final stage from the plan's results. This file joins the cascade and the stage."""

from __future__ import annotations

from dataclasses import replace

from engines.quantum.final.fit import Forecasts
from engines.quantum.final.fit import fitted as final_fitted
from engines.quantum.fit.fitted import Fitted
from engines.quantum.fit.nested import ALL, RESULT, Done, Settings, g_of
from engines.responses import Responses


def known(settings: Settings, done: Done) -> Forecasts:
    """Nested forecasts of every row, and difficulties with and without each fold."""
    return Forecasts(
        p=done[RESULT]["p"],
        p_g=done[RESULT]["p_g"],
        b=g_of(done[f"G{ALL}"]).difficulty,
        b_without={fold: g_of(done[f"G without {fold}"]).difficulty for fold in settings.folds},
    )


def finished(log: Responses, settings: Settings, done: Done, fitted: Fitted) -> Fitted:
    """The fit with its final stage."""
    final = final_fitted(log, settings.folds, known(settings, done))
    return replace(fitted, final=final.to_bytes())
