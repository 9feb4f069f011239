"""A stage's ascent: stays unitary, repeats itself, finds the physics a log was drawn from."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from engines.maths.verification import log_loss
from engines.quantum.fit import bases
from engines.quantum.fit.cascade import fit_g, forecast_g, sequences
from engines.quantum.fit.coordinates import Coordinates, Design, begun
from engines.quantum.fit.stage import fitted, forecasts
from engines.quantum.parameters import Complexes
from engines.responses import Responses
from engines.words import Floats
from tests.engines.quantum.fit.logs import dice_of, drawn_log, drawn_rows, simulated


def off_unitary(basis: Complexes) -> float:
    return float(np.abs(basis @ np.swapaxes(basis.conj(), 1, 2) - np.eye(basis.shape[-1])).max())


@pytest.mark.parametrize("real", [False, True])
def test_bases_are_unitary_after_every_epoch(real):
    met = []
    design = Design(8, pull=2.0, real=real, epochs=4)
    at = fitted(
        design,
        sequences(drawn_log(1)),
        (0,),
        lambda n, now: met.append((n, off_unitary(now.basis))),
    )
    assert [n for n, _ in met] == [0, 1, 2, 3]
    assert max(off for _, off in met) < 1e-13
    assert np.abs(at.basis - begun(design, sequences(drawn_log(1)), dice_of(0)).basis).max() > 0.01
    assert (np.abs(at.basis.imag).max() == 0.0) == real


def test_polar_takes_rounding_out_and_little_else():
    basis = bases.drawn(dice_of(2), 3, 8, 1.0)
    spoilt = basis + 1e-6 * dice_of(3).standard_normal(basis.shape)
    mended = bases.polar(spoilt)
    assert off_unitary(spoilt) > 1e-7
    assert off_unitary(mended) < 1e-14
    left, _, right = np.linalg.svd(spoilt)
    np.testing.assert_allclose(mended, left @ right, atol=1e-13)


def test_the_real_form_keeps_a_hermitian_matrix_and_its_products():
    x, y = (bases.hermitian(dice_of(n).standard_normal((2, 64)), 8) for n in (4, 5))
    assert np.abs(x - np.swapaxes(x.conj(), 1, 2)).max() == 0.0
    np.testing.assert_allclose(bases.hermitian(bases.real_form(x), 8), x, atol=1e-15)
    product = np.einsum("sij,sji->s", x, y)
    said = (bases.real_form(x) * bases.real_form(y)).sum(axis=1)
    np.testing.assert_allclose(product.real, said, atol=1e-12)


@pytest.mark.parametrize("design", [Design(4, pull=5.0, epochs=2), Design(4, epochs=2)])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(design):
    rows = sequences(drawn_log(6))
    one, two, other = (fitted(design, rows, (seed,)) for seed in (7, 7, 8))
    for field in fields(Coordinates):
        assert getattr(one, field.name).tobytes() == getattr(two, field.name).tobytes()
    assert one.base.tobytes() != other.base.tobytes()


def test_levels_without_a_compiled_loop_are_refused():
    with pytest.raises(ValueError, match="expected levels of 3, 4, 8, got 5"):
        Design(5, pull=1.0)
    with pytest.raises(ValueError, match="expected levels of 2, 4, 8, 16, got 3"):
        Design(3)
    with pytest.raises(ValueError, match="at U = I only"):
        Design(4, pull=1.0, own=1.0)


def physics(*, rotated: bool) -> Coordinates:
    """Four levels far apart, slow learning, six skills; bases alike or drawn."""
    dice = dice_of(20)
    at = begun(Design(4), drawn_rows(1, skills=6, items=30), dice)
    at.base = np.array([-2.5, -0.8, 0.8, 2.5])
    at.bias = 0.3 * dice.standard_normal(6)
    at.difficulty = 0.8 * dice.standard_normal(30)
    at.lag = np.array([-5.0])
    at.channel = at.channel + np.array([0.0, 1.8])[:, None, None] * np.tri(4, k=-1)
    if rotated:
        at.basis = bases.drawn(dice, 6, 4, 1.2)
    return at


def test_it_finds_the_physics_that_a_log_was_drawn_from():
    true = physics(rotated=False)
    log = simulated(true, 21, learners=400, answers=60)
    at = fit_g(log, Design(4, epochs=20), range(5), (0,))
    order = np.array([int(name[1:]) for name in log.items])
    mine = np.array([int(np.flatnonzero(log.item == i)[0]) for i in range(30)])
    hard = at.difficulty - at.bias[log.combination[mine]]
    truly = true.difficulty[order] - true.bias[order % 6]
    assert np.corrcoef(hard, truly)[0, 1] > 0.98
    assert np.abs((hard - hard.mean()) - (truly - truly.mean())).max() < 0.4
    first = begun(Design(4), sequences(log), dice_of(0)).transition[0, 1]
    said, meant = at.transition[0, 1], true.transition[0, 1]  # after right answers
    assert np.abs(said - meant).mean() < 0.35 * np.abs(first - meant).mean()
    new = simulated(true, 22, learners=200, answers=60)
    y = new.right
    best = log_loss(y, forecast_of(new, Design(4), true, None))
    found = log_loss(y, forecast_of(new, Design(4), at, log))
    assert found - best < 0.004
    assert best < log_loss(y, np.full(len(y), y.mean())) - 0.03


def forecast_of(new: Responses, design: Design, at: Coordinates, log: Responses | None) -> Floats:
    """Forecasts for a log under coordinates numbered as `log` is (None: by the names' numbers)."""
    if log is None:
        items = {f"i{n}": n for n in range(30)}
        skills = {f"s{n}": n for n in range(6)}
    else:
        items = {name: n for n, name in enumerate(log.items)}
        skills = {name: n for n, name in enumerate(log.combinations)}
    rows = sequences(new)
    item = np.array([items[name] for name in new.items])[rows.item]
    skill = np.array([skills[name] for name in new.combinations])[rows.skill]
    return forecasts(design, at, replace(rows, item=item, skill=skill))


def test_rotated_bases_beat_the_ladder_on_new_learners_where_they_are_true():
    true = physics(rotated=True)
    log = simulated(true, 23, learners=400, answers=60)
    fold, rest = log.rows_of([0]), (1, 2, 3, 4)
    y = log.right[fold]
    losses = {}
    for name, design in {"bases": Design(4, pull=1.0), "ladder": Design(4)}.items():
        at = fit_g(log, design, rest, (0,))
        losses[name] = log_loss(y, forecast_g(log, design, at, fold))
    assert losses["bases"] < losses["ladder"] - 0.003, losses
