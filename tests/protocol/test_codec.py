"""Bytes to words and back: round trips, and nothing but refusals for anything else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.codec import (
    decode,
    decode_event,
    digest,
    encode,
    encode_command,
    frames,
    lone_ack,
    refusal,
    repeated,
)
from protocol.commands import COMMANDS, Ack, AnswerSubmit, EphIn, Hello, TurnStart
from protocol.errors import Code, NotUtf8, Refused
from protocol.events import EVENTS, Err, Foreign, Ok
from protocol.limits import LIMITS
from protocol.message import type_of
from tests.protocol.strategies import COMMAND, EVENT, JSON, TEXTS, structs


def refused(frame: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(frame)
    return caught.value


def outcome(reading: Callable[[bytes], object], frame: bytes) -> Refused | None:
    """The refusal, or None; any other error goes on."""
    try:
        reading(frame)
    except Refused as refused:
        return refused
    return None


# --- round trips --------------------------------------------------------------------------------


@pytest.mark.parametrize("t", sorted(COMMANDS))
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_each_command_comes_back(t, data):
    command = data.draw(structs(COMMANDS[t]))
    frame = encode_command(command)
    assert frame.startswith(b'{"t":"%b"' % t.encode())
    assert b"\n" not in frame
    assert decode(frame) == command
    assert decode(bytearray(frame)) == decode(memoryview(frame)) == command


@pytest.mark.parametrize("t", sorted(EVENTS))
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_each_event_comes_back(t, data):
    event = data.draw(structs(EVENTS[t]))
    frame = encode(event)
    assert b"\n" not in frame
    assert decode_event(frame) == event
    assert decode_event(memoryview(frame)) == event


@settings(deadline=None)
@given(COMMAND, st.integers(0, 2))
def test_the_order_of_fields_and_white_space_do_not_matter(command, indent):
    fields = json.loads(encode_command(command))
    turned = dict(reversed(fields.items()))
    assert decode(json.dumps(turned, indent=indent).encode()) == command


@settings(deadline=None)
@given(COMMAND, JSON)
def test_unknown_fields_are_ignored(command, value):
    fields = json.loads(encode_command(command))
    assert decode(json.dumps({**fields, "a field of tomorrow": value}).encode()) == command


# --- anything else ------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(max_size=60))
@example(b"")
@example(b"\xff")
@example(b"[" * 60_000)
@example(b'{"t":"bye","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}")
@example(b'{"t":"bye","x":"\\ud800"}')
@example(b'{"t":"auth.refresh","id":"a","token":"\\ud800"}')
def test_bytes_are_a_command_or_a_refusal(data):
    for reading in (decode, decode_event):
        came = outcome(reading, data)
        assert came is None or isinstance(decode_event(refusal(came)), Err)


@settings(deadline=None)
@given(COMMAND | EVENT, st.data())
def test_a_damaged_frame_is_a_command_or_a_refusal(message, data):
    frame = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame)))
        upto = data.draw(st.integers(at, len(frame)))
        frame[at:upto] = data.draw(
            st.sampled_from(
                [b"", b"\xc3", b'"', b"\\", b"\\u003", b"{", b"]", b"-", b"1e999", b"NaN"]
            )
        )
    for reading in (decode, decode_event):
        came = outcome(reading, bytes(frame))
        assert came is None or isinstance(decode_event(refusal(came)), Err)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["t", "id", "item", "s", "q", "pos", "have", "input", "response", "span"]),
        JSON | st.sampled_from(sorted(COMMANDS)) | st.sampled_from(sorted(EVENTS)),
    )
)
def test_json_is_a_command_or_a_refusal_with_its_id(fields):
    frame = json.dumps(fields).encode()
    came = outcome(decode, frame)
    if came is not None:
        id_ = fields.get("id")
        usable = isinstance(id_, str) and 0 < len(id_) <= LIMITS.id_chars
        assert came.re == (id_ if usable else None)
        assert came.code in (Code.BAD_FRAME, Code.UNKNOWN_TYPE)
    came = outcome(decode_event, frame)
    assert came is None or came.code is Code.BAD_FRAME


@settings(deadline=None)
@given(COMMAND, st.data())
def test_a_field_given_twice_is_refused(command, data):
    fields = json.loads(encode_command(command))
    key = data.draw(st.sampled_from(sorted(fields)))
    again = data.draw(st.just(fields[key]) | TEXTS)
    pairs = [*fields.items()]
    pairs.insert(data.draw(st.integers(0, len(pairs))), (key, again))
    body = ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in pairs)
    came = refused(f"{{{body}}}".encode())
    assert came.code is Code.BAD_FRAME
    assert came.detail == f"field `{key}`: expected once in an object, came twice"


def test_a_colon_hidden_by_an_escape_does_not_hide_a_repeated_field():
    frame = rb'{"t":"turn.start","id":"a","id":"b","input":"\u003a"}'
    assert refused(frame).detail.startswith("field `id`: expected once")


@settings(deadline=None)
@given(st.integers(0, 40), st.booleans())
def test_depth_has_a_limit_whether_the_field_is_known_or_not(depth, known):
    value = "[" * depth + "]" * depth if depth else "1"
    where = '"t":"eph","s":"me","k":"x","v"' if known else '"t":"review.due","id":"c1","v"'
    frame = f"{{{where}:{value}}}".encode()
    if depth + 1 <= LIMITS.depth:
        decode(frame)
    else:
        came = refused(frame)
        assert came.detail == "a frame: expected at most 16 nested arrays and objects, came more"
        assert came.re == (None if known else "c1")


def test_many_brackets_side_by_side_are_no_depth():
    command = EphIn("me", "x", [[]] * 100)
    assert decode(encode_command(command)) == command


# --- size ---------------------------------------------------------------------------------------


def test_a_frame_above_the_limit_is_too_large():
    frame = encode(Hello(token="x" * 4096)) + b" " * LIMITS.inbound_bytes
    decode(frame[: LIMITS.inbound_bytes])
    came = refused(frame)
    assert came.code is Code.TOO_LARGE
    assert came.detail == f"a frame: expected at most 65536 bytes of UTF-8, came {len(frame)}"


@pytest.mark.parametrize(("char", "count"), [("a", 2048), ("é", 1024), ("😀", 512), ("\n", 2048)])
@pytest.mark.parametrize("kind", ["turn.start", "room.ask"])
def test_a_question_is_measured_in_bytes_of_utf8(char, count, kind):
    fields = {"t": kind, "id": "c1", "rid": "r", "input": char * count}
    for ascii_only in (True, False):
        decode(json.dumps(fields, ensure_ascii=ascii_only).encode())
        more = {**fields, "input": char * count + "a"}
        came = refused(json.dumps(more, ensure_ascii=ascii_only).encode())
        assert (came.code, came.re) == (Code.TOO_LARGE, "c1")
        assert came.detail == "field `input`: expected at most 2048 bytes of UTF-8, came 2049"


def test_a_large_frame_with_a_short_question_is_fine():
    fields = {"t": "turn.start", "id": "c1", "input": {"action": "why"}, "new": "x" * 3000}
    assert decode(json.dumps(fields).encode()) == decode(
        b'{"t":"turn.start","id":"c1","input":{"action":"why"}}'
    )


def test_frames_are_split_at_newlines():
    one, two = b'{"t":"pong"}', b'{"t":"bye"}'
    assert frames(one) == [one]
    assert frames(one + b"\n" + two) == [one, two]
    assert frames(b"\n\n" + one + b"\n\n" + two + b"\n") == [one, two]
    assert frames(b"") == frames(b"\n\n") == [b""]


def test_a_message_has_a_limit_of_frames_and_bytes():
    assert len(frames(b"\n".join([b"{}"] * 64) + b"\n")) == 64
    for message in (b"\n".join([b"{}"] * 65), b"\n" * 129):
        with pytest.raises(Refused, match="64 frames") as caught:
            frames(message)
        assert caught.value.code is Code.TOO_LARGE
    assert frames(b" " * 65536)
    for message, limit_bytes in ((b" " * 65537, 65536), (b" " * 17, 16)):
        with pytest.raises(Refused, match=f"{limit_bytes} bytes") as caught:
            frames(message, limit_bytes)
        assert caught.value.code is Code.TOO_LARGE


# --- text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"\xff", b'{"t":"bye","x":"\xc3"}', b'{"t":"\xed\xa0\x80"}'])
def test_what_is_not_utf8_says_so_by_its_type(data):
    assert isinstance(refused(data), NotUtf8)
    with pytest.raises(NotUtf8):
        decode_event(data)
    assert not isinstance(refused(b"{}"), NotUtf8)


def test_a_lone_surrogate_cannot_be_written():
    with pytest.raises(UnicodeEncodeError):
        encode(TurnStart("c1", "\ud800"))


# --- events -------------------------------------------------------------------------------------


def test_an_event_of_a_newer_server_keeps_its_place():
    assert decode_event(b'{"t":"firework","s":"me","q":4,"span":2}') == Foreign(
        "firework", "me", 4, 2
    )
    assert decode_event(b'{"t":"firework"}') == Foreign("firework")
    with pytest.raises(Refused, match="unknown type: Expected `int") as caught:
        decode_event(b'{"t":"firework","q":"four"}')
    assert caught.value.code is Code.BAD_FRAME


def test_an_event_that_is_wrong_names_its_field():
    with pytest.raises(Refused, match=r"field `heads`: expected object, came 3"):
        decode_event(b'{"t":"ping","heads":3,"ts":1}')


# --- replies ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.sampled_from(list(Code)), TEXTS, st.none() | TEXTS, st.none() | st.integers(0, 9999))
def test_a_refusal_is_one_err_frame(code, detail, re, retry_ms):
    came = decode_event(refusal(Refused(code, detail, re=re, retry_ms=retry_ms)))
    assert isinstance(came, Err)
    assert (came.code, came.name, came.msg, came.re) == (code, code.name.lower(), detail, re)
    assert came.temp == Refused(code, "").temporary
    assert came.retry_ms == (retry_ms if came.temp else None)


@settings(deadline=None)
@given(EVENT)
def test_a_repeat_is_the_stored_frame_with_a_mark(event):
    frame = encode(event)
    marked = json.loads(repeated(frame))
    assert marked.pop("dup", None) is True
    stored = json.loads(frame)
    stored.pop("dup", None)
    assert list(marked) == list(stored)
    assert marked == stored


def test_a_repeated_ok_is_an_ok():
    ok = Ok("me", 4, 1, "c1")
    assert decode_event(repeated(encode(ok))) == Ok("me", 4, 1, "c1", dup=True)


def test_only_a_frame_of_ours_can_be_repeated():
    with pytest.raises(ValueError, match="a stored frame begins with"):
        repeated(b'{"s":"me"}')


@settings(deadline=None)
@given(COMMAND, COMMAND)
def test_digests_tell_bodies_apart_and_not_ids(one, other):
    assert len(digest(one)) == 16
    if hasattr(one, "id"):
        fields = json.loads(encode_command(one))
        assert digest(decode(json.dumps({**fields, "id": "another"}).encode())) == digest(one)
    bodies = [json.loads(encode_command(command)) for command in (one, other)]
    for body in bodies:
        body.pop("id", None)
    assert (digest(one) == digest(other)) == (bodies[0] == bodies[1]) or any(
        isinstance(value, float) for body in bodies for value in body.values()
    )


def test_a_digest_does_not_depend_on_the_order_of_keys():
    one = AnswerSubmit("a", "i", {"x": 1, "y": {"b": 2, "a": 3}})
    other = AnswerSubmit("b", "i", {"y": {"a": 3, "b": 2}, "x": 1})
    assert digest(one) == digest(other)
    assert digest(one) != digest(AnswerSubmit("a", "i", {"x": 1, "y": {"b": 2, "a": 4}}))


def test_the_type_is_the_first_field_of_every_message():
    assert {type_of(kind) for kind in EVENTS.values()} == set(EVENTS)


@given(
    st.sampled_from([b"r_1", b"me", b"", b"a b", b'a"', b"\\u0061", b"\xc3\xa4", b"a" * 65]),
    st.one_of(st.integers(-1, 2**54).map(str), st.sampled_from(["007", "1.0", "1e3", "", "null"])),
    st.sampled_from([b'{"t":"ack","pos":{"%b":%b}}', b'{"t":"ack","pos":{"%b":%b}}\n']),
)
def test_an_ack_read_by_the_short_way_is_what_decode_reads(
    log: bytes, place: str, shape: bytes
) -> None:
    frame = shape % (log, place.encode())
    found = lone_ack(frame)
    if found is not None:
        assert decode(frame) == Ack(pos=dict([found]))


def test_our_clients_acks_of_one_log_are_read_by_the_short_way() -> None:
    assert lone_ack(encode_command(Ack(pos={"r_aZ-9": 12}))) == ("r_aZ-9", 12)
