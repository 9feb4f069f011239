"""Which answers are locked, and whether a closed piece of text states one. This file is that verdict.

The guard set is made once a turn from the instances whose answers are locked and from what the
learner has before them. A value that is not before them may stand nowhere; one that is may only
not stand where an answer does. Riddles and paraphrases are not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from engines.exercises.acts import is_candidate
from engines.exercises.folding import folded
from engines.exercises.formats import decimal
from engines.exercises.grading import graded
from engines.exercises.notation import squeezed
from engines.exercises.numerals import PLACES, roman
from engines.exercises.placing import LEXICON, as_answer, labels_named
from engines.exercises.spoken import GLUE_WORDS, SPOKEN_WORDS, in_digits
from engines.exercises.stated import Stated, flat, numbers_of, stated
from engines.exercises.wording import match, printed_in
from engines.words import Instance

_ROUNDED_PLACES = 2
"""From so many decimals a rounded value tells the exact one."""


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


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are locked; `weak` where they may stand anywhere but as an answer.

    `option` are the words of a choice on the page, `wrong` those of one that is not right.
    """

    words: tuple[str, ...]
    weak: bool = False
    option: bool = False
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that is locked, as written and without its spaces."""

    text: str
    tight: str
    weak: bool
    option: bool = False


@dataclass(frozen=True, slots=True)
class GuardSet:
    """The answers that may not appear, in every form, and what the learner has seen.

    `labels` are the positions of right options from 1, `options` how many are shown. `held` says
    that the learner's own message holds the key. `known` are values that `strict` lets pass, None
    in the standard guard. `printed` are the texts before the learner.
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
    starts: frozenset[str] = field(default=frozenset(), repr=False)
    """Words that may begin a form."""
    goes_on: frozenset[str] = field(default=frozenset(), repr=False)
    """Words that a form may hold."""
    prefixes: frozenset[str] = field(default=frozenset(), repr=False)
    """Every beginning of a word that has to be read whole."""


# --- making one ------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_](?:[^\W\d_]|')*|\d+")
_LONG_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMON = frozenset(
    [
        "yes",
        "no",
        "true",
        "false",
        "both",
        "neither",
        "none",
        "all",
        "never",
        "always",
        "sometimes",
        "more",
        "less",
        "equal",
        "same",
        "different",
        "up",
        "down",
        "left",
        "right",
        "positive",
        "negative",
        "even",
        "odd",
        "greater",
        "smaller",
        "larger",
        "bigger",
        "and",
        "or",
        "not",
        "it",
        "the",
        "a",
        "an",
        "one",
        "zero",
    ]
)
_MATHS = re.compile(r"[\d+*/^=<>≤≥×÷\\-]")
_LABEL_WORDS = frozenset(
    [
        "option",
        "options",
        "choice",
        "choices",
        "alternative",
        "letter",
        "answer",
        "nd",
        "rd",
        "th",
        "st",
    ]
)


def guard_set(
    instances: Sequence[Instance],
    given_texts: Sequence[str] = (),
    learner_text: str = "",
    *,
    strict: bool = False,
) -> GuardSet:
    """The guard set of a turn.

    `instances` are those whose answers are locked (in a room, any member's). Given are the numbers
    of their prompts, `given_texts` (hints and steps already shown) and the learner's words.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="number", value="3/4")
    >>> made = instance(Item(id="i", skills=("s",), prompt="Add.", answer=spec), "", 0)
    >>> [str(key.value) for key in guard_set([made]).numbers]
    ['3/4']
    """
    texts = (*(i.prompt for i in instances), *given_texts)
    shown = [folded(text) for text in (*texts, learner_text)]
    seen = [s for text in shown for s in numbers_of(text)]
    making = _Making(seen, " ".join(shown), folded(learner_text))
    for made in instances:
        making.take(made)
    held = bool(learner_text.strip()) and making.held(learner_text, texts)
    choices = [c.text for i in instances for c in i.choices]
    known = None
    if strict:
        values = [*seen, *(s for text in choices for s in numbers_of(folded(text)))]
        known = frozenset(s.value for s in values) | frozenset(-s.value for s in values)
    return making.made(held, known, tuple(texts))


