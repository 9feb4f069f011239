"""All keys of a course folder in one small course: read, built, opened in each language, shown."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engines.exercises.course import BadCourse
from server.authoring.building import built
from server.authoring.checking import Checked, checked
from server.authoring.compiled import media_path, opened, pictures_of
from server.authoring.media import picture_of, svg_faults
from server.authoring.schema import json_schema
from tests.wire.node import Learner, node
from tests.wire.sockets import request

COURSE = """\
course: whole
version: 1.0.0
title: Whole
license: CC-BY-4.0
attribution: [The test suite]
reading_grade: 8
misconceptions:
  - {id: tripled, say: "You took it three times."}
socratic:
  goals:
    - id: doubling
      elicit: "What does twice mean?"
      probe: ["How do you see that?", "Where does it stand?"]
      narrow: "What is $@{a} + 1$?"
      expect: {kind: number, value: a + 1}
    - {id: words, elicit: "Which word tells?", phrases: [twice, double]}
skills:
  - {id: s, title: Doubling}
items:
  - id: one
    skills: [s]
    params: {a: {int: [3, 60]}}
    prompt: "Twice $@{a}$?"
    media: [{file: media/boxes.svg, alt: "Two boxes of @{a}."}]
    answer: {kind: number, value: 2*a}
    misconceptions:
      - {id: tripled, when: 3*a, shared: true}
      - {id: halved, when: a/2, say: "That is the half."}
    variants: {visual: "Two boxes of $@{a}$.", rule: "Add it to itself."}
    socratic: {goals: [doubling, words]}
    hints:
      - {level: nudge, say: "Which word tells what to do?"}
      - level: scaffold
        ask: "What is $@{a} + 1$?"
        answer: {kind: number, value: a + 1}
        hints: ["Count on by one."]
      - {level: bottom-out, say: "$@{2*a}$"}
    steps:
      - show: "$@{a} + @{a}$"
        why: "Twice is the number added to itself."
        ask: {kind: number, value: a}
      - {show: "$@{2*a}$", why: "Add."}
"""

ARABIC = """\
title: "كامل"
skills: {s: {title: "المضاعفة"}}
misconceptions: {tripled: "أخذته ثلاث مرات."}
socratic:
  goals:
    doubling: {elicit: "ما معنى ضعف؟", probe: ["كيف ترى ذلك؟", null]}
    words: {phrases: ["ضعف", "مرتين"]}
items:
  one:
    prompt: "ضعف $@{a}$؟"
    media: [{alt: "صندوقان."}]
    misconceptions: {halved: {say: "هذا النصف."}}
    variants: {rule: "اجمعه مع نفسه."}
    hints: [{say: "أي كلمة؟"}, {ask: "ما هو $@{a} + 1$؟", hints: ["عد."]}]
    steps: [null, {why: "اجمع."}]
