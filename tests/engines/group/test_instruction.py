"""Votes counted, what they suggest, what of them is published, and who talks with whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.group.instruction import (
    Ballot,
    differing_pairs,
    hake_gain,
    published,
    suggested,
    tallied,
)
from engines.maths.dice import Dice


def votes(text: str) -> dict[str, Ballot]:
    """One ballot a letter."""
    return {f"m{n:03}": Ballot(choice) for n, choice in enumerate(text)}


ballots = st.dictionaries(
    st.integers(0, 99).map(lambda n: f"m{n:03}"),
    st.builds(
        Ballot,
        st.sampled_from("abcd"),
        st.none() | st.floats(0.0, 1.0),
        st.none() | st.floats(0.0, 1.0),
    ),
    max_size=30,
)


def test_a_round_is_counted_by_heads_and_by_confidence() -> None:
    cast = {
        "m1": Ballot("a", 1.0),
        "m2": Ballot("a", 0.5),
        "m3": Ballot("b", 0.5),
        "m4": Ballot("c"),
    }
    tally = tallied(cast, ["a", "b", "c", "d"], "a")
    assert tally.totals == {"a": 2, "b": 1, "c": 1, "d": 0}
    assert tally.share_right == 0.5
    assert tally.confidence == {"a": 0.75, "b": 0.5, "c": None, "d": None}
    # who told no confidence weighs as the mean of the others, 2/3
    assert tally.weighted["a"] == pytest.approx(1.5 / (2.0 + 2.0 / 3.0))
    assert tally.weighted["c"] == pytest.approx((2.0 / 3.0) / (2.0 + 2.0 / 3.0))


def test_without_any_confidence_heads_count() -> None:
    assert tallied(votes("aab"), "ab", None).weighted == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    unsure = {"m1": Ballot("a", 0.0), "m2": Ballot("b", 0.0)}
    assert tallied(unsure, "ab", None).weighted == {"a": 0.5, "b": 0.5}
    assert tallied({}, "ab", "a").weighted == {"a": 0.0, "b": 0.0}


@settings(max_examples=80, deadline=None)
@given(cast=ballots, right=st.none() | st.sampled_from("abcd"), seed=st.randoms())
def test_the_tally_is_whole_and_does_not_depend_on_arrival(cast, right, seed) -> None:
    tally = tallied(cast, "abcd", right)
    assert sum(tally.totals.values()) == tally.n == len(cast)
    assert sum(tally.weighted.values()) == pytest.approx(1.0 if cast else 0.0)
    order = list(cast)
    seed.shuffle(order)
    assert tallied({member: cast[member] for member in order}, "abcd", right) == tally


@pytest.mark.parametrize(
    ("cast", "choices", "right"),
    [
        (votes("a"), [], None),
        (votes("a"), ["a", "a"], None),
        (votes("a"), ["a", "b"], "c"),
        (votes("ax"), ["a", "b"], "a"),
    ],
)
def test_what_is_no_vote_is_refused(
    cast: dict[str, Ballot], choices: Sequence[str], right: str | None
) -> None:
    with pytest.raises(ValueError, match="expected"):
        tallied(cast, choices, right)


@pytest.mark.parametrize("number", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_ballot_outside_its_range_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="expected confidence"):
        Ballot("a", number)
    with pytest.raises(ValueError, match="expected predicted"):
        Ballot("a", None, number)


# --- the surprisingly popular answer --------------------------------------------------------------
def philadelphia(yes: int, no: int) -> dict[str, Ballot]:
    """Is Philadelphia the capital of Pennsylvania? It is Harrisburg.

    The case of Prelec, Seung & McCoy (2017): who says yes expects nearly everybody to, and who
    knows better expects most to say yes too.
    """
    cast = {f"y{n}": Ballot("yes", 0.8, 0.9) for n in range(yes)}
    return cast | {f"n{n}": Ballot("no", 0.8, 0.3) for n in range(no)}


def test_the_capital_that_most_believe_in_is_not_the_surprisingly_popular_one() -> None:
    tally = tallied(philadelphia(65, 35), ["yes", "no"], "no")
    assert tally.totals["yes"] > tally.totals["no"]
    # predicted for yes: .65 x .9 + .35 x .7 = .83, and .65 said so
    assert tally.surprising == "no"


def test_what_is_true_and_popular_is_surprisingly_popular_too() -> None:
    """Is Columbia the capital of South Carolina? Few say no, and those expect many to."""
    cast = {f"y{n}": Ballot("yes", None, 0.7) for n in range(80)}
    cast |= {f"n{n}": Ballot("no", None, 0.6) for n in range(20)}
    assert tallied(cast, ["yes", "no"], None).surprising == "yes"


def test_nothing_is_surprising_where_few_predicted_or_all_came_as_predicted() -> None:
    assert tallied(philadelphia(2, 2), ["yes", "no"], None).surprising is None
    assert tallied(philadelphia(3, 2), ["yes", "no"], None).surprising == "no"
    assert tallied(votes("aabbb"), "ab", None).surprising is None
    exact = {f"m{n}": Ballot("a" if n < 6 else "b", None, 0.6 if n < 6 else 0.4) for n in range(10)}
    assert tallied(exact, "ab", None).surprising is None
    alone = {f"m{n}": Ballot("a", None, 0.5) for n in range(9)}
    assert tallied(alone, "a", None).surprising is None


def test_of_two_equally_surprising_choices_none_is_named() -> None:
    cast = {f"m{n}": Ballot("abc"[n % 3], None, 0.2 if n % 3 else 0.9) for n in range(9)}
    # a was predicted .9 by its voters; b and c are above in the same measure
    assert tallied(cast, "abc", None).surprising is None


# --- what to do next ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("right", "wrong", "suggestion"),
    [
        (0, 10, "explain"), (2, 8, "explain"), (3, 7, "discuss"), (5, 5, "discuss"),
        (7, 3, "discuss"), (8, 2, "reveal"), (10, 0, "reveal"), (0, 0, "explain"),
    ],
)  # fmt: skip
def test_the_share_right_suggests_what_to_do(right: int, wrong: int, suggestion: str) -> None:
    assert suggested(tallied(votes("a" * right + "b" * wrong), "ab", "a")) == suggestion


def test_without_a_right_choice_the_division_suggests_it() -> None:
    assert suggested(tallied(votes("aaaaaaabbb"), "abc", None)) == "discuss"
    assert suggested(tallied(votes("aaaaaaaabb"), "abc", None)) == "reveal"
    assert suggested(tallied(votes("abc"), "abc", None)) == "discuss"
    assert suggested(tallied({}, "abc", None)) == "explain"


def test_the_gain_is_what_was_gained_of_what_was_left() -> None:
    assert hake_gain(0.2, 0.6) == pytest.approx(0.5)
    assert hake_gain(0.5, 0.25) == pytest.approx(-0.5)
    assert hake_gain(0.0, 1.0) == 1.0
    assert hake_gain(1.0, 1.0) is None
    assert hake_gain(None, 0.5) is hake_gain(0.5, None) is None
    with pytest.raises(ValueError, match="expected shares"):
        hake_gain(0.5, 1.2)


# --- what learners may see ------------------------------------------------------------------------
def test_nothing_is_published_of_four_voters() -> None:
    assert published(tallied(votes("aabb"), "ab", "a")) is None
    shown = published(tallied(votes("aabbb"), "ab", "a"))
    assert shown is not None
    assert shown["totals"] == {"a": 2, "b": 3}


@settings(max_examples=80, deadline=None)
@given(cast=ballots, confidence=st.floats(0.0, 1.0))
def test_the_confidence_of_few_moves_nothing_that_is_published(
    cast: dict[str, Ballot], confidence: float
) -> None:
    """The confidence of who is in a cell of fewer than five may be any: the page is the same."""
    tally = tallied(cast, "abcd", "a")
    hidden = {c for c in "abcd" if tally.confident[c] < 5}
    changed = {
        member: Ballot(b.choice, confidence, b.predicted)
        if b.choice in hidden and b.confidence is not None
        else b
        for member, b in cast.items()
    }
    assert published(tallied(changed, "abcd", "a")) == published(tally)


def test_what_many_told_is_published() -> None:
    cast = {f"m{n:02}": Ballot("ab"[n % 2], 0.25 if n % 2 else 0.75) for n in range(10)}
    shown = published(tallied(cast, "abc", "a"))
    assert shown is not None
    assert shown["confidence"] == {"a": 0.75, "b": 0.25, "c": None}
    assert shown["weighted"] == {"a": 0.75, "b": 0.25, "c": 0.0}


# --- pairs ----------------------------------------------------------------------------------------
def most_differing(counts: Sequence[int]) -> int:
    """Most pairs that differ, from how many voted what."""
    n = sum(counts)
    return min(n // 2, n - max(counts, default=0))


def differing(groups: Sequence[Sequence[str]], cast: dict[str, Ballot]) -> int:
    return sum(len({cast[m].choice for m in group}) > 1 for group in groups)


@settings(max_examples=120, deadline=None)
@given(cast=ballots, right=st.none() | st.sampled_from("abcd"), key=st.integers(0, 2**64))
def test_pairs_differ_as_often_as_they_can_and_leave_nobody_out(
    cast: dict[str, Ballot], right: str | None, key: int
) -> None:
    groups = differing_pairs(cast, right, dice=Dice(key, 1))
    assert groups == differing_pairs(cast, right, dice=Dice(key, 1))
    if len(cast) < 2:
        assert groups == []
        return
    assert sorted(m for group in groups for m in group) == sorted(cast)
    assert sorted(map(len, groups))[:-1] == [2] * (len(groups) - 1)
    counts = Counter(ballot.choice for ballot in cast.values())
    assert differing(groups, cast) >= most_differing([*counts.values()])
    if right is not None:
        mixed = sum({cast[m].choice == right for m in group} == {True, False} for group in groups)
        assert mixed >= min(counts[right], len(cast) - counts[right])


def test_an_odd_one_joins_somebody_who_voted_otherwise() -> None:
    for key in range(50):
        groups = differing_pairs(votes("aaabbbc"), "a", dice=Dice(key, 1))
        triple = next(group for group in groups if len(group) == 3)
        assert len({votes("aaabbbc")[m].choice for m in triple}) > 1


def perfect(members: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    """Every way to pair an even number of members."""
    if not members:
        yield []
        return
    first, *others = members
    for n, other in enumerate(others):
        for rest in perfect(others[:n] + others[n + 1 :]):
            yield [(first, other), *rest]


def test_those_meet_who_met_least() -> None:
    """Against all ways to pair eight; fixed cases, so that the figures are one number each."""
    cast = votes("aaaabbbb")
    found, best, by_chance = [], [], []
    for key in range(40):
        luck = Dice(key, 9)
        met = {frozenset((a, b)): luck.below(4) for a in cast for b in cast if a < b}
        groups = differing_pairs(cast, "a", met=met, dice=Dice(key, 1))
        assert differing(groups, cast) == 4
        found.append(sum(met[frozenset(pair)] for pair in groups))
        all_sums = [
            sum(met[frozenset(pair)] for pair in pairs)
            for pairs in perfect(sorted(cast))
            if differing(pairs, cast) == 4
        ]
        best.append(min(all_sums))
        by_chance.append(sum(all_sums) / len(all_sums))
    assert sum(f == b for f, b in zip(found, best, strict=True)) >= 25
    assert sum(best) <= sum(found) < sum(best) + 0.2 * (sum(by_chance) - sum(best))


@settings(max_examples=120, deadline=None)
@given(
    cast=ballots,
    key=st.integers(0, 2**64),
    apart=st.frozensets(
        st.frozensets(st.integers(0, 30).map(lambda n: f"m{n:03}"), min_size=2, max_size=2),
        max_size=40,
    ),
)
def test_nobody_is_put_together_with_whom_they_are_apart_from(
    cast: dict[str, Ballot], key: int, apart: frozenset[frozenset[str]]
) -> None:
    groups = differing_pairs(cast, "a", apart=apart, dice=Dice(key, 1))
    if len(cast) > 1:
        assert sorted(m for group in groups for m in group) == sorted(cast)
    for group in groups:
        assert not any(pair <= frozenset(group) for pair in apart)


def test_who_is_apart_from_everybody_stands_alone() -> None:
    cast = votes("aabb")
    apart = frozenset(frozenset(("m000", other)) for other in ("m001", "m002", "m003"))
    groups = differing_pairs(cast, "a", apart=apart, dice=Dice(1, 1))
    assert ("m000",) in groups
    assert sorted(m for group in groups for m in group) == sorted(cast)


def test_a_pair_is_of_two() -> None:
    with pytest.raises(ValueError, match="expected apart and met by two"):
        differing_pairs(votes("ab"), "a", apart=frozenset({frozenset({"m000"})}), dice=Dice(1, 1))


def test_a_full_room_is_paired() -> None:
    cast = votes("abcd" * 250)
    groups = differing_pairs(cast, "a", dice=Dice(1, 1))
    assert differing(groups, cast) == len(groups) == 500
