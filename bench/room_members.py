"""Members of a room as the load generator plays them. This file is their half of three wires.

The same member speaks to every server that is compared. It reads of a message no more than its
number, so that a thousand of them leave the load's core time to be on time.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Literal

import msgspec

from bench.wire import SUBPROTOCOL, Wire, dialled
from protocol.limits import LIMITS

Dialect = Literal["native", "naive", "socketio"]
FILLER = "I think both sides lose three first, then we halve what is left."
JOIN_S = 60.0
_NUMBER = re.compile(rb'"say (\d+) ')
_PLACE = re.compile(rb'"q":(\d+)')
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Heard:
    """When each message had come to how many members."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.last_s: dict[int, float] = {}
        self.refusals: list[str] = []
        self.closed = 0

    def take(self, payload: bytes) -> None:
        """Count the messages in what one member heard."""
        now_s = time.monotonic()
        for digits in _NUMBER.findall(payload):
            number = int(digits)
            self.counts[number] = self.counts.get(number, 0) + 1
            self.last_s[number] = now_s


class Member:
    """One connection in the room. `code` and `token` are the room's, for ours alone."""

    def __init__(
        self, name: int, dialect: Dialect, heard: Heard, *, code: str = "", token: str = ""
    ) -> None:
        self.name = f"Member {name}"
        self.member = f"m{name}"
        self.wire: Wire
        self.sid = self.pass_ = ""
        self.rid = code
        self.snapshot: dict[str, Any] = {}
        self.replies: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        """Of the room's polls, in order."""
        self.away = False
        self._dialect = dialect
        self._heard = heard
        self._token = token
        self._joined: asyncio.Event = asyncio.Event()
        self._q = 0
        self._unacked = 0
        self._unacked_since_s = 0.0
        self._ids = 0

    async def enter(self, url: str) -> None:
        """Connect and join; returns once the room is there. Raises TimeoutError."""
        self._joined.clear()
        self.away = False
        subprotocol = SUBPROTOCOL if self._dialect == "native" else None
        self.wire = await dialled(url, self._hear, self._lost, subprotocol=subprotocol)
        if self._dialect == "native":
            again = {"sid": self.sid, "token": self.pass_} if self.sid else {}
            self.wire.send(_encode({"t": "hello", **again}))
        elif self._dialect == "naive":
            self.wire.send(b'{"t":"hello"}')
        else:
            self.wire.send(b"40")
        async with asyncio.timeout(JOIN_S):
            await self._joined.wait()

    def cut(self) -> None:
        """Hang up without a word."""
        self.away = True
        self.wire.cut()

    def say(self, number: int) -> None:
        """Say a message that names its number."""
        text = f"say {number} {FILLER}"
        if self._dialect == "native":
            self.do("room.say", text=text)
            return
        body = {"t": "room.say", "member": self.member, "name": self.name, "text": text}
        if self._dialect == "naive":
            self.wire.send(_encode(body))
        else:
            self.wire.send(b'42["room.say",' + _encode(body) + b"]")

    def do(self, t: str, **fields: Any) -> str:
        """Send a command of the room, the acks that are due with it; its id."""
        self._ids += 1
        command_id = f"c{self._ids}"
        body = _encode({"t": t, "id": command_id, "rid": self.rid, **fields})
        self.wire.send(body + (b"\n" + self._acked() if self._unacked else b""))
        return command_id

    def ack_if_late(self, now_s: float) -> None:
        """The ack that time brings."""
        if self._unacked and now_s >= self._unacked_since_s + LIMITS.room_ack_ms / 1000:
            self.wire.send(self._acked())

    # --- in -----------------------------------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        self._heard.take(payload)
        if self._dialect == "socketio":
            if payload == b"2":
                self.wire.send(b"3")
            elif payload.startswith(b'42["welcome"'):
                self._joined.set()
        elif self._dialect == "naive":
            if payload.startswith(b'{"t":"welcome"'):
                self._joined.set()
        else:
            for frame in payload.split(b"\n"):
                self._frame(frame)

    def _frame(self, frame: bytes) -> None:
        if b'"kind":"say"' not in frame[:200]:
            self._event(_decode(frame))
        self._place(frame)

    def _event(self, event: dict[str, Any]) -> None:
        match event["t"]:
            case "welcome":
                self.sid, self.pass_ = event["sid"], event.get("token") or self.pass_
                token = {"token": self._token} if self._token else {}
                self.do("room.join", name=self.name, **token)
            case "ok":
                self.replies[event["re"]] = event
                changed = event.get("changed") or {}
                if "member" in changed:
                    self.member, self.rid = changed["member"], changed["rid"]
            case "snapshot" if event["s"] != "me":
                self.snapshot = event
                self._joined.set()
            case "room.event":
                self.events.append(event)
            case "err":
                self._heard.refusals.append(f"{event['code']} {event['msg']}")
                self.replies[event.get("re") or ""] = event
            case "ping":
                self.wire.send(b'{"t":"pong"}')

    def _place(self, frame: bytes) -> None:
        found = _PLACE.search(frame[:160])
        if found is None or (q := int(found[1])) <= self._q:
            return
        self._q = q
        if not self._unacked:
            self._unacked_since_s = time.monotonic()
        self._unacked += 1
        if self._unacked >= LIMITS.ack_events:
            self.wire.send(self._acked())

    def _acked(self) -> bytes:
        self._unacked = 0
        return b'{"t":"ack","pos":{"%b":%d}}' % (self.rid.encode(), self._q)

    def _lost(self, _: int) -> None:
        if not self.away:
            self._heard.closed += 1


async def entered(members: list[Member], urls: list[str], *, at_once: int = 20) -> None:
    """Everybody joins, at each address in turn. Raises HandshakeFailed, OSError, TimeoutError."""
    for start in range(0, len(members), at_once):
        some = range(start, min(start + at_once, len(members)))
        try:
            async with asyncio.TaskGroup() as group:
                for n in some:
                    group.create_task(members[n].enter(urls[n % len(urls)]))
        except ExceptionGroup as failed:  # they fail alike: one says it
            raise failed.exceptions[0] from None


async def acknowledging(members: list[Member]) -> None:
    """Send the acks that time brings, 20 times a second, until cancelled."""
    while True:
        now_s = time.monotonic()
        for member in members:
            member.ack_if_late(now_s)
        await asyncio.sleep(0.05)
