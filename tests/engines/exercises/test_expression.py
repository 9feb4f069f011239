from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.expression import evaluated, parsed
from engines.exercises.lexer import NOTATION, NUMBER, TEMPLATE, Dialect
from engines.exercises.limits import ExpressionError, TooLarge

F = Fraction
RIGHT = [
    ("-3^2", -9),
    ("2^-3", F(1, 8)),
    ("2^3^2", 512),
    ("-2^2^3", -256),
    ("1/2*3", F(3, 2)),
    ("2 - -3", 5),
    ("3! + 50%", F(13, 2)),
    ("gcd(12, 18) + lcm(4, 6)", 18),
    ("min(3, 1/2, 2) + max(1, 2)", F(5, 2)),
    ("abs(-3) + sign(-5) + floor(-1/2) + ceil(1/2)", 2),
    ("mod(-7, 3)", 2),
    ("round(5/2) + round(1/3, 1)", F(33, 10)),
    ("choose(5, 2)", 10),
    ("isprime(97)", True),
    ("sqrt(9/4)", F(3, 2)),
    ("if(1 > 2, 1/0, 5)", 5),
    ("if(2 > 1, if(1 = 1, 7, 8), 1/0)", 7),
    ("0 != 0 and 1/0 > 1", False),
    ("1 = 1 or 1/0 > 1", True),
    ("not 1 = 2", True),
    ("1 < 2 and 2 <= 2 and 3 ≠ 4", True),
    ("(2)(3)", 6),
    ("2(3 + 4)", 14),
    ("'a' = 'a'", True),
    ("len('abc')", 3),
]


@pytest.mark.parametrize(("text", "value"), RIGHT)
def test_a_template_expression_has_its_exact_value(text: str, value: object) -> None:
    assert evaluated(parsed(text, TEMPLATE)) == value


def test_names_lists_and_indices() -> None:
    assert evaluated(parsed("a*x + l[1]"), {"a": 2, "x": F(1, 2), "l": (4, 5)}) == 6
    assert parsed("a*x + l[1]").names == {"a", "x", "l"}
    with pytest.raises(ExpressionError, match="index from 0 to 1"):
        evaluated(parsed("l[2]"), {"l": (4, 5)})
    with pytest.raises(ExpressionError, match=r"column 5.*known name"):
        evaluated(parsed("a + b"), {"a": 1})


READ = [
    ("1 1/2", F(3, 2)),
    ("-1 1/2", F(-3, 2)),
    (r"1\frac{1}{2}", F(3, 2)),
    (r"\frac{-55}{84}", F(-55, 84)),
    (r"\frac12 + 1", F(3, 2)),
    (r"$\dfrac{1}{2}$", F(1, 2)),
    (r"2 \cdot 3 \times 4 \div 6", 4),
    (r"\left(3\right)", 3),
    (r"75\%", F(3, 4)),
    ("2½", F(5, 2)),
    ("½", F(1, 2)),
    ("3²", 9),
    ("2⁻²", F(1, 4)),
    ("3 × 4 ÷ 6 − 1", 1),
    ("1,234,567.5", F(2469135, 2)),
    ("10\u202f000", 10000),
    ("٣٫٥", F(7, 2)),
    ("١٢", 12),
    ("２＋３", 5),
    ("2**3", 8),
    ("max(1,234)", 234),
    (".5", F(1, 2)),
    ("5.", 5),
]


@pytest.mark.parametrize(("text", "value"), READ)
def test_an_answer_is_read(text: str, value: object) -> None:
    assert evaluated(parsed(text, NUMBER)) == value


REFUSED = [
    ("", 1, "a number"),
    ("3+", 3, "a number"),
    (")", 1, "no bracket"),
    ("((1)", 5, "')'"),
    ("(1]", 3, "')'"),
    ("2 3", 3, "a sign"),
    ("1,5", 2, "decimal point"),
    ("1.2.3", 4, "a sign"),
    ("12 apples", 4, "a number"),
    ("3 # 4", 3, "a number or a sign"),
    (r"\frac{1}", 9, "fraction"),
    (r"\frac{1}{2", 11, "fraction"),
    (r"\alpha", 1, "a number"),
    ("gcd 3", 4, "'('"),
    ("gcd()", 5, "a number"),
    ("mod(1)", 6, "2 values"),
    ("*3", 1, "a number"),
    ("'a'", 1, "a number"),
    ("1 and 2", 3, "a number"),
]


