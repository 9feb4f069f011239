"""Scenario `failover`: nodes and Redis fail under running turns. This file is those failures.

Each failure has a cluster of its own: two nodes over one Redis, all of it real processes. Learners
have a turn of a model whose answers are known beforehand; a quarter of them has come back through
the other node in mid-turn, so that they read what another node owns; some answer meanwhile. Then
something fails. In the end every learner asks once more, and the checker holds the stored logs
against what was said and what is shown.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from bench import machine
from bench.cluster import Cluster, clustered
from bench.failover_check import KINDS, Verdict, judged, read_logs
from bench.failover_client import Follower, ticking
from bench.options import Options, tell
from bench.record import gate
from bench.stats import spread
from bench.upstream import Upstream

TURN_S = 24.0
"""How long a turn is said; a server ends one of 30 s by itself."""
AGAIN_TOKENS = 6
"""Tokens of the turn that every learner asks for after the failure."""
SPREAD_S = 10.0
"""The first turns begin spread over this time."""
AGAIN_A_S = 8.0
"""So many of the second turns begin a second: one node may have to say them all."""
MOVED = 0.25
"""The share of learners who come back through the other node in mid-turn."""
FAIL_AT_S = 12.0
"""The failure comes so long after the first turn began."""
STOPPED_S, AWAY_S, CUT_S, LONG_CUT_S = 15.0, 2.0, 5.0, 30.0
"""How long an owner stands still, Redis is down, the network is cut."""
FLAPPING, RECONNECTS = 20, 100
"""So many learners come back so many times without a pause, at each node in turn."""
LOST_MS = 15_000.0
"""The goal: a dead node's turns have ended after so long."""
DRAIN_S = 75.0
"""Patience with a drain; running turns have 60 s of it."""
PATIENCE_S = 60.0
"""Patience with turns to end and with clients to stand at their head."""
ANSWERS_A_S = 10.0
"""Answers given, by all learners together."""
ENTER_AT_ONCE = 20
OTHERS = 0.01
"""The share of turns that the built-in tutor may say in a late model's place; with more of them the
load would not be the one that was meant."""
CALLS_A_MODEL = 40
"""A node makes 64 calls to one model at once; more models than that needs leave none waiting."""


class Lengths(Upstream):
    """The upstream whose answers are long in the first turn and short in the second."""

    def length(self, name: str) -> int:
        """Tokens of the answer `LEARNER.TURN`."""
        return AGAIN_TOKENS if name.endswith(".2") else self.n


class Run:
    """One failure's cluster, its learners, and what was noted."""

    def __init__(self, cluster: Cluster, sessions: int, seed: int) -> None:
        self.cluster = cluster
        self.dice = random.Random(seed)
        self.followers = [
            Follower(k, cluster.urls, k % len(cluster.nodes), random.Random(seed * 10_007 + k))
            for k in range(sessions)
        ]
        self.failed_at_ms = 0
        self.notes: dict[str, Any] = {}


class Failure(NamedTuple):
    """What happens, in words and deeds, and what the cluster must have for it."""

    words: str
    happens: Callable[[Run], Awaitable[None]]
    durable: bool = False
    cuttable: bool = False
    whole: bool = False
    """Whether every turn must be completed all the same."""


async def _kill(run: Run) -> None:
    await run.cluster.nodes[0].kill()


async def _stop(run: Run) -> None:
    node = run.cluster.nodes[0]
    node.stop()
    await asyncio.sleep(STOPPED_S)
    node.go_on()


async def _drain(run: Run) -> None:
    begun_s = time.monotonic()
    code = await run.cluster.nodes[0].drained(DRAIN_S)
    run.notes["drain_s"] = round(time.monotonic() - begun_s, 1)
    run.notes["drain_exit_code"] = code


async def _restart(run: Run) -> None:
    await run.cluster.redis.kill()
    await asyncio.sleep(AWAY_S)
    await run.cluster.redis.start()


