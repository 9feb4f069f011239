from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.grading import graded, key_spelled, reading
from engines.exercises.reading import number_read, spelled
from engines.exercises.template import instance
from engines.words import Item, Tolerance, Verdict
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


def verdict(item: Item, response: object, seed: int = 3) -> Verdict:
    return graded(instance(item, "ab" * 32, seed), response)


NUMBERS = [
    ("3/4", {}, "0.75", "correct"),
    ("3/4", {}, "6/8", "correct"),
    ("3/4", {}, "75%", "correct"),
    ("3/4", {}, "٣/٤", "correct"),
    ("3/4", {}, "¾", "correct"),
    ("7/2", {}, r"3\frac12", "correct"),
    ("7/2", {}, r"3\tfrac1{2}", "correct"),
    ("5", {}, "5!", "correct"),
    ("120", {}, "5!", "wrong_form"),
    ("24", {}, "5!", "incorrect"),
    ("3/4", {}, r"$\frac{3}{4}$", "correct"),
    ("3/4", {}, 0.75, "correct"),
    ("0.1", {}, 0.1, "correct"),
    ("3/4", {}, "= 3/4", "correct"),
    ("3/4", {}, r"\(3/4\)", "correct"),
    ("-3", {}, "\u2014" + "3", "correct"),
    ("-3", {}, "\u061c-٣", "correct"),
    ("5/2", {"accept": ("x = 5/2",)}, "X = 5/2", "correct"),
    ("5/2", {"accept": ("x = 5/2",)}, "Y = 5/2", "unreadable"),
    ("1/3", {}, "0.(3)", "unreadable"),
    ("3/4", {}, "0.7500001", "incorrect"),
    ("2400000000", {}, "2,400,000,000", "correct"),
    ("2400000000", {}, "2400000001", "incorrect"),
    ("2400000000", {}, 2400000001, "incorrect"),
    ("2400000000", {}, "2.4*10^9", "correct"),
    ("-3", {}, "−3", "correct"),
    ("-3", {}, "3", "incorrect"),
    ("3/2", {}, "1 1/2", "correct"),
    ("3/2", {}, "1½", "correct"),
    ("3/4", {"percent": "separate"}, "75%", "wrong_form"),
    ("75", {"percent": "separate"}, "75%", "correct"),
    ("75", {"percent": "separate"}, "0.75", "incorrect"),
    ("1/3", {}, "0.33", "wrong_form"),
    ("2/3", {}, "0.667", "wrong_form"),
    ("1/3", {}, "0.3", "incorrect"),
    ("1/3", {}, "0.34", "incorrect"),
    ("1/3", {"form_policy": "require"}, "0.33", "incorrect"),
    ("1/3", {"tolerance": Tolerance(abs="0.01")}, "0.33", "correct"),
    ("1/3", {"tolerance": Tolerance(abs="0.01")}, "0.3", "incorrect"),
    ("200", {"tolerance": Tolerance(rel="1/100")}, "198", "correct"),
    ("200", {"tolerance": Tolerance(rel="1/100")}, "197.9", "incorrect"),
    ("1/3", {"tolerance": Tolerance(places=2)}, "0.33", "correct"),
    ("1/3", {"tolerance": Tolerance(places=2)}, "0.32", "incorrect"),
    ("12345", {"tolerance": Tolerance(sigfig=3)}, "12300", "correct"),
    ("12345", {"tolerance": Tolerance(sigfig=3)}, "12200", "incorrect"),
    ("0.0123", {"tolerance": Tolerance(sigfig=2)}, "0.012", "correct"),
    ("0.0123", {"tolerance": Tolerance(sigfig=2)}, "0.013", "incorrect"),
    ("0", {"tolerance": Tolerance(sigfig=2)}, "0", "correct"),
    ("3", {"form": "integer"}, "3.0", "wrong_form"),
    ("3", {"form": "integer", "form_policy": "accept"}, "3.0", "correct"),
    ("3", {"form": "integer", "form_policy": "require"}, "3.0", "incorrect"),
    ("1/3", {"accept": ("a third", "0.33")}, "a third", "correct"),
    ("1/3", {"accept": ("a third", "0.33")}, "0.33", "correct"),
    ("2^5", {}, "2^5", "correct"),
    ("2^5", {}, "32", "correct"),
    ("2^5", {}, "4*8", "wrong_form"),
    ("1/7", {}, 0.142857, "wrong_form"),
]


@pytest.mark.parametrize(("key", "spec", "response", "name"), NUMBERS)
def test_a_number_gets_its_verdict(
    key: str, spec: dict[str, Any], response: object, name: str
) -> None:
    assert verdict(number(key, **spec), response).verdict == name


