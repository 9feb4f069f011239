"""Faults of a widget that show with its numbers drawn. This file is those checks.

Can the key be given with it? Do its entries read alike, do its numbers hold together, do examples
and known wrong ways name entries that it has? Codes as in `engines.exercises.trials`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.arranged import (
    authored_order,
    authored_pairs,
    key_order,
    key_pairs,
    key_texts,
)
from engines.exercises.expression import evaluated, parsed
from engines.exercises.grading import graded
from engines.exercises.limits import ExpressionError
from engines.exercises.sliders import setting
from engines.exercises.widgets import filled
from engines.widget_words import (
    MatchPairs,
    NumberLine,
    OrderTokens,
    Parsons,
    SliderPlot,
    Token,
    Widget,
)
from engines.words import Instance

MOST_MARKS = 1_000
"""Most marks of a number line, and most settings of one slider."""

Path = tuple[str | int, ...]


class WidgetFault(NamedTuple):
    """A fault below an item, or below one of its parts: code, place, what, how to mend it."""

    code: str
    path: Path
    message: str
    fix: str = ""
    warn: bool = False


class WidgetPlace(NamedTuple):
    """A template or an expression of a widget; `own` are the names it has besides the params."""

    path: Path
    text: str
    expression: bool
    own: frozenset[str] = frozenset()


def widget_places(widget: Widget | None) -> Iterator[WidgetPlace]:
    """Every template and expression of a widget, with its place below the item."""
    for path, token in _tokens(widget):
        yield WidgetPlace((*path, "text"), token.text, False)
    if isinstance(widget, NumberLine):
        for name in ("low", "high", "step"):
            yield WidgetPlace(("widget", name), getattr(widget, name), True)
    elif isinstance(widget, SliderPlot):
        yield from _plot_places(widget)


def _plot_places(widget: SliderPlot) -> Iterator[WidgetPlace]:
    own = frozenset(slider.name for slider in widget.sliders) | {widget.variable}
    yield WidgetPlace(("widget", "plot"), widget.plot, True, own)
    for at, slider in enumerate(widget.sliders):
        for name in ("low", "high", "step", "start"):
            if text := getattr(slider, name):
                yield WidgetPlace(("widget", "sliders", at, name), text, True)
        yield WidgetPlace(("widget", "sliders", at, "label"), slider.label, False)
    for name in ("x", "y"):
        for nth, text in enumerate(getattr(widget, name)):
            yield WidgetPlace(("widget", name, nth), text, True)
    for at, point in enumerate(widget.points):
        for nth, text in enumerate(point):
            yield WidgetPlace(("widget", "points", at, nth), text, True)


def _tokens(widget: Widget | None) -> Iterator[tuple[Path, Token]]:
    lists: dict[str, tuple[Token, ...]] = {}
    match widget:
        case OrderTokens(tokens=tokens):
            lists = {"tokens": tokens}
        case Parsons(lines=lines):
            lists = {"lines": lines}
        case MatchPairs(left=left, right=right):
            lists = {"left": left, "right": right}
    for name, tokens in lists.items():
        for at, token in enumerate(tokens):
            yield ("widget", name, at), token


def widget_faults(drawn: Instance) -> Iterator[WidgetFault]:
    """The faults of the widget of an item, or of a part, with these numbers."""
    match drawn.item.widget:
        case NumberLine():
            yield from _line_faults(drawn)
        case SliderPlot():
            yield from _plot_faults(drawn)
        case OrderTokens() | Parsons() | MatchPairs() as widget:
            yield from _repeated(drawn, widget)
            arranged = list(_arranged_faults(drawn, widget))
            yield from arranged
            if not arranged:
                yield from _wrong_faults(drawn, widget)


# --- what is moved --------------------------------------------------------------------------------


def _repeated(drawn: Instance, widget: Widget) -> Iterator[WidgetFault]:
    assert drawn.widget is not None
    wire = drawn.widget.wire
    author = {**drawn.widget.author, **drawn.widget.right}
    shown: dict[tuple[str, str], str] = {
        (name if name in ("left", "right") else "", author[entry["id"]]): entry["text"]
        for name in ("tokens", "lines", "left", "right")
        for entry in wire.get(name, ())
    }
    ids: set[tuple[str, str]] = set()
    texts: dict[tuple[str, str], str] = {}
    for path, token in _tokens(widget):
        side = str(path[1]) if path[1] in ("left", "right") else ""
        if (side, token.id) in ids:
            yield WidgetFault("C103", (*path, "id"), f"the id {token.id} is given twice")
            continue
        ids.add((side, token.id))
        text = _plain(shown[side, token.id])
        if (side, text) in texts:
            told = f"seed {drawn.seed}: {texts[side, text]} and {token.id} read alike"
            yield WidgetFault("C303", path, told, "exclude these numbers with where")
        texts[side, text] = token.id


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return re.sub(r"[$\s]+", "", text).casefold()


def _arranged_faults(drawn: Instance, widget: Widget) -> Iterator[WidgetFault]:
    """What is wrong with the key and the further right answers, before they are tried."""
    place: Path = ("answer", "value")
    try:
        if isinstance(widget, MatchPairs):
            yield from _pair_faults(widget, key_pairs(drawn), place)
            for at, text in enumerate(drawn.accept):
                yield from _pair_faults(widget, authored_pairs(text), ("answer", "accept", at))
            return
        yield from _order_faults(widget, key_order(drawn), place)
        for at, text in enumerate(drawn.accept):
            where = ("answer", "accept", at)
            yield from _order_faults(widget, authored_order(text), where)
    except ExpressionError as error:
        yield WidgetFault("C307", place, str(error), "write ids between commas")


def _order_faults(
    widget: Widget, order: tuple[tuple[str, int], ...], place: Path
) -> Iterator[WidgetFault]:
    known = [token.id for _, token in _tokens(widget)]
    for name, count in Counter(name for name, _ in order).items():
        if name not in known:
            fix = f"one of {', '.join(known)}"
            yield WidgetFault("C307", place, f"the widget has no entry {name!r}", fix)
        elif count > 1:
            yield WidgetFault("C307", place, f"{name} stands {count} times", "each entry once")
    if isinstance(widget, OrderTokens) and len(order) < len(known):
        missing = sorted(set(known) - {name for name, _ in order})
        told = f"the order lacks {', '.join(missing)}"
        yield WidgetFault("C307", place, told, "name every token; a Parsons widget may have more")
    most = widget.most_indent if isinstance(widget, Parsons) else 0
    for name, indent in order:
        if indent > most:
            told = f"{name} is indented by {indent}, the widget lets {most}"
            yield WidgetFault("C307", place, told, "raise most_indent")
    if len(order) < 2:
        yield WidgetFault("C307", place, "an order has at least two entries")


def _pair_faults(
    widget: MatchPairs, pairs: Mapping[str, str], place: Path
) -> Iterator[WidgetFault]:
    sides = (("left", pairs, widget.left), ("right", pairs.values(), widget.right))
    for side, named, tokens in sides:
        known = [token.id for token in tokens]
        for name in named:
            if name not in known:
                fix = f"one of {', '.join(known)}"
                yield WidgetFault("C307", place, f"the {side} list has no {name!r}", fix)
    missing = [token.id for token in widget.left if token.id not in pairs]
    if missing:
        told = f"no pair for {', '.join(missing)}"
        yield WidgetFault("C307", place, told, "every left entry has its right one")


def _wrong_faults(drawn: Instance, widget: Widget) -> Iterator[WidgetFault]:
    """Misconceptions that name what the widget does not have, or that the key shows."""
    known = {token.id for _, token in _tokens(widget)}
    places = {each.id: at for at, each in enumerate(drawn.item.misconceptions)}
    for name, when in drawn.wrong:
        place: Path = ("misconceptions", places[name], "when")
        try:
            if isinstance(widget, MatchPairs):
                pairs = authored_pairs(str(when))
                unknown = (pairs.keys() | set(pairs.values())) - known
                right = pairs.items() <= key_pairs(drawn).items()
            else:
                order = authored_order(str(when))
                unknown = {each for each, _ in order} - known
                right = order == key_order(drawn)
        except ExpressionError as error:
            yield WidgetFault("C304", place, str(error), "write ids between commas")
            continue
        if unknown:
            yield WidgetFault("C304", place, f"the widget has no entry {min(unknown)!r}")
        elif right:
            told = f"seed {drawn.seed}: the misconception {name} equals the key"
            yield WidgetFault("C304", place, told, "name what goes wrong")


def names_arranged(text: str, drawn: Instance) -> bool:
    """Whether a text gives an order away, or all pairs: every entry of the key, as the key has it.

    What reads the same as the prompt gives nothing away, nor does a key that is none.
    """
    try:
        texts = key_texts(drawn)
    except ExpressionError:
        return False
    if drawn.item.answer.kind == "order":
        wanted = [_plain(each) for each in texts]
        return _in_turn(_plain(text), wanted) and not _in_turn(_plain(drawn.prompt), wanted)
    lines = [_plain(line) for line in re.split(r"[\n;]|\.\s", text)]
    pairs = [[_plain(half) for half in pair.split(" – ")] for pair in texts]
    return all(any(all(half in line for half in pair) for line in lines) for pair in pairs)


def _in_turn(text: str, wanted: list[str]) -> bool:
    at = 0
    for each in wanted:
        found = text.find(each, at)
        if found < 0:
            return False
        at = found + len(each)
    return True


# --- what is set ----------------------------------------------------------------------------------

_BRACKETS = re.compile(r"[\[\](){},;∪]|\bunion\b|\bor\b")
_ENDLESS = re.compile(r"[-+]?\s*(?:oo|∞|inf|infinity)\Z")


def _line_faults(drawn: Instance) -> Iterator[WidgetFault]:
    assert drawn.widget is not None
    wire, place = drawn.widget.wire, ("widget",)
    low, high, step = (Fraction(wire[name]) for name in ("low", "high", "step"))
    if (told := _range_fault(low, high, step)) is not None:
        yield WidgetFault("C309", place, f"seed {drawn.seed}: {told}")
        return
    marks = [round((key - low) / step) * step + low for key in _line_keys(drawn)]
    for key, mark in zip(_line_keys(drawn), marks, strict=True):
        if not low <= key <= high:
            told = f"seed {drawn.seed}: the key {key} is off the line from {low} to {high}"
            yield WidgetFault("C309", place, told, "widen the line")
        elif key != mark and drawn.item.answer.tolerance is None:
            told = f"seed {drawn.seed}: the key {key} is between marks of {step}"
            yield WidgetFault("C309", (*place, "step"), told, "choose a finer step")
        elif isinstance(drawn.key, Fraction):
            given = graded(drawn, str(mark))
            if given.verdict != "correct":
                told = f"seed {drawn.seed}: {mark} on the line is judged {given.verdict}"
                yield WidgetFault("C309", ("answer",), told, given.message)


def _range_fault(low: Fraction, high: Fraction, step: Fraction) -> str | None:
    if low >= high:
        return f"low {low} is not below high {high}"
    if step <= 0:
        return f"the step {step} is not above 0"
    if (high - low) / step > MOST_MARKS:
        return f"{(high - low) // step} marks, at most {MOST_MARKS} can be set"
    return None


def _line_keys(drawn: Instance) -> list[Fraction]:
    """The numbers that the key has on a line; ends without end are none."""
    if isinstance(drawn.key, Fraction):
        return [drawn.key]
    found = []
    for part in _BRACKETS.split(str(drawn.key)):
        if part.strip() and not _ENDLESS.match(part.strip()):
            try:
                value = evaluated(parsed(part), {})
            except ExpressionError:
                continue
            if isinstance(value, int | Fraction):
                found.append(Fraction(value))
    return found


def _plot_faults(drawn: Instance) -> Iterator[WidgetFault]:
    assert drawn.widget is not None
    wire, whole = drawn.widget.wire, True
    for at, slider in enumerate(wire["sliders"]):
        place: Path = ("widget", "sliders", at)
        low, high, step, start = (Fraction(slider[n]) for n in ("low", "high", "step", "start"))
        told = _range_fault(low, high, step)
        if told is None and not (low <= start <= high and (start - low) % step == 0):
            told = f"start {start} is no setting from {low} to {high} by {step}"
        if told is not None:
            whole = False
            yield WidgetFault("C309", place, f"seed {drawn.seed}: {told}")
    for name in ("x", "y"):
        low, high = map(Fraction, wire[name])
        if low >= high:
            whole = False
            told = f"seed {drawn.seed}: {name} from {low} to {high} is no window"
            yield WidgetFault("C309", ("widget", name), told)
    if whole:
        yield from _reach_faults(drawn)


def _reach_faults(drawn: Instance) -> Iterator[WidgetFault]:
    assert drawn.widget is not None
    settings = setting(drawn)
    if settings is None:
        return
    if not settings:
        told = f"seed {drawn.seed}: no setting of the sliders gives the key {drawn.key}"
        yield WidgetFault("C309", ("widget", "sliders"), told, "widen a range or refine a step")
        return
    given = filled(drawn.widget.wire["plot"], settings)
    verdict = graded(drawn, given)
    if verdict.verdict != "correct":
        told = f"seed {drawn.seed}: {given} from the sliders is judged {verdict.verdict}"
        yield WidgetFault("C309", ("answer",), told, verdict.message)
    starts = {s["name"]: Fraction(s["start"]) for s in drawn.widget.wire["sliders"]}
    if settings == starts:
        told = f"seed {drawn.seed}: the sliders start at the key"
        yield WidgetFault("C309", ("widget", "sliders"), told, "choose other starts", warn=True)
