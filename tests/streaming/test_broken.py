"""An actor that the store refused: its node brings the session back although no client comes.

And a log that other nodes see a moment later than the client that comes to them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol import events as ev
from streaming.log import Fenced, StoreUnavailable
from streaming.session import Session
from tests.streaming.test_nodes import Pair, lag, said, until
from tests.virtual import VirtualLoop

AWAY = StoreUnavailable("redis: no answer")


def owned(pair: Pair) -> Session:
    return next(iter(pair.a.ownership))


async def test_a_turn_that_broke_ends_for_those_who_read_it_elsewhere(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(said(400))
    first, second = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first, second], lambda: second.replica.text("g1") != "")
    first.cut()
    owned(pair).fail(AWAY)
    assert len(pair.a.ownership) == 0
    await until([second], lambda: len(second.of(ev.TurnDone)) == 1, 5.0)
    assert second.of(ev.TurnDone)[0].status == "lost"
    assert second.replica.generation("g1").intact  # type: ignore[union-attr]
    assert second.wire.close_code is None
    await pair.a.check()


async def test_a_store_that_stays_away_is_tried_again(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(said(400))
    first, second = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first, second], lambda: second.replica.text("g1") != "")
    first.cut()
    log = pair.a.ownership.ground.log
    real, tries = log.owner, 0

    async def away(name: str) -> None:
        nonlocal tries
        tries += 1
        raise AWAY

    log.owner = away  # type: ignore[method-assign]
    owned(pair).fail(AWAY)
    await asyncio.sleep(3.5)
    assert tries >= 3
    assert not second.of(ev.TurnDone)
    log.owner = real  # type: ignore[method-assign]
    await until([second], lambda: len(second.of(ev.TurnDone)) == 1, 5.0)


async def test_a_command_wakes_the_owner_whose_actor_broke(virtual: VirtualLoop) -> None:
    pair = await Pair.begin()
    first, second = await pair.tabs()
    first.cut()
    owned(pair).fail(AWAY)
    await asyncio.sleep(2.5)
    assert len(pair.a.ownership) == 0, "an idle session is not brought back for nothing"
    await second.send(cmd.ItemNext("n1"))
    await until([second], lambda: "n1" in second.replica.replies, 5.0)
    await lag()


class Late:
    """A log as another node sees it whose newest entries are not shown yet."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.hidden = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def head(self, name: str) -> Any:
        epoch, seq = await self._log.head(name)
        return epoch, seq - self.hidden

    async def read(self, name: str, after: int, **how: Any) -> Any:
        _, shown = await self.head(name)
        return [e for e in await self._log.read(name, after, **how) if e.seq <= shown]

    async def subscribe(self, name: str, _: Any) -> Any:
        return await self._log.subscribe(name, lambda news: None)


@pytest.mark.parametrize(("shown_after_s", "resets"), [(0.7, 0), (60.0, 1)])
async def test_a_client_that_is_ahead_of_what_is_shown_is_waited_for(
    virtual: VirtualLoop, shown_after_s: float, resets: int
) -> None:
    pair = await Pair.begin()
    first = await pair.a.learner()
    await first.send(cmd.LessonStart(first.new_id(), seed=4))
    late = Late(pair.a.ownership.ground.log)
    pair.b.ownership.ground.log = late
    virtual.call_later(shown_after_s, setattr, late, "hidden", 0)
    first.cut()
    first.world = pair.b
    await first.connect()
    await until([first], lambda: first.replica.connected, 5.0)
    assert first.replica.counters.resets == resets


async def test_an_actor_that_another_node_replaced_is_not_brought_back(
    virtual: VirtualLoop,
) -> None:
    pair = await Pair.begin(said(400))
    first, _ = await pair.tabs()
    await first.send(cmd.TurnStart("t1", "Please tell me about it"))
    await until([first], lambda: first.replica.text("g1") != "")
    session = owned(pair)
    session.fail(Fenced(session.sid, 2, 1))
    await asyncio.sleep(2.5)
    assert len(pair.a.ownership) == 0
