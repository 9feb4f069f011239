"""Widgets and parts as they are written: read, refused with the way to mend, laid over, built."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.exercises.course import course_from
from engines.words import AnswerSpec
from server.authoring.checking import Checked, checked
from server.authoring.schema import json_schema

HEAD = """\
course: w
version: 1.0.0
title: {en: W}
license: CC0-1.0
attribution: ["us"]
skills: [{id: s, title: {en: S}}]
items:
"""
HINTS = """\
    hints:
      - {level: nudge, say: {en: "Look."}}
      - {level: bottom-out, say: {en: "There."}}
"""
ORDER = """\
  - id: o
    skills: [s]
    params: {n: {int: [2, 9]}}
    prompt: {en: "In order."}
    answer: {kind: order, value: [a, b, c], partial: true}
    widget:
      kind: order
      tokens: [{id: a, text: "$@{n}$"}, {id: b, text: "$@{2*n}$"}, {id: c, text: {en: "more"}}]
"""
MATCH = """\
  - id: m
    skills: [s]
    prompt: {en: "Match."}
    answer: {kind: match, value: {a: x, b: y}}
    widget:
      kind: match
      left: [{id: a, text: "A"}, {id: b, text: "B"}]
      right: [{id: x, text: "X"}, {id: y, text: {en: "Y"}}]
"""
PARSONS = """\
  - id: p
    skills: [s]
    prompt: {en: "Write it."}
    answer: {kind: order, value: [a, b:1]}
    widget:
      kind: parsons
      lines: [{id: a, text: "for:"}, {id: b, text: "print"}, {id: c, text: "halt"}]
      most_indent: 2
"""
LINE = """\
  - id: l
    skills: [s]
    prompt: {en: "Where?"}
    answer: {kind: number, value: 1/2}
    widget: {kind: number-line, low: 0, high: 1, step: 1/4}
"""
PLOT = """\
  - id: g
    skills: [s]
    prompt: {en: "Draw it."}
    answer: {kind: expression, value: 2*x + 1}
    widget:
      kind: slider-plot
      plot: m*x + b
      sliders:
        - {name: m, low: -3, high: 3, step: 1/2, start: 0, label: {en: "slope"}}
        - {name: b, low: -3, high: 3, step: 1}
      x: [-5, 5]
      y: [-5, 5]
"""
PARTS = """\
  - id: q
    skills: [s]
    params: {n: {int: [2, 9]}}
    prompt: {en: "Two questions."}
    parts:
      - {id: a, prompt: {en: "Half of $@{n}$?"}, answer: {kind: fraction, value: n/2}}
      - id: b
        prompt: {en: "Which?"}
        choices: [{id: x, text: "$1$"}, {id: y, text: "$2$"}]
        answer: {kind: choice, value: x}
"""
ALL = "".join(item + HINTS for item in (ORDER, MATCH, PARSONS, LINE, PLOT, PARTS))


def course(folder: Path, items: str, **locales: str) -> Checked:
    (folder / "locales").mkdir(parents=True)
    (folder / "course.yaml").write_text(HEAD + items, encoding="utf-8")
    for tag, text in locales.items():
        (folder / "locales" / f"{tag}.yaml").write_text(text, encoding="utf-8")
    return checked(folder)


def errors(made: Checked) -> list[str]:
    return [f"{f.line} {f.message} {f.fix}" for f in made.report.all if f.severity == "E"]


def test_each_widget_is_read_and_comes_back_from_canonical_bytes(tmp_path):
    made = course(tmp_path / "c", ALL)
    assert errors(made) == []
    assert made.canonical is not None
    items = {item.id: item for item in course_from(made.canonical).items}
    assert items["m"].answer.value == {"a": "x", "b": "y"}
    assert items["p"].answer.value == ("a", "b:1")
    assert items["q"].answer == AnswerSpec("parts", ())
    assert items["q"].parts[0].answer.form == "lowest-terms"


def test_every_text_of_a_widget_can_be_laid_over_by_id(tmp_path):
    arabic = """\
items:
  o: {prompt: "رتب", widget: {tokens: {c: "أكثر"}}}
  m: {widget: {right: {y: "ي"}}}
  g: {widget: {sliders: [{label: "ميل"}]}}
  q: {parts: {b: {prompt: "أي"}}}
"""
    made = course(tmp_path / "c", ALL, ar=arabic)
    assert errors(made) == []
    assert made.canonical is not None
    items = {item.id: item for item in course_from(made.canonical, locale="ar").items}
    assert items["o"].widget.tokens[2].text == "أكثر"  # type: ignore[union-attr]
    assert items["m"].widget.right[1].text == "ي"  # type: ignore[union-attr]
    assert items["g"].widget.sliders[0].label == "ميل"  # type: ignore[union-attr]
    assert items["q"].parts[1].prompt == "أي"


@pytest.mark.parametrize(
    ("item", "old", "new", "told"),
    [
        (ORDER, "kind: order\n      t", "kind: ordre\n      t", "did you mean order?"),
        (ORDER, "tokens:", "token:", "did you mean tokens?"),
        (ORDER, "kind: order,", "kind: number,", "takes one value"),
        (ORDER, "[a, b, c]", "{a: b}", "kind order takes no pairs"),
        (MATCH, "{a: x, b: y}", "[a, b]", "kind match takes pairs"),
        (MATCH, "left:", "lefts:", "did you mean left?"),
        (PARSONS, "most_indent: 2", "most_indent: 9", "outside 0 to 6"),
        (LINE, "step: 1/4", "step: 1/4, takes: points", "takes: point"),
        (LINE, "kind: number,", "kind: text,", "gives no answer of kind text"),
        (LINE, "low: 0, ", "", "'low' is missing"),
        (PLOT, "x: [-5, 5]", "x: [-5]", "1 entries, expected 2 to 2"),
        (PARTS, "id: b\n", "id: a\n", "given twice"),
        (PARTS, "    parts:", "    answer: {kind: number, value: 1}\n    parts:", "exactly one of"),
        (PARTS, "kind: fraction, value: n/2", "kind: order, value: [a, b]", "needs a widget"),
    ],
)
def test_a_mistake_is_told_with_what_would_fit(tmp_path, item, old, new, told):
    assert old in item
    found = errors(course(tmp_path / "c", item.replace(old, new, 1) + HINTS))
    assert any(told in each for each in found), found


def test_the_schema_tells_every_widget():
    widget = json_schema()["$defs"]["item"]["properties"]["widget"]
    kinds = [record["properties"]["kind"]["enum"][0] for record in widget["anyOf"]]
    assert kinds == ["number-line", "slider-plot", "order", "match", "parsons", "poll", "board"]
