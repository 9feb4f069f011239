"""Scenario `memory`: what one more idle learner costs. This file is that measurement.

Each round starts our server with the course it ships and a file store, lets learners in by steps,
each with a lesson begun, and reads the process once it is quiet.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import machine, servers
from bench.learner import Learner, Tally, acknowledging, entered
from bench.options import Options, tell
from bench.record import gate
from bench.stats import middle, slope

OURS = "tutorstream"
GOAL_KB = 30.0
"""A learner more may cost so many kilobytes (1,000 bytes) of resident memory."""
AT_ONCE = 10
"""Learners that connect at the same time."""
SHARES = (0.0, 0.25, 0.5, 1.0)
"""The steps, as shares of all learners."""
QUIET_BYTES, QUIET_READS, QUIET_MOST_S = 64 * 1024, 4, 15.0
"""Quiet is: so many readings at half seconds within so many bytes."""
_GAP = "tutorstream_loop_gap_seconds_bucket"
_GAP_MAX = "tutorstream_loop_gap_max_seconds"


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("memory is read from a process of this machine: it cannot take --url")
    options = options._replace(
        connections=options.connections or 2_000,
        duration_s=options.duration_s or 5.0,
        rounds=options.rounds or 3,
        peers=False,
    )
    if options.connections < 4:
        raise ValueError(f"a slope needs 4 learners or more, came {options.connections}")
    return options


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    rows = [await _round(number, options) for number in range(options.rounds)]
    return body(rows), gates(rows)


async def _round(number: int, options: Options) -> dict[str, Any]:
    learners: list[Learner] = []
    tally = Tally()
    over = False
    with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as folder:
        command = servers.ours(f"sqlite:///{Path(folder)}/store.db")
        async with servers.serving(OURS, command) as server:
            acks = asyncio.create_task(acknowledging(learners, lambda: over))
            steps = []
            try:
                for share in SHARES:
                    n = round(options.connections * share)
                    tell(f"round {number + 1} of {options.rounds}: {n} learners")
                    url = server.url("/v1/ws")
                    seed = options.seed + number
                    more = n - len(learners)
                    learners += await entered(more, url, "native", seed, tally, at_once=AT_ONCE)
                    steps.append(await _step(server, n, options.duration_s))
                _unhurt(tally)
            finally:
                over = True
                await acks
                for learner in learners:
                    learner.wire.close()
    return row(number, steps)


def _unhurt(tally: Tally) -> None:
    if tally.refusals or tally.closed:
        first = (tally.refusals or ["none"])[0]
        raise RuntimeError(
            f"the run is void: {len(tally.closed)} connections lost, {len(tally.refusals)} "
            f"refusals, the first: {first}"
        )


async def _step(server: servers.Server, n: int, idle_s: float) -> dict[str, Any]:
    """One step: wait until quiet, stay idle for a while, read."""
    waited_s = await quiet(server.pid)
    before = await server.metrics()
    use = machine.Window(server.pid)
    await asyncio.sleep(idle_s)
    used = use.end()
    after = await server.metrics()
    return {
        "learners": n,
        "rss_bytes": machine.rss_bytes(server.pid),
        "pss_bytes": machine.pss_bytes(server.pid),
        "quiet_after_s": round(waited_s, 1),
        "idle_cpu_share": round(used.server_cpu_s / used.window_s, 4),
        "idle_gap_under_ms": gap_under_ms(before, after),
        "loop_gap_max_ms": round(after[_GAP_MAX] * 1000, 3),
        "flagged": used.flagged,
    }


async def quiet(pid: int) -> float:
    """Wait until a process's resident memory stays; how long that took, in seconds."""
    start_s = time.monotonic()
    seen = [machine.rss_bytes(pid)]
    while time.monotonic() - start_s < QUIET_MOST_S:
        await asyncio.sleep(0.5)
        seen.append(machine.rss_bytes(pid))
        last = seen[-QUIET_READS:]
        if len(last) == QUIET_READS and max(last) - min(last) <= QUIET_BYTES:
            break
    return time.monotonic() - start_s


def gap_under_ms(before: dict[str, float], after: dict[str, float]) -> float | None:
    """The histogram's bound that no loop gap between two readings passed; None above all bounds.

    >>> name = 'tutorstream_loop_gap_seconds_bucket{le="%s"}'
    >>> gap_under_ms({}, {name % "0.001": 5.0, name % "0.002": 9.0, name % "+Inf": 9.0})
    2.0
    """
    counts: dict[float, float] = {}
    for name, count in after.items():
        if name.startswith(_GAP):
            bound_s = float(name.partition('le="')[2].partition('"')[0])
            counts[bound_s] = count - before.get(name, 0.0)
    most = max(counts.values(), default=0.0)
    bound_s = min((b for b, count in counts.items() if count == most), default=float("inf"))
    return None if bound_s == float("inf") else round(bound_s * 1000, 3)


# --- what the rounds say together -----------------------------------------------------------------


def row(number: int, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """One round: its steps and their slope in kilobytes a learner."""

    def kb(key: str) -> float | None:
        found = [(float(s["learners"]), s[key]) for s in steps if s[key] is not None]
        return round(slope(found) / 1000, 2) if len(found) == len(steps) else None

    return {
        "server": OURS,
        "round": number,
        "rss_kb": kb("rss_bytes"),
        "pss_kb": kb("pss_bytes"),
        "loop_gap_max_ms": steps[-1]["loop_gap_max_ms"],
        "steps": steps,
    }


def body(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The record's own part."""
    summary: dict[str, Any] = {
        "rounds": len(rows),
        "rss_kb": middle([r["rss_kb"] for r in rows], 2),
        "loop_gap_max_ms": max(r["loop_gap_max_ms"] for r in rows),
    }
    if all(r["pss_kb"] is not None for r in rows):
        summary["pss_kb"] = middle([r["pss_kb"] for r in rows], 2)
    idle = [s["idle_gap_under_ms"] for r in rows for s in r["steps"]]
    if None not in idle:
        summary["idle_gap_under_ms"] = max(idle)
    steps = {
        str(first["learners"]): {
            "rss_mb": middle([r["steps"][k]["rss_bytes"] / 1e6 for r in rows], 1),
            "idle_cpu_share": middle([r["steps"][k]["idle_cpu_share"] for r in rows], 4),
        }
        for k, first in enumerate(rows[0]["steps"])
    }
    return {
        "arrivals": f"{AT_ONCE} learners connect at a time, each begins a lesson and is idle; "
        f"slope by least squares over {', '.join(steps)} learners; a kilobyte is 1,000 bytes",
        "flagged": sum(s["flagged"] for r in rows for s in r["steps"]),
        "summary": {OURS: summary},
        "steps": steps,
        "rounds": rows,
    }


def gates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bound on the slope."""
    value = middle([r["rss_kb"] for r in rows], 2)["median"]
    return [gate("memory of a learner more", value, GOAL_KB, "KB")]
