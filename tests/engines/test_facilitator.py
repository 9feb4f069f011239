"""The composer of a room: the family's words by ids, the same again for the same arguments."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from engines import facilitator
from engines.group.instruction import Ballot, tallied
from engines.maths.dice import Dice
from engines.reason_words import Reason

MEMBERS = [f"m{n:02}" for n in range(12)]
SKILLS = ["fractions", "signs", "sums"]


def mastery(key: int) -> dict[str, dict[str, float]]:
    of = np.random.Generator(np.random.PCG64(key))
    return {m: {s: float(of.choice([0.2, 0.7, 0.95])) for s in SKILLS} for m in MEMBERS}


def votes(key: int) -> dict[str, Ballot]:
    of = np.random.Generator(np.random.PCG64(key))
    return {m: Ballot("abc"[of.integers(3)], float(of.uniform()), 0.5) for m in MEMBERS}


ENTRIES: dict[str, Callable[[int], object]] = {
    "closed_round": lambda key: facilitator.closed_round(votes(key), "abc", "a", dice=Dice(key, 1)),
    "second round": lambda key: facilitator.closed_round(
        votes(key), "abc", "a", first=tallied(votes(key + 1), "abc", "a"), dice=Dice(key, 1)
    ),
    "talk": lambda key: facilitator.talk([("m00", float(n)) for n in range(20)], MEMBERS, 30.0),
    "network": lambda key: facilitator.network([("m00", "m01", 1.0)], MEMBERS, 2.0),
    "groups": lambda key: facilitator.groups(mastery(key), 3, apart=[("m00", "m01")], seed=key),
    "tutors": lambda key: facilitator.tutors(
        mastery(key), {"m00": "signs", "m01": "sums"}, MEMBERS, {"m02": 1}
    ),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("key", range(5))
def test_the_same_arguments_give_the_same_bytes(entry: str, key: int) -> None:
    once = msgspec.msgpack.encode(ENTRIES[entry](key))
    assert once == msgspec.msgpack.encode(ENTRIES[entry](key))
    assert b"nan" not in msgspec.json.encode(ENTRIES[entry](key)).lower()


@pytest.mark.parametrize("key", range(5))
def test_arguments_are_left_as_they_were_and_their_order_moves_nothing(key: int) -> None:
    of, cast = mastery(key), votes(key)
    before = msgspec.json.encode([of, cast])
    found = facilitator.groups(of, 3, seed=key)
    closed = facilitator.closed_round(cast, "abc", "a", dice=Dice(key, 1))
    assert msgspec.json.encode([of, cast]) == before
    turned = {member: of[member] for member in reversed(MEMBERS)}
    assert facilitator.groups(turned, 3, seed=key) == found
    back = {member: cast[member] for member in reversed(MEMBERS)}
    assert facilitator.closed_round(back, "abc", "a", dice=Dice(key, 1)) == closed


def test_a_first_round_is_counted_paired_and_published() -> None:
    cast = {m: Ballot("a" if n < 6 else "b") for n, m in enumerate(MEMBERS)}
    found = facilitator.closed_round(cast, "ab", "a", dice=Dice(1, 1))
    assert found.suggestion == "discuss"
    assert found.gain is None
    assert len(found.pairs) == 6
    assert all({cast[m].choice for m in pair} == {"a", "b"} for pair in found.pairs)
    assert found.published is not None
    assert found.published["totals"] == {"a": 6, "b": 6}


def test_a_second_round_has_a_gain_and_is_not_discussed_again() -> None:
    first = tallied({m: Ballot("a" if n < 3 else "b") for n, m in enumerate(MEMBERS)}, "ab", "a")
    cast = {m: Ballot("a" if n < 6 else "b") for n, m in enumerate(MEMBERS)}
    found = facilitator.closed_round(cast, "ab", "a", first=first, dice=Dice(1, 1))
    assert found.gain == pytest.approx(1 / 3)
    assert found.suggestion == "reveal"
    assert found.pairs == ()
    none_right = {m: Ballot("b") for m in MEMBERS}
    worse = facilitator.closed_round(none_right, "ab", "a", first=first, dice=Dice(1, 1))
    assert worse.suggestion == "explain"
    assert worse.gain == pytest.approx(-1 / 3)


def test_groups_keep_constraints_by_id_and_pass_over_who_left() -> None:
    found = facilitator.groups(
        mastery(1),
        3,
        together=[("m00", "m01")],
        apart=[("m02", "m03")],
        history=[[["m00", "gone"], ["m01", "m02"]]],
        locks=[["m10", "m11"]],
        seed=1,
    )
    of = {member: place for place, group in enumerate(found.groups) for member in group}
    assert sorted(of) == MEMBERS
    assert of["m00"] == of["m01"]
    assert of["m02"] != of["m03"]
    assert ("m10", "m11") in found.groups
    assert len(found.reasons) == len(found.groups)
    assert all(isinstance(reason, Reason) for reason in found.reasons)


def test_who_is_not_here_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of 12 that are here, got 'gone'"):
        facilitator.groups(mastery(1), 3, apart=[("m00", "gone")], seed=1)
    with pytest.raises(ValueError, match="got 'gone'"):
        facilitator.tutors(mastery(1), {"gone": "sums"}, MEMBERS, {})
    with pytest.raises(ValueError, match="got 'algebra'"):
        facilitator.tutors(mastery(1), {"m00": "algebra"}, MEMBERS, {})
    with pytest.raises(ValueError, match="expected mastery"):
        facilitator.groups({}, 3, seed=1)
    with pytest.raises(ValueError, match="m00 and m01 together, m00 and m01 apart"):
        facilitator.groups(mastery(1), 3, together=[("m00", "m01")], apart=[("m00", "m01")], seed=1)


def test_guests_of_whom_nothing_is_known_are_grouped_all_the_same() -> None:
    found = facilitator.groups({member: {} for member in MEMBERS}, 4, seed=1)
    assert sorted(map(len, found.groups)) == [4, 4, 4]
    assert {reason.code for reason in found.reasons} == {"group_none_ahead"}
    assert facilitator.tutors({member: {} for member in MEMBERS}, {}, MEMBERS, {}) == ()


def test_tutors_are_named_by_ids_and_titles() -> None:
    of = {"m1": {"s1": 0.95}, "m2": {"s1": 0.3}}
    pair = facilitator.tutors(
        of, {"m2": "s1"}, ["m1", "m2"], {"gone": 9}, names={"m1": "Ana"}, titles={"s1": "signs"}
    )[0]
    assert (pair.tutor, pair.learner, pair.skill) == ("m1", "m2", "s1")
    assert (
        pair.reason.text == "Ana has signs (95 %) and not yet helped this week; m2 is stuck on it"
    )
    assert pair.invitation.text == "You have signs. Would you explain it to somebody?"
