"""Groups of members who have what the others lack, under the teacher's constraints.

This file is their formation: members are dealt in a snake by mean mastery, then units change
places as long as the score rises, from several beginnings; the best end is proposed. It is a local
search: good, never called optimal, and whether mixed groups help is not settled by evidence.

A group's score is `coverage + .5 complement - .3 repeats`: the share of skills that some member
has mastered (P(L) >= .8), the mean over pairs of how much of their difference goes both ways, and
the mean over pairs of how often they were together in the last 3 sittings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines.group import kernels, reasons
from engines.group.constraints import Bound, Pair, Search, bound, placed, unkept
from engines.maths.dice import Dice
from engines.reason_words import Reason
from engines.words import Floats, Ints

SIZE_LEAST, SIZE_MOST = 2, 6
"""Members of a group that may be asked for."""
HAS_FROM = 0.8
"""P(L) from which a member has a skill."""
COMPLEMENT_WEIGHT, REPEATS_WEIGHT = 0.5, 0.3
SITTINGS = 3
"""So many of the newest sittings count for repeats."""
RESTARTS = 8
_WORD_BITS = 64
_APART = 1e4
"""What two who must not meet take from a group's sum over pairs: more than any exchange gains,
and so little that a sum which has lost it again is right to 1e-11."""


class Formed(msgspec.Struct, frozen=True):
    """Groups of members' places, sorted; the mean score, its mean terms, each group's reason."""

    groups: tuple[tuple[int, ...], ...]
    score: float
    terms: Mapping[str, float]
    reasons: tuple[Reason, ...]


class _Class(NamedTuple):
    """A class as the score sees it: what members have (n, k), complement and repeats (n, n)."""

    mastery: Floats
    complement: Floats
    repeats: Floats


def formed(
    mastery: Floats,
    size: int,
    *,
    together: Iterable[Pair] = (),
    apart: Iterable[Pair] = (),
    history: Sequence[Sequence[Sequence[int]]] = (),
    locks: Sequence[Sequence[int]] = (),
    seed: int,
    names: Sequence[str] = (),
    skills: Sequence[str] = (),
) -> Formed:
    """Groups of `size` (2 to 6), or one less; one of three where pairs do not come out even.

    `mastery` (n, k) float64 is P(L); `together` and `apart` are pairs of members' places;
    `history` holds sittings, the newest last, each its groups; `locks` are groups that stay.
    `names` (n) and `skills` (k) are for the reasons. The same arguments give the same groups,
    0 <= seed < 2**64. Raises ValueError for anything else, and where the constraints cannot be
    kept; the message names them.

    >>> m = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.2], [0.2, 0.9]])
    >>> found = formed(m, 2, seed=7, names=["Ana", "Bo", "Cy", "Di"], skills=["sums", "signs"])
    >>> found.groups, found.terms["coverage"], found.reasons[0].text
    (((0, 1), (2, 3)), 1.0, 'Ana has sums, Bo has signs')
    >>> formed(m, 2, apart=[(0, 1), (0, 2), (0, 3)], seed=7)
    Traceback (most recent call last):
    ValueError: expected groups, 2 of 2, with member 0 and member 1 apart, member 0 and member 2 \
