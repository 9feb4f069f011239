"""A study room as it lives on one node. This file takes batches to the log and frames to members.

A room has no owner: every node folds the same log, and each may append to it. What waits here is
tried as one batch on a copy of the state; where another node's entries came first (`OutOfOrder`)
they are folded and the batch is tried again behind them. One append is in flight at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from protocol import commands as cmd
from protocol.codec import decode_event
from protocol.errors import Close, Code, Refused
from protocol.events import Delta
from streaming import room_deeds as deeds
from streaming.log import ROOM, Claim, Entry, Fenced, News, OutOfOrder, StoreUnavailable, Ticket
from streaming.outbox import Out, Outbox, Parcel
from streaming.room_acts import after_round
from streaming.room_batch import Batch, Given, Op
from streaming.room_fold import folded
from streaming.room_state import RoomState

if TYPE_CHECKING:
    from streaming.log import Subscription
    from streaming.seats import Seat
    from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)

AGAIN_S = 1.0
"""When a batch is tried again after the store did not take it."""
_DELTA = b'{"t":"delta"'


def log_of(rid: str) -> str:
    """The name of a room's log."""
    return ROOM + rid


class Voice(Protocol):
    """The room's tutor on this node."""

    @property
    def speaking(self) -> bool:
        """Whether a turn is being said here."""
        ...

    def planned(self, state: RoomState, given: cmd.RoomAsk, by: deeds.By) -> deeds.TurnBegan:
        """Plan a turn; raises Refused where none may begin."""
        ...

    def stored(self, deed: deeds.AnyDeed) -> None:
        """A deed is stored, ours or another node's: what we planned with it may be said now."""
        ...

    def stop(self) -> None:
        """Say nothing any more."""
        ...


Watcher = Callable[["Room", list[deeds.AnyDeed]], None]
"""Hears of deeds that were folded, own ones and others'."""


