from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.grading import graded, key_spelled, reading
from engines.exercises.keys import key_code, put_in
from engines.exercises.limits import ExpressionError
from engines.exercises.template import instance
from engines.words import AnswerKind, AnswerSpec, Item, Misconception, Verdict


def item(kind: AnswerKind, value: str, prompt: str = "Work it out.", **spec: Any) -> Item:
    outside = {name: spec.pop(name) for name in ("params", "misconceptions") if name in spec}
    answer = AnswerSpec(kind=kind, value=value, **spec)
    return Item(id=f"f {value} {spec}", skills=("s",), prompt=prompt, answer=answer, **outside)


def verdict(of: Item, response: object, locale: str = "en", seed: int = 3) -> Verdict:
    return graded(instance(of, "ab" * 32, seed), response, locale=locale)


LINE = item(
    "expression",
    "a*x + b",
    "Write $@{a}x @{b:+}$ in another way.",
    params={"a": {"int": [2, 9]}, "b": {"int": [-9, -1]}, "n": {"choice": ["x", "y"]}},
    accept=("f = @{a}*x + @{b}",),
    misconceptions=(
        Misconception("slip", "a*x - b", "Look at the sign of @{b}."),
        Misconception("no-value", "a/(b - b)", "That has no value."),
        Misconception("bare", "a*x", "Where has @{b} gone?"),
    ),
)
VERDICTS: list[tuple[Item, object, str]] = [
    (item("expression", "3x - 2"), "3x-2", "correct"),
    (item("expression", "3x - 2"), "-2 + 3*x", "correct"),
    (item("expression", "3x - 2"), "3X - 2", "correct"),
    (item("expression", "3x - 2"), r"$3x-2$", "correct"),
    (item("expression", "3x - 2"), "3x + 2", "incorrect"),
    (item("expression", "3x - 2"), "3x -", "unreadable"),
    (item("expression", "3x - 2"), "y = 3x - 2", "unreadable"),
    (item("expression", "3x - 2"), "stop", "unreadable"),
    (item("expression", "3x - 2"), "I do not know", "unreadable"),
    (item("expression", "3x - 2"), "1/0", "unreadable"),
    (item("expression", "3x - 2"), ["3x - 2"], "unreadable"),
    (item("expression", "3x - 2"), None, "unreadable"),
    (item("expression", "3x - 2"), True, "unreadable"),
    (item("expression", "3x - 2"), "x" * 301, "unreadable"),
    (item("expression", "3x - 2"), "9^999^9x", "unreadable"),
    (item("expression", "(-6)^n"), "(-6)^n", "correct"),
    (item("expression", "(-6)^n"), "-6^n", "incorrect"),
    (item("expression", "-6^2"), "-36", "correct"),
    (item("expression", "-6^2"), "36", "incorrect"),
    (item("expression", "2400000000"), "2,400,000,000", "correct"),
    (item("expression", "2400000000"), "2400000001", "incorrect"),
    (item("expression", "2400000000"), 2400000000, "correct"),
    (item("expression", "0.001"), 1e-3, "correct"),
    (item("expression", "3/4"), "0.75", "correct"),
    (item("expression", "3/4"), "6/8", "correct"),
    (item("expression", "3/4"), "75%", "correct"),
    (item("expression", "3/2"), "1 1/2", "correct"),
    (item("expression", "3x/2"), "1 1/2 x", "unreadable"),
    (item("expression", "1/3"), "0.33", "wrong_form"),
    (item("expression", "1/3"), "0.34", "incorrect"),
    (item("expression", "1/3"), "0.3", "incorrect"),
    (item("expression", "1/3", form_policy="require"), "0.33", "incorrect"),
    (item("expression", "sqrt(2)"), "1.414", "wrong_form"),
    (item("expression", "-pi/4"), "-0.785", "wrong_form"),
    (item("expression", "pi/4"), "-0.785", "incorrect"),
    (item("expression", "ln(2)"), "0.69", "wrong_form"),
    (item("expression", "x"), "0.33", "incorrect"),
    (item("expression", "5x", "Simplify $2x + 3x$."), "2x+3x", "wrong_form"),
    (item("expression", "5x", "Simplify $2x + 3x$."), "3x+2x", "correct"),
    (item("expression", "5x", "Simplify $2x + 3x$.", form_policy="require"), "2x+3x", "incorrect"),
    (item("expression", "5x", "Simplify $2x + 3x$.", form="collected"), "3x+2x", "wrong_form"),
    (item("expression", "5x", form="collected", form_policy="require"), "3x+2x", "incorrect"),
    (item("expression", "5x", form="collected", form_policy="accept"), "3x+2x", "correct"),
    (item("expression", "2(x+3)", form="factored"), "2x+6", "wrong_form"),
    (item("expression", "2(x+3)", form="factored"), "(x+3)*2", "correct"),
    (item("expression", "sqrt(8)", form="simplified-root"), "sqrt(8)", "correct"),
    (item("expression", "2 ± sqrt(3)"), "2 ∓ sqrt(3)", "correct"),
    (item("expression", "2 ± sqrt(3)"), "2 + sqrt(3)", "incorrect"),
    (item("expression", "3 + 4i", complex=True), "(2+i)^2", "correct"),
    (item("expression", "speed*time", variables=("speed", "time")), "time speed", "correct"),
    (item("expression", "speed*time", variables=("speed", "time")), "speed + time", "incorrect"),
    (item("expression", "1", domain="strict"), "x/x", "incorrect"),
    (item("expression", "1"), "x/x", "correct"),
    (item("expression", "cos(2 pi n)", integers=("n",)), "1", "correct"),
    (item("expression", "x", accept=("none",)), "none", "correct"),
    (item("expression", "5x + 54"), "5x + 54 yes", "unreadable"),
    (item("expression", "5x + 54"), "5x + 54 apples", "unreadable"),
    (item("expression", "5x + 54"), "5x + 54 ok", "unreadable"),
    (item("expression", "5x + 54"), "I got 5x + 54", "unreadable"),
    (item("expression", "5x + 54"), "5xy + 54", "incorrect"),
    (item("expression", "5x + 54"), "5x + 54!", "correct"),
    (item("expression", "7/2"), "3\\frac12", "correct"),
    (item("equation", "x = 5"), "x = 5 cm", "unreadable"),
    (item("equation", "x = 3"), "x = 3!", "correct"),
    (item("equation", "x = 5"), "2x = 10\nx = 5", "wrong_form"),
    (item("equation", "x = 5"), "x + 1 = 6, x = 5", "wrong_form"),
    (item("equation", "x = 5"), "x = 5 or x = 5", "wrong_form"),
    (item("equation", "x = 5"), "2x = 9, x = 5", "incorrect"),
    (item("equation", "x = 5"), "x = 5 or x = 4", "incorrect"),
    (item("equation", "x = 2 or x = -3"), "x = 2", "incorrect"),
    (item("equation", "y = 3x - 2"), "3x - y = 2", "correct"),
    (item("equation", "y = 3x - 2"), "y = 3x + 2", "incorrect"),
    (item("equation", "y = 3x - 2"), "3x - 2", "unreadable"),
    (item("equation", "x = 2", "Solve $3x = 6$."), "3x = 6", "wrong_form"),
    (item("equation", "x = 2", form="solved-for(x)"), "2x = 4", "wrong_form"),
    (item("equation", "x = 2", form="solved-for(x)"), "2 = x", "correct"),
    (item("equation", "x > 3"), "3 < x", "correct"),
    (item("equation", "x > 3"), "x < 3", "incorrect"),
    (item("interval", "[2, 5)"), "[2,5)", "correct"),
    (item("interval", "[2, 5)"), "2 <= x < 5", "wrong_form"),
    (item("interval", "[2, 5)", form_policy="accept"), "2 <= x < 5", "correct"),
    (item("interval", "[2, 5)"), "(2,5)", "incorrect"),
    (item("interval", "[2, 5)"), "[5, 2)", "unreadable"),
    (item("interval", "[2, 5)"), "x >= 2 and x < 5", "wrong_form"),
    (item("interval", "[2, 5)"), "x < 5 And 2 ≦ x.", "wrong_form"),
    (item("interval", "[2, 5)"), "x > 2 and x < 5", "incorrect"),
    (item("interval", "[2, 5)"), "x < 5 or x >= 2", "incorrect"),
    (item("interval", "(-inf, 2) ∪ (5, inf)"), "x < 2 and x > 5", "wrong_form"),
    (item("interval", "(-inf, 2) ∪ (5, inf)"), "x < 2, x > 5", "wrong_form"),
    (item("interval", "[2, 5)"), "x >= 2, x < 5", "wrong_form"),
    (item("interval", "[2, 5)"), "x >= 2 & x < 5", "wrong_form"),
    (item("interval", "(-inf, inf)"), "x >= 2, x < 5", "incorrect"),
    (item("interval", "(-inf, inf)"), "x >= 2 or x < 5", "wrong_form"),
    (item("interval", "(-inf, 2) ∪ (5, inf)"), "]-∞, 2[ ∪ ]5, ∞[", "correct"),
    (item("interval", "[2, 5)"), "[2; 5[", "correct"),
    (item("interval", "[2, 5)"), "]2, 5[", "incorrect"),
    (item("interval", "(-inf, 3]"), "(-Inf, 3]", "correct"),
    (item("interval", "(-inf, 3]"), "(-infinity, 3]", "correct"),
    (item("expression", "6pi"), "6Pi", "correct"),
    (item("expression", "P*i"), "Pi", "correct"),
    (item("expression", "1/3"), "0.(3)", "unreadable"),
    (item("equation", "x = 2 or x = -3"), "X=2 OR X=-3.", "correct"),
    (item("equation", "y = 3x - 2"), "y = 3x — 2.", "correct"),
    (item("set", "{}"), "Ø", "correct"),
    (item("set", "{1, 2}"), [2, 1], "correct"),
    (item("set", "{1, 2}"), "2; 1", "correct"),
    (item("set", "{1, 2}"), "{1, 3}", "incorrect"),
    (item("set", "{}"), "∅", "correct"),
    (item("matrix", "[[1, 2], [3, 4]]"), [[1, 2], ["3", "8/2"]], "correct"),
    (item("matrix", "[[1, 2], [3, 4]]"), "[1, 2; 3, 5]", "incorrect"),
    (item("matrix", "[[1, 2], [3, 4]]"), "[[1, 2], [3]]", "unreadable"),
    (item("matrix", "[[1, 2], [3, 4]]"), [[1, 2], {}], "unreadable"),
]


