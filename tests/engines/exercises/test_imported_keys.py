"""Keys of a real course accept themselves: the OATutor sample, where it is at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.exercises.grading import graded
from engines.exercises.limits import ExpressionError
from engines.exercises.reading import number_read
from engines.exercises.template import instance
from engines.words import AnswerSpec, Item

SAMPLE = Path(__file__).parents[4] / "shared" / "oatutor" / "elementary-algebra.jsonl"


def _keys() -> Iterator[tuple[str, str, str]]:
    with SAMPLE.open(encoding="utf-8") as lines:
        for line in lines:
            for step in json.loads(line)["steps"]:
                for key in step["stepAnswer"]:
                    yield step["problemType"], step["answerType"], key


@pytest.mark.skipif(not SAMPLE.exists(), reason="skipped: sample not present")
def test_every_imported_key_accepts_itself_and_its_plain_spelling() -> None:
    read = typed = 0
    for problem, answer, key in _keys():
        text = key.replace("@{", "@@{")
        item = Item(id=key, skills=("s",), prompt="?", answer=AnswerSpec(kind="text", value=text))
        made = instance(item, "c", 0)
        if key.strip() and len(key) <= 300:
            assert graded(made, key).verdict == "correct", key
            bare = key.replace("$$", "")
            assert graded(made, bare).verdict == "correct", key
            respelled = bare.replace("\\left", "").replace("\\right", "").replace("\\times", "*")
            assert graded(made, respelled).verdict == "correct", key
        if (problem, answer) == ("TextBox", "arithmetic"):
            typed += 1
            try:
                number_read(key)
            except ExpressionError:
                continue
            read += 1
    assert read / typed > 0.55, "most arithmetic answers are plain numbers"
