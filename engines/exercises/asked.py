"""What the checks of a course ask and print many times over, kept. This file is that memory.

A question is answered with its key, with examples, with the formulas of its hints, and judges a
text once. A template prints a text once for the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from engines.exercises.functions import Operand
from engines.exercises.grading import graded, key_spelled
from engines.exercises.limits import ExpressionError
from engines.exercises.template import names_in, rendered
from engines.words import Instance, Verdict

_SAME_EVERYWHERE = frozenset({"choice", "multi", "order", "match"})
"""Kinds whose answers are ids."""
_NO_MARKS = re.compile(r"(?:[-+*/^=()]|\d++(?!\s+\d)|(?<![a-z])[a-z](?![a-z])| )*", re.ASCII)
"""What no locale reads in its own way: no mark of decimals, groups or lists, and no word."""


class Asked:
    """One question with its numbers drawn, in the instance's own locale."""

    __slots__ = ("_verdicts", "drawn")

    def __init__(self, drawn: Instance) -> None:
        self.drawn = drawn
        self._verdicts: dict[str, Verdict] = {}

    def verdict(self, response: object) -> Verdict:
        """The verdict on a response; as `graded` tells it.

        >>> from engines.exercises.template import instance
        >>> from engines.words import AnswerSpec, Item
        >>> item = Item(id="i", skills=("s",), prompt="?", answer=AnswerSpec("number", "2"))
        >>> Asked(instance(item, "", 0)).verdict("2").verdict
        'correct'
        """
        if type(response) is not str:
            return graded(self.drawn, response, locale=self.drawn.locale)
        verdict = self._verdicts.get(response)
        if verdict is None:
            verdict = graded(self.drawn, response, locale=self.drawn.locale)
            self._verdicts[response] = verdict
        return verdict

    def reads_alike(self, locale: str) -> bool:
        """Whether the key is typed, and read, in another locale as in the instance's own.

        True only where nothing in it could be read otherwise, in whatever locale.
        """
        drawn = self.drawn
        if drawn.item.answer.kind in _SAME_EVERYWHERE:
            return True
        if drawn.item.answer.kind == "text" or drawn.item.answer.unit is not None:
            return False
        try:
            typed = key_spelled(drawn, locale=locale)
        except ExpressionError:
            return False
        return (
            isinstance(typed, str)
            and _NO_MARKS.fullmatch(typed) is not None
            and typed == key_spelled(drawn, locale=drawn.locale)
        )


class Printing:
    """A template and what it printed: texts follow from the values of the names they hold."""

    __slots__ = ("_known", "_template", "_values")

    def __init__(self, template: str) -> None:
        self._template = template
        self._known: dict[Any, str] = {}
        names = sorted(names_in(template))
        self._values: Callable[[Any], Any] = itemgetter(*names) if names else lambda _values: ()

    def text(self, values: Mapping[str, Operand], locale: str) -> tuple[str, bool]:
        """The text of one item's values, in the one locale, and whether it is printed first now.

        Raises ExpressionError for what cannot be printed.

        >>> twice = Printing("@{2*a}")
        >>> [twice.text({"a": 1, "b": b}, "en") for b in range(2)]
        [('2', True), ('2', False)]
        """
        held = self._values(values)
        text = self._known.get(held)
        if text is not None:
            return text, False
        text = self._known[held] = rendered(self._template, values, locale)
        return text, True
