"""Whether a closed piece of text states a locked answer. This file is that verdict.

A value that is not before the learner may stand nowhere; one that is may only not stand where an
answer does. Riddles and paraphrases are not recognised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engines.exercises.entries import Naming, pattern_of
from engines.exercises.folding import folded
from engines.exercises.guard_keys import ArrangedKey, Formula, NumberKey, Phrase
from engines.exercises.guardset import GuardSet, holds_phrase, is_told, tightened
from engines.exercises.notation import squeezed
from engines.exercises.numerals import CARDINALS, FOREIGN, FOREIGN_PARTS
from engines.exercises.placing import as_answer, asks, labels_named
from engines.exercises.spoken import in_digits
from engines.exercises.stated import Stated, flat, stated
from engines.exercises.telling import telling
from engines.exercises.wording import match

_ANSWERS_FOLLOW = re.compile(r"\b(?:answer|solution|result)s?(?: key)?\W*\Z", re.IGNORECASE)
"""Behind this the first number of a list, where it is a key, is the answer: "Answer key: 1."."""
_LINE_BEGINS = re.compile(r"(?:^|\n)\s*$")
_LIST_MARK = re.compile(r"[.)][^\S\n]+(?P<more>\S)?")
_NAMED_STEP = re.compile(r"\b(step|part|hint|line|stage|task|exercise|question|problem|case)\s*#?$")
_SPELT = re.compile(r"(?<![^\W_])[^\W\d_](?:[\s\-*_.,·×]{1,3}[^\W\d_]){2,}(?![^\W_])")
_LETTERS = re.compile(r"[^\W\d_]")
_SPREAD = re.compile(
    r"(?P<lead>[ \-._*·]{0,4})"
    r"(?P<signs>[^\s\-._*·](?P<by>[ \-._*·])(?:.(?P=by)){2,}[^\s\-._*·])",
    re.DOTALL,
)
"""Four signs or more with the same sign between any two: `2 x   =   3 2`, `9-x- -+- -6`."""
_BARE_FRAC = re.compile(r"(?<![a-z\\])[dtcs]?frac(?=\s*\{)")
_EMPHASIS = re.compile(r"(?<![\w)\]}*])[*_]{1,3}(?=[^\s*_])|(?<=[^\s*_])[*_]{1,3}(?![\w(\[{\\*-])")
_WORD_APART = re.compile(r"(?<!\S)[ai](?!\S)")
"""The article and the pronoun, which squeezing would make a factor of what stands beside them."""
_SHORT_KEY = 3
"""Letters of a key that may as well be variables."""
_ARTICLE = re.compile(r"\b(?:the|an?)[\s\"'*_]+$")
_PRONOUN = re.compile(r"\b(?:the|this|that|which|each|every|no|right|same|other)\s+$")
_PART_BEFORE = re.compile(r"(?:=|\b(?:is|equals?|gives?|gets?|roots?|solutions?|answers?))[\s:]*$")
"""Where one number of a set stands as an answer; "there are 2 steps" names none."""
_EQUATION_CHARS = 80
_CUE_CHARS = 48
"""How far back "option" may stand before its letter."""
_NO_FORMULA = re.compile(r"[^\W\d_]{2,}|[.!?](?=\s|$)")
_GOES_BACK = re.compile(r"[\w.^]")
_GOES_ON = re.compile(r"[\w^]|\.\d")
_SEGMENT = re.compile(r"[^,;:\n]*$")
_SEGMENT_AFTER = re.compile(r"^[^,;:.!?\n]*")
_OPERATOR_ENDS = re.compile(r"[\w.^*/+-]$")
_OPERATOR_BEGINS = re.compile(r"[\w^*/+(-]|\.\d")
_SIDES = re.compile(r"[=<>≤≥≈→]")


@dataclass(slots=True)
class Counting:
    """What is counted over a text: list numbers and steps, which are no answers; entries named."""

    listed: int = 0
    steps: int = 0
    naming: dict[int, Naming] = field(default_factory=dict)
    """Of each arranged key, what was named."""

    def names(self, nth: int, key: ArrangedKey, places: frozenset[int], side: str) -> bool:
        """An entry of an arranged key was named; whether that tells the key."""
        naming = self.naming.get(nth)
        if naming is None:
            naming = self.naming[nth] = Naming(key.of, key.matches, key.on_page)
        return naming.tells(places, side)


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed piece of text that may state a number: folded, with what stands before it.

    `ends` says that the line or the text ends behind it, `last` that the text does. `affirmed`: the
    words before it affirm. `named_others`: wrong options were spoken of before.
    """

    before: str
    text: str
    ends: bool
    last: bool = False
    affirmed: bool = False
    named_others: bool = False


