"""A formula that a learner gives, as it is understood. This file reads it.

It is tried in the marks of the learner's language, then in English ones; names of the key count in
either case.
"""

from __future__ import annotations

import contextlib
import math
import re
from fractions import Fraction

from engines.exercises.answer_grammar import answer_code
from engines.exercises.answer_lexer import ANSWER_FUNCTIONS
from engines.exercises.expression import CALL, CHAIN, NAME, SYMBOL, Code, Op
from engines.exercises.formats import decimal, finite_places
from engines.exercises.gathered import matrix, shape
from engines.exercises.keys import dialect_of
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.marks import latex_localised, marks_of, respelled, without_blank_groups
from engines.exercises.notation import latex_with_doubts
from engines.exercises.number_answers import names_before
from engines.exercises.pieces import parts
from engines.exercises.several import (
    EMPTIED,
    LISTED,
    expect_one,
    may_be_several,
    says_none,
    separated,
)
from engines.exercises.typed import (
    has_lookalikes,
    in_latin,
    plus_or_minus,
    roots_named,
    without_full_stop,
)
from engines.words import AnswerSpec, Instance


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


_LIST_COMMA = re.compile(r"(?<!\d),|,(?!\d)")
"""A comma that is no decimal mark."""


def _as_matrix(text: str, locale: str, *, rows: bool = False) -> str:
    """A matrix in the marks of the grammar, round brackets round all of it as square ones.

    `;` parts rows where commas part entries, or where `rows` says so; else it parts entries.

    >>> _as_matrix("(1,5, 2; 3, 4)", "de"), _as_matrix("[1,5; 2]", "de")
    ('[1.5, 2; 3, 4]', '[1.5, 2]')
    """
    if "," in marks_of(locale).decimals:
        commas = _LIST_COMMA.search(text) is not None
    else:
        commas = not {",", "،"}.isdisjoint(text)
    text = respelled(text, locale, rows=rows or commas)
    bare = text.strip()
    inside = bare[1:-1]
    if bare[:1] + bare[-1:] != "()" or ";" not in inside or not _balanced(inside):
        return text
    return text.replace(bare, f"[{inside}]")


def _matrix_code(text: str, instance: Instance, key: Code, locale: str) -> Code:
    """A matrix as its locale writes it, unless only another way to read it has the key's shape.

    Raises ExpressionError where it can be read in no way.
    """
    wanted = shape(matrix(key.ops))
    readings = (
        _as_matrix(text, locale),
        _as_matrix(text, locale, rows=True),
        _as_matrix(text, "en"),
    )
    code, wrong = None, None
    for reading in dict.fromkeys(readings):
        try:
            found = _parsed(reading, instance, key)
            if shape(matrix(found.ops)) == wanted:
                return found
            code = code or found
        except ExpressionError as error:
            wrong = wrong or error
    if code is None:
        assert wrong is not None
        raise wrong
    return code


def _balanced(text: str) -> bool:
    """Whether each round bracket that closes in a text was opened in it."""
    depth = 0
    for sign in text:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


_MOST_ENTRIES = 300
"""Entries of a list that are looked at; a text of so many is too long already."""


def _entry(one: object, kind: str, locale: str) -> str:
    if isinstance(one, list | tuple) and kind == "matrix":
        return f"[{', '.join(_entry(x, '', locale) for x in one[:_MOST_ENTRIES])}]"
    return formula_text(one, "expression", locale)


def code_of(instance: Instance, key: Code, response: object, locale: str) -> Code:
    """A response parsed, its names those of the key where only their case differs.

    Raises ExpressionError with the column of what cannot be read.
    """
    spec = instance.item.answer
    if isinstance(response, str):
        if len(response) > LIMITS.code_points:  # before it is searched
            raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
        response = _as_meant(response, spec, key)
    try:
        return _read_code(instance, key, response, locale)
    except ExpressionError:
        if spec.kind in EMPTIED and says_none(response, locale):
            return answer_code("{}", dialect_of(spec))
        if spec.kind == "expression" and isinstance(response, str):
            again = without_blank_groups(without_full_stop(response), locale)
            if again != response:
                with contextlib.suppress(ExpressionError):
                    return _read_code(instance, key, again, locale)
        raise


def _as_meant(text: str, spec: AnswerSpec, key: Code) -> str:
    """A response with the signs for what is typed without them."""
    if spec.kind in LISTED:
        return roots_named(plus_or_minus(text), key.names)
    return plus_or_minus(text, heads=False) if spec.kind == "expression" else text


