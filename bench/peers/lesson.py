"""The lesson as the peers hold it: in memory, in dicts, with our engines. This file is their work.

It grades, scores and chooses with the same `engines.tutor.react` as ours and makes the same three
events, field by field; it stores nothing.
"""

from __future__ import annotations

import hashlib
import json
import socket
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from engines.beliefs import Beliefs
from engines.exercises.course import course_from
from engines.exercises.hints import ladder_length
from engines.exercises.template import instance
from engines.maths.dice import Dice
from engines.pinning import pinned
from engines.tutor import choose, react, warm
from engines.words import Answered, Chosen, Decision, Syllabus

Event = dict[str, Any]


def syllabus_of(path: str) -> Syllabus:
    """The course of a file, with the kernels compiled."""
    warm()
    return pinned(course_from(Path(path).read_bytes()))


class Lesson:
    """One learner's session."""

    def __init__(self, taught: Syllabus, sid: str) -> None:
        self.sid = sid
        self.syllabus = taught
        self.beliefs = Beliefs.fresh(taught)
        self.key = int.from_bytes(hashlib.sha256(sid.encode()).digest()[:16], "little")
        self.q = 0
        self.attempts = 0
        self.learnt = False

    def start(self, command_id: str) -> list[Event]:
        """The reply to `lesson.start` and the first item."""
        ok = self._event("ok", {"re": command_id})
        self.beliefs, chosen = choose(
            self.beliefs, self.syllabus, time.time(), Dice(self.key, self.q)
        )
        return [ok, self._show(chosen)]

    def answer(self, command_id: str, item: str, response: Any, taken_ms: int) -> list[Event]:
        """Feedback, the live difficulty where it moved, the next item where this one is done."""
        if item != self.instance.item.id:
            raise ValueError(f"the open item is {self.instance.item.id}, {item} came")
        begun = time.perf_counter()
        laps: dict[str, float] = {}
        seen = Answered(
            eid=str(self.q + 1),
            syllabus=self.syllabus,
            instance=self.instance,
            response=response,
            taken_ms=taken_ms,
            attempt_no=self.attempts + 1,
            hints_used=0,
            steps_shown=False,
            learning_done=self.learnt,
        )

        def lap(stage: str) -> None:
            laps[stage] = time.perf_counter()

        decision = react(self.beliefs, seen, time.time(), Dice(self.key, self.q + 1), lap)
        self.beliefs = decision.beliefs
        self.attempts += 1
        self.learnt = True
        events = [self._feedback(command_id, decision, begun, laps)]
        if decision.difficulty is not None:
            d = decision.difficulty
            events.append(
                self._event(
                    "difficulty",
                    {
                        "theta": d.theta,
                        "sd": d.sd,
                        "target": list(d.target),
                        "step": d.step,
                        "reason": d.reason,
                        "items": list(d.items),
                        "skill": d.skill,
                        "b": d.b,
                        "right": d.right,
                    },
                )
            )
        if decision.chosen is not None:
            events.append(self._show(decision.chosen))
        return events

    def _feedback(
        self, command_id: str, decision: Decision, begun: float, laps: dict[str, float]
    ) -> Event:
        verdict = decision.verdict
        event = {
            "re": command_id,
            "item": self.instance.item.id,
            "verdict": verdict.verdict,
            "read_as": verdict.read_as,
            "message": verdict.message,
            "assisted": decision.assisted,
            "skills": [
                {
                    "id": m.skill,
                    "before": m.before,
                    "after": m.after,
                    "low": m.low,
                    "high": m.high,
                }
                for m in decision.moved
            ],
            "p_expected": decision.p_expected,
            "timing": {
                "decode_us": 0,
                "check_us": int((laps["check"] - begun) * 1e6),
                "score_us": int((laps["score"] - laps["check"]) * 1e6),
                "store_us": 0,
                "total_us": int((time.perf_counter() - begun) * 1e6),
            },
        }
        if verdict.misconception is not None:
            event["misconception"] = verdict.misconception
        if self.attempts > 1:
            event["attempt"] = self.attempts
        if decision.done:
            event["done"] = True
        return self._event("feedback", event)

    def _show(self, chosen: Chosen) -> Event:
        course = self.syllabus.course
        item = course.items[self.syllabus.item_index[chosen.item]]
        self.instance = instance(item, course.sha256, chosen.seed)
        self.attempts = 0
        self.learnt = False
        event = {
            "item": item.id,
            "kind": item.answer.kind,
            "prompt": self.instance.prompt,
            "skills": list(item.skills),
            "p_success": chosen.p_success,
            "why": chosen.why,
            "hints": ladder_length(item),
            "title": item.title,
        }
        return self._event("item", event)

    def _event(self, kind: str, fields: Event) -> Event:
        self.q += 1
        return {"t": kind, "s": "me", "q": self.q, "ts": int(time.time() * 1000), **fields}


def listening() -> socket.socket:
    """A bound socket on a free port of loopback."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    bound.listen(2048)
    return bound


def announce(bound: socket.socket, *libraries: str) -> None:
    """Print the ready line: port and versions."""
    found = {name: metadata.version(name) for name in libraries}
    print(json.dumps({"port": bound.getsockname()[1], "versions": found}), flush=True)
