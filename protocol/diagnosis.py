"""What is wrong with a frame, in words for its author. This file is how a decoder's complaint
becomes a refusal that names the field, what was expected and what came.

It runs only after the decoder has refused, so it may take its time: it reads the frame again, more
patiently. A token is never quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, inspect

from protocol.errors import Code, Refused
from protocol.limits import LIMITS
from protocol.message import Message
from protocol.shape import repeated_key

Table: TypeAlias = Mapping[str, type[Message]]

_SHOWN_CHARS = 40
_SECRET = frozenset({"token"})
_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+|\.\.\.)\]")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_EXPECTED = re.compile(r"Expected (.+?)(?:, got .+)?")
_BYTE = re.compile(r"(.*) \(byte ([0-9]+)\)")


class _Peek(msgspec.Struct):
    t: Any = UNSET
    id: Any = UNSET


_PEEK = msgspec.json.Decoder(_Peek)
_type_info = cache(inspect.type_info)
"""A hundred microseconds a call, for 29 types: made once each."""


def diagnosed(frame: bytes, error: Exception, table: Table, foreign: Table) -> Refused:
    """The refusal for a frame that `error` was raised for.

    `table` is the side's closed table of types, `foreign` the other side's. `re` is set where the
    frame is JSON and holds a usable `id`.
    """
    try:
        peek = _PEEK.decode(frame)
    except msgspec.ValidationError:
        return Refused(Code.BAD_FRAME, f"a frame: expected one object, came {_clipped(frame)}")
    except msgspec.DecodeError as malformed:
        return Refused(Code.BAD_FRAME, _malformed(frame, str(malformed)))
    except RecursionError:
        return too_deep(None)
    re_ = peek.id if isinstance(peek.id, str) and 0 < len(peek.id) <= LIMITS.id_chars else None
    if isinstance(error, RecursionError):
        return too_deep(re_)
    key = repeated_key(frame)
    if key is not None:
        return repeated_field(key, re_)
    if not isinstance(peek.t, str):
        came = "nothing" if peek.t is UNSET else _shown(peek.t)
        return Refused(Code.BAD_FRAME, f"field `t`: expected a message's type, came {came}", re=re_)
    kind = table.get(peek.t)
    if kind is None:
        return Refused(Code.UNKNOWN_TYPE, _unknown(peek.t, foreign), re=re_)
    return Refused(Code.BAD_FRAME, _wrong_field(frame, kind, str(error)), re=re_)


def id_of(frame: bytes) -> str | None:
    """The `id` of a frame that is JSON, or None; for refusals of frames that were decoded."""
    id_ = _PEEK.decode(frame).id
    return id_ if isinstance(id_, str) else None


def too_deep(re_: str | None) -> Refused:
    """The refusal of a frame that nests too deep."""
    detail = f"a frame: expected at most {LIMITS.depth} nested arrays and objects, came more"
    return Refused(Code.BAD_FRAME, detail, re=re_)


def repeated_field(key: str, re_: str | None) -> Refused:
    """The refusal of a frame that gives one field twice."""
    detail = f"field `{_clipped(key.encode())}`: expected once in an object, came twice"
    return Refused(Code.BAD_FRAME, detail, re=re_)


def _unknown(t: str, foreign: Table) -> str:
    if t in foreign:
        return f"`{t}` is a message of the other side"
    return f"expected a type of tutorstream.v1, came {_shown(t)}"


def _malformed(frame: bytes, complaint: str) -> str:
    found = _BYTE.fullmatch(complaint)
    if found is None:  # the input ended too early
        tail = frame.decode()[-_SHOWN_CHARS:]
        return f"a frame: expected one JSON object, came an end too early, after `{tail}`"
    what = found[1].removeprefix("JSON is malformed: ")
    at = int(found[2]) - (what == "trailing characters")  # there the decoder is one byte ahead
    came = frame[at : at + _SHOWN_CHARS].decode(errors="ignore")
    return f"a frame: expected one JSON object, came `{came}` at byte {at}: {what}"


def _wrong_field(frame: bytes, kind: type[Message], complaint: str) -> str:
    found = _COMPLAINT.fullmatch(complaint)
    assert found is not None, complaint
    what, path = found["what"], found["path"] or ""
    steps: list[str] = [name or index for name, index in _STEP.findall(path)]
    missing = _MISSING.fullmatch(what)
    if missing is not None:
        return f"field `{_name([*steps, missing[1]])}`: expected, came nothing"
    allowed = _allowed(_type_info(kind), steps)
    if allowed:
        expected = "one of " + ", ".join(str(choice) for choice in allowed)
    else:
        plain = _EXPECTED.fullmatch(what)
        expected = plain[1].replace("`", "") if plain else f"a number in range ({what.lower()})"
    return f"field `{_name(steps)}`: expected {expected}, came {_came(frame, steps)}"


def _name(steps: list[str]) -> str:
    name = ""
    for step in steps:
        name += f"[{step}]" if step[0].isdigit() or step == "..." else f".{step}"
    return name.removeprefix(".")


def _allowed(node: inspect.Type, steps: list[str]) -> tuple[object, ...]:
    """The closed set of values at the end of `steps`, empty where the type is open."""
    options = node.types if isinstance(node, inspect.UnionType) else (node,)
    for option in options:
        if not steps and isinstance(option, inspect.LiteralType):
            return option.values
        below = _below(option, steps[0]) if steps else None
        if below is not None:
            return _allowed(below, steps[1:])
    return ()


def _below(node: inspect.Type, step: str) -> inspect.Type | None:
    match node:
        case inspect.StructType(fields=fields):
            return next((field.type for field in fields if field.encode_name == step), None)
        case inspect.ListType(item_type=below) | inspect.DictType(value_type=below):
            return below
    return None


def _came(frame: bytes, steps: list[str]) -> str:
    """What stands in the frame at `steps`, or the nearest thing around it that has a name."""
    try:
        value = msgspec.json.decode(frame)
    except msgspec.DecodeError:
        return "a number beyond it"
    name = ""
    for step in steps:
        if step == "...":
            break
        value = value[int(step)] if isinstance(value, list) else value[step]
        name = step
    if name in _SECRET:
        return f"a {type(value).__name__}" + (
            f" of {len(value)}" if hasattr(value, "__len__") else ""
        )
    return _shown(value)


def _shown(value: object) -> str:
    return _clipped(msgspec.json.encode(value))


def _clipped(text: bytes) -> str:
    shown = text.decode()
    if len(shown) <= _SHOWN_CHARS:
        return shown
    return f"{shown[:_SHOWN_CHARS]}... ({len(shown)} characters)"
