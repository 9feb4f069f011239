from __future__ import annotations

from fractions import Fraction

import pytest
from msgspec.structs import replace

from engines.exercises.grading import graded, key_spelled
from engines.exercises.hints import hint, key_text, ladder_length, scaffold, sibling, tells, worked
from engines.exercises.masking import BOX, masked, numbers_in
from engines.exercises.template import instance
from engines.words import HintStep, Instance, Item
from tests.engines.exercises.items import (
    ADD,
    ALL,
    BARE,
    CHOICE,
    MULTI,
    TEXT,
    TWO_STEP,
    number,
    words,
)


@pytest.mark.parametrize("item", ALL, ids=lambda i: i.id)
def test_every_ladder_ends_in_a_bottom_out(item: Item) -> None:
    made = instance(item, "c", 4)
    texts = [hint(made, level) for level in range(1, ladder_length(item) + 1)]
    assert all(text.strip() for text, _ in texts)
    assert [step.level for _, step in texts].count("bottom-out") == 1
    assert texts[-1][1].level == "bottom-out"
    for level in (0, -1, ladder_length(item) + 1):
        with pytest.raises(ValueError, match="level"):
            hint(made, level)


@pytest.mark.parametrize("item", ALL, ids=lambda i: i.id)
def test_the_last_level_tells_the_answer_and_none_before(item: Item) -> None:
    of = ladder_length(item)
    assert [tells(item, levels) for levels in range(of + 1)] == [False] * of + [True]


def test_a_bottom_out_is_made_from_the_key() -> None:
    assert hint(instance(BARE, "c", 0), 1)[0] == "The answer is $7$."
    assert hint(instance(MULTI, "c", 0), 1)[0].startswith("The answer is $2")
    assert key_text(instance(TEXT, "c", 0)) == "numerator"
    steps_only = replace(TWO_STEP, id="so", hints=())
    assert ladder_length(steps_only) == 2
    assert hint(instance(steps_only, "c", 0), 1)[0] == "Undo the addition on both sides."


def test_hints_carry_this_instance_s_numbers() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    assert hint(made, 2)[0] == "Undo $- 4$ on both sides."
    assert hint(made, 5)[0] == "$x = -7$"


def test_a_sibling_has_other_numbers_and_hides_this_key() -> None:
    for item in (TWO_STEP, ADD, CHOICE):
        for seed in range(40):
            made = instance(item, "c", seed)
            other = sibling(made)
            assert other is not None
            assert (other.prompt, other.choices) != (made.prompt, made.choices)
            assert other.key != made.key or item is CHOICE
            assert sibling(made) == other
    text = hint(instance(TWO_STEP, "ab" * 32, 3), 4)[0]
    assert text.startswith("A similar one, worked: Solve $")
    assert sibling(instance(BARE, "c", 0)) is None


def test_a_scaffold_is_a_question_of_its_own() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    sub = scaffold(made, 3)
    assert sub is not None
    assert (sub.prompt, sub.key) == ("What is $-67 - (-4)$?", Fraction(-63))
    assert graded(sub, key_spelled(sub)).verdict == "correct"
    assert scaffold(made, 1) is None


def test_worked_steps_are_the_items_or_its_ladder_s() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    assert worked(made)[0] == ("$9x = -63$", "Undo the addition on both sides.")
    assert worked(made)[-1] == ("$x = -7$", "Divide both sides by 9.")
    ladder = worked(instance(ADD, "c", 0))
    assert len(ladder) == 3
    assert all(show for show, _ in ladder)


READ = [
    ("1 1/2 of 3/4", ["3/2", "3/4"]),
    (r"\frac{3}{4} and 1\frac{1}{2} and -\frac{1}{2}", ["3/4", "3/2", "-1/2"]),
    ("2½ and ½", ["5/2", "1/2"]),
    ("75% and 0.75 and 1,234.5", ["3/4", "3/4", "2469/2"]),
    ("x - 3", ["3", "-3"]),
    ("(-3) and = -3", ["-3", "-3"]),
    ("1/0", []),
]


@pytest.mark.parametrize(("text", "values"), READ)
def test_numbers_in_a_text(text: str, values: list[str]) -> None:
    assert [str(v) for f in numbers_in(text) for v in f.values] == values


def _made(key: str, prompt: str) -> Instance:
    return instance(number(key, prompt), "c", 0)


COVERED = [
    ("3/4", "Simplify $6/8$.", "It is $3/4$, or 0.75, or 75%.", "It is $▢$, or ▢, or ▢."),
    ("3/4", "Simplify $6/8$.", r"$\frac{3}{4} = \frac{6}{8}$", "$▢ = ▢$"),
    ("3/4", "Halve it.", "¾, 6/8, 13/4, 3/40, 30/40", "▢, ▢, 13/4, 3/40, ▢"),
    ("3/2", "?", "1 1/2 and 1½ and $1\\frac{1}{2}$ and 1.50", "▢ and ▢ and $▢$ and ▢"),
    ("-3", "Solve.", "$x = -3$, $x - 3$, $3$", "$x = ▢$, $x - ▢$, $3$"),
    ("3", "Solve $2x = 6$.", "x is three; x - 3; 33; 3.5", "x is ▢; x - ▢; 33; 3.5"),
    ("3", "Solve $x + 3 = 6$.", "Take 3 away; $x = 3$; it is 3", "Take 3 away; $x = ▢$; it is ▢"),
    ("6", "Solve $x - 0 = 6$.", "We have $x - 0 = 6$ here.", "We have $x - 0 = 6$ here."),
    ("7", "What is $3 + 4$, not $7$?", "$3 + 4 = 7$", "$3 + 4 = ▢$"),
]


@pytest.mark.parametrize(("key", "prompt", "text", "covered"), COVERED)
def test_a_stated_key_is_covered_and_a_given_value_is_not(
    key: str, prompt: str, text: str, covered: str
) -> None:
    assert masked(text, _made(key, prompt)) == covered


def test_words_and_options_are_covered() -> None:
    made = instance(TEXT, "c", 0)
    assert masked("The Numerator, not numerators.", made) == "▢, not numerators."
    choice = instance(CHOICE, "c", 0)
    high = next(c.text for c in choice.choices if c.id == "high")
    low = next(c.text for c in choice.choices if c.id == "low")
    assert BOX in masked(f"It must be {high}.", choice)
    assert masked(f"Compare {high} and {low}.", choice) == f"Compare {high} and {low}."
    assert masked(f"The answer is {high}, not {low}.", choice).startswith("The answer is $▢")
    text = instance(words("no solution", "Is there no solution?"), "c", 0)
    assert masked("There is no solution here", text) != ""


def test_a_hint_without_words_shows_the_question() -> None:
    item = replace(BARE, id="quiet", hints=(HintStep("nudge"),))
    assert hint(instance(item, "c", 0), 1)[0] == BARE.prompt
