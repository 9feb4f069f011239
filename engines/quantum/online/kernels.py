"""The compiled loop of a course that begins without data. This file streams whole logs through it.

The same steps as `engines.quantum.kernels`, where all skills share one basis and nothing is linked:
rho stays diagonal, so populations are all there is. After each answer the table of difficulties
moves as `engines.quantum.difficulty.observed` moves it; tests hold all three together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

LOGIT_MOST, P_LEAST = 20.0, 1e-5
LAGS = 10
SETTLED, SETTLED_STEP = 500.0, 0.005

_READ = "Array(float64, 1, 'C', readonly=True)"
_READ3 = "Array(float64, 3, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"


@part
def _sigmoid(v: Any) -> Any:
    return 1.0 / (1.0 + math.exp(-min(max(v, -LOGIT_MOST), LOGIT_MOST)))


@part
def _logit(p: Any) -> Any:
    p = min(max(p, P_LEAST), 1.0 - P_LEAST)
    return math.log(p / (1.0 - p))


@part
def _lag(gap: Any) -> Any:
    """The bucket of a gap: floor(log2), at most 9."""
    k = 0
    while gap > 1 and k < LAGS - 1:
        gap >>= 1
        k += 1
    return k


@part
def _measured(q: Any, base: Any, shift: Any, y: Any, e: Any) -> Any:
    """(p_G, G): forecast of the populations q at logits base + shift; e becomes q after y."""
    p_g, p_y, pull = 0.0, 0.0, 0.0
    for j in range(q.shape[0]):
        right = _sigmoid(base[j] + shift)
        p_g += q[j] * right
        e[j] = q[j] * (right if y else 1.0 - right)
        p_y += e[j]
        pull += e[j] * (y - right)
    for j in range(q.shape[0]):
        e[j] /= p_y
    return p_g, pull / p_y


@part
def _learnt(q: Any, e: Any, t: Any) -> None:
    """The populations after learning: T e, normalised, into q."""
    total = 0.0
    for j in range(q.shape[0]):
        q[j] = 0.0
        for k in range(q.shape[0]):
            q[j] += t[j, k] * e[k]
        total += q[j]
    for j in range(q.shape[0]):
        q[j] /= total


@part
def _register(z: Any, m: Any, weight: Any, p_g: Any, y: Any, t: Any) -> Any:
    """(P, z after the answer) of a skill's register."""
    x = weight * _logit(p_g)
    f_0, f_1 = _sigmoid(m[0] + x), _sigmoid(m[1] + x)
    p = 0.5 * (1.0 - z) * f_0 + 0.5 * (1.0 + z) * f_1
    a_0, a_1 = (f_0, f_1) if y else (1.0 - f_0, 1.0 - f_1)
    eta = (a_1 - a_0) / (a_1 + a_0)
    z = min(max((z + eta) / (1.0 + eta * z), -1.0), 1.0)
    mastered = t[1, 0] * 0.5 * (1.0 - z) + t[1, 1] * 0.5 * (1.0 + z)
    return p, min(max(2.0 * mastered - 1.0, -1.0), 1.0)


@part
def _moved(
    b: Any, b_n: Any, skill: Any, skill_n: Any, course: Any, i: Any, s: Any, pull: Any
) -> None:
    step = 0.7 / (1.0 + 0.08 * b_n[i])
    b[i] -= (min(step, SETTLED_STEP) if b_n[i] >= SETTLED else step) * pull
    b_n[i] += 1.0
    skill[s] += 0.4 / (1.0 + 0.05 * skill_n[s]) * pull
    skill_n[s] += 1.0
    course[0] += 0.5 / (1.0 + 0.05 * course[1]) * pull
    course[1] += 1.0


@kernel(
    f"void({_INTS}, {_INTS}, {_INTS}, {_INTS}, Tuple(({_READ}, {_READ}, {_READ3}, float64)), "
    f"Tuple(({_READ}, float64, {_READ3}, {_READ}, float64)), "
    "Tuple((float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])), float64[::1])"
)
def streamed(
    starts: Any, items: Any, skills: Any, right: Any, ladder: Any, registers: Any, table: Any,
    out: Any,
) -> None:  # fmt: skip
    """Learners one after another, each answer forecast, then taken in; `out` (n,) becomes P.

    Learner u's answers are rows `starts[u]:starts[u + 1]`. `ladder`: base (d,), r0 (d,),
    T (2, d, d), lambda; `registers`: m (2,), w, T^L (2, 2, 2), lambda_k (10,), z0; `table`, which
    moves: b and its counts (I,), skill offsets and counts (S,), the course's offset and count (2,).
    """
    base, r0, transition, forgetting = ladder
    m, weight, own, losses, z0 = registers
    b, b_n, skill, skill_n, course = table
    d = base.shape[0]
    q, e = np.empty(d), np.empty(d)
    z, last = np.empty(skill.shape[0]), np.empty(skill.shape[0], np.int64)
    for u in range(starts.shape[0] - 1):
        q[:] = r0
        z[:] = z0
        last[:] = -1
        for n in range(starts[u], starts[u + 1]):
            i, s, y, t = items[n], skills[n], right[n], n - starts[u]
            loss = losses[_lag(t - last[s]) if last[s] >= 0 else 0]
            before = (1.0 - loss) * z[s] + loss * z0
            for j in range(d):
                q[j] = (1.0 - forgetting) * q[j] + forgetting * r0[j]
            p_g, pull = _measured(q, base, skill[s] + course[0] - b[i], y, e)
            _learnt(q, e, transition[y])
            out[n], z[s] = _register(before, m, weight, p_g, y, own[y])
            last[s] = t
            _moved(b, b_n, skill, skill_n, course, i, s, pull)
