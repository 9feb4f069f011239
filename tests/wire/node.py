"""A whole server on a loopback port, and a learner on it that speaks JSON. For the wire tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from protocol.limits import LIMITS, Limits
from server.app import Application
from server.settings import Settings
from server.transport import RawWebSocket
from server.websocket import SUBPROTOCOL
from tests.wire.sockets import RawClient, raw_client, serving
from tests.world import small_course

Frame = dict[str, Any]


class Node(NamedTuple):
    """One server."""

    port: int
    application: Application


@contextlib.asynccontextmanager
async def node(
    folder: Path, ws: Any = RawWebSocket, limits: Limits = LIMITS, **settings: Any
) -> AsyncIterator[Node]:
    """A server of a small course on the running loop; `folder` is for its files."""
    course = folder / "sums.json"
    course.write_bytes(settings.pop("course", None) or small_course())
    settings = {"courses": [str(course)], **settings}
    application = await Application.begin(Settings(**settings), limits)
    await application.warm()
    application.open()
    try:
        async with serving(application.asgi, ws, ws_max_size=4 * 1024 * 1024) as (port, _):
            yield Node(port, application)
    finally:
        await application.aclose()


class Learner:
    """A client with as little sense as possible: it sends frames and reads frames."""

    def __init__(self, socket: RawClient) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self.sid = ""
        self.token = ""
        self.item = ""
        self._ids = 0
        self._left: list[Frame] = []

    @classmethod
    async def come(cls, port: int, **hello: Any) -> Learner:
        """Connect, say hello, hear the welcome."""
        learner = cls(await open_socket(port))
        learner.say({"t": "hello", **hello})
        welcome = await learner.until("welcome")
        learner.sid = welcome["sid"]
        learner.token = welcome.get("token") or hello.get("token", "")
        return learner

    def say(self, *frames: Frame) -> None:
        """Send frames, joined into one message."""
        self.socket.text("\n".join(json.dumps(frame) for frame in frames))

    def new_id(self) -> str:
        self._ids += 1
        return f"c{self._ids}"

    async def hear(self) -> Frame:
        """The next frame."""
        while not self._left:
            message = await asyncio.wait_for(self.socket.message(), 60)
            self._left = [json.loads(line) for line in message.split(b"\n")]
        frame = self._left.pop(0)
        self.frames.append(frame)
        if frame["t"] == "item":
            self.item = frame["item"]
        return frame

    async def until(self, t: str, **fields: Any) -> Frame:
        """Read on to a frame of this type with these fields."""
        while True:
            frame = await self.hear()
            if frame["t"] == t and all(frame.get(k) == v for k, v in fields.items()):
                return frame

    async def lesson(self) -> Frame:
        """Begin a lesson; the first item."""
        self.say({"t": "lesson.start", "id": self.new_id()})
        return await self.until("item")

    async def answer(self, response: Any = "0") -> Frame:
        """Answer the open item; its feedback."""
        command_id = self.new_id()
        submit = {"t": "answer.submit", "id": command_id, "item": self.item}
        self.say({**submit, "response": response, "taken_ms": 9_000})
        return await self.until("feedback", re=command_id)

    async def aclose(self) -> None:
        await self.socket.aclose()


async def open_socket(port: int, **headers: str) -> RawClient:
    """An upgraded socket that has said nothing."""
    wanted = {"Sec-WebSocket-Protocol": SUBPROTOCOL, **headers}
    return await raw_client(port, "/v1/ws", headers=wanted)
