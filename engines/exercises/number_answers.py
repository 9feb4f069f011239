"""The verdict on an answer that is a number. This file is the judge of numbers.

A number is compared exactly; a decimal is exact as it was written, unless the item has a tolerance.
"""

from __future__ import annotations

import re
from fractions import Fraction

from engines.exercises.forms import form_named
from engines.exercises.notation import squeezed
from engines.exercises.reading import Reading, magnitude, number_read, ten_to
from engines.exercises.verdicts import NOT_YET, RIGHT, accepted, misconceived
from engines.exercises.wording import printed_in
from engines.words import AnswerSpec, Instance, Tolerance, Verdict


def form_of(spec: AnswerSpec) -> str:
    """The form an item asks for; a fraction is asked for in lowest terms where nothing is said."""
    return "lowest-terms" if spec.kind == "fraction" and spec.form == "any" else spec.form


_NAMED = re.compile(r"\s*\$*\s*([^\W\d_])\s*=")


def names_before(instance: Instance, response: object) -> tuple[str, ...]:
    """Names the item lets stand before an equals sign."""
    if not (isinstance(response, str) and "=" in response):
        return ()
    found = (_NAMED.match(text) for text in instance.item.answer.accept)
    return tuple(f[1] for f in found if f is not None)


def graded_number(instance: Instance, response: object, locale: str) -> Verdict:
    """The verdict on a number. Raises ExpressionError for what cannot be read."""
    read = number_read(response, names_before(instance, response), locale)
    spec, key, value = instance.item.answer, instance.key, read.value
    assert isinstance(key, Fraction)
    if read.shape == "percent" and spec.percent == "separate":
        if value == key != value * 100:
            return _other_form(spec, read, "percent", "Right value. Write it without the % sign.")
        value *= 100
    if value == key or (spec.tolerance is not None and _near(value, key, spec.tolerance)):
        return _right_value(instance, response, read)
    if instance.accept and accepted(instance, response):
        return Verdict("correct", read.read_as, RIGHT)
    if _is_rounded(read, key, spec):
        text = f"{read.read_as} is rounded. Give the exact value."
        if spec.form_policy != "require":
            return Verdict("wrong_form", read.read_as, text, note="rounded")
    for name, wrong in instance.wrong:
        if wrong == value:
            return misconceived(instance, name, read.read_as)
    return Verdict("incorrect", read.read_as, NOT_YET)


def _right_value(instance: Instance, response: object, read: Reading) -> Verdict:
    """The verdict where the value is right: is the form?"""
    spec = instance.item.answer
    form = form_named(form_of(spec))
    holds, asked = form.holds(read), form.asked
    if form.asked == "in lowest terms" and read.shape not in ("fraction", "mixed"):
        asked = (
            "as a whole number" if read.value.denominator == 1 else "as a fraction in lowest terms"
        )
    if read.shape != "operation" and holds:
        return Verdict("correct", read.read_as, RIGHT)
    if accepted(instance, response):
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
        allowed = ten_to(magnitude(key) - tolerance.sigfig) / 2
    return off <= allowed


_ROUNDED_FROM = 2
"""Decimals from which a rounded value is told from a wrong one."""


def _is_rounded(read: Reading, key: Fraction, spec: AnswerSpec) -> bool:
    if spec.tolerance is not None or read.shape != "decimal" or read.places < _ROUNDED_FROM:
        return False
    value = read.value
    off = abs(value.numerator * key.denominator - key.numerator * value.denominator)
    scale: int = 10**read.places
    return 2 * off * scale <= value.denominator * key.denominator


def number_reading(instance: Instance, response: object, locale: str) -> str:
    """LaTeX of a number as it was understood. Raises ExpressionError for what cannot be read."""
    return number_read(response, names_before(instance, response), locale).read_as
