"""One connection in virtual time: order, rates, heartbeat, tokens, mistakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from protocol.codec import encode
from protocol.errors import Close, Code, Refused
from protocol.events import Welcome
from protocol.limits import LIMITS
from server.connection import Connection, Edge
from server.gate import LIGHT_FACTOR, Gate, Tokens
from server.metrics import Metrics
from server.settings import Settings
from server.wheel import Wheel
from streaming.log import StoreUnavailable
from tests.virtual import run


class Wire:
    """Keeps what was written; tells the connection of a close as a socket would."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: Any = None  # the code, once closed
        self.ear: Connection | None = None

    def write(self, frames: list[bytes]) -> None:
        self.frames.extend(msgspec.json.decode(frame) for frame in frames)

    def close(self, code: int, reason: str) -> None:
        assert len(reason.encode()) <= 123
        if self.closed is None:
            self.closed = code
            assert self.ear is not None
            asyncio.get_running_loop().call_soon(self.ear.lost, code)

    def write_now(self, frames: list[bytes]) -> None:
        self.write(frames)

    def unsent_bytes(self) -> int:
        return 0

    def of(self, t: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["t"] == t]

    @property
    def codes(self) -> list[int]:
        return [frame["code"] for frame in self.of("err")]


class FakeAttached:
    level = 0
    seats = None

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.detached = False
        self.acked: list[dict[str, int]] = []
        self.session = self
        self.heads = {"me": 7, "r_1": 3}
        self.failed: Exception | None = None
        self.raises: Exception | None = None

    def hear(self, command: Any, arrived_ns: int, decode_ns: int) -> None:
        assert arrived_ns >= 0
        assert decode_ns > 0
        if self.raises is not None:
            raise self.raises
        self.heard.append(command)

    def ack(self, pos: dict[str, int]) -> None:
        self.acked.append(pos)

    def ack_one(self, log: str, q: int) -> None:
        self.acked.append({log: q})

    def detach(self) -> None:
        self.detached = True

    def fail(self, error: Exception) -> None:
        self.failed = error


class FakeOwnership:
    node = "n1"

    def __init__(self) -> None:
        self.attached = FakeAttached()
        self.raises: Exception | None = None
        self.after_s = 0.0
        self.greetings: list[Any] = []

    def outbox(self, wire: Any) -> Any:
        return wire

    async def attach(self, sid: str, hello: Any, outbox: Any, greeting: Any) -> Any:
        await asyncio.sleep(self.after_s)
        if self.raises is not None:
            raise self.raises
        self.greetings.append(greeting)
        outbox.write(
            [encode(Welcome(greeting.cid, sid, self.node, 20.0, 64, [], greeting.token, None))]
        )
        return self.attached


class Scene:
    """One connection with everything around it."""

    def __init__(self, carrier: Any = "websocket", *, days: float = 30.0) -> None:
        loop = asyncio.get_running_loop()
        self.loop = loop
        self.ownership = FakeOwnership()
        self.attached = self.ownership.attached
        self.metrics = Metrics("test")
        self.tokens = Tokens("k" * 32, days=days, now_s=self.now_s)
        sids = iter(f"s_{n}" for n in range(10))
        self.edge = Edge(
            ownership=self.ownership,  # type: ignore[arg-type] # a fake
            gate=Gate(Settings(), self.tokens, lambda: next(sids)),
            metrics=self.metrics,
            wheel=Wheel(loop),
            loop=loop,
            now_ns=lambda: int(loop.time() * 1e9),
            now_s=self.now_s,
        )
        self.wire = Wire()
        self.connection = Connection(self.edge, self.wire, carrier)
        self.wire.ear = self.connection

    def now_s(self) -> float:
        return 1_800_000_000.0 + self.loop.time()

    def say(self, *frames: str) -> Refused | None:
        return self.connection.hear("\n".join(frames).encode())

    async def welcome(self) -> dict[str, Any]:
        self.say('{"t":"hello"}')
        await asyncio.sleep(self.ownership.after_s + 0.001)
        return self.wire.of("welcome")[0]


