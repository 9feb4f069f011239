"""The verdict on what was put in order, matched or indented. This file judges arrangements.

A response names things by the ids that were shown (`engines.exercises.widgets`): a list of ids, a
list of `{id, indent}`, a map of ids. Typed as text it is `2 1 3`, `3, 1:1, 2` or `1a 2c 3b`. What
is of another shape, names something unknown or one thing twice cannot be read, and is no try.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.verdicts import NOT_YET, RIGHT, misconceived, shown
from engines.widget_words import ShownWidget
from engines.words import Instance, Verdict

Placed = tuple[str, int]
"""What stands somewhere, and how far it is indented."""
Order = tuple[Placed, ...]

FEWEST_IN_ORDER = 2
"""One thing alone is in order whatever is done: a share of the order begins with two."""
INDENTED = "The order is right. Look at how far each line is indented."

_PLACED = re.compile(r"([a-z0-9][a-z0-9.-]*)(?::(\d{1,2}))?")
_GAP = re.compile(r"[\s,;]+")
_PAIR = re.compile(r"(\d+)\s*[-–:=>→]*\s*([a-z])(?:\s*[,;]\s*|\s+|$)")
_AUTHORED_PAIR = re.compile(r"\s*([a-z0-9][a-z0-9.-]*)\s*:\s*([a-z0-9][a-z0-9.-]*)\s*")


# --- order ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def authored_order(text: str) -> Order:
    """An order as an author writes it: ids between commas, `id:2` for a line indented by two.

    Raises ExpressionError for what is no such list.

    >>> authored_order("a, b:1")
    (('a', 0), ('b', 1))
    """
    found = []
    for part in filter(None, _GAP.split(text.strip())):
        match = _PLACED.fullmatch(part)
        if match is None:
            raise ExpressionError(1, "ids between commas, as a, b or a, b:1", repr(shown(part)))
        found.append((match[1], int(match[2] or 0)))
    return tuple(found)


def key_order(instance: Instance) -> Order:
    """The right order, by the author's ids."""
    key = instance.key
    entries = key if isinstance(key, tuple) else (str(key),)
    return tuple(placed for entry in entries for placed in authored_order(str(entry)))


def graded_order(instance: Instance, response: object, _locale: str) -> Verdict:
    """The verdict on an order. Raises ExpressionError for what cannot be read."""
    given = _authored(instance, order_read(instance, response))
    read_as = order_reading(instance, response, _locale)
    key = key_order(instance)
    rights = [key, *(authored_order(text) for text in instance.accept)]
    if given in rights:
        return Verdict("correct", read_as, RIGHT)
    for name, wrong in instance.wrong:
        if given == authored_order(str(wrong)):
            return misconceived(instance, name, read_as)
    bare = [placed[0] for placed in given]
    message = NOT_YET
    if any(bare == [placed[0] for placed in right] for right in rights):
        message = INDENTED
    common, of = max((_in_order(given, right), max(len(given), len(right))) for right in rights)
    if not instance.item.answer.partial or common < FEWEST_IN_ORDER:
        return Verdict("incorrect", read_as, message)
    if message is NOT_YET:
        message = f"Partly right: {common} of {of} stand in the right order."
    return Verdict("partial", read_as, message, share=common / of)


def order_reading(instance: Instance, response: object, _locale: str) -> str:
    """The texts in the order given. Raises ExpressionError for what cannot be read."""
    texts = {entry["id"]: entry["text"] for entry in _movable(_widget(instance))}
    return ", ".join(texts[own] for own, _ in order_read(instance, response))


def order_read(instance: Instance, response: object) -> Order:
    """What was put where, by the ids shown. Raises ExpressionError for what cannot be read."""
    widget = _widget(instance)
    entries = _movable(widget)
    ids = [entry["id"] for entry in entries]
    most = int(widget.wire.get("most_indent", 0))
    found = tuple(_placed(each, ids, most) for each in _listed(response, len(ids)))
    _once(own for own, _ in found)
    if "lines" not in widget.wire and len(found) < len(ids):
        raise ExpressionError(1, f"all {len(ids)} entries", f"{len(found)}")
    return found


