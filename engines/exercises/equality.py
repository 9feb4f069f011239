"""Whether two answers say the same: the ladder of the content format, 6.3. This file is it.

The first rung that applies decides: the same tree; closed rationals, exactly; closed square roots,
exactly; rational functions, modulo a prime; all else at complex points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from engines.exercises import analytic, poles, residues, surds
from engines.exercises.expression import BINARY_OP, CALL, CHAIN, NAME, SIGN, SYMBOL, Op
from engines.exercises.limits import ExpressionError, TooLarge
from engines.exercises.pieces import Ops, parts
from engines.exercises.programs import (
    ALGEBRAIC,
    CONSTANTS,
    FIXED,
    RATIONAL,
    ROOT,
    SURD,
    Program,
    program,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an item says of its answers: its `integers` are whole, `imaginary` has i.

    `strict`: a divisor that can be zero counts.
    """

    integers: frozenset[str] = frozenset()
    imaginary: bool = False
    strict: bool = False


PLAIN = Rules()


def same_tree(a: Ops, b: Ops) -> bool:
    """Whether two answers are written alike, but for blanks and brackets."""
    if len(a) != len(b):
        return False
    for x, y in zip(a, b, strict=True):  # noqa: SIM110 (a generator costs more than it compares)
        if x[1] != y[1] or x[0] != y[0]:
            return False
    return True


def same_value(a: Ops, b: Ops, rules: Rules = PLAIN) -> bool:
    """Whether two expressions are equal, wherever both have a value.

    Raises ExpressionError for one that has no value anywhere, TooLarge over a limit.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> same_value(answer_code("(x+1)(x-1)").ops, answer_code("x^2-1").ops)
    True
    """
    if same_tree(a, b):
        return True
    first, second = program(a), program(b)
    if first.rung == second.rung == RATIONAL:
        return first.value == second.value
    _real(first, a, rules)
    _real(second, b, rules)
    rung = max(first.rung, second.rung)
    found: bool | None = None
    if rung == SURD:
        x, y = surds.closed_value(first), surds.closed_value(second)
        found = None if x is None or y is None else surds.same_value(x, y)
    elif rung == ALGEBRAIC:
        found = residues.identical(first, second)
        if found and rules.strict:
            return poles.same_poles(first, second)
    if found is None:
        found = analytic.agree(first, second, rules.integers, i=rules.imaginary)
    if found is None:
        raise ExpressionError(1, "an expression with a value", "a division by 0")
    return found


def _real(made: Program, ops: Ops, rules: Rules) -> None:
    """Refuse the square root of a negative number where the item has no i."""
    if made.extended and not rules.imaginary:
        for kind, arg in made.steps:
            if kind == ROOT and arg < 0:
                raise ExpressionError(ops[-1][2] + 1, "a root of a number that is not negative")


# --- relations -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """One relation: `=`, `≠`, `<` or `≤`; a greater sign is turned round."""

    sign: str
    left: Ops
    right: Ops


_TURNED = {">": "<", "≥": "≤"}


def links(ops: Ops) -> tuple[Link, ...]:
    """The links of a chain of relations. Raises ExpressionError for what is none."""
    kind, arg, at = ops[-1]
    if kind != CHAIN or "∈" in arg:
        raise ExpressionError(at + 1, "an equation or inequality", "an expression")
    sides = parts(ops)
    return tuple(
        Link(_TURNED[sign], right, left) if sign in _TURNED else Link(sign, left, right)
        for sign, left, right in zip(arg, sides, sides[1:], strict=False)
    )


def same_link(a: Link, b: Link, rules: Rules = PLAIN) -> bool:
    """Whether two relations are one but for a constant factor that is not zero.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> a, b, c = (links(answer_code(t).ops)[0] for t in ("2x < 6", "3 > x", "x > 3"))
    >>> same_link(a, b), same_link(a, c)
    (True, False)
    """
    if a.sign != b.sign:
        return False
    if same_tree(a.left, b.left) and same_tree(a.right, b.right):
        return True
    first, second = _difference(a.left, a.right), _difference(b.left, b.right)
    for made, link in ((first, a), (second, b)):
        _real(made, link.left, rules)
    if max(first.rung, second.rung) <= SURD:
        return _same_sides(a, b, rules)
    ratio = _ratio(first, second, rules, ordered=a.sign in "<≤")
    return _same_sides(a, b, rules) if ratio is None else ratio > 0


