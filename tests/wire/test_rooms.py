"""Study rooms over real sockets: a poll, a cut in mid-turn, late votes, codes, tokens, SSE."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from protocol.errors import Code
from tests.wire.node import Frame, Learner, Node, node
from tests.wire.sockets import event_stream, request


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Node]:
    async with node(tmp_path) as running:
        yield running
        while Member.come_in:
            await Member.come_in.pop().aclose()


async def made(server: Node, title: str = "Halves") -> Frame:
    body = json.dumps({"title": title}).encode()
    answer = await request(server.port, "POST", "/v1/rooms", body)
    assert answer.status == 201, answer.body
    found: Frame = answer.json()
    return found


class Member(Learner):
    """A client in one room; all are closed with the server."""

    come_in: ClassVar[list[Member]] = []
    rid = ""
    member = ""

    @classmethod
    async def come(cls, port: int, **hello: Any) -> Member:
        member = await super().come(port, **hello)
        assert isinstance(member, Member)
        cls.come_in.append(member)
        return member

    async def enter(self, name: str, as_: str, **fields: Any) -> Frame:
        """Join; the snapshot that follows."""
        re = self.new_id()
        self.say({"t": "room.join", "id": re, "rid": name, "name": as_, **fields})
        ok = await self.until("ok", re=re)
        assert ok["q"] == 0
        self.rid, self.member = ok["changed"]["rid"], ok["changed"]["member"]
        return await self.until("snapshot", s=self.rid)

    async def do(self, t: str, **fields: Any) -> Frame:
        """Send a command of the room; its `ok` or `err`."""
        re = self.new_id()
        self.say({"t": t, "id": re, "rid": self.rid, **fields})
        while True:
            frame = await self.hear()
            if frame["t"] in ("ok", "err") and frame.get("re") == re:
                return frame

    async def event(self, kind: str, **data: Any) -> Frame:
        """Read on to a room's event of this kind."""
        while True:
            frame = await self.until("room.event", kind=kind)
            if all(frame["data"].get(k) == v for k, v in data.items()):
                return frame

    def text(self, gen: str) -> str:
        """What was heard of a turn."""
        return "".join(f["text"] for f in self.frames if f["t"] == "delta" and f["gen"] == gen)


async def four(server: Node) -> tuple[Member, list[Member]]:
    room = await made(server)
    teacher = await Member.come(server.port)
    await teacher.enter(room["rid"], "Ms T", token=room["token"])
    members = [await Member.come(server.port) for _ in range(3)]
    for n, each in enumerate(members):
        await each.enter(room["code"] if n else room["code"].lower(), f"Pupil {n}")
    return teacher, members


async def test_a_poll_is_voted_on_discussed_voted_on_again_and_revealed(server: Node) -> None:
    teacher, members = await four(server)
    choices = {"prompt": "2x = 4", "choices": ["x = 2", "x = 8"], "right": 0}
    await teacher.do("room.poll.open", **choices)
    poll = ""
    for each, choice in zip(members, "abb", strict=True):
        poll = (await each.event("poll"))["data"]["poll"]
        assert (await each.do("room.vote", poll=poll, choice=choice))["t"] == "ok"
    totals = await teacher.event("vote_count", n=3, totals={"a": 1, "b": 2})
    assert (totals["q"], totals["data"]["suggests"]) == (0, "discuss")
    await teacher.do("room.poll.close", poll=poll)
    for each in members:
        await each.event("poll", phase="discuss")
    refused = await members[0].do("room.vote", poll=poll, choice="a")
    assert refused["code"] == Code.CLOSED
    await teacher.do("room.poll.open", poll=poll)
    for each in members:
        await each.event("poll", phase="voting", round=2)
        await each.do("room.vote", poll=poll, choice="a")
    await teacher.do("room.poll.close", poll=poll)
    for each in members:
        reveal = (await each.event("reveal"))["data"]
        assert reveal["right"] == "a"
        before = json.dumps(each.frames[:-1])
        assert '"totals"' not in before
        assert '"right"' not in before


async def test_a_member_cut_in_mid_turn_reads_on(server: Node) -> None:
    _, (ann, bo, _) = await four(server)
    assert (await ann.do("room.ask", input="why is that so?"))["t"] == "ok"
    await bo.until("delta")
    last = max(f["q"] for f in bo.frames if f.get("s") == bo.rid)
    epoch = next(f["epoch"] for f in bo.frames if f["t"] == "snapshot" and f["s"] == bo.rid)
    await bo.aclose()
    again = await Member.come(
        server.port, token=bo.token, have=[{"s": bo.rid, "epoch": epoch, "q": last}]
    )
    again.frames = [*bo.frames, *again.frames]
    done = await again.until("turn.done", s=bo.rid)
    await ann.until("turn.done", s=bo.rid)
    assert done["status"] == "completed"
    assert again.text("g1") == ann.text("g1")
    places = [f["q"] for f in again.frames if f.get("s") == bo.rid and f.get("q") and f["q"] > last]
    assert places == list(range(last + 1, last + 1 + len(places)))


