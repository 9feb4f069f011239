"""The canonical form: one spelling, exact, refused when altered; locales; the syllabus' arrays."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from time import process_time
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.course import (
    BadCourse,
    canonical,
    course_from,
    findings,
    joined,
    locales,
    syllabus,
)
from engines.words import AnswerSpec, Course, Item, Option, Skill

HEAD = {"id": "c", "version": "1", "title": "C", "license": "CC0", "attribution": ["me"]}


def item(name: str = "i", **changed: Any) -> dict[str, Any]:
    return {
        "id": name,
        "skills": ["s"],
        "prompt": "What is $@{a}$?",
        "params": {"a": {"int": [1, 9]}},
        "answer": {"kind": "number", "value": "a"},
        **changed,
    }


def document(**changed: Any) -> dict[str, Any]:
    made = {**HEAD, "skills": [{"id": "s", "title": "S"}], "items": [item()], **changed}
    return joined(json.loads(json.dumps(made)))


def test_the_course_of_its_bytes_names_their_hash():
    written = canonical(document())
    course = course_from(written)
    assert course.sha256 == hashlib.sha256(written).hexdigest()
    assert course.items[0].params == {"a": {"int": [1, 9]}}
    assert course.skills[0] == Skill("s", "S")


def test_exact_texts_become_floats_where_words_hold_one():
    skills = [{"id": "s", "title": "S", "mastery": "9/10", "bkt": {"slip": "1/20", "init": 0}}]
    course = course_from(
        canonical(document(skills=skills, items=[item(difficulty="-3/4", time_hint_s=30)]))
    )
    assert course.skills[0].mastery == 0.9
    assert course.skills[0].bkt.slip == 0.05
    assert course.skills[0].bkt.init == 0.0
    assert course.items[0].difficulty == -0.75
    assert course.items[0].time_hint_s == 30


def test_bytes_are_sorted_composed_and_free_of_spaces():
    written = canonical({"b": ["e\u0301", {"z": True, "y": None}], "a": 1})
    assert written == '{"a":1,"b":["é",{"y":null,"z":true}]}'.encode()


def test_a_float_has_no_canonical_form():
    with pytest.raises(ValueError, match="float has no canonical form"):
        canonical({"a": 0.5})


@given(st.permutations(list(document().items())))
@settings(max_examples=30, deadline=None)
def test_the_order_of_keys_does_not_matter(pairs):
    assert canonical(dict(pairs)) == canonical(document())


@given(st.integers(0, 10**6), st.sampled_from(b'x"}{[]0,\\\xff'))
@settings(max_examples=100, deadline=None)
def test_one_changed_byte_is_another_version_or_refused(at, byte):
    written = canonical(document())
    changed = bytearray(written)
    changed[at % len(written)] = byte
    expected = hashlib.sha256(written).hexdigest()
    if bytes(changed) == written:
        return
    with pytest.raises(BadCourse, match="expected"):
        course_from(bytes(changed), sha256=expected)
    with suppress(BadCourse):
        assert course_from(bytes(changed)).sha256 != expected


@given(st.integers(0, len(canonical(document())) - 1))
@settings(max_examples=50, deadline=None)
def test_a_truncated_course_is_refused(length):
    with pytest.raises(BadCourse):
        course_from(canonical(document())[:length])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (b"[]", "expected an object, found list"),
        (b"{}", "expected format 1, found None"),
        (b'{"format":2}', "expected format 1, found 2"),
        (b'{"format":1}', "missing required field `id`"),
        (b"[" * 5000, "not whole JSON"),
        (canonical({**document(), "extra": 1}), "unknown field `extra`"),
        (canonical(document(items=[item(gadget={})])), "unknown field `gadget`"),
        (canonical(document(items=[item(difficulty="hard")])), "hard"),
        (canonical(document(items=[item(difficulty="1/0")])), "not a course"),
        (canonical({**document(), "items": [3]}), "not a course"),
        (canonical({**document(), "items": 3}), "not a course"),
        (canonical({**document(), "sha256": "0" * 64}), "do not name their own hash"),
        (canonical({**document(), "locales": ["ar"], "items": [[]]}), "not a course"),
    ],
)
def test_what_is_no_course_is_refused_with_a_reason(written, words):
    with pytest.raises(BadCourse, match=r"^[^\n]*$") as found:
        course_from(written)
    assert words in str(found.value)


def two_locales() -> dict[str, Any]:
    text = {"en": "Two", "sv": "Två", "pt-BR": "Dois"}
    hints = [{"level": "nudge", "say": {"en": "Half", "sv": "Halva"}}]
    return document(title=text, items=[item(title=text, hints=hints)])


@pytest.mark.parametrize(
    ("asked", "title", "hint"),
    [
        (None, "Two", "Half"),
        ("sv", "Två", "Halva"),
        ("sv-FI", "Två", "Halva"),
        ("pt-BR", "Dois", "Half"),
        ("pt", "Two", "Half"),
        ("ar", "Two", "Half"),
    ],
)
def test_a_text_falls_back_to_its_language_then_to_the_course(asked, title, hint):
    course = course_from(canonical(two_locales()), locale=asked)
    assert (course.title, course.items[0].title) == (title, title)
    assert course.items[0].hints[0].say == hint
    assert course.locale == {"sv": "sv", "sv-FI": "sv", "pt-BR": "pt-BR"}.get(asked, "en")


def test_locales_are_counted_and_one_locale_is_written_plain():
    made = two_locales()
    assert made["locales"] == ["en", "pt-BR", "sv"]
    assert locales(made) == {"en": (5, 5), "pt-BR": (2, 5), "sv": (3, 5)}
    plain = document(title={"en": "Only"})
    assert plain["title"] == "Only"
    assert "locales" not in plain


TWO = (Skill("s", "S"), Skill("t", "T", requires=("s",)))


def course(items: Sequence[Item], skills: Sequence[Skill] = TWO) -> Course:
    return Course("c", "1", "C", "CC0", ("me",), tuple(skills), tuple(items))


def simple(name: str, *skills: str, **changed: Any) -> Item:
    return Item(name, skills, "?", changed.pop("answer", AnswerSpec("number", "1")), **changed)


def test_the_syllabus_has_the_arrays_of_the_course():
    options = tuple(Option(f"o{n}", str(n)) for n in range(4))
    chosen = simple("b", "t", "s", answer=AnswerSpec("choice", "o1"), options=options)
    made = syllabus(course([simple("a", "s", difficulty=0.5), chosen]))
    assert made.item_skills.tolist() == [[0, -1, -1, -1], [1, 0, -1, -1]]
    assert made.item_skills.dtype == np.int64
    assert made.d.tolist() == [0.5, 0.0]
    assert made.guess_floor.tolist() == [0.0, 0.25]
    assert made.requires.tolist() == [[False, False], [True, False]]
    assert made.bkt.shape == (2, 5)
    assert made.bkt[0].tolist() == [0.25, 0.15, 0.08, 0.12, 0.02]
    assert made.mastery.tolist() == [0.95, 0.95]
    assert made.skill_index == {"s": 0, "t": 1}
    assert made.item_index == {"a": 0, "b": 1}
    assert made.d_version == "course"
    with pytest.raises(ValueError, match="read-only"):
        made.d[0] = 1.0


def test_pinned_difficulties_are_copied_and_checked():
    pinned = np.array([1.5])
    made = syllabus(course([simple("a", "s")]), pinned, "v7")
    pinned[0] = 9.0
    assert made.d.tolist() == [1.5]
    assert made.d_version == "v7"
    with pytest.raises(ValueError, match="1 difficulties expected"):
        syllabus(course([simple("a", "s")]), np.zeros(2))
    with pytest.raises(ValueError, match="not finite"):
        syllabus(course([simple("a", "s")]), np.array([np.nan]))


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([simple("a", "x")], "item a: unknown skill x"),
        ([simple("a")], "1 to 4 skills, 0 found"),
        ([simple("a", *"sssss")], "1 to 4 skills, 5 found"),
        ([simple("a", "s"), simple("a", "t")], "item id given twice: a"),
    ],
)
def test_a_syllabus_of_a_faulty_course_is_refused(items, words):
    with pytest.raises(ValueError, match=words):
        syllabus(course(items))


def test_an_unknown_prerequisite_and_an_empty_course():
    with pytest.raises(ValueError, match="skill s: unknown skill x"):
        syllabus(course([], [Skill("s", "S", requires=("x",))]))
    empty = syllabus(course([], []))
    assert empty.item_skills.shape == (0, 4)
    assert empty.bkt.shape == (0, 5)


def test_findings_lead_to_their_places():
    hints = [
        {"level": "nudge", "say": "Look."},
        {"level": "bottom-out", "say": "$@{a}$"},
    ]
    wrong = item("j", skills=["s", "x"], hints=hints, answer={"kind": "number", "value": "b"})
    made = course_from(canonical(document(license="", items=[item(hints=hints), wrong])))
    found = {(each.code, each.path) for each in findings(made)}
    assert found == {
        ("C701", ("license",)),
        ("C504", ("skills", 0)),
        ("C502", ("items", 1, "skills", 1)),
        ("C201", ("items", 1, "answer", "value")),
    }


def test_five_thousand_items_load_within_the_budget():
    hints = [{"level": "nudge", "say": f"hint {n} " * 12} for n in range(5)]
    items = [item(f"i.{n}", hints=hints, difficulty="-1/2") for n in range(5000)]
    written = canonical(document(items=items))
    course_from(canonical(document()))
    taken_s: list[float] = []
    loaded = course_from(written)
    for _ in range(3):
        started = process_time()
        loaded = course_from(written)
        taken_s.append(process_time() - started)
    assert len(loaded.items) == 5000
    assert min(taken_s) <= 0.5


@given(st.fractions(-6, 6, max_denominator=1000))
@settings(max_examples=50, deadline=None)
def test_numbers_are_exact_until_they_are_floats(value):
    written = value.numerator if value.denominator == 1 else str(value)
    loaded = course_from(canonical(document(items=[item(difficulty=written)])))
    assert loaded.items[0].difficulty == float(Fraction(value))


def test_words_of_a_course_survive_their_own_encoding():
    loaded = course_from(canonical(document()))
    again = msgspec.json.decode(msgspec.json.encode(loaded), type=Course)
    assert again == loaded
