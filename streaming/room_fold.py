"""What a deed does to a room, and the frame due. This file is the fold that every node calls.

The node that appends an entry, the others that hear of it, and the one that takes the room up from
the log make the same state of it. It reads no clock and throws no dice.

Until a poll is revealed no frame made here depends on what anybody chose: a count says who voted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from engines.group.instruction import Ballot
from protocol import events as ev
from protocol.limits import LIMITS
from protocol.message import Message
from streaming import room_deeds as deeds
from streaming.room_reveal import owed_by, revealed
from streaming.room_state import Gen, Member, Note, Pair, Poll, RoomState, Say, Thank


def folded(state: RoomState, deed: deeds.AnyDeed, seq: int, at_ms: int) -> Message:
    """Move `state` by the deed of entry `seq`; returns the entry's frame."""
    frame: Message
    if isinstance(deed, deeds.Moved):
        moving = Moving(state, seq, at_ms)
        for move in deed.moves:
            moving.move(move)
        frame = moving.frame()
    elif isinstance(deed, deeds.Voted):
        counting = Counting(state, seq, at_ms)
        for vote in deed.votes:
            counting.vote(vote)
        frame = counting.frame()
    else:
        by = getattr(deed, "by", None)
        if by is not None:
            state.remember(by, seq, at_ms)
        frame = _DOES[type(deed)](state, deed, seq, at_ms)
    state.seq, state.at_ms = seq, at_ms
    return frame


def _restore(state: RoomState, deed: deeds.Restored, seq: int, at_ms: int) -> Message:
    """All as it was, but nobody is here and nothing is being said: that was in the lost log."""
    kept = RoomState.from_bytes(deed.state)
    for name in KEPT_FIELDS:
        setattr(state, name, getattr(kept, name))
    state.members = {
        mid: replace(member, cids=(), away_at_ms=at_ms) for mid, member in kept.members.items()
    }
    state.gens = {
        name: replace(gen, status="lost") if gen.status == "running" else gen
        for name, gen in kept.gens.items()
    }
    return ev.Presence(state.rid, seq, at_ms, {}, {})


KEPT_FIELDS = frozenset(RoomState.__struct_fields__) - {
    "rid", "title", "code", "seq", "at_ms", "fresh",
}  # fmt: skip
"""What a room keeps when its log is lost."""


# --- who is here ----------------------------------------------------------------------------------


class Moving:
    """The moves of one entry, one by one; its frame tells what they came to."""

    def __init__(self, state: RoomState, seq: int, at_ms: int) -> None:
        self._state = state
        self._seq = seq
        self._at_ms = at_ms
        self._before: dict[str, Member | None] = {}

    def move(self, move: deeds.Join | deeds.Leave) -> None:
        """Fold one coming or going."""
        self._before.setdefault(move.member, self._state.members.get(move.member))
        if move.by is not None:
            self._state.remember(move.by, self._seq, self._at_ms)
        if isinstance(move, deeds.Join):
            self._join(move)
        else:
            self._leave(move)

    def _join(self, join: deeds.Join) -> None:
        state = self._state
        had = state.members.get(join.member)
        if had is None:
            gone = dropped_for(state)
            if gone is not None:
                self._before.setdefault(gone, _parted(state, gone))
            state.joined += 1
            had = Member(f"Guest {state.joined}", join.role, join.sid)
        cids = had.cids
        if all(cid != join.cid for cid, _ in cids):
            cids = (*cids, (join.cid, join.node))
        role = had.role if join.role == "member" else join.role
        state.members[join.member] = Member(join.name or had.name, role, had.sid, cids)

    def _leave(self, leave: deeds.Leave) -> None:
        members = self._state.members
        had = members.get(leave.member)
        if had is None:
            return
        if leave.cid is None:
            _parted(self._state, leave.member)
            return
        cids = tuple(at for at in had.cids if at[0] != leave.cid)
        members[leave.member] = replace(
            had, cids=cids, away_at_ms=had.away_at_ms if cids else self._at_ms
        )

    def frame(self) -> Message:
        """Connections that are here now and were not, and the other way round."""
        joins: dict[str, list[str]] = {}
        leaves: dict[str, list[str]] = {}
        names: dict[str, ev.Named] = {}
        for mid, before in self._before.items():
            now = self._state.members.get(mid)
            had, has = _cids(before), _cids(now)
            came = [cid for cid in has if cid not in had]
            went = [cid for cid in had if cid not in has]
            if now is not None and (came or (has and _told(before) != _told(now))):
                joins[mid] = came
                names[mid] = _told(now)
            if went:
                leaves[mid] = went
        return ev.Presence(self._state.rid, self._seq, self._at_ms, joins, leaves, names or None)


