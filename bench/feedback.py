"""Scenario `feedback`: answers at a fixed rate, to ours, to a null control and to the peers.

This file is that comparison. Every round measures every server once, each freshly started, in
shuffled order; the same learners answer the same course at the same Poisson times.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import machine, servers
from bench.course import course_bytes
from bench.learner import Dialect, Learner, Tally, acknowledging, counted, entered
from bench.load import played, poisson, settled
from bench.options import Options, tell
from bench.peers import environment
from bench.record import gate
from bench.stats import cdf, middle, ratio, spread
from protocol.limits import LIMITS

WARM_S = 2.0
"""Answers at full rate before those that count."""
OURS, NULL, FASTAPI, SOCKETIO = "tutorstream", "null control", "FastAPI naive", "python-socketio"
FASTAPI_SHARE = 0.5
"""Ours may take at most this share of FastAPI's CPU an answer."""
PAYLOAD_BAND = 0.15
"""Peers' payloads may differ from ours by this share; Socket.IO names each event twice."""
_LOOP_GAP = "tutorstream_loop_gap_max_seconds"
_COMPILES = "tutorstream_kernel_compiles_since_ready"


class Target(NamedTuple):
    """A server to compare."""

    name: str
    dialect: Dialect
    path: str
    command: list[str]
    environment: dict[str, str]


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    options = options._replace(
        connections=options.connections or 200,
        rate=options.rate or 500.0,
        duration_s=options.duration_s or 8.0,
        rounds=options.rounds or 5,
    )
    each = options.rate / options.connections
    if each > LIMITS.commands_a_s / 2:
        most = LIMITS.commands_a_s / 2
        raise ValueError(f"{each:g} answers a second a connection, at most {most:g}: add some")
    return options


def targets(course: Path, folder: Path, *, peers: bool) -> list[Target]:
    """What is compared, in the order of the table."""
    store = f"sqlite:///{folder}/store.db"
    found = [
        Target(OURS, "native", "/v1/ws", servers.ours(store, course=course), {}),
        Target(NULL, "echo", "/", [sys.executable, "-m", "bench.peers.echo"], {}),
    ]
    if peers:
        program = str(environment.python(tell))
        clean = {"PYTHONPATH": ""}
        for name, dialect, path, module in (
            (FASTAPI, "naive", "/ws", "fastapi_naive"),
            (SOCKETIO, "socketio", "/socket.io/?EIO=4&transport=websocket", "socketio_naive"),
        ):
            command = [program, "-m", f"bench.peers.{module}", str(course)]
            found.append(Target(name, dialect, path, command, clean))  # type: ignore[arg-type] # literals
    return found


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    rows: list[dict[str, Any]] = []
    if options.url:
        rows += [await _remote(options, number) for number in range(options.rounds)]
        return _body(rows, options), _gates(rows, options)
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as name:
        course = Path(name) / "course.json"
        course.write_bytes(course_bytes())
        for number in range(options.rounds):
            folder = Path(name) / str(number)
            folder.mkdir()
            order = targets(course, folder, peers=options.peers)
            dice.shuffle(order)
            for target in order:
                tell(f"round {number + 1} of {options.rounds}: {target.name}")
                rows.append(await _round(target, number, options))
    return _body(rows, options), _gates(rows, options)


async def _round(target: Target, number: int, options: Options) -> dict[str, Any]:
    async with servers.serving(target.name, target.command, target.environment) as server:
        url = server.url(target.path)
        async with _class(url, target.dialect, number, options) as (learners, tally):
            row = await _window(learners, tally, server.pid, number, options)
        row["server"] = target.name
        row["versions"] = server.ready.get("versions", {})
        row["rss_mb"] = round(machine.rss_bytes(server.pid) / 2**20, 1)
        if target.name == OURS:
            samples = await server.metrics()
            row["loop_gap_max_ms"] = round(samples[_LOOP_GAP] * 1000, 3)
            row["compiles"] = int(samples[_COMPILES])
    return row


async def _remote(options: Options, number: int) -> dict[str, Any]:
    """One round against a server that runs already: its CPU cannot be read from here."""
    host, port = servers.address(options.url)
    url = f"ws://{host}:{port}/v1/ws"
    async with _class(url, "native", number, options) as (learners, tally):
        row = await _window(learners, tally, None, number, options)
    samples = await asyncio.to_thread(servers.scraped, host, port)
    row["loop_gap_max_ms"] = round(samples[_LOOP_GAP] * 1000, 3)
    row["compiles"] = int(samples[_COMPILES])
    return {**row, "server": OURS, "versions": {}}


@contextlib.asynccontextmanager
async def _class(
    url: str, dialect: Dialect, number: int, options: Options
) -> AsyncIterator[tuple[list[Learner], Tally]]:
    """Learners with a lesson begun, acknowledging until the block ends."""
    tally = Tally()
    over = False
    learners = await entered(options.connections, url, dialect, options.seed + number, tally)
    acks = asyncio.create_task(acknowledging(learners, lambda: over))
    try:
        yield learners, tally
    finally:
        over = True
        await acks
        for learner in learners:
            learner.wire.close()


