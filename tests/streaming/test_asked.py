"""The request for a turn, made from a session's state."""

from __future__ import annotations

from typing import Any

import pytest

from engines.beliefs import Beliefs
from engines.exercises.course import canonical, course_from
from engines.pinning import pinned
from streaming.prompt import assembled
from streaming.providers.base import LlmRequest
from streaming.state import Asked, Gen, Open, SessionState

COURSE = canonical(
    {
        "format": 1,
        "id": "sums",
        "version": "1.0.0",
        "title": "Sums",
        "license": "CC-BY-4.0",
        "attribution": ["Written for the tests"],
        "skills": [{"id": "add", "title": "Adding"}],
        "items": [
            {
                "id": "add.01",
                "skills": ["add"],
                "prompt": "What is $20 + 21$?",
                "answer": {"kind": "number", "value": "41"},
                "misconceptions": [{"id": "minus", "when": "-1", "say": "You took away."}],
                "hints": [
                    {"level": "nudge", "say": "Look at both numbers."},
                    {"level": "bottom-out", "say": "It is 41."},
                ],
                "steps": [{"show": "$20 + 21 = 41$", "why": "Add."}],
            }
        ],
    }
)


def gen(n: int, **more: Any) -> Gen:
    base = {
        "gen": f"g{n}", "cmd": f"cmd-id-{n}", "input": f"question {n}", "action": None,
        "item": "add.01", "provider": "p", "model": "m", "source": "llm", "act": "point",
        "began_at_ms": 1, "status": "completed", "chunks": ["one ", "two ", "three"],
    }  # fmt: skip
    return Gen(**{**base, **more})


def state(**more: Any) -> SessionState:
    made = SessionState()
    taught = pinned(course_from(COURSE))
    made.plain.learner = "learner-id-ada"
    made.plain.open = Open("add.01", 1, 0.7, "why", 0, attempts=1, hints=1)
    made.plain.open.verdict, made.plain.open.misconception = "incorrect", "minus"
    made.plain.open.response = "-1"
    for name, value in more.items():
        setattr(made.plain, name, value)
    made.plain.turns = len(made.plain.gens)
    made.pin(taught, Beliefs.fresh(taught))
    made.redraw()
    return made


ASK = Asked("cmd-id-now", "why not -1?", None, "add.01")


def request(made: SessionState, act: str = "point", *, unlocked: bool = False) -> LlmRequest:
    return assembled(made, ASK, act, "Builtin words.", key_unlocked=unlocked).request


def test_the_note_tells_where_the_learner_stands() -> None:
    made = request(state())
    said = made.messages[-1].content
    for part in ("why not -1?", "What is $20 + 21$?", "Tries so far: 1", "not correct", "-1",
                 "You took away.", "Look at both numbers.", "Adding: new"):  # fmt: skip
        assert part in said
    assert "41" not in said
    assert (made.builtin_text, made.max_tokens, made.at_once) == ("Builtin words.", 220, False)


def test_neither_ids_nor_keys_leave() -> None:
    made = request(state(gens=[gen(1), gen(2)]))
    said = "\n".join(message.content for message in made.messages)
    for part in ("learner-id-ada", "cmd-id", "add.01", "g1", "41"):
        assert part not in said
    assert made.cache_key


def test_an_unlocked_key_is_told() -> None:
    assert "it is $41$" in request(state(), unlocked=True).messages[-1].content


def test_earlier_turns_are_remembered_as_they_were_seen() -> None:
    gens = [
        gen(1, from_i=1),
        gen(2, status="cancelled", seen_i=0),
        gen(3, status="cancelled", seen_i=-1),
        gen(4, status="running"),
    ]
    said = [m.content for m in request(state(gens=gens)).messages]
    assert said[2] == "two three"
    assert said[4] == "one \n[stopped by the learner]"
    assert "question 3" in said[5]
    assert "question 4" not in "".join(said)
    assert len(said) == 6


@pytest.mark.parametrize(
    ("act", "mode", "tokens"),
    [("simpler", "practice", 140), ("explain", "review", 90), ("simpler", "review", 90)],
)
def test_lengths(act: str, mode: str, tokens: int) -> None:
    assert request(state(mode=mode), act).max_tokens == tokens


def test_in_an_exam_there_is_nothing_to_send_to_a_model() -> None:
    made = assembled(
        state(mode="exam"),
        ASK,
        "clarify",
        "Builtin words.",
        key_unlocked=False,
        model_allowed=False,
    ).request
    assert made.messages == ()
    assert made.builtin_text == "Builtin words."


def test_less_motion_is_no_pacing() -> None:
    assert request(state(prefs={"reduced_motion": True})).at_once
