"""Widgets in a terminal: every entry is shown, and what is told to be typed is read and judged."""

from __future__ import annotations

from typing import Any

import pytest

from engines.exercises.course import course_from
from engines.exercises.grading import graded, key_spelled
from engines.exercises.template import instance
from server.widget_lines import widget_lines
from streaming.frames import widget_shown
from tests.engines.exercises.widget_items import MATCH, ORDER, PARSONS, PARTS, widget_course

COURSE = course_from(widget_course())


def typed(key: Any) -> str:
    """A key as the lines say that it is typed."""
    if isinstance(key, dict) and "half" in key:
        return "; ".join(f"{name}: {typed(each)}" for name, each in key.items())
    if isinstance(key, dict):
        return " ".join(f"{left}{right}" for left, right in key.items())
    if isinstance(key, list):
        return " ".join(f"{e['id']}:{e['indent']}" if isinstance(e, dict) else e for e in key)
    return str(key)


@pytest.mark.parametrize("written", [ORDER, MATCH, PARSONS, PARTS], ids=lambda i: i["id"])
def test_what_is_typed_by_the_lines_is_right(written: dict[str, Any]) -> None:
    item = next(each for each in COURSE.items if each.id == written["id"])
    made = instance(item, COURSE.sha256, 5)
    lines = widget_lines(widget_shown(made))
    assert lines[-1].startswith("type")
    assert len(lines) >= 4
    assert graded(made, typed(key_spelled(made))).verdict == "correct"


@pytest.mark.parametrize(
    ("widget", "line"),
    [
        ({"kind": "number-line", "low": "0", "high": "2", "step": "1/4", "takes": "interval"},
         "type the interval, as [2, 5)"),
        ({"kind": "slider-plot", "plot": "m*x", "points": [["1", "2"]], "sliders": [
            {"name": "m", "low": "0", "high": "3", "step": "1/2", "label": "slope"}]},
         "m (slope) from 0 to 3 by 1/2"),
        ({"kind": "board"}, "this is worked on a board; answer here when you have it"),
    ],
)  # fmt: skip
def test_what_is_set_has_its_lines(widget: dict[str, Any], line: str) -> None:
    assert line in widget_lines(widget)


@pytest.mark.parametrize("widget", [None, {"kind": "hologram"}, {}, "order"])
def test_an_unknown_widget_has_no_lines(widget: Any) -> None:
    assert widget_lines(widget) == []