async def _window(
    learners: list[Learner], tally: Tally, pid: int | None, number: int, options: Options
) -> dict[str, Any]:
    """Warm up, then measure one window at the rate asked for."""
    dice = random.Random(options.seed * 1_000 + number)
    order = list(range(len(learners)))
    dice.shuffle(order)

    def act(n: int, due_s: float) -> None:
        learners[order[n % len(order)]].answer(due_s)

    await played(poisson(options.rate, WARM_S, dice), act)
    await settled(lambda: tally.waiting)
    times = poisson(options.rate, options.duration_s, dice)
    before, fed = counted(learners), tally.feedbacks
    tally.since_s = 0.0
    use = machine.Window(pid)
    await played(times, act)
    lost = await settled(lambda: tally.waiting)
    used = use.end()
    after, answers = counted(learners), tally.feedbacks - fed
    if tally.refusals or tally.closed or lost:
        first = (tally.refusals or ["none"])[0]
        raise RuntimeError(
            f"the run is void: {lost} answers without feedback, {len(tally.closed)} connections "
            f"lost, {len(tally.refusals)} refusals, the first: {first}"
        )
    return {
        "round": number,
        "answers": answers,
        "cpu_us": None if pid is None else round(used.server_cpu_s / answers * 1e6, 2),
        "feedback_ms": spread(tally.latencies_ms),
        "late_sends_ms": spread(tally.late_sends_ms),
        "queued": tally.queued,
        "guesses": tally.guesses,
        "verdicts": dict(sorted(tally.verdicts.items())),
        "bytes_an_answer": round((after["bytes_in"] - before["bytes_in"]) / answers, 1),
        "events_an_answer": round((after["events"] - before["events"]) / answers, 3),
        "load_cpu_us": round(used.load_cpu_s / answers * 1e6, 2),
        "window_s": round(used.window_s, 3),
        "others_share": None if used.others_share is None else round(used.others_share, 4),
        "flagged": used.flagged,
        "stages": {stage: spread(us) for stage, us in sorted(tally.stages.items())},
        "cdf": cdf(tally.latencies_ms),
    }


# --- what the rounds say together -----------------------------------------------------------------


def _of(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return sorted((r for r in rows if r["server"] == name), key=lambda r: int(r["round"]))


def _body(rows: list[dict[str, Any]], options: Options) -> dict[str, Any]:
    names = [n for n in (OURS, NULL, FASTAPI, SOCKETIO) if _of(rows, n)]
    summary = {name: _summary(_of(rows, name)) for name in names}
    ours = _of(rows, OURS)
    ratios: dict[str, Any] = {}
    for name in names[1:]:
        theirs = _of(rows, name)
        ratios[name] = {
            "cpu_us": ratio([r["cpu_us"] for r in ours], [r["cpu_us"] for r in theirs]),
            "p50_ms": ratio(
                [r["feedback_ms"]["p50"] for r in ours], [r["feedback_ms"]["p50"] for r in theirs]
            ),
            "p99_ms": ratio(
                [r["feedback_ms"]["p99"] for r in ours], [r["feedback_ms"]["p99"] for r in theirs]
            ),
        }
    guessed = any(r["guesses"] for r in rows)
    return {
        "arrivals": f"Poisson, {options.rate:g} answers a second in all; no arrival waits for a "
        "reply, latency counts from the time an answer was due"
        + ("; answers were guesses, for another course is taught there" if guessed else ""),
        "flagged": sum(r["flagged"] for r in rows),
        "summary": summary,
        "ratios": ratios,
        "rounds": rows,
    }


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rounds": len(rows),
        "answers": sum(r["answers"] for r in rows),
        "p50_ms": middle([r["feedback_ms"]["p50"] for r in rows]),
        "p95_ms": middle([r["feedback_ms"]["p95"] for r in rows]),
        "p99_ms": middle([r["feedback_ms"]["p99"] for r in rows]),
        "worst_ms": max(r["feedback_ms"]["max"] for r in rows),
        "bytes_an_answer": middle([r["bytes_an_answer"] for r in rows], 1),
        "events_an_answer": middle([r["events_an_answer"] for r in rows]),
    }
    if rows[0]["cpu_us"] is not None:
        found["cpu_us"] = middle([r["cpu_us"] for r in rows], 1)
    for key in ("loop_gap_max_ms", "compiles"):
        if key in rows[0]:
            found[key] = max(r[key] for r in rows)
    return found


def _gates(rows: list[dict[str, Any]], options: Options) -> list[dict[str, Any]]:
    ours = _of(rows, OURS)
    found = [
        gate("worst answer", max(r["feedback_ms"]["max"] for r in ours), options.budget_ms, "ms"),
        gate("kernels compiled under load", max(r["compiles"] for r in ours), 0),
    ]
    body = _body(rows, options)
    if FASTAPI in body["ratios"]:
        share = body["ratios"][FASTAPI]["cpu_us"]["ratio"]
        found.append(gate(f"CPU an answer, of {FASTAPI}'s", share, FASTAPI_SHARE))
    summary = body["summary"]
    for name in (FASTAPI, SOCKETIO):
        if name in summary:
            off = (
                summary[name]["bytes_an_answer"]["median"]
                / (summary[OURS]["bytes_an_answer"]["median"])
            )
            found.append(gate(f"payload of {name} unlike ours", abs(off - 1), PAYLOAD_BAND))
    return found
