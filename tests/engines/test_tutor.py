"""`react`: which answers count, what closes an item, what is told, and how long it takes."""

from __future__ import annotations

import statistics
import time

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import EIDS, Beliefs
from engines.exercises.template import instance as drawn
from engines.learner import kernels as k
from engines.learner.cards import DAY_S
from engines.maths.dice import Dice
from engines.words import Answered, AnswerSpec, Decision, HintStep, Item, Syllabus, Verdict
from tests.engines.courses import RIGHT, WRONG, Simulated, answered, course, line, skill

HALF = AnswerSpec(kind="fraction", value="1/2", form="lowest-terms")
REQUIRED = AnswerSpec(kind="fraction", value="1/2", form="lowest-terms", form_policy="require")


def _course(spec: AnswerSpec = HALF) -> Syllabus:
    items = [
        Item(f"item.{i}", ("skill.0", "skill.1") if i == 3 else ("skill.0",), "?", spec, -1.0)
        for i in range(8)
    ]
    return course([skill(0), skill(1)], items)


def _evidence(of: Syllabus, response: str, **more) -> Answered:
    """A first, unassisted answer to the first item, unless told otherwise."""
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
    made = drawn(which, of.course.sha256, 0)
    return Answered(syllabus=of, instance=made, response=response, **fields)


def _react(of: Syllabus, response: str, beliefs: Beliefs | None = None, **more) -> Decision:
    """What follows from that answer."""
    evidence = _evidence(of, response, **more)
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
    fresh.scoring.practised(x, 0, response == "1/2")
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


# --- what is told answers to the verdict --------------------------------------------------------

TOLD = line(3, 9, per_item=2, fixed=True)


def _believed(beliefs: Beliefs) -> list[float]:
    """Mastery of each skill as the scoring says it, in hundredths."""
    fresh = beliefs.scoring.mastery_all(beliefs.x, TOLD.references)
    return [round(p * 100.0) / 100.0 for p in fresh[:, 0].tolist()]


def _points(beliefs: Beliefs) -> list[float]:
    return [told for told, _, _ in beliefs.mastery(TOLD).values()]


def _lived(beliefs: Beliefs, deeds, begin: int = 0):
    """Beliefs, verdict and help, decision and new beliefs of (item, verdict, hints, gap) deeds."""
    for n, (item, verdict, hints, gap) in enumerate(deeds, begin):
        evidence = answered(TOLD, f"item.{item}", f"e{n}", hints_used=hints)
        now_s = beliefs.at_s + gap
        made = tutor.decided(beliefs, evidence, Verdict(verdict, ""), now_s, Dice(1, n))
        yield beliefs, verdict, hints, made
        beliefs = made.beliefs


