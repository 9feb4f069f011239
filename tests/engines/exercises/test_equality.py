from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises import analytic, surds
from engines.exercises.answer_grammar import answer_code
from engines.exercises.answer_lexer import answer_dialect
from engines.exercises.equality import (
    PLAIN,
    Rules,
    links,
    same_link,
    same_relations,
    same_value,
)
from engines.exercises.gathered import same_intervals, same_matrix, same_set
from engines.exercises.limits import ExpressionError, TooLarge
from engines.exercises.pieces import Ops
from engines.exercises.programs import (
    ALGEBRAIC,
    ANALYTIC,
    RATIONAL,
    SURD,
    exact_root,
    program,
)
from engines.exercises.residues import LARGER_PRIME, PRIME

COMPLEX = Rules(imaginary=True)
STRICT = Rules(strict=True)
LISTS = answer_dialect(lists=True)


def ops(text: str, rules: Rules = PLAIN, *, lists: bool = False) -> Ops:
    return answer_code(text, answer_dialect(imaginary=rules.imaginary, lists=lists)).ops


RUNGS = [
    (RATIONAL, "6/8 + sqrt(9/4) - 8^(1/3) + |-2| + 50%"),
    (SURD, "sqrt(8) - 1/(2 - sqrt(3)) + 2^(3/2)"),
    (ALGEBRAIC, "x/(x^2 - sqrt(2)) + pi"),
    (ANALYTIC, "2^x"),
    (ANALYTIC, "sin(1)"),
    (ANALYTIC, "sqrt(x)"),
    (ANALYTIC, "root(2, 3)"),
    (ANALYTIC, "|x|"),
    (ANALYTIC, "n!"),
]


@pytest.mark.parametrize(("rung", "text"), RUNGS)
def test_the_rung_of_an_expression(rung: int, text: str) -> None:
    assert program(ops(text)).rung == rung


