"""Peer instruction: one round's votes counted, and what they suggest. This file is that count.

Learners vote, discuss with somebody who voted otherwise and vote again (Mazur 1997); what the
second round gained is told as Hake's normalised gain (Hake 1998). A tally holds what no learner
may see before the reveal; only `published` is for learners, and only after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import msgspec
import numpy as np

from engines.maths.dice import Dice
from engines.words import Ints

Suggestion = Literal["discuss", "reveal", "explain"]

DISCUSS_FROM, DISCUSS_TO = 0.3, 0.7
"""Share right between which a discussion pays: below few can explain, above few need it."""
DIVIDED_TO = 0.7
"""Without a right choice a vote is divided while its most popular choice has no more than this."""
SUPPRESS_BELOW = 5
"""Voters; what fewer than so many said is not published."""
PREDICTED_FROM = 5
"""Predictions, without which no answer counts as surprisingly popular."""
_TIE = 1e-9


class Ballot(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One vote. `confidence` and `predicted`, the share that will vote alike, are in [0, 1].

    Raises ValueError for a number outside.
    """

    choice: str
    confidence: float | None = None
    predicted: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("confidence", self.confidence), ("predicted", self.predicted)):
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"expected {name} in [0, 1] or none, got {value}")


class Tally(msgspec.Struct, frozen=True):
    """One round counted; every mapping has all choices, in their order.

    `weighted` are shares by confidence, `confidence` its mean among a choice's `confident` voters
    who told theirs (None where nobody did). `share_right` is None without a right choice or votes.
    """

    n: int
    right: str | None
    totals: Mapping[str, int]
    weighted: Mapping[str, float]
    share_right: float | None
    confidence: Mapping[str, float | None]
    confident: Mapping[str, int]
    surprising: str | None


def tallied(ballots: Mapping[str, Ballot], choices: Sequence[str], right: str | None) -> Tally:
    """The tally of the members' ballots.

    Raises ValueError for choices that are none or not distinct, and for a ballot or a right choice
    that is not among them.

    >>> tally = tallied({"m1": Ballot("a", 1.0), "m2": Ballot("b", 0.5)}, ["a", "b"], "a")
    >>> tally.totals, tally.share_right, round(tally.weighted["a"], 3)
    ({'a': 1, 'b': 1}, 0.5, 0.667)
    """
    _check(ballots, choices, right)
    votes = [ballots[member] for member in sorted(ballots)]  # sums must not depend on arrival
    of = {choice: [b for b in votes if b.choice == choice] for choice in choices}
    told = {c: [b.confidence for b in of[c] if b.confidence is not None] for c in choices}
    n = len(votes)
    totals = {choice: len(of[choice]) for choice in choices}
    return Tally(
        n=n,
        right=right,
        totals=totals,
        weighted=_weighted(totals, told),
        share_right=totals[right] / n if right is not None and n else None,
        confidence={c: sum(told[c]) / len(told[c]) if told[c] else None for c in choices},
        confident={c: len(told[c]) for c in choices},
        surprising=_surprising(votes, totals),
    )


def _check(ballots: Mapping[str, Ballot], choices: Sequence[str], right: str | None) -> None:
    if not choices or len(set(choices)) != len(choices):
        raise ValueError(f"expected distinct choices, at least one, got {list(choices)}")
    if right is not None and right not in choices:
        raise ValueError(f"expected the right choice among {list(choices)}, got {right!r}")
    stray = sorted({ballot.choice for ballot in ballots.values()} - set(choices))
    if stray:
        raise ValueError(f"expected votes for {list(choices)}, got one for {stray[0]!r}")


