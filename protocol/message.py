"""What every frame is made of. This file is the base of `commands` and `events`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from protocol.limits import LIMITS

Id = Annotated[str, Meta(min_length=1, max_length=LIMITS.id_chars)]
Epoch = Annotated[str, Meta(max_length=LIMITS.id_chars)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""A place in a log; the bound is what every JSON reader holds exactly."""
Text = Annotated[str, Meta(max_length=LIMITS.response_chars)]
Response = Text | int | float | list[Any] | dict[str, Any]
"""What a learner gives: text, a choice's id, or a widget's value."""

At = Annotated[str, Meta(pattern=r"^(hint|step)\.[1-9][0-9]{0,2}$")]
"""A small question inside an item: `hint.N`, the scaffold at the Nth level of the ladder, or
`step.N`, the blank in the Nth worked step; counted from 1."""


class Part(Struct, frozen=True, gc=False, omit_defaults=True):
    """A named group of fields inside a message; has no type of its own."""


class Message(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="t"):
    """A frame; `t` is its type. Absent fields hold their defaults, unknown fields are ignored."""


def type_of(message: Message | type[Message]) -> str:
    """The type's name on the wire, the value of `t`."""
    return str(message.__struct_config__.tag)


def table(union: Any) -> dict[str, type[Message]]:
    """The closed table of a union of messages: type name to struct."""
    return {type_of(kind): kind for kind in union.__args__}
