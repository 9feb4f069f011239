"""The widgets of an item as written, and what is shown of one. This file is their form.

Numbers of a widget are texts: expressions over the item's params. Texts of tokens, lines and
entries are templates. Ids are the author's; what a learner gets has other ones (`ShownWidget`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec


class Word(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """Base of an author's words; serialises to the canonical form's objects."""


Takes = Literal["point", "points", "interval"]
"""What is set on a number line."""


class Token(Word, frozen=True):
    """One piece that is moved: a token, a line of a program, an entry of a list."""

    id: str
    text: str


class NumberLine(Word, frozen=True, tag_field="kind", tag="number-line"):
    """A line from `low` to `high` with marks each `step`, on which the answer is set."""

    low: str
    high: str
    step: str
    takes: Takes = "point"


class Slider(Word, frozen=True):
    """One number of a plot that the learner sets; `start` is `low` where none is given."""

    name: str
    low: str
    high: str
    step: str
    start: str = ""
    label: str = ""


class SliderPlot(Word, frozen=True, tag_field="kind", tag="slider-plot"):
    """A curve `plot` in `variable`, whose sliders the learner sets; `x` and `y` are the window."""

    plot: str
    sliders: tuple[Slider, ...]
    x: tuple[str, str]
    y: tuple[str, str]
    variable: str = "x"
    points: tuple[tuple[str, str], ...] = ()


class OrderTokens(Word, frozen=True, tag_field="kind", tag="order"):
    """Tokens to be put in order, side by side with `across`."""

    tokens: tuple[Token, ...]
    across: bool = False


class MatchPairs(Word, frozen=True, tag_field="kind", tag="match"):
    """Two lists: each entry at the left gets one of the right."""

    left: tuple[Token, ...]
    right: tuple[Token, ...]


class Parsons(Word, frozen=True, tag_field="kind", tag="parsons"):
    """Lines to be put in order, and indented where `most_indent` is above 0 (Parsons & Haden 2006).

    Lines that are in no right order are distractors: they may be left out.
    """

    lines: tuple[Token, ...]
    most_indent: int = 0


class PollWidget(Word, frozen=True, tag_field="kind", tag="poll"):
    """A choice that a facilitator may open to a room as a poll."""

    anonymous: bool = True


class BoardWidget(Word, frozen=True, tag_field="kind", tag="board"):
    """An item that is worked on a room's shared board; the board itself is not judged."""


Widget = NumberLine | SliderPlot | OrderTokens | MatchPairs | Parsons | PollWidget | BoardWidget


@dataclass(frozen=True, slots=True)
class ShownWidget:
    """A widget with its numbers drawn: `wire` is what a learner gets, `author` its ids' names.

    `author` leads from an id on the wire to the author's; of a match, the left ones are in
    `author`, the right ones in `right`.
    """

    wire: Mapping[str, Any]
    author: Mapping[str, str]
    right: Mapping[str, str]
