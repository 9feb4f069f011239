"""The compiled loops of the final stage. This file is the layout of its arrays and its features.

A learner's final-stage state is one float64 array `f`:
`[theta, t, W, last_s, before_s, ring item (16), ring residual (16), n_k (S), last_k (S),
theta_k (S)]` with S component skills; times are NaN where never or not known. The answer number t
is in slot t mod 16 of the ring; an empty slot holds item -1. What was fitted comes as `real`
(float64) and `whole` (int64), whose blocks are named below; `engines.quantum.final.stage` fills
them. `real` is a head (Elo steps), the weights of the features, the tables of the items, the
numbers of the trees. Kernels check nothing and change the `f` they are given.

Elo with a rate that falls: Pelanek (2016). Recency features: after Galyardt & Goldin (2015).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

# --- the state -----------------------------------------------------------------------------------
THETA, T_AT, WON, LAST_S, BEFORE_S = 0, 1, 2, 3, 4
RING = 16
RING_ITEM, RING_LEFT, SKILLS_AT = 5, 5 + RING, 5 + 2 * RING
"""Then n_k (S), last_k (S), theta_k (S)."""

# --- features, before the answer -----------------------------------------------------------------
X, X_G, XX, UX = 0, 1, 2, 3
ELO = 4
"""theta, mean theta_k, d_i, seen, kc, ln(1 + W), ta, x ta, x kc, ta^2, kc^2, x seen."""
TIMES = 16
"""Long gap: ln(g / 1800) / 10 and 1; the same of the latest skill; ln(1 + previous gap) / 5."""
ITEM = 21
"""In the ring, last outcome, its residual, ln(1 + count), ln(2 + age) / 3, x in."""
FAMILY = 27
"""Residuals near: 1/(1+D/3); D <= 5, count; D <= 40, count; combination, weight; the previous
answer: near, near r, one step on, one step back, ln(1 + D) / 10."""
FEATURES = 39

# --- real: a head, weights (FEATURES), item tables (I, 4), then trees ----------------------------
A, B, C, A_K, B_K, C_K, EASE, EASE_FALL = 0, 1, 2, 3, 4, 5, 6, 7
WEIGHTS = 8
TABLES = WEIGHTS + FEATURES
LEVEL, DIFFICULTY, RARE, POSITION = 0, 1, 2, 3
"""beta_0 + h_i; Elo's d_i; u_i; pos_i."""
COLUMNS = 4

# --- whole: a head, combination of each item (I), ragged parts of each combination, trees ---------
SKILLS, ITEMS, POSITIONS, PARTS_AT, TREES, NODES_AT, NUMBERS_AT = 0, 1, 2, 3, 4, 5, 6
COMBINATIONS = 7
"""At NODES_AT the roots (TREES), then three a node: column, left, right; numbers in `real`."""
TREE_COLUMNS = 38
"""What trees see: the logit, x, x_G, then the features from `ELO` on."""

PAUSE_S = 1800.0
"""A gap longer than this is a pause; a shorter one may hold the response time and is not read."""
P_LEAST = 1e-5
LOGIT_MOST = 20.0

_READ = "Array(float64, 1, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"


# --- pieces --------------------------------------------------------------------------------------
@part
def _logit(p: Any) -> Any:
    p = min(max(p, P_LEAST), 1.0 - P_LEAST)
    return math.log(p / (1.0 - p))


@part
def _sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + math.exp(-min(max(z, -LOGIT_MOST), LOGIT_MOST)))


@part
def _elo(f: Any, whole: Any, item: Any, now_s: Any, v: Any) -> Any:
    """Skills' part: mean theta_k, seen, kc into v; returns the gap since the latest of them."""
    skills, parts = whole[SKILLS], whole[PARTS_AT]
    c = whole[COMBINATIONS + item]
    first, end = parts + whole[parts + c], parts + whole[parts + c + 1]
    mean, counts, seen, gap = 0.0, 0.0, 0.0, math.inf
    for at in range(first, end):
        k = SKILLS_AT + whole[at]
        mean += f[k + 2 * skills]
        if f[k] > 0.0:
            seen = 1.0
            counts += math.log(1.0 + f[k])
            gap = min(gap, now_s - f[k + skills])
    v[ELO + 1], v[ELO + 3], v[ELO + 4] = mean / (end - first), seen, counts / (end - first)
    return gap


