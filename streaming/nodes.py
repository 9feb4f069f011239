"""The port to the other nodes: who lives, what is told, what waits. This file is its promise.

A twin keeps these promises:

* A node lives while its heartbeat is renewed; it counts as dead `HEARTBEAT_S` after the newest
  one. A node that could not renew its own for `LAPSE_S` is told so: others may soon take what it
  owns, and it must stop by itself.
* `tell` is a hint to a node that may be lost. `post` is kept with a session until whoever owns it
  has `taken` it: a command survives the death of the node that heard it and of the owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

HEARTBEAT_S = 10.0
"""A node counts as dead so long after its newest heartbeat."""
RENEW_S = 1.0
"""How often a heartbeat is renewed: a cut of 5 s between two of them must not reach `LAPSE_S`."""
LOOK_S = 1.0
"""How often a node looks at the others: what a dead one was saying ends so much later."""
LAPSE_S = 7.0
"""An owner whose heartbeat failed for so long stops itself."""


class Letter(msgspec.Struct, frozen=True, gc=False, tag_field="k"):
    """What one node tells another."""


class Woken(Letter, frozen=True, tag="wake"):
    """Commands wait for a session that you own."""

    sid: str


class Told(Letter, frozen=True, tag="told"):
    """Frames for one connection of yours; `settles` is the id of the command they answer."""

    sid: str
    cid: str
    frames: list[bytes]
    settles: str | None = None


class Here(Letter, frozen=True, tag="here"):
    """So many connections to a session of yours are attached at `node`."""

    sid: str
    node: str
    connections: int


class Asked(Letter, frozen=True, tag="asked"):
    """One command for a session, from connection `cid` of `node`, as the frame that came."""

    sid: str
    node: str
    cid: str
    frame: bytes


class Passing(Letter, frozen=True, tag="eph"):
    """An ephemeral frame for everybody in a room but the member it came from."""

    rid: str
    member: str
    frame: bytes


class Posted(Letter, frozen=True, tag="posted"):
    """Frames that `node` heard by POST for a session whose stream may be yours.

    `cid` names the stream, empty: any. Who has it answers with `Judged` under the same `number`.
    """

    sid: str
    cid: str
    node: str
    number: int
    body: bytes


class Judged(Letter, frozen=True, tag="judged"):
    """What became of `Posted`: the first refusal's code (0: none), its frames, the stream's id."""

    number: int
    code: int
    frames: bytes
    cid: str


class Polled(Letter, frozen=True, tag="polled"):
    """A voter's votes on an item of `course`, for a session that you own.

    `id` names the reveal, as `PollAnswered.cmd`; `right` is the option that was revealed. `node`
    is told with `Counted` once they are stored, and asks again until it is.
    """

    sid: str
    id: str
    node: str
    course: str
    item: str
    seed: int
    right: str
    first: str | None
    again: str | None


class Counted(Letter, frozen=True, tag="counted"):
    """What `Polled` brought to a session is stored, or will never say anything there."""

    sid: str
    id: str


class Seats(Letter, frozen=True, tag="seats"):
    """A session's stream, wherever it is opened, goes on in these rooms: (rid, epoch, q) each."""

    sid: str
    rooms: list[tuple[str, str, int]]


AnyLetter = Woken | Told | Here | Asked | Passing | Posted | Judged | Polled | Counted | Seats

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[AnyLetter] = msgspec.msgpack.Decoder(AnyLetter)


def written(letter: Letter) -> bytes:
    """A letter's bytes."""
    return _encode(letter)


def opened(data: bytes) -> AnyLetter:
    """The letter of these bytes; `msgspec.MsgspecError` where they are none."""
    return _decoder.decode(data)


class Heart(Protocol):
    """What a node is told of itself and of the others."""

    def hear(self, data: bytes) -> None:
        """A letter came."""
        ...

    def lapsed(self) -> None:
        """Our heartbeat failed for `LAPSE_S`: others may take what is ours."""
        ...

    def back(self) -> None:
        """What carries letters and logs was away and is there again: it may have lost some."""
        ...


class Nodes(Protocol):
    """The nodes of a deployment, as one of them sees them."""

    @property
    def trouble(self) -> str | None:
        """What keeps this node from the others, in one line; None where all is well."""
        ...

    async def begin(self, node: str, heart: Heart) -> None:
        """Appear among the others as `node`."""
        ...

    async def lives(self, node: str) -> bool:
        """Whether a node's heartbeat is there. Raises `StoreUnavailable`."""
        ...

    def tell(self, node: str, letter: bytes) -> None:
        """Send a letter to a node; it may be lost."""
        ...

    def tell_all(self, letter: bytes) -> None:
        """Send a letter to every other node; it may be lost."""
        ...

    async def post(self, sid: str, letter: bytes) -> None:
        """Keep a letter for whoever owns a session. Raises `StoreUnavailable`."""
        ...

    async def posted(self, sid: str) -> list[tuple[str, bytes]]:
        """The letters kept for a session, oldest first, each with its id."""
        ...

    def taken(self, sid: str, ids: Iterable[str]) -> None:
        """Forget letters that had their effect."""
        ...

    def speaking(self, name: str, on: bool) -> None:
        """A tutor's turn of this log begins or ends here: whoever buries this node ends it."""
        ...

    async def dead(self) -> list[str]:
        """Nodes whose heartbeat is gone and that nobody has buried yet."""
        ...

    async def spoke(self, node: str) -> list[str]:
        """The logs in which a node was speaking when it died."""
        ...

    async def bury(self, node: str) -> None:
        """Everything of a dead node is taken care of."""
        ...

    async def leave(self) -> None:
        """Go in peace: there is nothing to take care of."""
        ...


class Alone:
    """The only node there is: all others are dead, and nothing is told to anybody."""

    trouble: str | None = None

    async def begin(self, node: str, heart: Heart) -> None:
        """Nobody else is there to appear among."""

    async def lives(self, node: str) -> bool:  # noqa: ARG002 - the port's
        """No other node lives."""
        return False

    def tell(self, node: str, letter: bytes) -> None:
        """There is nobody to hear it."""

    def tell_all(self, letter: bytes) -> None:
        """There is nobody to hear it."""

    async def post(self, sid: str, letter: bytes) -> None:  # noqa: ARG002 - the port's
        """Raises RuntimeError: a node alone owns every session itself."""
        raise RuntimeError(f"session {sid} has an owner elsewhere, and this node is alone")

    async def posted(self, sid: str) -> list[tuple[str, bytes]]:  # noqa: ARG002 - the port's
        """Nothing is ever kept."""
        return []

    def taken(self, sid: str, ids: Iterable[str]) -> None:
        """Nothing was kept."""

    def speaking(self, name: str, on: bool) -> None:
        """A process that starts again looks at its own log."""

    async def dead(self) -> list[str]:
        """Nobody to bury."""
        return []

    async def spoke(self, node: str) -> list[str]:  # noqa: ARG002 - the port's
        """Nobody spoke."""
        return []

    async def bury(self, node: str) -> None:
        """Nobody to bury."""

    async def leave(self) -> None:
        """Nobody misses it."""
