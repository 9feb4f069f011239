"""The wire without sockets: the same frames, the same joining, the same codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from protocol.limits import LIMITS
from tests.wire.node import Learner, Node, node
from tests.wire.sockets import Answer, EventStream, event_stream, request


def run(coroutine: Any) -> None:
    asyncio.run(coroutine)


class Reader:
    """One SSE client."""

    def __init__(self, port: int, sid: str, token: str) -> None:
        self.port = port
        self.sid = sid
        self.token = token
        self.stream: EventStream | None = None
        self.events: list[dict[str, Any]] = []
        self.item = ""
        self._ids = 0

    @classmethod
    async def come(cls, port: int) -> Reader:
        answer = await request(port, "POST", "/v1/sessions", b'{"t":"hello"}')
        assert answer.status == 201, answer
        welcome = answer.json()
        reader = cls(port, welcome["sid"], welcome["token"])
        await reader.open()
        return reader

    async def open(self, last_event_id: str | None = None) -> dict[str, Any]:
        """Open the stream; its welcome."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        path = f"/v1/sessions/{self.sid}/events"
        self.stream = await event_stream(self.port, path, headers)
        welcome = await self.hear()
        assert welcome["t"] == "welcome"
        return welcome

    async def hear(self) -> dict[str, Any]:
        assert self.stream is not None
        event = await asyncio.wait_for(self.stream.event(), 60)
        self.events.append(event)
        data: dict[str, Any] = event["data"]
        if data.get("t") == "item":
            self.item = data["item"]
        return data

    async def until(self, t: str, **fields: Any) -> dict[str, Any]:
        while True:
            data = await self.hear()
            if data.get("t") == t and all(data.get(k) == v for k, v in fields.items()):
                return data

    async def post(self, *frames: dict[str, Any], **headers: str) -> Answer:
        return await request(
            self.port,
            "POST",
            f"/v1/sessions/{self.sid}/commands",
            "\n".join(json.dumps(frame) for frame in frames).encode(),
            {"Authorization": f"Bearer {self.token}", **headers},
        )

    async def lesson(self) -> None:
        answer = await self.post({"t": "lesson.start", "id": "l1"})
        assert (answer.status, answer.body) == (202, b"")
        await self.until("item")

    async def answer(self) -> dict[str, Any]:
        self._ids += 1
        command_id = f"a{self._ids}"
        submit = {"t": "answer.submit", "id": command_id, "item": self.item, "response": "0"}
        assert (await self.post(submit)).status == 202
        return await self.until("feedback", re=command_id)

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events if "id" in event]

    async def aclose(self) -> None:
        if self.stream is not None:
            await self.stream.aclose()


