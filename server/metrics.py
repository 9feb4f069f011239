"""Counters and histograms of one process, and the table of all. This file is what is counted.

A histogram keeps 16 buckets to each doubling (after HDR Histogram), so a quantile is right to one
part in 16 over nine decades; recording is an index and an increment. `METRICS` is the closed
table: name, kind, labels, meaning; docs/reference/metrics.md holds one row for each.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable, Iterable

from protocol.events import Timing
from server.exposition import (
    Buckets,
    Metric,
    Samples,
    each,
    head,
    histogram_lines,
    one,
    sample_lines,
)
from server.node_metrics import NODE_METRICS, NODE_SAMPLES, NodeCounts
from server.tutor_metrics import (
    TUTOR_HISTOGRAMS,
    TUTOR_METRICS,
    TUTOR_SAMPLES,
    TutorCounts,
    no_counts,
)

SUB_BITS = 4
SUB = 1 << SUB_BITS
MAX_US = 1 << 32
_SLOTS = ((MAX_US.bit_length() - SUB_BITS) << SUB_BITS) + 2 * SUB
BOUNDS_US = tuple(1 << k for k in range(4, 31))
"""Upper bounds told to Prometheus: 16 us, then doubling, to 18 min."""


METRICS = (
    Metric(
        "tutorstream_feedback_seconds",
        "histogram",
        ("stage",),
        "An answer's time by stage: decode, check, score, store, total.",
    ),
    Metric("tutorstream_answers_total", "counter", ("verdict",), "Answers judged."),
    Metric("tutorstream_commands_total", "counter", (), "Commands decoded."),
    Metric("tutorstream_errors_total", "counter", ("code",), "err frames sent."),
    Metric("tutorstream_connections", "gauge", ("transport",), "Connections open now."),
    Metric(
        "tutorstream_connections_total", "counter", ("transport",), "Connections ever accepted."
    ),
    Metric("tutorstream_closes_total", "counter", ("code",), "Connections ended, by close code."),
    Metric("tutorstream_outboxes", "gauge", ("level",), "Connections by level of lag, 0 to 3."),
    Metric("tutorstream_sessions", "gauge", (), "Sessions in memory."),
    Metric("tutorstream_turns_total", "counter", ("source", "status"), "Tutor turns ended."),
    Metric("tutorstream_ttft_seconds", "histogram", ("source",), "Ask to the turn's first chunk."),
    *TUTOR_METRICS,
    *NODE_METRICS,
    Metric("tutorstream_loop_gap_seconds", "histogram", (), "How late the loop's probe timer was."),
    Metric(
        "tutorstream_loop_gap_max_seconds", "gauge", (), "The longest such gap since readiness."
    ),
    Metric(
        "tutorstream_kernel_compiles_since_ready",
        "gauge",
        (),
        "Kernels compiled since readiness; anything above 0 held a learner up.",
    ),
    Metric("tutorstream_ready", "gauge", (), "1 while /readyz answers 200."),
    Metric("process_cpu_seconds_total", "counter", (), "User and system CPU of the process."),
    Metric("process_resident_memory_bytes", "gauge", (), "Resident memory of the process."),
    Metric("tutorstream_build_info", "gauge", ("version", "python"), "Always 1; names the build."),
)


class Histogram:
    """Durations in whole microseconds, 0 to `MAX_US`."""

    __slots__ = ("count", "max_us", "slots", "sum_us")

    def __init__(self) -> None:
        self.slots = [0] * _SLOTS
        self.count = 0
        self.sum_us = 0
        self.max_us = 0

    def record(self, us: int) -> None:
        """Count one duration; what lies outside the range counts at its edge."""
        if us < 0:
            us = 0
        elif us > MAX_US:
            us = MAX_US
        shift = us.bit_length() - SUB_BITS - 1
        self.slots[us if shift <= 0 else (shift << SUB_BITS) + (us >> shift)] += 1
        self.count += 1
        self.sum_us += us
        if us > self.max_us:
            self.max_us = us

    def quantile(self, p: float) -> int:
        """The microseconds below which a share `p` lies (upper edge of its bucket); 0 if empty."""
        wanted = p * self.count
        seen = 0
        for slot, count in enumerate(self.slots):
            seen += count
            if count and seen >= wanted:
                return min(_upper_us(slot), self.max_us)
        return 0

    def below(self, bounds_us: Iterable[int]) -> list[int]:
        """Cumulative counts below each bound; bounds ascend and are powers of two."""
        found: list[int] = []
        seen = slot = 0
        for bound in bounds_us:
            end = slot_of(bound)
            seen += sum(self.slots[slot:end])
            slot = end
            found.append(seen)
        return found


def slot_of(us: int) -> int:
    """The bucket of a duration.

    >>> slot_of(0), slot_of(31), slot_of(32), slot_of(33), slot_of(64)
    (0, 31, 32, 32, 48)
    """
    shift = us.bit_length() - SUB_BITS - 1
    return us if shift <= 0 else (shift << SUB_BITS) + (us >> shift)


def _upper_us(slot: int) -> int:
    """The largest duration in a bucket."""
    if slot < 2 * SUB:
        return slot
    shift = (slot >> SUB_BITS) - 1
    return ((slot - (shift << SUB_BITS)) + 1 << shift) - 1


class Metrics:
    """Everything counted in this process; one is made in `app` and given to all who count.

    It is also the `Gauges` that sessions count into. What is looked up rather than counted is asked
    for when the text is made: `sessions`, `outboxes`, `compiles`, `ready`, `tutor`, which is
    `tutor_counts` of the router and the treasury, and `node`, which is `node_counts`.
    """

    def __init__(self, version: str) -> None:
        self.feedback = {
            stage: Histogram() for stage in ("decode", "check", "score", "store", "total")
        }
        self.ttft = {"builtin": Histogram(), "llm": Histogram()}
        self.loop_gap = Histogram()
        self.commands = 0
        self.connections = {"websocket": 0, "sse": 0}
        self.accepted = {"websocket": 0, "sse": 0}
        self.answers: dict[str, int] = {}
        self.errors: dict[int, int] = {}
        self.closes: dict[int, int] = {}
        self.turns: dict[tuple[str, str], int] = {}
        self.sessions: Callable[[], int] = int
        self.outboxes: Callable[[], dict[int, int]] = dict
        self.compiles: Callable[[], int] = int
        self.ready: Callable[[], bool] = bool
        self.tutor: Callable[[], TutorCounts] = no_counts
        self.node: Callable[[], NodeCounts] = NodeCounts
        self.build = (version, ".".join(map(str, sys.version_info[:3])))

    # --- counting -----------------------------------------------------------------------------

    def answered(self, timing: Timing, verdict: str) -> None:
        """One answer was judged."""
        feedback = self.feedback
        feedback["decode"].record(timing.decode_us)
        feedback["check"].record(timing.check_us)
        feedback["score"].record(timing.score_us)
        feedback["store"].record(timing.store_us)
        feedback["total"].record(timing.total_us)
        self.answers[verdict] = self.answers.get(verdict, 0) + 1

    def turn_ended(self, source: str, status: str, ttft_ms: float) -> None:
        """One generation ended; `ttft_ms` is 0 where no chunk came."""
        key = (source, status)
        self.turns[key] = self.turns.get(key, 0) + 1
        if ttft_ms > 0:
            self.ttft[source].record(int(ttft_ms * 1000))

    def refused(self, code: int) -> None:
        """One `err` frame was sent."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def opened(self, transport: str) -> None:
        """A connection was accepted."""
        self.connections[transport] += 1
        self.accepted[transport] += 1

    def closed(self, transport: str, code: int) -> None:
        """A connection ended."""
        self.connections[transport] -= 1
        self.closes[code] = self.closes.get(code, 0) + 1

    # --- telling ------------------------------------------------------------------------------

    def text(self) -> str:
        """The Prometheus exposition text, version 0.0.4; every metric of the table."""
        lines: list[str] = []
        tutor, node = self.tutor(), self.node()
        for metric in METRICS:
            lines += head(metric)
            if metric.name in TUTOR_HISTOGRAMS:
                lines += histogram_lines(metric, TUTOR_HISTOGRAMS[metric.name](tutor))
            elif metric.kind == "histogram":
                lines += histogram_lines(metric, self._histograms(metric.name))
            elif metric.name in TUTOR_SAMPLES:
                lines += sample_lines(metric, TUTOR_SAMPLES[metric.name](tutor))
            elif metric.name in NODE_SAMPLES:
                lines += sample_lines(metric, NODE_SAMPLES[metric.name](node))
            else:
                lines += sample_lines(metric, _SAMPLES[metric.name](self))
        return "\n".join(lines) + "\n"

    def _histograms(self, name: str) -> list[Buckets]:
        if name == "tutorstream_feedback_seconds":
            return [_buckets(histogram, stage) for stage, histogram in self.feedback.items()]
        if name == "tutorstream_ttft_seconds":
            return [_buckets(histogram, source) for source, histogram in self.ttft.items()]
        return [_buckets(self.loop_gap)]


