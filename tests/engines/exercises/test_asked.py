"""Keys that every locale reads alike need one try; all others are tried. This file is that line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.asked import _NO_MARKS, Asked
from engines.exercises.grading import graded, key_spelled
from engines.exercises.marks import respelled
from engines.exercises.template import instance
from engines.words import AnswerSpec, Item, UnitSpec

LOCALES = ("en", "de", "sv", "fr-CH", "ar", "fa", "hi", "de-CH", "es-MX")


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789+-*/^=() xyk", max_size=12), st.sampled_from(LOCALES), st.booleans())
def test_a_text_without_marks_is_one_text_in_every_locale(text: str, locale: str, lists: bool):
    if _NO_MARKS.fullmatch(text):
        assert respelled(text, locale, lists=lists) == text


@pytest.mark.parametrize("text", ["2.5", "1,5", "1 234", "12 3", "ingen", "{1; 2}", "[2, 5)", "٣"])
def test_marks_words_and_parted_digits_are_of_a_locale(text: str) -> None:
    assert not _NO_MARKS.fullmatch(text)


@pytest.mark.parametrize(
    ("alike", "spec"),
    [
        (True, {"kind": "number", "value": "12"}),
        (True, {"kind": "fraction", "value": "-3/4"}),
        (True, {"kind": "expression", "value": "3*x - 2"}),
        (False, {"kind": "number", "value": "5/2", "form": "decimal"}),
        (False, {"kind": "set", "value": "{1, 2}"}),
        (False, {"kind": "text", "value": "four"}),
        (False, {"kind": "number", "value": "3", "unit": UnitSpec("cm")}),
    ],
)
def test_keys_are_alike_where_nothing_in_them_is_a_locales(
    alike: bool, spec: dict[str, Any]
) -> None:
    item = Item(id="i", skills=("s",), prompt="?", answer=AnswerSpec(**spec))
    asked = Asked(instance(item, "", 0))
    assert [asked.reads_alike(locale) for locale in LOCALES[1:]] == [alike] * (len(LOCALES) - 1)
    for locale in LOCALES if alike else ():
        typed = key_spelled(asked.drawn, locale=locale)
        assert graded(asked.drawn, typed, locale=locale).verdict == "correct"
