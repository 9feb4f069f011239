"""Which answers are locked in a turn, in every form. This file makes that guard set.

It is made once a turn from the instances whose answers are locked and from what the learner has
before them: prompts, hints already shown, their own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import floor

from engines.exercises.acts import is_candidate
from engines.exercises.entries import ARRANGED_KINDS, entries_of, page_neighbours
from engines.exercises.folding import folded, word_set
from engines.exercises.formats import decimal
from engines.exercises.grading import graded
from engines.exercises.guard_keys import ArrangedKey, EqualKey, Formula, NumberKey, Phrase
from engines.exercises.keyed import Keyed
from engines.exercises.notation import squeezed
from engines.exercises.numerals import PLACES, roman
from engines.exercises.placing import HARD, SOFT, labels_named
from engines.exercises.spoken import GLUE_WORDS, SPOKEN_WORDS, in_digits
from engines.exercises.stated import Stated, flat, numbers_of, stated
from engines.exercises.telling import (
    FORMULA_KINDS,
    FUNCTION_WORDS,
    ROOT_WORDS,
    SIGN_WORDS,
    has_root,
    number_key,
    set_entries,
    telling,
)
from engines.exercises.units import in_usual_units
from engines.exercises.widgets import entries_shown
from engines.exercises.wording import printed_in
from engines.words import Instance

_ROUNDED_PLACES = 2
"""From so many decimals a rounded value tells the exact one."""


@dataclass(frozen=True, slots=True)
class GuardSet:
    """The answers that may not appear, in every form, and what the learner has seen.

    `labels` are the positions of right options from 1, `options` how many are shown. `held` says
    that the learner's own message holds the key. `known` are values that `strict` lets pass, None
    in the standard guard. `printed` are the texts before the learner, tight.
    """

    numbers: tuple[NumberKey, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    formulas: tuple[Formula, ...] = ()
    labels: frozenset[int] = frozenset()
    options: int = 0
    others: frozenset[Fraction] = frozenset()
    other_phrases: tuple[Phrase, ...] = ()
    held: bool = False
    known: frozenset[Fraction] | None = None
    printed: tuple[str, ...] = ()
    romans: frozenset[str] = frozenset()
    equals: tuple[EqualKey, ...] = ()
    arranged: tuple[ArrangedKey, ...] = ()
    starts: frozenset[str] = field(default=frozenset(), repr=False)
    """Words that may begin a form."""
    goes_on: frozenset[str] = field(default=frozenset(), repr=False)
    """Words that a form may hold."""
    reads: frozenset[str] = field(default=frozenset(), repr=False)
    """Words that say something wherever they stand; those of `goes_on` do so in a form only."""
    prefixes: frozenset[str] = field(default=frozenset(), repr=False)
    """Every beginning of a word of those: it is held until it is read whole."""
    wholes: frozenset[int] = field(init=False, repr=False)
    """Made here: sizes of the whole numbers among the keys and the wrong options."""
    ratios: tuple[tuple[int, int], ...] = field(init=False, repr=False)
    """Made here: sizes of the other ones, as numerator and denominator."""

    def __post_init__(self) -> None:
        values = {key.value for key in self.numbers} | self.others
        wholes = frozenset(abs(v.numerator) for v in values if v.denominator == 1)
        ratios = tuple((abs(v.numerator), v.denominator) for v in values if v.denominator > 1)
        object.__setattr__(self, "wholes", wholes)
        object.__setattr__(self, "ratios", ratios)


# --- making one -----------------------------------------------------------------------------------

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_](?:[^\W\d_]|')*|\d+")
_LONG_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMON = word_set(
    "yes no true false both neither none all never always sometimes more less equal same "
    "different up down left right positive negative even odd greater smaller larger bigger "
    "and or not it the a an one zero"
)
_DIGITS = re.compile(r"\d+")
_MATHS = re.compile(r"[\d+*/^=<>≤≥×÷\\-]")
_PROPOSED = re.compile(
    r"(?:=|\b(?:is|it|its|be|that|answer|think|say|get|got|accept|with|if|have|guess|chose|picked))"
    r"[\s:\"'(]*$"
)
_ASKED = re.compile(r"[\s\"')]*(?:\?|,?\s*(?:right|correct|ok|yes|no)\b)")
_BARE_COMMANDS = word_set("frac dfrac tfrac cfrac sfrac")
"""LaTeX whose backslash was lost, as in `frac{7}{8}`, is read all the same."""
_LABEL_WORDS = word_set("option options choice choices alternative letter answer nd rd th st")


def guard_set(
    instances: Sequence[Instance],
    given_texts: Sequence[str] = (),
    learner_text: str = "",
    *,
    earlier: Sequence[str] = (),
    strict: bool = False,
) -> GuardSet:
    """The guard set of a turn.

    `instances` are those whose answers are locked (in a room, any member's). Given are the numbers
    of their prompts, `given_texts` (hints and steps already shown) and the learner's words, now and
    `earlier`; a number word of theirs only as a proposal: "two letters" gives no 2.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="number", value="3/4")
    >>> made = instance(Item(id="i", skills=("s",), prompt="Add.", answer=spec), "", 0)
    >>> [str(key.value) for key in guard_set([made]).numbers]
    ['3/4']
    """
    prompts = (each.prompt for made in instances for each in (made, *made.parts))
    shown = (*prompts, *given_texts)
    texts = (*shown, *earlier)
    given = [s for text in shown for s in _seen(text)]
    given += [s for text in (*earlier, learner_text) for s in _used(text)]
    making = _Making(given, " ".join((*texts, learner_text)), folded(learner_text))
    for made in instances:
        for asked in made.parts or (made,):
            making.take(asked, (*texts, learner_text))
    held = bool(learner_text.strip()) and making.held(learner_text, texts)
    choices = [text for i in instances for text in entries_shown(i)]
    known = None
    if strict:
        values = [s for text in (*texts, learner_text, *choices) for s in _seen(text)]
        known = frozenset(s.value for s in values) | frozenset(-s.value for s in values)
    return making.made(held, known, tuple(map(_printed, texts)))


@lru_cache(maxsize=4096)
def _seen(text: str) -> tuple[Stated, ...]:
    """The numbers a text shows; behind a minus as an operation, with both signs."""
    plain = in_digits(flat(folded(text)))
    found = stated(plain)
    taken = [s for s in found if "-" in plain[max(0, s.start - 2) : s.start]]
    return (*found, *(s._replace(value=-s.value) for s in taken))


@lru_cache(maxsize=4096)
def _used(text: str) -> tuple[Stated, ...]:
    """The numbers a learner's words use: those in digits, and those in words that are proposed."""
    found = _seen(text)
    if not found or is_candidate(text):
        return found
    plain = flat(folded(text))
    digits, spoken = {s.written for s in stated(plain)}, in_digits(plain)
    return tuple(s for s in found if s.written in digits or _is_proposed(s, spoken))


