"""What a member's command comes to in a room, or why it has no effect. This file is those rules.

They are pure and are asked on the state at the command's own place in the log, so that on all
nodes together a late vote, a double one or a second running turn is refused exactly.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from protocol import commands as cmd
from protocol.errors import Code, Refused
from protocol.limits import LIMITS
from streaming import room_deeds as deeds
from streaming.room_deeds import By
from streaming.room_fold import dropped_for
from streaming.room_names import cleaned, told_apart
from streaming.room_state import RoomState

MEMBER_CHARS = 12
_json_bytes = msgspec.json.Encoder().encode


def member_id(sid: str, rid: str) -> str:
    """A session's pseudonym in one room: nobody can tell the session from it.

    >>> member_id("s_1", "r_1") == member_id("s_1", "r_1") != member_id("s_1", "r_2")
    True
    """
    made = hashlib.blake2b(f"{sid}\0{rid}".encode()).digest()
    return "m_" + urlsafe_b64encode(made)[:MEMBER_CHARS].decode()


def expect_member(state: RoomState, member: str) -> None:
    """Raise Refused (NOT_MEMBER) for who is none."""
    if member not in state.members:
        raise Refused(Code.NOT_MEMBER, f"expected a member of {state.rid}: join it first")


def _expect_facilitator(state: RoomState, member: str, what: str) -> None:
    expect_member(state, member)
    if not state.facilitates(member):
        raise Refused(Code.FORBIDDEN, f"expected a facilitator for {what}, a member came")


# --- coming and going -----------------------------------------------------------------------------


def join(state: RoomState, given: cmd.RoomJoin, by: By, who: deeds.Join) -> deeds.Join:
    """The move of a `room.join` under a name that no other has; `who` is the one that asks."""
    expect_place(state, by.member)
    had = state.members.get(by.member)
    name = cleaned(given.name) or (had.name if had else f"Guest {state.joined + 1}")
    others = (member.name for mid, member in state.members.items() if mid != by.member)
    return msgspec.structs.replace(who, name=told_apart(name, others), by=by)


def expect_place(state: RoomState, member: str) -> None:
    """Raise Refused (ROOM_FULL) where one more member has no place."""
    full = len(state.members) >= LIMITS.room_members
    if full and member not in state.members and dropped_for(state) is None:
        raise Refused(Code.ROOM_FULL, f"{state.rid} has {LIMITS.room_members} members, no more")


# --- polls ----------------------------------------------------------------------------------------


def poll_open(
    state: RoomState, given: cmd.RoomPollOpen, by: By, at_ms: int, of: deeds.OfItem | None = None
) -> deeds.AnyDeed:
    """A new poll, made `of` an item perhaps, or the next round of the one under discussion."""
    _expect_facilitator(state, by.member, "room.poll.open")
    closes_at = None if given.seconds is None else at_ms + given.seconds * 1000
    if given.poll is not None:
        return _next_round(state, given.poll, by, closes_at)
    poll = state.poll
    if poll is not None and poll.phase != "revealed":
        raise Refused(Code.BUSY, f"poll {poll.poll} is open: expected its reveal first")
    choices = [text.strip() for text in given.choices]
    if len(choices) < 2 or not all(choices):
        raise Refused(
            Code.BAD_FRAME, f"field `choices`: expected 2 to 12 texts, came {given.choices!r:.80}"
        )
    if given.right is not None and given.right >= len(choices):
        raise Refused(
            Code.BAD_FRAME,
            f"field `right`: expected a place below {len(choices)}, came {given.right}",
        )
    right = None if given.right is None else "abcdefghijkl"[given.right]
    name = f"p{state.polls + 1}"
    return deeds.PollOpened(by, name, given.prompt, choices, right, given.predict, closes_at, of)


def _next_round(state: RoomState, name: str, by: By, closes_at: int | None) -> deeds.RoundOpened:
    poll = state.poll
    if poll is None or poll.poll != name:
        raise _other_poll(state, name)
    if poll.phase == "voting":
        raise Refused(Code.BUSY, f"round {poll.round} of {name} is open: expected its close first")
    if poll.phase == "revealed" or poll.round >= LIMITS.poll_rounds:
        raise Refused(Code.CLOSED, f"poll {name} has had its last round")
    return deeds.RoundOpened(by, name, poll.round + 1, closes_at)


def poll_close(state: RoomState, given: cmd.RoomPollClose, by: By) -> deeds.RoundClosed:
    """The end of a round, or the reveal."""
    _expect_facilitator(state, by.member, "room.poll.close")
    poll = state.poll
    if poll is None or poll.poll != given.poll:
        raise _other_poll(state, given.poll)
    if poll.phase == "revealed":
        raise Refused(Code.CLOSED, f"poll {given.poll} is revealed")
    if poll.phase == "discuss":
        if given.then == "discuss":
            raise Refused(Code.CLOSED, f"poll {given.poll} is under discussion already")
        return deeds.RoundClosed(poll.poll, poll.round, "reveal", by)
    return deeds.RoundClosed(poll.poll, poll.round, given.then or after_round(poll.round), by)


def after_round(number: int) -> deeds.Then:
    """What follows a round where nobody says: the first is discussed, the last revealed."""
    return "discuss" if number < LIMITS.poll_rounds else "reveal"


def vote(state: RoomState, given: cmd.RoomVote, by: By, at_ms: int) -> deeds.Vote:
    """One vote in the open round. Its time is over by the clock, whoever has closed it."""
    expect_member(state, by.member)
    poll = state.poll
    if poll is None or poll.poll != given.poll:
        raise _other_poll(state, given.poll)
    late = poll.closes_at is not None and at_ms > poll.closes_at
    if poll.phase != "voting" or late:
        raise Refused(Code.CLOSED, f"round {poll.round} of {poll.poll} is closed")
    if given.choice not in poll.ids:
        raise Refused(
            Code.BAD_FRAME,
            f"field `choice`: expected one of {', '.join(poll.ids)}, came {given.choice!r}",
        )
    return deeds.Vote(by, given.choice, given.confidence, given.predicted)


def _other_poll(state: RoomState, name: str) -> Refused:
    """Why a poll that is not the one of now is refused: it is over, or there never was one."""
    number = name[1:] if name[:1] == "p" and name[1:].isascii() and name[1:].isdigit() else "0"
    if 0 < int(number[:9]) <= state.polls:
        return Refused(Code.CLOSED, f"poll {name} is over")
    now = "none is" if state.poll is None else f"{state.poll.poll} is"
    return Refused(Code.NOT_FOUND, f"no poll {name!r}: {now} the newest")


# --- talk, board, help ----------------------------------------------------------------------------


def expect_calm(state: RoomState, member: str, at_ms: int) -> None:
    """Raise Refused (RATE_LIMITED) where one member would drown what the others say."""
    window_ms = int(LIMITS.room_acts_s * 1000)
    own, times = f"{member} ", []
    for seen in (state.fresh, state.seen):
        for key in reversed(seen):
            if seen[key].at_ms <= at_ms - window_ms:
                break
            if key.startswith(own):
                times.append(seen[key].at_ms)
    if len(times) >= LIMITS.room_acts:
        raise Refused(
            Code.RATE_LIMITED,
            f"a member may say or write {LIMITS.room_acts} times in {LIMITS.room_acts_s:g} s",
            retry_ms=min(times) + window_ms - at_ms,
        )


def say(state: RoomState, given: cmd.RoomSay, by: By) -> deeds.Said:
    """One message."""
    expect_member(state, by.member)
    text = given.text.strip()
    if not text:
        raise Refused(Code.BAD_FRAME, "field `text`: expected some text, none came")
    return deeds.Said(by, text)


def write(state: RoomState, given: cmd.RoomBoard, by: By) -> deeds.Wrote:
    """One place of the board."""
    expect_member(state, by.member)
    size = len(_json_bytes(given.v))
    if size > LIMITS.board_value_bytes:
        raise Refused(
            Code.TOO_LARGE,
            f"field `v`: expected at most {LIMITS.board_value_bytes} bytes, came {size}",
        )
    adds = given.v is not None and given.key not in state.board
    if adds and len(state.board) >= LIMITS.board_keys:
        raise Refused(Code.TOO_LARGE, f"the board has {LIMITS.board_keys} places, all are written")
    wrote = deeds.Wrote(by, given.key, given.v)
    try:
        deeds.sealed(wrote)
    except OverflowError:
        raise Refused(
            Code.BAD_FRAME, "field `v`: expected whole numbers within 64 bits, a larger one came"
        ) from None
    return wrote


def thank(state: RoomState, given: cmd.RoomThank, by: By) -> deeds.Thanked:
    """Help that was of use."""
    expect_member(state, by.member)
    if given.member not in state.members:
        raise Refused(Code.NOT_FOUND, f"no member {given.member!r} is known here")
    if given.member == by.member:
        raise Refused(Code.FORBIDDEN, "expected another member, the own id came")
    return deeds.Thanked(by, given.member)


def accept(state: RoomState, given: cmd.RoomAccept, by: By) -> deeds.Accepted:
    """An answer to an invitation; a pair that stands may still be left."""
    expect_member(state, by.member)
    pair = state.pairs.get(given.pair)
    if pair is None or by.member not in pair.members:
        raise Refused(Code.NOT_FOUND, f"no invitation {given.pair!r} to this member is known")
    if pair.state == "declined":
        raise Refused(Code.GONE, f"pair {pair.id} was declined")
    return deeds.Accepted(by, given.pair, given.yes)


def ask(state: RoomState, given: cmd.RoomAsk, by: By, at_ms: int) -> None:
    """Whether the room's tutor may be asked now."""
    expect_member(state, by.member)
    if isinstance(given.input, str) and not given.input.strip():
        raise Refused(Code.BAD_FRAME, "field `input`: expected some text, none came")
    running = state.running
    if running is not None:
        raise Refused(Code.BUSY, f"turn {running.gen} is running")
    begun = state.begun_ms
    if len(begun) >= LIMITS.room_asks_a_min and begun[0] > at_ms - 60_000:
        raise Refused(
            Code.RATE_LIMITED,
            f"{LIMITS.room_asks_a_min} turns a minute are allowed in a room",
            retry_ms=begun[0] + 60_000 - at_ms,
        )


