"""The one parser and evaluator of templates and learners' answers. This file is their grammar.

Precedence, loosest first: or, and, not, relation, + -, * / and implicit product, sign, ^ (right to
left), ! and %. The parser is a shunting yard (Dijkstra 1961) and its product runs on a stack, so
depth of input is never depth of recursion. Python is never evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from engines.exercises.functions import (
    BINARY,
    BOUND,
    FUNCTIONS,
    WHOLE,
    Beyond,
    Inexact,
    Number,
    Operand,
    entry,
    factorial,
    number,
    percent,
    within,
)
from engines.exercises.lexer import (
    FUNCTION_NAMES,
    NOTATION,
    TEMPLATE,
    Dialect,
    Token,
    Written,
    tokens,
)
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge

CONST, NAME, BINARY_OP, SIGN, CALL, INDEX, POSTFIX, NOT, JUMP, JUMP_FALSE, SHORT = range(11)
SYMBOL, CHAIN = 11, 12
"""Of answers alone: a constant (e, pi, i, inf), and a chain of relations (its signs)."""


class Op(NamedTuple):
    """One step of the stack machine: what, on what, and at which place of the text (from 0)."""

    kind: int
    arg: Any
    at: int


class Code(NamedTuple):
    """A parsed expression in postfix order; `names` are those that need a value.

    `written` are its number literals in order, for the forms that ask how a number was written;
    `grouped` are the places (from 0) of brackets that hold one expression, `doubts` of products
    that people read in two ways. Both are kept for answers alone.
    """

    ops: tuple[Op, ...]
    names: frozenset[str]
    written: tuple[Written, ...]
    grouped: tuple[int, ...] = ()
    doubts: tuple[int, ...] = ()


BRACKET, _OR, _AND, _NOT, RELATION, UNION, SUM, _PRODUCT, APPLY, TIGHT, SIGNED, POWER = range(12)
"""How tightly signs bind. `APPLY` is a function without brackets, `TIGHT` the product in it."""
PRECEDENCE = {
    "or": _OR, "and": _AND, "=": RELATION, "≠": RELATION, "<": RELATION, ">": RELATION,
    "≤": RELATION, "≥": RELATION, "+": SUM, "-": SUM, "*": _PRODUCT, "/": _PRODUCT,
    "^": POWER, "±": SUM, "∓": SUM, "∪": UNION,
}  # fmt: skip


_DEEPER = frozenset((BRACKET, _NOT, APPLY, SIGNED, POWER))
"""What waits for an operand of its own; so many of these are the depth of a text."""


class Waiting:
    """An operator or bracket that waits for what follows it."""

    __slots__ = ("at", "commas", "jumps", "precedence", "sign")

    def __init__(self, sign: str, precedence: int, at: int) -> None:
        self.sign = sign
        self.precedence = precedence
        self.at = at
        self.commas = 0
        self.jumps: Sequence[int] = ()
        """Where steps of the stack machine are that have to lead behind it."""


class Sign(NamedTuple):
    """An operator between two operands that waits for the second one: all that is known of it."""

    sign: str
    precedence: int
    at: int


made = tuple.__new__
"""Makes a named tuple without the call of its own maker: three are made for each word."""


class Parser:
    """One expression; `after` is True where an operand has just ended."""

    __slots__ = ("after", "depth", "dialect", "end", "last", "names", "ops", "stack", "written")
    take: ClassVar[dict[str, Callable[..., None]]] = {}
    """What takes in a word of each kind, given it and the next one."""

    def __init__(self, dialect: Dialect, end: int) -> None:
        self.dialect = dialect
        self.end = end
        self.ops: list[Op] = []
        self.stack: list[Waiting | Sign] = []
        self.names: set[str] = set()
        self.written: list[Written] = []
        self.after = False
        self.last = ""
        self.depth = 0

    def code(self, words: list[Token]) -> Code:
        take, word = self.take, words[0] if words else None
        for following in words[1:]:
            assert word is not None
            take[word[0]](self, word, following)
            self.last, word = word[0], following
        if word is not None:
            take[word[0]](self, word, None)
            self.last = word[0]
        if not self.after:
            raise ExpressionError(self.end + 1, "a number or '('", "the end")
        return self._finished()

    def _finished(self) -> Code:
        self._unwind(_OR)
        if self.stack:
            raise ExpressionError(self.end + 1, "')'", "the end")
        return Code(tuple(self.ops), frozenset(self.names), tuple(self.written))

    # --- operands ---------------------------------------------------------------------------

    def _operand(self, word: Token) -> None:
        """Make room for an operand; one operand after another is a product where that is sense."""
        if self.after:
            if not self._multiplies(word):
                raise ExpressionError(word[2] + 1, "a sign or the end", shown(word))
            self._binary("*", word[2])
        self.after = True

    def _multiplies(self, word: Token) -> bool:
        if word[0] == "num":
            return self.last == ")"
        if self.dialect.letters:
            return word[0] in ("name", "(")
        if word[0] in ("name", "("):
            return word[0] == "(" or (self.dialect.words and self.last in ("num", ")"))
        return False

    def _num(self, word: Token, _next: Token | None) -> None:
        assert isinstance(word[1], Written)
        self._operand(word)
        self.written.append(word[1])
        value = word[1].value
        if type(value) is not int or value >= BOUND:
            value = within_at(word)
        self.ops.append(made(Op, (CONST, value, word[2])))

    def _text(self, word: Token, _next: Token | None) -> None:
        self._operand(word)
        self.ops.append(Op(CONST, word[1], word[2]))

    def _name(self, word: Token, following: Token | None) -> None:
        name = str(word[1])
        calls = following is not None and following[0] == "("
        if name in FUNCTION_NAMES:
            if not calls:
                raise ExpressionError(word[2] + len(name) + 1, f"'(' after {name}", "")
            self._operand(word)
            self.after = False
            self._wait(Waiting(name, BRACKET, word[2]))
            return
        if calls and self.dialect.words:
            raise ExpressionError(word[2] + 1, "a function or a sign before '('", repr(name))
        if not (self.dialect.words or self.dialect.letters):
            raise ExpressionError(word[2] + 1, "a number", repr(name))
        self._operand(word)
        self.names.add(name)
        self.ops.append(Op(NAME, name, word[2]))

    # --- operators --------------------------------------------------------------------------

    def _wait(self, waiting: Waiting | Sign) -> None:
        if waiting.precedence in _DEEPER:
            self.depth += 1
            if self.depth > LIMITS.depth:
                raise TooLarge(waiting.at + 1, f"a depth of at most {LIMITS.depth}")
        self.stack.append(waiting)

    def _pop(self) -> Waiting | Sign:
        waiting = self.stack.pop()
        if waiting.precedence in _DEEPER:
            self.depth -= 1
        return waiting

    def _unwind(self, precedence: int) -> None:
        """Write out every waiting operator that binds at least as tightly."""
        stack = self.stack
        while stack and stack[-1].precedence >= precedence:
            waiting = self._pop()
            if isinstance(waiting, Sign):
                self.ops.append(made(Op, (BINARY_OP, waiting[0], waiting[2])))
            else:
                self._write(waiting)

    def _write(self, waiting: Waiting) -> None:
        """Write out an operator whose operands are complete."""
        if waiting.precedence == SIGNED:
            self.ops.append(Op(SIGN, waiting.sign, waiting.at))
        elif waiting.precedence == _NOT:
            self.ops.append(Op(NOT, None, waiting.at))
        elif waiting.jumps:
            self._land(waiting.jumps[0])
        else:
            self.ops.append(Op(BINARY_OP, waiting.sign, waiting.at))

    def _land(self, jump: int) -> None:
        """Let the jump at `jump` lead to the present place."""
        kind, arg, at = self.ops[jump]
        here = len(self.ops)
        self.ops[jump] = Op(kind, (arg, here) if kind == SHORT else here, at)

    def _binary(self, sign: str, at: int) -> None:
        precedence = PRECEDENCE[sign]
        self._unwind(precedence + (sign == "^"))
        if precedence == RELATION and self.dialect is TEMPLATE:
            below = self.stack[-1].precedence if self.stack else BRACKET
            chained = self.ops and self.ops[-1].kind == BINARY_OP
            if chained and below != _NOT and PRECEDENCE[str(self.ops[-1].arg)] == RELATION:
                raise ExpressionError(at + 1, "'and' between two comparisons", f"'{sign}'")
        if precedence in (_OR, _AND):
            waiting = Waiting(sign, precedence, at)
            waiting.jumps = (len(self.ops),)
            self.ops.append(Op(SHORT, sign, at))
            self._wait(waiting)
        else:
            self._wait(made(Sign, (sign, precedence, at)))
        self.after = False

    def _op(self, word: Token, _next: Token | None) -> None:
        sign = str(word[1])
        if sign == "not" or (not self.after and sign in "+-"):
            self._prefix(sign, word)
        elif not self.after:
            raise ExpressionError(word[2] + 1, "a number or '('", f"'{sign}'")
        elif sign in "!%":
            self._unwind(POWER + 1)
            self.ops.append(Op(POSTFIX, sign, word[2]))
        elif PRECEDENCE[sign] <= _AND and self.dialect is not TEMPLATE:
            raise ExpressionError(word[2] + 1, "a sign or the end", f"'{sign}'")
        else:
            self._binary(sign, word[2])

    def _prefix(self, sign: str, word: Token) -> None:
        if self.after:
            raise ExpressionError(word[2] + 1, "a sign or the end", f"'{sign}'")
        self._wait(Waiting(sign, _NOT if sign == "not" else SIGNED, word[2]))

    # --- brackets ---------------------------------------------------------------------------

    def _open(self, word: Token, _next: Token | None) -> None:
        if self.stack and self.stack[-1].sign in FUNCTION_NAMES and self.last == "name":
            return
        self._operand(word)
        self.after = False
        self._wait(Waiting("(", BRACKET, word[2]))

    def _open_index(self, word: Token, _next: Token | None) -> None:
        if not (self.after and self.dialect.words):
            raise ExpressionError(word[2] + 1, "a number or '('", "'['")
        self._wait(Waiting("[", BRACKET, word[2]))
        self.after = False

    def _comma(self, word: Token, _next: Token | None) -> None:
        self._ended(word)
        top = self.stack[-1] if self.stack else None
        if top is None or top.sign not in FUNCTION_NAMES:
            raise ExpressionError(word[2] + 1, "a sign or the end", "','")
        assert isinstance(top, Waiting)
        top.commas += 1
        self.after = False
        if top.sign == "if":
            self._branch(top, word)

    def _branch(self, top: Waiting, word: Token) -> None:
        """The commas of `if` become jumps, so that the other branch is never computed."""
        top.jumps = (*top.jumps, len(self.ops))
        self.ops.append(Op(JUMP_FALSE if top.commas == 1 else JUMP, None, word[2]))
        if top.commas == 2:
            self._land(top.jumps[0])

    def _close(self, word: Token, _next: Token | None) -> None:
        self._ended(word)
        if not self.stack or self.stack[-1].sign == "[":
            raise ExpressionError(word[2] + 1, "']'" if self.stack else "the end", "')'")
        top = self._pop()
        assert isinstance(top, Waiting)
        if top.sign == "if":
            self._end_if(top, word)
        elif top.sign in FUNCTION_NAMES:
            fewest, most, _ = FUNCTIONS[top.sign]
            if not fewest <= top.commas + 1 <= most:
                many = f"{fewest}" if fewest == most else f"{fewest} to {most}"
                raise ExpressionError(word[2] + 1, f"{many} values for {top.sign}", "')'")
            self.ops.append(Op(CALL, (top.sign, top.commas + 1), top.at))
        self.after = True

    def _end_if(self, top: Waiting, word: Token) -> None:
        if top.commas != 2:
            raise ExpressionError(word[2] + 1, "if(condition, then, else)", "')'")
        self._land(top.jumps[1])

    def _close_index(self, word: Token, _next: Token | None) -> None:
        self._ended(word)
        if not self.stack or self.stack[-1].sign != "[":
            raise ExpressionError(word[2] + 1, "')'" if self.stack else "the end", "']'")
        self._pop()
        self.ops.append(Op(INDEX, None, word[2]))

    def _ended(self, word: Token) -> None:
        if not self.after:
            raise ExpressionError(word[2] + 1, "a number or '('", f"'{word[1]}'")
        self._unwind(_OR)


Parser.take = {
    "num": Parser._num,
    "name": Parser._name,
    "text": Parser._text,
    "op": Parser._op,
    "(": Parser._open,
    ")": Parser._close,
    ",": Parser._comma,
    "[": Parser._open_index,
    "]": Parser._close_index,
}


def within_at(word: Token) -> Number:
    """The value of a number word. Raises TooLarge beyond the bits allowed."""
    assert isinstance(word[1], Written)
    try:
        return within(word[1].value)
    except Inexact as error:
        raise TooLarge(word[2] + 1, str(error)) from None


def shown(word: Token) -> str:
    """A word as a message names it."""
    return "a number" if isinstance(word[1], Written) else repr(word[1])


@lru_cache(maxsize=1 << 15)
def parsed(text: str, dialect: Dialect = TEMPLATE) -> Code:
    """The parsed expression, cached. Raises ExpressionError with the column of the first fault.

    >>> sorted(parsed("if(a > b, a - b, b - a)").names)
    ['a', 'b']
    """
    words = tokens(text, dialect)
    return Parser(dialect, len(text.rstrip())).code(words)


def evaluated(code: Code, values: Mapping[str, Operand] | None = None) -> Operand:
    """The value of a parsed expression: int where whole, Fraction, text, or a list.

    Raises ExpressionError with the column where no exact value exists (a division by zero, a name
    without a value, a number too large).

    >>> evaluated(parsed("(c + b) / a"), {"a": 4, "b": 1, "c": 9})
    Fraction(5, 2)
    """
    ops, stack, i, end = code.ops, list[Operand](), 0, len(code.ops)
    given = values or {}
    try:
        while i < end:
            kind, arg, _ = ops[i]
            i += 1
            if kind == CONST:
                stack.append(arg)
            elif kind == NAME:
                value = given.get(arg)
                stack.append(value if type(value) is int else given_value(value, arg))
            elif kind == BINARY_OP:
                right = stack.pop()
                left = stack[-1]
                if type(left) is int and type(right) is int and arg in WHOLE:
                    result = WHOLE[arg](left, right)
                    stack[-1] = result if -BOUND < result < BOUND else within(result)
                else:
                    stack[-1] = BINARY[arg](left, right)
            else:
                i = _stepped(kind, arg, stack, i)
    except Beyond as error:
        raise TooLarge(ops[i - 1].at + 1, str(error)) from None
    except Inexact as error:
        raise ExpressionError(ops[i - 1].at + 1, str(error)) from None
    return stack[0]


def given_value(value: Operand | None, name: str) -> Operand:
    """A name's value, whole where it can be. Raises Inexact for a name without one."""
    if value is None:
        msg = f"a known name, not {name!r}"
        raise Inexact(msg)
    if type(value) is Fraction and value.denominator == 1:
        return value.numerator
    return value