def _is_proposed(s: Stated, plain: str) -> bool:
    """Whether a number of a learner's stands as an answer that they propose."""
    return bool(_PROPOSED.search(plain[: s.start]) or _ASKED.match(plain, s.end))


@lru_cache(maxsize=4096)
def _printed(text: str) -> str:
    """A text as equations are sought in it."""
    return tightened(flat(folded(text)))


class _Making:
    """A guard set being made."""

    def __init__(self, seen: list[Stated], shown: str, learner: str) -> None:
        self.seen = seen
        self.shown_words: tuple[str, ...] | None = None
        self.shown_text = shown
        self.learner = learner
        self.numbers: list[NumberKey] = []
        self.phrases: list[Phrase] = []
        self.formulas: list[Formula] = []
        self.labels: set[int] = set()
        self.options = 0
        self.others: set[Fraction] = set()
        self.other_phrases: list[Phrase] = []
        self.equals: list[EqualKey] = []
        self.arranged: list[ArrangedKey] = []

    def take(self, made: Instance, texts: Sequence[str]) -> None:
        key, kind = made.key, made.item.answer.kind
        if isinstance(key, Fraction):
            self._number(key, made)
            self._other_units(key, made)
        elif kind in FORMULA_KINDS:
            self._formula_key(made, texts)
        elif kind in ARRANGED_KINDS:
            self._arranged_key(made)
        elif kind == "text":
            for text in dict.fromkeys((str(key), *made.accept)):
                self._text(text, made)
        else:
            right = {key} if isinstance(key, str) else set(key)
            self.options = max(self.options, len(made.choices))
            for at, choice in enumerate(made.choices, 1):
                if choice.id in right:
                    self.labels.add(at)
                    self._text(choice.text, made, option=True)
                else:
                    self._other(choice.text)

    def _formula_key(self, made: Instance, texts: Sequence[str]) -> None:
        value = number_key(made)
        if value is not None:
            self._number(value, made)
            return
        given = {squeezed(s.text) for text in texts for s in telling(folded(text), made)}
        self.equals.append(EqualKey(Keyed(made), frozenset(given), self.shown_text))
        for text in dict.fromkeys((str(made.key), *made.accept)):
            tight = squeezed(folded(text).lower())
            weak = len(tight) < 2 or printed_in(text, self.shown_text)
            parts = frozenset(_DIGITS.findall(tight))
            self.formulas.append(Formula(text, tight, weak, parts=parts))
        self.numbers += [NumberKey(entry, part=True) for entry in set_entries(made)]

    def _arranged_key(self, made: Instance) -> None:
        entries, nth = entries_of(made), len(self.arranged)
        values, formulas = [], []
        for entry in entries:
            plain = flat(folded(entry.text)).strip()
            value = _only_number(plain)
            if value is not None:
                values.append((value, stated(in_digits(plain))[0].written, entry))
            elif entry.wordy:
                self.phrases.append(Phrase(_tokens(plain), weak=True, entry=(nth, entry)))
            else:
                formulas.append(entry)
        on_page = page_neighbours(made)
        self.arranged.append(ArrangedKey(entries, tuple(values), tuple(formulas), on_page))

    def _number(
        self, value: Fraction, made: Instance, text: str = "", *, option: bool = False
    ) -> None:
        given = {s.written: s for s in self.seen if s.value == value and not s.joined}
        if option:
            own = {s.written for s in numbers_of(folded(text))}
            free = frozenset(given) - own
        else:
            free = frozenset(w for w, s in given.items() if not _is_answer(made, s))
        self.numbers.append(NumberKey(value, frozenset(given), free, option))

    def _other_units(self, value: Fraction, made: Instance) -> None:
        """The key in units that it was not asked for: no answer, unless it stands as one."""
        unit = made.item.answer.unit
        shown = {s.value for s in self.seen}
        for other, name in in_usual_units(value, unit.want) if unit is not None else ():
            if other not in shown:
                self.numbers.append(NumberKey(other, part=True, unit=name.lower()))

    def _text(self, text: str, made: Instance, *, option: bool = False) -> None:
        plain = flat(folded(text)).strip()
        value = _only_number(plain)
        if value is not None:
            self._number(value, made, text, option=option)
            return
        words = _tokens(plain)
        if _MATHS.search(text) and (tight := squeezed(folded(text).lower())):
            weak = len(tight) < 2 or printed_in(text, self.shown_text)
            parts = frozenset(_DIGITS.findall(tight))
            self.formulas.append(Formula(text, tight, weak, option, parts))
        if words and any(len(word) > 1 and not word.isdigit() for word in words):
            common = len(words) == 1 and (words[0] in _COMMON or len(words[0]) < 3)
            if self.shown_words is None:
                self.shown_words = _tokens(folded(self.shown_text))
            weak = common or _holds(self.shown_words, words)
            self.phrases.append(Phrase(words, weak, option, common=common))
        elif words and not _MATHS.search(text):
            self.phrases.append(Phrase(words, weak=True, option=option))

    def _other(self, text: str) -> None:
        plain = flat(folded(text)).strip()
        value = _only_number(plain)
        if value is not None:
            self.others.add(value)
        elif words := _tokens(plain):
            self.other_phrases.append(Phrase(words, option=True, wrong=True))

    def held(self, learner: str, texts: Sequence[str]) -> bool:
        """Whether the learner's message holds a key: one that no text printed, or as a proposal."""
        printed = {(s.value, s.written) for text in texts for s in _seen(text)}
        candidate = is_candidate(learner)
        plain = in_digits(flat(self.learner))
        keys = {key.value for key in self.numbers if not key.part}
        for s in stated(plain):
            if s.value in keys and (
                candidate or (s.value, s.written) not in printed or _is_proposed(s, plain)
            ):
                return True
        words = _tokens(plain)
        phrases = [p for p in self.phrases if p.entry is None and (candidate or not p.common)]
        if any(_holds(words, p.words) for p in phrases):
            return True
        if any(telling(folded(learner), key.keyed.instance) for key in self.equals):
            return True
        if any(f.tight in squeezed(self.learner.lower()) for f in self.formulas):
            return True
        named = labels_named(self.learner, self.options, ends=True) if self.options else []
        return any(places & self.labels for places in named)

    def made(
        self, held: bool, known: frozenset[Fraction] | None, printed: tuple[str, ...]
    ) -> GuardSet:
        romans = frozenset(roman(int(k.value)) for k in self.numbers if k.value.denominator == 1)
        said = {word for p in (*self.phrases, *self.other_phrases) for word in p.words}
        signs = frozenset(r.lower() for r in romans if r)
        roots = any(has_root(key.keyed.instance) for key in self.equals)
        starts, goes_on, reads, prefixes = _vocabulary(
            bool(self.labels), held, bool(self.equals), roots
        )
        more = signs | said
        return GuardSet(
            tuple(dict.fromkeys(self.numbers)),
            tuple(dict.fromkeys(self.phrases)),
            tuple(dict.fromkeys(self.formulas)),
            frozenset(self.labels),
            self.options,
            frozenset(self.others),
            tuple(dict.fromkeys(self.other_phrases)),
            held,
            known,
            printed,
            romans - {""},
            tuple(self.equals),
            tuple(self.arranged),
            starts | signs,
            goes_on,
            reads | more,
            prefixes | prefixes_of(more),
        )