class Room:
    """One room on one node. `ended` is set once it must not be used any more."""

    def __init__(
        self,
        state: RoomState,
        claim: Claim,
        ground: Surroundings,
        *,
        on_end: Callable[[Room, Exception | None], None],
        watch: Watcher,
    ) -> None:
        self.state = state
        self.rid = state.rid
        self.epoch = claim.epoch
        self.term = claim.term
        self.seats: list[Seat] = []
        self.ended = False
        self.emptied_at_s = ground.loop.time()
        self.saved_seq = state.seq
        self.appended = 0
        """Entries that this node has appended."""
        self.revealed: set[int] = set()
        """Places of the reveals among them."""
        self.voice: Voice
        self._ground = ground
        self._on_end = on_end
        self._watch = watch
        self._queue: list[Op] = []
        self._trying: list[Op] = []
        self._busy = False
        self._flush: asyncio.Handle | None = None
        self._flush_at_s = float("inf")
        self._closing: asyncio.TimerHandle | None = None
        self._closing_of: tuple[str, int] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._unread = False
        self._subscription: Subscription | None = None
        self._outboxes: list[Outbox] = []
        """Of `seats`, in their order."""
        self._fans: deque[tuple[Parcel, deque[Outbox]]] = deque()
        self._hints = 0
        self._hints_since_s = float("-inf")

    # --- hearing ------------------------------------------------------------------------------

    def give(self, op: Op) -> None:
        """Something waits: it goes with the next batch, at once or gathered with others."""
        if self.ended:
            return
        self._queue.append(op)
        delay_s = self._gather_s() if _gathers(op) else 0.0
        self._flush_in(delay_s)

    def _gather_s(self) -> float:
        """How long votes and moves wait for more; never beyond the end of a round."""
        limits, state = self._ground.limits, self.state
        here = len(list(islice(state.present, limits.room_gather_above + 1)))
        if here <= limits.room_gather_above:
            return 0.0
        delay_s = limits.room_gather_ms / 1000
        closes_at = state.poll.closes_at if state.poll is not None else None
        if closes_at is not None and closes_at - self._ground.wall_ms() < 2 * delay_s * 1000:
            return 0.0  # a loop that is a little late must not make late what came in time
        return delay_s

    def _flush_in(self, delay_s: float) -> None:
        loop = self._ground.loop
        at_s = loop.time() + delay_s
        if self._flush is not None:
            if self._flush_at_s <= at_s:
                return
            self._flush.cancel()
        self._flush_at_s = at_s
        self._flush = (
            loop.call_later(delay_s, self._flushed) if delay_s else loop.call_soon(self._flushed)
        )

    def _flushed(self) -> None:
        self._flush = None
        self._try()

    # --- one batch ----------------------------------------------------------------------------

    def _try(self) -> None:
        waits = self._queue or self._trying
        if self._busy or self._reading is not None or self.ended or not waits:
            return
        ops = self._trying = [*self._trying, *self._queue]
        self._queue = []
        at_ms = max(self.state.at_ms, self._ground.wall_ms())
        batch = Batch(self.state.copied(), at_ms, self.voice.planned)
        try:
            batch.run(ops)
        except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, the clients resume
            self.fail(error)
            return
        if not batch.entries:
            self._trying = []
            _told(batch)
            return
        self._busy = True
        ticket = self._ground.log.append(
            log_of(self.rid), self.term, None, batch.entries, urgent=batch.urgent
        )
        ticket.hear(lambda ticket: self._resolved(ticket, batch))

    def _resolved(self, ticket: Ticket, batch: Batch) -> None:
        self._busy = False
        if self.ended:
            return
        error = ticket.error
        if error is None:
            self._trying = []
            self._stored(batch)
        elif isinstance(error, OutOfOrder):
            self.look()
            return
        elif isinstance(error, StoreUnavailable):
            self._unavailable(error)
            return
        else:
            self.fail(error)
            return
        self._try()

    def _stored(self, batch: Batch) -> None:
        head = self.state.seq
        self.appended += len(batch.entries)
        self.revealed.update(
            entry.seq
            for entry, deed in zip(batch.entries, batch.deeds, strict=True)
            if isinstance(deed, deeds.RoundClosed) and deed.then == "reveal"
        )
        if batch.state.seq > head:
            self.state = batch.state
            self.state.settle()
        fresh = [n for n, entry in enumerate(batch.entries) if entry.seq > head]
        self._folded([batch.outs[n] for n in fresh], [batch.deeds[n] for n in fresh])
        _told(batch)

    def _unavailable(self, error: StoreUnavailable) -> None:
        """Nobody knows whether it was stored: commands may come again, the rest is kept."""
        _LOG.warning("room %s: a batch was not stored: %s", self.rid, error)
        kept: list[Op] = []
        for op in self._trying:
            if isinstance(op, Given):
                refused = Refused(
                    Code.STORE_UNAVAILABLE, "the store does not answer", re=op.command.id
                )
                refused.retry_ms = int(AGAIN_S * 1000)
                op.told(refused, 0, False)
            else:
                kept.append(op)
        self._trying = kept
        self._busy = True
        self._ground.loop.call_later(AGAIN_S, self._again)

    def _again(self) -> None:
        self._busy = False
        self.look()

    # --- the log ------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Subscribe, then fold what came meanwhile.

        Raises `StoreUnavailable`, also where the room ended by what it heard.
        """
        self._subscription = await self._ground.log.subscribe(log_of(self.rid), self._hear)
        self._busy = True
        try:
            await self._read()
        finally:
            self._busy = False
            if self.ended:  # perhaps before there was a subscription to close
                self._subscription.close()
        if self.ended:
            raise StoreUnavailable(f"room {self.rid} ended while its log was read")
        self._time_round()

    def _hear(self, news: News) -> None:
        if self.ended:
            return
        if news.epoch not in ("", self.epoch):
            self.fail(StoreUnavailable(f"the log of {self.rid} began anew"))
            return
        fresh = sorted((e for e in news.entries if e.seq > self.state.seq), key=lambda e: e.seq)
        if fresh and fresh[0].seq == self.state.seq + 1:
            self._take(fresh)
            fresh = [e for e in fresh if e.seq > self.state.seq]
        if fresh or not news.entries:
            self.look()

    def look(self) -> None:
        """Read what the log has beyond our place, then go on with what waits."""
        self._unread = True
        if self._reading is None and not self.ended:
            self._reading = self._ground.loop.create_task(self._looked())

    async def _looked(self) -> None:
        try:
            while self._unread and not self.ended:
                self._unread = False
                await self._read()
        except StoreUnavailable as error:
            _LOG.warning("room %s: the log was not read: %s", self.rid, error)
            self._reading = None
            self._ground.loop.call_later(AGAIN_S, self.look)
            return
        except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, the clients resume
            self.fail(error)
            return
        finally:
            self._reading = None
        self._try()

    async def _read(self) -> None:
        log, name = self._ground.log, log_of(self.rid)
        entries = await log.read(name, self.state.seq)
        entries = [e for e in entries if e.seq > self.state.seq]
        if entries and entries[0].seq > self.state.seq + 1:
            raise LookupError(f"log {name} begins at {entries[0].seq}, behind {self.state.seq}")
        if not entries:
            seq = self.state.seq  # news may move it on while we ask
            head = await log.head(name)
            if head is None or head[0] != self.epoch or head[1] < seq:
                raise LookupError(f"log {name} ends before {seq}: {head}")
        if not self.ended:
            self._take(entries)

    def _take(self, entries: Sequence[Entry]) -> None:
        """Fold stored entries, which follow our place, and pass them on."""
        outs: list[Out] = []
        done: list[deeds.AnyDeed] = []
        for entry in entries:
            if entry.seq != self.state.seq + 1:
                break
            deed = deeds.unsealed(entry.sealed)
            try:
                folded(self.state, deed, entry.seq, entry.at_ms)
            except Exception as error:
                self.fail(error)  # the state may be half moved
                raise
            self.state.settle()
            outs.append(out_of(entry))
            done.append(deed)
        self._folded(outs, done)

    def _folded(self, outs: list[Out], done: list[deeds.AnyDeed]) -> None:
        if not outs:
            return
        self._pass_on(outs)
        if any(isinstance(deed, deeds.Moved) for deed in done):
            for seat in [s for s in self.seats if s.known and s.member not in self.state.members]:
                seat.dismiss()
        self._time_round()
        for deed in done:
            self.voice.stored(deed)
        self._watch(self, done)

    # --- members of this node -----------------------------------------------------------------

    def _pass_on(self, outs: list[Out]) -> None:
        if not self.seats:
            return
        parcel = Parcel(outs, self._ground.loop.time(), self._ground.limits)
        self._fans.append((parcel, deque(self._outboxes)))
        if len(self._fans) == 1:
            self._fan()

    def _fan(self) -> None:
        """Pass frames on, to so many members a turn of the loop; per member in order."""
        left = self._ground.limits.room_fanout
        while self._fans and left > 0 and not self.ended:
            parcel, outboxes = self._fans[0]
            while outboxes and left > 0:
                left -= 1
                outboxes.popleft().pass_on(parcel)
            if not outboxes:
                self._fans.popleft()
        if self._fans and not self.ended:
            self._ground.loop.call_soon(self._fan)

    def hint(self, frame: bytes, member: str) -> None:
        """Tell an ephemeral frame to whoever is here but the member it came from.

        Who types in a large room must not cost more than what is said there: beyond the limit of
        a second it is dropped, as any of these may be.
        """
        now_s = self._ground.loop.time()
        if now_s - self._hints_since_s >= 1.0:
            self._hints_since_s, self._hints = now_s, 0
        if self._hints + len(self.seats) > self._ground.limits.room_eph_frames_a_s:
            return
        self._hints += len(self.seats)
        for seat in self.seats:
            if seat.member != member and seat.known and not seat.outbox.level:
                seat.outbox.say(frame)

    def sit(self, seat: Seat) -> None:
        """A connection hears of everything from here on."""
        self.seats.append(seat)
        self._outboxes.append(seat.outbox)

    def rise(self, seat: Seat) -> None:
        """A connection hears of nothing any more."""
        if seat in self.seats:
            self.seats.remove(seat)
            self._outboxes.remove(seat.outbox)
            if not self.seats:
                self.emptied_at_s = self._ground.loop.time()

    # --- time ---------------------------------------------------------------------------------

    def _time_round(self) -> None:
        """Close the open round when its time is over; whichever node is first does."""
        poll = self.state.poll
        due = None
        if poll is not None and poll.phase == "voting" and poll.closes_at is not None:
            due = (poll.poll, poll.round)
        if due == self._closing_of:
            return
        if self._closing is not None:
            self._closing.cancel()
        self._closing, self._closing_of = None, due
        if due is not None and poll is not None and poll.closes_at is not None:
            left_s = (poll.closes_at - self._ground.wall_ms()) / 1000 + 0.001
            self._closing = self._ground.loop.call_later(max(0.0, left_s), self._round_over, *due)

    def _round_over(self, name: str, number: int) -> None:
        poll = self.state.poll
        if poll is None or poll.closes_at is None or (poll.poll, poll.round) != (name, number):
            return
        if self._ground.wall_ms() < poll.closes_at:  # the wall clock goes slower than the loop's
            self._closing_of = None
            self._time_round()
            return
        self.give(deeds.RoundClosed(name, number, after_round(number)))

    # --- going --------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether something is on its way to the log, or from it."""
        return bool(self._queue or self._trying or self._busy or self._reading is not None)

    @property
    def speaks(self) -> bool:
        """Whether a turn is said here, or a word of one is on its way: asked, said or its end."""
        waiting = (*self._trying, *self._queue)
        return self.voice.speaking or bool(self._fans) or any(_of_a_turn(op) for op in waiting)

    @property
    def idle(self) -> bool:
        """Nobody here, nothing waits."""
        return not self.seats and not self.waits

    @property
    def timed(self) -> bool:
        """Whether a round is open that its time closes."""
        return self._closing_of is not None

    def fail(self, error: Exception) -> None:
        """End this room here; it is taken up anew from the log, and its members resume."""
        if self.ended:
            return
        level = logging.INFO if isinstance(error, Fenced) else logging.ERROR
        _LOG.log(level, "room %s ends here: %s", self.rid, error)
        self._end(error)

    def end(self) -> None:
        """Put the room aside."""
        if not self.ended:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self.ended = True
        self.voice.stop()
        if self._subscription is not None:
            self._subscription.close()
        for timer in (self._flush, self._closing):
            if timer is not None:
                timer.cancel()
        self._fans.clear()
        for op in (*self._trying, *self._queue):
            if isinstance(op, Given):
                refused = Refused(
                    Code.STORE_UNAVAILABLE, "the room is taken up again", re=op.command.id
                )
                refused.retry_ms = int(AGAIN_S * 1000)
                op.told(refused, 0, False)
        self._queue, self._trying = [], []
        self._on_end(self, error)

    def close_seats(self, code: Close, reason: str) -> None:
        """Send every connection away."""
        for seat in list(self.seats):
            seat.outbox.close(code, reason)


def _told(batch: Batch) -> None:
    for ending in batch.endings:
        ending()


def _gathers(op: Op) -> bool:
    """Whether an op may wait for others of its kind."""
    if isinstance(op, Given):
        return isinstance(op.command, cmd.RoomVote)
    return isinstance(op, deeds.Join | deeds.Leave)


def _of_a_turn(op: Op) -> bool:
    if isinstance(op, Given):
        return isinstance(op.command, cmd.RoomAsk)
    return isinstance(op, deeds.ChunkSaid | deeds.TurnSwitched | deeds.TurnEnded)


def out_of(entry: Entry) -> Out:
    """An entry as it goes to a member."""
    delta = decode_event(entry.public) if entry.public.startswith(_DELTA) else None
    return Out(entry.seq, entry.public, delta if isinstance(delta, Delta) else None)
