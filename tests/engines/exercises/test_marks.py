"""Decimal marks, groups and lists of languages: read, printed, and shown back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.formats import decimal
from engines.exercises.grading import graded, key_spelled, reading
from engines.exercises.limits import ExpressionError
from engines.exercises.marks import localised, marks_of, respelled
from engines.exercises.reading import number_read, spelled
from engines.exercises.template import instance, rendered
from engines.words import AnswerKind, AnswerSpec, Item, Option

LOCALES = ["en", "de", "de-CH", "fr", "fr-CH", "sv", "es-MX", "hi", "ar", "ar-MA", "fa", "xx"]


@pytest.mark.parametrize(
    ("locale", "text", "value"),
    [
        ("sv", "3,5", "7/2"),
        ("sv", "-0,5", "-1/2"),
        ("sv", ",5", "1/2"),
        ("sv", "1 234,5", "2469/2"),
        ("sv", "1\u00a0234\u00a0567", "1234567"),
        ("sv", "3.5", "7/2"),  # no Swedish number, so an English one
        ("sv", "1,234", "617/500"),  # both: the learner's
        ("sv", "1,234.5", "2469/2"),
        ("sv", "1 1/2", "3/2"),
        ("sv", "1 125/250", "3/2"),  # a mixed number
        ("sv", "1 000/4", "250"),  # no mixed number
        ("sv", "2,5 + 1", "7/2"),
        ("sv", "12,5 %", "1/8"),
        ("sv", "2,4E3", "2400"),
        ("sv", "2,4*10^3", "2400"),
        ("sv", "x = 3,5", "7/2"),
        ("sv", r"\frac{1,5}{3}", "1/2"),
        ("de", "1.234", "1234"),
        ("de", "1.234,5", "2469/2"),
        ("de", "1.2345", "2469/2000"),
        ("de", "0.125", "1/8"),
        ("de", "1.500 + 2.5", "4"),  # all English, one of them nothing else
        ("de-CH", "1'234.5", "2469/2"),
        ("de-CH", "1’234", "1234"),
        ("fr", "1\u202f234,5", "2469/2"),
        ("fr-CH", "1'234,5", "2469/2"),
        ("en", "1,234.5", "2469/2"),
        ("en-ZA", "1 234,5", "2469/2"),
        ("es-MX", "1,234.5", "2469/2"),
        ("es", "1.234,5", "2469/2"),
        ("hi", "12,34,567.5", "2469135/2"),
        ("hi", "1,234", "1234"),
        ("ar", "٣٫٥", "7/2"),
        ("ar", "١٬٢٣٤٫٥", "2469/2"),
        ("ar", "٣،٥", "7/2"),
        ("ar", "3.5", "7/2"),
        ("ar", "٣/٤", "3/4"),
        ("ar-MA", "1.234,5", "2469/2"),
        ("fa", "۳٫۵", "7/2"),
        ("sv_SE", "3,5", "7/2"),
    ],
)
def test_a_number_is_read_in_the_marks_of_its_language(locale: str, text: str, value: str) -> None:
    assert number_read(text, ("x",), locale).value == Fraction(value)


@pytest.mark.parametrize(
    ("locale", "text", "column"),
    [("en", "3,5", 2), ("en", "1.234,5", 6), ("sv", "3,5,2", 2), ("de", "1.23.4", 5)],
)
def test_what_no_reading_fits_is_told_with_its_column(locale: str, text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as refused:
        number_read(text, (), locale)
    assert refused.value.column == column


@pytest.mark.parametrize(
    ("locale", "text", "plain"),
    [
        ("sv", "{1,5; 2}", "{1.5, 2}"),
        ("sv", "{1,5, 2}", "{1.5, 2}"),
        ("sv", "{1,2}", "{1.2}"),  # both: the learner's
        ("sv", "{1,2,3}", "{1,2,3}"),  # a list alone
        ("de", "[2,5; 5)", "[2.5, 5)"),
        ("sv", "max(1 234; 2,5)", "max(1234 , 2.5)"),
        ("fr", "2,5x² - ,5", "2.5x² - .5"),
        ("ar", "{١؛ ٢٫٥}", "{١, ٢.٥}"),
        ("ar", "{١، ٢}", "{١, ٢}"),
        ("en", "{1, 2}", "{1, 2}"),
    ],
)
def test_lists_are_parted_where_the_comma_is_decimal(locale: str, text: str, plain: str) -> None:
    assert respelled(text, locale) == plain


@settings(max_examples=40)
@given(st.text("0123456789.,;'’٫٬،؛ \u00a0\u202f-+x/(){}٣५", max_size=40), st.sampled_from(LOCALES))
def test_a_respelled_text_keeps_its_length(text: str, locale: str) -> None:
    assert len(respelled(text, locale)) == len(text)
    assert len(respelled(text, locale, lists=False)) == len(text)


@settings(max_examples=40)
@given(st.integers(-(10**9), 10**9), st.integers(0, 4), st.sampled_from(LOCALES), st.booleans())
def test_what_is_printed_is_read(n: int, places: int, locale: str, grouped: bool) -> None:
    value = Fraction(n, 10**places)
    text = localised(decimal(value, places), locale)
    assert number_read(text, (), locale).value == value
    marks = marks_of(locale)
    if grouped and abs(value) >= 1000:  # groups of three, which every language has
        whole, mark, part = text.partition(marks.decimal)
        sign, digits = ("-", whole[1:]) if whole[0] == "-" else ("", whole)
        head = len(digits) % 3 or 3
        parts = [digits[:head], *(digits[i : i + 3] for i in range(head, len(digits), 3))]
        many = f"{sign}{marks.groups[0].join(parts)}{mark}{part}"
        if not (marks.lakh and len(parts) > 2):
            assert number_read(many, (), locale).value == value


def test_a_swedish_answer_is_right_and_shown_in_swedish() -> None:
    drawn = instance(Item("i", ("s",), "?", AnswerSpec("number", "7/2")), "", 0, locale="sv")
    verdict = graded(drawn, "3,5", locale="sv")
    assert (verdict.verdict, verdict.read_as) == ("correct", "3{,}5")
    assert reading(drawn, "1,234", locale="sv") == ("1{,}234", None, None)
    assert graded(drawn, "3,5").verdict == "unreadable"
    assert graded(drawn, 3.5, locale="sv").read_as == "3{,}5"


def test_the_key_is_spelled_in_the_language_and_accepts_itself() -> None:
    for locale, text in (("sv", "0,75"), ("en", "0.75"), ("ar", "٠٫٧٥"), ("de-CH", "0.75")):
        drawn = instance(
            Item("i", ("s",), "?", AnswerSpec("number", "3/4", form="decimal")),
            "", 0, locale=locale,
        )  # fmt: skip
        assert key_spelled(drawn, locale=locale) == text
        assert graded(drawn, text, locale=locale).verdict == "correct"
    assert spelled(Fraction(3, 2), "mixed", "sv") == "1 1/2"


def test_decimals_of_a_template_are_printed_in_the_language() -> None:
    values = {"a": Fraction(5, 4)}
    assert rendered("$@{a:d2}$ and @{a:d1} and @{a:pct}", values, "sv") == (
        "$1{,}25$ and 1,3 and 125%"
    )
    assert rendered("$@{a:d2}$ and @{a:d2}", values, "ar") == "$1.25$ and ١٫٢٥"
    assert rendered("@{a:d2}", values) == "1.25"


def test_an_instance_prints_all_its_texts_in_its_language() -> None:
    item = Item(
        "i", ("s",), "@{a:d1}?", AnswerSpec("choice", "x"), params={"a": {"expr": "3/2"}},
        options=(Option("x", "@{a:d1}"), Option("y", "@{a + 1:d1}")),
    )  # fmt: skip
    swedish, english = instance(item, "", 7, locale="sv"), instance(item, "", 7)
    assert swedish.prompt == "1,5?"
    assert english.prompt == "1.5?"
    assert {choice.text for choice in swedish.choices} == {"1,5", "2,5"}


@pytest.mark.parametrize(
    ("kind", "key", "locale", "text", "verdict"),
    [
        ("expression", "2.5*x", "sv", "2,5x", "correct"),
        ("expression", "2.5*x", "sv", "2.5x", "correct"),
        ("set", "{1.5, 2}", "sv", "{1,5; 2}", "correct"),
        ("set", "{1.5, 2}", "de", "{2, 1,5}", "correct"),
        ("set", "{1, 2}", "sv", "{1,2}", "incorrect"),  # both: the learner's, which is {1.2}
        ("interval", "[2.5, 5)", "de", "[2,5; 5)", "correct"),
        ("interval", "[2, 5)", "sv", "[2,5)", "correct"),  # no interval in Swedish
        ("interval", "(2, 3)", "sv", "(2,3)", "correct"),
        ("interval", "(2, 3)", "sv", "(2,3", "unreadable"),
        ("equation", "y = 1.5*x", "fr", "y = 1,5x", "correct"),
        ("matrix", "[[1.5, 2], [3, 4]]", "sv", "[1,5; 2]", "incorrect"),
        ("matrix", "[1, 2; 3, 4]", "en", "(1, 2; 3, 4)", "correct"),
        ("matrix", "[1, 2; 3, 4]", "de", "[1, 2; 3, 4]", "correct"),
        ("matrix", "[1, 2; 3, 4]", "de", "(1,2;3,4)", "correct"),  # its shape tells
        ("matrix", "[1, 2; 3, 4]", "de", "[[1; 2]; [3; 4]]", "correct"),
        ("matrix", "[1, 2; 3, 4]", "de-CH", "[1, 2; 3, 4]", "correct"),
        ("matrix", "[1, 2; 3, 4]", "ar", "[١، ٢؛ ٣، ٤]", "correct"),
        ("matrix", "[1, 2; 3, 4]", "sv", "[1; 2; 3; 4]", "incorrect"),
        ("matrix", "[1.5; 2]", "sv", "[1,5; 2]", "correct"),
        ("matrix", "[1.5, 2]", "sv", "[1,5; 2]", "correct"),
        ("matrix", "[1.5, 2; 3, 4]", "fr", "[1,5, 2; 3, 4]", "correct"),
        ("matrix", "[1.5, 2; 3, 4]", "fr", "[1,5; 2; 3; 4]", "incorrect"),
        ("matrix", "[1, 2; 3, 4]", "fr", "[1, 2; 3]", "unreadable"),
    ],
)
def test_formulas_are_read_in_the_marks_of_a_language(
    kind: AnswerKind, key: str, locale: str, text: str, verdict: str
) -> None:
    drawn = instance(Item("i", ("s",), "?", AnswerSpec(kind, key)), "", 0, locale=locale)
    assert graded(drawn, text, locale=locale).verdict == verdict
    typed = key_spelled(drawn, locale=locale)
    assert graded(drawn, typed, locale=locale).verdict == "correct"
