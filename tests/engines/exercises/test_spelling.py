"""Answers in words: spellings that are one word in a language, and slips of the keyboard."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.grading import graded
from engines.exercises.spelling import alike, is_one_slip
from engines.exercises.template import instance
from engines.exercises.wording import match
from engines.words import AnswerSpec, Item, Misconception


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("en", "Numerator", "  numerator. "),
        ("en", "two-thirds", "two thirds"),
        ("en", "“prime”", "prime"),
        ("en", "Prime!", "prime"),
        ("en", "A.", "a"),
        ("en", "(a)", "A)"),
        ("en", "naïve", "naive"),
        ("en", "the ﬁrst", "THE  first"),
        ("de", "Zähler", "Zaehler"),
        ("de", "Größe", "GROESSE"),
        ("de-CH", "Größe", "Grösse"),
        ("", "Straße", "STRASSE"),
        ("fr", "numérateur", "numerateur"),
        ("fr", "ÉGALITÉ", "egalite"),
        ("fr", "cœur", "coeur"),
        ("fr", "l’aire", "l'aire"),
        ("es", "razón", "razon"),
        ("pt-BR", "fração", "fracao"),
        ("ro", "numărător", "numărător"),
        ("ro", "parţi", "parți"),
        ("ru", "счёт", "счет"),
        ("el", "ΚΛΑΣΜΑ", "κλάσμα"),
        ("tr", "IŞIK", "ışık"),
        ("tr", "İKİ", "iki"),
        ("da", "tæller", "taeller"),
        ("ar", "الأَوَّل", "الاول"),
        ("ar", "بــسط", "بسط"),
        ("ar", "قسمة", "قسمه"),
        ("ar", "مستوى", "مستوي"),
        ("ar", "زاوية ٩٠", "زاوية 90"),
        ("fa", "كسري", "کسری"),
        ("he", "שָׁלוֹם", "שלום"),
        ("ja", "ｆｒａｃｔｉｏｎ", "fraction"),
    ],
)
def test_these_are_one_word(locale: str, one: str, other: str) -> None:
    assert alike(one, locale) == alike(other, locale)
    assert match(one, other, typos=False, locale=locale) == "same"


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("sv", "täljare", "taljare"),
        ("sv", "år", "ar"),
        ("es", "año", "ano"),
        ("tr", "sıfır", "sifir"),
        ("de", "Zähler", "Zahler"),
        ("pl", "kąt", "kat"),
        ("fi", "näin", "nain"),
        ("ar", "بسط", "مقام"),
        ("vi", "bốn", "bón"),
        ("", "numérateur", "numerateur"),
        ("en", "x-axis", "x axis"),
        ("en", "(2)", "2"),
    ],
)
def test_these_are_two_words(locale: str, one: str, other: str) -> None:
    assert alike(one, locale) != alike(other, locale)


@pytest.mark.parametrize(
    ("given_", "word", "slip"),
    [
        ("fracton", "fraction", True),
        ("fractiion", "fraction", True),
        ("fractoin", "fraction", True),
        ("fraktion", "fraction", True),
        ("fracshun", "fraction", False),
        ("rfactoin", "fraction", False),
        ("", "a", True),
        ("", "ab", False),
        ("fraction", "fraction", True),
    ],
)
def test_one_slip(given_: str, word: str, slip: bool) -> None:
    assert is_one_slip(given_, word) is slip


@settings(max_examples=60)
@given(st.text("abcdeé ß", min_size=5, max_size=12), st.integers(0, 10), st.sampled_from("xyz"))
def test_every_single_slip_is_one(word: str, at: int, letter: str) -> None:
    at = min(at, len(word) - 2)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for slip in (word[:at] + word[at + 1 :], word[:at] + letter + word[at:], swapped):
        assert is_one_slip(slip, word)
    assert not is_one_slip(letter + word + letter, word)


def judged(text: str, *, typos: bool, locale: str = "en") -> tuple[str, str | None, str | None]:
    spec = AnswerSpec("text", "addition", accept=("sum up",), typos=typos)
    wrong = (Misconception("heard", "audition", "That is for singers."),)
    verdict = graded(
        instance(Item("i", ("s",), "Which operation?", spec, misconceptions=wrong), "", 0),
        text,
        locale=locale,
    )
    return verdict.verdict, verdict.note, verdict.misconception


def test_slips_are_forgiven_where_the_item_says_so() -> None:
    assert judged("Addition.", typos=False) == ("correct", None, None)
    assert judged("adition", typos=True) == ("correct", "typo", None)
    assert judged("adition", typos=False) == ("incorrect", None, None)
    assert judged("adision", typos=True) == ("incorrect", None, None)


def test_short_words_are_taken_as_they_are_and_known_wrong_words_stay_wrong() -> None:
    assert judged("sum ups", typos=True) == ("incorrect", None, None)
    assert judged("sun up", typos=True) == ("incorrect", None, None)
    assert judged("audition", typos=True) == ("incorrect", None, "heard")