@pytest.mark.parametrize(("of", "response", "expected"), VERDICTS)
def test_verdicts(of: Item, response: object, expected: str) -> None:
    given = verdict(of, response)
    assert given.verdict == expected, given
    assert given.message or expected == "correct"


def test_a_known_wrong_way_is_told_in_its_authors_words() -> None:
    made = instance(LINE, "ab" * 32, 3)
    a, b = made.values["a"], made.values["b"]
    assert isinstance(b, Fraction)
    slip = graded(made, f"{a}x + {-b}")
    assert (slip.verdict, slip.misconception) == ("incorrect", "slip")
    assert slip.message == f"Look at the sign of {b}."
    assert graded(made, f"{a}x").misconception == "bare"
    assert [name for name, _ in made.wrong] == ["slip", "bare"]


def test_an_accepted_name_may_stand_before_the_expression() -> None:
    made = instance(LINE, "ab" * 32, 3)
    a, b = made.values["a"], made.values["b"]
    assert graded(made, f"f = {b} + {a}x").verdict == "correct"
    refused = graded(made, f"g = {b} + {a}x")
    assert (refused.verdict, refused.column) == ("unreadable", 3)
    assert graded(made, f"f = {a}x +").column == len(f"f = {a}x +") + 1


def test_notes_and_messages() -> None:
    assert verdict(item("expression", "1/3"), "0.33").note == "rounded"
    restated = verdict(item("expression", "5x", "Simplify $2x + 3x$."), "2x+3x")
    assert (restated.note, "carry out" in restated.message) == ("restated", True)
    assert verdict(item("expression", "x"), "x^" + "9" * 250 + "y").note == "too large"
    shape = verdict(item("matrix", "[[1, 2], [3, 4]]"), "[1, 2, 3]")
    assert "1 row and 3 columns" in shape.message


