"""An item's widget with its numbers drawn: what a learner gets of it. This file draws widgets.

What is moved about has ids of its own, numbered as it is shown: tokens, lines and left entries are
`1`, `2`, .., right entries `a`, `b`, .. The seed decides what stands where, so that neither an id
nor a place tells anything. The key is no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from engines.exercises.functions import Operand
from engines.exercises.limits import ExpressionError
from engines.exercises.params import shuffled
from engines.maths.dice import Dice
from engines.widget_words import (
    MatchPairs,
    NumberLine,
    OrderTokens,
    Parsons,
    PollWidget,
    ShownWidget,
    SliderPlot,
    Token,
    Widget,
)
from engines.words import Instance

FEWEST_TURNED = 3
"""From so many entries on, what is shown is never in the right order at once."""
_NAME = re.compile(r"[A-Za-z_]\w*")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def templates(widget: Widget | None) -> tuple[str, ...]:
    """The texts of a widget that are templates, in the order that `shown_widget` takes them."""
    match widget:
        case OrderTokens(tokens=tokens) | Parsons(lines=tokens):
            return tuple(token.text for token in tokens)
        case MatchPairs(left=left, right=right):
            return tuple(token.text for token in (*left, *right))
        case SliderPlot(sliders=sliders):
            return tuple(slider.label for slider in sliders)
        case _:
            return ()


def expressions(widget: Widget | None) -> tuple[str, ...]:
    """The numbers of a widget as expressions over the params, in the order `shown_widget` takes.

    >>> expressions(NumberLine("0", "n", "1/n"))
    ('0', 'n', '1/n')
    """
    match widget:
        case NumberLine(low=low, high=high, step=step):
            return low, high, step
        case SliderPlot(sliders=sliders, x=x, y=y, points=points):
            own = [n for s in sliders for n in (s.low, s.high, s.step, s.start or s.low)]
            return (*own, *x, *y, *(n for point in points for n in point))
        case _:
            return ()


def shuffles(widget: Widget | None) -> bool:
    """Whether the seed decides where the parts of a widget stand."""
    return isinstance(widget, OrderTokens | MatchPairs | Parsons)


def shown_widget(
    widget: Widget,
    texts: Sequence[str],
    numbers: Sequence[Fraction],
    key: object,
    values: Mapping[str, Operand],
    dice: Dice,
) -> ShownWidget:
    """The widget as a learner gets it, from its printed texts and evaluated numbers.

    `key` is the instance's: what would be shown solved is shown otherwise.

    >>> line = NumberLine("0", "1", "1/4")
    >>> numbers = [Fraction(0), Fraction(1), Fraction(1, 4)]
    >>> dict(shown_widget(line, (), numbers, None, {}, Dice(1, 0)).wire)
    {'kind': 'number-line', 'low': '0', 'high': '1', 'step': '1/4', 'takes': 'point'}
    """
    match widget:
        case NumberLine(takes=takes):
            low, high, step = map(str, numbers)
            wire = {"kind": "number-line", "low": low, "high": high, "step": step, "takes": takes}
            return ShownWidget(wire, {}, {})
        case SliderPlot():
            return ShownWidget(_slider_plot(widget, texts, numbers, values), {}, {})
        case OrderTokens() | Parsons():
            return _arranged(widget, texts, key, dice)
        case MatchPairs():
            return _matched(widget, texts, key, dice)
        case PollWidget(anonymous=anonymous):
            return ShownWidget({"kind": "poll", "anonymous": anonymous}, {}, {})
        case _:
            return ShownWidget({"kind": "board"}, {}, {})


def entries_shown(made: Instance) -> tuple[str, ...]:
    """What stands below the prompt, as texts: options, what is moved, the parts' own questions."""
    texts = [choice.text for choice in made.choices]
    wire = made.widget.wire if made.widget is not None else {}
    for name in ("tokens", "lines", "left", "right"):
        texts += [entry["text"] for entry in wire.get(name, ())]
    for part in made.parts:
        texts += [part.prompt.strip(), *entries_shown(part)]
    return tuple(texts)


