"""A parsed expression as nested functions. This file is how templates and params are computed fast.

`evaluated` runs any code, once; an item's expressions are computed for every instance, and nothing
about their steps has to be found out again. Both give the same values, and the same errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from engines.exercises.expression import (
    BINARY_OP,
    CALL,
    CONST,
    INDEX,
    NAME,
    NOT,
    POSTFIX,
    SIGN,
    Code,
    evaluated,
    given_value,
)
from engines.exercises.functions import (
    BINARY,
    BOUND,
    FUNCTIONS,
    WHOLE,
    Inexact,
    Operand,
    entry,
    factorial,
    number,
    percent,
    within,
)

Values = Mapping[str, Operand]
Computed = Callable[[Values], Operand]


def computed(code: Code) -> Computed:
    """The function of some values that `evaluated` is for this code; it raises the same errors.

    >>> from engines.exercises.expression import parsed
    >>> computed(parsed("(c + b) / a"))({"a": 4, "b": 1, "c": 9})
    Fraction(5, 2)
    """
    inner = _nested(code)
    if inner is None:
        return lambda values: evaluated(code, values)

    def run(values: Values) -> Operand:
        try:
            return inner(values)
        except Inexact:
            return evaluated(code, values)  # it knows the place

    return run


DEEPEST = 40
"""Functions within functions; a longer chain is run step by step, as depth is recursion here."""


def _nested(code: Code) -> Computed | None:
    """The steps as functions of functions; None where they are too deep, or may be jumped over."""
    stack: list[tuple[Computed, int]] = []
    for kind, arg, _ in code.ops:
        if kind == CONST:
            stack.append((_constant(arg), 1))
            continue
        if kind == NAME:
            stack.append((_named(arg), 1))
            continue
        made = _function(kind, arg)
        if made is None:
            return None
        function, count = made
        inside = stack[-count:]
        depth = 1 + max(depth for _, depth in inside)
        if depth > DEEPEST:
            return None
        stack[-count:] = [(function(*[each for each, _ in inside]), depth)]
    return stack[0][0]


def _function(kind: int, arg: Any) -> tuple[Callable[..., Computed], int] | None:
    """What joins the operands of a step, and how many it takes; None for a jump."""
    if kind == BINARY_OP:
        return partial(_joined, arg), 2
    if kind == CALL:
        name, count = arg
        return partial(_called, FUNCTIONS[name][2]), count
    if kind == INDEX:
        return partial(_called, entry), 2
    if kind in (SIGN, NOT, POSTFIX):
        return partial(_called, _ONE[kind, arg]), 1
    return None


_ONE: dict[tuple[int, Any], Callable[[Any], Operand]] = {
    (SIGN, "-"): lambda value: -number(value),
    (SIGN, "+"): number,
    (NOT, None): lambda value: not value,
    (POSTFIX, "!"): factorial,
    (POSTFIX, "%"): percent,
}


def _constant(value: Operand) -> Computed:
    return lambda _values: value


def _named(name: str) -> Computed:
    def run(values: Values) -> Operand:
        value = values.get(name)
        return value if type(value) is int else given_value(value, name)

    return run


def _joined(sign: str, left: Computed, right: Computed) -> Computed:
    exact = BINARY[sign]
    whole = WHOLE.get(sign)
    if whole is None:
        return lambda values: exact(left(values), right(values))

    def run(values: Values) -> Operand:
        a, b = left(values), right(values)
        if type(a) is int and type(b) is int:
            result = whole(a, b)
            return result if -BOUND < result < BOUND else within(result)
        return exact(a, b)

    return run


def _called(function: Callable[..., Operand], *inside: Computed) -> Computed:
    if len(inside) == 1:
        (one,) = inside
        return lambda values: function(one(values))
    if len(inside) == 2:
        first, second = inside
        return lambda values: function(first(values), second(values))
    return lambda values: function(*[each(values) for each in inside])
