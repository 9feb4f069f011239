"""Exercises with widgets, small questions and verdicts on parts, as a server sends them.

This file is the script of `test_widgets*.py`: each exercise comes with its answer, and every answer
that was given, drafted or asked about is kept for the test to read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection

from tests.web.fake_server import FakeServer, Lesson


@dataclass
class Scripted:
    """One exercise: its fields on the wire, the answer taken as right, other verdicts by answer."""

    fields: dict[str, Any]
    right: Any
    verdicts: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)


def entries(*texts: str, ids: str = "123456789") -> list[dict[str, str]]:
    """Tokens, lines or choices with ids as a server makes them."""
    return [{"id": id_, "text": text} for id_, text in zip(ids, texts, strict=False)]


def asked(kind: str, prompt: str, right: Any, **fields: Any) -> Scripted:
    """An exercise of a kind."""
    return Scripted({"kind": kind, "prompt": prompt, **fields}, right)


def point() -> Scripted:
    """A point on a line of quarters."""
    line = {"kind": "number-line", "low": "-1", "high": "2", "step": "1/4", "takes": "point"}
    return asked("number", "Where is $\\frac{3}{4}$?", "3/4", widget=line)


def points() -> Scripted:
    """Two points on a line of whole numbers."""
    line = {"kind": "number-line", "low": "-5", "high": "5", "step": "1", "takes": "points"}
    return asked("set", "Mark the solutions of $x^2 = 4$.", "{-2, 2}", widget=line)


def interval() -> Scripted:
    """An interval that is open at its right end."""
    line = {"kind": "number-line", "low": "0", "high": "8", "step": "1", "takes": "interval"}
    return asked("interval", "Show $2 \\le x < 5$.", "[2, 5)", widget=line)


def plot() -> Scripted:
    """A line through two points."""
    slider = {"low": "-3", "high": "3", "step": "1/2", "start": "0"}
    sliders = [{"name": "m", "label": "Slope m", **slider}, {"name": "b", **slider}]
    widget = {"kind": "slider-plot", "plot": "m*x + b", "variable": "x", "sliders": sliders}
    widget |= {"x": ["-5", "5"], "y": ["-5", "5"], "points": [["0", "-1"], ["4", "1"]]}
    prompt = "Move the line through both points."
    return asked("expression", prompt, "(1/2)*x + (-1)", widget=widget)


def order(*, across: bool = False) -> Scripted:
    """Four fractions by size."""
    tokens = entries("$\\frac{3}{4}$", "$\\frac{1}{4}$", "$1$", "$\\frac{1}{2}$")
    widget = {"kind": "order", "tokens": tokens, "across": across}
    made = asked("order", "Order by size, the smallest first.", ["2", "4", "1", "3"], widget=widget)
    said = "Partly right: 3 of 4 stand in the right order."
    made.verdicts = [(["2", "1", "4", "3"], {"verdict": "partial", "message": said})]
    return made


def match() -> Scripted:
    """Three fractions and their equals."""
    left = entries("$\\frac{2}{4}$", "$\\frac{2}{6}$", "$\\frac{6}{8}$")
    right = entries("$\\frac{3}{4}$", "$\\frac{1}{2}$", "$\\frac{1}{3}$", ids="abc")
    widget = {"kind": "match", "left": left, "right": right}
    return asked("match", "Which are equal?", {"1": "b", "2": "c", "3": "a"}, widget=widget)


def parsons() -> Scripted:
    """A function of three lines, one more that belongs nowhere."""
    lines = entries("    return n", "def size(n):", "if n < 0:", "n = -n")
    lines[0]["text"] = "return n"
    widget = {"kind": "parsons", "lines": lines, "indent": True, "most_indent": 3}
    right = [{"id": "2", "indent": 0}, {"id": "3", "indent": 1}, {"id": "4", "indent": 2},
             {"id": "1", "indent": 1}]  # fmt: skip
    return asked("order", "Write `size`, which is never negative.", right, widget=widget)


def parts() -> Scripted:
    """Three questions in one: typed, chosen, and on a line."""
    line = {"kind": "number-line", "low": "0", "high": "10", "step": "1", "takes": "point"}
    several = [
        {"id": "a", "prompt": "What is $2 + 3$?", "kind": "number"},
        {"id": "b", "prompt": "Is it odd?", "kind": "choice",
         "choices": entries("yes", "no", ids="xy")},
        {"id": "c", "prompt": "Put it on the line.", "kind": "number", "widget": line},
    ]  # fmt: skip
    widget = {"kind": "parts", "parts": several}
    made = asked("parts", "Three small ones.", {"a": "5", "b": "x", "c": "5"}, widget=widget)
    each = {"a": "incorrect", "b": "correct", "c": "correct"}
    verdict = {"verdict": "partial", "parts": each}
    made.verdicts = [({"a": "6", "b": "x", "c": "5"}, verdict)]
    return made


def all_at_once() -> Scripted:
    """Every widget that takes the place of an answer box, as the parts of one exercise."""
    ways = (point, points, interval, plot, order, match, parsons, poll)
    each = [{"id": way.__name__, **way().fields} for way in ways]
    widget = {"kind": "parts", "parts": each}
    return asked("parts", "All of them.", {}, widget=widget)


def poll() -> Scripted:
    """A choice that a room could vote on."""
    choices = entries("$3x = 15$", "$3x = 25$", ids="xy")
    widget = {"kind": "poll", "anonymous": True}
    return asked("choice", "What comes first?", "x", choices=choices, widget=widget)


def board() -> Scripted:
    """A number, with notes beside it."""
    return asked("number", "How many edges has a cube?", "12", widget={"kind": "board"})


def expression() -> Scripted:
    """An expression in a form."""
    made = asked("expression", "Expand $2(x + 1)$.", "2x + 2")
    said = "Multiply it out."
    still = [{"id": "eq.two-step", "before": 0.251, "after": 0.249, "high": 0.5}]
    verdict = {"verdict": "wrong_form", "message": said, "skills": still}
    made.verdicts = [("2(x + 1)", verdict)]
    return made


def matrix() -> Scripted:
    """A matrix of two rows."""
    return asked("matrix", "Write the unit matrix of size 2.", "[[1, 0], [0, 1]]")


class WidgetLesson(Lesson):
    """A lesson through a script of exercises, over and over."""

    script: list[Scripted]

    def __init__(self, server: FakeServer, script: list[Scripted]) -> None:
        super().__init__(server)
        self.script = script
        self.heard: list[dict[str, Any]] = []
        self.subs: dict[str, dict[str, Any]] = {}
        self.sub_drafts: dict[str, Any] = {}
        self.blank = False

    @property
    def scripted(self) -> Scripted:
        """The open one."""
        return self.script[self.n % len(self.script)]

    @property
    def open(self) -> dict[str, Any]:
        """The open item, with the fields that every item has."""
        base = super().open
        base.pop("choices", None)
        return {**base, "item": f"widgets.{self.n:02}", **self.scripted.fields}

    def next_item(self, skill: str | None = None) -> dict[str, Any]:
        """The next one of the script."""
        self.subs, self.sub_drafts = {}, {}
        return super().next_item(skill)

    def snapshot(self) -> dict[str, Any]:
        """The state, with the small questions."""
        made = super().snapshot()
        made["state"] |= {"subs": self.subs, "sub_drafts": self.sub_drafts}
        return made

    def drafts(self) -> list[Any]:
        """What was drafted, in order."""
        return [f["response"] for f in self.heard if f["t"] == "answer.draft"]

    def given(self) -> list[Any]:
        """What was answered, in order."""
        return [f["response"] for f in self.heard if f["t"] == "answer.submit"]

    async def hear(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Keep it, then do it."""
        self.heard.append(frame)
        await super().hear(line, frame)

    async def keep_draft(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Newest wins, in each box."""
        if "at" in frame:
            self.sub_drafts[frame["at"]] = frame["response"]
        else:
            await super().keep_draft(line, frame)

    async def submit(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """A verdict on the item, or on a small question in it."""
        at, response = frame.get("at"), frame["response"]
        if at is not None:
            await self._small(frame, at, str(response))
            return
        told = next((v for given, v in self.scripted.verdicts if given == response), None)
        right = response == self.scripted.right
        verdict = {"verdict": "correct" if right else "incorrect", "message": ""} | (told or {})
        self.attempts += 1
        feedback = {
            "t": "feedback", "re": frame["id"], "item": frame["item"], "assisted": False,
            "read_as": json.dumps(response), "skills": [], "p_expected": 0.7,
            "timing": {"total_us": 90}, "attempt": self.attempts, "done": right, **verdict,
        }  # fmt: skip
        await self.append(feedback, *([self.next_item()] if right else []))

    async def _small(self, frame: dict[str, Any], at: str, response: str) -> None:
        right = response == "15"
        said = "Now back to the question." if right else "Take 5 away from 20."
        verdict = "correct" if right else "incorrect"
        sub = self.subs.setdefault(at, {"attempts": 0, "hints": []})
        sub["attempts"] += 1
        sub |= {"verdict": verdict, "message": said, "response": response, "over": right}
        if right:
            self.sub_drafts.pop(at, None)
        told = {
            "t": "feedback", "re": frame["id"], "item": frame["item"], "at": at,
            "verdict": verdict, "read_as": response, "message": said, "assisted": True,
            "skills": [], "p_expected": 0.7, "timing": {"total_us": 60},
        }  # fmt: skip
        filled = right and at.startswith("step.")
        self.blank = self.blank and not filled
        await self.append(told, *([self._steps(None)] if filled else []))

    async def hint(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """A ladder whose second level asks and whose last tells; or a hint of that question."""
        if frame.get("at"):
            text = "Count back from 20."
            self.subs.setdefault(frame["at"], {"over": False, "hints": []})["hints"] = [text]
            one = {"item": frame["item"], "at": frame["at"], "level": 1, "of": 1, "text": text}
            await self.append({"t": "hint", **one, "re": frame["id"]})
            return
        ask = "What is $20 - 5$?"
        scaffold = {"ask": ask, "at": "hint.2", "kind": "number", "hints": 1}
        levels: list[dict[str, Any]] = [
            {"text": "Which operation was done last?"},
            {"text": ask, "scaffold": scaffold},
            {"text": "A twin: $2x + 1 = 7$.\n\n$2x = 6$, so $x = 3$."},
            {"text": "$x = 5$", "told": True},
        ]
        level = len(self.hints) + 1
        self.hints = [*self.hints, {"level": level, "of": 4, **levels[level - 1]}]
        await self.append({"t": "hint", "item": frame["item"], **self.hints[-1], "re": frame["id"]})

    async def worked(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """Two steps, the second a blank; asked again, what stands there."""
        self.blank = self.steps is None
        await self.append(self._steps(frame["id"]))

    def _steps(self, re: str | None) -> dict[str, Any]:
        ask = {"at": "step.2", "kind": "number"}
        second: dict[str, Any] = {"why": "Take 5 away on both sides.", "ask": ask}
        if not self.blank:
            second["show"] = "$3x = 15$"
        self.steps = [{"show": "$3x + 5 = 20$", "why": "As it is given."}, second]
        told = {"t": "steps", "item": self.open["item"], "steps": self.steps}
        return told if re is None else {**told, "re": re}

    async def preview(self, line: ServerConnection, frame: dict[str, Any]) -> None:
        """How a typed answer is read; an open bracket is not."""
        text = str(frame["response"])
        at = {"at": frame["at"]} if "at" in frame else {}
        seen: dict[str, Any] = {"read_as": text.replace("*", " \\cdot ")}
        if "?" in text:
            seen = {"read_as": "", "column": text.index("?") + 1, "note": "a number is expected"}
        await line.send(json.dumps({"t": "preview", "item": frame["item"], **at, **seen}))


def plays(fake: FakeServer, *script: Scripted) -> None:
    """The exercises that new lessons of this server go through."""
    fake.lesson_of = lambda server: WidgetLesson(server, list(script))


def lesson(fake: FakeServer) -> WidgetLesson:
    """The newest lesson."""
    newest = fake.lesson
    assert isinstance(newest, WidgetLesson)
    return newest
