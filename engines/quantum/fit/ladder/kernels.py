"""The passes at U = I and the qubits', compiled. This file is the classical half of the fitter.

With all bases alike a state stays diagonal: one vector of populations, a hidden Markov model with
graded emissions. The qubits of the skills are the case of two levels. `levels` is a tuple of which
only the length is read: d is then a constant to the compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

LOGIT_MOST = 20.0
P_LEAST = 1e-5
LAST_LAG = 9
"""The last bucket of the gap since a skill's last answer, floor(log2(gap)), is open."""
STRAIGHT = (2, 4, 8, 16)
"""Levels d that `ladder_pass` is compiled for; 2 are the qubits."""

_F1, _F2, _F3 = "float64[::1]", "float64[:,::1]", "float64[:,:,::1]"
_I1, _I2 = "int64[::1]", "int64[:,::1]"


@part
def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-min(max(x, -LOGIT_MOST), LOGIT_MOST)))


@part
def _climb(
    levels: Any, begin: Any, end: Any, rows: Any, physics: Any, past: Any, seen: Any, p_right: Any,
    work: Any,
) -> Any:  # fmt: skip
    """Log-likelihood of one sequence; `past` holds the populations before each answer."""
    skill, item, right, lag, offset, start_of, channel_of = rows
    level, difficulty, start, forgetting, jump, weight = physics
    d = len(levels)
    total = 0.0
    for j in range(d):
        work[j] = start[start_of[skill[begin]], j]
    for t in range(begin, end):
        s, y, row = skill[t], right[t], t - begin
        group, lam = start_of[s], forgetting[lag[t]]
        channel = 2 * channel_of[s] + y
        x = weight[0] * offset[t]
        p = 0.0
        p1 = 0.0
        for j in range(d):
            q = (1.0 - lam) * work[j] + lam * start[group, j]
            e = _sigmoid(level[s, j] - difficulty[item[t]] + x)
            ey = e if y else 1.0 - e
            past[row, j] = q
            seen[row, j] = e
            p += q * ey
            p1 += q * e
            seen[row, d + j] = ey
        p_right[row] = p1
        total += np.log(p)
        for j in range(d):
            seen[row, d + j] /= p
        _straight_channel(levels, past, seen, row, jump, channel, work)
    return total


@part
def _straight_channel(
    levels: Any, past: Any, seen: Any, row: Any, jump: Any, channel: Any, work: Any
) -> None:
    """work[0] = populations after Bayes' rule and learning, sum 1; work[d:] = before learning."""
    d = len(levels)
    for j in range(d):
        work[d + j] = past[row, j] * seen[row, d + j]
    total = 0.0
    for i in range(d):
        r = 0.0
        for j in range(d):
            r += jump[channel, i * d + j] * work[d + j]
        work[i] = r
        total += r
    for j in range(d):
        work[j] /= total


@part
def _descend(
    levels: Any, begin: Any, end: Any, rows: Any, physics: Any, past: Any, seen: Any, work: Any,
    gradients: Any,
) -> Any:  # fmt: skip
    """Adds one sequence's gradients; the largest |sum of effect times population - 1| met."""
    skill, item, right, lag, offset, start_of, channel_of = rows
    _, _, start, forgetting, jump, _ = physics
    by_level, by_item, by_start, by_lag, by_jump, by_weight = gradients
    d = len(levels)
    effect, two = 2 * d, 3 * d
    worst = 0.0
    for j in range(d):
        work[effect + j] = 1.0
    for t in range(end - 1, begin - 1, -1):
        s, y, row = skill[t], right[t], t - begin
        group, lam = start_of[s], forgetting[lag[t]]
        channel = 2 * channel_of[s] + y
        _straight_channel(levels, past, seen, row, jump, channel, work)
        for k in range(d):
            for j in range(d):
                by_jump[channel, k * d + j] += work[effect + k] * work[d + j]
        total = 0.0
        whole = -1.0
        kept = 0.0
        weight = lam if t > begin else 1.0
        for j in range(d):
            r = 0.0
            for k in range(d):
                r += jump[channel, k * d + j] * work[effect + k]
            r *= seen[row, d + j]
            work[two + j] = r
            u = r * past[row, j]
            whole += u
            g = (y - seen[row, j]) * u
            by_level[s, j] += g
            total += g
            kept += r * start[group, j]
            by_start[group, j] += weight * r
        by_item[item[t]] -= total
        by_weight[0] += total * offset[t]
        worst = max(worst, abs(whole))
        by_lag[lag[t]] += (kept - 1.0) / (1.0 - lam)
        for j in range(d):
            work[effect + j] = (1.0 - lam) * work[two + j] + lam * kept
    return worst


