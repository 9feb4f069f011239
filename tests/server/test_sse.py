"""The wire of an event stream: which frames have a place."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from server.sse import Streams, StreamWire
from streaming.nodes import Judged, Posted, opened

SOON = 5
"""Turns of the loop in which what is due has been done."""


def test_a_repeat_does_not_take_the_stream_back() -> None:
    wire = StreamWire()
    wire.write([b'{"t":"welcome","logs":[{"s":"me","epoch":"e1","head":9,"mode":"live"}]}'])
    wire.write([b'{"t":"ok","s":"me","q":10,"ts":1,"re":"b"}'])
    wire.write([b'{"t":"ok","dup":true,"s":"me","q":5,"ts":1,"re":"a"}'])
    wire.write([b'{"t":"presence","s":"r_1","q":3,"ts":1,"joins":{},"leaves":{}}'])
    text, pos = wire.taken()
    assert pos == {"me": 10, "r_1": 3}, "what left before the repeat counts as taken"
    assert text.count(b"id: ") == 1
    assert b"id: e1.10\n" in text
    assert b'"dup":true' in text


async def test_who_waits_for_a_stream_that_is_elsewhere_leaves_nothing_behind() -> None:
    loop = asyncio.get_running_loop()
    told: list[Posted] = []

    def tell_all(data: bytes) -> None:
        letter = opened(data)
        assert isinstance(letter, Posted)
        told.append(letter)

    nodes = SimpleNamespace(tell_all=tell_all)
    ownership = SimpleNamespace(node="a", ground=SimpleNamespace(nodes=nodes), readers={})
    edge: Any = SimpleNamespace(ownership=ownership, loop=loop)
    streams = Streams(edge)
    for n in range(3):
        heard = asyncio.ensure_future(streams._anywhere(f"s_{n}", None, b""))
        for _ in range(SOON):
            await asyncio.sleep(0)
        ownership.readers[Judged](Judged(told[n].number, 0, b"", "c1"))
        assert (await heard).cid == "c1"
    for _ in range(SOON):
        await asyncio.sleep(0)
    assert dict(streams._opened) == {}
