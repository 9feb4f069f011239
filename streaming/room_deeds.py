"""What happened in a room, as the sealed part of a log entry. This file is that closed list.

One deed makes one entry with one frame. What many members do at the same moment (come and go,
vote) is one deed. Whoever gave a command is in `By`, so that its repeat on any node is known.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["member", "facilitator"]
Then = Literal["discuss", "reveal"]


class Deed(msgspec.Struct, frozen=True, gc=False, tag_field="d"):
    """One thing that happened."""


class By(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The command behind a deed: whose, its id, and a digest of its body."""

    member: str
    cmd: str
    digest: bytes


class Join(msgspec.Struct, frozen=True, gc=False, tag="+"):
    """A connection `cid` of `node` came in; `by` is empty where it resumed by its `hello`."""

    member: str
    sid: str
    name: str | None
    role: Role
    cid: str
    node: str
    by: By | None = None


class Leave(msgspec.Struct, frozen=True, gc=False, tag="-"):
    """A connection went; without `cid` the member leaves the room with all of them."""

    member: str
    cid: str | None
    by: By | None = None


class Moved(Deed, frozen=True, tag="presence"):
    """Who came and who went, in order."""

    moves: list[Join | Leave]


class Vote(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One vote."""

    by: By
    choice: str
    confidence: float | None = None
    predicted: float | None = None


class Voted(Deed, frozen=True, tag="vote"):
    """Votes of one round, in order; a member's later one takes the place of an earlier one."""

    poll: str
    round: int
    votes: list[Vote]


class Said(Deed, frozen=True, tag="say"):
    """One message to all."""

    by: By
    text: str


class Wrote(Deed, frozen=True, tag="board"):
    """One place of the board was written; None clears it."""

    by: By
    key: str
    v: Any


class Thanked(Deed, frozen=True, tag="thank"):
    """A member was of help to another."""

    by: By
    helper: str


class Accepted(Deed, frozen=True, tag="accept"):
    """An answer to an invitation to work as a pair."""

    by: By
    pair: str
    yes: bool


class OfItem(msgspec.Struct, frozen=True, gc=False):
    """The item that a poll was made of: `options` are its option ids in the order of the choices.

    `seed` draws it again.
    """

    course: str
    item: str
    seed: int
    options: tuple[str, ...]


class PollOpened(Deed, frozen=True, tag="poll"):
    """A poll's first round began; `right` is the id of the right choice."""

    by: By
    poll: str
    prompt: str
    choices: list[str]
    right: str | None
    predict: bool
    closes_at: int | None
    of: OfItem | None = None


class RoundOpened(Deed, frozen=True, tag="round"):
    """A further round of the poll under discussion began."""

    by: By
    poll: str
    round: int
    closes_at: int | None


class RoundClosed(Deed, frozen=True, tag="close"):
    """A round ended, by a facilitator or (`by` is empty) by the clock; or the poll is revealed."""

    poll: str
    round: int
    then: Then
    by: By | None = None


class VotesCounted(Deed, frozen=True, tag="counted"):
    """Every voter's session has what was voted in the poll that was revealed at place `q`."""

    q: int


class Group(msgspec.Struct, frozen=True, gc=False):
    """Members who work together, and why."""

    id: str
    members: tuple[str, ...]
    reason: str = ""


class Grouped(Deed, frozen=True, tag="group"):
    """A facilitator told who works with whom: groups, or invitations to pairs."""

    by: By
    groups: list[Group] | None = None
    pairs: list[tuple[str, ...]] | None = None


class TurnBegan(Deed, frozen=True, tag="turn"):
    """The room's tutor was asked; `node` speaks."""

    by: By
    gen: str
    text: str
    action: str | None
    provider: str
    model: str
    source: Literal["builtin", "llm"]
    act: str
    node: str


class ChunkSaid(Deed, frozen=True, tag="chunk"):
    """One chunk of a generation.

    `n` counts what its speaker has said, so that nothing is told twice where it is not known
    whether the log took it.
    """

    gen: str
    text: str
    n: int


class TurnSwitched(Deed, frozen=True, tag="switch"):
    """Another provider starts anew; `n` as with a chunk."""

    gen: str
    provider: str
    model: str
    reason: str
    n: int


class TurnEnded(Deed, frozen=True, tag="end"):
    """The one end of a generation; tokens as in a session's deed of this name."""

    gen: str
    status: str
    reason: str | None = None
    ttft_ms: float = 0.0
    tokens: tuple[int, int, int] | None = None
    estimated: bool = False
    micro_usd: int | None = None


class Restored(Deed, frozen=True, tag="restored"):
    """The log was lost: what a stored snapshot held of the room, as the first entry of another."""

    state: bytes


AnyDeed = (
    Restored | Moved | Voted | Said | Wrote | Thanked | Accepted | PollOpened | RoundOpened
    | RoundClosed | VotesCounted | Grouped | TurnBegan | ChunkSaid | TurnSwitched | TurnEnded
)  # fmt: skip

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[AnyDeed] = msgspec.msgpack.Decoder(AnyDeed)


def sealed(deed: Deed) -> bytes:
    """Return a deed's bytes, as the log keeps them. Raises OverflowError beyond 64 bits."""
    return _ENCODER.encode(deed)


def unsealed(data: bytes) -> AnyDeed:
    """Return the deed of these bytes; `msgspec.MsgspecError` where they are none."""
    return _DECODER.decode(data)
