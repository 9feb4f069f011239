"""A hundred thousand random answers under the worst parameters: the state stays a state."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines.quantum.parameters import Parameters
from engines.quantum.scoring import Scoring
from tests.engines.quantum.twin import bases_of, luck_of, problem, replaced

ROOT = Path(__file__).resolve().parents[3]
SCALES = (1.0, 10.0, 40.0, 200.0)
SIZES = (1, 2, 4, 8)


def worst(d: int, scale: float) -> Parameters:
    """Any transitions, links of any sign at full strength, logits far beyond the clamp."""
    luck = luck_of(int(d + scale))
    p = problem(int(d + scale), d, skills=9, items=40, slots=6, scale=scale, kappa=1.0)
    return replaced(
        p,
        transition=columns(luck, d),
        register_transition=columns(luck, 2),
        correlation=luck.choice([-1.0, 1.0, 0.3], p.correlation.shape),
        register_start=luck.uniform(-1.0, 1.0, p.n_skills),
        basis=bases_of(luck, p.n_skills, d),
    )


def columns(luck: np.random.Generator, d: int) -> np.ndarray:
    """Column-stochastic matrices, some entries 0."""
    t = luck.dirichlet(np.full(d, 0.3), size=(2, d)).transpose(0, 2, 1)
    t = np.where(t < 0.05, 0.0, t) if d > 1 else t
    whole: np.ndarray = t / t.sum(axis=1, keepdims=True)
    return whole


def run(d: int, scale: float, n: int) -> bytes:
    """N answers; every state and forecast is checked; all states as bytes."""
    p, luck = worst(d, scale), luck_of(n)
    scoring = Scoring(p)
    x, items = scoring.fresh(), luck.integers(0, p.n_items, n)
    right, partly = luck.random(n) < luck.random(), luck.random(n) < 0.1
    weight = np.where(partly, luck.random(n), 1.0)
    states, said = np.empty((n, len(x))), np.empty((n, 4))
    every = np.arange(p.n_items)
    for at in range(n):
        out = scoring.answer(x, int(items[at]), bool(right[at]), weight=float(weight[at]))
        states[at] = x
        said[at] = out.p_g, out.p, out.eta, out.gradient
        if at % 50 == 0:
            _check_forecasts(scoring, x, every)
    _check(states, said, d, p.n_skills)
    return states.tobytes() + said.tobytes()


def _check_forecasts(scoring: Scoring, x: np.ndarray, items: np.ndarray) -> None:
    p_g, p = scoring.score(x, items)
    assert min(p_g.min(), p.min()) > 0.0
    assert max(p_g.max(), p.max()) < 1.0
    assert scoring.informed(x, items).min() >= -1e-15
    assert np.isfinite(scoring.narrowed(x, items)).all()
    skills = scoring.parameters.n_skills
    told = scoring.mastery_all(x, np.column_stack([np.arange(skills), np.zeros(skills)]))
    assert (told[:, 1] <= told[:, 0]).all()
    assert (told[:, 0] <= told[:, 2]).all()
    assert np.isfinite(scoring.theta(x, 0) + scoring.target(x, 0, 0.7, 0.8)).all()


def _check(states: np.ndarray, said: np.ndarray, d: int, skills: int) -> None:
    assert np.isfinite(states).all()
    assert np.isfinite(said).all()
    assert said[:, :2].min() > 0.0
    assert said[:, :2].max() < 1.0
    assert np.abs(said[:, 2]).max() < 1.0
    assert np.abs(states[:, 1 + d * d : 1 + d * d + skills]).max() <= 1.0
    packed = states[:, 1 : 1 + d * d]
    assert np.abs(packed[:, :d].sum(axis=1) - 1.0).max() <= 1e-12
    i, j = np.triu_indices(d, 1)
    rho = np.zeros((len(states), d, d), complex)
    rho[:, i, j] = packed[:, d : d + len(i)] + 1j * packed[:, d + len(i) :]
    rho += rho.conj().transpose(0, 2, 1)
    rho[:, np.arange(d), np.arange(d)] = packed[:, :d]
    assert np.linalg.eigvalsh(rho).min() >= -1e-12


@pytest.mark.parametrize("d", SIZES)
def test_a_state_stays_a_state_whatever_comes(d: int) -> None:
    for scale in SCALES:
        assert run(d, scale, 6250) == run(d, scale, 6250)


@pytest.mark.slow
def test_no_index_leaves_its_array(tmp_path: Path) -> None:
    """The same with bounds checked: 2,400 answers, loops compiled anew and not made faster."""
    checked = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.engines.quantum.test_hostile import SCALES, SIZES, run\n"
        "for d in SIZES:\n"
        "    for scale in SCALES:\n"
        "        run(d, scale, 150)\n"
        "from engines.quantum import kernels\n"
        "kernels.warm()\n"
        "import numpy as np\n"
        "try:\n"
        "    kernels.theta(np.zeros(3), np.zeros(3), np.zeros(3), np.ones(9, np.int64), 0)\n"
        "except IndexError:\n"
        "    print('bounds are checked')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **checked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "bounds are checked"
