"""What only a facilitator is told of a room, and the acts that are theirs. This file is that glue.

Nothing here has a place in the room's log: totals, previews of pairs and groups, who helps whom,
how the talk is shared. It replaces what was told before (`q` 0) and goes to the connections of
facilitators alone. A preview is told to the members only when a facilitator applies it; then it is
a deed of the room like any other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from engines.group.instruction import differing_pairs, suggested
from engines.maths.dice import Dice
from protocol import commands as cmd
from protocol.codec import encode
from protocol.errors import Code, Refused
from protocol.events import Board, RoomEvent
from streaming import room_deeds as deeds
from streaming.fold import dice_key
from streaming.room_fold import tallies
from streaming.room_state import RoomState

if TYPE_CHECKING:
    from streaming.room import Room
    from streaming.room_talk import Learners
    from streaming.seats import Seat
    from streaming.surroundings import Surroundings

_VOTING = (deeds.Voted, deeds.PollOpened, deeds.RoundOpened, deeds.RoundClosed)


class _Told:
    """What was told of one room lately, by this node."""

    __slots__ = ("previews", "timer", "totals_at_s")

    def __init__(self) -> None:
        self.totals_at_s = float("-inf")
        self.timer: asyncio.TimerHandle | None = None
        self.previews: dict[str, Any] = {}
        """The newest preview, as `board.act` would take it."""


class Facilitation:
    """The facilitators of this node's rooms."""

    def __init__(self, ground: Surroundings, learners: Learners) -> None:
        self._ground = ground
        self._learners = learners
        self._told: dict[str, _Told] = {}

    # --- totals ---------------------------------------------------------------------------------

    def heard(self, room: Room, done: list[deeds.AnyDeed]) -> None:
        """Deeds were folded: tell the new totals, at most four times a second."""
        if not any(isinstance(deed, _VOTING) for deed in done) or not _facilitators(room):
            return
        told = self._of(room)
        if told.timer is not None:
            return
        loop = self._ground.loop
        left_s = told.totals_at_s + self._ground.limits.room_totals_ms / 1000 - loop.time()
        if left_s <= 0:
            self._tell_totals(room)
        else:
            told.timer = loop.call_later(left_s, self._tell_totals, room)

    def _tell_totals(self, room: Room) -> None:
        told = self._of(room)
        told.timer, told.totals_at_s = None, self._ground.loop.time()
        self._say(room, self._totals(room.state))

    def tell(self, seat: Seat) -> None:
        """What stands now, to a facilitator who has just caught up."""
        if seat.room.state.facilitates(seat.member):
            totals = self._totals(seat.room.state)
            if totals is not None:
                seat.outbox.say(totals)

    def _totals(self, state: RoomState) -> bytes | None:
        poll = state.poll
        if poll is None:
            return None
        tally = tallies(state, poll)[-1]
        data = {
            "poll": poll.poll,
            "round": poll.round,
            "n": tally.n,
            "voters": list(state.votes),
            "totals": dict(tally.totals),
            "share_right": tally.share_right,
            "confidence": dict(tally.confidence),
            "suggests": suggested(tally),
        }
        now_ms = self._ground.wall_ms()
        return encode(RoomEvent(state.rid, 0, now_ms, "vote_count", data))

    # --- acts -----------------------------------------------------------------------------------

    async def asked(
        self, seat: Seat, command: cmd.BoardWatch | cmd.BoardAct
    ) -> cmd.BoardAct | dict[str, Any]:
        """What a facilitator's command comes to: what changed, or the act that the log must take.

        Raises Refused.
        """
        if not seat.room.state.facilitates(seat.member):
            what = "board.watch" if isinstance(command, cmd.BoardWatch) else "board.act"
            raise Refused(Code.FORBIDDEN, f"expected a facilitator for {what}, a member came")
        if isinstance(command, cmd.BoardWatch):
            self.tell(seat)
            return {"watching": seat.room.rid}
        if command.act == "apply":
            return self._applied(seat.room, command)
        if command.act == "pair":
            return await self._paired(seat)
        raise Refused(
            Code.BAD_FRAME,
            f"field `act`: expected pair, group or apply in a room, came {command.act}",
        )

    def _applied(self, room: Room, command: cmd.BoardAct) -> cmd.BoardAct:
        """The act with what it applies: given with it, or the newest preview."""
        if command.args:
            return command
        preview = self._of(room).previews
        if not preview:
            raise Refused(Code.NOT_FOUND, "expected a preview to apply, none was made here")
        return msgspec.structs.replace(command, args=preview)

    async def _paired(self, seat: Seat) -> dict[str, Any]:
        room, state = seat.room, seat.room.state
        poll = state.poll
        if poll is None or not state.votes:
            raise Refused(Code.OUT_OF_ORDER, "expected votes to pair by, there are none")
        here = {mid for mid, member in state.present if member.role != "facilitator"}
        ballots = {mid: ballot for mid, ballot in state.votes.items() if mid in here}
        met = {
            frozenset(pair.members): 1
            for pair in state.pairs.values()
            if pair.state == "together" and len(pair.members) == 2
        }
        dice = Dice(dice_key(room.epoch), state.seq)
        pairs = await asyncio.to_thread(differing_pairs, ballots, poll.right, met=met, dice=dice)
        self._of(room).previews = {"pairs": [list(pair) for pair in pairs]}
        told = [{"members": list(pair), "reason": "they voted differently"} for pair in pairs]
        self._preview(seat, "pairs", {"by": "votes", "pairs": told})
        return {"pairs": len(pairs)}

    # --- telling --------------------------------------------------------------------------------

    def _preview(self, seat: Seat, kind: Any, data: dict[str, Any]) -> None:
        self._say(seat.room, encode(Board(seat.room.rid, 0, self._ground.wall_ms(), kind, data)))

    def _say(self, room: Room, frame: bytes | None) -> None:
        if frame is not None and not room.ended:
            for seat in _facilitators(room):
                seat.outbox.say(frame)

    def _of(self, room: Room) -> _Told:
        return self._told.setdefault(room.rid, _Told())

    def seated(self, seat: Seat) -> None:
        """A connection came into a room."""

    def sweep(self, room: Room) -> None:
        """A second has passed."""

    def forget(self, rid: str) -> None:
        """A room is put aside."""
        told = self._told.pop(rid, None)
        if told is not None and told.timer is not None:
            told.timer.cancel()


def _facilitators(room: Room) -> list[Seat]:
    return [seat for seat in room.seats if seat.known and room.state.facilitates(seat.member)]
