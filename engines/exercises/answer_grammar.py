"""The grammar of learners' answers, over that of templates. This file is its parser.

To the parser of `expression` it adds chains of relations, functions without brackets (`sin 2x`),
`|x|`, lists and their brackets, matrices, and constants. Depth of input is no depth of recursion.
"""

from __future__ import annotations

from functools import lru_cache

from engines.exercises.answer_lexer import (
    ANSWER_FUNCTIONS,
    KEY_FUNCTIONS,
    ROOTS,
    answer_dialect,
    answer_tokens,
)
from engines.exercises.expression import (
    APPLY,
    BINARY_OP,
    BRACKET,
    CALL,
    CHAIN,
    CONST,
    NAME,
    POSTFIX,
    POWER,
    PRECEDENCE,
    RELATION,
    SIGN,
    SIGNED,
    SUM,
    SYMBOL,
    TIGHT,
    UNION,
    Code,
    Op,
    Parser,
    Sign,
    Waiting,
    made,
    shown,
    within_at,
)
from engines.exercises.functions import BOUND
from engines.exercises.lexer import Dialect, Token, Written
from engines.exercises.limits import ExpressionError

_FUNCTIONS = ANSWER_FUNCTIONS | KEY_FUNCTIONS
_INVERSE = {"sin": "asin", "cos": "acos", "tan": "atan"}
_INFIX = frozenset("+-*/^±∓∪")
_RELATIONS = "=≠<>≤≥∈"
_SPECIAL = frozenset("eiU")
"""Letters that may be no variables."""
_FACTORS = frozenset(("name", "(", "fn", "symbol", "|", "["))
"""Words that make a product with an operand before them, wherever they may begin one."""
_TIMES = ("*", PRECEDENCE["*"])
_OPENS = ("(", "[", "{")
_CLOSES = (")", "]", "}")


class Opened(Waiting):
    """A bracket or function of an answer, with where it began in steps and numbers.

    `split` is where a function's index or base ended, `rows` are those of a matrix that are
    complete, `power` is a function's (`sin^2 x`); `round` says that a bracket groups.
    """

    __slots__ = ("power", "round", "rows", "split", "start", "written")

    def __init__(self, sign: str, precedence: int, at: int, start: int, written: int) -> None:
        self.sign = sign
        self.precedence = precedence
        self.at = at
        self.start = self.split = start
        self.written = written
        self.commas = self.rows = 0
        self.jumps = ()
        self.power: int | None = None
        self.round = False


