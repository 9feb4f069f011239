"""What a dead owner left half done is ended when its session is taken up again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from protocol import commands as cmd
from protocol import events as ev
from streaming import deeds
from tests.virtual import VirtualLoop
from tests.world import World, settle


def begun(gen: str) -> deeds.TurnBegan:
    return deeds.TurnBegan(
        gen=gen,
        cmd=f"t-{gen}",
        text="why?",
        action=None,
        item=None,
        provider="builtin",
        model="builtin/1",
        source="builtin",
        act="explain",
    )


async def test_every_turn_without_an_end_gets_one(virtual: VirtualLoop, tmp_path: Path) -> None:
    """A waiting turn was cancelled; its owner died after its start and before its end."""
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await world.learner()
    await learner.send(cmd.LessonStart("l"))
    assert learner.attached is not None
    for gen in ("g1", "g2"):
        learner.attached.session.append(begun(gen))
    await settle()
    world.kill()
    learner.cut()

    learner.world = await World.begin(path=path, node="n2")
    await learner.connect()
    await settle()
    learner.pump()
    ends = {d.gen: (d.status, d.reason) for d in learner.of(ev.TurnDone)}
    assert ends == {"g1": ("lost", "owner_lost"), "g2": ("lost", "owner_lost")}
    await learner.send(cmd.TurnStart("again", cmd.Action("next_step")))
    await asyncio.sleep(10)
    learner.pump()
    assert [d.status for d in learner.of(ev.TurnDone)] == ["lost", "lost", "completed"]
    await learner.world.check()
