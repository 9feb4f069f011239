"""A session's side of its tutor turns: who may speak, in what order, until when.

This file is the one writer of a session's turns: it decides busy, queue and replace, claims the
command id before anybody is paid, and appends exactly one end to each generation.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from engines.feeling.wellbeing import Concern, distress
from protocol import commands as cmd
from protocol.codec import digest
from protocol.errors import Code, Refused
from streaming import deeds
from streaming.alerts import Alert
from streaming.log import CommandId, Ticket
from streaming.overhead import Stamps
from streaming.planning import CANCELLED, SAFETY, Planned, planned_turn
from streaming.providers.base import LlmRequest, Provider, Spent
from streaming.purse import Purse
from streaming.routing import Restarted, Speaker, estimated
from streaming.speaking import summed
from streaming.state import QUEUED_TURNS, Asked, Gen
from streaming.turn import Turn

if TYPE_CHECKING:
    from streaming.session import Session
    from streaming.surroundings import Surroundings


class Talk:
    """The tutor turns of one session; at most one is being said."""

    __slots__ = ("_ground", "_session", "_stamps", "_starts_s", "_turn")

    def __init__(self, session: Session, ground: Surroundings) -> None:
        self._session = session
        self._ground = ground
        self._turn: Turn | None = None
        self._stamps = Stamps(0.0)
        """Of the turn that is being said."""
        self._starts_s: list[float] = []

    # --- commands -----------------------------------------------------------------------------

    def start(self, command: cmd.TurnStart) -> None:
        """Begin a turn, queue it, or put it in the place of the running one."""
        state = self._session.state
        text = command.input if isinstance(command.input, str) else ""
        action = None if isinstance(command.input, str) else command.input.action
        ask = Asked(command.id, text, action, command.item)
        claim = CommandId(command.id, digest(command))
        urgent = bool(text) and distress(text, state.locale) is not None
        if not urgent or self._floods():
            self._admit(command)
        running = state.running
        if command.id in state.plain.cancelled and not urgent:
            self._stillborn(ask, claim)
        elif running is None:
            self._begin(ask, claim)
        elif command.on_busy == "replace" or urgent:
            self._close("superseded", "replaced")
            self._begin(ask, claim)
        elif command.on_busy == "queue" and len(state.plain.queue) < QUEUED_TURNS:
            deed = deeds.TurnAsked(command.id, text, action, command.item)
            self._session.append(deed, claim)
        else:
            waiting = len(state.plain.queue)
            waits = f", {waiting} of {QUEUED_TURNS} wait" if waiting else ""
            raise Refused(Code.BUSY, f"turn {running.gen} is running{waits}")
        self._starts_s.append(self._ground.loop.time())

    def _admit(self, command: cmd.TurnStart) -> None:
        """Raise Refused where this turn may not begin; words of distress are never refused."""
        syllabus, limits = self._session.state.syllabus, self._ground.limits
        if syllabus is None:
            raise Refused(Code.OUT_OF_ORDER, "expected lesson.start first, turn.start came")
        if command.item is not None and command.item not in syllabus.item_index:
            raise Refused(Code.NOT_FOUND, f"this course has no item {command.item!r}")
        if self._floods():
            now_s = self._ground.loop.time()
            wait_ms = int((self._starts_s[0] + 60.0 - now_s) * 1000) + 1
            raise Refused(
                Code.RATE_LIMITED,
                f"{limits.turns_a_min} turns a minute are allowed",
                retry_ms=wait_ms,
            )
        if self._ground.routing.running >= limits.node_turns:
            raise Refused(
                Code.OVERLOADED,
                f"{limits.node_turns} turns are running here, no more are taken",
                retry_ms=OVERLOADED_RETRY_MS,
            )
        self._admit_spending()

    def _floods(self) -> bool:
        """Whether this minute's turns are all begun. An adult who was told so often knows."""
        now_s = self._ground.loop.time()
        self._starts_s = [s for s in self._starts_s if s > now_s - 60.0]
        return len(self._starts_s) >= self._ground.limits.turns_a_min

    def _admit_spending(self) -> None:
        ground = self._ground
        if not ground.rules.refuse_spent or ground.treasury is None:
            return
        if ground.treasury.exhausted(self._session.payer, ground.wall_ms() / 1000):
            raise Refused(Code.BUDGET_SPENT, "the budget for the tutor is spent")

    def cancel(self, command: cmd.TurnCancel) -> None:
        """End the named turn; one that has not come yet is cancelled when it comes."""
        if (command.gen is None) == (command.cmd is None):
            raise Refused(Code.BAD_FRAME, "expected either gen or cmd in turn.cancel")
        state = self._session.state
        running = state.running
        claim = CommandId(command.id, digest(command))
        if running is not None and (command.gen == running.gen or command.cmd == running.cmd):
            seen_i = None if command.seen_i is None else min(command.seen_i, running.next_i)
            self._close("cancelled", "learner", seen_i, command.id, claim)
            self._next()
            return
        if command.cmd is None:
            gen = state.gen(command.gen or "")
            if gen is None:
                raise Refused(Code.NOT_FOUND, f"no generation {command.gen!r} is known")
            raise Refused(Code.GONE, f"generation {gen.gen} ended: {gen.status}")
        ended = next((g for g in state.plain.gens if g.cmd == command.cmd), None)
        if ended is not None:
            raise Refused(Code.GONE, f"generation {ended.gen} ended: {ended.status}")
        waiting = next((a for a in state.plain.queue if a.cmd == command.cmd), None)
        self._session.append(deeds.TurnRefused(command.id, command.cmd), claim)
        if waiting is not None:
            self._stillborn(waiting, None)

    # --- from outside -------------------------------------------------------------------------

    def abandon(self, reason: Literal["abandoned", "drained"]) -> None:
        """End the running turn, and the questions behind it, for want of a listener or a server."""
        for ask in list(self._session.state.plain.queue):
            self._stillborn(ask, None, reason)
        if self._session.state.running is not None:
            self._close("cancelled", reason)

    def lose(self) -> None:
        """The owner of a running turn died: end it with the text it had.

        Two are running where it died between the beginning and the end of a cancelled one. Where
        the learner was in distress it may have died before the alert was stored.
        """
        state = self._session.state
        while (running := state.running) is not None:
            self._close("lost", "owner_lost")
            found = distress(running.input, state.locale) if running.act == SAFETY else None
            if found is not None:
                self._alert(running.gen, running.input, found)
        self._next()

    def stop(self) -> None:
        """Stop speaking without writing anything: the actor has ended."""
        if self._turn is not None:
            self._turn.close()
            self._turn = None

    # --- from the turn ------------------------------------------------------------------------

    def turn_said(self, turn: Turn, text: str) -> None:
        """One chunk of the running turn."""
        if turn is self._turn:
            running = self._session.state.running
            first = running is not None and not running.chunks
            self._session.append(deeds.ChunkSaid(turn.gen, text), urgent=first)

    def turn_switched(self, turn: Turn, piece: Restarted) -> None:
        """Another provider starts anew."""
        if turn is self._turn:
            self._session.append(
                deeds.TurnSwitched(turn.gen, piece.provider, piece.model, piece.reason)
            )

    def turn_ended(self, turn: Turn, status: str, reason: str | None) -> None:
        """The running turn ended by itself."""
        if turn is self._turn:
            self._close(status, reason)
            self._next()

    # --- inside -------------------------------------------------------------------------------

    def _begin(self, ask: Asked, claim: CommandId | None) -> None:
        ground, session = self._ground, self._session
        stamps = self._stamps = Stamps(time.perf_counter())
        plan = planned_turn(session.state, ask, ground.rules, sid=session.sid, secret=ground.secret)
        gen = self._next_gen()
        purse = self._purse(gen)
        asked_of: dict[str, Any] = {
            "session": session.sid,
            "allowed": self._may_call,
            "purse": purse,
        }
        first = ground.routing.first(plan.request, **asked_of)
        ticket = self._started(gen, ask, claim, first, plan)
        speech = partial(
            ground.routing.stream,
            plan.request,
            first,
            screens=plan.screens,
            stamps=stamps,
            **asked_of,
        )
        self._turn = Turn(gen, plan.request, speech, self, ground.loop, ground.limits)
        self._turn.begin(ticket)
        if plan.concern is not None:
            self._alert(gen, ask.text, plan.concern)

    def _next_gen(self) -> str:
        return f"g{self._session.state.plain.turns + 1}"

    def _purse(self, gen: str) -> Purse | None:
        treasury = self._ground.treasury
        if treasury is None:
            return None
        session = self._session
        return treasury.purse_for(session.payer, f"{session.sid}.{gen}", session.say_rates)

    def _may_call(self, provider: Provider) -> bool:
        return self._ground.rules.may_call(provider.name, local=provider.local)

    def _alert(self, gen: str, text: str, found: Concern) -> None:
        if found.level != "explicit":
            return
        session, ground = self._session, self._ground
        learner = session.state.plain.learner or session.sid
        ground.alerts.raise_alert(
            Alert(f"{session.sid}.{gen}", learner, session.sid, found.kind, ground.wall_ms(), text)
        )

    def _stillborn(self, ask: Asked, claim: CommandId | None, reason: str = "learner") -> None:
        """A turn that was given up before it came: it starts and ends, and nobody speaks."""
        gen = self._next_gen()
        unsaid = Planned(LlmRequest((), 0), CANCELLED)
        self._started(gen, ask, claim, self._ground.routing.first(), unsaid)
        self._session.append(deeds.TurnEnded(gen, "cancelled", reason))
        self._ground.nodes.speaking(self._session.sid, on=False)

    def _started(
        self, gen: str, ask: Asked, claim: CommandId | None, first: Speaker, plan: Planned
    ) -> Ticket:
        found = plan.concern
        begun = deeds.TurnBegan(
            gen=gen,
            cmd=ask.cmd,
            text=ask.text,
            action=ask.action,
            item=ask.item,
            provider=first.provider,
            model=first.model,
            source=first.source,
            act=plan.act,
            prefix=plan.prefix,
            masks=dict(plan.masks),
            safety=None if found is None else f"{found.level} {found.kind}".rstrip(),
            unlocks=plan.unlocks,
            keep_turns=self._ground.rules.keep_turns,
        )
        self._ground.nodes.speaking(self._session.sid, on=True)
        return self._session.append(begun, claim, urgent=True)

    def _close(
        self,
        status: str,
        reason: str | None,
        seen_i: int | None = None,
        cmd_id: str | None = None,
        claim: CommandId | None = None,
    ) -> None:
        running = self._session.state.running
        assert running is not None
        ttft_ms = self._turn.ttft_ms if self._turn is not None else 0.0
        spent = self._spent(running)
        # First the mark, then the task: a chunk that is on its way finds the turn closed.
        self.stop()
        self._session.append(
            deeds.TurnEnded(
                gen=running.gen,
                status=status,
                reason=reason,
                ttft_ms=ttft_ms,
                tokens=(spent.input, spent.output, spent.cached_in) if spent else None,
                estimated=spent.estimated if spent else False,
                micro_usd=spent.micro_usd if spent else None,
                seen_i=seen_i,
                cmd=cmd_id,
            ),
            claim,
        )
        self._ground.nodes.speaking(self._session.sid, on=False)
        self._ground.gauges.turn_ended(running.source, status, ttft_ms)

    def _spent(self, running: Gen) -> Spent | None:
        """What the turn cost: what was counted, and an estimate for a model that is cut off."""
        turn = self._turn
        if turn is None:
            return None
        if turn.closed or running.source != "llm" or not self._stamps.made:
            return turn.spent
        cut_off = self._priced(estimated(turn.request, running.text), running)
        return cut_off if turn.spent is None else summed(turn.spent, cut_off)

    def _priced(self, spent: Spent, running: Gen) -> Spent:
        treasury = self._ground.treasury
        price = treasury and treasury.prices.of(running.provider, running.model)
        if not price:
            return spent
        return msgspec.structs.replace(spent, micro_usd=price.cost(spent))

    def _next(self) -> None:
        queue = self._session.state.plain.queue
        if queue and self._session.state.running is None and not self._session.ended:
            self._begin(queue[0], None)


OVERLOADED_RETRY_MS = 1_000
"""When a turn that found the node full may be asked for again."""