"""

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 4"><rect width="4" height="4"/></svg>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "whole"
    for part in ("locales", "media"):
        (made / part).mkdir(parents=True)
    (made / "course.yaml").write_text(COURSE, encoding="utf-8")
    (made / "locales" / "ar.yaml").write_text(ARABIC, encoding="utf-8")
    (made / "media" / "boxes.svg").write_text(SVG, encoding="utf-8")
    return made


def errors_of(found: Checked) -> list[str]:
    return [str(each) for each in found.report.all if each.severity == "E"]


def test_a_language_that_covers_some_skills_is_measured_there(folder: Path) -> None:
    file = folder / "locales" / "ar.yaml"
    told = [str(each) for each in checked(folder).report.all if each.code == "C604"]
    assert len(told) == 1
    assert "locale ar has" in told[0]
    head = (folder / "course.yaml").read_text(encoding="utf-8")
    more = head.replace("skills:\n", "skills:\n  - {id: other, title: Another}\n", 1)
    (folder / "course.yaml").write_text(more, encoding="utf-8")
    some = 'covers: [other]\ntitle: "كامل"\nskills: {other: {title: "آخر"}}\n'
    file.write_text(some, encoding="utf-8")
    assert "C604" not in {each.code for each in checked(folder).report.all}
    file.write_text(ARABIC + "covers: [othr]\n", encoding="utf-8")
    assert [e.split(":", 3)[-1].strip() for e in errors_of(checked(folder))] == [
        "C102 unknown skill 'othr' (did you mean other?)"
    ]


def test_every_key_is_read_and_reaches_the_course_of_each_language(folder: Path) -> None:
    found = checked(folder)
    assert errors_of(found) == []
    assert {each.code for each in found.report.all} == {"C504", "C604"}
    made = built(found, folder.parent / "out" / "whole.json")
    own, arabic = opened(made.path), opened(made.path, locale="ar-EG")
    assert (own.locale, arabic.locale, own.locales) == ("en", "ar", ("ar", "en"))
    item, other = own.items[0], arabic.items[0]
    assert [goal.id for goal in item.goals] == ["doubling", "words"]
    assert other.goals[0].probe == ("كيف ترى ذلك؟", "Where does it stand?")
    assert other.goals[1].phrases == ("ضعف", "مرتين")
    assert [wrong.say for wrong in item.misconceptions] == [
        "You took it three times.",
        "That is the half.",
    ]
    assert [wrong.say for wrong in other.misconceptions] == ["أخذته ثلاث مرات.", "هذا النصف."]
    assert item.variants is not None
    assert other.variants is not None
    assert (item.variants.rule, other.variants.rule) == ("Add it to itself.", "اجمعه مع نفسه.")
    assert other.variants.visual == "Two boxes of $@{a}$.", "what is not translated falls back"
    assert (item.hints[1].hints, other.hints[1].hints) == (("Count on by one.",), ("عد.",))
    assert item.steps[0].ask is not None
    assert [step.why for step in other.steps] == ["Twice is the number added to itself.", "اجمع."]
    assert (item.media[0].type, other.media[0].alt) == ("image/svg+xml", "صندوقان.")
    assert own.reading_grade == 8


def test_pictures_are_built_by_their_hash_and_missed_where_they_are_gone(folder: Path) -> None:
    made = built(checked(folder), folder.parent / "whole.json")
    course = opened(made.path)
    ((sha256, kind, body),) = pictures_of(made.path, course)
    assert (kind, body.decode()) == ("image/svg+xml", SVG)
    path = media_path(made.path) / f"{sha256}.svg"
    path.write_text(SVG + " ", encoding="utf-8")
    with pytest.raises(BadCourse, match="missing or altered"):
        pictures_of(made.path, course)
    before = made.sha256
    (folder / "media" / "boxes.svg").write_text(SVG.replace('"4"', '"3"'), encoding="utf-8")
    assert built(checked(folder), made.path).sha256 != before


async def test_a_learner_sees_the_picture_in_words_and_by_its_address(folder: Path) -> None:
    made = built(checked(folder), folder.parent / "whole.json")
    settings: dict[str, Any] = {"courses": [str(made.path)]}
    async with node(folder.parent, **settings) as server:
        learner = await Learner.come(server.port)
        (picture,) = (await learner.lesson())["media"]
        assert picture["alt"].startswith("Two boxes of ")
        answer = await request(server.port, "GET", picture["src"])
        assert (answer.status, answer.body.decode()) == (200, SVG)
        learner.say({"t": "lesson.start", "id": "ar", "locale": "ar"})
        await learner.until("ok", re="ar")
        item = await learner.until("item")
        assert (item["prompt"][:3], item["media"][0]["alt"]) == ("ضعف", "صندوقان.")
        await learner.aclose()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("  one:", "  two:", 9, "the course has no 'two' here"),
        ("    prompt:", "    promt:", 10, "did you mean prompt?"),
        ("{rule:", "{worked:", 13, "the course has no 'worked' here"),
        ("[null, {why", "[null, null, {why", 15, "3 entries, the course has 2 here"),
        ('title: "كامل"', "title: [x]", 1, "expected a text"),
        ("{s: {title", "[{title", 2, "YAML"),
    ],
)
def test_faults_of_an_overlay_are_told_at_their_place(
    folder: Path, old: str, new: str, line: int, words: str
) -> None:
    path = folder / "locales" / "ar.yaml"
    path.write_text(ARABIC.replace(old, new, 1), encoding="utf-8")
    found = [each for each in checked(folder).report.all if each.file == "locales/ar.yaml"]
    assert [each.line for each in found] == [line]
    assert words in found[0].message + found[0].fix


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("shared: true}", "shared: false}", "C102"),
        ("phrases: [twice, double]", "confirm: Yes", "C102"),
        ("goals: [doubling, words]", "goals: [doubling, doubled]", "C102"),
        ("value: a + 1}\n    - {id: words", "value: b + 1}\n    - {id: words", "C201"),
        ('elicit: "What does', 'elicit: "What is $@{2*b}$ and', "C201"),
        ("media/boxes.svg", "media/none.svg", "C105"),
        ("media/boxes.svg", "boxes.svg", "C102"),
        ("reading_grade: 8", "reading_grade: 80", "C102"),
    ],
)
def test_faults_of_what_stands_with_the_course(folder: Path, old: str, new: str, code: str) -> None:
    assert old in COURSE
    (folder / "course.yaml").write_text(COURSE.replace(old, new, 1), encoding="utf-8")
    found = checked(folder).report.all
    assert code in {each.code for each in found if each.severity == "E"}


def test_the_published_schema_takes_the_course_and_its_overlay() -> None:
    from server.authoring.nodes import Node
    from server.authoring.reading import nodes_of

    def plain(node: Node) -> object:
        if isinstance(node.value, dict):
            return {name: plain(each) for name, each in node.value.items()}
        if isinstance(node.value, list):
            return [plain(each) for each in node.value]
        return float(node.value) if isinstance(node.value, Fraction) else node.value

    schema = json.loads(json.dumps(json_schema()))
    for text, part in ((COURSE, schema), (ARABIC, schema["$defs"]["locale"])):
        node = nodes_of(text.encode(), "x.yaml")
        assert node is not None
        whole = {**part, "$defs": schema["$defs"]}
        assert [each.message for each in Draft202012Validator(whole).iter_errors(plain(node))] == []
    assert not Draft202012Validator(schema["$defs"]["locale"]).is_valid({"promt": "x"})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<svg><a href="https://example.org"/></svg>', "element a"),
        ('<svg><use href="other.svg#x"/></svg>', "leads out"),
        ('<svg><rect fill="url(https://example.org/x)"/></svg>', "loads what is outside"),
        ('<svg><rect style="fill: red"/></svg>', "attribute style"),
        ("<svg><foreignObject/></svg>", "foreignObject"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "document type"),
        ('<?xml-stylesheet href="x.css"?><svg/>', "instruction"),
        ("<svg><rect></svg>", "not well-formed"),
        ("<html><body/></html>", "element html"),
    ],
)
def test_a_drawing_that_could_load_or_run_something_is_refused(body: str, words: str) -> None:
    assert any(words in fault.message for fault in svg_faults(body.encode()))


def test_a_file_is_what_its_name_says() -> None:
    png = b"\x89PNG\r\n\x1a\n...."
    assert picture_of("a.png", png) is not None
    assert picture_of("a.jpg", png) is None
    assert picture_of("a.gif", b"GIF89a") is None
