"""The skills under review: one card a mastered skill, when it is due, which comes next.

This file is 1.5's state and 1.7's first step. A card opens when its skill is first mastered and
stays; every later answer on the skill is a review of it. The formulas are in `forgetting`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from engines.learner import forgetting as f
from engines.words import Floats, Ints, Syllabus

VERSION = 2
"""First byte of `to_bytes`."""
REVIEW_SHARE = 0.20
"""At most this share of a lesson's items is for review, at every moment of it."""
DAY_S = 86_400.0
TOLD_WAIT_S = 600.0
"""For so long after its answer was told a skill is not due, and to get it right is no recall: it is
the text just read. As long as Anki's step for relearning."""
_TITLE_CHARS = 48
_STABILITY, _DIFFICULTY, _LAST_S, _DUE_S, _TOLD_S = range(5)
_ROWS = 5


class Due(NamedTuple):
    """A card whose time has come: skill index, since when, and the chance of recall now."""

    skill: int
    due_s: float
    retrievability: float


class Intervals(NamedTuple):
    """Whole days until a skill comes back, by how its review goes."""

    wrong: int
    assisted: int
    right: int
    easy: int


class Cards:
    """One learner's cards by skill index; immutable.

    `memory` is float64 (5, n_skills), not writeable: stability in days (0 where there is no card),
    difficulty from 1 to 10, then in seconds on the caller's clock the time of the last review, the
    time when due, and when the answer was told last without a review (0: never). All times are
    taken to the millisecond.
    """

    __slots__ = ("memory",)

    def __init__(self, memory: Floats) -> None:
        memory.setflags(write=False)
        self.memory = memory

    @classmethod
    def none(cls, n_skills: int) -> Cards:
        """No card yet.

        >>> Cards.none(3).due(0.0)
        []
        """
        return cls(np.zeros((_ROWS, n_skills)))

    def __len__(self) -> int:
        """The number of skills, with a card or without."""
        return int(self.memory.shape[1])

    def has(self, skill: int) -> bool:
        """Whether the skill has a card."""
        return bool(self.memory[_STABILITY, skill] > 0.0)

    def last_s(self, skill: int) -> float:
        """When the skill was last reviewed; 0 where it has no card."""
        return float(self.memory[_LAST_S, skill])

    def due_s(self, skill: int) -> float | None:
        """When the skill is due; None where it has no card."""
        return float(self.memory[_DUE_S, skill]) if self.has(skill) else None

    def retrievability(self, now_s: float) -> Floats:
        """Chance of recall of each skill now, (n_skills,); 0 where there is no card."""
        found = np.zeros(len(self))
        held = np.flatnonzero(self.memory[_STABILITY])
        if held.size:
            stability, last_s = self.memory[_STABILITY, held], self.memory[_LAST_S, held]
            elapsed = np.maximum(now_s - last_s, 0.0) / DAY_S
            found[held] = (1.0 + f.FACTOR * elapsed / stability) ** f.DECAY
        return found

    def due(self, now_s: float) -> list[Due]:
        """Every card whose time has come, the one most likely forgotten first."""
        chance, skills = self.retrievability(now_s), self.due_skills(now_s)
        due_s = self.memory[_DUE_S, skills]
        return list(map(Due, skills.tolist(), due_s.tolist(), chance[skills].tolist()))

    def due_skills(self, now_s: float) -> Ints:
        """The skills of `due`, by index, in the same order."""
        held = self.memory[_STABILITY] > 0.0
        skills = np.flatnonzero(held & (self.memory[_DUE_S] <= now_s))
        if skills.size < 2:
            return skills
        chance = self.retrievability(now_s)[skills]
        return skills[np.lexsort((self.memory[_DUE_S, skills], chance))]

    def reviewed(
        self, skill: int, rating: f.Rating, now_s: float, retention: float = f.RETENTION
    ) -> Cards:
        """The cards after a review of one skill, which opens its card where it had none.

        Raises ValueError for a rating or a retention that there is not.
        """
        stability, difficulty = self._after(skill, rating, now_s)
        due_s = now_s + DAY_S * f.interval_days(stability, retention)
        memory = self.memory.copy()
        memory[:_TOLD_S, skill] = stability, difficulty, now_s, round(due_s * 1000.0) / 1000.0
        return Cards(memory)

    def told(self, skill: int, now_s: float) -> Cards:
        """The cards after the answer was told before it was tried: no review of the skill's card.

        Stability, difficulty and the last review stay, and with them the chance of recall; a card
        that is due stays due, but for `TOLD_WAIT_S`; one that is not is due when it was to be.
        """
        if not self.has(skill):
            return self
        memory = self.memory.copy()
        again_s = round((now_s + TOLD_WAIT_S) * 1000.0) / 1000.0
        memory[_DUE_S, skill] = max(memory[_DUE_S, skill], again_s)
        memory[_TOLD_S, skill] = now_s
        return Cards(memory)

    def just_told(self, skill: int, now_s: float) -> bool:
        """Whether the answer was told so lately that to get it right is no recall."""
        told_s = float(self.memory[_TOLD_S, skill])
        return told_s != 0.0 and now_s - told_s < TOLD_WAIT_S

    def intervals(self, skill: int, now_s: float, retention: float = f.RETENTION) -> Intervals:
        """What each rating given now would make of the skill's next interval."""
        ratings = (f.WRONG, f.ASSISTED, f.RIGHT, f.EASY)
        days = (f.interval_days(self._after(skill, r, now_s)[0], retention) for r in ratings)
        return Intervals(*days)

    def _after(self, skill: int, rating: f.Rating, now_s: float) -> tuple[float, float]:
        stability, difficulty, last_s, *_ = self.memory[:, skill].tolist()
        if not stability:
            return f.opened(rating)
        elapsed = max(round((now_s - last_s) * 1000.0), 0) / (DAY_S * 1000.0)
        return f.reviewed(stability, difficulty, elapsed, rating)

    def moved(self, before: Sequence[str], after: Sequence[str]) -> Cards:
        """The same cards for another order of skills: `before` and `after` name them by index.

        What `after` lacks is forgotten; what it adds has no card.
        Raises ValueError where `before` does not name every skill.
        """
        if len(before) != len(self):
            msg = f"expected the ids of {len(self)} skills, got {len(before)}"
            raise ValueError(msg)
        if tuple(before) == tuple(after):
            return self
        index = {skill: place for place, skill in enumerate(before)}
        memory = np.zeros((_ROWS, len(after)))
        for place, skill in enumerate(after):
            if skill in index:
                memory[:, place] = self.memory[:, index[skill]]
        return Cards(memory)

    def to_bytes(self) -> bytes:
        """A version byte, then the memory as little-endian float64; `from_bytes` reads it."""
        return bytes([VERSION]) + self.memory.astype("<f8", copy=False).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Cards:
        """The cards that `to_bytes` wrote, bit for bit; ValueError for any other bytes."""
        if data[:1] != bytes([VERSION]) or len(data) % (8 * _ROWS) != 1:
            msg = f"expected cards of version {VERSION}, got {data[:1]!r} and {len(data)} bytes"
            raise ValueError(msg)
        memory = np.frombuffer(data, "<f8", offset=1).astype(np.float64).reshape(_ROWS, -1)
        stability, difficulty, *_ = memory
        held = difficulty[stability != 0.0]
        if not np.isfinite(memory).all() or (stability < 0.0).any() or (held < 1.0).any():
            msg = "expected finite memories with a difficulty from 1, got others"
            raise ValueError(msg)
        return cls(memory)


