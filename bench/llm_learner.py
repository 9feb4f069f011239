"""A session that asks a model's tutor and keeps what it saw of each turn. This file is that client.

Every turn is judged by its own frames: one end, nothing after it, and a text of one source that has
the digest which its `turn.done` tells.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.reader import Reader
from protocol.commands import TurnCancel, TurnStart
from protocol.events import Delta, Err, Event, Foreign, TurnDone, TurnRestarted, TurnStarted
from protocol.limits import LIMITS


@dataclass
class Asked:
    """One turn as its learner saw it; times by `time.monotonic()`."""

    name: str
    due_s: float
    cancel_after_s: float | None = None
    sent_s: float = 0.0
    gen: str = ""
    voices: list[str] = field(default_factory=list)
    """Providers in their order: who was announced, who restarted it."""
    reasons: list[str] = field(default_factory=list)
    """Why it was restarted."""
    first_s: float | None = None
    """When the first text of any voice came."""
    last_voice_s: float | None = None
    """When the first text of the last voice came."""
    cancelled_s: float | None = None
    done_s: float | None = None
    status: str = ""
    text: str = ""
    whole: bool = False
    """Whether the text has the digest of its `turn.done`."""
    usage_output: int | None = None
    refused: str = ""


class Learner:
    """One session; `ask` begins a turn, `over` hears of its end."""

    def __init__(self, number: int, url: str, over: Callable[[Learner], None]) -> None:
        self.reader = Reader(url, self._hear)
        self.turns_left = LIMITS.turns_a_min
        self.turn: Asked | None = None
        self.turns: list[Asked] = []
        self.late_deltas = self.ended_twice = 0
        """Chunks and ends that came for a turn which had ended."""
        self.tokens = 0
        """Spaces heard: a token of the paced upstream begins with one."""
        self._number = number
        self._over = over
        self._ended: set[str] = set()

    def ask(self, name: str, text: str, due_s: float, cancel_after_s: float | None = None) -> Asked:
        """Begin a turn."""
        self.turns_left -= 1
        self.turn = Asked(name, due_s, cancel_after_s, sent_s=time.monotonic())
        self.turns.append(self.turn)
        self.reader.send(TurnStart(f"ask.{name}", text))
        return self.turn

    def _cancel(self, turn: Asked) -> None:
        if turn is self.turn and turn.gen and turn.done_s is None:
            turn.cancelled_s = time.monotonic()
            self.reader.send(TurnCancel(f"stop.{turn.name}", gen=turn.gen))

    def _hear(self, event: Event | Foreign) -> None:
        turn = self.turn
        match event:
            case Delta():
                self._delta(event)
            case TurnStarted() if turn is not None and event.cmd == f"ask.{turn.name}":
                turn.gen = event.gen
                turn.voices.append(event.provider)
                if turn.cancel_after_s is not None:
                    loop = asyncio.get_running_loop()
                    loop.call_later(turn.cancel_after_s, self._cancel, turn)
            case TurnRestarted() if turn is not None and event.gen == turn.gen:
                turn.voices.append(event.provider)
                turn.reasons.append(event.reason)
                turn.last_voice_s = None
            case TurnDone():
                self._done(event)
            case Err() if turn is not None and event.re == f"ask.{turn.name}":
                turn.refused = f"{event.code} {event.msg}"
                self._left()

    def _delta(self, event: Delta) -> None:
        turn = self.turn
        self.tokens += event.text.count(" ")
        if turn is None or event.gen != turn.gen:
            self.late_deltas += event.gen in self._ended
            return
        now_s = time.monotonic()
        turn.first_s = turn.first_s or now_s
        turn.last_voice_s = turn.last_voice_s or now_s

    def _done(self, event: TurnDone) -> None:
        turn = self.turn
        self.ended_twice += event.gen in self._ended
        self._ended.add(event.gen)
        if turn is None or event.gen != turn.gen:
            return
        turn.done_s, turn.status = time.monotonic(), event.status
        turn.text = self.reader.replica.text(event.gen)
        turn.whole = hashlib.sha256(turn.text.encode()).hexdigest() == event.text_sha256
        turn.usage_output = event.usage.output if event.usage is not None else None
        self._left()

    def _left(self) -> None:
        self.turn = None
        self._over(self)
