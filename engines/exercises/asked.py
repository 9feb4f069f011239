"""A question of an instance with the verdicts it has given. This file is what course checks ask.

The checks of a course answer one question many times over: with the key, with examples, with the
formulas of its hints. A text is judged once.
"""

from __future__ import annotations

from engines.exercises.grading import graded
from engines.words import Instance, Verdict


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
