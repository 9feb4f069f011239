"""OATutor problems become items; what does not is counted by reason; the real sample end to end."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engines.exercises.course import course_from, syllabus
from engines.exercises.grading import graded, key_spelled
from engines.exercises.template import instance
from server.authoring.building import built
from server.authoring.checking import checked
from server.authoring.oatutor import Import, imported, report_of
from server.authoring.oatutor_answers import Asked, answer_of, holds_key
from server.authoring.oatutor_texts import text_of
from server.authoring.writing import Occupied, folder_written
from tests.server.authoring.oatutor_problems import hint, problem, step
from tests.server.authoring.oatutor_problems import items as planned_items
from tests.server.authoring.oatutor_problems import made as planned

HERE = Path(__file__).parent
SMALL = HERE / "oatutor.jsonl"
SAMPLE = HERE.parents[3] / "shared" / "oatutor"


def made(source: Path = SMALL) -> Import:
    return imported(source.read_bytes())


def items() -> dict[str, dict[str, Any]]:
    return {item["id"]: item for listed in made().items.values() for item in listed}


def test_the_report_of_the_small_fixture_is_the_golden_one():
    report = report_of(made(), SMALL, SMALL.read_bytes())
    golden = HERE / "oatutor-report.json"
    assert report == json.loads(golden.read_text(encoding="utf-8"))


def test_a_step_becomes_an_item_with_the_problems_body_and_provenance():
    item = items()["p1a"]
    assert item["prompt"] == "A shop sells pens for \\$2 each.\n\nWhat do six pens cost?"
    assert item["answer"] == {"kind": "number", "value": "12"}
    assert item["skills"] == ["multiply-whole-numbers"]
    assert item["source"] == {
        "title": "An Open Book, 1.10 Money",
        "url": "https://example.org/book",
        "license": "CC-BY-4.0",
        "original_id": "P1a",
    }


def test_hints_stand_in_the_order_of_their_dependencies_and_end_with_the_key():
    hints = items()["p1a"]["hints"]
    assert [hint["level"] for hint in hints] == ["nudge", "scaffold", "scaffold", "bottom-out"]
    assert hints[0]["say"] == "**Start**\n\nEach pen costs \\$2.\nThere are six."
    assert hints[1]["ask"] == "**Product**\n\nWhat is $6\\times2$?"
    assert hints[1]["answer"] == {"kind": "number", "value": "12"}
    assert hints[2]["say"] == "Add two six times."
    assert hints[3]["say"] == "**Done**\n\nSo it is $12$ dollars."


def test_a_bottom_out_is_made_where_no_hint_states_the_key():
    assert items()["p1b"]["hints"] == [
        {"level": "bottom-out", "say": "The answer is $x=\\frac{3}{4}$."}
    ]
    assert items()["p2b"]["hints"][0] == {
        "level": "scaffold",
        "ask": "Which roots?",
        "answer": {"kind": "set", "value": "\\pm4"},
    }


def test_a_scaffold_that_nothing_judges_is_a_hint():
    asked = hint("Which?", type="scaffold", problemType="TextBox", hintAnswer=[])
    done = planned(problem(step("s", "Say $$7$$.", "$$7$$", asked)))
    (item,) = planned_items(done).values()
    assert item["hints"][0] == {"level": "nudge", "say": "Which?"}
    assert done.notes.counts["scaffold-as-text"] == 1


def test_a_garbled_formula_is_kept_as_a_text_and_told():
    done = planned(problem(step("s", "How many of each?", "16n4c")))
    (item,) = planned_items(done).values()
    assert item["answer"] == {"kind": "text", "value": "16n4c"}
    assert done.notes.first["kept-as-text"] == ["s"]


def test_a_named_number_is_a_number_that_takes_its_name():
    item = items()["p1b"]
    assert item["answer"] == {
        "kind": "fraction",
        "value": "3/4",
        "form_policy": "accept",
        "accept": ["x=\\frac{3}{4}"],
    }


def test_repeated_right_choices_are_both_accepted():
    item = items()["p2a"]
    assert item["answer"] == {"kind": "choice", "value": "b", "accept": ["c"]}
    assert [hint["say"] for hint in item["hints"][:2]] == [
        "**One**\n\nLook closely.",
        "**Two**\n\nCount the factors: $\\_\\_\\_$",
    ]


def test_formulas_are_expressions_and_lists_in_an_order_are_texts():
    assert items()["p2b"]["answer"] == {
        "kind": "expression",
        "value": "\\left(x-6\\right) \\left(x+2\\right)",
        "form": "factored",
    }
    assert items()["p2c"]["answer"] == {"kind": "text", "value": "80,135"}


def test_lessons_are_in_the_order_of_their_numbers():
    assert [name for name, _ in made().files()] == [
        "001-1-9-choices",
        "002-1-10-money",
        "003-2-rest",
    ]
    head = made().head()
    assert head["skills"][0]["id"] == "a"
    assert made().suggested()["solve-equations"] == ["a", "b", "c", "d", "use-exponents"]
    assert head["license"] == "CC-BY-4.0"
    assert head["attribution"][:2] == [
        "An Open Book, https://example.org/book",
        "Hints, https://example.org/hints",
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("It is $5, or $$x$$.", "It is \\$5, or $x$."),
        ("$$\\$10.74$$ each", "\\$$10.74$ each"),
        ("$$I=\\$40y$$", "$I=$\\$$40y$"),
        ("$$\\frac{\\$4}{2}$$", "$\\frac{\\$4}{2}$"),
        ("odd $$x", "odd x"),
        ("a @{b} $$@{c}$$", "a @@{b} $@@{c}$"),
        ("one\\ntwo  \\n three", "one\ntwo\nthree"),
        ("$$ $$", ""),
    ],
)
def test_texts_keep_their_dollars_and_marks(source, text):
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("$$-3.50$$", "number", "-3.50"),
        ("$$1,200$$", "number", "1200"),
        ("$$\\frac{7}{\\left(-4\\right)}$$", "fraction", "-7/4"),
        ("$$\\frac{6}{3}$$", "number", "2"),
        ("$$6^9$$", "expression", "6^9"),
        ("$$y=-16$$", "number", "-16"),
        ("$$\\$10.74$$", "number", "10.74"),
        ("$$25\\%$$", "number", "1/4"),
        ("$$9.6\\times{10}^4$$", "expression", "9.6\\times{10}^4"),
        ("$$-3+2\\sqrt{6}$$", "expression", "-3+2\\sqrt{6}"),
        ("$$\\frac{-1}{3}\\pm \\frac{\\sqrt{13}}{3}$$", "set", None),
        ("$$\\begin{bmatrix} 4 & -3 & 11 \\\\ 3 & 2 & 4 \\end{bmatrix}$$", "matrix", None),
        ("$$y=2.5x$$", "equation", "y=2.5x"),
        ("$$\\left(d+5\\right)^2=16$$", "equation", None),
        ("$$|p|$$", "expression", "|p|"),
        ("16n4c", "text", "16n4c"),
        ("-3\\sin\\left(x\\right)\\n", "expression", "-3\\sin\\left(x\\right)"),
    ],
)
def test_answers_find_their_kind(key, kind, value):
    step = {"problemType": "TextBox", "answerType": "arithmetic"}
    answer = answer_of(step, [key]).fields["answer"]
    assert (answer["kind"], answer["value"]) == (kind, value or answer["value"])


@pytest.mark.parametrize(
    ("key", "words", "kind", "form"),
    [
        ("x=-3, x=2", "Solve for x", "set", None),
        ("-2,4", "put them in ascending order", "set", None),
        ("42,136", "How many students, how many adults?", "text", None),
        ("12y**3/7", "Simplify", "expression", "collected"),
        ("(x-4)/(x+3)", "Multiply", "expression", None),
        ("(-2,5)", "Find the vertex", "text", None),
        ("DNE", "Solve", "text", None),
        ("$$4.83\\times{10}^4$$", "Write it in scientific notation.", "number", "scientific"),
        ("$$(x+5)^2$$", "Factor $x^2+10x+25$.", "expression", "factored"),
        ("$$x^2+7x+10$$", "Multiply the binomials.", "expression", "expanded"),
        (
            "$$\\frac{\\sqrt{2}}{2}$$",
            "Rationalize the denominator.",
            "expression",
            "rational-denominator",
        ),
        ("$$h=\\frac{2A}{b}$$", "Solve for h.", "equation", "solved-for(h)"),
    ],
)
def test_words_and_keys_find_kind_and_form(key, words, kind, form):
    step = {"problemType": "TextBox", "answerType": "arithmetic" if "$$" in key else "string"}
    answer = answer_of(step, [key], Asked(words)).fields["answer"]
    assert (answer["kind"], answer.get("form")) == (kind, form)


def test_a_hint_that_states_the_key_is_known():
    step = {"problemType": "TextBox", "answerType": "arithmetic"}
    assert holds_key("so $x = -16$", answer_of(step, ["$$-16$$"]))
    assert not holds_key("so $x - 16$", answer_of(step, ["$$-16$$"]))
    assert holds_key("it is $(x+1) (x-1)$.", answer_of(step, ["$$(x+1)(x-1)$$"]))


def test_an_import_never_overwrites_without_force(tmp_path):
    done = made()
    assert folder_written(tmp_path / "c", done.head(), done.files(), force=False) == 4
    with pytest.raises(Occupied, match="--force"):
        folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    (tmp_path / "c" / "items" / "stale.yaml").write_text("[]", encoding="utf-8")
    (tmp_path / "c" / "notes.txt").write_text("mine", encoding="utf-8")
    folder_written(tmp_path / "c", done.head(), done.files(), force=True)
    assert not (tmp_path / "c" / "items" / "stale.yaml").exists()
    assert (tmp_path / "c" / "notes.txt").exists()


def test_what_is_written_is_read_back_and_builds(tmp_path):
    done = made()
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    found = checked(tmp_path / "c")
    assert found.report.errors == 0
    assert {each.code for each in found.report.all} >= {"C303", "C401"}
    made_file = built(found, tmp_path / "c.json")
    course = course_from(made_file.path.read_bytes())
    assert {item.id: item.prompt for item in course.items} == {
        name: item["prompt"] for name, item in items().items()
    }


def test_hostile_lines_are_counted_not_raised():
    lines = [b"[]", b'{"id": 1, "steps": [3]}', b'{"id": 1, "steps": 5}', b"{" * 3000, b"\xff"]
    done = imported(b"\n".join(lines))
    assert done.count == 0
    assert set(done.skipped.counts) <= {"not-json", "no-licence"}
    assert sum(done.skipped.counts.values()) == 5


needs_sample = pytest.mark.skipif(
    not SAMPLE.is_dir(), reason="sample not present: ../shared/oatutor"
)


@pytest.mark.slow
@pytest.mark.timeout(600)  # long on a busy machine alone
@needs_sample
def test_elementary_algebra_end_to_end(tmp_path):
    source = SAMPLE / "elementary-algebra.jsonl"
    text = source.read_bytes()
    done = imported(text)
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    found = checked(tmp_path / "c")
    made_file = built(found, tmp_path / "c.json")

    report = report_of(done, source, text)
    assert (report["problems"], report["steps"]) == (1864, 2294)
    assert report["usable_share"] >= 0.98
    assert {reason: entry["count"] for reason, entry in report["not_imported"].items()} == {
        "figure": 4,
    }
    assert {"matrix", "set", "equation", "expression"} <= report["kinds"].keys()
    assert report["steps_imported"] == 2290
    assert report["changed"]["kept-as-text"]["count"] < 30
    assert report["changed"]["no-hints"]["count"] == 7
    assert report["changed"]["repeated-choices"]["count"] == 4
    assert report["changed"]["dangling-dependency"]["count"] == 2

    codes = Counter(each.code for each in found.report.all)
    assert codes["C303"] == 4
    assert codes["C601"] == 1  # a formula of the source that cannot be drawn
    assert codes["C401"] >= 7
    assert found.report.errors == 0
    course = course_from(made_file.path.read_bytes())
    assert syllabus(course).item_skills.shape == (report["items"], 4)
    assert len(course.skills) == 185  # one is on a skipped step only, two differ in spacing only
    for item in course.items:
        drawn = instance(item, course.sha256, 0)
        assert graded(drawn, key_spelled(drawn)).verdict == "correct", item.id
        assert item.source is not None
        assert item.source.license == "CC-BY-4.0"


@needs_sample
def test_the_swedish_sample_end_to_end(tmp_path):
    source = SAMPLE / "matematik-4-sv.jsonl"
    done = imported(source.read_bytes(), locale="sv")
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    found = checked(tmp_path / "c")
    assert found.report.errors == 0
    assert found.course is not None
    assert found.course.locale == "sv"
    assert len(found.course.items) == done.count == 42
    assert done.skipped.counts == {"figure": 5}
