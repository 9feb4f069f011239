"""`POST /v1/rooms`: whoever may come in as a guest may open a room. This file is that route.

The answer holds the room's id, the short code for the wall, and the facilitator's token, which is
told nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from protocol.codec import refusal
from protocol.errors import Code, Refused
from server.gate import KNOWN, Bucket, Told, told
from streaming.rooms import Rooms

if TYPE_CHECKING:
    from server.connection import Edge

BODY_BYTES = 1_024
"""Longest body of the request."""
ADDRESSES_KEPT = 10_000
"""Addresses whose rooms are counted; beyond, the one met first is forgotten."""
_NO_STORE = {"cache-control": "no-store"}


class Wanted(msgspec.Struct, frozen=True):
    """The request: what the room is called, for its members to read."""

    title: str = ""


class RoomDoor:
    """Makes rooms for whoever asks."""

    def __init__(self, edge: Edge, rooms: Rooms) -> None:
        self._edge = edge
        self._rooms = rooms
        self._buckets: dict[str, Bucket] = {}

    def routes(self) -> list[Route]:
        """What `app` mounts."""
        return [Route("/v1/rooms", self.make, methods=["POST"])]

    async def make(self, request: Request) -> Response:
        """A fresh room: 201 with `rid`, `code`, `token`, `expires_at_ms` and `url`."""
        try:
            self._let_in(request)
            wanted = await _wanted(request)
            made = await self._rooms.make(wanted.title.strip())
        except KNOWN as error:
            return self._refused(told(error))
        token, expires_at_s = self._edge.gate.tokens.made_for_room(made.rid)
        answer = {
            "rid": made.rid,
            "code": made.code,
            "token": token,
            "expires_at_ms": expires_at_s * 1000,
            "url": f"/?c={made.code}",
        }
        return Response(orjson.dumps(answer), 201, _NO_STORE, "application/json")

    def _let_in(self, request: Request) -> None:
        gate = self._edge.gate
        origin = request.headers.get("origin")
        if not gate.origin_allowed(origin, request.headers.get("host", "")):
            raise Refused(Code.FORBIDDEN, f"the origin {origin!r} is not let in")
        if gate.draining:
            raise Refused(Code.MOVED, "the server is leaving: come back", retry_ms=1_000)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            gate.tokens.read(token.strip())
        else:
            gate.expect_guests()
        self._count(request.client.host if request.client else "")

    def _count(self, ip: str) -> None:
        most = self._edge.limits.rooms_a_min
        bucket = self._buckets.pop(ip, None) or Bucket(most / 60, most)
        self._buckets[ip] = bucket
        if len(self._buckets) > ADDRESSES_KEPT:
            del self._buckets[next(iter(self._buckets))]
        over_ns = bucket.take(self._edge.now_ns())
        if over_ns:
            raise Refused(
                Code.RATE_LIMITED,
                f"at most {most} rooms a minute from one address",
                retry_ms=over_ns // 1_000_000 + 1,
            )

    def _refused(self, what: Told) -> Response:
        self._edge.metrics.refused(what.refused.code)
        headers = dict(_NO_STORE)
        if what.refused.retry_ms is not None:
            headers["retry-after"] = str(max(1, what.refused.retry_ms // 1000))
        return Response(refusal(what.refused), what.status, headers, "application/json")


async def _wanted(request: Request) -> Wanted:
    """What the body asks for; nothing where it is empty. Raises Refused."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES:
                raise Refused(
                    Code.TOO_LARGE, f"expected at most {BODY_BYTES} bytes, came {len(body)} or more"
                )
        return msgspec.json.decode(bytes(body), type=Wanted) if body else Wanted()
    except ClientDisconnect:
        raise Refused(Code.BAD_FRAME, "the body ended early") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(Code.BAD_FRAME, f'expected {{"title"?: text}}: {error}') from None
