"""What every entry of the learner's engines promises; one list of checks, all entries run it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import Beliefs
from engines.maths.dice import Dice
from engines.words import Mode, Syllabus, Verdict, VerdictName
from tests.engines.courses import answered, line

COURSES = {
    "one": line(1, 1),
    "chain": line(9, 40, chain=True),
    "wide": line(30, 60, per_item=3, fixed=True),
}
VERDICTS: tuple[VerdictName, ...] = ("correct", "incorrect", "partial", "wrong_form", "unreadable")


@dataclass(frozen=True)
class Case:
    """Arguments of one call, all drawn from `key`."""

    of: Syllabus
    beliefs: Beliefs
    key: int

    def luck(self) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(self.key))


def _react(case: Case) -> tuple[Beliefs, object]:
    luck = case.luck()
    evidence = answered(
        case.of,
        f"item.{luck.integers(len(case.of.d))}",
        f"eid {case.key}",
        attempt_no=int(luck.integers(1, 3)),
        hints_used=int(luck.integers(2)),
        steps_shown=bool(luck.integers(2)),
        learning_done=bool(luck.integers(2)),
        mode=("practice", "exam")[luck.integers(2)],
    )
    verdict = Verdict(VERDICTS[int(luck.integers(5))], "")
    decision = tutor.decided(case.beliefs, evidence, verdict, 5.0, Dice(case.key, 1))
    said = (*(getattr(decision, f) for f in decision.__struct_fields__ if f != "beliefs"),)
    return decision.beliefs, said


def _choose(case: Case) -> tuple[Beliefs, object]:
    luck = case.luck()
    skill = f"skill.{luck.integers(len(case.of.mastery))}" if luck.integers(2) else None
    leaving = f"item.{luck.integers(len(case.of.d))}" if luck.integers(2) else None
    mode: Mode = "exam" if luck.integers(2) else "practice"
    return tutor.choose(
        case.beliefs, case.of, 5.0, Dice(case.key, 1), skill=skill, leaving=leaving, mode=mode
    )


def _restore(case: Case) -> tuple[Beliefs, object]:
    return Beliefs.from_bytes(case.of, case.beliefs.to_bytes()), None


def _move(case: Case) -> tuple[Beliefs, object]:
    return case.beliefs.moved_to(case.of), None


ENTRIES: dict[str, Callable[[Case], tuple[Beliefs, object]]] = {
    "tutor.react": _react,
    "tutor.choose": _choose,
    "Beliefs.from_bytes": _restore,
    "Beliefs.moved_to": _move,
}


def _grown(of: Syllabus, key: int, length: int) -> Beliefs:
    beliefs = Beliefs.fresh(of)
    for n in range(length):
        beliefs = _react(Case(of, beliefs, key + n))[0]
    return beliefs


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, msgspec.Struct):
        value = [getattr(value, name) for name in value.__struct_fields__]
    if isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, float):
        yield value


entries = pytest.mark.parametrize("entry", ENTRIES)
cases = st.builds(
    lambda name, key, length: Case(COURSES[name], _grown(COURSES[name], key, length), key),
    st.sampled_from(sorted(COURSES)),
    st.integers(0, 2**32),
    st.integers(0, 40),
)


@entries
@settings(max_examples=50, deadline=None)
@given(case=cases)
def test_same_arguments_same_bytes_and_arguments_unchanged(entry: str, case: Case) -> None:
    arrays = [getattr(case.of, name) for name in ("d", "item_skills", "requires", "bkt", "mastery")]
    before = [case.beliefs.to_bytes(), *(array.tobytes() for array in arrays)]
    beliefs, said = ENTRIES[entry](case)
    again, said_again = ENTRIES[entry](case)
    assert beliefs.to_bytes() == again.to_bytes()
    assert said == said_again
    assert before == [case.beliefs.to_bytes(), *(array.tobytes() for array in arrays)]


@entries
@settings(max_examples=50, deadline=None)
@given(case=cases)
def test_all_is_finite_and_in_range(entry: str, case: Case) -> None:
    beliefs, said = ENTRIES[entry](case)
    assert np.isfinite(beliefs.state).all()
    assert all(math.isfinite(number) for number in _numbers(said))
    assert np.isfinite(beliefs.x).all()
    assert all(0.0 <= learnt <= 1.0 for learnt in beliefs.learnt(case.of).values())
    told = beliefs.mastery(case.of).values()
    assert all(0.0 <= low <= mastery <= high <= 1.0 for mastery, low, high in told)
    assert 0.0 < beliefs.sd <= 4.0
    assert all(0.0 <= beliefs.p_right(case.of, i.id) <= 1.0 for i in case.of.course.items)


@entries
@settings(max_examples=50, deadline=None)
@given(case=cases)
def test_the_state_survives_bytes_and_goes_on_the_same(entry: str, case: Case) -> None:
    restored = Beliefs.from_bytes(case.of, case.beliefs.to_bytes())
    one, said = ENTRIES[entry](case)
    other, said_other = ENTRIES[entry](Case(case.of, restored, case.key))
    assert one.state.tobytes() == other.state.tobytes()
    assert one.x.tobytes() == other.x.tobytes()
    assert said == said_other


@settings(max_examples=50, deadline=None)
@given(case=cases)
def test_a_repeated_evidence_changes_nothing(case: Case) -> None:
    once = _react(case)[0]
    twice = _react(Case(case.of, once, case.key))[0]
    assert once.to_bytes() == twice.to_bytes()


@settings(max_examples=50, deadline=None)
@given(case=cases)
def test_a_lesson_folded_again_is_the_same_lesson(case: Case) -> None:
    assert _grown(case.of, case.key, 30).to_bytes() == _grown(case.of, case.key, 30).to_bytes()


def test_the_unknown_is_refused() -> None:
    of = COURSES["chain"]
    beliefs = Beliefs.fresh(of)
    stray = msgspec.structs.replace(answered(COURSES["wide"], "item.59"), syllabus=of)
    for refused in (
        lambda: tutor.choose(beliefs, of, 0.0, Dice(0, 0), skill="skill.99"),
        lambda: tutor.choose(beliefs, of, 0.0, Dice(0, 0), leaving="item.99"),
        lambda: tutor.decided(beliefs, stray, Verdict("correct", ""), 0.0, Dice(0, 0)),
        lambda: beliefs.p_right(of, "item.99"),
        lambda: Beliefs.from_bytes(of, b"\x63"),
    ):
        with pytest.raises(ValueError, match="expected"):
            refused()
