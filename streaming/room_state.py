"""A room as it stands after an entry. This file is the state that every node folds for itself.

All values in it are frozen, so that a copy is shallow and cheap: a node tries a batch of commands
on a copy and throws it away where another node's entries came first. Equal folds have equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from engines.group.instruction import Ballot
from protocol.limits import LIMITS
from streaming.room_deeds import By, Group, OfItem, Role

Phase = Literal["voting", "discuss", "revealed"]
PairState = Literal["invited", "together", "declined"]
RUNNING = "running"


class Member(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Who takes part: `cids` are the connections that are here, each with its node."""

    name: str
    role: Role
    sid: str
    cids: tuple[tuple[str, str], ...] = ()
    away_at_ms: int = 0


class Say(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One message."""

    q: int
    member: str
    name: str
    text: str
    ts: int


class Poll(msgspec.Struct, frozen=True, gc=False):
    """The poll of now, or the last one. `right` is no learner's to know before the reveal."""

    poll: str
    prompt: str
    choices: tuple[str, ...]
    right: str | None
    predict: bool
    phase: Phase = "voting"
    round: int = 1
    closes_at: int | None = None
    reveal: dict[str, Any] | None = None
    of: OfItem | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The choices' ids: a, b, .. in order."""
        return tuple("abcdefghijkl"[: len(self.choices)])


class Cast(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What one voter chose before the discussion and after it, as option ids of the item."""

    sid: str
    first: str | None
    again: str | None


class Owed(msgspec.Struct, frozen=True, gc=False):
    """Votes of a revealed poll that are not known to have come to their voters' sessions yet.

    `epoch` is the life of the log that has the reveal, empty: the log's of now.
    """

    at_ms: int
    of: OfItem
    right: str
    votes: tuple[Cast, ...]
    epoch: str = ""


class Note(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What stands at one place of the board, and who wrote it."""

    v: Any
    by: str


class Pair(msgspec.Struct, frozen=True, gc=False):
    """An invitation to work together; `yes` are those who accepted it."""

    id: str
    members: tuple[str, ...]
    state: PairState = "invited"
    yes: tuple[str, ...] = ()


class Thank(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A member said that another was of help."""

    helper: str
    helped: str
    at_ms: int


class Gen(msgspec.Struct, frozen=True, gc=False):
    """One turn of the room's tutor; `text` is what is shown, `next_i` the next chunk's number.

    `said` counts what its speaker has said so far.
    """

    gen: str
    cmd: str
    by: str
    input: str
    provider: str
    model: str
    source: str
    act: str
    node: str
    began_at_ms: int
    status: str = RUNNING
    text: str = ""
    next_i: int = 0
    said: int = 0


class Seen(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A command that had its effect, and at which place."""

    digest: bytes
    q: int
    at_ms: int


class RoomState(msgspec.Struct):
    """Everything a room is. Moved by `room_fold` alone; `settle` follows a batch or an entry."""

    rid: str
    title: str = ""
    code: str = ""
    seq: int = 0
    at_ms: int = 0
    members: dict[str, Member] = {}
    joined: int = 0
    """Members who ever came, for the names of those who gave none."""
    says: tuple[Say, ...] = ()
    talk: tuple[tuple[str, int], ...] = ()
    """Whose the newest messages were, and when; ms since 1970."""
    poll: Poll | None = None
    polls: int = 0
    votes: dict[str, Ballot] = {}
    """Ballots of the newest round by member."""
    first: dict[str, Ballot] = {}
    """Ballots of the round before it."""
    gone: dict[str, str] = {}
    """Sessions of voters who left the room before the reveal, by member."""
    owed: dict[int, Owed] = {}
    """Votes on their way to their voters' sessions, by the place of the reveal."""
    board: dict[str, Note] = {}
    groups: tuple[Group, ...] = ()
    pairs: dict[str, Pair] = {}
    paired: int = 0
    thanks: tuple[Thank, ...] = ()
    gens: dict[str, Gen] = {}
    turns: int = 0
    begun_ms: tuple[int, ...] = ()
    """When the newest tutor turns began."""
    seen: dict[str, Seen] = {}
    fresh: dict[str, Seen] = {}
    """Commands since the last `settle`: a copy shares `seen` with its original."""

    def copied(self) -> RoomState:
        """A state that may be moved without moving this one."""
        return RoomState(
            self.rid, self.title, self.code, self.seq, self.at_ms, dict(self.members),
            self.joined, self.says, self.talk, self.poll, self.polls, dict(self.votes),
            self.first, dict(self.gone), dict(self.owed), dict(self.board), self.groups,
            dict(self.pairs), self.paired, self.thanks, dict(self.gens), self.turns,
            self.begun_ms, self.seen, dict(self.fresh),
        )  # fmt: skip

    # --- commands that were seen --------------------------------------------------------------

    def seen_of(self, member: str, cmd: str) -> Seen | None:
        """What became of a member's command, if it had its effect."""
        key = f"{member} {cmd}"
        return self.fresh.get(key) or self.seen.get(key)

    def remember(self, by: By, q: int, at_ms: int) -> None:
        """A command has its effect at `q`."""
        self.fresh[f"{by.member} {by.cmd}"] = Seen(by.digest, q, at_ms)

    def settle(self) -> None:
        """What was folded stands: work the new commands in, forget old ones."""
        seen = self.seen
        for key, value in self.fresh.items():
            seen.pop(key, None)  # a repeat long after goes to the end of the order
            seen[key] = value
        self.fresh = {}
        since_ms = self.at_ms - int(LIMITS.ids_kept_s * 1000)
        while len(seen) > LIMITS.ids_kept:
            oldest = next(iter(seen))
            if seen[oldest].at_ms > since_ms and len(seen) <= LIMITS.room_ids_kept:
                return
            del seen[oldest]

    # --- who is here --------------------------------------------------------------------------

    @property
    def present(self) -> Iterator[tuple[str, Member]]:
        """Members with a connection, in the order they first came."""
        return ((mid, member) for mid, member in self.members.items() if member.cids)

    def facilitates(self, mid: str) -> bool:
        """Whether a member is a facilitator."""
        member = self.members.get(mid)
        return member is not None and member.role == "facilitator"

    @property
    def running(self) -> Gen | None:
        """The tutor turn that is being said now."""
        return next((g for g in reversed(self.gens.values()) if g.status == RUNNING), None)

    # --- bytes --------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """The state's bytes once settled; what snapshots keep and what nodes compare."""
        return _ENCODER.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> RoomState:
        """The state of these bytes; `msgspec.MsgspecError` where they are none."""
        return _DECODER.decode(data)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(RoomState)


FORM = 1
"""Counted up with each change of what the fold makes of a log: older states are folded anew."""


class _Kept(msgspec.Struct, array_like=True):
    form: int
    epoch: str
    state: msgspec.Raw


def kept_body(state: RoomState, epoch: str) -> bytes:
    """The bytes of a stored snapshot: the state, and the life of the log that it is of."""
    return _ENCODER.encode(_Kept(FORM, epoch, msgspec.Raw(state.to_bytes())))


class Saved(msgspec.Struct, frozen=True):
    """A stored snapshot: the state, and the life of the log that it is of."""

    epoch: str
    state: RoomState


def kept_state(body: bytes) -> Saved | None:
    """The stored snapshot of these bytes; None where another build wrote it in another form."""
    try:
        kept = msgspec.msgpack.decode(body, type=_Kept)
        if kept.form != FORM:
            return None
        return Saved(kept.epoch, RoomState.from_bytes(bytes(kept.state)))
    except msgspec.MsgspecError:
        return None