@pytest.mark.parametrize(("text", "column", "expected"), REFUSED)
def test_a_refusal_names_column_and_what_was_expected(
    text: str, column: int, expected: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        parsed(text, NUMBER)
    assert (refused.value.column, expected in refused.value.expected) == (column, True)


@pytest.mark.parametrize(
    "text", ["1 < 2 < 3", "gdc(2, 3)", "1 1/2", "a b", "a(2)", "$1$", "if(1, 2)", "not", "l[", "x]"]
)
def test_a_template_refuses(text: str) -> None:
    with pytest.raises(ExpressionError):
        parsed(text, TEMPLATE)


@pytest.mark.parametrize(
    "text",
    ["1/0", "0^-1", "2^(1/2)", "sqrt(2)", "(1/2)!", "mod(1, 0)", "gcd(1/2)", "'a' + 1", "len(3)"],
)
def test_what_has_no_exact_value_is_refused_with_a_column(text: str) -> None:
    with pytest.raises(ExpressionError, match="column"):
        evaluated(parsed(text, TEMPLATE))


@pytest.mark.parametrize(
    "text",
    [
        "1" * 301,
        "(" * 61 + "1" + ")" * 61,
        "-" * 61 + "1",
        "^".join("1" * 70),
        "2^1001",
        "2^-1001",
        "101!",
        "9999999^999",
        "((9^999)^2)",
        "choose(2000, 2)",
        "isprime(2^65)",
    ],
)
def test_each_limit_is_told_as_too_large(text: str) -> None:
    with pytest.raises(TooLarge):
        evaluated(parsed(text, TEMPLATE))


def test_a_long_flat_sum_is_no_deep_one() -> None:
    assert evaluated(parsed("+".join("1" * 150), NUMBER)) == 150


def test_python_is_never_evaluated() -> None:
    for text in ("__import__('os')", "().__class__", "lambda: 1", "a.b", "[1]*9", "{1:2}", "`1`"):
        with pytest.raises(ExpressionError):
            evaluated(parsed(text, TEMPLATE), {"a": 1})


_SIGNS = st.text(alphabet="0123456789+-*/^()[]{},.!%=<>xyab \\½²٣$'\"−frac", max_size=40)


@settings(max_examples=200)
@given(st.one_of(_SIGNS, st.text(max_size=40)), st.sampled_from([TEMPLATE, NUMBER, NOTATION]))
def test_any_text_is_read_or_refused_inside_itself(text: str, dialect: Dialect) -> None:
    try:
        evaluated(parsed(text, dialect), {})
    except ExpressionError as refused:
        column, expected = refused.column, refused.expected
    else:
        column, expected = 1, "anything"
    assert 1 <= column <= max(len(text), 1) + 1
    assert expected


Pair = tuple[str, Fraction]


def _joined(parts: tuple[Pair, str, Pair]) -> Pair:
    (a, x), sign, (b, y) = parts
    return f"({a} {sign} {b})", {"+": x + y, "-": x - y, "*": x * y}[sign]


_NUMBERS = st.integers(0, 50).map(lambda n: (str(n), F(n)))
_TREES = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(_joined),
        inner.map(lambda p: (f"(-{p[0]})", -p[1])),
        st.tuples(inner, st.integers(1, 9)).map(lambda t: (f"({t[0][0]}/{t[1]})", t[0][1] / t[1])),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: (f"({t[0][0]}^{t[1]})", t[0][1] ** t[1])),
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(_TREES)
def test_a_tree_has_the_value_it_was_made_with(tree: Pair) -> None:
    text, value = tree
    if len(text) <= 300:
        for dialect in (TEMPLATE, NUMBER):
            assert evaluated(parsed(text, dialect)) == value
