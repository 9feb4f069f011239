"""Thousands of learners in one process: idle ones cost memory for a while, then nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import resource
from pathlib import Path

import pytest

from protocol import commands as cmd
from protocol.commands import Hello
from streaming.attach import Greeting
from tests.virtual import VirtualLoop
from tests.world import FakeWire, World, settle

SESSIONS = 2_500
"""Enough for a fault a session to show; `tutorstream bench idle` holds ten thousand."""
COURSE = Path(__file__).resolve().parents[2] / "server" / "courses" / "linear-equations.json"
MOST_KB = 30
"""A learner's whole state in memory, her connection apart."""


def resident_kb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024


@pytest.mark.slow
async def test_thousands_of_idle_sessions_are_held_then_set_aside_and_come_back(
    virtual: VirtualLoop, tmp_path: Path
) -> None:
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path, idle_s=60.0, course=COURSE.read_bytes())
    keeper, sids = world.ownership, []
    gc.collect()
    before_kb = resident_kb()
    for _ in range(SESSIONS):
        attached = await keeper.attach(
            None, Hello(), keeper.outbox(FakeWire()), Greeting(cid="c", node="n1")
        )
        attached.hear(cmd.LessonStart("l"))
        sids.append(attached.session.sid)
        await settle()
        attached.detach()
    assert len(keeper) == SESSIONS
    kb = (resident_kb() - before_kb) / SESSIONS
    print(f"{kb:.1f} KB a session that is held, its lesson begun")
    assert kb < MOST_KB
    sample = random.Random(1).sample(sids, 50)
    states = {sid: (await keeper.session(sid)).state.to_bytes() for sid in sample}
    await asyncio.sleep(120)
    assert len(keeper) == 0
    for sid, state in states.items():
        assert (await keeper.session(sid)).state.to_bytes() == state
    await world.check()