@dataclass(slots=True)
class Verdict:
    """What a piece does: `hit` states a locked answer; `mentions` names one that is given.

    `others` says that it names a wrong option.
    """

    hit: bool = False
    mentions: bool = False
    others: bool = False


def judged(piece: Piece, guard: GuardSet, counting: Counting) -> Verdict:
    """The verdict on a closed piece.

    >>> from fractions import Fraction
    >>> seven = GuardSet(numbers=(NumberKey(Fraction(7)),))
    >>> judged(Piece("It is ", "7", True), seven, Counting()).hit
    True
    """
    if _is_idle(piece, guard, counting):
        return Verdict()
    return _Judging(piece, guard, counting).verdict


def phrase_judged(phrase: Phrase, piece: Piece, *, opening: bool) -> Verdict:
    """The verdict on a locked phrase that has just been read whole, behind `piece.before`.

    Of weak ones, "yes" and "no" are an answer where they open the reply.
    """
    alike = phrase.option and piece.named_others
    if not phrase.weak and not alike:
        return Verdict(hit=True)
    if opening and phrase.words[0] in ("yes", "no", "true", "false") and len(phrase.words) == 1:
        return Verdict(hit=True)
    asked = asks(piece.before)
    left = _ARTICLE.sub("", flat(piece.before))
    if (piece.affirmed and not asked) or as_answer(left, "", ends=piece.ends):
        return Verdict(hit=True)
    return Verdict(mentions=not asked)


def entry_told(phrase: Phrase, guard: GuardSet, counting: Counting) -> bool:
    """Whether a phrase that was read whole is an entry by which an order or a matching is told."""
    if phrase.entry is None:
        return False
    nth, entry = phrase.entry
    key = guard.arranged[nth]
    places = frozenset(each.place for each in key.entries if each.text == entry.text)
    return counting.names(nth, key, places, entry.side)


def _is_idle(piece: Piece, guard: GuardSet, counting: Counting) -> bool:
    """Whether a quick look shows that a piece says nothing: plain sums and terms, and no key.

    Most formulas of a text are that; what is not certain is judged in full.
    """
    text = piece.text.rstrip(" .,;:!?\n")
    if guard.known is not None or guard.equals or guard.arranged:
        return False
    if _IDLE.fullmatch(text) is None:
        return _is_other_word(text.lower(), piece.before, guard)
    if any(all(part in text for part in formula.parts) for formula in guard.formulas):
        return False
    if guard.labels and (_LABEL_LETTER.search(text) or _NOUN.search(piece.before[-_CUE_CHARS:])):
        return False
    first, lines = True, "\n" in text
    for top, below, whole in _SIZES.findall(text):
        if whole:
            n = int(whole)
            counts = n <= counting.steps + 1 or n == counting.listed + 1
            if n in guard.wholes or (counts and (first or lines)):
                return False
        else:
            n, d = int(top), int(below)
            if not d or any(n * den == d * num for num, den in guard.ratios):
                return False
            if not n % d and n // d in guard.wholes:
                return False
        first = False
    return True


def _is_other_word(text: str, before: str, guard: GuardSet) -> bool:
    """Whether a text is one number word in mid-sentence, as "one of", and no key."""
    found = _ONE_WORD.fullmatch(text)
    if found is None or guard.labels or guard.formulas or found[1] in FOREIGN_PARTS:
        return False
    value = CARDINALS.get(found[1], FOREIGN.get(found[1]))
    if value is None or value in guard.wholes:
        return False
    return before[-2:-1].isalpha() and _NAMED_STEP.search(before[-16:].rstrip()) is None


_ONE_WORD = re.compile(r"([^\W\d_]+)(?: (?:of|and))?")
_TERM = r"(?:[-+×÷=()<>|?▢ 0-9]|[a-z](?![^\W\d_])){1,24}"
_IDLE = re.compile(
    # Not what may be joined or mixed: `1 2`, `1^2^`, `1` before a fraction, `s e v`, `1 and` one.
    r"(?!.*(?:\d[\s*_$-]{1,4}\d|\d[\s$]*\\[dt]?frac|\^\d\^|and[\s$]*\\[dt]?frac"
    r"|[a-z][\s*_$,-]{1,4}[a-z](?![a-z])))"
    rf"(?:\\[dt]?frac\{{{_TERM}\}}\{{{_TERM}\}}|\d{{1,18}}(?!\d)|[-+×÷=()<>|$ \n▢?:]|\*(?!\*)"
    r"|(?<![a-z])(?:and|or)(?![a-z])|,(?=\s)|[a-z](?![^\W\d_]|['*_`])"
    r"|\\(?:cdot|times|div|left|right)(?![a-z]))+",
    re.DOTALL,
)
_SIZES = re.compile(r"frac\{\s*-?\s*(\d+)\s*\}\{\s*-?\s*(\d+)\s*\}|(\d+)")
_LABEL_LETTER = re.compile(r"(?<![a-z\\])[a-h](?![a-z])")
_NOUN = re.compile(r"option|choice|alternative|#", re.IGNORECASE)


