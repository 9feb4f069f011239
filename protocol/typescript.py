"""The messages as TypeScript declarations. This file is how a struct becomes an interface."""

from __future__ import annotations

import json
from inspect import cleandoc
from typing import Final

from msgspec import inspect

from protocol.commands import COMMANDS
from protocol.errors import Close, Code
from protocol.events import DURABLE, EVENTS
from protocol.message import Message

_HEAD: Final = """\
// The wire tutorstream.v1 as types. Written by `tutorstream protocol schema --ts`; not by hand.
"""


def declarations() -> str:
    """The text of a `.d.ts` module: one interface per message and part, and the unions."""
    kinds = [*COMMANDS.values(), *EVENTS.values()]
    structs: dict[str, inspect.StructType] = {}
    for kind in kinds:
        _collect(inspect.type_info(kind), structs)
    blocks = [_HEAD, *(_interface(struct) for struct in structs.values())]
    blocks += [
        _union("ClientMessage", "Whatever a client may say.", _names(COMMANDS)),
        _union("ServerMessage", "Whatever a server may say.", _names(EVENTS)),
        _union(
            "DurableMessage",
            "What a server says with a place in a log.",
            _names({t: kind for t, kind in EVENTS.items() if t in DURABLE}),
        ),
        _union("ErrCode", "The numbers in `Err.code`.", [str(int(code)) for code in Code]),
        _union("ErrName", "The names in `Err.name`.", [f'"{code.name.lower()}"' for code in Code]),
        _union("CloseCode", "The wire's own close codes.", [str(int(code)) for code in Close]),
    ]
    return "\n".join(blocks)


def _names(table: dict[str, type[Message]]) -> list[str]:
    return [kind.__name__ for kind in table.values()]


def _collect(node: inspect.Type, into: dict[str, inspect.StructType]) -> None:
    """Every struct below `node`, in the order in which it is met."""
    match node:
        case inspect.StructType(cls=cls, fields=fields):
            if cls.__name__ not in into:
                into[cls.__name__] = node
                for field in fields:
                    _collect(field.type, into)
        case inspect.UnionType(types=options):
            for option in options:
                _collect(option, into)
        case inspect.ListType(item_type=below) | inspect.DictType(value_type=below):
            _collect(below, into)


def _interface(struct: inspect.StructType) -> str:
    cls = struct.cls
    lines = [_comment(cls.__doc__ or ""), f"export interface {cls.__name__} {{"]
    if struct.tag is not None:
        lines.append(f'  readonly t: "{struct.tag}";')
    for field in struct.fields:
        mark = "" if field.required else "?"
        lines.append(f"  readonly {field.encode_name}{mark}: {_written(field.type)};")
    return "\n".join([*lines, "}", ""])


def _comment(text: str) -> str:
    lines = [f" * {line}".rstrip() for line in cleandoc(text).splitlines()]
    return "\n".join(["/**", *lines, " */"])


def _union(name: str, comment: str, options: list[str]) -> str:
    lines = [_comment(comment), f"export type {name} =", *(f"  | {option}" for option in options)]
    return "\n".join(lines) + ";\n"


def _written(node: inspect.Type) -> str:
    match node:
        case inspect.StrType():
            return "string"
        case inspect.BoolType():
            return "boolean"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.NoneType():
            return "null"
        case inspect.LiteralType(values=values):
            return " | ".join(json.dumps(value) for value in values)
        case inspect.StructType(cls=cls):
            return cls.__name__
        case inspect.UnionType(types=options):
            return " | ".join(dict.fromkeys(_written(option) for option in options))
        case inspect.ListType(item_type=item):
            inner = _written(item)
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case inspect.TupleType(item_types=items):
            return f"[{', '.join(_written(item) for item in items)}]"
        case inspect.DictType(value_type=below):
            return f"Record<string, {_written(below)}>"
        case inspect.AnyType():
            return "unknown"
    raise TypeError(f"no TypeScript is known for {node}")
