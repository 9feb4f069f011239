"""Scenario `stream`: many tutor turns at once, at the tutor's own pace. This file is that run.

Every learner keeps a turn of the built-in tutor running: when one ends the next begins, up to the
turns a session may start in a minute. Gaps are taken between deltas of one turn as they arrive.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import machine, servers
from bench.learner import Heard, Learner, Tally, acknowledging
from bench.load import settled
from bench.options import Options, tell
from bench.record import gate
from bench.stats import middle, spread
from protocol.limits import LIMITS

OURS = "tutorstream"
ACTIONS = ("next_step", "why", "example", "simpler")
PACE_MS = 1000 / 30
"""The built-in tutor says 30 words a second."""
WARM_S = 1.0
"""Turns begin spread over this time; then the window opens."""
PATIENCE_S = 30.0
_LOOP_GAP = "tutorstream_loop_gap_max_seconds"
_COMPILES = "tutorstream_kernel_compiles_since_ready"


class Listening(Tally):
    """What all learners heard of their turns."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False
        """No turn begins any more."""
        self.running = 0
        self.turns = 0
        self.deltas = 0
        self.texts_wrong = 0
        """Texts that are not what their `turn.done` says."""
        self.spent = 0
        """Learners that may not start a turn for now."""
        self.first_ms: list[float] = []
        self.gaps_ms: list[float] = []
        self.messages = 0


