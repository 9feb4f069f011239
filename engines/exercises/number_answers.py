"""The verdict on an answer that is a number. This file is the judge of numbers.

A number is compared exactly; a decimal is exact as it was written, unless the item has a tolerance.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from engines.exercises.formats import finite_places
from engines.exercises.forms import form_named
from engines.exercises.notation import squeezed
from engines.exercises.quantities import amount, is_written_in, quantity_read, with_unit
from engines.exercises.reading import Reading, magnitude, number_read, spelled, ten_to
from engines.exercises.several import expect_one, is_several_lines
from engines.exercises.units import converted, unit_named
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
    return _names_in(instance.item.answer.accept)


@lru_cache(maxsize=1024)
def _names_in(accept: tuple[str, ...]) -> tuple[str, ...]:
    """The names that stand before an equals sign in the further right answers."""
    found = (_NAMED.match(text) for text in accept)
    return tuple(f[1] for f in found if f is not None)


_Given = tuple[Reading, Fraction | None, Literal["", "missing", "other"]]
"""What was given, its value in the unit wanted (None for another dimension), and what its unit is.

A bare tuple: most answers are numbers.
"""


def graded_number(instance: Instance, response: object, locale: str) -> Verdict:
    """The verdict on a number. Raises ExpressionError for what cannot be read."""
    spec, key = instance.item.answer, instance.key
    assert isinstance(key, Fraction)
    read, value, unit = _given(instance, response, locale)
    if value is None:
        return Verdict("incorrect", read.read_as, _OTHER_DIMENSION, note="dimension")
    if read.shape == "percent" and spec.percent == "separate":
        if value == key != value * 100:
            return _other_form(spec, read, "percent", "Right value. Write it without the % sign.")
        value *= 100
    if value == key or (spec.tolerance is not None and _near(value, key, spec.tolerance)):
        if unit:
            return _other_unit(spec, read, unit)
        return _right_value(instance, response, read)
    if instance.accept and accepted(instance, response):
        return Verdict("correct", read.read_as, RIGHT)
    if unit == "missing" and _is_in_another_unit(spec, value, key):
        return _other_unit(spec, read, unit)
    if _is_rounded(read, value, key, spec):
        text = f"{read.read_as} is rounded. {_exact_asked(spec, key)}"
        if spec.form_policy != "require":
            return Verdict("wrong_form", read.read_as, text, note="rounded")
    for name, wrong in instance.wrong:
        if wrong == value:
            return misconceived(instance, name, read.read_as)
    return Verdict("incorrect", read.read_as, NOT_YET)


_OTHER_DIMENSION = "Not yet. That unit measures something else than what is asked for."


def _given(instance: Instance, response: object, locale: str) -> _Given:
    unit = instance.item.answer.unit
    names = names_before(instance, response)
    if unit is None:
        several = isinstance(response, str) and "\n" in response
        read = (_one_read if several else number_read)(response, names, locale)
        return read, read.value, ""
    quantity = quantity_read(response, unit, names, locale)
    read = quantity.parts[0].read._replace(read_as=quantity.read_as)
    value = amount(quantity, unit_named(unit.want))
    if not quantity.named:
        return read, value, "missing" if unit.required else ""
    other = bool(unit.accept) and not is_written_in(quantity, (unit.want, *unit.accept))
    return read, value, "other" if other else ""


def _one_read(response: object, names: tuple[str, ...], locale: str) -> Reading:
    """The number of a response. Raises ExpressionError, and so for numbers on several lines."""
    if isinstance(response, str) and "\n" in response and is_several_lines(response):
        expect_one(response, lambda part: number_read(part, names, locale))
    return number_read(response, names, locale)


def _other_unit(spec: AnswerSpec, read: Reading, unit: str) -> Verdict:
    assert spec.unit is not None
    asked = "Which unit?" if unit == "missing" else f"Right value. Write it in {spec.unit.want}."
    return _other_form(spec, read, "unit", asked)


def _is_in_another_unit(spec: AnswerSpec, value: Fraction, key: Fraction) -> bool:
    """Whether a number without a unit would be right in one of the others that are allowed."""
    assert spec.unit is not None
    wanted = unit_named(spec.unit.want)
    return any(converted(value, unit_named(n), wanted) == key for n in spec.unit.accept)


def _right_value(instance: Instance, response: object, read: Reading) -> Verdict:
    """The verdict where the value is right: is the form?"""
    spec = instance.item.answer
    form = form_named(form_of(spec))
    holds, asked = form.holds(read), form.asked
    if form.asked == "in lowest terms" and read.shape not in ("fraction", "mixed"):
        asked = "as a whole number" if read.value.denominator == 1 else _AS_FRACTION
    if holds and (read.shape != "operation" or form.worked):
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


_AS_FRACTION = "as a fraction in lowest terms"


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
_PERCENT_PLACES = 2
"""Decimals that the sign of a percentage stands for."""


def _is_rounded(read: Reading, value: Fraction, key: Fraction, spec: AnswerSpec) -> bool:
    """Whether a decimal or a percentage is the key rounded to the places typed."""
    if spec.tolerance is not None or read.shape not in ("decimal", "percent"):
        return False
    places = read.places + (_PERCENT_PLACES if read.shape == "percent" else 0)
    if places < _ROUNDED_FROM or value != read.value:
        return False  # else the places are those of another unit
    off = abs(value.numerator * key.denominator - key.numerator * value.denominator)
    scale: int = 10**places
    return 2 * off * scale <= value.denominator * key.denominator


def _exact_asked(spec: AnswerSpec, key: Fraction) -> str:
    """What is asked for where a value is rounded: the form of the item, or one that is exact."""
    form = form_of(spec)
    if "decimal" in form or "sigfig" in form:
        return "Give the exact value."
    if form != "any":
        asked = form_named(form).asked
        return f"Give the exact value {_AS_FRACTION if form == 'lowest-terms' else asked}."
    return f"Give the exact value{'' if finite_places(key) is not None else ' as a fraction'}."


def number_reading(instance: Instance, response: object, locale: str) -> str:
    """LaTeX of a number as it was understood. Raises ExpressionError for what cannot be read."""
    spec, names = instance.item.answer, names_before(instance, response)
    if spec.unit is None:
        return _one_read(response, names, locale).read_as
    return quantity_read(response, spec.unit, names, locale).read_as


def number_spelled(instance: Instance, locale: str) -> str:
    """The key as a learner would type it: in the form and the unit asked for."""
    spec, key = instance.item.answer, instance.key
    assert isinstance(key, Fraction)
    text = spelled(key, form_of(spec), locale)
    return text if spec.unit is None else with_unit(text, spec.unit.want, locale)
