"""The small costs of a turn, each timed by itself: guards a chunk, plan, built-in first word.

This file takes them. The guards are engines and run in this process; plan and built-in tutor are
the server's and are timed in a process of its own (`server.turn_timing`).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import machine
from bench.llm_upstream import answer
from bench.servers import ROOT, clean_environment
from bench.stats import spread
from engines.exercises.course import course_from
from engines.exercises.guarded import Guarded
from engines.exercises.guardset import guard_set
from engines.exercises.hints import hint, ladder_length
from engines.exercises.rendering import Rendered
from engines.exercises.template import instance
from engines.privacy import Restoring

CHUNK_BYTES = 64
COURSE = ROOT / "server" / "courses" / "linear-equations.json"
SEEDS = 5
PLANS, TURNS = 5_000, 10_000
TIMED_S = 120.0


def texts(canonical: bytes, seeds: int) -> list[tuple[Any, str]]:
    """Instances of the course's items, each with an answer of prose and its own hints but the last.

    The last hint tells the answer: the guards would end there.
    """
    course = course_from(canonical)
    found = []
    for item in course.items:
        for seed in range(seeds):
            made = instance(item, course.sha256, seed)
            hints = [hint(made, level)[0] for level in range(1, ladder_length(item))]
            prose = answer(item.id, 40)
            found.append((made, " ".join(part for hint_ in hints for part in (hint_, prose))))
    return found


def chunks(text: str) -> list[str]:
    """The text in pieces of at most `CHUNK_BYTES`, no character cut.

    >>> [len(chunk) for chunk in chunks("a" * 130)]
    [64, 64, 2]
    """
    found, data = [], text.encode()
    while data:
        part = data[:CHUNK_BYTES].decode(errors="ignore")
        found.append(part)
        data = data[len(part.encode()) :]
    return found


def guards(canonical: bytes, seeds: int = SEEDS) -> dict[str, Any]:
    """Microseconds a chunk through rendering, answers and sums, placeholders; characters held."""
    taken_us: list[float] = []
    held: list[float] = []
    caught = 0
    for made, text in texts(canonical, seeds):
        given = [made.prompt, text]
        guard = Guarded(guard_set([made], given))
        stages = (Rendered(), guard, Restoring({"[NAME_1]": "Ada"}))
        came = left = 0
        for chunk in chunks(text):
            start_s = time.perf_counter()
            shown = chunk
            for stage in stages:
                shown = stage.push(shown) if shown else ""
            taken_us.append((time.perf_counter() - start_s) * 1e6)
            came, left = came + len(chunk), left + len(shown)
            held.append(float(came - left))
            if guard.caught is not None:
                caught += 1
                break
    return {"chunk_us": spread(taken_us, 1), "held_chars": spread(held, 0), "caught": caught}


async def turns(plans: int = PLANS, builtin: int = TURNS) -> dict[str, Any]:
    """Microseconds of plan with prompt at 16 turns, and of the built-in tutor's first chunk."""
    machine.to_core("server")
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server.turn_timing",
            "--plans", str(plans), "--turns", str(builtin),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), cwd=ROOT,
        )  # fmt: skip
    finally:
        machine.to_core("load")
    try:
        async with asyncio.timeout(TIMED_S):
            out, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise RuntimeError(f"the turns could not be timed: {last}")
    found = json.loads(out)
    return {name: spread(values, 1) for name, values in found.items()}


def shipped_course() -> bytes:
    """The course of the distribution."""
    return Path(COURSE).read_bytes()
