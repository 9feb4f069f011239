"""The verdict on an expression, equation, interval, set or matrix. This file is their judge.

The value is compared by the equality ladder, then the form on the answer as it was written, then
the item's known wrong ways, by the same ladder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

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
from engines.exercises.expression import CALL, CHAIN, CONST, NAME, SIGN, Code, Op
from engines.exercises.formats import decimal, finite_places
from engines.exercises.forms import form_named
from engines.exercises.gathered import matrix, same_intervals, same_matrix, same_set, shape
from engines.exercises.keys import dialect_of
from engines.exercises.lexer import Dialect
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.marks import latex_localised, marks_of, respelled
from engines.exercises.notation import latex, latex_with_doubts, squeezed
from engines.exercises.number_answers import names_before
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


# --- reading -------------------------------------------------------------------------------------


def formula_text(response: object, kind: str, locale: str) -> str:
    """A response in the marks of the grammar: a text, a number, or a list of a set or matrix.

    Raises ExpressionError for anything else.
    """
    if isinstance(response, int | float) and not isinstance(response, bool):
        return _in_digits(response)
    if isinstance(response, str):
        text = respelled(response, locale, lists=kind != "expression")
        return _in_round_brackets(text) if kind == "interval" else text
    if isinstance(response, list | tuple) and kind in ("set", "matrix"):
        entries = [_entry(one, kind, locale) for one in response[:_MOST_ENTRIES]]
        opened, closed = "{}" if kind == "set" else "[]"
        return f"{opened}{', '.join(entries)}{closed}"
    raise ExpressionError(1, "a text", type(response).__name__)


def _in_digits(number: float) -> str:
    """A JSON number in plain digits. Raises ExpressionError for what is none, or too long."""
    if isinstance(number, int):
        if number.bit_length() > LIMITS.integer_bits:
            raise TooLarge(1, f"numbers of at most {LIMITS.integer_bits} bits")
        return str(number)
    if not math.isfinite(number):
        raise ExpressionError(1, "a number", str(number))
    places = finite_places(Fraction(repr(number)))
    return decimal(Fraction(repr(number)), places or 0)


_REVERSED = re.compile(r"([\[\](])([^][()]*,[^][()]*)([\[\])])")


def _in_round_brackets(text: str) -> str:
    """An interval with brackets turned outwards, or a semicolon between its ends, in plain signs.

    >>> _in_round_brackets("[2; 5[ ∪ ]7, ∞[")
    '[2, 5) ∪ (7, ∞)'
    """
    return _REVERSED.sub(
        lambda m: f"{m[1].replace(']', '(')}{m[2]}{m[3].replace('[', ')')}",
        text.replace(";", ","),
    )


_MOST_ENTRIES = 300
"""Entries of a list that are looked at; a text of so many is too long already."""


def _entry(one: object, kind: str, locale: str) -> str:
    if isinstance(one, list | tuple) and kind == "matrix":
        return f"[{', '.join(_entry(x, '', locale) for x in one[:_MOST_ENTRIES])}]"
    return formula_text(one, "expression", locale)


def formula_code(instance: Instance, response: object, locale: str) -> Code:
    """A response parsed, its names those of the key where only their case differs.

    Raises ExpressionError with the column of what cannot be read.
    """
    return _code(instance, key_of(instance), response, locale)


def _code(instance: Instance, key: Code, response: object, locale: str) -> Code:
    spec = instance.item.answer
    if isinstance(response, str):
        response = _as_typed_by_hand(response, key.names)
    text = formula_text(response, spec.kind, locale)
    code = None
    if text != response and isinstance(response, str):
        code = _in_marks(text, instance, key)
        text = text if code is not None else _english_or(text, response, instance, key)
    code = code or _parsed(text, instance, key)
    if code.names <= key.names:
        return code
    return _known_names(code, key.names, text, spec)


_CAPITALS = re.compile(
    r"(?<![^\W\d_])(?:I(?:nf(?:inity)?|NF(?:INITY)?)|O[Rr]|A(?:nd|ND))(?![^\W\d_])|P[iI]"
)


def _as_typed_by_hand(response: str, names: frozenset[str]) -> str:
    """A response without what phones add: a capital in `Pi`, `Inf`, `Or`, a full stop at the end.

    Letters that are names of the key stay as they are.
    """
    text = response
    if response != response.lower():
        text = _CAPITALS.sub(lambda m: m[0] if names & set(m[0]) else m[0].lower(), response)
    bare = text.rstrip()
    return bare[:-1] if bare.endswith(".") and not bare.endswith("..") else text


def _in_marks(text: str, instance: Instance, key: Code) -> Code | None:
    """The answer as its locale writes it, or None where it cannot be one: `[2,5)` is not 2.5."""
    try:
        code = _parsed(text, instance, key)
    except ExpressionError:
        return None
    return code if instance.item.answer.kind != "interval" or _has_ends(code) else None


def _english_or(text: str, response: str, instance: Instance, key: Code) -> str:
    """The response as it came where only that can be read, else as the locale writes it."""
    try:
        _parsed(response, instance, key)
    except ExpressionError:
        return text
    return response


def _has_ends(code: Code) -> bool:
    """Whether an answer has the ends of an interval, or relations that may stand for one."""
    return any(op[0] == CHAIN or (op[0] == CALL and op[1][0] in _ENDS) for op in code.ops)


_ENDS = frozenset(("()", "[]", "[)", "(]", "{}"))


def key_of(instance: Instance) -> Code:
    """The key of an instance, parsed."""
    assert isinstance(instance.key, str)
    return answer_code(instance.key, dialect_of(instance.item.answer))


def _parsed(text: str, instance: Instance, key: Code) -> Code:
    spec = instance.item.answer
    alone = spec.kind == "expression"
    code = answer_code(text, dialect_of(spec, mixed=alone and not key.names))
    kind, arg, at = code.ops[-1]
    if not alone or kind != CHAIN:
        return code
    left, right = parts(code.ops)[:2]
    allowed = names_before(instance, text)
    for name, cut in ((left, slice(at + 1, None)), (right, slice(0, at))):
        if arg == "=" and len(name) == 1 and name[0][0] == NAME and name[0][1] in allowed:
            try:
                return answer_code(text[cut].strip("$ "), dialect_of(spec, mixed=not key.names))
            except ExpressionError as error:
                raise error.moved(at + 1 if cut.start else 0) from None
    raise ExpressionError(at + 1, "an expression alone", f"'{arg[0]}'")


_WORD = re.compile(r"(?<![\\^\W\d_])[^\W\d_]{3,}")
_KNOWN_WORDS = re.compile("|".join(sorted((*ANSWER_FUNCTIONS, "pi"), key=len, reverse=True)))


def _known_names(code: Code, known: frozenset[str], text: str, spec: AnswerSpec) -> Code:
    """The answer with names of the key where only their case differs.

    Raises ExpressionError for a word whose letters are no names of the key: it was no product.
    """
    cases = {name.swapcase(): name for name in known if name.swapcase() not in known}
    renamed = {name: cases[name] for name in code.names - known if name in cases}
    strange = code.names - known - set(renamed)
    if strange:
        for found in _WORD.finditer(text):
            word = _KNOWN_WORDS.sub("", found[0])
            whole = found[0] in spec.variables or found[0] in strange
            if len(word) > 2 and not whole and strange & set(word):
                raise ExpressionError(found.start() + 1, "a sign or a known name", repr(found[0]))
    if not renamed:
        return code
    ops = tuple(
        [Op(NAME, renamed.get(op[1], op[1]), op[2]) if op[0] == NAME else op for op in code.ops]
    )
    names = frozenset(renamed.get(name, name) for name in code.names)
    return code._replace(ops=ops, names=names)


def formula_reading(instance: Instance, response: object, locale: str) -> str:
    """LaTeX of an answer as understood, a line under what may be read in two ways.

    Raises ExpressionError for what cannot be read.
    """
    code = formula_code(instance, response, locale)
    return latex_localised(latex_with_doubts(_in_rows(code, instance)), locale)


_LISTS = ("[]", "()")


def _in_rows(code: Code, instance: Instance) -> Code:
    """A matrix in nested brackets as one of rows, for print."""
    kind, arg, at = code.ops[-1]
    if instance.item.answer.kind != "matrix" or kind != CALL or arg[0] not in _LISTS:
        return code
    inner = parts(code.ops)
    if not all(part[-1][0] == CALL and part[-1][1][0] in _LISTS for part in inner):
        ops = (*code.ops[:-1], Op(CALL, ("row", arg[1]), at), Op(CALL, ("matrix", 1), at))
        return code._replace(ops=ops)
    rows = [(*part[:-1], Op(CALL, ("row", part[-1][1][1]), part[-1][2])) for part in inner]
    ops = (*(op for row in rows for op in row), Op(CALL, ("matrix", arg[1]), at))
    return code._replace(ops=ops)


_COMMA = re.compile(r",\s*")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")


def formula_spelled(key: str, locale: str) -> str:
    """A key in the marks of a locale, as a learner would type it.

    >>> formula_spelled("{0.5*x, 2}", "sv")
    '{0,5*x; 2}'
    """
    mark = marks_of(locale).decimal
    return key if mark == "." else _POINT.sub(mark, _COMMA.sub("; ", key))


# --- judging -------------------------------------------------------------------------------------


def graded_formula(instance: Instance, response: object, locale: str) -> Verdict:
    """The verdict on a formula. Raises ExpressionError for what cannot be read or has no value."""
    spec = instance.item.answer
    key = key_of(instance)
    code = _code(instance, key, response, locale)
    read_as = latex_localised(latex(_in_rows(code, instance)), locale)
    if _SAME[spec.kind](code.ops, key.ops, rules_of(spec)):
        return _right_value(instance, response, code, read_as)
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
_FLOAT_PLACES = 12
"""Decimals to which a float tells a value."""


def _is_rounded(code: Code, key: Code) -> bool:
    """Whether a decimal is the key rounded to the places typed."""
    ops = code.ops
    signed = len(ops) == _SIGNED_ATOM and ops[1][:2] == (SIGN, "-")
    if ops[0][0] != CONST or not (len(ops) == 1 or signed):
        return False
    written = code.written[0]
    if written.shape != "decimal" or written.places < _ROUNDED_FROM:
        return False
    exact = _number_of(key.ops)
    if exact is None or (written.places > _FLOAT_PLACES and program(key.ops).rung != RATIONAL):
        return False
    value = -written.value if signed else written.value
    off = abs(Fraction(value) - exact)
    scale: int = 10**written.places
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
