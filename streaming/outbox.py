"""The bounded queue of one log to one client: output commit, acks, levels of lag. This file is
that queue.

Frames of a log wait under the ticket of the entries they rest on and leave, in order, when the
store has confirmed it. What the client has not acknowledged decides the level of lag:

====== ============================ ==========================================================
level  not yet acknowledged         what happens
====== ============================ ==========================================================
0      less than 32 KiB and 1 s     every frame leaves as it is
       (3 s in a room's log)
1      from there                   deltas wait for the next tick and leave merged
2      128 KiB or 5 s               deltas wait until the client caught up, or another event
                                    must go: then they leave as one delta before it
3      512 KiB or 20 s              close 4008, resumable
====== ============================ ==========================================================

No event is dropped: a merged delta says by `span` how many places of the log it covers. One frame,
however large, counts for 128 KiB at most.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from protocol.codec import encode
from protocol.errors import Close
from protocol.events import Delta, Lag
from protocol.limits import LIMITS, Limits
from streaming.log import Ticket

STORED = Ticket()
"""The ticket of what was stored long ago."""
STORED.resolve()


TICK_S = 0.25
"""How often a node looks at how far clients lag behind."""


class Wire(Protocol):
    """One socket, as the outbox sees it."""

    def write(self, frames: list[bytes]) -> None:
        """Send these frames in one write."""
        ...

    def write_now(self, frames: list[bytes]) -> None:
        """The same where nothing else is likely to be written in this turn of the loop.

        The same list may go to many wires, one after the other; it is not changed afterwards.
        """
        ...

    def close(self, code: int, reason: str) -> None:
        """Close with this code."""
        ...

    def unsent_bytes(self) -> int:
        """Bytes accepted by `write` that the socket has not taken yet."""
        ...


class Out(NamedTuple):
    """One numbered frame; `delta` is its struct where it may be merged."""

    q: int
    frame: bytes
    delta: Delta | None = None


class _Sent(NamedTuple):
    q: int
    size_bytes: int
    at_s: float


class Parcel:
    """Stored frames that leave now; what is the same for all who get them is worked out once."""

    __slots__ = ("frames", "lag1_bytes", "outs", "sent")

    def __init__(self, outs: Sequence[Out], now_s: float, limits: Limits = LIMITS) -> None:
        self.outs = outs
        self.frames = [o.frame for o in outs]
        # A snapshot is as large as what it shows: it holds deltas back, and alone ends no client.
        size = sum(min(len(frame), limits.lag2_bytes) for frame in self.frames)
        self.sent = _Sent(outs[-1].q, size, now_s)
        self.lag1_bytes = limits.lag1_bytes


class Outbox:
    """The queue to one client.

    It is on its `watch` while anything is not acknowledged.
    """

    __slots__ = (
        "_beside",
        "_catching_up",
        "_lag1_s",
        "_limits",
        "_loop",
        "_plain",
        "_ready",
        "_unacked",
        "_waiting",
        "_watch",
        "_wire",
        "closed",
        "level",
        "slot",
        "unacked_bytes",
    )

    def __init__(
        self,
        wire: Wire,
        loop: AbstractEventLoop,
        limits: Limits = LIMITS,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch if watch is not None else Watch()
        self.slot = 0
        self._wire = wire
        self._loop = loop
        self._limits = limits
        self._lag1_s = limits.lag1_s
        self._waiting: deque[tuple[Ticket, Sequence[Out]]] = deque()
        self._ready: list[Out] = []
        self._unacked: deque[_Sent] = deque()
        self._catching_up = False
        self._plain = False
        self._beside = [self]
        self.unacked_bytes = 0
        self.level = 0
        self.closed = False

    def beside(self) -> Outbox:
        """An outbox for a room's log on the same wire; the close of one ends them all."""
        other = Outbox(self._wire, self._loop, self._limits, self._watch)
        other._lag1_s = self._limits.room_lag1_s
        other._beside = self._beside
        self._beside.append(other)
        return other

    # --- frames in ----------------------------------------------------------------------------

    def say(self, frame: bytes) -> None:
        """Send a frame without a number, at once."""
        if not self.closed:
            self._wire.write([frame])

    def put(self, outs: Sequence[Out], ticket: Ticket) -> None:
        """Queue numbered frames under their ticket; call `release` once it is stored."""
        self._plain = False
        if not self.closed:
            self._waiting.append((ticket, outs))

    def release(self) -> None:
        """Send what is stored by now, in order, in one write."""
        if self.closed or self._catching_up:
            return
        waiting = self._waiting
        while waiting and waiting[0][0].stored:
            self._ready.extend(waiting.popleft()[1])
        if self._ready:
            if self.level:
                self._send_merged(tick=False)
            else:
                ready, self._ready = self._ready, []
                self._send(Parcel(ready, self._loop.time(), self._limits))

    def pass_on(self, parcel: Parcel) -> None:
        """Queue and send stored frames that many others get too."""
        if not self._plain:
            self.put(parcel.outs, STORED)
            self.release()
            kept = self.closed or self._catching_up or self._waiting or self._ready or self.level
            self._plain = not kept
            return
        # As `_send`, written out: it runs for every member and every message, and what it touches
        # of each is what it costs. `_plain` stands for five things that would be looked at.
        sent, unacked = parcel.sent, self._unacked
        if not self.slot:
            self._watch.look_at(self, sent.at_s + self._lag1_s)
        unacked.append(sent)
        self.unacked_bytes = size = self.unacked_bytes + sent.size_bytes
        self._wire.write_now(parcel.frames)
        if size >= parcel.lag1_bytes:
            self._relevel(self._loop.time())

    # --- catching up --------------------------------------------------------------------------

    def hold(self) -> None:
        """Keep live frames back while a replay or snapshot is being made."""
        self._catching_up = True
        self._plain = False

    def catch_up(self, outs: Sequence[Out], upto: int, after: Ticket | None = None) -> None:
        """Send the catch-up, forget what it covers, go on live after `upto`.

        `after` is the ticket of the newest entry the catch-up rests on, where it may not be
        stored yet.
        """
        self._catching_up = False
        self._ready = [o for o in self._ready if o.q > upto]
        fresh = [(t, [o for o in waiting if o.q > upto]) for t, waiting in self._waiting]
        self._waiting = deque(entry for entry in fresh if entry[1])
        if self.closed:
            return
        if outs:
            self._waiting.appendleft((after or STORED, outs))
        self.release()

    # --- flow control -------------------------------------------------------------------------

    def ack(self, q: int) -> None:
        """The client has applied everything up to `q`."""
        unacked = self._unacked
        while unacked and unacked[0].q <= q:
            self.unacked_bytes -= unacked.popleft().size_bytes
        if self.level:
            self._relevel(self._loop.time())
            if self.level < 2 and self._ready:
                self._send_merged(tick=True)

    def tick(self) -> None:
        """Look at the age of what is not acknowledged; send merged deltas at level 1."""
        if self.closed or not (self._unacked or self._ready):
            return
        self._relevel(self._loop.time())
        if self._ready and self.level < 2:
            self._send_merged(tick=True)

    def due_s(self) -> float | None:
        """When its level can next change by time alone; None: not before something is sent."""
        if self.closed or not (self._unacked or self._ready):
            return None
        return 0.0 if self.level else self._unacked[0].at_s + self._lag1_s

    def close(self, code: int, reason: str) -> None:
        """Drop what has not left and close the socket."""
        if not self.closed:
            for outbox in list(self._beside):
                outbox.drop()
            self._wire.close(code, reason)

    def drop(self) -> None:
        """Forget everything; nothing leaves any more."""
        self.closed = True
        self._plain = False
        if self in self._beside:
            self._beside.remove(self)
        self._waiting.clear()
        self._ready = []
        self._unacked.clear()
        self.unacked_bytes = 0

    # --- inside -------------------------------------------------------------------------------

    def _send(self, parcel: Parcel) -> None:
        sent = parcel.sent
        if not self.slot:
            self._watch.look_at(self, sent.at_s + self._lag1_s)
        self._unacked.append(sent)
        self.unacked_bytes += sent.size_bytes
        self._wire.write(parcel.frames)
        if self.unacked_bytes >= parcel.lag1_bytes:
            self._relevel(self._loop.time())

    def _send_merged(self, *, tick: bool) -> None:
        merged = merged_deltas(self._ready)
        # Deltas at the end may wait: for the tick at level 1, for the client at level 2.
        keep = 1 if merged[-1].delta is not None and not (tick and self.level < 2) else 0
        self._ready = merged[len(merged) - keep :]
        leaving = merged[: len(merged) - keep]
        if leaving:
            self._send(Parcel(leaving, self._loop.time(), self._limits))

    def _relevel(self, now_s: float) -> None:
        limits, size = self._limits, self.unacked_bytes
        age_s = now_s - self._unacked[0].at_s if self._unacked else 0.0
        if size >= limits.lag3_bytes or age_s >= limits.lag3_s:
            level = 3
        elif size >= limits.lag2_bytes or age_s >= limits.lag2_s:
            level = 2
        else:
            level = int(size >= limits.lag1_bytes or age_s >= self._lag1_s)
        if level == self.level:
            return
        if not self.level:
            self._watch.look_at(self, now_s)
        self.level = level
        self._plain = False
        if level == 3:
            self.close(
                Close.SLOW, f"{size} bytes unacknowledged for {age_s:.0f} s: come back with resume"
            )
            return
        if not self.closed:
            self._wire.write([encode(Lag(level, len(self._unacked), size))])


