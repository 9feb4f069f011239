"""The router's counters."""

from __future__ import annotations

from streaming.counts import WAIT_BOUNDS_S, Counts, Screened
from streaming.overhead import Waits
from streaming.providers.base import Spent


def test_a_wait_falls_into_one_bucket_its_bound_included() -> None:
    waits = Waits(WAIT_BOUNDS_S)
    for wait_s in (0.01, WAIT_BOUNDS_S[1], 0.11, 60.0):
        waits.record(wait_s)
    assert waits.buckets[:3] == [1, 1, 1]
    assert waits.buckets[-1] == 1
    assert sum(waits.buckets) == waits.count == 4
    assert waits.sum_s == 0.01 + 0.1 + 0.11 + 60.0


def test_what_the_guards_hold_is_summed_and_its_most_kept() -> None:
    screened = Screened()
    for held in (0, 7, 3):
        screened.record(0.25, held)
    assert (screened.pieces, screened.seconds) == (3, 0.75)
    assert (screened.held_chars, screened.held_most_chars) == (10, 7)


def test_only_counted_tokens_are_counted() -> None:
    counts = Counts()
    counts.spent("cloud", Spent(100, 5, cached_in=60, cache_write=10))
    counts.spent("cloud", Spent(100, 5, estimated=True))
    assert counts.tokens == {
        ("cloud", "input"): 100,
        ("cloud", "output"): 5,
        ("cloud", "cached_in"): 60,
        ("cloud", "cache_write"): 10,
    }


def test_first_texts_are_kept_by_provider_and_model() -> None:
    counts = Counts()
    counts.first_text("cloud", "small", 0.2)
    counts.first_text("cloud", "large", 0.4)
    counts.first_text("cloud", "small", 0.3)
    assert {key: waits.count for key, waits in counts.ttft.items()} == {
        ("cloud", "small"): 2,
        ("cloud", "large"): 1,
    }
