"""Each kind of wrong frame, and the words it is refused with."""

from __future__ import annotations

import pytest

from protocol.codec import decode
from protocol.commands import COMMANDS
from protocol.diagnosis import diagnosed
from protocol.errors import Code, Refused
from protocol.events import EVENTS


def refused(frame: str) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(frame.encode())
    return caught.value


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        # the frame itself
        ("", "a frame: expected one JSON object, came an end too early, after ``"),
        (
            '{"t":"bye"',
            'a frame: expected one JSON object, came an end too early, after `{"t":"bye"`',
        ),
        ("[1]", "a frame: expected one object, came [1]"),
        ("null", "a frame: expected one object, came null"),
        ("é", "a frame: expected one JSON object, came `é` at byte 0: invalid character"),
        (
            '{"t":"turn.start","id":"a","input":NaN}',
            "a frame: expected one JSON object, came `NaN}` at byte 35: invalid character",
        ),
        (
            '{"t":"bye","x":-Infinity}',
            "a frame: expected one JSON object, came `Infinity}` at byte 16: invalid character",
        ),
        (
            '{"t":"bye"} {"t":"bye"}',
            'a frame: expected one JSON object, came `{"t":"bye"}` at byte 12: trailing characters',
        ),
        # the type
        ("{}", "field `t`: expected a message's type, came nothing"),
        ('{"t":null}', "field `t`: expected a message's type, came null"),
        ('{"t":7}', "field `t`: expected a message's type, came 7"),
        ('{"t":["bye"]}', 'field `t`: expected a message\'s type, came ["bye"]'),
        ('{"t":"nope"}', 'expected a type of tutorstream.v1, came "nope"'),
        ('{"t":"delta"}', "`delta` is a message of the other side"),
        # fields
        ('{"t":"ack"}', "field `pos`: expected, came nothing"),
        ('{"t":"hello","have":[{"epoch":"e","q":1}]}', "field `have[0].s`: expected, came nothing"),
        ('{"t":"hello","have":[{"s":7}]}', "field `have[0].s`: expected str, came 7"),
        (
            '{"t":"hello","have":[{"s":"me","epoch":"e","q":1.5}]}',
            "field `have[0].q`: expected int, came 1.5",
        ),
        ('{"t":"ack","pos":{"me":-1}}', 'field `pos[...]`: expected int >= 0, came {"me":-1}'),
        ('{"t":"ack","pos":{"me":true}}', 'field `pos[...]`: expected int, came {"me":true}'),
        (
            '{"t":"review.due","id":""}',
            'field `id`: expected str of length >= 1, came ""',
        ),
        (
            '{"t":"room.say","id":"a","rid":"r","text":"' + "x" * 2001 + '"}',
            'field `text`: expected str of length <= 2000, came "'
            + "x" * 39
            + "... (2003 characters)",
        ),
        (
            '{"t":"mode.set","id":"a","mode":"fun"}',
            "field `mode`: expected one of exam, peer, practice, review, socratic, worked, "
            'came "fun"',
        ),
        (
            '{"t":"lesson.start","id":"a","mode":"fun"}',
            "field `mode`: expected one of exam, peer, practice, review, socratic, worked, "
            'came "fun"',
        ),
        (
            '{"t":"turn.start","id":"a","input":{"action":"fly"}}',
            'field `input.action`: expected one of example, next_step, simpler, why, came "fly"',
        ),
        ('{"t":"turn.start","id":"a","input":3}', "field `input`: expected str | object, came 3"),
        (
            '{"t":"answer.submit","id":"a","item":"i","response":null}',
            "field `response`: expected int | float | str | object | array, came null",
        ),
        (
            '{"t":"answer.submit","id":"a","item":"i","response":1e999}',
            "field `response`: expected a number in range (number out of range), "
            "came a number beyond it",
        ),
        (
            '{"t":"prefs.set","id":"a","prefs":{"x":[]}}',
            'field `prefs[...]`: expected bool | int | float | str | null, came {"x":[]}',
        ),
        (
            '{"t":"room.poll.open","id":"a","rid":"r","prompt":"?","choices":["a",2]}',
            "field `choices[1]`: expected str, came 2",
        ),
        # a token is never quoted
        (
            '{"t":"hello","token":"' + "s" * 4097 + '"}',
            "field `token`: expected str of length <= 4096, came a str of 4097",
        ),
        ('{"t":"hello","token":5}', "field `token`: expected str | null, came a int"),
    ],
)
def test_the_refusal_names_field_expected_and_came(frame, detail):
    assert refused(frame).detail == detail


def test_the_other_sides_type_and_an_unknown_one_have_their_own_code():
    assert refused('{"t":"delta","id":"a"}').code is Code.UNKNOWN_TYPE
    assert refused('{"t":"nope","id":"a"}').code is Code.UNKNOWN_TYPE
    assert refused('{"t":7,"id":"a"}').code is Code.BAD_FRAME


@pytest.mark.parametrize(
    ("frame", "re"),
    [
        ('{"t":"nope","id":"c7"}', "c7"),
        ('{"id":"c7","t":7}', "c7"),
        ('{"t":"turn.start","input":3,"id":"c7"}', "c7"),
        ('{"id":"c7","x":' + "[" * 3000 + "]" * 3000 + ',"t":"bye"}', None),
        ('{"t":"review.due","id":7}', None),
        ('{"t":"review.due","id":"' + "x" * 65 + '"}', None),
        ('{"t":"review.due","id":"c7"', None),
    ],
)
def test_the_id_is_recovered_where_the_frame_is_json(frame, re):
    assert refused(frame).re == re


def test_a_long_frame_is_not_quoted_whole():
    assert len(refused('{"t":"' + "x" * 60_000 + '"}').detail) < 120
    assert len(refused("[" + "1," * 30_000 + "1]").detail) < 120
    assert len(refused("x" * 60_000).detail) < 160
    assert len(refused('"' + "x" * 60_000).detail) < 160


def test_a_frame_at_the_edge_of_the_decoders_stack_is_too_deep():
    # the second reading stands a little higher on the stack and may succeed
    came = diagnosed(b'{"t":"bye","id":"c7"}', RecursionError(), COMMANDS, EVENTS)
    assert came.detail == "a frame: expected at most 16 nested arrays and objects, came more"
    assert (came.code, came.re) == (Code.BAD_FRAME, "c7")
