"""The wire of an event stream: which frames have a place."""

from __future__ import annotations

from server.sse import StreamWire


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
