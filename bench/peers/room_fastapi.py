"""A room on FastAPI as its manual teaches it, over processes by Redis. This file is that peer.

A set of connections, `send_text` to each in a loop, one channel of Redis; nothing is stored.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

from bench.peers.lesson import announce, listening

CHANNEL = "room"
MEMBERS: set[WebSocket] = set()
REDIS: Redis = Redis.from_url(sys.argv[1])


async def told() -> None:
    """Pass on what any process published."""
    async with REDIS.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():
            if message["type"] == "message":
                text = message["data"].decode()
                for member in list(MEMBERS):
                    await member.send_text(text)


async def join(websocket: WebSocket) -> None:
    """One member's connection."""
    await websocket.accept()
    try:
        while True:
            data = await websocket.receive_json()
            if data.get("t") == "hello":
                MEMBERS.add(websocket)
                await websocket.send_json({"t": "welcome"})
            elif data.get("t") == "room.say":
                await REDIS.publish(CHANNEL, json.dumps(said(data)))
    except WebSocketDisconnect:
        MEMBERS.discard(websocket)


def said(data: dict[str, Any]) -> dict[str, Any]:
    """The event of one message, with the fields that ours has."""
    body = {"member": data["member"], "name": data["name"], "text": data["text"]}
    now_ms = int(time.time() * 1000)
    return {"t": "room.event", "s": CHANNEL, "q": 1, "ts": now_ms, "kind": "say", "data": body}


@asynccontextmanager
async def listened(_: FastAPI) -> AsyncIterator[None]:
    """Listen to Redis while the app runs."""
    task = asyncio.create_task(told())
    yield
    task.cancel()


app = FastAPI(lifespan=listened)
app.add_api_websocket_route("/ws", join)

if __name__ == "__main__":
    bound = listening()
    announce(bound, "fastapi", "starlette", "uvicorn", "uvloop", "websockets", "redis")
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[bound])