apart, member 0 and member 3 apart; there are none
    """
    mastery = _checked(mastery, size, seed)
    n, k = mastery.shape
    names = names or [f"member {place}" for place in range(n)]
    skills = skills or [f"skill {place}" for place in range(k)]
    if len(names) != n or len(skills) != k:
        raise ValueError(f"expected {n} names and {k} skills, got {len(names)} and {len(skills)}")
    together, apart = _pairs(together, n, "together"), _pairs(apart, n, "apart")
    fixed = _locked(locks, n, together, apart, names)
    inside = {member for group in fixed for member in group}
    free = [member for member in range(n) if member not in inside]
    together = [pair for pair in together if not inside.intersection(pair)]
    apart = [pair for pair in apart if not inside.intersection(pair)]
    recent = history[-SITTINGS:]
    of = _Class(mastery, _complement(mastery), _repeats(recent, n))
    found = _searched(of, free, size, together, apart, seed, names) if free else []
    groups = sorted([*fixed, *found])
    terms = _terms(of, _membership(groups, n))
    why = _reasons(of, groups, names, skills, len(recent))
    told = [reasons.locked() if g in fixed else w for g, w in zip(groups, why, strict=True)]
    return Formed(tuple(groups), _score(terms), terms, tuple(told))


def score_of(
    mastery: Floats,
    groups: Sequence[Sequence[int]],
    history: Sequence[Sequence[Sequence[int]]] = (),
) -> float:
    """The mean score of given groups, by which `formed` chooses.

    >>> score_of(np.array([[0.9, 0.1], [0.1, 0.9]]), [(0, 1)])
    1.4
    """
    of = _Class(mastery, _complement(mastery), _repeats(history[-SITTINGS:], len(mastery)))
    return _score(_terms(of, _membership(groups, len(mastery))))


def sizes_of(n: int, size: int) -> tuple[int, ...]:
    """Sizes of groups for n members: `size` or one less, larger by one only to leave nobody alone.

    >>> sizes_of(10, 4), sizes_of(5, 2), sizes_of(1, 3)
    ((4, 3, 3), (3, 2), (1,))
    """
    count = -(-n // size)
    if count > 1 and n // count < SIZE_LEAST:
        count -= 1
    return tuple(n // count + (place < n % count) for place in range(count))


# --- arguments ------------------------------------------------------------------------------------
def _checked(mastery: Floats, size: int, seed: int) -> Floats:
    mastery = np.ascontiguousarray(mastery, np.float64)
    if mastery.ndim != 2 or not mastery.size:
        raise ValueError(f"expected mastery (n, k), n and k at least 1, got {mastery.shape}")
    if not ((mastery >= 0.0) & (mastery <= 1.0)).all():
        raise ValueError("expected mastery in [0, 1], got a number outside")
    if not SIZE_LEAST <= size <= SIZE_MOST:
        raise ValueError(f"expected a size of {SIZE_LEAST} to {SIZE_MOST}, got {size}")
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"expected 0 <= seed < 2**64, got {seed}")
    return mastery


def _pairs(pairs: Iterable[Pair], n: int, what: str) -> list[Pair]:
    """Distinct pairs in order. Raises ValueError."""
    found = {}
    for pair in pairs:
        if len({*pair}) != 2 or not all(0 <= member < n for member in pair):
            raise ValueError(f"expected {what} as pairs of two members below {n}, got {pair}")
        found[min(pair), max(pair)] = True
    return sorted(found)


def _locked(
    locks: Sequence[Sequence[int]],
    n: int,
    together: Sequence[Pair],
    apart: Sequence[Pair],
    names: Sequence[str],
) -> list[tuple[int, ...]]:
    """The locked groups, sorted. Raises ValueError for locks that break a constraint."""
    fixed = [tuple(sorted(group)) for group in locks]
    members = [member for group in fixed for member in group]
    if len({*members}) != len(members) or not all(0 <= member < n for member in members):
        raise ValueError(f"expected locks of distinct members below {n}, got {fixed}")
    if not all(fixed):
        raise ValueError(f"expected locks with members, got {fixed}")
    of = {member: place for place, group in enumerate(fixed) for member in group}
    for kind, pairs in (("together", together), ("apart", apart)):
        for one, other in pairs:
            same = of.get(one) == of.get(other)
            if (one in of or other in of) and same == (kind == "apart"):
                msg = (
                    f"expected locks that keep {names[one]} and {names[other]} {kind}, got {fixed}"
                )
                raise ValueError(msg)
    return fixed


# --- the score ------------------------------------------------------------------------------------
def _complement(mastery: Floats) -> Floats:
    out = np.empty((len(mastery), len(mastery)))
    kernels.complement(np.ascontiguousarray(mastery), out)
    return out


def _repeats(sittings: Sequence[Sequence[Sequence[int]]], n: int) -> Floats:
    """(n, n): in how many of the sittings two members shared a group."""
    times = np.zeros((n, n))
    for sitting in sittings:
        for group in sitting:
            if not all(0 <= member < n for member in group):
                raise ValueError(f"expected a history of members below {n}, got {list(group)}")
            times[np.ix_(group, group)] += 1.0
    np.fill_diagonal(times, 0.0)
    return times


def _membership(groups: Sequence[Sequence[int]], n: int) -> Floats:
    """(groups, n): 1 where a member is in a group."""
    inside = np.zeros((len(groups), n))
    for place, group in enumerate(groups):
        inside[place, list(group)] = 1.0
    return inside


def _terms(of: _Class, inside: Floats) -> dict[str, float]:
    """Means over groups of what makes the score."""
    size = inside.sum(axis=1)
    pairs = np.maximum(1.0, size * (size - 1.0))
    covered = inside @ (of.mastery >= HAS_FROM) > 0.0
    return {
        "coverage": float(covered.mean()),
        "complement": float((((inside @ of.complement) * inside).sum(axis=1) / pairs).mean()),
        "repeats": float((((inside @ of.repeats) * inside).sum(axis=1) / pairs).mean()),
    }


def _score(terms: Mapping[str, float]) -> float:
    mixed = COMPLEMENT_WEIGHT * terms["complement"] - REPEATS_WEIGHT * terms["repeats"]
    return terms["coverage"] + mixed


# --- the search -----------------------------------------------------------------------------------
def _searched(
    of: _Class,
    free: Sequence[int],
    size: int,
    together: Sequence[Pair],
    apart: Sequence[Pair],
    seed: int,
    names: Sequence[str],
) -> list[tuple[int, ...]]:
    """The best groups of `RESTARTS` searches. Raises ValueError where there are none."""
    sizes = sizes_of(len(free), size)
    units = bound(free, together, apart)
    means = of.mastery.mean(axis=1).tolist()
    level = [-sum(means[member] for member in unit) / len(unit) for unit in units.units]
    snake = sorted(range(len(units.units)), key=lambda unit: (level[unit], unit))
    arrays = None
    best, found, start = -np.inf, np.empty(0, np.int64), Search()
    for restart in range(RESTARTS):
        if restart:
            _shuffle(snake, Dice(seed, restart))
        start = placed(units, sizes, snake)
        if start.group_of is None:
            if start.whole:
                _refuse(start, free, together, apart, sizes, names)
            continue
        arrays = arrays or _arrays(of, units, len(sizes))
        group_of = np.array([*_dealt(units, start.group_of, sizes, snake), *range(len(sizes))])
        total = kernels.exchanged(group_of, np.array(sizes), *arrays, of.mastery.shape[1])
        if total > best + kernels.GAINED_LEAST:
            best, found = total, group_of
    if not len(found):
        _refuse(start, free, together, apart, sizes, names)
    members: list[list[int]] = [[] for _ in sizes]
    for unit, group in zip(units.units, found.tolist(), strict=False):
        members[group] += unit
    return [tuple(sorted(group)) for group in members]


def _refuse(
    search: Search,
    free: Sequence[int],
    together: Sequence[Pair],
    apart: Sequence[Pair],
    sizes: Sequence[int],
    names: Sequence[str],
) -> None:
    asked = " and ".join(f"{sizes.count(size)} of {size}" for size in sorted({*sizes})[::-1])
    if not search.whole:
        pairs = len(together) + len(apart)
        raise ValueError(
            f"expected groups, {asked}, that keep {pairs} pairs together or apart; none were "
            f"found in {search.placements} placements"
        )
    named = unkept(free, together, apart, sizes, names)
    raise ValueError(f"expected groups, {asked}, with {named}; there are none")


def _shuffle(order: list[int], dice: Dice) -> None:
    for last in range(len(order) - 1, 0, -1):  # Fisher-Yates
        other = dice.below(last + 1)
        order[last], order[other] = order[other], order[last]


def _dealt(
    of: Bound, group_of: Mapping[int, int], sizes: Sequence[int], snake: Sequence[int]
) -> list[int]:
    """Every unit's group: those placed where they are, the others dealt to and fro in `snake`."""
    left = list(sizes)
    for unit, group in group_of.items():
        left[group] -= len(of.units[unit])
    turns: list[int] = []
    forth = True
    while len(turns) < sum(left):
        groups = range(len(left)) if forth else range(len(left) - 1, -1, -1)
        turns += [group for group in groups if turns.count(group) < left[group]]
        forth = not forth
    rest = iter(turns)
    dealt = dict(group_of)
    for unit in snake:
        if unit not in dealt:
            dealt[unit] = next(rest)
    return [dealt[unit] for unit in range(len(of.units))]


