"""Scenario `llm`: what stands between a model and a learner costs, and what happens when it fails.

This file is that scenario. A paced upstream speaks 40 tokens a second in each of many answers at
once; the server's own stamps tell what its router adds to a first text, and the unmodified SDK,
alone in a process, reads the same answers on the same schedule beside it. Then failures
(`llm_failures`) and the small costs (`llm_small`).
"""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import llm_bare, llm_failures, llm_small, machine, servers
from bench.llm_learner import Asked
from bench.llm_load import Arrival, Pool, cancels
from bench.llm_upstream import FIRST_S, answer, asked_for, name_of
from bench.load import played, poisson, settled
from bench.options import Options, tell
from bench.record import gate
from bench.servers import Server
from bench.stats import cdf, spread

OURS, BARE = "tutorstream", "bare SDK"
RATE, TOKENS = 40.0, 220
STREAM_S = FIRST_S + (TOKENS - 1) / RATE
FULL = 200
"""Turns at once of the target."""
LIGHT = 10
"""A load that one core carries; measured beside the full one."""
SLOTS = 64
"""Calls that one model takes at once; the chain holds enough models for all turns."""
ROOM = 1.3
"""So many sessions for each turn at once: the number of turns under way swings."""
CANCELLED = 0.1
OVERHEAD = "tutorstream_router_overhead_seconds"
LAG = "tutorstream_loop_gap_seconds"
P50_MS, P99_MS, LAG_MS = 2.0, 10.0, 10.0
PLAN_US, FIRST_US, CHUNK_US, HELD_CHARS = 2_000.0, 1_000.0, 200.0, 15.0
"""Bounds of the small costs; three tokens of prose are about 15 characters."""
PATIENCE_S = 5.0
"""How long the last answers are waited for; a server that cannot keep up has many."""


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults; a running server is not taken."""
    if options.url:
        raise ValueError("llm needs a server with a known upstream: leave --url out")
    return options._replace(
        connections=options.connections or FULL,
        duration_s=options.duration_s or 12.0,
        rounds=options.rounds or 1,
        turns=options.turns or 5,
        peers=False,
        budget_ms=P99_MS,
    )


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    tell("small costs")
    small = {**llm_small.guards(llm_small.shipped_course()), **await llm_small.turns()}
    failed = await llm_failures.measured(options.turns, 10 * options.turns)
    rows = []
    for number in range(options.rounds):
        for at_once in sorted({min(LIGHT, options.connections), options.connections}):
            tell(f"round {number + 1} of {options.rounds}: {at_once} turns at once")
            rows += await _loaded(number, at_once, options)
    return _body(rows, small, failed, options), _gates(rows, small, failed, options)


# --- the load -------------------------------------------------------------------------------------


async def _loaded(number: int, at_once: int, options: Options) -> list[dict[str, Any]]:
    """One window of the server and one of the bare SDK, on the same arrivals."""
    command = [sys.executable, "-m", "bench.llm_upstream", "--rate", str(RATE)]
    command += ["--tokens", str(TOKENS)]
    until_s = STREAM_S + options.duration_s
    seed = options.seed + number
    times = poisson(at_once / STREAM_S, until_s, random.Random(seed))
    async with servers.serving("the upstream", command, core="load") as upstream:
        ours, messages = await _ours(upstream, times, at_once, options, seed)
        bare = await _bare(upstream, times, messages, options)
    same = {"round": number, "turns_at_once": at_once}
    return [{"server": f"{name}, {at_once} at once", **same, **row}
            for name, row in ((OURS, ours), (BARE, bare))]  # fmt: skip


async def _ours(
    upstream: Server, times: list[float], at_once: int, options: Options, seed: int
) -> tuple[dict[str, Any], Any]:
    given_up = cancels(len(times), CANCELLED, (0.15, STREAM_S), seed)
    arrivals = [Arrival(s, name_of(n), given_up[n]) for n, s in enumerate(times)]
    models = math.ceil(ROOM * at_once / SLOTS) + 1
    settings = {
        "TUTORSTREAM_ROUTER__CHAIN": " | ".join(f"vllm/paced-{n}" for n in range(models)),
        "TUTORSTREAM_PROVIDERS__VLLM__BASE_URL": f"http://127.0.0.1:{upstream.port}/v1",
    }
    with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as folder:
        command = servers.ours(f"sqlite:///{Path(folder)}/store.db")
        async with servers.serving(OURS, command, settings) as server:
            pool = Pool(server.url("/v1/ws"), math.ceil(ROOM * at_once) + 1)
            try:
                await pool.fill()
                await _report(upstream)
                row = await _window(pool, arrivals, server, upstream, options)
            finally:
                await pool.close()
    report = await _report(upstream)
    turns = [t for t in pool.turns if row["since_s"] <= t.due_s < row["until_s"]]
    row |= _seen(turns, report["calls"])
    row |= {
        "late_deltas": pool.late_deltas,
        "ended_twice": pool.ended_twice,
        "queued": pool.queued,
        "upstream_late_ms": report["late_ms"],
    }
    return row, report["messages"]


async def _window(
    pool: Pool, arrivals: list[Arrival], server: Server, upstream: Server, options: Options
) -> dict[str, Any]:
    """Play the arrivals; figures of the window that begins when the first answers end."""
    schedule = asyncio.create_task(
        played([a.at_s for a in arrivals], lambda n, due_s: pool.ask(arrivals[n], due_s))
    )
    await asyncio.sleep(STREAM_S)
    before, from_s, tokens = await server.metrics(), time.monotonic(), pool.tokens
    use, upstream_s = machine.Window(server.pid), machine.cpu_s(upstream.pid)
    running = [pool.running]
    while time.monotonic() < from_s + options.duration_s - 0.5:
        await asyncio.sleep(0.5)
        running.append(pool.running)
    await schedule
    to_s = time.monotonic()
    used, tokens = use.end(), pool.tokens - tokens
    upstream_s = machine.cpu_s(upstream.pid) - upstream_s
    after = await server.metrics()
    unended = await settled(pool.waiting, PATIENCE_S)
    return {
        "since_s": from_s,
        "until_s": to_s,
        "running": [min(running), round(sum(running) / len(running), 1), max(running)],
        "tokens": tokens,
        "unended": unended,
        "stages_ms": {
            stage: bucketed(before, after, f'{OVERHEAD}_bucket{{stage="{stage}",le=')
            for stage in ("out", "in", "both", "held")
        },
        "loop_lag_ms": bucketed(before, after, f"{LAG}_bucket{{le="),
        **_use(used, upstream_s, tokens),
    }


def _use(used: machine.Use, upstream_s: float, tokens: int) -> dict[str, Any]:
    cores = machine.card()["cores"] or 1
    others = used.others_share
    if others is not None:  # the upstream is ours, and no other
        others = max(0.0, others - upstream_s / (used.window_s * cores))
    return {
        "cpu_us_a_token": round(used.server_cpu_s / tokens * 1e6, 1) if tokens else None,
        "server_cpu_share": round(used.server_cpu_s / used.window_s, 4),
        "load_cpu_share": round((used.load_cpu_s + upstream_s) / used.window_s, 4),
        "others_share": None if others is None else round(others, 4),
        "flagged": others is not None and others > machine.FLAGGED_SHARE,
    }


async def _bare(
    upstream: Server, times: list[float], messages: Any, options: Options
) -> dict[str, Any]:
    """The same arrivals, asked by the SDK alone."""
    asked = [m["content"] for m in messages]
    newest = asked_for("\n".join(asked))[-1]
    names = [name_of(len(times) + n) for n in range(len(times))]
    job = {
        "base_url": f"http://127.0.0.1:{upstream.port}/v1",
        "messages": messages,
        "asked": f"ask {newest}",
        "times": times,
        "names": names,
        "since_s": STREAM_S,
        "until_s": STREAM_S + options.duration_s,
    }
    found = await llm_bare.measured(job)
    report = await _report(upstream)
    called = [
        Asked(name, call["due_s"], first_s=call.get("first_s"), sent_s=call["called_s"])
        for name, call in found["calls"].items()
        if found["since_s"] <= call["due_s"] < found["until_s"]
    ]
    window_s = found["until_s"] - found["since_s"]
    return {
        **_outside(called, report["calls"]),
        "turns": len(called),
        "running": [min(found["running"]), sum(found["running"]) / 2, max(found["running"])],
        "tokens": found["tokens"],
        "unended": found["unended"],
        "errors": found["errors"],
        "loop_lag_ms": found["gap_ms"],
        "cpu_us_a_token": round(found["cpu_s"] / max(1, found["tokens"]) * 1e6, 1),
        "server_cpu_share": round(found["cpu_s"] / window_s, 4),
        "upstream_late_ms": report["late_ms"],
    }


async def _report(upstream: Server) -> dict[str, Any]:
    def asked() -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=30)
        try:
            connection.request("GET", "/report")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    found: dict[str, Any] = await asyncio.to_thread(asked)
    return found


# --- figures --------------------------------------------------------------------------------------


def bucketed(
    before: Mapping[str, float], after: Mapping[str, float], series: str
) -> dict[str, Any]:
    """n, p50, p99 and max between two scrapes, in milliseconds: upper edges of the buckets.

    None stands for what lies above the last edge, or where nothing was counted.
    """
    found: list[tuple[float, float]] = []
    for name, value in after.items():
        if name.startswith(series):
            edge = name.removeprefix(series).strip('"}')
            found.append((float(edge) * 1000, value - before.get(name, 0.0)))
    found.sort()
    total = found[-1][1] if found else 0.0

    def at(share: float) -> float | None:
        edge = next((edge for edge, below in found if below >= share * total), math.inf)
        return round(edge, 3) if total and math.isfinite(edge) else None

    return {"n": int(total), "p50": at(0.5), "p99": at(0.99), "max": at(1.0)}


def _outside(turns: list[Asked], calls: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """What an outsider sees: due to the request at the upstream, its first token to the reader."""
    out, back, both = [], [], []
    for turn in turns:
        call = calls.get(turn.name, {})
        if "asked_s" in call:
            out.append((call["asked_s"] - turn.due_s) * 1000)
        if "first_s" in call and turn.first_s is not None:
            back.append((turn.first_s - call["first_s"]) * 1000)
            both.append(out[-1] + back[-1])
    return {"request_ms": spread(out), "token_ms": spread(back), "outside_ms": spread(both),
            "cdf": cdf(both)}  # fmt: skip


def _seen(turns: list[Asked], calls: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The turns of a window as their learners saw them."""
    cancelled = [t for t in turns if t.cancelled_s is not None]
    done = [(t.done_s - t.cancelled_s) * 1000 for t in cancelled if t.done_s and t.cancelled_s]
    left = [
        (calls[t.name]["left_s"] - t.cancelled_s) * 1000
        for t in cancelled
        if t.cancelled_s and "left_s" in calls.get(t.name, {}) and t.status == "cancelled"
    ]
    wrong = [t for t in turns if t.done_s is not None and not _right(t)]
    return {
        **_outside(turns, calls),
        "turns": len(turns),
        "by_model": sum(t.voices[-1:] == ["vllm"] for t in turns),
        "reasons": sorted({reason for t in turns for reason in t.reasons}),
        "refused": sum(bool(t.refused) for t in turns),
        "cancel_ms": spread(done),
        "left_ms": spread(left),
        "texts_wrong": len(wrong),
        "first_wrong": [f"{t.name} {t.status} {t.voices} {t.text[:40]!r}" for t in wrong[:3]],
    }


