"""The compiled search for k of n items. This file is greedy, descent and annealing over swaps.

The energy is E = -sum u_i x_i + sum_{i<j} R_ij x_i x_j with sum x = k. A field h_i = -u_i +
sum_j R_ij x_j is kept beside each choice: taking i out and j in changes E by h_j - h_i - R_ij.
Annealing is the path-integral Monte Carlo of Martonak, Santoro, Tosatti (2002): copies (slices)
of the choice in a ring, coupled the stronger the weaker the transverse field, each moved by swaps
alone. Dice: SplitMix64 (Steele, Lea, Flood 2014), seeded by the caller. Nothing is checked here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

SHORTLIST = 24
SLICES, SWEEPS = 8, 40
THETA = 0.02
FIELD = 1.5
LEAST_FALL = 1e-12
"""A descent takes no step that is within rounding: it would not end."""


@part
def _random(dice: Any) -> Any:
    """The next float of dice (1,) uint64, uniform in [0, 1) on the grid of 2**-53."""
    dice[0] += np.uint64(0x9E3779B97F4A7C15)
    z = dice[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@part
def _energy(use: Any, alike: Any, chosen: Any) -> Any:
    """E of the places `chosen`, in their order."""
    total = 0.0
    for a in range(len(chosen)):
        total -= use[chosen[a]]
        for b in range(a):
            total += alike[chosen[a], chosen[b]]
    return total


@part
def _greedy(use: Any, alike: Any, count: Any) -> Any:
    """The first `count` items, each the one that lowers E most beside those before it."""
    n = len(use)
    h, free, order = -use, np.ones(n, np.bool_), np.empty(count, np.int64)
    for a in range(count):
        best = -1
        for i in range(n):
            if free[i] and (best < 0 or h[i] < h[best]):
                best = i
        order[a] = best
        free[best] = False
        for i in range(n):
            h[i] += alike[best, i]
    return order


@part
def _descend(use: Any, alike: Any, chosen: Any) -> None:
    """Steepest swaps over all n, until none lowers E; `chosen` in place, ascending at the end."""
    n, k = len(use), len(chosen)
    h, free = -use, np.ones(n, np.bool_)
    for a in range(k):
        free[chosen[a]] = False
        for i in range(n):
            if i != chosen[a]:
                h[i] += alike[chosen[a], i]
    while True:
        least, slot, taken = -LEAST_FALL, -1, -1
        for a in range(k):
            i = chosen[a]
            for j in range(n):
                change = h[j] - h[i] - alike[i, j]
                if free[j] and change < least:
                    least, slot, taken = change, a, j
        if slot < 0:
            break
        left = chosen[slot]
        chosen[slot] = taken
        free[left], free[taken] = True, False
        for i in range(n):
            if i != left:
                h[i] -= alike[left, i]
            if i != taken:
                h[i] += alike[taken, i]
    chosen.sort()


@part
def _swap(h: Any, alike: Any, among: Any, left: Any, taken: Any) -> None:
    """The fields h (m,) of the items `among` once `left` is out and `taken` in."""
    for a in range(len(among)):
        if a != left:
            h[a] -= alike[among[left], among[a]]
        if a != taken:
            h[a] += alike[among[taken], among[a]]


@part
def _anneal(use: Any, alike: Any, among: Any, k: Any, dice: Any) -> Any:
    """The lowest choice of k that any slice met inside `among` (m,), its first k the start.

    Field of sweep t: FIELD (1 - t / SWEEPS), so that it never is 0, where K is infinite. A sweep
    proposes k swaps in each slice.
    """
    m = len(among)
    items, spin = np.empty((SLICES, m), np.int64), np.empty((SLICES, m))
    h, e = np.empty((SLICES, m)), np.zeros(SLICES)
    for a in range(m):
        field = -use[among[a]]
        for b in range(k):
            if a != b:
                field += alike[among[b], among[a]]
        for s in range(SLICES):
            items[s, a], spin[s, a], h[s, a] = a, (1.0 if a < k else -1.0), field
    best, lowest = among[:k].copy(), 0.0
    for sweep in range(SWEEPS):
        field = FIELD * (1.0 - sweep / SWEEPS)
        coupling = -0.5 * math.log(math.tanh(field / (SLICES * THETA)))
        for s in range(SLICES):
            before, after = spin[(s + SLICES - 1) % SLICES], spin[(s + 1) % SLICES]
            for _ in range(k):
                # the first k of a slice's items are in, the others out
                at = np.int64(_random(dice) * k)
                to = k + np.int64(_random(dice) * (m - k))
                i, j = items[s, at], items[s, to]
                change = h[s, j] - h[s, i] - alike[among[i], among[j]]
                apart = before[i] + after[i] - before[j] - after[j]
                power = -change / (SLICES * THETA) - 2.0 * coupling * apart
                if power < 0.0 and _random(dice) >= math.exp(power):
                    continue
                items[s, at], items[s, to] = j, i
                spin[s, i], spin[s, j] = -1.0, 1.0
                _swap(h[s], alike, among, i, j)
                e[s] += change
                if e[s] < lowest - LEAST_FALL:
                    lowest = e[s]
                    for a in range(k):
                        best[a] = among[items[s, a]]
    return best


_READ = "Array(float64, 1, 'C', readonly=True)"
_READ2 = "Array(float64, 2, 'C', readonly=True)"


@kernel(f"void({_READ}, {_READ2}, int64[::1])")
def descended(use: Any, alike: Any, out: Any) -> None:
    """Greedy and steepest swap descent into out (k,), ascending; n = len(use), 1 <= k <= n."""
    out[:] = _greedy(use, alike, len(out))
    _descend(use, alike, out)


@kernel(f"void({_READ}, {_READ2}, uint64, int64[::1])")
def sequenced(use: Any, alike: Any, seed: Any, out: Any) -> None:
    """Annealed inside a shortlist, then descended; or greedy and descent, where that is lower.

    The shortlist is the first SHORTLIST of greedy, or 2 k where k is more than half of that.
    """
    n, k = len(use), len(out)
    among = _greedy(use, alike, min(n, max(SHORTLIST, 2 * k)))
    out[:] = among[:k]
    _descend(use, alike, out)
    if len(among) == k:
        return
    dice = np.empty(1, np.uint64)
    dice[0] = seed
    found = _anneal(use, alike, among, k, dice)
    _descend(use, alike, found)
    if _energy(use, alike, found) < _energy(use, alike, out):
        out[:] = found