deeds = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from(["correct", "incorrect", "partial", "unreadable"]),
        st.sampled_from([0, 0, 1, 4]),
        st.sampled_from([5.0, 3600.0, 9 * DAY_S]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(deeds)
def test_what_is_told_goes_by_the_verdict_and_comes_back_to_what_is_believed(done) -> None:
    beliefs = Beliefs.fresh(TOLD)
    for before, verdict, hints, made in _lived(beliefs, done):
        beliefs = made.beliefs
        was, now = _points(before), _points(beliefs)
        if verdict == "correct":
            assert all(b >= a for a, b in zip(was, now, strict=True))
        elif verdict == "unreadable" or hints:
            assert now == was, "nothing was measured"
        else:
            assert all(b <= a for a, b in zip(was, now, strict=True))
        told = beliefs.mastery(TOLD)
        for moved in made.moved:
            assert (moved.after, moved.low, moved.high) == told[moved.skill]
            assert moved.before == before.mastery(TOLD)[moved.skill][0]
        assert all(0.0 <= low <= p <= high <= 1.0 for p, low, high in told.values())
    after = [(done[0][0], verdict, 0, 5.0) for verdict in ("correct", "correct", "incorrect")]
    skill = TOLD.item_skills[done[0][0], 0]
    *rights, wrong = (
        _points(made.beliefs)[skill] - _believed(made.beliefs)[skill]
        for *_, made in _lived(beliefs, after, 100)
    )
    assert all(0.0 <= apart <= 0.05 for apart in rights), "one right answer takes all back up"
    assert wrong == 0.0, "and the next wrong one down"


@settings(max_examples=25, deadline=None)
@given(deeds)
def test_what_is_told_is_part_of_the_state(done) -> None:
    beliefs = Beliefs.fresh(TOLD)
    for *_, made in _lived(beliefs, done):
        beliefs = made.beliefs
    again = Beliefs.from_bytes(TOLD, beliefs.to_bytes())
    assert again.mastery(TOLD) == beliefs.mastery(TOLD)
    assert beliefs.moved_to(TOLD).mastery(TOLD) == beliefs.mastery(TOLD), "a new lesson tells on"
    for one, other in zip(_lived(beliefs, done, 50), _lived(again, done, 50), strict=True):
        assert one[3].moved == other[3].moved
        assert one[3].beliefs.to_bytes() == other[3].beliefs.to_bytes()


@pytest.mark.parametrize("misses", [0, 3])
def test_a_wrong_answer_after_a_hint_is_no_success(misses: int) -> None:
    """The skill was practised, so what is believed may rise, yet less than by a right answer."""
    beliefs = Beliefs.fresh(TOLD)
    for *_, made in _lived(beliefs, [(0, "incorrect", 0, 5.0)] * misses):
        beliefs = made.beliefs
    start, told = _believed(beliefs)[0], _points(beliefs)
    [(*_, wrong)] = _lived(beliefs, [(0, "incorrect", 1, 5.0)], 9)
    [(*_, right)] = _lived(beliefs, [(0, "correct", 1, 5.0)], 9)
    gained = _believed(wrong.beliefs)[0] - start
    assert gained <= 0.4 * (_believed(right.beliefs)[0] - start)
    assert _points(wrong.beliefs) == told
    assert wrong.moved == ()
    assert _points(right.beliefs)[0] == _believed(right.beliefs)[0] > told[0]


def test_what_is_chosen_goes_by_what_is_believed() -> None:
    """Skills of which less is told than believed are not taken for the weakest."""
    beliefs = Beliefs.fresh(TOLD)
    missed = [(0, "incorrect", hints, 5.0) for hints in (0, 0, 0, 1, 1, 1, 1)]
    for *_, made in _lived(beliefs, missed):
        beliefs = made.beliefs
    assert _points(beliefs)[0] < _believed(beliefs)[0]
    n = len(TOLD.mastery)
    state = beliefs.state.copy()
    state[k.SKILLS + k.SKILL_TOLD * n : k.SKILLS + k.SKILL_TOLD * n + 3 * n] = 0.5
    for at in range(20):
        one = tutor.choose(beliefs, TOLD, 0.0, Dice(1, at))[1]
        other = tutor.choose(beliefs.moved_by(state.copy()), TOLD, 0.0, Dice(1, at))[1]
        assert (one.item, one.seed, one.p_success) == (other.item, other.seed, other.p_success)


# --- reviews --------------------------------------------------------------------------------------


def _laddered() -> Syllabus:
    """Items whose second level of hint tells the answer."""
    nudge = (HintStep("nudge", say="?"),)
    items = [
        Item(f"item.{i}", ("skill.0",), "?", HALF, difficulty=-1.0, hints=nudge) for i in range(3)
    ]
    return course([skill(0)], items)


def _mastered(of: Syllabus) -> Beliefs:
    """Beliefs of one who has a review card."""
    beliefs = Beliefs.fresh(of)
    for i in range(6):
        beliefs = _react(of, "1/2", beliefs, eid=f"m{i}", item=f"item.{i % 3}").beliefs
    assert beliefs.cards.has(0)
    return beliefs


@pytest.mark.parametrize(
    ("more", "response", "reviewed"),
    [
        ({}, "1/3", True),
        ({"hints_used": 1}, "1/3", True),
        ({"hints_used": 1}, "1/2", True),
        ({"hints_used": 2}, "1/2", False),
        ({"hints_used": 2}, "1/3", False),
        ({"steps_shown": True}, "1/2", False),
        ({"steps_shown": True, "steps_told": False}, "1/2", True),
    ],
)
def test_an_answer_that_was_told_reviews_no_card(more, response, reviewed) -> None:
    of = _laddered()
    beliefs = _mastered(of)
    later = beliefs.at_s + 9 * DAY_S
    evidence = _evidence(of, response, **more)
    made = tutor.react(beliefs, evidence, later, Dice(3, 1))
    cards, had = made.beliefs.cards, beliefs.cards
    assert (cards.last_s(0) == later) is reviewed
    if reviewed:
        return
    assert cards.memory[:3].tobytes() == had.memory[:3].tobytes()
    assert [due.skill for due in cards.due(later + DAY_S)] == [0]
    left = msgspec.structs.replace(evidence, hints_used=2)
    gone = tutor.left_told(beliefs, left, later).beliefs
    assert gone.cards.memory[:3].tobytes() == had.memory[:3].tobytes()
    assert gone.mastery(of) == beliefs.mastery(of)


def test_a_wrong_answer_is_a_lapse_whatever_is_told_after_it() -> None:
    of = _laddered()
    beliefs = _mastered(of)
    later = beliefs.at_s + 9 * DAY_S
    lapsed = tutor.react(beliefs, _evidence(of, "1/3"), later, Dice(3, 1)).beliefs
    assert lapsed.cards.memory[0, 0] < beliefs.cards.memory[0, 0]
    more = {"eid": "f", "attempt_no": 2, "learning_done": True, "hints_used": 2}
    after = tutor.react(lapsed, _evidence(of, "1/2", **more), later + 60.0, Dice(3, 2)).beliefs
    assert after.cards.memory.tobytes() == lapsed.cards.memory.tobytes()


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
