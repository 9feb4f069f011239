"""Which of many patterns a text meets, tried only where their first two words stand.

This file is that search. A hundred patterns sought one after the other cost milliseconds; the pairs
of words they begin with leave a few places to look at, and in most texts none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_RUN = re.compile(r"[a-z0-9 ]+(?![?*{])|[a-z0-9 ]")
"""Letters in a row; one that is repeated or left out stands alone."""
_TIMES = re.compile(r"(?:(?P<sign>[?*])|\{(?P<least>\d),\d+\})\??")
_UNLISTED = "\\"
_WORDS = 2


class _Head(NamedTuple):
    """A beginning of what a pattern matches; `whole` once nothing behind it counts."""

    text: str
    whole: bool


_NOTHING = _Head("", False)


def beginnings(pattern: str) -> frozenset[tuple[str, str | None]]:
    r"""The first two words of what a pattern matches; None for a second one that may be any.

    Patterns are made of small letters, blanks, groups, and `\w` and the like from the second word
    on. Raises ValueError for another, and for a first word that cannot be listed.

    >>> sorted(beginnings("(?:my |the )?(?:cat|dog)s? sleeps? well"))[:3]
    [('cat', 'sleep'), ('cat', 'sleeps'), ('cats', 'sleep')]
    """
    heads, at = _sequence(pattern, 0)
    if at != len(pattern):
        raise ValueError(f"expected a pattern with its brackets in pairs, got {pattern!r}")
    found = set()
    for head in heads:
        first, _, second = head.text.partition(" ")
        if not first or _UNLISTED in first:
            raise ValueError(f"expected a first word that can be listed, got {pattern!r}")
        second = second.strip()
        found.add((first, None if not second or _UNLISTED in second else second))
    return frozenset(found)


def _sequence(pattern: str, at: int) -> tuple[set[_Head], int]:
    """The heads of alternatives from `at` on, up to the bracket that ends them."""
    done: set[_Head] = set()
    heads = {_NOTHING}
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            done |= heads
            heads, at = {_NOTHING}, at + 1
            continue
        added, at = _atom(pattern, at)
        once = _followed(heads, added)
        times = _TIMES.match(pattern, at)
        if times is not None:
            at = times.end()
            if times["sign"] != "?":
                once |= _followed(once, added)
            if times["sign"] or times["least"] == "0":
                once |= heads
        heads = once
    return done | heads, at


def _atom(pattern: str, at: int) -> tuple[set[_Head], int]:
    """The heads of one letter or group."""
    if pattern.startswith(("(?!", "(?=", "(?<"), at):
        return {_NOTHING}, _closed(pattern, at)
    if pattern.startswith("(?:", at):
        end = _closed(pattern, at)
        return _inside(pattern[at + 3 : end - 1]), end
    if (run := _RUN.match(pattern, at)) is not None:
        return {_grown(_NOTHING, _Head(run.group(), False))}, run.end()
    if pattern[at] == _UNLISTED:
        return {_Head(_UNLISTED, True)}, at + 2 + (pattern[at + 2 : at + 3] in ("+", "*"))
    raise ValueError(f"expected letters, blanks and groups, got {pattern[at:]!r} in {pattern!r}")


@lru_cache(maxsize=1024)
def _inside(group: str) -> set[_Head]:
    """The heads of what stands in a pair of brackets; the same words stand in many patterns."""
    return _sequence(group, 0)[0]


def _followed(heads: set[_Head], added: set[_Head]) -> set[_Head]:
    """Each head with each of what comes behind it; one that is whole stays as it is."""
    whole = {head for head in heads if head.whole}
    return whole | {_grown(head, more) for head in heads - whole for more in added}


def _grown(head: _Head, more: _Head) -> _Head:
    words = (head.text + more.text).split(" ")
    if len(words) > _WORDS:
        return _Head(" ".join(words[:_WORDS]), True)
    return _Head(" ".join(words), more.whole)


def _closed(pattern: str, at: int) -> int:
    """Where the group that opens at `at` is over."""
    depth = 0
    for end in range(at, len(pattern)):
        depth += {"(": 1, ")": -1}.get(pattern[end], 0)
        if depth == 0:
            return end + 1
    raise ValueError(f"expected a bracket that is closed, got {pattern[at:]!r}")


class _Tried(NamedTuple):
    """A pattern behind one first word: with which second words, None for any."""

    group: int
    seconds: frozenset[str] | None
    pattern: re.Pattern[str]


class Index:
    """Patterns in groups, by the words they begin with; an earlier group is worth more."""

    __slots__ = ("_at",)

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        at: dict[str, list[_Tried]] = {}
        for group, patterns in enumerate(groups):
            for source in patterns:
                pattern = re.compile(rf"(?:{source})\b")
                by_first: dict[str, set[str | None]] = {}
                for first, second in beginnings(source):
                    by_first.setdefault(first, set()).add(second)
                for first, seconds in by_first.items():
                    named = None if None in seconds else frozenset(s for s in seconds if s)
                    at.setdefault(first, []).append(_Tried(group, named, pattern))
        self._at = {word: tuple(found) for word, found in at.items()}

    def first(self, words: Sequence[str]) -> int | None:
        """The number of the first group of which a pattern matches somewhere, None for none."""
        text = " ".join(words)
        best: int | None = None
        for tried, place in self._places(words):
            if (best is None or tried.group < best) and tried.pattern.match(text, place):
                best = tried.group
                if best == 0:
                    break
        return best

    def _places(self, words: Sequence[str]) -> Iterator[tuple[_Tried, int]]:
        at = self._at
        place = 0
        for number, word in enumerate(words, 1):
            if word in at:
                second = words[number] if number < len(words) else ""
                for tried in at[word]:
                    if tried.seconds is None or second in tried.seconds:
                        yield tried, place
            place += len(word) + 1