@lru_cache(maxsize=1 << 12)
def _difference(left: Ops, right: Ops) -> Program:
    """Left side less right side; its constants are numbers, not variables."""
    joined = (*left, *right, Op(BINARY_OP, "-", right[-1][2]))
    return program(
        tuple(
            [
                Op(NAME, FIXED + op[1], op[2]) if op[0] == SYMBOL and op[1] in CONSTANTS else op
                for op in joined
            ]
        )
    )


def _same_sides(a: Link, b: Link, rules: Rules) -> bool:
    if same_value(a.left, b.left, rules) and same_value(a.right, b.right, rules):
        return True
    turned = a.sign in "=≠"
    return turned and (same_value(a.left, b.right, rules) and same_value(a.right, b.left, rules))


def _ratio(first: Program, second: Program, rules: Rules, *, ordered: bool) -> float | None:
    """Above 0 where two differences have one constant ratio; its sign counts where `ordered`.

    None where both vanish everywhere, so that the sides have to be compared.
    """
    if max(first.rung, second.rung) == ALGEBRAIC:
        constant = residues.proportional(first, second)
        if not constant:
            return None if constant is None else 0.0
        return analytic.sign_of_ratio(first, second) if ordered else 1.0
    ratio = analytic.ratio(first, second, rules.integers, i=rules.imaginary)
    return ratio if ordered or ratio is None else abs(ratio)


def matched(a: Sequence[T], b: Sequence[T], same: Callable[[T, T], bool]) -> bool:
    """Whether each of one list has its like in the other, one to one."""
    if len(a) != len(b):
        return False
    left = list(b)
    for one in a:
        at = next((n for n, other in enumerate(left) if same(one, other)), None)
        if at is None:
            return False
        del left[at]
    return True


# --- plus or minus -------------------------------------------------------------------------------


_UPPER = {"±": "+", "∓": "-"}
_LOWER = {"±": "-", "∓": "+"}


def variants(ops: Ops) -> tuple[Ops, ...]:
    """The expressions that `±` stands for: one without it, else the upper and the lower signs.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> len(variants(answer_code("2 ± 3").ops)), len(variants(answer_code("2 + 3").ops))
    (2, 1)
    """
    for kind, arg, _ in ops:
        if arg in ("±", "∓") and kind in (BINARY_OP, SIGN):
            break
    else:
        return (ops,)
    return tuple(tuple([_with(op, signs) for op in ops]) for signs in (_UPPER, _LOWER))


def _with(op: Op, signs: dict[str, str]) -> Op:
    return Op(op[0], signs.get(op[1], op[1]), op[2]) if op[0] in (BINARY_OP, SIGN) else op


# --- several relations ---------------------------------------------------------------------------

MOST_LINKS = 20
"""Most relations of one answer."""


def same_relations(a: Ops, b: Ops, rules: Rules = PLAIN) -> bool:
    """Whether two answers of relations say the same: chains, systems, and cases joined by `or`.

    Relations joined by commas are a system, unless the other answer has cases. Raises
    ExpressionError for what is no relation.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> lists = answer_dialect(lists=True)
    >>> f, g = (answer_code(t, lists).ops for t in ("x = 2, x = -2", "x = ±2"))
    >>> same_relations(f, g)
    True
    """
    mine, theirs = _cases(a), _cases(b)
    if len(mine) == 1 and len(theirs) > 1 and _joiner(a) == ",":
        mine = [[link] for link in mine[0]]
    elif len(theirs) == 1 and len(mine) > 1 and _joiner(b) == ",":
        theirs = [[link] for link in theirs[0]]

    def alike(x: list[Link], y: list[Link]) -> bool:
        return matched(x, y, lambda p, q: same_link(p, q, rules))

    return matched(mine, theirs, alike)


def _joiner(ops: Ops) -> str:
    kind, arg, _ = ops[-1]
    return str(arg[0]) if kind == CALL else ""


@lru_cache(maxsize=1 << 11)
def _cases(ops: Ops) -> list[list[Link]]:
    """The cases of an answer, each with the links that hold together; not to be changed."""
    found: list[list[Link]] = []
    for one in variants(ops):
        joiner = _joiner(one)
        if joiner == "or":
            found += [list(links(part)) for part in parts(one)]
        elif joiner in ("and", ","):
            found.append([link for part in parts(one) for link in links(part)])
        else:
            found.append(list(links(one)))
        if sum(map(len, found)) > MOST_LINKS:
            raise TooLarge(one[-1][2] + 1, f"at most {MOST_LINKS} relations")
    return found