class _Making:
    """A guard set being made."""

    def __init__(self, seen: list[Stated], shown: str, learner: str) -> None:
        self.seen = seen
        self.shown = _tokens(shown)
        self.shown_text = shown
        self.learner = learner
        self.numbers: list[NumberKey] = []
        self.phrases: list[Phrase] = []
        self.formulas: list[Formula] = []
        self.labels: set[int] = set()
        self.options = 0
        self.others: set[Fraction] = set()
        self.other_phrases: list[Phrase] = []

    def take(self, made: Instance) -> None:
        key = made.key
        if isinstance(key, Fraction):
            self._number(key, made)
        elif made.item.answer.kind == "text":
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

    def _number(self, value: Fraction, made: Instance, *, option: bool = False) -> None:
        given = {s.written: s for s in self.seen if s.value == value and not s.joined}
        free = frozenset(w for w, s in given.items() if not option and not _is_answer(made, s))
        self.numbers.append(NumberKey(value, frozenset(given), free, option))

    def _text(self, text: str, made: Instance, *, option: bool = False) -> None:
        plain = flat(folded(text)).strip()
        value = _only_number(plain)
        if value is not None:
            self._number(value, made, option=option)
            return
        words = _tokens(plain)
        if _MATHS.search(text) and (tight := squeezed(folded(text).lower())):
            weak = len(tight) < 2 or any(printed_in(text, t) for t in (self.shown_text,))
            self.formulas.append(Formula(text, tight, weak, option))
        if words and any(len(word) > 1 and not word.isdigit() for word in words):
            common = len(words) == 1 and (words[0] in _COMMON or len(words[0]) < 3)
            weak = common or _holds(self.shown, words)
            self.phrases.append(Phrase(words, weak, option))
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
        """Whether the learner's message holds a key: one that no text printed, or as an answer."""
        printed = {(s.value, s.written) for t in texts for s in numbers_of(folded(t))}
        candidate = is_candidate(learner)
        plain = in_digits(flat(self.learner))
        keys = {key.value for key in self.numbers}
        for s in stated(plain):
            if s.value in keys and (
                candidate
                or (s.value, s.written) not in printed
                or as_answer(plain[: s.start], plain[s.end :], ends=True)
            ):
                return True
        words = _tokens(plain)
        if any(_holds(words, p.words) for p in self.phrases if candidate or not p.weak):
            return True
        if any(f.tight in squeezed(self.learner.lower()) for f in self.formulas):
            return True
        named = labels_named(self.learner, self.options, ends=True) if self.options else []
        return any(places & self.labels for places, _ in named)

    def made(
        self, held: bool, known: frozenset[Fraction] | None, printed: tuple[str, ...]
    ) -> GuardSet:
        romans = {roman(int(k.value)) for k in self.numbers if k.value.denominator == 1} - {""}
        inside = {word for p in (*self.phrases, *self.other_phrases) for word in p.words}
        starts = SPOKEN_WORDS | {r.lower() for r in romans}
        goes_on = GLUE_WORDS
        if self.labels:
            starts |= set(PLACES) | {"last", "final"}
            goes_on |= _LABEL_WORDS
        whole = starts | goes_on | inside | LEXICON
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
            frozenset(romans),
            frozenset(starts),
            frozenset(goes_on),
            prefixes_of(whole),
        )


def prefixes_of(words: Iterable[str]) -> frozenset[str]:
    """Every beginning of every word, the words themselves included.

    >>> sorted(prefixes_of(["to"]))
    ['t', 'to']
    """
    return frozenset(word[:n] for word in words for n in range(1, len(word) + 1))


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(word.replace("'", "") for word in _TOKEN.findall(flat(text)))


def _holds(words: Sequence[str], part: Sequence[str]) -> bool:
    n = len(part)
    return any(tuple(words[i : i + n]) == tuple(part) for i in range(len(words) - n + 1))


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


# --- judging a closed piece ------------------------------------------------------------------------

_LIST_NUMBER = re.compile(r"(?:^|\n)\s*$")
_LIST_MARK = re.compile(r"[.)][^\S\n]+(?P<more>\S)?")
_NAMED_STEP = re.compile(r"\b(step|part|hint|line|stage|task|exercise|question|problem|case)\s*#?$")
_SPELT = re.compile(r"(?<![^\W_])[^\W\d_](?:[\s\-*_.,·×]{1,3}[^\W\d_]){2,}(?![^\W_])")
_SEGMENT = re.compile(r"[^,;:\n]*$")
_SEGMENT_AFTER = re.compile(r"^[^,;:.!?\n]*")


