from __future__ import annotations

import pytest

from engines.exercises.arithmetic import CHAIN_CHARS, pairs_of, wrong_sum
from engines.exercises.folding import folded
from engines.exercises.guarded import Guarded
from engines.exercises.guardset import guard_set
from engines.exercises.template import instance
from tests.corpus.maths import right, wrong
from tests.engines.exercises.items import number

WRONG = [
    "3 + 4 = 8", "x = 3 + 4 = 8", "2^3 = 6", "$2(3+4) = 13$", "\\frac{3}{4} = \\frac{6}{9}",
    "50% = 0.6", "12 ÷ 4 = 4", "2³ = 9", "√16 + 1 = 6", "- 3 + 4 = 7.5", "1 1/2 + 1/2 = 3",
    "3·4 = 13", "1/3 = 0.34", "0.5 = 0.6", "**3 + 4** = 8", "$3$ + $4$ = $8$", "2**3 = 9",
    "5 - 8 = 3", "(3 + 4 = 8)", "20% of 50 = 12", "1,200 + 300 = 1,600", "2^{3+1} = 9",
    "$$\\frac{3+4}{2} = 4$$", "\\frac{6}{8} = \\frac{2}{3} = \\frac{4}{6}", "if a = 2, 2 + 2 = 5",
]  # fmt: skip
RIGHT = [
    "3 + 4 = 7", "x = 3 + 4", "2x = 6", "1/3 = 0.33", "2/3 = 0.67", "22/7 = 3.14", "0 = 5",
    "Is 3 + 4 = 8?", "1/3 ≈ 0.3", "1/3 ~ 0.3 = x", "2\\frac{1}{2} = 2.5", "- 3 + 4 = 7", "3 = 7",
    "-3 + 4 = 1", "2(3)+1 = 7", "1/2 of 8 = 4", "5! = 120", "3 + ▢ = 8", "|−3| = 3", "(2, 3) = 5",
    "\\frac{12 \\div 4}{20 \\div 4} = \\frac{3}{5}", "10^{-2} = 0.01", "87.5% = 7/8", "4 ≠ 5 + 2",
    "\\sqrt{16} + 1 = 5", "f\\left(2\\right) = 5+1", "\\log 100 = 2+0",
    "\\frac{\\frac{1}{2}}{2} = 1/4",
    "2^65 = 5 + 1", "7/0 = 3 + 1", "3 cm = 30 mm + 1 mm", "9^9^9 = 1 + 1", "2 + 2 = ?",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_sum_is_found(text: str) -> None:
    assert wrong_sum(folded(text))


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_or_cannot_be_read_passes(text: str) -> None:
    assert not wrong_sum(folded(text))


def test_a_chain_too_long_is_not_evaluated() -> None:
    chain = " + ".join(["1"] * (CHAIN_CHARS // 4 + 2)) + " = 2"
    assert len(chain) > CHAIN_CHARS
    assert not wrong_sum(chain)
    assert not wrong_sum(" + ".join(["1"] * 25) + " = 2")  # more than 20 operations
    assert wrong_sum(" + ".join(["1"] * 15) + " = 2")


def test_a_side_that_began_before_the_piece_is_not_judged() -> None:
    assert not wrong_sum("1/4 = 2", "the product of ")
    assert wrong_sum("1/4 = 2", "we know that ")


def test_equations_of_the_learner_may_be_quoted() -> None:
    exempt = pairs_of(["I did 3+4 = 8, is that ok?", "so 2 * 3 = 7"])
    assert not wrong_sum("3 + 4 = 8", exempt=exempt)
    assert not wrong_sum("2 × 3 = 7", exempt=exempt)
    assert wrong_sum("3 + 4 = 9", exempt=exempt)


def test_the_corpus_of_sums() -> None:
    guard = guard_set([instance(number("123456789"), "c", 0)])
    assert (len(right()), len(wrong())) == (200, 200)
    verdicts = {text: _caught(guard, text) for text in (*right(), *wrong())}
    assert [t for t in right() if verdicts[t] is not None] == []
    assert [t for t in wrong() if verdicts[t] != "guard.maths"] == []


def _caught(guard, text: str) -> str | None:
    stage = Guarded(guard)
    for at in range(0, len(text), 5):
        stage.push(text[at : at + 5])
    stage.finish()
    return stage.caught
