"""The verdict on an expression, equation, interval, set or matrix. This file is their judge.

The value is compared by the equality ladder, then the form on the answer as it was written, then
the item's known wrong ways, by the same ladder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from engines.exercises import surds
from engines.exercises.analytic import closed_float
from engines.exercises.answer_grammar import answer_code
from engines.exercises.answer_lexer import ANSWER_FUNCTIONS
from engines.exercises.equality import (
    PLAIN,
    Rules,
    matched,
    same_relations,
    same_tree,
    same_value,
    variants,
)
from engines.exercises.expression import CALL, CHAIN, CONST, POSTFIX, SIGN, Code
from engines.exercises.forms import form_named
from engines.exercises.formula_reading import code_of, in_rows, key_of
from engines.exercises.gathered import matrix, same_intervals, same_matrix, same_set, shape
from engines.exercises.keys import dialect_of
from engines.exercises.lexer import Dialect
from engines.exercises.limits import ExpressionError
from engines.exercises.marks import latex_localised
from engines.exercises.notation import latex, squeezed
from engines.exercises.pieces import Ops, parts
from engines.exercises.programs import CONSTANTS, RATIONAL, SURD, program
from engines.exercises.verdicts import NOT_YET, RIGHT, accepted, misconceived
from engines.words import AnswerSpec, Instance, Verdict

Same = Callable[[Ops, Ops, Rules], bool]


def _same_expression(a: Ops, b: Ops, rules: Rules) -> bool:
    """Whether two expressions are equal; one with `±` is the set of its two values."""
    mine, theirs = variants(a), variants(b)
    if len(mine) == len(theirs) == 1:
        return same_value(a, b, rules)
    return matched(mine, theirs, lambda x, y: same_value(x, y, rules))


_SAME: dict[str, Same] = {
    "expression": _same_expression,
    "equation": same_relations,
    "interval": same_intervals,
    "set": same_set,
    "matrix": same_matrix,
}


def rules_of(spec: AnswerSpec) -> Rules:
    """What an item says of its answers' values."""
    if not (spec.integers or spec.complex) and spec.domain == "any":
        return PLAIN
    return _rules(spec.integers, spec.complex, spec.domain == "strict")


@lru_cache(maxsize=256)
def _rules(integers: tuple[str, ...], imaginary: bool, strict: bool) -> Rules:
    return Rules(frozenset(integers), imaginary, strict)


# --- judging -------------------------------------------------------------------------------------


def graded_formula(instance: Instance, response: object, locale: str) -> Verdict:
    """The verdict on a formula. Raises ExpressionError for what cannot be read or has no value."""
    spec = instance.item.answer
    key = key_of(instance)
    code = code_of(instance, key, response, locale)
    read_as = latex_localised(latex(in_rows(code, instance)), locale)
    if _SAME[spec.kind](code.ops, key.ops, rules_of(spec)):
        return _right_value(instance, response, code, read_as)
    if spec.kind == "equation" and _is_worked(code.ops, key.ops, rules_of(spec)):
        return Verdict("wrong_form", read_as, ONE_LINE)
    if instance.accept:
        if accepted(instance, response):
            return Verdict("correct", read_as, RIGHT)
        if any(_is_same(code.ops, text, spec) for text in instance.accept):
            return _right_value(instance, response, code, read_as)
    if spec.kind == "expression" and spec.form_policy != "require" and _is_rounded(code, key):
        text = f"{read_as} is rounded. Give the exact value."
        return Verdict("wrong_form", read_as, text, note="rounded")
    for name, wrong in instance.wrong:
        if _is_same(code.ops, str(wrong), spec):
            return misconceived(instance, name, read_as)
    return Verdict("incorrect", read_as, _not_yet(code, key, spec))


ONE_LINE = "Each of these says the same, and it is right. Give the last one alone."


def _is_worked(ops: Ops, key: Ops, rules: Rules) -> bool:
    """Whether an answer is several lines of working, each of which says what the key says."""
    kind, arg, _ = ops[-1]
    if kind != CALL or arg[0] not in (",", "or", "and"):
        return False
    return all(same_relations(line, key, rules) for line in parts(ops))


def _is_same(ops: Ops, text: str, spec: AnswerSpec) -> bool:
    """Whether an answer equals another text of the item; not where that has no value."""
    try:
        other = answer_code(text, dialect_of(spec))
        return _SAME[spec.kind](ops, other.ops, rules_of(spec))
    except ExpressionError:
        return False


def formulas_agree(a: str, b: str, spec: AnswerSpec) -> bool:
    """Whether two texts are equal as answers to an item. Raises ExpressionError for a faulty one.

    >>> formulas_agree("2(x+1)", "2x+2", AnswerSpec(kind="expression", value="x"))
    True
    """
    dialect = dialect_of(spec)
    first, second = answer_code(a, dialect), answer_code(b, dialect)
    return _SAME[spec.kind](first.ops, second.ops, rules_of(spec))


def _not_yet(code: Code, key: Code, spec: AnswerSpec) -> str:
    """What is said of a wrong answer: of a matrix, whether its shape is."""
    if spec.kind == "matrix":
        mine, theirs = shape(matrix(code.ops)), shape(matrix(key.ops))
        if mine != theirs:
            rows = f"{mine[0]} row{'s' * (mine[0] > 1)}"
            columns = f"{mine[1]} column{'s' * (mine[1] > 1)}"
            return f"Not yet. Your matrix has {rows} and {columns}: is that its size?"
    return NOT_YET


