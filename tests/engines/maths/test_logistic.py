"""Ridge logistic regression: gradients, the optimum, dense and sparse alike, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.maths.logistic import Sparse, gradient_of, objective_of, ridge, sparse_ridge


def drawn(seed: int, n: int = 60, width: int = 5, items: int = 7) -> tuple[Sparse, np.ndarray]:
    dice = np.random.Generator(np.random.PCG64(seed))
    sizes = dice.integers(0, 4, n)
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    columns = dice.integers(0, width, starts[-1])
    values = dice.normal(size=starts[-1])
    x = Sparse(starts, columns, values, width, dice.integers(0, items, n), items)
    return x, dice.integers(0, 2, n)


def dense(x: Sparse) -> np.ndarray:
    made = np.zeros((len(x), x.width + x.n_items))
    for n in range(len(x)):
        np.add.at(made[n], x.columns[x.starts[n] : x.starts[n + 1]],
                  x.values[x.starts[n] : x.starts[n + 1]])  # fmt: skip
        made[n, x.width + x.item[n]] += 1.0
    return made


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_gradient_is_that_of_differences(seed):
    x, right = drawn(seed)
    size = x.width + x.n_items
    dice = np.random.Generator(np.random.PCG64(seed + 1))
    w, penalty = dice.normal(size=size), dice.uniform(0.1, 2.0, size)
    found = gradient_of(x, right, penalty, w)
    for k in range(size):
        step = np.zeros(size)
        step[k] = 1e-5
        ends = [objective_of(x, right, penalty, w + sign * step) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(found[k], abs=1e-6)


@given(st.integers(0, 10_000), st.floats(0.05, 10.0))
@settings(max_examples=25, deadline=None)
def test_sparse_equals_dense_at_the_optimum(seed, strength):
    x, right = drawn(seed)
    penalty = np.full(x.width + x.n_items, strength)
    w = sparse_ridge(x, right, penalty)
    assert np.abs(gradient_of(x, right, penalty, w)).max() < 1e-3
    assert ridge(dense(x), right, penalty) == pytest.approx(w, abs=1e-4)


def test_products_are_those_of_the_matrix():
    x, _ = drawn(3)
    dice = np.random.Generator(np.random.PCG64(0))
    w, r = dice.normal(size=x.width + x.n_items), dice.normal(size=len(x))
    assert x.times(w) == pytest.approx(dense(x) @ w)
    assert x.back(r) == pytest.approx(dense(x).T @ r)


def test_an_intercept_alone_is_the_log_odds():
    right = np.array([1, 1, 1, 0])
    assert ridge(np.ones((4, 1)), right, 0.0)[0] == pytest.approx(np.log(3.0))


def test_an_offset_is_not_learnt_again():
    right = np.array([1, 1, 1, 0])
    offset = np.full(4, np.log(3.0))
    assert ridge(np.ones((4, 1)), right, 0.0, offset=offset)[0] == pytest.approx(0.0, abs=1e-9)


def test_separable_outcomes_and_huge_inputs_stay_finite():
    x = np.array([[1e4], [-1e4], [1e4], [-1e4]])
    w = ridge(x, np.array([1, 0, 1, 0]), 1e-3)
    assert np.isfinite(w).all()
    assert w[0] > 0.0


def test_an_empty_column_stays_at_zero():
    x, right = drawn(5)
    wider = Sparse(x.starts, x.columns, x.values, x.width + 1, x.item, x.n_items + 1)
    w = sparse_ridge(wider, right, np.ones(wider.width + wider.n_items))
    assert w[x.width] == 0.0
    assert w[-1] == 0.0


def test_shapes_that_do_not_fit_are_refused():
    x, right = drawn(1)
    with pytest.raises(ValueError, match=r"expected \(60,\) outcomes, got \(59,\)"):
        sparse_ridge(x, right[1:], np.ones(12))
    with pytest.raises(ValueError, match=r"expected \(12,\) penalties, got \(3,\)"):
        sparse_ridge(x, right, np.ones(3))
    with pytest.raises(ValueError, match=r"expected \(2,\) outcomes"):
        ridge(np.ones((2, 1)), right)
