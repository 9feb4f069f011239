"""One locked answer in each of its forms: number, words, formula, order. This file holds them.

A guard set (`engines.exercises.guardset`) is made of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engines.exercises.entries import Entry
from engines.exercises.keyed import Keyed
from engines.exercises.notation import squeezed
from engines.exercises.wording import printed_in


@dataclass(frozen=True, slots=True)
class NumberKey:
    """A number that is locked.

    `given` are the ways of writing it that the learner has seen, `free` those among them that are
    no answer (`6/8` where lowest terms are asked for); `option` says that it is one of the choices
    on the page.
    """

    value: Fraction
    given: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    option: bool = False
    part: bool = False
    """One number of a set, or the key in another unit: it tells only where it is an answer."""
    unit: str = ""
    """The sign of that unit, which may stand behind it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are locked; `weak` where they may stand anywhere but as an answer.

    `option` are the words of a choice on the page, `wrong` those of one that is not right, `common`
    is a word of everyday prose.
    """

    words: tuple[str, ...]
    weak: bool = False
    option: bool = False
    wrong: bool = False
    common: bool = False
    entry: tuple[int, Entry] | None = None
    """Of which arranged key it is an entry; by itself it tells nothing."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that is locked, as written and without its spaces."""

    text: str
    tight: str
    weak: bool
    option: bool = False
    parts: frozenset[str] = frozenset()
    """Its numbers: a text without them does not hold it."""


@dataclass(frozen=True, slots=True)
class EqualKey:
    """A key that is a formula: whatever equals it is locked, however it is written.

    `given` are formulas that tell it and that the learner has seen, tight; `shown` is all that was
    seen.
    """

    keyed: Keyed
    given: frozenset[str] = frozenset()
    shown: str = ""

    def is_given(self, formula: str) -> bool:
        """Whether a formula is before the learner, or too short to tell anything by itself."""
        tight = squeezed(formula)
        return len(tight) < 2 or tight in self.given or printed_in(formula, self.shown)


@dataclass(frozen=True, slots=True)
class ArrangedKey:
    """The key of an order or a matching: its entries, and those of them that are no words."""

    entries: tuple[Entry, ...]
    values: tuple[tuple[Fraction, str, Entry], ...] = ()
    """Its numbers, with how they are written: `3/6` is not named by `1/2`."""
    formulas: tuple[Entry, ...] = ()
    on_page: frozenset[tuple[int, int]] = frozenset()

    @property
    def matches(self) -> bool:
        """Whether it is a matching."""
        return bool(self.entries[0].side)

    @property
    def of(self) -> int:
        """How many entries are in order, or how many pairs there are."""
        return len({entry.place for entry in self.entries})