Words = frozenset[str]


@lru_cache(maxsize=16)
def _vocabulary(
    labels: bool, held: bool, formulas: bool, roots: bool
) -> tuple[Words, Words, Words, Words]:
    """The words that every guard set reads: those that begin, go on, say something; beginnings."""
    starts, goes_on = SPOKEN_WORDS, GLUE_WORDS
    starts |= _BARE_COMMANDS
    if labels:
        starts, goes_on = starts | set(PLACES) | {"last", "final"}, goes_on | _LABEL_WORDS
    if roots:
        starts, goes_on = starts | ROOT_WORDS, goes_on | {"the"}
    if formulas:
        starts, goes_on = starts | FUNCTION_WORDS, goes_on | SIGN_WORDS.keys() | {"divided", "by"}
    reads = starts | HARD | (SOFT if held else frozenset())
    return starts, goes_on, reads, prefixes_of(reads | goes_on)


def prefixes_of(words: Iterable[str]) -> frozenset[str]:
    """Every beginning of every word, the words themselves included.

    >>> sorted(prefixes_of(["to"]))
    ['t', 'to']
    """
    return frozenset(word[:n] for word in words for n in range(1, len(word) + 1))


_AROUND_SIGNS = re.compile(r"\s*([-+*/^=<>(){},×÷·])\s*")


