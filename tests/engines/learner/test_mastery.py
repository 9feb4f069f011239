"""Knowledge tracing: sequences computed by hand in fractions, and what must never happen."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import tutor
from engines.beliefs import Beliefs
from engines.learner import mastery
from engines.maths.dice import Dice
from engines.words import AnswerSpec, Bkt, Option
from tests.engines.courses import RIGHT, WRONG, answered, course, item, line, skill

chances = st.floats(0.0, 1.0)

BY_HAND = [
    # slip .08, guess .12, learn .15, forget .02 from 1/4, each step worked out as a fraction:
    # right: (1/4 * 23/25) / (1/4 * 23/25 + 3/4 * 3/25) = 23/32
    # then 23/32 * 49/50 + 9/32 * 3/20 = 2389/3200
    ("R", Fraction(2389, 3200)),
    # wrong: (1/4 * 2/25) / (1/4 * 2/25 + 3/4 * 22/25) = 1/34; then 1/34 * 49/50 + 33/34 * 3/20
    ("W", Fraction(593, 3400)),
]


def _exact(answers: str, bkt: tuple[Fraction, ...], floor: Fraction = Fraction(0)) -> Fraction:
    learnt, learn, slip, guess, forget = bkt
    guess = max(guess, floor)
    for answer in answers:
        if answer in "RW":
            yes, no = (1 - slip, guess) if answer == "R" else (slip, 1 - guess)
            learnt = learnt * yes / (learnt * yes + (1 - learnt) * no)
        learnt = learnt * (1 - forget) + (1 - learnt) * learn
    return learnt


DEFAULT = (Fraction(1, 4), Fraction(15, 100), Fraction(8, 100), Fraction(12, 100), Fraction(2, 100))


@pytest.mark.parametrize(("answers", "learnt"), BY_HAND)
def test_one_step_worked_out_by_hand(answers: str, learnt: Fraction) -> None:
    assert _exact(answers, DEFAULT) == learnt
    assert _traced(answers) == pytest.approx(float(learnt), abs=1e-12)


def _traced(answers: str, of=None) -> float:
    """P(L) of the first skill after `R`ight, `W`rong and `A`ssisted answers to its item."""
    of = of or line(1, 1)
    beliefs = Beliefs.fresh(of)
    for n, answer in enumerate(answers):
        evidence = answered(of, "item.0", f"e{n}", hints_used=int(answer == "A"))
        verdict = WRONG if answer == "W" else RIGHT
        beliefs = tutor.decided(beliefs, evidence, verdict, 0.0, Dice(0, n)).beliefs
    return beliefs.learnt(of)["skill.0"]


@pytest.mark.parametrize("answers", ["RRR", "WWW", "RWRWRRRR", "AAA", "WARAWR", "R" * 30])
def test_sequences_equal_exact_fractions(answers: str) -> None:
    assert _traced(answers) == pytest.approx(float(_exact(answers, DEFAULT)), abs=1e-12)


def test_a_choice_item_is_guessed_more_easily() -> None:
    spec = AnswerSpec(kind="choice", value="a")
    four = tuple(Option(name, name) for name in "abcd")
    base = item(0, (0,), spec=spec)
    chosen = type(base)(base.id, base.skills, "?", spec, params=base.params, options=four)
    of = course([skill(0)], [chosen])
    assert _traced("RWR", of) == pytest.approx(
        float(_exact("RWR", DEFAULT, Fraction(1, 4))), abs=1e-12
    )


def test_slip_and_guess_are_held_in_bounds() -> None:
    of = course([skill(0, bkt=Bkt(0.25, 0.15, 0.6, 0.9, 0.02))], [item(0, (0,))])
    held = (Fraction(1, 4), Fraction(15, 100), Fraction(3, 10), Fraction(1, 2), Fraction(2, 100))
    assert _traced("RWRR", of) == pytest.approx(float(_exact("RWRR", held)), abs=1e-12)


@given(chances, st.floats(0, 0.3), st.floats(0, 0.5))
def test_evidence_moves_the_right_way(learnt: float, slip: float, guess: float) -> None:
    up = mastery.learnt_given(learnt, slip, guess, right=True)
    down = mastery.learnt_given(learnt, slip, guess, right=False)
    assert 0.0 <= down <= learnt + 1e-12
    assert learnt - 1e-12 <= up <= 1.0


@given(chances, chances, st.floats(0, 0.3), st.floats(0, 0.5))
def test_without_forgetting_a_right_answer_never_lowers(learnt, learn, slip, guess) -> None:
    given_it = mastery.learnt_given(learnt, slip, guess, right=True)
    assert mastery.learnt_after(given_it, learn, 0.0) >= learnt - 1e-12


def test_evidence_that_cannot_happen_changes_nothing() -> None:
    assert mastery.learnt_given(0.0, 0.1, 0.0, right=True) == 0.0
    assert mastery.learnt_given(1.0, 0.0, 0.1, right=False) == 1.0


@pytest.mark.parametrize(("slip", "guess"), [(0.31, 0.1), (-0.1, 0.1), (0.1, 0.51), (0.1, -0.1)])
def test_degenerate_parameters_are_refused(slip: float, guess: float) -> None:
    with pytest.raises(ValueError, match="expected slip"):
        mastery.learnt_given(0.5, slip, guess, right=True)


def test_guess_floor() -> None:
    assert mastery.guess_with_floor(0.12, 0.0) == 0.12
    assert mastery.guess_with_floor(0.12, 1 / 3) == 1 / 3
    assert mastery.guess_with_floor(0.12, 1.0) == 0.5


@pytest.mark.parametrize(
    ("learnt", "answers", "last", "is_mastered"),
    [
        (0.95, 3, True, True),
        (0.9499, 9, True, False),
        (0.99, 2, True, False),
        (0.99, 9, False, False),
    ],
)
def test_the_rule_of_mastery(learnt: float, answers: int, last: bool, is_mastered: bool) -> None:
    assert mastery.mastered(learnt, answers, last, 0.95) is is_mastered


def test_hints_alone_never_reach_mastery() -> None:
    of = course([skill(0, bkt=Bkt(0.9, 0.5, 0.08, 0.12, 0.0))], [item(0, (0,))])
    beliefs = Beliefs.fresh(of)
    for n in range(40):
        evidence = answered(of, "item.0", f"e{n}", hints_used=1)
        beliefs = tutor.decided(beliefs, evidence, RIGHT, 0.0, Dice(0, n)).beliefs
    assert beliefs.learnt(of)["skill.0"] > 0.99
    assert beliefs.mastered(of) == frozenset()
    for n in range(3):
        assert beliefs.mastered(of) == frozenset()
        evidence = answered(of, "item.0", f"f{n}")
        beliefs = tutor.decided(beliefs, evidence, RIGHT, 0.0, Dice(1, n)).beliefs
    assert beliefs.mastered(of) == {"skill.0"}
