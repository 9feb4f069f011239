"""The compiled loops of ability, mastery and selection. This file is the answer's fast path.

One learner's state is one float64 array: a head of scalars, a ring of the newest items with their
seeds, and four blocks of one number a skill. `engines.learner.beliefs` owns its meaning outside.
Kernels change the array they are given; who calls them copies first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

# --- the state's layout ------------------------------------------------------------------------
THETA, VARIANCE, ANSWERS, AT_S = 0, 1, 2, 3
BAND, SINCE_CHANGE, MISSES, RIGHTS, EASY_RIGHTS = 4, 5, 6, 7, 8
RING_NEXT = 9
RING = 64
RING_ITEM = 10
RING_SEED = RING_ITEM + RING
SKILLS = RING_SEED + RING
SKILL_THETA, SKILL_ANSWERS, SKILL_LEARNT, SKILL_LAST = 0, 1, 2, 3
"""Blocks behind `SKILLS`, each n_skills long: theta_k, scored answers, P(L), last one right."""
BLOCKS = 4

# --- flags of an answer ------------------------------------------------------------------------
RIGHT, COUNTED, LEARNING, NEXT, EXAM, USED = 1, 2, 4, 8, 16, 32

# --- the success bands (live difficulty) -------------------------------------------------------
NORMAL, EASIER, HARDER = 0, 1, 2
BAND_LOW = (0.70, 0.85, 0.60)
BAND_HIGH = (0.80, 0.92, 0.72)
EASY_P = 0.85
HOLD = 3
"""A band stays for at least so many scored answers."""

# --- how an item came to be chosen -------------------------------------------------------------
OPEN, OPEN_NEXT, MASTERED, ALTERNATE, ASKED, WAIVED, NOTHING = 0, 1, 2, 3, 4, 5, 6
LAST_ITEMS = 5
FRESH, STALE = 6, 5
"""Ages of an item: 0-4 is its place among the last five, then shown lately unchanged, then free."""
TOP = 5

_READ = "Array(float64, 1, 'C', readonly=True)"
_READ2 = "Array(float64, 2, 'C', readonly=True)"
_INTS2 = "Array(int64, 2, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"
_COURSE = f"{_READ}, {_INTS2}, {_INTS}, {_INTS}"


# --- ability -----------------------------------------------------------------------------------
@kernel("float64(float64)")
def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)); 0 where exp overflows."""
    return 1.0 / (1.0 + np.exp(-z))


@kernel("float64(float64)")
def ability_step(n: Any) -> Any:
    """Step of the global ability after n scored answers."""
    return 0.4 / (1.0 + 0.03 * n) + 0.03


@kernel("float64(float64)")
def skill_step(n: Any) -> Any:
    """Step of one skill's ability after n scored answers on it."""
    return 0.2 / (1.0 + 0.01 * n) + 0.02


@kernel("float64(float64)")
def item_step(n: Any) -> Any:
    """Step of an item's difficulty after n scored answers to it; at most .005 from 500 on."""
    step = 0.4 / (1.0 + 0.06 * n)
    return min(step, 0.005) if n >= 500.0 else step


@kernel("float64(float64, float64)")
def variance_after(variance: Any, p: Any) -> Any:
    """Variance of the ability after an answer expected with p: information in, drift added."""
    return 1.0 / (1.0 / variance + p * (1.0 - p)) + 0.002


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


@kernel(f"float64({_READ}, {_READ}, {_INTS2}, int64)")
def expected(x: Any, d: Any, item_skills: Any, item: Any) -> Any:
    """P(right) of one item: sigmoid(theta + mean theta_k - d)."""
    total, count = 0.0, 0
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k < 0:
            break
        total += x[SKILLS + k]
        count += 1
    mean = total / count if count else 0.0
    return sigmoid(x[THETA] + mean - d[item])


