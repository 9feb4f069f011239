"""Every check code has a fault that is found with its code, file and line; the rest stays quiet."""

import json
import re
import shutil
from pathlib import Path

import pytest

from engines.exercises.course import BadCourse
from server.authoring.building import built
from server.authoring.checking import CODES, checked
from server.authoring.findings import Report

FAULTY = Path(__file__).parent / "faulty"
SHIPPED = Path(__file__).parents[3] / "server" / "courses" / "linear-equations"

HEAD = """\
course: small
version: 1.0.0
title: Small
license: CC0-1.0
attribution: [The test suite]
skills:
  - {id: s, title: S}
items:
"""

ITEM = """\
  - id: one
    skills: [s]
    params: {a: {int: [1, 60]}}
    prompt: "Twice $@{a}$?"
    answer: {kind: number, value: 2*a}
    hints:
      - {level: nudge, say: "Double it."}
      - {level: bottom-out, say: "$@{2*a}$"}
"""


def planted() -> set[tuple[str, int, str]]:
    found = set()
    for path in sorted(path for path in FAULTY.rglob("*") if path.is_file()):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for code in re.findall(r"fault: (C\d+)", line):
                found.add((path.relative_to(FAULTY).as_posix(), number, code))
    return found


@pytest.fixture(scope="module")
def faulty() -> Report:
    """The findings of the folder of faults; to check it takes a second."""
    return checked(FAULTY).report


def written(folder: Path, text: str, **files: str) -> Path:
    (folder / "items").mkdir(parents=True)
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        (folder / "items" / f"{name}.yaml").write_text(content, encoding="utf-8")
    return folder


def test_every_planted_fault_is_found_where_it_stands_and_nothing_else(faulty):
    found = {(each.file, each.line, each.code) for each in faulty.all}
    assert found == planted()
    assert len(found) >= 40


def test_the_faults_cover_every_code_but_the_one_between_versions():
    assert {code for *_, code in planted()} == CODES.keys() - {"C104"}


def test_severities_are_those_of_the_table(faulty):
    for finding in faulty.all:
        assert (finding.code, finding.severity) == (finding.code, CODES[finding.code][0])


def test_strict_turns_every_warning_into_an_error():
    report = checked(FAULTY, strict=True).report
    assert report.warnings == 0
    assert report.errors == len(report.all) >= len(planted())


def test_the_imported_profile_softens_teaching_but_not_answers():
    found = {each.code: each.severity for each in checked(FAULTY, profile="imported").report.all}
    assert found["C403"] == found["C401"] == found["C303"] == "W"
    assert found["C301"] == found["C201"] == found["C101"] == "E"
    assert "C212" not in found


def test_a_finding_reads_as_file_line_column_code_message_fix(faulty):
    text = faulty.text()
    wanted = "items/a-form.yaml:3:3: C102 unknown key 'promt' (did you mean prompt?)"
    assert wanted in text.splitlines()


def test_the_report_as_json_holds_the_same_findings(faulty):
    told = json.loads(faulty.json())
    assert told["errors"] == faulty.errors
    assert {each["code"] for each in told["findings"]} == {each.code for each in faulty.all}


def test_at_most_two_hundred_findings_are_listed(tmp_path):
    many = "\n".join(f"- {{id: i{n}, wrong: 1}}" for n in range(150))
    report = checked(written(tmp_path / "c", HEAD + ITEM, many=many)).report
    assert report.errors == 600
    lines = report.text().splitlines()
    assert len(lines) == 202
    assert lines[-2:] == ["... and 401 more, not listed", "600 errors, 1 warnings"]


def test_the_shipped_course_is_clean_under_strict():
    found = checked(SHIPPED, strict=True)
    assert found.report.text() == "0 errors, 0 warnings"
    assert found.sources.covers == {"ar": {"frac.equivalent"}}
    assert found.course is not None
    items = found.course.items
    assert len(items) >= 40
    kinds = {item.answer.kind for item in items}
    assert kinds >= {"number", "fraction", "choice", "text", "expression", "equation"}
    assert kinds >= {"order", "match", "parts"}
    widgets = {type(i.widget).__struct_config__.tag for i in items if i.widget is not None}
    assert widgets == {"number-line", "slider-plot", "order", "match", "parsons", "poll"}
    assert sum(item.variants is not None for item in items) >= 12
    for item in items:
        assert len(item.hints) >= 3
        assert item.hints[-1].level == "bottom-out"
        assert item.misconceptions or item.parts
        assert all(each.say for each in item.misconceptions)
        assert item.steps
        assert all(step.why for step in item.steps)
        answers = [part.answer for part in item.parts] or [item.answer]
        assert all(answer.examples["right"] for answer in answers)
        assert sum(len(answer.examples["wrong"]) for answer in answers) >= 2


def test_an_id_that_is_gone_is_told_against_an_earlier_version(tmp_path):
    before = written(tmp_path / "before", HEAD + ITEM + ITEM.replace("id: one", "id: two"))
    old = tmp_path / "old.json"
    built(checked(before), old)
    after = written(tmp_path / "after", HEAD + ITEM)
    codes = [each.code for each in checked(after, since=old).report.all]
    assert sorted(codes) == ["C104", "C504"]
    old.write_bytes(old.read_bytes()[:-20])
    with pytest.raises(BadCourse, match=r"old\.json"):
        checked(after, since=old)