def _buckets(histogram: Histogram, *values: str) -> Buckets:
    bounds_s = [bound / 1e6 for bound in BOUNDS_US]
    below = histogram.below(BOUNDS_US)
    return Buckets(values, bounds_s, below, histogram.count, histogram.sum_us / 1e6)


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # no /proc here: the peak stands in, in KiB but on macOS
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


_SAMPLES: dict[str, Callable[[Metrics], Samples]] = {
    "tutorstream_answers_total": lambda m: each(m.answers),
    "tutorstream_commands_total": lambda m: one(m.commands),
    "tutorstream_errors_total": lambda m: each(m.errors),
    "tutorstream_connections": lambda m: each(m.connections),
    "tutorstream_connections_total": lambda m: each(m.accepted),
    "tutorstream_closes_total": lambda m: each(m.closes),
    "tutorstream_outboxes": lambda m: each(dict.fromkeys(range(4), 0) | m.outboxes()),
    "tutorstream_sessions": lambda m: one(m.sessions()),
    "tutorstream_turns_total": lambda m: each(m.turns),
    "tutorstream_loop_gap_max_seconds": lambda m: one(m.loop_gap.max_us / 1e6),
    "tutorstream_kernel_compiles_since_ready": lambda m: one(m.compiles()),
    "tutorstream_ready": lambda m: one(int(m.ready())),
    "process_cpu_seconds_total": lambda _: one(time.process_time()),
    "process_resident_memory_bytes": lambda _: one(_resident_bytes()),
    "tutorstream_build_info": lambda m: [(m.build, 1)],
}


class LoopProbe:
    """A timer that notes how late it comes: what held the loop held every learner.

    It samples: a wake of a loop that sleeps costs as much CPU as ten writes to a socket, so an idle
    server is not woken for it more than ten times a second.
    """

    __slots__ = ("_due_s", "_every_s", "_histogram", "_loop", "_next")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, histogram: Histogram, *, every_s: float = 0.1
    ) -> None:
        self._loop = loop
        self._histogram = histogram
        self._every_s = every_s
        self._due_s = 0.0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        self._due_s = self._loop.time() + self._every_s
        self._next = self._loop.call_at(self._due_s, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _look(self) -> None:
        self._histogram.record(int((self._loop.time() - self._due_s) * 1e6))
        self.start()