def _right(turn: Asked) -> bool:
    """Whether what was shown is the answer that was asked for, or a part of one cancelled."""
    if not turn.whole:
        return False
    if turn.voices[-1:] == ["builtin"]:  # it spoke for a model that was too slow
        return turn.status in ("completed", "cancelled")
    whole = answer(turn.name, TOKENS)
    if turn.status == "completed":
        return turn.text == whole
    return turn.status in ("cancelled", "incomplete") and whole.startswith(turn.text)


def _body(
    rows: list[dict[str, Any]], small: dict[str, Any], failed: dict[str, Any], options: Options
) -> dict[str, Any]:
    summary: dict[str, dict[str, Any]] = {}
    for row in rows:
        stages = row.get("stages_ms", {})
        both, held = stages.get("both", {}), stages.get("held", {})
        summary.setdefault(row["server"], {
            "overhead_p50_ms": both.get("p50"),
            "overhead_p99_ms": both.get("p99"),
            "held_p50_ms": held.get("p50"),
            "held_p99_ms": held.get("p99"),
            "outside_p50_ms": row["outside_ms"]["p50"],
            "outside_p99_ms": row["outside_ms"]["p99"],
            "cancel_p99_ms": row.get("cancel_ms", {}).get("p99"),
            "loop_lag_p99_ms": row["loop_lag_ms"]["p99"],
            "loop_lag_max_ms": row["loop_lag_ms"]["max"],
            "cpu_us_a_token": row["cpu_us_a_token"],
            "core_share": row["server_cpu_share"],
            "turns": row["turns"],
        })  # fmt: skip
    return {
        "arrivals": f"Poisson, so that {options.connections} answers of {TOKENS} tokens at "
        f"{RATE:g} a second are under way; overhead by the server's own stamps, in buckets; "
        "outside: due to the request at the upstream plus its first token to the reader",
        "flagged": sum(row.get("flagged", False) for row in rows),
        "summary": summary,
        "rounds": rows,
        "small": small,
        "failures": failed,
    }


