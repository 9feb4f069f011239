"""The unmodified SDK against the same upstream, as a process of its own. This file is the baseline.

It asks what the server asked, on the same schedule, and does nothing with the text: no router, no
guard, no log, no learner. One job as a JSON line comes in, one JSON line of figures goes out.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

from bench import machine
from bench.load import played, settled
from bench.scenario import loop_factory
from bench.servers import ROOT, clean_environment
from bench.stats import spread

PROBE_S = 0.02
PATIENCE_S = 5.0
"""How long answers are waited for that a busy process has not read yet."""


class Calls:
    """What the SDK's caller sees; times by `time.monotonic()`."""

    def __init__(self, job: dict[str, Any]) -> None:
        import openai

        # No address of the environment, no retries: the same call as the server makes.
        self._client = openai.AsyncOpenAI(
            api_key="bench", base_url=job["base_url"], max_retries=0, timeout=60.0
        )
        self._messages = json.dumps(job["messages"])
        self._asked_before: str = job["asked"]
        self.names: list[str] = job["names"]
        self.calls: dict[str, dict[str, float]] = {}
        self.tokens = self.running = 0
        self.gaps_ms: list[float] = []
        self.errors: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()

    def begin(self, number: int, due_s: float) -> None:
        """An arrival."""
        task = asyncio.get_running_loop().create_task(self._one(self.names[number], due_s))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _one(self, name: str, due_s: float) -> None:
        call = self.calls[name] = {"due_s": due_s, "called_s": time.monotonic()}
        self.running += 1
        try:
            stream: Any = await self._client.chat.completions.create(
                model="paced",
                messages=json.loads(self._messages.replace(self._asked_before, f"ask {name}")),
                stream=True,
                stream_options={"include_usage": True},
                max_tokens=220,
            )
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    if not call.get("first_s"):
                        call["first_s"] = time.monotonic()
                    self.tokens += 1
        except Exception as error:  # noqa: BLE001 - counted, the run is judged by it
            self.errors.append(f"{type(error).__name__}: {error}"[:200])
        finally:
            self.running -= 1

    async def close(self) -> None:
        """Give up what still runs, close the connections."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._client.close()

    async def probed(self) -> None:
        """Note how late a timer comes, for ever."""
        while True:
            due_s = time.monotonic() + PROBE_S
            await asyncio.sleep(PROBE_S)
            self.gaps_ms.append(max(0.0, (time.monotonic() - due_s) * 1000))


async def called(job: dict[str, Any]) -> dict[str, Any]:
    """Play a job; figures of the window between `since_s` and `until_s` from its start."""
    calls = Calls(job)
    edges: list[tuple[float, float, int, int]] = []

    def edge() -> None:
        edges.append((time.monotonic(), time.process_time(), calls.tokens, calls.running))
        calls.gaps_ms.clear() if len(edges) == 1 else probe.cancel()

    loop = asyncio.get_running_loop()
    probe = loop.create_task(calls.probed())
    loop.call_later(job["since_s"], edge)
    loop.call_later(job["until_s"], edge)
    await played(job["times"], calls.begin)
    await settled(lambda: len(calls.tasks) or 2 - len(edges), PATIENCE_S)
    unended = len(calls.tasks)
    await calls.close()
    (from_s, cpu_from_s, tokens_from, running_from), (to_s, cpu_to_s, tokens_to, running_to) = edges
    return {
        "calls": calls.calls,
        "since_s": from_s,
        "until_s": to_s,
        "cpu_s": cpu_to_s - cpu_from_s,
        "tokens": tokens_to - tokens_from,
        "running": [running_from, running_to],
        "gap_ms": spread(calls.gaps_ms),
        "unended": unended,
        "errors": calls.errors[:5],
    }


async def measured(job: dict[str, Any]) -> dict[str, Any]:
    """Play a job in a process on the servers' core. Raises RuntimeError with its last word."""
    machine.to_core("server")
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.llm_bare",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=clean_environment(), cwd=ROOT,
        )  # fmt: skip
    finally:
        machine.to_core("load")
    try:
        out, said = await process.communicate(json.dumps(job).encode())
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise RuntimeError(f"the bare SDK's process failed: {last}")
    found: dict[str, Any] = json.loads(out)
    return found


def main() -> None:
    """The process."""
    job = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        print(json.dumps(runner.run(called(job))), flush=True)


if __name__ == "__main__":
    main()
