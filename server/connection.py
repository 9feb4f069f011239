"""One client's connection, whatever carries it: order, rates, refusals, heartbeat.

This file is the edge's half of a conversation; `websocket` and `sse` give it a wire. Everything is
synchronous but the attaching, which is a task that lives until `welcome` is said.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from protocol.codec import decode, encode, frames, lone_ack, refusal
from protocol.commands import AuthRefresh, Bye, Command, Hello
from protocol.conversation import Conversation, State
from protocol.errors import Close, Closing, Code, Refused
from protocol.events import AuthExpiring, Drain, Ping
from protocol.limits import LIMITS, Limits
from server.gate import KNOWN, Admitted, Gate, Rates, Told, internal, told
from streaming.attach import Greeting

if TYPE_CHECKING:
    from server.metrics import Metrics
    from server.wheel import Timer, Wheel
    from streaming.attach import Attached
    from streaming.outbox import Wire
    from streaming.ownership import Ownership

_LOG = logging.getLogger(__name__)

EXPIRING_S = 60.0
"""`auth.expiring` is said so long before a token ends."""


class Edge:
    """What every connection of a process shares."""

    def __init__(
        self,
        *,
        ownership: Ownership,
        gate: Gate,
        metrics: Metrics,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        limits: Limits = LIMITS,
        now_ns: Callable[[], int] = time.perf_counter_ns,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.ownership = ownership
        self.gate = gate
        self.metrics = metrics
        self.wheel = wheel
        self.loop = loop
        self.limits = limits
        self.now_ns = now_ns
        self.now_s = now_s
        self.connections: set[Connection] = set()

    def close_all(self, code: int, reason: str) -> None:
        """End every connection."""
        for connection in list(self.connections):
            connection.close(code, reason)

    def drain(self, reason: str) -> None:
        """Tell every connection that this node is leaving, each with its own delay to come back."""
        self.gate.draining = True
        for connection in list(self.connections):
            connection.drain(500 + random.randrange(4_500), reason)  # noqa: S311 - spreads returns


class Connection:
    """One connection. `hear` and `lost` are called by what carries it; frames leave by `wire`."""

    __slots__ = (
        "_attached",
        "_attaching",
        "_clock",
        "_edge",
        "_ended",
        "_expiry",
        "_heard_ns",
        "_pinged",
        "_rates",
        "_talk",
        "_wire",
        "admitted",
        "aside",
        "carrier",
        "cid",
        "ip",
        "welcomed",
    )

    def __init__(
        self, edge: Edge, wire: Wire, carrier: Literal["websocket", "sse"], ip: str = ""
    ) -> None:
        self.cid = "c_" + secrets.token_urlsafe(9)
        self.carrier = carrier
        self.ip = ip
        self.admitted: Admitted | None = None
        self.welcomed: Callable[[], None] | None = None
        """Called once the session is joined."""
        self.aside: list[bytes] | None = None
        """While this is a list, refusals go there instead of to the wire."""
        self._edge = edge
        self._wire = wire
        self._talk = Conversation()
        self._rates = Rates(edge.limits)
        self._attached: Attached | None = None
        self._attaching: asyncio.Task[None] | None = None
        self._ended = False
        self._pinged = False
        self._heard_ns = edge.now_ns()
        self._expiry: Timer | None = None
        self._clock: Timer = edge.wheel.after(edge.limits.hello_s, self._no_hello)
        edge.connections.add(self)
        edge.metrics.opened(carrier)

    # --- in -----------------------------------------------------------------------------------

    def hear(self, payload: bytes) -> Refused | None:
        """Do what a message says, frame by frame; the first refusal, if there was one."""
        arrived_ns = self._heard_ns = self._edge.now_ns()
        first: Refused | None = None
        if self._acked_alone(payload, arrived_ns) or self.over():
            return None
        try:
            said = frames(payload)
        except Refused as refused:
            return self._tell(told(refused))
        for frame in said:
            if self.over():
                break
            refused_ = self._hear_frame(frame, arrived_ns)
            first = first or refused_
        return first

    def _acked_alone(self, payload: bytes, arrived_ns: int) -> bool:
        """Take a message that is one ack and in order by a short way; False: it is none."""
        if not payload.startswith(_ACK) or self._attached is None or not self.open:
            return False
        ack = lone_ack(payload)
        if ack is None or not self._rates.take_light(arrived_ns):
            return False  # where it is too many the long way says so
        self._edge.metrics.commands += 1
        self._attached.ack_one(*ack)
        return True

    def hear_binary(self) -> None:
        """Refuse a binary message: nothing is said in binary yet."""
        if self.over():
            return
        self._heard_ns = self._edge.now_ns()
        refused = Refused(Code.BAD_FRAME, "expected a text message, a binary one came")
        try:
            self._rates.take(None, self._heard_ns)
        except Refused as too_many:
            refused = too_many
        self._tell(told(refused))

    def _hear_frame(self, frame: bytes, arrived_ns: int) -> Refused | None:
        command: Command | None = None
        try:
            start_ns = time.perf_counter_ns()
            try:
                command = decode(frame)
            except Refused:
                self._rates.take(None, arrived_ns)
                raise
            decode_ns = time.perf_counter_ns() - start_ns
            self._edge.metrics.commands += 1
            if not self._rates.take(command, arrived_ns):
                return None
            self._talk.hear(command)
            if self._attached is None or type(command) in _OURS:
                self._do(command)
            else:
                self._attached.hear(command, arrived_ns, decode_ns)
        except KNOWN as error:
            return self._tell(told(error), command)
        except Exception as error:  # noqa: BLE001 - an actor's edge: the actor ends, logged once
            return self._broken(error, command)
        return None

    def _broken(self, error: Exception, command: Command | None) -> Refused:
        """A mistake of ours: the session's actor ends, and the next one folds the log again."""
        _LOG.error("connection %s: a command failed", self.cid, exc_info=error)
        refused = self._tell(internal()._replace(closing=None), command)
        if self._attached is None:
            self.close(Close.SERVER_ERROR, "a mistake of the server: come back")
        else:
            self._attached.session.fail(error)
        return refused

    def _do(self, command: Command) -> None:
        """The commands that are about the connection itself."""
        match command:
            case Hello():
                self.admit(command)
            case Bye():
                self.close(1000, "bye")
            case AuthRefresh(token=token):
                self._refresh(token)

    # --- coming -------------------------------------------------------------------------------

    def admit(self, hello: Hello) -> None:
        """Let a client in and join it to its session. Raises Refused where it may not."""
        self.admitted = self._edge.gate.admit(hello)
        self._clock.cancel()
        self._clock = self._edge.wheel.after(self._edge.limits.hello_s, self._not_joined)
        self._attaching = self._edge.loop.create_task(self._attach(hello, self.admitted))

    async def _attach(self, hello: Hello, admitted: Admitted) -> None:
        ownership = self._edge.ownership
        greeting = Greeting(
            self.cid,
            ownership.node,
            token=admitted.token,
            expires_at=admitted.expires_at_s * 1000,
        )
        try:
            attached = await ownership.attach(
                admitted.sid, hello, ownership.outbox(self._wire), greeting
            )
        except KNOWN as error:
            self._tell_and_close(told(error))
            return
        except Exception:  # noqa: BLE001 - the edge of a request: logged once, told as 100
            _LOG.exception("connection %s: session %s was not joined", self.cid, admitted.sid)
            self._tell_and_close(internal())
            return
        finally:
            self._attaching = None
        if self._ended:
            attached.detach()
            return
        self._attached = attached
        if attached.seats is not None:
            attached.seats.tries = self._edge.gate.codes.of(self.ip)
        self._talk.opened()
        self._clock.cancel()
        self._clock = self._edge.wheel.after(self._ping_after_s(), self._look)
        self._expire_at(admitted.expires_at_s)
        if self.welcomed is not None:
            self.welcomed()

    def _refresh(self, token: str) -> None:
        assert self.admitted is not None
        sid, expires_at_s = self._edge.gate.tokens.read(token)
        if sid != self.admitted.sid:
            raise Refused(Code.UNAUTHORIZED, "the token is another session's")
        self._expire_at(expires_at_s)

    def acked(self, pos: dict[str, int]) -> None:
        """What carries us knows by itself that the client has the logs up to these places."""
        if self._attached is not None:
            self._attached.ack(pos)

    @property
    def level(self) -> int:
        """How far this client lags behind, 0 to 3."""
        return 0 if self._attached is None else self._attached.level

    # --- out ----------------------------------------------------------------------------------

    def close(self, code: int, reason: str) -> None:
        """End the connection with this code; `lost` follows."""
        self._talk.closed()
        self._wire.close(code, reason)

    def drain(self, after_ms: int, reason: str) -> None:
        """Say that this node is leaving: nothing new is begun here."""
        self._talk.draining(after_ms)
        self._wire.write([encode(Drain(after_ms, reason))])
        if self._attached is None:
            self.close(Close.DRAIN, reason)

    def _tell(self, what: Told, command: Command | None = None) -> Refused:
        refused, _, closing = what
        if refused.re is None:
            refused.re = getattr(command, "id", None)
        if not self._ended:
            self._edge.metrics.refused(refused.code)
            frame = refusal(refused)
            if self.aside is None:
                self._wire.write([frame])
            else:
                self.aside.append(frame)
        if refused.code is Code.RATE_LIMITED and self._rates.out_of_hand(self._heard_ns):
            closing = Closing(Close.LIMITS, "too many refusals for rate")
        if closing is not None:
            self.close(*closing)
        return refused

    def _tell_and_close(self, what: Told) -> None:
        """Nothing can follow a hello that failed."""
        self._tell(what)
        if what.closing is None:
            self.close(Close.SERVER_ERROR, "the session could not be joined: come back")

    # --- time ---------------------------------------------------------------------------------

    def _no_hello(self) -> None:
        self.close(
            Close.HELLO_TIMEOUT, f"no hello was let in within {self._edge.limits.hello_s:g} s"
        )

    def _not_joined(self) -> None:
        self.close(Close.SERVER_ERROR, "the session was not joined in time: come back")

    def _ping_after_s(self) -> float:
        limits = self._edge.limits
        return limits.ping_s * random.uniform(1 - limits.ping_jitter, 1 + limits.ping_jitter)  # noqa: S311 - spreads pings

    def _look(self) -> None:
        """Ping an idle client; give up one that does not answer."""
        limits = self._edge.limits
        idle_s = (self._edge.now_ns() - self._heard_ns) / 1e9
        after_s = limits.ping_s * (1 - limits.ping_jitter) - idle_s
        if after_s > 0:
            self._pinged = False
            after_s += limits.ping_s * 2 * limits.ping_jitter * random.random()  # noqa: S311 - spreads pings
        elif not self._pinged or self.carrier == "sse":
            self._ping()
            after_s = limits.dead_s - idle_s if self.carrier == "websocket" else limits.ping_s
        elif idle_s >= limits.dead_s:
            self.close(Close.HEARTBEAT_LOST, f"nothing was heard for {idle_s:.0f} s")
            return
        else:
            after_s = limits.dead_s - idle_s
        self._clock = self._edge.wheel.after(max(after_s, 0.0), self._look)

    def _ping(self) -> None:
        assert self._attached is not None
        self._pinged = True
        heads = self._attached.heads
        self._wire.write([encode(Ping(heads, int(self._edge.now_s() * 1000)))])

    def _expire_at(self, expires_at_s: int) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        left_s = max(0.0, expires_at_s - self._edge.now_s())
        warned_s = min(EXPIRING_S, left_s)
        self._expiry = self._edge.wheel.after(left_s - warned_s, partial(self._expiring, warned_s))

    def _expiring(self, left_s: float) -> None:
        self._wire.write([encode(AuthExpiring(int(left_s * 1000)))])
        self._expiry = self._edge.wheel.after(left_s, self._expired)

    def _expired(self) -> None:
        self.close(Close.TOKEN_EXPIRED, "the token's time is over: refresh and come back")

    # --- going --------------------------------------------------------------------------------

    def flow(self, paused: bool) -> None:
        """The socket's buffer is full, or no longer; the outbox sees it by what is not acked."""

    def lost(self, code: int) -> None:
        """What carried us is gone; a running turn goes on."""
        if self._ended:
            return
        self._ended = True
        self._talk.closed()
        self._clock.cancel()
        if self._expiry is not None:
            self._expiry.cancel()
        if self._attaching is not None:
            self._attaching.cancel()
        if self._attached is not None:
            self._attached.detach()
        self._edge.connections.discard(self)
        self._edge.metrics.closed(self.carrier, code)

    def over(self) -> bool:
        """Whether the last word was said; the socket may still be on its way."""
        return self._talk.state is State.CLOSED

    @property
    def open(self) -> bool:
        """Whether the session is joined and the client may speak."""
        return self._talk.state in (State.OPEN, State.DRAINING) and not self._ended


_OURS = frozenset({Hello, Bye, AuthRefresh})
_ACK = b'{"t":"ack"'
