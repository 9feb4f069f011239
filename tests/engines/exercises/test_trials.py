"""Faults that show with numbers drawn, and sound items that show none."""

from typing import Any

import pytest

from engines.exercises.checks import item_findings, places
from engines.words import AnswerSpec, HintStep, Item, Misconception, Option, WorkedStep

HINTS = (HintStep("nudge", "Look."), HintStep("bottom-out", "There."))


def item(**changed: Any) -> Item:
    made: dict[str, Any] = {
        "prompt": "Twice $@{a}$?",
        "answer": AnswerSpec("number", "2*a"),
        "params": {"a": {"int": [1, 60]}},
        "hints": HINTS,
        **changed,
    }
    return Item("i", ("s",), **made)


def found(**changed: Any) -> list[tuple[str, str, tuple[str | int, ...]]]:
    return [
        (each.code, each.severity, each.path) for each in item_findings(item(**changed), "", ())
    ]


def codes(**changed: Any) -> set[str]:
    return {code for code, *_ in found(**changed)}


def test_a_sound_item_has_no_findings():
    assert found() == []


def test_the_course_hash_is_part_of_the_draw_but_not_of_soundness():
    assert item_findings(item(), "abc", ("items", 4)) == []


@pytest.mark.parametrize("text", ["$0x$", "$1x$", "$x^1$", "$x^{1}$", "$3 - -2$", "$+ -x$"])
def test_degenerate_formulas(text):
    assert codes(prompt=text + " $@{a}$") == {"C213"}


@pytest.mark.parametrize(
    "text", ["$10x$", "$x^{10}$", r"$x^{\frac{1}{2}}$", "$3 - (-2)$", "0x", "$a_1x$", "$1$ x"]
)
def test_sound_formulas(text):
    assert codes(prompt=text + " $@{a}$") == set()


def test_a_division_by_zero_in_a_text_names_its_place():
    steps = (WorkedStep("$@{1/(a - 30)}$"), WorkedStep("$@{2*a}$"))
    assert ("C213", "E", ("steps", 0, "show")) in found(steps=steps)


def test_a_leak_in_some_cases_is_a_warning_and_in_nearly_all_an_error():
    def leaking(text: str) -> Any:
        return found(hints=(HintStep("nudge", text), HINTS[1]))

    assert leaking("$@{2*a}$") == [("C403", "E", ("hints", 0, "say"))]
    assert leaking("$@{if(a > 40, 2*a, 0)}$") == [("C403", "W", ("hints", 0, "say"))]
    assert leaking("$@{if(a > 58, 2*a, 0)}$") == []
    assert leaking("Add $@{a}$ to itself.") == []


def test_what_the_prompt_prints_is_no_leak():
    hints = (HintStep("nudge", "Not $@{a}$ but its double."), HINTS[1])
    assert codes(prompt="$@{a}$ or $@{2*a}$?", hints=hints) == set()


def test_words_and_choices_leak_too():
    text = AnswerSpec("text", "coefficient")
    say = HintStep("nudge", "It is called the Coefficient of $x$.")
    assert codes(answer=text, hints=(say, HINTS[1])) == {"C403"}
    options = (Option("l", "Divide by $@{a}$"), Option("r", "Subtract $@{a}$"))
    choice = AnswerSpec("choice", "l")
    say = HintStep("nudge", "You should divide by $@{a}$.")
    assert codes(answer=choice, options=options, hints=(say, HINTS[1])) == {"C403"}
    both = HintStep("nudge", "Is it divide by $@{a}$, or subtract $@{a}$?")
    assert codes(answer=choice, options=options, hints=(both, HINTS[1])) == set()


def test_misconceptions_may_not_hold_the_key_nor_equal_it():
    def wrong(when: str, say: str = "Look again.") -> Any:
        return found(misconceptions=(Misconception("m", when, say),))

    assert wrong("a") == []
    assert wrong("2*a") == [("C304", "E", ("misconceptions", 0, "when"))]
    assert wrong("a", "It is $@{2*a}$.") == [("C403", "E", ("misconceptions", 0, "say"))]
    two = (Misconception("m", "a", "?"), Misconception("n", "a*1", "?"))
    assert codes(misconceptions=two) == {"C304"}


def test_a_misconception_about_a_choice_names_one():
    options = (Option("l", "$@{2*a}$"), Option("r", "$@{a}$"))
    wrong = (Misconception("m", "left", "?"),)
    given = {"answer": AnswerSpec("choice", "l"), "options": options, "misconceptions": wrong}
    assert codes(**given) == {"C304"}