class Listener(Learner):
    """A learner that always has the tutor speak."""

    def __init__(self, name: int, dice: random.Random, tally: Listening) -> None:
        super().__init__(name, "native", dice, tally)
        self._heard = tally
        self._turns = 0
        self._text: list[str] = []
        self._times_s: list[float] = []
        self._asked_s = 0.0

    def ask(self) -> None:
        """Start a turn, if one may be started."""
        if self._heard.over:
            return
        if self._turns == LIMITS.turns_a_min:
            self._heard.spent += 1
            return
        action = ACTIONS[self._turns % len(ACTIONS)]
        self._turns += 1
        self._text, self._times_s = [], []
        self._heard.running += 1
        self._asked_s = time.monotonic()
        name = f"t{self._turns}"
        self.wire.send(
            b'{"t":"turn.start","id":"%b","input":{"action":"%b"}}'
            % (name.encode(), action.encode())
        )

    def _hear(self, payload: bytes) -> None:
        self._heard.messages += 1
        super()._hear(payload)

    def _event(self, t: str, heard: Heard) -> None:
        super()._event(t, heard)
        if t == "delta":
            self._text.append(heard.text)
            self._times_s.append(time.monotonic())
            self._heard.deltas += 1
        elif t == "turn.done":
            self._done(heard)

    def _done(self, heard: Heard) -> None:
        found = self._heard
        found.running -= 1
        found.turns += 1
        digest = hashlib.sha256("".join(self._text).encode()).hexdigest()
        if digest != heard.text_sha256 or heard.status != "completed" or not self._text:
            found.texts_wrong += 1
        if self._times_s and found.since_s <= self._asked_s < found.until_s:
            found.first_ms.append((self._times_s[0] - self._asked_s) * 1000)
            found.gaps_ms += [(b - a) * 1000 for a, b in pairwise(self._times_s)]
        self.ask()


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults."""
    return options._replace(
        connections=options.connections or 100,
        duration_s=options.duration_s or 8.0,
        rounds=options.rounds or 5,
        peers=False,
    )


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    rows = []
    for number in range(options.rounds):
        tell(f"round {number + 1} of {options.rounds}")
        rows.append(await (_remote if options.url else _round)(number, options))
    return body(rows, options), gates(rows, options)


async def _round(number: int, options: Options) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as folder:
        command = servers.ours(f"sqlite:///{Path(folder)}/store.db")
        async with servers.serving(OURS, command) as server:
            row = await _class(server.url("/v1/ws"), server.pid, number, options)
            return {**row, **_inside(await server.metrics())}


async def _remote(number: int, options: Options) -> dict[str, Any]:
    """One round against a server that runs already: its CPU cannot be read from here."""
    host, port = servers.address(options.url)
    row = await _class(f"ws://{host}:{port}/v1/ws", None, number, options)
    return {**row, **_inside(await asyncio.to_thread(servers.scraped, host, port))}


def _inside(samples: dict[str, float]) -> dict[str, Any]:
    return {
        "loop_gap_max_ms": round(samples[_LOOP_GAP] * 1000, 3),
        "compiles": int(samples[_COMPILES]),
    }


async def _class(url: str, pid: int | None, number: int, options: Options) -> dict[str, Any]:
    """Let the learners in, measure one window, hang up."""
    tally = Listening()
    learners: list[Listener] = []
    over = False
    acks = asyncio.create_task(acknowledging(learners, lambda: over))  # type: ignore[arg-type] # only read
    try:
        for k in range(options.connections):
            dice = random.Random((options.seed + number) * 10_007 + k)
            learner = Listener(k, dice, tally)
            await learner.enter(url)
            learners.append(learner)
        return await window(learners, tally, pid, number, options)
    finally:
        over = True
        await acks
        for learner in learners:
            learner.wire.close()


async def window(
    learners: list[Listener], tally: Listening, pid: int | None, number: int, options: Options
) -> dict[str, Any]:
    """Begin all turns, count for a while, hear the last ones out."""
    for learner in learners:
        learner.ask()
        await asyncio.sleep(WARM_S / len(learners))
    tally.since_s = time.monotonic()
    before = (tally.deltas, tally.messages, tally.turns)
    use = machine.Window(pid)
    await asyncio.sleep(options.duration_s)
    used = use.end()
    deltas, messages, turns = (
        b - a for a, b in zip(before, (tally.deltas, tally.messages, tally.turns), strict=True)
    )
    tally.until_s = time.monotonic()
    running, spent = tally.running, tally.spent
    tally.over = True
    lost = await settled(lambda: tally.running, PATIENCE_S)
    if tally.refusals or tally.closed or lost:
        first = (tally.refusals or ["none"])[0]
        raise RuntimeError(
            f"the run is void: {lost} turns without an end, {len(tally.closed)} connections "
            f"lost, {len(tally.refusals)} refusals, the first: {first}"
        )
    if not tally.gaps_ms or not deltas:
        raise RuntimeError("no turn began and ended in the window: take a longer --duration")
    return {
        "server": OURS,
        "round": number,
        "turns": tally.turns,
        "turns_in_window": turns,
        "running_at_end": running,
        "spent_at_end": spent,
        "deltas": deltas,
        "deltas_a_s": round(deltas / used.window_s, 1),
        "messages_a_s": round(messages / used.window_s, 1),
        "delta_cpu_us": None if pid is None else round(used.server_cpu_s / deltas * 1e6, 2),
        "load_cpu_us": round(used.load_cpu_s / deltas * 1e6, 2),
        "first_ms": spread(tally.first_ms),
        "gap_ms": spread(tally.gaps_ms),
        "jitter_ms": spread([abs(gap - PACE_MS) for gap in tally.gaps_ms]),
        "texts_wrong": tally.texts_wrong,
        "window_s": round(used.window_s, 3),
        "others_share": None if used.others_share is None else round(used.others_share, 4),
        "flagged": used.flagged,
    }


# --- what the rounds say together -----------------------------------------------------------------


def body(rows: list[dict[str, Any]], options: Options) -> dict[str, Any]:
    """The record's own part."""
    summary: dict[str, Any] = {
        "rounds": len(rows),
        "turns": sum(r["turns"] for r in rows),
        "deltas": sum(r["deltas"] for r in rows),
        "first_p50_ms": middle([r["first_ms"]["p50"] for r in rows]),
        "first_worst_ms": max(r["first_ms"]["max"] for r in rows),
        "gap_p50_ms": middle([r["gap_ms"]["p50"] for r in rows]),
        "gap_p99_ms": middle([r["gap_ms"]["p99"] for r in rows]),
        "gap_worst_ms": max(r["gap_ms"]["max"] for r in rows),
        "jitter_p50_ms": middle([r["jitter_ms"]["p50"] for r in rows]),
        "jitter_p99_ms": middle([r["jitter_ms"]["p99"] for r in rows]),
        "deltas_a_s": middle([r["deltas_a_s"] for r in rows], 1),
        "messages_a_s": middle([r["messages_a_s"] for r in rows], 1),
        "texts_wrong": sum(r["texts_wrong"] for r in rows),
        "loop_gap_max_ms": max(r["loop_gap_max_ms"] for r in rows),
        "compiles": max(r["compiles"] for r in rows),
    }
    if rows[0]["delta_cpu_us"] is not None:
        summary["delta_cpu_us"] = middle([r["delta_cpu_us"] for r in rows], 1)
    return {
        "arrivals": f"{options.connections} learners, each with a turn of the built-in tutor at "
        f"30 words a second, the next at the end of the one before, at most {LIMITS.turns_a_min} "
        "a learner; a new sentence leaves at once, off the pace by design",
        "flagged": sum(r["flagged"] for r in rows),
        "summary": {OURS: summary},
        "rounds": rows,
    }


def gates(rows: list[dict[str, Any]], options: Options) -> list[dict[str, Any]]:
    """Whole texts, soon begun, without a pause that is felt, nothing compiled."""
    return [
        gate("texts unlike their digest", sum(r["texts_wrong"] for r in rows), 0),
        gate("worst first delta", max(r["first_ms"]["max"] for r in rows), options.budget_ms, "ms"),
        gate(
            "p99 of gaps",
            middle([r["gap_ms"]["p99"] for r in rows])["median"],
            options.budget_ms,
            "ms",
        ),
        gate("kernels compiled under load", max(r["compiles"] for r in rows), 0),
    ]
