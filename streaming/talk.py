"""A session's side of its tutor turns: who may speak, in what order, until when.

This file is the one writer of a session's turns: it decides busy, queue and replace, claims the
command id before anybody is paid, and appends exactly one end to each generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from engines.exercises.explain import explained
from engines.exercises.hints import hint
from engines.tutoring import planned_act
from engines.words import Seen
from protocol import commands as cmd
from protocol.codec import digest
from protocol.errors import Code, Refused
from streaming import deeds
from streaming.log import CommandId, Ticket
from streaming.prompt import asked
from streaming.providers.base import LlmRequest, Spent
from streaming.routing import Restarted, Speaker, estimated
from streaming.state import QUEUED_TURNS, Asked, Gen
from streaming.turn import Turn

if TYPE_CHECKING:
    from streaming.session import Session, Surroundings


class Talk:
    """The tutor turns of one session; at most one is being said."""

    __slots__ = ("_ground", "_session", "_starts_s", "_turn")

    def __init__(self, session: Session, ground: Surroundings) -> None:
        self._session = session
        self._ground = ground
        self._turn: Turn | None = None
        self._starts_s: list[float] = []

    # --- commands -----------------------------------------------------------------------------

    def start(self, command: cmd.TurnStart) -> None:
        """Begin a turn, queue it, or put it in the place of the running one."""
        plain = self._session.state.plain
        text = command.input if isinstance(command.input, str) else ""
        action = None if isinstance(command.input, str) else command.input.action
        ask = Asked(command.id, text, action, command.item)
        self._admit(command)
        claim = CommandId(command.id, digest(command))
        running = self._session.state.running
        if command.id in plain.cancelled:
            self._stillborn(ask, claim)
        elif running is None:
            self._begin(ask, claim)
        elif command.on_busy == "replace":
            self._close("superseded", "replaced")
            self._begin(ask, claim)
        elif command.on_busy == "queue" and len(plain.queue) < QUEUED_TURNS:
            deed = deeds.TurnAsked(command.id, text, action, command.item)
            self._session.append(deed, claim)
        else:
            waits = f", {len(plain.queue)} of {QUEUED_TURNS} wait" if plain.queue else ""
            raise Refused(Code.BUSY, f"turn {running.gen} is running{waits}")
        self._starts_s.append(self._ground.loop.time())

    def _admit(self, command: cmd.TurnStart) -> None:
        session, limits = self._session, self._ground.limits
        if session.state.syllabus is None:
            raise Refused(Code.OUT_OF_ORDER, "expected lesson.start first, turn.start came")
        if command.item is not None and command.item not in session.state.syllabus.item_index:
            raise Refused(Code.NOT_FOUND, f"this course has no item {command.item!r}")
        now_s = self._ground.loop.time()
        self._starts_s = [s for s in self._starts_s if s > now_s - 60.0]
        if len(self._starts_s) >= limits.turns_a_min:
            wait_ms = int((self._starts_s[0] + 60.0 - now_s) * 1000) + 1
            raise Refused(
                Code.RATE_LIMITED,
                f"{limits.turns_a_min} turns a minute are allowed",
                retry_ms=wait_ms,
            )

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

        Two are running where it died between the beginning and the end of a cancelled one.
        """
        while self._session.state.running is not None:
            self._close("lost", "owner_lost")
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
            self._session.append(deeds.ChunkSaid(turn.gen, text))

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
        ground = self._ground
        request, act = self._request(ask)
        first = ground.routing.first(request)
        gen, ticket = self._started(ask, claim, first, act)
        self._turn = Turn(gen, request, first, ground.routing, self, ground.loop, ground.limits)
        self._turn.begin(ticket)

    def _stillborn(self, ask: Asked, claim: CommandId | None, reason: str = "learner") -> None:
        """A turn that was given up before it came: it starts and ends, and nobody speaks."""
        gen, _ = self._started(ask, claim, self._ground.routing.first(), "cancelled")
        self._session.append(deeds.TurnEnded(gen, "cancelled", reason))

    def _started(
        self, ask: Asked, claim: CommandId | None, first: Speaker, act: str
    ) -> tuple[str, Ticket]:
        gen = f"g{self._session.state.plain.turns + 1}"
        begun = deeds.TurnBegan(
            gen=gen,
            cmd=ask.cmd,
            text=ask.text,
            action=ask.action,
            item=ask.item,
            provider=first.provider,
            model=first.model,
            source=first.source,
            act=act,
        )
        return gen, self._session.append(begun, claim)

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
        self._ground.gauges.turn_ended(running.source, status, ttft_ms)

    def _spent(self, running: Gen) -> Spent | None:
        """What the turn cost; estimated where a model spoke and nobody counted."""
        if self._turn is None:
            return None
        if self._turn.spent is None and running.source == "llm":
            return estimated(self._turn.request, running.text)
        return self._turn.spent

    def _next(self) -> None:
        queue = self._session.state.plain.queue
        if queue and self._session.state.running is None and not self._session.ended:
            self._begin(queue[0], None)

    def _request(self, ask: Asked) -> tuple[LlmRequest, str]:
        session = self._session
        state = session.state
        assert state.instance is not None
        seen = self._seen()
        act = planned_act(ask.action or ask.text, seen)
        text = explained(
            act,
            state.instance,
            seen,
            turn_no=state.plain.turns + 1,
            key_unlocked=self._unlocked(),
        )
        return asked(state, ask, act, text, key_unlocked=self._unlocked()), str(act)

    def _unlocked(self) -> bool:
        """Whether the key may be said: the learner has seen it in the steps or the last hint."""
        shown = self._session.state.plain.open
        instance = self._session.state.instance
        if shown is None or instance is None or self._session.state.plain.mode == "exam":
            return False
        if shown.steps_shown:
            return True
        return shown.hints > 0 and hint(instance, shown.hints)[1].level == "bottom-out"

    def _seen(self) -> Seen:
        state = self._session.state
        shown = state.plain.open
        assert shown is not None
        assert state.instance is not None
        texts = tuple(hint(state.instance, n)[0] for n in range(1, shown.hints + 1))
        return Seen(
            attempts=shown.attempts,
            verdict=shown.verdict,
            misconception=shown.misconception,
            hints_used=shown.hints,
            hint_texts=texts,
            steps_shown=shown.steps_shown,
            mode=state.plain.mode,
            acts=tuple(g.act for g in state.plain.gens),
        )
