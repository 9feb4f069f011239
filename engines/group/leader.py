"""Who improved about as much as I did: a relative board. This file is what one learner sees of it.

Rows are by improvement, never by what is known: five above and five below the learner's own. Only
who opted in is on it, nothing is shown of fewer than eight, no row has a place in numbers, and the
last of all is shown to nobody else, so that no row is ever seen as the last one.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

WINDOW = 5
"""Rows above and below."""
HIDDEN_BELOW = 8
"""Participants."""


class Row(msgspec.Struct, frozen=True):
    """One row: a name, the mean gain of P(L) in hundredths, and whether it is the reader's own."""

    name: str
    gain: int
    me: bool = False


def relative_rows(
    gains: Mapping[str, float], me: str, names: Mapping[str, str], opted: frozenset[str]
) -> tuple[Row, ...]:
    """The rows that `me` may see, most improved first; none where nothing may be shown.

    `gains` are mean gains of P(L) on the skills worked on, in [-1, 1]; `opted` are the members
    who opted in: only they see it and are on it. Equal gains stand in the order of their names.
    Raises ValueError for a gain out of range and for a participant without a name.

    >>> gains = {f"m{n}": n / 100 for n in range(9)}
    >>> names = {member: member.upper() for member in gains}
    >>> rows = relative_rows(gains, "m1", names, frozenset(gains))
    >>> [row.name for row in rows]
    ['M6', 'M5', 'M4', 'M3', 'M2', 'M1']
    """
    inside = [member for member in gains if member in opted]
    for member in inside:
        if not -1.0 <= gains[member] <= 1.0:
            raise ValueError(f"expected a gain in [-1, 1], got {gains[member]} of {member!r}")
        if member not in names:
            raise ValueError(f"expected a name of {member!r}, got none")
    if me not in inside or len(inside) < HIDDEN_BELOW:
        return ()
    # by the number shown, so that the order of equal rows tells nothing
    order = sorted(inside, key=lambda member: (-_hundredths(gains[member]), names[member], member))
    at = order.index(me)
    shown = order[max(0, at - WINDOW) : at + WINDOW + 1]
    if shown[-1] == order[-1] != me:
        shown.pop()
    return tuple(Row(names[m], _hundredths(gains[m]), m == me) for m in shown)


def _hundredths(gain: float) -> int:
    return round(gain * 100.0)
