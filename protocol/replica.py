"""A client's whole picture, without a socket or a clock. This file is what every client does.

Feed it every event that is heard and send every command it returns; it keeps the positions, the
texts, the item, the feedbacks, and the commands that still wait for their reply:

    wire.send(replica.hello())
    for event in wire:
        for command in replica.hear(event, now_s):
            wire.send(command)

`due(now_s)` at `wakes_at_s` sends the ack or the retry that only time brings. After the socket is
lost, the next `hello()` resumes where the picture stands. The text shown equals the server's text,
or `counters.resets` says that the log began anew.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from protocol.commands import (
    Ack,
    AnswerDraft,
    AuthRefresh,
    Client,
    Command,
    Have,
    Hello,
    Pong,
    RoomLeave,
)
from protocol.events import (
    Durable,
    Err,
    Event,
    Feedback,
    Foreign,
    ItemShown,
    LogHead,
    Ok,
    Ping,
    Snapshot,
    TurnStarted,
    Welcome,
)
from protocol.generation import Fit, Generation
from protocol.limits import LIMITS
from protocol.message import Message
from protocol.pending import Pending
from protocol.picture import Picture, keep
from protocol.position import APPLY, OLD, WAIT, Ask, Judgement, Position, Reader

ME = "me"
"""The session's own log, as the wire calls it."""

Outgoing: TypeAlias = list[Command]


class Counters(msgspec.Struct):
    """What a replica met: the figures of a bench, the symptoms of a bad server."""

    applied: int = 0
    """Events worked in."""
    duplicates: int = 0
    """Events that were applied before."""
    dropped: int = 0
    """Events that came while the answer to a `sync` was due."""
    gaps: int = 0
    """Times something was missing and asked for."""
    misfits: int = 0
    """Events that did not fit the text so far, or ends with another hash."""
    snapshots: int = 0
    resets: int = 0
    """Times a log began anew: what was shown is no longer vouched for."""
    resent: int = 0
    """Commands sent again under their old ids."""


class Kept:
    """One log: where its reader stands, and the picture there."""

    __slots__ = ("misfit_q", "picture", "reader")

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.picture = Picture()
        self.misfit_q: int | None = None