EQUAL = [
    ("(-6)^n", "(-6)^n"),
    ("-6^2", "-36"),
    ("0.75", "3/4"),
    ("6/8", "3/4"),
    ("75%", "3/4"),
    ("2.4*10^9", "2400000000"),
    ("8^(2/3)", "4"),
    ("(-8)^3", "-512"),
    ("root(-8, 3)", "-2"),
    ("sqrt(12)", "2sqrt(3)"),
    ("1/(sqrt(2) - 1)", "1 + sqrt(2)"),
    ("sqrt(2) sqrt(3)", "sqrt(6)"),
    ("sqrt(1/2)", "sqrt(2)/2"),
    ("(1 + sqrt(5))^2/4", "(3 + sqrt(5))/2"),
    ("|1 - sqrt(2)|", "sqrt(2) - 1"),
    ("2^(1/2)", "sqrt(2)"),
    ("sqrt(1018081)", "1009"),
    ("sqrt(2*1009^2)", "1009 sqrt(2)"),
    ("(x+1)(x-1)", "x^2 - 1"),
    ("(x+1)^2", "x^2 + 2x + 1"),
    ("x/2 + y/3", "(3x + 2y)/6"),
    ("1/x - 1/(x+1)", "1/(x(x+1))"),
    ("(x^2-1)/(x-1)", "x + 1"),
    ("x^-2", "1/x^2"),
    ("sqrt(8) x", "2x sqrt(2)"),
    ("x/(sqrt(2) - 1)", "x sqrt(2) + x"),
    ("sqrt(2*1009^2) x", "1009 x sqrt(2)"),
    ("2 pi r", "pi*2r"),
    ("180°", "pi"),
    ("sin(2x)", "2 sin x cos x"),
    ("sin^2 x + cos^2 x", "1"),
    ("tan x", "sin x/cos x"),
    ("ln(x^2)", "2 ln x"),
    ("ln(xy)", "ln x + ln y"),
    ("log_2(8x)", "3 + log_2 x"),
    ("log 100", "2"),
    ("e^(ln x)", "x"),
    ("exp(2x)", "(e^x)^2"),
    ("2^(x+1)", "2*2^x"),
    ("4^x", "2^(2x)"),
    ("x^(1/2)", "sqrt(x)"),
    ("sqrt(x^2)", "|x|"),
    ("sqrt(x) sqrt(y)", "sqrt(xy)"),
    ("(-6)^(n+1)", "-6 (-6)^n"),
    ("(n+1)!", "(n+1) n!"),
    ("asin(x) + acos(x)", "pi/2"),
    ("sqrt(x-3)^2", "x-3"),
]
UNEQUAL = [
    ("(-6)^n", "-6^n"),
    ("-6^2", "(-6)^2"),
    ("2400000000", "2400000001"),
    ("2400000000x", "2400000001x"),
    ("2400000000 x sqrt(2)", "2400000001 x sqrt(2)"),
    ("2400000000 pi", "2400000001 pi"),
    ("0.33", "1/3"),
    ("3.14", "pi"),
    ("1.41421356237309504880", "sqrt(2)"),
    ("sqrt(2) + sqrt(3)", "sqrt(5)"),
    ("sqrt(10^30 + 1)", "10^15"),
    (f"x + {PRIME}", "x"),
    (f"x + {PRIME}*x", "x"),
    ("(x+1)^2", "x^2 + 1"),
    ("x/y", "y/x"),
    ("x", "y"),
    ("sqrt(x^2)", "x"),
    ("|x|", "x"),
    ("2^x + 1", "2^(x+1)"),
    ("sin(x^2)", "sin(x)^2"),
    ("ln(x+y)", "ln x + ln y"),
    ("sqrt(x+y)", "sqrt(x) + sqrt(y)"),
    ("x^3", "x^2"),
    ("e^x", "x^e"),
    ("n!", "n^2"),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_values_are_equal_both_ways(a: str, b: str) -> None:
    assert same_value(ops(a), ops(b))
    assert same_value(ops(b), ops(a))


@pytest.mark.parametrize(("a", "b"), UNEQUAL)
def test_unequal_values_are_not(a: str, b: str) -> None:
    assert not same_value(ops(a), ops(b))
    assert not same_value(ops(b), ops(a))


WITH_I = [
    ("(2+i)^2", "3+4i", True),
    ("sqrt(-4)", "2i", True),
    ("1/i", "-i", True),
    ("sqrt(-2) sqrt(-3)", "-sqrt(6)", True),
    ("(x+i)(x-i)", "x^2+1", True),
    ("3+4i", "3-4i", False),
    ("i x", "x", False),
]


@pytest.mark.parametrize(("a", "b", "equal"), WITH_I)
def test_i_is_exact(a: str, b: str, equal: bool) -> None:
    assert same_value(ops(a, COMPLEX), ops(b, COMPLEX), COMPLEX) is equal


def test_without_i_a_root_of_a_negative_number_has_no_value() -> None:
    for text in ("sqrt(-4)", "x sqrt(-2)"):
        with pytest.raises(ExpressionError, match="not negative"):
            same_value(ops(text), ops("x"))


POLES = [
    ("x/x", "1", False),
    ("(x^2-1)/(x-1)", "x+1", False),
    ("(x+1)/(x^2-1)", "(x+1)/((x-1)(x+1))", True),
    ("1/(2x)", "(1/2)/x", True),
    ("x^-1", "1/x", True),
    ("y/(x y)", "1/x", False),
    ("1/x + 1/x^2", "(x+1)/x^2", True),
]


@pytest.mark.parametrize(("a", "b", "equal"), POLES)
def test_removable_poles_count_only_where_the_domain_does(a: str, b: str, equal: bool) -> None:
    assert same_value(ops(a), ops(b))
    assert same_value(ops(a), ops(b), STRICT) is equal


def test_whole_variables_stand_for_whole_numbers() -> None:
    whole = Rules(integers=frozenset("n"))
    assert same_value(ops("cos(2 pi n)"), ops("1"), whole)
    assert not same_value(ops("cos(2 pi n)"), ops("1"))


@pytest.mark.parametrize("text", ["1/0", "1/(x-x)", "x/(2-2)", "0^-1", "log_1(x)", "(x-x)^-1"])
def test_what_has_no_value_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        same_value(ops(text), ops("x"))


@pytest.mark.parametrize("text", ["x^1001", "((x^1000)^1000)^2", "101!", "9999^999", "root(x, 0)"])
def test_limits_are_told_or_values_are_none(text: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        same_value(ops(text), ops("2x"))
    assert isinstance(refused.value, TooLarge) or "value" in refused.value.expected


LINKS = [
    ("2x = 4", "x = 2", True),
    ("y = 3x - 2", "3x - y = 2", True),
    ("y/2 = x", "y = 2x", True),
    ("pi x = pi", "x = 1", True),
    ("2^x = 8", "3*2^x = 24", True),
    ("x sqrt(2) = 2", "x = sqrt(2)", True),
    ("2x < 6", "3 > x", True),
    ("-x > -3", "x < 3", True),
    ("x != 3", "3 != x", True),
    ("1 + 1 = 2", "2 = 1 + 1", True),
    ("x = x", "x + 0 = x", True),
    ("x = 2", "x = 3", False),
    ("x^2 = x", "x = 1", False),
    ("x < 3", "x > 3", False),
    ("x < 3", "x <= 3", False),
    ("x = 3", "x < 3", False),
    ("x = x", "x = 2", False),
    ("x = x", "2x = 2x", False),
    ("2400000000x = 1", "2400000001x = 1", False),
]


@pytest.mark.parametrize(("a", "b", "equal"), LINKS)
def test_relations_agree_by_one_constant_factor(a: str, b: str, equal: bool) -> None:
    (first,), (second,) = links(ops(a)), links(ops(b))
    assert same_link(first, second) is equal
    assert same_link(second, first) is equal


RELATIONS = [
    ("2 < x <= 5", "5 >= x > 2", True),
    ("2 < x <= 5", "x > 2 and x <= 5", True),
    ("2 < x <= 5", "4 < 2x <= 10", True),
    ("2 < x <= 5", "2 < x < 5", False),
    ("x = ±3", "x = 3 or x = -3", True),
    ("x = ±3", "x = 3, x = -3", True),
    ("x = 3 or x = -3", "x = -3 or x = 3", True),
    ("x = 3 or x = -3", "x = 3 and x = -3", False),
    ("x = 2, y = 3", "y = 3 and x = 2", True),
    ("x = 2, y = 3", "x = 3, y = 2", False),
    ("x = 2, y = 3", "x = 2", False),
]


@pytest.mark.parametrize(("a", "b", "equal"), RELATIONS)
def test_chains_cases_and_systems(a: str, b: str, equal: bool) -> None:
    assert same_relations(ops(a, lists=True), ops(b, lists=True)) is equal
    assert same_relations(ops(b, lists=True), ops(a, lists=True)) is equal


INTERVALS = [
    ("[2, 5)", "[4/2, sqrt(25))", True),
    ("[2, 5)", "2 <= x < 5", True),
    ("[2, 5)", "x in [2, 5)", True),
    ("[2, 5)", "[2, 5]", False),
    ("(-inf, 3] ∪ (5, inf)", "(5, inf) U (-inf, 3]", True),
    ("(-inf, 3] ∪ (5, inf)", "x <= 3 or x > 5", True),
    ("(1, 3) ∪ [2, 5]", "(1, 5]", True),
    ("(1, 2) ∪ [2, 5]", "(1, 5]", True),
    ("(1, 2) ∪ (2, 5]", "(1, 5]", False),
    ("(1, 2) ∪ {2} ∪ (2, 5]", "(1, 5]", True),
    ("(1, sqrt(2))", "(1, 1.41)", False),
    ("(-inf, inf)", "R", True),
    ("x != 3", "(-inf, 3) ∪ (3, inf)", True),
    ("{3}", "[3, 3]", True),
    ("{}", "∅", True),
    ("{}", "(1, 2)", False),
    ("[a, a + b]", "[a, b + a]", True),
    ("[a, b]", "[b, a]", False),
]


@pytest.mark.parametrize(("a", "b", "equal"), INTERVALS)
def test_intervals_and_unions(a: str, b: str, equal: bool) -> None:
    assert same_intervals(ops(a, lists=True), ops(b, lists=True)) is equal
    assert same_intervals(ops(b, lists=True), ops(a, lists=True)) is equal


@pytest.mark.parametrize("text", ["[5, 2]", "(2, 2)", "[-inf, 3)", "(inf, 3)", "5", "{1} + 2"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        same_intervals(ops(text, lists=True), ops("(1, 2)", lists=True))


SETS = [
    ("{1, 2}", "2, 1", True),
    ("{1, 2}", "{1, 2, 4/2}", True),
    ("{1, 2}", "x = 1 or x = 2", True),
    ("{1, 2}", "{1} ∪ {2}", True),
    ("{1, 2}", "{1}", False),
    ("{1, 2}", "{1, 3}", False),
    ("{sqrt(2), -sqrt(2)}", "x = ±sqrt 2", True),
    ("{(1, 2), (3, 4)}", "(3, 4), (1, 2)", True),
    ("{(1, 2)}", "{(2, 1)}", False),
    ("{(1, 2)}", "{1, 2}", False),
    ("{x^2 - 1}", "{(x-1)(x+1)}", True),
]


@pytest.mark.parametrize(("a", "b", "equal"), SETS)
def test_sets(a: str, b: str, equal: bool) -> None:
    assert same_set(ops(a, lists=True), ops(b, lists=True)) is equal
    assert same_set(ops(b, lists=True), ops(a, lists=True)) is equal


MATRICES = [
    ("[[1, 2], [3, 4]]", "[1, 2; 3, 4]", True),
    ("[[1, 2], [3, 4]]", r"\begin{pmatrix}1&2\\3&\frac{8}{2}\end{pmatrix}", True),
    ("[[1, 2], [3, 4]]", "[[1, 3], [2, 4]]", False),
    ("[[1, 2]]", "[1, 2]", True),
    ("[[1], [2]]", "[1; 2]", True),
    ("[[1], [2]]", "[1, 2]", False),
]


@pytest.mark.parametrize(("a", "b", "equal"), MATRICES)
def test_matrices(a: str, b: str, equal: bool) -> None:
    assert same_matrix(ops(a, lists=True), ops(b, lists=True)) is equal


def test_too_many_entries_are_told() -> None:
    many = "{" + ",".join(map(str, range(25))) + "}"
    with pytest.raises(TooLarge, match="elements"):
        same_set(ops(many, lists=True), ops("{1}", lists=True))


def test_exact_roots() -> None:
    assert exact_root(Fraction(16, 81), 4) == Fraction(2, 3)
    assert exact_root(-27, 3) == -3
    assert exact_root(-16, 4) is None
    assert exact_root(10**30 + 1, 2) is None
    assert exact_root(7**500, 500) == 7


def test_a_sum_of_roots_is_as_near_as_a_float() -> None:
    value = surds.closed_value(program(ops("(1 + sqrt(5))/2 - sqrt(3)")))
    assert value is not None
    assert math.isclose(surds.approximate(value), (1 + 5**0.5) / 2 - 3**0.5)
    assert surds.sign_of(value) == -1


def test_the_primes_are_primes_that_are_three_modulo_four() -> None:
    for prime in (PRIME, LARGER_PRIME):
        assert prime % 4 == 3
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11))


def test_a_value_without_variables_is_a_float() -> None:
    assert analytic.closed_float(program(ops("sin(30°)"))) == pytest.approx(0.5)
    assert analytic.closed_float(program(ops("ln(-1)"))) is None


# --- any text, any tree --------------------------------------------------------------------------


Tree = tuple[object, ...]

_LEAVES = st.one_of(
    st.sampled_from("xyz").map(lambda name: ("name", name)),
    st.integers(1, 40).map(lambda n: ("number", n)),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner),
        st.tuples(st.just("neg"), inner),
        st.tuples(st.just("/"), inner, st.integers(1, 9).map(lambda n: ("number", n))),
        st.tuples(st.just("^"), inner, st.integers(0, 3).map(lambda n: ("number", n))),
    ),
    max_leaves=7,
)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_TIMES = {"plain": "*", "spaced": " * ", "unicode": "·", "latex": r" \cdot "}
_MINUS = {"plain": "-", "spaced": " - ", "unicode": "−", "latex": "-"}