def _weighted(totals: Mapping[str, int], told: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Shares by confidence; who told none weighs as the mean of those who did (ours)."""
    n, all_told = sum(totals.values()), [w for weights in told.values() for w in weights]
    if not n:
        return dict.fromkeys(totals, 0.0)
    mean = sum(all_told) / len(all_told) if all_told else 1.0
    weights = {c: sum(told[c]) + mean * (totals[c] - len(told[c])) for c in totals}
    whole = sum(weights.values())
    if whole <= 0.0:  # everybody was entirely unsure: heads count
        return {c: totals[c] / n for c in totals}
    return {c: weights[c] / whole for c in totals}


def _surprising(votes: Sequence[Ballot], totals: Mapping[str, int]) -> str | None:
    """The choice that is more popular than predicted by most (Prelec, Seung & McCoy 2017).

    A voter predicts the share of the own choice; what is left goes to the other choices alike,
    which is exact for two and our assumption for more. None where too few predicted, nothing is
    more popular than predicted or two choices are so equally.
    """
    predicting = [b for b in votes if b.predicted is not None]
    if len(predicting) < PREDICTED_FROM or len(totals) < 2:
        return None
    expected = dict.fromkeys(totals, 0.0)
    for ballot in predicting:
        own = ballot.predicted or 0.0
        for choice in totals:
            alike = choice == ballot.choice
            expected[choice] += own if alike else (1.0 - own) / (len(totals) - 1)
    surplus = {c: totals[c] / len(votes) - expected[c] / len(predicting) for c in totals}
    first, second = sorted(totals, key=lambda c: -surplus[c])[:2]
    return first if surplus[first] > max(surplus[second], 0.0) + _TIE else None


def suggested(tally: Tally) -> Suggestion:
    """What to do after the round: discuss it, reveal the answer, or explain the matter again.

    By the share right, 30 to 70 % for a discussion (Mazur 1997). Without a right choice a divided
    vote is discussed; without votes the question is explained.

    >>> suggested(tallied({"m1": Ballot("a"), "m2": Ballot("b")}, ["a", "b"], "a"))
    'discuss'
    """
    if not tally.n:
        return "explain"
    if tally.share_right is None:
        return "discuss" if max(tally.totals.values()) <= DIVIDED_TO * tally.n else "reveal"
    if tally.share_right < DISCUSS_FROM:
        return "explain"
    return "discuss" if tally.share_right <= DISCUSS_TO else "reveal"


def hake_gain(q1: float | None, q2: float | None) -> float | None:
    """Normalised gain `(q2 - q1) / (1 - q1)` of the shares right before and after (Hake 1998).

    None where a share is unknown or nothing was left to gain. Negative where the second is lower.
    Raises ValueError for a share outside [0, 1].

    >>> round(hake_gain(0.4, 0.7), 3)
    0.5
    """
    if q1 is None or q2 is None:
        return None
    if not (0.0 <= q1 <= 1.0 and 0.0 <= q2 <= 1.0):
        raise ValueError(f"expected shares in [0, 1], got {q1} and {q2}")
    return (q2 - q1) / (1.0 - q1) if q1 < 1.0 else None


def published(tally: Tally) -> dict[str, Any] | None:
    """What learners may see of a tally once it is revealed; None below `SUPPRESS_BELOW` voters.

    The confidence of a choice is None where fewer voters told theirs. Weighted shares would give
    it away, so they are None as long as one voted choice's confidence is.

    >>> five = {f"m{n}": Ballot("a" if n else "b", 0.5) for n in range(5)}
    >>> shown = published(tallied(five, ["a", "b"], "a"))
    >>> shown["totals"], shown["confidence"], shown["weighted"]
    ({'a': 4, 'b': 1}, {'a': None, 'b': None}, None)
    >>> published(tallied({"m1": Ballot("a")}, ["a", "b"], "a")) is None
    True
    """
    if tally.n < SUPPRESS_BELOW:
        return None
    open_cells = {c: tally.confident[c] >= SUPPRESS_BELOW for c in tally.totals}
    told = tally.confidence.items()
    all_open = all(open_cells[c] for c, votes in tally.totals.items() if votes)
    return {
        "n": tally.n,
        "right": tally.right,
        "totals": dict(tally.totals),
        "share_right": tally.share_right,
        "weighted": _rounded(tally.weighted) if all_open else None,
        "confidence": _rounded({c: v if open_cells[c] else None for c, v in told}),
        "surprising": tally.surprising,
    }


def _rounded(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Whole hundredths: as much as a bar shows."""
    return {name: value if value is None else round(value, 2) for name, value in values.items()}


# --- who talks with whom --------------------------------------------------------------------------
_APART, _ALIKE, _BOTH_WRONG, _MET_MOST = 10**14, 10**9, 10**5, 99
"""What a pair costs: each outweighs all that may come of the next in a room of 1,000."""
_SWEEPS_MOST = 50
_NEVER_MET: Mapping[frozenset[str], int] = MappingProxyType({})
_NOBODY = ""
"""Who an odd member is paired with before joining a pair; no member has this id."""


def differing_pairs(
    ballots: Mapping[str, Ballot],
    right: str | None,
    *,
    apart: frozenset[frozenset[str]] = frozenset(),
    met: Mapping[frozenset[str], int] = _NEVER_MET,
    dice: Dice,
) -> list[tuple[str, ...]]:
    """Voters in pairs whose votes differ, first a right with a wrong one; an odd one joins a pair.

    As many pairs differ as can; only what is left over is paired alike. Among those, partners
    who met least (`met`, times by pair), as far as exchanges between two pairs lead. Nobody is
    put together with whom they are `apart` from: where that leaves no partner they join a pair,
    and where it leaves none either they stand alone. Fewer than two voters: no pairs. The same
    dice give the same pairs. For 1,000 voters some 0.1 s.
    Raises ValueError unless `apart` and `met` are of two members each.

    >>> votes = {"m1": Ballot("a"), "m2": Ballot("a"), "m3": Ballot("b"), "m4": Ballot("b")}
    >>> pairs = differing_pairs(votes, "a", met={frozenset(("m1", "m3")): 1}, dice=Dice(7, 1))
    >>> pairs
    [('m1', 'm4'), ('m2', 'm3')]
    """
    stray = [set(pair) for pair in (*apart, *met) if len(pair) != 2]
    if stray:
        raise ValueError(f"expected apart and met by two members, got {stray[0]}")
    members = sorted(ballots)
    if len(members) < 2:
        return []
    for last in range(len(members) - 1, 0, -1):  # Fisher-Yates
        other = dice.below(last + 1)
        members[last], members[other] = members[other], members[last]
    seeds = _seeded(members, ballots, right)
    if len(members) % 2:
        members.append(_NOBODY)
    cost = _costs(members, ballots, right, apart, met)
    at = {member: place for place, member in enumerate(members)}
    pairs = _exchanged(np.array([[at[a], at[b]] for a, b in seeds]), cost)
    groups = _joined(pairs, cost, nobody=at.get(_NOBODY, -1))
    return sorted(tuple(sorted(members[place] for place in group)) for group in groups)


def _seeded(
    members: Sequence[str], ballots: Mapping[str, Ballot], right: str | None
) -> list[tuple[str, str]]:
    """As many differing pairs as can be, apart and met not asked."""
    of: dict[str, list[str]] = {}
    for member in members:
        of.setdefault(ballots[member].choice, []).append(member)
    rights = of.pop(right, []) if right is not None else []
    pairs = []
    while rights and any(of.values()):
        # the most common mistake first leaves the others most varied
        pairs.append((rights.pop(), of[max(of, key=lambda choice: len(of[choice]))].pop()))
    left = [m for group in sorted([rights, *of.values()], key=len, reverse=True) for m in group]
    if len(left) % 2:
        pairs.append((left.pop(0), _NOBODY))
    half = len(left) // 2
    return pairs + list(zip(left[:half], left[half:], strict=True))


def _costs(
    members: Sequence[str],
    ballots: Mapping[str, Ballot],
    right: str | None,
    apart: frozenset[frozenset[str]],
    met: Mapping[frozenset[str], int],
) -> Ints:
    """(n, n) int64: what each pair costs; nobody costs nothing, oneself cannot be paid."""
    names = {b.choice: number for number, b in enumerate(ballots.values())}
    choice = np.array([names[ballots[m].choice] if m else -1 for m in members])
    wrong = choice != names.get(right, -1) if right is not None else np.zeros(len(choice), bool)
    cost = np.where(choice[:, None] == choice, _ALIKE, 0)
    cost += np.where((cost == 0) & wrong[:, None] & wrong, _BOTH_WRONG, 0)
    at = {member: place for place, member in enumerate(members)}
    for pair, times in met.items():
        if pair <= at.keys():
            one, other = (at[member] for member in pair)
            cost[[one, other], [other, one]] += min(times, _MET_MOST)
    for pair in apart:
        if pair <= at.keys():
            one, other = (at[member] for member in pair)
            cost[[one, other], [other, one]] = _APART
    if members[-1] == _NOBODY:
        cost[-1, :] = cost[:, -1] = 0
    np.fill_diagonal(cost, _APART * 4)
    return cost.astype(np.int64)


def _exchanged(pairs: Ints, cost: Ints) -> Ints:
    """Pairs (p, 2) of which no two could exchange partners for less."""
    a, b = pairs[:, 0].copy(), pairs[:, 1].copy()
    for _ in range(_SWEEPS_MOST):
        moved = False
        for i in range(len(a)):
            of_a, of_b, now = cost[a[i]], cost[b[i]], cost[a, b] + cost[a[i], b[i]]
            straight = of_a[a] + of_b[b] - now
            crossed = of_a[b] + of_b[a] - now
            j, k = int(straight.argmin()), int(crossed.argmin())
            if min(straight[j], crossed[k]) >= 0:
                continue
            moved = True
            if straight[j] <= crossed[k]:
                b[i], a[j] = a[j], b[i]
            else:
                b[i], b[k] = b[k], b[i]
        if not moved:
            break
    return np.stack([a, b], axis=1)


def _joined(pairs: Ints, cost: Ints, *, nobody: int) -> list[list[int]]:
    """Groups without anybody apart: who has no partner joins a pair, else another, else nobody."""
    groups: list[list[int]] = []
    loose: list[int] = []
    for pair in pairs.tolist():
        if nobody in pair or cost[pair[0], pair[1]] >= _APART:
            loose += [place for place in pair if place != nobody]
        else:
            groups.append(pair)
    for place in loose:
        open_to = [g for g in groups if len(g) < 3 and all(cost[place, o] < _APART for o in g)]
        if open_to:
            # a pair first, and in it one who voted otherwise; then whom they met least
            least = min(
                open_to,
                key=lambda g: (-len(g), min(cost[place, g]) >= _ALIKE, int(sum(cost[place, g]))),
            )
            least.append(place)
        else:
            groups.append([place])
    return groups
