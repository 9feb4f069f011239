"""Sixteen small problems with the result of every step: kernels and twin reach them to 1e-12."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.quantum.kernels import T_AT
from engines.quantum.parameters import Parameters
from engines.quantum.scoring import Scoring
from tests.engines.quantum.twin import Twin

WITHIN = 1e-12
NAMES = (
    *(f"general_d{d}" for d in (1, 2, 4, 8)), "link_clip_d2", "hmm_d4", "hmm_d8",
    "common_basis_d4", "rasch_d8", "bkt_d1", "no_links_d4", "kappa_zero_d4",
    *(f"extreme_d{d}" for d in (1, 2, 4, 8)),
)  # fmt: skip
INTEGERS = {"skill_of": "combination", "neighbours": "neighbours"}
REALS = {
    "c": "level", "b": "difficulty", "r0": "start", "T": "transition", "m": "register_level",
    "T_L": "register_transition", "lambda_L": "register_forgetting", "z0": "register_start",
    "eps": "correlation", "lambda_G": "forgetting", "w": "register_weight", "kappa": "kappa",
}  # fmt: skip


@cache
def _cases(path: Path):
    given = json.loads(path.read_text())
    assert given["schema"] == "tutorstream-quantum-vectors/1"
    return {case["name"]: case for case in given["cases"]}


@pytest.fixture(name="vectors", scope="session")
def _vectors(shared: Path):
    path = shared / "quantum" / "vectors.json"
    if not path.is_file():
        pytest.skip("golden vectors are not here: expected quantum/vectors.json")
    return _cases(path)


def parameters_of(case: Any) -> Parameters:
    q = case["params"]
    basis = np.array(q["U"]["re"], float) + 1j * np.array(q["U"]["im"], float)
    drawn: Any = {name: np.array(q[key], int) for key, name in INTEGERS.items()}
    drawn |= {name: np.array(q[key], float) for key, name in REALS.items()}
    return Parameters(basis=basis, **drawn)


def state_of(told: Any) -> Any:
    """A stored state says the t of the last answer; the state of a learner the next one."""
    return np.concatenate([[told["t"] + 1], told["rho"], told["z"], told["last"]])


def test_all_cases_are_here(vectors) -> None:
    assert tuple(vectors) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_kernels_and_twin_reach_the_vectors(vectors, name: str) -> None:
    case = vectors[name]
    p = parameters_of(case)
    scoring, twin, told = Scoring(p), Twin(p), case["expected"]
    states = {state["after"]: state_of(state) for state in told["states"]}
    x = scoring.fresh()
    rows = zip(*(case["answers"][key] for key in ("t", "item", "y")), strict=True)
    for n, (t, item, y) in enumerate(rows):
        x[T_AT] = twin.t = t
        expected = told["p_G"][n], told["P"][n]
        batch = scoring.score(x, np.array([item]))
        assert (batch[0][0], batch[1][0]) == pytest.approx(expected, abs=WITHIN)
        out = scoring.answer(x, item, bool(y))
        assert (out.p_g, out.p) == pytest.approx(expected, abs=WITHIN)
        assert twin.answer(item, bool(y)) == pytest.approx(expected, abs=WITHIN)
        if n + 1 in states:
            assert np.abs(x - states[n + 1]).max() <= WITHIN
            assert np.abs(twin.array() - states[n + 1]).max() <= WITHIN
    assert len(states) == 6
    scores = told["scores"]
    x[T_AT] = twin.t = scores["t"]
    p_g, forecast = scoring.score(x, np.arange(p.n_items))
    assert np.abs(p_g - scores["p_G"]).max() <= WITHIN
    assert np.abs(forecast - scores["P"]).max() <= WITHIN
    by_twin = np.array([twin.forecast(item) for item in range(p.n_items)])
    assert np.abs(by_twin.T - [scores["p_G"], scores["P"]]).max() <= WITHIN
