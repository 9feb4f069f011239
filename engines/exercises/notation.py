"""A parsed expression as LaTeX, and in one spelling for comparison. This file prints mathematics.

Both run over the postfix form with a stack, so depth of input is never depth of recursion.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.answer_lexer import GREEK
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
    Op,
    parsed,
)
from engines.exercises.lexer import NOTATION, Written
from engines.exercises.limits import ExpressionError

_RELATION, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(6)
_BINDS = {"+": _SUM, "-": _SUM, "±": _SUM, "∓": _SUM, "*": _PRODUCT, "/": _ATOM, "^": _POWER}
_LATEX_SIGN = {
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∈": r"\in ", "±": r"\pm ", "∓": r"\mp ",
    "∪": r"\cup ",
}  # fmt: skip
_SYMBOLS = {"pi": r"\pi", "e": "e", "i": "i", "inf": r"\infty"}
_LETTERS = frozenset(string.ascii_letters)
_GREEK = {sign: f"\\{name}" for name, sign in GREEK.items()}
_LISTS = frozenset(("{}", "()", "[]", "[)", "(]"))
_SEPARATED = {",": ", ", "or": r" \text{ or } ", "and": r" \text{ and } "}
_NAMED = {
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan",
    **{name: f"\\{name}" for name in ("exp", "ln", "log", "sin", "cos", "tan")},
}  # fmt: skip

Printed = tuple[str, int]
"""LaTeX and how tightly its outermost sign binds."""


def latex_of_number(written: Written) -> str:
    r"""The LaTeX of a number as it was written.

    >>> latex_of_number(parsed("1 1/2", NOTATION).written[0])
    '1\\frac{1}{2}'
    """
    if written.shape == "integer":
        return str(written.value)
    if written.shape == "decimal":
        scaled = str(int(written.value * 10**written.places)).rjust(written.places + 1, "0")
        return f"{scaled[: -written.places]}.{scaled[-written.places :]}"
    whole = str(written.whole) if written.whole else ""
    return rf"{whole}\frac{{{written.num}}}{{{written.den}}}"


def latex(code: Code) -> str:
    r"""The LaTeX of an answer as it was understood.

    >>> latex(parsed("2x/3 - (x+1)^2", NOTATION))
    '\\frac{2 x}{3} - \\left(x + 1\\right)^{2}'
    """
    return _printed(code, frozenset())


def latex_with_doubts(code: Code) -> str:
    r"""The LaTeX of an answer, with a line under each product that may be read in two ways.

    >>> from engines.exercises.answer_grammar import answer_code
    >>> latex_with_doubts(answer_code("1/2x"))
    '\\underline{\\frac{1}{2} x}'
    """
    return _printed(code, frozenset(code.doubts))


def _printed(code: Code, doubts: frozenset[int]) -> str:
    stack: list[Printed] = []
    numbers = iter(code.written)
    for op in code.ops:
        kind, arg, at = op
        if kind == CONST:
            written = next(numbers)
            whole = written[1] == "integer"
            stack.append((str(written[0]) if whole else latex_of_number(written), _ATOM))
        elif kind == NAME:
            stack.append((arg if arg in _LETTERS else _latex_name(arg), _ATOM))
        elif kind == BINARY_OP:
            right = stack.pop()
            text, binds = _latex_binary(arg, stack.pop(), right)
            stack.append((rf"\underline{{{text}}}", _ATOM) if at in doubts else (text, binds))
        elif kind == SYMBOL:
            stack.append((_SYMBOLS[arg], _ATOM))
        elif kind in (CALL, CHAIN):
            count = arg[1] if kind == CALL else len(arg) + 1
            inside = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            stack.append(
                _latex_chain(arg, inside) if kind == CHAIN else _latex_call(arg[0], inside)
            )
        else:
            stack.append(_latex_unary(op, stack.pop()))
    return stack[0][0]


def _latex_name(name: str) -> str:
    r"""A variable; of many letters upright, an index below the line."""
    stem, _, index = name.partition("_")
    text = _GREEK.get(stem, stem) if len(stem) == 1 or stem[0] == "\\" else rf"\mathrm{{{stem}}}"
    return f"{text}_{{{index}}}" if index else text


def _latex_chain(signs: str, sides: list[Printed]) -> Printed:
    if signs == "=":
        return f"{sides[0][0]} = {sides[1][0]}".replace("  ", " "), _RELATION
    out = sides[0][0]
    for sign, side in zip(signs, sides[1:], strict=True):
        out = f"{out} {_LATEX_SIGN.get(sign, sign)} {side[0]}".replace("  ", " ")
    return out, _RELATION


def _latex_call(name: str, inside: list[Printed]) -> Printed:
    values = [text for text, _ in inside]
    if name == "sqrt":
        return rf"\sqrt{{{values[0]}}}", _ATOM
    if name == "root":
        return rf"\sqrt[{values[1]}]{{{values[0]}}}", _ATOM
    if name == "abs":
        return rf"\left|{values[0]}\right|", _ATOM
    if name in _LISTS:
        opened, closed = (rf"\{sign}" if sign in "{}" else sign for sign in name)
        return rf"\left{opened}{', '.join(values)}\right{closed}", _ATOM
    if name in _SEPARATED:
        return _SEPARATED[name].join(values), _RELATION
    if name in ("row", "matrix"):
        return _latex_matrix(name, values), _ATOM
    if name == "log_b":
        return rf"\log_{{{values[0]}}}\left({values[1]}\right)", _POWER
    if name in _NAMED:
        return rf"{_NAMED[name]}\left({', '.join(values)}\right)", _POWER
    return rf"\operatorname{{{name}}}({', '.join(values)})", _ATOM


def _latex_matrix(name: str, values: list[str]) -> str:
    if name == "row":
        return " & ".join(values)
    rows = r" \\ ".join(values)
    return rf"\begin{{bmatrix}}{rows}\end{{bmatrix}}"


def _latex_binary(sign: str, left: Printed, right: Printed) -> Printed:
    if sign == "/":
        return f"\\frac{{{left[0]}}}{{{right[0]}}}", _ATOM
    if sign == "^":
        return f"{_bracketed(left, _ATOM, powers=True)}^{{{right[0]}}}", _POWER
    if sign == "*":
        a = left[0] if left[1] >= _PRODUCT else f"\\left({left[0]}\\right)"
        b = right[0] if right[1] >= _POWER else f"\\left({right[0]}\\right)"
        return (rf"{a} \cdot {b}" if b[0].isdigit() or "frac" in b[:5] else f"{a} {b}"), _PRODUCT
    binds = _BINDS.get(sign, _RELATION)
    b = _bracketed(right, binds + (sign in "-±∓")) if binds else right[0]
    if sign in "+-":
        return f"{left[0]} {sign} {b}", binds
    return f"{left[0]} {_LATEX_SIGN.get(sign, sign)} {b}".replace("  ", " "), binds


def _bracketed(printed: Printed, binds: int, *, powers: bool = False) -> str:
    text, own = printed
    if own < binds or (powers and text.startswith(r"\frac")):
        return rf"\left({text}\right)"
    return text


_LATEX_POSTFIX = {"%": r"\%", "!": "!", "°": r"^\circ"}


def _latex_unary(op: Op, inner: Printed) -> Printed:
    if op.kind == SIGN and op.arg in _LATEX_SIGN:
        return f"{_LATEX_SIGN[op.arg]}{_bracketed(inner, _PRODUCT)}", _SIGN
    if op.kind == SIGN:
        return (f"-{_bracketed(inner, _PRODUCT)}" if op.arg == "-" else inner[0]), _SIGN
    if op.kind == POSTFIX:
        return _bracketed(inner, _ATOM) + _LATEX_POSTFIX[op.arg], _ATOM
    return inner


class _Part(NamedTuple):
    """A part of an expression in one spelling: a sign before a sum, a product or anything else.

    A product keeps its divisors in `below`, so that `2x/3` and `(2/3)x` are one spelling.
    """

    minus: bool
    kind: str
    above: tuple[str, ...]
    below: tuple[str, ...] = ()


def one_spelling(code: Code, *, ordered: bool) -> str:
    """The expression in one spelling: equal for the same tree but for brackets and signs.

    With `ordered`, terms and factors keep their order; without it, `3 + x` and `x + 3` are one.

    >>> one_spelling(parsed("x*3 - 1", NOTATION), ordered=False)
    '(+ (* 3 x) (- 1))'
    """
    stack: list[_Part] = []
    for op in code.ops:
        if op.kind == BINARY_OP:
            right = stack.pop()
            stack.append(_joined(op.arg, stack.pop(), right, ordered))
        elif op.kind == CALL:
            name, count = op.arg
            parts = " ".join(_closed(p) for p in stack[-count:])
            del stack[-count:]
            stack.append(_whole(f"({name} {parts})"))
        elif op.kind in (CONST, NAME):
            stack.append(_whole(str(op.arg)))
        elif op.kind != SIGN:
            stack.append(_whole(f"({op.arg} {_closed(stack.pop())})"))
        elif op.arg == "-":
            stack.append(_negated(stack.pop()))
    return _closed(stack[0])


def _whole(text: str) -> _Part:
    return _Part(False, "", (text,))


def _negated(part: _Part) -> _Part:
    return part._replace(minus=not part.minus)


def _closed(part: _Part) -> str:
    inner = " ".join(part.above)
    if part.below:
        inner = f"(/ {inner} : {' '.join(part.below)})"
    elif part.kind and len(part.above) > 1:
        inner = f"({part.kind} {inner})"
    return f"(- {inner})" if part.minus else inner


def _factors(part: _Part) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Factors and divisors of a part, its sign left out."""
    if part.kind == "*":
        return part.above, part.below
    return (_closed(part._replace(minus=False)),), ()


