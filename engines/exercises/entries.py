"""Which entries of an ordering or a matching a text names, and when that tells the key.

This file is that count. One entry that is named tells nothing, they stand on the page; what tells
is that they come in the key's order, or that an entry comes beside its partner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from engines.exercises.arranged import arranged_key, key_texts
from engines.exercises.keyed import Keyed
from engines.exercises.notation import squeezed
from engines.words import Instance

ARRANGED_KINDS = frozenset(("order", "match"))
FEWEST_ORDERED = 2
"""So many entries in the key's order tell nothing alone, where there are more."""
FEWEST_PAIRS = 2
"""From so many pairs a matching is told; from one, where one decides the rest."""
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it may stand in a text: `place` is its own in the key, from 0.

    In a matching `side` is `left` or `right`, and `place` counts the pairs.
    """

    text: str
    place: int
    side: str = ""

    @property
    def wordy(self) -> bool:
        """Whether it is found by its words."""
        return _WORD.search(re.sub(r"\\[a-zA-Z]+", "", self.text)) is not None


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> re.Pattern[str]:
    """A formula as it may stand in a flat text: with any blanks, and no part of a longer one.

    >>> pattern_of("2x = 6").search("so 2x=6.") is not None, pattern_of("2").search("12") is None
    (True, True)
    """
    signs = r"\s*".join(map(re.escape, squeezed(text.replace("$", ""))))
    return re.compile(rf"(?<![\w.^]){signs}(?![\w^]|\.\d)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def _literal_of(text: str) -> re.Pattern[str]:
    """The same in a text that is not flat: as it is written, with any blanks."""
    signs = r"\s*".join(re.escape(sign) for sign in text if not sign.isspace() and sign != "$")
    return re.compile(rf"(?<![\w.^\\]){signs}(?![\w^]|\.\d)", re.IGNORECASE)


def page_neighbours(instance: Instance) -> frozenset[tuple[int, int]]:
    """The entries of an order, by their places in the key, that follow each other on the page.

    Who only reads the page aloud tells nothing by them.
    """
    spelled, widget = arranged_key(instance), instance.widget
    assert widget is not None
    if isinstance(spelled, dict):
        return frozenset()
    ids = [entry["id"] if isinstance(entry, dict) else entry for entry in spelled]
    place = {own: n for n, own in enumerate(ids)}
    listed = widget.wire.get("tokens") or widget.wire.get("lines", ())
    on_page = [place.get(entry["id"]) for entry in listed]
    pairs = pairwise(on_page)
    return frozenset((a, b) for a, b in pairs if a is not None and b is not None)


def entries_of(instance: Instance) -> tuple[Entry, ...]:
    """The entries of an order's or a matching's key; of a matching the left ones first."""
    return _entries(Keyed(instance))


@lru_cache(maxsize=1024)
def _entries(keyed: Keyed) -> tuple[Entry, ...]:
    made = keyed.instance
    spelled, widget = arranged_key(made), made.widget
    assert widget is not None
    if not isinstance(spelled, dict):
        return tuple(Entry(text, n) for n, text in enumerate(key_texts(made)))
    sides = {side: {e["id"]: e["text"] for e in widget.wire[side]} for side in ("left", "right")}
    pairs = list(enumerate(spelled.items()))
    left = [Entry(sides["left"][one], n, "left") for n, (one, _) in pairs]
    return (*left, *(Entry(sides["right"][other], n, "right") for n, (_, other) in pairs))


@dataclass(slots=True)
class Naming:
    """What a text named so far of a key of `of` entries or pairs: the newest entry, and the count.

    >>> naming = Naming(3, matches=False)
    >>> [naming.tells(frozenset({n}), "") for n in (2, 0, 1)]
    [False, False, True]
    >>> naming = Naming(3, matches=True)
    >>> [naming.tells(frozenset({n}), s) for n, s in ((0, "left"), (0, "right"), (1, "left"))]
    [False, False, False]
    >>> naming.tells(frozenset({1}), "right")
    True
    """

    of: int
    matches: bool
    on_page: frozenset[tuple[int, int]] = frozenset()
    """Of an order: entries that follow each other on the page."""
    newest: frozenset[int] = frozenset()
    side: str = ""
    in_order: int = 0
    unlike_page: bool = False
    """Whether those that came in order do not stand so on the page."""
    pairs: frozenset[int] = frozenset()

    def tells(self, places: frozenset[int], side: str) -> bool:
        """Take the next entry that is named; whether the key is told by now.

        `places` are those of all entries that read like it.
        """
        before, other = self.newest, self.side
        self.newest, self.side = places, side
        if self.matches:
            if other and other != side:
                self.pairs |= before & places
            return len(self.pairs) >= max(1, min(FEWEST_PAIRS, self.of - 1))
        if before == places:
            return False
        follows = frozenset(n + 1 for n in before) & places
        self.in_order = self.in_order + 1 if follows else 1
        elsewhere = follows and not any((n - 1, n) in self.on_page for n in follows)
        self.unlike_page = bool(follows and (self.unlike_page or elsewhere))
        self.newest = follows or places
        return self.unlike_page and self.in_order >= max(FEWEST_ORDERED, self.of - 1)


def told_in(text: str, instance: Instance) -> list[tuple[int, int]]:
    """Where a whole text tells the key: the entries from the second one on that do.

    Empty where it does not. For a text that is there at once, as a hint is.
    """
    entries = entries_of(instance)
    spots: dict[tuple[int, int], list[Entry]] = {}
    for entry in entries:
        for found in _literal_of(entry.text).finditer(text):
            spots.setdefault(found.span(), []).append(entry)
    of, matches = len({entry.place for entry in entries}), bool(entries[0].side)
    naming = Naming(of, matches, page_neighbours(instance))
    named, told, upto = [], False, 0
    for span, alike in sorted(spots.items(), key=lambda spot: (spot[0][0], -spot[0][1])):
        if span[0] < upto:
            continue  # it stands inside the one before
        upto = span[1]
        places = frozenset(entry.place for entry in alike)
        before = naming.pairs, naming.in_order
        told = naming.tells(places, alike[0].side) or told
        if naming.pairs != before[0] or naming.in_order > max(1, before[1]):
            named.append(span)
    return named if told else []
