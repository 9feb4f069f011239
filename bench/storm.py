"""Scenario `storm`: all learners lose their connection at one moment. This file is that moment.

Two nodes over one Redis. Every learner comes back at once, without back-off, to the node that does
not own the session: the worst that a balancer can do to both.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from bench import machine
from bench.cluster import Cluster, clustered
from bench.failover import Run, entered
from bench.failover_client import ticking
from bench.options import Options, tell
from bench.record import gate
from bench.resp import Redis, commands_of
from bench.stats import cdf, middle, spread

OURS = "tutorstream"
PATIENCE_S = 60.0
"""A learner who is not back by then does not come back."""
QUIET_S = 20.0
"""Sessions follow their learners to the other node between two storms."""


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("storm needs two nodes: it starts its own")
    return options._replace(
        connections=options.connections or 2_000, rounds=options.rounds or 3, peers=False
    )


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    machine.to_core("any")
    async with clustered() as cluster:
        run = Run(cluster, options.connections, options.seed)
        ticks = asyncio.create_task(ticking(run.followers))
        try:
            tell(f"{options.connections} learners come")
            await entered(run.followers)
            rows = []
            for number in range(options.rounds):
                await asyncio.sleep(QUIET_S)
                tell(f"storm {number + 1} of {options.rounds}")
                rows.append(await _storm(number, run))
        finally:
            ticks.cancel()
            for follower in run.followers:
                await follower.leave()
    return body(rows, options), gates(rows)


async def _storm(number: int, run: Run) -> dict[str, Any]:
    for follower in run.followers:
        follower.back_ms.clear()
        follower.closes.clear()
        follower.refusals.clear()
    before = await asyncio.to_thread(used, run.cluster)
    busy = machine.Window(None)
    for follower in run.followers:
        follower.move()
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        if all(follower.live and follower.back_ms for follower in run.followers):
            break
        await asyncio.sleep(0.01)
    window = busy.end()
    after = await asyncio.to_thread(used, run.cluster)
    return row(number, run, window, {name: after[name] - before[name] for name in before})


def used(cluster: Cluster) -> dict[str, float]:
    """CPU seconds of the processes, and commands that Redis has done, since their start."""
    found = {
        "node_cpu_s": sum(machine.cpu_s(node.server.pid) for node in cluster.nodes),
        "redis_cpu_s": machine.cpu_s(cluster.redis.pid),
        "store_cpu_s": machine.cpu_s(cluster.store.pid),
    }
    with Redis(cluster.redis.port) as redis:
        stats = redis.info("stats")
        found["redis_bytes_in"] = float(stats["total_net_input_bytes"])
        found["redis_bytes_out"] = float(stats["total_net_output_bytes"])
        for name, counts in commands_of(redis.info("commandstats")).items():
            if name not in ("info", "client|setname"):  # our own
                found["redis_commands"] = found.get("redis_commands", 0.0) + counts["calls"]
    return found


def row(number: int, run: Run, window: machine.Use, used_: dict[str, float]) -> dict[str, Any]:
    """One storm's figures."""
    n = len(run.followers)
    back_ms = [follower.back_ms[0] for follower in run.followers if follower.back_ms]
    closes: Counter[int] = Counter()
    refusals: Counter[str] = Counter()
    for follower in run.followers:
        closes += follower.closes
        refusals += follower.refusals
    return {
        "server": OURS,
        "round": number,
        "back": len(back_ms),
        "not_back": sum(not (f.live and f.back_ms) for f in run.followers),
        "back_ms": spread(back_ms, 1),
        "cdf": cdf(back_ms),
        "again": sum(closes.values()) - n,
        "closes": {str(code): count for code, count in sorted(closes.items())},
        "refusals": dict(sorted(refusals.items())),
        "window_s": round(window.window_s, 3),
        "node_cpu_us": round(used_["node_cpu_s"] / n * 1e6, 1),
        "redis_cpu_us": round(used_["redis_cpu_s"] / n * 1e6, 1),
        "store_cpu_us": round(used_["store_cpu_s"] / n * 1e6, 1),
        "load_cpu_us": round(window.load_cpu_s / n * 1e6, 1),
        "redis_commands": round(used_["redis_commands"] / n, 2),
    }


def body(rows: list[dict[str, Any]], options: Options) -> dict[str, Any]:
    """The record's own part."""
    summary = {
        "back_p50_ms": middle([r["back_ms"]["p50"] for r in rows], 1),
        "back_p99_ms": middle([r["back_ms"]["p99"] for r in rows], 1),
        "back_max_ms": max(r["back_ms"]["max"] for r in rows),
        "cpu_us_a_return": middle([r["node_cpu_us"] for r in rows], 1),
        "redis_cpu_us_a_return": middle([r["redis_cpu_us"] for r in rows], 1),
        "again": sum(r["again"] for r in rows),
        "not_back": sum(r["not_back"] for r in rows),
        "rounds": len(rows),
    }
    return {
        "arrivals": f"{options.connections} idle sessions over two nodes; all sockets are cut in "
        "one moment and dial the other node at once, without back-off; a return counts from the "
        "cut to having all that welcome named; load, nodes, Redis and store share all cores",
        "placed": "all processes share the cores",
        "summary": {OURS: summary},
        "rounds": rows,
    }


def gates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everybody is back, and nobody was turned away."""
    return [
        gate("learners not back", sum(r["not_back"] for r in rows), 0),
        gate("connections that failed on the way", sum(r["again"] for r in rows), 0),
    ]