def tightened(text: str) -> str:
    """A flat text without the blanks around its signs.

    >>> tightened("so 2x + 3 = 7")
    'so 2x+3=7'
    """
    return _AROUND_SIGNS.sub(r"\1", text)


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(word.replace("'", "") for word in _TOKEN.findall(flat(text)))


def _holds(words: Sequence[str], part: Sequence[str]) -> bool:
    n = len(part)
    return any(tuple(words[i : i + n]) == tuple(part) for i in range(len(words) - n + 1))


def holds_phrase(text: str, phrases: Iterable[Phrase]) -> bool:
    """Whether a folded text holds the words of any of these.

    >>> holds_phrase("the common denominator.", [Phrase(("common", "denominator"))])
    True
    """
    words = _tokens(text)
    return any(_holds(words, phrase.words) for phrase in phrases)


def _only_number(plain: str) -> Fraction | None:
    """The value of a text that is one number and nothing else."""
    text = in_digits(plain).strip("\x01 .")
    whole = [s for s in stated(text) if s.start == 0 and s.end == len(text) and not s.joined]
    return whole[0].value if whole else None


def _is_answer(made: Instance, given: Stated) -> bool:
    """Whether a way of writing the key would be taken as an answer."""
    text = given.written
    if text.endswith("d"):
        text = decimal(given.value, given.places)
    elif given.value < 0:
        text = f"-{text}"
    return graded(made, text).verdict == "correct"


def is_told(s: Stated, key: NumberKey) -> bool:
    """Whether a number is the key, or the key rounded to two places or more."""
    value, wanted = s.value, key.value
    if value.numerator == wanted.numerator and value.denominator == wanted.denominator:
        return True
    if s.places < _ROUNDED_PLACES or key.value.denominator == 1 or s.value * key.value <= 0:
        return False
    scale = 10**s.places
    size = abs(key.value) * scale
    return abs(s.value) * scale in (floor(size + Fraction(1, 2)), floor(size))


def tells(text: str, guard: GuardSet) -> bool:
    """Whether a text that was decoded holds a key in any form.

    >>> tells("it is 7", GuardSet(numbers=(NumberKey(Fraction(7)),)))
    True
    """
    plain = in_digits(flat(folded(text)))
    numbers = [key for key in guard.numbers if not key.part]
    if any(is_told(s, key) for s in stated(plain) for key in numbers):
        return True
    if holds_phrase(plain, [phrase for phrase in guard.phrases if phrase.entry is None]):
        return True
    if any(telling(folded(text), key.keyed.instance) for key in guard.equals):
        return True
    tight = squeezed(folded(text).lower())
    if any(formula.tight in tight for formula in guard.formulas):
        return True
    named = labels_named(text, guard.options, ends=True) if guard.labels else []
    return any(places & guard.labels for places in named)
