"""What a tutor remembers of a session: which turns word for word, and facts about the rest.

This file is the window over the turns and the facts' fold. A window that slid with every turn would
change a prompt's beginning each time, and no provider's cache would hold: so it grows to twice its
least, or to its tokens, then falls back in one step. What has left it remains as counts of what
happened, never as a model's account of it: the same log gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from engines.words import HintLevel, VerdictName

TURNS_FEWEST = 8
"""Turns that are always remembered word for word, where there were so many."""
GROWTH = 2
"""The window grows to so many times its fewest turns before it falls back."""
WINDOW_TOKENS = 4_000
"""The window falls back to its fewest turns beyond so many tokens."""
FEWEST_TOKENS = 3_000
"""If the fewest turns have more, the learner's older messages among them are cut."""
CUT_CHARS = 600
"""What is left of a message that is cut."""
WHOLE_TURNS = 2
"""The newest turns are never cut."""
SUMMARY_TOKENS = 400
"""Longest summary of a learner."""
SKILLS_KEPT = 12
MISTAKES_KEPT = 12
TITLE_CHARS = 40
BYTES_A_TOKEN = 3.5
BYTES_A_TOKEN_BEYOND_ASCII = 1.5
CUT_MARK = " [..]"
"""Ends a message that is cut."""

FORMS = ("point", "scaffold", "explain", "simpler", "example", "show_step", "compare")
"""Acts that explain; which of them preceded a right answer is remembered."""
PREFS_TOLD = ("language", "pace", "reading_mode", "tutor_tone")
"""Preferences that change how a tutor writes. Others, and long or odd texts, stay here."""

_PREF = re.compile(r"[\w .-]{1,24}")


class Mistake(msgspec.Struct, frozen=True, array_like=True):
    """A misconception that was found and not yet answered by a right answer of one's own."""

    skill: str
    misconception: str
    count: int


class Remembered(msgspec.Struct, frozen=True):
    """What is remembered of a session; part of its state, moved by its fold, bounded.

    `folded_upto` turns, counted from the session's first, are no longer told word for word; of
    those before `cut_upto` the learner's messages are cut. `told` is the summary as of the last
    fold: it stands in front of the turns and may not change between folds. `skills` maps an id to
    answers (right, not right), newest last; `hinted` a level to (taken, then right, then not);
    `forms` an act to how often a right answer followed it.
    """

    folded_upto: int = 0
    cut_upto: int = 0
    told: str = ""
    skills: dict[str, tuple[int, int]] = {}
    mistakes: tuple[Mistake, ...] = ()
    hinted: dict[str, tuple[int, int, int]] = {}
    forms: dict[str, int] = {}
    last_hint: str = ""
    last_form: str = ""


# --- facts ----------------------------------------------------------------------------------------


def after_answer(
    remembered: Remembered,
    skills: Sequence[str],
    verdict: VerdictName,
    misconception: str | None = None,
    *,
    assisted: bool = False,
) -> Remembered:
    """What is remembered after an answer to an item of these skills, the primary one first.

    An answer that was not read or has only another form changes nothing. A right answer without
    help closes the skill's mistakes.

    >>> had = after_answer(Remembered(), ["undo"], "incorrect", "added")
    >>> had.mistakes, after_answer(had, ["undo"], "correct").mistakes
    ((Mistake(skill='undo', misconception='added', count=1),), ())
    """
    if verdict in ("unreadable", "wrong_form") or not skills:
        return remembered
    right, skill = verdict == "correct", skills[0]
    tallies = dict(remembered.skills)
    done, missed = tallies.pop(skill, (0, 0))
    tallies[skill] = (done + right, missed + (not right))
    while len(tallies) > SKILLS_KEPT:
        del tallies[next(iter(tallies))]
    mistakes = remembered.mistakes
    if right and not assisted:
        mistakes = tuple(m for m in mistakes if m.skill != skill)
    elif misconception:
        mistakes = _met(mistakes, skill, misconception)
    hinted, forms = dict(remembered.hinted), dict(remembered.forms)
    if remembered.last_hint:
        taken, good, bad = hinted[remembered.last_hint]
        hinted[remembered.last_hint] = (taken, good + right, bad + (not right))
    if remembered.last_form and right:
        forms[remembered.last_form] = forms.get(remembered.last_form, 0) + 1
    return msgspec.structs.replace(
        remembered,
        skills=tallies,
        mistakes=mistakes,
        hinted=hinted,
        forms=forms,
        last_hint="",
        last_form="",
    )


