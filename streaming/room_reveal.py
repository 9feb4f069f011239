"""What the votes of a poll come to: counts, the reveal, what is owed. This file works it out.

A reveal tells all members what is published of each round. Where the poll was made of a course's
item it also owes every learner who voted the evidence of their own vote.
"""

from __future__ import annotations

from typing import Any

from engines.group.instruction import Tally, hake_gain, published, tallied
from streaming.room_state import Cast, Owed, Poll, RoomState


def tallies(state: RoomState, poll: Poll) -> list[Tally]:
    """The rounds of a poll counted, the newest last."""
    rounds = [state.first] if poll.round > 1 else []
    return [tallied(ballots, poll.ids, poll.right) for ballots in (*rounds, state.votes)]


def revealed(state: RoomState, poll: Poll) -> dict[str, Any]:
    """What all members are told of a poll at its end."""
    counted = tallies(state, poll)
    shown = [published(tally) for tally in counted]
    rounds = [
        {
            "round": poll.round - len(counted) + n,
            "n": tally.n,
            "totals": None if told is None else told["totals"],
            "weighted": None if told is None else told["weighted"],
        }
        for n, (tally, told) in enumerate(zip(counted, shown, strict=True), 1)
    ]
    data: dict[str, Any] = {"poll": poll.poll, "rounds": rounds, "suppressed": None in shown}
    if poll.right is not None:
        data["right"] = poll.right
    if len(counted) > 1 and None not in shown:
        gain = hake_gain(counted[0].share_right, counted[1].share_right)
        if gain is not None:
            data["gain"] = round(gain, 3)
    if shown[-1] is not None and shown[-1]["surprising"] is not None:
        data["surprising"] = shown[-1]["surprising"]
    return data


def owed_by(state: RoomState, poll: Poll, at_ms: int) -> Owed | None:
    """What the reveal of a poll owes to the learners who voted; None where it was on no item."""
    if poll.of is None or poll.right is None:
        return None
    option = dict(zip(poll.ids, poll.of.options, strict=True))
    rounds = (state.votes, {}) if poll.round == 1 else (state.first, state.votes)
    first, again = ({mid: option[b.choice] for mid, b in votes.items()} for votes in rounds)
    votes = tuple(
        Cast(sid, first.get(mid), again.get(mid))
        for mid in {**first, **again}
        if (sid := _learner(state, mid)) is not None
    )
    return Owed(at_ms, poll.of, option[poll.right], votes) if votes else None


def _learner(state: RoomState, mid: str) -> str | None:
    """The session of a voter; None for a facilitator."""
    member = state.members.get(mid)
    if member is None:
        return state.gone.get(mid)
    return None if member.role == "facilitator" else member.sid
