"""What a room must get right under its members' hands: votes all at once, a cut. This file asks it.

Votes: everybody but the facilitator votes within two seconds, at both nodes, and the totals of the
reveal must hold each of them. Presence: a fifth is cut without a word and half of them return; each
node must tell a member who joins anew exactly who is there.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.load import played, settled
from bench.room_members import Member

VOTING_S = 2.0
CUT, RETURN = 0.2, 0.5
"""The share of members that is cut, and the share of those that returns."""
AWAY_S = 1.0
SETTLE_S = 5.0
"""How long presence may take to be told everywhere."""
PATIENCE_S = 30.0
CHOICES = ["x = 2", "x = 8", "x = 3"]


async def after(members: list[Member], urls: list[str]) -> dict[str, Any]:
    """Both parts, one after the other."""
    return {**await _votes(members), **await _presence(members, urls)}


async def _reply(member: Member, command_id: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while command_id not in member.replies:  # noqa: ASYNC110 - no time is taken here
            await asyncio.sleep(0.005)
    return member.replies[command_id]


async def _event(member: Member, kind: str, **data: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for event in member.events:
                found: dict[str, Any] = event.get("data") or {}
                if event["kind"] == kind and all(found.get(k) == v for k, v in data.items()):
                    return found
            await asyncio.sleep(0.005)


async def _votes(members: list[Member]) -> dict[str, Any]:
    facilitator, voters = members[0], members[1:]
    opened = facilitator.do("room.poll.open", prompt="2x = 4", choices=CHOICES, right=0)
    await _reply(facilitator, opened)
    poll = (await _event(voters[-1], "poll"))["poll"]
    asked: dict[int, str] = {}
    sent_s: dict[int, float] = {}

    def act(k: int, due_s: float) -> None:
        asked[k] = voters[k].do("room.vote", poll=poll, choice="abc"[k % 3], confidence=0.5)
        sent_s[k] = due_s

    def waiting() -> int:
        return sum(command not in voters[k].replies for k, command in asked.items())

    times = [VOTING_S * k / len(voters) for k in range(len(voters))]
    began_s = await played(times, act)
    unanswered = await settled(waiting, PATIENCE_S)
    took_s = time.monotonic() - began_s
    taken = sum(
        voters[k].replies[command]["t"] == "ok"
        for k, command in asked.items()
        if command in voters[k].replies
    )
    closed = facilitator.do("room.poll.close", poll=poll, then="reveal")
    await _reply(facilitator, closed)
    reveal = await _event(voters[-1], "reveal")
    return {
        "votes": len(voters),
        "votes_taken": taken,
        "votes_unanswered": unanswered,
        "votes_counted": _counted(reveal),
        "votes_all_taken_after_s": round(took_s, 3),
    }


def _counted(reveal: dict[str, Any]) -> int:
    """All votes in the totals of the last round."""
    totals: dict[str, int] = reveal["rounds"][-1]["totals"] or {}
    return sum(totals.values())


async def _presence(members: list[Member], urls: list[str]) -> dict[str, Any]:
    cut = members[2 :: round(1 / CUT)]
    back = cut[: round(RETURN * len(cut))]
    for member in cut:
        member.cut()
    await asyncio.sleep(AWAY_S)
    await asyncio.gather(*(m.enter(urls[n % len(urls)]) for n, m in enumerate(back)))
    there = {member.member for member in members if not member.away}
    until_s = time.monotonic() + SETTLE_S
    while True:
        told = [await _told(members[n], url) for n, url in enumerate(urls)]
        wrong = max(len(there ^ seen) for seen in told)
        if not wrong or time.monotonic() > until_s:
            break
        await asyncio.sleep(0.2)
    return {
        "cut": len(cut),
        "returned": len(back),
        "present": len(there),
        "presence_wrong": wrong,
        "presence_after_s": round(time.monotonic() - until_s + SETTLE_S, 2),
    }


async def _told(member: Member, url: str) -> set[str]:
    """Who is there, as this node tells a member who joins anew."""
    member.cut()
    await member.enter(url)
    found = member.snapshot["state"]["members"]
    return {name for name, of in found.items() if of.get("connections")}
