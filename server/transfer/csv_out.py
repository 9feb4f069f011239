"""A course as a table of questions with fixed numbers. This file is the CSV exporter.

The columns are those that `csv_in` reads: what goes out comes back.
"""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from typing import Any

from engines.exercises.marks import localised
from engines.words import AnswerSpec, Course
from server.transfer.csv_in import COLUMNS
from server.transfer.drawn import (
    CHOICES,
    FORMULAS,
    Drawn,
    NotHeld,
    Outcome,
    drawn,
    losses,
    typable,
    width_of,
)
from server.transfer.questions import spelled
from server.transfer.tagged import Setting, settings_of

VERSION = 1
"""Version of this exporter, named in the report."""
HINTS = 4
_KEEPS = frozenset({"hints", "explanation", "misconceptions", "difficulty"})


def exported(course: Course, *, seeds: int) -> tuple[bytes, Outcome]:
    """The table as UTF-8 text with commas, and what it could not hold."""
    outcome = Outcome()
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for draws in drawn(course, seeds, outcome):
        try:
            rows = [_row(one, course, outcome) for one in draws]
        except NotHeld as error:
            outcome.left_out.add(error.reason, draws[0].made.item.id)
            continue
        writer.writerows(rows)
        outcome.items += 1
        outcome.questions += len(rows)
    return table.getvalue().encode(), outcome


def _row(one: Drawn, course: Course, outcome: Outcome) -> dict[str, str]:
    typable(one)
    locale = course.locale
    item, answer = one.made.item, one.answer
    if answer.kind not in CHOICES | FORMULAS | {"number", "text", "order", "match"}:
        raise NotHeld("kind")
    losses(one, outcome, keeps=_KEEPS)
    if len(one.hints) > HINTS:
        outcome.lose("hints-beyond-four", item.id)
    row = {
        "id": one.id,
        "skill": _listed(one.skills),
        "title": item.title,
        "prompt": one.made.prompt,
        "kind": answer.kind,
        "settings": _listed(f"{key}={value}" for key, value in _settings(answer)),
        "explanation": one.explanation,
        "misconceptions": _wrong(one, locale),
        "difficulty": localised(spelled(_exact(item.difficulty)), locale)
        if item.difficulty
        else "",
        "tags": _listed(item.tags),
        **{f"hint_{n}": text for n, text in enumerate(one.hints[:HINTS], start=1)},
        **_value(one, locale, outcome),
    }
    row["license"] = course.license
    if (source := item.source) is not None:
        rights = source.license or course.license
        row |= {"source": source.title, "url": source.url, "license": rights}
    return row


def _wrong(one: Drawn, locale: str) -> str:
    if one.answer.kind in {"order", "match"}:
        return ""
    return _listed(f"{_answer(value, locale)} -> {say}" for value, say in one.wrong)


def _settings(answer: AnswerSpec) -> list[Setting]:
    arranged = answer.kind in {"order", "match"}
    return settings_of(answer, held=answer.kind, partial=arranged)


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _listed(parts: Any) -> str:
    return " | ".join(str(part).replace("|", "\\|") for part in parts)


def _answer(value: Fraction | str, locale: str) -> str:
    return localised(spelled(value), locale) if isinstance(value, Fraction) else value


def _value(one: Drawn, locale: str, outcome: Outcome) -> dict[str, str]:
    """The cells that say what is right: `value`, `options`, `tolerance`."""
    answer = one.answer
    if answer.kind in CHOICES:
        key = [one.key] if isinstance(one.key, str) else list(one.key)
        options = _listed(f"{name}) {text}" for name, text in one.options)
        accepted = answer.accept if answer.kind == "choice" else ()
        return {"options": options, "value": _listed(key), "accept": _listed(accepted)}
    if answer.kind == "order":
        return {
            "options": _listed(f"{name}) {text}" for name, text in one.left),
            "value": _listed(one.key),
        }
    if answer.kind == "match":
        assert isinstance(one.key, dict)
        right = dict(one.right)
        others = [text for name, text in one.right if name not in one.key.values()]
        return {
            "value": _listed(f"{text} -> {right[one.key[name]]}" for name, text in one.left),
            "options": _listed(others),
        }
    if answer.kind == "number":
        value = {"value": _answer(one.value, locale), **_tolerance(one, locale, outcome)}
    else:
        value = {"value": one.key if isinstance(one.key, str) else _listed(one.key)}
    return {**value, "accept": _listed(one.made.accept)}


def _tolerance(one: Drawn, locale: str, outcome: Outcome) -> dict[str, str]:
    tolerance = one.answer.tolerance
    if tolerance is None:
        return {}
    if tolerance.rel is not None:
        return {"tolerance": f"{localised(spelled(Fraction(tolerance.rel) * 100), locale)}%"}
    if tolerance.abs is None:
        outcome.lose("tolerance-as-width", one.made.item.id)
    return {"tolerance": localised(spelled(width_of(tolerance, one.value)), locale)}