def after_answer(
    cards: Cards,
    syllabus: Syllabus,
    item: int,
    mastered: Collection[int],
    rating: f.Rating | None,
    now_s: float,
    retention: float = f.RETENTION,
) -> Cards:
    """The cards after the first answer that used an attempt on an item instance.

    `mastered` holds those of the item's skills (by index) that count as mastered after it; they
    get a card if they have none. A card that is there is reviewed: a right answer reviews all the
    item's skills, a wrong one its primary skill alone, for who fails an item of several skills has
    not shown which of them is forgotten (ours). A rapid guess is no review: do not call.

    `rating` is None where the answer was told before: that is no review either and opens no card,
    but the cards of all the item's skills wait a moment (`Cards.told`), for all were told. Within
    that moment a right answer, to the same with other numbers, is no review; a wrong one is.
    """
    for place, skill in enumerate(syllabus.item_skills[item].tolist()):
        if skill < 0:
            break
        if rating is None:
            cards = cards.told(skill, now_s)
        elif cards.has(skill):
            recalled = rating != f.WRONG and not cards.just_told(skill, now_s)
            if recalled or (rating == f.WRONG and place == 0):
                cards = cards.reviewed(skill, rating, now_s, retention)
        elif skill in mastered:
            cards = cards.reviewed(skill, rating, now_s, retention)
    return cards


def due_of(cards: Cards, syllabus: Syllabus, now_s: float) -> list[Due]:
    """`Cards.due` without skills that have no item (any more) to review them by."""
    starts = syllabus.items_of
    return [due for due in cards.due(now_s) if starts[due.skill] < starts[due.skill + 1]]


def next_due(
    cards: Cards,
    syllabus: Syllabus,
    now_s: float,
    reviews_lately: int,
    items_lately: int,
    share: float = REVIEW_SHARE,
) -> int | None:
    """The skill to review with the next item, by index; None where none is due or its time is not.

    `reviews_lately` of the `items_lately` shown in this lesson were reviews. One more must not
    exceed `share` of the items, itself counted: a review is never the first item, and no backlog
    becomes a wall. Who asks for reviews (mode `review`) passes `share=1.0`.
    """
    if reviews_lately + 1 > share * (items_lately + 1) + 1e-9:
        return None
    starts = syllabus.items_of
    for skill in cards.due_skills(now_s).tolist():
        if starts[skill] < starts[skill + 1]:
            return int(skill)
    return None


def why_due(title: str, last_s: float, now_s: float, retrievability: float) -> str:
    """Why a skill is reviewed, in one sentence of at most 140 characters.

    >>> why_due("fractions", 0.0, 9.3 * DAY_S, 0.8821)
    'You last met fractions 9 days ago; chance of recall about 88 %'
    """
    if len(title) > _TITLE_CHARS:
        title = title[: _TITLE_CHARS - 3].rstrip() + "..."
    days = int(max(now_s - last_s, 0.0) / DAY_S)
    ago = "today" if days == 0 else f"{days} {'day' if days == 1 else 'days'} ago"
    return f"You last met {title} {ago}; chance of recall about {100.0 * retrievability:.0f} %"
