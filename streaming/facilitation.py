"""What only a facilitator is told of a room, and the acts that are theirs. This file is that glue.

Nothing here has a place in the room's log: totals, previews of pairs and groups, who helps whom,
how the talk is shared. It replaces what was told before (`q` 0) and goes to the connections of
facilitators alone. A preview is told to the members only when a facilitator applies it; then it is
a deed of the room like any other. Rows of who improved go to those alone who asked for them.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from engines import facilitator
from engines.group.instruction import differing_pairs, suggested
from engines.group.leader import relative_rows
from engines.maths.dice import Dice
from protocol import commands as cmd
from protocol.codec import encode
from protocol.errors import Code, Refused
from protocol.events import Board, RoomEvent
from streaming import room_deeds as deeds
from streaming.fold import dice_key
from streaming.mastered import Progress, progress_of
from streaming.room_polls import polls_offered
from streaming.room_reveal import tallies
from streaming.room_state import RoomState

if TYPE_CHECKING:
    from streaming.room import Room
    from streaming.room_talk import Learners
    from streaming.seats import Seat
    from streaming.surroundings import Surroundings

TALK_S = 15.0
"""How often the balance of talk is looked at."""
NETWORK_S = 60.0
"""How often the help network is told anew where it has changed."""
LEADER_S = 60.0
"""How often rows of who improved are told anew."""
WEEK_MS = 7 * 86_400_000
GROUP_SIZES = (2, 6)
OPTED_IN = "boards"
"""The preference of a learner's session by which rows of others are asked for, and told."""

_VOTING = (deeds.Voted, deeds.PollOpened, deeds.RoundOpened, deeds.RoundClosed)


class _Told:
    """What was told of one room lately, by this node."""

    __slots__ = ("due_s", "preview", "sittings", "timer", "totals_at_s")

    def __init__(self) -> None:
        self.totals_at_s = float("-inf")
        self.timer: asyncio.TimerHandle | None = None
        self.preview: dict[str, Any] = {}
        """The newest preview, as `board.act` would take it."""
        self.due_s: dict[str, float] = {}
        self.sittings: list[list[list[str]]] = []
        """Groups that were applied, the newest last."""


