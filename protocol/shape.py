"""How deep a frame nests and which key it gives twice. This file is the look at a frame's shape.

JSON lets a key come twice and lets arrays nest without end; the decoder takes the last of two
equal keys in silence. Both scans run in time linear in the frame and only on well-formed JSON, so
brackets pair up and every string is closed.
"""

from __future__ import annotations

import re

import msgspec

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?')
_TOKEN = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)([ \t\r\n]*+:)?|[{}]')
_KEY = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*+(:?)')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def deeper_than(depth: int, frame: bytes) -> bool:
    """Whether arrays and objects nest more than `depth` levels.

    Each round takes the innermost pairs away, so the work is done by the C of `bytes.replace`.

    >>> deeper_than(2, b'{"a":[1,2,"[[["]}'), deeper_than(1, b'{"a":[1]}')
    (False, True)
    """
    brackets = _STRING.sub(b"", frame).translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        if not brackets:
            return False
        brackets = _without_leaves(brackets)
    return bool(brackets)


def _without_leaves(brackets: bytes) -> bytes:
    # `[]{}` leave in one round only if no replacement makes a pair of the other kind first:
    # a mark keeps the neighbours of a removed pair apart until both kinds are gone.
    marked = brackets.replace(b"[]", b".").replace(b"{}", b".")
    return marked.replace(b".", b"")


def repeated_key(frame: bytes) -> str | None:
    r"""The first key that one object of the frame holds twice, or None.

    >>> repeated_key(b'{"t":"bye","a":{"t":1}}'), repeated_key(b'{"id":"a","\\u0069d":"b"}')
    (None, 'id')
    """
    if frame.count(b"{") == 1:  # the usual frame is flat
        keys = [key for key, colon in _KEY.findall(frame) if colon]
        if len(set(keys)) == len(keys) and b"\\" not in b"".join(keys):
            return None
    objects: list[set[bytes]] = []
    for token in _TOKEN.finditer(frame):
        string, colon = token.groups()
        if string is None:
            if token[0] == b"{":
                objects.append(set())
            else:
                objects.pop()
        elif colon is not None:
            key = _unescaped(string)
            if key in objects[-1]:
                return key.decode()
            objects[-1].add(key)
    return None


def _unescaped(string: bytes) -> bytes:
    if b"\\" not in string:
        return string[1:-1]
    try:
        return msgspec.json.decode(string, type=str).encode()
    except msgspec.DecodeError:  # the decoder skips unknown keys unread, lone surrogates too
        return string[1:-1]
