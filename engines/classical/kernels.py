"""The compiled loops of the classical models. This file is one pass over learners a model.

Each walks learner by learner, answer by answer; what is written for an answer is computed before
its outcome is taken in. Rows of one learner stand together: learner u has `starts[u]:starts[u+1]`.
`parts` is ragged (`engines.words.ragged`): row c holds the component skills of combination c.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

_INTS = "Array(int64, 1, 'C', readonly=True)"
_FLOATS = "Array(float64, 1, 'C', readonly=True)"
_FLOATS2 = "Array(float64, 2, 'C', readonly=True)"
_ROWS = f"{_INTS}, {_INTS}, {_INTS}, {_INTS}"
"""Starts, item, combination, right."""
LOGIT_MOST = 30.0
RECENCY = 12
"""Recency features of one answer, see `recency`."""
GLOBAL_KEEP = (0.7, 0.9, 0.97)
SKILL_KEEP = (0.6, 0.85)
STREAK_MOST = 5.0
INIT, LEARN, FORGET, GUESS, SLIP = 0, 1, 2, 3, 4
"""Columns of the parameters of Bayesian knowledge tracing."""
EVENTS = 10
"""Expected counts of one combination, two for each parameter: event, no event."""
FAINT = 1e-30
"""Least weight of an ability: past and future of a long record may rule each other out."""


@part
def _sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-min(max(z, -LOGIT_MOST), LOGIT_MOST)))


# --- counts ------------------------------------------------------------------------------------
@kernel(f"void({_INTS}, {_INTS}, {_INTS}, {_INTS}, int64, float64[::1], float64[::1], {_INTS}, "
        "float64[:, ::1])")  # fmt: skip
def counted(
    starts: Any, combination: Any, right: Any, parts: Any, n_skills: Any, rights: Any, tries: Any,
    at: Any, total: Any,
) -> None:  # fmt: skip
    """Rights and tries so far on each component of each answer's combination, and in all.

    Row n's components go to `rights[at[n]:at[n + 1]]`, `tries[...]`, in the order of `parts`;
    `total[n]` is (rights, tries) of the learner.
    """
    won, tried = np.zeros(n_skills), np.zeros(n_skills)
    for u in range(starts.shape[0] - 1):
        won[:] = 0.0
        tried[:] = 0.0
        all_won = 0.0
        for n in range(starts[u], starts[u + 1]):
            first, end = parts[combination[n]], parts[combination[n] + 1]
            total[n, 0], total[n, 1] = all_won, float(n - starts[u])
            for q in range(first, end):
                rights[at[n] + q - first] = won[parts[q]]
                tries[at[n] + q - first] = tried[parts[q]]
            for q in range(first, end):
                won[parts[q]] += right[n]
                tried[parts[q]] += 1.0
            all_won += right[n]


# --- Elo ---------------------------------------------------------------------------------------
@kernel(f"void({_ROWS}, {_INTS}, int64, {_FLOATS}, int64, float64[::1], float64[::1], "
        "float64[:, ::1])")  # fmt: skip
def rated(
    starts: Any, item: Any, combination: Any, right: Any, parts: Any, n_skills: Any,
    steps: Any, learn: Any, d: Any, n_item: Any, out: Any,
) -> None:  # fmt: skip
    """Elo's ability theta and mean theta_k of an answer's components, before it, into `out` (n, 2).

    `steps` is (a, b, c, a2, b2, c2, ai, bi): theta moves by a/(1 + b n) + c, theta_k by a2, b2, c2.
    With `learn` the difficulties `d` (I,) move too, by ai/(1 + bi n_item), and counts go up.
    """
    own, met = np.zeros(n_skills), np.zeros(n_skills)
    for u in range(starts.shape[0] - 1):
        own[:] = 0.0
        met[:] = 0.0
        theta = 0.0
        for n in range(starts[u], starts[u + 1]):
            first, end = parts[combination[n]], parts[combination[n] + 1]
            mean = 0.0
            for q in range(first, end):
                mean += own[parts[q]]
            mean /= float(end - first)
            i = item[n]
            out[n, 0], out[n, 1] = theta, mean
            surprise = right[n] - _sigmoid(theta + mean - d[i])
            theta += (steps[0] / (1.0 + steps[1] * float(n - starts[u])) + steps[2]) * surprise
            for q in range(first, end):
                k = parts[q]
                own[k] += (steps[3] / (1.0 + steps[4] * met[k]) + steps[5]) * surprise
                met[k] += 1.0
            if learn:
                d[i] -= steps[6] / (1.0 + steps[7] * n_item[i]) * surprise
                n_item[i] += 1.0


# --- recency -----------------------------------------------------------------------------------
@kernel(f"void({_ROWS}, {_INTS}, int64, int64, float64, float64[:, ::1])")
def recency(
    starts: Any, item: Any, combination: Any, right: Any, parts: Any, n_skills: Any, n_items: Any,
    rate: Any, out: Any,
) -> None:  # fmt: skip
    """What a learner's latest answers say, before each answer, into `out` (n, 12).

    Columns: ln(1 + rights), ln(1 + tries), averages of y that keep .7, .9, .97 of the old value,
    less `rate`; of the combination's components, in the mean: averages that keep .6, .85, less
    `rate`, seen, last outcome; of the item: last outcome, seen; the streak in [-1, 1]. Outcomes
    are +1 and -1, 0 where there is none; averages begin at `rate`.
    """
    fast, slow = np.zeros(n_skills), np.zeros(n_skills)
    last = np.zeros(n_skills)
    last_on, owner = np.zeros(n_items), np.full(n_items, -1)
    average = np.zeros(3)
    for u in range(starts.shape[0] - 1):
        fast[:] = 0.0
        slow[:] = 0.0
        last[:] = 0.0
        average[:] = 0.0
        rights = 0.0
        streak = 0.0
        for n in range(starts[u], starts[u + 1]):
            row = out[n]
            i = item[n]
            first, end = parts[combination[n]], parts[combination[n] + 1]
            share = 1.0 / float(end - first)
            row[0], row[1] = np.log1p(rights), np.log1p(float(n - starts[u]))
            for e in range(3):
                row[2 + e] = average[e]
            for c in range(5, 9):
                row[c] = 0.0
            for q in range(first, end):
                k = parts[q]
                row[5] += share * fast[k]
                row[6] += share * slow[k]
                row[7] += share * abs(last[k])
                row[8] += share * last[k]
            row[9] = last_on[i] if owner[i] == u else 0.0
            row[10] = 1.0 if owner[i] == u else 0.0
            row[11] = min(max(streak, -STREAK_MOST), STREAK_MOST) / STREAK_MOST
            y = float(right[n])
            sign = 2.0 * y - 1.0
            for e in range(3):
                average[e] += (1.0 - GLOBAL_KEEP[e]) * (y - rate - average[e])
            for q in range(first, end):
                k = parts[q]
                fast[k] += (1.0 - SKILL_KEEP[0]) * (y - rate - fast[k])
                slow[k] += (1.0 - SKILL_KEEP[1]) * (y - rate - slow[k])
                last[k] = sign
            last_on[i], owner[i] = sign, u
            rights += y
            streak = streak + sign if streak * sign > 0.0 else sign


@kernel(f"void({_FLOATS2}, {_FLOATS}, float64[::1])")
def weighed(x: Any, w: Any, out: Any) -> None:
    """sigmoid(w_0 + w_1 x_1 + ...) of each row of x (n, k), with w (k + 1,); summed in order."""
    for n in range(x.shape[0]):
        z = w[0]
        for c in range(x.shape[1]):
            z += w[c + 1] * x[n, c]
        out[n] = _sigmoid(z)


# --- Bayesian knowledge tracing ----------------------------------------------------------------
@kernel(f"float64({_INTS}, {_INTS}, {_INTS}, {_FLOATS2}, float64[:, ::1], int64)")
def traced(
    starts: Any, combination: Any, right: Any, parameters: Any, events: Any, longest: Any
) -> Any:
    """Log-likelihood of sequences, and the expected count of every event, added to `events`.

    A sequence holds one learner's answers on one combination. Forward and backward over two
    states (Rabiner 1989); learning and forgetting act after each answer but the last.
    """
    known = np.empty(longest)
    weight = np.empty((longest, 2))
    total = 0.0
    for s in range(starts.shape[0] - 1):
        first, end = starts[s], starts[s + 1]
        c = combination[first]
        init, learn, forget, guess, slip = parameters[c]
        p = init
        for n in range(first, end):
            t = n - first
            weight[t, 0] = guess if right[n] else 1.0 - guess
            weight[t, 1] = 1.0 - slip if right[n] else slip
            total_here = (1.0 - p) * weight[t, 0] + p * weight[t, 1]
            known[t] = p * weight[t, 1] / total_here
            weight[t, 0] /= total_here
            weight[t, 1] /= total_here
            total += np.log(total_here)
            p = known[t] * (1.0 - forget) + (1.0 - known[t]) * learn
        ahead0, ahead1 = 1.0, 1.0
        for n in range(end - 1, first - 1, -1):
            t = n - first
            now1 = known[t] * ahead1
            now0 = (1.0 - known[t]) * ahead0
            if right[n]:
                events[c, 2 * GUESS] += now0
                events[c, 2 * SLIP + 1] += now1
            else:
                events[c, 2 * GUESS + 1] += now0
                events[c, 2 * SLIP] += now1
            if t == 0:
                events[c, 2 * INIT] += now1
                events[c, 2 * INIT + 1] += now0
                break
            before1 = known[t - 1]
            before0 = 1.0 - before1
            back0, back1 = weight[t, 0] * ahead0, weight[t, 1] * ahead1
            events[c, 2 * LEARN] += before0 * learn * back1
            events[c, 2 * LEARN + 1] += before0 * (1.0 - learn) * back0
            events[c, 2 * FORGET] += before1 * forget * back0
            events[c, 2 * FORGET + 1] += before1 * (1.0 - forget) * back1
            ahead0 = (1.0 - learn) * back0 + learn * back1
            ahead1 = forget * back0 + (1.0 - forget) * back1
    return total


@kernel(f"void({_INTS}, {_INTS}, {_INTS}, {_FLOATS2}, float64[::1])")
def traced_forward(starts: Any, combination: Any, right: Any, parameters: Any, out: Any) -> None:
    """The forecast before each answer; `starts` are learners', P(L) is kept a combination."""
    learnt = np.empty(parameters.shape[0])
    for u in range(starts.shape[0] - 1):
        for c in range(parameters.shape[0]):
            learnt[c] = parameters[c, INIT]
        for n in range(starts[u], starts[u + 1]):
            c = combination[n]
            _, learn, forget, guess, slip = parameters[c]
            p = learnt[c]
            out[n] = p * (1.0 - slip) + (1.0 - p) * guess
            p = p * (1.0 - slip) / out[n] if right[n] else p * slip / (1.0 - out[n])
            learnt[c] = p * (1.0 - forget) + (1.0 - p) * learn