_ROWS = f"Tuple(({_I1}, {_I1}, {_I1}, {_I1}, {_F1}, {_I1}, {_I1}))"
_PHYSICS = f"Tuple(({_F2}, {_F1}, {_F2}, {_F1}, {_F2}, {_F1}))"


@kernel(
    *(
        f"UniTuple(float64, 2)(UniTuple(int64, {d}), {_I1}, {_I1}, {_ROWS}, {_PHYSICS}, "
        f"{_F2}, {_F2}, {_F1}, {_F1}, {_F1}, boolean, {_PHYSICS})"
        for d in STRAIGHT
    )
)
def ladder_pass(
    levels: Any, chosen: Any, starts: Any, rows: Any, physics: Any, past: Any, seen: Any,
    p_right: Any, work: Any, out: Any, learn: Any, gradients: Any,
) -> Any:  # fmt: skip
    """Log-likelihood of the chosen sequences; out[row] = the forecast; where `learn`, gradients.

    `rows`: skill, item, right, lag (n_rows,) int64, offset (n_rows,) float64 = x; start_of,
    channel_of (S,) int64: which preparation and which pair of T a skill has. `physics`: level
    (S, d), difficulty (I,), start (groups, d), forgetting (lags,), jump (2*channels, d*d),
    weight (1,) = w. `gradients`: in the same order, at start up to a constant.
    Space as for the density matrix, `past` (L, d). Returns also the largest |1 - effect . state|.
    """
    total = 0.0
    worst = 0.0
    for n in range(chosen.shape[0]):
        begin, end = starts[chosen[n]], starts[chosen[n] + 1]
        total += _climb(levels, begin, end, rows, physics, past, seen, p_right, work)
        for t in range(begin, end):
            out[t] = p_right[t - begin]
        if learn:
            off = _descend(levels, begin, end, rows, physics, past, seen, work, gradients)
            worst = max(worst, off)
    return total, worst


@part
def _linked(
    s: Any, z: Any, before: Any, eta: Any, neighbours: Any, correlation: Any, kappa: Any
) -> None:
    """What measuring s does to its neighbours' qubits, the pair prepared anew from eps."""
    for k in range(neighbours.shape[1]):
        v = neighbours[s, k]
        if v < 0:
            break
        spread = np.sqrt(max(0.0, (1.0 - before * before) * (1.0 - z[v] * z[v])))
        c = before * z[v] + kappa * correlation[s, k] * spread
        c = min(max(c, abs(before + z[v]) - 1.0), 1.0 - abs(before - z[v]))
        z[v] = min(max((z[v] + eta * c) / (1.0 + eta * before), -1.0), 1.0)


@part
def _bucket(gap: Any) -> Any:
    k = 0
    while gap > 1 and k < LAST_LAG:
        gap >>= 1
        k += 1
    return k


@part
def _register_answer(s: Any, t: Any, y: Any, p_g: Any, register: Any, z: Any, last: Any) -> Any:
    """P, then the answer's update of the qubits (docs/scoring.md)."""
    m, weight, channel, forgetting, z0, neighbours, correlation, kappa = register
    lam = forgetting[_bucket(t - last[s]) if last[s] >= 0 else 0]
    before = (1.0 - lam) * z[s] + lam * z0[s]
    p = min(max(p_g, P_LEAST), 1.0 - P_LEAST)
    x = weight * np.log(p / (1.0 - p))
    f0, f1 = _sigmoid(m[s, 0] + x), _sigmoid(m[s, 1] + x)
    forecast = 0.5 * (1.0 - before) * f0 + 0.5 * (1.0 + before) * f1
    a0, a1 = (f0, f1) if y else (1.0 - f0, 1.0 - f1)
    eta = (a1 - a0) / (a1 + a0)
    if kappa > 0.0:
        _linked(s, z, before, eta, neighbours, correlation, kappa)
    after = min(max((before + eta) / (1.0 + eta * before), -1.0), 1.0)
    q0, q1 = 0.5 * (1.0 - after), 0.5 * (1.0 + after)
    z[s] = min(max(2.0 * (channel[y, 1, 0] * q0 + channel[y, 1, 1] * q1) - 1.0, -1.0), 1.0)
    last[s] = t
    return forecast