def _parted(state: RoomState, mid: str) -> Member:
    """Forget a member; whose vote is still to be told to their session keeps its name."""
    member = state.members.pop(mid)
    if member.role != "facilitator" and (mid in state.votes or mid in state.first):
        state.gone[mid] = member.sid
    return member


def dropped_for(state: RoomState) -> str | None:
    """Who makes place for one more member: None where there is room, or where all are here.

    Facilitators last: nobody else can close a vote.
    """
    if len(state.members) < LIMITS.room_members:
        return None
    away = (
        (m.role == "facilitator", m.away_at_ms, mid)
        for mid, m in state.members.items()
        if not m.cids
    )
    return min(away, default=(False, 0, None))[2]


def _cids(member: Member | None) -> list[str]:
    return [] if member is None else [cid for cid, _ in member.cids]


def _told(member: Member | None) -> ev.Named:
    return ev.Named("") if member is None else ev.Named(member.name, member.role)


# --- polls ----------------------------------------------------------------------------------------


class Counting:
    """The votes of one entry, one by one; its frame tells how many and whose, never which."""

    def __init__(self, state: RoomState, seq: int, at_ms: int) -> None:
        self._state = state
        self._seq = seq
        self._at_ms = at_ms
        self._voters: dict[str, None] = {}

    def vote(self, vote: deeds.Vote) -> None:
        """Fold one vote."""
        self._state.remember(vote.by, self._seq, self._at_ms)
        member = vote.by.member
        self._voters[member] = None
        self._state.votes[member] = Ballot(vote.choice, vote.confidence, vote.predicted)

    def frame(self) -> Message:
        """The count."""
        poll = self._state.poll
        assert poll is not None
        data = {
            "poll": poll.poll,
            "round": poll.round,
            "n": len(self._state.votes),
            "voters": list(self._voters),
        }
        return _event(self._state, self._seq, self._at_ms, "vote_count", data)


def _open(state: RoomState, deed: deeds.PollOpened, seq: int, at_ms: int) -> Message:
    state.polls += 1
    state.poll = Poll(
        deed.poll,
        deed.prompt,
        tuple(deed.choices),
        deed.right,
        deed.predict,
        closes_at=deed.closes_at,
        of=deed.of,
    )
    state.votes, state.first, state.gone = {}, {}, {}
    return _poll_event(state, seq, at_ms)


def _open_round(state: RoomState, deed: deeds.RoundOpened, seq: int, at_ms: int) -> Message:
    assert state.poll is not None
    state.poll = replace(state.poll, phase="voting", round=deed.round, closes_at=deed.closes_at)
    state.votes, state.first = {}, state.votes
    return _poll_event(state, seq, at_ms)


def _close(state: RoomState, deed: deeds.RoundClosed, seq: int, at_ms: int) -> Message:
    poll = state.poll
    assert poll is not None
    if deed.then == "discuss":
        state.poll = replace(poll, phase="discuss", closes_at=None)
        return _poll_event(state, seq, at_ms)
    owed = owed_by(state, poll, at_ms)
    if owed is not None:
        state.owed[seq] = owed
    data = revealed(state, poll)
    state.poll = replace(poll, phase="revealed", closes_at=None, reveal=data)
    return _event(state, seq, at_ms, "reveal", data)


def _count(state: RoomState, deed: deeds.VotesCounted, seq: int, at_ms: int) -> Message:
    state.owed.pop(deed.q, None)
    return ev.Presence(state.rid, seq, at_ms, {}, {})  # it is nobody's to see


def poll_facts(poll: Poll) -> dict[str, Any]:
    """What all members know of a poll; nothing of votes, nothing of what is right."""
    choices = [{"id": id_, "text": text} for id_, text in zip(poll.ids, poll.choices, strict=True)]
    facts: dict[str, Any] = {
        "poll": poll.poll,
        "phase": poll.phase,
        "round": poll.round,
        "prompt": poll.prompt,
        "choices": choices,
        "predict": poll.predict,
    }
    if poll.closes_at is not None:
        facts["closes_at"] = poll.closes_at
    return facts


def _poll_event(state: RoomState, seq: int, at_ms: int) -> Message:
    assert state.poll is not None
    return _event(state, seq, at_ms, "poll", poll_facts(state.poll))