def _gates(
    rows: list[dict[str, Any]], small: dict[str, Any], failed: dict[str, Any], options: Options
) -> list[dict[str, Any]]:
    full = [r for r in rows if "stages_ms" in r and r["turns_at_once"] == options.connections]
    ours = [r for r in rows if "stages_ms" in r]

    def worst(*path: str) -> float | None:
        found: list[float] = []
        for row in full:
            value: Any = row
            for key in path:
                value = value[key]
            if value is None:
                return None
            found.append(value)
        return max(found, default=None)

    at = f"at {options.connections} turns"
    return [
        gate(f"overhead {at}, p50", worst("stages_ms", "both", "p50"), P50_MS, "ms"),
        gate(f"overhead {at}, p99", worst("stages_ms", "both", "p99"), P99_MS, "ms"),
        gate(f"loop lag {at}, p99", worst("loop_lag_ms", "p99"), LAG_MS, "ms"),
        gate("texts that differ", sum(r["texts_wrong"] for r in ours), 0),
        gate("turns refused", sum(r["refused"] for r in ours), 0),
        gate("chunks after the end", sum(r["late_deltas"] for r in ours), 0),
        *llm_failures.gates(failed),
        gate("plan and prompt, p99", small["plan_us"]["p99"], PLAN_US, "us"),
        gate("built-in first chunk, p99", small["first_us"]["p99"], FIRST_US, "us"),
        gate("guards, a chunk, p99", small["chunk_us"]["p99"], CHUNK_US, "us"),
        gate("held back, p99", small["held_chars"]["p99"], HELD_CHARS, "characters"),
    ]