UNREADABLE = [
    ("", 1, "a number"),
    ("   ", 1, "a number"),
    ("three", 1, "a number"),
    ("3 4", 3, "a sign"),
    ("1,5", 2, "decimal point"),
    ("3/0", 2, "divisor"),
    ("1 1/0", 5, "denominator"),
    ("x = 3", 1, "the number alone"),
    ("3 = x", 5, "the number alone"),
    ("1 = 1", 3, "one number"),
    ("2 < 3", 3, "one number"),
    ("sqrt(2)", 1, "square root"),
    ([3], 1, "a number"),
    ({"v": 3}, 1, "a number"),
    (None, 1, "a number"),
    (True, 1, "a number"),
    (float("nan"), 1, "a number"),
    (float("inf"), 1, "a number"),
    ("9" * 301, 301, "300"),
    (1 << 5000, 1, "4096"),
]


@pytest.mark.parametrize(("response", "column", "expected"), UNREADABLE)
def test_what_cannot_be_read_is_told_with_its_column(
    response: object, column: int, expected: str
) -> None:
    got = verdict(number("3"), response)
    assert (got.verdict, got.column) == ("unreadable", column)
    assert expected in got.message
    _, where, note = reading(instance(number("3"), "", 0), response)
    assert (where, note is not None and expected in note) == (column, True)


def test_too_large_is_named() -> None:
    assert verdict(BARE, "2^99999").note == "too large"
    assert verdict(TEXT, "a" * 301).note == "too large"


def test_a_name_before_the_value_is_taken_where_the_item_takes_it() -> None:
    for text in ("x = -7", "x=-7", "-7 = x", "$x = -7$", "x = −7", "X = -7"):
        assert verdict(TWO_STEP, text).verdict == "correct"
    other = verdict(TWO_STEP, "  y = -7")
    assert (other.verdict, other.column) == ("unreadable", 3)
    shifted = verdict(TWO_STEP, "x = 3 4")
    assert (shifted.verdict, shifted.column) == ("unreadable", 7)


def test_the_question_typed_back_is_no_answer() -> None:
    for text in ("3+4", "3 + 4", "$3+4$"):
        got = verdict(BARE, text)
        assert (got.verdict, got.note) == ("wrong_form", "restated")
    assert verdict(BARE, "5 + 2").note == "unevaluated"
    same = number("3/4", "Simplify $6/8$ and not $16/8$.", form="lowest-terms")
    assert verdict(same, "6/8").note == "restated"
    assert verdict(same, "12/16").note is None


def test_misconceptions_come_after_right_values() -> None:
    made = instance(TWO_STEP, "ab" * 32, 3)
    slip = graded(made, "-71/9")
    assert (slip.verdict, slip.misconception) == ("incorrect", "sign-slip")
    assert slip.message == "You added -4. What undoes $- 4$?"
    assert graded(made, -63).misconception == "undivided"
    assert graded(made, "-14/2").misconception is None


def test_the_message_of_a_wrong_answer_never_holds_the_key() -> None:
    for seed in range(60):
        made = instance(TWO_STEP, "c", seed)
        key = key_spelled(made)
        for wrong in ("1/97", "x", "97.5", [1]):
            assert str(key) not in graded(made, wrong).message.split()


@pytest.mark.parametrize("item", ALL, ids=lambda i: i.id)
def test_a_key_accepts_itself_over_seeds(item: Item) -> None:
    for seed in range(200):
        made = instance(item, "c", seed)
        assert graded(made, key_spelled(made)).verdict == "correct"
        for accepted in made.accept:
            assert graded(made, accepted).verdict == "correct"


@settings(max_examples=100)
@given(
    st.fractions(max_denominator=500), st.sampled_from(["any", "lowest-terms", "mixed", "decimal"])
)
def test_a_spelled_number_is_read_as_itself(value: Fraction, form: str) -> None:
    assert number_read(spelled(value, form)).value == value


@settings(max_examples=100)
@given(st.fractions(max_denominator=500))
def test_what_is_read_is_shown_and_read_again(value: Fraction) -> None:
    for text in (str(value), f"({value})", spelled(value, "mixed")):
        read = number_read(text)
        assert number_read(read.read_as).value == read.value == value


JUNK = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789/.-+*^() x=½%$\\{}frac,", max_size=30),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(st.one_of(st.text(max_size=3), st.integers(), st.none()), max_size=4),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@settings(max_examples=200)
@given(st.sampled_from(ALL), JUNK)
def test_no_response_raises(item: Item, response: object) -> None:
    made = instance(item, "c", 5)
    got = graded(made, response)
    read_as, column, note = reading(made, response)
    assert (got.verdict == "unreadable") == (got.column is not None)
    assert json.dumps([got.read_as, got.message, read_as, note])
    if got.verdict != "correct":
        assert (column is not None) == (got.verdict == "unreadable")