async def test_a_late_vote_is_refused_by_the_servers_clock(server: Node) -> None:
    teacher, members = await four(server)
    await teacher.do("room.poll.open", prompt="?", choices=["1", "2"], seconds=5)
    poll = (await members[0].event("poll"))["data"]["poll"]
    assert (await members[0].do("room.vote", poll=poll, choice="b"))["t"] == "ok"
    await members[1].event("poll", phase="discuss")
    assert (await members[1].do("room.vote", poll=poll, choice="b"))["code"] == Code.CLOSED


async def test_codes_cannot_be_tried_out(server: Node) -> None:
    learner = await Member.come(server.port)
    for n in range(10):
        learner.say({"t": "room.join", "id": f"x{n}", "rid": f"ZZZ{n}"})
        assert (await learner.until("err"))["code"] == Code.NOT_FOUND
    room = await made(server)
    learner.say({"t": "room.join", "id": "good", "rid": room["code"]})
    refused = await learner.until("err", re="good")
    assert refused["code"] == Code.RATE_LIMITED
    assert refused["retry_ms"] > 800_000
    learner.say({"t": "room.join", "id": "by id", "rid": room["rid"]})
    await learner.until("ok", re="by id")


async def test_a_token_of_another_room_makes_no_facilitator(server: Node) -> None:
    room, other = await made(server), await made(server)
    learner = await Member.come(server.port)
    for token in (other["token"], learner.token, "nonsense"):
        learner.say({"t": "room.join", "id": token[-9:], "rid": room["rid"], "token": token})
        assert (await learner.until("err"))["code"] == Code.FORBIDDEN
    learner.say({"t": "hello", "token": room["token"]})
    assert (await learner.until("err"))["code"] == Code.OUT_OF_ORDER


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 201), (b"", 201), (b"[1]", 400), (b'{"title":7}', 400), (b"x" * 2_000, 413)],
)
async def test_what_makes_a_room(server: Node, body: bytes, status: int) -> None:
    assert (await request(server.port, "POST", "/v1/rooms", body)).status == status


async def test_where_guests_are_not_let_in_a_room_wants_a_token(tmp_path: Path) -> None:
    async with node(tmp_path, guests="never") as server:
        assert (await request(server.port, "POST", "/v1/rooms")).status == 401
        token, _ = server.application.edge.gate.tokens.made("s_known")
        headers = {"Authorization": f"Bearer {token}"}
        assert (await request(server.port, "POST", "/v1/rooms", headers=headers)).status == 201


async def test_no_more_rooms_a_minute_than_allowed(server: Node) -> None:
    statuses = [(await request(server.port, "POST", "/v1/rooms")).status for _ in range(11)]
    assert statuses == [201] * 10 + [429]


async def test_a_room_over_sse(server: Node) -> None:
    room = await made(server)
    hello = json.dumps({"t": "hello"}).encode()
    welcome = (await request(server.port, "POST", "/v1/sessions", hello)).json()
    sid = welcome["sid"]
    headers = {"Authorization": f"Bearer {welcome['token']}"}
    stream = await event_stream(server.port, f"/v1/sessions/{sid}/events", headers)
    join = json.dumps({"t": "room.join", "id": "1", "rid": room["code"], "name": "Sue"}).encode()
    path = f"/v1/sessions/{sid}/commands"
    assert (await request(server.port, "POST", path, join, headers)).status == 202
    heard: list[Frame] = []
    while not heard or heard[-1]["t"] != "snapshot" or heard[-1]["s"] != room["rid"]:
        heard.append((await stream.event())["data"])
    assert heard[-1]["state"]["members"][heard[-1]["state"]["you"]["member"]]["name"] == "Sue"
    await stream.aclose()
    have = [{"s": room["rid"], "epoch": heard[-1]["epoch"], "q": heard[-1]["q"]}]
    again = json.dumps({"t": "hello", "token": welcome["token"], "have": have}).encode()
    assert (await request(server.port, "POST", "/v1/sessions", again)).status == 201
    stream = await event_stream(server.port, f"/v1/sessions/{sid}/events", headers)
    logs = {log["s"]: log["mode"] for log in (await stream.event())["data"]["logs"]}
    assert logs[room["rid"]] in ("live", "replay")
    await stream.aclose()
    await asyncio.sleep(0)
