"""Numbers that a problem draws from lists become params, printed as the source prints them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engines.exercises.grading import graded, key_spelled
from engines.exercises.template import instance
from engines.words import Instance
from server.authoring.checking import checked
from server.authoring.oatutor_answers import item_of
from server.authoring.oatutor_varied import OPTIONS_MOST
from server.authoring.writing import folder_written
from tests.server.authoring.oatutor_problems import (
    choice,
    hint,
    items,
    made,
    problem,
    scaffold,
    step,
)

LISTS = {"a": ["2", "3", "5"], "b": ["0.5", "\\frac{1}{3}", "7"]}


def drawn(item: dict[str, Any]) -> list[Instance]:
    """One instance a place, by trying seeds."""
    word = item_of(item)
    found: dict[Any, Instance] = {}
    for seed in range(200):
        made_ = instance(word, "c", seed)
        found.setdefault(made_.values["v_place"], made_)
    return [found[place] for place in sorted(found)]


def one(done: Any) -> dict[str, Any]:
    assert done.skipped.counts == {}
    (item,) = items(done).values()
    return item


def test_lists_are_drawn_together_and_printed_as_they_stand():
    done = made(
        problem(
            step("s", "Add $$@{a}$$ and $$@{b}$$.", "$$@{a}$$", hint("Begin with @{b}.")),
            variabilization=LISTS,
        )
    )
    each = drawn(one(done))
    assert [made_.prompt for made_ in each] == [
        "Add $2$ and $0.5$.",
        "Add $3$ and $\\frac{1}{3}$.",
        "Add $5$ and $7$.",
    ]
    assert [key_spelled(made_) for made_ in each] == ["2", "3", "5"]
    assert [graded(made_, "3").verdict for made_ in each] == ["incorrect", "correct", "incorrect"]


def test_a_key_of_a_fraction_or_decimal_is_its_value():
    item = one(made(problem(step("s", "Say $$@{b}$$.", "$$@{b}$$"), variabilization=LISTS)))
    assert item["answer"]["kind"] == "fraction"
    each = drawn(item)
    assert [
        graded(made_, key).verdict for made_, key in zip(each, ("1/2", "1/3", "7"), strict=True)
    ] == ["correct"] * 3


def test_a_short_list_begins_anew_and_a_steps_lists_count_too():
    lists = {"a": ["1", "2", "3", "4"]}
    own = {"c": ["8", "9"]}
    done = made(
        problem(step("s", "$$@{a}+@{c}$$", "$$@{c}$$", variabilization=own), variabilization=lists)
    )
    assert [key_spelled(made_) for made_ in drawn(one(done))] == ["8", "9", "8", "9"]


def test_the_last_hint_that_holds_the_key_everywhere_is_the_bottom_out():
    done = made(
        problem(
            step("s", "Double $$@{a}$$.", "$$@{d}$$", hint("It is $$@{d}$$.")),
            variabilization={"a": ["2", "3"], "d": ["4", "6"]},
        )
    )
    assert one(done)["hints"] == [{"level": "bottom-out", "say": "It is $@{v_d}$."}]
    other = made(
        problem(
            step("s", "Double $$@{a}$$.", "$$@{d}$$", hint("It is $$4$$.")),
            variabilization={"a": ["2", "3"], "d": ["4", "6"]},
        )
    )
    assert [rung["level"] for rung in one(other)["hints"]] == ["nudge", "bottom-out"]


def test_scaffolds_and_choices_are_varied():
    item = one(
        made(
            problem(
                step(
                    "s", "Double $$@{a}$$.", "$$@{d}$$", scaffold("Half of $$@{d}$$?", "$$@{a}$$")
                ),
                variabilization={"a": ["2", "3"], "d": ["4", "6"]},
            )
        )
    )
    assert item["hints"][0]["answer"]["kind"] == "number"
    asked = one(
        made(
            problem(
                choice("s", "Twice $$@{a}$$?", "$$@{d}$$", "$$@{a}$$", "$$@{d}$$"),
                variabilization={"a": ["2", "3"], "d": ["4", "6"]},
            )
        )
    )
    assert asked["answer"] == {"kind": "choice", "value": "b"}
    assert [sorted(c.text for c in made_.choices) for made_ in drawn(asked)] == [
        ["$2$", "$4$"],
        ["$3$", "$6$"],
    ]


def test_a_formula_is_over_the_params():
    item = one(
        made(
            problem(
                step("s", "Expand $$@{a}(x+1)$$.", "$$@{a}x+@{a}$$"),
                variabilization={"a": ["2", "3"]},
            )
        )
    )
    for made_, key in zip(drawn(item), ("2x+2", "3 + 3x"), strict=True):
        assert graded(made_, key).verdict == "correct", item["answer"]


@pytest.mark.parametrize(
    "lists",
    [
        {"a": []},
        {"a": "12"},
        {"a": ["1"] * (OPTIONS_MOST + 1)},
        {"a": ["it's"]},
        {"a b": ["1"]},
    ],
)
def test_lists_that_cannot_be_params_are_told(lists: dict[str, Any]):
    done = made(problem(step("s", "Say it.", "$$1$$"), variabilization=lists))
    assert done.skipped.counts == {"variabilised": 1}


def test_a_mark_that_nothing_fills_is_told():
    done = made(problem(step("s", "Say $$@{zz}$$.", "$$1$$")))
    assert done.skipped.counts == {"unfilled-template": 1}


def test_a_choice_whose_right_place_moves_is_told():
    done = made(
        problem(
            choice("s", "Which?", "$$@{a}$$", "$$2$$", "$$3$$"), variabilization={"a": ["2", "3"]}
        )
    )
    assert done.skipped.counts == {"variabilised": 1}


def test_what_is_written_checks_clean(tmp_path):
    lists = {"a": [str(n) for n in range(2, 12)], "d": [str(2 * n) for n in range(2, 12)]}
    done = made(
        problem(
            step(
                "s", "Double $$@{a}$$.", "$$@{d}$$", hint("Add it twice."), hint("$$@{d}$$", "h2")
            ),
            variabilization=lists,
        )
    )
    folder_written(tmp_path / "c", done.head(), done.files(), force=False)
    found = checked(tmp_path / "c")
    assert found.report.errors == 0, found.report.text()
    assert found.course is not None
    assert msgspec.to_builtins(found.course.items[0])["params"]["v_place"] == {"int": [0, 9]}
