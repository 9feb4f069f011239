"""Dice equal numpy's Philox words, are uniform, and refuse what is out of range."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.maths.dice import BLOCKS, Dice, philox
from engines.maths.kernels import philox_block

keys = st.integers(0, 2**128 - 1)
places = st.integers(0, 2**64 - 1)


@settings(max_examples=100, deadline=None)
@given(keys, places, st.integers(1, 40))
def test_words_equal_numpy(key: int, at: int, n: int) -> None:
    counter = np.array([0, 0, 0, at], dtype=np.uint64)
    oracle = np.random.Philox(
        key=np.array([key & (2**64 - 1), key >> 64], dtype=np.uint64), counter=counter
    )
    dice = Dice(key, at)
    words = [dice.uint64() for _ in range(n)]
    assert words == [int(w) for w in oracle.random_raw(n)]
    assert all(type(w) is int for w in words)


@settings(max_examples=50, deadline=None)
@given(keys, places)
def test_floats_equal_numpys_generator(key: int, at: int) -> None:
    counter = np.array([0, 0, 0, at], dtype=np.uint64)
    bits = np.random.Philox(
        key=np.array([key & (2**64 - 1), key >> 64], dtype=np.uint64), counter=counter
    )
    dice = Dice(key, at)
    assert [dice.random() for _ in range(9)] == np.random.Generator(bits).random(9).tolist()


@settings(max_examples=100, deadline=None)
@given(keys, places, st.integers(1, 2**64))
def test_below_stays_below(key: int, at: int, n: int) -> None:
    dice = Dice(key, at)
    assert all(0 <= dice.below(n) < n for _ in range(5))


def test_below_is_uniform() -> None:
    dice = Dice(2024, 3)
    counts = np.bincount([dice.below(5) for _ in range(10_000)], minlength=5)
    assert float(((counts - 2000) ** 2 / 2000).sum()) < 18.5  # chi-square, 4 df, p = .001


def test_a_large_bound_rejects_without_bias() -> None:
    bound = 3 * 2**62
    dice = Dice(5, 5)
    thirds = np.bincount([dice.below(bound) >> 62 for _ in range(6_000)], minlength=3)
    assert float(((thirds - 2000) ** 2 / 2000).sum()) < 13.9


def test_places_share_no_draws() -> None:
    seen = {w for at in range(50) for d in [Dice(9, at)] for w in [d.uint64() for _ in range(20)]}
    assert len(seen) == 1000


@pytest.mark.parametrize(("key", "at"), [(-1, 0), (2**128, 0), (0, -1), (0, 2**64)])
def test_out_of_range_is_refused(key: int, at: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= key"):
        Dice(key, at)


@pytest.mark.parametrize("n", [0, -1, 2**64 + 1])
def test_below_nothing_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 <= n"):
        Dice(0, 0).below(n)


def test_plain_and_compiled_blocks_are_the_same_words() -> None:
    assert BLOCKS.made is philox_block
    throws = Dice(11, 0)
    for _ in range(200):
        key0, key1, block, at = (throws.uint64() for _ in range(4))
        assert philox(key0, key1, block, at) == philox_block(key0, key1, block, at)
    assert philox(0, 0, 2**64 - 1, 2**64 - 1) == philox_block(0, 0, 2**64 - 1, 2**64 - 1)


def test_an_items_numbers_are_drawn_without_a_compiler_being_loaded() -> None:
    told = "import sys, engines.exercises.course; print('numba' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
