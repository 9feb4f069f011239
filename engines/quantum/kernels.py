"""The compiled loops of the scoring. This file is the answer's path of the density matrix.

One learner's state is one float64 array `x`: `[t, packed rho (d*d), z (S), last (S)]`, `last` -1
where never answered; `engines.quantum.state` owns its meaning outside. What was fitted comes in
three flat arrays, so that a call opens few of them: `physics` (float64, of the parameters),
`version` (float64, what moves with use: level logits with offsets, item difficulties) and `index`
(int64). Their blocks are named below; `engines.quantum.scoring` fills them. Kernels change the `x`
they are given (who calls copies) and check nothing.

Mathematics after Srinivasan, Gordon, Boots (2018), hidden quantum Markov models: an answer is a
measurement with the effects diag(e), diag(1 - e) in the skill's basis, e_j = sigmoid(c_j - b). A
sigmoid's exponential is kept as the product of two, so that an item costs one, not one a level.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

# --- the state: x[T_AT], rho from RHO on, then z, then last --------------------------------------
T_AT, RHO = 0, 1

# --- index: a head, the combination of each item (I), the neighbours of each skill (S, K) --------
LEVELS, SKILLS, ITEMS, SLOTS = 0, 1, 2, 3
Z0_AT, M_AT, EPS_AT, PLANES_AT, ROWS_AT = 4, 5, 6, 7, 8
"""Where blocks of `physics` begin."""
COMBINATIONS = 9

# --- physics: a head, then blocks ----------------------------------------------------------------
FORGETTING, WEIGHT, KAPPA = 0, 1, 2
LAGS_AT = 3
LAGS = 10
REGISTER_TRANSITION = LAGS_AT + LAGS
START = REGISTER_TRANSITION + 8
"""Then r0 (d); T (2, d, d); roots of T's diagonals (2, d); z0 (S); exp(-m) (S, 2); eps (S, K);
planes Re U, Im U, Re U^T, Im U^T of each skill (S, 4, d, d); rows that give the populations from
the packed rho (S, d*d, d)."""
# --- version: exp(-c) (S, d), exp(b) (I), c (S, d); c with offsets -------------------------------

# --- out of an answer, then z before and z after of each neighbour -------------------------------
P_G, P, ETA, GRADIENT, MOVED = 0, 1, 2, 3, 4

ODDS_LEAST, ODDS_MOST = math.exp(-20.0), math.exp(20.0)
"""A logit is clamped to 20 either way."""
P_LEAST = 1e-5
LOW, HIGH = 0.1, 0.9
"""Quantiles of the interval of mastery."""
HALVINGS = 60
UNMET = 2.0
"""Stands for the z of a skill that a batch has not met yet."""

_READ = "Array(float64, 1, 'C', readonly=True)"
_READ2 = "Array(float64, 2, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"
_FITTED = f"{_READ}, {_READ}, {_INTS}"


# --- pieces --------------------------------------------------------------------------------------
@part
def _effect(one: Any, other: Any) -> Any:
    """Sigmoid of u + v from one = exp(-u), other = exp(-v)."""
    return 1.0 / (1.0 + min(max(one * other, ODDS_LEAST), ODDS_MOST))


@part
def _against(physics: Any, p: Any) -> Any:
    """exp(-w logit(p)): what the effects of a register are made of (step 3)."""
    p = min(max(p, P_LEAST), 1.0 - P_LEAST)
    return math.exp(-physics[WEIGHT] * math.log(p / (1.0 - p)))


@part
def _register(x: Any, physics: Any, index: Any, s: Any) -> Any:
    """The z of skill s after forgetting; the gap's bucket is floor(log2), 9 at most (step 1)."""
    z_at = RHO + index[LEVELS] * index[LEVELS]
    last, k = x[z_at + index[SKILLS] + s], 0
    if last >= 0.0:
        gap = np.int64(x[T_AT]) - np.int64(last)
        while gap > 1 and k < LAGS - 1:
            gap >>= 1
            k += 1
    loss = physics[LAGS_AT + k]
    return (1.0 - loss) * x[z_at + s] + loss * physics[index[Z0_AT] + s]