def scene(act: Callable[[Scene], Any], **how: Any) -> None:
    async def go() -> None:
        there = Scene(**how)
        await act(there)
        there.connection.lost(1000)
        assert there.connection not in there.edge.connections
        assert sum(there.metrics.connections.values()) == 0

    run(go())


def test_hello_first_then_everything() -> None:
    async def act(s: Scene) -> None:
        s.say('{"t":"item.next","id":"c0"}')
        assert s.wire.codes == [115]
        assert s.wire.of("err")[0]["re"] == "c0"
        welcome = await s.welcome()
        assert welcome["token"]
        assert s.ownership.greetings[0].cid == s.connection.cid
        s.say('{"t":"item.next","id":"c1"}', '{"t":"ack","pos":{"me":3}}')
        assert [type(command).__name__ for command in s.attached.heard] == ["ItemNext", "Ack"]
        s.say('{"t":"hello"}')
        assert s.wire.codes == [115, 115]
        assert s.metrics.commands == 5
        assert s.metrics.errors == {115: 2}
        assert not s.wire.closed

    scene(act)


def test_a_lone_ack_is_heard_by_a_short_way_and_counted_as_any() -> None:
    async def act(s: Scene) -> None:
        s.say('{"t":"ack","pos":{"r_1":3}}')
        assert s.wire.codes == [115], "nothing before welcome"
        await s.welcome()
        s.say('{"t":"ack","pos":{"r_1":3}}')
        s.say('{"t":"ack","pos":{"me":4}}')
        assert s.attached.acked == [{"r_1": 3}, {"me": 4}]
        assert s.metrics.commands == 4
        s.say('{"t":"ack","pos":{"me":4},"pos":{"me":5}}')
        for _ in range(LIMITS.commands_burst * LIGHT_FACTOR - 3):  # one was before the welcome
            s.say('{"t":"ack","pos":{"r_1":9}}')
        s.say('{"t":"ack","pos":{"r_1":10}}')
        assert s.wire.codes == [115, 101, Code.RATE_LIMITED], "refused as by the long way"
        assert {"r_1": 10} not in s.attached.acked

    scene(act)


def test_while_joining_only_a_leave_is_in_order() -> None:
    async def act(s: Scene) -> None:
        s.ownership.after_s = 1.0
        s.say('{"t":"hello"}', '{"t":"item.next","id":"c1"}')
        assert s.wire.codes == [115]
        await asyncio.sleep(2)
        assert s.connection.open
        s.say('{"t":"bye"}', '{"t":"item.next","id":"c2"}')
        assert s.wire.closed == 1000
        await asyncio.sleep(0)
        assert s.attached.detached
        assert s.attached.heard == []

    scene(act)


def test_a_socket_that_dies_while_joining_leaves_nothing_behind() -> None:
    async def act(s: Scene) -> None:
        s.ownership.after_s = 1.0
        s.say('{"t":"hello"}')
        await asyncio.sleep(0.5)
        s.connection.lost(1006)
        await asyncio.sleep(2)
        assert not s.connection.open
        assert s.wire.frames == []
        assert s.metrics.closes == {1006: 1}

    scene(act)


@pytest.mark.parametrize("said", ["", '{"t":"item.next","id":"c"}', "garbage"])
def test_without_a_hello_in_ten_seconds_4408(said: str) -> None:
    async def act(s: Scene) -> None:
        if said:
            s.say(said)
        await asyncio.sleep(9.9)
        assert not s.wire.closed
        await asyncio.sleep(0.7)
        assert s.wire.closed == Close.HELLO_TIMEOUT

    scene(act)


def test_what_cannot_be_read_is_an_err_and_closes_nothing() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        s.say("garbage")
        s.say('{"t":"nonsense","id":"c1"}')
        s.say('{"t":"item.next","id":7}')
        s.say('{"t":"item.next","id":"c2"}\n' * 65)
        s.connection.hear_binary()
        assert s.wire.codes == [101, 102, 101, 109, 101]
        assert not s.wire.closed
        s.say('{"t":"item.next","id":"c3"}')
        assert len(s.attached.heard) == 1

    scene(act)


