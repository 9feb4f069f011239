"""Scenario `room`: one room over two processes, ours and the peers. This file is that comparison.

A message is due at a constant rate, from another member each time; it counts from when it was due
to when the last member of both processes has it. Ours stores each message and is acknowledged; the
peers store nothing; the null control is one process that writes and does no more. Afterwards, in
ours alone: members vote all at once, and some are cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import cluster, machine, servers
from bench.load import constant, played, settled
from bench.options import Options, tell
from bench.peers import environment
from bench.record import gate
from bench.room_after import after
from bench.room_members import Dialect, Heard, Member, acknowledging, entered
from bench.stats import middle, ratio, spread
from protocol.limits import LIMITS

OURS, NULL, FASTAPI, SOCKETIO = "tutorstream", "null control", "FastAPI loop", "python-socketio"
GOALS = {SOCKETIO: 0.1, FASTAPI: 1 / 3}
"""Ours may take at most these shares of a peer's CPU a member."""
WARM_MESSAGES = 10
PATIENCE_S = 15.0


class Place(NamedTuple):
    """Where a room is: addresses of its processes, who they are, how one speaks to them."""

    name: str
    dialect: Dialect
    urls: list[str]
    pids: list[int]
    redis_pid: int | None
    made: dict[str, str]
    """What `POST /v1/rooms` answered; nothing for the peers."""


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("room needs two nodes: it starts its own")
    options = options._replace(
        connections=options.connections or LIMITS.room_members,
        rate=options.rate or 4.0,
        duration_s=options.duration_s or 10.0,
        rounds=options.rounds or 3,
    )
    if not 10 <= options.connections <= LIMITS.room_members:
        most = LIMITS.room_members
        raise ValueError(f"a room has 10 to {most} members here, came {options.connections}")
    return options


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    names = [OURS, NULL, *((FASTAPI, SOCKETIO) if options.peers else ())]
    program = str(environment.python(tell)) if options.peers else ""
    dice = random.Random(options.seed)
    rows: list[dict[str, Any]] = []
    later: dict[str, Any] = {}
    for number in range(options.rounds):
        order = list(names)
        dice.shuffle(order)
        for name in order:
            tell(f"round {number + 1} of {options.rounds}: {name}")
            async with _opened(name, program) as place:
                row, more = await _round(place, number, options)
            rows.append(row)
            later = more or later
    return body(rows, later, options), gates(rows, later, options)


@contextlib.asynccontextmanager
async def _opened(name: str, program: str) -> AsyncIterator[Place]:
    if name == OURS:
        async with cluster.clustered(core="server") as ours:
            made = await asyncio.to_thread(_made, ours.nodes[0].server.port)
            pids = [node.server.pid for node in ours.nodes]
            yield Place(name, "native", ours.urls, pids, ours.redis.pid, made)
        return
    if name == NULL:
        command = [sys.executable, "-m", "bench.peers.room_null"]
        async with servers.serving(name, command) as server:
            yield Place(name, "naive", [server.url("/")], [server.pid], None, {})
        return
    module = "bench.peers.room_fastapi" if name == FASTAPI else "bench.peers.room_socketio"
    path = "/ws" if name == FASTAPI else "/socket.io/?EIO=4&transport=websocket"
    dialect: Dialect = "naive" if name == FASTAPI else "socketio"
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tutorstream-bench-"))
        redis = cluster.redis(Path(folder))
        stack.push_async_callback(redis.kill)
        await redis.start()
        command = [program, "-m", module, f"redis://127.0.0.1:{redis.port}/0"]
        running = [
            await stack.enter_async_context(servers.serving(name, command, {"PYTHONPATH": ""}))
            for _ in range(2)
        ]
        urls = [server.url(path) for server in running]
        yield Place(name, dialect, urls, [server.pid for server in running], redis.pid, {})


def _made(port: int) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/v1/rooms", body='{"title":"Bench"}')
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"expected 201 from POST /v1/rooms, came {answer.status}")
        found: dict[str, str] = json.loads(text)
        return found
    finally:
        connection.close()


async def _round(
    place: Place, number: int, options: Options
) -> tuple[dict[str, Any], dict[str, Any]]:
    heard = Heard()
    code = place.made.get("code", "")
    members = [Member(k, place.dialect, heard, code=code) for k in range(options.connections)]
    if place.made:
        members[0] = Member(0, place.dialect, heard, code=code, token=place.made["token"])
    acks = None
    try:
        await entered(members, place.urls)
        if place.dialect == "native":
            acks = asyncio.create_task(acknowledging(members))
        row = await _window(place, members, heard, options)
        more = {}
        if place.made and number == options.rounds - 1:
            more = await after(members, place.urls)
    finally:
        if acks is not None:
            acks.cancel()
        for member in members:
            member.away = True
            if hasattr(member, "wire"):
                member.wire.close()
    return {"server": place.name, "round": number, **row}, more


