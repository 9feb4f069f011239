"""What a session is given: storage, courses, speech, clocks, limits. This file is that list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from protocol.events import Timing
from protocol.limits import LIMITS, Limits
from streaming.alerts import Alerts
from streaming.log import Log
from streaming.nodes import Alone, Nodes
from streaming.records import Records
from streaming.rules import TutorRules

if TYPE_CHECKING:
    from streaming.catalogue import Catalogue
    from streaming.routing import Routing
    from streaming.treasury import Treasury


class Gauges(Protocol):
    """Where a session counts what it does; the edge's metrics, or nothing."""

    def answered(self, timing: Timing, verdict: str) -> None:
        """One answer was judged."""
        ...

    def turn_ended(self, source: str, status: str, ttft_ms: float) -> None:
        """One generation ended."""
        ...


class Surroundings:
    """What a session is given: storage, courses, speech, the loop, the wall clock, the limits.

    Without a `treasury` nothing is counted, as where only the built-in tutor speaks. `secret` is
    known to the servers of a deployment alone; it keys what no client may foresee.
    """

    __slots__ = (
        "alerts",
        "build",
        "catalogue",
        "gauges",
        "limits",
        "log",
        "loop",
        "nodes",
        "records",
        "routing",
        "rules",
        "secret",
        "treasury",
        "wall_ms",
    )

    def __init__(
        self,
        *,
        log: Log,
        records: Records,
        catalogue: Catalogue,
        routing: Routing,
        loop: asyncio.AbstractEventLoop,
        wall_ms: Callable[[], int],
        gauges: Gauges,
        build: str,
        alerts: Alerts | None = None,
        treasury: Treasury | None = None,
        rules: TutorRules | None = None,
        nodes: Nodes | None = None,
        secret: bytes = b"",
        limits: Limits = LIMITS,
    ) -> None:
        self.log = log
        self.records = records
        self.catalogue = catalogue
        self.routing = routing
        self.loop = loop
        self.wall_ms = wall_ms
        self.gauges = gauges
        self.build = build
        self.alerts = alerts or Alerts(records)
        self.treasury = treasury
        self.rules = rules or TutorRules()
        self.nodes: Nodes = nodes or Alone()
        self.secret = secret
        self.limits = limits


class Watch:
    """Stage times of one answer, taken on the monotonic clock, in nanoseconds."""

    __slots__ = ("arrived", "checked", "commit_us", "decode", "scored", "started")

    def __init__(self) -> None:
        self.arrived = self.decode = self.started = self.checked = self.scored = 0
        self.commit_us = 0

    def lap(self, stage: str) -> None:
        """A stage of `react` ended."""
        if stage == "check":
            self.checked = time.perf_counter_ns()
        elif stage == "score":
            self.scored = time.perf_counter_ns()

    def timing(self) -> Timing:
        """The stages so far, in whole microseconds."""
        now = time.perf_counter_ns()
        return Timing(
            self.decode // 1000,
            (self.checked - self.started) // 1000,
            (self.scored - self.checked) // 1000,
            self.commit_us,
            (now - (self.arrived or self.started)) // 1000,
        )
