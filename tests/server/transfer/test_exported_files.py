"""What is written for other systems follows their rules: structure, references, vocabulary."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

import pytest

from engines.words import Course
from server.transfer.csv_in import COLUMNS
from server.transfer.drawn import Outcome, drawn
from server.transfer.opening import course_at
from server.transfer.trees import Tree, tree_of
from tests.server.transfer.ways import EVERY_KIND

ASI = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
CHOICES = {"qti-simple-choice", "qti-simple-associable-choice"}
XHTML = {"p", "br", "ul", "ol", "li", "strong", "em", "code"}
INTERACTIONS = {
    "qti-choice-interaction": ("identifier", {"single", "multiple"}),
    "qti-order-interaction": ("identifier", {"ordered"}),
    "qti-match-interaction": ("directedPair", {"multiple"}),
    "qti-text-entry-interaction": (None, {"single"}),
}
"""Base type and cardinalities of the response that each interaction binds (QTI 3.0 ASI, 3.2)."""
IN_ORDER = (
    "qti-response-declaration",
    "qti-outcome-declaration",
    "qti-item-body",
    "qti-response-processing",
)


@pytest.fixture(scope="module")
def course() -> Course:
    return course_at(EVERY_KIND).course


@pytest.fixture(scope="module")
def package(course: Course) -> dict[str, Tree]:
    """The files of the package, parsed."""
    from server.transfer.qti_out import exported

    data, _ = exported(course, seeds=2)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: tree_of(archive.read(name)) for name in archive.namelist()}


@pytest.fixture(scope="module")
def items(package: dict[str, Tree]) -> dict[str, Tree]:
    return {name: tree for name, tree in package.items() if name.startswith("items/")}


def below(tree: Tree) -> Iterator[Tree]:
    for each in tree.children:
        yield each
        yield from below(each)


def test_the_manifest_names_every_file_once(package):
    manifest = package["imsmanifest.xml"]
    assert manifest.space == "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
    assert [each.name for each in manifest.children] == ["metadata", "organizations", "resources"]
    resources = manifest.deep("resource")
    hrefs = [each.attributes["href"] for each in resources]
    assert sorted(hrefs) == sorted(name for name in package if name != "imsmanifest.xml")
    assert len({each.attributes["identifier"] for each in resources}) == len(resources)
    for each in resources:
        assert [file.attributes["href"] for file in each.all("file")] == [each.attributes["href"]]
        kind = "test" if each.attributes["href"] == "test.xml" else "item"
        assert each.attributes["type"] == f"imsqti_{kind}_xmlv3p0"
    assert "CC-BY-4.0" in manifest.deep("rights")[0].text


def test_the_test_lists_every_item_by_skill(package, items, course):
    test = package["test.xml"]
    listed = [each.attributes["href"] for each in test.deep("qti-assessment-item-ref")]
    assert listed == list(items)
    sections = test.deep("qti-assessment-section")
    assert [each.attributes["title"] for each in sections] == [s.title for s in course.skills]


def test_an_item_has_its_parts_in_the_order_of_the_schema(items):
    for tree in items.values():
        assert (tree.name, tree.space) == ("qti-assessment-item", ASI)
        assert {"identifier", "title", "time-dependent", "adaptive"} <= tree.attributes.keys()
        assert tuple(each.name for each in tree.children) == IN_ORDER
        assert tree.attributes["identifier"][0].isalpha() or tree.attributes["identifier"][0] == "_"


def test_every_response_is_declared_bound_and_answerable(items):
    seen = set()
    for name, tree in items.items():
        (declared,) = tree.all("qti-response-declaration")
        (interaction,) = (each for each in below(tree) if each.name.endswith("-interaction"))
        seen.add(interaction.name)
        assert interaction.attributes["response-identifier"] == declared.attributes["identifier"]
        base, cardinalities = INTERACTIONS[interaction.name]
        assert declared.attributes["cardinality"] in cardinalities, name
        assert base is None or declared.attributes["base-type"] == base
        ids = [each.attributes["identifier"] for each in below(interaction) if each.name in CHOICES]
        assert len(set(ids)) == len(ids)
        values = [each.text for each in declared.deep("qti-value")]
        keys = [each.attributes["map-key"] for each in declared.deep("qti-map-entry")]
        assert values
        for value in [*values, *keys]:
            assert not ids or set(value.split()) <= set(ids), name
    assert seen == INTERACTIONS.keys()


def test_the_standard_templates_find_what_they_need(items):
    for tree in items.values():
        (processing,) = tree.all("qti-response-processing")
        template = processing.attributes["template"].rpartition("/")[2]
        assert template in {"match_correct.xml", "map_response.xml"}
        assert bool(tree.deep("qti-mapping")) == (template == "map_response.xml")
        (score,) = tree.all("qti-outcome-declaration")
        assert score.attributes == {
            "identifier": "SCORE", "cardinality": "single", "base-type": "float",
        }  # fmt: skip


def test_texts_hold_known_elements_only(items):
    for tree in items.values():
        (body,) = tree.all("qti-item-body")
        for each in below(body):
            assert each.name in XHTML or each.name.startswith("qti-")
        assert all(isinstance(each, Tree) or not each.strip() for each in body.inside)


def test_moodle_xml_has_what_moodle_reads(course):
    from server.transfer.moodle_out import exported

    data, outcome = exported(course, seeds=2)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>')
    quiz = tree_of(data)
    asked = [each for each in quiz.all("question") if each.attributes["type"] != "category"]
    assert len(asked) == outcome.questions
    assert {each.attributes["type"] for each in asked} == {
        "multichoice", "numerical", "shortanswer", "ordering", "matching",
    }  # fmt: skip
    for question in asked:
        assert question.text_of("name")
        assert question.text_of("questiontext")
        assert question.attributes["type"] == "matching" or question.all("answer")
        full = [each for each in question.all("answer") if each.attributes["fraction"] == "100"]
        if question.attributes["type"] in {"numerical", "shortanswer"}:
            assert full
        if question.text_of("single") == "true":
            assert len(full) == 1
    paths = [each.text_of("category") for each in quiz.all("question") if each not in asked]
    assert paths[0] == "$course$/top/Every kind/Numbers // and words"
    numbers = [each.text_of("idnumber") for each in asked]
    assert len(set(numbers)) == len(numbers)
    for each in quiz.deep("tag"):
        assert len(each.text_of("text")) <= 50


def test_a_table_has_one_row_a_question(course):
    from server.transfer.csv_out import exported

    data, outcome = exported(course, seeds=2)
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(rows) == outcome.questions
    assert tuple(rows[0]) == COLUMNS
    assert len({row["id"] for row in rows}) == len(rows)


def test_equal_draws_count_once(course):
    outcome = Outcome()
    draws = {one[0].made.item.id: one for one in drawn(course, 20, outcome)}
    assert len(draws["mixed-number"]) == 3  # of three numbers to choose from
    assert len(draws["about-pi"]) == 1
    assert outcome.left_out.counts == {"parts": 1}