def _joined(sign: str, left: _Part, right: _Part, ordered: bool) -> _Part:
    if sign == "-":
        sign, right = "+", _negated(right)
    if sign == "+":
        terms = (*_terms(left), *_terms(right))
        return _Part(False, "+", terms if ordered else tuple(sorted(terms)))
    if sign in "*/":
        (above, below), (more_above, more_below) = _factors(left), _factors(right)
        if sign == "/":
            more_above, more_below = more_below, more_above
        above, below = (*above, *more_above), (*below, *more_below)
        if not ordered:
            above, below = tuple(sorted(above)), tuple(sorted(below))
        return _Part(left.minus != right.minus, "*", above, below)
    sides = (_closed(left), _closed(right))
    if not ordered and sign == "=":
        sides = (min(sides), max(sides))
    return _whole(f"({sign} {sides[0]} {sides[1]})")


def _terms(part: _Part) -> tuple[str, ...]:
    return part.above if part.kind == "+" and not part.minus else (_closed(part),)


_SPACES = re.compile(r"\s+|\\[,;:! ]|\\left|\\right|\$|\{\}")
_RESPELLED = (
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"(\1)/(\2)"),
    (re.compile(r"\\cdot|\\times|×|·|⋅"), "*"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"[−–]"), "-"),
    (re.compile(r"\\le(?:q)?(?![a-z])|<="), "≤"),
    (re.compile(r"\\ge(?:q)?(?![a-z])|>="), "≥"),
    (re.compile(r"\{([^{}])\}|\(([^()+\-*/^,])\)"), r"\1\2"),
    (re.compile(r"(?<=\d)\*(?=[a-z(])|(?<=\))\*(?=\()"), ""),
)