def _expect_one(instance: Instance, key: Code, response: str, locale: str) -> None:
    """Raise ExpressionError where a response is several expressions."""
    if instance.item.answer.kind == "expression":
        expect_one(response, lambda part: _one_code(instance, key, part, locale))


def _read_code(instance: Instance, key: Code, response: object, locale: str) -> Code:
    """A response parsed, of one answer or several, as its kind has it."""
    if isinstance(response, str) and instance.item.answer.kind in LISTED:
        response = separated(response, locale, key.names)
    elif isinstance(response, str) and may_be_several(response, key.names):
        _expect_one(instance, key, response, locale)
    return _one_code(instance, key, response, locale)


def _one_code(instance: Instance, key: Code, response: object, locale: str) -> Code:
    spec = instance.item.answer
    if isinstance(response, str):
        response = _as_typed_by_hand(response, key.names)
        if not response.isascii() and has_lookalikes(response):
            own = (str(instance.key), *key.names, *spec.accept, *spec.variables, *spec.integers)
            response = in_latin(response, own)
    if spec.kind == "matrix" and isinstance(response, str):
        return _named(_matrix_code(response, instance, key, locale), key, response, spec)
    text = formula_text(response, spec.kind, locale)
    code = None
    if text != response and isinstance(response, str):
        code = _in_marks(text, instance, key)
        text = text if code is not None else _english_or(text, response, instance, key)
    return _named(code or _parsed(text, instance, key), key, text, spec)


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
    return without_full_stop(text) if "." in text else text


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
    dialect = dialect_of(
        spec, mixed=alone and not key.names, scientific=_has_powers_of_ten(text, key)
    )
    code = answer_code(text, dialect)
    kind, arg, at = code.ops[-1]
    if not alone or kind != CHAIN:
        return code
    left, right = parts(code.ops)[:2]
    allowed = names_before(instance, text)
    for name, cut in ((left, slice(at + 1, None)), (right, slice(0, at))):
        if arg == "=" and len(name) == 1 and name[0][0] == NAME and name[0][1] in allowed:
            try:
                return answer_code(text[cut].strip("$ "), dialect)
            except ExpressionError as error:
                raise error.moved(at + 1 if cut.start else 0) from None
    raise ExpressionError(at + 1, "an expression alone", f"'{arg[0]}'")


_POWER_OF_TEN = re.compile(r"\d[eE][-+−]?\d")


def _has_powers_of_ten(text: str, key: Code) -> bool:
    """Whether `2e3` of a text is a number: not where the key has the constant or the variable."""
    if _POWER_OF_TEN.search(text) is None or key.names & {"e", "E"}:
        return False
    return not any(op[0] == SYMBOL and op[1] == "e" for op in key.ops)


_WORD = re.compile(r"(?<![^\W\d_₀-₉])(?<!\\)[^\W\d_₀-₉]{2,}")
_KNOWN_WORDS = re.compile("|".join(sorted((*ANSWER_FUNCTIONS, "pi"), key=len, reverse=True)))


def _named(code: Code, key: Code, text: str, spec: AnswerSpec) -> Code:
    """The answer with names of the key where only their case differs.

    Raises ExpressionError for a word whose letters are no names of the key: it was no product.
    """
    known = key.names
    if code.names <= known:
        return code
    cases = {name.swapcase(): name for name in known if name.swapcase() not in known}
    renamed = {name: cases[name] for name in code.names - known if name in cases}
    strange = code.names - known - set(renamed)
    if strange:
        for found in _WORD.finditer(text):
            word = _KNOWN_WORDS.sub("", found[0])
            whole = found[0] in spec.variables or found[0] in strange
            foreign = strange & set(word) if len(word) > 2 else word and strange >= set(word)
            if foreign and not whole:
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
    code = code_of(instance, key_of(instance), response, locale)
    return latex_localised(latex_with_doubts(in_rows(code, instance)), locale)


_LISTS = ("[]", "()")


def in_rows(code: Code, instance: Instance) -> Code:
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

    >>> formula_spelled("{0.5*x, 2}", "sv"), formula_spelled("[0.5, 2; 3, 4]", "sv")
    ('{0,5*x; 2}', '[0,5, 2; 3, 4]')
    """
    mark = marks_of(locale).decimal
    if mark == ".":
        return key
    return _POINT.sub(mark, key if ";" in key else _COMMA.sub("; ", key))
