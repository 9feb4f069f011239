"""Each importer on a small file of its own: the golden report, and items as they are meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.widget_words import MatchPairs, OrderTokens
from server.transfer.draft import UNSTATED
from tests.server.transfer.ways import HERE, Came, imported, packed

SOURCES = {"csv": "table.csv", "gift": "questions.gift", "moodle": "bank.xml", "qti": "qti"}


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Came]:
    """Every fixture, imported once."""
    out = tmp_path_factory.mktemp("came")
    done: dict[str, Came] = {}
    for form, name in SOURCES.items():
        path = HERE / name
        if path.is_dir():
            path = packed(path, out / "fractions.zip")
        done[form] = imported(form, path, out / form, locale="de" if form == "csv" else "en")
    return done


@pytest.mark.parametrize("form", SOURCES)
def test_the_report_is_the_golden_one(came, form):
    report = dict(came[form].report)
    golden = json.loads((HERE / f"{form}-report.json").read_text(encoding="utf-8"))
    if form == "qti":  # how small a zip gets is its library's business
        report["sha256"] = ""
    assert report == golden
    beside = json.loads((came[form].folder / "import-report.json").read_text(encoding="utf-8"))
    assert beside == came[form].report


@pytest.mark.parametrize("form", SOURCES)
def test_no_question_is_dropped_silently(came, form):
    report = came[form].report
    left_out = sum(entry["count"] for entry in report["not_imported"].values())
    assert report["questions"] == report["items"] + left_out
    assert report["items"] == len(came[form].items)
    for item in came[form].items.values():
        assert item.source is not None
        assert item.source.original_id
        assert item.hints[-1].level == "bottom-out"


def test_a_licence_is_stated_or_unstated_never_made_up(came, tmp_path):
    assert came["qti"].course.license == "CC-BY-4.0"
    assert came["csv"].course.license == "CC-BY-4.0"
    assert came["gift"].course.license == UNSTATED
    named = imported("gift", HERE / "questions.gift", tmp_path / "g", rights="CC0-1.0")
    assert named.course.license == "CC0-1.0"
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("prompt,value,license\n1?,1,CC0-1.0\n2?,2,\n", encoding="utf-8")
    assert imported("csv", mixed, tmp_path / "m").course.license == f"CC0-1.0 AND {UNSTATED}"


def test_a_row_becomes_an_item(came):
    item = came["csv"].items["q1"]
    assert item.prompt == "Was ist $2 + 3$? Kostet 5 \\$, @@{x}."
    assert item.difficulty == -0.5
    assert item.tags == ("leicht", "früh")
    assert [hint.level for hint in item.hints] == ["nudge", "bottom-out"]
    assert item.hints[1].say == "Die Antwort ist 5."
    assert came["csv"].verdict("q1", "x = 5") == "correct"
    assert came["csv"].said("q1", "6") == "Zu viel gezählt."
    assert came["csv"].items["q2"].options[2].text == "drei | vier"
    assert came["csv"].items["q2"].skills == ("plus", "rest")


@pytest.mark.parametrize(
    ("name", "response", "verdict"),
    [
        ("q2", "b", "correct"),
        ("q3", "0.505", "correct"),
        ("q3", "0.52", "incorrect"),
        ("q4", "201", "correct"),
        ("q4", "203", "incorrect"),
        ("q4", "20000%", "wrong_form"),
        ("q7", ["a", "c"], "correct"),
        ("q7", ["a"], "incorrect"),
        ("q8", "berlin", "correct"),
        ("q9", "3/4", "correct"),
        ("q9", "6/8", "wrong_form"),
        ("q10", "2*(x + 3)", "correct"),
        ("q10", "6 + 2x", "correct"),
        ("q10", "2x + 3", "incorrect"),
        ("row-13", "1.05", "correct"),
    ],
)
def test_a_table_says_how_it_is_judged(came, name, response, verdict):
    assert came["csv"].verdict(name, response) == verdict


def test_gift_is_read_as_moodle_reads_it(came):
    gift = came["gift"]
    half = gift.items["frac-half"]
    assert half.title == "Half"
    assert half.skills == ("fractions",)
    assert half.tags == ("easy", "halves ] and more")
    assert half.prompt == "What is half of $\\frac{1}{2}$?"
    assert half.hints[-1].say == (
        "Halving is dividing by 2, so it is $\\frac{1}{4}$.\n\nYes: a half of a half."
    )
    assert gift.said("frac-half", "d") == "Half of something is not nothing."
    assert gift.items["true-or-not"].prompt == "1 + 1 = 2"
    assert gift.items["line-19"].prompt == "Two plus _____ equals four."
    assert gift.items["pick-all"].prompt == "Which are **even**?\nTake all of them."
    assert gift.items["exact"].prompt == "What is 5 * 7, or 7∗5∗1?"
    assert gift.items["costs"].prompt == "It costs \\$5, **not** @@{x}. How much for two?"


@pytest.mark.parametrize(
    ("name", "response", "verdict"),
    [
        ("frac-half", "a", "correct"),
        ("frac-half", "c", "incorrect"),
        ("true-or-not", "true", "correct"),
        ("true-or-not-2", "a", "incorrect"),
        ("line-19", "2", "correct"),
        ("line-19", "deux", "incorrect"),
        ("pick-all", ["a", "b"], "correct"),
        ("pick-all", ["a"], "partial"),
        ("pi", "3.144", "correct"),
        ("pi", "3.15", "incorrect"),
        ("range", "5", "correct"),
        ("range", "5.1", "incorrect"),
        ("exact", "35.0", "correct"),
        ("exact", "35.1", "incorrect"),
    ],
)
def test_gift_is_judged_as_it_says(came, name, response, verdict):
    assert came["gift"].verdict(name, response) == verdict


def test_several_left_entries_may_share_a_right_one(came):
    for form, name in (("gift", "animals"), ("moodle", "fractions-and-decimals"), ("qti", "match")):
        item = came[form].items[name]
        assert isinstance(item.widget, MatchPairs)
        assert len(item.widget.right) == 3
        assert dict(item.answer.value) == {
            "gift": {"l1": "r1", "l2": "r2", "l3": "r2"},
        }.get(form, {"l1": "r1", "l2": "r2", "l3": "r1"})


def test_moodle_brings_texts_hints_and_feedback(came):
    item = came["moodle"].items["cmp-1"]
    assert item.prompt == "Which is **larger**, $\\frac{1}{2}$ or $\\frac{1}{3}$?"
    assert [hint.say for hint in item.hints[:2]] == [
        "Cut one cake in two, one in three.",
        "Compare one piece of each.",
    ]
    assert item.hints[2].say.startswith("Halves are larger than thirds")
    assert item.tags == ("fractions", "size of parts")
    assert came["moodle"].said("cmp-1", "b") == "More parts, so each is *smaller*."
    decimal = came["moodle"].items["as-a-decimal"]
    assert decimal.prompt == "Write ¾ as a decimal, 3×¼. It costs \\$5 < \\$6."
    order = came["moodle"].items["by-size"].widget
    assert isinstance(order, OrderTokens)
    assert ([each.text for each in order.tokens], order.across) == (["1/4", "1/3", "1/2"], True)


def test_wildcards_become_params(came):
    area = came["moodle"].items["area"]
    assert set(area.params) == {"a", "b", "step"}
    assert area.prompt.startswith("A field is @{a:d1} m by @{b} m. With a path of @{step} m")
    assert area.answer.value == "(a+step)*b"
    assert area.misconceptions[0].when == "a+step+b"


def test_pictures_in_the_file_are_carried(came):
    for form, name, ending in (("moodle", "count-the-dots", "png"), ("qti", "dots", "svg")):
        item = came[form].items[name]
        assert len(item.media) == 1
        assert item.media[0].alt in {"A dot", "One dot"}
        assert len(list((came[form].folder / "media").glob(f"*.{ending}"))) == 1


def test_qti_brings_passages_formulas_and_sections(came):
    items = came["qti"].items
    assert items["number"].prompt == (
        "A cake is cut in four. Three pieces are eaten.\n\nHow much is left?"
    )
    assert items["choice"].prompt == "Look at $\\frac{6}{8}$.\n\nWhich has the *same* value?"
    assert (
        items["inline"].prompt == "The number above the bar is the _____; the other one is below."
    )
    assert items["order"].skills == ("arranging",)
    assert items["choice"].skills == ("equal-fractions",)
    assert items["typed"].skills == ("fractions",)
    assert came["qti"].verdict("multi", ["a"]) == "partial"
    assert came["qti"].verdict("typed", "TOP") == "correct"
    assert came["qti"].verdict("typed", "number") == "incorrect"
    assert came["qti"].verdict("number", "1/4") == "correct"


def test_one_item_of_qti_is_a_course_too(tmp_path):
    one = imported("qti", HERE / "qti" / "items" / "order.xml", tmp_path / "o")
    assert list(one.items) == ["order"]
    assert one.course.title == "By size"


def test_nothing_through_writes_nothing(tmp_path):
    source = tmp_path / "empty.gift"
    source.write_text("Only words.\n", encoding="utf-8")
    from server.transfer.gift_in import imported as read

    report = read(source).written(tmp_path / "c", force=False)
    assert (report["items"], report["usable_share"]) == (0, 0.0)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("form", "name", "content", "told"),
    [
        ("csv", "a.csv", b"prompt,kind\n1?,number\n", "no column 'value'"),
        ("csv", "a.csv", b"", "no column 'prompt'"),
        ("csv", "a.csv", b'prompt,value\n"open,1\n', "mend the quotes"),
        ("csv", "a.csv", b"prompt,value,value\n1,2,3\n", "stands twice"),
        ("csv", "a.csv", b"prompt,value\n\xff\xff,1\n", "save it as UTF-8"),
        ("gift", "a.gift", b"\xe4{T}", "save it as UTF-8"),
        ("moodle", "a.xml", b"<quiz><question></quiz>", "line 1: not well-formed"),
        ("moodle", "a.xml", b"<html/>", "expected a <quiz>"),
        ("qti", "a.xml", b"<manifest/>", "expected a <qti-assessment-item>"),
        ("qti", "a.xml", b"no xml", "not well-formed"),
        ("qti", "a.zip", b"PK\x03\x04 broken", "not a zip archive"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(tmp_path, form, name, content, told):
    import importlib

    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(ValueError, match=told) as raised:
        importlib.import_module(f"server.transfer.{form}_in").imported(source)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_name_that_stands_often_is_numbered(tmp_path):
    source = tmp_path / "same.gift"
    source.write_text("::N:: 1?{#1}\n\n" * 3 + "Path", encoding="utf-8")
    made = imported("gift", Path(source), tmp_path / "c")
    assert list(made.items) == ["n", "n-2", "n-3"]
