"""The manual of course authors: its examples are courses; every widget and kind has its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from engines.words import AnswerKind
from server.authoring.checking import checked
from server.authoring.widgets import WIDGET

MANUAL = Path(__file__).parents[3] / "docs" / "courses.md"
HEAD = """\
course: manual
version: 1.0.0
title: Manual
license: CC0-1.0
attribution: ["us"]
skills: [{id: eq.two-step, title: Two steps}, {id: s, title: S}]
"""


def test_the_examples_have_no_fault(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    (tmp_path / "items").mkdir()
    (tmp_path / "course.yaml").write_text(HEAD, encoding="utf-8")
    for n, block in enumerate(blocks):
        (tmp_path / "items" / f"{n}.yaml").write_text(block, encoding="utf-8")
    found = checked(tmp_path)
    assert [str(each) for each in found.report.all if each.severity == "E"] == []
    assert found.course is not None
    assert len(found.course.items) == 3


def test_every_kind_and_widget_is_told() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    for name in (*set(get_args(AnswerKind)) - {"parts"}, *WIDGET.kinds):
        assert f"`{name}`" in text, name
