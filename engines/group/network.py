"""Who helped whom lately, as a graph for the teacher. This file is its measures.

PageRank (Brin & Page 1998) follows thanks: who was helped gives weight to the helper. Betweenness
is the share of shortest ways through a member (Brandes 2001). Nothing of it is a score for pupils,
and nothing is told of a class below eight, where everybody would be found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from engines.group import kernels, reasons
from engines.reason_words import Reason
from engines.words import Floats, Ints

WINDOW_S = 28 * 86_400.0
"""Help that is older does not count."""
DAMPING = 0.85
HIDDEN_BELOW = 8
"""Members."""
_CLOSE, _STEPS_MOST = 1e-12, 1_000


class Network(msgspec.Struct, frozen=True):
    """Help among `members`; all else is empty where it is `hidden`.

    `edges` are (helper, helped, times); `pagerank` sums to 1; `betweenness` is in [0, 1], of all
    pairs of others; `isolates` neither gave nor got help, which `reason` tells if there are any.
    """

    members: tuple[str, ...]
    hidden: bool
    edges: tuple[tuple[str, str, int], ...] = ()
    pagerank: tuple[float, ...] = ()
    betweenness: tuple[float, ...] = ()
    isolates: tuple[str, ...] = ()
    reason: Reason | None = None

    @property
    def weights(self) -> Floats:
        """(n, n): how often the row's member helped the column's; empty where hidden."""
        n = 0 if self.hidden else len(self.members)
        at = {member: place for place, member in enumerate(self.members)}
        weights = np.zeros((n, n))
        for helper, helped, times in self.edges:
            weights[at[helper], at[helped]] = times
        return weights


def help_network(
    edges: Iterable[tuple[str, str, float]], members: Sequence[str], now_s: float
) -> Network:
    """The network of accepted help (helper, helped, at_s) in the 28 days until `now_s`.

    Help by or for who is no member any more does not count. Raises ValueError for a member named
    twice and for help to oneself.

    >>> eight = [f"m{n}" for n in range(8)]
    >>> found = help_network([("m0", "m1", 5.0), ("m0", "m2", 6.0)], eight, 10.0)
    >>> found.edges, found.isolates, found.reason.text
    ((('m0', 'm1', 1), ('m0', 'm2', 1)), ('m3', 'm4', 'm5', 'm6', 'm7'), \
'5 learners neither gave nor got help in 28 days')
    """
    members = tuple(members)
    at = {member: place for place, member in enumerate(members)}
    if len(at) != len(members):
        raise ValueError(f"expected distinct members, got {len(members)} of {len(at)} names")
    weights = np.zeros((len(members), len(members)))
    for helper, helped, at_s in edges:
        if helper == helped:
            raise ValueError(f"expected help to somebody else, got {helper!r} twice")
        if at_s > now_s - WINDOW_S and helper in at and helped in at:
            weights[at[helper], at[helped]] += 1.0
    if len(members) < HIDDEN_BELOW:
        return Network(members, hidden=True)
    alone = weights.sum(axis=0) + weights.sum(axis=1) == 0.0
    isolates = tuple(member for member, lone in zip(members, alone.tolist(), strict=True) if lone)
    rows, columns = np.nonzero(weights)
    return Network(
        members,
        hidden=False,
        edges=tuple(
            (members[row], members[column], int(weights[row, column]))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ),
        pagerank=tuple(pagerank(weights.T).tolist()),
        betweenness=tuple(betweenness(weights > 0.0).tolist()),
        isolates=isolates,
        reason=reasons.unhelped(len(isolates), round(WINDOW_S / 86_400)) if isolates else None,
    )


def pagerank(weights: Floats) -> Floats:
    """(n,): where a walk along the weights is found in the long run; damping .85.

    `weights` (n, n), row leads to column. Who leads nowhere leads everywhere alike. Raises
    ValueError for another shape or negative weights.

    >>> pagerank(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [0.5, 0.5]
    """
    weights = np.asarray(weights, np.float64)
    n = len(weights)
    if weights.shape != (n, n) or not n or not (weights >= 0.0).all():
        raise ValueError(f"expected weights (n, n), none negative, got {weights.shape}")
    out = weights.sum(axis=1)
    steps = np.where(out[:, None] > 0.0, weights, 1.0) / np.where(out > 0.0, out, n)[:, None]
    rank: Floats = np.full(n, 1.0 / n)
    for _ in range(_STEPS_MOST):
        after = DAMPING * (rank @ steps) + (1.0 - DAMPING) / n
        moved = float(np.abs(after - rank).sum())
        rank = after / after.sum()
        if moved < _CLOSE:
            break
    return rank


def betweenness(links: np.typing.NDArray[np.bool_]) -> Floats:
    """(n,): share of the other pairs' shortest ways that lead through a member, in [0, 1].

    `links` (n, n) bool, directed, row leads to column. Raises ValueError for another shape.

    >>> betweenness(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], bool)).tolist()
    [0.0, 0.5, 0.0]
    """
    links = np.asarray(links, bool)
    n = len(links)
    if links.shape != (n, n):
        raise ValueError(f"expected links (n, n), got {links.shape}")
    starts: Ints = np.concatenate(([0], np.cumsum(links.sum(axis=1)))).astype(np.int64)
    ends = np.nonzero(links)[1].astype(np.int64)
    found: Floats = np.empty(n)
    kernels.betweenness(starts, ends, found)
    pairs = (n - 1) * (n - 2)
    return found / pairs if pairs else found