@dataclass(slots=True)
class Counting:
    """The list numbers seen so far: the next of a list, or the next step, is no answer."""

    listed: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed piece of text that may state a number: folded, with what stands around it.

    `ends` says that the line or the text ends behind it. `affirmed` that the words before affirm,
    `asked` that they leave it open, `named_others` that wrong options were spoken of before.
    """

    before: str
    text: str
    ends: bool
    last: bool = False
    affirmed: bool = False
    asked: bool = False
    named_others: bool = False


@dataclass(slots=True)
class Verdict:
    """What a piece does: `hit` states a locked answer; `mentions` names one that is given."""

    hit: bool = False
    mentions: bool = False
    others: bool = False


def judged(piece: Piece, guard: GuardSet, counting: Counting) -> Verdict:
    """The verdict on a closed piece.

    >>> judged(Piece("It is ", "3", True), GuardSet(numbers=(NumberKey(Fraction(3)),)), Counting()).hit
    True
    """
    verdict = Verdict()
    shown = flat(piece.text)
    plain = in_digits(shown)
    before = flat(piece.before)
    found = stated(plain) if any(c.isdigit() for c in plain) else []
    others = guard.others.intersection(s.value for s in found)
    verdict.others = bool(others)
    alike = piece.named_others or bool(others)
    for s in found:
        _number_judged(s, plain, before, piece, guard, counting, alike, verdict)
    if not verdict.hit:
        _words_judged(shown, before, piece, guard, alike, verdict)
    if not verdict.hit and guard.labels:
        _labels_judged(piece, guard, verdict)
    return verdict


def _number_judged(
    s: Stated,
    plain: str,
    before: str,
    piece: Piece,
    guard: GuardSet,
    counting: Counting,
    alike: bool,
    verdict: Verdict,
) -> None:
    keys = [key for key in guard.numbers if _tells(s, key)]
    unknown = guard.known is not None and not s.weak and not s.joined and s.value not in guard.known
    if not keys and not unknown and not _counts(s, plain):
        return
    left, right = before + plain[: s.start], plain[s.end :]
    if _counted(s, left, right, piece, counting):
        return
    if unknown and not s.weak:
        verdict.hit = True
        return
    for key in keys:
        if not s.joined and s.written in key.free:
            continue
        loose = s.weak or (not s.joined and s.written in key.given) or (key.option and alike)
        if not loose:
            verdict.hit = True
        elif _printed(left, plain[s.start : s.end], right, guard):
            continue
        elif (piece.affirmed and not piece.asked) or as_answer(left, right, ends=piece.ends):
            verdict.hit = True
        elif not piece.asked:
            verdict.mentions = True


def _tells(s: Stated, key: NumberKey) -> bool:
    """Whether a number is the key, or the key rounded to two places or more."""
    if s.value == key.value:
        return True
    if s.places < _ROUNDED_PLACES or key.value.denominator == 1 or s.value * key.value <= 0:
        return False
    scale = 10**s.places
    size = abs(key.value) * scale
    return abs(s.value) * scale in (floor(size + Fraction(1, 2)), floor(size))


def _counts(s: Stated, plain: str) -> bool:
    return (
        s.value.denominator == 1
        and 0 < s.value < 100
        and plain[s.end : s.end + 1] in (".", ")", "", " ", ":")
    )


def _counted(s: Stated, left: str, right: str, piece: Piece, counting: Counting) -> bool:
    """Whether a number only counts: the next of a list, or of "step 2"."""
    if s.value.denominator != 1 or s.joined or s.places:
        return False
    n = int(s.value)
    if _LIST_NUMBER.search(left) and n in (1, counting.listed + 1):
        marked = _LIST_MARK.match(right)
        if marked is not None and (marked["more"] or not piece.last) and not _bare(right, piece):
            counting.listed = n
            return True
    if _NAMED_STEP.search(left) and 1 <= n <= counting.steps + 1:
        counting.steps = max(counting.steps, n)
        return True
    return False


def _bare(right: str, piece: Piece) -> bool:
    """Whether nothing follows a list number on its line."""
    return not right.strip(" .)") and piece.ends


def _printed(left: str, number: str, right: str, guard: GuardSet) -> bool:
    """Whether the equation around a number stands in a text before the learner."""
    before = _SEGMENT.search(left)
    after = _SEGMENT_AFTER.match(right)
    whole = f"{before[0] if before else ''}{number}{after[0] if after else ''}"
    if "=" not in whole:
        return False
    sides = [side.strip() for side in whole.split("=")]
    if len(sides) != 2 or not all(sides):
        return False
    formula = "=".join(sides)
    return any(printed_in(formula, flat(folded(text))) for text in guard.printed)


def _words_judged(
    shown: str, before: str, piece: Piece, guard: GuardSet, alike: bool, verdict: Verdict
) -> None:
    """Roman numerals, words spelt out, and formulas."""
    for sign in guard.romans:
        pattern = (
            rf"(?<![\w]){sign}(?![\w])" if len(sign) == 1 else rf"(?i:(?<![\w]){sign}(?![\w]))"
        )
        for found in re.finditer(pattern, piece.text):
            left = before + flat(piece.text[: found.start()])
            if as_answer(left, flat(piece.text[found.end() :]), ends=piece.ends):
                verdict.hit = True
    for found in _SPELT.finditer(shown):
        word = "".join(_LONG_WORD.findall(re.sub(r"[^\w]+|_", "", found[0])))
        if any("".join(p.words) in word and (not p.weak or len(word) > 3) for p in guard.phrases):
            verdict.hit = True
    for formula in guard.formulas:
        _formula_judged(formula, shown, before, piece, alike, verdict)


def _formula_judged(
    formula: Formula, shown: str, before: str, piece: Piece, alike: bool, verdict: Verdict
) -> None:
    tight = squeezed(piece.text.lower())
    at = tight.find(formula.tight)
    stands = False
    while at >= 0:
        left, right = tight[:at], tight[at + len(formula.tight) :]
        if not re.search(r"[\w.^*/+-]$", left) and not re.match(r"[\w^*/+(-]|\.\d", right):
            stands = True
            break
        at = tight.find(formula.tight, at + 1)
    if not stands and "=" not in formula.tight:
        sides = re.split(r"[=<>≤≥≈→]", piece.text)
        stands = any(
            len(side) > 2 and match(side.strip(" .,;:!?$*"), formula.text, typos=False) != ""
            for side in sides
        )
    if not stands:
        return
    where = shown.rfind("=")
    left = before + shown[: where + 1] if where >= 0 else before
    if (
        (not formula.weak and not (formula.option and alike))
        or (piece.affirmed and not piece.asked)
        or as_answer(left, "", ends=piece.ends)
    ):
        verdict.hit = True
    else:
        verdict.mentions = True


def _labels_judged(piece: Piece, guard: GuardSet, verdict: Verdict) -> None:
    context = piece.before[-80:]
    for places, end in labels_named(context + piece.text, guard.options, ends=piece.ends):
        del end
        if places & guard.labels:
            if places <= guard.labels or piece.affirmed:
                verdict.hit = True
            else:
                verdict.mentions = True


def phrase_judged(phrase: Phrase, piece: Piece, *, opening: bool) -> Verdict:
    """The verdict on a locked phrase that has just been read whole, behind `piece.before`.

    Of weak ones, "yes" and "no" are an answer where they open the reply.
    """
    alike = phrase.option and piece.named_others
    if not phrase.weak and not alike:
        return Verdict(hit=True)
    if opening and phrase.words[0] in ("yes", "no", "true", "false") and len(phrase.words) == 1:
        return Verdict(hit=True)
    if (piece.affirmed and not piece.asked) or as_answer(flat(piece.before), "", ends=piece.ends):
        return Verdict(hit=True)
    return Verdict(mentions=True)


def tells(text: str, guard: GuardSet) -> bool:
    """Whether a text that was decoded holds a key in any form.

    >>> tells("it is 7", GuardSet(numbers=(NumberKey(Fraction(7)),)))
    True
    """
    plain = in_digits(flat(folded(text)))
    if any(_tells(s, key) for s in stated(plain) for key in guard.numbers):
        return True
    words = _tokens(plain)
    if any(_holds(words, phrase.words) for phrase in guard.phrases):
        return True
    named = labels_named(text, guard.options, ends=True) if guard.labels else []
    return any(places & guard.labels for places, _ in named)


__all__ = ["GuardSet", "guard_set", "judged", "phrase_judged", "tells"]