def _cpu_s(pid: int | None) -> float:
    return 0.0 if pid is None else machine.cpu_s(pid)


async def _window(
    place: Place, members: list[Member], heard: Heard, options: Options
) -> dict[str, Any]:
    n = len(members)
    times = constant(options.rate, options.duration_s)
    for warm in range(WARM_MESSAGES):
        members[warm % n].say(warm)
        await asyncio.sleep(1 / options.rate)
    due: dict[int, float] = {}

    def act(k: int, due_s: float) -> None:
        number = WARM_MESSAGES + k
        due[number] = due_s
        members[(37 * k + 1) % n].say(number)

    def waiting() -> int:
        return sum(heard.counts.get(number, 0) < n for number in due)

    bytes_in = sum(member.wire.bytes_in for member in members)
    use = machine.Window(None)
    cpu_s = [machine.cpu_s(pid) for pid in place.pids]
    redis_s = _cpu_s(place.redis_pid)
    await played(times, act)
    missing = await settled(waiting, PATIENCE_S)
    used = use.end()
    spent_s = [machine.cpu_s(pid) - was for pid, was in zip(place.pids, cpu_s, strict=True)]
    redis_spent_s = _cpu_s(place.redis_pid) - redis_s
    if missing or heard.refusals or heard.closed:
        first = (heard.refusals or ["none"])[0]
        raise RuntimeError(
            f"the run is void: {missing} messages did not come to everybody, {heard.closed} "
            f"connections lost, {len(heard.refusals)} refusals, the first: {first}"
        )
    told = len(times) * n
    last_ms = [(heard.last_s[number] - due_s) * 1000 for number, due_s in due.items()]
    return {
        "messages": len(times),
        "members": n,
        "doubled": sum(count - n for count in heard.counts.values()),
        "last_ms": spread(last_ms),
        "cpu_us_a_member": round(sum(spent_s) / told * 1e6, 3),
        "redis_cpu_us_a_member": round(redis_spent_s / told * 1e6, 3),
        "load_cpu_us_a_member": round(used.load_cpu_s / told * 1e6, 3),
        "bytes_a_member": round(
            (sum(member.wire.bytes_in for member in members) - bytes_in) / told, 1
        ),
        "window_s": round(used.window_s, 3),
    }


# --- what the rounds say together -----------------------------------------------------------------


def _of(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return sorted((r for r in rows if r["server"] == name), key=lambda r: int(r["round"]))


def body(rows: list[dict[str, Any]], later: dict[str, Any], options: Options) -> dict[str, Any]:
    """The record's own part."""
    names = [name for name in (OURS, NULL, FASTAPI, SOCKETIO) if _of(rows, name)]
    summary, ratios = {}, {}
    for name in names:
        mine = _of(rows, name)
        summary[name] = {
            "members": mine[0]["members"],
            "last_p50_ms": middle([r["last_ms"]["p50"] for r in mine]),
            "last_p99_ms": middle([r["last_ms"]["p99"] for r in mine]),
            "cpu_us_a_member": middle([r["cpu_us_a_member"] for r in mine]),
            "redis_cpu_us_a_member": middle([r["redis_cpu_us_a_member"] for r in mine]),
            "rounds": len(mine),
        }
        if name != OURS:
            theirs = [r["cpu_us_a_member"] for r in mine]
            ours = [r["cpu_us_a_member"] for r in _of(rows, OURS)]
            ratios[name] = {"cpu_us_a_member": ratio(ours, theirs, seed=options.seed)}
    return {
        "arrivals": f"{options.connections} members of one room over two processes on one core and "
        f"one Redis; {options.rate:g} messages a second, from another member each; a message "
        "counts from when it was due to its last member; load, Redis and store on the other core",
        "summary": summary,
        "ratios": ratios,
        "afterwards": later,
        "rounds": rows,
    }


def gates(
    rows: list[dict[str, Any]], later: dict[str, Any], options: Options
) -> list[dict[str, Any]]:
    """CPU against the peers, and that everything is counted."""
    found = []
    for name, goal in GOALS.items():
        theirs = _of(rows, name)
        if theirs:
            value = ratio(
                [r["cpu_us_a_member"] for r in _of(rows, OURS)],
                [r["cpu_us_a_member"] for r in theirs],
                seed=options.seed,
            )["ratio"]
            found.append(gate(f"CPU a member, ours / {name}", value, round(goal, 3)))
    doubled = sum(r["doubled"] for r in _of(rows, OURS))
    return [
        *found,
        gate("messages heard twice", doubled, 0),
        gate("votes that are not counted", later["votes"] - later["votes_counted"], 0),
        gate("members told wrong after a cut", later["presence_wrong"], 0),
    ]
