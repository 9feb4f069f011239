"""The next item and why: information inside a success band. This file is 1.6 and 1.7 in words.

The open frontier is the unmastered skills whose prerequisites are mastered; the one of lowest P(L)
comes next. Its items inside the success band are ranked by Fisher information p(1 - p) and one of
the best five is drawn (randomesque: Kingsbury & Zara 1989). The band is the live difficulty
(Klinkenberg et al. 2011: about 75 % success). The loops are in `kernels`.
"""

from __future__ import annotations

from collections.abc import Mapping

from engines.learner import kernels as k
from engines.learner.beliefs import Beliefs
from engines.maths.dice import Dice
from engines.words import Chosen, Floats, Syllabus

WHY_CHARS = 140
_TITLE_CHARS = 48

Found = tuple[float, float, float, float, float, float, float]
"""What `kernels.chosen` returns: item, seed, p, skill, P(L), open skills, cause."""


def following(
    beliefs: Beliefs,
    syllabus: Syllabus,
    now_s: float,
    rng: Dice,
    *,
    skill: str | None = None,
    leaving: str | None = None,
    measuring: bool = False,
) -> tuple[Beliefs, Chosen]:
    """The beliefs that remember the next item, and the item: see `engines.tutor.choose`.

    `measuring` (an examination) takes the most informative item whatever its success.
    Raises ValueError for an unknown skill, a skill without items, or beliefs of another course.
    """
    beliefs.must_be_of(syllabus)
    state = beliefs.state.copy()
    state[k.AT_S] = now_s
    found = k.chosen(
        state,
        syllabus.d,
        syllabus.item_skills,
        syllabus.items_of,
        syllabus.needs_of,
        syllabus.mastery,
        -1 if skill is None else _index(syllabus.skill_index, skill, "a skill"),
        -1 if leaving is None else _index(syllabus.item_index, leaving, "an item"),
        measuring,
        *rng.pair(),
    )
    chosen = told(found, syllabus, state, measuring=measuring)
    return Beliefs(syllabus.course, state, beliefs.eids), chosen


def told(found: Found, syllabus: Syllabus, state: Floats, *, measuring: bool = False) -> Chosen:
    """The kernel's choice in words; an item without params gets seed 0, in the state's ring too.

    Raises ValueError if there was no item to choose.
    """
    index, seed, p, skill, learnt, n_open, cause = found
    if index < 0.0:
        msg = f"expected an item to choose in course {syllabus.course.id}, found none"
        raise ValueError(msg)
    item = syllabus.course.items[int(index)]
    if not item.params:
        seed = 0.0
        state[k.RING_SEED + (int(state[k.RING_NEXT]) - 1) % k.RING] = 0.0
    title = syllabus.course.skills[int(skill)].title
    why = why_chosen(int(cause), title, learnt, int(n_open), p, measuring=measuring)
    return Chosen(item.id, int(seed), p, why)


def why_chosen(
    cause: int, title: str, learnt: float, n_open: int, p: float, *, measuring: bool = False
) -> str:
    """Why this item, in one sentence of at most 140 characters.

    >>> why_chosen(k.OPEN, "two-step equations", 0.62, 3, 0.78)
    'Lowest of your 3 open skills (two-step equations, 0.62); you will probably get it right (0.78)'
    """
    if len(title) > _TITLE_CHARS:
        title = title[: _TITLE_CHARS - 3].rstrip() + "..."
    skills = "skill" if n_open == 1 else "skills"
    if measuring:
        return f"Says most about your level in {title} ({learnt:.2f}); chance of success {p:.2f}"
    if cause == k.OPEN:
        lead = f"Lowest of your {n_open} open skills" if n_open != 1 else "Your one open skill"
    elif cause == k.OPEN_NEXT:
        lead = f"Next of your {n_open} open {skills}"
    elif cause == k.MASTERED:
        lead = "All is mastered; your weakest skill"
    elif cause == k.ALTERNATE:
        lead = "For variety a mastered skill"
    elif cause == k.WAIVED:
        lead = "Nothing else fits yet; the nearest skill"
    else:
        lead = "The skill you asked for"
    return f"{lead} ({title}, {learnt:.2f}); {outlook(p)} ({p:.2f})"


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


def _index(indices: Mapping[str, int], name: str, what: str) -> int:
    found = indices.get(name)
    if found is None:
        msg = f"expected {what} of this course, got {name!r}"
        raise ValueError(msg)
    return found
