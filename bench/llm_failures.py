"""What a learner sees when a model fails: how soon another voice comes, and that it is one voice.

This file plays each failure against a real server with two providers behind it. A failure's own
time ends with the last byte of it that the upstream wrote; counted is from there to the request at
the second provider.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench import course, servers
from bench.llm_learner import Asked, Learner
from bench.llm_upstream import name_of
from bench.options import tell
from bench.reader import ticking
from bench.record import gate
from bench.servers import ROOT, Server
from bench.stats import spread

FAILOVER_MS = 50.0
PAUSE_MS = 100.0
"""The router asks a provider that refused the connection once more after 50 to 100 ms."""
SILENCE_MS = 2_550.0
"""Every provider silent: the built-in tutor's first text."""
CANCEL_MS, LEFT_MS = 50.0, 100.0
TURN_S = 20.0
BETWEEN_S = 0.03
"""Longer than the upstream that limits its rate asks for."""
SILENCES = 2
"""A third silence in a row would open the second provider's breaker."""
WELL = 2
"""Whole answers after each failure: a breaker that opened would hide the next one."""


class Failure(NamedTuple):
    """A way to fail: the word that plays it, who is to speak in the end, what it shows before."""

    word: str
    text: str = "second"
    timed: bool = True
    """Whether it fails before the first text, so that the second provider's request is timed."""


FAILURES = (
    Failure("limited"), Failure("overloaded"), Failure("page"), Failure("end"), Failure("empty"),
    Failure("refused"),
    Failure("error", timed=False), Failure("cut", timed=False), Failure("broken", timed=False),
    Failure("unfinished", timed=False),
    Failure("silence everywhere", text="builtin", timed=False),
)  # fmt: skip


class Stage:
    """A server, two upstreams, and learners who ask one after another."""

    def __init__(self, fakes: Server, server: Server) -> None:
        self.texts = {key: str(fakes.ready[f"{key}_text"]) for key in ("first", "second")}
        """What each upstream says where it says all."""
        self._port = fakes.port
        self._url = server.url("/v1/ws")
        self._names = map(name_of, itertools.count())
        self._over = asyncio.Event()
        self._learner: Learner | None = None
        self.learners: list[Learner] = []

    async def turn(self, word: str, *, cancel_after_s: float | None = None) -> Asked:
        """A turn that plays this, to its end. Raises TimeoutError where none comes."""
        learner = self._learner
        if learner is None or not learner.turns_left:
            learner = self._learner = await self.learner()
        return await self._asked(learner, word, cancel_after_s)

    async def learner(self) -> Learner:
        """A new session."""
        learner = Learner(len(self.learners), self._url, lambda _: self._over.set())
        self.learners.append(learner)
        await learner.reader.enter()
        return learner

    async def _asked(self, learner: Learner, word: str, cancel_after_s: float | None) -> Asked:
        self._over.clear()
        name = next(self._names)
        text = f"Why does that hold? play {word}"
        turn = learner.ask(name, text, time.monotonic(), cancel_after_s)
        async with asyncio.timeout(TURN_S):
            await self._over.wait()
        await asyncio.sleep(BETWEEN_S)
        return turn

    async def calls(self) -> list[dict[str, Any]]:
        """What the upstreams saw since the last question."""
        found: list[dict[str, Any]] = json.loads(await self.control("/calls"))
        return found

    async def control(self, path: str) -> bytes:
        """Ask the upstreams' control port."""
        return await asyncio.to_thread(_got, self._port, path)