# --- item response theory ----------------------------------------------------------------------
@part
def _moved(p: Any, drift: Any) -> None:
    """P (Q,) after one step of the drift (Q, 3): down, stay, up."""
    points = p.shape[0]
    came = 0.0
    for q in range(points):
        now = p[q]
        p[q] = came + drift[q, 1] * now
        if q + 1 < points:
            p[q] += drift[q + 1, 0] * p[q + 1]
        came = drift[q, 2] * now


@part
def _moved_back(ahead: Any, drift: Any) -> None:
    """The transpose of `_moved`."""
    points = ahead.shape[0]
    before = 0.0
    for q in range(points):
        now = ahead[q]
        ahead[q] = drift[q, 0] * before + drift[q, 1] * now
        if q + 1 < points:
            ahead[q] += drift[q, 2] * ahead[q + 1]
        before = now


@part
def _smoothed(
    item: Any, right: Any, past: Any, chance: Any, drift: Any, hit: Any, miss: Any
) -> None:
    """One learner's expected answers at each ability, given all answers, added to the counts."""
    points = past.shape[1]
    ahead, both = np.ones(points), np.empty(points)
    for t in range(item.shape[0] - 1, -1, -1):
        counts = hit[item[t]] if right[t] else miss[item[t]]
        whole, most = 0.0, 0.0
        for q in range(points):
            both[q] = past[t, q] * ahead[q]
            whole += both[q]
            ahead[q] *= chance[t, q]
            most = max(most, ahead[q])
        for q in range(points):
            counts[q] += both[q] / whole
            ahead[q] = max(ahead[q] / most, FAINT)
        if t:
            _moved_back(ahead, drift)