# --- talk, board, help ----------------------------------------------------------------------------


def _say(state: RoomState, deed: deeds.Said, seq: int, at_ms: int) -> Message:
    member = deed.by.member
    name = state.members[member].name
    said = Say(seq, member, name, deed.text, at_ms)
    state.says = (*state.says, said)[-LIMITS.room_says_kept :]
    state.talk = (*state.talk, (member, at_ms))[-LIMITS.room_talk_kept :]
    data = {"member": member, "name": name, "text": deed.text}
    return _event(state, seq, at_ms, "say", data)


def _write(state: RoomState, deed: deeds.Wrote, seq: int, at_ms: int) -> Message:
    state.board.pop(deed.key, None)
    if deed.v is not None:
        state.board[deed.key] = Note(deed.v, deed.by.member)
    data = {"key": deed.key, "v": deed.v, "by": deed.by.member}
    return _event(state, seq, at_ms, "board", data)


def _thank(state: RoomState, deed: deeds.Thanked, seq: int, at_ms: int) -> Message:
    thank = Thank(deed.helper, deed.by.member, at_ms)
    state.thanks = (*state.thanks, thank)[-LIMITS.room_thanks_kept :]
    return ev.Presence(state.rid, seq, at_ms, {}, {})  # whom is the facilitator's to know


def _accept(state: RoomState, deed: deeds.Accepted, seq: int, at_ms: int) -> Message:
    pair = state.pairs[deed.pair]
    if deed.yes:
        yes = (*pair.yes, *(() if deed.by.member in pair.yes else (deed.by.member,)))
        together = set(yes) == set(pair.members)
        pair = replace(pair, yes=yes, state="together" if together else pair.state)
    else:
        pair = replace(pair, state="declined")
    state.pairs[pair.id] = pair
    return _event(state, seq, at_ms, "group", {"pairs": pair_facts((pair,))})


def _group(state: RoomState, deed: deeds.Grouped, seq: int, at_ms: int) -> Message:
    data: dict[str, Any] = {}
    if deed.groups is not None:
        state.groups = tuple(deed.groups)
        data["groups"] = group_facts(state.groups)
    if deed.pairs is not None:
        data["pairs"] = pair_facts(_invited(state, deed.pairs))
    return _event(state, seq, at_ms, "group", data)


def _invited(state: RoomState, pairs: Sequence[tuple[str, ...]]) -> list[Pair]:
    """The new invitations; an earlier pair that shares a member with them is over."""
    taken = {member for pair in pairs for member in pair}
    told = [
        replace(pair, state="declined")
        for pair in state.pairs.values()
        if pair.state != "declined" and taken.intersection(pair.members)
    ]
    for members in pairs:
        state.paired += 1
        told.append(Pair(f"w{state.paired}", members))
    for pair in told:
        state.pairs[pair.id] = pair
    while len(state.pairs) > LIMITS.room_pairs:
        del state.pairs[next(iter(state.pairs))]
    return told


