"""Beliefs: what they say, that they survive bytes bit for bit, and move between versions."""

from __future__ import annotations

import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import EIDS, VERSION, Beliefs
from engines.learner import kernels as k
from engines.maths.dice import Dice
from tests.engines.courses import RIGHT, WRONG, Simulated, answered, course, item, line, skill


def test_fresh_beliefs() -> None:
    of = line(3, 6)
    beliefs = Beliefs.fresh(of)
    assert (beliefs.theta, beliefs.sd, beliefs.answers, beliefs.at_s) == (0.0, 1.0, 0, 0.0)
    assert beliefs.target == (0.70, 0.80)
    assert beliefs.mastery(of) == {"skill.0": 0.25, "skill.1": 0.25, "skill.2": 0.25}
    assert beliefs.mastered(of) == frozenset()
    assert beliefs.recent == ()
    assert beliefs.eids == ()


def test_what_they_say_after_answers() -> None:
    of = line(2, 4)
    beliefs = Beliefs.fresh(of)
    decision = tutor.decided(beliefs, answered(of, "item.0", "e0"), RIGHT, 50.0, Dice(1, 0))
    for n in range(1, 4):
        seen = answered(of, "item.0", f"e{n}")
        decision = tutor.decided(decision.beliefs, seen, RIGHT, 50.0, Dice(1, n))
    beliefs = decision.beliefs
    assert beliefs.answers == 4
    assert beliefs.at_s == 50.0
    assert beliefs.theta > 0.0
    assert beliefs.sd < 1.0
    assert beliefs.mastered(of) == {"skill.0"}
    assert decision.chosen is not None
    assert beliefs.recent[0] == decision.chosen.item
    assert beliefs.p_right(of, "item.0") > Beliefs.fresh(of).p_right(of, "item.0")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 80))
def test_bytes_round_trip_bit_for_bit(key: int, length: int) -> None:
    of = line(4, 12, chain=True, per_item=2)
    learner = Simulated(of, 0.3, key)
    for _ in range(length):
        learner.step()
    data = learner.beliefs.to_bytes()
    again = Beliefs.from_bytes(of, data)
    assert data[0] == VERSION
    assert again.state.tobytes() == learner.beliefs.state.tobytes()
    assert again.eids == learner.beliefs.eids
    assert again.to_bytes() == data


def test_an_unused_bit_pattern_survives() -> None:
    of = line(1, 1)
    state = Beliefs.fresh(of).state.copy()
    state[k.THETA] = -0.0
    state[k.VARIANCE] = 5e-324
    again = Beliefs.from_bytes(of, Beliefs(of.course, state, ("x",)).to_bytes())
    assert again.state.tobytes() == state.tobytes()


def test_beliefs_are_small_and_not_writeable() -> None:
    of = line(9, 40)
    learner = Simulated(of, 0.0, 1)
    for _ in range(100):
        learner.step()
    beliefs = learner.beliefs
    live = beliefs.state.nbytes + sum(map(sys.getsizeof, (beliefs, beliefs.state, beliefs.eids)))
    assert live + sum(map(sys.getsizeof, beliefs.eids)) <= 4096
    assert len(beliefs.to_bytes()) <= 4096
    assert Beliefs.fresh(line(187, 374)).state.nbytes <= 8192
    assert len(beliefs.eids) == EIDS
    with pytest.raises(ValueError, match="read-only"):
        beliefs.state[0] = 1.0


def test_moving_to_another_version_goes_by_ids() -> None:
    old = course([skill(0), skill(1)], [item(i, (i % 2,)) for i in range(6)])
    learner = Simulated(old, 1.0, 7)
    for _ in range(20):
        learner.step()
    before = learner.beliefs
    new = course(
        [skill(1), skill(5), skill(0)],
        [item(9, (1,)), item(3, (0,)), *(item(i, (0,)) for i in (1, 5, 2))],
        version="2",
    )
    after = before.moved_to(new)
    was, now = before.mastery(old), after.mastery(new)
    assert (now["skill.0"], now["skill.1"]) == (was["skill.0"], was["skill.1"])
    assert now["skill.5"] == 0.25
    kept = {i.id for i in new.course.items}
    assert after.recent == tuple(name for name in before.recent if name in kept)
    assert (after.theta, after.sd, after.eids) == (before.theta, before.sd, before.eids)
    assert Beliefs.from_bytes(new, before.to_bytes()).to_bytes() == after.to_bytes()
    assert after.moved_to(new).to_bytes() == after.to_bytes()
    tutor.choose(after, new, 0.0, Dice(1, 1))


def test_beliefs_of_another_course_are_refused() -> None:
    one, other = line(2, 4), course([skill(0)], [item(0, (0,))], version="9")
    beliefs = Beliefs.fresh(one)
    for ask in (
        lambda: beliefs.mastery(other),
        lambda: beliefs.mastered(other),
        lambda: beliefs.p_right(other, "item.0"),
        lambda: tutor.choose(beliefs, other, 0.0, Dice(0, 0)),
        lambda: tutor.decided(beliefs, answered(other, "item.0"), WRONG, 0.0, Dice(0, 0)),
    ):
        with pytest.raises(ValueError, match=r"course c 9 .* course c 1 .*moved_to"):
            ask()


def test_equal_courses_loaded_twice_are_the_same() -> None:
    assert Beliefs.fresh(line(2, 4)).mastery(line(2, 4))["skill.1"] == 0.25


def test_an_unknown_item_is_refused() -> None:
    of = line(2, 4)
    with pytest.raises(ValueError, match=r"expected an item .* 'nope'"):
        Beliefs.fresh(of).p_right(of, "nope")


def _stored(state: bytes, skills=("skill.0",), items=(None,) * 64) -> bytes:
    return bytes([VERSION]) + msgspec.msgpack.encode((skills, items, state, ()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x02" + Beliefs.fresh(line(1, 1)).to_bytes()[1:],
        bytes([VERSION]),
        bytes([VERSION]) + b"\xff\xff",
        Beliefs.fresh(line(1, 1)).to_bytes()[:-20],
        _stored(b"abc"),
        _stored(np.zeros(k.SKILLS + 4).tobytes(), items=(None,)),
        _stored(np.zeros(k.SKILLS + 3).tobytes()),
        _stored(np.full(k.SKILLS + 4, np.nan).tobytes()),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        Beliefs.from_bytes(line(1, 1), data)
