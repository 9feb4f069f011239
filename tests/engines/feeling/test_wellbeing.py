"""Distress: all explicit examples found, everyday speech left alone, texts that promise nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.exercises.course import course_from
from engines.exercises.hints import hint, ladder_length, worked
from engines.exercises.template import instance
from engines.feeling.phrases import ENGLISH
from engines.feeling.wellbeing import Concern, Kind, check_in_text, distress, plain, safety_text

ROOT = Path(__file__).resolve().parents[3]
CORPUS = ROOT / "tests" / "corpus" / "distress"
EXPLICIT = tomllib.loads((CORPUS / "explicit.toml").read_text("utf-8"))
EXAMPLES = [(kind, text) for kind, texts in EXPLICIT.items() for text in texts]
EVERYDAY = [line for line in (CORPUS / "everyday.txt").read_text("utf-8").splitlines() if line]
COURSE = course_from((ROOT / "server" / "courses" / "linear-equations.json").read_bytes())


def test_the_corpus_is_as_large_as_it_must_be() -> None:
    assert len({text for _, text in EXAMPLES}) >= 120
    assert set(EXPLICIT) == set(get_args(Kind))
    assert len(set(EVERYDAY)) >= 500


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_an_explicit_wording_is_found(kind: str, text: str) -> None:
    found = distress(text)
    assert found is not None
    assert found.level == "explicit"
    # Threats by somebody are violence and abuse alike; self-harm has help lines of its own.
    assert found.kind == kind or "self-harm" not in (found.kind, kind)


def test_everyday_speech_is_flagged_in_one_of_a_hundred_at_most() -> None:
    flagged = [text for text in EVERYDAY if distress(text)]
    assert len(flagged) <= len(EVERYDAY) // 100, flagged


@pytest.mark.parametrize("text", ["this sum is killing me", "I could kill for a pizza", "", "7/8"])
def test_a_figure_of_speech_is_no_concern(text: str) -> None:
    assert distress(text) is None


def test_the_shipped_course_says_nothing_of_the_kind() -> None:
    for item in COURSE.items:
        shown = instance(item, COURSE.sha256, 1)
        texts = [item.title, shown.prompt, *(choice.text for choice in shown.choices)]
        texts += [hint(shown, level)[0] for level in range(1, ladder_length(item) + 1)]
        texts += [f"{show} {why}" for show, why in worked(shown)]
        texts += [known.say for known in item.misconceptions]
        assert [text for text in texts if distress(text)] == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I hate myself", "self-harm"),
        ("i can't take it anymore", "self-harm"),
        ("nobody would miss me", "self-harm"),
        ("no one would even miss me", "self-harm"),
        ("my brother hits me", "abuse"),
        ("I get bullied every day", "abuse"),
        ("I could strangle my sister", "violence"),
        ("my dad says he will kill me", "abuse"),
    ],
)
def test_an_ambiguous_wording_asks_back(text: str, kind: Kind) -> None:
    assert distress(text) == Concern("ambiguous", kind)


def test_an_explicit_wording_outweighs_an_ambiguous_one_wherever_it_stands() -> None:
    for text in ("I hate myself. I want to die.", "I want to die. I hate myself."):
        assert distress(text) == Concern("explicit", "self-harm")


DISGUISES = [
    str.upper,
    str.title,
    lambda text: text.replace("i", "і").replace("e", "е").replace("o", "о"),  # Cyrillic
    lambda text: "​".join(text),
    lambda text: "".join(c + "́" if c in "aeiou" else c for c in text),
    lambda text: text.replace(" ", "   \n\t "),
    lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in text),
    lambda text: text.replace("kill", "k1ll").replace("die", "d!e").replace("suicid", "5uic1d"),
    lambda text: text.replace("kill", "k i l l").replace("die", "d i e").replace("hurt", "h u r t"),
    lambda text: text.replace("kill", "kiiiill").replace("die", "dieeeee"),
]


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(
    "text", ["i want to kill myself", "i want to die", "i am suicidal", "i want to hurt myself"]
)
def test_a_disguise_is_seen_through(text: str, disguise) -> None:
    assert distress(disguise(text)) == Concern("explicit", "self-harm")


@given(st.sampled_from([text for _, text in EXAMPLES]), st.sampled_from(EVERYDAY))
def test_what_stands_around_hides_nothing(text: str, other: str) -> None:
    for said in (f"{other}. {text}", f"{text}. {other}", f"{other}\n\n{text}\n{other}"):
        found = distress(said)
        assert found is not None
        assert found.level == "explicit"


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    once = plain(text)
    assert distress(text) in (None, *(Concern(w.level, w.kind) for w in ENGLISH))
    assert "  " not in once
    assert once == once.strip()


def test_a_language_without_a_list_is_read_by_the_english_one() -> None:
    assert distress("I want to die", "xx") == Concern("explicit", "self-harm")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_message_names_a_person_and_the_help_lines_and_does_not_diagnose(kind: Kind) -> None:
    said = safety_text(kind, ["Helpline 116 111.", "  ", "Nurse, room 12"])
    assert "tell an adult" in said
    assert "You can also talk to: Helpline 116 111; Nurse, room 12." in said
    assert "computer program" in said
    for word in ("depress", "disorder", "suicid", "ill ", "symptom", "diagnos", "must", "promise"):
        assert word not in said.casefold()
    assert distress(said) is None
    assert "has been told" not in said
    assert "has been told" in safety_text(kind, adult_told=True)
    assert "You can also talk" not in safety_text(kind)


def test_the_check_in_asks_and_leaves_both_ways_open() -> None:
    said = check_in_text(["Helpline 116 111"])
    assert "are you all right?" in said
    assert "Helpline 116 111." in said
    assert "If you only meant the exercise" in said
    assert distress(said) is None


def test_the_corpora_hold_no_line_twice() -> None:
    assert len(EVERYDAY) == len(set(EVERYDAY))
    assert len(EXAMPLES) == len({json.dumps(example) for example in EXAMPLES})
