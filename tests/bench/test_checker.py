"""Scenario checker: what counts as read, what is refused, which bounds there are; no timing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import checker, report
from bench.options import Options, Typed
from bench.record import passed
from engines.words import AnswerSpec, Item
from server.authoring.oatutor_typed import typed_answers


def typed(text: str, spec: AnswerSpec | None, *, formula: bool = True) -> Typed:
    item = Item(id="i", skills=("s",), prompt="?", answer=spec) if spec is not None else None
    return Typed("f.jsonl", "a1", text, item, formula)


HALF = typed("1/2", AnswerSpec(kind="fraction", value="1/2"))
NOTED = typed("x(x+1)", AnswerSpec(kind="text", value="x(x+1)"))
GARBLED = typed("16n4c", AnswerSpec(kind="text", value="16n4c"))
WORD = typed("Yes", AnswerSpec(kind="text", value="Yes"), formula=False)
NOTHING = typed("?", None)
REFUSED = typed("3", AnswerSpec(kind="number", value="4"))


async def figures(*answers: Typed) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return await checker.measured(checker.defaults(Options("checker", rounds=2, answers=answers)))


async def test_what_is_read_and_what_accepts_itself_is_counted() -> None:
    body, gates = await figures(HALF, NOTED, GARBLED, WORD, NOTHING, REFUSED)
    summary = body["summary"]["tutorstream"]
    assert (summary["answers"], summary["formulas"], summary["unread"]) == (6, 5, 2)
    assert (summary["keys"], summary["keys_refused"]) == (5, 1)
    assert body["unread"] == ["a1: 16n4c", "a1: ?"]
    assert body["refused"] == ["a1: 3"]
    assert body["kinds"] == {"text": 3, "fraction": 1, "number": 1}
    assert [gate["ok"] for gate in gates[:2]] == [False, False]
    assert not passed(gates)


async def test_all_read_and_right_passes_the_first_two_bounds() -> None:
    body, gates = await figures(HALF, NOTED)
    assert [(gate["name"], gate["value"]) for gate in gates[:2]] == [
        ("formulas not read", 0.0),
        ("keys not accepted as typed", 0),
    ]
    assert all(gate["ok"] for gate in gates[:2])
    assert body["summary"]["tutorstream"]["judged_us"]["median"] > 0


def test_what_it_needs_is_named() -> None:
    with pytest.raises(ValueError, match="--data"):
        checker.defaults(Options("checker"))
    with pytest.raises(ValueError, match="--url"):
        checker.defaults(Options("checker", url="ws://x", answers=(HALF,)))
    with pytest.raises(ValueError, match="at most 32"):
        checker.defaults(Options("checker", rounds=33, answers=(HALF,)))


def step(text: str, **more: object) -> dict[str, object]:
    return {
        "id": "s1", "problemType": "TextBox", "answerType": "arithmetic", "stepTitle": "Say it",
        "stepBody": "", "stepAnswer": [text], **more,
    }  # fmt: skip


def test_typed_answers_are_those_of_steps_and_scaffolds(tmp_path: Path) -> None:
    scaffold = {
        "id": "h1", "type": "scaffold", "problemType": "TextBox", "hintAnswer": ["$$7$$"],
        "answerType": "arithmetic", "title": "", "text": "How many?", "dependencies": [],
    }  # fmt: skip
    lines = [
        {"id": "p", "steps": [step("$$\\frac{3}{4}$$", tutoring={"DefaultPathway": [scaffold]})]},
        {"id": "q", "steps": [step("$$4$$", problemType="MultipleChoice", choices=["3", "4"])]},
    ]
    path = tmp_path / "book-sv.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    found = typed_answers(tmp_path)
    assert [(each.name, each.text, each.locale, each.formula) for each in found] == [
        ("s1", "\\frac{3}{4}", "sv", True),
        ("h1", "7", "sv", True),
    ]
    assert found[0].item is not None
    assert found[0].item.answer.kind == "fraction"
    path.write_text("[]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1 is no problem"):
        typed_answers(path)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(ValueError, match="found none"):
        typed_answers(path)


def test_every_figure_of_the_summary_has_a_row_in_the_table() -> None:
    known = {key for _, key in report.ROWS}
    assert {"judged_us", "judged_p99_us", "judged_worst_us", "read_share", "keys"} <= known