@part
def _pauses(f: Any, now_s: Any, gap: Any, v: Any) -> None:
    since, previous = now_s - f[LAST_S], f[LAST_S] - f[BEFORE_S]
    for n in range(5):
        v[TIMES + n] = 0.0
    if since > PAUSE_S:
        v[TIMES], v[TIMES + 1] = math.log(since / PAUSE_S) / 10.0, 1.0
    if PAUSE_S < gap < math.inf:
        v[TIMES + 2], v[TIMES + 3] = math.log(gap / PAUSE_S) / 10.0, 1.0
    if previous > 0.0:
        v[TIMES + 4] = math.log(1.0 + min(previous, PAUSE_S)) / 5.0


@part
def _remembered(f: Any, item: Any, x: Any, v: Any) -> None:
    """The ring's answers to this very item."""
    t, count = np.int64(f[T_AT]), 0.0
    for n in range(6):
        v[ITEM + n] = 0.0
    for age in range(min(t, np.int64(RING))):
        at = (t - 1 - age) % RING
        if f[RING_ITEM + at] == item:
            if count == 0.0:
                r = f[RING_LEFT + at]
                v[ITEM], v[ITEM + 1], v[ITEM + 2] = 1.0, 1.0 if r > 0.0 else -1.0, r
                v[ITEM + 4], v[ITEM + 5] = math.log(2.0 + age) / 3.0, x
            count += 1.0
    if count > 0.0:
        v[ITEM + 3] = math.log(1.0 + count)


@part
def _family(f: Any, real: Any, whole: Any, item: Any, v: Any) -> None:
    """The ring's answers to items that stand near in the course."""
    here = real[TABLES + COLUMNS * item + POSITION]
    c = whole[COMBINATIONS + item]
    r_3, k_3, r_5, k_5, r_40, k_40, r_c, k_c = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    t = np.int64(f[T_AT])
    for age in range(min(t, np.int64(RING))):
        at = (t - 1 - age) % RING
        other, r = np.int64(f[RING_ITEM + at]), f[RING_LEFT + at]
        far = abs(here - real[TABLES + COLUMNS * other + POSITION])
        k = 3.0 / (3.0 + far)
        r_3, k_3 = r_3 + r * k, k_3 + k
        if far <= 40.0:
            r_40, k_40 = r_40 + r, k_40 + 1.0
            if far <= 5.0:
                r_5, k_5 = r_5 + r, k_5 + 1.0
        if whole[COMBINATIONS + other] == c:
            k = 20.0 / (20.0 + far)
            r_c, k_c = r_c + r * k, k_c + k
    v[FAMILY] = r_3 / (1.0 + k_3)
    v[FAMILY + 1], v[FAMILY + 2] = r_5 / (1.0 + k_5), math.log(1.0 + k_5)
    v[FAMILY + 3], v[FAMILY + 4] = r_40 / (1.0 + k_40), math.log(1.0 + k_40)
    v[FAMILY + 5], v[FAMILY + 6] = r_c / (1.0 + k_c), k_c / (1.0 + k_c)
    for n in range(7, 12):
        v[FAMILY + n] = 0.0
    if t > 0:
        at = (t - 1) % RING
        step = here - real[TABLES + COLUMNS * np.int64(f[RING_ITEM + at]) + POSITION]
        if abs(step) <= 5.0:
            v[FAMILY + 7], v[FAMILY + 8] = 1.0, f[RING_LEFT + at]
        v[FAMILY + 9], v[FAMILY + 10] = 1.0 * (step == 1.0), 1.0 * (step == -1.0)
        v[FAMILY + 11] = math.log(1.0 + abs(step)) / 10.0


