"""The verdict on an answer (content format, section 6.1). This file is the judge.

Order: what cannot be read is told with its column; then the value is compared, then the form, then
the item's known wrong ways. A message never holds the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from engines.exercises.forms import form_named
from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.notation import formula, latex, squeezed
from engines.exercises.reading import Reading, number_read, spelled
from engines.exercises.template import rendered
from engines.exercises.wording import match, normal, printed_in
from engines.words import AnswerSpec, Instance, Tolerance, Verdict

RIGHT = "Yes, that is right."
NOT_YET = "Not yet. Check it step by step, or ask for a hint."
SOME = "Partly right. Look at the options once more."
_SHOWN = 80
"""Most signs of an unreadable response that are shown back."""


def graded(instance: Instance, response: object) -> Verdict:
    """The verdict on a response to an instance: text, a number, an option's id or a list of ids.

    Never raises for what a learner sends. `unreadable` and `wrong_form` (under the item's default
    policy `ask`) leave the attempt unused; that is the caller's to honour.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="fraction", value="3/4")
    >>> item = Item(id="i", skills=("s",), prompt="Simplify $6/8$.", answer=spec)
    >>> [graded(instance(item, "", 0), r).verdict for r in ("3/4", "12/16", "0.7", "3/")]
    ['correct', 'wrong_form', 'incorrect', 'unreadable']
    """
    try:
        return _GRADERS[instance.item.answer.kind](instance, response)
    except ExpressionError as error:
        return _unreadable(instance, response, error)


def reading(instance: Instance, response: object) -> tuple[str, int | None, str | None]:
    """How a response would be read: LaTeX or text, the column where reading fails, and why.

    Never says whether it is right.
    """
    try:
        return _READERS[instance.item.answer.kind](instance, response), None, None
    except ExpressionError as error:
        return _shown(response), error.column, error.reason


def key_spelled(instance: Instance) -> str | list[str]:
    """The key as a learner would give it: in the form asked, an option's id, a list of ids."""
    key = instance.key
    if isinstance(key, Fraction):
        return spelled(key, _form(instance.item.answer))
    return key if isinstance(key, str) else list(key)


def _form(spec: AnswerSpec) -> str:
    return "lowest-terms" if spec.kind == "fraction" and spec.form == "any" else spec.form


def _shown(response: object) -> str:
    text = response.strip() if isinstance(response, str) else repr(response)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _unreadable(instance: Instance, response: object, error: ExpressionError) -> Verdict:
    if isinstance(response, str) and instance.accept and _accepted(instance, response):
        return Verdict("correct", _shown(response), RIGHT)
    where = f"column {error.column}: " if isinstance(response, str) and response.strip() else ""
    message = f"I could not read that ({where}{error.reason}). It does not count as a try."
    note = "too large" if isinstance(error, TooLarge) else None
    return Verdict("unreadable", _shown(response), message, column=error.column, note=note)


def _accepted(instance: Instance, response: object) -> bool:
    """Whether the response is among the further right answers, as they are written."""
    if not instance.accept:
        return False
    given = squeezed(str(response))
    return any(given == squeezed(text) for text in instance.accept)


# --- numbers -------------------------------------------------------------------------------------


_NAMED = re.compile(r"\s*\$*\s*([^\W\d_])\s*=")


def _names(instance: Instance, response: object) -> tuple[str, ...]:
    """Names the item lets stand before an equals sign."""
    if not (isinstance(response, str) and "=" in response):
        return ()
    found = (_NAMED.match(text) for text in instance.item.answer.accept)
    return tuple(f[1] for f in found if f is not None)