@part
def _forgotten(x: Any, physics: Any, d: Any, r: Any) -> None:
    """Packed (1 - lambda) rho + lambda rho_0 into r (step 1)."""
    loss = physics[FORGETTING]
    for a in range(d * d):
        r[a] = (1.0 - loss) * x[RHO + a]
    for a in range(d):
        r[a] += loss * physics[START + a]


@part
def _populations(r: Any, physics: Any, index: Any, s: Any, q: Any, to: Any) -> None:
    """The diagonal of U R U^dagger of the packed r into q[to:]."""
    n, to = np.uint64(index[LEVELS]), np.uint64(to)
    at = np.uint64(index[ROWS_AT] + index[LEVELS] ** 3 * s)
    for j in range(n):
        q[to + j] = 0.0
    for a in range(n * n):
        for j in range(n):
            q[to + j] += r[a] * physics[at + a * n + j]


@part
def _product(d: Any, left: Any, a: Any, sign: Any, right: Any, b: Any, out: Any, o: Any) -> None:
    """out[o:] = left[a:] @ right[b:], d by d, imaginary parts d*d behind; sign -1: right conjugate.

    Additions go in the order of the inner index, whatever the machine. Unsigned places, for a
    signed one may count from the end and such loops do not become vectors: half the time.
    """
    n, a, b, o = np.uint64(d), np.uint64(a), np.uint64(b), np.uint64(o)
    nn = n * n
    for i in range(n):
        to, to_im = o + i * n, o + i * n + nn
        for k in range(n):
            out[to + k], out[to_im + k] = 0.0, 0.0
        for j in range(n):
            re, im = left[a + i * n + j], left[a + nn + i * n + j]
            own, other = sign * re, sign * im
            at, at_im = b + j * n, b + j * n + nn
            for k in range(n):
                out[to + k] += re * right[at + k] - other * right[at_im + k]
                out[to_im + k] += own * right[at_im + k] + im * right[at + k]