LOCALES = [
    (item("expression", "0.5x"), "0,5x", "sv", "0{,}5 x"),
    (item("expression", "1234.5x"), "1.234,5x", "de", "1234{,}5 x"),
    (item("set", "{1/2, 2}"), "{0,5; 2}", "sv", r"\left\{0{,}5; 2\right\}"),
    (item("interval", "[0.5, 2)"), "[0,5; 2)", "de", r"\left[0{,}5; 2\right)"),
    (item("expression", "0.5x"), "٠٫٥x", "ar", "0.5 x"),
]


@pytest.mark.parametrize(("of", "response", "locale", "read_as"), LOCALES)
def test_marks_of_the_learners_language(of: Item, response: str, locale: str, read_as: str) -> None:
    given = verdict(of, response, locale)
    assert given.verdict == "correct"
    if locale != "ar":
        assert given.read_as == read_as
    spelled = key_spelled(instance(of, "", 0), locale=locale)
    assert verdict(of, spelled, locale).verdict == "correct"


def test_a_reading_never_judges_and_underlines_what_reads_in_two_ways() -> None:
    made = instance(item("expression", "3x - 2"), "", 0)
    assert reading(made, "1/2x") == (r"\underline{\frac{1}{2} x}", None, None)
    text, column, why = reading(made, "3x+")
    assert (text, column) == ("3x+", 4)
    assert why is not None
    rows = instance(item("matrix", "[[1, 2], [3, 4]]"), "", 0)
    assert reading(rows, "[[1,2],[3,4]]")[0] == r"\begin{bmatrix}1 & 2 \\ 3 & 4\end{bmatrix}"


