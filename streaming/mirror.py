"""A session as a node sees it that does not own it. This file follows its log.

A mirror folds the entries that the owner appends, so that it can greet connections, make
snapshots and send the same bytes. It decides nothing: commands go to the owner through the
session's inbox, under the client's own id, and what they led to comes back by the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from protocol import commands as cmd
from protocol.codec import decode_event, encode_command, refusal
from protocol.errors import Close, Code, Refused
from protocol.events import Delta, Err
from streaming import deeds
from streaming.fold import Fold
from streaming.log import Entry, News, StoreUnavailable, Subscription, Ticket
from streaming.nodes import Asked, Here, Told, Woken, written
from streaming.outbox import STORED, Out
from streaming.purse import Payer
from streaming.revival import looked_at
from streaming.session import ACTS

if TYPE_CHECKING:
    from streaming.attach import Attached
    from streaming.state import SessionState
    from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)

WAITING = 64
"""Commands of one session that may wait for its owner at once."""
LATE_S = 1.0
"""A command that had no effect for so long makes the mirror look who owns the session."""
SHOWN_S, SHOWN_LOOK_S = 2.0, 0.05
"""How long, and how often, a mirror looks for entries that a client has heard of already."""
_DELTA = b'{"t":"delta"'


class Aside:
    """Who asks for what the client of connection `cid` did not ask for by its name.

    What would be said to that client about it resolves `ticket` here: with None once it had its
    effect, else with the refusal.
    """

    __slots__ = ("cid", "ticket")

    def __init__(self, cid: str) -> None:
        self.cid = cid
        self.ticket = Ticket()

    def repeat(self, seq: int) -> None:
        """The client knows nothing of the reply at `seq`."""


class _Waiting(NamedTuple):
    letter: bytes
    origin: Attached | Aside
    since_s: float

    def end(self, refused: Refused | None = None) -> None:
        """Tell who asked how it ended; of an effect the log tells all but an `Aside`."""
        if isinstance(self.origin, Aside):
            self.origin.ticket.resolve(refused)
        elif refused is not None:
            self.origin.outbox.say(refusal(refused))


class Mirror:
    """One session that another node owns. `ended` is set once it must not be used any more."""

    def __init__(
        self,
        sid: str,
        owner: str,
        ground: Surroundings,
        *,
        node: str,
        on_end: Callable[[Mirror], None],
        on_orphan: Callable[[Mirror], object],
    ) -> None:
        self.sid = sid
        self.owner = owner
        self.attached: list[Attached] = []
        self.ended = False
        self.released = False
        """The owner has given the session back since this was last set to False."""
        self.detached_at_s = ground.loop.time()
        self.last_ticket = STORED
        self.here_at_s = self.look_at_s = ground.loop.time()
        """When the owner is told next that somebody listens, and the head compared."""
        self.epoch = ""
        self.head = 0
        self.state: SessionState
        self._node = node
        self._ground = ground
        self._on_end = on_end
        self._on_orphan = on_orphan
        self._fold: Fold
        self._subscription: Subscription | None = None
        self._news: list[Entry] = []
        self._look = False
        self._following: asyncio.Task[None] | None = None
        self._unposted: deque[tuple[str, _Waiting]] = deque()
        """Commands whose letters are not in the inbox yet, oldest first, by their ids."""
        self._posting: asyncio.Task[None] | None = None
        self._waiting: dict[str, _Waiting] = {}

    # --- coming -------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Subscribe, then fold what is stored. Raises `StoreUnavailable`."""
        ground = self._ground
        self._subscription = await ground.log.subscribe(self.sid, self._hear)
        try:
            seen = await looked_at(ground, self.sid)
        except BaseException:
            self._subscription.close()
            raise
        self.state, self.epoch, self.head = seen.state, seen.epoch, seen.head
        self._fold = Fold(self.epoch, ground.catalogue.at_hand)
        self._follow()

    @property
    def payer(self) -> Payer:
        """Whose budgets this session's turns are charged to."""
        return Payer(self.sid, self._ground.rules.tenant)

    # --- the log ------------------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        if self.ended:
            return
        if news.released:
            self.owner, self.released = "", True
            self._on_orphan(self)
            return
        self._look = self._look or not news.entries
        self._news.extend(news.entries)
        if self.epoch and news.epoch not in ("", self.epoch):
            self.fail(StoreUnavailable(f"the log of {self.sid} began anew"))
            return
        self._follow()

    def look(self) -> None:
        """Compare with the stored log: a hint may have been lost."""
        self._look = True
        self._follow()

    def _follow(self) -> None:
        if not self.epoch or self.ended:  # still being folded: `begin` follows up
            return
        if (self._news or self._look) and (self._following is None or self._following.done()):
            self._following = self._ground.loop.create_task(self._followed())

    async def _followed(self) -> None:
        try:
            while (self._news or self._look) and not self.ended:
                news, self._news = self._news, []
                fresh = contiguous(news, self.head)
                if self._look or fresh is None:
                    self._look = False
                    fresh = await self._read()
                await self._ground.catalogue.load_named(fresh)
                self._take([e for e in fresh if e.seq > self.head])
        except Exception as error:  # noqa: BLE001 - an actor's edge: it ends, the clients resume
            self.fail(error)

    async def _read(self) -> list[Entry]:
        head = await self._ground.log.head(self.sid)
        if head is None or head[0] != self.epoch or head[1] < self.head:
            raise StoreUnavailable(f"the log of {self.sid} began anew")
        return await self._ground.log.read(self.sid, self.head)

    async def reach(self, seq: int) -> None:
        """Follow the log up to `seq`, which is stored."""
        while self.head < seq and not self.ended:
            self.look()
            if self._following is not None:
                await asyncio.wait({self._following})  # it may be cancelled, who waits here is not

    async def catch_up(self, seen: int) -> None:
        """Follow the log to where it stands now, and on to `seen`, which a client has heard.

        An answer that has just become durable is shown to other nodes a moment after its client
        heard of it, and that client may be here already.
        """
        loop = self._ground.loop
        until_s = loop.time() + SHOWN_S
        while not self.ended:
            head = await self._ground.log.head(self.sid)
            if head is None or head[0] != self.epoch:
                return
            await self.reach(head[1])
            if self.head >= seen or loop.time() >= until_s:
                return
            await asyncio.sleep(SHOWN_LOOK_S)

    def _take(self, entries: Sequence[Entry]) -> None:
        outs: list[Out] = []
        ended_turn = False
        for entry in entries:
            if entry.sealed:
                deed = deeds.unsealed(entry.sealed)
                self._fold.fold(self.state, deed, entry.seq, entry.at_ms)
                if waiting := self._waiting.pop(getattr(deed, "cmd", None) or "", None):
                    waiting.end()
                ended_turn = ended_turn or isinstance(deed, deeds.TurnEnded)
            outs.append(_out(entry))
            self.head = entry.seq
        if not outs:
            return
        for attached in self.attached:
            attached.outbox.put(outs, STORED)
            attached.outbox.release()
            if ended_turn:
                attached.look_up_rates()

    # --- hearing ------------------------------------------------------------------------------

    def hear(
        self,
        command: cmd.Command,
        origin: Attached | Aside,
        arrived_ns: int = 0,  # noqa: ARG002 - an actor's
        decode_ns: int = 0,  # noqa: ARG002 - an actor's
    ) -> None:
        """Pass a command on to the owner; raises `Refused` where it cannot be."""
        if self.ended:
            raise Refused(Code.STORE_UNAVAILABLE, "this session is being taken up elsewhere")
        command_id: str | None = getattr(command, "id", None)
        if type(command) not in ACTS:
            raise Refused(
                Code.NOT_FOUND,
                f"{command.__struct_config__.tag} needs a record this server has not",
                re=command_id,
            )
        letter = written(Asked(self.sid, self._node, origin.cid, encode_command(command)))
        if command_id is None or isinstance(command, cmd.AnswerDraft):  # neither has a reply
            self._ground.nodes.tell(self.owner, letter)
            return
        if len(self._waiting) >= WAITING:
            raise Refused(
                Code.OVERLOADED,
                f"{WAITING} commands wait for this session's node",
                re=command_id,
                retry_ms=1_000,
            )
        self._send(command_id, _Waiting(letter, origin, self._ground.loop.time()))

    def _send(self, command_id: str, waiting: _Waiting) -> None:
        self._waiting[command_id] = waiting
        self._unposted.append((command_id, waiting))
        if self._posting is None or self._posting.done():
            self._posting = self._ground.loop.create_task(self._post())

    async def _post(self) -> None:
        """Post one letter after the other: side by side, the second may be there first."""
        while self._unposted:
            _, waiting = self._unposted[0]
            try:
                await self._ground.nodes.post(self.sid, waiting.letter)
            except StoreUnavailable:
                self._refuse_unposted()
            else:
                self._unposted.popleft()
                self.wake()

    def _refuse_unposted(self) -> None:
        """What stands behind a command that is refused may rest on it: none is posted."""
        unposted, self._unposted = self._unposted, deque()
        for command_id, waiting in unposted:
            self._waiting.pop(command_id, None)
            waiting.end(_away("the store does not answer", command_id))

    def wake(self) -> None:
        """Tell the owner that something waits for it."""
        self._ground.nodes.tell(self.owner, written(Woken(self.sid)))

    def ask_again(self) -> None:
        """Send again what had no effect for long: the owner may be another, a refusal lost."""
        now_s = self._ground.loop.time()
        for command_id, waiting in list(self._waiting.items()):
            if now_s - waiting.since_s > LATE_S:
                self._send(command_id, waiting._replace(since_s=now_s))
        self.wake()

    def settle(self, told: Told) -> bool:
        """A command is answered and waits no longer; whether its answer is for no client."""
        waiting = self._waiting.pop(told.settles or "", None)
        if waiting is None or not isinstance(waiting.origin, Aside):
            return False
        waiting.end(_refused_in(told.frames))
        return True

    @property
    def unanswered(self) -> list[bytes]:
        """Letters of the commands that wait."""
        return [waiting.letter for waiting in self._waiting.values()]

    def say_here(self) -> None:
        """Tell the owner that somebody listens at this node, or nobody any more."""
        here = Here(self.sid, self._node, len(self.attached))
        self._ground.nodes.tell(self.owner, written(here))

    @property
    def late(self) -> bool:
        """Whether a command waits for longer than an owner should need."""
        now_s = self._ground.loop.time()
        return any(now_s - waiting.since_s > LATE_S for waiting in self._waiting.values())

    # --- going --------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """End this mirror: send every connection back with resume."""
        if self.ended:
            return
        _LOG.info("mirror of session %s ends: %s", self.sid, error)
        self.end()
        for attached in list(self.attached):
            attached.outbox.close(Close.SERVER_ERROR, "the session is taken up again: resume")

    def end(self) -> None:
        """Follow the log no longer."""
        self.ended = True
        if self._subscription is not None:
            self._subscription.close()
        if self._following is not None and self._following is not asyncio.current_task():
            self._following.cancel()
        for command_id, waiting in self._waiting.items():
            if isinstance(waiting.origin, Aside):  # others hear of it from whoever has the session
                waiting.end(_away("this session is being taken up elsewhere", command_id))
        self._on_end(self)


def contiguous(entries: Iterable[Entry], head: int) -> list[Entry] | None:
    """The entries beyond `head`, each once and in order; None where one is missing."""
    fresh = sorted({e.seq: e for e in entries if e.seq > head}.values(), key=lambda e: e.seq)
    if [e.seq for e in fresh] != list(range(head + 1, head + 1 + len(fresh))):
        return None
    return fresh


def _out(entry: Entry) -> Out:
    delta = decode_event(entry.public) if entry.public.startswith(_DELTA) else None
    return Out(entry.seq, entry.public, delta if isinstance(delta, Delta) else None)


def _away(why: str, command_id: str) -> Refused:
    return Refused(Code.STORE_UNAVAILABLE, why, re=command_id, retry_ms=1_000)


def _refused_in(frames: list[bytes]) -> Refused | None:
    """The refusal among an owner's words; None where they repeat a reply."""
    for event in map(decode_event, frames):
        if isinstance(event, Err):
            return Refused(Code(event.code), event.msg, re=event.re, retry_ms=event.retry_ms)
    return None