def grouped(state: RoomState, given: cmd.BoardAct, by: By) -> deeds.Grouped:
    """Groups or pairs that a facilitator told everybody: `args` has `groups` or `pairs`.

    A group is a list of members, or `{"members": [..], "reason": ".."}`; so is a pair.
    """
    _expect_facilitator(state, by.member, "board.act")
    groups, pairs = given.args.get("groups"), given.args.get("pairs")
    if groups is None and pairs is None:
        raise Refused(Code.BAD_FRAME, "field `args`: expected `groups` or `pairs`, none came")
    found = None if groups is None else _sets(state, groups, "groups", least=1)
    paired = None if pairs is None else _sets(state, pairs, "pairs", least=2)
    return deeds.Grouped(
        by,
        None
        if found is None
        else [deeds.Group(f"t{n}", members, why) for n, (members, why) in enumerate(found, 1)],
        None if paired is None else [members for members, _ in paired],
    )


def _sets(
    state: RoomState, told: Any, field: str, *, least: int
) -> list[tuple[tuple[str, ...], str]]:
    """Disjoint sets of members, each with its reason."""
    if not isinstance(told, list) or len(told) > LIMITS.room_pairs:
        raise Refused(
            Code.BAD_FRAME, f"field `args.{field}`: expected at most {LIMITS.room_pairs} lists"
        )
    taken: set[str] = set()
    found = []
    for one in told:
        members = one.get("members") if isinstance(one, dict) else one
        reason = one.get("reason", "") if isinstance(one, dict) else ""
        if not isinstance(members, list) or not all(isinstance(m, str) for m in members):
            raise Refused(
                Code.BAD_FRAME, f"field `args.{field}`: expected member ids, came {one!r:.80}"
            )
        names = tuple(members)
        known = all(mid in state.members for mid in names)
        if len(set(names)) != len(names) or len(names) < least or not known:
            raise Refused(
                Code.BAD_FRAME,
                f"field `args.{field}`: expected {least} or more different members, "
                f"came {one!r:.80}",
            )
        if taken.intersection(names):
            raise Refused(Code.BAD_FRAME, f"field `args.{field}`: a member comes twice")
        taken.update(names)
        found.append((names, str(reason)[: LIMITS.response_chars]))
    return found


Act = Callable[[RoomState, Any, By], deeds.AnyDeed]
ACTS: dict[type[Any], Act] = {
    cmd.RoomPollClose: poll_close,
    cmd.RoomSay: say,
    cmd.RoomBoard: write,
    cmd.RoomThank: thank,
    cmd.RoomAccept: accept,
    cmd.BoardAct: grouped,
}
"""Commands that are one deed of their own, whatever the time."""