def _graded_number(instance: Instance, response: object) -> Verdict:
    read = number_read(response, _names(instance, response))
    spec, key, value = instance.item.answer, instance.key, read.value
    assert isinstance(key, Fraction)
    if read.shape == "percent" and spec.percent == "separate":
        if value == key != value * 100:
            return _other_form(spec, read, "percent", "Right value. Write it without the % sign.")
        value *= 100
    if value == key or (spec.tolerance is not None and _near(value, key, spec.tolerance)):
        return _right_value(instance, response, read)
    if instance.accept and _accepted(instance, response):
        return Verdict("correct", read.read_as, RIGHT)
    if _is_rounded(read, key, spec):
        text = f"{read.read_as} is rounded. Give the exact value."
        if spec.form_policy != "require":
            return Verdict("wrong_form", read.read_as, text, note="rounded")
    for name, wrong in instance.wrong:
        if wrong == value:
            return _misconceived(instance, name, read.read_as)
    return Verdict("incorrect", read.read_as, NOT_YET)


def _right_value(instance: Instance, response: object, read: Reading) -> Verdict:
    """The verdict where the value is right: is the form?"""
    spec = instance.item.answer
    form = form_named(_form(spec))
    holds, asked = form.holds(read), form.asked
    if form.asked == "in lowest terms" and read.shape not in ("fraction", "mixed"):
        asked = (
            "as a whole number" if read.value.denominator == 1 else "as a fraction in lowest terms"
        )
    if read.shape != "operation" and holds:
        return Verdict("correct", read.read_as, RIGHT)
    if _accepted(instance, response):
        return Verdict("correct", read.read_as, RIGHT)
    if isinstance(response, str) and printed_in(_bare(response), instance.prompt):
        text = f"That is how the question puts it. Now write the value {asked}."
        if spec.form_policy == "require":
            return Verdict("incorrect", read.read_as, text, note="restated")
        return Verdict("wrong_form", read.read_as, text, note="restated")
    if read.shape == "operation":
        if holds and _as_the_key(spec, response):
            return Verdict("correct", read.read_as, RIGHT)
        text = f"Right value. Work it out and write it {asked}."
        return _other_form(spec, read, "unevaluated", text)
    return _other_form(spec, read, None, f"Right value. Write it {asked}.")


def _bare(response: str) -> str:
    """The response without a name and an equals sign before it."""
    found = _NAMED.match(response)
    return response[found.end() :] if found is not None else response


def _as_the_key(spec: AnswerSpec, response: object) -> bool:
    """A key accepts itself: `6^2` where the author's value is `6^2`."""
    return isinstance(spec.value, str) and squeezed(str(response)) == squeezed(spec.value)


def _other_form(spec: AnswerSpec, read: Reading, note: str | None, text: str) -> Verdict:
    """The verdict on the right value in another form, by the item's policy."""
    if spec.form_policy == "accept":
        return Verdict("correct", read.read_as, RIGHT, note=note)
    name = "incorrect" if spec.form_policy == "require" else "wrong_form"
    return Verdict(name, read.read_as, text, note=note)  # type: ignore[arg-type] # one of two


def _near(value: Fraction, key: Fraction, tolerance: Tolerance) -> bool:
    """Whether the value lies within the one tolerance that is set."""
    off = abs(value - key)
    allowed = Fraction(0)
    if tolerance.abs is not None:
        allowed = Fraction(tolerance.abs)
    elif tolerance.rel is not None:
        allowed = Fraction(tolerance.rel) * abs(key)
    elif tolerance.places is not None:
        allowed = Fraction(1, 2 * 10**tolerance.places)
    elif tolerance.sigfig is not None and key:
        allowed = _ten_to(_magnitude(key) - tolerance.sigfig) / 2
    return off <= allowed


def _ten_to(exponent: int) -> Fraction:
    return Fraction(10**exponent) if exponent >= 0 else Fraction(1, 10**-exponent)


def _magnitude(value: Fraction) -> int:
    """The whole m with 10^(m-1) <= |value| < 10^m."""
    size = abs(value)
    m = len(str(size.numerator)) - len(str(size.denominator))
    while size >= _ten_to(m):
        m += 1
    while size < _ten_to(m - 1):
        m -= 1
    return m


_ROUNDED_FROM = 2
"""Decimals from which a rounded value is told from a wrong one."""


def _is_rounded(read: Reading, key: Fraction, spec: AnswerSpec) -> bool:
    if spec.tolerance is not None or read.shape != "decimal" or read.places < _ROUNDED_FROM:
        return False
    value = read.value
    off = abs(value.numerator * key.denominator - key.numerator * value.denominator)
    scale: int = 10**read.places
    return 2 * off * scale <= value.denominator * key.denominator