class Facilitation:
    """The facilitators of this node's rooms."""

    def __init__(self, ground: Surroundings, learners: Learners) -> None:
        self._ground = ground
        self._learners = learners
        self._told: dict[str, _Told] = {}

    # --- totals ---------------------------------------------------------------------------------

    def heard(self, room: Room, done: list[deeds.AnyDeed]) -> None:
        """Deeds were folded: tell the new totals, at most four times a second."""
        for deed in done:
            if isinstance(deed, deeds.Grouped) and deed.groups is not None:
                told = self._of(room)
                told.sittings.append([list(group.members) for group in deed.groups])
                del told.sittings[:-3]
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
        room = seat.room
        if not room.state.facilitates(seat.member):
            return
        frames = [self._totals(room.state), self._network(room), self._talk(room)]
        for frame in frames:
            if frame is not None:
                seat.outbox.say(frame)

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

    # --- talk and help --------------------------------------------------------------------------

    def sweep(self, room: Room) -> None:
        """A second has passed: tell what is due and has changed."""
        now_s = self._ground.loop.time()
        told = self._of(room)
        for what, every_s in (("talk", TALK_S), ("network", NETWORK_S), ("leader", LEADER_S)):
            if now_s < told.due_s.setdefault(what, now_s + every_s):
                continue
            told.due_s[what] = now_s + every_s
            if what == "leader":
                self.tell_leaders(room)
            elif _facilitators(room):
                self._say(room, self._talk(room) if what == "talk" else self._network(room))

    def _talk(self, room: Room) -> bytes | None:
        state, now_ms = room.state, self._ground.wall_ms()
        members = _learners_in(state)
        turns = [(mid, at_ms / 1000) for mid, at_ms in state.talk if mid in members]
        if not turns:
            return None
        found = facilitator.talk(turns, members, now_ms / 1000)
        return self._board(room, "talk", msgspec.to_builtins(found))

    def _network(self, room: Room) -> bytes | None:
        state, now_ms = room.state, self._ground.wall_ms()
        members = _learners_in(state)
        edges = [
            (thank.helper, thank.helped, thank.at_ms / 1000)
            for thank in state.thanks
            if thank.helper in members and thank.helped in members
        ]
        found = facilitator.network(edges, members, now_ms / 1000)
        return self._board(room, "network", msgspec.to_builtins(found))

    # --- who improved ---------------------------------------------------------------------------

    def seated(self, seat: Seat) -> None:
        """A connection came into a room: what its learner has mastered now is where they began."""
        found = self._progress(seat)
        if found is not None:
            seat.began_with = found

    def tell_leaders(self, room: Room) -> None:
        """Rows of those who opted in, to each of them; all others are in none."""
        gains: dict[str, float] = {}
        opted: dict[str, list[Seat]] = {}
        for seat in room.seats:
            there = self._learners.live(seat.who.sid)
            if not seat.known or there is None or there.plain.prefs.get(OPTED_IN) is not True:
                continue
            now = progress_of(there)
            if seat.began_with is None or seat.began_with.course != now.course:
                seat.began_with = now
            gains[seat.member] = now.gain_since(seat.began_with)
            opted.setdefault(seat.member, []).append(seat)
        names = {mid: room.state.members[mid].name for mid in gains if mid in room.state.members}
        gains = {mid: gain for mid, gain in gains.items() if mid in names}
        for mid in gains:
            rows = relative_rows(gains, mid, names, frozenset(gains))
            if rows:
                data = {"rows": [{"name": r.name, "gain": r.gain, "you": r.me} for r in rows]}
                event = RoomEvent(room.rid, 0, self._ground.wall_ms(), "leader", data)
                for seat in opted[mid]:
                    seat.outbox.say(encode(event))

    def _progress(self, seat: Seat) -> Progress | None:
        there = self._learners.live(seat.who.sid)
        return None if there is None else progress_of(there)

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
            polls = polls_offered(self._ground.catalogue)
            return {"watching": seat.room.rid, **({"polls": polls} if polls else {})}
        if command.act == "apply":
            return self._applied(seat.room, command)
        if command.act == "pair":
            return await self._paired(seat.room, command.args)
        if command.act == "group":
            return await self._grouped(seat.room, command.args)
        raise Refused(
            Code.BAD_FRAME,
            f"field `act`: expected pair, group or apply in a room, came {command.act}",
        )

    def _applied(self, room: Room, command: cmd.BoardAct) -> cmd.BoardAct:
        """The act with what it applies: given with it, or the newest preview."""
        if command.args:
            return command
        preview = self._of(room).preview
        if not preview:
            raise Refused(Code.NOT_FOUND, "expected a preview to apply, none was made here")
        return msgspec.structs.replace(command, args=preview)

    async def _paired(self, room: Room, args: dict[str, Any]) -> dict[str, Any]:
        """Pairs who voted differently; without votes, or `by: tutors`, one who can help another."""
        by = args.get("by", "votes" if room.state.votes else "tutors")
        if by not in ("votes", "tutors"):
            raise Refused(
                Code.BAD_FRAME, f"field `args.by`: expected votes or tutors, came {by!r:.40}"
            )
        pairs = await (self._by_votes(room) if by == "votes" else self._by_mastery(room))
        self._of(room).preview = {"pairs": [{"members": pair["members"]} for pair in pairs]}
        self._say(room, self._board(room, "pairs", {"by": by, "pairs": pairs}))
        return {"pairs": len(pairs)}

    async def _by_votes(self, room: Room) -> list[dict[str, Any]]:
        state = room.state
        here = _learners_in(state)
        ballots = {mid: ballot for mid, ballot in state.votes.items() if mid in here}
        if state.poll is None or not ballots:
            raise Refused(Code.OUT_OF_ORDER, "expected votes to pair by, there are none")
        met = {
            frozenset(pair.members): 1
            for pair in state.pairs.values()
            if pair.state == "together" and len(pair.members) == 2
        }
        dice = Dice(dice_key(room.epoch), state.seq)
        right = state.poll.right
        pairs = await asyncio.to_thread(differing_pairs, ballots, right, met=met, dice=dice)
        return [{"members": list(pair), "reason": _differ(pair, ballots)} for pair in pairs]

    async def _by_mastery(self, room: Room) -> list[dict[str, Any]]:
        state = room.state
        progress = await self._all_progress(room)
        since_ms = self._ground.wall_ms() - WEEK_MS
        helped: dict[str, int] = {}
        for thank in state.thanks:
            if thank.at_ms > since_ms:
                helped[thank.helper] = helped.get(thank.helper, 0) + 1
        titles = {skill: title for p in progress.values() for skill, title in p.titles.items()}
        work = partial(
            facilitator.tutors,
            {mid: p.learnt for mid, p in progress.items()},
            {mid: p.stuck_on for mid, p in progress.items() if p.stuck_on is not None},
            list(progress),
            helped,
            names=_names(state),
            titles=titles,
        )
        return [
            {
                "members": [pair.tutor, pair.learner],
                "reason": pair.reason.text,
                "skill": pair.skill,
            }
            for pair in await asyncio.to_thread(work)
        ]

    async def _grouped(self, room: Room, args: dict[str, Any]) -> dict[str, Any]:
        """Groups of members who have what the others lack; `locks` and `apart` are kept."""
        size = args.get("size", 4)
        least, most = GROUP_SIZES
        if not isinstance(size, int) or isinstance(size, bool) or not least <= size <= most:
            raise Refused(
                Code.BAD_FRAME, f"field `args.size`: expected {least} to {most}, came {size!r:.40}"
            )
        progress = await self._all_progress(room)
        if len(progress) < least:
            raise Refused(Code.OUT_OF_ORDER, f"expected {least} learners or more to group")
        titles = {skill: title for p in progress.values() for skill, title in p.titles.items()}
        work = partial(
            facilitator.groups,
            {mid: p.learnt for mid, p in progress.items()},
            size,
            together=_pairs_of(args, "together"),
            apart=_pairs_of(args, "apart"),
            history=self._of(room).sittings,
            locks=_lists_of(args, "locks"),
            seed=(dice_key(room.epoch) + room.state.seq) % 2**64,
            names=_names(room.state),
            titles=titles,
        )
        try:
            found = await asyncio.to_thread(work)
        except ValueError as error:
            raise Refused(Code.BAD_FRAME, f"no such groups: {error}") from None
        groups = [
            {"members": list(members), "reason": why.text}
            for members, why in zip(found.groups, found.reasons, strict=True)
        ]
        self._of(room).preview = {"groups": groups}
        data = {"groups": groups, "score": found.score, "terms": dict(found.terms)}
        self._say(room, self._board(room, "groups", data))
        return {"groups": len(groups)}

    async def _all_progress(self, room: Room) -> dict[str, Progress]:
        """What every learner who is here has mastered, wherever their session lives."""
        found = {}
        for mid in _learners_in(room.state):
            sid = room.state.members[mid].sid
            there = self._learners.live(sid) or (await self._learners.look(sid)).state
            found[mid] = progress_of(there)
        return found

    # --- telling --------------------------------------------------------------------------------

    def _board(self, room: Room, kind: Any, data: Any) -> bytes:
        return encode(Board(room.rid, 0, self._ground.wall_ms(), kind, data))

    def _say(self, room: Room, frame: bytes | None) -> None:
        if frame is not None and not room.ended:
            for seat in _facilitators(room):
                seat.outbox.say(frame)

    def _of(self, room: Room) -> _Told:
        return self._told.setdefault(room.rid, _Told())

    def forget(self, rid: str) -> None:
        """A room is put aside."""
        told = self._told.pop(rid, None)
        if told is not None and told.timer is not None:
            told.timer.cancel()


