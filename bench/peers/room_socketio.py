"""A room on python-socketio as its manual teaches it, over processes by its Redis manager. This
file is that peer.

`enter_room` and one `emit` to the room a message; nothing is stored.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import socketio
import uvicorn

from bench.peers.lesson import announce, listening

ROOM = "room"
sio = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(sys.argv[1]),
    cors_allowed_origins=[],
)


async def join(sid: str, *_: Any) -> None:
    """A connection stands."""
    await sio.enter_room(sid, ROOM)
    await sio.emit("welcome", {}, to=sid)


async def say(_: str, data: dict[str, Any]) -> None:
    """`room.say`, with the fields that ours has."""
    body = {"member": data["member"], "name": data["name"], "text": data["text"]}
    event = {"s": ROOM, "q": 1, "ts": int(time.time() * 1000), "kind": "say", "data": body}
    await sio.emit("room.event", event, room=ROOM)


sio.on("connect", join)
sio.on("room.say", say)
app = socketio.ASGIApp(sio)

if __name__ == "__main__":
    bound = listening()
    announce(
        bound, "python-socketio", "python-engineio", "uvicorn", "uvloop", "websockets", "redis"
    )
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[bound])