class Replica:
    """Everything a client holds of a session and of the rooms it joined."""

    def __init__(
        self,
        *,
        sid: str | None = None,
        token: str | None = None,
        client: Client | None = None,
        window: int | None = None,
    ) -> None:
        self.sid = sid
        self.token = token
        self.client = client or Client()
        self.window = window
        self.welcome: Welcome | None = None
        self.connected = False
        self.logs: dict[str, Kept] = {}
        self.pending = Pending()
        self.replies: dict[str, Durable] = {}
        """The newest commands' replies by the command's id, repeats too."""
        self.feedback: dict[str, Feedback] = {}
        """The newest verdicts by the answer's id, those of other tabs too."""
        self.refusals: dict[str, Err] = {}
        self.newest: dict[type[Message], Message] = {}
        """The newest event of each type without a number: `lag`, `drain`, `preview`, ..."""
        self.counters = Counters()
        self._leaving: dict[str, str] = {}
        """Rooms that are being left, by the id of the command."""
        self._drafts: dict[str | None, AnswerDraft] = {}
        """The newest of each box, by its `at`, that no connection has taken."""
        self._unacked = 0
        self._ack_at_s: float | None = None

    # --- connections --------------------------------------------------------------------------

    def hello(self, token: str | None = None) -> Hello:
        """The first frame of a new connection: who comes, and what is already here."""
        self.cut()
        if token is not None:
            self.token = token
        known = [kept for kept in self.logs.values() if kept.reader.position.epoch]
        return Hello(
            token=self.token,
            sid=self.sid,
            have=[_have(kept) for kept in known[: LIMITS.have_logs]],
            client=self.client,
            window=self.window,
        )

    def cut(self) -> None:
        """The connection is gone; nothing is sent until the next `welcome`."""
        self.connected = False
        self._unacked = 0
        self._ack_at_s = None

    # --- out ----------------------------------------------------------------------------------

    def send(self, command: Command) -> Outgoing:
        """What to put on the wire for this command: it, and the ack that goes along.

        Without a connection that is nothing yet; what has an id, and each box's newest draft, is
        sent after the next `welcome`.
        """
        self.pending.add(command)
        if isinstance(command, AuthRefresh):
            self.token = command.token
        if isinstance(command, RoomLeave):
            self._leaving[command.id] = command.rid
        if isinstance(command, AnswerDraft):
            self._drafts.pop(command.at, None)  # the newest goes last
            if not self.connected:
                self._drafts[command.at] = command
        return [command, *self.ack()] if self.connected else []

    def ack(self) -> list[Command]:
        """One `ack` of all positions where something was applied since the last, or nothing."""
        if not self._unacked or not self.connected:
            return []
        self._unacked = 0
        self._ack_at_s = None
        return [Ack({s: kept.reader.position.seq for s, kept in self.logs.items()})]

    def due(self, now_s: float) -> Outgoing:
        """What time brings: an ack that is due, a retry after a temporary refusal."""
        if not self.connected:
            return []
        again = self.pending.due(now_s)
        self.counters.resent += len(again)
        late = self._ack_at_s is not None and now_s >= self._ack_at_s
        return [*again, *(self.ack() if late or again else [])]

    @property
    def wakes_at_s(self) -> float | None:
        """When `due` should be called next, or None."""
        times = [at_s for at_s in (self._ack_at_s, self.pending.wakes_at_s) if at_s is not None]
        return min(times, default=None)

    # --- in -----------------------------------------------------------------------------------

    def hear(self, event: Event | Foreign, now_s: float = 0.0) -> Outgoing:
        """Work an event in; returns what to send for it: `sync`, `ack`, `pong`, commands again."""
        match event:
            case Durable() | Foreign() | Snapshot() if not self.connected:
                self.counters.dropped += 1  # before `welcome` nobody knows which log this is
                return []
            case Durable() | Foreign():
                return self._durable(event, now_s)
            case Snapshot():
                return self._snapshot(event, now_s)
            case Welcome():
                return self._welcome(event)
            case Ping():
                return [Pong(), *self._heads(event.heads)]
            case Err():
                self.pending.refuse(event, now_s)
                if event.re is not None:
                    keep(self.refusals, event.re, event)
        self.newest[type(event)] = event
        return []

    def _welcome(self, event: Welcome) -> Outgoing:
        self.welcome = event
        self.sid = event.sid
        self.token = event.token or self.token
        self.connected = True
        out: Outgoing = []
        told = {line.s for line in event.logs}
        for s in [s for s in self.logs if s not in told and s != ME]:
            del self.logs[s]  # no longer a member of that room
        for line in event.logs:
            out += self._asked(self._judged_head(line))
        again = self.pending.again()
        self.counters.resent += len(again)
        drafts, self._drafts = self._drafts.values(), {}
        open_item = self.item.item if self.item is not None else None
        return [*out, *again, *(draft for draft in drafts if draft.item == open_item)]

    def _judged_head(self, line: LogHead) -> Judgement:
        kept = self._kept(line.s)
        have = kept.reader.position
        again = line.mode == "reset" and have.seq > 0
        self.counters.resets += again or have.epoch not in ("", line.epoch)
        return kept.reader.welcomed(line.epoch, line.head, line.mode)

    def _heads(self, heads: dict[str, int]) -> Outgoing:
        known = [(self.logs[s], q) for s, q in heads.items() if s in self.logs]
        return [command for kept, q in known for command in self._asked(kept.reader.head(q))]

    def _snapshot(self, event: Snapshot, now_s: float) -> Outgoing:
        kept = self._kept(event.s)
        epoch = kept.reader.position.epoch
        if kept.reader.snapshot(event.epoch, event.q) is not APPLY:
            self.counters.duplicates += 1
            return []
        self.counters.snapshots += 1
        self.counters.resets += epoch not in ("", event.epoch)
        kept.picture = Picture(event)
        return self._counted(event.s, now_s)

    def _durable(self, event: Durable | Foreign, now_s: float) -> Outgoing:
        s, q = event.s, event.q
        if s is None or q is None:  # of an unknown type, and without a place
            return []
        self._settle(event)
        if q == 0:  # no place of the log: it settles a command, or replaces what was told before
            self.newest[type(event)] = event  # type: ignore[index, assignment]  # a `Foreign` is a `Part`
            if s in self.logs:
                self.logs[s].picture.replace(event)
            return []
        kept = self._kept(s)
        span = getattr(event, "span", 1)
        if getattr(event, "dup", False) and q > kept.reader.position.seq + 1:
            self.counters.dropped += 1  # a repeat overtook its log; the log's own copy follows
            return []
        judgement = kept.reader.hear(q, span)
        if judgement is not APPLY:
            self.counters.duplicates += judgement is OLD
            self.counters.dropped += judgement is WAIT
            return self._asked(judgement)
        if q == span:  # the log's first event: nothing can stand before it
            kept.picture = Picture()
        if kept.picture.take(event) is Fit.HOLE:
            self.counters.misfits += 1
            if kept.misfit_q != q:
                kept.misfit_q = q
                return self._asked(kept.reader.ask_all())
            kept.picture.force(event)
        kept.reader.advance(q)
        self.counters.applied += 1
        return self._counted(s, now_s)

    def _asked(self, judgement: Judgement) -> Outgoing:
        if not isinstance(judgement, Ask):
            return []
        self.counters.gaps += 1
        return [judgement.sync]

    def _counted(self, s: str, now_s: float) -> Outgoing:
        self._unacked += 1
        wait_ms = LIMITS.ack_ms if s == ME else LIMITS.room_ack_ms
        due_s = now_s + wait_ms / 1000
        self._ack_at_s = due_s if self._ack_at_s is None else min(self._ack_at_s, due_s)
        late = now_s >= self._ack_at_s
        window = self.welcome.window if self.welcome else LIMITS.ack_events
        many = self._unacked >= min(window, LIMITS.ack_events)
        return self.ack() if late or many else []

    def _settle(self, event: Durable | Foreign) -> None:
        if event.s != ME and event.q != 0:  # members of a room may use equal ids
            return
        if isinstance(event, Feedback):
            keep(self.feedback, event.re, event)
        re = event.cmd if isinstance(event, TurnStarted) else getattr(event, "re", None)
        if isinstance(event, Ok) and event.re in self._leaving:
            self.logs.pop(self._leaving.pop(event.re), None)
        if re is not None and self.pending.settle(re):
            assert isinstance(event, Durable)
            keep(self.replies, re, event)

    def _kept(self, s: str) -> Kept:
        kept = self.logs.get(s)
        if kept is None:
            kept = self.logs[s] = Kept(Reader(s))
        return kept

    # --- the picture --------------------------------------------------------------------------

    @property
    def me(self) -> Picture:
        """The session's own log."""
        return self._kept(ME).picture

    @property
    def position(self) -> Position:
        """Where the session's own log stands here."""
        return self._kept(ME).reader.position

    @property
    def item(self) -> ItemShown | None:
        """The item to work on."""
        return self.me.item

    @property
    def snapshot_state(self) -> Any:
        """The state in the newest snapshot of the session, or None."""
        return self.me.state

    def generation(self, gen: str, s: str = ME) -> Generation | None:
        """One tutor turn, or None where it is not known here."""
        return self._kept(s).picture.generations.get(gen)

    def text(self, gen: str, s: str = ME) -> str:
        """What is shown of a turn; empty where it is not known here."""
        generation = self.generation(gen, s)
        return generation.text if generation else ""


def _have(kept: Kept) -> Have:
    have, running = kept.reader.have(), kept.picture.running
    if running is None or have.q == 0:
        return have
    return msgspec.structs.replace(have, gen=running.gen, i=running.next_i)