def test_a_lesson_over_http(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            await reader.lesson()
            assert (await reader.answer())["verdict"] == "incorrect"
            epoch = reader.events[0]["data"]["logs"][0]["epoch"]
            assert reader.ids == [f"{epoch}.{n}" for n in range(1, len(reader.ids) + 1)]
            assert there.application.metrics.connections == {"websocket": 0, "sse": 1}
            await reader.aclose()
            await _until_gone(there)

    run(go())


async def _until_gone(there: Node) -> None:
    for _ in range(10_000):
        if not there.application.edge.connections:
            break
        await asyncio.sleep(0)
    assert not there.application.edge.connections
    assert there.application.edge.gate._inside == 0


def test_a_cut_stream_goes_on_after_the_last_event(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            await reader.lesson()
            last = reader.ids[-1]
            await reader.aclose()
            socket = await Learner.come(there.port, sid=reader.sid, token=reader.token)
            socket.item = reader.item
            await socket.answer()  # what happens meanwhile, through another carrier
            welcome = await reader.open(last)
            assert welcome["logs"][0]["mode"] == "replay"
            feedback = await reader.until("feedback")
            assert feedback == await _same(socket, feedback)
            fresh = Reader(there.port, reader.sid, reader.token)
            assert (await fresh.open("other-epoch.3"))["logs"][0]["mode"] == "reset"
            snapshot = await fresh.hear()
            assert snapshot["t"] == "snapshot"
            assert fresh.ids == [f"{snapshot['epoch']}.{snapshot['q']}"]
            nonsense = Reader(there.port, reader.sid, reader.token)
            await nonsense.open("nonsense")
            for client in (reader, socket, fresh, nonsense):
                await client.aclose()

    run(go())


async def _same(socket: Learner, feedback: dict[str, Any]) -> dict[str, Any]:
    return next(frame for frame in socket.frames if frame.get("q") == feedback["q"])


def test_a_tutor_turn_streams(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            await reader.lesson()
            await reader.post({"t": "turn.start", "id": "t1", "input": {"action": "why"}})
            await reader.until("turn.started", cmd="t1")
            done = await reader.until("turn.done")
            assert done["status"] == "completed"
            await reader.aclose()

    run(go())


def test_a_refusal_is_the_answer_of_its_post(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            bad = await reader.post({"t": "firework", "id": "c1"}, {"t": "item.next", "id": "c2"})
            assert bad.status == 400
            errors = [json.loads(line) for line in bad.body.split(b"\n")]
            assert [(err["code"], err["re"]) for err in errors] == [(102, "c1"), (115, "c2")]
            await reader.lesson()
            assert [e["data"]["t"] for e in reader.events if e["data"]["t"] == "err"] == []
            await reader.aclose()

    run(go())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"garbage", 400, 101),
        (b"", 400, 101),
        (b'{"t":"item.next","id":"c1"}', 409, 115),
        (b'{"t":"hello","sid":"s_x"}', 401, 103),
        (b'{"t":"hello","token":"x"}', 401, 103),
        (b'{"t":"hello"}' + b" " * LIMITS.hello_bytes, 413, 109),
        (b'{"t":"hello","client":{"name":"\xff"}}', 400, 101),
    ],
)
def test_a_bad_hello_is_told_by_status(tmp_path: Path, body: bytes, status: int, code: int) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            answer = await request(there.port, "POST", "/v1/sessions", body)
            assert answer.status == status
            assert answer.json()["code"] == code
            assert answer.headers["cache-control"] == "no-store"
            assert there.application.metrics.errors == {code: 1}
            await _until_gone(there)

    run(go())


def test_without_the_session_s_token_nothing_is_heard_or_said(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            one, other = await Reader.come(there.port), await Reader.come(there.port)
            for token in (None, "nonsense", other.token):
                headers = {} if token is None else {"Authorization": f"Bearer {token}"}
                for method, what in (("GET", "events"), ("POST", "commands")):
                    path = f"/v1/sessions/{one.sid}/{what}"
                    answer = await request(there.port, method, path, b"", headers)
                    assert (answer.status, answer.json()["code"]) == (401, 103)
            await one.aclose()
            await other.aclose()

    run(go())


def test_a_strange_page_is_403(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            origin = {"Origin": "https://evil.example", "Authorization": f"Bearer {reader.token}"}
            for method, path in (
                ("POST", "/v1/sessions"),
                ("GET", f"/v1/sessions/{reader.sid}/events"),
                ("POST", f"/v1/sessions/{reader.sid}/commands"),
            ):
                answer = await request(there.port, method, path, b'{"t":"hello"}', origin)
                assert (answer.status, answer.json()["code"]) == (403, 104)
            await reader.aclose()

    run(go())


def test_commands_without_a_stream_and_too_large_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.sse.OPENING_S", 0.01)

    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            named = await reader.post({"t": "pong"}, **{"Tutorstream-Cid": "c_other"})
            assert (named.status, named.json()["code"]) == (409, 115)
            cid = reader.events[0]["data"]["cid"]
            own = await reader.post({"t": "pong"}, **{"Tutorstream-Cid": cid})
            assert (own.status, own.headers["tutorstream-cid"]) == (202, cid)
            large = await reader.post({"t": "pong", "x": "y" * LIMITS.inbound_bytes})
            assert (large.status, large.json()["code"]) == (413, 109)
            await reader.aclose()
            await _until_gone(there)
            late = await reader.post({"t": "pong"})
            assert (late.status, late.json()["code"]) == (409, 115)

    run(go())


def test_commands_wait_for_a_stream_that_is_being_opened(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            welcome = (await request(there.port, "POST", "/v1/sessions", b'{"t":"hello"}')).json()
            reader = Reader(there.port, welcome["sid"], welcome["token"])
            early = asyncio.create_task(reader.post({"t": "lesson.start", "id": "l1"}))
            await reader.open()
            assert (await early).status == 202
            await reader.until("item")
            await reader.aclose()

    run(go())


def test_a_flood_is_429_and_ends_the_stream_with_4429(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            frames = [{"t": "item.next", "id": f"c{n}"} for n in range(60)]
            flood = await reader.post(*frames)
            assert flood.status == 409
            codes = [json.loads(line)["code"] for line in flood.body.split(b"\n")]
            assert codes == [115] * 40 + [129] * 3
            closing = await reader.hear()
            assert reader.events[-1]["event"] == "close"
            assert closing["code"] == 4429
            await _until_gone(there)
            assert there.application.metrics.closes[4429] == 1
            await reader.aclose()

    run(go())


def test_a_reader_that_never_reads_is_given_up(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path, limits=replace(LIMITS, send_s=0.1)) as there:
            reader = await Reader.come(there.port)
            (connection,) = there.application.edge.connections
            frame = json.dumps({"t": "ping", "heads": {}, "ts": 1, "pad": "x" * 30_000_000})
            connection._wire.write([frame.encode()])
            await reader.stream._reader.readuntil(b"data: ")  # type: ignore[union-attr] # it is open
            connection._wire.write([b'{"t":"pong"}'])  # waits for the first, which is not read
            async with asyncio.timeout(60):
                while there.application.metrics.closes.get(4008) is None:  # noqa: ASYNC110 - a count
                    await asyncio.sleep(0.01)
            reader.stream._writer.transport.abort()  # type: ignore[union-attr] # it is open
            await _until_gone(there)

    run(go())


def test_draining_is_said_on_the_stream_and_at_the_door(tmp_path: Path) -> None:
    async def go() -> None:
        async with node(tmp_path) as there:
            reader = await Reader.come(there.port)
            assert (await request(there.port, "GET", "/readyz")).status == 200
            await there.application.drain(1.0)
            assert (await reader.until("drain"))["after_ms"] >= 500
            assert (await reader.hear())["code"] == 4001
            await reader.aclose()
            ready = await request(there.port, "GET", "/readyz")
            assert (ready.status, ready.json()["why"]) == (503, "draining")
            closed = await request(there.port, "POST", "/v1/sessions", b'{"t":"hello"}')
            assert (closed.status, closed.json()["code"]) == (503, 114)
            assert closed.headers["retry-after"] == "1"

    run(go())
