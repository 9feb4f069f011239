"""k of n items: exactly k, never worse than greedy and descent, the best there is where small."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.quantum.annealing import descended, energy, sequenced, similarity
from engines.words import Floats


def problem(n: int, seed: int, d: int = 4) -> tuple[Floats, Floats]:
    """Uses of the size of information values and the similarities of random effects."""
    luck = np.random.Generator(np.random.PCG64(seed))
    raw = luck.normal(size=(n, d, d)) + 1j * luck.normal(size=(n, d, d))
    basis = np.linalg.qr(raw)[0]
    diagonal = np.sort(luck.uniform(size=(n, d)))
    effects = np.einsum("nji,nj,njk->nik", basis.conj(), diagonal, basis)
    effects = 0.5 * (effects + effects.conj().swapaxes(1, 2))
    return luck.uniform(0.0, 1.0, n), similarity(effects)


@given(st.integers(1, 60), st.data(), st.integers(0, 2**64 - 1))
@settings(max_examples=150, deadline=None)
def test_exactly_k_ascending_and_never_above_greedy_and_descent(
    n: int, data: st.DataObject, seed: int
) -> None:
    k = data.draw(st.integers(1, n))
    use, alike = problem(n, seed % 1000)
    chosen = sequenced(use, alike, k, seed)
    assert chosen.shape == (k,)
    assert (np.diff(chosen) > 0).all()
    assert 0 <= chosen[0] <= chosen[-1] < n
    without = energy(use, alike, descended(use, alike, k))
    assert energy(use, alike, chosen) <= without + 1e-12
    np.testing.assert_array_equal(chosen, sequenced(use, alike, k, seed))


@pytest.mark.parametrize("n", [5, 8, 10, 12])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_there_is_where_all_can_be_tried(n: int, seed: int) -> None:
    use, alike = problem(n, seed)
    k = n // 2
    best = min(energy(use, alike, np.array(c)) for c in combinations(range(n), k))
    assert energy(use, alike, sequenced(use, alike, k, 3)) == pytest.approx(best, abs=1e-12)


def test_annealing_finds_what_descent_does_not() -> None:
    """Strong similarities of either sign; fixed cases, so that the figure is one number."""
    luck = np.random.Generator(np.random.PCG64(5))
    gained = []
    for seed in range(40):
        use = luck.uniform(0.0, 1.0, 20)
        alike = luck.uniform(-0.6, 0.6, (20, 20))
        alike = np.triu(alike, 1) + np.triu(alike, 1).T
        fall = energy(use, alike, descended(use, alike, 6))
        gained.append(fall - energy(use, alike, sequenced(use, alike, 6, seed)))
    assert min(gained) >= -1e-12
    assert sum(g > 1e-9 for g in gained) >= 5


def test_no_swap_lowers_what_is_returned() -> None:
    use, alike = problem(40, 11)
    chosen = sequenced(use, alike, 7, 1)
    least = energy(use, alike, chosen)
    for out in range(7):
        for other in set(range(40)) - set(chosen.tolist()):
            swapped = chosen.copy()
            swapped[out] = other
            assert energy(use, alike, swapped) >= least - 1e-9


def test_the_diagonal_says_nothing() -> None:
    use, alike = problem(30, 2)
    other = alike + np.diag(np.linspace(-5.0, 5.0, 30))
    np.testing.assert_array_equal(sequenced(use, alike, 6, 9), sequenced(use, other, 6, 9))


def test_all_of_n_and_one_of_one() -> None:
    use, alike = problem(9, 4)
    assert sequenced(use, alike, 9, 0).tolist() == list(range(9))
    assert sequenced(use[:1], alike[:1, :1], 1, 0).tolist() == [0]


def test_similarity_is_the_cosine_of_what_effects_tell() -> None:
    one = np.diag([0.9, 0.5, 0.1])
    found = similarity(np.stack([one, 0.2 * one + 0.3 * np.eye(3), np.eye(3) - one, np.eye(3)]))
    expected = 0.6 * np.array([[1, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 0.0]])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    turned = np.array([[0.5, -0.4j], [0.4j, 0.5]])
    apart = similarity(np.stack([turned, np.diag([0.9, 0.1]).astype(np.complex128)]))
    np.testing.assert_allclose(apart, 0.6 * np.eye(2), atol=1e-12)


@pytest.mark.parametrize(
    ("k", "seed", "words"),
    [
        (5, 0, "expected 1 <= k <= 4 items, got k 5"),
        (0, 0, "expected 1 <= k <= 4"),
        (2, -1, "expected 0 <= seed"),
        (2, 2**64, "expected 0 <= seed"),
    ],
)
def test_refuses_by_name(k: int, seed: int, words: str) -> None:
    use, alike = problem(4, 0)
    with pytest.raises(ValueError, match=words):
        sequenced(use, alike, k, seed)


def test_refuses_numbers_and_shapes_that_cannot_be() -> None:
    use, alike = problem(4, 0)
    with pytest.raises(ValueError, match="expected finite use and alike, got NaN"):
        sequenced(np.where(use == use[0], np.nan, use), alike, 2, 0)
    with pytest.raises(ValueError, match="expected finite use and alike, got NaN"):
        descended(use, np.full((4, 4), np.nan), 2)
    with pytest.raises(ValueError, match=r"expected use \(n,\) and alike \(n, n\), got \(3,\)"):
        sequenced(use[:3], alike, 2, 0)
    with pytest.raises(ValueError, match="expected a symmetric alike"):
        sequenced(use, alike + np.triu(np.ones((4, 4)), 1), 2, 0)
    with pytest.raises(ValueError, match=r"expected effects of shape \(n, d, d\)"):
        similarity(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="expected finite effects"):
        similarity(np.full((1, 2, 2), np.nan))
    with pytest.raises(ValueError, match="expected Hermitian effects"):
        similarity(np.array([[[0.0, 1.0], [0.0, 0.0]]]))
