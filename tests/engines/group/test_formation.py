"""Groups: constraints kept always, never worse than dealt, the best there is where small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pytest

from engines.group import formation
from engines.group.constraints import bound, placed
from engines.group.formation import formed, score_of, sizes_of
from engines.reason_words import REASON_CHARS
from engines.words import Floats

Pair = tuple[int, int]
Groups = Sequence[Sequence[int]]


def luck(key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(key))


def divisions(members: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """Every division of the members into groups of these sizes, each once."""
    if not members:
        yield []
        return
    first, *rest = members
    for size in sorted(set(sizes)):
        left = list(sizes)
        left.remove(size)
        for others in combinations(rest, size - 1):
            remaining = tuple(m for m in rest if m not in others)
            for more in divisions(remaining, tuple(left)):
                yield [(first, *others), *more]


def keeps(groups: Sequence[Sequence[int]], together: list[Pair], apart: list[Pair]) -> bool:
    of = {member: place for place, group in enumerate(groups) for member in group}
    return all(of[a] == of[b] for a, b in together) and all(of[a] != of[b] for a, b in apart)


def pairs(of: np.random.Generator, n: int, most: int) -> list[Pair]:
    drawn = of.integers(0, n, (int(of.integers(0, most + 1)), 2))
    return [(int(a), int(b)) for a, b in drawn if a != b]


def test_no_constraint_is_broken_in_ten_thousand_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a class is refused only where every division breaks one. One beginning is enough."""
    monkeypatch.setattr(formation, "RESTARTS", 1)
    of = luck(1)
    formed_, refused = 0, 0
    for key in range(10_000):
        n, size = int(of.integers(2, 8)), int(of.integers(2, 5))
        together, apart = pairs(of, n, 2), pairs(of, n, 4)
        mastery = of.uniform(size=(n, 2))
        try:
            groups = formed(mastery, size, together=together, apart=apart, seed=key).groups
        except ValueError:
            refused += 1
            every = divisions(tuple(range(n)), sizes_of(n, size))
            assert not any(keeps(groups, together, apart) for groups in every)
            continue
        formed_ += 1
        assert sorted(m for group in groups for m in group) == list(range(n))
        assert sorted(map(len, groups)) == sorted(sizes_of(n, size))
        assert keeps(groups, together, apart)
    assert formed_ > 5_000
    assert refused > 500


def mixed(key: int) -> tuple[Floats, int, list[list[tuple[int, ...]]], list[Pair], list[Pair]]:
    """A class of up to eight with a history and, half the time, constraints."""
    of = luck(key)
    n, size, k = int(of.integers(4, 9)), int(of.integers(2, 5)), int(of.integers(1, 7))
    mastery = of.beta(0.7, 0.7, (n, k))
    every = list(divisions(tuple(range(n)), sizes_of(n, size)))
    history = [every[int(of.integers(len(every)))] for _ in range(int(of.integers(0, 5)))]
    if of.integers(2):
        return mastery, size, history, [], []
    together, apart = pairs(of, n, 1), pairs(of, n, 2)
    can = any(keeps(groups, together, apart) for groups in every)
    return mastery, size, history, together if can else [], apart if can else []


def test_the_best_there_is_in_nineteen_of_twenty_small_classes() -> None:
    """Against every division of up to eight; never above the best, and the score is its own."""
    equal = 0
    for key in range(120):
        mastery, size, history, together, apart = mixed(key)
        n = len(mastery)
        found = formed(mastery, size, together=together, apart=apart, history=history, seed=key)
        best = max(
            score_of(mastery, groups, history)
            for groups in divisions(tuple(range(n)), sizes_of(n, size))
            if keeps(groups, together, apart)
        )
        assert found.score == pytest.approx(score_of(mastery, found.groups, history))
        assert found.score <= best + 1e-9
        equal += found.score >= best - 1e-9
    assert equal >= 114