class AnswerParser(Parser):
    """One answer. A waiting bracket is known by its sign; a function's is the function's name."""

    __slots__ = ("doubts", "grouped", "seps")

    def __init__(self, dialect: Dialect, end: int) -> None:
        super().__init__(dialect, end)
        self.grouped: list[int] = []
        self.doubts: list[int] = []
        self.seps: list[str] = []
        """Separators outside of all brackets."""

    def _finished(self) -> Code:
        self._unwind(RELATION)
        if self.stack:
            raise ExpressionError(self.end + 1, _closing(self.stack[-1]), "the end")
        if self.seps:
            if len(set(self.seps) - {","}) > 1:
                raise ExpressionError(self.end + 1, "'or' or 'and', not both", "both")
            sign = next((s for s in self.seps if s != ","), ",")
            self.ops.append(Op(CALL, (sign, len(self.seps) + 1), 0))
        return Code(
            tuple(self.ops),
            frozenset(self.names),
            tuple(self.written),
            tuple(self.grouped),
            tuple(self.doubts),
        )

    # --- operands ---------------------------------------------------------------------------

    def _multiplies(self, word: Token) -> bool:
        kind = word[0]
        if kind == "num":
            return self.last in (")", "|")
        return kind in _FACTORS and not (kind == "[" and self.dialect.lists)

    def _operand(self, word: Token) -> None:
        if not self.after:
            self.after = True
            return
        if not self._multiplies(word):
            raise ExpressionError(word[2] + 1, "a sign or the end", shown(word))
        top = self.stack[-1] if self.stack else None
        if top is not None and top.precedence > SUM and (top.sign, top.precedence) != _TIMES:
            self._doubt(top, word)
            if word[0] in ("num", "name", "symbol") and self._in_function():
                self._unwind(TIGHT)
                self._wait(Waiting("*", TIGHT, word[2]))
                return
        self._binary("*", word[2])
        self.after = True

    def _doubt(self, top: Waiting | Sign, word: Token) -> None:
        """Mark a product that people read in two ways: `1/2x`, `2^3x`, `sqrt 2x`."""
        bare = self.last in ("num", "name", "symbol")
        power = top.precedence == POWER and bare and self.ops[-1][2] > top.at
        if top.sign == "/" or power or (top.sign in ROOTS and top.precedence == SIGNED):
            self.doubts.append(word[2])

    def _in_function(self) -> bool:
        """Whether what stands last belongs to a function without brackets."""
        for waiting in reversed(self.stack):
            if waiting.precedence == APPLY:
                return True
            if waiting.precedence < APPLY:
                return False
        return False

    def _name(self, word: Token, following: Token | None) -> None:
        name = str(word[1])
        if name in _SPECIAL and name not in self.dialect.names:
            if name == "e" or (name == "i" and self.dialect.imaginary):
                self._symbol(word, following)
                return
            if name == "U" and self._unites(following):
                self._op(("op", "∪", word[2]), following)
                return
        self._operand(word)
        self.names.add(name)
        self.ops.append(made(Op, (NAME, name, word[2])))

    def _unites(self, following: Token | None) -> bool:
        """Whether a U stands between two lists."""
        opens = following is not None and following[0] in (*_OPENS, "empty")
        return self.dialect.lists and self.last in _CLOSES and opens

    def _symbol(self, word: Token, _next: Token | None) -> None:
        self._operand(word)
        self.ops.append(Op(SYMBOL, word[1], word[2]))

    def _empty(self, word: Token, _next: Token | None) -> None:
        self._operand(word)
        self.ops.append(Op(CALL, ("{}", 0), word[2]))

    # --- functions --------------------------------------------------------------------------

    def _function(self, word: Token, _next: Token | None) -> None:
        name = str(word[1])
        self._operand(word)
        self.after = False
        self._wait(self._opened(name, SIGNED if name in ROOTS else APPLY, word[2]))

    def _opened(self, sign: str, precedence: int, at: int) -> Opened:
        return Opened(sign, precedence, at, len(self.ops), len(self.written))

    def _top(self) -> Opened:
        """The bracket or function that waits last."""
        top = self.stack[-1]
        assert isinstance(top, Opened)
        return top

    def _power_of(self, word: Token, _next: Token | None) -> None:
        """The power of a function, `sin^2 x`; -1 makes a trigonometric one its inverse."""
        top = self._top()
        if word[1] == "-1" and top.sign in _INVERSE:
            top.sign = _INVERSE[top.sign]
            self.doubts.append(word[2])
        else:
            top.power = int(str(word[1]))
        self.last = "fn"

    def _open_index(self, word: Token, _next: Token | None) -> None:
        self._wait(self._opened("index", BRACKET, word[2]))
        self.after = False

    def _close_index(self, word: Token, _next: Token | None) -> None:
        self._ended(word)
        if not self.stack or self.stack[-1].sign != "index":
            raise ExpressionError(word[2] + 1, "the end of the bracket before", f"'{word[1]}'")
        self._pop()
        top = self._top()
        top.split, top.commas = len(self.ops), 1
        self.after = False

    def _called(self, top: Opened) -> None:
        """Write a function's call, its base or index in its place, and its power."""
        given = top.commas + 1
        fewest, most = _FUNCTIONS[top.sign]
        if not fewest <= given <= most:
            many = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise ExpressionError(top.at + 1, f"{many} values for {top.sign}", f"{given}")
        if top.sign == "root" and top.split > top.start:
            self._swap(top)
        self.ops.append(Op(CALL, (top.sign, given), top.at))
        if top.power is not None:
            self.written.append(Written(abs(top.power), "integer"))
            self.ops.append(Op(CONST, abs(top.power), top.at))
            if top.power < 0:
                self.ops.append(Op(SIGN, "-", top.at))
            self.ops.append(Op(BINARY_OP, "^", top.at))

    def _swap(self, top: Opened) -> None:
        """`root(x, n)` for what was written with its index before it."""
        index = self.ops[top.start : top.split]
        self.ops[top.start :] = self.ops[top.split :] + index
        numbers = sum(op[0] == CONST for op in index)
        first = self.written[top.written : top.written + numbers]
        self.written[top.written :] = self.written[top.written + numbers :] + first

    def _write(self, waiting: Waiting) -> None:
        if waiting.precedence == RELATION:
            self.ops.append(Op(CHAIN, waiting.sign, waiting.at))
        elif isinstance(waiting, Opened):
            self._called(waiting)
        else:
            super()._write(waiting)

    # --- operators --------------------------------------------------------------------------

    def _num(self, word: Token, _next: Token | None) -> None:
        if self.after:
            self._operand(word)
        self.after = True
        written = word[1]
        assert isinstance(written, Written)
        self.written.append(written)
        value = written.value
        if type(value) is not int or value >= BOUND:
            value = within_at(word)
        self.ops.append(made(Op, (CONST, value, word[2])))

    def _binary(self, sign: str, at: int) -> None:
        precedence = PRECEDENCE[sign]
        stack = self.stack
        if stack and stack[-1].precedence >= precedence:
            self._unwind(precedence + (sign == "^"))
        waiting = made(Sign, (sign, precedence, at))
        if precedence == POWER:
            self._wait(waiting)
        else:
            stack.append(waiting)
        self.after = False

    def _op(self, word: Token, _next: Token | None) -> None:
        sign = str(word[1])
        if self.after and sign in _INFIX:
            self._binary(sign, word[2])
        elif not self.after and sign in "±∓":
            self._wait(Waiting(sign, SIGNED, word[2]))
        elif self.after and sign == "°":
            self._unwind(POWER + 1)
            self.ops.append(Op(POSTFIX, sign, word[2]))
        elif self.after and sign in _RELATIONS:
            self._relation(sign, word[2])
        else:
            super()._op(word, _next)

    def _relation(self, sign: str, at: int) -> None:
        self._unwind(UNION)
        top = self.stack[-1] if self.stack else None
        self.after = False
        if top is None:
            self._wait(Waiting(sign, RELATION, at))
        elif top.precedence == RELATION and isinstance(top, Waiting):
            top.sign += sign
        else:
            raise ExpressionError(at + 1, _closing(top), f"'{sign}'")

    # --- brackets ---------------------------------------------------------------------------

    def _open(self, word: Token, _next: Token | None) -> None:
        if (
            word[0] == "("
            and self.last in ("fn", "index)")
            and self.stack
            and isinstance(top := self.stack[-1], Opened)
            and top.sign in _FUNCTIONS
        ):
            top.precedence = BRACKET
            return
        self._operand(word)
        self.after = False
        opened = self._opened("matrix" if word[1] == "matrix" else word[0], BRACKET, word[2])
        opened.round = word[1] in ("(", "[")  # not a brace or the half of a fraction
        self._wait(opened)

    def _bar(self, word: Token, following: Token | None) -> None:
        if self.after and any(w.precedence == BRACKET for w in self.stack):
            inner = next(w for w in reversed(self.stack) if w.precedence == BRACKET)
            if inner.sign == "|":
                self._unwind(RELATION)
                self._pop()
                self.ops.append(Op(CALL, ("abs", 1), inner.at))
                return
        self._open(word, following)

    def _comma(self, word: Token, _next: Token | None) -> None:
        self._ended(word)
        top = self.stack[-1] if self.stack else None
        self.after = False
        if top is None and self.dialect.lists:
            self.seps.append(",")
        elif isinstance(top, Opened) and top.sign not in ("|", "index"):
            self._next_value(top, word)
        else:
            raise ExpressionError(word[2] + 1, "a sign or the end", f"'{word[1]}'")

    def _next_value(self, top: Opened, word: Token) -> None:
        row = word[1] == "row" or (word[1] == ";" and top.sign == "[")
        if row and top.sign not in _FUNCTIONS:
            self._row(top)
        else:
            top.commas += 1

    def _row(self, top: Opened) -> None:
        self.ops.append(Op(CALL, ("row", top.commas + 1), top.at))
        top.commas = 0
        top.rows += 1

    def _or(self, word: Token, _next: Token | None) -> None:
        self._ended(word)
        if self.stack:
            raise ExpressionError(word[2] + 1, _closing(self.stack[-1]), f"'{word[1]}'")
        self.seps.append(str(word[1]))
        self.after = False

    def _close(self, word: Token, _next: Token | None) -> None:
        top = self.stack[-1] if self.stack else None
        if not self.after and top is not None and self.last == "{" and word[0] == "}":
            self._pop()
            self.ops.append(Op(CALL, ("{}", 0), top.at))
            self.after = True
            return
        self._ended(word)
        if not self.stack:
            raise ExpressionError(word[2] + 1, "the end", f"'{word[1]}'")
        top = self._pop()
        assert isinstance(top, Opened)
        if top.sign in _FUNCTIONS and word[0] == ")":
            self._called(top)
        else:
            self._closed(top, word)
        self.after = True

    def _closed(self, top: Opened, word: Token) -> None:
        """A bracket that is no function's: a matrix, a list, an interval, or one expression."""
        pair = top.sign + word[0]
        values = top.commas + 1
        if top.sign == "matrix" or top.rows:
            if pair not in ("[]", "()") and word[1] != "matrix":
                raise ExpressionError(word[2] + 1, _closing(top), f"'{word[1]}'")
            self._row(top)
            self.ops.append(Op(CALL, ("matrix", top.rows), top.at))
        elif (
            pair in ("()", "[]", "{}") and values == 1 and not (pair != "()" and self.dialect.lists)
        ):
            if top.round:
                self.grouped.append(top.at)
        elif pair in ("()", "[]", "{}") or (pair in ("[)", "(]") and values == 2):
            self.ops.append(Op(CALL, (pair, values), top.at))
        else:
            raise ExpressionError(word[2] + 1, _closing(top), f"'{word[1]}'")


