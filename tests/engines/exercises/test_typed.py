"""What keyboards, phones and hands make of a sign: read as people mean it, and no further."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.grading import graded, reading
from engines.exercises.marks import without_blank_groups
from engines.exercises.template import instance
from engines.exercises.typed import in_latin, plus_or_minus, roots_named, without_full_stop
from engines.words import AnswerKind, AnswerSpec, Instance, Item, UnitSpec

Row = tuple[AnswerKind, str, str, str]


def made(kind: AnswerKind, value: str, **more: Any) -> Instance:
    spec = AnswerSpec(kind=kind, value=value, **more)
    return instance(Item(id="i", skills=("s",), prompt="Work it out.", answer=spec), "", 0)


def agreed(of: Instance, text: str, locale: str = "en") -> str:
    """The verdict; the echo while typing says what the verdict read.

    Where `+-` is right in the other way that it may be meant, the echo cannot know.
    """
    found = graded(of, text, locale=locale)
    shown, column, _ = reading(of, text, locale=locale)
    otherwise = "+-" in text and found.verdict == "correct"
    assert otherwise or (shown, column) == (found.read_as, found.column)
    return found.verdict


ROOTS = "x = 3 or x = -3"
PLUS_MINUS: list[Row] = [
    ("set", "{3, -3}", "+-3", "correct"),
    ("set", "{3, -3}", "+/-3", "correct"),
    ("set", "{3, -3}", "{+/- 3}", "correct"),
    ("set", "{3, -3}", "+−3", "correct"),
    ("set", "{3, -3}", "x = +-3", "correct"),
    ("set", "3, -3", "+-3", "correct"),
    ("set", "{1, 3}", "2+-1", "correct"),
    ("set", "{1, 3}", "2 +/- 1", "correct"),
    ("set", "{3, -3, 5, -5}", "+-3, +-5", "correct"),
    ("set", "{4, -4}", "+-3", "incorrect"),
    ("set", "{3}", "+/-3", "incorrect"),
    ("set", "{-3}", "+-3", "correct"),  # a number, as ever
    ("set", "{5, 1}", "5, 2+-1", "correct"),  # two are there already
    ("set", "{3, -3}", "3, +-3", "correct"),
    ("set", "{3, -3}", "+ -3", "incorrect"),
    ("equation", ROOTS, "x = +-3", "correct"),
    ("equation", ROOTS, "x = +/-3", "correct"),
    ("equation", "x = 3, x = -3", "x = +-3", "correct"),
    ("equation", "x = 2 ± sqrt(3)", "x = 2 +- sqrt(3)", "correct"),
    ("equation", "x = 2 ± sqrt(3)", "x = 2 +/- sqrt(3)", "correct"),
    ("equation", ROOTS, "x = +-2", "incorrect"),
    ("equation", ROOTS, "x = 6+-3 or x = -3", "correct"),
    ("equation", "y = 2x - 3", "y = 2x + -3", "correct"),
    ("equation", "y = 2x - 3", "y = 2x +-3", "correct"),
    ("equation", "y = 2x - 3, x = 5", "y = 2x+-3, x = 5", "correct"),
    ("equation", "y = 2x - 3 or y = 5", "y = 2x +-3 or y = 5", "correct"),
    ("equation", "y = 2x - 3", "y = 2x +/- 3", "incorrect"),
    ("equation", "x = -3", "x = +-3", "correct"),
    ("equation", "x > 1, x < 5", "0 < x +-1 < 4", "correct"),
    ("equation", "x > 1, x < 5", "1 < x < 6+-1", "correct"),
    ("set", "{5, -3}", "L = {5, +-3}", "correct"),
    ("set", "{5, 1}", "x ∈ {5, 2+-1}", "correct"),
    ("set", "{4, 5}", "4, +-5", "incorrect"),
    ("set", "{4, -5}", "4, +-5", "correct"),
    ("interval", "(-3, 3)", "(+-3, 3)", "correct"),
    ("expression", "2 ± sqrt(3)", "2 +- sqrt(3)", "correct"),
    ("expression", "2 ± sqrt(3)", "2 +/- sqrt(3)", "correct"),
    ("expression", "2x - 3", "2x +-3", "correct"),
    ("number", "-3", "2+-5", "wrong_form"),
    ("number", "3", "+/-3", "unreadable"),
    ("fraction", "-3/4", "+-3/4", "wrong_form"),
]
FRACTIONS: list[Row] = [
    *(
        (kind, value, text, "correct")
        for kind in ("number", "fraction", "expression")
        for value, text in (
            ("11/4", "2³⁄₄"),
            ("11/4", "2 ³⁄₄"),
            ("11/4", "2³/₄"),
            ("-11/4", "-2³∕₄"),
            ("3/4", "³⁄₄"),
            ("3/4", "³/₄"),
            ("11/16", "¹¹⁄₁₆"),
        )
    ),
    ("expression", "3*x/4", "³⁄₄x", "correct"),
    ("expression", "x + 3/4", "x + ³/₄", "correct"),
    ("expression", "sqrt(3/4)", "√³⁄₄", "correct"),
    ("equation", "x = 3/4 or x = 11/4", "x = ³⁄₄ or x = 2³⁄₄", "correct"),
    ("set", "{1/2, 11/4}", "½, 2³⁄₄", "correct"),
    ("set", "{5, 939/4}", "{5,234³⁄₄}", "correct"),
    ("number", "4939/4", "1 234³⁄₄", "correct"),
    ("fraction", "3/4", "⁶⁄₈", "wrong_form"),
    ("number", "11/4", "2³⁄₅", "incorrect"),
    ("number", "11/4", "2³⁄₀", "unreadable"),
    ("expression", "11/4", "³⁄₀", "unreadable"),
    ("number", "2", "2³/4", "wrong_form"),  # a power
    ("expression", "x^3/4", "x³/4", "correct"),
    ("expression", "x^3/4", "x³/₄", "correct"),
    ("expression", "x^3/4", "x³⁄₄", "correct"),
    ("expression", "(x+1)^3/4", "(x+1)³⁄₄", "correct"),
    ("expression", "x_2^3/4", "x₂³⁄₄", "correct"),
    ("number", "3", "₃", "correct"),
]
INDICES: list[Row] = [
    ("expression", "x_1 + x_2", "x₁ + x₂", "correct"),
    ("expression", "x_12", "x₁₂", "correct"),
    ("expression", "x_1 + x_2", "x₁ + x₃", "incorrect"),
    ("expression", "x_1^2", "x₁²", "correct"),
    ("expression", "x_1*x_2", "x₂x₁", "correct"),
    ("expression", "x_1 + 1", "x₁x", "incorrect"),
    ("expression", "x_1 + 1", "x₁foo", "unreadable"),
    ("expression", "x_1 + x_2", "x1 + x2", "unreadable"),
    ("expression", "log_2(x)", "log₂(x)", "correct"),
    ("expression", "log_2(x)", "log₁₂ x", "incorrect"),
    ("matrix", "[x_1, x_2]", "[x₁, x₂]", "correct"),
    ("interval", "(2, inf)", "x₁ > 2", "wrong_form"),
    ("set", "{3, -3}", "x₁=3; x₂=-3", "correct"),
    ("set", "{3, -3}", "x1 = 3, x2 = -3", "correct"),
    ("set", "{3, -3}", "x1=3 x2=-3", "correct"),
    ("set", "{3, -3}", "x1 = 3\nx2 = -3", "correct"),
    ("set", "{3, -3}", "x1 = 3, x2 = 3", "incorrect"),
    ("set", "{3, -3}", "x1 = 3, x1 = -3", "unreadable"),
    ("set", "{3}", "x1 = 3", "unreadable"),
    ("set", "{3, -3}", "x1 = 3, y2 = -3", "unreadable"),
    ("equation", "x_1 = 3, x_2 = -3", "x1 = 3, x2 = -3", "correct"),
    ("equation", "x_1 = 3, x_2 = -3", "x1 = -3, x2 = 3", "incorrect"),
    ("equation", ROOTS, "x_1 = 3, x_2 = -3", "correct"),
    ("equation", ROOTS, "x_1 = 3 or x_2 = -3", "correct"),
    ("equation", ROOTS, "x_1 = 3 and x_2 = -3", "correct"),
    ("equation", ROOTS, "x1 = 3, x2 = -3", "correct"),
    ("equation", ROOTS, "X₁ = -3; X₂ = 3", "correct"),
    ("equation", "x = ±3", "x₁ = 3, -3 = x₂", "correct"),
    ("equation", ROOTS, "x_1 = 3, x_2 = 4", "incorrect"),
    ("equation", ROOTS, "x_1 = 3, x_1 = -3", "incorrect"),
    ("equation", ROOTS, "y_1 = 3, y_2 = -3", "incorrect"),
    ("equation", ROOTS, "x_1 = 3, x_2 = 2x_1 - 9", "incorrect"),
    ("equation", ROOTS, "x_1 = 3", "incorrect"),
    ("equation", ROOTS, "x₁,₂ = ±3", "correct"),
    ("equation", ROOTS, "x_{1,2} = +-3", "correct"),
    ("equation", ROOTS, "x₁₂ = ±3", "correct"),
    ("equation", ROOTS, "x1,2 = ±3", "correct"),
    ("set", "{3, -3}", "x₁,₂ = ±3", "correct"),
    ("equation", "x = 3", "x₁ = 3", "correct"),
    ("equation", "x = 3", "x_1 = 4", "incorrect"),
    ("equation", "x_1 = 3", "x₁ = 3", "correct"),
    ("equation", "x = 3 and y = 4", "x₁ = 3 and y = 4", "correct"),
    ("equation", "x^2 = 9", "x2 = 9", "unreadable"),
    ("equation", "x = 3", "x_1 = 3, x_2 = 3", "wrong_form"),
    ("equation", "x = 3", "x1 = x2 = 3", "correct"),
    ("equation", "x = 3", "x1 = x2 = 4", "incorrect"),
    ("equation", "x = a or x = -a", "x1 = a, x2 = -a", "correct"),
    ("equation", "y = 2x or y = -2x", "y1 = 2x, y2 = -2x", "correct"),
    ("equation", "y = 2x or y = -2x", "y1 = 2x, y2 = -3x", "incorrect"),
    ("equation", "x_1 + x_2 = 3", "x1 + x2 = 3", "unreadable"),
]
LETTERS: list[Row] = [
    ("expression", "3x - 2", "3х-2", "correct"),
    ("expression", "3x - 2", "3Х-2", "correct"),
    ("expression", "3x - 2", "3Χ-2", "correct"),
    ("expression", "c + a", "с + а", "correct"),
    ("expression", "k + t + m", "к+т+м", "correct"),
    ("expression", "o + v", "ο + v", "correct"),
    ("expression", "v/λ", "ν/λ", "incorrect"),  # a speed is no frequency
    ("expression", "e^x", "е^х", "correct"),
    ("expression", "x_1", "х_1", "correct"),
    ("equation", "y = 3x", "у = 3х", "correct"),
    ("equation", ROOTS, "х1 = 3, х2 = -3", "correct"),
    ("expression", "3x - 2", "3у-2", "incorrect"),
    ("expression", "3x - 2", "3χ-2", "incorrect"),
    ("expression", "x + y", "х + х", "incorrect"),
    ("expression", "3х - 2", "3х-2", "correct"),
    ("expression", "3х - 2", "3x-2", "incorrect"),
    ("expression", "х - x", "x - х", "incorrect"),
    ("expression", "3x - 2", "ответ 3х-2", "unreadable"),
]
STOPS: list[Row] = [
    ("number", "1/2", "0.5.", "correct"),
    ("number", "1/2", ".5.", "correct"),
    ("number", "1/2", "½.", "correct"),
    ("number", "1/2", "50%.", "correct"),
    ("number", "1/2", "= 0.5. ", "correct"),
    ("number", "1/2", "$0.5$.", "correct"),
    ("number", "3/2", "1 1/2.", "correct"),
    ("fraction", "3/4", "3/4.", "correct"),
    ("fraction", "3/4", r"\frac{3}{4}.", "correct"),
    ("number", "12", "12.", "correct"),
    ("number", "1/2", "0.6.", "incorrect"),
    ("number", "1/2", "0.5..", "unreadable"),
    ("number", "1/2", "0.5. .", "unreadable"),
    ("number", "1/2", "..5", "unreadable"),
    ("number", "1/2", ".", "unreadable"),
    ("number", "1/2", "0.5.1.", "unreadable"),
]
THOUSANDS: list[Row] = [
    ("number", "1000", "1 000", "correct"),
    ("number", "1000", "1\u00a0000", "correct"),
    ("number", "1000", "1\u202f000", "correct"),
    ("number", "1234567", "1 234 567", "correct"),
    ("number", "-12500", "-12 500", "correct"),
    ("number", "12500.5", "12 500.5", "correct"),
    ("number", "2469/2", "1 234 1/2", "correct"),
    ("expression", "1000x", "1 000x", "correct"),
    ("expression", "12500", "12 500", "correct"),
    ("expression", "1000", "1 000.", "correct"),
    ("number", "2000/3", "2 000/3", "correct"),
    ("fraction", "2000/3", "2 000/3", "correct"),
    ("expression", "2000/3", "2 000/3", "correct"),
    ("number", "2", "2 000/3", "incorrect"),
    ("expression", "x^2*100", "x^2 100", "unreadable"),
    ("equation", "y = 1000x + 500", "y = 1 000x + 500", "unreadable"),
    ("equation", "x = 1 and y = 500", "x = 1 500", "unreadable"),
    ("number", "1000", "1 001", "incorrect"),
    ("number", "1000", "10 00", "unreadable"),
    ("number", "1000", "1  000", "unreadable"),
    ("number", "123", "0 123", "unreadable"),
    ("number", "1234567", "1 234567", "unreadable"),
    ("number", "1234567", "1234 567", "unreadable"),
    ("number", "3/2", "1 125/250", "correct"),  # a mixed number
    ("number", "512", "12 500/1", "correct"),  # and one that is not proper
    ("expression", "1125x/250", "1 125/250 x", "unreadable"),
    ("set", "{1, 500}", "1 500", "unreadable"),  # a list, or a number?
    ("equation", "x = 1 or x = 500", "x = 1 500", "unreadable"),
    ("matrix", "[1, 500]", "[1 500]", "unreadable"),
    ("interval", "(1, 500)", "(1 500)", "unreadable"),
    ("number", "2000", "2 000, 3 000", "unreadable"),
]
ROWS = [*PLUS_MINUS, *FRACTIONS, *INDICES, *LETTERS, *STOPS, *THOUSANDS]


@pytest.mark.parametrize(("kind", "value", "text", "verdict"), ROWS)
def test_what_is_typed_is_read_as_it_is_meant(
    kind: AnswerKind, value: str, text: str, verdict: str
) -> None:
    assert agreed(made(kind, value), text) == verdict


@pytest.mark.parametrize(
    ("locale", "value", "text", "verdict"),
    [
        ("sv", "1/2", "0,5.", "correct"),
        ("sv", "1/2", "0.5.", "correct"),
        ("sv", "1000.5", "1 000,5.", "correct"),
        ("de", "1234", "1.234.", "correct"),
        ("de", "1234", "1.234..", "unreadable"),
        ("de", "1000.5", "1 000.500", "unreadable"),
        ("de", "1.234", "1.234", "incorrect"),
        ("ar", "1/2", "٠٫٥.", "correct"),
        ("hi", "1000", "1 000", "correct"),
        ("sv", "1000", "1 000", "correct"),
        ("sv", "3/2", "1 125/250", "correct"),
        ("sv", "11/4", "2³⁄₄", "correct"),
    ],
)
def test_other_languages_end_and_group_as_well(
    locale: str, value: str, text: str, verdict: str
) -> None:
    assert agreed(made("number", value), text, locale) == verdict


SPECS: list[tuple[AnswerKind, str, dict[str, Any], str, str]] = [
    ("number", "12", {"accept": ("x = 12",)}, "x = 12.", "correct"),
    ("number", "12", {"accept": ("x = 12",)}, "х = 12", "correct"),
    ("number", "12", {"accept": ("x = 12",)}, "у = 12", "unreadable"),
    ("number", "1000", {"accept": ("x = 1000",)}, "x = 1 000.", "correct"),
    ("expression", "3x", {"accept": ("y = 3x",)}, "у = 3х", "correct"),
    ("number", "11/4", {"unit": UnitSpec("m")}, "2³⁄₄ m", "correct"),
    ("number", "1000", {"unit": UnitSpec("m")}, "1 000 m", "correct"),
    ("number", "5", {"unit": UnitSpec("€")}, "5 €.", "correct"),
    ("number", "5", {"unit": UnitSpec("m", required=False)}, "5.0.", "correct"),
    ("expression", "v + 1", {"variables": ("v", "ν")}, "ν + 1", "incorrect"),
    ("expression", "v_0 + 1", {"variables": ("v_0",)}, "v₀ + 1", "correct"),
    ("expression", "v₀ + 1", {"variables": ("v₀",)}, "v₀ + 1", "correct"),
    ("expression", "v₀ + 1", {"variables": ("v₀",)}, "v0 + 1", "correct"),
    ("equation", "x1 = 3, x2 = 5", {"variables": ("x1", "x2")}, "x1 = 3, x2 = 5", "correct"),
]


@pytest.mark.parametrize(("kind", "value", "more", "text", "verdict"), SPECS)
def test_what_an_item_declares_goes_before(
    kind: AnswerKind, value: str, more: dict[str, Any], text: str, verdict: str
) -> None:
    of = made(kind, value, **more)
    assert graded(of, text).verdict == verdict
    assert (reading(of, text)[1] is None) == (verdict != "unreadable")


@pytest.mark.parametrize(
    ("kind", "value", "text", "column"),
    [
        ("set", "{3, -3}", "+/-3, )", 7),
        ("set", "{3, -3}", "x1 = 3, x2 = )", 14),
        ("equation", ROOTS, "x = +-3 +", 10),
        ("number", "1000", "1 000 *", 3),
        ("number", "1/2", "0.5 + ).", 7),
        ("number", "1/2", "³⁄₄ + )", 7),
        ("expression", "x_1", "x₁ + )", 6),
    ],
)
def test_a_fault_is_told_where_it_was_typed(
    kind: AnswerKind, value: str, text: str, column: int
) -> None:
    assert agreed(made(kind, value), text) == "unreadable"
    assert reading(made(kind, value), text)[1] == column


def test_a_question_in_cyrillic_letters_takes_nothing_from_its_key() -> None:
    spec = AnswerSpec(kind="expression", value="3x - 2")
    russian = Item(
        id="i", skills=("s",), prompt="Сложите в уме: $2x + x - 2$ (пара подходит).", answer=spec
    )
    assert graded(instance(russian, "", 0), "3х-2", locale="ru").verdict == "correct"


_TYPED = st.text("x1х2+-/ .=³⁄₄₁0 −,;оr", max_size=40)


@settings(max_examples=200)
@given(_TYPED)
def test_a_text_keeps_its_length(text: str) -> None:
    for read in (plus_or_minus, without_blank_groups):
        assert len(read(text)) == len(text)
    for names in ("x", "x_1"):
        assert len(roots_named(text, frozenset([names]))) == len(text)
    assert len(in_latin(text, ["x + o"])) == len(text)
    assert text.startswith(without_full_stop(text))