def _slider_plot(
    widget: SliderPlot,
    labels: Sequence[str],
    numbers: Sequence[Fraction],
    values: Mapping[str, Operand],
) -> dict[str, Any]:
    written = [str(number) for number in numbers]
    sliders = []
    for at, slider in enumerate(widget.sliders):
        low, high, step, start = written[4 * at : 4 * at + 4]
        told = {"name": slider.name, "low": low, "high": high, "step": step, "start": start}
        sliders.append(told | ({"label": labels[at]} if labels[at] else {}))
    x, y, *rest = _pairs(written[4 * len(sliders) :])
    own = {slider.name for slider in widget.sliders} | {widget.variable}
    told_plot: dict[str, Any] = {
        "kind": "slider-plot",
        "plot": filled(widget.plot, {n: v for n, v in values.items() if n not in own}),
        "variable": widget.variable,
        "sliders": sliders,
        "x": x,
        "y": y,
    }
    return told_plot | ({"points": rest} if rest else {})


def _pairs(numbers: Sequence[str]) -> list[list[str]]:
    return [list(numbers[at : at + 2]) for at in range(0, len(numbers), 2)]


def filled(expression: str, values: Mapping[str, Operand]) -> str:
    """An expression with the params' values put in, in brackets where it needs them.

    Raises ExpressionError where a param in it is no number.

    >>> filled("m*x + b - k", {"k": Fraction(-1, 2)})
    'm*x + b - (-1/2)'
    """

    def value(name: re.Match[str]) -> str:
        if name[0] not in values:
            return name[0]
        number = values[name[0]]
        if not isinstance(number, int | Fraction):
            raise ExpressionError(name.start() + 1, "a number", f"{name[0]} = {number!r}")
        text = str(number)
        return text if text.isdigit() else f"({text})"

    return _NAME.sub(value, expression)


def _arranged(
    widget: OrderTokens | Parsons, texts: Sequence[str], key: object, dice: Dice
) -> ShownWidget:
    tokens = widget.lines if isinstance(widget, Parsons) else widget.tokens
    entries = _turned(_shuffled(tokens, texts, dice), key)
    wire_ids = [str(n) for n in range(1, len(entries) + 1)]
    told = [{"id": own, "text": text} for own, (_, text) in zip(wire_ids, entries, strict=True)]
    wire: dict[str, Any]
    if isinstance(widget, Parsons):
        most = widget.most_indent
        wire = {"kind": "parsons", "lines": told, "indent": most > 0, "most_indent": most}
    else:
        wire = {"kind": "order", "tokens": told, "across": widget.across}
    author = {own: id_ for own, (id_, _) in zip(wire_ids, entries, strict=True)}
    return ShownWidget(wire, author, {})


def _shuffled(
    tokens: Sequence[Token], texts: Sequence[str], dice: Dice
) -> tuple[tuple[str, str], ...]:
    """Ids and texts in an order of the dice's."""
    entries = tuple((token.id, text) for token, text in zip(tokens, texts, strict=True))
    return shuffled(entries, dice, len(entries))


def _turned(entries: tuple[tuple[str, str], ...], key: object) -> tuple[tuple[str, str], ...]:
    """The entries; those at the key's ends change places where all would stand as the key has them.

    Of two entries either order may be shown: that one is never right would tell.
    """
    wanted = [str(part).partition(":")[0] for part in key] if isinstance(key, tuple) else []
    stand = [at for at, (id_, _) in enumerate(entries) if id_ in wanted]
    if len(stand) < FEWEST_TURNED or [entries[at][0] for at in stand] != wanted:
        return entries
    turned = list(entries)
    first, last = stand[0], stand[-1]
    turned[first], turned[last] = turned[last], turned[first]
    return tuple(turned)


def _matched(widget: MatchPairs, texts: Sequence[str], key: object, dice: Dice) -> ShownWidget:
    left = _shuffled(widget.left, texts[: len(widget.left)], dice)
    right = _shuffled(widget.right, texts[len(widget.left) :], dice)
    beside = {f"{a}:{b}" for (a, _), (b, _) in zip(left, right, strict=False)}
    if len(left) >= FEWEST_TURNED and isinstance(key, tuple) and beside >= set(key):
        right = (*right[1:], right[0])
    numbered = [str(n) for n in range(1, len(left) + 1)]
    lettered = _LETTERS[: len(right)]
    wire = {
        "kind": "match",
        "left": [{"id": o, "text": text} for o, (_, text) in zip(numbered, left, strict=True)],
        "right": [{"id": o, "text": text} for o, (_, text) in zip(lettered, right, strict=True)],
    }
    return ShownWidget(
        wire,
        {own: id_ for own, (id_, _) in zip(numbered, left, strict=True)},
        {own: id_ for own, (id_, _) in zip(lettered, right, strict=True)},
    )
