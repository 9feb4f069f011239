"""Several answers in one response, none at all, powers of ten and rounded shares."""

from __future__ import annotations

from typing import Any

import pytest

from engines.exercises.grading import graded, reading
from engines.exercises.limits import ExpressionError
from engines.exercises.several import expect_one, may_be_several, says_none, separated
from engines.exercises.template import instance
from engines.words import AnswerKind, AnswerSpec, Instance, Item, Verdict


def made(kind: AnswerKind, value: str, **more: Any) -> Instance:
    spec = AnswerSpec(kind=kind, value=value, **more)
    return instance(Item(id="i", skills=("s",), prompt="Work it out.", answer=spec), "", 0)


def verdict(kind: AnswerKind, value: str, text: str, locale: str = "en", **more: Any) -> Verdict:
    return graded(made(kind, value, **more), text, locale=locale)


ROOTS: list[tuple[AnswerKind, str, str, str]] = [
    ("set", "2\n3", "en", "correct"),
    ("set", "3\n\n2\n", "en", "correct"),
    ("set", "x = 2\r\nx = 3", "en", "correct"),
    ("set", "{2,\n3}", "en", "correct"),
    ("set", "2\n+3", "en", "incorrect"),
    ("set", "2 or 3", "en", "correct"),
    ("set", "2, 3", "en", "correct"),
    ("set", "2\n4", "en", "incorrect"),
    ("set", "2\n3", "sv", "correct"),
    ("set", "2 und 3", "de", "correct"),
    ("set", "2 oder 3", "de", "correct"),
    ("set", "2 o 3", "es", "correct"),
    ("set", "2 et 3", "fr", "correct"),
    ("set", "2 oder 3", "en", "unreadable"),
    ("equation", "x=2\nx=3", "en", "correct"),
    ("equation", "x=2 or\nx=3", "en", "correct"),
    ("equation", "x =\n2 or x = 3", "en", "correct"),
    ("equation", "x=2\nx=4", "en", "incorrect"),
    ("equation", "x=2 eller x=3", "sv", "correct"),
    ("equation", "x=2 и x=3", "ru", "correct"),
]
VALUES: dict[AnswerKind, str] = {"set": "{2, 3}", "equation": "x = 2 or x = 3"}


@pytest.mark.parametrize(("kind", "text", "locale", "expected"), ROOTS)
def test_lines_and_words_part_two_roots(
    kind: AnswerKind, text: str, locale: str, expected: str
) -> None:
    assert verdict(kind, VALUES[kind], text, locale).verdict == expected


def test_a_system_and_a_long_equation_may_stand_on_lines() -> None:
    assert verdict("equation", "x + y = 5, x - y = 1", "x+y=5\nx-y=1").verdict == "correct"
    assert verdict("equation", "y = 2x + 1", "y = 2x\n+ 1").verdict == "correct"


TWO: list[tuple[AnswerKind, str, str, int]] = [
    ("number", "5", "2\n3", 3),
    ("number", "5", "2 or 3", 6),
    ("number", "5", "2, 3", 4),
    ("number", "5", "2; 3", 4),
    ("number", "5", "1\n1/2", 3),
    ("fraction", "1/2", "1/2 and 1/3", 9),
    ("expression", "x + 1", "x\ny", 3),
    ("expression", "x + 1", "x+1, x+2", 6),
    ("expression", "x + 1", "x or y", 6),
]


@pytest.mark.parametrize(("kind", "value", "text", "column"), TWO)
def test_two_answers_where_one_is_asked_are_told_as_two(
    kind: AnswerKind, value: str, text: str, column: int
) -> None:
    given = verdict(kind, value, text)
    assert (given.verdict, given.column) == ("unreadable", column)
    assert "expected one answer, found 2" in given.message
    assert reading(made(kind, value), text)[1:] == (column, "expected one answer, found 2")


ONE: list[tuple[AnswerKind, str, str, str]] = [
    ("number", "3/2", "1 1/2", "correct"),
    ("number", "5", "5\n", "correct"),
    ("number", "5", "2,5", "unreadable"),
    ("expression", "x + 1", "x +\n1", "correct"),
    ("expression", "x + 1", "x\n+ 1", "correct"),
    ("expression", "o*r*x", "o r x", "correct"),
]


@pytest.mark.parametrize(("kind", "value", "text", "expected"), ONE)
def test_one_answer_stays_one(kind: AnswerKind, value: str, text: str, expected: str) -> None:
    given = verdict(kind, value, text)
    assert given.verdict == expected
    assert "one answer" not in given.message


NONE: list[tuple[AnswerKind, str, str, str, str]] = [
    ("set", "{}", "no solution", "en", "correct"),
    ("set", "{}", "None.", "en", "correct"),
    ("set", "{}", "keine Lösung", "de", "correct"),
    ("set", "{}", "Keine Loesung", "de", "correct"),
    ("set", "{}", "lösning saknas", "sv", "correct"),
    ("set", "{}", "pas de solution", "fr", "correct"),
    ("set", "{}", "no solution", "fr", "correct"),
    ("set", "{}", "keine Lösung", "en", "unreadable"),
    ("set", "{2, 3}", "no solution", "en", "incorrect"),
    ("interval", "{}", "no solution", "en", "correct"),
    ("interval", "[2, 5)", "no solution", "en", "incorrect"),
    ("text", "No solution", "none", "en", "correct"),
    ("text", "no solution", "keine Lösung", "de", "correct"),
    ("text", "none", "no solution", "en", "incorrect"),
    ("text", "two", "no solution", "en", "incorrect"),
]


