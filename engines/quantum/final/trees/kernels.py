"""The compiled loops of boosting: histograms, best splits, leaves. This file grows one tree.

Second-order boosting on binned inputs (Friedman 2001; Chen & Guestrin 2016): the leaf with the
best gain is split next. Deterministic: sums go over rows in a fixed order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.maths.kernels import kernel, part

BINS = 256
G, H, N = 0, 1, 2
GAIN, COLUMN, BIN, VALUE = 0, 1, 2, 3

_BINNED = "Array(uint8, 2, 'C', readonly=True)"
_READ = "Array(float64, 1, 'C', readonly=True)"
_NODES = "int64[::1], float64[::1], int64[::1], int64[::1], float64[::1]"


@part
def _count(binned: Any, g: Any, h: Any, rows: Any, low: Any, high: Any, out: Any) -> None:
    """Sums of gradient, curvature and rows by column and bin, over rows[low:high]."""
    out[:] = 0.0
    for a in range(low, high):
        i = rows[a]
        for f in range(binned.shape[1]):
            b = binned[i, f]
            out[f, b, G] += g[i]
            out[f, b, H] += h[i]
            out[f, b, N] += 1.0


@part
def _best(sums: Any, least: Any, l2: Any, found: Any) -> None:
    """The split with the most gain, and the leaf's own value, into `found`."""
    g, h, n = 0.0, 0.0, 0.0
    for b in range(BINS):
        g, h, n = g + sums[0, b, G], h + sums[0, b, H], n + sums[0, b, N]
    base, most = g * g / (h + l2), 0.0
    found[GAIN], found[VALUE] = -1.0, g / (h + l2)
    for f in range(sums.shape[0]):
        g_low, h_low, n_low = 0.0, 0.0, 0.0
        for b in range(BINS - 1):
            g_low += sums[f, b, G]
            h_low += sums[f, b, H]
            n_low += sums[f, b, N]
            if n_low < least:
                continue
            if n - n_low < least:
                break
            high = (g - g_low) * (g - g_low) / (h - h_low + l2)
            gain = g_low * g_low / (h_low + l2) + high - base
            if gain > most:
                most = gain
                found[GAIN], found[COLUMN], found[BIN] = gain, f, b


@part
def _parted(binned: Any, column: Any, at_most: Any, rows: Any, low: Any, high: Any) -> Any:
    """rows[low:high] in two runs, those in bins up to `at_most` first; where the second begins."""
    kept, rest, n = low, np.empty(high - low, np.int64), 0
    for a in range(low, high):
        i = rows[a]
        if binned[i, column] <= at_most:
            rows[kept] = i
            kept += 1
        else:
            rest[n] = i
            n += 1
    for a in range(n):
        rows[kept + a] = rest[a]
    return kept


@kernel(f"int64({_BINNED}, {_READ}, {_READ}, int64, float64, float64, {_NODES})")
def grown(
    binned: Any, g: Any, h: Any, leaves: Any, least: Any, l2: Any,
    column: Any, threshold: Any, left: Any, right: Any, value: Any,
) -> Any:  # fmt: skip
    """One tree into the node arrays (2 leaves - 1 at most); how many nodes. Column -1 is a leaf.

    A row goes left where its bin is at most `threshold`.
    """
    n, columns = binned.shape
    sums = np.zeros((leaves, columns, BINS, 3))
    found = np.zeros((leaves, 4))
    low, high, node = (
        np.zeros(leaves, np.int64),
        np.zeros(leaves, np.int64),
        np.zeros(leaves, np.int64),
    )
    rows = np.arange(n)
    high[0] = n
    _count(binned, g, h, rows, 0, n, sums[0])
    _best(sums[0], least, l2, found[0])
    column[0], value[0] = -1, found[0, VALUE]
    count, nodes = 1, 1
    while count < leaves:
        j, most = -1, 0.0
        for q in range(count):
            if found[q, GAIN] > most:
                j, most = q, found[q, GAIN]
        if j < 0:
            break
        f, b, k = np.int64(found[j, COLUMN]), np.int64(found[j, BIN]), count
        middle = _parted(binned, f, b, rows, low[j], high[j])
        low[k], high[k], high[j] = middle, high[j], middle
        at = node[j]
        column[at], threshold[at], left[at], right[at] = f, b, nodes, nodes + 1
        node[j], node[k] = nodes, nodes + 1
        fewer, more = (j, k) if high[j] - low[j] < high[k] - low[k] else (k, j)
        whole = sums[j].copy()
        _count(binned, g, h, rows, low[fewer], high[fewer], sums[fewer])
        sums[more] = whole - sums[fewer]
        for side in (j, k):
            _best(sums[side], least, l2, found[side])
            column[node[side]], value[node[side]] = -1, found[side, VALUE]
        nodes, count = nodes + 2, count + 1
    return nodes


@kernel(f"void({_BINNED}, {_NODES}, float64, float64[::1])")
def added(
    binned: Any, column: Any, threshold: Any, left: Any, right: Any, value: Any,
    rate: Any, out: Any,
) -> None:  # fmt: skip
    """Add rate times the tree's value of each row to out (n,)."""
    for i in range(binned.shape[0]):
        at = 0
        while column[at] >= 0:
            at = left[at] if binned[i, column[at]] <= threshold[at] else right[at]
        out[i] += rate * value[at]
