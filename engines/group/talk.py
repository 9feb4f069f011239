"""How evenly a room talks, from who spoke when. This file is the balance of talk.

No text is read and nobody is graded: the facilitator is told when few have most of the turns, or
somebody has been silent for long, and decides. Gini (1912) and Shannon's entropy (1948) are of the
turns that members present had in the last five minutes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from engines.group import reasons
from engines.reason_words import Reason

WINDOW_S = 300.0
TURNS_LEAST = 12
"""Turns in the window, below which nobody is nudged."""
UNEVEN_FROM = 0.6
"""Gini above which talk is uneven."""
SILENT_S = 240.0


class Balance(msgspec.Struct, frozen=True):
    """`gini` in [0, 1): 0 for equal turns, (n - 1) / n for one speaker; `entropy` in [0, 1].

    `silent` are members who have not spoken for `SILENT_S`; all of it is the facilitator's alone.
    """

    turns: int
    gini: float
    entropy: float
    silent: tuple[str, ...]
    nudge: Reason | None


def balance(
    turns: Sequence[tuple[str, float]],
    members: Sequence[str] | Mapping[str, float],
    now_s: float,
) -> Balance:
    """The balance of the turns (member, at_s) among the members present.

    `members` may map each to when they came (at_s): nobody is silent before they could speak.
    Without that all count as there since the first turn given. Turns of others do not count. A
    nudge takes two members and `TURNS_LEAST` turns.

    >>> turns = [("m1", float(s)) for s in range(12)]
    >>> found = balance(turns, ["m1", "m2", "m3", "m4"], 20.0)
    >>> found.gini, found.nudge.text
    (0.75, 'One of four has spoken')
    """
    present = list(dict.fromkeys(members))
    last = dict.fromkeys(present, -math.inf)
    counts: Counter[str] = Counter()
    began_s = math.inf
    for member, at_s in turns:
        if member not in last:
            continue
        began_s = min(began_s, at_s)
        last[member] = max(last[member], at_s)
        counts[member] += at_s > now_s - WINDOW_S
    came_s = members if isinstance(members, Mapping) else dict.fromkeys(present, began_s)
    silent = tuple(m for m in present if now_s - max(last[m], came_s[m], began_s) >= SILENT_S)
    spoken = [counts[member] for member in present]
    n, uneven = sum(spoken), gini(spoken)
    nudge = None
    if n >= TURNS_LEAST and len(present) > 1:
        if uneven > UNEVEN_FROM:
            nudge = reasons.uneven(sum(map(bool, spoken)), len(present), uneven)
        elif silent:
            nudge = reasons.silence(len(silent), len(present), round(SILENT_S / 60.0))
    return Balance(n, uneven, evenness(spoken), silent, nudge)


def gini(counts: Sequence[int]) -> float:
    """Gini's index of counts: half their mean difference over their mean; 0 where all are 0.

    >>> gini([3, 3, 3]), gini([9, 0, 0]) == 2 / 3
    (0.0, True)
    """
    whole, n = sum(counts), len(counts)
    if not whole:
        return 0.0
    ranked = sum((2 * rank - n - 1) * count for rank, count in enumerate(sorted(counts), 1))
    return ranked / (n * whole)


def evenness(counts: Sequence[int]) -> float:
    """Entropy of the shares over that of equal ones, in [0, 1]; 1 where there is nothing to share.

    >>> evenness([3, 3]), evenness([9, 0, 0])
    (1.0, 0.0)
    """
    whole, n = sum(counts), len(counts)
    if not whole or n < 2:
        return 1.0
    shares = [count / whole for count in counts if count]
    entropy = -sum(share * math.log(share) for share in shares) / math.log(n)
    return min(1.0, max(0.0, entropy))
