"""Words of distress in a room: they are answered once they are kept, and what was not is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol import commands as cmd
from protocol.errors import Code
from protocol.events import Err, Ok, TurnStarted
from protocol.limits import LIMITS
from streaming.alerts import Alert
from streaming.log import StoreUnavailable
from tests.rooms import Pupil, a_room, passed, with_rooms
from tests.streaming.test_nodes import Pair
from tests.streaming.test_nodes_again import Through, gone
from tests.streaming.test_rooms import Away
from tests.virtual import VirtualLoop
from tests.world import World, settle

CRY = "i want to kill myself"


class Case:
    """A learner whose session lives at one node, in a room there or by the other node."""

    def __init__(self, pair: Pair, pupil: Pupil, rid: str, told: list[Alert]) -> None:
        self.pair, self.pupil, self.rid, self.told = pair, pupil, rid, told

    @classmethod
    async def begin(cls, *, elsewhere: bool, enters: bool = True, **kwargs: Any) -> Case:
        told: list[Alert] = []

        async def tell(alert: Alert) -> None:
            told.append(alert)

        pair = await Pair.begin(tell=tell, **kwargs)
        rooms = with_rooms(pair.a, "a"), with_rooms(pair.b, "b")
        made, _ = await a_room(rooms[0])
        first, _ = await pair.tabs()
        pupil = Pupil(pair.b if elsewhere else pair.a, first.sid, cid="c_p")
        pupil.replica.token, pupil.ids = "t", 300
        await pupil.connect()
        if enters:
            await pupil.enter(made.rid, "Ann")
        await passed(1, pupil)
        return cls(pair, pupil, made.rid, told)

    @property
    def world(self) -> World:
        return self.pupil.world

    def post_is_away(self) -> Any:
        """Its node keeps no letters until this is called."""
        ground = self.world.ownership.ground
        nodes: Any = ground.nodes

        async def post(sid: str, letter: bytes) -> None:
            await asyncio.sleep(0.01)
            raise StoreUnavailable("redis: no answer")

        ground.nodes = Through(nodes, post=post)

        def back() -> None:
            ground.nodes = nodes

        return back

    def answers(self, id_: str) -> list[Any]:
        """What the client heard of a command, "dup" apart."""
        return [
            "ok" if isinstance(event, Ok) else event.code
            for event in self.pupil.heard
            if isinstance(event, Ok | Err) and event.re == id_
        ]

    def strange(self) -> list[str | None]:
        """Ids that were refused and that the client never used."""
        return [e.re for e in self.pupil.errors if e.re is None or e.re.startswith("room.")]

    async def answered_once(self, *, lost: bool = False) -> None:
        """There is one turn, with its safety text but where it is `lost`, and one alert."""
        await passed(15, self.pupil)
        turns = self.pupil.of(TurnStarted)
        assert len({turn.q for turn in turns}) == 1
        assert lost or "help" in self.pupil.replica.text(turns[0].gen)
        assert [alert.text for alert in self.told] == [CRY]
        assert self.strange() == []


async def test_what_could_not_be_posted_is_refused_and_sent_again(virtual: VirtualLoop) -> None:
    case = await Case.begin(elsewhere=True)
    back = case.post_is_away()
    id_ = await case.pupil.do(cmd.RoomSay, text=CRY)
    await passed(0.5, case.pupil)
    assert case.answers(id_) == [Code.STORE_UNAVAILABLE]
    assert case.pupil.errors[-1].temp
    assert case.told == []
    back()
    await passed(3, case.pupil)
    assert case.answers(id_) == [Code.STORE_UNAVAILABLE, "ok"]
    await case.answered_once()


@pytest.mark.parametrize("stores", [True, False])
async def test_what_could_not_be_appended_is_not_answered_and_sent_again(
    virtual: VirtualLoop, stores: bool
) -> None:
    case = await Case.begin(elsewhere=False)
    ground = case.world.ownership.ground
    ground.log = away = Away(ground.log)
    away.stores = stores
    id_ = await case.pupil.do(cmd.RoomSay, text=CRY)
    assert case.answers(id_) == []
    await passed(0.5, case.pupil)
    assert case.answers(id_) == []
    assert case.pupil.wire.close_code == 4000
    away.well = True
    case.pupil.cut()
    await passed(1)
    await case.pupil.connect()
    await passed(1, case.pupil)
    assert case.answers(id_) == ["ok"]
    await case.answered_once(lost=stores)


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_words_sent_again_have_one_effect(virtual: VirtualLoop, elsewhere: bool) -> None:
    case = await Case.begin(elsewhere=elsewhere)
    id_ = await case.pupil.do(cmd.RoomSay, text=CRY)
    await passed(1, case.pupil)
    await case.pupil.do(cmd.RoomSay, text=CRY, id=id_)
    await passed(1, case.pupil)
    assert case.answers(id_) == ["ok", "ok"]
    await case.answered_once()
    await case.pupil.do(cmd.RoomSay, text=f"{CRY} now", id=id_)
    await passed(1, case.pupil)
    assert case.answers(id_)[2:] == [Code.ID_REUSED]


async def test_the_owner_refuses_words_under_the_clients_own_id(virtual: VirtualLoop) -> None:
    case = await Case.begin(elsewhere=True)
    owner = next(iter(case.pair.a.ownership))
    owner.talk._starts_s = [virtual.time()] * LIMITS.turns_a_min
    id_ = await case.pupil.do(cmd.RoomSay, text=CRY)
    await passed(0.5, case.pupil)
    assert case.answers(id_) == [Code.RATE_LIMITED]
    assert case.pupil.errors[-1].retry_ms
    await passed(61, case.pupil)
    assert case.answers(id_) == [Code.RATE_LIMITED, "ok"]
    await case.answered_once()


async def test_words_whose_owner_dies_are_answered_by_the_next(virtual: VirtualLoop) -> None:
    case = await Case.begin(elsewhere=True)
    gone(case.pair.a)
    id_ = await case.pupil.do(cmd.RoomSay, text=CRY)
    await passed(1, case.pupil)
    assert case.answers(id_) == []
    await passed(20, case.pupil)
    assert case.answers(id_)[-1] == "ok"
    await case.answered_once()


async def test_a_name_in_distress_that_was_not_kept_lets_nobody_in(virtual: VirtualLoop) -> None:
    case = await Case.begin(elsewhere=True, enters=False)
    back = case.post_is_away()
    pupil = case.pupil
    for command in (cmd.RoomJoin("j", case.rid, CRY), cmd.RoomSay("s", case.rid, "hello")):
        for each in pupil.replica.send(command):
            pupil.transmit(each)
    await settle()
    await passed(0.5, pupil)
    assert case.answers("j") == [Code.STORE_UNAVAILABLE]
    assert case.answers("s") == [Code.STORE_UNAVAILABLE]
    back()
    await passed(3, pupil)
    assert case.answers("j")[-1] == "ok"
    assert case.answers("s")[-1] == "ok"
    await case.answered_once()


async def test_words_in_the_breath_of_a_join_are_heard(virtual: VirtualLoop) -> None:
    case = await Case.begin(elsewhere=False, enters=False)
    pupil = case.pupil
    for command in (cmd.RoomJoin("j", case.rid, "Ann"), cmd.RoomSay("s", case.rid, CRY)):
        for each in pupil.replica.send(command):
            pupil.transmit(each)
    await passed(1, pupil)
    assert (case.answers("j"), case.answers("s")) == (["ok"], ["ok"])
    await case.answered_once()
