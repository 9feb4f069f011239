"""Everything that waits at one node, made into as few log entries as it needs. This file is that.

A batch is tried on a copy of the room's state. Where another node's entries were first the copy is
thrown away and the same batch is tried again behind them, so that each command is decided at its
own place in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from protocol import commands as cmd
from protocol.codec import encode
from protocol.errors import Code, Refused
from protocol.events import Delta
from protocol.message import Message
from streaming import room_acts as acts
from streaming import room_deeds as deeds
from streaming.log import Entry
from streaming.outbox import Out
from streaming.room_fold import Counting, Moving, folded
from streaming.room_state import RoomState

_LOG = logging.getLogger(__name__)

_OFTEN = (cmd.RoomSay, cmd.RoomBoard, cmd.RoomThank, cmd.RoomAccept)
"""What any member may do at any time, and all others hear of."""


class Given(NamedTuple):
    """A member's command. `who` is the connection it came by; `told` hears how it ended.

    `told(refused)` where it had no effect, `told(None, q, dup)` where it had.
    """

    command: Any
    digest: bytes
    who: deeds.Join
    told: Callable[[Refused | None, int, bool], None]
    of: deeds.OfItem | None = None
    """The item that a poll to be opened was made of."""

    @property
    def by(self) -> deeds.By:
        """The command as its deed names it."""
        return deeds.By(self.who.member, self.command.id, self.digest)


class NodeGone(NamedTuple):
    """A node has died: its connections are no longer here, its turn is lost."""

    node: str


Op = (
    Given
    | NodeGone
    | deeds.Join
    | deeds.Leave
    | deeds.RoundClosed
    | deeds.VotesCounted
    | deeds.ChunkSaid
    | deeds.TurnSwitched
    | deeds.TurnEnded
)
"""What may wait for a room: commands, and what the node itself has seen."""

Begin = Callable[[RoomState, cmd.RoomAsk, deeds.By], deeds.TurnBegan]
"""Plans a tutor turn; raises Refused where none may begin."""


class Batch:
    """One batch on a copy of the state, which it moves.

    Afterwards: `entries` to append, `outs` as they go to members, `deeds`, and in `endings` what
    each command is to be told once the entries are stored.
    """

    def __init__(self, state: RoomState, at_ms: int, begin: Begin) -> None:
        self.state = state
        self.entries: list[Entry] = []
        self.outs: list[Out] = []
        self.deeds: list[deeds.AnyDeed] = []
        self.endings: list[Callable[[], None]] = []
        self.urgent = False
        self._at_ms = at_ms
        self._begin = begin

    def run(self, ops: Iterable[Op]) -> None:
        """Decide everything that waits, in order."""
        for group in grouped(ops):
            if group.kind == MOVES:
                self._moves(group.ops)
            elif group.kind == VOTES:
                self._votes(group.ops)
            elif group.kind == CHUNKS:
                self._chunks(group.ops)
            else:
                self._one(group.ops[0])

    # --- what is gathered ---------------------------------------------------------------------

    def _moves(self, ops: Sequence[Op]) -> None:
        moving = Moving(self.state, self._seq, self._at_ms)
        moves: list[deeds.Join | deeds.Leave] = []
        for op in ops:
            move = self._move(op)
            if move is not None:
                moving.move(move)
                moves.append(move)
        if moves:
            self._add(deeds.Moved(moves), moving.frame())

    def _move(self, op: Op) -> deeds.Join | deeds.Leave | None:
        if isinstance(op, Given):
            return self._move_given(op)
        if isinstance(op, deeds.Join):
            member = self.state.members.get(op.member)
            return op if member is not None and not _here(self.state, op) else None
        assert isinstance(op, deeds.Leave)
        return op if op.cid is not None and _here(self.state, op) else None

    def _move_given(self, given: Given) -> deeds.Join | deeds.Leave | None:
        command, who = given.command, given.who
        if self._repeated(given):
            # The connection may be a new one, that sends again what got no reply.
            again = isinstance(command, cmd.RoomJoin) and who.member in self.state.members
            return who if again and not _here(self.state, who) else None
        try:
            move: deeds.Join | deeds.Leave
            if isinstance(command, cmd.RoomJoin):
                move = acts.join(self.state, command, given.by, who)
            else:
                acts.expect_member(self.state, who.member)
                move = deeds.Leave(who.member, None, given.by)
        except Refused as refused:
            self._refuse(given, refused)
            return None
        self._done(given, self._seq)
        return move

    def _votes(self, ops: Sequence[Op]) -> None:
        counting = Counting(self.state, self._seq, self._at_ms)
        votes: list[deeds.Vote] = []
        for op in ops:
            assert isinstance(op, Given)
            if self._repeated(op):
                continue
            try:
                vote = acts.vote(self.state, op.command, op.by, self._at_ms)
            except Refused as refused:
                self._refuse(op, refused)
                continue
            counting.vote(vote)
            votes.append(vote)
            self._done(op, self._seq)
        poll = self.state.poll
        if votes and poll is not None:
            self._add(deeds.Voted(poll.poll, poll.round, votes), counting.frame())

    def _chunks(self, ops: Sequence[Op]) -> None:
        said = [op for op in ops if isinstance(op, deeds.ChunkSaid)]
        gen = self.state.gens.get(said[0].gen)
        if gen is None or gen.status != "running":
            return
        said = [op for op in said if op.n > gen.said]  # the others the log has already
        if said:
            self.urgent = self.urgent or not gen.next_i
            self._fold(deeds.ChunkSaid(gen.gen, "".join(op.text for op in said), said[-1].n))

    # --- what stands alone --------------------------------------------------------------------

    def _one(self, op: Op) -> None:
        if isinstance(op, Given):
            self._command(op)
        elif isinstance(op, NodeGone):
            self._bury(op.node)
        elif isinstance(op, deeds.RoundClosed):
            poll = self.state.poll
            if (
                poll is not None
                and (poll.poll, poll.round, poll.phase) == (op.poll, op.round, "voting")
                and poll.closes_at is not None
                and self._at_ms >= poll.closes_at
            ):
                self._fold(op)
        elif isinstance(op, deeds.VotesCounted):
            if op.q in self.state.owed:
                self._fold(op)
        elif isinstance(op, deeds.TurnSwitched | deeds.TurnEnded):
            gen = self.state.gens.get(op.gen)
            told = gen is not None and isinstance(op, deeds.TurnSwitched) and op.n <= gen.said
            if gen is not None and gen.status == "running" and not told:
                self._fold(op)

    def _command(self, given: Given) -> None:
        if self._repeated(given):
            return
        try:
            if isinstance(given.command, cmd.RoomAsk):
                acts.ask(self.state, given.command, given.by, self._at_ms)
                deed: deeds.AnyDeed = self._begin(self.state, given.command, given.by)
                self.urgent = True
            elif isinstance(given.command, cmd.RoomPollOpen):
                deed = acts.poll_open(self.state, given.command, given.by, self._at_ms, given.of)
            else:
                if isinstance(given.command, _OFTEN):
                    acts.expect_calm(self.state, given.who.member, self._at_ms)
                deed = acts.ACTS[type(given.command)](self.state, given.command, given.by)
        except Refused as refused:
            self._refuse(given, refused)
            return
        except Exception:  # noqa: BLE001 - a command's edge: nothing was moved, the room goes on
            _LOG.exception("room %s: a command cannot be done", self.state.rid)
            self._refuse(given, Refused(Code.INTERNAL, "a mistake of the server; it is logged"))
            return
        self._done(given, self._seq)
        self._fold(deed)

    def _bury(self, node: str) -> None:
        gone = [
            deeds.Leave(mid, cid)
            for mid, member in self.state.members.items()
            for cid, of in member.cids
            if of == node
        ]
        self._moves(gone)
        running = self.state.running
        if running is not None and running.node == node:
            self._fold(deeds.TurnEnded(running.gen, "lost", "owner_lost"))

    # --- inside -------------------------------------------------------------------------------

    @property
    def _seq(self) -> int:
        return self.state.seq + 1

    def _repeated(self, given: Given) -> bool:
        by = given.by
        seen = self.state.seen_of(by.member, by.cmd)
        if seen is None:
            return False
        if seen.digest == by.digest:
            self.endings.append(lambda: given.told(None, seen.q, True))
        else:
            detail = f"id {by.cmd!r} was used before for another command"
            self._refuse(given, Refused(Code.ID_REUSED, detail))
        return True

    def _done(self, given: Given, q: int) -> None:
        self.endings.append(lambda: given.told(None, q, False))

    def _refuse(self, given: Given, refused: Refused) -> None:
        refused.re = given.command.id
        self.endings.append(lambda: given.told(refused, 0, False))

    def _fold(self, deed: deeds.AnyDeed) -> None:
        seq = self._seq
        self._put(deed, folded(self.state, deed, seq, self._at_ms), seq)

    def _add(self, deed: deeds.AnyDeed, frame: Message) -> None:
        """A deed that was folded one by one already."""
        seq = self._seq
        self.state.seq, self.state.at_ms = seq, self._at_ms
        self._put(deed, frame, seq)

    def _put(self, deed: deeds.AnyDeed, event: Message, seq: int) -> None:
        frame = encode(event)
        self.entries.append(Entry(seq, self._at_ms, frame, deeds.sealed(deed)))
        self.outs.append(Out(seq, frame, event if isinstance(event, Delta) else None))
        self.deeds.append(deed)


def _here(state: RoomState, move: deeds.Join | deeds.Leave) -> bool:
    member = state.members.get(move.member)
    return member is not None and any(cid == move.cid for cid, _ in member.cids)


# --- what goes together ---------------------------------------------------------------------------

MOVES, VOTES, CHUNKS, ALONE = "moves", "votes", "chunks", "alone"
_POLL, _ALL = "a poll", "all"


class _Group(NamedTuple):
    kind: str
    ops: list[Op]
    keys: set[str]


def grouped(ops: Iterable[Op]) -> list[_Group]:
    """Ops in order, but those of a kind together where nothing between them minds.

    A member's own commands keep their order; no vote passes a poll's opening or closing.
    """
    groups: list[_Group] = []
    for op in ops:
        kind, keys = _kind(op)
        group = None if kind == ALONE else _earlier(groups, kind, keys)
        if group is None:
            groups.append(_Group(kind, [op], set(keys)))
        else:
            group.ops.append(op)
            group.keys.update(keys)
    return groups


def _earlier(groups: list[_Group], kind: str, keys: tuple[str, ...]) -> _Group | None:
    minds = {*keys, _ALL, *((_POLL,) if kind == VOTES else ())}
    group: _Group
    for group in reversed(groups):
        if group.kind == kind:
            return group
        if not minds.isdisjoint(group.keys):
            return None
    return None


def _kind(op: Op) -> tuple[str, tuple[str, ...]]:
    match op:
        case Given(command=cmd.RoomJoin() | cmd.RoomLeave()):
            return MOVES, (op.who.member,)
        case deeds.Join() | deeds.Leave():
            return MOVES, (op.member,)
        case Given(command=cmd.RoomVote()):
            return VOTES, (op.who.member,)
        case Given(command=cmd.RoomPollOpen() | cmd.RoomPollClose()):
            return ALONE, (op.who.member, _POLL)
        case Given():
            return ALONE, (op.who.member,)
        case deeds.RoundClosed():
            return ALONE, (_POLL,)
        case deeds.VotesCounted():
            return ALONE, ()
        case deeds.ChunkSaid():
            return CHUNKS, (f"turn {op.gen}",)
        case deeds.TurnSwitched() | deeds.TurnEnded():
            return ALONE, (f"turn {op.gen}",)
        case NodeGone():
            return ALONE, (_ALL,)