_REGISTER = f"Tuple(({_F2}, float64, {_F3}, {_F1}, {_F1}, {_I2}, {_F2}, float64))"


@kernel(f"void({_I1}, {_I1}, {_I1}, {_I1}, {_F1}, {_REGISTER}, {_F1}, {_I1}, {_F1})")
def register_pass(
    chosen: Any, starts: Any, skill: Any, right: Any, p_g: Any, register: Any, z: Any, last: Any,
    out: Any,
) -> None:  # fmt: skip
    """out[row] = P of the chosen learners' rows, given p_G; links off at kappa = 0.

    `register`: m (S, 2), w, T^L (2, 2, 2), lambda_k (10,), z0 (S,), neighbours and eps (S, K),
    kappa. Space: z (S,) float64, last (S,) int64.
    """
    z0 = register[4]
    for n in range(chosen.shape[0]):
        begin, end = starts[chosen[n]], starts[chosen[n] + 1]
        for s in range(z0.shape[0]):
            z[s] = z0[s]
            last[s] = -1
        for t in range(begin, end):
            out[t] = _register_answer(skill[t], t - begin, right[t], p_g[t], register, z, last)


# --- cold start: one ladder for all skills, item and skill offsets learnt on the way -------------
@part
def _offset_steps(i: Any, s: Any, gradient: Any, table: Any, steps: Any) -> None:
    """Moves b_i, o_s and o by the gradient of ln p_y, each by its own falling step."""
    b, offset, everywhere, n_item, n_skill = table
    step = steps[0] / (1.0 + steps[1] * n_item[i])
    if n_item[i] >= steps[6]:
        step = min(step, steps[7])
    b[i] -= step * gradient
    offset[s] += steps[2] / (1.0 + steps[3] * n_skill[s]) * gradient
    everywhere[0] += steps[4] / (1.0 + steps[5] * everywhere[1]) * gradient
    n_item[i] += 1.0
    n_skill[s] += 1.0
    everywhere[1] += 1.0


_TABLE = f"Tuple(({_F1}, {_F1}, {_F1}, {_F1}, {_F1}))"
_COLD = f"Tuple(({_F1}, {_F1}, float64, {_F2}))"


@kernel(
    f"void({_I1}, {_I1}, {_I1}, {_I1}, {_I1}, {_COLD}, {_REGISTER}, {_TABLE}, {_F1}, {_F1}, "
    f"{_F1}, {_I1}, {_F1}, {_F1})"
)
def stream_pass(
    chosen: Any, starts: Any, skill: Any, item: Any, right: Any, physics: Any, register: Any,
    table: Any, steps: Any, work: Any, z: Any, last: Any, out_g: Any, out: Any,
) -> None:  # fmt: skip
    """p_G and P of learners one after another, on a course of which nothing is known at first.

    `physics`: base (d,), r0 (d,), lambda, T (2, d*d). `table`: b (I,), o (S,), the course's offset
    and its answers (2,), answers by item (I,) and by skill (S,), all float64, moved in place.
    `steps` (8,): first step and its fall for item, skill, course; from how many answers on an
    item's step is capped, and where. Space: work (3d,), z (S,), last (S,).
    """
    base, start, lam, jump = physics
    b, offset, everywhere, _, _ = table
    d = base.shape[0]
    for n in range(chosen.shape[0]):
        begin, end = starts[chosen[n]], starts[chosen[n] + 1]
        for s in range(z.shape[0]):
            z[s] = register[4][s]
            last[s] = -1
        for j in range(d):
            work[j] = start[j]
        for t in range(begin, end):
            s, i, y = skill[t], item[t], right[t]
            p = 0.0
            p1 = 0.0
            for j in range(d):
                q = (1.0 - lam) * work[j] + lam * start[j]
                e = _sigmoid(base[j] + offset[s] + everywhere[0] - b[i])
                work[d + j] = q * (e if y else 1.0 - e)
                work[2 * d + j] = y - e
                p += work[d + j]
                p1 += q * e
            gradient = 0.0
            for j in range(d):
                work[d + j] /= p
                gradient += work[d + j] * work[2 * d + j]
            for j in range(d):
                work[j] = 0.0
                for k in range(d):
                    work[j] += jump[y, j * d + k] * work[d + k]
            out_g[t] = p1
            out[t] = _register_answer(s, t - begin, y, p1, register, z, last)
            _offset_steps(i, s, gradient, table, steps)