def pair_facts(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """Pairs as all members see them."""
    return [{"id": p.id, "members": list(p.members), "state": p.state} for p in pairs]


def group_facts(groups: Iterable[deeds.Group]) -> list[dict[str, Any]]:
    """Groups as all members see them."""
    return [{"id": g.id, "members": list(g.members), "reason": g.reason} for g in groups]


# --- the tutor's turns ----------------------------------------------------------------------------


def _turn(state: RoomState, deed: deeds.TurnBegan, seq: int, at_ms: int) -> Message:
    state.turns += 1
    state.begun_ms = (*state.begun_ms, at_ms)[-LIMITS.room_asks_a_min :]
    asked = deed.text or deed.action or ""
    state.gens[deed.gen] = Gen(
        deed.gen, deed.by.cmd, deed.by.member, asked, deed.provider, deed.model, deed.source,
        deed.act, deed.node, at_ms,
    )  # fmt: skip
    while len(state.gens) > LIMITS.room_turns_kept:
        del state.gens[next(iter(state.gens))]
    return ev.TurnStarted(
        state.rid,
        seq,
        at_ms,
        deed.gen,
        deed.by.cmd,
        deed.provider,
        deed.model,
        deed.source,
        input=asked,
        by=deed.by.member,
    )


def _chunk(state: RoomState, deed: deeds.ChunkSaid, seq: int, at_ms: int) -> Message:
    gen = state.gens[deed.gen]
    i = gen.next_i
    state.gens[gen.gen] = replace(gen, text=gen.text + deed.text, next_i=i + 1, said=deed.n)
    return ev.Delta(state.rid, seq, at_ms, gen.gen, (i, i), deed.text)


def _switch(state: RoomState, deed: deeds.TurnSwitched, seq: int, at_ms: int) -> Message:
    gen = state.gens[deed.gen]
    source = "builtin" if deed.provider == "builtin" else "llm"
    state.gens[gen.gen] = replace(
        gen, text="", provider=deed.provider, model=deed.model, source=source, said=deed.n
    )
    return ev.TurnRestarted(
        state.rid, seq, at_ms, gen.gen, gen.next_i, deed.provider, deed.model, deed.reason
    )


def _end(state: RoomState, deed: deeds.TurnEnded, seq: int, at_ms: int) -> Message:
    gen = state.gens[deed.gen] = replace(state.gens[deed.gen], status=deed.status)
    usage = ev.Usage(*deed.tokens, deed.estimated) if deed.tokens else None
    return ev.TurnDone(
        s=state.rid,
        q=seq,
        ts=at_ms,
        gen=gen.gen,
        status=deed.status,  # type: ignore[arg-type]  # written by the room itself
        n=gen.next_i,
        text_sha256=hashlib.sha256(gen.text.encode()).hexdigest(),
        ttft_ms=deed.ttft_ms,
        reason=deed.reason,
        usage=usage,
        cost_usd=None if deed.micro_usd is None else deed.micro_usd / 1_000_000,
    )


def _event(state: RoomState, seq: int, at_ms: int, kind: Any, data: dict[str, Any]) -> Message:
    return ev.RoomEvent(state.rid, seq, at_ms, kind, data)


_DOES: dict[type[deeds.Deed], Any] = {
    deeds.Restored: _restore,
    deeds.Said: _say,
    deeds.Wrote: _write,
    deeds.Thanked: _thank,
    deeds.Accepted: _accept,
    deeds.PollOpened: _open,
    deeds.RoundOpened: _open_round,
    deeds.RoundClosed: _close,
    deeds.VotesCounted: _count,
    deeds.Grouped: _group,
    deeds.TurnBegan: _turn,
    deeds.ChunkSaid: _chunk,
    deeds.TurnSwitched: _switch,
    deeds.TurnEnded: _end,
}


# --- the whole of it ------------------------------------------------------------------------------


def snapshot_frame(state: RoomState, epoch: str, me: str) -> ev.Snapshot:
    """A room's whole state for one member: the own vote is in it, nobody else's."""
    gens = [ev.GenText(g.gen, g.text, g.next_i, g.status) for g in state.gens.values()]
    return ev.Snapshot(state.rid, epoch, state.seq, {**_facts(state), "you": _you(state, me)}, gens)


def _you(state: RoomState, me: str) -> dict[str, Any]:
    member = state.members.get(me)
    you: dict[str, Any] = {"member": me, "role": member.role if member else "member"}
    poll, ballot = state.poll, state.votes.get(me)
    if poll is not None and ballot is not None:
        you["vote"] = {
            "poll": poll.poll,
            "round": poll.round,
            "choice": ballot.choice,
            "confidence": ballot.confidence,
            "predicted": ballot.predicted,
        }
    return you


def _facts(state: RoomState) -> dict[str, Any]:
    """What is the same for all members."""
    poll = state.poll
    told = None
    if poll is not None:
        told = {**poll_facts(poll), "n": len(state.votes), "voters": list(state.votes)}
        if poll.reveal is not None:
            told["reveal"] = poll.reveal
    return {
        "rid": state.rid,
        "title": state.title,
        "code": state.code,
        "members": {
            mid: {"name": m.name, "role": m.role, "connections": _cids(m)}
            for mid, m in state.present
        },
        "says": [
            {"q": s.q, "member": s.member, "name": s.name, "text": s.text, "ts": s.ts}
            for s in state.says
        ],
        "poll": told,
        "board": {key: {"v": note.v, "by": note.by} for key, note in state.board.items()},
        "groups": group_facts(state.groups),
        "pairs": pair_facts(state.pairs.values()),
        "turns": [
            {
                "gen": g.gen,
                "cmd": g.cmd,
                "by": g.by,
                "input": g.input,
                "provider": g.provider,
                "model": g.model,
                "source": g.source,
                "status": g.status,
                "ts": g.began_at_ms,
            }
            for g in state.gens.values()
        ],
    }
