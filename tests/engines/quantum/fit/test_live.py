"""The kernel of the live server and the fitter's filter: one model, on a real log."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench.kernels import physics
from engines.quantum.fit.coordinates import Sequences
from engines.quantum.fit.filtering import filtered
from engines.quantum.scoring import Scoring
from server.logs import read_responses


@pytest.mark.parametrize("turned", [True, False])
def test_the_kernel_is_the_filter_on_a_real_log(shared: Path, turned: bool) -> None:
    path = shared / "data" / "statics2011.csv.gz"
    if not path.is_file():
        pytest.skip("real data is not here: statics2011")
    log = read_responses(path)
    rows = np.arange(log.starts[100])
    skills, items = len(log.combinations), len(log.items)
    combination = np.zeros(items, np.int64)
    combination[log.item] = log.combination
    parameters = dataclasses.replace(physics(5, skills, items), combination=combination)
    if not turned:
        common = np.broadcast_to(np.eye(parameters.levels, dtype=complex), (skills, 8, 8))
        parameters = dataclasses.replace(parameters, basis=common)
    sequences = Sequences(
        starts=log.starts[:101],
        skill=log.combination[rows],
        item=log.item[rows],
        right=log.right[rows],
        lag=np.zeros(len(rows), np.int64),
        offset=np.zeros(len(rows)),
        n_skills=skills,
        n_items=items,
    )
    p_g, p = filtered(parameters, sequences)
    scoring = Scoring(parameters)
    assert len(rows) > 10_000
    for learner in range(100):
        own = slice(int(log.starts[learner]), int(log.starts[learner + 1]))
        live = scoring.answer_all(scoring.fresh(), log.item[own], log.right[own])
        assert np.abs(live[0] - p_g[own]).max() <= 1e-12
        assert np.abs(live[1] - p[own]).max() <= 1e-12
