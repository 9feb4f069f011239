"""What goes out comes back judged alike; a course comes back as YAML with its version hash."""

from __future__ import annotations

import importlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from engines.exercises.arranged import arranged_response, key_order, key_pairs
from engines.exercises.grading import graded, key_spelled
from engines.exercises.template import instance, rendered
from engines.words import Course, Instance
from server.authoring.building import built
from server.authoring.checking import checked
from server.authoring.findings import Report
from server.authoring.folder import read
from server.transfer.opening import course_at
from server.transfer.questions import spelled
from server.transfer.yaml_out import Unlike, folder_exported
from tests.server.transfer.ways import EVERY_KIND, Came, imported

SEEDS = 2
SHIPPED = Path(__file__).parents[3] / "server" / "courses" / "linear-equations.json"
NOT_HELD = {
    "csv": {"parts": ["two-parts"], "unit": ["speed"], "widget": ["slide"]},
    "moodle": {"parts": ["two-parts"], "unit": ["speed"], "widget": ["slide"]},
    "qti": {
        "parts": ["two-parts"],
        "tolerance": ["about-pi", "percent-off"],
        "unit": ["speed"],
        "widget": ["slide"],
    },
}
NAMES = {"csv": "table.csv", "moodle": "bank.xml", "qti": "package.zip"}


def out(form: str, course: Course, path: Path) -> dict[str, Any]:
    """Write a course for another system; the report."""
    module = importlib.import_module(f"server.transfer.{form}_out")
    data, outcome = module.exported(course, seeds=SEEDS)
    path.write_bytes(data)
    report: dict[str, Any] = outcome.report(form, course)
    return report


