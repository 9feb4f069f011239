"""Percentiles, intervals, schedules: the arithmetic behind the figures."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.load import constant, poisson
from bench.stats import cdf, quantile, ratio, slope, spread

values = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


@given(values, st.floats(0.01, 1.0))
def test_a_quantile_is_a_value_with_enough_at_or_below_it(found: list[float], p: float) -> None:
    ascending = sorted(found)
    q = quantile(ascending, p)
    assert q in found
    assert sum(v <= q for v in found) >= p * len(found) - 1e-9
    assert sum(v < q for v in found) < p * len(found) + 1e-9


@given(values)
def test_the_curve_rises_to_the_worst_value(found: list[float]) -> None:
    curve = cdf(found)
    assert [ms for ms, _ in curve] == sorted(ms for ms, _ in curve)
    assert curve[-1] == [round(max(found), 4), 1.0]


def test_nothing_measured_is_said_and_not_zero() -> None:
    assert spread([]) == {"n": 0, "p50": None, "p95": None, "p99": None, "max": None}
    assert cdf([]) == []


def test_the_interval_of_a_ratio_holds_it_and_is_the_same_each_time() -> None:
    ours, theirs = [10.0, 11.0, 12.0, 9.0, 10.5], [20.0, 23.0, 22.0, 19.0, 21.0]
    found = ratio(ours, theirs)
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["ratio"] == 0.5
    assert found == ratio(ours, theirs)


def test_a_slope_is_found_through_noise() -> None:
    assert abs(slope([(0, 5.0), (500, 10.1), (1000, 14.9), (2000, 25.0)]) - 0.01) < 1e-4


def test_poisson_arrivals_have_their_rate_and_exponential_gaps() -> None:
    times = poisson(500.0, 40.0, random.Random(7))
    gaps = [b - a for a, b in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    variance = sum((g - mean) ** 2 for g in gaps) / len(gaps)
    assert abs(len(times) / 40.0 / 500.0 - 1) < 0.03  # 20,000 arrivals: sd 0.7 %
    assert abs(variance**0.5 / mean - 1) < 0.05  # an exponential's sd equals its mean
    assert times == sorted(times)
    assert times[0] >= 0.0
    assert times[-1] < 40.0


def test_a_schedule_is_made_by_its_seed() -> None:
    assert poisson(50, 2, random.Random(1)) == poisson(50, 2, random.Random(1))
    assert poisson(50, 2, random.Random(1)) != poisson(50, 2, random.Random(2))
    assert constant(10, 1) == [n / 10 for n in range(10)]