@kernel(f"float64({_INTS}, {_INTS}, {_INTS}, {_FLOATS}, {_FLOATS}, {_FLOATS2}, {_FLOATS2}, "
        "float64[::1], int64, int64, float64[:, ::1], float64[:, ::1])")  # fmt: skip
def abilities(
    starts: Any, item: Any, right: Any, grid: Any, prior: Any, curve: Any, drift: Any, out: Any,
    longest: Any, learn: Any, hit: Any, miss: Any,
) -> Any:  # fmt: skip
    """Log-likelihood of learners' answers under an ability that drifts over `grid` (Q,).

    `curve` is (I, 2): slope and intercept, P(right) = sigmoid(slope * ability + intercept);
    `out` takes the forecast before each answer. With `learn` the expected numbers of right and of
    wrong answers at each grid point are added to `hit` and `miss` (I, Q).
    """
    points = grid.shape[0]
    p = np.empty(points)
    chance, past = np.empty((longest, points)), np.empty((longest, points))
    total = 0.0
    for u in range(starts.shape[0] - 1):
        p[:] = prior
        for n in range(starts[u], starts[u + 1]):
            t = n - starts[u]
            slope, intercept = curve[item[n], 0], curve[item[n], 1]
            if t:
                _moved(p, drift)
            forecast, mass = 0.0, 0.0
            for q in range(points):
                chance[t, q] = _sigmoid(slope * grid[q] + intercept)
                forecast += p[q] * chance[t, q]
                mass += p[q]
            forecast /= mass
            out[n] = forecast
            seen = forecast if right[n] else 1.0 - forecast
            total += np.log(seen)
            for q in range(points):
                if not right[n]:
                    chance[t, q] = 1.0 - chance[t, q]
                p[q] = max(p[q] * chance[t, q] / seen, FAINT)
                past[t, q] = p[q]
                chance[t, q] /= seen
        if learn:
            first, end = starts[u], starts[u + 1]
            _smoothed(item[first:end], right[first:end], past, chance, drift, hit, miss)
    return total


