"""What stands between a model's text and the learner: the outward stages in their order.

This file is that order: rendering, so that no markup splits an answer; locked answers and wrong
sums; then what else the caller has (names put back in place of placeholders come last).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engines.exercises.guarded import Guarded
from engines.exercises.guardset import GuardSet
from engines.exercises.rendering import Rendered


class Stage(Protocol):
    """One stage of a screen: text in, the same or less text out, the same for every cutting."""

    @property
    def caught(self) -> str | None:
        """Why the attempt must end, once it must."""
        ...

    def push(self, text: str) -> str:
        """Take a piece; returns what may go on now, perhaps nothing."""
        ...

    def finish(self) -> str:
        """The text is complete; returns what was held back and may go on."""
        ...


class Screened:
    """The screen of one attempt (`streaming.purse.Screen`): every stage, one after the other.

    >>> screen = Screened([Rendered()])
    >>> screen.push("See [this](https://x.org)"), screen.finish(), screen.caught
    ('See ', 'this', None)
    """

    __slots__ = ("_stages", "caught")

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = tuple(stages)
        self.caught: str | None = None

    def push(self, text: str) -> str:
        """Take a piece of the model's text; returns what may be shown now, perhaps nothing."""
        return self._through(text, finish=False)

    def finish(self) -> str:
        """The answer is complete; returns what was held back and may be shown."""
        return self._through("", finish=True)

    def _through(self, text: str, *, finish: bool) -> str:
        if self.caught is not None:
            return ""
        for stage in self._stages:
            text = stage.push(text) if text else ""
            if stage.caught is None and finish:
                text += stage.finish()
            if stage.caught is not None and self.caught is None:
                # What an earlier piece of text leaves behind is shown; the stages after it are
                # pushed and finished no more than that.
                self.caught = stage.caught
                finish = False
        return text


def screened(
    guard: GuardSet,
    extra: Sequence[Stage] = (),
    *,
    exempt: frozenset[str] = frozenset(),
    sums: bool = True,
) -> Screened:
    """The screen of an attempt: rendering, guards, then `extra`, the placeholders' stage last.

    `exempt` are equations of the learner's and the question's (`engines.exercises.arithmetic`).
    """
    return Screened((Rendered(), Guarded(guard, sums=sums, exempt=exempt), *extra))
