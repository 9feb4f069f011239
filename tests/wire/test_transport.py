"""The socket, against real bytes: each trap of the fast path, on both event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from server.transport import RAW, RawWebSocket, text_message
from tests.wire.sockets import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    STOCK,
    TEXT,
    RawClient,
    client_frame,
    raw_client,
    serving,
)

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop

    def go(coroutine: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(coroutine)

    return go


class Echo:
    """Hears, answers by `answer`, and remembers everything."""

    def __init__(self, raw: RawWebSocket) -> None:
        self.raw = raw
        self.heard: list[bytes] = []
        self.binaries = 0
        self.flows: list[bool] = []
        self.code: int | None = None
        self.gone = asyncio.Event()

    def hear(self, payload: bytes) -> None:
        self.heard.append(payload)
        if payload == b"close":
            self.raw.close(4001, "asked")
        else:
            self.raw.write([payload])

    def hear_binary(self) -> None:
        self.binaries += 1

    def flow(self, paused: bool) -> None:
        self.flows.append(paused)

    def lost(self, code: int) -> None:
        assert self.code is None, "said twice"
        self.code = code
        self.gone.set()


class Endpoint:
    """An ASGI application that accepts and takes every socket."""

    def __init__(self) -> None:
        self.ears: list[Echo] = []
        self.writes = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        raw = scope["extensions"][RAW]
        ear = Echo(raw)
        self.ears.append(ear)
        raw.take(ear)


async def with_client(
    act: Callable[[RawClient, Echo], Coroutine[Any, Any, None]], **config: Any
) -> None:
    endpoint = Endpoint()
    async with serving(endpoint, **config) as (port, _):
        client = await raw_client(port)
        try:
            await act(client, endpoint.ears[0])
        finally:
            await client.aclose()


def test_a_whole_text_frame_is_heard_and_answered(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        for payload in (b"", b"x", b"y" * 125, b"z" * 126, b"w" * 65_535, "ä½ ½".encode()):
            client.text(payload)
            assert await client.frame() == (TEXT, payload)
        assert ear.heard[-1] == "ä½ ½".encode()

    run(with_client(act))


def test_the_socket_outlives_the_endpoint_s_call(run: Run) -> None:
    async def go() -> None:
        endpoint = Endpoint()
        async with serving(endpoint) as (port, server):
            client = await raw_client(port)
            client.text("a")
            await client.message()
            assert not server.server_state.tasks, "no task lives for a taken socket"
            client.text("b")
            assert await client.message() == b"b"
            await client.aclose()

    run(go())


def test_one_byte_at_a_time(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        stream = (
            client_frame(TEXT, b"a" * 200)
            + client_frame(TEXT, b"fra", fin=False)
            + client_frame(PING, b"between")
            + client_frame(CONT, b"gme", fin=False)
            + client_frame(CONT, b"nt")
            + client_frame(TEXT, b"last")
        )
        raw = ear.raw
        for place in range(len(stream)):
            raw.data_received(stream[place : place + 1])
        assert ear.heard == [b"a" * 200, b"fragment", b"last"]
        assert (await client.frame())[1] == b"a" * 200
        assert await client.frame() == (PONG, b"between")
        assert await client.message() == b"fragment"
        assert await client.message() == b"last"

    run(with_client(act))


def test_fragments_of_one_byte_are_one_message_and_empty_ones_take_no_room(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        text = b"0123456789" * 20
        client.send(client_frame(TEXT, text[:1], fin=False))
        for byte in text[1:]:
            client.send(client_frame(CONT, bytes((byte,)), fin=False))
            client.send(client_frame(CONT, b"", fin=False))
        client.send(client_frame(PING, b"!"))
        assert await client.frame() == (PONG, b"!")
        assert len(ear.raw.frames) == 1
        client.send(client_frame(CONT, b""))
        assert await client.message() == text

    run(with_client(act))


def test_frames_of_one_read_are_answered_in_one_write(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        writes: list[bytes] = []
        raw = ear.raw
        real = raw.transport

        class Counting:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def write(self, data: bytes) -> None:
                writes.append(data)
                real.write(data)

        monkeypatch.setattr(raw, "transport", Counting())
        whole = b"".join(client_frame(TEXT, b"%d" % n) for n in range(50))
        raw.data_received(whole[:-3])
        assert len(writes) == 1
        raw.data_received(whole[-3:])
        assert len(writes) == 2
        assert [await client.message() for _ in range(50)] == [b"%d" % n for n in range(50)]

    run(with_client(act))


def test_many_payloads_leave_joined_by_newlines(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        ear.raw.write([b"one", b"two", b"three"])
        assert await client.message() == b"one\ntwo\nthree"
        big = [b"x" * 40_000, b"y" * 40_000]
        ear.raw.write(big)
        assert [await client.message(), await client.message()] == big

    run(with_client(act))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (client_frame(TEXT, b"hi", mask=False), 1002),
        (client_frame(TEXT, b"", mask=False), 1002),
        (client_frame(TEXT, b"{}", reserved=0b100), 1002),
        (client_frame(TEXT, b"{}", reserved=0b001), 1002),
        (client_frame(0x3, b"{}"), 1002),
        (client_frame(0xB, b""), 1002),
        (client_frame(CONT, b"nothing to continue"), 1002),
        (client_frame(TEXT, b"a", fin=False) + client_frame(TEXT, b"b"), 1002),
        (client_frame(PING, b"x", fin=False), 1002),
        (client_frame(PING, b"x" * 126), 1002),
        (client_frame(CLOSE, b"\x03"), 1002),
        (client_frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
        (client_frame(TEXT, b"\xff\xfe"), 1007),
        (client_frame(TEXT, b"\xed\xa0\x80"), 1007),
        (client_frame(TEXT, b"\xc3", fin=False) + client_frame(CONT, b"\x28"), 1007),
        (client_frame(CLOSE, b"\x03\xe8\xff"), 1007),
    ],
    ids=lambda value: "frame" if isinstance(value, bytes) else str(value),  # masks are random
)
def test_a_violation_is_told_by_the_close_code(run: Run, bad: bytes, code: int) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.send(client_frame(TEXT, b"good"), bad, client_frame(TEXT, b"never heard") * 5_000)
        assert await client.message() == b"good"
        assert await client.close_code() == code
        await asyncio.wait_for(ear.gone.wait(), 60)
        assert ear.code == code
        assert ear.heard == [b"good"]

    run(with_client(act))


@pytest.mark.parametrize("size", [65_537, 1_048_576, 1 << 62])
def test_a_too_large_message_is_refused_by_its_header(run: Run, size: int) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        header = b"\x81\xff" + size.to_bytes(8, "big") + b"mask"
        client.send(header)
        assert await client.close_code() == 4413
        assert ear.code == 4413
        assert ear.raw._part is None
        if size == 1_048_576:  # what is on its way is thrown away, not kept
            client.send(b"x" * size)
            client.writer.write_eof()
            await client.end()

    run(with_client(act))


def test_fragments_count_together_against_the_limit(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.send(client_frame(TEXT, b"x" * 40_000, fin=False))
        client.send(client_frame(PING, b"p"))
        assert await client.frame() == (PONG, b"p")
        client.send(client_frame(CONT, b"x" * 40_000))
        assert await client.close_code() == 4413

    run(with_client(act))


def test_a_lower_limit_holds_while_it_is_set(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        ear.raw.max_bytes = 10
        client.text("0123456789")
        assert await client.message() == b"0123456789"
        client.text("01234567890")
        assert await client.close_code() == 4413

    run(with_client(act))


def test_binary_messages_are_told_apart(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.send(client_frame(BINARY, b"\xff\x00"))
        client.send(client_frame(BINARY, b"a", fin=False), client_frame(CONT, b"b"))
        client.text("after")
        assert await client.message() == b"after"
        assert ear.binaries == 2
        assert ear.heard == [b"after"]

    run(with_client(act))


def test_the_peer_closes(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.send(client_frame(TEXT, b"last words"))
        client.send(client_frame(CLOSE, (1000).to_bytes(2, "big") + b"bye"))
        assert await client.message() == b"last words"
        assert await client.close_code() == 1000
        await client.end()
        await asyncio.wait_for(ear.gone.wait(), 60)
        assert ear.code == 1000
        ear.raw.write([b"too late"])
        ear.raw.close(4000, "too late")
        assert ear.raw.unsent_bytes() == 0

    run(with_client(act))


def test_we_close_and_the_peer_answers(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.send(client_frame(TEXT, b"a"), client_frame(TEXT, b"close"))
        client.send(client_frame(TEXT, b"unheard"))
        assert await client.message() == b"a"
        opcode, payload = await client.frame()
        assert (opcode, payload) == (CLOSE, (4001).to_bytes(2, "big") + b"asked")
        client.send(client_frame(TEXT, b"unheard too"), client_frame(PING, b"still"))
        assert await client.frame() == (PONG, b"still")
        client.send(client_frame(CLOSE, payload))
        await client.end()
        assert ear.heard == [b"a", b"close"]
        assert ear.code == 4001

    run(with_client(act))


def test_the_peer_disappears(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.send(client_frame(TEXT, b"half of a frame")[:-4])
        client.writer.transport.abort()
        await asyncio.wait_for(ear.gone.wait(), 60)
        assert ear.code == 1006
        ear.raw.write([b"to nobody"])
        ear.raw.write([b"to", b"nobody"])

    run(with_client(act))


def test_what_is_written_now_keeps_its_place_and_a_full_socket_keeps_its_rest(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        ear.raw.write([b"first"])
        ear.raw.write_now([b"second", b"line"])  # "first" waits still: it goes behind it
        await asyncio.sleep(0.01)
        ear.raw.write_now([b"third"])
        assert ear.raw.unsent_bytes() == 0  # gone already
        for expected in (b"first", b"second\nline", b"third"):
            assert await client.message() == expected
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a read transport
        block = [b"x" * 60_000]
        for number in range(400):
            ear.raw.write_now(block)
            ear.raw.write_now([b"%d" % number])
        assert ear.raw.unsent_bytes() > 1_000_000
        assert ear.flows == [True]
        client.writer.transport.resume_reading()  # type: ignore[attr-defined] # a read transport
        for number in range(400):
            assert await client.message() == block[0]
            assert await client.message() == b"%d" % number

    run(with_client(act))


def test_what_is_written_now_to_a_peer_that_is_gone_is_no_error(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.writer.transport.abort()
        for _ in range(20):
            ear.raw.write_now([b"to nobody"])
            await asyncio.sleep(0)
        await asyncio.wait_for(ear.gone.wait(), 60)
        assert ear.code == 1006
        ear.raw.write_now([b"to nobody"])

    run(with_client(act))


def test_a_reader_that_never_reads_pauses_us_and_can_be_measured(run: Run) -> None:
    async def act(client: RawClient, ear: Echo) -> None:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a read transport
        block = b"x" * 60_000
        for _ in range(400):
            ear.raw.write([block])
        assert ear.raw.paused
        assert ear.flows == [True]
        assert ear.raw.unsent_bytes() > 1_000_000
        client.send(client_frame(PING, b"p") * 10)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined] # a read transport
        for _ in range(400):
            assert await client.message() == block
        client.text("again")
        while (await client.frame())[0] != TEXT:
            pass
        assert ear.flows == [True, False]
        assert ear.raw.unsent_bytes() == 0

    run(with_client(act))


@pytest.mark.parametrize("how", ["we close", "it closes", "violation", "the server stops"])
def test_a_reader_that_never_reads_is_cut_in_the_end(
    run: Run, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLOSE_S", "STOP_S", "LINGER_S"):
        monkeypatch.setattr(f"server.transport.{name}", 0.05)

    async def act(client: RawClient, ear: Echo) -> None:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a read transport
        for _ in range(400):
            ear.raw.write([b"x" * 60_000])
        gone = asyncio.Event()
        lost = ear.raw.connection_lost

        def noted(exc: Exception | None) -> None:
            lost(exc)
            gone.set()

        monkeypatch.setattr(ear.raw, "connection_lost", noted)
        if how == "we close":
            ear.raw.close(4008, "slow")
        elif how == "the server stops":
            ear.raw.shutdown()
        else:
            client.send(client_frame(CLOSE, b"\x03\xe8") if how == "it closes" else b"\x81\x00")
        await asyncio.wait_for(gone.wait(), 60)
        assert ear.code in (4008, 1000, 1002, 1012)

    run(with_client(act))


def test_the_server_stops(run: Run) -> None:
    async def go() -> None:
        endpoint = Endpoint()
        async with serving(endpoint) as (port, _):
            client = await raw_client(port)
            client.text("a")
            await client.message()
        assert await client.close_code() == 1012
        assert endpoint.ears[0].code == 1012
        await client.aclose()

    run(go())


def test_an_endpoint_that_fails_is_a_500_and_a_log_line(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("broken")

    async def go() -> None:
        async with serving(app) as (port, _):
            client = await raw_client(port, expect=500)
            await client.aclose()

    run(go())
    assert "exception in the WebSocket endpoint" in caplog.text


def test_an_endpoint_that_does_not_answer_is_a_500(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return

    async def go() -> None:
        async with serving(app) as (port, _):
            client = await raw_client(port, expect=500)
            await client.aclose()

    run(go())


@pytest.mark.parametrize("ws", [RawWebSocket, STOCK])
def test_plain_asgi_endpoints_work_as_on_uvicorn_s_own_class(run: Run, ws: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "tutorstream.v1.json"})
        while (event := await receive())["type"] == "websocket.receive":
            if "text" in event:
                await send({"type": "websocket.send", "text": event["text"]})
            else:
                await send({"type": "websocket.close", "code": 4400})

    async def go() -> None:
        async with serving(app, ws) as (port, _):
            client = await raw_client(
                port, headers={"Sec-WebSocket-Protocol": "other, tutorstream.v1.json"}
            )
            assert b"tutorstream.v1.json" in client.head
            client.send(client_frame(TEXT, b"he", fin=False))
            client.send(client_frame(PING, b"p"), client_frame(CONT, b"llo"))
            assert await client.frame() == (PONG, b"p")
            assert await client.message() == b"hello"
            client.send(client_frame(BINARY, b"a", fin=False), client_frame(CONT, b"b"))
            assert await client.close_code() == 4400
            await client.aclose()

    run(go())


def test_messages_are_framed_by_their_size() -> None:
    assert text_message(b"hi") == b"\x81\x02hi"
    assert text_message(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_message(b"x" * 70_000)[:10] == b"\x81\x7f" + (70_000).to_bytes(8, "big")