@pytest.mark.parametrize(
    "text",
    [
        "- id: one\n  skills: [s]\n  prompt: @{a}\n",
        "- id: one\n\tskills: [s]\n",
        "- id: one\n  skills: [s\n",
        "- id: one\n  skill: [s]\n",
        "itms:\n  - id: one\n    skills: [s]\n",
        "- id: one\n  skills: s\n",
    ],
)
def test_what_cannot_be_read_brings_no_findings_that_follow_from_its_absence(tmp_path, text):
    head = HEAD.replace("items:\n", "  - {id: s.other, title: Other}\nitems:\n")
    report = checked(written(tmp_path / "c", head, broken=text)).report
    assert {(each.file, each.code) for each in report.all if each.severity == "E"} <= {
        ("items/broken.yaml", "C101"),
        ("items/broken.yaml", "C102"),
    }
    assert report.errors
    lacking = [each.message for each in report.all if each.code in {"C503", "C504"}]
    assert len(lacking) == 1, "the other skill stands nowhere in the file: it lacks items for sure"
    assert "s.other" in lacking[0]


def test_an_item_that_cannot_be_read_is_not_told_as_gone(tmp_path):
    two = ITEM.replace("id: one", "id: two")
    before = written(tmp_path / "before", HEAD + ITEM, more="items:\n" + two)
    old = tmp_path / "old.json"
    built(checked(before), old)
    after = written(tmp_path / "after", HEAD + ITEM, more="items:\n" + two.replace('"Twice', "@"))
    assert [each.code for each in checked(after, since=old).report.all] == ["C101"]


@pytest.mark.parametrize(("name", "code"), [("linked.yaml", "C105"), ("more.yml", "C102")])
def test_a_file_left_unopened_may_hold_the_items_that_a_skill_lacks(tmp_path, name, code):
    folder = written(tmp_path / "c", HEAD)
    outside = tmp_path / "outside.yaml"
    outside.write_text(ITEM, encoding="utf-8")
    if name == "linked.yaml":
        (folder / "items" / name).symlink_to(outside)
    else:
        (folder / "items" / name).write_text(ITEM, encoding="utf-8")
    assert [each.code for each in checked(folder).report.all] == [code]


def test_links_are_told_and_not_followed(tmp_path):
    folder = written(tmp_path / "c", HEAD + ITEM)
    outside = tmp_path / "outside.yaml"
    outside.write_text("- {id: stolen}", encoding="utf-8")
    (folder / "items" / "linked.yaml").symlink_to(outside)
    report = checked(folder).report
    assert ("items/linked.yaml", "C105") in {(each.file, each.code) for each in report.all}
    assert "stolen" not in report.text()


def test_stray_files_and_overlays_are_told(tmp_path):
    folder = written(tmp_path / "c", HEAD + ITEM)
    (folder / "items" / "more.yml").write_text("[]", encoding="utf-8")
    (folder / "locales").mkdir()
    (folder / "locales" / "ar.yaml").write_text("title: [x]", encoding="utf-8")
    (folder / "locales" / "notes.txt").write_text("", encoding="utf-8")
    files = [each.file for each in checked(folder).report.all if each.code == "C102"]
    assert files == ["items/more.yml", "locales/ar.yaml", "locales/notes.txt"]


def test_a_folder_without_a_course_is_wrong_usage(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no course\.yaml"):
        checked(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: number", "kind: code", "'code' is not read by this version"),
        ("kind: number", "kind: numer", "did you mean number?"),
        ("value: 2*a", "value: [2*a, 3*a]", "kind number takes one value"),
        ("skills: [s]", "skills: []", "0 entries, expected 1 to 4"),
        ("skills: [s]", "skills: [s]\n    socratic: {goals: [g]}", "the course has no goal 'g'"),
        ("skills: [s]", "skills: [s]\n    variants: {rul: x}", "did you mean rule?"),
        ("skills: [s]", "skills: [s]\n    media: [{file: ../x.png}]", "a file's name below media/"),
        ("value: 2*a", "value: 2*a, unit: {wants: m}", "did you mean want?"),
        ("value: 2*a", "value: 2*a, form: {all: [integer, nice]}", "a form as lowest-terms"),
        ("id: one", "id: One", "expected an id"),
        ('say: "Double it."', "say: 3", "expected a text"),
        ("nudge, say", "nudge, ask", "both ask and answer"),
        ("int: [1, 60]", "int: [1]", "1 entries, expected 2 to 2"),
        ("int: [1, 60]", "int: [1, 60], expr: a", "exactly one of"),
        ("kind: number", "kind: choice", "kind choice needs choices"),
    ],
)
def test_faults_of_form_name_what_was_expected(tmp_path, old, new, words):
    text = HEAD + ITEM.replace(old, new)
    report = checked(written(tmp_path / "c", text)).report
    told = [each.message + each.fix for each in report.all if each.code == "C102"]
    assert any(words in each for each in told), told


def test_a_ladder_of_a_bottom_out_alone_is_not_told_to_end_with_one(tmp_path):
    text = HEAD + re.sub(r" *- {level: nudge.*\n", "", ITEM)
    report = checked(written(tmp_path / "c", text)).report
    fixes = [each.fix for each in report.all if each.code == "C401"]
    assert fixes == ["put a nudge before the bottom-out"]


def test_items_with_faults_do_not_hide_those_of_others(tmp_path):
    broken = ITEM.replace("prompt:", "promt:").replace("id: one", "id: zero")
    wrong = ITEM.replace("id: one", "id: two").replace("2*a}", "2*b}", 1)
    report = checked(written(tmp_path / "c", HEAD + broken + ITEM + wrong)).report
    assert {each.code for each in report.all if each.severity == "E"} == {"C102", "C201"}


def test_a_copied_folder_gives_the_same_findings(tmp_path, faulty):
    shutil.copytree(FAULTY, tmp_path / "elsewhere")
    assert checked(tmp_path / "elsewhere").report.all == faulty.all