class Watch:
    """All outboxes of a node that wait for acks, by when to look at them again.

    A client that acknowledges in time is looked at once in the time that level 1 takes, not at
    every tick: in a room that is most of them. `outbox.slot` is the one slot that counts of those
    it may be in, 0 while it is in none.
    """

    __slots__ = ("_at", "_slots")

    def __init__(self) -> None:
        self._at = 0
        self._slots: dict[int, list[Outbox]] = {}

    def __contains__(self, outbox: Outbox) -> bool:
        return outbox.slot > 0

    def look_at(self, outbox: Outbox, at_s: float) -> None:
        """Have it ticked by the first `tick` from then on, or a tick before."""
        slot = max(int(at_s / TICK_S), self._at + 1)
        outbox.slot = slot
        self._slots.setdefault(slot, []).append(outbox)

    def tick(self, now_s: float) -> None:
        """Look at those whose time has come; call it every `TICK_S`."""
        self._at = max(self._at, int(now_s / TICK_S))
        for slot in sorted(slot for slot in self._slots if slot <= self._at):
            for outbox in self._slots.pop(slot):
                if outbox.slot == slot:
                    outbox.slot = 0
                    outbox.tick()
                    due_s = outbox.due_s()
                    if due_s is not None:
                        self.look_at(outbox, due_s)


def merged_deltas(outs: Sequence[Out]) -> list[Out]:
    """Return the frames with neighbouring deltas of one generation joined into one.

    The joined delta stands at the place of the last one; `span` counts the places it covers.
    """
    merged: list[Out] = []
    run: list[Delta] = []

    def close_run() -> None:
        if not run:
            return
        last = run[-1]
        joined = replace(
            last,
            i=(run[0].i[0], last.i[1]),
            text="".join(d.text for d in run),
            span=last.q - run[0].q + run[0].span,
        )
        frame = encode(joined)
        merged.append(Out(last.q, frame, joined))
        run.clear()

    for out in outs:
        delta = out.delta
        if delta is None:
            close_run()
            merged.append(out)
            continue
        if run and run[-1].gen != delta.gen:
            close_run()
        run.append(delta)
    close_run()
    return merged
