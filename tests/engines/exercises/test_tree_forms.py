"""Forms of expressions, on the answer as it was written: what has each, and what has not."""

from __future__ import annotations

import pytest

from engines.exercises.answer_grammar import answer_code
from engines.exercises.answer_lexer import answer_dialect
from engines.exercises.forms import FORM_NAMES, asks_for, form_named
from engines.exercises.reading import number_read

HELD = {
    "any": ["x", "2x/4", "x = 3", "0.5", "x + x", "(x + 1)(x - 1)", "sqrt(8)", "1/x", "2^3", "-x"],
    "integer": [
        "3", "-3", "x = 3", "2x + 1", "x^2 - 4", "(5)", "x = -3", "2(x + 1)", "x^(1/2)", "-4x",
    ],
    "lowest-terms": [
        "3/4", "x = 3/4", "x/2", "2x/3", "-3/4 x", "x^2 + 1/2", "(x + 1)/(x - 1)", "3", "x = -1/2",
        "(2x + 1)/4", "x/y", "1/(2x)", "(x^2 + 1)/(x + 1)",
    ],
    "mixed": ["1 1/2", "x = 2 1/3", "3", "3/4", "-1 1/2", "x = 5", "2½", "½", "0", "x = -3/4"],
    "decimal": [
        "0.5", "x = 0.5", "2.5x", "1.5x + 2", "3", "-0.25", "x^2 + 0.1", "0.1(x + 1)", "x = -2",
        "1.25",
    ],
    "decimal(1)": [
        "0.5", "x = 2.0", "1.5x + 2.5", "-3.0", "10.0", "0.1x^2", "x = -0.5", "(1.5)", ".5", "7.5x",
    ],
    "sigfig(3)": [
        "1.23", "0.0120", "123", "1200", "12.0", "1.20*10^5", "-4.56", "x = 0.123", "100",
        "9.99*10^-3", "(456)", "x = 1.50",
    ],
    "scientific": [
        "2.4*10^9", "1*10^3", "-5.5*10^-3", "9.99*10^2", "x = 3.2*10^4", "1.0*10^0", "0",
        "7*10^-12", r"2.4\cdot 10^{9}", "6.02·10²³",
    ],
    "expanded": [
        "x^2 + 2x + 1", "x", "3", "2x - 6", "-x^2 + 1", "x^2 - y^2", "2xy", "x/2 + 1", "-(-x)",
        "sqrt(2) x + 1", "x^2 = 4", "(x)(y)", "2*3",
    ],
    "collected": [
        "3x", "2x + 1", "x^2 + x + 1", "x + y", "5", "-x", "x/2 + 1", "2x^2 - 3x", "xy + x",
        "(x + 1)/2", "2(x + 1)^2", "sqrt(2) + 1", "3x + sqrt(2)", "2.5*10^3",
    ],
    "factored": [
        "(x + 1)(x - 2)", "2(x + 1)", "x(x + 3)", "(x + 1)^2", "x + 1", "x^2 + 1", "3x",
        "-(x - 1)(x + 1)", "2x(3x - 1)", "x^2", "(x - y)(x + y)", "(x^2 + 2)(x - 1)",
        "(x + 1)(y + 1)", "6", "(x + 1)(x - 1)/2",
    ],
    "prime-factors": [
        "2^2*3*5", "7", "2*2*3", "3·5²", "2^3", "-2*3", r"2^2 \cdot 5", "2*3*5*7", "101", "13^2",
        "1", "97*89",
    ],
    "rational-denominator": [
        "sqrt(2)/2", "3", "x/2", "(1 + sqrt(3))/2", "2/x", "sqrt(2)", "sqrt(2/3)", "2^(-1)",
        "5 sqrt(5)/25", "1/(x + 1)", "x^(1/2)",
    ],
    "simplified-root": [
        "sqrt(2)", "2 sqrt(3)", "sqrt(6)/2", "3", "root(2, 3)", "2 root(5, 3)", "sqrt(30)",
        "1 + sqrt(5)", "sqrt(x)", "sqrt(2x)", "sqrt(x + 1)", "x sqrt(x)", "root(4, 3)",
    ],
    "solved-for(x)": [
        "x = 3", "3 = x", "x = 2y + 1", "x < 4", "x ≥ -1", "x = a/b", "5 < x", "x = ±2",
        "x ≠ 0", "x = sqrt(2)", "(x) = 3",
    ],
    "no-parentheses": [
        "2x + 2", "x^2 + 2x + 1", "x", "3", "-x", "x^(1/2)", "x^(n+1)", "sqrt(x)", "2*3", "x/2",
        r"\frac{x + 1}{2}", "x = 3",
    ],
    "expanded & collected": [
        "x^2 + 2x + 1", "2x + 2", "x", "3", "x^2 - 1", "-x + 4", "xy + 1", "x/2 + 3", "5x^3",
        "2x^2 + 3xy + y^2",
    ],
}  # fmt: skip
MISSED = {
    "integer": [
        "1/2", "0.5", "x = 3/4", "2x + 1/2", "x/2", "3.0", "6/2", "50%", "1 1/2", "2 + 1", "2.0x",
    ],
    "lowest-terms": [
        "6/8", "x = 6/8", "2x/4", "(2x + 2)/4", "0.5x", "x = 0.75", "x^2/x", "(x^2 - 1)/(x - 1)",
        "2/(4x)", "x/(-2)", "3/-4", "(x + 1)/(2x + 2)", "50% x", "4/2 x", "(a b)/(a c)",
    ],
    "mixed": [
        "3/2", "x = 7/3", "1.5", "1 2/4", "150%", "x = 1 3/2", "-5/4", "2/2", "1 + 1/2", "6/8",
    ],
    "decimal": [
        "1/2", "x = 1/2", "x/2 + 1/2", "50%", "1 1/2", "3/4 x", "1/2 + 0.5", "x = 3/1", "½",
        "2.5/5",
    ],
    "decimal(1)": [
        "0.55", "3", "1/2", "0.50", "1.5x + 2", "x = 2", "50%", "2.25x", "1 1/2", "x = 0.25",
    ],
    "sigfig(3)": [
        "1.2", "0.012", "1234", "12", "1.2*10^5", "1/3", "4.560", "0.0012", "10.00", "x = 7",
        "1/2 + 1/3",
    ],
    "scientific": [
        "24*10^8", "0.5*10^3", "2400", "2.4", "10*10^2", "2*5^3", "1/2", "10^5", "-12*10^3",
        "2.4*10^9 + 1", "5*10^(1/2)",
    ],
    "expanded": [
        "(x + 1)^2", "2(x + 3)", "x(x + 1)", "(x + 1)(x - 1)", "-(x + 1)", "(x + 1)^2/2",
        "3 - (x + 2)", "2(x + 1) + 3", "(x - y)(x + y)", "x^2 = (x + 1)*2", "(2x - 1)^3",
    ],
    "collected": [
        "x + x", "2x + 3x", "1 + 2", "x + 1 + 2", "x*x", "2*3x", "x^2*x", "xy + yx", "2x + x/2",
        "2(x + 1) + x", "sqrt(2) + sqrt(2)", "x + 0", "x - x", "-(x + 1) + 2x", "2(x + 1)",
        "5(x + 3/5)", "x(y + 1)", "(x + 1)(x + 2)",
    ],
    "factored": [
        "x^2 - 1", "2x + 4", "x^2 + 3x", "x^2 + 2x + 1", "(2x + 2)(x + 3)", "x^2 - y^2", "4x - 2",
        "x(x^2 - 4)", "(x^2 - 1)(x + 2)", "xy + x + y + 1", "x/2 + 1/2", "x^3 - x",
        "(x^2 - 5x + 6)^2", "x^2 + 3xy + 2y^2",
    ],
    "prime-factors": [
        "60", "4*15", "2^2*15", "6^2", "2 + 3", "1.5*2", "2*x", "9", "2*(3 + 4)", "1/2", "3^-1",
        "2^(1/2)",
    ],
    "rational-denominator": [
        "1/sqrt(2)", "2/(1 + sqrt(3))", "sqrt(3)/sqrt(2)", "1/(2 sqrt(5))", "x/sqrt(x)", "√2/√3",
        "1/root(2, 3)", "sqrt(2)^(-1)", "1/2^(1/2)", "1 + 1/sqrt(2)", "x = 1/√3",
    ],
    "simplified-root": [
        "sqrt(8)", "sqrt(12)/2", "sqrt(4)", "sqrt(1/2)", "sqrt(2)*sqrt(3)", "root(16, 3)",
        "sqrt(0.5)", "sqrt(50) + 1", "sqrt(x^2)", "sqrt(4x)", "sqrt(x^3)", "sqrt(1)",
        "sqrt(4x + 8)", "sqrt(x/2)", "sqrt(2)sqrt(2)",
    ],
    "solved-for(x)": [
        "2x = 6", "x", "3", "y = 3", "x + 1 = 4", "x = x + 1", "x^2 = 4", "-x = 3", "1 < x < 3",
        "x/2 = 1", "x = 2x", "sqrt(x) = 2",
    ],
    "no-parentheses": [
        "2(x + 1)", "(x + 1)^2", "(x)", "-(x + 1)", "(2)(3)", "x(x + 1)", "3 - (x - 1)",
        "(x + 1)/2", "1/(2x)", "2 + (3)", "x = (3)",
    ],
    "expanded & collected": [
        "(x + 1)^2", "x + x", "2(x + 1)", "x^2 + x + x", "1 + 2", "x*x", "(x + 1) + (x + 1)",
        "3x - x", "x(x + 1)", "2x*3",
    ],
}  # fmt: skip
_MIXED = ("mixed", "integer", "decimal", "decimal(1)", "lowest-terms")