class _Judging:
    """One piece being judged. What costs time is made only where a key is named."""

    __slots__ = ("_before", "alike", "counting", "guard", "piece", "plain", "shown", "verdict")

    def __init__(self, piece: Piece, guard: GuardSet, counting: Counting) -> None:
        self.piece, self.guard, self.counting = piece, guard, counting
        self.verdict = Verdict()
        self._before: str | None = None
        self.shown = flat(piece.text)
        self.plain = in_digits(self.shown)
        found = stated(self.plain)
        if guard.others:
            self.verdict.others = any(s.value in guard.others for s in found)
        self.alike = piece.named_others or self.verdict.others
        for s in found:
            self._number(s)
        if not self.verdict.hit:
            self._romans()
            self._spelt()
            for formula in guard.formulas:
                self._formula(formula, piece.text)
            self._spread(found)
        if not self.verdict.hit:
            self._equals()
            self._entries(found)
        if not self.verdict.hit and guard.labels:
            self._labels()

    @property
    def before(self) -> str:
        """What stands before the piece, flat."""
        if self._before is None:
            self._before = flat(self.piece.before)
        return self._before

    def _named(self, left: str, right: str, *, weak: bool = False) -> None:
        """A key that is given was named between two texts: an answer, or only a mention."""
        asked = asks(self.piece.before)
        affirmed = self.piece.affirmed and not asked and not weak
        if affirmed or as_answer(left, right, ends=self.piece.ends):
            self.verdict.hit = True
        elif not asked and not weak:
            self.verdict.mentions = True

    # --- numbers ----------------------------------------------------------------------------------

    def _number(self, s: Stated) -> None:
        guard = self.guard
        keys = [key for key in guard.numbers if is_told(s, key)]
        unknown = guard.known is not None and not (s.weak or s.joined or s.value in guard.known)
        begins = not self.plain[: s.start].strip(" ") or "\n" in self.plain[: s.start]
        if not (keys or unknown or begins):
            return
        if begins and self._counts(s, told=bool(keys)):
            return
        if unknown:
            self.verdict.hit = True
        for key in keys:
            self._key(s, key)

    def _key(self, s: Stated, key: NumberKey) -> None:
        if not s.joined and s.written in key.free:
            return
        given = not s.joined and s.written in key.given
        if not (s.weak or given or key.part or (key.option and self.alike)):
            self.verdict.hit = True
            return
        left, right = self.before + self.plain[: s.start], self.plain[s.end :]
        if key.unit and (after := right.lstrip()).startswith(key.unit):
            right = after[len(key.unit) :]
        if s.weak and _PRONOUN.search(left[-12:]):
            return  # "the one"
        if key.part and not _PART_BEFORE.search(left):
            return
        if not _printed(left, self.plain[s.start : s.end], right, self.guard):
            self._named(left, right, weak=s.weak or key.part)

    def _counts(self, s: Stated, *, told: bool) -> bool:
        """Whether a number only counts: the next of a list, or of "step 2"."""
        if s.value.denominator != 1 or s.joined or s.places or not 0 < s.value < 100:
            return False
        n, counting = int(s.value), self.counting
        listed = n in (1, counting.listed + 1)
        if not listed and n > counting.steps + 1:
            return False
        left, right = self.before + self.plain[: s.start], self.plain[s.end :]
        if listed and _LINE_BEGINS.search(left) and not (told and _ANSWERS_FOLLOW.search(left)):
            marked = _LIST_MARK.match(right)
            bare = self.piece.ends and not right.strip(" .)")
            if marked is not None and not bare and (marked["more"] or not self.piece.last):
                counting.listed = n
                return True
        if n <= counting.steps + 1 and _NAMED_STEP.search(left[-16:].rstrip()):
            counting.steps = max(counting.steps, n)
            return True
        return False

    # --- words ------------------------------------------------------------------------------------

    def _romans(self) -> None:
        text = self.piece.text
        for sign in self.guard.romans:
            if sign[0] not in text and sign[0].lower() not in text:
                continue
            pattern = rf"(?<!\w){sign}(?!\w)"
            for found in re.finditer(pattern if len(sign) == 1 else f"(?i:{pattern})", text):
                left, right = flat(text[: found.start()]), flat(text[found.end() :])
                self._named(self.before + left, right, weak=True)

    def _spelt(self) -> None:
        if not self.guard.phrases:
            return
        for found in _SPELT.finditer(self.shown):
            word = "".join(_LETTERS.findall(found[0]))
            keys = ("".join(p.words) for p in self.guard.phrases if p.entry is None)
            if any(len(key) > _SHORT_KEY and key in word for key in keys):
                self.verdict.hit = True

    def _spread(self, found: list[Stated]) -> None:
        """What a text tells that has the same sign between all its signs, and only so."""
        close = _SPREAD.sub(
            lambda m: m["lead"].replace(m["by"], "") + m["signs"][::2], self.piece.text
        )
        if close == self.piece.text:
            return
        plain = in_digits(flat(close))
        before = {s.value for s in found}
        new = [s for s in stated(plain) if s.value not in before]
        phrases = [phrase for phrase in self.guard.phrases if not phrase.weak]
        numbers = [key for key in self.guard.numbers if not key.part]
        if any(is_told(s, key) for s in new for key in numbers) or holds_phrase(plain, phrases):
            self.verdict.hit = True
        for formula in self.guard.formulas:
            self._formula(formula, close)

    def _formula(self, formula: Formula, text: str) -> None:
        if not _states(text, formula):
            return
        where = self.shown.rfind("=")
        left = self.before + self.shown[: where + 1] if where >= 0 else self.before
        if formula.weak or (formula.option and self.alike):
            self._named(left, "")
        else:
            self.verdict.hit = True

    def _equals(self) -> None:
        """Formulas that equal a key: given ones may only not stand as an answer."""
        for key in self.guard.equals:
            for text in dict.fromkeys((self.piece.text, self.plain)):
                for span in telling(text, key.keyed.instance):
                    left, right = self.before + flat(text[: span.start]), text[span.end :]
                    if not key.is_given(span.text):
                        self.verdict.hit = True
                    elif not _printed(left, flat(text[span.start : span.end]), right, self.guard):
                        self._named(left, flat(right))

    def _entries(self, found: list[Stated]) -> None:
        """Entries of an arranged key, in the order they stand in."""
        for nth, key in enumerate(self.guard.arranged):
            spots: dict[tuple[int, str], set[int]] = {}
            for value, written, entry in key.values:
                for s in found:
                    if s.value == value and s.written == written:
                        spots.setdefault((s.start, entry.side), set()).add(entry.place)
            for entry in key.formulas:
                for match_ in pattern_of(flat(folded(entry.text))).finditer(self.plain):
                    spots.setdefault((match_.start(), entry.side), set()).add(entry.place)
            for (_, side), places in sorted(spots.items()):
                if self.counting.names(nth, key, frozenset(places), side):
                    self.verdict.hit = True

    def _labels(self) -> None:
        labels = self.guard.labels
        before = self.piece.before[-_CUE_CHARS:]
        named = labels_named(
            self.piece.text, self.guard.options, ends=self.piece.ends, before=before
        )
        for places in named:
            if places <= labels or (places & labels and self.piece.affirmed):
                self.verdict.hit = True
            elif places & labels:
                self.verdict.mentions = True


