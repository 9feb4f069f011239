"""Bytes to words and back. This file is the only one that knows the wire is JSON.

Every function here is total over bytes: a frame becomes a message or a `Refused`, never another
error. The decoders are built once; a usual command takes about a microsecond.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from protocol.commands import (
    COMMANDS,
    AnswerDraft,
    AnswerPreview,
    AnswerSubmit,
    BoardAct,
    Command,
    EphIn,
    RoomAsk,
    TurnStart,
)
from protocol.diagnosis import diagnosed, id_of, repeated_field, too_deep
from protocol.errors import Code, NotUtf8, Refused
from protocol.events import EVENTS, Err, Event, Foreign
from protocol.limits import LIMITS
from protocol.message import Message
from protocol.shape import deeper_than, repeated_key

Buffer: TypeAlias = bytes | bytearray | memoryview

_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_foreign = msgspec.json.Decoder(Foreign)
_encoder = msgspec.json.Encoder()
_canonical = msgspec.json.Encoder(order="sorted")

_decode_command = _commands.decode
_encode = _encoder.encode
_INBOUND_BYTES = LIMITS.inbound_bytes
_INPUT_BYTES = LIMITS.input_bytes
_DEPTH = LIMITS.depth
_FREE_FORM = frozenset({AnswerSubmit, AnswerPreview, AnswerDraft, BoardAct, EphIn})
"""The commands whose known fields may nest without end."""
_HEAD = b'{"t":"'
_LONE_ACK = re.compile(
    rb'\{"t":"ack","pos":\{"([0-9A-Za-z_-]{1,64})":(0|[1-9][0-9]{0,14})\}\}'
).fullmatch


def decode(data: Buffer) -> Command:
    """The command in one frame.

    Raises Refused: TOO_LARGE, BAD_FRAME (the detail names field, expected and came) or
    UNKNOWN_TYPE, with `re` where the frame is JSON and its `id` could be read; NotUtf8 where the
    transport must close with 1007.

    >>> decode(b'{"t":"hint.request","id":"c1","item":"two-step-1"}')
    HintRequest(id='c1', item='two-step-1', at=None)
    >>> decode(b'{"t":"hint.request","id":"c1","item":7}')
    Traceback (most recent call last):
    protocol.errors.Refused: 101 bad_frame: field `item`: expected str, came 7
    """
    frame = data if type(data) is bytes else bytes(data)
    if len(frame) > _INBOUND_BYTES:
        raise _too_large("a frame", _INBOUND_BYTES, len(frame))
    if not frame.isascii():
        _utf8(frame)
    try:
        command = _decode_command(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise diagnosed(frame, error, COMMANDS, EVENTS) from None
    # A key that came twice, like an unknown field, is one colon more than the message has when it
    # is written anew. Only an escape can hide a colon, and only in a text.
    if frame.count(b":") != _encode(command).count(b":") or b"\\u003" in frame:
        _plain(frame)
    elif type(command) in _FREE_FORM:
        _shallow(frame)
    if len(frame) > _INPUT_BYTES and isinstance(command, TurnStart | RoomAsk):
        _input_fits(command)
    return command


def lone_ack(frame: bytes) -> tuple[str, int] | None:
    """Log and place of an ack that names one log and is written as our clients write it.

    Nearly all that is heard of a large room is this. None: `decode` has to look.

    >>> lone_ack(b'{"t":"ack","pos":{"r_1":7}}'), lone_ack(b'{"t":"ack", "pos":{"r_1":7}}')
    (('r_1', 7), None)
    """
    found = _LONE_ACK(frame)
    return None if found is None else (found[1].decode(), int(found[2]))


def decode_event(data: Buffer) -> Event | Foreign:
    """The event in one frame from a server, for a client; a type unknown here is a `Foreign`.

    Raises Refused (BAD_FRAME) for what is no event at all.

    >>> decode_event(b'{"t":"drain","after_ms":500,"reason":"new version"}')
    Drain(after_ms=500, reason='new version')
    >>> decode_event(b'{"t":"firework","s":"me","q":9,"ts":1,"colour":"red"}')
    Foreign(t='firework', s='me', q=9, span=1)
    """
    frame = data if type(data) is bytes else bytes(data)
    if not frame.isascii():
        _utf8(frame)
    try:
        return _events.decode(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        refused = diagnosed(frame, error, EVENTS, COMMANDS)
    if refused.code is Code.UNKNOWN_TYPE:
        try:
            return _foreign.decode(frame)
        except msgspec.DecodeError as error:
            refused = Refused(Code.BAD_FRAME, f"an event of an unknown type: {error}")
    raise refused


def frames(message: bytes, limit_bytes: int = LIMITS.inbound_bytes) -> list[bytes]:
    r"""The frames of one WebSocket message, which are joined by newlines; empty lines are skipped.

    A message without any frame gives one empty frame, which `decode` refuses. Raises Refused
    (TOO_LARGE) above `limit_bytes` or `LIMITS.frames_a_message`.

    >>> frames(b'{"t":"pong"}\n{"t":"bye"}\n')
    [b'{"t":"pong"}', b'{"t":"bye"}']
    """
    if len(message) > limit_bytes:
        raise _too_large("a message", limit_bytes, len(message))
    if b"\n" not in message:
        return [message]
    if message.count(b"\n") > 2 * LIMITS.frames_a_message:
        raise _too_many(message.count(b"\n") + 1)
    found = [frame for frame in message.split(b"\n") if frame]
    if len(found) > LIMITS.frames_a_message:
        raise _too_many(len(found))
    return found or [b""]


def encode(event: Message) -> bytes:
    """One frame; holds no raw newline, and `t` is its first field.

    Text must hold no lone surrogate: UnicodeEncodeError.
    """
    return _encode(event)


def encode_command(command: Command) -> bytes:
    """One frame from a client."""
    return _encode(command)


def refusal(refused: Refused) -> bytes:
    """The `err` frame of a refusal; `retry_ms` is told only where a retry can help.

    >>> refusal(Refused(Code.BUSY, "a turn is running", re="c7"))
    b'{"t":"err","code":107,"name":"busy","msg":"a turn is running","temp":false,"re":"c7"}'
    """
    return _encode(
        Err(
            code=int(refused.code),
            name=refused.code.name.lower(),
            msg=refused.detail,
            temp=refused.temporary,
            re=refused.re,
            retry_ms=refused.retry_ms if refused.temporary else None,
        )
    )


def repeated(frame: bytes) -> bytes:
    """A stored reply, marked as sent again. Raises ValueError for what `encode` did not make.

    >>> repeated(b'{"t":"ok","s":"me","q":4,"ts":1,"re":"c1"}')
    b'{"t":"ok","dup":true,"s":"me","q":4,"ts":1,"re":"c1"}'
    """
    if not frame.startswith(_HEAD):
        raise ValueError(f"a stored frame begins with {_HEAD!r}, came {frame[:16]!r}")
    end = frame.index(b'"', len(_HEAD)) + 1
    return frame[:end] + b',"dup":true' + frame[end:]


def digest(command: Command) -> bytes:
    """16 bytes that two commands share when they ask for the same; the `id` is left out.

    BLAKE2b over the encoding with sorted keys, so the order of fields does not matter.

    >>> a, b = (decode(b'{"t":"review.due","id":"%d"}' % n) for n in (1, 2))
    >>> digest(a) == digest(b), len(digest(a))
    (True, 16)
    """
    if "id" in command.__struct_fields__:
        command = msgspec.structs.replace(command, id="")
    return blake2b(_canonical.encode(command), digest_size=16).digest()


def _utf8(frame: bytes) -> None:
    try:
        frame.decode()
    except UnicodeDecodeError as error:
        detail = f"a frame: expected UTF-8, came {frame[error.start]:#04x} at byte {error.start}"
        raise NotUtf8(Code.BAD_FRAME, detail) from None


def _plain(frame: bytes) -> None:
    _shallow(frame)
    key = repeated_key(frame)
    if key is not None:
        raise repeated_field(key, id_of(frame))


def _shallow(frame: bytes) -> None:
    if frame.count(b"[") + frame.count(b"{") > _DEPTH and deeper_than(_DEPTH, frame):
        raise too_deep(id_of(frame))


def _input_fits(command: TurnStart | RoomAsk) -> None:
    if isinstance(command.input, str):
        came = len(command.input.encode())
        if came > _INPUT_BYTES:
            raise _too_large("field `input`", _INPUT_BYTES, came, command.id)


def _too_large(what: str, limit_bytes: int, came: int, re: str | None = None) -> Refused:
    detail = f"{what}: expected at most {limit_bytes} bytes of UTF-8, came {came}"
    return Refused(Code.TOO_LARGE, detail, re=re)


def _too_many(came: int) -> Refused:
    detail = f"a message: expected at most {LIMITS.frames_a_message} frames, came {came}"
    return Refused(Code.TOO_LARGE, detail)
