"""A lesson in a terminal: what is said, what is typed. This file is the face of `chat`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from itertools import count
from typing import Any, Literal, TypeGuard, get_args

from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import Mode
from server.client import Client
from server.widget_lines import widget_lines

ActionName = Literal["simpler", "example", "why", "next_step"]
ACTIONS: tuple[ActionName, ...] = ("simpler", "example", "why", "next_step")
MODES: tuple[Mode, ...] = get_args(Mode)
TUTORING = {"/ask", "/stop", "/mode", *(f"/{action}" for action in ACTIONS)}
"""Commands for the tutor: they need no exercise."""
QUIET_S = 10.0
"""How long a script waits for what it expects."""


class Mismatch(Exception):  # noqa: N818 - what a script found
    """A script did not hear what it expected."""


class NoLesson(Exception):  # noqa: N818 - the server's answer
    """The server refused to begin the lesson."""


class Terminal:
    """One learner at a terminal, or a script in its place."""

    def __init__(
        self,
        url: str,
        token: str | None,
        course: str | None,
        on_event: Callable[[Any], None] | None = None,
    ) -> None:
        self._client = Client(url, token=token, on_state=self._state)
        self._course = course
        self._on_event = on_event
        self._ids = count(1)
        self._heard = ""
        self._lesson = ""
        self._asked: str | None = None
        """The scaffold or the blank that the next line answers."""
        self._hinted: str | None = None
        """The scaffold whose own hints come before the ladder's next level."""
        self._changed = asyncio.Event()

    # --- two ways to use it -------------------------------------------------------------------

    async def interact(self) -> None:
        """Read lines from standard input until its end or `/quit`."""
        async with self._client:
            await self._until_either(self._listen(), self._read())

    async def play(self, lines: list[str]) -> None:
        """Play a script; raises `Mismatch` for an expectation that is not met in time."""
        async with self._client:
            await self._until_either(self._listen(), self._played(lines))

    async def _played(self, lines: list[str]) -> None:
        await self._expect("exercise")
        for line in lines:
            if line.startswith("="):
                await self._expect(line[1:].strip())
            elif line.strip() and not line.startswith("#"):
                self._heard = ""
                if not await self._do(line):
                    return

    async def _until_either(self, *work: Coroutine[Any, Any, None]) -> None:
        tasks = [asyncio.create_task(each) for each in work]
        done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        for task in done:
            task.result()

    async def _expect(self, text: str) -> None:
        try:
            async with asyncio.timeout(QUIET_S):
                while text.lower() not in self._heard.lower():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Mismatch(f"expected {text!r}, heard {self._heard.strip()!r}") from None

    # --- typing -------------------------------------------------------------------------------

    async def _read(self) -> None:
        await self._expect("exercise")
        async for line in _lines():
            if not await self._do(line):
                return
        with contextlib.suppress(TimeoutError):  # the input is over: hear the last replies
            async with asyncio.timeout(QUIET_S):
                while len(self._client.replica.pending) or self._client.replica.me.running:
                    self._changed.clear()
                    await self._changed.wait()

    async def _do(self, line: str) -> bool:
        word, _, rest = line.strip().partition(" ")
        item = self._client.replica.item
        if word == "/quit":
            return False
        if word == "/cut":
            await self._client.cut()
        elif word in TUTORING:
            self._to_tutor(word[1:], rest.strip())
        elif item is None:
            self._show("(waiting for an exercise)")
        elif word == "/hint":
            self._client.send(cmd.HintRequest(self._id(), item.item, self._hinted))
        elif word == "/back":
            self._back()
        elif word == "/steps":
            self._client.send(cmd.StepsRequest(self._id(), item.item))
        elif word == "/next":
            self._client.send(cmd.ItemNext(self._id(), rest or None))
        elif word.startswith("/"):
            self._show(f"no command {word}; see tutorstream chat --help")
        elif line.strip():
            at = self._asked
            self._client.send(cmd.AnswerSubmit(self._id(), item.item, line.strip(), at=at))
        return True

    def _back(self) -> None:
        """Leave the small question open and answer the exercise."""
        if self._asked is not None:
            self._show(f"(back to the exercise; {self._asked} stays open)")
        self._asked = None

    def _to_tutor(self, word: str, rest: str) -> None:
        if word == "stop":
            self._stop()
        elif word == "mode":
            self._set_mode(rest)
        else:
            asked = cmd.Action(word) if _is_action(word) else rest or "Help me."
            self._client.send(cmd.TurnStart(self._id(), asked, on_busy="replace"))

    def _stop(self) -> None:
        running = [g for g in self._client.replica.me.generations.values() if g.running]
        if running:
            self._client.send(cmd.TurnCancel(self._id(), gen=running[-1].gen))

    def _set_mode(self, name: str) -> None:
        if _is_mode(name):
            self._client.send(cmd.ModeSet(self._id(), name))
        else:
            self._show(f"expected one of {', '.join(MODES)} after /mode, came {name!r}")

    def _id(self) -> str:
        return f"t{next(self._ids)}-{id(self):x}"

    # --- hearing ------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for event in self._client:
            if self._on_event is not None:
                self._on_event(event)
            self._tell(event)

    def _tell(self, event: Any) -> None:  # noqa: C901 - one line a kind of event
        match event:
            case ev.Welcome() if self._client.replica.position.seq == 0 and not any(
                head.head for head in event.logs
            ):
                self._lesson = self._id()
                self._client.send(cmd.LessonStart(self._lesson, self._course))
            case ev.ItemShown(dup=False):
                self._asked = self._hinted = None
                self._show(f"\nexercise {event.item}: {event.prompt.strip()}")
                for choice in event.choices or ():
                    self._show(f"  {choice.id}) {choice.text}")
                for line in widget_lines(event.widget):
                    self._show(f"  {line}")
                self._show(f"  ({event.why})")
            case ev.Feedback(dup=False, at=str(at)):
                self._show(f"{at}: {event.verdict}. {event.message}")
                if event.verdict == "correct" and at == self._asked:
                    self._asked = self._hinted = None
            case ev.Feedback(dup=False):
                moved = ", ".join(f"{m.id} {m.before:.2f} -> {m.after:.2f}" for m in event.skills)
                self._show(f"{event.verdict}. {event.message} [{moved}]")
            case ev.Hint(dup=False):
                self._hint(event)
            case ev.Steps(dup=False):
                self._steps(event)
            case ev.Ok(changed=changed, dup=False) if changed and "mode" in changed:
                self._show(f"mode: {changed['mode']}")
            case ev.TurnStarted(dup=False):
                self._show(f"\ntutor ({event.model}): ", end="")
            case ev.Delta():
                self._show(event.text, end="")
            case ev.TurnRestarted():
                self._show(f"\n(started anew by {event.provider}: {event.reason})")
            case ev.TurnDone():
                self._show("" if event.status == "completed" else f"\n({event.status})")
            case ev.Err() if event.re == self._lesson:
                raise NoLesson(event.msg)
            case ev.Err():
                self._show(f"refused ({event.code} {event.name}): {event.msg}")

    def _hint(self, event: ev.Hint) -> None:
        of = f" of {event.at}" if event.at else ""
        self._show(f"hint {event.level}/{event.of}{of}: {event.text}")
        if event.at is not None:
            self._hinted = event.at if event.level < event.of else None
        elif event.scaffold is not None and event.scaffold.at is not None:
            self._hinted = event.scaffold.at if event.scaffold.hints else None
            self._ask(event.scaffold.at, event.scaffold.choices)

    def _steps(self, event: ev.Steps) -> None:
        for step in event.steps:
            self._show(f"  {step.show or '(left to you)'}  {step.why}")
        blank = next((s.ask for s in event.steps if s.ask is not None and not s.show), None)
        if blank is not None:
            self._ask(blank.at, blank.choices)

    def _ask(self, at: str, choices: list[ev.Choice] | None) -> None:
        """The next line answers this small question."""
        self._asked = at
        for choice in choices or ():
            self._show(f"  {choice.id}) {choice.text}")
        self._show(f"  (your next line answers {at}; /back answers the exercise instead)")

    def _state(self, state: str) -> None:
        if self._on_event is None:
            print(f"[{state}]", file=sys.stderr, flush=True)

    def _show(self, text: str, end: str = "\n") -> None:
        self._heard += text + end
        self._changed.set()
        if self._on_event is None:
            print(text, end=end, flush=True)


def _is_action(word: str) -> TypeGuard[ActionName]:
    return word in ACTIONS


def _is_mode(name: str) -> TypeGuard[Mode]:
    return name in MODES


async def _lines() -> AsyncIterator[str]:
    """Standard input line by line; a thread reads it, as it may be a file or a terminal."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        line = "begun"
        while line:
            line = sys.stdin.readline()
            with contextlib.suppress(RuntimeError):  # the loop has ended while we waited
                loop.call_soon_threadsafe(lines.put_nowait, line)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while line := await lines.get():
        yield line
