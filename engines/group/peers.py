"""Who could explain a skill to whom: tutor pairs with fair turns. This file is their assignment.

Pairs are the cheapest assignment of tutors to learners who are stuck, found by shortest augmenting
paths (the augmentation of Jonker & Volgenant 1987); a pair costs `-gain + .5 x` how often the tutor
helped this week. A pair is a proposal: both must accept, and until then neither is named to the
other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from engines.group import kernels, reasons
from engines.reason_words import Reason
from engines.words import Floats, Ints

TUTORS_FROM = 0.9
"""P(L) from which a member may explain a skill."""
TURN_COST = 0.5
"""What each time a tutor helped this week costs, in units of gain."""
ABOVE_MEAN_MOST = 2.0
"""Nobody helps more often a week than the mean of all who could, and so many times more."""
_NEVER = 1e6
"""Cost of a pair that must not be: more than all others together."""


class TutorPair(msgspec.Struct, frozen=True):
    """Members' places, the skill, and how far the tutor is ahead in P(L).

    `reason` is for the teacher alone. `invitation` and `offer` are what tutor and learner are
    asked; they name nobody.
    """

    tutor: int
    learner: int
    skill: int
    gain: float
    reason: Reason
    invitation: Reason
    offer: Reason


def tutor_pairs(
    mastery: Floats,
    stuck: Mapping[int, int],
    active: Collection[int],
    helped: Mapping[int, int],
    *,
    apart: Iterable[tuple[int, int]] = (),
    names: Sequence[str] = (),
    skills: Sequence[str] = (),
) -> tuple[TutorPair, ...]:
    """Pairs by learner: as many as can be, and of those the cheapest; each member in one at most.

    `mastery` (n, k) float64 is P(L); `stuck` gives a learner's skill, `helped` how often members
    helped this week, 0 where missing. Only `active` members are paired, and who is stuck tutors
    nobody. Raises ValueError for members or skills that are not there and for mastery outside
    [0, 1].

    >>> m = np.array([[0.95, 0.3], [0.92, 0.95], [0.2, 0.5]])
    >>> names = ["Ana", "Bo", "Cy"]
    >>> pair = tutor_pairs(m, {2: 0}, range(3), {0: 1}, names=names, skills=["sums", "signs"])[0]
    >>> pair.reason.text
    'Bo has sums (92 %) and not yet helped this week; Cy is stuck on it'
    """
    mastery = np.asarray(mastery, np.float64)
    _check(mastery, stuck, active, helped)
    n, k = mastery.shape
    names = names or [f"member {place}" for place in range(n)]
    skills = skills or [f"skill {place}" for place in range(k)]
    learners = sorted(member for member in stuck if member in active)
    tutors = _in_turn(mastery, stuck, active, helped)
    if not learners or not tutors:
        return ()
    wanted = [stuck[learner] for learner in learners]
    gain = mastery[np.ix_(tutors, wanted)] - mastery[learners, wanted]
    turns = np.array([TURN_COST * helped.get(tutor, 0) for tutor in tutors])
    cost = turns[:, None] - gain
    cost[(mastery[np.ix_(tutors, wanted)] < TUTORS_FROM) | (gain <= 0.0)] = _NEVER
    met = {frozenset(pair) for pair in apart}
    for row, tutor in enumerate(tutors):
        for column, learner in enumerate(learners):
            if frozenset((tutor, learner)) in met:
                cost[row, column] = _NEVER
    found = []
    for row, column in assignment(cost):
        if cost[row, column] < _NEVER:
            tutor, learner, skill = tutors[row], learners[column], wanted[column]
            title, by = skills[skill], helped.get(tutor, 0)
            learnt = float(mastery[tutor, skill])
            found.append(
                TutorPair(
                    tutor,
                    learner,
                    skill,
                    float(gain[row, column]),
                    reasons.paired(names[tutor], names[learner], title, learnt, by),
                    reasons.invited(title),
                    reasons.offered(title),
                )
            )
    return tuple(sorted(found, key=lambda pair: pair.learner))


def assignment(cost: Floats) -> list[tuple[int, int]]:
    """Rows and columns matched one to one, as many as there can be, for the least sum of costs.

    `cost` (r, c) float64. O(min^2 max). Raises ValueError for another shape or numbers not finite.

    >>> assignment(np.array([[4.0, 1.0], [2.0, 0.0], [5.0, 3.0]]))
    [(0, 1), (1, 0)]
    """
    cost = np.asarray(cost, np.float64)
    if cost.ndim != 2:
        raise ValueError(f"expected costs (r, c), got {cost.shape}")
    if not np.isfinite(cost).all():
        raise ValueError("expected finite costs, got NaN or infinity")
    wide = cost.shape[0] <= cost.shape[1]
    of_row: Ints = np.empty(min(cost.shape), np.int64)
    kernels.assigned(np.ascontiguousarray(cost if wide else cost.T), of_row)
    pairs = list(enumerate(of_row.tolist()))
    return pairs if wide else sorted((column, row) for row, column in pairs)


def _in_turn(
    mastery: Floats, stuck: Mapping[int, int], active: Collection[int], helped: Mapping[int, int]
) -> list[int]:
    """Active members who have some skill asked for and whose turn it still can be this week."""
    wanted = sorted({*stuck.values()})
    masters = [
        member
        for member in sorted({*active})
        if member not in stuck and (mastery[member, wanted] >= TUTORS_FROM).any()
    ]
    if not masters:
        return []
    mean = sum(helped.get(member, 0) for member in masters) / len(masters)
    return [m for m in masters if helped.get(m, 0) + 1 <= mean + ABOVE_MEAN_MOST]


def _check(
    mastery: Floats, stuck: Mapping[int, int], active: Collection[int], helped: Mapping[int, int]
) -> None:
    if mastery.ndim != 2 or not ((mastery >= 0.0) & (mastery <= 1.0)).all():
        raise ValueError(f"expected mastery (n, k) in [0, 1], got {mastery.shape}")
    n, k = mastery.shape
    stray = [member for member in (*stuck, *active, *helped) if not 0 <= member < n]
    if stray:
        raise ValueError(f"expected members below {n}, got {stray[0]}")
    if any(not 0 <= skill < k for skill in stuck.values()):
        raise ValueError(f"expected skills below {k}, got {sorted(stuck.values())}")
    if any(times < 0 for times in helped.values()):
        raise ValueError(f"expected counts of help, got {min(helped.values())}")