@part
def _move_ability(x: Any, item_skills: Any, n_skills: Any, item: Any, p: Any, right: Any) -> None:
    error = (1.0 if right else 0.0) - p
    x[THETA] += ability_step(x[ANSWERS]) * error
    x[VARIANCE] = variance_after(x[VARIANCE], p)
    x[ANSWERS] += 1.0
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k < 0:
            break
        seen = SKILLS + SKILL_ANSWERS * n_skills + k
        x[SKILLS + k] += skill_step(x[seen]) * error
        x[seen] += 1.0
        x[SKILLS + SKILL_LAST * n_skills + k] = 1.0 if right else 0.0


@part
def _mastery_after(learnt: Any, bkt: Any, floor: Any, flags: Any) -> Any:
    if flags & COUNTED:
        slip = min(bkt[2], 0.3)
        guess = min(max(bkt[3], floor), 0.5)
        learnt = evidence_step(learnt, slip, guess, flags & RIGHT)
    if flags & LEARNING:
        learnt = learning_step(learnt, bkt[1], bkt[4])
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


# --- selection ---------------------------------------------------------------------------------
@part
def _find_unmastered(x: Any, mastery: Any, unmastered: Any) -> None:
    n = mastery.shape[0]
    for k in range(n):
        learnt = x[SKILLS + SKILL_LEARNT * n + k]
        answers = x[SKILLS + SKILL_ANSWERS * n + k]
        last = x[SKILLS + SKILL_LAST * n + k]
        unmastered[k] = 0 if is_mastered(learnt, answers, last, mastery[k]) else 1


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
    """The open skill of lowest P(L), ties in course order; -1 if none is open."""
    n = ready.shape[0]
    chosen, lowest = -1, 2.0
    for k in range(n):
        learnt = x[SKILLS + SKILL_LEARNT * n + k]
        if learnt < lowest and ready[k] & unmastered[k]:
            chosen, lowest = k, learnt
    return chosen


@part
def _weakest_with_items(x: Any, ready: Any, unmastered: Any, best: Any) -> Any:
    """The ready skill with an item longest unseen, then unmastered, then of lowest P(L); or -1."""
    n = ready.shape[0]
    chosen = -1
    highest: Any = 1
    lowest: Any = 2.0
    for k in range(n):
        if not ready[k] or not best[k]:
            continue
        age: Any = min(np.int64(best[k]), STALE + 1)
        rank = 2 * age + np.int64(unmastered[k])
        learnt = x[SKILLS + SKILL_LEARNT * n + k]
        if rank > highest or (rank == highest and learnt < lowest):
            chosen, highest, lowest = k, rank, learnt
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
def _draw(
    x: Any, d: Any, item_skills: Any, found: Any, count: Any, low: Any, high: Any, word: Any
) -> tuple[Any, Any]:
    """One of the five most informative candidates inside the band, else the nearest to it.

    Candidates are met in a rotated order, so that equal ones take turns. The pick's bias is
    below 2**-29: it scales 32 bits to at most five places.
    """
    items = np.empty(TOP, np.int64)
    chances = np.empty(TOP, np.float64)
    half = np.uint64(32)
    turn = int(((word & np.uint64(0xFFFFFFFF)) * np.uint64(count)) >> half)
    kept, near, near_p, gap = 0, found[turn], 0.0, 2.0
    for c in range(count):
        item = found[(turn + c) % count]
        p = expected(x, d, item_skills, item)
        away = max(low - p, p - high)
        if away > 0.0:
            if away < gap:
                near, near_p, gap = item, p, away
            continue
        place = kept
        while place > 0 and abs(chances[place - 1] - 0.5) > abs(p - 0.5):
            place -= 1
        if place < TOP:
            for e in range(min(kept, TOP - 1), place, -1):
                items[e], chances[e] = items[e - 1], chances[e - 1]
            items[place], chances[place] = item, p
            kept = min(kept + 1, TOP)
    if kept:
        pick = int(((word >> half) * np.uint64(kept)) >> half)
        return items[pick], chances[pick]
    return near, near_p


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