@pytest.mark.parametrize("n", [9, 24, 61])
@pytest.mark.parametrize("size", [2, 3, 6])
def test_never_worse_than_dealt_in_a_snake(n: int, size: int) -> None:
    mastery = luck(n * size).uniform(size=(n, 70))  # more skills than bits of a word
    sizes = sizes_of(n, size)
    order = np.argsort(-mastery.mean(axis=1), kind="stable").tolist()
    groups: list[list[int]] = [[] for _ in sizes]
    forth = True
    while order:
        for place in range(len(sizes)) if forth else reversed(range(len(sizes))):
            if order and len(groups[place]) < sizes[place]:
                groups[place].append(order.pop(0))
        forth = not forth
    found = formed(mastery, size, seed=5)
    assert found.score > score_of(mastery, groups)
    assert found.groups == formed(mastery, size, seed=5).groups


def naive_score(mastery: Floats, groups: Groups, history: Sequence[Groups]) -> float:
    """The score as its sentence says it, member by member."""
    scores = []
    for group in groups:
        covered = [max(mastery[m][s] for m in group) >= 0.8 for s in range(mastery.shape[1])]
        both, met = [], []
        for i, j in combinations(group, 2):
            more = np.clip(mastery[i] - mastery[j], 0, None).mean()
            less = np.clip(mastery[j] - mastery[i], 0, None).mean()
            both.append(2.0 * min(more, less))
            met.append(sum(any({i, j} <= {*g} for g in sitting) for sitting in history[-3:]))
        means = [sum(values) / max(1, len(values)) for values in (both, met)]
        scores.append(sum(covered) / len(covered) + 0.5 * means[0] - 0.3 * means[1])
    return float(sum(scores) / len(scores))


def test_the_score_is_what_is_written() -> None:
    for key in range(60):
        mastery, size, history, together, apart = mixed(key)
        found = formed(mastery, size, together=together, apart=apart, history=history, seed=key)
        assert found.score == pytest.approx(naive_score(mastery, found.groups, history))
        terms = found.terms["coverage"] + 0.5 * found.terms["complement"]
        assert found.score == pytest.approx(terms - 0.3 * found.terms["repeats"])


def test_only_the_last_three_sittings_are_repeats() -> None:
    mastery = np.full((4, 1), 0.5)
    old = [[(0, 1), (2, 3)]] * 5
    assert formed(mastery, 2, history=[*old, [], [], []], seed=1).terms["repeats"] == 0.0
    again = formed(mastery, 2, history=[*old, [(0, 2), (1, 3)], [(0, 3), (1, 2)]], seed=1)
    assert again.terms["repeats"] == 1.0  # all have met; the third newest counts once too


def test_locked_groups_stay_and_the_others_are_formed() -> None:
    mastery = luck(3).uniform(size=(11, 4))
    found = formed(mastery, 3, locks=[(7, 2), (0, 5, 9)], apart=[(0, 1)], seed=1)
    assert {(2, 7), (0, 5, 9)} <= {*found.groups}
    assert sorted(m for group in found.groups for m in group) == list(range(11))
    why = dict(zip(found.groups, found.reasons, strict=True))
    assert why[2, 7].code == why[0, 5, 9].code == "group_locked"
    everybody = formed(mastery, 3, locks=[tuple(range(11))], seed=1)
    assert everybody.groups == (tuple(range(11)),)


def test_a_reason_names_what_members_bring_and_who_met() -> None:
    mastery = np.array([[0.9, 0.1], [0.2, 0.85]])
    names, skills = ["Ana", "Bo"], ["fractions", "signs"]
    fresh = formed(mastery, 2, history=[[], [], []], seed=1, names=names, skills=skills).reasons[0]
    assert fresh.text == "Ana has fractions, Bo has signs; not together in the last 3"
    assert fresh.args["brings"] == [["Ana", "fractions"], ["Bo", "signs"]]
    met = formed(mastery, 2, history=[[(0, 1)]], seed=1, names=names, skills=skills).reasons[0]
    assert met.text == "Ana has fractions, Bo has signs; 1 pair met in the last 1"
    none = formed(np.zeros((2, 1)), 2, seed=1).reasons[0]
    assert none.code == "group_none_ahead"
    assert none.text == "Nobody is ahead in a skill that the others lack"
    names, skills = ["N" * 64, "M" * 64], ["s" * 200, "t" * 200]
    told = formed(mastery, 2, history=[[(0, 1)]] * 3, seed=1, names=names, skills=skills).reasons[0]
    assert len(told.text) <= REASON_CHARS


