"""The next item and why: information inside a success band. This file is 1.6 and 1.7 in words.

The open frontier is the unmastered skills whose prerequisites are mastered; the one of lowest
mastery comes next. Its items inside the success band are ranked by what they would tell and one of
the best three is drawn (randomesque: Kingsbury & Zara 1989). The band is the live difficulty
(Klinkenberg et al. 2011: about 75 % success). The loops are in `kernels`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engines.learner import kernels as k
from engines.maths.dice import Dice
from engines.words import Chosen, Floats, Ints, Syllabus

WHY_CHARS = 140
_TITLE_CHARS = 48


EXPOSURE_MOST = 0.40
"""An item shown in more than this share of lessons waits while others would do."""


AGAIN = 8
"""A cause beside those of `kernels`: the answer was told, so the skill comes once more."""


class Frontier(NamedTuple):
    """Where the next item comes from: candidate items, their skill, open skills, and the cause."""

    items: Ints
    skill: int
    n_open: int
    cause: int


def frontier(
    state: Floats,
    syllabus: Syllabus,
    *,
    skill: int = -1,
    leaving: int = -1,
    reviewed: bool = False,
    again: bool = False,
) -> Frontier:
    """The items to choose from: of `skill`, or of the open frontier for -1.

    `leaving` is not offered again at once; `reviewed` says that the skill is due for review,
    `again` that it comes once more, as its last answer was told.
    Raises ValueError if there is no item to choose.
    """
    found = np.empty(len(syllabus.d), np.int64)
    count, of_skill, n_open, cause = k.candidates(
        state,
        syllabus.item_skills,
        syllabus.items_of,
        syllabus.needs_of,
        syllabus.mastery,
        skill,
        leaving,
        found,
    )
    if not count:
        msg = f"expected an item to choose in course {syllabus.course.id}, found none"
        raise ValueError(msg)
    if reviewed and cause == k.ASKED:
        cause = k.REVIEWED
    if again and cause == k.ASKED:
        cause = AGAIN
    items = found[:count]
    rested = items[syllabus.exposure[items] <= EXPOSURE_MOST]
    return Frontier(rested if len(rested) else items, of_skill, n_open, cause)


def drawn(
    state: Floats,
    syllabus: Syllabus,
    open_: Frontier,
    p: Floats,
    information: Floats,
    rng: Dice,
    *,
    measuring: bool = False,
) -> Chosen:
    """One of the most informative candidates inside the success band, noted in `state`.

    `p` and `information` are (n,) of the candidates. `measuring` (an examination) takes the most
    informative item whatever its success. An item without params gets seed 0.
    """
    band = int(state[k.BAND])
    low, high = (0.0, 1.0) if measuring else (k.BAND_LOW[band], k.BAND_HIGH[band])
    index, seed, chance = k.drawn(state, open_.items, p, information, low, high, *rng.pair())
    item = syllabus.course.items[int(index)]
    if not item.params:
        seed = 0.0
        state[k.RING_SEED + (int(state[k.RING_NEXT]) - 1) % k.RING] = 0.0
    if open_.cause == k.REVIEWED:
        state[k.REVIEWS] += 1.0
    told = state[k.SKILLS + k.SKILL_TOLD * len(syllabus.mastery) + open_.skill]
    title = syllabus.course.skills[open_.skill].title
    why = why_chosen(open_.cause, title, told, open_.n_open, chance, measuring=measuring)
    return Chosen(item.id, int(seed), chance, why)


def why_chosen(
    cause: int, title: str, mastery: float, n_open: int, p: float, *, measuring: bool = False
) -> str:
    """Why this item, in one sentence of at most 140 characters.

    >>> why_chosen(k.OPEN, "two-step equations", 0.62, 3, 0.78)
    'Lowest of your 3 open skills (two-step equations, 0.62); you will probably get it right (0.78)'
    """
    if len(title) > _TITLE_CHARS:
        title = title[: _TITLE_CHARS - 3].rstrip() + "..."
    skills = "skill" if n_open == 1 else "skills"
    if measuring:
        return f"Says most about your level in {title} ({mastery:.2f}); chance of success {p:.2f}"
    if cause == k.OPEN:
        lead = f"Lowest of your {n_open} open skills" if n_open != 1 else "Your one open skill"
    elif cause == k.OPEN_NEXT:
        lead = f"Next of your {n_open} open {skills}"
    elif cause == k.MASTERED:
        lead = "All is mastered; your weakest skill"
    elif cause == k.ALTERNATE:
        lead = "For variety a mastered skill"
    elif cause == k.REVIEWED:
        lead = "Due for review"
    elif cause == AGAIN:
        lead = "Once more with other numbers"
    elif cause == k.WAIVED:
        lead = "Nothing else fits yet; the nearest skill"
    else:
        lead = "The skill you asked for"
    return f"{lead} ({title}, {mastery:.2f}); {outlook(p)} ({p:.2f})"


def outlook(p: float) -> str:
    """P(right) in words.

    >>> outlook(0.78), outlook(0.5)
    ('you will probably get it right', 'it may go either way')
    """
    if p >= 0.85:
        return "it should go well"
    if p >= 0.6:
        return "you will probably get it right"
    if p >= 0.4:
        return "it may go either way"
    return "it will be hard"


def moved_reason(right: bool, p_expected: float, before: float, after: float) -> str:
    """Why theta moved, in one sentence.

    >>> moved_reason(True, 0.72, 0.31, 0.42)
    'Right at an expected 0.72: ability 0.31 -> 0.42'
    """
    word = "Right" if right else "Not right"
    return f"{word} at an expected {p_expected:.2f}: ability {before:.2f} -> {after:.2f}"


def band_reason(before: int, after: int) -> str:
    """Why the success band moved, in one sentence.

    >>> band_reason(k.NORMAL, k.EASIER)
    'Two misses: next ones should succeed about 17 times in 20'
    """
    times = int(10.0 * (k.BAND_LOW[after] + k.BAND_HIGH[after]))
    if after == k.EASIER:
        cause = "Two misses"
    elif after == k.HARDER:
        cause = "Five easy ones right in a row"
    else:
        cause = "Two right again" if before == k.EASIER else "A miss"
    return f"{cause}: next ones should succeed about {times} times in 20"
