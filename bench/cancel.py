"""Scenario `cancel`: answers given up at random moments, and how soon they end.

This file is that scenario. Turns begin on a Poisson schedule; each is cancelled at a moment drawn
beforehand, from before its start to its last words. `turn.cancel` sent to `turn.done` heard counts.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, Literal

from bench import machine, servers
from bench.load import played, poisson, settled
from bench.options import Options, tell
from bench.reader import Reader, ticking
from bench.record import gate
from bench.stats import cdf, spread
from bench.upstream import Upstream, answer, question
from protocol.commands import TurnCancel, TurnStart
from protocol.errors import Code
from protocol.events import Delta, Err, Event, Foreign, Ok, TurnDone, TurnStarted
from protocol.limits import LIMITS

OURS = "tutorstream"
TOKENS, TOKENS_A_S = 60, 150.0
STREAM_S = TOKENS / TOKENS_A_S
BUDGET_MS = 50.0
"""Bound of the 99th percentile."""
LINGER_S = 1.0
"""A session listens on for so long after its last turn: what comes then is too much."""
OPENED_AT_ONCE = 8
SETTLE_S = 20.0

Moment = Literal["before", "at once", "started", "amid", "late"]
MOMENTS: dict[Moment, float] = {
    "before": 0.05, "at once": 0.15, "started": 0.20, "amid": 0.45, "late": 0.15,
}  # fmt: skip
"""When a turn is cancelled, with shares: by command id before `turn.start` or in one message with
it, at `turn.started`, anywhere in the answer, in its last tenth or just behind it."""


class Tally:
    """What all learners saw."""

    def __init__(self) -> None:
        self.running = self.asked = self.queued = self.late_deltas = self.twice = 0
        self.ended: Counter[str] = Counter()
        """Turns by moment and status."""
        self.done_ms: dict[Moment, list[float]] = {moment: [] for moment in MOMENTS}
        self.wrong: list[str] = []
        self.refusals: list[str] = []
        self.lost = 0


class Learner:
    """One session of at most as many turns as a minute allows."""

    def __init__(self, name: int, url: str, pool: Pool) -> None:
        self.reader = Reader(url, self._hear)
        self.turns_left = LIMITS.turns_a_min
        self._name = name
        self._pool = pool
        self._tally = pool.tally
        self._moment: Moment = "amid"
        self._delay_s = 0.0
        self._turn = self._gen = ""
        self._cancelled_s = 0.0
        self._waits_for: set[str] = set()
        """What the running turn still lacks: `started`, `done`, `reply` to the cancel."""
        self._ended: set[str] = set()

    def ask(self, moment: Moment, delay_s: float) -> None:
        """Begin a turn that is cancelled at this moment."""
        self.turns_left -= 1
        self._turn, self._gen = f"{self._name}.{self.turns_left}", ""
        self._moment, self._delay_s = moment, delay_s
        self._waits_for = {"started", "done", "reply"}
        self._tally.running += 1
        start = TurnStart(f"ask.{self._turn}", question(self._turn))
        cancel = TurnCancel(self._cancel_id, cmd=start.id)
        if moment == "before":
            self._cancelled_s = time.monotonic()
            self.reader.send(cancel, start)
        elif moment == "at once":
            self._cancelled_s = time.monotonic()
            self.reader.send(start, cancel)
        else:
            self.reader.send(start)

    @property
    def _cancel_id(self) -> str:
        return f"stop.{self._turn}"

    def _cancel(self) -> None:
        self._cancelled_s = time.monotonic()
        self.reader.send(TurnCancel(self._cancel_id, gen=self._gen))

    def _hear(self, event: Event | Foreign) -> None:
        match event:
            case Delta():
                self._tally.late_deltas += event.gen in self._ended
            case TurnStarted() if event.cmd == f"ask.{self._turn}":
                self._started(event)
            case TurnDone():
                self._done(event)
            case Ok() if event.re == self._cancel_id:
                self._has("reply")
            case Err() if event.re == self._cancel_id and event.code == Code.GONE:
                self._has("reply")
            case Err():
                self._tally.refusals.append(f"{event.code} {event.msg}")

    def _started(self, event: TurnStarted) -> None:
        self._gen = event.gen
        if self._moment == "started":
            self._cancel()
        elif self._moment in ("amid", "late"):
            asyncio.get_running_loop().call_later(self._delay_s, self._cancel)
        self._has("started")

    def _done(self, event: TurnDone) -> None:
        tally = self._tally
        if event.gen in self._ended:
            tally.twice += 1
            return
        self._ended.add(event.gen)
        tally.ended[f"{self._moment}, {event.status}"] += 1
        if event.status == "cancelled":
            tally.done_ms[self._moment].append((time.monotonic() - self._cancelled_s) * 1000)
        shown, whole = self.reader.replica.text(event.gen), answer(self._turn, TOKENS)
        right = whole == shown if event.status == "completed" else whole.startswith(shown)
        if event.gen != self._gen or not right or event.status not in ("completed", "cancelled"):
            tally.wrong.append(f"{self._turn} {event.gen} {event.status} {shown[-40:]!r}")
        self._has("done")

    def _has(self, what: str) -> None:
        if what not in self._waits_for:
            self._tally.wrong.append(f"{self._turn}: {what} came twice or too late")
            return
        self._waits_for.discard(what)
        if not self._waits_for:
            self._tally.running -= 1
            self._pool.free(self)


class Pool:
    """Learners who may ask now; one who has used up a minute's turns makes room for a new one."""

    def __init__(self, url: str, size: int, tally: Tally) -> None:
        self.tally = tally
        self.readers: list[Reader] = []
        self.sessions = 0
        self.misfits = self.duplicates = self.gaps = 0
        self._url = url
        self._size = size
        self._free: deque[Learner] = deque()
        self._due: deque[tuple[Moment, float]] = deque()
        self._doors = asyncio.Semaphore(OPENED_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None
        self._over = False

    async def fill(self) -> None:
        """Open the first sessions."""
        await asyncio.gather(*(self._open() for _ in range(self._size)))

    def ask(self, moment: Moment, delay_s: float) -> None:
        """An arrival: whoever is free asks, else the next to be free."""
        self.tally.asked += 1
        if self._free:
            self._free.popleft().ask(moment, delay_s)
        else:
            self.tally.queued += 1
            self._due.append((moment, delay_s))

    def free(self, learner: Learner) -> None:
        """A learner's turn is over."""
        if not learner.turns_left:
            self._later(self._left(learner))
            if not self._over:
                self._later(self._open())
        elif self._due:
            learner.ask(*self._due.popleft())
        else:
            self._free.append(learner)

    def waiting(self) -> int:
        """Turns under way and arrivals that nobody took yet; 0 where a session could not open."""
        return 0 if self.error else self.tally.running + len(self._due)

    async def end(self) -> None:
        """Listen a while longer, then everybody leaves. Raises what went wrong on the way."""
        self._over = True
        await asyncio.sleep(LINGER_S)
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        for learner in self._free:
            self._counted(learner)
        if self.error is not None:
            raise self.error

    async def _open(self) -> None:
        async with self._doors:
            self.sessions += 1
            learner = Learner(self.sessions, self._url, self)
            await learner.reader.enter()
        self.readers.append(learner.reader)
        self.free(learner)

    async def _left(self, learner: Learner) -> None:
        await asyncio.sleep(LINGER_S)
        self._counted(learner)
        self.readers.remove(learner.reader)

    def _counted(self, learner: Learner) -> None:
        counters = learner.reader.replica.counters
        self.misfits += counters.misfits
        self.duplicates += counters.duplicates
        self.gaps += counters.gaps
        self.tally.lost += learner.reader.lost.is_set()
        learner.reader.close()

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.error = self.error or task.exception()


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("cancel starts its own server: the model behind it must be a known one")
    return options._replace(
        connections=options.connections or 100,
        turns=options.turns or 1_000,
        rate=options.rate or 45.0,
        rounds=1,
        budget_ms=min(options.budget_ms, BUDGET_MS),
    )


def moments(n: int, dice: random.Random) -> list[tuple[Moment, float]]:
    """When each of `n` turns is cancelled, with the seconds after `turn.started`."""
    drawn = dice.choices(list(MOMENTS), list(MOMENTS.values()), k=n)
    spans = {"amid": (0.0, STREAM_S), "late": (0.9 * STREAM_S, 1.1 * STREAM_S)}
    return [(moment, dice.uniform(*spans.get(moment, (0.0, 0.0)))) for moment in drawn]


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    upstream = Upstream(TOKENS, TOKENS_A_S)
    await upstream.start()
    try:
        with tempfile.TemporaryDirectory(prefix="tutorstream-bench-") as name:
            command = servers.ours(f"sqlite:///{Path(name)}/store.db")
            async with servers.serving(OURS, command, upstream.environment()) as server:
                tell(f"{options.turns} turns, {options.rate:g} a second")
                row = await _played(server, options)
                samples = await server.metrics()
    finally:
        await upstream.stop()
    row["upstream"] = {
        "begun": upstream.begun,
        "completed": upstream.completed,
        "hung_up_on": upstream.left,
    }
    row["loop_gap_max_ms"] = round(samples["tutorstream_loop_gap_max_seconds"] * 1000, 3)
    return _body(row, options), _gates(row, options)


async def _played(server: servers.Server, options: Options) -> dict[str, Any]:
    dice = random.Random(options.seed)
    pool = Pool(server.url("/v1/ws"), options.connections, Tally())
    ticks = asyncio.create_task(ticking(lambda: pool.readers))
    try:
        await pool.fill()
        plans = moments(options.turns, dice)
        seconds = options.turns / options.rate
        times = poisson(options.rate, 2 * seconds + 10, dice)[: options.turns]
        use = machine.Window(server.pid)
        await played(times, lambda n, _: pool.ask(*plans[n]))
        unended = await settled(pool.waiting, SETTLE_S)
        used = use.end()
        await pool.end()
    finally:
        ticks.cancel()
    return {**_row(pool, used), "unended": unended}


def _row(pool: Pool, used: machine.Use) -> dict[str, Any]:
    tally = pool.tally
    every = [ms for found in tally.done_ms.values() for ms in found]
    return {
        "server": OURS,
        "sessions": pool.sessions,
        "turns": tally.asked,
        "queued": tally.queued,
        "cancelled": len(every),
        "too_late": sum(n for how, n in tally.ended.items() if how.endswith("completed")),
        "ended": dict(sorted(tally.ended.items())),
        "late_deltas": tally.late_deltas,
        "ended_twice": tally.twice,
        "turns_that_differ": len(tally.wrong),
        "first_that_differ": tally.wrong[:10],
        "refusals": len(tally.refusals),
        "first_refusals": tally.refusals[:10],
        "connections_lost": tally.lost,
        "counters": {
            "misfits": pool.misfits, "duplicates": pool.duplicates, "gaps": pool.gaps,
        },
        "cancel_ms": spread(every),
        "cancel_ms_by_moment": {moment: spread(ms) for moment, ms in tally.done_ms.items()},
        "cdf": cdf(every),
        "window_s": round(used.window_s, 3),
        "server_cpu_share": round(used.server_cpu_s / used.window_s, 4),
        "load_cpu_share": round(used.load_cpu_s / used.window_s, 4),
        "others_share": None if used.others_share is None else round(used.others_share, 4),
        "flagged": used.flagged,
    }  # fmt: skip


def _body(row: dict[str, Any], options: Options) -> dict[str, Any]:
    ms = row["cancel_ms"]
    summary = {
        "p50_ms": ms["p50"],
        "p95_ms": ms["p95"],
        "p99_ms": ms["p99"],
        "worst_ms": ms["max"],
        **{name: row[name] for name in ("turns", "cancelled", "too_late", "late_deltas")},
        "loop_gap_max_ms": row["loop_gap_max_ms"],
    }
    return {
        "arrivals": f"Poisson, {options.rate:g} turns a second over {row['sessions']} sessions; "
        f"answers of {TOKENS} tokens at {TOKENS_A_S:g} a second; from `turn.cancel` sent to "
        "`turn.done` heard",
        "flagged": int(row["flagged"]),
        "summary": {OURS: summary},
        "rounds": [row],
    }


def _gates(row: dict[str, Any], options: Options) -> list[dict[str, Any]]:
    return [
        gate("cancel to end, p99", row["cancel_ms"]["p99"], options.budget_ms, "ms"),
        gate("deltas after the end", row["late_deltas"], 0),
        gate("ends too many", row["ended_twice"], 0),
        gate("turns without an end", row["unended"] + options.turns - row["turns"], 0),
        gate("turns that differ", row["turns_that_differ"], 0),
        gate("refusals", row["refusals"], 0),
        gate("connections lost", row["connections_lost"], 0),
        gate("events that did not fit", row["counters"]["misfits"], 0),
    ]
