"""The compiled loops of mastery, live difficulty and selection. This file is the answer's path.

One learner's state is one float64 array: a head of scalars, a ring of the newest items with their
seeds, and blocks of one number a skill. `engines.beliefs` owns its meaning outside. How likely an
item goes right is not known here: the scoring says it, and the tutor passes it in.
Kernels change the array they are given; who calls them copies first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

# --- the state's layout ------------------------------------------------------------------------
ANSWERS, AT_S = 0, 1
BAND, SINCE_CHANGE, MISSES, RIGHTS, EASY_RIGHTS = 2, 3, 4, 5, 6
SHOWN, REVIEWS = 7, 8
"""Items shown in this lesson, and how many of them for review."""
THETA, SD = 9, 10
"""Ability as last told, and its standard deviation, in logits."""
RING_NEXT = 11
RING = 64
RING_ITEM = 12
RING_SEED = RING_ITEM + RING
SKILLS = RING_SEED + RING
SKILL_ANSWERS, SKILL_LEARNT, SKILL_LAST = 0, 1, 2
"""Blocks behind `SKILLS`, each n_skills long: scored answers, P(L), last one right, ..."""
SKILL_TOLD, SKILL_LOW, SKILL_HIGH = 3, 4, 5
"""... mastery as last told, with the ends of its interval, ..."""
SKILL_BELIEVED = 6
"""... and mastery as the scoring said it last: what is chosen goes by it, not by what is told."""
BLOCKS = 7

# --- flags of an answer ------------------------------------------------------------------------
RIGHT, COUNTED, LEARNING, NEXT, EXAM, USED, RAPID, HELPED = 1, 2, 4, 8, 16, 32, 64, 128

# --- the success bands (live difficulty) -------------------------------------------------------
NORMAL, EASIER, HARDER = 0, 1, 2
BAND_LOW = (0.70, 0.85, 0.60)
BAND_HIGH = (0.80, 0.92, 0.72)
EASY_P = 0.85
HOLD = 3
"""A band stays for at least so many scored answers."""

# --- how an item came to be chosen -------------------------------------------------------------
OPEN, OPEN_NEXT, MASTERED, ALTERNATE, ASKED, WAIVED, NOTHING, REVIEWED = 0, 1, 2, 3, 4, 5, 6, 7
LAST_ITEMS = 5
FRESH, STALE = 6, 5
"""Ages of an item: 0-4 is its place among the last five, then shown lately unchanged, then free."""
TOP = 3

_READ = "Array(float64, 1, 'C', readonly=True)"
_READ2 = "Array(float64, 2, 'C', readonly=True)"
_INTS2 = "Array(int64, 2, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"
_COURSE = f"{_INTS2}, {_INTS}, {_INTS}"
_STATE = "float64[::1]"


# --- mastery -----------------------------------------------------------------------------------
@kernel("float64(float64, float64, float64, int64)")
def evidence_step(learnt: Any, slip: Any, guess: Any, right: Any) -> Any:
    """P(L) given the answer (Bayes)."""
    knows = learnt * (1.0 - slip) if right else learnt * slip
    guesses = (1.0 - learnt) * guess if right else (1.0 - learnt) * (1.0 - guess)
    total = knows + guesses
    return knows / total if total > 0.0 else learnt


@kernel("float64(float64, float64, float64)")
def learning_step(learnt: Any, learn: Any, forget: Any) -> Any:
    """P(L) after one opportunity to learn, with forgetting."""
    return learnt * (1.0 - forget) + (1.0 - learnt) * learn


@kernel("int64(float64, float64, float64, float64)")
def is_mastered(learnt: Any, answers: Any, last: Any, threshold: Any) -> Any:
    """1 where P(L) reaches the threshold, on 3 scored answers at least, the last one right."""
    return 1 if learnt >= threshold and answers >= 3.0 and last > 0.5 else 0


@part
def _count(x: Any, item_skills: Any, n_skills: Any, item: Any, right: Any) -> None:
    x[ANSWERS] += 1.0
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k < 0:
            break
        x[SKILLS + SKILL_ANSWERS * n_skills + k] += 1.0
        x[SKILLS + SKILL_LAST * n_skills + k] = 1.0 if right else 0.0


@part
def _mastery_after(learnt: Any, bkt: Any, floor: Any, flags: Any) -> Any:
    if flags & COUNTED:
        slip = min(bkt[2], 0.3)
        guess = min(max(bkt[3], floor), 0.5)
        learnt = evidence_step(learnt, slip, guess, flags & RIGHT)
    if flags & LEARNING:
        after = learning_step(learnt, bkt[1], bkt[4])
        if not flags & (COUNTED | RAPID):
            after = max(after, learnt)  # help taken never lowers what is believed
        learnt = after
    return learnt


# --- live difficulty ---------------------------------------------------------------------------
@part
def band_after(band: Any, misses: Any, rights: Any, easy_rights: Any) -> Any:
    """The band that the newest run of scored answers asks for."""
    if misses >= 2.0:
        return EASIER
    if easy_rights >= 5.0:
        return HARDER
    if (band == EASIER and rights >= 2.0) or (band == HARDER and misses >= 1.0):
        return NORMAL
    return band


@part
def _move_band(x: Any, p: Any, right: Any) -> None:
    x[MISSES] = 0.0 if right else x[MISSES] + 1.0
    x[RIGHTS] = x[RIGHTS] + 1.0 if right else 0.0
    x[EASY_RIGHTS] = x[EASY_RIGHTS] + 1.0 if right and p >= EASY_P else 0.0
    x[SINCE_CHANGE] += 1.0
    wanted = band_after(int(x[BAND]), x[MISSES], x[RIGHTS], x[EASY_RIGHTS])
    if wanted != int(x[BAND]) and x[SINCE_CHANGE] >= HOLD:
        x[BAND] = float(wanted)
        x[SINCE_CHANGE] = 0.0
        x[EASY_RIGHTS] = 0.0


BELIEVED_LEAST = 0.5
"""Nothing counts as mastered whose reference item would rather be missed (ours)."""


# --- selection ---------------------------------------------------------------------------------
@kernel("int64(Array(float64, 1, 'C', readonly=True), int64, int64, float64)")
def mastered_at(x: Any, n: Any, k: Any, threshold: Any) -> Any:
    """1 where skill k of n counts as mastered in the state `x`: P(L), and mastery as believed."""
    if x[SKILLS + SKILL_BELIEVED * n + k] < BELIEVED_LEAST:
        return 0
    learnt = x[SKILLS + SKILL_LEARNT * n + k]
    answers = x[SKILLS + SKILL_ANSWERS * n + k]
    return is_mastered(learnt, answers, x[SKILLS + SKILL_LAST * n + k], threshold)


@part
def _find_unmastered(x: Any, mastery: Any, unmastered: Any) -> None:
    n = mastery.shape[0]
    for k in range(n):
        unmastered[k] = 0 if mastered_at(x, n, k, mastery[k]) else 1


@part
def _find_ready(needs_of: Any, unmastered: Any, ready: Any) -> None:
    for k in range(unmastered.shape[0]):
        ready[k] = 1
        for at in range(needs_of[k], needs_of[k + 1]):
            if unmastered[needs_of[at]]:
                ready[k] = 0


@part
def _find_ages(x: Any, leaving: Any, age: Any) -> None:
    age[:] = FRESH
    n = age.shape[0]
    newest = int(x[RING_NEXT]) - 1
    for back in range(RING - 1, -1, -1):
        slot = (newest - back) % RING
        item = int(x[RING_ITEM + slot])
        if 0 <= item < n:
            if back < LAST_ITEMS:
                age[item] = back
            elif x[RING_SEED + slot] == 0.0:
                age[item] = STALE
    if leaving >= 0:
        age[leaving] = 0


@part
def _allowed(item_skills: Any, item: Any, ready: Any) -> Any:
    """1 where all skills of the item are ready."""
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k >= 0 and not ready[k]:
            return 0
    return 1


@part
def _gather(
    item_skills: Any,
    items_of: Any,
    skill: Any,
    ready: Any,
    age: Any,
    oldest: Any,
    waived: Any,
    found: Any,
) -> Any:
    """How many items train a skill, need nothing that is not ready and have at least that age.

    Their indices go to `found`; only fresh ones if there are any.
    """
    count, fresh = 0, 0
    for at in range(items_of[skill], items_of[skill + 1]):
        item = items_of[at]
        if age[item] < oldest or (fresh and age[item] < FRESH):
            continue
        if waived or _allowed(item_skills, item, ready):
            if age[item] == FRESH and not fresh:
                fresh, count = 1, 0
            found[count] = item
            count += 1
    return count


@part
def _weakest_open(x: Any, ready: Any, unmastered: Any) -> Any:
    """The open skill of lowest mastery, ties in course order; -1 if none is open."""
    n = ready.shape[0]
    chosen, lowest = -1, 2.0
    for k in range(n):
        believed = x[SKILLS + SKILL_BELIEVED * n + k]
        if believed < lowest and ready[k] & unmastered[k]:
            chosen, lowest = k, believed
    return chosen


@part
def _weakest_with_items(x: Any, ready: Any, unmastered: Any, best: Any) -> Any:
    """The ready skill with an item longest unseen, then unmastered, then weakest; or -1."""
    n = ready.shape[0]
    chosen = -1
    highest: Any = 1
    lowest: Any = 2.0
    for k in range(n):
        if not ready[k] or not best[k]:
            continue
        age: Any = min(np.int64(best[k]), STALE + 1)
        rank = 2 * age + np.int64(unmastered[k])
        believed = x[SKILLS + SKILL_BELIEVED * n + k]
        if rank > highest or (rank == highest and believed < lowest):
            chosen, highest, lowest = k, rank, believed
    return chosen


@part
def _find_best_ages(item_skills: Any, items_of: Any, ready: Any, age: Any, best: Any) -> None:
    """For each ready skill 1 + the age of its oldest allowed item, else 0; STALE + 1 is enough."""
    for k in range(ready.shape[0]):
        best[k] = 0
        for at in range(items_of[k], items_of[k + 1] if ready[k] else 0):
            item = items_of[at]
            if age[item] >= best[k] and _allowed(item_skills, item, ready):
                best[k] = age[item] + 1
                if best[k] > STALE:
                    break


@part
def _frontier(
    x: Any, item_skills: Any, items_of: Any, ready: Any, unmastered: Any, age: Any, found: Any
) -> tuple[Any, Any, Any]:
    """Skill, number of candidates in `found` and the cause: the open frontier, then variety."""
    first = _weakest_open(x, ready, unmastered)
    if first >= 0:
        count = _gather(item_skills, items_of, first, ready, age, STALE, 0, found)
        if count:
            return first, count, OPEN
    best = np.empty(ready.shape[0], np.uint8)
    _find_best_ages(item_skills, items_of, ready, age, best)
    skill = _weakest_with_items(x, ready, unmastered, best)
    cause = OPEN if skill == first else OPEN_NEXT
    if skill < 0:
        ready[:] = 1
        _find_best_ages(item_skills, items_of, ready, age, best)
        skill, cause = _weakest_with_items(x, ready, unmastered, best), WAIVED
    if skill < 0:
        return -1, 0, NOTHING
    oldest = min(np.int64(best[skill]) - 1, STALE)
    count = _gather(item_skills, items_of, skill, ready, age, oldest, 0, found)
    if cause != WAIVED and not unmastered[skill]:
        cause = MASTERED if first < 0 else ALTERNATE
    return skill, count, cause


@part
def _asked(
    item_skills: Any, items_of: Any, skill: Any, ready: Any, age: Any, found: Any
) -> tuple[Any, Any, Any]:
    """The same for a skill that the learner asked for; prerequisites are waived."""
    for oldest in range(STALE, -1, -1):
        count = _gather(item_skills, items_of, skill, ready, age, oldest, 1, found)
        if count:
            return skill, count, ASKED
    return skill, 0, NOTHING


@part
def _remember(x: Any, item: Any, word: Any) -> Any:
    """A seed in [1, 2**53) that the item did not have lately, put into the ring with the item."""
    seed = float(word >> np.uint64(11))
    slot = 0
    while slot < RING:
        if seed < 1.0 or (x[RING_ITEM + slot] == item and x[RING_SEED + slot] == seed):
            seed = seed + 1.0 if seed < 9007199254740991.0 else 1.0
            slot = -1
        slot += 1
    at = int(x[RING_NEXT])
    x[RING_ITEM + at] = item
    x[RING_SEED + at] = seed
    x[RING_NEXT] = (at + 1) % RING
    return seed


@kernel(f"UniTuple(int64, 4)({_STATE}, {_COURSE}, {_READ}, int64, int64, int64[::1])")
def candidates(
    x: Any,
    item_skills: Any,
    items_of: Any,
    needs_of: Any,
    mastery: Any,
    skill: Any,
    leaving: Any,
    found: Any,
) -> Any:
    """(how many, skill, open skills, cause): items to choose the next one from, into `found`.

    `skill` asks for one (-1: the open frontier); `found` has room for every item of the course.
    """
    n = mastery.shape[0]
    unmastered = np.empty(n, np.uint8)
    ready = np.empty(n, np.uint8)
    age = np.empty(item_skills.shape[0], np.uint8)
    _find_unmastered(x, mastery, unmastered)
    _find_ready(needs_of, unmastered, ready)
    _find_ages(x, leaving, age)
    n_open: Any = 0
    for k in range(n):
        n_open += np.int64(ready[k] & unmastered[k])
    if skill >= 0:
        skill, count, cause = _asked(item_skills, items_of, skill, ready, age, found)
    else:
        skill, count, cause = _frontier(x, item_skills, items_of, ready, unmastered, age, found)
    return count, skill, n_open, cause


@kernel(
    f"UniTuple(float64, 3)({_STATE}, {_INTS}, {_READ}, {_READ}, float64, float64, uint64, uint64)"
)
def drawn(
    x: Any, found: Any, p: Any, information: Any, low: Any, high: Any, word: Any, seed_word: Any
) -> Any:
    """(item, seed, p): one of the three most informative candidates inside the band.

    Where none is inside, the nearest to it. Candidates are met in a rotated order, so that equal
    ones take turns. The pick's bias is below 2**-29: it scales 32 bits to at most three places.
    """
    count = found.shape[0]
    items = np.empty(TOP, np.int64)
    half = np.uint64(32)
    turn = np.int64(((word & np.uint64(0xFFFFFFFF)) * np.uint64(count)) >> half)
    kept, near, gap = 0, turn, 2.0
    for c in range(count):
        at = (turn + c) % count
        away = max(low - p[at], p[at] - high)
        if away > 0.0:
            if away < gap:
                near, gap = at, away
            continue
        place = kept
        while place > 0 and information[items[place - 1]] < information[at]:
            place -= 1
        if place < TOP:
            for e in range(min(kept, TOP - 1), place, -1):
                items[e] = items[e - 1]
            items[place] = at
            kept = min(kept + 1, TOP)
    if kept:
        near = items[np.int64(((word >> half) * np.uint64(kept)) >> half)]
    item = found[near]
    seed = _remember(x, item, seed_word)
    x[SHOWN] += 1.0
    return float(item), seed, p[near]


@kernel(f"void({_STATE}, {_INTS2}, {_READ2}, {_READ}, int64, int64, float64, float64)")
def answered(
    x: Any, item_skills: Any, bkt: Any, guess_floor: Any, item: Any, flags: Any, p: Any, at_s: Any
) -> None:
    """One answer taken in, expected with `p`; without flags nothing moves."""
    n = bkt.shape[0]
    if flags:
        x[AT_S] = at_s
    if flags & COUNTED:
        _count(x, item_skills, n, item, flags & RIGHT)
        _move_band(x, p, flags & RIGHT)
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k < 0:
            break
        at = SKILLS + SKILL_LEARNT * n + k
        x[at] = _mastery_after(x[at], bkt[k], guess_floor[item], flags)


def warm() -> None:
    """Runs every kernel once on the smallest course: one skill, one item."""
    evidence_step(0.25, 0.08, 0.12, 1), learning_step(0.25, 0.15, 0.02)
    is_mastered(0.25, 0.0, 0.0, 0.95)
    x = np.zeros(SKILLS + BLOCKS)
    mastered_at(x, 1, 0, 0.95)
    ones, found = np.ones(1), np.zeros(1, np.int64)
    skills = np.array([[0, -1, -1, -1]])
    items_of, needs_of = np.array([2, 3, 0]), np.array([2, 2])
    candidates(x, skills, items_of, needs_of, ones, -1, -1, found)
    drawn(x, found, ones, ones, 0.0, 1.0, 0, 0)
    flags = RIGHT | COUNTED | LEARNING | NEXT | USED
    answered(x, skills, np.full((1, 5), 0.1), ones, 0, flags, 0.5, 0.0)
