"""Peer instruction: vote, discuss, vote again, reveal. This file is the checks of polls.

Until the reveal nothing a learner is told may depend on what others chose: the same poll is held
twice with other choices, and the two recordings must not differ.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any

from bench.conformance import logs
from bench.conformance.contact import Contact, Frame, demand
from bench.conformance.room import Room, acted, joined, level, peopled
from bench.conformance.visit import QUIET_S, Check, Visit, check_of
from protocol.errors import Code

VOTERS = 6
"""Totals of fewer than 5 voters are told to nobody."""
CHOICES = ("Seven", "Eight", "Nine")
TELLING = frozenset(
    {"totals", "share_right", "confidence", "suggests", "right", "weighted", "gain", "choice"}
)
"""Fields that say what was chosen or what is right."""
SECONDS = 5
"""The shortest round that closes by itself."""


async def opened(room: Room, **more: Any) -> str:
    """Open a poll, or with `poll` its second round; the poll's id, once all have heard of it."""
    fields = more if "poll" in more else {"prompt": "3 + 5?", "choices": list(CHOICES), **more}
    ok = await acted(room.facilitator, "room.poll.open", room.rid, **fields)
    events = [await heard(contact, room.rid, ok) for contact in room.members]
    data = events[0]["data"]
    demand(events[0]["kind"] == "poll" and data["phase"] == "voting", "a round of votes", events[0])
    ids = [choice["id"] for choice in data["choices"]]
    demand(ids == ["a", "b", "c"], "choices a, b, c", ids)
    return str(data["poll"])


async def heard(contact: Contact, rid: str, ok: Frame) -> Frame:
    """The event of the place that an `ok` names."""
    q = ok["at"]["q"]
    found = [f for f in contact.events(rid) if f["q"] == q]
    return found[0] if found else await contact.until("room.event", s=rid, q=q)


async def voted(room: Room, poll: str, choices: Sequence[str]) -> None:
    """Each learner votes, one after the other."""
    for contact, choice in zip(room.learners, choices, strict=True):
        fields = {"poll": poll, "choice": choice, "confidence": 0.5}
        await acted(contact, "room.vote", room.rid, **fields)


async def closed(room: Room, poll: str, then: str) -> Frame:
    """Close the round; the event that says so."""
    ok = await acted(room.facilitator, "room.poll.close", room.rid, poll=poll, then=then)
    events = [await heard(contact, room.rid, ok) for contact in room.members]
    return events[0]


async def poll_rounds(visit: Visit) -> str:
    """A vote counts once, the newest stands; the reveal tells both rounds to all alike."""
    room = await peopled(visit, VOTERS, own=True)
    poll = await opened(room, right=1)
    await voted(room, poll, "aaaabc")
    await acted(room.learners[0], "room.vote", room.rid, poll=poll, choice="b")  # another mind
    talk = await closed(room, poll, "discuss")
    demand(talk["data"]["phase"] == "discuss", "phase discuss", talk)
    demand(await opened(room, poll=poll) == poll, f"round 2 of {poll}", "another poll")
    await voted(room, poll, "bbbbbb")
    reveal = (await closed(room, poll, "reveal"))["data"]
    rounds = reveal["rounds"]
    demand([r["n"] for r in rounds] == [VOTERS, VOTERS], f"{VOTERS} voters twice", rounds)
    totals = [_counts(r["totals"]) for r in rounds]
    demand(totals == [[3, 2, 1], [0, 6, 0]], "totals 3 2 1 and 0 6 0", totals)
    await level(room)
    for contact in room.members:
        logs.in_order(contact.frames, room.rid)
        logs.same_bytes(room.facilitator.lines(room.rid), contact.lines(room.rid), 10)
        logs.zero_is_no_place(contact.frames)
    return f"{poll}: {totals[0]}, then {totals[1]}"


def _counts(totals: Any) -> list[int]:
    """Votes a choice, whether they are told by id or in order."""
    if isinstance(totals, dict):
        return [int(totals.get(key, 0)) for key in "abc"]
    return [int(count) for count in totals]


async def poll_late(visit: Visit) -> str:
    """A vote after its round is closed is 116, and a poll that is not there 106 or 116."""
    room = await peopled(visit, 1, own=True)
    poll = await opened(room)
    await closed(room, poll, "discuss")
    await _refused_vote(room, poll)
    await closed(room, poll, "reveal")
    await _refused_vote(room, poll)
    return "116"


