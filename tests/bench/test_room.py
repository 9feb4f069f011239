"""A room, a storm and idle learners against real nodes, a few of each, no timing."""

from __future__ import annotations

import pytest

from bench import idle, room, storm
from bench.options import Options
from bench.record import passed
from bench.resp import commands_of
from bench.room_members import Heard


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave this process where it is."""
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)


def few(scenario: str, *, duration_s: float = 1.0) -> Options:
    return Options(
        scenario, connections=12, rate=20.0, duration_s=duration_s, rounds=1, peers=False
    )


def test_messages_are_counted_by_their_number() -> None:
    heard = Heard()
    heard.take(b'{"data":{"text":"say 7 and"}}\n{"data":{"text":"say 12 and"}}')
    heard.take(b'42["room.event",{"data":{"text":"say 7 and"}}]')
    assert heard.counts == {7: 2, 12: 1}
    assert set(heard.last_s) == {7, 12}


@pytest.mark.parametrize("members", [9, 1_001])
def test_a_room_has_a_number_of_members_that_can_be(members: int) -> None:
    with pytest.raises(ValueError, match=f"came {members}"):
        room.defaults(Options("room", connections=members))


@pytest.mark.parametrize("scenario", [room, storm, idle])
def test_a_running_server_is_not_taken(scenario: object) -> None:
    with pytest.raises(ValueError, match=r"(it starts its own|cannot take --url)"):
        scenario.defaults(Options("any", url="ws://x/v1/ws"))  # type: ignore[attr-defined] # a module


async def test_the_null_control_tells_every_member() -> None:
    async with room._opened(room.NULL, "") as place:
        row, later = await room._round(place, 0, few("room"))
    assert later == {}
    assert (row["messages"], row["doubled"]) == (20, 0)
    assert row["last_ms"]["n"] == 20
    assert row["redis_cpu_us_a_member"] == 0.0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_small_room_over_two_nodes_counts_every_vote_and_knows_who_is_there() -> None:
    options = few("room")
    async with room._opened(room.OURS, "") as place:
        row, later = await room._round(place, 0, options)
    assert row["doubled"] == 0
    assert later["votes_counted"] == later["votes_taken"] == later["votes"] == 11
    assert later["presence_wrong"] == 0
    assert (later["cut"], later["returned"], later["present"]) == (2, 1, 11)
    made = room.gates([row], later, options)
    assert passed(made)
    wrong = {**later, "votes_counted": 10, "presence_wrong": 1}
    assert [g["ok"] for g in room.gates([row], wrong, options)] == [True, False, False]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_small_storm_brings_everybody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storm, "QUIET_S", 0.5)
    body, gates = await storm.measured(few("storm"))
    (row,) = body["rounds"]
    assert row["back"] == 12
    assert passed(gates), gates
    assert not passed(storm.gates([{**row, "not_back": 1}]))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_few_idle_learners_add_no_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: int) -> float:
        return 0.0

    monkeypatch.setattr(idle, "quiet", at_once)
    body, gates = await idle.measured(few("idle", duration_s=3.0))
    (row,) = body["rounds"]
    assert [step["learners"] for step in row["steps"]] == [0, 12]
    assert row["closed"] == row["refusals"] == 0
    assert len(gates) == 3


def test_commands_are_read_from_what_redis_tells() -> None:
    stats = {"cmdstat_evalsha": "calls=3,usec=90,usec_per_call=30.00,rejected_calls=0"}
    assert commands_of(stats) == {"evalsha": {"calls": 3.0, "usec": 90.0}}
