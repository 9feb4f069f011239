"""The parts of an answer in postfix form, which are pieces of it. This file cuts them out."""

from __future__ import annotations

from engines.exercises.expression import BINARY_OP, CALL, CHAIN, CONST, NAME, SYMBOL, Op

Ops = tuple[Op, ...]
"""An expression in postfix order."""


def arity(op: Op) -> int:
    """How many operands a step takes from the stack."""
    kind, arg, _ = op
    if kind in (CONST, NAME, SYMBOL):
        return 0
    if kind == BINARY_OP:
        return 2
    if kind == CALL:
        return int(arg[1])
    return len(arg) + 1 if kind == CHAIN else 1


def starts(ops: Ops) -> list[int]:
    """For each step, the place where the part that it ends begins."""
    out: list[int] = []
    stack: list[int] = []
    for at, op in enumerate(ops):
        n = arity(op)
        begin = stack[len(stack) - n] if n else at
        del stack[len(stack) - n :]
        stack.append(begin)
        out.append(begin)
    return out


def parts(ops: Ops) -> tuple[Ops, ...]:
    """The operands of the last step, in order.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> [len(part) for part in parts(answer_code("2x < 3 <= y").ops)]
    [3, 1, 1]
    """
    begins = starts(ops)
    found: list[Ops] = []
    end = len(ops) - 1
    for _ in range(arity(ops[-1])):
        begin = begins[end - 1]
        found.append(ops[begin:end])
        end = begin
    return tuple(reversed(found))