async def _refused_vote(room: Room, poll: str) -> None:
    learner = room.learners[0]
    await learner.say(
        {"t": "room.vote", "id": "late", "rid": room.rid, "poll": poll, "choice": "a"}
    )
    await learner.refused(Code.CLOSED, re="late")


async def poll_secret(visit: Visit) -> str:
    """Until the reveal a learner's frames are the same whatever the others chose."""
    recordings = []
    for first, second in (("aaaaaa", "aaaaaa"), ("abcabc", "cbacba")):
        room = await peopled(visit, VOTERS, own=True)
        watcher = room.learners[0]
        poll = await opened(room, right=2, predict=True)
        for round_, choices in ((1, first), (2, second)):
            if round_ == 2:
                await opened(room, poll=poll)
            await voted(room, poll, "a" + choices[1:])  # the watcher's own vote stays the same
            await closed(room, poll, "discuss")
        await level(room)
        await watcher.listen(QUIET_S)
        for frame in watcher.frames:
            telling = _telling(frame)
            demand(not telling, "no word of what was chosen before the reveal", telling)
        recordings.append(_plain(watcher, room))
        late = await visit.come(1)
        await joined(late, room.rid, name="Late")
        poll_now = late.of("snapshot", s=room.rid)[-1]["state"]["poll"]
        told = {name: poll_now[name] for name in TELLING & poll_now.keys()}
        demand(not told, "no word of it in a snapshot", told)
    one, other = recordings
    for first_line, second_line in zip(one, other, strict=False):
        demand(first_line == second_line, first_line, second_line)
    demand(len(one) == len(other), f"{len(one)} events", f"{len(other)}")
    return f"{len(one)} events of a learner, the same for other choices"


def _telling(frame: Frame) -> Frame:
    """What of a room's event says more than it may; `you.vote` is the learner's own."""
    if frame["t"] != "room.event" or not isinstance(frame.get("data"), dict):
        return {}
    return {name: v for name, v in frame["data"].items() if name in TELLING and v is not None}


def _plain(watcher: Contact, room: Room) -> list[str]:
    """A learner's events of a room without times, numbers and this room's own names.

    Presence is left out: when connections come is nobody's choice.
    """
    renamed = {room.rid: "RID", **{name: f"M{n}" for n, name in enumerate(room.names)}}
    lines = []
    for frame in watcher.frames:
        if frame["t"] != "room.event" or frame.get("s") != room.rid:
            continue
        kept = {k: v for k, v in frame.items() if k not in ("q", "ts")}
        line = json.dumps(kept, sort_keys=True)
        for name, plain in renamed.items():
            line = line.replace(name, plain)
        lines.append(re.sub(r'("poll": )"[^"]*"', r'\1"POLL"', line))
    return lines


async def poll_facilitator(visit: Visit) -> str:
    """The facilitator alone is told totals, with `q` 0, while the votes come in."""
    room = await peopled(visit, VOTERS, own=True)
    poll = await opened(room)
    await voted(room, poll, "abcabc")
    told: Frame = {}
    while _counts(told.get("data", {}).get("totals") or {}) != [2, 2, 2]:
        told = await room.facilitator.until("room.event", kind="vote_count", q=0)
    await level(room)
    for contact in room.learners:
        zero = [f for f in contact.of("room.event", kind="vote_count") if f["q"] == 0]
        demand(not zero, "no totals to a learner", zero)
    await closed(room, poll, "reveal")
    return "2 2 2 to the facilitator alone"


async def poll_clock(visit: Visit) -> str:
    """A round with `seconds` closes by itself; a vote behind its end is 116 on every node."""
    room = await peopled(visit, 2, own=True)
    poll = await opened(room, seconds=SECONDS)
    event = room.facilitator.of("room.event", kind="poll")[-1]
    demand(event["data"].get("closes_at", 0) > event["ts"], "`closes_at`", event)
    await asyncio.sleep(SECONDS + 0.1)
    for contact in room.learners:
        vote = {"t": "room.vote", "id": "late", "rid": room.rid, "poll": poll, "choice": "a"}
        await contact.say(vote)
        await contact.refused(Code.CLOSED, re="late")
    return f"116 after {SECONDS} s"


CHECKS: tuple[Check, ...] = (
    *map(check_of, (poll_rounds, poll_late, poll_secret, poll_facilitator)),
    check_of(poll_clock, slow=True),
)
