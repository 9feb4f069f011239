"""The wire without sockets: events by SSE, commands by POST. This file is that fallback.

`POST /v1/sessions` is the `hello`, `GET /v1/sessions/{sid}/events` the way out and
`POST /v1/sessions/{sid}/commands` the way in: the same frames, the same joining, the same codes.
A stream needs no acks: what the server's socket took counts as applied, and a client that lost
some of it comes back with `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from protocol.codec import decode, refusal
from protocol.commands import Have, Hello
from protocol.errors import Close, Closing, Code, Refused
from server.connection import Connection, Edge
from server.gate import KNOWN, Told, told
from server.neighbours import Neighbours
from streaming.nodes import Judged, Posted

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CID_HEADER = "tutorstream-cid"
OPENING_S = 2.0
"""How long commands wait for a stream that is being opened."""
ROOMS_KEPT = 10_000
"""Sessions whose rooms are remembered between a `hello` and its stream."""
_NO_STORE = {"cache-control": "no-store"}


class _Log(msgspec.Struct):
    s: str
    epoch: str


class _Numbered(msgspec.Struct):
    """What of a frame its SSE `id` is made of."""

    t: str
    s: str | None = None
    q: int | None = None
    epoch: str | None = None
    dup: bool = False
    logs: list[_Log] = []


_numbered = msgspec.json.Decoder(_Numbered)


class StreamWire:
    """The way out: frames wait for the task that sends the response's body."""

    def __init__(self) -> None:
        self.due = asyncio.Event()
        self._out: list[bytes] = []
        self._unsent = 0
        self._closing: Closing | None = None
        self._epoch = ""
        self._pos: dict[str, int] = {}

    def write(self, frames: list[bytes]) -> None:
        """Send these frames, each as one event."""
        if self._closing is None:
            self._out.extend(frames)
            self._unsent += sum(map(len, frames))
            self.due.set()

    write_now = write

    def close(self, code: int, reason: str) -> None:
        """End the stream once what was written is sent."""
        if self._closing is None:
            self._closing = Closing(code, reason)
            self.due.set()

    def unsent_bytes(self) -> int:
        """Bytes that were written and not sent."""
        return self._unsent

    @property
    def first(self) -> bytes:
        """The oldest frame that waits."""
        return self._out[0]

    @property
    def closing(self) -> Closing | None:
        """The last word, once it was said."""
        return self._closing

    def taken(self) -> tuple[bytes, dict[str, int]]:
        """`(events as text, place of the newest event of each log in it)`."""
        out, self._out = self._out, []
        self._unsent = 0
        self._pos = {}
        text = b"".join([self._event(frame) for frame in out])
        if self._closing is not None:
            last = msgspec.json.encode(
                {"code": int(self._closing.code), "reason": self._closing.reason}
            )
            text += b"event: close\ndata: " + last + b"\n\n"
        return text, self._pos

    def _event(self, frame: bytes) -> bytes:
        head = _numbered.decode(frame)
        if head.t == "welcome":
            self._epoch = next((log.epoch for log in head.logs if log.s == "me"), self._epoch)
        if head.s is None or not head.q or head.dup:  # a repeat is no new place
            return b"data: " + frame + b"\n\n"
        self._pos[head.s] = head.q
        if head.s != "me":  # `Last-Event-ID` is a place of the session's own log
            return b"data: " + frame + b"\n\n"
        if head.epoch is not None:
            self._epoch = head.epoch
        return b"id: %s.%d\ndata: %s\n\n" % (self._epoch.encode(), head.q, frame)