def _met(mistakes: tuple[Mistake, ...], skill: str, misconception: str) -> tuple[Mistake, ...]:
    """The mistakes with one more of its kind, which is the newest now; the oldest may leave."""
    times = 1 + sum(
        m.count for m in mistakes if (m.skill, m.misconception) == (skill, misconception)
    )
    others = [m for m in mistakes if (m.skill, m.misconception) != (skill, misconception)]
    return (*others[1 - MISTAKES_KEPT :], Mistake(skill, misconception, times))


def after_hint(remembered: Remembered, level: HintLevel) -> Remembered:
    """What is remembered after a hint of this level was taken.

    >>> after_answer(after_hint(Remembered(), "nudge"), ["undo"], "correct").hinted
    {'nudge': (1, 1, 0)}
    """
    taken, good, bad = remembered.hinted.get(level, (0, 0, 0))
    hinted = {**remembered.hinted, level: (taken + 1, good, bad)}
    return msgspec.structs.replace(remembered, hinted=hinted, last_hint=level)


def after_turn(remembered: Remembered, act: str) -> Remembered:
    """What is remembered after the tutor said something the learner saw.

    >>> after_answer(after_turn(Remembered(), "example"), ["undo"], "correct").forms
    {'example': 1}
    """
    if act not in FORMS:
        return remembered
    return msgspec.structs.replace(remembered, last_form=act)


def after_item(remembered: Remembered) -> Remembered:
    """What is remembered once another item is shown: help for the last one has no bearing on it."""
    if not (remembered.last_hint or remembered.last_form):
        return remembered
    return msgspec.structs.replace(remembered, last_hint="", last_form="")


# --- the window -----------------------------------------------------------------------------------


class Weight(NamedTuple):
    """Tokens of one turn: the learner's message, the same when cut, and the tutor's text."""

    asked: int
    cut: int
    said: int


