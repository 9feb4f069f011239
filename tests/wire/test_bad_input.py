"""Bad input over real sockets: each is told by the tables, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from protocol.limits import LIMITS
from server.transport import RawWebSocket
from tests.wire.node import Learner, Node, node, open_socket
from tests.wire.sockets import (
    BINARY,
    CLOSE,
    CONT,
    STOCK,
    TEXT,
    RawClient,
    client_frame,
    raw_client,
)

pytestmark = pytest.mark.parametrize("ws", [RawWebSocket, STOCK], ids=["raw", "stock"])

DEEP = "[" * 40 + "]" * 40
Act = Callable[[Node], Awaitable[None]]


def beside_a_learner(folder: Path, ws: Any, act: Act, **how: Any) -> None:
    """Run `act` while another session on the same server goes on getting its feedback."""

    async def go() -> None:
        async with node(folder, ws, **how) as there:
            learner = await Learner.come(there.port)
            await learner.lesson()
            await learner.answer()
            answering = asyncio.create_task(_answering(learner))
            await act(there)
            await answering
            command_id = learner.new_id()
            learner.say({"t": "hint.request", "id": command_id, "item": learner.item})
            assert (await learner.until("hint", re=command_id))["level"] == 1
            numbers = [frame["q"] for frame in learner.frames if "q" in frame]
            assert numbers == list(range(1, len(numbers) + 1)), "no event was lost or doubled"
            assert [f for f in learner.frames if f["t"] == "err"] == []
            await learner.aclose()

    asyncio.run(go())


async def _answering(learner: Learner) -> None:
    for _ in range(15):  # inside the burst that is allowed at once
        feedback = await learner.answer("0")
        assert feedback["verdict"] == "incorrect"


async def errors_of(client: RawClient, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = await asyncio.wait_for(client.message(), 60)
        found += [json.loads(line) for line in message.split(b"\n")]
    return found


async def code_of(client: RawClient) -> int:
    code = await asyncio.wait_for(client.close_code(), 60)
    await client.aclose()
    return code


NONSENSE = [
    ("garbage", 101, None),
    ("", 101, None),
    ("\n\n", 101, None),
    ("[]", 101, None),
    ("null", 101, None),
    ('{"t":1}', 101, None),
    ('{"id":"c1"}', 101, "c1"),
    ('{"t":"firework","id":"c1"}', 102, "c1"),
    ('{"t":"welcome"}', 102, None),
    ('{"t":"item.next","id":7}', 101, None),
    ('{"t":"answer.submit","id":"c1","item":7,"response":"1"}', 101, "c1"),
    ('{"t":"answer.submit","id":"c1","item":"i","response":null}', 101, "c1"),
    ('{"t":"answer.submit","id":"c1","item":"i","response":"1","taken_ms":-1}', 101, "c1"),
    ('{"t":"answer.submit","id":"c1","item":"i","response":' + DEEP + "}", 101, "c1"),
    ('{"t":"item.next","id":"' + "x" * 65 + '"}', 101, None),
    ('{"t":"turn.start","id":"c1","input":"' + "x" * 2_100 + '"}', 109, "c1"),
    ("[" * 60_000, 101, None),
    ('{"t":"pong"}\n' * 65, 109, None),
    ('{"t":"item.next","id":"c1","id":"c2"}', 101, None),
    ('{"t":"hello"}', 115, None),
    ('{"t":"room.leave","id":"c1","rid":"r"}', 111, "c1"),
    ('{"t":"answer.submit","id":"c1","item":"none","response":"1"}', 115, "c1"),
]  # fmt: skip
"""What is said, the code it gets, and the id the refusal must name."""


def test_a_frame_that_says_nonsense_is_an_err_and_closes_nothing(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        for payload, code, re in NONSENSE:
            learner = await Learner.come(there.port)
            learner.socket.text(payload)
            err = await learner.until("err")
            assert err["code"] == code, (payload[:80], err)
            assert re is None or err.get("re") == re, (payload[:80], err)
            assert err["msg"]
            await learner.lesson()
            await learner.answer()
            await learner.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_before_hello_nonsense_is_an_err_too(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port)
        client.text("garbage")
        client.text('{"t":"item.next","id":"c1"}')
        client.send(client_frame(BINARY, b"\x00"))
        assert [err["code"] for err in await errors_of(client, 3)] == [101, 115, 101]
        await client.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_bytes_that_are_no_frames(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port)
        client.send(b"\x7f\x00" + os.urandom(2_000))
        assert await code_of(client) == 1002

    beside_a_learner(tmp_path, ws, act)


def test_an_unmasked_frame_is_1002(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        learner = await Learner.come(there.port)
        learner.socket.send(client_frame(TEXT, b'{"t":"pong"}', mask=False))
        assert await code_of(learner.socket) == 1002

    beside_a_learner(tmp_path, ws, act)


@pytest.mark.parametrize("welcomed", [True, False])
def test_invalid_utf8_is_1007(tmp_path: Path, ws: Any, welcomed: bool) -> None:
    async def act(there: Node) -> None:
        if welcomed:
            client = (await Learner.come(there.port)).socket
        else:
            client = await open_socket(there.port)
        client.text(b'{"t":"turn.start","id":"c1","input":"\xff\xfe"}')
        assert await code_of(client) == 1007

    beside_a_learner(tmp_path, ws, act)


@pytest.mark.parametrize("size", [LIMITS.inbound_bytes + 1, 1024 * 1024])
def test_a_message_too_large_is_4413(tmp_path: Path, ws: Any, size: int) -> None:
    async def act(there: Node) -> None:
        learner = await Learner.come(there.port)
        learner.socket.text('{"t":"pong"}' + " " * size)
        assert await code_of(learner.socket) == 4413

    beside_a_learner(tmp_path, ws, act)


def test_the_largest_message_allowed_is_heard(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        learner = await Learner.come(there.port)
        frame = '{"t":"item.next","id":"c9"}'
        learner.socket.text(frame + " " * (LIMITS.inbound_bytes - len(frame)))
        assert (await learner.until("err"))["re"] == "c9"
        await learner.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_a_hello_too_large_is_4413(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port)
        client.text('{"t":"hello"}' + " " * LIMITS.hello_bytes)
        assert await code_of(client) == 4413

    beside_a_learner(tmp_path, ws, act)


def test_fragments_of_one_byte_are_a_command_like_any_other(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port)
        learner = Learner(client)
        hello = b'{"t":"hello","client":{"name":"slow"}}'
        pieces = [client_frame(TEXT, hello[:1], fin=False)]
        pieces += [client_frame(CONT, hello[n : n + 1], fin=False) for n in range(1, len(hello))]
        for byte in b"".join([*pieces, client_frame(CONT, b"")]):
            client.send(bytes((byte,)))
            await client.writer.drain()
        await learner.until("welcome")
        await learner.lesson()
        await learner.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_ten_thousand_commands_at_once_are_4429(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        learner = await Learner.come(there.port)
        frames = [client_frame(TEXT, b'{"t":"item.next","id":"c%d"}' % n) for n in range(10_000)]
        learner.socket.send(*frames)
        codes = []
        while True:
            opcode, payload = await asyncio.wait_for(learner.socket.frame(), 60)
            if opcode == CLOSE:
                break
            codes += [json.loads(line)["code"] for line in payload.split(b"\n")]
        assert int.from_bytes(payload[:2], "big") == 4429
        assert codes.count(129) == 3
        assert codes.count(115) <= 41
        await learner.socket.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_a_hello_that_never_comes_is_4408(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port)
        assert await code_of(client) == 4408

    beside_a_learner(tmp_path, ws, act, limits=replace(LIMITS, hello_s=0.3))


def test_a_wrong_origin_is_4403(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port, Origin="https://evil.example")
        (err,) = await errors_of(client, 1)
        assert err["code"] == 104
        assert await code_of(client) == 4403
        own = await open_socket(there.port, Origin=f"http://127.0.0.1:{there.port}")
        own.text('{"t":"hello"}')
        assert (await errors_of(own, 1))[0]["t"] == "welcome"
        await own.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_a_version_we_do_not_speak_is_4426_and_none_at_all_is_fine(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        other = {"Sec-WebSocket-Protocol": "tutorstream.v9.json"}
        client = await raw_client(there.port, "/v1/ws", headers=other)
        (err,) = await errors_of(client, 1)
        assert err["code"] == 113
        assert await code_of(client) == 4426
        plain = await raw_client(there.port, "/v1/ws")
        assert b"sec-websocket-protocol" not in plain.head.lower()
        plain.text('{"t":"hello"}')
        assert (await errors_of(plain, 1))[0]["t"] == "welcome"
        await plain.aclose()
        ours = await open_socket(there.port)
        assert b"tutorstream.v1.json" in ours.head
        await ours.aclose()

    beside_a_learner(tmp_path, ws, act)


@pytest.mark.parametrize(
    "hello",
    [
        {"sid": "s_someone"},
        {"token": "nonsense"},
        {"sid": "s_someone", "token": "nonsense"},
    ],
)
def test_a_session_without_its_token_is_103_and_4401(
    tmp_path: Path, ws: Any, hello: dict[str, str]
) -> None:
    async def act(there: Node) -> None:
        client = await open_socket(there.port)
        client.text(json.dumps({"t": "hello", **hello}))
        (err,) = await errors_of(client, 1)
        assert err["code"] == 103
        assert await code_of(client) == 4401

    beside_a_learner(tmp_path, ws, act)


def test_another_session_s_sid_with_an_own_token_is_refused(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        one, other = await Learner.come(there.port), await Learner.come(there.port)
        client = await open_socket(there.port)
        client.text(json.dumps({"t": "hello", "sid": one.sid, "token": other.token}))
        assert (await errors_of(client, 1))[0]["code"] == 103
        assert await code_of(client) == 4401
        back = await Learner.come(there.port, sid=one.sid, token=one.token)
        assert back.sid == one.sid
        for learner in (one, other, back):
            await learner.aclose()

    beside_a_learner(tmp_path, ws, act)


def test_a_full_house_is_503_at_the_door(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        inside = await Learner.come(there.port)
        client = await raw_client(there.port, "/v1/ws", expect=503)
        assert b"retry-after: 1" in client.head.lower()
        assert json.loads(await client.reader.read())["code"] == 150
        await client.aclose()
        inside.say({"t": "bye"})
        assert await code_of(inside.socket) == 1000
        await (await Learner.come(there.port)).aclose()

    beside_a_learner(tmp_path, ws, act, connections=2)


def test_a_client_that_dies_in_mid_frame_leaves_nothing_behind(tmp_path: Path, ws: Any) -> None:
    async def act(there: Node) -> None:
        for _ in range(10):
            learner = await Learner.come(there.port)
            learner.socket.send(client_frame(TEXT, b'{"t":"item.next","id":"c1"}')[:-5])
            learner.socket.writer.transport.abort()
        for _ in range(1_000):
            if len(there.application.edge.connections) == 1:
                break
            await asyncio.sleep(0)
        assert len(there.application.edge.connections) == 1
        assert there.application.metrics.connections["websocket"] == 1
        assert there.application.edge.gate._inside == 1

    beside_a_learner(tmp_path, ws, act)
