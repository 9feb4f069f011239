"""The compiled loops of groups, tutor pairs and the help network. This file is those three loops.

Their checks and their meaning are in `formation`, `peers` and `network`; nothing is checked here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

_READ2 = "Array(float64, 2, 'C', readonly=True)"
_READ = "Array(float64, 1, 'C', readonly=True)"
_INTS = "Array(int64, 1, 'C', readonly=True)"
_WORDS2 = "Array(uint64, 2, 'C', readonly=True)"

GAINED_LEAST = 1e-9
"""An exchange must raise the score by more, so that rounding makes no endless walk."""
SWEEPS_MOST = 200


# --- groups ---------------------------------------------------------------------------------------
@kernel(f"void({_READ2}, float64[:,::1])")
def complement(mastery: Any, out: Any) -> None:
    """Into `out` (n, n): mean difference of two members over skills less that of their means."""
    n, k = mastery.shape
    for i in range(n):
        out[i, i] = 0.0
        for j in range(i):
            apart, level = 0.0, 0.0
            for s in range(k):
                by = mastery[i, s] - mastery[j, s]
                apart += abs(by)
                level += by
            out[i, j] = out[j, i] = max(0.0, (apart - abs(level)) / k)


@part
def _ones(word: Any) -> Any:
    """How many bits of a 64 bit word are set (Warren 2013, section 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    low = np.uint64(0x3333333333333333)
    word = (word & low) + ((word >> np.uint64(2)) & low)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@part
def _note_others(group_of: Any, has: Any, group: Any, others: Any) -> None:
    """For each unit of the group: the skills that the group has without it."""
    for u in range(group_of.shape[0]):
        if group_of[u] != group:
            continue
        for w in range(has.shape[1]):
            others[u, w] = np.uint64(0)
            for v in range(group_of.shape[0]):
                if v != u and group_of[v] == group:
                    others[u, w] |= has[v, w]


@part
def _covered(others: Any, u: Any, has: Any, v: Any) -> Any:
    """Skills covered by u's group once v has taken u's place."""
    count = 0
    for w in range(has.shape[1]):
        count += _ones(others[u, w] | has[v, w])
    return count


@part
def _moved(u: Any, group: Any, group_of: Any, pair: Any, near: Any) -> None:
    """Unit u goes into another group; the sums of both groups follow."""
    left = group_of[u]
    group_of[u] = group
    for v in range(group_of.shape[0]):
        near[left, v] -= pair[u, v]
        near[group, v] += pair[u, v]


@part
def _sum_with(total: Any, u: Any, v: Any, group: Any, near: Any, pair: Any, inner: Any) -> Any:
    """The group's sum over pairs once v has taken u's place."""
    return total[group] - near[group, u] - inner[u] + near[group, v] - pair[u, v] + inner[v]


@part
def _note_all(
    group_of: Any, size: Any, has: Any, pair: Any, inner: Any, near: Any, total: Any, others: Any
) -> None:
    """The sums of a fresh division, into zeros: by group and unit, and of each group's pairs."""
    for u in range(group_of.shape[0]):
        for v in range(group_of.shape[0]):
            near[group_of[u], v] += pair[u, v]
    for u in range(group_of.shape[0]):
        total[group_of[u]] += 0.5 * near[group_of[u], u] + inner[u]
    for group in range(size.shape[0]):
        _note_others(group_of, has, group, others)


@kernel(f"float64(int64[::1], int64[::1], {_INTS}, {_WORDS2}, {_READ2}, {_READ}, int64)")
def exchanged(
    group_of: Any, size: Any, unit: Any, has: Any, pair: Any, inner: Any, skills: Any
) -> Any:
    """The sum of the groups' scores once no two units can change places for more.

    A group's score is the share of `skills` that it covers and the mean of its pairs. `group_of`
    (U) and the groups' `size` (G) are changed. `unit` (U) are sizes of units, that always stay
    together; behind them one of size 0 a group is a place to move to, and never moves. `has`
    (U, words) are skills as bits; `pair` (U, U), symmetric, is what two units add to a group's sum
    over pairs, `inner` (U) what one adds by itself. Which sizes there are stays the same.
    """
    n, groups = unit.shape[0], size.shape[0]
    near, total = np.zeros((groups, n)), np.zeros(groups)
    others = np.zeros((n, has.shape[1]), np.uint64)
    _note_all(group_of, size, has, pair, inner, near, total, others)
    each_skill, each_pair = 1.0 / skills, np.zeros(size.max() + 1)
    for members in range(2, each_pair.shape[0]):
        each_pair[members] = 2.0 / (members * (members - 1))
    score = np.zeros(groups)
    for u in range(n):
        a = group_of[u]
        score[a] = _covered(others, u, has, u) * each_skill + total[a] * each_pair[size[a]]
    changed = np.zeros(groups, np.int64)  # the sweep in which a group changed last
    for sweep in range(1, SWEEPS_MOST):
        for u in range(n):
            for v in range(u + 1, n if unit[u] else 0):
                a, b, grows = group_of[u], group_of[v], unit[v] - unit[u]
                # two groups that both stayed through the last sweep were tried in it
                if a == b or (changed[a] < sweep - 1 and changed[b] < sweep - 1):
                    continue
                if grows and grows != size[b] - size[a]:
                    continue
                sum_a = _sum_with(total, u, v, a, near, pair, inner)
                sum_b = _sum_with(total, v, u, b, near, pair, inner)
                score_a = sum_a * each_pair[size[a] + grows]
                score_b = sum_b * each_pair[size[b] - grows]
                score_a += _covered(others, u, has, v) * each_skill
                score_b += _covered(others, v, has, u) * each_skill
                if score_a + score_b <= score[a] + score[b] + GAINED_LEAST:
                    continue
                _moved(u, b, group_of, pair, near)
                if unit[v]:
                    _moved(v, a, group_of, pair, near)
                total[a], score[a], size[a] = sum_a, score_a, size[a] + grows
                total[b], score[b], size[b] = sum_b, score_b, size[b] - grows
                _note_others(group_of, has, a, others)
                _note_others(group_of, has, b, others)
                changed[a] = changed[b] = sweep
        if changed.max() < sweep:
            break
    return score.sum()


# --- tutor pairs ----------------------------------------------------------------------------------
@part
def _augmented(
    cost: Any, row: Any, of_row: Any, of_column: Any, price_r: Any, price_c: Any
) -> None:
    """One row more is assigned, along the shortest augmenting path (Dijkstra, reduced costs)."""
    columns = cost.shape[1]
    shortest = np.full(columns, np.inf)
    came_from = np.full(columns, -1)
    done = np.zeros(columns, np.uint8)
    at, least, sink = row, 0.0, -1
    while sink < 0:
        best, nearest = np.inf, -1
        for c in range(columns):
            if done[c]:
                continue
            way = least + cost[at, c] - price_r[at] - price_c[c]
            if way < shortest[c]:
                shortest[c], came_from[c] = way, at
            if shortest[c] < best or (shortest[c] == best and of_column[c] < 0):
                best, nearest = shortest[c], c
        least = best
        done[nearest] = 1
        if of_column[nearest] < 0:
            sink = nearest
        else:
            at = of_column[nearest]
    price_r[row] += least
    for c in range(columns):
        if done[c]:
            if of_column[c] >= 0:
                price_r[of_column[c]] += least - shortest[c]
            price_c[c] -= least - shortest[c]
    while True:
        r = came_from[sink]
        of_column[sink] = r
        sink, of_row[r] = of_row[r], sink
        if r == row:
            break


@kernel(f"void({_READ2}, int64[::1])")
def assigned(cost: Any, of_row: Any) -> None:
    """Each row's column for the least sum of `cost` (r, c), r <= c, finite; into `of_row` (r)."""
    rows, columns = cost.shape
    of_column = np.full(columns, -1)
    price_r, price_c = np.zeros(rows), np.zeros(columns)
    of_row[:] = -1
    for row in range(rows):
        _augmented(cost, row, of_row, of_column, price_r, price_c)


# --- help network ---------------------------------------------------------------------------------
@kernel(f"void({_INTS}, {_INTS}, float64[::1])")
def betweenness(starts: Any, ends: Any, out: Any) -> None:
    """Into `out` (n): sum over pairs of the share of shortest paths through a node (Brandes 2001).

    Directed, each edge of length 1. Node u leads to `ends[starts[u]:starts[u + 1]]`.
    """
    n = out.shape[0]
    out[:] = 0.0
    queue = np.empty(n, np.int64)
    far = np.empty(n, np.int64)
    paths, share = np.empty(n), np.empty(n)
    for source in range(n):
        far[:] = -1
        paths[:] = 0.0
        share[:] = 0.0
        far[source], paths[source], queue[0] = 0, 1.0, source
        head, tail = 0, 1
        while head < tail:
            u = queue[head]
            head += 1
            for e in range(starts[u], starts[u + 1]):
                v = ends[e]
                if far[v] < 0:
                    far[v] = far[u] + 1
                    queue[tail] = v
                    tail += 1
                if far[v] == far[u] + 1:
                    paths[v] += paths[u]
        for back in range(tail - 1, 0, -1):
            # nearer nodes come after all that lie behind them
            u = queue[back]
            for e in range(starts[u], starts[u + 1]):
                v = ends[e]
                if far[v] == far[u] + 1:
                    share[u] += paths[u] / paths[v] * (1.0 + share[v])
            out[u] += share[u]
