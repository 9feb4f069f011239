"""A text let through as it comes, but for locked answers and wrong sums. This file is that stage.

The text is cut into signs that close (a word, a number, a mark), and these into runs of mathematics
between words. Both depend on the text alone, so the same is shown and the same caught for every way
it comes in pieces. Only what may still become part of a form is held back.
"""

from __future__ import annotations

import re
from collections import deque

from engines.exercises.arithmetic import wrong_sum
from engines.exercises.encoded import FIRST_SIGNS, decoded, may_decode
from engines.exercises.folding import folded_sign
from engines.exercises.guard_keys import Phrase
from engines.exercises.guardset import GuardSet, tells
from engines.exercises.leak import Counting, Piece, entry_told, judged, phrase_judged
from engines.exercises.numerals import CHINESE, CHINESE_SCALES
from engines.exercises.placing import (
    AFFIRMED_WITHIN,
    HARD,
    PAIR_FIRSTS,
    PAIR_PREFIXES,
    PAIRS,
    SOFT,
    affirms,
    alone,
    label_affirmed,
    praises,
)
from engines.exercises.signs import (
    AFTER_FORMULA,
    FORMULA,
    HELD_CHARS,
    MATHS,
    PLAIN,
    SIGN,
    TOKEN_CHARS,
    names_in,
)

CONTEXT_CHARS = 160
"""So much of what was shown is looked back at."""

_OPEN_ENDED = frozenset(("word", "digits", "space", "command"))
_BETWEEN = frozenset(",;:!?'\"…—&@#~")  # marks of prose: they begin no run
_STOPS, _BY_LONE = frozenset(".;!?"), frozenset(".!)*_\"'")
_HAN = frozenset((*CHINESE, *CHINESE_SCALES, *"分之"))
_STRIPPED = str.maketrans("", "", "'*_`")
_TRIVIAL = frozenset(("a", "i", "I", ""))
_UNSEEN = re.compile(r"[^\n\t -~]")
_LONG_RUN = HELD_CHARS // 2  # from so many characters a run ends with its line
_AFTER_STOP, _NEVER = 5, -99  # words that a full stop is worth before what affirms; no place


