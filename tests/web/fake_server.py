"""A small server that speaks the frames of a lesson. This file is for what a real one rarely does.

It answers the learner page on loopback from a script (`fake_course`): skills, items, a review list,
and a tutor whose words it can hold, break off or begin again. It judges by comparing text.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import re
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.web.fake_course import SKILLS, Beliefs, Skill, item, key
from tests.web.fake_room import RID, FakeRoom
from tests.web.fake_tutor import BUILTIN, FakeTutor, Refused, Voice

PAGES = Path(__file__).parents[2] / "server" / "pages"
PAGE_OF = {
    "/": "learner/index.html",
    "/teach": "teacher/index.html",
    "/teach/project": "teacher/project.html",
}
CSP = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
WORDS = (
    "Let us look at it together. The equation $3x + 5 = 20$ says that *three times* a number, "
    "with 5 added on top, makes 20.\n\nWhat was done **last** to the side with $x$? Undo that "
    "first, on both sides:\n\n- undo the addition by a subtraction,\n- then undo the product by "
    "a division.\n\nCan you say what is left after the first step?"
)


class Lesson:
    """One guest session: its log, its state, its tutor."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.log: list[dict[str, Any]] = []
        self.replies: dict[str, int] = {}
        self.lines: set[ServerConnection] = set()
        self.beliefs = Beliefs(server.skills, older=server.older)
        self.beliefs.cards = {
            skill: (now_ms() + due_ms, recall) for skill, due_ms, recall in server.cards
        }
        self.n = -1
        self.asked: str | None = None
        self.last_feedback: dict[str, Any] | None = None
        self.attempts = 0
        self.hints: list[dict[str, Any]] = []
        self.steps: list[dict[str, str]] | None = None
        self.draft: Any = None
        self.prefs: dict[str, Any] = {}
        self.started = False
        self.course = server.courses[0]
        self.tutor: FakeTutor = FakeTutor(self)

    async def append(self, *events: dict[str, Any]) -> None:
        """Number events and send them to every line, each batch as one message."""
        made = []
        for event in events:
            made.append({**event, "s": "me", "q": len(self.log) + 1, "ts": now_ms()})
            self.log.append(made[-1])
            if event["t"] == "feedback" and "at" not in event:
                self.last_feedback = made[-1]
        for line in list(self.lines):
            try:
                await line.send("\n".join(json.dumps(event) for event in made))
            except ConnectionClosed:
                self.lines.discard(line)

    @property
    def open(self) -> dict[str, Any]:
        """The open item."""
        names = [s for s, _, _ in self.beliefs.skills]
        skill = self.asked
        if skill is None and "eq.two-step" not in names:
            skill = names[self.n * 7 % len(names)]
        return item(self.n, skill)

    def next_item(self, skill: str | None = None) -> dict[str, Any]:
        """Open the next item of the script, or one on `skill`."""
        self.n, self.attempts, self.hints, self.steps = self.n + 1, 0, [], None
        self.draft, self.asked = None, skill
        return {"t": "item", **self.open}

    def facts(self) -> dict[str, Any]:
        """Course and skills, as `ok` and the snapshot tell them."""
        return {
            "course": {
                "id": self.course["id"],
                "title": self.course["title"],
                "version": "1.0.0",
                "license": "CC-BY-4.0",
                "attribution": ["Written for tutorstream"],
            },
            **self.beliefs.facts(),
        }

    def snapshot(self) -> dict[str, Any]:
        """The whole state."""
        state: dict[str, Any] = {"course": None, "skills": [], "item": None}
        if self.started:
            state = {**self.facts(), "item": self.open}
        turns = self.tutor.turns
        gens = [{k: t[k] for k in ("gen", "text", "next_i", "status")} for t in turns]
        state |= {
            "mode": "practice",
            "attempts": self.attempts,
            "hints": self.hints,
            "steps": self.steps,
            "draft": self.draft,
            "last_feedback": self.last_feedback,
            "turns": [{k: v for k, v in t.items() if k != "next_i"} for t in turns],
            "prefs": self.prefs,
        }
        at = {"s": "me", "epoch": self.server.epoch, "q": len(self.log)}
        return {"t": "snapshot", **at, "state": state, "gens": gens}

    # --- commands -----------------------------------------------------------------------------

    async def hear(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Do one command, once per id."""
        if (seen := self.replies.get(frame.get("id", ""))) is not None:
            await line.send(json.dumps({**self.log[seen], "dup": True}))
            return
        act = ACTS.get(frame["t"])
        if act is None:
            return
        if "id" in frame:
            self.replies[frame["id"]] = len(self.log)
        await getattr(type(self), act.__name__, act)(self, line, frame)

    async def start(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Open the first item of a course."""
        wished = frame.get("course", self.server.courses[0]["id"])
        known = {course["id"]: course for course in self.server.courses}
        if wished not in known:
            msg = f"no course {wished!r}; this server teaches: {', '.join(known)}"
            await self.refuse(line, frame, 106, "not_found", msg)
            return
        self.started, self.course = True, known[wished]
        changed = {"mode": "practice", **self.facts()}
        await self.append({"t": "ok", "re": frame["id"], "changed": changed}, self.next_item())

    async def leave(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Another item, on a skill where one is asked for."""
        known = [s for s, _, _ in self.beliefs.skills]
        skill = frame.get("skill")
        if skill is not None and skill not in known:
            await self.refuse(line, frame, 106, "not_found", f"expected a skill, came {skill!r}")
            return
        await self.append({**self.next_item(skill), "re": frame["id"]})

    async def due(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """What is due by now."""
        if self.server.older:
            await self.refuse(line, frame, 102, "unknown_type", "no review list here")
            return
        due = self.beliefs.due(now_ms())
        await self.append({"t": "review", "due": due, "re": frame["id"]})

    async def submit(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """A verdict; a right answer opens the next item in the same append."""
        shown = self.open
        if frame["item"] != shown["item"]:
            msg = f"the open item is {shown['item']!r}"
            await self.refuse(line, frame, 108, "gone", msg)
            return
        right = str(frame["response"]) == key(self.n)
        self.attempts += 1
        moves, live = self.beliefs.answered(shown["skills"], right=right)
        if right:
            self.beliefs.reviewed(shown["skills"][0], now_ms())
        timing = {"decode_us": 4, "check_us": 60, "score_us": 20, "store_us": 90, "total_us": 180}
        wrong = "You undid the product first. What was done to $x$ last?"
        feedback = {
            "t": "feedback",
            "re": frame["id"],
            "item": frame["item"],
            "verdict": "correct" if right else "incorrect",
            "read_as": str(frame["response"]),
            "message": "" if right else wrong,
            "assisted": bool(self.hints or self.steps),
            "skills": moves,
            "p_expected": 0.71,
            "timing": timing,
            "attempt": self.attempts,
            "done": right,
        }
        if len(moves) > len(shown["skills"]):
            near, step = moves[-1], moves[-1]["after"] - moves[-1]["before"]
            word = "raised" if step > 0 else "lowered"
            title = next(t for s, t, _ in self.beliefs.skills if s == near["id"])
            reason = f"this answer {word} your {title.lower()} skill by {abs(step):.2f}"
            feedback["reasons"] = [reason]
        rest = [{"t": "difficulty", **live}, *([self.next_item()] if right else [])]
        await self.append(feedback, *rest)

    async def hint(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """One level of four."""
        texts = ["Which operation was done to $x$ last?", "Undo the addition on both sides.",
                 "What is $20 - 5$?", f"$x = {key(self.n)}$"]  # fmt: skip
        level = len(self.hints) + 1
        self.hints = [*self.hints, {"level": level, "of": 4, "text": texts[level - 1]}]
        await self.append({"t": "hint", "item": frame["item"], **self.hints[-1], "re": frame["id"]})

    async def worked(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Two worked steps."""
        self.steps = [
            {"show": "$3x = 15$", "why": "Subtract 5 on both sides."},
            {"show": "$x = 5$", "why": "Divide both sides by 3."},
        ]
        steps = {"item": frame["item"], "steps": self.steps, "re": frame["id"]}
        await self.append({"t": "steps", **steps})

    async def preview(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """How an answer is read."""
        text = str(frame["response"])
        readable = all(c in "0123456789/.-+ " for c in text)
        top, _, bottom = text.partition("/")
        read = f"\\frac{{{top}}}{{{bottom}}}" if top and bottom else text.rstrip("/")
        unread = {"read_as": "", "column": 1, "note": "a number is expected"}
        seen = {"read_as": read} if readable else unread
        await line.send(json.dumps({"t": "preview", "item": frame["item"], **seen}))

    async def keep_draft(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Newest wins."""
        self.draft = frame["response"]

    async def prefer(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """What the learner declares."""
        self.prefs |= frame["prefs"]
        await self.append({"t": "ok", "re": frame["id"], "changed": {"prefs": frame["prefs"]}})

    async def refuse(
        self,
        line: ServerConnection,
        frame: dict[str, Any],
        code: int,
        name: str,
        msg: str,
        *,
        temp: bool = False,
        **more: int,
    ) -> None:
        """A refusal is not remembered."""
        del self.replies[frame["id"]]
        why = {"code": code, "name": name, "msg": msg, "temp": temp, **more}
        await line.send(json.dumps({"t": "err", "re": frame["id"], **why}))

    async def say_rates(self) -> None:
        """What is left of the budgets, beside the log; nothing where none is set."""
        frames = self.server.rate_frames()
        for line in list(self.lines) if frames else []:
            await line.send("\n".join(frames))


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


Act = Callable[[Lesson, ServerConnection, dict[str, Any]], Awaitable[None]]
ACTS: dict[str, Act] = {
    "lesson.start": Lesson.start,
    "item.next": Lesson.leave,
    "review.due": Lesson.due,
    "answer.submit": Lesson.submit,
    "answer.preview": Lesson.preview,
    "answer.draft": Lesson.keep_draft,
    "hint.request": Lesson.hint,
    "prefs.set": Lesson.prefer,
    "steps.request": Lesson.worked,
    "turn.start": lambda lesson, line, frame: lesson.tutor.ask(line, frame),
    "turn.cancel": lambda lesson, line, frame: lesson.tutor.cancel(line, frame),
}


def offered(id_: str, title: str, items: int) -> dict[str, Any]:
    """A course as it is listed."""
    skills = [{"id": skill, "title": name} for skill, name, _ in SKILLS]
    facts = {"id": id_, "title": title, "locale": "en", "locales": ["en"], "items": items}
    return {**facts, "skills": skills}


class FakeServer:
    """Runs in a thread of its own; `url` once it listens. Use as a context manager."""

    def __init__(self, *, pace_s: float = 0.02, retained: int = 10_000, words: str = WORDS) -> None:
        self.pace_s = pace_s
        self.retained = retained
        self.words = words
        self.skills: list[Skill] = SKILLS
        self.older = False
        self.cards: list[tuple[str, int, float]] = []
        self.epoch = "e1"
        self.courses = [offered("linear-equations", "Linear equations", 40)]
        """What is taught here, as `GET /v1/courses` tells it."""
        self.lesson_of: Callable[[FakeServer], Lesson] = Lesson
        self.url = ""
        self.lessons: dict[str, Lesson] = {}
        self.voice: Voice = BUILTIN
        self.serious = "hurt myself"
        """Words that are answered by the fixed message."""
        self.refusals: list[Refused] = []
        self.limits: list[dict[str, Any]] = []
        """What is left of each budget, as `rate` tells it."""
        self.room = FakeRoom(self)
        self.watched: dict[str, Any] = {}
        """What is told to who watches the room, by kind of `board`."""
        self.previews: dict[str, Any] = {}
        """What a preview of pairs or groups comes to."""
        self.pause_at: int | None = None
        """After so many characters the tutor is held, however slow the page is; None: never."""
        self.gate = asyncio.Event()
        self.door = asyncio.Event()
        self.requests: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def lesson(self) -> Lesson:
        """The newest session."""
        return next(reversed(self.lessons.values()))

    def do(self, act: Awaitable[Any]) -> Any:
        """Run a coroutine on the server's loop."""

        async def run() -> Any:
            return await act

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def hold(self, held: bool) -> None:
        """Let the tutor pause, or go on."""
        act = self.gate.clear if held else self.gate.set
        self._loop.call_soon_threadsafe(act)

    def pause(self, said: int) -> None:
        """Hold the tutor once, before it says what a test waits for: none sees it go on."""
        if self.pause_at is not None and said >= self.pause_at:
            self.pause_at = None
            self.gate.clear()

    def shut(self, shut: bool) -> None:
        """Let questions wait for their turn to begin, or let them in."""
        act = self.door.clear if shut else self.door.set
        self._loop.call_soon_threadsafe(act)

    def rate_frames(self) -> list[str]:
        """The `rate` frame, where a budget is set."""
        return [json.dumps({"t": "rate", "limits": self.limits})] if self.limits else []

    def close_lines(self, code: int) -> None:
        """Close every line with a code."""
        for line in list(self.lesson.lines):
            self.do(line.close(code))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self.gate.set()
        self.door.set()
        async with serve(
            self._line, "127.0.0.1", 0, process_request=self._page, compression=None,
            subprotocols=["tutorstream.v1.json"], ping_interval=None,  # type: ignore[list-item]  # a NewType of str
        ) as server:  # fmt: skip
            self._tell(server)
            await self._stop.wait()
            for lesson in self.lessons.values():
                if lesson.tutor.speaking is not None:
                    lesson.tutor.speaking.cancel()
            if self.room.speaking is not None:
                self.room.speaking.cancel()

    def _tell(self, server: Server) -> None:
        port = next(iter(server.sockets)).getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self._ready.set()

    def _page(self, _: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/v1/ws":
            return None
        self.requests.append(path)
        if path == "/v1/courses":
            return self._said(json.dumps({"courses": self.courses}).encode(), "application/json")
        name = PAGE_OF.get(path, path.removeprefix("/pages/"))
        file = (PAGES / name).resolve()
        if not file.is_relative_to(PAGES) or not file.is_file():
            return Response(404, "Not Found", Headers({"content-length": "0"}), b"")
        body = file.read_bytes()
        if path in PAGE_OF:
            folder = name.partition("/")[0].encode()
            body = re.sub(rb'(src|href)="(?![a-z]+:|/|#)', rb'\1="/pages/' + folder + b"/", body)
        return self._said(body, mimetypes.guess_type(file.name)[0] or "application/octet-stream")

    def _said(self, body: bytes, kind: str) -> Response:
        headers = Headers({"content-type": kind, "content-length": str(len(body)),
                           "connection": "close", "content-security-policy": CSP})  # fmt: skip
        return Response(200, "OK", headers, body)

    async def _line(self, line: ServerConnection) -> None:
        try:
            hello = json.loads(await line.recv())
            lesson = await self._welcome(line, hello)
            async for message in line:
                for frame in str(message).split("\n"):
                    await self._hear(lesson, line, json.loads(frame))
        except ConnectionClosed:
            pass
        finally:
            for known in self.lessons.values():
                known.lines.discard(line)
            await self.room.gone(line)

    async def _welcome(self, line: ServerConnection, hello: dict[str, Any]) -> Lesson:
        token = hello.get("token")
        if token is not None and token not in self.lessons:
            await line.close(4401, "unknown token")
        token = token or f"t{len(self.lessons) + 1}"
        lesson = self.lessons.setdefault(token, self.lesson_of(self))
        have = next((h for h in hello["have"] if h["s"] == "me"), None)
        head = len(lesson.log)
        mode = "snapshot"
        if have is not None and have["epoch"] == self.epoch and head - have["q"] <= self.retained:
            mode = "live" if have["q"] == head else "replay"
        frames: list[dict[str, Any]] = [
            {"t": "welcome", "cid": "c", "sid": f"s_{token}", "token": token, "node": "fake",
             "heartbeat_s": 20, "window": 64,
             "logs": [{"s": "me", "epoch": self.epoch, "head": head, "mode": mode}]}
        ]  # fmt: skip
        if mode == "replay" and have is not None:
            frames.extend(lesson.log[have["q"] :])
        elif mode == "snapshot":
            frames.append(lesson.snapshot())
        lesson.lines.add(line)
        room = next((h for h in hello["have"] if h["s"] == RID), None)
        if (listed := self.room.head(token, room)) is not None:
            frames[0]["logs"].append(listed)
        told = [json.dumps(frame) for frame in frames]
        await line.send("\n".join([*told, *self.rate_frames()]))
        if room is not None and listed is not None:
            await self.room.resume(line, token, room)
        return lesson

    async def _hear(self, lesson: Lesson, line: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["t"].startswith(("room.", "board.")) or frame.get("s") == RID:
            token = next(t for t, known in self.lessons.items() if known is lesson)
            await self.room.hear(line, token, frame)
        elif frame["t"] == "sync":
            after = lesson.log[frame["q"] :] if frame["q"] else [lesson.snapshot()]
            for event in after:
                await line.send(json.dumps(event))
        else:
            await lesson.hear(line, frame)


if __name__ == "__main__":
    with FakeServer() as running:
        print(running.url, flush=True)
        threading.Event().wait()