KEYS: list[tuple[AnswerKind, str, dict[str, Any], str]] = [
    ("expression", "a*x + b", {"a": 3, "b": -2}, "3*x - 2"),
    ("expression", "a*x + b", {"a": 1, "b": 0}, "x"),
    ("expression", "a*x + b", {"a": -1, "b": Fraction(1, 2)}, "-x + 1/2"),
    ("expression", "a*x + b", {"a": Fraction(2, 3), "b": 5}, "(2/3)*x + 5"),
    ("expression", "a x^2 + b x + c", {"a": 2, "b": -3, "c": 1}, "2*x^2 - 3*x + 1"),
    ("expression", "(x - a)(x + b)", {"a": 3, "b": -5}, "(x - 3)*(x - 5)"),
    ("expression", "a - (b - x)", {"a": 3, "b": 2}, "3 - (2 - x)"),
    ("expression", "(c - b)/a", {"a": 2, "b": 4, "c": 9}, "5/2"),
    ("expression", "a/x", {"a": -3}, "-3/x"),
    ("expression", "x^a", {"a": -2}, "x^(-2)"),
    ("expression", "a^x", {"a": -6}, "(-6)^x"),
    ("expression", "a^2 x", {"a": 3}, "9*x"),
    ("expression", "2^a*3^b", {"a": 3, "b": 2}, "2^3*3^2"),
    ("expression", "sqrt(a)", {"a": 9}, "3"),
    ("expression", "sqrt(a)", {"a": 8}, "sqrt(8)"),
    ("expression", "gcd(a, b) x", {"a": 4, "b": 6}, "2*x"),
    ("expression", "3 f", {"f": "2y + 1"}, "3*(2*y + 1)"),
    ("expression", "log_a(x)", {"a": 2}, "log_2(x)"),
    ("expression", "root(a x, 3)", {"a": 2}, "root(2*x, 3)"),
    ("expression", "|x - a|", {"a": -2}, "abs(x + 2)"),
    ("expression", "a ± sqrt(b)", {"a": 1, "b": 3}, "1 ± sqrt(3)"),
    ("equation", "a x + b < c", {"a": 2, "b": -1, "c": 3}, "2*x - 1 < 3"),
    ("equation", "x = a or x = b", {"a": 3, "b": -1}, "x = 3 or x = -1"),
    ("interval", "(-inf, a] ∪ (b, inf)", {"a": -2, "b": 5}, "(-inf, -2] ∪ (5, inf)"),
    ("set", "{a, -a}", {"a": 3}, "{3, -3}"),
    ("matrix", "[[a, b], [1, 2]]", {"a": 1, "b": -1}, "[[1, -1], [1, 2]]"),
    ("matrix", "[a, b; 1, 2]", {"a": 1, "b": -1}, "[1, -1; 1, 2]"),
]