class Guarded:
    """The stage of one attempt: answers by a guard set, sums by exact arithmetic.

    `exempt` are equations that may stand though they are wrong (`arithmetic.pairs_of`). `caught` is
    `guard.answer` or `guard.maths` once something was; then nothing more is shown.

    >>> from engines.exercises.guardset import guard_set
    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> spec = AnswerSpec(kind="number", value="7")
    >>> item = Item(id="i", skills=("s",), prompt="Add.", answer=spec)
    >>> stage = Guarded(guard_set([instance(item, "", 0)]))
    >>> stage.push("The sum is se"), stage.push("ven."), stage.finish(), stage.caught
    ('The sum is ', '', '', 'guard.answer')
    """

    __slots__ = (
        "_affirmed_at", "_at", "_blob", "_blob_at", "_counting", "_display", "_exempt", "_fold",
        "_guard", "_live", "_lone", "_maths", "_mentioned_at", "_n", "_named_others", "_next",
        "_opens", "_prev", "_raw", "_raw_shown", "_run", "_run_n", "_safe", "_skims", "_sums",
        "_tells_run", "_words", "caught",
    )  # fmt: skip

    def __init__(
        self, guard: GuardSet, *, sums: bool = True, exempt: frozenset[str] = frozenset()
    ) -> None:
        self._guard, self._sums, self._exempt = guard, sums, exempt
        phrases = (*guard.phrases, *guard.other_phrases)
        words = {word for phrase in phrases for word in phrase.words}
        self._skims = not any(word.isdigit() or len(word) < 2 for word in words)
        self.caught: str | None = None
        self._raw, self._fold = "", ""
        """What came and is not dropped yet, as it came and folded."""
        self._at: list[int] | None = None
        """Where in `_raw` each folded sign begins; None where they stand at the same places."""
        self._raw_shown = 0
        self._safe = 0
        """Folded signs that may be shown."""
        self._next = 0
        """The first folded sign that has not closed."""
        self._run: int | None = None
        self._run_n = 0
        self._tells_run = False
        """Whether the run holds anything but marks."""
        self._maths = self._display = False
        self._prev = ""
        self._live: list[tuple[Phrase, int, int]] = []
        """Phrases being read: which, how many of their words, from where."""
        self._lone: int | None = None
        """Where a weak phrase begins that may turn out to stand alone."""
        self._blob, self._blob_at = "", 0
        """A token that may be base64, and where it begins."""
        self._counting = Counting()
        self._words: deque[str] = deque(maxlen=8)
        self._opens = True
        self._n = 0
        self._affirmed_at = self._mentioned_at = _NEVER
        self._named_others = False

    def push(self, text: str) -> str:
        """Take a piece; returns what may be shown now, perhaps nothing."""
        if self.caught is not None or not text:
            return ""
        self._take(text)
        let = self._read(final=False)
        return self._out(self._peeked() if let else self._safe)

    def finish(self) -> str:
        """The text is complete; returns what was held back and may be shown."""
        if self.caught is not None:
            return ""
        if not (self._read(final=True) and self._end()):
            return self._out(self._safe)
        rest = self._raw[self._raw_shown :]
        self._raw_shown = len(self._raw)
        return rest

    # --- text in and out --------------------------------------------------------------------------

    def _take(self, text: str) -> None:
        if _UNSEEN.search(text) is None:
            if self._at is not None:
                self._at.extend(range(len(self._raw), len(self._raw) + len(text)))
            self._fold += text.replace("\t", " ")
        else:
            at = self._at if self._at is not None else list(range(len(self._fold)))
            parts = []
            for where, sign in enumerate(text, len(self._raw)):
                plain = folded_sign(sign)
                parts.append(plain)
                at.extend([where] * len(plain))
            self._at = at
            self._fold += "".join(parts)
        self._raw += text

    def _out(self, upto: int) -> str:
        """What may be shown up to a folded sign; what was shown long ago is dropped."""
        if upto >= len(self._fold):
            end = len(self._raw)
        else:
            end = upto if self._at is None else self._at[upto]
        shown = self._raw[self._raw_shown : end]
        self._raw_shown = max(self._raw_shown, end)
        if self._safe > 3 * CONTEXT_CHARS and self.caught is None:
            self._drop(self._safe - CONTEXT_CHARS)
        return shown

    def _drop(self, count: int) -> None:
        raw = count if self._at is None else self._at[count]
        self._fold, self._raw = self._fold[count:], self._raw[raw:]
        if self._at is not None:
            at = [where - raw for where in self._at[count:]]
            same = len(at) == len(self._raw) and all(n == where for n, where in enumerate(at))
            self._at = None if same else at
        self._raw_shown -= raw
        self._safe -= count
        self._next -= count
        self._blob_at -= count
        self._run = None if self._run is None else self._run - count
        self._lone = None if self._lone is None else self._lone - count
        self._live = [(phrase, n, start - count) for phrase, n, start in self._live]

    # --- signs ------------------------------------------------------------------------------------

    def _read(self, *, final: bool) -> bool:
        """Close every sign that nothing can be added to; returns whether nothing was caught."""
        fold = self._fold
        end = len(fold)
        while self._next < end and self.caught is None:
            if self._run is None and not self._blob and not self._live and self._lone is None:
                self._read_prose()
                if fold.startswith("$", self._next) and self._read_formula():
                    continue
            elif self._run is not None and self._skims and not self._blob:
                self._read_maths()
            found = SIGN.match(fold, self._next)
            if found is not None and self._next - self._safe <= HELD_CHARS:
                kind, stop = found.lastgroup or "", found.end()
                if stop == end and not final and kind in _OPEN_ENDED:
                    break
                if not self._step(kind, found.group(), self._next):
                    break
                self._next = stop
                self._safe = self._boundary()
            if self._next - self._safe > HELD_CHARS:
                self.caught = "guard.answer"
        return self.caught is None

    def _read_prose(self) -> None:
        """Let plain words pass, each with its mark and the one blank behind it: most of a text.

        It does what `_step` does to them, which is next to nothing.
        """
        guard, words, fold = self._guard, self._words, self._fold
        at = self._next
        while (found := PLAIN.match(fold, at)) is not None:
            article, sign, mark = found.groups()
            said = sign.lower()
            word = said.replace("'", "") if "'" in said else said
            if word in guard.reads or (article and word in guard.goes_on):
                break
            if word in PAIRS and not article and words and words[-1] in PAIRS[word]:
                break
            if sign[0] in FIRST_SIGNS and decoded(sign):
                break
            if article:
                words.append(article.lower())
                self._n += 1
            words.append(said)
            self._n += 1
            self._opens = False
            if mark:
                self._follow_mark("mark", mark)
            self._prev = " "
            at = found.end()
        self._next = self._safe = at

    def _read_maths(self) -> None:
        """Take numbers and signs of an open run at once, as `_step` would one by one."""
        found = None if self._prev in _STOPS else MATHS.match(self._fold, self._next)
        if found is None or found.end() == len(self._fold) or self._live or self._lone is not None:
            return
        if self._name(found[0]):
            self._prev, self._next = found[0][-1], found.end()

    def _read_formula(self) -> bool:
        """Take `$..$` at once, and close its run where prose follows; whether there was one."""
        start, fold, guard = self._next, self._fold, self._guard
        found = FORMULA.match(fold, start)
        if found is None or self._prev in ("$", "\\") or not self._skims:
            return False
        self._run, self._run_n, self._tells_run = start, self._n, False
        if not self._name(found[1]):
            self._run = None
            return False
        self._prev, self._next, self._safe = "$", found.end(), start
        after = AFTER_FORMULA.match(fold, self._next)
        if after is not None:
            word = after[2].lower()
            if word not in guard.starts and word not in guard.goes_on:
                if after[1]:
                    self._follow_mark("mark", after[1])
                self._close_run(after.start(2), ends=False)
                if self.caught is None:
                    self._prev, self._next = " ", after.start(2)
                    self._safe = self._next
        return True

    def _name(self, formula: str) -> bool:
        """Count the numbers and variables of plain mathematics; whether each is one sign."""
        named = names_in(formula)
        if any(len(name) > TOKEN_CHARS for name in named):
            return False
        if named:
            self._n += len(named)
            self._words.extend(named)
            self._opens, self._tells_run = False, True
        return True

    def _boundary(self) -> int:
        """The first sign that is held: it may still become part of a form."""
        first = self._next if self._run is None else self._run
        if self._blob and self._blob_at < first:
            first = self._blob_at
        if self._lone is not None and self._lone < first:
            first = self._lone
        if self._live:
            first = min(first, *(start for _, _, start in self._live))
        return first

    def _peeked(self) -> int:
        """How far may be shown, the open sign at the end included if it can become no form."""
        end, start = len(self._fold), self._next
        if start >= end:
            return self._safe
        found = SIGN.match(self._fold, start)
        assert found is not None
        if found.lastgroup == "space":
            return end if self._safe == start else self._safe
        if found.lastgroup != "word":
            return self._safe
        word = found.group().lower().translate(_STRIPPED)
        if len(word) < 2 or word in self._guard.prefixes or self._runs("word", word, ""):
            return self._safe
        if word in PAIR_PREFIXES and self._words and self._words[-1] in PAIR_FIRSTS:
            return self._safe
        blob = self._blob if self._blob_at + len(self._blob) == start else ""
        if may_decode(blob + found.group()):
            return self._safe
        # A word of no form: what came before it has closed, and it need not be held.
        self._close_run(start, ends=False)
        if self.caught is None:
            self._live, self._lone = [], None
            return end if not self._blob else min(self._blob_at, end)
        return self._safe

    def _step(self, kind: str, sign: str, start: int) -> bool:
        """Take one closed sign; returns whether nothing was caught."""
        word = ""
        if kind in ("word", "han", "digits"):
            word = sign.lower() if sign.isalnum() else sign.lower().translate(_STRIPPED)
        self._follow_blob(kind, sign, start)
        if self.caught is None:
            self._follow_run(kind, sign, word, start)
        if self.caught is None:
            if word:
                self._follow_word(sign, word, start)
            else:
                self._follow_mark(kind, sign)
        self._prev = sign if kind != "space" else " "
        return self.caught is None

    # --- runs -------------------------------------------------------------------------------------

    def _runs(self, kind: str, word: str, sign: str) -> bool:
        """Whether a sign belongs to a run of mathematics."""
        if kind == "word":
            if len(word) == 1 or word in self._guard.starts:
                return True
            if self._run is None:
                return False
            if word in self._guard.goes_on:
                return True
            if self._maths:
                return len(word) < 3 or self._prev != " "
            return "*" in sign and all(len(part) < 2 for part in re.split(r"[*_]+", sign))
        if kind == "mark":
            return sign not in _BETWEEN
        return kind in ("digits", "command") or (kind == "han" and sign in _HAN)

    def _follow_run(self, kind: str, sign: str, word: str, start: int) -> None:
        if self._runs(kind, word, sign):
            if self._run is None:
                self._run, self._run_n, self._tells_run = start, self._n, False
            self._tells_run = self._tells_run or kind not in ("mark", "command")
            if sign == "$" and self._prev != "\\":
                self._dollar()
            return
        if self._run is None:
            return
        if kind in ("word", "han"):
            self._close_run(start, ends=False)
        elif kind == "space":
            line_ends = "\n" in sign
            if line_ends and not self._display:
                self._maths = False
            stops = self._prev in _STOPS and not self._maths
            long = line_ends and start - self._run >= _LONG_RUN
            if stops or long or sign.count("\n") > 1:
                # The blank behind `2.` makes it the number of a list; a blank that ends is none.
                stop = start if line_ends else start + len(sign)
                last = stop == len(self._fold)
                self._close_run(stop, ends=line_ends or last, last=last)

    def _dollar(self) -> None:
        """One sign of money, or of a formula's begin or end."""
        if self._prev == "$":
            self._display = not self._display
            self._maths = self._display
        else:
            self._maths = not self._maths

    def _close_run(self, stop: int, *, ends: bool, last: bool = False) -> None:
        """A run has ended before `stop`: judge it."""
        if self._run is None or self.caught is not None:
            return
        start, self._run = self._run, None
        self._maths = self._display = False
        text = self._fold[start:stop]
        if not self._tells_run or (text.strip() in _TRIVIAL and not ends):
            return
        before = self._fold[max(0, start - CONTEXT_CHARS) : start]
        piece = self._piece(before, text, self._run_n, ends=ends, last=last)
        verdict = judged(piece, self._guard, self._counting)
        if verdict.hit:
            self.caught = "guard.answer"
        elif self._sums and wrong_sum(text, before, self._exempt):
            self.caught = "guard.maths"
        self._named_others = self._named_others or verdict.others
        if verdict.mentions:
            self._mentioned_at = self._n

    def _piece(self, before: str, text: str, n: int, *, ends: bool, last: bool = False) -> Piece:
        return Piece(
            before,
            text,
            ends,
            last,
            affirmed=n - self._affirmed_at < AFFIRMED_WITHIN,
            named_others=self._named_others,
        )

    # --- words ------------------------------------------------------------------------------------

    def _follow_word(self, sign: str, word: str, start: int) -> None:
        self._n += 1
        self._lone = None
        said = sign.lower().strip("'*_`")
        self._words.append(said)
        opens, self._opens = self._opens, False
        if word in HARD or word in SOFT or word in PAIRS:
            self._follow_affirming(opens)
        if self.caught is None and (self._guard.phrases or self._guard.other_phrases):
            self._follow_phrases(word, start)

    def _follow_affirming(self, opens: bool) -> None:
        words, guard = tuple(self._words), self._guard
        if affirms(words, opens=opens):
            near = self._n - self._mentioned_at <= AFFIRMED_WITHIN
            context = self._fold[max(0, self._next - CONTEXT_CHARS) : self._next]
            if near or guard.held or (guard.labels and label_affirmed(context) in guard.labels):
                self.caught = "guard.answer"
            self._affirmed_at = self._n
        elif words[-2:] == ("it", "is") and self._n - self._mentioned_at == 2:
            self.caught = "guard.answer"  # `7 it is`
        elif guard.held and praises(words):
            self.caught = "guard.answer"

    def _follow_phrases(self, word: str, start: int) -> None:
        live = [(p, n + 1, at) for p, n, at in self._live if p.words[n] == word]
        live += [(p, 1, start) for p in self._guard.phrases if p.words[0] == word]
        live += [(p, 1, start) for p in self._guard.other_phrases if p.words[0] == word]
        self._live = [(p, n, at) for p, n, at in live if n < len(p.words)]
        for phrase, n, at in live:
            if n == len(phrase.words):
                self._read_phrase(phrase, at)

    def _read_phrase(self, phrase: Phrase, start: int) -> None:
        if phrase.wrong or phrase.entry is not None:
            self._named_others |= phrase.wrong
            if entry_told(phrase, self._guard, self._counting):
                self.caught = "guard.answer"
            return
        left = self._fold[max(0, start - CONTEXT_CHARS) : start]
        first = self._n - len(phrase.words)
        verdict = phrase_judged(phrase, self._piece(left, "", first, ends=False), opening=not first)
        if verdict.hit:
            self.caught = "guard.answer"
        elif alone(left, "", ends=True):
            self._lone = start
        if verdict.mentions:
            self._mentioned_at = self._n

    def _follow_mark(self, kind: str, sign: str) -> None:
        line_ends = kind == "space" and "\n" in sign
        if self._lone is not None:
            if line_ends:
                self.caught = "guard.answer"
            elif kind != "space" and sign not in _BY_LONE:
                self._lone = None
        if line_ends or sign in (".", "!", "?", ":", "—"):
            self._opens = True
        if sign in (".", "!", "?"):
            self._affirmed_at -= _AFTER_STOP
            self._mentioned_at -= _AFTER_STOP

    # --- base64 -----------------------------------------------------------------------------------

    def _follow_blob(self, kind: str, sign: str, start: int) -> None:
        blob = self._blob
        if kind in ("word", "digits") or sign in ("+", "/", "="):
            joins = blob and self._blob_at + len(blob) == start
            if (joins or not self._prev[-1:].isalnum()) and (blob or sign[0] in FIRST_SIGNS):
                text = blob + sign if joins else sign
                if may_decode(text):
                    self._blob, self._blob_at = text, self._blob_at if joins else start
                    return
        if blob:
            self._close_blob()

    def _close_blob(self) -> None:
        if self._blob:
            text, self._blob = decoded(self._blob), ""
            if text and tells(text, self._guard):
                self.caught = "guard.answer"

    def _end(self) -> bool:
        """The text has ended: judge what is open; returns whether nothing was caught."""
        self._close_blob()
        self._close_run(len(self._fold), ends=True, last=True)
        if self._lone is not None:
            self.caught = "guard.answer"
        return self.caught is None
