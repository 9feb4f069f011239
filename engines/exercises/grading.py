"""The verdict on an answer (content format, section 6.1). This file is the judge.

Order: what cannot be read is told with its column; then the value is compared, then the form, then
the item's known wrong ways. A message never holds the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from engines.exercises.arranged import (
    arranged_key,
    graded_match,
    graded_order,
    match_reading,
    order_reading,
)
from engines.exercises.formula_answers import graded_formula
from engines.exercises.formula_reading import formula_reading, formula_spelled
from engines.exercises.keys import SYMBOLIC
from engines.exercises.limits import ExpressionError, TooLarge
from engines.exercises.number_answers import graded_number, number_reading, number_spelled
from engines.exercises.parts import graded_parts, parts_key, parts_reading
from engines.exercises.several import ONE_ASKED, SINGLE, expect_one, may_be_words, says_none
from engines.exercises.text_answers import graded_text, text_reading
from engines.exercises.typed import other_signs
from engines.exercises.verdicts import NOT_YET, RIGHT, SOME, accepted, misconceived, shown
from engines.exercises.wording import normal
from engines.words import Instance, Verdict


def graded(instance: Instance, response: object, *, locale: str = "en") -> Verdict:
    """The verdict on a response to an instance: text, a number, an option's id or a list of ids.

    `locale` is the learner's (BCP 47): it says how decimals are written. Never raises for what a
    learner sends. `unreadable` and `wrong_form` (under the item's default
    policy `ask`) leave the attempt unused; that is the caller's to honour.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="fraction", value="3/4")
    >>> item = Item(id="i", skills=("s",), prompt="Simplify $6/8$.", answer=spec)
    >>> [graded(instance(item, "", 0), r).verdict for r in ("3/4", "12/16", "0.7", "3/")]
    ['correct', 'wrong_form', 'incorrect', 'unreadable']
    """
    try:
        found = _GRADERS[instance.item.answer.kind](instance, response, locale)
    except ExpressionError as error:
        return _unreadable(instance, response, error, locale)
    if found.verdict == "incorrect" and isinstance(response, str):
        return _meant_otherwise(instance, response, found, locale)
    return found


_EXCITED = re.compile(r"\s*!+\s*$")


def _meant_otherwise(instance: Instance, response: str, found: Verdict, locale: str) -> Verdict:
    """The verdict on `5!` as a happy 5, and on `+-` as the other thing that it may mean.

    Only where that is right: a reading that is wrong as well says nothing new.
    """
    kind, others = instance.item.answer.kind, list[str]()
    if "!" in response and kind in _CALCULATED:
        others.append(_EXCITED.sub("", response))
    if "+" in response and kind in SYMBOLIC:
        others += other_signs(response)
    for other in others:
        if other == response:
            continue
        try:
            again = _GRADERS[kind](instance, other, locale)
        except ExpressionError:
            continue
        if again.verdict in ("correct", "wrong_form"):
            return again
    return found


_CALCULATED = SYMBOLIC | {"number", "fraction"}


def reading(
    instance: Instance, response: object, *, locale: str = "en"
) -> tuple[str, int | None, str | None]:
    """How a response would be read: LaTeX or text, the column where reading fails, and why.

    Never says whether it is right.
    """
    try:
        return _READERS[instance.item.answer.kind](instance, response, locale), None, None
    except ExpressionError as error:
        if instance.item.answer.kind in SINGLE and says_none(response, locale):
            return shown(response), None, None
        error = _told(instance, response, error, locale)
        return shown(response), error.column, error.reason


def key_spelled(instance: Instance, *, locale: str = "en") -> str | list[Any] | dict[str, Any]:
    """The key as a learner would give it: in the form asked, an option's id, a list or map of ids.

    Raises ExpressionError where it names an entry that a widget does not have.
    """
    key, kind = instance.key, instance.item.answer.kind
    if isinstance(key, Fraction):
        return number_spelled(instance, locale)
    if kind in SYMBOLIC:
        return formula_spelled(str(key), locale)
    if kind in ("order", "match"):
        return arranged_key(instance)
    if kind == "parts":
        return parts_key(lambda part: key_spelled(part, locale=locale), instance)
    return key if isinstance(key, str) else list(key)


def _told(
    instance: Instance, response: object, error: ExpressionError, locale: str
) -> ExpressionError:
    """Why a response could not be read: where one answer is asked, perhaps that it is several."""
    answer = instance.item.answer
    if answer.kind not in _ONE or not isinstance(response, str) or answer.unit is not None:
        return error
    try:
        expect_one(response, lambda part: _READERS[answer.kind](instance, part, locale))
    except ExpressionError as several:
        return several
    return error


_ONE = frozenset(("expression", "fraction", "number"))
"""Kinds of one answer, whose several are told apart."""


def _unreadable(
    instance: Instance, response: object, error: ExpressionError, locale: str
) -> Verdict:
    plain = isinstance(response, str) and instance.item.answer.kind not in ("order", "match")
    if plain and instance.accept and accepted(instance, response):
        return Verdict("correct", shown(response), RIGHT)
    if isinstance(response, str) and may_be_words(response):
        if instance.item.answer.kind in SINGLE and says_none(response, locale):
            return Verdict("incorrect", shown(response), ONE_ASKED)
        error = _told(instance, response, error, locale)
    where = f"column {error.column}: " if isinstance(response, str) and response.strip() else ""
    message = f"I could not read that ({where}{error.reason}). It does not count as a try."
    note = "too large" if isinstance(error, TooLarge) else None
    return Verdict("unreadable", shown(response), message, column=error.column, note=note)


# --- options -------------------------------------------------------------------------------------


def _option(instance: Instance, response: object) -> tuple[str, str]:
    """Id and text of the option a response names: by its id, or by its text."""
    if isinstance(response, int) and not isinstance(response, bool):
        response = str(response)
    if not isinstance(response, str):
        raise ExpressionError(1, "the id of one option", type(response).__name__)
    for choice in instance.choices:
        if choice.id == response:
            return choice.id, choice.text
    given = normal(response)
    for choice in instance.choices:
        if given in (normal(choice.id), normal(choice.text)):
            return choice.id, choice.text
    ids = ", ".join(choice.id for choice in instance.choices)
    raise ExpressionError(1, f"one of {ids}", repr(shown(response)))


def _graded_choice(instance: Instance, response: object, _locale: str) -> Verdict:
    chosen, text = _option(instance, response)
    if chosen == instance.key or chosen in instance.accept:
        return Verdict("correct", text, RIGHT)
    for name, wrong in instance.wrong:
        if wrong == chosen:
            return misconceived(instance, name, text)
    return Verdict("incorrect", text, NOT_YET)


def _options(instance: Instance, response: object) -> dict[str, str]:
    """Ids and texts of the options a response names, each once."""
    many = [response] if isinstance(response, str) else response
    if not isinstance(many, list | tuple) or not many:
        raise ExpressionError(1, "a list with at least one option", shown(response))
    return dict(_option(instance, one) for one in many)


def _graded_multi(instance: Instance, response: object, _locale: str) -> Verdict:
    chosen = _options(instance, response)
    right = {instance.key} if isinstance(instance.key, str) else set(_ids(instance))
    read_as = ", ".join(chosen.values())
    if set(chosen) == right:
        return Verdict("correct", read_as, RIGHT)
    for name, wrong in instance.wrong:
        if wrong in chosen and wrong not in right:
            return misconceived(instance, name, read_as)
    share = len(right & set(chosen)) / len(right | set(chosen))
    if instance.item.answer.partial and share and len(chosen) < len(instance.choices):
        return Verdict("partial", read_as, SOME, share=share)  # to tick all is no choice
    return Verdict("incorrect", read_as, NOT_YET)


def _ids(instance: Instance) -> tuple[str, ...]:
    assert isinstance(instance.key, tuple)
    return instance.key


def _judged(part: Instance, response: object, locale: str) -> Verdict:
    return graded(part, response, locale=locale)


def _read_as(part: Instance, response: object, locale: str) -> str:
    """How a part's response would be read. Raises ExpressionError."""
    return _READERS[part.item.answer.kind](part, response, locale)


Grader = Callable[[Instance, object, str], Verdict]
_GRADERS: dict[str, Grader] = {
    "number": graded_number,
    "fraction": graded_number,
    "choice": _graded_choice,
    "multi": _graded_multi,
    "text": graded_text,
    "order": graded_order,
    "match": graded_match,
    "parts": lambda i, r, locale: graded_parts(i, r, locale, _judged),
    **dict.fromkeys(SYMBOLIC, graded_formula),
}
_READERS: dict[str, Callable[[Instance, object, str], str]] = {
    "number": number_reading,
    "fraction": number_reading,
    "choice": lambda i, r, _: _option(i, r)[1],
    "multi": lambda i, r, _: ", ".join(_options(i, r).values()),
    "text": text_reading,
    "order": order_reading,
    "match": match_reading,
    "parts": lambda i, r, locale: parts_reading(i, r, locale, _read_as),
    **dict.fromkeys(SYMBOLIC, formula_reading),
}
