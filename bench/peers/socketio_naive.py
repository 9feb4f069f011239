"""A tutoring server on python-socketio as its manual teaches it. This file is the second peer.

An `AsyncServer` under uvicorn, one `emit` an event, sessions in a dict, nothing stored.
"""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn
from pydantic import BaseModel, Field

from bench.peers.lesson import Lesson, announce, listening, syllabus_of


class AnswerSubmit(BaseModel):
    """One answer."""

    id: str = Field(min_length=1, max_length=64)
    item: str = Field(min_length=1, max_length=64)
    response: str | int | float | list[Any] | dict[str, Any]
    taken_ms: int = Field(default=0, ge=0, le=86_400_000)


TAUGHT = syllabus_of(sys.argv[1])
SESSIONS: dict[str, Lesson] = {}

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])


async def start(sid: str, data: dict[str, Any]) -> None:
    """`lesson.start`."""
    lesson = SESSIONS[sid] = Lesson(TAUGHT, sid)
    for event in lesson.start(data["id"]):
        await sio.emit(event["t"], event, to=sid)


async def answer(sid: str, data: dict[str, Any]) -> None:
    """`answer.submit`."""
    given = AnswerSubmit.model_validate(data)
    for event in SESSIONS[sid].answer(given.id, given.item, given.response, given.taken_ms):
        await sio.emit(event["t"], event, to=sid)


async def leave(sid: str, *_: Any) -> None:
    """The connection is gone."""
    SESSIONS.pop(sid, None)


sio.on("lesson.start", start)
sio.on("answer.submit", answer)
sio.on("disconnect", leave)
app = socketio.ASGIApp(sio)

if __name__ == "__main__":
    bound = listening()
    announce(bound, "python-socketio", "python-engineio", "uvicorn", "uvloop", "websockets")
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[bound])
