"""The socket without a network: any cut of any bytes gives the same messages and no error."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.protocol import OPEN

from server.transport import RawWebSocket
from tests.wire.sockets import CONT, PING, TEXT, client_frame


class Recorder:
    """Hears only."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def hear(self, payload: bytes) -> None:
        self.heard.append(payload)

    def hear_binary(self) -> None:
        self.heard.append(b"binary")

    def flow(self, paused: bool) -> None:
        raise AssertionError("nothing is written here")

    def lost(self, code: int) -> None:
        assert code > 1000


class _Sink:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> None:
        """There is no socket."""

    def can_write_eof(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True


MESSAGES = st.lists(
    st.tuples(st.text(max_size=300), st.integers(1, 4), st.booleans()), min_size=1, max_size=8
)


@given(messages=MESSAGES, seed=st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_any_cut_of_any_frames_gives_the_same_messages(
    messages: list[tuple[str, int, bool]], seed: int
) -> None:
    """Messages in 1 to 4 fragments with pings between, cut into reads at random."""
    dice = random.Random(seed)
    stream = b""
    for text, parts, ping in messages:
        data = text.encode()
        cuts = sorted(dice.randint(0, len(data)) for _ in range(parts - 1))
        places = [0, *cuts, len(data)]
        for n, (start, stop) in enumerate(itertools.pairwise(places)):
            stream += client_frame(CONT if n else TEXT, data[start:stop], fin=n == len(places) - 2)
            if ping:
                stream += client_frame(PING, b"p")

    async def go() -> list[bytes]:
        raw, ear = _loose_socket()
        place = 0
        while place < len(stream):
            step = dice.choice((1, 2, 3, 7, 100, 10_000))
            raw.data_received(stream[place : place + step])
            place += step
        return ear.heard

    assert asyncio.run(go()) == [text.encode() for text, _, _ in messages]


def _loose_socket() -> tuple[RawWebSocket, Recorder]:
    """A taken socket after its handshake, without a network."""
    config = uvicorn.Config(_nothing, log_config=None, ws_max_size=65_536)
    config.load()
    raw = RawWebSocket(config, uvicorn.server.ServerState(), {}, asyncio.get_running_loop())
    raw.transport = _Sink()  # type: ignore[assignment] # only what is called is there
    raw.conn.state = OPEN
    raw.conn.parser = super(type(raw.conn), raw.conn).parse()
    next(raw.conn.parser)
    ear = Recorder()
    raw.take(ear)
    return raw, ear


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    return


@given(data=st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_garbage_never_raises(data: bytes) -> None:
    async def go() -> None:
        raw, _ = _loose_socket()
        for place in range(0, len(data), 7):
            raw.data_received(data[place : place + 7])
        if raw.close_timer is not None:
            raw.close_timer.cancel()

    asyncio.run(go())
