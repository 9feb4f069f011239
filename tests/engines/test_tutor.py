"""`react`: which answers count, what closes an item, what is told, and how long it takes."""

from __future__ import annotations

import statistics
import time

import msgspec
import numpy as np
import pytest

from engines import tutor
from engines.beliefs import EIDS, Beliefs
from engines.exercises.template import instance as drawn
from engines.maths.dice import Dice
from engines.words import Answered, AnswerSpec, Decision, Item, Syllabus, Verdict
from tests.engines.courses import RIGHT, WRONG, Simulated, answered, course, line, skill

HALF = AnswerSpec(kind="fraction", value="1/2", form="lowest-terms")
REQUIRED = AnswerSpec(kind="fraction", value="1/2", form="lowest-terms", form_policy="require")


def _course(spec: AnswerSpec = HALF) -> Syllabus:
    items = [
        Item(f"item.{i}", ("skill.0", "skill.1") if i == 3 else ("skill.0",), "?", spec, -1.0)
        for i in range(8)
    ]
    return course([skill(0), skill(1)], items)


def _react(of: Syllabus, response: str, beliefs: Beliefs | None = None, **more) -> Decision:
    """What follows from a first, unassisted answer to the first item, unless told otherwise."""
    which = of.course.items[of.item_index[more.pop("item", "item.0")]]
    fields = {
        "eid": "e",
        "taken_ms": 4000,
        "attempt_no": 1,
        "hints_used": 0,
        "steps_shown": False,
        "learning_done": False,
        **more,
    }
    evidence = Answered(
        syllabus=of, instance=drawn(which, of.course.sha256, 0), response=response, **fields
    )
    return tutor.react(beliefs or Beliefs.fresh(of), evidence, 12.0, Dice(3, 1))


def test_a_right_first_answer() -> None:
    of = _course()
    decision = _react(of, "1/2")
    assert decision.verdict.verdict == "correct"
    fresh = Beliefs.fresh(of)
    assert decision.p_expected == pytest.approx(fresh.p_right(of, "item.0"), abs=1e-12)
    assert decision.weight == 1.0
    assert (decision.counted, decision.assisted, decision.done) == (True, False, True)
    moved = decision.moved[0]
    assert (moved.skill, moved.before) == ("skill.0", fresh.mastery(of)["skill.0"][0])
    after = decision.beliefs.mastery(of)["skill.0"]
    assert (moved.after, moved.low, moved.high) == after
    assert moved.after > moved.before
    assert not moved.mastered
    live = decision.difficulty
    assert live is not None
    assert live.theta == decision.beliefs.theta > fresh.theta
    assert live.step == live.theta - fresh.theta
    assert live.sd == decision.beliefs.sd
    assert live.target == decision.beliefs.target == (0.70, 0.80)
    assert (live.skill, live.b, live.right) == ("skill.0", -1.0, True)
    assert live.items[0] < live.items[1]
    said = f"Right at an expected {decision.p_expected:.2f}: ability "
    assert live.reason == f"{said}{fresh.theta:.2f} -> {live.theta:.2f}"
    chosen = decision.chosen
    assert chosen is not None
    assert chosen.item != "item.0"
    assert chosen.p_success == decision.beliefs.p_right(of, chosen.item)
    assert decision.beliefs.eids == ("e",)
    assert decision.beliefs.at_s == 12.0


def test_a_wrong_first_answer_leaves_the_item_open() -> None:
    decision = _react(_course(), "1/3")
    assert decision.verdict.verdict == "incorrect"
    assert (decision.counted, decision.assisted, decision.done) == (True, False, False)
    assert decision.chosen is None
    assert decision.difficulty is not None
    assert decision.difficulty.step < 0.0
    assert decision.difficulty.reason.startswith("Not right at an expected 0.")


@pytest.mark.parametrize("response", ["1/", "(((", "2/4"])
@pytest.mark.parametrize("mode", ["practice", "exam"])
def test_what_cannot_be_read_or_only_has_another_form_moves_nothing(response, mode) -> None:
    before = Beliefs.fresh(_course())
    decision = _react(_course(), response, before, mode=mode)
    assert decision.verdict.verdict in ("unreadable", "wrong_form")
    assert (decision.counted, decision.done, decision.moved) == (False, False, ())
    assert decision.difficulty is None
    assert decision.chosen is None
    assert decision.beliefs is before
    assert decision.p_expected == pytest.approx(before.p_right(_course(), "item.0"), abs=1e-12)
    assert decision.weight is None


def test_a_form_that_is_required_uses_the_attempt() -> None:
    decision = _react(_course(REQUIRED), "2/4")
    assert decision.verdict.verdict != "correct"
    assert decision.counted
    assert not decision.done


@pytest.mark.parametrize("more", [{"hints_used": 1}, {"steps_shown": True}, {"attempt_no": 2}])
@pytest.mark.parametrize("response", ["1/2", "1/3"])
def test_assisted_and_later_answers_are_an_opportunity_only(more, response) -> None:
    of = _course()
    decision = _react(of, response, **more)
    assert not decision.counted
    assert decision.assisted is ("attempt_no" not in more)
    assert decision.difficulty is None
    assert decision.weight == 0.0
    assert decision.beliefs.answers == 0
    assert decision.done is (response == "1/2")
    learnt = decision.beliefs.learnt(of)["skill.0"]
    assert learnt == pytest.approx(0.25 * 0.98 + 0.75 * 0.15, abs=1e-12)
    fresh = Beliefs.fresh(of)
    x = fresh.x.copy()
    fresh.scoring.practised(x, 0)
    assert decision.beliefs.x.tobytes() == x.tobytes()