@part
def _turned(r: Any, physics: Any, index: Any, s: Any, work: Any) -> None:
    """U rho U^dagger of the packed r into work[2*d*d:]; work[:2*d*d] and [4*d*d:] are scratch."""
    d = index[LEVELS]
    dd = d * d
    u, w, at = index[PLANES_AT] + 4 * dd * s, 4 * dd, d
    for a in range(d):
        work[w + a * d + a] = r[a]
        work[w + dd + a * d + a] = 0.0
        for b in range(a + 1, d):
            re, im = r[at], r[at + (dd - d) // 2]
            at += 1
            work[w + a * d + b], work[w + dd + a * d + b] = re, im
            work[w + b * d + a], work[w + dd + b * d + a] = re, -im
    _product(d, physics, u, 1.0, work, w, work, 0)
    _product(d, work, 0, -1.0, physics, u + 2 * dd, work, 2 * dd)


@part
def _turned_back(x: Any, physics: Any, index: Any, s: Any, work: Any) -> None:
    """The state gets U^dagger R U of R in work[2*d*d:], with trace 1 (step 5); else scratch."""
    d = index[LEVELS]
    dd = d * d
    u, w = index[PLANES_AT] + 4 * dd * s, 4 * dd
    _product(d, work, 2 * dd, 1.0, physics, u, work, 0)
    # U^dagger X is the conjugate of U^T conj(X); its upper triangle is all that is read
    _product(d, physics, u + 2 * dd, -1.0, work, 0, work, w)
    trace, at = 0.0, RHO + d
    for a in range(d):
        trace += work[w + a * d + a]
    for a in range(d):
        x[RHO + a] = work[w + a * d + a] / trace
        for b in range(a + 1, d):
            x[at] = work[w + a * d + b] / trace
            x[at + (dd - d) // 2] = -work[w + dd + a * d + b] / trace
            at += 1


@part
def _measured(physics: Any, d: Any, y: Any, weight: Any, rate: Any, e: Any, work: Any) -> Any:
    """Lueders update and learning channel on R in work[2*d*d:] (steps 4, 5); returns p.

    `e` (3 d,) begins with the effects of y; `rate` is r_y. p = weight p_y + (1 - weight) r_y.
    """
    dd = d * d
    t_at, root_at = START + d + y * dd, START + d + 2 * dd + y * d
    p_y = 0.0
    for j in range(d):
        p_y += work[2 * dd + j * d + j] * e[j]
    blur = (1.0 - weight) * rate
    p = weight * p_y + blur
    if weight <= 0.0:  # no measurement, whatever the rate
        blur, p = 1.0, 1.0
    for j in range(d):
        e[d + j] = math.sqrt(max(0.0, e[j]))
        e[2 * d + j] = work[2 * dd + j * d + j] * (weight * e[j] + blur) / p
    for j in range(d):
        for k in range(j + 1, d):
            keep = physics[root_at + j] * physics[root_at + k]
            keep *= (weight * e[d + j] * e[d + k] + blur) / p
            re, im = keep * work[2 * dd + j * d + k], keep * work[3 * dd + j * d + k]
            work[2 * dd + j * d + k], work[3 * dd + j * d + k] = re, im
            work[2 * dd + k * d + j], work[3 * dd + k * d + j] = re, -im
        total = 0.0
        for k in range(d):
            total += physics[t_at + j * d + k] * e[2 * d + k]
        work[2 * dd + j * d + j], work[3 * dd + j * d + j] = total, 0.0
    return p


@part
def _linked(x: Any, physics: Any, index: Any, s: Any, z: Any, eta: Any, y: Any, out: Any) -> None:
    """Links, then the skill's own register; t goes on (steps 6 and 7)."""
    d, skills, slots = index[LEVELS], index[SKILLS], index[SLOTS]
    z_at, eps_at = RHO + d * d, index[EPS_AT] + s * slots
    kappa, rows = physics[KAPPA], COMBINATIONS + index[ITEMS] + s * slots
    for k in range(slots):
        v = index[rows + k]
        if v < 0:
            break
        before = x[z_at + v]
        after = before
        if kappa > 0.0 and eta != 0.0:
            room = math.sqrt(max(0.0, (1.0 - z * z) * (1.0 - before * before)))
            c = z * before + kappa * physics[eps_at + k] * room
            c = min(max(c, abs(z + before) - 1.0), 1.0 - abs(z - before))
            after = min(max((before + eta * c) / (1.0 + eta * z), -1.0), 1.0)
            x[z_at + v] = after
        out[MOVED + 2 * k], out[MOVED + 2 * k + 1] = before, after
    z = min(max((z + eta) / (1.0 + eta * z), -1.0), 1.0)
    t = REGISTER_TRANSITION + 4 * y + 2
    mastered = physics[t] * 0.5 * (1.0 - z) + physics[t + 1] * 0.5 * (1.0 + z)
    x[z_at + s] = min(max(2.0 * mastered - 1.0, -1.0), 1.0)
    x[z_at + skills + s] = x[T_AT]
    x[T_AT] += 1.0


@part
def _forecast(physics: Any, index: Any, s: Any, z: Any, p_g: Any) -> tuple[Any, Any, Any]:
    """(P, f_0, f_1) where the Born probability is p_g and the register, after forgetting, z."""
    odds, m_at = _against(physics, p_g), index[M_AT] + 2 * s
    f_0, f_1 = _effect(physics[m_at], odds), _effect(physics[m_at + 1], odds)
    return 0.5 * (1.0 - z) * f_0 + 0.5 * (1.0 + z) * f_1, f_0, f_1


@part
def _born(q: Any, at: Any, version: Any, d: Any, s: Any, odds: Any) -> Any:
    """Sum of q_j e_j at the difficulty ln(odds) (step 2)."""
    p_g = 0.0
    for j in range(d):
        p_g += q[at + j] * _effect(version[s * d + j], odds)
    return p_g


# --- answers -------------------------------------------------------------------------------------
@kernel(f"void(float64[::1], {_FITTED}, int64, int64, float64, float64, float64[::1])")
def answer(
    x: Any, physics: Any, version: Any, index: Any, item: Any, right: Any, weight: Any, guess: Any,
    out: Any,
) -> None:  # fmt: skip
    """One answer (right 1 or 0) taken into x, steps 1 to 7.

    `out` (MOVED + 2 K,): p_G and P before the answer, eta, the gradient (see
    `engines.quantum.scoring.Outcome`), z before and after of each neighbour.
    """
    d, s, y = index[LEVELS], index[COMBINATIONS + item], 1 if right else 0
    dd, odds = d * d, version[index[SKILLS] * d + item]
    work, r, e = np.empty(6 * dd), np.empty(dd), np.empty(3 * d)
    _forgotten(x, physics, d, r)
    _turned(r, physics, index, s, work)
    p_g, pull = 0.0, 0.0
    for j in range(d):
        q, effect = work[2 * dd + j * d + j], _effect(version[s * d + j], odds)
        p_g += q * effect
        e[j] = effect if y else 1.0 - effect
        pull += q * e[j] * (y - effect)
    z = _register(x, physics, index, s)
    out[P_G] = p_g
    out[P], f_0, f_1 = _forecast(physics, index, s, z, p_g)
    rate = guess if y else 1.0 - guess
    out[GRADIENT] = weight * pull / _measured(physics, d, y, weight, rate, e, work)
    _turned_back(x, physics, index, s, work)
    eta = 0.0
    if weight > 0.0:
        a_0, a_1 = (f_0, f_1) if y else (1.0 - f_0, 1.0 - f_1)
        eta = weight * (a_1 - a_0) / (weight * (a_1 + a_0) + 2.0 * (1.0 - weight) * rate)
    out[ETA] = eta
    _linked(x, physics, index, s, z, eta, y, out)


@kernel(f"void(float64[::1], {_FITTED}, {_INTS}, {_INTS}, {_READ}, {_READ}, float64[:,::1])")
def answer_all(
    x: Any, physics: Any, version: Any, index: Any, items: Any, right: Any, weight: Any,
    guess: Any, out: Any,
) -> None:  # fmt: skip
    """Answers one after another; `out` (2, n) becomes p_G and P before each."""
    told = np.empty(MOVED + 2 * index[SLOTS])
    for n in range(items.shape[0]):
        answer(x, physics, version, index, items[n], right[n], weight[n], guess[n], told)
        out[0, n], out[1, n] = told[P_G], told[P]


# --- candidates: what depends on the skill is made once a skill, then O(d) an item ---------------
@kernel(f"void({_READ}, {_FITTED}, {_INTS}, float64[:,::1])")
def score(x: Any, physics: Any, version: Any, index: Any, items: Any, out: Any) -> None:
    """Forecasts of n items: `out` (2, n) becomes p_G and P."""
    d, skills = index[LEVELS], index[SKILLS]
    r, q, z = np.empty(d * d), np.empty(d * skills), np.full(skills, UNMET)
    _forgotten(x, physics, d, r)
    for n in range(items.shape[0]):
        s = index[COMBINATIONS + items[n]]
        if z[s] == UNMET:
            _populations(r, physics, index, s, q, s * d)
            z[s] = _register(x, physics, index, s)
        p_g = _born(q, s * d, version, d, s, version[skills * d + items[n]])
        out[0, n] = p_g
        out[1, n] = _forecast(physics, index, s, z[s], p_g)[0]


@kernel(f"void({_READ}, {_FITTED}, {_INTS}, float64[::1])")
def informed(x: Any, physics: Any, version: Any, index: Any, items: Any, out: Any) -> None:
    """Information value of n items: expected gain of purity by step 4, of G plus of the register.

    G: sum_y Tr(unnormalised rho_y^2)/p_y - Tr rho^2. With e_j = p_1 + v_j it is
    sum_jk v_j v_k |R_jk|^2 / (p_1 p_0): nothing cancels. Register: half the variance of z_y.
    """
    d, skills = index[LEVELS], index[SKILLS]
    dd = d * d
    r, q, z = np.empty(dd), np.empty(d * skills), np.full(skills, UNMET)
    squares, work, v = np.empty(dd * skills), np.empty(6 * dd), np.empty(d)
    _forgotten(x, physics, d, r)
    for n in range(items.shape[0]):
        s = index[COMBINATIONS + items[n]]
        if z[s] == UNMET:
            z[s] = _register(x, physics, index, s)
            _turned(r, physics, index, s, work)
            for j in range(dd):
                squares[s * dd + j] = work[2 * dd + j] ** 2 + work[3 * dd + j] ** 2
            for j in range(d):
                q[s * d + j] = work[2 * dd + j * d + j]
        odds, p_g, gain = version[skills * d + items[n]], 0.0, 0.0
        for j in range(d):
            v[j] = _effect(version[s * d + j], odds)
            p_g += q[s * d + j] * v[j]
        for j in range(d):
            v[j] -= p_g
            row = 0.5 * v[j] * squares[s * dd + j * d + j]
            for k in range(j):
                row += v[k] * squares[s * dd + j * d + k]
            gain += 2.0 * v[j] * row
        p, f_0, f_1 = _forecast(physics, index, s, z[s], p_g)
        apart = 0.5 * (1.0 - z[s] * z[s]) * (f_1 - f_0)
        out[n] = gain / (p_g * (1.0 - p_g)) + 0.5 * apart * apart / (p * (1.0 - p))


@kernel(f"void({_READ}, {_FITTED}, {_INTS}, float64[::1])")
def narrowed(x: Any, physics: Any, version: Any, index: Any, items: Any, out: Any) -> None:
    """Expected fall of the variance of the level logits c by each of n items.

    It is the variance of their mean after the answer: (sum_j q_j (e_j - p_G) c_j)^2 / (p_1 p_0).
    """
    d, skills = index[LEVELS], index[SKILLS]
    r, q, met = np.empty(d * d), np.empty(d * skills), np.zeros(skills, np.uint8)
    c_at = skills * d + index[ITEMS]
    _forgotten(x, physics, d, r)
    for n in range(items.shape[0]):
        s = index[COMBINATIONS + items[n]]
        if not met[s]:
            _populations(r, physics, index, s, q, s * d)
            met[s] = 1
        odds, along = version[skills * d + items[n]], 0.0
        p_g = _born(q, s * d, version, d, s, odds)
        for j in range(d):
            e = _effect(version[s * d + j], odds)
            along += q[s * d + j] * (e - p_g) * version[c_at + s * d + j]
        out[n] = along * along / (p_g * (1.0 - p_g))


@kernel(f"float64({_READ}, {_FITTED}, int64, int64)")
def interfered(x: Any, physics: Any, version: Any, index: Any, item: Any, skill: Any) -> Any:
    """Tr(E rho) - Tr(E D(rho)): D deletes coherence in another skill's basis (interference)."""
    d, s = index[LEVELS], index[COMBINATIONS + item]
    dd, at, found = d * d, index[PLANES_AT], 0.0
    r, q, other, work = np.empty(dd), np.empty(d), np.empty(d), np.empty(2 * dd)
    _forgotten(x, physics, d, r)
    _populations(r, physics, index, s, q, 0)
    _populations(r, physics, index, skill, other, 0)
    _product(d, physics, at + 4 * dd * s, -1.0, physics, at + 4 * dd * skill + 2 * dd, work, 0)
    for j in range(d):
        for k in range(d):
            q[j] -= (work[j * d + k] ** 2 + work[dd + j * d + k] ** 2) * other[k]
        found += q[j] * _effect(version[s * d + j], version[index[SKILLS] * d + item])
    return found


# --- one skill -----------------------------------------------------------------------------------
@kernel(f"UniTuple(float64, 2)({_READ}, {_FITTED}, int64)")
def theta(x: Any, physics: Any, version: Any, index: Any, skill: Any) -> Any:
    """Mean and standard deviation of the level logits under the populations."""
    d = index[LEVELS]
    c_at = (index[SKILLS] + skill) * d + index[ITEMS]
    r, q = np.empty(d * d), np.empty(d)
    _forgotten(x, physics, d, r)
    _populations(r, physics, index, skill, q, 0)
    mean, square = 0.0, 0.0
    for j in range(d):
        mean += q[j] * version[c_at + j]
    for j in range(d):
        square += q[j] * (version[c_at + j] - mean) ** 2
    return mean, math.sqrt(max(0.0, square))


@part
def _quantiles(values: Any, weights: Any, n: Any) -> Any:
    """The least values that LOW and HIGH of the weight lie at or below; sorts both in place."""
    total = 0.0
    for i in range(n):
        value, weight, at = values[i], weights[i], i
        total += weight
        while at > 0 and values[at - 1] > value:
            values[at], weights[at] = values[at - 1], weights[at - 1]
            at -= 1
        values[at], weights[at] = value, weight
    low, high, reached = values[n - 1], values[n - 1], 0.0
    for i in range(n - 1):
        below = reached
        reached += weights[i]
        if below < LOW * total <= reached:
            low = values[i]
        if below < HIGH * total <= reached:
            high = values[i]
    return low, high


@kernel(f"void({_READ}, {_FITTED}, {_READ2}, float64[:,::1])")
def mastery_all(x: Any, physics: Any, version: Any, index: Any, references: Any, out: Any) -> None:
    """P, low, high on n reference items (skill, difficulty); `out` is (n, 3).

    Low and high: quantiles of sigmoid(m + w logit(e_j)) under the weights q_j P(m), widened to
    hold P where the weight is lopsided.
    """
    d = index[LEVELS]
    r, q, values, weights = np.empty(d * d), np.empty(d), np.empty(2 * d), np.empty(2 * d)
    _forgotten(x, physics, d, r)
    for n in range(references.shape[0]):
        s, hard = np.int64(references[n, 0]), math.exp(references[n, 1])
        _populations(r, physics, index, s, q, 0)
        z, p_g = _register(x, physics, index, s), 0.0
        for j in range(d):
            e = _effect(version[s * d + j], hard)
            p_g += q[j] * e
            _, values[j], values[d + j] = _forecast(physics, index, s, z, e)
            weights[j] = max(0.0, q[j]) * 0.5 * (1.0 - z)
            weights[d + j] = max(0.0, q[j]) * 0.5 * (1.0 + z)
        p = _forecast(physics, index, s, z, p_g)[0]
        low, high = _quantiles(values, weights, 2 * d)
        out[n, 0], out[n, 1], out[n, 2] = p, min(low, p), max(high, p)


@kernel(f"UniTuple(float64, 2)({_READ}, {_FITTED}, int64, float64, float64)")
def target(x: Any, physics: Any, version: Any, index: Any, skill: Any, low: Any, high: Any) -> Any:
    """(b where P meets `high`, b where it meets `low`), by bisection: P falls in b where w > 0.

    An end that P does not reach is the end of the range in which b matters.
    """
    d = index[LEVELS]
    c_at = (index[SKILLS] + skill) * d + index[ITEMS]
    r, q, found = np.empty(d * d), np.empty(d), np.empty(2)
    _forgotten(x, physics, d, r)
    _populations(r, physics, index, skill, q, 0)
    z = _register(x, physics, index, skill)
    for end in range(2):
        p = low if end else high
        least, most = version[c_at], version[c_at]
        for j in range(d):
            least, most = min(least, version[c_at + j]), max(most, version[c_at + j])
        least, most = least - 20.0, most + 20.0
        for _ in range(HALVINGS):
            b = 0.5 * (least + most)
            p_g = _born(q, 0, version, d, skill, math.exp(b))
            if _forecast(physics, index, skill, z, p_g)[0] >= p:
                least = b
            else:
                most = b
        found[end] = 0.5 * (least + most)
    return found[0], found[1]


def warm() -> None:
    """Runs every kernel once on the smallest problem: one skill, one item, one level, one slot."""
    head = [0.0, 1.0, 0.0, *[0.0] * LAGS, *[1.0, 0.0, 0.0, 1.0] * 2]
    start, registers, turning = [1.0] * 5, [0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0, 1.0]
    physics = np.array([*head, *start, *registers, *turning])
    z0 = len(head) + len(start)
    index = np.array([1, 1, 1, 1, z0, z0 + 1, z0 + 3, z0 + 4, z0 + 8, 0, -1])
    version, x = np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, -1.0])
    items, ones = np.zeros(1, np.int64), np.ones(1)
    fitted = (physics, version, index)
    answer(x, *fitted, 0, 1, 1.0, 0.0, np.empty(MOVED + 2))
    answer_all(x, *fitted, items, items, ones, ones, np.empty((2, 1)))
    score(x, *fitted, items, np.empty((2, 1)))
    informed(x, *fitted, items, np.empty(1))
    narrowed(x, *fitted, items, np.empty(1))
    theta(x, *fitted, 0), interfered(x, *fitted, 0, 0)
    mastery_all(x, *fitted, np.zeros((1, 2)), np.empty((1, 3)))
    target(x, *fitted, 0, 0.2, 0.8)
