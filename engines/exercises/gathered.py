"""Sets, intervals and matrices: what they hold, and when two hold the same. This file is that.

The ends of intervals are exact and the order of pieces and elements is free; pieces that overlap or
touch are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key, lru_cache

from engines.exercises import surds
from engines.exercises.analytic import closed_float
from engines.exercises.equality import PLAIN, Rules, matched, same_value, variants
from engines.exercises.expression import BINARY_OP, CALL, CHAIN, NAME, SIGN, SYMBOL, Op
from engines.exercises.limits import ExpressionError, TooLarge
from engines.exercises.pieces import Ops, parts
from engines.exercises.programs import RATIONAL, SURD, program

MOST_ENTRIES = 24
"""Most elements of a set, pieces of a union and entries of a matrix."""
_JOINED = (",", "or", "and")


def _head(ops: Ops) -> str:
    """What the last step of an answer makes: a list's brackets, `∪`, a relation's signs, or ''."""
    kind, arg, _ = ops[-1]
    if kind == CALL:
        return str(arg[0])
    return str(arg) if kind == CHAIN or (kind == BINARY_OP and arg == "∪") else ""


def _is_name(ops: Ops) -> bool:
    return len(ops) == 1 and ops[0][0] == NAME


def _alternatives(ops: Ops) -> list[Ops]:
    """What is joined by commas, `or` or `∪`, and what `±` stands for; without `x =` before it."""
    waiting: list[Ops] = [ops]
    found: list[Ops] = []
    while waiting:
        one = waiting.pop()
        head = _head(one)
        if head in _JOINED or head == "∪":
            waiting.extend(reversed(parts(one)))
        elif head in ("=", "∈"):
            left, right = parts(one)
            waiting.append(right if _is_name(left) else left if _is_name(right) else one)
            if waiting[-1] is one:
                raise ExpressionError(one[-1][2] + 1, "a name on one side", "an equation")
        else:
            found += variants(one)
        if len(found) > MOST_ENTRIES:
            raise TooLarge(one[-1][2] + 1, f"at most {MOST_ENTRIES} entries")
    return found


# --- sets ----------------------------------------------------------------------------------------


def elements(ops: Ops) -> tuple[Ops, ...]:
    """The elements of a set: of `{1, 2}`, of `x = 1 or x = 2`, of `±3`; each as it is written.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> len(elements(answer_code("x = ±3", answer_dialect(lists=True)).ops))
    2
    """
    found: list[Ops] = []
    for one in _alternatives(ops):
        inner = parts(one) if _head(one) == "{}" else (one,)
        for element in inner:
            found += variants(element)
        if len(found) > MOST_ENTRIES:
            raise TooLarge(one[-1][2] + 1, f"at most {MOST_ENTRIES} elements")
    return tuple(found)


def same_set(a: Ops, b: Ops, rules: Rules = PLAIN) -> bool:
    """Whether two sets have the same elements, in any order and however often each is written."""

    def alike(x: Ops, y: Ops) -> bool:
        return _same_entry(x, y, rules)

    return matched(_distinct(a, rules), _distinct(b, rules), alike)


@lru_cache(maxsize=1 << 11)
def _distinct(ops: Ops, rules: Rules) -> list[Ops]:
    """The elements of a set, each once; not to be changed."""
    found: list[Ops] = []
    for one in elements(ops):
        if not any(_same_entry(one, other, rules) for other in found):
            found.append(one)
    return found


def _same_entry(a: Ops, b: Ops, rules: Rules) -> bool:
    """Whether two elements are one: numbers, or points entry by entry."""
    if _head(a) == "()" or _head(b) == "()":
        if _head(a) != _head(b):
            return False
        mine, theirs = parts(a), parts(b)
        return len(mine) == len(theirs) and all(
            same_value(x, y, rules) for x, y in zip(mine, theirs, strict=True)
        )
    return same_value(a, b, rules)


# --- intervals -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """One interval: its ends, None where it has none, and whether they belong to it."""

    low: Ops | None
    high: Ops | None
    with_low: bool
    with_high: bool


def _end_of(ops: Ops) -> Ops | int:
    """An end: an expression, or 1 and -1 for the infinities."""
    if len(ops) <= 2 and ops[0][0] == SYMBOL and ops[0][1] == "inf":
        if len(ops) == 1:
            return 1
        if ops[1][0] == SIGN:
            return -1 if ops[1][1] == "-" else 1
    return ops


def _piece(left: Ops, right: Ops, *, closed: tuple[bool, bool], at: int) -> Piece:
    low, high = _end_of(left), _end_of(right)
    if low == 1 or high == -1:
        raise ExpressionError(at + 1, "the smaller end first")
    for end, is_in in ((low, closed[0]), (high, closed[1])):
        if isinstance(end, int) and is_in:
            raise ExpressionError(at + 1, "a round bracket beside infinity")
    return Piece(
        None if isinstance(low, int) else low, None if isinstance(high, int) else high, *closed
    )


def pieces(ops: Ops) -> tuple[Piece, ...]:
    """The intervals of an answer: `[2, 5)`, unions, single points `{3}`, inequalities in a name.

    Raises ExpressionError for what is none.
    """
    both = _between(ops)
    if both is not None:
        return (both,)
    found: list[Piece] = []
    for one in _alternatives(ops):
        found += _pieces_of(one)
    return tuple(found)


def _between(ops: Ops) -> Piece | None:
    """`x >= 2 and x < 5` as one interval; None for what is not two such bounds in order.

    A comma between two bounds says what `and` says.
    """
    if _head(ops) not in ("and", ",") or len(parts(ops)) != 2:
        return None
    sides = parts(ops)
    if any(side[-1][0] != CHAIN or set(_head(side)) - set("<>≤≥") for side in sides):
        return None
    low, high = sorted((_pieces_of(side)[0] for side in sides), key=lambda one: one.low is None)
    if low.low is None or low.high is not None or high.low is not None or high.high is None:
        return None
    if compared(low.low, high.high) == 1:
        return None  # people say "and" of two pieces as well
    return Piece(low.low, high.high, low.with_low, high.with_high)


def _pieces_of(ops: Ops) -> list[Piece]:
    head, at = _head(ops), ops[-1][2]
    if head in ("[)", "(]", "()", "[]") and ops[-1][1][1] == 2:
        left, right = parts(ops)
        return [_piece(left, right, closed=(head[0] == "[", head[1] == "]"), at=at)]
    if head == "{}":
        return [Piece(one, one, True, True) for one in parts(ops)]
    if _is_name(ops) and ops[0][1] == "R":
        return [Piece(None, None, False, False)]
    if ops[-1][0] == CHAIN:
        return _of_inequality(ops, head, at)
    raise ExpressionError(at + 1, "an interval as [2, 5)", "an expression")


def _of_inequality(ops: Ops, signs: str, at: int) -> list[Piece]:
    """`x > 3`, `2 <= x < 5` and `x != 3` as intervals."""
    sides = parts(ops)
    if signs[0] in ">≥":
        sides, signs = sides[::-1], signs[::-1].translate(_TURN)
    if len(sides) == 3 and _is_name(sides[1]) and not set(signs) - set("<≤"):
        return [_piece(sides[0], sides[2], closed=(signs[0] == "≤", signs[1] == "≤"), at=at)]
    if len(sides) == 2 and signs in "<≤" and _is_name(sides[0]):
        return [_piece(_MINUS_INF, sides[1], closed=(False, signs == "≤"), at=at)]
    if len(sides) == 2 and signs in "<≤" and _is_name(sides[1]):
        return [_piece(sides[0], _INF, closed=(signs == "≤", False), at=at)]
    if signs == "≠" and _is_name(sides[0]):
        end = sides[1]
        return [Piece(None, end, False, False), Piece(end, None, False, False)]
    raise ExpressionError(at + 1, "an interval as [2, 5)", "another relation")


_TURN = str.maketrans("<>≤≥", "><≥≤")
_INF: Ops = (Op(SYMBOL, "inf", 0),)
_MINUS_INF: Ops = (*_INF, Op(SIGN, "-", 0))


def same_intervals(a: Ops, b: Ops, rules: Rules = PLAIN) -> bool:
    """Whether two unions of intervals are one.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> f, g = (answer_code(t, answer_dialect(lists=True)).ops for t in ("(-inf, 2)U[2, 5)", "x<5"))
    >>> same_intervals(f, g)
    True
    """

    def alike(x: Piece, y: Piece) -> bool:
        closed = (x.with_low, x.with_high) == (y.with_low, y.with_high)
        return closed and _same_end(x.low, y.low, rules) and _same_end(x.high, y.high, rules)

    return matched(_joined(a), _joined(b), alike)


def _same_end(a: Ops | None, b: Ops | None, rules: Rules) -> bool:
    if a is None or b is None:
        return a is b
    return same_value(a, b, rules)


@lru_cache(maxsize=4096)
def compared(a: Ops, b: Ops) -> int | None:
    """The sign of the first number less the second, None where one has variables.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> compared(answer_code("sqrt(2)").ops, answer_code("3/2").ops)
    -1
    """
    made = program((*a, *b, Op(BINARY_OP, "-", 0)))
    if made.rung == RATIONAL:
        assert made.value is not None
        return (made.value > 0) - (made.value < 0)
    if made.rung == SURD:
        value = surds.closed_value(made)
        return None if value is None else surds.sign_of(value)
    number = closed_float(made)
    return None if number is None or made.names - {"pi", "e"} else (number > 0) - (number < 0)


@lru_cache(maxsize=1 << 11)
def _joined(ops: Ops) -> list[Piece]:
    """The pieces in order, those that touch as one; as they came where an end has a name.

    Not to be changed.
    """
    all_of_them = pieces(ops)
    ends = [end for piece in all_of_them for end in (piece.low, piece.high) if end is not None]
    if any(compared(end, ends[0]) is None for end in ends):
        return list(all_of_them)
    for piece in all_of_them:
        _check_order(piece)
    ordered = sorted(all_of_them, key=cmp_to_key(_by_low))
    found: list[Piece] = []
    for piece in ordered:
        if found and _touches(found[-1], piece):
            found[-1] = _one_of(found[-1], piece)
        else:
            found.append(piece)
    return found


def _check_order(piece: Piece) -> None:
    if piece.low is None or piece.high is None:
        return
    order = compared(piece.low, piece.high)
    if order == 1 or (order == 0 and not (piece.with_low and piece.with_high)):
        raise ExpressionError(piece.low[0][2] + 1, "the smaller end first")


def _by_low(a: Piece, b: Piece) -> int:
    if a.low is None or b.low is None:
        return (a.low is not None) - (b.low is not None)
    return compared(a.low, b.low) or (b.with_low - a.with_low)


def _touches(a: Piece, b: Piece) -> bool:
    """Whether a later piece begins inside or at the end of an earlier one."""
    if a.high is None or b.low is None:
        return True
    order = compared(b.low, a.high)
    return order == -1 or (order == 0 and (a.with_high or b.with_low))


def _one_of(a: Piece, b: Piece) -> Piece:
    if a.high is None or b.high is None:
        return Piece(a.low, None, a.with_low, False)
    order = compared(a.high, b.high) or 0
    high = a.high if order >= 0 else b.high
    closed = (order >= 0 and a.with_high) or (order <= 0 and b.with_high)
    return Piece(a.low, high, a.with_low, closed)


# --- matrices ------------------------------------------------------------------------------------

Matrix = tuple[tuple[Ops, ...], ...]


def matrix(ops: Ops) -> Matrix:
    """The rows of a matrix. Raises ExpressionError for what is none, or has rows of two lengths.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> from engines.exercises.answer_lexer import answer_dialect
    >>> code = answer_code("[[1, 2], [3, 4]]", answer_dialect(lists=True))
    >>> [len(row) for row in matrix(code.ops)]
    [2, 2]
    """
    head, at = _head(ops), ops[-1][2]
    flat = head in ("[]", "()")
    if head == "matrix" or (flat and all(_head(row) in ("[]", "()") for row in parts(ops))):
        rows = tuple(parts(row) for row in parts(ops))
    elif flat:
        rows = (parts(ops),)
    else:
        raise ExpressionError(at + 1, "a matrix as [[1, 2], [3, 4]]", "another answer")
    if len({len(row) for row in rows}) > 1:
        raise ExpressionError(at + 1, "rows of one length")
    if sum(map(len, rows)) > MOST_ENTRIES:
        raise TooLarge(at + 1, f"at most {MOST_ENTRIES} entries")
    return rows


def shape(rows: Matrix) -> tuple[int, int]:
    """How many rows and columns a matrix has."""
    return len(rows), len(rows[0])


def same_matrix(a: Ops, b: Ops, rules: Rules = PLAIN) -> bool:
    """Whether two matrices are one: the same shape, and entry by entry."""
    mine, theirs = matrix(a), matrix(b)
    if shape(mine) != shape(theirs):
        return False
    rows = zip(mine, theirs, strict=True)
    return all(same_value(x, y, rules) for r, s in rows for x, y in zip(r, s, strict=True))