def test_scaffolds_are_tried_with_the_items_own_numbers():
    ask = HintStep("scaffold", ask="And $@{a} + 1$?", answer=AnswerSpec("number", "a + 1"))
    assert codes(hints=(ask, HINTS[1])) == set()
    odd = HintStep("scaffold", ask="?", answer=AnswerSpec("number", "1/(a - 30)"))
    assert ("C404", "E", ("hints", 0, "answer")) in found(hints=(odd, HINTS[1]))


def test_examples_are_judged_as_they_say():
    def examples(**texts: tuple[str, ...]) -> Any:
        return found(answer=AnswerSpec("fraction", "a/7", examples=texts), prompt="$@{a}$")

    assert examples(right=("@{a/7}",), wrong=("@{a + 1}/7",)) == []
    place = ("answer", "examples", "right", 0)
    assert examples(right=("@{a + 1}/7",)) == [("C302", "E", place)]
    assert examples(wrong=("@{2*a}/14",)) == [("C302", "E", ("answer", "examples", "wrong", 0))]
    assert examples(form=("@{2*a}/14",)) == []


def test_an_item_that_cannot_be_read_is_not_tried():
    assert codes(answer=AnswerSpec("number", "2*(a")) == {"C307"}
    assert codes(params={"a": {"int": [9, 1]}}) == {"C201"}
    assert codes(params={"gcd": {"int": [1, 9]}, "a": {"int": [1, 99]}}) == {"C201"}


def test_an_item_without_params_is_one_instance():
    assert codes(params={}, prompt="Twice 2?", answer=AnswerSpec("number", "4")) == {"C212"}


def test_every_text_of_an_item_is_among_its_places():
    made = item(
        where=("a > 1",),
        options=(Option("x", "X"),),
        misconceptions=(Misconception("m", "a", "say"),),
        steps=(WorkedStep("show", "why"),),
        answer=AnswerSpec("number", "2*a", accept=("acc",), examples={"right": ("ex",)}),
    )
    texts = {place.text for place in places(made)}
    assert texts == {
        *("Twice $@{a}$?", "a > 1", "X", "2*a", "acc", "ex", "a", "say", "show", "why"),
        *("Look.", "There."),
    }


def test_a_key_in_the_answer_grammar_is_read_as_it_is_written():
    line = AnswerSpec("expression", "a*x + ")
    wrong = (Misconception("m", "a*x) + 1", "No."),)
    shown = "Write $@{a}$ times $x$."
    assert ("C307", "E", ("answer", "value")) in found(prompt=shown, answer=line)
    right = AnswerSpec("expression", "a*x + 1")
    assert ("C201", "E", ("misconceptions", 0, "when")) in found(
        prompt=shown, answer=right, misconceptions=wrong
    )
    assert codes(prompt=shown, answer=right) == set()


def test_an_equal_expression_in_a_hint_names_the_key():
    right, params = AnswerSpec("expression", "a*x + a"), {"a": {"int": [2, 60]}}
    prompt = "Write $@{a}$ more than $@{a}x$."
    told = (HintStep("nudge", "Is it $@{a}(x + 1)$?"), HINTS[1])
    assert codes(params=params, prompt=prompt, answer=right, hints=told) == {"C403"}
    asked = (HintStep("nudge", "What is $@{a} x$ and one more?"), HINTS[1])
    assert codes(params=params, prompt=prompt, answer=right, hints=asked) == set()


@pytest.mark.parametrize(
    ("value", "prompt", "form", "warned"),
    [
        ("x = b", "Solve $x + @{a} = @{a+b}$.", "any", True),
        ("x = b", "Solve $x + @{a} = @{a+b}$.", "solved-for(x)", False),
        ("x = b", "Which line stands upright at @{b}?", "any", False),
        ("x + a = b", "Write $@{b} = x + @{a}$ the other way round.", "any", False),
    ],
)
def test_an_equation_to_be_solved_should_ask_for_its_solved_form(value, prompt, form, warned):
    spec = AnswerSpec("equation", value, form)
    params = {"a": {"int": [2, 20]}, "b": {"int": [1, 20]}}
    told = found(prompt=prompt, answer=spec, params=params)
    assert [each for each in told if each[0] == "C310"] == [("C310", "W", ("answer",))] * warned
