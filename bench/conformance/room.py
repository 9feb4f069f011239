"""A study room: made, joined, heard by all, resumed. This file is the checks of rooms.

Members come through all nodes that were named, in turn: a room has no owner and every node must
tell the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bench.conformance import logs
from bench.conformance.contact import Contact, Frame, demand
from bench.conformance.resume import place
from bench.conformance.session import QUESTION
from bench.conformance.visit import (
    QUIET_S,
    Check,
    Visit,
    bearer,
    check_of,
    head_of,
    message,
    new_id,
)
from protocol.errors import Code

UNAMBIGUOUS = frozenset("ABCDEFGHJKMNPQRSTUVWXYZ23456789")
"""What a code on the wall is made of: no 0 and O, no 1, I and L."""


class Room:
    """One room of the server under test and those in it, the facilitator first."""

    def __init__(self, made: Frame) -> None:
        self.rid: str = made["rid"]
        self.code: str = made["code"]
        self.token: str = made["token"]
        self.members: list[Contact] = []
        self.names: list[str] = []
        """Member ids, beside `members`."""

    @property
    def facilitator(self) -> Contact:
        """The connection of the facilitator."""
        return self.members[0]

    @property
    def learners(self) -> list[Contact]:
        """The other connections."""
        return self.members[1:]


async def made_room(visit: Visit) -> Frame:
    """What `POST /v1/rooms` answers; where it says that rooms are made too fast, it is waited."""
    while True:
        answer = await visit.post("/v1/rooms", '{"title":"Conformance"}')
        if answer.status != 429:
            break
        after_s = answer.headers.get("retry-after", "")
        demand(after_s.isdigit(), "`retry-after` beside 429", answer.headers)
        await asyncio.sleep(int(after_s))
    demand(answer.status in (200, 201), "200 or 201 from POST /v1/rooms", f"{answer.status}")
    return answer.frame()


async def shared_room(visit: Visit) -> Frame:
    """The one room in which all checks but those of polls meet: a server makes few a minute."""
    kept = visit.target.kept
    if "room" not in kept:
        kept["room"] = asyncio.create_task(made_room(visit))
    made: Frame = await asyncio.shield(kept["room"])
    return made


async def peopled(visit: Visit, learners: int, *, own: bool = False) -> Room:
    """The room, or one of its own, with a facilitator and so many learners who see one another."""
    room = Room(await (made_room(visit) if own else shared_room(visit)))
    for number in range(learners + 1):
        contact = await visit.come(number)
        token = {"token": room.token} if number == 0 else {}
        changed = await joined(contact, room.rid, name=f"Person {number}", **token)
        room.members.append(contact)
        room.names.append(changed["member"])
    await level(room)
    return room


async def joined(contact: Contact, rid: str, **more: Any) -> Frame:
    """Join a room and hear its snapshot; what `ok` says has changed."""
    command = new_id()
    await contact.say({"t": "room.join", "id": command, "rid": rid, **more})
    changed = (await contact.reply(command)).get("changed") or {}
    names = ("rid", "member", "role", "code", "title")
    demand(all(name in changed for name in names), f"`changed` with {names}", changed)
    if not contact.of("snapshot", s=changed["rid"]):
        await contact.until("snapshot", s=changed["rid"])
    return changed


async def acted(contact: Contact, t: str, rid: str, **fields: Any) -> Frame:
    """Say a room's command; its `ok`."""
    command = fields.pop("id", new_id())
    await contact.say({"t": t, "id": command, "rid": rid, **fields})
    return await contact.until("ok", re=command)


async def level(room: Room) -> int:
    """Wait until every member has heard the room up to a message said now; its number."""
    said = await acted(room.facilitator, "room.say", room.rid, text="Is everybody here?")
    q = int(said["at"]["q"])
    for contact in room.members:
        if q not in contact.lines(room.rid):
            await contact.until("room.event", s=room.rid, q=q)
    return q


# --- coming and going -----------------------------------------------------------------------------


async def room_made(visit: Visit) -> str:
    """`POST /v1/rooms` gives a room, its code, and a facilitator's token."""
    made = await shared_room(visit)
    for name in ("rid", "code", "token", "url"):
        demand(isinstance(made.get(name), str) and bool(made[name]), f"`{name}`", made)
    demand(isinstance(made.get("expires_at_ms"), int), "`expires_at_ms`", made)
    fits = len(made["code"]) == 4 and set(made["code"].upper()) <= UNAMBIGUOUS
    demand(fits, "a code of 4 unambiguous signs", made["code"])
    return f"room {made['rid']} with code {made['code']}"