async def _cut(run: Run) -> None:
    await _cut_for(run, CUT_S, len(run.cluster.nodes))


async def _long_cut(run: Run) -> None:
    await _cut_for(run, LONG_CUT_S, len(run.cluster.nodes))


async def _cut_one(run: Run) -> None:
    await _cut_for(run, LONG_CUT_S, 1)


async def _cut_for(run: Run, cut_s: float, nodes: int) -> None:
    cut = run.cluster.nodes[:nodes]
    for node in cut:
        node.cut()
    await asyncio.sleep(cut_s)
    for node in cut:
        node.mend()


async def _flap(run: Run) -> None:
    async def flapped(follower: Follower) -> None:
        for _ in range(RECONNECTS):
            before = len(follower.welcomed_at)
            follower.move()
            until_s = time.monotonic() + PATIENCE_S
            while len(follower.welcomed_at) == before and time.monotonic() < until_s:  # noqa: ASYNC110 - no time is taken here
                await asyncio.sleep(0.002)

    flapping = run.followers[:: max(1, len(run.followers) // FLAPPING)][:FLAPPING]
    before = sum(follower.reconnects for follower in flapping)
    async with asyncio.TaskGroup() as group:
        for follower in flapping:
            group.create_task(flapped(follower))
    run.notes["fast_reconnects"] = sum(f.reconnects for f in flapping) - before


FAILURES = {
    "kill": Failure("a node is killed", _kill),
    "stop": Failure(f"a node stands still for {STOPPED_S:g} s", _stop),
    "drain": Failure("a node is drained", _drain, whole=True),
    "redis-restart": Failure(
        f"Redis is killed and starts again after {AWAY_S:g} s", _restart, durable=True
    ),
    "cut5": Failure(f"Redis is cut off for {CUT_S:g} s", _cut, cuttable=True),
    "cut30": Failure(f"Redis is cut off for {LONG_CUT_S:g} s", _long_cut, cuttable=True),
    "cut-one": Failure(
        f"one node is cut off from Redis for {LONG_CUT_S:g} s", _cut_one, cuttable=True
    ),
    "reconnects": Failure("learners reconnect without a pause", _flap, whole=True),
}


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("failover kills nodes: it starts its own")
    unknown = sorted(set(chosen(options)) - FAILURES.keys())
    if unknown:
        raise ValueError(f"--only: expected {', '.join(FAILURES)}, came {', '.join(unknown)}")
    return options._replace(
        connections=options.connections or 500,
        rate=options.rate or 1.0,
        duration_s=options.duration_s or TURN_S,
        rounds=1,
        peers=False,
    )


def chosen(options: Options) -> list[str]:
    """The failures that were asked for, else all."""
    return options.only.split(",") if options.only else list(FAILURES)


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    machine.to_core("any")
    rows = []
    for name in chosen(options):
        tell(f"{name}: {FAILURES[name].words}")
        rows.append(await failed(name, options))
    return body(rows, options), [g for row in rows for g in gates(row)]


async def failed(name: str, options: Options) -> dict[str, Any]:
    """One failure from an empty cluster to the checker's verdict."""
    failure = FAILURES[name]
    upstream = Lengths(max(1, round(options.rate * options.duration_s)), options.rate)
    await upstream.start()
    try:
        async with clustered(
            environment=environment(upstream, options.connections),
            durable=failure.durable,
            cuttable=failure.cuttable,
        ) as cluster:
            run = Run(cluster, options.connections, options.seed)
            ticks = asyncio.create_task(ticking(run.followers))
            try:
                await _played(run, failure, options)
                verdict = await verdict_of(run, upstream)
                await _noted(run)
            finally:
                ticks.cancel()
                for follower in run.followers:
                    await follower.leave()
    finally:
        await upstream.stop()
    return row(name, run, verdict)


def environment(upstream: Upstream, sessions: int) -> dict[str, str]:
    """The settings by which one node can have all sessions speak at once through `upstream`."""
    models = -(-sessions // CALLS_A_MODEL)
    return {
        "TUTORSTREAM_ROUTER__CHAIN": " | ".join(f"vllm/known-answers-{n}" for n in range(models)),
        "TUTORSTREAM_PROVIDERS__VLLM__BASE_URL": upstream.base_url,
        "TUTORSTREAM_ROUTER__FIRST_TOKEN_MS": "60000",
    }


async def _played(run: Run, failure: Failure, options: Options) -> None:
    await entered(run.followers)
    answering = asyncio.create_task(_answering(run))
    try:
        begun_s = time.monotonic()
        await asked(run, 1, min(SPREAD_S, options.duration_s / 4))
        for follower in run.dice.sample(run.followers, round(MOVED * len(run.followers))):
            follower.move()
        fail_at_s = begun_s + min(FAIL_AT_S, options.duration_s / 2)
        await asyncio.sleep(max(0.0, fail_at_s - time.monotonic()))
        for follower in run.followers:
            follower.back_ms.clear()
        run.failed_at_ms = time.time_ns() // 1_000_000
        await failure.happens(run)
        run.notes["first_turns_unended"] = await ended(run, 1)
        await asked(run, 2, len(run.followers) / AGAIN_A_S)
        run.notes["second_turns_unended"] = await ended(run, 2)
    finally:
        answering.cancel()


async def entered(followers: list[Follower]) -> None:
    """Everybody connects and begins a lesson."""
    for start in range(0, len(followers), ENTER_AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for follower in followers[start : start + ENTER_AT_ONCE]:
                group.create_task(follower.enter())


async def asked(run: Run, turn: int, over_s: float) -> None:
    """Everybody begins a turn, one after another over this time."""
    pause_s = over_s / len(run.followers)
    for follower in run.followers:
        follower.ask(f"{follower.name}.{turn}")
        await asyncio.sleep(pause_s)


async def _answering(run: Run) -> None:
    while True:
        run.dice.choice(run.followers).answer()
        await asyncio.sleep(1 / ANSWERS_A_S)


async def ended(run: Run, turn: int) -> int:
    """Wait until this turn has ended for everybody; for how many it has not."""
    until_s = time.monotonic() + PATIENCE_S
    waiting = [(f, f"ask.{f.name}.{turn}") for f in run.followers]
    while waiting and time.monotonic() < until_s:
        await asyncio.sleep(0.1)
        waiting = [(f, cmd) for f, cmd in waiting if not f.over(cmd)]
    return len(waiting)


async def verdict_of(run: Run, upstream: Upstream) -> Verdict:
    """The checker's verdict, once the clients stand at the head of their logs or do not come."""
    lengths = {n: upstream.length(n) for f in run.followers for n in f.asked.values()}
    sids = [follower.replica.sid or "" for follower in run.followers]
    until_s = time.monotonic() + PATIENCE_S / 4
    while True:
        await asyncio.sleep(1.0)
        logs = await asyncio.to_thread(read_logs, run.cluster.redis.port, sids)
        verdict = judged(logs, run.followers, lengths)
        if not verdict.faults or time.monotonic() > until_s:
            return verdict


async def _noted(run: Run) -> None:
    """What the nodes themselves have counted and said."""
    fenced = None
    for node in run.cluster.nodes:
        if node.alive:
            samples = await node.server.metrics()
            found = [value for name, value in samples.items() if "fenced" in name]
            fenced = (fenced or 0.0) + sum(found) if found else fenced
    run.notes["appends_fenced"] = fenced
    lines = [line for node in run.cluster.nodes for line in node.server.words()]
    errors = [line.partition(" ERROR ")[2] for line in lines if " ERROR " in line]
    run.notes["node_errors"] = len(errors)
    kinds = Counter(line.partition(" ends: ")[2] or line for line in errors)
    run.notes["first_node_errors"] = [
        f"{n} x {words[:160].replace('://', ' ')}" for words, n in kinds.most_common(5)
    ]


# --- what it says together ------------------------------------------------------------------------


def row(name: str, run: Run, verdict: Verdict) -> dict[str, Any]:
    """One failure's figures."""
    refusals: Counter[str] = Counter()
    closes: Counter[int] = Counter()
    for follower in run.followers:
        refusals += follower.refusals
        closes += follower.closes
    lost_ms = [float(at_ms - run.failed_at_ms) for at_ms in verdict.lost_at_ms]
    return {
        "server": name,
        "what": FAILURES[name].words,
        "sessions": verdict.sessions,
        "entries": verdict.entries,
        "turns": verdict.turns,
        "statuses": dict(sorted(verdict.statuses.items())),
        "answers": verdict.answers,
        "verdicts_heard": sum(len(f.verdicts) for f in run.followers),
        "resets": verdict.resets,
        "turns_by_others": len(verdict.others),
        "first_by_others": verdict.others[:5],
        "faults": {kind: verdict.count(kind) for kind in KINDS},
        "first_faults": verdict.first(),
        "lost_after_ms": spread(lost_ms, 0),
        "back_ms": spread([ms for f in run.followers for ms in f.back_ms], 1),
        "reconnects": sum(f.reconnects for f in run.followers),
        "turns_refused": sum(len(f.refused_turns) for f in run.followers),
        "refusals": dict(sorted(refusals.items())),
        "closes": {str(code): n for code, n in sorted(closes.items())},
        **run.notes,
    }


def body(rows: list[dict[str, Any]], options: Options) -> dict[str, Any]:
    """The record's own part."""
    summary = {
        r["server"]: {
            "sessions": r["sessions"],
            "turns": r["turns"],
            "turns_completed": r["statuses"].get("completed", 0),
            "turns_lost": r["lost_after_ms"]["n"],
            "faults": sum(r["faults"].values()),
            "resets": r["resets"],
            "answers": r["answers"],
            "lost_after_max_ms": r["lost_after_ms"]["max"],
            "back_p50_ms": r["back_ms"]["p50"],
            "back_max_ms": r["back_ms"]["max"],
            "reconnects": r["reconnects"],
            "fenced": r["appends_fenced"],
        }
        for r in rows
    }
    return {
        "arrivals": f"{options.connections} sessions over two nodes, each with a turn of "
        f"{options.duration_s:g} s at {options.rate:g} tokens a second, a quarter read through "
        f"the other node; {ANSWERS_A_S:g} answers a second; the network is cut by a stopped proxy "
        "between each node and Redis, which holds the bytes and leaves connections hanging",
        "placed": "all processes share the cores",
        "kinds_of_fault": KINDS,
        "summary": summary,
        "rounds": rows,
    }


def gates(r: dict[str, Any]) -> list[dict[str, Any]]:
    """What must hold of one failure."""
    name = r["server"]
    found = [
        gate(f"{name}: faults in logs and clients", sum(r["faults"].values()), 0),
        gate(f"{name}: turns without an end", r["first_turns_unended"], 0),
        gate(
            f"{name}: turns refused, or not ended, afterwards",
            r["turns_refused"] + r["second_turns_unended"], 0,
        ),
    ]  # fmt: skip
    most = OTHERS * r["turns"]
    found.append(gate(f"{name}: turns not said by the model", r["turns_by_others"], most))
    if name == "kill":
        slowest = r["lost_after_ms"]["max"]
        found.append(gate("kill: slowest end of a lost turn", slowest, LOST_MS, "ms"))
    if FAILURES[name].whole:
        found.append(gate(f"{name}: logs that began anew", r["resets"], 0))
        early = r["turns"] - r["statuses"].get("completed", 0)
        found.append(gate(f"{name}: turns that ended early", early, 0))
    if name == "drain":
        code = r["drain_exit_code"]
        found.append(gate("drain: exit code", None if code is None else abs(code), 0))
    return found