@part
def _features(
    f: Any, real: Any, whole: Any, item: Any, x: Any, x_g: Any, now_s: Any, v: Any
) -> None:  # fmt: skip
    """All features of an answer to `item` at now_s into v (FEATURES,)."""
    table = TABLES + COLUMNS * item
    v[X], v[X_G], v[XX], v[UX] = x, x_g, x * x, x * real[table + RARE]
    gap = _elo(f, whole, item, now_s, v)
    seen, kc, ta = v[ELO + 3], v[ELO + 4], math.log(1.0 + f[T_AT])
    v[ELO], v[ELO + 2] = f[THETA], real[table + DIFFICULTY]
    v[ELO + 5], v[ELO + 6] = math.log(1.0 + f[WON]), ta
    v[ELO + 7], v[ELO + 8], v[ELO + 9] = x * ta, x * kc, ta * ta
    v[ELO + 10], v[ELO + 11] = kc * kc, x * seen
    _pauses(f, now_s, gap, v)
    _remembered(f, item, x, v)
    if whole[POSITIONS]:
        _family(f, real, whole, item, v)
    else:
        for n in range(FAMILY, FEATURES):
            v[n] = 0.0


@part
def _update(
    f: Any, real: Any, whole: Any, item: Any, thb: Any, p: Any, y: Any, now_s: Any
) -> Any:  # fmt: skip
    """The answer y taken in; p is the engine's forecast. Returns Elo's residual."""
    skills, parts = whole[SKILLS], whole[PARTS_AT]
    c = whole[COMBINATIONS + item]
    e = y - _sigmoid(f[THETA] + thb - real[TABLES + COLUMNS * item + DIFFICULTY])
    t = f[T_AT]
    for at in range(parts + whole[parts + c], parts + whole[parts + c + 1]):
        k = SKILLS_AT + whole[at]
        f[k + 2 * skills] += (real[A_K] / (1.0 + real[B_K] * f[k]) + real[C_K]) * e
        f[k] += 1.0
        f[k + skills] = now_s
    f[THETA] += (real[A] / (1.0 + real[B] * t) + real[C]) * e
    slot = np.int64(t) % RING
    f[RING_ITEM + slot], f[RING_LEFT + slot] = item, y - p
    f[T_AT] = t + 1.0
    f[WON] += y
    f[BEFORE_S], f[LAST_S] = f[LAST_S], now_s
    return e


@part
def _fresh(f: Any) -> None:
    f[:] = 0.0
    f[LAST_S : BEFORE_S + 1] = math.nan
    f[RING_ITEM:RING_LEFT] = -1.0
    skills = (f.shape[0] - SKILLS_AT) // 3
    f[SKILLS_AT + skills : SKILLS_AT + 2 * skills] = math.nan


@part
def _input(v: Any, z: Any, column: Any) -> Any:
    """What a tree sees in a column."""
    if column == 0:
        return z
    return v[column - 1] if column < 3 else v[column + 1]


@part
def _logit_after(real: Any, whole: Any, item: Any, v: Any) -> Any:
    """The stage's logit from the features v: item's level, weights, trees."""
    z = real[TABLES + COLUMNS * item + LEVEL]
    for n in range(FEATURES):
        z += real[WEIGHTS + n] * v[n]
    trees, nodes, numbers = whole[TREES], whole[NODES_AT], whole[NUMBERS_AT]
    more = 0.0
    for tree in range(trees):
        at = whole[nodes + tree]
        column = whole[nodes + trees + 3 * at]
        while column >= 0:
            low = _input(v, z, column) <= real[numbers + at]
            at = whole[nodes + trees + 3 * at + (1 if low else 2)]
            column = whole[nodes + trees + 3 * at]
        more += real[numbers + at]
    return z + more


# --- live ----------------------------------------------------------------------------------------
@kernel(f"void({_READ}, {_READ}, {_INTS}, {_INTS}, {_READ}, {_READ}, float64, float64[::1])")
def forecast(
    f: Any, real: Any, whole: Any, items: Any, p: Any, p_g: Any, now_s: Any, out: Any
) -> None:
    """Forecasts P' of n candidate items at now_s (NaN: not known), into out (n,)."""
    v = np.empty(FEATURES)
    for n in range(items.shape[0]):
        _features(f, real, whole, items[n], _logit(p[n]), _logit(p_g[n]), now_s, v)
        out[n] = _sigmoid(_logit_after(real, whole, items[n], v))