async def room_join(visit: Visit) -> str:
    """A room is joined by id or code, in small letters too; the snapshot says who one is."""
    room = Room(await shared_room(visit))
    contact, facilitator = await visit.come(1), await visit.come(0)
    changed = await joined(contact, room.code.lower(), name="Ada")
    demand(changed["rid"] == room.rid and changed["role"] == "member", "a member", changed)
    (snapshot, *_) = contact.of("snapshot", s=room.rid)
    state = snapshot["state"]
    demand(state["you"]["member"] == changed["member"], "`you.member`", state)
    for name in ("rid", "title", "code", "members", "says", "poll", "board", "turns"):
        demand(name in state, f"`{name}` in the state", sorted(state))
    own = await joined(facilitator, room.rid, token=room.token)
    demand(own["role"] == "facilitator", "a facilitator by token", own)
    await _told(contact, "joins", own["member"], facilitator.welcome["cid"])
    sids = [c.welcome["sid"] for c in (contact, facilitator)]
    hidden = all(
        sid not in line for sid in sids for c in (contact, facilitator) for line in c.raw[1:]
    )
    demand(hidden, "no session's id in any frame of a room", "one")
    return f"{changed['member']} and {own['member']}"


async def room_unknown(visit: Visit) -> str:
    """A room that is not there is 106; who is not in it may not speak there: 111."""
    room = Room(await shared_room(visit))
    contact = await visit.come()
    await contact.say({"t": "room.join", "id": "no", "rid": "r_nowhere"})
    await contact.refused(Code.NOT_FOUND, re="no")
    await contact.say({"t": "room.say", "id": "out", "rid": room.rid, "text": "Hello"})
    await contact.refused(Code.NOT_MEMBER, re="out")
    return "106 and 111"


async def room_presence(visit: Visit) -> str:
    """Who comes and who goes is told to all, by member with connections."""
    room = await peopled(visit, 2)
    late = await visit.come(1)
    member = (await joined(late, room.rid, name="Late"))["member"]
    cid = late.welcome["cid"]
    for contact in room.members:
        await _told(contact, "joins", member, cid)
    late.cut()
    for contact in room.members:
        await _told(contact, "leaves", member, cid)
    one, *others = room.members
    for other in others:
        logs.same_bytes(one.lines(room.rid), other.lines(room.rid))
        logs.in_order(other.frames, room.rid)
    return f"{member} came and went"


async def _told(contact: Contact, how: str, member: str, cid: str) -> None:
    def known() -> bool:
        return any(cid in f[how].get(member, ()) for f in contact.of("presence"))

    while not known():
        await contact.until("presence")


# --- talk -----------------------------------------------------------------------------------------


async def room_say(visit: Visit) -> str:
    """What one says is told to all, the writer too, in one order and the same bytes."""
    room = await peopled(visit, 3)
    texts = [f"{new_id()} from {number}" for number in range(len(room.members))]
    both = zip(room.members, texts, strict=True)
    oks = await asyncio.gather(*(acted(c, "room.say", room.rid, text=text) for c, text in both))
    for ok in oks:
        demand(ok["s"] == room.rid and ok["q"] == 0 and ok["at"]["q"] > 0, "an `ok` with q 0", ok)
    demand(len({ok["at"]["q"] for ok in oks}) == len(oks), "a place of its own each", oks)
    await level(room)
    for contact in room.members:
        logs.in_order(contact.frames, room.rid)
        logs.same_bytes(room.facilitator.lines(room.rid), contact.lines(room.rid), len(oks))
        logs.zero_is_no_place(contact.frames)
        logs.as_words(contact.raw)
        said = [f["data"]["text"] for f in contact.of("room.event", kind="say", s=room.rid)]
        demand(all(said.count(text) == 1 for text in texts), "each message once", said)
    return f"{len(texts)} at once, the same to {len(room.members)}"


async def room_ids(visit: Visit) -> str:
    """In a room too a command's repeat has no effect, and its id with another body is 110."""
    room = await peopled(visit, 1)
    learner = room.learners[0]
    first = await acted(learner, "room.say", room.rid, id="once", text="Once")
    second = await acted(learner, "room.say", room.rid, id="once", text="Once")
    demand(second.get("dup") is True and second["at"] == first["at"], "`dup`, same place", second)
    await learner.say({"t": "room.say", "id": "once", "rid": room.rid, "text": "Twice"})
    await learner.refused(Code.ID_REUSED, re="once")
    await level(room)
    said = [f["data"]["text"] for f in room.facilitator.of("room.event", kind="say")]
    demand(said.count("Once") == 1, "one message", said)
    other = await acted(room.facilitator, "room.say", room.rid, id="once", text="Mine")
    demand(not other.get("dup"), "another member's id is another's", other)
    return "dup, then 110"


