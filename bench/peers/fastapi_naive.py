"""A tutoring server on FastAPI as its manual teaches it. This file is the first peer.

A pydantic model, `receive_json`, one `send_json` an event, sessions in a dict, nothing stored.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field

from bench.peers.lesson import Lesson, announce, listening, syllabus_of


class AnswerSubmit(BaseModel):
    """One answer."""

    t: Literal["answer.submit"]
    id: str = Field(min_length=1, max_length=64)
    item: str = Field(min_length=1, max_length=64)
    response: str | int | float | list[Any] | dict[str, Any]
    taken_ms: int = Field(default=0, ge=0, le=86_400_000)


class LessonStart(BaseModel):
    """Begin a lesson."""

    t: Literal["lesson.start"]
    id: str = Field(min_length=1, max_length=64)


TAUGHT = syllabus_of(sys.argv[1])
SESSIONS: dict[str, Lesson] = {}


async def learn(websocket: WebSocket) -> None:
    """One learner's connection."""
    await websocket.accept()
    sid = f"s{len(SESSIONS)}"
    lesson = SESSIONS[sid] = Lesson(TAUGHT, sid)
    try:
        while True:
            data = await websocket.receive_json()
            match data.get("t"):
                case "hello":
                    await websocket.send_json({"t": "welcome", "sid": sid})
                case "lesson.start":
                    start = LessonStart.model_validate(data)
                    for event in lesson.start(start.id):
                        await websocket.send_json(event)
                case "answer.submit":
                    answer = AnswerSubmit.model_validate(data)
                    for event in lesson.answer(
                        answer.id, answer.item, answer.response, answer.taken_ms
                    ):
                        await websocket.send_json(event)
    except WebSocketDisconnect:
        del SESSIONS[sid]


app = FastAPI()
app.add_api_websocket_route("/ws", learn)

if __name__ == "__main__":
    bound = listening()
    announce(bound, "fastapi", "starlette", "uvicorn", "uvloop", "websockets", "pydantic")
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[bound])