def test_options_by_id_by_text_and_not_at_all() -> None:
    made = instance(CHOICE, "c", 1)
    assert graded(made, "high").verdict == "correct"
    high = next(c.text for c in made.choices if c.id == "high")
    assert graded(made, high).read_as == high
    low = graded(made, "low")
    assert (low.verdict, low.misconception) == ("incorrect", "flipped")
    assert graded(made, " NEITHER ").verdict == "incorrect"
    for response in ("other", "", 3, ["high"], None, True):
        assert graded(made, response).verdict == "unreadable"


def test_several_options_in_any_order_with_a_share() -> None:
    assert verdict(MULTI, ["c", "b"]).verdict == "correct"
    assert verdict(MULTI, ["b", "c", "b"]).verdict == "correct"
    some = verdict(MULTI, ["b", "d"])
    assert (some.verdict, some.share) == ("partial", 1 / 3)
    assert verdict(MULTI, "b").share == 0.5
    assert verdict(MULTI, ["a", "b", "c"]).misconception == "odd"
    assert verdict(MULTI, ["d"]).verdict == "incorrect"
    all_of_them = msgspec.structs.replace(MULTI, misconceptions=())
    assert verdict(all_of_them, ["a", "b", "c", "d"]).verdict == "incorrect"
    for response in ([], "", ["b", "z"], [["b"]], 7, None):
        assert verdict(MULTI, response).verdict == "unreadable"


WORDS = [
    ("numerator", {}, "  NUMERATOR ", "correct"),
    ("numerator", {}, "numeratr", "incorrect"),
    ("numerator", {"typos": True}, "numeratr", "correct"),
    ("numerator", {"typos": True}, "nuemrator", "correct"),
    ("numerator", {"typos": True}, "nuertor", "incorrect"),
    ("half", {"typos": True}, "hall", "incorrect"),
    ("No Solution", {}, "no\u00a0 solution", "correct"),
    ("stop", {}, "pots", "incorrect"),
    ("no", {}, "on", "incorrect"),
    ("$$(3,0)$$", {}, "(3, 0)", "correct"),
    ("$$(3,0)$$", {}, "(0, 3)", "incorrect"),
    (r"$$\left(2q+1\right) \left(q-2\right)$$", {}, "(2q+1)(q-2)", "correct"),
    (r"$$\left(2q+1\right) \left(q-2\right)$$", {}, "(q-2)*(2q+1)", "correct"),
    (r"$$\left(2q+1\right) \left(q-2\right)$$", {}, "2q^2-3q-2", "incorrect"),
    (r"$$\frac{x^3}{8y}$$", {}, "x^3/(8y)", "correct"),
    (r"$$\frac{x^3}{8y}$$", {}, "x^3/8y", "incorrect"),
    (r"$$y=\frac{2}{5} x+4$$", {}, "y = 2x/5 + 4", "correct"),
    (r"$$-8c^{12} d^6$$", {}, "-8 * c^12 * d^6", "correct"),
    (r"$$2\times2\times3$$", {}, "2*2*3", "correct"),
    ("12y**3/7", {}, "(12y^3)/7", "correct"),
    (r"$$\frac{-x}{3}$$", {}, "-x/3", "correct"),
    ("$(-6)^n$", {}, "(-6)^n", "correct"),
    ("$(-6)^n$", {}, "-6^n", "incorrect"),
    ("$5+7$", {"prompt": "Use the commutative law on $7+5$."}, "7+5", "wrong_form"),
    ("$5+7$", {"prompt": "Use the commutative law on $7+5$."}, "5+7", "correct"),
    ("q=6, q=1", {}, "q = 6, q = 1", "correct"),
    ("$0.39", {}, "$0.39", "correct"),
    ("12", {}, 12, "correct"),
    ("x", {}, "", "unreadable"),
    ("x", {}, ["x"], "unreadable"),
    ("X", {}, "x", "correct"),
    ("2X+y", {}, "2x+Y", "correct"),
]


@pytest.mark.parametrize(("key", "spec", "response", "name"), WORDS)
def test_words_and_formulas(key: str, spec: dict[str, Any], response: object, name: str) -> None:
    assert verdict(words(key, **spec), response).verdict == name


def test_a_wrong_word_that_is_known() -> None:
    got = verdict(TEXT, "Denominator")
    assert (got.misconception, got.message) == ("other", "That one is below the line.")


def test_reading_tells_what_was_understood_and_never_the_verdict() -> None:
    made = instance(ADD, "c", 0)
    assert reading(made, "2/3 + 1 1/2") == (r"\frac{2}{3} + 1\frac{1}{2}", None, None)
    assert reading(made, "-(2+3)^2*4") == (r"-\left(2 + 3\right)^{2} \cdot 4", None, None)
    assert reading(made, ".50") == ("0.50", None, None)
    right, wrong = reading(made, key_spelled(made)), reading(made, "1/97")
    assert right[1:] == wrong[1:] == (None, None)
    assert reading(instance(MULTI, "c", 0), ["a", "b"])[0] == "$21$, $23$"
    assert reading(instance(TEXT, "c", 0), "2x/3")[0] == r"\frac{2 x}{3}"