def _got(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def present() -> bool:
    """Whether the fakes are here: a checkout has them."""
    return (ROOT / "tests" / "fakes" / "openai_chat.py").exists()


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """The processes of all failures."""
    with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as folder:
        path = Path(folder) / "course.json"
        path.write_bytes(course.course_bytes())
        command = [sys.executable, "-m", "bench.llm_fakes"]
        async with servers.serving("the fakes", command, core="load") as fakes:
            ours = servers.ours(f"sqlite:///{folder}/store.db", course=path)
            settings = environment(fakes.ready["first"], fakes.ready["second"])
            async with servers.serving("tutorstream", ours, settings) as server:
                stage = Stage(fakes, server)
                ticks = asyncio.create_task(
                    ticking(lambda: [each.reader for each in stage.learners])
                )
                try:
                    yield stage
                finally:
                    ticks.cancel()
                    for learner in stage.learners:
                        learner.reader.close()


def environment(first: str, second: str) -> dict[str, str]:
    """Two providers with a cloud's limits, in two tiers, and more money than a run can spend."""
    return {
        "TUTORSTREAM_ROUTER__CHAIN": "openai/first,openrouter/second",
        "TUTORSTREAM_ROUTER__FIRST_TOKEN_MS": "2500",
        "TUTORSTREAM_PROVIDERS__OPENAI__BASE_URL": first,
        "TUTORSTREAM_PROVIDERS__OPENAI__API_KEY": "bench",
        "TUTORSTREAM_PROVIDERS__OPENROUTER__BASE_URL": second,
        "TUTORSTREAM_PROVIDERS__OPENROUTER__API_KEY": "bench",
        "TUTORSTREAM_BUDGET__TENANT_DAY_USD": "1000000",
    }


async def measured(times: int, cancels: int) -> dict[str, Any]:
    """Each failure so many times, one after another; then answers cancelled in their midst."""
    if not present():
        return {"left_out": "tests/fakes is not here: failures are measured from a checkout"}
    async with staged() as stage:
        for _ in range(3):
            await stage.turn("well")
        found = {}
        for failure in FAILURES:
            tell(f"failure: {failure.word}")
            found[failure.word] = await _played(stage, failure, times)
        tell("cancels")
        cancelled = await _cancelled(stage, cancels)
        late = sum(each.late_deltas for each in stage.learners)
        twice = sum(each.ended_twice for each in stage.learners)
    return {"failures": found, "cancel": cancelled, "late_deltas": late, "ended_twice": twice}


async def _played(stage: Stage, failure: Failure, times: int) -> dict[str, Any]:
    rows = []
    for _ in range(times if failure.text == "second" else min(times, SILENCES)):
        await stage.calls()
        if failure.word == "refused":
            await stage.control("/shut")
        turn = await stage.turn(failure.word)
        calls = await stage.calls()
        if failure.word == "refused":
            await stage.control("/open")
        rows.append((turn, calls))
        for _ in range(WELL):
            await stage.turn("well")
    return row(failure, rows, stage.texts)


def row(
    failure: Failure, rows: list[tuple[Asked, list[dict[str, Any]]]], words: dict[str, str]
) -> dict[str, Any]:
    """What one failure came to: times, voices, and turns that are not as they must be."""
    failover, first, wrong = [], [], []
    for turn, calls in rows:
        complaint = complained(failure, turn, words)
        if complaint:
            wrong.append(complaint)
        if turn.first_s is not None:
            first.append((turn.first_s - turn.sent_s) * 1000)
        if failure.timed and (ms := failover_ms(turn, calls)) is not None:
            failover.append(ms)
    return {
        "turns": len(rows),
        "failover_ms": spread(failover) if failure.timed else None,
        "first_text_ms": spread(first),
        "reasons": sorted({reason for turn, _ in rows for reason in turn.reasons}),
        "wrong": len(wrong),
        "first_wrong": wrong[:3],
    }


def failover_ms(turn: Asked, calls: list[dict[str, Any]]) -> float | None:
    """From the failure's last byte (or the question, if nobody answers) to the next request."""
    second = next((c["began_s"] for c in calls if c["upstream"] == "second"), None)
    failed = [c["over_s"] for c in calls if c["upstream"] == "first"]
    since_s = failed[-1] if failed else turn.sent_s
    return None if second is None or since_s is None else float((second - since_s) * 1000)


def complained(failure: Failure, turn: Asked, words: dict[str, str]) -> str:
    """What is wrong with a turn, or nothing: its end, its voices, a text of two sources."""
    seen = f"{failure.word}: {turn.status} {turn.voices} {turn.reasons} {turn.text[:60]!r}"
    if turn.status != "completed" or not turn.whole or turn.refused:
        return f"{seen} {turn.refused}".strip()
    ends = {"second": "openrouter", "builtin": "builtin"}
    if turn.voices[0] != "openai" or turn.voices[-1] != ends[failure.text]:
        return seen
    if failure.text == "second":
        return "" if turn.text == words["second"] else seen
    spliced = any(turn.text.startswith(text[:12]) or text[-12:] in turn.text
                  for text in words.values())  # fmt: skip
    return seen if spliced or not turn.text else ""


async def _cancelled(stage: Stage, n: int) -> dict[str, Any]:
    done, left, wrong = [], [], 0
    for k in range(n):
        await stage.calls()
        turn = await stage.turn("slowly", cancel_after_s=0.15 + 0.4 * ((k * 0.618) % 1))
        await asyncio.sleep(LEFT_MS / 1000)
        calls = await stage.calls()
        if turn.status != "cancelled" or turn.cancelled_s is None or turn.done_s is None:
            wrong += 1
            continue
        done.append((turn.done_s - turn.cancelled_s) * 1000)
        gone = [c["left_s"] for c in calls if c["left_s"] is not None]
        wrong += not gone
        left += [(gone[0] - turn.cancelled_s) * 1000] if gone else []
    return {"turns": n, "done_ms": spread(done), "left_ms": spread(left), "wrong": wrong}


def gates(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The bounds of the failures; none where they were left out."""
    if "left_out" in found:
        return []
    made, wrong = [], 0
    for word, each in found["failures"].items():
        wrong += each["wrong"]
        if each["failover_ms"] is not None:
            limit = FAILOVER_MS + (PAUSE_MS if word == "refused" else 0.0)
            note = ", its pause included" if word == "refused" else ""
            made.append(gate(f"failover, {word}{note}", each["failover_ms"]["max"], limit, "ms"))
    silence = found["failures"]["silence everywhere"]["first_text_ms"]["max"]
    return [
        *made,
        gate("first text where all are silent", silence, SILENCE_MS, "ms"),
        gate("cancel to end, p99", found["cancel"]["done_ms"]["p99"], CANCEL_MS, "ms"),
        gate("cancel to upstream closed, p99", found["cancel"]["left_ms"]["p99"], LEFT_MS, "ms"),
        gate("cancels gone wrong", found["cancel"]["wrong"], 0),
        gate("failures with a wrong end, voice or text", wrong, 0),
        gate("chunks after the end", found["late_deltas"], 0),
        gate("ends too many", found["ended_twice"], 0),
    ]
