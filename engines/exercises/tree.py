"""An answer as a tree, before anything is reduced: what the forms are judged on. This file is it.

Sums and products are flat (`a + b - c` has three parts, the last one negative), so a long answer is
no deep one; brackets are not kept, `Code.grouped` tells where they stood.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engines.exercises.expression import (
    BINARY_OP,
    CALL,
    CHAIN,
    CONST,
    NAME,
    POSTFIX,
    SIGN,
    SYMBOL,
    Code,
)
from engines.exercises.lexer import Written
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One node. `head` says what it is, `parts` are what it is made of, `at` is its place (from 0).

    `number` has its `written`; `name` (a variable) and `symbol` (e, pi, i, inf) have their `name`;
    `relation` has as `name` its signs, one less than its parts. All others are known by the head:
    `+` and `*` of two parts or more, `neg`, `/`, `^`, `!`, `%`, `±` of one part or two, `∪`, the
    name of a function, and the brackets of a list: `{}`, `()`, `[]`, `[)`, `(]`, `matrix` (of
    `row`s).
    """

    head: str
    parts: tuple[Tree, ...] = ()
    name: str = ""
    written: Written | None = None
    at: int = 0


def tree_of(code: Code) -> Tree:
    """The tree of a parsed answer. Raises ExpressionError for a template's `if`, index and list.

    >>> from engines.exercises.expression import NOTATION, parsed
    >>> shown(tree_of(parsed("2x - 3/4 + y", NOTATION)))
    '(+ (* 2 x) (neg (/ 3 4)) y)'
    """
    stack: list[Tree] = []
    depths: list[int] = []
    numbers = iter(code.written)
    for kind, arg, at in code.ops:
        if kind == CONST:
            made, n = Tree("number", written=next(numbers), at=at), 0
        elif kind == NAME:
            made, n = Tree("name", name=arg, at=at), 0
        elif kind == SYMBOL:
            made, n = Tree("symbol", name=arg, at=at), 0
        elif kind == BINARY_OP:
            made, n = _binary(arg, stack[-2], stack[-1], at), 2
        elif kind == SIGN:
            made, n = _signed(arg, stack[-1], at), 1
        elif kind == POSTFIX:
            made, n = Tree(arg, (stack[-1],), at=at), 1
        elif kind == CHAIN:
            n = len(arg) + 1
            made = Tree("relation", tuple(stack[-n:]), name=arg, at=at)
        elif kind == CALL:
            name, n = arg
            made = Tree(name, tuple(stack[len(stack) - n :]), at=at)
        else:
            raise ExpressionError(at + 1, "an answer", "a template's condition, index or list")
        depth = 1 + max(depths[len(depths) - n :], default=0) if n else 1
        if depth > LIMITS.tree_depth:
            raise TooLarge(at + 1, f"a depth of at most {LIMITS.tree_depth}")
        if n:
            del stack[len(stack) - n :], depths[len(depths) - n :]
        stack.append(made)
        depths.append(depth)
    return stack[0]


def _signed(sign: str, inner: Tree, at: int) -> Tree:
    """A tree behind a sign; a plus changes nothing."""
    if sign == "+":
        return inner
    return Tree("neg" if sign == "-" else sign, (inner,), at=at)


def _binary(sign: str, left: Tree, right: Tree, at: int) -> Tree:
    """Two trees joined; a sum and a product take in what stands before them."""
    if sign == "-":
        sign, right = "+", Tree("neg", (right,), at=at)
    if sign in "+*":
        before = left.parts if left.head == sign else (left,)
        return Tree(sign, (*before, right), at=at)
    if sign in "=≠<>≤≥":
        return Tree("relation", (left, right), name=sign, at=at)
    return Tree(sign, (left, right), at=at)


def nodes(tree: Tree) -> Iterator[Tree]:
    """Every node of a tree, each before its parts; without recursion.

    >>> from engines.exercises.expression import NOTATION, parsed
    >>> [node.head for node in nodes(tree_of(parsed("2(x + 1)", NOTATION)))]
    ['*', 'number', '+', 'name', 'number']
    """
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.parts))


def shown(tree: Tree) -> str:
    """The tree in one line, operator first: for messages of tests and for comparing by text."""
    out: list[str] = []
    waiting: list[Tree | str] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            out.append(node)
        elif node.parts:
            out.append(f"({node.head}{node.name}")
            waiting.append(")")
            waiting.extend(reversed(node.parts))
        else:
            out.append(node.name or (str(node.written.value) if node.written else node.head))
    return " ".join(out).replace(" )", ")")