@kernel(f"void({_FLOATS2}, {_FLOATS2}, {_FLOATS}, {_FLOATS}, float64, float64, int64, "
        "float64[:, ::1])")  # fmt: skip
def curves(
    hit: Any, miss: Any, grid: Any, usual: Any, slope_precision: Any, intercept_precision: Any,
    steps: Any, curve: Any,
) -> None:  # fmt: skip
    """Each item's (slope, intercept) of `curve` (I, 2) moved to its posterior mode, in place.

    Priors: ln slope about 0 and intercept about `usual` (I,), normal with those precisions.
    Damped Newton steps with Fisher's information, at most `steps`.
    """
    points = grid.shape[0]
    for i in range(curve.shape[0]):
        log_slope, intercept = np.log(curve[i, 0]), curve[i, 1]
        for _ in range(steps):
            slope = np.exp(log_slope)
            g0 = -slope_precision * log_slope
            g1 = -intercept_precision * (intercept - usual[i])
            h00, h01, h11 = slope_precision, 0.0, intercept_precision
            for q in range(points):
                n = hit[i, q] + miss[i, q]
                if n < 1e-9:
                    continue
                chance = _sigmoid(slope * grid[q] + intercept)
                surplus = hit[i, q] - n * chance
                weight = n * chance * (1.0 - chance)
                lever = slope * grid[q]
                g0 += surplus * lever
                g1 += surplus
                h00 += weight * lever * lever
                h01 += weight * lever
                h11 += weight
            determinant = h00 * h11 - h01 * h01
            move0 = (h11 * g0 - h01 * g1) / determinant
            move1 = (h00 * g1 - h01 * g0) / determinant
            most = max(abs(move0), abs(move1))
            damp = 1.0 if most <= 1.0 else 1.0 / most
            log_slope += damp * move0
            intercept += damp * move1
            if most < 1e-7:
                break
        curve[i, 0], curve[i, 1] = np.exp(log_slope), intercept
