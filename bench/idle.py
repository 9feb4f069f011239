"""Scenario `idle`: learners who do nothing, on one of two nodes. This file is what they cost.

The same window is taken without learners and with them. What idle sessions add to the traffic of
Redis should be nothing: heartbeats cost by the node, and a session that is owned needs no look.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from bench import machine
from bench.cluster import Cluster, clustered
from bench.learner import Learner, Tally, acknowledging, entered
from bench.memory import quiet
from bench.options import Options, tell
from bench.record import gate
from bench.storm import used

OURS = "tutorstream"
AT_ONCE, STEP = 20, 200
"""Learners that connect at the same time, and after how many the acks begin."""
ADDED_A_S = 10.0
"""Commands a second that all idle sessions together may add."""


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("idle reads the processes of this machine: it cannot take --url")
    return options._replace(
        connections=options.connections or 10_000,
        duration_s=options.duration_s or 30.0,
        rounds=1,
        peers=False,
    )


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    machine.to_core("any")
    async with clustered() as cluster:
        tell("nobody is there")
        steps = [await _step(cluster, 0, options.duration_s)]
        tally = Tally()
        over = False
        tell(f"{options.connections} learners come")
        learners: list[Learner] = []
        acks = asyncio.create_task(acknowledging(learners, lambda: over))
        url, n = cluster.urls[0], options.connections
        try:
            while len(learners) < n:  # who is in acknowledges what it hears
                more = min(STEP, n - len(learners))
                seed = options.seed + len(learners)
                learners += await entered(more, url, "native", seed, tally, at_once=AT_ONCE)
            await quiet(cluster.nodes[0].server.pid)
            steps.append(await _step(cluster, len(learners), options.duration_s))
            row = _row(steps, tally)  # before we hang up ourselves
        finally:
            over = True
            await acks
            for learner in learners:
                learner.wire.close()
    return body(row, options), gates(row)


async def _step(cluster: Cluster, learners: int, window_s: float) -> dict[str, Any]:
    pids = [node.server.pid for node in cluster.nodes]
    cpu_s = [machine.cpu_s(pid) for pid in pids]
    before = await asyncio.to_thread(used, cluster)
    window = machine.Window(None)
    await asyncio.sleep(window_s)
    passed_s = window.end().window_s
    after = await asyncio.to_thread(used, cluster)
    spent = {name: (after[name] - before[name]) / passed_s for name in before}
    return {
        "learners": learners,
        "window_s": round(passed_s, 3),
        "redis_commands_a_s": round(spent["redis_commands"], 2),
        "redis_bytes_a_s": round(spent["redis_bytes_in"] + spent["redis_bytes_out"], 1),
        "redis_cpu_share": round(spent["redis_cpu_s"], 5),
        "store_cpu_share": round(spent["store_cpu_s"], 5),
        "node_cpu_shares": [
            round((machine.cpu_s(pid) - was_s) / passed_s, 4)
            for pid, was_s in zip(pids, cpu_s, strict=True)
        ],
        "node_rss_mb": [round(machine.rss_bytes(pid) / 1e6, 1) for pid in pids],
        "redis_rss_mb": round(machine.rss_bytes(cluster.redis.pid) / 1e6, 1),
    }


def _row(steps: list[dict[str, Any]], tally: Tally) -> dict[str, Any]:
    empty, full = steps
    n = full["learners"]
    return {
        "server": OURS,
        "round": 0,
        "steps": steps,
        "closed": len(tally.closed),
        "close_codes": {str(code): n for code, n in sorted(Counter(tally.closed).items())},
        "refusals": len(tally.refusals),
        "added_a_s": round(full["redis_commands_a_s"] - empty["redis_commands_a_s"], 2),
        "rss_kb": round((full["node_rss_mb"][0] - empty["node_rss_mb"][0]) / n * 1000, 2),
        "redis_kb": round((full["redis_rss_mb"] - empty["redis_rss_mb"]) / n * 1000, 2),
    }


def body(row: dict[str, Any], options: Options) -> dict[str, Any]:
    """The record's own part."""
    summary = {
        f"{step['learners']} learners": {
            "redis_commands_a_s": step["redis_commands_a_s"],
            "redis_bytes_a_s": step["redis_bytes_a_s"],
            "redis_cpu_share": step["redis_cpu_share"],
            "node_cpu_share": step["node_cpu_shares"][0],
            "node_rss_mb": step["node_rss_mb"][0],
            "redis_rss_mb": step["redis_rss_mb"],
        }
        for step in row["steps"]
    }
    return {
        "arrivals": f"two nodes; {options.connections} learners on one of them, each with a lesson "
        f"begun, then idle; windows of {options.duration_s:g} s without them and with them; "
        "a kilobyte is 1,000 bytes",
        "placed": "all processes share the cores",
        "summary": summary,
        "rounds": [row],
    }


def gates(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Idle sessions add nothing to speak of."""
    return [
        gate("commands a second that idle learners add", row["added_a_s"], ADDED_A_S),
        gate("connections lost", row["closed"], 0),
        gate("refusals", row["refusals"], 0),
    ]
