"""What a room's facilitator is told and asked. This file is the composer of the group family.

It speaks the room's words, members and skills by their ids, where the family counts places. All of
it is for the facilitator's eyes; what learners may see of a round is `GroupDecision.published`,
after the reveal, and of a pair what both are asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec
import numpy as np

from engines.group.formation import formed
from engines.group.instruction import (
    Ballot,
    Suggestion,
    Tally,
    differing_pairs,
    hake_gain,
    published,
    suggested,
    tallied,
)
from engines.group.network import Network, help_network
from engines.group.peers import tutor_pairs
from engines.group.talk import Balance, balance
from engines.maths.dice import Dice
from engines.reason_words import Reason
from engines.words import Floats

Members = Sequence[str]
Mastery = Mapping[str, Mapping[str, float]]
"""P(L) by member and skill; a skill that is missing counts as not learnt."""
_NOBODY: Mapping[str, str] = MappingProxyType({})
_NEVER_MET: Mapping[frozenset[str], int] = MappingProxyType({})


class GroupDecision(msgspec.Struct, frozen=True):
    """What follows from a closed round; `published` is for learners, and only once revealed.

    `gain` is Hake's, of the second round over the first; `pairs` are to discuss in after the first.
    """

    tally: Tally
    suggestion: Suggestion
    published: dict[str, object] | None
    gain: float | None = None
    pairs: tuple[tuple[str, ...], ...] = ()


class Grouping(msgspec.Struct, frozen=True):
    """Proposed groups by member id, with their mean score, its terms and a reason for each."""

    groups: tuple[tuple[str, ...], ...]
    score: float
    terms: Mapping[str, float]
    reasons: tuple[Reason, ...]


class Tutoring(msgspec.Struct, frozen=True):
    """One proposed pair by ids; `reason` is the teacher's, the other two name nobody."""

    tutor: str
    learner: str
    skill: str
    gain: float
    reason: Reason
    invitation: Reason
    offer: Reason


def closed_round(
    ballots: Mapping[str, Ballot],
    choices: Sequence[str],
    right: str | None,
    *,
    first: Tally | None = None,
    apart: frozenset[frozenset[str]] = frozenset(),
    met: Mapping[frozenset[str], int] = _NEVER_MET,
    dice: Dice,
) -> GroupDecision:
    """The decision after a round; with the `first` round's tally it is the second one's.

    A second round is revealed or explained, not discussed again. Raises ValueError as `tallied`
    and `differing_pairs` do.

    >>> votes = {"m1": Ballot("a"), "m2": Ballot("b")}
    >>> found = closed_round(votes, ["a", "b"], "a", dice=Dice(7, 1))
    >>> found.suggestion, found.pairs, found.published
    ('discuss', (('m1', 'm2'),), None)
    """
    tally = tallied(ballots, choices, right)
    suggestion = suggested(tally)
    if first is not None:
        return GroupDecision(
            tally,
            "reveal" if suggestion == "discuss" else suggestion,
            published(tally),
            gain=hake_gain(first.share_right, tally.share_right),
        )
    pairs = differing_pairs(ballots, right, apart=apart, met=met, dice=dice)
    return GroupDecision(tally, suggestion, published(tally), pairs=tuple(pairs))


def talk(
    turns: Sequence[tuple[str, float]], members: Members | Mapping[str, float], now_s: float
) -> Balance:
    """The balance of talk with a nudge where one is due; see `engines.group.talk.balance`.

    >>> talk([("m1", 1.0)] * 12, ["m1", "m2"], 9.0).gini
    0.5
    """
    return balance(turns, members, now_s)


def network(edges: Iterable[tuple[str, str, float]], members: Members, now_s: float) -> Network:
    """Who helped whom lately; see `engines.group.network.help_network`.

    >>> network([], ["m1", "m2"], 9.0).hidden
    True
    """
    return help_network(edges, members, now_s)