def _listed(response: object, most: int) -> Sequence[object]:
    """The entries of a list, or of a text that spells one."""
    if isinstance(response, str):
        if len(response) > LIMITS.code_points:
            raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
        response = [part for part in _GAP.split(response.strip()) if part]
    if not isinstance(response, list | tuple) or not response:
        raise ExpressionError(1, "a list of ids in order", _kind(response))
    if len(response) > most:
        raise ExpressionError(1, f"at most {most} entries", f"{len(response)}")
    return response


def _placed(entry: object, ids: Sequence[str], most: int) -> Placed:
    """One entry of a list: an id, `id:indent` in a text, or a mapping of both."""
    indent: object = 0
    if isinstance(entry, Mapping):
        if not entry.keys() <= {"id", "indent"}:
            raise ExpressionError(1, "an entry of id and indent", shown(entry))
        indent, entry = entry.get("indent", 0), entry.get("id")
    elif isinstance(entry, str) and ":" in entry:
        entry, _, after = entry.partition(":")
        indent = int(after) if after.isascii() and after.isdigit() and len(after) < 3 else after
    if isinstance(indent, bool) or not isinstance(indent, int) or not 0 <= indent <= most:
        raise ExpressionError(1, f"an indent of 0 to {most}", shown(indent))
    return _known(entry, ids), indent


def _known(entry: object, ids: Sequence[str]) -> str:
    """One of the ids shown; a whole number stands for its digits."""
    own = entry
    if isinstance(entry, int) and not isinstance(entry, bool):
        own = str(entry) if 0 < entry <= len(ids) else entry
    if not isinstance(own, str) or own not in ids:
        raise ExpressionError(1, f"one of {', '.join(ids)}", shown(entry))
    return own


