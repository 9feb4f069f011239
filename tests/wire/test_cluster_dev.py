"""A whole cluster on this machine: the contract across nodes, one killed and back, a drain."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bench.conformance.run import Verdict, judged
from tests.wire.process import ROOT
from tests.world import small_course

ACROSS = (
    "two-connections",
    "ids-elsewhere",
    "answer-once",
    "resume-everywhere",
    "resume-in-turn",
    "cut-is-no-cancel",
    "room-say",
    "room-ask",
    "room-resume",
    "poll-rounds",
)
"""The checks whose sides are on different nodes."""
START_S = 120.0
PATIENCE_S = 20.0


class Dev:
    """A running `tutorstream cluster dev`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.ready: dict[str, Any] = {}
        self._more = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._more:
                self.lines.append(line.decode().rstrip())
                self._more.notify_all()

    async def said(self, words: str, after: int = 0) -> None:
        """Wait for a line with these words, behind the first `after` ones."""
        async with asyncio.timeout(START_S), self._more:
            await self._more.wait_for(lambda: any(words in line for line in self.lines[after:]))

    def at(self, words: str) -> int:
        """The place of the last line with these words."""
        return max(n for n, line in enumerate(self.lines) if words in line)

    async def ended(self) -> int:
        """Its exit code, once all was read."""
        async with asyncio.timeout(START_S):
            code = await self.process.wait()
            await self._reading
        return code


@contextlib.asynccontextmanager
async def dev(*words: str) -> AsyncIterator[Dev]:
    """A cluster for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server.cli", "cluster", "dev", "--port", "0", "--json"),
        *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    running = Dev(process)
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        assert line, running.lines
        running.ready = json.loads(line)
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            await running.ended()


def all_hold(verdicts: list[Verdict]) -> None:
    assert not [verdict for verdict in verdicts if not verdict.passed]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
async def test_a_cluster_keeps_the_contract_loses_a_node_and_drains_in_order(
    tmp_path: Path,
) -> None:
    (tmp_path / "sums.json").write_bytes(small_course())
    async with dev("--nodes", "2", "--restart", "--course", str(tmp_path / "sums.json")) as cluster:
        nodes = [f"ws://127.0.0.1:{node['port']}" for node in cluster.ready["nodes"]]
        front = f"ws://127.0.0.1:{cluster.ready['port']}"
        all_hold(await judged(nodes, ACROSS, patience_s=PATIENCE_S, at_once=8))
        first = cluster.ready["nodes"][0]["pid"]
        os.kill(first, signal.SIGKILL)
        await cluster.said("node1    | ended by itself with SIGKILL; started again in 1 s")
        all_hold(await judged([front], ["order", "sse"], patience_s=PATIENCE_S))
        dead = cluster.at("ended by itself")
        await cluster.said("balancer | node1 takes connections", after=dead)
        all_hold(await judged(nodes, ["two-connections"], patience_s=PATIENCE_S))

        cluster.process.send_signal(signal.SIGINT)
        assert await cluster.ended() == 0, cluster.lines
        order = ["node1    | drains", "node1    | ended with 0"]
        order += ["node2    | drains", "node2    | ended with 0", "redis    | "]
        places = [cluster.at(words) for words in order]
        assert places == sorted(places), cluster.lines
        parts = [*cluster.ready["nodes"], *cluster.ready["stores"]]
        assert not [part for part in parts if alive(part["pid"])]
