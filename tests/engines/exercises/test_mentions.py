"""Numbers that a printed text names, in digits, LaTeX and words."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.exercises.formats import shortest
from engines.exercises.mentions import numbers_in


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("$x = -3$", {-3}),
        ("$x - 3$", {3}),
        ("$x$ - 3", {3}),
        ("from -8 to 7", {-8, 7}),
        (r"$-\frac{1}{2}$", {Fraction(-1, 2)}),
        (r"$\dfrac{6}{8}$", {Fraction(3, 4)}),
        ("1,234.5 and 1,2", {Fraction(2469, 2), 1, 2}),
        ("3/4", {Fraction(3, 4)}),
        ("3 / 4", {Fraction(3, 4), 3, 4}),
        ("1/0", set()),
        ("Seven and twenty one", {7, 21}),
        ("three quarters of two thirds", {Fraction(3, 4), Fraction(2, 3)}),
        ("one half", {Fraction(1, 2)}),
        ("no numbers, none at all", set()),
        ("", set()),
    ],
)
def test_numbers_are_found(text, numbers):
    assert numbers_in(text) == numbers


def test_parts_are_named_on_demand():
    assert numbers_in(r"$\frac{3}{4}$", parts=True) == {Fraction(3, 4), 3, 4}


@given(st.fractions(max_denominator=999), st.booleans())
def test_every_number_that_a_template_prints_is_found(value, latex):
    plain = value.numerator if value.denominator == 1 else value
    printed = shortest(plain, latex)
    assert value in numbers_in(f"the result is ${printed}$.")
