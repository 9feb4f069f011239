"""An expression run as functions gives what it gives step by step. This file is that comparison."""

from __future__ import annotations

from fractions import Fraction

import pytest

from engines.exercises.computed import DEEPEST, computed
from engines.exercises.expression import Operand, evaluated, parsed
from engines.exercises.limits import ExpressionError
from engines.exercises.template import instance, printed, relocated, thrown
from engines.words import AnswerSpec, Item, Option

VALUES: dict[str, Operand] = {"a": 6, "b": Fraction(4), "c": Fraction(1, 3), "l": (2, 5), "w": "up"}


def outcome(made: object) -> object:
    """The value of a call with its type, or its refusal in words."""
    try:
        value = made()  # type: ignore[operator] # a function
    except ExpressionError as error:
        return type(error), str(error)
    return type(value), value


@pytest.mark.parametrize(
    "text",
    [
        "a", "b", "w", "7", "-a + +c", "a*c - b/a^2", "a^b^c", "2^-1", "a/(b - 4)", "a < b",
        "c >= a", "w == 'up'", "a != b", "not (a == b)", "gcd(a, b)", "max(a, b, c)", "l[1]",
        "l[2]", "a[0]", "5!", "101!", "a%", "if(a > b, a - b, 1/0)", "a > 1 and b > 9 or c < 1",
        "len(l) + abs(-c)", "unknown + 1", "w + 1", "10^1000 * 10^1000", "2^4095 + 2^4095",
        "+".join(["a"] * (DEEPEST + 20)), "sign(-b)!", "mod(a, b - 4)",
    ],
)  # fmt: skip
def test_nested_functions_give_what_the_steps_give(text: str) -> None:
    code = parsed(text)
    assert outcome(lambda: computed(code)(VALUES)) == outcome(lambda: evaluated(code, VALUES))


@pytest.mark.parametrize("option", ["$@{a}$", "$@{a/4:d2}$"])
def test_numbers_drawn_once_are_printed_as_if_drawn_for_each_locale(option: str) -> None:
    item = Item(
        id="i",
        skills=("s",),
        prompt="Which is $@{a}$?",
        answer=AnswerSpec("choice", "x"),
        options=tuple(Option(name, option) for name in "xyz"),
        params={"a": {"int": [2, 90]}},
    )
    for seed in range(5):
        throw = thrown(item, "c", seed)
        made = printed(item, throw, "en")
        assert made == instance(item, "c", seed)
        assert relocated(made, throw, "sv") == instance(item, "c", seed, locale="sv")
