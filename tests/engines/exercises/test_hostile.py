"""What nobody should type: read or refused, never raised, never slow."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.grading import graded, key_spelled, reading
from engines.exercises.limits import LIMITS
from engines.exercises.template import instance
from engines.words import AnswerSpec, Instance, Item, Verdict
from tests.engines.exercises.hostile import hostile

STRINGS = 10_000
CPU_S = 0.020
LATEX_SIGNS = 40
"""Most signs that one typed sign becomes in what is shown back."""
LOCALES = ("en", "de", "sv", "ar")
NAMES = {"correct", "incorrect", "partial", "wrong_form", "unreadable"}
SPECS = (
    AnswerSpec(kind="number", value="3/4"),
    AnswerSpec(kind="fraction", value="3/4"),
    AnswerSpec(kind="expression", value="(x+1)^2/(x-3)"),
    AnswerSpec(kind="expression", value="2*sin(x)*cos(x)", form="expanded"),
    AnswerSpec(kind="expression", value="(x-2)*(x+5)", form="factored"),
    AnswerSpec(kind="expression", value="3*sqrt(2)", form="simplified-root"),
    AnswerSpec(kind="equation", value="y = 2*x + 1", form="solved-for(y)"),
    AnswerSpec(kind="equation", value="x^2 + y^2 < 9"),
    AnswerSpec(kind="interval", value="[2, 5)"),
    AnswerSpec(kind="set", value="{1, 2, sqrt(3)}"),
    AnswerSpec(kind="matrix", value="[[1, 2], [3, 4]]"),
    AnswerSpec(kind="text", value="(x-6)(x+2)", typos=True),
)


def made(spec: AnswerSpec) -> Instance:
    return instance(Item(id="i", skills=("s",), prompt="Simplify $6/8 + x$.", answer=spec), "", 0)


INSTANCES = tuple(map(made, SPECS))


def judged(at: int, text: str) -> Verdict:
    drawn, locale = INSTANCES[at % len(INSTANCES)], LOCALES[at % len(LOCALES)]
    found = graded(drawn, text, locale=locale)
    read, column, reason = reading(drawn, text, locale=locale)
    assert found.verdict in NAMES
    assert len(found.read_as) <= LIMITS.code_points * LATEX_SIGNS
    assert (column is None) == (reason is None), (text, read)
    return found


def slow_ones(judgements: Iterable[tuple[int, str]]) -> list[tuple[float, str, str]]:
    """What took too long, though it was asked twice: once may be disturbed."""
    slow: list[tuple[float, str, str]] = []
    gc.disable()
    try:
        for at, text in judgements:
            took_s = CPU_S
            for _ in range(2):
                began = process_time()
                judged(at, text)
                took_s = process_time() - began
                if took_s < CPU_S:
                    break
            if took_s >= CPU_S:
                slow.append((round(took_s, 3), SPECS[at % len(SPECS)].kind, text[:80]))
    finally:
        gc.enable()
    return slow


@pytest.mark.slow
def test_ten_thousand_hostile_strings_are_judged_at_once():
    strings = hostile(STRINGS)
    assert slow_ones(enumerate(strings)) == []
    unreadable = sum(judged(at, text).verdict == "unreadable" for at, text in enumerate(strings))
    assert STRINGS / 3 < unreadable < STRINGS


@pytest.mark.parametrize("head", ["", "(", "[", "{", "1", "(1;"])
@pytest.mark.parametrize("piece", [";", "!", " ", "1;", "(", ")", "1, ", "\\", "\n", "="])
def test_texts_of_thousands_of_signs_are_judged_at_once(head: str, piece: str):
    """In every kind of answer: none is searched in a way that grows with the square."""
    texts = [head + piece * 4_000, head + piece * 4_000 + ")x"]
    assert slow_ones((at, text) for at in range(len(SPECS)) for text in texts) == []


def test_keys_accept_themselves():
    for drawn in INSTANCES:
        assert graded(drawn, key_spelled(drawn)).verdict == "correct", drawn.item.answer


@pytest.mark.parametrize("drawn", INSTANCES, ids=lambda i: i.item.answer.kind)
@pytest.mark.parametrize("given_", [None, True, 3, 2.5, float("nan"), [], {}, ["a"], b"x", 10**400])
def test_what_is_no_text_is_told(drawn: Instance, given_: object):
    assert graded(drawn, given_).verdict in NAMES


ANYTHING = st.text(max_size=400) | st.text("0123456789xy+-*/^()[]{}|.,;=<>√±\\ frac", max_size=120)


@given(ANYTHING, st.integers(0, len(SPECS) - 1))
@settings(max_examples=300, deadline=None)
def test_no_text_raises(text: str, at: int):
    judged(at, text)
