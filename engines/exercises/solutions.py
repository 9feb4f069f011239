"""How many solutions a formula gives, and roots that an index tells apart. This file counts them.

What is typed as `+-3` is one number or two: the key's count tells which one is meant.
"""

from __future__ import annotations

from engines.exercises.equality import variants
from engines.exercises.expression import CALL, CHAIN, NAME, Code, Op
from engines.exercises.pieces import Ops, parts

_JOINED = frozenset((",", "or", "and"))
_LISTED = _JOINED | {"{}"}
_MOST_ROOTS = 9


def solutions(ops: Ops) -> int:
    """How many solutions or elements an answer gives, each as often as it is written.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> lists = answer_dialect(lists=True)
    >>> [solutions(answer_code(t, lists).ops) for t in ("x = 1", "x = ±2 or x = 5", "{1, 2}")]
    [1, 3, 2]
    """
    kind, arg, _ = ops[-1]
    several = kind == CALL and arg[0] in _LISTED
    return sum(len(variants(one)) for one in (parts(ops) if several else (ops,)))


def has_several(code: Code) -> bool:
    """Whether a key gives several solutions for one name, and is no system.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> lists = answer_dialect(lists=True)
    >>> [has_several(answer_code(t, lists)) for t in ("x = 3 or x = -3", "x = ±3", "x = 3, y = 4")]
    [True, True, False]
    """
    if len(variants(code.ops)) > 1:
        return True
    kind, arg, _ = code.ops[-1]
    if kind != CALL or arg[0] not in _LISTED or arg[1] < 2:
        return False
    return arg[0] in ("or", "{}") or (arg[0] == "," and len(code.names) <= 1)


def with_one_name(code: Code, names: frozenset[str]) -> Code:
    """`x_1 = 3, x_2 = -3` with the name of the key, x, for both; else the answer as it came.

    Each root has an index of its own and stands alone on one side, and nothing else has a name.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> code = answer_code("x_1 = 3 and x_2 = -3", answer_dialect(lists=True))
    >>> [op.arg for op in with_one_name(code, frozenset("x")).ops if op.kind in (NAME, CALL)]
    ['x', 'x', ('or', 2)]
    """
    kind, arg, at = code.ops[-1]
    count = arg[1] if kind == CALL and arg[0] in _JOINED else 0
    stems = {name.partition("_")[0] for name in code.names}
    indexed = all(name.partition("_")[2].isdecimal() for name in code.names)
    stem = min(stems, default="")
    name = next((one for one in (stem, stem.swapcase()) if one in names), "")
    if not (indexed and name and len(stems) == 1 and len(code.names) == count <= _MOST_ROOTS):
        return code
    if not all(_is_root(one) for one in parts(code.ops)):
        return code
    ops = [Op(NAME, name, op[2]) if op[0] == NAME else op for op in code.ops[:-1]]
    joined = Op(CALL, ("," if arg[0] == "," else "or", count), at)
    return code._replace(ops=(*ops, joined), names=frozenset((name,)))


def _is_root(ops: Ops) -> bool:
    """Whether a relation says what one name is: `x_1 = 3`."""
    if ops[-1][:2] != (CHAIN, "="):
        return False
    named = [len(side) == 1 and side[0][0] == NAME for side in parts(ops)]
    return any(named) and sum(op[0] == NAME for op in ops) == 1
