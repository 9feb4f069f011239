"""The tutor turns of a room, on the node that speaks them. This file begins, feeds and ends them.

Whether a turn may begin is decided at its place in the room's log; then the node whose entry that
was speaks it. Chunks wait like everything else for the node's next batch.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from engines.modes.policies import policy_of
from engines.words import Instance
from protocol import commands as cmd
from protocol.errors import Code, Refused
from streaming import room_deeds as deeds
from streaming.outbox import STORED
from streaming.overhead import Stamps
from streaming.planning import seen_of
from streaming.providers.base import Provider, Spent
from streaming.purse import Payer, Purse
from streaming.room import log_of
from streaming.room_prompt import PlannedTurn, planned_room_turn
from streaming.room_state import Gen, RoomState
from streaming.routing import Restarted, Speaker, estimated
from streaming.speaking import summed
from streaming.turn import Turn

if TYPE_CHECKING:
    from streaming.mirror import Mirror
    from streaming.revival import Seen
    from streaming.room import Room
    from streaming.session import Session
    from streaming.state import SessionState
    from streaming.surroundings import Surroundings

OVERLOADED_RETRY_MS = 1_000
"""When a turn that found the node full may be asked for again."""


class Learners(Protocol):
    """The learners of this node, as a room may look at them."""

    def live(self, sid: str) -> SessionState | None:
        """The state of a session that lives here, or is followed here; None elsewhere."""
        ...

    async def look(self, sid: str) -> Seen:
        """A session as it stands, wherever it lives. Raises `StoreUnavailable`."""
        ...

    async def session(self, sid: str) -> Session | Mirror:
        """A session's actor, taken up where it lives nowhere; a mirror of one elsewhere.

        Raises `StoreUnavailable`, and Refused where other nodes take it up.
        """
        ...


class _Ready:
    """A turn that was planned, until its entry is stored."""

    __slots__ = ("by", "first", "plan", "purse", "stamps")

    def __init__(
        self, by: deeds.By, plan: PlannedTurn, first: Speaker, purse: Purse | None, stamps: Stamps
    ) -> None:
        self.by = by
        self.plan = plan
        self.first = first
        self.purse = purse
        self.stamps = stamps


class RoomTalk:
    """The room's tutor on this node: a `streaming.room.Voice`."""

    def __init__(self, room: Room, ground: Surroundings, node: str, learners: Learners) -> None:
        self._room = room
        self._ground = ground
        self._node = node
        self._learners = learners
        self._ready: dict[str, _Ready] = {}
        self._turn: Turn | None = None
        self._stamps = Stamps(0.0)
        self._said = 0
        """Chunks and restarts of the running turn so far."""

    @property
    def speaking(self) -> bool:
        """Whether a turn is being said here."""
        return self._turn is not None

    # --- beginning ------------------------------------------------------------------------------

    def planned(self, state: RoomState, given: cmd.RoomAsk, by: deeds.By) -> deeds.TurnBegan:
        """Plan a turn; raises Refused where none may begin. It begins once its entry is stored."""
        ground = self._ground
        payer = self._payer(state, by.member)
        self._admit(payer)
        text = given.input.strip() if isinstance(given.input, str) else ""
        action = None if isinstance(given.input, str) else given.input.action
        stamps = Stamps(time.perf_counter())
        key = ground.secret[:32] + state.rid.encode()[:32]
        plan = planned_room_turn(
            state, by.member, text, action, self._locked(state), ground.rules, key
        )
        gen = f"g{state.turns + 1}"
        purse = None
        if ground.treasury is not None:
            purse = ground.treasury.purse_for(payer, f"{state.rid}.{gen}")
        first = ground.routing.first(
            plan.request, session=state.rid, allowed=self._may_call, purse=purse
        )
        self._ready[gen] = _Ready(by, plan, first, purse, stamps)
        return deeds.TurnBegan(
            by, gen, text, action, first.provider, first.model, first.source, plan.act, self._node
        )

    def _admit(self, payer: Payer) -> None:
        ground = self._ground
        if ground.routing.running >= ground.limits.node_turns:
            raise Refused(
                Code.OVERLOADED,
                f"{ground.limits.node_turns} turns are running here, no more are taken",
                retry_ms=OVERLOADED_RETRY_MS,
            )
        treasury = ground.treasury
        if not ground.rules.refuse_spent or treasury is None:
            return
        if treasury.exhausted(payer, ground.wall_ms() / 1000):
            raise Refused(Code.BUDGET_SPENT, "the room's budget for the tutor is spent")

    def _payer(self, state: RoomState, member: str) -> Payer:
        return Payer(state.members[member].sid, self._ground.rules.tenant, state.rid)

    def _locked(self, state: RoomState) -> list[Instance]:
        """The open items whose answers are locked for a member, as far as they live here."""
        found = []
        for member in state.members.values():
            there = self._learners.live(member.sid)
            if there is None or there.instance is None or there.plain.open is None:
                continue
            if policy_of(there.plain.mode).locked(seen_of(there)):
                found.append(there.instance)
        return found

    def _may_call(self, provider: Provider) -> bool:
        return self._ground.rules.may_call(provider.name, local=provider.local)

    # --- speaking -------------------------------------------------------------------------------

    def stored(self, deed: deeds.AnyDeed) -> None:
        """An entry is stored: speak the turn of ours that it began, be silent behind its end."""
        if isinstance(deed, deeds.TurnBegan):
            ready = self._ready.pop(deed.gen, None)
            self._ready.clear()
            if ready is not None and (deed.node, deed.by) == (self._node, ready.by):
                self._begin(deed.gen, ready)
        elif isinstance(deed, deeds.TurnEnded):
            self._ended(deed)

    def _begin(self, gen: str, ready: _Ready) -> None:
        ground = self._ground
        asked_of: dict[str, Any] = {
            "session": self._room.rid,
            "allowed": self._may_call,
            "purse": ready.purse,
        }
        request = ready.plan.request
        speech = partial(
            ground.routing.stream,
            request,
            ready.first,
            screens=ready.plan.screens,
            stamps=ready.stamps,
            **asked_of,
        )
        self._stamps = ready.stamps
        self._said = 0
        self._turn = Turn(gen, request, speech, self, ground.loop, ground.limits)
        ground.nodes.speaking(log_of(self._room.rid), on=True)
        self._turn.begin(STORED)

    def turn_said(self, turn: Turn, text: str) -> None:
        """One chunk of the running turn."""
        if turn is self._turn:
            self._said += 1
            self._room.give(deeds.ChunkSaid(turn.gen, text, self._said))

    def turn_switched(self, turn: Turn, piece: Restarted) -> None:
        """Another provider starts anew."""
        if turn is self._turn:
            self._said += 1
            self._room.give(
                deeds.TurnSwitched(turn.gen, piece.provider, piece.model, piece.reason, self._said)
            )

    def turn_ended(self, turn: Turn, status: str, reason: str | None) -> None:
        """The running turn ended by itself."""
        if turn is self._turn:
            self._close(turn, status, reason)

    def give_up(self, reason: str) -> None:
        """End the running turn, for want of a listener or a server."""
        if self._turn is not None:
            self._close(self._turn, "cancelled", reason)

    def stop(self) -> None:
        """Say nothing any more; the log is told by who takes the room up."""
        self._ready.clear()
        if self._turn is not None:
            self._turn.close()
            self._quiet()

    # --- ending ---------------------------------------------------------------------------------

    def _close(self, turn: Turn, status: str, reason: str | None) -> None:
        gen = self._room.state.gens.get(turn.gen)
        spent = self._spent(turn, gen)
        ttft_ms = turn.ttft_ms
        turn.close()
        self._quiet()
        self._room.give(
            deeds.TurnEnded(
                turn.gen,
                status,
                reason,
                ttft_ms,
                tokens=(spent.input, spent.output, spent.cached_in) if spent else None,
                estimated=spent.estimated if spent else False,
                micro_usd=spent.micro_usd if spent else None,
            )
        )
        source = gen.source if gen is not None else "builtin"
        self._ground.gauges.turn_ended(source, status, ttft_ms)

    def _quiet(self) -> None:
        self._turn = None
        self._ground.nodes.speaking(log_of(self._room.rid), on=False)

    def _ended(self, deed: deeds.TurnEnded) -> None:
        """Another end came first, of a node that took ours for dead."""
        turn = self._turn
        if turn is not None and turn.gen == deed.gen:
            turn.close()
            self._quiet()

    def _spent(self, turn: Turn, gen: Gen | None) -> Spent | None:
        """What the turn cost: what was counted, and an estimate for a model that is cut off."""
        if gen is None or turn.closed or gen.source != "llm" or not self._stamps.made:
            return turn.spent
        cut_off = estimated(turn.request, gen.text)
        treasury = self._ground.treasury
        price = treasury and treasury.prices.of(gen.provider, gen.model)
        if price:
            cut_off = msgspec.structs.replace(cut_off, micro_usd=price.cost(cut_off))
        return cut_off if turn.spent is None else summed(turn.spent, cut_off)
