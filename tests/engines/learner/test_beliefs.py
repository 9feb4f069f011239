"""Beliefs: what they say, that they survive bytes bit for bit, and move between versions."""

from __future__ import annotations

import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import EIDS, VERSION, Beliefs, Carried
from engines.learner import kernels as k
from engines.maths.dice import Dice
from engines.quantum.state import to_bytes
from tests.engines.courses import RIGHT, WRONG, Simulated, answered, course, item, line, skill


def test_fresh_beliefs() -> None:
    of = line(3, 6)
    beliefs = Beliefs.fresh(of)
    assert (beliefs.answers, beliefs.at_s, beliefs.target) == (0, 0.0, (0.70, 0.80))
    assert (beliefs.theta, beliefs.sd) == beliefs.scoring.theta(beliefs.x, 0)
    assert beliefs.learnt(of) == {"skill.0": 0.25, "skill.1": 0.25, "skill.2": 0.25}
    told = beliefs.mastery(of)
    assert list(told) == ["skill.0", "skill.1", "skill.2"]
    assert all(low <= mastery <= high for mastery, low, high in told.values())
    assert all(round(value, 2) == value for row in told.values() for value in row)
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
    fresh = Beliefs.fresh(of)
    assert beliefs.theta > fresh.theta
    assert beliefs.mastery(of)["skill.0"] > fresh.mastery(of)["skill.0"]
    assert beliefs.mastered(of) == {"skill.0"}
    assert beliefs.cards.has(of.skill_index["skill.0"])
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
    assert again.x.tobytes() == learner.beliefs.x.tobytes()
    assert again.cards.to_bytes() == learner.beliefs.cards.to_bytes()
    assert again.eids == learner.beliefs.eids
    assert again.to_bytes() == data


def test_an_unused_bit_pattern_survives() -> None:
    of = line(1, 1)
    fresh = Beliefs.fresh(of)
    state = fresh.state.copy()
    state[k.THETA] = -0.0
    state[k.SD] = 5e-324
    changed = fresh.moved_by(state, eids=("x",))
    again = Beliefs.from_bytes(of, changed.to_bytes())
    assert again.state.tobytes() == state.tobytes()


def test_beliefs_are_small_and_not_writeable() -> None:
    of = line(9, 40)
    learner = Simulated(of, 0.0, 1)
    for _ in range(100):
        learner.step()
    beliefs = learner.beliefs
    arrays = (beliefs.state, beliefs.x, beliefs.cards.memory)
    live = sum(a.nbytes + 112 for a in arrays)
    live += sum(map(sys.getsizeof, (beliefs, beliefs.eids, *beliefs.eids)))
    assert live <= 5120
    assert len(beliefs.to_bytes()) <= 5120
    assert Beliefs.fresh(line(187, 374)).state.nbytes <= 12_000
    assert len(beliefs.eids) == EIDS
    for array in arrays[:2]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


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
    was, now = before.learnt(old), after.learnt(new)
    assert (now["skill.0"], now["skill.1"]) == (was["skill.0"], was["skill.1"])
    assert now["skill.5"] == 0.25
    assert [after.cards.due_s(new.skill_index[s]) for s in ("skill.0", "skill.1")] == [
        before.cards.due_s(old.skill_index[s]) for s in ("skill.0", "skill.1")
    ]
    kept = {i.id for i in new.course.items}
    assert after.recent == tuple(name for name in before.recent if name in kept)
    assert after.eids == before.eids
    assert after.x.tobytes() == Beliefs.fresh(new).x.tobytes()  # other combinations, other CRC
    assert after.mastery(new) == Beliefs.fresh(new).mastery(new)
    assert after.moved_to(new).to_bytes() == after.to_bytes()
    tutor.choose(after, new, 0.0, Dice(1, 1))


def test_what_was_filtered_again_is_taken_over() -> None:
    old = course([skill(0), skill(1)], [item(i, (i % 2,)) for i in range(6)])
    new = course([skill(1), skill(5), skill(0)], [item(i, (0,)) for i in (1, 5, 2)], version="2")
    scoring = Beliefs.fresh(new).scoring
    x = scoring.fresh()
    for n in range(6):
        scoring.answer(x, n % 3, True)
    carried = msgspec.msgpack.encode(Carried(to_bytes(x, scoring.parameters), b""))
    moved = Beliefs.fresh(old).moved_to(new, carried)
    assert moved.x.tobytes() == x.tobytes()
    assert moved.mastery(new)["skill.1"] > Beliefs.fresh(new).mastery(new)["skill.1"]
    assert moved.theta == scoring.theta(x, 0)[0]


def test_a_lesson_counts_its_own_reviews() -> None:
    of = line(1, 3)
    learner = Simulated(of, 0.0, 1)
    for _ in range(5):
        learner.step()
    assert learner.beliefs.state[k.SHOWN] > 0
    assert learner.beliefs.moved_to(of).state[k.SHOWN] == 0


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
    assert Beliefs.fresh(line(2, 4)).learnt(line(2, 4))["skill.1"] == 0.25


def test_an_unknown_item_is_refused() -> None:
    of = line(2, 4)
    with pytest.raises(ValueError, match=r"expected an item .* 'nope'"):
        Beliefs.fresh(of).p_right(of, "nope")


def _stored(state: bytes, skills=("skill.0",), items=(None,) * 64) -> bytes:
    fresh = Beliefs.fresh(line(1, 1))
    scored, cards = to_bytes(fresh.x, fresh.scoring.parameters), fresh.cards.to_bytes()
    return bytes([VERSION]) + msgspec.msgpack.encode((skills, items, state, (), scored, cards, b""))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x01" + Beliefs.fresh(line(1, 1)).to_bytes()[1:],
        bytes([VERSION]),
        bytes([VERSION]) + b"\xff\xff",
        Beliefs.fresh(line(1, 1)).to_bytes()[:-20],
        _stored(b"abc"),
        _stored(np.zeros(k.SKILLS + k.BLOCKS).tobytes(), items=(None,)),
        _stored(np.zeros(k.SKILLS + 3).tobytes()),
        _stored(np.full(k.SKILLS + k.BLOCKS, np.nan).tobytes()),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        Beliefs.from_bytes(line(1, 1), data)