def printed(tree: Tree, style: str) -> str:
    """The tree in one of four notations, all brackets written."""
    head, *rest = tree
    if head in ("name", "number"):
        return str(rest[0])
    parts = [printed(part, style) for part in rest]  # type: ignore[arg-type] # parts are trees
    opened, closed = (r"\left(", r"\right)") if style == "latex" else ("(", ")")
    if head == "neg":
        return f"{opened}{_MINUS[style].strip()}{parts[0]}{closed}"
    if head == "/":
        if style == "latex":
            return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
        return f"({parts[0]}{'÷' if style == 'unicode' else '/'}{parts[1]})"
    if head == "^":
        if style == "unicode":
            return f"({parts[0]}){parts[1].translate(_SUPERSCRIPTS)}"
        return f"{opened}{parts[0]}{closed}^{{{parts[1]}}}"
    sign = {"+": "+", "-": _MINUS[style], "*": _TIMES[style]}[str(head)]
    return f"{opened}{parts[0]}{sign}{parts[1]}{closed}"


@settings(max_examples=60, deadline=None)
@given(_TREES)
def test_a_tree_in_four_notations_is_one_value_and_plus_one_is_another(tree: Tree) -> None:
    texts = [printed(tree, style) for style in _TIMES]
    if max(map(len, texts)) > 290:
        return
    first, *others = (ops(text) for text in texts)
    for other in others:
        assert same_value(first, other)
    assert not same_value(first, ops(f"{texts[0]}+1"))


@settings(max_examples=60, deadline=None)
@given(_TREES, _TREES)
def test_equality_is_symmetric_and_knows_commuted_and_multiplied_out(a: Tree, b: Tree) -> None:
    f, g = printed(a, "plain"), printed(b, "plain")
    if len(f) + len(g) > 120:
        return
    assert same_value(ops(f), ops(g)) is same_value(ops(g), ops(f))
    assert same_value(ops(f"{f}+{g}"), ops(f"{g}+{f}"))
    assert same_value(ops(f"{f}*({g}+x)"), ops(f"{f}*{g}+x*{f}"))


_SIGNS = st.text(alphabet="0123xyn+-*/^()[]{}|,;=<>±∪√!%° πe_²½\\.'sincolgabrt$&", max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.one_of(_SIGNS, st.text(max_size=20)), st.booleans())
def test_any_text_is_read_or_refused_inside_itself_and_equals_itself(
    text: str, lists: bool
) -> None:
    try:
        code = answer_code(text, answer_dialect(lists=lists))
        assert same_value(code.ops, code.ops)
    except ExpressionError as refused:
        column, expected = refused.column, refused.expected
    else:
        column, expected = 1, "anything"
    assert 1 <= column <= max(len(text), 1) + 1
    assert expected
