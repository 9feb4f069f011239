"""A widget in lines of text: what is there, and how its value is typed. This file is its words.

Every value can be typed: numbered entries in order, pairs, a formula. What a newer server shows
and this one does not know gives no line; its value can be typed as the prompt asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Widget = Mapping[str, Any]
_TYPED_ON_LINE = {
    "point": "type the point, as 3/4",
    "points": "type all points, as {1, 3/2}",
    "interval": "type the interval, as [2, 5)",
}


def widget_lines(widget: Widget | None) -> list[str]:
    r"""The lines of a widget; none where there is none.

    >>> print("\n".join(widget_lines({"kind": "match", "left": [{"id": "1", "text": "half"}],
    ...     "right": [{"id": "a", "text": "1/2"}]})))
    1) half
      a) 1/2
    type pairs, as 1b 2a
    """
    if not isinstance(widget, Mapping):
        return []
    lines = _LINES.get(widget.get("kind", ""))
    return [] if lines is None else lines(widget)


def _order(widget: Widget) -> list[str]:
    return [*_entries(widget["tokens"]), "type their numbers in order, as 2 1 3"]


def _parsons(widget: Widget) -> list[str]:
    how = "type the numbers of the lines in order, as 2 1 3; some may be left out"
    if widget.get("indent"):
        how += "; 1:2 is line 1 indented by two"
    return [*_entries(widget["lines"]), how]


def _match(widget: Widget) -> list[str]:
    right = [f"  {line}" for line in _entries(widget["right"])]
    return [*_entries(widget["left"]), *right, "type pairs, as 1b 2a"]


def _entries(entries: list[Mapping[str, str]]) -> list[str]:
    return [f"{entry['id']}) {entry['text']}" for entry in entries]


def _number_line(widget: Widget) -> list[str]:
    line = f"a line from {widget['low']} to {widget['high']} by {widget['step']}"
    return [line, _TYPED_ON_LINE.get(widget.get("takes", "point"), "type what you would set")]


def _slider_plot(widget: Widget) -> list[str]:
    lines = [f"a plot of {widget['plot']}"]
    for s in widget["sliders"]:
        label = f" ({s['label']})" if s.get("label") else ""
        lines.append(f"{s['name']}{label} from {s['low']} to {s['high']} by {s['step']}")
    if points := widget.get("points"):
        lines.append("points: " + " ".join(f"({x}, {y})" for x, y in points))
    return [*lines, "type the plot with your numbers put in, as (1/2)*x + (-1)"]


def _parts(widget: Widget) -> list[str]:
    lines = []
    for part in widget["parts"]:
        lines.append(f"{part['id']}: {part['prompt'].strip()}")
        lines += [f"  {line}" for line in _entries(part.get("choices") or [])]
        lines += [f"  {line}" for line in widget_lines(part.get("widget"))]
    ids = [part["id"] for part in widget["parts"]]
    return [*lines, f"type all of them, as {'; '.join(f'{name}: ...' for name in ids)}"]


def _board(_widget: Widget) -> list[str]:
    return ["this is worked on a board; answer here when you have it"]


_LINES: dict[str, Callable[[Widget], list[str]]] = {
    "order": _order,
    "parsons": _parsons,
    "match": _match,
    "number-line": _number_line,
    "slider-plot": _slider_plot,
    "parts": _parts,
    "board": _board,
}
