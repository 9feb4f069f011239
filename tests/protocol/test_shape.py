"""Depth and repeated keys of frames."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.shape import deeper_than, repeated_key
from tests.protocol.strategies import JSON


def nested(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(nested, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(nested, value.values()), default=0)
    return 0


@settings(deadline=None)
@given(JSON, st.integers(0, 6))
def test_depth_is_that_of_the_value(value, depth):
    assert deeper_than(depth, json.dumps(value).encode()) == (nested(value) > depth)


@pytest.mark.parametrize(
    ("frame", "depth"),
    [
        (b"[[],{}]", 2),
        (b"[{},[]]", 2),
        (b"{}", 1),
        (b'["[[[", "\\"[["]', 1),
        (b'[{"a":[{}]}]', 4),
        (b'{"\\\\":[]}', 2),
    ],
)
def test_depth_by_hand(frame, depth):
    assert deeper_than(depth - 1, frame)
    assert not deeper_than(depth, frame)


@pytest.mark.parametrize("opening", [b"[", b'["\\"', b'{"a":', b'"' + b'\\"' * 8])
def test_a_frame_of_the_largest_size_costs_linear_time(opening):
    # quadratic work on 64 KiB would take minutes and run into the test's time limit
    frame = opening * (65536 // len(opening))
    deeper_than(16, frame)
    if opening == b'["\\"':
        repeated_key(b"[" * 1000 + frame.replace(b"[", b""))


@settings(deadline=None)
@given(JSON)
def test_a_written_value_repeats_no_key(value):
    assert repeated_key(json.dumps(value).encode()) is None
    assert repeated_key(json.dumps({"a": value, "b": [value]}, indent=1).encode()) is None


@pytest.mark.parametrize(
    ("frame", "key"),
    [
        (b'{"a":1,"a":1}', "a"),
        (b'{"a" :1,"b":2, "a"\t: 3}', "a"),
        (b'{"a":{"b":1,"c":2,"b":3}}', "b"),
        (b'[{"a":1},{"a":1}]', None),
        (b'{"a":"b","b":"a"}', None),
        (b'{"a":["a","a"],"b":{"a":1}}', None),
        (b'{"a":"\\":\\"","b":"{"}', None),
        (b'{"\\u0061":1,"a":2}', "a"),
        (b'{"\\ud800":1,"\\ud800":2}', "\\ud800"),
        (b'{"\\n":1,"\\t":2}', None),
        ('{"é":1,"é":2}'.encode(), "é"),
    ],
)
def test_repeated_keys_by_hand(frame, key):
    assert repeated_key(frame) == key