def _once(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for own in ids:
        if own in seen:
            raise ExpressionError(1, "each entry once", f"{own} twice")
        seen.add(own)


def _in_order(one: Order, other: Order) -> int:
    """Length of the longest common subsequence: what would stay if the rest were moved."""
    lengths = [0] * (len(other) + 1)
    for placed in one:
        before = 0
        for at, right in enumerate(other, 1):
            above = lengths[at]
            lengths[at] = before + 1 if placed == right else max(above, lengths[at - 1])
            before = above
    return lengths[-1]


# --- match ----------------------------------------------------------------------------------------


def authored_pairs(text: str) -> dict[str, str]:
    """Pairs as an author writes them: `left: right` between commas.

    Raises ExpressionError for what is no such list.

    >>> authored_pairs("half: two, third: three")
    {'half': 'two', 'third': 'three'}
    """
    found = {}
    for part in text.split(","):
        match = _AUTHORED_PAIR.fullmatch(part)
        if match is None:
            raise ExpressionError(1, "pairs between commas, as a: b, c: d", repr(shown(part)))
        found[match[1]] = match[2]
    return found


def key_pairs(instance: Instance) -> dict[str, str]:
    """The right pairs, by the author's ids."""
    key = instance.key
    return authored_pairs(", ".join(key) if isinstance(key, tuple) else str(key))


def graded_match(instance: Instance, response: object, _locale: str) -> Verdict:
    """The verdict on pairs. Raises ExpressionError for what cannot be read."""
    widget, read = _widget(instance), pairs_read(instance, response)
    given = {widget.author[left]: widget.right[right] for left, right in read.items()}
    read_as = match_reading(instance, response, _locale)
    rights = [key_pairs(instance), *(authored_pairs(text) for text in instance.accept)]
    if given in rights:
        return Verdict("correct", read_as, RIGHT)
    for name, wrong in instance.wrong:
        if authored_pairs(str(wrong)).items() <= given.items():
            return misconceived(instance, name, read_as)
    held = max(len(given.items() & right.items()) for right in rights)
    if not instance.item.answer.partial or not held:
        return Verdict("incorrect", read_as, NOT_YET)
    message = f"Partly right: {held} of {len(given)} pairs fit."
    return Verdict("partial", read_as, message, share=held / len(given))


def match_reading(instance: Instance, response: object, _locale: str) -> str:
    """The texts of each pair. Raises ExpressionError for what cannot be read."""
    wire = _widget(instance).wire
    left, right = ({e["id"]: e["text"] for e in wire[side]} for side in ("left", "right"))
    pairs = pairs_read(instance, response).items()
    return "; ".join(f"{left[one]} – {right[other]}" for one, other in pairs)


def pairs_read(instance: Instance, response: object) -> dict[str, str]:
    """What was matched with what, by the ids shown, in the order of the left list."""
    widget = _widget(instance)
    if not widget.right:
        raise ExpressionError(1, "an item of two lists", "one without them")
    given = _pairs_typed(response) if isinstance(response, str) else response
    if not isinstance(given, Mapping) or not given:
        raise ExpressionError(1, "a right entry for each left one", _kind(response))
    left, right = tuple(widget.author), tuple(widget.right)
    if len(given) > len(left):
        raise ExpressionError(1, f"at most {len(left)} pairs", f"{len(given)}")
    found = {_known(one, left): _known(other, right) for one, other in given.items()}
    if len(found) < len(left):
        raise ExpressionError(1, f"a right entry for each of {', '.join(left)}", f"{len(found)}")
    return {one: found[one] for one in left}


def _pairs_typed(response: str) -> dict[str, str]:
    """Pairs that were typed: `1a 2c`, `1: a, 2: c`."""
    if len(response) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    text, at = response.strip().lower(), 0
    found: dict[str, str] = {}
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise ExpressionError(at + 1, "pairs as 1a 2b", repr(text[at : at + 8]))
        if pair[1] in found:
            raise ExpressionError(at + 1, "each left entry once", f"{pair[1]} twice")
        found[pair[1]] = pair[2]
        at = pair.end()
    return found


# --- both -----------------------------------------------------------------------------------------


def arranged_key(instance: Instance) -> list[Any] | dict[str, Any]:
    """The key as a learner would give it, by the ids shown.

    Raises ExpressionError where it names what the widget does not show.
    """
    if instance.item.answer.kind == "match":
        return _pairs_shown(instance, key_pairs(instance))
    return _order_shown(instance, key_order(instance))


def arranged_response(instance: Instance, text: str) -> list[Any] | dict[str, Any]:
    """An author's example as a learner would give it; raises ExpressionError like the others."""
    if instance.item.answer.kind == "match":
        return _pairs_shown(instance, authored_pairs(text))
    return _order_shown(instance, authored_order(text))


def _order_shown(instance: Instance, order: Order) -> list[Any]:
    widget = _widget(instance)
    own = {author: wire for wire, author in widget.author.items()}
    ids = [_own(own, author) for author, _ in order]
    if not widget.wire.get("indent"):
        return ids
    return [{"id": one, "indent": n} for one, (_, n) in zip(ids, order, strict=True)]


def _pairs_shown(instance: Instance, pairs: Mapping[str, str]) -> dict[str, Any]:
    widget = _widget(instance)
    left = {author: wire for wire, author in widget.author.items()}
    right = {author: wire for wire, author in widget.right.items()}
    return {_own(left, one): _own(right, other) for one, other in pairs.items()}


def _own(ids: Mapping[str, str], author: str) -> str:
    if author not in ids:
        raise ExpressionError(1, f"one of {', '.join(sorted(ids))}", repr(author))
    return ids[author]


def key_texts(instance: Instance) -> tuple[str, ...]:
    """The key in the texts of its entries: in order, or `left – right` for each pair."""
    spelled = arranged_key(instance)
    if isinstance(spelled, dict):
        return tuple(match_reading(instance, spelled, "en").split("; "))
    texts = {entry["id"]: entry["text"] for entry in _movable(_widget(instance))}
    return tuple(texts[own] for own, _ in order_read(instance, spelled))


def _authored(instance: Instance, order: Order) -> Order:
    author = _widget(instance).author
    return tuple((author[own], indent) for own, indent in order)


def _widget(instance: Instance) -> ShownWidget:
    if instance.widget is None:
        raise ExpressionError(1, "an item with a widget", "one without")
    return instance.widget


def _movable(widget: ShownWidget) -> Sequence[Mapping[str, str]]:
    entries: Sequence[Mapping[str, str]] = widget.wire.get("tokens") or widget.wire.get("lines", ())
    return entries


def _kind(response: object) -> str:
    if isinstance(response, str):
        return repr(shown(response)) if response.strip() else "nothing"
    if isinstance(response, list | tuple | Mapping):
        return "an empty one" if not response else _SHAPES[isinstance(response, Mapping)]
    return shown(response)


_SHAPES = {True: "a map", False: "a list"}