def _misconceived(instance: Instance, name: str, read_as: str) -> Verdict:
    say = next((m.say for m in instance.item.misconceptions if m.id == name), "")
    text = rendered(say, instance.values) or NOT_YET
    return Verdict("incorrect", read_as, text, misconception=name)


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
    raise ExpressionError(1, f"one of {ids}", repr(_shown(response)))


def _graded_choice(instance: Instance, response: object) -> Verdict:
    chosen, text = _option(instance, response)
    if chosen == instance.key or chosen in instance.accept:
        return Verdict("correct", text, RIGHT)
    for name, wrong in instance.wrong:
        if wrong == chosen:
            return _misconceived(instance, name, text)
    return Verdict("incorrect", text, NOT_YET)


def _options(instance: Instance, response: object) -> dict[str, str]:
    """Ids and texts of the options a response names, each once."""
    many = [response] if isinstance(response, str) else response
    if not isinstance(many, list | tuple) or not many:
        raise ExpressionError(1, "a list with at least one option", _shown(response))
    return dict(_option(instance, one) for one in many)


def _graded_multi(instance: Instance, response: object) -> Verdict:
    chosen = _options(instance, response)
    right = {instance.key} if isinstance(instance.key, str) else set(_ids(instance))
    read_as = ", ".join(chosen.values())
    if set(chosen) == right:
        return Verdict("correct", read_as, RIGHT)
    for name, wrong in instance.wrong:
        if wrong in chosen and wrong not in right:
            return _misconceived(instance, name, read_as)
    share = len(right & set(chosen)) / len(right | set(chosen))
    if instance.item.answer.partial and share:
        return Verdict("partial", read_as, SOME, share=share)
    return Verdict("incorrect", read_as, NOT_YET)


def _ids(instance: Instance) -> tuple[str, ...]:
    assert isinstance(instance.key, tuple)
    return instance.key


# --- words ---------------------------------------------------------------------------------------


def _text(_instance: Instance, response: object) -> str:
    """The response as text. Raises ExpressionError for nothing, for lists and for too much."""
    if isinstance(response, int | float) and not isinstance(response, bool):
        response = str(response)
    if not isinstance(response, str):
        raise ExpressionError(1, "a text", type(response).__name__)
    if len(response) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    if not response.strip():
        raise ExpressionError(1, "a text", "nothing")
    return response.strip()


def _graded_text(instance: Instance, response: object) -> Verdict:
    text = _text(instance, response)
    spec = instance.item.answer
    read_as = _text_read_as(text)
    for key in (str(instance.key), *instance.accept):
        how = match(text, key, typos=spec.typos)
        if how == "same":
            return Verdict("correct", read_as, RIGHT)
        if how == "reordered":
            if printed_in(text, instance.prompt):
                say = "That is how the question puts it. Now carry out what it asks."
                return Verdict("wrong_form", read_as, say, note="restated")
            return Verdict("correct", read_as, RIGHT)
    for name, wrong in instance.wrong:
        if match(text, str(wrong), typos=False):
            return _misconceived(instance, name, read_as)
    return Verdict("incorrect", read_as, NOT_YET)


def _text_read_as(text: str) -> str:
    code = formula(text)
    return text if code is None else latex(code)


Grader = Callable[[Instance, object], Verdict]
_GRADERS: dict[str, Grader] = {
    "number": _graded_number,
    "fraction": _graded_number,
    "choice": _graded_choice,
    "multi": _graded_multi,
    "text": _graded_text,
}
_READERS: dict[str, Callable[[Instance, object], str]] = {
    "number": lambda i, r: number_read(r, _names(i, r)).read_as,
    "fraction": lambda i, r: number_read(r, _names(i, r)).read_as,
    "choice": lambda i, r: _option(i, r)[1],
    "multi": lambda i, r: ", ".join(_options(i, r).values()),
    "text": lambda i, r: _text_read_as(_text(i, r)),
}
