"""Widgets that cannot give their key, whose entries are unknown or alike: each is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines.exercises.course import course_from, findings
from engines.exercises.sliders import setting
from engines.exercises.template import instance
from engines.exercises.widget_checks import names_arranged
from tests.engines.exercises.widget_items import (
    LINE,
    MATCH,
    ORDER,
    PARSONS,
    PARTS,
    PLOT,
    WRITTEN,
    widget_course,
)

TAUGHT = {"C504", "C212"}
"""Codes of the course as a whole, which these courses of one item have."""


def changed(item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An item with other values at places named as `widget__low`."""
    made: dict[str, Any] = json.loads(json.dumps(item))
    for name, value in changes.items():
        *way, last = name.split("__")
        at: Any = made
        for step in way:
            at = at[int(step) if step.isdigit() else step]
        at[last] = value
    return made


def codes(item: dict[str, Any]) -> set[str]:
    course = course_from(widget_course(item))
    return {found.code for found in findings(course)} - TAUGHT


@pytest.mark.parametrize("item", [*WRITTEN, PLOT], ids=lambda item: item["id"])
def test_a_sound_item_has_no_fault(item):
    assert codes(item) == set()


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (changed(ORDER, answer__value=["zebra", "yak", "wolf"]), {"C307"}),
        (changed(ORDER, answer__value=["zebra", "yak", "wolf", "gnu"]), {"C307"}),
        (changed(ORDER, answer__value=["zebra", "zebra", "wolf", "vole"]), {"C307"}),
        (changed(ORDER, answer__accept=["zebra"]), {"C307"}),
        (changed(ORDER, answer__examples={"wrong": ["zebra, yak, wolf, vole"]}), {"C302"}),
        (changed(ORDER, misconceptions__0__when="zebra, yak, wolf, vole"), {"C304"}),
        (changed(ORDER, misconceptions__0__when="zebra, gnu"), {"C304"}),
        (changed(ORDER, widget__tokens__2__text="$@{a+b}$"), {"C303"}),
        (changed(ORDER, widget__tokens__2__id="vole"), {"C103", "C307"}),
        (changed(ORDER, widget__tokens__2__text="$@{c}$"), {"C201"}),
        (changed(MATCH, answer__value={"moth": "newt", "mole": "otter"}), {"C307"}),
        (changed(MATCH, answer__value__moth="gnu"), {"C307"}),
        (changed(MATCH, widget__right__0__text="thirds"), {"C303"}),
        (changed(MATCH, misconceptions__0__when="moth: newt"), {"C304"}),
        (changed(PARSONS, answer__value=["raven", "shrew:3"]), {"C307"}),
        (changed(PARSONS, answer__value=["raven"]), {"C307"}),
        (changed(LINE, widget__high="1"), {"C309"}),
        (changed(LINE, widget__step="1/3"), {"C309"}),
        (changed(LINE, widget__step="0"), {"C309"}),
        (changed(LINE, widget__step="1/10000"), {"C309"}),
        (changed(LINE, widget__low="q"), {"C201"}),
        (changed(LINE, answer__kind="number", answer__form="mixed"), {"C309"}),
        (changed(PLOT, widget__sliders__0__step="1"), {"C309"}),
        (changed(PLOT, widget__sliders__1__high="3"), {"C309"}),
        (changed(PLOT, widget__sliders__1__start="1/2"), {"C309"}),
        (changed(PLOT, widget__plot="m*x*b0 + 1"), {"C309"}),
        (changed(PLOT, widget__plot="m*x + q"), {"C201"}),
        (changed(PLOT, widget__x=["5", "-5"]), {"C309"}),
        (changed(PARTS, parts__0__answer__form="integer"), {"C305"}),
        (changed(PARTS, parts__2__widget__tokens__0__text="$@{n+1}$"), {"C303"}),
        (changed(PARTS, parts__1__prompt="$@{z}$?"), {"C201"}),
        (changed(PARTS, hints__0__say="It is $@{n/2}$."), {"C403"}),
        (changed(ORDER, hints__0__say="Compare $\\frac{1}{@{b}}$, $\\frac{1}{@{a}}$, "
                 "$@{a + 1}$ and $@{a + b}$."), {"C403"}),
    ],
)  # fmt: skip
def test_each_fault_has_its_code(item, expected):
    assert codes(item) == expected


@pytest.mark.parametrize(
    ("kind", "takes", "value", "expected"),
    [
        ("set", "points", "{n/4, 2}", set()),
        ("set", "points", "{n/8, 2}", {"C309"}),
        ("interval", "interval", "[n/4, 2)", set()),
        ("interval", "interval", "[n/4, 3)", {"C309"}),
        ("interval", "interval", "[n/4, oo)", set()),
    ],
)
def test_sets_and_intervals_lie_on_the_line(kind, takes, value, expected):
    item = changed(LINE, answer={"kind": kind, "value": value}, widget__takes=takes)
    item["params"] = {"n": {"int": [1, 7]}}
    assert codes(item) == expected


def test_a_plot_that_is_not_affine_is_tried_setting_by_setting():
    item = changed(
        PLOT,
        answer__value="a*(x - 1)*(x - 2)",
        widget__plot="m*(x - b0)*(x - 2)",
        widget__sliders__0__high="5",
        widget__sliders__0__step="1",
        widget__sliders__0__low="0",
        params={"a": {"int": [1, 5]}, "b": {"int": [1, 1]}},
    )
    course = course_from(widget_course(item))
    made = instance(course.items[0], course.sha256, 1)
    assert setting(made) == {"m": made.values["a"], "b0": 1}
    assert codes(item) == set()
    assert codes(changed(item, answer__value="a*(x - 1)*(x - 3)")) == {"C309"}


def test_pairs_that_stand_in_one_line_name_the_key():
    course = course_from(widget_course(MATCH))
    made = instance(course.items[0], course.sha256, 1)
    n = made.values["n"]
    lines = [f"${n}/2$ are halves", f"${n}/3$ are thirds", f"${n}/5$ are fifths"]
    assert names_arranged("\n".join(lines), made)
    assert not names_arranged("\n".join(lines[:2]), made)