class Streams:
    """The three routes, and the streams that are open here."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._neighbours = Neighbours(edge.ownership, edge.loop, self.hear_posted, self.keep_rooms)
        self._open: dict[str, list[Connection]] = {}
        self._opened: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        """What is set when a stream is joined; there for as long as somebody waits for it."""
        self._rooms: dict[str, list[Have]] = {}
        """The rooms that a `hello` had, until its stream is opened."""

    def routes(self) -> list[Route]:
        """What `app` mounts."""
        return [
            Route("/v1/sessions", self.create, methods=["POST"]),
            Route("/v1/sessions/{sid}/events", Events(self), methods=["GET"]),
            Route("/v1/sessions/{sid}/commands", self.commands, methods=["POST"]),
        ]

    # --- hello --------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        """`hello` in, `welcome` out; the stream is opened afterwards, with the token."""
        edge = self._edge
        try:
            self._check_origin(request)
            if edge.gate.draining:
                raise Refused(Code.MOVED, "the server is leaving: come back", retry_ms=1_000)
            command = decode(await _body(request, edge.limits.hello_bytes))
            if not isinstance(command, Hello):
                raise Refused(Code.OUT_OF_ORDER, f"expected `hello`, came `{_type_of(command)}`")
            wire = StreamWire()
            connection = Connection(edge, wire, "sse")
            try:
                welcome = await _welcomed(connection, wire, self._without_rooms(command))
            finally:
                connection.lost(1000)
            if connection.admitted is not None:
                rooms = [have for have in command.have if have.s != "me"]
                self.keep_rooms(connection.admitted.sid, rooms)
                self._neighbours.tell_rooms(connection.admitted.sid, rooms)
        except KNOWN as error:
            return self.refused(told(error))
        return Response(welcome, 201, _NO_STORE, "application/json")

    @staticmethod
    def _without_rooms(hello: Hello) -> Hello:
        """The rooms are taken up again by the stream, not by the request before it."""
        return replace(hello, have=[have for have in hello.have if have.s == "me"])

    # --- commands -----------------------------------------------------------------------------

    async def commands(self, request: Request) -> Response:
        """Frames in, joined by newlines; their replies come by the stream, refusals at once.

        202, or the status of the first refusal with all `err` frames, joined by newlines.
        """
        sid = request.path_params["sid"]
        try:
            self._check_origin(request)
            self._own(request, sid)
            body = await _body(request, self._edge.limits.inbound_bytes)
            cid = request.headers.get(CID_HEADER)
            found = self._streams(sid, cid)
            heard = _heard(found[-1], body) if found else await self._anywhere(sid, cid, body)
        except KNOWN as error:
            return self.refused(told(error))
        if heard.code:
            refused = Refused(Code(heard.code), "see the frames")
            return _answer(told(refused), heard.frames)
        return Response(status_code=202, headers={**_NO_STORE, CID_HEADER: heard.cid})

    async def _anywhere(self, sid: str, cid: str | None, body: bytes) -> Judged:
        """What became of frames for a stream that is at another node, or is being opened here."""
        here = self._edge.loop.create_task(self._stream_of(sid, cid))
        there = self._neighbours.ask(sid, cid, body)
        either: set[asyncio.Future[Any]] = {here, there}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if there.done():
                return there.result()
            return _heard(here.result(), body)
        finally:
            here.cancel()
            there.cancel()

    async def hear_posted(self, letter: Posted) -> Judged | None:
        """Another node heard these frames; None where their stream is not here."""
        try:
            return _heard(await self._stream_of(letter.sid, letter.cid or None), letter.body)
        except Refused:
            return None

    def keep_rooms(self, sid: str, rooms: list[Have]) -> None:
        """A session's stream, when it is opened here, goes on in these rooms."""
        self._rooms.pop(sid, None)
        if rooms:
            self._rooms[sid] = rooms
        while len(self._rooms) > ROOMS_KEPT:
            del self._rooms[next(iter(self._rooms))]

    async def _stream_of(self, sid: str, cid: str | None) -> Connection:
        """The newest stream of a session, or the one named.

        A client may speak as soon as it was welcomed: a stream that is being opened is waited for.
        """
        found = self._streams(sid, cid)
        if not found:
            opened = self._opened.setdefault(sid, asyncio.Event())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.wait(), OPENING_S)
            found = self._streams(sid, cid)
        if found:
            return found[-1]
        raise Refused(
            Code.OUT_OF_ORDER, f"expected an open stream at /v1/sessions/{sid}/events first"
        )

    def _streams(self, sid: str, cid: str | None) -> list[Connection]:
        return [c for c in self._open.get(sid, ()) if cid in (None, c.cid) and c.open]

    def _stream_joined(self, sid: str) -> None:
        opened = self._opened.pop(sid, None)
        if opened is not None:
            opened.set()

    # --- events -------------------------------------------------------------------------------

    def admitted(self, request: Request) -> tuple[Hello, str]:
        """`(the hello that this request is, its address)`; `leave` must follow.

        Raises Refused.
        """
        self._check_origin(request)
        sid = request.path_params["sid"]
        token = self._own(request, sid)
        ip = request.client.host if request.client else ""
        have = [*_have(request.headers.get("last-event-id")), *self._rooms.pop(sid, [])]
        self._edge.gate.enter(ip)
        return Hello(token=token, sid=sid, have=have), ip

    async def carry(self, hello: Hello, ip: str, receive: Receive, send: Send) -> None:
        """Send a session's events until either side ends."""
        edge = self._edge
        wire = StreamWire()
        connection = Connection(edge, wire, "sse", ip)
        sid = hello.sid or ""
        connection.welcomed = lambda: self._stream_joined(sid)
        streams = self._open.setdefault(sid, [])
        streams.append(connection)
        gone = edge.loop.create_task(_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
            connection.admit(hello)
            await _pumped(connection, wire, gone, send, edge.limits.send_s)
        finally:
            gone.cancel()
            connection.lost(wire.closing.code if wire.closing else 1006)
            edge.gate.leave(ip)
            streams.remove(connection)
            if not streams:
                self._open.pop(sid, None)

    # --- refusing -----------------------------------------------------------------------------

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if not self._edge.gate.origin_allowed(origin, request.headers.get("host", "")):
            raise Refused(Code.FORBIDDEN, f"the origin {origin!r} is not let in")

    def _own(self, request: Request, sid: str) -> str:
        """The bearer token, which must be this session's."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(Code.UNAUTHORIZED, "expected the header `Authorization: Bearer TOKEN`")
        if self._edge.gate.tokens.read(token.strip())[0] != sid:
            raise Refused(Code.UNAUTHORIZED, "the token is another session's")
        return token.strip()

    def refused(self, what: Told) -> Response:
        """The answer to a request that was not let in."""
        self._edge.metrics.refused(what.refused.code)
        return _answer(what)


class Events:
    """`GET .../events` as plain ASGI: the body goes out as it comes."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        streams = self._streams
        try:
            hello, ip = streams.admitted(Request(scope, receive))
        except KNOWN as error:
            await streams.refused(told(error))(scope, receive, send)
            return
        await streams.carry(hello, ip, receive, send)


_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def _heard(connection: Connection, body: bytes) -> Judged:
    """Let a stream's connection hear frames; its refusals are collected."""
    connection.aside = []
    try:
        refused = connection.hear(body)
        frames = b"\n".join(connection.aside)
    finally:
        connection.aside = None
    return Judged(0, 0 if refused is None else int(refused.code), frames, connection.cid)


def _answer(what: Told, frames: bytes | None = None) -> Response:
    headers = dict(_NO_STORE)
    if what.refused.retry_ms is not None:
        headers["retry-after"] = str(max(1, what.refused.retry_ms // 1000))
    body = refusal(what.refused) if frames is None else frames
    return Response(body, what.status, headers, "application/json")


def _have(last_event_id: str | None) -> list[Have]:
    """The position of `epoch.seq`; nothing where the header is absent or not ours."""
    epoch, dot, q = (last_event_id or "").rpartition(".")
    if not dot or not q.isascii() or not q.isdigit() or len(q) > 15 or len(epoch) > 64:
        return []
    return [Have("me", epoch, int(q))]


async def _body(request: Request, most_bytes: int) -> bytes:
    """The request's body. Raises Refused (TOO_LARGE) without reading more than is allowed."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise Refused(
                    Code.TOO_LARGE, f"expected at most {most_bytes} bytes, came {len(body)} or more"
                )
    except ClientDisconnect:
        raise Refused(Code.BAD_FRAME, "the body ended early") from None
    return bytes(body)


def _type_of(command: object) -> str:
    return str(command.__struct_config__.tag)  # type: ignore[attr-defined] # every command has one


async def _gone(receive: Receive) -> None:
    """Return once the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pumped(
    connection: Connection,
    wire: StreamWire,
    gone: asyncio.Task[None],
    send: Send,
    send_s: float,
) -> None:
    """Send what is written until the client leaves, stops reading, or the last word is said."""
    gone.add_done_callback(lambda _: wire.due.set())
    while not gone.done():
        await wire.due.wait()
        wire.due.clear()
        text, pos = wire.taken()
        closing = wire.closing is not None
        event = {"type": "http.response.body", "body": text, "more_body": not closing}
        try:
            await asyncio.wait_for(send(event), send_s)
        except TimeoutError:
            wire.close(Close.SLOW, f"nothing was read for {send_s:g} s")
            return
        if closing:
            return
        if pos:
            connection.acked(pos)


async def _welcomed(connection: Connection, wire: StreamWire, hello: Hello) -> bytes:
    """The `welcome` of a hello, or the refusal that it was told. Raises Refused."""
    connection.admit(hello)
    await wire.due.wait()
    if wire.closing is not None:
        raise Refused(Code.STORE_UNAVAILABLE, wire.closing.reason, retry_ms=1_000)
    return wire.first
