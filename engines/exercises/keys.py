"""An item's key in the grammar of answers, its numbers put in. This file prints it.

What is known when the item is drawn is worked out (`(c - b)/a` is `5/2`); what the author wrote of
plain numbers stays, for a form may ask for it. `1*x` and `+ -3` are tidied as people write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.answer_grammar import answer_code
from engines.exercises.answer_lexer import KEY_FUNCTIONS, answer_dialect
from engines.exercises.expression import (
    BINARY_OP,
    CALL,
    CHAIN,
    CONST,
    NAME,
    POSTFIX,
    SIGN,
    Code,
    Op,
)
from engines.exercises.formats import decimal
from engines.exercises.functions import (
    BINARY,
    FUNCTIONS,
    Beyond,
    Inexact,
    Number,
    Operand,
    number,
)
from engines.exercises.lexer import Dialect, Written
from engines.exercises.limits import ExpressionError, TooLarge
from engines.exercises.programs import exact_root
from engines.words import AnswerSpec

SYMBOLIC = frozenset(("expression", "equation", "interval", "set", "matrix"))
"""Kinds of answers whose key is a text of the answer grammar."""
_LISTED = frozenset(("equation", "interval", "set", "matrix"))


@lru_cache(maxsize=4096)
def _dialect(
    names: frozenset[str],
    kind: str,
    imaginary: bool,
    mixed: bool = False,
    keys: bool = False,
    scientific: bool = False,
) -> Dialect:
    lists = kind in _LISTED
    return answer_dialect(
        names, imaginary=imaginary, lists=lists, mixed=mixed, keys=keys, scientific=scientific
    )


def dialect_of(spec: AnswerSpec, *, mixed: bool = False, scientific: bool = False) -> Dialect:
    """How answers to an item are read; `mixed` allows `1 1/2`, `scientific` reads `2.4e9`."""
    if not (spec.variables or spec.integers or spec.complex or scientific):
        return _PLAIN[spec.kind, mixed]
    names = frozenset((*spec.variables, *spec.integers))
    return _dialect(names, spec.kind, spec.complex, mixed, scientific=scientific)


_PLAIN = {
    (kind, mixed): _dialect(frozenset(), kind, False, mixed)
    for kind in SYMBOLIC
    for mixed in (False, True)
}
"""The dialects of answers that declare nothing."""


def key_code(text: str, spec: AnswerSpec, params: frozenset[str]) -> Code:
    """The parsed value or misconception of a symbolic answer, over the params.

    Raises ExpressionError with the column of what does not parse.
    """
    names = params | frozenset(spec.variables) | frozenset(spec.integers)
    return answer_code(text, _dialect(names, spec.kind, spec.complex, keys=True))


_RELATION, _UNION, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(7)


class _Part(NamedTuple):
    """A part printed: how tightly it binds, its value where it is known, and if it was drawn."""

    text: str
    binds: int = _ATOM
    value: Number | None = None
    drawn: bool = False


def put_in(
    code: Code, values: Mapping[str, Operand], spec: AnswerSpec, *, worked_out: bool = True
) -> str:
    """The key's text with the values of the params in it, as a learner could type it.

    With `worked_out` False, products and powers of drawn numbers stay as they are. Raises
    ExpressionError where a value does not exist.

    >>> spec = AnswerSpec(kind="expression", value="a*x + b")
    >>> put_in(key_code("a*x + b", spec, frozenset("ab")), {"a": 3, "b": -2}, spec)
    '3*x - 2'
    """
    stack: list[_Part] = []
    numbers = iter(code.written)
    printing = _Printing(values, spec, worked_out)
    at = 0
    try:
        for op in code.ops:
            at = op[2]
            if op[0] == CONST:
                stack.append(_literal(next(numbers)))
            else:
                count = _operands(op)
                inside = stack[len(stack) - count :]
                del stack[len(stack) - count :]
                stack.append(printing.of(op, inside))
    except Beyond as error:
        raise TooLarge(at + 1, str(error)) from None
    except Inexact as error:
        raise ExpressionError(at + 1, str(error)) from None
    return stack[0].text


def _operands(op: Op) -> int:
    if op[0] == BINARY_OP:
        return 2
    if op[0] in (SIGN, POSTFIX):
        return 1
    if op[0] == CALL:
        return int(op[1][1])
    return len(op[1]) + 1 if op[0] == CHAIN else 0


def _literal(written: Written) -> _Part:
    """A number as its author wrote it."""
    value = written.value
    if written.shape == "decimal":
        return _Part(decimal(value, written.places), _ATOM, value)
    return _number(value)


def _number(value: Number, *, drawn: bool = False) -> _Part:
    if value.denominator != 1:
        text = f"{value.numerator}/{value.denominator}"
        return _Part(text, _PRODUCT, value, drawn)
    return _Part(str(value), _ATOM if value >= 0 else _SIGN, value, drawn)


def _bracketed(part: _Part, binds: int) -> str:
    return part.text if part.binds >= binds else f"({part.text})"


_SIGNS = {"≤": "<=", "≥": ">=", "≠": "!=", "∈": "∈"}
_KEPT = ("*", "^", "/")


class _Printing:
    """The printing of one key."""

    __slots__ = ("spec", "values", "worked_out")

    def __init__(self, values: Mapping[str, Operand], spec: AnswerSpec, worked_out: bool) -> None:
        self.values = values
        self.spec = spec
        self.worked_out = worked_out

    def of(self, op: Op, inside: list[_Part]) -> _Part:
        """A step and its printed operands, printed."""
        kind, arg, _ = op
        if kind == NAME:
            return self._name(arg)
        if kind == BINARY_OP:
            return self._binary(arg, *inside)
        if kind == SIGN:
            return self._signed(arg, inside[0])
        if kind == POSTFIX:
            return _Part(_bracketed(inside[0], _ATOM) + arg)
        if kind == CHAIN:
            text = inside[0].text
            for sign, side in zip(arg, inside[1:], strict=True):
                text += f" {_SIGNS.get(sign, sign)} {side.text}"
            return _Part(text, _RELATION)
        if kind == CALL:
            return self._call(arg[0], inside)
        return _Part(str(arg))

    def _name(self, name: str) -> _Part:
        value = self.values.get(name)
        if value is None:
            stem, _, index = name.partition("_")
            if len(index) > 1 and not index.isdigit():
                return _Part(f"{stem}_{{{index}}}")
            return _Part(name)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            raise Inexact("one value, not a list")
        return _number(value, drawn=True)

    def _text(self, value: str) -> _Part:
        """A drawn text, an expression of its own: `x` or `2y`."""
        code = answer_code(value, dialect_of(self.spec))
        text = put_in(code, {}, self.spec)
        alone = len(code.ops) == 1
        return _Part(text, _ATOM if alone else _RELATION)

    def _worked_out(self, sign: str, left: _Part, right: _Part) -> _Part | None:
        if left.value is None or right.value is None or not (left.drawn or right.drawn):
            return None
        if sign in _KEPT and not self.worked_out:
            return None
        if sign == "^" and (not left.drawn or right.value.denominator != 1):
            return None
        return _number(number(BINARY[sign](left.value, right.value)), drawn=True)

    def _binary(self, sign: str, left: _Part, right: _Part) -> _Part:
        if sign in BINARY:
            known = self._worked_out(sign, left, right) or _tidied(sign, left, right)
            if known is not None:
                return known
        if sign in ("+", "-", "±", "∓"):
            return _sum(sign, left, right)
        if sign == "∪":
            return _Part(f"{left.text} ∪ {right.text}", _UNION)
        if sign == "^":
            return _Part(f"{_bracketed(left, _ATOM)}^{_bracketed(right, _ATOM)}", _POWER)
        if sign == "*":
            factor = f"({left.text})" if _is_fraction(left) else _bracketed(left, _PRODUCT)
            times = f"({right.text})" if right.text[0] == "-" else _bracketed(right, _SIGN)
            return _Part(f"{factor}*{times}", _PRODUCT)
        above = f"({left.text})" if _is_fraction(left) else _bracketed(left, _PRODUCT)
        return _Part(f"{above}/{_bracketed(right, _POWER)}", _PRODUCT)

    def _signed(self, sign: str, part: _Part) -> _Part:
        if sign == "+":
            return part
        if part.value is not None and sign == "-" and part.drawn:
            return _number(-part.value, drawn=True)
        text = f"({part.text})" if part.text[0] in "-±" else _bracketed(part, _SIGN)
        value = -part.value if part.value is not None and sign == "-" else None
        return _Part(f"{sign}{text}", _SIGN, value)

    def _call(self, name: str, inside: list[_Part]) -> _Part:
        drawn = any(part.drawn for part in inside)
        known = [part.value for part in inside if part.value is not None]
        if name in KEY_FUNCTIONS or (name == "abs" and drawn and len(known) == 1):
            if len(known) < len(inside):
                raise Inexact(f"numbers that are known when the item is drawn, in {name}")
            return _number(number(FUNCTIONS[name][2](*known)), drawn=True)
        if name == "sqrt" and drawn and known and (root := exact_root(known[0], 2)) is not None:
            return _number(root, drawn=True)
        texts = [part.text for part in inside]
        if name in ("or", "and"):
            return _Part(f" {name} ".join(texts), _RELATION)
        if name in ("{}", "()", "[]", "[)", "(]"):
            return _Part(name[0] + ", ".join(texts) + name[1])
        if name == "matrix":
            return _Part(f"[{'; '.join(texts)}]")
        if name in (",", "row"):
            return _Part(", ".join(texts), _RELATION)
        if name == "log_b":
            base = texts[0] if inside[0].binds == _ATOM and len(texts[0]) == 1 else f"({texts[0]})"
            return _Part(f"log_{base}({texts[1]})")
        return _Part(f"{name}({', '.join(texts)})")


def _is_fraction(part: _Part) -> bool:
    return part.value is not None and part.binds == _PRODUCT


def _sum(sign: str, left: _Part, right: _Part) -> _Part:
    """Two terms; a negative second one turns the sign."""
    text = _bracketed(right, _PRODUCT)
    if text[0] == "-" and right.binds >= _PRODUCT and sign in "+-":
        sign, text = ("-" if sign == "+" else "+"), text[1:]
    return _Part(f"{_bracketed(left, _SUM)} {sign} {text}", _SUM)


def _tidied(sign: str, left: _Part, right: _Part) -> _Part | None:
    """A sum, product or power of which a drawn 0 or 1 leaves one operand."""
    one, zero = right.drawn and right.value == 1, right.drawn and right.value == 0
    first_one, first_zero = left.drawn and left.value == 1, left.drawn and left.value == 0
    if (sign in "*/^" and one) or (sign in "+-" and zero):
        return left
    if (sign == "*" and first_one) or (sign == "+" and first_zero):
        return right
    if sign == "*" and (zero or first_zero):
        return _number(0, drawn=True)
    if sign == "*" and left.drawn and left.value == -1 and right.text[0] != "-":
        return _Part(f"-{_bracketed(right, _SIGN)}", _SIGN)
    if sign == "-" and first_zero and right.text[0] != "-":
        return _Part(f"-{_bracketed(right, _SIGN)}", _SIGN)
    if sign == "^" and zero:
        return _number(1, drawn=True)
    return None
