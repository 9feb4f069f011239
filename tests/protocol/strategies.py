"""Hypothesis strategies for every message, made from the structs themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from protocol.commands import COMMANDS
from protocol.events import EVENTS
from protocol.message import Message

WIDEST = 2**53 - 1

TEXTS = st.text(max_size=12)
NUMBERS = st.integers(-WIDEST, WIDEST) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def values(node: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of one field's type."""
    match node:
        case inspect.StrType(pattern=str(pattern)):
            return st.from_regex(pattern, fullmatch=True)
        case inspect.StrType(min_length=low, max_length=high):
            return st.text(min_size=low or 0, max_size=min(high or 12, 12))
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=low, le=high):
            return st.integers(-WIDEST if low is None else low, WIDEST if high is None else high)
        case inspect.FloatType(ge=low, le=high):
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType(values=options):
            return st.sampled_from(options)
        case inspect.UnionType(types=options):
            return st.one_of([values(option) for option in options])
        case inspect.ListType(item_type=item, min_length=low, max_length=high):
            return st.lists(values(item), min_size=low or 0, max_size=min(high or 3, 3))
        case inspect.TupleType(item_types=items):
            return st.tuples(*(values(item) for item in items))
        case inspect.DictType(value_type=below):
            return st.dictionaries(TEXTS, values(below), max_size=3)
        case inspect.StructType(cls=cls):
            return structs(cls)
        case inspect.AnyType():
            return JSON
    raise TypeError(node)


@cache
def structs(kind: type) -> st.SearchStrategy[Any]:
    """Instances of one struct; optional fields are there or not."""
    fields = inspect.type_info(kind).fields  # type: ignore[attr-defined]  # a struct has them
    required = {f.name: values(f.type) for f in fields if f.required}
    optional = {f.name: values(f.type) for f in fields if not f.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda held: kind(**held))


def messages(table: dict[str, type[Message]]) -> st.SearchStrategy[Any]:
    """Any message of one side."""
    return st.sampled_from(sorted(table)).flatmap(lambda t: structs(table[t]))


COMMAND = messages(COMMANDS)
EVENT = messages(EVENTS)
