"""Widgets and parts of an item as an author writes them. This file is their form, and what fits.

A widget is a mapping whose `kind` says which other keys it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.authoring.nodes import Node
from server.authoring.shapes import (
    ABSENT,
    Flag,
    Key,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Record,
    Shape,
    Text,
    Told,
    Word,
    Written,
    nearest,
)

MOST_ENTRIES = 12
"""Most tokens to order, and most entries of one list to match."""
MOST_LINES = 20
"""Most lines of a Parsons problem, distractors included."""
MOST_INDENT = 6
MOST_SLIDERS = 4
MOST_POINTS = 20
MOST_PARTS = 8
ENTRY_ID = r"[a-z0-9][a-z0-9.-]{0,63}"
_ID = Word(ENTRY_ID)
_NAME = Word(r"[A-Za-z][A-Za-z0-9_]{0,31}", "a name of letters, digits and _")
_ENDS = ListOf(Written(), least=2, most=2)


def _entries(least: int, most: int) -> ListOf:
    entry = Record({"id": Key(_ID, needed=True), "text": Key(Text(), needed=True)})
    return ListOf(entry, least=least, most=most)


@dataclass(frozen=True)
class ByKind:
    """A mapping whose key `kind` says which record the rest of it is."""

    kinds: Mapping[str, Record]

    @property
    def shapes(self) -> tuple[Record, ...]:
        """The records that it may be."""
        return tuple(self.kinds.values())

    def read(self, node: Node, told: Told) -> Any:
        """The mapping under canonical names, its kind included; `ABSENT` after a fault."""
        kind = node.child("kind") if isinstance(node.value, dict) else None
        names = tuple(self.kinds)
        if kind is None:
            told(node, "expected a mapping with a key 'kind'", f"kinds: {', '.join(names)}")
            return ABSENT
        if isinstance(kind.value, dict | list) or kind.raw not in self.kinds:
            found = "no name" if isinstance(kind.value, dict | list) else repr(kind.raw)
            told(
                kind, f"expected one of {', '.join(names)}, found {found}", nearest(kind.raw, names)
            )
            return ABSENT
        return self.kinds[kind.raw].read(node, told)

    def schema(self) -> dict[str, Any]:
        """Any of the records."""
        return {"anyOf": [record.schema() for record in self.kinds.values()]}


@dataclass(frozen=True)
class MapOrList:
    """A mapping of one shape, or whatever else another one reads."""

    pairs: MapOf
    other: Shape

    def read(self, node: Node, told: Told) -> Any:
        """The mapping, or what the other shape makes of it."""
        return (self.pairs if isinstance(node.value, dict) else self.other).read(node, told)

    def schema(self) -> dict[str, Any]:
        """Either of them."""
        return {"anyOf": [self.pairs.schema(), self.other.schema()]}


VALUE = MapOrList(
    MapOf(ENTRY_ID, Written()), ListOf(Written(), least=1, most=MOST_LINES, lone=True)
)
"""The value of an answer: one, several, or pairs of ids for `match`."""

_SLIDER = Record(
    {
        "name": Key(_NAME, needed=True),
        "low": Key(Written(), needed=True),
        "high": Key(Written(), needed=True),
        "step": Key(Written(), needed=True),
        "start": Key(Written()),
        "label": Key(Text()),
    }
)


def _kind(name: str, keys: dict[str, Key]) -> Record:
    return Record({"kind": Key(OneOf((name,)), needed=True), **keys})


WIDGET = ByKind(
    {
        "number-line": _kind(
            "number-line",
            {
                "low": Key(Written(), needed=True),
                "high": Key(Written(), needed=True),
                "step": Key(Written(), needed=True),
                "takes": Key(OneOf(("point", "points", "interval"))),
            },
        ),
        "slider-plot": _kind(
            "slider-plot",
            {
                "plot": Key(Written(), needed=True),
                "variable": Key(_NAME),
                "sliders": Key(ListOf(_SLIDER, least=1, most=MOST_SLIDERS), needed=True),
                "x": Key(_ENDS, needed=True),
                "y": Key(_ENDS, needed=True),
                "points": Key(ListOf(_ENDS, most=MOST_POINTS)),
            },
        ),
        "order": _kind(
            "order",
            {"tokens": Key(_entries(2, MOST_ENTRIES), needed=True), "across": Key(Flag())},
        ),
        "match": _kind(
            "match",
            {
                "left": Key(_entries(2, MOST_ENTRIES), needed=True),
                "right": Key(_entries(2, MOST_ENTRIES), needed=True),
            },
        ),
        "parsons": _kind(
            "parsons",
            {
                "lines": Key(_entries(2, MOST_LINES), needed=True),
                "most_indent": Key(Number(0, MOST_INDENT, whole=True)),
            },
        ),
        "poll": _kind("poll", {"anonymous": Key(Flag())}),
        "board": _kind("board", {}),
    }
)

KINDS_OF: dict[str, tuple[str, ...]] = {
    "number-line": ("number", "fraction", "set", "interval"),
    "slider-plot": ("expression",),
    "order": ("order",),
    "match": ("match",),
    "parsons": ("order",),
    "poll": ("choice",),
}
"""The kinds of answer that a widget gives; a board's may be any."""
_TAKES = {"number": "point", "fraction": "point", "set": "points", "interval": "interval"}
_WIDGETS_OF = {"order": "order or parsons", "match": "match"}

Misfit = tuple[tuple[str | int, ...], str, str]
"""A way below an item, what does not fit there, how to mend it."""


def widget_misfits(holder: Mapping[str, Any]) -> Iterator[Misfit]:
    """What in the widget of an item, or of a part, does not fit its answer."""
    answer, widget = holder["answer"], holder.get("widget")
    kind = answer["kind"]
    if isinstance(answer["value"], dict) != (kind == "match"):
        told = "kind match takes pairs" if kind == "match" else f"kind {kind} takes no pairs"
        yield ("answer",), told, "as value: {half: two, third: three}"
    if widget is None:
        if kind in _WIDGETS_OF:
            yield ("answer",), f"kind {kind} needs a widget", f"of kind {_WIDGETS_OF[kind]}"
        return
    kinds = KINDS_OF.get(widget["kind"], (kind,))
    if kind not in kinds or (kind in _WIDGETS_OF and widget["kind"] == "board"):
        told = f"widget {widget['kind']} gives no answer of kind {kind}"
        yield ("widget",), told, f"kinds here: {', '.join(kinds)}"
    elif widget["kind"] == "number-line" and widget.get("takes", "point") != _TAKES[kind]:
        told = f"a number line that takes {widget.get('takes', 'point')} gives no {kind}"
        yield ("widget",), told, f"takes: {_TAKES[kind]}"


def parts_misfits(item: Mapping[str, Any]) -> Iterator[Misfit]:
    """What stands beside the parts of an item and must not; parts that share an id."""
    if "parts" not in item:
        return
    for name in ("options", "widget", "misconceptions"):
        if name in item:
            written = "choices" if name == "options" else name
            told = f"an item of parts has no {written} of its own"
            yield (name,), told, "write it in a part" if name != "misconceptions" else "take it out"
    seen: list[str] = []
    for at, part in enumerate(item["parts"]):
        if part["id"] in seen:
            yield ("parts", at, "id"), f"the part {part['id']!r} is given twice", "name each once"
        seen.append(part["id"])