def test_invalid_utf8_is_1007() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        s.connection.hear(b'{"t":"room.say","id":"c","rid":"r","text":"\xff"}')
        assert s.wire.closed == 1007

    scene(act)


def test_a_flood_gets_three_129_and_then_4429() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        for n in range(10_000):
            s.say(f'{{"t":"item.next","id":"c{n}"}}')
        assert s.wire.codes == [129, 129, 129]
        assert all(frame["retry_ms"] > 0 for frame in s.wire.of("err"))
        assert s.wire.closed == Close.LIMITS
        assert len(s.attached.heard) <= 40

    scene(act)


@pytest.mark.parametrize("how", ["garbage", "binary"])
def test_a_flood_of_garbage_ends_the_same(how: str) -> None:
    async def act(s: Scene) -> None:
        for _ in range(100):
            if how == "garbage":
                s.say("garbage")
            else:
                s.connection.hear_binary()
        assert s.wire.codes[-3:] == [129, 129, 129]
        assert s.wire.closed == Close.LIMITS

    scene(act)


def test_an_idle_client_is_pinged_once_and_then_given_up() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        await asyncio.sleep(17.9)
        assert s.wire.of("ping") == []
        await asyncio.sleep(4.7)
        ping = s.wire.of("ping")
        assert len(ping) == 1
        assert ping[0]["heads"] == {"me": 7, "r_1": 3}
        await asyncio.sleep(6.5)
        assert not s.wire.closed
        await asyncio.sleep(2)
        assert s.wire.closed == Close.HEARTBEAT_LOST
        assert len(s.wire.of("ping")) == 1

    scene(act)


def test_a_client_that_speaks_is_not_pinged_and_one_that_pongs_lives() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        for _ in range(40):
            await asyncio.sleep(5)
            s.say('{"t":"ack","pos":{}}')
        assert s.wire.of("ping") == []
        pings = 0
        for _ in range(1200):
            await asyncio.sleep(0.5)
            if len(s.wire.of("ping")) > pings:
                pings += 1
                s.say('{"t":"pong"}')
        assert 600 / 23 <= pings <= 600 / 17.5
        assert not s.wire.closed

    scene(act)


def test_a_stream_is_pinged_and_needs_no_pong() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        await asyncio.sleep(200)
        assert 8 <= len(s.wire.of("ping")) <= 11
        assert not s.wire.closed
        s.connection.acked({"me": 9})
        assert s.attached.acked == [{"me": 9}]

    scene(act, carrier="sse")


def test_a_token_ends_in_4005_unless_it_is_refreshed() -> None:
    async def act(s: Scene) -> None:
        token = (await s.welcome())["token"]
        fresh, _ = Tokens("k" * 32, days=600 / 86_400, now_s=s.now_s).made("s_0")
        alive = asyncio.get_running_loop().create_task(_chatter(s))
        await asyncio.sleep(240.5)
        assert s.wire.of("auth.expiring")[0]["in_ms"] == 60_000
        s.say(f'{{"t":"auth.refresh","id":"a1","token":"{fresh}"}}')
        await asyncio.sleep(200)
        assert not s.wire.closed
        s.say(f'{{"t":"auth.refresh","id":"a2","token":"{token}"}}')
        assert s.wire.codes == [105]
        assert s.wire.closed == Close.TOKEN_EXPIRED
        alive.cancel()

    scene(act, days=300 / 86_400)


def test_a_token_that_is_not_refreshed_ends_the_connection() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        alive = asyncio.get_running_loop().create_task(_chatter(s))
        await asyncio.sleep(301)
        assert s.wire.closed == Close.TOKEN_EXPIRED
        alive.cancel()

    scene(act, days=300 / 86_400)


async def _chatter(s: Scene) -> None:
    while True:
        s.say('{"t":"pong"}')
        await asyncio.sleep(5)


def test_a_token_that_ends_soon_is_told_its_own_time() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        brief = Tokens("k" * 32, days=10 / 86_400, now_s=s.now_s).made("s_0")[0]
        s.say(f'{{"t":"auth.refresh","id":"a1","token":"{brief}"}}')
        await asyncio.sleep(1)
        assert 9_000 <= s.wire.of("auth.expiring")[0]["in_ms"] <= 10_000
        await asyncio.sleep(11)
        assert s.wire.closed == 4005

    scene(act)