@lru_cache(maxsize=4096)
def squeezed(text: str) -> str:
    r"""The signs of a formula without its spaces and with one sign for each operation.

    The comparison for what is no single expression: pairs, lists, several equations.

    >>> squeezed(r"$$\left(2, \frac{3}{2}\right)$$") == squeezed("(2, 3/2)")
    True
    """
    text = _SPACES.sub("", text)
    for pattern, sign in _RESPELLED:
        text = pattern.sub(sign, text)
    return re.sub(r"\((\d+|[a-z])\)(?=/)|(?<=/)\((\d+|[a-z])\)", r"\1\2", text)


_WORDS = re.compile(r"[^\W\d_]{3,}")
_FORMULA = re.compile(r"[\d+*/^=<>≤≥−×·\\]")


@lru_cache(maxsize=4096)
def formula(text: str) -> Code | None:
    """The text parsed as one formula, or None where it is words or no expression.

    Words of three letters and more are words: `stop` is not s t o p.
    """
    bare = re.sub(r"\\[a-zA-Z]+", "", text)
    words = _WORDS.findall(bare)
    if any(word not in ("sqrt", "abs", "max", "min") for word in words):
        return None
    if not _FORMULA.search(text):
        return None
    try:
        return parsed(text.strip(), NOTATION)
    except ExpressionError:
        return None
