from __future__ import annotations

from fractions import Fraction

import pytest

from engines.exercises.encoded import decoded, may_decode
from engines.exercises.folding import folded
from engines.exercises.numerals import CARDINALS, FOREIGN, PARTS, SCALES
from engines.exercises.placing import affirms, as_answer, labels_named, praises
from engines.exercises.spoken import in_digits
from engines.exercises.stated import MOST_DIGITS, flat, numbers_of

READ = [
    ("⅞, or seven eighths, or 87.5 per cent", ["7/8", "7/8", "7/8"]),
    ("{7 \\over 8} and \\frac{\\mathbf{7}}{8}", ["7/8", "7/8"]),
    ("quatre-vingt-dix-sept", ["97"]),
    ("soixante et onze", ["71"]),
    ("treinta y cinco", ["35"]),
    ("siebenundzwanzig", ["27"]),
    ("trois quarts", ["3/4"]),
    ("two thousand three hundred and five", ["2305"]),
    ("a hundred", ["100"]),
    ("十二", ["12"]),
    ("四分之三", ["3/4"]),
    ("one and three quarters", ["7/4", "3/4"]),
    ("twenty one hundredths", ["21/100"]),
    ("zero point seven five", ["3/4"]),
    ("point seventy five", ["3/4"]),
    ("0 point 75", ["3/4"]),
    ("minus two", ["-2"]),
    ("three out of four", ["3/4"]),
    ("x = -\\frac{3}{4}", ["-3/4"]),
    ("the answer - 7", ["-7", "7"]),
    ("12 - 7", ["12", "7"]),
    ("0,875", ["875", "7/8"]),
    ("1 200", ["1200"]),
    ("⁷⁄₈", ["7/8"]),
    ("x⁷", ["7"]),
    ("2½", ["5/2", "1/2"]),
    ("1/0", []),
    ("\\frac{0.5}{2}", ["1/2", "2", "1/4"]),
    ("s e v e n", ["7"]),
    ("m i n u s   t w o", ["-2"]),
    ("x y z", []),
    ("\\textcolor{red}{7} and \\boxed{8}", ["7", "8"]),
    ("9" * (MOST_DIGITS + 1), []),
]


@pytest.mark.parametrize(("text", "values"), READ)
def test_numbers_in_every_dress(text: str, values: list[str]) -> None:
    assert [str(s.value) for s in numbers_of(folded(text)) if not s.joined] == values


@pytest.mark.parametrize("text", ["1 2", "1-2", "1_2", "one two", "$1$ $2$"])
def test_single_digits_that_were_parted_are_one_number(text: str) -> None:
    assert Fraction(12) in [s.value for s in numbers_of(folded(text)) if s.joined]


def test_digits_of_a_list_and_of_a_sum_are_not_joined() -> None:
    for text in ("2, 3 and 5", "1 - 2", "2 × 3", "1 1/2"):
        assert not any(s.joined and s.value > 9 for s in numbers_of(folded(text)))


def test_a_way_of_writing_has_one_name() -> None:
    names = [s.written for s in numbers_of(r"7/8 $\frac{7}{8}$ 0.875 87.5% 1 3/4")]
    assert names[:5] == ["7/8", "7/8", "7/8d", "175/2%", "1 3/4"]


def test_the_tables_of_words_do_not_collide() -> None:
    english = (set(CARDINALS), set(SCALES), set(PARTS))
    for n, table in enumerate(english):
        assert not any(table & other for other in english[n + 1 :])
        assert not table & set(FOREIGN)
    assert FOREIGN[folded("семь")] == 7
    assert in_digits("nothing to count") == "nothing to count"


def test_flat_with_exact_loses_nothing_that_computes() -> None:
    assert flat("2^{3+1}", exact=True) == "2^(3+1)"
    assert flat("\\sqrt{16}", exact=True) == "sqrt(16)"
    assert "¿" in flat("\\log 100", exact=True)


@pytest.mark.parametrize(
    ("token", "text"),
    [("Nw==", "7"), ("Nw", "7"), ("c2V2ZW4=", "seven"), ("hello", ""), ("N", ""), ("Nw=x", "")],
)
def test_base64_is_decoded_once(token: str, text: str) -> None:
    assert decoded(token) == text
    assert may_decode(token) or not text


def test_no_common_word_is_held_as_base64() -> None:
    words = [
        "which",
        "number",
        "operation",
        "fraction",
        "side",
        "equal",
        "first",
        "step",
        "both",
        "divide",
    ]
    assert not any(may_decode(word[:4]) for word in words)


@pytest.mark.parametrize(
    ("left", "right", "ends", "placed"),
    [
        ("so x = ", "", False, True),
        ("so x = ", "x + 1", False, False),
        ("add ", " to both", False, False),
        ("the answer would be ", ".", False, True),
        ("how did you get ", "?", False, False),
        ("only one is left: ", ".", True, True),
        ("\n\n1. ", "", True, True),
        ("is the ", " on the left", False, False),
    ],
)
def test_where_an_answer_stands(left: str, right: str, ends: bool, placed: bool) -> None:
    assert as_answer(left, right, ends=ends) is placed


def test_what_affirms_and_what_does_not() -> None:
    said = ["that is correct", "you are right", "yes", "the right answer", "3 is the answer"]
    assert all(affirms(text.split(), opens=False) for text in said)
    unsaid = ["not quite right", "on the right", "that is not correct", "a hard number", "ja"]
    assert not any(affirms(text.split(), opens=False) for text in unsaid)
    assert all(praises(text.split()) for text in ("well done", "you got it", "spot on", "perfect"))
    assert not any(praises(text.split()) for text in ("what is done", "not perfect", "job"))


def test_labels_are_read_in_lists_and_places() -> None:
    def read(text: str) -> list[list[int]]:
        return [sorted(places) for places in labels_named(text, 4, ends=True)]

    assert read("options B, C and D") == [[2, 3, 4]]
    assert read("the last option") == [[4]]
    assert read("the 2nd and the third one") == [[2, 3]]
    assert read("option number two") == [[2]]
    assert read("choice #3") == [[3]]
    assert read("choose a number") == read("point B on the line") == []