def _right_value(instance: Instance, response: object, code: Code, read_as: str) -> Verdict:
    """The verdict where the value is right: is the form?"""
    spec = instance.item.answer
    form = form_named(spec.form)
    text = response if isinstance(response, str) else ""
    if _as_the_key(instance, code, text):
        return Verdict("correct", read_as, RIGHT)
    if spec.form != "any" and form.fits(code):
        return Verdict("correct", read_as, RIGHT)
    if accepted(instance, response):
        return Verdict("correct", read_as, RIGHT)
    if _is_restated(code, text, instance):
        asked = "carry out what it asks" if spec.form == "any" else f"write it {form.asked}"
        say = f"That is how the question puts it. Now {asked}."
        name = "incorrect" if spec.form_policy == "require" else "wrong_form"
        return Verdict(name, read_as, say, note="restated")  # type: ignore[arg-type] # one of two
    if spec.form == "any" or form.fits(code):
        if spec.kind == "interval" and _is_inequality(code):
            return _other_form(spec, read_as, "Right value. Write it as an interval.")
        return Verdict("correct", read_as, RIGHT)
    return _other_form(spec, read_as, f"Right value. Write it {form.asked}.")


def _as_the_key(instance: Instance, code: Code, text: str) -> bool:
    """A key accepts itself, whatever the form says of it."""
    if not same_tree(code.ops, key_of(instance).ops):
        return False
    return instance.item.answer.form == "any" or squeezed(text) == squeezed(str(instance.key))


_SIGNED_ATOM = 2


def _is_restated(code: Code, text: str, instance: Instance) -> bool:
    """Whether the question itself was typed back; one name or number is no question."""
    if len(code.ops) <= _SIGNED_ATOM or not text:
        return False
    printed = _formulas(instance.prompt, dialect_of(instance.item.answer))
    return any(same_tree(code.ops, formula) for formula in printed)


_FORMULA = re.compile(r"\$\$?([^$]+)\$\$?")


@lru_cache(maxsize=2048)
def _formulas(prompt: str, dialect: Dialect) -> tuple[Ops, ...]:
    """The formulas of a prompt, and the sides of its relations."""
    found: list[Ops] = []
    for formula in _FORMULA.findall(prompt):
        try:
            ops = answer_code(formula, dialect).ops
        except ExpressionError:
            continue
        found.append(ops)
        if ops[-1][0] == CHAIN:
            found += parts(ops)
    return tuple(found)


def _is_inequality(code: Code) -> bool:
    return any(op[0] == CHAIN and op[1] != "=" and "∈" not in op[1] for op in code.ops)


def _other_form(spec: AnswerSpec, read_as: str, say: str) -> Verdict:
    """The verdict on the right value in another form, by the item's policy."""
    if spec.form_policy == "accept":
        return Verdict("correct", read_as, RIGHT)
    name = "incorrect" if spec.form_policy == "require" else "wrong_form"
    return Verdict(name, read_as, say)  # type: ignore[arg-type] # one of two


# --- rounded -------------------------------------------------------------------------------------

_ROUNDED_FROM = 2
"""Decimals from which a rounded value is told from a wrong one."""
_ROUNDED_BEHIND: tuple[list[tuple[int, Any]], ...] = (
    [], [(SIGN, "-")], [(POSTFIX, "%")], [(POSTFIX, "%"), (SIGN, "-")],
)  # fmt: skip
"""What may stand behind a number that is told as rounded: `-33 %`."""
_FLOAT_PLACES = 12
"""Decimals to which a float tells a value."""


def _is_rounded(code: Code, key: Code) -> bool:
    """Whether a decimal is the key rounded to the places typed."""
    if code.ops[0][0] != CONST:
        return False
    written, after = code.written[0], [op[:2] for op in code.ops[1:]]
    if after not in _ROUNDED_BEHIND or written.shape not in ("integer", "decimal"):
        return False
    percent = after[:1] == [(POSTFIX, "%")]
    places = written.places + (2 if percent else 0)
    if places < _ROUNDED_FROM:
        return False
    exact = _number_of(key.ops)
    if exact is None or (places > _FLOAT_PLACES and program(key.ops).rung != RATIONAL):
        return False
    value = Fraction(written.value, 100 if percent else 1)
    off = abs((-value if after[-1:] == [(SIGN, "-")] else value) - exact)
    scale: int = 10**places
    return 2 * off * scale <= 1


def _number_of(ops: Ops) -> Fraction | None:
    """The value of a closed key, exactly where it is rational, else as near as a float comes."""
    if any(op[0] in (CHAIN, CALL) and op[1][0] not in ANSWER_FUNCTIONS for op in ops):
        return None
    if len(variants(ops)) > 1:
        return None
    made = program(ops)
    if made.value is not None:
        return Fraction(made.value)
    if made.names - set(CONSTANTS):
        return None
    if made.rung == SURD:
        value = surds.closed_value(made)
        return None if value is None else Fraction(surds.approximate(value))
    near = closed_float(made)
    return None if near is None else Fraction(near)
