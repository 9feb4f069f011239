"""The balance of talk: its figures, and when the facilitator is nudged."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.group.talk import balance, evenness, gini

FOUR = ["m1", "m2", "m3", "m4"]


def turns(of: dict[str, int], at_s: float = 0.0) -> list[tuple[str, float]]:
    return [(member, at_s) for member, times in of.items() for _ in range(times)]


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 40), times=st.integers(1, 50))
def test_equal_turns_are_even_and_one_speaker_is_not(n: int, times: int) -> None:
    assert gini([times] * n) == 0.0
    assert evenness([times] * n) == pytest.approx(1.0)
    one = [times] + [0] * (n - 1)
    assert gini(one) == pytest.approx((n - 1) / n)
    assert evenness(one) == (0.0 if n > 1 else 1.0)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 30), min_size=1, max_size=12))
def test_gini_is_half_the_mean_difference_over_the_mean(counts: list[int]) -> None:
    whole, n = sum(counts), len(counts)
    differences = sum(abs(a - b) for a in counts for b in counts)
    assert gini(counts) == pytest.approx(differences / (2 * n * whole) if whole else 0.0)
    assert 0.0 <= evenness(counts) <= 1.0
    shares = [c / whole for c in counts if c]
    if whole and n > 1:
        entropy = -sum(s * math.log2(s) for s in shares) / math.log2(n)
        assert evenness(counts) == pytest.approx(entropy, abs=1e-9)


def test_twelve_uneven_turns_are_nudged_and_eleven_are_not() -> None:
    few = balance(turns({"m1": 11}), FOUR, 10.0)
    assert (few.turns, few.gini, few.nudge) == (11, 0.75, None)
    enough = balance(turns({"m1": 12}), FOUR, 10.0)
    assert enough.nudge is not None
    assert enough.nudge.code == "talk_uneven"
    assert enough.nudge.text == "One of four has spoken"
    two = balance(turns({"m1": 11, "m2": 1}), FOUR, 10.0)
    assert two.nudge is not None
    assert two.nudge.text == "Two of four have spoken"
    even = balance(turns(dict.fromkeys(FOUR, 3)), FOUR, 10.0)
    assert (even.gini, even.nudge) == (0.0, None)


def test_a_gini_of_three_fifths_is_not_above_it() -> None:
    five = ["m1", "m2", "m3", "m4", "m5"]
    found = balance(turns({"m1": 9, "m2": 3}), five, 10.0)
    assert found.gini == pytest.approx(0.7)
    same = balance(turns({"m1": 6, "m2": 6}), five, 10.0)
    assert same.gini == pytest.approx(0.6)
    assert same.nudge is None


def test_turns_of_five_minutes_count() -> None:
    old = turns({"m1": 20}, at_s=0.0)
    assert balance(old, FOUR, 299.0).turns == 20
    assert balance(old, FOUR, 300.0).turns == 0


def test_who_was_silent_for_four_minutes_is_named_to_the_facilitator() -> None:
    said = [(FOUR[n % 3], 20.0 * n) for n in range(13)]
    assert balance(said, FOUR, 239.0).silent == ()
    found = balance(said, FOUR, 240.0)
    assert found.silent == ("m4",)
    assert found.nudge is not None
    assert found.nudge.text == "One of four has not spoken for 4 minutes"
    assert "m4" not in found.nudge.text
    # nobody is silent before they came, nor where there is no talk, nor in a few turns
    came_s = {"m1": 0.0, "m2": 0.0, "m3": 0.0, "m4": 30.0}
    assert balance(said, came_s, 240.0).silent == ()
    assert balance(said, came_s, 270.0).silent == ("m4",)
    assert balance([], FOUR, 1e9) == balance([("other", 1.0)], FOUR, 1e9)
    assert balance([], FOUR, 1e9).silent == ()
    assert balance([("m1", 0.0), ("m1", 239.0)], FOUR, 240.0).nudge is None


def test_alone_there_is_nothing_to_balance() -> None:
    found = balance(turns({"m1": 30}), ["m1"], 10.0)
    assert (found.gini, found.entropy, found.nudge) == (0.0, 1.0, None)
    assert balance([], [], 0.0).nudge is None
