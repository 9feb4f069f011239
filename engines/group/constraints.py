"""Who must share a group and who must not: places that keep all of it, or what cannot be kept.

This file is the search for such places: depth first over those members who are bound by anything,
the most bound first (Brelaz 1979 orders colours so). It is exact until `PLACEMENTS_MOST`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[int, int]

PLACEMENTS_MOST = 20_000
"""Placements tried before a division counts as not found."""
NAMING_MOST = 200_000
"""Work to find the few constraints that cannot be kept together, in placements and units read."""
_NAMED_MOST = 12


@dataclass(frozen=True, slots=True)
class Bound:
    """Members who stay together as units, and which units must not meet.

    `units` are sorted members; `apart` holds each unit's places of others, `broken` is whether a
    unit holds two that must not meet.
    """

    units: tuple[tuple[int, ...], ...]
    apart: tuple[frozenset[int], ...]
    broken: bool


@dataclass(slots=True)
class Search:
    """What a search found: the group of each bound unit, and whether it tried everything."""

    group_of: dict[int, int] | None = None
    whole: bool = True
    placements: int = 0


def bound(members: Sequence[int], together: Sequence[Pair], apart: Sequence[Pair]) -> Bound:
    """The members as units.

    >>> of = bound(range(4), [(0, 2)], [(2, 3)])
    >>> of.units, [sorted(others) for others in of.apart], of.broken
    (((0, 2), (1,), (3,)), [[2], [], [0]], False)
    """
    root = {member: member for member in members}

    def first(member: int) -> int:
        while root[member] != member:
            member = root[member]
        return member

    for one, other in together:
        low, high = sorted((first(one), first(other)))
        root[high] = low
    units: dict[int, list[int]] = {}
    for member in sorted(members):
        units.setdefault(first(member), []).append(member)
    place = {member: at for at, unit in enumerate(units.values()) for member in unit}
    others: list[set[int]] = [set() for _ in units]
    broken = False
    for one, other in apart:
        broken |= place[one] == place[other]
        others[place[one]].add(place[other])
        others[place[other]].add(place[one])
    found = tuple(frozenset(met - {at}) for at, met in enumerate(others))
    return Bound(tuple(tuple(unit) for unit in units.values()), found, broken)


def placed(of: Bound, sizes: Sequence[int], order: Sequence[int]) -> Search:
    """Groups for all units that are larger than one or apart from another.

    `order` breaks ties among units. Who is free fits into what is left, for the sizes add up to
    the members.
    """
    search = Search()
    rank = {unit: n for n, unit in enumerate(order)}
    unplaced = [u for u in order if len(of.units[u]) > 1 or of.apart[u]]
    unplaced.sort(key=lambda u: (-len(of.units[u]), -len(of.apart[u]), rank[u]))
    if of.broken:
        return search
    group_of: dict[int, int] = {}
    free = list(sizes)
    tried = [iter(_open(of, unplaced[0], group_of, free, sizes))] if unplaced else []
    while tried:
        unit = unplaced[len(tried) - 1]
        if unit in group_of:
            free[group_of.pop(unit)] += len(of.units[unit])
        group = next(tried[-1], None)
        if group is None:
            tried.pop()
            continue
        if search.placements == PLACEMENTS_MOST:
            search.whole = False
            return search
        search.placements += 1
        group_of[unit] = group
        free[group] -= len(of.units[unit])
        if len(tried) == len(unplaced):
            break
        tried.append(iter(_open(of, unplaced[len(tried)], group_of, free, sizes)))
    if len(group_of) == len(unplaced):
        search.group_of = group_of
    return search


def _open(
    of: Bound, unit: int, group_of: dict[int, int], free: Sequence[int], sizes: Sequence[int]
) -> list[int]:
    """Groups that the unit may go to, the emptiest first; of empty ones alike one is enough."""
    met = {group_of[other] for other in of.apart[unit] if other in group_of}
    found, seen = [], set()
    for group, left in enumerate(free):
        if left < len(of.units[unit]) or group in met:
            continue
        if left == sizes[group]:
            if left in seen:
                continue
            seen.add(left)
        found.append(group)
    return sorted(found, key=lambda group: -free[group])


def unkept(
    members: Sequence[int],
    together: Sequence[Pair],
    apart: Sequence[Pair],
    sizes: Sequence[int],
    names: Sequence[str],
) -> str:
    """Which constraints cannot be kept together, in words.

    Parts of them are left out, halves first, then ever smaller ones, and stay out where the rest
    still cannot be kept (Zeller & Hildebrandt 2002). What remains after single ones could be kept
    without any one of it; more remains where `NAMING_MOST` does not last.
    """
    kept: list[tuple[str, Pair]] = [("together", p) for p in together]
    kept += [("apart", p) for p in apart]
    spent, part = 0, max(1, len(kept) // 2)
    while True:
        at = 0
        while at < len(kept) and spent <= NAMING_MOST:
            rest = kept[:at] + kept[at + part :]
            of = bound(
                members,
                [pair for kind, pair in rest if kind == "together"],
                [pair for kind, pair in rest if kind == "apart"],
            )
            search = placed(of, sizes, range(len(of.units)))
            spent += search.placements + len(members) + len(rest)
            if search.group_of is None and search.whole:
                kept = rest
            else:
                at += part
        if part == 1 or spent > NAMING_MOST:
            break
        part //= 2
    said = [f"{names[one]} and {names[other]} {kind}" for kind, (one, other) in kept[:_NAMED_MOST]]
    more = f" and {len(kept) - _NAMED_MOST} more" if len(kept) > _NAMED_MOST else ""
    return ", ".join(said) + more