@pytest.mark.parametrize("response", ["1/2", "1/3"])
def test_help_never_takes_mastery_away(response) -> None:
    of = _course()
    beliefs = Beliefs.fresh(of)
    for i in range(6):
        beliefs = _react(of, "1/2", beliefs, eid=f"r{i}", item=f"item.{i % 3}").beliefs
    learnt = beliefs.learnt(of)["skill.0"]
    assert "skill.0" in beliefs.mastered(of)
    for i in range(4):
        told = beliefs.mastery(of)
        helped = _react(of, response, beliefs, eid=f"h{i}", item="item.4", hints_used=1)
        beliefs = helped.beliefs
        assert all(now[0] >= told[skill][0] for skill, now in beliefs.mastery(of).items())
        assert all(moved.after >= moved.before for moved in helped.moved)
    assert beliefs.learnt(of)["skill.0"] == learnt
    assert "skill.0" in beliefs.mastered(of)


@pytest.mark.parametrize("response", ["1/2", "1/3"])
def test_a_rapid_guess_weighs_little_and_counts_nowhere_else(response) -> None:
    of = _course()
    fresh = Beliefs.fresh(of)
    rapid, calm = _react(of, response, taken_ms=400), _react(of, response)
    assert (rapid.counted, rapid.weight, rapid.difficulty) == (False, 0.25, None)
    assert rapid.beliefs.answers == 0
    item = of.item_index["item.0"]
    start = fresh.scoring.score(fresh.x, np.array([item]))[1][0]
    little = rapid.beliefs.p_right(of, "item.0") - start
    much = calm.beliefs.p_right(of, "item.0") - start
    assert abs(little) < abs(much)
    assert _react(of, response, taken_ms=0).counted, "0 says that the client did not measure"


def test_an_opportunity_counts_once_an_instance() -> None:
    decision = _react(_course(), "1/2", attempt_no=2, learning_done=True)
    assert decision.moved == ()
    assert decision.done
    assert decision.chosen is not None


def test_an_item_moves_all_of_its_skills() -> None:
    decision = _react(_course(), "1/2", item="item.3")
    assert [moved.skill for moved in decision.moved] == ["skill.0", "skill.1"]
    assert all(moved.after > moved.before for moved in decision.moved)


def test_an_examination_closes_on_any_answer_that_was_read() -> None:
    decision = _react(_course(), "1/3", mode="exam")
    assert decision.done
    assert decision.counted
    assert decision.chosen is not None
    assert decision.chosen.why.startswith("Says most about your level")


def test_a_partial_answer_is_not_right() -> None:
    of = _course()
    partial = Verdict("partial", "a", share=0.5)
    evidence = answered(of, "item.0")
    some = tutor.decided(Beliefs.fresh(of), evidence, partial, 0.0, Dice(1, 1))
    none = tutor.decided(Beliefs.fresh(of), evidence, WRONG, 0.0, Dice(1, 1))
    assert some.beliefs.to_bytes() == none.beliefs.to_bytes()
    assert not some.done


def test_a_band_that_moves_says_so() -> None:
    of = _course()
    beliefs = Beliefs.fresh(of)
    first = tutor.decided(beliefs, answered(of, "item.0", "e0"), WRONG, 0.0, Dice(1, 0))
    again = answered(of, "item.0", "e1")
    decision = tutor.decided(first.beliefs, again, WRONG, 0.0, Dice(1, 1))
    assert decision.difficulty is not None
    assert decision.difficulty.target == (0.85, 0.92)
    assert decision.difficulty.reason == "Two misses: next ones should succeed about 17 times in 20"


def test_an_evidence_that_comes_again_changes_nothing() -> None:
    of = _course()
    first = _react(of, "1/2", eid="once")
    again = _react(of, "1/2", first.beliefs, eid="once")
    assert again.beliefs is first.beliefs
    assert (again.counted, again.done, again.moved) == (False, False, ())
    assert again.difficulty is None
    assert again.chosen is None
    assert again.verdict == first.verdict
    beliefs = first.beliefs
    for n in range(EIDS - 1):
        beliefs = _react(of, "1/3", beliefs, eid=f"later {n}").beliefs
    assert _react(of, "1/2", beliefs, eid="once").beliefs is beliefs


def test_laps_are_told_in_order() -> None:
    of = _course()
    laps: list[str] = []
    evidence = answered(of, "item.0", response="1/3")
    tutor.react(Beliefs.fresh(of), evidence, 0.0, Dice(0, 0), laps.append)
    assert laps == ["check", "score"]


def test_an_item_of_another_course_is_refused() -> None:
    of, other = _course(), line(1, 12)
    evidence = answered(other, "item.9")
    stray = msgspec.structs.replace(evidence, syllabus=of)
    with pytest.raises(ValueError, match=r"expected an item of c, got 'item.9'"):
        tutor.react(Beliefs.fresh(of), stray, 0.0, Dice(0, 0))


@pytest.mark.parametrize(("n_skills", "n_items"), [(9, 40), (200, 500), (187, 2294)])
def test_an_answer_takes_far_less_than_its_ceiling(n_skills: int, n_items: int) -> None:
    """A wide ceiling (2 ms at 200 skills and 500 items), the targets are the bench's to hold.

    It is the thread's own time that is counted, so that a busy machine fails nothing.
    """
    of = line(n_skills, n_items, per_item=2)
    learner = Simulated(of, 1.0, 1)
    for _ in range(30):
        learner.step()
    spent = []
    for n in range(300):
        evidence = answered(of, learner.chosen.item, f"t{n}")
        began = time.thread_time()
        tutor.decided(learner.beliefs, evidence, RIGHT, 0.0, Dice(1, n))
        spent.append(time.thread_time() - began)
    assert statistics.median(spent) < 2e-3