def test_constraints_that_cannot_be_kept_are_named() -> None:
    mastery = np.full((6, 1), 0.5)
    names = ["Ana", "Bo", "Cy", "Di", "Ed", "Flo"]
    four = [(a, b) for a, b in combinations(range(4), 2)]
    with pytest.raises(ValueError) as told:
        formed(mastery, 2, apart=[*four, (4, 5)], seed=1, names=names)
    assert "Ana and Bo apart" in str(told.value)
    assert "Cy and Di apart" in str(told.value)
    assert "Ed and Flo" not in str(told.value)  # that one could be kept
    with pytest.raises(ValueError, match="Ana and Bo together, Ana and Bo apart; there are none"):
        formed(mastery, 3, together=[(0, 1)], apart=[(1, 0), (4, 5)], seed=1, names=names)
    with pytest.raises(ValueError, match="Ana and Bo together, Bo and Cy together; there"):
        formed(mastery, 2, together=[(0, 1), (1, 2)], seed=1, names=names)


def test_a_search_that_was_given_up_is_not_called_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.group.constraints.PLACEMENTS_MOST", 3)
    many = [(a, b) for a, b in combinations(range(5), 2)]
    with pytest.raises(ValueError, match="none were found in 3 placements"):
        formed(np.full((8, 1), 0.5), 2, apart=many, seed=1)


def test_an_exact_search_finds_the_one_division_there_is() -> None:
    """Two cliques of four in four pairs: each member has one partner left."""
    apart = [*combinations(range(4), 2), *combinations(range(4, 8), 2)]
    apart += [(a, b) for a in range(4) for b in range(4, 8) if b != a + 4]
    found = formed(np.full((8, 1), 0.5), 2, apart=apart, seed=1)
    assert found.groups == ((0, 4), (1, 5), (2, 6), (3, 7))
    of = bound(range(8), [], apart)
    assert placed(of, (2, 2, 2, 2), range(8)).whole


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"size": 1}, "expected a size of 2 to 6, got 1"),
        ({"size": 7}, "expected a size of 2 to 6, got 7"),
        ({"seed": -1}, "expected 0 <= seed"),
        ({"mastery": np.zeros((0, 2))}, "expected mastery"),
        ({"mastery": np.zeros(4)}, "expected mastery"),
        ({"mastery": np.full((4, 1), np.nan)}, "expected mastery in"),
        ({"mastery": np.full((4, 1), 1.1)}, "expected mastery in"),
        ({"together": [(0, 4)]}, "expected together as pairs"),
        ({"apart": [(2, 2)]}, "expected apart as pairs"),
        ({"locks": [(0, 1), (1, 2)]}, "expected locks of distinct"),
        ({"locks": [()]}, "expected locks with members"),
        ({"locks": [(0, 1)], "apart": [(0, 1)]}, "member 0 and member 1 apart"),
        ({"locks": [(0, 1)], "together": [(0, 2)]}, "member 0 and member 2 together"),
        ({"history": [[(0, 9)]]}, "expected a history"),
        ({"names": ["Ana"]}, "expected 4 names"),
    ],
)
def test_what_makes_no_class_is_refused(wrong, told: str) -> None:
    arguments = {"mastery": np.full((4, 2), 0.5), "size": 2, "seed": 1} | wrong
    with pytest.raises(ValueError, match=told):
        formed(arguments.pop("mastery"), arguments.pop("size"), **arguments)


def test_a_class_of_two_hundred_is_formed() -> None:
    of = luck(7)
    apart = [(a, a + 1) for a in range(0, 200, 2)]
    found = formed(of.uniform(size=(200, 30)), 4, apart=apart, seed=1)
    assert keeps(found.groups, [], apart)
    assert {len(group) for group in found.groups} == {4}
    assert len(formed(np.array([[0.5]]), 4, seed=1).groups) == 1
