"""Which scenarios there are, and how one is run. This file is the bench's door."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from bench import machine
from bench.options import Options
from bench.record import record

SCENARIOS = {
    "feedback": "answers at a rate: latency and CPU an answer, beside other servers",
    "memory": "idle learners: resident memory and loop gaps",
    "stream": "tutor turns at their pace: CPU a delta, how even, whole texts",
    "resume": "sockets cut anywhere in running answers: are the texts identical, how soon",
    "cancel": "answers cancelled at random times: how soon they end, and that nothing follows",
    "failover": "nodes and Redis fail under running turns: is every log and every text whole",
    "storm": "all learners reconnect at once, to the node that is left: how soon all are back",
    "room": "one room over two nodes: from a message to its last member, and CPU a member",
    "idle": "idle learners on one node of several: traffic to Redis, CPU, memory",
    "llm": "models through the router: what it adds to a first text, what failures cost",
    "kernels": "what one answer costs the scoring, called from Python, without a server",
    "checker": "answers that people typed: how many are read, what judging one costs (--data)",
    "cold-start": "a course without data, difficulties learnt as answers come, on a log (--data)",
    "selection": "which rule of choosing items tells most of a learner, on a log (--data)",
}
"""Name -> its line in the help; a module of its name (- as _) has `defaults` and `measured`."""


def run(options: Options, command: str) -> dict[str, Any]:
    """Measure one scenario; its record. Raises NotStarted, NoPeers, ValueError, RuntimeError."""
    scenario = importlib.import_module(f"bench.{options.scenario.replace('-', '_')}")
    options = scenario.defaults(options)
    machine.raise_file_limit()
    machine.to_core("load")
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            body, gates = runner.run(scenario.measured(options))
    finally:
        machine.let_go()
    settings = {
        k: v for k, v in options._asdict().items() if k not in ("scenario", "log", "answers")
    }
    settings["url"] = "given" if options.url else ""
    return record(options.scenario, command, settings, body, gates)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Makes the loop of every process of ours; None for asyncio's own."""
    try:
        import uvloop
    except ImportError:  # not made for this system
        return None
    return uvloop.new_event_loop