@pytest.fixture(scope="module", params=sorted(NAMES))
def there_and_back(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The course of every kind, out to a format and in again: the format, reports, both courses."""
    form = str(request.param)
    folder = tmp_path_factory.mktemp(form)
    course = course_at(EVERY_KIND).course
    report = out(form, course, folder / NAMES[form])
    return form, report, course, imported(form, folder / NAMES[form], folder / "back")


def test_what_cannot_be_held_is_told(there_and_back):
    form, report, course, back = there_and_back
    left_out = {key: entry["first"] for key, entry in report["not_exported"].items()}
    assert left_out == NOT_HELD[form]
    assert report["items_written"] + sum(map(len, left_out.values())) == len(course.items)
    assert report["questions"] == len(back.items) == back.report["questions"]
    assert "numbers" in report["lost"]
    assert report["lost"]["steps"]["first"] == ["sum"]
    assert ("hints" in report["lost"]) == (form == "qti")


def typed(form: str, made: Instance) -> list[str]:
    """Answers that a learner may type: the right one, known wrong ones, examples, and others."""
    key = key_spelled(made)
    said = [key] if isinstance(key, str) else []
    said += [spelled(v) if isinstance(v, Fraction) else v for _, v in made.wrong]
    said += list(made.accept)
    for listed in made.item.answer.examples.values():
        said += [rendered(each, made.values) for each in listed]
    if isinstance(made.key, Fraction):
        off = (Fraction(0), Fraction(1, 200), Fraction(1, 10), Fraction(2), Fraction(5), made.key)
        said += [
            f"{d.numerator}/{d.denominator}" for x in off for d in (made.key + x, made.key - x)
        ]
        said += [f"{2 * made.key.numerator}/{2 * made.key.denominator}", f"{spelled(made.key)}%"]
    return [*said, "", "0", "numerater", "x + 1", "1/", "[2, 5]", "{2, -2}", "NUMERATOR", "2x + 6"]


def chosen(made: Instance, texts: list[str]) -> list[str]:
    """The ids of options by their texts."""
    return [next(c.id for c in made.choices if c.text == text) for text in texts]


def test_the_same_answers_get_the_same_verdicts(there_and_back):
    form, _, course, back = there_and_back
    asked = 0
    for item in course.items:
        for seed in range(SEEDS if item.params else 1):
            name = f"{item.id}.s{seed}" if item.params else item.id
            if name not in back.items:
                continue
            before = instance(item, course.sha256, seed)
            after = instance(back.items[name], "", 0)
            for one, other in answers(form, before, after):
                asked += 1
                then, now = graded(before, one), graded(after, other)
                assert (then.verdict, then.note) == (now.verdict, now.note), (name, one, other)
    assert asked > 200


def answers(form: str, before: Instance, after: Instance) -> list[tuple[object, object]]:
    """Pairs of one answer, as it is given before and after."""
    kind = before.item.answer.kind
    assert after.item.answer.kind == kind
    if kind in {"choice", "multi"}:
        texts = [choice.text for choice in before.choices]
        subsets = [[text] for text in texts] + [texts[:2], texts[1:], texts[::2], texts]
        given = [(chosen(before, each), chosen(after, each)) for each in subsets]
        return [(a[0], b[0]) if kind == "choice" else (a, b) for a, b in given]
    if kind == "order":
        right = [name for name, _ in key_order(before)]
        then = [right, right[::-1], right[1:] + right[:1]]
        mine = dict(zip(right, [name for name, _ in key_order(after)], strict=True))
        return [
            (
                arranged_response(before, ", ".join(each)),
                arranged_response(after, ", ".join(mine[name] for name in each)),
            )
            for each in then
        ]
    if kind == "match":
        return matches(before, after)
    return [(text, text) for text in typed(form, before)]


def matches(before: Instance, after: Instance) -> list[tuple[object, object]]:
    pairs, mine = key_pairs(before), key_pairs(after)
    left = dict(zip(pairs, mine, strict=True))
    right = {pairs[name]: mine[left[name]] for name in pairs}
    wrong = {name: next(r for r in right if r != pairs[name]) for name in list(pairs)[:1]}
    given = [pairs, {**pairs, **wrong}]
    return [
        (
            arranged_response(before, ", ".join(f"{a}: {b}" for a, b in each.items())),
            arranged_response(after, ", ".join(f"{left[a]}: {right[b]}" for a, b in each.items())),
        )
        for each in given
    ]


def test_what_is_said_comes_back_where_there_is_a_place(there_and_back):
    form, _, _, back = there_and_back
    item = back.items["larger.s0"]
    if form == "qti":
        assert not item.misconceptions
        return
    assert [each.say for each in item.misconceptions] == ["That one is smaller -> count up."]
    summed = back.items["sum.s0"]
    assert summed.hints[0].say == "Begin at the larger number."
    assert summed.hints[-1].level == "bottom-out"
    assert summed.tags == ("mental", "1st | round")


def test_texts_come_back_as_they_were(there_and_back):
    _, _, course, back = there_and_back
    for item in course.items:
        name = f"{item.id}.s0" if item.params else item.id
        if name in back.items:
            assert back.items[name].prompt == instance(item, course.sha256, 0).prompt


def test_a_course_goes_out_the_same_twice(there_and_back, tmp_path):
    form, _, course, _ = there_and_back
    for name in ("one", "two"):
        out(form, course, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def came_back(source: Path, tmp_path: Path) -> str:
    """The version of a course that was written out as YAML and read again."""
    opened = course_at(source)
    folder_exported(opened, tmp_path / "yaml", force=False)
    again = course_at(tmp_path / "yaml")
    assert again.document == opened.document
    return again.sha256


@pytest.mark.parametrize("source", [EVERY_KIND, SHIPPED])  # a folder, and a compiled file
def test_yaml_keeps_the_version(source, tmp_path):
    assert came_back(source, tmp_path) == course_at(source).sha256


def test_yaml_keeps_the_version_of_an_import_and_its_profile(tmp_path):
    made = imported("moodle", Path(__file__).parent / "bank.xml", tmp_path / "in")
    assert came_back(made.folder, tmp_path / "a") == made.course.sha256
    assert read(tmp_path / "a" / "yaml", Report()).profile == "imported"


def test_a_compiled_course_without_its_pictures_is_told(tmp_path):
    made = imported("moodle", Path(__file__).parent / "bank.xml", tmp_path / "in")
    path = built(checked(made.folder), tmp_path / "c.json").path
    with pytest.raises(Unlike, match="pictures"):
        folder_exported(course_at(path), tmp_path / "yaml", force=False)
    assert not (tmp_path / "yaml").exists()


def test_another_locale_goes_out_in_its_own_words(tmp_path):
    from server.transfer.csv_out import exported

    course = course_at(EVERY_KIND, locale="sv").course
    text = exported(course, seeds=1)[0].decode()
    assert "Vad är $" in text
    assert '"3,14"' in text
    path = tmp_path / "sv.csv"
    path.write_text(text, encoding="utf-8")
    back: Came = imported("csv", path, tmp_path / "sv", locale="sv")
    assert back.verdict("about-pi", "3.14") == "correct"
    assert back.items["sum.s0"].difficulty == -0.75
