"""Scenario `resume`: sockets cut anywhere in running answers, and what the client shows in the end.

This file is that scenario. The model's answers are known beforehand, so the text on the screen is
compared byte for byte with what was sent upstream, and with the hash that `turn.done` tells.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, NamedTuple

from bench import machine, servers
from bench.options import Options, tell
from bench.reader import Reader, ticking
from bench.record import gate
from bench.stats import cdf, spread
from bench.upstream import Upstream, answer, question
from protocol.commands import TurnStart
from protocol.events import Event, Foreign, TurnStarted
from protocol.limits import LIMITS

OURS = "tutorstream"
TOKENS = 300
GOAL_MS = 50.0
"""The goal for the 99th percentile from dialling to caught up."""
TURN_S = 120.0
"""A turn that has not ended after so long, cuts included, is an error of the run."""


class Plan(NamedTuple):
    """When a connection is cut, whichever comes first, and how long the client then stays away."""

    bytes_left: int | None
    after_s: float | None
    away_s: float


class Tally:
    """What all learners saw."""

    def __init__(self) -> None:
        self.cuts = self.identical = self.amid_turn = self.amid_catch_up = self.amid_dial = 0
        self.turns = self.by_hash = 0
        self.resumed_ms: list[float] = []
        self.resumed_ms_by_mode: dict[str, list[float]] = {}
        self.modes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.refusals: list[str] = []


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("resume starts its own server: the model behind it must be a known one")
    return options._replace(
        connections=options.connections or 40,
        cuts=options.cuts or 1_000,
        rate=options.rate or 40.0,
        rounds=1,
        budget_ms=min(options.budget_ms, GOAL_MS),
    )


class Learner:
    """One session: turn after turn, cut as often as it was told."""

    def __init__(
        self, name: int, url: str, upstream: Upstream, cuts: int, dice: random.Random, tally: Tally
    ) -> None:
        self.reader = Reader(url, self._hear)
        self._name = name
        self._upstream = upstream
        self._cuts_left = cuts
        self._dice = dice
        self._tally = tally
        self._asked = ""
        """The command of the running turn; empty between turns."""
        self._text = ""
        self._cuts_of_turn = 0
        self._prefix_broken = False
        self._turn_over: asyncio.Event = asyncio.Event()
        self._starts_s: deque[float] = deque(maxlen=LIMITS.turns_a_min)

    async def study(self) -> None:
        """Ask until the cuts are used up; the connection is kept all the while."""
        await self.reader.enter()
        keeper = asyncio.create_task(self._kept())
        try:
            number = 0
            while self._cuts_left:
                await self._turn(f"{self._name}.{number}")
                number += 1
                if keeper.done():
                    break
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])
        if not keeper.cancelled():
            keeper.result()
        self.reader.close()

    # --- turns --------------------------------------------------------------------------------

    async def _turn(self, name: str) -> None:
        if len(self._starts_s) == LIMITS.turns_a_min:
            free_s = self._starts_s[0] + 61.0  # the server counts from when it hears the command
            await asyncio.sleep(max(0.0, free_s - time.monotonic()))
        self._starts_s.append(time.monotonic())
        self._asked, self._text = f"ask.{name}", answer(name, self._upstream.n)
        self._cuts_of_turn, self._prefix_broken = 0, False
        self._turn_over.clear()
        self.reader.send(TurnStart(self._asked, question(name)))
        async with asyncio.timeout(TURN_S):
            await self._turn_over.wait()
        self._judge()
        self._asked = ""

    def _gen(self) -> str:
        reply = self.reader.replica.replies.get(self._asked)
        return reply.gen if isinstance(reply, TurnStarted) else ""

    def _judge(self) -> None:
        tally, gen = self._tally, self._gen()
        generation = self.reader.replica.generation(gen)
        assert generation is not None
        right = generation.text.encode() == self._text.encode() and generation.status == "completed"
        tally.turns += 1
        tally.by_hash += generation.intact is True
        if not right or self._prefix_broken or generation.intact is False:
            shown = len(generation.text)
            tally.wrong.append(f"{self._asked} {gen} {generation.status}: {shown} characters")
        else:
            tally.identical += self._cuts_of_turn

    # --- connections --------------------------------------------------------------------------

    async def _kept(self) -> None:
        """Cut by plan, stay away, come back."""
        reader = self.reader
        plan = self._plan()
        if self._cuts_left:  # the first connection stands already
            assert reader.wire is not None
            reader.wire.bytes_left = plan.bytes_left
            self._cut_later(plan)
        while True:
            await reader.lost.wait()
            self._count_cut()
            await asyncio.sleep(plan.away_s)
            plan = self._plan()
            at_s = time.monotonic()
            if not await reader.dial(plan.bytes_left):
                continue
            self._cut_later(plan)
            await reader.settled.wait()
            if reader.caught_up_s is not None:
                self._resumed((reader.caught_up_s - at_s) * 1000)

    def _plan(self) -> Plan:
        dice = self._dice
        away_s = dice.choice((0.0, 0.0, dice.uniform(0.0, 0.5), dice.uniform(0.5, 4.0)))
        if not self._cuts_left:
            return Plan(None, None, away_s)
        kind = dice.random()
        if kind < 0.15:  # in the handshake, the welcome, the catch-up
            return Plan(dice.randrange(1, 1_200), None, away_s)
        if kind < 0.70:
            return Plan(dice.randrange(200, 8_000), None, away_s)
        return Plan(None, dice.uniform(0.0, 3.0), away_s)

    def _cut_later(self, plan: Plan) -> None:
        if plan.after_s is not None and self.reader.wire is not None:
            asyncio.get_running_loop().call_later(plan.after_s, self.reader.wire.cut)

    def _count_cut(self) -> None:
        reader, tally = self.reader, self._tally
        if reader.wire is None or not reader.wire.gone:
            raise RuntimeError("the server hung up, no cut of ours")
        tally.cuts += 1
        self._cuts_left -= 1
        if reader.mode == "":
            tally.amid_dial += 1
        elif reader.caught_up_s is None:
            tally.amid_catch_up += 1
        if self._asked:
            tally.amid_turn += 1
            self._cuts_of_turn += 1
        else:  # between turns: nothing was on its way
            tally.identical += 1

    def _resumed(self, ms: float) -> None:
        tally, mode = self._tally, self.reader.mode
        tally.modes[mode] += 1
        tally.resumed_ms.append(ms)
        tally.resumed_ms_by_mode.setdefault(mode, []).append(ms)
        gen = self._gen() if self._asked else ""
        if gen and not self._text.startswith(self.reader.replica.text(gen)):
            self._prefix_broken = True

    # --- events -------------------------------------------------------------------------------

    def _hear(self, _: Event | Foreign) -> None:
        replica = self.reader.replica
        if self._asked in replica.refusals:
            self._tally.refusals.append(replica.refusals.pop(self._asked).msg)
        gen = self._gen() if self._asked else ""
        generation = replica.generation(gen) if gen else None
        if generation is not None and not generation.running:
            self._turn_over.set()


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    upstream = Upstream(TOKENS, options.rate)
    await upstream.start()
    tally = Tally()
    try:
        with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as name:
            command = servers.ours(f"sqlite:///{Path(name)}/store.db")
            async with servers.serving(OURS, command, upstream.environment()) as server:
                tell(f"{options.cuts} cuts over {options.connections} sessions")
                url = server.url("/v1/ws")
                use = machine.Window(server.pid)
                learners = await _studied(url, upstream, options, tally)
                used = use.end()
                samples = await server.metrics()
    finally:
        await upstream.stop()
    row = _row(tally, learners, used)
    row["loop_gap_max_ms"] = round(samples["tutorstream_loop_gap_max_seconds"] * 1000, 3)
    return _body(row, upstream, options), _gates(row, options)


async def _studied(url: str, upstream: Upstream, options: Options, tally: Tally) -> list[Learner]:
    each, more = divmod(options.cuts, options.connections)
    learners = [
        Learner(
            k, url, upstream, each + (k < more), random.Random(options.seed * 10_007 + k), tally
        )
        for k in range(min(options.connections, options.cuts))
    ]
    ticks = asyncio.create_task(ticking(lambda: [learner.reader for learner in learners]))
    try:
        async with asyncio.TaskGroup() as group:
            for learner in learners:
                group.create_task(learner.study())
                await asyncio.sleep(1 / 50)  # so that turns do not begin in step
    finally:
        ticks.cancel()
    return learners


def _row(tally: Tally, learners: list[Learner], used: machine.Use) -> dict[str, Any]:
    counters = [learner.reader.replica.counters for learner in learners]
    met = {
        name: sum(getattr(each, name) for each in counters)
        for name in (
            "applied", "duplicates", "dropped", "gaps", "misfits", "snapshots", "resets", "resent",
        )
    }  # fmt: skip
    return {
        "server": OURS,
        "sessions": len(learners),
        "turns": tally.turns,
        "cuts": tally.cuts,
        "identical": tally.identical,
        "cuts_amid_turn": tally.amid_turn,
        "cuts_amid_dial": tally.amid_dial,
        "cuts_amid_catch_up": tally.amid_catch_up,
        "turns_that_differ": len(tally.wrong),
        "first_that_differ": tally.wrong[:10],
        "refusals": len(tally.refusals),
        "first_refusals": tally.refusals[:10],
        "ended_by_hash": tally.by_hash,
        "modes": dict(sorted(tally.modes.items())),
        "counters": met,
        "resume_ms": spread(tally.resumed_ms),
        "resume_ms_by_mode": {
            mode: spread(ms) for mode, ms in sorted(tally.resumed_ms_by_mode.items())
        },
        "cdf": cdf(tally.resumed_ms),
        "window_s": round(used.window_s, 3),
        "server_cpu_share": round(used.server_cpu_s / used.window_s, 4),
        "load_cpu_share": round(used.load_cpu_s / used.window_s, 4),
        "others_share": None if used.others_share is None else round(used.others_share, 4),
        "flagged": used.flagged,
    }


def _body(row: dict[str, Any], upstream: Upstream, options: Options) -> dict[str, Any]:
    ms = row["resume_ms"]
    summary = {
        "p50_ms": ms["p50"],
        "p95_ms": ms["p95"],
        "p99_ms": ms["p99"],
        "worst_ms": ms["max"],
        "cuts": row["cuts"],
        "identical": row["identical"],
        "turns": row["turns"],
        "loop_gap_max_ms": row["loop_gap_max_ms"],
        **{f"{mode}_resumes": row["modes"].get(mode, 0) for mode in ("live", "replay", "snapshot")},
    }
    return {
        "arrivals": f"{row['sessions']} sessions at once, answers of {upstream.n} tokens at "
        f"{options.rate:g} a second; a resume counts from dialling to caught up",
        "flagged": int(row["flagged"]),
        "goal_p99_ms": options.budget_ms,
        "within_goal": ms["p99"] is not None and ms["p99"] <= options.budget_ms,
        "summary": {OURS: summary},
        "rounds": [row],
    }


def _gates(row: dict[str, Any], options: Options) -> list[dict[str, Any]]:
    counters = row["counters"]
    return [
        gate("cuts not made", options.cuts - row["cuts"], 0),
        gate("texts that differ after a cut", row["cuts"] - row["identical"], 0),
        gate("turns that differ", row["turns_that_differ"], 0),
        gate("refusals", row["refusals"], 0),
        gate("events that did not fit", counters["misfits"], 0),
        gate("logs that began anew", counters["resets"], 0),
    ]