@pytest.mark.parametrize(("kind", "value", "values", "text"), KEYS)
def test_a_key_is_printed_with_its_numbers_and_accepts_itself(
    kind: AnswerKind, value: str, values: dict[str, Any], text: str
) -> None:
    spec = AnswerSpec(kind=kind, value=value)
    assert put_in(key_code(value, spec, frozenset(values)), values, spec) == text
    made = instance(item(kind, text), "", 0)
    assert graded(made, text).verdict == "correct"


def test_a_key_keeps_the_products_that_its_form_asks_for() -> None:
    params = {"p": {"choice": [2]}, "q": {"choice": [3]}}
    of = item("expression", "p*q", form="prime-factors", params=params)
    assert instance(of, "", 0).key == "2*3"
    assert verdict(of, "6").verdict == "wrong_form"


@pytest.mark.parametrize(
    ("value", "params"),
    [("velocity*a", "a"), ("gcd(a, x)", "a"), ("a*x +", "a"), ("1/(a - a)", "a")],
)
def test_a_faulty_key_is_refused(value: str, params: str) -> None:
    spec = AnswerSpec(kind="expression", value=value)
    with pytest.raises(ExpressionError):
        put_in(key_code(value, spec, frozenset(params)), dict.fromkeys(params, 2), spec)


_KINDS: list[tuple[AnswerKind, str]] = [
    ("expression", "2^x + sqrt(2)"),
    ("expression", "x^2 - 1"),
    ("equation", "x = 2 or x = 3"),
    ("interval", "(-inf, 3] ∪ (5, inf)"),
    ("set", "{1, sqrt(2), x}"),
    ("matrix", "[[1, x], [3, 4]]"),
]
_ANSWERS = [instance(item(kind, value), "", 0) for kind, value in _KINDS]
_WORDS = st.lists(
    st.sampled_from(
        ["x", "2", "1/2", "0", "+", "-", "*", "/", "^", "(", ")", "[", "]", "{", "}", ",", ";", "=",
         "<", "≥", "|", "±", "∪", "sqrt", "sin ", "log_2", r"\frac{1}{x}", "!", "%", "inf", " or ",
         r"\begin{bmatrix}", r"\end{bmatrix}", "&", r"\\", "999", ".5"]
    ),
    max_size=12,
).map("".join)  # fmt: skip
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(_WORDS, _WORDS, st.text(max_size=30), _JSON), st.sampled_from(_ANSWERS))
def test_no_response_raises(response: object, made: Any) -> None:
    given = graded(made, response)
    assert given.verdict in ("correct", "incorrect", "wrong_form", "unreadable")
    assert given.verdict != "unreadable" or "It does not count as a try." in given.message