def _arrays(
    of: _Class, units: Bound, groups: int
) -> tuple[Ints, NDArray[np.uint64], Floats, Floats]:
    """What `kernels.exchanged` reads, with one empty unit a group behind the units."""
    n = len(units.units) + groups
    k = of.mastery.shape[1]
    of_unit = np.zeros((n, len(of.mastery)))
    for at, unit in enumerate(units.units):
        of_unit[at, list(unit)] = 1.0
    weight = COMPLEMENT_WEIGHT * of.complement - REPEATS_WEIGHT * of.repeats
    pair = of_unit @ weight @ of_unit.T
    inner = 0.5 * np.diag(pair).copy()
    np.fill_diagonal(pair, 0.0)
    bits = np.zeros((n, -(-k // _WORD_BITS) * _WORD_BITS), np.uint8)
    bits[:, :k] = (of_unit @ (of.mastery >= HAS_FROM)) > 0.0
    has = np.packbits(bits, axis=1).view(np.uint64)
    for at, others in enumerate(units.apart):
        pair[at, list(others)] = -_APART
    size = of_unit.sum(axis=1).astype(np.int64)
    return size, has, np.ascontiguousarray(pair), inner


# --- reasons --------------------------------------------------------------------------------------
def _reasons(
    of: _Class,
    groups: Sequence[tuple[int, ...]],
    names: Sequence[str],
    skills: Sequence[str],
    sittings: int,
) -> list[Reason]:
    """What two members bring that fewest of the others have, and how many pairs met lately."""
    inside, has = _membership(groups, len(of.mastery)), of.mastery >= HAS_FROM
    owners = inside @ has
    rarest = owners.argsort(axis=1, kind="stable").tolist()
    met = ((inside @ (of.repeats > 0.0)) * inside).sum(axis=1).tolist()
    found = []
    for place, group in enumerate(groups):
        brings: dict[int, int] = {}
        for skill in rarest[place]:
            if 0 < owners[place, skill] < len(group) and len(brings) < 2:
                owner = next((m for m in group if has[m, skill] and m not in brings), None)
                if owner is not None:
                    brings[owner] = skill
        said = [(names[owner], skills[skill]) for owner, skill in brings.items()]
        found.append(reasons.grouped(said, round(met[place]) // 2, sittings))
    return found