@pytest.mark.parametrize(("kind", "value", "text", "locale", "expected"), NONE)
def test_that_there_is_none_is_the_empty_set(
    kind: AnswerKind, value: str, text: str, locale: str, expected: str
) -> None:
    assert verdict(kind, value, text, locale).verdict == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "5"),
        ("fraction", "1/2"),
        ("expression", "x + 1"),
        ("equation", "x = 2"),
        ("matrix", "[[1, 2], [3, 4]]"),
    ],
)
def test_that_there_is_none_is_wrong_where_there_is_one(kind: AnswerKind, value: str) -> None:
    given = verdict(kind, value, "No solution")
    assert given.verdict == "incorrect"
    assert "one answer is asked for" in given.message
    assert reading(made(kind, value), "No solution") == ("No solution", None, None)


def test_an_author_may_take_none_as_right() -> None:
    assert verdict("number", "0", "no solution", accept=("no solution",)).verdict == "correct"


def test_what_is_no_saying() -> None:
    assert not any(says_none(each, "en") for each in ("", "0", "no " * 20, None, 3, "nothing"))


def test_names_of_the_key_part_nothing() -> None:
    assert separated("a y b", "es", frozenset("y")) == "a y b"
    assert separated("a y b", "es", frozenset("a")) == "a ; b"
    assert not may_be_several("2 or 3", frozenset("r"))
    with pytest.raises(ExpressionError, match="found 3"):
        expect_one("2; 3; 4", int)


POWERS: list[tuple[AnswerKind, str, str, dict[str, Any], str]] = [
    ("expression", "2400000000", "2.4e9", {}, "correct"),
    ("expression", "2400000000", "2.4E+9", {}, "correct"),
    ("expression", "2400000000", "2.4*10^9", {}, "correct"),
    ("expression", "2.4*10^9", "2.4e9", {"form": "scientific"}, "correct"),
    ("expression", "24*10^8", "24e8", {"form": "scientific"}, "wrong_form"),
    ("expression", "x/2000", "x/2e3", {}, "correct"),
    ("expression", "x/20", "5e-2x", {}, "correct"),
    ("expression", "x/20", "5e−2 x", {}, "correct"),
    ("expression", "4000000", "2e3^2", {}, "correct"),
    ("expression", "2*e - 3", "2e-3", {}, "correct"),
    ("expression", "2*e", "2e3", {}, "unreadable"),
    ("expression", "2*e + x", "2e+x", {"variables": ("e",)}, "correct"),
    ("expression", "2*E + 3", "2E+3", {}, "correct"),
    ("expression", "2000*x", "x2e3", {}, "unreadable"),
    ("expression", "2000", "2e3.5", {}, "unreadable"),
    ("expression", "2000", "2e99999", {}, "unreadable"),
    ("set", "{2000, 3}", "{2e3, 3}", {}, "correct"),
    ("equation", "x = 2000", "x = 2e3", {}, "correct"),
    ("matrix", "[[1000, 2]]", "[[1e3, 2]]", {}, "correct"),
]


@pytest.mark.parametrize(("kind", "value", "text", "more", "expected"), POWERS)
def test_powers_of_ten_as_calculators_show_them(
    kind: AnswerKind, value: str, text: str, more: dict[str, Any], expected: str
) -> None:
    given = verdict(kind, value, text, **more)
    assert given.verdict == expected, given


def test_a_power_of_ten_is_shown_as_it_was_read() -> None:
    assert verdict("expression", "0", "x/2.4e-3").read_as == r"\frac{x}{2.4 \cdot 10^{-3}}"


ROUNDED: list[tuple[AnswerKind, str, str, str, str]] = [
    ("number", "1/3", "33 %", "en", "33\\% is rounded. Give the exact value as a fraction."),
    ("number", "1/3", "33,3 %", "sv", "33{,}3\\% is rounded. Give the exact value as a fraction."),
    ("number", "-1/3", "-33%", "en", "-33\\% is rounded. Give the exact value as a fraction."),
    ("number", "1/8", "13%", "en", "13\\% is rounded. Give the exact value."),
    ("number", "1/3", "0.33", "en", "0.33 is rounded. Give the exact value as a fraction."),
    (
        "fraction", "1/3", "33%", "en",
        "33\\% is rounded. Give the exact value as a fraction in lowest terms.",
    ),
    ("expression", "1/3", "33%", "en", "33\\% is rounded. Give the exact value."),
    ("expression", "-sqrt(2)", "-141.4%", "en", "-141.4\\% is rounded. Give the exact value."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "text", "locale", "message"), ROUNDED)
def test_a_rounded_share_is_told_as_rounded(
    kind: AnswerKind, value: str, text: str, locale: str, message: str
) -> None:
    given = verdict(kind, value, text, locale)
    assert (given.verdict, given.note, given.message) == ("wrong_form", "rounded", message)


@pytest.mark.parametrize("text", ["30 %", "-33 %", "33.34 %", "3 %", "33"])
def test_another_share_is_wrong(text: str) -> None:
    assert verdict("number", "1/3", text).verdict == "incorrect"
    assert verdict("expression", "1/3", text).verdict == "incorrect"