def _stepped(kind: int, arg: Any, stack: list[Operand], i: int) -> int:
    """Run one of the rarer steps; returns the place of the next one."""
    if kind == JUMP:
        return int(arg)
    if kind == JUMP_FALSE:
        return i if stack.pop() else int(arg)
    if kind == SHORT:
        sign, target = arg
        if bool(stack[-1]) == (sign == "or"):
            return int(target)
        stack.pop()
    elif kind == CALL:
        name, count = arg
        values = stack[-count:]
        del stack[-count:]
        stack.append(FUNCTIONS[name][2](*values))
    elif kind == INDEX:
        index = stack.pop()
        stack[-1] = entry(stack[-1], index)
    elif kind == NOT:
        stack[-1] = not stack[-1]
    elif kind == SIGN:
        stack[-1] = -number(stack[-1]) if arg == "-" else number(stack[-1])
    else:
        stack[-1] = factorial(stack[-1]) if arg == "!" else percent(stack[-1])
    return i


def value_of(text: str, values: Mapping[str, Operand] | None = None) -> Operand:
    """The value of a template expression in text form.

    >>> value_of("3/4 + 1/8")
    Fraction(7, 8)
    """
    return evaluated(parsed(text), values)


__all__ = ["NOTATION", "Code", "Op", "Operand", "evaluated", "parsed", "value_of"]
