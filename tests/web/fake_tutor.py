"""The tutor that `fake_server` plays: its turns, its voices, what it refuses. This file speaks.

Its words come in pieces of three characters, so that cuts fall inside words and formulas. A test
holds it, lets it fail and begin again in another voice, or ends it.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from tests.web.fake_server import Lesson

PIECE = 3
"""Characters of one chunk."""


class Voice(NamedTuple):
    """Who speaks, as `turn.started` names it."""

    provider: str
    model: str

    def fields(self) -> dict[str, str]:
        """The wire's three fields."""
        source = "builtin" if self.provider == "builtin" else "llm"
        return {"provider": self.provider, "model": self.model, "source": source}


BUILTIN = Voice("builtin", "builtin/1")
MODEL = Voice("openai", "gpt-5-mini")
DEMONSTRATION = Voice("local", "SmolLM2-135M-Instruct (demonstration, makes mistakes)")
SAFETY_WORDS = (
    "Thank you for telling me. What you write sounds serious, and you should not be alone with "
    "it.\n\nPlease talk to a person now: someone at home, a teacher or a school nurse.\n\n"
    "You can also talk to: Helpline 116 111."
)


class Refused(NamedTuple):
    """What an `err` to the next question says."""

    code: int
    name: str
    msg: str
    temp: bool = False
    retry_ms: int | None = None


class FakeTutor:
    """The turns of one session."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.turns: list[dict[str, Any]] = []
        self.cancels: list[dict[str, Any]] = []
        self.speaking: asyncio.Task[None] | None = None
        self.words = ""
        self.said = 0
        """How many of the newest turn's characters are said."""

    async def ask(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Start a turn once the server lets it; its words come at the server's pace."""
        server = self.lesson.server
        if server.refusals:
            refused = server.refusals.pop(0)
            more = {} if refused.retry_ms is None else {"retry_ms": refused.retry_ms}
            await self.lesson.refuse(
                line, frame, refused.code, refused.name, refused.msg, temp=refused.temp, **more
            )
            return
        self.speaking = asyncio.create_task(self._turn(frame))

    async def _turn(self, frame: dict[str, Any]) -> None:
        server = self.lesson.server
        await server.door.wait()
        said = frame["input"] if isinstance(frame["input"], str) else frame["input"]["action"]
        await self.end("superseded", "replaced")
        serious = isinstance(frame["input"], str) and server.serious in said
        voice = BUILTIN if serious else server.voice
        turn = {"gen": f"g{len(self.turns) + 1}", "cmd": frame["id"], "input": said, "text": "",
                "status": "running", **voice.fields(), "next_i": 0}  # fmt: skip
        self.lesson.replies[frame["id"]] = len(self.lesson.log)
        self.turns.append(turn)
        names = ("gen", "cmd", "input", "provider", "model", "source")
        events: list[dict[str, Any]] = [{"t": "turn.started", **{k: turn[k] for k in names}}]
        if serious:
            turn["safety"] = True
            seen = {"kind": "safety", "level": 2, "reasons": ["what you wrote"]}
            events.append({"t": "signal", **seen})
        await self.lesson.append(*events)
        if any(cancel.get("cmd") == frame["id"] for cancel in self.cancels):
            await self.end("cancelled", "learner")
            return
        self.words, self.said = SAFETY_WORDS if serious else server.words, 0
        await self._speak(turn)

    async def _speak(self, turn: dict[str, Any]) -> None:
        while self.said < len(self.words):
            await asyncio.sleep(self.lesson.server.pace_s)
            await self.lesson.server.gate.wait()
            if turn["status"] != "running":
                return
            self.lesson.server.pause(self.said + PIECE)
            await self.say(PIECE)
        await self.end("completed")

    async def say(self, characters: int) -> None:
        """The newest turn's next words, as one chunk."""
        turn = self.turns[-1]
        text = self.words[self.said : self.said + characters]
        self.said += len(text)
        i = turn["next_i"]
        turn["next_i"], turn["text"] = i + 1, turn["text"] + text
        await self.lesson.append({"t": "delta", "gen": turn["gen"], "i": [i, i], "text": text})

    async def restart(
        self, voice: Voice = BUILTIN, words: str | None = None, reason: str = "guard.maths"
    ) -> None:
        """The provider failed: the running turn begins again, in another voice and its words."""
        turn = self.turns[-1]
        self.words, self.said = self.words if words is None else words, 0
        turn.update(voice.fields(), text="")
        told = {"provider": voice.provider, "model": voice.model, "reason": reason}
        where = {"gen": turn["gen"], "from_i": turn["next_i"]}
        await self.lesson.append({"t": "turn.restarted", **where, **told})

    async def end(self, status: str, reason: str | None = None) -> None:
        """Exactly one end; what is left of the budgets follows."""
        if not self.turns or self.turns[-1]["status"] != "running":
            return
        turn = self.turns[-1]
        turn["status"] = status
        sha = hashlib.sha256(turn["text"].encode()).hexdigest()
        done = {"gen": turn["gen"], "status": status, "n": turn["next_i"], "text_sha256": sha}
        await self.lesson.append({"t": "turn.done", **done, "ttft_ms": 20.0, "reason": reason})
        await self.lesson.say_rates()

    async def cancel(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Stop the running turn; one that has not begun is stopped when it begins."""
        self.cancels.append(frame)
        await self.lesson.append({"t": "ok", "re": frame["id"]})
        newest = self.turns[-1] if self.turns else {"gen": "", "cmd": ""}
        if frame.get("gen") == newest["gen"] or frame.get("cmd") == newest["cmd"]:
            await self.end("cancelled", "learner")
