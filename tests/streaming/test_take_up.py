"""What a dead owner left half done is ended when its session is taken up again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from msgspec import structs

from protocol import commands as cmd
from protocol import events as ev
from streaming import deeds
from streaming.alerts import Alert
from streaming.log import stored
from streaming.session import Session
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


async def test_an_alert_whose_process_died_before_it_was_stored_is_raised_again(
    virtual: VirtualLoop, tmp_path: Path
) -> None:
    path, cry = f"{tmp_path}/store.db", "i want to kill myself"
    world = await World.begin(path=path)
    learner = await world.learner()
    await learner.send(cmd.LessonStart("l"))
    assert learner.attached is not None
    assert isinstance(learner.attached.session, Session)
    learner.attached.session.append(structs.replace(begun("g1"), act="safety", text=cry))
    await settle()
    world.kill()
    learner.cut()
    heard = []

    async def tell(alert: Alert) -> None:
        heard.append(alert)

    learner.world = await World.begin(path=path, node="n2", tell=tell)
    await learner.connect()
    await settle()
    assert [(a.id, a.text) for a in heard] == [(f"{learner.sid}.g1", cry)]


async def test_a_snapshot_of_an_older_form_is_folded_anew(
    virtual: VirtualLoop, tmp_path: Path
) -> None:
    """It lacks what later turns rest on: a log and its replay would differ from then on."""
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await world.learner()
    await learner.send(cmd.LessonStart("l"))
    session = next(iter(world.ownership))
    shown = session.state.plain.open
    assert shown is not None
    await learner.send(cmd.HintRequest("h", shown.item))
    plain = msgspec.to_builtins(session.state.plain)
    for name in ("remembered", "masks", "keep_turns"):
        del plain[name]
    assert session.state.beliefs is not None
    old = msgspec.msgpack.encode([plain, session.state.beliefs.to_bytes()])
    body = msgspec.msgpack.encode([old, None, None])
    await stored(world.store.records.put("session", session.sid, body, 0))
    whole = session.state.to_bytes()
    world.kill()
    learner.cut()

    learner.world = await World.begin(path=path, node="n2")
    before = await learner.world.replayed(session.sid)
    assert (before.equal, before.snapshot_equal) == (True, None)
    await learner.connect()
    again = next(iter(learner.world.ownership))
    assert again.state.to_bytes() == whole
    await learner.send(cmd.TurnStart("t", "why?"))
    await asyncio.sleep(10)
    learner.pump()
    again.save()
    await settle()
    after = await learner.world.replayed(session.sid)
    assert (after.equal, after.snapshot_equal) == (True, True)


async def test_every_turn_without_an_end_gets_one(virtual: VirtualLoop, tmp_path: Path) -> None:
    """A waiting turn was cancelled; its owner died after its start and before its end."""
    path = f"{tmp_path}/store.db"
    world = await World.begin(path=path)
    learner = await world.learner()
    await learner.send(cmd.LessonStart("l"))
    assert learner.attached is not None
    assert isinstance(learner.attached.session, Session)
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