def _facilitators(room: Room) -> list[Seat]:
    return [seat for seat in room.seats if seat.known and room.state.facilitates(seat.member)]


def _learners_in(state: RoomState) -> list[str]:
    """Who is here and no facilitator."""
    return [mid for mid, member in state.present if member.role != "facilitator"]


def _names(state: RoomState) -> dict[str, str]:
    return {mid: member.name for mid, member in state.members.items()}


def _differ(pair: tuple[str, ...], ballots: Any) -> str:
    alike = len({ballots[member].choice for member in pair}) == 1
    return "Nobody else was left" if alike else "They voted differently"


def _lists_of(args: dict[str, Any], field: str) -> list[list[str]]:
    found = args.get(field, [])
    good = isinstance(found, list) and all(
        isinstance(one, list) and all(isinstance(member, str) for member in one) for one in found
    )
    if not good:
        raise Refused(
            Code.BAD_FRAME,
            f"field `args.{field}`: expected lists of member ids, came {found!r:.80}",
        )
    return found  # type: ignore[no-any-return]  # looked through above


def _pairs_of(args: dict[str, Any], field: str) -> list[tuple[str, str]]:
    found = _lists_of(args, field)
    if any(len(one) != 2 for one in found):
        raise Refused(Code.BAD_FRAME, f"field `args.{field}`: expected pairs, came {found!r:.80}")
    return [(one[0], one[1]) for one in found]