@kernel(f"float64(float64[::1], {_READ}, {_INTS}, int64, float64, float64, float64, float64)")
def answer(
    f: Any, real: Any, whole: Any, item: Any, p: Any, p_g: Any, right: Any, now_s: Any
) -> Any:
    """One answer taken into f; returns P', the forecast before it. p and p_g are the engine's."""
    v = np.empty(FEATURES)
    _features(f, real, whole, item, _logit(p), _logit(p_g), now_s, v)
    told = _sigmoid(_logit_after(real, whole, item, v))
    _update(f, real, whole, item, v[ELO + 1], p, right, now_s)
    return told


# --- batch ---------------------------------------------------------------------------------------
@kernel(
    f"void({_READ}, {_INTS}, {_INTS}, {_INTS}, {_INTS}, {_READ}, {_READ}, {_READ}, float64[:,::1])"
)
def rows(
    real: Any, whole: Any, starts: Any, items: Any, right: Any, p: Any, p_g: Any, at_s: Any,
    out: Any,
) -> None:  # fmt: skip
    """Features before each answer: learner u has rows `starts[u]:starts[u + 1]`, from afresh."""
    f = np.empty(SKILLS_AT + 3 * whole[SKILLS])
    for u in range(starts.shape[0] - 1):
        _fresh(f)
        for n in range(starts[u], starts[u + 1]):
            v = out[n]
            _features(f, real, whole, items[n], _logit(p[n]), _logit(p_g[n]), at_s[n], v)
            _update(f, real, whole, items[n], v[ELO + 1], p[n], float(right[n]), at_s[n])


@kernel(f"void(float64[::1], {_INTS}, {_INTS}, {_INTS}, {_INTS}, float64[::1], float64[::1])")
def elo(
    real: Any, whole: Any, starts: Any, items: Any, right: Any, n_item: Any, out: Any
) -> None:  # fmt: skip
    """One pass of Elo over learners, difficulties in `real` moving; `out` (n,) becomes p."""
    f, v = np.empty(SKILLS_AT + 3 * whole[SKILLS]), np.zeros(FEATURES)
    for u in range(starts.shape[0] - 1):
        _fresh(f)
        for n in range(starts[u], starts[u + 1]):
            i, y = items[n], float(right[n])
            _elo(f, whole, i, math.nan, v)
            d = TABLES + COLUMNS * i + DIFFICULTY
            out[n] = _sigmoid(f[THETA] + v[ELO + 1] - real[d])
            e = _update(f, real, whole, i, v[ELO + 1], out[n], y, math.nan)
            real[d] -= real[EASE] / (1.0 + real[EASE_FALL] * n_item[i]) * e
            n_item[i] += 1.0


@kernel(f"void({_READ}, {_INTS}, {_INTS}, Array(float64, 2, 'C', readonly=True), float64[::1])")
def judged(real: Any, whole: Any, items: Any, v: Any, out: Any) -> None:
    """Forecasts P' of n rows of features v (n, FEATURES), into out (n,)."""
    for n in range(items.shape[0]):
        out[n] = _sigmoid(_logit_after(real, whole, items[n], v[n]))


def warm() -> None:
    """Runs the live kernels once on the smallest problem: one skill, one item, no tree."""
    whole = np.array([1, 1, 0, 8, 0, 11, TABLES + COLUMNS, 0, 2, 3, 0])
    real = np.zeros(TABLES + COLUMNS)
    f, one = np.zeros(SKILLS_AT + 3), np.full(1, 0.5)
    f[RING_ITEM:RING_LEFT] = -1.0
    forecast(f, real, whole, np.zeros(1, np.int64), one, one, math.nan, np.empty(1))
    answer(f, real, whole, 0, 0.5, 0.5, 1.0, math.nan)