def tokens(text: str) -> int:
    """How many tokens a text has, about: bytes / 3.5, or / 1.5 where it is not ASCII alone.

    >>> tokens("seven letters"), tokens("sieben Äpfel")
    (4, 9)
    """
    size = len(text.encode("utf-8", "replace"))
    return -int(-size // (BYTES_A_TOKEN if text.isascii() else BYTES_A_TOKEN_BEYOND_ASCII))


def weighed(asked: str, said: str) -> Weight:
    """The weight of a turn: what the learner wrote and what was seen of the answer.

    >>> weighed("a" * 700, "seven letters")
    Weight(asked=200, cut=173, said=4)
    """
    return Weight(tokens(asked), tokens(cut(asked)), tokens(said))


def cut(text: str) -> str:
    """The text, or its first 600 characters and a mark.

    >>> len(cut("a" * 600)), cut("a" * 601)[-8:]
    (600, 'aaa [..]')
    """
    return text if len(text) <= CUT_CHARS else text[:CUT_CHARS] + CUT_MARK


def windowed(
    remembered: Remembered, newest: Sequence[Weight], total: int, *, fewest: int = TURNS_FEWEST
) -> Remembered:
    """The window once a turn has ended; equal to `remembered` where it only grew.

    `newest` are the weights of the turns that are kept, the newest of `total`; one that is kept no
    longer is folded. Where the result differs there was a fold: give it its new summary
    (`summed_up`).

    >>> light = Weight(20, 20, 100)
    >>> [windowed(Remembered(), [light] * n, n).folded_upto for n in (8, 16, 17)]
    [0, 0, 9]
    >>> windowed(Remembered(), [Weight(600, 180, 220)] * 5, 5).cut_upto
    3
    """
    first, cut_upto = remembered.folded_upto, remembered.cut_upto
    grown = total - first
    if grown > min(GROWTH * fewest, len(newest)) or (
        _held(newest, total, first, cut_upto) > WINDOW_TOKENS
    ):
        first = max(first, total - min(fewest, len(newest)))
        if _held(newest, total, first, cut_upto) > FEWEST_TOKENS:
            cut_upto = max(cut_upto, total - WHOLE_TURNS)
    if (first, cut_upto) == (remembered.folded_upto, remembered.cut_upto):
        return remembered
    return msgspec.structs.replace(remembered, folded_upto=first, cut_upto=cut_upto)


def _held(newest: Sequence[Weight], total: int, first: int, cut_upto: int) -> int:
    """Tokens of the turns from `first` on."""
    begin = total - len(newest)
    return sum(
        weight.said + (weight.cut if number < cut_upto else weight.asked)
        for number, weight in enumerate(newest, begin)
        if number >= first
    )


def summed_up(remembered: Remembered, told: str) -> Remembered:
    """The same with the summary that prompts hold from now on; see `summary`."""
    return remembered if told == remembered.told else msgspec.structs.replace(remembered, told=told)


# --- the summary ----------------------------------------------------------------------------------


def summary(
    remembered: Remembered,
    titles: Mapping[str, str],
    bands: Mapping[str, str],
    prefs: Mapping[str, str | int | float | bool],
    language: str,
) -> str:
    """The facts in words, one field a line in a fixed order, at most 400 tokens; "" for none.

    `titles` and `bands` are the skills' names and their levels of mastery in words. No id of a
    skill and no number that moves with each answer but counts is in it.

    >>> had = after_answer(Remembered(), ["undo"], "incorrect", "added-both")
    >>> print(summary(had, {"undo": "Undo a sum"}, {"undo": "growing"}, {"pace": "slow"}, "en"))
    Skills: Undo a sum: growing (0 right, 1 not)
    Open mistakes: Undo a sum: added both (once)
    Preferences: pace slow
    Language: en
    """
    said = {name: title[:TITLE_CHARS].strip() for name, title in titles.items()}
    fields = {
        "Skills": [
            f"{said[skill]}: {bands.get(skill, 'new')} ({right} right, {missed} not)"
            for skill, (right, missed) in reversed(remembered.skills.items())
            if skill in said
        ],
        "Open mistakes": [
            f"{said[m.skill]}: {_spelled(m.misconception)} ({_times(m.count)})"
            for _, m in sorted(
                enumerate(remembered.mistakes), key=lambda met: (-met[1].count, -met[0])
            )
            if m.skill in said
        ],
        "Hints": [
            f"{level} {_times(taken)} (then {right} right, {missed} not)"
            for level, (taken, right, missed) in sorted(remembered.hinted.items())
        ],
        "A right answer came after": [
            f"{_spelled(act)} ({_times(count)})"
            for act, count in sorted(remembered.forms.items(), key=lambda form: (-form[1], form[0]))
        ],
        "Preferences": [
            f"{_spelled(name)} {prefs[name]}"
            for name in PREFS_TOLD
            if name in prefs and _PREF.fullmatch(str(prefs[name]))
        ],
    }
    if not any(fields.values()):
        return ""
    fields["Language"] = [language]
    return _fitted(fields)


def _fitted(fields: dict[str, list[str]]) -> str:
    """The fields as lines; while they are too long, the longest list loses its last entry."""
    while True:
        text = "\n".join(f"{name}: {'; '.join(told)}" for name, told in fields.items() if told)
        longest = max(fields.values(), key=len)
        if tokens(text) <= SUMMARY_TOKENS or len(longest) == 1:
            return text
        longest.pop()


def _spelled(slug: str) -> str:
    return re.sub(r"[-_.]+", " ", slug)[:TITLE_CHARS]


def _times(count: int) -> str:
    """How often, in words.

    >>> _times(1), _times(3)
    ('once', '3 times')
    """
    return "once" if count == 1 else f"{count} times"
