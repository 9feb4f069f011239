"""Names and contacts are covered, mathematics is not, and all comes back for every cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.privacy import (
    HELD_CHARS,
    LINK,
    NUMBER_MOST,
    Restoring,
    covered,
    mark,
    quoted,
    redacted,
)

ROSTER = ("Ada Byron", "Will Hunter", "Li Wei", "Zoë Anne-Marie O'Neil", "St Mary's High School")

COVERED = [
    ("mail me: ada.b+x@mail.example.org!", "mail me: [EMAIL_1]!"),
    ("ada at gmail dot com", "[EMAIL_1]"),
    ("ada(at)school[dot]de", "[EMAIL_1]"),
    ("see https://a.example/x?y=1&z=2.", "see [URL_1]."),
    ("www.example.net/a, please", "[URL_1], please"),
    ("it is on my-school.org/page", "it is on [URL_1]"),
    ("youtu.be/abc12", "[URL_1]"),
    ("dm @ada_99 now", "dm [HANDLE_1] now"),
    ("discord: ada#1234", "discord: [HANDLE_1]"),
    ("my insta is ada.b99", "my insta is [HANDLE_1]"),
    ("call me on 555-123-4567", "call me on [PHONE_1]"),
    ("(212) 555-0199", "[PHONE_1]"),
    ("+49 170 1234567", "[PHONE_1]"),
    ("my number is 07700 900123.", "my number is [PHONE_1]."),
    ("0170/1234567", "[PHONE_1]"),
    ("text me 1234567", "text me [PHONE_1]"),
    ("I live at 12 Green Street, Flat 3b", "I live at [ADDRESS_1]"),
    ("i live at 12 elm street", "i live at [ADDRESS_1]"),
    ("Hauptstraße 12 it is", "[ADDRESS_1] it is"),
    ("12 rue de la Paix", "[ADDRESS_1]"),
    ("P.O. Box 123", "[ADDRESS_1]"),
    ("Springfield, IL 62704", "[ADDRESS_1]"),
    ("SW1A 2AA", "[ADDRESS_1]"),
    ("my address is 5 Some Yard, Town.", "my address is [ADDRESS_1]."),
    ("ADA and ada byron's sister", "[NAME_1] and [NAME_2]'s sister"),
    ("ask zoë or O'Neil", "ask [NAME_1] or [NAME_2]"),
    ("Will said li and Li", "[NAME_1] said li and [NAME_2]"),
    ("I go to st mary's high school", "I go to [NAME_1]"),
    ("my name is zara", "my name is [NAME_1]"),
    ("My name's Tim Smith, hi", "My name's [NAME_1], hi"),
]


@pytest.mark.parametrize(("text", "said"), COVERED)
def test_a_name_or_contact_is_covered_and_comes_back(text: str, said: str) -> None:
    found = redacted(text, ROSTER)
    assert found.text == said
    screen = Restoring(found.mapping)
    links = [value for held, value in found.mapping.items() if held.startswith("[URL")]
    expected = text.replace(links[0], LINK) if links else text
    assert (screen.push(said) + screen.finish()).casefold() == expected.casefold()


@pytest.mark.parametrize(
    "text",
    [
        "3.5",
        "x@2",
        "f@g",
        "555 + 123 4567",
        "555 - 123 - 4567",
        "555-123-4567 = x",
        "= 555-123-4567",
        "$555-123-4567$",
        "1/2/3",
        "7/8 = 14/16 = 0.875 = 87.5 %",
        "3.1415926535",
        "3,141,592,653",
        "1 000 000 000",
        "12345678901234",
        "2x + 3 = 17, so 2x = 14",
        "x +1234567890",
        "10 20 30 40 50 60",
        "1-2-3-4-5-6-7-8",
        "2024-05-06 10:30",
        "f(x)=2(x-3)^2",
        "will this work? may I hope so",
        "walks 3 miles down the road",
        "the car drives 12 blocks, way too far",
        "12 boxes, 5 each",
        "multiply.then add",
        "e.g. 5 and i.e. 6",
        "my name is not needed here",
        "a school has 30 classes; the first academy too",
        "[x] and [1, 2]",
        "",
    ],
)
def test_mathematics_and_plain_words_are_left_alone(text: str) -> None:
    assert redacted(text, ROSTER).text == text


def test_numbers_go_on_and_equal_values_keep_theirs() -> None:
    first = redacted("I am Ada, ada@x.org", ROSTER)
    then = redacted("ADA wrote to bob@x.org and Ada@X.org", ROSTER, first.mapping)
    assert then.text == "[NAME_1] wrote to [EMAIL_2] and [EMAIL_1]"
    assert then.mapping == {
        "[NAME_1]": "Ada",
        "[EMAIL_1]": "ada@x.org",
        "[EMAIL_2]": "bob@x.org",
    }
    assert first.mapping == {"[NAME_1]": "Ada", "[EMAIL_1]": "ada@x.org"}


def test_a_name_once_told_is_covered_ever_after() -> None:
    mapping = redacted("my name is Zara, @zara_1").mapping
    assert redacted("zara thinks it is 7", (), mapping).text == "[NAME_1] thinks it is 7"
    assert redacted("zara_2", (), mapping).text == "[NAME_1]_2"
    assert covered("Well done, Zara. Bazaar!", mapping) == "Well done, [NAME_1]. Bazaar!"
    assert covered("Well done, Zara.", {}) == "Well done, Zara."


def test_a_letter_with_two_small_forms_makes_no_placeholder_of_its_own() -> None:
    mapping = redacted("mail ina@x.org").mapping
    assert redacted("İna@x", (), {"[HANDLE_1]": "ina@x"}).text == "İna@x"
    assert covered("INA@X.ORG", mapping) == "[EMAIL_1]"


def test_a_tutors_text_is_not_searched_for_what_nobody_brought_up() -> None:
    assert covered("Ada has 3 apples; call 555-123-4567", {"[EMAIL_1]": "a@b.org"}) == (
        "Ada has 3 apples; call 555-123-4567"
    )


def test_beyond_the_last_number_values_are_covered_for_good() -> None:
    text = " ".join(f"u{n}@x.org" for n in range(NUMBER_MOST + 2))
    found = redacted(text)
    assert len(found.mapping) == NUMBER_MOST
    assert found.text.split()[-2:] == ["[EMAIL_0]", "[EMAIL_0]"]
    screen = Restoring(found.mapping)
    assert screen.push("[EMAIL_0]") == "[EMAIL_0]"


@given(st.text(max_size=200))
def test_covering_twice_is_covering_once(text: str) -> None:
    once = redacted(text, ROSTER)
    again = redacted(once.text, ROSTER, once.mapping)
    assert again == once


PIECES = st.sampled_from(
    ["[", "]", "[NAME_1]", "[NAME_", "_1]", "NA", "ME", "[name_1]", r"[NAME\_1]", "[EMAIL_2]",
     "[URL_1]", "[ADDRESS_256]", "[ADDRESS_2567]", "[PHONE", "[[", "x", " ", "1", "\\", "[Nº"]
)  # fmt: skip
VALUES = {
    "[NAME_1]": "Ada",
    "[EMAIL_2]": "a@b.org",
    "[URL_1]": "http://x.example",
    "[ADDRESS_256]": "12 Elm Street",
}


@given(st.lists(PIECES | st.text(max_size=4), max_size=20), st.randoms(use_true_random=False))
def test_restoring_gives_the_same_for_every_cut(pieces: list[str], luck) -> None:
    text = "".join(pieces)
    whole = Restoring(VALUES)
    expected = whole.push(text) + whole.finish()
    screen = Restoring(VALUES)
    shown, at = "", 0
    while at < len(text):
        size = luck.randint(1, 5)
        shown += screen.push(text[at : at + size])
        at += size
        assert screen.caught is None
    assert shown + screen.finish() == expected


@given(st.text(alphabet="[NAMEIL_0123456789]x\\", max_size=60))
def test_no_more_than_an_open_placeholder_is_held(text: str) -> None:
    screen = Restoring({})
    shown = 0
    for taken, letter in enumerate(text, 1):
        shown += len(screen.push(letter))
        assert taken - shown <= HELD_CHARS
    assert shown + len(screen.finish()) == len(text)


def test_what_comes_back() -> None:
    screen = Restoring(VALUES)
    said = screen.push("Hi [NAME_1], [name_1] and [NAME\\_1]: [EMAIL_2], [URL_1], [NAME_3] [x]")
    assert said + screen.finish() == f"Hi Ada, Ada and Ada: a@b.org, {LINK}, [NAME_3] [x]"
    held = Restoring(VALUES)
    assert held.push("so [NAME_") == "so "
    assert held.finish() == "[NAME_"


@given(st.text(max_size=200), st.binary(max_size=64))
def test_no_text_holds_its_own_mark(text: str, key: bytes) -> None:
    sign = mark(text, key)
    assert re.fullmatch("~[0-9a-f]{16}~", sign)
    assert sign not in text
    assert quoted(text, sign).splitlines()[0] == sign
    assert mark(text, key) == sign


def test_a_mark_that_met_its_own_text_would_move_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hash:
        """Gives 1 for the text as it is, 2 for what follows."""

        def __init__(self, data: bytes, **_: object) -> None:
            self.data = data

        def hexdigest(self) -> str:
            return "2" * 16 if self.data.endswith(b"\0") else "1" * 16

    monkeypatch.setattr("engines.privacy.hashlib.blake2b", Hash)
    assert mark("hello") == f"~{'1' * 16}~"
    assert mark(f"end ~{'1' * 16}~ end") == f"~{'2' * 16}~"


def test_marks_of_two_sessions_have_nothing_in_common() -> None:
    assert mark("hello", b"a") != mark("hello", b"b") != mark("hello")