def fits(form: str, text: str) -> bool:
    code = answer_code(text, answer_dialect(mixed=form in _MIXED))
    return form_named(form).fits(code)


@pytest.mark.parametrize("form", HELD)
def test_a_form_takes(form: str) -> None:
    assert [text for text in HELD[form] if not fits(form, text)] == []
    assert len(HELD[form]) >= 10


@pytest.mark.parametrize("form", MISSED)
def test_a_form_refuses(form: str) -> None:
    assert [text for text in MISSED[form] if fits(form, text)] == []
    assert len(MISSED[form]) >= 10


def test_every_form_has_its_examples() -> None:
    names = {name.partition("(")[0] for name in FORM_NAMES}
    assert {name.partition("(")[0] for name in HELD} >= names
    assert {name.partition("(")[0] for name in MISSED} >= names - {"any"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lowest-terms", "Write it in lowest terms."),
        ("decimal(1)", "Write it as a decimal with 1 place."),
        ("sigfig(3)", "Write it with 3 significant figures."),
        ("factored", "Write it as a product, fully factored."),
        ("prime-factors", "Write it as a product of primes."),
        ("solved-for(y)", "Write it solved for y."),
        ("any & collected", "Write it with like terms collected."),
    ],
)
def test_a_form_is_asked_for_in_a_sentence(name: str, sentence: str) -> None:
    assert asks_for(name) == sentence


@pytest.mark.parametrize("name", ["pretty", "sigfig(0)", "decimal(", "solved-for()", "a & b"])
def test_an_unknown_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected one of any, integer"):
        form_named(name)


@pytest.mark.parametrize(
    ("form", "text", "held"),
    [
        ("prime-factors", "2^2*3", True),
        ("prime-factors", "12", False),
        ("prime-factors", "13", True),
        ("sigfig(2)", "1200", True),
        ("sigfig(5)", "1200", False),
        ("sigfig(2)", "0.0", True),
        ("scientific", "2.4E9", True),
        ("scientific", "24E8", False),
        ("scientific", "-2.4*10^-3", True),
        ("no-parentheses", "(5)", True),
        ("factored", "3/4", True),
    ],
)
def test_a_form_of_a_number(form: str, text: str, held: bool) -> None:
    assert form_named(form).holds(number_read(text)) is held


def test_large_answers_are_judged_within_the_budget() -> None:
    for text in ("(x+1)^30*(x+2)^30", "+".join(f"{a}x" for a in "abcdefgh" * 4), "x^30+1"):
        assert form_named("factored").fits(answer_code(text)) in (True, False)
    assert not fits("factored", "(x^2-1)^30")