def test_another_session_s_token_refreshes_nothing() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        other, _ = s.tokens.made("s_99")
        s.say(f'{{"t":"auth.refresh","id":"a1","token":"{other}"}}')
        assert s.wire.codes == [103]
        assert s.wire.closed == Close.INVALID_TOKEN

    scene(act)


def test_a_store_that_is_away_is_told_and_the_client_comes_back() -> None:
    async def act(s: Scene) -> None:
        s.ownership.raises = StoreUnavailable("disk full")
        s.say('{"t":"hello"}')
        await asyncio.sleep(0.01)
        assert s.wire.codes == [153]
        assert s.wire.of("err")[0]["temp"] is True
        assert s.wire.closed == Close.SERVER_ERROR

    scene(act)


def test_a_mistake_while_joining_is_100_and_4000(caplog: pytest.LogCaptureFixture) -> None:
    async def act(s: Scene) -> None:
        s.ownership.raises = ZeroDivisionError("secret detail")
        s.say('{"t":"hello"}')
        await asyncio.sleep(0.01)
        assert s.wire.codes == [100]
        assert "secret" not in str(s.wire.frames)
        assert s.wire.closed == Close.SERVER_ERROR

    with caplog.at_level(logging.ERROR):
        scene(act)
    assert len([r for r in caplog.records if r.name == "server.connection"]) == 1


def test_a_mistake_in_a_session_ends_its_actor(caplog: pytest.LogCaptureFixture) -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        s.attached.raises = ZeroDivisionError("oops")
        refused = s.say('{"t":"item.next","id":"c1"}')
        assert refused is not None
        assert refused.code is Code.INTERNAL
        assert s.wire.of("err")[0]["re"] == "c1"
        assert s.attached.failed is s.attached.raises

    with caplog.at_level(logging.ERROR):
        scene(act)


def test_a_refusal_of_the_session_is_told_with_its_id() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        s.attached.raises = Refused(Code.GONE, "over")
        s.say('{"t":"item.next","id":"c1"}')
        assert (s.wire.of("err")[0]["re"], s.wire.codes) == ("c1", [108])
        s.connection.aside = []
        s.say('{"t":"item.next","id":"c2"}')
        assert s.wire.codes == [108]
        assert len(s.connection.aside) == 1

    scene(act)


def test_draining_begins_nothing_new() -> None:
    async def act(s: Scene) -> None:
        await s.welcome()
        s.edge.drain("restart")
        drain = s.wire.of("drain")[0]
        assert 500 <= drain["after_ms"] < 5_000
        s.say('{"t":"lesson.start","id":"c1"}', '{"t":"answer.draft","item":"i","response":"1"}')
        assert s.wire.codes == [114]
        assert s.wire.of("err")[0]["retry_ms"] == drain["after_ms"]
        assert len(s.attached.heard) == 1
        with pytest.raises(Refused):
            s.edge.gate.enter("10.0.0.1")

    scene(act)


def test_who_is_not_welcomed_yet_is_sent_away_by_a_drain() -> None:
    async def act(s: Scene) -> None:
        s.edge.drain("restart")
        assert s.wire.closed == Close.DRAIN
        assert s.wire.of("drain")

    scene(act)


def test_a_joining_that_takes_too_long_is_4000_not_4408() -> None:
    async def act(s: Scene) -> None:
        s.ownership.after_s = 60.0
        s.say('{"t":"hello"}')
        await asyncio.sleep(9.5)
        assert not s.wire.closed
        await asyncio.sleep(1.5)
        assert s.wire.closed == Close.SERVER_ERROR

    scene(act)


def test_a_bad_token_in_hello_is_103_and_4401() -> None:
    async def act(s: Scene) -> None:
        s.say('{"t":"hello","sid":"s_1"}')
        assert s.wire.codes == [103]
        assert s.wire.closed == Close.INVALID_TOKEN
        assert LIMITS.hello_s == 10.0

    scene(act)
