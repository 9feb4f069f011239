from __future__ import annotations

import pytest

from engines.exercises.answer_grammar import answer_code
from engines.exercises.answer_lexer import answer_dialect
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.notation import latex, latex_with_doubts
from engines.exercises.tree import nodes, shown, tree_of

PLAIN = answer_dialect()
LISTS = answer_dialect(lists=True)

TREES = [
    ("-3^2", "(neg (^ 3 2))"),
    ("(-3)^2", "(^ (neg 3) 2)"),
    ("2^3^2", "(^ 2 (^ 3 2))"),
    ("2x/3y", "(* (/ (* 2 x) 3) y)"),
    ("1/2x", "(* (/ 1 2) x)"),
    ("a - b + c", "(+ a (neg b) c)"),
    ("x²y", "(* (^ x 2) y)"),
    ("x₁", "x_1"),
    ("x_1 + x_{12}", "(+ x_1 x_12)"),
    ("(x+1)2", "(* (+ x 1) 2)"),
    ("[x+1]*2", "(* (+ x 1) 2)"),
    ("2πr", "(* 2 pi r)"),
    (r"2\pi r", "(* 2 pi r)"),
    (r"\frac{3x}{2}", "(/ (* 3 x) 2)"),
    (r"\frac12 x", "(* (/ 1 2) x)"),
    (r"\left(x+1\right)\cdot y", "(* (+ x 1) y)"),
    (r"x^{2y}", "(^ x (* 2 y))"),
    ("sin 2x cos x", "(* (sin (* 2 x)) (cos x))"),
    (r"\sin x \cdot 2", "(* (sin x) 2)"),
    ("sin^2 x", "(^ (sin x) 2)"),
    (r"\sin^{2}(x)", "(^ (sin x) 2)"),
    ("sin²x", "(^ (sin x) 2)"),
    (r"\sin^{-1} x", "(asin x)"),
    (r"\arctan(x)", "(atan x)"),
    (r"\operatorname{asin}(x)", "(asin x)"),
    ("sin -x", "(sin (neg x))"),
    ("sqrt2x", "(* (sqrt 2) x)"),
    ("√(2x)", "(sqrt (* 2 x))"),
    (r"\sqrt[3]{8x}", "(root (* 8 x) 3)"),
    ("root(8x, 3)", "(root (* 8 x) 3)"),
    ("∛8", "(root 8 3)"),
    ("log_2 8", "(log_b 2 8)"),
    (r"\log_{10}(x+1)", "(log_b 10 (+ x 1))"),
    ("log_b(x)", "(log_b b x)"),
    ("log(x)", "(log x)"),
    ("2ln|x|", "(* 2 (ln (abs x)))"),
    ("|x-3| + |y|", "(+ (abs (+ x (neg 3))) (abs y))"),
    ("||x|-1|", "(abs (+ (abs x) (neg 1)))"),
    ("2 ± √3", "(± 2 (sqrt 3))"),
    (r"x = \pm 3", "(relation= x (± 3))"),
    ("2 < x <= 5", "(relation<≤ 2 x 5)"),
    ("x != 3", "(relation≠ x 3)"),
    ("30°", "(° 30)"),
    (r"30^\circ", "(° 30)"),
    ("5! + 50%", "(+ (! 5) (% 50))"),
    ("theta + \\theta + θ", "(+ θ θ θ)"),
    ("e^x", "(^ e x)"),
    ("1,234.5", "2469/2"),
    ("2½", "5/2"),
    ("٣x − ٢", "(+ (* 3 x) (neg 2))"),
    ("$$3x$$", "(* 3 x)"),
    ("10^-3", "(^ 10 (neg 3))"),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_an_answer_is_read(text: str, tree: str) -> None:
    try:
        assert shown(tree_of(answer_code(text, PLAIN))) == tree
    except ExpressionError:
        assert tree == "refused"


GATHERED = [
    ("[2, 5)", "([) 2 5)"),
    ("(-inf, 3]", "((] (neg inf) 3)"),
    (r"(-\infty,3]\cup[5,\infty)", "(∪ ((] (neg inf) 3) ([) 5 inf))"),
    ("(-oo,2)U(3,oo)", "(∪ (() (neg inf) 2) (() 3 inf))"),
    ("{1, 2}", "({} 1 2)"),
    ("{1,234}", "({} 1 234)"),
    (r"\{1,2\}", "({} 1 2)"),
    ("{}", "{}"),
    ("∅", "{}"),
    ("1, 2", "(, 1 2)"),
    ("x=2 or x=-3", "(or (relation= x 2) (relation= x (neg 3)))"),
    (r"x\in[2,5)", "(relation∈ x ([) 2 5))"),
    ("{(1,2),(3,4)}", "({} (() 1 2) (() 3 4))"),
    ("{x^{2}, 1}", "({} (^ x 2) 1)"),
    ("[[1,2],[3,4]]", "([] ([] 1 2) ([] 3 4))"),
    ("[1, 2; 3, 4]", "(matrix (row 1 2) (row 3 4))"),
    (r"\begin{bmatrix}1&\frac{1}{2}\\3&4\end{bmatrix}", "(matrix (row 1 (/ 1 2)) (row 3 4))"),
]


@pytest.mark.parametrize(("text", "tree"), GATHERED)
def test_sets_intervals_and_matrices_are_read(text: str, tree: str) -> None:
    assert shown(tree_of(answer_code(text, LISTS))) == tree


REFUSED = [
    ("", 1, "an answer"),
    ("3x+", 4, "a number or '('"),
    ("(x", 3, "')'"),
    ("x)", 2, "no bracket"),
    ("|x", 3, "'|'"),
    ("(x]", 3, "')'"),
    ("(2x}", 4, "another bracket"),
    ("sin", 4, "a number or '('"),
    ("root(8)", 1, "2 values for root"),
    ("log_", 4, "a number or a sign"),
    ("1 1/2", 1, "a sign between two numbers"),
    ("x2", 2, "a sign or the end"),
    ("(x = 2)", 4, "')'"),
    ("1, 2", 2, "a sign or the end"),
    ("x'", 2, "a number or a sign"),
    (r"\alfa", 1, "a number or a sign"),
    (r"\frac{1}", 9, "the rest of the fraction"),
    (r"\text{apples}", 1, "a number or a sign"),
]


@pytest.mark.parametrize(("text", "column", "expected"), REFUSED)
def test_a_refusal_names_column_and_what_was_expected(
    text: str, column: int, expected: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        answer_code(text, PLAIN)
    assert (refused.value.column, refused.value.expected[: len(expected)]) == (column, expected)


@pytest.mark.parametrize(
    "text",
    ["x" + "+x" * 150, "(" * 61 + "1" + ")" * 61, "-" * 61 + "x", "sin " * 61 + "x", "|" * 61],
)
def test_what_is_too_large_says_so(text: str) -> None:
    with pytest.raises(TooLarge):
        answer_code(text, PLAIN)


def test_depth_of_a_tree_is_bounded_and_a_long_sum_is_flat() -> None:
    long = tree_of(answer_code("+".join("x" * 150)))
    assert len(long.parts) == 150
    assert sum(node.head == "name" for node in nodes(long)) == 150
    with pytest.raises(TooLarge, match=str(LIMITS.tree_depth)):
        tree_of(answer_code("x" + "%" * (LIMITS.tree_depth + 1)))


def test_constants_are_variables_where_they_are_declared() -> None:
    own = answer_dialect(frozenset(("e", "speed")))
    assert answer_code("e*speed", own).names == {"e", "speed"}
    assert answer_code("3i", PLAIN).names == {"i"}
    assert answer_code("3i", answer_dialect(imaginary=True)).names == frozenset()


DOUBTS = [
    ("1/2x", r"\underline{\frac{1}{2} x}"),
    ("2^3x", r"\underline{2^{3} x}"),
    ("√2x", r"\underline{\sqrt{2} x}"),
    ("x²y", "x^{2} y"),
    ("(1/2)x", r"\frac{1}{2} x"),
]


@pytest.mark.parametrize(("text", "printed"), DOUBTS)
def test_what_reads_in_two_ways_is_underlined(text: str, printed: str) -> None:
    assert latex_with_doubts(answer_code(text)) == printed


@pytest.mark.parametrize(
    "text", [text for text, tree in TREES if tree != "refused" and "½" not in text]
)
def test_the_latex_of_an_answer_reads_as_the_same_answer(text: str) -> None:
    code = answer_code(text, PLAIN)
    again = answer_code(latex(code), PLAIN)
    assert shown(tree_of(again)) == shown(tree_of(code)) or code.doubts
    assert latex(again) == latex(code)
    assert latex_with_doubts(code).count(r"\underline") == len(code.doubts) - text.count("^{-1}")


@pytest.mark.parametrize("text", [text for text, _ in GATHERED])
def test_the_latex_of_lists_reads_as_the_same(text: str) -> None:
    code = answer_code(text, LISTS)
    assert shown(tree_of(answer_code(latex(code), LISTS))) == shown(tree_of(code))


def test_brackets_that_group_are_told() -> None:
    assert answer_code("(x+1)(x-1)").grouped == (0, 5)
    assert answer_code(r"\frac{x}{2} + \sin(x)").grouped == ()