def _closing(top: Waiting | Sign) -> str:
    """What would end a bracket that is still open."""
    return {"[": "']'", "{": "'}'", "|": "'|'", "matrix": r"'\end'"}.get(top.sign, "')'")


AnswerParser.take = {
    **Parser.take,
    "num": AnswerParser._num,
    "name": AnswerParser._name,
    "op": AnswerParser._op,
    "fn": AnswerParser._function,
    "power": AnswerParser._power_of,
    "symbol": AnswerParser._symbol,
    "empty": AnswerParser._empty,
    "index(": AnswerParser._open_index,
    "index)": AnswerParser._close_index,
    "(": AnswerParser._open,
    "[": AnswerParser._open,
    "{": AnswerParser._open,
    ")": AnswerParser._close,
    "]": AnswerParser._close,
    "}": AnswerParser._close,
    "|": AnswerParser._bar,
    ",": AnswerParser._comma,
    ";": AnswerParser._comma,
    "or": AnswerParser._or,
}


@lru_cache(maxsize=1 << 14)
def answer_code(text: str, dialect: Dialect | None = None) -> Code:
    """The parsed answer, cached. Raises ExpressionError with the column of the first fault.

    >>> [op.arg for op in answer_code("2 < x <= 5").ops]
    [2, 'x', 5, '<≤']
    """
    if not text.strip(" $"):
        raise ExpressionError(1, "an answer", "nothing")
    dialect = dialect or answer_dialect()
    return AnswerParser(dialect, len(text.rstrip())).code(answer_tokens(text, dialect))