def _states(text: str, formula: Formula) -> bool:
    """Whether a text holds the formula whole, or a side that differs in its order only."""
    if not all(part in text for part in formula.parts):
        return False
    plain = _EMPHASIS.sub("", _BARE_FRAC.sub(r"\\frac", text.lower()))
    if _stands(formula.tight, squeezed(plain)):
        return True
    apart = _WORD_APART.sub(";", plain)
    if apart != plain and _stands(formula.tight, squeezed(apart)):
        return True
    if "=" in formula.tight:
        return False
    sides = [side.strip(" .,;:!?$*") for side in _SIDES.split(text)]
    return any(len(s) > 2 and match(s, formula.text, typos=False) != "" for s in sides)


def _stands(formula: str, tight: str) -> bool:
    """Whether a formula stands in a text without spaces, and is no part of a longer one."""
    at = tight.find(formula)
    while at >= 0:
        left, right = tight[:at], tight[at + len(formula) :]
        if not _OPERATOR_ENDS.search(left) and not _OPERATOR_BEGINS.match(right):
            return True
        at = tight.find(formula, at + 1)
    return False


def _printed(left: str, number: str, right: str, guard: GuardSet) -> bool:
    """Whether the equation around a number stands in a text before the learner."""
    before, after = _SEGMENT.search(left[-_EQUATION_CHARS:]), _SEGMENT_AFTER.match(right)
    lead = _NO_FORMULA.split(before[0] if before else "")[-1]
    rest = _NO_FORMULA.split(after[0] if after else "")[0]
    whole = tightened(f"{lead}{number}{rest}").strip()
    return whole.count("=") == 1 and whole[0] != "=" and any(_in(whole, t) for t in guard.printed)


def _in(formula: str, text: str) -> bool:
    """Whether a tight formula stands whole in a tight text."""
    at = text.find(formula)
    while at >= 0:
        end = at + len(formula)
        if not _GOES_BACK.search(text[max(0, at - 1) : at]) and not _GOES_ON.match(text, end):
            return True
        at = text.find(formula, at + 1)
    return False
