"""All gradients against central differences; the effect of the future keeps its scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.quantum.fit import bases
from engines.quantum.fit.coordinates import REGISTER, Coordinates, Design, Sequences, begun
from engines.quantum.fit.stage import FREE, likelihood, prior
from tests.engines.quantum.fit.logs import dice_of, drawn_rows

STEP = 1e-5
DESIGNS = {
    "complex": Design(3, pull=2.0),
    "complex at 8": Design(8, pull=2.0),
    "real": Design(4, pull=1.0, real=True),
    "classical": Design(4),
    "own transitions": Design(4, own=1.0),
    "registers": REGISTER,
}
CHOSEN = np.array([0, 1, 3])


def somewhere(design: Design, rows: Sequences, seed: int) -> Coordinates:
    dice = dice_of(seed)
    at = begun(design, rows, dice)
    for name in FREE:
        value = getattr(at, name)
        setattr(at, name, value + 0.3 * dice.standard_normal(value.shape))
    at.lag -= 1.0
    if not design.straight:
        at.basis = bases.drawn(dice, rows.n_skills, design.levels, 1.0, real=design.real)
    return at


def objective(design: Design, at: Coordinates, rows: Sequences) -> float:
    return likelihood(design, at, rows, CHOSEN)[0] + prior(design, at)[0]


@pytest.mark.parametrize("name", DESIGNS)
def test_gradients_are_the_central_differences(name):
    design = DESIGNS[name]
    rows = drawn_rows(3, lags=design.lags)
    at = somewhere(design, rows, 5)
    _, worst, gradient, _ = likelihood(design, at, rows, CHOSEN)
    _, pulled, _ = prior(design, at)
    assert worst < 1e-12, "Tr(Lambda rho) = 1 at every answer"
    for free in FREE:
        value = getattr(at, free)
        if free in ("weight", "own") and not (design.straight and value.size):
            continue
        found = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            here = value[place]
            ends = []
            for step in (STEP, -STEP):
                value[place] = here + step
                ends.append(objective(design, at, rows))
            value[place] = here
            found[place] = (ends[0] - ends[1]) / (2.0 * STEP)
        said = gradient[free] + pulled.get(free, 0.0)
        assert np.abs(found).max() > 1e-4, f"{free}: nothing to compare"
        np.testing.assert_allclose(said, found, atol=1e-8, err_msg=free)


@pytest.mark.parametrize("name", ["complex", "complex at 8", "real"])
def test_the_basis_gradient_is_the_derivative_along_the_group(name):
    design = DESIGNS[name]
    rows = drawn_rows(4)
    at = somewhere(design, rows, 6)
    _, _, _, direction = likelihood(design, at, rows, CHOSEN)
    _, _, pulled = prior(design, at)
    dice, origin = dice_of(7), at.basis
    for s in range(rows.n_skills):
        x = dice.standard_normal((2, design.levels, design.levels))
        a = np.zeros_like(origin)
        a[s] = 0.2 * (x[0] + x[0].T + 1j * (x[1] - x[1].T))
        ends = []
        for step in (STEP, -STEP):
            at.basis = bases.cayley(step * a, origin)
            ends.append(objective(design, at, rows))
        at.basis = origin
        found = (ends[0] - ends[1]) / (2.0 * STEP)
        said = np.trace((direction + pulled)[s] @ a[s]).real
        assert abs(found) > 1e-3
        assert said == pytest.approx(found, abs=1e-8)
    diagonal = np.einsum("sjj->sj", direction)
    assert np.abs(diagonal).max() < 1e-12, "left phases change nothing"


def test_both_passes_agree_where_all_bases_are_the_common_one():
    rows = drawn_rows(8, sizes=(30, 1, 25, 40))
    turned, straight = Design(8, pull=3.0), Design(8)
    at = somewhere(straight, rows, 9)
    one = likelihood(turned, at, rows, CHOSEN)
    at.weight[:] = 0.0  # the density matrix has no offset
    two = likelihood(straight, at, rows, CHOSEN)
    assert one[0] == pytest.approx(two[0], abs=1e-11)
    for name in ("base", "deviation", "difficulty", "channel", "start", "lag"):
        np.testing.assert_allclose(one[2][name], two[2][name], atol=1e-11, err_msg=name)


def test_a_stretch_of_one_skill_costs_no_turn_and_changes_nothing():
    """A skill renamed half way along a stretch: turned there and back, the same likelihood."""
    sizes = (40,)
    rows = replace(drawn_rows(10, sizes=sizes, skills=2), skill=np.zeros(40, np.int64))
    renamed = replace(rows, skill=(np.arange(40) // 7 % 2).astype(np.int64))
    at = somewhere(Design(8, pull=1.0), rows, 11)
    at.bias[1], at.deviation[1], at.basis[1] = at.bias[0], at.deviation[0], at.basis[0]
    design, chosen = Design(8, pull=1.0), np.array([0])
    one, two = (likelihood(design, at, r, chosen) for r in (rows, renamed))
    assert one[0] == pytest.approx(two[0], abs=1e-11)
    np.testing.assert_allclose(one[3].sum(axis=0), two[3].sum(axis=0), atol=1e-11)
    for name in ("base", "difficulty", "channel", "start", "lag"):
        np.testing.assert_allclose(one[2][name], two[2][name], atol=1e-11, err_msg=name)