async def room_roles(visit: Visit) -> str:
    """What is the facilitator's to do is 104 for a learner."""
    room = await peopled(visit, 1)
    learner = room.learners[0]
    opened = {"prompt": "Which?", "choices": ["One", "Two"]}
    await learner.say({"t": "room.poll.open", "id": "p", "rid": room.rid, **opened})
    await learner.refused(Code.FORBIDDEN, re="p")
    return "104"


async def room_eph(visit: Visit) -> str:
    """`eph` reaches the others on every node with who it is from, and is no event."""
    room = await peopled(visit, 2)
    one, other = room.learners
    await one.say({"t": "eph", "s": room.rid, "k": "typing", "v": True})
    for contact in (room.facilitator, other):
        frame = await contact.until("eph", s=room.rid, k="typing")
        demand(frame["from"] == room.names[1] and "q" not in frame, "`from` and no `q`", frame)
    return "heard by the others"


async def room_ask(visit: Visit) -> str:
    """A question to the tutor is one turn that all members see, with one end; another is 107."""
    room = await peopled(visit, 2)
    one, other = room.learners
    await one.say({"t": "room.ask", "id": "ask", "rid": room.rid, "input": QUESTION})
    gen = (await one.until("turn.started", s=room.rid, cmd="ask"))["gen"]
    if not other.of("turn.started", gen=gen):
        await other.until("turn.started", s=room.rid, gen=gen)
    await other.say({"t": "room.ask", "id": "too", "rid": room.rid, "input": QUESTION})
    await other.refused(Code.BUSY, re="too")
    for contact in room.members:
        if not contact.of("turn.done", s=room.rid, gen=gen):
            await contact.until("turn.done", s=room.rid, gen=gen)
        await contact.listen(QUIET_S)
        logs.ended_once(contact.frames)
        logs.still_after_end(contact.frames)
        logs.whole_texts(contact.frames)
        logs.same_bytes(room.facilitator.lines(room.rid), contact.lines(room.rid), 2)
    return f"{gen}, heard by {len(room.members)}"


async def room_resume(visit: Visit) -> str:
    """A room named in `hello.have` goes on behind that place; another epoch is a reset."""
    room = await peopled(visit, 2)
    one = room.learners[0]
    have = {"s": room.rid, "epoch": one.of("snapshot", s=room.rid)[-1]["epoch"]}
    q = max(one.lines(room.rid))
    await one.aclose()
    said = await acted(room.facilitator, "room.say", room.rid, text="While you were away")
    back = await visit.again(one, node=1, have=[place(one), {**have, "q": q}])
    log = head_of(back.welcome, room.rid)
    demand(
        log.get("mode") in ("replay", "snapshot"), "the room as replay or snapshot", back.welcome
    )
    if log["mode"] == "replay":
        await back.until("room.event", s=room.rid, q=said["at"]["q"])
        logs.in_order(back.frames, room.rid, q)
        logs.same_bytes(room.facilitator.lines(room.rid), back.lines(room.rid))
    else:
        await back.until("snapshot", s=room.rid)
    await acted(back, "room.say", room.rid, text="I am back")
    lost = await visit.again(one, have=[{**have, "epoch": "of-another-life", "q": q}])
    fits = head_of(lost.welcome, room.rid).get("mode") == "reset"
    demand(fits, "reset for another epoch", lost.welcome)
    return f"{log['mode']} and back by the room's own log"


async def room_sse(visit: Visit) -> str:
    """A room is heard without sockets too."""
    room = await peopled(visit, 1)
    welcome = (await visit.post("/v1/sessions", '{"t":"hello"}')).frame()
    sid, token = welcome["sid"], welcome["token"]
    stream = await visit.stream(sid, token)
    await stream.until("welcome")
    join = message({"t": "room.join", "id": "j", "rid": room.rid, "name": "Stream"})
    answer = await visit.post(f"/v1/sessions/{sid}/commands", join, headers=bearer(token))
    demand(answer.status == 202, "202", f"{answer.status} {answer.body[:100]!r}")
    await stream.until("snapshot", s=room.rid)
    said = await acted(room.facilitator, "room.say", room.rid, text="To all")
    event, _ = await stream.until("room.event", s=room.rid, q=said["at"]["q"])
    heard = room.facilitator
    if said["at"]["q"] not in heard.lines(room.rid):
        await heard.until("room.event", s=room.rid, q=said["at"]["q"])
    demand(event.data == heard.lines(room.rid)[said["at"]["q"]], "the same bytes", event.data)
    return "joined, heard"


CHECKS: tuple[Check, ...] = tuple(
    map(
        check_of,
        (
            room_made,
            room_join,
            room_unknown,
            room_presence,
            room_say,
            room_ids,
            room_roles,
            room_eph,
            room_ask,
            room_resume,
            room_sse,
        ),
    )
)