@kernel(
    f"UniTuple(float64, 7)(float64[::1], {_COURSE}, {_READ}, int64, int64, int64, uint64, uint64)"
)
def chosen(
    x: Any,
    d: Any,
    item_skills: Any,
    items_of: Any,
    needs_of: Any,
    mastery: Any,
    skill: Any,
    leaving: Any,
    exam: Any,
    word: Any,
    seed_word: Any,
) -> Any:
    """(item, seed, p, skill, P(L) of it, open skills, cause) of the next item; -1 is no item."""
    n = mastery.shape[0]
    unmastered = np.empty(n, np.uint8)
    ready = np.empty(n, np.uint8)
    age = np.empty(d.shape[0], np.uint8)
    found = np.empty(d.shape[0], np.int64)
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
    if count == 0:
        return -1.0, 0.0, 0.0, float(skill), 0.0, 0.0, float(cause)
    low = 0.0 if exam else BAND_LOW[int(x[BAND])]
    high = 1.0 if exam else BAND_HIGH[int(x[BAND])]
    item, p = _draw(x, d, item_skills, found, count, low, high, word)
    seed = _remember(x, item, seed_word)
    learnt = x[SKILLS + SKILL_LEARNT * n + skill]
    return float(item), seed, p, float(skill), learnt, float(n_open), float(cause)


@kernel(
    f"UniTuple(float64, 21)(float64[::1], {_COURSE}, {_READ2}, {_READ}, {_READ}, int64, int64,"
    " float64, uint64, uint64)"
)
def answered(
    x: Any,
    d: Any,
    item_skills: Any,
    items_of: Any,
    needs_of: Any,
    bkt: Any,
    mastery: Any,
    guess_floor: Any,
    item: Any,
    flags: Any,
    at_s: Any,
    word: Any,
    seed_word: Any,
) -> Any:
    """One answer taken in, and with NEXT set the next item; without flags nothing moves.

    Returns p, theta before and after, sd, band before and after, then (before, after) of P(L) for
    the item's four skills in the item's order, then what `chosen` returns.
    """
    n = mastery.shape[0]
    p = expected(x, d, item_skills, item)
    theta, band = x[THETA], x[BAND]
    pairs = np.zeros(8, np.float64)
    if flags:
        x[AT_S] = at_s
    if flags & COUNTED:
        _move_ability(x, item_skills, n, item, p, flags & RIGHT)
        _move_band(x, p, flags & RIGHT)
    for q in range(item_skills.shape[1]):
        k = item_skills[item, q]
        if k < 0:
            break
        at = SKILLS + SKILL_LEARNT * n + k
        pairs[2 * q] = x[at]
        x[at] = _mastery_after(x[at], bkt[k], guess_floor[item], flags)
        pairs[2 * q + 1] = x[at]
    choice = (-1.0, 0.0, 0.0, -1.0, 0.0, 0.0, float(NOTHING))
    if flags & NEXT:
        choice = chosen(
            x, d, item_skills, items_of, needs_of, mastery, -1, item, flags & EXAM, word, seed_word
        )
    moved = (pairs[0], pairs[1], pairs[2], pairs[3], pairs[4], pairs[5], pairs[6], pairs[7])
    live = (p, theta, x[THETA], np.sqrt(x[VARIANCE]), band, x[BAND])
    return live + moved + choice


def warm() -> None:
    """Runs every kernel once on the smallest course: one skill, one item."""
    sigmoid(0.0), ability_step(0.0), skill_step(0.0), item_step(0.0), variance_after(1.0, 0.5)
    evidence_step(0.25, 0.08, 0.12, 1), learning_step(0.25, 0.15, 0.02)
    is_mastered(0.25, 0.0, 0.0, 0.95)
    x = np.zeros(SKILLS + BLOCKS)
    x[VARIANCE] = 1.0
    d, ones = np.zeros(1), np.ones(1)
    skills = np.array([[0, -1, -1, -1]])
    items_of, needs_of = np.array([2, 3, 0]), np.array([2, 2])
    bkt = np.full((1, 5), 0.1)
    flags = RIGHT | COUNTED | LEARNING | NEXT | USED
    expected(x, d, skills, 0)
    chosen(x, d, skills, items_of, needs_of, ones, -1, -1, 0, 0, 0)
    answered(x, d, skills, items_of, needs_of, bkt, ones, d, 0, flags, 0.0, 0, 0)