def groups(
    mastery: Mastery,
    size: int,
    *,
    together: Iterable[tuple[str, str]] = (),
    apart: Iterable[tuple[str, str]] = (),
    history: Sequence[Sequence[Sequence[str]]] = (),
    locks: Sequence[Sequence[str]] = (),
    seed: int,
    names: Mapping[str, str] = _NOBODY,
    titles: Mapping[str, str] = _NOBODY,
) -> Grouping:
    """Proposed groups of all members of `mastery`; see `engines.group.formation.formed`.

    Who is in the history and here no more is passed over; who has no skills is grouped all the
    same. Ids stand for missing names and titles.
    Raises ValueError as `formed` does, and for a constraint on who is not here.

    >>> mastery = {"m1": {"sums": 0.9}, "m2": {"signs": 0.9}}
    >>> found = groups(mastery, 2, seed=7, names={"m1": "Ana", "m2": "Bo"})
    >>> found.groups, found.reasons[0].text
    ((('m1', 'm2'),), 'Bo has signs, Ana has sums')
    """
    members, skills = _axes(mastery)
    at = {member: place for place, member in enumerate(members)}
    found = formed(
        _table(mastery, members, skills),
        size,
        together=_places(together, at),
        apart=_places(apart, at),
        history=[[[at[m] for m in group if m in at] for group in sat] for sat in history],
        locks=[[_place(member, at) for member in group] for group in locks],
        seed=seed,
        names=[names.get(member, member) for member in members],
        skills=[titles.get(skill, skill) for skill in skills],
    )
    named = tuple(tuple(members[place] for place in group) for group in found.groups)
    return Grouping(named, found.score, found.terms, found.reasons)


def tutors(
    mastery: Mastery,
    stuck: Mapping[str, str],
    active: Collection[str],
    helped: Mapping[str, int],
    *,
    apart: Iterable[tuple[str, str]] = (),
    names: Mapping[str, str] = _NOBODY,
    titles: Mapping[str, str] = _NOBODY,
) -> tuple[Tutoring, ...]:
    """Proposed tutor pairs; see `engines.group.peers.tutor_pairs`.

    `stuck` gives a learner's skill. Raises ValueError for who or what is not in `mastery`.

    >>> mastery = {"m1": {"sums": 0.95}, "m2": {"sums": 0.3}}
    >>> found = tutors(mastery, {"m2": "sums"}, ["m1", "m2"], {})
    >>> [(pair.tutor, pair.learner, pair.skill) for pair in found]
    [('m1', 'm2', 'sums')]
    """
    members, skills = _axes(mastery)
    at = {member: place for place, member in enumerate(members)}
    skill_at = {skill: place for place, skill in enumerate(skills)}
    found = tutor_pairs(
        _table(mastery, members, skills),
        {_place(learner, at): _place(skill, skill_at) for learner, skill in stuck.items()},
        [_place(member, at) for member in active],
        {at[member]: times for member, times in helped.items() if member in at},
        apart=_places(apart, at),
        names=[names.get(member, member) for member in members],
        skills=[titles.get(skill, skill) for skill in skills],
    )
    return tuple(
        Tutoring(
            members[pair.tutor],
            members[pair.learner],
            skills[pair.skill],
            pair.gain,
            pair.reason,
            pair.invitation,
            pair.offer,
        )
        for pair in found
    )


def _axes(mastery: Mastery) -> tuple[list[str], list[str]]:
    """Members and skills in order of their ids, so that arrival moves nothing.

    Where nobody has worked on anything there is one skill without a name, that all lack.
    """
    skills = sorted({skill for learnt in mastery.values() for skill in learnt})
    return sorted(mastery), skills or [""]


def _table(mastery: Mastery, members: Members, skills: Sequence[str]) -> Floats:
    return np.array([[mastery[m].get(skill, 0.0) for skill in skills] for m in members])


def _place(name: str, at: Mapping[str, int]) -> int:
    if name not in at:
        raise ValueError(f"expected one of {len(at)} that are here, got {name!r}")
    return at[name]


def _places(pairs: Iterable[tuple[str, str]], at: Mapping[str, int]) -> list[tuple[int, int]]:
    return [(_place(one, at), _place(other, at)) for one, other in pairs]
