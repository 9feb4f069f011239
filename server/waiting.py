"""What answers while the stores of a starting server are away. This file is that stand-in.

The process listens at once, so that a balancer and a learner's page hear why nothing is served yet:
`/readyz` is 503 with the reason, whoever says `hello` gets `err 153` and comes back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocol.codec import decode, frames, refusal
from protocol.errors import Close, Refused
from protocol.limits import LIMITS
from server.build import version
from server.gate import RETRY_MS, told
from server.http import Pages, Probes, SecurityHeaders
from server.metrics import Metrics
from server.websocket import SUBPROTOCOL
from streaming.log import StoreUnavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
COME_BACK = "the session could not be joined: come back"


class Entrance:
    """The ASGI application of a process: `inside` once there is one, until then refusals.

    `why` is what is waited for, in one line.
    """

    def __init__(self) -> None:
        self.inside: ASGIApp | None = None
        self.why = "warming up"
        metrics = Metrics(version())
        metrics.ready = lambda: False
        self._outside = Starlette(
            routes=[
                Route("/v1/{path:path}", self._refused, methods=METHODS),
                *Probes(metrics, lambda: self.why).routes(),
                *Pages().routes(),
            ],
            middleware=[Middleware(SecurityHeaders)],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one socket."""
        if self.inside is not None:
            await self.inside(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._turned_away(scope, receive, send)
        else:
            await self._outside(scope, receive, send)

    async def _refused(self, _: Request) -> Response:
        what = told(StoreUnavailable(self.why))
        headers = {"cache-control": "no-store", "retry-after": str(RETRY_MS // 1000)}
        return Response(refusal(what.refused), what.status, headers, "application/json")

    async def _turned_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hear the first message, refuse each of its commands, close."""
        await receive()
        chosen = SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", []) else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        try:
            async with asyncio.timeout(LIMITS.hello_s):
                said = await receive()
        except TimeoutError:
            said = {"type": "websocket.receive"}
        if said["type"] == "websocket.disconnect":
            return
        words = b"\n".join(self._refusals((said.get("text") or "").encode()))
        await send({"type": "websocket.send", "text": words.decode()})
        await send({"type": "websocket.close", "code": Close.SERVER_ERROR, "reason": COME_BACK})

    def _refusals(self, payload: bytes) -> list[bytes]:
        """The `err` frames for the commands of a message; one for a message that holds none."""
        found = []
        try:
            for frame in frames(payload):
                refused = told(StoreUnavailable(self.why)).refused
                refused.re = getattr(decode(frame), "id", None)
                found.append(refusal(refused))
        except Refused as refused:
            found.append(refusal(refused))
        return found or [refusal(told(StoreUnavailable(self.why)).refused)]
